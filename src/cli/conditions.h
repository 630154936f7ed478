/* SPDX-License-Identifier: Apache-2.0
 *
 * --fail-if: conditions on metrics, and which of them hold.
 */
#ifndef C2S_CLI_CONDITIONS_H
#define C2S_CLI_CONDITIONS_H

#include "cli/measured.h"
#include "eval/metric_expr.h"

/* One part of an expression between ||. */
typedef struct cli_condition {
    const char *text; /* as written; lives as long as the conditions */
    bool holds;       /* which is a failure */
    char *values;     /* "bytes 133245 B, reference 140000 B" */
} cli_condition;

typedef struct cli_conditions {
    C2S_VEC(c2s_metric_expr *) exprs;
    C2S_VEC(cli_condition) list; /* empty until they are judged */
    unsigned failures;
} cli_conditions;

/* Free also after a failure. */
c2s_status cli_conditions_add(cli_conditions *conditions, const char *text);
c2s_status cli_conditions_add_all(cli_conditions *conditions, const cli_texts *texts);
void cli_conditions_free(cli_conditions *conditions);
bool cli_conditions_use(const cli_conditions *conditions, c2s_metric_id id);
/* C2S_ERR_USAGE: one of them needs what was not measured. */
c2s_status cli_conditions_judge(cli_conditions *conditions, const c2s_metrics *metrics);
/* [{"text", "failed", "values"}, ...]. */
json_t *cli_conditions_json(const cli_conditions *conditions);
/* C2S_ERR_TOLERANCE with the first that holds, if one does. */
c2s_status cli_conditions_fail(const cli_conditions *conditions);

#endif
