/* SPDX-License-Identifier: Apache-2.0
 *
 * ScatterND with constant indices: exporters write assignments to slices so. What follows each
 * other on both sides is copied at once.
 */
#include <string.h>

#include "base/vec.h"
#include "runtime/kernel.h"

typedef struct run {
    size_t to, from, size; /* bytes */
} run;

typedef struct scatter {
    C2S_VEC(run) runs; /* in the order of the indices: the last one counts */
} scatter;

/* Finding the runs must not take long, nor much memory. */
#define MOST_ROWS ((size_t)1 << 22)

static bool scatter_accepts(const c2s_step *step) {
    const c2s_tensor *index = c2s_step_constant(step, 1);
    const c2s_type *x = c2s_step_type(step, 0);
    size_t count;
    return index && index->type.rank > 0 && index->count > 0 && index->count <= MOST_ROWS &&
           c2s_step_wants(step, 0) && c2s_type_is_tensor(x) && x->dtype != C2S_STRING &&
           c2s_dtype_bits(x->dtype) >= 8 && c2s_step_type(step, 2)->dtype == x->dtype &&
           c2s_type_elements(c2s_step_type(step, 2), &count) && count > 0 &&
           strcmp(c2s_attr_string(step->node, "reduction", "none"), "none") == 0;
}

static void add_run(scatter *s, size_t to, size_t from, size_t size) {
    run *last = s->runs.count ? &s->runs.at[s->runs.count - 1] : NULL;
    if (last && last->to + last->size == to && last->from + last->size == from)
        last->size += size;
    else
        c2s_vec_push(&s->runs, (run){to, from, size});
}

static c2s_status find_runs(const c2s_step *step, scatter *s) {
    const c2s_tensor *index = c2s_step_constant(step, 1);
    const c2s_type *x = c2s_step_type(step, 0);
    size_t depth = (size_t)index->type.dim[index->type.rank - 1];
    size_t size = c2s_dtype_bits(x->dtype) / 8, rows = depth ? index->count / depth : 0;
    if (depth > (size_t)x->rank)
        return c2s_fail(C2S_ERR_UNSUPPORTED, "indices have too many elements");
    for (int i = (int)depth; i < x->rank; i++)
        size *= (size_t)x->dim[i];
    for (size_t row = 0; row < rows; row++) {
        size_t place = 0;
        for (size_t k = 0; k < depth; k++) {
            int64_t at, extent = x->dim[k];
            if (!c2s_tensor_i64_at(index, row * depth + k, &at) || at < -extent || at >= extent)
                return c2s_fail(C2S_ERR_UNSUPPORTED, "an index is out of bounds");
            place = place * (size_t)extent + (size_t)(at < 0 ? at + extent : at);
        }
        add_run(s, place * size, row * size, size);
    }
    return C2S_OK;
}

static void scatter_release(c2s_step *step) {
    scatter *s = step->state;
    c2s_vec_free(&s->runs);
    free(s);
    step->state = NULL;
}

static c2s_status scatter_prepare(c2s_step *step) {
    step->state = c2s_zalloc(sizeof(scatter));
    c2s_status status = find_runs(step, step->state);
    if (status != C2S_OK)
        scatter_release(step);
    return status;
}

/* The result may lie over the data. */
static c2s_status scatter_run(c2s_step *step) {
    const scatter *s = step->state;
    const c2s_tensor *x = step->in[0]->tensor;
    const char *data = c2s_tensor_data(x), *updates = c2s_tensor_data(step->in[2]->tensor);
    char *to = c2s_tensor_mutable(step->out[0]->tensor);
    if (to != data)
        memcpy(to, data, c2s_tensor_size(x));
    for (size_t k = 0; k < s->runs.count; k++) {
        const run *r = &s->runs.at[k];
        memcpy(to + r->to, updates + r->from, r->size);
    }
    return C2S_OK;
}

static bool scatter_overwrites(const c2s_step *step, unsigned input, unsigned output) {
    (void)step;
    return input == 0 && output == 0;
}

const c2s_kernel_family c2s_kernels_scatter = {
    .name = "scatter",
    .accepts = scatter_accepts,
    .prepare = scatter_prepare,
    .run = scatter_run,
    .release = scatter_release,
    .overwrites = scatter_overwrites,
};
