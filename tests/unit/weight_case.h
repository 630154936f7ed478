/* SPDX-License-Identifier: Apache-2.0
 *
 * Cases of passes that store weights in fewer bytes: random weights, and a check of what they take.
 */
#ifndef C2S_TESTS_WEIGHT_CASE_H
#define C2S_TESTS_WEIGHT_CASE_H

#include "unit/pass_case.h"

#include "base/random.h"

/* Normally distributed; the seed is the first letter of the name. */
static inline c2s_value *make_normal(c2s_model *model, const char *name, double deviation, int rank,
                                     const int64_t *dim) {
    c2s_random random = {(uint64_t)name[0]};
    size_t count = 1;
    for (int k = 0; k < rank; k++)
        count *= (size_t)dim[k];
    double *values = calloc(count, sizeof *values);
    for (size_t i = 0; i < count; i++)
        values[i] = c2s_random_normal(&random) * deviation;
    c2s_tensor *tensor;
    assert_int_equal(c2s_tensor_from_f64(C2S_FLOAT, rank, dim, values, &tensor), C2S_OK);
    free(values);
    return c2s_value_constant(model->graph, name, tensor);
}

/* Of what is stored. */
static inline size_t constant_bytes(const c2s_model *model) {
    size_t bytes = 0;
    for (size_t i = 0; i < model->values.count; i++) {
        const c2s_value *value = model->values.at[i];
        if (value && value->constant && !value->def && value->use_count > 0)
            bytes += c2s_tensor_size(value->constant);
    }
    return bytes;
}

/* After `passes` the operators are `ops`, and constants take at most this part of their bytes.
 * Returns a copy of the model as it was. */
static inline c2s_model *check_smaller(c2s_model *model, const char *passes, const char *ops,
                                       double bytes) {
    c2s_model *before = c2s_model_copy(model);
    run_passes(model, passes);
    if (strcmp(ops_of(model->graph), ops) != 0)
        fail_msg("%s: %s, expected %s; %s", passes, ops_of(model->graph), ops, refusals);
    const double part = (double)constant_bytes(model) / (double)constant_bytes(before);
    if (!(part <= bytes))
        fail_msg("%s, %s: %g of the bytes, expected %g", ops, passes, part, bytes);
    return before;
}

#endif
