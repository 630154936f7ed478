/* SPDX-License-Identifier: Apache-2.0
 *
 * Baselines from and to JSON. Lists of numbers are one text each: a line in the file.
 */
#include "cli/baseline.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "cli/json.h"
#include "cli/measured.h"

enum { VERSION = 1 };
#define MOST_BYTES (UINT64_C(256) << 20)

/* ---- writing ---- */

typedef C2S_VEC(char) text;

static void put_number(text *t, const char *format, double value) {
    char number[40];
    const char *shown = number;
    if (isnan(value))
        shown = "nan";
    else
        snprintf(number, sizeof number, format, value);
    if (t->count > 0)
        c2s_vec_push(t, ' ');
    for (; *shown; shown++)
        c2s_vec_push(t, *shown);
}

static json_t *take_text(text *t) {
    c2s_vec_push(t, '\0');
    json_t *json = json_string(t->at);
    c2s_vec_free(t);
    return json;
}

static json_t *digest_json(uint64_t digest) {
    char hex[20];
    snprintf(hex, sizeof hex, "%016" PRIx64, digest);
    return json_string(hex);
}

static json_t *probe_json(const cli_probed_output *o, const cli_probe *p) {
    text shape = {0}, values = {0};
    const double *number = c2s_tensor_data(p->tensor);
    for (int i = 0; i < p->rank; i++)
        put_number(&shape, "%.0f", (double)p->dim[i]);
    for (size_t i = 0; i < p->tensor->count; i++)
        put_number(&values, o->wide ? "%.17g" : "%.9g", number[i]);
    json_t *json = json_object();
    json_object_set_new(json, "sample", json_integer((json_int_t)p->sample));
    json_object_set_new(json, "shape", take_text(&shape));
    json_object_set_new(json, "scores", json_boolean(p->scores));
    json_object_set_new(json, "values", take_text(&values));
    return json;
}

static json_t *outputs_json(const cli_probes *p) {
    json_t *outputs = json_array();
    for (unsigned k = 0; k < p->count; k++) {
        const cli_probed_output *o = &p->output[k];
        json_t *json = json_object(), *probes = json_array();
        for (size_t i = 0; i < o->probes.count; i++)
            json_array_append_new(probes, probe_json(o, &o->probes.at[i]));
        json_object_set_new(json, "name", cli_json_text(o->name));
        json_object_set_new(json, "digest", digest_json(o->digest));
        json_object_set_new(json, "probes", probes);
        json_array_append_new(outputs, json);
    }
    return outputs;
}

static json_t *classes_json(const cli_baseline *b) {
    text rows = {0}, hits = {0};
    for (size_t k = 0; k < b->classes.count; k++) {
        put_number(&rows, "%.0f", (double)b->classes.at[k].rows);
        put_number(&hits, "%.0f", (double)b->classes.at[k].hits);
    }
    json_t *json = json_object();
    json_object_set_new(json, "rows", take_text(&rows));
    json_object_set_new(json, "hits", take_text(&hits));
    return json;
}

c2s_status cli_baseline_write(const char *path, const cli_baseline *b) {
    json_t *root = json_object();
    json_object_set_new(root, "onnx_c2s_baseline", json_integer(VERSION));
    json_object_set_new(root, "samples", json_integer((json_int_t)b->probes.samples));
    json_object_set_new(root, "inputs", digest_json(b->probes.inputs));
    json_object_set_new(root, "metrics", cli_metrics_json(b->value));
    if (b->classes.count > 0)
        json_object_set_new(root, "classes", classes_json(b));
    json_object_set_new(root, "outputs", outputs_json(&b->probes));
    c2s_atomic_file file;
    c2s_status status = c2s_atomic_open(path, &file);
    if (status != C2S_OK) {
        json_decref(root);
        return status;
    }
    /* All digits: else a model would be a little worse than itself. */
    const int failed = json_dumpf(root, file.stream, JSON_INDENT(1) | JSON_REAL_PRECISION(17));
    json_decref(root);
    if (!failed && fputc('\n', file.stream) != EOF)
        return c2s_atomic_commit(&file);
    c2s_atomic_abort(&file);
    return c2s_fail(C2S_ERR_IO, "%s: cannot write", path);
}

/* ---- reading ---- */

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

static c2s_status read_classes(const json_t *json, cli_baseline *b) {
    double *rows = NULL, *hits = NULL;
    size_t row_count = 0, hit_count = 0;
    if (!json)
        return C2S_OK;
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
static c2s_status read_shape(const json_t *json, cli_probe *p, size_t *elements) {
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

static c2s_status read_probe(const json_t *json, cli_probe *p) {
    double *values = NULL;
    size_t count = 0, elements;
    const json_int_t sample = json_integer_value(json_object_get(json, "sample"));
    C2S_TRY(read_shape(json_object_get(json, "shape"), p, &elements));
    c2s_status status =
        read_numbers(json_object_get(json, "values"), "\"values\"", &values, &count);
    if (status == C2S_OK && (count != cli_probe_size(elements) || sample < 0))
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

static c2s_status read_output(const json_t *json, cli_probed_output *o) {
    const char *name = json_string_value(json_object_get(json, "name"));
    const json_t *probes = json_object_get(json, "probes");
    if (!name || !json_is_array(probes))
        return broken("an output");
    o->name = c2s_strdup(name);
    C2S_TRY(read_digest(json_object_get(json, "digest"), "\"digest\"", &o->digest));
    for (size_t i = 0; i < json_array_size(probes); i++) {
        cli_probe p = {0};
        C2S_TRY(read_probe(json_array_get(probes, i), &p));
        c2s_vec_push(&o->probes, p);
    }
    return C2S_OK;
}

static c2s_status read_all(const json_t *root, cli_baseline *b) {
    const json_t *outputs = json_object_get(root, "outputs");
    const json_int_t samples = json_integer_value(json_object_get(root, "samples"));
    if (json_integer_value(json_object_get(root, "onnx_c2s_baseline")) != VERSION)
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

c2s_status cli_baseline_read(const char *path, cli_baseline *out) {
    void *data;
    size_t size;
    json_error_t error;
    *out = (cli_baseline){0};
    for (c2s_metric_id id = 0; id < C2S_METRIC_COUNT; id++)
        out->value[id] = (double)NAN;
    C2S_TRY(c2s_file_read(path, MOST_BYTES, &data, &size));
    json_t *root = json_loadb(data, size, JSON_REJECT_DUPLICATES, &error);
    free(data);
    c2s_status status = root ? read_all(root, out)
                             : c2s_fail(C2S_ERR_INVALID, "line %d: %s", error.line, error.text);
    json_decref(root);
    if (status != C2S_OK)
        c2s_note("%s", path);
    return status;
}

void cli_baseline_free(cli_baseline *b) {
    cli_probes_free(&b->probes);
    c2s_vec_free(&b->classes);
}
