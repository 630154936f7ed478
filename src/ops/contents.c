/* SPDX-License-Identifier: Apache-2.0 */
#include "ops/contents.h"

#include "base/memory.h"

/* Longer tensors are no shapes. */
enum { CONTENTS_MAX = 1024 };

/* Number of elements of output 0 if contents can be kept for it. */
static bool contents_wanted(const c2s_infer *i, unsigned *count) {
    const c2s_type *out = &i->out[0];
    if (i->concrete || out->kind != C2S_KIND_TENSOR || out->rank < 0 || out->rank > 1)
        return false;
    if (!c2s_dtype_is_integer(out->dtype) && out->dtype != C2S_BOOL)
        return false;
    *count = 1;
    if (out->rank == 1) {
        if (!c2s_dim_is_known(out->dim[0]) || out->dim[0] < 0 || out->dim[0] > CONTENTS_MAX)
            return false;
        *count = (unsigned)out->dim[0];
    }
    return true;
}

/* Contents of an input that has `count` elements or one. */
static bool contents_of(const c2s_infer *i, unsigned input, unsigned count, const c2s_dim **dims,
                        unsigned *step) {
    unsigned own;
    if (!c2s_infer_has(i, input) || !c2s_infer_dims(i, input, dims, &own))
        return false;
    if (own != count && own != 1)
        return false;
    *step = own == 1 ? 0 : 1;
    return true;
}

/* Narrow integer types wrap around; what may have done so is not known. */
static c2s_dim fit(const c2s_infer *i, c2s_dim value) {
    const c2s_dtype dtype = i->out[0].dtype;
    const unsigned bits = c2s_dtype_bits(dtype);
    if (!c2s_dim_is_known(value) || bits >= 64 || dtype == C2S_BOOL)
        return value;
    const int64_t top = (int64_t)1 << (c2s_dtype_is_signed(dtype) ? bits - 1 : bits);
    const int64_t bottom = c2s_dtype_is_signed(dtype) ? -top : 0;
    return value >= bottom && value < top ? value : c2s_dim_unknown(i->dims);
}

void c2s_contents_unary(c2s_infer *i, c2s_contents_fn1 function) {
    const c2s_dim *a;
    unsigned count, step;
    if (!contents_wanted(i, &count) || !contents_of(i, 0, count, &a, &step))
        return;
    c2s_dim *out = c2s_arena_array(i->arena, count ? count : 1, sizeof *out);
    for (unsigned k = 0; k < count; k++)
        out[k] = fit(i, function(i->dims, a[k * step]));
    c2s_infer_set_contents(i, 0, out, count);
}

static c2s_dim same(c2s_dims *dims, c2s_dim a) {
    (void)dims;
    return a;
}

void c2s_contents_copy(c2s_infer *i) {
    c2s_contents_unary(i, same);
}

void c2s_contents_keep(c2s_infer *i) {
    const c2s_dim *dims;
    unsigned count;
    const c2s_type *out = &i->out[0];
    if (i->concrete || out->rank < 0 || out->rank > 1 || !c2s_dtype_is_integer(out->dtype))
        return;
    if (c2s_infer_dims(i, 0, &dims, &count))
        c2s_infer_set_contents(i, 0, dims, count);
}

void c2s_contents_clip(c2s_infer *i, const c2s_dim *least, const c2s_dim *most) {
    const c2s_dim *a;
    unsigned count, step;
    if (!contents_wanted(i, &count) || !contents_of(i, 0, count, &a, &step))
        return;
    c2s_dim *out = c2s_arena_array(i->arena, count ? count : 1, sizeof *out);
    for (unsigned k = 0; k < count; k++) {
        out[k] = a[k * step];
        if (least)
            out[k] = c2s_dim_max(i->dims, out[k], *least);
        if (most)
            out[k] = c2s_dim_min(i->dims, out[k], *most);
    }
    c2s_infer_set_contents(i, 0, out, count);
}

