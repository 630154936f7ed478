/* SPDX-License-Identifier: Apache-2.0
 *
 * Operators on maps: ZipMap, DictVectorizer, CastMap.
 */
#include <stdlib.h>
#include <string.h>

#include "ir/convert.h"
#include "ops/cast.h"
#include "ops/ml/lookup.h"
#include "ops/ml/ml.h"
#include "ops/sequence.h"

static c2s_type map_type(c2s_arena *arena, c2s_dtype key, c2s_dtype value) {
    c2s_type scalar = c2s_type_scalar(value);
    c2s_type map = c2s_type_container(arena, C2S_KIND_MAP, &scalar);
    map.dtype = key;
    return map;
}

static c2s_status need_map(const c2s_infer *i) {
    c2s_kind kind = c2s_infer_type(i, 0)->kind;
    if (kind == C2S_KIND_MAP || (kind == C2S_KIND_UNKNOWN && !i->concrete))
        return C2S_OK;
    return c2s_fail(C2S_ERR_INVALID, "input 0 is no map");
}

/* Keys and values; an empty map may have none. */
static c2s_status open_map(const c2s_tensor *map, const c2s_tensor **keys,
                           const c2s_tensor **values) {
    if (map->type.kind != C2S_KIND_MAP || map->count != 2)
        return c2s_fail(C2S_ERR_INVALID, "input 0 is no map");
    *keys = c2s_tensor_item(map, 0);
    *values = c2s_tensor_item(map, 1);
    if ((*values)->type.kind != C2S_KIND_TENSOR || (*keys)->count != (*values)->count)
        return c2s_fail(C2S_ERR_INVALID, "the map does not hold one scalar for each key");
    return C2S_OK;
}

/* ---- ZipMap ---- */

static c2s_status zip_infer(c2s_infer *i) {
    C2S_TRY(c2s_features_need(i));
    c2s_labels labels;
    C2S_TRY(c2s_labels_read(i->node, "classlabels_int64s", "classlabels_strings", &labels));
    c2s_type map = map_type(i->arena, labels.ints ? C2S_INT64 : C2S_STRING, C2S_FLOAT);
    i->out[0] = c2s_type_container(i->arena, C2S_KIND_SEQUENCE, &map);
    return C2S_OK;
}

static c2s_status zip_row(c2s_tensor *keys, const double *row, size_t count,
                          const c2s_type *element, c2s_tensor **out) {
    c2s_tensor *values;
    C2S_TRY(c2s_tensor_from_f64(C2S_FLOAT, 1, &(int64_t){(int64_t)count}, row, &values));
    c2s_tensor *pair[2] = {keys, values};
    c2s_status status = c2s_tensor_sequence(C2S_KIND_MAP, element, 2, pair, out);
    c2s_tensor_unref(values);
    return status;
}

static c2s_status zip_eval(c2s_eval *e) {
    c2s_features x;
    c2s_tensor *keys;
    C2S_TRY(c2s_features_read(e->in[0], &x));
    c2s_status status = c2s_attr_list(e->node, "classlabels", &keys);
    if (status == C2S_OK && (!keys || keys->count != x.columns))
        status = c2s_fail(C2S_ERR_INVALID, "%zu labels for %zu columns", keys ? keys->count : 0,
                          x.columns);
    c2s_tensor **maps = c2s_alloc_array(x.rows + 1, sizeof *maps);
    c2s_type map = c2s_type_element(&e->out_type[0]), scalar = c2s_type_element(&map);
    size_t made = 0;
    while (made < x.rows && status == C2S_OK) {
        status = zip_row(keys, x.at + made * x.columns, x.columns, &scalar, &maps[made]);
        made += status == C2S_OK;
    }
    if (status == C2S_OK)
        status = c2s_sequence_give(e, 0, &map, x.rows, maps);
    for (size_t k = 0; k < made; k++)
        c2s_tensor_unref(maps[k]);
    free(maps);
    free(x.at);
    c2s_tensor_unref(keys);
    return status;
}

const c2s_op c2s_op_zip_map = {
    .type = "ZipMap",
    .domain = "ai.onnx.ml",
    .inputs = {1, 1},
    .outputs = {1, 1},
    .quant = C2S_QUANT_ONLY(FLOAT),
    .flags = C2S_OP_SIZES_OUTPUTS,
    .ties = c2s_ties_pinned,
    .infer = zip_infer,
    .eval = zip_eval,
};

/* ---- DictVectorizer ---- */

static c2s_status vectorizer_infer(c2s_infer *i) {
    C2S_TRY(need_map(i));
    c2s_type element = c2s_type_element(c2s_infer_type(i, 0));
    size_t ints, strings;
    c2s_attr_ints(i->node, "int64_vocabulary", &ints);
    c2s_attr_strings(i->node, "string_vocabulary", &strings);
    c2s_dim dim[2] = {1, (int64_t)(ints ? ints : strings)};
    i->out[0] = c2s_type_tensor(element.dtype, 2, dim);
    return C2S_OK;
}

