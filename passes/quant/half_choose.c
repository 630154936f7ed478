/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "passes/quant/half_choice.h"

/* What a square must not pass, and the room for it. */
#define MOST_SQUARED 128.0
/* Numbers that become integers, and counts, are whole up to here. */
#define MOST_WHOLE 2048.0
/* The least number with all its bits. */
#define NORMAL 0x1p-14

/* Chains against the order of the list join an island node by node. */
enum { MOST_WALKS = 16 };

bool c2s_half_is_float(const c2s_value *value) {
    return value && value->type.kind == C2S_KIND_TENSOR && value->type.dtype == C2S_FLOAT;
}

static bool has_floats(const c2s_node *node) {
    for (unsigned k = 0; k < node->formal_count; k++)
        if (c2s_half_is_float(node->inputs[k].value))
            return true;
    for (unsigned k = 0; k < node->output_count; k++)
        if (c2s_half_is_float(node->outputs[k]))
            return true;
    return false;
}

/* ---- what values hold ---- */

/* The largest magnitude; 0: not known. */
static double most_of(const c2s_half_limits *limits, const c2s_value *value) {
    const c2s_value_stats *s = limits->ranges ? c2s_ranges_find(limits->ranges, value) : NULL;
    return s ? fmax(fabs((double)s->min), fabs((double)s->max)) : 0;
}

static const char *refuse_value(const c2s_half_limits *limits, const c2s_value *value) {
    const c2s_value_stats *s = limits->ranges ? c2s_ranges_find(limits->ranges, value) : NULL;
    if (!s)
        return NULL;
    if (most_of(limits, value) > C2S_HALF_ROOM)
        return "numbers come near 65504";
    const double nonzero = (double)(s->count - s->zeros);
    return nonzero > 0 && sqrt(s->sum_squares / nonzero) < NORMAL
               ? "most numbers lose bits below 2^-14"
               : NULL;
}

/* ---- nodes ---- */

static bool makes_whole_numbers(const c2s_node *node) {
    return node->op == &c2s_op_cast && c2s_half_is_float(node->inputs[0].value) &&
           c2s_dtype_is_integer(node->outputs[0]->type.dtype);
}

static const char *refuse_reduction(const c2s_node *node, const c2s_half_operator *row,
                                    const c2s_half_limits *limits) {
    const double most = most_of(limits, node->inputs[0].value);
    if (row->squares && (most == 0 || most > MOST_SQUARED))
        return "it squares numbers that may be large";
    const size_t terms = row->sums ? c2s_half_terms(node) : 1;
    if (terms == 0)
        return "it adds up as many numbers as there are at run time";
    return terms > limits->terms ? "it adds up many numbers" : NULL;
}

static const char *refuse_operands(const c2s_node *node, const c2s_half_operator *row,
                                   const c2s_half_limits *limits) {
    const char *why = NULL;
    for (unsigned k = 0; k < node->formal_count && !why; k++) {
        const c2s_value *value = node->inputs[k].value;
        if (!c2s_half_is_float(value) || (k < 8 && row->keep >> k & 1))
            continue;
        why = value->constant ? c2s_half_refuse_constant(value->constant, row->clamps)
                              : refuse_value(limits, value);
    }
    for (unsigned k = 0; k < node->output_count && !why; k++)
        if (c2s_half_is_float(node->outputs[k]))
            why = refuse_value(limits, node->outputs[k]);
    return why;
}

/* It runs on integers, or is meant to. */
static bool is_quantized(const c2s_node *node) {
    for (unsigned k = 0; k < node->formal_count; k++) {
        const c2s_value *value = node->inputs[k].value;
        if (value && value->def && strcmp(value->def->type, "DequantizeLinear") == 0 &&
            !value->def->inputs[0].value->constant)
            return true;
    }
    for (unsigned k = 0; k < node->output_count; k++)
        if (node->outputs[k])
            c2s_value_each_use(use, node->outputs[k]) {
                if (strcmp(use->user->type, "QuantizeLinear") == 0)
                    return true;
            }
    return false;
}

/* ONNX Runtime 1.30 fuses a product with a Transpose of its left operand's leading axes, and then
 * crashes when it makes floats of the constant on the right. */
static bool is_behind_turned_batch(const c2s_node *node) {
    size_t rank;
    if (node->op != &c2s_op_matmul || !node->inputs[1].value->constant)
        return false;
    const c2s_node *turn = node->inputs[0].value->def;
    if (turn->op != &c2s_op_transpose)
        return false;
    const int64_t *perm = c2s_attr_ints(turn, "perm", &rank);
    return perm && rank > 2 && perm[rank - 1] == (int64_t)rank - 1;
}

