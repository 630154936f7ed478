/* SPDX-License-Identifier: Apache-2.0
 *
 * Attributes of nodes. The numbers of the kinds are those of AttributeProto.AttributeType.
 */
#ifndef C2S_IR_ATTR_H
#define C2S_IR_ATTR_H

#include "ir/tensor.h"

typedef struct c2s_graph c2s_graph;
typedef struct c2s_node c2s_node;

typedef enum c2s_attr_kind {
    C2S_ATTR_UNDEFINED = 0, /* a reference of a function body to its caller's attribute */
    C2S_ATTR_FLOAT = 1,
    C2S_ATTR_INT = 2,
    C2S_ATTR_STRING = 3,
    C2S_ATTR_TENSOR = 4,
    C2S_ATTR_GRAPH = 5,
    C2S_ATTR_FLOATS = 6,
    C2S_ATTR_INTS = 7,
    C2S_ATTR_STRINGS = 8,
    C2S_ATTR_TENSORS = 9,
    C2S_ATTR_GRAPHS = 10,
    C2S_ATTR_SPARSE = 11,  /* sparse tensors and types live in `origin` only */
    C2S_ATTR_SPARSES = 12,
    C2S_ATTR_TYPE = 13,
    C2S_ATTR_TYPES = 14
} c2s_attr_kind;

typedef struct c2s_attr {
    const char *name; /* interned */
    c2s_attr_kind kind;
    const char *reference; /* ref_attr_name inside function bodies, else NULL */
    c2s_attr_kind reference_kind; /* what the reference stands for; `kind` is UNDEFINED then */
    size_t count;          /* elements of the plural kinds, 1 for the others */
    union {
        float f;
        int64_t i;
        c2s_string s;
        const c2s_tensor *t; /* a reference is held */
        c2s_graph *g;
        const float *floats; /* the arrays live in the model's arena */
        const int64_t *ints;
        const c2s_string *strings;
        const c2s_tensor *const *tensors;
        c2s_graph *const *graphs;
        const c2s_type *type; /* TYPE: decoded, may be NULL when not understood */
    };
    const void *origin; /* the parsed message while it still says the same, else NULL */
} c2s_attr;

/* Lookup by name (any text; compared by content); NULL if absent. */
const c2s_attr *c2s_attr_find(const c2s_node *node, const char *name);
bool c2s_attr_has(const c2s_node *node, const char *name);
/* The value, or `absent` if the attribute is missing or of another kind. */
int64_t c2s_attr_int(const c2s_node *node, const char *name, int64_t absent);
float c2s_attr_float(const c2s_node *node, const char *name, float absent);
/* NUL-terminated (arena). A string with an embedded NUL counts as missing. */
const char *c2s_attr_string(const c2s_node *node, const char *name, const char *absent);
/* NULL and *count = 0 if missing. */
const int64_t *c2s_attr_ints(const c2s_node *node, const char *name, size_t *count);
const float *c2s_attr_floats(const c2s_node *node, const char *name, size_t *count);
const c2s_string *c2s_attr_strings(const c2s_node *node, const char *name, size_t *count);
const c2s_tensor *c2s_attr_tensor(const c2s_node *node, const char *name);
c2s_graph *c2s_attr_graph(const c2s_node *node, const char *name);

/* Set (add or replace in place); arrays and text are copied. */
void c2s_attr_set_int(c2s_node *node, const char *name, int64_t value);
void c2s_attr_set_float(c2s_node *node, const char *name, float value);
void c2s_attr_set_string(c2s_node *node, const char *name, const char *value);
void c2s_attr_set_ints(c2s_node *node, const char *name, const int64_t *values, size_t count);
void c2s_attr_set_floats(c2s_node *node, const char *name, const float *values, size_t count);
void c2s_attr_set_strings(c2s_node *node, const char *name, const c2s_string *values, size_t count);
void c2s_attr_set_tensor(c2s_node *node, const char *name, const c2s_tensor *value); /* refs */
void c2s_attr_set_graph(c2s_node *node, const char *name, c2s_graph *graph);
/* Adds a complete attribute as it is (loader, text reader, copies); takes the tensor references. */
void c2s_attr_append(c2s_node *node, const c2s_attr *attr);
/* The same for an attribute of another node of the model, which keeps its references; no bodies. */
void c2s_attr_append_shared(c2s_node *node, const c2s_attr *attr);
void c2s_attr_remove(c2s_node *node, const char *name); /* no-op if absent */
/* In a function: an attribute of the node stands for whatever the caller gives. */
bool c2s_attr_any_reference(const c2s_node *node);
/* Equality of name, kind and value (subgraphs: identity). */
bool c2s_attr_equal(const c2s_attr *a, const c2s_attr *b);
/* Both nodes have the same attributes, in any order. */
bool c2s_attrs_equal(const c2s_node *a, const c2s_node *b);

#endif
