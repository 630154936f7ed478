/* SPDX-License-Identifier: Apache-2.0
 *
 * LabelEncoder, CategoryMapper, OneHotEncoder.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "ops/ml/lookup.h"
#include "ops/ties_rules.h"

/* ---- LabelEncoder and CategoryMapper ---- */

/* key k becomes value k; `missing` has one element, of the type of the values. */
typedef struct mapping {
    c2s_tensor *keys, *values, *missing;
} mapping;

static void mapping_close(mapping *m) {
    c2s_tensor_unref(m->keys);
    c2s_tensor_unref(m->values);
    c2s_tensor_unref(m->missing);
}

static c2s_status missing_of(const c2s_node *node, c2s_dtype dtype, c2s_tensor **out) {
    int64_t one = 1, integer = c2s_attr_int(node, "default_int64", -1);
    const c2s_tensor *tensor = c2s_attr_tensor(node, "default_tensor");
    if (tensor && tensor->type.dtype == dtype && tensor->count >= 1) {
        *out = c2s_tensor_ref(tensor);
        return C2S_OK;
    }
    if (dtype == C2S_STRING) {
        const char *text = c2s_attr_string(node, "default_string", "_Unused");
        return c2s_tensor_strings(1, &one, &(c2s_string){text, strlen(text)}, out);
    }
    double number = (double)c2s_attr_float(node, "default_float", -0.0f);
    if (c2s_dtype_is_float(dtype))
        return c2s_tensor_from_f64(dtype, 1, &one, &number, out);
    return c2s_tensor_from_i64(dtype, 1, &one, &integer, out);
}

/* Numbers 0, 1, ... */
static c2s_status counting(size_t count, c2s_tensor **out) {
    C2S_TRY(c2s_tensor_create(C2S_INT64, 1, &(int64_t){(int64_t)count}, out));
    int64_t *number = c2s_tensor_mutable(*out);
    for (size_t k = 0; k < count; k++)
        number[k] = (int64_t)k;
    return C2S_OK;
}

/* Two lists of which the input's type says which one is the keys. */
static c2s_status mapping_by_input(const c2s_node *node, const char *strings, const char *ints,
                                   c2s_dtype input, mapping *m) {
    size_t count, numbers;
    const c2s_string *text = c2s_attr_strings(node, strings, &count);
    const int64_t *number = c2s_attr_ints(node, ints, &numbers);
    c2s_tensor *texts, *integers;
    if (!text || (number && numbers != count))
        return c2s_fail(C2S_ERR_INVALID, "%zu strings and %zu integers to map", count, numbers);
    C2S_TRY(c2s_tensor_strings(1, &(int64_t){(int64_t)count}, text, &texts));
    c2s_status status =
        number ? c2s_tensor_from_i64(C2S_INT64, 1, &(int64_t){(int64_t)count}, number, &integers)
               : counting(count, &integers);
    if (status != C2S_OK) {
        c2s_tensor_unref(texts);
        return status;
    }
    m->keys = input == C2S_STRING ? texts : integers;
    m->values = input == C2S_STRING ? integers : texts;
    return C2S_OK;
}

static c2s_status label_mapping(const c2s_node *node, c2s_dtype input, mapping *m) {
    if (c2s_attr_has(node, "classes_strings")) {
        C2S_TRY(mapping_by_input(node, "classes_strings", "(none)", input, m));
    } else {
        C2S_TRY(c2s_attr_list(node, "keys", &m->keys));
        C2S_TRY(c2s_attr_list(node, "values", &m->values));
        if (!m->keys || !m->values || m->keys->count != m->values->count)
            return c2s_fail(C2S_ERR_INVALID, "%zu keys and %zu values",
                            m->keys ? m->keys->count : 0, m->values ? m->values->count : 0);
    }
    return missing_of(node, m->values->type.dtype, &m->missing);
}

