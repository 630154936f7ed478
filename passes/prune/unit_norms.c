/* SPDX-License-Identifier: Apache-2.0 */
#include "passes/prune/unit_norms.h"

#include <math.h>
#include <stdlib.h>

#include "base/memory.h"
#include "passes/measure/linear_site.h"

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

/* ---- recurrent matrices ---- */

/* The recurrent matrix is [directions, gates * hidden, hidden]. */
static void add_recurrence(const c2s_group_space *s, const double *energy, double *scores) {
    enum { R = 2 };
    const c2s_value *r = c2s_node_in(s->node, R);
    if (!r || !r->constant || r->type.rank != 3 || (size_t)r->type.dim[2] != s->map.extent)
        return;
    const size_t hidden = s->map.extent;
    double *columns = c2s_zalloc((hidden + 1) * sizeof *columns), sum = 0;
    for (size_t i = 0; i < r->constant->count; i++) {
        const double w = c2s_tensor_f64_at(r->constant, i);
        columns[i % hidden] += w * w;
    }
    for (int pass = 0; pass < 2; pass++)
        for (size_t i = 0; i < s->map.count; i++) {
            const uint32_t unit = s->map.unit_of[i];
            const double own = unit == C2S_NO_UNIT ? 0 : columns[s->map.start + i] * energy[unit];
            if (pass == 0)
                sum += own;
            else if (unit != C2S_NO_UNIT && sum > 0)
                scores[unit] += own / sum;
        }
    free(columns);
}

void c2s_unit_recurrences(const c2s_prune_group *group, const double *energy, double *scores) {
    for (size_t k = 0; k < group->spaces.count; k++) {
        const c2s_group_space *s = &group->spaces.at[k];
        if (s->role == C2S_TIE_MIX && c2s_node_is_recurrent(s->node))
            add_recurrence(s, energy, scores);
    }
}
