/* SPDX-License-Identifier: Apache-2.0 */
#include "io/npy.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/mapping.h"
#include "base/memory.h"
#include "base/vec.h"
#include "ir/convert.h"

enum { MAX_HEADER = 65536 };

static const struct {
    const char *code; /* without the byte order mark */
    c2s_dtype dtype;
} number_types[] = {
    {"f4", C2S_FLOAT},     {"f8", C2S_DOUBLE},      {"f2", C2S_FLOAT16}, {"i1", C2S_INT8},
    {"i2", C2S_INT16},     {"i4", C2S_INT32},       {"i8", C2S_INT64},   {"u1", C2S_UINT8},
    {"u2", C2S_UINT16},    {"u4", C2S_UINT32},      {"u8", C2S_UINT64},  {"b1", C2S_BOOL},
    {"c8", C2S_COMPLEX64}, {"c16", C2S_COMPLEX128},
};

typedef struct header {
    char code[24];
    bool fortran;
    int rank;
    int64_t dim[C2S_MAX_RANK];
} header;

/* ---- the header: a Python dict literal ---- */

/* Text behind `'key':`, or NULL. */
static const char *find_key(const char *text, const char *key) {
    size_t length = strlen(key);
    for (const char *at = text; (at = strpbrk(at, "'\"")); at++) {
        char quote = *at;
        if (strncmp(at + 1, key, length) != 0 || at[1 + length] != quote)
            continue;
        at += length + 2;
        while (isspace((unsigned char)*at))
            at++;
        if (*at != ':')
            return NULL;
        at++;
        while (isspace((unsigned char)*at))
            at++;
        return at;
    }
    return NULL;
}

static c2s_status parse_shape(const char *at, header *h) {
    if (*at++ != '(')
        return c2s_fail(C2S_ERR_INVALID, "the shape in the array's header is no tuple");
    for (;;) {
        while (isspace((unsigned char)*at) || *at == ',')
            at++;
        if (*at == ')')
            return C2S_OK;
        if (!isdigit((unsigned char)*at) || h->rank == C2S_MAX_RANK)
            return c2s_fail(C2S_ERR_INVALID, "the shape in the array's header is not valid");
        errno = 0;
        char *end;
        long long extent = strtoll(at, &end, 10);
        if (errno)
            return c2s_fail(C2S_ERR_INVALID, "an extent in the array's header is too large");
        h->dim[h->rank++] = extent;
        at = *end == 'L' ? end + 1 : end;
    }
}

static c2s_status parse_header(const char *text, header *h) {
    const char *descr = find_key(text, "descr"), *order = find_key(text, "fortran_order"),
               *shape = find_key(text, "shape");
    if (!descr || !order || !shape)
        return c2s_fail(C2S_ERR_INVALID, "the array's header lacks descr, fortran_order or shape");
    if (*descr != '\'' && *descr != '"')
        return c2s_fail(C2S_ERR_UNSUPPORTED, "structured arrays are not read");
    size_t length = strcspn(descr + 1, "'\"");
    if (length >= sizeof h->code)
        return c2s_fail(C2S_ERR_INVALID, "the array's type is not valid");
    memcpy(h->code, descr + 1, length);
    h->code[length] = '\0';
    h->fortran = strncmp(order, "True", 4) == 0;
    return parse_shape(shape, h);
}

static c2s_status read_header(const c2s_npy_source *source, header *h, uint64_t *left) {
    unsigned char magic[12];
    if (source->size < 10)
        return c2s_fail(C2S_ERR_INVALID, "%llu bytes are no NumPy array",
                        (unsigned long long)source->size);
    C2S_TRY(source->read(source->user, magic, 10));
    if (memcmp(magic, "\x93NUMPY", 6) != 0 || magic[6] < 1 || magic[6] > 3)
        return c2s_fail(C2S_ERR_INVALID, "this is no NumPy array of version 1 to 3");
    size_t length = magic[8] | (size_t)magic[9] << 8, used = 10;
    if (magic[6] > 1) {
        C2S_TRY(source->read(source->user, magic + 10, 2));
        length |= (size_t)magic[10] << 16 | (size_t)magic[11] << 24;
        used = 12;
    }
    if (length > MAX_HEADER || length > source->size - used)
        return c2s_fail(C2S_ERR_INVALID, "the array's header of %zu bytes is too long", length);
    char *text = c2s_alloc(length + 1);
    c2s_status status = source->read(source->user, text, length);
    text[length] = '\0';
    if (status == C2S_OK)
        status = parse_header(text, h);
    free(text);
    *left = source->size - used - length;
    return status;
}

