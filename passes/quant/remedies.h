/* SPDX-License-Identifier: Apache-2.0
 *
 * What is done to all layers when a quantized model does not keep the quality that is wanted,
 * before any of them goes back to float: one after the other, each kept if it is better for the
 * outputs.
 */
#ifndef C2S_PASSES_QUANT_REMEDIES_H
#define C2S_PASSES_QUANT_REMEDIES_H

#include "passes/quant/quantizing.h"

/* Measures the model as it is quantized now, on all samples; `holds`: the budget does. */
c2s_status c2s_remedies_measure(c2s_quantizing *j, c2s_quality_result *result, bool *holds);
/* Tries remedies until the budget holds. The log says what each one bought. */
c2s_status c2s_remedies_try(c2s_quantizing *j);

#endif
