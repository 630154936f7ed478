/* SPDX-License-Identifier: Apache-2.0
 *
 * What belongs to a region: from one Transpose on, over values and the operators that follow a
 * layout.
 */
#include <limits.h>

#include "passes/fuse/transpose_region.h"

/* A node is looked at by so many regions: one per pair of layouts, of which graphs have few. */
#define MOST_VISITS 6u
/* A region does not grow beyond so many operators: what is left begins others, and what lies between
 * two is moved. Finding a minimum cut takes more than linear time. */
#define MOST_ACTORS 2048u
/* A second copy of a constant may be that large. */
#define SMALL_CONSTANT 1024u

static void *index_mark(size_t index) {
    return (void *)(uintptr_t)(index + 1);
}

c2s_region_member *c2s_region_member_of(const c2s_region *region, const c2s_value *value) {
    const uintptr_t mark = (uintptr_t)c2s_map_get(&region->member_of, value);
    return mark ? &region->members.at[mark - 1] : NULL;
}

c2s_region_actor *c2s_region_actor_of(const c2s_region *region, const c2s_node *node) {
    const uintptr_t mark = (uintptr_t)c2s_map_get(&region->actor_of, node);
    return mark && mark != C2S_REGION_NO_ACTOR ? &region->actors.at[mark - 1] : NULL;
}

static bool is_transpose(const c2s_node *node) {
    return node && node->op == &c2s_op_transpose && node->formal_count == 1 &&
           node->inputs[0].value && !c2s_attr_any_reference(node);
}

bool c2s_region_is_inner(const c2s_region *region, const c2s_node *node) {
    if (!is_transpose(node))
        return false;
    const c2s_region_member *x = c2s_region_member_of(region, node->inputs[0].value);
    const c2s_region_member *y = c2s_region_member_of(region, node->outputs[0]);
    return x && y && x->tensor == y->tensor && x->layout != y->layout;
}

c2s_reading c2s_region_reading(const c2s_region *region, const c2s_use *use) {
    if (c2s_region_is_inner(region, use->user))
        return C2S_READ_INNER;
    const c2s_region_actor *actor = c2s_region_actor_of(region, use->user);
    c2s_axis_order order;
    if (actor)
        return c2s_relayout_input(actor->node, use->slot, &actor->relayout, &order) == C2S_FOLLOW
                   ? C2S_READ_ACTOR
                   : C2S_READ_FIXED;
    const bool moves = is_transpose(use->user) && c2s_axis_order_of(use->user, &order);
    return moves || use->user->op == &c2s_op_shape ? C2S_READ_EITHER : C2S_READ_FIXED;
}

/* ---- tensors ---- */

/* The Transpose reorders its operand so. */
static bool reorders(const c2s_node *node, const c2s_axis_order *order) {
    c2s_axis_order own;
    return is_transpose(node) && c2s_axis_order_of(node, &own) && c2s_axis_order_equal(&own, order);
}

static void add_member(c2s_region *r, c2s_value *value, const c2s_axis_order *flip,
                       unsigned layout) {
    c2s_map_put(&r->member_of, value, index_mark(r->members.count));
    c2s_vec_push(&r->members,
                 (c2s_region_member){value, *flip, layout, (unsigned)r->tensors.count - 1});
}

/* The value, and what Transposes between the two layouts have made of it or made it of. */
static void add_tensor(c2s_region *r, c2s_value *value, const c2s_axis_order *flip,
                       unsigned layout) {
    c2s_axis_order to[2]; /* from the other layout to this one: what a member of it was made by */
    to[!layout] = *flip;
    to[layout] = c2s_axis_order_inverse(flip);
    c2s_value *root = value;
    while (root->def != root->graph->entry && reorders(root->def, &to[layout]) &&
           !root->def->inputs[0].value->constant &&
           !c2s_region_member_of(r, root->def->inputs[0].value)) {
        root = root->def->inputs[0].value;
        layout = !layout;
    }
    c2s_vec_push(&r->tensors, (c2s_region_tensor){.root = root, .maker = C2S_MAKER_FIXED});
    const size_t first = r->members.count;
    add_member(r, root, &to[!layout], layout);
    for (size_t i = first; i < r->members.count; i++) {
        const c2s_region_member from = r->members.at[i];
        c2s_value_each_use(use, from.value) if (use->user != from.value->graph->exit &&
                                                reorders(use->user, &from.flip) &&
                                                !c2s_region_member_of(r, use->user->outputs[0]))
            add_member(r, use->user->outputs[0], &to[from.layout], !from.layout);
    }
}

/* ---- actors ---- */

/* What the node would do with a value, and in which layout that is, agrees with what is known. */
static bool agrees(const c2s_region *r, const c2s_value *value, const c2s_axis_order *order,
                   unsigned layout) {
    const c2s_region_member *member = c2s_region_member_of(r, value);
    return !member || (member->layout == layout && c2s_axis_order_equal(&member->flip, order));
}

