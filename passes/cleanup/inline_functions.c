/* SPDX-License-Identifier: Apache-2.0
 *
 * Before: a call of a function of the model
 * After:  the nodes of the function; a function that nobody calls is gone
 * Refuses when the function has operators that are others in the model's opset than in its own, or
 * when the copies for several calls would enlarge the model by more than c2s_fold_budget allows.
 */
#include <stdio.h>
#include <string.h>

#include "base/map.h"
#include "io/opset.h"
#include "ir/clone.h"
#include "passes/cleanup/fold_groups.h"

typedef struct callee {
    const c2s_function *function;
    unsigned calls;           /* in the graphs to work on */
    bool inside;              /* another function calls it, too */
    uint64_t nodes;           /* with those of bodies */
    char reason[160];         /* why its calls stay; "": they go */
    struct callee *same_name; /* in other domains, or overloaded */
} callee;

typedef struct inliner {
    c2s_model *model;
    c2s_map by_name; /* hash of a function's name -> callee */
    C2S_VEC(callee *) callees;
    c2s_fold_budget *budget;
    c2s_stats *stats;
} inliner;

static const char rule[] = "inline-function";

static uint64_t name_key(const char *name) {
    return c2s_hash_bytes(name, strlen(name), 0);
}

static callee *callee_of(const inliner *in, const c2s_node *node) {
    if (node->op != &c2s_op_opaque)
        return NULL;
    callee *c = c2s_map_get_u64(&in->by_name, name_key(node->type));
    while (c && !c2s_function_is(c->function, node->domain, node->type, node->overload))
        c = c->same_name;
    return c;
}

/* Counts the calls in a graph and its bodies; returns its nodes. */
static uint64_t count_calls(const inliner *in, const c2s_graph *graph, bool inside) {
    uint64_t nodes = 0;
    for (const c2s_node *node = graph->first; node; node = node->next) {
        callee *c = callee_of(in, node);
        nodes++;
        if (c && inside)
            c->inside = true;
        else if (c)
            c->calls++;
        c2s_graph *body;
        for (unsigned i = 0; (body = c2s_node_body(node, i)); i++)
            nodes += count_calls(in, body, inside);
    }
    return nodes;
}

static bool same_versions(const c2s_model *model, callee *c) {
    for (size_t i = 0; i < c->function->opsets.count; i++) {
        const c2s_opset *own = &c->function->opsets.at[i];
        const int64_t version = c2s_model_opset(model, own->domain);
        if (version == 0 || version == own->version ||
            (!own->domain[0] && c2s_graph_is_same(c->function->graph, own->version, version)))
            continue;
        snprintf(c->reason, sizeof c->reason,
                 "the function is written in opset %lld of %.60s, the model in %lld",
                 (long long)own->version, own->domain[0] ? own->domain : "ai.onnx",
                 (long long)version);
        return false;
    }
    return true;
}

static void decide(const inliner *in, callee *c) {
    if (c->calls == 0 || !same_versions(in->model, c))
        return;
    const uint64_t copies = c->calls - (c->inside ? 0u : 1u);
    const uint64_t growth = copies * c->nodes * C2S_FOLD_NODE_BYTES;
    if (growth > INT64_MAX || (copies && (int64_t)growth > in->budget->left)) {
        snprintf(c->reason, sizeof c->reason,
                 "the model would grow, %u calls of %llu nodes take about %llu bytes more",
                 c->calls, (unsigned long long)c->nodes, (unsigned long long)growth);
        return;
    }
    in->budget->left -= (int64_t)growth;
}

static void take_imports(c2s_model *model, const c2s_function *function) {
    for (size_t i = 0; i < function->opsets.count; i++)
        if (!c2s_model_opset(model, function->opsets.at[i].domain))
            c2s_model_set_opset(model, function->opsets.at[i].domain,
                                function->opsets.at[i].version);
}

static c2s_status expand(inliner *in, c2s_graph *graph, unsigned *expanded);

