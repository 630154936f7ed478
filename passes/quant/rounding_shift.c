/* SPDX-License-Identifier: Apache-2.0 */
#include "passes/quant/rounding_shift.h"

#include <stdlib.h>

#include "base/memory.h"

c2s_status c2s_rounding_lost(const c2s_tensor *weights, const c2s_codes *codes,
                             const c2s_coding *coding, float **out) {
    float *rounded;
    C2S_TRY(c2s_scratch(weights->count, sizeof *rounded, &rounded));
    c2s_status status = c2s_codes_decode(codes, coding, rounded);
    if (status == C2S_OK)
        status = c2s_weights_load(weights, out);
    for (size_t i = 0; i < weights->count && status == C2S_OK; i++)
        (*out)[i] -= rounded[i];
    free(rounded);
    return status;
}

void c2s_rounding_shift(const c2s_linear_site *s, const float *lost, const double *mean,
                        double *shift) {
    for (size_t g = 0; g < s->groups; g++)
        for (size_t j = 0; j < s->n; j++) {
            double sum = 0;
            for (size_t i = 0; i < s->k; i++)
                sum += (double)lost[g * s->group_step + i * s->k_step + j * s->n_step] *
                       mean[g * s->k + i];
            shift[g * s->n + j] = sum;
        }
}

bool c2s_rounding_shift_by_channel(const c2s_linear_site *s, const float *lost,
                                   const c2s_channel_stats *channels, double *shift) {
    const size_t total = s->groups * s->k;
    if (channels->extent == 0 || total % channels->extent != 0 ||
        (!s->is_conv && channels->extent != total))
        return false;
    /* Of a convolution's window the positions of one channel are neighbours. */
    const size_t positions = total / channels->extent;
    double *mean = c2s_alloc_array(total + 1, sizeof *mean);
    for (size_t i = 0; i < total; i++) {
        const size_t c = i / positions;
        mean[i] = channels->count[c] ? channels->sum[c] / (double)channels->count[c] : 0;
    }
    c2s_rounding_shift(s, lost, mean, shift);
    free(mean);
    return true;
}
