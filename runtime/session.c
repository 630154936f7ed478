/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/session.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/log.h"
#include "base/map.h"
#include "base/threads.h"
#include "runtime/dnnl_primitive.h"
#include "runtime/half.h"
#include "runtime/plan.h"

enum { PLANS_PER_GRAPH = 8 };

/* Plans of one graph for different input types. */
typedef struct graph_plans {
    unsigned slot_count;
    unsigned count;
    c2s_plan *plan[PLANS_PER_GRAPH];
} graph_plans;

typedef struct onednn {
    c2s_session base;
    c2s_plan_context context;
    c2s_arena *arena;
    c2s_map graphs; /* graph -> graph_plans */
    unsigned *slot_of;
    uint64_t clock;
    const c2s_plan *last; /* of the main graph */
} onednn;

static onednn *owner_of(c2s_plan_context *context) {
    return (onednn *)((char *)context - offsetof(onednn, context));
}

/* ---- plans ---- */

/* Numbers the values of each graph, so that a plan's slots are an array. */
static void number_values(onednn *s, const c2s_model *model) {
    s->slot_of = c2s_arena_array(s->arena, model->values.count, sizeof *s->slot_of);
    for (size_t i = 0; i < model->values.count; i++) {
        const c2s_value *value = model->values.at[i];
        if (!value)
            continue;
        graph_plans *plans = c2s_map_get(&s->graphs, value->graph);
        if (!plans) {
            plans = c2s_arena_alloc(s->arena, sizeof *plans);
            c2s_map_put(&s->graphs, value->graph, plans);
        }
        s->slot_of[i] = plans->slot_count++;
    }
    s->context.slot_of = s->slot_of;
}

/* The least recently used plan's place if all are taken. */
static unsigned free_place(onednn *s, graph_plans *plans) {
    if (plans->count < PLANS_PER_GRAPH)
        return plans->count++;
    unsigned oldest = 0;
    for (unsigned k = 1; k < PLANS_PER_GRAPH; k++)
        if (plans->plan[k]->used < plans->plan[oldest]->used)
            oldest = k;
    c2s_plan_destroy(plans->plan[oldest]);
    plans->plan[oldest] = NULL;
    c2s_half_forget(&s->context); /* constants of that plan are gone */
    c2s_dnnl_forget(s->context.dnnl);
    return oldest;
}

/* Other plans of the graph give up their memory. */
static void let_others_rest(graph_plans *plans, const c2s_plan *plan) {
    for (unsigned k = 0; k < plans->count; k++)
        if (plans->plan[k] && plans->plan[k] != plan)
            c2s_plan_rest(plans->plan[k]);
}

static c2s_plan *find_plan(onednn *s, const c2s_graph *graph, const c2s_tensor *const *in) {
    graph_plans *plans = c2s_map_get(&s->graphs, graph);
    if (!plans) { /* a graph without a single value */
        plans = c2s_arena_alloc(s->arena, sizeof *plans);
        c2s_map_put(&s->graphs, graph, plans);
    }
    c2s_plan *plan = NULL;
    for (unsigned k = 0; k < plans->count && !plan; k++)
        if (c2s_plan_fits(plans->plan[k], in))
            plan = plans->plan[k];
    if (!plan) {
        unsigned place = free_place(s, plans);
        plan = c2s_plan_create(&s->context, graph, plans->slot_count, in, false);
        plans->plan[place] = plan;
        let_others_rest(plans, plan);
    }
    plan->used = ++s->clock;
    return plan;
}

/* A plan that a run refuted makes way for one that looks at each type as it comes. */
static c2s_plan *replace_plan(onednn *s, c2s_plan *plan, const c2s_tensor *const *in) {
    graph_plans *plans = c2s_map_get(&s->graphs, plan->graph);
    unsigned place = 0;
    while (plans->plan[place] != plan)
        place++;
    plans->plan[place] = c2s_plan_create(&s->context, plan->graph, plans->slot_count, in, true);
    plans->plan[place]->used = plan->used;
    c2s_plan_destroy(plan);
    return plans->plan[place];
}

static c2s_status run_graph(onednn *s, const c2s_graph *graph, const c2s_tensor *const *in,
                            c2s_tensor **out, c2s_plan **used) {
    *used = find_plan(s, graph, in);
    c2s_status status = c2s_plan_run(*used, in, out);
    if (status == C2S_OK || !(*used)->refuted)
        return status;
    c2s_log(1, "%s", c2s_error());
    c2s_error_clear();
    *used = replace_plan(s, *used, in);
    return c2s_plan_run(*used, in, out);
}

static c2s_status run_body(c2s_plan_context *context, const c2s_graph *body,
                           const c2s_tensor *const *entry, c2s_tensor **out) {
    c2s_plan *plan;
    return run_graph(owner_of(context), body, entry, out, &plan);
}

/* ---- the evaluator ---- */

