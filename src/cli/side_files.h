/* SPDX-License-Identifier: Apache-2.0
 *
 * Files that options name, to be written besides the result: reports, logs, baselines.
 */
#ifndef C2S_CLI_SIDE_FILES_H
#define C2S_CLI_SIDE_FILES_H

#include "cli/arguments.h"

/* C2S_ERR_USAGE if one of them is also something else that the command line names: it would be
 * written over, a model for instance. */
c2s_status cli_check_side_files(const cli_arguments *arguments);

#endif
