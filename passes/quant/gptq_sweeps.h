/* SPDX-License-Identifier: Apache-2.0
 *
 * Better codes and scales for rows that have some already: one code at a time, while the others
 * stay. For gptq_rows.c.
 */
#ifndef C2S_PASSES_QUANT_GPTQ_SWEEPS_H
#define C2S_PASSES_QUANT_GPTQ_SWEEPS_H

#include "passes/quant/gptq_rows.h"

/* rows->error and pull = error * damped are those of the codes, before and after; spare is lost. */
c2s_status c2s_gptq_sweep(const c2s_gptq_moments *moments, const c2s_gptq_search *search,
                          c2s_gptq_rows *rows);

/* to += by * from. */
void c2s_gptq_add_scaled(float *to, const float *from, float by, size_t n);

/* ---- single codes ---- */

float c2s_gptq_nearest(const c2s_code_grid *grid, c2s_affine affine, float weight);
/* The code next to this one for column j that the partners from column `from` on leave room for. */
float c2s_gptq_within(const c2s_gptq_pairs *pairs, const float *codes, size_t from, size_t j,
                      float code);
static inline float c2s_gptq_value(c2s_affine a, float code) {
    return (code - a.zero) * a.scale;
}

#endif
