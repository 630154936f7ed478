/* SPDX-License-Identifier: Apache-2.0
 *
 * The Reduce* operators. Axes stand in an attribute or in input 1.
 */
#include <math.h>
#include <stdlib.h>

#include "ops/contents.h"
#include "ops/pointwise.h"
#include "ops/reduce.h"
#include "ops/workspace.h"
#include "ops/ties_rules.h"

/* Axes as a bit set. None given: all axes, or with noop_with_empty_axes none. */
static c2s_status axes_of(const c2s_node *node, const int64_t *given, size_t count, int rank,
                          uint32_t *axes) {
    *axes = 0;
    for (size_t k = 0; k < count; k++) {
        int axis;
        C2S_TRY(c2s_infer_axis(given[k], rank, &axis));
        *axes |= UINT32_C(1) << axis;
    }
    if (!count && !c2s_attr_int(node, "noop_with_empty_axes", 0))
        *axes = (UINT32_C(1) << rank) - 1;
    return C2S_OK;
}

/* Axes that are not known: the rank of the result may be, its extents are not. */
static void infer_unknown_axes(c2s_infer *i, const c2s_type *in) {
    const c2s_type *list = c2s_infer_type(i, 1);
    int rank = in->rank;
    if (!c2s_attr_int(i->node, "keepdims", 1)) {
        const bool counted = list->kind == C2S_KIND_TENSOR && list->rank == 1 &&
                             c2s_dim_is_known(list->dim[0]) && list->dim[0] > 0;
        rank = counted && list->dim[0] <= rank ? rank - (int)list->dim[0] : -1;
    }
    i->out[0].rank = rank;
    for (int d = 0; d < rank; d++)
        i->out[0].dim[d] = c2s_dim_fresh(i->dims);
}

static c2s_status reduce_infer(c2s_infer *i) {
    const c2s_type *in = c2s_infer_type(i, 0);
    const int64_t *given;
    size_t count;
    uint32_t axes;
    C2S_TRY(c2s_infer_tensors(i, 1));
    C2S_TRY(c2s_infer_rank(i, 1, 0, 1));
    i->out[0] = c2s_type_tensor(in->dtype, -1, NULL);
    if (in->kind != C2S_KIND_TENSOR || in->rank < 0)
        return C2S_OK;
    given = c2s_attr_ints(i->node, "axes", &count);
    if (c2s_infer_has(i, 1)) {
        unsigned listed;
        if (!c2s_infer_ints(i, 1, &given, &listed)) {
            infer_unknown_axes(i, in);
            return i->concrete ? c2s_fail(C2S_ERR_INVALID, "the axes are no list of integers")
                               : C2S_OK;
        }
        count = listed;
    }
    C2S_TRY(axes_of(i->node, given, count, in->rank, &axes));
    int rank = 0;
    for (int d = 0; d < in->rank; d++)
        if (!(axes >> d & 1))
            i->out[0].dim[rank++] = in->dim[d];
        else if (c2s_attr_int(i->node, "keepdims", 1))
            i->out[0].dim[rank++] = 1;
    i->out[0].rank = rank;
    return C2S_OK;
}

static c2s_status eval_axes(const c2s_eval *e, uint32_t *axes) {
    const int rank = e->in[0]->type.rank;
    size_t count;
    const int64_t *given = c2s_attr_ints(e->node, "axes", &count);
    int64_t *list = NULL;
    if (e->in_count > 1 && e->in[1]) {
        count = e->in[1]->count;
        list = c2s_alloc_array(count ? count : 1, sizeof *list);
        for (size_t k = 0; k < count; k++)
            if (!c2s_tensor_i64_at(e->in[1], k, &list[k])) {
                free(list);
                return c2s_fail(C2S_ERR_INVALID, "the axes are no integers");
            }
        given = list;
    }
    const c2s_status status = axes_of(e->node, given, count, rank, axes);
    free(list);
    return status;
}

/* What happens to a folded float result: `count` elements were folded. */
typedef double (*finish_fn)(double sum, double count);
static double finish_mean(double sum, double count) {
    return sum / count;
}
static double finish_root(double sum, double count) {
    (void)count;
    return sqrt(sum);
}
static double finish_log(double sum, double count) {
    (void)count;
    return log(sum);
}

