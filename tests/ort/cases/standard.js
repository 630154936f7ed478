// SPDX-License-Identifier: Apache-2.0
// Operators that ai.onnx has too, or that a few of its operators write down.
'use strict';
const { of, real, whole, positive, fixed, float, floats } = require('../operands.js');

const cases = [];
const add = (op, operands, attrs, out, more = {}) => cases.push({ op, in: operands, attrs, out, ...more });

for (const axis of [0, 1, -1]) add('ExpandDims', [real([2, 3]), fixed(of([], 'int32', [axis]))], {}, ['float']);
add('GatherND', [real([3, 4, 2]), of([2, 2], 'int64', [0, 1, 2, 3])], {}, ['float']);
add('GatherND', [real([3, 4, 2]), of([2, 1], 'int32', [2, 0])], {}, ['float']);
for (const mode of ['bilinear', 'nearest', 'bicubic'])
  for (const padding_mode of ['zeros', 'border', 'reflection'])
    add('GridSample', [real([1, 2, 4, 5]), real([1, 3, 3, 2], 'float', 1.3)], { mode, padding_mode, align_corners: 1 }, ['float'], { near: 1e-3 });
for (const mode of ['constant', 'reflect', 'edge'])
  add('Pad', [real([3, 4]), fixed(of([4], 'int64', [1, 2, 0, 1])), fixed(of([1], 'float', [7]))], { mode }, ['float']);
add('Pad', [real([3, 4]), fixed(of([1, 4], 'int64', [1, 2, -1, 1]))], {}, ['float']);
add('Range', [fixed(of([1], 'int64', [2])), fixed(of([], 'int64', [9])), fixed(of([], 'int64', [3]))], {}, ['int64']);
add('Range', [fixed(of([], 'float', [2])), fixed(of([], 'float', [5]))], {}, ['float']);
for (const attrs of [{}, { upper: 0 }])
  for (const k of [0, 1, -2]) add('Trilu', [real([2, 4, 5]), of([], 'int64', [k])], attrs, ['float']);
add('Unique', [of([8], 'float', [2, 1, 1, 3, 4, 3, 2, 0])], {}, ['float', 'int64', 'int64']);
for (const attrs of [{}, { strides: [2, 2], output_padding: [1, 0] }, { group: 2 }])
  add('ConvTransposeWithDynamicPads', [real([1, 4, 4, 5]), fixed(real([4, attrs.group ? 3 : 6, 3, 3])), fixed(of([4], 'int64', [1, 0, 1, 2])), real([6])], attrs, ['float']);
for (const [dim, size, step] of [[-1, 2, 1], [1, 3, 2], [0, 2, 2]]) add('UnfoldTensor', [real([4, 6, 5])], { dim, size, step }, ['float']);

add('NhwcMaxPool', [whole([1, 5, 6, 3], 'uint8', 0, 255)], { kernel_shape: [3, 2], strides: [2, 1], pads: [1, 0, 1, 0] }, ['uint8']);
add('NhwcMaxPool', [whole([1, 5, 6, 3], 'int8', -128, 127)], { kernel_shape: [2, 2], ceil_mode: 1, strides: [2, 2] }, ['int8']);
for (const channels_last of [0, 1])
  for (const [x, w] of [['uint8', 'int8'], ['uint8', 'uint8'], ['int8', 'int8']])
    for (const bias of [null, fixed(whole([6], 'int32', -500, 500))])
      add('QLinearConv', [whole(channels_last ? [1, 5, 6, 4] : [1, 4, 5, 6], x, 0, 100), fixed(of([], 'float', [0.03])), fixed(of([], x, [20])), fixed(whole([6, 2, 3, 3], w, w === 'int8' ? -64 : 0, w === 'int8' ? 63 : 255)), fixed(positive([6])), fixed(of([], w, [w === 'int8' ? 0 : 120])), fixed(of([], 'float', [0.4])), fixed(of([], x, [64])), bias], { channels_last, group: 2, pads: [1, 1, 0, 1], strides: [2, 1] }, [x], { steps: 1 });
for (const t of ['uint8', 'int8']) {
  const q = (dims, s, z) => [whole(dims, t, 0, 127), fixed(of([], 'float', [s])), fixed(of([], t, [z]))];
  for (const dims of [[2, 3], [3], [1]])
    add('QLinearWhere', [whole([2, 3], 'bool', 0, 1), ...q([2, 3], 0.02, 3), ...q(dims, 0.03, 9), ...q([1], 0.025, 5).slice(1)], {}, [t], { steps: 1 });
}
const table = (dims) => whole(dims, 'uint8', 0, 255);
const scalars = (list, dtype) => list.map((v) => of([1], dtype, [v]));
for (const segments of [true, false]) {
  const scales = scalars([0.02, 0.01, 0.03, 0.01, 0.02], 'float');
  const zeros = scalars([120, 130, 128, 100, 140], 'uint8');
  if (!segments) scales[2] = zeros[2] = null;
  add('QEmbedLayerNormalization', [whole([2, 4], 'int32', 0, 5), segments ? whole([2, 4], 'int32', 0, 2) : null, table([6, 8]), table([7, 8]), segments ? table([3, 8]) : null, table([8]), table([8]), of([2, 4], 'int32', [1, 1, 1, 0, 1, 0, 0, 0]), ...scales, ...zeros], { epsilon: float(1e-5) }, ['float', 'int32']);
}
for (const direction of ['forward', 'reverse', 'bidirectional'])
  for (const columns of [[], [16]])
    for (const t of ['int8', 'uint8']) {
      const D = direction === 'bidirectional' ? 2 : 1;
      const quantized = (n) => fixed(whole([D, n, 16], t, t === 'int8' ? -64 : 0, t === 'int8' ? 63 : 255));
      const scale = () => fixed(positive([D, ...columns], 'float', 0.004, 0.008));
      const zero = () => fixed(whole([D, ...columns], t, t === 'int8' ? 0 : 128, t === 'int8' ? 0 : 128));
      add('DynamicQuantizeLSTM', [real([5, 2, 3]), quantized(3), quantized(4), real([D, 32]), null, real([D, 2, 4]), real([D, 2, 4]), null, scale(), zero(), scale(), zero()], { direction, hidden_size: 4 }, ['float', 'float', 'float'], { near: 2e-2 });
    }
module.exports = cases;
