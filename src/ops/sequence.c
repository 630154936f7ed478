/* SPDX-License-Identifier: Apache-2.0
 *
 * SequenceConstruct, -Empty, -At, -Insert, -Erase, -Length.
 */
#include "ops/sequence.h"

#include <stdlib.h>

#include "ops/body.h"

/* ---- shared ---- */

c2s_type c2s_type_container(c2s_arena *arena, c2s_kind kind, const c2s_type *element) {
    c2s_type *copy = c2s_arena_alloc(arena, sizeof *copy);
    *copy = *element;
    return (c2s_type){.kind = kind, .rank = -1, .element = copy};
}

c2s_type c2s_type_element(const c2s_type *container) {
    return container->element ? *container->element : c2s_type_unknown();
}

c2s_status c2s_sequence_need(const c2s_infer *i, unsigned input) {
    c2s_kind kind = c2s_infer_type(i, input)->kind;
    if (kind == C2S_KIND_SEQUENCE || (kind == C2S_KIND_UNKNOWN && !i->concrete))
        return C2S_OK;
    return c2s_fail(C2S_ERR_INVALID, "input %u is no sequence", input);
}

c2s_status c2s_sequence_position(const c2s_eval *e, unsigned input, size_t count, size_t beyond,
                                 int64_t absent, size_t *position) {
    int64_t at = absent, length = (int64_t)count;
    const c2s_tensor *tensor = input < e->in_count ? e->in[input] : NULL;
    if (tensor && (!c2s_type_is_tensor(&tensor->type) || tensor->count != 1 ||
                   !c2s_tensor_i64_at(tensor, 0, &at)))
        return c2s_fail(C2S_ERR_INVALID, "the position is not one integer");
    if (at < -length || at >= length + (int64_t)beyond)
        return c2s_fail(C2S_ERR_INVALID, "position %lld in a sequence of %zu", (long long)at,
                        count);
    *position = (size_t)(at < 0 ? at + length : at);
    return C2S_OK;
}

c2s_status c2s_sequence_give(c2s_eval *e, unsigned output, const c2s_type *element, size_t count,
                             c2s_tensor *const *items) {
    c2s_tensor *sequence;
    C2S_TRY(c2s_tensor_sequence(C2S_KIND_SEQUENCE, element, count, items, &sequence));
    c2s_eval_set(e, output, sequence);
    return C2S_OK;
}

/* What the output's items are known to be. */
static c2s_type result_element(const c2s_eval *e) {
    return c2s_type_element(&e->out_type[0]);
}

/* ---- SequenceConstruct ---- */

static c2s_status construct_infer(c2s_infer *i) {
    c2s_type element = *c2s_infer_type(i, 0);
    for (unsigned k = 1; k < i->in_count; k++)
        element = c2s_type_join(i->dims, i->arena, &element, c2s_infer_type(i, k));
    i->out[0] = c2s_type_container(i->arena, C2S_KIND_SEQUENCE, &element);
    return C2S_OK;
}

static c2s_status construct_eval(c2s_eval *e) {
    c2s_tensor **items = c2s_alloc_array(e->in_count, sizeof *items);
    c2s_status status = C2S_OK;
    for (unsigned k = 0; k < e->in_count; k++) {
        if (e->in[k]->type.dtype != e->in[0]->type.dtype)
            status = c2s_fail(C2S_ERR_INVALID, "input %u is of type %s, input 0 of type %s", k,
                              c2s_dtype_name(e->in[k]->type.dtype),
                              c2s_dtype_name(e->in[0]->type.dtype));
        items[k] = c2s_tensor_ref(e->in[k]);
    }
    c2s_type element = result_element(e);
    if (status == C2S_OK)
        status = c2s_sequence_give(e, 0, &element, e->in_count, items);
    for (unsigned k = 0; k < e->in_count; k++)
        c2s_tensor_unref(items[k]);
    free(items);
    return status;
}

const c2s_op c2s_op_sequence_construct = {
    .type = "SequenceConstruct",
    .domain = "",
    .inputs = {1, C2S_VARIADIC},
    .outputs = {1, 1},
    .quant = C2S_QUANT_ONLY(FLOAT),
    .flags = C2S_OP_SIZES_OUTPUTS,
    .ties = c2s_ties_pinned,
    .infer = construct_infer,
    .eval = construct_eval,
};

/* ---- SequenceEmpty ---- */

static c2s_status empty_infer(c2s_infer *i) {
    int64_t dtype = c2s_attr_int(i->node, "dtype", C2S_FLOAT);
    if (dtype < 0 || dtype >= C2S_DTYPE_COUNT || !c2s_dtype_is_valid((int)dtype))
        return c2s_fail(C2S_ERR_INVALID, "dtype is %lld", (long long)dtype);
    c2s_type element = c2s_type_tensor((c2s_dtype)dtype, -1, NULL);
    i->out[0] = c2s_type_container(i->arena, C2S_KIND_SEQUENCE, &element);
    return C2S_OK;
}

static c2s_status empty_eval(c2s_eval *e) {
    c2s_type element = result_element(e);
    return c2s_sequence_give(e, 0, &element, 0, NULL);
}

const c2s_op c2s_op_sequence_empty = {
    .type = "SequenceEmpty",
    .domain = "",
    .inputs = {0, 0},
    .outputs = {1, 1},
    .quant = C2S_QUANT_ONLY(FLOAT),
    .flags = C2S_OP_SIZES_OUTPUTS,
    .attrs = (const c2s_attr_spec[]){{"dtype", C2S_ATTR_INT, false}, {0}},
    .ties = c2s_ties_pinned,
    .infer = empty_infer,
    .eval = empty_eval,
};

