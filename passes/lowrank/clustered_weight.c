/* SPDX-License-Identifier: Apache-2.0 */
#include "passes/lowrank/clustered_weight.h"

#include <math.h>
#include <stdlib.h>

#include "ir/convert.h"
#include "ir/name_after.h"
#include "ops/op.h"
#include "passes/lowrank/codebook.h"
#include "passes/quant/weight_forms.h"

/* What a file needs for the nodes and their names. */
enum { OVERHEAD = 500 };

double c2s_clustered_bytes(const c2s_tensor *w, const c2s_clustered *c) {
    const double number = c2s_dtype_bits(w->type.dtype) / 8.0;
    return (double)w->count * c2s_dtype_bits(c->code) / 8 + (double)(c->sets * c->most) * number +
           OVERHEAD;
}

double c2s_clustered_least_bytes(const c2s_tensor *w, const c2s_clustered *c) {
    size_t *counts = c2s_zalloc(c->most * sizeof *counts);
    double bits = 0;
    for (size_t i = 0; i < w->count; i++)
        counts[c->codes[i]]++;
    for (size_t k = 0; k < c->most; k++)
        if (counts[k] > 0)
            bits -= (double)counts[k] * log2((double)counts[k] / (double)w->count);
    free(counts);
    return bits / 8 + (double)(c->sets * c->most) * c2s_dtype_bits(w->type.dtype) / 8;
}

void c2s_clustered_free(c2s_clustered *c) {
    free(c->numbers);
    free(c->codes);
    c->numbers = NULL;
    c->codes = NULL;
}

/* ---- codes ---- */

/* Elements, and what their errors count; [sets, each]. */
typedef struct elements {
    double *values, *weights; /* weights: NULL: all alike */
} elements;

static c2s_status load(const c2s_tensor *w, const float *importance, elements *e) {
    C2S_TRY(c2s_scratch(w->count, sizeof *e->values, &e->values));
    c2s_tensor_load_f64(w, 0, w->count, e->values);
    for (size_t i = 0; i < w->count; i++)
        if (!isfinite(e->values[i]))
            return c2s_fail(C2S_ERR_UNSUPPORTED, "it holds NaN or infinity");
    if (!importance)
        return C2S_OK;
    C2S_TRY(c2s_scratch(w->count, sizeof *e->weights, &e->weights));
    for (size_t i = 0; i < w->count; i++)
        e->weights[i] = (double)importance[i];
    return C2S_OK;
}

static c2s_status fit_set(const elements *e, c2s_clustered *c, size_t set) {
    const double *values = e->values + set * c->each;
    double *numbers = c->numbers + set * c->most;
    size_t found;
    C2S_TRY(c2s_codebook_fit(values, e->weights ? e->weights + set * c->each : NULL, c->each,
                             c->most, numbers, &found));
    for (size_t i = found; i < c->most; i++)
        numbers[i] = 0;
    for (size_t i = 0; i < c->each; i++)
        c->codes[set * c->each + i] = (int64_t)c2s_codebook_nearest(numbers, found, values[i]);
    return C2S_OK;
}

static c2s_status fit_sets(const elements *e, c2s_clustered *c) {
    c2s_status status = C2S_OK;
#pragma omp parallel for schedule(dynamic) if (c->sets > 1 && c->sets * c->each > 65536)
    for (size_t set = 0; set < c->sets; set++)
        if (fit_set(e, c, set) != C2S_OK) {
#pragma omp critical
            status = C2S_ERR_MEMORY;
        }
    return status == C2S_OK ? C2S_OK : c2s_fail_alloc(c->sets, c->each);
}

c2s_status c2s_clustered_fit(const c2s_tensor *w, const float *importance, c2s_clustered *c) {
    elements e = {0};
    c2s_status status = c2s_scratch(c->sets, c->most * sizeof *c->numbers, &c->numbers);
    if (status == C2S_OK)
        status = c2s_scratch(w->count, sizeof *c->codes, &c->codes);
    if (status == C2S_OK)
        status = load(w, importance, &e);
    if (status == C2S_OK)
        status = fit_sets(&e, c);
    free(e.values);
    free(e.weights);
    return status;
}

/* ---- nodes ---- */

/* In front of `place`; `b` may be NULL. */
static c2s_node *add_node(const c2s_value *weight, c2s_node *place, const char *type, c2s_value *a,
                          c2s_value *b) {
    c2s_node *node = c2s_node_create(weight->graph, place, "", type, b ? 2 : 1, 1);
    c2s_use_set(&node->inputs[0], a);
    if (b)
        c2s_use_set(&node->inputs[1], b);
    c2s_value_name_after(node->outputs[0], weight, "shared");
    node->name = node->outputs[0]->name;
    return node;
}

/* The numbers that codes name, as the weight or, with several sets, as [sets, each]. */
static c2s_status write_gather(const c2s_clustered *c, const c2s_value *weight, c2s_node *place,
                               c2s_value **out) {
    const c2s_type *type = &weight->constant->type;
    const bool one = c->sets == 1;
    const int64_t dim[2] = {(int64_t)c->sets, (int64_t)c->each};
    const int64_t book[2] = {(int64_t)c->sets, (int64_t)c->most};
    c2s_tensor *tensor;
    C2S_TRY(c2s_tensor_from_i64(c->code, one ? type->rank : 2, one ? type->dim : dim, c->codes,
                                &tensor));
    c2s_value *codes = c2s_constant_after(weight->graph, weight, "codes", tensor);
    C2S_TRY(
        c2s_tensor_from_f64(type->dtype, one ? 1 : 2, one ? book + 1 : book, c->numbers, &tensor));
    c2s_value *numbers = c2s_constant_after(weight->graph, weight, "numbers", tensor);
    c2s_node *cast = add_node(weight, place, "Cast", codes, NULL);
    c2s_attr_set_int(cast, "to", C2S_INT32);
    C2S_TRY(c2s_node_infer(cast));
    c2s_node *gather =
        add_node(weight, place, one ? "Gather" : "GatherElements", numbers, cast->outputs[0]);
    if (!one)
        c2s_attr_set_int(gather, "axis", 1);
    *out = gather->outputs[0];
    return c2s_node_infer(gather);
}

static c2s_status write_reshape(const c2s_value *weight, c2s_node *place, c2s_value **x) {
    const int64_t rank = weight->constant->type.rank;
    c2s_tensor *tensor;
    C2S_TRY(c2s_tensor_from_i64(C2S_INT64, 1, &rank, weight->constant->type.dim, &tensor));
    c2s_value *shape = c2s_constant_after(weight->graph, weight, "shape", tensor);
    c2s_node *reshape = add_node(weight, place, "Reshape", *x, shape);
    *x = reshape->outputs[0];
    return c2s_node_infer(reshape);
}

c2s_status c2s_clustered_write(const c2s_clustered *c, const c2s_planned_weight *p) {
    c2s_node *place = c2s_planned_place(p);
    c2s_value *x;
    C2S_TRY(write_gather(c, p->weight, place, &x));
    if (c->sets > 1)
        C2S_TRY(write_reshape(p->weight, place, &x));
    c2s_value_replace(p->weight, x);
    return C2S_OK;
}
