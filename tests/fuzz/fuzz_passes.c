/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as a model (grown_model.h) through the main job, with one of the pipelines that the
 * first byte chooses: it is refused with a message, or what comes out is sound. With
 * C2S_FUZZ_STRICT, for models that can be run, a lossless pass that had to be rolled back is a
 * finding, too, and so are other results on inputs that the proof has not seen. */
#include "fuzz/grown_model.h"
#include "fuzz/run_model.h"

#include "eval/compare.h"
#include "eval/random_inputs.h"
#include "io/save.h"
#include "ir/clone.h"

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

/* ---- with C2S_FUZZ_STRICT: other inputs than those that the proof has seen ---- */

enum { VARIANTS = 4 };

typedef struct inputs {
    c2s_tensor *at[RUN_MOST_INPUTS];
    unsigned count;
} inputs;

static void drop(c2s_tensor **tensors, unsigned count) {
    for (unsigned k = 0; k < count; k++)
        c2s_tensor_unref(tensors[k]);
}

/* Inputs of the seed 1; then others, larger and of the other sign, zeros: with extents of two or
 * three where a name stands for them. */
static bool make_inputs(const c2s_model *model, unsigned variant, inputs *in) {
    const c2s_graph *graph = model->graph;
    c2s_dim_binding dims[RUN_MOST_INPUTS * C2S_MAX_RANK];
    c2s_random_options random = {.seed = 1 + variant, .sample = variant, .dims = dims};
    *in = (inputs){0};
    if (c2s_graph_input_count(graph) > RUN_MOST_INPUTS)
        return false;
    in->count = c2s_graph_input_count(graph);
    for (unsigned k = 0; k < in->count && variant > 0; k++) {
        const c2s_type *type = &c2s_graph_input(graph, k)->type;
        for (int i = 0; c2s_type_is_tensor(type) && i < type->rank; i++)
            if (!c2s_dim_is_known(type->dim[i]) && !c2s_dim_is_fresh(type->dim[i]))
                dims[random.dim_count++] =
                    (c2s_dim_binding){c2s_dim_text(model->dims, type->dim[i]), 2 + i % 2};
    }
    if (c2s_random_inputs(graph, &random, in->at) != C2S_OK)
        return false;
    for (unsigned k = 0; k < in->count && variant > 1; k++)
        if (in->at[k] && in->at[k]->type.dtype == C2S_FLOAT) {
            float *x = c2s_tensor_mutable(in->at[k]);
            for (size_t i = 0; i < in->at[k]->count; i++)
                x[i] *= variant == 2 ? -30 : 0;
        }
    return true;
}

static bool run_plain(const c2s_graph *graph, c2s_tensor *const *in, c2s_tensor **out) {
    return run_model(graph, &c2s_evaluator_reference, 1, in, out) == C2S_OK;
}

/* The types of a changed model may contradict each other, which only a run shows where functions
 * are called. */
static bool can_run(const c2s_model *model) {
    inputs in;
    c2s_tensor *out[RUN_MOST_OUTPUTS] = {NULL};
    if (c2s_graph_output_count(model->graph) > RUN_MOST_OUTPUTS || grown_has_bodies(model))
        return false;
    const bool good = make_inputs(model, 0, &in) && run_plain(model->graph, in.at, out);
    drop(out, good ? c2s_graph_output_count(model->graph) : 0);
    drop(in.at, in.count);
    return good;
}

/* The inputs that are left, by name. */
static void choose(const c2s_graph *from, const inputs *in, const c2s_graph *to, inputs *chosen) {
    *chosen = (inputs){.count = c2s_graph_input_count(to)};
    for (unsigned k = 0; k < chosen->count; k++)
        for (unsigned i = 0; i < in->count; i++)
            if (strcmp(c2s_graph_input(to, k)->name, c2s_graph_input(from, i)->name) == 0)
                chosen->at[k] = in->at[i];
}

static void must_agree(const c2s_model *before, const c2s_model *after, unsigned variant) {
    inputs in, left;
    c2s_tensor *a[RUN_MOST_OUTPUTS] = {NULL}, *b[RUN_MOST_OUTPUTS] = {NULL};
    const unsigned outputs = c2s_graph_output_count(before->graph);
    const bool good = make_inputs(before, variant, &in) && run_plain(before->graph, in.at, a);
    if (good) {
        choose(before->graph, &in, after->graph, &left);
        const bool runs = run_plain(after->graph, left.at, b);
        for (unsigned k = 0; k < outputs; k++) {
            c2s_difference d = {0};
            if (runs && c2s_compare(a[k], b[k], -1, &d))
                continue;
            c2s_text_write(before, NULL, stderr);
            c2s_text_write(after, NULL, stderr);
            fprintf(stderr, "variant %u, output %u: %s: %g, %g\n", variant, k,
                    runs ? d.where : c2s_error(), d.reference, d.found);
            abort();
        }
        drop(b, outputs);
    }
    drop(a, good ? outputs : 0);
    drop(in.at, in.count);
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
    const bool is_strict = getenv("C2S_FUZZ_STRICT") != NULL;
    const unsigned choice = data[0] % (unsigned)(is_strict ? LOSSLESS : PIPELINES);
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
    const bool strict = is_strict && can_run(model);
    c2s_model *before = strict ? c2s_model_copy(model) : NULL;
    c2s_report *report = NULL;
    const c2s_status status = c2s_model_optimize(model, &options, &report);
    if (status == C2S_OK) {
        must_be_sound(model, "after the passes");
        if (strict)
            check_report(report, model);
        for (unsigned variant = 0; strict && variant < VARIANTS; variant++)
            must_agree(before, model, variant);
    } else {
        must(*c2s_error() != '\0', "refused without a message");
        must(status != C2S_ERR_USAGE, "the options are wrong");
    }
    c2s_report_free(report);
    c2s_model_destroy(before);
    c2s_model_destroy(model);
    c2s_error_clear();
    return 0;
}
