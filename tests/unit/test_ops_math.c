/* SPDX-License-Identifier: Apache-2.0
 *
 * Pointwise operators, conversions, reductions, matrix products, normalisations: edge values
 * derived by hand, and the fast loops against plain enumeration. ONNX's own cases cover the rest
 * (test_onnx_cases).
 */
#include <math.h>
#include <string.h>

#include "shared.h"

#include "eval/evaluator.h"
#include "io/text.h"
#include "ops/broadcast.h"
#include "ops/einsum.h"
#include "ops/gemm.h"
#include "ops/reduce.h"

#define D(...)     ((const double[]){__VA_ARGS__})
#define COUNT(...) (sizeof D(__VA_ARGS__) / sizeof(double))

static c2s_model *read_model(const char *result, const char *weights, const char *body,
                             const char *inputs) {
    char text[2048];
    const int length =
        snprintf(text, sizeof text,
                 "<ir_version: 13, opset_import: [\"\" : 26]>\nt (%s) => (%s)\n<%s>\n{ %s }\n",
                 inputs, result, weights, body);
    assert_in_range(length, 1, sizeof text - 1);
    c2s_model *model;
    if (c2s_text_read(text, (size_t)length, "test", &model) != C2S_OK)
        fail_msg("%s in %s", c2s_error(), text);
    return model;
}

static c2s_status run(c2s_model *model, c2s_tensor **out) {
    const c2s_eval_options options = {.threads = 1};
    c2s_session *session = NULL;
    c2s_status status = c2s_graph_infer(model->graph);
    if (status == C2S_OK)
        status = c2s_evaluator_reference.open(model->graph, &options, &session);
    if (status == C2S_OK)
        status = c2s_evaluator_reference.run(session, NULL, out);
    c2s_evaluator_reference.close(session);
    return status;
}

static void expect(const char *result, const char *weights, const char *body, const double *want,
                   size_t count) {
    c2s_model *model = read_model(result, weights, body, "");
    c2s_tensor *out[4] = {NULL};
    if (run(model, out) != C2S_OK)
        fail_msg("%s: %s", body, c2s_error());
    if (out[0]->count != count)
        fail_msg("%s: %zu elements, expected %zu", body, out[0]->count, count);
    for (size_t k = 0; k < count; k++) {
        const double got = c2s_tensor_f64_at(out[0], k);
        if (!(isnan(want[k]) ? isnan(got)
                             : got == want[k] || fabs(got - want[k]) <= 1e-6 * fabs(want[k])))
            fail_msg("%s: element %zu is %.17g, expected %.17g", body, k, got, want[k]);
        if (want[k] == 0 && signbit(want[k]))
            assert_true(signbit(got));
    }
    for (unsigned k = 0; k < 4; k++)
        c2s_tensor_unref(out[k]);
    c2s_model_destroy(model);
}
#define EXPECT(result, weights, body, ...)                                                         \
    expect(result, weights, body, D(__VA_ARGS__), COUNT(__VA_ARGS__))

static void expect_failure(const char *result, const char *weights, const char *body,
                           const char *part) {
    c2s_model *model = read_model(result, weights, body, "");
    c2s_tensor *out[4] = {NULL};
    assert_int_not_equal(run(model, out), C2S_OK);
    if (!strstr(c2s_error(), part))
        fail_msg("%s: \"%s\" does not say \"%s\"", body, c2s_error(), part);
    c2s_model_destroy(model);
}

/* ---- integers ---- */

static void integer_division(void **state) {
    (void)state;
    EXPECT("int32[6] y",
           "int32[6] a = {7, -7, 7, -7, 5, -2147483648}, int32[6] b = {2, 2, -2, -2, 0, -1}",
           "y = Div (a, b)", 3, -3, -3, 3, 0, -2147483648.0);
    EXPECT("int8[3] y", "int8[3] a = {-128, 100, -100}, int8[3] b = {-1, 0, 3}", "y = Div (a, b)",
           -128, 0, -33);
    EXPECT("uint64[2] y", "uint64[2] a = {18446744073709551615, 8}, uint64[2] b = {2, 0}",
           "y = Div (a, b)", 9223372036854775807.0, 0);
    EXPECT("int32[5] y", "int32[5] a = {7, -7, 7, -7, 5}, int32[5] b = {3, 3, -3, -3, 0}",
           "y = Mod (a, b)", 1, 2, -2, -1, 0);
    EXPECT("int32[5] y", "int32[5] a = {7, -7, 7, -7, 5}, int32[5] b = {3, 3, -3, -3, 0}",
           "y = Mod <fmod = 1> (a, b)", 1, -1, 1, -1, 0);
}

