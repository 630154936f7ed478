// SPDX-License-Identifier: Apache-2.0
// saturation.js PROGRAM FOLDER: models of sums of 8-bit products with extreme weights and inputs.
// Each has its weights as int8 and, less exact nowhere, as uint8 with 128 more and the zero point 128
// more: unsigned weights ONNX Runtime multiplies exactly on every processor. So it judges both
// arithmetics. Scales are powers of two, so that rounding to the result is the same everywhere.
'use strict';
const fs = require('fs');
const path = require('path');
const { spawnSync } = require('child_process');
const ort = require('onnxruntime-node');
const { of, whole, text, writeTensor, readArray, values } = require('./operands.js');

// Large weights of both signs, few small ones; large inputs.
const pick = (list) => (x) => list[x];
const extreme = (dims) => {
  const choice = whole(dims, 'int32', 0, 4);
  return of(dims, 'int8', Array.from(choice.array, pick([-128, -127, 127, 127, 60])));
};
const large = (dims, dtype) => {
  const choice = whole(dims, 'int32', 0, 4);
  const list = [0, 255, 255, 252, 205].map((x) => (dtype === 'int8' ? x - 128 : x));
  return of(dims, dtype, Array.from(choice.array, pick(list)));
};
const unsigned = (w) => of(w.dims, 'uint8', Array.from(w.array, (x) => x + 128));
const scalar = (dtype, x) => of([], dtype, [x]);

// { name, x: input, in: constants, body(weights' type), out: type, exact: ONNX Runtime does not saturate }
const cases = [];

function conv(form, x, w, attrs, zero, options = {}) {
  const [outputs, , ...window] = w.dims;
  const terms = w.dims.slice(1).reduce((n, d) => n * d, 1);
  const step = 2 ** Math.ceil(Math.log2((terms * 255) / 2));
  const list = Object.entries({ kernel_shape: window, ...attrs }).map(([k, v]) => `${k} = ${JSON.stringify(v).replace(/,/g, ', ')}`);
  const text = `<${list.join(', ')}>`;
  const bias = whole([outputs], 'int32', -3000, 3000);
  const target = x.dtype === 'uint8' ? 128 : 0;
  const of1 = scalar('float', 1);
  const dtype = x.dtype;
  const forms = {
    QLinearConv: {
      in: { one: of1, zx: scalar(dtype, zero), step: scalar('float', step), zy: scalar(dtype, target), bias },
      body: `y = QLinearConv ${text} (x, one, zx, w, one, zw, step, zy, bias)`,
      out: dtype,
    },
    Conv: {
      in: { one: of1, ones: of([outputs], 'float', Array(outputs).fill(1)), zx: scalar(dtype, zero), step: scalar('float', step), zy: scalar(dtype, target), bias },
      body: `xf = DequantizeLinear (x, one, zx)
  wf = DequantizeLinear (w, one, zw)
  bf = DequantizeLinear (bias, one)
  yf = Conv ${text} (xf, wf, bf)
  y = QuantizeLinear (yf, step, zy)`,
      out: dtype,
    },
    ConvInteger: { in: { zx: scalar(dtype, zero) }, body: `y = ConvInteger ${text} (x, w, zx, zw)`, out: 'int32' },
  };
  cases.push({ name: `${form} ${JSON.stringify(attrs)}`, x, w, ...forms[form], ...options });
}

for (const form of ['QLinearConv', 'Conv'])
  for (const [channels, outputs, k, attrs, size] of [
    [16, 16, 3, { pads: [1, 1, 1, 1] }, 6], [16, 24, 1, {}, 5], [3, 16, 3, { pads: [1, 1, 1, 1] }, 6], [3, 5, 3, {}, 6], [1, 20, 3, {}, 6],
    [8, 8, 3, { strides: [2, 2] }, 7], [4, 24, 3, { dilations: [2, 2] }, 7], [6, 17, 5, { pads: [2, 1, 0, 2] }, 6], [7, 16, 1, { strides: [2, 2] }, 5]])
    conv(form, large([2, channels, size, size], 'uint8'), extreme([outputs, channels, k, k]), attrs, 7);
for (const form of ['QLinearConv', 'Conv']) {
  conv(form, large([1, 12, 6, 6], 'uint8'), extreme([12, 3, 3, 3]), { group: 4, pads: [1, 1, 1, 1] }, 200);
  conv(form, large([1, 12, 6, 6], 'uint8'), extreme([24, 1, 3, 3]), { group: 12 }, 0);
  conv(form, large([1, 32, 5, 5], 'uint8'), extreme([32, 16, 3, 3]), { group: 2 }, 0);
  conv(form, large([1, 9, 20], 'uint8'), extreme([16, 9, 4]), { pads: [2, 1] }, 3);
  for (const depth of [16, 12, 1]) conv(form, large([1, depth, 6, 6], 'uint8'), extreme([depth, 1, 3, 3]), { group: depth }, 9, { exact: true });
}
conv('ConvInteger', large([1, 16, 6, 6], 'uint8'), extreme([16, 16, 3, 3]), {}, 5, { exact: true });
conv('QLinearConv', large([1, 16, 6, 6], 'int8'), extreme([16, 16, 3, 3]), {}, 5, { exact: true, signed: true });

