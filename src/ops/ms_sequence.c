/* SPDX-License-Identifier: Apache-2.0
 *
 * com.microsoft: what stands around models of sequences: MurmurHash3, NGramRepeatBlock,
 * DynamicTimeWarping.
 */
#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "ops/infer_tensor.h"
#include "ops/ties_rules.h"
#include "ops/utf8.h"
#include "ops/workspace.h"

/* ---- MurmurHash3: 32 bits of each element's bytes (Appleby, MurmurHash3_x86_32) ---- */

static uint32_t turn(uint32_t x, int bits) {
    return x << bits | x >> (32 - bits);
}

static uint32_t mix(uint32_t block) {
    return turn(block * 0xcc9e2d51u, 15) * 0x1b873593u;
}

static uint32_t murmur(const uint8_t *bytes, size_t size, uint32_t hash) {
    size_t at = 0;
    uint32_t block = 0;
    for (; at + 4 <= size; at += 4) {
        memcpy(&block, bytes + at, 4);
        hash = turn(hash ^ mix(block), 13) * 5 + 0xe6546b64u;
    }
    block = 0;
    for (size_t k = size; k > at; k--)
        block = block << 8 | bytes[k - 1];
    hash ^= mix(block) ^ (uint32_t)size;
    hash = (hash ^ hash >> 16) * 0x85ebca6bu;
    hash = (hash ^ hash >> 13) * 0xc2b2ae35u;
    return hash ^ hash >> 16;
}

static c2s_status murmur_infer(c2s_infer *i) {
    const c2s_type *x = c2s_infer_type(i, 0);
    C2S_TRY(c2s_infer_tensors(i, 1));
    return c2s_infer_output(
        i, 0, c2s_attr_int(i->node, "positive", 1) != 0 ? C2S_UINT32 : C2S_INT32, x->rank, x->dim);
}

static c2s_status murmur_eval(c2s_eval *e) {
    const c2s_tensor *x = e->in[0];
    const uint32_t seed = (uint32_t)c2s_attr_int(e->node, "seed", 0);
    uint32_t *y = c2s_tensor_mutable(e->out[0]);
    const bool text = x->type.dtype == C2S_STRING;
    const size_t size = text || x->count == 0 ? 0 : c2s_tensor_size(x) / x->count;
    if (!text && x->count && size != 4 && size != 8)
        return c2s_fail(C2S_ERR_INVALID, "input 0 has elements of type %s, expected 32 or 64 bits",
                        c2s_dtype_name(x->type.dtype));
    for (size_t k = 0; k < x->count; k++) {
        const c2s_string word = text ? c2s_tensor_text(x)[k] : (c2s_string){NULL, 0};
        y[k] = text ? murmur((const uint8_t *)word.data, word.size, seed)
                    : murmur((const uint8_t *)c2s_tensor_data(x) + k * size, size, seed);
    }
    return C2S_OK;
}

static const c2s_attr_spec murmur_attrs[] = {
    {"positive", C2S_ATTR_INT, false}, {"seed", C2S_ATTR_INT, false}, {0}};
const c2s_op c2s_op_ms_murmur_hash3 = {.type = "MurmurHash3",
                                       .domain = "com.microsoft",
                                       .inputs = {1, 1},
                                       .outputs = {1, 1},
                                       .quant = C2S_QUANT_ONLY(FLOAT),
                                       .attrs = murmur_attrs,
                                       .ties = c2s_ties_first_input,
                                       .infer = murmur_infer,
                                       .eval = murmur_eval};

/* ---- NGramRepeatBlock: what would repeat a run of tokens gets the score -infinity ---- */

enum { TOKENS, SCORES };

static c2s_status ngram_infer(c2s_infer *i) {
    const c2s_type *scores = c2s_infer_type(i, SCORES);
    C2S_TRY(c2s_infer_tensors(i, 2));
    C2S_TRY(c2s_infer_rank(i, TOKENS, 2, 2));
    C2S_TRY(c2s_infer_rank(i, SCORES, 2, 2));
    return c2s_infer_output(i, 0, scores->dtype, scores->rank, scores->dim);
}

static c2s_status ngram_eval(c2s_eval *e) {
    const c2s_type *tokens = &e->in[TOKENS]->type, *scores = &e->in[SCORES]->type;
    const int64_t size = c2s_attr_int(e->node, "ngram_size", 0), length = tokens->dim[1];
    const int64_t words = scores->dim[1];
    if (size < 1 || tokens->dim[0] != scores->dim[0])
        return c2s_fail(C2S_ERR_INVALID,
                        "ngram_size is %" PRId64 ", %" PRId64 " sequences, %" PRId64
                        " rows of scores",
                        size, tokens->dim[0], scores->dim[0]);
    c2s_workspace ws = {0};
    const int64_t *token = c2s_workspace_i64(&ws, e->in[TOKENS]);
    const float *from = c2s_workspace_f32(&ws, e->in[SCORES]);
    float *to = c2s_workspace_out_f32(&ws, e->out[0]);
    if (ws.status == C2S_OK && e->in[SCORES]->count)
        memcpy(to, from, e->in[SCORES]->count * sizeof *to);
    for (int64_t b = 0; ws.status == C2S_OK && b < tokens->dim[0]; b++)
        for (int64_t at = 0; at + size <= length && ws.status == C2S_OK; at++) {
            const int64_t *row = token + b * length, word = row[at + size - 1];
            if (memcmp(row + at, row + length - (size - 1), (size_t)(size - 1) * sizeof *row) != 0)
                continue;
            if (word < 0 || word >= words)
                ws.status = c2s_fail(C2S_ERR_INVALID, "token %" PRId64 " of %" PRId64, word, words);
            else
                to[b * words + word] = -INFINITY;
        }
    return c2s_workspace_end(&ws);
}

