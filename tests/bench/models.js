// SPDX-License-Identifier: Apache-2.0
// The models that the programs of tests/bench measure, and the forms of them that they need.
'use strict';
const fs = require('fs');
const path = require('path');
const { execFileSync } = require('child_process');
const { open, feedsOf } = require('./onnxruntime.js');

const SOURCE = path.resolve(__dirname, '..', '..');
const BUILD = process.env.C2S_BUILD || path.join(SOURCE, 'build');
const PROGRAM = process.env.C2S_BIN || path.join(BUILD, 'onnx-c2s');
const SHARED = process.env.C2S_SHARED || path.join(SOURCE, '..', 'shared');

const BIG = ['resnet50', 'mobilenetv2', 'vgg16', 'bert-base'];
// Big models that qdq.py quantizes.
const INT8 = ['resnet50', 'mobilenetv2'];
// Extents that the big models leave open.
const DIMS = { 'bert-base': ['batch=1', 'sequence=128'] };
// One node of each kind that is common, with next to nothing to do.
const WARM = `<ir_version: 8, opset_import: ["" : 17]>
warm (float[1,8,8,8] x, float[8,8,3,3] w, float[8,1,3,3] d, float[4,4,8] s, float[1,32,8] lw, float[1,32,8] lr, int64[2] rows)
    => (float[2,8] y, float[4,1,4,8] h, float[1,8,16,16] big) {
    a = Conv <pads = [1, 1, 1, 1]> (x, w)
    b = Relu (a)
    c = Conv <group = 8, pads = [1, 1, 1, 1]> (b, d)
    e = Add (b, c)
    f = MaxPool <kernel_shape = [2, 2], strides = [2, 2]> (e)
    g = GlobalAveragePool (f)
    flat = Flatten (g)
    scale = Constant <value = float[8] {1, 1, 1, 1, 1, 1, 1, 1}> ()
    square = Constant <value = float[1,8] {1, 2, 3, 4, 5, 6, 7, 8}> ()
    i = Gemm <transB = 1> (flat, square)
    j = Add (flat, i)
    k = LayerNormalization (j, scale)
    l = Softmax (k)
    m = Sigmoid (l)
    n = Concat <axis = 0> (l, m)
    y = Gather (n, rows)
    t = Transpose <perm = [0, 2, 1]> (s)
    q = MatMul (s, t)
    u = MatMul (q, s)
    v = Tanh (u)
    z = ReduceMean <axes = [1], keepdims = 1> (v)
    o = Add (v, z)
    h = LSTM <hidden_size = 8> (o, lw, lr)
    sizes = Constant <value = int64[4] {1, 8, 16, 16}> ()
    big = Resize <mode = "linear"> (e, "", "", sizes)
}`;

function run(args) {
  return execFileSync(PROGRAM, args.map(String), { maxBuffer: 1 << 28, stdio: ['ignore', 'pipe', 'pipe'] }).toString();
}

// Elapsed and processor seconds, and resident bytes, of a command.
function costs(command, ...args) {
  const out = execFileSync('bash', ['-c', '/usr/bin/time -f "%e %U %S %M" "$0" "$@" 2>&1 >/dev/null', command, ...args.map(String)]);
  const [elapsed, user, system, kilobytes] = out.toString().trim().split('\n').pop().split(' ').map(Number);
  return { elapsed, processor: user + system, memory: 1024 * kilobytes };
}

// What a command that failed, or our own code, said last.
function reason(error) {
  return String((error.stderr && error.stderr.toString()) || error.message).trim().split('\n').pop();
}

// Of a model and its external data.
function bytesOf(file) {
  return [file, `${file}.data`].reduce((sum, part) => sum + (fs.existsSync(part) ? fs.statSync(part).size : 0), 0);
}

const infoOf = (file) => JSON.parse(run(['info', '--json', file]));

const big = (name) => path.join(BUILD, 'bench-models', `${name}.onnx`);

// { name, file, inputs, set } of everything there is; `set` is 'shared', 'light', 'big' or 'int8'.
function known() {
  const list = [];
  const models = path.join(SHARED, 'models');
  for (const name of fs.existsSync(models) ? fs.readdirSync(models).sort() : []) {
    const stored = path.join(models, name, 'test_data_set_ort');
    list.push({ name, file: path.join(models, name, 'model.onnx'), inputs: fs.existsSync(stored) ? stored : null, set: 'shared' });
  }
  const light = path.join(SHARED, 'models-untrained', 'light');
  for (const file of fs.existsSync(light) ? fs.readdirSync(light).sort() : [])
    if (file.endsWith('.onnx')) list.push({ name: path.basename(file, '.onnx'), file: path.join(light, file), set: 'light' });
  for (const name of BIG) list.push({ name, file: big(name), set: 'big' });
  for (const name of INT8) list.push({ name: `${name}-int8`, file: big(`${name}-int8`), set: 'int8', source: name });
  return list.map((model) => ({ ...model, dims: DIMS[model.name] || [] }));
}

