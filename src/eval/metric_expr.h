/* SPDX-License-Identifier: Apache-2.0
 *
 * Conditions on metrics, as --fail-if has them:
 *
 *     top1_drop > 0.5 || sqnr < 25 || bytes > 1.0*ref
 *
 * Names of metrics, numbers, + - * /, comparisons (< <= > >= == !=), && || ! and parentheses, with
 * the precedence of C. `ref` is the reference's value of the metric that stands in the same
 * comparison. Comparisons are of numbers, && || ! of conditions.
 */
#ifndef C2S_EVAL_METRIC_EXPR_H
#define C2S_EVAL_METRIC_EXPR_H

#include "base/status.h"
#include "eval/metric.h"

typedef struct c2s_metric_expr c2s_metric_expr;

/* C2S_ERR_USAGE: at which character what was found and expected; of an unknown name, what there
 * is. */
c2s_status c2s_metric_expr_parse(const char *text, c2s_metric_expr **out);
void c2s_metric_expr_free(c2s_metric_expr *expr); /* NULL is allowed */
/* The metric, or its reference, occurs. */
bool c2s_metric_expr_uses(const c2s_metric_expr *expr, c2s_metric_id id);

/* What stands between the || that are in no parentheses: each of them is a reason by itself. */
unsigned c2s_metric_expr_clauses(const c2s_metric_expr *expr);
const char *c2s_metric_expr_clause(const c2s_metric_expr *expr, unsigned clause); /* as written */
/* C2S_ERR_USAGE: it needs a value, or a reference, that is not there. */
c2s_status c2s_metric_expr_holds(const c2s_metric_expr *expr, unsigned clause,
                                 const c2s_metrics *metrics, bool *holds);
bool c2s_metric_expr_clause_uses(const c2s_metric_expr *expr, unsigned clause, c2s_metric_id id,
                                 bool reference);

#endif
