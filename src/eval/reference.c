/* SPDX-License-Identifier: Apache-2.0
 *
 * The plain evaluator: op->eval in graph order. Values are released after their last use.
 */
#include <stdlib.h>

#include "base/map.h"
#include "base/threads.h"
#include "eval/evaluator.h"

enum { NO_SLOT = -1 };

/* Slots of one run: inputs first, then constants, then results. */
typedef struct step {
    const c2s_node *node;
    const int *in, *out; /* slots, NO_SLOT where left out; in: hidden ones included */
    const int *release;  /* slots whose last use this is */
    unsigned release_count;
    c2s_kept *kept;
} step;

typedef struct plan {
    const c2s_graph *graph;
    unsigned step_count, slot_count, input_count; /* input_count: captures included */
    step *steps;
    const c2s_tensor **constant; /* by slot, NULL where computed */
    const int *out;
} plan;

typedef struct reference {
    c2s_session base;
    const c2s_graph *graph;
    c2s_eval_options options;
    c2s_arena *arena;
    c2s_map plans; /* graph -> plan */
    C2S_VEC(c2s_kept *) kept;
} reference;

/* ---- planning ---- */

typedef struct planner {
    c2s_arena *arena;
    c2s_map slot;          /* value -> slot + 1 */
    C2S_VEC(int) last_use; /* by slot: step that reads it last, or -1 */
    C2S_VEC(const c2s_tensor *) constant;
} planner;

static int add_slot(planner *p, const c2s_value *value, const c2s_tensor *constant) {
    c2s_vec_push(&p->last_use, -1);
    c2s_vec_push(&p->constant, constant);
    c2s_map_put(&p->slot, value, (void *)(uintptr_t)p->last_use.count);
    return (int)p->last_use.count - 1;
}

static int slot_of(planner *p, const c2s_value *value) {
    if (!value)
        return NO_SLOT;
    size_t found = (size_t)(uintptr_t)c2s_map_get(&p->slot, value);
    if (found)
        return (int)found - 1;
    return add_slot(p, value, value->constant); /* only constants are not defined before use */
}

static void plan_step(planner *p, step *s, const c2s_node *node, int index) {
    int *in = c2s_arena_array(p->arena, node->input_count, sizeof *in);
    int *out = c2s_arena_array(p->arena, node->output_count, sizeof *out);
    for (unsigned k = 0; k < node->input_count; k++) {
        in[k] = slot_of(p, node->inputs[k].value);
        if (in[k] != NO_SLOT)
            p->last_use.at[in[k]] = index;
    }
    for (unsigned k = 0; k < node->output_count; k++) {
        out[k] = node->outputs[k] ? add_slot(p, node->outputs[k], NULL) : NO_SLOT;
        if (out[k] != NO_SLOT)
            p->last_use.at[out[k]] = index; /* unused: released at once */
    }
    *s = (step){.node = node, .in = in, .out = out};
}

static bool is_constant_node(const c2s_node *node) {
    return node->output_count == 1 && node->outputs[0] && node->outputs[0]->constant;
}

static void plan_releases(planner *p, plan *made) {
    unsigned *count = c2s_arena_array(p->arena, made->step_count, sizeof *count);
    for (size_t k = 0; k < p->last_use.count; k++)
        if (p->last_use.at[k] >= 0)
            count[p->last_use.at[k]]++;
    int **release = c2s_arena_array(p->arena, made->step_count, sizeof *release);
    for (unsigned i = 0; i < made->step_count; i++) {
        release[i] = c2s_arena_array(p->arena, count[i], sizeof **release);
        made->steps[i].release = release[i];
    }
    for (size_t k = 0; k < p->last_use.count; k++)
        if (p->last_use.at[k] >= 0) {
            step *s = &made->steps[p->last_use.at[k]];
            release[p->last_use.at[k]][s->release_count++] = (int)k;
        }
}

