/* SPDX-License-Identifier: Apache-2.0 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* sync_file_range, fallocate */
#endif
#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/leftovers.h"
#include "base/mapping.h"
#include "base/memory.h"
#include "base/random.h"

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

/* ---- writing ---- */

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

/* Streams have buffers of their own. */
static c2s_status cannot_open(const char *path) {
    return c2s_fail(errno == ENOMEM ? C2S_ERR_MEMORY : C2S_ERR_IO, "%s: %s", path, strerror(errno));
}

static c2s_status open_stream(const char *path, c2s_atomic_file *file) {
    file->stream = strcmp(path, "-") == 0 ? stdout : fopen(path, "wb");
    if (file->stream)
        return C2S_OK;
    c2s_status status = cannot_open(path);
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

/* Creates a file of a new name: `path` and six more characters. The mode is what the process gives
 * to new files. -1: errno says why. */
static int create_temporary(c2s_atomic_file *file) {
    static const char letters[] = "abcdefghijklmnopqrstuvwxyz0123456789";
    static atomic_uint count;
    const size_t length = strlen(file->path);
    file->temporary = c2s_alloc(length + 8);
    memcpy(file->temporary, file->path, length);
    memcpy(file->temporary + length, ".", 2);
    for (int attempt = 0; attempt < 100; attempt++) {
        struct timespec now;
        clock_gettime(CLOCK_REALTIME, &now);
        c2s_random random = {(uint64_t)now.tv_nsec * 1000003 + (uint64_t)getpid() * 4099 +
                             atomic_fetch_add(&count, 1)};
        for (size_t i = 1; i < 7; i++)
            file->temporary[length + i] = letters[c2s_random_bits(&random) % (sizeof letters - 1)];
        file->temporary[length + 7] = '\0';
        c2s_temporary_remember(file->temporary);
        const int fd = open(file->temporary, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
        if (fd >= 0)
            return fd;
        const int error = errno;
        c2s_temporary_forget(file->temporary);
        errno = error;
        if (errno != EEXIST)
            break;
    }
    return -1;
}

c2s_status c2s_atomic_open(const char *path, c2s_atomic_file *file) {
    *file = (c2s_atomic_file){.path = final_path(path)};
    if (c2s_file_is_stream(path))
        return open_stream(path, file);
    int fd = create_temporary(file);
    if (fd < 0) {
        c2s_status status =
            c2s_fail(C2S_ERR_IO, "%s: cannot write beside it: %s", path, strerror(errno));
        release(file);
        return status;
    }
    file->stream = fdopen(fd, "wb");
    if (!file->stream) {
        c2s_status status = cannot_open(path);
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
    if (size < LARGE ? fwrite(data, 1, size, file->stream) == size : write_large(file, data, size))
        return true;
    file->error = errno ? errno : EIO;
    return false;
}

static c2s_status cannot_write(const c2s_atomic_file *file) {
    const char *shown = strcmp(file->path, "-") == 0 ? "standard output" : file->path;
    return c2s_fail(C2S_ERR_IO, "%s: cannot write: %s", shown, strerror(errno));
}

/* Everything but the new name: all bytes are on the disk, the stream is closed. */
static c2s_status complete(c2s_atomic_file *file) {
    c2s_status status = C2S_OK;
    errno = file->error ? file->error : EIO;
    if (file->error || ferror(file->stream) || fflush(file->stream) != 0 ||
        (file->temporary && fsync(fileno(file->stream)) != 0))
        status = cannot_write(file);
    if (file->temporary) {
        if (fclose(file->stream) != 0 && status == C2S_OK)
            status = cannot_write(file);
        file->stream = NULL;
    }
    close_stream(file);
    return status;
}

c2s_status c2s_atomic_commit(c2s_atomic_file *file) {
    c2s_status status = complete(file);
    if (status == C2S_OK && file->temporary && rename(file->temporary, file->path) != 0)
        status = cannot_write(file);
    if (status != C2S_OK)
        c2s_atomic_abort(file);
    else
        release(file);
    return status;
}

/* Another name for the file at `path`: a link, or where the file system has none, its only name. */
static bool keep(const char *path, const char *kept) {
    return !kept || link(path, kept) == 0 || rename(path, kept) == 0;
}

static c2s_status move_both(const c2s_moving_pair *p, c2s_atomic_file *first,
                            c2s_atomic_file *second) {
    c2s_status status = C2S_OK;
    c2s_moving_remember(p);
    if (!keep(p->first, p->kept) || rename(first->temporary, first->path) != 0)
        status = cannot_write(first);
    else if (rename(second->temporary, second->path) != 0)
        status = cannot_write(second);
    c2s_moving_settle(p);
    c2s_moving_forget(p);
    return status;
}

c2s_status c2s_atomic_commit_both(c2s_atomic_file *first, c2s_atomic_file *second) {
    c2s_status status = complete(first);
    if (status == C2S_OK)
        status = complete(second);
    if (status == C2S_OK) {
        char *kept = NULL;
        if (access(first->path, F_OK) == 0) {
            const size_t size = strlen(first->temporary) + 5;
            kept = c2s_alloc(size);
            snprintf(kept, size, "%s.old", first->temporary);
        }
        const c2s_moving_pair p = {first->path, kept, second->temporary};
        status = move_both(&p, first, second);
        free(kept);
    }
    c2s_atomic_abort(first); /* where they have moved there is nothing left to remove */
    c2s_atomic_abort(second);
    return status;
}

void c2s_atomic_abort(c2s_atomic_file *file) {
    close_stream(file);
    if (file->temporary)
        unlink(file->temporary);
    release(file);
}
