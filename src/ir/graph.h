/* SPDX-License-Identifier: Apache-2.0
 *
 * The graph in SSA form. A model owns graphs; a graph owns nodes in a list and values; a node's
 * operand slot is the edge and the use record in one, so uses and definitions cannot drift apart.
 *
 * Entry and exit. Graph inputs are the outputs of graph->entry, graph outputs are the inputs of
 * graph->exit; neither node is in the list. So a use count covers graph outputs, and a graph input
 * that is directly an output, or one value that is two outputs, is no special case.
 *
 * Bodies (If, Loop, Scan, ...). A body sees nothing of its surroundings but its entry: first its
 * formal inputs, then one entry output per captured value. Capture j of a body is fed by a hidden
 * input slot of the owning node; hidden slots follow the formal ones, body by body in attribute
 * order, capture by capture. Types and constants of captured values are visible on the capture.
 *
 * Constants. A value with `constant` set has the same content in every run: an initializer
 * (def == NULL), the output of a Constant node, or a capture of such. Initializers that are also
 * graph inputs have def == entry, `constant` NULL and `initial` set: the caller may override them.
 *
 * Names. A value's name differs from those of all other values of its graph and of the graphs
 * around it, but a capture has the name of what it captures. Sibling bodies and functions may use
 * the same names, as they do in files: move a value to another graph only under a fresh name.
 */
#ifndef C2S_IR_GRAPH_H
#define C2S_IR_GRAPH_H

#include "base/memory.h"
#include "base/names.h"
#include "base/vec.h"
#include "ir/attr.h"
#include "ir/tensor.h"

typedef struct c2s_value c2s_value;
typedef struct c2s_op c2s_op; /* ops/op.h */

typedef struct c2s_use { /* operand slot = edge = use record */
    c2s_value *value;    /* NULL: optional input left out */
    c2s_node *user;
    unsigned slot;
    struct c2s_use *prev, *next; /* ring of all uses of value */
} c2s_use;

struct c2s_value {
    unsigned id;      /* index into model->values; dense, for side tables */
    const char *name; /* interned; what the file calls it; see "Names" above */
    c2s_type type;
    c2s_graph *graph;
    c2s_node *def; /* NULL: initializer */
    unsigned def_slot;
    const c2s_tensor *constant; /* see above; a reference is held */
    const c2s_tensor *initial;  /* default of an overridable graph input; a reference is held */
    const c2s_dim *contents;    /* elements of a small integer tensor of rank 0 or 1, or NULL */
    unsigned content_count;
    c2s_use *uses; /* any of the ring, NULL if unused */
    unsigned use_count;
    const void *origin;         /* ValueInfoProto if the file describes this value */
    const void *tensor_origin;  /* Tensor- or SparseTensorProto of an initializer, unchanged */
};

struct c2s_node {
    unsigned id;      /* index into model->nodes; dense */
    const char *name; /* may be "" */
    const char *type, *domain; /* interned; domain "" is ai.onnx */
    const char *overload;      /* of a model-local function, else "" */
    const c2s_op *op;          /* never NULL; c2s_op_opaque for what is not known */
    c2s_attr *attrs;
    unsigned attr_count, attr_capacity;
    unsigned body_attrs; /* attributes that hold graphs */
    c2s_use *inputs;
    unsigned input_count;  /* formal and hidden slots */
    unsigned formal_count; /* slots that the file lists; the rest is hidden (captures of bodies) */
    unsigned input_capacity;
    c2s_value **outputs; /* NULL: optional output left out */
    unsigned output_count;
    c2s_graph *graph;
    c2s_node *prev, *next; /* list order is topological between passes */
    const void *origin;    /* NodeProto, also after edges or attributes changed; NULL if built */
    bool changed;          /* anything but operand names differs from origin */
    const char *history;   /* interned: the rewrites that made it, for the file; NULL: nobody asked */
};

struct c2s_graph {
    struct c2s_model *model;
    c2s_node *owner;  /* the node whose body this is; NULL for the main graph and functions */
    const char *name; /* GraphProto.name */
    c2s_node *entry, *exit;
    c2s_node *first, *last; /* doubly linked through prev and next */
    unsigned node_count;
    unsigned formal_inputs;    /* entry outputs beyond these are captures */
    bool impossible;           /* a branch of an If in which inference found a node that cannot run */
    const char **output_names; /* interface names, one per exit input; see c2s_graph_output_name */
    unsigned output_capacity;
    C2S_VEC(c2s_value *) initializers; /* def == NULL, in file order; removed ones are dropped lazily */
    const void *origin;                /* GraphProto or FunctionProto */
};

