/* SPDX-License-Identifier: Apache-2.0 */
#include "passes/quant/channel_group.h"

#include <math.h>
#include <string.h>

#include "base/disjoint_sets.h"
#include "base/map.h"
#include "ops/ties.h"

/* What a node does to channels that are scaled. */
typedef enum behaviour {
    PINS,      /* its results would change */
    CARRIES,   /* f(t x) = t f(x) in operand 0 */
    JOINS,     /* the same if all operands are scaled alike */
    MULTIPLIES /* the same in one operand; the other ones are constants */
} behaviour;

static const struct {
    const char *type;
    behaviour behaviour;
} behaviours[] = {
    {"Abs", CARRIES},
    {"Add", JOINS},
    {"AveragePool", CARRIES},
    {"Clip", CARRIES},
    {"Concat", JOINS},
    {"DepthToSpace", CARRIES},
    {"Div", MULTIPLIES},
    {"Flatten", CARRIES},
    {"GlobalAveragePool", CARRIES},
    {"GlobalMaxPool", CARRIES},
    {"Identity", CARRIES},
    {"LeakyRelu", CARRIES},
    {"MaxPool", CARRIES},
    {"Mul", MULTIPLIES},
    {"Neg", CARRIES},
    {"PRelu", CARRIES},
    {"Pad", CARRIES},
    {"ReduceMax", CARRIES},
    {"ReduceMean", CARRIES},
    {"ReduceMin", CARRIES},
    {"ReduceSum", CARRIES},
    {"Relu", CARRIES},
    {"Reshape", CARRIES},
    {"Resize", CARRIES},
    {"Slice", CARRIES},
    {"SpaceToDepth", CARRIES},
    {"Split", CARRIES},
    {"Squeeze", CARRIES},
    {"Sub", JOINS},
    {"Sum", JOINS},
    {"Transpose", CARRIES},
    {"Unsqueeze", CARRIES},
};

static behaviour behaviour_of(const c2s_node *node) {
    for (size_t i = 0; i < sizeof behaviours / sizeof *behaviours; i++)
        if (c2s_node_is(node, behaviours[i].type))
            return behaviours[i].behaviour;
    return PINS;
}

typedef struct walk {
    c2s_channel_group *group;
    c2s_disjoint_sets sets; /* of indices */
    c2s_map value_at;       /* value id -> index in group->values + 1 */
    c2s_map ends;           /* node id, and whether its output: it is in group->ends */
    c2s_map spaces;         /* node id, and space: what it ties has its classes */
    const char *why;
    const c2s_node *why_node;
} walk;

static bool stop(walk *w, const c2s_node *node, const char *why) {
    if (!w->why) {
        w->why = why;
        w->why_node = node;
    }
    return false;
}

/* ---- classes ---- */

/* New indices, each a class of its own. */
static size_t fresh(walk *w, size_t count) {
    return c2s_disjoint_sets_add(&w->sets, count);
}

static void unify(walk *w, size_t a, size_t b) {
    c2s_disjoint_sets_unite(&w->sets, a, b);
}

static void number_classes(walk *w) {
    c2s_channel_group *g = w->group;
    c2s_vec_reserve(&g->class_of, w->sets.parent.count + 1);
    g->class_of.count = w->sets.parent.count;
    g->classes = c2s_disjoint_sets_number(&w->sets, g->class_of.at);
}

/* ---- values ---- */

/* Index in group->values; false: it cannot belong to the group. */
static bool reach(walk *w, c2s_value *value, int axis, size_t *index) {
    const uintptr_t known = (uintptr_t)c2s_map_get_u64(&w->value_at, value->id);
    if (known) {
        *index = known - 1;
        return w->group->values.at[*index].axis == axis
                   ? true
                   : stop(w, value->def, "two of its axes would be scaled");
    }
    if (value->type.dtype != C2S_FLOAT || !c2s_dim_is_known(value->type.dim[axis]))
        return stop(w, value->def, "its channels are no floats, or their number is not known");
    const size_t extent = (size_t)value->type.dim[axis];
    *index = w->group->values.count;
    const size_t first = fresh(w, extent);
    c2s_vec_push(&w->group->values, (c2s_channel_value){value, axis, first, extent});
    c2s_map_put_u64(&w->value_at, value->id, (void *)(uintptr_t)(*index + 1));
    return true;
}

