/* SPDX-License-Identifier: Apache-2.0
 *
 * NumPy's array files. Format: NEP 1 (versions 1.0, 2.0, 3.0). Little-endian (or single-byte)
 * numbers in C order, and fixed-width unicode strings; other arrays are refused with the reason.
 */
#ifndef C2S_IO_NPY_H
#define C2S_IO_NPY_H

#include "ir/tensor.h"

/* Where the bytes of an array come from. `read` delivers exactly `size` bytes or fails. */
typedef struct c2s_npy_source {
    c2s_status (*read)(void *user, void *data, size_t size);
    void *user;
    uint64_t size; /* bytes there are in all: bounds what a header may claim */
} c2s_npy_source;

/* The header alone: what is read next are the elements, row-major. Strings are C2S_ERR_UNSUPPORTED.
 */
c2s_status c2s_npy_head(const c2s_npy_source *source, c2s_type *out);
c2s_status c2s_npy_read(const c2s_npy_source *source, c2s_tensor **out);
/* Numbers in regular files are mapped (base/mapping.h), not read. */
c2s_status c2s_npy_load(const char *path, c2s_tensor **out);

/* Writes atomically. bfloat16 and smaller floats are written as float32, 4- and 2-bit integers as
 * int8 or uint8, since NumPy has no type for them; strings as unicode. */
c2s_status c2s_npy_save(const c2s_tensor *tensor, const char *path);

#endif
