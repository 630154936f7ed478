/* SPDX-License-Identifier: Apache-2.0
 *
 * UTF-8 text of string tensors.
 */
#ifndef C2S_OPS_UTF8_H
#define C2S_OPS_UTF8_H

#include "base/vec.h"
#include "ops/op.h"

/* The code point at data[*at] and a step past it. Bytes that are no UTF-8 count one by one as
 * 0xDC80 + (byte - 0x80), which no valid text holds, so that they survive. */
uint32_t c2s_utf8_next(const char *data, size_t size, size_t *at);
/* Writes it back; at most 4 bytes, returns how many. */
size_t c2s_utf8_put(uint32_t code, char *out);
/* Simple case mapping, one code point to one, as in Unicode's data. */
uint32_t c2s_code_lower(uint32_t code);
uint32_t c2s_code_upper(uint32_t code);

/* Strings being collected for a tensor: text owned by the list. */
typedef struct c2s_text_list {
    C2S_VEC(c2s_string) items;
    c2s_arena *arena;
} c2s_text_list;

void c2s_text_list_free(c2s_text_list *list);
char *c2s_text_list_add(c2s_text_list *list, size_t size); /* room for the text */
const c2s_string *c2s_tensor_text(const c2s_tensor *tensor);

#endif
