/* SPDX-License-Identifier: Apache-2.0
 *
 * Shared by insert.c, insert_weights.c and insert_bias.c. Nobody else includes this.
 */
#ifndef C2S_PASSES_QUANT_INSERT_PARTS_H
#define C2S_PASSES_QUANT_INSERT_PARTS_H

#include "passes/quant/insert.h"

/* How the codes of a value are read. */
typedef struct c2s_coded {
    const c2s_tensor *scale; /* borrowed from scale_value; NULL: not coded (yet) */
    c2s_value *scale_value, *zero_value;
    c2s_value *floats; /* what DequantizeLinear gives */
} c2s_coded;

typedef struct c2s_inserter {
    c2s_graph *graph;
    const c2s_placement *p;
    const c2s_insert_options *o;
    c2s_insert_result *result;
    size_t value_count; /* values that were there before */
    c2s_coded *coded;   /* by their ids */
    c2s_span *groups;   /* by the id of a group's first: the spans of its members */
} c2s_inserter;

/* A constant called "NAME_SUFFIX"; takes over the reference. */
c2s_value *c2s_insert_constant(c2s_inserter *i, const c2s_value *owner, const char *suffix,
                               c2s_tensor *tensor);
/* A node of QuantizeLinear or DequantizeLinear whose result is called like `owner` with a suffix.
 */
c2s_status c2s_insert_node(c2s_inserter *i, c2s_node *before, const char *type, c2s_value *x,
                           const c2s_coded *by, int axis, const c2s_value *owner,
                           const char *suffix, c2s_value **out);

/* Products of which weight and which other operand a node adds to its bias. */
typedef struct c2s_addends {
    const c2s_value *weight, *x;
    c2s_node *adder; /* the node itself, or an Add that becomes one with it */
    unsigned slot;   /* of the bias, which may be missing */
} c2s_addends;

/* While it reads them yet. False: it adds none, or floats. */
bool c2s_insert_find_addends(const c2s_inserter *i, c2s_node *node, c2s_addends *out);

float c2s_insert_scale_at(const c2s_coded *coded, size_t channel);

/* Before any weight is coded: what the options say is added to biases. */
c2s_status c2s_insert_correct_biases(c2s_inserter *i);
/* The biases of all readers of a weight make up for what rounding took from it. */
c2s_status c2s_insert_make_up(c2s_inserter *i, const c2s_value *weight, const c2s_coding *coding,
                              const c2s_codes *codes);
/* Enlarges scales of a weight for the biases of all its readers to fit; counts them. */
void c2s_insert_make_room(c2s_inserter *i, const c2s_value *weight, c2s_affine *affines,
                          size_t groups);
/* The same for weights that are activations: of their groups. Before anything is coded. */
c2s_status c2s_insert_make_room_at_run_time(c2s_inserter *i);
/* The bias becomes codes; weight and x are. */
c2s_status c2s_insert_bias(c2s_inserter *i, const c2s_addends *a);

/* Weights, then biases. The scales of activations are there. */
c2s_status c2s_insert_weights(c2s_inserter *i);

#endif
