// SPDX-License-Identifier: Apache-2.0
// Normalisations.
'use strict';
const { of, real, whole, positive, fixed, float } = require('../operands.js');

const cases = [];
for (const dtype of ['float', 'double'])
  for (const attrs of [{}, { axis: 1, epsilon: float(0.01) }, { axis: -2 }]) {
    const scale = real(attrs.axis ? [4, 8] : [8], dtype);
    cases.push({ op: ':SimplifiedLayerNormalization', in: [real([2, 4, 8], dtype), scale], attrs, out: [dtype] });
  }
cases.push({ op: ':SimplifiedLayerNormalization', in: [real([3, 8]), real([8])], attrs: { axis: -1 }, out: ['float', 'float'] });
for (const skip of [[2, 3, 8], [1, 3, 8], [3, 8]])
  for (const bias of [null, real([8])])
    for (const attrs of [{}, { epsilon: float(0.1) }]) {
      const x = real([2, 3, 8]);
      cases.push({ op: 'SkipLayerNormalization', in: [x, real(skip), real([8]), real([8]), bias], attrs, out: ['float', '', '', 'float'] });
      cases.push({ op: 'SkipSimplifiedLayerNormalization', in: [x, real(skip), real([8]), bias], attrs, out: ['float', '', '', 'float'] });
    }
cases.push({ op: 'SkipLayerNormalization', in: [real([3, 8]), real([3, 8]), real([8]), null, real([8])], out: ['float'] });
const ids = () => whole([2, 4], 'int32', 0, 5);
const tables = (segments) => [real([6, 8]), real([7, 8]), segments ? real([3, 8]) : null, real([8]), real([8])];
for (const segments of [true, false])
  for (const mask of [null, of([2, 4], 'int32', [1, 1, 1, 0, 1, 0, 0, 0])])
    for (const positions of [null, of([2, 4], 'int32', [3, 2, 1, 0, 6, 6, 1, 2]), of([1, 4], 'int32', [6, 5, 0, 1])]) {
      const operands = [ids(), segments ? whole([2, 4], 'int32', 0, 2) : null, ...tables(segments), mask, positions];
      cases.push({ op: 'EmbedLayerNormalization', in: operands, attrs: { epsilon: float(1e-5) }, out: ['float', 'int32', 'float'] });
    }
module.exports = cases;
