/* SPDX-License-Identifier: Apache-2.0
 *
 * The HTML report: distributions of weights and activations where the changes cost most.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/status.h"
#include "cli/html_data.h"
#include "cli/markup.h"
#include "cli/svg_plot.h"
#include "ir/convert.h"
#include "ops/op.h"
#include "passes/measure/value_stats.h"

enum { SHOWN = 6, SAMPLES = 8, LEAST_WEIGHTS = 16 };

/* The values that are shown, and what they held. */
typedef struct watch {
    const cli_layer *layer[SHOWN];
    size_t count;
    c2s_value_stats before[SHOWN], after[SHOWN];
} watch;

/* ---- activations ---- */

static c2s_status observe(const watch *w, c2s_value_stats *stats, bool after,
                          const c2s_value *value, const c2s_tensor *tensor) {
    if (!c2s_value_stats_takes(&tensor->type))
        return C2S_OK;
    for (size_t i = 0; i < w->count; i++)
        if (value == (after ? w->layer[i]->pair.b : w->layer[i]->pair.a))
            return c2s_value_stats_add(&stats[i], tensor);
    return C2S_OK;
}

static c2s_status observe_before(void *user, const c2s_value *value, const c2s_tensor *tensor) {
    watch *w = user;
    return observe(w, w->before, false, value, tensor);
}

static c2s_status observe_after(void *user, const c2s_value *value, const c2s_tensor *tensor) {
    watch *w = user;
    return observe(w, w->after, true, value, tensor);
}

/* What changes most; where nothing does, the first ones. */
static void choose(const cli_html_data *d, watch *w) {
    const cli_layer **list = cli_layers_by_damage(&d->layers);
    for (size_t i = 0; i < d->layers.count && w->count < SHOWN; i++)
        if (list[i]->distance.samples > 0)
            w->layer[w->count++] = list[i];
    free(list);
    for (size_t i = 0; i < w->count; i++) {
        c2s_value_stats_init(&w->before[i], w->layer[i]->pair.a->name, C2S_HISTOGRAM_BINS,
                             C2S_NO_CHANNELS);
        c2s_value_stats_init(&w->after[i], w->layer[i]->pair.b->name, C2S_HISTOGRAM_BINS,
                             C2S_NO_CHANNELS);
    }
}

static void close_session(cli_model *m) {
    if (m->session)
        m->session->evaluator->close(m->session);
    m->session = NULL;
}

static c2s_status start(cli_html_data *d, watch *w, bool *flags_before, bool *flags_after) {
    for (size_t i = 0; i < w->count; i++) {
        flags_before[w->layer[i]->pair.a->id] = true;
        flags_after[w->layer[i]->pair.b->id] = true;
    }
    close_session(&d->before.model);
    close_session(&d->after.model);
    C2S_TRY(cli_model_start(&d->before.model, d->arguments, observe_before, w, flags_before));
    return cli_model_start(&d->after.model, d->arguments, observe_after, w, flags_after);
}

static c2s_status run(cli_html_data *d) {
    cli_inputs inputs;
    cli_comparison ignored;
    C2S_TRY(cli_inputs_open(d->before.model.model->graph, d->arguments, 0, &inputs));
    if (inputs.count > SAMPLES)
        inputs.count = SAMPLES;
    const cli_comparison_request request = {
        .a = &d->before.model, .b = &d->after.model, .inputs = &inputs};
    const c2s_status status = cli_compare(&request, &ignored);
    cli_comparison_free(&ignored);
    cli_inputs_close(&inputs);
    return status;
}

/* Counts between two numbers, from bins that lie otherwise. */
static void spread(const c2s_value_stats *s, double low, double high, double out[CLI_SVG_BINS]) {
    const c2s_histogram *h = &s->histogram;
    memset(out, 0, CLI_SVG_BINS * sizeof *out);
    for (unsigned k = 0; s->count > 0 && k < h->capacity; k++) {
        const double middle = (c2s_histogram_edge(h, k) + c2s_histogram_edge(h, k + 1)) / 2;
        const double at = (middle - low) / (high - low) * CLI_SVG_BINS;
        if (h->bin[k] > 0)
            out[at < 0 ? 0 : at >= CLI_SVG_BINS ? CLI_SVG_BINS - 1 : (int)at] += (double)h->bin[k];
    }
}

static void put_stats(FILE *f, const char *what, const char *name, const c2s_value_stats *a,
                      const c2s_value_stats *b) {
    double before[CLI_SVG_BINS], after[CLI_SVG_BINS];
    double low = a->min, high = a->max;
    char title[256];
    if (a->count == 0)
        return;
    if (b && b->count > 0) {
        low = fmin(low, b->min);
        high = fmax(high, b->max);
    }
    if (!(high > low))
        high = low + 1;
    spread(a, low, high, before);
    if (b)
        spread(b, low, high, after);
    snprintf(title, sizeof title, "%s %.180s", what, name);
    fputs("<figure>\n", f);
    cli_svg_histogram(f, title, low, high, before, b && b->count > 0 ? after : NULL);
    fputs("<figcaption>", f);
    cli_html_put(f, "%s ", what);
    cli_markup_short(f, name, 60);
    cli_html_put(f, ": mean %.3g", a->sum / (double)a->count);
    if (b && b->count > 0)
        cli_html_put(f, ", %.3g afterwards", b->sum / (double)b->count);
    fputs("</figcaption>\n</figure>\n", f);
}

