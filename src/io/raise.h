/* SPDX-License-Identifier: Apache-2.0
 *
 * What the rows of the normalisation table are made of, and what they build with. A row changes its
 * node in place where it can: the node becomes the last one of the new form, so that its output
 * values keep their names; what goes before it is inserted before it. A row that removes its node
 * must be the last one of its type.
 */
#ifndef C2S_IO_RAISE_H
#define C2S_IO_RAISE_H

#include "ir/graph.h"

/* A graph being walked. Types are inferred only as far as a row asks for one. */
typedef struct c2s_raise_level {
    c2s_graph *graph;
    c2s_node *inferred; /* last node whose outputs were inferred; NULL: none yet */
    bool seeded;        /* the body's formal inputs got their types from the owner */
    struct c2s_raise_level *outer;
} c2s_raise_level;

typedef struct c2s_raise {
    c2s_model *model;
    int64_t opset; /* of ai.onnx where the node stands */
    int64_t needs; /* largest opset that a new form needs so far */
    c2s_raise_level *level;
    c2s_node *node; /* being raised */
} c2s_raise;

typedef struct c2s_raise_row {
    const char *type; /* of ai.onnx */
    int from, to;     /* opsets in which the old form is valid */
    c2s_status (*raise)(c2s_raise *r, c2s_node *node);
    const char *name;
} c2s_raise_row;

/* The table, sorted by type; rows of one type apply one after the other while the type stays. */
const c2s_raise_row *c2s_raise_rows(size_t *count);

/* Type of a value of the node's graph as far as it can be known before the node: infers all nodes
 * before it, so what was built there must be complete. */
c2s_status c2s_raise_type(c2s_raise *r, const c2s_value *value, const c2s_type **type);
/* C2S_ERR_UNSUPPORTED if the rank, the element type is not known. */
c2s_status c2s_raise_rank(c2s_raise *r, const c2s_value *value, int *rank);
c2s_status c2s_raise_dtype(c2s_raise *r, const c2s_value *value, c2s_dtype *dtype);

/* A node of ai.onnx with one output before `before`; returns the output. */
c2s_value *c2s_raise_node(c2s_raise *r, c2s_node *before, const char *type, c2s_value *const *in,
                          unsigned in_count);
/* An initializer, or a Constant node before `before` in functions. Takes over the reference. */
c2s_value *c2s_raise_constant(c2s_raise *r, c2s_node *before, const char *hint, c2s_tensor *tensor);
c2s_status c2s_raise_ints(c2s_raise *r, c2s_node *before, const char *hint, const int64_t *values,
                          size_t count, c2s_value **out);
c2s_status c2s_raise_scalar(c2s_raise *r, c2s_node *before, const char *hint, c2s_dtype dtype,
                            double value, c2s_value **out);

/* The node becomes `type` with these inputs and no attributes; outputs stay. */
void c2s_raise_become(c2s_node *node, const char *type, c2s_value *const *in, unsigned in_count);
/* Puts `value` in formal slot `slot`, which may be new. */
void c2s_raise_set_input(c2s_node *node, unsigned slot, c2s_value *value);
/* Attribute of integers → int64 input; attribute absent: nothing happens. */
c2s_status c2s_raise_ints_to_input(c2s_raise *r, c2s_node *node, const char *attr, unsigned slot);
/* Fails unless the node has at least `count` formal inputs, all given. */
c2s_status c2s_raise_need(const c2s_node *node, unsigned count);
/* C2S_ERR_UNSUPPORTED if an attribute of the node takes its value from a function's caller. */
c2s_status c2s_raise_no_references(const c2s_node *node);

#endif
