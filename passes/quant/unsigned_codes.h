/* SPDX-License-Identifier: Apache-2.0
 *
 * int8 codes as uint8 codes that are 128 higher, with zero points that are, too: what they stand
 * for stays. Processors multiply uint8 activations by int8 weights; ONNX Runtime 1.30 on AVX2 takes
 * three times as long for a convolution of int8 by int8.
 */
#ifndef C2S_PASSES_QUANT_UNSIGNED_CODES_H
#define C2S_PASSES_QUANT_UNSIGNED_CODES_H

#include "rewrite/stats.h"

extern const char c2s_codes_unsigned[]; /* the kind of rewrite, for `stats` */

/* In one graph: what QuantizeLinear makes and only DequantizeLinear reads, all with one zero point;
 * and constants that DequantizeLinear reads likewise, unless they are weights. Scales may be
 * anything. `stats` may be NULL: nobody asks. Adds to *count how many values are others. */
c2s_status c2s_codes_make_unsigned(c2s_graph *graph, c2s_stats *stats, unsigned *count);

#endif
