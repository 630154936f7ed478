/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/range.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/dnnl_primitive.h"
#include "runtime/groups.h"
#include "runtime/layout.h"
#include "runtime/plan.h"
#include "runtime/post_ops.h"
#include "runtime/quantized.h"

/* Below this, sums and products of an elementwise operation stay finite. */
#define LIMIT 1e37f
/* What rounding may add to a long sum of products, and to anything else. */
#define LONG_SLACK  1.125f
#define SHORT_SLACK 1.001f
/* Below this many elements one thread is faster. */
#define PARALLEL_ELEMENTS 65536

typedef enum rule {
    UNKNOWN, /* the results may be anything */
    FIXED,   /* no larger than gain, whatever the inputs */
    FIRST,   /* no larger than input 0 */
    ONE,     /* no larger than 1, if input 0 holds no NaN */
    LARGEST, /* no larger than the largest input */
    SUM,
    PRODUCT,
    LINEAR /* input 0 times weights of input 1: no larger than input 0 times gain */
} rule;

/* How large the result of a member can be: which of the step's inputs it reads, or (from
 * MEMBER_RESULT on) results of the step's own node and of the members before. */
enum { MOST_RULE_INPUTS = 4, MEMBER_RESULT = 1000 };
typedef struct c2s_member_rule {
    unsigned char rule, count;
    int output; /* of the step; -1: not written */
    unsigned short input[MOST_RULE_INPUTS];
} c2s_member_rule;

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

/* ---- reading ---- */

static uint32_t largest_bits(const uint32_t *bits, size_t count) {
    int32_t largest = 0;
    for (size_t k = 0; k < count; k++) {
        int32_t magnitude = (int32_t)(bits[k] & 0x7fffffffu);
        largest = magnitude > largest ? magnitude : largest;
    }
    return (uint32_t)largest;
}

/* The largest magnitude; infinite if there is NaN or infinity. Magnitudes are ordered as their bits
 * are, NaN behind infinity. */
static float read_most(const float *data, size_t count) {
    const uint32_t *bits = (const uint32_t *)(const void *)data;
    uint32_t largest = 0;
    enum { BLOCK = 8192 };
    if (count < PARALLEL_ELEMENTS)
        largest = largest_bits(bits, count);
    else
#pragma omp parallel for reduction(max : largest)
        for (size_t start = 0; start < count; start += BLOCK) {
            size_t length = count - start < BLOCK ? count - start : BLOCK;
            uint32_t here = largest_bits(bits + start, length);
            largest = here > largest ? here : largest;
        }
    float most;
    memcpy(&most, &largest, sizeof most);
    return isfinite(most) ? most : INFINITY;
}

static bool is_float(const c2s_slot *slot) {
    return slot && slot->tensor && slot->tensor->type.kind == C2S_KIND_TENSOR &&
           slot->tensor->type.dtype == C2S_FLOAT;
}

void c2s_range_scan(c2s_slot *slot) {
    size_t size;
    if (!is_float(slot) || (slot->constant && slot->most >= 0) || !c2s_slot_size(slot, &size))
        return;
    const float *data = c2s_tensor_data(slot->tensor);
    if (slot->layout == NULL)
        size = c2s_tensor_size(slot->tensor);
    slot->most = size ? read_most(data, size / sizeof *data) : 0;
}

/* ---- planning ---- */

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

/* ---- running ---- */

static float slacken(float most) {
    return most * SHORT_SLACK;
}

static float most_of(const c2s_slot *slot) {
    return slot ? slot->most : 0;
}

