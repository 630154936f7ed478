/* SPDX-License-Identifier: Apache-2.0
 *
 * The geometry of sliding windows: kernel, stride, dilation and padding of Conv, ConvTranspose and
 * the pools, read from attributes and made explicit. The one place that knows auto_pad, ceil_mode
 * and output_shape. Kernels that execute such operators take their numbers from here.
 *
 * A window of a forward operator covers, for output position o and kernel position k of an axis,
 * input position o*stride + k*dilation - pad_begin; what lies outside the input is padding. In a
 * transposed one, input position i and kernel position k add to output position
 * i*stride + k*dilation - pad_begin.
 */
#ifndef C2S_OPS_WINDOW_H
#define C2S_OPS_WINDOW_H

#include "ops/op.h"

#define C2S_WINDOW_MAX (C2S_MAX_RANK - 2)

typedef enum c2s_auto_pad {
    C2S_PAD_EXPLICIT, /* NOTSET: the attribute `pads` */
    C2S_PAD_VALID,
    C2S_PAD_SAME_UPPER,
    C2S_PAD_SAME_LOWER
} c2s_auto_pad;

typedef struct c2s_window {
    int rank; /* spatial axes: 1 .. C2S_WINDOW_MAX */
    bool transposed;
    bool ceil_mode;
    bool has_output_shape; /* of a transposed window */
    c2s_auto_pad auto_pad;
    c2s_dim kernel[C2S_WINDOW_MAX]; /* known unless it comes from a weight of unknown shape */
    int64_t stride[C2S_WINDOW_MAX];
    int64_t dilation[C2S_WINDOW_MAX]; /* 1: dense */
    int64_t output_padding[C2S_WINDOW_MAX];
    int64_t output_shape[C2S_WINDOW_MAX];
    /* What the file says until c2s_window_resolve; then the pads that hold for these extents. */
    int64_t pad_begin[C2S_WINDOW_MAX], pad_end[C2S_WINDOW_MAX];
    int64_t in[C2S_WINDOW_MAX], out[C2S_WINDOW_MAX]; /* set by c2s_window_resolve */
} c2s_window;

/* Reads and checks the attributes kernel_shape, strides, dilations, pads, auto_pad, ceil_mode,
 * output_padding and output_shape as far as the node has them. `rank`: spatial axes of the input.
 * `kernel`: the kernel's extents from the weight's shape; NULL: kernel_shape must be there.
 * Errors: C2S_ERR_INVALID, C2S_ERR_UNSUPPORTED (auto_pad of another name, too many axes). */
c2s_status c2s_window_read(const c2s_node *node, bool transposed, int rank, const c2s_dim *kernel,
                           c2s_window *window);

/* Output extents for input extents that may be symbolic. C2S_ERR_INVALID if the window does not fit
 * into the padded input. A last window that would start in the padding behind the input, which
 * ceil_mode may give, is dropped, in every opset. */
c2s_status c2s_window_infer(c2s_dims *dims, const c2s_window *window, const c2s_dim *in,
                            c2s_dim *out);

/* For known extents (of the kernel too): fills in, out, pad_begin and pad_end. The pads at the
 * end may exceed what the last window reaches, and with ceil_mode the last window may reach
 * beyond them. Transposed windows with output_shape can have an output beyond what any input
 * adds to: it is zero plus bias. */
c2s_status c2s_window_resolve(c2s_window *window, const int64_t *in);

/* Both steps for a node whose types are static: the spatial extents are those of input 0 from axis
 * 2 on, the kernel's those of `weight` from axis 2 on (NULL: kernel_shape). */
c2s_status c2s_window_of(const c2s_node *node, bool transposed, const c2s_type *input,
                         const c2s_type *weight, c2s_window *window);

/* (kernel - 1) * dilation + 1: input positions from a window's first to its last. */
int64_t c2s_window_span(const c2s_window *window, int axis);
/* Padding behind the input that the last window really reaches (0 if it ends before); what
 * libraries with exact output formulas want instead of pad_end. Forward windows only. */
int64_t c2s_window_used_pad_end(const c2s_window *window, int axis);
/* Product of the kernel's, the input's, the output's extents. */
int64_t c2s_window_kernel_size(const c2s_window *window);
int64_t c2s_window_in_size(const c2s_window *window);
int64_t c2s_window_out_size(const c2s_window *window);

/* ---- walking over rows ----
 * A row is what one index over all spatial axes but the last leaves. For output row r (0 ..
 * out_rows - 1) the walk gives every kernel row that meets the input, in row-major order:
 *     c2s_window_walk walk;
 *     for (c2s_window_walk_begin(&walk, window, r); walk.more; c2s_window_walk_next(&walk))
 *         ... walk.kernel_row, walk.in_row
 * Transposed windows walk after c2s_window_swap: from input rows to the output rows they add to. */
typedef struct c2s_window_walk {
    const c2s_window *window;
    bool more;
    int64_t kernel_row, in_row;
    int64_t origin[C2S_WINDOW_MAX]; /* input position of kernel position 0 */
    int64_t at[C2S_WINDOW_MAX], first[C2S_WINDOW_MAX], end[C2S_WINDOW_MAX]; /* kernel positions */
} c2s_window_walk;

int64_t c2s_window_out_rows(const c2s_window *window);
void c2s_window_walk_begin(c2s_window_walk *walk, const c2s_window *window, int64_t out_row);
void c2s_window_walk_next(c2s_window_walk *walk);
/* Kernel positions on the last axis that meet the input for some output position. */
void c2s_window_kernel_columns(const c2s_window *window, int64_t *begin, int64_t *end);
/* Output positions on the last axis for which kernel position k meets the input; their input
 * positions are *in_column, *in_column + stride, ... */
void c2s_window_columns(const c2s_window *window, int64_t k, int64_t *begin, int64_t *end,
                        int64_t *in_column);
/* The same relation read backwards: in and out change places. */
void c2s_window_swap(c2s_window *window);

#endif
