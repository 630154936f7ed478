// SPDX-License-Identifier: Apache-2.0
// operators.js PROGRAM FOLDER CASES.js... [--only TEXT]: models of one node each, run by PROGRAM
// and by ONNX Runtime on the same inputs; FOLDER is for the files.
//
// A module of cases exports a list of { op, in, attrs, out, ... }:
//   op      "Type", of com.microsoft, or "domain:Type" (":Type" is of ai.onnx)
//   in      the inputs, made by the functions of operands.js; null: left out
//   attrs   name: number (an integer), string, list of integers, or float(..), floats(..), strings(..)
//   out     element types of the outputs; '' : left out
//   near    largest error relative to the largest element (default 1e-4, float16 1e-2)
//   steps   integers may differ by so much (default 0)
//   opset   of ai.onnx (default 17)
//   shared  per output: the input whose memory it must share in ONNX Runtime
//   same    per output: how many elements of the last axis but one, from the front, are compared
//           where the rest is not defined
'use strict';
const fs = require('fs');
const path = require('path');
const { spawnSync } = require('child_process');
const ort = require('onnxruntime-node');
const { text, writeTensor, readArray, values } = require('./operands.js');

const FLOATS = { float: 1e-4, double: 1e-4, float16: 1e-2 };

function attribute(name, value) {
  const quoted = (s) => JSON.stringify(s);
  const float = (x) => (Number.isInteger(x) ? x.toFixed(1) : String(x));
  if (typeof value === 'number') return `${name} = ${value}`;
  if (typeof value === 'string') return `${name} = ${quoted(value)}`;
  if (Array.isArray(value)) return `${name} : ints = [${value.join(', ')}]`;
  if ('float' in value) return `${name} = ${float(value.float)}`;
  if ('floats' in value) return `${name} : floats = [${value.floats.map(float).join(', ')}]`;
  return `${name} : strings = [${value.strings.map(quoted).join(', ')}]`;
}

function model(test) {
  const [domain, type] = test.op.includes(':') ? test.op.split(':') : ['com.microsoft', test.op];
  const inputs = test.in.map((operand, k) => operand && { operand, name: `x${k}` });
  const given = inputs.filter((x) => x && !x.operand.fixed);
  const fixed = inputs.filter((x) => x && x.operand.fixed);
  const attrs = Object.entries(test.attrs || {}).map(([name, value]) => attribute(name, value));
  const outputs = test.out.map((dtype, k) => dtype && { dtype, name: `y${k}` });
  const names = (list) => list.map((x) => (x ? x.name : '""')).join(', ');
  const opsets = [`"" : ${test.opset || 17}`].concat(domain ? [`"${domain}" : ${test.version || 1}`] : []);
  const shape = ({ operand }) => operand.dtype + (operand.dims.length ? `[${operand.dims}]` : '');
  const source = `<ir_version: 10, opset_import: [${opsets}]>
g (${given.map((x) => `${shape(x)} ${x.name}`).join(', ')}) => (${outputs.filter(Boolean).map((y) => `${y.dtype}[] ${y.name}`).join(', ')})
${fixed.length ? `<${fixed.map((x) => `${shape(x)} ${x.name} = {${text(x.operand)}}`).join(',\n')}>` : ''}
{ ${names(outputs)} = ${domain ? `${domain}.` : ''}${type} ${attrs.length ? `<${attrs.join(', ')}>` : ''} (${names(inputs)}) }
`;
  return { source, given, outputs: outputs.filter(Boolean) };
}

// The elements that are defined: all, or the first `count` on the last axis but one.
function defined(data, dims, count) {
  if (count === undefined) return data;
  const width = dims[dims.length - 1];
  const rows = dims[dims.length - 2];
  return data.filter((_, i) => Math.floor(i / width) % rows < count);
}

// '' or how the outputs differ.
function difference(test, dtype, expected, found, count) {
  if (expected.dims.join() !== found.dims.join()) return `shape [${found.dims}], expected [${expected.dims}]`;
  const a = defined(expected.data, expected.dims, count);
  const b = defined(found.data, found.dims, count);
  const limit = FLOATS[dtype] === undefined ? 0 : test.near || FLOATS[dtype];
  let most = 1e-3;
  for (const x of a) if (limit && Number.isFinite(x)) most = Math.max(most, Math.abs(x));
  for (let i = 0; i < a.length; i++) {
    if (Object.is(a[i], b[i]) || a[i] === b[i]) continue;
    const error = typeof a[i] === 'string' ? Infinity : limit ? Math.abs(a[i] - b[i]) / most : Math.abs(Number(a[i]) - Number(b[i]));
    if (!(error <= (limit || test.steps || 0))) return `element ${i} is ${b[i]}, expected ${a[i]}`;
  }
  return '';
}

function run(program, ...parameters) {
  const done = spawnSync(program, parameters, { encoding: 'utf8' });
  if (done.status !== 0) throw new Error(`${path.basename(program)}: ${done.stderr.trim() || done.signal}`);
}

async function judge(program, folder, test) {
  fs.mkdirSync(folder, { recursive: true });
  const { source, given, outputs } = model(test);
  const file = path.join(folder, 'model.onnxtxt');
  const binary = path.join(folder, 'model.onnx');
  fs.writeFileSync(file, source);
  run(program, '-q', '--no-prove', '--passes', 'none', file, binary);
  const feeds = {};
  given.forEach((x, k) => {
    fs.writeFileSync(path.join(folder, `input_${k}.pb`), writeTensor(x.name, x.operand));
    feeds[x.name] = new ort.Tensor(x.operand.ort, x.operand.array, x.operand.dims);
  });
  const session = await ort.InferenceSession.create(binary, { graphOptimizationLevel: 'disabled', intraOpNumThreads: 1, interOpNumThreads: 1, logSeverityLevel: 4 });
  const places = Object.fromEntries(outputs.map((y, k) => [y.name, feeds[`x${(test.shared || [])[k]}`] || null]));
  const expected = await session.run(feeds, places);
  await session.release();
  run(program, 'run', '-q', '--threads', '1', ...(given.length ? ['--data', folder] : []), '--out', folder, file);
  for (const [k, y] of outputs.entries()) {
    const found = readArray(path.join(folder, `${y.name}.npy`));
    const why = difference(test, y.dtype, values(expected[y.name]), found, (test.same || [])[k]);
    if (why) return `output ${y.name}: ${why}`;
  }
  return '';
}

async function main() {
  const [program, folder, ...rest] = process.argv.slice(2);
  const only = rest.includes('--only') ? rest.splice(rest.indexOf('--only'), 2)[1] : '';
  const cases = rest.flatMap((file) => require(path.resolve(file)));
  let failed = 0;
  let count = 0;
  for (const [k, test] of cases.entries()) {
    if (!test.op.includes(only)) continue;
    count++;
    let why;
    try {
      why = await judge(program, path.join(folder, `${k}`), test);
    } catch (error) {
      why = error.message;
    }
    if (!why) continue;
    failed++;
    console.log(`case ${k} ${test.op}: ${why.split('\n')[0].slice(0, 300)}\n    ${JSON.stringify(test.attrs || {}).slice(0, 300)}`);
  }
  console.log(`${count - failed} of ${count} as ONNX Runtime computes`);
  fs.writeFileSync(path.join(folder, 'operators.txt'), [...new Set(cases.map((test) => test.op))].join('\n') + '\n');
  return failed || !count ? 1 : 0;
}

main().then((status) => { process.exitCode = status; });
