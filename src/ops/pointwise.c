/* SPDX-License-Identifier: Apache-2.0 */
#include "ops/pointwise.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

/* A piece is some blocks for one thread: operands that are the same in every block are loaded once
 * for it. */
enum { ELEMENT_BYTES = 16, PIECE_BLOCKS = 16, PARALLEL_PIECES = 4 };

typedef struct block_buffer {
    _Alignas(64) unsigned char bytes[C2S_BLOCK_ELEMENTS * ELEMENT_BYTES];
} block_buffer;

c2s_status c2s_blocks_pick(const c2s_blocks *blocks, c2s_dtype dtype, c2s_block *out) {
    switch (c2s_wide_of(dtype)) {
    case C2S_WIDE_F32:
        *out = blocks->f32;
        break;
    case C2S_WIDE_F64:
        *out = blocks->f64;
        break;
    case C2S_WIDE_I64:
        *out = blocks->i64;
        break;
    case C2S_WIDE_U64:
        *out = blocks->u64;
        break;
    default:
        *out = NULL;
    }
    if (!*out)
        return c2s_fail(C2S_ERR_UNSUPPORTED, "the operator is not defined for elements of type %s",
                        c2s_dtype_name(dtype));
    return C2S_OK;
}

/* Where to compute a block of the output: in place if the wide type is its storage. */
static void *block_target(c2s_wide wide, c2s_tensor *out, size_t start, block_buffer *buffer) {
    if (!c2s_wide_is_storage(wide, out->type.dtype))
        return buffer->bytes;
    return (char *)c2s_tensor_mutable(out) + start * c2s_wide_size(wide);
}

static void block_finish(c2s_wide wide, c2s_tensor *out, size_t start, size_t n,
                         const void *block) {
    if (!c2s_wide_is_storage(wide, out->type.dtype))
        c2s_wide_store(wide, out->type.dtype, c2s_tensor_mutable(out), start, n, block);
}

void c2s_pointwise_run(const c2s_pointwise *p, const c2s_tensor *const *in, unsigned in_count,
                       c2s_tensor *out) {
    c2s_broadcast b[C2S_POINTWISE_INPUTS];
    const size_t count = out->count;
    size_t size = C2S_BLOCK_ELEMENTS;
    assert(in_count <= C2S_POINTWISE_INPUTS);
    for (unsigned k = 0; k < in_count; k++)
        if (in[k]) {
            c2s_broadcast_init(&b[k], &out->type, &in[k]->type);
            if (b[k].period > 1 && b[k].period <= C2S_BLOCK_ELEMENTS / 2)
                size = C2S_BLOCK_ELEMENTS / b[k].period * b[k].period;
        }
    const size_t blocks = (count + size - 1) / size;
    const size_t pieces = (blocks + PIECE_BLOCKS - 1) / PIECE_BLOCKS;
#pragma omp parallel for schedule(static) if (pieces >= PARALLEL_PIECES)
    for (size_t piece = 0; piece < pieces; piece++) {
        block_buffer buffer[C2S_POINTWISE_INPUTS], result;
        const void *data[C2S_POINTWISE_INPUTS] = {NULL};
        bool same[C2S_POINTWISE_INPUTS] = {false};
        for (unsigned k = 0; k < in_count; k++)
            if (in[k] && b[k].period && size % b[k].period == 0) {
                same[k] = true;
                data[k] = c2s_broadcast_load(&b[k], p->in[k], in[k], 0, size < count ? size : count,
                                             buffer[k].bytes);
            }
        for (size_t start = piece * PIECE_BLOCKS * size, end = start + PIECE_BLOCKS * size;
             start < end && start < count; start += size) {
            const size_t n = count - start < size ? count - start : size;
            for (unsigned k = 0; k < in_count; k++)
                if (in[k] && !same[k])
                    data[k] = c2s_broadcast_load(&b[k], p->in[k], in[k], start, n, buffer[k].bytes);
            void *target = block_target(p->out, out, start, &result);
            p->block(data, target, n, p->params);
            block_finish(p->out, out, start, n, target);
        }
    }
}

