/* SPDX-License-Identifier: Apache-2.0
 *
 * Inputs that older opsets have as attributes, so that they must be constants; and back.
 */
#include <math.h>
#include <string.h>

#include "io/opset_rows.h"

static c2s_status need_constant(const c2s_node *node, unsigned slot, const char *what,
                                const c2s_tensor **out) {
    const c2s_value *value = c2s_node_in(node, slot);
    *out = value->constant;
    if (!*out || (*out)->type.kind != C2S_KIND_TENSOR)
        return c2s_fail(C2S_ERR_UNSUPPORTED,
                        "the input \"%s\" is computed while the model runs, and older opsets take "
                        "it as an attribute",
                        what);
    return C2S_OK;
}

static void drop_input(c2s_node *node, unsigned slot) {
    c2s_use_set(&node->inputs[slot], NULL);
    c2s_node_trim_inputs(node);
}

/* An int64 input that becomes a list attribute; left out: nothing happens. */
static c2s_status input_to_ints(c2s_node *node, unsigned slot, const char *name) {
    const c2s_tensor *tensor;
    if (!c2s_node_in(node, slot))
        return C2S_OK;
    C2S_TRY(need_constant(node, slot, name, &tensor));
    int64_t *values = c2s_alloc_array(tensor->count + 1, sizeof *values);
    bool whole = true;
    for (size_t i = 0; i < tensor->count; i++)
        whole = c2s_tensor_i64_at(tensor, i, &values[i]) && whole;
    if (whole)
        c2s_attr_set_ints(node, name, values, tensor->count);
    free(values);
    if (!whole)
        return c2s_fail(C2S_ERR_INVALID, "the input \"%s\" is not of integers", name);
    drop_input(node, slot);
    return C2S_OK;
}

/* A scalar input that becomes a float attribute without loss. */
static c2s_status input_to_float(c2s_node *node, unsigned slot, const char *name) {
    const c2s_tensor *tensor;
    if (!c2s_node_in(node, slot))
        return C2S_OK;
    C2S_TRY(need_constant(node, slot, name, &tensor));
    if (tensor->count != 1 || tensor->type.dtype == C2S_STRING)
        return c2s_fail(C2S_ERR_INVALID, "the input \"%s\" is not a number", name);
    const double value = c2s_tensor_f64_at(tensor, 0);
    if ((double)(float)value != value && !isnan(value))
        return c2s_fail(
            C2S_ERR_UNSUPPORTED,
            "the input \"%s\" is %.17g, which the float attribute of older opsets cannot hold",
            name, value);
    c2s_attr_set_float(node, name, (float)value);
    drop_input(node, slot);
    return C2S_OK;
}

/* ---- Squeeze, Unsqueeze, Split, Slice, TopK, DFT ---- */

c2s_status c2s_lower_axes(c2s_raise *r, c2s_node *node) {
    (void)r;
    return input_to_ints(node, 1, "axes");
}

c2s_status c2s_lower_split_lengths(c2s_raise *r, c2s_node *node) {
    (void)r;
    return input_to_ints(node, 1, "split");
}

c2s_status c2s_raise_split_count(c2s_raise *r, c2s_node *node) {
    (void)r;
    if (!c2s_node_in(node, 1) && !c2s_attr_has(node, "num_outputs"))
        c2s_attr_set_int(node, "num_outputs", node->output_count);
    return C2S_OK;
}

/* Without lengths the parts were equal; with a count the last one may be shorter. */
c2s_status c2s_lower_split_count(c2s_raise *r, c2s_node *node) {
    const int64_t parts = c2s_attr_int(node, "num_outputs", 0);
    if (c2s_node_in(node, 1) || parts < 1) {
        c2s_attr_remove(node, "num_outputs");
        return C2S_OK;
    }
    const c2s_type *type = &node->inputs[0].value->type;
    int64_t axis = c2s_attr_int(node, "axis", 0), lengths[256];
    if (axis < 0)
        axis += type->rank;
    const bool known = c2s_type_is_tensor(type) && axis >= 0 && axis < type->rank &&
                       c2s_dim_is_known(type->dim[axis]);
    if (!known && parts > 1)
        return c2s_fail(C2S_ERR_UNSUPPORTED,
                        "the extent to split is not known, and older opsets split into equal parts "
                        "or by given lengths");
    c2s_attr_remove(node, "num_outputs");
    if (parts == 1 || type->dim[axis] % parts == 0)
        return C2S_OK;
    if (parts > 256)
        return c2s_fail(C2S_ERR_UNSUPPORTED, "%lld unequal parts", (long long)parts);
    const int64_t extent = type->dim[axis], each = (extent + parts - 1) / parts;
    for (int64_t i = 0; i < parts; i++) {
        const int64_t left = extent - i * each;
        lengths[i] = left < 0 ? 0 : left < each ? left : each;
    }
    c2s_value *list;
    C2S_TRY(c2s_raise_ints(r, node, "split", lengths, (size_t)parts, &list));
    c2s_raise_set_input(node, 1, list);
    return C2S_OK;
}

