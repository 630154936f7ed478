/* SPDX-License-Identifier: Apache-2.0
 *
 * What the files that read the text syntax share.
 */
#ifndef C2S_IO_TEXT_READER_H
#define C2S_IO_TEXT_READER_H

#include "base/map.h"
#include "io/text.h"
#include "io/text_tensor.h"

/* The names that a graph can see. */
typedef struct c2s_text_scope {
    c2s_graph *graph;
    c2s_map values; /* interned name -> value */
    c2s_map types;  /* interned name -> declared type, for values that come later */
    struct c2s_text_scope *outer;
    unsigned depth;
} c2s_text_scope;

typedef struct c2s_text_reader {
    c2s_lexer lexer;
    c2s_model *model;
} c2s_text_reader;

/* A name, interned. */
c2s_status c2s_text_read_name(c2s_text_reader *r, const char **out);
/* "name (inputs) => (outputs) <constants> { nodes }" into scope->graph. */
c2s_status c2s_text_read_graph(c2s_text_reader *r, c2s_text_scope *scope);
/* "<name = value, ...>" if it is next: appended to the node's attributes. */
c2s_status c2s_text_read_attrs(c2s_text_reader *r, c2s_node *node, c2s_text_scope *scope);
/* What follows the attribute's name: ": kind = value" or "= value". */
c2s_status c2s_text_read_attr(c2s_text_reader *r, c2s_node *node, c2s_text_scope *scope,
                              const char *name);

#endif
