/* SPDX-License-Identifier: Apache-2.0 */
#include <ctype.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/map.h"
#include "io/text.h"

typedef struct writer {
    FILE *stream;
    c2s_text_options options;
    const c2s_model *model;
    c2s_map names; /* value -> const char *, where the interface decides the name */
} writer;

static const c2s_text_options all_of_it = {0};

/* ---- words ---- */

static bool is_identifier(const char *text) {
    if (!isalpha((unsigned char)*text) && *text != '_')
        return false;
    while (isalnum((unsigned char)*text) || *text == '_')
        text++;
    return *text == '\0';
}

static void put_quoted(writer *w, const char *text, size_t size) {
    fputc('"', w->stream);
    for (size_t i = 0; i < size; i++) {
        unsigned char c = (unsigned char)text[i];
        if (c == '"' || c == '\\')
            fprintf(w->stream, "\\%c", c);
        else if (c == '\n')
            fputs("\\n", w->stream);
        else if (c == '\t')
            fputs("\\t", w->stream);
        else if (c < 0x20 || c == 0x7f)
            fprintf(w->stream, "\\x%02x", c);
        else
            fputc(c, w->stream);
    }
    fputc('"', w->stream);
}

static void put_name(writer *w, const char *name) {
    if (is_identifier(name))
        fputs(name, w->stream);
    else
        put_quoted(w, name, strlen(name));
}

static const char *name_of(writer *w, const c2s_value *value) {
    const char *name = c2s_map_get(&w->names, value);
    return name ? name : value->name;
}

static void put_indent(writer *w, unsigned depth) {
    fprintf(w->stream, "%*s", (int)depth * 4, "");
}

/* Always recognisable as a float, and exact when read again: as many digits as that takes. */
static void put_float(writer *w, double value, bool is_double) {
    char text[40];
    if (isnan(value) || isinf(value)) {
        fputs(isnan(value) ? "nan" : value < 0 ? "-inf" : "inf", w->stream);
        return;
    }
    for (int digits = is_double ? 15 : 6, most = is_double ? 17 : 9; digits <= most; digits++) {
        snprintf(text, sizeof text, "%.*g", digits, value);
        double again = strtod(text, NULL);
        if (is_double ? again == value : (float)again == (float)value)
            break;
    }
    fprintf(w->stream, "%s%s", text, strpbrk(text, ".e") ? "" : ".0");
}

/* ---- types ---- */

static void put_type(writer *w, const c2s_type *type) {
    c2s_dims *dims = w->model->dims;
    switch (type->kind) {
    case C2S_KIND_UNKNOWN:
    case C2S_KIND_OPAQUE:
        fputs("?", w->stream);
        return;
    case C2S_KIND_SEQUENCE:
    case C2S_KIND_OPTIONAL:
    case C2S_KIND_MAP:
        fputs(type->kind == C2S_KIND_SEQUENCE   ? "seq("
              : type->kind == C2S_KIND_OPTIONAL ? "optional("
                                                : "map(",
              w->stream);
        if (type->kind == C2S_KIND_MAP)
            fprintf(w->stream, "%s, ", c2s_dtype_name(type->dtype));
        if (type->element)
            put_type(w, type->element);
        else
            fputs("?", w->stream);
        fputs(")", w->stream);
        return;
    case C2S_KIND_SPARSE:
        fputs("sparse_tensor(", w->stream);
        break;
    case C2S_KIND_TENSOR:
        break;
    }
    fputs(type->dtype == C2S_UNDEFINED ? "?" : c2s_dtype_name(type->dtype), w->stream);
    if (type->rank != 0) {
        fputs("[", w->stream);
        for (int i = 0; i < type->rank; i++) {
            const char *dim = c2s_dim_text(dims, type->dim[i]);
            fputs(i ? "," : "", w->stream);
            if (c2s_dim_is_known(type->dim[i]) || is_identifier(dim))
                fputs(dim, w->stream);
            else
                put_quoted(w, dim, strlen(dim));
        }
        fputs("]", w->stream);
    }
    if (type->kind == C2S_KIND_SPARSE)
        fputs(")", w->stream);
}

/* ---- tensors ---- */

