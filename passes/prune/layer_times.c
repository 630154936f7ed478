/* SPDX-License-Identifier: Apache-2.0 */
#include "passes/prune/layer_times.h"

#include <math.h>
#include <stdlib.h>

#include "base/log.h"
#include "base/map.h"
#include "base/memory.h"
#include "passes/measure/linear_site.h"
#include "passes/measure/model_seconds.h"

static const double widths[C2S_TIMED_WIDTHS] = {0.25, 0.5, 0.75, 1};

typedef struct timed_layer {
    c2s_linear_site site;
    c2s_layer_table table;
} timed_layer;

struct c2s_layer_times {
    C2S_VEC(timed_layer) measured;
    c2s_map table_of; /* from node to number of the measured one, from 1 */
};

/* ---- reading tables ---- */

/* The place of a share between two widths: *low, and how far it is from there to the next; shares
 * below the least width go on in a straight line. */
static double place(double share, int *low) {
    *low = 0;
    while (*low < C2S_TIMED_WIDTHS - 2 && share > widths[*low + 1])
        ++*low;
    return (share - widths[*low]) / (widths[*low + 1] - widths[*low]);
}

double c2s_layer_seconds(const c2s_layer_table *t, double outputs, double inputs) {
    int i, j;
    const double y = place(outputs, &i), x = place(inputs, &j);
    const double low = t->at[i][j] * (1 - x) + t->at[i][j + 1] * x;
    const double high = t->at[i + 1][j] * (1 - x) + t->at[i + 1][j + 1] * x;
    return fmax(low * (1 - y) + high * y, 0);
}

/* ---- one layer at one width ---- */

static int64_t narrow(double share, size_t channels) {
    const double left = floor(share * (double)channels + 0.5);
    return left < 1 ? 1 : (int64_t)left;
}

static c2s_status filled(c2s_graph *graph, int rank, const int64_t *dim, c2s_value **out) {
    c2s_tensor *tensor;
    C2S_TRY(c2s_tensor_create(C2S_FLOAT, rank, dim, &tensor));
    float *at = c2s_tensor_mutable(tensor);
    for (size_t i = 0; i < tensor->count; i++)
        at[i] = 0.01f;
    *out = c2s_value_constant(graph, "narrow", tensor);
    return C2S_OK;
}

/* Of a grouped convolution groups go, else channels. */
static c2s_status make_narrow(c2s_node *node, const c2s_linear_site *s, double outputs,
                              double inputs) {
    c2s_graph *graph = node->graph;
    c2s_type w = s->weight->type, x = s->input->type;
    const int channels = s->is_conv ? 1 : s->input_by_column ? x.rank - 2 : x.rank - 1;
    const bool grouped = s->groups > 1;
    const int64_t groups = grouped ? narrow(outputs, s->groups) : 1;
    const int64_t in =
        grouped ? groups * w.dim[1] : narrow(inputs, s->is_conv ? (size_t)w.dim[1] : s->k);
    const int64_t out = grouped ? groups * (int64_t)s->n : narrow(outputs, s->n);
    c2s_value *weight, *bias;
    x.dim[channels] = in;
    if (s->is_conv) {
        w.dim[0] = out;
        w.dim[1] = grouped ? w.dim[1] : in;
    } else {
        w.dim[s->k_step == 1 && s->n_step != 1 ? 1 : 0] = in;
        w.dim[s->k_step == 1 && s->n_step != 1 ? 0 : 1] = out;
    }
    C2S_TRY(filled(graph, w.rank, w.dim, &weight));
    c2s_use_set(&node->inputs[0], c2s_graph_add_input(graph, "narrow", &x));
    c2s_use_set(&node->inputs[1], weight);
    if (c2s_node_in(node, 2)) {
        C2S_TRY(filled(graph, 1, &out, &bias));
        c2s_use_set(&node->inputs[2], bias);
    }
    if (grouped)
        c2s_attr_set_int(node, "group", groups);
    return C2S_OK;
}

/* Both models have the same nodes in the same order. */
static c2s_node *same_node(const c2s_model *copy, const c2s_node *node) {
    c2s_node *same = copy->graph->first;
    for (const c2s_node *n = node->graph->first; n != node; n = n->next)
        same = same->next;
    return same;
}

static c2s_status make_alone(const c2s_linear_site *s, double outputs, double inputs,
                             c2s_model **out) {
    c2s_model *model = c2s_model_copy(s->node->graph->model);
    c2s_graph *graph = model->graph;
    c2s_node *node = same_node(model, s->node);
    c2s_status status = make_narrow(node, s, outputs, inputs);
    for (unsigned k = 0; k < c2s_graph_output_count(graph); k++)
        c2s_use_set(&graph->exit->inputs[k], node->outputs[0]);
    c2s_graph_sweep(graph);
    if (status == C2S_OK)
        status = c2s_graph_infer(graph);
    if (status == C2S_OK) {
        *out = model;
        return C2S_OK;
    }
    c2s_model_destroy(model);
    return status;
}

