/* SPDX-License-Identifier: Apache-2.0
 *
 * Rounding by second moments. Errors are recomputed from the codes by the definition.
 */
#include "unit/make_graph.h"

#include "base/random.h"
#include "passes/quant/gptq.h"

/* ---- operators and moments ---- */

enum { MATMUL, GEMM_B, CONV, GROUPED, DEPTHWISE, FORMS };

static c2s_tensor *random_tensor(c2s_dtype dtype, int rank, const int64_t *dim, uint64_t seed) {
    c2s_random random = {seed};
    size_t count = 1;
    for (int k = 0; k < rank; k++)
        count *= (size_t)dim[k];
    double *values = calloc(count + 1, sizeof *values);
    for (size_t i = 0; i < count; i++)
        values[i] = c2s_random_normal(&random) * (i % 29 == 3 ? 0.4 : 0.1);
    c2s_tensor *tensor;
    assert_int_equal(c2s_tensor_from_f64(dtype, rank, dim, values, &tensor), C2S_OK);
    free(values);
    return tensor;
}

static c2s_model *make_form(int form, c2s_linear_site *site) {
    c2s_model *model = make_model();
    static const int64_t dims[FORMS][4] = {
        {40, 24}, {24, 40}, {18, 5, 3, 3}, {12, 7, 2, 2}, {10, 1, 3, 3}};
    const int rank = form < CONV ? 2 : 4;
    c2s_value *x = form < CONV ? INPUT(model, "x", 3, 40)
                               : INPUT(model, "x", 1,
                                       form == CONV      ? 5
                                       : form == GROUPED ? 21
                                                         : 10,
                                       6, 6);
    c2s_value *w =
        c2s_value_constant(model->graph, "w", random_tensor(C2S_FLOAT, rank, dims[form], 9));
    c2s_node *node = NODE(model,
                          form == MATMUL   ? "MatMul"
                          : form == GEMM_B ? "Gemm"
                                           : "Conv",
                          x, w);
    if (form == GEMM_B)
        c2s_attr_set_int(node, "transB", 1);
    if (form >= GROUPED)
        c2s_attr_set_int(node, "group", form == GROUPED ? 3 : 10);
    make_output(make_infer(node), "y");
    assert_null(c2s_linear_site_of(node, site));
    return model;
}

enum { DIAGONAL, CORRELATED, DEFICIENT, DEAD, NOTHING, MOMENTS };

/* x^T x of rows whose variables follow each other (or are independent, or some of them 0). */
static c2s_gram *make_gram(const c2s_linear_site *s, int kind) {
    const size_t k = s->k, rows = kind == DEFICIENT ? k / 2 + 1 : 4 * k + 5;
    c2s_random random = {5};
    c2s_gram *g = c2s_zalloc(sizeof *g);
    *g = (c2s_gram){.groups = s->groups, .k = k, .rows = rows};
    atomic_init(&g->refs, 1);
    g->moment = c2s_zalloc((s->groups * k * k + 1) * sizeof(double));
    g->sum = c2s_zalloc((s->groups * k + 1) * sizeof(double));
    float *x = c2s_alloc_array(rows * k + 1, sizeof *x);
    for (size_t group = 0; group < s->groups && kind != NOTHING; group++) {
        double *moment = g->moment + group * k * k;
        for (size_t i = 0; i < rows * k; i++) {
            x[i] = (float)(c2s_random_normal(&random) * (1 + (double)(i % k % 5)));
            if (kind != DIAGONAL && i % k)
                x[i] += 0.9f * x[i - 1];
            if (kind == DEAD && i % k % 4 == 1)
                x[i] = 0;
        }
        const c2s_samples samples = {x, rows, k, k, false};
        assert_int_equal(c2s_gram_add(&samples, moment), C2S_OK);
        c2s_symmetric_fill(k, moment);
        for (size_t i = 0; i < k * k && kind == DIAGONAL; i++)
            moment[i] = i % (k + 1) ? 0 : moment[i];
    }
    free(x);
    return g;
}

/* Sum over outputs of (w - v)^T G (w - v). */
static double output_error(const c2s_linear_site *s, const c2s_gram *g, const c2s_tensor *weights,
                           const c2s_codes *codes, const c2s_coding *coding) {
    float *v = c2s_alloc_array(weights->count, sizeof *v);
    double *e = c2s_alloc_array(s->k, sizeof *e), sum = 0;
    if (codes)
        assert_int_equal(c2s_codes_decode(codes, coding, v), C2S_OK);
    for (size_t channel = 0; channel < s->groups * s->n; channel++) {
        const size_t group = channel / s->n;
        for (size_t i = 0; i < s->k; i++) {
            const size_t at = group * s->group_step + i * s->k_step + channel % s->n * s->n_step;
            e[i] = c2s_tensor_f64_at(weights, at) - (codes ? (double)v[at] : 0);
        }
        for (size_t i = 0; i < s->k; i++)
            for (size_t j = 0; j < s->k; j++)
                sum += e[i] * g->moment[(group * s->k + i) * s->k + j] * e[j];
    }
    free(v);
    free(e);
    return sum;
}