/* ---- where channels begin and end ---- */

static bool own_constant(const c2s_node *node, unsigned slot) {
    const c2s_value *value = c2s_node_in(node, slot);
    return value && value->constant && !value->def && value->use_count == 1 &&
           value->type.dtype == C2S_FLOAT;
}

static bool own_vector(const c2s_node *node, unsigned slot, size_t count) {
    return own_constant(node, slot) && c2s_is_output_vector(c2s_node_in(node, slot), count);
}

int c2s_channel_axis_made(const c2s_node *node) {
    static const char *const by_channel[] = {"BatchNormalization", "InstanceNormalization",
                                             "GroupNormalization"};
    const c2s_value *out = node->output_count > 0 ? node->outputs[0] : NULL;
    if (!out || out->type.rank < 1)
        return -1;
    const int last = out->type.rank - 1;
    for (size_t i = 0; i < sizeof by_channel / sizeof *by_channel; i++)
        if (c2s_node_is(node, by_channel[i]))
            return out->type.rank > 1 ? 1 : -1;
    if (c2s_node_is(node, "LayerNormalization") || c2s_node_is(node, "RMSNormalization")) {
        const int64_t axis = c2s_attr_int(node, "axis", -1);
        return axis == -1 || axis == last ? last : -1;
    }
    c2s_linear_site site;
    if (c2s_linear_site_of(node, &site))
        return -1;
    return site.is_conv ? 1 : last;
}

static bool as_norm(walk *w, c2s_node *node, const c2s_channel_value *v) {
    if (!own_vector(node, 1, v->extent) ||
        (c2s_node_in(node, 2) && !own_vector(node, 2, v->extent)))
        return stop(w, node, "its scale or shift is no constant of its own by channels");
    if (node->output_count > 1)
        for (unsigned k = 1; k < node->output_count; k++)
            if (node->outputs[k] && node->outputs[k]->use_count > 0)
                return stop(w, node, "it has further results that are used");
    c2s_vec_push(&w->group->norms, (c2s_channel_norm){node, v->first, v->extent});
    return true;
}

static bool has_own_bias(const c2s_node *node, size_t count) {
    return !c2s_node_in(node, 2) || own_vector(node, 2, count);
}

/* `site` is that of the node; its output, or operand 0, is the value v. */
static bool as_end(walk *w, c2s_node *node, const c2s_linear_site *site, bool output,
                   const c2s_channel_value *v) {
    const uint64_t key = (uint64_t)node->id * 2 + output;
    if (c2s_map_get_u64(&w->ends, key))
        return true;
    c2s_map_put_u64(&w->ends, key, node);
    const int last = v->value->type.rank - 1;
    const int axis = site->is_conv ? 1 : !output && site->input_by_column ? 0 : last;
    if (!own_constant(node, 1))
        return stop(w, node, "its weight is no float constant of its own");
    if (v->axis != axis)
        return stop(w, node, "another axis than its channels would be scaled");
    if (output && !has_own_bias(node, v->extent))
        return stop(w, node, "its bias is no constant of its own by channels");
    c2s_vec_push(&w->group->ends, (c2s_channel_end){*site, output, v->first, v->extent});
    return true;
}

/* ---- what stands in between ---- */

static bool clamps(walk *w, c2s_node *node, const c2s_channel_value *v) {
    const c2s_value *low = c2s_node_in(node, 1), *high = c2s_node_in(node, 2);
    if (!low || !low->constant || c2s_tensor_f64_at(low->constant, 0) != 0 ||
        (high && !high->constant))
        return stop(w, node, "it clamps to other bounds than 0 and a constant");
    const float bound = high ? (float)c2s_tensor_f64_at(high->constant, 0) : INFINITY;
    if (isfinite(bound) && v->value == c2s_node_in(node, 0))
        c2s_vec_push(&w->group->clamps, (c2s_channel_clamp){node, bound, v->first, v->extent});
    return true;
}

