/* SPDX-License-Identifier: Apache-2.0
 *
 * Which constants of a graph become codes when weights alone are quantized, and in which form the
 * runtime reads them.
 */
#ifndef C2S_PASSES_QUANT_WEIGHT_PLAN_H
#define C2S_PASSES_QUANT_WEIGHT_PLAN_H

#include "base/vec.h"
#include "passes/quant/encode.h"
#include "passes/quant/name_filter.h"
#include "rewrite/stats.h"

typedef enum c2s_weight_form {
    C2S_FORM_DEQUANTIZE, /* DequantizeLinear in front of the first reader, for all of them */
    C2S_FORM_NBITS,      /* each reader, MatMul or Gemm, becomes MatMulNBits */
    C2S_FORM_GATHER      /* each reader, Gather, becomes GatherBlockQuantized */
} c2s_weight_form;

typedef struct c2s_planned_weight {
    c2s_value *weight; /* where it is stored; readers in bodies have it as a capture */
    c2s_node *node;    /* the first reader, which may be in a body */
    unsigned slot;
    c2s_coding coding;
    c2s_weight_form form;
    c2s_codes codes; /* for the caller to fill in; freed with the plan */
    bool written;    /* the caller has */
    bool to_file;    /* from the caller: what is large waits in a file (c2s_tensor_spill) */
    double *shift; /* what is to be added to the outputs (weight_bias.h); NULL: nothing. Likewise */
} c2s_planned_weight;

typedef struct c2s_weight_options {
    unsigned bits;   /* 8, 4, 2 */
    c2s_dtype small; /* codes that are floats of 8 or 4 bits; C2S_UNDEFINED: integers of `bits` */
    bool is_signed;  /* symmetric codes; else unsigned ones with zero points */
    int64_t block;   /* weights along the summed axis with a scale of their own; 0: those of an
                        output channel share one */
    c2s_scale_method method;
    bool contrib;       /* operators of com.microsoft where they suit */
    int64_t most_opset; /* of ai.onnx: what needs a newer one stays in float; 0: any */
    bool dequantizes;   /* codes become numbers by DequantizeLinear, where that has the type */
    c2s_name_filter *include, *exclude;
} c2s_weight_options;

typedef C2S_VEC(c2s_planned_weight) c2s_weight_plan;

/* The opset of ai.onnx that the file needs for these codes in this form; 0: any. */
int64_t c2s_planned_opset(const c2s_planned_weight *p);
/* Constants that are weights of an operator (its quantization rule says so) or tables of Gather, in
 * the order of their first readers: in the main graph, then in bodies. `stats`: NULL, or where
 * reasons against others go, and whether a weight is to be left out. */
void c2s_weight_plan_make(const c2s_graph *graph, const c2s_weight_options *options,
                          c2s_stats *stats, c2s_weight_plan *out);
void c2s_weight_plan_free(c2s_weight_plan *plan);

/* The name of the rewrite. */
extern const char c2s_quantize_weight[];

#endif
