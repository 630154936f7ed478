/* SPDX-License-Identifier: Apache-2.0
 *
 * Constant, ConstantOfShape, EyeLike, Range.
 */
#include <math.h>
#include <string.h>

#include "base/memory.h"
#include "ir/convert.h"
#include "ops/elements.h"
#include "ops/infer_tensor.h"
#include "ops/strided_copy.h"
#include "ops/workspace.h"

/* ---- Constant ---- */

/* The attribute that carries the value: the first of those that are there. */
static const c2s_attr *constant_attr(const c2s_node *node) {
    static const char *const names[] = {"value",      "value_float",  "value_floats",  "value_int",
                                        "value_ints", "value_string", "value_strings", NULL};
    const c2s_attr *attr = NULL;
    for (unsigned k = 0; names[k] && !attr; k++)
        attr = c2s_attr_find(node, names[k]);
    return attr;
}

/* A sparse value was made dense when the model was read: it is the constant of the output. */
static c2s_status constant_tensor(const c2s_node *node, c2s_tensor **out) {
    const c2s_attr *attr = constant_attr(node);
    const c2s_value *value = c2s_node_out(node, 0);
    if (!attr && c2s_attr_has(node, "sparse_value") && value && value->constant) {
        *out = c2s_tensor_ref(value->constant);
        return C2S_OK;
    }
    if (!attr)
        return c2s_fail(C2S_ERR_INVALID,
                        "none of the attributes value, value_float, value_int, ... is given");
    int64_t count = (int64_t)attr->count;
    void *data;
    switch (attr->kind) {
    case C2S_ATTR_TENSOR:
        *out = c2s_tensor_ref(attr->t);
        return C2S_OK;
    case C2S_ATTR_INT:
        return c2s_tensor_from_i64(C2S_INT64, 0, NULL, &attr->i, out);
    case C2S_ATTR_INTS:
        return c2s_tensor_from_i64(C2S_INT64, 1, &count, attr->ints, out);
    case C2S_ATTR_STRING:
        return c2s_tensor_strings(0, NULL, &attr->s, out);
    case C2S_ATTR_STRINGS:
        return c2s_tensor_strings(1, &count, attr->strings, out);
    case C2S_ATTR_FLOAT:
        C2S_TRY(c2s_tensor_create(C2S_FLOAT, 0, NULL, out));
        data = c2s_tensor_mutable(*out);
        memcpy(data, &attr->f, sizeof attr->f);
        return C2S_OK;
    case C2S_ATTR_FLOATS:
        C2S_TRY(c2s_tensor_create(C2S_FLOAT, 1, &count, out));
        if (count)
            memcpy(c2s_tensor_mutable(*out), attr->floats, attr->count * sizeof *attr->floats);
        return C2S_OK;
    default:
        return c2s_fail(C2S_ERR_INVALID, "attribute %s has the wrong kind %d", attr->name,
                        (int)attr->kind);
    }
}

/* Contents come from the value's constant; only the type is needed here. */
static c2s_status constant_infer(c2s_infer *i) {
    c2s_tensor *tensor;
    C2S_TRY(c2s_infer_need(i, 0));
    const c2s_value *value = c2s_node_out(i->node, 0);
    if (c2s_attr_has(i->node, "sparse_value") && !(value && value->constant) && !i->concrete)
        return C2S_OK;
    C2S_TRY(constant_tensor(i->node, &tensor));
    i->out[0] = tensor->type;
    c2s_tensor_unref(tensor);
    return C2S_OK;
}

static c2s_status constant_eval(c2s_eval *e) {
    c2s_tensor *tensor;
    C2S_TRY(constant_tensor(e->node, &tensor));
    c2s_eval_set(e, 0, tensor);
    return C2S_OK;
}

