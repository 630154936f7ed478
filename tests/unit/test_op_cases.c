/* SPDX-License-Identifier: Apache-2.0
 *
 * Which operators have cases: ONNX's, whose models are read here, and our own, whose sources are.
 *
 *     test_op_cases          fails where src/ops/op_case_list.h is not true
 *     test_op_cases write    writes it
 */
#define _XOPEN_SOURCE 700 /* nftw */
#include <ctype.h>
#include <ftw.h>

#include "ir/clone.h"
#include "onnx_cases.h"
#include "ops/op_cases.h"
#include "ops/op_versions.h"

typedef struct tally {
    const char *domain, *type;
    unsigned onnx, own;
    size_t last_case; /* a case counts once */
} tally;

static C2S_VEC(tally) tallies;

static tally *tally_of(const char *domain, const char *type) {
    for (size_t i = 0; i < tallies.count; i++)
        if (strcmp(tallies.at[i].type, type) == 0 && strcmp(tallies.at[i].domain, domain) == 0)
            return &tallies.at[i];
    return NULL;
}

static int tally_order(const void *a, const void *b) {
    const tally *x = a, *y = b;
    const int order = strcmp(x->domain, y->domain);
    return order ? order : strcmp(x->type, y->type);
}

static void add_tally(const char *domain, const char *type) {
    if (!tally_of(domain, type))
        c2s_vec_push(&tallies, ((tally){.domain = domain, .type = type}));
}

/* All operators that the standard or we know. */
static int start(void **state) {
    (void)state;
    size_t count;
    const c2s_op *const *ops = c2s_op_all(&count);
    for (size_t i = 0; i < count; i++)
        add_tally(ops[i]->domain, ops[i]->type);
    const c2s_op_versions *versions = c2s_op_versions_all(&count);
    for (size_t i = 0; i < count; i++)
        add_tally(versions[i].domain, versions[i].type);
    qsort(tallies.at, tallies.count, sizeof *tallies.at, tally_order);
    return 0;
}

static int end(void **state) {
    (void)state;
    c2s_vec_free(&tallies);
    return 0;
}

/* ---- ONNX's cases: operators as written and as executed ---- */

static void count_nodes(const c2s_graph *graph, size_t number) {
    for (const c2s_node *node = graph->first; node; node = node->next) {
        tally *t = tally_of(node->domain, node->type);
        if (t && t->last_case != number) {
            t->last_case = number;
            t->onnx++;
        }
        for (unsigned b = 0; c2s_node_body(node, b); b++)
            count_nodes(c2s_node_body(node, b), number);
    }
}

static void count_case(const onnx_case *c, size_t number) {
    char path[PATH_MAX];
    c2s_model *model = NULL;
    case_path(path, "%s/model.onnx", c->path);
    if (c2s_model_load(path, &model) != C2S_OK)
        return;
    count_nodes(model->graph, number);
    if (c2s_model_normalise(model) == C2S_OK && c2s_model_inline(model, 0) == C2S_OK)
        count_nodes(model->graph, number);
    c2s_model_destroy(model);
}

static void count_onnx_cases(void) {
    char path[PATH_MAX];
    for (unsigned f = 0; f < CASE_FOLDERS; f++) {
        char folder[64];
        snprintf(folder, sizeof folder, "onnx-cases/%s", case_folders[f]);
        shared_need(path, sizeof path, folder);
    }
    char *open = case_text(C2S_SOURCE_DIR "/tests/onnx_cases_open.txt");
    size_t number = 0;
    for (unsigned f = 0; f < CASE_FOLDERS; f++) {
        onnx_cases cases = {0};
        cases_list(case_folders[f], NULL, &cases);
        for (size_t k = 0; k < cases.count; k++)
            if (!case_line(open, cases.at[k].name))
                count_case(&cases.at[k], ++number);
        cases_free(&cases);
    }
    free(open);
}

/* ---- our own: nodes made by the builders of the tests, or written as text ---- */

static bool is_word(char c) {
    return isalnum((unsigned char)c) || c == '_' || c == '.';
}

/* Is the word at `at` in this line a node of the type? A literal of its own, or before its
 * attributes or operands behind "=". */
static bool makes_node(const char *line, const char *at, size_t length) {
    const char *before = at;
    if (at > line && strchr("\"'", at[-1]) && at[length] == at[-1])
        return !strstr(line, "strcmp") && !strstr(line, "node_is");
    while (before > line && is_word(before[-1]))
        before--; /* the domain */
    while (before > line && before[-1] == ' ')
        before--;
    const char *behind = at + length + strspn(at + length, " ");
    return before > line && before[-1] == '=' && (*behind == '(' || *behind == '<');
}

/* The domain before a type in text; in C, builders have macros for com.microsoft; the cases in
 * JavaScript are of com.microsoft unless it has no such operator. */
