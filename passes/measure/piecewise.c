/* SPDX-License-Identifier: Apache-2.0 */
#include "passes/measure/piecewise.h"

#include <stdlib.h>

#include "base/map.h"
#include "base/memory.h"
#include "base/vec.h"
#include "eval/sample_order.h"
#include "eval/sample_runs.h"

typedef struct cut {
    const char *name;
    size_t last;     /* piece that takes it */
    c2s_tensor **at; /* by sample; NULL: not run yet, or gone */
} cut;

/* Which cuts before a piece it takes. */
typedef C2S_VEC(size_t) index_list;

struct c2s_pieces {
    c2s_pieces_options options;
    c2s_model *model;
    cut *cuts;
    size_t count, pieces;
    c2s_map index; /* name, at the same address in all copies of the model -> cut + 1 */
    index_list *needed;
    size_t samples;
    c2s_tensor ***inputs; /* by sample: of the graph */
};

size_t c2s_pieces_count(const c2s_pieces *p) {
    return p->pieces;
}

size_t c2s_pieces_samples(const c2s_pieces *p) {
    return p->samples;
}

void c2s_pieces_range(const c2s_pieces *p, size_t piece, size_t *first, size_t *end) {
    *first = piece * p->count / p->pieces;
    *end = (piece + 1) * p->count / p->pieces;
}

c2s_tensor **c2s_pieces_at(c2s_pieces *p, size_t k) {
    return p->cuts[k].at;
}

static size_t cut_of(const c2s_pieces *p, const c2s_value *value) {
    const cut *c = c2s_map_get(&p->index, value->name);
    return c ? (size_t)(c - p->cuts) : SIZE_MAX;
}

/* ---- what a piece takes ---- */

/* Marks are by node id: 1 + the last piece that came by. */
static void walk(c2s_pieces *p, size_t piece, const c2s_value *const *cuts, size_t *node_mark,
                 size_t *cut_mark) {
    C2S_VEC(const c2s_node *) open = {0};
    size_t first, end;
    c2s_pieces_range(p, piece, &first, &end);
    for (size_t k = first; k < end; k++)
        c2s_vec_push(&open, cuts[k]->def);
    while (open.count > 0) {
        const c2s_node *node = open.at[--open.count];
        if (node_mark[node->id] == piece + 1)
            continue;
        node_mark[node->id] = piece + 1;
        for (unsigned i = 0; i < node->input_count; i++) {
            const c2s_value *value = node->inputs[i].value;
            if (!value || !value->def || value->def == node->graph->entry)
                continue;
            const size_t k = cut_of(p, value);
            if (k >= first) {
                c2s_vec_push(&open, value->def);
            } else if (cut_mark[k] != piece + 1) {
                cut_mark[k] = piece + 1;
                p->cuts[k].last = piece;
                c2s_vec_push(&p->needed[piece], k);
            }
        }
    }
    c2s_vec_free(&open);
}

static void find_needed(c2s_pieces *p, const c2s_graph *graph, const c2s_value *const *cuts) {
    size_t *node_mark = c2s_zalloc((graph->model->nodes.count + 1) * sizeof *node_mark);
    size_t *cut_mark = c2s_zalloc((p->count + 1) * sizeof *cut_mark);
    p->needed = c2s_zalloc((p->pieces + 1) * sizeof *p->needed);
    for (size_t piece = 0; piece < p->pieces; piece++)
        walk(p, piece, cuts, node_mark, cut_mark);
    free(node_mark);
    free(cut_mark);
}

/* ---- samples ---- */

static void release(c2s_tensor **tensors, size_t count) {
    for (size_t k = 0; tensors && k < count; k++)
        c2s_tensor_unref(tensors[k]);
    free(tensors);
}

static c2s_status read_samples(c2s_pieces *p) {
    const c2s_feed *feed = p->options.feed;
    size_t *taken = c2s_samples_list(feed->count, p->options.samples, &p->samples);
    c2s_status status = C2S_OK;
    p->inputs = c2s_zalloc((p->samples + 1) * sizeof *p->inputs);
    for (size_t s = 0; s < p->samples && status == C2S_OK; s++) {
        p->inputs[s] = c2s_zalloc((p->model->graph->formal_inputs + 1) * sizeof **p->inputs);
        status = feed->get(feed, p->model->graph, taken[s], p->inputs[s]);
    }
    free(taken);
    return p->samples ? status
                      : c2s_fail(C2S_ERR_INVALID, "there are no samples to run the model on");
}

/* ---- one piece ---- */

typedef struct piece_run {
    c2s_pieces *pieces;
    size_t piece, first;
    unsigned outputs;
} piece_run;

