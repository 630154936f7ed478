/* SPDX-License-Identifier: Apache-2.0
 *
 * Attributes as terms, both ways.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ops/op.h"
#include "ops/op_versions.h"
#include "passes/custom/custom_rule.h"

static void set_list(c2s_term *out, size_t count) {
    *out = (c2s_term){.kind = C2S_TERM_LIST, .count = (unsigned)count};
}

static c2s_scalar text_scalar(const char *text, size_t size) {
    return (c2s_scalar){.kind = C2S_SCALAR_TEXT, .text = {text, size}};
}

void c2s_custom_term_of(const c2s_attr *attr, c2s_term *out) {
    if (attr->count > C2S_LIST_MOST) {
        c2s_term_set_unknown(out, "an attribute is too long");
        return;
    }
    switch (attr->kind) {
    case C2S_ATTR_INT:
        c2s_term_set_int(out, attr->i);
        break;
    case C2S_ATTR_FLOAT:
        c2s_term_set_scalar(out, c2s_scalar_float((double)attr->f, C2S_FLOAT));
        break;
    case C2S_ATTR_STRING:
        c2s_term_set_scalar(out, text_scalar(attr->s.data, attr->s.size));
        break;
    case C2S_ATTR_INTS:
        set_list(out, attr->count);
        for (unsigned i = 0; i < out->count; i++)
            out->at[i] = c2s_scalar_int(attr->ints[i]);
        break;
    case C2S_ATTR_FLOATS:
        set_list(out, attr->count);
        for (unsigned i = 0; i < out->count; i++)
            out->at[i] = c2s_scalar_float((double)attr->floats[i], C2S_FLOAT);
        break;
    case C2S_ATTR_STRINGS:
        set_list(out, attr->count);
        for (unsigned i = 0; i < out->count; i++)
            out->at[i] = text_scalar(attr->strings[i].data, attr->strings[i].size);
        break;
    default:
        c2s_term_set_unknown(out, "an attribute is neither number nor text nor a list of them");
        break;
    }
}

static c2s_attr_kind kind_in(const c2s_op *op, const char *name) {
    for (const c2s_attr_spec *spec = op->attrs; spec && spec->name; spec++)
        if (strcmp(spec->name, name) == 0)
            return spec->kind;
    return C2S_ATTR_UNDEFINED;
}

void c2s_custom_default_term(const c2s_node *node, const char *name, c2s_term *out) {
    const c2s_op_versions *versions = c2s_op_versions_of(node->domain, node->type);
    const c2s_op_version *version =
        versions ? c2s_op_version_at(versions, c2s_model_opset(node->graph->model, node->domain))
                 : NULL;
    c2s_op_attribute attribute;
    char number[64], *end;
    if (!version || !c2s_op_attribute_find(versions, version, name, &attribute) ||
        !attribute.text) {
        c2s_term_set_unknown(out, "an attribute is not there");
        return;
    }
    c2s_term_set_scalar(out, text_scalar(attribute.text, attribute.size));
    c2s_attr_kind kind = kind_in(node->op, name);
    if (kind == C2S_ATTR_STRING || attribute.size >= sizeof number)
        return;
    snprintf(number, sizeof number, "%.*s", (int)attribute.size, attribute.text);
    double value = strtod(number, &end);
    if (*end || end == number)
        return;
    bool whole = kind == C2S_ATTR_INT || (kind != C2S_ATTR_FLOAT && !strpbrk(number, ".eE"));
    if (whole)
        c2s_term_set_int(out, (int64_t)value);
    else
        c2s_term_set_scalar(out, c2s_scalar_float(value, C2S_FLOAT));
}

void c2s_custom_attr_term(const c2s_node *node, const char *name, c2s_term *out) {
    const c2s_attr *attr = c2s_attr_find(node, name);
    if (attr)
        c2s_custom_term_of(attr, out);
    else
        c2s_custom_default_term(node, name, out);
}

bool c2s_custom_names_attr(const c2s_custom_node *node, const char *name) {
    for (unsigned i = 0; i < node->attr_count; i++)
        if (strcmp(node->attrs[i].name, name) == 0)
            return true;
    return false;
}

/* ---- setting ---- */

static c2s_attr_kind kind_of(const c2s_node *node, const char *name, const c2s_term *t) {
    c2s_attr_kind kind = kind_in(node->op, name);
    if (kind != C2S_ATTR_UNDEFINED)
        return kind;
    bool list = t->kind == C2S_TERM_LIST;
    if (t->count > 0 && t->at[0].kind == C2S_SCALAR_TEXT)
        return list ? C2S_ATTR_STRINGS : C2S_ATTR_STRING;
    if (t->count > 0 && t->at[0].kind == C2S_SCALAR_DTYPE)
        return list ? C2S_ATTR_UNDEFINED : C2S_ATTR_INT;
    return c2s_term_is_whole(t) ? (list ? C2S_ATTR_INTS : C2S_ATTR_INT)
                                : (list ? C2S_ATTR_FLOATS : C2S_ATTR_FLOAT);
}

static bool has_kind(const c2s_term *t, c2s_scalar_kind kind) {
    for (unsigned i = 0; i < t->count; i++)
        if (t->at[i].kind != kind)
            return false;
    return true;
}

static bool set_text(c2s_node *node, const char *name, const c2s_string *text) {
    char buffer[256];
    if (text->size >= sizeof buffer || (text->size && memchr(text->data, 0, text->size)))
        return false;
    memcpy(buffer, text->size ? text->data : "", text->size);
    buffer[text->size] = '\0';
    c2s_attr_set_string(node, name, buffer);
    return true;
}

bool c2s_custom_set_attr(c2s_node *node, const char *name, const c2s_term *t) {
    int64_t integers[C2S_LIST_MOST];
    float floats[C2S_LIST_MOST];
    c2s_string strings[C2S_LIST_MOST];
    bool one = t->kind == C2S_TERM_SCALAR || t->count == 1;
    for (unsigned i = 0; i < t->count; i++) {
        integers[i] = t->at[i].kind == C2S_SCALAR_DTYPE ? t->at[i].dtype : t->at[i].integer;
        floats[i] = (float)t->at[i].number;
        strings[i] = t->at[i].text;
    }
    c2s_attr_kind kind = kind_of(node, name, t);
    switch (kind) {
    case C2S_ATTR_INT:
    case C2S_ATTR_INTS:
        if (!has_kind(t, C2S_SCALAR_DTYPE) &&
            !(c2s_term_is_whole(t) && c2s_term_fits(t, C2S_INT64)))
            return false;
        if (kind == C2S_ATTR_INTS)
            c2s_attr_set_ints(node, name, integers, t->count);
        else if (one)
            c2s_attr_set_int(node, name, integers[0]);
        return one || kind == C2S_ATTR_INTS;
    case C2S_ATTR_FLOAT:
    case C2S_ATTR_FLOATS:
        if (!c2s_term_fits(t, C2S_DOUBLE))
            return false;
        if (kind == C2S_ATTR_FLOATS)
            c2s_attr_set_floats(node, name, floats, t->count);
        else if (one)
            c2s_attr_set_float(node, name, floats[0]);
        return one || kind == C2S_ATTR_FLOATS;
    case C2S_ATTR_STRING:
        return one && has_kind(t, C2S_SCALAR_TEXT) && set_text(node, name, &strings[0]);
    case C2S_ATTR_STRINGS:
        if (has_kind(t, C2S_SCALAR_TEXT))
            c2s_attr_set_strings(node, name, strings, t->count);
        return has_kind(t, C2S_SCALAR_TEXT);
    default:
        return false;
    }
}
