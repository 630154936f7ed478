/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/json.h"

#include "base/status.h"

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
