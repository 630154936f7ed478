/* SPDX-License-Identifier: Apache-2.0
 *
 * Rows of test_normalise.c: type, row, opset, graph before, graph after.
 */
{"Add", "broadcasting by attribute", 6,
 "g (float[2,3,4] x, float[3] b) => (float[2,3,4] y) { y = Add <axis = 1, broadcast = 1> "
 "(x, b) }",
 "g (float[2,3,4] x, float[3] b) => (float[2,3,4] y) <int64[1] axes = {1}> { Unsqueeze_1 "
 "= Unsqueeze (b, axes) y = Add (x, Unsqueeze_1) }"},
{"And", "broadcasting by attribute", 1,
 "g (bool[2,3] x, bool[3] b) => (bool[2,3] y) { y = And <broadcast = 1> (x, b) }",
 "g (bool[2,3] x, bool[3] b) => (bool[2,3] y) { y = And (x, b) }"},
{"Div", "broadcasting by attribute", 6,
 "g (float[2,3,4,5] x, float[2] b) => (float[2,3,4,5] y) { y = Div <axis = 0, broadcast "
 "= 1> (x, b) }",
 "g (float[2,3,4,5] x, float[2] b) => (float[2,3,4,5] y) <int64[3] axes = {1, 2, 3}> { "
 "Unsqueeze_1 = Unsqueeze (b, axes) y = Div (x, Unsqueeze_1) }"},
{"Equal", "broadcasting by attribute", 6,
 "g (int32[2,3] x, int32[2] b) => (bool[2,3] y) { y = Equal <axis = 0, broadcast = 1> "
 "(x, b) }",
 "g (int32[2,3] x, int32[2] b) => (bool[2,3] y) <int64[1] axes = {1}> { Unsqueeze_1 = "
 "Unsqueeze (b, axes) y = Equal (x, Unsqueeze_1) }"},
{"Greater", "broadcasting by attribute", 6,
 "g (float[2,3] x, float[2] b) => (bool[2,3] y) { y = Greater <axis = -2, broadcast = 1> "
 "(x, b) }",
 "g (float[2,3] x, float[2] b) => (bool[2,3] y) <int64[1] axes = {1}> { Unsqueeze_1 = "
 "Unsqueeze (b, axes) y = Greater (x, Unsqueeze_1) }"},
{"Less", "broadcasting by attribute", 6,
 "g (float[2,3] x, float[3] b) => (bool[2,3] y) { y = Less <axis = -1, broadcast = 1> "
 "(x, b) }",
 "g (float[2,3] x, float[3] b) => (bool[2,3] y) { y = Less (x, b) }"},
{"Mul", "broadcasting by attribute", 5,
 "g (float[2,3,4] x, float[3,4] b) => (float[2,3,4] y) { y = Mul <axis = 1, broadcast = "
 "1, consumed_inputs = [0, 0]> (x, b) }",
 "g (float[2,3,4] x, float[3,4] b) => (float[2,3,4] y) { y = Mul (x, b) }"},
{"Or", "broadcasting by attribute", 6,
 "g (bool[2,3] x, bool[2] b) => (bool[2,3] y) { y = Or <axis = 0, broadcast = 1> (x, b) "
 "}",
 "g (bool[2,3] x, bool[2] b) => (bool[2,3] y) <int64[1] axes = {1}> { Unsqueeze_1 = "
 "Unsqueeze (b, axes) y = Or (x, Unsqueeze_1) }"},
{"Pow", "broadcasting by attribute", 6,
 "g (float[2,3] x, float b) => (float[2,3] y) { y = Pow <axis = 0, broadcast = 1> (x, b) "
 "}",
 "g (float[2,3] x, float b) => (float[2,3] y) <int64[2] axes = {0, 1}> { Unsqueeze_1 = "
 "Unsqueeze (b, axes) y = Pow (x, Unsqueeze_1) }"},
{"Sub", "broadcasting by attribute", 6,
 "g (float[2,3] x, float[2] b) => (float[2,3] y) { y = Sub <axis = 0, broadcast = 1> (x, "
 "b) }",
 "g (float[2,3] x, float[2] b) => (float[2,3] y) <int64[1] axes = {1}> { Unsqueeze_1 = "
 "Unsqueeze (b, axes) y = Sub (x, Unsqueeze_1) }"},
{"Xor", "broadcasting by attribute", 6,
 "g (bool[2,3] x, bool[2] b) => (bool[2,3] y) { y = Xor <axis = 0, broadcast = 1> (x, b) "
 "}",
 "g (bool[2,3] x, bool[2] b) => (bool[2,3] y) <int64[1] axes = {1}> { Unsqueeze_1 = "
 "Unsqueeze (b, axes) y = Xor (x, Unsqueeze_1) }"},
{"Affine", "experimental: Mul and Add", 7,
 "g (float[2] x) => (float[2] y) { y = Affine <alpha = 2.0, beta = 3.0> (x) }",
 "g (float[2] x) => (float[2] y) <float factor = {2.0}, float beta_1 = {3.0}> { Mul_1 = "
 "Mul (x, factor) y = Add (Mul_1, beta_1) }"},
{"BatchNormalization", "is_test", 6,
 "g (float[1,2,3] x, float[2] s, float[2] b, float[2] m, float[2] v) => (float[1,2,3] y) "
 "{ y = BatchNormalization <epsilon = 0.5, is_test = 1> (x, s, b, m, v) }",
 "g (float[1,2,3] x, float[2] s, float[2] b, float[2] m, float[2] v) => (float[1,2,3] y) "
 "{ y = BatchNormalization <epsilon = 0.5> (x, s, b, m, v) }"},
{"BatchNormalization", "spatial", 7,
 "g (float[1,2,3] x, float[2,3] s, float[2,3] b, float[2,3] m, float[2,3] v) => "
 "(float[1,2,3] y) { y = BatchNormalization <epsilon = 0.5, spatial = 0> (x, s, b, m, v) "
 "}",
 "g (float[1,2,3] x, float[2,3] s, float[2,3] b, float[2,3] m, float[2,3] v) => "
 "(float[1,2,3] y) <float epsilon_1 = {0.5}> { Add_1 = Add (v, epsilon_1) Sqrt_1 = Sqrt "
 "(Add_1) Sub_1 = Sub (x, m) Div_1 = Div (Sub_1, Sqrt_1) Mul_1 = Mul (Div_1, s) y = Add "
 "(Mul_1, b) }"},
{"BatchNormalization", "spatial", 8,
 "g (float[1,2,3] x, float[2] s, float[2] b, float[2] m, float[2] v) => (float[1,2,3] y) "
 "{ y = BatchNormalization <spatial = 1> (x, s, b, m, v) }",
 "g (float[1,2,3] x, float[2] s, float[2] b, float[2] m, float[2] v) => (float[1,2,3] y) "
 "{ y = BatchNormalization (x, s, b, m, v) }"},
{"BatchNormalization", "training by outputs", 9,
 "g (float[1,2,3] x, float[2] s, float[2] b, float[2] m, float[2] v) => (float[1,2,3] y) "
 "{ y, m2, v2, sm, sv = BatchNormalization (x, s, b, m, v) }",
 "g (float[1,2,3] x, float[2] s, float[2] b, float[2] m, float[2] v) => (float[1,2,3] y) "
 "{ y = BatchNormalization (x, s, b, m, v) }"},
{"BatchNormalization", "training by outputs", 9,
 "g (float[1,2,3] x, float[2] s, float[2] b, float[2] m, float[2] v) => (float[1,2,3] y, "
 "float[2] m2) { y, m2, v2, sm, sv = BatchNormalization (x, s, b, m, v) }",
 "g (float[1,2,3] x, float[2] s, float[2] b, float[2] m, float[2] v) => (float[1,2,3] y, "
 "float[2] m2) { y, m2 = BatchNormalization <training_mode = 1> (x, s, b, m, v) }"},
{"BatchNormalization", "training by outputs", 9,
 "g (float[1,2,3] x, float[2] s, float[2] b, float[2] m, float[2] v) => (float[1,2,3] y, "
 "float[2] sm) { y, m2, v2, sm, sv = BatchNormalization (x, s, b, m, v) }",
 NULL},
{"Cast", "type by name", 1,
 "g (float[2] x) => (int32[2] y) { y = Cast <to = \"INT32\"> (x) }",
 "g (float[2] x) => (int32[2] y) { y = Cast <to = 6> (x) }"},
{"Clip", "min and max as attributes", 6,
 "g (float16[2] x) => (float16[2] y) { y = Clip <max = 6.0, min = 0.0> (x) }",
 "g (float16[2] x) => (float16[2] y) <float16 min_1 = {0.0}, float16 max_1 = {6.0}> { y "
 "= Clip (x, min_1, max_1) }"},
{"Clip", "min and max as attributes", 10,
 "g (float[2] x) => (float[2] y) { y = Clip <max = 6.0> (x) }",
 "g (float[2] x) => (float[2] y) <float max_1 = {6.0}> { y = Clip (x, \"\", max_1) }"},
{"Concat", "axis 1 by default", 3,
 "g (float[2,3] x) => (float[2,6] y) { y = Concat (x, x) }",
 "g (float[2,3] x) => (float[2,6] y) { y = Concat <axis = 1> (x, x) }"},
{"ConstantFill", "experimental: ConstantOfShape", 1,
 "g (int64[2] s) => (int32[N,M,7] y) { y = ConstantFill <dtype = 6, extra_shape = [7], "
 "input_as_shape = 1, value = 3.0> (s) }",
 "g (int64[2] s) => (int32[N,M,7] y) <int64[1] extra_shape_1 = {7}> { Cast_1 = Cast <to "
 "= 7> (s) Concat_1 = Concat <axis = 0> (Cast_1, extra_shape_1) y = ConstantOfShape "
 "<value = int32[1] {3}> (Concat_1) }"},
{"ConstantFill", "experimental: ConstantOfShape", 1,
 "g () => (float[2,3] y) { y = ConstantFill <shape = [2, 3]> () }",
 "g () => (float[2,3] y) <int64[2] shape_1 = {2, 3}> { y = ConstantOfShape <value = "
 "float[1] {0.0}> (shape_1) }"},
{"Crop", "experimental: Slice", 7,
 "g (float[1,3,10,10] x) => (float[1,3,8,4] y) { y = Crop <border = [1, 2, 5, 0]> (x) }",
 "g (float[1,3,10,10] x) => (float[1,3,8,4] y) <int64[2] starts = {2, 1}, int64[2] ends "
 "= {9223372036854775807, -5}, int64[2] axes = {2, 3}> { y = Slice (x, starts, ends, "
 "axes) }"},
{"Crop", "experimental: Slice", 7,
 "g (float[1,3,10,10] x) => (float[1,3,4,5] y) { y = Crop <border = [1, 2, 0, 0], scale "
 "= [4, 5]> (x) }",
 "g (float[1,3,10,10] x) => (float[1,3,4,5] y) <int64[2] starts = {2, 1}, int64[2] ends "
 "= {6, 6}, int64[2] axes = {2, 3}> { y = Slice (x, starts, ends, axes) }"},
{"DFT", "axis 1 by default", 17,
 "g (float[1,8,1] x) => (float[1,8,2] y) { y = DFT (x) }",
 "g (float[1,8,1] x) => (float[1,8,2] y) { y = DFT <axis = 1> (x) }"},
{"Dropout", "is_test", 6,
 "g (float[2] x) => (float[2] y) { y = Dropout <is_test = 1> (x) }",
 "g (float[2] x) => (float[2] y) { y = Dropout (x) }"},
{"Dropout", "mask of the data's type", 7,
 "g (float[2] x) => (float[2] y, float[2] m) { y, m = Dropout (x) }",
 "g (float[2] x) => (float[2] y, float[2] m) { y, Cast_1 = Dropout (x) m = Cast <to = 1> "
 "(Cast_1) }"},
{"Dropout", "ratio as attribute", 10,
 "g (float[2] x) => (float[2] y) { y = Dropout <ratio = 0.25> (x) }",
 "g (float[2] x) => (float[2] y) <float ratio_1 = {0.25}> { y = Dropout (x, ratio_1) }"},
{"DynamicSlice", "experimental: Slice", 1,
 "g (float[9] x, int64[1] s, int64[1] e) => (float[N] y) { y = DynamicSlice (x, s, e) }",
 "g (float[9] x, int64[1] s, int64[1] e) => (float[N] y) { y = Slice (x, s, e) }"},
{"GRU", "output_sequence", 3,
 "g (float[5,1,2] x, float[1,9,2] w, float[1,9,3] r) => (float[5,1,1,3] y) { y = GRU "
 "<hidden_size = 3, output_sequence = 1> (x, w, r) }",
 "g (float[5,1,2] x, float[1,9,2] w, float[1,9,3] r) => (float[5,1,1,3] y) { y = GRU "
 "<hidden_size = 3> (x, w, r) }"},
{"Gemm", "broadcast", 6,
 "g (float[2,3] a, float[3,4] b, float[4] c) => (float[2,4] y) { y = Gemm <broadcast = "
 "1> (a, b, c) }",
 "g (float[2,3] a, float[3,4] b, float[4] c) => (float[2,4] y) { y = Gemm (a, b, c) }"},
{"GivenTensorFill", "experimental: Reshape", 1,
 "g () => (float[2,1] y) { y = GivenTensorFill <shape = [2, 1], values = [1.0, 2.0]> () "
 "}",
 "g () => (float[2,1] y) <float[2] values_1 = {1.0, 2.0}, int64[2] shape_1 = {2, 1}> { y "
 "= Reshape (values_1, shape_1) }"},
{"GlobalLpPool", "p as float", 1,
 "g (float[1,2,3] x) => (float[1,2,1] y) { y = GlobalLpPool <p = 3.0> (x) }",
 "g (float[1,2,3] x) => (float[1,2,1] y) { y = GlobalLpPool <p = 3> (x) }"},
{"Hardmax", "rows of a matrix", 11,
 "g (float[2,3] x) => (float[2,3] y) { y = Hardmax (x) }",
 "g (float[2,3] x) => (float[2,3] y) { y = Hardmax <axis = 1> (x) }"},
{"ImageScaler", "experimental: Mul and Add", 7,
 "g (float[1,2,4,4] x) => (float[1,2,4,4] y) { y = ImageScaler <bias = [-1.0, 1.0], "
 "scale = 0.5> (x) }",
 "g (float[1,2,4,4] x) => (float[1,2,4,4] y) <float factor = {0.5}, float[2,1,1] bias_1 "
 "= {-1.0, 1.0}> { Mul_1 = Mul (x, factor) y = Add (Mul_1, bias_1) }"},
{"LSTM", "output_sequence", 1,
 "g (float[5,1,2] x, float[1,12,2] w, float[1,12,3] r) => (float[5,1,1,3] y) { y = LSTM "
 "<hidden_size = 3, output_sequence = 1> (x, w, r) }",
 "g (float[5,1,2] x, float[1,12,2] w, float[1,12,3] r) => (float[5,1,1,3] y) { y = LSTM "
 "<hidden_size = 3> (x, w, r) }"},
{"LogSoftmax", "rows of a matrix", 12,
 "g (float[2,3,1] x) => (float[2,3,1] y) { y = LogSoftmax <axis = -2> (x) }",
 "g (float[2,3,1] x) => (float[2,3,1] y) { y = LogSoftmax <axis = -2> (x) }"},
{"LpPool", "p as float", 1,
 "g (float[1,2,8] x) => (float[1,2,7] y) { y = LpPool <kernel_shape = [2], p = 1.0> (x) "
 "}",
 "g (float[1,2,8] x) => (float[1,2,7] y) { y = LpPool <kernel_shape = [2], p = 1> (x) }"},
{"MeanVarianceNormalization", "axes by switch", 8,
 "g (float[1,2,4,4] x) => (float[1,2,4,4] y) { y = MeanVarianceNormalization "
 "<across_channels = 1> (x) }",
 "g (float[1,2,4,4] x) => (float[1,2,4,4] y) { y = MeanVarianceNormalization <axes = [0, "
 "1, 2, 3]> (x) }"},
{"MeanVarianceNormalization", "axes by switch", 8,
 "g (float[1,2,4,4] x) => (float[1,2,4,4] y) { y = MeanVarianceNormalization "
 "<normalize_variance = 0> (x) }",
 "g (float[1,2,4,4] x) => (float[1,2,4,4] y) { ReduceMean_1 = ReduceMean <axes = [0, 2, "
 "3]> (x) y = Sub (x, ReduceMean_1) }"},
{"PRelu", "slope per channel", 6,
 "g (float[1,3,4,4] x, float[3] s) => (float[1,3,4,4] y) { y = PRelu (x, s) }",
 "g (float[1,3,4,4] x, float[3] s) => (float[1,3,4,4] y) <int64[2] axes = {1, 2}> { "
 "Unsqueeze_1 = Unsqueeze (s, axes) y = PRelu (x, Unsqueeze_1) }"},
{"PRelu", "slope per channel", 6,
 "g (float[1,3,4,4] x, float[1] s) => (float[1,3,4,4] y) { y = PRelu (x, s) }",
 "g (float[1,3,4,4] x, float[1] s) => (float[1,3,4,4] y) { y = PRelu (x, s) }"},
{"Pad", "pads and value as attributes", 1,
 "g (float[2,3] x) => (float[2,5] y) { y = Pad <paddings = [0, 1, 0, 1]> (x) }",
 "g (float[2,3] x) => (float[2,5] y) <int64[4] paddings_1 = {0, 1, 0, 1}> { y = Pad (x, "
 "paddings_1) }"},
{"Pad", "pads and value as attributes", 10,
 "g (float16[2,3] x) => (float16[2,5] y) { y = Pad <mode = \"constant\", pads = [0, 1, "
 "0, 1], value = 2.0> (x) }",
 "g (float16[2,3] x) => (float16[2,5] y) <float16 value_1 = {2.0}, int64[4] pads_1 = {0, "
 "1, 0, 1}> { y = Pad <mode = \"constant\"> (x, pads_1, value_1) }"},
{"ParametricSoftplus", "experimental: Mul, Softplus", 1,
 "g (float[2] x) => (float[2] y) { y = ParametricSoftplus <alpha = 2.0, beta = 3.0> (x) "
 "}",
 "g (float[2] x) => (float[2] y) <float factor = {3.0}, float alpha_1 = {2.0}> { Mul_1 = "
 "Mul (x, factor) Softplus_1 = Softplus (Mul_1) y = Mul (Softplus_1, alpha_1) }"},
{"RNN", "output_sequence", 6,
 "g (float[5,1,2] x, float[1,3,2] w, float[1,3,3] r) => (float[5,1,1,3] y) { y = RNN "
 "<hidden_size = 3, output_sequence = 0> (x, w, r) }",
 "g (float[5,1,2] x, float[1,3,2] w, float[1,3,3] r) => (float[5,1,1,3] y) { y = RNN "
 "<hidden_size = 3> (x, w, r) }"},
{"ReduceSum", "axes as attribute", 12,
 "g (float[2,3] x) => (float[2] y) { y = ReduceSum <axes = [1], keepdims = 0> (x) }",
 "g (float[2,3] x) => (float[2] y) <int64[1] axes_1 = {1}> { y = ReduceSum <keepdims = "
 "0> (x, axes_1) }"},
{"ReduceSum", "axes as attribute", 12,
 "g (float[2,3] x) => (float[1,1] y) { y = ReduceSum <axes : ints = []> (x) }",
 "g (float[2,3] x) => (float[1,1] y) { y = ReduceSum (x) }"},
{"Reshape", "shape as attribute", 4,
 "g (float[2,3] x) => (float[6] y) { y = Reshape <consumed_inputs = [0], shape = [-1]> "
 "(x) }",
 "g (float[2,3] x) => (float[6] y) <int64[1] shape_1 = {-1}> { y = Reshape (x, shape_1) "
 "}"},
{"Resize", "asymmetric positions", 10,
 "g (float[1,1,4,4] x) => (float[1,1,8,8] y) <float[4] s = {1.0, 1.0, 2.0, 2.0}> { y = "
 "Resize (x, s) }",
 "g (float[1,1,4,4] x) => (float[1,1,8,8] y) <float[4] s = {1.0, 1.0, 2.0, 2.0}> { y = "
 "Resize <coordinate_transformation_mode = \"asymmetric\", mode = \"nearest\", "
 "nearest_mode = \"floor\"> (x, \"\", s) }"},
{"Resize", "asymmetric positions", 10,
 "g (float[1,1,4,4] x) => (float[1,1,2,2] y) <float[4] s = {1.0, 1.0, 0.5, 0.5}> { y = "
 "Resize (x, s) }",
 "g (float[1,1,4,4] x) => (float[1,1,2,2] y) <float[4] s = {1.0, 1.0, 0.5, 0.5}> { y = "
 "Resize <coordinate_transformation_mode = \"asymmetric\", mode = \"nearest\", "
 "nearest_mode = \"ceil\"> (x, \"\", s) }"},
{"Resize", "asymmetric positions", 10,
 "g (float[1,1,4,4] x, float[4] s) => (float[1,1,H,W] y) { y = Resize (x, s) }",
 "g (float[1,1,4,4] x, float[4] s) => (float[1,1,H,W] y) <float one = {1.0}> { Max_1 = "
 "Max (s, one) Resize_2 = Resize <coordinate_transformation_mode = \"asymmetric\", mode "
 "= \"nearest\", nearest_mode = \"floor\"> (x, \"\", Max_1) Min_1 = Min (s, one) y = "
 "Resize <coordinate_transformation_mode = \"asymmetric\", mode = \"nearest\", "
 "nearest_mode = \"ceil\"> (Resize_2, \"\", Min_1) }"},
{"Resize", "asymmetric positions", 10,
 "g (float[1,1,4,4] x, float[4] s) => (float[1,1,H,W] y) { y = Resize <mode = "
 "\"linear\"> (x, s) }",
 "g (float[1,1,4,4] x, float[4] s) => (float[1,1,H,W] y) { y = Resize "
 "<coordinate_transformation_mode = \"asymmetric\", mode = \"linear\"> (x, \"\", s) }"},
{"RoiAlign", "grid without shift", 15,
 "g (float[1,1,4,4] x, float[1,4] r, int64[1] b) => (float[1,1,1,1] y) { y = RoiAlign "
 "(x, r, b) }",
 "g (float[1,1,4,4] x, float[1,4] r, int64[1] b) => (float[1,1,1,1] y) { y = RoiAlign "
 "<coordinate_transformation_mode = \"output_half_pixel\"> (x, r, b) }"},
{"Scale", "experimental: Mul", 1,
 "g (float[2] x) => (float[2] y) { y = Scale <scale = 2.0> (x) }",
 "g (float[2] x) => (float[2] y) <float scale_1 = {2.0}> { y = Mul (x, scale_1) }"},
{"ScaledTanh", "experimental: Mul, Tanh", 1,
 "g (float[2] x) => (float[2] y) { y = ScaledTanh <alpha = 2.0, beta = 1.0> (x) }",
 "g (float[2] x) => (float[2] y) <float alpha_1 = {2.0}> { Tanh_1 = Tanh (x) y = Mul "
 "(Tanh_1, alpha_1) }"},
{"Scan", "batch axis", 8,
 "g (float[1,2] s, float[1,3,2] x, float k) => (float[1,2] t, float[1,3,2] y) { t, y = "
 "Scan <body = b (float[2] a, float[2] v) => (float[2] c, float[2] d) { c = Add (a, v) d "
 "= Mul (c, k) }, directions = [1], num_scan_inputs = 1> (\"\", s, x) }",
 "g (float[1,2] s, float[1,3,2] x, float k) => (float[1,2] t, float[1,3,2] y) { t, y = "
 "Scan <body = sample (float[2] s_2, float[3,2] x_2) => (t_1, y_1) { t_1, y_1 = Scan "
 "<body = b (float[2] a_2, float[2] v_2) => (c, d) { c = Add (a_2, v_2) d = Mul (c, k) "
 "}, num_scan_inputs = 1, scan_input_directions = [1]> (s_2, x_2) }, num_scan_inputs = "
 "2> (s, x) }"},
{"Scatter", "ScatterElements", 10,
 "g (float[3] x, int64[1] i, float[1] u) => (float[3] y) { y = Scatter (x, i, u) }",
 "g (float[3] x, int64[1] i, float[1] u) => (float[3] y) { y = ScatterElements (x, i, u) "
 "}"},
{"Selu", "shorter default constants", 1,
 "g (float[2] x) => (float[2] y) { y = Selu (x) }",
 "g (float[2] x) => (float[2] y) { y = Selu <alpha = 1.6732, gamma = 1.0507> (x) }"},
{"Slice", "starts, ends and axes as attributes", 9,
 "g (float[3,4] x) => (float[3,2] y) { y = Slice <axes = [1], ends = [3], starts = [1]> "
 "(x) }",
 "g (float[3,4] x) => (float[3,2] y) <int64[1] starts_1 = {1}, int64[1] ends_1 = {3}, "
 "int64[1] axes_1 = {1}> { y = Slice (x, starts_1, ends_1, axes_1) }"},
{"Softmax", "rows of a matrix", 11,
 "g (float[2,3,4] x) => (float[2,3,4] y) { y = Softmax <axis = 1> (x) }",
 "g (float[2,3,4] x) => (float[2,3,4] y) { Shape_1 = Shape (x) Flatten_1 = Flatten <axis "
 "= 1> (x) Softmax_2 = Softmax <axis = -1> (Flatten_1) y = Reshape (Softmax_2, Shape_1) "
 "}"},
{"Softmax", "rows of a matrix", 1,
 "g (float[2,3] x) => (float[2,3] y) { y = Softmax (x) }",
 "g (float[2,3] x) => (float[2,3] y) { y = Softmax <axis = 1> (x) }"},
{"Split", "lengths of the data's type", 1,
 "g (float[4] x, float[2] l) => (float[N] y, float[M] z) { y, z = Split (x, l) }",
 "g (float[4] x, float[2] l) => (float[N] y, float[M] z) { Cast_1 = Cast <to = 7> (l) y, "
 "z = Split (x, Cast_1) }"},
{"Split", "lengths as attribute", 11,
 "g (float[2,4] x) => (float[2,1] y, float[2,3] z) { y, z = Split <axis = 1, split = [1, "
 "3]> (x) }",
 "g (float[2,4] x) => (float[2,1] y, float[2,3] z) <int64[2] split_1 = {1, 3}> { y, z = "
 "Split <axis = 1> (x, split_1) }"},
{"Squeeze", "axes as attribute", 11,
 "g (float[2,1] x) => (float[2] y) { y = Squeeze <axes = [1]> (x) }",
 "g (float[2,1] x) => (float[2] y) <int64[1] axes_1 = {1}> { y = Squeeze (x, axes_1) }"},
{"Tile", "one axis", 5,
 "g (float[2,3] x, float t, float a) => (float[N,M] y) { y = Tile (x, t, a) }",
 "g (float[2,3] x, float t, float a) => (float[N,M] y) <int64[1] flat = {-1}, int64[1] "
 "one = {1}> { Cast_1 = Cast <to = 7> (t) Reshape_1 = Reshape (Cast_1, flat) Cast_2 = "
 "Cast <to = 7> (a) Reshape_2 = Reshape (Cast_2, flat) Shape_1 = Shape (x) Size_1 = Size "
 "(Shape_1) Concat_1 = Concat <axis = 0> (one, Reshape_1) OneHot_1 = OneHot (Reshape_2, "
 "Size_1, Concat_1) Reshape_3 = Reshape (OneHot_1, flat) y = Tile (x, Reshape_3) }"},
{"TopK", "k as attribute", 9,
 "g (float[9] x) => (float[3] v, int64[3] i) { v, i = TopK <axis = 0, k = 3> (x) }",
 "g (float[9] x) => (float[3] v, int64[3] i) <int64[1] k_1 = {3}> { v, i = TopK <axis = "
 "0> (x, k_1) }"},
{"Unsqueeze", "axes as attribute", 12,
 "g (float[2] x) => (float[2,1] y) { y = Unsqueeze <axes = [-1]> (x) }",
 "g (float[2] x) => (float[2,1] y) <int64[1] axes_1 = {-1}> { y = Unsqueeze (x, axes_1) "
 "}"},
{"Upsample", "height_scale and width_scale", 1,
 "g (float[1,1,2,2] x) => (float[1,1,4,6] y) { y = Upsample <height_scale = 2.0, mode = "
 "\"bilinear\", width_scale = 3.0> (x) }",
 "g (float[1,1,2,2] x) => (float[1,1,4,6] y) <float[4] scales = {1.0, 1.0, 2.0, 3.0}> { "
 "y = Resize <coordinate_transformation_mode = \"asymmetric\", mode = \"linear\"> (x, "
 "\"\", scales) }"},
{"Upsample", "scales as attribute", 7,
 "g (float[1,2] x) => (float[2,4] y) { y = Upsample <scales = [2.0, 2.0]> (x) }",
 "g (float[1,2] x) => (float[2,4] y) <float[2] scales_1 = {2.0, 2.0}> { y = Resize "
 "<coordinate_transformation_mode = \"asymmetric\", mode = \"nearest\", nearest_mode = "
 "\"floor\"> (x, \"\", scales_1) }"},
{"Upsample", "Resize", 9,
 "g (float[1,2] x, float[2] s) => (float[N,M] y) { y = Upsample <mode = \"linear\"> (x, "
 "s) }",
 "g (float[1,2] x, float[2] s) => (float[N,M] y) { y = Resize "
 "<coordinate_transformation_mode = \"asymmetric\", mode = \"linear\"> (x, \"\", s) }"},
