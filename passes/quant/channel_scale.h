/* SPDX-License-Identifier: Apache-2.0
 *
 * Scaling the channels of a group (channel_group.h) in the constants that make and take them. The
 * graph stays as it is until the end.
 */
#ifndef C2S_PASSES_QUANT_CHANNEL_SCALE_H
#define C2S_PASSES_QUANT_CHANNEL_SCALE_H

#include "base/map.h"
#include "passes/quant/channel_group.h"

/* Constants as they are being changed. Zero-initialised: none. */
typedef struct c2s_channel_constants {
    c2s_map index; /* constant -> place in `all` + 1 */
    C2S_VEC(struct c2s_channel_constant {
        c2s_value *value;
        c2s_tensor *content; /* nobody else has it yet */
        bool changed;
    })
    all;
} c2s_channel_constants;

void c2s_channel_constants_free(c2s_channel_constants *constants);
/* Puts what was changed into the graph. */
void c2s_channel_constants_write(c2s_channel_constants *constants);

/* `most`, by class: the largest weight of a channel over all layers that make (`output`), or take,
 * the channels; 0: there is none. Where there are several, each counts relative to its largest
 * weight: they have scales of their own. C2S_ERR_MEMORY. */
c2s_status c2s_channel_largest(c2s_channel_constants *constants, const c2s_channel_group *group,
                               bool output, double *most);
/* Multiplies the channels by the factors (> 0) of their classes. C2S_ERR_MEMORY. */
c2s_status c2s_channel_scale(c2s_channel_constants *constants, const c2s_channel_group *group,
                             const double *factor);

#endif
