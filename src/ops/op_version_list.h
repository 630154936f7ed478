/* SPDX-License-Identifier: Apache-2.0
 *
 * The table behind op_versions.h: an entry per operator of ONNX, sorted by domain, then type; in it
 * S(since, types, flags, attributes) per version, where flags and attributes may be left out.
 */
/* clang-format off */
V("", "Abs", S(1, "R>=", 0, "consumed_inputs"), S(6, "NR>=", 0, "-consumed_inputs"), S(13, "NRb>="))
V("", "Acos", S(7, "R>="), S(22, "Rb>="))
V("", "Acosh", S(9, "R>="), S(22, "Rb>="))
V("", "Add", S(1, "R,=>=", 0, "axis broadcast=0 consumed_inputs"),
  S(6, "RilIL,=>=", 0, "-consumed_inputs"), S(7, "RilIL,=>=", 0, "-axis -broadcast"),
  S(13, "RbilIL,=>="), S(14, "NRb,=>="))
V("", "AffineGrid", S(20, "Rb,l>=", F, "align_corners=0"))
V("", "And", S(1, "t,=>t", 0, "axis broadcast=0"), S(7, "t,=>t", 0, "-axis -broadcast"))
V("", "ArgMax", S(1, "NR>l", 0, "axis=0 keepdims=1"), S(11, "NR>l"),
  S(12, "NR>l", 0, "select_last_index=0"), S(13, "NRb>l"))
V("", "ArgMin", S(1, "NR>l", 0, "axis=0 keepdims=1"), S(11, "NR>l"),
  S(12, "NR>l", 0, "select_last_index=0"), S(13, "NRb>l"))
V("", "Asin", S(7, "R>="), S(22, "Rb>="))
V("", "Asinh", S(9, "R>="), S(22, "Rb>="))
V("", "Atan", S(7, "R>="), S(22, "Rb>="))
V("", "Atanh", S(9, "R>="), S(22, "Rb>="))
V("", "Attention",
  S(23, "Rb,=,Rb,NRbt,=,Rb>=,=,Rb,=", F,
    "is_causal=0 kv_num_heads q_num_heads qk_matmul_output_mode=0 scale softcap=0.0 "
    "softmax_precision"),
  S(24, "Rb,=,Rb,NRbt,=,Rb,l>=,=,Rb,=", F),
  S(25, "Rb,=,Rb,NRbt,=,Rb,l>=,=,Rb,=", F, "left_window_size=-1 right_window_size=-1"))
V("", "AveragePool", S(1, "R>=", 0, "auto_pad=NOTSET kernel_shape! pads strides"),
  S(7, "R>=", 0, "count_include_pad=0"), S(10, "R>=", 0, "ceil_mode=0"), S(11, "R>="),
  S(19, "R>=", 0, "dilations"), S(22, "Rb>="))
V("", "BatchNormalization",
  S(1, "R,=,=,=,=>=,=,=,=,=", 0, "consumed_inputs! epsilon=1e-05 is_test=0 momentum=0.9 spatial=1"),
  S(6, "R,=,=,=,=>=,=,=,=,=", 0, "-consumed_inputs"), S(7, "R,=,=,=,=>=,=,=,=,=", 0, "-is_test"),
  S(9, "R,=,=,=,=>=,=,=,=,=", 0, "-spatial"), S(14, "Rb,=,=,Rb,Rb>=,Rb,Rb", 0, "training_mode=0"),
  S(15, "Rb,Rb,Rb,Rb,Rb>=,Rb,Rb"))
V("", "Bernoulli", S(15, "R>NRbt", F, "dtype seed"), S(22, "Rb>NRbt", F))
V("", "BitCast", S(26, "NRb84e2xtzy>NRb84e2xtzy", 0, "to!"))
V("", "BitShift", S(11, "CWIL,=>=", 0, "direction!"))
V("", "BitwiseAnd", S(18, "N,=>="))
V("", "BitwiseNot", S(18, "N>="))
V("", "BitwiseOr", S(18, "N,=>="))
V("", "BitwiseXor", S(18, "N,=>="))
V("", "BlackmanWindow", S(17, "il>NRb", F, "output_datatype=1 periodic=1"))
V("", "Cast", S(1, "NRt>NRt", 0, "to!"), S(6, "NRt>NRt"), S(9, "NRts>NRts"), S(13, "NRbts>NRbts"),
  S(19, "NRb8ts>NRb8ts", 0, "saturate=1"), S(21, "NRb84ts>NRb84ts"), S(23, "NRb84ets>NRb84ets"),
  S(24, "NRb84exts>NRb84exts", 0, "round_mode=up"), S(25, "NRb84e2xts>NRb84e2xts"))
V("", "CastLike", S(15, "NRbts,NRbts>NRbts", F), S(19, "NRb8ts,NRb8ts>NRb8ts", F, "saturate=1"),
  S(21, "NRb84ts,NRb84ts>NRb84ts", F), S(23, "NRb84ets,NRb84ets>NRb84ets", F),
  S(24, "NRb84exts,NRb84exts>NRb84exts", F, "round_mode=up"),
  S(25, "NRb84e2xts,NRb84e2xts>NRb84e2xts", F))
V("", "CausalConvWithState", S(27, "bhf,=,=,=>=,=", F, "activation=none"))
V("", "Ceil", S(1, "R>=", 0, "consumed_inputs"), S(6, "R>=", 0, "-consumed_inputs"), S(13, "Rb>="))
V("", "Celu", S(12, "f>=", F, "alpha=1.0"), S(28, "Rb>=", F))
V("", "CenterCropPad", S(18, "Ab,il>=", F, "axes"))
V("", "Clip", S(1, "R>=", 0, "consumed_inputs max min"),
  S(6, "R>=", 0, "max=3.402823e+38 min=-3.402823e+38 -consumed_inputs"),
  S(11, "R,=,=>=", 0, "-max -min"), S(12, "NR,=,=>="), S(13, "NRb,=,=>=", F))
