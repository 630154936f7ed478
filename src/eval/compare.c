/* SPDX-License-Identifier: Apache-2.0 */
#include "eval/compare.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "ir/convert.h"

/* Below this a reference counts as zero: errors are absolute. With the tolerance of float, 1e-8
 * passes: less than what is left when two floats of size 1 cancel. */
#define SMALLEST_SCALE 1e-4

double c2s_default_tolerance(c2s_dtype dtype) {
    switch (dtype) {
    case C2S_FLOAT:
    case C2S_COMPLEX64:
        return 1e-4;
    case C2S_FLOAT16:
        return 1e-2;
    case C2S_BFLOAT16:
        return 4e-2;
    case C2S_DOUBLE:
    case C2S_COMPLEX128:
        return 1e-10;
    default:
        return c2s_dtype_is_float(dtype) ? 0.25 : 0;
    }
}

/* ---- where ---- */

static void describe_place(const c2s_tensor *tensor, size_t index, char *text, size_t size) {
    int64_t at[C2S_MAX_RANK];
    for (int i = tensor->type.rank - 1; i >= 0; i--) {
        at[i] = (int64_t)(index % (size_t)tensor->type.dim[i]);
        index /= (size_t)tensor->type.dim[i];
    }
    size_t used = strlen(text);
    used += (size_t)snprintf(text + used, size - used, "[");
    for (int i = 0; i < tensor->type.rank && used < size; i++)
        used +=
            (size_t)snprintf(text + used, size - used, "%s%lld", i ? "," : "", (long long)at[i]);
    if (used < size)
        snprintf(text + used, size - used, "]");
}

static void report(c2s_difference *d, const c2s_tensor *item, size_t index, double reference,
                   double found) {
    if (d->mismatches++ > 0)
        return;
    d->first = index;
    d->item = item;
    d->reference = reference;
    d->found = found;
}

/* ---- numbers ---- */

enum { CHUNK = 512 };

/* Elements [start, start + count) as double; complex numbers as pairs. */
static void load(const c2s_tensor *t, size_t start, size_t count, double *out) {
    const char *data = c2s_tensor_data(t);
    if (t->type.dtype == C2S_COMPLEX64)
        c2s_load_f64(C2S_FLOAT, data, start, count, out);
    else if (t->type.dtype == C2S_COMPLEX128)
        c2s_load_f64(C2S_DOUBLE, data, start, count, out);
    else
        c2s_load_f64(t->type.dtype, data, start, count, out);
}

static double distance(double reference, double found) {
    if (reference == found || (isnan(reference) && isnan(found)))
        return 0;
    double difference = fabs(reference - found);
    return isfinite(difference) ? difference : INFINITY;
}

/* The largest number of a type marks what does not count, such as scores of tokens that are
 * suppressed: as large as it nothing else is seen. */
static double largest_magnitude(const c2s_tensor *t, size_t numbers) {
    const double mark = c2s_dtype_largest(t->type.dtype);
    double buffer[CHUNK], largest = SMALLEST_SCALE;
    for (size_t start = 0; start < numbers; start += CHUNK) {
        size_t count = numbers - start < CHUNK ? numbers - start : CHUNK;
        load(t, start, count, buffer);
        for (size_t k = 0; k < count; k++)
            if (fabs(buffer[k]) > largest && fabs(buffer[k]) < mark)
                largest = fabs(buffer[k]);
    }
    return largest;
}

static void compare_floats(const c2s_tensor *reference, const c2s_tensor *found, double tolerance,
                           c2s_difference *d) {
    bool pairs = reference->type.dtype == C2S_COMPLEX64 || reference->type.dtype == C2S_COMPLEX128;
    size_t numbers = reference->count * (pairs ? 2 : 1);
    const double mark = c2s_dtype_largest(reference->type.dtype);
    d->scale = largest_magnitude(reference, numbers);
    double a[CHUNK], b[CHUNK], limit = tolerance * d->scale, signal = 0, noise = 0;
    for (size_t start = 0; start < numbers; start += CHUNK) {
        size_t count = numbers - start < CHUNK ? numbers - start : CHUNK;
        load(reference, start, count, a);
        load(found, start, count, b);
        for (size_t k = 0; k < count; k++) {
            double difference = distance(a[k], b[k]);
            if (fabs(a[k]) < mark)
                signal += a[k] * a[k];
            else if (isfinite(a[k])) /* relative to itself */
                difference *= d->scale / fabs(a[k]);
            noise += difference * difference;
            if (difference > d->max_abs)
                d->max_abs = difference;
            if (difference > limit || isinf(difference))
                report(d, reference, (start + k) / (pairs ? 2 : 1), a[k], b[k]);
        }
    }
    d->max_rel = d->max_abs / d->scale;
    d->sqnr_db = noise == 0 ? INFINITY : 10 * log10(signal / noise);
}

