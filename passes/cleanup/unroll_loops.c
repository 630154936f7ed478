/* SPDX-License-Identifier: Apache-2.0
 *
 * Before: Loop whose number of trips is constant and whose condition never ends it
 * After:  the nodes of the body, once per trip; what it stacks becomes Unsqueeze and Concat
 * Refuses when the copies would enlarge the model by more than c2s_fold_budget allows, or there are
 * more trips than UNROLL_TRIPS.
 */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "ir/clone.h"
#include "passes/cleanup/fold_groups.h"
#include "passes/constants.h"

enum { UNROLL_TRIPS = 64, TRIPS = 0, CONDITION = 1, CARRIED = 2 };

static const char rule[] = "unroll-loop";

typedef struct loop {
    c2s_node *node;
    c2s_graph *body;
    unsigned trips, carried, stacked;
    uint64_t growth;
} loop;

static uint64_t count_nodes(const c2s_graph *graph) {
    uint64_t count = 0;
    for (const c2s_node *node = graph->first; node; node = node->next) {
        c2s_graph *body;
        count++;
        for (unsigned i = 0; (body = c2s_node_body(node, i)); i++)
            count += count_nodes(body);
    }
    return count;
}

static bool is_true(const c2s_value *value) {
    double condition;
    return c2s_constant_scalar(value, &condition) && condition != 0;
}

/* The condition is never false: left out or constant in the beginning, and passed on or constant.
 */
static bool never_ends(const c2s_node *node, const c2s_graph *body) {
    const c2s_value *first = c2s_node_in(node, CONDITION), *next = c2s_graph_output(body, 0);
    while (next->def && next->def->op == &c2s_op_identity)
        next = c2s_node_in(next->def, 0);
    return (!first || is_true(first)) &&
           (is_true(next) || next == c2s_graph_input(body, CONDITION));
}

/* False: it is no Loop, or nobody would ask why it stays. */
static bool read_loop(c2s_node *node, loop *l, char *reason, size_t size) {
    double trips;
    *l = (loop){.node = node, .body = c2s_attr_graph(node, "body")};
    reason[0] = '\0';
    if (node->op != &c2s_op_loop || !l->body || node->formal_count < CARRIED ||
        !c2s_node_in(node, TRIPS) || !c2s_constant_scalar(c2s_node_in(node, TRIPS), &trips) ||
        isnan(trips))
        return false;
    l->carried = node->formal_count - CARRIED;
    if (l->body->formal_inputs != CARRIED + l->carried ||
        c2s_graph_output_count(l->body) < 1 + l->carried ||
        c2s_graph_output_count(l->body) - 1 < node->output_count)
        return false;
    for (unsigned i = l->carried; i < node->output_count; i++)
        l->stacked += node->outputs[i] && node->outputs[i]->use_count > 0;
    if (!never_ends(node, l->body)) {
        snprintf(reason, size, "the condition may end it");
    } else if (trips > UNROLL_TRIPS) {
        snprintf(reason, size, "there are %.0f trips, more than %d", trips, UNROLL_TRIPS);
    } else if (trips < 1 && l->stacked > 0) {
        snprintf(reason, size, "what no trip stacks has no extents");
    } else {
        l->trips = trips > 0 ? (unsigned)trips : 0;
        const uint64_t nodes = count_nodes(l->body) + l->stacked;
        l->growth = (l->trips > 1 ? (l->trips - 1) * nodes : 0) * C2S_FOLD_NODE_BYTES;
    }
    return true;
}

static c2s_value *constant(c2s_graph *graph, const char *name, c2s_dtype dtype, int rank,
                           int64_t number) {
    static const int64_t one = 1;
    c2s_tensor *tensor;
    if (c2s_tensor_from_i64(dtype, rank, &one, &number, &tensor) != C2S_OK)
        return NULL;
    return c2s_value_constant(graph, name, tensor);
}

/* A number that a trip is given, if it looks at it. */
static c2s_status give_number(const loop *l, c2s_cloner *c, unsigned slot, c2s_dtype dtype,
                              int64_t number) {
    c2s_value *formal = c2s_graph_input(l->body, slot);
    if (formal->use_count == 0)
        return C2S_OK;
    c2s_value *value =
        constant(l->node->graph, formal->name, dtype, formal->type.rank == 1 ? 1 : 0, number);
    if (!value)
        return C2S_ERR_MEMORY;
    c2s_map_put(&c->values, formal, value);
    return C2S_OK;
}

