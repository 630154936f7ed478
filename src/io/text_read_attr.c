/* SPDX-License-Identifier: Apache-2.0
 *
 * Attributes in the text syntax.
 */
#include <stdlib.h>
#include <string.h>

#include "io/text_kinds.h"
#include "io/text_reader.h"

enum { MAX_NESTING = 64 };

static c2s_status read_body(c2s_text_reader *r, c2s_text_scope *s, c2s_graph *body) {
    c2s_text_scope inner = {.graph = body, .outer = s, .depth = s->depth + 1};
    if (inner.depth > MAX_NESTING)
        return c2s_lex_expected(&r->lexer, "bodies nested at most %d deep", MAX_NESTING);
    c2s_status status = c2s_text_read_graph(r, &inner);
    c2s_map_free(&inner.values);
    c2s_map_free(&inner.types);
    return status;
}

/* The body must be in place before its content is read: captures find their slot through it. */
static c2s_status read_graph_value(c2s_text_reader *r, c2s_node *node, c2s_text_scope *s,
                                   c2s_attr *attr) {
    attr->kind = C2S_ATTR_GRAPH;
    attr->g = c2s_graph_create(r->model, node, "");
    c2s_attr_append(node, attr);
    return read_body(r, s, attr->g);
}

static c2s_status read_graph_list(c2s_text_reader *r, c2s_node *node, c2s_text_scope *s,
                                  c2s_attr *attr) {
    enum { MOST = 256 };
    c2s_graph **graphs = c2s_arena_array(r->model->arena, MOST, sizeof *graphs);
    attr->kind = C2S_ATTR_GRAPHS;
    attr->graphs = graphs;
    c2s_attr_append(node, attr);
    c2s_attr *placed = &node->attrs[node->attr_count - 1];
    while (!c2s_lex_take(&r->lexer, "]")) {
        if (placed->count == MOST)
            return c2s_lex_expected(&r->lexer, "at most %d graphs", MOST);
        c2s_graph *body = c2s_graph_create(r->model, node, "");
        graphs[placed->count++] = body;
        C2S_TRY(read_body(r, s, body));
        if (c2s_lex_peek(&r->lexer) != ']')
            C2S_TRY(c2s_lex_need(&r->lexer, ","));
    }
    return C2S_OK;
}

static c2s_attr_kind kind_from_name(const char *name) {
    for (int kind = C2S_ATTR_FLOAT; kind <= C2S_ATTR_TYPES; kind++)
        if (strcmp(c2s_text_kinds[kind], name) == 0)
            return (c2s_attr_kind)kind;
    return C2S_ATTR_UNDEFINED;
}

/* Numbers: of one kind, the first one's unless it was declared. */
static c2s_status read_numbers(c2s_text_reader *r, c2s_attr *attr) {
    C2S_VEC(c2s_lex_number) list = {0};
    c2s_status status = C2S_OK;
    bool floats = attr->kind == C2S_ATTR_FLOATS;
    while (status == C2S_OK && !c2s_lex_take(&r->lexer, "]")) {
        c2s_lex_number number;
        status = c2s_lex_take_number(&r->lexer, &number);
        if (status == C2S_OK) {
            floats |= number.is_float;
            c2s_vec_push(&list, number);
            if (c2s_lex_peek(&r->lexer) != ']')
                status = c2s_lex_need(&r->lexer, ",");
        }
    }
    attr->kind = floats ? C2S_ATTR_FLOATS : C2S_ATTR_INTS;
    attr->count = list.count;
    if (floats) {
        float *values = c2s_arena_array(r->model->arena, list.count, sizeof *values);
        for (size_t i = 0; i < list.count; i++)
            values[i] = (float)list.at[i].number;
        attr->floats = values;
    } else {
        int64_t *values = c2s_arena_array(r->model->arena, list.count, sizeof *values);
        for (size_t i = 0; i < list.count; i++)
            values[i] = list.at[i].integer;
        attr->ints = values;
    }
    c2s_vec_free(&list);
    return status;
}

static c2s_status read_strings(c2s_text_reader *r, c2s_attr *attr) {
    C2S_VEC(c2s_string) list = {0};
    c2s_status status = C2S_OK;
    while (status == C2S_OK && !c2s_lex_take(&r->lexer, "]")) {
        c2s_string text;
        status = c2s_lex_string(&r->lexer, &text);
        if (status == C2S_OK) {
            text.data = c2s_arena_memdup(r->model->arena, text.data, text.size);
            c2s_vec_push(&list, text);
            if (c2s_lex_peek(&r->lexer) != ']')
                status = c2s_lex_need(&r->lexer, ",");
        }
    }
    attr->kind = C2S_ATTR_STRINGS;
    attr->count = list.count;
    c2s_string *strings = c2s_arena_array(r->model->arena, list.count, sizeof *strings);
    if (list.count)
        memcpy(strings, list.at, list.count * sizeof *strings);
    attr->strings = strings;
    c2s_vec_free(&list);
    return status;
}

