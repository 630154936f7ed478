/* SPDX-License-Identifier: Apache-2.0
 *
 * Moves tensor data between a message and a file beside it.
 */
#ifndef C2S_IO_SAVE_EXTERNAL_H
#define C2S_IO_SAVE_EXTERNAL_H

#include <onnx.pb-c.h>

#include "base/map.h"
#include "base/memory.h"
#include "io/external.h"

typedef struct c2s_externalizer {
    c2s_arena *arena;            /* owns what is built */
    c2s_external_writer *writer; /* NULL: all data goes into the message */
    const char *location;        /* what tensors call the file */
    /* With a writer, tensors that are external already stay so; initializers of at least
     * `threshold` bytes become it if `all` is set. */
    bool all;
    uint64_t threshold;
    bool used;       /* result: a tensor of the message refers to `location` */
    c2s_map written; /* internal: by address, what is in the file already */
} c2s_externalizer;

/* The message with its tensors' data where it shall be; nothing that `message` refers to is
 * modified, what needs no change is shared. */
c2s_status c2s_externalize(c2s_externalizer *externalizer, ProtobufCMessage *message,
                           ProtobufCMessage **out);

/* Bytes of external data that the message refers to. */
uint64_t c2s_external_size(const ProtobufCMessage *message);

#endif
