/* SPDX-License-Identifier: Apache-2.0
 *
 * GridSample.
 */
#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "base/memory.h"
#include "ops/elements.h"
#include "ops/infer_tensor.h"
#include "ops/ties_rules.h"
#include "ops/workspace.h"

/* ---- GridSample: options and shapes ---- */

enum { MAX_SPATIAL = 3, MAX_TAPS = 64 }; /* 4 taps along each of 3 axes */

typedef enum sample_mode { NEAREST, LINEAR, CUBIC } sample_mode;
typedef enum sample_padding { ZEROS, BORDER, REFLECTION } sample_padding;

typedef struct sample_options {
    sample_mode mode;
    sample_padding padding;
    bool align_corners;
} sample_options;

static c2s_status sample_options_of(const c2s_node *node, sample_options *out) {
    const char *mode = c2s_attr_string(node, "mode", "linear");
    const char *padding = c2s_attr_string(node, "padding_mode", "zeros");
    out->align_corners = c2s_attr_int(node, "align_corners", 0) != 0;
    if (strcmp(mode, "linear") == 0 || strcmp(mode, "bilinear") == 0)
        out->mode = LINEAR;
    else if (strcmp(mode, "cubic") == 0 || strcmp(mode, "bicubic") == 0)
        out->mode = CUBIC;
    else if (strcmp(mode, "nearest") == 0)
        out->mode = NEAREST;
    else
        return c2s_fail(C2S_ERR_INVALID, "mode is \"%s\", expected linear, nearest or cubic", mode);
    if (strcmp(padding, "zeros") == 0)
        out->padding = ZEROS;
    else if (strcmp(padding, "border") == 0)
        out->padding = BORDER;
    else if (strcmp(padding, "reflection") == 0)
        out->padding = REFLECTION;
    else
        return c2s_fail(C2S_ERR_INVALID,
                        "padding_mode is \"%s\", expected zeros, border or reflection", padding);
    return C2S_OK;
}

static c2s_status grid_sample_infer(c2s_infer *i) {
    sample_options options;
    c2s_dim dim[MAX_SPATIAL + 2];
    C2S_TRY(c2s_infer_tensors(i, 2));
    C2S_TRY(sample_options_of(i->node, &options));
    const c2s_type *x = c2s_infer_type(i, 0), *grid = c2s_infer_type(i, 1);
    int rank = x->rank < 0 ? grid->rank : x->rank;
    if (rank < 0)
        return c2s_infer_output(i, 0, x->dtype, -1, NULL);
    if (rank < 3 || rank > MAX_SPATIAL + 2 || (grid->rank >= 0 && grid->rank != rank))
        return c2s_fail(C2S_ERR_UNSUPPORTED,
                        "input of rank %d, grid of rank %d; expected equal ranks from 3 to %d",
                        x->rank, grid->rank, MAX_SPATIAL + 2);
    if (grid->rank >= 0 && c2s_dim_is_known(grid->dim[rank - 1]) && grid->dim[rank - 1] != rank - 2)
        return c2s_fail(C2S_ERR_INVALID, "grid has %" PRId64 " coordinates, expected %d",
                        grid->dim[rank - 1], rank - 2);
    if (i->concrete && (x->dim[0] != grid->dim[0] || !c2s_dtype_is_float(grid->dtype)))
        return c2s_fail(C2S_ERR_INVALID,
                        "batch of %" PRId64 " items, grid of type %s for %" PRId64 " items",
                        x->dim[0], c2s_dtype_name(grid->dtype), grid->dim[0]);
    dim[0] = x->rank >= 0 ? x->dim[0] : grid->dim[0];
    dim[1] = x->rank >= 0 ? x->dim[1] : c2s_dim_fresh(i->dims);
    for (int a = 2; a < rank; a++)
        dim[a] = grid->rank >= 0 ? grid->dim[a - 1] : c2s_dim_fresh(i->dims);
    return c2s_infer_output(i, 0, x->dtype, rank, dim);
}

/* ---- GridSample: evaluation ---- */

/* What one axis contributes to an output position. Taps outside the input have weight 0. */
typedef struct axis_taps {
    unsigned count;
    int64_t index[4];
    double weight[4];
} axis_taps;

/* Mirrors at low and high until the coordinate lies between them. */
static double reflect(double at, double low, double high) {
    double range = high - low;
    if (range <= 0)
        return 0;
    double offset = fmod(fabs(at - low), 2 * range);
    return offset > range ? high - (offset - range) : low + offset;
}

