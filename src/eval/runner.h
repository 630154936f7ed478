/* SPDX-License-Identifier: Apache-2.0
 *
 * A graph that is ready to run, whatever it consists of: evaluators know no functions, so calls are
 * expanded in a copy first.
 */
#ifndef C2S_EVAL_RUNNER_H
#define C2S_EVAL_RUNNER_H

#include "eval/evaluator.h"

typedef struct c2s_runner c2s_runner;

/* `graph`, the main graph of its model with types inferred, stays unchanged and alive. Failures are
 * those of inlining and of the evaluator. */
c2s_status c2s_runner_open(const c2s_graph *graph, const c2s_evaluator *evaluator,
                           const c2s_eval_options *options, c2s_runner **out);
/* As c2s_evaluator.run. Inputs of another type of float than the graph's are converted: a pass may
 * have given it that. */
c2s_status c2s_runner_run(c2s_runner *runner, const c2s_tensor *const *in, c2s_tensor **out);
void c2s_runner_close(c2s_runner *runner); /* NULL is allowed */

#endif
