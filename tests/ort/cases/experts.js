// SPDX-License-Identifier: Apache-2.0
// Weights of codebooks, and mixtures of experts.
'use strict';
const { real, whole, positive, fixed, float } = require('../operands.js');

const cases = [];
for (const quant_type of [0, 1])
  for (const [K, N, block_size] of [[32, 6, 16], [40, 5, 64], [33, 3, 16]]) {
    const b = fixed(whole([Math.ceil((N * K) / 2)], 'uint8', 0, 255));
    const scales = fixed(positive([Math.ceil((N * K) / block_size)], 'float', 0.1, 2));
    cases.push({ op: 'MatMulBnb4', in: [real([2, 3, K]), b, scales], attrs: { K, N, block_size, quant_type }, out: ['float'] });
  }

// Tokens, experts, width, inner width.
const [T, E, H, I] = [5, 4, 32, 64];
function moe(attrs, { wide = 1, bias = true, dims = [T, H] } = {}) {
  cases.push({
    op: 'MoE',
    in: [real(dims), real([T, E], 'float', 2), fixed(real([E, wide * I, H])), bias ? fixed(real([E, wide * I])) : null, fixed(real([E, H, I])), bias ? fixed(real([E, H])) : null],
    attrs, out: ['float'],
  });
}
for (const activation_type of ['relu', 'gelu', 'silu', 'identity'])
  for (const [k, normalize_routing_weights] of [[1, 0], [2, 0], [2, 1], [4, 1]])
    moe({ activation_type, k, normalize_routing_weights });
moe({ k: 2 }, { bias: false });
moe({ k: 2 }, { dims: [1, T, H] });
moe({ activation_type: 'swiglu', swiglu_fusion: 1, k: 2 }, { wide: 2 });
moe({ activation_type: 'swiglu', swiglu_fusion: 1, k: 2, activation_alpha: float(1.702), activation_beta: float(1), swiglu_limit: float(2) }, { wide: 2 });

for (const bits of [4, 8])
  for (const block_size of [0, 16])
    for (const zeros of [false, true])
      for (const [activation_type, wide] of [['relu', 1], ['swiglu', 2]]) {
        const scales = (rows, k) => fixed(positive(block_size ? [E, rows, k / block_size] : [E, rows], 'float', 0.001, 0.02));
        const codes = (rows, k) => fixed(whole([E, rows, (k * bits) / 8], 'uint8', 0, 255));
        const middle = (rows, k) => (zeros ? fixed(whole(block_size ? [E, rows, Math.ceil((k / block_size * bits) / 8)] : [E, (rows * bits) / 8], 'uint8', 100, 150)) : null);
        cases.push({
          op: 'QMoE',
          in: [real([T, H]), real([T, E], 'float', 2), codes(wide * I, H), scales(wide * I, H), fixed(real([E, wide * I])), codes(H, I), scales(H, I), fixed(real([E, H])),
            null, null, null, middle(wide * I, H), middle(H, I)],
          attrs: { activation_type, k: 2, normalize_routing_weights: 1, expert_weight_bits: bits, ...(wide === 2 ? { swiglu_fusion: 1 } : {}), ...(block_size ? { block_size } : {}) },
          out: ['float'], near: bits === 8 && block_size ? 2e-2 : 1e-4, // 8 bits in blocks: ONNX Runtime rounds the operands to int8
        });
      }
module.exports = cases;
