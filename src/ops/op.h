/* SPDX-License-Identifier: Apache-2.0
 *
 * Everything the compressor knows about an operator: one const struct per operator, one file per
 * family, one line in op_list.h.
 *
 * Forms. Code here sees the forms of opset 13 and later only (io/normalise raises older ones).
 * Where a later opset changed the form, `infer` and `eval` take both, told apart by syntax: axes of
 * reductions as attribute or as input.
 */
#ifndef C2S_OPS_OP_H
#define C2S_OPS_OP_H

#include "ir/graph.h"
#include "ops/quant_rule.h"
#include "ops/ties.h"

struct c2s_pointwise; /* ops/pointwise.h */

/* What inference knows about an input. */
typedef struct c2s_fact {
    const c2s_type *type;       /* never NULL; kind UNKNOWN if nothing is known */
    const c2s_tensor *constant; /* the content if it is known, else NULL */
    const c2s_dim *contents;    /* elements of a small integer tensor, possibly symbolic, or NULL */
    unsigned content_count;
} c2s_fact;

/* One node while its outputs are inferred. The same function serves the graph (symbolic types,
 * constants where known) and every evaluation (static types, all inputs constant): then the types
 * it gives size the outputs. */
typedef struct c2s_infer {
    const c2s_node *node;
    c2s_dims *dims;
    c2s_arena *arena;        /* for contents and element types */
    const c2s_fact *in;      /* in[i].type == NULL: input i left out */
    unsigned in_count;       /* formal inputs */
    c2s_type *out;           /* preset to unknown; out_count entries */
    unsigned out_count;
    const c2s_dim **contents; /* per output: set through c2s_infer_set_contents */
    unsigned *content_count;
    bool concrete;           /* an evaluation: shapes must come out static */
} c2s_infer;

/* True if input i is given. */
bool c2s_infer_has(const c2s_infer *i, unsigned input);
const c2s_type *c2s_infer_type(const c2s_infer *i, unsigned input); /* unknown type if left out */
/* Contents of an integer input as dimensions: from a constant (any size up to 1024) or from
 * symbolic contents. False if not known. The array lives in the arena. */
bool c2s_infer_dims(const c2s_infer *i, unsigned input, const c2s_dim **dims, unsigned *count);
/* The same, and all known integers. */
bool c2s_infer_ints(const c2s_infer *i, unsigned input, const int64_t **ints, unsigned *count);
/* The elements of output `output` (rank 0 or 1, integer): `dims` is copied. */
void c2s_infer_set_contents(c2s_infer *i, unsigned output, const c2s_dim *dims, unsigned count);
/* Multidirectional broadcasting of ONNX; a symbolic extent against 1 gives the symbolic one, two
 * different symbolic extents give c2s_dim_max. Fails on a contradiction. */
c2s_status c2s_infer_broadcast(const c2s_infer *i, const c2s_type *a, const c2s_type *b,
                               c2s_type *out); /* rank and dims only */
/* Axis in [-rank, rank) to [0, rank); fails naming the attribute. */
c2s_status c2s_infer_axis(int64_t axis, int rank, int *out);
/* Requires min..max formal inputs of which the first `required` are given. */
c2s_status c2s_infer_need(const c2s_infer *i, unsigned required);

/* What an operator keeps of a node from one evaluation to the next: what it made of attributes.
 * Belongs to whoever evaluates, and is worthless when the node changes. */
typedef struct c2s_kept {
    void *data; /* NULL: nothing yet */
    void (*free)(void *data);
} c2s_kept;
void c2s_kept_free(c2s_kept *kept);

/* One node while it is computed. */
typedef struct c2s_eval {
    const c2s_node *node;
    const c2s_tensor *const *in; /* NULL: left out */
    unsigned in_count;           /* formal inputs */
    /* Allocated by the caller with the inferred types unless the operator has
     * C2S_OP_SIZES_OUTPUTS. NULL: output left out or to be set by c2s_eval_set / _new. */
    c2s_tensor **out;
    unsigned out_count;
    /* What infer gave, one per output: static, but for what is data-dependent. */
    const c2s_type *out_type;
    const struct c2s_body_runner *runner; /* runs bodies; NULL: operators with bodies fail */
    c2s_kept *kept;                       /* NULL: nothing can be kept */
} c2s_eval;

/* True if the node has that output (it is named in the file and may be used). */
bool c2s_eval_wants(const c2s_eval *e, unsigned output);
/* For C2S_OP_SIZES_OUTPUTS: allocates output `output`. */
c2s_status c2s_eval_new(c2s_eval *e, unsigned output, c2s_dtype dtype, int rank,
                        const int64_t *dim);
/* Gives `tensor` (one reference is taken over) as output; released if the output is not wanted. */
void c2s_eval_set(c2s_eval *e, unsigned output, c2s_tensor *tensor);

