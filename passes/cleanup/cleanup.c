/* SPDX-License-Identifier: Apache-2.0
 *
 * The cleanup pass: what does not change a single result but for rounding inside constants.
 */
#include "passes/cleanup/cleanup.h"

#include <stdio.h>

#include "passes/cleanup/fold_groups.h"
#include "passes/roots.h"

/* Each round but the last one changes something; few models need more than three. */
#define MAX_ROUNDS 16

static const c2s_option_spec options_of_cleanup[] = {
    {"fold_limit", "64k", "largest constant that folding may make where the model grows by it"},
    {"fold_growth", "1", "percent of its size by which folding may enlarge the model"},
    {"tie_transposed", "no",
     "store a matrix and its transpose once, even if a Transpose has to run"},
    {"keep_initializer_inputs", "no", "leave initializers that are graph inputs overridable"},
    {0},
};

static const c2s_rewrite_kind kinds[] = {
    {"dead-nodes", "nodes without a used result -> nothing", true},
    {"inline-function", "a call of a function of the model -> the nodes of the function", false},
    {"unused-function", "a function that nobody calls -> nothing", false},
    {"freeze-initializer-input", "an initializer that is a graph input, too -> an initializer",
     false},
    {"constant-node", "Constant -> an initializer", false},
    {"merge-initializers", "two initializers with the same content -> one", false},
    {"merge-transposed", "a matrix that is the transpose of another one -> Transpose of it", false},
    {"merge-nodes", "two nodes that compute the same from the same -> one", false},
    {"fold-constant", "a node with constant operands -> an initializer", false},
    {"fold-known-shape", "a result that follows from known extents -> an initializer", false},
    {"if-constant", "If with a constant condition -> the branch that is taken", false},
    {"if-impossible", "If of which one branch cannot run -> the other branch", false},
    {"unroll-loop", "Loop with a constant number of trips -> its body, once per trip", false},
    {"hoist-invariant",
     "what is the same in every trip of Loop or Scan -> computed once, before it", false},
    {"state-of-zeros", "LSTM, GRU or RNN with an initial state of zeros -> without it", false},
    {"unused-output", "an optional output that nobody uses -> left out", false},
    {0},
};

static void remove_dead(c2s_model *model, c2s_stats *stats) {
    if (!c2s_stats_may_apply(stats))
        return;
    unsigned removed = c2s_roots_sweep(model);
    if (removed == 0)
        return;
    char where[64];
    snprintf(where, sizeof where, "%u nodes without a used result", removed);
    c2s_stats_apply(stats, "dead-nodes", where);
}

/* What the constants and nodes take in a file, roughly. */
static uint64_t estimate_size(const c2s_model *model) {
    uint64_t bytes = 0;
    for (size_t i = 0; i < model->values.count; i++) {
        const c2s_value *value = model->values.at[i];
        if (value && value->constant && value->constant->type.kind == C2S_KIND_TENSOR &&
            value->def != value->graph->entry)
            bytes += c2s_tensor_size(value->constant);
    }
    for (size_t i = 0; i < model->nodes.count; i++)
        bytes += model->nodes.at[i] ? C2S_FOLD_NODE_BYTES : 0;
    return bytes;
}

/* A branch that cannot run stays as it is: with constants in the place of what decides inside,
 * others would see that it cannot, and refuse the whole model. */
static void drop_impossible(c2s_graph_list *graphs) {
    size_t kept = 0;
    for (size_t i = 0; i < graphs->count; i++) {
        bool possible = true;
        for (const c2s_graph *g = graphs->at[i]; g; g = g->owner ? g->owner->graph : NULL)
            possible = possible && !g->impossible;
        if (possible)
            graphs->at[kept++] = graphs->at[i];
    }
    graphs->count = kept;
}

/* After inlining, which removes bodies. */
static void list_again(c2s_graph_list *graphs, c2s_model *model) {
    graphs->count = 0;
    c2s_roots_list_deep(model, graphs);
    drop_impossible(graphs);
}

typedef struct settings {
    bool keep_inputs, tie_transposed;
} settings;

/* Duplicates go first: what is there once is folded once, and is not counted twice. */
static c2s_status run_round(c2s_model *model, const settings *what, c2s_fold_budget *budget,
                            c2s_stats *stats) {
    c2s_graph_list graphs = {0};
    c2s_roots_list_deep(model, &graphs);
    c2s_lift_constants(&graphs, stats);
    c2s_status status = c2s_roots_infer(model);
    drop_impossible(&graphs);
    if (status == C2S_OK) {
        c2s_merge_constants(&graphs, stats);
        c2s_merge_transposed(&graphs, what->tie_transposed, stats);
        c2s_merge_nodes(&graphs, stats);
        status = c2s_fold_constants(&graphs, budget, stats);
    }
    if (status == C2S_OK && graphs.count > 1)
        status = c2s_roots_infer(model); /* which branches can run, with what is folded now */
    drop_impossible(&graphs);
    if (status == C2S_OK) {
        c2s_inline_ifs(&graphs, stats);
        list_again(&graphs, model);
        const unsigned before = stats->rewrites;
        status = c2s_unroll_loops(&graphs, budget, stats);
        list_again(&graphs, model);
        if (status == C2S_OK)
            status = c2s_hoist_invariants(&graphs, stats);
        if (status == C2S_OK && stats->rewrites > before)
            status = c2s_roots_infer(model);
    }
    if (status == C2S_OK) {
        status = c2s_roots_rewrite(model, c2s_noop_rules, stats);
    }
    list_again(&graphs, model);
    if (status == C2S_OK) {
        c2s_zero_states(&graphs, stats);
        c2s_trim_outputs(&graphs, stats);
        c2s_roots_sweep(model);
    }
    c2s_vec_free(&graphs);
    return status;
}

static c2s_status run(c2s_model *model, const c2s_options *options, const c2s_pass_context *context,
                      c2s_stats *stats) {
    (void)context;
    c2s_fold_budget budget;
    double growth;
    settings what;
    C2S_TRY(c2s_option_bytes(options, "fold_limit", &budget.limit));
    C2S_TRY(c2s_option_number(options, "fold_growth", 0, 1e6, &growth));
    C2S_TRY(c2s_option_flag(options, "keep_initializer_inputs", &what.keep_inputs));
    C2S_TRY(c2s_option_flag(options, "tie_transposed", &what.tie_transposed));
    remove_dead(model, stats);
    if (!what.keep_inputs)
        c2s_freeze_inputs(model, stats);
    double allowed = (double)estimate_size(model) * growth / 100;
    budget.left = allowed < 1e18 ? (int64_t)allowed : (int64_t)1e18;
    C2S_TRY(c2s_inline_functions(model, &budget, stats));
    unsigned before, round = 0;
    do {
        before = stats->rewrites;
        C2S_TRY(run_round(model, &what, &budget, stats));
    } while (stats->rewrites > before && c2s_stats_may_apply(stats) && ++round < MAX_ROUNDS);
    return c2s_roots_infer(model);
}

const c2s_pass c2s_pass_cleanup = {
    .name = "cleanup",
    .summary = "folds constants, removes what does nothing, is dead or is there twice",
    .options = options_of_cleanup,
    .rules = c2s_noop_rules,
    .kinds = kinds,
    .run = run,
};
