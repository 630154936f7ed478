/* SPDX-License-Identifier: Apache-2.0 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* sync_file_range, fallocate */
#endif
#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mapping.h"
#include "base/memory.h"

static c2s_status read_all(int fd, const char *path, uint64_t limit, size_t expected, void **data,
                           size_t *size) {
    size_t capacity = expected + 1, used = 0; /* one more byte sees the end of file at once */
    char *buffer = malloc(capacity);
    if (!buffer)
        return c2s_fail(C2S_ERR_MEMORY, "%s: no memory for %zu bytes", path, capacity);
    for (;;) {
        if (used == capacity) {
            char *grown = capacity > SIZE_MAX / 2 ? NULL : realloc(buffer, capacity * 2);
            if (!grown) {
                free(buffer);
                return c2s_fail(C2S_ERR_MEMORY, "%s: no memory beyond %zu bytes", path, capacity);
            }
            buffer = grown;
            capacity *= 2;
        }
        size_t chunk = capacity - used;
        ssize_t got = read(fd, buffer + used, chunk < (1u << 30) ? chunk : (1u << 30));
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0) {
            c2s_status status = c2s_fail(C2S_ERR_IO, "%s: %s", path, strerror(errno));
            free(buffer);
            return status;
        }
        if (got == 0)
            break;
        used += (size_t)got;
        if (used > limit) {
            free(buffer);
            return c2s_fail(C2S_ERR_INVALID, "%s: larger than %llu bytes", path,
                            (unsigned long long)limit);
        }
    }
    *data = buffer;
    *size = used;
    return C2S_OK;
}

static c2s_status open_to_read(const char *path, uint64_t limit, int *fd, struct stat *info) {
    *fd = open(path, O_RDONLY | O_CLOEXEC);
    if (*fd < 0)
        return c2s_fail(C2S_ERR_IO, "%s: %s", path, strerror(errno));
    c2s_status status = C2S_OK;
    if (fstat(*fd, info) != 0)
        status = c2s_fail(C2S_ERR_IO, "%s: %s", path, strerror(errno));
    else if (S_ISDIR(info->st_mode))
        status = c2s_fail(C2S_ERR_IO, "%s: is a folder, expected a file", path);
    else if (S_ISREG(info->st_mode) && (uint64_t)info->st_size > limit)
        status = c2s_fail(C2S_ERR_INVALID, "%s: %lld bytes, at most %llu are allowed", path,
                          (long long)info->st_size, (unsigned long long)limit);
    if (status != C2S_OK)
        close(*fd);
    return status;
}

/* `mapped`: NULL if the data may be changed. */
static c2s_status read_or_map(const char *path, uint64_t limit, void **data, size_t *size,
                              bool *mapped) {
    if (strcmp(path, "-") == 0)
        return read_all(STDIN_FILENO, "standard input", limit, 1 << 16, data, size);
    int fd;
    struct stat info;
    C2S_TRY(open_to_read(path, limit, &fd, &info));
    const bool regular = S_ISREG(info.st_mode);
    const void *view = NULL;
    if (mapped && regular && info.st_size > 0)
        view = c2s_mapping_create(fd, (size_t)info.st_size);
    c2s_status status = C2S_OK;
    if (view) {
        *data = (void *)(uintptr_t)view;
        *size = (size_t)info.st_size;
        *mapped = true;
    } else {
        status = read_all(fd, path, limit, regular ? (size_t)info.st_size : 1 << 16, data, size);
    }
    close(fd);
    return status;
}

c2s_status c2s_file_read(const char *path, uint64_t limit, void **data, size_t *size) {
    return read_or_map(path, limit, data, size, NULL);
}

c2s_status c2s_file_view(const char *path, uint64_t limit, void **data, size_t *size,
                         bool *mapped) {
    *mapped = false;
    return read_or_map(path, limit, data, size, mapped);
}

/* Temporaries now open, for c2s_atomic_abort_all. A slot is written before the file exists and
 * cleared after it is gone, so a signal at any point finds what it has to remove. */
enum { OPEN_MAX_FILES = 16 };
static char *volatile open_temporaries[OPEN_MAX_FILES];

void c2s_temporary_remember(char *path) {
    for (int i = 0; i < OPEN_MAX_FILES; i++)
        if (!open_temporaries[i]) {
            open_temporaries[i] = path;
            return;
        }
}

void c2s_temporary_forget(const char *path) {
    for (int i = 0; i < OPEN_MAX_FILES; i++)
        if (open_temporaries[i] == path)
            open_temporaries[i] = NULL;
}

void c2s_atomic_abort_all(void) {
    for (int i = 0; i < OPEN_MAX_FILES; i++)
        if (open_temporaries[i] && unlink(open_temporaries[i]) != 0)
            rmdir(open_temporaries[i]);
}

static void release(c2s_atomic_file *file) {
    if (file->temporary)
        c2s_temporary_forget(file->temporary);
    free(file->temporary);
    free(file->path);
    *file = (c2s_atomic_file){0};
}

bool c2s_file_is_stream(const char *path) {
    struct stat info;
    if (strcmp(path, "-") == 0)
        return true;
    return stat(path, &info) == 0 && !S_ISREG(info.st_mode) && !S_ISDIR(info.st_mode);
}

static c2s_status open_stream(const char *path, c2s_atomic_file *file) {
    file->stream = strcmp(path, "-") == 0 ? stdout : fopen(path, "wb");
    if (file->stream)
        return C2S_OK;
    c2s_status status = c2s_fail(C2S_ERR_IO, "%s: %s", path, strerror(errno));
    release(file);
    return status;
}

