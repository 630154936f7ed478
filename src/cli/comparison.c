/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/comparison.h"

#include <math.h>
#include <string.h>

#include "base/log.h"
#include "base/status.h"
#include "cli/labels.h"
#include "cli/noise_test.h"
#include "eval/compare.h"
#include "eval/output_scores.h"

/* What a comparison needs while it runs. */
typedef struct comparing {
    const cli_comparison_request *request;
    const cli_model *first; /* A, or else B: the inputs are in its order */
    c2s_arena *arena;
    unsigned input_count, outputs;
    c2s_tensor **in, **out_first, **out_b; /* of a sample */
    c2s_tensor **noisy, **noisy_first, **noisy_b;
    int *input_of_b; /* per input of B the one of A; -1: its initializer serves */
    const c2s_tensor **in_b;
    cli_labels labels;
    cli_noise_response response_a, response_b;
    c2s_class_scores noisy_classes;
    cli_comparison *out;
} comparing;

/* ---- interfaces ---- */

static c2s_status check_interfaces(const c2s_graph *a, const c2s_graph *b, int *input_of_b) {
    unsigned count = c2s_graph_output_count(a);
    if (count != c2s_graph_output_count(b))
        return c2s_fail(C2S_ERR_TOLERANCE, "%s has %u outputs, %s has %u", a->model->path, count,
                        b->model->path, c2s_graph_output_count(b));
    for (unsigned i = 0; i < count; i++)
        if (strcmp(c2s_graph_output_name(a, i), c2s_graph_output_name(b, i)) != 0)
            return c2s_fail(C2S_ERR_TOLERANCE, "output %u is \"%s\" in %s, \"%s\" in %s", i,
                            c2s_graph_output_name(a, i), a->model->path,
                            c2s_graph_output_name(b, i), b->model->path);
    for (unsigned k = 0; k < c2s_graph_input_count(b); k++) {
        const c2s_value *input = c2s_graph_input(b, k);
        input_of_b[k] = -1;
        for (unsigned i = 0; i < c2s_graph_input_count(a); i++)
            if (strcmp(c2s_graph_input(a, i)->name, input->name) == 0)
                input_of_b[k] = (int)i;
        if (input_of_b[k] < 0 && !input->initial)
            return c2s_fail(C2S_ERR_TOLERANCE, "%s has an input \"%s\", %s has none",
                            b->model->path, input->name, a->model->path);
    }
    return C2S_OK;
}

static c2s_status open_comparing(const cli_comparison_request *request, cli_comparison *out,
                                 comparing *c) {
    const cli_model *first = request->a ? request->a : request->b;
    const c2s_graph *graph = first->model->graph, *b = request->b->model->graph;
    *c = (comparing){.request = request, .first = first, .out = out, .arena = c2s_arena_create()};
    c->noisy_classes = (c2s_class_scores)C2S_CLASS_SCORES_INIT;
    c->input_count = c2s_graph_input_count(graph);
    c->outputs = c2s_graph_output_count(graph);
    c2s_tensor ***const arrays[] = {&c->in,    &c->noisy,       &c->out_first,
                                    &c->out_b, &c->noisy_first, &c->noisy_b};
    for (size_t i = 0; i < sizeof arrays / sizeof *arrays; i++)
        *arrays[i] =
            c2s_arena_array(c->arena, i < 2 ? c->input_count : c->outputs, sizeof **arrays[i]);
    c->in_b = c2s_arena_array(c->arena, c2s_graph_input_count(b), sizeof *c->in_b);
    c->input_of_b = c2s_arena_array(c->arena, c2s_graph_input_count(b), sizeof *c->input_of_b);
    cli_noise_response_start(&c->response_a, c->outputs);
    cli_noise_response_start(&c->response_b, c->outputs);
    C2S_TRY(check_interfaces(graph, b, c->input_of_b));
    return cli_labels_open(request->inputs, &c->labels);
}

static void close_comparing(comparing *c) {
    cli_labels_free(&c->labels);
    cli_noise_response_free(&c->response_a);
    cli_noise_response_free(&c->response_b);
    c2s_class_scores_free(&c->noisy_classes);
    c2s_arena_destroy(c->arena);
}

/* ---- a sample ---- */

static c2s_status run_b(comparing *c, c2s_tensor *const *in, c2s_tensor **out) {
    const cli_model *b = c->request->b;
    for (unsigned k = 0; k < c2s_graph_input_count(b->model->graph); k++)
        c->in_b[k] = c->input_of_b[k] < 0 ? NULL : in[c->input_of_b[k]];
    return cli_model_run(b, c->in_b, out);
}

