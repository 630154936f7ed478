/* SPDX-License-Identifier: Apache-2.0
 *
 * Before: Slices that take every n-th row and column from each of the n * n places, then Concat
 *         along the channels in the order of SpaceToDepth; or in any order, then a Conv with a
 *         constant weight (the Focus of YOLO models)
 * After:  SpaceToDepth; the Conv with the input channels of its weight in that order
 * Refuses extents that are not known, a Conv in groups, a weight that others read.
 */
#include <string.h>

#include "passes/fuse/cuts.h"
#include "passes/fuse/fuse.h"

enum { W = C2S_LETTER_A, B, Y };

/* Every `step`-th row and column, from which on. */
typedef struct grid {
    c2s_value *x;
    int64_t step, row, column;
} grid;

/* Adds what one Slice cuts; false if it is something else. */
static bool add_slice(const c2s_node *slice, grid *g, bool seen[2]) {
    c2s_cuts cuts;
    if (!c2s_cuts_read(slice, &cuts))
        return false;
    for (unsigned i = 0; i < cuts.count; i++) {
        const c2s_cut *c = &cuts.at[i];
        c2s_dim extent = c2s_node_in(slice, 0)->type.dim[c->axis];
        int64_t *start = c->axis == 2 ? &g->row : &g->column;
        if (c->axis < 2 || c->axis > 3 || seen[c->axis - 2] || c->step < 2 || c->step > INT16_MAX ||
            c->start < 0 || c->start >= c->step || (g->step != 0 && g->step != c->step) ||
            !c2s_dim_is_known(extent) || extent % c->step != 0 || c->end < extent)
            return false;
        seen[c->axis - 2] = true;
        g->step = c->step;
        *start = c->start;
    }
    return true;
}

/* One Slice along both axes, or two. */
static bool read_grid(const c2s_value *value, grid *g) {
    bool seen[2] = {false, false};
    *g = (grid){0};
    for (unsigned i = 0; i < 2 && !(seen[0] && seen[1]); i++) {
        const c2s_node *slice = value ? value->def : NULL;
        if (!slice || slice->op != &c2s_op_slice || slice->graph != value->graph ||
            !add_slice(slice, g, seen))
            return false;
        g->x = c2s_node_in(slice, 0);
        value = g->x;
    }
    return seen[0] && seen[1] && g->x->type.kind == C2S_KIND_TENSOR && g->x->type.rank == 4;
}

/* The places that the operands of the Concat come from, in its order: at most MOST. */
enum { MOST = 64 };
typedef struct grids {
    c2s_value *x;
    int64_t step;
    unsigned count;
    uint8_t place[MOST];
    bool in_order;
} grids;

static const char *read_grids(const c2s_node *concat, grids *out) {
    grid g;
    bool seen[MOST] = {false};
    *out = (grids){.in_order = true};
    if (c2s_axis_in(concat, concat->outputs[0], INT64_MIN / 2) != 1)
        return c2s_no_match;
    for (unsigned k = 0; k < concat->formal_count; k++) {
        if (!read_grid(concat->inputs[k].value, &g) ||
            (k > 0 && (g.x != out->x || g.step != out->step)))
            return c2s_no_match;
        out->x = g.x;
        out->step = g.step;
        if (g.step * g.step != concat->formal_count || concat->formal_count > MOST)
            return c2s_no_match;
        const unsigned place = (unsigned)(g.row * g.step + g.column);
        if (seen[place])
            return c2s_no_match;
        seen[place] = true;
        out->place[out->count++] = (uint8_t)place;
        out->in_order = out->in_order && place == k;
    }
    if (out->count == 0)
        return c2s_no_match;
    return c2s_is_float_value(out->x) ? NULL : "the operator is not common for this type";
}

static c2s_value *build_space_to_depth(c2s_builder *b, const grids *g) {
    c2s_value *in[] = {g->x};
    c2s_node *node = c2s_build_start(b, "SpaceToDepth", in, 1);
    if (node)
        c2s_attr_set_int(node, "blocksize", g->step);
    return c2s_build_finish(b, node);
}

/* ---- in order ---- */

static const char *refuse(const c2s_match *m) {
    grids g;
    const char *reason = read_grids(m->root, &g);
    return reason || g.in_order ? reason : "the channels come in another order";
}

static c2s_value *build(c2s_builder *b, const c2s_match *m) {
    grids g;
    read_grids(m->root, &g);
    return build_space_to_depth(b, &g);
}

static const c2s_pattern_row alone[] = {{.op = &c2s_op_concat}};
const c2s_rule c2s_rule_slices_to_depth = {
    .name = "slices-to-depth",
    .summary = "Slices that take every n-th row and column, then Concat -> SpaceToDepth",
    C2S_ROWS(alone),
    .refuse = refuse,
    .build = build};

/* ---- in any order, before Conv ---- */

static const char *refuse_conv(const c2s_match *m) {
    grids g;
    const c2s_tensor *weight = m->value[W]->constant;
    const char *reason = read_grids(m->node[0], &g);
    if (reason || g.in_order)
        return reason ? reason : c2s_no_match;
    if (c2s_attr_int(m->root, "group", 1) != 1)
        return "the Conv works in groups";
    if (m->value[W]->use_count > 1)
        return "the weight has other readers";
    const c2s_dim channels = g.x->type.dim[1];
    return c2s_dim_is_known(channels) && weight->type.rank == 4 &&
                   weight->type.dim[1] == channels * g.count && c2s_is_float_value(m->value[W])
               ? NULL
               : "the number of channels is not known";
}

/* Channels of one place lie together. */
static c2s_tensor *reorder(c2s_builder *b, const c2s_tensor *weight, const grids *g) {
    c2s_tensor *tensor;
    if (!c2s_build_ok(b, c2s_tensor_create(weight->type.dtype, 4, weight->type.dim, &tensor)))
        return NULL;
    const size_t outputs = (size_t)weight->type.dim[0];
    const size_t run = outputs ? c2s_tensor_size(weight) / outputs / g->count : 0;
    char *to = c2s_tensor_mutable(tensor);
    const char *from = c2s_tensor_raw(weight);
    for (size_t o = 0; o < outputs && run; o++)
        for (unsigned k = 0; k < g->count; k++)
            memcpy(to + (o * g->count + g->place[k]) * run, from + (o * g->count + k) * run, run);
    c2s_tensor_forget(weight);
    return tensor;
}

static c2s_value *build_conv(c2s_builder *b, const c2s_match *m) {
    grids g;
    read_grids(m->node[0], &g);
    c2s_tensor *weight = reorder(b, m->value[W]->constant, &g);
    c2s_value *in[] = {build_space_to_depth(b, &g), c2s_build_constant_like(b, m->value[W], weight),
                       m->value[B]};
    return c2s_build_finish(b, c2s_build_like(b, m->root, in, m->value[B] ? 3 : 2));
}

static const c2s_pattern_row before_conv[] = {
    {.op = &c2s_op_concat, .out = Y},
    {.op = &c2s_op_conv, .in = {Y, W, B | C2S_OPTIONAL}},
};
const c2s_rule c2s_rule_slices_conv = {.name = "slices-to-depth-conv",
                                       .summary =
                                           "Slices that take every n-th row and column, then "
                                           "Concat in any order, then Conv -> SpaceToDepth, then "
                                           "Conv",
                                       C2S_ROWS(before_conv),
                                       .constants = C2S_BIT(W),
                                       .refuse = refuse_conv,
                                       .build = build_conv};
