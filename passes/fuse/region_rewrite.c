/* SPDX-License-Identifier: Apache-2.0
 *
 * Building the operators of a region in the layouts that were chosen, with the Transposes that are
 * still needed.
 */
#include <limits.h>
#include <stdio.h>

#include "passes/fuse/transpose_region.h"
#include "rewrite/rewrite.h"

/* A value and what takes its place. */
typedef struct successor {
    c2s_value *old, *value;
} successor;

typedef struct rewriter {
    c2s_region *r;
    c2s_builder b;
    C2S_VEC(successor) successors;
    C2S_VEC(c2s_node *) gone;
    size_t first_id; /* of built nodes */
} rewriter;

/* ---- building ---- */

static c2s_axis_order flip_of(const c2s_region *r, const c2s_region_tensor *tensor, unsigned from) {
    const c2s_region_member *root = c2s_region_member_of(r, tensor->root);
    return root->layout == from ? root->flip : c2s_axis_order_inverse(&root->flip);
}

static c2s_value *transpose(rewriter *w, c2s_value *x, const c2s_axis_order *order) {
    int64_t perm[C2S_MAX_RANK];
    for (unsigned i = 0; i < order->rank; i++)
        perm[i] = order->axis[i];
    c2s_node *node = c2s_build_start(&w->b, "Transpose", &x, 1);
    if (node)
        c2s_attr_set_ints(node, "perm", perm, order->rank);
    return c2s_build_finish(&w->b, node);
}

/* The tensor is there in the layout in which it is made; makes it in the other one if somebody
 * wants that. */
static void offer(rewriter *w, c2s_region_tensor *tensor, c2s_value *made) {
    const unsigned chosen = tensor->chosen;
    tensor->form[chosen] = made;
    if (!tensor->needed[!chosen] || !made)
        return;
    const c2s_axis_order flip = flip_of(w->r, tensor, chosen);
    tensor->form[!chosen] = transpose(w, made, &flip);
}

static c2s_node *behind(const c2s_value *value) {
    const c2s_graph *graph = value->graph;
    return !value->def || value->def == graph->entry ? graph->first : value->def->next;
}

static void make_fixed(rewriter *w, c2s_region_tensor *tensor) {
    w->b.before = behind(tensor->root);
    offer(w, tensor, tensor->root);
}

/* A Transpose from elsewhere leads to the chosen layout at once. */
static void make_free(rewriter *w, c2s_region_tensor *tensor) {
    const unsigned own = c2s_region_member_of(w->r, tensor->root)->layout;
    if (tensor->chosen == own) {
        make_fixed(w, tensor);
        return;
    }
    c2s_axis_order first;
    c2s_axis_order_of(tensor->root->def, &first);
    const c2s_axis_order flip = flip_of(w->r, tensor, own);
    const c2s_axis_order both = c2s_axis_order_then(&first, &flip);
    w->b.before = tensor->root->def;
    offer(w, tensor, transpose(w, tensor->root->def->inputs[0].value, &both));
    c2s_vec_push(&w->gone, tensor->root->def);
}

static c2s_region_tensor *tensor_of(const rewriter *w, const c2s_value *value) {
    const c2s_region_member *member = value ? c2s_region_member_of(w->r, value) : NULL;
    return member ? &w->r->tensors.at[member->tensor] : NULL;
}

/* The tensors that an actor makes, which is `made` now. */
static void offer_results(rewriter *w, const c2s_region_actor *actor, c2s_node *made) {
    for (unsigned i = 0; i < actor->node->output_count && made; i++) {
        c2s_value *old = actor->node->outputs[i];
        c2s_region_tensor *tensor = tensor_of(w, old);
        if (tensor && c2s_region_makes(actor, old))
            offer(w, tensor, made->outputs[i]);
        else if (made != actor->node && old)
            c2s_vec_push(&w->successors, (successor){old, made->outputs[i]});
    }
}

static void make_actor(rewriter *w, const c2s_region_actor *actor) {
    c2s_node *node = actor->node;
    if (actor->chosen == actor->layout) {
        w->b.before = node->next;
        offer_results(w, actor, node);
        return;
    }
    C2S_VEC(c2s_value *) in = {0};
    w->b.before = node;
    for (unsigned slot = 0; slot < node->formal_count; slot++) {
        c2s_axis_order order;
        const bool follows = c2s_relayout_input(node, slot, &actor->relayout, &order) == C2S_FOLLOW;
        c2s_value *value = c2s_node_in(node, slot);
        c2s_vec_push(&in, follows ? tensor_of(w, value)->form[actor->chosen] : value);
    }
    offer_results(w, actor,
                  w->b.status == C2S_OK ? c2s_relayout_build(&w->b, node, &actor->relayout, in.at)
                                        : NULL);
    c2s_vec_push(&w->gone, node);
    c2s_vec_free(&in);
}

