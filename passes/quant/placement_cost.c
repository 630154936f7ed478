/* SPDX-License-Identifier: Apache-2.0
 *
 * Which candidates pay: what runs on integers and what in float, as a graph whose minimum cut is
 * the answer. The source's side is that of the integers.
 */
#include <math.h>

#include "ops/macs.h"
#include "passes/fuse/min_cut.h"
#include "passes/quant/placement.h"

/* In place of extents that are not known, but for the batch. */
#define FREE_EXTENT 32.0
/* Capacities are whole numbers: so many to a nanosecond. */
#define UNITS 16.0
/* More than any graph costs, yet so little that many of them can be added. */
#define ALWAYS (INT64_C(1) << 40)

typedef struct network {
    c2s_cut cut;
    const c2s_placement *p;
    unsigned *vertex; /* by node id; 0: none, it stays in float */
} network;

/* ---- what things cost ---- */

static double free_extents(const c2s_type *type) {
    double product = 1;
    for (int axis = 1; axis < type->rank; axis++)
        product *= c2s_dim_is_known(type->dim[axis]) ? 1 : FREE_EXTENT;
    return product;
}

static double elements(const c2s_value *value) {
    if (!c2s_type_is_tensor(&value->type) || value->type.rank < 0)
        return FREE_EXTENT;
    return (double)c2s_macs_extents(&value->type, 0, -1) * free_extents(&value->type);
}

static int64_t capacity(double nanoseconds) {
    return (int64_t)fmin(nanoseconds * UNITS, (double)ALWAYS);
}

static int64_t cost_of(const c2s_placement *p, const c2s_node *node, bool on_codes) {
    const c2s_target *t = p->target;
    const c2s_target_row *row = p->nodes[node->id].row;
    const c2s_value *result = node->outputs[0] ? node->outputs[0] : node->inputs[0].value;
    const float own = on_codes ? row->on_codes : row->on_floats;
    const float usual = on_codes ? t->on_codes : t->on_floats;
    double cost = (double)t->start;
    if (p->nodes[node->id].rule.kind == C2S_QUANT_LINEAR && node->op->macs) {
        const float sum = on_codes ? t->sum_on_codes : t->sum_on_floats;
        cost += (double)node->op->macs(node) * free_extents(&result->type) *
                (double)(own > 0 ? own : sum);
        cost += on_codes ? elements(result) * (double)usual : 0;
    } else {
        cost += elements(result) * (double)(own > 0 ? own : usual);
    }
    return capacity(cost);
}

/* ---- the network ---- */

static unsigned vertex_of(const network *n, const c2s_node *node) {
    const c2s_placed_node *placed = node ? &n->p->nodes[node->id] : NULL;
    if (placed && placed->head)
        node = placed->head;
    const unsigned vertex = node ? n->vertex[node->id] : 0;
    return vertex ? vertex : C2S_CUT_SINK;
}

static void add_nodes(network *n, const c2s_graph *graph, bool force) {
    for (const c2s_node *node = graph->first; node; node = node->next) {
        const c2s_placed_node *placed = &n->p->nodes[node->id];
        if (!placed->integer || placed->head)
            continue;
        const unsigned vertex = n->vertex[node->id] = c2s_cut_add_vertex(&n->cut);
        const bool always = force && placed->rule.kind == C2S_QUANT_LINEAR;
        c2s_cut_add_edge(&n->cut, C2S_CUT_SOURCE, vertex,
                         always ? ALWAYS : cost_of(n->p, node, false), 0);
        c2s_cut_add_edge(&n->cut, vertex, C2S_CUT_SINK, cost_of(n->p, node, true), 0);
    }
}

/* One conversion to float if some reader does not run on integers, one to codes if its maker does
 * not and some reader does. */
static void add_value(network *n, const c2s_value *value) {
    const unsigned maker = vertex_of(n, value->def);
    const c2s_placed_node *made = value->def ? &n->p->nodes[value->def->id] : NULL;
    const c2s_node *head = made && made->head ? made->head : value->def;
    unsigned to_float = 0, to_codes = 0;
    const int64_t cost =
        capacity((double)n->p->target->start + elements(value) * (double)n->p->target->convert);
    /* Inside of a chain nothing is converted; sums may come out as floats for nothing. */
    if (made && made->tail && made->integer)
        return;
    const bool free_floats = maker != C2S_CUT_SINK &&
                             n->p->nodes[head->id].row->way == C2S_WAY_COMPUTES &&
                             n->p->nodes[head->id].row->result == C2S_RESULT_EITHER;
    c2s_value_each_use(use, value) {
        const bool operand = n->p->nodes[use->user->id].integer &&
                             c2s_placement_is_operand(n->p, use->user, use->slot);
        const unsigned reader = operand ? vertex_of(n, use->user) : C2S_CUT_SINK;
        if (reader == maker)
            continue;
        if (maker != C2S_CUT_SINK && !free_floats) {
            if (!to_float) {
                to_float = c2s_cut_add_vertex(&n->cut);
                c2s_cut_add_edge(&n->cut, maker, to_float, cost, 0);
            }
            c2s_cut_add_edge(&n->cut, to_float, reader, C2S_CUT_NEVER, 0);
        }
        if (reader != C2S_CUT_SINK) {
            if (!to_codes) {
                to_codes = c2s_cut_add_vertex(&n->cut);
                c2s_cut_add_edge(&n->cut, to_codes, maker, cost, 0);
            }
            c2s_cut_add_edge(&n->cut, reader, to_codes, C2S_CUT_NEVER, 0);
        }
    }
}

static void add_values(network *n, const c2s_graph *graph) {
    for (unsigned i = 0; i < graph->entry->output_count; i++)
        if (graph->entry->outputs[i])
            add_value(n, graph->entry->outputs[i]);
    for (const c2s_node *node = graph->first; node; node = node->next)
        for (unsigned k = 0; k < node->output_count; k++)
            if (node->outputs[k] && !node->outputs[k]->constant)
                add_value(n, node->outputs[k]);
}

/* ---- the answer ---- */

static void leave_in_float(c2s_placement *p, c2s_node *node, const char *reason) {
    for (c2s_node *next; node; node = next) {
        c2s_placed_node *placed = &p->nodes[node->id];
        next = placed->tail;
        placed->integer = false;
        placed->reason = reason;
        placed->head = placed->tail = NULL;
    }
}

void c2s_placement_keep_cheapest(const c2s_graph *graph, bool force, c2s_placement *p) {
    network n = {.p = p, .vertex = c2s_zalloc((graph->model->nodes.count + 1) * sizeof *n.vertex)};
    bool *in_float = NULL;
    c2s_cut_init(&n.cut);
    add_nodes(&n, graph, force);
    add_values(&n, graph);
    const bool solved = c2s_cut_solve(&n.cut, &in_float);
    for (c2s_node *node = graph->first; node; node = node->next)
        if (n.vertex[node->id] && (!solved || in_float[n.vertex[node->id]]))
            leave_in_float(p, node,
                           solved ? "what it would gain is less than what conversions cost"
                                  : "the graph is too tangled to tell what pays");
    free(in_float);
    free(n.vertex);
    c2s_cut_free(&n.cut);
}
