/* SPDX-License-Identifier: Apache-2.0
 *
 * Weights whose sums cannot saturate. Which weights are neighbours is said here once more, by the
 * indices of the tensor; that pairs fit is tried out with the extremes of both activations; and the
 * loss of a pair is held against that of every pair there is.
 */
#include "unit/make_graph.h"

#include "base/random.h"
#include "passes/quant/saturation.h"

enum { ROUNDS = 120, MOST = 4096 };

static int pick(c2s_random *random, int low, int high) {
    return (int)c2s_random_integer(random, low, high);
}

typedef struct trial {
    c2s_model *model;
    c2s_node *node;
    c2s_type type;
    int groups, axis; /* of output channels */
    bool conv, transposed;
    size_t count;
    float *weights, *codes;
    uint8_t least[64], most[64];
    bool limited;
} trial;

static void make_node_of(trial *t, c2s_random *random) {
    const int kind = pick(random, 0, 3), channels = pick(random, 1, 9),
              outputs = pick(random, 1, 7);
    int64_t dim[4];
    t->model = make_model();
    t->groups = 1;
    t->conv = kind < 2;
    t->transposed = kind == 2;
    c2s_value *x;
    if (t->conv) {
        t->groups = pick(random, 1, 2);
        const int64_t dims[] = {outputs * t->groups, channels, pick(random, 1, 3),
                                pick(random, 1, 3)};
        memcpy(dim, dims, sizeof dims);
        t->type = c2s_type_tensor(C2S_FLOAT, 4, dim);
        x = INPUT(t->model, "x", 1, channels * t->groups, 5, 5);
    } else {
        dim[0] = t->transposed ? outputs : channels;
        dim[1] = t->transposed ? channels : outputs;
        t->type = c2s_type_tensor(C2S_FLOAT, 2, dim);
        x = INPUT(t->model, "x", 1, channels);
    }
    t->axis = kind == 3 ? 1 : 0;
    c2s_value *w = make_weight(t->model->graph, "w", C2S_FLOAT, 0, t->type.rank, dim);
    t->node = make_node(t->model->graph, 1,
                        t->conv     ? "Conv"
                        : kind == 2 ? "Gemm"
                                    : "MatMul",
                        x, w, END);
    if (t->groups > 1)
        c2s_attr_set_int(t->node, "group", t->groups);
    if (t->transposed)
        c2s_attr_set_int(t->node, "transB", 1);
    make_infer(t->node);
}

static void make_trial(trial *t, c2s_random *random) {
    *t = (trial){0};
    make_node_of(t, random);
    assert_true(c2s_type_elements(&t->type, &t->count));
    assert_true(t->count <= MOST);
    t->weights = calloc(t->count, sizeof *t->weights);
    t->codes = calloc(t->count, sizeof *t->codes);
    const bool flat = pick(random, 0, 1); /* most weights are large */
    for (size_t i = 0; i < t->count; i++)
        t->weights[i] =
            flat ? (float)(c2s_random_uniform(random) * 2 - 1) : (float)c2s_random_normal(random);
    t->limited = pick(random, 0, 1);
    for (size_t c = 0; c < 64; c++) {
        t->least[c] = (uint8_t)pick(random, 0, 100);
        t->most[c] = (uint8_t)pick(random, 100, 255);
    }
}

static void free_trial(trial *t) {
    free(t->weights);
    free(t->codes);
    c2s_model_destroy(t->model);
}

/* ---- the judge ---- */

/* The weights of an output in the order of a window, and their input channels; -1: a gap, which
 * oneDNN has behind an odd number of channels. */
static size_t window(const trial *t, size_t output, bool gaps, int *place, size_t *channel) {
    size_t n = 0;
    const size_t *d = (const size_t *)t->type.dim;
    if (!t->conv) {
        const size_t terms = t->transposed ? d[1] : d[0];
        for (size_t k = 0; k < terms; k++) {
            place[n] = (int)(t->transposed ? output * terms + k : k * d[1] + output);
            channel[n++] = k;
        }
    } else {
        const size_t group = output / (d[0] / (size_t)t->groups);
        for (size_t y = 0; y < d[2]; y++)
            for (size_t x = 0; x < d[3]; x++) {
                for (size_t c = 0; c < d[1]; c++) {
                    place[n] = (int)(((output * d[1] + c) * d[2] + y) * d[3] + x);
                    channel[n++] = group * d[1] + c;
                }
                if (gaps && d[1] % 2)
                    place[n++] = -1;
            }
    }
    if (n % 2)
        place[n++] = -1;
    return n;
}

