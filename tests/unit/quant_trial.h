/* SPDX-License-Identifier: Apache-2.0
 *
 * One node run with operands made to hold the claims of its quantization rule to account.
 */
#ifndef C2S_TESTS_QUANT_TRIAL_H
#define C2S_TESTS_QUANT_TRIAL_H

#include <math.h>

#include "base/random.h"
#include "ops/op.h"
#include "shared.h"

enum { MAX_INPUTS = 16, MAX_OUTPUTS = 16, GRID = 16 };

static c2s_random noise = {.state = 1};

/* ---- one node with operands of our own ---- */

typedef struct trial {
    const c2s_node *node;
    const char *from; /* the case */
    c2s_quant_rule rule;
    const c2s_tensor *stored[MAX_INPUTS]; /* as in the case */
    c2s_tensor *in[MAX_INPUTS];
    c2s_tensor *out[MAX_OUTPUTS];
    double accuracy; /* relative, of the element type */
} trial;

#define FAIL_TRIAL(t, ...)                                                                         \
    do {                                                                                           \
        print_message("%s, node %s: ", (t)->from, (t)->node->type);                                \
        fail_msg(__VA_ARGS__);                                                                     \
    } while (0)

static bool is_float(const c2s_tensor *tensor) {
    return tensor && tensor->type.kind == C2S_KIND_TENSOR && c2s_dtype_is_float(tensor->type.dtype);
}

static bool is_operand(const trial *t, unsigned k) {
    return c2s_quant_has(t->rule.operands, k) && is_float(t->stored[k]);
}

typedef double (*source)(size_t index, const c2s_tensor *stored);

static double grid_point(size_t index, const c2s_tensor *stored) {
    (void)index, (void)stored;
    return 0.375 * (double)(c2s_random_integer(&noise, 0, GRID - 1) - 8);
}
static double normal(size_t index, const c2s_tensor *stored) {
    (void)index, (void)stored;
    return c2s_random_normal(&noise);
}
static double positive(size_t index, const c2s_tensor *stored) {
    (void)index, (void)stored;
    return 0.5 + c2s_random_uniform(&noise);
}
static double extreme(size_t index, const c2s_tensor *stored) {
    static const double values[] = {0,   1e-30, -1e-30, 1,        -1,       40,
                                    -40, 3e4,   -3e4,   INFINITY, -INFINITY};
    (void)stored;
    return index % 3 ? 6 * c2s_random_normal(&noise)
                     : values[c2s_random_integer(&noise, 0, sizeof values / sizeof *values - 1)];
}

static c2s_tensor *made(const c2s_tensor *like, source value) {
    c2s_tensor *tensor;
    double *values = malloc((like->count + 1) * sizeof *values);
    for (size_t i = 0; i < like->count; i++)
        values[i] = value(i, like);
    assert_int_equal(
        c2s_tensor_from_f64(like->type.dtype, like->type.rank, like->type.dim, values, &tensor),
        C2S_OK);
    free(values);
    return tensor;
}

/* The same with element i multiplied by factor(i). */
static c2s_tensor *scaled(const c2s_tensor *from, double factor, size_t inner, int64_t extent,
                          int64_t which) {
    c2s_tensor *tensor;
    double *values = malloc((from->count + 1) * sizeof *values);
    for (size_t i = 0; i < from->count; i++) {
        const bool chosen = which < 0 || (int64_t)(i / inner) % extent == which;
        values[i] = c2s_tensor_f64_at(from, i) * (chosen ? factor : 1);
    }
    assert_int_equal(
        c2s_tensor_from_f64(from->type.dtype, from->type.rank, from->type.dim, values, &tensor),
        C2S_OK);
    free(values);
    return tensor;
}

static void fill(trial *t, source value) {
    t->accuracy = 1e-5;
    for (unsigned k = 0; k < t->node->formal_count; k++) {
        if (is_operand(t, k)) {
            t->in[k] = made(t->stored[k], value);
            if (t->stored[k]->type.dtype != C2S_FLOAT && t->stored[k]->type.dtype != C2S_DOUBLE)
                t->accuracy = 0.02;
        } else {
            t->in[k] = t->stored[k] ? c2s_tensor_ref(t->stored[k]) : NULL;
        }
    }
}

static void release(c2s_tensor **tensors, unsigned count) {
    for (unsigned k = 0; k < count; k++) {
        c2s_tensor_unref(tensors[k]);
        tensors[k] = NULL;
    }
}

static void compute(const trial *t, c2s_tensor **out) {
    if (c2s_node_eval(t->node, (const c2s_tensor *const *)t->in, out, NULL, 1 << 28) != C2S_OK)
        FAIL_TRIAL(t, "%s", c2s_error());
}

static void clear(trial *t) {
    release(t->in, MAX_INPUTS);
    release(t->out, MAX_OUTPUTS);
}

static bool is_result(const trial *t, unsigned k) {
    return c2s_quant_has(t->rule.results, k) && is_float(t->out[k]);
}

/* ---- claims ---- */

