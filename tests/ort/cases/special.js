// SPDX-License-Identifier: Apache-2.0
// Matrices, images, sequences and sparse or linear attention of com.microsoft.
'use strict';
const { of, real, whole, positive, float } = require('../operands.js');

const cases = [];
for (const dtype of ['float', 'double', 'float16'])
  for (const dims of [[3, 3], [2, 4, 4], [1, 1]]) {
    const x = real(dims, dtype);
    cases.push({ op: 'Inverse', in: [x], out: [dtype], near: dtype === 'float16' ? 3e-2 : 1e-3 });
  }
for (const metric of ['euclidean', 'sqeuclidean'])
  for (const dtype of ['float', 'double'])
    cases.push({ op: 'CDist', in: [real([5, 7], dtype), real([3, 7], dtype)], attrs: { metric }, out: [dtype] });

for (const mode of ['bilinear', 'nearest'])
  for (const size of [[3, 4], [1, 1], [7, 5]])
    cases.push({
      op: 'CropAndResize',
      in: [real([2, 3, 6, 5]), of([3, 4], 'float', [0, 0, 1, 1, 0.1, 0.25, 0.72, 0.9, -0.2, 0.3, 0.6, 1.3]), of([3], 'int32', [0, 1, 1]), of([2], 'int32', size)],
      attrs: { mode, extrapolation_value: float(0.5) }, out: ['float'],
    });

for (const positive of [0, 1])
  for (const x of [whole([7], 'int32', -1000, 1000), whole([3, 2], 'uint32', 0, 4000), whole([4], 'int64', -9e9, 9e9), whole([4], 'uint64', 0, 9e9), real([5]), real([5], 'double'),
    of([6], 'string', ['', 'a', 'ab', 'abc', 'abcd', 'längere Wörter'])])
    cases.push({ op: 'MurmurHash3', in: [x], attrs: { positive, seed: 42 }, out: [positive ? 'uint32' : 'int32'] });

for (const ngram_size of [1, 2, 3, 9])
  cases.push({ op: 'NGramRepeatBlock', in: [whole([3, 8], 'int64', 0, 2), real([3, 5])], attrs: { ngram_size }, out: ['float'] });

for (const dims of [[4, 6], [1, 7, 3], [1, 1], [5, 5]])
  cases.push({ op: 'DynamicTimeWarping', in: [real(dims)], out: ['int32'] });
cases.push({ op: 'DynamicTimeWarping', in: [of([3, 4], 'float', Array(12).fill(1))], out: ['int32'] });

// Layouts of blocks of 16 positions, as in the example of the operator's documentation.
const rows = of([2, 5], 'int32', [0, 1, 3, 5, 8, 0, 1, 3, 6, 9]);
const columns = of([2, 9], 'int32', [0, 0, 1, 1, 2, 1, 2, 3, -1, 0, 0, 1, 0, 1, 2, 0, 2, 3]);
for (const packed of [false, true])
  for (const do_rotary of [0, 1])
    for (const [S, T, lengths] of [[40, 40, [40, 40]], [1, 41, [41, 41]], [1, 20, [20, 20]], [1, 64, [64, 64]]]) {
      const [B, H, K, D] = [2, 4, 2, 16];
      const q = packed ? [real([B, S, (H + 2 * K) * D]), null, null] : [real([B, S, H * D]), real([B, S, K * D]), real([B, S, K * D])];
      const known = Math.min(...lengths);
      cases.push({
        op: 'SparseAttention',
        in: [...q, real([B, K, 64, D]), real([B, K, 64, D]), rows, columns, of([1], 'int32', [T]), of([B], 'int32', lengths), ...(do_rotary ? [real([64, D / 2]), real([64, D / 2])] : [])],
        attrs: { num_heads: H, kv_num_heads: K, sparse_block_size: 16, do_rotary }, out: ['float', 'float', 'float'], shared: [undefined, 3, 4],
        same: [undefined, known, known],
      });
    }

for (const [update_rule, decay, beta] of [['linear', 0, 0], ['gated', 1, 0], ['delta', 0, 1], ['gated_delta', 1, 1]])
  for (const state of [false, true]) {
    const [B, T, H, D, V] = [2, 3, 2, 4, 6];
    cases.push({
      op: 'LinearAttention',
      in: [real([B, T, H * D]), real([B, T, H * D]), real([B, T, H * V]), state ? real([B, H, D, V]) : null, decay ? real([B, T, H * D]) : null, beta ? positive([B, T, H]) : null],
      attrs: { q_num_heads: H, kv_num_heads: H, update_rule }, out: ['float', 'float'],
    });
  }
for (const activation of ['none', 'silu'])
  for (const state of [false, true])
    cases.push({ op: 'CausalConvWithState', in: [real([2, 3, 5]), real([3, 1, 4]), real([3]), state ? real([2, 3, 3]) : null], attrs: { activation }, out: ['float', 'float'] });
cases.push({ op: 'LinearAttentionGate', in: [real([2, 3, 4]), real([4]), real([4]), real([2, 3, 4])], out: ['float', 'float'] });
cases.push({ op: 'GatedRMSNorm', in: [real([2, 3, 8]), real([4]), real([2, 3, 8])], out: ['float'] });
module.exports = cases;
