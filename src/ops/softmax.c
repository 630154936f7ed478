/* SPDX-License-Identifier: Apache-2.0
 *
 * Softmax, LogSoftmax, Hardmax and LpNormalization: floats along one axis, computed in double.
 */
#include <inttypes.h>
#include <math.h>

#include "ops/axis.h"
#include "ops/elementary.h"
#include "ops/ties_rules.h"

enum { MAX_WIDTH = 64, LANES = 8 };

/* Columns of panels: `n` rows of `width`. A panel of one column is folded in LANES, so that neither
 * loop waits for the step before. */
C2S_INLINE void column_max(const double *restrict x, size_t n, size_t width, double *most) {
    double lane[LANES];
    size_t k = 0;
    for (size_t c = 0; c < width; c++)
        most[c] = -INFINITY;
    if (width == 1) {
        for (size_t l = 0; l < LANES; l++)
            lane[l] = -INFINITY;
        for (; k + LANES <= n; k += LANES)
            for (size_t l = 0; l < LANES; l++)
                lane[l] = x[k + l] > lane[l] ? x[k + l] : lane[l];
        for (size_t l = 0; l < LANES; l++)
            most[0] = lane[l] > most[0] ? lane[l] : most[0];
    }
    for (; k < n; k++)
        for (size_t c = 0; c < width; c++)
            most[c] = x[k * width + c] > most[c] ? x[k * width + c] : most[c];
}

C2S_INLINE void column_sum(const double *restrict x, size_t n, size_t width, double *sum) {
    double lane[LANES] = {0};
    size_t k = 0;
    for (size_t c = 0; c < width; c++)
        sum[c] = 0;
    if (width == 1) {
        for (; k + LANES <= n; k += LANES)
            for (size_t l = 0; l < LANES; l++)
                lane[l] += x[k + l];
        for (size_t l = 0; l < LANES; l++)
            sum[0] += lane[l];
    }
    for (; k < n; k++)
        for (size_t c = 0; c < width; c++)
            sum[c] += x[k * width + c];
}

/* x = exp(x - most), in `to`, which may be x. */
C2S_INLINE void column_exp(const double *x, size_t n, size_t width, const double *most,
                           double *to) {
    if (width == 1)
        for (size_t k = 0; k < n; k++)
            to[k] = c2s_exp(x[k] - most[0]);
    else
        for (size_t k = 0; k < n; k++)
            for (size_t c = 0; c < width; c++)
                to[k * width + c] = c2s_exp(x[k * width + c] - most[c]);
}

C2S_INLINE void softmax_loop(double *x, size_t n, size_t width) {
    double most[MAX_WIDTH], sum[MAX_WIDTH];
    column_max(x, n, width, most);
    column_exp(x, n, width, most, x);
    column_sum(x, n, width, sum);
    for (size_t c = 0; c < width; c++)
        sum[c] = 1 / sum[c];
    for (size_t k = 0; k < n; k++)
        for (size_t c = 0; c < width; c++)
            x[k * width + c] *= sum[c];
}
C2S_SIMD(softmax, softmax_loop, (double *x, size_t n, size_t width), (x, n, width))

static void softmax_panel(const c2s_panel *panel) {
    softmax(panel->data, panel->n, panel->width);
}

/* Rows that fit the buffer at a time. */
C2S_INLINE void log_softmax_loop(double *x, size_t n, size_t width) {
    enum { BUFFER = 1024 };
    double most[MAX_WIDTH], sum[MAX_WIDTH] = {0}, part[MAX_WIDTH], buffer[BUFFER];
    const size_t rows = BUFFER / width;
    column_max(x, n, width, most);
    for (size_t k = 0; k < n; k += rows) {
        const size_t some = n - k < rows ? n - k : rows;
        column_exp(x + k * width, some, width, most, buffer);
        column_sum(buffer, some, width, part);
        for (size_t c = 0; c < width; c++)
            sum[c] += part[c];
    }
    for (size_t c = 0; c < width; c++)
        sum[c] = log(sum[c]);
    for (size_t k = 0; k < n; k++)
        for (size_t c = 0; c < width; c++)
            x[k * width + c] = x[k * width + c] - most[c] - sum[c];
}
C2S_SIMD(log_softmax, log_softmax_loop, (double *x, size_t n, size_t width), (x, n, width))

static void log_softmax_panel(const c2s_panel *panel) {
    log_softmax(panel->data, panel->n, panel->width);
}

/* One for the first of the largest elements, zero for the others. */
static void hardmax_panel(const c2s_panel *panel) {
    const size_t width = panel->width;
    double *x = panel->data;
    for (size_t c = 0; c < width && panel->n; c++) {
        size_t best = 0;
        for (size_t k = 1; k < panel->n; k++)
            if (x[k * width + c] > x[best * width + c])
                best = k;
        for (size_t k = 0; k < panel->n; k++)
            x[k * width + c] = k == best;
    }
}

