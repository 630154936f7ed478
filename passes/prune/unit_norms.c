/* SPDX-License-Identifier: Apache-2.0 */
#include "passes/prune/unit_norms.h"

#include <math.h>
#include <stdlib.h>

#include "base/memory.h"

static bool is_norm_scale(const c2s_node *node, const c2s_tie *tie) {
    static const char *const types[] = {"BatchNormalization", "InstanceNormalization",
                                        "GroupNormalization", "LayerNormalization"};
    for (size_t k = 0; k < sizeof types / sizeof *types; k++)
        if (c2s_node_is(node, types[k]))
            return tie->slot == 1;
    return false;
}

static bool counts(const c2s_node *node, const c2s_group_space *s, const c2s_tie *tie,
                   c2s_norm_weights which) {
    const c2s_value *value = tie->output ? NULL : node->inputs[tie->slot].value;
    if (!value || !value->constant || !c2s_dtype_is_float(value->type.dtype))
        return false;
    if (which == C2S_NORM_SCALES)
        return is_norm_scale(node, tie);
    return value->type.rank > 1 && node->op->macs &&
           (which == C2S_NORM_ALL || s->role == C2S_TIE_SUM);
}

static bool add_constant(const c2s_group_space *s, const c2s_tie *tie, int power, double *norms) {
    const c2s_tensor *t = s->node->inputs[tie->slot].value->constant;
    const size_t extent = (size_t)t->type.dim[tie->axis], elements = s->map.extent;
    double *of_index = c2s_zalloc((extent + 1) * sizeof *of_index), sum = 0, row[256];
    size_t inner = 1;
    for (int a = tie->axis + 1; a < t->type.rank; a++)
        inner *= (size_t)t->type.dim[a];
    for (size_t from = 0, some; from < t->count; from += some) {
        some = t->count - from < 256 ? t->count - from : 256;
        c2s_tensor_load_f64(t, from, some, row);
        for (size_t i = 0; i < some; i++)
            of_index[(from + i) / inner % extent] += power == 1 ? fabs(row[i]) : row[i] * row[i];
    }
    for (size_t i = 0; i < extent; i++)
        sum += of_index[i];
    for (size_t i = 0; i < (size_t)tie->count && sum > 0; i++) {
        const size_t e = i / (size_t)tie->repeat % elements;
        const uint32_t unit = e >= s->map.start && e - s->map.start < s->map.count
                                  ? s->map.unit_of[e - s->map.start]
                                  : C2S_NO_UNIT;
        if (unit != C2S_NO_UNIT)
            norms[unit] += of_index[(size_t)tie->start + i] / sum;
    }
    free(of_index);
    return sum > 0;
}

bool c2s_unit_norms(const c2s_prune_groups *groups, const c2s_prune_group *group,
                    c2s_norm_weights which, int power, double *norms) {
    bool any = false;
    for (size_t k = 0; k < group->spaces.count; k++) {
        const c2s_group_space *s = &group->spaces.at[k];
        const c2s_node_ties *n = &groups->index.of[s->node->id];
        const c2s_tie_range ties = c2s_ties_of_space(n, s->space);
        for (size_t i = 0; i < ties.count; i++) {
            const c2s_tie *tie = &n->ties.ties.at[ties.at[i]];
            if (counts(s->node, s, tie, which))
                any |= add_constant(s, tie, power, norms);
        }
    }
    return any;
}
