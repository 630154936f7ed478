// SPDX-License-Identifier: Apache-2.0
// Elements of 8 and 16 bits with scale and zero point. ONNX Runtime computes some of these in
// integers or with tables; those may differ by one step.
'use strict';
const { of, real, whole, positive, fixed, float } = require('../operands.js');

const cases = [];
const range = { uint8: [0, 255], int8: [-128, 127], uint16: [0, 65535], int16: [-32768, 32767] };
const bytes = (dims, dtype) => whole(dims, dtype, ...range[dtype]);
// Of signed weights ONNX Runtime adds up pairs of products in 16 bits, which saturate, on processors
// without VNNI; 7 bits are safe.
const weights = (dims, dtype) => (dtype === 'int8' ? whole(dims, dtype, -64, 63) : bytes(dims, dtype));
const scale = (x) => of([], 'float', [x]);
const zero = (dtype, x) => of([], dtype, [x]);

for (const dtype of ['uint8', 'int8']) {
  const z = dtype === 'uint8' ? 117 : -5;
  const quantized = (dims, s, shift) => [bytes(dims, dtype), scale(s), zero(dtype, z + shift)];
  const to = (s, shift) => [fixed(scale(s)), fixed(zero(dtype, z + shift))];
  for (const other of [[2, 3, 4], [4], [1, 3, 1], []]) {
    cases.push({ op: 'QLinearAdd', in: [...quantized([2, 3, 4], 0.02, 0), ...quantized(other, 0.05, 9), ...to(0.04, 3)], out: [dtype], steps: 1 });
    cases.push({ op: 'QLinearMul', in: [...quantized([2, 3, 4], 0.02, 0), ...quantized(other, 0.05, 9), ...to(0.07, 3)], out: [dtype], steps: 1 });
  }
  cases.push({ op: 'QLinearLeakyRelu', in: [bytes([300], dtype), ...to(0.03, 0), ...to(0.02, 5)], attrs: { alpha: float(0.2) }, out: [dtype], steps: 1 });
  cases.push({ op: 'QLinearSigmoid', in: [bytes([300], dtype), ...to(0.03, 0), fixed(scale(1 / 256)), fixed(zero(dtype, dtype === 'uint8' ? 0 : -128))], out: [dtype], steps: 1 });
  for (const attrs of [{ opset: 13 }, { opset: 13, axis: 1 }, { opset: 13, axis: -2 }, { opset: 12, axis: 1 }, { opset: 11 }])
    cases.push({ op: 'QLinearSoftmax', in: [bytes([2, 3, 4], dtype), fixed(scale(0.05)), fixed(zero(dtype, z)), fixed(scale(1 / 256)), fixed(zero(dtype, dtype === 'uint8' ? 0 : -128))], attrs, out: [dtype], steps: 1 });
  for (const attrs of [{ kernel_shape: [2, 2] }, { kernel_shape: [3, 3], pads: [1, 1, 1, 1], strides: [2, 2] }, { kernel_shape: [3, 3], pads: [1, 1, 1, 1], count_include_pad: 1 }, { kernel_shape: [2, 2], strides: [2, 2], ceil_mode: 1 }, { kernel_shape: [3, 2], channels_last: 1 }, { kernel_shape: [3, 3], auto_pad: 'SAME_UPPER' }])
    cases.push({ op: 'QLinearAveragePool', in: [...quantized([1, 3, 5, 5], 0.05, 0), ...to(0.04, 3)], attrs, out: [dtype], steps: 1 });
  for (const attrs of [{}, { channels_last: 1 }])
    cases.push({ op: 'QLinearGlobalAveragePool', in: [...quantized([2, 3, 5, 4], 0.05, 0), ...to(0.03, 3)], attrs, out: [dtype], steps: 1 });
  for (const axis of [0, 1, -1]) {
    const dims = (n) => [2, 3, 4].map((d, k) => (k === (axis + 3) % 3 ? n : d));
    cases.push({ op: 'QLinearConcat', in: [...to(0.05, 0), ...[1, 2, 3].flatMap((n) => [bytes(dims(n), dtype), ...to(0.02 * n, n)])], attrs: { axis }, out: [dtype], steps: 1 });
  }
}

for (const a of ['uint8', 'int8'])
  for (const b of ['uint8', 'int8']) {
    const bz = b === 'uint8' ? 130 : 3;
    for (const columns of [[], [5]]) {
      const zeros = whole(columns, b, bz, bz + 4);
      const scales = positive(columns);
      const dims = [[2, 3, 4], [4, 5]];
      if (a === 'uint8' || b === 'int8')
        cases.push({ op: 'MatMulIntegerToFloat', in: [bytes(dims[0], a), weights(dims[1], b), scale(0.02), scales, zero(a, 100), zeros, real([5])], out: ['float'] });
      if (a === 'uint8')
        cases.push({ op: 'DynamicQuantizeMatMul', in: [real(dims[0]), weights(dims[1], b), scales, zeros, real([5])], out: ['float'], near: 1e-3 });
      if (a === 'uint8' || b === 'int8')
        for (const attrs of [{}, { transA: 1, transB: 1, alpha: float(0.7) }]) {
          const x = bytes(attrs.transA ? [4, 3] : [3, 4], a);
          const w = weights(attrs.transB ? [5, 4] : [4, 5], b);
          const operands = [x, scale(0.02), zero(a, 100), w, scales, zeros];
          cases.push({ op: 'QGemm', in: [...operands, whole([5], 'int32', -300, 300)], attrs, out: ['float'] });
          cases.push({ op: 'QGemm', in: [...operands, null, scale(3), zero(a, 64)], attrs, out: [a], steps: 1 });
        }
    }
  }

for (const dtype of ['uint8', 'int8', 'uint16', 'int16']) {
  const z = { uint8: 128, int8: -3, uint16: 30000, int16: 5 }[dtype];
  cases.push({ op: 'QuantizeLinear', in: [real([40], 'float', 3), scale(0.01), zero(dtype, z)], out: [dtype] });
  cases.push({ op: 'QuantizeLinear', in: [real([2, 3, 4], 'float', 3), positive([3]), whole([3], dtype, z, z + 5)], attrs: { axis: 1 }, out: [dtype] });
  cases.push({ op: 'DequantizeLinear', in: [bytes([40], dtype), scale(0.01), zero(dtype, z)], out: ['float'] });
  cases.push({ op: 'DequantizeLinear', in: [bytes([2, 3, 4], dtype), positive([3]), whole([3], dtype, z, z + 5)], attrs: { axis: 1 }, out: ['float'] });
}
cases.push({ op: 'DequantizeLinear', in: [whole([6], 'int32', -5000, 5000), scale(0.25)], out: ['float'] });
cases.push({ op: 'DequantizeLinear', in: [fixed(of([2, 3], 'int4', [-8, 7, 0, 1, -1, 3])), fixed(scale(0.25)), fixed(zero('int4', -2))], out: ['float'] });
cases.push({ op: 'DequantizeLinear', in: [fixed(of([2, 3], 'uint4', [15, 7, 0, 1, 9, 3])), fixed(of([3], 'float', [1, 2, 0.5])), fixed(of([3], 'uint4', [8, 1, 0]))], attrs: { axis: 1 }, out: ['float'] });
module.exports = cases;
