/* SPDX-License-Identifier: Apache-2.0
 *
 * The skeleton of a message (see wire.h) while a scan writes it.
 */
#ifndef C2S_IO_WIRE_SKELETON_H
#define C2S_IO_WIRE_SKELETON_H

#include "base/vec.h"
#include "io/wire.h"

/* Zero-initialise but for `copied`, which is the start of the data. Bytes are copied late and in
 * long runs: nothing is copied at all before the first payload that stays behind. */
typedef struct c2s_skeleton {
    const uint8_t *copied; /* data before it is in `bytes` or stays behind */
    uint8_t *bytes;        /* from malloc */
    size_t size, capacity;
    C2S_VEC(c2s_wire_blob) blobs;
} c2s_skeleton;

/* Whether a payload stays behind: large ones, and those that look like a marker. */
bool c2s_skeleton_wants(const uint8_t *payload, size_t size);
/* Where in the skeleton a byte at or behind `copied` will be. */
size_t c2s_skeleton_offset(const c2s_skeleton *s, const uint8_t *p);
/* Copies all up to `p`. C2S_ERR_MEMORY. */
c2s_status c2s_skeleton_copy(c2s_skeleton *s, const uint8_t *p);
/* Puts a marker in the place of a payload whose length prefix is at `length`. */
c2s_status c2s_skeleton_mark(c2s_skeleton *s, const uint8_t *length, const uint8_t *payload,
                             size_t size);
/* Writes the length of a message that ends here. The prefix keeps its width, from offset
 * `length_at` to `body_at` where the message begins: varints may be padded. */
void c2s_skeleton_close(c2s_skeleton *s, size_t length_at, size_t body_at);
/* Moves the payloads, which are in `data`, to aligned addresses. */
void c2s_skeleton_align(c2s_skeleton *s, const uint8_t *data);

#endif
