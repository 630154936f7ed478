/* SPDX-License-Identifier: Apache-2.0
 *
 * Which candidates pay: what runs on integers and what in float, as a graph whose minimum cut is
 * the answer. The source's side is that of the integers.
 */
#include <limits.h>
#include <math.h>

#include "base/log.h"
#include "ops/macs.h"
#include "passes/constants.h"
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
    double on_floats; /* what all candidates cost there */
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

/* Channels with the last block filled, in relation to what they are. */
static double filled(int64_t channels, uint8_t block) {
    const int64_t over = block ? channels % block : 0;
    return over ? (double)(channels + block - over) / (double)channels : 1;
}

/* What a convolution takes beyond its products. */
static double window_cost(const c2s_node *node, double products, const c2s_sum_cost *by) {
    const c2s_type *w = &c2s_node_in(node, 1)->type;
    const int64_t group = c2s_attr_int(node, "group", 1);
    if (node->op != &c2s_op_conv || w->rank < 3 || !c2s_type_is_static(w) || group <= 0)
        return 0;
    const int64_t in = w->dim[1], out = w->dim[0] / group, window = c2s_macs_extents(w, 2, -1);
    const bool single = group > 1 && in * out == 1;
    const double pairs = fmax((double)(single ? group : in * out), 1);
    const double windows = window > 1 ? products / pairs : 0;
    if (single) {
        const bool loose = filled(group, by->block_single) > 1;
        return windows * (double)by->single_window +
               products * (double)(by->single + (loose ? by->loose_single : 0));
    }
    const double full_in = in > by->few_in ? filled(in, by->block_in) : 1;
    const double full = full_in * filled(out, by->block_out);
    const double rows = windows / fmax((double)w->dim[w->rank - 1], 1);
    const double loose =
        window > 1 ? rows * (double)by->loose_row : products / pairs * (double)by->loose_place;
    return windows * (double)by->window + (full - 1) * products * (double)by->product +
           (group > 1 || full > 1 ? loose : 0);
}

static double sum_cost(const c2s_node *node, const c2s_sum_cost *by) {
    const c2s_value *result = node->outputs[0], *weight = c2s_node_in(node, 1);
    const double products =
        node->op->macs ? (double)node->op->macs(node) * free_extents(&result->type) : 0;
    double cost = products * (double)by->product + elements(result) * (double)by->result;
    if (weight->constant)
        cost += elements(weight) * (double)by->weight;
    if (node->op != &c2s_op_conv)
        cost += elements(result) * (double)by->matrix_result;
    return cost + window_cost(node, products, by);
}

static double most_elements(const c2s_node *node) {
    double most = elements(node->outputs[0]);
    for (unsigned k = 0; k < node->formal_count; k++)
        if (node->inputs[k].value && !node->inputs[k].value->constant)
            most = fmax(most, elements(node->inputs[k].value));
    return most;
}

/* Channels go to the front for convolutions alone, which have them last on codes. */
static bool is_undone(const c2s_placement *p, const c2s_node *node) {
    const c2s_value *result = node->outputs[0];
    const int rank = result->type.rank;
    c2s_ints perm;
    if (!p->target->channels_last || node->op != &c2s_op_transpose || rank < 3 ||
        !c2s_attr_int_list(node, "perm", &perm) || perm.count != (unsigned)rank ||
        perm.at[0] != 0 || perm.at[1] != rank - 1)
        return false;
    for (int k = 2; k < rank; k++)
        if (perm.at[k] != k - 1)
            return false;
    c2s_value_each_use(use, result) {
        if (use->user->op != &c2s_op_conv || use->slot != 0)
            return false;
    }
    return result->use_count > 0;
}