static void put_element(writer *w, const c2s_tensor *t, size_t i) {
    c2s_dtype dtype = t->type.dtype;
    int64_t integer;
    if (dtype == C2S_STRING) {
        const c2s_string *s = (const c2s_string *)c2s_tensor_data(t) + i;
        put_quoted(w, s->data, s->size);
    } else if (dtype == C2S_COMPLEX64 || dtype == C2S_COMPLEX128) {
        for (size_t part = 2 * i; part < 2 * i + 2; part++) {
            double value = dtype == C2S_COMPLEX64
                               ? (double)((const float *)c2s_tensor_data(t))[part]
                               : ((const double *)c2s_tensor_data(t))[part];
            fputs(part % 2 ? ", " : "", w->stream);
            put_float(w, value, dtype == C2S_COMPLEX128);
        }
    } else if (dtype == C2S_UINT64) {
        fprintf(w->stream, "%" PRIu64, ((const uint64_t *)c2s_tensor_data(t))[i]);
    } else if (c2s_tensor_i64_at(t, i, &integer)) {
        fprintf(w->stream, "%" PRId64, integer);
    } else {
        put_float(w, c2s_tensor_f64_at(t, i), dtype == C2S_DOUBLE);
    }
}

static void put_content(writer *w, const c2s_tensor *t) {
    size_t shown = t->count;
    if (w->options.max_elements && shown > w->options.max_elements)
        shown = w->options.max_elements;
    fputs("{", w->stream);
    for (size_t i = 0; i < shown; i++) {
        fputs(i ? ", " : "", w->stream);
        put_element(w, t, i);
    }
    fputs(shown < t->count ? ", ...}" : "}", w->stream);
}

static void put_tensor(writer *w, const c2s_tensor *t) {
    put_type(w, &t->type);
    fputs(" ", w->stream);
    put_content(w, t);
}

/* ---- graphs ---- */

static void put_graph(writer *w, const c2s_graph *graph, unsigned depth);

static void put_list(writer *w, const c2s_attr *attr, unsigned depth) {
    fputs("[", w->stream);
    for (size_t i = 0; i < attr->count; i++) {
        fputs(i ? ", " : "", w->stream);
        switch (attr->kind) {
        case C2S_ATTR_FLOATS:
            put_float(w, (double)attr->floats[i], false);
            break;
        case C2S_ATTR_INTS:
            fprintf(w->stream, "%" PRId64, attr->ints[i]);
            break;
        case C2S_ATTR_STRINGS:
            put_quoted(w, attr->strings[i].data, attr->strings[i].size);
            break;
        case C2S_ATTR_TENSORS:
            put_tensor(w, attr->tensors[i]);
            break;
        default:
            put_graph(w, attr->graphs[i], depth);
            break;
        }
    }
    fputs("]", w->stream);
}

static const char *kind_name(c2s_attr_kind kind) {
    static const char *const names[] = {
        "undefined",      "float",      "int",        "string",  "tensor", "graph",
        "floats",         "ints",       "strings",    "tensors", "graphs", "sparse_tensor",
        "sparse_tensors", "type_proto", "type_protos"};
    return names[kind];
}

static void put_attr(writer *w, const c2s_attr *attr, unsigned depth) {
    put_name(w, attr->name);
    bool plural = attr->kind >= C2S_ATTR_FLOATS && attr->kind <= C2S_ATTR_GRAPHS;
    if (attr->reference || (plural && attr->count == 0) || attr->kind >= C2S_ATTR_SPARSE)
        fprintf(w->stream, " : %s",
                kind_name(attr->reference ? attr->reference_kind : attr->kind));
    fputs(" = ", w->stream);
    if (attr->reference) {
        fputs("@", w->stream);
        put_name(w, attr->reference);
        return;
    }
    switch (attr->kind) {
    case C2S_ATTR_FLOAT:
        put_float(w, (double)attr->f, false);
        break;
    case C2S_ATTR_INT:
        fprintf(w->stream, "%" PRId64, attr->i);
        break;
    case C2S_ATTR_STRING:
        put_quoted(w, attr->s.data, attr->s.size);
        break;
    case C2S_ATTR_TENSOR:
        put_tensor(w, attr->t);
        break;
    case C2S_ATTR_GRAPH:
        put_graph(w, attr->g, depth);
        break;
    case C2S_ATTR_TYPE:
        if (attr->type)
            put_type(w, attr->type);
        else
            fputs("...", w->stream);
        break;
    default:
        if (plural)
            put_list(w, attr, depth);
        else
            fputs("...", w->stream);
        break;
    }
}

