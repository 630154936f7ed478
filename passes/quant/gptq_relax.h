/* SPDX-License-Identifier: Apache-2.0
 *
 * Rounding learned as a relaxation (AdaRound, Nagel et al. 2020, arXiv 2004.10568): each weight is
 * between the two codes beside it, by a share that descends on the error of the outputs while a
 * growing penalty drives it to one of both. The error is that of the second moments, so that a step
 * takes no samples, and all rows of a block at once.
 */
#ifndef C2S_PASSES_QUANT_GPTQ_RELAX_H
#define C2S_PASSES_QUANT_GPTQ_RELAX_H

#include "passes/quant/gptq_rows.h"

/* From `error` of the codes before, codes and `error`, with the scales that they have.
 * C2S_ERR_MEMORY. */
c2s_status c2s_gptq_relax(const c2s_gptq_moments *moments, const c2s_gptq_search *search,
                          c2s_gptq_rows *rows);

#endif
