/* SPDX-License-Identifier: Apache-2.0
 *
 * Attention: softmax(q x k * scale + mask) x v. The scores of a few queries at a time stay in the
 * cache; they are never written out.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/dnnl_primitive.h"
#include "runtime/groups.h"
#include "runtime/layout.h"
#include "runtime/product.h"
#include "runtime/product_attention.h"
#include "base/threads.h"
#include "runtime/vector_math.h"

enum { Q = C2S_Q, K = C2S_K, V = C2S_V, MASK = C2S_MASK, INPUTS = C2S_ATTENTION_INPUTS };
typedef c2s_attention attention;

/* ---- describing ---- */

/* The strides of an operand that is broadcast to [batch.., rows, columns]. */
static bool place(const attention *t, const c2s_matrices *m, int64_t rows, int64_t columns,
                  int64_t *stride) {
    int rank = t->batch_rank + 2;
    if (m->rank > rank)
        return false;
    for (int axis = 0; axis < rank; axis++) {
        int own = axis - (rank - m->rank);
        int64_t extent = axis == rank - 1 ? columns : axis == rank - 2 ? rows : t->batch[axis];
        stride[axis] = own < 0 || m->dim[own] == 1 ? 0 : m->stride[own];
        if (own >= 0 && m->dim[own] != 1 && m->dim[own] != extent)
            return false;
    }
    return true;
}

/* With `exact` extents of the last two axes nothing is broadcast. */
static bool is_exact(const c2s_matrices *m, int64_t rows, int64_t columns) {
    return m->dim[m->rank - 2] == rows && m->dim[m->rank - 1] == columns;
}

static bool describe(const c2s_matrices side[INPUTS], bool has_mask, const c2s_matrices *c,
                     attention *t) {
    t->batch_rank = c->rank - 2;
    memcpy(t->batch, c->dim, (size_t)t->batch_rank * sizeof *t->batch);
    memcpy(t->c_stride, c->stride, (size_t)c->rank * sizeof *c->stride);
    t->queries = side[Q].dim[side[Q].rank - 2];
    t->depth = side[Q].dim[side[Q].rank - 1];
    t->keys = side[K].dim[side[K].rank - 1];
    t->width = side[V].dim[side[V].rank - 1];
    if (!is_exact(&side[K], t->depth, t->keys) || !is_exact(&side[V], t->keys, t->width) ||
        !is_exact(c, t->queries, t->width) ||
        !place(t, &side[Q], t->queries, t->depth, t->stride[Q]) ||
        !place(t, &side[K], t->depth, t->keys, t->stride[K]) ||
        !place(t, &side[V], t->keys, t->width, t->stride[V]))
        return false;
    if (has_mask && !place(t, &side[MASK], t->queries, t->keys, t->stride[MASK]))
        return false;
    c2s_attention_plan(t);
    return true;
}

void c2s_attention_plan(c2s_attention *t) {
    enum { SCORES = 32768 }; /* floats that stay in the second cache beside k and v */
    t->pitch = (t->keys + 15) / 16 * 16;
    t->block = SCORES / t->pitch / 6 * 6;
    t->block = t->block < 6 ? 6 : t->block > 96 ? 96 : t->block;
}

static bool is_ours(const c2s_step *step) {
    return c2s_dnnl_accepts(&step->out[0]->type);
}

static c2s_status attention_prepare(c2s_step *step) {
    c2s_matrices side[INPUTS], c;
    for (unsigned i = 0; i < INPUTS; i++) {
        if (!step->in[i])
            continue;
        if (i != MASK)
            C2S_TRY(c2s_matrices_take(step, i, &side[i]));
        else
            C2S_TRY(c2s_step_take(step, i, NULL));
        if (i == MASK)
            c2s_matrices_of(&step->in[i]->type, NULL, &side[i]);
    }
    attention t = {.scale = step->group->number};
    C2S_TRY(c2s_matrices_give(step, &c));
    if (!describe(side, step->in[MASK] != NULL, &c, &t))
        return c2s_fail(C2S_ERR_UNSUPPORTED, "the extents do not fit");
    step->state = c2s_alloc(sizeof t);
    *(attention *)step->state = t;
    return C2S_OK;
}

static void attention_release(c2s_step *step) {
    free(step->state);
    step->state = NULL;
}

/* ---- softmax ---- */