static plan *make_plan(reference *r, const c2s_graph *graph) {
    planner p = {.arena = r->arena};
    plan *made = c2s_arena_alloc(r->arena, sizeof *made);
    made->graph = graph;
    made->input_count = graph->entry->output_count;
    for (unsigned k = 0; k < made->input_count; k++)
        add_slot(&p, graph->entry->outputs[k], NULL);
    made->steps = c2s_arena_array(r->arena, graph->node_count, sizeof *made->steps);
    for (const c2s_node *node = graph->first; node; node = node->next)
        if (!is_constant_node(node)) {
            step *s = &made->steps[made->step_count];
            plan_step(&p, s, node, (int)made->step_count++);
            s->kept = c2s_arena_alloc(r->arena, sizeof *s->kept);
            c2s_vec_push(&r->kept, s->kept);
        }
    unsigned outputs = c2s_graph_output_count(graph);
    int *out = c2s_arena_array(r->arena, outputs, sizeof *out);
    for (unsigned k = 0; k < outputs; k++) {
        out[k] = slot_of(&p, c2s_graph_output(graph, k));
        p.last_use.at[out[k]] = -1; /* stays to the end */
    }
    made->out = out;
    plan_releases(&p, made);
    made->slot_count = (unsigned)p.last_use.count;
    made->constant = (const c2s_tensor **)c2s_arena_memdup(
        r->arena, p.constant.at, p.constant.count * sizeof *p.constant.at);
    c2s_map_free(&p.slot);
    c2s_vec_free(&p.last_use);
    c2s_vec_free(&p.constant);
    return made;
}

static plan *plan_of(reference *r, const c2s_graph *graph) {
    plan *found = c2s_map_get(&r->plans, graph);
    if (!found) {
        found = make_plan(r, graph);
        c2s_map_put(&r->plans, graph, found);
    }
    return found;
}

/* ---- running ---- */

static c2s_status run_plan(reference *r, const plan *p, const c2s_tensor *const *in,
                           c2s_tensor **out);

static bool observed(const reference *r, const c2s_value *value) {
    return r->options.observe && (r->options.observe_value ? r->options.observe_value[value->id]
                                                           : value->graph == r->graph);
}

static c2s_status observe_inputs(const reference *r, const c2s_graph *graph,
                                 const c2s_tensor *const *in) {
    for (unsigned k = 0; k < graph->entry->output_count; k++) {
        const c2s_value *value = graph->entry->outputs[k];
        if (value && in[k] && observed(r, value))
            C2S_TRY(r->options.observe(r->options.observe_user, value, in[k]));
    }
    return C2S_OK;
}

typedef struct runner {
    c2s_body_runner base;
    reference *r;
    const c2s_tensor *const *hidden; /* of the node whose bodies are run */
} runner;

static c2s_status run_body(const c2s_body_runner *self, const c2s_graph *body,
                           const c2s_tensor *const *in, unsigned in_count, c2s_tensor **out,
                           unsigned out_count) {
    const runner *me = (const runner *)self;
    const plan *p = plan_of(me->r, body);
    if (in_count != body->formal_inputs || out_count != c2s_graph_output_count(body))
        return c2s_fail(C2S_ERR_INVALID, "a body has %u inputs and %u outputs, expected %u and %u",
                        body->formal_inputs, c2s_graph_output_count(body), in_count, out_count);
    const c2s_tensor **all = c2s_alloc_array(p->input_count, sizeof *all);
    unsigned base = c2s_graph_hidden_slot(body) - body->owner->formal_count;
    for (unsigned k = 0; k < p->input_count; k++)
        all[k] = k < in_count ? in[k] : me->hidden[base + k - in_count];
    c2s_status status = observe_inputs(me->r, body, all);
    if (status == C2S_OK)
        status = run_plan(me->r, p, all, out);
    free(all);
    return status;
}

static c2s_status observe_step(const reference *r, const step *s, const c2s_tensor *const *slots) {
    for (unsigned k = 0; k < s->node->output_count; k++)
        if (s->out[k] != NO_SLOT && observed(r, s->node->outputs[k]))
            C2S_TRY(
                r->options.observe(r->options.observe_user, s->node->outputs[k], slots[s->out[k]]));
    return C2S_OK;
}

