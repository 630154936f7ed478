/* SPDX-License-Identifier: Apache-2.0
 *
 * ArgMax and ArgMin. NaN wins over every number.
 */
#include "ops/axis.h"
#include "ops/ties_rules.h"

typedef struct arg_search {
    int64_t *out;
    bool last; /* of equal elements the last one counts, else the first */
} arg_search;

enum { LANES = 16 };

/* NAME_line: the position in a contiguous line, by finding the best value first. */
#define ARG(name, type, better)                                                                    \
    C2S_INLINE void name##_best(const type *x, size_t n, type *best, bool *nan) {                  \
        type lane[LANES], unordered[LANES] = {0}; /* not 0: NaN was there */                       \
        size_t k = 0;                                                                              \
        for (size_t l = 0; l < LANES; l++)                                                         \
            lane[l] = x[0];                                                                        \
        for (; k + LANES <= n; k += LANES)                                                         \
            for (size_t l = 0; l < LANES; l++) {                                                   \
                const type a = x[k + l], b = lane[l];                                              \
                unordered[l] = a != a ? 1 : unordered[l];                                          \
                lane[l] = a better b ? a : b;                                                      \
            }                                                                                      \
        for (; k < n; k++) {                                                                       \
            unordered[0] = x[k] != x[k] ? 1 : unordered[0];                                        \
            lane[0] = x[k] better lane[0] ? x[k] : lane[0];                                        \
        }                                                                                          \
        *nan = unordered[0] != 0;                                                                  \
        for (size_t l = 1; l < LANES; l++) {                                                       \
            lane[0] = lane[l] better lane[0] ? lane[l] : lane[0];                                  \
            *nan |= unordered[l] != 0;                                                             \
        }                                                                                          \
        *best = lane[0];                                                                           \
    }                                                                                              \
    C2S_SIMD(name##_fold, name##_best, (const type *x, size_t n, type *best, bool *nan),           \
             (x, n, best, nan))                                                                    \
    static size_t name##_line(const type *x, size_t n, bool last) {                                \
        type best;                                                                                 \
        bool nan;                                                                                  \
        name##_fold(x, n, &best, &nan);                                                            \
        size_t at = last ? n - 1 : 0;                                                              \
        while (nan ? x[at] == x[at] : x[at] != best)                                               \
            at += last ? (size_t)-1 : 1;                                                           \
        return at;                                                                                 \
    }                                                                                              \
    static void name(const c2s_panel *panel) {                                                     \
        const arg_search *search = panel->params;                                                  \
        const size_t n = panel->n, width = panel->width;                                           \
        if (width == 1) {                                                                          \
            search->out[panel->column] = (int64_t)name##_line(panel->data, n, search->last);       \
            return;                                                                                \
        }                                                                                          \
        for (size_t c = 0; c < width; c++) {                                                       \
            const type *x = (const type *)panel->data + c;                                         \
            size_t best = 0;                                                                       \
            for (size_t k = 1; k < n; k++) {                                                       \
                const type a = x[k * width], b = x[best * width];                                  \
                if (a better b || (a != a && b == b) ||                                            \
                    (search->last && (a == b || (a != a && b != b))))                              \
                    best = k;                                                                      \
            }                                                                                      \
            search->out[panel->column + c] = (int64_t)best;                                        \
        }                                                                                          \
    }
ARG(max_f32, float, >)
ARG(max_f64, double, >)
ARG(max_i64, int64_t, >)
ARG(max_u64, uint64_t, >)
ARG(min_f32, float, <)
ARG(min_f64, double, <)
ARG(min_i64, int64_t, <)
ARG(min_u64, uint64_t, <)

static c2s_status arg_infer(c2s_infer *i) {
    const c2s_type *in = c2s_infer_type(i, 0);
    int axis, rank = 0;
    C2S_TRY(c2s_infer_tensors(i, 1));
    i->out[0] = c2s_type_tensor(C2S_INT64, -1, NULL);
    if (in->kind != C2S_KIND_TENSOR || in->rank < 0)
        return C2S_OK;
    C2S_TRY(c2s_infer_axis(c2s_attr_int(i->node, "axis", 0), in->rank, &axis));
    if (in->dim[axis] == 0)
        return c2s_fail(C2S_ERR_INVALID, "axis %d has no elements", axis);
    for (int d = 0; d < in->rank; d++)
        if (d != axis)
            i->out[0].dim[rank++] = in->dim[d];
        else if (c2s_attr_int(i->node, "keepdims", 1))
            i->out[0].dim[rank++] = 1;
    i->out[0].rank = rank;
    return C2S_OK;
}

static c2s_status arg_eval(c2s_eval *e, void (*const work[4])(const c2s_panel *)) {
    const c2s_tensor *in = e->in[0];
    const c2s_wide wide = c2s_wide_of(in->type.dtype);
    const arg_search search = {.out = c2s_tensor_mutable(e->out[0]),
                               .last = c2s_attr_int(e->node, "select_last_index", 0) != 0};
    int axis;
    C2S_TRY(c2s_infer_axis(c2s_attr_int(e->node, "axis", 0), in->type.rank, &axis));
    switch (wide) {
    case C2S_WIDE_F32:
        return c2s_axis_each(wide, in, axis, work[0], &search);
    case C2S_WIDE_F64:
        return c2s_axis_each(wide, in, axis, work[1], &search);
    case C2S_WIDE_I64:
        return c2s_axis_each(wide, in, axis, work[2], &search);
    case C2S_WIDE_U64:
        return c2s_axis_each(wide, in, axis, work[3], &search);
    default:
        return c2s_fail(C2S_ERR_INVALID, "the operator is not defined for elements of type %s",
                        c2s_dtype_name(in->type.dtype));
    }
}

static const c2s_attr_spec arg_attrs[] = {{"axis", C2S_ATTR_INT, false},
                                          {"keepdims", C2S_ATTR_INT, false},
                                          {"select_last_index", C2S_ATTR_INT, false},
                                          {NULL, C2S_ATTR_UNDEFINED, false}};
#define ARG_OPERATOR(symbol, name, kind)                                                           \
    static c2s_status symbol##_eval(c2s_eval *e) {                                                 \
        static void (*const work[4])(const c2s_panel *) = {kind##_f32, kind##_f64, kind##_i64,     \
                                                           kind##_u64};                            \
        return arg_eval(e, work);                                                                  \
    }                                                                                              \
    const c2s_op c2s_op_##symbol = {.type = name,                                                  \
                                    .domain = "",                                                  \
                                    .inputs = {1, 1},                                              \
                                    .outputs = {1, 1},                                             \
                                    .quant = C2S_QUANT_SLOTS(SAME, 1u, 0u),                        \
                                    .attrs = arg_attrs,                                            \
                                    .ties = c2s_ties_arg_reduce,                                   \
                                    .infer = arg_infer,                                            \
                                    .eval = symbol##_eval};
ARG_OPERATOR(arg_max, "ArgMax", max)
ARG_OPERATOR(arg_min, "ArgMin", min)
