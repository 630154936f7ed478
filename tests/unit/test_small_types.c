/* SPDX-License-Identifier: Apache-2.0
 *
 * Cast between float32, double and the types of at most 16 bits. Values of codes come from the
 * definition of the formats (IEEE 754; ONNX's pages on float8, float4, int4 and int2); rounding is
 * judged at every pair of neighbours: at both, half way between them, and next to that. What is
 * beyond the largest value follows the tables of ONNX's Cast; where they and ONNX's cases differ
 * (infinity in the FNUZ formats, NaN in float4), the cases hold.
 */
#include <float.h>
#include <math.h>
#include <string.h>

#include "make_graph.h"

/* ---- formats ---- */

typedef struct format {
    c2s_dtype dtype;
    unsigned mantissa, bias;
    uint32_t sign;    /* the bit */
    uint32_t largest; /* code of the largest finite value */
    enum { IEEE, ONE_NAN, NO_NEGATIVE_ZERO, FINITE_ONLY } kind;
} format;

static const format formats[] = {
    {C2S_FLOAT16, 10, 15, 0x8000, 0x7bff, IEEE},
    {C2S_BFLOAT16, 7, 127, 0x8000, 0x7f7f, IEEE},
    {C2S_FLOAT8E5M2, 2, 15, 0x80, 0x7b, IEEE},
    {C2S_FLOAT8E4M3FN, 3, 7, 0x80, 0x7e, ONE_NAN},
    {C2S_FLOAT8E4M3FNUZ, 3, 8, 0x80, 0x7f, NO_NEGATIVE_ZERO},
    {C2S_FLOAT8E5M2FNUZ, 2, 16, 0x80, 0x7f, NO_NEGATIVE_ZERO},
    {C2S_FLOAT4E2M1, 1, 1, 0x8, 0x7, FINITE_ONLY},
};
enum { FORMATS = sizeof formats / sizeof *formats };

/* The magnitude of a code without sign, also of the one behind the largest: what would come next if
 * exponents had no end. */
static double magnitude(const format *f, uint32_t code) {
    const int exponent = (int)(code >> f->mantissa);
    const double fraction = ldexp(code & ((1u << f->mantissa) - 1), -(int)f->mantissa);
    return exponent ? ldexp(1 + fraction, exponent - (int)f->bias)
                    : ldexp(fraction, 1 - (int)f->bias);
}

static double decoded(const format *f, uint32_t code) {
    const uint32_t rest = code & (f->sign - 1);
    const double sign = code & f->sign ? -1 : 1;
    if (f->kind == NO_NEGATIVE_ZERO && code == f->sign)
        return NAN;
    if (rest > f->largest)
        return f->kind == IEEE && rest == f->largest + 1 ? sign * INFINITY : NAN;
    return sign * magnitude(f, rest);
}

/* ---- Cast ---- */

static void cast(const c2s_tensor *in, c2s_dtype to, bool saturate, const char *mode,
                 c2s_tensor **out) {
    c2s_model *model = make_model();
    c2s_node *node = c2s_node_create(model->graph, NULL, "", "Cast", 1, 1);
    c2s_attr_set_int(node, "to", to);
    c2s_attr_set_int(node, "saturate", saturate);
    if (mode)
        c2s_attr_set_string(node, "round_mode", mode);
    if (c2s_node_eval(node, (const c2s_tensor *const[]){in}, out, NULL, 0) != C2S_OK)
        fail_msg("%s", c2s_error());
    c2s_model_destroy(model);
}

static uint32_t code_at(const c2s_tensor *t, size_t k) {
    const uint8_t *bytes = c2s_tensor_data(t);
    const unsigned bits = c2s_dtype_bits(t->type.dtype);
    if (bits == 16)
        return ((const uint16_t *)c2s_tensor_data(t))[k];
    return bits == 8 ? bytes[k] : bytes[k * bits / 8] >> (k * bits % 8) & ((1u << bits) - 1);
}

/* All codes of a type. */
static c2s_tensor *all_codes(c2s_dtype dtype) {
    const unsigned bits = c2s_dtype_bits(dtype);
    const int64_t count = INT64_C(1) << bits;
    c2s_tensor *t;
    assert_int_equal(c2s_tensor_create(dtype, 1, &count, &t), C2S_OK);
    uint8_t *bytes = c2s_tensor_mutable(t);
    memset(bytes, 0, c2s_tensor_size(t));
    for (size_t k = 0; k < (size_t)count; k++)
        for (unsigned b = 0; b < bits; b++)
            bytes[(k * bits + b) / 8] |= (uint8_t)((k >> b & 1) << (k * bits + b) % 8);
    return t;
}

typedef C2S_VEC(double) numbers;

static c2s_tensor *tensor_of(const numbers *values, c2s_dtype dtype) {
    const int64_t count = (int64_t)values->count;
    c2s_tensor *t;
    assert_int_equal(c2s_tensor_create(dtype, 1, &count, &t), C2S_OK);
    void *data = c2s_tensor_mutable(t);
    for (size_t k = 0; k < values->count; k++)
        if (dtype == C2S_DOUBLE)
            ((double *)data)[k] = values->at[k];
        else
            ((float *)data)[k] = (float)values->at[k];
    return t;
}

