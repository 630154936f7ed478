/* SPDX-License-Identifier: Apache-2.0
 *
 * The table behind op_versions.h: an entry per operator of ONNX, sorted by domain, then type; in it
 * S(since, types, flags, attributes) per version, where flags and attributes may be left out.
 */
/* clang-format off */
V("", "Abs", S(1, "R>="), S(6, "NR>="), S(13, "NRb>="))
V("", "Acos", S(7, "R>="), S(22, "Rb>="))
V("", "Acosh", S(9, "R>="), S(22, "Rb>="))
V("", "Add", S(1, "R,=>="), S(6, "RilIL,=>="), S(7, "RilIL,=>="), S(13, "RbilIL,=>="),
  S(14, "NRb,=>="))
V("", "AffineGrid", S(20, "Rb,l>=", F))
V("", "And", S(1, "t,=>="), S(7, "t,=>="))
V("", "ArgMax", S(1, "NR>l"), S(11, "NR>l"), S(12, "NR>l", 0, "select_last_index=0"),
  S(13, "NRb>l"))
V("", "ArgMin", S(1, "NR>l"), S(11, "NR>l"), S(12, "NR>l", 0, "select_last_index=0"),
  S(13, "NRb>l"))
V("", "Asin", S(7, "R>="), S(22, "Rb>="))
V("", "Asinh", S(9, "R>="), S(22, "Rb>="))
V("", "Atan", S(7, "R>="), S(22, "Rb>="))
V("", "Atanh", S(9, "R>="), S(22, "Rb>="))
V("", "Attention", S(23, "Rb,=,=,NRbt,=,=>=,=,=,=", F), S(24, "Rb,=,=,NRbt,=,=,l>=,=,=,=", F),
  S(25, "Rb,=,=,NRbt,=,=,l>=,=,=,=", F, "left_window_size=-1 right_window_size=-1"))
V("", "AveragePool", S(1, "R>="), S(7, "R>=", 0, "count_include_pad=0"),
  S(10, "R>=", 0, "ceil_mode=0"), S(11, "R>="), S(19, "R>=", 0, "dilations"), S(22, "Rb>="))
V("", "BatchNormalization", S(1, "R,=,=,=,=>=,=,=,=,="), S(6, "R,=,=,=,=>=,=,=,=,="),
  S(7, "R,=,=,=,=>=,=,=,=,="), S(9, "R,=,=,=,=>=,=,=,=,="),
  S(14, "Rb,=,=,=,=>=,=,=", 0, "training_mode=0"), S(15, "Rb,=,=,=,=>=,=,="))
V("", "Bernoulli", S(15, "R>NRbt", F), S(22, "Rb>NRbt", F))
V("", "BitCast", S(26, "NRb84e2xtzy>="))
V("", "BitShift", S(11, "CWIL,=>="))
V("", "BitwiseAnd", S(18, "N,=>="))
V("", "BitwiseNot", S(18, "N>="))
V("", "BitwiseOr", S(18, "N,=>="))
V("", "BitwiseXor", S(18, "N,=>="))
V("", "BlackmanWindow", S(17, "il>NRb", F))
V("", "Cast", S(1, "NRt>="), S(6, "NRt>="), S(9, "NRts>="), S(13, "NRbts>="),
  S(19, "NRb8ts>=", 0, "saturate=1"), S(21, "NRb84ts>="), S(23, "NRb84ets>="),
  S(24, "NRb84exts>=", 0, "round_mode=up"), S(25, "NRb84e2xts>="))
V("", "CastLike", S(15, "NRbts,=>=", F), S(19, "NRb8ts,=>=", F, "saturate=1"),
  S(21, "NRb84ts,=>=", F), S(23, "NRb84ets,=>=", F), S(24, "NRb84exts,=>=", F, "round_mode=up"),
  S(25, "NRb84e2xts,=>=", F))