c2s_status c2s_lower_slice(c2s_raise *r, c2s_node *node) {
    (void)r;
    const c2s_tensor *steps;
    if (c2s_node_in(node, 4)) {
        C2S_TRY(need_constant(node, 4, "steps", &steps));
        for (size_t i = 0; i < steps->count; i++)
            if (c2s_tensor_f64_at(steps, i) != 1)
                return c2s_fail(C2S_ERR_UNSUPPORTED, "a step is %g, older opsets only have 1",
                                c2s_tensor_f64_at(steps, i));
        drop_input(node, 4);
    }
    C2S_TRY(input_to_ints(node, 3, "axes"));
    C2S_TRY(input_to_ints(node, 2, "ends"));
    return input_to_ints(node, 1, "starts");
}

c2s_status c2s_lower_topk(c2s_raise *r, c2s_node *node) {
    (void)r;
    const c2s_tensor *k;
    int64_t count;
    if (!c2s_node_in(node, 1))
        return C2S_OK;
    C2S_TRY(need_constant(node, 1, "k", &k));
    if (k->count != 1 || !c2s_tensor_i64_at(k, 0, &count))
        return c2s_fail(C2S_ERR_INVALID, "k is not one integer");
    c2s_attr_set_int(node, "k", count);
    drop_input(node, 1);
    return C2S_OK;
}

c2s_status c2s_raise_dft_axis(c2s_raise *r, c2s_node *node) {
    const c2s_attr *axis = c2s_attr_find(node, "axis");
    c2s_value *scalar;
    if (!axis)
        return C2S_OK;
    C2S_TRY(c2s_raise_no_references(node));
    C2S_TRY(c2s_raise_scalar(r, node, "axis", C2S_INT64, (double)axis->i, &scalar));
    c2s_raise_set_input(node, 2, scalar);
    c2s_attr_remove(node, "axis");
    return C2S_OK;
}

c2s_status c2s_lower_dft(c2s_raise *r, c2s_node *node) {
    (void)r;
    const c2s_tensor *axis;
    int64_t value = -2;
    if (c2s_attr_has(node, "axis"))
        return C2S_OK;
    if (c2s_node_in(node, 2)) {
        C2S_TRY(need_constant(node, 2, "axis", &axis));
        if (axis->count != 1 || !c2s_tensor_i64_at(axis, 0, &value))
            return c2s_fail(C2S_ERR_INVALID, "the axis is not one integer");
        drop_input(node, 2);
    }
    c2s_attr_set_int(node, "axis", value);
    return C2S_OK;
}

/* ---- Reduce... ---- */

/* Reduction over no axes at all: what the operator does to each element. */
static void become_elementwise(c2s_node *node) {
    static const struct {
        const char *reduction, *elementwise;
    } table[] = {{"ReduceL1", "Abs"}, {"ReduceL2", "Abs"}, {"ReduceLogSum", "Log"}};
    c2s_value *x = c2s_node_in(node, 0);
    if (strcmp(node->type, "ReduceSumSquare") == 0) {
        c2s_raise_become(node, "Mul", (c2s_value *[]){x, x}, 2);
        return;
    }
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++)
        if (strcmp(node->type, table[i].reduction) == 0) {
            c2s_raise_become(node, table[i].elementwise, &x, 1);
            return;
        }
    c2s_raise_become(node, "Identity", &x, 1);
}