/* ONNX Runtime 1.30 has code for these on float16, which fails when it runs. */
static bool reduces_what_it_scatters(const c2s_node *node) {
    return (node->op == &c2s_op_scatter_elements || node->op == &c2s_op_scatter_nd) &&
           strcmp(c2s_attr_string(node, "reduction", "none"), "none") != 0;
}

static const char *refuse(const c2s_node *node, const c2s_half_limits *limits) {
    const c2s_half_operator *row = c2s_half_operator_of(node);
    if (!row)
        return "the operator knows no float16, or not everywhere";
    if (is_quantized(node))
        return "it stands at a quantizer";
    if (is_behind_turned_batch(node))
        return "ONNX Runtime 1.30 fails on float16 behind a Transpose of leading axes";
    if (reduces_what_it_scatters(node))
        return "ONNX Runtime 1.30 reduces no float16 that it scatters";
    const char *why = refuse_operands(node, row, limits);
    if (!why && row->sums + row->squares > 0)
        why = refuse_reduction(node, row, limits);
    if (!why && makes_whole_numbers(node) && most_of(limits, node->inputs[0].value) > MOST_WHOLE)
        why = "it makes whole numbers beyond 2048";
    return why;
}

void c2s_half_choose(const c2s_graph *graph, const c2s_half_limits *limits, c2s_half_choice *out) {
    size_t at = 0;
    out->count = graph->node_count;
    out->half = c2s_zalloc(out->count + 1);
    out->reason = c2s_zalloc((out->count + 1) * sizeof *out->reason);
    for (const c2s_node *node = graph->first; node; node = node->next, at++) {
        if (!has_floats(node) || node->op == &c2s_op_constant)
            continue;
        out->reason[at] = refuse(node, limits);
        out->half[at] = !out->reason[at];
    }
}

void c2s_half_keep_float(c2s_half_choice *c, size_t at, const char *reason) {
    c->half[at] = false;
    c->reason[at] = reason;
}

size_t c2s_half_count(const c2s_half_choice *c) {
    size_t count = 0;
    for (size_t i = 0; i < c->count; i++)
        count += c->half[i];
    return count;
}

c2s_status c2s_half_build(c2s_model *model, const c2s_half_choice *choice, bool io,
                          c2s_retype_counts *counts) {
    const c2s_retyping how = {C2S_FLOAT, C2S_FLOAT16, choice->half, io};
    return c2s_retype(model, &how, counts);
}

void c2s_half_choice_free(c2s_half_choice *choice) {
    free(choice->half);
    free(choice->reason);
    *choice = (c2s_half_choice){0};
}

/* ---- islands ---- */

/* Of all that is connected to a node through floats: how much computes in float, how much not. What
 * only passes numbers on goes with the majority, and with the islands in doubt; a lone elementwise
 * operator among islands is not worth its Casts. */
typedef struct neighbours {
    unsigned half, whole;
} neighbours;

static void count_node(const bool *half, const size_t *position, const c2s_node *node,
                       neighbours *n) {
    if (!node || node == node->graph->entry || node == node->graph->exit)
        return;
    *(half[position[node->id]] ? &n->half : &n->whole) += 1;
}

static neighbours look_around(const c2s_node *node, const bool *half, const size_t *position) {
    neighbours n = {0, 0};
    for (unsigned k = 0; k < node->formal_count; k++)
        if (c2s_half_is_float(node->inputs[k].value) && !node->inputs[k].value->constant)
            count_node(half, position, node->inputs[k].value->def, &n);
    for (unsigned k = 0; k < node->output_count; k++)
        if (c2s_half_is_float(node->outputs[k]))
            c2s_value_each_use(use, node->outputs[k]) {
                count_node(half, position, use->user, &n);
            }
    return n;
}

/* True if a node has joined one. */
static bool join_islands(const c2s_graph *graph, const size_t *position, c2s_half_choice *c) {
    size_t at = 0;
    bool changed = false;
    for (const c2s_node *node = graph->first; node; node = node->next, at++) {
        const c2s_half_operator *row = c->half[at] ? c2s_half_operator_of(node) : NULL;
        if (!row || !(row->follows || node->op->flags & C2S_OP_ELEMENTWISE))
            continue;
        const neighbours n = look_around(node, c->half, position);
        if (n.whole > 0 && n.whole >= n.half && (row->follows || n.half == 0)) {
            c->half[at] = false;
            c->reason[at] = "what is around it computes in float";
            changed = true;
        }
    }
    return changed;
}

void c2s_half_settle(const c2s_graph *graph, c2s_half_choice *c) {
    size_t *position = c2s_zalloc((graph->model->nodes.count + 1) * sizeof *position), at = 0;
    for (const c2s_node *node = graph->first; node; node = node->next)
        position[node->id] = at++;
    for (int k = 0; k < MOST_WALKS && join_islands(graph, position, c); k++)
        continue;
    free(position);
}
