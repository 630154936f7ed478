/* SPDX-License-Identifier: Apache-2.0 */
#include "io/external.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/map.h"
#include "base/mapping.h"
#include "base/names.h"
#include "base/vec.h"

typedef struct mapping {
    const void *data;
    size_t size;
    dev_t device;
    ino_t inode;
} mapping;

typedef struct claim {
    const char *data;
    size_t size;
    const char *tensor;
} claim;

struct c2s_external {
    char *model;  /* its path as given */
    char *folder; /* of that, "." for a bare file name; NULL: there is none */
    char *root;   /* the same without links; NULL until it is needed */
    c2s_names *locations;
    c2s_map mapped; /* interned location to mapping */
    C2S_VEC(mapping *) mappings;
    C2S_VEC(claim) claims;
};

c2s_external *c2s_external_create(const char *model_path) {
    c2s_external *external = c2s_zalloc(sizeof *external);
    external->locations = c2s_names_create();
    if (!model_path || strcmp(model_path, "-") == 0)
        return external;
    external->model = c2s_strdup(model_path);
    external->folder = c2s_strdup(model_path);
    char *slash = strrchr(external->folder, '/');
    if (!slash) {
        free(external->folder);
        external->folder = c2s_strdup(".");
    } else {
        slash[slash == external->folder] = 0; /* "/model.onnx" is in "/" */
    }
    return external;
}

void c2s_external_destroy(c2s_external *external) {
    if (!external)
        return;
    for (size_t i = 0; i < external->mappings.count; i++) {
        mapping *m = external->mappings.at[i];
        c2s_mapping_destroy(m->data);
        free(m);
    }
    c2s_vec_free(&external->mappings);
    c2s_vec_free(&external->claims);
    c2s_map_free(&external->mapped);
    c2s_names_destroy(external->locations);
    free(external->model);
    free(external->folder);
    free(external->root);
    free(external);
}

/* ---- reading ---- */

static c2s_status check_location(const char *location) {
    if (!*location)
        return c2s_fail(C2S_ERR_INVALID, "found no location of external data");
    if (*location == '/') {
        return c2s_fail(C2S_ERR_INVALID,
                        "found the absolute location \"%s\" of external data, expected one that "
                        "is relative to the model's folder",
                        location);
    }
    for (const char *part = location; part; part = strchr(part, '/')) {
        part += *part == '/';
        if (strncmp(part, "..", 2) == 0 && (part[2] == '/' || !part[2])) {
            return c2s_fail(C2S_ERR_INVALID,
                            "found \"..\" in the location \"%s\" of external data, expected a file "
                            "inside of the model's folder",
                            location);
        }
    }
    return C2S_OK;
}

static c2s_status system_failed(const char *location, const char *what) {
    return c2s_fail(errno == ENOMEM ? C2S_ERR_MEMORY : C2S_ERR_IO,
                    "cannot %s external data \"%s\": %s", what, location, strerror(errno));
}

/* The file's path without links, from malloc. */
static c2s_status resolve(c2s_external *external, const char *location, char **out) {
    if (!external->folder) {
        return c2s_fail(C2S_ERR_INVALID,
                        "found external data \"%s\", but a model from standard input has no folder",
                        location);
    }
    if (!external->root && !(external->root = realpath(external->folder, NULL)))
        return system_failed(location, "find the folder of");
    size_t size = strlen(external->root) + strlen(location) + 2;
    char *joined = c2s_alloc(size);
    snprintf(joined, size, "%s/%s", external->root, location);
    char *path = realpath(joined, NULL);
    free(joined);
    if (!path)
        return system_failed(location, "find");
    size_t length = strlen(external->root);
    bool inside = strncmp(path, external->root, length) == 0 &&
                  (path[length] == '/' || external->root[length - 1] == '/');
    if (!inside) {
        c2s_status status = c2s_fail(C2S_ERR_INVALID,
                                     "external data \"%s\" is a link to \"%s\", expected a file "
                                     "inside of the model's folder",
                                     location, path);
        free(path);
        return status;
    }
    *out = path;
    return C2S_OK;
}

static c2s_status map_descriptor(int descriptor, const char *location, mapping *m) {
    struct stat info;
    if (fstat(descriptor, &info) != 0)
        return system_failed(location, "examine");
    if (!S_ISREG(info.st_mode)) {
        return c2s_fail(C2S_ERR_INVALID, "external data \"%s\" is no regular file", location);
    }
    if ((uintmax_t)info.st_size > SIZE_MAX)
        return c2s_fail(C2S_ERR_MEMORY, "external data \"%s\" is too large to map", location);
    m->size = (size_t)info.st_size;
    m->device = info.st_dev;
    m->inode = info.st_ino;
    if (!m->size)
        return C2S_OK;
    m->data = c2s_mapping_create(descriptor, m->size);
    if (!m->data)
        return system_failed(location, "map");
    return C2S_OK;
}

static c2s_status map_file(const char *path, const char *location, mapping *m) {
    /* Opening a device can have effects, so look before; the open file is checked again. */
    struct stat info;
    if (lstat(path, &info) != 0)
        return system_failed(location, "examine");
    if (!S_ISREG(info.st_mode))
        return c2s_fail(C2S_ERR_INVALID, "external data \"%s\" is no regular file", location);
    int descriptor = open(path, O_RDONLY | O_NONBLOCK | O_NOFOLLOW | O_CLOEXEC);
    if (descriptor < 0)
        return system_failed(location, "open");
    c2s_status status = map_descriptor(descriptor, location, m);
    close(descriptor);
    return status;
}

