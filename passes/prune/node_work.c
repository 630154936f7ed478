/* SPDX-License-Identifier: Apache-2.0 */
#include "passes/prune/node_work.h"

#include <stdlib.h>

#include "base/memory.h"
#include "eval/concrete.h"
#include "eval/random_inputs.h"
#include "ir/node_walk.h"
#include "ops/macs.h"
#include "ops/ties_heads.h"
#include "passes/measure/linear_site.h"

struct c2s_node_work {
    size_t count;
    c2s_work_part parts[C2S_WORK_PARTS];
};

/* As macs functions of operators count them: extents that are not known are 1. */
static double elements_of(const c2s_value *value) {
    const c2s_type *t = value ? &value->type : NULL;
    double count = 1;
    for (int a = 0; t && c2s_type_is_tensor(t) && a < t->rank; a++)
        count *= c2s_dim_is_known(t->dim[a]) ? (double)t->dim[a] : 1;
    return t ? count : 0;
}

static double operand_elements(const c2s_node *node, const c2s_work_part *part) {
    return elements_of(part->output ? c2s_node_out(node, part->slot)
                                    : c2s_node_in(node, part->slot));
}

/* Each operand a part, in proportion to its elements. */
static size_t share_work(const c2s_node *node, double macs, c2s_work_part parts[2]) {
    double sizes[2], sum = 0;
    for (size_t k = 0; k < 2; k++)
        sum += sizes[k] = operand_elements(node, &parts[k]);
    for (size_t k = 0; k < 2; k++)
        parts[k].macs = sum > 0 ? macs * sizes[k] / sum : 0;
    return 2;
}

/* The input [batch, length, inputs] meets each weight once for each row; the rest is scores and
 * sums. */
static size_t project_work(const c2s_node *node, double macs, c2s_work_part parts[C2S_WORK_PARTS]) {
    enum { X, WEIGHT };
    const double all = operand_elements(node, &(c2s_work_part){.slot = WEIGHT});
    const double inputs = (double)c2s_macs_input(node, WEIGHT, 0, 1), columns = all / inputs;
    const double values = (double)c2s_macs_output(node, 0, 2, 3), keys = (columns - values) / 2;
    const double projection = operand_elements(node, &(c2s_work_part){.slot = X}) * columns;
    const uint32_t common = 1u << C2S_HEADS_BATCH | 1u << C2S_HEADS_KEYS;
    for (size_t k = 0; k < C2S_WORK_PARTS; k++) {
        const bool projects = k < 2, queries = k % 2 == 0;
        const double whole = projects ? projection : macs - projection;
        const double part = queries ? (projects ? 2 * keys / columns : keys / (keys + values))
                                    : (projects ? values / columns : values / (keys + values));
        parts[k] = (c2s_work_part){
            .macs = whole * part,
            .spaces = common | 1u << (queries ? C2S_HEADS_CHANNELS : C2S_HEADS_VALUES) |
                      (projects ? 1u << C2S_HEADS_PROJECTED : 0)};
    }
    return C2S_WORK_PARTS;
}

static size_t work_of(const c2s_node *node, c2s_work_part parts[C2S_WORK_PARTS]) {
    enum { Q = 0, K = 1, W = 1, R = 2, Y = 0 };
    const c2s_op *op = node->op;
    if (!op->macs)
        return 0;
    const double macs = (double)op->macs(node);
    if (c2s_node_is_recurrent(node)) {
        parts[0] = (c2s_work_part){.slot = W};
        parts[1] = (c2s_work_part){.slot = R};
        return share_work(node, macs, parts);
    }
    const bool multi_head = op == &c2s_op_ms_multi_head_attention ||
                            op == &c2s_op_ms_decoder_masked_multi_head_attention;
    if (op == &c2s_op_attention || op == &c2s_op_flex_attention ||
        (multi_head && c2s_node_in(node, K))) {
        parts[0] = (c2s_work_part){.slot = Q};
        parts[1] = (c2s_work_part){.output = true, .slot = Y};
        return share_work(node, macs, parts);
    }
    if (op == &c2s_op_ms_attention || op == &c2s_op_ms_qattention)
        return project_work(node, macs, parts);
    parts[0] = (c2s_work_part){.macs = macs, .whole = true};
    return 1;
}

/* A copy in which no extent of an input is open. */
static c2s_model *concrete_copy(const c2s_model *model) {
    c2s_model *copy = c2s_model_copy(model);
    const c2s_random_options options = {0};
    c2s_type *types = c2s_zalloc((c2s_graph_input_count(copy->graph) + 1u) * sizeof *types);
    if (c2s_random_types(copy->graph, &options, types) == C2S_OK)
        c2s_concrete_apply(copy->graph, types);
    else
        c2s_error_clear(); /* open ones count as 1 */
    free(types);
    return copy;
}

void c2s_node_works_find(const c2s_model *model, c2s_node_works *out) {
    c2s_model *copy = concrete_copy(model);
    const c2s_graph *graph = model->graph;
    const c2s_node *same = copy->graph->first;
    out->of = c2s_zalloc((model->nodes.count + 1) * sizeof *out->of);
    for (const c2s_node *n = graph->first; n; n = c2s_node_walk(graph, n)) {
        out->of[n->id].count = work_of(same, out->of[n->id].parts);
        same = c2s_node_walk(copy->graph, same);
    }
    c2s_model_destroy(copy);
}

void c2s_node_works_free(c2s_node_works *works) {
    free(works->of);
    works->of = NULL;
}

const c2s_work_part *c2s_node_work(const c2s_node_works *works, const c2s_node *node,
                                   size_t *count) {
    *count = works->of[node->id].count;
    return works->of[node->id].parts;
}

unsigned c2s_work_power(const c2s_node_ties *ties, unsigned space, const c2s_work_part *part) {
    const c2s_tie_range of = c2s_ties_of_space(ties, space);
    unsigned axes = 0;
    if (part->whole || part->spaces)
        return part->whole || (space < 32 && part->spaces >> space & 1);
    for (size_t k = 0; k < of.count; k++) {
        const c2s_tie *tie = &ties->ties.ties.at[of.at[k]];
        axes += tie->output == part->output && tie->slot == part->slot;
    }
    return axes;
}
