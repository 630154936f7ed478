// SPDX-License-Identifier: Apache-2.0
// ai.onnx.ml: support vector machines, linear models, trees, with every transform of scores.
'use strict';
const { of, real, whole, float, floats, strings } = require('../operands.js');

const cases = [];
const draw = (n, scale = 1, dtype = 'float') => Array.from(real([n], dtype, scale).array);
const transforms = ['NONE', 'LOGISTIC', 'SOFTMAX', 'SOFTMAX_ZERO', 'PROBIT'];
const kernels = [['LINEAR', [0, 0, 0]], ['POLY', [0.5, 1, 2]], ['RBF', [0.7, 0, 3]], ['SIGMOID', [0.4, 0.2, 3]]];
const ml = (type, operands, attrs, out, more = {}) => cases.push({ op: `ai.onnx.ml:${type}`, version: 3, in: operands, attrs, out, ...more });
const x = () => real([7, 3]);

for (const [kernel_type, parameters] of kernels)
  for (const classes of [2, 3, 4])
    for (const probability of [false, true])
      for (const post_transform of transforms) {
        if (kernel_type !== 'RBF' && post_transform !== 'NONE') continue;
        const per = [2, 1, 3, 2].slice(0, classes);
        const vectors = per.reduce((a, b) => a + b);
        const pairs = (classes * (classes - 1)) / 2;
        const attrs = {
          kernel_type, ...(parameters ? { kernel_params: floats(parameters) } : {}), post_transform,
          classlabels_ints: [5, 3, 9, 7].slice(0, classes), vectors_per_class: per,
          support_vectors: floats(draw(vectors * 3)), coefficients: floats(draw(vectors * (classes - 1))), rho: floats(draw(pairs, 0.3)),
          ...(probability ? { prob_a: floats(draw(pairs).map((v) => v - 1.5)), prob_b: floats(draw(pairs, 0.2)) } : {}),
        };
        // A probit of what is no probability is not defined.
        if (post_transform !== 'PROBIT' || probability) ml('SVMClassifier', [x()], attrs, ['int64', 'float'], { near: 1e-3 });
      }
for (const post_transform of ['NONE', 'LOGISTIC', 'SOFTMAX']) {
  ml('SVMClassifier', [x()], { kernel_type: 'LINEAR', kernel_params: floats([0, 0, 0]), post_transform, classlabels_strings: strings(['a', 'b', 'c']), coefficients: floats(draw(9)), rho: floats([0.2]) }, ['string', 'float']);
  ml('SVMClassifier', [x()], { post_transform, classlabels_ints: [0, 1], vectors_per_class: [1, 2], support_vectors: floats(draw(9)), coefficients: floats([0.3, 0.4, 0.9]), rho: floats([-0.2]), kernel_type: 'RBF', kernel_params: floats([0.5, 0, 3]) }, ['int64', 'float']);
}
for (const [kernel_type, parameters] of kernels)
  ml('SVMRegressor', [x()], { kernel_type, ...(parameters ? { kernel_params: floats(parameters) } : {}), n_supports: 4, support_vectors: floats(draw(12)), coefficients: floats(draw(4)), rho: floats([0.1]) }, ['float']);
ml('SVMRegressor', [x()], { kernel_type: 'LINEAR', kernel_params: floats([0, 0, 0]), coefficients: floats(draw(3)), rho: floats([0.1]) }, ['float']);
ml('SVMRegressor', [x()], { kernel_type: 'LINEAR', kernel_params: floats([0, 0, 0]), coefficients: floats(draw(3)), rho: floats([0.1]), one_class: 1 }, ['float']);

