/* SPDX-License-Identifier: Apache-2.0
 *
 * What a target will make of each QuantizeLinear and DequantizeLinear of a model, whoever quantized
 * it, and mending what keeps them from fusing.
 */
#ifndef C2S_PASSES_QUANT_LINT_H
#define C2S_PASSES_QUANT_LINT_H

#include "passes/quant/code_judge.h"

/* A QuantizeLinear and what makes its input, or a DequantizeLinear and one of its readers. */
typedef struct c2s_lint_item {
    const c2s_node *codec;
    const c2s_node *partner; /* NULL: an input or output of the graph, or a constant */
    bool fuses;              /* becomes part of the partner */
} c2s_lint_item;

typedef struct c2s_lint {
    c2s_code_judge judge;
    C2S_VEC(c2s_lint_item) items;
    unsigned pairs;    /* QuantizeLinear nodes on activations */
    unsigned fused;    /* of those: maker and all readers run on integers */
    unsigned converts; /* one side does: a conversion that has to be */
    unsigned useless;  /* no side does: it costs time and precision for nothing */
} c2s_lint;

/* Of a normalised graph with inferred types, in topological order; `opset` is that of the file.
 * Free with c2s_lint_free. */
void c2s_lint_run(const c2s_target *target, const c2s_graph *graph, int64_t opset, c2s_lint *out);
void c2s_lint_free(c2s_lint *lint);

/* Mends what can be mended without other numbers, then removes pairs that still serve neither side,
 * until nothing changes: readers of the result of an operator on integers get dequantized codes;
 * scales and zero points become scalars that are there; int8 becomes uint8 where the target wants
 * that; float biases become int32. *mended, *removed: how many places. */
c2s_status c2s_lint_fix(const c2s_target *target, c2s_model *model, unsigned *mended,
                        unsigned *removed);

#endif