V("", "Col2Im", S(18, "Ab,l,l>=", 0, "dilations pads strides"))
V("", "Compress", S(9, "A,t>=", 0, "axis"), S(11, "A,t>="))
V("", "Concat", S(1, "R*>=", 0, "axis"), S(4, "A*>=", 0, "axis!"), S(11, "A*>="), S(13, "Ab*>="))
V("", "ConcatFromSequence", S(11, "[A]>A", 0, "axis! new_axis=0"))
V("", "Constant", S(1, ">R", 0, "value!"), S(9, ">A"), S(11, ">A", 0, "sparse_value value"),
  S(12, ">A", 0, "value_float value_floats value_int value_ints value_string value_strings"),
  S(13, ">Ab"), S(19, ">Ab8"), S(21, ">Ab84"), S(23, ">Ab84e"), S(24, ">Ab84ex"), S(25, ">Ab84e2x"))
V("", "ConstantOfShape", S(9, "l>NRt", 0, "value"), S(20, "l>NRb8t"), S(21, "l>NRb84t"),
  S(23, "l>NRb84et"), S(24, "l>NRb84ext"), S(25, "l>NRb84e2xt"))
V("", "Conv", S(1, "R,=,=>=", 0, "auto_pad=NOTSET dilations group=1 kernel_shape pads strides"),
  S(11, "R,=,=>="), S(22, "Rb,=,=>="))
V("", "ConvInteger",
  S(10, "cC,cC,=,cC>i", 0, "auto_pad=NOTSET dilations group=1 kernel_shape pads strides"))
V("", "ConvTranspose",
  S(1, "R,=,=>=", 0,
    "auto_pad=NOTSET dilations group=1 kernel_shape output_padding output_shape pads strides"),
  S(11, "R,=,=>="), S(22, "Rb,=,=>="))
V("", "Cos", S(7, "R>="), S(22, "Rb>="))
V("", "Cosh", S(9, "R>="), S(22, "Rb>="))
V("", "CumProd", S(26, "RbilIL,il>=", 0, "exclusive=0 reverse=0"))
V("", "CumSum", S(11, "fdilIL,il>=", 0, "exclusive=0 reverse=0"), S(14, "RbilIL,il>="))
V("", "DFT", S(17, "Rb,il>=", 0, "axis=1 inverse=0 onesided=0"), S(20, "Rb,il,l>=", 0, "-axis"))
V("", "DeformConv",
  S(19, "R,=,=,=,=>=", 0, "dilations group=1 kernel_shape offset_group=1 pads strides"),
  S(22, "Rb,=,=,=,=>="))
V("", "DepthToSpace", S(1, "A>=", 0, "blocksize!"), S(11, "A>=", 0, "mode=DCR"), S(13, "Ab>="))
V("", "DequantizeLinear", S(10, "ciC,f,=>f"), S(13, "ciC,f,=>f", 0, "axis=1"),
  S(19, "8ciC,bhf,=>bhf"), S(21, "84cwiCW,bhf,=>bhf", 0, "block_size=0"),
  S(23, "84ecwiCW,bhf,=>bhf", 0, "output_dtype=0"), S(24, "84ecwiCW,bhfx,=>bhf"),
  S(25, "84e2cwiCW,bhfx,=>bhf"))
V("", "Det", S(11, "R>="), S(22, "Rb>="))
V("", "Div", S(1, "R,=>=", 0, "axis broadcast=0 consumed_inputs"),
  S(6, "RilIL,=>=", 0, "-consumed_inputs"), S(7, "RilIL,=>=", 0, "-axis -broadcast"),
  S(13, "RbilIL,=>="), S(14, "NRb,=>="))
V("", "Dropout", S(1, "R>=,=", 0, "consumed_inputs is_test=0 ratio=0.5"),
  S(6, "R>=,=", 0, "-consumed_inputs"), S(7, "R>=,=", 0, "-is_test"), S(10, "R>=,t"),
  S(12, "R,R,t>=,t", 0, "seed -ratio"), S(13, "Rb,R,t>=,t"), S(22, "Rb8,Rb8,t>=,t"))
V("", "DynamicQuantizeLinear", S(11, "f>C,f,C", F))
V("", "Einsum", S(12, "NR*>=", 0, "equation!"))
V("", "Elu", S(1, "R>=", 0, "alpha=1.0 consumed_inputs"), S(6, "R>=", F, "-consumed_inputs"),
  S(22, "Rb>=", F))
V("", "Equal", S(1, "ilt,=>t", 0, "axis broadcast=0"), S(7, "ilt,=>t", 0, "-axis -broadcast"),
  S(11, "NRt,=>t"), S(13, "NRbt,=>t"), S(19, "NRbts,=>t"))
V("", "Erf", S(9, "NR>="), S(13, "Rb>="))
V("", "Exp", S(1, "R>=", 0, "consumed_inputs"), S(6, "R>=", 0, "-consumed_inputs"), S(13, "Rb>="))
V("", "Expand", S(8, "A,l>="), S(13, "Ab,l>="))
V("", "EyeLike", S(9, "NRt>NRt", 0, "dtype k=0"), S(22, "NRbt>NRbt"))
V("", "Flatten", S(1, "R>=", 0, "axis=1"), S(9, "A>="), S(11, "A>="), S(13, "Ab>="),
  S(21, "Ab84>="), S(23, "Ab84e>="), S(24, "Ab84ex>="), S(25, "Ab84e2x>="))
