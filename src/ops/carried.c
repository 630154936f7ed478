/* SPDX-License-Identifier: Apache-2.0
 *
 * Types of values that a body hands from one run to the next: those that hold before the first run
 * and that a run keeps. The body is inferred under the narrowest types, those of the first run; what
 * it does not keep is widened, first extents, then ranks, until all holds.
 */
#include <stdlib.h>

#include "ir/graph_list.h"
#include "ops/body.h"

/* Rounds: as the first run; with the extents widened that changed (once more, since others may
 * depend on them); nothing but kinds and element types, which needs no check. */
enum { ROUNDS = 4, MAX_NESTED = 3 };

/* ---- types of a body, to be restored ---- */

typedef struct saved_value {
    c2s_value *value;
    c2s_type type;
    const c2s_dim *contents;
    unsigned content_count;
} saved_value;

typedef C2S_VEC(saved_value) saved_values;

static void save_outputs(saved_values *saved, const c2s_node *node) {
    for (unsigned k = 0; k < node->output_count; k++) {
        c2s_value *v = node->outputs[k];
        if (v && !v->constant)
            c2s_vec_push(saved, ((saved_value){v, v->type, v->contents, v->content_count}));
    }
}

static void save(saved_values *saved, c2s_graph *body) {
    c2s_graph_list graphs = {0};
    c2s_graph_list_add(&graphs, body);
    for (size_t i = 0; i < graphs.count; i++) {
        save_outputs(saved, graphs.at[i]->entry);
        for (const c2s_node *node = graphs.at[i]->first; node; node = node->next)
            save_outputs(saved, node);
    }
    c2s_vec_free(&graphs);
}

static void restore(const saved_values *saved) {
    for (size_t i = 0; i < saved->count; i++) {
        const saved_value *s = &saved->at[i];
        s->value->type = s->type;
        s->value->contents = s->contents;
        s->value->content_count = s->content_count;
    }
}

/* ---- widening ---- */

typedef struct carried {
    c2s_type type;
    unsigned open;    /* axes whose extents may differ from run to run */
    bool keeps_shape; /* the operator says that they do not: symbols are taken to agree */
} carried;

static bool element_holds(const c2s_type *assumed, const c2s_type *found) {
    if (!assumed)
        return true;
    if (!found || assumed->kind != found->kind)
        return assumed->kind == C2S_KIND_UNKNOWN;
    if (assumed->kind != C2S_KIND_TENSOR)
        return element_holds(assumed->element, found->element);
    if (assumed->dtype && assumed->dtype != found->dtype)
        return false;
    if (assumed->rank < 0)
        return true;
    if (assumed->rank != found->rank)
        return false;
    for (int i = 0; i < assumed->rank; i++) /* fresh: an extent that differs from item to item */
        if (assumed->dim[i] != found->dim[i] && !c2s_dim_is_fresh(assumed->dim[i]))
            return false;
    return true;
}

static bool changes(const carried *assumed, int axis, c2s_dim found) {
    const c2s_dim before = assumed->type.dim[axis];
    if (before == found || assumed->open >> axis & 1)
        return false;
    return !assumed->keeps_shape || (c2s_dim_is_known(before) && c2s_dim_is_known(found));
}

/* Is `found`, which a run makes of it, still what was assumed? */
static bool holds(const carried *assumed, const c2s_type *found) {
    const c2s_type *a = &assumed->type;
    if (a->kind == C2S_KIND_UNKNOWN)
        return true;
    if (a->kind != found->kind)
        return false;
    if (a->kind != C2S_KIND_TENSOR)
        return element_holds(a->element, found->element);
    if (a->rank < 0)
        return true;
    if (a->rank != found->rank)
        return false;
    for (int i = 0; i < a->rank; i++)
        if (changes(assumed, i, found->dim[i]))
            return false;
    return true;
}

static c2s_type without_extents(c2s_arena *arena, const c2s_type *type) {
    c2s_type out = *type;
    if (c2s_type_is_tensor(type)) {
        out.rank = -1;
    } else if (type->element) {
        c2s_type *element = c2s_arena_alloc(arena, sizeof *element);
        *element = without_extents(arena, type->element);
        out.element = element;
    }
    return out;
}

/* Extents that differ become symbols; all else is what is common. */
static void widen(c2s_dims *dims, c2s_arena *arena, carried *c, const c2s_type *found) {
    if (c->type.kind == C2S_KIND_TENSOR && found->kind == C2S_KIND_TENSOR &&
        c->type.rank == found->rank) {
        for (int i = 0; i < found->rank; i++)
            if (changes(c, i, found->dim[i])) {
                c->open |= 1u << i;
                c->type.dim[i] = c2s_dim_fresh(dims);
            }
    } else {
        c->type = c2s_type_join(dims, arena, &c->type, found);
    }
}