V("", "CausalConvWithState", S(27, "bhf,=,=,=>=,=", F))
V("", "Ceil", S(1, "R>="), S(6, "R>="), S(13, "Rb>="))
V("", "Celu", S(12, "f>=", F), S(28, "Rb>=", F))
V("", "CenterCropPad", S(18, "Ab,il>=", F))
V("", "Clip", S(1, "R>="), S(6, "R>="), S(11, "R,=,=>="), S(12, "NR,=,=>="), S(13, "NRb,=,=>=", F))
V("", "Col2Im", S(18, "Ab,l,l>="))
V("", "Compress", S(9, "A,t>="), S(11, "A,t>="))
V("", "Concat", S(1, "R*>="), S(4, "A*>="), S(11, "A*>="), S(13, "Ab*>="))
V("", "ConcatFromSequence", S(11, "[A]>A"))
V("", "Constant", S(1, ">R"), S(9, ">A"), S(11, ">A", 0, "sparse_value"),
  S(12, ">A", 0, "value_float value_floats value_int value_ints value_string value_strings"),
  S(13, ">Ab"), S(19, ">Ab8"), S(21, ">Ab84"), S(23, ">Ab84e"), S(24, ">Ab84ex"), S(25, ">Ab84e2x"))
V("", "ConstantOfShape", S(9, "l>NRt"), S(20, "l>NRb8t"), S(21, "l>NRb84t"), S(23, "l>NRb84et"),
  S(24, "l>NRb84ext"), S(25, "l>NRb84e2xt"))
V("", "Conv", S(1, "R,=,=>="), S(11, "R,=,=>="), S(22, "Rb,=,=>="))
V("", "ConvInteger", S(10, "cC,=,=,=>i"))
V("", "ConvTranspose", S(1, "R,=,=>="), S(11, "R,=,=>="), S(22, "Rb,=,=>="))
V("", "Cos", S(7, "R>="), S(22, "Rb>="))
V("", "Cosh", S(9, "R>="), S(22, "Rb>="))
V("", "CumProd", S(26, "RbilIL,il>="))
V("", "CumSum", S(11, "fdilIL,il>="), S(14, "RbilIL,il>="))
V("", "DFT", S(17, "Rb,il>="), S(20, "Rb,il,l>="))
V("", "DeformConv", S(19, "R,=,=,=,=>="), S(22, "Rb,=,=,=,=>="))
V("", "DepthToSpace", S(1, "A>="), S(11, "A>=", 0, "mode=DCR"), S(13, "Ab>="))
V("", "DequantizeLinear", S(10, "ciC,f,=>f"), S(13, "ciC,f,=>f", 0, "axis=1"),
  S(19, "8ciC,bhf,=>bhf"), S(21, "84cwiCW,bhf,=>bhf", 0, "block_size=0"),
  S(23, "84ecwiCW,bhf,=>bhf", 0, "output_dtype=0"), S(24, "84ecwiCW,bhfx,=>bhf"),
  S(25, "84e2cwiCW,bhfx,=>bhf"))
V("", "Det", S(11, "R>="), S(22, "Rb>="))
V("", "Div", S(1, "R,=>="), S(6, "RilIL,=>="), S(7, "RilIL,=>="), S(13, "RbilIL,=>="),
  S(14, "NRb,=>="))
V("", "Dropout", S(1, "R>=,="), S(6, "R>=,="), S(7, "R>=,="), S(10, "R>=,t"),
  S(12, "R,=,t>=,t", 0, "seed"), S(13, "Rb,R,t>=,t"), S(22, "Rb8,=,t>=,t"))
V("", "DynamicQuantizeLinear", S(11, "f>C,=,C", F))
V("", "Einsum", S(12, "NR*>="))
V("", "Elu", S(1, "R>="), S(6, "R>=", F), S(22, "Rb>=", F))
V("", "Equal", S(1, "ilt,=>t"), S(7, "ilt,=>t"), S(11, "NRt,=>t"), S(13, "NRbt,=>t"),
  S(19, "NRbts,=>t"))
V("", "Erf", S(9, "NR>="), S(13, "Rb>="))
V("", "Exp", S(1, "R>="), S(6, "R>="), S(13, "Rb>="))
V("", "Expand", S(8, "A,l>="), S(13, "Ab,l>="))
V("", "EyeLike", S(9, "NRt>="), S(22, "NRbt>="))
V("", "Flatten", S(1, "R>="), S(9, "A>="), S(11, "A>="), S(13, "Ab>="), S(21, "Ab84>="),
  S(23, "Ab84e>="), S(24, "Ab84ex>="), S(25, "Ab84e2x>="))