static c2s_status eval(c2s_eval *e, const c2s_blocks *blocks, unsigned operands, c2s_wide result,
                       const void *params) {
    const c2s_dtype dtype = e->in[0]->type.dtype;
    const c2s_wide wide = c2s_wide_of(dtype);
    c2s_pointwise p = {.in = {wide, wide, wide}, .out = result, .params = params};
    if (!result)
        p.out = wide;
    C2S_TRY(c2s_blocks_pick(blocks, dtype, &p.block));
    c2s_pointwise_run(&p, e->in, operands < e->in_count ? operands : e->in_count, e->out[0]);
    return C2S_OK;
}

c2s_status c2s_pointwise_eval(c2s_eval *e, const c2s_blocks *blocks, unsigned operands,
                              const void *params) {
    return eval(e, blocks, operands, C2S_WIDE_NONE, params);
}

c2s_status c2s_wrapping_eval(c2s_eval *e, const c2s_blocks *blocks, const c2s_block low[3],
                             unsigned operands) {
    const c2s_dtype dtype = e->in[0]->type.dtype;
    const unsigned bits = c2s_dtype_bits(dtype);
    if (!c2s_dtype_is_integer(dtype) || bits < 8 || bits > 32)
        return eval(e, blocks, operands, C2S_WIDE_NONE, NULL);
    const c2s_wide raw = c2s_wide_raw(dtype);
    const c2s_pointwise p = {.block = low[bits == 8    ? 0
                                          : bits == 16 ? 1
                                                       : 2],
                             .in = {raw, raw, raw},
                             .out = raw};
    c2s_pointwise_run(&p, e->in, operands, e->out[0]);
    return C2S_OK;
}

c2s_status c2s_predicate_eval(c2s_eval *e, const c2s_blocks *blocks, unsigned operands,
                              const void *params) {
    return eval(e, blocks, operands, C2S_WIDE_RAW1, params);
}

c2s_status c2s_variadic_eval(c2s_eval *e, const c2s_blocks *blocks, const c2s_blocks *finish) {
    c2s_tensor *const out = e->out[0];
    const c2s_dtype dtype = e->in[0]->type.dtype;
    const c2s_wide wide = c2s_wide_of(dtype);
    const unsigned inputs = e->in_count;
    const size_t count = out->count, operands = inputs;
    const size_t blocks_of_out = (count + C2S_BLOCK_ELEMENTS - 1) / C2S_BLOCK_ELEMENTS;
    c2s_block fold, last = NULL;
    C2S_TRY(c2s_blocks_pick(blocks, dtype, &fold));
    if (finish)
        C2S_TRY(c2s_blocks_pick(finish, dtype, &last));
    c2s_broadcast *b = c2s_alloc_array(inputs, sizeof *b);
    for (unsigned k = 0; k < inputs; k++)
        c2s_broadcast_init(&b[k], &out->type, &e->in[k]->type);
#pragma omp parallel for schedule(static) if (blocks_of_out >= PARALLEL_PIECES * PIECE_BLOCKS)
    for (size_t block = 0; block < blocks_of_out; block++) {
        block_buffer buffer, even, odd, result; /* even and odd are read and written in turn */
        const size_t start = block * C2S_BLOCK_ELEMENTS, left = count - start;
        const size_t n = left < C2S_BLOCK_ELEMENTS ? left : C2S_BLOCK_ELEMENTS;
        void *target = block_target(wide, out, start, &result);
        const void *sum = c2s_broadcast_load(&b[0], wide, e->in[0], start, n, even.bytes);
        for (unsigned k = 1; k < inputs; k++) {
            const void *pair[2] = {
                sum, c2s_broadcast_load(&b[k], wide, e->in[k], start, n, buffer.bytes)};
            void *next = k + 1 == inputs && !last ? target : k % 2 ? odd.bytes : even.bytes;
            fold(pair, next, n, NULL);
            sum = next;
        }
        if (last) {
            last(&sum, target, n, &operands);
            sum = target;
        }
        if (sum != target) /* a single input */
            memcpy(target, sum, n * c2s_wide_size(wide));
        block_finish(wide, out, start, n, target);
    }
    free(b);
    return C2S_OK;
}
