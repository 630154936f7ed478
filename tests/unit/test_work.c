/* SPDX-License-Identifier: Apache-2.0
 *
 * Sharing loops among threads, and how many threads a step is worth.
 */
#include "unit/make_graph.h"

#include "base/threads.h"
#include "runtime/dnnl_primitive.h"
#include "runtime/plan.h"
#include "runtime/work.h"

/* ---- loops ---- */

enum { MOST = 1000 };

typedef struct marks {
    unsigned char *of; /* how often an index was visited */
    unsigned char *calls;
} marks;

static void mark(const void *context, size_t from, size_t to) {
    const marks *m = context;
    m->calls[from]++;
    for (size_t i = from; i < to; i++)
        m->of[i]++;
}

static void loops_are_shared(void **state) {
    (void)state;
    static const size_t counts[] = {0, 1, 2, 3, 7, MOST};
    unsigned before = c2s_threads_use(0);
    for (size_t k = 0; k < sizeof counts / sizeof *counts; k++)
        for (unsigned threads = 1; threads <= 5; threads++)
            for (int worth = 0; worth <= 1; worth++) {
                unsigned char of[MOST] = {0}, calls[MOST + 1] = {0};
                size_t called = 0;
                c2s_threads_set(threads);
                c2s_share(counts[k], worth, mark, &(marks){of, calls});
                for (size_t i = 0; i < MOST; i++) {
                    assert_int_equal(of[i], i < counts[k] ? 1 : 0);
                    called += calls[i];
                }
                if (!worth || threads == 1)
                    assert_int_equal(called, counts[k] ? 1 : 0);
            }
    c2s_threads_restore(before);
}

/* ---- steps ---- */

/* The plan of a graph with one node. */
static void with_step(c2s_model *model, void check(const c2s_step *step)) {
    const c2s_graph *graph = model->graph;
    unsigned count = (unsigned)model->values.count, *slot_of = calloc(count, sizeof *slot_of);
    for (unsigned i = 0; i < count; i++)
        slot_of[i] = i;
    c2s_plan_context context = {.main = graph, .threads = 2, .slot_of = slot_of};
    context.memory = c2s_memory_create(0);
    assert_int_equal(c2s_dnnl_create(&context.dnnl), C2S_OK);
    const c2s_type *type = &c2s_graph_input(graph, 0)->type;
    c2s_tensor *x;
    assert_int_equal(c2s_tensor_create(type->dtype, type->rank, type->dim, &x), C2S_OK);
    c2s_plan *plan = c2s_plan_create(&context, graph, count, (const c2s_tensor *const *)&x, false);
    assert_int_equal(plan->step_count, 1);
    check(&plan->steps[0]);
    c2s_plan_destroy(plan);
    c2s_tensor_unref(x);
    c2s_dnnl_destroy(context.dnnl);
    c2s_memory_destroy(context.memory);
    free(slot_of);
    c2s_model_destroy(model);
}

static c2s_value *zeros(c2s_model *m, int rank, const int64_t *dim) {
    c2s_tensor *tensor;
    assert_int_equal(c2s_tensor_create(C2S_FLOAT, rank, dim, &tensor), C2S_OK);
    memset(c2s_tensor_mutable(tensor), 0, c2s_tensor_size(tensor));
    return c2s_value_constant(m->graph, "w", tensor);
}
#define ZEROS(m, ...) zeros(m, DIMS(__VA_ARGS__))

static void is_small(const c2s_step *step) {
    assert_non_null(step->kernel);
    assert_true(step->alone);
    unsigned before = c2s_step_threads(step);
    assert_int_equal(c2s_most_threads(), 1);
    c2s_threads_restore(before);
}

static void is_large(const c2s_step *step) {
    assert_non_null(step->kernel);
    assert_false(step->alone);
}

static c2s_model *make(const char *op, int64_t size) {
    c2s_model *m = make_model();
    c2s_value *x = INPUT(m, "x", 1, 16, size, size);
    c2s_value *y = strcmp(op, "Conv") == 0     ? OP(m, op, x, ZEROS(m, 16, 16, 3, 3))
                   : strcmp(op, "MatMul") == 0 ? OP(m, op, x, ZEROS(m, size, size))
                                               : OP(m, op, x);
    make_output(y, "y");
    return m;
}

static void small_steps_have_one_thread(void **state) {
    (void)state;
    static const char *const ops[] = {"Conv", "MatMul", "Softmax", "GlobalAveragePool"};
    unsigned before = c2s_threads_use(0);
    for (size_t k = 0; k < sizeof ops / sizeof *ops; k++) {
        c2s_threads_restore(before);
        with_step(make(ops[k], 8), is_small);
        c2s_threads_restore(before);
        with_step(make(ops[k], 128), is_large);
    }
    c2s_threads_restore(before);
}

/* 36 x 36 x 16 results of 16 x 3 x 3 products are more than 5 million. */
static void has_its_products(const c2s_step *step) {
    double work = c2s_step_work(step);
    assert_true(work > 50e3 && work < 1e6);
}

static void products_count(void **state) {
    (void)state;
    unsigned before = c2s_threads_use(0);
    with_step(make("Conv", 38), has_its_products);
    c2s_threads_restore(before);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(loops_are_shared),
        cmocka_unit_test(small_steps_have_one_thread),
        cmocka_unit_test(products_count),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