V("", "Floor", S(1, "R>="), S(6, "R>="), S(13, "Rb>="))
V("", "GRU", S(1, "R,=,=,=,i,=>=,="), S(3, "R,=,=,=,i,=>=,=", 0, "linear_before_reset=0"),
  S(7, "R,=,=,=,i,=>=,="), S(14, "R,=,=,=,i,=>=,=", 0, "layout=0"), S(22, "Rb,=,=,=,i,=>=,="))
V("", "Gather", S(1, "A,il>="), S(11, "A,il>="), S(13, "Ab,il>="))
V("", "GatherElements", S(11, "A,il>="), S(13, "Ab,il>="))
V("", "GatherND", S(11, "A,l>="), S(12, "A,l>=", 0, "batch_dims=0"), S(13, "Ab,l>="))
V("", "Gelu", S(20, "Rb>=", F))
V("", "Gemm", S(1, "R,=,=>="), S(6, "R,=,=>="), S(7, "R,=,=>="), S(9, "RilIL,=,=>="),
  S(11, "RilIL,=,=>="), S(13, "RbilIL,=,=>="))
V("", "GlobalAveragePool", S(1, "R>="), S(22, "Rb>="))
V("", "GlobalLpPool", S(1, "R>="), S(2, "R>="), S(22, "Rb>="))
V("", "GlobalMaxPool", S(1, "R>="), S(22, "Rb>="))
V("", "Greater", S(1, "R,=>t"), S(7, "R,=>t"), S(9, "NR,=>t"), S(13, "NRb,=>t"))
V("", "GreaterOrEqual", S(12, "NR,=>t", F), S(16, "NRb,=>t", F))
V("", "GridSample", S(16, "A,R>="), S(20, "A,R>="), S(22, "Ab,Rb>="))
V("", "GroupNormalization", S(18, "bR,=,=>=", F), S(21, "Rb,=,=>=", F, "stash_type=1"))
V("", "HammingWindow", S(17, "il>NRb", F))
V("", "HannWindow", S(17, "il>NRb", F))
V("", "HardSigmoid", S(1, "R>="), S(6, "R>=", F), S(22, "Rb>=", F))
V("", "HardSwish", S(14, "R>=", F), S(22, "Rb>=", F))
V("", "Hardmax", S(1, "R>="), S(11, "R>="), S(13, "Rb>="))
V("", "Identity", S(1, "A>="), S(13, "Ab>="), S(14, "Ab[A]>="), S(16, "Ab[A](A[A])>="),
  S(19, "Ab8[A](A[A])>="), S(21, "Ab84[A](A[A])>="), S(23, "Ab84e[A](A[A])>="),
  S(24, "Ab84ex[A](A[A])>="), S(25, "Ab84e2x[A](A[A])>="))
V("", "If", S(1, "t>A*"), S(11, "t>A*"), S(13, "t>A[A]*"), S(16, "t>Ab[Ab](Ab[Ab])*"),
  S(19, "t>Ab8[Ab8](Ab8[Ab])*"), S(21, "t>Ab84[Ab84](Ab84[Ab])*"),
  S(23, "t>Ab84e[Ab84e](Ab84e[Ab])*"), S(24, "t>Ab84ex[Ab84ex](Ab84ex[Ab])*"),
  S(25, "t>Ab84e2x[Ab84e2x](Ab84e2x[Ab])*"))
V("", "ImageDecoder", S(20, "C>="))
V("", "InstanceNormalization", S(1, "R,=,=>="), S(6, "R,=,=>="), S(22, "Rb,=,=>="))
V("", "IsInf", S(10, "fd>t"), S(20, "Rb8>t"))
V("", "IsNaN", S(9, "R>t"), S(13, "Rb>t"), S(20, "Rb8>t"))
V("", "LRN", S(1, "R>="), S(13, "Rb>="))
V("", "LSTM", S(1, "R,=,=,=,i,=,=,=>=,=,="), S(7, "R,=,=,=,i,=,=,=>=,=,="),
  S(14, "R,=,=,=,i,=,=,=>=,=,=", 0, "layout=0"), S(22, "Rb,=,=,=,i,=,=,=>=,=,="))