static c2s_status read_tensors(c2s_text_reader *r, c2s_attr *attr) {
    C2S_VEC(c2s_tensor *) list = {0};
    c2s_status status = C2S_OK;
    while (status == C2S_OK && !c2s_lex_take(&r->lexer, "]")) {
        c2s_type type;
        c2s_tensor *tensor;
        status = c2s_text_read_type(&r->lexer, r->model->dims, &type);
        if (status == C2S_OK)
            status = c2s_text_read_content(&r->lexer, &type, &tensor);
        if (status == C2S_OK) {
            c2s_vec_push(&list, tensor);
            if (c2s_lex_peek(&r->lexer) != ']')
                status = c2s_lex_need(&r->lexer, ",");
        }
    }
    attr->kind = C2S_ATTR_TENSORS;
    attr->count = list.count;
    const c2s_tensor **tensors = c2s_arena_array(r->model->arena, list.count, sizeof *tensors);
    for (size_t i = 0; i < list.count; i++)
        tensors[i] = list.at[i];
    attr->tensors = tensors;
    c2s_vec_free(&list);
    return status;
}

/* Appends the attribute in every case but a failure before its content: what it holds is then
 * released with the node. */
static c2s_status read_value(c2s_text_reader *r, c2s_node *node, c2s_text_scope *s,
                             c2s_attr *attr) {
    c2s_lexer *l = &r->lexer;
    c2s_status status = C2S_OK;
    attr->count = 1;
    if (c2s_lex_take(l, "[")) {
        attr->count = 0;
        bool graphs = attr->kind == C2S_ATTR_GRAPHS ||
                      (attr->kind == C2S_ATTR_UNDEFINED && c2s_lex_is_word(l) &&
                       !c2s_text_is_type(l) && !c2s_lex_is_number(l));
        if (graphs)
            return read_graph_list(r, node, s, attr);
        if (attr->kind == C2S_ATTR_STRINGS || c2s_lex_peek(l) == '"')
            status = read_strings(r, attr);
        else if (attr->kind == C2S_ATTR_TENSORS || c2s_text_is_type(l))
            status = read_tensors(r, attr);
        else
            status = read_numbers(r, attr);
    } else if (c2s_lex_is_number(l)) {
        c2s_lex_number number;
        C2S_TRY(c2s_lex_take_number(l, &number));
        bool is_float = number.is_float || attr->kind == C2S_ATTR_FLOAT;
        attr->kind = is_float ? C2S_ATTR_FLOAT : C2S_ATTR_INT;
        if (is_float)
            attr->f = (float)number.number;
        else
            attr->i = number.integer;
    } else if (c2s_lex_peek(l) == '"' && attr->kind != C2S_ATTR_GRAPH) {
        attr->kind = C2S_ATTR_STRING;
        C2S_TRY(c2s_lex_string(l, &attr->s));
        attr->s.data = c2s_arena_memdup(r->model->arena, attr->s.data, attr->s.size);
    } else if (c2s_text_is_type(l) && attr->kind != C2S_ATTR_GRAPH) {
        c2s_type type;
        C2S_TRY(c2s_text_read_type(l, r->model->dims, &type));
        if (attr->kind == C2S_ATTR_TYPE || c2s_lex_peek(l) != '{') {
            attr->kind = C2S_ATTR_TYPE;
            c2s_type *kept = c2s_arena_alloc(r->model->arena, sizeof *kept);
            *kept = type;
            attr->type = kept;
        } else {
            c2s_tensor *tensor;
            attr->kind = C2S_ATTR_TENSOR;
            C2S_TRY(c2s_text_read_content(l, &type, &tensor));
            attr->t = tensor;
        }
    } else if (c2s_lex_is_name(l)) {
        return read_graph_value(r, node, s, attr);
    } else {
        return c2s_lex_expected(l, "the value of attribute \"%s\"", attr->name);
    }
    c2s_attr_append(node, attr);
    return status;
}

c2s_status c2s_text_read_attr(c2s_text_reader *r, c2s_node *node, c2s_text_scope *s,
                              const char *name) {
    c2s_attr attr = {.name = name};
    if (c2s_attr_find(node, name))
        return c2s_lex_expected(&r->lexer, "attribute \"%s\" once only, before this", name);
    if (c2s_lex_take(&r->lexer, ":")) {
        const char *kind;
        C2S_TRY(c2s_lex_name(&r->lexer, &kind));
        attr.kind = kind_from_name(kind);
        if (attr.kind == C2S_ATTR_UNDEFINED)
            return c2s_lex_expected(&r->lexer, "a kind of attribute before this");
    }
    C2S_TRY(c2s_lex_need(&r->lexer, "="));
    if (attr.kind >= C2S_ATTR_SPARSE && attr.kind != C2S_ATTR_TYPE)
        C2S_TRY(c2s_lex_need(&r->lexer, "@")); /* text has no place for the value itself */
    else if (!c2s_lex_take(&r->lexer, "@"))
        return read_value(r, node, s, &attr);
    C2S_TRY(c2s_text_read_name(r, &attr.reference));
    attr.reference_kind = attr.kind;
    attr.kind = C2S_ATTR_UNDEFINED;
    c2s_attr_append(node, &attr);
    return C2S_OK;
}

c2s_status c2s_text_read_attrs(c2s_text_reader *r, c2s_node *node, c2s_text_scope *s) {
    if (!c2s_lex_take(&r->lexer, "<"))
        return C2S_OK;
    while (!c2s_lex_take(&r->lexer, ">")) {
        const char *name;
        C2S_TRY(c2s_text_read_name(r, &name));
        C2S_TRY(c2s_text_read_attr(r, node, s, name));
        if (c2s_lex_peek(&r->lexer) != '>')
            C2S_TRY(c2s_lex_need(&r->lexer, ","));
    }
    return C2S_OK;
}
