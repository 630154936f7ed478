/* SPDX-License-Identifier: Apache-2.0
 *
 * An input with zeros around it, as a tensor of its own: where a kernel is fast only if it need not
 * pad. The zeros are written once, the input into their middle in every run.
 */
#ifndef C2S_RUNTIME_PADDED_INPUT_H
#define C2S_RUNTIME_PADDED_INPUT_H

#include "runtime/dnnl_primitive.h"

typedef struct c2s_padded_input c2s_padded_input;

/* Input `input` of the step, which it takes in the layout that it has, from `offsets` on in a
 * tensor of layout `md`. */
c2s_status c2s_padded_create(c2s_step *step, unsigned input, c2s_const_md md,
                             const int64_t *offsets, c2s_padded_input **out);
void c2s_padded_destroy(c2s_padded_input *padded); /* NULL is allowed */
/* The padded tensor's bytes, borrowed. */
c2s_bytes *c2s_padded_bytes(const c2s_padded_input *padded);
c2s_status c2s_padded_run(c2s_padded_input *padded, const c2s_step *step);

#endif
