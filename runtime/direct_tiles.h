/* SPDX-License-Identifier: Apache-2.0
 *
 * The innermost loop of direct convolution: sums of products for a few channels at a few places,
 * in registers. A place is a vector of eight adjacent results. Needs c2s_processor_has_fma().
 */
#ifndef C2S_RUNTIME_DIRECT_TILES_H
#define C2S_RUNTIME_DIRECT_TILES_H

#include <stddef.h>
#include <stdint.h>

enum { C2S_DIRECT_LANES = 8, C2S_DIRECT_CHANNELS = 6, C2S_DIRECT_PLACES = 8 };

typedef struct c2s_direct_tile {
    int64_t taps;
    const ptrdiff_t *offset; /* per tap: where it reads, beside `from` */
    const float *weights;    /* [tap][channel] */
    const float *bias;       /* per channel */
    float low, high;         /* results are brought between them; NaN stays */
    ptrdiff_t channel;       /* floats from a channel's results to the next one's */
    const float *from[C2S_DIRECT_PLACES];
    float *to[C2S_DIRECT_PLACES];
    int64_t count[C2S_DIRECT_PLACES]; /* results that are written: 1 to 8 */
} c2s_direct_tile;

/* How many places go best with so many channels; 1 <= channels <= C2S_DIRECT_CHANNELS. */
int c2s_direct_places(int channels);
/* Reads eight floats at from[place] + offset[tap], whatever the count. */
void c2s_direct_tile_run(const c2s_direct_tile *tile, int channels, int places);

#endif
