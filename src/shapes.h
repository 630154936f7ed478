/* SPDX-License-Identifier: Apache-2.0
 *
 * Giving a model's inputs other shapes: named dimensions become numbers, extents become numbers or
 * names.
 */
#ifndef C2S_SHAPES_H
#define C2S_SHAPES_H

#include "base/vec.h"
#include "ir/graph.h"

typedef struct c2s_shape_request {
    const c2s_dim_binding *dims;
    unsigned dim_count;
    const c2s_input_shape *shapes;
    unsigned shape_count;
} c2s_shape_request;

/* What was done. Strings live in the arena. Free with c2s_shape_change_free. */
typedef struct c2s_shape_change {
    c2s_arena *arena;
    bool overridden; /* extents that the file fixes are others now: the model as it was cannot run
                        on inputs of the new shapes */
    C2S_VEC(c2s_dim_binding)
    bound;                       /* symbols of the inputs that are numbers now, unnamed included */
    C2S_VEC(const char *) notes; /* one line for each extent that was overridden */
    C2S_VEC(c2s_dim_binding) opened; /* new names and the extents that they replace */
} c2s_shape_change;

/* Changes the types of all values; after an override, of values that are no inputs only element
 * type and rank stay, and Reshapes lose a batch that they have built in. Errors: C2S_ERR_USAGE: an
 * input or name that does not exist, another rank, requests that contradict each other;
 * C2S_ERR_INVALID: an extent would be negative. */
c2s_status c2s_shapes_apply(c2s_model *model, const c2s_shape_request *request,
                            c2s_shape_change *change);
/* Can the changed model be valid? Normalises and infers a copy, for new names also with numbers in
 * their place: C2S_ERR_INVALID names the node that is made for other extents. *checked (if asked
 * for): the copy, to be destroyed by the caller. */
c2s_status c2s_shapes_check(const c2s_model *model, const c2s_shape_change *change,
                            c2s_model **checked);
void c2s_shape_change_free(c2s_shape_change *change);

#endif
