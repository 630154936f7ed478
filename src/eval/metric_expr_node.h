/* SPDX-License-Identifier: Apache-2.0
 *
 * A condition on metrics as it was read: operators with their operands in front of them.
 */
#ifndef C2S_EVAL_METRIC_EXPR_NODE_H
#define C2S_EVAL_METRIC_EXPR_NODE_H

#include "base/vec.h"
#include "eval/metric_expr.h"

typedef enum c2s_cond_op {
    C2S_COND_NUMBER,
    C2S_COND_METRIC,
    C2S_COND_REFERENCE,
    /* of numbers a number */
    C2S_COND_NEGATE,
    C2S_COND_ADD,
    C2S_COND_SUBTRACT,
    C2S_COND_MULTIPLY,
    C2S_COND_DIVIDE,
    /* of numbers a condition */
    C2S_COND_LESS,
    C2S_COND_LESS_EQUAL,
    C2S_COND_GREATER,
    C2S_COND_GREATER_EQUAL,
    C2S_COND_EQUAL,
    C2S_COND_NOT_EQUAL,
    /* of conditions a condition */
    C2S_COND_NOT,
    C2S_COND_AND,
    C2S_COND_OR
} c2s_cond_op;

typedef struct c2s_cond_node {
    c2s_cond_op kind;
    c2s_metric_id metric;
    double number;
    unsigned left, right;
} c2s_cond_node;

typedef struct c2s_cond_clause {
    unsigned root, first, end; /* its nodes are those in [first, end) */
    char *text;
} c2s_cond_clause;

struct c2s_metric_expr {
    C2S_VEC(c2s_cond_node) nodes;
    C2S_VEC(c2s_cond_clause) clauses;
};

#endif
