/* SPDX-License-Identifier: Apache-2.0
 *
 * On real layers with the data of their models: no form at any rank loses more of a layer's outputs
 * with second moments of the inputs than plain SVD does (Eckart and Young for the forms that are a
 * proven optimum). Of layers with groups the first is looked at. Arguments: only models whose name
 * contains the first.
 */
#include "shared.h"

#include <math.h>
#include <string.h>

#include "base/vec.h"
#include "io/load.h"
#include "io/normalise.h"
#include "job_feed.h"
#include "passes/lowrank/lowrank_target.h"
#include "passes/pipeline.h"
#include "runtime/session.h"

static const char *const models[] = {
    "mnist-cnn-cntk", "ort-cnn-mnist-pytorch", "cifar10-cnn-winml", "ort-image-classifier32",
    "mlperf-resnet8", "mlperf-kws-dscnn",      "magika-v2",         "stories260k",
    "tinystories-mlm"};
enum { MODELS = sizeof models / sizeof *models, SAMPLES = 4 };

static const char *only = "";

typedef struct tally {
    c2s_lowrank_layer *layers; /* by node id */
    unsigned count;            /* layers, all forms and ranks */
    double plain, whitened;    /* sums of relative errors */
} tally;

static void fail_layer(const c2s_linear_site *site, const char *form, size_t rank, double plain,
                       double whitened) {
    fail_msg("%s as %s, rank %zu: %g of the energy is lost, by plain SVD %g",
             c2s_node_text(site->node), form, rank, whitened, plain);
}

/* The error in the outputs of what plain SVD gives. */
static double plain_error(const c2s_lowrank_form *form, const c2s_linear_site *site,
                          const c2s_lowrank_problem *problem, size_t rank) {
    c2s_lowrank_problem blind;
    c2s_chain chain;
    double *weights[C2S_CHAIN_MOST], unused, error,
        *v = c2s_alloc_array(site->k * site->n, sizeof *v);
    form->chain(site, rank, &chain);
    assert_int_equal(c2s_lowrank_alloc(site, &chain, 1, weights), C2S_OK);
    assert_int_equal(c2s_lowrank_problem_open(site->k, site->n, problem->weights, NULL, &blind),
                     C2S_OK);
    assert_int_equal(c2s_lowrank_solve(form, site, &blind, rank, weights, &unused), C2S_OK);
    assert_int_equal(c2s_chain_matrix(site, &chain, weights, v), C2S_OK);
    assert_int_equal(c2s_lowrank_problem_error(problem, v, &error), C2S_OK);
    c2s_lowrank_problem_close(&blind);
    c2s_lowrank_free(weights);
    free(v);
    return error;
}

static double whitened_error(const c2s_lowrank_form *form, const c2s_linear_site *site,
                             const c2s_lowrank_problem *problem, size_t rank) {
    c2s_chain chain;
    double *weights[C2S_CHAIN_MOST], error;
    form->chain(site, rank, &chain);
    assert_int_equal(c2s_lowrank_alloc(site, &chain, 1, weights), C2S_OK);
    if (c2s_lowrank_solve(form, site, problem, rank, weights, &error) != C2S_OK)
        fail_msg("%s: %s", form->name, c2s_error());
    c2s_lowrank_free(weights);
    return error;
}

static void check_form(tally *t, const c2s_lowrank_form *form, const c2s_linear_site *site,
                       const c2s_lowrank_problem *problem) {
    const size_t most = form->most(site);
    for (size_t rank = most > 4 ? most / 4 : 1; rank < most; rank += most / 3 + 1) {
        const double plain = plain_error(form, site, problem, rank) / problem->energy;
        const double whitened = whitened_error(form, site, problem, rank) / problem->energy;
        if (!(whitened <= plain + 1e-9))
            fail_layer(site, form->name, rank, plain, whitened);
        t->plain += plain;
        t->whitened += whitened;
        t->count++;
    }
}