V("", "Floor", S(1, "R>=", 0, "consumed_inputs"), S(6, "R>=", 0, "-consumed_inputs"), S(13, "Rb>="))
V("", "GRU",
  S(1, "R,=,=,=,i,=>=,=", 0,
    "activation_alpha activation_beta activations clip direction=foward hidden_size "
    "output_sequence=0"),
  S(3, "R,=,=,=,i,=>=,=", 0, "direction=forward linear_before_reset=0"),
  S(7, "R,=,=,=,i,=>=,=", 0, "-output_sequence"), S(14, "R,=,=,=,i,=>=,=", 0, "layout=0"),
  S(22, "Rb,=,=,=,i,=>=,="))
V("", "Gather", S(1, "A,il>=", 0, "axis=0"), S(11, "A,il>="), S(13, "Ab,il>="))
V("", "GatherElements", S(11, "A,il>=", 0, "axis=0"), S(13, "Ab,il>="))
V("", "GatherND", S(11, "A,l>="), S(12, "A,l>=", 0, "batch_dims=0"), S(13, "Ab,l>="))
V("", "Gelu", S(20, "Rb>=", F, "approximate=none"))
V("", "Gemm", S(1, "R,=,=>=", 0, "alpha=1.0 beta=1.0 broadcast=0 transA=0 transB=0"),
  S(6, "R,=,=>="), S(7, "R,=,=>=", 0, "-broadcast"), S(9, "RilIL,=,=>="), S(11, "RilIL,=,=>="),
  S(13, "RbilIL,=,=>="))
V("", "GlobalAveragePool", S(1, "R>="), S(22, "Rb>="))
V("", "GlobalLpPool", S(1, "R>=", 0, "p=2.0"), S(2, "R>=", 0, "p=2"), S(22, "Rb>="))
V("", "GlobalMaxPool", S(1, "R>="), S(22, "Rb>="))
V("", "Greater", S(1, "R,=>t", 0, "axis broadcast=0"), S(7, "R,=>t", 0, "-axis -broadcast"),
  S(9, "NR,=>t"), S(13, "NRb,=>t"))
V("", "GreaterOrEqual", S(12, "NR,=>t", F), S(16, "NRb,=>t", F))
V("", "GridSample", S(16, "A,R>=", 0, "align_corners=0 mode=bilinear padding_mode=zeros"),
  S(20, "A,R>=", 0, "mode=linear"), S(22, "Ab,Rb>="))
V("", "GroupNormalization", S(18, "bR,=,=>=", F, "epsilon=1e-05 num_groups!"),
  S(21, "Rb,=,=>=", F, "stash_type=1"))
V("", "HammingWindow", S(17, "il>NRb", F, "output_datatype=1 periodic=1"))
V("", "HannWindow", S(17, "il>NRb", F, "output_datatype=1 periodic=1"))
V("", "HardSigmoid", S(1, "R>=", 0, "alpha=0.2 beta=0.5 consumed_inputs"),
  S(6, "R>=", F, "-consumed_inputs"), S(22, "Rb>=", F))
V("", "HardSwish", S(14, "R>=", F), S(22, "Rb>=", F))
V("", "Hardmax", S(1, "R>=", 0, "axis=1"), S(11, "R>="), S(13, "Rb>=", 0, "axis=-1"))
V("", "Identity", S(1, "A>="), S(13, "Ab>="), S(14, "Ab[A]>="), S(16, "Ab[A](A[A])>="),
  S(19, "Ab8[A](A[A])>="), S(21, "Ab84[A](A[A])>="), S(23, "Ab84e[A](A[A])>="),
  S(24, "Ab84ex[A](A[A])>="), S(25, "Ab84e2x[A](A[A])>="))
V("", "If", S(1, "t>A*", 0, "else_branch! then_branch!"), S(11, "t>A*"), S(13, "t>A[A]*"),
  S(16, "t>Ab[Ab](Ab[Ab])*"), S(19, "t>Ab8[Ab8](Ab8[Ab])*"), S(21, "t>Ab84[Ab84](Ab84[Ab])*"),
  S(23, "t>Ab84e[Ab84e](Ab84e[Ab])*"), S(24, "t>Ab84ex[Ab84ex](Ab84ex[Ab])*"),
  S(25, "t>Ab84e2x[Ab84e2x](Ab84e2x[Ab])*"))
V("", "ImageDecoder", S(20, "C>C", 0, "pixel_format=RGB"))
V("", "InstanceNormalization", S(1, "R,=,=>=", 0, "consumed_inputs epsilon=1e-05"),
  S(6, "R,=,=>=", 0, "-consumed_inputs"), S(22, "Rb,=,=>="))
V("", "IsInf", S(10, "fd>t", 0, "detect_negative=1 detect_positive=1"), S(20, "Rb8>t"))
V("", "IsNaN", S(9, "R>t"), S(13, "Rb>t"), S(20, "Rb8>t"))
V("", "LRN", S(1, "R>=", 0, "alpha=0.0001 beta=0.75 bias=1.0 size!"), S(13, "Rb>="))
V("", "LSTM",
  S(1, "R,=,=,=,i,=,=,=>=,=,=", 0,
    "activation_alpha activation_beta activations clip direction=forward hidden_size "
    "input_forget=0 output_sequence=0"),
  S(7, "R,=,=,=,i,=,=,=>=,=,=", 0, "-output_sequence"),
  S(14, "R,=,=,=,i,=,=,=>=,=,=", 0, "layout=0"), S(22, "Rb,=,=,=,i,=,=,=>=,=,="))
