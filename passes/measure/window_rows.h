/* SPDX-License-Identifier: Apache-2.0
 *
 * Windows over a plane as matrices: a row for each kernel position, a column for each output
 * position. Convolutions become products of matrices so, forward and backward.
 */
#ifndef C2S_PASSES_MEASURE_WINDOW_ROWS_H
#define C2S_PASSES_MEASURE_WINDOW_ROWS_H

#include "ops/window.h"

/* What kernel position `kernel` (row-major) meets in the plane at output positions from .. to - 1;
 * 0 in the padding. The window is resolved. */
void c2s_window_gather(const c2s_window *w, const float *plane, size_t kernel, size_t from,
                       size_t to, float *out);
/* The reverse: adds in[p - from] to what is met at p. */
void c2s_window_scatter(const c2s_window *w, const float *in, size_t kernel, size_t from, size_t to,
                        float *plane);
/* Every input position is a window, in the same order: the plane is the matrix. */
bool c2s_window_is_plane(const c2s_window *w);

#endif
