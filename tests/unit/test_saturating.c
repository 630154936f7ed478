/* SPDX-License-Identifier: Apache-2.0 */
/* Sums of products in pairs that saturate in 16 bits, against the definition: pair by pair in 64
 * bits, clamped. How the pairs come together is said once more here, from the outside: a list of
 * products per output. ONNX Runtime itself judges the first order (ort.saturation). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/memory.h"
#include "base/random.h"
#include "runtime/integer_conv.h"
#include "runtime/saturating_conv.h"

enum { ROUNDS = 300, MOST_TERMS = 600 };

typedef struct trial {
    c2s_integer_shape shape;
    uint8_t *x; /* codes, channels last */
    int8_t *w;  /* [output, input, y, x] */
    int32_t *zero_w;
    int zero;
    bool is_signed;
} trial;

static int pick(c2s_random *random, int low, int high) {
    return (int)c2s_random_integer(random, low, high);
}

/* Mostly extremes, so that pairs saturate both ways. */
static int code(c2s_random *random, int low, int high) {
    switch (pick(random, 0, 3)) {
    case 0:
        return low;
    case 1:
        return high;
    default:
        return pick(random, low, high);
    }
}

static void make_shape(c2s_random *random, c2s_integer_shape *s) {
    s->batch = (size_t)pick(random, 1, 2);
    s->groups = (size_t)pick(random, 1, 3);
    s->inputs = s->groups * (size_t)pick(random, 1, 9);
    s->outputs = s->groups * (size_t)pick(random, 1, 20);
    s->pairing = pick(random, 0, 1) ? C2S_PAIRS_OF_WINDOW : C2S_PAIRS_OF_TAPS;
    for (int i = 0; i < 2; i++) {
        s->kernel[i] = (size_t)pick(random, 1, 3);
        s->stride[i] = (size_t)pick(random, 1, 2);
        s->dilation[i] = (size_t)pick(random, 1, 2);
        s->pad[i] = (size_t)pick(random, 0, 1);
        s->out[i] = (size_t)pick(random, 1, 7);
        const size_t reach =
            (s->out[i] - 1) * s->stride[i] + (s->kernel[i] - 1) * s->dilation[i] + 1;
        s->in[i] = reach > 2 * s->pad[i] ? reach - s->pad[i] : reach;
    }
}

static void make_trial(c2s_random *random, trial *t) {
    *t = (trial){.is_signed = pick(random, 0, 3) == 0};
    c2s_integer_shape *s = &t->shape;
    make_shape(random, s);
    const size_t pixels = s->batch * s->in[0] * s->in[1] * s->inputs,
                 weights = s->outputs * (s->inputs / s->groups) * s->kernel[0] * s->kernel[1];
    t->zero = t->is_signed ? pick(random, -128, 127) : pick(random, 0, 255);
    t->x = c2s_alloc_array(pixels, 1);
    t->w = c2s_alloc_array(weights, 1);
    t->zero_w = c2s_alloc_array(s->outputs, sizeof *t->zero_w);
    for (size_t i = 0; i < pixels; i++)
        t->x[i] = (uint8_t)(t->is_signed ? code(random, -128, 127) : code(random, 0, 255));
    for (size_t i = 0; i < weights; i++)
        t->w[i] = (int8_t)code(random, -128, 127);
    const bool zeros = pick(random, 0, 1);
    for (size_t i = 0; i < s->outputs; i++)
        t->zero_w[i] = zeros ? pick(random, -5, 5) : 0;
}

static void free_trial(trial *t) {
    free(t->x);
    free(t->w);
    free(t->zero_w);
}

/* The unsigned code that a window sees at channel `c` of its group. */
static int seen(const trial *t, size_t image, size_t group, size_t oy, size_t ox, size_t ky,
                size_t kx, size_t c) {
    const c2s_integer_shape *s = &t->shape;
    const int shift = t->is_signed ? 128 : 0;
    const long y = (long)(oy * s->stride[0] + ky * s->dilation[0]) - (long)s->pad[0],
               x = (long)(ox * s->stride[1] + kx * s->dilation[1]) - (long)s->pad[1];
    if (y < 0 || x < 0 || y >= (long)s->in[0] || x >= (long)s->in[1])
        return t->zero + shift;
    const uint8_t *at = t->x + ((image * s->in[0] + (size_t)y) * s->in[1] + (size_t)x) * s->inputs +
                        group * (s->inputs / s->groups) + c;
    return t->is_signed ? (int8_t)*at + 128 : *at;
}