V("", "LayerNormalization", S(17, "Rb,=,=>=,bf,bf", F, "axis=-1 epsilon=1e-05 stash_type=1"))
V("", "LeakyRelu", S(1, "R>=", 0, "alpha=0.01 consumed_inputs"), S(6, "R>=", 0, "-consumed_inputs"),
  S(16, "Rb>=", F))
V("", "Less", S(1, "R,=>t", 0, "axis broadcast=0"), S(7, "R,=>t", 0, "-axis -broadcast"),
  S(9, "NR,=>t"), S(13, "NRb,=>t"))
V("", "LessOrEqual", S(12, "NR,=>t", F), S(16, "NRb,=>t", F))
V("", "LinearAttention",
  S(27, "bhf,=,=,bhf,=,=>=,bhf", F,
    "chunk_size=64 kv_num_heads! q_num_heads! scale=0.0 update_rule=gated_delta"))
V("", "Log", S(1, "R>=", 0, "consumed_inputs"), S(6, "R>=", 0, "-consumed_inputs"), S(13, "Rb>="))
V("", "LogSoftmax", S(1, "R>=", 0, "axis=1"), S(11, "R>="), S(13, "Rb>=", F, "axis=-1"))
V("", "Loop", S(1, "l,t,A*>A*", 0, "body!"), S(11, "l,t,A*>A*"), S(13, "l,t,A[A]*>A[A]*"),
  S(16, "l,t,Ab[Ab](Ab[Ab])*>Ab[Ab](Ab[Ab])*"), S(19, "l,t,Ab8[Ab8](Ab8[Ab])*>Ab8[Ab8](Ab8[Ab])*"),
  S(21, "l,t,Ab84[Ab84](Ab84[Ab])*>Ab84[Ab84](Ab84[Ab])*"),
  S(23, "l,t,Ab84e[Ab84e](Ab84e[Ab])*>Ab84e[Ab84e](Ab84e[Ab])*"),
  S(24, "l,t,Ab84ex[Ab84ex](Ab84ex[Ab])*>Ab84ex[Ab84ex](Ab84ex[Ab])*"),
  S(25, "l,t,Ab84e2x[Ab84e2x](Ab84e2x[Ab])*>Ab84e2x[Ab84e2x](Ab84e2x[Ab])*"))
V("", "LpNormalization", S(1, "R>=", 0, "axis=-1 p=2"), S(22, "Rb>="))
V("", "LpPool", S(1, "R>=", 0, "auto_pad=NOTSET kernel_shape p=2.0 pads strides"),
  S(2, "R>=", 0, "kernel_shape! p=2"), S(11, "R>="), S(18, "R>=", 0, "ceil_mode=0 dilations"),
  S(22, "Rb>="))
V("", "MatMul", S(1, "R,=>="), S(9, "RilIL,=>="), S(13, "RbilIL,=>="))
V("", "MatMulInteger", S(10, "cC,cC,=,cC>i"))
V("", "Max", S(1, "R*>=", 0, "consumed_inputs"), S(6, "R*>=", 0, "-consumed_inputs"), S(8, "R*>="),
  S(12, "NR*>="), S(13, "NRb*>="))
V("", "MaxPool", S(1, "R>=", 0, "auto_pad=NOTSET kernel_shape! pads strides"),
  S(8, "R>=,l", 0, "storage_order=0"), S(10, "R>=,l", 0, "ceil_mode=0 dilations"), S(11, "R>=,l"),
  S(12, "RcC>=,l"), S(22, "RbcC>=,l"))
V("", "MaxRoiPool", S(1, "R,=>=", 0, "pooled_shape! spatial_scale=1.0"), S(22, "Rb,=>="))
V("", "MaxUnpool", S(9, "R,l,l>=", 0, "kernel_shape! pads strides"), S(11, "R,l,l>="),
  S(22, "Rb,l,l>="))
V("", "Mean", S(1, "R*>=", 0, "consumed_inputs"), S(6, "R*>=", 0, "-consumed_inputs"), S(8, "R*>="),
  S(13, "Rb*>="))
V("", "MeanVarianceNormalization", S(9, "R>=", F, "axes=0,2,3"), S(13, "Rb>=", F))
V("", "MelWeightMatrix", S(17, "il,=,=,Rb,Rb>NRb", 0, "output_datatype=1"))
V("", "Min", S(1, "R*>=", 0, "consumed_inputs"), S(6, "R*>=", 0, "-consumed_inputs"), S(8, "R*>="),
  S(12, "NR*>="), S(13, "NRb*>="))
V("", "Mish", S(18, "R>=", F), S(22, "Rb>=", F))
V("", "Mod", S(10, "NR,=>=", 0, "fmod=0"), S(13, "NRb,=>="))
V("", "Mul", S(1, "R,=>=", 0, "axis broadcast=0 consumed_inputs"),
  S(6, "RilIL,=>=", 0, "-consumed_inputs"), S(7, "RilIL,=>=", 0, "-axis -broadcast"),
  S(13, "RbilIL,=>="), S(14, "NRb,=>="))
V("", "Multinomial", S(7, "R>il", 0, "dtype=6 sample_size=1 seed"), S(22, "Rb>il"))
V("", "Neg", S(1, "R>=", 0, "consumed_inputs"), S(6, "Rcwil>=", 0, "-consumed_inputs"),
  S(13, "Rbcwil>="))
V("", "NegativeLogLikelihoodLoss", S(12, "R,il,=>=", F, "ignore_index reduction=mean"),
  S(13, "R,il,=>=", F), S(22, "Rb,il,=>=", F))