/* ---- codings ---- */

/* Per tensor, per output channel, in blocks along the sum. */
static c2s_coding coding_of(int form, int granularity, c2s_dtype dtype, bool symmetric) {
    const int channel = form == MATMUL ? 1 : 0;
    c2s_coding coding = {
        .dtype = dtype, .axis = -1, .symmetric = symmetric, .method = C2S_SCALE_MSE};
    if (granularity == 1)
        coding.axis = channel;
    if (granularity == 2) {
        coding.block = form < CONV ? 16 : 4;
        coding.block_axis = 1 - channel;
    }
    return coding;
}

static void same_error(double expected, double found, double scale) {
    if (!(fabs(expected - found) <=
          1e-4 * expected + 1e-8 * scale + 1e-12)) /* products of floats */
        fail_msg("error %g, recomputed %g of %g", found, expected, scale);
}

static void never_worse(void **state) {
    (void)state;
    static const c2s_dtype dtypes[] = {C2S_INT8, C2S_UINT4, C2S_INT4, C2S_UINT2, C2S_FLOAT8E4M3FN};
    for (int form = 0; form < FORMS; form++) {
        c2s_linear_site site;
        c2s_model *model = make_form(form, &site);
        const c2s_tensor *weights = site.weight->constant;
        for (int kind = 0; kind < MOMENTS; kind++) {
            c2s_gram *gram = make_gram(&site, kind);
            const double signal = output_error(&site, gram, weights, NULL, NULL);
            for (int trial = 0; trial < 30; trial++) {
                const c2s_coding coding =
                    coding_of(form, trial / 5 % 3, dtypes[trial % 5], trial >= 15);
                c2s_codes codes;
                c2s_gptq_error error;
                const c2s_gptq_options how = {.damping = 0.01, .sweeps = 8};
                if (c2s_gptq_encode(&site, weights, gram, &coding,
                                    trial % 2 ? &how : &c2s_gptq_usual, &codes, &error) != C2S_OK)
                    fail_msg("%s", c2s_error());
                same_error(signal, error.signal, signal);
                same_error(output_error(&site, gram, weights, &codes, &coding), error.error,
                           signal);
                assert_true(error.error <= error.nearest);
                const bool few =
                    trial % 2 && (dtypes[trial % 5] == C2S_UINT4 || dtypes[trial % 5] == C2S_INT4);
                if (few && (kind == CORRELATED || kind == DEFICIENT))
                    assert_true(error.error < 0.75 * error.nearest);
                c2s_codes_free(&codes);
            }
            c2s_gram_unref(gram);
        }
        c2s_model_destroy(model);
    }
}

/* The rounding without search, and what the search adds to it: never a loss. */
static void search_helps(void **state) {
    (void)state;
    c2s_linear_site site;
    c2s_model *model = make_form(MATMUL, &site);
    c2s_gram *gram = make_gram(&site, CORRELATED);
    const c2s_coding coding = coding_of(MATMUL, 2, C2S_INT4, true);
    const c2s_gptq_options options[3] = {{.damping = 0.01, .keep_scales = true},
                                         {.damping = 0.01, .sweeps = 8, .keep_scales = true},
                                         {.damping = 0.01, .sweeps = 8}};
    double errors[3];
    for (int i = 0; i < 3; i++) {
        c2s_codes codes;
        c2s_gptq_error error;
        assert_int_equal(c2s_gptq_encode(&site, site.weight->constant, gram, &coding, &options[i],
                                         &codes, &error),
                         C2S_OK);
        errors[i] = error.error;
        c2s_codes_free(&codes);
    }
    assert_true(errors[1] < errors[0]);
    assert_true(errors[2] < errors[1]);
    c2s_gram_unref(gram);
    c2s_model_destroy(model);
}

/* Other ways to round: none is worse than the nearest codes; learning as a relaxation gains where
 * inputs follow each other, and doing it again with other scales gains on top of the search. */
