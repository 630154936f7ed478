/* SPDX-License-Identifier: Apache-2.0 */
#include "io/wire_skeleton.h"

#include <string.h>

/* Chosen at random. A payload of 16 bytes that begins with it stays behind too, so a marker in the
 * skeleton cannot be anything else. */
static const uint8_t magic[8] = {0xd3, 0x1f, 0x9a, 0x64, 0xe7, 0x0b, 0x58, 0xc6};

bool c2s_skeleton_wants(const uint8_t *payload, size_t size) {
    return size >= C2S_WIRE_BLOB_MIN ||
           (size == C2S_WIRE_MARKER_SIZE && memcmp(payload, magic, sizeof magic) == 0);
}

size_t c2s_skeleton_offset(const c2s_skeleton *s, const uint8_t *p) {
    return s->size + (size_t)(p - s->copied);
}

static c2s_status append(c2s_skeleton *s, const void *bytes, size_t size) {
    size_t wanted = s->size + size; /* never more than the data and a marker */
    if (wanted > s->capacity) {
        size_t capacity = wanted + wanted / 2 + 4096;
        uint8_t *grown = realloc(s->bytes, capacity);
        if (!grown)
            return c2s_fail(C2S_ERR_MEMORY, "no memory for %zu bytes of structure", capacity);
        s->bytes = grown;
        s->capacity = capacity;
    }
    if (size)
        memcpy(s->bytes + s->size, bytes, size);
    s->size += size;
    return C2S_OK;
}

c2s_status c2s_skeleton_copy(c2s_skeleton *s, const uint8_t *p) {
    C2S_TRY(append(s, s->copied, (size_t)(p - s->copied)));
    s->copied = p;
    return C2S_OK;
}

c2s_status c2s_skeleton_mark(c2s_skeleton *s, const uint8_t *length, const uint8_t *payload,
                             size_t size) {
    uint64_t index = s->blobs.count;
    uint8_t marker[1 + C2S_WIRE_MARKER_SIZE] = {C2S_WIRE_MARKER_SIZE};
    memcpy(marker + 1, magic, sizeof magic);
    memcpy(marker + 1 + sizeof magic, &index, sizeof index);
    C2S_TRY(c2s_skeleton_copy(s, length));
    C2S_TRY(append(s, marker, sizeof marker));
    c2s_vec_push(&s->blobs, (c2s_wire_blob){(uint8_t *)(uintptr_t)payload, size});
    s->copied = payload + size;
    return C2S_OK;
}

void c2s_skeleton_close(c2s_skeleton *s, size_t length_at, size_t body_at) {
    size_t size = s->size - body_at;
    for (size_t i = length_at; i < body_at; i++, size >>= 7)
        s->bytes[i] = (uint8_t)((size & 0x7f) | (i + 1 < body_at ? 0x80 : 0));
}

/* Protobuf aligns nothing. The bytes before a payload (its length, other fields of its tensor) are
 * in the skeleton by now, so the payload can move down over them. */
void c2s_skeleton_align(c2s_skeleton *s, const uint8_t *data) {
    uintptr_t floor = (uintptr_t)data;
    for (size_t i = 0; i < s->blobs.count; i++) {
        c2s_wire_blob *blob = &s->blobs.at[i];
        uintptr_t from = (uintptr_t)blob->data, to = from;
        for (uintptr_t alignment = 64; alignment > 1; alignment /= 2) {
            to = from & ~(alignment - 1);
            if (to >= floor)
                break;
            to = from;
        }
        if (to != from) {
            memmove(blob->data - (from - to), blob->data, blob->size);
            blob->data -= from - to;
        }
        floor = to + blob->size;
    }
}

const c2s_wire_blob *c2s_wire_blob_at(const c2s_wire *wire, const void *payload, size_t size) {
    uint64_t index;
    if (size != C2S_WIRE_MARKER_SIZE || memcmp(payload, magic, sizeof magic) != 0)
        return NULL;
    memcpy(&index, (const uint8_t *)payload + sizeof magic, sizeof index);
    return index < wire->blob_count ? &wire->blobs[index] : NULL;
}
