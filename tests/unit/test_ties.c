/* SPDX-License-Identifier: Apache-2.0
 *
 * Axis ties: every operator states them, and every node of ONNX's operator cases and of the cases
 * below keeps what they promise (ties_probe.h).
 *
 *     test_ties [PART-OF-NAME]     only the cases whose name or text matches
 */
#include <dirent.h>
#include <limits.h>
#include <unistd.h>

#include "base/file.h"
#include "eval/random_inputs.h"
#include "io/load.h"
#include "io/load_data.h"
#include "run_text.h"
#include "ties_probe.h"

static const char *filter;
static probe_tally tally;

static void every_operator_states_ties(void **state) {
    (void)state;
    size_t count;
    unsigned silent = 0;
    const c2s_op *const *all = c2s_op_all(&count);
    for (size_t k = 0; k < count; k++)
        if (!c2s_op_states_ties(all[k])) {
            print_message("%s.%s states no ties\n", all[k]->domain, all[k]->type);
            silent++;
        }
    assert_int_equal(silent, 0);
}

/* ---- ONNX's operator cases ---- */

static void probe_case(const char *folder) {
    char path[PATH_MAX + 64];
    c2s_model *model = NULL;
    snprintf(path, sizeof path, "%s/model.onnx", folder);
    if (c2s_model_load(path, &model) == C2S_OK && c2s_model_normalise(model) == C2S_OK &&
        c2s_model_inline(model, 0) == C2S_OK && c2s_graph_infer(model->graph) == C2S_OK) {
        unsigned count = c2s_graph_input_count(model->graph);
        c2s_tensor *in[PROBE_SLOTS] = {0};
        for (unsigned k = 0; k < count && k < PROBE_SLOTS; k++) {
            snprintf(path, sizeof path, "%s/test_data_set_0/input_%u.pb", folder, k);
            if (access(path, R_OK) == 0 &&
                c2s_tensor_load_pb(path, &c2s_graph_input(model->graph, k)->type, &in[k]) != C2S_OK)
                in[k] = NULL;
        }
        if (count <= PROBE_SLOTS)
            probe_graph(model->graph, in, &tally);
        for (unsigned k = 0; k < PROBE_SLOTS; k++)
            c2s_tensor_unref(in[k]);
    }
    c2s_model_destroy(model);
}

static void onnx_cases_keep_their_promises(void **state) {
    (void)state;
    char root[PATH_MAX], path[PATH_MAX];
    shared_need(root, sizeof root, "onnx-cases/node");
    DIR *directory = opendir(root);
    assert_non_null(directory);
    unsigned before = tally.failures;
    for (struct dirent *entry; (entry = readdir(directory)) != NULL;) {
        unsigned failures = tally.failures;
        if (strncmp(entry->d_name, "test_", 5) != 0 || (filter && !strstr(entry->d_name, filter)))
            continue;
        if ((size_t)snprintf(path, sizeof path, "%s/%s", root, entry->d_name) < sizeof path)
            probe_case(path);
        if (tally.failures > failures)
            print_message("    in %s\n", entry->d_name);
    }
    closedir(directory);
    assert_int_equal(tally.failures, before);
}

/* ---- own cases ---- */

/* The paragraphs of ties_cases.txt without comments; `text` is cut up. Returns the next one. */
static char *next_case(char **text) {
    while (**text == '#' || **text == '\n')
        *text += strcspn(*text, "\n") + 1;
    char *found = *text, *end = strstr(found, "\n\n");
    if (end)
        *end = '\0';
    *text = end ? end + 2 : found + strlen(found);
    return *found ? found : NULL;
}

static c2s_model *read_case(const char *text) {
    char *whole = NULL;
    size_t size;
    FILE *stream = open_memstream(&whole, &size);
    fprintf(stream,
            "<ir_version: 10, opset_import: [\"\" : 25, \"ai.onnx.ml\" : 5, "
            "\"com.microsoft\" : 1, \"ai.onnx.preview\" : 1]>\ng %s",
            text);
    fclose(stream);
    c2s_model *model = NULL;
    if (c2s_text_read(whole, size, "case", &model) != C2S_OK ||
        c2s_graph_infer(model->graph) != C2S_OK)
        fail_msg("%s\n%s", c2s_error(), whole);
    free(whole);
    return model;
}

static void count_spaces(unsigned count[3]) {
    memset(count, 0, 3 * sizeof *count);
    for (size_t op = 0; op < 512; op++)
        for (int role = 0; role < 3; role++)
            count[role] += tally.spaces[op][role];
}

