/* SPDX-License-Identifier: Apache-2.0
 *
 * Before: x * cos + Concat(-x2, x1) * sin, where x1 and x2 are the halves of the last axis of x,
 *         and those of cos and sin are equal
 * Before: a * cos - b * sin and a * sin + b * cos, of the neighbours a and b in the last axis of x,
 *         put side by side again
 * After:  RotaryEmbedding of x, [batch, heads, length, width], or joined to 3 axes where x is
 *         [batch, length, heads, width]
 * Refuses when angles differ from head to head, or halves are not known to be equal.
 */
#include "passes/recompose/attention_mask.h"
#include "passes/recompose/attention_parts.h"

typedef struct rotary {
    c2s_node *node[C2S_PATTERN_ROWS]; /* users before producers */
    unsigned count;
    c2s_value *x;        /* 4 axes, or 5 with the pairs in the last one */
    c2s_value *angle[2]; /* cosines and sines, broadcast to x or to half of it */
    bool interleaved;
} rotary;

static c2s_node *take(rotary *r, c2s_value *value, const c2s_op *op) {
    c2s_node *node = c2s_maker(value, op);
    for (unsigned i = 0; node && i < r->count; i++)
        if (r->node[i] == node)
            return node;
    if (node && r->count < C2S_PATTERN_ROWS)
        r->node[r->count++] = node;
    return node;
}

static int64_t last_axis(const c2s_value *value, int64_t axis) {
    return axis < 0 ? axis + value->type.rank : axis;
}

static bool is_last(const c2s_value *value, int64_t axis) {
    return value->type.rank > 0 && last_axis(value, axis) == value->type.rank - 1;
}

/* ---- halves ---- */

/* A part of the last axis alone, by steps of `step`: where it starts and how long it is. */
static c2s_value *sliced(rotary *r, c2s_value *value, int64_t step, int64_t *start) {
    c2s_ints from, axes, steps = {{1}, 1};
    c2s_node *slice = take(r, value, &c2s_op_slice);
    c2s_value *x = slice ? c2s_node_in(slice, 0) : NULL;
    if (!x || !c2s_constant_ints(c2s_node_in(slice, 1), &from) || from.count != 1 ||
        !c2s_constant_ints(c2s_node_in(slice, 3), &axes) || axes.count != 1 ||
        (c2s_node_in(slice, 4) && !c2s_constant_ints(c2s_node_in(slice, 4), &steps)) ||
        steps.at[0] != step || !is_last(x, axes.at[0]))
        return NULL;
    *start = from.at[0];
    return x;
}

/* Half `half` of the last axis of what is returned. */
static c2s_value *half_of(rotary *r, c2s_value *value, unsigned half) {
    int64_t start;
    if (c2s_maker(value, &c2s_op_slice)) {
        c2s_value *x = sliced(r, value, 1, &start);
        c2s_dim width = x ? x->type.dim[x->type.rank - 1] : 0;
        bool good = c2s_is_extent(width) && width % 2 == 0 &&
                    value->type.dim[x->type.rank - 1] == width / 2 &&
                    (start == (half ? width / 2 : 0) || (half && start == -width / 2));
        return good ? x : NULL;
    }
    c2s_node *split = value->def;
    if (!split || split->op != &c2s_op_split || split->output_count != 2 ||
        split->outputs[half] != value)
        return NULL;
    c2s_value *x = c2s_node_in(split, 0);
    c2s_dim width = x->type.rank > 0 ? x->type.dim[x->type.rank - 1] : 0;
    return c2s_is_extent(width) && is_last(x, c2s_attr_int(split, "axis", 0)) &&
                   value->type.dim[x->type.rank - 1] == width - width / 2 && width % 2 == 0
               ? x
               : NULL;
}

/* x turned by a quarter: Concat(-x2, x1). */
static c2s_value *turned(rotary *r, c2s_value *value) {
    c2s_node *concat = take(r, value, &c2s_op_concat);
    if (!concat || concat->formal_count != 2 || !is_last(value, c2s_attr_int(concat, "axis", 0)))
        return NULL;
    c2s_node *neg = take(r, c2s_node_in(concat, 0), &c2s_op_neg);
    c2s_value *second = neg ? half_of(r, c2s_node_in(neg, 0), 1) : NULL;
    c2s_value *first = half_of(r, c2s_node_in(concat, 1), 0);
    return first && first == second ? first : NULL;
}