/* A norm of zero leaves zeros. */
static void lp_normalization_panel(const c2s_panel *panel) {
    const size_t width = panel->width, count = panel->n * width;
    const int64_t order = *(const int64_t *)panel->params;
    double norm[MAX_WIDTH] = {0}, *x = panel->data;
    for (size_t at = 0; at < count; at += width)
        for (size_t c = 0; c < width; c++)
            norm[c] += order == 1 ? fabs(x[at + c]) : x[at + c] * x[at + c];
    for (size_t c = 0; c < width; c++)
        norm[c] = norm[c] == 0 ? 1 : order == 1 ? norm[c] : sqrt(norm[c]);
    for (size_t at = 0; at < count; at += width)
        for (size_t c = 0; c < width; c++)
            x[at + c] /= norm[c];
}

static c2s_status axis_infer(c2s_infer *i) {
    int axis;
    C2S_TRY(c2s_infer_like_first(i));
    if (i->out[0].kind == C2S_KIND_TENSOR && i->out[0].rank >= 0 &&
        !(i->out[0].rank == 0 && c2s_attr_int(i->node, "axis", -1) == -1))
        C2S_TRY(c2s_infer_axis(c2s_attr_int(i->node, "axis", -1), i->out[0].rank, &axis));
    if (i->out[0].dtype && !c2s_dtype_is_float(i->out[0].dtype))
        return c2s_fail(C2S_ERR_INVALID, "input 0 has elements of type %s, expected floats",
                        c2s_dtype_name(i->out[0].dtype));
    return C2S_OK;
}

static c2s_status axis_eval(c2s_eval *e, void (*work)(const c2s_panel *panel), const void *params) {
    const c2s_tensor *in = e->in[0];
    int axis;
    if (in->type.rank == 0) { /* as if it were one element along one axis */
        const int64_t one = 1;
        c2s_tensor *row;
        C2S_TRY(c2s_tensor_reshape(in, 1, &one, &row));
        const c2s_status status = c2s_axis_map(C2S_WIDE_F64, row, e->out[0], 0, work, params);
        c2s_tensor_unref(row);
        return status;
    }
    C2S_TRY(c2s_infer_axis(c2s_attr_int(e->node, "axis", -1), in->type.rank, &axis));
    return c2s_axis_map(C2S_WIDE_F64, in, e->out[0], axis, work, params);
}

static const c2s_attr_spec axis_attrs[] = {{"axis", C2S_ATTR_INT, false},
                                           {NULL, C2S_ATTR_UNDEFINED, false}};
#define ALONG_AXIS(symbol, name, quantized)                                                        \
    static c2s_status symbol##_eval(c2s_eval *e) {                                                 \
        return axis_eval(e, symbol##_panel, NULL);                                                 \
    }                                                                                              \
    const c2s_op c2s_op_##symbol = {.type = name,                                                  \
                                    .domain = "",                                                  \
                                    .inputs = {1, 1},                                              \
                                    .outputs = {1, 1},                                             \
                                    .quant = C2S_QUANT_ARGUMENT quantized,                         \
                                    .attrs = axis_attrs,                                           \
                                    .ties = c2s_ties_softmax,                                      \
                                    .infer = axis_infer,                                           \
                                    .eval = symbol##_eval};
ALONG_AXIS(softmax, "Softmax", (C2S_QUANT_BOUNDED(RANGE, 0.0f, 1.0f)))
ALONG_AXIS(log_softmax, "LogSoftmax", (C2S_QUANT_UNARY(FLOAT)))
ALONG_AXIS(hardmax, "Hardmax", (C2S_QUANT_BOUNDED(RANGE, 0.0f, 1.0f)))

static c2s_status lp_normalization_infer(c2s_infer *i) {
    const int64_t order = c2s_attr_int(i->node, "p", 2);
    if (order != 1 && order != 2)
        return c2s_fail(C2S_ERR_INVALID, "p is %" PRId64 ", expected 1 or 2", order);
    return axis_infer(i);
}
static c2s_status lp_normalization_eval(c2s_eval *e) {
    const int64_t order = c2s_attr_int(e->node, "p", 2);
    return axis_eval(e, lp_normalization_panel, &order);
}
static const c2s_attr_spec lp_normalization_attrs[] = {
    {"axis", C2S_ATTR_INT, false}, {"p", C2S_ATTR_INT, false}, {NULL, C2S_ATTR_UNDEFINED, false}};
const c2s_op c2s_op_lp_normalization = {.type = "LpNormalization",
                                        .domain = "",
                                        .inputs = {1, 1},
                                        .outputs = {1, 1},
                                        .quant = C2S_QUANT_BOUNDED(RANGE, -1.0f, 1.0f),
                                        .attrs = lp_normalization_attrs,
                                        .ties = c2s_ties_softmax,
                                        .infer = lp_normalization_infer,
                                        .eval = lp_normalization_eval};
