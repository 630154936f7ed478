/* SPDX-License-Identifier: Apache-2.0
 *
 * Normalisations as what they are made of, after their definitions in ONNX; and the scale of
 * GroupNormalization, which was one per group.
 */
#include <string.h>

#include "io/opset_rows.h"
#include "ir/clone.h"

/* Where the definition of a normalisation is built. */
typedef struct norm {
    c2s_raise *r;
    c2s_node *node;
    c2s_dtype data, work; /* element types of the input, of the computation */
    int64_t axes[C2S_MAX_RANK];
    size_t axis_count;
    c2s_status status;
} norm;

static c2s_value *op1(const norm *n, const char *type, c2s_value *x) {
    return c2s_raise_node(n->r, n->node, type, &x, 1);
}

static c2s_value *op2(const norm *n, const char *type, c2s_value *a, c2s_value *b) {
    return c2s_raise_node(n->r, n->node, type, (c2s_value *[]){a, b}, 2);
}

static c2s_value *ints(norm *n, const char *hint, const int64_t *values, size_t count) {
    c2s_value *out = NULL;
    if (n->status == C2S_OK)
        n->status = c2s_raise_ints(n->r, n->node, hint, values, count, &out);
    return out;
}

static c2s_value *scalar(norm *n, const char *hint, double value) {
    c2s_value *out = NULL;
    if (n->status == C2S_OK)
        n->status = c2s_raise_scalar(n->r, n->node, hint, n->work, value, &out);
    return out;
}

/* In the form of the opset that the conversion started from. */
static c2s_value *mean_of(norm *n, c2s_value *x) {
    if (n->r->opset >= 18)
        return op2(n, "ReduceMean", x, ints(n, "axes", n->axes, n->axis_count));
    c2s_value *mean = op1(n, "ReduceMean", x);
    c2s_attr_set_ints(mean->def, "axes", n->axes, n->axis_count);
    return mean;
}

/* The computation is done in the stash type, or in double where the data are. */
static c2s_status start(norm *n, c2s_raise *r, c2s_node *node) {
    *n = (norm){.r = r, .node = node};
    C2S_TRY(c2s_opset_dtype(node, 0, &n->data));
    const int64_t stash = c2s_attr_int(node, "stash_type", C2S_FLOAT);
    if (!c2s_dtype_is_valid((int)stash) || !c2s_dtype_is_float((c2s_dtype)stash))
        return c2s_fail(C2S_ERR_INVALID, "stash_type is %lld, expected a float type",
                        (long long)stash);
    n->work = n->data == C2S_DOUBLE ? C2S_DOUBLE : (c2s_dtype)stash;
    return C2S_OK;
}

/* The axes from `axis` to the last one. */
static c2s_status axes_from(norm *n, int64_t axis) {
    const c2s_type *type = &n->node->inputs[0].value->type;
    if (axis >= 0) {
        if (type->rank < 0)
            return c2s_fail(C2S_ERR_UNSUPPORTED, "the rank of input 0 is not known");
        axis -= type->rank;
    }
    if (axis >= 0 || axis < -C2S_MAX_RANK)
        return c2s_fail(C2S_ERR_INVALID, "axis is out of range");
    for (; axis < 0; axis++)
        n->axes[n->axis_count++] = axis;
    return C2S_OK;
}

/* `value` takes the place of a further output of the node. */
static void give_output(norm *n, unsigned slot, c2s_value *value) {
    c2s_value *old = c2s_node_out(n->node, slot);
    if (!old)
        return;
    c2s_value_set_type(value, &old->type);
    c2s_value_replace(old, value);
    c2s_value_swap_names(old, value);
    c2s_node_drop_output(n->node, slot);
}

static c2s_value *cast_to(const norm *n, c2s_value *value, c2s_dtype from, c2s_dtype to) {
    return from == to ? value : c2s_opset_cast(n->r, n->node, value, to);
}

/* ---- LayerNormalization, RMSNormalization ---- */

