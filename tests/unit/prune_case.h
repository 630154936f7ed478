/* SPDX-License-Identifier: Apache-2.0
 *
 * Models of known redundancy for the pass prune, and what it makes of them.
 */
#ifndef C2S_TESTS_PRUNE_CASE_H
#define C2S_TESTS_PRUNE_CASE_H

#include "unit/pass_case.h"

#include "base/random.h"
#include "io/text.h"

enum { ROWS = 64, WIDTH = 12, UNITS = 16, REDUNDANT = 4 };

static inline c2s_status sample(const c2s_feed *feed, const c2s_graph *graph, size_t index,
                                c2s_tensor **in) {
    c2s_random random = {index + 100};
    double values[ROWS * WIDTH];
    (void)feed, (void)graph;
    for (int i = 0; i < ROWS * WIDTH; i++)
        values[i] = 0.5 + c2s_random_normal(&random);
    return c2s_tensor_from_f64(C2S_FLOAT, 2, (int64_t[]){ROWS, WIDTH}, values, &in[0]);
}
static const c2s_feed data = {.count = 40, .get = sample};

static inline c2s_value *constant(c2s_model *m, const char *name, const double *values, int rank,
                                  const int64_t *dim) {
    c2s_tensor *tensor;
    assert_int_equal(c2s_tensor_from_f64(C2S_FLOAT, rank, dim, values, &tensor), C2S_OK);
    return c2s_value_constant(m->graph, name, tensor);
}

/* Units that are left of the first Gemm. */
static inline int64_t units_of(const c2s_model *m) {
    return c2s_node_in(m->graph->first, 1)->type.dim[1];
}

/* Largest difference of outputs over the largest output, over inputs that were not learnt from. */
static inline double loss(const c2s_model *before, const c2s_model *after) {
    const case_distance d = distance_on(&data, 50, 54, before, after);
    return d.apart / d.largest;
}

/* What is lost by it; `units` must be left. */
static inline double prune(c2s_model *after, const char *options, int64_t units, bool with_data) {
    char text[200];
    c2s_model *before = c2s_model_copy(after);
    snprintf(text, sizeof text, "prune(%s)", options);
    case_feed = with_data ? &data : NULL;
    run_passes(after, text);
    case_feed = NULL;
    if (units_of(after) != units)
        fail_msg("%s: %lld units are left, expected %lld", text, (long long)units_of(after),
                 (long long)units);
    const double found = loss(before, after);
    c2s_model_destroy(before);
    c2s_model_destroy(after);
    return found;
}

/* An input becomes a constant. */
static inline void give_constant(c2s_model *m, const char *name, const double *values, int rank,
                                 const int64_t *dim) {
    for (unsigned k = 0; k < c2s_graph_input_count(m->graph); k++)
        if (strcmp(c2s_graph_input(m->graph, k)->name, name) == 0) {
            c2s_value_replace(c2s_graph_input(m->graph, k), constant(m, name, values, rank, dim));
            c2s_graph_drop_input(m->graph, k);
            return;
        }
    fail_msg("there is no input %s", name);
}

#endif
