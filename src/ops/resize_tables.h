/* SPDX-License-Identifier: Apache-2.0
 *
 * What the operands and attributes of a Resize node say of each axis.
 */
#ifndef C2S_OPS_RESIZE_TABLES_H
#define C2S_OPS_RESIZE_TABLES_H

#include "ops/resample.h"

enum { C2S_RESIZE_X, C2S_RESIZE_ROI, C2S_RESIZE_SCALES, C2S_RESIZE_SIZES };

/* The axes that roi, scales and sizes speak of. */
c2s_status c2s_resize_axes(const c2s_node *node, int rank, int *axes, size_t *count);
/* 0: stretch, -1: not_larger, 1: not_smaller. */
c2s_status c2s_resize_policy(const c2s_node *node, int *policy);
c2s_status c2s_resize_check_scale(double scale);
/* The one scale that keeps the aspect ratio: the least (or greatest) of sizes / extents. */
double c2s_resize_common_scale(const c2s_type *x, const int *axes, size_t count,
                               const int64_t *sizes, int policy);

/* For tensors of static types `x` and `y`: one axis and table per axis of x; what stays as it is
 * has a table without index. `in`: the node's operands, of which that of x may be NULL. The tables
 * (C2S_MAX_RANK of them, all zero before) are to be freed, also after failure. */
c2s_status c2s_resize_tables(const c2s_node *node, const c2s_type *x, const c2s_type *y,
                             const c2s_tensor *const *in, unsigned in_count,
                             c2s_resample_axis *axis, c2s_resample_table *tables);
void c2s_resize_tables_free(c2s_resample_table *tables);

#endif
