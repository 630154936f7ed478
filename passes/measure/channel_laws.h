/* SPDX-License-Identifier: Apache-2.0
 *
 * Mean and variance of channels without data: those that batch normalizations had when the model
 * was trained, followed to what reads them as if channels were independent and normally distributed
 * (as for ranges in Nagel et al. 2019, arXiv 1906.04721).
 */
#ifndef C2S_MEASURE_CHANNEL_LAWS_H
#define C2S_MEASURE_CHANNEL_LAWS_H

#include "passes/measure/linear_site.h"

/* Of the channels along axis 1. */
typedef struct c2s_channel_law {
    size_t count; /* 0: nothing is known */
    double *mean, *variance;
} c2s_channel_law;

typedef struct c2s_channel_laws {
    c2s_arena *arena;
    c2s_channel_law *of; /* by value id */
    size_t known;
} c2s_channel_laws;

/* Of the values of a graph, those of its bodies aside. Borders of padded inputs are not accounted
 * for. Linear in the nodes and weights. */
void c2s_channel_laws_find(const c2s_graph *graph, c2s_channel_laws *out);
/* That of the rows which a linear operator reads: row i of group g is of channel g * k / *kernel +
 * i / *kernel. NULL: nothing is known, or the rows do not lie along axis 1. */
const c2s_channel_law *c2s_channel_law_of_rows(const c2s_channel_laws *laws,
                                               const c2s_linear_site *site, size_t *kernel);
void c2s_channel_laws_free(c2s_channel_laws *laws); /* zeroed is allowed */

#endif
