/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/svg_plot.h"

#include <math.h>

#include "cli/markup.h"

enum { WIDTH = 760, LABELS = 210, FIGURES = 110 };

static void begin(FILE *f, const char *title, int width, int height) {
    fprintf(f,
            "<svg xmlns=\"http://www.w3.org/2000/svg\" role=\"img\" width=\"%d\" height=\"%d\" "
            "viewBox=\"0 0 %d %d\"><title>",
            width, height, width, height);
    cli_markup(f, title);
    fputs("</title>\n", f);
}

static void end(FILE *f) {
    fputs("</svg>\n", f);
}

static void put_text(FILE *f, double x, double y, const char *anchor, const char *kind,
                     const char *text, unsigned most) {
    fprintf(f, "<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"%s\" class=\"%s\">", x, y, anchor, kind);
    cli_markup_short(f, text, most);
    fputs("</text>\n", f);
}

static void put_bar(FILE *f, const char *kind, double y, double length, const char *label) {
    fprintf(f, "<rect class=\"%s\" x=\"%d\" y=\"%.1f\" width=\"%.1f\" height=\"9\"/>\n", kind,
            LABELS, y, length);
    put_text(f, LABELS + length + 5, y + 9, "start", "soft", label, 40);
}

void cli_svg_bars(FILE *f, const char *title, const cli_bar *bars, size_t count,
                  void (*text)(double value, char *out, size_t size)) {
    enum { ROW = 28 };
    double largest = 0;
    for (size_t i = 0; i < count; i++)
        largest = fmax(largest, fmax(bars[i].before, bars[i].after));
    const double scale = largest > 0 ? (WIDTH - LABELS - FIGURES) / largest : 0;
    begin(f, title, WIDTH, (int)count * ROW + 12);
    for (size_t i = 0; i < count; i++) {
        const double y = 8 + (double)i * ROW;
        char label[64];
        put_text(f, LABELS - 8, y + 14, "end", "", bars[i].name, 30);
        text(bars[i].before, label, sizeof label);
        put_bar(f, "before", y, bars[i].before * scale, label);
        text(bars[i].after, label, sizeof label);
        put_bar(f, "after", y + 11, bars[i].after * scale, label);
    }
    end(f);
}

/* ---- points ---- */

typedef struct scale {
    double low, high, top, height;
} scale;

static double place(const scale *s, double value) {
    return s->top + s->height * (1 - (value - s->low) / (s->high - s->low));
}

static void put_scale(FILE *f, const scale *s, double left, double right, const char *unit) {
    for (int i = 0; i <= 4; i++) {
        const double value = s->low + (s->high - s->low) * i / 4, y = place(s, value);
        char label[64];
        snprintf(label, sizeof label, "%.4g %s", value, unit);
        fprintf(f, "<line class=\"axis\" x1=\"%.1f\" y1=\"%.1f\" x2=\"%.1f\" y2=\"%.1f\"/>\n", left,
                y, right, y);
        put_text(f, left - 6, y + 4, "end", "soft", label, 40);
    }
}

void cli_svg_points(FILE *f, const char *title, const char *unit, const cli_point *points,
                    size_t count) {
    enum { HEIGHT = 260, LEFT = 80 };
    scale s = {.low = INFINITY, .high = -INFINITY, .top = 14, .height = HEIGHT - 44};
    for (size_t i = 0; i < count; i++) {
        s.low = fmin(s.low, points[i].value);
        s.high = fmax(s.high, points[i].value);
    }
    if (!(s.high - s.low > 1e-9 * fmax(fabs(s.high), 1))) {
        s.low -= 1;
        s.high += 1;
    }
    const double step = (double)(WIDTH - LEFT - 20) / (double)(count > 1 ? count - 1 : 1);
    begin(f, title, WIDTH, HEIGHT);
    put_scale(f, &s, LEFT, WIDTH - 10, unit);
    fputs("<path class=\"line-before\" d=\"", f);
    for (size_t i = 0; i < count; i++)
        fprintf(f, "%c%.1f %.1f", i ? 'L' : 'M', LEFT + (double)i * step,
                place(&s, points[i].value));
    fputs("\"/>\n", f);
    for (size_t i = 0; i < count; i++) {
        fprintf(f, "<circle class=\"point\" cx=\"%.1f\" cy=\"%.1f\" r=\"3\"><title>",
                LEFT + (double)i * step, place(&s, points[i].value));
        cli_markup_short(f, points[i].name, 120);
        fprintf(f, ": %.4g %s</title></circle>\n", points[i].value, unit);
    }
    put_text(f, LEFT, HEIGHT - 8, "start", "soft", "first value computed", 40);
    put_text(f, WIDTH - 10, HEIGHT - 8, "end", "soft", "last", 40);
    end(f);
}

/* ---- histograms ---- */

enum { PLOT_WIDTH = 340, PLOT_HEIGHT = 150, BASE = 126 };

static void put_steps(FILE *f, const char *kind, const double *counts, double most) {
    const double width = (double)(PLOT_WIDTH - 20) / CLI_SVG_BINS;
    fprintf(f, "<path class=\"%s\" d=\"M10 %d", kind, BASE);
    for (int i = 0; i < CLI_SVG_BINS; i++) {
        const double height = most > 0 ? log1p(counts[i]) / log1p(most) * (BASE - 10) : 0;
        fprintf(f, "V%.1fH%.1f", BASE - height, 10 + (i + 1) * width);
    }
    fprintf(f, "V%dZ\"/>\n", BASE);
}

void cli_svg_histogram(FILE *f, const char *title, double low, double high,
                       const double before[CLI_SVG_BINS], const double *after) {
    double most = 0;
    char label[64];
    for (int i = 0; i < CLI_SVG_BINS; i++)
        most = fmax(most, fmax(before[i], after ? after[i] : 0));
    begin(f, title, PLOT_WIDTH, PLOT_HEIGHT);
    if (after)
        put_steps(f, "line-after", after, most);
    put_steps(f, "line-before", before, most);
    snprintf(label, sizeof label, "%.4g", low);
    put_text(f, 10, PLOT_HEIGHT - 8, "start", "soft", label, 40);
    snprintf(label, sizeof label, "%.4g", high);
    put_text(f, PLOT_WIDTH - 10, PLOT_HEIGHT - 8, "end", "soft", label, 40);
    end(f);
}