static void open_all(c2s_dims *dims, carried *c) {
    for (int i = 0; c2s_type_is_tensor(&c->type) && i < c->type.rank; i++) {
        c->open |= 1u << i;
        c->type.dim[i] = c2s_dim_fresh(dims);
    }
}

/* ---- the rounds ---- */

static void assume(const c2s_carry *carry, const carried *c) {
    for (unsigned k = 0; k < carry->count; k++) {
        c2s_value *input = c2s_graph_input(carry->body, carry->lead + k);
        c2s_type type = c[k].type;
        c2s_type_merge(&type, &input->type);
        c2s_value_set_type(input, &type);
    }
}

static const c2s_type *result_of(const c2s_carry *carry, unsigned k) {
    return &c2s_graph_output(carry->body, carry->lead_out + k)->type;
}

static bool all_hold(const c2s_carry *carry, const carried *c) {
    for (unsigned k = 0; k < carry->count; k++)
        if (!holds(&c[k], result_of(carry, k)))
            return false;
    return true;
}

/* After a round that did not settle it. A body that fails may do so for what was assumed. */
static void widen_all(const c2s_carry *carry, carried *c, int round, c2s_status status) {
    c2s_model *model = carry->body->model;
    for (unsigned k = 0; k < carry->count; k++) {
        if (round == ROUNDS - 2)
            c[k].type = without_extents(model->arena, &c[k].type);
        else if (status != C2S_OK)
            open_all(model->dims, &c[k]);
        else if (!holds(&c[k], result_of(carry, k)))
            widen(model->dims, model->arena, &c[k], result_of(carry, k));
    }
}

/* Bodies within bodies: each level would multiply the rounds. */
static bool is_deep(const c2s_graph *body) {
    int depth = 0;
    for (const c2s_node *owner = body->owner; owner; owner = owner->graph->owner)
        depth += owner->op == &c2s_op_loop || owner->op == &c2s_op_scan;
    return depth > MAX_NESTED;
}

static c2s_status settle(const c2s_carry *carry, carried *c) {
    saved_values saved = {0};
    c2s_status status = C2S_OK;
    int round = 0;
    save(&saved, carry->body);
    if (is_deep(carry->body)) {
        round = ROUNDS - 1;
        widen_all(carry, c, ROUNDS - 2, C2S_OK);
    }
    for (;; round++) {
        assume(carry, c);
        status = c2s_graph_infer(carry->body);
        if (round == ROUNDS - 1 || (status == C2S_OK && all_hold(carry, c)))
            break;
        if (status != C2S_OK && round > 0)
            round = ROUNDS - 2;
        widen_all(carry, c, round, status); /* reads the results: before they are restored */
        restore(&saved);
        if (status != C2S_OK)
            c2s_error_clear();
    }
    c2s_vec_free(&saved);
    return status;
}

/* What holds before the first run and after each. Symbols that a run assumed say nothing here. */
static c2s_type type_outside(c2s_infer *i, const c2s_carry *carry, const carried *c, unsigned k) {
    const c2s_type *first = c2s_infer_type(i, carry->first + k);
    const c2s_type *inside = &c2s_graph_input(carry->body, carry->lead + k)->type;
    if (!c2s_type_is_tensor(inside) || inside->rank < 0)
        return c2s_type_join(i->dims, i->arena, first, result_of(carry, k));
    c2s_type out = *inside;
    for (int axis = 0; axis < out.rank; axis++) {
        const bool same = !(c->open >> axis & 1) && first->rank == out.rank;
        if (same && (c2s_dim_is_known(first->dim[axis]) || !c2s_dim_is_known(out.dim[axis])))
            out.dim[axis] = first->dim[axis];
        else if (!c2s_dim_is_known(out.dim[axis])) /* else the body declares it */
            out.dim[axis] = c2s_dim_fresh(i->dims);
    }
    return out;
}

c2s_status c2s_body_infer_carried(c2s_infer *i, const c2s_carry *carry) {
    const c2s_node *node = carry->body->owner;
    carried *c = c2s_arena_array(i->arena, carry->count + 1u, sizeof *c);
    for (unsigned k = 0; k < carry->count; k++) {
        const c2s_value *first = c2s_node_in(node, carry->first + k);
        c[k].type = first ? first->type : c2s_type_unknown();
        c[k].keeps_shape = carry->keeps_shape;
    }
    C2S_TRY(settle(carry, c));
    for (unsigned k = 0; k < carry->count && k < i->out_count; k++)
        i->out[k] = type_outside(i, carry, &c[k], k);
    return C2S_OK;
}
