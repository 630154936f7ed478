/* SPDX-License-Identifier: Apache-2.0
 *
 * The HTML report: errors layer by layer, sizes and times by operator.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/map.h"
#include "cli/html_data.h"
#include "cli/markup.h"
#include "cli/svg_plot.h"
#include "cli/table.h"

enum { LAYERS_SHOWN = 40, POINTS_SHOWN = 400, BARS_SHOWN = 20 };

/* A ratio of signal to noise of which nothing more can be seen in a plot. */
#define MOST_DB 150.0

/* ---- layers ---- */

static void put_points(FILE *f, const cli_layers *l) {
    cli_point *points = c2s_alloc_array(POINTS_SHOWN + 1, sizeof *points);
    size_t count = 0;
    const size_t every = l->count / POINTS_SHOWN + 1;
    for (size_t i = 0; i < l->count; i += every) {
        const double sqnr = c2s_distance_sqnr(&l->at[i].distance);
        if (isnan(sqnr))
            continue;
        points[count++] = (cli_point){l->at[i].pair.a->name, fmax(fmin(sqnr, MOST_DB), -MOST_DB)};
    }
    if (count > 0) {
        fputs("<figure>\n", f);
        cli_svg_points(f, "SQNR of each value on the way", "dB", points, count);
        fprintf(
            f,
            "<figcaption>Signal over noise of each value that both models compute, in the order "
            "in which the first one does; equal values are drawn at %.0f dB.</figcaption>\n"
            "</figure>\n",
            MOST_DB);
    }
    free(points);
}

static void put_layer(FILE *f, const cli_layer *layer) {
    const c2s_distance *d = &layer->distance;
    const char *mismatch = cli_layer_mismatch(layer);
    char sqnr[32], operator[256];
    cli_layer_operator(layer, operator, sizeof operator);
    cli_html_row(f, layer->pair.a->name);
    cli_html_cell(f, "%s", operator);
    if (d->samples == 0) {
        for (int i = 0; i < 3; i++)
            cli_html_cell(f, "%s", mismatch ? mismatch : "-");
    } else {
        snprintf(sqnr, sizeof sqnr, "%.1f", c2s_distance_sqnr(d));
        cli_html_cell(f, "%.2e", layer->added);
        cli_html_cell(f, "%s", sqnr);
        cli_html_cell(f, "%.2e", d->max_rel);
    }
    cli_html_cell(f, "%.80s", layer->pair.by_name ? "" : layer->pair.b->name);
    cli_html_row_end(f);
}

void cli_html_layers(FILE *f, cli_html_data *d) {
    static const char *const head[] = {"value",   "operator",          "noise added", "sqnr dB",
                                       "max_rel", "called afterwards", NULL};
    const cli_layers *l = &d->layers;
    if (!d->compared) {
        cli_html_text(f, "Not measured: %s", d->why_not);
        return;
    }
    const cli_layer *first = cli_layers_first(l, d->arguments->tolerance);
    cli_html_text(f,
                  "%zu values on the way are in both models, %zu of them by structure, since their "
                  "names differ; %zu of the first model have no partner.",
                  l->count, l->by_structure, l->unmatched);
    if (first) {
        char operator[256];
        cli_layer_operator(first, operator, sizeof operator);
        cli_html_text(f, "The first that diverges is \"%.200s\" (%s).",
                      first->pair.a->name, operator);
    } else
        cli_html_text(f, "None diverges.");
    put_points(f, l);
    cli_html_table(f, "Values by the noise that their layer adds, relative to their signal", head);
    const cli_layer **list = cli_layers_by_damage(l);
    for (size_t i = 0; i < l->count && i < LAYERS_SHOWN; i++)
        put_layer(f, list[i]);
    free(list);
    cli_html_table_end(f);
}

/* ---- bars by operator ---- */

typedef C2S_VEC(cli_bar) bar_list;

static cli_bar *bar_of(bar_list *list, const char *name) {
    for (size_t i = 0; i < list->count; i++)
        if (strcmp(list->at[i].name, name) == 0)
            return &list->at[i];
    c2s_vec_push(list, ((cli_bar){.name = name}));
    return &list->at[list->count - 1];
}

static int larger(const void *x, const void *y) {
    const cli_bar *a = x, *b = y;
    const double p = fmax(a->before, a->after), q = fmax(b->before, b->after);
    if (p != q)
        return p > q ? -1 : 1;
    return strcmp(a->name, b->name);
}

static void put_bars(FILE *f, const char *title, const char *caption, bar_list *list,
                     void (*text)(double, char *, size_t)) {
    if (list->count == 0) {
        cli_html_text(f, "Nothing to show.");
        return;
    }
    qsort(list->at, list->count, sizeof *list->at, larger);
    const size_t shown = list->count < BARS_SHOWN ? list->count : BARS_SHOWN;
    fputs("<figure>\n", f);
    cli_svg_bars(f, title, list->at, shown, text);
    fprintf(f, "<figcaption>%s Grey: before; blue: after.", caption);
    if (shown < list->count)
        fprintf(f, " The largest %zu of %zu.", shown, list->count);
    fputs("</figcaption>\n</figure>\n", f);
    c2s_vec_free(list);
}

/* ---- size ---- */

/* Bytes of constants count for the operator that reads them first. */
static void add_sizes(const c2s_model *model, bool after, bar_list *list) {
    c2s_map seen = {0};
    for (const c2s_node *node = model->graph->first; node; node = node->next)
        for (unsigned k = 0; k < node->input_count; k++) {
            const c2s_value *value = node->inputs[k].value;
            if (!value || !value->constant || c2s_map_get(&seen, value))
                continue;
            c2s_map_put(&seen, value, (void *)(uintptr_t)value);
            cli_bar *bar = bar_of(list, node->type);
            *(after ? &bar->after : &bar->before) += (double)c2s_tensor_size(value->constant);
        }
    c2s_map_free(&seen);
}

static void bytes_text(double value, char *out, size_t size) {
    snprintf(out, size, "%s", value > 0 ? cli_bytes((uint64_t)value) : "0");
}

void cli_html_size(FILE *f, cli_html_data *d) {
    bar_list list = {0};
    add_sizes(d->before.model.model, false, &list);
    add_sizes(d->after.model.model, true, &list);
    put_bars(f, "Bytes of constants by operator",
             "Bytes of constants, by the operator that reads them.", &list, bytes_text);
}

/* ---- time ---- */

static void add_times(const cli_bench_rows *rows, bool after, bar_list *list) {
    for (size_t i = 0; i < rows->count; i++) {
        cli_bar *bar = bar_of(list, rows->at[i].node->type);
        *(after ? &bar->after : &bar->before) += rows->at[i].seconds;
    }
}

static void seconds_text(double value, char *out, size_t size) {
    snprintf(out, size, "%.3f ms", value * 1e3);
}

void cli_html_time(FILE *f, cli_html_data *d) {
    if (!d->timed) {
        cli_html_text(f, "Not measured: %s", d->why_not);
        return;
    }
    bar_list list = {0};
    add_times(&d->before.operators, false, &list);
    add_times(&d->after.operators, true, &list);
    put_bars(f, "Time of a run by operator",
             "Time of a run in the runtime of this program, by operator; what is computed together "
             "counts for the first of them.",
             &list, seconds_text);
}