static const c2s_attr_spec constant_attrs[] = {{"value", C2S_ATTR_TENSOR, false},
                                               {"sparse_value", C2S_ATTR_SPARSE, false},
                                               {"value_float", C2S_ATTR_FLOAT, false},
                                               {"value_floats", C2S_ATTR_FLOATS, false},
                                               {"value_int", C2S_ATTR_INT, false},
                                               {"value_ints", C2S_ATTR_INTS, false},
                                               {"value_string", C2S_ATTR_STRING, false},
                                               {"value_strings", C2S_ATTR_STRINGS, false},
                                               {0}};

const c2s_op c2s_op_constant = {
    .type = "Constant",
    .domain = "",
    .inputs = {0, 0},
    .outputs = {1, 1},
    .quant = C2S_QUANT_ONLY(FLOAT),
    .flags = C2S_OP_SIZES_OUTPUTS,
    .attrs = constant_attrs,
    .ties = c2s_ties_pinned,
    .infer = constant_infer,
    .eval = constant_eval,
};

/* ---- ConstantOfShape ---- */

static c2s_status constant_of_shape_infer(c2s_infer *i) {
    bool known;
    const c2s_dim *dims;
    unsigned count;
    C2S_TRY(c2s_infer_tensors(i, 1));
    const c2s_tensor *value = c2s_attr_tensor(i->node, "value");
    if (value && (value->type.kind != C2S_KIND_TENSOR || value->count != 1))
        return c2s_fail(C2S_ERR_INVALID, "value has %zu elements, expected 1", value->count);
    c2s_dtype dtype = value ? value->type.dtype : C2S_FLOAT;
    C2S_TRY(c2s_infer_list_dims(i, 0, "shape", &known, &dims, &count));
    if (!known)
        return c2s_infer_output_rank(i, 0, dtype, (int)c2s_infer_length(i, 0));
    if (count > C2S_MAX_RANK)
        return c2s_fail(C2S_ERR_UNSUPPORTED, "shape has %u elements, at most %d are possible",
                        count, C2S_MAX_RANK);
    C2S_TRY(c2s_infer_output(i, 0, dtype, (int)count, dims));
    int64_t number;
    size_t length;
    if (value && !i->concrete && count <= 1 && c2s_tensor_i64_at(value, 0, &number) &&
        c2s_dim_is_known(number) && c2s_dtype_is_integer(dtype) &&
        c2s_type_elements(&i->out[0], &length) && length <= 1024) {
        c2s_dim *contents = c2s_arena_array(i->arena, length ? length : 1, sizeof *contents);
        for (size_t k = 0; k < length; k++)
            contents[k] = number;
        c2s_infer_set_contents(i, 0, contents, (unsigned)length);
    }
    return C2S_OK;
}

static c2s_status constant_of_shape_eval(c2s_eval *e) {
    static const unsigned char zero[16];
    const c2s_tensor *value = c2s_attr_tensor(e->node, "value");
    c2s_elements x = {0}, y;
    if (value)
        C2S_TRY(c2s_elements_read(value, &x));
    c2s_status status = c2s_elements_write(e, 0, &y);
    if (status == C2S_OK) {
        c2s_fill_elements(y.data, y.size, y.count, value ? (const void *)x.data : zero);
        status = c2s_elements_commit(e, 0, &y);
        c2s_elements_close(&y);
    }
    c2s_elements_close(&x);
    return status;
}

static const c2s_attr_spec constant_of_shape_attrs[] = {{"value", C2S_ATTR_TENSOR, false}, {0}};

const c2s_op c2s_op_constant_of_shape = {
    .type = "ConstantOfShape",
    .domain = "",
    .inputs = {1, 1},
    .outputs = {1, 1},
    .quant = C2S_QUANT_ONLY(FLOAT),
    .attrs = constant_of_shape_attrs,
    .ties = c2s_ties_pinned,
    .infer = constant_of_shape_infer,
    .eval = constant_of_shape_eval,
};

/* ---- EyeLike ---- */