static void put_node(writer *w, const c2s_node *node, unsigned depth) {
    put_indent(w, depth);
    if (w->options.node_names && node->name[0]) {
        fputs("[", w->stream);
        put_name(w, node->name);
        fputs("] ", w->stream);
    }
    for (unsigned i = 0; i < node->output_count; i++) {
        fputs(i ? ", " : "", w->stream);
        put_name(w, node->outputs[i] ? name_of(w, node->outputs[i]) : "");
    }
    fputs(node->output_count ? " = " : "", w->stream);
    if (node->domain[0]) {
        fputs(node->domain, w->stream);
        fputs(".", w->stream);
    }
    put_name(w, node->type);
    if (node->overload[0]) {
        fputs(":", w->stream);
        put_name(w, node->overload);
    }
    if (node->attr_count) {
        fputs(" <", w->stream);
        for (unsigned i = 0; i < node->attr_count; i++) {
            fputs(i ? ", " : "", w->stream);
            put_attr(w, &node->attrs[i], depth);
        }
        fputs(">", w->stream);
    }
    fputs(" (", w->stream);
    for (unsigned i = 0; i < node->formal_count; i++) {
        const c2s_value *value = node->inputs[i].value;
        fputs(i ? ", " : "", w->stream);
        put_name(w, value ? name_of(w, value) : "");
    }
    fputs(")", w->stream);
    if (w->options.types)
        for (unsigned i = 0; i < node->output_count; i++)
            if (node->outputs[i]) {
                fputs(i ? ", " : "  # ", w->stream);
                put_type(w, &node->outputs[i]->type);
            }
    fputs("\n", w->stream);
}

/* Outputs of one name are one value: the first is written. */
static bool is_repeated(const c2s_graph *graph, unsigned output) {
    for (unsigned i = 0; i < output; i++)
        if (c2s_graph_output_name(graph, i) == c2s_graph_output_name(graph, output))
            return true;
    return false;
}

/* The interface decides the names of what it exports. A second output of the same value, and an
 * input that is an output under another name, need an Identity. */
static bool needs_identity(const c2s_graph *graph, unsigned output) {
    const c2s_value *value = c2s_graph_output(graph, output);
    const char *name = c2s_graph_output_name(graph, output);
    if (is_repeated(graph, output))
        return false;
    if (value->def == graph->entry || !value->def)
        return strcmp(value->name, name) != 0;
    for (unsigned i = 0; i < output; i++)
        if (c2s_graph_output(graph, i) == value)
            return true;
    return false;
}

static void put_interface(writer *w, const c2s_graph *graph, bool typed) {
    fputs(" (", w->stream);
    for (unsigned i = 0; i < c2s_graph_input_count(graph); i++) {
        const c2s_value *input = c2s_graph_input(graph, i);
        fputs(i ? ", " : "", w->stream);
        if (typed && input->type.kind != C2S_KIND_UNKNOWN) {
            put_type(w, &input->type);
            fputs(" ", w->stream);
        }
        put_name(w, input->name);
        if (input->initial) {
            fputs(" = ", w->stream);
            put_content(w, input->initial);
        }
    }
    fputs(") => (", w->stream);
    for (unsigned i = 0; i < c2s_graph_output_count(graph); i++) {
        const c2s_value *output = c2s_graph_output(graph, i);
        fputs(i ? ", " : "", w->stream);
        if (typed && output->type.kind != C2S_KIND_UNKNOWN) {
            put_type(w, &output->type);
            fputs(" ", w->stream);
        }
        put_name(w, c2s_graph_output_name(graph, i));
    }
    fputs(")", w->stream);
}

static void put_initializers(writer *w, const c2s_graph *graph, unsigned depth) {
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
        put_type(w, &value->type);
        fputs(" ", w->stream);
        put_name(w, name_of(w, value));
        fputs(" = ", w->stream);
        put_content(w, value->constant);
    }
    if (!first)
        fputs(">", w->stream);
}

/* A function has no initializers. */
static void put_constants(writer *w, const c2s_graph *graph, unsigned depth) {
    for (size_t i = 0; i < graph->initializers.count; i++) {
        const c2s_value *value = graph->initializers.at[i];
        if (!value)
            continue;
        put_indent(w, depth);
        put_name(w, name_of(w, value));
        fputs(" = Constant <value = ", w->stream);
        put_tensor(w, value->constant);
        fputs("> ()\n", w->stream);
    }
}

