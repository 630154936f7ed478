/* SPDX-License-Identifier: Apache-2.0 */
#include "eval/metric_expr.h"

#include <math.h>
#include <stdlib.h>

#include "eval/metric_expr_node.h"

void c2s_metric_expr_free(c2s_metric_expr *expr) {
    if (!expr)
        return;
    for (size_t i = 0; i < expr->clauses.count; i++)
        free(expr->clauses.at[i].text);
    c2s_vec_free(&expr->clauses);
    c2s_vec_free(&expr->nodes);
    free(expr);
}

/* ---- what is there ---- */

bool c2s_metric_expr_uses(const c2s_metric_expr *expr, c2s_metric_id id) {
    for (size_t i = 0; i < expr->nodes.count; i++) {
        const c2s_cond_node *n = &expr->nodes.at[i];
        if ((n->kind == C2S_COND_METRIC || n->kind == C2S_COND_REFERENCE) && n->metric == id)
            return true;
    }
    return false;
}

unsigned c2s_metric_expr_clauses(const c2s_metric_expr *expr) {
    return (unsigned)expr->clauses.count;
}

const char *c2s_metric_expr_clause(const c2s_metric_expr *expr, unsigned index) {
    return expr->clauses.at[index].text;
}

bool c2s_metric_expr_clause_uses(const c2s_metric_expr *expr, unsigned index, c2s_metric_id id,
                                 bool reference) {
    const c2s_cond_clause *c = &expr->clauses.at[index];
    for (unsigned i = c->first; i < c->end; i++)
        if (expr->nodes.at[i].kind == (reference ? C2S_COND_REFERENCE : C2S_COND_METRIC) &&
            expr->nodes.at[i].metric == id)
            return true;
    return false;
}

/* ---- evaluating ---- */

/* *defined becomes false if a side is no number: what then holds would be chance. */
static bool compare(c2s_cond_op how, double a, double b, bool *defined) {
    *defined &= !isnan(a) && !isnan(b);
    switch (how) {
    case C2S_COND_LESS:
        return a < b;
    case C2S_COND_LESS_EQUAL:
        return a <= b;
    case C2S_COND_GREATER:
        return a > b;
    case C2S_COND_GREATER_EQUAL:
        return a >= b;
    case C2S_COND_EQUAL:
        return a == b;
    default:
        return a != b;
    }
}

static double combine(c2s_cond_op how, double a, double b, bool *defined) {
    switch (how) {
    case C2S_COND_ADD:
        return a + b;
    case C2S_COND_SUBTRACT:
        return a - b;
    case C2S_COND_MULTIPLY:
        return a * b;
    case C2S_COND_DIVIDE:
        return a / b;
    default:
        return compare(how, a, b, defined);
    }
}

static double compute(const c2s_metric_expr *expr, unsigned index, const c2s_metrics *m,
                      bool *defined) {
    const c2s_cond_node *n = &expr->nodes.at[index];
    switch (n->kind) {
    case C2S_COND_NUMBER:
        return n->number;
    case C2S_COND_METRIC:
        return m->value[n->metric];
    case C2S_COND_REFERENCE:
        return m->reference[n->metric];
    case C2S_COND_NEGATE:
        return -compute(expr, n->left, m, defined);
    case C2S_COND_NOT:
        return compute(expr, n->left, m, defined) == 0;
    case C2S_COND_AND:
        return compute(expr, n->left, m, defined) != 0 && compute(expr, n->right, m, defined) != 0;
    case C2S_COND_OR:
        return compute(expr, n->left, m, defined) != 0 || compute(expr, n->right, m, defined) != 0;
    default: {
        const double left = compute(expr, n->left, m, defined);
        return combine(n->kind, left, compute(expr, n->right, m, defined), defined);
    }
    }
}

c2s_status c2s_metric_expr_holds(const c2s_metric_expr *expr, unsigned index,
                                 const c2s_metrics *metrics, bool *holds) {
    const c2s_cond_clause *c = &expr->clauses.at[index];
    for (unsigned i = c->first; i < c->end; i++) {
        const c2s_cond_node *n = &expr->nodes.at[i];
        if (n->kind == C2S_COND_METRIC && isnan(metrics->value[n->metric]))
            return c2s_fail(C2S_ERR_USAGE, "\"%s\": %s was not measured", c->text,
                            c2s_metric_all[n->metric].name);
        if (n->kind == C2S_COND_REFERENCE && isnan(metrics->reference[n->metric]))
            return c2s_fail(C2S_ERR_USAGE, "\"%s\": %s has no reference here", c->text,
                            c2s_metric_all[n->metric].name);
    }
    bool defined = true;
    *holds = compute(expr, c->root, metrics, &defined) != 0;
    return defined ? C2S_OK
                   : c2s_fail(C2S_ERR_USAGE,
                              "\"%s\": it compares what is no number, such as 0 / 0 or inf - inf",
                              c->text);
}
