/* SPDX-License-Identifier: Apache-2.0
 *
 * A growable array of any element type on the heap:
 *     C2S_VEC(int) v = {0};  c2s_vec_push(&v, 3);  v.at[0];  v.count;  c2s_vec_free(&v);
 */
#ifndef C2S_BASE_VEC_H
#define C2S_BASE_VEC_H

#include <stdlib.h>

#include "base/memory.h"

#define C2S_VEC(type)                                                                              \
    struct {                                                                                       \
        type *at;                                                                                  \
        size_t count, capacity;                                                                    \
    }

void *c2s_vec_grow(void *at, size_t *capacity, size_t wanted, size_t element_size);

#define c2s_vec_reserve(v, n)                                                                      \
    ((v)->capacity >= (n) ? (void)0                                                                \
                          : (void)((v)->at = c2s_vec_grow((v)->at, &(v)->capacity, (n),            \
                                                          sizeof *(v)->at)))
#define c2s_vec_push(v, ...)                                                                       \
    (c2s_vec_reserve((v), (v)->count + 1), (void)((v)->at[(v)->count++] = __VA_ARGS__))
#define c2s_vec_pop(v)   ((v)->at[--(v)->count])
#define c2s_vec_clear(v) ((void)((v)->count = 0))
#define c2s_vec_free(v)  (free((v)->at), (v)->at = NULL, (void)((v)->count = (v)->capacity = 0))

#endif
