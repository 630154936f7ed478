/* SPDX-License-Identifier: Apache-2.0
 *
 * Before: constants of the same type that are nearly equal
 * After:  one of them, which all read
 * Leaves alone small ones, and what would change by more than is allowed.
 *
 * Equal ones are shared by cleanup. Tensors as near as that have norms as near, so that each is
 * held against some neighbours in the order of norms.
 */
#include <math.h>
#include <stdlib.h>

#include "base/log.h"
#include "base/vec.h"
#include "ops/op.h"
#include "passes/pass.h"

#define KIND "share-weight"

/* Elements at least, and neighbours that a tensor is held against. */
enum { LEAST_COUNT = 64, NEIGHBOURS = 32 };

static const c2s_option_spec options[] = {
    {"tolerance", "0.001", "share what differs by this part of its norm at most"}, {0}};

typedef struct candidate {
    c2s_value *value;
    double norm;
    bool shared; /* another one stands for it */
} candidate;

typedef C2S_VEC(candidate) candidate_list;

static double norm_of(const c2s_tensor *t) {
    double sum = 0;
    for (size_t i = 0; i < t->count; i++) {
        const double v = c2s_tensor_f64_at(t, i);
        sum += v * v;
    }
    return sqrt(sum);
}

static double distance(const c2s_tensor *a, const c2s_tensor *b) {
    double sum = 0;
    for (size_t i = 0; i < a->count; i++) {
        const double d = c2s_tensor_f64_at(a, i) - c2s_tensor_f64_at(b, i);
        sum += d * d;
    }
    return sqrt(sum);
}

static int compare_types(const c2s_type *a, const c2s_type *b) {
    if (a->dtype != b->dtype)
        return a->dtype < b->dtype ? -1 : 1;
    if (a->rank != b->rank)
        return a->rank < b->rank ? -1 : 1;
    for (int k = 0; k < a->rank; k++)
        if (a->dim[k] != b->dim[k])
            return a->dim[k] < b->dim[k] ? -1 : 1;
    return 0;
}

static int by_norm(const void *a, const void *b) {
    const candidate *x = a, *y = b;
    const int types = compare_types(&x->value->constant->type, &y->value->constant->type);
    if (types != 0)
        return types;
    if (x->norm != y->norm)
        return x->norm < y->norm ? -1 : 1;
    return x->value->id < y->value->id ? -1 : x->value->id > y->value->id;
}

static void list_candidates(const c2s_model *model, candidate_list *out) {
    for (size_t i = 0; i < model->values.count; i++) {
        c2s_value *value = model->values.at[i];
        if (!value || !value->constant || value->initial || value->use_count == 0 ||
            value->graph != model->graph || value->constant->type.kind != C2S_KIND_TENSOR ||
            !c2s_dtype_is_float(value->constant->type.dtype) ||
            value->constant->count < LEAST_COUNT)
            continue;
        const candidate c = {.value = value, .norm = norm_of(value->constant)};
        if (isfinite(c.norm))
            c2s_vec_push(out, c);
    }
    if (out->count > 0)
        qsort(out->at, out->count, sizeof *out->at, by_norm);
}

/* An earlier one that may stand for it; NULL: there is none. */
static const candidate *find_like(const candidate_list *list, size_t index, double tolerance) {
    const candidate *own = &list->at[index];
    for (size_t back = 1, seen = 0; back <= index && seen < NEIGHBOURS; back++) {
        const candidate *other = &list->at[index - back];
        if (compare_types(&other->value->constant->type, &own->value->constant->type) != 0 ||
            own->norm - other->norm > tolerance * own->norm)
            return NULL;
        if (other->shared)
            continue;
        seen++;
        if (distance(own->value->constant, other->value->constant) <= tolerance * own->norm)
            return other;
    }
    return NULL;
}

static c2s_status run(c2s_model *model, const c2s_options *o, const c2s_pass_context *context,
                      c2s_stats *stats) {
    candidate_list list = {0};
    double tolerance, bytes = 0;
    (void)context;
    C2S_TRY(c2s_option_number(o, "tolerance", 0, 1, &tolerance));
    list_candidates(model, &list);
    for (size_t i = 0; i < list.count && c2s_stats_may_apply(stats); i++) {
        candidate *own = &list.at[i];
        const candidate *like = find_like(&list, i, tolerance);
        if (!like || c2s_stats_skips(stats, KIND, own->value->name))
            continue;
        c2s_stats_apply(stats, KIND, own->value->name);
        bytes += (double)c2s_tensor_size(own->value->constant);
        own->shared = true;
        c2s_value_replace(own->value, like->value);
    }
    if (bytes > 0)
        c2s_log(1, "share_weights: %.0f bytes of weights are shared", bytes);
    c2s_vec_free(&list);
    return c2s_graph_infer(model->graph);
}

static const c2s_rewrite_kind kinds[] = {
    {.name = KIND, .summary = "a weight that is nearly equal to another -> that one"}, {0}};

const c2s_pass c2s_pass_share_weights = {.name = "share_weights",
                                         .summary = "weights that are nearly equal become one",
                                         .options = options,
                                         .kinds = kinds,
                                         .lossy = true,
                                         .for_size = true,
                                         .run = run};
