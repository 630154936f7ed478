// SPDX-License-Identifier: Apache-2.0
// Weights of 2, 4 and 8 bits with a scale per block.
'use strict';
const { of, real, whole, positive, fixed, float } = require('../operands.js');

const cases = [];
for (const bits of [4, 8, 2])
  for (const [K, block_size] of [[32, 16], [40, 16], [64, 32], [33, 32]]) {
    const N = 6;
    const blocks = Math.ceil(K / block_size);
    const packed = Math.ceil((blocks * bits) / 8);
    const b = () => fixed(whole([N, blocks, (block_size * bits) / 8], 'uint8', 0, 255));
    const scales = () => fixed(positive([N, blocks]));
    const attrs = { K, N, bits, block_size };
    const a = real([2, 3, K]);
    cases.push({ op: 'MatMulNBits', in: [a, b(), scales()], attrs, out: ['float'] });
    cases.push({ op: 'MatMulNBits', in: [a, b(), scales(), fixed(whole([N, packed], 'uint8', 0, 255))], attrs, out: ['float'] });
    cases.push({ op: 'MatMulNBits', in: [a, b(), scales(), null, null, fixed(real([N]))], attrs, out: ['float'] });
    if (bits !== 8) // ONNX Runtime has zero points of floats for the others
      cases.push({ op: 'MatMulNBits', in: [a, b(), scales(), fixed(real([N, blocks], 'float', 2 ** bits))], attrs, out: ['float'] });
    if (bits === 4) // with an index of blocks ONNX Runtime ignores zero points
      cases.push({ op: 'MatMulNBits', in: [a, b(), scales(), null, fixed(whole([K], 'int32', 0, blocks - 1))], attrs, out: ['float'] });
  }
for (const [data, middle] of [['int4', 0], ['uint4', 8]])
  for (const [gather_axis, quantize_axis] of [[0, 1], [1, 0], [0, 2], [-1, -2]]) {
    const dims = [32, 32, 32];
    const scales = dims.map((d, k) => (k === (quantize_axis + 3) % 3 ? d / 16 : d));
    const low = data === 'int4' ? -8 : 0;
    const table = () => fixed(whole(dims, data, low, low + 15));
    const attrs = { gather_axis, quantize_axis, block_size: 16 };
    const indices = whole([2, 3], 'int64', -32, 31);
    cases.push({ op: 'GatherBlockQuantized', in: [table(), indices, fixed(positive(scales))], attrs, out: ['float'] });
    cases.push({ op: 'GatherBlockQuantized', in: [table(), indices, fixed(positive(scales)), fixed(whole(scales, data, low, low + 15))], attrs, out: ['float'] });
  }
for (const bits of [2, 4, 8]) {
  const attrs = { bits, gather_axis: 0, quantize_axis: 1, block_size: 16 };
  const table = fixed(whole([5, (64 * bits) / 8], 'uint8', 0, 255));
  const indices = whole([4], 'int32', 0, 4);
  cases.push({ op: 'GatherBlockQuantized', in: [table, indices, fixed(positive([5, 4]))], attrs, out: ['float'] });
  cases.push({ op: 'GatherBlockQuantized', in: [table, indices, fixed(positive([5, 4])), fixed(whole([5, (4 * bits) / 8], 'uint8', 0, 255))], attrs, out: ['float'] });
}
cases.push({ op: 'GatherBlockQuantized', in: [fixed(whole([5, 64], 'int4', -8, 7)), of([], 'int64', [3]), fixed(positive([5, 4]))], attrs: { block_size: 16 }, out: ['float'] });
module.exports = cases;