/* ---- SequenceAt ---- */

static c2s_dim look_for_fresh(void *found, const char *name, c2s_dim same) {
    (void)name;
    *(bool *)found |= c2s_dim_is_fresh(same);
    return same;
}

/* An extent without a name is that of each item, which need not be that of the next. */
static c2s_status at_infer(c2s_infer *i) {
    C2S_TRY(c2s_sequence_need(i, 0));
    i->out[0] = c2s_type_element(c2s_infer_type(i, 0));
    for (int k = 0; i->out[0].kind == C2S_KIND_TENSOR && k < i->out[0].rank; k++) {
        bool found = false;
        c2s_dim_substitute(i->dims, i->out[0].dim[k], look_for_fresh, &found);
        if (found)
            i->out[0].dim[k] = c2s_dim_fresh(i->dims);
    }
    return C2S_OK;
}

static c2s_status at_eval(c2s_eval *e) {
    size_t at;
    C2S_TRY(c2s_sequence_position(e, 1, e->in[0]->count, 0, 0, &at));
    c2s_eval_set(e, 0, c2s_tensor_ref(c2s_tensor_item(e->in[0], at)));
    return C2S_OK;
}

const c2s_op c2s_op_sequence_at = {
    .type = "SequenceAt",
    .domain = "",
    .inputs = {2, 2},
    .outputs = {1, 1},
    .quant = C2S_QUANT_ONLY(FLOAT),
    .flags = C2S_OP_SIZES_OUTPUTS,
    .ties = c2s_ties_pinned,
    .infer = at_infer,
    .eval = at_eval,
};

/* ---- SequenceInsert ---- */

static c2s_status insert_infer(c2s_infer *i) {
    C2S_TRY(c2s_sequence_need(i, 0));
    c2s_type before = c2s_type_element(c2s_infer_type(i, 0));
    c2s_type element = c2s_type_join(i->dims, i->arena, &before, c2s_infer_type(i, 1));
    i->out[0] = c2s_type_container(i->arena, C2S_KIND_SEQUENCE, &element);
    return C2S_OK;
}

static c2s_status insert_eval(c2s_eval *e) {
    const c2s_tensor *sequence = e->in[0], *item = e->in[1];
    size_t at, count = sequence->count;
    C2S_TRY(c2s_sequence_position(e, 2, count, 1, (int64_t)count, &at));
    if (sequence->type.element && sequence->type.element->kind == C2S_KIND_TENSOR &&
        sequence->type.element->dtype != C2S_UNDEFINED &&
        sequence->type.element->dtype != item->type.dtype)
        return c2s_fail(C2S_ERR_INVALID, "a tensor of type %s in a sequence of type %s",
                        c2s_dtype_name(item->type.dtype),
                        c2s_dtype_name(sequence->type.element->dtype));
    c2s_tensor **items = c2s_alloc_array(count + 1, sizeof *items);
    for (size_t k = 0; k < count; k++)
        items[k < at ? k : k + 1] = c2s_tensor_item(sequence, k);
    items[at] = c2s_tensor_ref(item);
    c2s_type element = result_element(e);
    c2s_status status = c2s_sequence_give(e, 0, &element, count + 1, items);
    c2s_tensor_unref(item);
    free(items);
    return status;
}

const c2s_op c2s_op_sequence_insert = {
    .type = "SequenceInsert",
    .domain = "",
    .inputs = {2, 3},
    .outputs = {1, 1},
    .quant = C2S_QUANT_ONLY(FLOAT),
    .flags = C2S_OP_SIZES_OUTPUTS,
    .ties = c2s_ties_pinned,
    .infer = insert_infer,
    .eval = insert_eval,
};

/* ---- SequenceErase ---- */

static c2s_status erase_infer(c2s_infer *i) {
    C2S_TRY(c2s_sequence_need(i, 0));
    i->out[0] = *c2s_infer_type(i, 0);
    return C2S_OK;
}

static c2s_status erase_eval(c2s_eval *e) {
    const c2s_tensor *sequence = e->in[0];
    size_t at, count = sequence->count;
    C2S_TRY(c2s_sequence_position(e, 1, count, 0, -1, &at));
    c2s_tensor **items = c2s_alloc_array(count, sizeof *items);
    for (size_t k = 0, n = 0; k < count; k++)
        if (k != at)
            items[n++] = c2s_tensor_item(sequence, k);
    c2s_type element = result_element(e);
    c2s_status status = c2s_sequence_give(e, 0, &element, count - 1, items);
    free(items);
    return status;
}

const c2s_op c2s_op_sequence_erase = {
    .type = "SequenceErase",
    .domain = "",
    .inputs = {1, 2},
    .outputs = {1, 1},
    .quant = C2S_QUANT_ONLY(FLOAT),
    .flags = C2S_OP_SIZES_OUTPUTS,
    .ties = c2s_ties_pinned,
    .infer = erase_infer,
    .eval = erase_eval,
};

/* ---- SequenceLength ---- */

static c2s_status length_infer(c2s_infer *i) {
    C2S_TRY(c2s_sequence_need(i, 0));
    i->out[0] = c2s_type_scalar(C2S_INT64);
    return C2S_OK;
}

static c2s_status length_eval(c2s_eval *e) {
    *(int64_t *)c2s_tensor_mutable(e->out[0]) = (int64_t)e->in[0]->count;
    return C2S_OK;
}

const c2s_op c2s_op_sequence_length = {
    .type = "SequenceLength",
    .domain = "",
    .inputs = {1, 1},
    .outputs = {1, 1},
    .quant = C2S_QUANT_ONLY(FLOAT),
    .ties = c2s_ties_pinned,
    .infer = length_infer,
    .eval = length_eval,
};
