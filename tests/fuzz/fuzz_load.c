/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as a model file: loading refuses them with a message or gives a graph that verifies,
 * and what that is saved as loads again. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "c2s.h"
#include "io/load.h"
#include "io/save.h"
#include "ir/graph.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void save_and_reload(c2s_model *model) {
    void *data;
    size_t size;
    c2s_model *again = NULL;
    if (c2s_model_save_memory(model, &data, &size) != C2S_OK ||
        c2s_model_load_memory(data, size, "fuzz.onnx", &again) != C2S_OK ||
        c2s_model_verify(again) != C2S_OK) {
        fprintf(stderr, "loaded, but what it is saved as is refused: %s\n", c2s_error());
        abort();
    }
    c2s_model_destroy(again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    void *copy = malloc(size ? size : 1);
    if (!copy)
        return 0;
    if (size)
        memcpy(copy, data, size);
    c2s_model *model = NULL;
    c2s_status status = c2s_model_load_memory(copy, size, "fuzz.onnx", &model);
    if (status == C2S_OK && c2s_model_verify(model) != C2S_OK) {
        fprintf(stderr, "loaded, but: %s\n", c2s_error());
        abort();
    }
    if (status != C2S_OK && !*c2s_error()) {
        fprintf(stderr, "refused with status %d and no message\n", (int)status);
        abort();
    }
    if (status == C2S_OK) {
        save_and_reload(model);
        c2s_model_destroy(model);
    }
    c2s_error_clear();
    return 0;
}
