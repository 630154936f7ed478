/* SPDX-License-Identifier: Apache-2.0
 *
 * Layer and RMS normalization over the last axis as exporters write them: x (less its mean) by the
 * root of the mean of its squares, with a scale and a shift if there are any.
 */
#include "ops/op.h"
#include "runtime/groups.h"

/* The only axis of a reduction: an attribute, or since opset 18 an input. */
static bool only_axis(const c2s_step *step, int64_t *axis) {
    size_t count;
    const int64_t *axes = c2s_attr_ints(step->node, "axes", &count);
    if (axes && count == 1)
        *axis = axes[0];
    if (axes || step->in_count < 2 || !step->in[1])
        return axes && count == 1;
    const c2s_tensor *input = step->in[1]->constant;
    return input && input->count == 1 && c2s_tensor_i64_at(input, 0, axis);
}

/* The value whose mean over the last axis this is; NULL: it is something else. */
static c2s_slot *mean_of(c2s_draft *draft, const c2s_slot *value) {
    c2s_step *step = c2s_draft_take(draft, value, &c2s_op_reduce_mean);
    int64_t axis;
    if (!step || !c2s_attr_int(step->node, "keepdims", 1) || !only_axis(step, &axis))
        return NULL;
    return axis == -1 || axis == step->in[0]->type.rank - 1 ? step->in[0] : NULL;
}

/* True if `value` is the square of `x`. */
static bool is_square(c2s_draft *draft, const c2s_slot *value, const c2s_slot *x) {
    float power;
    c2s_step *step = c2s_draft_take(draft, value, &c2s_op_mul);
    if (step)
        return step->in_count == 2 && step->in[0] == x && step->in[1] == x;
    step = c2s_draft_take(draft, value, &c2s_op_pow);
    return step && step->in[0] == x && c2s_slot_number(step->in[1], &power) && power == 2;
}

/* The variance under the root, to which *epsilon is added. */
static c2s_slot *variance_of(c2s_draft *draft, const c2s_slot *root, float *epsilon) {
    c2s_step *step = c2s_draft_take(draft, root, &c2s_op_sqrt);
    step = step ? c2s_draft_take(draft, step->in[0], &c2s_op_add) : NULL;
    for (unsigned i = 0; step && step->in_count == 2 && i < 2; i++)
        if (c2s_slot_number(step->in[i], epsilon) && *epsilon > 0)
            return step->in[1 - i];
    return NULL;
}

/* Of 1 / root: the root. */
static c2s_slot *reciprocal_of(c2s_draft *draft, const c2s_slot *value) {
    float one;
    c2s_step *step = c2s_draft_take(draft, value, &c2s_op_reciprocal);
    if (step)
        return step->in[0];
    step = c2s_draft_take(draft, value, &c2s_op_div);
    return step && c2s_slot_number(step->in[0], &one) && one == 1 ? step->in[1] : NULL;
}

/* `centred` by `root`: finishes the group if that is a normalization. */
static bool match_quotient(c2s_draft *draft, c2s_slot *centred, const c2s_slot *root) {
    c2s_slot *variance = root ? variance_of(draft, root, &draft->group.number) : NULL,
             *square = variance ? mean_of(draft, variance) : NULL;
    if (!square || !is_square(draft, square, centred))
        return false;
    c2s_draft before = *draft;
    c2s_step *less = c2s_draft_take(draft, centred, &c2s_op_sub);
    if (less && mean_of(draft, less->in[1]) == less->in[0]) {
        draft->group.input[0] = less->in[0];
        draft->group.flag = true; /* the mean is subtracted */
        return true;
    }
    *draft = before;
    draft->group.input[0] = centred;
    return true;
}

static bool match_core(c2s_draft *draft, const c2s_slot *value) {
    c2s_draft start = *draft;
    c2s_step *step = c2s_draft_take(draft, value, &c2s_op_div);
    if (step)
        return match_quotient(draft, step->in[0], step->in[1]);
    step = c2s_draft_take(draft, value, &c2s_op_mul);
    for (unsigned i = 0; step && step->in_count == 2 && i < 2; i++) {
        c2s_draft here = *draft;
        if (match_quotient(draft, step->in[1 - i], reciprocal_of(draft, step->in[i])))
            return true;
        *draft = here;
    }
    *draft = start;
    return false;
}

/* Something of the last axis alone. */
static bool is_row(const c2s_slot *slot, const c2s_slot *result) {
    const c2s_type *type = &slot->type, *whole = &result->type;
    if (!c2s_type_is_tensor(type) || type->dtype != C2S_FLOAT || type->rank < 1 ||
        type->rank > whole->rank || type->dim[type->rank - 1] != whole->dim[whole->rank - 1])
        return false;
    for (int i = 0; i + 1 < type->rank; i++)
        if (type->dim[i] != 1)
            return false;
    return true;
}

/* A product with a row of scales, or none. */
static bool match_scaled(c2s_draft *draft, const c2s_slot *value) {
    c2s_draft start = *draft;
    c2s_step *step = c2s_draft_take(draft, value, &c2s_op_mul);
    for (unsigned i = 0; step && step->in_count == 2 && i < 2; i++) {
        c2s_draft here = *draft;
        if (is_row(step->in[i], value) && match_core(draft, step->in[1 - i])) {
            draft->group.input[1] = step->in[i];
            return true;
        }
        *draft = here;
    }
    *draft = start;
    return match_core(draft, value);
}

bool c2s_match_norm(c2s_step *root, c2s_draft *draft) {
    const c2s_op *op = root->node->op;
    c2s_slot *value = root->out[0];
    bool found = false;
    if (value->type.rank < 1 || value->type.dtype != C2S_FLOAT ||
        (op != &c2s_op_add && op != &c2s_op_mul && op != &c2s_op_div))
        return false;
    draft->group.input_count = 3;
    draft->group.kernel = &c2s_kernels_written_norm;
    if (op != &c2s_op_add)
        found = match_scaled(draft, value);
    c2s_draft start = *draft;
    for (unsigned i = 0; op == &c2s_op_add && root->in_count == 2 && i < 2 && !found; i++) {
        *draft = start;
        found = is_row(root->in[i], value) && match_scaled(draft, root->in[1 - i]);
        draft->group.input[2] = root->in[i];
    }
    return found && c2s_type_equal(&draft->group.input[0]->type, &value->type);
}
