/* SPDX-License-Identifier: Apache-2.0
 *
 * The parts of the cleanup pass. Each works on all graphs of its list, stops at the limit of
 * `stats`, and leaves the graphs valid and in topological order.
 */
#ifndef C2S_PASSES_CLEANUP_H
#define C2S_PASSES_CLEANUP_H

#include "ir/graph_list.h"
#include "passes/pass.h"

/* Overridable initializers of the main graph become plain ones. */
void c2s_freeze_inputs(c2s_model *model, c2s_stats *stats);
/* Constant nodes become initializers. */
void c2s_lift_constants(const c2s_graph_list *graphs, c2s_stats *stats);
/* How much folding may enlarge the model. */
typedef struct c2s_fold_budget {
    uint64_t limit; /* bytes of one result that is larger than what it replaces */
    int64_t left;   /* bytes by which the model may still grow; folding that shrinks it adds */
} c2s_fold_budget;
/* Nodes whose operands are constants, or whose result is known, become initializers. */
c2s_status c2s_fold_constants(const c2s_graph_list *graphs, c2s_fold_budget *budget,
                              c2s_stats *stats);
/* Calls of functions are replaced by the functions' nodes, functions that nobody calls go. */
c2s_status c2s_inline_functions(c2s_model *model, c2s_fold_budget *budget, c2s_stats *stats);
/* If nodes with a known condition are replaced by the branch. */
void c2s_inline_ifs(const c2s_graph_list *graphs, c2s_stats *stats);
/* Loops with a constant number of trips are replaced by copies of the body. */
c2s_status c2s_unroll_loops(const c2s_graph_list *graphs, c2s_fold_budget *budget,
                            c2s_stats *stats);
/* What computes the same in every trip of a Loop or Scan moves before it. */
c2s_status c2s_hoist_invariants(const c2s_graph_list *graphs, c2s_stats *stats);
/* Nodes that compute the same from the same become one. Expected linear time. */
void c2s_merge_nodes(const c2s_graph_list *graphs, c2s_stats *stats);
/* Initializers with the same content become one. Expected linear time; large ones are read only
 * if another has the same type and the same first, middle and last bytes. */
void c2s_merge_constants(const c2s_graph_list *graphs, c2s_stats *stats);
/* Of two matrices of which one is the transpose of the other, one stays, and a Transpose. `anywhere`: also
 * where that Transpose has to run. Expected linear time. */
void c2s_merge_transposed(const c2s_graph_list *graphs, bool anywhere, c2s_stats *stats);
/* Initial states of recurrences that are zeros are left out. */
void c2s_zero_states(const c2s_graph_list *graphs, c2s_stats *stats);
/* Optional outputs that nobody uses are left out. */
void c2s_trim_outputs(const c2s_graph_list *graphs, c2s_stats *stats);

/* Rules for nodes that do nothing or less than they could; the list ends with NULL. The fuse pass applies them too. */
extern const c2s_rule *const c2s_noop_rules[];

extern const c2s_rule c2s_rule_identity, c2s_rule_dropout, c2s_rule_cast_same;
extern const c2s_rule c2s_rule_same_shape, c2s_rule_transpose_nothing;
extern const c2s_rule c2s_rule_slice_all, c2s_rule_pad_nothing, c2s_rule_tile_once,
    c2s_rule_resize_by_one;
extern const c2s_rule c2s_rule_only_operand, c2s_rule_split_to_one;
extern const c2s_rule c2s_rule_neutral_operand, c2s_rule_zero_bias;
extern const c2s_rule c2s_rule_idempotent, c2s_rule_involution, c2s_rule_relu_of_positive,
    c2s_rule_clip_unbounded;
extern const c2s_rule c2s_rule_reduce_nothing;
extern const c2s_rule c2s_rule_where_constant;
extern const c2s_rule c2s_rule_reshape_target, c2s_rule_resize_target;

#endif
