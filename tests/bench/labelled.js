// SPDX-License-Identifier: Apache-2.0
// The models whose accuracy can be measured: what they learn from, what they are judged on, and the judge.
'use strict';
const fs = require('fs');
const path = require('path');
const { execFileSync } = require('child_process');
const { SHARED, run } = require('./models.js');

const JUDGE = path.join(SHARED, 'eval', 'ort_eval.py');
const NODE_MODULES = path.resolve(__dirname, '..', 'ort', 'node_modules');
const LIBRARY = path.join(NODE_MODULES, 'onnxruntime-node', 'bin', 'napi-v6', 'linux', 'x64', 'libonnxruntime.so.1');

// Models for ImageNet, and what they want of a picture.
const PICTURES = {
  'mobilenetv1-025-128-dq': 'tf', 'mobilenetv1-050-160-dq': 'tf', 'mobilenetv2-tf1-dq': 'tf', 'squeezenet-fp32-cast': 'caffe',
};
const ARRAYS = [
  'mnist-cnn-cntk', 'ort-cnn-mnist-pytorch', 'cifar10-cnn-winml', 'ort-image-classifier32', 'mlperf-resnet8', 'mlperf-kws-dscnn',
  'magika-v2', 'stories260k', 'tinystories-mlm',
];
// There are no labels for them: they are judged by how often their answers stay the same. One takes numbers like those of
// its stored input, one frames of recordings, one text.
const NUMBERS = 'velardo-genre-mlp', FRAMES = 'crepe-tiny', TEXT = 'byte-bidi-lstm';
// What it leaves open, and its texts need.
const EXTENTS = { [TEXT]: ['--dim', 'batch=1', '--dim', 'length=64'] };

// The labelled pictures in two folders: every other line of labels.txt, from the first on, to learn from, the rest to
// be judged on. Classes stand in order there, so both parts have all kinds.
function splitPictures(scratch) {
  const source = path.join(SHARED, 'data', 'imagenet-500');
  const folders = ['calib', 'test'].map((part) => path.join(scratch, `imagenet-${part}`));
  if (fs.existsSync(folders[0])) return folders;
  const lines = fs.readFileSync(path.join(source, 'labels.txt'), 'utf8').trim().split('\n');
  folders.forEach((folder, part) => {
    const mine = lines.filter((_, k) => k % 2 === part);
    fs.mkdirSync(folder);
    fs.writeFileSync(path.join(folder, 'labels.txt'), `${mine.join('\n')}\n`);
    for (const [file] of mine.map((line) => line.split('\t'))) fs.copyFileSync(path.join(source, file), path.join(folder, file));
  });
  return folders;
}

// Random inputs: elements of the last axis have the mean and deviation that they have in the stored input, half of
// that from sample to sample, as one piece differs from another.
const MAKE_INPUTS = `
import numpy, onnx, sys
from onnx import numpy_helper
name, stored, calib, test = sys.argv[1:5]
x = numpy_helper.to_array(onnx.TensorProto.FromString(open(stored, 'rb').read()))
rows = x.reshape(-1, x.shape[-1])
random = numpy.random.default_rng(0)
for file, count in ((calib, 2048), (test, 2000)):
    samples = random.normal(rows.mean(0), rows.std(0), (count,) + (1,) * (x.ndim - 2) + x.shape[-1:])
    samples = samples + random.normal(0, rows.std(0) / 2, (count,) + x.shape[1:])
    numpy.savez(file, **{name: samples.astype('f4')})
`;

// Frames of 64 ms at 16 kHz, each of mean 0 and deviation 1, as the network was trained on: of one recording to learn
// from, of another to be judged on.
const MAKE_FRAMES = `
import numpy, sys, wave
name, folder, calib, test = sys.argv[1:5]
for file, recording, count in ((calib, 'vocadito_10', 64), (test, 'vocadito_14', 500)):
    with wave.open(folder + '/' + recording + '.wav') as source:
        rate, channels = source.getframerate(), source.getnchannels()
        x = numpy.frombuffer(source.readframes(source.getnframes()), 'i2').reshape(-1, channels).mean(1) / 32768
    x = numpy.interp(numpy.arange(0, len(x) - 1, rate / 16000), numpy.arange(len(x)), x)
    starts = numpy.linspace(0, len(x) - 1024, count).astype(int)
    frames = numpy.stack([x[s:s + 1024] for s in starts])
    frames = (frames - frames.mean(1, keepdims=True)) / (frames.std(1, keepdims=True) + 1e-8)
    numpy.savez(file, **{name: frames.astype('f4')})
`;

