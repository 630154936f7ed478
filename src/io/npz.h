/* SPDX-License-Identifier: Apache-2.0
 *
 * NumPy's archives of arrays (ZIP files with .npy files inside). Arrays are read whole, or piece by
 * piece in the order in which they are stored.
 */
#ifndef C2S_IO_NPZ_H
#define C2S_IO_NPZ_H

#include "io/npy.h"

typedef struct c2s_npz c2s_npz;

/* C2S_ERR_IO: the system refuses; C2S_ERR_INVALID: no archive. Messages do not name the path. */
c2s_status c2s_npz_open(const char *path, c2s_npz **out);
void c2s_npz_close(c2s_npz *npz); /* NULL is allowed */
/* Names, sizes and checksums of what is inside. */
uint64_t c2s_npz_digest(const c2s_npz *npz);

size_t c2s_npz_count(const c2s_npz *npz);                   /* arrays */
const char *c2s_npz_name(const c2s_npz *npz, size_t array); /* without .npy */
uint64_t c2s_npz_size(const c2s_npz *npz, size_t array);    /* bytes, decompressed */

c2s_status c2s_npz_type(c2s_npz *npz, size_t array, c2s_type *out); /* numbers only */
c2s_status c2s_npz_read(c2s_npz *npz, size_t array, c2s_tensor **out);
/* Bytes of the elements. Going back starts the array anew, which takes as long as to get there. */
c2s_status c2s_npz_read_part(c2s_npz *npz, size_t array, uint64_t offset, void *data, size_t size);

#endif