c2s_status c2s_lower_layer_norm(c2s_raise *r, c2s_node *node) {
    norm n;
    C2S_TRY(start(&n, r, node));
    C2S_TRY(axes_from(&n, c2s_attr_int(node, "axis", -1)));
    const c2s_dtype stash = (c2s_dtype)c2s_attr_int(node, "stash_type", C2S_FLOAT);
    const double epsilon = (double)c2s_attr_float(node, "epsilon", 1e-5f);
    c2s_value *scale = c2s_node_in(node, 1), *bias = c2s_node_in(node, 2);
    c2s_value *x = cast_to(&n, c2s_node_in(node, 0), n.data, n.work);
    c2s_value *mean = mean_of(&n, x), *centred = op2(&n, "Sub", x, mean);
    c2s_value *variance = mean_of(&n, op2(&n, "Mul", centred, centred));
    c2s_value *shifted = op2(&n, "Add", variance, scalar(&n, "epsilon", epsilon));
    c2s_value *inverse = op1(&n, "Reciprocal", op1(&n, "Sqrt", shifted));
    c2s_value *unit = cast_to(&n, op2(&n, "Mul", centred, inverse), n.work, n.data);
    C2S_TRY(n.status);
    give_output(&n, 2, cast_to(&n, inverse, n.work, stash));
    give_output(&n, 1, cast_to(&n, mean, n.work, stash));
    if (bias)
        c2s_raise_become(node, "Add", (c2s_value *[]){op2(&n, "Mul", unit, scale), bias}, 2);
    else
        c2s_raise_become(node, "Mul", (c2s_value *[]){unit, scale}, 2);
    return C2S_OK;
}

c2s_status c2s_lower_rms_norm(c2s_raise *r, c2s_node *node) {
    norm n;
    c2s_dtype result;
    C2S_TRY(start(&n, r, node));
    C2S_TRY(axes_from(&n, c2s_attr_int(node, "axis", -1)));
    C2S_TRY(c2s_opset_dtype(node, 1, &result));
    const double epsilon = (double)c2s_attr_float(node, "epsilon", 1e-5f);
    c2s_value *scale = c2s_node_in(node, 1);
    c2s_value *x = cast_to(&n, c2s_node_in(node, 0), n.data, n.work);
    c2s_value *square = mean_of(&n, op2(&n, "Mul", x, x));
    c2s_value *shifted = op2(&n, "Add", square, scalar(&n, "epsilon", epsilon));
    c2s_value *inverse = op1(&n, "Reciprocal", op1(&n, "Sqrt", shifted));
    c2s_value *unit = cast_to(&n, op2(&n, "Mul", x, inverse), n.work, result);
    C2S_TRY(n.status);
    c2s_raise_become(node, "Mul", (c2s_value *[]){unit, scale}, 2);
    return C2S_OK;
}

/* ---- MeanVarianceNormalization ---- */

c2s_status c2s_lower_mvn(c2s_raise *r, c2s_node *node) {
    static const int64_t usual[] = {0, 2, 3};
    norm n;
    size_t count;
    const int64_t *axes = c2s_attr_ints(node, "axes", &count);
    C2S_TRY(start(&n, r, node));
    n.work = n.data;
    n.axis_count = axes ? count : 3;
    if (n.axis_count > C2S_MAX_RANK)
        return c2s_fail(C2S_ERR_INVALID, "%zu axes", count);
    memcpy(n.axes, axes ? axes : usual, n.axis_count * sizeof *n.axes);
    c2s_value *x = c2s_node_in(node, 0), *centred = op2(&n, "Sub", x, mean_of(&n, x));
    c2s_value *variance = mean_of(&n, op2(&n, "Mul", centred, centred));
    c2s_value *deviation = op2(&n, "Add", op1(&n, "Sqrt", variance), scalar(&n, "tiny", 1e-9));
    C2S_TRY(n.status);
    c2s_raise_become(node, "Div", (c2s_value *[]){centred, deviation}, 2);
    return C2S_OK;
}

/* ---- GroupNormalization ---- */

static bool is_extent(const c2s_value *value, int axis, int64_t extent) {
    const c2s_type *type = &value->type;
    return c2s_type_is_tensor(type) && axis < type->rank && type->dim[axis] == extent;
}

/* One number per group becomes one per channel of the group. */
static c2s_value *repeat(norm *n, c2s_value *per_group, int64_t groups, c2s_value *shape) {
    c2s_value *column = op2(n, "Reshape", per_group, ints(n, "column", (int64_t[]){groups, 1}, 2));
    c2s_value *table = op2(n, "Expand", column, shape);
    return op2(n, "Reshape", table, ints(n, "channels", (int64_t[]){-1}, 1));
}

