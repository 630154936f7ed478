/* SPDX-License-Identifier: Apache-2.0 */
#include "passes/quant/range_check.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/map.h"
#include "passes/measure/ranges.h"
#include "passes/quant/code_flow.h"
#include "passes/quant/quantized_form.h"
#include "passes/quant/range_choice.h"

/* Half the noise. */
#define POOR_DB 3.0

/* ---- where the floats are ---- */

/* Values of a graph by name. */
static uint64_t key_of(const char *name) {
    return c2s_hash_bytes(name, strlen(name), 0);
}

static void index_graph(const c2s_graph *graph, c2s_map *out) {
    for (unsigned k = 0; k < graph->entry->output_count; k++)
        c2s_map_put_u64(out, key_of(graph->entry->outputs[k]->name), graph->entry->outputs[k]);
    for (const c2s_node *node = graph->first; node; node = node->next)
        for (unsigned k = 0; k < node->output_count; k++)
            if (node->outputs[k])
                c2s_map_put_u64(out, key_of(node->outputs[k]->name), node->outputs[k]);
}

static const c2s_value *find(const c2s_map *index, const char *name) {
    const c2s_value *value = c2s_map_get_u64(index, key_of(name));
    return value && strcmp(value->name, name) == 0 ? value : NULL;
}

/* What the quantizer's codes stand for: where they did the work of a clamp, what that leaves, which
 * has the name of what was dequantized. */
static const c2s_value *floats_of(const c2s_map *floats, const c2s_node *quantizer) {
    c2s_value_each_use(use, quantizer->outputs[0]) {
        if (use->user == quantizer->graph->exit || !c2s_is_dequantizer(use->user))
            continue;
        const c2s_value *clamped = find(floats, use->user->outputs[0]->name);
        if (clamped && clamped->def &&
            (clamped->def->op == &c2s_op_relu || clamped->def->op == &c2s_op_clip))
            return clamped;
    }
    return find(floats, quantizer->inputs[0].value->name);
}

/* ---- one quantizer ---- */

/* Numbers are taken to be spread evenly within a bin. */
static double share_beyond(const c2s_value_stats *stats, double low, double high) {
    const c2s_histogram *h = &stats->histogram;
    double beyond = 0;
    for (unsigned k = 0; k < h->capacity; k++) {
        const double from = fmax(c2s_histogram_edge(h, k), (double)stats->min),
                     to = fmin(c2s_histogram_edge(h, k + 1), (double)stats->max);
        if (h->bin[k] == 0)
            continue;
        const double inside = fmax(fmin(to, high) - fmax(from, low), 0);
        const double width = to - from;
        const bool out = width > 0 ? inside < width : from < low || from > high;
        if (out)
            beyond += (double)h->bin[k] * (width > 0 ? 1 - inside / width : 1);
    }
    return stats->count ? beyond / (double)stats->count : 0;
}

static double share_unused(const c2s_code_grid *grid, c2s_affine a, const c2s_value_stats *stats) {
    const float seen[2] = {fminf(stats->min, 0), fmaxf(stats->max, 0)};
    float code[2];
    c2s_code_grid_round(grid, a, seen, 2, code);
    const double codes = (double)grid->most - (double)grid->least + 1;
    return 1 - ((double)code[1] - (double)code[0] + 1) / codes;
}

static c2s_status check(const c2s_node *quantizer, const c2s_value_stats *stats,
                        c2s_range_check *out) {
    const c2s_dtype dtype = c2s_code_dtype(quantizer);
    const c2s_affine a = {(float)c2s_tensor_f64_at(c2s_code_scale_of(quantizer), 0),
                          (float)c2s_code_zero_of(quantizer)};
    c2s_code_grid grid;
    C2S_TRY(c2s_code_grid_of(dtype, C2S_FLOAT, false, false, &grid));
    const double middle = c2s_dtype_is_signed(dtype) ? 0 : (double)grid.middle;
    const bool symmetric = (double)a.zero == middle && stats->min < 0;
    *out = (c2s_range_check){.dtype = dtype, .least = stats->min, .most = stats->max};
    c2s_affine_reach(&grid, a, &out->low, &out->high);
    out->clipped = share_beyond(stats, (double)out->low - (double)a.scale / 2,
                                (double)out->high + (double)a.scale / 2);
    out->unused = share_unused(&grid, a, stats);
    C2S_TRY(c2s_range_choose(stats, C2S_RANGE_MSE, 0, dtype, symmetric, &out->better_low,
                             &out->better_high));
    const c2s_affine better = c2s_affine_of_range(&grid, out->better_low, out->better_high);
    c2s_affine_reach(&grid, better, &out->better_low, &out->better_high);
    const double now = c2s_range_error(stats, &grid, a),
                 then = c2s_range_error(stats, &grid, better);
    out->gain_db = now > then ? then > 0 ? 10 * log10(now / then) : INFINITY : 0;
    out->poor = out->gain_db > POOR_DB;
    if (out->gain_db == 0) {
        out->better_low = out->low;
        out->better_high = out->high;
    }
    return C2S_OK;
}

