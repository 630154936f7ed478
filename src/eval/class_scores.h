/* SPDX-License-Identifier: Apache-2.0
 *
 * Labelled rows of scores of two models: how many have the label on top, overall and class by
 * class, for a loss that is small on average may be that of one class.
 *
 * If rows have one element more than there are classes, as those of ImageNet models whose class 0
 * is the background, labels count from 1 if that suits the first model better; so both are counted.
 */
#ifndef C2S_EVAL_CLASS_SCORES_H
#define C2S_EVAL_CLASS_SCORES_H

#include "base/vec.h"
#include "eval/metric.h"
#include "ir/tensor.h"

typedef struct c2s_class_count {
    uint64_t rows, hits_first, hits;
} c2s_class_count;

typedef struct c2s_class_tally {
    uint64_t rows, first_top1, first_top5, top1, top5, gained, lost;
    C2S_VEC(c2s_class_count) classes; /* by label */
} c2s_class_tally;

typedef struct c2s_class_scores {
    bool has_first; /* there is a first model */
    int64_t most;   /* the greatest label; -1: none was seen */
    int64_t width;  /* elements of a row, the least there were */
    int known;      /* 1 + the offset from labels to elements; 0: the one that fits better */
    c2s_class_tally by_offset[2];
} c2s_class_scores;

#define C2S_CLASS_SCORES_INIT                                                                      \
    { .most = -1, .width = INT64_MAX }

/* Adds a sample: `labels` are one per row of `found`, below 0: none. `first`: what the first model
 * gave, NULL if there is none; then hits_first and the drops are not measured. */
void c2s_class_scores_add(c2s_class_scores *s, const c2s_tensor *first, const c2s_tensor *found,
                          const int64_t *labels);
void c2s_class_scores_free(c2s_class_scores *s);
/* From labels to elements: 0, or 1 where scores begin with one for the background. */
int c2s_class_scores_offset(const c2s_class_scores *s);
/* The tally that counts. */
const c2s_class_tally *c2s_class_scores_tally(const c2s_class_scores *s);
/* Sets what labels tell: top1, top5, class_*, and the drops if there is a first model. */
void c2s_class_scores_metrics(const c2s_class_scores *s, c2s_metrics *metrics);
/* The class that loses most; -1 if there is no first model. */
int64_t c2s_class_scores_worst(const c2s_class_scores *s);

#endif
