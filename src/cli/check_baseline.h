/* SPDX-License-Identifier: Apache-2.0
 *
 * A model's results against what a baseline has of them.
 */
#ifndef C2S_CLI_CHECK_BASELINE_H
#define C2S_CLI_CHECK_BASELINE_H

#include "cli/conditions.h"
#include "eval/baseline.h"

/* C2S_ERR_INVALID: the baseline was made on other inputs, or other samples of them. */
c2s_status cli_baseline_same_inputs(const c2s_baseline *baseline, const c2s_probes *found);
/* A failure among the conditions for each way in which the outputs are not those of the baseline:
 * their number, names, shapes. */
void cli_baseline_check_outputs(const c2s_baseline *baseline, const c2s_probes *found,
                                cli_conditions *conditions);
/* Sets the distances to the probes, the worst of all outputs, and outputs_changed. */
c2s_status cli_baseline_distances(const c2s_baseline *baseline, const c2s_probes *found,
                                  c2s_metrics *metrics);
/* Sets class_worst_drop. */
void cli_baseline_classes(const c2s_baseline *baseline, const c2s_class_tally *found,
                          c2s_metrics *metrics);

#endif
