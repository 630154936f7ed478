/* SPDX-License-Identifier: Apache-2.0 */
#include "io/npz.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <zip.h>

#include "base/map.h"
#include "base/memory.h"
#include "base/vec.h"

typedef struct member {
    char *name;
    zip_uint64_t index;
    uint64_t size;
    zip_file_t *stream; /* while it is read in pieces: at the element byte `position` */
    uint64_t position;
} member;

struct c2s_npz {
    zip_t *zip;
    uint64_t digest;
    C2S_VEC(member) members;
};

/* Most of the library's failures are the archive's fault. Where it has no memory it may say that it
 * found no directory, or cannot open the file; errno, 0 before the call, knows better. */
static c2s_status status_of(int code) {
    if (errno == ENOMEM)
        return C2S_ERR_MEMORY;
    switch (code) {
    case ZIP_ER_MEMORY:
        return C2S_ERR_MEMORY;
    case ZIP_ER_NOENT:
    case ZIP_ER_OPEN:
    case ZIP_ER_READ:
    case ZIP_ER_SEEK:
        return C2S_ERR_IO;
    default:
        return C2S_ERR_INVALID;
    }
}

static c2s_status read_stream(void *user, void *data, size_t size) {
    char *at = data;
    while (size > 0) {
        errno = 0;
        zip_int64_t got = zip_fread(user, at, size);
        if (got < 0)
            return c2s_fail(status_of(zip_error_code_zip(zip_file_get_error(user))),
                            "the archive's entry cannot be read: %s", zip_file_strerror(user));
        if (got == 0)
            return c2s_fail(C2S_ERR_INVALID, "the archive's entry ends early");
        at += got;
        size -= (size_t)got;
    }
    return C2S_OK;
}

static c2s_status list_entry(c2s_npz *npz, zip_uint64_t index) {
    zip_stat_t info;
    const char *file = zip_get_name(npz->zip, index, 0);
    if (!file || zip_stat_index(npz->zip, index, 0, &info) != 0 || !(info.valid & ZIP_STAT_SIZE))
        return c2s_fail(C2S_ERR_INVALID, "entry %llu of the archive cannot be read",
                        (unsigned long long)index);
    const size_t length = strlen(file);
    npz->digest = c2s_hash_bytes(file, length, npz->digest);
    npz->digest = c2s_hash_mix(npz->digest, info.size);
    npz->digest = c2s_hash_mix(npz->digest, info.valid & ZIP_STAT_CRC ? info.crc : 0);
    if (length < 4 || strcmp(file + length - 4, ".npy") != 0)
        return C2S_OK; /* other files may lie in the archive */
    member m = {.name = c2s_strdup(file), .index = index, .size = info.size};
    m.name[length - 4] = '\0';
    c2s_vec_push(&npz->members, m);
    return C2S_OK;
}

c2s_status c2s_npz_open(const char *path, c2s_npz **out) {
    int code;
    errno = 0;
    zip_t *zip = zip_open(path, ZIP_RDONLY, &code);
    if (!zip) {
        const c2s_status reason = status_of(code);
        zip_error_t error;
        zip_error_init_with_code(&error, code);
        c2s_status status = c2s_fail(reason, "%s", zip_error_strerror(&error));
        zip_error_fini(&error);
        return status;
    }
    c2s_npz *npz = c2s_zalloc(sizeof *npz);
    npz->zip = zip;
    c2s_status status = C2S_OK;
    const zip_int64_t entries = zip_get_num_entries(zip, 0);
    for (zip_int64_t i = 0; i < entries && status == C2S_OK; i++)
        status = list_entry(npz, (zip_uint64_t)i);
    if (status == C2S_OK)
        *out = npz;
    else
        c2s_npz_close(npz);
    return status;
}

void c2s_npz_close(c2s_npz *npz) {
    if (!npz)
        return;
    for (size_t k = 0; k < npz->members.count; k++) {
        if (npz->members.at[k].stream)
            zip_fclose(npz->members.at[k].stream);
        free(npz->members.at[k].name);
    }
    c2s_vec_free(&npz->members);
    zip_discard(npz->zip);
    free(npz);
}

uint64_t c2s_npz_digest(const c2s_npz *npz) {
    return npz->digest;
}

size_t c2s_npz_count(const c2s_npz *npz) {
    return npz->members.count;
}

const char *c2s_npz_name(const c2s_npz *npz, size_t array) {
    return npz->members.at[array].name;
}

uint64_t c2s_npz_size(const c2s_npz *npz, size_t array) {
    return npz->members.at[array].size;
}

static c2s_status open_member(c2s_npz *npz, const member *m, zip_file_t **out) {
    errno = 0;
    *out = zip_fopen_index(npz->zip, m->index, 0);
    if (!*out)
        return c2s_fail(status_of(zip_error_code_zip(zip_get_error(npz->zip))), "%s.npy: %s",
                        m->name, zip_strerror(npz->zip));
    return C2S_OK;
}

static c2s_status named(const member *m, c2s_status status) {
    if (status != C2S_OK)
        c2s_note("%s.npy", m->name);
    return status;
}

c2s_status c2s_npz_type(c2s_npz *npz, size_t array, c2s_type *out) {
    const member *m = &npz->members.at[array];
    zip_file_t *stream;
    C2S_TRY(open_member(npz, m, &stream));
    const c2s_npy_source source = {read_stream, stream, m->size};
    const c2s_status status = c2s_npy_head(&source, out);
    zip_fclose(stream);
    return named(m, status);
}

c2s_status c2s_npz_read(c2s_npz *npz, size_t array, c2s_tensor **out) {
    const member *m = &npz->members.at[array];
    zip_file_t *stream;
    C2S_TRY(open_member(npz, m, &stream));
    const c2s_npy_source source = {read_stream, stream, m->size};
    const c2s_status status = c2s_npy_read(&source, out);
    zip_fclose(stream);
    return named(m, status);
}

/* ---- in pieces ---- */

static c2s_status rewind_member(c2s_npz *npz, member *m) {
    c2s_type type;
    if (m->stream)
        zip_fclose(m->stream);
    m->stream = NULL;
    m->position = 0;
    C2S_TRY(open_member(npz, m, &m->stream));
    const c2s_npy_source source = {read_stream, m->stream, m->size};
    return c2s_npy_head(&source, &type);
}

static c2s_status skip(member *m, uint64_t bytes) {
    char buffer[16384];
    while (bytes > 0) {
        const size_t part = bytes < sizeof buffer ? (size_t)bytes : sizeof buffer;
        C2S_TRY(read_stream(m->stream, buffer, part));
        bytes -= part;
        m->position += part;
    }
    return C2S_OK;
}

static c2s_status read_part(c2s_npz *npz, member *m, uint64_t offset, void *data, size_t size) {
    if (!m->stream || offset < m->position)
        C2S_TRY(rewind_member(npz, m));
    C2S_TRY(skip(m, offset - m->position));
    C2S_TRY(read_stream(m->stream, data, size));
    m->position += size;
    return C2S_OK;
}

c2s_status c2s_npz_read_part(c2s_npz *npz, size_t array, uint64_t offset, void *data, size_t size) {
    member *m = &npz->members.at[array];
    const c2s_status status = read_part(npz, m, offset, data, size);
    if (status != C2S_OK && m->stream) { /* nobody knows where it stands */
        zip_fclose(m->stream);
        m->stream = NULL;
    }
    return named(m, status);
}