V("", "NonMaxSuppression", S(10, "f,=,l,=,=>l", 0, "center_point_box=0"), S(11, "f,=,l,=,=>l"))
V("", "NonZero", S(9, "A>l"), S(13, "Ab>l"))
V("", "Not", S(1, "t>="))
V("", "OneHot", S(9, "NR,NR,A>A", 0, "axis=-1"), S(11, "NR,NR,A>A"))
V("", "Optional", S(15, "A[A]>(A[A])", 0, "type"))
V("", "OptionalGetElement", S(15, "(A[A])>A[A]"), S(18, "A[A](A[A])>A[A]"))
V("", "OptionalHasElement", S(15, "(A[A])>t"), S(18, "A[A](A[A])>t"))
V("", "Or", S(1, "t,=>t", 0, "axis broadcast=0"), S(7, "t,=>t", 0, "-axis -broadcast"))
V("", "PRelu", S(1, "R,=>=", 0, "consumed_inputs"), S(6, "R,=>=", 0, "-consumed_inputs"),
  S(7, "R,=>="), S(9, "RilIL,=>="), S(16, "RbilIL,=>=", F))
V("", "Pad", S(1, "R>=", 0, "mode=constant paddings! value=0.0"), S(2, "R>=", 0, "pads! -paddings"),
  S(11, "NR,l,=>=", 0, "-pads -value"), S(13, "Ab,l,=>="), S(18, "Ab,l,=,il>="),
  S(19, "Ab,l,=,il>="), S(21, "Ab84,l,=,il>="), S(23, "Ab84e,l,=,il>="), S(24, "Ab84ex,l,=,il>="),
  S(25, "Ab84e2x,l,=,il>="))
V("", "Pow", S(1, "R,=>=", 0, "axis broadcast=0"), S(7, "R,=>=", 0, "-axis -broadcast"),
  S(12, "Ril,NR>="), S(13, "Rbil,NR>="), S(15, "Rbil,NRb>="))
V("", "QLinearConv",
  S(10, "cC,f,=,cC,f,cC,f,cC,i>cC", 0,
    "auto_pad=NOTSET dilations group=1 kernel_shape pads strides"))
V("", "QLinearMatMul", S(10, "cC,f,=,cC,f,cC,f,cC>cC"), S(21, "8cC,bhf,=,8cC,bhf,8cC,bhf,8cC>8cC"))
V("", "QuantizeLinear", S(10, "fi,f,cC>cC"), S(13, "fi,f,cC>cC", 0, "axis=1"),
  S(19, "bhfi,=,8cC>8cC", 0, "saturate=1"),
  S(21, "bhfi,=,84cwCW>84cwCW", 0, "block_size=0 output_dtype=0"),
  S(23, "bhfi,bhfi,84ecwCW>84ecwCW", 0, "precision=0"), S(24, "bhfi,bhfxi,84ecwCW>84ecwCW"),
  S(25, "bhfi,bhfxi,84e2cwCW>84e2cwCW"))
V("", "RMSNormalization", S(23, "Rb,Rb>Rb", F, "axis=-1 epsilon=1e-05 stash_type=1"))
V("", "RNN",
  S(1, "R,=,=,=,i,=>=,=", 0,
    "activation_alpha activation_beta activations=Tanh,Tanh clip direction=forward hidden_size "
    "output_sequence=0"),
  S(7, "R,=,=,=,i,=>=,=", 0, "-output_sequence"), S(14, "R,=,=,=,i,=>=,=", 0, "layout=0"),
  S(22, "Rb,=,=,=,i,=>=,="))
V("", "RandomNormal", S(1, ">R", 0, "dtype=1 mean=0.0 scale=1.0 seed shape!"), S(22, ">Rb"))
V("", "RandomNormalLike", S(1, "A>R", 0, "dtype mean=0.0 scale=1.0 seed"), S(22, "Ab>Rb"))
V("", "RandomUniform", S(1, ">R", 0, "dtype=1 high=1.0 low=0.0 seed shape!"), S(22, ">Rb"))
V("", "RandomUniformLike", S(1, "A>R", 0, "dtype high=1.0 low=0.0 seed"), S(22, "Ab>Rb"))
V("", "Range", S(11, "fdwil,=,=>=", F), S(27, "Rbwil,=,=>=", F, "stash_type=1"))
V("", "Reciprocal", S(1, "R>=", 0, "consumed_inputs"), S(6, "R>=", 0, "-consumed_inputs"),
  S(13, "Rb>="))
V("", "ReduceL1", S(1, "RilIL>=", 0, "axes keepdims=1"), S(11, "RilIL>="), S(13, "RbilIL>="),
  S(18, "RbilIL,l>=", F, "noop_with_empty_axes=0 -axes"))
V("", "ReduceL2", S(1, "RilIL>=", 0, "axes keepdims=1"), S(11, "RilIL>="), S(13, "RbilIL>="),
  S(18, "RbilIL,l>=", F, "noop_with_empty_axes=0 -axes"))
V("", "ReduceLogSum", S(1, "RilIL>=", 0, "axes keepdims=1"), S(11, "RilIL>="), S(13, "RbilIL>="),
  S(18, "RbilIL,l>=", F, "noop_with_empty_axes=0 -axes"))
V("", "ReduceLogSumExp", S(1, "RilIL>=", 0, "axes keepdims=1"), S(11, "RilIL>="), S(13, "RbilIL>="),
  S(18, "RbilIL,l>=", F, "noop_with_empty_axes=0 -axes"))
V("", "ReduceMax", S(1, "RilIL>=", 0, "axes keepdims=1"), S(11, "RilIL>="), S(12, "RcilCIL>="),
  S(13, "RbcilCIL>="), S(18, "RbcilCIL,l>=", 0, "noop_with_empty_axes=0 -axes"),
  S(20, "RbcilCILt,l>="))
