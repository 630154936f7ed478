/* SPDX-License-Identifier: Apache-2.0 */
/* A byte, and any bytes behind it as a file of data: an array or an archive of NumPy's, or a
 * message of a test_data_set, as the byte says. Refused with a message, or all samples can be read.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "c2s.h"
#include "io/dataset.h"
#include "io/load_data.h"
#include "io/text.h"
#include "ops/op.h"
#include "must.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char graph_text[] = "<ir_version: 8, opset_import: [\"\" : 17]>\n"
                                 "g (float[n,3] x, int64[n] y) => (float[n,3] z)\n"
                                 "{ z = Identity (x)\n w = Identity (y) }\n";

static char path[64];

static void remove_file(void) {
    unlink(path);
}

static bool write_file(const char *ending, const uint8_t *data, size_t size) {
    static bool registered;
    snprintf(path, sizeof path, "/dev/shm/c2s_fuzz_%ld.%s", (long)getpid(), ending);
    if (!registered)
        registered = atexit(remove_file) == 0;
    FILE *file = fopen(path, "wb");
    if (!file)
        return false;
    const bool whole = fwrite(data, 1, size, file) == size;
    return fclose(file) == 0 && whole;
}

static void read_samples(const c2s_graph *graph) {
    c2s_dataset *set = NULL;
    if (c2s_dataset_open(path, graph, NULL, &set) != C2S_OK) {
        must(*c2s_error() != '\0', "refused without a message");
        return;
    }
    const size_t count = c2s_dataset_count(set);
    for (size_t k = 0; k < count && k < 4; k++) {
        c2s_tensor *in[2] = {NULL};
        if (c2s_dataset_sample(set, k * (count - 1) / 3 % count, in) == C2S_OK) {
            c2s_tensor_unref(in[0]);
            c2s_tensor_unref(in[1]);
        }
    }
    c2s_dataset_digest(set);
    c2s_dataset_array(set, "labels");
    c2s_dataset_close(set);
}

static void read_message(const c2s_graph *graph) {
    const c2s_type tensor_type = c2s_graph_input(graph, 0)->type;
    const c2s_type types[] = {tensor_type,
                              {.kind = C2S_KIND_SEQUENCE, .rank = -1, .element = &tensor_type},
                              {.kind = C2S_KIND_OPTIONAL, .rank = -1, .element = &tensor_type}};
    for (unsigned k = 0; k < 3; k++) {
        c2s_tensor *tensor = NULL;
        if (c2s_tensor_load_pb(path, &types[k], &tensor) == C2S_OK)
            c2s_tensor_unref(tensor);
        else
            must(*c2s_error() != '\0', "refused without a message");
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static const char *const endings[] = {"npy", "npz", "pb"};
    if (size == 0)
        return 0;
    const unsigned kind = data[0] % 3;
    c2s_model *model = NULL;
    must(c2s_text_read(graph_text, sizeof graph_text - 1, "graph", &model) == C2S_OK, "the graph");
    /* Extents that a header claims without having them are no reason to take memory. */
    const c2s_ceiling before = c2s_ceiling_lower(64 << 20);
    if (write_file(endings[kind], data + 1, size - 1)) {
        if (kind == 2)
            read_message(model->graph);
        else
            read_samples(model->graph);
        remove_file();
    }
    c2s_ceiling_restore(before);
    c2s_model_destroy(model);
    c2s_error_clear();
    return 0;
}
