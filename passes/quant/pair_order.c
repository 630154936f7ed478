/* SPDX-License-Identifier: Apache-2.0 */
#include "passes/quant/pair_order.h"

#include <math.h>

/* ---- orders ---- */

size_t c2s_pair_place(const c2s_pair_order *o, size_t column, size_t term) {
    return column / o->inner * o->stride_outer + column % o->inner * o->stride_inner +
           term % o->channels * o->stride_channel + term / o->channels * o->stride_position;
}

static bool conv_order(const c2s_node *node, const c2s_type *w, c2s_pair_order *out) {
    const int64_t groups = c2s_attr_int(node, "group", 1);
    size_t positions = 1;
    if (w->rank < 3 || groups < 1 || w->dim[0] % groups != 0 || w->dim[0] == 0 || w->dim[1] == 0 ||
        (w->dim[1] == 1 && w->dim[0] == groups))
        return false;
    for (int k = 2; k < w->rank; k++)
        positions *= (size_t)w->dim[k];
    *out = (c2s_pair_order){.columns = (size_t)w->dim[0],
                            .channels = (size_t)w->dim[1],
                            .positions = positions,
                            .group = (size_t)(w->dim[0] / groups),
                            .inner = 1,
                            .stride_outer = (size_t)w->dim[1] * positions,
                            .stride_channel = positions,
                            .stride_position = 1};
    return true;
}

static bool product_order(const c2s_type *w, bool transposed, c2s_pair_order *out) {
    if (w->rank < 2)
        return false;
    const size_t rows = (size_t)w->dim[w->rank - 2], last = (size_t)w->dim[w->rank - 1];
    size_t matrices = 1;
    for (int k = 0; k < w->rank - 2; k++)
        matrices *= (size_t)w->dim[k];
    *out = (c2s_pair_order){.columns = matrices * (transposed ? rows : last),
                            .channels = transposed ? last : rows,
                            .positions = 1,
                            .group = matrices * (transposed ? rows : last),
                            .inner = transposed ? rows : last,
                            .stride_outer = rows * last,
                            .stride_inner = transposed ? last : 1,
                            .stride_channel = transposed ? 1 : last};
    return rows > 0 && last > 0 && matrices > 0;
}

bool c2s_pair_order_of(const c2s_node *node, const c2s_type *weights, c2s_pair_order *out) {
    if (!c2s_type_is_static(weights))
        return false;
    if (node->op == &c2s_op_conv)
        return conv_order(node, weights, out);
    if (node->op == &c2s_op_matmul)
        return product_order(weights, false, out);
    return node->op == &c2s_op_gemm &&
           product_order(weights, c2s_attr_int(node, "transB", 0) != 0, out);
}

/* ---- limits ---- */

size_t c2s_pair_channels(const c2s_pair_order *o) {
    return o->columns / o->group * o->channels;
}

static uint8_t code_of(double number, double scale, int64_t zero) {
    const double code = rint(number * C2S_PAIR_MARGIN / scale) + (double)zero;
    return (uint8_t)fmin(fmax(code, 0), UINT8_MAX);
}

bool c2s_pair_limits(const c2s_pair_order *o, const c2s_channel_stats *channels, double scale,
                     int64_t zero, c2s_dtype dtype, uint8_t *least, uint8_t *most) {
    const size_t count = c2s_pair_channels(o);
    if (channels->extent != count || !(scale > 0))
        return false;
    zero += dtype == C2S_INT8 ? 128 : 0;
    for (size_t c = 0; c < count; c++) {
        least[c] = code_of(fmin((double)channels->min[c], 0), scale, zero);
        most[c] = code_of(fmax((double)channels->max[c], 0), scale, zero);
    }
    return true;
}

/* ---- pairs ---- */

c2s_code_span c2s_pair_span(const c2s_pair_order *o, const c2s_code_limits *limits, size_t column,
                            size_t term) {
    const size_t channel = column / o->group * o->channels + term % o->channels;
    return (c2s_code_span){limits && limits->least ? (float)limits->least[channel] : 0,
                           limits && limits->most ? (float)limits->most[channel] : 255};
}

/* Asked hundreds of times per weight: fmaxf would be a call. */
bool c2s_pair_fits(float a, c2s_code_span x, float b, c2s_code_span y) {
    const float a1 = a * x.least, a2 = a * x.most, b1 = b * y.least, b2 = b * y.most;
    const float most = (a1 > a2 ? a1 : a2) + (b1 > b2 ? b1 : b2),
                least = (a1 < a2 ? a1 : a2) + (b1 < b2 ? b1 : b2);
    return most <= INT16_MAX && least >= INT16_MIN;
}

void c2s_pair_each(const c2s_pair_order *o, c2s_pair_user use, void *context) {
    const size_t terms = o->channels * o->positions;
    for (size_t k = 0; k + 1 < terms; k += 2)
        use(context, k, k + 1);
    for (size_t p = 1; o->channels % 2 && p < o->positions; p += 2) /* even p: as above */
        for (size_t c = 0; c + 1 < o->channels; c += 2)
            use(context, p * o->channels + c, p * o->channels + c + 1);
}

typedef struct counter {
    const c2s_pair_order *order;
    const c2s_code_limits *limits;
    const float *codes;
    size_t column, count;
} counter;

static void count_pair(void *context, size_t first, size_t second) {
    counter *c = context;
    c->count += !c2s_pair_fits(c->codes[c2s_pair_place(c->order, c->column, first)],
                               c2s_pair_span(c->order, c->limits, c->column, first),
                               c->codes[c2s_pair_place(c->order, c->column, second)],
                               c2s_pair_span(c->order, c->limits, c->column, second));
}

size_t c2s_saturation_count(const c2s_pair_order *order, const c2s_code_limits *limits,
                            const float *codes) {
    counter c = {.order = order, .limits = limits, .codes = codes};
    for (c.column = 0; c.column < order->columns; c.column++)
        c2s_pair_each(order, count_pair, &c);
    return c.count;
}