c2s_status c2s_raise_group_norm(c2s_raise *r, c2s_node *node) {
    const int64_t groups = c2s_attr_int(node, "num_groups", 0);
    c2s_value *x = c2s_node_in(node, 0), *scale = c2s_node_in(node, 1), *shape;
    norm n = {.r = r, .node = node};
    C2S_TRY(c2s_raise_no_references(node));
    C2S_TRY(c2s_raise_need(node, 3));
    if (groups < 1)
        return c2s_fail(C2S_ERR_INVALID, "num_groups is %lld", (long long)groups);
    const bool known =
        c2s_type_is_tensor(&x->type) && x->type.rank > 1 && c2s_dim_is_known(x->type.dim[1]);
    if (known && is_extent(scale, 0, x->type.dim[1]))
        return C2S_OK;
    if (known) {
        shape = ints(&n, "shape", (int64_t[]){groups, x->type.dim[1] / groups}, 2);
    } else {
        c2s_value *channels = op1(&n, "Shape", x), *count = ints(&n, "groups", &groups, 1);
        c2s_attr_set_int(channels->def, "start", 1);
        c2s_attr_set_int(channels->def, "end", 2);
        shape = op2(&n, "Concat", count, op2(&n, "Div", channels, count));
        c2s_attr_set_int(shape->def, "axis", 0);
    }
    c2s_value *wide[] = {repeat(&n, scale, groups, shape),
                         repeat(&n, c2s_node_in(node, 2), groups, shape)};
    C2S_TRY(n.status);
    c2s_use_set(&node->inputs[1], wide[0]);
    c2s_use_set(&node->inputs[2], wide[1]);
    return C2S_OK;
}

/* A vector per channel with the rank of the data: [C, 1, 1, ...]. */
static c2s_value *per_channel(norm *n, c2s_value *vector, int rank) {
    int64_t shape[C2S_MAX_RANK] = {-1};
    for (int d = 2; d < rank; d++)
        shape[d - 1] = 1;
    return rank == 2 ? vector
                     : op2(n, "Reshape", vector, ints(n, "per_channel", shape, (size_t)rank - 1));
}

/* Before opset 18 there is no such operator, and its first version, one scale per group, is gone
 * again: InstanceNormalization of the groups, then scale and bias. */
c2s_status c2s_lower_group_norm(c2s_raise *r, c2s_node *node) {
    norm n;
    const int64_t groups = c2s_attr_int(node, "num_groups", 0);
    c2s_value *in[3] = {c2s_node_in(node, 0), c2s_node_in(node, 1), c2s_node_in(node, 2)};
    C2S_TRY(start(&n, r, node));
    const int rank = in[0]->type.rank;
    if (rank < 2 || groups < 1)
        return c2s_fail(C2S_ERR_UNSUPPORTED, "the rank of input 0 is not known");
    double *ones = c2s_alloc_array((size_t)groups, sizeof *ones);
    double *zeros = c2s_alloc_array((size_t)groups, sizeof *zeros);
    for (int64_t g = 0; g < groups; g++)
        ones[g] = 1, zeros[g] = 0;
    c2s_tensor *scale = NULL, *bias = NULL;
    n.status = c2s_tensor_from_f64(n.work, 1, &groups, ones, &scale);
    if (n.status == C2S_OK)
        n.status = c2s_tensor_from_f64(n.work, 1, &groups, zeros, &bias);
    free(ones);
    free(zeros);
    C2S_TRY(n.status);
    c2s_value *shape = op1(&n, "Shape", in[0]);
    c2s_value *flat = op2(&n, "Reshape", in[0], ints(&n, "groups", (int64_t[]){0, groups, -1}, 3));
    c2s_value *unit = c2s_raise_node(r, node, "InstanceNormalization",
                                     (c2s_value *[]){cast_to(&n, flat, n.data, n.work),
                                                     c2s_raise_constant(r, node, "ones", scale),
                                                     c2s_raise_constant(r, node, "zeros", bias)},
                                     3);
    c2s_attr_set_float(unit->def, "epsilon", c2s_attr_float(node, "epsilon", 1e-5f));
    c2s_value *whole = op2(&n, "Reshape", cast_to(&n, unit, n.work, n.data), shape);
    c2s_value *scaled = op2(&n, "Mul", whole, per_channel(&n, in[1], rank));
    c2s_value *offset = per_channel(&n, in[2], rank);
    C2S_TRY(n.status);
    c2s_raise_become(node, "Add", (c2s_value *[]){scaled, offset}, 2);
    return C2S_OK;
}
