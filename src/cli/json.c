/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/json.h"

#include <math.h>
#include <stdlib.h>

#include "base/memory.h"
#include "base/status.h"

json_t *cli_json_number(double value) {
    return isfinite(value) ? json_real(value) : json_null();
}

json_t *cli_json_value(double value) {
    if (isinf(value))
        return json_string(value > 0 ? "inf" : "-inf");
    return value == floor(value) && fabs(value) < 1e15 ? json_integer((json_int_t)value)
                                                       : cli_json_number(value);
}

json_t *cli_json_text(const char *text) {
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

json_t *cli_json_counts(const c2s_counts *counts) {
    return json_pack("{s:I, s:I, s:I, s:I, s:I}", "nodes", (json_int_t)counts->nodes, "parameters",
                     (json_int_t)counts->parameters, "bytes", (json_int_t)counts->bytes, "macs",
                     (json_int_t)counts->macs, "peak_activation_bytes",
                     (json_int_t)counts->peak_activation_bytes);
}

c2s_status cli_json_print(json_t *json, FILE *stream) {
    int failed = json_dumpf(json, stream, JSON_INDENT(2) | JSON_REAL_PRECISION(9));
    json_decref(json);
    if (failed || fputc('\n', stream) == EOF)
        return c2s_fail(C2S_ERR_IO, "cannot write the JSON result");
    return C2S_OK;
}
