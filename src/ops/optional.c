/* SPDX-License-Identifier: Apache-2.0
 *
 * Optional, OptionalHasElement, OptionalGetElement.
 */
#include "ops/sequence.h"

static c2s_status optional_infer(c2s_infer *i) {
    c2s_type element = c2s_type_unknown();
    const c2s_attr *type = c2s_attr_find(i->node, "type");
    if (c2s_infer_has(i, 0))
        element = *c2s_infer_type(i, 0);
    else if (type && type->kind == C2S_ATTR_TYPE && type->type)
        element = *type->type;
    i->out[0] = c2s_type_container(i->arena, C2S_KIND_OPTIONAL, &element);
    return C2S_OK;
}

static c2s_status optional_eval(c2s_eval *e) {
    bool given = e->in_count > 0 && e->in[0];
    c2s_tensor *item = given ? c2s_tensor_ref(e->in[0]) : NULL, *optional;
    c2s_type element = c2s_type_element(&e->out_type[0]);
    c2s_status status =
        c2s_tensor_sequence(C2S_KIND_OPTIONAL, &element, given ? 1 : 0, &item, &optional);
    c2s_tensor_unref(item);
    if (status == C2S_OK)
        c2s_eval_set(e, 0, optional);
    return status;
}

const c2s_op c2s_op_optional = {
    .type = "Optional",
    .domain = "",
    .inputs = {0, 1},
    .outputs = {1, 1},
    .quant = C2S_QUANT_ONLY(FLOAT),
    .flags = C2S_OP_SIZES_OUTPUTS,
    .attrs = (const c2s_attr_spec[]){{"type", C2S_ATTR_TYPE, false}, {0}},
    .ties = c2s_ties_pinned,
    .infer = optional_infer,
    .eval = optional_eval,
};

static c2s_status has_infer(c2s_infer *i) {
    i->out[0] = c2s_type_scalar(C2S_BOOL);
    return C2S_OK;
}

/* A tensor or sequence in an optional's place is there. */
static c2s_status has_eval(c2s_eval *e) {
    const c2s_tensor *value = e->in_count > 0 ? e->in[0] : NULL;
    bool there = value && (value->type.kind != C2S_KIND_OPTIONAL || value->count == 1);
    *(uint8_t *)c2s_tensor_mutable(e->out[0]) = there;
    return C2S_OK;
}

const c2s_op c2s_op_optional_has_element = {
    .type = "OptionalHasElement",
    .domain = "",
    .inputs = {0, 1},
    .outputs = {1, 1},
    .quant = C2S_QUANT_ONLY(FLOAT),
    .ties = c2s_ties_pinned,
    .infer = has_infer,
    .eval = has_eval,
};

static c2s_status get_infer(c2s_infer *i) {
    const c2s_type *type = c2s_infer_type(i, 0);
    i->out[0] = type->kind == C2S_KIND_OPTIONAL ? c2s_type_element(type) : *type;
    return C2S_OK;
}

static c2s_status get_eval(c2s_eval *e) {
    const c2s_tensor *value = e->in[0];
    if (value->type.kind == C2S_KIND_OPTIONAL) {
        if (value->count == 0)
            return c2s_fail(C2S_ERR_INVALID, "the optional is empty");
        value = c2s_tensor_item(value, 0);
    }
    c2s_eval_set(e, 0, c2s_tensor_ref(value));
    return C2S_OK;
}

const c2s_op c2s_op_optional_get_element = {
    .type = "OptionalGetElement",
    .domain = "",
    .inputs = {1, 1},
    .outputs = {1, 1},
    .quant = C2S_QUANT_ONLY(FLOAT),
    .flags = C2S_OP_SIZES_OUTPUTS,
    .ties = c2s_ties_pinned,
    .infer = get_infer,
    .eval = get_eval,
};