static int64_t cost_of(const c2s_placement *p, const c2s_node *node, bool on_codes) {
    const c2s_costs *c = p->costs;
    const c2s_placed_node *n = &p->nodes[node->id];
    const float own = on_codes ? n->row->on_codes : n->row->on_floats;
    const float usual = on_codes ? p->target->on_codes : p->target->on_floats;
    if (n->rule.kind == C2S_QUANT_LINEAR)
        return capacity((double)c->start + sum_cost(node, on_codes ? &c->on_codes : &c->on_floats));
    if (on_codes && is_undone(p, node))
        return 0;
    return capacity((double)c->start +
                    most_elements(node) * (double)((own > 0 ? own : usual) * c->others));
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
        const int64_t on_floats = cost_of(n->p, node, false), on_codes = cost_of(n->p, node, true);
        c2s_cut_add_edge(&n->cut, C2S_CUT_SOURCE, vertex, always ? ALWAYS : on_floats, 0);
        c2s_cut_add_edge(&n->cut, vertex, C2S_CUT_SINK, on_codes, 0);
        n->on_floats += (double)on_floats;
        c2s_log(2, "%s: about %.1f us on floats, %.1f on codes", c2s_node_text(node),
                (double)on_floats / (1e3 * UNITS), (double)on_codes / (1e3 * UNITS));
    }
}

/* Between the layouts of images on floats and on codes lie three nodes. What a Transpose to
 * channels first reads has the latter one already; what a convolution reads beside others, which
 * take it as it comes, is brought there and back. */
static double conversion_of(const network *n, const c2s_value *value) {
    const c2s_costs *c = n->p->costs;
    const double count = elements(value);
    if (!n->p->target->channels_last || value->type.rank < 4)
        return (double)c->start + count * (double)c->convert;
    unsigned undone = 0, convolved = 0, others = 0;
    c2s_value_each_use(use, value) {
        if (!n->p->nodes[use->user->id].integer ||
            !c2s_placement_is_operand(n->p, use->user, use->slot))
            continue;
        undone += is_undone(n->p, use->user);
        convolved += use->user->op == &c2s_op_conv;
        others += !is_undone(n->p, use->user) && use->user->op != &c2s_op_conv;
    }
    if (undone && !convolved && !others)
        return (double)c->start + count * (double)c->convert / 2;
    const double back =
        convolved && others ? 2 * (double)c->start + count * (double)c->convert / 4 : 0;
    return 3 * (double)c->start + count * (double)c->convert + back;
}

/* One conversion to float if some reader does not run on integers, one to codes if its maker does
 * not and some reader does. */
static void add_value(network *n, const c2s_value *value) {
    const unsigned maker = vertex_of(n, value->def);
    const c2s_placed_node *made = value->def ? &n->p->nodes[value->def->id] : NULL;
    const c2s_node *head = made && made->head ? made->head : value->def;
    unsigned to_float = 0, to_codes = 0;
    const int64_t cost = capacity(conversion_of(n, value));
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

/* The flow is what the cheapest way costs. */
static double cost_of_cut(const c2s_cut *cut) {
    double cost = 0;
    for (unsigned e = cut->first.at[C2S_CUT_SOURCE]; e != UINT_MAX; e = cut->edges[e].next)
        cost += (double)cut->edges[e ^ 1].capacity;
    return cost;
}

void c2s_placement_keep_cheapest(const c2s_graph *graph, bool force, c2s_placement *p) {
    network n = {.p = p, .vertex = c2s_zalloc((graph->model->nodes.count + 1) * sizeof *n.vertex)};
    bool *in_float = NULL;
    c2s_cut_init(&n.cut);
    add_nodes(&n, graph, force);
    add_values(&n, graph);
    const bool solved = c2s_cut_solve(&n.cut, &in_float);
    const double best = cost_of_cut(&n.cut);
    const bool gains = force || n.on_floats - best >= (double)p->target->margin * n.on_floats;
    if (n.on_floats > 0)
        c2s_log(2, "what can run on integers: about %.1f us on floats, %.1f as is cheapest",
                n.on_floats / (1e3 * UNITS), best / (1e3 * UNITS));
    for (c2s_node *node = graph->first; node; node = node->next) {
        const unsigned vertex = n.vertex[node->id];
        if (vertex && !solved)
            leave_in_float(p, node, "the graph is too tangled to tell what pays");
        else if (vertex && in_float[vertex])
            leave_in_float(p, node, "what it would gain is less than what conversions cost");
        else if (vertex && !gains)
            leave_in_float(p, node, "the model would hardly become faster");
    }
    free(in_float);
    free(n.vertex);
    c2s_cut_free(&n.cut);
}
