/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "io/text_writer.h"

static const c2s_text_options all_of_it = {0};

static const char *name_of(const c2s_text_writer *w, const c2s_value *value) {
    return w->names.of[value->id];
}

static void put_indent(c2s_text_writer *w, unsigned depth) {
    fprintf(w->stream, "%*s", (int)depth * 4, "");
}

/* Domains are words with dots between. */
static void put_operator(c2s_text_writer *w, const c2s_node *node) {
    for (const char *at = node->domain; *at;) {
        const size_t length = strcspn(at, ".");
        c2s_text_put_name(w, c2s_name_intern_n(w->model->names, at, length));
        fputs(".", w->stream);
        at += at[length] ? length + 1 : length;
    }
    c2s_text_put_name(w, node->type);
}

static void put_node(c2s_text_writer *w, const c2s_node *node, unsigned depth) {
    put_indent(w, depth);
    if (w->options.node_names && node->name[0]) {
        fputs("[", w->stream);
        c2s_text_put_name(w, node->name);
        fputs("] ", w->stream);
    }
    for (unsigned i = 0; i < node->output_count; i++) {
        fputs(i ? ", " : "", w->stream);
        c2s_text_put_name(w, node->outputs[i] ? name_of(w, node->outputs[i]) : "");
    }
    fputs(node->output_count ? " = " : "", w->stream);
    put_operator(w, node);
    if (node->overload[0]) {
        fputs(":", w->stream);
        c2s_text_put_name(w, node->overload);
    }
    if (node->attr_count) {
        fputs(" <", w->stream);
        for (unsigned i = 0; i < node->attr_count; i++) {
            fputs(i ? ", " : "", w->stream);
            c2s_text_put_attr(w, &node->attrs[i], depth);
        }
        fputs(">", w->stream);
    }
    fputs(" (", w->stream);
    for (unsigned i = 0; i < node->formal_count; i++) {
        const c2s_value *value = node->inputs[i].value;
        fputs(i ? ", " : "", w->stream);
        c2s_text_put_name(w, value ? name_of(w, value) : "");
    }
    fputs(")", w->stream);
    if (w->options.types)
        for (unsigned i = 0; i < node->output_count; i++)
            if (node->outputs[i]) {
                fputs(i ? ", " : "  # ", w->stream);
                c2s_text_put_type(w, &node->outputs[i]->type);
            }
    fputs("\n", w->stream);
}

static void put_interface(c2s_text_writer *w, const c2s_graph *graph, bool typed) {
    fputs(" (", w->stream);
    for (unsigned i = 0; i < c2s_graph_input_count(graph); i++) {
        const c2s_value *input = c2s_graph_input(graph, i);
        fputs(i ? ", " : "", w->stream);
        if (typed && input->type.kind != C2S_KIND_UNKNOWN) {
            c2s_text_put_type(w, &input->type);
            fputs(" ", w->stream);
        }
        c2s_text_put_name(w, name_of(w, input));
        if (input->initial) {
            fputs(" = ", w->stream);
            c2s_text_put_content(w, input->initial);
        }
    }
    fputs(") => (", w->stream);
    for (unsigned i = 0; i < c2s_graph_output_count(graph); i++) {
        const c2s_value *output = c2s_graph_output(graph, i);
        fputs(i ? ", " : "", w->stream);
        if (typed && output->type.kind != C2S_KIND_UNKNOWN) {
            c2s_text_put_type(w, &output->type);
            fputs(" ", w->stream);
        }
        c2s_text_put_name(w, c2s_graph_output_name(graph, i));
    }
    fputs(")", w->stream);
}

static void put_initializers(c2s_text_writer *w, const c2s_graph *graph, unsigned depth) {
    bool first = true;
    for (size_t i = 0; i < graph->initializers.count; i++) {
        const c2s_value *value = graph->initializers.at[i];
        if (!value)
            continue;
        if (first) {
            fputs("\n", w->stream);
            put_indent(w, depth);
            fputs("<", w->stream);
        } else {
            fputs(", ", w->stream);
        }
        first = false;
        c2s_text_put_type(w, &value->type);
        fputs(" ", w->stream);
        c2s_text_put_name(w, name_of(w, value));
        fputs(" = ", w->stream);
        c2s_text_put_content(w, value->constant);
    }
    if (!first)
        fputs(">", w->stream);
}

