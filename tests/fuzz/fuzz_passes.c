/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as a model (grown_model.h) through the main job, with one of the pipelines that the
 * first byte chooses: it is refused with a message, or what comes out is sound. With
 * C2S_FUZZ_STRICT a lossless pass that had to be rolled back is a finding, too, if the model itself
 * can be run. */
#include "fuzz/grown_model.h"

#include "eval/random_inputs.h"
#include "eval/runner.h"
#include "io/save.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Appended to only: the corpora mean them by number. */
static const char *const pipelines[] = {
    NULL, /* the default */
    "cleanup",
    "recompose",
    "fuse",
    "prune(ratio=0.3,stages=2)",
    "prune(ratio=0.5,round=1)",
    "lowrank(ratio=0.5,timing=no,multiple=1)",
    "quantize",
    "equalize",
    "quantize_dynamic(force=yes)",
    "quantize_weights",
    "cluster_weights",
    "half(sqnr=0)",
    "quantize,quantized_form(to=qoperator)",
    "quantized_form(to=float)",
    "cleanup,recompose,fuse,quantize(target=ort-cpu)",
};
enum { PIPELINES = sizeof pipelines / sizeof *pipelines, LOSSLESS = 4, LOWRANK = 6 };

/* What a model must be after anything was done to it. */
static void must_be_sound(c2s_model *model, const char *after) {
    void *data;
    size_t size;
    c2s_model *again = NULL;
    must(c2s_model_verify(model) == C2S_OK, after);
    must(c2s_model_save_memory(model, &data, &size) == C2S_OK, "saving");
    must(c2s_model_load_memory(data, size, "again.onnx", &again) == C2S_OK, "loading again");
    c2s_model_destroy(again);
}

enum { MOST_INPUTS = 8, MOST_OUTPUTS = 64 };

/* Whether it computes something on inputs of the seed; the types of a changed model may contradict
 * each other, which only a run shows where functions are called. */
static bool can_run(const c2s_model *model) {
    static const c2s_eval_options options = {.threads = 1, .memory_limit = 4 << 20};
    const c2s_random_options random = {.seed = 1};
    const c2s_graph *graph = model->graph;
    c2s_tensor *in[MOST_INPUTS] = {NULL}, *out[MOST_OUTPUTS] = {NULL};
    const unsigned inputs = c2s_graph_input_count(graph), outputs = c2s_graph_output_count(graph);
    c2s_runner *runner = NULL;
    if (inputs > MOST_INPUTS || outputs > MOST_OUTPUTS || grown_has_bodies(model) ||
        c2s_random_inputs(graph, &random, in) != C2S_OK)
        return false;
    const bool good =
        c2s_runner_open(graph, &c2s_evaluator_reference, &options, &runner) == C2S_OK &&
        c2s_runner_run(runner, (const c2s_tensor *const *)in, out) == C2S_OK;
    c2s_runner_close(runner);
    for (unsigned k = 0; k < outputs && good; k++)
        c2s_tensor_unref(out[k]);
    for (unsigned k = 0; k < inputs; k++)
        c2s_tensor_unref(in[k]);
    return good;
}

static void check_report(const c2s_report *report, const c2s_model *model) {
    for (unsigned k = 0; k < report->pass_count; k++) {
        const c2s_pass_report *p = &report->passes[k];
        if (p->outcome != C2S_ROLLED_BACK && p->left_out_count == 0)
            continue;
        c2s_text_write(model, NULL, stderr);
        fprintf(stderr, "%s: %s %s\n", p->name, p->reason ? p->reason : "",
                p->left_out_count ? p->left_out[0] : "");
        abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size < 2)
        return 0;
    const unsigned choice = data[0] % PIPELINES;
    if (choice == LOWRANK && data[1] >= GROWN_REAL_FROM && grown_real()->count > 0)
        return 0; /* it looks for ranks half a minute long */
    c2s_model *model = grown_model(data + 1, size - 1);
    c2s_run_options options = {
        .passes = pipelines[choice],
        .no_prove = grown_has_bodies(model), /* a loop may ask for any number of rounds */
        .no_guard = true,
        .samples = 1,
        .memory_limit = 16 << 20,
        .threads = 1,
    };
    const bool strict = getenv("C2S_FUZZ_STRICT") && choice < LOSSLESS && can_run(model);
    c2s_report *report = NULL;
    const c2s_status status = c2s_model_optimize(model, &options, &report);
    if (status == C2S_OK) {
        must_be_sound(model, "after the passes");
        if (strict)
            check_report(report, model);
    } else {
        must(*c2s_error() != '\0', "refused without a message");
        must(status != C2S_ERR_USAGE, "the options are wrong");
    }
    c2s_report_free(report);
    c2s_model_destroy(model);
    c2s_error_clear();
    return 0;
}