static void onednn_close(c2s_session *session) {
    onednn *s = (onednn *)session;
    if (!s)
        return;
    for (size_t i = 0; i < s->graphs.capacity; i++) {
        if (!s->graphs.slots[i].used)
            continue;
        graph_plans *plans = s->graphs.slots[i].value;
        for (unsigned k = 0; k < plans->count; k++)
            c2s_plan_destroy(plans->plan[k]);
    }
    c2s_map_free(&s->graphs);
    c2s_memory_destroy(s->context.memory);
    c2s_dnnl_destroy(s->context.dnnl);
    c2s_half_free(&s->context);
    c2s_arena_destroy(s->arena);
    free(s);
}

static c2s_status onednn_open(const c2s_graph *graph, const c2s_eval_options *options,
                              c2s_session **session) {
    if (options && options->simulate_quantized && options->emulate != C2S_EMULATE_NOTHING)
        return c2s_fail(C2S_ERR_UNSUPPORTED, "what is computed on floats emulates no processor");
    onednn *s = c2s_zalloc(sizeof *s);
    s->base.evaluator = &c2s_evaluator_onednn;
    s->arena = c2s_arena_create();
    s->context.main = graph;
    if (options)
        s->context.options = *options;
    s->context.memory = c2s_memory_create(s->context.options.memory_limit);
    s->context.run_body = run_body;
    number_values(s, graph->model);
    c2s_status status = c2s_dnnl_create(&s->context.dnnl);
    if (status != C2S_OK) {
        onednn_close(&s->base);
        return status;
    }
    *session = &s->base;
    return C2S_OK;
}

static c2s_status run_main(onednn *s, const c2s_tensor *const *in, c2s_tensor **out) {
    c2s_plan *plan;
    c2s_status status = run_graph(s, s->context.main, in, out, &plan);
    c2s_memory_trim(s->context.memory);
    s->last = status == C2S_OK ? plan : NULL;
    return status;
}

static c2s_status onednn_run(c2s_session *session, const c2s_tensor *const *in, c2s_tensor **out) {
    onednn *s = (onednn *)session;
    C2S_TRY(c2s_eval_check_inputs(s->context.main, in));
    unsigned count = c2s_graph_input_count(s->context.main);
    const c2s_tensor **given = c2s_alloc_array(count, sizeof *given);
    for (unsigned k = 0; k < count; k++)
        given[k] = in[k] ? in[k] : c2s_graph_input(s->context.main, k)->initial;
    unsigned threads = c2s_threads_use(s->context.options.threads);
    s->context.threads = (unsigned)c2s_most_threads();
    const c2s_ceiling before = c2s_ceiling_lower(s->context.options.memory_limit);
    c2s_status status = run_main(s, given, out);
    c2s_ceiling_restore(before);
    c2s_threads_restore(threads);
    free(given);
    return status;
}

const c2s_evaluator c2s_evaluator_onednn = {
    .name = "onednn",
    .open = onednn_open,
    .run = onednn_run,
    .close = onednn_close,
};

void c2s_onednn_give_back(c2s_session *session, c2s_tensor *tensor) {
    c2s_memory_release(((onednn *)session)->context.memory, tensor);
}

const char *c2s_onednn_kernel_of(const c2s_session *session, const c2s_node *node) {
    const c2s_plan *plan = ((const onednn *)session)->last;
    for (unsigned i = 0; plan && i < plan->step_count; i++) {
        const c2s_step *step = &plan->steps[i];
        if (step->node != node)
            continue;
        const c2s_step *doer = step;
        while (doer->inside)
            doer = doer->inside;
        return doer->folded ? "constant" : doer->kernel ? doer->kernel->name : "eval";
    }
    return NULL;
}

void c2s_onednn_profile(c2s_session *session, bool on) {
    onednn *s = (onednn *)session;
    s->context.profile = on;
    for (size_t i = 0; i < s->graphs.capacity && on; i++) {
        graph_plans *plans = s->graphs.slots[i].used ? s->graphs.slots[i].value : NULL;
        for (unsigned k = 0; plans && k < plans->count; k++)
            for (size_t j = 0; j < plans->plan[k]->order.count; j++)
                plans->plan[k]->order.at[j]->runs = plans->plan[k]->order.at[j]->nanoseconds = 0;
    }
}

size_t c2s_onednn_profile_read(const c2s_session *session, c2s_step_profile *out) {
    const c2s_plan *plan = ((const onednn *)session)->last;
    for (size_t i = 0; plan && out && i < plan->order.count; i++) {
        const c2s_step *step = plan->order.at[i];
        out[i] = (c2s_step_profile){step->node, step->kernel ? step->kernel->name : "eval",
                                    step->runs, step->nanoseconds, step->bytes};
    }
    return plan ? plan->order.count : 0;
}

const char *c2s_onednn_version(void) {
    static char text[32];
    const dnnl_version_t *version = dnnl_version();
    snprintf(text, sizeof text, "oneDNN %d.%d.%d", version->major, version->minor, version->patch);
    return text;
}
