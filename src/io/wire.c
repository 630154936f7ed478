/* SPDX-License-Identifier: Apache-2.0 */
#include "io/wire.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include <onnx.pb-c.h>

#include "io/wire_skeleton.h"
#include "ops/utf8.h"

/* A message that is being scanned. */
typedef struct frame {
    const ProtobufCMessageDescriptor *type;
    const uint8_t *end;
    size_t length_at, body_at; /* in the skeleton: its length prefix, what follows that */
    uint64_t seen;             /* by field index: singular messages, lifted arrays */
    bool lifted;               /* some payload inside was */
} frame;

typedef struct scanner {
    const uint8_t *data, *end, *at;
    c2s_skeleton skeleton;
    uint64_t unpacked; /* estimate of the bytes that protobuf-c will allocate */
    bool external;
    unsigned depth;
    frame stack[C2S_WIRE_DEPTH_MAX];
} scanner;

typedef struct field_start {
    const ProtobufCFieldDescriptor *field; /* NULL: unknown */
    unsigned index;                        /* of the field in its message type */
    uint32_t number;
    const uint8_t *key, *length;
} field_start;

static const char *field_name(const field_start *start) {
    return start->field ? start->field->name : "unknown";
}

static c2s_status broken(const scanner *s, const field_start *start, const char *what) {
    return c2s_fail(C2S_ERR_INVALID, "byte %zu, %s field %u (%s): %s",
                    (size_t)(start->key - s->data), s->stack[s->depth - 1].type->short_name,
                    (unsigned)start->number, field_name(start), what);
}

static bool read_varint(const uint8_t **at, const uint8_t *end, unsigned limit, uint64_t *out) {
    uint64_t value = 0;
    for (unsigned i = 0; i < limit && *at < end; i++) {
        uint8_t byte = *(*at)++;
        value |= (uint64_t)(byte & 0x7f) << (7 * i);
        if (!(byte & 0x80)) {
            *out = value;
            return true;
        }
    }
    return false;
}

static void find_field(const ProtobufCMessageDescriptor *type, field_start *start) {
    unsigned low = 0, high = type->n_fields;
    while (low < high) {
        unsigned middle = low + (high - low) / 2;
        if (type->fields[middle].id < start->number)
            low = middle + 1;
        else
            high = middle;
    }
    start->index = low;
    start->field =
        low < type->n_fields && type->fields[low].id == start->number ? &type->fields[low] : NULL;
}

static ProtobufCWireType wire_type_of(ProtobufCType type) {
    switch (type) {
    case PROTOBUF_C_TYPE_FLOAT:
    case PROTOBUF_C_TYPE_FIXED32:
    case PROTOBUF_C_TYPE_SFIXED32:
        return PROTOBUF_C_WIRE_TYPE_32BIT;
    case PROTOBUF_C_TYPE_DOUBLE:
    case PROTOBUF_C_TYPE_FIXED64:
    case PROTOBUF_C_TYPE_SFIXED64:
        return PROTOBUF_C_WIRE_TYPE_64BIT;
    case PROTOBUF_C_TYPE_STRING:
    case PROTOBUF_C_TYPE_BYTES:
    case PROTOBUF_C_TYPE_MESSAGE:
        return PROTOBUF_C_WIRE_TYPE_LENGTH_PREFIXED;
    default:
        return PROTOBUF_C_WIRE_TYPE_VARINT;
    }
}

/* Leaves the payload [s->at, s->at + size) where it is. */
static c2s_status lift(scanner *s, const field_start *start, size_t size) {
    C2S_TRY(c2s_skeleton_mark(&s->skeleton, start->length, s->at, size));
    s->at += size;
    for (unsigned i = 0; i < s->depth; i++)
        s->stack[i].lifted = true;
    return C2S_OK;
}

/* ---- fields ---- */

static bool packed_varints_valid(const uint8_t *at, const uint8_t *end, uint64_t *count) {
    *count = 0;
    for (unsigned run = 0; at < end; at++) {
        if (*at & 0x80) {
            if (++run == 10)
                return false;
        } else {
            run = 0;
            ++*count;
        }
    }
    return at == end && (*count == 0 || !(end[-1] & 0x80));
}

