/* SPDX-License-Identifier: Apache-2.0
 *
 * Operands that came later, broadcasting, results that an older opset spells with more nodes.
 */
#include <string.h>

#include "io/opset_rows.h"
#include "ir/clone.h"

c2s_status c2s_opset_dtype(const c2s_node *node, unsigned slot, c2s_dtype *dtype) {
    const c2s_value *value = c2s_node_in(node, slot);
    if (!value || !c2s_type_is_tensor(&value->type) || value->type.dtype == C2S_UNDEFINED)
        return c2s_fail(C2S_ERR_UNSUPPORTED, "the element type of input %u is not known", slot);
    *dtype = value->type.dtype;
    return C2S_OK;
}

c2s_value *c2s_opset_cast(c2s_raise *r, c2s_node *before, c2s_value *value, c2s_dtype dtype) {
    if (c2s_type_is_tensor(&value->type) && value->type.dtype == dtype)
        return value;
    c2s_value *result = c2s_raise_node(r, before, "Cast", &value, 1);
    c2s_attr_set_int(result->def, "to", dtype);
    return result;
}

/* Before opset 11 the third operand had to be there. */
c2s_status c2s_lower_gemm(c2s_raise *r, c2s_node *node) {
    c2s_dtype dtype;
    c2s_value *zero;
    if (c2s_node_in(node, 2))
        return C2S_OK;
    C2S_TRY(c2s_opset_dtype(node, 0, &dtype));
    C2S_TRY(c2s_raise_scalar(r, node, "zero", dtype, 0, &zero));
    c2s_raise_set_input(node, 2, zero);
    return C2S_OK;
}

/* ---- OneHot ---- */

static bool never_negative(const c2s_value *value, c2s_dtype dtype) {
    if (c2s_dtype_is_integer(dtype) && !c2s_dtype_is_signed(dtype))
        return true;
    if (value->def && (c2s_node_is(value->def, "ArgMax") || c2s_node_is(value->def, "ArgMin")))
        return true;
    if (!value->constant)
        return false;
    for (size_t i = 0; i < value->constant->count; i++)
        if (!(c2s_tensor_f64_at(value->constant, i) >= 0))
            return false;
    return true;
}

/* Negative indices count from the depth since opset 11; before, they were out of range, and some
 * runtimes counted them even then: what is below -depth becomes the depth, which is out of range
 * for all. */
c2s_status c2s_lower_one_hot(c2s_raise *r, c2s_node *node) {
    c2s_dtype dtype;
    c2s_value *indices = c2s_node_in(node, 0), *depth = c2s_node_in(node, 1), *zero, *flat;
    const int64_t axis = c2s_attr_int(node, "axis", -1);
    if (axis < -1) {
        if (!c2s_type_is_tensor(&indices->type) || indices->type.rank < 0)
            return c2s_fail(C2S_ERR_UNSUPPORTED,
                            "the axis is counted from the last one, and the rank is not known");
        c2s_attr_set_int(node, "axis", axis + indices->type.rank + 1);
    }
    C2S_TRY(c2s_opset_dtype(node, 0, &dtype));
    if (never_negative(indices, dtype))
        return C2S_OK;
    if (dtype != C2S_INT32) { /* small types have no sums; floats are cut before they count */
        dtype = C2S_INT64;
        indices = c2s_opset_cast(r, node, indices, dtype);
    }
    C2S_TRY(c2s_raise_scalar(r, node, "zero", dtype, 0, &zero));
    C2S_TRY(c2s_raise_ints(r, node, "scalar", NULL, 0, &flat)); /* depth may be [d] or d */
    c2s_value *scalar = c2s_raise_node(r, node, "Reshape", (c2s_value *[]){depth, flat}, 2);
    scalar = c2s_opset_cast(r, node, scalar, dtype);
    for (int round = 0; round < 2; round++) {
        c2s_value *below = c2s_raise_node(r, node, "Less", (c2s_value *[]){indices, zero}, 2);
        c2s_value *instead = scalar;
        if (round == 0)
            instead = c2s_raise_node(r, node, "Add", (c2s_value *[]){indices, scalar}, 2);
        indices = c2s_raise_node(r, node, "Where", (c2s_value *[]){below, instead, indices}, 3);
    }
    c2s_use_set(&node->inputs[0], indices);
    return C2S_OK;
}

/* ---- Max, Min, Sum, Mean without broadcasting ---- */

static bool same_shapes(const c2s_node *node) {
    const c2s_type *first = &node->inputs[0].value->type;
    for (unsigned i = 1; i < node->formal_count; i++) {
        const c2s_type *type = &node->inputs[i].value->type;
        if (first->rank < 0 || type->rank != first->rank)
            return false;
        for (int d = 0; d < type->rank; d++)
            if (type->dim[d] != first->dim[d])
                return false;
    }
    return true;
}

c2s_status c2s_lower_broadcast(c2s_raise *r, c2s_node *node) {
    (void)r;
    if (same_shapes(node))
        return C2S_OK;
    return c2s_fail(C2S_ERR_UNSUPPORTED,
                    "the operands are not known to have one shape, and broadcasting came with "
                    "opset 8");
}

/* The sum of all operands but, for the last Add, the last one. */
static c2s_value *sum_before_last(c2s_raise *r, c2s_node *node) {
    c2s_value *sum = c2s_node_in(node, 0);
    for (unsigned i = 1; i + 1 < node->formal_count; i++)
        sum = c2s_raise_node(r, node, "Add", (c2s_value *[]){sum, c2s_node_in(node, i)}, 2);
    return sum;
}