static void put_nodes(writer *w, const c2s_graph *graph, unsigned depth) {
    fputs("{\n", w->stream);
    if (c2s_graph_is_function(graph))
        put_constants(w, graph, depth + 1);
    for (const c2s_node *node = graph->first; node; node = node->next)
        put_node(w, node, depth + 1);
    for (unsigned i = 0; i < c2s_graph_output_count(graph); i++) {
        if (!needs_identity(graph, i))
            continue;
        put_indent(w, depth + 1);
        put_name(w, c2s_graph_output_name(graph, i));
        fputs(" = Identity (", w->stream);
        put_name(w, name_of(w, c2s_graph_output(graph, i)));
        fputs(")\n", w->stream);
    }
    put_indent(w, depth);
    fputs("}", w->stream);
}

/* Names that the interface decides, and those of captures, which are named by what they capture. */
static void decide_names(writer *w, const c2s_graph *graph) {
    for (unsigned i = 0; i < c2s_graph_output_count(graph); i++)
        if (!is_repeated(graph, i) && !needs_identity(graph, i))
            c2s_map_put(&w->names, c2s_graph_output(graph, i),
                        (void *)(uintptr_t)c2s_graph_output_name(graph, i));
    unsigned captures = graph->entry->output_count - graph->formal_inputs;
    unsigned slot = captures ? c2s_graph_hidden_slot(graph) : 0;
    for (unsigned j = 0; j < captures; j++)
        c2s_map_put(&w->names, graph->entry->outputs[graph->formal_inputs + j],
                    (void *)(uintptr_t)name_of(w, graph->owner->inputs[slot + j].value));
}

static void put_graph(writer *w, const c2s_graph *graph, unsigned depth) {
    decide_names(w, graph);
    put_name(w, graph->name[0] ? graph->name : "graph");
    put_interface(w, graph, true);
    put_initializers(w, graph, depth);
    fputs("\n", w->stream);
    put_indent(w, depth);
    put_nodes(w, graph, depth);
}

static void put_opsets(writer *w, const c2s_opset *opsets, size_t count) {
    fputs("opset_import: [", w->stream);
    for (size_t i = 0; i < count; i++) {
        fputs(i ? ", " : "", w->stream);
        put_quoted(w, opsets[i].domain, strlen(opsets[i].domain));
        fprintf(w->stream, " : %" PRId64, opsets[i].version);
    }
    fputs("]", w->stream);
}

static void put_function(writer *w, const c2s_function *f) {
    fputs("\n<domain: ", w->stream);
    put_quoted(w, f->domain, strlen(f->domain));
    if (f->overload[0]) {
        fputs(", overload: ", w->stream);
        put_quoted(w, f->overload, strlen(f->overload));
    }
    fputs(", ", w->stream);
    put_opsets(w, f->opsets.at, f->opsets.count);
    fputs(">\n", w->stream);
    put_name(w, f->name);
    const c2s_node *defaults = f->graph->entry;
    for (size_t i = 0; i < f->attrs.count; i++) {
        fputs(i ? ", " : " <", w->stream);
        put_name(w, f->attrs.at[i]);
    }
    for (unsigned i = 0; i < defaults->attr_count; i++) {
        fputs(i || f->attrs.count ? ", " : " <", w->stream);
        put_attr(w, &defaults->attrs[i], 0);
    }
    if (f->attrs.count || defaults->attr_count)
        fputs(">", w->stream);
    decide_names(w, f->graph);
    put_interface(w, f->graph, false);
    fputs("\n", w->stream);
    put_nodes(w, f->graph, 0);
    fputs("\n", w->stream);
}

void c2s_text_write(const c2s_model *model, const c2s_text_options *options, FILE *stream) {
    writer w = {.stream = stream, .options = options ? *options : all_of_it, .model = model};
    fprintf(stream, "<ir_version: %" PRId64 ", ", model->ir_version);
    put_opsets(&w, model->opsets.at, model->opsets.count);
    fputs(">\n", stream);
    put_graph(&w, model->graph, 0);
    fputs("\n", stream);
    for (size_t i = 0; i < model->functions.count; i++)
        put_function(&w, model->functions.at[i]);
    c2s_map_free(&w.names);
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
