/* SPDX-License-Identifier: Apache-2.0
 *
 * Before: elementwise nodes that compute one function of one value: x * Sigmoid(x),
 *         x * (1 + Erf(x / sqrt(2))) / 2, Clip(x + 3, 0, 6) / 6, in whatever order they are written
 * After:  the activation that this function is: Swish, Gelu, HardSigmoid, ...
 * Refuses when the model's opset does not have the operator yet, or an inner result is used
 * elsewhere.
 *
 * The function is recognised by its values, not by how it is written (known_curves.h).
 */
#include <stdio.h>
#include <string.h>

#include "passes/recompose/known_curves.h"
#include "passes/recompose/recompose.h"

enum { X = C2S_LETTER_A };

/* What may stand inside: functions that are smooth or break at a constant. */
static const c2s_op *const inner_ops[] = {&c2s_op_mul,
                                          &c2s_op_add,
                                          &c2s_op_sub,
                                          &c2s_op_div,
                                          &c2s_op_min,
                                          &c2s_op_max,
                                          &c2s_op_clip,
                                          &c2s_op_where,
                                          &c2s_op_neg,
                                          &c2s_op_abs,
                                          &c2s_op_reciprocal,
                                          &c2s_op_pow,
                                          &c2s_op_exp,
                                          &c2s_op_log,
                                          &c2s_op_erf,
                                          &c2s_op_tanh,
                                          &c2s_op_sigmoid,
                                          &c2s_op_softplus,
                                          &c2s_op_relu,
                                          &c2s_op_hard_sigmoid,
                                          &c2s_op_less,
                                          &c2s_op_greater,
                                          &c2s_op_elu,
                                          &c2s_op_leaky_relu,
                                          &c2s_op_sqrt,
                                          &c2s_op_softsign,
                                          &c2s_op_less_or_equal,
                                          &c2s_op_greater_or_equal,
                                          &c2s_op_sum,
                                          &c2s_op_identity,
                                          NULL};
/* What may stand last. */
static const c2s_op *const last_ops[] = {
    &c2s_op_mul, &c2s_op_add,   &c2s_op_sub,        &c2s_op_div, &c2s_op_min,  &c2s_op_max,
    &c2s_op_sum, &c2s_op_where, &c2s_op_reciprocal, &c2s_op_log, &c2s_op_clip, NULL};
static const c2s_pattern_row rows[] = {{.any_of = last_ops}};

/* ---- the region ---- */

typedef struct region {
    c2s_node *member[C2S_PATTERN_ROWS]; /* users before producers */
    unsigned count;
    c2s_value *open[C2S_PATTERN_ROWS + 2]; /* operands that no member makes */
    unsigned open_count;
} region;

static bool is_member(const region *r, const c2s_node *node) {
    for (unsigned i = 0; i < r->count; i++)
        if (r->member[i] == node)
            return true;
    return false;
}

/* False if an operand is a constant of several elements, or there are too many. */
static bool add_member(region *r, c2s_node *node) {
    r->member[r->count++] = node;
    for (unsigned k = 0; k < node->formal_count; k++) {
        c2s_value *value = node->inputs[k].value;
        if (!value || (value->constant && value->constant->count == 1))
            continue;
        bool seen = false;
        for (unsigned i = 0; i < r->open_count && !seen; i++)
            seen = r->open[i] == value;
        if (seen)
            continue;
        if (value->constant || r->open_count == sizeof r->open / sizeof *r->open)
            return false;
        r->open[r->open_count++] = value;
    }
    return true;
}

/* Sums and products alone are no activation. */
static bool bends(const region *r) {
    for (unsigned i = 0; i < r->count; i++) {
        const c2s_op *op = r->member[i]->op;
        if (op != &c2s_op_mul && op != &c2s_op_add && op != &c2s_op_sub && op != &c2s_op_sum &&
            op != &c2s_op_identity && op != &c2s_op_neg)
            return true;
    }
    return false;
}

static bool is_inner(const c2s_node *node) {
    for (const c2s_op *const *op = inner_ops; *op; op++)
        if (node->op == *op)
            return node->output_count == 1 && node->input_count == node->formal_count;
    return false;
}