// Lines of 64 bytes: of half of the pages in docs to learn from, of the others to be judged on.
const MAKE_TEXT = `
import glob, numpy, sys
name, folder, calib, test = sys.argv[1:5]
pages = sorted(glob.glob(folder + '/*.md'))
for file, mine, count in ((calib, pages[::2], 200), (test, pages[1::2], 500)):
    text = numpy.frombuffer(b''.join(open(page, 'rb').read() for page in mine), 'u1')
    starts = numpy.linspace(0, len(text) - 64, count).astype(int)
    numpy.savez(file, **{name: numpy.stack([text[s:s + 64] for s in starts])})
`;

function makeInputs(model, scratch, program, source) {
  const [calib, test] = ['calib', 'test'].map((part) => path.join(scratch, `${model.name}-${part}.npz`));
  if (!fs.existsSync(calib)) {
    const [{ name }] = JSON.parse(run(['info', '--json', model.file])).inputs;
    execFileSync('/usr/bin/python3', ['-c', program, name, source, calib, test]);
  }
  return { calib: ['--calib', calib], test, judged: ['--npz', test] };
}

// { calib: arguments of the job, image: those that tell it what to do with pictures, test: the data, judged: arguments of
// the judge }; null if there are no data for the model.
function dataOf(model, scratch) {
  if (PICTURES[model.name]) {
    const [calib, test] = splitPictures(scratch), pre = PICTURES[model.name];
    return { calib: ['--calib', calib, '--image', pre], image: ['--image', pre], test, judged: ['--images', test, '--pre', pre] };
  }
  if (ARRAYS.includes(model.name)) {
    const [calib, test] = ['calib', 'test'].map((part) => path.join(SHARED, 'data', model.name, `${part}.npz`));
    return { calib: ['--calib', calib], test, judged: ['--npz', test] };
  }
  if (model.name === FRAMES) return makeInputs(model, scratch, MAKE_FRAMES, path.join(SHARED, 'data', 'audio'));
  if (model.name === TEXT) return makeInputs(model, scratch, MAKE_TEXT, path.resolve(__dirname, '..', '..', 'docs'));
  return model.name === NUMBERS ? makeInputs(model, scratch, MAKE_INPUTS, path.join(model.inputs, 'input_0.pb')) : null;
}

// What ort_eval.py says of the file: { top1, samples, bytes }, and with `original` { sqnr_db, argmax_agree }.
function judge(file, data, original) {
  const args = [JUDGE, file, ...data.judged, ...(original ? ['--ref', original, '--runs', '1'] : [])];
  const env = { ...process.env, ORT_LIB: process.env.ORT_LIB || LIBRARY };
  return JSON.parse(execFileSync('/usr/bin/python3', args, { env, stdio: ['ignore', 'pipe', 'pipe'] }).toString());
}

// A file against the original, which is judged once: top-1 of both, points of it that are lost (without labels per cent of
// answers that change), per cent of answers that stay, decibels, numbers of samples and bytes.
function compare(model, file, data) {
  model.judged = model.judged || judge(model.file, data);
  const found = judge(file, data, model.file), { top1: first, samples, bytes } = model.judged;
  return {
    float: first, top1: found.top1, drop: first === undefined ? 100 - found.argmax_agree : first - found.top1, agree: found.argmax_agree,
    sqnr: found.sqnr_db === null ? Infinity : found.sqnr_db, samples, bytes: [bytes, found.bytes],
  };
}

// Per cent of the labelled rows that the model gets right in our runtime, with the options of `onnx-c2s run`.
const TOP_1 = `
import glob, numpy, os, sys
found, data = sys.argv[1:3]
scores = numpy.load(sorted(glob.glob(found + '/*.npy'))[0])
if os.path.isdir(data):
    labels = numpy.array([int(line.split('\\t')[1]) for line in open(data + '/labels.txt')])
else:
    labels = numpy.load(data)['labels']
scores = scores.reshape(labels.shape + (-1,))
if os.path.isdir(data) and scores.shape[-1] == 1001:
    scores = scores[..., 1:]
hit = (scores.argmax(-1) == labels)[labels >= 0]
print(100 * hit.mean())
`;

function top1(file, data, options, scratch) {
  const folder = path.join(scratch, 'found');
  fs.rmSync(folder, { recursive: true, force: true });
  run(['run', '-q', file, '--data', data.test, ...(data.image || []), ...options, '--out', folder]);
  const percent = Number(execFileSync('/usr/bin/python3', ['-c', TOP_1, folder, data.test]));
  fs.rmSync(folder, { recursive: true });
  return percent;
}

module.exports = { LABELLED: [...ARRAYS, ...Object.keys(PICTURES)], UNLABELLED: [NUMBERS, FRAMES], TEXT, extentsOf: (model) => EXTENTS[model.name] || [], dataOf, compare, splitPictures, top1 };
