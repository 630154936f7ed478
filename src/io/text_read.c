/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/map.h"
#include "io/text.h"
#include "io/text_tensor.h"

enum { MAX_NESTING = 64 };

/* The names that a graph can see. */
typedef struct scope {
    c2s_graph *graph;
    c2s_map values; /* interned name -> value */
    c2s_map types;  /* interned name -> declared type, for values that come later */
    struct scope *outer;
    unsigned depth;
} scope;

typedef struct reader {
    c2s_lexer lexer;
    c2s_model *model;
} reader;

static const char *intern(reader *r, const char *name) {
    return c2s_name_intern(r->model->names, name);
}

static c2s_status read_name(reader *r, const char **out) {
    C2S_TRY(c2s_lex_name(&r->lexer, out));
    *out = intern(r, *out);
    return C2S_OK;
}

/* ---- names ---- */

static c2s_status define(reader *r, scope *s, const char *name, c2s_value *value) {
    if (c2s_map_get(&s->values, name))
        return c2s_lex_expected(&r->lexer, "\"%s\" to be defined once only, before this", name);
    c2s_map_put(&s->values, name, value);
    c2s_value_set_name(value, name);
    const c2s_type *declared = c2s_map_get(&s->types, name);
    if (declared && value->type.kind == C2S_KIND_UNKNOWN)
        c2s_value_set_type(value, declared);
    return C2S_OK;
}

static c2s_value *find(scope *s, const char *name) {
    for (scope *at = s; at; at = at->outer) {
        c2s_value *value = c2s_map_get(&at->values, name);
        if (value)
            return c2s_graph_capture(s->graph, value);
    }
    return NULL;
}

/* ---- graphs ---- */

static c2s_status read_graph(reader *r, scope *s);

/* [type] name [= content] */
static c2s_status read_declaration(reader *r, const char **name, c2s_type *type,
                                   c2s_tensor **content) {
    *type = c2s_type_unknown();
    *content = NULL;
    if (c2s_text_is_type(&r->lexer))
        C2S_TRY(c2s_text_read_type(&r->lexer, r->model->dims, type));
    C2S_TRY(read_name(r, name));
    if (c2s_lex_take(&r->lexer, "="))
        C2S_TRY(c2s_text_read_content(&r->lexer, type, content));
    return C2S_OK;
}

