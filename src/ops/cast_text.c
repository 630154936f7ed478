/* SPDX-License-Identifier: Apache-2.0 */
#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/memory.h"
#include "ir/convert_bits.h"
#include "ops/cast.h"

enum { TEXT_MAX = 32, NUMBER_MAX = 400 };

/* Printed in the C locale's form: the library never calls setlocale, an embedding program may. */
static void use_point(char *text) {
    for (; *text; text++)
        if (*text == ',')
            *text = '.';
}

static int print_float(char *text, double value, bool single) {
    if (isnan(value))
        return snprintf(text, TEXT_MAX, "NaN");
    if (isinf(value))
        return snprintf(text, TEXT_MAX, "%s", value < 0 ? "-INF" : "INF");
    int length = 0;
    for (int digits = single ? 6 : 15; digits <= (single ? 9 : 17); digits++) {
        length = snprintf(text, TEXT_MAX, "%.*g", digits, value);
        const double again = strtod(text, NULL);
        if (single ? (float)again == (float)value : again == value)
            break;
    }
    use_point(text);
    return length;
}

static int print_element(char *text, const c2s_tensor *in, size_t k) {
    const c2s_dtype dtype = in->type.dtype;
    const void *data = c2s_tensor_data(in);
    if (c2s_dtype_is_float(dtype)) {
        double value;
        c2s_load_f64(dtype, data, k, 1, &value);
        return print_float(text, value, dtype != C2S_DOUBLE);
    }
    int64_t value;
    c2s_load_i64(dtype, data, k, 1, &value);
    if (dtype == C2S_BOOL)
        return snprintf(text, TEXT_MAX, "%s", value ? "True" : "False");
    if (dtype == C2S_UINT64)
        return snprintf(text, TEXT_MAX, "%" PRIu64, (uint64_t)value);
    return snprintf(text, TEXT_MAX, "%" PRId64, value);
}

c2s_status c2s_cast_to_text(const c2s_tensor *in, c2s_tensor **out) {
    void *text = NULL, *strings = NULL;
    if (!c2s_wide_of(in->type.dtype))
        return c2s_fail(C2S_ERR_UNSUPPORTED, "elements of type %s cannot be written as text",
                        c2s_dtype_name(in->type.dtype));
    c2s_status status = c2s_scratch(in->count, TEXT_MAX, &text);
    if (status == C2S_OK)
        status = c2s_scratch(in->count, sizeof(c2s_string), &strings);
    if (status == C2S_OK) {
        c2s_string *string = strings;
        for (size_t k = 0; k < in->count; k++) {
            char *place = (char *)text + k * TEXT_MAX;
            string[k].size = (size_t)print_element(place, in, k);
            string[k].data = place;
        }
        status = c2s_tensor_strings(in->type.rank, in->type.dim, strings, out);
    }
    free(text);
    free(strings);
    return status;
}

/* The text of a number without surrounding space, NUL-terminated; false if it is too long. */
static bool number_text(const c2s_string *string, char *text) {
    const char *from = string->data, *end = from + string->size;
    while (from < end && isspace((unsigned char)*from))
        from++;
    while (end > from && isspace((unsigned char)end[-1]))
        end--;
    const size_t size = (size_t)(end - from);
    if (size == 0 || size >= NUMBER_MAX || memchr(from, 0, size))
        return false;
    memcpy(text, from, size);
    text[size] = 0;
    return true;
}

/* strtod also reads hexadecimal, "infinity" and "nan(...)"; those are no ONNX numbers. */
static bool read_float(const char *text, double *value) {
    const char *digits = text + (*text == '+' || *text == '-');
    if (strcasecmp(digits, "nan") == 0)
        *value = NAN;
    else if (strcasecmp(digits, "inf") == 0 || strcasecmp(digits, "infinity") == 0)
        *value = *text == '-' ? -INFINITY : INFINITY;
    else {
        char *end;
        if (strspn(digits, "0123456789.eE+-") != strlen(digits))
            return false;
        *value = strtod(text, &end);
        return *end == 0 && end != text;
    }
    return true;
}

static bool read_integer(const char *text, bool is_signed, int64_t *value) {
    char *end;
    double real;
    errno = 0;
    *value = is_signed ? (int64_t)strtoll(text, &end, 10) : (int64_t)strtoull(text, &end, 10);
    if (*end == 0 && end != text)
        return errno == 0;
    if (!read_float(text, &real) || !(fabs(real) < 0x1p63))
        return false;
    *value = (int64_t)real;
    return true;
}

c2s_status c2s_cast_from_text(const c2s_cast *cast, const c2s_tensor *in, c2s_tensor *out) {
    const c2s_dtype to = out->type.dtype;
    const c2s_string *string = c2s_tensor_data(in);
    void *data = c2s_tensor_mutable(out);
    char text[NUMBER_MAX];
    for (size_t k = 0; k < in->count; k++) {
        bool understood = number_text(&string[k], text);
        if (understood && c2s_dtype_is_integer(to)) {
            int64_t value;
            understood = read_integer(text, c2s_dtype_is_signed(to), &value);
            if (understood)
                c2s_store_i64(to, data, k, 1, &value);
        } else if (understood && to == C2S_BOOL) {
            const bool yes = strcasecmp(text, "true") == 0;
            int64_t value = yes;
            understood = yes || strcasecmp(text, "false") == 0 || read_integer(text, true, &value);
            if (understood)
                c2s_store_i64(to, data, k, 1, &value);
        } else if (understood) {
            double value;
            understood = read_float(text, &value);
            if (understood && to >= C2S_FLOAT8E4M3FN && to <= C2S_FLOAT8E5M2FNUZ)
                ((uint8_t *)data)[k] = c2s_f32_to_f8(to, c2s_bits_odd(value), cast->saturate);
            else if (understood)
                c2s_store_f64(to, data, k, 1, &value);
        }
        if (!understood)
            return c2s_fail(C2S_ERR_INVALID, "\"%.*s\" is not a number of type %s",
                            (int)(string[k].size < 40 ? string[k].size : 40), string[k].data,
                            c2s_dtype_name(to));
    }
    return C2S_OK;
}