static c2s_status scan_packed(scanner *s, const field_start *start, size_t size) {
    frame *f = &s->stack[s->depth - 1];
    const ProtobufCFieldDescriptor *field = start->field;
    ProtobufCWireType wire = wire_type_of(field->type);
    if (wire == PROTOBUF_C_WIRE_TYPE_VARINT) {
        uint64_t count;
        if (!packed_varints_valid(s->at, s->at + size, &count) || (size && !count))
            return broken(s, start, "a number that does not end");
        s->unpacked += count * 8;
        s->at += size;
        return C2S_OK;
    }
    size_t width = wire == PROTOBUF_C_WIRE_TYPE_32BIT ? 4 : 8;
    if (size % width)
        return broken(s, start, "the length is no multiple of the element size");
    /* Arrays in several pieces must be joined, which is protobuf-c's work. */
    bool liftable = field->flags & PROTOBUF_C_FIELD_FLAG_PACKED;
    uint64_t bit = (uint64_t)1 << start->index;
    if (liftable && c2s_skeleton_wants(s->at, size)) {
        if (f->seen & bit)
            return broken(s, start, "an array in several large pieces");
        f->seen |= bit;
        return lift(s, start, size);
    }
    s->unpacked += size;
    s->at += size;
    return C2S_OK;
}

static c2s_status enter(scanner *s, const field_start *start, size_t size) {
    frame *f = &s->stack[s->depth - 1];
    if (start->field->label != PROTOBUF_C_LABEL_REPEATED) {
        uint64_t bit = (uint64_t)1 << start->index;
        if (f->seen & bit)
            return broken(s, start, "given twice");
        f->seen |= bit;
    }
    if (s->depth == C2S_WIRE_DEPTH_MAX)
        return broken(s, start, "nested too deep: more than 100 levels");
    frame *inner = &s->stack[s->depth++];
    *inner = (frame){.type = start->field->descriptor, .end = s->at + size};
    inner->length_at = c2s_skeleton_offset(&s->skeleton, start->length);
    inner->body_at = c2s_skeleton_offset(&s->skeleton, s->at);
    s->unpacked += inner->type->sizeof_message + sizeof(void *);
    return C2S_OK;
}

static c2s_status leave(scanner *s) {
    frame *f = &s->stack[--s->depth];
    if (!f->lifted || s->depth == 0)
        return C2S_OK;
    C2S_TRY(c2s_skeleton_copy(&s->skeleton, s->at));
    c2s_skeleton_close(&s->skeleton, f->length_at, f->body_at);
    return C2S_OK;
}

/* Names identify; what only describes may have been written in any encoding. */
static bool must_be_utf8(const ProtobufCMessageDescriptor *type,
                         const ProtobufCFieldDescriptor *f) {
    return type != &onnx__string_string_entry_proto__descriptor &&
           strcmp(f->name, "doc_string") != 0;
}

static bool is_utf8(const uint8_t *text, size_t size) {
    for (size_t at = 0; at < size;) {
        if (text[at] < 0x80) {
            at++;
            continue;
        }
        const uint32_t code = c2s_utf8_next((const char *)text, size, &at);
        if (code >= 0xdc80 && code <= 0xdcff) /* a byte that is none */
            return false;
    }
    return true;
}

static c2s_status scan_bytes(scanner *s, const field_start *start) {
    frame *f = &s->stack[s->depth - 1];
    uint64_t length;
    if (!read_varint(&s->at, f->end, 5, &length))
        return broken(s, start, "a length that does not end");
    size_t rest = (size_t)(f->end - s->at);
    if (length > rest) {
        return c2s_fail(C2S_ERR_INVALID,
                        "byte %zu, %s field %u (%s): found a length of %llu, expected at most the "
                        "%zu bytes that are left",
                        (size_t)(start->key - s->data), f->type->short_name,
                        (unsigned)start->number, field_name(start), (unsigned long long)length,
                        rest);
    }
    size_t size = (size_t)length;
    const ProtobufCFieldDescriptor *field = start->field;
    if (field && field->type == PROTOBUF_C_TYPE_MESSAGE)
        return enter(s, start, size);
    if (field && field->type == PROTOBUF_C_TYPE_BYTES && c2s_skeleton_wants(s->at, size))
        return lift(s, start, size);
    if (field && wire_type_of(field->type) != PROTOBUF_C_WIRE_TYPE_LENGTH_PREFIXED) {
        if (field->label != PROTOBUF_C_LABEL_REPEATED)
            return broken(s, start, "found bytes, expected a number");
        return scan_packed(s, start, size);
    }
    if (field && field->type == PROTOBUF_C_TYPE_STRING && memchr(s->at, 0, size))
        return broken(s, start, "a text that holds a NUL");
    if (field && field->type == PROTOBUF_C_TYPE_STRING && must_be_utf8(f->type, field) &&
        !is_utf8(s->at, size))
        return broken(s, start, "a text that is not UTF-8");
    s->unpacked += size + (field ? 16 : sizeof(ProtobufCMessageUnknownField));
    s->at += size;
    return C2S_OK;
}