static void integers_wrap_around(void **state) {
    (void)state;
    EXPECT("uint8[2] y", "uint8[2] a = {250, 3}, uint8[2] b = {10, 5}", "y = Add (a, b)", 4, 8);
    EXPECT("uint8[2] y", "uint8[2] a = {250, 3}, uint8[2] b = {10, 5}", "y = Sub (a, b)", 240, 254);
    EXPECT("int8[2] y", "int8[2] a = {100, -128}, int8[2] b = {2, -1}", "y = Mul (a, b)", -56,
           -128);
    EXPECT("int8[2] y", "int8[2] a = {-128, 5}", "y = Abs (a)", -128, 5);
    EXPECT("int8[2] y", "int8[2] a = {-128, 5}", "y = Neg (a)", -128, -5);
    EXPECT("int32[4] y", "int32[4] a = {3, -2, 2, -1}, int32[4] b = {4, 3, -1, -3}",
           "y = Pow (a, b)", 81, -8, 0, -1);
    EXPECT("uint16[3] y", "uint16[3] a = {1, 40000, 3}, uint16[3] b = {15, 1, 16}",
           "y = BitShift <direction = \"LEFT\"> (a, b)", 32768, 14464, 0);
    EXPECT("int16[2] y", "int16[2] a = {5, -1}", "y = BitwiseNot (a)", -6, 0);
}

/* ---- floats ---- */

static void special_values(void **state) {
    (void)state;
    const char *a = "float[4] a = {nan, 1, -inf, -0.0}, float[4] b = {1, nan, 2, 0.0}";
    EXPECT("float[4] y", a, "y = Max (a, b)", NAN, NAN, 2, 0);
    EXPECT("float[4] y", a, "y = Min (a, b)", NAN, NAN, -INFINITY, 0);
    EXPECT("float[4] y", a, "y = Relu (a)", NAN, 1, 0, -0.0);
    EXPECT("float[4] y", a, "y = Sign (a)", NAN, 1, -1, 0);
    EXPECT("bool[4] y", a, "y = IsNaN (a)", 1, 0, 0, 0);
    EXPECT("bool[4] y", a, "y = IsInf (a)", 0, 0, 1, 0);
    EXPECT("bool[4] y", a, "y = IsInf <detect_negative = 0> (a)", 0, 0, 0, 0);
}

static void rounding(void **state) {
    (void)state;
    EXPECT("float[6] y", "float[6] a = {0.5, 1.5, 2.5, -0.5, -1.5, 2.4}", "y = Round (a)", 0, 2, 2,
           -0.0, -2, 2);
    /* 1 + 2^-11 lies between 1 and the next float16: each sum is rounded to even */
    EXPECT("float16[2] y", "float16[2] a = {1, 1}, float16[2] b = {0.00048828125, 0.00146484375}",
           "y = Add (a, b)", 1, 1.001953125);
    EXPECT("float[3] y", "float[3] a = {-80, 0, 100}", "y = Sigmoid (a)", 1.8048513878e-35, 0.5, 1);
    EXPECT("float[3] y", "float[3] a = {-200, 0, 200}", "y = Softplus (a)", 0, 0.69314718056, 200);
}