static c2s_status map_location(c2s_external *external, const char *location, mapping **out) {
    C2S_TRY(check_location(location));
    const char *key = c2s_name_intern(external->locations, location);
    if ((*out = c2s_map_get(&external->mapped, key)))
        return C2S_OK;
    char *path = NULL;
    C2S_TRY(resolve(external, location, &path));
    mapping *m = c2s_zalloc(sizeof *m);
    c2s_status status = map_file(path, location, m);
    free(path);
    if (status != C2S_OK) {
        free(m);
        return status;
    }
    c2s_vec_push(&external->mappings, m);
    c2s_map_put(&external->mapped, key, m);
    *out = m;
    return C2S_OK;
}

static c2s_status read_number(const char *text, const char *key, uint64_t absent, uint64_t *out) {
    *out = absent;
    if (!text)
        return C2S_OK;
    uint64_t value = 0;
    const char *at = text;
    for (; *at >= '0' && *at <= '9'; at++) {
        uint64_t digit = (uint64_t)(*at - '0');
        if (value > (UINT64_MAX - digit) / 10)
            break;
        value = value * 10 + digit;
    }
    if (*at || at == text) {
        return c2s_fail(C2S_ERR_INVALID,
                        "found the %s \"%s\" of external data, expected a number of bytes", key,
                        text);
    }
    *out = value;
    return C2S_OK;
}

c2s_status c2s_external_find(c2s_external *external, const c2s_external_place *place,
                             const void **data, size_t *size) {
    uint64_t offset, length;
    mapping *m;
    C2S_TRY(read_number(place->offset, "offset", 0, &offset));
    C2S_TRY(map_location(external, place->location ? place->location : "", &m));
    uint64_t rest = offset <= m->size ? m->size - offset : 0;
    C2S_TRY(read_number(place->length, "length", rest, &length));
    if (offset > m->size || length > rest) {
        return c2s_fail(C2S_ERR_INVALID,
                        "found %llu bytes at %llu of external data \"%s\", but that file has %zu "
                        "bytes",
                        (unsigned long long)length, (unsigned long long)offset, place->location,
                        m->size);
    }
    *data = length ? (const char *)m->data + offset : NULL;
    *size = (size_t)length;
    return C2S_OK;
}

bool c2s_external_reads(const c2s_external *external, const char *path) {
    struct stat info;
    if (external->mappings.count == 0 || stat(path, &info) != 0)
        return false;
    for (size_t i = 0; i < external->mappings.count; i++)
        if (external->mappings.at[i]->inode == info.st_ino &&
            external->mappings.at[i]->device == info.st_dev)
            return true;
    return false;
}

bool c2s_external_is_of(const c2s_external *external, const char *model_path) {
    char *own = external->model ? realpath(external->model, NULL) : NULL;
    char *other = own ? realpath(model_path, NULL) : NULL;
    const bool same = other && strcmp(own, other) == 0;
    free(own);
    free(other);
    return same;
}

void c2s_external_claim(c2s_external *external, const void *data, size_t size, const char *name) {
    const claim made = {data, size, name};
    if (size)
        c2s_vec_push(&external->claims, made);
}

static int by_place(const void *a, const void *b) {
    const claim *x = a, *y = b;
    if (x->data != y->data)
        return x->data < y->data ? -1 : 1;
    return (x->size > y->size) - (x->size < y->size);
}

c2s_status c2s_external_check(c2s_external *external) {
    const size_t count = external->claims.count;
    claim *all = external->claims.at;
    if (count > 1)
        qsort(all, count, sizeof *all, by_place);
    c2s_status status = C2S_OK;
    for (size_t i = 1; i < count && status == C2S_OK; i++) {
        const claim *a = &all[i - 1], *b = &all[i];
        const size_t apart = (size_t)(b->data - a->data);
        if (apart < a->size && !(apart == 0 && a->size == b->size))
            status = c2s_fail(C2S_ERR_INVALID,
                              "the %zu bytes of external data of tensor \"%s\" begin inside of the "
                              "%zu bytes of tensor \"%s\", expected the same bytes or others",
                              b->size, b->tensor, a->size, a->tensor);
    }
    c2s_vec_free(&external->claims);
    return status;
}

/* ---- writing ---- */

c2s_status c2s_external_write_open(c2s_external_writer *writer, const char *path) {
    *writer = (c2s_external_writer){0};
    return c2s_atomic_open(path, &writer->file);
}

static c2s_status write_bytes(c2s_external_writer *writer, const void *data, size_t size) {
    if (!c2s_atomic_write(&writer->file, data, size))
        return c2s_fail(C2S_ERR_IO, "cannot write \"%s\": %s", writer->file.path, strerror(errno));
    writer->size += size;
    return C2S_OK;
}

c2s_status c2s_external_append(c2s_external_writer *writer, const void *data, size_t size,
                               uint64_t *offset) {
    static const char zeros[C2S_EXTERNAL_PAGE];
    uint64_t alignment = size >= C2S_EXTERNAL_PAGED_SIZE ? C2S_EXTERNAL_PAGE : 64;
    C2S_TRY(write_bytes(writer, zeros, (size_t)(-writer->size % alignment)));
    *offset = writer->size;
    return write_bytes(writer, data, size);
}
