/* SPDX-License-Identifier: Apache-2.0
 *
 * Resampling along one axis, as Resize does it: where output positions lie in the input, and with
 * which weights its elements count there.
 */
#ifndef C2S_OPS_RESAMPLE_H
#define C2S_OPS_RESAMPLE_H

#include "ops/op.h"

typedef enum c2s_resample_mode { C2S_NEAREST, C2S_LINEAR, C2S_CUBIC } c2s_resample_mode;

/* The attributes of Resize that say how; read by c2s_resample_options_of. */
typedef struct c2s_resample_options {
    c2s_resample_mode mode;
    const char *transformation; /* coordinate_transformation_mode */
    const char *nearest;        /* nearest_mode */
    double cubic_a;
    bool antialias, exclude_outside;
    bool crops; /* tf_crop_and_resize: the roi and the extrapolation value count */
} c2s_resample_options;

c2s_status c2s_resample_options_of(const c2s_node *node, c2s_resample_options *out);

/* One axis: `in` positions become `out`; `scale` is about out / in. */
typedef struct c2s_resample_axis {
    int64_t in, out;
    double scale;
    double roi[2]; /* begin and end in [0, 1]; only if options->crops */
} c2s_resample_axis;

/* For each output position `taps` input positions, all within the axis, and weights. */
typedef struct c2s_resample_table {
    size_t taps;
    int64_t *index; /* out * taps */
    double *weight;
    bool *outside; /* per output position: takes the extrapolation value; NULL: none does */
} c2s_resample_table;

/* Both extents are at least 1. c2s_resample_free also after failure. */
c2s_status c2s_resample_build(const c2s_resample_options *options, const c2s_resample_axis *axis,
                              c2s_resample_table *table);
void c2s_resample_free(c2s_resample_table *table);

/* True if the axis stays as it is. */
bool c2s_resample_is_identity(const c2s_resample_options *options, const c2s_resample_axis *axis);

/* to[outer][out][inner] = sum over taps of weight * from[outer][index][inner]. */
void c2s_resample_apply(const c2s_resample_table *table, const c2s_resample_axis *axis,
                        size_t outer, size_t inner, const double *from, double *to);

#endif