/* Is x an element of an operand, or 0? Operands hold GRID different values at most. */
static bool is_element(double x, const double *grid, size_t count) {
    for (size_t i = 0; i < count; i++)
        if (grid[i] == x)
            return true;
    return x == 0;
}

static bool outputs_are_elements(trial *t) {
    double grid[GRID * MAX_INPUTS];
    size_t count = 0;
    fill(t, grid_point);
    for (unsigned k = 0; k < t->node->formal_count; k++)
        for (size_t i = 0; is_operand(t, k) && i < t->in[k]->count; i++) {
            const double x = c2s_tensor_f64_at(t->in[k], i);
            if (!is_element(x, grid, count) && count < sizeof grid / sizeof *grid)
                grid[count++] = x;
        }
    compute(t, t->out);
    bool all = true;
    for (unsigned k = 0; k < t->node->output_count; k++)
        for (size_t i = 0; count && is_result(t, k) && i < t->out[k]->count; i++)
            all &= is_element(c2s_tensor_f64_at(t->out[k], i), grid, count);
    clear(t);
    return all;
}

/* No results: the outputs are no floats, and the same for any scale of the operands. */
static void check_scale_is_free(trial *t) {
    c2s_tensor *again[MAX_OUTPUTS] = {NULL};
    fill(t, grid_point);
    compute(t, t->out);
    for (unsigned k = 0; k < t->node->formal_count; k++)
        if (is_operand(t, k)) {
            c2s_tensor *twice = scaled(t->in[k], 4, 1, 1, -1);
            c2s_tensor_unref(t->in[k]);
            t->in[k] = twice;
        }
    compute(t, again);
    for (unsigned k = 0; k < t->node->output_count; k++) {
        if (is_float(t->out[k]))
            FAIL_TRIAL(t, "output %u is a float, but no result", k);
        if (t->out[k] && !c2s_tensor_equal(t->out[k], again[k]))
            FAIL_TRIAL(t, "output %u depends on the scale", k);
    }
    release(again, MAX_OUTPUTS);
    clear(t);
}

static void bounds_of(const c2s_tensor *x, double *low, double *high) {
    *low = *high = 0;
    for (size_t i = 0; i < x->count; i++) {
        *low = fmin(*low, c2s_tensor_f64_at(x, i));
        *high = fmax(*high, c2s_tensor_f64_at(x, i));
    }
}

static void check_bounds(trial *t, source value) {
    double low = (double)t->rule.low, high = (double)t->rule.high;
    fill(t, value);
    compute(t, t->out);
    if (t->rule.kind == C2S_QUANT_WITHIN)
        bounds_of(t->in[0], &low, &high);
    const double margin = t->accuracy * fmax(1, fmax(-low, high));
    for (unsigned k = 0; k < t->node->output_count; k++)
        for (size_t i = 0; is_result(t, k) && i < t->out[k]->count; i++) {
            const double y = c2s_tensor_f64_at(t->out[k], i);
            if (y < low - margin || y > high + margin)
                FAIL_TRIAL(t, "output %g is not in [%g, %g]", y, low, high);
        }
    clear(t);
}

static void check_clamp(trial *t) {
    fill(t, normal);
    compute(t, t->out);
    for (size_t i = 0; i < t->out[0]->count; i++) {
        const double x = c2s_tensor_f64_at(t->in[0], i), y = c2s_tensor_f64_at(t->out[0], i);
        const double clamped = fmin(fmax(x, (double)t->rule.low), (double)t->rule.high);
        if (fabs(y - clamped) > t->accuracy)
            FAIL_TRIAL(t, "%g became %g, not %g", x, y, clamped);
    }
    clear(t);
}

static bool is_close(const trial *t, double a, double b) {
    return fabs(a - b) <= 20 * t->accuracy * fmax(1, fmax(fabs(a), fabs(b)));
}

/* The trial with weight `slot` multiplied by 2 at one index of an axis: `out`. */
static void compute_with_slice(trial *t, unsigned slot, int axis, int64_t which, c2s_tensor **out) {
    c2s_tensor *whole = t->in[slot];
    size_t inner = 1;
    for (int d = axis + 1; d < whole->type.rank; d++)
        inner *= (size_t)whole->type.dim[d];
    t->in[slot] = scaled(whole, 2, inner, whole->type.dim[axis], which);
    compute(t, out);
    c2s_tensor_unref(t->in[slot]);
    t->in[slot] = whole;
}

/* Every output element depends on one index of the weight axis, to which it is proportional; so an
 * index may have a scale of its own. */