/* Reasons that its attributes or further operands give. */
static bool carries(walk *w, c2s_node *node, behaviour b) {
    unsigned variable = 0;
    for (unsigned k = 0; k < node->input_count; k++)
        variable += c2s_node_in(node, k) && !c2s_node_in(node, k)->constant;
    if (b == MULTIPLIES &&
        (variable != 1 || (c2s_node_is(node, "Div") && c2s_node_in(node, 0)->constant)))
        return stop(w, node, "both operands vary, or it divides by the channels");
    if (c2s_node_is(node, "PRelu") && !c2s_node_in(node, 1)->constant)
        return stop(w, node, "its slope varies");
    if (c2s_node_is(node, "Pad")) {
        const c2s_value *fill = c2s_node_in(node, 2);
        if (fill && !(fill->constant && c2s_tensor_f64_at(fill->constant, 0) == 0))
            return stop(w, node, "it pads with something else than zeros");
    }
    if (c2s_node_is(node, "Resize") &&
        strcmp(c2s_attr_string(node, "coordinate_transformation_mode", "half_pixel"),
               "tf_crop_and_resize") == 0)
        return stop(w, node, "it extrapolates with a constant");
    return true;
}

static uint64_t space_key(const c2s_node *node, unsigned space) {
    return (uint64_t)node->id << 32 | space;
}

static bool space_seen(const walk *w, const c2s_node *node, unsigned space) {
    return c2s_map_get_u64(&w->spaces, space_key(node, space)) != NULL;
}

static c2s_value *operand(const c2s_node *node, bool output, unsigned slot) {
    if (!output)
        return c2s_node_in(node, slot);
    return slot < node->output_count ? node->outputs[slot] : NULL;
}

/* Index i of the tie's axis, from `first` on, gets the class of its element. */
static void unify_tie(walk *w, const c2s_tie *tie, int64_t extent, size_t elements, size_t first) {
    for (int64_t i = 0; i < tie->count; i++)
        unify(w, elements + (size_t)(i / tie->repeat % extent), first + (size_t)(tie->start + i));
}

/* Everything that a space ties gets the classes of its elements. */
static bool spread(walk *w, const c2s_ties *t, unsigned space, behaviour b) {
    const c2s_node *node = t->node;
    const int64_t extent = t->spaces.at[space].extent;
    const size_t elements = fresh(w, (size_t)extent);
    for (size_t i = 0; i < t->ties.count; i++) {
        const c2s_tie *tie = &t->ties.at[i];
        if (tie->space != space || (b != JOINS && !tie->output && tie->slot > 0 && b != MULTIPLIES))
            continue;
        c2s_value *value = operand(node, tie->output, tie->slot);
        if (!value || (b == MULTIPLIES && value->constant))
            continue;
        if (value->constant) {
            if (value->type.dtype != C2S_FLOAT)
                return stop(w, node, "a constant beside the channels is no float");
            const size_t count = (size_t)value->type.dim[tie->axis], first = fresh(w, count);
            c2s_vec_push(&w->group->addends,
                         (c2s_channel_addend){&((c2s_node *)(uintptr_t)node)->inputs[tie->slot],
                                              tie->axis, first, count});
            unify_tie(w, tie, extent, elements, first);
            continue;
        }
        size_t at;
        if (!reach(w, value, tie->axis, &at))
            return false;
        unify_tie(w, tie, extent, elements, w->group->values.at[at].first);
    }
    return true;
}

/* All operands of a node that joins must be scaled: each has to be tied to one of the spaces. */
static bool all_joined(walk *w, const c2s_ties *t, const bool *chosen) {
    for (unsigned k = 0; k < t->node->input_count; k++) {
        bool tied = !c2s_node_in(t->node, k);
        for (size_t i = 0; i < t->ties.count && !tied; i++)
            tied = chosen[t->ties.at[i].space] && !t->ties.at[i].output && t->ties.at[i].slot == k;
        if (!tied && !c2s_node_is(t->node, "Concat"))
            return stop(w, t->node, "an operand is the same for all channels");
    }
    return true;
}

/* Chooses the spaces along the axis of the operand that was reached: those which do not lie within
 * others. `chosen` is by space. */