/* ---- elements ---- */

typedef C2S_VEC(char) text_buffer;

static void append_utf8(text_buffer *text, uint32_t c) {
    static const unsigned char lead[] = {0, 0xc0, 0xe0, 0xf0};
    unsigned extra = c < 0x80 ? 0 : c < 0x800 ? 1 : c < 0x10000 ? 2 : 3;
    c2s_vec_push(text, (char)(lead[extra] | c >> (6 * extra)));
    while (extra-- > 0)
        c2s_vec_push(text, (char)(0x80 | (c >> (6 * extra) & 0x3f)));
}

/* `width` UTF-32 characters per element, padded with zeros at the end. */
static c2s_status read_strings(const c2s_npy_source *source, const header *h, size_t width,
                               uint64_t left, c2s_tensor **out) {
    c2s_type type = c2s_type_tensor(C2S_STRING, h->rank, h->dim);
    size_t count, characters, size;
    if (!c2s_type_elements(&type, &count) || !c2s_mul_size(count, width, &characters) ||
        !c2s_mul_size(characters, 4, &size) || size > left)
        return c2s_fail(C2S_ERR_INVALID, "the array's data ends early: %llu bytes are there",
                        (unsigned long long)left);
    uint32_t *code = c2s_try_alloc_aligned(size);
    if (!code)
        return c2s_fail(C2S_ERR_MEMORY, "no memory for an array of %zu bytes", size);
    c2s_status status = source->read(source->user, code, size);
    text_buffer text = {0};
    size_t *end = c2s_alloc_array(count, sizeof *end);
    for (size_t i = 0; i < count && status == C2S_OK; i++) {
        size_t length = width;
        while (length > 0 && code[i * width + length - 1] == 0)
            length--;
        for (size_t k = 0; k < length && status == C2S_OK; k++) {
            if (code[i * width + k] > 0x10ffff)
                status = c2s_fail(C2S_ERR_INVALID, "element %zu is no valid text", i);
            else
                append_utf8(&text, code[i * width + k]);
        }
        end[i] = text.count;
    }
    c2s_string *strings = c2s_alloc_array(count, sizeof *strings);
    for (size_t i = 0; i < count && status == C2S_OK; i++) {
        size_t start = i ? end[i - 1] : 0;
        strings[i] = (c2s_string){text.at ? text.at + start : "", end[i] - start};
    }
    if (status == C2S_OK)
        status = c2s_tensor_strings(h->rank, h->dim, strings, out);
    free(strings);
    free(end);
    free(code);
    c2s_vec_free(&text);
    return status;
}

static c2s_status find_type(const header *h, c2s_dtype *dtype) {
    const char *code = h->code;
    if (*code == '>' && strcmp(code + 2, "1") != 0)
        return c2s_fail(C2S_ERR_UNSUPPORTED, "a big-endian array (%s)", code);
    for (size_t i = 0; i < sizeof number_types / sizeof *number_types; i++)
        if (strchr("<|=>", *code) && *code && strcmp(code + 1, number_types[i].code) == 0) {
            *dtype = number_types[i].dtype;
            return C2S_OK;
        }
    return c2s_fail(C2S_ERR_UNSUPPORTED, "an array of type %s", code);
}

static bool is_text(const header *h) {
    return h->code[0] == '<' && h->code[1] == 'U' && isdigit((unsigned char)h->code[2]);
}

static c2s_status check_order(const header *h) {
    if (h->fortran && h->rank > 1)
        return c2s_fail(C2S_ERR_UNSUPPORTED, "an array in Fortran order: save it in C order");
    return C2S_OK;
}

