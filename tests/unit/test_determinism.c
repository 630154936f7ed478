/* SPDX-License-Identifier: Apache-2.0 */
/* Same model, inputs and number of threads: same bits, in one session and in two, from both
 * evaluators. Sizes are such that every kernel shares its work among threads. */
#include "unit/networks.h"

#ifdef _OPENMP
#include <omp.h>
#endif

#include "base/threads.h"
#include "runtime/session.h"

enum { MOST = 12 };

typedef struct results {
    c2s_tensor *out[MOST];
} results;

static void run(c2s_session *session, const c2s_tensor *x, results *r) {
    if (session->evaluator->run(session, &x, r->out) != C2S_OK)
        fail_msg("%s: %s", session->evaluator->name, c2s_error());
}

static void drop(const c2s_model *model, results *r) {
    for (unsigned k = 0; k < c2s_graph_output_count(model->graph); k++)
        c2s_tensor_unref(r->out[k]);
}

static void equal(const c2s_model *model, const results *a, const results *b, const char *when) {
    for (unsigned k = 0; k < c2s_graph_output_count(model->graph); k++)
        if (!c2s_tensor_equal(a->out[k], b->out[k]))
            fail_msg("output \"%s\" has other bits %s", c2s_graph_output_name(model->graph, k),
                     when);
}

static void hold(c2s_model *model) {
    const c2s_type *type = &c2s_graph_input(model->graph, 0)->type;
    c2s_random random = {9};
    c2s_tensor *x;
    assert_int_equal(c2s_tensor_create(C2S_FLOAT, type->rank, type->dim, &x), C2S_OK);
    for (size_t k = 0; k < x->count; k++)
        ((float *)c2s_tensor_mutable(x))[k] = (float)c2s_random_normal(&random);
    const c2s_evaluator *const evaluators[] = {&c2s_evaluator_onednn, &c2s_evaluator_reference};
    for (unsigned threads = 1; threads <= 3; threads++)
        for (int i = 0; i < 2; i++) {
            c2s_eval_options options = {.threads = threads};
            results first, again;
            c2s_session *session;
            assert_int_equal(evaluators[i]->open(model->graph, &options, &session), C2S_OK);
            run(session, x, &first);
            for (int round = 0; round < 3; round++) {
                run(session, x, &again);
                equal(model, &first, &again, "in the same session");
                drop(model, &again);
            }
            evaluators[i]->close(session);
            assert_int_equal(evaluators[i]->open(model->graph, &options, &session), C2S_OK);
            run(session, x, &again);
            equal(model, &first, &again, "in another session");
            drop(model, &again);
            drop(model, &first);
            evaluators[i]->close(session);
        }
    c2s_tensor_unref(x);
    c2s_model_destroy(model);
}

static void images(void **state) {
    (void)state;
    hold(network_of_images(40));
}

static void matrices(void **state) {
    (void)state;
    hold(network_of_matrices(96));
}

static void sequences(void **state) {
    (void)state;
    hold(network_of_sequences(30, 4)); /* our own loops */
    hold(network_of_sequences(30, 6)); /* oneDNN */
}

static void quantized(void **state) {
    (void)state;
    hold(network_of_quantized(40));
}

#ifdef _OPENMP
/* No more threads than processors, however many are asked for; afterwards all is as before. */
static void threads_are_limited(void **state) {
    (void)state;
    omp_set_num_threads(omp_get_num_procs() + 5);
    unsigned before = c2s_threads_use(4000000000u);
    assert_int_equal(omp_get_max_threads(), omp_get_num_procs());
    c2s_threads_restore(before);
    assert_int_equal(omp_get_max_threads(), omp_get_num_procs() + 5);
    before = c2s_threads_use(1);
    assert_int_equal(omp_get_max_threads(), 1);
    c2s_threads_restore(before);
    assert_int_equal(c2s_threads_use(0), omp_get_num_procs() + 5);
    assert_int_equal(omp_get_max_threads(), omp_get_num_procs() + 5);
}
#endif

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(images),
        cmocka_unit_test(matrices),
        cmocka_unit_test(sequences),
        cmocka_unit_test(quantized),
#ifdef _OPENMP
        cmocka_unit_test(threads_are_limited),
#endif
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