static bool can_saturate(const trial *t, int a, size_t ca, int b, size_t cb) {
    for (int corner = 0; corner < 4; corner++) {
        const int x = corner & 1   ? (t->limited ? t->most[ca] : 255)
                      : t->limited ? t->least[ca]
                                   : 0,
                  y = corner & 2   ? (t->limited ? t->most[cb] : 255)
                      : t->limited ? t->least[cb]
                                   : 0;
        const int wa = (int)t->codes[a], wb = (int)t->codes[b];
        if (wa * x + wb * y > 32767 || wa * x + wb * y < -32768)
            return true;
    }
    return false;
}

static size_t saturating_pairs(const trial *t, bool gaps) {
    int place[512];
    size_t channel[512], found = 0;
    const size_t outputs = (size_t)t->type.dim[t->axis];
    for (size_t o = 0; o < outputs; o++) {
        const size_t n = window(t, o, gaps, place, channel);
        for (size_t k = 0; k < n; k += 2)
            if (place[k] >= 0 && place[k + 1] >= 0)
                found += can_saturate(t, place[k], channel[k], place[k + 1], channel[k + 1]);
    }
    return found;
}

/* ---- tests ---- */

static double error_with(const trial *t, const c2s_code_map *map, const c2s_affine *affines) {
    double sum = 0;
    for (size_t i = 0; i < t->count; i++) {
        const double d = (double)t->weights[i] -
                         (double)t->codes[i] * (double)affines[c2s_code_group(map, i)].scale;
        sum += d * d;
    }
    return sum;
}

static void test_mends(void **state) {
    (void)state;
    c2s_random random = {3};
    size_t mended = 0, whole = 0, rescaled = 0, clipped = 0;
    for (int round = 0; round < ROUNDS; round++) {
        trial t;
        make_trial(&t, &random);
        c2s_pair_order order;
        const bool depthwise = t.conv && t.type.dim[1] == 1 && t.type.dim[0] == t.groups;
        assert_int_equal(c2s_pair_order_of(t.node, &t.type, &order), !depthwise);
        if (depthwise) {
            free_trial(&t);
            continue;
        }
        const c2s_coding coding = {.dtype = C2S_INT8,
                                   .axis = round % 3 ? t.axis : -1,
                                   .symmetric = true,
                                   .narrow = round % 2};
        const c2s_code_limits limits = {t.least, t.most}, *given = t.limited ? &limits : NULL;
        c2s_code_map map;
        c2s_affine affines[64];
        double rounding;
        assert_int_equal(c2s_code_map_of(&t.type, &coding, &map), C2S_OK);
        assert_int_equal(c2s_affines_choose(&t.type, t.weights, &coding, affines), C2S_OK);
        assert_int_equal(c2s_codes_round(&t.type, t.weights, &coding, affines, t.codes, &rounding),
                         C2S_OK);
        float *first = memcpy(malloc(t.count * sizeof *first), t.codes, t.count * sizeof *first);
        const size_t before = saturating_pairs(&t, false);
        c2s_affine seven[64]; /* 7 bits: what is always possible */
        memcpy(seven, affines, sizeof seven);
        c2s_saturation_result result;
        const size_t found = c2s_saturation_count(&order, given, t.codes);
        assert_int_equal(c2s_saturation_mend(&order, given, &t.type, &coding, t.weights, t.codes,
                                             affines, &result),
                         C2S_OK);
        assert_int_equal(result.pairs, found);
        assert_true(found >= before);
        assert_int_equal(saturating_pairs(&t, false), 0);
        assert_int_equal(saturating_pairs(&t, true), 0);
        if (found == 0) {
            assert_memory_equal(first, t.codes, t.count * sizeof *first);
            whole++;
        } else {
            const double error = error_with(&t, &map, affines);
            assert_true(fabs(error - result.after) <= 1e-9 * (error + 1));
            assert_true(fabs(rounding - result.before) <= 1e-5 * (rounding + 1));
            for (size_t g = 0; g < map.groups; g++)
                seven[g].scale *= 2;
            for (size_t i = 0; i < t.count; i++)
                t.codes[i] = rintf(t.weights[i] / seven[c2s_code_group(&map, i)].scale);
            assert_true(error <= error_with(&t, &map, seven) * (1 + 1e-6));
            mended++;
        }
        rescaled += result.rescaled;
        clipped += result.clipped;
        free(first);
        free_trial(&t);
    }
    assert_true(mended > ROUNDS / 4 && whole > ROUNDS / 20 && rescaled > 0 && clipped > 0);
}

