/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/rewrites.h"

#include <string.h>

#include "base/file.h"
#include "base/log.h"
#include "cli/json.h"
#include "ir/graph_list.h"
#include "passes/custom/custom.h"

/* ---- what there is ---- */

/* Some rules are several patterns of one name. */
static bool is_repeated(const c2s_rule *const *rules, const c2s_rule *const *rule) {
    for (const c2s_rule *const *other = rules; other != rule; other++)
        if (strcmp((*other)->name, (*rule)->name) == 0)
            return true;
    return false;
}

typedef void (*list_visit)(void *user, const char *pass, const char *name, const char *summary);

/* The one of that name; if rules were given, the pass custom is the one that has them. */
static const c2s_pass *find_pass(const char *name, const c2s_rules *rules) {
    const c2s_pass *custom = rules ? c2s_rules_pass(rules) : NULL;
    return custom && strcmp(custom->name, name) == 0 ? custom : c2s_pass_find(name);
}

static void each_rewrite(const c2s_rules *custom, list_visit visit, void *user) {
    size_t count;
    const c2s_pass *const *passes = c2s_pass_all(&count);
    for (size_t i = 0; i < count; i++) {
        const c2s_pass *pass = find_pass(passes[i]->name, custom);
        for (const c2s_rewrite_kind *kind = pass->kinds; kind && kind->name; kind++)
            visit(user, pass->name, kind->name, kind->summary);
        for (const c2s_rule *const *rule = pass->rules; rule && *rule; rule++)
            if (!is_repeated(pass->rules, rule))
                visit(user, pass->name, (*rule)->name, (*rule)->summary);
    }
}

static void list_as_text(void *user, const char *pass, const char *name, const char *summary) {
    const char **last = user;
    if (strcmp(*last, pass) != 0)
        printf("%s%s\n", **last ? "\n" : "", pass);
    *last = pass;
    printf("  %-26s %s\n", name, summary);
}

static void list_as_json(void *user, const char *pass, const char *name, const char *summary) {
    json_array_append_new(user, json_pack("{s:s, s:s, s:o}", "pass", pass, "name", name, "summary",
                                          c2s_json_text(summary)));
}

c2s_status cli_load_rules(const cli_arguments *a, c2s_rules **rules) {
    for (size_t i = 0; i < a->rules.count; i++)
        C2S_TRY(c2s_rules_load(rules, a->rules.at[i]));
    return C2S_OK;
}

c2s_status cli_list_rules(const cli_arguments *a) {
    const char *last = "";
    c2s_rules *rules = NULL;
    c2s_status status = cli_load_rules(a, &rules);
    json_t *root = status == C2S_OK && a->json ? json_array() : NULL;
    if (root)
        each_rewrite(rules, list_as_json, root);
    else if (status == C2S_OK)
        each_rewrite(rules, list_as_text, &last);
    c2s_rules_free(rules);
    return root ? cli_json_print(root, stdout) : status;
}

/* ---- why ---- */

static bool is_called(const c2s_node *node, const char *name) {
    if (strcmp(node->name, name) == 0)
        return true;
    for (unsigned i = 0; i < node->output_count; i++)
        if (node->outputs[i] && strcmp(node->outputs[i]->name, name) == 0)
            return true;
    return false;
}

c2s_status cli_question_ask(c2s_model *model, const char *name, cli_question *out) {
    c2s_graph_list graphs = {0};
    c2s_graph_list_add(&graphs, model->graph);
    *out = (cli_question){.name = name};
    for (size_t i = 0; i < graphs.count && !out->op; i++)
        for (const c2s_node *node = graphs.at[i]->first; node && !out->op; node = node->next)
            if (is_called(node, name)) {
                snprintf(out->text, sizeof out->text, "%s", c2s_node_text(node));
                out->op = node->op;
            }
    c2s_vec_free(&graphs);
    return out->op ? C2S_OK
                   : c2s_fail(C2S_ERR_USAGE,
                              "--explain %s: no node and no node's output has that name", name);
}

static bool is_in(const char *const *names, unsigned count, const char *name) {
    for (unsigned i = 0; i < count; i++)
        if (strcmp(names[i], name) == 0)
            return true;
    return false;
}

static bool concerns(const c2s_event_report *event, const cli_question *q) {
    return is_in(event->nodes, event->node_count, q->name) ||
           is_in(event->removed, event->removed_count, q->name) ||
           strcmp(event->where, q->text) == 0;
}