/* ---- all of them ---- */

typedef struct subject {
    const c2s_graph *quantized; /* QDQ */
    const c2s_graph *floats;
    c2s_map given, by_name; /* values of the model as it was given, and of `floats` */
} subject;

static bool is_checked(const c2s_node *node) {
    return c2s_is_quantizer(node) && !node->inputs[0].value->constant;
}

static c2s_status check_all(const subject *s, const c2s_ranges *ranges, c2s_range_report *out) {
    for (const c2s_node *node = s->quantized->first; node; node = node->next) {
        if (!is_checked(node))
            continue;
        const c2s_value *value = floats_of(&s->by_name, node);
        const c2s_value_stats *stats = value ? c2s_ranges_find(ranges, value) : NULL;
        c2s_range_check one;
        c2s_status status = C2S_ERR_UNSUPPORTED;
        if (c2s_code_is_plain(node) && stats)
            status = check(node, stats, &one);
        if (status == C2S_ERR_UNSUPPORTED) {
            out->skipped++;
            continue;
        }
        C2S_TRY(status);
        const char *name = node->inputs[0].value->name;
        one.value = c2s_strdup(find(&s->given, name) ? name : node->outputs[0]->name);
        out->poor += one.poor;
        c2s_vec_push(&out->checks, one);
    }
    return C2S_OK;
}

static c2s_status measure(const subject *s, const c2s_feed *feed, const c2s_evaluator *evaluator,
                          const c2s_ranges_options *options, c2s_range_report *out) {
    bool *wanted = c2s_zalloc(s->floats->model->values.count + 1);
    c2s_ranges *ranges = NULL;
    for (const c2s_node *node = s->quantized->first; node; node = node->next) {
        const c2s_value *value = is_checked(node) ? floats_of(&s->by_name, node) : NULL;
        if (value)
            wanted[value->id] = true;
    }
    c2s_status status = c2s_ranges_collect(s->floats, feed, evaluator, wanted, options, &ranges);
    if (status == C2S_OK) {
        out->samples = c2s_ranges_samples(ranges);
        status = check_all(s, ranges, out);
    }
    c2s_ranges_free(ranges);
    free(wanted);
    return status;
}

static c2s_status convert(c2s_model *model, c2s_status (*to)(c2s_model *, c2s_stats *)) {
    c2s_stats stats = C2S_STATS_INIT;
    c2s_status status = to(model, &stats);
    c2s_stats_free(&stats);
    if (status == C2S_OK)
        status = c2s_graph_sort(model->graph);
    c2s_graph_sweep(model->graph);
    return status == C2S_OK ? c2s_graph_infer(model->graph) : status;
}

c2s_status c2s_range_check_run(const c2s_model *model, const c2s_feed *feed,
                               const c2s_evaluator *evaluator, const c2s_eval_options *eval,
                               size_t samples, c2s_range_report *out) {
    const c2s_ranges_options options = {.eval = *eval, .samples = samples};
    *out = (c2s_range_report){0};
    c2s_model *quantized = c2s_model_copy(model), *floats = NULL;
    c2s_status status = convert(quantized, c2s_form_to_qdq);
    if (status == C2S_OK) {
        floats = c2s_model_copy(quantized);
        status = convert(floats, c2s_form_to_float);
    }
    if (status == C2S_OK) {
        subject s = {.quantized = quantized->graph, .floats = floats->graph};
        index_graph(model->graph, &s.given);
        index_graph(floats->graph, &s.by_name);
        status = measure(&s, feed, evaluator, &options, out);
        c2s_map_free(&s.given);
        c2s_map_free(&s.by_name);
    }
    c2s_model_destroy(quantized);
    c2s_model_destroy(floats);
    return status;
}

void c2s_range_report_free(c2s_range_report *report) {
    for (size_t i = 0; i < report->checks.count; i++)
        free(report->checks.at[i].value);
    c2s_vec_free(&report->checks);
}
