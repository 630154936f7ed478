/* SPDX-License-Identifier: Apache-2.0
 *
 * Tensor data in files beside the model. Reading maps each file once; only regular files inside of
 * the model's own folder are opened, whatever the model says. Writing appends tensors to one new
 * file that appears whole or not at all.
 */
#ifndef C2S_IO_EXTERNAL_H
#define C2S_IO_EXTERNAL_H

#include "base/file.h"

typedef struct c2s_external c2s_external; /* the files of one model */

/* `model_path` gives the folder. NULL or "-": no folder, so every use fails. */
c2s_external *c2s_external_create(const char *model_path);
/* Unmaps; NULL is allowed. */
void c2s_external_destroy(c2s_external *external);

/* The entries of TensorProto.external_data that say where the bytes are; text as in the file. */
typedef struct c2s_external_place {
    const char *location; /* relative, with '/' */
    const char *offset;   /* decimal; NULL: 0 */
    const char *length;   /* decimal; NULL: up to the end of the file */
} c2s_external_place;

/* The bytes at a place; they stay mapped until destroy. Refused with C2S_ERR_INVALID: absolute
 * locations, "..", links that lead out of the folder, everything but regular files, ranges past
 * the file's end, numbers that are none. C2S_ERR_IO: what the system refuses. */
c2s_status c2s_external_find(c2s_external *external, const c2s_external_place *place,
                             const void **data, size_t *size);

/* True if data was read from the file at `path`. */
bool c2s_external_reads(const c2s_external *external, const char *path);
/* True if that is the model's own file. */
bool c2s_external_is_of(const c2s_external *external, const char *model_path);

/* Notes that a tensor's bytes are these, which c2s_external_find gave, less what is behind its end.
 * `name` outlives `external`. */
void c2s_external_claim(c2s_external *external, const void *data, size_t size, const char *name);
/* C2S_ERR_INVALID: the bytes of two tensors overlap without being the same. */
c2s_status c2s_external_check(c2s_external *external);

/* A data file being written. Zero-initialise; `size` counts the bytes so far. */
typedef struct c2s_external_writer {
    c2s_atomic_file file;
    uint64_t size;
} c2s_external_writer;

/* Tensors from this size on start at a multiple of C2S_EXTERNAL_PAGE, so that runtimes can map
 * them; smaller ones at a multiple of 64. */
#define C2S_EXTERNAL_PAGE       4096
#define C2S_EXTERNAL_PAGED_SIZE 65536

c2s_status c2s_external_write_open(c2s_external_writer *writer, const char *path);
/* Appends with zeros in front as needed; *offset is where the data starts. Of mapped data no
 * more than a few megabytes are in memory at a time. */
c2s_status c2s_external_append(c2s_external_writer *writer, const void *data, size_t size,
                               uint64_t *offset);

#endif