static bool may_copy(const c2s_value *value) {
    if (value->constant->type.kind != C2S_KIND_TENSOR)
        return false;
    return (value->use_count == 1 && value->def != value->graph->entry) ||
           c2s_tensor_size(value->constant) <= SMALL_CONSTANT;
}

/* One operand or result of a node; with `add` it becomes a member. */
static bool take(c2s_region *r, c2s_value *value, c2s_follow follow, const c2s_axis_order *order,
                 unsigned layout, bool add) {
    if (follow == C2S_FOLLOW_REFUSED)
        return false;
    if (follow == C2S_FOLLOW_CONSTANT)
        return may_copy(value);
    if (follow == C2S_FOLLOW_NOT)
        return true;
    if (!agrees(r, value, order, layout))
        return false;
    if (add && !c2s_region_member_of(r, value))
        add_tensor(r, value, order, layout);
    return true;
}

static bool take_all(c2s_region *r, const c2s_region_actor *actor, bool add) {
    c2s_axis_order order = {0};
    for (unsigned i = 0; i < actor->node->formal_count; i++) {
        const c2s_follow follow = c2s_relayout_input(actor->node, i, &actor->relayout, &order);
        if (!take(r, c2s_node_in(actor->node, i), follow, &order, actor->layout, add))
            return false;
    }
    for (unsigned i = 0; i < actor->node->output_count; i++) {
        const c2s_follow follow = c2s_relayout_output(actor->node, i, &actor->relayout, &order);
        if (!take(r, c2s_node_out(actor->node, i), follow, &order, actor->layout, add))
            return false;
    }
    return true;
}

static bool may_visit(c2s_map *visits, const c2s_node *node) {
    const uintptr_t before = (uintptr_t)c2s_map_get_u64(visits, node->id);
    c2s_map_put_u64(visits, node->id, (void *)(before + 1));
    return before < MOST_VISITS;
}

/* The node that reads or makes (`backward`) the member, there, may be an actor. */
static void look_at(c2s_region *r, c2s_node *node, unsigned slot, bool backward,
                    const c2s_region_member *member, c2s_map *visits) {
    c2s_axis_order order;
    if (node == r->graph->exit || node == r->graph->entry || !c2s_relayout_takes(node) ||
        r->actors.count == MOST_ACTORS || c2s_map_get(&r->actor_of, node))
        return;
    c2s_region_actor actor = {.node = node, .layout = member->layout, .chosen = member->layout};
    c2s_map_put(&r->actor_of, node, (void *)(uintptr_t)C2S_REGION_NO_ACTOR);
    if (!may_visit(visits, node) ||
        c2s_relayout_of(node, backward, &member->flip, &actor.relayout) ||
        (backward ? c2s_relayout_output : c2s_relayout_input)(node, slot, &actor.relayout,
                                                              &order) != C2S_FOLLOW ||
        !take_all(r, &actor, false) || !take_all(r, &actor, true))
        return;
    c2s_map_put(&r->actor_of, node, index_mark(r->actors.count));
    c2s_vec_push(&r->actors, actor);
}

bool c2s_region_makes(const c2s_region_actor *actor, const c2s_value *value) {
    c2s_axis_order order;
    return c2s_relayout_output(actor->node, value->def_slot, &actor->relayout, &order) ==
           C2S_FOLLOW;
}

bool c2s_region_grow(c2s_region *r, c2s_node *transpose, c2s_map *visits) {
    c2s_axis_order order;
    if (!is_transpose(transpose) || transpose->inputs[0].value->constant ||
        !c2s_axis_order_of(transpose, &order) || c2s_axis_order_is_identity(&order))
        return false;
    r->graph = transpose->graph;
    add_tensor(r, transpose->inputs[0].value, &order, 0);
    for (size_t i = 0; i < r->members.count; i++) {
        const c2s_region_member member = r->members.at[i];
        if (member.value->def)
            look_at(r, member.value->def, member.value->def_slot, true, &member, visits);
        c2s_value_each_use(use, member.value)
            look_at(r, use->user, use->slot, false, &member, visits);
    }
    for (size_t i = 0; i < r->tensors.count; i++) {
        const c2s_value *root = r->tensors.at[i].root;
        const c2s_node *maker = root->def;
        const c2s_region_actor *actor = maker ? c2s_region_actor_of(r, maker) : NULL;
        if (actor && c2s_region_makes(actor, root))
            r->tensors.at[i].maker = (unsigned)(actor - r->actors.at);
        else if (maker != r->graph->entry && is_transpose(maker) &&
                 c2s_axis_order_of(maker, &order) && !maker->inputs[0].value->constant &&
                 !c2s_region_member_of(r, maker->inputs[0].value))
            r->tensors.at[i].maker = C2S_MAKER_FREE;
    }
    return true;
}

void c2s_region_free(c2s_region *r) {
    c2s_vec_free(&r->members);
    c2s_vec_free(&r->actors);
    c2s_vec_free(&r->tensors);
    c2s_map_free(&r->member_of);
    c2s_map_free(&r->actor_of);
}
