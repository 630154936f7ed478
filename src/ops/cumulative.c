/* SPDX-License-Identifier: Apache-2.0
 *
 * CumSum and CumProd: running sums and products along one axis.
 */
#include "ops/axis.h"
#include "ops/ties_rules.h"

typedef struct cumulative {
    bool exclusive, reverse;
} cumulative;

/* Exclusive: element k of the result leaves out element k of the input. */
#define CUMULATIVE(name, type, first, operation)                                                   \
    static void name(const c2s_panel *panel) {                                                     \
        const cumulative *how = panel->params;                                                     \
        const size_t n = panel->n, width = panel->width;                                           \
        for (size_t c = 0; c < width; c++) {                                                       \
            type *x = (type *)panel->data + c, sum = first;                                        \
            for (size_t k = 0; k < n; k++) {                                                       \
                const size_t at = (how->reverse ? n - 1 - k : k) * width;                          \
                const type before = sum;                                                           \
                sum = sum operation x[at];                                                         \
                x[at] = how->exclusive ? before : sum;                                             \
            }                                                                                      \
        }                                                                                          \
    }
CUMULATIVE(sum_f64, double, 0, +)
CUMULATIVE(sum_u64, uint64_t, 0, +)
CUMULATIVE(product_f64, double, 1, *)
CUMULATIVE(product_u64, uint64_t, 1, *)

static c2s_status cumulative_infer(c2s_infer *i) {
    const int64_t *given;
    unsigned count;
    int axis;
    C2S_TRY(c2s_infer_tensors(i, 2));
    C2S_TRY(c2s_infer_rank(i, 1, 0, 1));
    i->out[0] = *c2s_infer_type(i, 0);
    if (i->out[0].kind != C2S_KIND_TENSOR || i->out[0].rank < 0 ||
        !c2s_infer_ints(i, 1, &given, &count))
        return C2S_OK;
    if (count != 1)
        return c2s_fail(C2S_ERR_INVALID, "the axis has %u elements, expected 1", count);
    return c2s_infer_axis(given[0], i->out[0].rank, &axis);
}

static c2s_status cumulative_eval(c2s_eval *e, void (*floats)(const c2s_panel *),
                                  void (*integers)(const c2s_panel *)) {
    const c2s_tensor *in = e->in[0];
    const cumulative how = {.exclusive = c2s_attr_int(e->node, "exclusive", 0) != 0,
                            .reverse = c2s_attr_int(e->node, "reverse", 0) != 0};
    c2s_wide wide = c2s_wide_of(in->type.dtype);
    int64_t given;
    int axis;
    if (!wide || in->type.dtype == C2S_BOOL)
        return c2s_fail(C2S_ERR_INVALID, "the operator is not defined for elements of type %s",
                        c2s_dtype_name(in->type.dtype));
    if (e->in[1]->count != 1 || !c2s_tensor_i64_at(e->in[1], 0, &given))
        return c2s_fail(C2S_ERR_INVALID, "the axis is not one integer");
    C2S_TRY(c2s_infer_axis(given, in->type.rank, &axis));
    if (wide == C2S_WIDE_F32)
        wide = C2S_WIDE_F64;
    return c2s_axis_map(wide, in, e->out[0], axis, wide == C2S_WIDE_F64 ? floats : integers, &how);
}

static const c2s_attr_spec cumulative_attrs[] = {{"exclusive", C2S_ATTR_INT, false},
                                                 {"reverse", C2S_ATTR_INT, false},
                                                 {NULL, C2S_ATTR_UNDEFINED, false}};
static c2s_status cum_sum_eval(c2s_eval *e) {
    return cumulative_eval(e, sum_f64, sum_u64);
}
const c2s_op c2s_op_cum_sum = {.type = "CumSum",
                               .domain = "",
                               .inputs = {2, 2},
                               .outputs = {1, 1},
                               .quant = C2S_QUANT_UNARY(OWN),
                               .attrs = cumulative_attrs,
                               .ties = c2s_ties_cumulative,
                               .infer = cumulative_infer,
                               .eval = cum_sum_eval};

static c2s_status cum_prod_eval(c2s_eval *e) {
    return cumulative_eval(e, product_f64, product_u64);
}
const c2s_op c2s_op_cum_prod = {.type = "CumProd",
                                .domain = "",
                                .inputs = {2, 2},
                                .outputs = {1, 1},
                                .quant = C2S_QUANT_UNARY(FLOAT),
                                .attrs = cumulative_attrs,
                                .ties = c2s_ties_cumulative,
                                .infer = cumulative_infer,
                                .eval = cum_prod_eval};
