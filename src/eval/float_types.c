/* SPDX-License-Identifier: Apache-2.0 */
#include "eval/float_types.h"

#include "ir/convert.h"

enum { CHUNK = 512 };

bool c2s_is_other_float(const c2s_type *wanted, const c2s_type *found) {
    return c2s_type_is_tensor(wanted) && c2s_type_is_tensor(found) &&
           wanted->dtype != found->dtype && c2s_dtype_is_float(wanted->dtype) &&
           c2s_dtype_is_float(found->dtype);
}

c2s_status c2s_as_float_type(const c2s_tensor *t, c2s_dtype dtype, c2s_tensor **out) {
    double chunk[CHUNK];
    C2S_TRY(c2s_tensor_create(dtype, t->type.rank, t->type.dim, out));
    for (size_t at = 0; at < t->count; at += CHUNK) {
        const size_t n = t->count - at < CHUNK ? t->count - at : CHUNK;
        c2s_load_f64(t->type.dtype, c2s_tensor_data(t), at, n, chunk);
        c2s_store_f64(dtype, c2s_tensor_mutable(*out), at, n, chunk);
    }
    return C2S_OK;
}