for (const dtype of ['float', 'double', 'int64', 'int32'])
  for (const post_transform of transforms) {
    const features = () => (dtype.startsWith('int') ? whole([5, 3], dtype, -4, 4) : real([5, 3], dtype));
    if (post_transform !== 'PROBIT')
      for (const labels of [2, 3])
        ml('LinearClassifier', [features()], { post_transform, classlabels_ints: [4, 2, 8].slice(0, labels), coefficients: floats(draw(3 * labels)), intercepts: floats(draw(labels)) }, ['int64', 'float']);
    if (dtype === 'float' && post_transform === 'NONE')
      ml('LinearRegressor', [features()], { targets: 2, post_transform, coefficients: floats(draw(6)), intercepts: floats(draw(2)) }, ['float'], { version: 1 });
    const tree = {
      nodes_treeids: [0, 0, 0, 0, 0, 1, 1, 1], nodes_nodeids: [0, 1, 2, 3, 4, 0, 1, 2], nodes_featureids: [0, 1, 0, 0, 0, 2, 0, 0],
      nodes_modes: strings(['BRANCH_LEQ', 'BRANCH_LT', 'LEAF', 'LEAF', 'LEAF', 'BRANCH_GT', 'LEAF', 'LEAF']), nodes_values: floats([0.1, -0.2, 0, 0, 0, 0.3, 0, 0]),
      nodes_truenodeids: [1, 2, 0, 0, 0, 1, 0, 0], nodes_falsenodeids: [4, 3, 0, 0, 0, 2, 0, 0], post_transform,
    };
    // Every leaf has a weight for every class or target; or, of two classes, for the second only.
    const leaves = (width) => ({
      treeids: [0, 0, 0, 1, 1].flatMap((t) => Array(width).fill(t)),
      nodeids: [2, 3, 4, 1, 2].flatMap((n) => Array(width).fill(n)),
      weights: (low) => floats(draw(5 * width).map((v) => (low < 0 ? v : Math.abs(v)) / 2)),
    });
    for (const aggregate_function of ['SUM', 'AVERAGE', 'MIN', 'MAX'])
      if (dtype !== 'int64' && dtype !== 'int32' && (post_transform === 'NONE' || aggregate_function === 'SUM'))
        ml('TreeEnsembleRegressor', [features()], { ...tree, aggregate_function, n_targets: 2, base_values: floats([0.1, 0.05]), target_treeids: leaves(2).treeids, target_nodeids: leaves(2).nodeids, target_ids: Array(5).fill([0, 1]).flat(), target_weights: leaves(2).weights(post_transform === 'PROBIT' ? 0 : -1) }, ['float'], { near: 1e-3 });
    if (post_transform !== 'PROBIT')
      for (const [labels, width] of [[[3, 6, 1], 3], [[3, 6], 1]]) // of two scores ONNX Runtime gives no label
        for (const low of [0, -1, 0.01])
          ml('TreeEnsembleClassifier', [features()], { ...tree, classlabels_int64s: labels, class_treeids: leaves(width).treeids, class_nodeids: leaves(width).nodeids, class_ids: Array(5).fill(width === 1 ? [low > 0 ? 1 : 0] : [0, 1, 2]).flat(), class_weights: leaves(width).weights(low) }, ['int64', 'float']);
  }

ml('CategoryMapper', [of([4], 'string', ['b', 'a', 'z', 'b'])], { cats_strings: strings(['a', 'b']), cats_int64s: [10, 20], default_int64: -7 }, ['int64'], { version: 1 });
ml('Normalizer', [x()], { norm: 'L2' }, ['float']);
ml('Normalizer', [x()], { norm: 'L1' }, ['float']);
ml('Normalizer', [x()], { norm: 'MAX' }, ['float']);
ml('Scaler', [x()], { offset: floats([1, 2, 3]), scale: floats([0.5, 2, 1]) }, ['float']);
ml('Binarizer', [x()], { threshold: float(0.2) }, ['float']);
ml('Imputer', [x()], { imputed_value_floats: floats([7]), replaced_value_float: float(0) }, ['float']);
ml('OneHotEncoder', [whole([4, 2], 'int64', 0, 3)], { cats_int64s: [0, 2, 3], zeros: 1 }, ['float']);
ml('ArrayFeatureExtractor', [x(), of([2], 'int64', [2, 0])], {}, ['float']);
ml('LabelEncoder', [of([4], 'int64', [3, 1, 9, 3])], { keys_int64s: [3, 1], values_strings: strings(['three', 'one']), default_string: 'none' }, ['string'], { version: 2 });
ml('FeatureVectorizer', [x(), real([7, 2])], { inputdimensions: [3, 2] }, ['float']);
module.exports = cases;
