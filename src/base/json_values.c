/* SPDX-License-Identifier: Apache-2.0 */
#include "base/json_values.h"

#include <math.h>
#include <stdlib.h>

#include "base/memory.h"

json_t *c2s_json_number(double value) {
    return isfinite(value) ? json_real(value) : json_null();
}

json_t *c2s_json_value(double value) {
    if (isinf(value))
        return json_string(value > 0 ? "inf" : "-inf");
    return value == floor(value) && fabs(value) < 1e15 ? json_integer((json_int_t)value)
                                                       : c2s_json_number(value);
}

json_t *c2s_json_text(const char *text) {
    json_t *json = json_string(text);
    if (json)
        return json;
    char *clean = c2s_strdup(text);
    for (char *at = clean; *at; at++)
        if ((unsigned char)*at >= 0x80)
            *at = '?';
    json = json_string(clean);
    free(clean);
    return json;
}
