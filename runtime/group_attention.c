/* SPDX-License-Identifier: Apache-2.0
 *
 * Attention as exporters write it: softmax(q x k * scale + mask) x v, with or without the scale (a
 * product or a quotient) and the mask. `k` has its keys as columns.
 */
#include "ops/op.h"
#include "runtime/groups.h"

/* A product or quotient with a number: what it is of; *scale is multiplied. */
static c2s_slot *scaled(c2s_draft *draft, c2s_slot *value, float *scale) {
    float number;
    c2s_step *step = c2s_draft_take(draft, value, &c2s_op_mul);
    for (unsigned i = 0; step && step->in_count == 2 && i < 2; i++)
        if (c2s_slot_number(step->in[i], &number)) {
            *scale *= number;
            return step->in[1 - i];
        }
    step = step ? NULL : c2s_draft_take(draft, value, &c2s_op_div);
    if (step && step->in_count == 2 && c2s_slot_number(step->in[1], &number) && number != 0) {
        *scale /= number;
        return step->in[0];
    }
    return value;
}

/* [scale *] q x k */
static bool match_scores(c2s_draft *draft, c2s_slot *value) {
    float scale = 1;
    c2s_slot *of = scaled(draft, value, &scale);
    c2s_step *product = c2s_draft_take(draft, of, &c2s_op_matmul);
    if (!product || product->in_count != 2 || product->in[0]->type.rank < 2 ||
        product->in[1]->type.rank < 2)
        return false;
    draft->group.input[0] = product->in[0];
    draft->group.input[1] = product->in[1];
    draft->group.number = scale;
    draft->group.terms = product->in[0]->type.dim[product->in[0]->type.rank - 1];
    return true;
}

bool c2s_match_attention(c2s_step *root, c2s_draft *draft) {
    if (root->node->op != &c2s_op_matmul || root->in_count != 2 || !root->in[0])
        return false;
    c2s_step *softmax = c2s_draft_take(draft, root->in[0], &c2s_op_softmax);
    if (!softmax)
        return false;
    int64_t axis = c2s_attr_int(softmax->node, "axis", -1);
    if (axis != -1 && axis != softmax->in[0]->type.rank - 1)
        return false;
    for (unsigned i = 0; i < 2; i++) /* vectors are another matter */
        if (root->in[i]->type.rank < 2)
            return false;
    draft->group.kernel = &c2s_kernels_written_attention;
    draft->group.input_count = 4;
    draft->group.input[2] = root->in[1];
    c2s_draft start = *draft;
    if (match_scores(draft, softmax->in[0]))
        return true;
    *draft = start;
    c2s_step *sum = c2s_draft_take(draft, softmax->in[0], &c2s_op_add);
    start = *draft;
    for (unsigned i = 0; sum && sum->in_count == 2 && i < 2; i++, *draft = start)
        if (match_scores(draft, sum->in[1 - i])) {
            draft->group.input[3] = sum->in[i];
            return true;
        }
    return false;
}
