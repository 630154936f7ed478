/* SPDX-License-Identifier: Apache-2.0 */
#include "passes/custom/custom.h"

#include <stdlib.h>
#include <string.h>

#include "passes/custom/custom_rule.h"

static c2s_status run(c2s_model *model, const c2s_options *options, const c2s_pass_context *context,
                      c2s_stats *stats) {
    (void)context;
    if (!options->rules)
        return c2s_fail(C2S_ERR_USAGE, "there are no rules, expected some (--rules FILE)");
    C2S_TRY(c2s_rewrite(model->graph, options->rules, stats));
    return c2s_graph_infer(model->graph);
}

const c2s_pass c2s_pass_custom = {
    .name = "custom",
    .summary = "applies the rules of files (--rules FILE)",
    .run = run,
};

static c2s_rules *create(void) {
    c2s_rules *rules = c2s_zalloc(sizeof *rules);
    rules->arena = c2s_arena_create();
    rules->pass = c2s_pass_custom;
    return rules;
}

static void release_rule(c2s_custom_rule *rule) {
    for (unsigned i = 0; i < rule->constant_count; i++)
        c2s_tensor_unref(rule->constants[i]);
    c2s_vec_free(&rule->variables);
    c2s_vec_free(&rule->extents);
    c2s_vec_free(&rule->types);
    c2s_vec_free(&rule->literals);
    c2s_vec_free(&rule->conditions);
    c2s_vec_free(&rule->built);
}

void c2s_rules_free(c2s_rules *rules) {
    if (!rules)
        return;
    for (size_t i = 0; i < rules->all.count; i++)
        release_rule(rules->all.at[i]);
    c2s_vec_free(&rules->all);
    c2s_vec_free(&rules->list);
    c2s_arena_destroy(rules->arena);
    free(rules);
}

c2s_status c2s_rules_read(c2s_rules **out, const char *text, size_t size, const char *name) {
    c2s_rules *rules = *out ? *out : create();
    *out = rules;
    if (rules->list.count) /* the mark of the end */
        rules->list.count--;
    c2s_status status = c2s_custom_read(rules, text, size, name);
    c2s_vec_push(&rules->list, NULL);
    rules->pass.rules = rules->list.at;
    return status;
}

const c2s_pass *c2s_rules_pass(const c2s_rules *rules) {
    return &rules->pass;
}

bool c2s_rules_have(const c2s_rules *rules, const char *name) {
    for (size_t i = 0; rules && i < rules->list.count; i++)
        if (rules->list.at[i] && strcmp(rules->list.at[i]->name, name) == 0)
            return true;
    return false;
}