/* Numbers of a sequence item by item, which are of the same types. */
static c2s_status add_numbers(cli_compared_output *o, const c2s_tensor *reference,
                              const c2s_tensor *found) {
    if (c2s_type_is_tensor(&reference->type)) {
        o->texts |= !c2s_is_numeric_tensor(reference);
        if (c2s_is_numeric_tensor(reference))
            c2s_distance_add(&o->distance, reference, found);
        return c2s_row_scores_add(&o->rows, reference, found);
    }
    for (size_t i = 0; i < reference->count; i++)
        C2S_TRY(add_numbers(o, c2s_tensor_item(reference, i), c2s_tensor_item(found, i)));
    return C2S_OK;
}

static c2s_status add_output(cli_compared_output *o, const c2s_tensor *reference,
                             const c2s_tensor *found, double tolerance) {
    c2s_difference d;
    const bool ok = c2s_compare(reference, found, tolerance > 0 ? tolerance : -1, &d);
    o->ok &= ok;
    o->same_type &= d.same_type;
    if (!d.same_type)
        return C2S_OK;
    o->mismatches += d.mismatches;
    return add_numbers(o, reference, found);
}

static void add_labelled(const comparing *c, size_t index, const c2s_tensor *first,
                         const c2s_tensor *found, c2s_class_scores *scores) {
    if (!c2s_is_float_tensor(found) || (first && !c2s_is_float_tensor(first)))
        return;
    const int64_t *labels = cli_labels_of(&c->labels, index, c2s_rows_of(found));
    if (labels)
        c2s_class_scores_add(scores, first, found, labels);
}

/* The results of B: those of the first model if there is no other. */
static c2s_tensor *const *results(const comparing *c, bool noisy) {
    if (c->request->a)
        return noisy ? c->noisy_b : c->out_b;
    return noisy ? c->noisy_first : c->out_first;
}

static c2s_status judge_sample(comparing *c, size_t index) {
    const cli_comparison_request *r = c->request;
    c2s_tensor *const *found = results(c, false);
    for (unsigned i = 0; i < c->out->outputs; i++)
        C2S_TRY(add_output(&c->out->output[i], c->out_first[i], found[i], r->tolerance));
    if (c->outputs > 0)
        add_labelled(c, index, r->a ? c->out_first[0] : NULL, found[0], &c->out->classes);
    return r->take ? r->take(r->user, index, c->in, found) : C2S_OK;
}

static c2s_status judge_noise(comparing *c, size_t index) {
    const cli_comparison_request *r = c->request;
    C2S_TRY(cli_noise_add(c->first->model->graph, c->in, r->noise, r->seed, index, c->noisy));
    C2S_TRY(cli_model_run(c->first, (const c2s_tensor *const *)c->noisy, c->noisy_first));
    if (r->a) {
        C2S_TRY(run_b(c, c->noisy, c->noisy_b));
        C2S_TRY(cli_noise_response_add(&c->response_a, c->outputs, c->out_first, c->noisy_first));
    }
    c2s_tensor *const *found = results(c, true);
    C2S_TRY(cli_noise_response_add(&c->response_b, c->outputs, results(c, false), found));
    if (c->outputs > 0)
        add_labelled(c, index, r->a ? c->noisy_first[0] : NULL, found[0], &c->noisy_classes);
    return C2S_OK;
}

static c2s_status run_sample(comparing *c, size_t index) {
    const cli_comparison_request *r = c->request;
    C2S_TRY(cli_run_sample(c->first, r->inputs, index, c->in, c->out_first));
    if (r->a)
        C2S_TRY(run_b(c, c->in, c->out_b));
    C2S_TRY(judge_sample(c, index));
    if (!(r->noise > 0))
        return C2S_OK;
    if (r->layers)
        r->layers->paused = true;
    const c2s_status status = judge_noise(c, index);
    if (r->layers)
        r->layers->paused = false;
    return status;
}

static void release_sample(comparing *c) {
    cli_release(c->in, c->input_count);
    cli_release(c->noisy, c->input_count);
    cli_release(c->out_first, c->outputs);
    cli_release(c->out_b, c->outputs);
    cli_release(c->noisy_first, c->outputs);
    cli_release(c->noisy_b, c->outputs);
    if (c->request->layers)
        cli_layers_forget(c->request->layers);
}

/* ---- what it comes to ---- */

static void sum_up_noise(const comparing *c, c2s_metrics *m) {
    if (!(c->request->noise > 0))
        return;
    cli_noise_response_metrics(&c->response_b, c->outputs, m->value);
    if (c->request->a)
        cli_noise_response_metrics(&c->response_a, c->outputs, m->reference);
    c2s_metrics noisy;
    c2s_metrics_clear(&noisy);
    c2s_class_scores classes = c->noisy_classes; /* which are those without noise */
    classes.known = 1 + c2s_class_scores_offset(&c->out->classes);
    c2s_class_scores_metrics(&classes, &noisy);
    m->value[C2S_METRIC_NOISE_TOP1] = noisy.value[C2S_METRIC_TOP1];
    m->reference[C2S_METRIC_NOISE_TOP1] = noisy.reference[C2S_METRIC_TOP1];
    m->value[C2S_METRIC_NOISE_TOP1_DROP] = noisy.value[C2S_METRIC_TOP1_DROP];
}