V("", "ReduceMean", S(1, "RilIL>=", 0, "axes keepdims=1"), S(11, "RilIL>="), S(13, "RbilIL>="),
  S(18, "RbilIL,l>=", 0, "noop_with_empty_axes=0 -axes"))
V("", "ReduceMin", S(1, "RilIL>=", 0, "axes keepdims=1"), S(11, "RilIL>="), S(12, "RcilCIL>="),
  S(13, "RbcilCIL>="), S(18, "RbcilCIL,l>=", 0, "noop_with_empty_axes=0 -axes"),
  S(20, "RbcilCILt,l>="))
V("", "ReduceProd", S(1, "RilIL>=", 0, "axes keepdims=1"), S(11, "RilIL>="), S(13, "RbilIL>="),
  S(18, "RbilIL,l>=", 0, "noop_with_empty_axes=0 -axes"))
V("", "ReduceSum", S(1, "RilIL>=", 0, "axes keepdims=1"), S(11, "RilIL>="),
  S(13, "RbilIL,l>=", 0, "noop_with_empty_axes=0 -axes"))
V("", "ReduceSumSquare", S(1, "RilIL>=", 0, "axes keepdims=1"), S(11, "RilIL>="), S(13, "RbilIL>="),
  S(18, "RbilIL,l>=", F, "noop_with_empty_axes=0 -axes"))
V("", "RegexFullMatch", S(20, "s>t", 0, "pattern"))
V("", "Relu", S(1, "R>=", 0, "consumed_inputs"), S(6, "R>=", 0, "-consumed_inputs"), S(13, "Rb>="),
  S(14, "Rbcwil>=", F))
V("", "Reshape", S(1, "R>=", 0, "consumed_inputs shape"),
  S(5, "A,l>=", 0, "-consumed_inputs -shape"), S(13, "Ab,l>="), S(14, "Ab,l>=", 0, "allowzero=0"),
  S(19, "Ab8,l>="), S(21, "Ab84,l>="), S(23, "Ab84e,l>="), S(24, "Ab84ex,l>="),
  S(25, "Ab84e2x,l>="))
V("", "Resize", S(10, "A,f>=", 0, "mode=nearest"),
  S(11, "A,R,f,l>=", 0,
    "coordinate_transformation_mode=half_pixel cubic_coeff_a=-0.75 exclude_outside=0 "
    "extrapolation_value=0.0 nearest_mode=round_prefer_floor"),
  S(13, "Ab,R,f,l>="), S(18, "Ab,R,f,l>=", 0, "antialias=0 axes keep_aspect_ratio_policy=stretch"),
  S(19, "Ab,R,f,l>="))
V("", "ReverseSequence", S(10, "A,l>=", 0, "batch_axis=1 time_axis=0"))
V("", "RoiAlign",
  S(10, "R,=,l>=", 0, "mode=avg output_height=1 output_width=1 sampling_ratio=0 spatial_scale=1.0"),
  S(16, "R,=,l>=", 0, "coordinate_transformation_mode=half_pixel"), S(22, "Rb,=,l>="))
V("", "RotaryEmbedding", S(23, "bhf,=,=,l>=", F, "interleaved=0 num_heads rotary_embedding_dim=0"))
V("", "Round", S(11, "R>="), S(22, "Rb>="))
V("", "STFT", S(17, "Rb,il,=,il>=", 0, "onesided=1"))
V("", "Scan", S(8, "l,A*>A*", 0, "body! directions num_scan_inputs!"),
  S(9, "A*>A*", 0,
    "scan_input_axes scan_input_directions scan_output_axes scan_output_directions -directions"),
  S(11, "A*>A*"), S(16, "Ab*>Ab*"), S(19, "Ab8*>Ab8*"), S(21, "Ab84*>Ab84*"),
  S(23, "Ab84e*>Ab84e*"), S(24, "Ab84ex*>Ab84ex*"), S(25, "Ab84e2x*>Ab84e2x*"))
V("", "Scatter", S(9, "A,il,=>=", 0, "axis=0"), S(11, NULL, GONE))
V("", "ScatterElements", S(11, "A,il,=>=", 0, "axis=0"), S(13, "Ab,il,=>="),
  S(16, "Ab,il,=>=", 0, "reduction=none"), S(18, "Ab,il,=>="))
V("", "ScatterND", S(11, "A,l,=>="), S(13, "Ab,l,=>="), S(16, "Ab,l,=>=", 0, "reduction=none"),
  S(18, "Ab,l,=>="))
V("", "Selu", S(1, "R>=", 0, "alpha=1.6732 consumed_inputs gamma=1.0507"),
  S(6, "R>=", F, "alpha=1.67326319 -consumed_inputs gamma=1.05070102"), S(22, "Rb>=", F))
V("", "SequenceAt", S(11, "[A],il>A"))
V("", "SequenceConstruct", S(11, "A*>[A]"))
V("", "SequenceEmpty", S(11, ">[A]", 0, "dtype"))
V("", "SequenceErase", S(11, "[A],il>="))
V("", "SequenceInsert", S(11, "[A],A,il>="))
V("", "SequenceLength", S(11, "[A]>l"))
V("", "SequenceMap", S(17, "[A],A[A]*>[A]*", F, "body!"))
V("", "Shape", S(1, "A>l"), S(13, "Ab>l"), S(15, "Ab>l", 0, "end start=0"), S(19, "Ab8>l"),
  S(21, "Ab84>l"), S(23, "Ab84e>l"), S(24, "Ab84ex>l"), S(25, "Ab84e2x>l"))
