/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "io/text_reader.h"
#include "ir/function_calls.h"

static const char *intern(c2s_text_reader *r, const char *name) {
    return c2s_name_intern(r->model->names, name);
}

c2s_status c2s_text_read_name(c2s_text_reader *r, const char **out) {
    C2S_TRY(c2s_lex_name(&r->lexer, out));
    *out = intern(r, *out);
    return C2S_OK;
}

/* ---- names ---- */

static c2s_status define(c2s_text_reader *r, c2s_text_scope *s, const char *name,
                         c2s_value *value) {
    if (c2s_map_get(&s->values, name))
        return c2s_lex_expected(&r->lexer, "\"%s\" to be defined once only, before this", name);
    c2s_map_put(&s->values, name, value);
    c2s_value_set_name(value, name);
    const c2s_type *declared = c2s_map_get(&s->types, name);
    if (declared && value->type.kind == C2S_KIND_UNKNOWN)
        c2s_value_set_type(value, declared);
    return C2S_OK;
}

static c2s_value *find(c2s_text_scope *s, const char *name) {
    for (c2s_text_scope *at = s; at; at = at->outer) {
        c2s_value *value = c2s_map_get(&at->values, name);
        if (value)
            return c2s_graph_capture(s->graph, value);
    }
    return NULL;
}

/* ---- graphs ---- */

/* Values may be called as types are: what no name follows is the name. */
static bool is_name_alone(c2s_lexer *l) {
    const char *start = l->at, *name;
    const bool is = c2s_lex_is_word(l) && c2s_lex_name(l, &name) == C2S_OK &&
                    memchr(",)>=", c2s_lex_peek(l), 4) != NULL;
    l->at = start;
    return is;
}

/* [type] name [= content] */
static c2s_status read_declaration(c2s_text_reader *r, const char **name, c2s_type *type,
                                   c2s_tensor **content) {
    *type = c2s_type_unknown();
    *content = NULL;
    if (c2s_text_is_type(&r->lexer) && !is_name_alone(&r->lexer))
        C2S_TRY(c2s_text_read_type(&r->lexer, r->model->dims, type));
    C2S_TRY(c2s_text_read_name(r, name));
    if (c2s_lex_take(&r->lexer, "="))
        C2S_TRY(c2s_text_read_content(&r->lexer, type, content));
    return C2S_OK;
}

static c2s_status read_inputs(c2s_text_reader *r, c2s_text_scope *s) {
    C2S_TRY(c2s_lex_need(&r->lexer, "("));
    while (!c2s_lex_take(&r->lexer, ")")) {
        const char *name;
        c2s_type type;
        c2s_tensor *content;
        C2S_TRY(read_declaration(r, &name, &type, &content));
        c2s_value *input = c2s_graph_add_input(s->graph, name, &type);
        input->initial = content;
        if (content && c2s_graph_is_function(s->graph))
            return c2s_lex_expected(&r->lexer, "no content of a function's input before this");
        C2S_TRY(define(r, s, name, input));
        if (c2s_lex_peek(&r->lexer) != ')')
            C2S_TRY(c2s_lex_need(&r->lexer, ","));
    }
    return C2S_OK;
}

typedef struct output {
    const char *name;
    c2s_type type;
} output;
typedef C2S_VEC(output) outputs;

static c2s_status read_outputs(c2s_text_reader *r, outputs *list) {
    C2S_TRY(c2s_lex_need(&r->lexer, "=>"));
    C2S_TRY(c2s_lex_need(&r->lexer, "("));
    while (!c2s_lex_take(&r->lexer, ")")) {
        output o;
        c2s_tensor *content;
        C2S_TRY(read_declaration(r, &o.name, &o.type, &content));
        c2s_tensor_unref(content);
        c2s_vec_push(list, o);
        if (c2s_lex_peek(&r->lexer) != ')')
            C2S_TRY(c2s_lex_need(&r->lexer, ","));
    }
    return C2S_OK;
}

