/* SPDX-License-Identifier: Apache-2.0
 *
 * Writing ONNX models. c2s_model_save itself is declared in c2s.h.
 *
 * IR version. A model keeps the version it came with; only content that this version does not have
 * (initializers that are no inputs, element types, functions) raises it, to the lowest that fits.
 *
 * External data. It is written to one file called like the model with ".data" behind, when asked
 * for, when the model came with external data, or when the file would pass protobuf's limit of
 * 2 GB. An older file of that name is replaced together with the model or not at all; where the
 * model itself reads from that file it keeps the old bytes as long as it lives. No file is replaced
 * that another model reads its data from, of those that this one was read from. To standard output
 * everything is written inline.
 */
#ifndef C2S_IO_SAVE_H
#define C2S_IO_SAVE_H

#include "ir/graph.h"

/* Bytes of tensors from which on they are moved to the external file if nothing else is said. */
#define C2S_EXTERNAL_THRESHOLD 1024

/* What c2s_model_save would refuse before it writes anything; who works long asks first. */
c2s_status c2s_save_check(const c2s_model *model, const char *path,
                          const c2s_save_options *options);
/* Size of the model as a file, external data included. */
c2s_status c2s_model_file_size(c2s_model *model, uint64_t *size);
/* The model as the content of a file, with all data inline; *data is from malloc. */
c2s_status c2s_model_save_memory(c2s_model *model, void **data, size_t *size);

#endif