static bool same_number(double a, double b) {
    return isnan(a) ? isnan(b) : a == b && signbit(a) == signbit(b);
}

/* ---- codes to numbers ---- */

static void expect_values(c2s_dtype dtype, double (*value)(const void *, uint32_t),
                          const void *user) {
    static const c2s_dtype wide[] = {C2S_FLOAT, C2S_DOUBLE};
    c2s_tensor *codes = all_codes(dtype), *out = NULL;
    for (size_t w = 0; w < 2; w++) {
        cast(codes, wide[w], true, NULL, &out);
        for (uint32_t code = 0; code < out->count; code++) {
            const double found = c2s_tensor_f64_at(out, code), want = value(user, code);
            if (!same_number(found, want))
                fail_msg("code 0x%x of %s is %a as %s, expected %a", code, c2s_dtype_name(dtype),
                         found, c2s_dtype_name(wide[w]), want);
        }
        c2s_tensor_unref(out);
    }
    c2s_tensor_unref(codes);
}

static double float_value(const void *user, uint32_t code) {
    return decoded(user, code);
}

static double power_value(const void *user, uint32_t code) {
    (void)user;
    return code == 0xff ? NAN : ldexp(1, (int)code - 127);
}

static double integer_value(const void *user, uint32_t code) {
    const c2s_dtype dtype = *(const c2s_dtype *)user;
    const uint32_t half = 1u << (c2s_dtype_bits(dtype) - 1);
    return (double)code - (c2s_dtype_is_signed(dtype) && code >= half ? 2 * half : 0);
}

static const c2s_dtype integers[] = {C2S_INT4, C2S_UINT4, C2S_INT2, C2S_UINT2};
enum { INTEGERS = sizeof integers / sizeof *integers };

static void codes_have_their_values(void **state) {
    (void)state;
    for (size_t k = 0; k < FORMATS; k++)
        expect_values(formats[k].dtype, float_value, &formats[k]);
    expect_values(C2S_FLOAT8E8M0, power_value, NULL);
    for (size_t k = 0; k < INTEGERS; k++)
        expect_values(integers[k], integer_value, &integers[k]);
}

/* ---- numbers to floats ---- */

static void push_both(numbers *values, double x) {
    c2s_vec_push(values, x);
    c2s_vec_push(values, -x);
}

/* `x`, and the numbers next to it in float and in double. */
static void push_around(numbers *values, double x) {
    push_both(values, x);
    push_both(values, nextafter(x, INFINITY));
    push_both(values, nextafter(x, 0));
    push_both(values, (double)nextafterf((float)x, INFINITY));
    push_both(values, (double)nextafterf((float)x, 0));
}

static void push_special(numbers *values) {
    static const double special[] = {0,       INFINITY, NAN,      FLT_MAX,   DBL_MAX, FLT_MIN,
                                     DBL_MIN, 0x1p-149, 0x1p-150, 0x1p-1074, 1e5,     1e300};
    for (size_t k = 0; k < sizeof special / sizeof *special; k++)
        push_both(values, special[k]);
}

static numbers float_numbers(const format *f) {
    numbers values = {0};
    for (uint32_t code = 0; code <= f->largest; code++) {
        const double low = magnitude(f, code), high = magnitude(f, code + 1);
        push_around(&values, low);
        push_around(&values, low + (high - low) / 2);
        push_both(&values, low + (high - low) / 4);
        push_both(&values, low + (high - low) / 4 * 3);
    }
    push_around(&values, magnitude(f, f->largest + 1));
    push_special(&values);
    return values;
}

/* The code of a magnitude: the nearest, of two the even one; largest + 1 for what is beyond. */
static uint32_t nearest(const format *f, double x) {
    uint32_t low = 0, high = f->largest + 1;
    if (x >= magnitude(f, high))
        return high;
    while (high - low > 1) {
        const uint32_t middle = low + (high - low) / 2;
        if (x < magnitude(f, middle))
            high = middle;
        else
            low = middle;
    }
    const double below = x - magnitude(f, low), above = magnitude(f, high) - x;
    return below < above || (below == above && low % 2 == 0) ? low : high;
}

/* What Cast must give, as a number: the sign of zero counts, the code of NaN does not. */
static double rounded(const format *f, double x, bool saturate) {
    const bool is_float8 = c2s_dtype_bits(f->dtype) == 8;
    const double most = magnitude(f, f->largest);
    if (isnan(x))
        return f->kind == FINITE_ONLY ? -0.0 : NAN;
    const uint32_t code = nearest(f, fabs(x));
    if (code > f->largest) {
        if (f->kind == FINITE_ONLY || (is_float8 && saturate))
            return copysign(most, x);
        return f->kind == IEEE ? copysign(INFINITY, x) : NAN;
    }
    if (code == 0 && f->kind == NO_NEGATIVE_ZERO)
        return 0;
    return copysign(magnitude(f, code), x);
}