static bool read_halves(c2s_node *root, rotary *r) {
    for (unsigned swap = 0; swap < 4; swap++) { /* operands of both products */
        *r = (rotary){.node = {root}, .count = 1};
        c2s_node *plain = take(r, c2s_node_in(root, 0), &c2s_op_mul);
        c2s_node *quarter = take(r, c2s_node_in(root, 1), &c2s_op_mul);
        if (!plain || !quarter)
            return false;
        if (swap & 2) {
            c2s_node *other = plain;
            plain = quarter;
            quarter = other;
        }
        c2s_value *back = c2s_node_in(quarter, swap & 1);
        r->x = back ? turned(r, back) : NULL;
        r->angle[1] = c2s_node_in(quarter, 1 - (swap & 1));
        for (unsigned i = 0; i < 2; i++)
            if (r->x && c2s_node_in(plain, i) == r->x) {
                r->angle[0] = c2s_node_in(plain, 1 - i);
                return r->x->type.rank == 4;
            }
    }
    return false;
}

/* ---- pairs ---- */

/* Number `which` of each pair in the last axis of what is returned. */
static c2s_value *one_of_pair(rotary *r, c2s_value *value, int64_t which) {
    c2s_node *gather = c2s_maker(value, &c2s_op_gather);
    double index;
    if (!gather) {
        int64_t start;
        c2s_value *x = sliced(r, value, 2, &start);
        c2s_dim width = x && x->type.rank > 0 ? x->type.dim[x->type.rank - 1] : 0;
        return c2s_is_extent(width) && width % 2 == 0 && start == which &&
                       value->type.dim[x->type.rank - 1] == width / 2
                   ? x
                   : NULL;
    }
    c2s_value *x = c2s_node_in(take(r, value, &c2s_op_gather), 0);
    c2s_value *at = c2s_node_in(gather, 1);
    return c2s_constant_scalar(at, &index) && at->type.rank == 0 &&
                   (index == (double)which || index == (double)which - 2) &&
                   is_last(x, c2s_attr_int(gather, "axis", 0)) && x->type.dim[x->type.rank - 1] == 2
               ? x
               : NULL;
}

typedef struct product {
    c2s_value *pair;
    int64_t which;
    c2s_value *angle;
} product;

/* A number of a pair times an angle. */
static bool read_product(rotary *r, c2s_value *value, int64_t which, product *p) {
    c2s_node *mul = take(r, value, &c2s_op_mul);
    for (unsigned i = 0; mul && i < 2; i++) {
        c2s_value *side = c2s_node_in(mul, i);
        unsigned before = r->count;
        p->pair = side ? one_of_pair(r, side, which) : NULL;
        p->angle = c2s_node_in(mul, 1 - i);
        if (p->pair)
            return true;
        r->count = before;
    }
    return false;
}

/* One of the parts that Concat puts side by side. */
static c2s_node *part_of(rotary *r, c2s_value *value, const c2s_op *op) {
    c2s_node *unsqueeze = take(r, value, &c2s_op_unsqueeze);
    c2s_ints axes;
    bool given;
    if (!unsqueeze || !c2s_node_axes(unsqueeze, 1, value->type.rank, &axes, &given) || !given ||
        axes.count != 1 || !is_last(value, axes.at[0]))
        return NULL;
    return take(r, c2s_node_in(unsqueeze, 0), op);
}

static bool read_pairs(c2s_node *root, rotary *r) {
    *r = (rotary){.node = {root}, .count = 1, .interleaved = true};
    c2s_value *stacked = c2s_node_in(root, 0);
    c2s_node *concat = take(r, stacked, &c2s_op_concat);
    if (!concat || concat->formal_count != 2 || stacked->type.rank != 5 ||
        !is_last(stacked, c2s_attr_int(concat, "axis", 0)))
        return false;
    c2s_node *real = part_of(r, c2s_node_in(concat, 0), &c2s_op_sub);
    c2s_node *imaginary = part_of(r, c2s_node_in(concat, 1), &c2s_op_add);
    product p[4];
    if (!real || !imaginary || !read_product(r, c2s_node_in(real, 0), 0, &p[0]) ||
        !read_product(r, c2s_node_in(real, 1), 1, &p[1]))
        return false;
    unsigned before = r->count;
    for (unsigned swap = 0; swap < 2; swap++, r->count = before)
        if (read_product(r, c2s_node_in(imaginary, swap), 0, &p[2]) &&
            read_product(r, c2s_node_in(imaginary, 1 - swap), 1, &p[3])) {
            r->x = p[0].pair;
            r->angle[0] = p[0].angle;
            r->angle[1] = p[1].angle;
            return p[1].pair == r->x && p[2].pair == r->x && p[3].pair == r->x &&
                   p[2].angle == p[1].angle && p[3].angle == p[0].angle;
        }
    return false;
}

/* ---- deciding ---- */

static bool read(c2s_node *root, rotary *r) {
    return root->op == &c2s_op_add ? read_halves(root, r) : read_pairs(root, r);
}

