/* SPDX-License-Identifier: Apache-2.0
 *
 * Operations that a kernel of oneDNN carries out on its results before it writes them: activations,
 * and arithmetic with another tensor (a residual, a bias, a factor per channel).
 */
#ifndef C2S_RUNTIME_POST_OPS_H
#define C2S_RUNTIME_POST_OPS_H

#include "runtime/dnnl_primitive.h"

/* What `user` does to `value` (a base), as a post-operation; false if it cannot be one. */
bool c2s_post_of(const c2s_step *user, const c2s_slot *value, c2s_post *out);
/* The same for value * sigmoid(value), in two steps of which `second` makes the result. */
bool c2s_post_swish_of(const c2s_step *first, const c2s_step *second, const c2s_slot *value,
                       c2s_post *out);

/* How large the result can be if the value is at most `most`, the operand at most `operand`;
 * C2S_RANGE_UNKNOWN if nothing can be said. */
float c2s_post_most(const c2s_post *post, float most);
float c2s_post_most_with(const c2s_post *post, float most, float operand);

/* The result of a primitive, which the operands are to fit. */
typedef struct c2s_post_target {
    int rank;
    const int64_t *dims;
    int channel;      /* the axis along which an operand may differ if it does not have them all */
    c2s_const_md dst; /* layout of an operand that has all axes */
} c2s_post_target;

/* Along which axes an operand differs. */
typedef enum c2s_post_shape {
    C2S_POST_FULL,
    C2S_POST_CHANNEL,
    C2S_POST_SCALAR,
    C2S_POST_OTHER
} c2s_post_shape;
c2s_post_shape c2s_post_shape_of(const c2s_step *step, const c2s_post_target *target,
                                 const c2s_slot *operand);

/* Appends the step's posts that are not folded. C2S_ERR_UNSUPPORTED if an operand does not fit. */
c2s_status c2s_posts_append(const c2s_step *step, const c2s_post_target *target,
                            dnnl_post_ops_t ops);
/* Binds the operands; `first`: the place of the step's first post among all. */
c2s_status c2s_posts_bind(c2s_primitive *primitive, c2s_step *step, const c2s_post_target *target,
                          int first);
/* True if some post has an operand with all axes: then target.dst counts. */
bool c2s_posts_need_layout(const c2s_step *step);

/* Attributes with the step's posts, which the caller destroys. */
c2s_status c2s_posts_attr(const c2s_step *step, const c2s_post_target *target,
                          dnnl_primitive_attr_t *out);

#endif
