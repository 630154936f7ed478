/* SPDX-License-Identifier: Apache-2.0
 *
 * Every model of the shared folder, with all layers written in a form at its greatest rank, gives
 * what it gave: to 1e-4 of the largest element, on the stored input. Judge: the model as it is.
 * Layers that floats cannot hold in a form (find_stable) are left out, as the pass does. Arguments:
 * only models whose name contains the first, only forms whose name contains the second.
 */
#include "shared.h"

#include <dirent.h>
#include <math.h>
#include <string.h>

#include "eval/compare.h"
#include "io/load.h"
#include "io/load_data.h"
#include "io/normalise.h"
#include "passes/lowrank/lowrank_apply.h"
#include "passes/lowrank/spectrum.h"
#include "passes/pipeline.h"
#include "runtime/session.h"

#define TOLERANCE 1e-4

static const char *only = "", *only_form = "";

/* ---- models ---- */

/* Weights that callers could override become constants. */
static c2s_model *load(const char *folder) {
    char path[10000];
    c2s_model *model;
    c2s_pipeline *pipeline;
    c2s_pipeline_result result;
    const c2s_pass_context context = {.evaluator = &c2s_evaluator_onednn};
    const c2s_pipeline_options options = {.context = &context};
    snprintf(path, sizeof path, "%s/model.onnx", folder);
    if (c2s_model_load(path, &model) != C2S_OK || c2s_model_normalise(model) != C2S_OK ||
        c2s_graph_infer(model->graph) != C2S_OK)
        fail_msg("%s: %s", path, c2s_error());
    assert_int_equal(c2s_pipeline_parse("cleanup,fuse", &pipeline), C2S_OK);
    assert_int_equal(c2s_pipeline_run(pipeline, model, &options, &result), C2S_OK);
    c2s_pipeline_result_free(&result);
    c2s_pipeline_free(pipeline);
    return model;
}

/* The inputs that have no initializer, by their names. */
static c2s_tensor **load_inputs(const char *folder, const c2s_graph *graph) {
    c2s_tensor **in = c2s_zalloc((c2s_graph_input_count(graph) + 1u) * sizeof *in);
    for (unsigned k = 0, file = 0; k < c2s_graph_input_count(graph); k++) {
        char path[10000];
        const c2s_value *input = c2s_graph_input(graph, k);
        if (input->initial)
            continue;
        snprintf(path, sizeof path, "%s/test_data_set_ort/input_%u.pb", folder, file++);
        if (c2s_tensor_load_pb(path, &input->type, &in[k]) != C2S_OK)
            fail_msg("%s: %s", path, c2s_error());
    }
    return in;
}

static c2s_tensor **run(const c2s_graph *graph, c2s_tensor *const *in) {
    c2s_tensor **out = c2s_zalloc((c2s_graph_output_count(graph) + 1u) * sizeof *out);
    c2s_session *session;
    if (c2s_evaluator_onednn.open(graph, NULL, &session) != C2S_OK ||
        c2s_evaluator_onednn.run(session, (const c2s_tensor *const *)in, out) != C2S_OK)
        fail_msg("%s", c2s_error());
    c2s_evaluator_onednn.close(session);
    return out;
}

static void free_all(c2s_tensor **tensors, unsigned count) {
    for (unsigned k = 0; k < count; k++)
        c2s_tensor_unref(tensors[k]);
    free(tensors);
}

/* ---- the form ---- */

static bool is_stable(const c2s_lowrank_layer *layer, const c2s_lowrank_form *form) {
    const size_t most = form->most(&layer->site);
    c2s_lowrank_target target;
    c2s_lowrank_problem problem;
    c2s_spectrum spectrum;
    if (!form->find_stable)
        return true;
    bool *stable = c2s_zalloc(most + 1);
    assert_int_equal(c2s_lowrank_target_open(layer, NULL, NULL, 0, &target), C2S_OK);
    assert_int_equal(c2s_lowrank_target_problem(&target, 0, &problem), C2S_OK);
    assert_int_equal(c2s_spectrum_open(&problem, most, &spectrum), C2S_OK);
    assert_int_equal(form->find_stable(&problem, &spectrum, most, stable), C2S_OK);
    const bool found = stable[most - 1];
    c2s_spectrum_close(&spectrum);
    c2s_lowrank_problem_close(&problem);
    c2s_lowrank_target_close(&target);
    free(stable);
    return found;
}

