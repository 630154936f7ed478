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

static c2s_status pick(const c2s_blocks *blocks, c2s_dtype dtype, c2s_block *out) {
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
            p->block(data, target, n, &p->params);
            block_finish(p->out, out, start, n, target);
        }
    }
}

/* ---- for operators ---- */

c2s_status c2s_pointwise_same(c2s_pointwise *p, const c2s_blocks *blocks, c2s_dtype dtype,
                              unsigned operands) {
    const c2s_wide wide = c2s_wide_of(dtype);
    p->operands = operands;
    p->out = wide;
    for (unsigned k = 0; k < operands; k++) {
        p->slot[k] = (unsigned char)k;
        p->in[k] = wide;
    }
    return pick(blocks, dtype, &p->block);
}

c2s_status c2s_pointwise_wrapping(c2s_pointwise *p, const c2s_blocks *blocks,
                                  const c2s_block low[3], c2s_dtype dtype, unsigned operands) {
    const unsigned bits = c2s_dtype_bits(dtype);
    C2S_TRY(c2s_pointwise_same(p, blocks, dtype, operands));
    if (!c2s_dtype_is_integer(dtype) || bits < 8 || bits > 32)
        return C2S_OK;
    p->block = low[bits == 8 ? 0 : bits == 16 ? 1 : 2];
    p->out = c2s_wide_raw(dtype);
    for (unsigned k = 0; k < operands; k++)
        p->in[k] = p->out;
    return C2S_OK;
}

c2s_status c2s_pointwise_predicate(c2s_pointwise *p, const c2s_blocks *blocks, c2s_dtype dtype,
                                   unsigned operands) {
    C2S_TRY(c2s_pointwise_same(p, blocks, dtype, operands));
    p->out = C2S_WIDE_RAW1;
    return C2S_OK;
}

c2s_status c2s_pointwise_fold(c2s_pointwise *p, const c2s_blocks *blocks, const c2s_blocks *finish,
                              c2s_dtype dtype, unsigned inputs) {
    C2S_TRY(c2s_pointwise_same(p, blocks, dtype, 2));
    p->folds = true;
    p->params.count = inputs;
    return finish ? pick(finish, dtype, &p->finish) : C2S_OK;
}

/* ---- eval ---- */

static void fold_run(const c2s_pointwise *p, c2s_eval *e) {
    c2s_tensor *const out = e->out[0];
    const c2s_wide wide = p->out;
    const unsigned inputs = e->in_count;
    const size_t count = out->count;
    const size_t blocks_of_out = (count + C2S_BLOCK_ELEMENTS - 1) / C2S_BLOCK_ELEMENTS;
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
            void *next = k + 1 == inputs && !p->finish ? target : k % 2 ? odd.bytes : even.bytes;
            p->block(pair, next, n, &p->params);
            sum = next;
        }
        if (p->finish) {
            p->finish(&sum, target, n, &p->params);
            sum = target;
        }
        if (sum != target) /* a single input */
            memcpy(target, sum, n * c2s_wide_size(wide));
        block_finish(wide, out, start, n, target);
    }
    free(b);
}

/* A single element broadcasts to everything, whatever its rank: a bound of Clip of shape [1]. */
static c2s_status as_scalar(const c2s_tensor *in, c2s_tensor **out) {
    *out = NULL;
    return in && in->count == 1 && in->type.rank > 0 ? c2s_tensor_reshape(in, 0, NULL, out)
                                                     : C2S_OK;
}

static c2s_status operands_run(const c2s_pointwise *p, c2s_eval *e) {
    const c2s_tensor *in[C2S_POINTWISE_INPUTS] = {NULL};
    c2s_tensor *scalar[C2S_POINTWISE_INPUTS] = {NULL};
    c2s_status status = C2S_OK;
    for (unsigned k = 0; k < p->operands && status == C2S_OK; k++) {
        in[k] = p->slot[k] < e->in_count ? e->in[p->slot[k]] : NULL;
        status = as_scalar(in[k], &scalar[k]);
        in[k] = scalar[k] ? scalar[k] : in[k];
    }
    if (status == C2S_OK)
        c2s_pointwise_run(p, in, p->operands, e->out[0]);
    for (unsigned k = 0; k < p->operands; k++)
        c2s_tensor_unref(scalar[k]);
    return status;
}

c2s_status c2s_pointwise_eval(c2s_eval *e) {
    enum { FEW = 8 };
    c2s_fact few[FEW] = {{0}};
    c2s_fact *in = e->in_count <= FEW ? few : c2s_alloc_array(e->in_count, sizeof *in);
    for (unsigned k = 0; k < e->in_count; k++)
        in[k] =
            e->in[k] ? (c2s_fact){.type = &e->in[k]->type, .constant = e->in[k]} : (c2s_fact){0};
    c2s_pointwise p = {0};
    c2s_status status = e->node->op->pointwise(e->node, in, &p);
    if (in != few)
        free(in);
    C2S_TRY(status);
    if (!p.folds)
        return operands_run(&p, e);
    fold_run(&p, e);
    return C2S_OK;
}