/* <float[2] w = {1.0, 2.0}, float[N] t>: initializers, and types of values that come later. */
static c2s_status read_constants(c2s_text_reader *r, c2s_text_scope *s) {
    if (!c2s_lex_take(&r->lexer, "<"))
        return C2S_OK;
    while (!c2s_lex_take(&r->lexer, ">")) {
        const char *name;
        c2s_type type;
        c2s_tensor *content;
        C2S_TRY(read_declaration(r, &name, &type, &content));
        if (content) {
            c2s_value *value = c2s_value_constant(s->graph, name, content);
            C2S_TRY(define(r, s, name, value));
        } else {
            c2s_type *kept = c2s_arena_alloc(r->model->arena, sizeof *kept);
            *kept = type;
            c2s_map_put(&s->types, name, kept);
        }
        if (c2s_lex_peek(&r->lexer) != '>')
            C2S_TRY(c2s_lex_need(&r->lexer, ","));
    }
    return C2S_OK;
}

/* ---- nodes ---- */

typedef C2S_VEC(const char *) name_list;

/* Domains are words with dots between: "ai.onnx.ml.LabelEncoder". */
static c2s_status read_operator(c2s_text_reader *r, const char *first, const char **domain,
                                const char **type) {
    size_t used = 0;
    char text[256];
    *type = first;
    while (c2s_lex_take(&r->lexer, ".")) {
        int n = snprintf(text + used, sizeof text - used, "%s%s", used ? "." : "", *type);
        if (n < 0 || (size_t)n >= sizeof text - used)
            return c2s_lex_expected(&r->lexer, "a shorter domain before this");
        used += (size_t)n;
        C2S_TRY(c2s_text_read_name(r, type));
    }
    *domain = used ? intern(r, text) : intern(r, "");
    return C2S_OK;
}

static c2s_status read_operands(c2s_text_reader *r, c2s_node *node, c2s_text_scope *s) {
    C2S_TRY(c2s_lex_need(&r->lexer, "("));
    while (!c2s_lex_take(&r->lexer, ")")) {
        const char *name = "";
        if (c2s_lex_peek(&r->lexer) != ',') /* nothing at all is left out, as "" is */
            C2S_TRY(c2s_text_read_name(r, &name));
        c2s_value *value = name[0] ? find(s, name) : NULL;
        if (name[0] && !value)
            return c2s_lex_expected(&r->lexer, "\"%s\" to be defined before it is used", name);
        unsigned slot = node->formal_count;
        c2s_node_resize_inputs(node, slot + 1);
        c2s_use_set(&node->inputs[slot], value);
        if (c2s_lex_peek(&r->lexer) != ')')
            C2S_TRY(c2s_lex_need(&r->lexer, ","));
    }
    return C2S_OK;
}

static c2s_status read_node_parts(c2s_text_reader *r, c2s_text_scope *s, name_list *results) {
    const char *node_name = NULL, *first, *domain = "", *type, *overload = NULL;
    if (c2s_lex_take(&r->lexer, "[")) {
        C2S_TRY(c2s_text_read_name(r, &node_name));
        C2S_TRY(c2s_lex_need(&r->lexer, "]"));
    }
    C2S_TRY(c2s_text_read_name(r, &first));
    if (c2s_lex_peek(&r->lexer) == ',' || c2s_lex_peek(&r->lexer) == '=') {
        c2s_vec_push(results, first);
        while (c2s_lex_take(&r->lexer, ",")) {
            C2S_TRY(c2s_text_read_name(r, &first));
            c2s_vec_push(results, first);
        }
        C2S_TRY(c2s_lex_need(&r->lexer, "="));
        C2S_TRY(c2s_text_read_name(r, &first));
    }
    C2S_TRY(read_operator(r, first, &domain, &type));
    if (c2s_lex_take(&r->lexer, ":"))
        C2S_TRY(c2s_text_read_name(r, &overload));
    c2s_node *node = c2s_node_create(s->graph, NULL, domain, type, 0, (unsigned)results->count);
    if (node_name)
        node->name = node_name;
    if (overload)
        node->overload = overload;
    C2S_TRY(c2s_text_read_attrs(r, node, s));
    C2S_TRY(read_operands(r, node, s));
    C2S_TRY(c2s_text_read_attrs(r, node, s));
    for (size_t i = results->count; i-- > 0;) {
        if (!results->at[i][0])
            c2s_node_drop_output(node, (unsigned)i);
        else
            C2S_TRY(define(r, s, results->at[i], node->outputs[i]));
    }
    return C2S_OK;
}

