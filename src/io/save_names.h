/* SPDX-License-Identifier: Apache-2.0
 *
 * What values are called in the saved file. Graph outputs have the names of the interface, whatever
 * a pass connected to them; other values give way.
 */
#ifndef C2S_IO_SAVE_NAMES_H
#define C2S_IO_SAVE_NAMES_H

#include "ir/graph.h"

typedef struct c2s_save_names {
    const char **of; /* by value id; interned in `names` */
    c2s_names
        *names; /* the model's, and those made for this file: the next one is called the same */
    C2S_VEC(struct c2s_renamed_output {
        c2s_graph *graph;
        unsigned index;
        const char *before;
    })
    renamed; /* outputs of bodies, which have their names back afterwards */
} c2s_save_names;

/* The names of all values of all graphs. An output whose value cannot have its name (an input, or
 * a value that is two outputs) needs an Identity: the value's name differs from the output's. */
void c2s_save_names_init(c2s_save_names *names, c2s_model *model);
/* Per output of the graph: an Identity has to make it. The caller frees them. */
bool *c2s_save_identities(const c2s_save_names *names, const c2s_graph *graph);
/* The model is again as it was. */
void c2s_save_names_free(c2s_save_names *names);

#endif
