/* SPDX-License-Identifier: Apache-2.0 */
/* Integer convolutions by themselves: sums that have to be exact, against sums of 64 bits, and what
 * becomes of sums, against the formula. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/memory.h"
#include "base/random.h"
#include "runtime/dnnl_processor.h"
#include "runtime/integer_blocks.h"
#include "runtime/integer_dot.h"
#include "runtime/integer_winograd.h"
#include "runtime/requantize.h"

/* Panels against sums of 64 bits. */
static void panels_are_exact(void **state) {
    (void)state;
    c2s_random random = {3};
    enum { TAPS = 3, PAIRS = 5, LONG = 64, MOST = 20 };
    const c2s_requantize all = {.dtype = C2S_INT32};
    for (int round = 0; round < 200; round++) {
        static int16_t x[MOST * LONG], w[TAPS * PAIRS * C2S_DOT_COLUMNS * 2];
        int64_t limit = c2s_random_integer(&random, 0, 1) ? 255 : 3;
        for (size_t k = 0; k < sizeof x / sizeof *x; k++)
            x[k] = (int16_t)c2s_random_integer(&random, -limit, limit);
        for (size_t k = 0; k < sizeof w / sizeof *w; k++)
            w[k] = (int16_t)c2s_random_integer(&random, -limit, limit);
        const ptrdiff_t tap[TAPS] = {0, 20, 35};
        const size_t rows = (size_t)c2s_random_integer(&random, 1, MOST),
                     columns = (size_t)c2s_random_integer(&random, 1, C2S_DOT_COLUMNS);
        size_t place[MOST];
        int32_t sums[MOST * C2S_DOT_COLUMNS];
        for (size_t r = 0; r < rows; r++)
            place[r] = (size_t)c2s_random_integer(&random, 0, MOST - 1) * LONG;
        c2s_dot_panel(&(c2s_dot){tap, TAPS, PAIRS, .kind = C2S_DOT_WORDS}, x, place, rows, w, &all,
                      0, columns, sums, C2S_DOT_COLUMNS);
        for (size_t r = 0; r < rows; r++)
            for (size_t c = 0; c < columns; c++) {
                int64_t want = 0;
                for (size_t k = 0; k < TAPS * PAIRS * 2; k++)
                    want += (int64_t)x[place[r] + (size_t)tap[k / (2 * PAIRS)] + k % (2 * PAIRS)] *
                            w[(k / 2 * C2S_DOT_COLUMNS + c) * 2 + k % 2];
                assert_int_equal(sums[r * C2S_DOT_COLUMNS + c], want);
            }
    }
}

/* The sum of an output pixel in 64 bits. */
static int64_t sum_of(const c2s_integer_shape *s, const uint8_t *x, bool is_signed, int zero,
                      const c2s_integer_weights *w, size_t image, size_t row, size_t column,
                      size_t output) {
    const size_t inputs = s->inputs / s->groups, group = output / (s->outputs / s->groups);
    int64_t sum = 0;
    for (size_t ky = 0; ky < s->kernel[0]; ky++)
        for (size_t kx = 0; kx < s->kernel[1]; kx++) {
            const size_t iy = row * s->stride[0] + ky * s->dilation[0] - s->pad[0],
                         ix = column * s->stride[1] + kx * s->dilation[1] - s->pad[1];
            if (iy >= s->in[0] || ix >= s->in[1])
                continue;
            const uint8_t *pixel = x + ((image * s->in[0] + iy) * s->in[1] + ix) * s->inputs;
            for (size_t i = 0; i < inputs; i++) {
                const uint8_t code = pixel[group * inputs + i];
                sum += (int64_t)((is_signed ? (int8_t)code : code) - zero) *
                       c2s_integer_weight(w, output, i, ky, kx);
            }
        }
    return sum;
}

/* Convolutions of all kinds against sums of 64 bits; every third of the kind for which there is
 * Winograd's method. Codes are random, or all of them the largest or least. */