static void print_names(const char *before, const char *const *names, unsigned count,
                        FILE *stream) {
    for (unsigned i = 0; i < count; i++)
        fprintf(stream, "%s\"%s\"", i ? ", " : before, names[i]);
}

static bool said(const c2s_report *report, const cli_question *q, const char *rule) {
    for (unsigned i = 0; i < report->event_count; i++)
        if (concerns(&report->events[i], q) && strcmp(report->events[i].rule, rule) == 0)
            return true;
    return false;
}

/* A node that changed is looked at again, mostly with the same result. */
static bool is_said_before(const c2s_report *report, unsigned index) {
    const c2s_event_report *e = &report->events[index];
    for (unsigned i = 0; i < index && e->reason; i++) {
        const c2s_event_report *other = &report->events[i];
        if (other->reason && strcmp(other->reason, e->reason) == 0 &&
            strcmp(other->where, e->where) == 0 && strcmp(other->rule, e->rule) == 0 &&
            strcmp(other->pass, e->pass) == 0)
            return true;
    }
    return false;
}

static bool has_row_for(const c2s_rule *rule, const c2s_op *op) {
    for (unsigned r = 0; r < rule->row_count; r++)
        if (c2s_row_takes(&rule->rows[r], op))
            return true;
    return false;
}

static void print_unmatched(const c2s_pass *pass, const c2s_report *report, const cli_question *q,
                            FILE *stream) {
    unsigned count = 0;
    for (const c2s_rule *const *rule = pass->rules; rule && *rule; rule++)
        if (has_row_for(*rule, q->op) && !is_repeated(pass->rules, rule) &&
            !said(report, q, (*rule)->name))
            fprintf(stream, "%s%s", count++ ? ", " : "    pattern not found: ", (*rule)->name);
    if (count)
        fputc('\n', stream);
}

void cli_question_answer(const cli_question *q, const c2s_rules *rules, const c2s_report *report,
                         FILE *stream) {
    fprintf(stream, "\n%s\n", q->text);
    for (unsigned p = 0; p < report->pass_count; p++) {
        const c2s_pass_report *ran = &report->passes[p];
        const c2s_pass *pass = find_pass(ran->name, rules);
        fprintf(stream, "  %s%s%s\n", ran->name, ran->reason ? ": rolled back: " : "",
                ran->reason ? ran->reason : "");
        for (unsigned i = 0; i < report->event_count; i++) {
            const c2s_event_report *e = &report->events[i];
            if (strcmp(e->pass, ran->name) != 0 || !concerns(e, q) || is_said_before(report, i))
                continue;
            fprintf(stream, "    %s %s at %s%s%s", e->rule, e->reason ? "not applied" : "applied",
                    e->where, e->reason ? ": " : "", e->reason ? e->reason : "");
            print_names("; gone: ", e->removed, e->removed_count, stream);
            fputc('\n', stream);
        }
        if (pass)
            print_unmatched(pass, report, q, stream);
    }
}

/* ---- what was done ---- */

c2s_status cli_log_rewrites(const char *path, const c2s_report *report) {
    c2s_atomic_file file;
    C2S_TRY(c2s_atomic_open(path, &file));
    for (unsigned i = 0; i < report->event_count; i++) {
        const c2s_event_report *e = &report->events[i];
        if (e->reason)
            continue;
        fprintf(file.stream, "%s\t%s\t%s", e->pass, e->rule, e->where);
        print_names("\tgone: ", e->removed, e->removed_count, file.stream);
        fputc('\n', file.stream);
    }
    return c2s_atomic_commit(&file);
}

static json_t *names_json(const char *const *names, unsigned count) {
    json_t *array = json_array();
    for (unsigned i = 0; i < count; i++)
        json_array_append_new(array, c2s_json_text(names[i]));
    return array;
}

json_t *cli_rewrites_json(const c2s_report *report) {
    json_t *array = json_array();
    for (unsigned i = 0; i < report->event_count; i++) {
        const c2s_event_report *e = &report->events[i];
        if (e->reason)
            continue;
        json_t *one = json_object();
        json_object_set_new(one, "pass", json_string(e->pass));
        json_object_set_new(one, "rule", json_string(e->rule));
        json_object_set_new(one, "where", c2s_json_text(e->where));
        json_object_set_new(one, "removed", names_json(e->removed, e->removed_count));
        json_array_append_new(array, one);
    }
    return array;
}
