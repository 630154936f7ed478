/* SPDX-License-Identifier: Apache-2.0 */
/* The oneDNN session on real models against the results that ONNX Runtime gave: at least 80 dB on
 * floats, equality on integers and strings. Where the two are further apart, the model computed in
 * double decides: ours must have 80 dB against it, and the stored result less than ours. (ONNX
 * Runtime's Sigmoid is 0.5 plus a rational function, exact to a few units of 2^-24 only, however
 * small the result: the output of a detector that sees nothing is noise.) Arguments: only models
 * whose name contains the first; "reference" for the plain evaluator. */
#include "shared.h"

#include <dirent.h>
#include <math.h>
#include <string.h>

#include "eval/compare.h"
#include "io/load_data.h"
#include "io/normalise.h"
#include "runtime/session.h"
#include "unit/retyped.h"

#define LEAST_DB 80.0
/* Networks of 8-bit operators: two steps of the output's quantization. */
#define QUANTIZED 0x1p-7

static const char *only = "";

static c2s_model *load(const char *folder) {
    char path[10000];
    c2s_model *model;
    snprintf(path, sizeof path, "%s/model.onnx", folder);
    if (c2s_model_load(path, &model) != C2S_OK)
        return NULL;
    if (c2s_model_normalise(model) != C2S_OK || c2s_graph_infer(model->graph) != C2S_OK) {
        c2s_model_destroy(model);
        return NULL;
    }
    return model;
}

static bool has_op(const c2s_graph *graph, const char *type) {
    for (const c2s_node *node = graph->first; node; node = node->next)
        if (c2s_node_is(node, type))
            return true;
    return false;
}

static bool is_real(const c2s_tensor *t) {
    return t->type.kind == C2S_KIND_TENSOR && t->type.dtype == C2S_FLOAT;
}

static bool is_closer_to_double(const c2s_model *model, c2s_tensor *const *in, unsigned output,
                                const c2s_tensor *stored, const c2s_tensor *ours) {
    c2s_tensor *exact = output_in_double(model, in, output);
    if (!exact) {
        print_message("    cannot be computed in double: %s\n", c2s_error());
        return false;
    }
    c2s_difference a, b;
    c2s_compare(exact, ours, -1, &a);
    c2s_compare(exact, stored, -1, &b);
    print_message("    against the model in double: ours %.1f dB, stored %.1f dB\n", a.sqnr_db,
                  b.sqnr_db);
    c2s_tensor_unref(exact);
    return a.same_type && a.sqnr_db >= LEAST_DB && a.sqnr_db > b.sqnr_db;
}

/* Number of outputs that disagree with output_<k>.pb; each is named. */
static int compare_outputs(const char *name, const char *folder, const c2s_model *model,
                           c2s_tensor *const *in, c2s_tensor *const *out) {
    int wrong = 0;
    bool quantized = has_op(model->graph, "QuantizeLinear");
    for (unsigned k = 0; k < c2s_graph_output_count(model->graph); k++) {
        char path[10000];
        c2s_tensor *want;
        snprintf(path, sizeof path, "%s/test_data_set_ort/output_%u.pb", folder, k);
        if (c2s_tensor_load_pb(path, &c2s_graph_output(model->graph, k)->type, &want) != C2S_OK) {
            print_message("%s: %s\n", name, c2s_error());
            wrong++;
            continue;
        }
        c2s_difference d;
        bool same = c2s_compare(want, out[k], quantized ? QUANTIZED : 1e-4, &d);
        bool good = same;
        if (d.same_type && is_real(want) && !quantized)
            good = d.sqnr_db >= LEAST_DB || is_closer_to_double(model, in, k, want, out[k]);
        print_message("%-28s output %u: %s %.1f dB, relative error %.2g\n", name, k,
                      good ? "agrees" : "DIFFERS", d.sqnr_db, d.max_rel);
        if (!good) {
            wrong++;
            char a[256], b[256];
            print_message("    %s, expected %s; at %s %g, expected %g\n",
                          c2s_type_text(model->dims, &out[k]->type, a, sizeof a),
                          c2s_type_text(model->dims, &want->type, b, sizeof b), d.where, d.found,
                          d.reference);
        }
        c2s_tensor_unref(want);
    }
    return wrong;
}

static bool load_inputs(const char *folder, const c2s_graph *graph, c2s_tensor **in) {
    unsigned file = 0; /* files are there for the inputs without initializer */
    for (unsigned k = 0; k < c2s_graph_input_count(graph); k++) {
        char path[10000];
        if (c2s_graph_input(graph, k)->initial)
            continue;
        snprintf(path, sizeof path, "%s/test_data_set_ort/input_%u.pb", folder, file++);
        if (c2s_tensor_load_pb(path, &c2s_graph_input(graph, k)->type, &in[k]) != C2S_OK)
            return false;
    }
    return true;
}

static const c2s_evaluator *evaluator = &c2s_evaluator_onednn;

static int run_model(const char *name, const char *folder) {
    c2s_model *model = load(folder);
    if (!model) {
        print_message("%s: %s\n", name, c2s_error());
        return 1;
    }
    unsigned inputs = c2s_graph_input_count(model->graph);
    unsigned outputs = c2s_graph_output_count(model->graph);
    c2s_tensor **in = calloc(inputs + 1u, sizeof *in), **out = calloc(outputs + 1u, sizeof *out);
    c2s_session *session = NULL;
    int wrong = 1;
    if (!load_inputs(folder, model->graph, in) ||
        evaluator->open(model->graph, NULL, &session) != C2S_OK ||
        evaluator->run(session, (const c2s_tensor *const *)in, out) != C2S_OK)
        print_message("%s: %s\n", name, c2s_error());
    else
        wrong = compare_outputs(name, folder, model, in, out);
    evaluator->close(session);
    for (unsigned k = 0; k < inputs; k++)
        c2s_tensor_unref(in[k]);
    for (unsigned k = 0; k < outputs; k++)
        c2s_tensor_unref(out[k]);
    free(in);
    free(out);
    c2s_model_destroy(model);
    return wrong;
}

static void models_agree(void **state) {
    (void)state;
    char folder[4096], path[8192];
    shared_need(folder, sizeof folder, "models");
    struct dirent **entries;
    int count = scandir(folder, &entries, NULL, alphasort), wrong = 0, run = 0;
    assert_true(count >= 0);
    for (int i = 0; i < count; i++) {
        const char *name = entries[i]->d_name;
        snprintf(path, sizeof path, "%s/%s/test_data_set_ort", folder, name);
        struct stat info;
        if (name[0] != '.' && strstr(name, only) && stat(path, &info) == 0) {
            path[strlen(path) - strlen("/test_data_set_ort")] = '\0';
            wrong += run_model(name, path) > 0;
            run++;
        }
        free(entries[i]);
    }
    free(entries);
    print_message("%d of %d models agree\n", run - wrong, run);
    assert_int_equal(wrong, 0);
}

int main(int argc, char **argv) {
    if (argc > 1)
        only = argv[1];
    if (argc > 2 && strcmp(argv[2], "reference") == 0)
        evaluator = &c2s_evaluator_reference;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(models_agree),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