static bool find(c2s_node *root, c2s_match *m) {
    rotary r;
    if (!read(root, &r) || !r.angle[0] || !r.angle[1] || r.count == C2S_PATTERN_ROWS)
        return false;
    /* Each node was met on the way from a user, but perhaps not from all of them. */
    m->node_count = 0;
    for (unsigned i = r.count; i-- > 0;)
        m->node[m->node_count++] = r.node[i];
    return true;
}

/* The angles' axis for axis `axis` of x's first four; -1: broadcast. */
static int own_axis(const c2s_value *angle, int axis) {
    return axis - (4 - angle->type.rank);
}

static c2s_dim extent_at(const c2s_value *angle, int axis) {
    int own = own_axis(angle, axis);
    return own < 0 ? 1 : angle->type.dim[own];
}

/* The same angles in both halves of the last axis. */
static bool halves_are_equal(const c2s_value *value) {
    enum { MOST_STEPS = 12 };
    static const c2s_op *const through[] = {&c2s_op_cos,       &c2s_op_sin,      &c2s_op_cast,
                                            &c2s_op_unsqueeze, &c2s_op_identity, &c2s_op_squeeze,
                                            &c2s_op_slice,     &c2s_op_gather,   NULL};
    for (int i = 0; i < MOST_STEPS; i++) {
        const c2s_tensor *t = value->constant;
        int64_t width = t && t->type.rank > 0 ? t->type.dim[t->type.rank - 1] : 0;
        if (t) {
            bool equal = width > 0 && width % 2 == 0 && c2s_is_float_value(value);
            for (size_t k = 0; equal && k < t->count; k++)
                if ((int64_t)k % width < width / 2)
                    equal = c2s_tensor_f64_at(t, k) == c2s_tensor_f64_at(t, k + (size_t)width / 2);
            return equal;
        }
        c2s_node *concat = c2s_maker(value, &c2s_op_concat);
        if (concat)
            return concat->formal_count == 2 && is_last(value, c2s_attr_int(concat, "axis", 0)) &&
                   c2s_node_in(concat, 0) == c2s_node_in(concat, 1);
        double factor = 1;
        c2s_value *of;
        c2s_unscaled((c2s_value *)value, &of, &factor);
        const c2s_op *const *op = through;
        while (of == value && *op && !c2s_maker(value, *op))
            op++;
        if (of == value && !*op)
            return false;
        of = of != value ? of : c2s_node_in(value->def, 0);
        /* The last axis stays the last one, whole. */
        if (of->type.rank < 1 || value->type.rank < 1 ||
            of->type.dim[of->type.rank - 1] != value->type.dim[value->type.rank - 1] ||
            !c2s_is_extent(of->type.dim[of->type.rank - 1]) ||
            (value->def->op == &c2s_op_gather && is_last(of, c2s_attr_int(value->def, "axis", 0))))
            return false;
        value = of;
    }
    return false;
}

/* [batch, heads, length, width] or [batch, length, heads, width]: 1 or 2, the axis of heads; 0: the
 * angles fit neither. */
static int axis_of_heads(const rotary *r, int64_t width) {
    for (int heads = 1; heads <= 2; heads++) {
        bool fits = true;
        for (unsigned i = 0; i < 2 && fits; i++) {
            const c2s_value *angle = r->angle[i];
            int length = own_axis(angle, 3 - heads);
            fits = angle->type.rank >= 2 && angle->type.rank <= 4 && length >= 0 &&
                   extent_at(angle, heads) == 1 && extent_at(angle, 3) == width &&
                   (extent_at(angle, 0) == 1 || extent_at(angle, 0) == r->x->type.dim[0]) &&
                   c2s_mask_has_extent(angle, length, r->x->type.dim[3 - heads]);
        }
        if (fits)
            return heads;
    }
    return 0;
}

static const char *refuse(const c2s_match *m) {
    rotary r;
    read(m->root, &r);
    const c2s_type *x = &r.x->type, *y = &m->root->outputs[0]->type;
    if (!c2s_is_float_value(r.x) || x->dtype == C2S_DOUBLE || y->rank != 4 ||
        !c2s_is_float_value(r.angle[0]) || !c2s_is_float_value(r.angle[1]))
        return "the heads are no half or single floats in 4 axes";
    for (int i = 0; i < 3; i++)
        if (x->dim[i] != y->dim[i])
            return "the extents of the result are not known to be those of the heads";
    c2s_dim width = y->dim[3];
    if (!c2s_is_extent(width) || width % 2 || !(x->rank == 5 || x->dim[3] == width))
        return "the width of the heads is not known";
    int heads = axis_of_heads(&r, r.interleaved ? width / 2 : width);
    if (!heads)
        return "the angles are not those of the positions";
    if (heads == 2 && !c2s_is_extent(y->dim[2]))
        return "the number of heads is not known";
    if (!r.interleaved && !(halves_are_equal(r.angle[0]) && halves_are_equal(r.angle[1])))
        return "the halves of the angles are not known to be equal";
    return NULL;
}

