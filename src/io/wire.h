/* SPDX-License-Identifier: Apache-2.0
 *
 * A look at a serialized message before protobuf-c unpacks it. protobuf-c copies every payload and
 * recurses without limit; this scan refuses what is malformed or nested too deep, and leaves the
 * large payloads (weights) where they are, so that they exist once in memory.
 *
 * What is unpacked afterwards is the skeleton: the same message in which each large payload of a
 * bytes field or of a packed array of floats or doubles is replaced by a marker of 16 bytes.
 */
#ifndef C2S_IO_WIRE_H
#define C2S_IO_WIRE_H

#include "base/status.h"

struct ProtobufCMessageDescriptor;

/* Payloads from this size on stay where they are. */
#define C2S_WIRE_BLOB_MIN 4096
/* Messages inside of messages; the limit that protobuf's own parsers have. */
#define C2S_WIRE_DEPTH_MAX   100
#define C2S_WIRE_MARKER_SIZE 16

typedef struct c2s_wire_blob {
    uint8_t *data;
    size_t size;
} c2s_wire_blob;

typedef struct c2s_wire {
    const uint8_t *skeleton; /* the scanned data itself if nothing was large */
    size_t skeleton_size;    /* at most INT32_MAX, which is what protobuf-c accepts */
    uint8_t *owned;          /* the skeleton's memory, or NULL */
    c2s_wire_blob *blobs;    /* in the order of the data */
    size_t blob_count;
    bool external; /* some TensorProto has its data in another file */
} c2s_wire;

/* Scans `data` as a message of type `root`. On success the blobs' bytes stay in `data`; if it may
 * be written to, each is moved by less than 64 bytes to be aligned (to 64 bytes where there is
 * room, else to the largest power of two that fits), and all else in `data` may be overwritten by
 * that unless blob_count is 0. Refused with C2S_ERR_INVALID, naming the message type, the field and
 * the byte: what is not a protobuf message, a known field of another wire type, a text with an
 * embedded NUL, a name that is not UTF-8, a singular message given twice, nesting deeper than
 * C2S_WIRE_DEPTH_MAX, messages so numerous and empty that unpacked they would take more than 64
 * times their size. */
c2s_status c2s_wire_scan(uint8_t *data, size_t size, bool writable,
                         const struct ProtobufCMessageDescriptor *root, c2s_wire *out);
void c2s_wire_free(c2s_wire *wire); /* not the scanned data; safe on a zeroed struct */

/* The blob that an unpacked payload is the marker of; NULL if it is no marker. */
const c2s_wire_blob *c2s_wire_blob_at(const c2s_wire *wire, const void *payload, size_t size);

#endif