static void clip_bounds(void **state) {
    (void)state;
    EXPECT("int8[3] y", "int8[3] x = {-100, 0, 100}, int8 lo = {-5}, int8 hi = {7}",
           "y = Clip (x, lo, hi)", -5, 0, 7);
    EXPECT("float[2] y", "float[2] x = {1, 9}, float lo = {5}, float hi = {3}",
           "y = Clip (x, lo, hi)", 3, 3);
    EXPECT("uint64[2] y", "uint64[2] x = {1, 18446744073709551615}, uint64 hi = {9}",
           "y = Clip (x, \"\", hi)", 1, 9);
    expect_failure("float[2] y", "float[2] x = {1, 9}, float[2] lo = {5, 6}", "y = Clip (x, lo)",
                   "2 elements, expected 1");
}

static void mixed_types_are_refused(void **state) {
    (void)state;
    expect_failure("float[1] y", "float[1] a = {1}, int32[1] b = {1}", "y = Add (a, b)",
                   "input 1 of type int32");
    expect_failure("float[2] y", "float[2] a = {1, 2}, float[3] b = {1, 2, 3}", "y = Add (a, b)",
                   "do not broadcast");
    expect_failure("bool[1] y", "float[1] a = {1}, bool[1] b = {1}", "y = And (b, a)",
                   "expected bool");
}

/* ---- conversion ---- */

static void casts(void **state) {
    (void)state;
    EXPECT("int32[4] y", "float[4] x = {1.9, -1.9, 0.5, 300}", "y = Cast <to = 6> (x)", 1, -1, 0,
           300);
    EXPECT("uint8[2] y", "int32[2] x = {300, -1}", "y = Cast <to = 2> (x)", 44, 255);
    EXPECT("bool[3] y", "float[3] x = {0.25, 0, nan}", "y = Cast <to = 9> (x)", 1, 0, 1);
    EXPECT("float[1] y", "uint64[1] x = {18446744073709551615}", "y = Cast <to = 1> (x)", 0x1p64);
    /* 2^24 + 1 is no float; the tie goes to the even neighbour, directly from the integer */
    EXPECT("float[2] y", "int64[2] x = {16777217, 16777219}", "y = Cast <to = 1> (x)", 16777216,
           16777220);
    EXPECT("float[4] y", "string[4] x = {\"1.5\", \"-INF\", \"nan\", \" 1e3 \"}",
           "y = Cast <to = 1> (x)", 1.5, -INFINITY, NAN, 1000);
    EXPECT("int64[2] y", "string[2] x = {\"9223372036854775807\", \"-12\"}",
           "y = Cast <to = 7> (x)", 9223372036854775807.0, -12);
    EXPECT("float[4] y", "float[4] x = {0.1, -3.5, 1e-7, inf}",
           "s = Cast <to = 8> (x) y = Cast <to = 1> (s)", 0.1f, -3.5, 1e-7f, INFINITY);
    expect_failure("float[1] y", "string[1] x = {\"one\"}", "y = Cast <to = 1> (x)",
                   "\"one\" is not a number");
    expect_failure("float[1] y", "string[1] x = {\"0x10\"}", "y = Cast <to = 1> (x)", "0x10");
}

static void number_text(void **state) {
    (void)state;
    static const char *const want[] = {"0.1", "1e+20", "NaN", "-INF", "3"};
    c2s_model *model = read_model("string[5] y", "float[5] x = {0.1, 1e20, nan, -inf, 3}",
                                  "y = Cast <to = 8> (x)", "");
    c2s_tensor *out[1] = {NULL};
    assert_int_equal(run(model, out), C2S_OK);
    for (size_t k = 0; k < 5; k++) {
        const c2s_string *s = (const c2s_string *)c2s_tensor_data(out[0]) + k;
        assert_int_equal(s->size, strlen(want[k]));
        assert_memory_equal(s->data, want[k], s->size);
    }
    c2s_tensor_unref(out[0]);
    c2s_model_destroy(model);
}

static void where_moves_anything(void **state) {
    (void)state;
    EXPECT("float[2,2] y", "bool[2,1] c = {1, 0}, float[2] a = {1, 2}, float b = {nan}",
           "y = Where (c, a, b)", 1, 2, NAN, NAN);
    EXPECT("int64[2] y", "bool[2] c = {1, 0}, string[2] a = {\"5\", \"6\"}, string b = {\"-7\"}",
           "s = Where (c, a, b) y = Cast <to = 7> (s)", 5, -7);
    EXPECT("bool[2] y", "string[2] a = {\"ab\", \"a\"}, string[1] b = {\"a\"}", "y = Equal (a, b)",
           0, 1);
}

