/* SPDX-License-Identifier: Apache-2.0
 *
 * onnx-c2s run: execute a model and keep what it gives.
 */
#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <string.h>
#include <sys/stat.h>

#include "base/log.h"
#include "base/names.h"
#include "cli/execution.h"
#include "cli/json.h"
#include "cli/table.h"
#include "cli/verbs.h"
#include "io/npy.h"

static const cli_option options[] = {
    CLI_DATA_OPTION,
    CLI_IMAGE_OPTION,
    CLI_SAMPLES_OPTION,
    CLI_SEED_OPTION,
    CLI_DIM_OPTION,
    {0, "out", "FOLDER", "write every output as FOLDER/<name>.npy, samples along the first axis",
     CLI_TEXT, offsetof(cli_arguments, out)},
    {0, "threads", "N", "threads (default: all processors)", CLI_INTEGER,
     offsetof(cli_arguments, threads)},
    CLI_MEMORY_OPTION,
    CLI_SIMULATE_OPTION,
    CLI_EMULATE_OPTION,
    CLI_JSON_OPTION,
    {0}};

/* The results of one output over all samples. */
typedef C2S_VEC(c2s_tensor *) results;

/* ---- files ---- */

/* Same dtype, same extents behind the first axis. */
static bool can_join(const results *r) {
    const c2s_type *first = &r->at[0]->type;
    if (first->kind != C2S_KIND_TENSOR || first->rank == 0 || first->dtype == C2S_STRING ||
        c2s_dtype_bits(first->dtype) < 8)
        return false;
    for (size_t i = 1; i < r->count; i++) {
        const c2s_type *type = &r->at[i]->type;
        if (type->kind != C2S_KIND_TENSOR || type->dtype != first->dtype ||
            type->rank != first->rank ||
            memcmp(type->dim + 1, first->dim + 1,
                   (size_t)(first->rank - 1) * sizeof *type->dim) != 0)
            return false;
    }
    return true;
}

static c2s_status join(const results *r, c2s_tensor **out) {
    c2s_type type = r->at[0]->type;
    type.dim[0] = 0;
    for (size_t i = 0; i < r->count; i++)
        type.dim[0] += r->at[i]->type.dim[0];
    C2S_TRY(c2s_tensor_create(type.dtype, type.rank, type.dim, out));
    char *at = c2s_tensor_mutable(*out);
    for (size_t i = 0; i < r->count; i++) {
        size_t size = c2s_tensor_size(r->at[i]);
        if (size)
            memcpy(at, c2s_tensor_data(r->at[i]), size);
        at += size;
    }
    return C2S_OK;
}

/* Output names may hold anything; file names may not. */
static void clean_name(char *clean, size_t size, const char *name) {
    snprintf(clean, size, "%s", name);
    for (char *at = clean; *at; at++)
        if (!isalnum((unsigned char)*at) && !strchr("._-", *at))
            *at = '_';
    if (clean[0] == '.')
        clean[0] = '_';
}

static c2s_status write_output(const char *folder, const char *name, const results *r) {
    char path[4096 + 3100], suffix[32];
    if (can_join(r)) {
        c2s_tensor *all;
        C2S_TRY(join(r, &all));
        snprintf(path, sizeof path, "%s/%s.npy", folder, name);
        c2s_status status = c2s_npy_save(all, path);
        c2s_tensor_unref(all);
        return status;
    }
    for (size_t i = 0; i < r->count; i++) {
        snprintf(suffix, sizeof suffix, r->count > 1 ? ".%zu.npy" : ".npy", i);
        snprintf(path, sizeof path, "%s/%s%s", folder, name, suffix);
        C2S_TRY(c2s_npy_save(r->at[i], path));
    }
    return C2S_OK;
}

/* ---- what is shown ---- */

typedef struct summary {
    double least, most, mean, sum;
    size_t count, not_finite;
} summary;

/* Elements of a tensor, or of all items. */
static void add_to_summary(const c2s_tensor *tensor, summary *s) {
    if (tensor->type.kind != C2S_KIND_TENSOR) {
        for (size_t k = 0; k < tensor->count; k++)
            add_to_summary(c2s_tensor_item(tensor, k), s);
        return;
    }
    const c2s_dtype dtype = tensor->type.dtype;
    if (dtype == C2S_STRING || dtype == C2S_COMPLEX64 || dtype == C2S_COMPLEX128)
        return;
    for (size_t k = 0; k < tensor->count; k++) {
        double value = c2s_tensor_f64_at(tensor, k);
        if (!isfinite(value)) {
            s->not_finite++;
            continue;
        }
        s->least = fmin(s->least, value);
        s->most = fmax(s->most, value);
        s->sum += value;
        s->count++;
    }
}

static summary summarize(const results *r) {
    summary s = {.least = (double)INFINITY, .most = -(double)INFINITY};
    for (size_t i = 0; i < r->count; i++)
        add_to_summary(r->at[i], &s);
    s.mean = s.count ? s.sum / (double)s.count : (double)NAN;
    return s;
}

/* The type of the first result; an empty sequence does not hold its type, but the output does. */
static const c2s_type *shown_type(const c2s_model *model, unsigned output, const c2s_tensor *first) {
    return first->type.kind == C2S_KIND_TENSOR ? &first->type
                                               : &c2s_graph_output(model->graph, output)->type;
}