/* One trip: `state` are the carried values before it and after it; `slices` what it stacks. */
static c2s_status copy_trip(const loop *l, unsigned trip, c2s_value **state, c2s_value **slices) {
    const c2s_node *node = l->node;
    char prefix[256];
    snprintf(prefix, sizeof prefix, "%.200s/%u", c2s_node_name(node), trip);
    c2s_cloner c = {.prefix = prefix};
    const unsigned hidden = c2s_graph_hidden_slot(l->body);
    c2s_status status = give_number(l, &c, TRIPS, C2S_INT64, trip);
    if (status == C2S_OK)
        status = give_number(l, &c, CONDITION, C2S_BOOL, 1);
    for (unsigned i = CARRIED; i < l->body->entry->output_count; i++) {
        c2s_value *outer = i < l->body->formal_inputs
                               ? state[i - CARRIED]
                               : node->inputs[hidden + i - l->body->formal_inputs].value;
        c2s_map_put(&c.values, l->body->entry->outputs[i], outer);
    }
    if (status == C2S_OK)
        status = c2s_graph_clone(&c, l->body, l->node->graph, l->node);
    for (unsigned i = 0; status == C2S_OK && i < l->carried; i++)
        state[i] = c2s_cloned(&c, c2s_graph_output(l->body, 1 + i));
    for (unsigned i = l->carried; status == C2S_OK && i < node->output_count; i++)
        slices[i - l->carried] = c2s_cloned(&c, c2s_graph_output(l->body, 1 + i));
    c2s_map_free(&c.values);
    return status;
}

/* slices[trip * count + i]: Unsqueeze each, Concat. */
static c2s_status stack(const loop *l, c2s_value *const *slices, unsigned count, unsigned i,
                        c2s_value **out) {
    c2s_graph *graph = l->node->graph;
    c2s_value *axes = constant(graph, "axes", C2S_INT64, 1, 0);
    if (!axes)
        return C2S_ERR_MEMORY;
    c2s_node *join = NULL;
    for (unsigned trip = 0; trip < l->trips; trip++) {
        c2s_node *row = c2s_node_create(graph, join ? join : l->node, "", "Unsqueeze", 2, 1);
        c2s_use_set(&row->inputs[0], slices[trip * count + i]);
        c2s_use_set(&row->inputs[1], axes);
        *out = row->outputs[0];
        if (l->trips == 1)
            return C2S_OK;
        if (!join) {
            join = c2s_node_create(graph, l->node, "", "Concat", l->trips, 1);
            c2s_attr_set_int(join, "axis", 0);
        }
        c2s_use_set(&join->inputs[trip], row->outputs[0]);
    }
    *out = join->outputs[0];
    return C2S_OK;
}

static c2s_status unroll(const loop *l) {
    const unsigned stacked =
        l->node->output_count > l->carried ? l->node->output_count - l->carried : 0;
    c2s_value **state = c2s_zalloc((l->carried + 1) * sizeof(c2s_value *));
    c2s_value **slices = c2s_zalloc(((size_t)l->trips * stacked + 1) * sizeof(c2s_value *));
    for (unsigned i = 0; i < l->carried; i++)
        state[i] = l->node->inputs[CARRIED + i].value;
    c2s_status status = C2S_OK;
    for (unsigned trip = 0; status == C2S_OK && trip < l->trips; trip++)
        status = copy_trip(l, trip, state, slices + (size_t)trip * stacked);
    for (unsigned i = 0; status == C2S_OK && i < l->node->output_count; i++) {
        c2s_value *output = l->node->outputs[i];
        if (!output || output->use_count == 0)
            continue;
        c2s_value *result = i < l->carried ? state[i] : NULL;
        if (i >= l->carried)
            status = stack(l, slices, stacked, i - l->carried, &result);
        if (status == C2S_OK)
            c2s_rewrite_replace(output, result);
    }
    free(state);
    free(slices);
    if (status == C2S_OK)
        c2s_node_remove(l->node);
    return status;
}

static c2s_status visit(c2s_node *node, c2s_fold_budget *budget, c2s_stats *stats) {
    loop l;
    char reason[128];
    if (!read_loop(node, &l, reason, sizeof reason) || !c2s_stats_may_apply(stats))
        return C2S_OK;
    const char *where = c2s_node_text(node);
    if (!reason[0] && (l.growth > INT64_MAX || (l.growth && (int64_t)l.growth > budget->left)))
        snprintf(reason, sizeof reason,
                 "the model would grow, %u trips take about %" PRIu64 " bytes more", l.trips,
                 l.growth);
    if (reason[0]) {
        c2s_stats_refuse(stats, rule, where, reason);
        c2s_stats_looked(stats, node);
        return C2S_OK;
    }
    if (c2s_stats_skips(stats, rule, where))
        return C2S_OK;
    c2s_stats_apply(stats, rule, where);
    c2s_stats_removed(stats, node);
    budget->left -= (int64_t)l.growth;
    return unroll(&l);
}

c2s_status c2s_unroll_loops(const c2s_graph_list *graphs, c2s_fold_budget *budget,
                            c2s_stats *stats) {
    /* Bodies stand behind the graphs that own them: from the end, an inner loop goes first. */
    for (size_t i = graphs->count; i-- > 0;)
        for (c2s_node *node = graphs->at[i]->first, *next; node; node = next) {
            next = node->next;
            C2S_TRY(visit(node, budget, stats));
        }
    return C2S_OK;
}
