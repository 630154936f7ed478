/* SPDX-License-Identifier: Apache-2.0
 *
 * SplitToSequence and ConcatFromSequence.
 */
#include <stdlib.h>

#include "ops/body.h"
#include "ops/sequence.h"

/* ---- SplitToSequence ---- */

static c2s_status split_infer(c2s_infer *i) {
    const c2s_type *type = c2s_infer_type(i, 0);
    if (!c2s_type_is_tensor(type) && (type->kind != C2S_KIND_UNKNOWN || i->concrete))
        return c2s_fail(C2S_ERR_INVALID, "input 0 is no tensor");
    c2s_type element = *type;
    if (c2s_type_is_tensor(type) && type->rank >= 0) {
        int axis;
        C2S_TRY(c2s_infer_axis(c2s_attr_int(i->node, "axis", 0), type->rank, &axis));
        if (c2s_infer_has(i, 1))
            element.dim[axis] = c2s_dim_fresh(i->dims);
        else if (c2s_attr_int(i->node, "keepdims", 1))
            element.dim[axis] = 1;
        else
            element = c2s_type_drop_axis(type, axis);
    }
    i->out[0] = c2s_type_container(i->arena, C2S_KIND_SEQUENCE, &element);
    return C2S_OK;
}

/* Lengths of the parts along an axis of `extent`: one chunk size, a list, or all 1. free(). */
static c2s_status part_lengths(const c2s_tensor *split, int64_t extent, int64_t **lengths,
                               size_t *count) {
    int64_t chunk = 1, sum = 0;
    if (split && split->type.rank > 0) {
        *count = split->count;
        *lengths = c2s_alloc_array(*count, sizeof **lengths);
        for (size_t k = 0; k < *count; k++)
            if (!c2s_tensor_i64_at(split, k, &(*lengths)[k]) || (*lengths)[k] < 0 ||
                !c2s_add_i64(sum, (*lengths)[k], &sum))
                sum = -1;
        if (sum == extent)
            return C2S_OK;
        free(*lengths);
        return c2s_fail(C2S_ERR_INVALID, "the lengths do not add up to the extent %lld",
                        (long long)extent);
    }
    if (split && (!c2s_tensor_i64_at(split, 0, &chunk) || chunk < 1))
        return c2s_fail(C2S_ERR_INVALID, "the length of the parts is not a positive integer");
    *count = (size_t)(extent / chunk + (extent % chunk != 0));
    if (!c2s_memory_allows(*count, sizeof(c2s_tensor) + sizeof **lengths))
        return c2s_fail_alloc(*count, sizeof(c2s_tensor) + sizeof **lengths);
    *lengths = c2s_alloc_array(*count, sizeof **lengths);
    for (size_t k = 0; k < *count; k++)
        (*lengths)[k] = chunk;
    if (extent % chunk)
        (*lengths)[*count - 1] = extent % chunk;
    return C2S_OK;
}

static c2s_status split_eval(c2s_eval *e) {
    const c2s_tensor *x = e->in[0], *split = e->in_count > 1 ? e->in[1] : NULL;
    int axis;
    C2S_TRY(c2s_infer_axis(c2s_attr_int(e->node, "axis", 0), x->type.rank, &axis));
    bool drop = !split && !c2s_attr_int(e->node, "keepdims", 1);
    int64_t *lengths = NULL;
    size_t count = 0, made = 0;
    C2S_TRY(part_lengths(split, x->type.dim[axis], &lengths, &count));
    c2s_tensor **items = c2s_alloc_array(count, sizeof *items);
    c2s_status status = C2S_OK;
    for (int64_t begin = 0; made < count && status == C2S_OK; begin += lengths[made++]) {
        if (drop)
            status = c2s_tensor_take(x, axis, begin, &items[made]);
        else
            status = c2s_tensor_part(x, axis, begin, begin + lengths[made], &items[made]);
        if (status != C2S_OK)
            break;
    }
    c2s_type element = c2s_type_element(&e->out_type[0]);
    if (status == C2S_OK)
        status = c2s_sequence_give(e, 0, &element, count, items);
    for (size_t k = 0; k < made; k++)
        c2s_tensor_unref(items[k]);
    free(items);
    free(lengths);
    return status;
}

const c2s_op c2s_op_split_to_sequence = {
    .type = "SplitToSequence",
    .domain = "",
    .inputs = {1, 2},
    .outputs = {1, 1},
    .quant = C2S_QUANT_ONLY(FLOAT),
    .flags = C2S_OP_SIZES_OUTPUTS,
    .attrs = (const c2s_attr_spec[]){{"axis", C2S_ATTR_INT, false},
                                     {"keepdims", C2S_ATTR_INT, false},
                                     {0}},
    .ties = c2s_ties_pinned,
    .infer = split_infer,
    .eval = split_eval,
};

/* ---- ConcatFromSequence ---- */

static c2s_status join_axis(const c2s_node *node, int rank, int *axis) {
    if (!c2s_attr_has(node, "axis"))
        return c2s_fail(C2S_ERR_INVALID, "attribute \"axis\" is missing");
    bool fresh = c2s_attr_int(node, "new_axis", 0) != 0;
    return c2s_infer_axis(c2s_attr_int(node, "axis", 0), rank + fresh, axis);
}

static c2s_status concat_infer(c2s_infer *i) {
    C2S_TRY(c2s_sequence_need(i, 0));
    c2s_type element = c2s_type_element(c2s_infer_type(i, 0));
    i->out[0] = element;
    if (!c2s_type_is_tensor(&element) || element.rank < 0)
        return C2S_OK;
    int axis;
    C2S_TRY(join_axis(i->node, element.rank, &axis));
    if (c2s_attr_int(i->node, "new_axis", 0))
        return c2s_type_add_axis(&element, axis, c2s_dim_fresh(i->dims), &i->out[0]);
    i->out[0].dim[axis] = c2s_dim_fresh(i->dims);
    return C2S_OK;
}

static c2s_status concat_eval(c2s_eval *e) {
    const c2s_tensor *sequence = e->in[0];
    if (sequence->count == 0)
        return c2s_fail(C2S_ERR_INVALID, "an empty sequence has nothing to concatenate");
    int axis;
    C2S_TRY(join_axis(e->node, c2s_tensor_item(sequence, 0)->type.rank, &axis));
    const c2s_tensor **items = c2s_alloc_array(sequence->count, sizeof *items);
    for (size_t k = 0; k < sequence->count; k++)
        items[k] = c2s_tensor_item(sequence, k);
    c2s_tensor *joined;
    c2s_status status = c2s_attr_int(e->node, "new_axis", 0)
                            ? c2s_tensor_stack(items, sequence->count, axis, false, NULL, &joined)
                            : c2s_tensor_concat(items, sequence->count, axis, &joined);
    free(items);
    if (status == C2S_OK)
        c2s_eval_set(e, 0, joined);
    return status;
}

const c2s_op c2s_op_concat_from_sequence = {
    .type = "ConcatFromSequence",
    .domain = "",
    .inputs = {1, 1},
    .outputs = {1, 1},
    .quant = C2S_QUANT_ONLY(FLOAT),
    .flags = C2S_OP_SIZES_OUTPUTS,
    .attrs = (const c2s_attr_spec[]){{"axis", C2S_ATTR_INT, true},
                                     {"new_axis", C2S_ATTR_INT, false},
                                     {0}},
    .ties = c2s_ties_pinned,
    .infer = concat_infer,
    .eval = concat_eval,
};
