/* SPDX-License-Identifier: Apache-2.0 */
#include "ops/ms_cached_attention.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "ops/workspace.h"

static const c2s_tensor *input(const c2s_eval *e, unsigned slot) {
    return slot < e->in_count ? e->in[slot] : NULL;
}

/* ---- inference ---- */

/* The width of one head; fresh where it is not known. */
static c2s_dim head_width(const c2s_infer *i, const c2s_type *q, int64_t parts) {
    c2s_dim width;
    return c2s_dim_divides(i->dims, q->dim[2], parts, &width) ? width : c2s_dim_fresh(i->dims);
}

static c2s_status head_count(const c2s_infer *i, const char *name, int64_t *count) {
    *count = c2s_attr_int(i->node, name, 0);
    if (*count < 1 || *count > INT32_MAX)
        return c2s_fail(C2S_ERR_INVALID, "%s is %" PRId64 ", expected 1 to %" PRId32, name, *count,
                        INT32_MAX);
    return C2S_OK;
}

c2s_status c2s_cached_infer(c2s_infer *i, const c2s_cached_slots *slot, c2s_dim present) {
    int64_t heads, key_heads;
    C2S_TRY(head_count(i, "num_heads", &heads));
    C2S_TRY(head_count(i, "kv_num_heads", &key_heads));
    const c2s_type *q = c2s_infer_type(i, slot->query);
    const c2s_type *past = c2s_infer_type(i, slot->past_key);
    const c2s_dtype dtype = past->dtype ? past->dtype : q->dtype;
    const bool known = c2s_type_is_tensor(q) && q->rank == 3;
    const int64_t parts = c2s_infer_has(i, slot->key) ? heads : heads + 2 * key_heads;
    const c2s_dim width = known ? head_width(i, q, parts) : 0;
    c2s_dim cache[4] = {known ? q->dim[0] : 0, key_heads, present, width};
    if (past->rank == 4)
        cache[3] = past->dim[3];
    for (unsigned k = 0; k < i->out_count && k < 3; k++)
        i->out[k] = c2s_type_tensor(k == 0 ? q->dtype : dtype, known && k > 0 ? 4 : -1, cache);
    if (!known || i->out_count == 0)
        return C2S_OK;
    i->out[0] = *q;
    if (!c2s_infer_has(i, slot->key))
        i->out[0].dim[2] = c2s_dim_mul(i->dims, width, heads);
    return C2S_OK;
}

/* ---- operands ---- */

c2s_status c2s_cached_open(const c2s_eval *e, const c2s_cached_slots *slot,
                           c2s_cached_attention *a) {
    const c2s_type *q = &e->in[slot->query]->type;
    const c2s_tensor *key = input(e, slot->key), *value = input(e, slot->value);
    const c2s_tensor *past_key = input(e, slot->past_key);
    const c2s_tensor *past_value = input(e, slot->past_value);
    a->slot = *slot;
    a->heads = c2s_attr_int(e->node, "num_heads", 0);
    a->key_heads = c2s_attr_int(e->node, "kv_num_heads", 0);
    if (a->heads < 1 || a->key_heads < 1 || a->heads % a->key_heads != 0 || a->heads > INT32_MAX)
        return c2s_fail(C2S_ERR_INVALID,
                        "num_heads is %" PRId64 ", kv_num_heads is %" PRId64
                        ", expected positive numbers and a multiple",
                        a->heads, a->key_heads);
    const int64_t parts = key ? a->heads : a->heads + 2 * a->key_heads;
    if (q->rank != 3 || q->dim[2] % parts != 0 || !key != !value)
        return c2s_fail(C2S_ERR_INVALID,
                        "the query must be [batch, length, multiple of %" PRId64
                        "], with both or none of key and value",
                        parts);
    a->batch = q->dim[0];
    a->length = q->dim[1];
    a->width = q->dim[2] / parts;
    const int64_t wide = a->key_heads * a->width;
    for (int k = 0; key && k < 2; k++) {
        const c2s_type *t = k == 0 ? &key->type : &value->type;
        if (t->rank != 3 || t->dim[0] != a->batch || t->dim[1] != a->length || t->dim[2] != wide)
            return c2s_fail(C2S_ERR_INVALID,
                            "keys and values must be [%" PRId64 ", %" PRId64 ", %" PRId64 "]",
                            a->batch, a->length, wide);
    }
    if (!past_key != !past_value)
        return c2s_fail(C2S_ERR_INVALID, "of past_key and past_value only one is given");
    if (!past_key)
        return C2S_OK;
    const c2s_type *t = &past_key->type;
    if (t->rank != 4 || t->dim[0] != a->batch || t->dim[1] != a->key_heads ||
        (t->dim[3] != a->width && t->dim[3] != (a->width + 1) / 2) ||
        !c2s_type_equal(t, &past_value->type))
        return c2s_fail(C2S_ERR_INVALID,
                        "the caches must be [%" PRId64 ", %" PRId64 ", length, %" PRId64 "]",
                        a->batch, a->key_heads, a->width);
    a->past_rows = t->dim[2];
    return C2S_OK;
}

int64_t c2s_cached_rows(const c2s_cached_attention *a, int64_t batch) {
    return a->past[batch] + a->length - a->first[batch];
}

/* [length, count * width] from column `from` on, as rows of heads behind the kept ones. */
static void append(const c2s_cached_attention *a, const double *x, int64_t columns, int64_t from,
                   int64_t count, int64_t rows, const int64_t *start, double *to) {
    for (int64_t b = 0; b < a->batch; b++)
        for (int64_t s = 0; s < a->length; s++)
            for (int64_t h = 0; h < count; h++)
                memcpy(to + ((b * count + h) * rows + (start ? start[b] : 0) + s) * a->width,
                       x + (b * a->length + s) * columns + from + h * a->width,
                       (size_t)a->width * sizeof *to);
}