static c2s_status read_nodes(c2s_text_reader *r, c2s_text_scope *s) {
    C2S_TRY(c2s_lex_need(&r->lexer, "{"));
    name_list results = {0};
    c2s_status status = C2S_OK;
    while (status == C2S_OK && !c2s_lex_take(&r->lexer, "}")) {
        results.count = 0;
        status = read_node_parts(r, s, &results);
        c2s_lex_take(&r->lexer, ";"); /* allowed between nodes */
    }
    c2s_vec_free(&results);
    return status;
}

static c2s_status connect_outputs(c2s_text_reader *r, c2s_text_scope *s, const outputs *list) {
    for (size_t i = 0; i < list->count; i++) {
        c2s_value *value = find(s, list->at[i].name);
        if (!value)
            return c2s_lex_expected(&r->lexer, "output \"%s\" to be defined before this",
                                    list->at[i].name);
        if (value->type.kind == C2S_KIND_UNKNOWN)
            c2s_value_set_type(value, &list->at[i].type);
        c2s_graph_add_output(s->graph, value, list->at[i].name);
    }
    return C2S_OK;
}

static c2s_status read_interface(c2s_text_reader *r, c2s_text_scope *s, outputs *list) {
    C2S_TRY(read_inputs(r, s));
    C2S_TRY(read_outputs(r, list));
    C2S_TRY(read_constants(r, s));
    C2S_TRY(read_nodes(r, s));
    return connect_outputs(r, s, list);
}

c2s_status c2s_text_read_graph(c2s_text_reader *r, c2s_text_scope *s) {
    C2S_TRY(c2s_text_read_name(r, &s->graph->name));
    outputs list = {0};
    c2s_status status = read_interface(r, s, &list);
    c2s_vec_free(&list);
    return status;
}

/* ---- models and functions ---- */

typedef C2S_VEC(c2s_opset) opset_list;

static c2s_status read_opsets(c2s_text_reader *r, opset_list *list) {
    C2S_TRY(c2s_lex_need(&r->lexer, "["));
    while (!c2s_lex_take(&r->lexer, "]")) {
        c2s_opset opset = {0};
        C2S_TRY(c2s_text_read_name(r, &opset.domain));
        C2S_TRY(c2s_lex_need(&r->lexer, ":"));
        C2S_TRY(c2s_lex_integer(&r->lexer, &opset.version));
        c2s_vec_push(list, opset);
        if (c2s_lex_peek(&r->lexer) != ']')
            C2S_TRY(c2s_lex_need(&r->lexer, ","));
    }
    return C2S_OK;
}

typedef struct header {
    int64_t ir_version;
    const char *domain, *overload;
    opset_list opsets;
} header;

static c2s_status read_header(c2s_text_reader *r, header *h) {
    if (!c2s_lex_take(&r->lexer, "<"))
        return C2S_OK;
    while (!c2s_lex_take(&r->lexer, ">")) {
        const char *key, *text;
        C2S_TRY(c2s_lex_name(&r->lexer, &key));
        C2S_TRY(c2s_lex_need(&r->lexer, ":"));
        if (strcmp(key, "ir_version") == 0)
            C2S_TRY(c2s_lex_integer(&r->lexer, &h->ir_version));
        else if (strcmp(key, "opset_import") == 0)
            C2S_TRY(read_opsets(r, &h->opsets));
        else if (strcmp(key, "domain") == 0)
            C2S_TRY(c2s_text_read_name(r, &h->domain));
        else if (strcmp(key, "overload") == 0)
            C2S_TRY(c2s_text_read_name(r, &h->overload));
        else if (c2s_lex_is_name(&r->lexer)) /* producer_name and other texts */
            C2S_TRY(c2s_lex_name(&r->lexer, &text));
        else
            C2S_TRY(c2s_lex_integer(&r->lexer, &(int64_t){0}));
        if (c2s_lex_peek(&r->lexer) != '>')
            C2S_TRY(c2s_lex_need(&r->lexer, ","));
    }
    return C2S_OK;
}

