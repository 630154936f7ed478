/* SPDX-License-Identifier: Apache-2.0
 *
 * Copying between two strided layouts of the same extents: the common engine of Transpose, Slice,
 * Concat, Expand, Tile and their kin.
 */
#ifndef C2S_OPS_STRIDED_COPY_H
#define C2S_OPS_STRIDED_COPY_H

#include "ir/type.h"

#define C2S_STRIDED_MAX_RANK (2 * C2S_MAX_RANK)

typedef struct c2s_strided {
    int rank;
    size_t element; /* bytes: 1, 2, 4, 8 or 16 */
    size_t extent[C2S_STRIDED_MAX_RANK];
    /* Bytes from one element to the next along an axis. `from` may be 0 (broadcast) or negative;
     * `to` must not make two elements meet. */
    ptrdiff_t to[C2S_STRIDED_MAX_RANK], from[C2S_STRIDED_MAX_RANK];
} c2s_strided;

/* Adds an axis behind the others. */
void c2s_strided_axis(c2s_strided *plan, size_t extent, ptrdiff_t to, ptrdiff_t from);

/* Copies every element. Axes are merged, contiguous runs go through memcpy, transposed planes are
 * walked in blocks, and large copies are shared between threads. `to` and `from` address the
 * elements of index 0 and must not overlap. */
void c2s_strided_copy(const c2s_strided *plan, void *to, const void *from);

/* Row-major strides in bytes of a static tensor type. */
void c2s_strides_of(const c2s_type *type, size_t element, ptrdiff_t *stride);

/* Writes `count` copies of one element. */
void c2s_fill_elements(void *to, size_t element, size_t count, const void *value);

#endif