/* `size`: bytes of the elements, of which `left` are there. */
static c2s_status type_of(const header *h, uint64_t left, c2s_type *type, size_t *size) {
    c2s_dtype dtype = C2S_UNDEFINED;
    C2S_TRY(check_order(h));
    C2S_TRY(find_type(h, &dtype));
    *type = c2s_type_tensor(dtype, h->rank, h->dim);
    size_t count;
    if (!c2s_type_elements(type, &count) || !c2s_dtype_size(dtype, count, size) || *size > left)
        return c2s_fail(C2S_ERR_INVALID, "the array's data ends early: %llu bytes are there",
                        (unsigned long long)left);
    return C2S_OK;
}

c2s_status c2s_npy_head(const c2s_npy_source *source, c2s_type *out) {
    header h = {0};
    uint64_t left = 0;
    size_t size;
    C2S_TRY(read_header(source, &h, &left));
    return type_of(&h, left, out, &size);
}

c2s_status c2s_npy_read(const c2s_npy_source *source, c2s_tensor **out) {
    header h = {0};
    uint64_t left = 0;
    c2s_type type;
    size_t size;
    C2S_TRY(read_header(source, &h, &left));
    if (is_text(&h)) {
        C2S_TRY(check_order(&h));
        return read_strings(source, &h, strtoul(h.code + 2, NULL, 10), left, out);
    }
    C2S_TRY(type_of(&h, left, &type, &size));
    C2S_TRY(c2s_tensor_create(type.dtype, h.rank, h.dim, out));
    c2s_status status = source->read(source->user, c2s_tensor_mutable(*out), size);
    if (status != C2S_OK)
        c2s_tensor_unref(*out);
    return status;
}

/* ---- files ---- */

typedef struct span {
    const char *at;
    size_t left;
} span;

static c2s_status read_span(void *user, void *data, size_t size) {
    span *s = user;
    if (size > s->left)
        return c2s_fail(C2S_ERR_INVALID, "the file ends early");
    memcpy(data, s->at, size);
    s->at += size;
    s->left -= size;
    return C2S_OK;
}

static void unmap(c2s_bytes *bytes) {
    c2s_mapping_destroy(bytes->data);
    free(bytes);
}

/* The elements stay where they are mapped, if they are numbers and lie as they must. */
static c2s_status view_mapped(const char *data, size_t size, c2s_tensor **out, bool *kept) {
    span s = {data, size};
    const c2s_npy_source source = {read_span, &s, size};
    header h = {0};
    uint64_t left = 0;
    c2s_type type;
    size_t bytes;
    C2S_TRY(read_header(&source, &h, &left));
    if (is_text(&h) || (s.at - data) % 16 != 0 || left == 0) {
        s = (span){data, size};
        return c2s_npy_read(&source, out);
    }
    C2S_TRY(type_of(&h, left, &type, &bytes));
    c2s_bytes *all = c2s_zalloc(sizeof *all);
    all->data = (void *)(uintptr_t)data;
    all->size = size;
    all->release = unmap;
    atomic_init(&all->refs, 1);
    *kept = true;
    c2s_status status = c2s_tensor_view(type.dtype, h.rank, h.dim, all, (size_t)(s.at - data), out);
    c2s_bytes_unref(all);
    return status;
}

c2s_status c2s_npy_load(const char *path, c2s_tensor **out) {
    void *data;
    size_t size;
    bool mapped, kept = false;
    C2S_TRY(c2s_file_view(path, UINT64_MAX, &data, &size, &mapped));
    c2s_status status;
    if (mapped) {
        status = view_mapped(data, size, out, &kept);
        if (!kept)
            c2s_mapping_destroy(data);
    } else {
        span s = {data, size};
        const c2s_npy_source source = {read_span, &s, size};
        status = c2s_npy_read(&source, out);
        free(data);
    }
    if (status != C2S_OK)
        c2s_note("%s", path);
    return status;
}

/* ---- writing ---- */

static const char *code_of(c2s_dtype dtype) {
    for (size_t i = 0; i < sizeof number_types / sizeof *number_types; i++)
        if (number_types[i].dtype == dtype)
            return number_types[i].code;
    return NULL;
}

/* The NumPy type that holds every value of `dtype`. */
static c2s_dtype stored_dtype(c2s_dtype dtype) {
    if (code_of(dtype) || dtype == C2S_STRING)
        return dtype;
    if (c2s_dtype_is_float(dtype))
        return C2S_FLOAT;
    return c2s_dtype_is_signed(dtype) ? C2S_INT8 : C2S_UINT8;
}

