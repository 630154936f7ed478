/* SPDX-License-Identifier: Apache-2.0
 *
 * Kernels: fast ways to compute a node whose types are known. kernel_list.h says which family
 * serves which operator; the first row that accepts a step wins, otherwise op->eval runs. A kernel
 * that fails to prepare or to run costs speed, never the answer: eval takes over.
 */
#ifndef C2S_RUNTIME_KERNEL_H
#define C2S_RUNTIME_KERNEL_H

#include "ops/op.h"

struct c2s_dnnl; /* runtime/dnnl_primitive.h */

/* One value of a graph inside a plan. */
typedef struct c2s_slot {
    const c2s_value *value;
    c2s_type type;              /* concrete, or kind UNKNOWN until it is computed */
    const c2s_tensor *constant; /* the same in every run of the plan, else NULL; a reference */
    c2s_tensor *tensor;         /* content while a run needs it (constants: always); a reference */
    struct c2s_step *last;      /* the last step that reads or makes it */
    bool kept;                  /* a graph output: lives until the run ends */
    bool observed;
} c2s_slot;

/* A node to compute. */
typedef struct c2s_step {
    const c2s_node *node;
    const struct c2s_kernel_family *kernel; /* NULL: op->eval */
    void *state;                            /* of the kernel, from prepare to release */
    struct c2s_dnnl *dnnl;                  /* engine, packed weights, work space */
    c2s_slot **in, **out;                   /* entries are NULL for what is left out */
    unsigned in_count, out_count;           /* `in`: formal slots, then hidden ones */
    c2s_slot **dying;                       /* needed by no later step */
    unsigned dying_count;
    c2s_type *seen; /* of a late step: what it was prepared for, inputs, then outputs */
    bool folded;    /* all outputs are constants of the plan: nothing to compute */
    bool late;      /* types are known only at run time: prepared then, and when they change */
    bool failed;    /* a kernel failed: eval for good */
    uint64_t runs, nanoseconds, bytes; /* while profiling */
} c2s_step;

typedef enum c2s_kernel_flags {
    C2S_KERNEL_MAKES_OUTPUTS = 1 << 0 /* run sets out[..]->tensor itself (views) */
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
} c2s_kernel_family;

typedef struct c2s_kernel {
    const char *op; /* type in domain ai.onnx */
    const c2s_kernel_family *family;
} c2s_kernel;

/* The rows of kernel_list.h in order. */
extern const c2s_kernel c2s_kernels[];
extern const size_t c2s_kernel_count;

/* True if some row serves the node's operator. */
bool c2s_kernel_serves(const c2s_node *node);
/* The family of the first row that accepts the step, else NULL. */
const c2s_kernel_family *c2s_kernel_select(const c2s_step *step);

/* Of slot i: false / NULL / unknown where it is left out or past the end. */
bool c2s_step_has(const c2s_step *step, unsigned input);
const c2s_type *c2s_step_type(const c2s_step *step, unsigned input);
const c2s_tensor *c2s_step_constant(const c2s_step *step, unsigned input);
/* For finite_only: of every step. */
bool c2s_step_always(const c2s_step *step);
/* True if output i is wanted. */
bool c2s_step_wants(const c2s_step *step, unsigned output);

#endif
