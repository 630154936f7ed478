// SPDX-License-Identifier: Apache-2.0
// Attention over caches of keys and values: GroupQueryAttention.
'use strict';
const { of, real, whole, positive, float } = require('../operands.js');

const cases = [];
const B = 2;
const ints = (list) => of([list.length], 'int32', list);
const total = (n) => of([1], 'int32', [n]);

// heads of queries and of keys, new positions, rows of cache, last position per sequence.
function step({ heads = 4, kv = 2, D = 16, S, P = 0, last, sum, packed = false, dtype = 'float', batch = B, rotary, positions, bias, sink, attrs = {}, out }) {
  const operands = packed
    ? [real([batch, S, (heads + 2 * kv) * D], dtype), null, null]
    : [real([batch, S, heads * D], dtype), real([batch, S, kv * D], dtype), real([batch, S, kv * D], dtype)];
  const cache = () => (P ? real([batch, kv, P, D], dtype) : null);
  operands.push(cache(), cache(), ints(last), total(sum));
  const angles = rotary ? real([32, rotary], dtype) : null;
  operands.push(angles, rotary ? real([32, rotary], dtype) : null, positions || null, bias || null, sink || null);
  const known = Math.min(...last) + 1;
  cases.push({
    op: 'GroupQueryAttention', in: operands,
    attrs: { num_heads: heads, kv_num_heads: kv, ...(rotary ? { do_rotary: 1 } : {}), ...attrs },
    out: out || [dtype, dtype, dtype], same: [undefined, known, known],
  });
}

for (const packed of [false, true])
  for (const [rotary, D] of [[0, 16], [8, 16], [8, 32]]) {
    step({ S: 5, last: [4, 4], sum: 5, packed, rotary, D });                // a prompt
    step({ S: 1, P: 6, last: [6, 6], sum: 7, packed, rotary, D });          // one more position
    step({ S: 1, P: 12, last: [6, 3], sum: 7, packed, rotary, D });         // in a buffer with room
  }
step({ S: 5, P: 8, last: [4, 4], sum: 5, rotary: 8 });
step({ batch: 1, S: 3, P: 4, last: [6], sum: 7, rotary: 8 });
for (const attrs of [{ scale: float(0.5) }, { softcap: float(2) }, { smooth_softmax: 1 }, { local_window_size: 3 }, { local_window_size: 1 }, { local_window_size: 30 }, { local_window_size: 2, softcap: float(1.5), smooth_softmax: 1 }, { causal: 0 }]) {
  step({ S: 6, last: [5, 5], sum: 6, attrs });
  step({ S: 1, P: 6, last: [6, 4], sum: 7, attrs });
  step({ batch: 1, S: 3, P: 4, last: [6], sum: 7, attrs });
}
for (const rotary_interleaved of [0, 1]) {
  step({ S: 5, last: [4, 4], sum: 5, rotary: 8, attrs: { rotary_interleaved } });
  step({ S: 1, P: 6, last: [6, 6], sum: 7, rotary: 8, attrs: { rotary_interleaved }, positions: of([2, 1], 'int64', [3, 9]) });
}
for (const shape of [[B, 4], [1, 4], [1, 1], [B, 1]])
  step({ S: 1, P: 6, last: [6, 6], sum: 7, bias: real([...shape, 1, 7]) });
step({ S: 4, last: [3, 3], sum: 4, bias: real([B, 4, 4, 4]), attrs: { softcap: float(3) } });
step({ S: 4, last: [3, 3], sum: 4, sink: real([4]) });
step({ S: 1, P: 4, last: [4, 2], sum: 5, sink: real([4]), attrs: { softcap: float(3) } });
for (const qk_output of [1, 2]) {
  step({ S: 4, last: [3, 3], sum: 4, attrs: { qk_output }, out: ['float', 'float', 'float', 'float'] });
  step({ S: 1, P: 4, last: [4, 4], sum: 5, attrs: { qk_output, softcap: float(2) }, out: ['float', 'float', 'float', 'float'] });
}
step({ S: 4, last: [3, 3], sum: 4, dtype: 'float16', rotary: 8 });
step({ S: 1, P: 4, last: [4, 4], sum: 5, dtype: 'float16' });
step({ S: 1, heads: 2, kv: 2, P: 4, last: [4, 4], sum: 5 });
// A cache that is no longer than the window, or a little.
for (const [P, S, T] of [[4, 1, 3], [4, 1, 9], [6, 1, 9], [6, 3, 12], [5, 7, 20]]) {
  const W = 4;
  const G = P - W + 1;
  const L = T <= P ? T : T - G * Math.ceil((T - P) / G);
  step({ batch: 1, S, P, last: [T - 1], sum: T, attrs: { local_window_size: W, sliding_window_cache: 1 } });
  cases[cases.length - 1].same = [undefined, L, L];
}
// Quantized caches.
for (const [kind, count] of [['PER_TENSOR', [1]], ['PER_CHANNEL', [1, 2, 1, 16]]])
  for (const [dtype, bits] of [['int8', 8], ['uint8', 4]])
    for (const [S, P, last] of [[1, 4, 4], [3, 8, 2]])
      cases.push({
        op: 'GroupQueryAttention',
        in: [real([B, S, 64]), real([B, S, 32]), real([B, S, 32]),
          ...[0, 1].map(() => whole([B, 2, P, bits === 8 ? 16 : 8], dtype, bits === 8 ? -128 : 0, bits === 8 ? 127 : 255)),
          ints([last, last]), total(last + 1), null, null, null, null, null, positive(count), positive(count)],
        attrs: { num_heads: 4, kv_num_heads: 2, k_quant_type: kind, v_quant_type: kind, kv_cache_bit_width: bits },
        out: ['float', dtype, dtype], same: [undefined, last + 1, last + 1], near: 1e-3,
      });
module.exports = cases;