/* What stands there next: calls inside the function are not looked at before the next round. */
static c2s_status visit(inliner *in, c2s_node *node, unsigned *expanded) {
    const callee *c = callee_of(in, node);
    c2s_graph *body;
    for (unsigned i = 0; (body = c2s_node_body(node, i)); i++)
        C2S_TRY(expand(in, body, expanded));
    if (!c || !c2s_stats_may_apply(in->stats))
        return C2S_OK;
    const char *where = c2s_node_text(node);
    if (c->reason[0]) {
        c2s_stats_refuse(in->stats, rule, where, c->reason);
        c2s_stats_looked(in->stats, node);
        return C2S_OK;
    }
    if (c2s_stats_skips(in->stats, rule, where))
        return C2S_OK;
    c2s_stats_apply(in->stats, rule, where);
    c2s_stats_removed(in->stats, node);
    take_imports(in->model, c->function);
    (*expanded)++;
    return c2s_node_inline(node);
}

static c2s_status expand(inliner *in, c2s_graph *graph, unsigned *expanded) {
    for (c2s_node *node = graph->first, *next; node; node = next) {
        next = node->next;
        C2S_TRY(visit(in, node, expanded));
    }
    return C2S_OK;
}

static c2s_status run_round(inliner *in, unsigned *expanded) {
    for (size_t i = 0; i < in->callees.count; i++) {
        callee *c = in->callees.at[i];
        *c = (callee){.function = c->function, .same_name = c->same_name};
    }
    for (size_t i = 0; i < in->callees.count; i++)
        in->callees.at[i]->nodes = count_calls(in, in->callees.at[i]->function->graph, true);
    count_calls(in, in->model->graph, false);
    for (size_t i = 0; i < in->callees.count; i++)
        decide(in, in->callees.at[i]);
    return expand(in, in->model->graph, expanded);
}

/* One that only functions call which nobody calls goes in a later round. */
static void drop_unused(inliner *in) {
    for (size_t i = in->callees.count; i-- > 0;) {
        const callee *c = in->callees.at[i];
        if (c->calls || c->inside || !c2s_stats_may_apply(in->stats))
            continue;
        char where[320];
        snprintf(where, sizeof where, "function \"%.300s\"", c->function->name);
        if (c2s_stats_skips(in->stats, "unused-function", where))
            continue;
        c2s_stats_apply(in->stats, "unused-function", where);
        c2s_function_remove(in->model, i);
    }
}

static void start(inliner *in) {
    for (size_t i = 0; i < in->model->functions.count; i++) {
        callee *c = c2s_zalloc(sizeof *c);
        c->function = in->model->functions.at[i];
        const uint64_t key = name_key(c->function->name);
        c->same_name = c2s_map_get_u64(&in->by_name, key);
        c2s_vec_push(&in->callees, c);
        c2s_map_put_u64(&in->by_name, key, c);
    }
}

static void end(inliner *in) {
    for (size_t i = 0; i < in->callees.count; i++)
        free(in->callees.at[i]);
    c2s_vec_free(&in->callees);
    c2s_map_free(&in->by_name);
}

/* Counts afresh; functions do not call themselves, so rounds end. */
static c2s_status run(inliner *in, unsigned *changes) {
    unsigned expanded = 0;
    start(in);
    c2s_status status = run_round(in, &expanded);
    end(in);
    if (status != C2S_OK)
        return status;
    start(in);
    for (size_t i = 0; i < in->callees.count; i++)
        count_calls(in, in->callees.at[i]->function->graph, true);
    count_calls(in, in->model->graph, false);
    const size_t before = in->model->functions.count;
    drop_unused(in);
    end(in);
    *changes = expanded + (unsigned)(before - in->model->functions.count);
    return C2S_OK;
}

c2s_status c2s_inline_functions(c2s_model *model, c2s_fold_budget *budget, c2s_stats *stats) {
    unsigned changes = 1;
    while (changes && model->functions.count > 0 && c2s_stats_may_apply(stats)) {
        inliner in = {.model = model, .budget = budget, .stats = stats};
        C2S_TRY(run(&in, &changes));
    }
    return C2S_OK;
}