static double pad_coordinate(const sample_options *o, double at, int64_t extent) {
    double last = (double)(extent - 1);
    if (o->padding == BORDER)
        return at > 0 ? (at < last ? at : last) : 0;
    if (o->padding == REFLECTION) {
        at = o->align_corners ? reflect(at, 0, last) : reflect(at, -0.5, last + 0.5);
        return at > 0 ? (at < last ? at : last) : 0;
    }
    return at;
}

static double cubic_weight(double x) {
    const double a = -0.75;
    x = fabs(x);
    if (x <= 1)
        return ((a + 2) * x - (a + 3)) * x * x + 1;
    return x < 2 ? ((x - 5) * x + 8) * x * a - 4 * a : 0;
}

/* `at` is the coordinate in [-1, 1] for what lies inside. */
static void find_taps(const sample_options *o, double at, int64_t extent, axis_taps *taps) {
    double length = (double)extent;
    at = o->align_corners ? (at + 1) / 2 * (length - 1) : ((at + 1) * length - 1) / 2;
    if (!isfinite(at)) /* counts as far outside */
        at = -4 * length;
    if (o->mode != CUBIC) /* cubic pads its taps one by one */
        at = pad_coordinate(o, at, extent);
    double first = o->mode == NEAREST ? nearbyint(at) : floor(at) - (o->mode == CUBIC ? 1 : 0);
    taps->count = o->mode == NEAREST ? 1 : o->mode == LINEAR ? 2 : 4;
    for (unsigned k = 0; k < taps->count; k++) {
        double position = first + k, distance = position - at;
        taps->weight[k] = o->mode == NEAREST  ? 1
                          : o->mode == LINEAR ? 1 - fabs(distance)
                                              : cubic_weight(distance);
        if (o->mode == CUBIC)
            position = nearbyint(pad_coordinate(o, position, extent));
        bool inside = position >= 0 && position < length;
        taps->index[k] = inside ? (int64_t)position : 0;
        if (!inside)
            taps->weight[k] = 0;
    }
}

/* The taps of all axes multiplied out: offsets within one channel, and weights. */
static unsigned combine_taps(const axis_taps *axis, const int64_t *extent, int spatial,
                             size_t *offset, double *weight) {
    unsigned count = 1;
    offset[0] = 0;
    weight[0] = 1;
    for (int a = 0; a < spatial; a++) {
        unsigned before = count;
        for (unsigned t = axis[a].count; t-- > 0;) { /* block 0 last: it is what is read */
            for (unsigned k = 0; k < before; k++) {
                size_t to = (size_t)t * before + k;
                offset[to] = offset[k] * (size_t)extent[a] + (size_t)axis[a].index[t];
                weight[to] = weight[k] * axis[a].weight[t];
            }
        }
        count = before * axis[a].count;
    }
    return count;
}

/* All channels at one position of the grid. */
static void sample_position(const sample_options *o, const c2s_type *x, const double *at,
                            const double *image, double *to, size_t to_channel) {
    axis_taps taps[MAX_SPATIAL];
    size_t offset[MAX_TAPS], plane = 1;
    double weight[MAX_TAPS];
    int spatial = x->rank - 2;
    for (int a = 0; a < spatial; a++) { /* the grid lists the last axis first */
        find_taps(o, at[spatial - 1 - a], x->dim[a + 2], &taps[a]);
        plane *= (size_t)x->dim[a + 2];
    }
    unsigned count = combine_taps(taps, x->dim + 2, spatial, offset, weight);
    for (size_t c = 0; c < (size_t)x->dim[1]; c++) {
        double sum = 0;
        for (unsigned k = 0; k < count; k++)
            sum += weight[k] * image[c * plane + offset[k]];
        to[c * to_channel] = sum;
    }
}

/* The same for mode nearest: elements of any type move as they are, from outside comes zero. */
static void move_position(const sample_options *o, const c2s_type *x, const double *at,
                          const char *image, size_t size, char *to, size_t to_channel) {
    size_t offset = 0, plane = 1;
    bool inside = true;
    int spatial = x->rank - 2;
    for (int a = 0; a < spatial; a++) {
        axis_taps taps;
        find_taps(o, at[spatial - 1 - a], x->dim[a + 2], &taps);
        inside &= taps.weight[0] != 0;
        offset = offset * (size_t)x->dim[a + 2] + (size_t)taps.index[0];
        plane *= (size_t)x->dim[a + 2];
    }
    for (size_t c = 0; c < (size_t)x->dim[1]; c++)
        if (inside)
            memcpy(to + c * to_channel * size, image + (c * plane + offset) * size, size);
        else
            memset(to + c * to_channel * size, 0, size);
}

