/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/values.h"

#include <string.h>

#include "cli/table.h"
#include "ir/graph_list.h"

enum { TYPE_TEXT = 512, SHOWN_CONTENTS = 8 };

static json_t *dim_json(const c2s_model *model, c2s_dim dim) {
    return c2s_dim_is_known(dim) ? json_integer(dim)
                                 : c2s_json_text(c2s_dim_text(model->dims, dim));
}

/* Adds what a type says to an object; containers say what they hold in "of". */
static void add_type(const c2s_model *model, const c2s_type *type, json_t *json) {
    char text[TYPE_TEXT];
    json_object_set_new(json, "type",
                        c2s_json_text(c2s_type_text(model->dims, type, text, sizeof text)));
    if (type->element) {
        json_t *of = json_object();
        add_type(model, type->element, of);
        json_object_set_new(json, "of", of);
    }
    if (type->kind != C2S_KIND_TENSOR)
        return;
    json_object_set_new(json, "element", c2s_json_text(c2s_dtype_name(type->dtype)));
    json_t *shape = type->rank < 0 ? json_null() : json_array();
    for (int i = 0; i < type->rank; i++)
        json_array_append_new(shape, dim_json(model, type->dim[i]));
    json_object_set_new(json, "shape", shape);
}

json_t *cli_value_json(const c2s_model *model, const char *name, const c2s_type *type) {
    json_t *value = json_object();
    json_object_set_new(value, "name", c2s_json_text(name));
    add_type(model, type, value);
    return value;
}

/* The attribute that holds a body; the plural kind has the index behind it. */
static void body_name(const c2s_graph *body, char *text, size_t size) {
    const c2s_node *owner = body->owner;
    snprintf(text, size, "?");
    for (unsigned i = 0; i < owner->attr_count; i++) {
        const c2s_attr *attr = &owner->attrs[i];
        if (attr->kind == C2S_ATTR_GRAPH && attr->g == body)
            snprintf(text, size, "%s", attr->name);
        for (size_t k = 0; attr->kind == C2S_ATTR_GRAPHS && k < attr->count; k++)
            if (attr->graphs[k] == body)
                snprintf(text, size, "%s[%zu]", attr->name, k);
    }
}

static const char *first_output(const c2s_node *node) {
    for (unsigned k = 0; k < node->output_count; k++)
        if (node->outputs[k])
            return node->outputs[k]->name;
    return "";
}

typedef void visitor(void *user, const c2s_graph *graph, const c2s_value *value);

/* Captures and constants are left out: they belong to the graph around, or the file lists them. */
static void visit(const c2s_graph *graph, visitor *see, void *user) {
    for (unsigned i = 0; i < graph->formal_inputs; i++)
        see(user, graph, graph->entry->outputs[i]);
    for (const c2s_node *node = graph->first; node; node = node->next)
        for (unsigned k = 0; k < node->output_count; k++)
            if (node->outputs[k])
                see(user, graph, node->outputs[k]);
}

/* ---- for people ---- */

typedef struct printer {
    const c2s_model *model;
    cli_table table;
} printer;

static void print_contents(const c2s_model *model, const c2s_value *value, char *text,
                           size_t size) {
    size_t used = 0;
    text[0] = '\0';
    if (!value->contents || value->content_count > SHOWN_CONTENTS)
        return;
    used += (size_t)snprintf(text, size, " = [");
    for (unsigned k = 0; k < value->content_count && used < size; k++)
        used += (size_t)snprintf(text + used, size - used, "%s%s", k ? ", " : "",
                                 c2s_dim_text(model->dims, value->contents[k]));
    if (used < size)
        snprintf(text + used, size - used, "]");
}

static void print_value(void *user, const c2s_graph *graph, const c2s_value *value) {
    printer *p = user;
    char type[TYPE_TEXT], contents[TYPE_TEXT / 2];
    print_contents(p->model, value, contents, sizeof contents);
    cli_cell(&p->table, "%s%s", graph->owner ? "  " : "", value->name);
    cli_cell(&p->table, "%s", value->def && value->def != graph->entry ? value->def->type : "input");
    cli_cell(&p->table, "%s%s", c2s_type_text(p->model->dims, &value->type, type, sizeof type),
             contents);
}

void cli_values_print(const c2s_model *model, FILE *stream) {
    c2s_graph_list graphs = {0};
    c2s_graph_list_add(&graphs, model->graph);
    for (size_t i = 0; i < graphs.count; i++) {
        printer p = {.model = model};
        cli_table_start(&p.table, 3, 3);
        visit(graphs.at[i], print_value, &p);
        if (i > 0) {
            char name[128];
            body_name(graphs.at[i], name, sizeof name);
            fprintf(stream, "%s of %s\n", name, c2s_node_text(graphs.at[i]->owner));
        }
        cli_table_print(&p.table, stream);
        cli_table_free(&p.table);
    }
    c2s_vec_free(&graphs);
}

/* ---- for machines ---- */

typedef struct collector {
    const c2s_model *model;
    json_t *list;
} collector;

static json_t *path_json(const c2s_graph *graph) {
    json_t *path = json_array();
    for (; graph->owner; graph = graph->owner->graph) {
        char name[128];
        body_name(graph, name, sizeof name);
        json_array_insert_new(path, 0, c2s_json_text(name));
        json_array_insert_new(path, 0, c2s_json_text(first_output(graph->owner)));
    }
    return path;
}

static void collect_value(void *user, const c2s_graph *graph, const c2s_value *value) {
    const collector *c = user;
    json_t *json = cli_value_json(c->model, value->name, &value->type);
    bool input = !value->def || value->def == graph->entry;
    json_object_set_new(json, "operator", input ? json_null() : c2s_json_text(value->def->type));
    json_object_set_new(json, "body", path_json(graph));
    if (value->contents) {
        json_t *contents = json_array();
        for (unsigned k = 0; k < value->content_count; k++)
            json_array_append_new(contents, dim_json(c->model, value->contents[k]));
        json_object_set_new(json, "contents", contents);
    }
    json_array_append_new(c->list, json);
}

json_t *cli_values_json(const c2s_model *model) {
    c2s_graph_list graphs = {0};
    collector c = {model, json_array()};
    c2s_graph_list_add(&graphs, model->graph);
    for (size_t i = 0; i < graphs.count; i++)
        visit(graphs.at[i], collect_value, &c);
    c2s_vec_free(&graphs);
    return c.list;
}