V("", "LayerNormalization", S(17, "Rb,=,=>=,bf,bf", F))
V("", "LeakyRelu", S(1, "R>="), S(6, "R>="), S(16, "Rb>=", F))
V("", "Less", S(1, "R,=>t"), S(7, "R,=>t"), S(9, "NR,=>t"), S(13, "NRb,=>t"))
V("", "LessOrEqual", S(12, "NR,=>t", F), S(16, "NRb,=>t", F))
V("", "LinearAttention", S(27, "bhf,=,=,=,=,=>=,=", F))
V("", "Log", S(1, "R>="), S(6, "R>="), S(13, "Rb>="))
V("", "LogSoftmax", S(1, "R>="), S(11, "R>="), S(13, "Rb>=", F))
V("", "Loop", S(1, "l,t,A*>A*"), S(11, "l,t,A*>A*"), S(13, "l,t,A[A]*>A[A]*"),
  S(16, "l,t,Ab[Ab](Ab[Ab])*>Ab[Ab](Ab[Ab])*"), S(19, "l,t,Ab8[Ab8](Ab8[Ab])*>Ab8[Ab8](Ab8[Ab])*"),
  S(21, "l,t,Ab84[Ab84](Ab84[Ab])*>Ab84[Ab84](Ab84[Ab])*"),
  S(23, "l,t,Ab84e[Ab84e](Ab84e[Ab])*>Ab84e[Ab84e](Ab84e[Ab])*"),
  S(24, "l,t,Ab84ex[Ab84ex](Ab84ex[Ab])*>Ab84ex[Ab84ex](Ab84ex[Ab])*"),
  S(25, "l,t,Ab84e2x[Ab84e2x](Ab84e2x[Ab])*>Ab84e2x[Ab84e2x](Ab84e2x[Ab])*"))
V("", "LpNormalization", S(1, "R>="), S(22, "Rb>="))
V("", "LpPool", S(1, "R>="), S(2, "R>="), S(11, "R>="), S(18, "R>=", 0, "ceil_mode=0 dilations"),
  S(22, "Rb>="))
V("", "MatMul", S(1, "R,=>="), S(9, "RilIL,=>="), S(13, "RbilIL,=>="))
V("", "MatMulInteger", S(10, "cC,=,=,=>i"))
V("", "Max", S(1, "R*>="), S(6, "R*>="), S(8, "R*>="), S(12, "NR*>="), S(13, "NRb*>="))
V("", "MaxPool", S(1, "R>="), S(8, "R>=,l", 0, "storage_order=0"),
  S(10, "R>=,l", 0, "ceil_mode=0 dilations"), S(11, "R>=,l"), S(12, "RcC>=,l"), S(22, "RbcC>=,l"))
V("", "MaxRoiPool", S(1, "R,=>="), S(22, "Rb,=>="))
V("", "MaxUnpool", S(9, "R,l,l>="), S(11, "R,l,l>="), S(22, "Rb,l,l>="))
V("", "Mean", S(1, "R*>="), S(6, "R*>="), S(8, "R*>="), S(13, "Rb*>="))
V("", "MeanVarianceNormalization", S(9, "R>=", F), S(13, "Rb>=", F))
V("", "MelWeightMatrix", S(17, "il,=,=,Rb,Rb>NRb"))
V("", "Min", S(1, "R*>="), S(6, "R*>="), S(8, "R*>="), S(12, "NR*>="), S(13, "NRb*>="))
V("", "Mish", S(18, "R>=", F), S(22, "Rb>=", F))
V("", "Mod", S(10, "NR,=>="), S(13, "NRb,=>="))
V("", "Mul", S(1, "R,=>="), S(6, "RilIL,=>="), S(7, "RilIL,=>="), S(13, "RbilIL,=>="),
  S(14, "NRb,=>="))
