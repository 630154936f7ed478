/* SPDX-License-Identifier: Apache-2.0
 *
 * Weights to codes. The codes and what they stand for are judged by the operators QuantizeLinear
 * and DequantizeLinear, which ONNX's cases judge.
 */
#include "unit/make_graph.h"

#include "base/random.h"
#include "passes/quant/encode.h"

/* Normal numbers with an outlier now and then, and a row that is zero. */
static c2s_tensor *weights_of(c2s_dtype dtype, int rank, const int64_t *dim, uint64_t seed) {
    c2s_random random = {seed};
    c2s_tensor *tensor;
    size_t count = 1;
    for (int k = 0; k < rank; k++)
        count *= (size_t)dim[k];
    double *values = calloc(count + 1, sizeof *values);
    for (size_t i = 0; i < count; i++)
        values[i] = c2s_random_normal(&random) * (i % 37 == 5 ? 0.5 : 0.1) + 0.02;
    for (size_t i = 0; rank > 1 && dim[0] > 1 && i < count / (size_t)dim[0]; i++)
        values[i] = 0;
    assert_int_equal(c2s_tensor_from_f64(dtype, rank, dim, values, &tensor), C2S_OK);
    free(values);
    return tensor;
}

/* Runs Q of weights, or DQ of codes, as a model. */
static c2s_tensor *apply(const char *type, const c2s_tensor *x, const c2s_codes *codes,
                         const c2s_coding *coding) {
    c2s_model *model = make_model();
    c2s_model_set_opset(model, "", 25);
    c2s_graph *graph = model->graph;
    c2s_node *node =
        NODE(model, type, c2s_value_constant(graph, "x", c2s_tensor_ref(x)),
             c2s_value_constant(graph, "s", c2s_tensor_ref(codes->scale)),
             codes->zero ? c2s_value_constant(graph, "z", c2s_tensor_ref(codes->zero)) : NULL);
    if (coding->block > 0) {
        c2s_attr_set_int(node, "axis", coding->block_axis);
        c2s_attr_set_int(node, "block_size", coding->block);
    } else if (coding->axis >= 0) {
        c2s_attr_set_int(node, "axis", coding->axis);
    }
    if (strcmp(type, "QuantizeLinear") == 0)
        c2s_attr_set_int(node, "output_dtype", coding->dtype);
    if (strcmp(type, "QuantizeLinear") == 0) /* else the quotient is rounded to float16 */
        c2s_attr_set_int(node, "precision", C2S_FLOAT);
    make_output(make_infer(node), "y");
    c2s_tensor *out[1];
    run_model(model, out);
    c2s_model_destroy(model);
    return out[0];
}

static double error_of(const c2s_tensor *weights, const float *decoded, const float *importance) {
    double sum = 0;
    for (size_t i = 0; i < weights->count; i++) {
        const double d = c2s_tensor_f64_at(weights, i) - (double)decoded[i];
        sum += d * d * (importance ? (double)importance[i] : 1);
    }
    return sum;
}

static void check_against_operators(const c2s_tensor *weights, const c2s_coding *coding,
                                    const c2s_codes *codes) {
    c2s_tensor *quantized = apply("QuantizeLinear", weights, codes, coding);
    c2s_tensor *decoded = apply("DequantizeLinear", codes->codes, codes, coding);
    float *own = calloc(weights->count + 1, sizeof *own);
    assert_int_equal(c2s_codes_decode(codes, coding, own), C2S_OK);
    assert_int_equal(codes->codes->type.dtype, coding->dtype);
    const double least =
        c2s_dtype_is_signed(coding->dtype) ? -ldexp(1, (int)c2s_dtype_bits(coding->dtype) - 1) : 0;
    for (size_t i = 0; i < weights->count; i++) {
        const double expected = c2s_tensor_f64_at(quantized, i);
        const double found = c2s_tensor_f64_at(codes->codes, i);
        if (!coding->narrow || !c2s_dtype_is_integer(coding->dtype) || expected != least)
            assert_true(expected == found);
        else
            assert_true(found == least + 1);
        if (weights->type.dtype == C2S_FLOAT)
            assert_true(c2s_tensor_f64_at(decoded, i) == (double)own[i]);
        if (c2s_tensor_f64_at(weights, i) == 0)
            assert_true(own[i] == 0);
    }
    double signal = 0;
    for (size_t i = 0; i < weights->count; i++)
        signal += c2s_tensor_f64_at(weights, i) * c2s_tensor_f64_at(weights, i);
    const double sqnr = 10 * log10(signal / error_of(weights, own, NULL));
    assert_true(fabs(sqnr - codes->sqnr_db) < 0.01 || (isinf(sqnr) && isinf(codes->sqnr_db)));
    free(own);
    c2s_tensor_unref(quantized);
    c2s_tensor_unref(decoded);
}