/* Grid positions of one item of the batch. */
static size_t count_positions(const c2s_type *y) {
    size_t positions = 1;
    for (int a = 2; a < y->rank; a++)
        positions *= (size_t)y->dim[a];
    return positions;
}

static c2s_status move_nearest(c2s_eval *e, const sample_options *options) {
    const c2s_type *x = &e->in[0]->type;
    c2s_elements from, to;
    c2s_workspace ws = {0};
    const double *grid = c2s_workspace_f64(&ws, e->in[1]);
    if (ws.status != C2S_OK)
        return c2s_workspace_end(&ws);
    c2s_status status = c2s_elements_open(e, &from, &to);
    if (status == C2S_OK) {
        const size_t spatial = (size_t)x->rank - 2, positions = count_positions(e->out_type);
        const size_t batch = (size_t)x->dim[0], channels = (size_t)x->dim[1];
        const size_t item = e->in[0]->count / batch * from.size;
#pragma omp parallel for schedule(static) if (positions * batch > 4096)
        for (size_t k = 0; k < positions * batch; k++) {
            const size_t n = k / positions, p = k % positions;
            move_position(options, x, grid + k * spatial, from.data + n * item, from.size,
                          to.data + (n * channels * positions + p) * to.size, positions);
        }
        status = c2s_elements_end(e, &from, &to, C2S_OK);
    }
    const c2s_status end = c2s_workspace_end(&ws);
    return status == C2S_OK ? end : status;
}

static c2s_status grid_sample_eval(c2s_eval *e) {
    const c2s_type *x = &e->in[0]->type, *y = &e->out_type[0];
    sample_options options;
    C2S_TRY(sample_options_of(e->node, &options));
    if (!e->out[0] || !e->out[0]->count)
        return C2S_OK;
    if (!e->in[0]->count)
        return c2s_fail(C2S_ERR_INVALID, "an input without elements cannot be sampled");
    if (options.mode == NEAREST)
        return move_nearest(e, &options);
    if (!c2s_dtype_is_float(x->dtype) && !c2s_dtype_is_integer(x->dtype))
        return c2s_fail(C2S_ERR_UNSUPPORTED, "elements of type %s cannot be interpolated",
                        c2s_dtype_name(x->dtype));
    c2s_workspace ws = {0};
    const double *image = c2s_workspace_f64(&ws, e->in[0]);
    const double *grid = c2s_workspace_f64(&ws, e->in[1]);
    double *values = c2s_workspace_out_f64(&ws, e->out[0]);
    if (ws.status == C2S_OK) {
        size_t spatial = (size_t)x->rank - 2, positions = count_positions(y);
        size_t batch = (size_t)x->dim[0];
        size_t channels = (size_t)x->dim[1], item = e->in[0]->count / batch;
#pragma omp parallel for schedule(static) if (positions * batch > 4096)
        for (size_t k = 0; k < positions * batch; k++) {
            size_t n = k / positions, p = k % positions;
            sample_position(&options, x, grid + k * spatial, image + n * item,
                            values + n * channels * positions + p, positions);
        }
    }
    return c2s_workspace_end(&ws);
}

static int64_t grid_sample_macs(const c2s_node *node) {
    sample_options options;
    size_t count;
    if (!node->outputs[0] || sample_options_of(node, &options) != C2S_OK ||
        options.mode == NEAREST || !c2s_type_elements(&node->outputs[0]->type, &count) ||
        count > (size_t)1 << 56)
        return 0;
    int64_t taps = 1;
    for (int a = 2; a < node->outputs[0]->type.rank; a++)
        taps *= options.mode == LINEAR ? 2 : 4;
    return (int64_t)count * taps;
}

static const c2s_attr_spec grid_sample_attrs[] = {{"align_corners", C2S_ATTR_INT, false},
                                                  {"mode", C2S_ATTR_STRING, false},
                                                  {"padding_mode", C2S_ATTR_STRING, false},
                                                  {0}};

const c2s_op c2s_op_grid_sample = {
    .type = "GridSample",
    .domain = "",
    .inputs = {2, 2},
    .outputs = {1, 1},
    .quant = C2S_QUANT_UNARY(WITHIN),
    .attrs = grid_sample_attrs,
    .ties = c2s_ties_grid_sample,
    .infer = grid_sample_infer,
    .eval = grid_sample_eval,
    .macs = grid_sample_macs,
};
