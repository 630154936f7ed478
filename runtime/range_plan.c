/* SPDX-License-Identifier: Apache-2.0
 *
 * What is known of the ranges of a step before it runs: the rule of its operator, the largest sum of
 * its weights, which input is which operand of a member.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/groups.h"
#include "runtime/plan.h"
#include "runtime/quantized.h"
#include "runtime/range.h"
#include "runtime/range_rule.h"

/* What rounding may add to a long sum of products. */
#define LONG_SLACK 1.125f

static const struct {
    const char *op;
    rule rule;
} rules[] = {
    {"Abs", FIRST},
    {"Add", SUM},
    {"AveragePool", FIRST},
    {"Cast", FIRST},
    {"CastLike", FIRST},
    {"Clip", LARGEST},
    {"Conv", LINEAR},
    {"ConvTranspose", LINEAR},
    {"DequantizeLinear", FIXED},
    {"Erf", ONE},
    {"Gelu", FIRST},
    {"Gemm", LINEAR},
    {"GlobalAveragePool", FIRST},
    {"GlobalMaxPool", FIRST},
    {"HardSigmoid", ONE},
    {"HardSwish", FIRST},
    {"MatMul", LINEAR},
    {"Max", LARGEST},
    {"MaxPool", FIRST},
    {"Mean", LARGEST},
    {"Min", LARGEST},
    {"Mul", PRODUCT},
    {"Neg", FIRST},
    {"ReduceMax", FIRST},
    {"ReduceMean", FIRST},
    {"ReduceMin", FIRST},
    {"Relu", FIRST},
    {"Resize", FIRST},
    {"Sigmoid", ONE},
    {"Softmax", ONE},
    {"Sub", SUM},
    {"Sum", SUM},
    {"Tanh", ONE},
    {"Where", LARGEST},
};

static rule rule_of(const c2s_node *node) {
    if (node->op->flags & C2S_OP_MOVES_DATA)
        return LARGEST;
    for (size_t i = 0; i < sizeof rules / sizeof *rules; i++)
        if (strcmp(rules[i].op, node->type) == 0)
            return rules[i].rule;
    return UNKNOWN;
}

/* Largest sum of magnitudes over groups of numbers: x[outer][groups][inner] has `groups` of them.
 */
static float largest_sum(const float *x, size_t outer, size_t groups, size_t inner) {
    enum { LANES = 16 };
    float largest = 0, *sums = c2s_zalloc(groups * sizeof *sums);
    for (size_t o = 0; o < outer; o++)
        for (size_t g = 0; g < groups; g++) {
            const float *row = x + (o * groups + g) * inner;
            float lanes[LANES] = {0}, sum = 0;
            size_t k = 0;
            for (; k + LANES <= inner; k += LANES)
                for (size_t l = 0; l < LANES; l++)
                    lanes[l] += fabsf(row[k + l]);
            for (; k < inner; k++)
                sum += fabsf(row[k]);
            for (size_t l = 0; l < LANES; l++)
                sum += lanes[l];
            sums[g] += sum;
        }
    for (size_t g = 0; g < groups; g++)
        largest = sums[g] <= largest ? largest : sums[g]; /* NaN stays */
    free(sums);
    return isfinite(largest) ? largest : INFINITY;
}

/* The largest sum of weights behind one output element. */
static float find_gain(const c2s_step *step) {
    const c2s_tensor *w = c2s_step_constant(step, 1);
    if (!w || w->type.dtype != C2S_FLOAT || w->type.rank < 2 || w->count == 0)
        return INFINITY;
    const c2s_node *node = step->node;
    const int64_t *dim = w->type.dim, *end = dim + w->type.rank;
    size_t batch = 1, outer = 1, groups;
    if (node->op == &c2s_op_conv) {
        groups = (size_t)dim[0];
    } else if (node->op == &c2s_op_conv_transpose) {
        batch = (size_t)c2s_attr_int(node, "group", 1);
        groups = (size_t)dim[1];
        outer = (size_t)dim[0] / batch;
    } else if (node->op == &c2s_op_gemm && c2s_attr_int(node, "transB", 0)) {
        groups = (size_t)dim[0];
    } else {
        groups = (size_t)end[-1];
        outer = (size_t)end[-2];
        batch = w->count / (groups * outer);
    }
    size_t inner = w->count / (batch * outer * groups);
    float gain = 0;
    c2s_tensor *once;
    if (c2s_tensor_once(w, &once) != C2S_OK) {
        c2s_error_clear();
        return INFINITY;
    }
    const float *data = c2s_tensor_data(once);
    for (size_t b = 0; b < batch; b++)
        gain = fmaxf(gain, largest_sum(data + b * outer * groups * inner, outer, groups, inner));
    c2s_tensor_unref(once);
    if (node->op == &c2s_op_gemm)
        gain *= fmaxf(1, fabsf(c2s_attr_float(node, "alpha", 1)));
    return gain * LONG_SLACK;
}

/* The input or the result inside the step that a slot stands for. */
static unsigned short source_of(const c2s_step *step, const c2s_slot *slot, unsigned members) {
    if (step->node->outputs[0] == slot->value)
        return MEMBER_RESULT;
    for (unsigned k = 0; k < members; k++)
        if (step->members[k]->node->outputs[0] == slot->value)
            return (unsigned short)(MEMBER_RESULT + 1 + k);
    for (unsigned k = 0; k < step->in_count; k++)
        if (step->in[k] && step->in[k]->base == slot->base)
            return (unsigned short)k;
    return 0; /* not reached: each operand is one or the other */
}

static int output_of(const c2s_step *step, const c2s_value *value) {
    for (unsigned k = 0; k < step->out_count; k++)
        if (step->out[k]->value == value)
            return (int)k;
    return -1;
}

/* The first entry is for the step's own node. */
static void plan_members(c2s_step *step) {
    step->member_rules =
        c2s_arena_array(step->plan->arena, step->member_count + 1u, sizeof *step->member_rules);
    for (unsigned k = 0; k <= step->member_count; k++) {
        const c2s_step *one = k ? step->members[k - 1] : step;
        c2s_member_rule *r = &step->member_rules[k];
        r->rule = (unsigned char)rule_of(one->node);
        r->output = output_of(step, one->node->outputs[0]);
        if (one->node->formal_count > MOST_RULE_INPUTS)
            r->rule = UNKNOWN;
        for (unsigned j = 0; j < one->node->formal_count && r->rule != UNKNOWN; j++)
            if (one->in[j])
                r->input[r->count++] = source_of(step, one->in[j], k ? k - 1 : 0);
    }
}

void c2s_range_plan(c2s_step *step) {
    if (step->member_count)
        plan_members(step);
    bool moves = step->node->op->flags & C2S_OP_MOVES_DATA;
    bool known = !step->group && (moves || (step->kernel && !step->quantized));
    bool same = step->is_reorder || (step->group && step->group->moves);
    step->rule = same ? FIRST : known ? (unsigned char)rule_of(step->node) : UNKNOWN;
    step->gain = step->rule == LINEAR  ? find_gain(step)
                 : step->rule == FIXED ? c2s_dequantized_most(step)
                                       : 0;
    step->guards_inputs =
        step->kernel && step->kernel->finite_only && step->kernel->finite_only(step);
    step->guards_posts = false;
    if (step->kernel && step->kernel->flags & C2S_KERNEL_KEEPS_NAN)
        return;
    for (unsigned k = 0; k < step->post_count; k++)
        step->guards_posts |= step->posts[k].drops_nan;
}