/* Codes as they are are the targets: of all pairs that fit, the nearest. */
static void test_best_pair(void **state) {
    (void)state;
    c2s_random random = {11};
    c2s_model *model = make_model();
    c2s_value *x = INPUT(model, "x", 1, 2), *w = WEIGHT(model, "w", 2, 1);
    c2s_node *node = make_node(model->graph, 1, "MatMul", x, w, END);
    make_infer(node);
    c2s_pair_order order;
    assert_true(c2s_pair_order_of(node, &w->type, &order));
    for (int round = 0; round < 60; round++) {
        const int a = pick(&random, -128, 127), b = pick(&random, -128, 127);
        const uint8_t least[] = {(uint8_t)pick(&random, 0, 90), (uint8_t)pick(&random, 0, 90)},
                      most[] = {(uint8_t)pick(&random, 150, 255), (uint8_t)pick(&random, 150, 255)};
        const c2s_code_limits limits = {least, most};
        const float importance[] = {(float)pick(&random, 1, 5), (float)pick(&random, 1, 5)};
        const c2s_coding coding = {
            .dtype = C2S_INT8, .axis = -1, .symmetric = true, .importance = importance};
        float codes[] = {(float)a, (float)b};
        c2s_affine affine = {0.5f, 0};
        c2s_saturation_result result;
        assert_int_equal(
            c2s_saturation_mend(&order, &limits, &w->type, &coding, NULL, codes, &affine, &result),
            C2S_OK);
        double best = INFINITY;
        trial t = {.codes = (float[2]){0, 0}, .limited = true};
        memcpy(t.least, least, sizeof least);
        memcpy(t.most, most, sizeof most);
        for (int p = -128; p < 128; p++)
            for (int q = -128; q < 128; q++) {
                t.codes[0] = (float)p;
                t.codes[1] = (float)q;
                if (!can_saturate(&t, 0, 0, 1, 1))
                    best = fmin(best, (double)importance[0] * (p - a) * (p - a) / 4 +
                                          (double)importance[1] * (q - b) * (q - b) / 4);
            }
        t.codes[0] = codes[0];
        t.codes[1] = codes[1];
        assert_false(can_saturate(&t, 0, 0, 1, 1));
        const double da = (double)codes[0] - a, db = (double)codes[1] - b;
        const double error =
            ((double)importance[0] * da * da + (double)importance[1] * db * db) / 4;
        assert_true(fabs(error - best) < 1e-9);
        assert_true(affine.scale == 0.5f);
    }
    c2s_model_destroy(model);
}

static void test_limits(void **state) {
    (void)state;
    c2s_model *model = make_model();
    c2s_value *x = INPUT(model, "x", 1, 4, 3, 3), *w = WEIGHT(model, "w", 2, 2, 1, 1);
    c2s_node *node = make_node(model->graph, 1, "Conv", x, w, END);
    c2s_attr_set_int(node, "group", 2);
    make_infer(node);
    c2s_pair_order order;
    assert_true(c2s_pair_order_of(node, &w->type, &order));
    assert_int_equal(c2s_pair_channels(&order), 4);
    /* A quarter more than was seen; 0, which pads; nothing seen; more than there are codes. */
    float least[] = {-8, 4, INFINITY, -100}, most[] = {16, 8, -INFINITY, 100};
    c2s_channel_stats stats = {.axis = 1, .extent = 4, .min = least, .max = most};
    uint8_t low[4], high[4];
    assert_true(c2s_pair_limits(&order, &stats, 0.5, 100, C2S_UINT8, low, high));
    assert_memory_equal(low, ((uint8_t[]){80, 100, 100, 0}), 4);
    assert_memory_equal(high, ((uint8_t[]){140, 120, 100, 255}), 4);
    /* Signed codes are made unsigned by adding 128. */
    assert_true(c2s_pair_limits(&order, &stats, 0.5, -28, C2S_INT8, low, high));
    assert_memory_equal(high, ((uint8_t[]){140, 120, 100, 255}), 4);
    stats.extent = 3;
    assert_false(c2s_pair_limits(&order, &stats, 0.5, 100, C2S_UINT8, low, high));
    c2s_model_destroy(model);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_mends),
                                       cmocka_unit_test(test_best_pair),
                                       cmocka_unit_test(test_limits)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
