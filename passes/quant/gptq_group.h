/* SPDX-License-Identifier: Apache-2.0
 *
 * The rounding of gptq.h for all output channels of a group. For gptq.c.
 */
#ifndef C2S_PASSES_QUANT_GPTQ_GROUP_H
#define C2S_PASSES_QUANT_GPTQ_GROUP_H

#include "passes/quant/gptq_order.h"

/* The whole task; scales and codes change on the way. */
typedef struct c2s_gptq_encoding {
    const c2s_linear_site *site;
    const c2s_gram *gram;
    const c2s_gptq_options *options;
    c2s_code_grid grid;
    c2s_code_map map;
    const float *weights;
    bool given; /* the codes: else they are the nearest ones */
    float *codes;
    c2s_affine *affines;
    c2s_gptq_classes classes; /* by variable, as the site has them */
    bool own_scales;          /* each belongs to one output channel */
} c2s_gptq_encoding;

/* Where a weight lies in the tensor; and the scale of it. */
static inline size_t c2s_gptq_place(const c2s_linear_site *s, size_t group, size_t i, size_t n) {
    return group * s->group_step + i * s->k_step + n * s->n_step;
}

static inline size_t c2s_gptq_scale(const c2s_gptq_encoding *e, size_t group, size_t i, size_t n) {
    return c2s_code_group(&e->map, c2s_gptq_place(e->site, group, i, n));
}

static inline void c2s_gptq_add_error(c2s_gptq_error *sum, const c2s_gptq_error *error) {
    sum->signal += error->signal;
    sum->nearest += error->nearest;
    sum->error += error->error;
}

/* Codes, and scales unless they stay, of the rows of a group. `error` receives their sums. */
c2s_status c2s_gptq_group(c2s_gptq_encoding *e, size_t group, c2s_gptq_error *error);

#endif
