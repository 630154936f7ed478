/* SPDX-License-Identifier: Apache-2.0 */
/* Coupling of channels, on real models: cutting units does what zeros in their place do
 * (prune_mask.h). Of every group that can be pruned a random quarter goes, of each group alone and
 * of all at once; what the model with zeros computes says what is right, and the operators of what
 * is left say how much work that is, which must be what was predicted. Models as they are, and
 * after the default passes. Arguments: only models whose name contains the first; "groups" to see
 * what each group does. */
#include "prune_removal.h"

#include <dirent.h>
#include <string.h>

#include "eval/random_inputs.h"
#include "io/load_data.h"
#include "job_opset.h"

/* Groups of more work than this are tried only all at once. */
#define MOST_ALONE 3e9

static const char *only = "";
static bool loud = false;

typedef struct tally {
    unsigned models, groups, pinned, mixing, wrong;
} tally;

/* ---- models ---- */

static bool read_inputs(const char *folder, const c2s_graph *graph, c2s_tensor **in) {
    unsigned file = 0;
    char path[9000];
    for (unsigned k = 0; k < c2s_graph_input_count(graph); k++) {
        if (c2s_graph_input(graph, k)->initial)
            continue;
        snprintf(path, sizeof path, "%s/test_data_set_ort/input_%u.pb", folder, file++);
        if (c2s_tensor_load_pb(path, &c2s_graph_input(graph, k)->type, &in[k]) != C2S_OK) {
            release(in);
            memset(in, 0, INPUTS * sizeof *in);
            const c2s_random_options options = {.seed = 1, .sample = 1};
            return c2s_random_inputs(graph, &options, in) == C2S_OK;
        }
    }
    return true;
}

static void try_groups(const char *name, const c2s_model *model, c2s_tensor *const *in, tally *t) {
    c2s_prune_groups groups;
    c2s_model *copy = c2s_model_copy(model);
    c2s_prune_groups_find(copy, &groups);
    const double work = work_of(model) * (double)groups.groups.count;
    size_t prunable = 0, mixing = 0;
    for (size_t k = 0; k < groups.groups.count; k++) {
        const c2s_prune_group *g = &groups.groups.at[k];
        char why_pinned[500];
        if (g->pin.reason && loud)
            print_message("    %-28s %zu units of group \"%s\" are pinned: %s\n", name, g->units,
                          g->name, c2s_pin_text(&g->pin, why_pinned, sizeof why_pinned));
        if (g->pin.reason)
            continue;
        prunable++;
        mixing += g->mixed_by != NULL;
        const char *why = work < MOST_ALONE || loud || g->mixed_by
                              ? remove_from(model, k, !g->mixed_by, in)
                              : NULL;
        if (why || loud)
            print_message("    %-28s %zu units of group \"%s\": %s\n", name, g->units, g->name,
                          why ? why : "right");
        t->wrong += why != NULL;
    }
    const char *why = remove_from(model, SIZE_MAX, true, in);
    print_message("%-28s %3zu groups, %3zu pinned, %2zu mixing: %s\n", name, groups.groups.count,
                  groups.groups.count - prunable, mixing, why ? why : "equal");
    t->wrong += why != NULL;
    t->groups += (unsigned)prunable;
    t->pinned += (unsigned)(groups.groups.count - prunable);
    t->mixing += (unsigned)mixing;
    t->models++;
    c2s_prune_groups_free(&groups);
    c2s_model_destroy(copy);
}

static bool is_made_of_constants(const c2s_node *n) {
    const c2s_value *y = n->outputs[0];
    bool constant = n->output_count == 1 && !y->constant && c2s_type_is_static(&y->type) &&
                    y->type.dtype == C2S_FLOAT;
    for (unsigned k = 0; k < n->input_count; k++)
        constant &= !n->inputs[k].value || n->inputs[k].value->constant;
    return constant;
}

static bool is_too_large(const c2s_model *model) {
    size_t elements = 0, count;
    for (const c2s_node *n = model->graph->first; n; n = n->next)
        if (is_made_of_constants(n) && c2s_type_elements(&n->outputs[0]->type, &count))
            elements += count;
    return elements > 30000000;
}

