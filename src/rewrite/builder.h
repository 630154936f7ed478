/* SPDX-License-Identifier: Apache-2.0
 *
 * Building nodes inside rules: every built node is inserted before the root, has its outputs
 * inferred at once, and is undone if the rule fails. Once something has failed, further calls do
 * nothing and return NULL, and NULL operands where one is needed fail: a rule checks at its end.
 */
#ifndef C2S_REWRITE_BUILDER_H
#define C2S_REWRITE_BUILDER_H

#include "rewrite/pattern.h"

struct c2s_builder {
    c2s_graph *graph;
    c2s_node *before;  /* new nodes go before this one */
    const char *hint;  /* basis of new names */
    c2s_status status; /* the first failure; its message is in c2s_error() */
    /* What replaces outputs 1, 2, ... of the root: those that the rule has in `results`. */
    c2s_value *further[C2S_PATTERN_FURTHER];
    C2S_VEC(c2s_node *) built;
    C2S_VEC(c2s_value *) successors; /* pairs: new constant, the one whose name it may take */
    C2S_VEC(struct c2s_heir {
        c2s_value *value; /* of a node built like another one */
        const char *name; /* that it takes if that one is gone */
        const void *origin;
        unsigned node; /* id of that one */
    })
    heirs;
    C2S_VEC(c2s_value *)
    replaced; /* pairs: a result of another node than the root, its successor */
};

/* Records a failure; true if `status` is C2S_OK and nothing failed before. C2S_ERR_MEMORY ends the
 * run; anything else counts as a refusal of the rule. */
bool c2s_build_ok(c2s_builder *b, c2s_status status);

/* A node of ai.onnx with one output; `in` may hold NULL for inputs left out. Set attributes, then
 * call c2s_build_finish. */
c2s_node *c2s_build_start(c2s_builder *b, const char *type, c2s_value *const *in,
                          unsigned in_count);
/* The same with operator, name, attributes and origin of `like`, which is about to disappear. It
 * must have no bodies. */
c2s_node *c2s_build_like(c2s_builder *b, const c2s_node *like, c2s_value *const *in,
                         unsigned in_count);
/* Infers the outputs. Returns output 0, or NULL (failed). */
c2s_value *c2s_build_finish(c2s_builder *b, c2s_node *node);
/* c2s_build_start and c2s_build_finish for operators that need no attributes. */
c2s_value *c2s_build(c2s_builder *b, const char *type, c2s_value *const *in, unsigned in_count);

/* New nodes go right behind what makes `x`: for rules that replace results of other nodes than the
 * root, whose users may come before the root. Nothing else may be read by those nodes but
 * constants. */
void c2s_build_behind(c2s_builder *b, const c2s_value *x);

/* A new constant; takes over the reference. NULL tensor: failed. */
c2s_value *c2s_build_constant(c2s_builder *b, const char *hint, c2s_tensor *tensor);
/* The same for a changed version of constant `old`: it takes over that name if nothing else uses
 * `old` after the rewrite. */
c2s_value *c2s_build_constant_like(c2s_builder *b, c2s_value *old, c2s_tensor *tensor);
/* An int64 vector. */
c2s_value *c2s_build_ints(c2s_builder *b, const char *hint, const int64_t *values, size_t count);
/* A scalar (rank 0) of any real dtype. */
c2s_value *c2s_build_scalar(c2s_builder *b, const char *hint, c2s_dtype dtype, double value);

/* `build` of rules that only remove: the value of C2S_LETTER_A takes the place of the root. */
c2s_value *c2s_build_forward(c2s_builder *b, const c2s_match *match);

/* When the rule is applied every use of `old`, which is no result of the root, becomes one of
 * `value`, a result of a built node; fails if their types contradict each other. None of the users
 * of `old` may be something that the built nodes depend on. */
void c2s_build_replace(c2s_builder *b, c2s_value *old, c2s_value *value);

/* For the driver: removes the built nodes; hands names on after a rewrite; frees the lists. */
void c2s_build_undo(c2s_builder *b);
void c2s_build_pass_names_on(c2s_builder *b);
void c2s_build_end(c2s_builder *b);

#endif
