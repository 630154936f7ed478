/* SPDX-License-Identifier: Apache-2.0
 *
 * A plan: one graph (main or body) for one set of input types. Types of all values are inferred
 * for these inputs, what depends on nothing else is computed, kernels are chosen and prepared.
 * Nodes whose types come out only at run time are prepared then.
 */
#ifndef C2S_RUNTIME_PLAN_H
#define C2S_RUNTIME_PLAN_H

#include "eval/evaluator.h"
#include "runtime/kernel.h"
#include "runtime/activations.h"

/* What all plans of a session share. */
typedef struct c2s_plan_context {
    const c2s_graph *main;
    c2s_eval_options options;
    bool profile;
    struct c2s_dnnl *dnnl;
    c2s_memory *memory;
    const unsigned *slot_of; /* by value id: its slot in plans of its graph */
    /* Runs a body of the step's node: the plan is found or made by the session. */
    c2s_status (*run_body)(struct c2s_plan_context *self, const c2s_graph *body,
                           const c2s_tensor *const *entry, c2s_tensor **out);
} c2s_plan_context;

typedef struct c2s_plan {
    c2s_plan_context *context;
    const c2s_graph *graph;
    c2s_arena *arena;
    c2s_type *signature; /* per output of graph->entry */
    c2s_slot *slots;
    c2s_step *steps;
    unsigned slot_count, step_count;
    uint64_t used; /* the session's clock at the last run */
} c2s_plan;

/* `in`: a tensor per output of graph->entry; only their types count. `slot_count`: of the graph.
 * Never fails on account of the model: what cannot be inferred or prepared is left to the run,
 * whose messages name the node. */
c2s_plan *c2s_plan_create(c2s_plan_context *context, const c2s_graph *graph, unsigned slot_count,
                          const c2s_tensor *const *in);
void c2s_plan_destroy(c2s_plan *plan); /* NULL is allowed */
bool c2s_plan_fits(const c2s_plan *plan, const c2s_tensor *const *in);

/* `out` receives one reference per graph output. */
c2s_status c2s_plan_run(c2s_plan *plan, const c2s_tensor *const *in, c2s_tensor **out);

/* ---- between plan.c and run.c ---- */
c2s_slot *c2s_plan_slot(c2s_plan *plan, const c2s_value *value); /* NULL for NULL */
/* Infers the output types from the inputs' types and `constant` (or with `concrete` from their
 * tensors) into the output slots. False if some type stays open. */
bool c2s_step_infer(c2s_plan *plan, c2s_step *step, bool concrete);
/* Chooses and prepares a kernel for the types in the slots. */
void c2s_step_prepare(c2s_step *step);
void c2s_step_unprepare(c2s_step *step);

#endif
