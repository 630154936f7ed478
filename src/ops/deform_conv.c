/* SPDX-License-Identifier: Apache-2.0
 *
 * DeformConv: a convolution whose windows sample the input at positions that another input shifts,
 * with linear interpolation between the 2^n neighbours; what lies outside of the input is zero.
 */
#include <inttypes.h>
#include <math.h>

#include "ops/conv.h"
#include "ops/ties_rules.h"
#include "ops/workspace.h"

enum { X, W, OFFSET, BIAS, MASK };

static c2s_status deform_conv_infer(c2s_infer *i) {
    C2S_TRY(c2s_infer_need(i, 3));
    return c2s_conv_infer(i, false, X, W, c2s_infer_type(i, X)->dtype);
}

typedef struct deform {
    c2s_conv_shape conv;
    int64_t offset_groups, kernel_size, windows, in_size;
    const double *x, *weight, *offset, *bias, *mask;
    double *columns; /* of one batch entry: [channel][kernel position][window] */
} deform;

/* The neighbours of a sampling position with their weights. */
typedef struct corners {
    int count;
    int64_t at[16];
    double weight[16];
} corners;

static void find_corners(const c2s_window *w, const double *position, double mask, corners *out) {
    out->count = 1;
    out->at[0] = 0;
    out->weight[0] = mask;
    for (int a = 0; a < w->rank; a++) {
        double p = position[a];
        if (!(p > -1.0 && p < (double)w->in[a])) {
            out->count = 0;
            return;
        }
        int64_t low = (int64_t)floor(p);
        double high_part = p - (double)low;
        int found = 0;
        corners old = *out;
        for (int c = 0; c < old.count; c++)
            for (int side = 0; side < 2; side++) {
                int64_t at = low + side;
                double part = side ? high_part : 1.0 - high_part;
                if (at < 0 || at >= w->in[a] || part == 0.0)
                    continue;
                out->at[found] = old.at[c] * w->in[a] + at;
                out->weight[found++] = old.weight[c] * part;
            }
        out->count = found;
    }
}

/* Where the window at `out` (over all axes) samples for kernel position k. */
static void sampling_position(const deform *d, const double *offset, int64_t k, int64_t out,
                              double *position) {
    const c2s_window *w = &d->conv.window;
    int64_t k_rest = k, out_rest = out;
    for (int a = w->rank - 1; a >= 0; a--) {
        int64_t whole = out_rest % w->out[a] * w->stride[a] - w->pad_begin[a] +
                        k_rest % w->kernel[a] * w->dilation[a];
        position[a] = (double)whole + offset[(k * w->rank + a) * d->windows + out];
        k_rest /= w->kernel[a];
        out_rest /= w->out[a];
    }
}

static void sample(const deform *d, int64_t n) {
    int64_t channels = d->conv.groups * d->conv.in, of_group = channels / d->offset_groups;
    int rank = d->conv.window.rank;
    for (int64_t g = 0; g < d->offset_groups; g++) {
        int64_t group = n * d->offset_groups + g;
        const double *offset = d->offset + group * d->kernel_size * rank * d->windows;
        const double *mask = d->mask ? d->mask + group * d->kernel_size * d->windows : NULL;
        const double *x = d->x + (n * channels + g * of_group) * d->in_size;
        for (int64_t i = 0; i < d->kernel_size * d->windows; i++) {
            double position[C2S_WINDOW_MAX];
            corners near;
            sampling_position(d, offset, i / d->windows, i % d->windows, position);
            find_corners(&d->conv.window, position, mask ? mask[i] : 1.0, &near);
            double *to = d->columns + g * of_group * d->kernel_size * d->windows + i;
            for (int64_t c = 0; c < of_group; c++, to += d->kernel_size * d->windows) {
                *to = 0.0;
                for (int k = 0; k < near.count; k++)
                    *to += near.weight[k] * x[c * d->in_size + near.at[k]];
            }
        }
    }
}

static void multiply(const deform *d, double *y) {
    int64_t rows = d->conv.in * d->kernel_size;
    for (int64_t o = 0; o < d->conv.groups * d->conv.out; o++, y += d->windows) {
        const double *columns = d->columns + o / d->conv.out * rows * d->windows;
        for (int64_t l = 0; l < d->windows; l++)
            y[l] = d->bias ? d->bias[o] : 0.0;
        for (int64_t r = 0; r < rows; r++) {
            double v = d->weight[o * rows + r];
            for (int64_t l = 0; l < d->windows; l++)
                y[l] += v * columns[r * d->windows + l];
        }
    }
}