/* The row has room for whole vectors. */
C2S_V8 static void softmax_row(float *x, int64_t count, bool zeros) {
    while (count % 8)
        x[count++] = -INFINITY;
    c2s_v8 most = v8_load(x), sum = v8_set(0);
    for (int64_t i = 8; i < count; i += 8)
        most = v8_at_least(v8_load(x + i), most);
    float largest = most[0];
    for (int i = 1; i < 8; i++)
        largest = most[i] > largest ? most[i] : largest;
    if (largest == -INFINITY && zeros) {
        memset(x, 0, (size_t)count * sizeof *x);
        return;
    }
    for (int64_t i = 0; i < count; i += 8) {
        c2s_v8 e = v8_exp(v8_load(x + i) - v8_set(largest));
        v8_store(x + i, e);
        sum = sum + e;
    }
    c2s_v8 by = v8_set(1 / v8_sum(sum));
    for (int64_t i = 0; i < count; i += 8)
        v8_store(x + i, v8_load(x + i) * by);
}

/* NaN or infinity, of which comes NaN: vectors lose the one, and exp the other. */
static bool is_poisoned(const float *x, int64_t count) {
    bool poisoned = false;
    for (int64_t i = 0; i < count; i++)
        poisoned |= !(x[i] < INFINITY);
    return poisoned;
}

/* The keys behind the first `seen` ones are hidden. */
static void softmax_scores(const attention *t, float *x, int64_t seen) {
    if (t->doubtful && is_poisoned(x, seen))
        for (int64_t i = 0; i < seen; i++)
            x[i] = NAN;
    else
        softmax_row(x, seen, t->zeros);
    for (int64_t i = seen; i < t->keys; i++)
        x[i] = 0;
}

/* ---- running ---- */

typedef struct run {
    const attention *t;
    const float *in[INPUTS];
    float *c;
    float *work; /* per thread: packed k, packed v, a block of scores, packed rows of q or scores */
    size_t k_count, v_count, score_count, a_count;
    bool few;      /* k and v are read where they lie */
    int64_t parts; /* of the queries of a matrix */
} run;

typedef struct head {
    c2s_gemm scores, values;
    c2s_tail tail;
} head;

static int64_t offset_of(const attention *t, const int64_t *stride, int64_t matrix) {
    int64_t offset = 0;
    for (int i = t->batch_rank - 1; i >= 0; i--) {
        offset += matrix % t->batch[i] * stride[i];
        matrix /= t->batch[i];
    }
    return offset;
}

static void set_head(const run *r, int64_t matrix, float *work, head *h) {
    const attention *t = r->t;
    int row = t->batch_rank, column = row + 1;
    float *scores = work + r->k_count + r->v_count;
    h->scores = (c2s_gemm){.n = t->keys,
                           .k = t->depth,
                           .a = r->in[Q] + offset_of(t, t->stride[Q], matrix),
                           .a_row = t->stride[Q][row],
                           .a_column = t->stride[Q][column],
                           .b = r->in[K] + offset_of(t, t->stride[K], matrix),
                           .b_row = t->stride[K][row],
                           .b_column = t->stride[K][column],
                           .c = scores,
                           .c_row = t->pitch,
                           .tail = &h->tail};
    h->values = (c2s_gemm){.n = t->width,
                           .k = t->keys,
                           .a = scores,
                           .a_row = t->pitch,
                           .a_column = 1,
                           .b = r->in[V] + offset_of(t, t->stride[V], matrix),
                           .b_row = t->stride[V][row],
                           .b_column = t->stride[V][column],
                           .c = r->c + offset_of(t, t->c_stride, matrix),
                           .c_row = t->c_stride[row]};
    h->tail = (c2s_tail){.count = 0};
    if (t->scale != 1)
        c2s_tail_add(&h->tail,
                     &(c2s_post){.kind = dnnl_eltwise_linear, .alpha = t->scale, .factor = 1});
    if (r->in[MASK]) {
        c2s_tail_op *op = c2s_tail_add(
            &h->tail, &(c2s_post){.kind = dnnl_binary_add, .binary = true, .factor = 1});
        op->operand = r->in[MASK] + offset_of(t, t->stride[MASK], matrix);
        op->row = t->stride[MASK][row];
        op->column = t->stride[MASK][column];
    }
}

static void multiply(const run *r, const c2s_gemm *g, int64_t columns, float *packed) {
    if (r->few)
        c2s_gemm_few(g, false);
    else
        c2s_gemm_part(g, 0, g->m, 0, c2s_gemm_panels(columns), packed);
}

/* Keys in front of those that causality hides from the query. */
static int64_t seen_by(const attention *t, int64_t query) {
    int64_t seen = query + t->past + 1;
    return t->causal && seen < t->keys ? seen : t->keys;
}

