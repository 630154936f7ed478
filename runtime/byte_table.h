/* SPDX-License-Identifier: Apache-2.0
 *
 * Functions of bytes, as tables of their 256 results.
 */
#ifndef C2S_RUNTIME_BYTE_TABLE_H
#define C2S_RUNTIME_BYTE_TABLE_H

#include <stddef.h>
#include <stdint.h>

enum { C2S_BYTES = 256 };

/* y[i] = table[x[i]] for i < n. */
void c2s_bytes_map(const uint8_t table[C2S_BYTES], const uint8_t *x, uint8_t *y, size_t n);

#endif
