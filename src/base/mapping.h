/* SPDX-License-Identifier: Apache-2.0
 *
 * Files mapped into memory, read-only. Who has read from one can say so, and the pages leave the
 * process; so a model larger than memory can be looked at.
 */
#ifndef C2S_BASE_MAPPING_H
#define C2S_BASE_MAPPING_H

#include <stddef.h>

/* Maps the first `size` bytes (more than 0) of an open file, which may be closed then. NULL: errno
 * says why. A file that is cut short while it is mapped raises SIGBUS where its end was. */
const void *c2s_mapping_create(int descriptor, size_t size);
void c2s_mapping_destroy(const void *data); /* NULL is allowed */

/* Brings the pages of these bytes into this process at once, if they are of a mapping: cheaper than
 * one by one when they are read, above all by system calls, which begin again at each page that is
 * not there. */
void c2s_mapping_prepare(const void *data, size_t size);

/* The pages of these bytes leave this process if they are of a mapping, and come back, as a rule
 * from the system's cache, when someone reads them. Other memory stays as it is. */
void c2s_mapping_forget(const void *data, size_t size);

#endif
