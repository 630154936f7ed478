/* SPDX-License-Identifier: Apache-2.0
 *
 * Which numbers the codes of a value can stand for at most: those that a clamp leaves, or the range
 * that an operator has by itself.
 */
#include <math.h>
#include <stdlib.h>

#include "passes/quant/code_scale.h"

void c2s_placement_bound(c2s_placement *p, const c2s_node *node, bool fixed_ranges) {
    const c2s_placed_node *n = &p->nodes[node->id];
    const bool vanishes = n->head && n->row->way == C2S_WAY_VANISHES;
    const bool fixed = fixed_ranges && n->rule.kind == C2S_QUANT_RANGE && !n->head;
    c2s_placed_value *v = &p->values[node->outputs[0]->id];
    if ((!vanishes && !fixed) || v->role == C2S_ROLE_NONE)
        return;
    v->low = fmaxf(v->low, n->rule.low);
    v->high = fminf(v->high, n->rule.high);
    v->clamped |= vanishes;
    v->fixed |= fixed;
}

/* Its elements are those of others in its group, or 0. */
static bool is_passed_on(const c2s_placement *p, const c2s_value *value) {
    const c2s_placed_node *n = value->def ? &p->nodes[value->def->id] : NULL;
    return n && n->integer && n->row->way == C2S_WAY_PASSES &&
           c2s_quant_has(n->rule.results, value->def_slot);
}

static void widen(c2s_placed_value *group, const c2s_placed_value *v, const c2s_value *value) {
    const c2s_span own = {v->low, v->high},
                   span = value->constant ? c2s_span_of(value->constant) : own;
    group->low = fminf(group->low, span.low);
    group->high = fmaxf(group->high, span.high);
    group->clamped |= v->clamped;
    group->fixed &= v->fixed;
}

void c2s_placement_join_bounds(c2s_placement *p, const c2s_model *model) {
    const size_t count = model->values.count;
    c2s_placed_value *own = c2s_alloc_array(count + 1, sizeof *own);
    for (size_t i = 0; i < count; i++) {
        own[i] = p->values[i];
        if (own[i].group != i)
            continue;
        p->values[i].low = INFINITY;
        p->values[i].high = -INFINITY;
        p->values[i].clamped = false;
        p->values[i].fixed = true;
    }
    for (size_t i = 0; i < count; i++)
        if (own[i].role && !is_passed_on(p, model->values.at[i]))
            widen(&p->values[own[i].group], &own[i], model->values.at[i]);
    for (size_t i = 0; i < count; i++) {
        c2s_placed_value *v = &p->values[i];
        const bool bounded = v->low <= v->high && (isfinite(v->low) || isfinite(v->high));
        v->clamped &= bounded;
        v->fixed &= bounded;
    }
    free(own);
}