static c2s_status eye_like_infer(c2s_infer *i) {
    C2S_TRY(c2s_infer_tensors(i, 1));
    const c2s_type *x = c2s_infer_type(i, 0);
    int64_t dtype = c2s_attr_int(i->node, "dtype", x->dtype);
    if (dtype == C2S_STRING || (dtype != C2S_UNDEFINED && !(dtype > 0 && dtype < C2S_DTYPE_COUNT)))
        return c2s_fail(C2S_ERR_INVALID, "dtype is %lld, expected a numeric type",
                        (long long)dtype);
    if (x->rank >= 0 && x->rank != 2)
        return c2s_fail(C2S_ERR_INVALID, "input has rank %d, expected 2", x->rank);
    return c2s_infer_output(i, 0, (c2s_dtype)dtype, x->rank, x->dim);
}

static c2s_status eye_like_eval(c2s_eval *e) {
    c2s_tensor *y = e->out[0];
    if (!y || !y->count)
        return C2S_OK;
    c2s_dtype dtype = y->type.dtype;
    if (dtype == C2S_COMPLEX64 || dtype == C2S_COMPLEX128)
        return c2s_fail(C2S_ERR_UNSUPPORTED, "complex numbers are not supported");
    int64_t rows = y->type.dim[0], columns = y->type.dim[1], k = c2s_attr_int(e->node, "k", 0);
    const int64_t one = 1;
    memset(c2s_tensor_mutable(y), 0, c2s_tensor_size(y));
    if (k <= -rows || k >= columns)
        return C2S_OK;
    for (int64_t row = k < 0 ? -k : 0; row < rows && row + k < columns; row++)
        c2s_store_i64(dtype, c2s_tensor_mutable(y), (size_t)(row * columns + row + k), 1, &one);
    return C2S_OK;
}

static const c2s_attr_spec eye_like_attrs[] = {
    {"dtype", C2S_ATTR_INT, false}, {"k", C2S_ATTR_INT, false}, {0}};

const c2s_op c2s_op_eye_like = {
    .type = "EyeLike",
    .domain = "",
    .inputs = {1, 1},
    .outputs = {1, 1},
    .quant = C2S_QUANT_ONLY(FLOAT),
    .attrs = eye_like_attrs,
    .ties = c2s_ties_pinned,
    .infer = eye_like_infer,
    .eval = eye_like_eval,
};

/* ---- Range ---- */

static c2s_status range_one(const c2s_infer *i, unsigned input, bool *known, c2s_dim *out) {
    const c2s_type *type = c2s_infer_type(i, input);
    const c2s_dim *dims;
    unsigned count;
    size_t elements;
    *known = false;
    /* One element with axes of extent 1 serves as a scalar; symbolic extents may turn out 1. */
    if (type->rank > 0 && c2s_type_elements(type, &elements) && elements != 1)
        return c2s_fail(C2S_ERR_INVALID, "input %u is not a scalar", input);
    if (c2s_dtype_is_integer(type->dtype) && c2s_infer_dims(i, input, &dims, &count)) {
        if (count != 1)
            return c2s_fail(C2S_ERR_INVALID, "input %u is not a scalar", input);
        *known = true;
        *out = dims[0];
    }
    return C2S_OK;
}

/* max(ceil((limit - start) / delta), 0) of known real numbers. */
static c2s_status range_count(const c2s_tensor *const bound[3], c2s_dim *count) {
    double v[3];
    for (unsigned k = 0; k < 3; k++) {
        if (bound[k]->count != 1)
            return c2s_fail(C2S_ERR_INVALID, "input %u is not a scalar", k);
        v[k] = c2s_tensor_f64_at(bound[k], 0);
    }
    double steps = ceil((v[1] - v[0]) / v[2]);
    if (v[2] == 0 || !(steps < 0x1p62))
        return c2s_fail(C2S_ERR_INVALID, "a range from %g to %g by %g has no length", v[0], v[1],
                        v[2]);
    *count = steps > 0 ? (int64_t)steps : 0;
    return C2S_OK;
}

