/* SPDX-License-Identifier: Apache-2.0 */
/* Winograd's method against convolution in double: random shapes, borders, operations behind it,
 * and how much it rounds beside a sum in float. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/memory.h"
#include "base/random.h"
#include "runtime/dnnl_processor.h"
#include "runtime/winograd_math.h"

enum { BLOCK = 8, ROUNDS = 60 };

typedef struct trial {
    c2s_random random;
    c2s_winograd w;
    size_t in, out; /* channels */
    float *x, *weights, *bias, *y;
    size_t y_count;
} trial;

static int64_t pick(trial *t, int64_t low, int64_t high) {
    return c2s_random_integer(&t->random, low, high);
}

static float *numbers(trial *t, size_t count) {
    float *data = c2s_alloc_array(count, sizeof *data);
    for (size_t k = 0; k < count; k++)
        data[k] = (float)c2s_random_normal(&t->random);
    return data;
}

static void make_trial(trial *t, uint64_t seed, int square, int64_t most_channels) {
    *t = (trial){.random = {seed}};
    c2s_winograd *w = &t->w;
    int64_t pad_bottom = pick(t, 0, 3), pad_right = pick(t, 0, 3);
    *w = (c2s_winograd){.square = square,
                        .images = (size_t)pick(t, 1, 3),
                        .in_blocks = (size_t)pick(t, 1, most_channels / BLOCK),
                        .out_blocks = (size_t)pick(t, 1, most_channels / BLOCK),
                        .in_height = pick(t, 3, 17),
                        .in_width = pick(t, 3, 17),
                        .pad_top = pick(t, 0, 3),
                        .pad_left = pick(t, 0, 3)};
    w->out_height = w->in_height + w->pad_top + pad_bottom - 2;
    w->out_width = w->in_width + w->pad_left + pad_right - 2;
    t->in = w->in_blocks * BLOCK;
    t->out = w->out_blocks * BLOCK;
    t->x = numbers(t, w->images * t->in * (size_t)(w->in_height * w->in_width));
    t->weights = numbers(t, t->in * t->out * 9);
    t->bias = numbers(t, t->out);
    t->y_count = w->images * t->out * (size_t)(w->out_height * w->out_width);
    t->y = c2s_alloc_array(t->y_count, sizeof *t->y);
}

static void free_trial(trial *t) {
    free(t->x);
    free(t->weights);
    free(t->bias);
    free(t->y);
}

static void run(const trial *t, const c2s_winograd_post *posts, unsigned post_count,
                unsigned threads, float *y) {
    size_t count;
    assert_true(c2s_winograd_weights_size(&t->w, &count));
    float *weights = c2s_alloc_array(count, sizeof *weights);
    float *work = c2s_alloc_array(c2s_winograd_work_size(&t->w) * threads, sizeof *work);
    c2s_winograd_weights(&t->w, t->weights, weights);
    c2s_winograd_run(&t->w, t->x, weights, t->bias, posts, post_count, work, threads, y);
    free(work);
    free(weights);
}

/* Result `at` of the block layout, in double and as a sum in float. */
static double expected(const trial *t, size_t at, float *in_float) {
    const c2s_winograd *w = &t->w;
    size_t lane = at % BLOCK, rest = at / BLOCK;
    int64_t column = (int64_t)(rest % (size_t)w->out_width) - w->pad_left;
    rest /= (size_t)w->out_width;
    int64_t row = (int64_t)(rest % (size_t)w->out_height) - w->pad_top;
    rest /= (size_t)w->out_height;
    size_t o = rest % w->out_blocks * BLOCK + lane, image = rest / w->out_blocks;
    double sum = (double)t->bias[o];
    *in_float = t->bias[o];
    for (size_t i = 0; i < t->in; i++)
        for (int k = 0; k < 9; k++) {
            int64_t y = row + k / 3, x = column + k % 3;
            if (y < 0 || y >= w->in_height || x < 0 || x >= w->in_width)
                continue;
            size_t block = image * w->in_blocks + i / BLOCK;
            float a = t->x[((block * (size_t)w->in_height + (size_t)y) * (size_t)w->in_width +
                            (size_t)x) *
                               BLOCK +
                           i % BLOCK];
            float b = t->weights[(o * t->in + i) * 9 + (size_t)k];
            sum += (double)a * (double)b;
            *in_float += a * b;
        }
    return sum;
}

