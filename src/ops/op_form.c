/* SPDX-License-Identifier: Apache-2.0 */
#include "ops/op_form.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "ops/op_versions.h"

/* ---- attributes ---- */

/* What lists are by default depends on the rank, so that no version says it. */
static bool is_default_list(const c2s_attr *attr) {
    bool ones = strcmp(attr->name, "dilations") == 0;
    for (size_t i = 0; i < attr->count; i++)
        ones = ones && attr->ints[i] == 1;
    return ones;
}

static bool is_default(const c2s_attr *attr, const c2s_op_attribute *form) {
    char text[64];
    if (!attr->reference && attr->kind == C2S_ATTR_INTS)
        return is_default_list(attr);
    if (attr->reference || !form->text || form->size >= sizeof text)
        return false;
    memcpy(text, form->text, form->size);
    text[form->size] = '\0';
    switch (attr->kind) {
    case C2S_ATTR_INT:
        return attr->i == strtoll(text, NULL, 10);
    case C2S_ATTR_FLOAT:
        return attr->f == strtof(text, NULL);
    case C2S_ATTR_STRING:
        return attr->s.size == form->size && memcmp(attr->s.data, text, form->size) == 0;
    default:
        return false;
    }
}

static c2s_status drop_attributes(c2s_node *node, const c2s_op_versions *versions,
                                  const c2s_op_version *now, const c2s_op_version *then,
                                  int64_t opset) {
    c2s_op_attribute form;
    for (unsigned i = node->attr_count; i-- > 0;) {
        const c2s_attr *attr = &node->attrs[i];
        if (c2s_op_attribute_find(versions, then, attr->name, &form) ||
            !c2s_op_attribute_find(versions, now, attr->name, &form))
            continue;
        if (!is_default(attr, &form))
            return c2s_fail(C2S_ERR_UNSUPPORTED,
                            "opset %lld has no attribute \"%s\", and it is not at its default",
                            (long long)opset, attr->name);
        c2s_attr_remove(node, attr->name);
    }
    return C2S_OK;
}

static c2s_status check_attributes(const c2s_node *node, const c2s_op_versions *versions,
                                   const c2s_op_version *version, int64_t opset) {
    c2s_op_attribute form;
    for (unsigned i = 0; i < node->attr_count; i++)
        if (!c2s_op_attribute_find(versions, version, node->attrs[i].name, &form))
            return c2s_fail(C2S_ERR_UNSUPPORTED, "opset %lld has no attribute \"%s\"",
                            (long long)opset, node->attrs[i].name);
    return C2S_OK;
}

/* ---- operands ---- */

/* 1: accepted, 0: not accepted, -1: not known. `known`: what the type has to be one of anyway. */
static int accepts(const c2s_op_operand *form, const c2s_type *type, const c2s_op_operand *known) {
    const c2s_type *element = type;
    uint32_t set = form->tensor, outer = known ? known->tensor : UINT32_MAX;
    switch (type->kind) {
    case C2S_KIND_TENSOR:
        break;
    case C2S_KIND_SEQUENCE:
        set = form->sequence, outer = known ? known->sequence : UINT32_MAX;
        element = type->element;
        break;
    case C2S_KIND_OPTIONAL:
        element = type->element;
        set = form->optional, outer = known ? known->optional : UINT32_MAX;
        if (element && element->kind == C2S_KIND_SEQUENCE) {
            set = form->optional_sequence, outer = known ? known->optional_sequence : UINT32_MAX;
            element = element->element;
        }
        break;
    case C2S_KIND_UNKNOWN: {
        bool wide = known && !(known->tensor & ~form->tensor) &&
                    !(known->sequence & ~form->sequence) && !(known->optional & ~form->optional) &&
                    !(known->optional_sequence & ~form->optional_sequence);
        return wide ? 1 : -1;
    }
    default:
        return 1;
    }
    if (!set)
        return 0;
    if (!element || element->kind != C2S_KIND_TENSOR || element->dtype == C2S_UNDEFINED)
        return outer & ~set ? -1 : 1;
    return set >> element->dtype & 1;
}

typedef bool find_operand(const c2s_op_version *version, unsigned slot, c2s_op_operand *out);

typedef struct operand_check {
    const c2s_op_version *form, *known; /* known: NULL, or what the node obeys already */
    int64_t opset;
    c2s_dtype first; /* of the first operand, C2S_UNDEFINED: not a tensor or not known */
} operand_check;