typedef struct c2s_opset {
    const char *domain; /* interned, "" for ai.onnx */
    int64_t version;
    const void *origin;
} c2s_opset;

typedef struct c2s_function {
    const char *domain, *name, *overload;
    c2s_graph *graph;             /* formal inputs and outputs carry the names */
    /* Names of attributes without default; those with one are the attributes of graph->entry. */
    C2S_VEC(const char *) attrs;
    C2S_VEC(c2s_opset) opsets;
    const void *origin; /* FunctionProto */
} c2s_function;

struct c2s_model {
    c2s_arena *arena;
    c2s_names *names;
    c2s_dims *dims;
    c2s_graph *graph;                 /* the main graph */
    C2S_VEC(c2s_function *) functions;
    C2S_VEC(c2s_opset) opsets;
    int64_t ir_version;
    bool reshaped; /* inputs have other shapes than the file says: nothing it says of types counts */
    bool sparse;   /* initializers that are smaller so are written as sparse ones */
    C2S_VEC(c2s_value *) values; /* by id; NULL once removed */
    C2S_VEC(c2s_node *) nodes;   /* by id; NULL once removed; entry and exit included */
    const char *path;            /* as given, for messages; "" for built models */
    /* The parsed message and its buffers, shared by copies of the model. */
    struct c2s_origin {
        void *message; /* ModelProto */
        atomic_uint refs;
        void (*release)(struct c2s_origin *self);
    } *origin;
    C2S_VEC(struct c2s_origin *) other_origins; /* of models that were appended */
};

/* ---- models and graphs ---- */
c2s_model *c2s_model_create(void);
void c2s_model_destroy(c2s_model *model); /* NULL is allowed */
/* An independent copy that shares only tensor data and the origin. Ids are assigned anew, without
 * holes; names stay. Cost: linear in the graph, no tensor data is copied. */
c2s_model *c2s_model_copy(const c2s_model *model);
/* Copies nodes, initializers and functions of `from` behind those of `to`, whose opsets are the same.
 * `inputs`: per formal input of `from` the value of to->graph that stands for it; NULL: it becomes
 * an input of `to`. `outputs` receives the values that its outputs are now. Values whose names are
 * taken get fresh ones. What its file says beside the graph (metadata, documentation) is not taken
 * over.
 * C2S_ERR_UNSUPPORTED if both have a function of the same name. */
c2s_status c2s_model_append(c2s_model *to, const c2s_model *from, c2s_value *const *inputs,
                            c2s_value **outputs);
/* Opset version of a domain, 0 if not imported; set adds the import if needed. */
int64_t c2s_model_opset(const c2s_model *model, const char *domain);
void c2s_model_set_opset(c2s_model *model, const char *domain, int64_t version);
c2s_function *c2s_model_function(const c2s_model *model, const char *domain, const char *name,
                                 const char *overload); /* NULL if there is none */
/* It is the one that nodes with these call. */
bool c2s_function_is(const c2s_function *function, const char *domain, const char *name,
                     const char *overload);

c2s_graph *c2s_graph_create(c2s_model *model, c2s_node *owner, const char *name);
/* A function of the model: in the file it has no initializers, its constants are nodes. */
bool c2s_graph_is_function(const c2s_graph *graph);
c2s_value *c2s_graph_add_input(c2s_graph *graph, const char *name, const c2s_type *type);
void c2s_graph_add_output(c2s_graph *graph, c2s_value *value, const char *name);
unsigned c2s_graph_input_count(const c2s_graph *graph);  /* formal ones */
c2s_value *c2s_graph_input(const c2s_graph *graph, unsigned index);
unsigned c2s_graph_output_count(const c2s_graph *graph);
c2s_value *c2s_graph_output(const c2s_graph *graph, unsigned index);
const char *c2s_graph_output_name(const c2s_graph *graph, unsigned index);
/* The value that stands for `outer` inside `body`: makes the capture (in enclosing bodies too) at
 * first use. `outer` may belong to any enclosing graph; body->owner must be set. */