V("", "Multinomial", S(7, "R>il"), S(22, "Rb>il"))
V("", "Neg", S(1, "R>="), S(6, "Rcwil>="), S(13, "Rbcwil>="))
V("", "NegativeLogLikelihoodLoss", S(12, "R,il,=>=", F), S(13, "R,il,=>=", F),
  S(22, "Rb,il,=>=", F))
V("", "NonMaxSuppression", S(10, "f,=,l,=,=>l"), S(11, "f,=,l,=,=>l"))
V("", "NonZero", S(9, "A>l"), S(13, "Ab>l"))
V("", "Not", S(1, "t>="))
V("", "OneHot", S(9, "NR,=,A>A"), S(11, "NR,=,A>A"))
V("", "Optional", S(15, "A[A]>(A[A])"))
V("", "OptionalGetElement", S(15, "(A[A])>A[A]"), S(18, "A[A](A[A])>A[A]"))
V("", "OptionalHasElement", S(15, "(A[A])>t"), S(18, "A[A](A[A])>t"))
V("", "Or", S(1, "t,=>="), S(7, "t,=>="))
V("", "PRelu", S(1, "R,=>="), S(6, "R,=>="), S(7, "R,=>="), S(9, "RilIL,=>="),
  S(16, "RbilIL,=>=", F))
V("", "Pad", S(1, "R>="), S(2, "R>=", 0, "pads"), S(11, "NR,l,=>="), S(13, "Ab,l,=>="),
  S(18, "Ab,l,=,il>="), S(19, "Ab,l,=,il>="), S(21, "Ab84,l,=,il>="), S(23, "Ab84e,l,=,il>="),
  S(24, "Ab84ex,l,=,il>="), S(25, "Ab84e2x,l,=,il>="))
V("", "Pow", S(1, "R,=>="), S(7, "R,=>="), S(12, "Ril,NR>="), S(13, "Rbil,NR>="),
  S(15, "Rbil,NRb>="))
V("", "QLinearConv", S(10, "cC,f,=,=,f,=,f,=,i>="))
V("", "QLinearMatMul", S(10, "cC,f,=,=,f,=,f,=>="), S(21, "8cC,bhf,=,=,bhf,=,bhf,=>="))
V("", "QuantizeLinear", S(10, "fi,f,cC>cC"), S(13, "fi,f,cC>cC", 0, "axis=1"),
  S(19, "bhfi,=,8cC>8cC", 0, "saturate=1"),
  S(21, "bhfi,=,84cwCW>84cwCW", 0, "block_size=0 output_dtype=0"),
  S(23, "bhfi,=,84ecwCW>84ecwCW", 0, "precision=0"), S(24, "bhfi,bhfxi,84ecwCW>84ecwCW"),
  S(25, "bhfi,bhfxi,84e2cwCW>84e2cwCW"))
V("", "RMSNormalization", S(23, "Rb,=>=", F))
V("", "RNN", S(1, "R,=,=,=,i,=>=,="), S(7, "R,=,=,=,i,=>=,="),
  S(14, "R,=,=,=,i,=>=,=", 0, "layout=0"), S(22, "Rb,=,=,=,i,=>=,="))
V("", "RandomNormal", S(1, ">R"), S(22, ">Rb"))
V("", "RandomNormalLike", S(1, "A>R"), S(22, "Ab>Rb"))
V("", "RandomUniform", S(1, ">R"), S(22, ">Rb"))
V("", "RandomUniformLike", S(1, "A>R"), S(22, "Ab>Rb"))
V("", "Range", S(11, "fdwil,=,=>=", F), S(27, "Rbwil,=,=>=", F, "stash_type=1"))
V("", "Reciprocal", S(1, "R>="), S(6, "R>="), S(13, "Rb>="))
V("", "ReduceL1", S(1, "RilIL>="), S(11, "RilIL>="), S(13, "RbilIL>="),
  S(18, "RbilIL,l>=", F, "noop_with_empty_axes=0"))
V("", "ReduceL2", S(1, "RilIL>="), S(11, "RilIL>="), S(13, "RbilIL>="),
  S(18, "RbilIL,l>=", F, "noop_with_empty_axes=0"))