/* Shape of the other layout, its elements in this one's order. */
static c2s_value *shape(rewriter *w, const c2s_node *node, c2s_value *x,
                        const c2s_axis_order *order) {
    int64_t from[C2S_MAX_RANK], rank = order->rank;
    int64_t start = c2s_attr_int(node, "start", 0), end = c2s_attr_int(node, "end", rank);
    unsigned count = 0;
    start += start < 0 ? rank : 0;
    end += end < 0 ? rank : 0;
    for (int64_t i = start < 0 ? 0 : start; i < end && i < rank; i++)
        from[count++] = order->axis[i];
    c2s_value *in[] = {c2s_build(&w->b, "Shape", &x, 1),
                       c2s_build_ints(&w->b, "axes", from, count)};
    return c2s_build(&w->b, "Gather", in, 2);
}

/* Who can read either layout reads the one that is there. */
static void redirect(rewriter *w, const c2s_region_member *member, c2s_node *user) {
    const c2s_region_tensor *tensor = &w->r->tensors.at[member->tensor];
    c2s_value *x = tensor->form[!member->layout], *value;
    c2s_axis_order order = c2s_axis_order_inverse(&member->flip);
    w->b.before = user;
    if (user->op == &c2s_op_shape) {
        value = shape(w, user, x, &order);
    } else {
        c2s_axis_order own;
        c2s_axis_order_of(user, &own);
        order = c2s_axis_order_then(&order, &own);
        value = transpose(w, x, &order);
    }
    c2s_vec_push(&w->successors, (successor){user->outputs[0], value});
    c2s_vec_push(&w->gone, user);
}

static void redirect_readers(rewriter *w) {
    for (size_t i = 0; i < w->r->members.count; i++) {
        const c2s_region_member *member = &w->r->members.at[i];
        if (w->r->tensors.at[member->tensor].form[member->layout])
            continue;
        c2s_value_each_use(use, member->value) if (c2s_region_reading(w->r, use) == C2S_READ_EITHER)
            redirect(w, member, use->user);
    }
}

/* The actor of the region that makes operand `slot`, if it is not built yet. */
static size_t unbuilt_maker(const rewriter *w, const c2s_region_actor *actor, unsigned slot) {
    c2s_axis_order order;
    if (c2s_relayout_input(actor->node, slot, &actor->relayout, &order) != C2S_FOLLOW)
        return SIZE_MAX;
    const c2s_region_tensor *tensor = tensor_of(w, c2s_node_in(actor->node, slot));
    const bool waits = !tensor->form[0] && !tensor->form[1];
    return waits ? tensor->maker : SIZE_MAX;
}

/* Makers before readers. */
static void make_actors(rewriter *w) {
    const c2s_region *r = w->r;
    bool *made = c2s_zalloc(r->actors.count + 1);
    C2S_VEC(size_t) stack = {0};
    for (size_t i = 0; i < r->actors.count; i++)
        c2s_vec_push(&stack, i);
    while (stack.count > 0 && w->b.status == C2S_OK) {
        const size_t top = stack.at[stack.count - 1];
        const c2s_region_actor *actor = &r->actors.at[top];
        const size_t waiting = stack.count;
        for (unsigned slot = 0; slot < actor->node->formal_count && !made[top]; slot++) {
            const size_t maker = unbuilt_maker(w, actor, slot);
            if (maker != SIZE_MAX)
                c2s_vec_push(&stack, maker);
        }
        if (stack.count > waiting)
            continue;
        stack.count--;
        if (!made[top])
            make_actor(w, actor);
        made[top] = true;
    }
    c2s_vec_free(&stack);
    free(made);
}

static void build(rewriter *w) {
    c2s_region *r = w->r;
    for (size_t i = 0; i < r->tensors.count; i++)
        if (r->tensors.at[i].maker == C2S_MAKER_FIXED)
            make_fixed(w, &r->tensors.at[i]);
        else if (r->tensors.at[i].maker == C2S_MAKER_FREE)
            make_free(w, &r->tensors.at[i]);
    make_actors(w);
    if (w->b.status == C2S_OK)
        redirect_readers(w);
}

/* ---- taking over ---- */

/* Every member has a successor if somebody but the region's own Transposes and actors reads it. */
static void list_successors(rewriter *w) {
    for (size_t i = 0; i < w->r->members.count; i++) {
        const c2s_region_member *member = &w->r->members.at[i];
        c2s_value *form = w->r->tensors.at[member->tensor].form[member->layout];
        if (form && form != member->value)
            c2s_vec_push(&w->successors, (successor){member->value, form});
        if (member->value->def && c2s_region_is_inner(w->r, member->value->def))
            c2s_vec_push(&w->gone, member->value->def);
    }
}

static c2s_status keep_types(rewriter *w) {
    for (size_t i = 0; i < w->successors.count && w->b.status == C2S_OK; i++) {
        const successor *s = &w->successors.at[i];
        c2s_type type = s->value->type;
        if (!c2s_type_merge(&type, &s->old->type))
            return c2s_fail(C2S_ERR_UNSUPPORTED, "%s would have another type", s->old->name);
        if (s->value->def && s->value->def != s->value->graph->entry)
            c2s_value_set_type(s->value, &type);
    }
    return w->b.status;
}

