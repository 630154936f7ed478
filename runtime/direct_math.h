/* SPDX-License-Identifier: Apache-2.0
 *
 * Convolution and transposed convolution over two spatial axes, straight from row-major images:
 * vectors run along the rows of the result, so that any number of channels and groups is computed
 * without filling up blocks of channels.
 *
 * A transposed convolution of stride s is s convolutions of stride 1 per axis, its phases, whose
 * results take turns. One unit of an axis is a result, or one of each phase.
 */
#ifndef C2S_RUNTIME_DIRECT_MATH_H
#define C2S_RUNTIME_DIRECT_MATH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "runtime/tail.h"

typedef struct c2s_direct_axis {
    int64_t in, out, kernel, dilation;
    int64_t phases; /* 1; the stride of a transposed convolution */
    int64_t step;   /* input positions from a unit to the next */
    int64_t units;
    int64_t first;  /* result position of unit 0, phase 0: may lie before the result */
    int64_t origin; /* input position where unit 0 begins to read: may lie in the padding */
    int64_t reach;  /* input positions that a unit reads */
} c2s_direct_axis;

typedef struct c2s_direct {
    int64_t images, groups, group_in, group_out;
    bool transposed;
    c2s_direct_axis row, column;
    /* The rest is set by c2s_direct_finish. */
    bool staged;             /* input is copied into rows with padding first */
    bool joined;             /* the rows of a band are computed as one */
    int64_t band;            /* units of rows that are computed together */
    int64_t lane_pitch;      /* staged: floats of a row with one remainder by column.step */
    int64_t pitch, channel;  /* floats from a row, a channel of the (staged) input to the next */
    ptrdiff_t *offset;       /* of all taps, phase by phase; owned */
    int64_t taps_before[65]; /* by phase: taps of all phases before it, for one pair of channels */
} c2s_direct;

/* More phases are not served. */
enum { C2S_DIRECT_PHASES = 64 };

/* The axis of a convolution, or of a transposed one. `pad`: before the input. */
c2s_direct_axis c2s_direct_axis_of(bool transposed, int64_t in, int64_t out, int64_t kernel,
                                   int64_t stride, int64_t dilation, int64_t pad);
/* Plans the work. False if there are too many phases. */
bool c2s_direct_finish(c2s_direct *d);
void c2s_direct_free(c2s_direct *d);

/* `from`: as ONNX has them; `to`: as many floats in the order of use. */
void c2s_direct_weights(const c2s_direct *d, const float *from, float *to);

/* Floats of work space that each thread needs. */
size_t c2s_direct_work_size(const c2s_direct *d);
/* `weights`: from c2s_direct_weights; `bias`: a number per output channel. Results are brought
 * between low and high, then `tail` is applied, whose operands are given for row = channel, column
 * = position of image 0; those with columns continue from image to image. */
typedef struct c2s_direct_run {
    const float *x, *weights, *bias;
    float low, high;
    const c2s_tail *tail;
    float *work; /* for as many threads as the next parallel loop has */
    float *y;
} c2s_direct_run;
void c2s_direct_run_all(const c2s_direct *d, const c2s_direct_run *r);

/* ---- between the files ---- */

/* Input rows that so many units of rows read. */
int64_t c2s_direct_rows(const c2s_direct *d, int64_t units);
/* How many channels the next tile has where so many are left: 7 are 4 and 3, not 6 and 1. */
int64_t c2s_direct_height(int64_t left);
/* What units `from` to `to` of one group's rows read, into work space that was cleared once: what
 * lies beside the rows is never written. */
void c2s_direct_stage(const c2s_direct *d, const float *x, int64_t from, int64_t to, float *work);

#endif
