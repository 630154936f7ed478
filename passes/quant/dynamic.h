/* SPDX-License-Identifier: Apache-2.0
 *
 * Products whose activations are quantized while the model runs: which nodes suit, and writing them
 * with DynamicQuantizeLinear, MatMulInteger, Cast and Mul, of which ONNX Runtime makes one
 * operator.
 */
#ifndef C2S_PASSES_QUANT_DYNAMIC_H
#define C2S_PASSES_QUANT_DYNAMIC_H

#include "base/map.h"
#include "base/vec.h"
#include "passes/quant/encode.h"
#include "passes/quant/name_filter.h"

typedef struct c2s_dynamic_options {
    c2s_dtype weights; /* int8, around 0; uint8, around 128 */
    bool per_channel;
    bool portable; /* no sum of two products saturates without VNNI (saturation.h) */
    bool contrib;  /* DynamicQuantizeLSTM of com.microsoft, too */
    bool force;    /* convolutions, and what takes longer */
    c2s_name_filter *include, *exclude; /* may be NULL */
} c2s_dynamic_options;

/* Is there a constant weight that the node multiplies a float with? */
bool c2s_dynamic_is_candidate(const c2s_node *node);
/* NULL, or why a candidate stays in float. */
const char *c2s_dynamic_refuse(const c2s_node *node, const c2s_dynamic_options *options);

/* What is written once and read by several nodes. */
typedef struct c2s_dynamic_writer {
    const c2s_dynamic_options *options;
    c2s_map codes;   /* activation -> its DynamicQuantizeLinear */
    c2s_map weights; /* weight -> index into `coded`, + 1 */
    C2S_VEC(struct c2s_dynamic_weight {
        c2s_value *codes;
        c2s_value *scale;
        bool conv;   /* for a convolution: scales are broadcast over channels */
        bool turned; /* rows and columns are exchanged */
    })
    coded;
} c2s_dynamic_writer;

/* Replaces a candidate that is not refused; it is gone afterwards. Types are inferred. */
c2s_status c2s_dynamic_write(c2s_dynamic_writer *writer, c2s_node *node);
void c2s_dynamic_writer_free(c2s_dynamic_writer *writer);

/* ---- for dynamic_write.c and dynamic_cell.c ---- */

/* The codes of a weight, seen by `node`, which decides about pairs of products. */
c2s_status c2s_dynamic_encode(const c2s_dynamic_options *options, const c2s_node *node,
                              const c2s_tensor *weight, int axis, c2s_codes *out);
/* LSTM becomes DynamicQuantizeLSTM. */
const char *c2s_dynamic_refuse_cell(const c2s_node *node, const c2s_dynamic_options *options);
c2s_status c2s_dynamic_write_cell(const c2s_dynamic_options *options, c2s_node *node);

#endif