/* `text`: how many spaces of two elements or more are KEEP, SUM and MIX; a line with the graph. */
static void probe_own_case(const char *text, uint64_t seed) {
    unsigned wanted[3] = {0}, before[3], after[3], failures = tally.failures;
    int length = 0;
    if (sscanf(text, "%u %u %u%n", &wanted[0], &wanted[1], &wanted[2], &length) != 3)
        fail_msg("found no numbers of spaces: %s", text);
    c2s_model *model = read_case(text + length);
    c2s_tensor *in[PROBE_SLOTS] = {0};
    c2s_random_options options = {.seed = seed, .sample = 1};
    if (c2s_random_inputs(model->graph, &options, in) != C2S_OK)
        fail_msg("%s\n%s", c2s_error(), text);
    count_spaces(before);
    probe_graph(model->graph, in, &tally);
    count_spaces(after);
    for (int role = 0; role < 3; role++)
        if (after[role] - before[role] != wanted[role] && failures == tally.failures++)
            print_message("    %u %u %u spaces, expected %s\n", after[0] - before[0],
                          after[1] - before[1], after[2] - before[2], text);
    if (tally.failures > failures)
        print_message("    in %s\n", text);
    for (unsigned i = 0; i < PROBE_SLOTS; i++)
        c2s_tensor_unref(in[i]);
    c2s_model_destroy(model);
}

static void own_cases_keep_their_promises(void **state) {
    (void)state;
    void *data = NULL;
    size_t size = 0;
    assert_int_equal(
        c2s_file_read(C2S_SOURCE_DIR "/tests/unit/ties_cases.txt", 1 << 20, &data, &size), C2S_OK);
    char *text = realloc(data, size + 1), *rest = text;
    assert_non_null(text);
    text[size] = '\0';
    unsigned before = tally.failures;
    uint64_t seed = 0;
    for (char *found; (found = next_case(&rest)) != NULL;)
        if (!filter || strstr(found, filter))
            probe_own_case(found, ++seed);
    free(text);
    assert_int_equal(tally.failures, before);
}

/* Exporters take the batch from the shape of an activation: its other axes may shrink. */
static void only_extents_that_are_read_are_pinned(void **state) {
    (void)state;
    static const struct {
        const char *text;
        unsigned free_axes;
    } rows[] = {
        {"(float[2,3,4] x) => (int64 y) { y = Shape (x) }", 0},
        {"(float[2,3,4] x) => (int64 y) <int64 i = {-3}> { s = Shape (x) y = Gather (s, i) }", 2},
        {"(float[2,3,4] x) => (int64 y) <int64[1] i = {1}> {"
         " s = Shape <start = 1> (x) y = Gather (s, i) }",
         2},
        {"(float[2,3,4,5] x) => (int64 y) <int64[1] b = {-3}, int64[1] e = {-1}> {"
         " s = Shape (x) y = Slice (s, b, e) }",
         2},
        {"(float[2,3,4] x) => (int64 y) <int64[1] b = {-1}, int64[1] e = {-9}, int64[1] a = {0}> {"
         " s = Shape (x) y = Slice (s, b, e, a, b) }",
         0},
        {"(float[2,3,4] x) => (int64 y, int64 z) <int64 i = {0}> {"
         " s = Shape (x) y = Gather (s, i) z = Neg (s) }",
         0},
    };
    for (size_t k = 0; k < sizeof rows / sizeof *rows; k++) {
        c2s_model *model = read_case(rows[k].text);
        c2s_ties t;
        c2s_ties_of(model->graph->first, &t);
        assert_string_equal(model->graph->first->type, "Shape");
        assert_int_equal(t.ties.count, rows[k].free_axes);
        for (size_t i = 0; i < t.ties.count; i++)
            assert_false(t.ties.at[i].output);
        tally.spaces[op_index(model->graph->first->op)][C2S_TIE_KEEP] += rows[k].free_axes;
        c2s_ties_free(&t);
        c2s_model_destroy(model);
    }
}

/* Every operator that ties anything had a space removed from, in some role. */
static void every_tying_operator_was_probed(void **state) {
    (void)state;
    size_t count;
    unsigned missing = 0;
    const c2s_op *const *all = c2s_op_all(&count);
    char path[PATH_MAX];
    if (filter || shared_path(path, sizeof path, "onnx-cases/node") != 0)
        skip();
    print_message("%-42s %6s %6s %6s\n", "spaces removed from", "keep", "sum", "mix");
    for (size_t k = 0; k < count; k++) {
        const unsigned *n = tally.spaces[k];
        bool ties = all[k]->ties != c2s_ties_pinned;
        if (ties)
            print_message("%-42s %6u %6u %6u\n", all[k]->type, n[C2S_TIE_KEEP], n[C2S_TIE_SUM],
                          n[C2S_TIE_MIX]);
        if (ties && n[0] + n[1] + n[2] == 0) {
            print_message("%s.%s was never tried\n", all[k]->domain, all[k]->type);
            missing++;
        }
    }
    assert_int_equal(missing, 0);
}

int main(int argc, char **argv) {
    filter = argc > 1 ? argv[1] : NULL;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_operator_states_ties),
        cmocka_unit_test(own_cases_keep_their_promises),
        cmocka_unit_test(only_extents_that_are_read_are_pinned),
        cmocka_unit_test(onnx_cases_keep_their_promises),
        cmocka_unit_test(every_tying_operator_was_probed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