static c2s_status category_mapping(const c2s_node *node, c2s_dtype input, mapping *m) {
    C2S_TRY(mapping_by_input(node, "cats_strings", "cats_int64s", input, m));
    return missing_of(node, m->values->type.dtype, &m->missing);
}

static c2s_status mapping_of(const c2s_node *node, c2s_dtype input, mapping *m) {
    *m = (mapping){0};
    return strcmp(node->type, "LabelEncoder") == 0 ? label_mapping(node, input, m)
                                                   : category_mapping(node, input, m);
}

static c2s_status mapper_infer(c2s_infer *i) {
    const c2s_type *type = c2s_infer_type(i, 0);
    if (!c2s_type_is_tensor(type) || type->dtype == C2S_UNDEFINED)
        return C2S_OK;
    mapping m;
    c2s_status status = mapping_of(i->node, type->dtype, &m);
    if (status == C2S_OK)
        i->out[0] = c2s_type_tensor(m.values->type.dtype, type->rank, type->dim);
    mapping_close(&m);
    return status;
}

static c2s_status apply_numbers(const c2s_tensor *x, const mapping *m, const c2s_lookup *lookup,
                                c2s_tensor *y) {
    size_t size = c2s_dtype_bits(y->type.dtype) / 8;
    if (size == 0)
        return c2s_fail(C2S_ERR_UNSUPPORTED, "values of type %s", c2s_dtype_name(y->type.dtype));
    for (size_t k = 0; k < x->count; k++) {
        int64_t at = c2s_lookup_find(lookup, x, k);
        const char *from = c2s_tensor_data(at < 0 ? m->missing : m->values);
        memcpy((char *)c2s_tensor_mutable(y) + k * size, from + (at < 0 ? 0 : (size_t)at) * size,
               size);
    }
    return C2S_OK;
}

static c2s_status apply_text(const c2s_tensor *x, const mapping *m, const c2s_lookup *lookup,
                             c2s_tensor **y) {
    c2s_string *text = c2s_alloc_array(x->count + 1, sizeof *text);
    for (size_t k = 0; k < x->count; k++) {
        int64_t at = c2s_lookup_find(lookup, x, k);
        const c2s_string *from = c2s_tensor_data(at < 0 ? m->missing : m->values);
        text[k] = from[at < 0 ? 0 : at];
    }
    c2s_status status = c2s_tensor_strings(x->type.rank, x->type.dim, text, y);
    free(text);
    return status;
}

static c2s_status apply(c2s_eval *e, const mapping *m) {
    const c2s_tensor *x = e->in[0];
    c2s_dtype have = x->type.dtype, want = m->keys->type.dtype;
    if (have != want)
        return c2s_fail(C2S_ERR_INVALID, "input of type %s, the keys are of type %s",
                        c2s_dtype_name(have), c2s_dtype_name(want));
    c2s_lookup lookup;
    c2s_tensor *y = NULL;
    C2S_TRY(c2s_lookup_open(&lookup, m->keys));
    c2s_status status;
    if (m->values->type.dtype == C2S_STRING) {
        status = apply_text(x, m, &lookup, &y);
    } else {
        status = c2s_tensor_create(m->values->type.dtype, x->type.rank, x->type.dim, &y);
        if (status == C2S_OK)
            status = apply_numbers(x, m, &lookup, y);
    }
    c2s_lookup_close(&lookup);
    if (status == C2S_OK)
        c2s_eval_set(e, 0, y);
    else
        c2s_tensor_unref(y);
    return status;
}

static c2s_status mapper_eval(c2s_eval *e) {
    mapping m;
    if (!c2s_type_is_tensor(&e->in[0]->type))
        return c2s_fail(C2S_ERR_INVALID, "input 0 is no tensor");
    c2s_status status = mapping_of(e->node, e->in[0]->type.dtype, &m);
    if (status == C2S_OK)
        status = apply(e, &m);
    mapping_close(&m);
    return status;
}