static c2s_status check_operand(const operand_check *check, const c2s_value *value, unsigned slot,
                                find_operand *find, const char *what) {
    c2s_op_operand form, known;
    if (!find(check->form, slot, &form))
        return c2s_fail(C2S_ERR_UNSUPPORTED, "opset %lld has no %s %u", (long long)check->opset,
                        what, slot);
    const bool has_known = check->known && find(check->known, slot, &known);
    const int accepted = accepts(&form, &value->type, has_known ? &known : NULL);
    if (accepted == 0)
        return c2s_fail(C2S_ERR_UNSUPPORTED, "%s %u is of %s%s, which opset %lld does not take",
                        what, slot,
                        c2s_type_is_tensor(&value->type)        ? "type "
                        : value->type.kind == C2S_KIND_SEQUENCE ? "a sequence type"
                        : value->type.kind == C2S_KIND_OPTIONAL ? "an optional type"
                                                                : "another kind",
                        c2s_type_is_tensor(&value->type) ? c2s_dtype_name(value->type.dtype) : "",
                        (long long)check->opset);
    if (accepted < 0 && check->known)
        return c2s_fail(C2S_ERR_UNSUPPORTED,
                        "the type of %s %u is not known, and opset %lld takes fewer types", what,
                        slot, (long long)check->opset);
    if (form.like_first && c2s_type_is_tensor(&value->type) && check->first && value->type.dtype &&
        value->type.dtype != check->first)
        return c2s_fail(C2S_ERR_UNSUPPORTED, "%s %u is of type %s, expected %s in opset %lld", what,
                        slot, c2s_dtype_name(value->type.dtype), c2s_dtype_name(check->first),
                        (long long)check->opset);
    return C2S_OK;
}

static c2s_status check_operands(const c2s_node *node, operand_check *check) {
    const bool inputs = node->formal_count > 0;
    const c2s_value *first = inputs ? c2s_node_in(node, 0) : c2s_node_out(node, 0);
    if (first && c2s_type_is_tensor(&first->type))
        check->first = first->type.dtype;
    for (unsigned i = 0; i < node->formal_count; i++)
        if (node->inputs[i].value)
            C2S_TRY(check_operand(check, node->inputs[i].value, i, c2s_op_input, "input"));
    for (unsigned i = 0; i < node->output_count; i++)
        if (node->outputs[i])
            C2S_TRY(check_operand(check, node->outputs[i], i, c2s_op_output, "output"));
    return C2S_OK;
}

/* ---- forms ---- */

static c2s_status missing(const c2s_op_versions *versions, int64_t opset) {
    const c2s_op_version *first = &versions->versions[0];
    if (first->since > opset)
        return c2s_fail(C2S_ERR_UNSUPPORTED,
                        "the operator came with opset %d and opset %lld cannot express it",
                        first->since, (long long)opset);
    return c2s_fail(C2S_ERR_UNSUPPORTED, "opset %lld no longer has the operator", (long long)opset);
}

c2s_status c2s_op_form_check(const c2s_node *node, int64_t opset) {
    const c2s_op_versions *versions = c2s_op_versions_of(node->domain, node->type);
    if (!versions)
        return C2S_OK;
    const c2s_op_version *version = c2s_op_version_at(versions, opset);
    if (!version)
        return missing(versions, opset);
    C2S_TRY(check_attributes(node, versions, version, opset));
    operand_check check = {.form = version, .opset = opset};
    return check_operands(node, &check);
}

c2s_status c2s_op_form_adapt(c2s_node *node, int64_t from, int64_t to) {
    const c2s_op_versions *versions = node->domain[0] ? NULL : c2s_op_versions_of("", node->type);
    if (!versions)
        return C2S_OK;
    const c2s_op_version *now = c2s_op_version_at(versions, from),
                         *then = c2s_op_version_at(versions, to);
    if (!then)
        return missing(versions, to);
    if (now == then)
        return C2S_OK;
    c2s_node_trim_inputs(node);
    if (now)
        C2S_TRY(drop_attributes(node, versions, now, then, to));
    operand_check check = {.form = then, .known = now, .opset = to};
    return check_operands(node, &check);
}

bool c2s_op_form_is_same(const c2s_node *node, int64_t a, int64_t b) {
    const c2s_op_versions *versions = node->domain[0] ? NULL : c2s_op_versions_of("", node->type);
    return !versions || c2s_op_version_at(versions, a) == c2s_op_version_at(versions, b);
}
