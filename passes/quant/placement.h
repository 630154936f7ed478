/* SPDX-License-Identifier: Apache-2.0
 *
 * Where a graph is quantized for a target: which nodes of the main graph will run on integers,
 * which values have scales, and which of them share one. Nothing is changed yet.
 *
 * Candidates are what operators' rules and the target's table allow. Of them the cheapest set is
 * taken: a minimum cut between what runs on integers and what stays in float, in which each node
 * costs what the target says, and each value that passes from one side to the other a conversion.
 * So no pair of QuantizeLinear and DequantizeLinear stands around a lone operator that gains less.
 */
#ifndef C2S_PASSES_QUANT_PLACEMENT_H
#define C2S_PASSES_QUANT_PLACEMENT_H

#include "passes/quant/name_filter.h"
#include "passes/quant/target.h"

typedef struct c2s_placement_options {
    const c2s_target *target;
    c2s_dtype activations, weights; /* C2S_UNDEFINED: the target's choice */
    const bool *wide; /* by node id: its activations have 16 bits, on a target that mixes them with
                         others; NULL: none */
    bool per_channel; /* weights, where operator and target have channels */
    bool vnni;        /* the processor has it */
    bool force;       /* sums of products run on integers also where it costs time */
    c2s_name_filter *include; /* NULL: all nodes */
    c2s_name_filter *exclude; /* NULL: none */
    /* Asked about each candidate, in list order; NULL, or why it stays in float. May be NULL. */
    const char *(*veto)(void *user, const c2s_node *node);
    void *user;
} c2s_placement_options;

typedef enum c2s_code_role {
    C2S_ROLE_NONE = 0,   /* stays as it is */
    C2S_ROLE_ACTIVATION, /* quantized where it is made */
    C2S_ROLE_CONSTANT,   /* stored as codes, like an activation */
    C2S_ROLE_WEIGHT      /* stored as codes, like a weight */
} c2s_code_role;

typedef struct c2s_placed_value {
    uint8_t role; /* c2s_code_role */
    bool for_all; /* all readers take what DequantizeLinear gives: no float is there any more;
                     else those that run on integers */
    bool clamped; /* of a group's first: a clamp vanishes in its quantizer */
    bool fixed;   /* likewise: [low, high] is the range, whatever is observed */
    c2s_dtype dtype;
    int axis;        /* of a weight's scales; -1: one */
    unsigned group;  /* id of the value that stands for those with the same scale and zero point */
    float low, high; /* of a group's first: what its codes stand for lies in there */
} c2s_placed_value;

typedef struct c2s_placed_node {
    const c2s_target_row *row; /* NULL: the target has no row for it */
    c2s_quant_rule rule;
    bool integer;   /* it will run on integers, or be done with one that does (head) */
    c2s_node *head; /* what this one is done with: the sums in front of a fused activation */
    c2s_node *tail; /* what is done with this one; of that in turn: a chain */
    uint8_t vector; /* 1 + the operand that is the head's bias: an Add that the runtime makes one
                       with a product of matrices; 0: none */
    const char *reason; /* why a node that has a row, or sums products, stays in float; else NULL */
} c2s_placed_node;

typedef struct c2s_placement {
    const c2s_target *target;
    const c2s_costs *costs;   /* the target's, for the processor */
    c2s_placed_node *nodes;   /* by node id */
    c2s_placed_value *values; /* by value id */
    unsigned integer_count;   /* nodes on integers, tails included */
} c2s_placement;

/* For a normalised graph with inferred types, in topological order. C2S_ERR_USAGE: dtypes that the
 * target does not take, patterns that name nothing. Free with c2s_placement_free. */
c2s_status c2s_placement_make(const c2s_graph *graph, const c2s_placement_options *options,
                              c2s_placement *out);
void c2s_placement_free(c2s_placement *placement);

/* What leaves a node that computes on integers: the last result of its chain of tails. */
c2s_value *c2s_placement_result(const c2s_placement *placement, const c2s_node *node);
/* Where the vector is added that is the bias of a sum of products which runs on integers: operand
 * *slot of *adder, the node itself or one that is done with it; it may be missing yet. False: it
 * takes none. */
bool c2s_placement_bias(const c2s_placement *placement, c2s_node *node, c2s_node **adder,
                        unsigned *slot);
/* Will this operand come out of a DequantizeLinear? */
bool c2s_placement_reads_codes(const c2s_placement *placement, const c2s_use *use);

/* ---- for placement.c ---- */

/* Sets row, rule, integer, head, tail and reason of all nodes. */
void c2s_placement_find_candidates(const c2s_graph *graph, const c2s_placement_options *options,
                                   c2s_dtype activations, c2s_placement *placement);
/* One node reads it, which is not the graph's exit. */
bool c2s_placement_is_lone(const c2s_value *value);
/* Sets low and high of what a node that runs on integers makes, if a clamp vanishes behind it, or,
 * with fixed_ranges, if its rule has a range. */
void c2s_placement_bound(c2s_placement *placement, const c2s_node *node, bool fixed_ranges);
/* Then of groups, whose members are known: what bounds one of them does not clip the others. */
void c2s_placement_join_bounds(c2s_placement *placement, const c2s_model *model);
/* Clears `integer` and sets the reason of nodes with which the graph would take longer. */
void c2s_placement_keep_cheapest(const c2s_graph *graph, bool force, c2s_placement *placement);
/* Does a node that runs on integers take this operand as codes, or would it? */
bool c2s_placement_is_operand(const c2s_placement *placement, const c2s_node *node, unsigned slot);

#endif