/* All layers that can have it, at the rank that reproduces them. */
static void plan_form(c2s_graph *graph, const c2s_lowrank_form *form, c2s_lowrank_plan *plan) {
    *plan = (c2s_lowrank_plan){.multiple = 1, .forms = ""};
    for (c2s_node *node = graph->first; node; node = node->next) {
        c2s_lowrank_item item = {.weight = 1, .chosen = 0};
        if (c2s_lowrank_layer_of(node, &item.layer) || form->refuse(&item.layer.site) ||
            !is_stable(&item.layer, form))
            continue;
        item.counted = item.layer.site;
        const c2s_lowrank_way way = {.form = form, .rank = form->most(&item.layer.site)};
        c2s_vec_push(&item.ways, way);
        c2s_vec_push(&plan->items, item);
    }
}

/* The largest relative error of an output; -1: no layer has the form. */
static double difference(c2s_model *model, const c2s_lowrank_form *form, c2s_tensor *const *in,
                         c2s_tensor *const *wanted, size_t *layers) {
    const c2s_pass_context context = {.evaluator = &c2s_evaluator_onednn};
    const c2s_lowrank_how how = {.context = &context, .stages = 1};
    const unsigned outputs = c2s_graph_output_count(model->graph);
    c2s_model *copy = c2s_model_copy(model);
    c2s_lowrank_plan plan;
    double worst = -1;
    plan_form(model->graph, form, &plan);
    *layers = plan.items.count;
    if (plan.items.count > 0) {
        if (c2s_lowrank_apply(copy, &plan, &how, NULL, NULL) != C2S_OK)
            fail_msg("%s", c2s_error());
        c2s_graph_sweep(copy->graph);
        assert_int_equal(c2s_model_verify(copy), C2S_OK);
        c2s_tensor **out = run(copy->graph, in);
        for (unsigned k = 0; k < outputs; k++) {
            c2s_difference d;
            c2s_compare(wanted[k], out[k], TOLERANCE, &d);
            worst = fmax(worst, d.same_type ? d.max_rel : INFINITY);
        }
        free_all(out, outputs);
    }
    c2s_lowrank_plan_free(&plan);
    c2s_model_destroy(copy);
    return worst;
}

/* How many forms do not reproduce the model. */
static int check_model(const char *name, const char *folder) {
    c2s_model *model = load(folder);
    c2s_tensor **in = load_inputs(folder, model->graph), **wanted = run(model->graph, in);
    int wrong = 0;
    for (size_t f = 0; c2s_lowrank_forms()[f]; f++) {
        const c2s_lowrank_form *form = c2s_lowrank_forms()[f];
        size_t layers;
        if (!strstr(form->name, only_form))
            continue;
        const double found = difference(model, form, in, wanted, &layers);
        if (layers == 0)
            continue;
        print_message("    %-24s %-14s %3zu layers: %.1e%s\n", name, form->name, layers, found,
                      found <= TOLERANCE ? "" : " DIFFERS");
        wrong += !(found <= TOLERANCE);
    }
    free_all(in, c2s_graph_input_count(model->graph));
    free_all(wanted, c2s_graph_output_count(model->graph));
    c2s_model_destroy(model);
    return wrong;
}

static void full_rank_reproduces(void **state) {
    (void)state;
    char folder[4096], path[8192];
    struct dirent **entries;
    int wrong = 0;
    shared_need(folder, sizeof folder, "models");
    const int count = scandir(folder, &entries, NULL, alphasort);
    assert_true(count > 2);
    for (int i = 0; i < count; i++) {
        struct stat info;
        const char *name = entries[i]->d_name;
        snprintf(path, sizeof path, "%s/%s/test_data_set_ort", folder, name);
        if (name[0] != '.' && strstr(name, only) && stat(path, &info) == 0) {
            path[strlen(path) - strlen("/test_data_set_ort")] = '\0';
            wrong += check_model(name, path);
        }
        free(entries[i]);
    }
    free(entries);
    assert_int_equal(wrong, 0);
}

int main(int argc, char **argv) {
    if (argc > 1)
        only = argv[1];
    if (argc > 2)
        only_form = argv[2];
    const struct CMUnitTest tests[] = {cmocka_unit_test(full_rank_reproduces)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
