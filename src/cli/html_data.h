/* SPDX-License-Identifier: Apache-2.0
 *
 * What the sections of the HTML report are made from.
 */
#ifndef C2S_CLI_HTML_DATA_H
#define C2S_CLI_HTML_DATA_H

#include "cli/bench_report.h"
#include "cli/comparison.h"
#include "cli/html_page.h"

typedef struct cli_html_data {
    const cli_arguments *arguments;
    bool learnt_from;     /* the data are those of --calib */
    const char *in, *out; /* as given */
    const c2s_report *report;
    cli_subject before, after; /* normalised; of these the times */
    bool timed;
    bool compared;     /* the models ran: layers and comparison are filled */
    char why_not[512]; /* else the reason */
    cli_layers layers;
    cli_comparison comparison;
    c2s_status status; /* of what could not be written */
} cli_html_data;

void cli_html_summary(FILE *f, cli_html_data *data); /* sorts the times */
void cli_html_passes(FILE *f, cli_html_data *data);
void cli_html_accuracy(FILE *f, cli_html_data *data);
void cli_html_layers(FILE *f, cli_html_data *data);
void cli_html_size(FILE *f, cli_html_data *data);
void cli_html_time(FILE *f, cli_html_data *data);
/* Runs the models once more, watching the values that are shown; may set data->status. */
void cli_html_histograms(FILE *f, cli_html_data *data);
void cli_html_graph(FILE *f, cli_html_data *data);

#endif
