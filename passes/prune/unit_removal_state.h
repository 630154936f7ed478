/* SPDX-License-Identifier: Apache-2.0
 *
 * What units have been removed, and what that has made of the readers. For unit_removal.c and
 * unit_return.c.
 */
#ifndef C2S_PASSES_PRUNE_UNIT_REMOVAL_STATE_H
#define C2S_PASSES_PRUNE_UNIT_REMOVAL_STATE_H

#include "passes/prune/unit_removal.h"

/* One group of weights of one reader. */
typedef struct c2s_removal_block {
    size_t k, n;
    double *inverse; /* of H; if nothing is fitted H itself */
    double *weights; /* [k, n] */
    size_t *first;   /* rows of unit u: row[first[u]] .. row[first[u + 1] - 1] */
    size_t *row;
    bool *gone; /* by row */
    double energy;
    double *moments, *first_weights; /* H, and the weights before; NULL: units do not return */
} c2s_removal_block;

struct c2s_unit_removal {
    c2s_removal_block *blocks;
    size_t count, units, widest; /* widest: most rows of a unit */
    const double *added;
    bool fitted, returns;
    double *rows, *solved, *factor; /* scratch: [widest, n], [widest, n], [widest, widest] */
    double *column;                 /* [widest, k] */
};

#endif
