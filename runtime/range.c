/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/range.h"

#include <float.h>
#include <math.h>
#include <string.h>

#include "runtime/layout.h"
#include "runtime/plan.h"
#include "runtime/post_ops.h"
#include "runtime/range_rule.h"

/* Below this, sums and products of an elementwise operation stay finite. */
#define LIMIT 1e37f
/* What rounding may add to anything but a long sum of products. */
#define SHORT_SLACK 1.001f
/* Below this many elements one thread is faster. */
#define PARALLEL_ELEMENTS 65536

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