float c2s_range_of_node(const c2s_step *step) {
    float most = 0;
    switch ((rule)step->rule) {
    case UNKNOWN:
        return C2S_RANGE_UNKNOWN;
    case FIXED:
        return isfinite(step->gain) ? step->gain : C2S_RANGE_UNKNOWN;
    case FIRST:
        return most_of(step->in[0]);
    case ONE: /* of NaN comes NaN */
        most = most_of(step->in[0]);
        return most >= 0 && isfinite(most) ? 1 : C2S_RANGE_UNKNOWN;
    case LINEAR:
        if (most_of(step->in[0]) < 0 || !isfinite(step->gain))
            return C2S_RANGE_UNKNOWN;
        most = most_of(step->in[0]) * step->gain;
        if (step->node->formal_count > 2 && step->in[2]) {
            if (step->in[2]->constant)
                c2s_range_scan(step->in[2]);
            if (step->in[2]->most < 0)
                return C2S_RANGE_UNKNOWN;
            most += step->in[2]->most * fmaxf(1, fabsf(c2s_attr_float(step->node, "beta", 1)));
        }
        return slacken(most);
    case LARGEST:
    case SUM:
    case PRODUCT:
        break;
    }
    if (step->rule == PRODUCT)
        most = 1;
    for (unsigned k = 0; k < step->node->formal_count; k++) {
        if (!step->in[k])
            continue;
        if (step->in[k]->constant)
            c2s_range_scan(step->in[k]);
        float one = step->in[k]->most;
        if (step->rule == LARGEST && !is_float(step->in[k]))
            continue; /* indices, axes */
        if (one < 0)
            return C2S_RANGE_UNKNOWN;
        most = step->rule == SUM       ? most + one
               : step->rule == PRODUCT ? most * one
                                       : fmaxf(most, one);
    }
    return slacken(most);
}

const c2s_slot *c2s_range_operand(const c2s_step *step, unsigned post) {
    unsigned at = step->own_count;
    for (unsigned k = 0; k < post; k++)
        at += step->posts[k].binary;
    return step->posts[post].binary ? step->in[at] : NULL;
}

float c2s_range_of_post(const c2s_step *step, unsigned k, float most) {
    const c2s_post *post = &step->posts[k];
    const c2s_slot *operand = c2s_range_operand(step, k);
    if (!post->binary)
        return c2s_post_most(post, most);
    if (operand->most < 0)
        return C2S_RANGE_UNKNOWN;
    return slacken(c2s_post_most_with(post, most, operand->most));
}

/* How large the results of the step can be; *safe: NaN cannot reach a function that loses it. */
static float estimate(const c2s_step *step, bool *safe) {
    float most = c2s_range_of_node(step);
    *safe = true;
    for (unsigned k = 0; k < step->post_count; k++) {
        if (!(most < LIMIT)) /* there may be infinity, and of that NaN */
            most = C2S_RANGE_UNKNOWN;
        if (most < 0 && step->posts[k].drops_nan)
            *safe = false;
        if (most >= 0)
            most = c2s_range_of_post(step, k, most);
    }
    return most;
}

static bool inputs_allow(c2s_step *step) {
    float limit = step->rule == ONE ? FLT_MAX : LIMIT; /* Softmax may see the largest of all */
    for (unsigned k = 0; k < step->node->formal_count; k++) {
        c2s_slot *slot = step->in[k];
        if (!slot || slot->constant || !is_float(slot) || (step->kernel->any_input >> k & 1u))
            continue;
        if (slot->most < 0)
            c2s_range_scan(slot);
        if (slot->most < 0 || slot->most > limit)
            return false;
    }
    return true;
}

/* False: nothing is known, or it is that large on the way. */
static bool seems_below(const c2s_step *step, float limit) {
    float most = c2s_range_of_node(step);
    for (unsigned k = 0; k < step->folded_posts && most >= 0 && most < limit; k++)
        most = c2s_range_of_post(step, k, most);
    return most >= 0 && most < limit;
}

static void scan_inputs(c2s_step *step) {
    for (unsigned k = 0; k < step->in_count; k++)
        c2s_range_scan(step->in[k]);
}