V("", "Shrink", S(9, "NR>=", F, "bias=0.0 lambd=0.5"))
V("", "Sigmoid", S(1, "R>=", 0, "consumed_inputs"), S(6, "R>=", 0, "-consumed_inputs"),
  S(13, "Rb>="))
V("", "Sign", S(9, "NR>="), S(13, "NRb>="))
V("", "Sin", S(7, "R>="), S(22, "Rb>="))
V("", "Sinh", S(9, "R>="), S(22, "Rb>="))
V("", "Size", S(1, "A>l"), S(13, "Ab>l"), S(19, "Ab8>l"), S(21, "Ab84>l"), S(23, "Ab84e>l"),
  S(24, "Ab84ex>l"), S(25, "Ab84e2x>l"))
V("", "Slice", S(1, "A>=", 0, "axes ends! starts!"),
  S(10, "A,il,il,il,il>=", 0, "-axes -ends -starts"), S(11, "A,il,il,il,il>="),
  S(13, "Ab,il,il,il,il>="))
V("", "Softmax", S(1, "R>=", 0, "axis=1"), S(11, "R>="), S(13, "Rb>=", F, "axis=-1"))
V("", "SoftmaxCrossEntropyLoss", S(12, "R,il,=>=,=", F, "ignore_index reduction=mean"),
  S(13, "Rb,il,=>=,=", F))
V("", "Softplus", S(1, "R>=", F), S(22, "Rb>=", F))
V("", "Softsign", S(1, "R>=", F), S(22, "Rb>=", F))
V("", "SpaceToDepth", S(1, "A>=", 0, "blocksize!"), S(13, "Ab>="))
V("", "Split", S(1, "R,=>=*", 0, "axis split"), S(2, "A>=*", 0, "axis=0"), S(11, "A>=*"),
  S(13, "Ab,l>=*", 0, "-split"), S(18, "Ab,l>=*", 0, "num_outputs"))
V("", "SplitToSequence", S(11, "A,il>[A]", 0, "axis=0 keepdims=1"), S(24, "Ab,il>[Ab]"))
V("", "Sqrt", S(1, "R>=", 0, "consumed_inputs"), S(6, "R>=", 0, "-consumed_inputs"), S(13, "Rb>="))
V("", "Squeeze", S(1, "A>=", 0, "axes"), S(11, "A>="), S(13, "Ab,l>=", 0, "-axes"),
  S(21, "Ab84,l>="), S(23, "Ab84e,l>="), S(24, "Ab84ex,l>="), S(25, "Ab84e2x,l>="))
V("", "StringConcat", S(20, "s,=>="))
V("", "StringNormalizer",
  S(10, "s>=", 0, "case_change_action=NONE is_case_sensitive=0 locale stopwords"))
V("", "StringSplit", S(20, "s>s,l", 0, "delimiter maxsplit"))
V("", "Sub", S(1, "R,=>=", 0, "axis broadcast=0 consumed_inputs"),
  S(6, "RilIL,=>=", 0, "-consumed_inputs"), S(7, "RilIL,=>=", 0, "-axis -broadcast"),
  S(13, "RbilIL,=>="), S(14, "NRb,=>="))
V("", "Sum", S(1, "R*>=", 0, "consumed_inputs"), S(6, "R*>=", 0, "-consumed_inputs"), S(8, "R*>="),
  S(13, "Rb*>="))
V("", "SwiGLU", S(28, "Rb,=>=", F, "alpha=1.0"))
V("", "Swish", S(24, "Rb>=", F, "alpha=1.0"))
V("", "Tan", S(7, "R>="), S(22, "Rb>="))
V("", "Tanh", S(1, "R>=", 0, "consumed_inputs"), S(6, "R>=", 0, "-consumed_inputs"), S(13, "Rb>="))
V("", "TensorScatter", S(24, "Ab84ex,=,l>=", 0, "axis=-2 mode=linear"))
V("", "TfIdfVectorizer",
  S(9, "ils>f", 0,
    "max_gram_length! max_skip_count! min_gram_length! mode! ngram_counts! ngram_indexes! "
    "pool_int64s pool_strings weights"))
V("", "ThresholdedRelu", S(10, "R>=", F, "alpha=1.0"), S(22, "Rb>=", F))
V("", "Tile", S(1, "R,=,=>="), S(6, "A,l>="), S(13, "Ab,l>="))
V("", "TopK", S(1, "R>=,l", 0, "axis=-1 k!"), S(10, "R,l>=,l", 0, "-k"),
  S(11, "NR,l>=,l", 0, "largest=1 sorted=1"), S(24, "NRb,l>=,l"))
V("", "Transpose", S(1, "A>=", 0, "perm"), S(13, "Ab>="), S(21, "Ab84>="), S(23, "Ab84e>="),
  S(24, "Ab84ex>="), S(25, "Ab84e2x>="))
V("", "Trilu", S(14, "Ab,l>=", 0, "upper=1"))
V("", "Unique", S(11, "A>=,l,l,l", 0, "axis sorted=1"))
V("", "Unsqueeze", S(1, "A>=", 0, "axes!"), S(11, "A>="), S(13, "Ab,l>=", 0, "-axes"),
  S(21, "Ab84,l>="), S(23, "Ab84e,l>="), S(24, "Ab84ex,l>="), S(25, "Ab84e2x,l>="))
V("", "Upsample", S(1, "Rilt>=", 0, "height_scale! mode=nearest width_scale!"),
  S(7, "A>=", 0, "scales! -height_scale -width_scale"), S(9, "A,f>=", 0, "-scales"),
  S(10, NULL, GONE))
