/* SPDX-License-Identifier: Apache-2.0
 *
 * Convolutions of one plane with one kernel, as depthwise ones are made of, and their derivatives,
 * on the calling thread. Rows of windows (window_rows.h) would be most of the work there.
 *
 * The padded plane is split by what strides skip: then all that a kernel position meets is one run
 * of one part, with some elements between lines that belong to nothing.
 */
#ifndef C2S_PASSES_MEASURE_CONV_PLANES_H
#define C2S_PASSES_MEASURE_CONV_PLANES_H

#include "ops/window.h"

typedef struct c2s_conv_plane {
    const c2s_window *window; /* resolved, of one or two axes */
    size_t lines, width;      /* of a part */
    size_t run;               /* elements from the first output position to the last */
} c2s_conv_plane;

/* False: windows of so many axes are not known here. */
bool c2s_conv_plane_of(const c2s_window *window, c2s_conv_plane *out);
/* Floats that each of these needs; 0: that many overflow. */
size_t c2s_conv_plane_scratch(const c2s_conv_plane *p);

/* y = bias + the sum over kernel positions; w: by kernel position. */
void c2s_conv_plane_run(const c2s_conv_plane *p, const float *x, const float *w, float bias,
                        float *scratch, float *y);
/* Adds derivatives to dx and to dw; either may be NULL. */
void c2s_conv_plane_derive(const c2s_conv_plane *p, const float *x, const float *w, const float *dy,
                           float *scratch, float *dx, float *dw);

#endif