static c2s_status range_infer(c2s_infer *i) {
    bool known[3];
    c2s_dim v[3], count;
    C2S_TRY(c2s_infer_tensors(i, 3));
    for (unsigned k = 0; k < 3; k++)
        C2S_TRY(range_one(i, k, &known[k], &v[k]));
    c2s_dtype dtype = c2s_infer_type(i, 0)->dtype;
    const c2s_tensor *bound[3] = {i->in[0].constant, i->in[1].constant, i->in[2].constant};
    if (known[0] && known[1] && known[2]) {
        c2s_dim length = c2s_dim_sub(i->dims, v[1], v[0]);
        if (v[2] == 0)
            return c2s_fail(C2S_ERR_INVALID, "delta is 0");
        count = c2s_dim_max(i->dims, c2s_dim_ceildiv(i->dims, length, v[2]), 0);
    } else if (bound[0] && bound[1] && bound[2]) {
        if (!c2s_dtype_is_float(dtype))
            return c2s_fail(C2S_ERR_INVALID, "a range of %s is not possible",
                            c2s_dtype_name(dtype));
        C2S_TRY(range_count(bound, &count));
    } else {
        return c2s_infer_output_rank(i, 0, dtype, 1);
    }
    C2S_TRY(c2s_infer_output(i, 0, dtype, 1, &count));
    if (known[0] && known[2] && !i->concrete && c2s_dim_is_known(count) && count <= 1024) {
        c2s_dim *contents = c2s_arena_array(i->arena, count ? (size_t)count : 1, sizeof *contents);
        for (int64_t k = 0; k < count; k++)
            contents[k] = c2s_dim_add(i->dims, v[0], c2s_dim_mul(i->dims, v[2], k));
        c2s_infer_set_contents(i, 0, contents, (unsigned)count);
    }
    return C2S_OK;
}

static c2s_status range_eval(c2s_eval *e) {
    c2s_tensor *y = e->out[0];
    c2s_workspace ws = {0};
    if (!y || !y->count)
        return C2S_OK;
    if (c2s_dtype_is_float(y->type.dtype)) {
        const double start = c2s_tensor_f64_at(e->in[0], 0), step = c2s_tensor_f64_at(e->in[2], 0);
        double *values = c2s_workspace_out_f64(&ws, y);
        for (size_t k = 0; ws.status == C2S_OK && k < y->count; k++)
            values[k] = start + (double)k * step;
        return c2s_workspace_end(&ws);
    }
    int64_t start, step;
    if (!c2s_tensor_i64_at(e->in[0], 0, &start) || !c2s_tensor_i64_at(e->in[2], 0, &step))
        return c2s_fail(C2S_ERR_UNSUPPORTED, "start or delta does not fit 64 bits with sign");
    int64_t *values = c2s_workspace_out(&ws, C2S_WIDE_I64, y);
    for (size_t k = 0; ws.status == C2S_OK && k < y->count; k++)
        values[k] = (int64_t)((uint64_t)start + (uint64_t)step * k);
    return c2s_workspace_end(&ws);
}

const c2s_op c2s_op_range = {
    .type = "Range",
    .domain = "",
    .inputs = {3, 3},
    .outputs = {1, 1},
    .quant = C2S_QUANT_ONLY(FLOAT),
    .ties = c2s_ties_pinned,
    .infer = range_infer,
    .eval = range_eval,
};

void c2s_constant_know(c2s_node *node) {
    c2s_tensor *tensor;
    if (node->op != &c2s_op_constant || node->output_count != 1 || !node->outputs[0] ||
        node->outputs[0]->constant)
        return;
    if (c2s_attr_any_reference(node))
        return;
    if (c2s_node_eval(node, NULL, &tensor, NULL, 0) != C2S_OK)
        return;
    c2s_value_set_constant(node->outputs[0], tensor);
    c2s_tensor_unref(tensor);
}
