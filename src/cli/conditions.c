/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/conditions.h"

#include <stdio.h>
#include <string.h>

#include "base/status.h"

c2s_status cli_conditions_add(cli_conditions *conditions, const char *text) {
    c2s_metric_expr *expr;
    const c2s_status status = c2s_metric_expr_parse(text, &expr);
    if (status != C2S_OK) {
        c2s_note("--fail-if");
        return status;
    }
    c2s_vec_push(&conditions->exprs, expr);
    return C2S_OK;
}

c2s_status cli_conditions_add_all(cli_conditions *conditions, const cli_texts *texts) {
    for (size_t i = 0; i < texts->count; i++)
        C2S_TRY(cli_conditions_add(conditions, texts->at[i]));
    return C2S_OK;
}

void cli_conditions_free(cli_conditions *conditions) {
    for (size_t i = 0; i < conditions->list.count; i++)
        free(conditions->list.at[i].values);
    for (size_t i = 0; i < conditions->exprs.count; i++)
        c2s_metric_expr_free(conditions->exprs.at[i]);
    c2s_vec_free(&conditions->list);
    c2s_vec_free(&conditions->exprs);
}

bool cli_conditions_use(const cli_conditions *conditions, c2s_metric_id id) {
    for (size_t i = 0; i < conditions->exprs.count; i++)
        if (c2s_metric_expr_uses(conditions->exprs.at[i], id))
            return true;
    return false;
}

static char *describe(const c2s_metric_expr *expr, unsigned clause, const c2s_metrics *m) {
    char text[1024] = "", number[64];
    size_t used = 0;
    for (c2s_metric_id id = 0; id < C2S_METRIC_COUNT && used < sizeof text; id++) {
        if (!c2s_metric_expr_clause_uses(expr, clause, id, false))
            continue;
        used += (size_t)snprintf(text + used, sizeof text - used, "%s%s %s", used ? ", " : "",
                                 c2s_metric_all[id].name,
                                 cli_metric_text(id, m->value[id], number, sizeof number));
        if (used < sizeof text && c2s_metric_expr_clause_uses(expr, clause, id, true))
            used += (size_t)snprintf(text + used, sizeof text - used, ", reference %s",
                                     cli_metric_text(id, m->reference[id], number, sizeof number));
    }
    return c2s_strdup(text);
}

c2s_status cli_conditions_judge(cli_conditions *conditions, const c2s_metrics *metrics) {
    for (size_t i = 0; i < conditions->exprs.count; i++) {
        const c2s_metric_expr *expr = conditions->exprs.at[i];
        for (unsigned k = 0; k < c2s_metric_expr_clauses(expr); k++) {
            cli_condition condition = {.text = c2s_metric_expr_clause(expr, k)};
            const c2s_status status = c2s_metric_expr_holds(expr, k, metrics, &condition.holds);
            if (status != C2S_OK) {
                c2s_note("--fail-if");
                return status;
            }
            condition.values = describe(expr, k, metrics);
            conditions->failures += condition.holds;
            c2s_vec_push(&conditions->list, condition);
        }
    }
    return C2S_OK;
}

json_t *cli_conditions_json(const cli_conditions *conditions) {
    json_t *list = json_array();
    for (size_t i = 0; i < conditions->list.count; i++) {
        const cli_condition *c = &conditions->list.at[i];
        json_t *entry = json_object();
        json_object_set_new(entry, "condition", c2s_json_text(c->text));
        json_object_set_new(entry, "failed", json_boolean(c->holds));
        json_object_set_new(entry, "values", c2s_json_text(c->values));
        json_array_append_new(list, entry);
    }
    return list;
}

c2s_status cli_conditions_fail(const cli_conditions *conditions) {
    for (size_t i = 0; i < conditions->list.count; i++) {
        const cli_condition *c = &conditions->list.at[i];
        if (c->holds)
            return c2s_fail(C2S_ERR_TOLERANCE, "failed: %s (%s)", c->text, c->values);
    }
    return C2S_OK;
}
