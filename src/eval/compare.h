/* SPDX-License-Identifier: Apache-2.0
 *
 * How far two results are apart. Element by element: NaN equals NaN, infinities of one sign are
 * equal, anything else against NaN or infinity differs infinitely. Integers, bools and strings are
 * equal or not. Relative errors are relative to the largest finite magnitude of the reference
 * tensor, not of the element: an element near 0 that comes out of large terms cannot be more exact
 * than those.
 */
#ifndef C2S_EVAL_COMPARE_H
#define C2S_EVAL_COMPARE_H

#include "ir/tensor.h"

typedef struct c2s_difference {
    bool same_type;          /* kind, element type and shape; if not, nothing else is set */
    double max_abs;          /* largest |found - reference|; infinite for NaN against a number */
    double max_rel;          /* max_abs / scale; of integers and strings: 0 or infinite */
    double scale;            /* largest finite |reference|, at least 1e-4 */
    double sqnr_db;          /* 10 log10(sum reference^2 / sum difference^2); infinite if equal */
    uint64_t mismatches;     /* elements beyond the tolerance */
    size_t first;            /* the first of them: row-major index in its tensor */
    char where[96];          /* the same as text: "[0,3,17]", in sequences "item 2 [0,3,17]" */
    double reference, found; /* its two values; NaN for strings */
    const c2s_tensor *item;  /* the reference tensor that holds it; borrowed */
} c2s_difference;

/* What outputs may differ by if nothing else is asked for, relative as in max_rel: 1e-4 for float,
 * 1e-2 for float16, 4e-2 for bfloat16, 1e-10 for double, 0.25 for 8-bit and smaller floats, 0
 * (equality) for everything else. */
double c2s_default_tolerance(c2s_dtype dtype);

/* Compares tensors, sequences, optionals and maps item by item; in these `max_*` are the largest,
 * sqnr_db the smallest of all items. `tolerance` as max_rel; below 0: by dtype. NaN or infinity
 * against anything else is beyond every tolerance. Returns true if types are the same and nothing
 * is beyond the tolerance. */
bool c2s_compare(const c2s_tensor *reference, const c2s_tensor *found, double tolerance,
                 c2s_difference *out);

#endif