/* Models without weights compute them: each gets normally distributed ones instead. */
static c2s_status fill_weights(c2s_model *model) {
    c2s_random random = {7};
    for (unsigned k = c2s_graph_input_count(model->graph); k-- > 0;)
        if (c2s_graph_input(model->graph, k)->initial)
            c2s_value_seal(c2s_graph_input(model->graph, k));
    C2S_TRY(c2s_graph_infer(model->graph));
    if (is_too_large(model))
        return C2S_OK;
    for (c2s_node *n = model->graph->first; n; n = n->next) {
        c2s_value *y = n->outputs[0];
        if (!is_made_of_constants(n))
            continue;
        c2s_tensor *t;
        assert_int_equal(c2s_tensor_create(C2S_FLOAT, y->type.rank, y->type.dim, &t), C2S_OK);
        float *at = c2s_tensor_mutable(t);
        double fan = y->type.rank > 1 ? (double)t->count / (double)y->type.dim[0] : 1;
        for (size_t i = 0; i < t->count; i++)
            at[i] = (float)((y->type.rank > 1 ? c2s_random_normal(&random)
                                              : fabs(c2s_random_normal(&random)) + 0.1) /
                            sqrt(fan));
        c2s_value_replace(y, c2s_value_constant(model->graph, y->name, t));
    }
    c2s_graph_sweep(model->graph);
    return C2S_OK;
}

static void try_model(const char *name, const char *folder, const char *path, bool optimized,
                      tally *t) {
    c2s_model *model, *normal = NULL;
    c2s_tensor *in[INPUTS] = {0};
    const c2s_run_options options = {.no_prove = true};
    if (c2s_model_load(path, &model) != C2S_OK)
        fail_msg("%s: %s", path, c2s_error());
    c2s_status status = c2s_normal_copy(model, &normal);
    c2s_model_free(model);
    if (status == C2S_OK && strncmp(name, "light", 5) == 0)
        status = fill_weights(normal);
    if (status == C2S_OK && optimized)
        status = c2s_model_optimize(normal, &options, NULL);
    if (status == C2S_OK)
        status = c2s_normal_copy(normal, &model);
    if (status != C2S_OK || !read_inputs(folder, model->graph, in))
        fail_msg("%s: %s", path, c2s_error());
    try_groups(name, model, in, t);
    release(in);
    c2s_model_destroy(normal);
    c2s_model_free(model);
}

/* Folders with model.onnx, or models themselves. */
static void try_folder(const char *relative, bool optimized, tally *t) {
    char folder[4096], path[8192], place[6000];
    shared_need(folder, sizeof folder, relative);
    struct dirent **entries;
    const int count = scandir(folder, &entries, NULL, alphasort);
    assert_true(count > 0);
    for (int i = 0; i < count; i++) {
        const char *name = entries[i]->d_name;
        struct stat info;
        snprintf(place, sizeof place, "%s/%s", folder, name);
        snprintf(path, sizeof path, "%s/model.onnx", place);
        const bool is_file = strlen(name) > 5 && strcmp(name + strlen(name) - 5, ".onnx") == 0;
        if (is_file)
            snprintf(path, sizeof path, "%s", place);
        if (name[0] != '.' && strstr(name, only) && stat(path, &info) == 0 && S_ISREG(info.st_mode))
            try_model(name, place, path, optimized, t);
        free(entries[i]);
    }
    free(entries);
}

static void try_all(const char *folder, bool optimized) {
    tally t = {0};
    try_folder(folder, optimized, &t);
    print_message("%u models: %u groups right, %u pinned, %u mix\n", t.models, t.groups - t.wrong,
                  t.pinned, t.mixing);
    assert_int_equal(t.wrong, 0);
}

static void models_as_they_are(void **state) {
    (void)state;
    try_all("models", false);
}

static void models_optimized(void **state) {
    (void)state;
    try_all("models", true);
}

static void untrained_models(void **state) {
    (void)state;
    try_all("models-untrained/light", true);
}

int main(int argc, char **argv) {
    if (argc > 1)
        only = argv[1];
    loud = argc > 2 && strcmp(argv[2], "groups") == 0;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(models_as_they_are),
        cmocka_unit_test(models_optimized),
        cmocka_unit_test(untrained_models),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