function chosen(names) {
  const all = known();
  if (names.length === 0) return all;
  return names.map((name) => all.find((one) => one.name === name) || { name: path.basename(name, '.onnx'), file: name, dims: [], set: 'own' });
}

function python(...args) {
  execFileSync('/usr/bin/python3', args, { stdio: 'ignore' });
}

// Files of the big models, which are made when they are first needed.
function makeBig(model) {
  if (!['big', 'int8'].includes(model.set) || fs.existsSync(model.file)) return;
  fs.mkdirSync(path.dirname(model.file), { recursive: true });
  if (model.set === 'big') {
    python(path.join(SHARED, 'tools', 'make_big.py'), model.name, model.file);
    return;
  }
  makeBig({ name: model.source, file: big(model.source), set: 'big' });
  python(path.join(__dirname, 'qdq.py'), PROGRAM, big(model.source), model.file);
}

// The model that both runtimes run before a session is measured.
function makeWarm(scratch) {
  const text = path.join(scratch, 'warm.onnxtxt'), file = path.join(scratch, 'warm.onnx');
  fs.writeFileSync(text, WARM);
  run(['-q', '--passes', 'none', text, file]);
  return file;
}

// The shapes of its inputs, `[{ name, dims }]`: what ours runs on, where the model leaves them open.
function shapesOf(model) {
  const args = ['bench', model.file, '--json', '--threads', 1, '--seconds', 0.001];
  for (const dim of model.dims) args.push('--dim', dim);
  if (model.inputs) args.push('--data', model.inputs);
  return JSON.parse(run(args)).inputs;
}

// What the default job makes of the model, made once.
function optimized(model, scratch) {
  const file = path.join(scratch, `${model.name}.onnx`);
  if (!fs.existsSync(file)) run(['-q', '--no-prove', model.file, file]);
  return file;
}

// One input, of rank 4: images, or what networks for images take.
function isImageModel(shapes) {
  return shapes.length === 1 && shapes[0].dims.length === 4;
}

function rows(tensor, from, to) {
  const size = tensor.data.length / tensor.dims[0];
  return tensor.data.subarray(from * size, to * size);
}

// A copy that takes `batch` images at once, checked with ONNX Runtime: the results for equal images
// must be equal to those of the model as it was. `shapes` is what one image needs. Throws if there is
// no such copy.
async function batched(model, shapes, batch, scratch) {
  const file = path.join(scratch, `${model.name}-batch${batch}-original.onnx`);
  const dims = [batch, ...shapes[0].dims.slice(1)];
  if (shapes[0].dims[0] !== 1) throw new Error('its input is not a batch of one');
  if (!fs.existsSync(file))
    run(['-q', '--passes', 'none', '--no-prove', '--shape', `${shapes[0].name}=${dims}`, model.file, file]);
  const wide = { ...model, file, shapes: null, inputs: null, dims: [], name: `${model.name}-batch${batch}`, title: model.name };
  const one = await open(model.file, 1), many = await open(file, 1);
  try {
    const feeds = feedsOf(one, shapes, null);
    const [input] = Object.values(feeds);
    const image = input.data;
    const copies = new image.constructor(batch * image.length);
    for (let k = 0; k < batch; k++) copies.set(image, k * image.length);
    const want = await one.run(feeds);
    const found = await many.run({ [Object.keys(feeds)[0]]: new input.constructor(input.type, copies, dims) });
    for (const name of Object.keys(want))
      for (const k of [0, batch - 1]) requireEqual(want[name], found[name], k, batch, name);
  } finally {
    await one.release();
    await many.release();
  }
  return wide;
}

function requireEqual(want, found, k, batch, name) {
  const count = want.dims[0] || 1;
  if (found.data.length !== batch * want.data.length || found.dims[0] !== batch * count)
    throw new Error(`output ${name} is [${found.dims}] for ${batch} images, [${want.dims}] for one`);
  const values = rows(found, k * count, (k + 1) * count);
  let largest = 0, worst = 0;
  want.data.forEach((value, i) => {
    largest = Math.max(largest, Math.abs(Number(value)));
    worst = Math.max(worst, Math.abs(Number(value) - Number(values[i])));
  });
  if (worst > 1e-2 * largest) throw new Error(`output ${name} for image ${k} differs from that for one image`);
}

module.exports = {
  BUILD, PROGRAM, SHARED, run, costs, reason, bytesOf, infoOf, chosen, makeBig, makeWarm, shapesOf, optimized, isImageModel, batched,
};
