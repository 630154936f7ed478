/* SPDX-License-Identifier: Apache-2.0
 *
 * What the removal of a unit costs those that read it.
 *
 * A reader computes y = x w. Without the rows of w that belong to removed units, and with the rest
 * fitted anew by least squares, the error |x w - x' w'|^2 is known from H = x^T x + d I alone. The
 * rows R of one unit cost
 *
 *     tr w_R^T (H^-1_RR)^-1 w_R,
 *
 * the others become w - H^-1_:R (H^-1_RR)^-1 w_R, and H^-1 becomes H^-1 - H^-1_:R (H^-1_RR)^-1
 * H^-1_R: (optimal brain surgeon: Hassibi and Stork 1993; in blocks and with H^-1 updated: Frantar
 * and Alistarh 2022, arXiv 2208.11580; for channels, greedily and over one H: Meng et al. 2024,
 * arXiv 2403.12983). All readers of the group count, each relative to the energy of its output.
 *
 * Where the reader has a bias, the moments are those around the mean: the bias makes up for that.
 */
#ifndef C2S_PASSES_PRUNE_UNIT_REMOVAL_H
#define C2S_PASSES_PRUNE_UNIT_REMOVAL_H

#include "passes/measure/gram.h"
#include "passes/prune/readers.h"

typedef struct c2s_unit_removal c2s_unit_removal;

typedef enum c2s_removal_kind {
    C2S_REMOVAL_PLAIN,  /* rows cost w_R^T H_RR w_R, and nothing changes when they go */
    C2S_REMOVAL_FITTED, /* what is left is fitted */
    C2S_REMOVAL_RETURNS /* likewise, and units may return: more memory */
} c2s_removal_kind;

/* For a group of `units`. grams[i] belongs to reader i of the group; `added`: further costs of each
 * unit in the same measure, or NULL; both must stay. */
c2s_status c2s_unit_removal_open(const c2s_readers *readers, size_t group, size_t units,
                                 c2s_gram *const *grams, const double *added, c2s_removal_kind kind,
                                 double damping, c2s_unit_removal **out);
void c2s_unit_removal_close(c2s_unit_removal *removal);

/* Of a unit that is still there, after those that are gone. */
c2s_status c2s_unit_removal_cost(c2s_unit_removal *removal, size_t unit, double *cost);
c2s_status c2s_unit_removal_take(c2s_unit_removal *removal, size_t unit);

/* Of a unit that is gone: how much less the error is when it returns, what is left fitted again. */
c2s_status c2s_unit_removal_gain(c2s_unit_removal *removal, size_t unit, double *gain);
c2s_status c2s_unit_removal_return(c2s_unit_removal *removal, size_t unit);

#endif