/* ---- weights ---- */

/* The numbers of a constant operand, also of one that is stored as codes. NULL: it is none. */
static c2s_tensor *weight_of(const c2s_value *value) {
    if (!value)
        return NULL;
    if (value->constant)
        return c2s_dtype_is_float(value->type.dtype) ? c2s_tensor_ref(value->constant) : NULL;
    const c2s_node *node = value->def;
    if (!node || !c2s_node_is(node, "DequantizeLinear") || node->input_count > 3)
        return NULL;
    const c2s_tensor *in[3] = {NULL};
    for (unsigned k = 0; k < node->input_count; k++) {
        in[k] = node->inputs[k].value ? node->inputs[k].value->constant : NULL;
        if (node->inputs[k].value && !in[k])
            return NULL;
    }
    c2s_tensor *out = NULL;
    if (c2s_node_eval(node, in, &out, NULL, 0) != C2S_OK)
        c2s_error_clear();
    return out;
}

/* The node or, if that is another operator than `type`, the next one in front of it that is not:
 * what follows a convolution may have become part of it. */
static const c2s_node *counterpart(const c2s_node *node, const char *type) {
    enum { STEPS = 3 };
    const c2s_node *at = node;
    for (int i = 0; i < STEPS && at; i++) {
        if (strcmp(at->type, type) == 0)
            return at;
        const c2s_value *from = c2s_node_in(at, 0);
        at = from ? from->def : NULL;
    }
    return node;
}

static c2s_tensor *largest_weight(const c2s_node *node, const char **name) {
    c2s_tensor *best = NULL;
    for (unsigned k = 0; k < node->input_count; k++) {
        c2s_tensor *found = weight_of(node->inputs[k].value);
        if (found && found->count >= LEAST_WEIGHTS && (!best || found->count > best->count)) {
            c2s_tensor_unref(best);
            best = found;
            *name = node->inputs[k].value->name;
        } else {
            c2s_tensor_unref(found);
        }
    }
    return best;
}

static c2s_status put_weight(FILE *f, const cli_layer *layer) {
    const char *name = "", *other = "";
    const c2s_node *last = layer->pair.b->def, *first = counterpart(layer->pair.a->def, last->type);
    c2s_tensor *a = largest_weight(first, &name), *b = largest_weight(last, &other);
    c2s_value_stats before, after;
    c2s_value_stats_init(&before, name, C2S_HISTOGRAM_BINS, C2S_NO_CHANNELS);
    c2s_value_stats_init(&after, other, C2S_HISTOGRAM_BINS, C2S_NO_CHANNELS);
    c2s_status status = C2S_OK;
    if (a && c2s_value_stats_takes(&a->type))
        status = c2s_value_stats_add(&before, a);
    if (status == C2S_OK && b && c2s_value_stats_takes(&b->type))
        status = c2s_value_stats_add(&after, b);
    if (status == C2S_OK)
        put_stats(f, "Weight", name, &before, &after);
    c2s_value_stats_free(&before);
    c2s_value_stats_free(&after);
    c2s_tensor_unref(a);
    c2s_tensor_unref(b);
    return status;
}

/* ---- all ---- */

static c2s_status put_all(FILE *f, cli_html_data *d, watch *w) {
    const c2s_model *a = d->before.model.model, *b = d->after.model.model;
    bool *before = c2s_zalloc(a->values.count + 1), *after = c2s_zalloc(b->values.count + 1);
    c2s_status status = start(d, w, before, after);
    if (status == C2S_OK)
        status = run(d);
    fputs("<div class=\"grid\">\n", f);
    for (size_t i = 0; status == C2S_OK && i < w->count; i++)
        put_stats(f, "Activation", w->layer[i]->pair.a->name, &w->before[i], &w->after[i]);
    for (size_t i = 0; status == C2S_OK && i < w->count; i++)
        status = put_weight(f, w->layer[i]);
    fputs("</div>\n", f);
    close_session(&d->before.model);
    close_session(&d->after.model);
    free(before);
    free(after);
    return status;
}

void cli_html_histograms(FILE *f, cli_html_data *d) {
    watch w = {0};
    if (!d->compared) {
        cli_html_text(f, "Not measured: %s", d->why_not);
        return;
    }
    choose(d, &w);
    cli_html_text(
        f, "The values whose layers add most noise, and their weights. Line: before; filled: "
           "after. Counts are on a logarithmic scale.");
    d->status = put_all(f, d, &w);
    for (size_t i = 0; i < w.count; i++) {
        c2s_value_stats_free(&w.before[i]);
        c2s_value_stats_free(&w.after[i]);
    }
}
