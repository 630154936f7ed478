/* SPDX-License-Identifier: Apache-2.0
 *
 * Running products: a b that is not constant is packed first; the work is split among the threads
 * by matrices if there are enough of them, else by rows or columns.
 */
#include "runtime/product.h"
#include "base/threads.h"

typedef struct run {
    const c2s_product *p;
    const float *a, *b;
    float *c;
    const float *operand[C2S_MOST_TAIL];
    bool few;
    float *work; /* per thread: a packed matrix b, and what rows of a are packed into */
    size_t pack_count, a_count;
} run;

static void set_matrix(const run *r, int64_t matrix, c2s_gemm *g, c2s_tail *tail) {
    const c2s_product *p = r->p;
    c2s_product_place at = c2s_product_place_of(p, matrix);
    *tail = p->tail;
    for (unsigned k = 0; k < tail->count; k++)
        if (r->operand[k])
            tail->op[k].operand = r->operand[k] + at.term[k];
    *g = (c2s_gemm){.m = p->m,
                    .n = p->n,
                    .k = p->k,
                    .a = r->a + at.a,
                    .a_row = p->a_row,
                    .a_column = p->a_column,
                    .b = r->b ? r->b + at.b : NULL,
                    .b_row = p->b_row,
                    .b_column = p->b_column,
                    .c = r->c + at.c,
                    .c_row = p->c_row,
                    .tail = tail->count ? tail : NULL};
    if (p->packed)
        g->b = (const float *)p->packed->data +
               (p->packed_count == 1 ? 0 : (size_t)matrix * c2s_gemm_packed_count(p->n, p->k));
}

/* The whole matrix on this thread. */
static void run_alone(const run *r, const c2s_gemm *given, float *work) {
    c2s_gemm g = *given;
    int64_t panels = c2s_gemm_panels(g.n);
    if (!r->p->packed) {
        c2s_gemm_pack(&g, 0, panels, work);
        g.b = work;
    }
    c2s_gemm_part(&g, 0, g.m, 0, panels, work + r->pack_count);
}

static void run_together(const run *r, const c2s_gemm *given) {
    c2s_gemm g = *given;
    int64_t panels = c2s_gemm_panels(g.n);
    bool by_rows = g.a_column != 1 || g.m / 6 > panels;
    if (!r->p->packed)
        g.b = r->work;
#pragma omp parallel
    {
        int64_t thread = c2s_this_thread(), threads = c2s_threads_here();
        int64_t from = panels * thread / threads, to = panels * (thread + 1) / threads;
        if (!r->p->packed) {
            c2s_gemm_pack(given, from, to, r->work);
#pragma omp barrier
        }
        int64_t row_from = 0, row_to = g.m;
        if (by_rows) {
            row_from = g.m * thread / threads;
            row_to = g.m * (thread + 1) / threads;
            from = 0;
            to = panels;
        }
        float *packed = r->work + r->pack_count + (size_t)thread * r->a_count;
        c2s_gemm_part(&g, row_from, row_to, from, to, packed);
    }
}

/* Matrices, each on this thread. */
static void run_matrices(const void *context, size_t from, size_t to) {
    const run *r = context;
    float *work = r->work + (size_t)c2s_this_thread() * (r->pack_count + r->a_count);
    for (size_t i = from; i < to; i++) {
        c2s_gemm g;
        c2s_tail tail;
        set_matrix(r, (int64_t)i, &g, &tail);
        if (r->few)
            c2s_gemm_few(&g, false);
        else
            run_alone(r, &g, work);
    }
}

static void run_all(const run *r, int64_t matrices) {
    if (c2s_most_threads() == 1 || matrices >= 2 * c2s_most_threads()) {
        c2s_share((size_t)matrices, true, run_matrices, r);
        return;
    }
    for (int64_t i = 0; i < matrices; i++) {
        c2s_gemm g;
        c2s_tail tail;
        set_matrix(r, i, &g, &tail);
        if (r->few)
            c2s_gemm_few(&g, true);
        else
            run_together(r, &g);
    }
}

c2s_status c2s_product_run(const c2s_product *p, const c2s_step *step) {
    run r = {.p = p,
             .a = c2s_tensor_data(step->in[p->a_input]->tensor),
             .b = p->packed ? NULL : c2s_tensor_data(step->in[p->b_input]->tensor),
             .c = c2s_tensor_mutable(step->out[0]->tensor),
             .few = c2s_product_is_few(p)};
    for (unsigned k = 0; k < p->tail.count; k++)
        if (p->tail.op[k].binary)
            r.operand[k] = c2s_tensor_data(step->in[p->term[k].input]->tensor);
    if (!r.few) {
        c2s_gemm g = {.m = p->m, .n = p->n, .k = p->k, .a_row = p->a_row, .a_column = p->a_column};
        r.pack_count = p->packed ? 0 : c2s_gemm_packed_count(p->n, p->k);
        r.a_count = c2s_gemm_work_count(&g);
        size_t size = (r.pack_count + r.a_count) * (size_t)c2s_most_threads() * sizeof(float);
        void *work;
        C2S_TRY(c2s_dnnl_work_space(step->dnnl, size, &work));
        r.work = work;
    }
    run_all(&r, c2s_product_matrices(p));
    return C2S_OK;
}