/* How control flow runs its bodies. `in`: the body's formal inputs; captures are supplied by the
 * runner. `out`: receives one reference per graph output of the body. */
typedef struct c2s_body_runner {
    c2s_status (*run)(const struct c2s_body_runner *self, const c2s_graph *body,
                      const c2s_tensor *const *in, unsigned in_count, c2s_tensor **out,
                      unsigned out_count);
} c2s_body_runner;

typedef enum c2s_op_flags {
    C2S_OP_ELEMENTWISE = 1 << 0,   /* out[i] depends on in[..][i] only; unary or with broadcasting */
    C2S_OP_COMMUTATIVE = 1 << 1,   /* of the first two inputs */
    C2S_OP_MOVES_DATA = 1 << 2,    /* output elements are input elements (of input 0) */
    C2S_OP_KEEPS_ORDER = 1 << 3,   /* of those: same elements in the same order (Reshape, ...) */
    C2S_OP_RANDOM = 1 << 4,        /* draws random numbers, unless `is_random` denies it */
    C2S_OP_SIZES_OUTPUTS = 1 << 5, /* eval allocates its outputs (data-dependent, containers) */
    C2S_OP_HAS_BODY = 1 << 6
} c2s_op_flags;

#define C2S_VARIADIC 255

struct c2s_composite; /* ops/composite.h */

typedef struct c2s_attr_spec {
    const char *name;
    c2s_attr_kind kind;
    bool required;
} c2s_attr_spec;

struct c2s_op {
    const char *type;
    const char *domain;             /* "" for ai.onnx */
    uint8_t inputs[2], outputs[2];  /* least and most; most may be C2S_VARIADIC */
    unsigned flags;
    c2s_quant_rule quant;
    const c2s_attr_spec *attrs;     /* ends with a NULL name; NULL: none */
    /* What other operators compute that it does (ops/composite.h); NULL: it stands for itself. */
    void (*define)(struct c2s_composite *c);
    c2s_status (*infer)(c2s_infer *i); /* NULL: nothing is inferred */
    c2s_status (*eval)(c2s_eval *e);   /* plain and correct; NULL: cannot be executed */
    /* What is done to each element, for operands of these types (ops/pointwise.h): as eval does it,
     * bit for bit. NULL: the operator is not of that kind. */
    c2s_status (*pointwise)(const c2s_node *node, const c2s_fact *in, struct c2s_pointwise *out);
    int64_t (*macs)(const c2s_node *node); /* multiply-accumulates (docs/operators.md); NULL: 0 */
    bool (*is_random)(const c2s_node *node); /* with C2S_OP_RANDOM; NULL: always */
    void (*ties)(c2s_ties *t); /* NULL: elementwise ones by broadcasting, of others all is pinned */
    c2s_status (*refit)(const c2s_refit *r); /* after indices were removed; NULL: nothing to do */
};

/* What every unknown operator is: pinned, not executed, passed around. */
extern const c2s_op c2s_op_opaque;

/* The operator of a domain ("" or "ai.onnx", ...) or &c2s_op_opaque. */
const c2s_op *c2s_op_find(const char *domain, const char *type);
/* The node's results are no function of its inputs: it is never folded or merged. */
bool c2s_node_is_random(const c2s_node *node);
/* All known operators in order of domain and type, opaque excluded. */
const c2s_op *const *c2s_op_all(size_t *count);

#define C2S_OP(symbol) extern const c2s_op c2s_op_##symbol;
#include "ops/op_list.h"
#undef C2S_OP

/* Marks the output of a Constant node as constant, unless a function's caller decides its content. */
void c2s_constant_know(c2s_node *node);

/* Infers outputs of one node from its inputs' types, constants and contents and merges them into
 * the output values. Where a declared type contradicts what is inferred, that counts, and the log
 * says so. */
c2s_status c2s_node_infer(c2s_node *node);
/* All nodes in list order, bodies included. */
c2s_status c2s_graph_infer(c2s_graph *graph);
/* The same, but what follows a node that fails is inferred too; the first failure counts. */
c2s_status c2s_graph_infer_all(c2s_graph *graph);

/* Computes one node: checks the inputs, infers the output types, allocates, calls eval. `out`
 * receives one reference each (NULL where left out). C2S_ERR_UNSUPPORTED if it has no eval;
 * C2S_ERR_MEMORY if an output would take more than `limit` bytes (0: no limit), or the work on
 * it much more than that and the inputs. */
c2s_status c2s_node_eval(const c2s_node *node, const c2s_tensor *const *in, c2s_tensor **out,
                         const c2s_body_runner *runner, uint64_t limit);
/* The same for a node that is computed again and again. */
c2s_status c2s_node_eval_again(const c2s_node *node, const c2s_tensor *const *in, c2s_tensor **out,
                               const c2s_body_runner *runner, uint64_t limit, c2s_kept *kept);

#endif