/* ---- all of them ---- */

/* A narrower layer that seems to take longer does not: it was disturbed. */
static void smooth(c2s_layer_table *t) {
    for (int i = C2S_TIMED_WIDTHS - 1; i >= 0; i--)
        for (int j = C2S_TIMED_WIDTHS - 1; j >= 0; j--) {
            if (i < C2S_TIMED_WIDTHS - 1)
                t->at[i][j] = fmin(t->at[i][j], t->at[i + 1][j]);
            if (j < C2S_TIMED_WIDTHS - 1)
                t->at[i][j] = fmin(t->at[i][j], t->at[i][j + 1]);
        }
}

static c2s_status time_layer(const c2s_linear_site *s, const c2s_pass_context *context,
                             c2s_layer_table *table) {
    for (int i = 0; i < C2S_TIMED_WIDTHS; i++)
        for (int j = 0; j < C2S_TIMED_WIDTHS; j++) {
            c2s_model *model;
            if (s->groups > 1 && j > 0) { /* inputs are those of the groups */
                table->at[i][j] = table->at[i][0];
                continue;
            }
            C2S_TRY(make_alone(s, widths[i], widths[j], &model));
            const c2s_status status = c2s_model_seconds(model, context, &table->at[i][j]);
            c2s_model_destroy(model);
            C2S_TRY(status);
        }
    smooth(table);
    return C2S_OK;
}

static bool alike(const c2s_linear_site *a, const c2s_linear_site *b) {
    const c2s_node *x = a->node, *y = b->node;
    return x->op == y->op && !c2s_node_in(x, 2) == !c2s_node_in(y, 2) && c2s_attrs_equal(x, y) &&
           c2s_type_equal(&a->weight->type, &b->weight->type) &&
           c2s_type_equal(&a->input->type, &b->input->type);
}

/* Of the last few different ones: a file may have any number. */
static size_t find_alike(const c2s_layer_times *t, const c2s_linear_site *s) {
    enum { MOST_COMPARED = 64 };
    for (size_t k = t->measured.count; k > 0 && t->measured.count - k < MOST_COMPARED; k--)
        if (alike(&t->measured.at[k - 1].site, s))
            return k;
    return 0;
}

static bool is_timed(c2s_node *node, c2s_linear_site *s) {
    const c2s_value *bias = c2s_node_in(node, 2);
    return !c2s_linear_site_of(node, s) && s->weight->constant &&
           s->weight->type.dtype == C2S_FLOAT && c2s_type_is_tensor(&s->input->type) &&
           s->input->type.rank >= (s->is_conv ? 3 : 1 + s->input_by_column) &&
           (!bias || (bias->constant && bias->type.rank >= 1));
}

c2s_status c2s_layer_times_measure(const c2s_model *model, const c2s_pass_context *context,
                                   c2s_layer_times **out) {
    c2s_layer_times *t = c2s_zalloc(sizeof *t);
    c2s_status status = C2S_OK;
    unsigned done = 0;
    for (c2s_node *node = model->graph->first; node && status != C2S_ERR_MEMORY;
         node = node->next) {
        c2s_linear_site site;
        c2s_progress("timing layers", (double)done++ / (double)model->graph->node_count);
        if (!is_timed(node, &site))
            continue;
        size_t number = find_alike(t, &site);
        if (!number) {
            timed_layer layer = {.site = site};
            status = time_layer(&site, context, &layer.table);
            if (status != C2S_OK) {
                c2s_log(1, "prune: %s: its speed is not known: %s", c2s_node_text(node),
                        c2s_error());
                continue;
            }
            c2s_vec_push(&t->measured, layer);
            number = t->measured.count;
        }
        c2s_map_put(&t->table_of, node, (void *)(uintptr_t)number);
    }
    if (status == C2S_ERR_MEMORY) {
        c2s_layer_times_free(t);
        return status;
    }
    *out = t;
    return C2S_OK;
}

void c2s_layer_times_free(c2s_layer_times *t) {
    if (!t)
        return;
    c2s_vec_free(&t->measured);
    c2s_map_free(&t->table_of);
    free(t);
}

const c2s_layer_table *c2s_layer_times_of(const c2s_layer_times *t, const c2s_node *node) {
    const size_t number = (size_t)(uintptr_t)c2s_map_get(&t->table_of, node);
    return number ? &t->measured.at[number - 1].table : NULL;
}
