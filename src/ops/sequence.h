/* SPDX-License-Identifier: Apache-2.0
 *
 * What operators on sequences and optionals share.
 */
#ifndef C2S_OPS_SEQUENCE_H
#define C2S_OPS_SEQUENCE_H

#include "ops/op.h"

/* seq(element), optional(element); the element type is copied into the arena. */
c2s_type c2s_type_container(c2s_arena *arena, c2s_kind kind, const c2s_type *element);
/* The element type of a container; unknown if it is not one or not known. */
c2s_type c2s_type_element(const c2s_type *container);
/* Fails if input `input` is known to be something else than a sequence. */
c2s_status c2s_sequence_need(const c2s_infer *i, unsigned input);
/* A position in [-count, count + beyond) made non-negative; `absent` if the input is left out. */
c2s_status c2s_sequence_position(const c2s_eval *e, unsigned input, size_t count, size_t beyond,
                                 int64_t absent, size_t *position);
/* Gives a sequence of these items as output 0. */
c2s_status c2s_sequence_give(c2s_eval *e, unsigned output, const c2s_type *element, size_t count,
                             c2s_tensor *const *items);

#endif
