/* SPDX-License-Identifier: Apache-2.0
 *
 * The order in which a loop over elements walks: row-major, or as the bytes lie in blocks of
 * channels; and how operands with fewer elements are read on the way.
 */
#ifndef C2S_RUNTIME_ELEMENTWISE_SPACE_H
#define C2S_RUNTIME_ELEMENTWISE_SPACE_H

#include "runtime/layout.h"

typedef struct c2s_space {
    c2s_type full;           /* of the results; their element type does not count */
    c2s_const_md md;         /* their layout, borrowed; NULL: row-major */
    int64_t block;           /* channels of a block; 1: row-major; 0: the axes in another order */
    c2s_type walk;           /* extents in the order of the bytes */
    int order[C2S_MAX_RANK]; /* with block 0: walk's axes */
} c2s_space;

/* False if the layout cannot be walked over in this way. `md` may be NULL. */
bool c2s_space_of(const c2s_type *full, c2s_const_md md, c2s_space *out);

typedef enum c2s_space_form {
    C2S_SPACE_PLAIN, /* row-major, or a layout whose bytes are the same */
    C2S_SPACE_FULL,  /* in the layout of the results */
    C2S_SPACE_PADDED /* rows of numbers per channel, filled up to whole blocks */
} c2s_space_form;

/* How an operand of this type is read: with the extents `walk`, in that form. False: not at all. */
bool c2s_space_operand(const c2s_space *space, const c2s_type *type, c2s_type *walk,
                       c2s_space_form *form);

/* Channels that fill up the last block, and are to stay 0. */
int64_t c2s_space_padding(const c2s_space *space);
/* Numbers per channel, row by row, with zeros behind each row. */
void c2s_space_pad(const c2s_space *space, const c2s_type *type, const float *from, float *to);
/* Bytes that takes. */
size_t c2s_space_padded_size(const c2s_space *space, const c2s_type *type);
/* Zeros where there are no channels; `data` has the layout of the space. */
void c2s_space_clear(const c2s_space *space, float *data);

#endif