/* Reads the inputs where nothing else tells. */
static bool results_are_below(c2s_step *step, float limit) {
    if (seems_below(step, limit))
        return true;
    scan_inputs(step);
    return seems_below(step, limit);
}

/* No element is less than a 4096th of the largest, which has been looked for; none is 0. */
static bool is_alike(const c2s_slot *slot) {
    size_t size;
    if (!is_float(slot) || !c2s_slot_size(slot, &size))
        return false;
    const float *data = c2s_tensor_data(slot->tensor), least = slot->most * 0x1p-12f;
    for (size_t k = 0; k < size / sizeof *data; k++)
        if (!(fabsf(data[k]) >= least))
            return false;
    return true;
}

static bool sums_are_sound(c2s_step *step) {
    const c2s_kernel_family *kernel = step->kernel;
    if (!results_are_below(step, LIMIT / fmaxf(1, kernel->headroom)))
        return false;
    return kernel->alike_beyond == 0 || results_are_below(step, kernel->alike_beyond) ||
           is_alike(step->in[0]);
}

bool c2s_range_allows(c2s_step *step) {
    bool safe = true;
    if (step->guards_inputs && !inputs_allow(step))
        return false;
    if (step->terms && !(step->in[0]->most * step->in[1]->most * (float)step->terms < LIMIT))
        return false;
    if (step->guards_inputs && step->rule == LINEAR && isfinite(step->gain) &&
        !sums_are_sound(step))
        return false;
    if (!step->guards_posts)
        return true;
    estimate(step, &safe);
    if (safe)
        return true;
    scan_inputs(step);
    estimate(step, &safe);
    return safe;
}

static bool is_moderate(float most) {
    return most >= 0 && most < LIMIT;
}

/* One node of several; `result`: what is known of those before. */
static float estimate_member(const c2s_step *step, const c2s_member_rule *r, const float *result) {
    float most = r->rule == PRODUCT ? 1 : 0;
    if (r->rule == UNKNOWN || r->rule == LINEAR || r->rule == FIXED)
        return C2S_RANGE_UNKNOWN;
    for (unsigned j = 0; j < r->count; j++) {
        c2s_slot *slot = r->input[j] < MEMBER_RESULT ? step->in[r->input[j]] : NULL;
        if (slot && slot->constant)
            c2s_range_scan(slot);
        if (r->rule == LARGEST && slot && !is_float(slot))
            continue; /* a condition */
        float one = slot ? slot->most : result[r->input[j] - MEMBER_RESULT];
        if (!is_moderate(one))
            return C2S_RANGE_UNKNOWN;
        if (r->rule == ONE)
            return 1;
        if (r->rule == FIRST)
            return one;
        most = r->rule == SUM ? most + one : r->rule == PRODUCT ? most * one : fmaxf(most, one);
    }
    return slacken(most);
}

static void follow_members(c2s_step *step) {
    enum { MOST_RESULTS = 64 };
    float result[MOST_RESULTS];
    for (unsigned k = 0; k <= step->member_count; k++) {
        const c2s_member_rule *r = &step->member_rules[k];
        float most = estimate_member(step, r, result);
        result[k] = is_moderate(most) ? most : C2S_RANGE_UNKNOWN;
        if (r->output >= 0)
            step->out[r->output]->most = result[k];
    }
}

void c2s_range_follow(c2s_step *step) {
    if (step->member_count) {
        follow_members(step);
        return;
    }
    for (unsigned k = 0; k < step->out_count; k++)
        if (step->out[k] && !step->out[k]->constant)
            step->out[k]->most = C2S_RANGE_UNKNOWN;
    if (step->out_count == 0 || !step->out[0] || step->out[0]->constant)
        return;
    bool safe;
    float most = estimate(step, &safe);
    if (!is_moderate(most))
        return;
    for (unsigned k = 0; k < step->out_count; k++)
        if (step->out[k] && (k == 0 || step->rule == LARGEST)) /* all parts of Split */
            step->out[k]->most = most;
}