static void compare_integers(const c2s_tensor *reference, const c2s_tensor *found,
                             c2s_difference *d) {
    int64_t a[CHUNK], b[CHUNK];
    const void *x = c2s_tensor_data(reference), *y = c2s_tensor_data(found);
    for (size_t start = 0; start < reference->count; start += CHUNK) {
        size_t count = reference->count - start < CHUNK ? reference->count - start : CHUNK;
        c2s_load_i64(reference->type.dtype, x, start, count, a);
        c2s_load_i64(reference->type.dtype, y, start, count, b);
        for (size_t k = 0; k < count; k++)
            if (a[k] != b[k]) {
                double p = (double)a[k], q = (double)b[k];
                d->max_abs = fmax(d->max_abs, fmax(fabs(p - q), 1));
                d->scale = fmax(d->scale, fabs(p));
                report(d, reference, start + k, p, q);
            }
    }
}

static void compare_strings(const c2s_tensor *reference, const c2s_tensor *found,
                            c2s_difference *d) {
    const c2s_string *a = c2s_tensor_data(reference), *b = c2s_tensor_data(found);
    for (size_t k = 0; k < reference->count; k++)
        if (a[k].size != b[k].size ||
            (a[k].size > 0 && memcmp(a[k].data, b[k].data, a[k].size) != 0)) {
            d->max_abs = INFINITY;
            report(d, reference, k, NAN, NAN);
        }
}

static bool is_real(c2s_dtype dtype) {
    return c2s_dtype_is_float(dtype) || dtype == C2S_COMPLEX64 || dtype == C2S_COMPLEX128;
}

static void compare_tensor(const c2s_tensor *reference, const c2s_tensor *found, double tolerance,
                           c2s_difference *d) {
    c2s_dtype dtype = reference->type.dtype;
    double limit = tolerance < 0 || !is_real(dtype) ? c2s_default_tolerance(dtype) : tolerance;
    if (!c2s_type_equal(&reference->type, &found->type)) {
        d->same_type = false;
        return;
    }
    if (reference->count == 0)
        return;
    if (is_real(dtype)) {
        compare_floats(reference, found, limit, d);
        return;
    }
    if (dtype == C2S_STRING)
        compare_strings(reference, found, d);
    else
        compare_integers(reference, found, d);
    if (d->mismatches > 0) {
        d->max_rel = INFINITY;
        d->sqnr_db = -INFINITY;
    }
}

/* ---- containers ---- */

static const c2s_difference equal = {.same_type = true,
                                     .scale = SMALLEST_SCALE,
                                     .sqnr_db = INFINITY,
                                     .reference = NAN,
                                     .found = NAN};

enum { DEEPEST = 8 };

static void merge(c2s_difference *into, const c2s_difference *item, size_t index) {
    if (into->mismatches == 0 && item->mismatches > 0) {
        int used = snprintf(into->where, sizeof into->where, "item %zu ", index);
        strncat(into->where, item->where, sizeof into->where - 1 - (size_t)used);
        into->first = item->first;
        into->item = item->item;
        into->reference = item->reference;
        into->found = item->found;
    }
    into->same_type = into->same_type && item->same_type;
    into->mismatches += item->mismatches;
    into->max_abs = fmax(into->max_abs, item->max_abs);
    into->max_rel = fmax(into->max_rel, item->max_rel);
    into->scale = fmax(into->scale, item->scale);
    into->sqnr_db = fmin(into->sqnr_db, item->sqnr_db);
}

static void compare(const c2s_tensor *reference, const c2s_tensor *found, double tolerance,
                    int depth, c2s_difference *out) {
    *out = equal;
    if (reference->type.kind != found->type.kind || depth > DEEPEST) {
        out->same_type = false;
        return;
    }
    if (reference->type.kind == C2S_KIND_TENSOR) {
        compare_tensor(reference, found, tolerance, out);
        if (out->mismatches > 0)
            describe_place(reference, out->first, out->where, sizeof out->where);
        return;
    }
    if (reference->count != found->count) {
        out->same_type = false;
        return;
    }
    for (size_t i = 0; i < reference->count && out->same_type; i++) {
        c2s_difference item;
        compare(c2s_tensor_item(reference, i), c2s_tensor_item(found, i), tolerance, depth + 1,
                &item);
        merge(out, &item, i);
    }
}

bool c2s_compare(const c2s_tensor *reference, const c2s_tensor *found, double tolerance,
                 c2s_difference *out) {
    compare(reference, found, tolerance, 0, out);
    return out->same_type && out->mismatches == 0;
}