static void check_weight_axis(trial *t, unsigned slot) {
    const int axis = t->rule.weight_axis;
    const int64_t extent = t->in[slot]->type.dim[axis];
    unsigned *doubled = calloc(t->out[0]->count + 1, sizeof *doubled);
    for (int64_t index = 0; index < extent; index++) {
        c2s_tensor *out[MAX_OUTPUTS] = {NULL};
        compute_with_slice(t, slot, axis, index, out);
        for (size_t i = 0; i < t->out[0]->count; i++) {
            const double y = c2s_tensor_f64_at(t->out[0], i), z = c2s_tensor_f64_at(out[0], i);
            if (y != z && !is_close(t, 2 * y, z))
                FAIL_TRIAL(t, "weight[%d] index %d: %g became %g", axis, (int)index, y, z);
            doubled[i] += y != z;
        }
        release(out, MAX_OUTPUTS);
    }
    for (size_t i = 0; i < t->out[0]->count; i++)
        if (doubled[i] != (c2s_tensor_f64_at(t->out[0], i) != 0))
            FAIL_TRIAL(t, "output %zu depends on %u indices of the weight axis", i, doubled[i]);
    free(doubled);
}

/* Every output element depends on every index of the sum axis (all values are positive). */
static void check_sum_axis(trial *t, unsigned slot) {
    const int axis = t->rule.sum_axis;
    for (int64_t index = 0; index < t->in[slot]->type.dim[axis]; index++) {
        c2s_tensor *out[MAX_OUTPUTS] = {NULL};
        compute_with_slice(t, slot, axis, index, out);
        unsigned same = 0, all = 0;
        for (size_t i = 0; i < t->out[0]->count; i++) {
            const double y = c2s_tensor_f64_at(t->out[0], i);
            all += y != 0;
            same += y != 0 && c2s_tensor_f64_at(out[0], i) == y;
        }
        /* ConvTranspose sums over its groups apart: an index of the sum axis is in one group. */
        const int64_t groups =
            t->node->op == &c2s_op_conv_transpose ? c2s_attr_int(t->node, "group", 1) : 1;
        if ((int64_t)(all - same) * groups != all)
            FAIL_TRIAL(t, "index %d of the sum axis reaches %u of %u outputs", (int)index,
                       all - same, all);
        release(out, MAX_OUTPUTS);
    }
}

/* The bias is added once, and has one element per output channel. */
static void check_bias(trial *t, unsigned slot) {
    c2s_tensor *zeros = t->in[slot], *out[MAX_OUTPUTS] = {NULL};
    t->in[slot] = made(zeros, positive);
    compute(t, out);
    const int64_t extent = t->in[1]->type.dim[t->rule.weight_axis];
    if (extent == 0 || zeros->count % (size_t)extent != 0)
        FAIL_TRIAL(t, "%zu biases for %d channels", zeros->count, (int)extent);
    for (size_t i = 0; i < out[0]->count; i++) {
        const double added = c2s_tensor_f64_at(out[0], i) - c2s_tensor_f64_at(t->out[0], i);
        bool found = false;
        for (size_t c = 0; c < zeros->count; c++)
            found |= is_close(t, added, c2s_tensor_f64_at(t->in[slot], c));
        if (!found)
            FAIL_TRIAL(t, "output %zu: %g was added, which is no bias", i, added);
    }
    release(out, MAX_OUTPUTS);
    c2s_tensor_unref(t->in[slot]);
    t->in[slot] = zeros;
}

static void check_linear(trial *t) {
    fill(t, positive);
    for (unsigned k = 2; k < t->node->formal_count; k++) /* what is added is left out here */
        if (is_float(t->in[k]) && (k + 1 == t->rule.bias || k > 1) && t->rule.weights) {
            c2s_tensor *zeros = scaled(t->in[k], 0, 1, 1, -1);
            c2s_tensor_unref(t->in[k]);
            t->in[k] = zeros;
        }
    compute(t, t->out);
    for (unsigned k = 0; k < 2; k++) {
        c2s_tensor *whole = t->in[k], *out[MAX_OUTPUTS] = {NULL};
        t->in[k] = scaled(whole, 2, 1, 1, -1);
        compute(t, out);
        for (size_t i = 0; i < out[0]->count; i++)
            if (!is_close(t, 2 * c2s_tensor_f64_at(t->out[0], i), c2s_tensor_f64_at(out[0], i)))
                FAIL_TRIAL(t, "not linear in operand %u", k);
        release(out, MAX_OUTPUTS);
        c2s_tensor_unref(t->in[k]);
        t->in[k] = whole;
    }
    for (unsigned k = 0; k < t->node->formal_count; k++)
        if (c2s_quant_has(t->rule.weights, k) && t->in[k]) {
            if (t->rule.weight_axis != C2S_QUANT_NO_AXIS)
                check_weight_axis(t, k);
            if (t->rule.sum_axis != C2S_QUANT_NO_AXIS)
                check_sum_axis(t, k);
        }
    const unsigned bias = t->rule.bias;
    if (bias && bias - 1 < t->node->formal_count && t->in[bias - 1])
        check_bias(t, bias - 1);
    clear(t);
}

static void check_no_floats(const trial *t) {
    for (unsigned k = 0; k < t->node->formal_count; k++)
        if (is_float(t->stored[k]))
            FAIL_TRIAL(t, "input %u is a float", k);
    for (unsigned k = 0; k < t->node->output_count; k++)
        if (c2s_dtype_is_float(t->node->outputs[k]->type.dtype))
            FAIL_TRIAL(t, "output %u is a float", k);
}

#endif