static void expect_rounded(const format *f, c2s_dtype from, bool saturate) {
    numbers values = float_numbers(f);
    c2s_tensor *in = tensor_of(&values, from), *out = NULL;
    cast(in, f->dtype, saturate, NULL, &out);
    for (size_t k = 0; k < values.count; k++) {
        const double x = c2s_tensor_f64_at(in, k), want = rounded(f, x, saturate);
        const double found = decoded(f, code_at(out, k));
        if (!same_number(found, want))
            fail_msg("%a of %s%s becomes %a in %s (code 0x%x), expected %a", x,
                     c2s_dtype_name(from), saturate ? ", saturated," : "", found,
                     c2s_dtype_name(f->dtype), code_at(out, k), want);
    }
    c2s_tensor_unref(in);
    c2s_tensor_unref(out);
    c2s_vec_free(&values);
}

static void floats_round_to_nearest_even(void **state) {
    (void)state;
    for (size_t k = 0; k < FORMATS; k++)
        for (int saturate = 0; saturate < 2; saturate++) {
            expect_rounded(&formats[k], C2S_FLOAT, saturate);
            expect_rounded(&formats[k], C2S_DOUBLE, saturate);
        }
}

/* ---- numbers to powers of two ---- */

/* ONNX's reference drops the sign, takes infinity as NaN, and of two equally near powers the larger
 * one. There is nothing below 2^-127. */
static double power_rounded(double x, bool saturate, const char *mode) {
    const double most = 0x1p127, least = 0x1p-127, size = fabs(x);
    if (!isfinite(x))
        return NAN;
    if (size <= least)
        return least;
    int exponent;
    const bool is_power = frexp(size, &exponent) == 0.5;
    const double low = ldexp(1, exponent - 1), high = is_power ? low : 2 * low;
    const bool up = mode[0] == 'u' || (mode[0] == 'n' && size - low >= high - size);
    const double power = up ? high : low;
    return power <= most ? power : saturate ? most : NAN;
}

static void expect_power(c2s_dtype from, bool saturate, const char *mode) {
    numbers values = {0};
    for (uint32_t code = 0; code < 0xff; code++) {
        const double low = ldexp(1, (int)code - 127);
        push_around(&values, low);
        push_around(&values, 1.5 * low);
        push_around(&values, 1.25 * low);
    }
    push_special(&values);
    c2s_tensor *in = tensor_of(&values, from), *out = NULL;
    cast(in, C2S_FLOAT8E8M0, saturate, mode, &out);
    for (size_t k = 0; k < values.count; k++) {
        const double x = c2s_tensor_f64_at(in, k), want = power_rounded(x, saturate, mode);
        const double found = power_value(NULL, code_at(out, k));
        if (!same_number(found, want))
            fail_msg("%a of %s rounded %s%s becomes %a in float8e8m0, expected %a", x,
                     c2s_dtype_name(from), mode, saturate ? ", saturated," : "", found, want);
    }
    c2s_tensor_unref(in);
    c2s_tensor_unref(out);
    c2s_vec_free(&values);
}

static void powers_round_as_asked(void **state) {
    static const char *const modes[] = {"up", "down", "nearest"};
    (void)state;
    for (size_t m = 0; m < 3; m++)
        for (int saturate = 0; saturate < 2; saturate++) {
            expect_power(C2S_FLOAT, saturate, modes[m]);
            expect_power(C2S_DOUBLE, saturate, modes[m]);
        }
}

/* ---- numbers to integers ---- */

/* ONNX's page on 4-bit integers: rounded to the nearest integer, ties to even, then the low bits
 * are kept. */
static void integers_round_and_wrap(void **state) {
    static const c2s_dtype wide[] = {C2S_FLOAT, C2S_DOUBLE};
    numbers values = {0};
    (void)state;
    for (int k = 0; k <= 80; k++)
        push_around(&values, k / 4.0);
    for (size_t t = 0; t < 2 * INTEGERS; t++) {
        const c2s_dtype to = integers[t / 2], from = wide[t % 2];
        const uint32_t mask = (1u << c2s_dtype_bits(to)) - 1;
        c2s_tensor *in = tensor_of(&values, from), *out = NULL;
        cast(in, to, true, NULL, &out);
        for (size_t k = 0; k < values.count; k++) {
            const double x = c2s_tensor_f64_at(in, k), low = floor(x);
            const bool up = x - low > 0.5 || (x - low == 0.5 && fmod(low, 2) != 0);
            const uint32_t want = (uint32_t)(int)(low + up) & mask;
            if (code_at(out, k) != want)
                fail_msg("%a of %s becomes code %u of %s, expected %u", x, c2s_dtype_name(from),
                         code_at(out, k), c2s_dtype_name(to), want);
        }
        c2s_tensor_unref(in);
        c2s_tensor_unref(out);
    }
    c2s_vec_free(&values);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(codes_have_their_values), cmocka_unit_test(floats_round_to_nearest_even),
        cmocka_unit_test(powers_round_as_asked), cmocka_unit_test(integers_round_and_wrap)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