/* Integers are folded as integers where the result is one, else in double and truncated. */
static c2s_wide wide_for(const c2s_tensor *in, bool always_float) {
    const c2s_wide wide = c2s_wide_of(in->type.dtype);
    return wide == C2S_WIDE_F32 || (always_float && wide) ? C2S_WIDE_F64 : wide;
}

static c2s_status reduce_eval(c2s_eval *e, c2s_fold fold, finish_fn finish, bool always_float) {
    const c2s_wide wide = wide_for(e->in[0], always_float);
    size_t folded, results;
    uint32_t axes;
    c2s_workspace ws = {0};
    if (!wide)
        return c2s_fail(C2S_ERR_INVALID, "the operator is not defined for elements of type %s",
                        c2s_dtype_name(e->in[0]->type.dtype));
    C2S_TRY(eval_axes(e, &axes));
    void *to = c2s_workspace_out(&ws, wide, e->out[0]);
    if (ws.status == C2S_OK)
        ws.status = c2s_reduce(fold, wide, e->in[0], axes, NULL, to);
    c2s_reduce_counts(&e->in[0]->type, axes, &folded, &results);
    for (size_t k = 0; finish && ws.status == C2S_OK && k < results; k++)
        if (wide == C2S_WIDE_F64)
            ((double *)to)[k] = finish(((double *)to)[k], (double)folded);
        else if (wide == C2S_WIDE_I64)
            ((int64_t *)to)[k] = folded ? ((int64_t *)to)[k] / (int64_t)folded : 0;
        else
            ((uint64_t *)to)[k] = folded ? ((uint64_t *)to)[k] / folded : 0;
    return c2s_workspace_end(&ws);
}

/* log(sum(exp(x))) without overflow: the largest element is taken out first. Where that is
 * infinite, nothing is taken out. */
static c2s_status log_sum_exp_eval(c2s_eval *e) {
    size_t folded, results;
    uint32_t axes;
    c2s_workspace ws = {0};
    C2S_TRY(eval_axes(e, &axes));
    c2s_reduce_counts(&e->in[0]->type, axes, &folded, &results);
    double *most = c2s_workspace_array(&ws, results, sizeof *most);
    double *sum = c2s_workspace_out_f64(&ws, e->out[0]);
    if (ws.status == C2S_OK)
        ws.status = c2s_reduce(C2S_FOLD_MAX, C2S_WIDE_F64, e->in[0], axes, NULL, most);
    if (ws.status == C2S_OK) {
        for (size_t k = 0; k < results; k++)
            most[k] = isfinite(most[k]) ? most[k] : 0;
        ws.status = c2s_reduce(C2S_FOLD_SUM_EXP, C2S_WIDE_F64, e->in[0], axes, most, sum);
    }
    for (size_t k = 0; ws.status == C2S_OK && k < results; k++)
        sum[k] = log(sum[k]) + most[k];
    return c2s_workspace_end(&ws);
}

/* Shapes are reduced to numbers of elements. `start`: the result for no elements, C2S_DIM_SYMBOLIC
 * if there is none. */
static c2s_status reduce_contents(c2s_infer *i,
                                  c2s_dim (*join)(c2s_dims *dims, c2s_dim a, c2s_dim b),
                                  c2s_dim start) {
    const c2s_dim *in;
    unsigned count;
    const c2s_type *out = &i->out[0];
    C2S_TRY(reduce_infer(i));
    if (i->concrete || !c2s_dtype_is_integer(out->dtype) || out->rank < 0 || out->rank > 1 ||
        c2s_infer_type(i, 0)->rank != 1 || (out->rank == 1 && out->dim[0] != 1) ||
        c2s_attr_int(i->node, "noop_with_empty_axes", 0) || !c2s_infer_dims(i, 0, &in, &count))
        return C2S_OK;
    if (!count && start == C2S_DIM_SYMBOLIC)
        return C2S_OK;
    c2s_dim result = count ? in[0] : start;
    for (unsigned k = 1; k < count; k++)
        result = join(i->dims, result, in[k]);
    c2s_infer_set_contents(i, 0, &result, 1);
    return C2S_OK;
}
static c2s_status sum_infer(c2s_infer *i) {
    return reduce_contents(i, c2s_dim_add, 0);
}
static c2s_status product_infer(c2s_infer *i) {
    return reduce_contents(i, c2s_dim_mul, 1);
}
static c2s_status max_infer(c2s_infer *i) {
    return reduce_contents(i, c2s_dim_max, C2S_DIM_SYMBOLIC);
}
static c2s_status min_infer(c2s_infer *i) {
    return reduce_contents(i, c2s_dim_min, C2S_DIM_SYMBOLIC);
}

