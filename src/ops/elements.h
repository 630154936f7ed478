/* SPDX-License-Identifier: Apache-2.0
 *
 * Elements of any type as plain addressable memory, for operators that move them.
 */
#ifndef C2S_OPS_ELEMENTS_H
#define C2S_OPS_ELEMENTS_H

#include "ops/op.h"

/* A tensor's elements at addresses data + k * size: where the tensor has them, or, for packed
 * types, one byte each in a copy. Data that was opened for reading must not be written. */
typedef struct c2s_elements {
    char *data; /* never NULL */
    size_t size, count;
    void *owned;
} c2s_elements;

c2s_status c2s_elements_read(const c2s_tensor *tensor, c2s_elements *out);
/* Output `output`, which the caller of eval allocated; contents undefined. */
c2s_status c2s_elements_write(const c2s_eval *e, unsigned output, c2s_elements *out);
/* Makes what was written the output: packs, and copies the text of strings so that the output
 * owns it. Closes `elements`. */
c2s_status c2s_elements_commit(c2s_eval *e, unsigned output, c2s_elements *elements);
void c2s_elements_close(c2s_elements *elements);
/* The same for a tensor of the caller's own, which finish may replace by another. */
c2s_status c2s_elements_begin(c2s_tensor *tensor, c2s_elements *out);
c2s_status c2s_elements_finish(c2s_tensor **tensor, c2s_elements *elements);

/* Input 0 for reading and output 0 for writing; and the end of it, which passes `status` on. */
c2s_status c2s_elements_open(c2s_eval *e, c2s_elements *in, c2s_elements *out);
c2s_status c2s_elements_end(c2s_eval *e, c2s_elements *in, c2s_elements *out, c2s_status status);

#endif