static const c2s_dtype dtypes[] = {C2S_INT8,         C2S_UINT8,      C2S_INT4,      C2S_UINT4,
                                   C2S_INT2,         C2S_UINT2,      C2S_INT16,     C2S_UINT16,
                                   C2S_FLOAT8E4M3FN, C2S_FLOAT8E5M2, C2S_FLOAT4E2M1};
enum { DTYPES = sizeof dtypes / sizeof *dtypes };
static const struct {
    int axis, block_axis;
    int64_t block;
} granularities[] = {{-1, 0, 0}, {0, 0, 0}, {1, 0, 0}, {2, 0, 0}, {0, 0, 4}, {0, 1, 4}, {0, 2, 3}};
enum { GRANULARITIES = sizeof granularities / sizeof *granularities };

static void matches_operators(void **state) {
    (void)state;
    const int64_t dim[3] = {5, 18, 7};
    static const c2s_dtype types[2] = {C2S_FLOAT, C2S_FLOAT16};
    for (int t = 0; t < 2; t++) {
        c2s_tensor *weights = weights_of(types[t], 3, dim, 1);
        for (unsigned d = 0; d < DTYPES; d++)
            for (unsigned g = 0; g < GRANULARITIES; g++)
                for (int options = 0; options < 8; options++) {
                    c2s_coding coding = {.dtype = dtypes[d],
                                         .axis = granularities[g].axis,
                                         .block = granularities[g].block,
                                         .block_axis = granularities[g].block_axis,
                                         .symmetric = options & 1,
                                         .narrow = (options & 3) == 3,
                                         .method = options & 4 ? C2S_SCALE_MSE : C2S_SCALE_MAX,
                                         .scale_dtype = C2S_UNDEFINED};
                    c2s_codes codes;
                    assert_int_equal(c2s_encode(weights, &coding, &codes), C2S_OK);
                    assert_int_equal(codes.scale->type.dtype, types[t]);
                    check_against_operators(weights, &coding, &codes);
                    c2s_codes_free(&codes);
                }
        c2s_tensor_unref(weights);
    }
}

/* The search never loses against the greatest weight, weighted or not, and wins at few bits. */
static void search_is_better(void **state) {
    (void)state;
    const int64_t dim[2] = {24, 64};
    c2s_tensor *weights = weights_of(C2S_FLOAT, 2, dim, 7);
    float importance[24 * 64], decoded[24 * 64];
    c2s_random random = {3};
    for (unsigned i = 0; i < 24 * 64; i++)
        importance[i] = (float)c2s_random_uniform(&random) * (i % 11 ? 1.0f : 50.0f);
    for (unsigned d = 0; d < DTYPES; d++)
        for (int options = 0; options < 8; options++) {
            c2s_coding coding = {.dtype = dtypes[d],
                                 .axis = options & 4 ? 0 : -1,
                                 .symmetric = options & 1,
                                 .importance = options & 2 ? importance : NULL};
            double error[2];
            for (int method = 0; method < 2; method++) {
                c2s_codes codes;
                coding.method = method ? C2S_SCALE_MSE : C2S_SCALE_MAX;
                assert_int_equal(c2s_encode(weights, &coding, &codes), C2S_OK);
                assert_int_equal(c2s_codes_decode(&codes, &coding, decoded), C2S_OK);
                error[method] = error_of(weights, decoded, coding.importance);
                c2s_codes_free(&codes);
            }
            assert_true(error[1] <= error[0] * 1.0001);
            if (c2s_dtype_is_integer(dtypes[d]) && c2s_dtype_bits(dtypes[d]) == 4)
                assert_true(error[1] < error[0]);
        }
    c2s_tensor_unref(weights);
}

static void packs(void **state) {
    (void)state;
    const double values[5] = {-8, 7, 1, -1, 3};
    const int64_t dim = 5;
    c2s_tensor *weights;
    assert_int_equal(c2s_tensor_from_f64(C2S_FLOAT, 1, &dim, values, &weights), C2S_OK);
    c2s_coding coding = {.dtype = C2S_INT4, .axis = -1};
    c2s_codes codes;
    assert_int_equal(c2s_encode(weights, &coding, &codes), C2S_OK);
    const uint8_t packed[3] = {0x78, 0xf1, 0x03};
    assert_int_equal(c2s_tensor_size(codes.codes), 3);
    assert_memory_equal(c2s_tensor_data(codes.codes), packed, 3);
    assert_true(isinf(codes.sqnr_db));
    assert_null(codes.zero);
    c2s_codes_free(&codes);
    coding.explicit_zero = true;
    assert_int_equal(c2s_encode(weights, &coding, &codes), C2S_OK);
    assert_non_null(codes.zero);
    assert_int_equal(codes.zero->type.dtype, C2S_INT4);
    c2s_codes_free(&codes);
    c2s_tensor_unref(weights);
}