/* ---- against plain enumeration ---- */

static uint64_t seed = 1;
static size_t below(size_t bound) {
    seed = seed * 6364136223846793005u + 1442695040888963407u;
    return (size_t)(seed >> 33) % bound;
}

static c2s_tensor *random_tensor(c2s_dtype dtype, int rank, const int64_t *dim) {
    size_t count = 1;
    for (int d = 0; d < rank; d++)
        count *= (size_t)dim[d];
    double *values = calloc(count + 1, sizeof *values);
    for (size_t k = 0; k < count; k++)
        values[k] = (double)below(41) - 20;
    c2s_tensor *tensor;
    assert_int_equal(c2s_tensor_from_f64(dtype, rank, dim, values, &tensor), C2S_OK);
    free(values);
    return tensor;
}

/* Linear index of the operand that an output index reads. */
static size_t source(const c2s_type *out, const c2s_type *operand, size_t at) {
    size_t index = 0, step = 1;
    for (int d = 1; d <= out->rank; d++) {
        const size_t k = at % (size_t)out->dim[out->rank - d];
        at /= (size_t)out->dim[out->rank - d];
        if (d > operand->rank)
            continue;
        const size_t n = (size_t)operand->dim[operand->rank - d];
        index += (n == 1 ? 0 : k) * step;
        step *= n;
    }
    return index;
}

static void broadcasting(void **state) {
    (void)state;
    static const c2s_dtype dtypes[] = {C2S_FLOAT, C2S_INT8, C2S_FLOAT16, C2S_INT4, C2S_DOUBLE};
    for (int round = 0; round < 400; round++) {
        const int rank = (int)below(5), own = (int)below((size_t)rank + 1);
        const c2s_dtype dtype = dtypes[below(5)];
        int64_t dim[5], small[5];
        for (int d = 0; d < rank; d++)
            dim[d] = (int64_t)below(4) + 1;
        for (int d = 0; d < own; d++)
            small[d] = below(2) ? 1 : dim[rank - own + d];
        c2s_tensor *operand = random_tensor(dtype, own, small);
        const c2s_type out = c2s_type_tensor(dtype, rank, dim);
        size_t count;
        assert_true(c2s_type_elements(&out, &count));
        c2s_broadcast walk;
        c2s_broadcast_init(&walk, &out, &operand->type);
        double buffer[256];
        const size_t start = below(count);
        const double *got =
            c2s_broadcast_load(&walk, C2S_WIDE_F64, operand, start, count - start, buffer);
        for (size_t k = start; k < count; k++)
            assert_true(got[k - start] ==
                        c2s_tensor_f64_at(operand, source(&out, &operand->type, k)));
        c2s_tensor_unref(operand);
    }
}

static void reductions(void **state) {
    (void)state;
    for (int round = 0; round < 400; round++) {
        const int rank = (int)below(5);
        int64_t dim[5];
        for (int d = 0; d < rank; d++)
            dim[d] = (int64_t)below(round % 10 == 0 ? 40 : 5) + (below(20) != 0);
        c2s_tensor *x = random_tensor(C2S_FLOAT, rank, dim);
        const uint32_t axes = (uint32_t)below((size_t)1 << rank);
        c2s_type kept = x->type;
        for (int d = 0; d < rank; d++)
            if (axes >> d & 1)
                kept.dim[d] = 1;
        size_t folded, results;
        c2s_reduce_counts(&x->type, axes, &folded, &results);
        double *got = calloc(results + 1, sizeof *got), *want = calloc(results + 1, sizeof *want);
        for (size_t k = 0; k < results; k++)
            want[k] = -INFINITY;
        for (size_t k = 0; k < x->count; k++) {
            double *to = &want[source(&x->type, &kept, k)];
            *to = fmax(*to, c2s_tensor_f64_at(x, k));
        }
        assert_int_equal(c2s_reduce(C2S_FOLD_MAX, C2S_WIDE_F64, x, axes, NULL, got), C2S_OK);
        assert_memory_equal(got, want, results * sizeof *got);
        memset(want, 0, results * sizeof *want);
        for (size_t k = 0; k < x->count; k++) {
            const double value = c2s_tensor_f64_at(x, k);
            want[source(&x->type, &kept, k)] += value * value;
        }
        assert_int_equal(c2s_reduce(C2S_FOLD_SUM_SQUARE, C2S_WIDE_F64, x, axes, NULL, got), C2S_OK);
        assert_memory_equal(got, want, results * sizeof *got); /* sums of integers: exact */
        free(got);
        free(want);
        c2s_tensor_unref(x);
    }
}

