/* SPDX-License-Identifier: Apache-2.0
 *
 * Numbers that JSON does not have (NaN, infinity) become null; text that is not UTF-8 has its
 * offending bytes replaced.
 */
#ifndef C2S_BASE_JSON_VALUES_H
#define C2S_BASE_JSON_VALUES_H

#include <jansson.h>

json_t *c2s_json_number(double value);
json_t *c2s_json_text(const char *text);
/* Infinity is the text "inf" or "-inf", and what is whole an integer. */
json_t *c2s_json_value(double value);

#endif