function product(form, x, w, zero, options = {}) {
  const terms = w.dims[0];
  const step = 2 ** Math.ceil(Math.log2((terms * 255) / 2));
  const columns = w.dims[1];
  const dtype = x.dtype;
  const bias = whole([columns], 'int32', -3000, 3000);
  const base = { one: scalar('float', 1), zx: scalar(dtype, zero), step: scalar('float', step), zy: scalar(dtype, 128), bias };
  const forms = {
    QLinearMatMul: ['y = QLinearMatMul (x, one, zx, w, one, zw, step, zy)', dtype],
    MatMulInteger: ['y = MatMulInteger (x, w, zx, zw)', 'int32'],
    MatMul: [`xf = DequantizeLinear (x, one, zx)
  wf = DequantizeLinear (w, one, zw)
  yf = MatMul (xf, wf)
  y = QuantizeLinear (yf, step, zy)`, dtype],
    FloatMatMul: [`xf = DequantizeLinear (x, one, zx)
  wf = DequantizeLinear (w, one, zw)
  y = MatMul (xf, wf)`, 'float'],
    Gemm: [`xf = DequantizeLinear (x, one, zx)
  wf = DequantizeLinear (w, one, zw)
  bf = DequantizeLinear (bias, one)
  yf = Gemm (xf, wf, bf)
  y = QuantizeLinear (yf, step, zy)`, dtype],
    QGemm: ['y = com.microsoft.QGemm (x, one, zx, w, one, zw, bias, step, zy)', dtype],
  };
  cases.push({ name: `${form} [${x.dims}] [${w.dims}]`, x, w, in: base, body: forms[form][0], out: forms[form][1], ...options });
}

for (const form of ['QLinearMatMul', 'MatMulInteger', 'MatMul', 'FloatMatMul', 'Gemm', 'QGemm'])
  for (const [rows, terms, columns] of [[1, 16, 16], [1, 33, 5], [4, 7, 20], [5, 130, 48]])
    product(form, large([rows, terms], 'uint8'), extreme([terms, columns]), terms === 7 ? 0 : 77);
for (const form of ['QLinearMatMul', 'MatMulInteger'])
  product(form, large([2, 3, 33], 'uint8'), extreme([33, 20]), 77, { both: true });

// The model with its weights as `dtype`.
function model(test, dtype) {
  const w = dtype === 'int8' ? test.w : unsigned(test.w);
  const constants = { ...test.in, zw: scalar(dtype, dtype === 'int8' ? 0 : 128) };
  const shape = (x) => x.dtype + (x.dims.length ? `[${x.dims}]` : '');
  const inputs = [`${shape(test.x)} x`].concat(test.both ? [`${shape(w)} w`] : []);
  if (!test.both) constants.w = w;
  return `<ir_version: 8, opset_import: ["" : 13, "com.microsoft" : 1]>
g (${inputs.join(', ')}) => (${test.out}[] y)
<${Object.entries(constants).map(([name, x]) => `${shape(x)} ${name} = {${text(x)}}`).join(',\n')}>
{
  ${test.body}
}
`;
}

function run(program, ...parameters) {
  const done = spawnSync(program, parameters, { encoding: 'utf8' });
  if (done.status !== 0) throw new Error(`${path.basename(program)}: ${done.stderr.trim() || done.signal}`);
}

async function judged(file, feeds) {
  const session = await ort.InferenceSession.create(file, { graphOptimizationLevel: 'all', intraOpNumThreads: 1, interOpNumThreads: 1, logSeverityLevel: 4 });
  const result = values((await session.run(feeds)).y).data;
  await session.release();
  return result;
}

function ours(program, folder, file, ...options) {
  run(program, 'run', '-q', '--data', folder, '--out', folder, ...options, file);
  return readArray(path.join(folder, 'y.npy')).data;
}

// '' or what is wrong.
async function judge(program, folder, test) {
  fs.mkdirSync(folder, { recursive: true });
  const tensor = (x) => new ort.Tensor(x.ort, x.array, x.dims);
  const feeds = { x: tensor(test.x) };
  fs.writeFileSync(path.join(folder, 'input_0.pb'), writeTensor('x', test.x));
  if (test.both) fs.writeFileSync(path.join(folder, 'input_1.pb'), writeTensor('w', test.w));
  const results = {};
  for (const dtype of test.signed ? ['int8'] : ['int8', 'uint8']) {
    const file = path.join(folder, `${dtype}.onnx`);
    fs.writeFileSync(`${file}txt`, model(test, dtype));
    run(program, '-q', '--no-prove', '--passes', 'none', `${file}txt`, file);
    const w = dtype === 'int8' ? test.w : unsigned(test.w);
    results[dtype] = await judged(file, test.both ? { ...feeds, w: tensor(w) } : feeds);
  }
  const file = path.join(folder, 'int8.onnx');
  const exact = ours(program, folder, file);
  const emulated = ours(program, folder, file, '--emulate', 'avx2');
  const differ = (a, b) => a.filter((x, i) => x !== b[i]).length;
  const bad = differ(emulated, results.int8);
  if (bad) return `emulated, ${bad} of ${exact.length} elements are not those of ONNX Runtime`;
  const inexact = differ(exact, results.uint8 || results.int8);
  if (inexact) return `${inexact} of ${exact.length} elements are not those that ONNX Runtime gives with unsigned weights`;
  if (!test.exact !== differ(exact, emulated) > 0) return test.exact ? 'saturates, expected exact sums' : 'nothing saturates: the case shows nothing';
  return '';
}

async function main() {
  const [program, folder] = process.argv.slice(2);
  let failed = 0;
  for (const [k, test] of cases.entries()) {
    let why;
    try {
      why = await judge(program, path.join(folder, `${k}`), test);
    } catch (error) {
      why = error.message;
    }
    if (!why) continue;
    failed++;
    console.log(`${k} ${test.name}: ${why.split('\n')[0].slice(0, 300)}`);
  }
  console.log(`${cases.length - failed} of ${cases.length} as ONNX Runtime computes`);
  return failed ? 1 : 0;
}

main().then((status) => { process.exitCode = status; });