static void close_stream(c2s_atomic_file *file) {
    if (file->stream && file->stream != stdout)
        fclose(file->stream);
    file->stream = NULL;
}

/* What a link at `path` leads to is what gets replaced, so that the link stays. */
static char *final_path(const char *path) {
    struct stat info;
    char *target = NULL;
    if (lstat(path, &info) == 0 && S_ISLNK(info.st_mode))
        target = realpath(path, NULL);
    return target ? target : c2s_strdup(path);
}

c2s_status c2s_atomic_open(const char *path, c2s_atomic_file *file) {
    *file = (c2s_atomic_file){.path = final_path(path)};
    if (c2s_file_is_stream(path))
        return open_stream(path, file);
    size_t length = strlen(file->path);
    file->temporary = c2s_alloc(length + 16);
    memcpy(file->temporary, file->path, length);
    memcpy(file->temporary + length, ".XXXXXX", 8);
    c2s_temporary_remember(file->temporary);
    int fd = mkstemp(file->temporary);
    if (fd < 0) {
        c2s_status status =
            c2s_fail(C2S_ERR_IO, "%s: cannot write beside it: %s", path, strerror(errno));
        release(file);
        return status;
    }
    fcntl(fd, F_SETFD, FD_CLOEXEC);
    mode_t mask = umask(0);
    umask(mask);
    if (fchmod(fd, 0666 & ~mask) == 0)
        file->stream = fdopen(fd, "wb");
    if (!file->stream) {
        c2s_status status = c2s_fail(C2S_ERR_IO, "%s: %s", file->temporary, strerror(errno));
        close(fd);
        unlink(file->temporary);
        release(file);
        return status;
    }
    return C2S_OK;
}

/* Space for what comes next, in one go, which is cheaper than page by page. Where the file system
 * knows no such thing, nothing is lost. */
static void reserve(const c2s_atomic_file *file, off_t at, size_t size) {
#ifdef FALLOC_FL_KEEP_SIZE
    if (file->temporary && at >= 0 && size < INT64_MAX / 2)
        (void)!fallocate(fileno(file->stream), FALLOC_FL_KEEP_SIZE, at, (off_t)size);
#else
    (void)file, (void)at, (void)size;
#endif
}

/* Lets the disk begin with what is there, so that the wait at the end is short. */
static void start_writing_back(const c2s_atomic_file *file, off_t at, size_t size) {
#ifdef SYNC_FILE_RANGE_WRITE
    if (file->temporary && at >= 0)
        sync_file_range(fileno(file->stream), at, (off_t)size, SYNC_FILE_RANGE_WRITE);
#else
    (void)file, (void)at, (void)size;
#endif
}

static bool write_whole(int fd, const char *at, size_t size) {
    while (size > 0) {
        const ssize_t written = write(fd, at, size);
        if (written < 0 && errno == EINTR)
            continue;
        if (written < 0)
            return false;
        at += written;
        size -= (size_t)written;
    }
    return true;
}

/* Pieces stay in the processor's cache between the two times that the kernel touches them: larger
 * ones take twice the time. */
static bool write_large(c2s_atomic_file *file, const char *data, size_t size) {
    enum { PIECE = 1 << 20, PIECES_AT_ONCE = 16 };
    if (fflush(file->stream) != 0)
        return false;
    const int fd = fileno(file->stream);
    const off_t start = file->temporary ? lseek(fd, 0, SEEK_CUR) : -1;
    reserve(file, start, size);
    size_t begun = 0; /* what the disk was told of */
    for (size_t at = 0; at < size;) {
        const size_t piece = size - at < PIECE ? size - at : PIECE;
        c2s_mapping_prepare(data + at, piece);
        if (!write_whole(fd, data + at, piece))
            return false;
        c2s_mapping_forget(data + at, piece);
        at += piece;
        if (start >= 0 && (at - begun >= (size_t)PIECES_AT_ONCE * PIECE || at == size)) {
            start_writing_back(file, start + (off_t)begun, at - begun);
            begun = at;
        }
    }
    return true;
}

bool c2s_atomic_write(c2s_atomic_file *file, const void *data, size_t size) {
    enum { LARGE = 64 << 10 };
    if (size == 0) /* `data` may be NULL, which fwrite may not be given */
        return true;
    return size < LARGE ? fwrite(data, 1, size, file->stream) == size
                        : write_large(file, data, size);
}

c2s_status c2s_atomic_commit(c2s_atomic_file *file) {
    const char *shown = strcmp(file->path, "-") == 0 ? "standard output" : file->path;
    if (fflush(file->stream) != 0 || ferror(file->stream) ||
        (file->temporary && fsync(fileno(file->stream)) != 0)) {
        c2s_status status = c2s_fail(C2S_ERR_IO, "%s: cannot write: %s", shown, strerror(errno));
        c2s_atomic_abort(file);
        return status;
    }
    c2s_status status = C2S_OK;
    if (file->temporary) {
        if (fclose(file->stream) != 0 || rename(file->temporary, file->path) != 0) {
            status = c2s_fail(C2S_ERR_IO, "%s: cannot write: %s", shown, strerror(errno));
            unlink(file->temporary);
        }
    } else {
        close_stream(file);
    }
    release(file);
    return status;
}

void c2s_atomic_abort(c2s_atomic_file *file) {
    close_stream(file);
    if (file->temporary)
        unlink(file->temporary);
    release(file);
}
