/* SPDX-License-Identifier: Apache-2.0
 *
 * Where the activations of a session live. Large blocks are used again within a run and in the
 * next one; results that the caller keeps are simply never given back.
 */
#ifndef C2S_RUNTIME_ACTIVATIONS_H
#define C2S_RUNTIME_ACTIVATIONS_H

#include "ir/tensor.h"

typedef struct c2s_memory c2s_memory;
c2s_memory *c2s_memory_create(uint64_t tensor_limit); /* bytes of one tensor; 0: no limit */
void c2s_memory_destroy(c2s_memory *memory);          /* NULL is allowed */

/* A tensor of a static type, content undefined. C2S_ERR_MEMORY above the limit or when memory runs
 * out. */
c2s_status c2s_memory_tensor(c2s_memory *memory, const c2s_type *type, c2s_tensor **out);
/* Gives up one reference; if it was the last, the block serves another tensor. */
void c2s_memory_release(c2s_memory *memory, c2s_tensor *tensor);
/* Frees the blocks that were of no use since the last call. */
void c2s_memory_trim(c2s_memory *memory);

#endif