static void convolutions_are_exact(void **state) {
    (void)state;
    c2s_random random = {5};
    const c2s_requantize all = {.dtype = C2S_INT32};
    unsigned served = 0, in_bytes = 0, repeating = 0;
    for (int round = 0; round < 300; round++) {
#define PICK(low, high) ((size_t)c2s_random_integer(&random, low, high))
        c2s_integer_shape s = {.batch = PICK(1, 2), .groups = 1};
        const bool winograd = round % 3 == 0;
        s.inputs = winograd ? 16 * PICK(1, 3) : PICK(1, 40);
        s.outputs = winograd ? PICK(16, 40) : PICK(1, 40);
        if (!winograd && PICK(0, 2) == 0)
            s.groups = s.outputs = s.inputs;
        for (int i = 0; i < 2; i++) {
            s.kernel[i] = winograd ? 3 : PICK(1, 4);
            s.stride[i] = winograd ? 1 : PICK(1, 2);
            s.dilation[i] = winograd ? 1 : PICK(1, 2);
            s.pad[i] = PICK(0, (int64_t)s.kernel[i] - 1);
            s.out[i] = winograd ? PICK(11, 19) : PICK(1, 9);
            s.in[i] =
                (s.out[i] - 1) * s.stride[i] + (s.kernel[i] - 1) * s.dilation[i] + 1 - s.pad[i];
            s.in[i] -= s.in[i] > s.pad[i] ? PICK(0, (int64_t)s.pad[i]) : 0;
        }
        const bool is_signed = PICK(0, 1), signed_weights = PICK(0, 1),
                   mostly_small = PICK(0, 1); /* as trained weights are */
        const int extreme = (int)PICK(0, 3), zero = (int)PICK(0, 255) - (is_signed ? 128 : 0);
        const size_t weights = s.outputs * (s.inputs / s.groups) * s.kernel[0] * s.kernel[1],
                     pixels = s.batch * s.in[0] * s.in[1],
                     results = s.batch * s.out[0] * s.out[1] * s.outputs;
        uint8_t *coded = c2s_alloc(weights), *x = c2s_alloc(pixels * s.inputs);
        int32_t *y = c2s_alloc_array(results + C2S_DOT_COLUMNS, sizeof *y), zeros[40];
        for (size_t k = 0; k < weights; k++)
            if (mostly_small)
                coded[k] = (uint8_t)((signed_weights ? 0 : 128) +
                                     (PICK(0, 250) ? c2s_random_integer(&random, -40, 40)
                                                   : c2s_random_integer(&random, -128, 127)));
            else
                coded[k] = (uint8_t)(extreme != 1 ? PICK(0, 255) : signed_weights ? 128u : 255u);
        for (size_t k = 0; k < pixels * s.inputs; k++)
            x[k] = (uint8_t)(extreme == 1 ? 255 : extreme == 2 ? 255 * PICK(0, 1) : PICK(0, 255));
        for (size_t k = 0; k < s.outputs; k++)
            zeros[k] = mostly_small ? signed_weights ? 0 : 128
                                    : (int32_t)PICK(0, 255) - (signed_weights ? 128 : 0);
        const c2s_integer_weights w = {.codes = coded,
                                       .is_signed = signed_weights,
                                       .stride_output =
                                           s.inputs / s.groups * s.kernel[0] * s.kernel[1],
                                       .stride_input = s.kernel[0] * s.kernel[1],
                                       .stride = {s.kernel[1], 1},
                                       .zero = PICK(0, 1) ? zeros : NULL};
        c2s_integer_conv *conv;
        assert_int_equal(c2s_integer_conv_create(&s, &w, &conv), C2S_OK);
        const bool bytes = !conv->winograd && conv->kind == C2S_DOT_BYTES;
        served += conv->winograd != NULL;
        in_bytes += bytes;
        repeating += bytes && conv->repeat[conv->panels * s.groups] > 0;
        const unsigned threads = (unsigned)PICK(1, 2);
        void *work = c2s_try_alloc_aligned(c2s_integer_conv_work(conv, threads));
        assert_non_null(work);
        c2s_integer_conv_run(conv, x, is_signed, zero, &all, y, threads, work);
        for (size_t k = 0; k < results; k++) {
            const size_t o = k % s.outputs, at = k / s.outputs;
            const int64_t want = sum_of(&s, x, is_signed, zero, &w, at / s.out[1] / s.out[0],
                                        at / s.out[1] % s.out[0], at % s.out[1], o);
            if (y[k] != want)
                fail_msg("round %d, result %zu: %d, expected %lld", round, k, y[k],
                         (long long)want);
        }
        c2s_integer_conv_destroy(conv);
        free(work);
        free(coded);
        free(x);
        free(y);
    }
    assert_in_range(served, 60, 100);
    if (c2s_processor_has_avx2()) {
        assert_in_range(in_bytes, 30, 300);
        assert_in_range(repeating, 15, in_bytes);
    }
}