c2s_status c2s_lower_reduce_axes(c2s_raise *r, c2s_node *node) {
    (void)r;
    const c2s_value *axes = c2s_node_in(node, 1);
    const c2s_tensor *list = NULL;
    if (axes)
        C2S_TRY(need_constant(node, 1, "axes", &list));
    const bool none = !c2s_attr_has(node, "axes") && (!axes || list->count == 0);
    if (none && c2s_attr_int(node, "noop_with_empty_axes", 0)) {
        become_elementwise(node);
        return C2S_OK;
    }
    c2s_attr_remove(node, "noop_with_empty_axes");
    if (axes && list->count == 0)
        drop_input(node, 1);
    return input_to_ints(node, 1, "axes");
}

/* ---- Pad ---- */

/* Pads for some axes become pads for all of them. */
c2s_status c2s_lower_pad_axes(c2s_raise *r, c2s_node *node) {
    const c2s_tensor *axes, *pads;
    if (!c2s_node_in(node, 3))
        return C2S_OK;
    C2S_TRY(need_constant(node, 3, "axes", &axes));
    C2S_TRY(need_constant(node, 1, "pads", &pads));
    const c2s_type *type = &node->inputs[0].value->type;
    int64_t whole[2 * C2S_MAX_RANK] = {0};
    if (!c2s_type_is_tensor(type) || type->rank < 0)
        return c2s_fail(C2S_ERR_UNSUPPORTED, "pads are for some axes, and the rank is not known");
    if (pads->count != 2 * axes->count)
        return c2s_fail(C2S_ERR_INVALID, "%zu pads for %zu axes", pads->count, axes->count);
    for (size_t i = 0; i < axes->count; i++) {
        int64_t axis;
        if (!c2s_tensor_i64_at(axes, i, &axis) || axis < -type->rank || axis >= type->rank)
            return c2s_fail(C2S_ERR_INVALID, "an axis of the pads is out of range");
        axis += axis < 0 ? type->rank : 0;
        if (!c2s_tensor_i64_at(pads, i, &whole[axis]) ||
            !c2s_tensor_i64_at(pads, i + axes->count, &whole[axis + type->rank]))
            return c2s_fail(C2S_ERR_INVALID, "the pads are not integers");
    }
    c2s_value *list;
    C2S_TRY(c2s_raise_ints(r, node, "pads", whole, 2 * (size_t)type->rank, &list));
    c2s_use_set(&node->inputs[1], list);
    drop_input(node, 3);
    return C2S_OK;
}

c2s_status c2s_lower_pad(c2s_raise *r, c2s_node *node) {
    (void)r;
    C2S_TRY(input_to_float(node, 2, "value"));
    return input_to_ints(node, 1, "pads");
}

/* ---- Clip, Dropout ---- */

/* The attributes have the largest finite floats as defaults; no bound lets infinity pass. */
c2s_status c2s_lower_clip(c2s_raise *r, c2s_node *node) {
    (void)r;
    if (c2s_attr_has(node, "min") || c2s_attr_has(node, "max"))
        return C2S_OK;
    C2S_TRY(input_to_float(node, 2, "max"));
    C2S_TRY(input_to_float(node, 1, "min"));
    if (!c2s_attr_has(node, "min"))
        c2s_attr_set_float(node, "min", -INFINITY);
    if (!c2s_attr_has(node, "max"))
        c2s_attr_set_float(node, "max", INFINITY);
    return C2S_OK;
}

/* Older opsets have no switch; outside of training the ratio means nothing. */
c2s_status c2s_lower_dropout_inputs(c2s_raise *r, c2s_node *node) {
    (void)r;
    const c2s_value *training = c2s_node_in(node, 2), *ratio = c2s_node_in(node, 1);
    if (training && (!training->constant || training->constant->count != 1 ||
                     c2s_tensor_f64_at(training->constant, 0) != 0))
        return c2s_fail(C2S_ERR_UNSUPPORTED,
                        "training_mode is not false, and older opsets cannot switch it on");
    if (ratio && ratio->constant && ratio->constant->count == 1)
        c2s_attr_set_float(node, "ratio", (float)c2s_tensor_f64_at(ratio->constant, 0));
    c2s_node_resize_inputs(node, 1);
    c2s_attr_remove(node, "seed");
    return C2S_OK;
}
