/* SPDX-License-Identifier: Apache-2.0
 *
 * Plots as inline SVG: bars of before and after, values along an axis, two histograms.
 */
#ifndef C2S_CLI_SVG_PLOT_H
#define C2S_CLI_SVG_PLOT_H

#include <stddef.h>
#include <stdio.h>

typedef struct cli_bar {
    const char *name;
    double before, after; /* >= 0 */
} cli_bar;

/* A pair of bars for each; `text` says what a value is, for the label behind the bar. */
void cli_svg_bars(FILE *f, const char *title, const cli_bar *bars, size_t count,
                  void (*text)(double value, char *out, size_t size));

typedef struct cli_point {
    const char *name;
    double value; /* finite */
} cli_point;

/* Points from left to right, in a scale from the least to the greatest value. */
void cli_svg_points(FILE *f, const char *title, const char *unit, const cli_point *points,
                    size_t count);

enum { CLI_SVG_BINS = 48 };

/* Counts on a logarithmic scale between `low` and `high`; `after` may be NULL. */
void cli_svg_histogram(FILE *f, const char *title, double low, double high,
                       const double before[CLI_SVG_BINS], const double *after);

#endif
