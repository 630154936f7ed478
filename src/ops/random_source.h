/* SPDX-License-Identifier: Apache-2.0
 *
 * The pseudo-random numbers of RandomNormal, Dropout and their kin: a function of the node's
 * `seed` attribute or, without one, of the name of its first output. So a node gives the same
 * numbers in every run, and different nodes give different ones. ONNX prescribes no generator;
 * this is SplitMix64 (Steele, Lea, Flood 2014) with Box-Muller for the normal distribution.
 */
#ifndef C2S_OPS_RANDOM_SOURCE_H
#define C2S_OPS_RANDOM_SOURCE_H

#include "ir/graph.h"

typedef struct c2s_random {
    uint64_t state;
    bool has_spare;
    double spare; /* second number of a Box-Muller pair */
} c2s_random;

c2s_random c2s_random_of(const c2s_node *node);
double c2s_random_uniform(c2s_random *random); /* [0, 1), multiples of 2^-53 */
double c2s_random_normal(c2s_random *random);  /* mean 0, deviation 1 */

#endif