static void matrix_products(void **state) {
    (void)state;
    for (int round = 0; round < 60; round++) {
        const size_t large = round % 6 == 0 ? 300 : 12;
        const size_t m = below(large) + 1, n = below(large) + 1, k = below(large);
        const c2s_gemm g = c2s_gemm_of(m, n, k, (int)below(2), (int)below(2));
        float *a = calloc(m * k + 1, sizeof *a), *b = calloc(k * n + 1, sizeof *b);
        float *c = calloc(m * n, sizeof *c);
        for (size_t i = 0; i < m * k; i++)
            a[i] = (float)below(9) - 4;
        for (size_t i = 0; i < k * n; i++)
            b[i] = (float)below(9) - 4;
        c2s_gemm_f32(&g, a, b, c);
        for (size_t i = 0; i < m; i++)
            for (size_t j = 0; j < n; j++) {
                float sum = 0;
                for (size_t p = 0; p < k; p++)
                    sum += a[i * g.a_row + p * g.a_column] * b[p * g.b_row + j * g.b_column];
                assert_true(c[i * n + j] == sum); /* small integers: exact */
            }
        free(a);
        free(b);
        free(c);
    }
}

static void einsum_against(const char *equation, unsigned operands, const char *const *dims) {
    c2s_tensor *in[3];
    const c2s_type *type[3];
    const void *data[3];
    int rank[3];
    int64_t extent[C2S_EINSUM_LABELS];
    c2s_einsum e;
    for (unsigned k = 0; k < operands; k++) {
        int64_t dim[8];
        rank[k] = (int)strlen(dims[k]);
        for (int d = 0; d < rank[k]; d++)
            dim[d] = dims[k][d] - '0';
        in[k] = random_tensor(C2S_DOUBLE, rank[k], dim);
        type[k] = &in[k]->type;
        data[k] = c2s_tensor_data(in[k]);
    }
    assert_int_equal(c2s_einsum_parse(equation, rank, operands, &e), C2S_OK);
    size_t total = 1, results = 1;
    for (int l = 0; l < C2S_EINSUM_LABELS; l++)
        extent[l] = 1;
    for (unsigned k = 0; k < operands; k++)
        for (int d = 0; d < e.in[k].count; d++)
            if (type[k]->dim[d] != 1)
                extent[e.in[k].label[d]] = type[k]->dim[d];
    for (int l = 0; l < C2S_EINSUM_LABELS; l++)
        total *= (size_t)extent[l];
    for (int d = 0; d < e.out.count; d++)
        results *= (size_t)extent[e.out.label[d]];
    double *got = calloc(results, sizeof *got), *want = calloc(results, sizeof *want);
    for (size_t at = 0; at < total; at++) { /* every combination of indices */
        size_t index[C2S_EINSUM_LABELS], rest = at, place = 0;
        double product = 1;
        for (int l = 0; l < C2S_EINSUM_LABELS; l++) {
            index[l] = rest % (size_t)extent[l];
            rest /= (size_t)extent[l];
        }
        for (unsigned k = 0; k < operands; k++) {
            size_t from = 0;
            for (int d = 0; d < e.in[k].count; d++)
                from = from * (size_t)type[k]->dim[d] +
                       (type[k]->dim[d] == 1 ? 0 : index[e.in[k].label[d]]);
            product *= ((const double *)data[k])[from];
        }
        for (int d = 0; d < e.out.count; d++)
            place = place * (size_t)extent[e.out.label[d]] + index[e.out.label[d]];
        want[place] += product;
    }
    assert_int_equal(c2s_einsum_compute(&e, C2S_WIDE_F64, type, data, got), C2S_OK);
    for (size_t k = 0; k < results; k++)
        if (got[k] != want[k])
            fail_msg("%s: element %zu is %g, expected %g", equation, k, got[k], want[k]);
    for (unsigned k = 0; k < operands; k++)
        c2s_tensor_unref(in[k]);
    free(got);
    free(want);
}