V("", "ReduceLogSum", S(1, "RilIL>="), S(11, "RilIL>="), S(13, "RbilIL>="),
  S(18, "RbilIL,l>=", F, "noop_with_empty_axes=0"))
V("", "ReduceLogSumExp", S(1, "RilIL>="), S(11, "RilIL>="), S(13, "RbilIL>="),
  S(18, "RbilIL,l>=", F, "noop_with_empty_axes=0"))
V("", "ReduceMax", S(1, "RilIL>="), S(11, "RilIL>="), S(12, "RcilCIL>="), S(13, "RbcilCIL>="),
  S(18, "RbcilCIL,l>=", 0, "noop_with_empty_axes=0"), S(20, "RbcilCILt,l>="))
V("", "ReduceMean", S(1, "RilIL>="), S(11, "RilIL>="), S(13, "RbilIL>="),
  S(18, "RbilIL,l>=", 0, "noop_with_empty_axes=0"))
V("", "ReduceMin", S(1, "RilIL>="), S(11, "RilIL>="), S(12, "RcilCIL>="), S(13, "RbcilCIL>="),
  S(18, "RbcilCIL,l>=", 0, "noop_with_empty_axes=0"), S(20, "RbcilCILt,l>="))
V("", "ReduceProd", S(1, "RilIL>="), S(11, "RilIL>="), S(13, "RbilIL>="),
  S(18, "RbilIL,l>=", 0, "noop_with_empty_axes=0"))
V("", "ReduceSum", S(1, "RilIL>="), S(11, "RilIL>="),
  S(13, "RbilIL,l>=", 0, "noop_with_empty_axes=0"))
V("", "ReduceSumSquare", S(1, "RilIL>="), S(11, "RilIL>="), S(13, "RbilIL>="),
  S(18, "RbilIL,l>=", F, "noop_with_empty_axes=0"))
V("", "RegexFullMatch", S(20, "s>t"))
V("", "Relu", S(1, "R>="), S(6, "R>="), S(13, "Rb>="), S(14, "Rbcwil>=", F))
V("", "Reshape", S(1, "R>="), S(5, "A,l>="), S(13, "Ab,l>="), S(14, "Ab,l>=", 0, "allowzero=0"),
  S(19, "Ab8,l>="), S(21, "Ab84,l>="), S(23, "Ab84e,l>="), S(24, "Ab84ex,l>="),
  S(25, "Ab84e2x,l>="))
V("", "Resize", S(10, "A,f>="),
  S(11, "A,R,f,l>=", 0,
    "coordinate_transformation_mode=half_pixel cubic_coeff_a=-0.75 exclude_outside=0 "
    "extrapolation_value=0.0 nearest_mode=round_prefer_floor"),
  S(13, "Ab,R,f,l>="), S(18, "Ab,R,f,l>=", 0, "antialias=0 axes keep_aspect_ratio_policy=stretch"),
  S(19, "Ab,R,f,l>="))
V("", "ReverseSequence", S(10, "A,l>="))
V("", "RoiAlign", S(10, "R,=,l>="),
  S(16, "R,=,l>=", 0, "coordinate_transformation_mode=half_pixel"), S(22, "Rb,=,l>="))
V("", "RotaryEmbedding", S(23, "bhf,=,=,l>=", F))
V("", "Round", S(11, "R>="), S(22, "Rb>="))
V("", "STFT", S(17, "Rb,il,=,il>="))
V("", "Scan", S(8, "l,A*>A*"),
  S(9, "A*>=*", 0, "scan_input_axes scan_input_directions scan_output_axes scan_output_directions"),
  S(11, "A*>=*"), S(16, "Ab*>=*"), S(19, "Ab8*>=*"), S(21, "Ab84*>=*"), S(23, "Ab84e*>=*"),
  S(24, "Ab84ex*>=*"), S(25, "Ab84e2x*>=*"))
V("", "Scatter", S(9, "A,il,=>="), S(11, NULL, GONE))
V("", "ScatterElements", S(11, "A,il,=>="), S(13, "Ab,il,=>="),
  S(16, "Ab,il,=>=", 0, "reduction=none"), S(18, "Ab,il,=>="))