static void copy_past(const c2s_cached_attention *a, const double *past, const int64_t *kept,
                      double *to) {
    for (int64_t p = 0; past && p < a->batch * a->key_heads; p++)
        memcpy(to + p * a->rows * a->width, past + p * a->past_rows * a->width,
               (size_t)(kept[p / a->key_heads] * a->width) * sizeof *to);
}

c2s_status c2s_cached_gather(c2s_workspace *ws, const c2s_eval *e, c2s_cached_attention *a,
                             const double *past_key, const double *past_value,
                             const int64_t *kept) {
    const int64_t wide = a->key_heads * a->width, all = a->heads * a->width;
    const double *q = c2s_workspace_f64(ws, input(e, a->slot.query));
    const double *k = c2s_workspace_f64(ws, input(e, a->slot.key));
    const double *v = c2s_workspace_f64(ws, input(e, a->slot.value));
    const bool packed = !input(e, a->slot.key);
    for (int64_t b = 0; b < a->batch; b++)
        a->rows = c2s_cached_rows(a, b) > a->rows ? c2s_cached_rows(a, b) : a->rows;
    const size_t size = (size_t)(a->batch * wide) * sizeof *a->k;
    a->q = c2s_workspace_array(ws, (size_t)(a->batch * a->length), (size_t)all * sizeof *a->q);
    a->k = c2s_workspace_array(ws, (size_t)a->rows, size);
    a->v = c2s_workspace_array(ws, (size_t)a->rows, size);
    if (ws->status != C2S_OK)
        return ws->status;
    memset(a->k, 0, (size_t)a->rows * size);
    memset(a->v, 0, (size_t)a->rows * size);
    copy_past(a, past_key, kept, a->k);
    copy_past(a, past_value, kept, a->v);
    const int64_t columns = packed ? all + 2 * wide : wide;
    append(a, q, packed ? columns : all, 0, a->heads, a->length, NULL, a->q);
    append(a, packed ? q : k, columns, packed ? all : 0, a->key_heads, a->rows, kept, a->k);
    append(a, packed ? q : v, columns, packed ? all + wide : 0, a->key_heads, a->rows, kept, a->v);
    return C2S_OK;
}

c2s_status c2s_cached_rotate(c2s_workspace *ws, const c2s_eval *e, c2s_cached_attention *a,
                             bool interleaved, const int64_t *positions) {
    const c2s_tensor *cosine = input(e, a->slot.cosine), *sine = input(e, a->slot.sine);
    if (!cosine || !sine || cosine->type.rank != 2 || !c2s_type_equal(&cosine->type, &sine->type) ||
        2 * cosine->type.dim[1] > a->width)
        return c2s_fail(C2S_ERR_INVALID,
                        "rotation needs cos_cache and sin_cache of one shape [length, at most "
                        "%" PRId64 "]",
                        a->width / 2);
    const int64_t cached = cosine->type.dim[0], half = cosine->type.dim[1];
    const double *c = c2s_workspace_f64(ws, cosine), *s = c2s_workspace_f64(ws, sine);
    for (int64_t p = 0; ws->status == C2S_OK && p < a->batch * a->length; p++) {
        const int64_t b = p / a->length, i = p % a->length;
        const int64_t at = positions ? positions[p] : a->past[b] + i;
        if (i >= a->total[b] - a->past[b])
            continue; /* padding */
        if (at < 0 || at >= cached)
            return c2s_fail(C2S_ERR_INVALID,
                            "position %" PRId64 " is outside of the %" PRId64 " cached ones", at,
                            cached);
        const int64_t row = a->past[b] - a->first[b] + i;
        for (int64_t h = 0; h < a->heads; h++)
            c2s_attention_rotate(a->q + ((b * a->heads + h) * a->length + i) * a->width, half,
                                 interleaved, c + at * half, s + at * half);
        for (int64_t h = 0; h < a->key_heads; h++)
            c2s_attention_rotate(a->k + ((b * a->key_heads + h) * a->rows + row) * a->width, half,
                                 interleaved, c + at * half, s + at * half);
    }
    return ws->status;
}

void c2s_cached_attend(c2s_workspace *ws, const c2s_cached_attention *a, double scale,
                       c2s_cached_finish finish, const void *context, double *y) {
    const int64_t w = a->width, queries = a->heads * a->length;
    const c2s_heads q = {a->batch, a->heads, a->length, w, queries * w, a->length * w, w};
    const c2s_heads k = {
        a->batch, a->key_heads, a->rows, w, a->key_heads * a->rows * w, a->rows * w, w};
    const c2s_heads to = {a->batch, a->heads, a->length, w, queries * w, w, a->heads * w};
    const double *turned = c2s_attention_turn(ws, &k, a->k);
    double *scores = c2s_workspace_array(ws, (size_t)queries, (size_t)a->rows * sizeof *scores);
    for (int64_t b = 0; ws->status == C2S_OK && y && b < a->batch; b++) {
        c2s_attention_scores(&q, a->q, &k, turned, b, scale, scores);
#pragma omp parallel for schedule(static) if (queries * a->rows > 1000)
        for (int64_t r = 0; r < queries; r++)
            finish(context, b, r / a->length, r % a->length, scores + r * a->rows);
        c2s_attention_mix(&k, a->v, scores, b, &to, y);
    }
}