static double apply(const c2s_winograd_post *post, double y, size_t at, size_t channel) {
    double alpha = (double)post->alpha, beta = (double)post->beta;
    double operand = !post->operand                        ? 0
                     : post->shape == C2S_WINOGRAD_FULL    ? (double)post->operand[at]
                     : post->shape == C2S_WINOGRAD_CHANNEL ? (double)post->operand[channel]
                                                           : (double)*post->operand;
    switch (post->kind) {
    case C2S_WINOGRAD_ADD:
        return y + operand;
    case C2S_WINOGRAD_SUBTRACT:
        return y - operand;
    case C2S_WINOGRAD_MULTIPLY:
        return y * operand;
    case C2S_WINOGRAD_LEAKY:
        return y < 0 ? alpha * y : y;
    case C2S_WINOGRAD_CLIP:
        return fmin(fmax(y, alpha), beta);
    case C2S_WINOGRAD_SIGMOID:
        return 1 / (1 + exp(-y));
    case C2S_WINOGRAD_SWISH:
        return y / (1 + exp(-alpha * y));
    case C2S_WINOGRAD_HARDSWISH:
        return y * fmin(fmax(alpha * y + beta, 0), 1);
    }
    return NAN;
}

static unsigned make_posts(trial *t, c2s_winograd_post *posts, float **owned) {
    unsigned count = (unsigned)pick(t, 0, 3);
    for (unsigned k = 0; k < count; k++) {
        unsigned kind = (unsigned)pick(t, C2S_WINOGRAD_ADD, C2S_WINOGRAD_HARDSWISH);
        memset(&posts[k], 0, sizeof posts[k]);
        posts[k].kind = kind;
        posts[k].alpha = kind == C2S_WINOGRAD_CLIP ? -1 : kind == C2S_WINOGRAD_SWISH ? 1 : 0.2f;
        posts[k].beta = kind == C2S_WINOGRAD_CLIP ? 2 : 0.5f;
        owned[k] = NULL;
        if (kind > C2S_WINOGRAD_MULTIPLY)
            continue;
        posts[k].shape = (unsigned)pick(t, C2S_WINOGRAD_FULL, C2S_WINOGRAD_SCALAR);
        posts[k].operand = owned[k] = numbers(t, t->y_count + t->out);
    }
    return count;
}

static void hold_against_double(uint64_t seed, int square) {
    trial t;
    c2s_winograd_post posts[3];
    float *owned[3], in_float;
    make_trial(&t, seed, square, 40);
    unsigned count = make_posts(&t, posts, owned);
    run(&t, posts, count, 1 + (unsigned)(seed % 2), t.y);
    size_t plane = (size_t)(t.w.out_height * t.w.out_width) * BLOCK;
    double most = 1e-4, worst = 0;
    for (size_t at = 0; at < t.y_count; at++) {
        double want = expected(&t, at, &in_float);
        most = fmax(most, fabs(want)); /* what rounding is relative to, even if it is clipped */
        for (unsigned k = 0; k < count; k++)
            want = apply(&posts[k], want, at, at / plane % t.w.out_blocks * BLOCK + at % BLOCK);
        most = fmax(most, fabs(want));
        worst = fmax(worst, fabs((double)t.y[at] - want));
    }
    if (!(worst <= 1e-5 * most))
        fail_msg("seed %llu, squares of %d: error %g of %g", (unsigned long long)seed, square,
                 worst, most);
    for (unsigned k = 0; k < count; k++)
        free(owned[k]);
    free_trial(&t);
}

static void skip_without_fma(void) {
    if (!c2s_processor_has_fma())
        skip();
}

static void results_are_those_of_double(void **state) {
    (void)state;
    skip_without_fma();
    for (uint64_t seed = 0; seed < ROUNDS; seed++)
        for (int square = 2; square <= 4; square += 2)
            hold_against_double(seed, square);
}

/* Root mean square errors over those of a sum in float in the order of the weights. */
static double error_ratio(int square) {
    double ours = 0, plain = 0;
    for (uint64_t seed = 0; seed < 4; seed++) {
        trial t;
        float in_float;
        make_trial(&t, seed, square, 256);
        run(&t, NULL, 0, 1, t.y);
        for (size_t at = 0; at < t.y_count; at += 13) {
            double want = expected(&t, at, &in_float);
            ours += ((double)t.y[at] - want) * ((double)t.y[at] - want);
            plain += ((double)in_float - want) * ((double)in_float - want);
        }
        free_trial(&t);
    }
    return sqrt(ours / plain);
}

