/* SPDX-License-Identifier: Apache-2.0
 *
 * Which samples of a data set are taken if not all are: neighbours are often alike, so any number
 * of them is spread evenly; and whoever takes more later takes the same ones and others.
 */
#ifndef C2S_EVAL_SAMPLE_ORDER_H
#define C2S_EVAL_SAMPLE_ORDER_H

#include <stdbool.h>
#include <stddef.h>

/* Sets chosen[k] for `wanted` (at most `count`; 0: all) of the samples k < count: the first ones in
 * the order of k with its bits reversed (van der Corput's sequence), sample 0 first. */
void c2s_samples_choose(size_t count, size_t wanted, bool *chosen);
/* The same as a list, in ascending order, which the caller frees. *taken: how many these are. */
size_t *c2s_samples_list(size_t count, size_t wanted, size_t *taken);

#endif
