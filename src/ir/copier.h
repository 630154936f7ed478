/* SPDX-License-Identifier: Apache-2.0
 *
 * Shared by the files that copy models: copy.c and append.c. Nobody else includes this.
 */
#ifndef C2S_IR_COPIER_H
#define C2S_IR_COPIER_H

#include "base/map.h"
#include "ir/graph.h"

typedef struct c2s_copier {
    c2s_model *to;
    c2s_value **value; /* by old id */
    /* Of a copy into a model with a content of its own, else NULL: the table of the old dimensions,
     * and the names that values have there. */
    const c2s_dims *dims;
    c2s_map *taken;
    bool same_names; /* the model's names are a copy of the old one's */
} c2s_copier;

const char *c2s_copy_name(c2s_copier *c, const char *name);
/* Of a value: no other one has it. */
const char *c2s_copy_value_name(c2s_copier *c, const char *name);
/* The name itself, or with the first number with which it is not taken. Takes it. */
const char *c2s_copy_free_name(c2s_copier *c, const char *name);
c2s_type c2s_copy_type(c2s_copier *c, const c2s_type *type);
c2s_function *c2s_copy_function(c2s_copier *c, const c2s_function *from);
/* Initializers and nodes, behind those of `to`; inputs must be in c->value. */
void c2s_copy_content(c2s_copier *c, const c2s_graph *from, c2s_graph *to);
/* `to` keeps a message alive; those that `from` keeps so. */
void c2s_copy_origin(c2s_model *to, struct c2s_origin *origin);
void c2s_copy_origins(c2s_model *to, const c2s_model *from);

#endif
