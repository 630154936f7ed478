/* SPDX-License-Identifier: Apache-2.0
 *
 * New pictures out of those that there are, for samples to learn from what a first model makes of
 * them: as a patient teacher's pupils see them (Beyer et al. 2022, arXiv 2106.05237).
 */
#ifndef C2S_PASSES_MEASURE_VARY_PICTURE_H
#define C2S_PASSES_MEASURE_VARY_PICTURE_H

#include "base/random.h"
#include "ir/graph.h"

/* Axes of a tensor of four; the other one is that of the batch. */
typedef struct c2s_picture {
    bool is; /* false: it is no picture */
    int channel, row, column;
} c2s_picture;

/* An input is a picture if it is of floats, has three channels, and if windows slide over it: it is
 * read by a convolution, behind operators on single elements and transpositions at most. What has
 * other channels may be a spectrogram or the like, that turned around is nothing of the kind. */
c2s_picture c2s_picture_of(const c2s_value *input);

/* Of two pictures of one type: a part of the first one of 1/4 to all of its area, stretched to all
 * of it, in half of all cases mirrored. In half of all cases such a part of the second one is mixed
 * in, at most half of it, in a quarter a box of that takes its place. */
c2s_status c2s_vary_picture(const c2s_picture *axes, const c2s_tensor *a, const c2s_tensor *b,
                            c2s_random *random, c2s_tensor **out);

#endif