/* A function has no initializers. */
static void put_constants(c2s_text_writer *w, const c2s_graph *graph, unsigned depth) {
    for (size_t i = 0; i < graph->initializers.count; i++) {
        const c2s_value *value = graph->initializers.at[i];
        if (!value)
            continue;
        put_indent(w, depth);
        c2s_text_put_name(w, name_of(w, value));
        fputs(" = Constant <value = ", w->stream);
        c2s_text_put_tensor(w, value->constant);
        fputs("> ()\n", w->stream);
    }
}

static void put_nodes(c2s_text_writer *w, const c2s_graph *graph, unsigned depth) {
    fputs("{\n", w->stream);
    if (c2s_graph_is_function(graph))
        put_constants(w, graph, depth + 1);
    for (const c2s_node *node = graph->first; node; node = node->next)
        put_node(w, node, depth + 1);
    bool *identities = c2s_save_identities(&w->names, graph);
    for (unsigned i = 0; i < c2s_graph_output_count(graph); i++) {
        if (!identities[i])
            continue;
        put_indent(w, depth + 1);
        c2s_text_put_name(w, c2s_graph_output_name(graph, i));
        fputs(" = Identity (", w->stream);
        c2s_text_put_name(w, name_of(w, c2s_graph_output(graph, i)));
        fputs(")\n", w->stream);
    }
    free(identities);
    put_indent(w, depth);
    fputs("}", w->stream);
}

void c2s_text_put_graph(c2s_text_writer *w, const c2s_graph *graph, unsigned depth) {
    c2s_text_put_name(w, graph->name[0] ? graph->name : "graph");
    put_interface(w, graph, true);
    put_initializers(w, graph, depth);
    fputs("\n", w->stream);
    put_indent(w, depth);
    put_nodes(w, graph, depth);
}

static void put_opsets(c2s_text_writer *w, const c2s_opset *opsets, size_t count) {
    fputs("opset_import: [", w->stream);
    for (size_t i = 0; i < count; i++) {
        fputs(i ? ", " : "", w->stream);
        c2s_text_put_quoted(w, opsets[i].domain, strlen(opsets[i].domain));
        fprintf(w->stream, " : %" PRId64, opsets[i].version);
    }
    fputs("]", w->stream);
}

static void put_function(c2s_text_writer *w, const c2s_function *f) {
    fputs("\n<domain: ", w->stream);
    c2s_text_put_quoted(w, f->domain, strlen(f->domain));
    if (f->overload[0]) {
        fputs(", overload: ", w->stream);
        c2s_text_put_quoted(w, f->overload, strlen(f->overload));
    }
    fputs(", ", w->stream);
    put_opsets(w, f->opsets.at, f->opsets.count);
    fputs(">\n", w->stream);
    c2s_text_put_name(w, f->name);
    const c2s_node *defaults = f->graph->entry;
    for (size_t i = 0; i < f->attrs.count; i++) {
        fputs(i ? ", " : " <", w->stream);
        c2s_text_put_name(w, f->attrs.at[i]);
    }
    for (unsigned i = 0; i < defaults->attr_count; i++) {
        fputs(i || f->attrs.count ? ", " : " <", w->stream);
        c2s_text_put_attr(w, &defaults->attrs[i], 0);
    }
    if (f->attrs.count || defaults->attr_count)
        fputs(">", w->stream);
    put_interface(w, f->graph, false);
    fputs("\n", w->stream);
    put_nodes(w, f->graph, 0);
    fputs("\n", w->stream);
}

void c2s_text_write(const c2s_model *original, const c2s_text_options *options, FILE *stream) {
    c2s_model *model = c2s_model_copy(original); /* names that give way are new ones of the model */
    c2s_text_writer w = {
        .stream = stream, .options = options ? *options : all_of_it, .model = model};
    c2s_save_names_init(&w.names, model);
    fprintf(stream, "<ir_version: %" PRId64 ", ", model->ir_version);
    put_opsets(&w, model->opsets.at, model->opsets.count);
    fputs(">\n", stream);
    c2s_text_put_graph(&w, model->graph, 0);
    fputs("\n", stream);
    for (size_t i = 0; i < model->functions.count; i++)
        put_function(&w, model->functions.at[i]);
    c2s_save_names_free(&w.names);
    c2s_model_destroy(model);
}

bool c2s_text_is_path(const char *path) {
    static const char ending[] = ".onnxtxt";
    size_t length = strlen(path), tail = sizeof ending - 1;
    return length > tail && strcmp(path + length - tail, ending) == 0;
}

c2s_status c2s_text_save(const c2s_model *model, const char *path) {
    c2s_atomic_file file;
    C2S_TRY(c2s_atomic_open(path, &file));
    c2s_text_write(model, &(c2s_text_options){.node_names = true}, file.stream);
    return c2s_atomic_commit(&file);
}