static void write_header(FILE *stream, const char *code, const c2s_type *type) {
    char text[1024];
    size_t used = (size_t)snprintf(text, sizeof text,
                                   "{'descr': '%s', 'fortran_order': False, 'shape': (", code);
    for (int i = 0; i < type->rank; i++)
        used += (size_t)snprintf(text + used, sizeof text - used, "%lld,%s",
                                 (long long)type->dim[i], i + 1 < type->rank ? " " : "");
    used += (size_t)snprintf(text + used, sizeof text - used, "), }");
    /* Padded so that the data starts at a multiple of 64 bytes. */
    size_t length = (10 + used + 1 + 63) / 64 * 64 - 10;
    const unsigned char magic[10] = {0x93,
                                     'N',
                                     'U',
                                     'M',
                                     'P',
                                     'Y',
                                     1,
                                     0,
                                     (unsigned char)(length & 0xff),
                                     (unsigned char)(length >> 8)};
    fwrite(magic, 1, sizeof magic, stream);
    fprintf(stream, "%s%*s", text, (int)(length - used), "\n");
}

/* Characters of UTF-8 text; bytes that are no valid start count as one each. */
static uint32_t next_character(const char **at, const char *end) {
    const unsigned char *p = (const unsigned char *)*at;
    unsigned extra = *p < 0xc0 ? 0 : *p < 0xe0 ? 1 : *p < 0xf0 ? 2 : 3;
    uint32_t c = extra ? *p & (0x3fu >> extra) : *p;
    if ((size_t)(end - *at) <= extra)
        extra = 0;
    for (unsigned i = 1; i <= extra; i++)
        c = c << 6 | (p[i] & 0x3fu);
    *at += 1 + extra;
    return c;
}

static void write_strings(FILE *stream, const c2s_tensor *t) {
    const c2s_string *text = c2s_tensor_data(t);
    size_t width = 1;
    for (size_t i = 0; i < t->count; i++) {
        size_t length = 0;
        for (const char *at = text[i].data, *end = at + text[i].size; at < end; length++)
            next_character(&at, end);
        width = length > width ? length : width;
    }
    char code[32];
    snprintf(code, sizeof code, "<U%zu", width);
    write_header(stream, code, &t->type);
    for (size_t i = 0; i < t->count; i++) {
        const char *at = text[i].data, *end = at + text[i].size;
        for (size_t k = 0; k < width; k++) {
            uint32_t c = at < end ? next_character(&at, end) : 0;
            fwrite(&c, 4, 1, stream);
        }
    }
}

static void write_numbers(FILE *stream, const c2s_tensor *t) {
    c2s_dtype dtype = t->type.dtype, stored = stored_dtype(dtype);
    const char *code = code_of(stored);
    char full[16];
    snprintf(full, sizeof full, "%c%s", code[1] == '1' && !code[2] ? '|' : '<', code);
    write_header(stream, full, &t->type);
    if (stored == dtype) {
        fwrite(c2s_tensor_data(t), 1, c2s_tensor_size(t), stream);
        return;
    }
    enum { BLOCK = 1024 };
    double values[BLOCK];
    char converted[BLOCK * sizeof(float)];
    for (size_t start = 0; start < t->count; start += BLOCK) {
        size_t n = t->count - start < BLOCK ? t->count - start : BLOCK, size;
        c2s_load_f64(dtype, c2s_tensor_data(t), start, n, values);
        c2s_store_f64(stored, converted, 0, n, values);
        if (c2s_dtype_size(stored, n, &size))
            fwrite(converted, 1, size, stream);
    }
}

c2s_status c2s_npy_save(const c2s_tensor *tensor, const char *path) {
    if (tensor->type.kind != C2S_KIND_TENSOR)
        return c2s_fail(C2S_ERR_UNSUPPORTED, "%s: only tensors can be written", path);
    c2s_atomic_file file;
    C2S_TRY(c2s_atomic_open(path, &file));
    if (tensor->type.dtype == C2S_STRING)
        write_strings(file.stream, tensor);
    else
        write_numbers(file.stream, tensor);
    return c2s_atomic_commit(&file);
}