static void other_ways(void **state) {
    (void)state;
    static const c2s_gptq_options options[3] = {{.damping = 0.01, .relax = true},
                                                {.damping = 0.01, .sweeps = 8},
                                                {.damping = 0.01, .sweeps = 8, .again = 2}};
    for (int form = 0; form < FORMS; form++) {
        c2s_linear_site site;
        c2s_model *model = make_form(form, &site);
        const c2s_tensor *weights = site.weight->constant;
        c2s_gram *gram = make_gram(&site, CORRELATED);
        /* In blocks, each weight of a depthwise convolution has a scale of its own. */
        for (int granularity = 0; granularity < (form == DEPTHWISE ? 2 : 3); granularity++) {
            const c2s_coding coding = coding_of(form, granularity, C2S_UINT4, false);
            double errors[3], nearest = 0;
            for (int i = 0; i < 3; i++) {
                c2s_codes codes;
                c2s_gptq_error error;
                assert_int_equal(
                    c2s_gptq_encode(&site, weights, gram, &coding, &options[i], &codes, &error),
                    C2S_OK);
                same_error(output_error(&site, gram, weights, &codes, &coding), error.error,
                           error.signal);
                errors[i] = error.error;
                nearest = error.nearest;
                c2s_codes_free(&codes);
            }
            if (!(errors[0] < 0.9 * nearest && errors[2] <= errors[1] * (1 + 1e-6)))
                fail_msg("form %d, granularity %d: nearest %g, relaxed %g, searched %g, again %g",
                         form, granularity, nearest, errors[0], errors[1], errors[2]);
            if (granularity == 2)
                assert_true(errors[2] < 0.93 * errors[1]);
        }
        c2s_gram_unref(gram);
        c2s_model_destroy(model);
    }
}

/* Where no weight can make up for another one, the nearest codes are the best. */
static void diagonal_is_nearest(void **state) {
    (void)state;
    for (int form = 0; form < FORMS; form++)
        for (int kind = 0; kind < 2; kind++) {
            c2s_linear_site site;
            c2s_model *model = make_form(form, &site);
            c2s_gram *gram = make_gram(&site, kind ? NOTHING : DIAGONAL);
            for (int granularity = 0; granularity < 3; granularity++) {
                c2s_coding coding = coding_of(form, granularity, C2S_UINT4, false);
                const c2s_gptq_options options = {
                    .damping = 0.01, .sweeps = 8, .keep_scales = true};
                c2s_codes codes, expected;
                c2s_gptq_error error;
                coding.method = C2S_SCALE_MAX; /* does not depend on moments */
                assert_int_equal(c2s_gptq_encode(&site, site.weight->constant, gram, &coding,
                                                 &options, &codes, &error),
                                 C2S_OK);
                assert_int_equal(c2s_encode(site.weight->constant, &coding, &expected), C2S_OK);
                assert_true(c2s_tensor_equal(codes.codes, expected.codes));
                assert_true(c2s_tensor_equal(codes.scale, expected.scale));
                assert_true(fabs(codes.sqnr_db - expected.sqnr_db) < 1e-3);
                c2s_codes_free(&codes);
                c2s_codes_free(&expected);
            }
            c2s_gram_unref(gram);
            c2s_model_destroy(model);
        }
}

/* Codes that begin within bounds stay within them, and still become better. */
static void pairs_keep_to_16_bits(void **state) {
    (void)state;
    enum { K = 40, N = 24 };
    c2s_linear_site site;
    c2s_model *model = make_form(MATMUL, &site);
    c2s_gram *gram = make_gram(&site, CORRELATED);
    const c2s_coding coding = {.dtype = C2S_INT8, .axis = 1, .symmetric = true};
    size_t partner[2][K];
    uint8_t least[K], most[K];
    for (size_t i = 0; i < K; i++) {
        least[i] = (uint8_t)(i % 3 == 0 ? 20 : 0);
        most[i] = (uint8_t)(i % 5 == 0 ? 90 : 255);
        partner[0][i] = i ^ 1;
        partner[1][i] = i == 0 || i == K - 1 ? SIZE_MAX : i % 2 ? i + 1 : i - 1;
    }
    const c2s_gptq_bounds bounds = {{partner[0], partner[1]}, least, most};
    unsigned beyond[2] = {0};
    for (int bounded = 0; bounded < 2; bounded++) {
        c2s_affine affines[N];
        float *weights, codes[K * N];
        c2s_gptq_error error;
        assert_int_equal(c2s_weights_load(site.weight->constant, &weights), C2S_OK);
        assert_int_equal(
            c2s_affines_choose(&site.weight->constant->type, weights, &coding, affines), C2S_OK);
        for (int i = 0; i < K * N; i++)
            codes[i] = fminf(fmaxf(rintf(weights[i] / affines[i % N].scale), -64), 63);
        const c2s_gptq_options options = {
            .damping = 0.01, .sweeps = 8, .keep_scales = true, .bounds = bounded ? &bounds : NULL};
        assert_int_equal(c2s_gptq_improve(&site, &site.weight->constant->type, weights, gram,
                                          &coding, &options, affines, codes, &error),
                         C2S_OK);
        assert_true(error.error < 0.5 * error.nearest);
        for (size_t i = 0; i < K; i++)
            for (size_t p = 0; p < 2 * N; p++) {
                const size_t other = partner[p / N][i], n = p % N;
                if (other == SIZE_MAX)
                    continue;
                const float a = codes[i * N + n], b = codes[other * N + n];
                const float high = fmaxf(a * least[i], a * most[i]) +
                                   fmaxf(b * least[other], b * most[other]),
                            low = fminf(a * least[i], a * most[i]) +
                                  fminf(b * least[other], b * most[other]);
                beyond[bounded] += high > 32767 || low < -32768;
            }
        free(weights);
    }
    assert_true(beyond[0] > 10);
    assert_int_equal(beyond[1], 0);
    c2s_gram_unref(gram);
    c2s_model_destroy(model);
}

