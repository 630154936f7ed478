/* SPDX-License-Identifier: Apache-2.0 */
#include "io/raise_rows.h"

/* value op constant, the constant being a scalar of the value's type. Left out where it is neutral.
 */
static c2s_status apply(c2s_raise *r, c2s_node *node, const char *type, c2s_dtype dtype,
                        float constant, float neutral, c2s_value **value) {
    if (constant == neutral)
        return C2S_OK;
    c2s_value *scalar;
    C2S_TRY(c2s_raise_scalar(r, node, "factor", dtype, (double)constant, &scalar));
    *value = c2s_raise_node(r, node, type, (c2s_value *[]){*value, scalar}, 2);
    return C2S_OK;
}

/* The value itself is the result: a Mul or Add as the last node keeps the output's name. */
static void become_copy(c2s_node *node, c2s_value *value) {
    c2s_raise_become(node, "Identity", &value, 1);
}

static c2s_status begin(c2s_raise *r, c2s_node *node, c2s_value **x, c2s_dtype *dtype) {
    C2S_TRY(c2s_raise_no_references(node));
    C2S_TRY(c2s_raise_need(node, 1));
    *x = c2s_node_in(node, 0);
    return c2s_raise_dtype(r, *x, dtype);
}

static c2s_status need_float(const c2s_node *node, const char *name, float *value) {
    const c2s_attr *attr = c2s_attr_find(node, name);
    if (!attr || attr->kind != C2S_ATTR_FLOAT)
        return c2s_fail(C2S_ERR_INVALID, "attribute \"%s\" is missing", name);
    *value = attr->f;
    return C2S_OK;
}

/* alpha * x + beta */
c2s_status c2s_raise_affine(c2s_raise *r, c2s_node *node) {
    c2s_value *x;
    c2s_dtype dtype;
    C2S_TRY(begin(r, node, &x, &dtype));
    float alpha = c2s_attr_float(node, "alpha", 1), beta = c2s_attr_float(node, "beta", 0);
    C2S_TRY(apply(r, node, "Mul", dtype, alpha, 1, &x));
    c2s_value *offset;
    C2S_TRY(c2s_raise_scalar(r, node, "beta", dtype, (double)beta, &offset));
    c2s_raise_become(node, "Add", (c2s_value *[]){x, offset}, 2);
    return C2S_OK;
}

/* scale * x */
c2s_status c2s_raise_scale(c2s_raise *r, c2s_node *node) {
    c2s_value *x, *scale;
    c2s_dtype dtype;
    C2S_TRY(begin(r, node, &x, &dtype));
    C2S_TRY(c2s_raise_scalar(r, node, "scale", dtype, (double)c2s_attr_float(node, "scale", 1),
                             &scale));
    c2s_raise_become(node, "Mul", (c2s_value *[]){x, scale}, 2);
    return C2S_OK;
}

/* scale * x + bias[channel], x of shape [N, C, H, W] */
c2s_status c2s_raise_image_scaler(c2s_raise *r, c2s_node *node) {
    c2s_value *x;
    c2s_dtype dtype;
    C2S_TRY(begin(r, node, &x, &dtype));
    C2S_TRY(apply(r, node, "Mul", dtype, c2s_attr_float(node, "scale", 1), 1, &x));
    size_t channels;
    const float *bias = c2s_attr_floats(node, "bias", &channels);
    if (!bias || channels == 0) {
        become_copy(node, x);
        return C2S_OK;
    }
    double *wide = c2s_alloc_array(channels, sizeof *wide);
    for (size_t i = 0; i < channels; i++)
        wide[i] = (double)bias[i];
    c2s_tensor *tensor;
    c2s_status status =
        c2s_tensor_from_f64(dtype, 3, (int64_t[]){(int64_t)channels, 1, 1}, wide, &tensor);
    free(wide);
    C2S_TRY(status);
    c2s_value *offset = c2s_raise_constant(r, node, "bias", tensor);
    c2s_raise_become(node, "Add", (c2s_value *[]){x, offset}, 2);
    return C2S_OK;
}

/* alpha * inner(beta * x) */
static c2s_status around(c2s_raise *r, c2s_node *node, const char *inner) {
    c2s_value *x, *factor;
    c2s_dtype dtype;
    float alpha = 1, beta = 1;
    C2S_TRY(begin(r, node, &x, &dtype));
    C2S_TRY(need_float(node, "alpha", &alpha));
    C2S_TRY(need_float(node, "beta", &beta));
    C2S_TRY(apply(r, node, "Mul", dtype, beta, 1, &x));
    x = c2s_raise_node(r, node, inner, &x, 1);
    C2S_TRY(c2s_raise_scalar(r, node, "alpha", dtype, (double)alpha, &factor));
    c2s_raise_become(node, "Mul", (c2s_value *[]){x, factor}, 2);
    return C2S_OK;
}

c2s_status c2s_raise_parametric_softplus(c2s_raise *r, c2s_node *node) {
    return around(r, node, "Softplus");
}

c2s_status c2s_raise_scaled_tanh(c2s_raise *r, c2s_node *node) {
    return around(r, node, "Tanh");
}

