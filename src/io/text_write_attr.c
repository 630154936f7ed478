/* SPDX-License-Identifier: Apache-2.0
 *
 * Words, types, tensors and attributes in the text syntax.
 */
#include <ctype.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "io/text_kinds.h"
#include "io/text_writer.h"

/* ---- words ---- */

static bool is_identifier(const char *text) {
    if (!isalpha((unsigned char)*text) && *text != '_')
        return false;
    while (isalnum((unsigned char)*text) || *text == '_')
        text++;
    return *text == '\0';
}

void c2s_text_put_quoted(c2s_text_writer *w, const char *text, size_t size) {
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

void c2s_text_put_name(c2s_text_writer *w, const char *name) {
    if (is_identifier(name))
        fputs(name, w->stream);
    else
        c2s_text_put_quoted(w, name, strlen(name));
}

/* Always recognisable as a float, and exact when read again: as many digits as that takes. */
static void put_float(c2s_text_writer *w, double value, bool is_double) {
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

void c2s_text_put_type(c2s_text_writer *w, const c2s_type *type) {
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
            c2s_text_put_type(w, type->element);
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
                c2s_text_put_quoted(w, dim, strlen(dim));
        }
        fputs("]", w->stream);
    }
    if (type->kind == C2S_KIND_SPARSE)
        fputs(")", w->stream);
}

/* ---- tensors ---- */

static void put_element(c2s_text_writer *w, const c2s_tensor *t, size_t i) {
    c2s_dtype dtype = t->type.dtype;
    int64_t integer;
    if (dtype == C2S_STRING) {
        const c2s_string *s = (const c2s_string *)c2s_tensor_data(t) + i;
        c2s_text_put_quoted(w, s->data, s->size);
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

void c2s_text_put_content(c2s_text_writer *w, const c2s_tensor *t) {
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

void c2s_text_put_tensor(c2s_text_writer *w, const c2s_tensor *t) {
    c2s_text_put_type(w, &t->type);
    fputs(" ", w->stream);
    c2s_text_put_content(w, t);
}

/* ---- attributes ---- */

static void put_list(c2s_text_writer *w, const c2s_attr *attr, unsigned depth) {
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
            c2s_text_put_quoted(w, attr->strings[i].data, attr->strings[i].size);
            break;
        case C2S_ATTR_TENSORS:
            c2s_text_put_tensor(w, attr->tensors[i]);
            break;
        default:
            c2s_text_put_graph(w, attr->graphs[i], depth);
            break;
        }
    }
    fputs("]", w->stream);
}

void c2s_text_put_attr(c2s_text_writer *w, const c2s_attr *attr, unsigned depth) {
    c2s_text_put_name(w, attr->name);
    bool plural = attr->kind >= C2S_ATTR_FLOATS && attr->kind <= C2S_ATTR_GRAPHS;
    const char *kind = c2s_text_kinds[attr->reference ? attr->reference_kind : attr->kind];
    if (kind && (attr->reference || (plural && attr->count == 0) || attr->kind >= C2S_ATTR_SPARSE))
        fprintf(w->stream, " : %s", kind);
    fputs(" = ", w->stream);
    if (attr->reference) {
        fputs("@", w->stream);
        c2s_text_put_name(w, attr->reference);
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
        c2s_text_put_quoted(w, attr->s.data, attr->s.size);
        break;
    case C2S_ATTR_TENSOR:
        c2s_text_put_tensor(w, attr->t);
        break;
    case C2S_ATTR_GRAPH:
        c2s_text_put_graph(w, attr->g, depth);
        break;
    case C2S_ATTR_TYPE:
        if (attr->type)
            c2s_text_put_type(w, attr->type);
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