/* Queries from <= query < to of one matrix. */
static void run_queries(const run *r, int64_t matrix, int64_t from, int64_t to, float *work) {
    const attention *t = r->t;
    head h;
    set_head(r, matrix, work, &h);
    if (!r->few) {
        c2s_gemm_pack(&h.scores, 0, c2s_gemm_panels(t->keys), work);
        c2s_gemm_pack(&h.values, 0, c2s_gemm_panels(t->width), work + r->k_count);
        h.scores.b = work;
        h.values.b = work + r->k_count;
    }
    const c2s_gemm scores = h.scores, values = h.values;
    const float *mask = h.tail.count ? h.tail.op[h.tail.count - 1].operand : NULL;
    for (int64_t i = from; i < to; i += t->block) {
        int64_t rows = to - i < t->block ? to - i : t->block;
        h.scores.m = h.values.m = rows;
        h.scores.a = scores.a + i * scores.a_row;
        h.values.c = values.c + i * values.c_row;
        if (mask)
            h.tail.op[h.tail.count - 1].operand = mask + i * h.tail.op[h.tail.count - 1].row;
        multiply(r, &h.scores, seen_by(t, i + rows - 1),
                 work + r->k_count + r->v_count + r->score_count);
        for (int64_t k = 0; k < rows; k++)
            softmax_scores(t, h.scores.c + k * t->pitch, seen_by(t, i + k));
        multiply(r, &h.values, t->width, NULL);
    }
}

/* Parts of matrices, on this thread. */
static void run_parts(const void *context, size_t from, size_t to) {
    const run *r = context;
    const attention *t = r->t;
    size_t each = r->k_count + r->v_count + r->score_count + r->a_count;
    float *work = r->work + (size_t)c2s_this_thread() * each;
    for (int64_t i = (int64_t)from; i < (int64_t)to; i++) {
        int64_t part = i % r->parts;
        run_queries(r, i / r->parts, t->queries * part / r->parts,
                    t->queries * (part + 1) / r->parts, work);
    }
}

static bool reads_in_place(const attention *t) {
    int row = t->batch_rank, column = row + 1;
    c2s_gemm scores = {.m = t->queries,
                       .n = t->keys,
                       .k = t->depth,
                       .a_column = t->stride[Q][column],
                       .b_row = t->stride[K][row],
                       .b_column = t->stride[K][column]};
    c2s_gemm values = {.m = t->queries,
                       .n = t->width,
                       .k = t->keys,
                       .a_column = 1,
                       .b_row = t->stride[V][row],
                       .b_column = t->stride[V][column]};
    return c2s_gemm_few_serves(&scores) && c2s_gemm_few_serves(&values);
}

c2s_status c2s_attention_run(const c2s_attention *t, struct c2s_dnnl *dnnl,
                             const float *const in[C2S_ATTENTION_INPUTS], float *c) {
    run r = {.t = t, .c = c, .few = reads_in_place(t)};
    memcpy(r.in, in, sizeof r.in);
    c2s_gemm scores = {.m = t->block,
                       .n = t->keys,
                       .k = t->depth,
                       .a_row = t->stride[Q][t->batch_rank],
                       .a_column = t->stride[Q][t->batch_rank + 1]},
             values = {
                 .m = t->block, .n = t->width, .k = t->keys, .a_row = t->pitch, .a_column = 1};
    size_t q_count = c2s_gemm_work_count(&scores), p_count = c2s_gemm_work_count(&values);
    r.k_count = r.few ? 0 : c2s_gemm_packed_count(t->keys, t->depth);
    r.v_count = r.few ? 0 : c2s_gemm_packed_count(t->width, t->keys);
    r.score_count = (size_t)t->block * (size_t)t->pitch;
    r.a_count = r.few ? 0 : q_count > p_count ? q_count : p_count;
    int64_t matrices = 1, threads = c2s_most_threads();
    for (int i = 0; i < t->batch_rank; i++)
        matrices *= t->batch[i];
    size_t count = r.k_count + r.v_count + r.score_count + r.a_count;
    void *work;
    C2S_TRY(c2s_dnnl_work_space(dnnl, count * (size_t)threads * sizeof(float), &work));
    r.work = work;
    r.parts = matrices >= 2 * threads || t->queries < 2 * t->block ? 1 : threads;
    c2s_share((size_t)(matrices * r.parts), true, run_parts, &r);
    return C2S_OK;
}

static c2s_status attention_run(c2s_step *step) {
    const float *in[INPUTS];
    for (unsigned i = 0; i < INPUTS; i++)
        in[i] = step->in[i] ? c2s_tensor_data(step->in[i]->tensor) : NULL;
    return c2s_attention_run(step->state, step->dnnl, in, c2s_tensor_mutable(step->out[0]->tensor));
}

const c2s_kernel_family c2s_kernels_written_attention = {
    .name = "attention",
    .flags = C2S_KERNEL_LAYOUTS,
    .accepts = is_ours,
    .prepare = attention_prepare,
    .run = attention_run,
    .release = attention_release,
    .finite_only = c2s_step_always, /* whether a sum is infinite or NaN depends on its rounding */
};
