/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/labels.h"

#include <stdlib.h>

#include "ir/convert.h"

c2s_status cli_labels_open(const cli_inputs *inputs, cli_labels *out) {
    *out = (cli_labels){0};
    const c2s_tensor *labels = inputs->data ? c2s_dataset_array(inputs->data, "labels") : NULL;
    const size_t samples = inputs->data ? c2s_dataset_count(inputs->data) : 0;
    if (!labels || samples == 0)
        return C2S_OK;
    if (!c2s_dtype_is_integer(labels->type.dtype) || labels->count % samples != 0)
        return c2s_fail(C2S_ERR_INVALID,
                        "%zu labels of type %s, expected integers, as many for each of %zu samples",
                        labels->count, c2s_dtype_name(labels->type.dtype), samples);
    out->each = labels->count / samples;
    out->at = c2s_alloc_array(labels->count + 1, sizeof *out->at);
    c2s_load_i64(labels->type.dtype, c2s_tensor_data(labels), 0, labels->count, out->at);
    return C2S_OK;
}

void cli_labels_free(cli_labels *labels) {
    free(labels->at);
    *labels = (cli_labels){0};
}

const int64_t *cli_labels_of(const cli_labels *labels, size_t index, size_t rows) {
    return labels->at && rows > 0 && labels->each == rows ? labels->at + index * rows : NULL;
}