static bool has_items(const c2s_tensor *first) {
    return first->type.kind == C2S_KIND_SEQUENCE || first->type.kind == C2S_KIND_OPTIONAL;
}

static c2s_status show(const cli_arguments *a, const cli_model *m, const results *outputs) {
    c2s_graph *graph = m->model->graph;
    json_t *root = json_array();
    cli_table table;
    static const char *const head[] = {"output", "type", "least", "mean", "most", ""};
    cli_table_start(&table, 6, 2);
    for (size_t i = 0; i < 6; i++)
        cli_cell(&table, "%s", head[i]);
    for (unsigned i = 0; i < c2s_graph_output_count(graph); i++) {
        char type[512];
        summary s = summarize(&outputs[i]);
        const char *name = c2s_graph_output_name(graph, i);
        const c2s_tensor *first = outputs[i].at[0];
        c2s_type_text(m->model->dims, shown_type(m->model, i, first), type, sizeof type);
        json_t *entry = json_object();
        json_object_set_new(entry, "name", c2s_json_text(name));
        json_object_set_new(entry, "type", c2s_json_text(type));
        json_object_set_new(entry, "least", c2s_json_number(s.count ? s.least : (double)NAN));
        json_object_set_new(entry, "mean", c2s_json_number(s.mean));
        json_object_set_new(entry, "most", c2s_json_number(s.count ? s.most : (double)NAN));
        json_object_set_new(entry, "not_finite", json_integer((json_int_t)s.not_finite));
        if (has_items(first))
            json_object_set_new(entry, "items", json_integer((json_int_t)first->count));
        json_array_append_new(root, entry);
        cli_cell(&table, "%s", name);
        has_items(first)
            ? cli_cell(&table, "%s, %zu item%s", type, first->count, first->count == 1 ? "" : "s")
            : cli_cell(&table, "%s", type);
        const double shown[] = {s.least, s.mean, s.most};
        for (size_t k = 0; k < 3; k++)
            s.count ? cli_cell(&table, "%.6g", shown[k]) : cli_cell(&table, "-");
        s.not_finite ? cli_cell(&table, "%zu not finite", s.not_finite) : cli_cell(&table, "%s", "");
    }
    c2s_status status = C2S_OK;
    if (a->json)
        status = cli_json_print(json_incref(root), stdout);
    else if (!a->quiet)
        cli_table_print(&table, stdout);
    json_decref(root);
    cli_table_free(&table);
    return status;
}

/* ---- the verb ---- */

static c2s_status execute(const cli_model *m, cli_inputs *inputs, results *outputs) {
    unsigned in_count = c2s_graph_input_count(m->model->graph);
    unsigned out_count = c2s_graph_output_count(m->model->graph);
    c2s_tensor **in = c2s_zalloc((in_count + 1) * sizeof *in);
    c2s_tensor **out = c2s_zalloc((out_count + 1) * sizeof *out);
    c2s_status status = C2S_OK;
    for (size_t k = 0; k < inputs->count && status == C2S_OK; k++) {
        c2s_progress("running", (double)k / (double)inputs->count);
        status = cli_run_sample(m, inputs, k, in, out);
        for (unsigned i = 0; i < out_count && status == C2S_OK; i++)
            c2s_vec_push(&outputs[i], out[i]);
        cli_release(in, in_count);
    }
    free(in);
    free(out);
    return status;
}

static c2s_status write_outputs(const char *folder, const cli_model *m, const results *outputs) {
    if (mkdir(folder, 0777) != 0 && errno != EEXIST)
        return c2s_fail(C2S_ERR_IO, "%s: %s", folder, strerror(errno));
    c2s_names *taken = c2s_names_create();
    c2s_status status = C2S_OK;
    for (unsigned i = 0; i < c2s_graph_output_count(m->model->graph) && status == C2S_OK; i++) {
        char name[3000];
        clean_name(name, sizeof name, c2s_graph_output_name(m->model->graph, i));
        status = write_output(folder, c2s_name_fresh(taken, name), &outputs[i]);
    }
    c2s_names_destroy(taken);
    return status;
}

static c2s_status run(const cli_arguments *a) {
    cli_model m;
    C2S_TRY(cli_model_open(a->positional.at[0], a, &m));
    cli_inputs inputs;
    c2s_status status = cli_inputs_open(m.model->graph, a, a->data ? 0 : 1, &inputs);
    unsigned count = c2s_graph_output_count(m.model->graph);
    results *outputs = c2s_zalloc((count + 1) * sizeof *outputs);
    if (status == C2S_OK)
        status = execute(&m, &inputs, outputs);
    if (status == C2S_OK && a->out)
        status = write_outputs(a->out, &m, outputs);
    if (status == C2S_OK)
        status = show(a, &m, outputs);
    for (unsigned i = 0; i < count; i++) {
        cli_release(outputs[i].at, outputs[i].count);
        c2s_vec_free(&outputs[i]);
    }
    free(outputs);
    cli_inputs_close(&inputs);
    cli_model_close(&m);
    return status;
}

const cli_verb cli_verb_run = {
    .name = "run",
    .usage = "run MODEL [--data PATH] [--out FOLDER]",
    .summary = "Runs a model on data or random inputs and shows or writes its outputs.",
    .options = options,
    .least = 1,
    .most = 1,
    .run = run,
};
