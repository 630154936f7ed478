// SPDX-License-Identifier: Apache-2.0
// Rotary embedding, Attention, MultiHeadAttention.
'use strict';
const { of, real, whole, positive, float } = require('../operands.js');

const cases = [];

const angles = (rows, columns) => real([rows, columns]);
for (const interleaved of [0, 1])
  for (const positions of [of([1], 'int64', [2]), whole([2, 3], 'int64', 0, 9)]) {
    cases.push({ op: 'RotaryEmbedding', in: [real([2, 3, 32]), positions, angles(10, 4), angles(10, 4)], attrs: { interleaved }, out: ['float'] });
    cases.push({ op: 'RotaryEmbedding', in: [real([2, 4, 3, 8]), positions, angles(10, 4), angles(10, 4)], attrs: { interleaved }, out: ['float'] });
    cases.push({ op: 'RotaryEmbedding', in: [real([2, 3, 32]), positions, angles(10, 2), angles(10, 2)], attrs: { interleaved, rotary_embedding_dim: 4, num_heads: 4 }, out: ['float'] });
  }

// Packed weights: queries, keys and values of 2 heads.
const B = 2;
const S = 4;
for (const unidirectional of [0, 1])
  for (const extra of [{}, { scale: float(0.3) }, { mask_filter_value: float(-3) }]) // -10000 and a score are added in float32
    for (const mask of [null, of([B], 'int32', [4, 2]), of([2 * B], 'int32', [4, 3, 1, 0]), of([B, S], 'int32', [1, 1, 0, 1, 1, 1, 1, 0]), whole([B, S, S], 'int32', 0, 1)])
      cases.push({ op: 'Attention', in: [real([B, S, 6]), real([6, 24]), real([24]), mask], attrs: { num_heads: 2, unidirectional, ...extra }, out: ['float'], near: 1e-3 });
cases.push({ op: 'Attention', in: [real([B, S, 6]), real([6, 28]), real([28])], attrs: { num_heads: 2, qkv_hidden_sizes: [8, 8, 12] }, out: ['float'] });
for (const mask of [null, of([B, S + 3], 'int32', [1, 1, 0, 1, 1, 1, 1, 0, 0, 1, 1, 1, 1, 1]), whole([B, S, S + 3], 'int32', 0, 1)])
  for (const unidirectional of [0, 1])
    cases.push({ op: 'Attention', in: [real([B, S, 6]), real([6, 24]), real([24]), mask, real([2, B, 2, 3, 4])], attrs: { num_heads: 2, unidirectional }, out: ['float', 'float'] });
for (const bias of [real([B, 2, S, S]), real([1, 1, S, S])])
  cases.push({ op: 'Attention', in: [real([B, S, 6]), real([6, 24]), real([24]), of([B, S], 'int32', [1, 1, 0, 1, 1, 1, 1, 0]), null, bias], attrs: { num_heads: 2 }, out: ['float'] });
for (const mask of [null, of([B, S + 3], 'int32', [1, 1, 0, 1, 1, 1, 1, 0, 0, 1, 1, 1, 1, 1]), of([B], 'int32', [7, 5]), of([2 * B], 'int32', [7, 6, 0, 2])])
  for (const unidirectional of [0, 1])
    cases.push({ op: 'QAttention', in: [whole([B, S, 6], 'uint8', 0, 255), whole([6, 24], 'int8', -64, 63), real([24]), of([], 'float', [0.02]), mask ? positive([24]) : of([], 'float', [0.01]), mask, of([], 'uint8', [120]), mask ? whole([24], 'int8', -3, 3) : of([], 'int8', [2]), mask && real([2, B, 2, 3, 4])], attrs: { num_heads: 2, unidirectional }, out: ['float', 'float'].slice(0, mask ? 2 : 1) });