static void rounding_is_moderate(void **state) {
    (void)state;
    skip_without_fma();
    double two = error_ratio(2), four = error_ratio(4);
    if (two > 1 || four > 3)
        fail_msg("errors are %g and %g times those of a plain sum, expected at most 1 and 3", two,
                 four);
}

/* Of the tile that gives result `at`: the sum over channels of its largest input times the sum of
 * the weights, in magnitudes. */
static double tile_measure(const trial *t, size_t at) {
    const c2s_winograd *w = &t->w;
    const int64_t column = (int64_t)(at / BLOCK % (size_t)w->out_width),
                  row = (int64_t)(at / BLOCK / (size_t)w->out_width % (size_t)w->out_height);
    const size_t plane = (size_t)(w->out_height * w->out_width) * BLOCK,
                 o = at / plane % w->out_blocks * BLOCK + at % BLOCK,
                 image = at / plane / w->out_blocks;
    const int64_t top = row / w->square * w->square - w->pad_top,
                  left = column / w->square * w->square - w->pad_left;
    double measure = 0;
    for (size_t i = 0; i < t->in; i++) {
        double largest = 0, weights = 0;
        for (int k = 0; k < 9; k++)
            weights += fabs((double)t->weights[(o * t->in + i) * 9 + (size_t)k]);
        for (int64_t y = top; y < top + w->square + 2; y++)
            for (int64_t x = left; x < left + w->square + 2; x++)
                if (y >= 0 && y < w->in_height && x >= 0 && x < w->in_width) {
                    const size_t block = image * w->in_blocks + i / BLOCK,
                                 pixel = (block * (size_t)w->in_height + (size_t)y) *
                                             (size_t)w->in_width +
                                         (size_t)x;
                    largest = fmax(largest, fabs((double)t->x[pixel * BLOCK + i % BLOCK]));
                }
        measure += largest * weights;
    }
    return measure;
}

/* The bound that stands in winograd_math.h, with inputs of very different size. */
static void errors_stay_within_the_tile(void **state) {
    (void)state;
    skip_without_fma();
    for (uint64_t seed = 0; seed < 20; seed++) {
        trial t;
        float in_float;
        make_trial(&t, seed, seed % 2 ? 2 : 4, 32);
        const size_t count = t.w.images * t.in * (size_t)(t.w.in_height * t.w.in_width);
        for (size_t k = 0; k < count / 500 + 1; k++)
            t.x[pick(&t, 0, (int64_t)count - 1)] *= (float)pow(10, (double)pick(&t, 1, 9));
        run(&t, NULL, 0, 1, t.y);
        for (size_t at = 0; at < t.y_count; at++) {
            const double want = expected(&t, at, &in_float),
                         bound = C2S_WINOGRAD_ERROR(t.w.square, t.in) * tile_measure(&t, at) +
                                 ldexp(fabs(want), -23);
            if (!(fabs((double)t.y[at] - want) <= bound))
                fail_msg("seed %llu, result %zu: error %g, at most %g expected",
                         (unsigned long long)seed, at, fabs((double)t.y[at] - want), bound);
        }
        free_trial(&t);
    }
}

static void threads_give_the_same_bits(void **state) {
    (void)state;
    skip_without_fma();
    for (uint64_t seed = 0; seed < 10; seed++) {
        trial t;
        make_trial(&t, seed, seed % 2 ? 2 : 4, 64);
        float *other = c2s_alloc_array(t.y_count, sizeof *other);
        run(&t, NULL, 0, 1, t.y);
        for (unsigned threads = 2; threads <= 3; threads++) {
            run(&t, NULL, 0, threads, other);
            assert_memory_equal(other, t.y, t.y_count * sizeof *other);
        }
        free(other);
        free_trial(&t);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(results_are_those_of_double),
        cmocka_unit_test(rounding_is_moderate),
        cmocka_unit_test(errors_stay_within_the_tile),
        cmocka_unit_test(threads_give_the_same_bits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
