/* SPDX-License-Identifier: Apache-2.0 */
/* A library that fails costs speed, never the answer, nor memory. The functions of oneDNN by which
 * primitives are made and run are replaced by ones that fail at some calls; what a primitive that
 * failed has written is worthless, too. The judge is the plain evaluator. */
#define _GNU_SOURCE /* RTLD_NEXT */
#include "unit/networks.h"

#include <dlfcn.h>

#include "eval/compare.h"
#include "runtime/dnnl_compat.h"
#include "runtime/session.h"

enum { MOST = 12 };

/* Calls first, first + every, first + 2 * every, ... fail; first 0: none, every 0: no further. */
static struct plan { unsigned calls, first, every; } plan;

static bool fails(void) {
    const unsigned call = ++plan.calls;
    return plan.first && (call == plan.first || (call > plan.first && plan.every &&
                                                 (call - plan.first) % plan.every == 0));
}

/* The library's own function of that name. */
static void *next(const char *name) {
    void *found = dlsym(RTLD_NEXT, name);
    assert_non_null(found);
    return found;
}

dnnl_status_t dnnl_primitive_create(dnnl_primitive_t *out, const_dnnl_primitive_desc_t pd) {
    dnnl_status_t (*real)(dnnl_primitive_t *, const_dnnl_primitive_desc_t);
    *(void **)&real = next("dnnl_primitive_create");
    return fails() ? dnnl_unimplemented : real(out, pd);
}

dnnl_status_t dnnl_reorder_primitive_desc_create(dnnl_primitive_desc_t *out, c2s_const_md from,
                                                 dnnl_engine_t from_engine, c2s_const_md to,
                                                 dnnl_engine_t to_engine,
                                                 const_dnnl_primitive_attr_t attr) {
    dnnl_status_t (*real)(dnnl_primitive_desc_t *, c2s_const_md, dnnl_engine_t, c2s_const_md,
                          dnnl_engine_t, const_dnnl_primitive_attr_t);
    *(void **)&real = next("dnnl_reorder_primitive_desc_create");
    return fails() ? dnnl_unimplemented : real(out, from, from_engine, to, to_engine, attr);
}

dnnl_status_t dnnl_memory_create(dnnl_memory_t *out, c2s_const_md md, dnnl_engine_t engine,
                                 void *data) {
    dnnl_status_t (*real)(dnnl_memory_t *, c2s_const_md, dnnl_engine_t, void *);
    *(void **)&real = next("dnnl_memory_create");
    return fails() ? dnnl_out_of_memory : real(out, md, engine, data);
}

static void spoil(const dnnl_exec_arg_t *arg) {
    c2s_const_md md;
    void *data;
    if (dnnl_memory_get_memory_desc(arg->memory, &md) == dnnl_success &&
        dnnl_memory_get_data_handle(arg->memory, &data) == dnnl_success)
        memset(data, 0xff, dnnl_memory_desc_get_size(md));
}

dnnl_status_t dnnl_primitive_execute(const_dnnl_primitive_t primitive, dnnl_stream_t stream,
                                     int count, const dnnl_exec_arg_t *args) {
    dnnl_status_t (*real)(const_dnnl_primitive_t, dnnl_stream_t, int, const dnnl_exec_arg_t *);
    *(void **)&real = next("dnnl_primitive_execute");
    if (!fails())
        return real(primitive, stream, count, args);
    for (int k = 0; k < count; k++)
        if (args[k].arg == DNNL_ARG_DST)
            spoil(&args[k]);
    return dnnl_runtime_error;
}

dnnl_status_t dnnl_sgemm(char transa, char transb, dnnl_dim_t m, dnnl_dim_t n, dnnl_dim_t k,
                         float alpha, const float *a, dnnl_dim_t lda, const float *b,
                         dnnl_dim_t ldb, float beta, float *c, dnnl_dim_t ldc) {
    dnnl_status_t (*real)(char, char, dnnl_dim_t, dnnl_dim_t, dnnl_dim_t, float, const float *,
                          dnnl_dim_t, const float *, dnnl_dim_t, float, float *, dnnl_dim_t);
    *(void **)&real = next("dnnl_sgemm");
    return fails() ? dnnl_runtime_error
                   : real(transa, transb, m, n, k, alpha, a, lda, b, ldb, beta, c, ldc);
}