V("", "Where", S(9, "t,A,A>A"), S(16, "t,Ab,Ab>Ab"))
V("", "Xor", S(1, "t,=>t", 0, "axis broadcast=0"), S(7, "t,=>t", 0, "-axis -broadcast"))
V("ai.onnx.ml", "ArrayFeatureExtractor", S(1, "fdils,l>="))
V("ai.onnx.ml", "Binarizer", S(1, "fdil>=", 0, "threshold=0.0"))
V("ai.onnx.ml", "CastMap", S(1, "m>fls", 0, "cast_to=TO_FLOAT map_form=DENSE max_map=1"))
V("ai.onnx.ml", "CategoryMapper",
  S(1, "ls>ls", 0, "cats_int64s cats_strings default_int64=-1 default_string=_Unused"))
V("ai.onnx.ml", "DictVectorizer", S(1, "m>fdls", 0, "int64_vocabulary string_vocabulary"))
V("ai.onnx.ml", "FeatureVectorizer", S(1, "fdil*>f", 0, "inputdimensions"))
V("ai.onnx.ml", "Imputer",
  S(1, "fdil>=", 0,
    "imputed_value_floats imputed_value_int64s replaced_value_float=0.0 replaced_value_int64=0"))
V("ai.onnx.ml", "LabelEncoder",
  S(1, "ls>ls", 0, "classes_strings default_int64=-1 default_string=_Unused"),
  S(2, "fls>fls", 0,
    "default_float=-0.0 keys_floats keys_int64s keys_strings values_floats values_int64s "
    "values_strings -classes_strings"),
  S(4, "fdwils>fdwils", 0, "default_tensor keys_tensor values_tensor"))
V("ai.onnx.ml", "LinearClassifier",
  S(1, "fdil>ls,f", 0,
    "classlabels_ints classlabels_strings coefficients! intercepts multi_class=0 "
    "post_transform=NONE"))
V("ai.onnx.ml", "LinearRegressor",
  S(1, "fdil>f", 0, "coefficients intercepts post_transform=NONE targets=1"))
V("ai.onnx.ml", "Normalizer", S(1, "fdil>f", 0, "norm=MAX"))
V("ai.onnx.ml", "OneHotEncoder", S(1, "fdils>f", 0, "cats_int64s cats_strings zeros=1"))
V("ai.onnx.ml", "SVMClassifier",
  S(1, "fdil>ls,f", 0,
    "classlabels_ints classlabels_strings coefficients kernel_params kernel_type=LINEAR "
    "post_transform=NONE prob_a prob_b rho support_vectors vectors_per_class"))
V("ai.onnx.ml", "SVMRegressor",
  S(1, "fdil>f", 0,
    "coefficients kernel_params kernel_type=LINEAR n_supports=0 one_class=0 post_transform=NONE "
    "rho support_vectors"))
V("ai.onnx.ml", "Scaler", S(1, "fdil>f", 0, "offset scale"))
V("ai.onnx.ml", "TreeEnsemble",
  S(5, "R>=", 0,
    "aggregate_function=1 leaf_targetids! leaf_weights! membership_values n_targets "
    "nodes_falseleafs! nodes_falsenodeids! nodes_featureids! nodes_hitrates "
    "nodes_missing_value_tracks_true nodes_modes! nodes_splits! nodes_trueleafs! "
    "nodes_truenodeids! post_transform=0 tree_roots!"))
V("ai.onnx.ml", "TreeEnsembleClassifier",
  S(1, "fdil>ls,f", 0,
    "base_values class_ids class_nodeids class_treeids class_weights classlabels_int64s "
    "classlabels_strings nodes_falsenodeids nodes_featureids nodes_hitrates "
    "nodes_missing_value_tracks_true nodes_modes nodes_nodeids nodes_treeids nodes_truenodeids "
    "nodes_values post_transform=NONE"),
  S(3, "fdil>ls,f", 0,
    "base_values_as_tensor class_weights_as_tensor nodes_hitrates_as_tensor "
    "nodes_values_as_tensor"),
  S(5, NULL, GONE))
V("ai.onnx.ml", "TreeEnsembleRegressor",
  S(1, "fdil>f", 0,
    "aggregate_function=SUM base_values n_targets nodes_falsenodeids nodes_featureids "
    "nodes_hitrates nodes_missing_value_tracks_true nodes_modes nodes_nodeids nodes_treeids "
    "nodes_truenodeids nodes_values post_transform=NONE target_ids target_nodeids "
    "target_treeids target_weights"),
  S(3, "fdil>f", 0,
    "base_values_as_tensor nodes_hitrates_as_tensor nodes_values_as_tensor "
    "target_weights_as_tensor"),
  S(5, NULL, GONE))
V("ai.onnx.ml", "ZipMap", S(1, "f>[m]", 0, "classlabels_int64s classlabels_strings"))
V("ai.onnx.preview", "FlexAttention",
  S(1, "Rb,=,=>=", F, "prob_mod scale score_mod softmax_precision"))
V("ai.onnx.preview.training", "Adagrad",
  S(1, "fd,l,fd*>fd*", 0, "decay_factor=0.0 epsilon=1e-06 norm_coefficient=0.0"))
V("ai.onnx.preview.training", "Adam",
  S(1, "fd,l,fd*>fd*", 0,
    "alpha=0.9 beta=0.999 epsilon=1e-06 norm_coefficient=0.0 norm_coefficient_post=0.0"))
V("ai.onnx.preview.training", "Gradient", S(1, "A*>R*", 0, "xs! y! zs"))
V("ai.onnx.preview.training", "Momentum",
  S(1, "fd,l,fd*>fd*", 0, "alpha! beta! mode! norm_coefficient!"))
/* clang-format on */
