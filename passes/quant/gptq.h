/* SPDX-License-Identifier: Apache-2.0
 *
 * Codes for the weights of a linear operator that keep its output, not its weights: with the second
 * moments G of the rows it reads, the error of an output channel is (w - v)^T G (w - v) for the
 * weights v that its codes stand for.
 *
 * First, weight after weight is rounded and those that are left take over what its error can be
 * made up for with (GPTQ, arXiv:2210.17323; the same as Babai's nearest plane on the Cholesky
 * factor of G, arXiv:2507.18553). The order is that of the diagonal of G, largest first; scales
 * belong to weights, not to the order, so no format has to know of it. Then codes are changed one
 * at a time, and scales refitted, as long as the error shrinks.
 *
 * Where weights share a scale with some of their row, the order can also be that of these blocks:
 * then the scale of a block is chosen for what its weights have become when they come up.
 */
#ifndef C2S_PASSES_QUANT_GPTQ_H
#define C2S_PASSES_QUANT_GPTQ_H

#include "passes/measure/gram.h"
#include "passes/quant/encode.h"

/* Weights whose products are added in 16 bits (pair_order.h) with one of up to so many others. */
enum { C2S_GPTQ_PARTNERS = 2 };

typedef struct c2s_gptq_bounds {
    const size_t *partner[C2S_GPTQ_PARTNERS]; /* [k]: the other weight of a pair; SIZE_MAX: none */
    const uint8_t *least, *most; /* [groups * k]: codes of what each weight is multiplied with */
} c2s_gptq_bounds;

typedef struct c2s_gptq_options {
    double damping;   /* of G, times the mean of its diagonal (c2s_cholesky); 0: k / rows, but 0.1
                         to 1, since few rows say little about many variables */
    unsigned sweeps;  /* of changing codes, at most; 0: none */
    unsigned again;   /* so often all of it is done again with the scales found so far, and with
                         scales chosen on the way, in turns; each row keeps what is best */
    bool relax;       /* the way of gptq_relax.h instead: slower, to compare with */
    bool keep_scales; /* those of the coding */
    bool centred;     /* a bias makes up for mean errors: the means of rows do not count */
    double noise;     /* variance of what rounding adds to each element of a row */
    const c2s_gptq_bounds *bounds; /* NULL: none. Scales stay, and zero points are 0 */
} c2s_gptq_options;
/* Damped by rows, 30 sweeps, scales refitted, done again twice. */
extern const c2s_gptq_options c2s_gptq_usual;

/* `asked`, or what 0 stands for with these moments. */
double c2s_gptq_damping(const c2s_gram *gram, double asked);

/* Sums over all output channels and rows; divided by gram->rows they are means. */
typedef struct c2s_gptq_error {
    double signal;  /* of the outputs, squared */
    double nearest; /* squared error with the nearest codes and the scales of the coding */
    double error;   /* with these codes: of no channel above that */
} c2s_gptq_error;

/* `weights`: the constant weights of the site; coding->importance is of no account. Moments that
 * are not finite: C2S_ERR_INVALID. Else as c2s_encode. */
c2s_status c2s_gptq_encode(const c2s_linear_site *site, const c2s_tensor *weights,
                           const c2s_gram *gram, const c2s_coding *coding,
                           const c2s_gptq_options *options, c2s_codes *out, c2s_gptq_error *error);

/* The step of it for who has scales and codes: `codes`, one float per weight, within the bounds if
 * there are any, become better ones; error->nearest is theirs. Scales change unless they are kept.
 */
c2s_status c2s_gptq_improve(const c2s_linear_site *site, const c2s_type *type, const float *weights,
                            const c2s_gram *gram, const c2s_coding *coding,
                            const c2s_gptq_options *options, c2s_affine *affines, float *codes,
                            c2s_gptq_error *error);

#endif