static c2s_status run_step(reference *r, const step *s, const c2s_tensor **slots) {
    const c2s_node *node = s->node;
    const c2s_tensor *small_in[16];
    c2s_tensor *small_out[8];
    const c2s_tensor **in =
        node->input_count <= 16 ? small_in : c2s_alloc_array(node->input_count, sizeof *in);
    c2s_tensor **out =
        node->output_count <= 8 ? small_out : c2s_alloc_array(node->output_count, sizeof *out);
    for (unsigned k = 0; k < node->input_count; k++)
        in[k] = s->in[k] == NO_SLOT ? NULL : slots[s->in[k]];
    runner bodies = {{run_body}, r, in + node->formal_count};
    c2s_status status =
        c2s_node_eval_again(node, in, out, &bodies.base, r->options.memory_limit, s->kept);
    for (unsigned k = 0; k < node->output_count && status == C2S_OK; k++)
        if (s->out[k] != NO_SLOT)
            slots[s->out[k]] = out[k];
    if (in != small_in)
        free(in);
    if (out != small_out)
        free(out);
    C2S_TRY(status);
    C2S_TRY(observe_step(r, s, slots));
    for (unsigned k = 0; k < s->release_count; k++) {
        c2s_tensor_unref(slots[s->release[k]]);
        slots[s->release[k]] = NULL;
    }
    return C2S_OK;
}

static c2s_status run_plan(reference *r, const plan *p, const c2s_tensor *const *in,
                           c2s_tensor **out) {
    const c2s_tensor **slots = c2s_zalloc(((size_t)p->slot_count + 1) * sizeof *slots);
    c2s_status status = C2S_OK;
    for (unsigned k = 0; k < p->slot_count; k++) {
        const c2s_tensor *given = k < p->input_count ? in[k] : p->constant[k];
        slots[k] = given ? c2s_tensor_ref(given) : NULL;
    }
    for (unsigned i = 0; i < p->step_count && status == C2S_OK; i++)
        status = run_step(r, &p->steps[i], slots);
    for (unsigned k = 0; k < c2s_graph_output_count(p->graph); k++)
        out[k] = status == C2S_OK ? c2s_tensor_ref(slots[p->out[k]]) : NULL;
    for (unsigned k = 0; k < p->slot_count; k++)
        c2s_tensor_unref(slots[k]);
    free(slots);
    return status;
}

static c2s_status reference_open(const c2s_graph *graph, const c2s_eval_options *options,
                                 c2s_session **session) {
    if (options && options->emulate != C2S_EMULATE_NOTHING)
        return c2s_fail(C2S_ERR_UNSUPPORTED, "the plain evaluator emulates no processor");
    reference *r = c2s_zalloc(sizeof *r);
    r->base.evaluator = &c2s_evaluator_reference;
    r->graph = graph;
    if (options)
        r->options = *options;
    r->arena = c2s_arena_create();
    *session = &r->base;
    return C2S_OK;
}

static c2s_status reference_run(c2s_session *session, const c2s_tensor *const *in,
                                c2s_tensor **out) {
    reference *r = (reference *)session;
    C2S_TRY(c2s_eval_check_inputs(r->graph, in));
    unsigned count = c2s_graph_input_count(r->graph);
    const c2s_tensor **given = c2s_alloc_array(count, sizeof *given);
    for (unsigned k = 0; k < count; k++)
        given[k] = in[k] ? in[k] : c2s_graph_input(r->graph, k)->initial;
    unsigned threads = c2s_threads_use(r->options.threads);
    const c2s_ceiling before = c2s_ceiling_lower(r->options.memory_limit);
    c2s_status status = observe_inputs(r, r->graph, given);
    if (status == C2S_OK)
        status = run_plan(r, plan_of(r, r->graph), given, out);
    c2s_ceiling_restore(before);
    c2s_threads_restore(threads);
    free(given);
    return status;
}

static void reference_close(c2s_session *session) {
    reference *r = (reference *)session;
    if (!r)
        return;
    for (size_t k = 0; k < r->kept.count; k++)
        c2s_kept_free(r->kept.at[k]);
    c2s_vec_free(&r->kept);
    c2s_map_free(&r->plans);
    c2s_arena_destroy(r->arena);
    free(r);
}

const c2s_evaluator c2s_evaluator_reference = {
    .name = "reference",
    .open = reference_open,
    .run = reference_run,
    .close = reference_close,
};