static c2s_status take(void *user, const c2s_linear_site *site, c2s_gram *gram,
                       const c2s_cross *cross) {
    tally *t = user;
    c2s_lowrank_target target;
    c2s_lowrank_problem problem;
    (void)cross;
    assert_int_equal(
        c2s_lowrank_target_open(&t->layers[site->node->id], gram, NULL, 0.001, &target), C2S_OK);
    assert_int_equal(c2s_lowrank_target_problem(&target, 0, &problem), C2S_OK);
    for (size_t f = 0; c2s_lowrank_forms()[f] && problem.energy > 0; f++)
        if (!c2s_lowrank_forms()[f]->refuse(site))
            check_form(t, c2s_lowrank_forms()[f], site, &problem);
    c2s_lowrank_problem_close(&problem);
    c2s_lowrank_target_close(&target);
    return C2S_OK;
}

/* Weights that callers could override become constants. */
static void clean(c2s_model *model) {
    c2s_pipeline *pipeline;
    c2s_pipeline_result result;
    const c2s_pass_context context = {.evaluator = &c2s_evaluator_onednn};
    const c2s_pipeline_options options = {.context = &context};
    assert_int_equal(c2s_pipeline_parse("cleanup,fuse", &pipeline), C2S_OK);
    assert_int_equal(c2s_pipeline_run(pipeline, model, &options, &result), C2S_OK);
    c2s_pipeline_result_free(&result);
    c2s_pipeline_free(pipeline);
}

static c2s_model *load(const char *name) {
    char path[4096], relative[256];
    c2s_model *model;
    snprintf(relative, sizeof relative, "models/%s/model.onnx", name);
    shared_need(path, sizeof path, relative);
    if (c2s_model_load(path, &model) != C2S_OK || c2s_model_normalise(model) != C2S_OK ||
        c2s_graph_infer(model->graph) != C2S_OK)
        fail_msg("%s: %s", name, c2s_error());
    clean(model);
    return model;
}

static void check_model(const char *name) {
    char path[4096], relative[256];
    c2s_model *model = load(name);
    C2S_VEC(c2s_gram_request) requests = {0};
    tally t = {.layers = c2s_zalloc((model->nodes.count + 1) * sizeof *t.layers)};
    c2s_feed *feed;
    snprintf(relative, sizeof relative, "data/%s/calib.npz", name);
    shared_need(path, sizeof path, relative);
    const char *const paths[] = {path};
    if (c2s_feed_open_data(paths, 1, model->graph, NULL, SAMPLES, &feed) != C2S_OK)
        fail_msg("%s: %s", name, c2s_error());
    for (c2s_node *node = model->graph->first; node; node = node->next)
        if (node->op != &c2s_op_gather && !c2s_lowrank_layer_of(node, &t.layers[node->id]))
            c2s_vec_push(&requests, ((c2s_gram_request){.node = node}));
    const c2s_gram_options o = {
        .evaluator = &c2s_evaluator_onednn, .feed = feed, .take = take, .user = &t};
    if (c2s_gram_collect(model->graph, requests.at, requests.count, &o) != C2S_OK)
        fail_msg("%s: %s", name, c2s_error());
    print_message("    %-24s %3zu layers, %4u cases: mean loss %.4f, by plain SVD %.4f\n", name,
                  requests.count, t.count, t.whitened / t.count, t.plain / t.count);
    assert_true(t.count > 0 && t.whitened < 0.9 * t.plain);
    c2s_feed_close(feed);
    c2s_vec_free(&requests);
    free(t.layers);
    c2s_model_destroy(model);
}

static void never_worse_than_plain(void **state) {
    (void)state;
    for (size_t i = 0; i < MODELS; i++)
        if (strstr(models[i], only))
            check_model(models[i]);
}

int main(int argc, char **argv) {
    if (argc > 1)
        only = argv[1];
    const struct CMUnitTest tests[] = {cmocka_unit_test(never_worse_than_plain)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
