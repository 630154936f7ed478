/* SPDX-License-Identifier: Apache-2.0
 *
 * New samples out of those that there are. What a first model makes of them is known, so they are
 * as good to learn from as any, and cannot be learnt by heart (means of two: mixup, Zhang et al.
 * 2018, arXiv 1710.09412; spans: CutMix, Yun et al. 2019, arXiv 1905.04899; both with labels).
 */
#ifndef C2S_PASSES_MEASURE_VARY_SAMPLE_H
#define C2S_PASSES_MEASURE_VARY_SAMPLE_H

#include "base/random.h"
#include "passes/measure/vary_picture.h"

/* Of two samples of `inputs` inputs each, where a NULL in both is left out:
 * - pictures are varied as such, wherever the types are the same (pictures: by input; NULL: none);
 * - other floats are means of both, with at most half of the second, wherever the types are the
 * same;
 * - where all types are the same and there are no floats, elements of a span of the last axis, if
 *   it is of 8 or more, come from the second: words of a text.
 * out: tensors for the caller to free, also if it fails. */
c2s_status c2s_vary_sample(c2s_tensor *const *a, c2s_tensor *const *b, unsigned inputs,
                           const c2s_picture *pictures, c2s_random *random, c2s_tensor **out);

#endif
