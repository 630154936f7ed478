/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/layers.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/status.h"
#include "eval/compare.h"

/* ---- observing ---- */

/* Memory of activations is used again in the same run, so A's are copied. */
static c2s_status hold(void *user, const c2s_value *value, const c2s_tensor *tensor) {
    cli_layers *l = user;
    const size_t place = l->of_a[value->id];
    if (place == 0 || l->paused || !c2s_type_is_tensor(&tensor->type))
        return C2S_OK;
    c2s_tensor *copy;
    C2S_TRY(c2s_tensor_create(tensor->type.dtype, tensor->type.rank, tensor->type.dim, &copy));
    if (tensor->count > 0)
        memcpy(c2s_tensor_mutable(copy), c2s_tensor_data(tensor), c2s_tensor_size(tensor));
    c2s_vec_push(&l->held[place - 1].values, copy);
    return C2S_OK;
}

static c2s_status compare(void *user, const c2s_value *value, const c2s_tensor *tensor) {
    cli_layers *l = user;
    const size_t place = l->of_b[value->id];
    if (place == 0 || l->paused || !c2s_type_is_tensor(&tensor->type))
        return C2S_OK;
    cli_layer *layer = &l->at[place - 1];
    cli_held *held = &l->held[place - 1];
    if (held->compared == held->values.count) {
        layer->other_trips = true;
        return C2S_OK;
    }
    c2s_tensor **reference = &held->values.at[held->compared++];
    c2s_distance_add(&layer->distance, *reference, tensor);
    c2s_tensor_unref(*reference);
    *reference = NULL;
    return C2S_OK;
}

void cli_layers_forget(cli_layers *l) {
    for (size_t i = 0; i < l->count; i++) {
        cli_held *held = &l->held[i];
        l->at[i].other_trips |= held->compared < held->values.count;
        cli_release(held->values.at, held->values.count);
        held->values.count = held->compared = 0;
    }
}

/* ---- opening ---- */

static size_t count_floats(const c2s_graph *graph) {
    size_t count = 0;
    for (const c2s_node *node = graph->first; node; node = node->next) {
        for (unsigned k = 0; k < node->output_count; k++) {
            const c2s_value *value = node->outputs[k];
            count += value && !value->constant && c2s_type_is_tensor(&value->type) &&
                     c2s_dtype_is_float(value->type.dtype);
        }
        const c2s_graph *body;
        for (unsigned i = 0; (body = c2s_node_body(node, i)) != NULL; i++)
            count += count_floats(body);
    }
    return count;
}

static void take_pairs(cli_layers *l, const c2s_value_pairs *pairs, const c2s_model *a,
                       const c2s_model *b) {
    l->count = pairs->count;
    l->at = c2s_alloc_array(l->count + 1, sizeof *l->at);
    l->held = c2s_zalloc((l->count + 1) * sizeof *l->held);
    l->of_a = c2s_zalloc((a->values.count + 1) * sizeof *l->of_a);
    l->of_b = c2s_zalloc((b->values.count + 1) * sizeof *l->of_b);
    l->observe_a = c2s_zalloc(a->values.count + 1);
    l->observe_b = c2s_zalloc(b->values.count + 1);
    for (size_t i = 0; i < l->count; i++) {
        const c2s_value_pair *p = &pairs->at[i];
        l->at[i] = (cli_layer){
            .pair = *p, .distance = C2S_DISTANCE_INIT, .noise = (double)NAN, .added = (double)NAN};
        l->of_a[p->a->id] = l->of_b[p->b->id] = i + 1;
        l->observe_a[p->a->id] = l->observe_b[p->b->id] = true;
        l->by_structure += !p->by_name;
    }
}

c2s_status cli_layers_start(cli_model *a, const cli_arguments *for_a, cli_model *b,
                            const cli_arguments *for_b, cli_layers *out) {
    *out = (cli_layers){0};
    c2s_value_pairs pairs = {0};
    c2s_values_match(a->model->graph, b->model->graph, &pairs);
    take_pairs(out, &pairs, a->model, b->model);
    const size_t floats = count_floats(a->model->graph);
    out->unmatched = floats > pairs.count ? floats - pairs.count : 0;
    c2s_vec_free(&pairs);
    C2S_TRY(cli_model_start(a, for_a, hold, out, out->observe_a));
    return cli_model_start(b, for_b, compare, out, out->observe_b);
}

void cli_layers_free(cli_layers *l) {
    if (l->held)
        cli_layers_forget(l);
    for (size_t i = 0; l->held && i < l->count; i++)
        c2s_vec_free(&l->held[i].values);
    free(l->held);
    free(l->at);
    free(l->of_a);
    free(l->of_b);
    free(l->observe_a);
    free(l->observe_b);
    *l = (cli_layers){0};
}

/* ---- what it comes to ---- */

static double relative_noise(const c2s_distance *d) {
    if (d->samples == 0)
        return (double)NAN;
    if (d->noise == 0)
        return 0;
    return d->signal > 0 ? d->noise / d->signal : INFINITY;
}

