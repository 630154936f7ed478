/* SPDX-License-Identifier: Apache-2.0
 *
 * Reading ONNX models. c2s_model_load itself is declared in c2s.h.
 *
 * The graph keeps pointers to the messages it was read from (the `origin` fields), which is how
 * everything that the graph does not model survives until save. Operators keep the form of the
 * file's opset: io/normalise raises them.
 */
#ifndef C2S_IO_LOAD_H
#define C2S_IO_LOAD_H

#include "ir/graph.h"

/* A model from memory: takes over `data`, which is from malloc, also on failure. `path` is for
 * messages and is where external data is looked for. */
c2s_status c2s_model_load_memory(void *data, size_t size, const char *path, c2s_model **out);

/* Version of protobuf-c. */
const char *c2s_load_library_version(void);

#endif
