/* SPDX-License-Identifier: Apache-2.0
 *
 * The HTML report: what the job bought, what it did, what it costs.
 */
#include <math.h>
#include <string.h>

#include "cli/html_data.h"
#include "cli/markup.h"
#include "cli/measured.h"
#include "cli/table.h"

/* ---- before and after ---- */

static void put_change(FILE *f, double before, double after) {
    if (!(before > 0)) {
        cli_html_cell(f, "%s", "");
        return;
    }
    const double change = (after / before - 1) * 100;
    const bool better = change < 0;
    fprintf(f, "<td class=\"%s\">%+.1f %%</td>",
            fabs(change) < 0.05 ? "soft"
            : better            ? "good"
                                : "bad",
            change);
}

static void count_row(FILE *f, const char *name, uint64_t before, uint64_t after,
                      const char *(*text)(uint64_t)) {
    cli_html_row(f, name);
    cli_html_cell(f, "%s", text(before));
    cli_html_cell(f, "%s", text(after));
    put_change(f, (double)before, (double)after);
    cli_html_row_end(f);
}

static void time_row(FILE *f, const char *name, c2s_times *before, c2s_times *after) {
    const double a = 1e3 * c2s_quantile(before, 0.5), b = 1e3 * c2s_quantile(after, 0.5);
    cli_html_row(f, name);
    cli_html_cell(f, "%.3f ms", a);
    cli_html_cell(f, "%.3f ms", b);
    put_change(f, a, b);
    cli_html_row_end(f);
}

static void put_lede(FILE *f, const cli_html_data *d) {
    const c2s_counts *a = &d->report->before, *b = &d->report->after;
    cli_html_text(f, "%s became %s: %s bytes, %s nodes.", d->in, d->out,
                  cli_change(a->bytes, b->bytes), cli_change(a->nodes, b->nodes));
    if (!isnan(d->report->error))
        cli_html_text(f, "The largest relative error of the outputs is %.1e.", d->report->error);
    if (!d->compared)
        cli_html_text(f, "The models were not run: %s", d->why_not);
}

void cli_html_summary(FILE *f, cli_html_data *d) {
    static const char *const head[] = {"", "before", "after", "change", NULL};
    const c2s_counts *a = &d->report->before, *b = &d->report->after;
    put_lede(f, d);
    cli_html_table(f, "Before and after", head);
    count_row(f, "nodes", a->nodes, b->nodes, cli_count);
    count_row(f, "parameters", a->parameters, b->parameters, cli_count);
    count_row(f, "bytes", a->bytes, b->bytes, cli_bytes);
    count_row(f, "multiply-accumulates", a->macs, b->macs, cli_count);
    count_row(f, "peak activations", a->peak_activation_bytes, b->peak_activation_bytes, cli_bytes);
    if (d->timed) {
        time_row(f, "latency (median)", &d->before.times, &d->after.times);
        time_row(f, "processor time (median)", &d->before.processor, &d->after.processor);
    }
    cli_html_table_end(f);
    for (unsigned i = 0; i < d->report->note_count; i++)
        cli_html_text(f, "%s", d->report->notes[i]);
}

/* ---- passes ---- */

static const char *outcome(const c2s_pass_report *pass) {
    return pass->outcome == C2S_APPLIED     ? "applied"
           : pass->outcome == C2S_UNCHANGED ? "nothing to do"
                                            : "rolled back";
}

static void put_rules(FILE *f, const c2s_pass_report *pass) {
    static const char *const head[] = {"rewrite", "applied", "refused", NULL};
    if (pass->rule_count == 0)
        return;
    fputs("<details>\n<summary>", f);
    cli_html_put(f, "%s: %u kind%s of rewrites", pass->name, pass->rule_count,
                 pass->rule_count == 1 ? "" : "s");
    fputs("</summary>\n", f);
    char caption[128];
    snprintf(caption, sizeof caption, "Rewrites of %.60s", pass->name);
    cli_html_table(f, caption, head);
    for (unsigned k = 0; k < pass->rule_count; k++) {
        cli_html_row(f, pass->rules[k].name);
        cli_html_cell(f, "%u", pass->rules[k].applied);
        cli_html_cell(f, "%u", pass->rules[k].refused);
        cli_html_row_end(f);
    }
    cli_html_table_end(f);
    fputs("</details>\n", f);
}