static c2s_status scan_number(scanner *s, const field_start *start, unsigned wire) {
    const uint8_t *end = s->stack[s->depth - 1].end;
    uint64_t value = 0;
    if (wire == PROTOBUF_C_WIRE_TYPE_VARINT) {
        if (!read_varint(&s->at, end, 10, &value))
            return broken(s, start, "a number that does not end");
    } else {
        size_t width = wire == PROTOBUF_C_WIRE_TYPE_32BIT ? 4 : 8;
        if ((size_t)(end - s->at) < width)
            return broken(s, start, "cut off");
        s->at += width;
    }
    if (start->field && wire_type_of(start->field->type) != (ProtobufCWireType)wire)
        return broken(s, start, "a wire type that this field cannot have");
    if (s->stack[s->depth - 1].type == &onnx__tensor_proto__descriptor && start->field &&
        strcmp(start->field->name, "data_location") == 0)
        s->external = s->external || value != 0;
    s->unpacked += start->field ? 8 : sizeof(ProtobufCMessageUnknownField) + 8;
    return C2S_OK;
}

static c2s_status scan_field(scanner *s) {
    frame *f = &s->stack[s->depth - 1];
    field_start start = {.key = s->at};
    uint64_t key;
    if (!read_varint(&s->at, f->end, 5, &key) || key > UINT32_MAX || key >> 3 == 0)
        return broken(s, &start, "expected a field number");
    start.number = (uint32_t)(key >> 3);
    start.length = s->at;
    find_field(f->type, &start);
    switch (key & 7) {
    case PROTOBUF_C_WIRE_TYPE_VARINT:
    case PROTOBUF_C_WIRE_TYPE_64BIT:
    case PROTOBUF_C_WIRE_TYPE_32BIT:
        return scan_number(s, &start, (unsigned)(key & 7));
    case PROTOBUF_C_WIRE_TYPE_LENGTH_PREFIXED:
        return scan_bytes(s, &start);
    default:
        return broken(s, &start, "a wire type that does not exist");
    }
}

static c2s_status scan_all(scanner *s, const ProtobufCMessageDescriptor *root) {
    s->stack[s->depth++] = (frame){.type = root, .end = s->end};
    while (s->depth > 0) {
        if (s->at < s->stack[s->depth - 1].end)
            C2S_TRY(scan_field(s));
        else
            C2S_TRY(leave(s));
    }
    uint64_t size = (uint64_t)(s->end - s->data);
    if (s->unpacked > size * 64 + (1 << 20)) {
        return c2s_fail(C2S_ERR_INVALID,
                        "found %llu bytes that would unpack to %llu, expected at most 64 times as "
                        "much",
                        (unsigned long long)size, (unsigned long long)s->unpacked);
    }
    bool lifted = s->skeleton.blobs.count > 0;
    if (lifted)
        C2S_TRY(c2s_skeleton_copy(&s->skeleton, s->end));
    size_t rest = lifted ? s->skeleton.size : (size_t)size;
    if (rest > INT_MAX) {
        return c2s_fail(C2S_ERR_UNSUPPORTED,
                        "found %zu bytes besides raw tensor data, expected at most %d", rest,
                        INT_MAX);
    }
    return C2S_OK;
}

c2s_status c2s_wire_scan(uint8_t *data, size_t size, bool writable,
                         const struct ProtobufCMessageDescriptor *root, c2s_wire *out) {
    static const uint8_t nothing[1];
    *out = (c2s_wire){0};
    scanner s = {.data = size ? data : nothing};
    s.at = s.skeleton.copied = s.data;
    s.end = s.data + size;
    c2s_status status = scan_all(&s, root);
    if (status != C2S_OK) {
        free(s.skeleton.bytes);
        c2s_vec_free(&s.skeleton.blobs);
        return status;
    }
    if (writable)
        c2s_skeleton_align(&s.skeleton, s.data);
    out->owned = s.skeleton.bytes;
    out->blobs = s.skeleton.blobs.at;
    out->blob_count = s.skeleton.blobs.count;
    out->skeleton = out->blob_count ? s.skeleton.bytes : s.data;
    out->skeleton_size = out->blob_count ? s.skeleton.size : size;
    out->external = s.external;
    return C2S_OK;
}

void c2s_wire_free(c2s_wire *wire) {
    free(wire->owned);
    free(wire->blobs);
    *wire = (c2s_wire){0};
}