/* What becomes of sums, against the formula in its header, with numbers at the ends of ranges. */
static void codes_are_exact(void **state) {
    (void)state;
    c2s_random random = {4};
    enum { MOST = 7, CHANNELS = 70, ROOM = CHANNELS + C2S_DOT_COLUMNS };
    for (int round = 0; round < 400; round++) {
        static int32_t sums[MOST * C2S_DOT_COLUMNS], bias[ROOM];
        static float factor[ROOM], offset[ROOM];
        static uint8_t out[MOST * CHANNELS];
        const bool is_signed = c2s_random_integer(&random, 0, 1),
                   shifts = c2s_random_integer(&random, 0, 2) == 0;
        const int64_t limit = c2s_random_integer(&random, 0, 1) ? 1 << 30 : 1000;
        const double scale = c2s_random_integer(&random, 0, 2) ? 200.0 / (double)limit : 7;
        const int least = is_signed ? -128 : 0,
                  zero = (int)c2s_random_integer(&random, least, least + 255);
        for (size_t k = 0; k < sizeof sums / sizeof *sums; k++)
            sums[k] = (int32_t)c2s_random_integer(&random, -limit, limit);
        for (size_t k = 0; k < CHANNELS; k++) {
            bias[k] = (int32_t)c2s_random_integer(&random, -limit, limit);
            factor[k] = (float)(scale * c2s_random_uniform(&random));
            offset[k] = shifts ? (float)(100 * c2s_random_uniform(&random)) : 0;
        }
        c2s_requantize q = {.dtype = is_signed ? C2S_INT8 : C2S_UINT8,
                            .bias = bias,
                            .factor = factor,
                            .offset = offset,
                            .zero = zero};
        q.low = (float)c2s_random_integer(&random, least - zero, least - zero + 200);
        q.high = (float)c2s_random_integer(&random, (int64_t)q.low, least - zero + 255);
        c2s_requantize_settle(&q, CHANNELS, 2 * limit);
        const size_t count = (size_t)c2s_random_integer(&random, 1, MOST),
                     columns = (size_t)c2s_random_integer(&random, 1, C2S_DOT_COLUMNS),
                     channel = (size_t)c2s_random_integer(&random, 0, CHANNELS - (int64_t)columns);
        c2s_requantize_rows(&q, sums, count, channel, columns, out, CHANNELS);
        for (size_t r = 0; r < count; r++)
            for (size_t c = 0; c < columns; c++) {
                const size_t at = channel + c;
                volatile float v = (float)(sums[r * C2S_DOT_COLUMNS + c] + bias[at]) * factor[at];
                v = v + offset[at];
                v = rintf(v < q.low ? q.low : v > q.high ? q.high : v);
                assert_int_equal(is_signed ? (int8_t)out[r * CHANNELS + c] : out[r * CHANNELS + c],
                                 (int)v + zero);
            }
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(panels_are_exact),
        cmocka_unit_test(convolutions_are_exact),
        cmocka_unit_test(codes_are_exact),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