typedef struct heir {
    c2s_value *value;
    const char *name, *node_name;
    const void *origin;
} heir;
typedef C2S_VEC(heir) heir_list;

static bool is_built(const rewriter *w, const c2s_value *value) {
    return value->def && value->def->id >= w->first_id;
}

static bool is_read(const c2s_node *node) {
    for (unsigned i = 0; i < node->output_count; i++)
        if (node->outputs[i] && node->outputs[i]->use_count > 0)
            return true;
    return false;
}

/* A node goes after those that read it. */
static void remove_gone(rewriter *w, c2s_stats *stats) {
    c2s_map leaving = {0};
    C2S_VEC(unsigned) stack = {0};
    const c2s_model *model = w->r->graph->model;
    for (size_t i = 0; i < w->gone.count; i++) {
        c2s_map_put_u64(&leaving, w->gone.at[i]->id, w);
        c2s_vec_push(&stack, w->gone.at[i]->id);
    }
    while (stack.count > 0) {
        c2s_node *node = model->nodes.at[c2s_vec_pop(&stack)];
        if (!node || is_read(node))
            continue;
        for (unsigned i = 0; i < node->input_count; i++) {
            const c2s_value *value = node->inputs[i].value;
            if (value && value->def && c2s_map_get_u64(&leaving, value->def->id))
                c2s_vec_push(&stack, value->def->id);
        }
        c2s_stats_removed(stats, node);
        c2s_node_remove(node);
    }
    c2s_vec_free(&stack);
    c2s_map_free(&leaving);
}

/* Of so many nodes that only the Transpose is named with which the region began. */
static void annotate(const rewriter *w, const c2s_node *seed) {
    char text[300];
    snprintf(text, sizeof text, "%s(%.200s)", c2s_transpose_region,
             seed->history ? seed->history : c2s_node_name(seed));
    for (size_t i = 0; i < w->b.built.count; i++)
        w->b.built.at[i]->history = c2s_name_intern(w->r->graph->model->names, text);
}

static void replace(rewriter *w, size_t from, size_t to, heir_list *list) {
    for (size_t i = from; i < to; i++) {
        const successor *s = &w->successors.at[i];
        /* The name of an actor is its successor's already. */
        const c2s_node *def = s->old->def;
        if (is_built(w, s->value))
            c2s_vec_push(list,
                         (heir){s->value, s->old->name,
                                c2s_region_actor_of(w->r, def) ? "" : def->name, s->old->origin});
        c2s_rewrite_replace(s->old, s->value);
    }
}

/* `others`: so many successors are not of members. */
static void commit(rewriter *w, c2s_stats *stats, const c2s_node *seed, size_t others) {
    heir_list heirs = {0};
    /* A member's successor may be one of those that have a successor among the others. */
    replace(w, others, w->successors.count, &heirs);
    replace(w, 0, others, &heirs);
    if (stats->annotate)
        annotate(w, seed);
    remove_gone(w, stats);
    for (size_t i = heirs.count; i-- > 0;) { /* of several the first one counts */
        c2s_value_set_name(heirs.at[i].value, heirs.at[i].name);
        heirs.at[i].value->origin = heirs.at[i].origin;
        if (!*heirs.at[i].value->def->name)
            heirs.at[i].value->def->name = heirs.at[i].node_name;
    }
    c2s_build_pass_names_on(&w->b);
    c2s_vec_free(&heirs);
}

static void look_at(const c2s_region *r, c2s_stats *stats) {
    for (size_t i = 0; i < r->actors.count && stats->trace; i++)
        c2s_stats_looked(stats, r->actors.at[i].node);
    for (size_t i = 0; i < r->members.count && stats->trace; i++)
        if (r->members.at[i].value->def && c2s_region_is_inner(r, r->members.at[i].value->def))
            c2s_stats_looked(stats, r->members.at[i].value->def);
}

c2s_status c2s_region_rewrite(c2s_region *region, c2s_stats *stats, const c2s_node *seed) {
    rewriter w = {.r = region, .first_id = region->graph->model->nodes.count};
    w.b = (c2s_builder){.graph = region->graph, .hint = ""};
    build(&w);
    const size_t others = w.successors.count;
    if (w.b.status == C2S_OK)
        list_successors(&w);
    c2s_status status = keep_types(&w);
    if (status == C2S_OK) {
        c2s_stats_apply(stats, c2s_transpose_region, c2s_node_text(seed));
        look_at(region, stats);
        commit(&w, stats, seed, others);
    } else {
        c2s_build_undo(&w.b);
    }
    c2s_build_end(&w.b);
    c2s_vec_free(&w.successors);
    c2s_vec_free(&w.gone);
    return status;
}
