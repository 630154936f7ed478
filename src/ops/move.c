/* SPDX-License-Identifier: Apache-2.0 */
#include "ops/move.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "ir/convert.h"

c2s_status c2s_move_need(const c2s_infer *i, unsigned required) {
    C2S_TRY(c2s_infer_need(i, required));
    for (unsigned k = 0; k < i->in_count; k++) {
        if (!c2s_infer_has(i, k))
            continue;
        c2s_kind kind = c2s_infer_type(i, k)->kind;
        if (kind != C2S_KIND_TENSOR && (kind != C2S_KIND_UNKNOWN || i->concrete))
            return c2s_fail(C2S_ERR_INVALID, "input %u is not a tensor", k);
    }
    return C2S_OK;
}

c2s_status c2s_move_output(c2s_infer *i, unsigned output, c2s_dtype dtype, int rank,
                           const c2s_dim *dim) {
    if (output >= i->out_count)
        return C2S_OK;
    if (rank > C2S_MAX_RANK)
        return c2s_fail(C2S_ERR_UNSUPPORTED,
                        "output %u would have %d axes, at most %d are possible", output, rank,
                        C2S_MAX_RANK);
    for (int axis = 0; axis < rank; axis++) {
        if (c2s_dim_is_known(dim[axis]) && dim[axis] < 0)
            return c2s_fail(C2S_ERR_INVALID,
                            "output %u would have extent %" PRId64 " along axis %d", output,
                            dim[axis], axis);
    }
    i->out[output] = c2s_type_tensor(dtype, rank < 0 ? -1 : rank, dim);
    return C2S_OK;
}

c2s_status c2s_move_output_rank(c2s_infer *i, unsigned output, c2s_dtype dtype, int rank) {
    c2s_dim dim[C2S_MAX_RANK];
    for (int axis = 0; axis < rank && axis < C2S_MAX_RANK; axis++)
        dim[axis] = c2s_dim_fresh(i->dims);
    return c2s_move_output(i, output, dtype, rank, dim);
}

static c2s_status check_integers(const c2s_infer *i, unsigned input, const char *what) {
    const c2s_type *type = c2s_infer_type(i, input);
    if (type->dtype != C2S_UNDEFINED && !c2s_dtype_is_integer(type->dtype))
        return c2s_fail(C2S_ERR_INVALID, "%s is of type %s, expected integers", what,
                        c2s_dtype_name(type->dtype));
    if (type->rank > 1)
        return c2s_fail(C2S_ERR_INVALID, "%s has %d axes, expected at most 1", what, type->rank);
    return C2S_OK;
}

c2s_status c2s_move_dims(const c2s_infer *i, unsigned input, const char *what, bool *known,
                         const c2s_dim **dims, unsigned *count) {
    unsigned found;
    *known = false;
    if (!c2s_infer_has(i, input))
        return C2S_OK;
    C2S_TRY(check_integers(i, input, what));
    *known = c2s_infer_dims(i, input, dims, count ? count : &found);
    if (!*known && i->concrete)
        return c2s_fail(C2S_ERR_UNSUPPORTED, "%s has too many elements, or elements beyond 62 bits",
                        what);
    return C2S_OK;
}

c2s_status c2s_move_ints(const c2s_infer *i, unsigned input, const char *what, bool *known,
                         const int64_t **ints, unsigned *count) {
    unsigned found;
    *known = false;
    if (!c2s_infer_has(i, input))
        return C2S_OK;
    C2S_TRY(check_integers(i, input, what));
    *known = c2s_infer_ints(i, input, ints, count ? count : &found);
    if (*known && !count && found != 1)
        return c2s_fail(C2S_ERR_INVALID, "%s has %u elements, expected 1", what, found);
    if (!*known && i->concrete)
        return c2s_fail(C2S_ERR_UNSUPPORTED, "%s has too many elements, or elements beyond 62 bits",
                        what);
    return C2S_OK;
}

int64_t c2s_move_length(const c2s_infer *i, unsigned input) {
    const c2s_type *type = c2s_infer_type(i, input);
    if (type->rank != 1 || !c2s_dim_is_known(type->dim[0]) || type->dim[0] < 0)
        return -1;
    return type->dim[0];
}

c2s_status c2s_move_axes(const int64_t *given, size_t count, int rank, int *axes) {
    uint32_t seen = 0;
    if (count > (size_t)rank)
        return c2s_fail(C2S_ERR_INVALID, "%zu axes are given for a tensor of rank %d", count, rank);
    for (size_t k = 0; k < count; k++) {
        C2S_TRY(c2s_infer_axis(given[k], rank, &axes[k]));
        if (seen & ((uint32_t)1 << axes[k]))
            return c2s_fail(C2S_ERR_INVALID, "axis %d is given twice", axes[k]);
        seen |= (uint32_t)1 << axes[k];
    }
    return C2S_OK;
}

