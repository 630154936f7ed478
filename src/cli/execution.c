/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/execution.h"

#include <string.h>

#include "base/status.h"
#include "eval/random_inputs.h"
#include "io/normalise.h"
#include "ir/clone.h"
#include "runtime/session.h"

enum { RANDOM_SAMPLES = 2 };

static c2s_status parse_emulation(const char *text, c2s_emulation *out) {
    static const char *const names[] = {"nothing", "avx2", "avx2-onednn"};
    *out = C2S_EMULATE_NOTHING;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (text && strcmp(text, names[i]) == 0) {
            *out = (c2s_emulation)i;
            return C2S_OK;
        }
    return text ? c2s_fail(C2S_ERR_USAGE, "--emulate %s: expected avx2 or avx2-onednn", text)
                : C2S_OK;
}

static c2s_status prepare(c2s_model *model) {
    C2S_TRY(c2s_model_normalise(model));
    C2S_TRY(c2s_model_inline(model, 0));
    return c2s_graph_infer(model->graph);
}

c2s_status cli_model_take(c2s_model *model, cli_model *out) {
    *out = (cli_model){.model = model};
    const c2s_status status = prepare(model);
    if (status != C2S_OK && model->path[0])
        c2s_note("%s", model->path);
    return status;
}

c2s_status cli_model_read(const char *path, cli_model *out) {
    c2s_model *model;
    *out = (cli_model){0};
    C2S_TRY(c2s_model_load(path, &model));
    return cli_model_take(model, out);
}

c2s_status cli_model_start(cli_model *m, const cli_arguments *a, c2s_observer observe, void *user,
                           const bool *values) {
    c2s_eval_options options = {.threads = (unsigned)a->threads,
                                .memory_limit = a->memory,
                                .simulate_quantized = a->simulate_quantized,
                                .observe = observe,
                                .observe_user = user,
                                .observe_value = values};
    C2S_TRY(parse_emulation(a->emulate, &options.emulate));
    const c2s_status status = c2s_evaluator_onednn.open(m->model->graph, &options, &m->session);
    if (status != C2S_OK)
        c2s_note("%s", m->model->path);
    return status;
}

c2s_status cli_model_open(const char *path, const cli_arguments *a, cli_model *out) {
    c2s_status status = cli_model_read(path, out);
    if (status == C2S_OK)
        status = cli_model_start(out, a, NULL, NULL, NULL);
    if (status != C2S_OK)
        cli_model_close(out);
    return status;
}

void cli_model_close(cli_model *m) {
    if (m->session)
        m->session->evaluator->close(m->session);
    c2s_model_free(m->model);
    *m = (cli_model){0};
}

c2s_status cli_model_run(const cli_model *m, const c2s_tensor *const *in, c2s_tensor **out) {
    c2s_status status = m->session->evaluator->run(m->session, in, out);
    if (status != C2S_OK)
        c2s_note("%s", m->model->path);
    return status;
}

c2s_status cli_inputs_open(const c2s_graph *graph, const cli_arguments *a, size_t most,
                           cli_inputs *out) {
    *out = (cli_inputs){.graph = graph, .arguments = a};
    size_t wanted = a->samples ? (size_t)a->samples : most;
    if (!a->data) {
        out->count = wanted ? wanted : RANDOM_SAMPLES;
        return C2S_OK;
    }
    C2S_TRY(c2s_dataset_open(a->data, graph, a->image, &out->data));
    out->count = c2s_dataset_count(out->data);
    if (wanted && wanted < out->count)
        out->count = wanted;
    return C2S_OK;
}

void cli_inputs_close(cli_inputs *inputs) {
    c2s_dataset_close(inputs->data);
    inputs->data = NULL;
}

static c2s_status get_inputs(const cli_inputs *inputs, size_t index, c2s_tensor **in) {
    if (inputs->data)
        return c2s_dataset_sample(inputs->data, index, in);
    const cli_arguments *a = inputs->arguments;
    c2s_random_options random = {.seed = (uint64_t)a->seed,
                                 .sample = (unsigned)index,
                                 .attempt = inputs->attempt,
                                 .dims = a->dims.at,
                                 .dim_count = (unsigned)a->dims.count};
    return c2s_random_inputs(inputs->graph, &random, in);
}

static c2s_status run_once(const cli_model *m, const cli_inputs *inputs, size_t index,
                           c2s_tensor **in, c2s_tensor **out) {
    C2S_TRY(get_inputs(inputs, index, in));
    c2s_status status = cli_model_run(m, (const c2s_tensor *const *)in, out);
    if (status == C2S_ERR_INVALID && !inputs->data)
        c2s_note("on random inputs (--data PATH gives real ones)");
    return status;
}

c2s_status cli_run_sample(const cli_model *m, cli_inputs *inputs, size_t index, c2s_tensor **in,
                          c2s_tensor **out) {
    c2s_status status = run_once(m, inputs, index, in, out);
    if (status != C2S_ERR_INVALID || inputs->data || index > 0)
        return status;
    char *first = c2s_strdup(c2s_error()); /* the failure to tell if no extents serve */
    while (status == C2S_ERR_INVALID && ++inputs->attempt < C2S_RANDOM_ATTEMPTS) {
        c2s_error_clear();
        cli_release(in, c2s_graph_input_count(inputs->graph));
        status = run_once(m, inputs, 0, in, out);
    }
    if (status != C2S_OK) {
        c2s_error_clear();
        status = c2s_fail(C2S_ERR_INVALID, "%s", first);
    }
    free(first);
    return status;
}

void cli_release(c2s_tensor **tensors, size_t count) {
    for (size_t i = 0; i < count; i++) {
        c2s_tensor_unref(tensors[i]);
        tensors[i] = NULL;
    }
}
