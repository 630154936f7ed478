/* SPDX-License-Identifier: Apache-2.0
 *
 * Golden cases: every NAME.onnxtxt of this folder holds
 *
 *     # passes: cleanup,fuse          the pipeline
 *     # rules: samples/rules/x.rules  (if given) for the pass custom; from the root of the sources
 *     # refused: not constant         (any number) some refusal says so
 *     # left alone: einsum merge-nodes (if given) these rewrites are not applied
 *     # tolerance: 1e-5               (if given) relative; otherwise 0
 *     a model
 *     ----
 *     the model after the passes, letter by letter as the text writer has it
 *
 * The outputs of both are computed and compared as well. With arguments only those files are run.
 * With C2S_UPDATE_GOLDEN=1 in the environment the second model is written into the file instead of
 * compared with it: read the difference before you keep it.
 */
#include <dirent.h>

#include "io/text.h"
#include "unit/pass_case.h"

static const char *folder = C2S_SOURCE_DIR "/tests/passes";

static char *read_file(const char *path) {
    FILE *stream = fopen(path, "rb");
    if (!stream)
        fail_msg("%s cannot be read", path);
    static char text[100000];
    text[fread(text, 1, sizeof text - 1, stream)] = '\0';
    fclose(stream);
    return text;
}

/* The value of a "# key: value" line, "" if there is none. */
static const char *setting(const char *text, const char *key, char *value, size_t size) {
    char mark[64];
    value[0] = '\0';
    snprintf(mark, sizeof mark, "# %s: ", key);
    for (const char *line = text; line && *line == '#'; line = strchr(line, '\n') + 1)
        if (strncmp(line, mark, strlen(mark)) == 0)
            snprintf(value, size, "%.*s", (int)strcspn(line, "\n") - (int)strlen(mark),
                     line + strlen(mark));
    return value;
}

/* Each "# refused: " line says what some refusal must contain. */
static void check_refusals(const char *text, const char *path) {
    static const char mark[] = "# refused: ";
    for (const char *line = text; *line == '#'; line = strchr(line, '\n') + 1) {
        char reason[200];
        if (strncmp(line, mark, sizeof mark - 1) != 0)
            continue;
        snprintf(reason, sizeof reason, "%.*s", (int)(strcspn(line, "\n") - (sizeof mark - 1)),
                 line + sizeof mark - 1);
        if (!strstr(refusals, reason))
            fail_msg("%s: expected a refusal with \"%s\", found:\n%s", path, reason, refusals);
    }
}

static c2s_model *parse(const char *text, const char *path) {
    c2s_model *model = NULL;
    if (c2s_text_read(text, strlen(text), path, &model) != C2S_OK ||
        c2s_graph_infer(model->graph) != C2S_OK)
        fail_msg("%s: %s", path, c2s_error());
    return model;
}

static c2s_rules *load_rules(const char *name) {
    char path[512];
    c2s_rules *rules = NULL;
    snprintf(path, sizeof path, "%s/%s", C2S_SOURCE_DIR, name);
    if (name[0] && c2s_rules_load(&rules, path) != C2S_OK)
        fail_msg("%s", c2s_error());
    return rules;
}

static void update(const char *path, const char *text, const char *head_end, const char *actual) {
    FILE *stream = fopen(path, "wb");
    if (!stream)
        fail_msg("%s cannot be written", path);
    fwrite(text, 1, (size_t)(head_end - text), stream);
    fprintf(stream, "\n----\n%s", actual);
    fclose(stream);
}

static void run_case(void **state) {
    char path[512], passes[200], tolerance[40], rules_path[200];
    snprintf(path, sizeof path, "%s/%s", folder, (const char *)*state);
    char *text = read_file(path), *body = text;
    setting(text, "passes", passes, sizeof passes);
    setting(text, "tolerance", tolerance, sizeof tolerance);
    setting(text, "rules", rules_path, sizeof rules_path);
    setting(text, "left alone", left_alone, sizeof left_alone);
    assert_true(passes[0]);
    while (*body == '#')
        body = strchr(body, '\n') + 1;
    char *line = strstr(body, "\n----\n");
    assert_non_null(line);
    line[1] = '\0';
    const char *expected = line + strlen("\n----\n");

    c2s_model *model = parse(body, path), *original = c2s_model_copy(model);
    c2s_rules *rules = load_rules(rules_path);
    run_passes_with(model, passes, rules);
    c2s_rules_free(rules);
    char *actual = text_of(model);
    bool same = strcmp(actual, expected) == 0;
    if (!same && getenv("C2S_UPDATE_GOLDEN")) {
        update(path, text, line, actual);
    } else if (!same) {
        fprintf(stderr, "%s", actual); /* longer than what cmocka prints */
        fail_msg("%s: the result is another one, see above", path);
    }
    check_refusals(text, path);
    double difference = largest_difference(original, model);
    if (!(difference <= atof(tolerance)))
        fail_msg("%s: outputs differ by %g", path, difference);
    free(actual);
    c2s_model_destroy(original);
    c2s_model_destroy(model);
}

static int is_case(const struct dirent *entry) {
    size_t length = strlen(entry->d_name);
    return length > 8 && strcmp(entry->d_name + length - 8, ".onnxtxt") == 0;
}

int main(int argc, char **argv) {
    struct dirent **files = NULL;
    int found = scandir(folder, &files, is_case, alphasort);
    if (found <= 0) {
        fprintf(stderr, "no cases in %s\n", folder);
        return 1;
    }
    int count = 0;
    struct CMUnitTest *tests = calloc((size_t)found, sizeof *tests);
    for (int i = 0; i < found; i++) {
        int chosen = argc < 2;
        for (int k = 1; k < argc; k++)
            chosen = chosen || strcmp(argv[k], files[i]->d_name) == 0;
        if (chosen)
            tests[count++] = (struct CMUnitTest){files[i]->d_name, run_case, NULL, NULL,
                                                 files[i]->d_name};
    }
    int failures = _cmocka_run_group_tests("passes", tests, (size_t)count, NULL, NULL);
    for (int i = 0; i < found; i++)
        free(files[i]);
    free(files);
    free(tests);
    return failures;
}
