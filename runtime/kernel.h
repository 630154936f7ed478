/* SPDX-License-Identifier: Apache-2.0
 *
 * Kernels: fast ways to compute a node whose types are known. kernel_list.h says which family
 * serves which operator; the first row that accepts a step and can be prepared wins, otherwise
 * op->eval runs. A kernel that fails to prepare or to run costs speed, never the answer: eval takes
 * over.
 */
#ifndef C2S_RUNTIME_KERNEL_H
#define C2S_RUNTIME_KERNEL_H

#include "ops/op.h"

struct c2s_dnnl;      /* runtime/dnnl_primitive.h */
struct c2s_layout;    /* runtime/layout.h */
struct c2s_plan;      /* runtime/plan.h */
struct c2s_quantized; /* runtime/quantized.h */
struct c2s_group;     /* runtime/groups.h */

/* One value of a graph inside a plan: its row-major form, which stands for the value, or another
 * form of the same elements in a layout that some kernel prefers (runtime/layout.h). */
typedef struct c2s_slot {
    const c2s_value *value;
    c2s_type type;              /* concrete, or kind UNKNOWN until it is computed */
    const c2s_tensor *constant; /* the same in every run of the plan, else NULL; a reference */
    c2s_tensor *tensor;         /* content while a run needs it (constants: always); a reference */
    struct c2s_layout *layout;  /* NULL: row-major */
    struct c2s_slot *base;      /* the row-major form */
    struct c2s_slot *next_form; /* of the same value */
    struct c2s_slot *made;      /* of a base: the form that was computed first, NULL: none yet */
    struct c2s_slot *wide;      /* of a half base: the base in float, NULL: none (runtime/half.h) */
    struct c2s_slot *narrow;    /* of such: the half base, which stands for the value */
    struct c2s_step *dequantizer; /* makes it of integers, when somebody asks for it; else NULL */
    bool ready;                   /* this form is an input, a constant, or made by a planned step */
    bool kept;                    /* a graph output: lives until the run ends */
    bool observed;
    float most; /* in this run, no element is larger in magnitude; infinite: nothing is known */
    unsigned reader_count;      /* operands of steps that take the value */
    struct c2s_step *reader[2]; /* the first two of them */
    struct c2s_step *definer;   /* of the node that defines the value; NULL: an input, constant */
    struct c2s_step *maker, *last; /* the step that makes this form; the last that needs it */
    struct c2s_slot *store;        /* whose memory it lies in: its own, or that of a view */
    bool part;                     /* somewhere in it */
    bool escapes;                  /* someone may keep a reference to its memory */
    unsigned start, end;           /* of a store: from where to where in the order it is needed */
    struct c2s_slot *host;         /* the store that it is a part of (an input of Concat), or over
                                      which it is written */
    size_t host_offset;
    bool overwrites;   /* the latter */
    bool placed;       /* it lies in the plan's block */
    size_t offset;     /* there */
    c2s_tensor *place; /* the tensor there, while the block is allocated */
} c2s_slot;

/* What a kernel computes behind the step's own node, before anything is written: one elementwise
 * function, or one operation with another operand. */
typedef struct c2s_post {
    int kind; /* a dnnl_alg_kind_t, or C2S_POST_AFFINE (runtime/folded_weights.h) */
    float alpha, beta, factor; /* factor: the result is multiplied by it */
    bool binary;
    c2s_slot *operand; /* of a binary one: a base */
    bool drops_nan;    /* NaN may come out as a number */
    const c2s_node *node[2];
    unsigned node_count;
    const struct c2s_group *group; /* instead of nodes; NULL: there is none */
} c2s_post;

enum { C2S_MOST_POSTS = 6, C2S_POST_AFFINE = -1 };

/* A node to compute, or (`is_reorder`) a form to make. */
typedef struct c2s_step {
    const c2s_node *node;
    const struct c2s_kernel_family *kernel; /* NULL: op->eval */
    void *state;                            /* of the kernel, from prepare to release */
    struct c2s_plan *plan;
    struct c2s_dnnl *dnnl; /* engine, packed weights, work space */
    c2s_slot **in, **out;  /* entries are NULL for what is left out */
    /* `in`: formal slots, then hidden ones, then operands of posts or members. `out`: those of the
     * node; with posts that of the last one, with members what anyone else reads. */
    unsigned in_count, out_count;
    unsigned own_count;            /* of `in`: those before the operands of posts or members */
    const struct c2s_group *group; /* the nodes it stands for, of which `node` is the last; NULL */
    c2s_post *posts;
    unsigned post_count;
    unsigned folded_posts;     /* the first ones, which the kernel has put into its weights */
    struct c2s_step **members; /* steps behind this one that its kernel computes, too, in order */
    unsigned member_count;
    struct c2s_quantized *quantized; /* computed on integers; NULL: as it stands */
    struct c2s_step *inside;         /* the step whose kernel computes this one, too */
    unsigned index;                  /* in the order of execution */
    c2s_slot **dying;                /* needed by no later step */
    unsigned dying_count;
    c2s_kept kept;  /* by eval */
    c2s_type *seen; /* of a late step: what it was prepared for, inputs, then outputs */
    int64_t terms;  /* of products of inputs 0 and 1 are summed; 0: of none */
    float gain;     /* see runtime/range.h, as the next two */
    unsigned char rule;
    struct c2s_member_rule *member_rules; /* of members */
    bool guards_inputs, guards_posts;
    bool alone; /* prepared and run on one thread: see runtime/work.h */
    bool is_reorder;
    bool reads_codes;         /* of input 1, which is NULL (runtime/block_matmul.h) */
    bool widened, evals_wide; /* see runtime/half.h; the latter: by eval, on float tensors */
    bool folded;              /* all outputs are constants of the plan: nothing to compute */
    bool late;   /* types are known only at run time: prepared then, and when they change */
    bool failed; /* a kernel failed: eval for good */
    uint64_t runs, nanoseconds, bytes; /* while profiling */
} c2s_step;