static const char *domain_at(const char *line, const char *at, const char *type, bool javascript) {
    static const char *const domains[] = {"ai.onnx.ml", "com.microsoft", "ai.onnx.preview.training",
                                          "ai.onnx.preview"};
    for (size_t d = 0; d < sizeof domains / sizeof *domains; d++) {
        const size_t length = strlen(domains[d]);
        if ((size_t)(at - line) > length && at[-1] == '.' &&
            strncmp(at - 1 - length, domains[d], length) == 0)
            return domains[d];
    }
    if (at > line && at[-1] == '.')
        return "local";
    if ((javascript || strstr(line, "MS(")) && tally_of("com.microsoft", type))
        return "com.microsoft";
    return tally_of("", type) ? "" : tally_of("ai.onnx.ml", type) ? "ai.onnx.ml" : "com.microsoft";
}

static void count_line(const char *line, bool javascript) {
    for (const char *at = line; *at;) {
        if (!isupper((unsigned char)*at) || (at > line && is_word(at[-1]) && at[-1] != '.')) {
            at++;
            continue;
        }
        char type[64];
        size_t length = 0;
        while (isalnum((unsigned char)at[length]))
            length++;
        snprintf(type, sizeof type, "%.*s", (int)length, at);
        tally *t = makes_node(line, at, length)
                       ? tally_of(domain_at(line, at, type, javascript), type)
                       : NULL;
        if (t)
            t->own++;
        at += length;
    }
}

static int count_file(const char *path, const struct stat *info, int kind, struct FTW *place) {
    const char *end = strrchr(path, '.');
    (void)info, (void)place;
    const bool javascript = strstr(path, "/ort/cases/") && end && strcmp(end, ".js") == 0;
    if (kind != FTW_F || !end ||
        (!javascript && strcmp(end, ".c") != 0 && strcmp(end, ".h") != 0 &&
         strcmp(end, ".onnxtxt") != 0))
        return 0;
    char *text = case_text(path);
    assert_non_null(text);
    for (char *line = text, *next; line; line = next) {
        next = strchr(line, '\n');
        if (next)
            *next++ = 0;
        count_line(line, javascript);
    }
    free(text);
    return 0;
}

static void count_own_cases(void) {
    assert_int_equal(nftw(C2S_SOURCE_DIR "/tests", count_file, 16, FTW_PHYS), 0);
}

/* ---- the list ---- */

static void write_list(void **state) {
    (void)state;
    count_onnx_cases();
    count_own_cases();
    FILE *stream = fopen(C2S_SOURCE_DIR "/src/ops/op_case_list.h", "w");
    assert_non_null(stream);
    fprintf(stream,
            "/* SPDX-License-Identifier: Apache-2.0\n *\n"
            " * Written by test_op_cases, see op_cases.h: domain, type, ONNX's cases, lines of"
            " our tests.\n */\n/* clang-format off */\n");
    for (size_t i = 0; i < tallies.count; i++) {
        const tally *t = &tallies.at[i];
        if (t->onnx || t->own)
            fprintf(stream, "C(\"%s\", \"%s\", %u, %u)\n", t->domain, t->type, t->onnx, t->own);
    }
    assert_int_equal(fclose(stream), 0);
}

/* Our tests grow: the list may know fewer lines than there are, but not of an operator without any
 * entry. */
static unsigned count_lies(bool onnx) {
    unsigned lies = 0;
    for (size_t i = 0; i < tallies.count; i++) {
        const tally *t = &tallies.at[i];
        const c2s_op_cases *c = c2s_op_cases_of(t->domain, t->type);
        const unsigned found = onnx ? t->onnx : t->own;
        const unsigned stated = !c ? 0 : onnx ? c->onnx : c->own;
        if (stated > found || (found && !c) || (onnx && stated < found)) {
            print_message("%s %s: %u %s cases, the list says %u\n", t->domain, t->type, found,
                          onnx ? "ONNX" : "own", stated);
            lies++;
        }
    }
    return lies;
}

static void list_is_true_of_our_tests(void **state) {
    (void)state;
    count_own_cases();
    if (count_lies(false))
        fail_msg("run `test_op_cases write` and build again");
}

static void list_is_true_of_onnx_cases(void **state) {
    (void)state;
    count_onnx_cases();
    if (count_lies(true))
        fail_msg("run `test_op_cases write` and build again");
}

static void list_is_sorted(void **state) {
    (void)state;
    size_t count;
    const c2s_op_cases *all = c2s_op_cases_all(&count);
    for (size_t i = 0; i < count; i++) {
        assert_ptr_equal(c2s_op_cases_of(all[i].domain, all[i].type), &all[i]);
        if (!tally_of(all[i].domain, all[i].type))
            fail_msg("%s %s is no operator", all[i].domain, all[i].type);
    }
}

int main(int argc, char **argv) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(list_is_sorted),
                                       cmocka_unit_test(list_is_true_of_our_tests),
                                       cmocka_unit_test(list_is_true_of_onnx_cases)};
    const struct CMUnitTest writing[] = {cmocka_unit_test(write_list)};
    return argc > 1 && strcmp(argv[1], "write") == 0 ? cmocka_run_group_tests(writing, start, end)
                                                     : cmocka_run_group_tests(tests, start, end);
}