static c2s_status read_run(void *user, size_t s, c2s_tensor **in) {
    const piece_run *r = user;
    const c2s_pieces *p = r->pieces;
    const unsigned own = p->model->graph->formal_inputs;
    const index_list *needed = &p->needed[r->piece];
    for (unsigned k = 0; k < own; k++)
        in[k] = p->inputs[s][k] ? c2s_tensor_ref(p->inputs[s][k]) : NULL;
    for (size_t k = 0; k < needed->count; k++)
        in[own + k] = c2s_tensor_ref(p->cuts[needed->at[k]].at[s]);
    return C2S_OK;
}

static c2s_status take_run(void *user, size_t s, c2s_tensor *const *in, c2s_tensor *const *out) {
    const piece_run *r = user;
    (void)in;
    for (unsigned k = 0; k < r->outputs; k++)
        r->pieces->cuts[r->first + k].at[s] = c2s_tensor_ref(out[k]);
    return C2S_OK;
}

/* The piece by itself: what it takes are inputs behind those of the graph. */
static c2s_model *cut_out(const c2s_pieces *p, size_t piece, size_t first, size_t end) {
    c2s_model *model = c2s_model_copy(p->model);
    c2s_graph *graph = model->graph;
    c2s_value **of_cut = c2s_zalloc((p->count + 1) * sizeof *of_cut);
    for (size_t id = 0; id < model->values.count; id++) {
        c2s_value *value = model->values.at[id];
        const size_t k = value && value->graph == graph ? cut_of(p, value) : SIZE_MAX;
        if (k != SIZE_MAX)
            of_cut[k] = value;
    }
    const index_list *needed = &p->needed[piece];
    for (size_t k = first; k < end; k++)
        if (k - first < c2s_graph_output_count(graph))
            c2s_use_set(&graph->exit->inputs[k - first], of_cut[k]);
        else
            c2s_graph_add_output(graph, of_cut[k], "piece");
    for (size_t k = end - first; k < c2s_graph_output_count(graph); k++)
        c2s_use_set(&graph->exit->inputs[k], of_cut[first]);
    for (size_t k = 0; k < needed->count; k++) {
        c2s_value *value = of_cut[needed->at[k]];
        c2s_value_replace(value, c2s_graph_add_input(graph, "piece", &value->type));
    }
    c2s_graph_sweep(graph);
    free(of_cut);
    return model;
}

static void forget(c2s_pieces *p, size_t piece) {
    size_t first, end;
    c2s_pieces_range(p, piece, &first, &end);
    for (size_t k = 0; k < first; k++)
        if (p->cuts[k].at && p->cuts[k].last < piece) {
            release(p->cuts[k].at, p->samples);
            p->cuts[k].at = NULL;
        }
    for (size_t k = first; k < end; k++)
        p->cuts[k].at = c2s_zalloc(p->samples * sizeof *p->cuts[k].at);
}

c2s_status c2s_pieces_run(c2s_pieces *p, size_t piece) {
    size_t first, end;
    c2s_pieces_range(p, piece, &first, &end);
    forget(p, piece);
    c2s_model *model = cut_out(p, piece, first, end);
    piece_run r = {.pieces = p, .piece = piece, .first = first, .outputs = (unsigned)(end - first)};
    const c2s_sample_runs runs = {.graph = model->graph,
                                  .evaluator = p->options.evaluator,
                                  .eval = &p->options.eval,
                                  .count = p->samples,
                                  .what = "layer by layer",
                                  .read = read_run,
                                  .take = take_run,
                                  .user = &r};
    const c2s_status status = c2s_sample_runs_do(&runs);
    c2s_model_destroy(model);
    return status;
}

/* ---- all of it ---- */

c2s_status c2s_pieces_open(const c2s_graph *graph, const c2s_value *const *cuts, size_t count,
                           const c2s_pieces_options *options, c2s_pieces **out) {
    c2s_pieces *p = c2s_zalloc(sizeof *p);
    p->options = *options;
    p->model = c2s_model_copy(graph->model);
    p->count = count;
    p->pieces = count < options->most ? count : options->most;
    p->cuts = c2s_zalloc((count + 1) * sizeof *p->cuts);
    for (size_t k = 0; k < count; k++) {
        p->cuts[k].name = cuts[k]->name;
        c2s_map_put(&p->index, cuts[k]->name, &p->cuts[k]);
    }
    find_needed(p, graph, cuts);
    const c2s_status status = read_samples(p);
    if (status != C2S_OK) {
        c2s_pieces_close(p);
        p = NULL;
    }
    *out = p;
    return status;
}

void c2s_pieces_close(c2s_pieces *p) {
    if (!p)
        return;
    for (size_t k = 0; k < p->count; k++)
        release(p->cuts[k].at, p->samples);
    for (size_t s = 0; p->inputs && s < p->samples; s++)
        release(p->inputs[s], p->model->graph->formal_inputs);
    for (size_t k = 0; p->needed && k < p->pieces; k++)
        c2s_vec_free(&p->needed[k]);
    free(p->needed);
    free(p->inputs);
    free(p->cuts);
    c2s_map_free(&p->index);
    c2s_model_destroy(p->model);
    free(p);
}