static void put_reasons(FILE *f, const c2s_pass_report *pass) {
    if (pass->reason)
        cli_html_text(f, "%s was rolled back: %s", pass->name, pass->reason);
    for (unsigned k = 0; k < pass->left_out_count; k++)
        cli_html_text(f, "%s: left out, since it broke the tolerance: %s", pass->name,
                      pass->left_out[k]);
}

void cli_html_passes(FILE *f, cli_html_data *d) {
    static const char *const head[] = {"pass", "outcome", "rewrites", "error", "seconds", NULL};
    cli_html_table(f, "Passes in the order in which they ran", head);
    for (unsigned i = 0; i < d->report->pass_count; i++) {
        const c2s_pass_report *pass = &d->report->passes[i];
        cli_html_row(f, pass->name);
        cli_html_cell(f, "%s", outcome(pass));
        cli_html_cell(f, "%u", pass->rewrites);
        if (isnan(pass->error))
            cli_html_cell(f, "-");
        else
            cli_html_cell(f, "%.1e", pass->error);
        cli_html_cell(f, "%.2f", pass->seconds);
        cli_html_row_end(f);
    }
    cli_html_table_end(f);
    for (unsigned i = 0; i < d->report->pass_count; i++) {
        put_reasons(f, &d->report->passes[i]);
        put_rules(f, &d->report->passes[i]);
    }
}

/* ---- metrics ---- */

static void put_class_note(FILE *f, const cli_comparison *c) {
    const int64_t worst = c2s_class_scores_worst(&c->classes);
    const double drop = c->metrics.value[C2S_METRIC_CLASS_WORST_DROP];
    if (worst < 0)
        return;
    const c2s_class_tally *t = c2s_class_scores_tally(&c->classes);
    if (drop > 0)
        cli_html_text(f, "The class that loses most is %lld: %.2f points of its %llu rows.",
                      (long long)worst, drop, (unsigned long long)t->classes.at[worst].rows);
    else
        cli_html_text(f, "No class loses.");
}

static void put_metrics(FILE *f, const c2s_metrics *m) {
    static const char *const head[] = {"metric", "before", "after", "computed as", NULL};
    cli_html_table(f, "What the changed model computes, against the model as it was", head);
    for (c2s_metric_id id = 0; id < C2S_METRIC_COUNT; id++) {
        char text[64];
        if (isnan(m->value[id]))
            continue;
        cli_html_row(f, c2s_metric_all[id].name);
        cli_html_cell(f, "%s", cli_metric_text(id, m->reference[id], text, sizeof text));
        cli_html_cell(f, "%s", cli_metric_text(id, m->value[id], text, sizeof text));
        fputs("<td class=\"text soft\">", f);
        cli_markup(f, c2s_metric_all[id].summary);
        fputs("</td>", f);
        cli_html_row_end(f);
    }
    cli_html_table_end(f);
}

void cli_html_accuracy(FILE *f, cli_html_data *d) {
    const c2s_quality_report *q = &d->report->quality;
    if (!d->compared) {
        cli_html_text(f, "Not measured: %s", d->why_not);
        return;
    }
    cli_html_text(f, "Measured on %zu %s.", d->comparison.samples,
                  d->learnt_from       ? "samples that the passes could learn from"
                  : d->arguments->data ? "samples of the data"
                                       : "random inputs, which says little");
    if (q->samples > 0 && !isnan(q->metric_after))
        cli_html_text(f, "The metric of --metric-cmd was %.6g and is %.6g.", q->metric_before,
                      q->metric_after);
    put_metrics(f, &d->comparison.metrics);
    put_class_note(f, &d->comparison);
}