c2s_status c2s_lower_sum(c2s_raise *r, c2s_node *node) {
    if (same_shapes(node))
        return C2S_OK;
    c2s_value *last = c2s_node_in(node, node->formal_count - 1);
    c2s_raise_become(node, "Add", (c2s_value *[]){sum_before_last(r, node), last}, 2);
    return C2S_OK;
}

c2s_status c2s_lower_mean(c2s_raise *r, c2s_node *node) {
    c2s_dtype dtype;
    c2s_value *count;
    if (same_shapes(node))
        return C2S_OK;
    C2S_TRY(c2s_opset_dtype(node, 0, &dtype));
    C2S_TRY(c2s_raise_scalar(r, node, "count", dtype, node->formal_count, &count));
    c2s_value *last = c2s_node_in(node, node->formal_count - 1);
    c2s_value *sum =
        c2s_raise_node(r, node, "Add", (c2s_value *[]){sum_before_last(r, node), last}, 2);
    c2s_raise_become(node, "Div", (c2s_value *[]){sum, count}, 2);
    return C2S_OK;
}

/* ---- Shape, Scatter ---- */

/* A part of the shape is a slice of the whole. */
c2s_status c2s_lower_shape(c2s_raise *r, c2s_node *node) {
    const int64_t start = c2s_attr_int(node, "start", 0),
                  end = c2s_attr_int(node, "end", INT64_MAX);
    c2s_value *x = c2s_node_in(node, 0), *in[3];
    if (start == 0 && end == INT64_MAX) {
        c2s_attr_remove(node, "start");
        c2s_attr_remove(node, "end");
        return C2S_OK;
    }
    in[0] = c2s_raise_node(r, node, "Shape", &x, 1);
    C2S_TRY(c2s_raise_ints(r, node, "start", &start, 1, &in[1]));
    C2S_TRY(c2s_raise_ints(r, node, "end", &end, 1, &in[2]));
    c2s_raise_become(node, "Slice", in, 3);
    return C2S_OK;
}

c2s_status c2s_lower_scatter_elements(c2s_raise *r, c2s_node *node) {
    (void)r;
    c2s_node_set_type(node, "", "Scatter");
    return C2S_OK;
}

/* ---- optionals ---- */

static bool is_present(const c2s_value *value) {
    return value->type.kind == C2S_KIND_TENSOR || value->type.kind == C2S_KIND_SEQUENCE;
}

/* Since opset 18 the input may be left out, or be of a type that is never empty. */
c2s_status c2s_lower_optional_test(c2s_raise *r, c2s_node *node) {
    (void)r;
    const c2s_value *value = c2s_node_in(node, 0);
    c2s_tensor *answer;
    if (value && !is_present(value))
        return C2S_OK;
    C2S_TRY(c2s_tensor_from_i64(C2S_BOOL, 0, NULL, &(int64_t){value != NULL}, &answer));
    c2s_raise_become(node, "Constant", NULL, 0);
    c2s_attr_set_tensor(node, "value", answer);
    c2s_tensor_unref(answer);
    return C2S_OK;
}

c2s_status c2s_lower_optional_element(c2s_raise *r, c2s_node *node) {
    (void)r;
    c2s_value *value = c2s_node_in(node, 0);
    if (value && is_present(value))
        c2s_raise_become(node, "Identity", &value, 1);
    return C2S_OK;
}

/* ---- Constant ---- */

static c2s_status value_tensor(const c2s_attr *attr, c2s_tensor **out) {
    const int64_t count = (int64_t)attr->count;
    if (strcmp(attr->name, "value_int") == 0)
        return c2s_tensor_from_i64(C2S_INT64, 0, NULL, &attr->i, out);
    if (strcmp(attr->name, "value_ints") == 0)
        return c2s_tensor_from_i64(C2S_INT64, 1, &count, attr->ints, out);
    if (strcmp(attr->name, "value_string") == 0)
        return c2s_tensor_strings(0, NULL, &attr->s, out);
    if (strcmp(attr->name, "value_strings") == 0)
        return c2s_tensor_strings(1, &count, attr->strings, out);
    const bool list = strcmp(attr->name, "value_floats") == 0;
    const size_t n = list ? attr->count : 1;
    double *wide = c2s_alloc_array(n + 1, sizeof *wide);
    for (size_t i = 0; i < n; i++)
        wide[i] = (double)(list ? attr->floats[i] : attr->f);
    c2s_status status = c2s_tensor_from_f64(C2S_FLOAT, list, list ? &count : NULL, wide, out);
    free(wide);
    return status;
}

c2s_status c2s_lower_constant(c2s_raise *r, c2s_node *node) {
    (void)r;
    if (node->attr_count != 1 || strncmp(node->attrs[0].name, "value_", 6) != 0)
        return C2S_OK;
    C2S_TRY(c2s_raise_no_references(node));
    c2s_tensor *tensor;
    C2S_TRY(value_tensor(&node->attrs[0], &tensor));
    c2s_attr_remove(node, node->attrs[0].name);
    c2s_attr_set_tensor(node, "value", tensor);
    c2s_tensor_unref(tensor);
    return C2S_OK;
}

/* Before opset 9 there were only float constants; initializers may have any type. The node is left
 * without a use. */
c2s_status c2s_lower_constant_type(c2s_raise *r, c2s_node *node) {
    c2s_value *old = node->outputs[0];
    const c2s_tensor *tensor = c2s_attr_tensor(node, "value");
    if (!tensor || tensor->type.dtype == C2S_FLOAT || tensor->type.dtype == C2S_FLOAT16 ||
        tensor->type.dtype == C2S_DOUBLE)
        return C2S_OK;
    c2s_value *initializer = c2s_raise_constant(r, node, old->name, c2s_tensor_ref(tensor));
    c2s_value_replace(old, initializer);
    c2s_value_swap_names(old, initializer);
    return C2S_OK;
}