static void einsum_equations(void **state) {
    (void)state;
    einsum_against("ij,jk->ik", 2, (const char *const[]){"34", "45"});
    einsum_against("ij,jk", 2, (const char *const[]){"34", "45"});
    einsum_against("bhid,bhjd->bhij", 2, (const char *const[]){"2334", "2354"});
    einsum_against("bind,bjnd->bnij", 2, (const char *const[]){"2334", "2534"});
    einsum_against("...ii->...i", 1, (const char *const[]){"2433"});
    einsum_against("ii", 1, (const char *const[]){"44"});
    einsum_against("i,j,k->kij", 3, (const char *const[]){"2", "3", "4"});
    einsum_against("ab,bc,cd->a", 3, (const char *const[]){"23", "34", "45"});
    einsum_against("a...,...b->...ba", 2, (const char *const[]){"234", "345"});
    einsum_against("ij,ij->", 2, (const char *const[]){"34", "14"});
    einsum_against("i, ->i", 2, (const char *const[]){"4", ""});
    einsum_against("bc,bcd->db", 2, (const char *const[]){"23", "234"});
}

static void einsum_refuses(void **state) {
    (void)state;
    c2s_einsum e;
    assert_int_equal(c2s_einsum_parse("ij,jk->il", (int[]){2, 2}, 2, &e), C2S_ERR_INVALID);
    assert_int_equal(c2s_einsum_parse("ij,jk->ii", (int[]){2, 2}, 2, &e), C2S_ERR_INVALID);
    assert_int_equal(c2s_einsum_parse("ij", (int[]){2, 2}, 2, &e), C2S_ERR_INVALID);
    assert_int_equal(c2s_einsum_parse("ij,k", (int[]){3, 1}, 2, &e), C2S_ERR_INVALID);
    assert_int_equal(c2s_einsum_parse("i$->i", (int[]){1}, 1, &e), C2S_ERR_INVALID);
    assert_int_equal(c2s_einsum_parse("i->i,i", (int[]){1}, 1, &e), C2S_ERR_INVALID);
}

/* ---- reductions and normalisations by hand ---- */

static void empty_sets(void **state) {
    (void)state;
    EXPECT("float[2] y", "float[2,0] x = {}, int64[1] a = {1}",
           "y = ReduceSum <keepdims = 0> (x, a)", 0, 0);
    EXPECT("float[1] y", "float[0] x = {}", "y = ReduceProd (x)", 1);
    EXPECT("int8[1] y", "int8[0] x = {}", "y = ReduceMax (x)", -128);
    EXPECT("int8[1] y", "int8[0] x = {}", "y = ReduceMin (x)", 127);
    EXPECT("float[1] y", "float[0] x = {}", "y = ReduceLogSumExp (x)", -INFINITY);
    EXPECT("float[1] y", "float[0] x = {}", "y = ReduceMean (x)", NAN);
}