V("", "ScatterND", S(11, "A,l,=>="), S(13, "Ab,l,=>="), S(16, "Ab,l,=>=", 0, "reduction=none"),
  S(18, "Ab,l,=>="))
V("", "Selu", S(1, "R>="), S(6, "R>=", F), S(22, "Rb>=", F))
V("", "SequenceAt", S(11, "[A],il>A"))
V("", "SequenceConstruct", S(11, "A*>[A]"))
V("", "SequenceEmpty", S(11, ">[A]"))
V("", "SequenceErase", S(11, "[A],il>="))
V("", "SequenceInsert", S(11, "[A],A,il>="))
V("", "SequenceLength", S(11, "[A]>l"))
V("", "SequenceMap", S(17, "[A],A[A]*>=*", F))
V("", "Shape", S(1, "A>l"), S(13, "Ab>l"), S(15, "Ab>l", 0, "end start=0"), S(19, "Ab8>l"),
  S(21, "Ab84>l"), S(23, "Ab84e>l"), S(24, "Ab84ex>l"), S(25, "Ab84e2x>l"))
V("", "Shrink", S(9, "NR>=", F))
V("", "Sigmoid", S(1, "R>="), S(6, "R>="), S(13, "Rb>="))
V("", "Sign", S(9, "NR>="), S(13, "NRb>="))
V("", "Sin", S(7, "R>="), S(22, "Rb>="))
V("", "Sinh", S(9, "R>="), S(22, "Rb>="))
V("", "Size", S(1, "A>l"), S(13, "Ab>l"), S(19, "Ab8>l"), S(21, "Ab84>l"), S(23, "Ab84e>l"),
  S(24, "Ab84ex>l"), S(25, "Ab84e2x>l"))
V("", "Slice", S(1, "A>="), S(10, "A,il,il,il,il>="), S(11, "A,il,il,il,il>="),
  S(13, "Ab,il,il,il,il>="))
V("", "Softmax", S(1, "R>="), S(11, "R>="), S(13, "Rb>=", F))
V("", "SoftmaxCrossEntropyLoss", S(12, "R,il,=>=,=", F), S(13, "Rb,il,=>=,=", F))
V("", "Softplus", S(1, "R>=", F), S(22, "Rb>=", F))
V("", "Softsign", S(1, "R>=", F), S(22, "Rb>=", F))
V("", "SpaceToDepth", S(1, "A>="), S(13, "Ab>="))
V("", "Split", S(1, "R,=>=*"), S(2, "A>=*"), S(11, "A>=*"), S(13, "Ab,l>=*"),
  S(18, "Ab,l>=*", 0, "num_outputs"))
V("", "SplitToSequence", S(11, "A,il>[A]"), S(24, "Ab,il>[Ab]"))
V("", "Sqrt", S(1, "R>="), S(6, "R>="), S(13, "Rb>="))
V("", "Squeeze", S(1, "A>="), S(11, "A>="), S(13, "Ab,l>="), S(21, "Ab84,l>="), S(23, "Ab84e,l>="),
  S(24, "Ab84ex,l>="), S(25, "Ab84e2x,l>="))
V("", "StringConcat", S(20, "s,=>="))
V("", "StringNormalizer", S(10, "s>="))
V("", "StringSplit", S(20, "s>=,l"))
V("", "Sub", S(1, "R,=>="), S(6, "RilIL,=>="), S(7, "RilIL,=>="), S(13, "RbilIL,=>="),
  S(14, "NRb,=>="))
V("", "Sum", S(1, "R*>="), S(6, "R*>="), S(8, "R*>="), S(13, "Rb*>="))
V("", "SwiGLU", S(28, "Rb,=>=", F))
V("", "Swish", S(24, "Rb>=", F))
V("", "Tan", S(7, "R>="), S(22, "Rb>="))
V("", "Tanh", S(1, "R>="), S(6, "R>="), S(13, "Rb>="))
V("", "TensorScatter", S(24, "Ab84ex,=,l>="))
V("", "TfIdfVectorizer", S(9, "ils>f"))
V("", "ThresholdedRelu", S(10, "R>=", F), S(22, "Rb>=", F))
V("", "Tile", S(1, "R,=,=>="), S(6, "A,l>="), S(13, "Ab,l>="))
V("", "TopK", S(1, "R>=,l"), S(10, "R,l>=,l"), S(11, "NR,l>=,l", 0, "largest=1 sorted=1"),
  S(24, "NRb,l>=,l"))