static double most_upstream(const c2s_node *node, const double *upstream) {
    double most = 0;
    for (unsigned k = 0; k < node->input_count; k++)
        if (node->inputs[k].value)
            most = fmax(most, upstream[node->inputs[k].value->id]);
    return most;
}

static double weigh_graph(cli_layers *l, const c2s_graph *graph, double *upstream);

/* What an input of a body was in the trip before, NULL if it is none of the states of a loop. */
static const c2s_value *carried(const c2s_graph *body, unsigned input) {
    const bool loop = c2s_node_is(body->owner, "Loop"); /* counter and condition come first */
    const int64_t scanned = c2s_attr_int(body->owner, "num_scan_inputs", 0);
    const bool state = loop ? input >= 2 && input < body->formal_inputs
                            : c2s_node_is(body->owner, "Scan") &&
                                  (int64_t)input < (int64_t)body->formal_inputs - scanned;
    const unsigned output = loop ? input - 1 : input;
    return state && output < c2s_graph_output_count(body) ? c2s_graph_output(body, output) : NULL;
}

/* The most noise that leaves one of its bodies; that of its inputs if it has none. */
static double weigh_bodies(cli_layers *l, const c2s_node *node, double *upstream) {
    const double enters = most_upstream(node, upstream);
    double leaves = node->body_attrs ? 0 : enters;
    const c2s_graph *body;
    for (unsigned i = 0; (body = c2s_node_body(node, i)) != NULL; i++) {
        for (unsigned k = 0; k < body->entry->output_count; k++) {
            const c2s_value *before = carried(body, k);
            const size_t place = before ? l->of_a[before->id] : 0;
            const double noise = place ? relative_noise(&l->at[place - 1].distance) : 0;
            upstream[body->entry->outputs[k]->id] = fmax(enters, noise); /* NaN: `enters` */
        }
        leaves = fmax(leaves, weigh_graph(l, body, upstream));
    }
    return leaves;
}

/* `upstream` by value id: the most noise among the nearest measured values that it is computed
 * from, which is 0 at the inputs. Returns that of the graph's outputs. */
static double weigh_graph(cli_layers *l, const c2s_graph *graph, double *upstream) {
    for (const c2s_node *node = graph->first; node; node = node->next) {
        const double most = weigh_bodies(l, node, upstream);
        for (unsigned k = 0; k < node->output_count; k++) {
            const c2s_value *value = node->outputs[k];
            if (!value)
                continue;
            const size_t place = l->of_a[value->id];
            upstream[value->id] = most;
            if (place == 0)
                continue;
            cli_layer *layer = &l->at[place - 1];
            layer->noise = relative_noise(&layer->distance);
            if (isnan(layer->noise))
                continue;
            upstream[value->id] = layer->noise;
            layer->added = isinf(most) ? 0 : fmax(layer->noise - most, 0);
        }
    }
    return most_upstream(graph->exit, upstream);
}

void cli_layers_weigh(cli_layers *l, const c2s_graph *a) {
    double *upstream = c2s_zalloc((a->model->values.count + 1) * sizeof *upstream);
    weigh_graph(l, a, upstream);
    free(upstream);
}

const char *cli_layer_mismatch(const cli_layer *layer) {
    return layer->distance.other_shape > 0 ? "other shape"
           : layer->other_trips            ? "other trips"
                                           : NULL;
}

static const char *body_name(const c2s_graph *body) {
    for (unsigned i = 0; i < body->owner->attr_count; i++)
        if (body->owner->attrs[i].kind == C2S_ATTR_GRAPH && body->owner->attrs[i].g == body)
            return body->owner->attrs[i].name;
    return "a body";
}

void cli_layer_operator(const cli_layer *layer, char *text, size_t size) {
    const c2s_value *value = layer->pair.a;
    int used = snprintf(text, size, "%s", value->def->type);
    for (const c2s_graph *at = value->graph; at->owner && used >= 0 && (size_t)used < size;
         at = at->owner->graph)
        used += snprintf(text + used, size - (size_t)used, " in %s of %s \"%s\"", body_name(at),
                         at->owner->type, c2s_node_name(at->owner));
}

const cli_layer *cli_layers_first(const cli_layers *l, double tolerance) {
    for (size_t i = 0; i < l->count; i++) {
        const cli_layer *layer = &l->at[i];
        const double limit =
            tolerance > 0 ? tolerance : c2s_default_tolerance(layer->pair.a->type.dtype);
        if (cli_layer_mismatch(layer) || layer->distance.max_rel > limit)
            return layer;
    }
    return NULL;
}

static int more_damage(const void *x, const void *y) {
    const cli_layer *a = *(const cli_layer *const *)x, *b = *(const cli_layer *const *)y;
    const double p = isnan(a->added) ? -1 : a->added, q = isnan(b->added) ? -1 : b->added;
    if (p != q)
        return p > q ? -1 : 1;
    return (a > b) - (a < b);
}

const cli_layer **cli_layers_by_damage(const cli_layers *l) {
    const cli_layer **list = c2s_alloc_array(l->count + 1, sizeof *list);
    for (size_t i = 0; i < l->count; i++)
        list[i] = &l->at[i];
    if (l->count > 0)
        qsort(list, l->count, sizeof *list, more_damage);
    return list;
}