bool c2s_dim_never_negative(c2s_dims *dims, c2s_dim dim) {
    return c2s_dim_is_known(dim) ? dim >= 0 : c2s_dim_max(dims, dim, 0) == dim;
}

bool c2s_dim_always_negative(c2s_dims *dims, c2s_dim dim) {
    return c2s_dim_is_known(dim) ? dim < 0 : c2s_dim_max(dims, dim, -1) == -1;
}

c2s_dim c2s_dim_product(c2s_dims *dims, const c2s_dim *dim, int begin, int end) {
    c2s_dim product = 1;
    for (int axis = begin; axis < end; axis++)
        product = c2s_dim_mul(dims, product, dim[axis]);
    return product;
}

void c2s_move_contents(c2s_infer *i) {
    const c2s_dim *dims;
    unsigned count;
    const c2s_type *out = &i->out[0];
    if (i->concrete || out->rank < 0 || out->rank > 1 || !c2s_dtype_is_integer(out->dtype))
        return;
    if (c2s_infer_dims(i, 0, &dims, &count))
        c2s_infer_set_contents(i, 0, dims, count);
}

/* ---- elements ---- */

static char no_elements[16];

c2s_status c2s_scratch(size_t count, size_t size, void *out) {
    size_t bytes;
    void *memory = NULL;
    if (c2s_mul_size(count, size, &bytes))
        memory = c2s_try_alloc_aligned(bytes ? bytes : 1);
    if (!memory)
        return c2s_fail(C2S_ERR_MEMORY, "no memory for %zu elements of %zu bytes", count, size);
    memcpy(out, &memory, sizeof memory);
    return C2S_OK;
}

static void unpack(unsigned bits, const unsigned char *packed, size_t count, unsigned char *out) {
    unsigned per_byte = 8 / bits, mask = (1U << bits) - 1;
    for (size_t k = 0; k < count; k++)
        out[k] = (unsigned char)(packed[k / per_byte] >> (k % per_byte * bits) & mask);
}

static void pack(unsigned bits, const unsigned char *values, size_t count, unsigned char *out) {
    unsigned per_byte = 8 / bits, mask = (1U << bits) - 1;
    for (size_t k = 0; k < count; k += per_byte) {
        unsigned byte = 0;
        for (unsigned j = 0; j < per_byte && k + j < count; j++)
            byte |= (values[k + j] & mask) << (j * bits);
        out[k / per_byte] = (unsigned char)byte;
    }
}

c2s_status c2s_elements_read(const c2s_tensor *tensor, c2s_elements *out) {
    unsigned bits = c2s_dtype_bits(tensor->type.dtype);
    *out = (c2s_elements){.data = no_elements, .count = tensor->count};
    out->size = bits < 8 ? 1 : bits / 8;
    if (tensor->count == 0)
        return C2S_OK;
    if (bits < 8) {
        C2S_TRY(c2s_scratch(out->count, 1, &out->owned));
        out->data = out->owned;
        unpack(bits, c2s_tensor_data(tensor), out->count, out->owned);
        return C2S_OK;
    }
    const void *data = c2s_tensor_data(tensor);
    memcpy(&out->data, &data, sizeof data);
    return C2S_OK;
}

c2s_status c2s_elements_write(const c2s_eval *e, unsigned output, c2s_elements *out) {
    if (!e->out[output])
        return c2s_fail(C2S_ERR_INVALID, "output %u is left out", output);
    return c2s_elements_begin(e->out[output], out);
}

c2s_status c2s_elements_begin(c2s_tensor *tensor, c2s_elements *out) {
    unsigned bits = c2s_dtype_bits(tensor->type.dtype);
    *out = (c2s_elements){.data = no_elements, .count = tensor->count};
    out->size = bits < 8 ? 1 : bits / 8;
    if (tensor->count == 0)
        return C2S_OK;
    if (bits < 8) {
        C2S_TRY(c2s_scratch(out->count, 1, &out->owned));
        out->data = out->owned;
    } else {
        out->data = c2s_tensor_mutable(tensor);
    }
    return C2S_OK;
}

c2s_status c2s_elements_commit(c2s_eval *e, unsigned output, c2s_elements *elements) {
    return c2s_elements_finish(&e->out[output], elements);
}