// One step of a decoder: the past as it is, keys of an encoder, a buffer, beams.
const decoder = (operands, attrs, out, same) => cases.push({ op: 'DecoderMaskedMultiHeadAttention', in: operands, attrs: { num_heads: 2, ...attrs }, out, same });
const row = () => real([4, 1, 8]);
const cache = () => real([4, 2, 6, 4]);
for (const bias of [null, real([24])])
  for (const mask of [null, of([4, 6], 'int32', [1, 1, 1, 1, 1, 0, 1, 1, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 0, 1, 0, 1, 0, 1])])
    decoder([row(), cache(), cache(), mask, null, null, null, null, null, null, bias], {}, ['float']);
for (const mask of [null, of([4, 4], 'int32', [1, 1, 1, 1, 1, 0, 1, 1, 0, 0, 1, 1, 1, 1, 1, 1])])
  for (const scores of [null, real([1, 2, 1, 4])])
    decoder([row(), row(), row(), mask, scores, cache(), cache(), of([1], 'int32', [3]), null, null, real([24])], { past_present_share_buffer: 1, scale: float(0.4) }, ['float', 'float', 'float'], [undefined, 4, 4]);
decoder([row(), row(), row(), null, null, cache(), cache(), of([1], 'int32', [4]), of([1], 'int32', [2]), whole([2, 2, 6], 'int32', 0, 1)], { past_present_share_buffer: 1 }, ['float', 'float', 'float'], [undefined, 5, 5]);
decoder([row(), row(), row(), null, null, cache(), cache(), of([1], 'int32', [4]), of([1], 'int32', [2]), whole([2, 2, 6], 'int32', 0, 1)], { past_present_share_buffer: 1, output_qk: 1 }, ['float', 'float', 'float', 'float'], [undefined, 5, 5]);

// Queries of length 3, keys of length 5, heads of 4 elements, values of 6.
const masks = [null, of([B], 'int32', [5, 2]), of([B, 5], 'int32', [1, 1, 0, 1, 1, 1, 1, 0, 0, 0]), whole([B, 3, 5], 'int32', 0, 1)];
for (const mask of masks)
  for (const bias of [null, real([2 * 8 + 12])])
    for (const scores of [null, real([B, 2, 3, 5]), real([1, 1, 3, 5])])
      cases.push({ op: 'MultiHeadAttention', in: [real([B, 3, 8]), real([B, 5, 8]), real([B, 5, 12]), bias, mask, scores], attrs: { num_heads: 2 }, out: ['float'] });
for (const attrs of [{ unidirectional: 1 }, { scale: float(0.7) }, { unidirectional: 1, mask_filter_value: float(-2) }])
  cases.push({ op: 'MultiHeadAttention', in: [real([B, S, 8]), real([B, S, 8]), real([B, S, 8]), null, of([B, S], 'int32', [1, 1, 0, 1, 1, 1, 1, 0])], attrs: { num_heads: 2, ...attrs }, out: ['float'] });
// A past of three positions.
for (const unidirectional of [0, 1])
  for (const bias of [null, real([24])])
    cases.push({ op: 'MultiHeadAttention', in: [real([B, 2, 8]), real([B, 2, 8]), real([B, 2, 8]), bias, null, real([B, 2, 2, 5]), real([B, 2, 3, 4]), real([B, 2, 3, 4])], attrs: { num_heads: 2, unidirectional }, out: ['float', 'float', 'float'] });
// Keys and values of another sequence, computed before.
for (const bias of [null, real([24])])
  cases.push({ op: 'MultiHeadAttention', in: [real([B, 3, 8]), real([B, 2, 5, 4]), real([B, 2, 5, 4]), bias], attrs: { num_heads: 2 }, out: ['float'] });
// Probabilities.
cases.push({ op: 'MultiHeadAttention', in: [real([B, 3, 8]), real([B, 5, 8]), real([B, 5, 12])], attrs: { num_heads: 2 }, out: ['float', '', '', 'float'] });
cases.push({ op: 'MultiHeadAttention', in: [real([B, 2, 8]), real([B, 2, 8]), real([B, 2, 8]), null, null, null, real([B, 2, 3, 4]), real([B, 2, 3, 4])], attrs: { num_heads: 2 }, out: ['float', 'float', 'float', 'float'] });
// With past_sequence_length ONNX Runtime relies on past and present being one buffer, which cannot be
// arranged here.
module.exports = cases;