/* Element `from` of `source` as element `to` of numbers or of the list of text. */
static void put(const c2s_tensor *source, size_t from, c2s_tensor *numbers, c2s_string *text,
                size_t to) {
    if (text) {
        text[to] = ((const c2s_string *)c2s_tensor_data(source))[from];
        return;
    }
    size_t size = c2s_dtype_bits(source->type.dtype) / 8;
    memcpy((char *)c2s_tensor_mutable(numbers) + to * size,
           (const char *)c2s_tensor_data(source) + from * size, size);
}

static c2s_status vocabulary_of(const c2s_node *node, c2s_tensor **out) {
    size_t count;
    const c2s_string *text = c2s_attr_strings(node, "string_vocabulary", &count);
    if (text)
        return c2s_tensor_strings(1, &(int64_t){(int64_t)count}, text, out);
    const int64_t *ints = c2s_attr_ints(node, "int64_vocabulary", &count);
    return c2s_tensor_from_i64(C2S_INT64, 1, &(int64_t){(int64_t)count}, ints, out);
}

static c2s_status vectorize(c2s_eval *e, const c2s_tensor *keys, const c2s_tensor *values,
                            const c2s_tensor *vocabulary) {
    int64_t dim[2] = {1, (int64_t)vocabulary->count};
    if ((keys->type.dtype == C2S_STRING) != (vocabulary->type.dtype == C2S_STRING))
        return c2s_fail(C2S_ERR_INVALID, "the vocabulary does not fit keys of type %s",
                        c2s_dtype_name(keys->type.dtype));
    bool is_text = values->type.dtype == C2S_STRING;
    c2s_string *text = is_text ? c2s_zalloc((vocabulary->count + 1) * sizeof *text) : NULL;
    c2s_tensor *y = NULL;
    c2s_lookup lookup;
    C2S_TRY(c2s_lookup_open(&lookup, vocabulary));
    c2s_status status = is_text ? C2S_OK : c2s_tensor_create(values->type.dtype, 2, dim, &y);
    if (y && y->count)
        memset(c2s_tensor_mutable(y), 0, c2s_tensor_size(y));
    for (size_t k = 0; k < keys->count && status == C2S_OK; k++) {
        int64_t at = c2s_lookup_find(&lookup, keys, k);
        if (at >= 0)
            put(values, k, y, text, (size_t)at);
    }
    if (status == C2S_OK && is_text)
        status = c2s_tensor_strings(2, dim, text, &y);
    c2s_lookup_close(&lookup);
    free(text);
    if (status == C2S_OK)
        c2s_eval_set(e, 0, y);
    else
        c2s_tensor_unref(y);
    return status;
}

static c2s_status vectorizer_eval(c2s_eval *e) {
    const c2s_tensor *keys, *values;
    c2s_tensor *vocabulary;
    C2S_TRY(open_map(e->in[0], &keys, &values));
    C2S_TRY(vocabulary_of(e->node, &vocabulary));
    c2s_status status = vectorize(e, keys, values, vocabulary);
    c2s_tensor_unref(vocabulary);
    return status;
}

const c2s_op c2s_op_dict_vectorizer = {
    .type = "DictVectorizer",
    .domain = "ai.onnx.ml",
    .inputs = {1, 1},
    .outputs = {1, 1},
    .quant = C2S_QUANT_ONLY(FLOAT),
    .flags = C2S_OP_SIZES_OUTPUTS,
    .ties = c2s_ties_pinned,
    .infer = vectorizer_infer,
    .eval = vectorizer_eval,
};

/* ---- CastMap ---- */

static c2s_status cast_target(const c2s_node *node, c2s_dtype *dtype) {
    const char *to = c2s_attr_string(node, "cast_to", "TO_FLOAT");
    *dtype = strcmp(to, "TO_FLOAT") == 0    ? C2S_FLOAT
             : strcmp(to, "TO_INT64") == 0  ? C2S_INT64
             : strcmp(to, "TO_STRING") == 0 ? C2S_STRING
                                            : C2S_UNDEFINED;
    if (*dtype == C2S_UNDEFINED)
        return c2s_fail(C2S_ERR_INVALID, "cast_to is \"%s\"", to);
    return C2S_OK;
}

static c2s_status cast_infer(c2s_infer *i) {
    c2s_dtype dtype;
    C2S_TRY(need_map(i));
    C2S_TRY(cast_target(i->node, &dtype));
    c2s_dim dim[2] = {1, c2s_dim_fresh(i->dims)};
    i->out[0] = c2s_type_tensor(dtype, 2, dim);
    return C2S_OK;
}

typedef struct entry {
    int64_t key;
    size_t index;
} entry;