static void reductions_by_hand(void **state) {
    (void)state;
    EXPECT("float[1] y", "float[2] x = {1000, 1000}", "y = ReduceLogSumExp (x)", 1000.69314718056);
    EXPECT("float[1] y", "float[2] x = {-inf, -inf}", "y = ReduceLogSumExp (x)", -INFINITY);
    EXPECT("int32[1] y", "int32[3] x = {-3, 4, 0}", "y = ReduceL2 (x)", 5);
    EXPECT("int32[1] y", "int32[3] x = {-3, -4, 0}", "y = ReduceMean (x)", -2);
    EXPECT("int64[2] y", "float[2,3] x = {1, nan, 2, 5, 5, 1}",
           "y = ArgMax <axis = 1, keepdims = 0> (x)", 1, 0);
    EXPECT("int64[2] y", "float[2,3] x = {1, 0, 2, 5, 5, 1}",
           "y = ArgMax <axis = 1, keepdims = 0, select_last_index = 1> (x)", 2, 1);
    EXPECT("int32[4] y", "int32[4] x = {1, 2, 3, 4}, int64 a = {0}",
           "y = CumSum <exclusive = 1, reverse = 1> (x, a)", 9, 7, 4, 0);
    expect_failure("float[1] y", "float[2] x = {1, 2}, int64[1] a = {1}", "y = ReduceSum (x, a)",
                   "axis 1, expected -1 to 0");
}

static void normalisations_by_hand(void **state) {
    (void)state;
    EXPECT("float[4] y", "float[4] x = {1, 2, 3, 1001}", "y = Softmax (x)", 0, 0, 0, 1);
    EXPECT("float[2,1] y", "float[2,1] x = {7, 7}", "y = Softmax <axis = 0> (x)", 0.5, 0.5);
    EXPECT("float[2,2] y",
           "float[2,2] x = {1, 3, -1, -5}, float[2] s = {1, 2}, float[2] b = {0, 1}",
           "y = LayerNormalization <epsilon = 0.0> (x, s, b)", -1, 3, 1, -1);
    EXPECT("float[1,2] y", "float[1,2] x = {3, 4}, float[2] s = {2, 1}",
           "y = RMSNormalization <epsilon = 0.0> (x, s)", 6 / sqrt(12.5), 4 / sqrt(12.5));
    EXPECT("float[1,2,1] y", "float[1,2,1] x = {1, 3}, float[1] s = {5}, float[1] b = {1}",
           "y = GroupNormalization <num_groups = 1, epsilon = 0.0> (x, s, b)", -4, 6);
    EXPECT("float[1,1,2] y",
           "float[1,1,2] x = {1, 5}, float[1] s = {2}, float[1] b = {1}, float[1] m = {3}, "
           "float[1] v = {4}",
           "y = BatchNormalization <epsilon = 0.0> (x, s, b, m, v)", -1, 3);
    expect_failure("float[1,2] y",
                   "float[1,2] x = {1, 5}, float[1] s = {2}, float[1] b = {1}, float[1] m = {3}, "
                   "float[1] v = {4}",
                   "y = BatchNormalization (x, s, b, m, v)", "2 channels");
    EXPECT("float y", "float[2,2] x = {1, 2, 3, 4}", "y = Det (x)", -2);
    EXPECT("float y", "float[3,3] x = {0, 2, 1, 1, 0, 0, 0, 0, 4}", "y = Det (x)", -8);
}

static void products_by_hand(void **state) {
    (void)state;
    EXPECT("float y", "float[3] a = {1, 2, 3}, float[3] b = {4, 5, 6}", "y = MatMul (a, b)", 32);
    EXPECT("float[2,1] y", "float[2,1,2] a = {1, 2, 3, 4}, float[2] b = {1, 10}",
           "y = MatMul (a, b)", 21, 43);
    EXPECT("float[2,1,2] y", "float[2] a = {1, 10}, float[2,1,2,2] b = {1, 2, 3, 4, 5, 6, 7, 8}",
           "y = MatMul (a, b)", 31, 42, 75, 86);
    EXPECT("float[1,2] y", "float[2,1] a = {1, 2}, float[2,2] b = {1, 2, 3, 4}, float c = {100}",
           "y = Gemm <alpha = 0.5, beta = 2.0, transA = 1, transB = 1> (a, b, c)", 202.5, 205.5);
    EXPECT("float[1,1] y", "float[1,1] a = {2}, float[1,1] b = {3}, float c = {nan}",
           "y = Gemm <beta = 0.0> (a, b, c)", 6);
    EXPECT("int32[2,2] y",
           "uint8[2,2] a = {1, 2, 3, 4}, int8[2,2] b = {1, -1, 0, 2}, uint8[2] p = {1, 2}, "
           "int8[2] q = {0, 1}",
           "y = MatMulInteger (a, b, p, q)", 0, 1, 1, 0);
    expect_failure("float y", "float[2] a = {1, 2}, float[3] b = {1, 2, 3}", "y = MatMul (a, b)",
                   "2 columns, the second has 3 rows");
}