static c2s_status read_inputs(reader *r, scope *s) {
    C2S_TRY(c2s_lex_need(&r->lexer, "("));
    while (!c2s_lex_take(&r->lexer, ")")) {
        const char *name;
        c2s_type type;
        c2s_tensor *content;
        C2S_TRY(read_declaration(r, &name, &type, &content));
        c2s_value *input = c2s_graph_add_input(s->graph, name, &type);
        input->initial = content;
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

static c2s_status read_outputs(reader *r, outputs *list) {
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
static c2s_status read_constants(reader *r, scope *s) {
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

/* ---- attributes ---- */

static c2s_status read_body(reader *r, scope *s, c2s_graph *body) {
    scope inner = {.graph = body, .outer = s, .depth = s->depth + 1};
    if (inner.depth > MAX_NESTING)
        return c2s_lex_expected(&r->lexer, "bodies nested at most %d deep", MAX_NESTING);
    c2s_status status = read_graph(r, &inner);
    c2s_map_free(&inner.values);
    c2s_map_free(&inner.types);
    return status;
}

/* The body must be in place before its content is read: captures find their slot through it. */
static c2s_status read_graph_value(reader *r, c2s_node *node, scope *s, c2s_attr *attr) {
    attr->kind = C2S_ATTR_GRAPH;
    attr->g = c2s_graph_create(r->model, node, "");
    c2s_attr_append(node, attr);
    return read_body(r, s, attr->g);
}

static c2s_status read_graph_list(reader *r, c2s_node *node, scope *s, c2s_attr *attr) {
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
    static const struct {
        const char *name;
        c2s_attr_kind kind;
    } kinds[] = {
        {"float", C2S_ATTR_FLOAT},   {"int", C2S_ATTR_INT},         {"string", C2S_ATTR_STRING},
        {"tensor", C2S_ATTR_TENSOR}, {"graph", C2S_ATTR_GRAPH},     {"floats", C2S_ATTR_FLOATS},
        {"ints", C2S_ATTR_INTS},     {"strings", C2S_ATTR_STRINGS}, {"tensors", C2S_ATTR_TENSORS},
        {"graphs", C2S_ATTR_GRAPHS}, {"type_proto", C2S_ATTR_TYPE}};
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (strcmp(kinds[i].name, name) == 0)
            return kinds[i].kind;
    return C2S_ATTR_UNDEFINED;
}

/* Numbers: of one kind, the first one's unless it was declared. */
static c2s_status read_numbers(reader *r, c2s_attr *attr) {
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

static c2s_status read_strings(reader *r, c2s_attr *attr) {
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

static c2s_status read_tensors(reader *r, c2s_attr *attr) {
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
static c2s_status read_value(reader *r, c2s_node *node, scope *s, c2s_attr *attr) {
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

/* An attribute from behind its name on. */
static c2s_status read_attr(reader *r, c2s_node *node, scope *s, const char *name) {
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
    if (!c2s_lex_take(&r->lexer, "@"))
        return read_value(r, node, s, &attr);
    C2S_TRY(read_name(r, &attr.reference));
    c2s_attr_append(node, &attr);
    return C2S_OK;
}

static c2s_status read_attrs(reader *r, c2s_node *node, scope *s) {
    if (!c2s_lex_take(&r->lexer, "<"))
        return C2S_OK;
    while (!c2s_lex_take(&r->lexer, ">")) {
        const char *name;
        C2S_TRY(read_name(r, &name));
        C2S_TRY(read_attr(r, node, s, name));
        if (c2s_lex_peek(&r->lexer) != '>')
            C2S_TRY(c2s_lex_need(&r->lexer, ","));
    }
    return C2S_OK;
}

/* ---- nodes ---- */

typedef C2S_VEC(const char *) name_list;

/* Domains are words with dots between: "ai.onnx.ml.LabelEncoder". */
static c2s_status read_operator(reader *r, const char *first, const char **domain,
                                const char **type) {
    size_t used = 0;
    char text[256];
    *type = first;
    while (c2s_lex_take(&r->lexer, ".")) {
        int n = snprintf(text + used, sizeof text - used, "%s%s", used ? "." : "", *type);
        if (n < 0 || (size_t)n >= sizeof text - used)
            return c2s_lex_expected(&r->lexer, "a shorter domain before this");
        used += (size_t)n;
        C2S_TRY(read_name(r, type));
    }
    *domain = used ? intern(r, text) : intern(r, "");
    return C2S_OK;
}

static c2s_status read_operands(reader *r, c2s_node *node, scope *s) {
    C2S_TRY(c2s_lex_need(&r->lexer, "("));
    while (!c2s_lex_take(&r->lexer, ")")) {
        const char *name;
        C2S_TRY(read_name(r, &name));
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

static c2s_status read_node_parts(reader *r, scope *s, name_list *results) {
    const char *node_name = NULL, *first, *domain = "", *type, *overload = NULL;
    if (c2s_lex_take(&r->lexer, "[")) {
        C2S_TRY(read_name(r, &node_name));
        C2S_TRY(c2s_lex_need(&r->lexer, "]"));
    }
    C2S_TRY(read_name(r, &first));
    if (c2s_lex_peek(&r->lexer) == ',' || c2s_lex_peek(&r->lexer) == '=') {
        c2s_vec_push(results, first);
        while (c2s_lex_take(&r->lexer, ",")) {
            C2S_TRY(read_name(r, &first));
            c2s_vec_push(results, first);
        }
        C2S_TRY(c2s_lex_need(&r->lexer, "="));
        C2S_TRY(read_name(r, &first));
    }
    C2S_TRY(read_operator(r, first, &domain, &type));
    if (c2s_lex_take(&r->lexer, ":"))
        C2S_TRY(read_name(r, &overload));
    c2s_node *node = c2s_node_create(s->graph, NULL, domain, type, 0, (unsigned)results->count);
    if (node_name)
        node->name = node_name;
    if (overload)
        node->overload = overload;
    C2S_TRY(read_attrs(r, node, s));
    C2S_TRY(read_operands(r, node, s));
    C2S_TRY(read_attrs(r, node, s));
    for (size_t i = results->count; i-- > 0;) {
        if (!results->at[i][0])
            c2s_node_drop_output(node, (unsigned)i);
        else
            C2S_TRY(define(r, s, results->at[i], node->outputs[i]));
    }
    return C2S_OK;
}

static c2s_status read_nodes(reader *r, scope *s) {
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

static c2s_status connect_outputs(reader *r, scope *s, const outputs *list) {
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

static c2s_status read_interface(reader *r, scope *s, outputs *list) {
    C2S_TRY(read_inputs(r, s));
    C2S_TRY(read_outputs(r, list));
    C2S_TRY(read_constants(r, s));
    C2S_TRY(read_nodes(r, s));
    return connect_outputs(r, s, list);
}

static c2s_status read_graph(reader *r, scope *s) {
    C2S_TRY(read_name(r, &s->graph->name));
    outputs list = {0};
    c2s_status status = read_interface(r, s, &list);
    c2s_vec_free(&list);
    return status;
}

/* ---- models and functions ---- */

typedef C2S_VEC(c2s_opset) opset_list;

static c2s_status read_opsets(reader *r, opset_list *list) {
    C2S_TRY(c2s_lex_need(&r->lexer, "["));
    while (!c2s_lex_take(&r->lexer, "]")) {
        c2s_opset opset = {0};
        C2S_TRY(read_name(r, &opset.domain));
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

static c2s_status read_header(reader *r, header *h) {
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
            C2S_TRY(read_name(r, &h->domain));
        else if (strcmp(key, "overload") == 0)
            C2S_TRY(read_name(r, &h->overload));
        else if (c2s_lex_is_name(&r->lexer)) /* producer_name and other texts */
            C2S_TRY(c2s_lex_name(&r->lexer, &text));
        else
            C2S_TRY(c2s_lex_integer(&r->lexer, &(int64_t){0}));
        if (c2s_lex_peek(&r->lexer) != '>')
            C2S_TRY(c2s_lex_need(&r->lexer, ","));
    }
    return C2S_OK;
}

static c2s_status read_function_parts(reader *r, c2s_function *f, header *h, outputs *list,
                                      scope *s) {
    C2S_TRY(read_header(r, h));
    f->domain = h->domain ? h->domain : intern(r, "");
    f->overload = h->overload ? h->overload : intern(r, "");
    for (size_t i = 0; i < h->opsets.count; i++)
        c2s_vec_push(&f->opsets, h->opsets.at[i]);
    C2S_TRY(read_name(r, &f->name));
    f->graph->name = f->name;
    if (c2s_lex_take(&r->lexer, "<"))
        while (!c2s_lex_take(&r->lexer, ">")) {
            const char *name;
            C2S_TRY(read_name(r, &name));
            char next = c2s_lex_peek(&r->lexer);
            if (next == ':' || next == '=') /* with a default */
                C2S_TRY(read_attr(r, f->graph->entry, s, name));
            else
                c2s_vec_push(&f->attrs, name);
            if (c2s_lex_peek(&r->lexer) != '>')
                C2S_TRY(c2s_lex_need(&r->lexer, ","));
        }
    return read_interface(r, s, list);
}

static c2s_status read_function(reader *r) {
    c2s_function *f = c2s_arena_alloc(r->model->arena, sizeof *f);
    f->graph = c2s_graph_create(r->model, NULL, "");
    c2s_vec_push(&r->model->functions, f);
    header h = {0};
    outputs list = {0};
    scope s = {.graph = f->graph};
    c2s_status status = read_function_parts(r, f, &h, &list, &s);
    c2s_vec_free(&h.opsets);
    c2s_vec_free(&list);
    c2s_map_free(&s.values);
    c2s_map_free(&s.types);
    return status;
}

static c2s_status read_model(reader *r) {
    header h = {.ir_version = 8};
    scope s = {.graph = r->model->graph};
    c2s_status status = read_header(r, &h);
    r->model->ir_version = h.ir_version;
    for (size_t i = 0; i < h.opsets.count; i++)
        c2s_vec_push(&r->model->opsets, h.opsets.at[i]);
    c2s_vec_free(&h.opsets);
    if (status == C2S_OK)
        status = read_graph(r, &s);
    while (status == C2S_OK && !c2s_lex_at_end(&r->lexer))
        status = read_function(r);
    c2s_map_free(&s.values);
    c2s_map_free(&s.types);
    return status;
}

c2s_status c2s_text_read(const char *text, size_t size, const char *path, c2s_model **out) {
    c2s_model *model = c2s_model_create();
    model->path = c2s_arena_strdup(model->arena, path);
    reader r = {.lexer = {.start = text, .at = text, .end = text + size, .path = path},
                .model = model};
    r.lexer.arena = model->arena;
    c2s_status status = read_model(&r);
    if (status == C2S_OK)
        status = c2s_model_verify(model);
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
