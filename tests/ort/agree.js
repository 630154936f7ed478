#!/usr/bin/env node
// SPDX-License-Identifier: Apache-2.0
'use strict';
const USAGE = `agree.js: do two models compute the same in ONNX Runtime?

  node agree.js [options] ORIGINAL NEW
  node agree.js [options] --list FILE    lines: NAME<tab>ORIGINAL<tab>NEW[<tab>INPUTS]

  --inputs FOLDER      input_k.pb files; default: test_data_set_*/ beside ORIGINAL and random values
                       in the same shapes; random inputs if there are none
  --seed N             of the random inputs (default 1)
  --dim NAME=VALUE     a symbolic dimension of the random inputs
  --optimize LEVEL     disabled (default), basic, extended or all: ONNX Runtime's own optimizations.
                       They change results too, in quantized models by whole steps, so that the
                       comparison does without; NEW must also load and run with all of them.

One line a pair: the largest error relative to max |reference| over all input sets, and the smallest
SQNR, of the outputs.
A pair agrees at 1e-4 for float32 and float64, 1e-2 for float16, equality for all else.
Exit status: 0 all agree, 1 some do not, 2 usage.`;

const fs = require('fs');
const path = require('path');
const { parseArgs } = require('util');
const ort = require('onnxruntime-node');
const { fromFolder, random, varied } = require('./inputs.js');
const { Comparison } = require('./compare.js');

function parse() {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      list: { type: 'string' },
      inputs: { type: 'string' },
      seed: { type: 'string', default: '1' },
      dim: { type: 'string', multiple: true, default: [] },
      optimize: { type: 'string', default: 'disabled' },
      help: { type: 'boolean', short: 'h' },
    },
  });
  if (values.help) {
    console.log(USAGE);
    process.exit(0);
  }
  if (positionals.length !== (values.list ? 0 : 2)) throw new Error('expected ORIGINAL NEW, or --list FILE');
  const dims = {};
  for (const text of values.dim) {
    const match = /^(.+)=(\d+)$/.exec(text);
    if (!match) throw new Error(`--dim ${text}: expected NAME=VALUE`);
    dims[match[1]] = Number(match[2]);
  }
  const pairs = values.list
    ? fs.readFileSync(values.list, 'utf8').split('\n').filter(Boolean).map((line) => {
      const [name, original, changed, inputs] = line.split('\t');
      if (!changed) throw new Error(`--list: expected three or four fields, found '${line}'`);
      return { name, original, changed, inputs };
    })
    : [{ name: positionals[1], original: positionals[0], changed: positionals[1] }];
  for (const pair of pairs) pair.inputs = pair.inputs || values.inputs;
  return { pairs, dims, seed: Number(values.seed), optimize: values.optimize };
}

function open(file, optimize) {
  return ort.InferenceSession.create(file, {
    graphOptimizationLevel: optimize, intraOpNumThreads: 1, interOpNumThreads: 1, logSeverityLevel: 3,
  });
}

function inputFolders(original) {
  const folder = path.dirname(original);
  return fs.readdirSync(folder)
    .filter((name) => name.startsWith('test_data_set_') && fs.existsSync(path.join(folder, name, 'input_0.pb')))
    .sort().map((name) => path.join(folder, name));
}

// { ok, error, sqnr, sets, why } over all input sets and outputs of one pair.
async function judge(pair, options) {
  const reference = await open(pair.original, options.optimize);
  const changed = await open(pair.changed, options.optimize);
  const interfaceOf = (session) => session.inputNames.join('|') + ' -> ' + session.outputNames.join('|');
  if (interfaceOf(reference) !== interfaceOf(changed))
    throw new Error(`interface ${interfaceOf(changed)}, expected ${interfaceOf(reference)}`);

  const folders = pair.inputs ? [pair.inputs] : inputFolders(pair.original);
  const feeds = folders.length
    ? folders.map((folder) => fromFolder(folder, reference.inputMetadata))
    : [random(reference.inputMetadata, options.seed, options.dims)];
  if (folders.length && !pair.inputs) feeds.push(varied(feeds[feeds.length - 1], options.seed));
  const result = { ok: true, error: 0, sqnr: Infinity, stored: folders.length, random: feeds.length - folders.length, why: '' };
  const comparisons = new Map(reference.outputNames.map((name) => [name, new Comparison()]));
  for (const feed of feeds) {
    const expected = await reference.run(feed);
    const found = await changed.run(feed);
    for (const [name, comparison] of comparisons) comparison.add(expected[name], found[name]);
  }
  for (const [name, comparison] of comparisons) {
    const one = comparison.result();
    result.error = Math.max(result.error, one.error);
    result.sqnr = Math.min(result.sqnr, one.sqnr);
    if (!one.ok && result.ok) [result.ok, result.why] = [false, `output ${name}: ${one.why}`];
  }
  const optimized = await open(pair.changed, 'all');
  await optimized.run(feeds[0]);
  await optimized.release();
  await reference.release();
  await changed.release();
  return result;
}

async function main() {
  let options;
  try {
    options = parse();
  } catch (error) {
    console.error(`agree.js: ${error.message}\n\n${USAGE}`);
    return 2;
  }
  let failed = 0;
  for (const pair of options.pairs) {
    let line;
    try {
      const result = await judge(pair, options);
      line = `error ${result.error.toExponential(2)}, SQNR ${result.sqnr.toFixed(1)} dB, ` +
        `inputs: ${result.stored} stored, ${result.random} random` +
        (result.ok ? '' : `: ${result.why}`);
      if (!result.ok) failed++;
      line = `${result.ok ? 'agrees ' : 'DIFFERS'} ${pair.name}: ${line}`;
    } catch (error) {
      failed++;
      line = `FAILED  ${pair.name}: ${error.message.split('\n')[0]}`;
    }
    console.log(line);
  }
  console.log(`${options.pairs.length - failed} of ${options.pairs.length} agree`);
  return failed ? 1 : 0;
}

main().then((status) => { process.exitCode = status; });
