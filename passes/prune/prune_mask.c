/* SPDX-License-Identifier: Apache-2.0 */
#include "passes/prune/prune_mask.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "passes/prune/zero_code.h"

/* Operands for which 0 is not what lets a channel vanish: divisors, exponents, variances. */
static bool stays(const c2s_use *use) {
    static const struct {
        const char *type;
        unsigned slot;
    } operands[] = {{"Div", 1},  {"Pow", 1}, {"Mod", 1},       {"BatchNormalization", 4},
                    {"Sqrt", 0}, {"Log", 0}, {"Reciprocal", 0}};
    for (size_t k = 0; k < sizeof operands / sizeof *operands; k++)
        if (use->slot == operands[k].slot && c2s_node_is(use->user, operands[k].type))
            return true;
    return false;
}

static c2s_status write_zeros(c2s_use *use, int axis, const bool *gone) {
    const c2s_tensor *in = use->value->constant;
    const c2s_zero_codes zeros = c2s_zero_codes_of(use);
    const size_t extent = (size_t)in->type.dim[axis];
    size_t inner = 1;
    for (int a = axis + 1; a < in->type.rank; a++)
        inner *= (size_t)in->type.dim[a];
    double *values;
    c2s_tensor *out;
    C2S_TRY(c2s_scratch(in->count, sizeof *values, &values));
    c2s_tensor_load_f64(in, 0, in->count, values);
    for (size_t i = 0; i < in->count; i++)
        if (gone[i / inner % extent])
            values[i] = c2s_zero_code_at(&zeros, i);
    const c2s_status status =
        c2s_tensor_from_f64(in->type.dtype, in->type.rank, in->type.dim, values, &out);
    free(values);
    C2S_TRY(status);
    if (c2s_is_shared_vector(use->value, axis) || use->value->def) {
        c2s_use_set(use, c2s_value_constant(use->user->graph, use->value->name, out));
    } else { /* whoever reads it belongs to the group */
        c2s_value_set_constant(use->value, out);
        c2s_tensor_unref(out);
    }
    return C2S_OK;
}

/* Attention sums over products of what it computes; its bias is added to these. */
static bool multiplies(const c2s_node *node, unsigned slot) {
    enum { BIAS = 3, BIAS_BEHIND_CACHES = 10 };
    return !(node->op == &c2s_op_ms_multi_head_attention && slot == BIAS) &&
           !(node->op == &c2s_op_ms_decoder_masked_multi_head_attention &&
             slot == BIAS_BEHIND_CACHES);
}

/* All that sums over the channels multiplies them with weights. */
static bool sums_constants(const c2s_prune_groups *all, const c2s_prune_group *g) {
    for (size_t k = 0; k < g->spaces.count; k++) {
        const c2s_group_space *s = &g->spaces.at[k];
        const c2s_node_ties *n = &all->index.of[s->node->id];
        const c2s_tie_range ties = c2s_ties_of_space(n, s->space);
        bool constant = s->role == C2S_TIE_KEEP;
        for (size_t i = 0; i < ties.count; i++) {
            const c2s_tie *tie = &n->ties.ties.at[ties.at[i]];
            constant |= !tie->output && c2s_holds_weights(s->node->inputs[tie->slot].value) &&
                        multiplies(s->node, tie->slot);
        }
        if (!constant || s->role == C2S_TIE_MIX)
            return false;
    }
    return true;
}

static c2s_status mask_space(const c2s_prune_groups *all, const c2s_group_space *s,
                             const bool *elements) {
    const c2s_node_ties *n = &all->index.of[s->node->id];
    const c2s_tie_range ties = c2s_ties_of_space(n, s->space);
    for (size_t i = 0; i < ties.count; i++) {
        const c2s_tie *tie = &n->ties.ties.at[ties.at[i]];
        c2s_use *use = tie->output ? NULL : &s->node->inputs[tie->slot];
        if (!use || !c2s_holds_weights(use->value) || stays(use))
            continue;
        bool *gone = c2s_zalloc((size_t)use->value->type.dim[tie->axis] + 1);
        for (int64_t e = 0; e < tie->count; e++)
            gone[tie->start + e] = elements[(size_t)(e / tie->repeat) % s->map.extent];
        const c2s_status status = write_zeros(use, tie->axis, gone);
        free(gone);
        C2S_TRY(status);
    }
    return C2S_OK;
}

c2s_status c2s_prune_mask(c2s_prune_groups *groups, const c2s_prune_group *group,
                          const bool *removed) {
    const bool sums = sums_constants(groups, group);
    for (size_t k = 0; k < group->spaces.count; k++) {
        const c2s_group_space *s = &group->spaces.at[k];
        if (sums && s->role != C2S_TIE_SUM)
            continue;
        bool *elements = c2s_zalloc(s->map.extent + 1);
        c2s_unit_map_mark(&s->map, removed, elements);
        const c2s_status status = mask_space(groups, s, elements);
        free(elements);
        C2S_TRY(status);
    }
    return C2S_OK;
}
