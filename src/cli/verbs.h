/* SPDX-License-Identifier: Apache-2.0
 *
 * The verbs of the program, one file each.
 */
#ifndef C2S_CLI_VERBS_H
#define C2S_CLI_VERBS_H

#include "cli/arguments.h"

extern const cli_verb cli_verb_optimize; /* the default job: no verb named */
extern const cli_verb cli_verb_info;
extern const cli_verb cli_verb_compare;
extern const cli_verb cli_verb_check;
extern const cli_verb cli_verb_run;
extern const cli_verb cli_verb_bench;
extern const cli_verb cli_verb_extract;
extern const cli_verb cli_verb_merge;
extern const cli_verb cli_verb_lint;
extern const cli_verb cli_verb_prune_groups;
extern const cli_verb cli_verb_ops;
extern const cli_verb cli_verb_passes;

#endif
