/* SPDX-License-Identifier: Apache-2.0
 *
 * Results for machines.
 */
#ifndef C2S_CLI_JSON_H
#define C2S_CLI_JSON_H

#include <stdio.h>

#include "base/json_values.h"
#include "c2s.h"

json_t *cli_json_counts(const c2s_counts *counts);
/* Prints and releases. */
c2s_status cli_json_print(json_t *json, FILE *stream);

#endif