static const c2s_attr_spec reduce_attrs[] = {{"axes", C2S_ATTR_INTS, false},
                                             {"keepdims", C2S_ATTR_INT, false},
                                             {"noop_with_empty_axes", C2S_ATTR_INT, false},
                                             {NULL, C2S_ATTR_UNDEFINED, false}};
#define OPERATOR(symbol, name, quantized, tied, rule, function)                                    \
    const c2s_op c2s_op_##symbol = {.type = name,                                                  \
                                    .domain = "",                                                  \
                                    .inputs = {1, 2},                                              \
                                    .outputs = {1, 1},                                             \
                                    .quant = C2S_QUANT_ARGUMENT quantized,                         \
                                    .attrs = reduce_attrs,                                         \
                                    .ties = tied,                                                  \
                                    .infer = rule,                                                 \
                                    .eval = function};
#define REDUCTION(symbol, name, quantized, tied, rule, fold, finish, always_float)                 \
    static c2s_status symbol##_eval(c2s_eval *e) {                                                 \
        return reduce_eval(e, fold, finish, always_float);                                         \
    }                                                                                              \
    OPERATOR(symbol, name, quantized, tied, rule, symbol##_eval)

REDUCTION(reduce_sum, "ReduceSum", (C2S_QUANT_UNARY(OWN)), c2s_ties_reduce_sum, sum_infer,
          C2S_FOLD_SUM, NULL, false)
REDUCTION(reduce_mean, "ReduceMean", (C2S_QUANT_UNARY(WITHIN)), c2s_ties_reduce, reduce_infer,
          C2S_FOLD_SUM, finish_mean, false)
REDUCTION(reduce_max, "ReduceMax", (C2S_QUANT_UNARY(SAME)), c2s_ties_reduce, max_infer,
          C2S_FOLD_MAX, NULL, false)
REDUCTION(reduce_min, "ReduceMin", (C2S_QUANT_UNARY(SAME)), c2s_ties_reduce, min_infer,
          C2S_FOLD_MIN, NULL, false)
REDUCTION(reduce_prod, "ReduceProd", (C2S_QUANT_UNARY(FLOAT)), c2s_ties_reduce, product_infer,
          C2S_FOLD_PRODUCT, NULL, false)
REDUCTION(reduce_l1, "ReduceL1", (C2S_QUANT_UNARY(OWN)), c2s_ties_reduce_sum, reduce_infer,
          C2S_FOLD_SUM_ABS, NULL, false)
REDUCTION(reduce_l2, "ReduceL2", (C2S_QUANT_UNARY(OWN)), c2s_ties_reduce_sum, reduce_infer,
          C2S_FOLD_SUM_SQUARE, finish_root, true)
REDUCTION(reduce_sum_square, "ReduceSumSquare", (C2S_QUANT_UNARY(FLOAT)), c2s_ties_reduce_sum,
          reduce_infer, C2S_FOLD_SUM_SQUARE, NULL, false)
REDUCTION(reduce_log_sum, "ReduceLogSum", (C2S_QUANT_UNARY(FLOAT)), c2s_ties_reduce_sum,
          reduce_infer, C2S_FOLD_SUM, finish_log, true)
OPERATOR(reduce_log_sum_exp, "ReduceLogSumExp", (C2S_QUANT_UNARY(FLOAT)), c2s_ties_reduce,
         reduce_infer, log_sum_exp_eval)
