/* SPDX-License-Identifier: Apache-2.0
 *
 * Is a graph slower than another one? Both run in turns on the same inputs, on one thread, and what
 * counts is the processor's time, which other programs disturb least. The answer is yes only if it
 * is so beyond what is left of that.
 */
#ifndef C2S_EVAL_RACE_H
#define C2S_EVAL_RACE_H

#include "base/timing.h"
#include "eval/prove.h"

/* Slower means that the median of time after / before is above this with 95 % confidence. */
#define C2S_RACE_SLOWER 1.05

typedef struct c2s_race c2s_race;

/* Gets ready to run `before`, which stays unchanged and alive, on the first set of `inputs`. */
c2s_status c2s_race_open(const c2s_baseline *inputs, const c2s_graph *before, c2s_race **out);
void c2s_race_close(c2s_race *race); /* NULL is allowed */
/* Times `after` against it: at least 3 turns, up to 41 while it might be slower and they took less
 * than a second. */
c2s_status c2s_race_run(c2s_race *race, const c2s_graph *after, bool *slower, c2s_ratio *ratio);
/* Both at once, on random inputs. C2S_ERR_UNSUPPORTED: `before` cannot be run. */
c2s_status c2s_race_graphs(const c2s_graph *before, const c2s_graph *after,
                           const c2s_evaluator *evaluator, const c2s_eval_options *eval,
                           bool *slower, c2s_ratio *ratio);

#endif