/* A bias will make up for the mean, so that it does not count; noise on the rows does. */
static void means_and_noise_count_as_said(void **state) {
    (void)state;
    c2s_linear_site site;
    c2s_model *model = make_form(MATMUL, &site);
    c2s_gram *gram = make_gram(&site, CORRELATED);
    const size_t k = site.k;
    const c2s_coding coding = coding_of(MATMUL, 1, C2S_INT4, true);
    double errors[2][2];
    /* Of rows x + 7 the moments are those of x and what the mean adds. */
    for (int shifted = 0; shifted < 2; shifted++)
        for (int noisy = 0; noisy < 2; noisy++) {
            const double rows = (double)gram->rows, by = shifted ? 7 : 0;
            c2s_gram other = {.groups = 1, .k = k, .rows = gram->rows};
            other.moment = c2s_alloc_array(k * k, sizeof(double));
            other.sum = c2s_alloc_array(k, sizeof(double));
            for (size_t i = 0; i < k; i++)
                other.sum[i] = by * rows;
            for (size_t i = 0; i < k * k; i++)
                other.moment[i] =
                    gram->moment[i] + by * by * rows + (noisy && i % (k + 1) == 0 ? 3 * rows : 0);
            c2s_codes codes;
            c2s_gptq_error error;
            const c2s_gptq_options options = {.damping = 0.01, .sweeps = 8, .centred = true};
            assert_int_equal(c2s_gptq_encode(&site, site.weight->constant, &other, &coding,
                                             &options, &codes, &error),
                             C2S_OK);
            errors[shifted][noisy] = error.error;
            c2s_codes_free(&codes);
            free(other.moment);
            free(other.sum);
        }
    for (int noisy = 0; noisy < 2; noisy++)
        assert_true(fabs(errors[1][noisy] - errors[0][noisy]) < 0.02 * errors[0][noisy]);
    /* The same by the option. */
    c2s_codes codes;
    c2s_gptq_error error;
    const c2s_gptq_options options = {.damping = 0.01, .sweeps = 8, .centred = true, .noise = 3};
    assert_int_equal(
        c2s_gptq_encode(&site, site.weight->constant, gram, &coding, &options, &codes, &error),
        C2S_OK);
    assert_true(fabs(error.error - errors[0][1]) < 1e-3 * errors[0][1]);
    c2s_codes_free(&codes);
    c2s_gram_unref(gram);
    c2s_model_destroy(model);
}

static void refuses(void **state) {
    (void)state;
    c2s_linear_site site;
    c2s_model *model = make_form(MATMUL, &site);
    c2s_gram *gram = make_gram(&site, CORRELATED);
    const c2s_coding coding = coding_of(MATMUL, 1, C2S_INT4, true);
    c2s_codes codes;
    c2s_gptq_error error;
    gram->moment[7] = NAN;
    assert_int_equal(c2s_gptq_encode(&site, site.weight->constant, gram, &coding, &c2s_gptq_usual,
                                     &codes, &error),
                     C2S_ERR_INVALID);
    assert_null(codes.codes);
    gram->k--;
    assert_int_equal(c2s_gptq_encode(&site, site.weight->constant, gram, &coding, &c2s_gptq_usual,
                                     &codes, &error),
                     C2S_ERR_INVALID);
    c2s_gram_unref(gram);
    c2s_model_destroy(model);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(never_worse),
        cmocka_unit_test(search_helps),
        cmocka_unit_test(other_ways),
        cmocka_unit_test(diagonal_is_nearest),
        cmocka_unit_test(pairs_keep_to_16_bits),
        cmocka_unit_test(means_and_noise_count_as_said),
        cmocka_unit_test(refuses),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