static c2s_status check(const c2s_eval *e, deform *d) {
    const c2s_tensor *mask = e->in_count > MASK ? e->in[MASK] : NULL;
    int64_t channels = d->conv.groups * d->conv.in;
    d->offset_groups = c2s_attr_int(e->node, "offset_group", 1);
    if (d->offset_groups < 1 || channels % d->offset_groups != 0)
        return c2s_fail(C2S_ERR_INVALID,
                        "offset_group is %" PRId64 ", expected a divisor of the %" PRId64
                        " channels",
                        d->offset_groups, channels);
    if (d->conv.window.rank > 4)
        return c2s_fail(C2S_ERR_UNSUPPORTED, "there are %d spatial axes, expected at most 4",
                        d->conv.window.rank);
    d->kernel_size = c2s_window_kernel_size(&d->conv.window);
    d->windows = c2s_window_out_size(&d->conv.window);
    d->in_size = c2s_window_in_size(&d->conv.window);
    int64_t masks = d->conv.batch * d->offset_groups * d->kernel_size * d->windows;
    if ((int64_t)e->in[OFFSET]->count != masks * d->conv.window.rank)
        return c2s_fail(C2S_ERR_INVALID, "there are %zu offsets, expected %" PRId64,
                        e->in[OFFSET]->count, masks * d->conv.window.rank);
    if (mask && (int64_t)mask->count != masks)
        return c2s_fail(C2S_ERR_INVALID, "the mask has %zu elements, expected %" PRId64,
                        mask->count, masks);
    return C2S_OK;
}

static c2s_status deform_conv_eval(c2s_eval *e) {
    const c2s_tensor *bias = e->in_count > BIAS ? e->in[BIAS] : NULL;
    deform d = {0};
    C2S_TRY(c2s_conv_shape_of(e->node, false, &e->in[X]->type, &e->in[W]->type, &d.conv));
    C2S_TRY(c2s_conv_check_bias(&d.conv, bias));
    C2S_TRY(check(e, &d));
    c2s_workspace ws = {0};
    d.x = c2s_workspace_f64(&ws, e->in[X]);
    d.weight = c2s_workspace_f64(&ws, e->in[W]);
    d.offset = c2s_workspace_f64(&ws, e->in[OFFSET]);
    d.bias = c2s_workspace_f64(&ws, bias);
    d.mask = c2s_workspace_f64(&ws, e->in_count > MASK ? e->in[MASK] : NULL);
    size_t rows;
    if (!c2s_mul_size((size_t)(d.conv.groups * d.conv.in), (size_t)d.kernel_size, &rows))
        rows = SIZE_MAX;
    d.columns =
        c2s_workspace_array(&ws, rows, (size_t)(d.windows ? d.windows : 1) * sizeof(double));
    double *y = c2s_workspace_out_f64(&ws, e->out[0]);
    for (int64_t n = 0; ws.status == C2S_OK && n < d.conv.batch; n++) {
        sample(&d, n);
        multiply(&d, y + n * d.conv.groups * d.conv.out * d.windows);
    }
    return c2s_workspace_end(&ws);
}

/* Without the interpolation. */
static int64_t deform_conv_macs(const c2s_node *node) {
    return c2s_conv_macs(node, false, X, W);
}

static const c2s_attr_spec deform_conv_attrs[] = {
    {"dilations", C2S_ATTR_INTS, false},
    {"group", C2S_ATTR_INT, false},
    {"kernel_shape", C2S_ATTR_INTS, false},
    {"offset_group", C2S_ATTR_INT, false},
    {"pads", C2S_ATTR_INTS, false},
    {"strides", C2S_ATTR_INTS, false},
    {0},
};

const c2s_op c2s_op_deform_conv = {
    .type = "DeformConv",
    .domain = "",
    .inputs = {3, 5},
    .outputs = {1, 1},
    .quant = C2S_QUANT_WEIGHTS(FLOAT, C2S_SLOT(1), 0, 1, 0),
    .attrs = deform_conv_attrs,
    .ties = c2s_ties_deform_conv,
    .refit = c2s_refit_conv,
    .infer = deform_conv_infer,
    .eval = deform_conv_eval,
    .macs = deform_conv_macs,
};