/* All users are members: nothing else can be between the value and the root. */
static bool is_closed(const region *r, const c2s_value *value) {
    if (!value->def || value->def == value->graph->entry || !is_inner(value->def) ||
        value->use_count > 2 * C2S_PATTERN_ROWS)
        return false;
    c2s_value_each_use(use, value) if (!is_member(r, use->user)) return false;
    return true;
}

/* Takes in producers until one value is open. */
static bool grow(region *r) {
    while (r->open_count > 1 && r->count < C2S_PATTERN_ROWS) {
        unsigned i = 0;
        while (i < r->open_count && !is_closed(r, r->open[i]))
            i++;
        if (i == r->open_count)
            return false;
        c2s_node *producer = r->open[i]->def;
        r->open[i] = r->open[--r->open_count];
        if (!add_member(r, producer))
            return false;
    }
    return r->open_count == 1;
}

static void to_match(const region *r, c2s_match *m) {
    for (unsigned i = 0; i < r->count; i++)
        m->node[i] = r->member[r->count - 1 - i];
    m->node_count = r->count;
    m->value[X] = r->open[0];
}

/* ---- recognition ---- */

static double tolerance_of(c2s_dtype dtype) {
    return dtype == C2S_FLOAT16 ? 0x1p-9 : dtype == C2S_BFLOAT16 ? 0x1p-6 : 2e-6;
}

static const c2s_known_curve *recognise(const c2s_match *m, double *parameters) {
    c2s_curve curve;
    if (!c2s_curve_sample(m, m->value[X], &curve))
        return NULL;
    const c2s_known_curve *known =
        c2s_curve_recognise(&curve, tolerance_of(m->value[X]->type.dtype), parameters);
    c2s_curve_free(&curve);
    return known;
}

/* Regions to look at per root. What is written out in one chain is known by then. */
enum { MOST_TRIES = 4 };

/* The smallest region that is a function of one value, then larger ones while they are one: the
 * first that is known counts. */
static bool find(c2s_node *root, c2s_match *m) {
    region r = {0};
    double parameters[C2S_CURVE_PARAMETERS];
    if (!is_inner(root) || !c2s_is_float_value(root->outputs[0]) || !add_member(&r, root))
        return false;
    unsigned tries = 0;
    while (grow(&r) && c2s_is_float_value(r.open[0]) && tries < MOST_TRIES) {
        to_match(&r, m);
        if (r.count > 1 && bends(&r) && c2s_same_type(r.open[0], root->outputs[0])) {
            if (recognise(m, parameters))
                return true;
            tries++;
        }
        if (r.count == C2S_PATTERN_ROWS || !is_closed(&r, r.open[0]))
            return false;
        r.open_count = 0;
        if (!add_member(&r, r.open[0]->def))
            return false;
    }
    return false;
}

static const char *refuse(const c2s_match *m) {
    static _Thread_local char text[96];
    double parameters[C2S_CURVE_PARAMETERS];
    const c2s_known_curve *known = recognise(m, parameters);
    int64_t opset = c2s_model_opset(m->root->graph->model, "");
    if (!known || opset >= known->opset)
        return known ? NULL : c2s_no_match;
    snprintf(text, sizeof text, "%s needs opset %d, the model has %lld (--opset)", known->type,
             known->opset, (long long)opset);
    return text;
}

static c2s_value *build(c2s_builder *b, const c2s_match *m) {
    double parameters[C2S_CURVE_PARAMETERS];
    const c2s_known_curve *known = recognise(m, parameters);
    c2s_node *node = c2s_build_start(b, known->type, &m->value[X], 1);
    if (!node)
        return NULL;
    for (unsigned i = 0; i < C2S_CURVE_PARAMETERS && known->attributes[i]; i++)
        c2s_attr_set_float(node, known->attributes[i], (float)parameters[i]);
    if (known->approximate)
        c2s_attr_set_string(node, "approximate", known->approximate);
    return c2s_build_finish(b, node);
}

const c2s_rule c2s_rule_activation = {.name = "activation",
                                      .summary =
                                          "elementwise nodes that compute a known activation -> "
                                          "Swish, Gelu, HardSigmoid, HardSwish, Mish, ...",
                                      C2S_ROWS(rows),
                                      .find = find,
                                      .refuse = refuse,
                                      .build = build};
