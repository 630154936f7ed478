// SPDX-License-Identifier: Apache-2.0
// Activations and products with what stands around them.
'use strict';
const { of, real, float, floats } = require('../operands.js');

const plane = real([2, 3, 4], 'float', 3);
const cases = [
  { op: 'Gelu', in: [plane], out: ['float'] },
  { op: 'BiasGelu', in: [plane, real([4])], out: ['float'] },
  { op: 'FastGelu', in: [plane], out: ['float'] },
  { op: 'FastGelu', in: [plane, real([4])], out: ['float'] },
  { op: 'QuickGelu', in: [plane], out: ['float'] },
  { op: 'QuickGelu', in: [plane], attrs: { alpha: float(1) }, out: ['float'] },
  { op: 'FusedMatMul', in: [real([3, 4]), real([4, 5])], attrs: { alpha: float(0.5) }, out: ['float'] },
  { op: 'FusedMatMul', in: [real([4, 3]), real([5, 4])], attrs: { transA: 1, transB: 1 }, out: ['float'] },
  { op: 'FusedMatMul', in: [real([2, 4, 3]), real([2, 4, 5])], attrs: { transA: 1 }, out: ['float'] },
  { op: 'FusedMatMul', in: [real([3, 2, 4]), real([2, 4, 5])], attrs: { transBatchA: 1 }, out: ['float'] },
  { op: 'FusedMatMul', in: [real([4, 2, 3]), real([5, 2, 4])], attrs: { transBatchA: 1, transA: 1, transBatchB: 1, transB: 1 }, out: ['float'] },
  { op: 'TransposeMatMul', in: [real([2, 4, 3]), real([2, 4, 5])], attrs: { transA: 1, alpha: float(3) }, out: ['float'] },
  { op: 'FusedMatMul', in: [real([4]), real([4, 5])], attrs: { transA: 1 }, out: ['float'] },
];
// ONNX Runtime wants all parameters of an activation.
const gemm = {
  Relu: {}, Tanh: {}, Sigmoid: {}, Softplus: {}, Softsign: {},
  LeakyRelu: { activation_alpha: float(0.3) },
  Elu: { activation_alpha: float(0.7) },
  ThresholdedRelu: { activation_alpha: float(0.5) },
  HardSigmoid: { activation_alpha: float(0.3), activation_beta: float(0.4) },
  Selu: { activation_alpha: float(1.5), activation_gamma: float(0.8) },
};
for (const attrs of [{}, { transA: 1 }, { transB: 1, alpha: float(-2), beta: float(0.5) }])
  for (const [activation, parameters] of Object.entries(gemm))
    cases.push({
      op: 'FusedGemm',
      in: [real(attrs.transA ? [4, 3] : [3, 4]), real(attrs.transB ? [5, 4] : [4, 5]), real([5])],
      attrs: { ...attrs, activation, ...parameters },
      out: ['float'],
    });
for (const [activation, list] of [['Relu'], ['Tanh'], ['Sigmoid'], ['LeakyRelu', [0.2]], ['Clip', [-0.5, 0.5]], ['HardSigmoid', [0.3, 0.4]]]) {
  const attrs = { activation, ...(list ? { activation_params: floats(list) } : {}) };
  cases.push({ op: 'FusedConv', in: [real([1, 4, 6, 5]), real([6, 2, 3, 3]), real([6])], attrs: { ...attrs, group: 2, pads: [1, 0, 1, 2] }, out: ['float'] });
  cases.push({ op: 'FusedConv', in: [real([2, 2, 5, 5]), real([3, 2, 3, 3]), real([3]), real([2, 3, 3, 3])], attrs, out: ['float'] });
}
module.exports = cases;
