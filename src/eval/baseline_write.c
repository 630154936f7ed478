/* SPDX-License-Identifier: Apache-2.0
 *
 * Baselines as JSON. Lists of numbers are one text each: a line in the file.
 */
#include <inttypes.h>
#include <math.h>

#include "base/file.h"
#include "base/json_values.h"
#include "eval/baseline.h"
#include "eval/metric_json.h"

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

static json_t *probe_json(const c2s_probed_output *o, const c2s_probe *p) {
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

static json_t *outputs_json(const c2s_probes *p) {
    json_t *outputs = json_array();
    for (unsigned k = 0; k < p->count; k++) {
        const c2s_probed_output *o = &p->output[k];
        json_t *json = json_object(), *probes = json_array();
        for (size_t i = 0; i < o->probes.count; i++)
            json_array_append_new(probes, probe_json(o, &o->probes.at[i]));
        json_object_set_new(json, "name", c2s_json_text(o->name));
        json_object_set_new(json, "type", json_string(o->type));
        json_object_set_new(json, "digest", digest_json(o->digest));
        json_object_set_new(json, "probes", probes);
        json_array_append_new(outputs, json);
    }
    return outputs;
}

static json_t *classes_json(const c2s_baseline *b) {
    text rows = {0}, hits = {0};
    for (size_t k = 0; k < b->classes.count; k++) {
        put_number(&rows, "%.0f", (double)b->classes.at[k].rows);
        put_number(&hits, "%.0f", (double)b->classes.at[k].hits);
    }
    json_t *json = json_object();
    if (b->label_offset > 0)
        json_object_set_new(json, "offset", json_integer(b->label_offset - 1));
    json_object_set_new(json, "rows", take_text(&rows));
    json_object_set_new(json, "hits", take_text(&hits));
    return json;
}

c2s_status c2s_baseline_print(const c2s_baseline *b, FILE *stream) {
    json_t *root = json_object();
    json_object_set_new(root, "onnx_c2s_baseline", json_integer(C2S_BASELINE_VERSION));
    json_object_set_new(root, "samples", json_integer((json_int_t)b->probes.samples));
    json_object_set_new(root, "inputs", digest_json(b->probes.inputs));
    json_object_set_new(root, "metrics", c2s_metrics_json(b->value));
    if (b->classes.count > 0)
        json_object_set_new(root, "classes", classes_json(b));
    json_object_set_new(root, "outputs", outputs_json(&b->probes));
    /* All digits: else a model would be a little worse than itself. */
    const int failed = json_dumpf(root, stream, JSON_INDENT(1) | JSON_REAL_PRECISION(17));
    json_decref(root);
    if (failed || fputc('\n', stream) == EOF)
        return c2s_fail(C2S_ERR_IO, "cannot write the baseline");
    return C2S_OK;
}

c2s_status c2s_baseline_write(const char *path, const c2s_baseline *b) {
    c2s_atomic_file file;
    C2S_TRY(c2s_atomic_open(path, &file));
    const c2s_status status = c2s_baseline_print(b, file.stream);
    if (status == C2S_OK)
        return c2s_atomic_commit(&file);
    c2s_atomic_abort(&file);
    c2s_note("%s", path);
    return status;
}
