/* SPDX-License-Identifier: Apache-2.0
 *
 * Models written as text: read, raised, executed by the plain evaluator.
 */
#ifndef C2S_TESTS_RUN_TEXT_H
#define C2S_TESTS_RUN_TEXT_H

#include <math.h>
#include <string.h>

#include "eval/evaluator.h"
#include "io/normalise.h"
#include "io/text.h"
#include "ir/clone.h"
#include "shared.h"

/* `text`: a graph, and functions behind it if any. */
static inline c2s_model *model_of_text(int opset, const char *text) {
    char *whole = NULL;
    size_t size;
    FILE *stream = open_memstream(&whole, &size);
    fprintf(
        stream,
        "<ir_version: 10, opset_import: [\"\" : %d, \"ai.onnx.ml\" : 5, \"local\" : 1, "
        "\"ai.onnx.preview.training\" : 1, \"com.microsoft\" : 1, \"ai.onnx.preview\" : 1]>\n%s",
        opset, text);
    fclose(stream);
    c2s_model *model = NULL;
    if (c2s_text_read(whole, size, "case", &model) != C2S_OK)
        fail_msg("%s\n%s", c2s_error(), whole);
    free(whole);
    return model;
}

/* Normalises, expands functions, infers, runs. The graph has no inputs: its data are initializers.
 * `out` has room for 16. */
static inline c2s_status run_model(c2s_model *model, c2s_tensor **out) {
    c2s_session *session;
    c2s_eval_options options = {.threads = 1};
    C2S_TRY(c2s_model_normalise(model));
    C2S_TRY(c2s_model_inline(model, 0));
    C2S_TRY(c2s_graph_infer(model->graph));
    C2S_TRY(c2s_model_verify(model));
    C2S_TRY(c2s_evaluator_reference.open(model->graph, &options, &session));
    c2s_status status = c2s_evaluator_reference.run(session, NULL, out);
    c2s_evaluator_reference.close(session);
    return status;
}

/* What a tensor holds as text: "[2,2] 1 2 3 4", strings in quotes, sequences as "{a; b}". */
static inline void print_tensor(FILE *stream, const c2s_tensor *tensor) {
    if (tensor->type.kind != C2S_KIND_TENSOR) {
        fprintf(stream, "{");
        for (size_t i = 0; i < tensor->count; i++) {
            fprintf(stream, "%s", i ? "; " : "");
            print_tensor(stream, c2s_tensor_item(tensor, i));
        }
        fprintf(stream, "}");
        return;
    }
    fprintf(stream, "[");
    for (int i = 0; i < tensor->type.rank; i++)
        fprintf(stream, "%s%lld", i ? "," : "", (long long)tensor->type.dim[i]);
    fprintf(stream, "]");
    const c2s_string *text = c2s_tensor_data(tensor);
    for (size_t i = 0; i < tensor->count; i++) {
        if (tensor->type.dtype == C2S_STRING)
            fprintf(stream, " \"%.*s\"", (int)text[i].size, text[i].data);
        else
            fprintf(stream, " %.5g", c2s_tensor_f64_at(tensor, i) + 0.0);
    }
}

/* The outputs of the graph, one after the other with " | " between, must read as `expected`. */
static inline void expect_run(int opset, const char *text, const char *expected) {
    c2s_model *model = model_of_text(opset, text);
    c2s_tensor *out[16] = {0};
    if (run_model(model, out) != C2S_OK)
        fail_msg("%s\n%s", c2s_error(), text);
    char *found = NULL;
    size_t size;
    FILE *stream = open_memstream(&found, &size);
    for (unsigned i = 0; i < c2s_graph_output_count(model->graph); i++) {
        fprintf(stream, "%s", i ? " | " : "");
        print_tensor(stream, out[i]);
        c2s_tensor_unref(out[i]);
    }
    fclose(stream);
    if (strcmp(found, expected) != 0)
        fail_msg("%s\nfound    %s\nexpected %s", text, found, expected);
    free(found);
    c2s_model_destroy(model);
}

/* Something on the way fails with this status and a message that contains `part`. */
static inline void expect_failure(int opset, const char *text, c2s_status status,
                                  const char *part) {
    c2s_model *model = model_of_text(opset, text);
    c2s_tensor *out[16] = {0};
    c2s_status found = run_model(model, out);
    if (found != status || !strstr(c2s_error(), part))
        fail_msg("%s\nstatus %d: %s\nexpected %d: ... %s ...", text, (int)found,
                 found == C2S_OK ? "" : c2s_error(), (int)status, part);
    c2s_model_destroy(model);
}

#endif
