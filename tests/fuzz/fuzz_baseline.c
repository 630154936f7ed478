/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as a baseline of onnx-c2s check: refused with a message, or what is written of it is
 * read again. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/status.h"
#include "eval/baseline.h"
#include "must.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void write_and_read(const c2s_baseline *baseline) {
    char *text = NULL;
    size_t size = 0;
    FILE *stream = open_memstream(&text, &size);
    if (!stream)
        return;
    must(c2s_baseline_print(baseline, stream) == C2S_OK, "it cannot be written");
    fclose(stream);
    c2s_baseline again;
    must(c2s_baseline_parse(text, size, &again) == C2S_OK, "what was written cannot be read");
    must(again.probes.count == baseline->probes.count &&
             again.classes.count == baseline->classes.count,
         "what was written is something else");
    c2s_baseline_free(&again);
    free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    c2s_baseline baseline;
    /* Shapes that a file claims without having the numbers are no reason to take memory. */
    const c2s_ceiling before = c2s_ceiling_lower(64 << 20);
    if (c2s_baseline_parse((const char *)data, size, &baseline) == C2S_OK)
        write_and_read(&baseline);
    else
        must(*c2s_error() != '\0', "refused without a message");
    c2s_baseline_free(&baseline);
    c2s_ceiling_restore(before);
    c2s_error_clear();
    return 0;
}
