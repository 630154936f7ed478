/* SPDX-License-Identifier: Apache-2.0
 *
 * Cases of test_opset.c: type, row, opset before and after, graph before and after; or NULL and a
 * part of the reason of a refusal.
 */
{"ArgMax", "negative axis", 13, 10,
 "g (float[2,3] x) => (int64[2,1] y) { y = ArgMax <axis = -1> (x) }",
 "g (float[2,3] x) => (int64[2,1] y) { y = ArgMax <axis = 1> (x) }", NULL},
{"ArgMin", "negative axis", 13, 10,
 "g (float[2,3] x) => (int64[1,3] y) { y = ArgMin <axis = -2> (x) }",
 "g (float[2,3] x) => (int64[1,3] y) { y = ArgMin <axis = 0> (x) }", NULL},
{"AveragePool", "windows in the padding", 22, 21,
 "g (float[1,1,4] x) => (float[1,1,2] y) { y = AveragePool <kernel_shape = [2], strides = "
 "[2], ceil_mode = 1> (x) }",
 "g (float[1,1,4] x) => (float[1,1,2] y) { y = AveragePool <kernel_shape = [2], strides = "
 "[2], ceil_mode = 1> (x) }", NULL},
{"AveragePool", "windows in the padding", 22, 21,
 "g (float[1,1,3] x) => (float[1,1,1] y) { y = AveragePool <kernel_shape = [1], strides = "
 "[3], pads = [0, 1], ceil_mode = 1> (x) }",
 NULL, "window"},
{"Cast", "no saturation", 19, 18,
 "g (float[2] x) => (int32[2] y) { y = Cast <to = 6, saturate = 0> (x) }",
 "g (float[2] x) => (int32[2] y) { y = Cast <to = 6> (x) }", NULL},
{"Cast", "no saturation", 19, 18,
 "g (float[2] x) => (float8e4m3fn[2] y) { y = Cast <to = 17, saturate = 0> (x) }",
 NULL, "saturate"},
{"CastLike", "Cast", 19, 14,
 "g (float[2] x, int32 t) => (int32[2] y) { y = CastLike (x, t) }",
 "g (float[2] x, int32 t) => (int32[2] y) { y = Cast <to = 6> (x) }", NULL},
{"Celu", "Div, Elu, Mul", 12, 11,
 "g (float[2] x) => (float[2] y) { y = Celu <alpha = 2.0> (x) }",
 "g (float[2] x) => (float[2] y) <float alpha_1 = {2.0}> { Div_1 = Div (x, alpha_1) Elu_1 = "
 "Elu (Div_1) y = Mul (Elu_1, alpha_1) }", NULL},
{"Celu", "float alone", 28, 27,
 "g (double[2] x) => (double[2] y) { y = Celu <alpha = 0.5> (x) }",
 "g (double[2] x) => (double[2] y) <double alpha_1 = {0.5}> { Div_1 = Div (x, alpha_1) Elu_1 "
 "= Elu (Div_1) y = Mul (Elu_1, alpha_1) }", NULL},
{"Celu", "float alone", 28, 27,
 "g (float[2] x) => (float[2] y) { y = Celu <alpha = 0.5> (x) }",
 "g (float[2] x) => (float[2] y) { y = Celu <alpha = 0.5> (x) }", NULL},
{"Clip", "min and max as attributes", 13, 10,
 "g (float[2] x) => (float[2] y) <float a = {-0.5}, float b = {0.5}> { y = Clip (x, a, b) }",
 "g (float[2] x) => (float[2] y) { y = Clip <max = 0.5, min = -0.5> (x) }", NULL},
{"Clip", "min and max as attributes", 13, 10,
 "g (float[2] x, float b) => (float[2] y) { y = Clip (x, \"\", b) }",
 NULL, "computed"},
{"Clip", "min and max as attributes", 13, 10,
 "g (double[2] x) => (double[2] y) <double a = {0.1}> { y = Clip (x, a) }",
 NULL, "0.1000"},
{"Clip", "min and max as attributes", 13, 10,
 "g (int32[2] x) => (int32[2] y) <int32 a = {1}> { y = Clip (x, a) }",
 NULL, "int32"},
{"Compress", "negative axis", 11, 10,
 "g (float[2,3] x) => (float[2,2] y) <bool[3] c = {1, 0, 1}> { y = Compress <axis = -1> (x, "
 "c) }",
 "g (float[2,3] x) => (float[2,2] y) <bool[3] c = {1, 0, 1}> { y = Compress <axis = 1> (x, c) "
 "}", NULL},
{"Concat", "negative axis", 13, 10,
 "g (float[2,3] x) => (float[2,6] y) { y = Concat <axis = -1> (x, x) }",
 "g (float[2,3] x) => (float[2,6] y) { y = Concat <axis = 1> (x, x) }", NULL},
{"Concat", "negative axis", 13, 10,
 "g (float x0, float[2,3] x) => (y) { r = Foo (x0) y = Concat <axis = -1> (r, r) }",
 NULL, "rank"},
{"Constant", "float alone", 13, 8,
 "g (int64[2] x) => (int64[2] y) { c = Constant <value = int64 {3}> () y = Mul (x, c) }",
 "g (int64[2] x) => (int64[2] y) <int64 c = {3}> { y = Mul (x, c) }", NULL},
{"Constant", "tensor alone", 13, 11,
 "g (float[2] x) => (float[2] y) { c = Constant <value_floats = [1.0, 2.0]> () y = Mul (x, c) "
 "}",
 "g (float[2] x) => (float[2] y) { c = Constant <value = float[2] {1.0, 2.0}> () y = Mul (x, "
 "c) }", NULL},
{"Constant", "tensor alone", 13, 11,
 "g (int64[2] x) => (int64[2] y) { c = Constant <value_int = 3> () y = Mul (x, c) }",
 "g (int64[2] x) => (int64[2] y) { c = Constant <value = int64 {3}> () y = Mul (x, c) }", NULL},
{"DFT", "axis as attribute", 17, 20,
 "g (float[1,4,3,1] x) => (float[1,4,3,2] y) { y = DFT (x) }",
 "g (float[1,4,3,1] x) => (float[1,4,3,2] y) <int64 axis_1 = {1}> { y = DFT (x, \"\", axis_1) "
 "}", NULL},
{"DFT", "axis as attribute", 17, 20,
 "g (float[1,4,3,1] x) => (float[1,4,3,2] y) { y = DFT <axis = 2> (x) }",
 "g (float[1,4,3,1] x) => (float[1,4,3,2] y) <int64 axis_1 = {2}> { y = DFT (x, \"\", axis_1) "
 "}", NULL},
{"DFT", "axis as attribute", 20, 19,
 "g (float[1,4,3,1] x) => (float[1,4,3,2] y) <int64 a = {1}> { y = DFT (x, \"\", a) }",
 "g (float[1,4,3,1] x) => (float[1,4,3,2] y) { y = DFT <axis = 1> (x) }", NULL},
{"DFT", "axis as attribute", 20, 19,
 "g (float[1,4,3,1] x) => (float[1,4,3,2] y) { y = DFT (x) }",
 "g (float[1,4,3,1] x) => (float[1,4,3,2] y) { y = DFT <axis = -2> (x) }", NULL},
{"DFT", "axis as attribute", 20, 19,
 "g (float[1,4,3,1] x, int64 a) => (float[1,4,3,2] y) { y = DFT (x, \"\", a) }",
 NULL, "computed"},
{"DequantizeLinear", "scalar scale", 13, 12,
 "g (uint8[2,3] x) => (float[2,3] y) <float s = {0.5}, uint8[1] z = {3}> { y = "
 "DequantizeLinear <axis = 0> (x, s, z) }",
 "g (uint8[2,3] x) => (float[2,3] y) <float s = {0.5}, uint8 z_2 = {3}> { y = "
 "DequantizeLinear (x, s, z_2) }", NULL},
{"DequantizeLinear", "scalar scale", 13, 12,
 "g (uint8[2,3] x) => (float[2,3] y) <float[3] s = {0.5, 0.25, 2.0}> { y = DequantizeLinear "
 "<axis = 1> (x, s) }",
 NULL, "per channel"},
{"DequantizeLinear", "type of the scale", 23, 22,
 "g (int8[2] x) => (float16[2] y) <float s = {0.5}> { y = DequantizeLinear <output_dtype = "
 "10> (x, s) }",
 "g (int8[2] x) => (float16[2] y) <float s = {0.5}> { Cast_1 = Cast <to = 10> (s) y = "
 "DequantizeLinear (x, Cast_1) }", NULL},
{"Dropout", "mask of the data's type", 13, 9,
 "g (float[2] x) => (float[2] y, bool[2] m) { y, m = Dropout (x) }",
 "g (float[2] x) => (float[2] y, bool[2] m) { y, Cast_1 = Dropout (x) m = Cast <to = 9> "
 "(Cast_1) }", NULL},
{"Dropout", "ratio as attribute", 13, 11,
 "g (float[2] x) => (float[2] y) <float r = {0.25}, bool t = {0}> { y = Dropout <seed = 3> "
 "(x, r, t) }",
 "g (float[2] x) => (float[2] y) { y = Dropout <ratio = 0.25> (x) }", NULL},
{"Dropout", "ratio as attribute", 13, 11,
 "g (float[2] x, bool t) => (float[2] y) <float r = {0.25}> { y = Dropout (x, r, t) }",
 NULL, "training_mode"},
{"Flatten", "negative axis", 13, 10,
 "g (float[2,3,4] x) => (float[6,4] y) { y = Flatten <axis = -1> (x) }",
 "g (float[2,3,4] x) => (float[6,4] y) { y = Flatten <axis = 2> (x) }", NULL},
{"Gelu", "Erf or Tanh", 20, 19,
 "g (float[2] x) => (float[2] y) { y = Gelu (x) }",
 "g (float[2] x) => (float[2] y) <float root = {1.4142135}, float half = {0.5}, float one = "
 "{1.0}> { Div_1 = Div (x, root) Erf_1 = Erf (Div_1) Mul_1 = Mul (x, half) Add_1 = Add "
 "(Erf_1, one) y = Mul (Mul_1, Add_1) }", NULL},
{"Gelu", "Erf or Tanh", 20, 19,
 "g (float[2] x) => (float[2] y) { y = Gelu <approximate = \"tanh\"> (x) }",
 "g (float[2] x) => (float[2] y) <float factor = {0.044715}, float root = {0.7978846}, float "
 "half = {0.5}, float one = {1.0}> { Mul_1 = Mul (x, x) Mul_2 = Mul (Mul_1, x) Mul_3 = Mul "
 "(Mul_2, factor) Add_1 = Add (x, Mul_3) Mul_4 = Mul (Add_1, root) Tanh_1 = Tanh (Mul_4) "
 "Mul_5 = Mul (x, half) Add_2 = Add (Tanh_1, one) y = Mul (Mul_5, Add_2) }", NULL},
{"Gemm", "three operands", 13, 10,
 "g (float[2,3] a, float[3,2] b) => (float[2,2] y) { y = Gemm (a, b) }",
 "g (float[2,3] a, float[3,2] b) => (float[2,2] y) <float zero = {0.0}> { y = Gemm (a, b, "
 "zero) }", NULL},
{"GreaterOrEqual", "Greater, Equal, Or", 16, 11,
 "g (float[2] a, float[2] b) => (bool[2] y) { y = GreaterOrEqual (a, b) }",
 "g (float[2] a, float[2] b) => (bool[2] y) { Equal_1 = Equal (a, b) Greater_1 = Greater (a, "
 "b) y = Or (Greater_1, Equal_1) }", NULL},
{"GridSample", "names of the modes", 16, 20,
 "g (float[1,1,2,2] x, float[1,2,2,2] p) => (float[1,1,2,2] y) { y = GridSample <mode = "
 "\"bilinear\"> (x, p) }",
 "g (float[1,1,2,2] x, float[1,2,2,2] p) => (float[1,1,2,2] y) { y = GridSample <mode = "
 "\"linear\"> (x, p) }", NULL},
{"GridSample", "names of the modes", 16, 20,
 "g (float[1,1,2,2] x, float[1,2,2,2] p) => (float[1,1,2,2] y) { y = GridSample <mode = "
 "\"bicubic\"> (x, p) }",
 "g (float[1,1,2,2] x, float[1,2,2,2] p) => (float[1,1,2,2] y) { y = GridSample <mode = "
 "\"cubic\"> (x, p) }", NULL},
{"GridSample", "names of the modes", 20, 19,
 "g (float[1,1,2,2] x, float[1,2,2,2] p) => (float[1,1,2,2] y) { y = GridSample <mode = "
 "\"linear\"> (x, p) }",
 "g (float[1,1,2,2] x, float[1,2,2,2] p) => (float[1,1,2,2] y) { y = GridSample <mode = "
 "\"bilinear\"> (x, p) }", NULL},
{"GridSample", "names of the modes", 20, 19,
 "g (float[1,1,2,2] x, float[1,2,2,2] p) => (float[1,1,2,2] y) { y = GridSample <mode = "
 "\"cubic\"> (x, p) }",
 "g (float[1,1,2,2] x, float[1,2,2,2] p) => (float[1,1,2,2] y) { y = GridSample <mode = "
 "\"bicubic\"> (x, p) }", NULL},
{"GridSample", "names of the modes", 20, 19,
 "g (float[1,1,2,2,2] x, float[1,2,2,2,3] p) => (float[1,1,2,2,2] y) { y = GridSample (x, p) }",
 NULL, "rank 4"},
{"GroupNormalization", "scale per group", 18, 21,
 "g (float[1,4,2] x, float[2] s, float[2] b) => (float[1,4,2] y) { y = GroupNormalization "
 "<num_groups = 2> (x, s, b) }",
 "g (float[1,4,2] x, float[2] s, float[2] b) => (float[1,4,2] y) <int64[2] shape = {2, 2}, "
 "int64[2] column = {2, 1}, int64[1] channels = {-1}, int64[2] column_1 = {2, 1}, int64[1] "
 "channels_1 = {-1}> { Reshape_1 = Reshape (s, column) Expand_1 = Expand (Reshape_1, shape) "
 "Reshape_2 = Reshape (Expand_1, channels) Reshape_3 = Reshape (b, column_1) Expand_2 = "
 "Expand (Reshape_3, shape) Reshape_4 = Reshape (Expand_2, channels_1) y = GroupNormalization "
 "<num_groups = 2> (x, Reshape_2, Reshape_4) }", NULL},
{"GroupNormalization", "scale per group", 18, 21,
 "g (float[1,C,2] x, float[2] s, float[2] b) => (float[1,C,2] y) { y = GroupNormalization "
 "<num_groups = 2> (x, s, b) }",
 "g (float[1,C,2] x, float[2] s, float[2] b) => (float[1,C,2] y) <int64[1] groups = {2}, "
 "int64[2] column = {2, 1}, int64[1] channels = {-1}, int64[2] column_1 = {2, 1}, int64[1] "
 "channels_1 = {-1}> { Shape_1 = Shape <start = 1, end = 2> (x) Div_1 = Div (Shape_1, groups) "
 "Concat_1 = Concat <axis = 0> (groups, Div_1) Reshape_1 = Reshape (s, column) Expand_1 = "
 "Expand (Reshape_1, Concat_1) Reshape_2 = Reshape (Expand_1, channels) Reshape_3 = Reshape "
 "(b, column_1) Expand_2 = Expand (Reshape_3, Concat_1) Reshape_4 = Reshape (Expand_2, "
 "channels_1) y = GroupNormalization <num_groups = 2> (x, Reshape_2, Reshape_4) }", NULL},
{"GroupNormalization", "scale per group", 18, 21,
 "g (float[1,4,2] x, float[4] s, float[4] b) => (float[1,4,2] y) { y = GroupNormalization "
 "<num_groups = 4> (x, s, b) }",
 "g (float[1,4,2] x, float[4] s, float[4] b) => (float[1,4,2] y) { y = GroupNormalization "
 "<num_groups = 4> (x, s, b) }", NULL},
{"GroupNormalization", "scale per group", 21, 20,
 "g (float[1,4,2] x, float[4] s, float[4] b) => (float[1,4,2] y) { y = GroupNormalization "
 "<num_groups = 2> (x, s, b) }",
 "g (float[1,4,2] x, float[4] s, float[4] b) => (float[1,4,2] y) <int64[3] groups = {0, 2, "
 "-1}, float[2] ones = {1.0, 1.0}, float[2] zeros = {0.0, 0.0}, int64[2] per_channel = {-1, "
 "1}, int64[2] per_channel_1 = {-1, 1}> { Shape_1 = Shape (x) Reshape_1 = Reshape (x, groups) "
 "InstanceNormalization_1 = InstanceNormalization <epsilon = 1e-05> (Reshape_1, ones, zeros) "
 "Reshape_2 = Reshape (InstanceNormalization_1, Shape_1) Reshape_3 = Reshape (s, per_channel) "
 "Mul_1 = Mul (Reshape_2, Reshape_3) Reshape_4 = Reshape (b, per_channel_1) y = Add (Mul_1, "
 "Reshape_4) }", NULL},
{"GroupNormalization", "scale per group", 21, 17,
 "g (float16[1,4,2,2] x, float16[4] s, float16[4] b) => (float16[1,4,2,2] y) { y = "
 "GroupNormalization <num_groups = 2> (x, s, b) }",
 "g (float16[1,4,2,2] x, float16[4] s, float16[4] b) => (float16[1,4,2,2] y) <int64[3] groups "
 "= {0, 2, -1}, float[2] ones = {1.0, 1.0}, float[2] zeros = {0.0, 0.0}, int64[3] per_channel "
 "= {-1, 1, 1}, int64[3] per_channel_1 = {-1, 1, 1}> { Shape_1 = Shape (x) Reshape_1 = "
 "Reshape (x, groups) Cast_1 = Cast <to = 1> (Reshape_1) InstanceNormalization_1 = "
 "InstanceNormalization <epsilon = 1e-05> (Cast_1, ones, zeros) Cast_2 = Cast <to = 10> "
 "(InstanceNormalization_1) Reshape_2 = Reshape (Cast_2, Shape_1) Reshape_3 = Reshape (s, "
 "per_channel) Mul_1 = Mul (Reshape_2, Reshape_3) Reshape_4 = Reshape (b, per_channel_1) y = "
 "Add (Mul_1, Reshape_4) }", NULL},
{"HardSwish", "HardSigmoid, Mul", 14, 13,
 "g (double[2] x) => (double[2] y) { y = HardSwish (x) }",
 "g (double[2] x) => (double[2] y) <double six = {6.0}, double half = {0.5}, double zero = {0.0}, "
 "double one = {1.0}> { Div_1 = Div (x, six) Add_1 = Add (Div_1, half) Clip_1 = Clip (Add_1, "
 "zero, one) y = Mul (x, Clip_1) }", NULL},
{"HardSwish", "HardSigmoid, Mul", 14, 13,
 "g (float[2] x) => (float[2] y) { y = HardSwish (x) }",
 "g (float[2] x) => (float[2] y) { HardSigmoid_1 = HardSigmoid <alpha = 0.16666667, beta = "
 "0.5> (x) y = Mul (x, HardSigmoid_1) }", NULL},
{"Hardmax", "negative axis", 13, 10,
 "g (float[2,3] x) => (float[2,3] y) { y = Hardmax (x) }",
 "g (float[2,3] x) => (float[2,3] y) { y = Hardmax <axis = 1> (x) }", NULL},
{"Hardmax", "rows of a matrix", 13, 12,
 "g (float[2,3] x) => (float[2,3] y) { y = Hardmax <axis = 0> (x) }",
 "g (float[2,3] x) => (float[2,3] y) { Transpose_1 = Transpose <perm = [1, 0]> (x) Hardmax_2 "
 "= Hardmax <axis = -1> (Transpose_1) y = Transpose <perm = [1, 0]> (Hardmax_2) }", NULL},
{"LayerNormalization", "ReduceMean, ...", 17, 16,
 "g (float[2,3] x, float[3] s, float[3] b) => (float[2,3] y) { y = LayerNormalization (x, s, "
 "b) }",
 "g (float[2,3] x, float[3] s, float[3] b) => (float[2,3] y) <float epsilon = {1e-05}> { "
 "ReduceMean_1 = ReduceMean <axes = [-1]> (x) Sub_1 = Sub (x, ReduceMean_1) Mul_1 = Mul "
 "(Sub_1, Sub_1) ReduceMean_2 = ReduceMean <axes = [-1]> (Mul_1) Add_1 = Add (ReduceMean_2, "
 "epsilon) Sqrt_1 = Sqrt (Add_1) Reciprocal_1 = Reciprocal (Sqrt_1) Mul_2 = Mul (Sub_1, "
 "Reciprocal_1) Mul_3 = Mul (Mul_2, s) y = Add (Mul_3, b) }", NULL},
{"LayerNormalization", "ReduceMean, ...", 18, 16,
 "g (float16[2,3] x, float16[2,3] s) => (float16[2,3] y, float[1,1] m, float[1,1] v) { y, m, "
 "v = LayerNormalization <axis = 0> (x, s) }",
 "g (float16[2,3] x, float16[2,3] s) => (float16[2,3] y, float[1,1] m, float[1,1] v) <float "
 "epsilon = {1e-05}> { Cast_1 = Cast <to = 1> (x) m = ReduceMean <axes = [-2, -1]> (Cast_1) "
 "Sub_1 = Sub (Cast_1, m) Mul_1 = Mul (Sub_1, Sub_1) ReduceMean_2 = ReduceMean <axes = [-2, "
 "-1]> (Mul_1) Add_1 = Add (ReduceMean_2, epsilon) Sqrt_1 = Sqrt (Add_1) v = Reciprocal "
 "(Sqrt_1) Mul_2 = Mul (Sub_1, v) Cast_2 = Cast <to = 10> (Mul_2) y = Mul (Cast_2, s) }", NULL},
{"LessOrEqual", "Less, Equal, Or", 16, 11,
 "g (float[2] a, float[2] b) => (bool[2] y) { y = LessOrEqual (a, b) }",
 "g (float[2] a, float[2] b) => (bool[2] y) { Equal_1 = Equal (a, b) Less_1 = Less (a, b) y = "
 "Or (Less_1, Equal_1) }", NULL},
{"LogSoftmax", "negative axis", 13, 10,
 "g (float[2,3] x) => (float[2,3] y) { y = LogSoftmax (x) }",
 "g (float[2,3] x) => (float[2,3] y) { y = LogSoftmax <axis = 1> (x) }", NULL},
{"LogSoftmax", "rows of a matrix", 13, 12,
 "g (float[2,3,1] x) => (float[2,3,1] y) { y = LogSoftmax <axis = 1> (x) }",
 "g (float[2,3,1] x) => (float[2,3,1] y) { y = LogSoftmax <axis = 1> (x) }", NULL},
{"Max", "one shape", 13, 7,
 "g (float[2] a, float[2] b) => (float[2] y) { y = Max (a, b) }",
 "g (float[2] a, float[2] b) => (float[2] y) { y = Max (a, b) }", NULL},
{"Max", "one shape", 13, 7,
 "g (float[2] a, float b) => (float[2] y) { y = Max (a, b) }",
 NULL, "one shape"},
{"MaxPool", "windows in the padding", 22, 9,
 "g (float[1,1,4] x) => (float[1,1,2] y) { y = MaxPool <kernel_shape = [2], strides = [2], "
 "dilations = [1], ceil_mode = 0> (x) }",
 "g (float[1,1,4] x) => (float[1,1,2] y) { y = MaxPool <kernel_shape = [2], strides = [2]> (x) "
 "}", NULL},
{"MaxPool", "windows in the padding", 22, 9,
 "g (float[1,1,4] x) => (float[1,1,1] y) { y = MaxPool <kernel_shape = [2], strides = [2], "
 "dilations = [2]> (x) }",
 NULL, "dilations"},
{"MaxPool", "windows in the padding", 22, 21,
 "g (float[1,1,3] x) => (float[1,1,1] y) { y = MaxPool <kernel_shape = [1], strides = [3], "
 "pads = [0, 1], ceil_mode = 1> (x) }",
 NULL, "window"},
{"MaxPool", "windows in the padding", 22, 21,
 "g (float[1,1,N] x) => (float[1,1,M] y) { y = MaxPool <kernel_shape = [1], strides = [3], "
 "ceil_mode = 1> (x) }",
 "g (float[1,1,N] x) => (float[1,1,\"floor(N + 2, 3)\"] y) { y = MaxPool <kernel_shape = [1], "
 "strides = [3], ceil_mode = 1> (x) }", NULL},
{"Mean", "one shape", 13, 7,
 "g (float[2] a, float b, float[2] c) => (float[2] y) { y = Mean (a, b, c) }",
 "g (float[2] a, float b, float[2] c) => (float[2] y) <float count = {3.0}> { Add_1 = Add (a, "
 "b) Add_2 = Add (Add_1, c) y = Div (Add_2, count) }", NULL},
{"MeanVarianceNormalization", "ReduceMean, ...", 13, 8,
 "g (float[2,3,2,2] x) => (float[2,3,2,2] y) { y = MeanVarianceNormalization (x) }",
 "g (float[2,3,2,2] x) => (float[2,3,2,2] y) <float tiny = {1e-09}> { ReduceMean_1 = "
 "ReduceMean <axes = [0, 2, 3]> (x) Sub_1 = Sub (x, ReduceMean_1) Mul_1 = Mul (Sub_1, Sub_1) "
 "ReduceMean_2 = ReduceMean <axes = [0, 2, 3]> (Mul_1) Sqrt_1 = Sqrt (ReduceMean_2) Add_1 = "
 "Add (Sqrt_1, tiny) y = Div (Sub_1, Add_1) }", NULL},
{"MeanVarianceNormalization", "ReduceMean, ...", 18, 8,
 "g (float[2,3] x) => (float[2,3] y) { y = MeanVarianceNormalization <axes = [1]> (x) }",
 "g (float[2,3] x) => (float[2,3] y) <float tiny = {1e-09}> { ReduceMean_1 = ReduceMean <axes "
 "= [1]> (x) Sub_1 = Sub (x, ReduceMean_1) Mul_1 = Mul (Sub_1, Sub_1) ReduceMean_2 = "
 "ReduceMean <axes = [1]> (Mul_1) Sqrt_1 = Sqrt (ReduceMean_2) Add_1 = Add (Sqrt_1, tiny) y = "
 "Div (Sub_1, Add_1) }", NULL},
{"Min", "one shape", 13, 7,
 "g (float[2] a, float[N] b) => (float[2] y) { y = Min (a, b) }",
 NULL, "one shape"},
{"Mish", "Softplus, Tanh, Mul", 18, 17,
 "g (float[2] x) => (float[2] y) { y = Mish (x) }",
 "g (float[2] x) => (float[2] y) { Softplus_1 = Softplus (x) Tanh_1 = Tanh (Softplus_1) y = "
 "Mul (x, Tanh_1) }", NULL},
{"OneHot", "negative indices and axis", 11, 10,
 "g (float[2] x) => (float[2,3] y) <int64 d = {3}, float[2] v = {0.0, 1.0}> { y = OneHot (x, d, "
 "v) }",
 "g (float[2] x) => (float[2,3] y) <int64 d = {3}, float[2] v = {0.0, 1.0}, int64 zero = {0}, "
 "int64[0] scalar = {}> { Cast_1 = Cast <to = 7> (x) Reshape_1 = Reshape (d, scalar) Cast_2 = "
 "Cast <to = 7> (Reshape_1) Less_1 = Less (Cast_1, zero) Add_1 = Add (Cast_1, Cast_2) Where_1 = "
 "Where (Less_1, Add_1, Cast_1) Less_2 = Less (Where_1, zero) Where_2 = Where (Less_2, Cast_2, "
 "Where_1) y = OneHot (Where_2, d, v) }", NULL},
{"OneHot", "negative indices and axis", 11, 10,
 "g (int64[2] x) => (float[2,3] y) <int64 d = {3}, float[2] v = {0.0, 1.0}> { y = OneHot "
 "<axis = -1> (x, d, v) }",
 "g (int64[2] x) => (float[2,3] y) <int64 d = {3}, float[2] v = {0.0, 1.0}, int64 zero = {0}, "
 "int64[0] scalar = {}> { Reshape_1 = Reshape (d, scalar) Cast_1 = Cast <to = 7> (Reshape_1) "
 "Less_1 = Less (x, zero) Add_1 = Add (x, Cast_1) Where_1 = Where (Less_1, Add_1, x) Less_2 = "
 "Less (Where_1, zero) Where_2 = Where (Less_2, Cast_1, Where_1) y = OneHot <axis = -1> "
 "(Where_2, d, v) }", NULL},
{"OneHot", "negative indices and axis", 11, 10,
 "g (float[2,3] x) => (float[4,2] y) <int64 d = {4}, float[2] v = {0.0, 1.0}> { i = ArgMax "
 "<axis = 1, keepdims = 0> (x) y = OneHot <axis = -2> (i, d, v) }",
 "g (float[2,3] x) => (float[4,2] y) <int64 d = {4}, float[2] v = {0.0, 1.0}> { i = ArgMax "
 "<axis = 1, keepdims = 0> (x) y = OneHot <axis = 0> (i, d, v) }", NULL},
{"OptionalGetElement", "optionals alone", 18, 17,
 "g (float[2] x) => (float[2] y) { y = OptionalGetElement (x) }",
 "g (float[2] x) => (float[2] y) { y = Identity (x) }", NULL},
{"OptionalHasElement", "optionals alone", 18, 17,
 "g (float[2] x) => (bool y) { y = OptionalHasElement (x) }",
 "g (float[2] x) => (bool y) { y = Constant <value = bool {1}> () }", NULL},
{"OptionalHasElement", "optionals alone", 18, 17,
 "g () => (bool y) { y = OptionalHasElement () }",
 "g () => (bool y) { y = Constant <value = bool {0}> () }", NULL},
{"Pad", "pads and value as attributes", 13, 10,
 "g (float[2] x) => (float[4] y) <int64[2] p = {1, 1}, float v = {0.5}> { y = Pad (x, p, v) }",
 "g (float[2] x) => (float[4] y) { y = Pad <value = 0.5, pads = [1, 1]> (x) }", NULL},
{"Pad", "pads and value as attributes", 13, 10,
 "g (float[2] x, int64[2] p) => (float[M] y) { y = Pad (x, p) }",
 NULL, "computed"},
{"Pad", "all axes", 18, 17,
 "g (float[2,3] x) => (float[2,5] y) <int64[2] p = {1, 1}, int64[1] a = {-1}> { y = Pad (x, "
 "p, \"\", a) }",
 "g (float[2,3] x) => (float[2,5] y) <int64[4] pads = {0, 1, 0, 1}> { y = Pad (x, pads) }", NULL},
{"Pad", "no wrap", 19, 18,
 "g (float[2] x) => (float[4] y) <int64[2] p = {1, 1}> { y = Pad <mode = \"wrap\"> (x, p) }",
 NULL, "wrap"},
{"Pad", "no wrap", 19, 18,
 "g (float[2] x) => (float[4] y) <int64[2] p = {1, 1}> { y = Pad <mode = \"edge\"> (x, p) }",
 "g (float[2] x) => (float[4] y) <int64[2] p = {1, 1}> { y = Pad <mode = \"edge\"> (x, p) }", NULL},
{"QuantizeLinear", "scalar scale", 13, 12,
 "g (float[2,3] x) => (uint8[2,3] y) <float[1] s = {0.5}, uint8[1] z = {3}> { y = "
 "QuantizeLinear (x, s, z) }",
 "g (float[2,3] x) => (uint8[2,3] y) <float s_2 = {0.5}, uint8 z_2 = {3}> { y = "
 "QuantizeLinear (x, s_2, z_2) }", NULL},
{"QuantizeLinear", "scalar scale", 13, 12,
 "g (float[2,3] x, float[3] s) => (uint8[2,3] y) { y = QuantizeLinear <axis = 1> (x, s) }",
 NULL, "per channel"},
{"QuantizeLinear", "type of the zero point", 21, 20,
 "g (float[2,3] x) => (int8[2,3] y) <float[3] s = {0.5, 0.25, 2.0}> { y = QuantizeLinear "
 "<axis = 1, output_dtype = 3> (x, s) }",
 "g (float[2,3] x) => (int8[2,3] y) <float[3] s = {0.5, 0.25, 2.0}, int8[3] zero_point = {0, "
 "0, 0}> { y = QuantizeLinear <axis = 1> (x, s, zero_point) }", NULL},
{"QuantizeLinear", "type of the zero point", 21, 20,
 "g (float[2,4] x) => (uint8[2,4] y) <float[2,2] s = {0.5, 0.25, 2.0, 1.0}> { y = "
 "QuantizeLinear <axis = 1, block_size = 2> (x, s) }",
 NULL, "block_size"},
{"QuantizeLinear", "one type of data and scale", 23, 22,
 "g (float16[2] x) => (uint8[2] y) <float s = {0.5}> { y = QuantizeLinear (x, s) }",
 "g (float16[2] x) => (uint8[2] y) <float s = {0.5}> { Cast_1 = Cast <to = 1> (x) y = "
 "QuantizeLinear (Cast_1, s) }", NULL},
{"QuantizeLinear", "one type of data and scale", 23, 22,
 "g (float16[2] x) => (uint8[2] y) <float16 s = {0.5}> { y = QuantizeLinear <precision = 1> "
 "(x, s) }",
 "g (float16[2] x) => (uint8[2] y) <float16 s = {0.5}> { Cast_1 = Cast <to = 1> (x) Cast_2 = "
 "Cast <to = 1> (s) y = QuantizeLinear (Cast_1, Cast_2) }", NULL},
{"RMSNormalization", "ReduceMean, ...", 23, 22,
 "g (float[2,3] x, float[3] s) => (float[2,3] y) { y = RMSNormalization <axis = 1> (x, s) }",
 "g (float[2,3] x, float[3] s) => (float[2,3] y) <int64[1] axes = {-1}, float epsilon = "
 "{1e-05}> { Mul_1 = Mul (x, x) ReduceMean_1 = ReduceMean (Mul_1, axes) Add_1 = Add "
 "(ReduceMean_1, epsilon) Sqrt_1 = Sqrt (Add_1) Reciprocal_1 = Reciprocal (Sqrt_1) Mul_2 = "
 "Mul (x, Reciprocal_1) y = Mul (Mul_2, s) }", NULL},
{"RMSNormalization", "ReduceMean, ...", 23, 17,
 "g (float16[2,3] x, float[3] s) => (float[2,3] y) { y = RMSNormalization (x, s) }",
 "g (float16[2,3] x, float[3] s) => (float[2,3] y) <float epsilon = {1e-05}> { Cast_1 = Cast "
 "<to = 1> (x) Mul_1 = Mul (Cast_1, Cast_1) ReduceMean_1 = ReduceMean <axes = [-1]> (Mul_1) "
 "Add_1 = Add (ReduceMean_1, epsilon) Sqrt_1 = Sqrt (Add_1) Reciprocal_1 = Reciprocal "
 "(Sqrt_1) Mul_2 = Mul (Cast_1, Reciprocal_1) y = Mul (Mul_2, s) }", NULL},
{"ReduceL1", "negative axes", 18, 10,
 "g (float[2,3] x) => (float[2,1] y) <int64[1] a = {-1}> { y = ReduceL1 (x, a) }",
 "g (float[2,3] x) => (float[2,1] y) { y = ReduceL1 <axes = [1]> (x) }", NULL},
{"ReduceL1", "axes as attribute", 18, 17,
 "g (float[2,3] x) => (float[2,3] y) { y = ReduceL1 <noop_with_empty_axes = 1> (x) }",
 "g (float[2,3] x) => (float[2,3] y) { y = Abs (x) }", NULL},
{"ReduceL1", "axes as attribute", 13, 18,
 "g (float[2,3] x) => (float[2,1] y) { y = ReduceL1 <axes = [1]> (x) }",
 "g (float[2,3] x) => (float[2,1] y) <int64[1] axes_1 = {1}> { y = ReduceL1 (x, axes_1) }", NULL},
{"ReduceL2", "negative axes", 18, 10,
 "g (float[2,3] x) => (float[2] y) <int64[1] a = {-1}> { y = ReduceL2 <keepdims = 0> (x, a) }",
 "g (float[2,3] x) => (float[2] y) { y = ReduceL2 <keepdims = 0, axes = [1]> (x) }", NULL},
{"ReduceL2", "axes as attribute", 18, 17,
 "g (float[2,3] x) => (float[2,3] y) { y = ReduceL2 <noop_with_empty_axes = 1> (x) }",
 "g (float[2,3] x) => (float[2,3] y) { y = Abs (x) }", NULL},
{"ReduceL2", "axes as attribute", 13, 18,
 "g (float[2,3] x) => (float[1,1] y) { y = ReduceL2 (x) }",
 "g (float[2,3] x) => (float[1,1] y) { y = ReduceL2 (x) }", NULL},
{"ReduceLogSum", "negative axes", 18, 10,
 "g (float[2,3] x) => (float[2,1] y) <int64[1] a = {-1}> { p = Exp (x) y = ReduceLogSum (p, "
 "a) }",
 "g (float[2,3] x) => (float[2,1] y) { p = Exp (x) y = ReduceLogSum <axes = [1]> (p) }", NULL},
{"ReduceLogSum", "axes as attribute", 18, 17,
 "g (float[2,3] x) => (float[2,3] y) { p = Exp (x) y = ReduceLogSum <noop_with_empty_axes = "
 "1> (p) }",
 "g (float[2,3] x) => (float[2,3] y) { p = Exp (x) y = Log (p) }", NULL},
{"ReduceLogSum", "axes as attribute", 13, 18,
 "g (float[2,3] x) => (float[1,3] y) { p = Exp (x) y = ReduceLogSum <axes = [0]> (p) }",
 "g (float[2,3] x) => (float[1,3] y) <int64[1] axes_1 = {0}> { p = Exp (x) y = ReduceLogSum "
 "(p, axes_1) }", NULL},
{"ReduceLogSumExp", "negative axes", 18, 10,
 "g (float[2,3] x) => (float[2,1] y) <int64[1] a = {-1}> { y = ReduceLogSumExp (x, a) }",
 "g (float[2,3] x) => (float[2,1] y) { y = ReduceLogSumExp <axes = [1]> (x) }", NULL},
{"ReduceLogSumExp", "axes as attribute", 18, 17,
 "g (float[2,3] x) => (float[2,3] y) { y = ReduceLogSumExp <noop_with_empty_axes = 1> (x) }",
 "g (float[2,3] x) => (float[2,3] y) { y = Identity (x) }", NULL},
{"ReduceLogSumExp", "axes as attribute", 13, 18,
 "g (float[2,3] x) => (float[1,3] y) { y = ReduceLogSumExp <axes = [0]> (x) }",
 "g (float[2,3] x) => (float[1,3] y) <int64[1] axes_1 = {0}> { y = ReduceLogSumExp (x, "
 "axes_1) }", NULL},
{"ReduceMax", "negative axes", 18, 10,
 "g (float[2,3] x) => (float[2,1] y) <int64[1] a = {-1}> { y = ReduceMax (x, a) }",
 "g (float[2,3] x) => (float[2,1] y) { y = ReduceMax <axes = [1]> (x) }", NULL},
{"ReduceMax", "axes as attribute", 18, 17,
 "g (float[2,3] x) => (float[2,3] y) { y = ReduceMax <noop_with_empty_axes = 1> (x) }",
 "g (float[2,3] x) => (float[2,3] y) { y = Identity (x) }", NULL},
{"ReduceMax", "axes as attribute", 13, 18,
 "g (float[2,3] x) => (float[1,3] y) { y = ReduceMax <axes = [0]> (x) }",
 "g (float[2,3] x) => (float[1,3] y) <int64[1] axes_1 = {0}> { y = ReduceMax (x, axes_1) }", NULL},
{"ReduceMean", "negative axes", 18, 10,
 "g (float[2,3] x) => (float[2,1] y) <int64[1] a = {-1}> { y = ReduceMean (x, a) }",
 "g (float[2,3] x) => (float[2,1] y) { y = ReduceMean <axes = [1]> (x) }", NULL},
{"ReduceMean", "axes as attribute", 18, 17,
 "g (float[2,3] x) => (float[1,1] y) <int64[0] a = {}> { y = ReduceMean (x, a) }",
 "g (float[2,3] x) => (float[1,1] y) { y = ReduceMean (x) }", NULL},
{"ReduceMean", "axes as attribute", 18, 17,
 "g (float[2,3] x, int64[1] a) => (float[M,N] y) { y = ReduceMean (x, a) }",
 NULL, "computed"},
{"ReduceMean", "axes as attribute", 13, 18,
 "g (float[2,3] x) => (float[1,3] y) { y = ReduceMean <axes = [0]> (x) }",
 "g (float[2,3] x) => (float[1,3] y) <int64[1] axes_1 = {0}> { y = ReduceMean (x, axes_1) }", NULL},
{"ReduceMin", "negative axes", 18, 10,
 "g (float[2,3] x) => (float[2,1] y) <int64[1] a = {-1}> { y = ReduceMin (x, a) }",
 "g (float[2,3] x) => (float[2,1] y) { y = ReduceMin <axes = [1]> (x) }", NULL},
{"ReduceMin", "axes as attribute", 18, 17,
 "g (float[2,3] x) => (float[1,3] y) <int64[1] a = {0}> { y = ReduceMin <noop_with_empty_axes "
 "= 1> (x, a) }",
 "g (float[2,3] x) => (float[1,3] y) { y = ReduceMin <axes = [0]> (x) }", NULL},
{"ReduceMin", "axes as attribute", 13, 18,
 "g (float[2,3] x) => (float[1,3] y) { y = ReduceMin <axes = [0]> (x) }",
 "g (float[2,3] x) => (float[1,3] y) <int64[1] axes_1 = {0}> { y = ReduceMin (x, axes_1) }", NULL},
{"ReduceProd", "negative axes", 18, 10,
 "g (float[2,3] x) => (float[2,1] y) <int64[1] a = {-1}> { y = ReduceProd (x, a) }",
 "g (float[2,3] x) => (float[2,1] y) { y = ReduceProd <axes = [1]> (x) }", NULL},
{"ReduceProd", "axes as attribute", 18, 17,
 "g (float[2,3] x) => (float[2,3] y) { y = ReduceProd <noop_with_empty_axes = 1> (x) }",
 "g (float[2,3] x) => (float[2,3] y) { y = Identity (x) }", NULL},
{"ReduceProd", "axes as attribute", 13, 18,
 "g (float[2,3] x) => (float[1,3] y) { y = ReduceProd <axes = [0]> (x) }",
 "g (float[2,3] x) => (float[1,3] y) <int64[1] axes_1 = {0}> { y = ReduceProd (x, axes_1) }", NULL},
{"ReduceSum", "negative axes", 13, 10,
 "g (float[2,3] x) => (float[2,1] y) <int64[1] a = {-1}> { y = ReduceSum (x, a) }",
 "g (float[2,3] x) => (float[2,1] y) { y = ReduceSum <axes = [1]> (x) }", NULL},
{"ReduceSum", "axes as attribute", 13, 12,
 "g (float[2,3] x) => (float[2,1] y) <int64[1] a = {-1}> { y = ReduceSum (x, a) }",
 "g (float[2,3] x) => (float[2,1] y) { y = ReduceSum <axes = [-1]> (x) }", NULL},
{"ReduceSum", "axes as attribute", 13, 12,
 "g (float[2,3] x) => (float[2,3] y) { y = ReduceSum <noop_with_empty_axes = 1> (x) }",
 "g (float[2,3] x) => (float[2,3] y) { y = Identity (x) }", NULL},
{"ReduceSumSquare", "negative axes", 18, 10,
 "g (float[2,3] x) => (float[2,1] y) <int64[1] a = {-1}> { y = ReduceSumSquare (x, a) }",
 "g (float[2,3] x) => (float[2,1] y) { y = ReduceSumSquare <axes = [1]> (x) }", NULL},
{"ReduceSumSquare", "axes as attribute", 18, 17,
 "g (float[2,3] x) => (float[2,3] y) { y = ReduceSumSquare <noop_with_empty_axes = 1> (x) }",
 "g (float[2,3] x) => (float[2,3] y) { y = Mul (x, x) }", NULL},
{"ReduceSumSquare", "axes as attribute", 13, 18,
 "g (float[2,3] x) => (float[1,3] y) { y = ReduceSumSquare <axes = [0]> (x) }",
 "g (float[2,3] x) => (float[1,3] y) <int64[1] axes_1 = {0}> { y = ReduceSumSquare (x, "
 "axes_1) }", NULL},
{"Reshape", "no allowzero", 14, 13,
 "g (float[2,3] x) => (float[3,2] y) <int64[2] s = {3, 2}> { y = Reshape <allowzero = 1> (x, "
 "s) }",
 "g (float[2,3] x) => (float[3,2] y) <int64[2] s = {3, 2}> { y = Reshape (x, s) }", NULL},
{"Reshape", "no allowzero", 14, 13,
 "g (float[0,3] x) => (float[3,0] y) <int64[2] s = {3, 0}> { y = Reshape <allowzero = 1> (x, "
 "s) }",
 NULL, "allowzero"},
{"Resize", "Upsample", 13, 9,
 "g (float[1,1,2,2] x) => (float[1,1,4,4] y) <float[4] s = {1.0, 1.0, 2.0, 2.0}> { y = Resize "
 "<mode = \"linear\", coordinate_transformation_mode = \"asymmetric\"> (x, \"\", s) }",
 "g (float[1,1,2,2] x) => (float[1,1,4,4] y) <float[4] s = {1.0, 1.0, 2.0, 2.0}> { y = "
 "Upsample <mode = \"linear\"> (x, s) }", NULL},
{"Resize", "Upsample", 13, 9,
 "g (float[1,1,4,4] x) => (float[1,1,2,2] y) <float[4] s = {1.0, 1.0, 0.5, 0.5}> { y = Resize "
 "<mode = \"linear\", coordinate_transformation_mode = \"asymmetric\"> (x, \"\", s) }",
 NULL, "scale"},
{"Resize", "asymmetric positions", 18, 10,
 "g (float[1,1,4,4] x) => (float[1,1,2,2] y) <float[4] s = {1.0, 1.0, 0.5, 0.5}> { y = Resize "
 "<mode = \"linear\", coordinate_transformation_mode = \"asymmetric\", antialias = 1> (x, , s) }",
 NULL, "antialias"},
{"Resize", "asymmetric positions", 13, 10,
 "g (float[1,1,4,4] x) => (float[1,1,2,2] y) <float[4] s = {1.0, 1.0, 0.5, 0.5}> { y = Resize "
 "<mode = \"nearest\", nearest_mode = \"ceil\", coordinate_transformation_mode = "
 "\"asymmetric\"> (x, \"\", s) }",
 "g (float[1,1,4,4] x) => (float[1,1,2,2] y) <float[4] s = {1.0, 1.0, 0.5, 0.5}> { y = Resize "
 "<mode = \"nearest\"> (x, s) }", NULL},
{"Resize", "asymmetric positions", 13, 10,
 "g (float[1,1,4,4] x) => (float[1,1,8,8] y) <float[4] s = {1.0, 1.0, 2.0, 2.0}> { y = Resize "
 "(x, \"\", s) }",
 NULL, "half_pixel"},
{"Resize", "asymmetric positions", 13, 10,
 "g (float[1,1,4,4] x) => (float[1,1,8,8] y) <int64[4] s = {1, 1, 8, 8}> { y = Resize (x, "
 "\"\", \"\", s) }",
 NULL, "scales"},
{"Resize", "roi and scales", 13, 12,
 "g (float[1,1,4,4] x) => (float[1,1,8,8] y) <int64[4] s = {1, 1, 8, 8}> { y = Resize (x, "
 "\"\", \"\", s) }",
 "g (float[1,1,4,4] x) => (float[1,1,8,8] y) <int64[4] s = {1, 1, 8, 8}, float[0] none = {}, "
 "float[0] none_1 = {}> { y = Resize (x, none, none_1, s) }", NULL},
{"Resize", "all axes", 18, 17,
 "g (float[1,1,4,4] x) => (float[1,1,8,8] y) <int64[2] s = {8, 8}> { y = Resize <axes = [-2, "
 "-1]> (x, \"\", \"\", s) }",
 "g (float[1,1,4,4] x) => (float[1,1,8,8] y) <int64[4] s_2 = {1, 1, 8, 8}> { y = Resize (x, "
 "\"\", \"\", s_2) }", NULL},
{"Resize", "all axes", 18, 17,
 "g (float[n,1,4,4] x) => (float[n,1,8,8] y) <int64[2] s = {8, 8}> { y = Resize <axes = [3, "
 "2]> (x, \"\", \"\", s) }",
 "g (float[n,1,4,4] x) => (float[n,1,8,8] y) <int64[2] s = {8, 8}, int64[4] axes_1 = {0, 1, 5, 4}> { "
 "Shape_1 = Shape (x) Concat_1 = Concat <axis = 0> (Shape_1, s) Gather_1 = Gather (Concat_1, "
 "axes_1) y = Resize (x, \"\", \"\", Gather_1) }", NULL},
{"Resize", "all axes", 18, 17,
 "g (float[1,1,4,4] x) => (float[1,1,8,4] y) <float[1] s = {2.0}> { y = Resize <axes = [2]> "
 "(x, \"\", s) }",
 "g (float[1,1,4,4] x) => (float[1,1,8,4] y) <float[4] s_2 = {1.0, 1.0, 2.0, 1.0}> { y = "
 "Resize (x, \"\", s_2) }", NULL},
{"Resize", "all axes", 18, 17,
 "g (float[1,1,4,4] x) => (float[1,1,2,2] y) <float[4] s = {1.0, 1.0, 0.5, 0.5}> { y = Resize "
 "<mode = \"linear\", antialias = 1> (x, \"\", s) }",
 NULL, "antialias"},
{"Resize", "no half_pixel_symmetric", 19, 18,
 "g (float[1,1,4,4] x) => (float[1,1,8,8] y) <int64[4] s = {1, 1, 8, 8}> { y = Resize "
 "<coordinate_transformation_mode = \"half_pixel_symmetric\"> (x, \"\", \"\", s) }",
 NULL, "half_pixel_symmetric"},
{"RoiAlign", "grid without shift", 16, 15,
 "g (float[1,1,4,4] x, float[1,4] r) => (float[1,1,1,1] y) <int64[1] b = {0}> { y = RoiAlign "
 "<coordinate_transformation_mode = \"output_half_pixel\"> (x, r, b) }",
 "g (float[1,1,4,4] x, float[1,4] r) => (float[1,1,1,1] y) <int64[1] b = {0}> { y = RoiAlign "
 "(x, r, b) }", NULL},
{"RoiAlign", "grid without shift", 16, 15,
 "g (float[1,1,4,4] x, float[1,4] r) => (float[1,1,1,1] y) <int64[1] b = {0}> { y = RoiAlign "
 "(x, r, b) }",
 NULL, "half_pixel"},
{"Scan", "negative axes", 16, 10,
 "g (float[3,2] x) => (float[2,3] y) { y = Scan <num_scan_inputs = 1, scan_input_axes = [-1], "
 "body = b (float[3] e) => (float[3] f) { f = Relu (e) }> (x) }",
 NULL, "last axis"},
{"ScatterElements", "Scatter", 13, 10,
 "g (float[3] x, float[2] u) => (float[3] y) <int64[2] i = {2, 0}> { y = ScatterElements (x, "
 "i, u) }",
 "g (float[3] x, float[2] u) => (float[3] y) <int64[2] i = {2, 0}> { y = Scatter (x, i, u) }", NULL},
{"ScatterElements", "no reduction", 16, 15,
 "g (float[3] x, float[2] u) => (float[3] y) <int64[2] i = {2, 0}> { y = ScatterElements "
 "<reduction = \"none\"> (x, i, u) }",
 "g (float[3] x, float[2] u) => (float[3] y) <int64[2] i = {2, 0}> { y = ScatterElements (x, "
 "i, u) }", NULL},
{"ScatterElements", "no reduction", 16, 15,
 "g (float[3] x, float[2] u) => (float[3] y) <int64[2] i = {2, 0}> { y = ScatterElements "
 "<reduction = \"add\"> (x, i, u) }",
 NULL, "add"},
{"ScatterElements", "no max, min", 18, 17,
 "g (float[3] x, float[2] u) => (float[3] y) <int64[2] i = {2, 0}> { y = ScatterElements "
 "<reduction = \"max\"> (x, i, u) }",
 NULL, "max"},
{"ScatterND", "no reduction", 16, 15,
 "g (float[3] x, float[2] u) => (float[3] y) <int64[2,1] i = {2, 0}> { y = ScatterND "
 "<reduction = \"mul\"> (x, i, u) }",
 NULL, "mul"},
{"ScatterND", "no max, min", 18, 17,
 "g (float[3] x, float[2] u) => (float[3] y) <int64[2,1] i = {2, 0}> { y = ScatterND "
 "<reduction = \"add\"> (x, i, u) }",
 "g (float[3] x, float[2] u) => (float[3] y) <int64[2,1] i = {2, 0}> { y = ScatterND "
 "<reduction = \"add\"> (x, i, u) }", NULL},
{"Shape", "start and end by Slice", 15, 14,
 "g (float[2,N,4] x) => (int64[1] y) { y = Shape <start = 1, end = -1> (x) }",
 "g (float[2,N,4] x) => (int64[1] y) <int64[1] start_1 = {1}, int64[1] end_1 = {-1}> { "
 "Shape_2 = Shape (x) y = Slice (Shape_2, start_1, end_1) }", NULL},
{"Shape", "start and end by Slice", 15, 14,
 "g (float[2,N,4] x) => (int64[3] y) { y = Shape <start = 0> (x) }",
 "g (float[2,N,4] x) => (int64[3] y) { y = Shape (x) }", NULL},
{"Slice", "starts, ends and axes as attributes", 13, 9,
 "g (float[2,3] x) => (float[2,2] y) <int64[1] s = {1}, int64[1] e = {3}, int64[1] a = {-1}, "
 "int64[1] t = {1}> { y = Slice (x, s, e, a, t) }",
 "g (float[2,3] x) => (float[2,2] y) { y = Slice <axes = [1], ends = [3], starts = [1]> (x) }", NULL},
{"Slice", "starts, ends and axes as attributes", 13, 9,
 "g (float[2,3] x) => (float[2,2] y) <int64[1] s = {0}, int64[1] e = {3}, int64[1] a = {1}, "
 "int64[1] t = {2}> { y = Slice (x, s, e, a, t) }",
 NULL, "step"},
{"Slice", "starts, ends and axes as attributes", 13, 9,
 "g (float[3] x, int64[1] e) => (float[M] y) <int64[1] s = {0}> { y = Slice (x, s, e) }",
 NULL, "computed"},
{"Slice", "negative axes", 13, 10,
 "g (float[2,3] x) => (float[2,2] y) <int64[1] s = {1}, int64[1] e = {3}, int64[1] a = {-1}> "
 "{ y = Slice (x, s, e, a) }",
 "g (float[2,3] x) => (float[2,2] y) <int64[1] s = {1}, int64[1] e = {3}, int64[1] axes = "
 "{1}> { y = Slice (x, s, e, axes) }", NULL},
{"Softmax", "negative axis", 13, 10,
 "g (float[2,3] x) => (float[2,3] y) { y = Softmax (x) }",
 "g (float[2,3] x) => (float[2,3] y) { y = Softmax <axis = 1> (x) }", NULL},
{"Softmax", "rows of a matrix", 13, 12,
 "g (float[2,3,4] x) => (float[2,3,4] y) { y = Softmax <axis = 1> (x) }",
 "g (float[2,3,4] x) => (float[2,3,4] y) { Transpose_1 = Transpose <perm = [0, 2, 1]> (x) "
 "Softmax_2 = Softmax <axis = -1> (Transpose_1) y = Transpose <perm = [0, 2, 1]> (Softmax_2) }", NULL},
{"Split", "negative axis", 13, 10,
 "g (float[2,4] x) => (float[2,2] a, float[2,2] b) { a, b = Split <axis = -1> (x) }",
 "g (float[2,4] x) => (float[2,2] a, float[2,2] b) { a, b = Split <axis = 1> (x) }", NULL},
{"Split", "lengths as attribute", 13, 12,
 "g (float[4] x) => (float[1] a, float[3] b) <int64[2] l = {1, 3}> { a, b = Split (x, l) }",
 "g (float[4] x) => (float[1] a, float[3] b) { a, b = Split <split = [1, 3]> (x) }", NULL},
{"Split", "equal parts without count", 13, 18,
 "g (float[4] x) => (float[2] a, float[2] b) { a, b = Split (x) }",
 "g (float[4] x) => (float[2] a, float[2] b) { a, b = Split <num_outputs = 2> (x) }", NULL},
{"Split", "equal parts without count", 18, 17,
 "g (float[4] x) => (float[2] a, float[2] b) { a, b = Split <num_outputs = 2> (x) }",
 "g (float[4] x) => (float[2] a, float[2] b) { a, b = Split (x) }", NULL},
{"Split", "equal parts without count", 18, 17,
 "g (float[5] x) => (float[3] a, float[2] b) { a, b = Split <num_outputs = 2> (x) }",
 "g (float[5] x) => (float[3] a, float[2] b) <int64[2] split = {3, 2}> { a, b = Split (x, "
 "split) }", NULL},
{"Split", "equal parts without count", 18, 17,
 "g (float[N] x) => (float[A] a, float[B] b) { a, b = Split <num_outputs = 2> (x) }",
 NULL, "extent"},
{"Squeeze", "negative axes", 13, 10,
 "g (float[2,1] x) => (float[2] y) <int64[1] a = {-1}> { y = Squeeze (x, a) }",
 "g (float[2,1] x) => (float[2] y) { y = Squeeze <axes = [1]> (x) }", NULL},
{"Squeeze", "axes as attribute", 13, 12,
 "g (float[2,1] x) => (float[2] y) { y = Squeeze (x) }",
 "g (float[2,1] x) => (float[2] y) { y = Squeeze (x) }", NULL},
{"Squeeze", "axes as attribute", 13, 12,
 "g (float[2,1] x, int64[1] a) => (float[M] y) { y = Squeeze (x, a) }",
 NULL, "computed"},
{"Sum", "one shape", 13, 7,
 "g (float[2] a, float b, float[2] c) => (float[2] y) { y = Sum (a, b, c) }",
 "g (float[2] a, float b, float[2] c) => (float[2] y) { Add_1 = Add (a, b) y = Add (Add_1, c) "
 "}", NULL},
{"Sum", "one shape", 13, 7,
 "g (float[2] a, float[2] b) => (float[2] y) { y = Sum (a, b) }",
 "g (float[2] a, float[2] b) => (float[2] y) { y = Sum (a, b) }", NULL},
{"SwiGLU", "Sigmoid, Mul", 28, 27,
 "g (float[2] a, float[2] b) => (float[2] y) { y = SwiGLU (a, b) }",
 "g (float[2] a, float[2] b) => (float[2] y) { Sigmoid_1 = Sigmoid (a) Mul_1 = Mul (a, "
 "Sigmoid_1) y = Mul (Mul_1, b) }", NULL},
{"Swish", "Sigmoid, Mul", 24, 23,
 "g (float[2] x) => (float[2] y) { y = Swish <alpha = 2.0> (x) }",
 "g (float[2] x) => (float[2] y) <float alpha_1 = {2.0}> { Mul_1 = Mul (x, alpha_1) Sigmoid_1 "
 "= Sigmoid (Mul_1) y = Mul (x, Sigmoid_1) }", NULL},
{"TopK", "k as attribute", 13, 9,
 "g (float[3] x) => (float[2] v, int64[2] i) <int64[1] k = {2}> { v, i = TopK (x, k) }",
 "g (float[3] x) => (float[2] v, int64[2] i) { v, i = TopK <k = 2> (x) }", NULL},
{"TopK", "sorted, positive axis", 13, 10,
 "g (float[2,3] x) => (float[2,2] v, int64[2,2] i) <int64[1] k = {2}> { v, i = TopK <axis = "
 "-1, sorted = 1, largest = 1> (x, k) }",
 "g (float[2,3] x) => (float[2,2] v, int64[2,2] i) <int64[1] k = {2}> { v, i = TopK <axis = "
 "1> (x, k) }", NULL},
{"TopK", "sorted, positive axis", 13, 10,
 "g (float[2,3] x) => (float[2,2] v, int64[2,2] i) <int64[1] k = {2}> { v, i = TopK <axis = "
 "1, largest = 0> (x, k) }",
 NULL, "largest"},
{"Unsqueeze", "negative axes", 13, 10,
 "g (float[2] x) => (float[1,2,1] y) <int64[2] a = {0, -1}> { y = Unsqueeze (x, a) }",
 "g (float[2] x) => (float[1,2,1] y) { y = Unsqueeze <axes = [0, 2]> (x) }", NULL},
{"Unsqueeze", "axes as attribute", 13, 12,
 "g (float[2] x) => (float[2,1] y) <int64[1] a = {1}> { y = Unsqueeze (x, a) }",
 "g (float[2] x) => (float[2,1] y) { y = Unsqueeze <axes = [1]> (x) }", NULL},
{"Upsample", "scales as attribute", 13, 8,
 "g (float[1,1,2,2] x) => (float[1,1,4,4] y) <float[4] s = {1.0, 1.0, 2.0, 2.0}> { y = Resize "
 "<mode = \"nearest\", nearest_mode = \"floor\", coordinate_transformation_mode = "
 "\"asymmetric\"> (x, \"\", s) }",
 "g (float[1,1,2,2] x) => (float[1,1,4,4] y) { y = Upsample <mode = \"nearest\", scales = "
 "[1.0, 1.0, 2.0, 2.0]> (x) }", NULL},