/* ---- contents of shape tensors ---- */

static void expect_type(const char *inputs, const char *weights, const char *body,
                        const char *wanted) {
    c2s_model *model = read_model("float y", weights, body, inputs);
    char text[256];
    c2s_graph_output(model->graph, 0)->type = c2s_type_unknown();
    if (c2s_graph_infer(model->graph) != C2S_OK)
        fail_msg("%s: %s", body, c2s_error());
    c2s_type_text(model->dims, &c2s_graph_output(model->graph, 0)->type, text, sizeof text);
    assert_string_equal(text, wanted);
    c2s_model_destroy(model);
}

static void shapes_are_computed(void **state) {
    (void)state;
    const char *x = "float[N,C,4] x";
    expect_type(x, "int64[3] k = {1, 2, 3}", "s = Shape (x) t = Mul (s, k) y = ConstantOfShape (t)",
                "float[N,2*C,12]");
    expect_type(x, "int64[1] k = {2}, int64[1] m = {-1}",
                "s = Shape (x) t = Sub (s, m) u = Div (t, k) y = ConstantOfShape (u)",
                "float[floor(N + 1, 2),floor(C + 1, 2),2]");
    expect_type(x, "", "s = Shape (x) t = ReduceProd (s) y = ConstantOfShape (t)", "float[4*N*C]");
    expect_type(x, "int64[3] e = {1, -1, 4}, int64 m = {-1}",
                "s = Shape (x) q = Equal (e, m) t = Where (q, s, e) y = ConstantOfShape (t)",
                "float[1,C,4]");
    expect_type(x, "int64 m = {-1}",
                "s = Shape (x) q = Equal (s, m) t = Where (q, m, s) y = ConstantOfShape (t)",
                "float[N,C,4]");
    expect_type(x, "int32[3] k = {0, 7, 9}",
                "s = Shape (x) c = Cast <to = 6> (s) t = Max (c, k) u = Cast <to = 7> (t) "
                "y = ConstantOfShape (u)",
                "float[N,max(C, 7),9]");
}

static void products_have_types(void **state) {
    (void)state;
    expect_type("float[B,M,K] a, float[K,7] b", "", "y = MatMul (a, b)", "float[B,M,7]");
    expect_type("float[K] a, float[B,K,7] b", "", "y = MatMul (a, b)", "float[B,7]");
    expect_type("float[K,M] a, float[7,K] b", "", "y = Gemm <transA = 1, transB = 1> (a, b)",
                "float[M,7]");
    expect_type("float[B,M,K] a, float[B,N,K] b", "",
                "y = Einsum <equation = \"bmk,bnk->bnm\"> (a, b)", "float[B,N,M]");
    expect_type("float[B,M] a, int64[1] k", "", "y = ReduceSum <keepdims = 1> (a)", "float[1,1]");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(integer_division),
        cmocka_unit_test(integers_wrap_around),
        cmocka_unit_test(special_values),
        cmocka_unit_test(rounding),
        cmocka_unit_test(clip_bounds),
        cmocka_unit_test(mixed_types_are_refused),
        cmocka_unit_test(casts),
        cmocka_unit_test(number_text),
        cmocka_unit_test(where_moves_anything),
        cmocka_unit_test(broadcasting),
        cmocka_unit_test(reductions),
        cmocka_unit_test(matrix_products),
        cmocka_unit_test(einsum_equations),
        cmocka_unit_test(einsum_refuses),
        cmocka_unit_test(empty_sets),
        cmocka_unit_test(reductions_by_hand),
        cmocka_unit_test(normalisations_by_hand),
        cmocka_unit_test(products_by_hand),
        cmocka_unit_test(shapes_are_computed),
        cmocka_unit_test(products_have_types),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