/* What is of another type or shape is as far away as can be, by every metric of outputs. */
static void take_other_type(cli_compared_output *o, double metrics[C2S_METRIC_COUNT]) {
    static const struct {
        c2s_metric_id id;
        double value;
    } worst[] = {{C2S_METRIC_MAX_ABS, INFINITY},      {C2S_METRIC_MEAN_ABS, INFINITY},
                 {C2S_METRIC_MAX_REL, INFINITY},      {C2S_METRIC_MEAN_REL, INFINITY},
                 {C2S_METRIC_SQNR, -INFINITY},        {C2S_METRIC_SQNR_SAMPLE, -INFINITY},
                 {C2S_METRIC_PSNR, -INFINITY},        {C2S_METRIC_COSINE, -1},
                 {C2S_METRIC_KL, INFINITY},           {C2S_METRIC_TOP1_AGREEMENT, 0},
                 {C2S_METRIC_TOP5_AGREEMENT, 0},      {C2S_METRIC_MISMATCHES, INFINITY},
                 {C2S_METRIC_TEXTS_CHANGED, INFINITY}};
    for (size_t i = 0; i < sizeof worst / sizeof *worst; i++)
        o->value[worst[i].id] = metrics[worst[i].id] = worst[i].value;
}

static void sum_up(const comparing *c) {
    cli_comparison *out = c->out;
    uint64_t mismatches = 0;
    double texts = (double)NAN;
    for (unsigned i = 0; i < out->outputs; i++) {
        cli_compared_output *o = &out->output[i];
        mismatches += o->mismatches;
        c2s_distance_metrics(&o->distance, o->value);
        c2s_row_scores_metrics(&o->rows, o->value);
        o->value[C2S_METRIC_MISMATCHES] = (double)o->mismatches;
        c2s_distance_metrics(&o->distance, out->metrics.value);
        c2s_row_scores_metrics(&o->rows, out->metrics.value);
        if (o->texts)
            texts = (isnan(texts) ? 0 : texts) + !o->ok;
    }
    out->metrics.value[C2S_METRIC_TEXTS_CHANGED] = texts;
    if (out->outputs > 0)
        out->metrics.value[C2S_METRIC_MISMATCHES] = (double)mismatches;
    for (unsigned i = 0; i < out->outputs; i++)
        if (!out->output[i].same_type)
            take_other_type(&out->output[i], out->metrics.value);
    c2s_class_scores_metrics(&out->classes, &out->metrics);
    if (c->labels.at && isnan(out->metrics.value[C2S_METRIC_TOP1]))
        c2s_log(0, "the labels fit no rows of scores in output \"%s\", and are not used",
                c->outputs > 0 ? c2s_graph_output_name(c->first->model->graph, 0) : "");
    sum_up_noise(c, &out->metrics);
    if (c->request->layers)
        cli_layers_weigh(c->request->layers, c->first->model->graph);
}

static void start_outputs(const cli_comparison_request *request, cli_comparison *out) {
    *out = (cli_comparison){.classes = C2S_CLASS_SCORES_INIT};
    out->classes.known = request->label_offset;
    c2s_metrics_clear(&out->metrics);
    out->outputs = request->a ? c2s_graph_output_count(request->a->model->graph) : 0;
    out->output = c2s_zalloc((out->outputs + 1) * sizeof *out->output);
    for (unsigned i = 0; i < out->outputs; i++) {
        cli_compared_output *o = &out->output[i];
        *o = (cli_compared_output){.name = c2s_graph_output_name(request->a->model->graph, i),
                                   .ok = true,
                                   .same_type = true,
                                   .distance = C2S_DISTANCE_INIT};
        for (c2s_metric_id id = 0; id < C2S_METRIC_COUNT; id++)
            o->value[id] = (double)NAN;
    }
}

c2s_status cli_compare(const cli_comparison_request *request, cli_comparison *out) {
    comparing c;
    start_outputs(request, out);
    c2s_status status = open_comparing(request, out, &c);
    for (size_t k = 0; k < request->inputs->count && status == C2S_OK; k++) {
        c2s_progress("comparing", (double)k / (double)request->inputs->count);
        status = run_sample(&c, k);
        release_sample(&c);
        out->samples += status == C2S_OK;
    }
    if (status == C2S_OK)
        sum_up(&c);
    close_comparing(&c);
    return status;
}

void cli_comparison_free(cli_comparison *comparison) {
    c2s_class_scores_free(&comparison->classes);
    free(comparison->output);
    comparison->output = NULL;
}