static void encode_values(const double *values, int64_t count, const c2s_coding *coding,
                          c2s_codes *out) {
    c2s_tensor *weights;
    assert_int_equal(c2s_tensor_from_f64(C2S_FLOAT, 1, &count, values, &weights), C2S_OK);
    assert_int_equal(c2s_encode(weights, coding, out), C2S_OK);
    c2s_tensor_unref(weights);
}

static void extremes(void **state) {
    (void)state;
    c2s_codes codes;
    c2s_coding coding = {.dtype = C2S_INT8, .axis = -1, .method = C2S_SCALE_MSE};
    encode_values((const double[]){0, 0, 0}, 3, &coding, &codes);
    assert_true(c2s_tensor_f64_at(codes.scale, 0) == 1 && isinf(codes.sqnr_db));
    c2s_codes_free(&codes);
    encode_values((const double[]){0}, 0, &coding, &codes);
    assert_int_equal(codes.codes->count, 0);
    assert_int_equal(codes.scale->count, 1);
    c2s_codes_free(&codes);
    encode_values((const double[]){3e38, -3e38}, 2, &coding, &codes);
    assert_true(isfinite(c2s_tensor_f64_at(codes.scale, 0)) && codes.sqnr_db > 40);
    c2s_codes_free(&codes);
    encode_values((const double[]){1e-44, 0}, 2, &coding, &codes);
    assert_true(c2s_tensor_f64_at(codes.scale, 0) >= 1e-38);
    c2s_codes_free(&codes);
    coding.scale_dtype = C2S_FLOAT16;
    encode_values((const double[]){1e30, -1}, 2, &coding, &codes);
    assert_true(isfinite(c2s_tensor_f64_at(codes.scale, 0)));
    c2s_codes_free(&codes);
    encode_values((const double[]){1e-12, -1e-12}, 2, &coding, &codes);
    assert_true(c2s_tensor_f64_at(codes.scale, 0) > 0);
    c2s_codes_free(&codes);
}

/* A channel of zeros has the greatest scale of the others. */
static void zero_channel(void **state) {
    (void)state;
    const int64_t dim[2] = {4, 9};
    c2s_tensor *weights = weights_of(C2S_FLOAT, 2, dim, 5);
    c2s_coding coding = {.dtype = C2S_INT8, .axis = 0, .symmetric = true};
    c2s_codes codes;
    assert_int_equal(c2s_encode(weights, &coding, &codes), C2S_OK);
    double most = 0;
    for (unsigned k = 1; k < 4; k++)
        most = fmax(most, c2s_tensor_f64_at(codes.scale, k));
    assert_true(c2s_tensor_f64_at(codes.scale, 0) == most);
    c2s_codes_free(&codes);
    c2s_tensor_unref(weights);
}

static void refuses(void **state) {
    (void)state;
    const int64_t dim = 2;
    const double wrong[2] = {1, NAN}, fine[2] = {1, 2};
    c2s_tensor *nan, *integers, *weights;
    c2s_codes codes;
    c2s_coding coding = {.dtype = C2S_INT8, .axis = -1};
    assert_int_equal(c2s_tensor_from_f64(C2S_FLOAT, 1, &dim, wrong, &nan), C2S_OK);
    assert_int_equal(c2s_tensor_from_f64(C2S_INT32, 1, &dim, fine, &integers), C2S_OK);
    assert_int_equal(c2s_tensor_from_f64(C2S_FLOAT, 1, &dim, fine, &weights), C2S_OK);
    assert_int_equal(c2s_encode(nan, &coding, &codes), C2S_ERR_UNSUPPORTED);
    assert_int_equal(c2s_encode(integers, &coding, &codes), C2S_ERR_UNSUPPORTED);
    coding.axis = 1;
    assert_int_equal(c2s_encode(weights, &coding, &codes), C2S_ERR_INVALID);
    coding = (c2s_coding){.dtype = C2S_INT32, .axis = -1};
    assert_int_equal(c2s_encode(weights, &coding, &codes), C2S_ERR_UNSUPPORTED);
    coding = (c2s_coding){.dtype = C2S_INT8, .axis = -1, .scale_dtype = C2S_INT8};
    assert_int_equal(c2s_encode(weights, &coding, &codes), C2S_ERR_UNSUPPORTED);
    c2s_tensor_unref(nan);
    c2s_tensor_unref(integers);
    c2s_tensor_unref(weights);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(matches_operators),
        cmocka_unit_test(search_is_better),
        cmocka_unit_test(packs),
        cmocka_unit_test(extremes),
        cmocka_unit_test(zero_channel),
        cmocka_unit_test(refuses),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