const c2s_op c2s_op_label_encoder = {
    .type = "LabelEncoder",
    .domain = "ai.onnx.ml",
    .inputs = {1, 1},
    .outputs = {1, 1},
    .quant = C2S_QUANT_ONLY(FLOAT),
    .flags = C2S_OP_SIZES_OUTPUTS,
    .ties = c2s_ties_first_input,
    .infer = mapper_infer,
    .eval = mapper_eval,
};

const c2s_op c2s_op_category_mapper = {
    .type = "CategoryMapper",
    .domain = "ai.onnx.ml",
    .inputs = {1, 1},
    .outputs = {1, 1},
    .quant = C2S_QUANT_ONLY(NONE),
    .flags = C2S_OP_SIZES_OUTPUTS,
    .ties = c2s_ties_first_input,
    .infer = mapper_infer,
    .eval = mapper_eval,
};

/* ---- OneHotEncoder ---- */

static c2s_status one_hot_infer(c2s_infer *i) {
    const c2s_type *type = c2s_infer_type(i, 0);
    size_t ints, strings;
    c2s_attr_ints(i->node, "cats_int64s", &ints);
    c2s_attr_strings(i->node, "cats_strings", &strings);
    if (type->rank == C2S_MAX_RANK)
        return c2s_fail(C2S_ERR_UNSUPPORTED, "rank %d is beyond %d", type->rank + 1, C2S_MAX_RANK);
    i->out[0] = c2s_type_tensor(C2S_FLOAT, -1, NULL);
    if (!c2s_type_is_tensor(type) || type->rank < 0)
        return C2S_OK;
    i->out[0] = c2s_type_tensor(C2S_FLOAT, type->rank, type->dim);
    i->out[0].dim[i->out[0].rank++] = (int64_t)(ints ? ints : strings);
    return C2S_OK;
}

static c2s_status one_hot_eval(c2s_eval *e) {
    const c2s_tensor *x = e->in[0];
    c2s_tensor *cats;
    C2S_TRY(c2s_attr_list(e->node, "cats", &cats));
    if (!cats || (cats->type.dtype == C2S_STRING) != (x->type.dtype == C2S_STRING)) {
        c2s_tensor_unref(cats);
        return c2s_fail(C2S_ERR_INVALID, "the categories do not fit an input of type %s",
                        c2s_dtype_name(x->type.dtype));
    }
    c2s_lookup lookup;
    c2s_status status = c2s_lookup_open(&lookup, cats);
    size_t count = cats->count;
    float *y = c2s_tensor_mutable(e->out[0]);
    if (x->count && count)
        memset(y, 0, x->count * count * sizeof *y);
    for (size_t k = 0; k < x->count && status == C2S_OK; k++) {
        double number = x->type.dtype == C2S_STRING ? 0 : c2s_tensor_f64_at(x, k);
        int64_t at = -1;
        if (x->type.dtype == C2S_STRING || x->type.dtype == C2S_INT64)
            at = c2s_lookup_find(&lookup, x, k);
        else if (number > -0x1p62 && number < 0x1p62)
            at = c2s_lookup_number(&lookup, (int64_t)number);
        if (at >= 0)
            y[k * count + (size_t)at] = 1;
        else if (!c2s_attr_int(e->node, "zeros", 1))
            status = c2s_fail(C2S_ERR_INVALID, "element %zu is of no category", k);
    }
    c2s_lookup_close(&lookup);
    c2s_tensor_unref(cats);
    return status;
}

const c2s_op c2s_op_one_hot_encoder = {
    .type = "OneHotEncoder",
    .domain = "ai.onnx.ml",
    .inputs = {1, 1},
    .outputs = {1, 1},
    .quant = C2S_QUANT_ONLY(FLOAT),
    .ties = c2s_ties_new_last,
    .infer = one_hot_infer,
    .eval = one_hot_eval,
};