V("", "Transpose", S(1, "A>="), S(13, "Ab>="), S(21, "Ab84>="), S(23, "Ab84e>="), S(24, "Ab84ex>="),
  S(25, "Ab84e2x>="))
V("", "Trilu", S(14, "Ab,l>="))
V("", "Unique", S(11, "A>=,l,l,l"))
V("", "Unsqueeze", S(1, "A>="), S(11, "A>="), S(13, "Ab,l>="), S(21, "Ab84,l>="),
  S(23, "Ab84e,l>="), S(24, "Ab84ex,l>="), S(25, "Ab84e2x,l>="))
V("", "Upsample", S(1, "Rilt>="), S(7, "A>=", 0, "scales"), S(9, "A,f>="), S(10, NULL, GONE))
V("", "Where", S(9, "t,A,A>A"), S(16, "t,Ab,Ab>Ab"))
V("", "Xor", S(1, "t,=>="), S(7, "t,=>="))
V("ai.onnx.ml", "ArrayFeatureExtractor", S(1, "fdils,l>="))
V("ai.onnx.ml", "Binarizer", S(1, "fdil>="))
V("ai.onnx.ml", "CastMap", S(1, "m>fls"))
V("ai.onnx.ml", "CategoryMapper", S(1, "ls>="))
V("ai.onnx.ml", "DictVectorizer", S(1, "m>fdls"))
V("ai.onnx.ml", "FeatureVectorizer", S(1, "fdil*>f"))
V("ai.onnx.ml", "Imputer", S(1, "fdil>="))
V("ai.onnx.ml", "LabelEncoder", S(1, "ls>="),
  S(2, "fls>=", 0,
    "default_float=-0.0 keys_floats keys_int64s keys_strings values_floats values_int64s "
    "values_strings"),
  S(4, "fdwils>=", 0, "default_tensor keys_tensor values_tensor"))
V("ai.onnx.ml", "LinearClassifier", S(1, "fdil>ls,f"))
V("ai.onnx.ml", "LinearRegressor", S(1, "fdil>f"))
V("ai.onnx.ml", "Normalizer", S(1, "fdil>f"))
V("ai.onnx.ml", "OneHotEncoder", S(1, "fdils>f"))
V("ai.onnx.ml", "SVMClassifier", S(1, "fdil>ls,f"))
V("ai.onnx.ml", "SVMRegressor", S(1, "fdil>f"))
V("ai.onnx.ml", "Scaler", S(1, "fdil>f"))
V("ai.onnx.ml", "TreeEnsemble", S(5, "R>="))
V("ai.onnx.ml", "TreeEnsembleClassifier", S(1, "fdil>ls,f"),
  S(3, "fdil>ls,f", 0,
    "base_values_as_tensor class_weights_as_tensor nodes_hitrates_as_tensor "
    "nodes_values_as_tensor"),
  S(5, NULL, GONE))
V("ai.onnx.ml", "TreeEnsembleRegressor", S(1, "fdil>f"),
  S(3, "fdil>f", 0,
    "base_values_as_tensor nodes_hitrates_as_tensor nodes_values_as_tensor "
    "target_weights_as_tensor"),
  S(5, NULL, GONE))
V("ai.onnx.ml", "ZipMap", S(1, "f>[m]"))
V("ai.onnx.preview", "FlexAttention", S(1, "Rb,=,=>=", F))
V("ai.onnx.preview.training", "Adagrad", S(1, "fd,l,=*>=*"))
V("ai.onnx.preview.training", "Adam", S(1, "fd,l,=*>=*"))
V("ai.onnx.preview.training", "Gradient", S(1, "A*>R*"))
V("ai.onnx.preview.training", "Momentum", S(1, "fd,l,=*>=*"))
/* clang-format on */