/* ---- building ---- */

/* Angles as [batch, length, width / 2]. */
static c2s_value *build_angles(c2s_builder *b, const rotary *r, c2s_value *angle, int heads,
                               int64_t width) {
    const int64_t axis = own_axis(angle, heads), zero = 0, last = -1, half = width / 2;
    c2s_dim batch = extent_at(angle, 0);
    if (!r->interleaved) {
        c2s_value *in[] = {angle, c2s_build_ints(b, "starts", &zero, 1),
                           c2s_build_ints(b, "ends", &half, 1),
                           c2s_build_ints(b, "axes", &last, 1)};
        angle = c2s_build(b, "Slice", in, 4);
    }
    if (angle && axis >= 0) {
        c2s_value *in[] = {angle, c2s_build_ints(b, "axes", &axis, 1)};
        angle = c2s_build(b, "Squeeze", in, 2);
    }
    if (angle && angle->type.rank == 2) {
        c2s_value *in[] = {angle, c2s_build_ints(b, "axes", &zero, 1)};
        angle = c2s_build(b, "Unsqueeze", in, 2);
    }
    if (!angle || batch == r->x->type.dim[0])
        return angle;
    static const int64_t ones[] = {1, 1};
    c2s_value *extent[] = {c2s_build_extent(b, r->x->type.dim[0]),
                           c2s_build_ints(b, "ones", ones, 2)};
    if (!extent[0]) {
        c2s_build_ok(b, c2s_fail(C2S_ERR_UNSUPPORTED, "the number of sequences is not at hand"));
        return NULL;
    }
    c2s_node *shape = c2s_build_start(b, "Concat", extent, 2);
    if (shape)
        c2s_attr_set_int(shape, "axis", 0);
    c2s_value *in[] = {angle, c2s_build_finish(b, shape)};
    return in[1] ? c2s_build(b, "Expand", in, 2) : NULL;
}

/* Both forms as 4 axes. */
static c2s_value *build_four(c2s_builder *b, const rotary *r, const c2s_value *like) {
    c2s_ints target;
    if (r->x->type.rank == 4)
        return r->x;
    if (!c2s_reshape_target(r->x, like->type.dim, 4, &target)) {
        c2s_build_ok(b, c2s_fail(C2S_ERR_UNSUPPORTED, "the extents of the heads are not known"));
        return NULL;
    }
    c2s_node *split = c2s_maker(r->x, &c2s_op_reshape);
    c2s_value *from = split ? c2s_node_in(split, 0) : r->x;
    if (from != r->x && !c2s_is_joined(b->graph->model->dims, &from->type, &like->type))
        from = r->x;
    c2s_value *in[] = {from, c2s_build_ints(b, "shape", target.at, target.count)};
    return c2s_build(b, "Reshape", in, 2);
}

static c2s_value *build(c2s_builder *b, const c2s_match *m) {
    rotary r;
    read(m->root, &r);
    const c2s_value *result = m->root->outputs[0];
    int64_t width = result->type.dim[3];
    int heads = axis_of_heads(&r, r.interleaved ? width / 2 : width);
    c2s_value *four = build_four(b, &r, result);
    if (!four)
        return NULL;
    c2s_value *in[] = {heads == 1 ? four : c2s_build_joined(b, four),
                       build_angles(b, &r, r.angle[0], heads, width),
                       build_angles(b, &r, r.angle[1], heads, width)};
    c2s_node *node = in[1] && in[2] ? c2s_build_start(b, "RotaryEmbedding", in, 3) : NULL;
    if (!node)
        return NULL;
    if (r.interleaved)
        c2s_attr_set_int(node, "interleaved", 1);
    if (heads == 1)
        return c2s_build_finish(b, node);
    c2s_attr_set_int(node, "num_heads", result->type.dim[2]);
    c2s_ints target;
    c2s_value *joined = c2s_build_finish(b, node);
    if (!joined || !c2s_reshape_target_of(joined, result, &target)) {
        c2s_build_ok(b, c2s_fail(C2S_ERR_UNSUPPORTED, "the extents of the heads are not known"));
        return NULL;
    }
    c2s_value *split[] = {joined, c2s_build_ints(b, "shape", target.at, target.count)};
    return c2s_build(b, "Reshape", split, 2);
}

static const c2s_op *const roots[] = {&c2s_op_add, &c2s_op_reshape, NULL};
static const c2s_pattern_row rows[] = {{.any_of = roots}};
const c2s_rule c2s_rule_rotary = {
    .name = "rotary",
    .summary = "pairs of a head's numbers turned by angles of their position -> RotaryEmbedding",
    C2S_ROWS(rows),
    .opset = 23,
    .find = find,
    .refuse = refuse,
    .build = build};
