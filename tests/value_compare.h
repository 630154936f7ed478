/* SPDX-License-Identifier: Apache-2.0 */
/* Is a computed value what was expected? Tensors, sequences, optionals. */
#ifndef C2S_TESTS_VALUE_COMPARE_H
#define C2S_TESTS_VALUE_COMPARE_H

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "ir/tensor.h"

typedef struct value_tolerance {
    double relative, absolute;
    bool types_only; /* random results: kind, element type and shape */
} value_tolerance;

static inline bool strings_equal(const c2s_tensor *a, const c2s_tensor *b, size_t k) {
    const c2s_string *x = (const c2s_string *)c2s_tensor_data(a) + k;
    const c2s_string *y = (const c2s_string *)c2s_tensor_data(b) + k;
    return x->size == y->size && (x->size == 0 || memcmp(x->data, y->data, x->size) == 0);
}

static inline bool numbers_close(double got, double want, const value_tolerance *t) {
    if (isnan(want) || isnan(got))
        return isnan(want) && isnan(got);
    if (isinf(want) || isinf(got))
        return want == got;
    return fabs(got - want) <= t->absolute + t->relative * fabs(want);
}

/* "" if equal within the tolerance, else what differs; complex numbers are compared by parts. */
static inline bool values_close(const c2s_tensor *got, const c2s_tensor *want,
                                const value_tolerance *t, char *why, size_t size) {
    char a[256], b[256];
    why[0] = 0;
    if (got->type.kind != want->type.kind) {
        snprintf(why, size, "kind %d, expected %d", (int)got->type.kind, (int)want->type.kind);
        return false;
    }
    if (want->type.kind != C2S_KIND_TENSOR) {
        if (got->count != want->count) {
            snprintf(why, size, "%zu items, expected %zu", got->count, want->count);
            return false;
        }
        for (size_t k = 0; k < want->count; k++)
            if (!values_close(c2s_tensor_item(got, k), c2s_tensor_item(want, k), t, why, size))
                return false;
        return true;
    }
    if (!c2s_type_equal(&got->type, &want->type)) {
        c2s_dims *dims = c2s_dims_create();
        snprintf(why, size, "%s, expected %s", c2s_type_text(dims, &got->type, a, sizeof a),
                 c2s_type_text(dims, &want->type, b, sizeof b));
        c2s_dims_destroy(dims);
        return false;
    }
    if (t->types_only)
        return true;
    const c2s_dtype dtype = want->type.dtype;
    const bool is_complex = dtype == C2S_COMPLEX64 || dtype == C2S_COMPLEX128;
    const size_t parts = is_complex ? 2 : 1;
    for (size_t k = 0; k < want->count * parts; k++) {
        double x, y;
        if (dtype == C2S_STRING) {
            if (strings_equal(got, want, k))
                continue;
            snprintf(why, size, "text %zu differs", k);
            return false;
        }
        if (dtype == C2S_COMPLEX64) {
            x = (double)((const float *)c2s_tensor_data(got))[k];
            y = (double)((const float *)c2s_tensor_data(want))[k];
        } else if (dtype == C2S_COMPLEX128) {
            x = ((const double *)c2s_tensor_data(got))[k];
            y = ((const double *)c2s_tensor_data(want))[k];
        } else {
            x = c2s_tensor_f64_at(got, k);
            y = c2s_tensor_f64_at(want, k);
        }
        if (!numbers_close(x, y, t)) {
            snprintf(why, size, "element %zu of %zu: %.9g, expected %.9g", k, want->count * parts,
                     x, y);
            return false;
        }
    }
    return true;
}

#endif