typedef enum c2s_kernel_flags {
    C2S_KERNEL_MAKES_OUTPUTS = 1 << 0,   /* run sets out[..]->tensor itself (views of input 0) */
    C2S_KERNEL_LAYOUTS = 1 << 1,         /* takes inputs in any layout; else all are row-major */
    C2S_KERNEL_POSTS = 1 << 2,           /* prepare looks at step->posts */
    C2S_KERNEL_KEEPS_NAN = 1 << 3,       /* its post-operations treat NaN as eval does */
    C2S_KERNEL_MEMBERS = 1 << 4,         /* and at step->members */
    C2S_KERNEL_CHOOSES_THREADS = 1 << 5, /* knows best how many (runtime/work.h) */
    C2S_KERNEL_PARTS = 1 << 6 /* the views need not begin where input 0 does, or be all of it */
} c2s_kernel_flags;

/* A family of kernels for similar operators. */
typedef struct c2s_kernel_family {
    const char *name;
    unsigned flags;
    /* Types of all slots are concrete; only `constant` contents may be looked at. Cheap. */
    bool (*accepts)(const c2s_step *step);
    /* Builds step->state. On failure nothing is left behind. NULL: nothing to prepare. */
    c2s_status (*prepare)(c2s_step *step);
    /* in[..]->tensor are set; out[..]->tensor are allocated unless C2S_KERNEL_MAKES_OUTPUTS. */
    c2s_status (*run)(c2s_step *step);
    void (*release)(c2s_step *step); /* frees step->state; NULL: nothing to free */
    /* True if the library treats NaN or infinity in the step's inputs other than eval does: a run
     * whose inputs hold some goes to eval. NULL: it never does. */
    bool (*finite_only)(const c2s_step *step);
    unsigned any_input; /* bits of inputs that finite_only does not speak of */
    /* Numbers on the way may be so many times as large as the results can be; 0: none is larger. */
    float headroom;
    /* A number rounds results that it is no part of, as well: results beyond this are computed only
     * from inputs that are all of one order of magnitude, beside which none drowns. 0: it does not. */
    float alike_beyond;
    /* C2S_KERNEL_MEMBERS: whether `next`, which the family accepts, can be a member, too. */
    bool (*joins)(const c2s_step *step, const c2s_step *next);
    /* True if output `output` may lie where input `input` lies, which nobody needs afterwards.
     * NULL: never. */
    bool (*overwrites)(const c2s_step *step, unsigned input, unsigned output);
} c2s_kernel_family;

typedef struct c2s_kernel {
    const char *op; /* type in domain ai.onnx, or DOMAIN.TYPE */
    const c2s_kernel_family *family;
} c2s_kernel;

/* The rows of kernel_list.h in order. */
extern const c2s_kernel c2s_kernels[];
extern const size_t c2s_kernel_count;

/* True if some row serves the node's operator. */
bool c2s_kernel_serves(const c2s_node *node);
/* The family of the next row behind `*row` that accepts the step, else NULL; *row is 0 before the
 * first call. */
const c2s_kernel_family *c2s_kernel_next(const c2s_step *step, size_t *row);

/* Of slot i: false / NULL / unknown where it is left out or past the end. */
bool c2s_step_has(const c2s_step *step, unsigned input);
const c2s_type *c2s_step_type(const c2s_step *step, unsigned input);
const c2s_tensor *c2s_step_constant(const c2s_step *step, unsigned input);
/* True if input i has a number for each place along the axes of input 0 from `axis` on, the same
 * for all places along those before; there may be as many of these. */
bool c2s_step_is_row(const c2s_step *step, unsigned input, int axis);
/* For finite_only: of every step. */
bool c2s_step_always(const c2s_step *step);
/* True if output i is wanted. */
bool c2s_step_wants(const c2s_step *step, unsigned output);

#endif