void c2s_contents_fold(c2s_infer *i, c2s_contents_fn2 function) {
    const c2s_dim *a;
    unsigned count, step;
    if (!contents_wanted(i, &count) || !contents_of(i, 0, count, &a, &step))
        return;
    c2s_dim *out = c2s_arena_array(i->arena, count ? count : 1, sizeof *out);
    for (unsigned k = 0; k < count; k++)
        out[k] = a[k * step];
    for (unsigned input = 1; input < i->in_count; input++) {
        if (!contents_of(i, input, count, &a, &step))
            return;
        for (unsigned k = 0; k < count; k++)
            out[k] = fit(i, function(i->dims, out[k], a[k * step]));
    }
    c2s_infer_set_contents(i, 0, out, count);
}

void c2s_contents_where(c2s_infer *i) {
    const c2s_dim *condition, *a, *b;
    unsigned count, step[3];
    if (!contents_wanted(i, &count) || !contents_of(i, 0, count, &condition, &step[0]) ||
        !contents_of(i, 1, count, &a, &step[1]) || !contents_of(i, 2, count, &b, &step[2]))
        return;
    c2s_dim *out = c2s_arena_array(i->arena, count ? count : 1, sizeof *out);
    for (unsigned k = 0; k < count; k++) {
        const c2s_dim holds = condition[k * step[0]], x = a[k * step[1]], y = b[k * step[2]];
        if (x == y)
            out[k] = x;
        else if (c2s_dim_is_known(holds))
            out[k] = holds ? x : y;
        else
            out[k] = c2s_dim_unknown(i->dims);
    }
    c2s_infer_set_contents(i, 0, out, count);
}

c2s_dim c2s_dim_negate(c2s_dims *dims, c2s_dim a) {
    return c2s_dim_sub(dims, 0, a);
}

c2s_dim c2s_dim_absolute(c2s_dims *dims, c2s_dim a) {
    if (c2s_dim_is_known(a))
        return a < 0 ? c2s_dim_sub(dims, 0, a) : a;
    return c2s_dim_never_negative(dims, a) ? a : c2s_dim_max(dims, a, c2s_dim_sub(dims, 0, a));
}

c2s_dim c2s_dim_truncdiv(c2s_dims *dims, c2s_dim a, c2s_dim b) {
    if (c2s_dim_is_known(a) && c2s_dim_is_known(b))
        return b == 0 ? c2s_dim_unknown(dims) : a / b;
    return c2s_dim_floordiv(dims, a, b);
}

c2s_dim c2s_dim_truncmod(c2s_dims *dims, c2s_dim a, c2s_dim b) {
    if (c2s_dim_is_known(a) && c2s_dim_is_known(b))
        return b == 0 ? c2s_dim_unknown(dims) : a % b;
    return c2s_dim_mod(dims, a, b);
}

/* Is a < b for every binding (1), for none (0), or not known (-1)? */
static int less(c2s_dims *dims, c2s_dim a, c2s_dim b) {
    if (c2s_dim_is_known(a) && c2s_dim_is_known(b))
        return a < b;
    if (c2s_dim_never_negative(dims, c2s_dim_sub(dims, a, b)))
        return 0;
    return c2s_dim_always_negative(dims, c2s_dim_sub(dims, a, b)) ? 1 : -1;
}

static c2s_dim answer(c2s_dims *dims, int known) {
    return known < 0 ? c2s_dim_unknown(dims) : known;
}

c2s_dim c2s_dim_equal(c2s_dims *dims, c2s_dim a, c2s_dim b) {
    if (a == b)
        return 1;
    return less(dims, a, b) == 1 || less(dims, b, a) == 1 ? 0 : c2s_dim_unknown(dims);
}

c2s_dim c2s_dim_less(c2s_dims *dims, c2s_dim a, c2s_dim b) {
    return answer(dims, less(dims, a, b));
}

c2s_dim c2s_dim_greater(c2s_dims *dims, c2s_dim a, c2s_dim b) {
    return answer(dims, less(dims, b, a));
}

c2s_dim c2s_dim_less_equal(c2s_dims *dims, c2s_dim a, c2s_dim b) {
    const int greater = less(dims, b, a);
    return answer(dims, greater < 0 ? -1 : !greater);
}

c2s_dim c2s_dim_greater_equal(c2s_dims *dims, c2s_dim a, c2s_dim b) {
    const int smaller = less(dims, a, b);
    return answer(dims, smaller < 0 ? -1 : !smaller);
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
