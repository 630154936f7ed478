/* SPDX-License-Identifier: Apache-2.0 */
#include "eval/baseline.h"

#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"

/* Of the file. */
#define MOST_BYTES (UINT64_C(256) << 20)

static c2s_status broken(const char *what) {
    return c2s_fail(C2S_ERR_INVALID,
                    "expected a baseline of onnx-c2s check: %s is wrong or missing", what);
}

/* The numbers of a text; any count. */
static c2s_status read_numbers(const json_t *json, const char *what, double **out, size_t *count) {
    const char *at = json_string_value(json);
    C2S_VEC(double) list = {0};
    while (at && *at) {
        char *end;
        const double number = strtod(at, &end);
        if (end == at || (*end && *end != ' ')) {
            c2s_vec_free(&list);
            at = NULL;
            break;
        }
        c2s_vec_push(&list, number);
        at = *end ? end + 1 : end;
    }
    *out = list.at;
    *count = list.count;
    return at ? C2S_OK : broken(what);
}

static c2s_status read_digest(const json_t *json, const char *what, uint64_t *out) {
    const char *hex = json_string_value(json);
    char *end;
    if (!hex || strlen(hex) != 16)
        return broken(what);
    *out = strtoull(hex, &end, 16);
    return *end ? broken(what) : C2S_OK;
}

static c2s_status read_metrics(const json_t *json, double value[C2S_METRIC_COUNT]) {
    if (!json_is_object(json))
        return broken("\"metrics\"");
    for (c2s_metric_id id = 0; id < C2S_METRIC_COUNT; id++) {
        const json_t *entry = json_object_get(json, c2s_metric_all[id].name);
        const char *infinite = json_string_value(entry);
        if (json_is_number(entry))
            value[id] = json_number_value(entry);
        else if (infinite)
            value[id] = infinite[0] == '-' ? -INFINITY : INFINITY;
    }
    return C2S_OK;
}

static bool is_count(double number) {
    return number >= 0 && number <= 9e15 && number == floor(number);
}

static c2s_status read_classes(const json_t *json, c2s_baseline *b) {
    double *rows = NULL, *hits = NULL;
    size_t row_count = 0, hit_count = 0;
    if (!json)
        return C2S_OK;
    const json_t *offset = json_object_get(json, "offset"); /* files of before have none */
    if (offset && (!json_is_integer(offset) || (uint64_t)json_integer_value(offset) > 1))
        return broken("\"offset\"");
    b->label_offset = offset ? 1 + (int)json_integer_value(offset) : 0;
    c2s_status status = read_numbers(json_object_get(json, "rows"), "\"rows\"", &rows, &row_count);
    if (status == C2S_OK)
        status = read_numbers(json_object_get(json, "hits"), "\"hits\"", &hits, &hit_count);
    if (status == C2S_OK && row_count != hit_count)
        status = broken("the number of \"hits\"");
    for (size_t k = 0; status == C2S_OK && k < row_count; k++) {
        if (!is_count(rows[k]) || !is_count(hits[k]))
            status = broken("a count of \"classes\"");
        else
            c2s_vec_push(&b->classes,
                         ((c2s_class_count){.rows = (uint64_t)rows[k], .hits = (uint64_t)hits[k]}));
    }
    free(rows);
    free(hits);
    return status;
}

/* The shape, and how many elements a tensor of it has. */
static c2s_status read_shape(const json_t *json, c2s_probe *p, size_t *elements) {
    double *extents;
    size_t count;
    c2s_status status = read_numbers(json, "\"shape\"", &extents, &count);
    *elements = 1;
    if (status == C2S_OK && count > C2S_MAX_RANK)
        status = broken("the rank of \"shape\"");
    for (size_t i = 0; status == C2S_OK && i < count; i++) {
        if (!is_count(extents[i]) || !c2s_mul_size(*elements, (size_t)extents[i], elements))
            status = broken("an extent of \"shape\"");
        else
            p->dim[p->rank++] = (int64_t)extents[i];
    }
    free(extents);
    return status;
}

