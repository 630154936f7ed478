/* SPDX-License-Identifier: Apache-2.0
 *
 * Building nodes inside rules: every built node is inserted before the root, has its outputs
 * inferred at once, and is undone if the rule fails.
 */
#ifndef C2S_REWRITE_BUILDER_H
#define C2S_REWRITE_BUILDER_H

#include "rewrite/pattern.h"

struct c2s_builder {
    c2s_graph *graph;
    c2s_node *before; /* new nodes go before this one */
    const char *hint; /* basis of new names */
    bool failed;      /* once set, further calls do nothing and return NULL */
    C2S_VEC(c2s_node *) built;
};

/* A node of ai.onnx with one output; `in` may hold NULL for inputs left out. Returns output 0 or
 * NULL (failed). Set attributes with the _with form: pairs end with NULL. */
c2s_value *c2s_build(c2s_builder *b, const char *type, c2s_value *const *in, unsigned in_count);
/* Copies all attributes of `like` (same operator). Returns output 0; the node is value->def. */
c2s_value *c2s_build_like(c2s_builder *b, const c2s_node *like, c2s_value *const *in,
                          unsigned in_count);
/* After attributes of a built node were set or changed: infers again. False: failed. */
bool c2s_build_finish(c2s_builder *b, c2s_value *output);
/* A new constant; takes over the reference. NULL tensor: failed. */
c2s_value *c2s_build_constant(c2s_builder *b, const char *hint, c2s_tensor *tensor);
c2s_value *c2s_build_ints(c2s_builder *b, const char *hint, const int64_t *values, size_t count);

#endif