/* border = left, top, right, bottom; with scale = height, width only left and top count. */
c2s_status c2s_raise_crop(c2s_raise *r, c2s_node *node) {
    C2S_TRY(c2s_raise_no_references(node));
    C2S_TRY(c2s_raise_need(node, 1));
    size_t border_count, size_count;
    const int64_t *border = c2s_attr_ints(node, "border", &border_count);
    const int64_t *size = c2s_attr_ints(node, "scale", &size_count);
    if (border_count != 4 || (size && size_count != 2))
        return c2s_fail(C2S_ERR_INVALID, "%zu borders and %zu sizes, expected 4 and 2 or none",
                        border_count, size_count);
    for (size_t i = 0; i < 4; i++)
        if (border[i] < 0 || border[i] > INT32_MAX)
            return c2s_fail(C2S_ERR_INVALID, "border %lld is not an extent", (long long)border[i]);
    for (size_t i = 0; i < size_count; i++)
        if (size[i] < 0 || size[i] > INT32_MAX)
            return c2s_fail(C2S_ERR_INVALID, "size %lld is not an extent", (long long)size[i]);
    int64_t starts[] = {border[1], border[0]}, ends[] = {-border[3], -border[2]};
    for (int i = 0; i < 2; i++) {
        if (size)
            ends[i] = starts[i] + size[i];
        else if (ends[i] == 0)
            ends[i] = INT64_MAX; /* to the end */
    }
    c2s_value *in[4] = {c2s_node_in(node, 0)};
    C2S_TRY(c2s_raise_ints(r, node, "starts", starts, 2, &in[1]));
    C2S_TRY(c2s_raise_ints(r, node, "ends", ends, 2, &in[2]));
    C2S_TRY(c2s_raise_ints(r, node, "axes", (int64_t[]){2, 3}, 2, &in[3]));
    c2s_raise_become(node, "Slice", in, 4);
    return C2S_OK;
}

/* What opset 10 made of Slice. */
c2s_status c2s_raise_dynamic_slice(c2s_raise *r, c2s_node *node) {
    (void)r;
    c2s_node_set_type(node, "", "Slice");
    return C2S_OK;
}

/* The shape a filler works with: its attribute, its input's shape or its input's content, and
 * `extra_shape` behind one of the latter two. */
static c2s_status filler_shape(c2s_raise *r, c2s_node *node, c2s_value **shape) {
    size_t count;
    c2s_value *input = c2s_node_in(node, 0);
    if (!input) {
        const int64_t *dims = c2s_attr_ints(node, "shape", &count);
        return c2s_raise_ints(r, node, "shape", dims, dims ? count : 0, shape);
    }
    *shape = input;
    if (c2s_attr_int(node, "input_as_shape", 0)) {
        *shape = c2s_raise_node(r, node, "Cast", shape, 1);
        c2s_attr_set_int((*shape)->def, "to", C2S_INT64);
    } else {
        *shape = c2s_raise_node(r, node, "Shape", shape, 1);
    }
    const int64_t *extra = c2s_attr_ints(node, "extra_shape", &count);
    if (!extra || count == 0)
        return C2S_OK;
    c2s_value *behind;
    C2S_TRY(c2s_raise_ints(r, node, "extra_shape", extra, count, &behind));
    *shape = c2s_raise_node(r, node, "Concat", (c2s_value *[]){*shape, behind}, 2);
    c2s_attr_set_int((*shape)->def, "axis", 0);
    return C2S_OK;
}

c2s_status c2s_raise_constant_fill(c2s_raise *r, c2s_node *node) {
    C2S_TRY(c2s_raise_no_references(node));
    int64_t dtype = c2s_attr_int(node, "dtype", C2S_FLOAT);
    if (dtype != C2S_FLOAT && dtype != C2S_INT32 && dtype != C2S_INT64 && dtype != C2S_BOOL)
        return c2s_fail(C2S_ERR_INVALID, "dtype is %lld, expected float, int32, int64 or bool",
                        (long long)dtype);
    double content = (double)c2s_attr_float(node, "value", 0);
    c2s_tensor *tensor;
    C2S_TRY(c2s_tensor_from_f64((c2s_dtype)dtype, 1, (int64_t[]){1}, &content, &tensor));
    c2s_value *shape;
    c2s_status status = filler_shape(r, node, &shape);
    if (status == C2S_OK) {
        c2s_raise_become(node, "ConstantOfShape", &shape, 1);
        c2s_attr_set_tensor(node, "value", tensor);
    }
    c2s_tensor_unref(tensor);
    return status;
}

c2s_status c2s_raise_given_tensor_fill(c2s_raise *r, c2s_node *node) {
    C2S_TRY(c2s_raise_no_references(node));
    size_t count;
    const float *values = c2s_attr_floats(node, "values", &count);
    double *wide = c2s_alloc_array(count + 1, sizeof *wide);
    for (size_t i = 0; i < count; i++)
        wide[i] = (double)values[i];
    c2s_tensor *tensor;
    c2s_status status =
        c2s_tensor_from_f64(C2S_FLOAT, 1, (int64_t[]){(int64_t)count}, wide, &tensor);
    free(wide);
    C2S_TRY(status);
    c2s_value *content = c2s_raise_constant(r, node, "values", tensor), *shape;
    C2S_TRY(filler_shape(r, node, &shape));
    c2s_raise_become(node, "Reshape", (c2s_value *[]){content, shape}, 2);
    return C2S_OK;
}
