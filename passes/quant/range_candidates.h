/* SPDX-License-Identifier: Apache-2.0
 *
 * The ranges that a tensor may have, and which of them is best by the errors that were measured.
 */
#ifndef C2S_PASSES_QUANT_RANGE_CANDIDATES_H
#define C2S_PASSES_QUANT_RANGE_CANDIDATES_H

#include "passes/quant/range_trial.h"

enum { C2S_RANGE_CANDIDATES = 12 };

typedef struct c2s_range_candidate {
    float low, high;
    double *error; /* by sample, the caller's */
    bool out;      /* was no better on the samples so far */
} c2s_range_candidate;

/* Candidate 0 is the range of least squared error. */
typedef struct c2s_range_candidates {
    c2s_range_question *of;
    c2s_range_candidate at[C2S_RANGE_CANDIDATES];
    unsigned count;
} c2s_range_candidates;

/* Those that differ by more than a fiftieth of their width. The question's answer is that of MSE,
 * until another one is found. */
c2s_status c2s_range_candidates_find(c2s_range_question *question, c2s_range_candidates *out);
/* Leaves out what was no better than MSE on the samples so far. False: nothing else is left. */
bool c2s_range_candidates_screen(c2s_range_candidates *candidates, size_t samples);
/* Answers the question: another range than that of MSE if it errs less by a twentieth and by three
 * standard errors, since many are tried. */
void c2s_range_candidates_answer(c2s_range_candidates *candidates, size_t samples);

#endif