/* ---- holding it to account ---- */

typedef struct subject {
    const char *name;
    c2s_model *model;
    c2s_tensor *x, *want[MOST];
    double tolerance; /* relative; of integers one step */
} subject;

static void same(const subject *s, c2s_tensor *const *out) {
    for (unsigned k = 0; k < c2s_graph_output_count(s->model->graph); k++) {
        c2s_difference d;
        const bool floats = c2s_dtype_is_float(s->want[k]->type.dtype);
        c2s_compare(s->want[k], out[k], s->tolerance, &d);
        if (!d.same_type || (floats ? d.max_rel > s->tolerance : d.max_abs > 1))
            fail_msg("%s, output %u, fails at call %u and every %u: %g at %s, expected %g", s->name,
                     k, plan.first, plan.every, d.found, d.where, d.reference);
    }
}

/* A session that runs twice: what failed once is not tried again, or works now. */
static void run(const subject *s, const c2s_evaluator *evaluator, c2s_tensor **want) {
    c2s_session *session;
    c2s_eval_options options = {.threads = 1};
    if (evaluator->open(s->model->graph, &options, &session) != C2S_OK)
        fail_msg("%s: %s", s->name, c2s_error());
    for (int round = 0; round < (want ? 1 : 2); round++) {
        c2s_tensor *out[MOST];
        const c2s_tensor *in[1] = {s->x};
        if (evaluator->run(session, in, want ? want : out) != C2S_OK)
            fail_msg("%s, fails at call %u and every %u: %s", s->name, plan.first, plan.every,
                     c2s_error());
        if (want)
            continue;
        same(s, out);
        for (unsigned k = 0; k < c2s_graph_output_count(s->model->graph); k++)
            c2s_tensor_unref(out[k]);
    }
    evaluator->close(session);
}

static unsigned run_failing(const subject *s, unsigned first, unsigned every) {
    plan = (struct plan){0, first, every};
    run(s, &c2s_evaluator_onednn, NULL);
    assert_true(plan.calls >= first);
    return plan.calls;
}

static void hold(const char *name, c2s_model *model, double tolerance) {
    subject s = {.name = name, .model = model, .tolerance = tolerance};
    const c2s_type *type = &c2s_graph_input(model->graph, 0)->type;
    c2s_random random = {9};
    assert_int_equal(c2s_tensor_create(C2S_FLOAT, type->rank, type->dim, &s.x), C2S_OK);
    for (size_t k = 0; k < s.x->count; k++)
        ((float *)c2s_tensor_mutable(s.x))[k] = (float)c2s_random_normal(&random);
    plan = (struct plan){0, 0, 0};
    run(&s, &c2s_evaluator_reference, s.want);
    const unsigned all = run_failing(&s, 0, 0);
    print_message("%s: %u calls\n", name, all);
    assert_true(all > 5);
    for (unsigned n = 1; n <= all; n++)
        run_failing(&s, n, 0);
    for (unsigned n = 1; n <= 7; n++)
        run_failing(&s, n, n);
    for (unsigned n = 2; n <= all; n += all / 8 + 1) /* from now on nothing works */
        run_failing(&s, n, 1);
    for (unsigned k = 0; k < c2s_graph_output_count(model->graph); k++)
        c2s_tensor_unref(s.want[k]);
    c2s_tensor_unref(s.x);
    c2s_model_destroy(model);
}

static void images(void **state) {
    (void)state;
    hold("images", network_of_images(8), 1e-5);
}

static void matrices(void **state) {
    (void)state;
    hold("matrices", network_of_matrices(6), 1e-5);
}

static void sequences(void **state) {
    (void)state;
    hold("sequences", network_of_sequences(3, 6), 1e-5);
}

static void integers(void **state) {
    (void)state;
    hold("integers", network_of_quantized(8), 1e-5);
}

static void residuals(void **state) {
    (void)state;
    hold("residuals", network_of_residuals(C2S_FLOAT, 18), 1e-5);
}

static void halves(void **state) {
    (void)state;
    hold("halves", network_of_residuals(C2S_FLOAT16, 18), 1e-2);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(images),    cmocka_unit_test(matrices),
                                       cmocka_unit_test(sequences), cmocka_unit_test(integers),
                                       cmocka_unit_test(residuals), cmocka_unit_test(halves)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