static bool choose_spaces(walk *w, const c2s_ties *t, bool output, unsigned slot,
                          const c2s_channel_value *v, bool *chosen) {
    bool *covered = c2s_zalloc(v->extent + 1), fine = true;
    for (int known = 1; known >= 0; known--)
        for (size_t i = 0; i < t->ties.count && fine; i++) {
            const c2s_tie *tie = &t->ties.at[i];
            if (tie->output != output || tie->slot != slot || tie->axis != v->axis ||
                space_seen(w, t->node, tie->space) != (known == 1))
                continue;
            size_t already = 0;
            for (int64_t k = 0; k < tie->count; k++)
                already += covered[tie->start + k];
            if (already == (size_t)tie->count)
                continue;
            if (already > 0 || t->spaces.at[tie->space].extent == 0 ||
                t->spaces.at[tie->space].role != C2S_TIE_KEEP)
                fine = stop(w, t->node, "it mixes channels");
            memset(covered + tie->start, true, (size_t)tie->count);
            chosen[tie->space] = true;
        }
    for (size_t i = 0; i < v->extent && fine; i++)
        if (!covered[i])
            fine = stop(w, t->node, "it mixes channels");
    free(covered);
    return fine;
}

static bool through(walk *w, c2s_node *node, bool output, unsigned slot, size_t index) {
    const behaviour b = behaviour_of(node);
    const c2s_channel_value v = w->group->values.at[index];
    if (b == PINS || (b == CARRIES && !output && slot > 0))
        return stop(w, node, "its results would change");
    if (!carries(w, node, b) || (c2s_node_is(node, "Clip") && !clamps(w, node, &v)))
        return false;
    c2s_ties ties;
    c2s_ties_of(node, &ties);
    bool *chosen = c2s_zalloc(ties.spaces.count + 1);
    bool fine = choose_spaces(w, &ties, output, slot, &v, chosen) &&
                (b != JOINS || all_joined(w, &ties, chosen));
    for (unsigned space = 0; space < ties.spaces.count && fine; space++)
        if (chosen[space] && !space_seen(w, node, space)) {
            c2s_map_put_u64(&w->spaces, space_key(node, space), node);
            fine = spread(w, &ties, space, b);
        }
    free(chosen);
    c2s_ties_free(&ties);
    return fine;
}

static bool is_norm(const c2s_node *node) {
    c2s_linear_site site;
    return c2s_channel_axis_made(node) >= 0 && c2s_linear_site_of(node, &site) != NULL;
}

static bool visit_maker(walk *w, size_t index) {
    const c2s_channel_value v = w->group->values.at[index];
    c2s_node *node = v.value->def;
    c2s_linear_site site;
    if (!node || node == node->graph->entry)
        return stop(w, NULL, "an input of the model would have to be scaled");
    if (!c2s_linear_site_of(node, &site))
        return as_end(w, node, &site, true, &v);
    if (is_norm(node) && v.value == node->outputs[0] && c2s_channel_axis_made(node) == v.axis)
        return as_norm(w, node, &v);
    return through(w, node, true, v.value->def_slot, index);
}

static bool visit_user(walk *w, size_t index, c2s_use *use) {
    c2s_node *node = use->user;
    c2s_linear_site site;
    if (node == node->graph->exit)
        return stop(w, NULL, "an output of the model would be scaled");
    if (use->slot == 0 && !c2s_linear_site_of(node, &site))
        return as_end(w, node, &site, false, &w->group->values.at[index]);
    return through(w, node, false, use->slot, index);
}

static bool visit_all(walk *w) {
    for (size_t i = 0; i < w->group->values.count; i++) {
        c2s_value *value = w->group->values.at[i].value;
        if (!visit_maker(w, i))
            return false;
        c2s_value_each_use(use, value) if (!visit_user(w, i, use)) return false;
    }
    return true;
}

const char *c2s_channel_group_of(c2s_value *value, c2s_channel_group *group,
                                 const c2s_node **why_node) {
    *group = (c2s_channel_group){0};
    walk w = {.group = group};
    size_t index;
    const int axis = c2s_channel_axis_made(value->def);
    if (axis < 0)
        stop(&w, value->def, "nothing makes channels");
    else if (reach(&w, value, axis, &index) && visit_all(&w))
        number_classes(&w);
    *why_node = w.why_node;
    c2s_disjoint_sets_free(&w.sets);
    c2s_map_free(&w.value_at);
    c2s_map_free(&w.ends);
    c2s_map_free(&w.spaces);
    return w.why;
}

void c2s_channel_group_free(c2s_channel_group *group) {
    c2s_vec_free(&group->class_of);
    c2s_vec_free(&group->values);
    c2s_vec_free(&group->ends);
    c2s_vec_free(&group->norms);
    c2s_vec_free(&group->addends);
    c2s_vec_free(&group->clamps);
}