static c2s_status read_probe(const json_t *json, c2s_probe *p) {
    double *values = NULL;
    size_t count = 0, elements;
    const json_int_t sample = json_integer_value(json_object_get(json, "sample"));
    C2S_TRY(read_shape(json_object_get(json, "shape"), p, &elements));
    c2s_status status =
        read_numbers(json_object_get(json, "values"), "\"values\"", &values, &count);
    if (status == C2S_OK && (count != c2s_probe_size(elements) || sample < 0))
        status = broken("the number of \"values\"");
    if (status == C2S_OK) {
        const int64_t one_axis = (int64_t)count;
        const bool whole = count == elements;
        p->sample = (size_t)sample;
        p->scores = whole && json_is_true(json_object_get(json, "scores"));
        status = c2s_tensor_from_f64(C2S_DOUBLE, whole ? p->rank : 1, whole ? p->dim : &one_axis,
                                     values, &p->tensor);
    }
    free(values);
    return status;
}

static c2s_status read_output(const json_t *json, c2s_probed_output *o) {
    const char *name = json_string_value(json_object_get(json, "name"));
    const char *type = json_string_value(json_object_get(json, "type"));
    const json_t *probes = json_object_get(json, "probes");
    if (!name || !json_is_array(probes))
        return broken("an output");
    o->name = c2s_strdup(name);
    o->type = type ? c2s_strdup(type) : NULL; /* files of before have none */
    C2S_TRY(read_digest(json_object_get(json, "digest"), "\"digest\"", &o->digest));
    for (size_t i = 0; i < json_array_size(probes); i++) {
        c2s_probe p = {0};
        C2S_TRY(read_probe(json_array_get(probes, i), &p));
        c2s_vec_push(&o->probes, p);
    }
    return C2S_OK;
}

static c2s_status read_all(const json_t *root, c2s_baseline *b) {
    const json_t *outputs = json_object_get(root, "outputs");
    const json_int_t samples = json_integer_value(json_object_get(root, "samples"));
    if (json_integer_value(json_object_get(root, "onnx_c2s_baseline")) != C2S_BASELINE_VERSION)
        return broken("\"onnx_c2s_baseline\": 1");
    if (!json_is_array(outputs) || samples < 1)
        return broken("\"outputs\" or \"samples\"");
    b->probes.samples = (size_t)samples;
    C2S_TRY(read_digest(json_object_get(root, "inputs"), "\"inputs\"", &b->probes.inputs));
    C2S_TRY(read_metrics(json_object_get(root, "metrics"), b->value));
    C2S_TRY(read_classes(json_object_get(root, "classes"), b));
    b->probes.output = c2s_zalloc((json_array_size(outputs) + 1) * sizeof *b->probes.output);
    for (size_t k = 0; k < json_array_size(outputs); k++) {
        b->probes.count++;
        C2S_TRY(read_output(json_array_get(outputs, k), &b->probes.output[k]));
    }
    return C2S_OK;
}

c2s_status c2s_baseline_parse(const char *data, size_t size, c2s_baseline *out) {
    json_error_t error;
    *out = (c2s_baseline){0};
    for (c2s_metric_id id = 0; id < C2S_METRIC_COUNT; id++)
        out->value[id] = (double)NAN;
    json_t *root = json_loadb(data, size, JSON_REJECT_DUPLICATES, &error);
    const c2s_status status =
        root ? read_all(root, out)
             : c2s_fail(C2S_ERR_INVALID, "line %d: %s", error.line, error.text);
    json_decref(root);
    return status;
}

c2s_status c2s_baseline_read(const char *path, c2s_baseline *out) {
    void *data;
    size_t size;
    *out = (c2s_baseline){0};
    C2S_TRY(c2s_file_read(path, MOST_BYTES, &data, &size));
    const c2s_status status = c2s_baseline_parse(data, size, out);
    free(data);
    if (status != C2S_OK)
        c2s_note("%s", path);
    return status;
}

void c2s_baseline_free(c2s_baseline *b) {
    c2s_probes_free(&b->probes);
    c2s_vec_free(&b->classes);
}