/* Sets *exact, too: what the sum is without saturation. */
static int64_t expected(const trial *t, size_t image, size_t oy, size_t ox, size_t output,
                        int64_t *exact) {
    const c2s_integer_shape *s = &t->shape;
    const size_t channels = s->inputs / s->groups, group = output / (s->outputs / s->groups);
    const int zero = t->zero + (t->is_signed ? 128 : 0), zero_w = t->zero_w[output];
    int64_t product[MOST_TERMS], terms = 0, correction = 0, sum = 0;
    *exact = 0;
    for (size_t ky = 0; ky < s->kernel[0]; ky++)
        for (size_t kx = 0; kx < s->kernel[1]; kx++) {
            for (size_t c = 0; c < channels; c++) {
                const int
                    x = seen(t, image, group, oy, ox, ky, kx, c),
                    w = t->w[((output * channels + c) * s->kernel[0] + ky) * s->kernel[1] + kx];
                product[terms++] = x * w;
                correction += (x - zero) * (w - zero_w) - x * w;
                *exact += (x - zero) * (w - zero_w);
            }
            if (s->pairing == C2S_PAIRS_OF_TAPS && channels % 2)
                product[terms++] = 0;
        }
    for (int64_t k = 0; k < terms; k += 2) {
        const int64_t pair = product[k] + (k + 1 < terms ? product[k + 1] : 0);
        sum += pair > 32767 ? 32767 : pair < -32768 ? -32768 : pair;
    }
    return sum + correction;
}

static size_t check_outputs(const trial *t, const int32_t *out, int64_t gain) {
    const c2s_integer_shape *s = &t->shape;
    size_t saturated = 0;
    for (size_t i = 0; i < s->batch; i++)
        for (size_t y = 0; y < s->out[0]; y++)
            for (size_t x = 0; x < s->out[1]; x++)
                for (size_t o = 0; o < s->outputs; o++) {
                    int64_t exact;
                    const int64_t sum = expected(t, i, y, x, o, &exact);
                    assert_int_equal(*out++, sum);
                    assert_true(llabs(sum) <= gain * 255);
                    saturated += sum != exact;
                }
    return saturated;
}

static void test_definition(void **state) {
    (void)state;
    c2s_random random = {7};
    size_t saturated = 0, depthwise = 0;
    for (int round = 0; round < ROUNDS; round++) {
        trial t;
        make_trial(&random, &t);
        const c2s_integer_shape *s = &t.shape;
        const size_t taps = s->kernel[0] * s->kernel[1];
        const c2s_integer_weights w = {.codes = t.w,
                                       .is_signed = true,
                                       .stride_output = s->inputs / s->groups * taps,
                                       .stride_input = taps,
                                       .stride = {s->kernel[1], 1},
                                       .zero = t.zero_w};
        if (!c2s_saturating_conv_serves(s, &w)) {
            depthwise++;
            free_trial(&t);
            continue;
        }
        c2s_integer_conv *conv;
        assert_int_equal(c2s_integer_conv_create(s, &w, &conv), C2S_OK);
        void *work = c2s_alloc(c2s_integer_conv_work(conv, 1));
        int32_t *out = c2s_alloc_array(s->batch * s->out[0] * s->out[1] * s->outputs, sizeof *out);
        const c2s_requantize sums = {.dtype = C2S_INT32};
        c2s_integer_conv_run(conv, t.x, t.is_signed, t.zero, &sums, out, 1, work);
        saturated += check_outputs(&t, out, c2s_integer_conv_gain(conv));
        c2s_integer_conv_destroy(conv);
        free(work);
        free(out);
        free_trial(&t);
    }
    assert_true(saturated > 1000);
    assert_true(depthwise > 0 && depthwise < ROUNDS / 2);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_definition)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