c2s_status c2s_elements_finish(c2s_tensor **slot, c2s_elements *elements) {
    c2s_tensor *tensor = *slot, *owner;
    if (elements->owned) {
        pack(c2s_dtype_bits(tensor->type.dtype), elements->owned, elements->count,
             c2s_tensor_mutable(tensor));
    } else if (tensor->type.dtype == C2S_STRING && tensor->count) {
        C2S_TRY(c2s_tensor_strings(tensor->type.rank, tensor->type.dim,
                                   (const c2s_string *)(const void *)elements->data, &owner));
        c2s_tensor_unref(tensor);
        *slot = owner;
    }
    c2s_elements_close(elements);
    return C2S_OK;
}

void c2s_elements_close(c2s_elements *elements) {
    free(elements->owned);
    elements->owned = NULL;
}

c2s_status c2s_move_open(c2s_eval *e, c2s_elements *in, c2s_elements *out) {
    C2S_TRY(c2s_elements_read(e->in[0], in));
    c2s_status status = c2s_elements_write(e, 0, out);
    if (status != C2S_OK)
        c2s_elements_close(in);
    return status;
}

c2s_status c2s_move_close(c2s_eval *e, c2s_elements *in, c2s_elements *out, c2s_status status) {
    if (status == C2S_OK)
        status = c2s_elements_commit(e, 0, out);
    c2s_elements_close(out);
    c2s_elements_close(in);
    return status;
}

static c2s_status check_real(const c2s_tensor *tensor) {
    c2s_dtype dtype = tensor->type.dtype;
    if (dtype == C2S_STRING || dtype == C2S_COMPLEX64 || dtype == C2S_COMPLEX128)
        return c2s_fail(C2S_ERR_UNSUPPORTED, "an input is of type %s, expected real numbers",
                        c2s_dtype_name(dtype));
    return C2S_OK;
}

c2s_status c2s_tensor_ints(const c2s_tensor *tensor, int64_t **out) {
    C2S_TRY(check_real(tensor));
    C2S_TRY(c2s_scratch(tensor->count, sizeof **out, out));
    if (tensor->count)
        c2s_load_i64(tensor->type.dtype, c2s_tensor_data(tensor), 0, tensor->count, *out);
    return C2S_OK;
}

c2s_status c2s_tensor_doubles(const c2s_tensor *tensor, double **out) {
    C2S_TRY(check_real(tensor));
    C2S_TRY(c2s_scratch(tensor->count, sizeof **out, out));
    if (tensor->count)
        c2s_load_f64(tensor->type.dtype, c2s_tensor_data(tensor), 0, tensor->count, *out);
    return C2S_OK;
}

c2s_status c2s_index_check(int64_t *index, int64_t extent) {
    if (*index < -extent || *index >= extent)
        return c2s_fail(C2S_ERR_INVALID,
                        "index %" PRId64 " is out of range, allowed are %" PRId64 " to %" PRId64,
                        *index, -extent, extent - 1);
    if (*index < 0)
        *index += extent;
    return C2S_OK;
}

c2s_status c2s_tensor_indices(const c2s_tensor *tensor, int64_t extent, int64_t **out) {
    if (!c2s_dtype_is_integer(tensor->type.dtype))
        return c2s_fail(C2S_ERR_INVALID, "indices are of type %s, expected integers",
                        c2s_dtype_name(tensor->type.dtype));
    C2S_TRY(c2s_tensor_ints(tensor, out));
    for (size_t k = 0; k < tensor->count; k++) {
        c2s_status status = c2s_index_check(&(*out)[k], extent);
        if (status != C2S_OK) {
            free(*out);
            *out = NULL;
            return status;
        }
    }
    return C2S_OK;
}

/* The least and greatest integers that double holds and the type too. */
static void integer_range(c2s_dtype dtype, double *least, double *most) {
    unsigned bits = dtype == C2S_BOOL ? 1 : c2s_dtype_bits(dtype);
    bool is_signed = dtype != C2S_BOOL && c2s_dtype_is_signed(dtype);
    double range = ldexp(1, (int)bits - (is_signed ? 1 : 0));
    *least = is_signed ? -range : 0;
    *most = bits > 53 ? nextafter(range, 0) : range - 1;
}

void c2s_tensor_put_doubles(c2s_tensor *tensor, double *values) {
    c2s_dtype dtype = tensor->type.dtype;
    if (!tensor->count)
        return;
    if (!c2s_dtype_is_float(dtype)) {
        double least, most;
        integer_range(dtype, &least, &most);
        for (size_t k = 0; k < tensor->count; k++) {
            double v = values[k] < least ? least : values[k];
            values[k] = v > most ? most : v == v ? v : 0;
        }
    }
    c2s_store_f64(dtype, c2s_tensor_mutable(tensor), 0, tensor->count, values);
}
