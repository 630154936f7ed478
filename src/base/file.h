/* SPDX-License-Identifier: Apache-2.0
 *
 * Files: whole reads, and writes that appear whole or not at all.
 */
#ifndef C2S_BASE_FILE_H
#define C2S_BASE_FILE_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "base/status.h"

/* Reads a regular file, pipe or "-" (standard input) whole into memory from malloc. At most
 * `limit` bytes (else C2S_ERR_INVALID). Errors: C2S_ERR_IO naming the file, C2S_ERR_MEMORY. */
c2s_status c2s_file_read(const char *path, uint64_t limit, void **data, size_t *size);

/* The same for who does not change the data: a regular file is mapped (base/mapping.h) and *mapped
 * set; everything else is read. */
c2s_status c2s_file_view(const char *path, uint64_t limit, void **data, size_t *size, bool *mapped);

/* A file being written beside its final place. */
typedef struct c2s_atomic_file {
    FILE *stream;
    char *path;      /* final; "-" means standard output */
    char *temporary; /* NULL for what cannot be replaced, see c2s_file_is_stream */
    int error;       /* errno of a c2s_atomic_write that failed, else 0 */
} c2s_atomic_file;

/* True for "-" (standard output) and for pipes, devices and the like, which are written to
 * directly: they cannot be replaced, and nothing can stand beside them. */
bool c2s_file_is_stream(const char *path);

c2s_status c2s_atomic_open(const char *path, c2s_atomic_file *file);
/* Appends bytes. Large ones go in pieces, so that the disk begins early and of mapped data
 * (base/mapping.h) no more than a few megabytes are in memory at a time. False: errno says why, and
 * commit will fail. */
bool c2s_atomic_write(c2s_atomic_file *file, const void *data, size_t size);
/* Flushes, fsyncs and renames; on failure nothing is left behind. Either way `file` is closed. */
c2s_status c2s_atomic_commit(c2s_atomic_file *file);
/* The same for two files that belong together, neither of which is a stream: both are replaced, or
 * neither is; also where c2s_atomic_abort_all ends the process in between. */
c2s_status c2s_atomic_commit_both(c2s_atomic_file *first, c2s_atomic_file *second);
/* Removes the temporary file and leaves the final one untouched. Safe on a zeroed struct. */
void c2s_atomic_abort(c2s_atomic_file *file);
/* A file, or a folder behind the files that are in it, to be removed as well; the text stays alive and
 * unchanged until it is forgotten. */
void c2s_temporary_remember(char *path);
void c2s_temporary_forget(const char *path);
/* Removes every temporary file now open, in the order in which they were made known;
 * async-signal-safe. For signal and out-of-memory hooks. */
void c2s_atomic_abort_all(void);

#endif
