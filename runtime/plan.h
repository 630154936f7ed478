/* SPDX-License-Identifier: Apache-2.0
 *
 * A plan: one graph (main or body) for one set of input types. Types of all values are inferred
 * for these inputs, what depends on nothing else is computed, kernels are chosen and prepared.
 * Nodes whose types come out only at run time are prepared then.
 */
#ifndef C2S_RUNTIME_PLAN_H
#define C2S_RUNTIME_PLAN_H

#include "base/map.h"
#include "base/vec.h"
#include "eval/evaluator.h"
#include "runtime/kernel.h"
#include "runtime/activations.h"

/* What all plans of a session share. */
typedef struct c2s_plan_context {
    const c2s_graph *main;
    c2s_eval_options options;
    bool profile;
    unsigned threads; /* of the session's run */
    struct c2s_dnnl *dnnl;
    c2s_memory *memory;
    const unsigned *slot_of; /* by value id: its slot in plans of its graph */
    c2s_map widened;         /* float16 and bfloat16 constants as float (runtime/half.h) */
    /* Runs a body of the step's node: the plan is found or made by the session. */
    c2s_status (*run_body)(struct c2s_plan_context *self, const c2s_graph *body,
                           const c2s_tensor *const *entry, c2s_tensor **out);
} c2s_plan_context;

typedef struct c2s_plan {
    c2s_plan_context *context;
    const c2s_graph *graph;
    c2s_arena *arena;
    c2s_type *signature; /* per output of graph->entry */
    c2s_slot *slots;     /* row-major forms */
    c2s_step *steps;     /* one per node that is wanted, in the order of the graph */
    unsigned slot_count, step_count;
    C2S_VEC(c2s_step *) order; /* what runs: steps and reorders */
    c2s_bytes *block;          /* the activations that have a place in it; NULL: not allocated */
    size_t block_size;
    size_t repetition; /* bytes of large constants that were computed out of small ones */
    bool closed;       /* planned: layouts can no longer be chosen */
    bool all_late;     /* every kernel is prepared at run time, for the types found there */
    bool refuted;      /* a run found another type than planned */
    uint64_t used;     /* the session's clock at the last run */
} c2s_plan;

/* `in`: a tensor per output of graph->entry; only their types count. `slot_count`: of the graph.
 * Never fails on account of the model: what cannot be inferred or prepared is left to the run,
 * whose messages name the node. */
c2s_plan *c2s_plan_create(c2s_plan_context *context, const c2s_graph *graph, unsigned slot_count,
                          const c2s_tensor *const *in, bool all_late);
void c2s_plan_destroy(c2s_plan *plan); /* NULL is allowed */
bool c2s_plan_fits(const c2s_plan *plan, const c2s_tensor *const *in);
/* Frees the block until the next run. */
void c2s_plan_rest(c2s_plan *plan);

/* `out` receives one reference per graph output. A failure that sets plan->refuted is no failure of
 * the model: a plan with all_late is to be made, and run. */
c2s_status c2s_plan_run(c2s_plan *plan, const c2s_tensor *const *in, c2s_tensor **out);

/* ---- between the files of plan and run ---- */
c2s_slot *c2s_plan_slot(c2s_plan *plan, const c2s_value *value); /* NULL for NULL */
/* Infers the output types from the inputs' types and `constant` (or with `concrete` from their
 * tensors) into the output slots. False if some type stays open. */
bool c2s_step_infer(c2s_plan *plan, c2s_step *step, bool concrete);
/* Computes what never changes; steps then know their types, or are late. */
void c2s_plan_types(c2s_plan *plan);
/* Makes the outputs of a step whose inputs are constants constants of the plan. */
bool c2s_step_fold(c2s_plan *plan, c2s_step *step);
/* Chooses kernels, layouts and what kernels do for others; fills plan->order. */
void c2s_plan_kernels(c2s_plan *plan);
/* Chooses and prepares a kernel for the types in the slots. */
void c2s_step_prepare(c2s_step *step);
void c2s_step_unprepare(c2s_step *step);
/* Fills step->state, on as many threads as the step will run on. */
c2s_status c2s_step_prepare_kernel(c2s_step *step, const c2s_kernel_family *kernel);
/* Prepares this kernel, and makes row-major what it did not take. */
c2s_status c2s_step_try(c2s_step *step, const c2s_kernel_family *kernel);
/* After a failure: drops what `order` has from `from` on; brings back the step's own operands. */
void c2s_plan_drop(c2s_plan *plan, size_t from);
void c2s_step_reset(c2s_step *step);
/* Plans the step that makes a deferred value (slot->dequantizer). */
c2s_status c2s_plan_make(c2s_plan *plan, c2s_slot *base);
/* Who needs what until when, and where it lies. */
void c2s_plan_memory(c2s_plan *plan);
/* Allocates the block and places the activations in it, if that is not done. */
c2s_status c2s_plan_wake(c2s_plan *plan);
/* Computes a step by eval alone, with all that its kernel would compute; its inputs may be in any
 * layout, its outputs come out in those of the plan. */
c2s_status c2s_step_eval(c2s_plan *plan, c2s_step *step);
/* Memory for an output: its place, or a tensor of its own. */
c2s_status c2s_slot_allocate(c2s_plan *plan, c2s_slot *slot);

extern const c2s_kernel_family c2s_kernels_reorder;

#endif