static int compare_entries(const void *a, const void *b) {
    const entry *x = a, *y = b;
    return (x->key > y->key) - (x->key < y->key);
}

/* For every place of the output the index of its value, or -1: in the order of the keys, or,
 * sparse, at the keys. */
static c2s_status place_values(const c2s_tensor *keys, bool sparse, size_t length, int64_t *from) {
    entry *order = c2s_alloc_array(keys->count + 1, sizeof *order);
    for (size_t k = 0; k < keys->count; k++) {
        order[k].index = k;
        order[k].key = 0;
        c2s_tensor_i64_at(keys, k, &order[k].key);
    }
    qsort(order, keys->count, sizeof *order, compare_entries);
    for (size_t k = 0; k < length; k++)
        from[k] = -1;
    c2s_status status = C2S_OK;
    for (size_t k = 0; k < keys->count && status == C2S_OK; k++) {
        if (sparse && (order[k].key < 0 || (size_t)order[k].key >= length))
            status = c2s_fail(C2S_ERR_INVALID, "key %lld in a map of at most %zu",
                              (long long)order[k].key, length);
        else
            from[sparse ? (size_t)order[k].key : k] = (int64_t)order[k].index;
    }
    free(order);
    return status;
}

/* The values as elements of `dtype`: text is read, numbers are written down. */
static c2s_status cast_values(const c2s_tensor *values, c2s_dtype dtype, c2s_tensor **out) {
    const c2s_cast cast = {0};
    const int64_t count = (int64_t)values->count;
    if (values->type.dtype == dtype) {
        *out = c2s_tensor_ref(values);
        return C2S_OK;
    }
    if (dtype == C2S_STRING)
        return c2s_cast_to_text(values, out);
    C2S_TRY(c2s_tensor_create(dtype, 1, &count, out));
    const c2s_status status = values->type.dtype == C2S_STRING
                                  ? c2s_cast_from_text(&cast, values, *out)
                                  : c2s_cast_numbers(&cast, values, *out);
    if (status != C2S_OK)
        c2s_tensor_unref(*out);
    return status;
}

/* Elements of `values` in the given places; those without one are 0 or empty. */
static c2s_status give_values(c2s_eval *e, const c2s_tensor *values, const int64_t *from,
                              size_t length) {
    const int64_t dim[2] = {1, (int64_t)length};
    if (values->type.dtype == C2S_STRING) {
        const c2s_string *text = c2s_tensor_data(values);
        c2s_string *placed = c2s_zalloc((length + 1) * sizeof *placed);
        c2s_tensor *given;
        for (size_t k = 0; k < length; k++)
            placed[k] = from[k] < 0 ? (c2s_string){"", 0} : text[from[k]];
        const c2s_status status = c2s_tensor_strings(2, dim, placed, &given);
        free(placed);
        C2S_TRY(status);
        c2s_eval_set(e, 0, given);
        return C2S_OK;
    }
    C2S_TRY(c2s_eval_new(e, 0, values->type.dtype, 2, dim));
    const size_t size = c2s_dtype_bits(values->type.dtype) / 8;
    const char *data = c2s_tensor_data(values);
    char *to = c2s_tensor_mutable(e->out[0]);
    for (size_t k = 0; k < length; k++, to += size) {
        memset(to, 0, size);
        if (from[k] >= 0)
            memcpy(to, data + (size_t)from[k] * size, size);
    }
    return C2S_OK;
}

static c2s_status cast_eval(c2s_eval *e) {
    const c2s_tensor *keys, *values;
    c2s_tensor *cast;
    c2s_dtype dtype;
    C2S_TRY(cast_target(e->node, &dtype));
    C2S_TRY(open_map(e->in[0], &keys, &values));
    bool sparse = strcmp(c2s_attr_string(e->node, "map_form", "DENSE"), "SPARSE") == 0;
    int64_t most = c2s_attr_int(e->node, "max_map", 1);
    if (sparse && (most < 0 || most > INT32_MAX))
        return c2s_fail(C2S_ERR_INVALID, "max_map is %lld", (long long)most);
    C2S_TRY(cast_values(values, dtype, &cast));
    size_t length = sparse ? (size_t)most : keys->count;
    int64_t *from = NULL;
    c2s_status status = c2s_scratch(length, sizeof *from, &from);
    if (status == C2S_OK)
        status = place_values(keys, sparse, length, from);
    if (status == C2S_OK)
        status = give_values(e, cast, from, length);
    free(from);
    c2s_tensor_unref(cast);
    return status;
}

const c2s_op c2s_op_cast_map = {
    .type = "CastMap",
    .domain = "ai.onnx.ml",
    .inputs = {1, 1},
    .outputs = {1, 1},
    .quant = C2S_QUANT_ONLY(FLOAT),
    .flags = C2S_OP_SIZES_OUTPUTS,
    .ties = c2s_ties_pinned,
    .infer = cast_infer,
    .eval = cast_eval,
};
