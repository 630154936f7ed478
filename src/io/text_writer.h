/* SPDX-License-Identifier: Apache-2.0
 *
 * What the files that write the text syntax share.
 */
#ifndef C2S_IO_TEXT_WRITER_H
#define C2S_IO_TEXT_WRITER_H

#include "io/save_names.h"
#include "io/text.h"

typedef struct c2s_text_writer {
    FILE *stream;
    c2s_text_options options;
    const c2s_model *model;
    c2s_save_names names; /* what values are called in the text: what they are called in a file */
} c2s_text_writer;

void c2s_text_put_quoted(c2s_text_writer *w, const char *text, size_t size);
/* In quotes unless it is an identifier. */
void c2s_text_put_name(c2s_text_writer *w, const char *name);
void c2s_text_put_type(c2s_text_writer *w, const c2s_type *type);
/* "{1, 2, 3}", without the type, and with it. */
void c2s_text_put_content(c2s_text_writer *w, const c2s_tensor *t);
void c2s_text_put_tensor(c2s_text_writer *w, const c2s_tensor *t);
/* "name = value"; `depth` is the indentation of lines in bodies. */
void c2s_text_put_attr(c2s_text_writer *w, const c2s_attr *attr, unsigned depth);
/* What c2s_text_read_graph reads. */
void c2s_text_put_graph(c2s_text_writer *w, const c2s_graph *graph, unsigned depth);

#endif
