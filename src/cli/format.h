/* SPDX-License-Identifier: Apache-2.0
 *
 * --format: the form in which a job writes a quantized model, as steps of its pipeline.
 */
#ifndef C2S_CLI_FORMAT_H
#define C2S_CLI_FORMAT_H

#include "cli/arguments.h"

/* The pipeline of the job, to be freed; NULL: as if --format was not there. C2S_ERR_USAGE for
 * another form than qdq, qoperator and float. */
c2s_status cli_format_passes(const cli_arguments *arguments, char **out);

#endif