c2s_value *c2s_graph_capture(c2s_graph *body, c2s_value *outer);
/* First hidden slot of `body` on its owner; slot + j feeds entry output formal_inputs + j. */
unsigned c2s_graph_hidden_slot(const c2s_graph *body);
/* The bodies of a node in attribute order: index 0, 1, ...; NULL past the end. */
c2s_graph *c2s_node_body(const c2s_node *node, unsigned index);

/* ---- values ---- */
/* A new initializer. `name` is a hint if it is taken. Takes one reference of `tensor`. */
c2s_value *c2s_value_constant(c2s_graph *graph, const char *name, c2s_tensor *tensor);
/* The interface loses an input that nothing uses. */
void c2s_graph_drop_input(c2s_graph *graph, unsigned index);
/* Sets, replaces or (NULL) clears what a value always is. References `tensor`; captures follow. */
void c2s_value_set_constant(c2s_value *value, const c2s_tensor *tensor);
/* Updates the type; captures follow. */
void c2s_value_set_type(c2s_value *value, const c2s_type *type);
/* All uses of `old` become uses of `new_value` (same graph). */
void c2s_value_replace(c2s_value *old, c2s_value *new_value);
/* Exactly this name: for readers of files, which see to the rule on names themselves. */
void c2s_value_set_name(c2s_value *value, const char *name);
bool c2s_value_is_output(const c2s_value *value); /* some use is graph->exit */
/* An overridable graph input becomes a plain initializer: the interface loses this input. */
void c2s_value_seal(c2s_value *value);
void c2s_graph_seal_inputs(c2s_graph *graph); /* all of them */
#define c2s_value_each_use(use, val)                                                               \
    for (c2s_use *use = (val)->uses, *use##_end = NULL; use != use##_end;                          \
         use##_end = (val)->uses, use = use->next)

/* ---- nodes ---- */
/* A new node at the end of the graph's list (or before `before`) with `inputs` empty slots and
 * `outputs` fresh unnamed-yet values ("<type>_1", ...). Looks the operator up. */
c2s_node *c2s_node_create(c2s_graph *graph, c2s_node *before, const char *domain, const char *type,
                          unsigned inputs, unsigned outputs);
/* The only function that changes an edge. */
void c2s_use_set(c2s_use *use, c2s_value *value);
/* Changes the number of formal inputs; new slots are empty, dropped ones are released. */
void c2s_node_resize_inputs(c2s_node *node, unsigned formal_count);
/* Removes trailing formal inputs that are left out. */
void c2s_node_trim_inputs(c2s_node *node);
/* Removes the node, its operand uses, its bodies; its outputs must be unused. */
void c2s_node_remove(c2s_node *node);
/* Other operator, same slots. */
void c2s_node_set_type(c2s_node *node, const char *domain, const char *type);
/* Leaves an unused output out (the slot stays, trailing ones go). */
void c2s_node_drop_output(c2s_node *node, unsigned slot);
/* Adds an output value to the node's end; `name` as in c2s_value_constant. */
c2s_value *c2s_node_add_output(c2s_node *node, const char *name);
bool c2s_node_is(const c2s_node *node, const char *type); /* of ai.onnx; compares text */
/* The value in a formal slot; NULL if left out or past the end. */
c2s_value *c2s_node_in(const c2s_node *node, unsigned slot);
c2s_value *c2s_node_out(const c2s_node *node, unsigned slot);
/* What users call it: its name, or that of its first output. */
const char *c2s_node_name(const c2s_node *node);
/* "node \"conv1\" (Conv)"; nodes without a name are called by their first output. Thread-local
 * buffer, valid until the next call but three. */
const char *c2s_node_text(const c2s_node *node);

/* ---- whole graph ---- */
/* Removes nodes without used outputs, unused initializers and captures, bodies included. Nodes
 * with side effects do not exist in ONNX. Returns the number of nodes removed. */
unsigned c2s_graph_sweep(c2s_graph *graph);
/* Restores topological list order after edges moved (stable, linear); fails on a cycle. */
c2s_status c2s_graph_sort(c2s_graph *graph);
/* Checks every invariant above, bodies included; C2S_ERR_INVALID names the first that is broken. */
c2s_status c2s_model_verify(const c2s_model *model);

#endif
