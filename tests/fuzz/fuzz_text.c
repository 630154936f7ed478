/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as ONNX text: refused with a message, or a model that verifies, and that as text is
 * read again. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "c2s.h"
#include "io/text.h"
#include "must.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void write_and_read(const c2s_model *model) {
    char *text = NULL;
    size_t size = 0;
    FILE *stream = open_memstream(&text, &size);
    if (!stream)
        return;
    c2s_text_write(model, NULL, stream);
    fclose(stream);
    c2s_model *again = NULL;
    if (c2s_text_read(text, size, "again", &again) != C2S_OK) {
        fprintf(stderr, "%s\n", text);
        must(false, "what was written cannot be read");
    }
    c2s_model_destroy(again);
    free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    c2s_model *model = NULL;
    if (c2s_text_read((const char *)data, size, "fuzz", &model) == C2S_OK) {
        must(c2s_model_verify(model) == C2S_OK, "it does not verify");
        write_and_read(model);
        c2s_model_destroy(model);
    } else {
        must(*c2s_error() != '\0', "refused without a message");
    }
    c2s_error_clear();
    return 0;
}