static const c2s_attr_spec ngram_attrs[] = {{"ngram_size", C2S_ATTR_INT, true}, {0}};
const c2s_op c2s_op_ms_ngram_repeat_block = {.type = "NGramRepeatBlock",
                                             .domain = "com.microsoft",
                                             .inputs = {2, 2},
                                             .outputs = {1, 1},
                                             .quant = C2S_QUANT_ONLY(FLOAT),
                                             .attrs = ngram_attrs,
                                             .ties = c2s_ties_pinned,
                                             .infer = ngram_infer,
                                             .eval = ngram_eval};

/* ---- DynamicTimeWarping: the cheapest monotonic path through a matrix of costs ---- */

static c2s_status warping_infer(c2s_infer *i) {
    C2S_TRY(c2s_infer_tensors(i, 1));
    C2S_TRY(c2s_infer_rank(i, 0, 2, 3));
    const c2s_dim dim[2] = {2, c2s_dim_fresh(i->dims)};
    return c2s_infer_output(i, 0, C2S_INT32, 2, dim);
}

enum { DIAGONAL, DOWN, ACROSS };

/* trace[r][c]: the step that came to row r, column c, of costs with a row and column before the
 * first. Of equal steps ACROSS counts, unless both others are more. */
static void accumulate(const float *cost, int64_t rows, int64_t columns, float *sum,
                       uint8_t *trace) {
    const int64_t wide = columns + 1;
    for (int64_t k = 0; k < (rows + 1) * wide; k++) {
        sum[k] = INFINITY;
        trace[k] = k < wide ? ACROSS : DOWN;
    }
    sum[0] = 0.0f;
    for (int64_t c = 1; c <= columns; c++)
        for (int64_t r = 1; r <= rows; r++) {
            float *at = sum + r * wide + c;
            const float step[3] = {at[-wide - 1], at[-wide], at[-1]};
            const int from = step[0] < step[1] && step[0] < step[2]   ? DIAGONAL
                             : step[1] < step[0] && step[1] < step[2] ? DOWN
                                                                      : ACROSS;
            *at = cost[(r - 1) * columns + c - 1] + step[from];
            trace[r * wide + c] = (uint8_t)from;
        }
}

static c2s_status warping_eval(c2s_eval *e) {
    const c2s_type *x = &e->in[0]->type;
    const int64_t rows = x->dim[x->rank - 2], columns = x->dim[x->rank - 1], wide = columns + 1;
    if (x->rank == 3 && x->dim[0] != 1)
        return c2s_fail(C2S_ERR_INVALID, "there are %" PRId64 " matrices, expected 1", x->dim[0]);
    if (rows < 1 || columns < 1)
        return c2s_fail(C2S_ERR_INVALID, "a matrix of %" PRId64 " x %" PRId64, rows, columns);
    c2s_workspace ws = {0};
    const float *cost = c2s_workspace_f32(&ws, e->in[0]);
    float *sum = c2s_workspace_array(&ws, (size_t)(rows + 1), (size_t)wide * sizeof *sum);
    uint8_t *trace = c2s_workspace_array(&ws, (size_t)(rows + 1), (size_t)wide);
    int64_t length = 0;
    if (ws.status == C2S_OK) {
        accumulate(cost, rows, columns, sum, trace);
        for (int64_t r = rows, c = columns; r > 0 || c > 0; length++) {
            const uint8_t step = trace[r * wide + c];
            r -= step != ACROSS;
            c -= step != DOWN;
        }
        ws.status = c2s_eval_new(e, 0, C2S_INT32, 2, (const int64_t[]){2, length});
    }
    if (ws.status == C2S_OK && e->out[0]) {
        int32_t *path = c2s_tensor_mutable(e->out[0]);
        for (int64_t r = rows, c = columns, at = length; at > 0;) {
            const uint8_t step = trace[r * wide + c];
            path[--at] = (int32_t)(r - 1);
            path[length + at] = (int32_t)(c - 1);
            r -= step != ACROSS;
            c -= step != DOWN;
        }
    }
    return c2s_workspace_end(&ws);
}

const c2s_op c2s_op_ms_dynamic_time_warping = {.type = "DynamicTimeWarping",
                                               .domain = "com.microsoft",
                                               .inputs = {1, 1},
                                               .outputs = {1, 1},
                                               .flags = C2S_OP_SIZES_OUTPUTS,
                                               .quant = C2S_QUANT_ONLY(FLOAT),
                                               .ties = c2s_ties_pinned,
                                               .infer = warping_infer,
                                               .eval = warping_eval};
