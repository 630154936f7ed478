/* SPDX-License-Identifier: Apache-2.0
 *
 * Before: Resize to sizes computed from shapes: Concat of batch and channels of x, and of the extents
 *         of what it is joined with
 * After:  Resize by constant scales, where those give the same; else along the axes that change their
 *         extents, to sizes that are constant where they are known
 * Refuses sizes that do not follow from shapes, a policy that ties the axes to each other, regions of
 * interest, unknown sizes that are computed together with others, and, before opset 18, scales that
 * float does not hold exactly.
 * What asked for batch and channels is dead then, unless something else needs it.
 */
#include <string.h>

#include "passes/cleanup/cleanup.h"
#include "passes/constants.h"
#include "rewrite/builder.h"

enum { X = C2S_LETTER_A, ROI, SCALES, SIZES };

/* Up to here runtimes compute extents exactly in float. */
#define MOST_EXTENT (INT64_C(1) << 24)

typedef struct target {
    int rank;
    const c2s_dim *from, *to; /* by axis */
    c2s_ints axes;            /* that change */
} target;

static bool is_given(const c2s_value *value) {
    return value && !(value->constant && value->constant->count == 0);
}

static bool is_known(const target *t, int64_t axis) {
    return c2s_dim_is_known(t->from[axis]) && c2s_dim_is_known(t->to[axis]);
}

/* By how much the axis is scaled; 0: no float says that exactly. */
static float scale_of(const target *t, int64_t axis) {
    const int64_t from = t->from[axis], to = t->to[axis];
    if (from == to)
        return 1;
    if (!is_known(t, axis) || from < 1 || to < 1 || from > MOST_EXTENT || to > MOST_EXTENT)
        return 0;
    const float scale = (float)((double)to / (double)from);
    return (double)scale * (double)from == (double)to ? scale : 0;
}

static bool has_scales(const target *t) {
    for (int i = 0; i < t->rank; i++)
        if (scale_of(t, i) == 0)
            return false;
    return true;
}

static bool is_fixed(const target *t) {
    for (unsigned i = 0; i < t->axes.count; i++)
        if (!c2s_dim_is_known(t->to[t->axes.at[i]]))
            return false;
    return true;
}

/* The operands of the Concat that makes the sizes which hold those of the axes, and no others. Returns
 * how many; 0: there are none such. */
static unsigned find_parts(const target *t, const c2s_value *sizes, c2s_value **parts) {
    const c2s_node *concat = sizes->def;
    unsigned count = 0, next = 0;
    int64_t at = 0;
    if (!concat || concat->op != &c2s_op_concat)
        return 0;
    for (unsigned k = 0; k < concat->formal_count; k++) {
        c2s_value *part = concat->inputs[k].value;
        const c2s_type *type = &part->type;
        if (type->rank != 1 || !c2s_dim_is_known(type->dim[0]) || type->dim[0] > t->rank - at)
            return 0;
        unsigned change = 0;
        for (; next < t->axes.count && t->axes.at[next] < at + type->dim[0]; next++)
            change++;
        if (change > 0 && change != type->dim[0])
            return 0;
        if (change > 0)
            parts[count++] = part;
        at += type->dim[0];
    }
    return count;
}

static const char *read_target(const c2s_match *m, target *t) {
    const c2s_type *x = &m->value[X]->type;
    const c2s_value *sizes = m->value[SIZES];
    const char *mode = c2s_attr_string(m->root, "coordinate_transformation_mode", "half_pixel");
    if (!sizes || sizes->constant || is_given(m->value[SCALES]) || c2s_attr_has(m->root, "axes"))
        return c2s_no_match;
    if (x->kind != C2S_KIND_TENSOR || x->rank < 1 || !sizes->contents ||
        sizes->content_count != (unsigned)x->rank)
        return "the sizes do not follow from shapes";
    if (strcmp(mode, "tf_crop_and_resize") == 0 || strcmp(mode, "tf_half_pixel_for_nn") == 0)
        return "axes that keep their extents are resampled, too";
    if (strcmp(c2s_attr_string(m->root, "keep_aspect_ratio_policy", "stretch"), "stretch") != 0)
        return "the axes share a scale";
    *t = (target){.rank = x->rank, .from = x->dim, .to = sizes->contents};
    for (int i = 0; i < t->rank; i++)
        if (t->from[i] != t->to[i])
            t->axes.at[t->axes.count++] = i;
    if (t->axes.count == 0)
        return c2s_no_match;
    if (has_scales(t))
        return NULL;
    if (c2s_model_opset(m->root->graph->model, "") < 18)
        return "no constant scales say that, and axes need opset 18 (--opset)";
    c2s_value *parts[C2S_MAX_RANK];
    const bool picked = (int)t->axes.count < t->rank && find_parts(t, sizes, parts) > 0;
    return picked || is_fixed(t) ? NULL : "the sizes are computed together";
}

static const char *refuse(const c2s_match *m) {
    target t;
    return read_target(m, &t);
}

static c2s_value *build_scales(c2s_builder *b, const target *t) {
    double scales[C2S_MAX_RANK];
    const int64_t count = t->rank;
    for (int i = 0; i < t->rank; i++)
        scales[i] = (double)scale_of(t, i);
    c2s_tensor *tensor = NULL;
    return c2s_build_ok(b, c2s_tensor_from_f64(C2S_FLOAT, 1, &count, scales, &tensor))
               ? c2s_build_constant(b, "scales", tensor)
               : NULL;
}

/* Those of the axes. */
static c2s_value *build_sizes(c2s_builder *b, const target *t, const c2s_value *sizes) {
    int64_t known[C2S_MAX_RANK];
    c2s_value *parts[C2S_MAX_RANK];
    if (is_fixed(t)) {
        for (unsigned i = 0; i < t->axes.count; i++)
            known[i] = t->to[t->axes.at[i]];
        return c2s_build_ints(b, "sizes", known, t->axes.count);
    }
    const unsigned count = find_parts(t, sizes, parts);
    if (count == 1)
        return parts[0];
    c2s_node *concat = c2s_build_start(b, "Concat", parts, count);
    if (concat)
        c2s_attr_set_int(concat, "axis", 0);
    return c2s_build_finish(b, concat);
}

static c2s_value *build(c2s_builder *b, const c2s_match *m) {
    target t;
    if (read_target(m, &t))
        return NULL;
    const bool scales = has_scales(&t);
    c2s_value *in[] = {m->value[X], NULL, scales ? build_scales(b, &t) : NULL,
                       scales ? NULL : build_sizes(b, &t, m->value[SIZES])};
    c2s_node *node = c2s_build_like(b, m->root, in, scales ? 3 : 4);
    if (node && !scales)
        c2s_attr_set_ints(node, "axes", t.axes.at, t.axes.count);
    return c2s_build_finish(b, node);
}

static const c2s_pattern_row rows[] = {
    {.op = &c2s_op_resize,
     .in = {X, ROI | C2S_OPTIONAL, SCALES | C2S_OPTIONAL, SIZES | C2S_OPTIONAL}}};
const c2s_rule c2s_rule_resize_target = {
    .name = "resize-target",
    .summary = "Resize to sizes computed from shapes -> by constant scales, or along some axes",
    C2S_ROWS(rows),
    .refuse = refuse,
    .build = build};
