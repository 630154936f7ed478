/* SPDX-License-Identifier: Apache-2.0
 *
 * Models as text, in the syntax that ONNX defines (onnx/docs/Syntax.md), both ways:
 *
 *     <ir_version: 8, opset_import: ["" : 17]>
 *     name (float[N,4] x) => (float[N,2] y)
 *     <float[4,2] w = {1.0, 0.0, 0.0, 1.0, 1.0, 0.0, 0.0, 1.0}>
 *     {
 *         t = MatMul (x, w)
 *         y = Softmax <axis = -1> (t)
 *     }
 *
 * Beyond that syntax: names that are no identifiers stand in quotes; so do dimensions that are
 * expressions ("2*N + 1"). Text has no place for documentation, metadata and sparse tensors.
 */
#ifndef C2S_IO_TEXT_H
#define C2S_IO_TEXT_H

#include <stdio.h>

#include "ir/graph.h"

typedef struct c2s_text_options {
    size_t max_elements; /* larger tensors are shortened with "..."; 0: all elements */
    bool node_names;     /* as [name] in front of the node */
    bool types;          /* types of intermediate values as comments */
} c2s_text_options;

/* Writes to `stream`, under the names that a saved file would have (io/save_names.h); `options` may
 * be NULL. The caller checks the stream. What cannot be written (sparse attributes) is marked so
 * that reading it again fails. */
void c2s_text_write(const c2s_model *model, const c2s_text_options *options, FILE *stream);

/* Reads a model; `path` is for messages. C2S_ERR_INVALID names line, column, what was found and
 * what was expected. The model is verified; types are not inferred. */
c2s_status c2s_text_read(const char *text, size_t size, const char *path, c2s_model **out);
c2s_status c2s_text_load(const char *path, c2s_model **out);
c2s_status c2s_text_save(const c2s_model *model, const char *path); /* atomically */
/* The path ends in ".onnxtxt": c2s_model_load and c2s_model_save use this syntax for it. */
bool c2s_text_is_path(const char *path);

#endif