static c2s_status read_function_parts(c2s_text_reader *r, c2s_function *f, header *h, outputs *list,
                                      c2s_text_scope *s) {
    C2S_TRY(read_header(r, h));
    f->domain = h->domain ? h->domain : intern(r, "");
    f->overload = h->overload ? h->overload : intern(r, "");
    for (size_t i = 0; i < h->opsets.count; i++)
        c2s_vec_push(&f->opsets, h->opsets.at[i]);
    C2S_TRY(c2s_text_read_name(r, &f->name));
    f->graph->name = f->name;
    if (c2s_lex_take(&r->lexer, "<"))
        while (!c2s_lex_take(&r->lexer, ">")) {
            const char *name;
            C2S_TRY(c2s_text_read_name(r, &name));
            char next = c2s_lex_peek(&r->lexer);
            if (next == ':' || next == '=') /* with a default */
                C2S_TRY(c2s_text_read_attr(r, f->graph->entry, s, name));
            else
                c2s_vec_push(&f->attrs, name);
            if (c2s_lex_peek(&r->lexer) != '>')
                C2S_TRY(c2s_lex_need(&r->lexer, ","));
        }
    return read_interface(r, s, list);
}

static c2s_status read_function(c2s_text_reader *r) {
    c2s_function *f = c2s_arena_alloc(r->model->arena, sizeof *f);
    f->graph = c2s_graph_create(r->model, NULL, "");
    c2s_vec_push(&r->model->functions, f);
    header h = {0};
    outputs list = {0};
    c2s_text_scope s = {.graph = f->graph};
    c2s_status status = read_function_parts(r, f, &h, &list, &s);
    c2s_vec_free(&h.opsets);
    c2s_vec_free(&list);
    c2s_map_free(&s.values);
    c2s_map_free(&s.types);
    return status;
}

/* What no place in the text is to blame for. */
static c2s_status check_model(const c2s_model *model) {
    c2s_status status = c2s_functions_check(model);
    if (status == C2S_OK)
        status = c2s_model_verify(model);
    if (status != C2S_OK)
        c2s_note("%s", model->path);
    return status;
}

static c2s_status read_model(c2s_text_reader *r) {
    header h = {.ir_version = 8};
    c2s_text_scope s = {.graph = r->model->graph};
    c2s_status status = read_header(r, &h);
    r->model->ir_version = h.ir_version;
    for (size_t i = 0; i < h.opsets.count; i++)
        c2s_vec_push(&r->model->opsets, h.opsets.at[i]);
    c2s_vec_free(&h.opsets);
    if (status == C2S_OK)
        status = c2s_text_read_graph(r, &s);
    while (status == C2S_OK && !c2s_lex_at_end(&r->lexer))
        status = read_function(r);
    c2s_map_free(&s.values);
    c2s_map_free(&s.types);
    return status;
}

c2s_status c2s_text_read(const char *text, size_t size, const char *path, c2s_model **out) {
    c2s_model *model = c2s_model_create();
    model->path = c2s_arena_strdup(model->arena, path);
    c2s_text_reader r = {.lexer = {.start = text, .at = text, .end = text + size, .path = path},
                         .model = model};
    r.lexer.arena = model->arena;
    c2s_status status = read_model(&r);
    if (status == C2S_OK)
        status = check_model(model);
    if (status == C2S_OK)
        *out = model;
    else
        c2s_model_destroy(model);
    return status;
}

c2s_status c2s_text_load(const char *path, c2s_model **out) {
    void *text;
    size_t size;
    C2S_TRY(c2s_file_read(path, UINT64_C(1) << 30, &text, &size));
    c2s_status status = c2s_text_read(text, size, path, out);
    free(text);
    return status;
}
