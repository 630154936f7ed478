/* SPDX-License-Identifier: Apache-2.0
 *
 * Results for machines. Numbers that JSON does not have (NaN, infinity) become null; text that is
 * not UTF-8 has its offending bytes replaced.
 */
#ifndef C2S_CLI_JSON_H
#define C2S_CLI_JSON_H

#include <jansson.h>
#include <stdio.h>

#include "c2s.h"

json_t *cli_json_number(double value);
json_t *cli_json_text(const char *text);
/* Infinity is the text "inf" or "-inf", and what is whole an integer. */
json_t *cli_json_value(double value);
json_t *cli_json_counts(const c2s_counts *counts);
/* Prints and releases. */
c2s_status cli_json_print(json_t *json, FILE *stream);

#endif
