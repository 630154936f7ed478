/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/table.h"

#include <stdarg.h>
#include <string.h>

#include "base/status.h"

void cli_table_start(cli_table *table, unsigned columns, unsigned left) {
    *table = (cli_table){.columns = columns, .left = left};
}

void cli_cell(cli_table *table, const char *format, ...) {
    char text[512];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    c2s_make_printable(text + (text[0] == '\n')); /* which leaves a line free above the row */
    c2s_vec_push(&table->cells, c2s_strdup(text));
}

const char *cli_shown(const char *text) {
    static _Thread_local char shown[4][401];
    static _Thread_local unsigned turn;
    char *copy = shown[turn++ % 4];
    snprintf(copy, sizeof shown[0], "%s", text);
    c2s_make_printable(copy);
    return copy;
}

/* Columns on the screen: UTF-8 continuation bytes take none. */
static int width_of(const char *text) {
    int width = 0;
    for (; *text; text++)
        width += ((unsigned char)*text & 0xc0) != 0x80;
    return width;
}

static void print_row(const cli_table *table, size_t row, const int *width, FILE *stream) {
    unsigned columns = table->columns; /* up to the last that is not empty */
    while (columns > 1 && !table->cells.at[row * table->columns + columns - 1][0])
        columns--;
    for (unsigned c = 0; c < columns; c++) {
        const char *text = table->cells.at[row * table->columns + c];
        int padding = width[c] - width_of(text);
        if (c > 0)
            fputs("  ", stream);
        if (c < table->left)
            fprintf(stream, "%s%*s", text, c + 1 < columns ? padding : 0, "");
        else
            fprintf(stream, "%*s%s", padding, "", text);
    }
    fputc('\n', stream);
}

void cli_table_print(const cli_table *table, FILE *stream) {
    int *width = c2s_zalloc(table->columns * sizeof *width);
    size_t rows = table->cells.count / table->columns;
    for (size_t i = 0; i < rows * table->columns; i++) {
        int *w = &width[i % table->columns], found = width_of(table->cells.at[i]);
        *w = found > *w ? found : *w;
    }
    for (size_t row = 0; row < rows; row++)
        print_row(table, row, width, stream);
    free(width);
}

void cli_table_free(cli_table *table) {
    for (size_t i = 0; i < table->cells.count; i++)
        free(table->cells.at[i]);
    c2s_vec_free(&table->cells);
}

static char *next_text(void) {
    static _Thread_local char texts[8][32];
    static _Thread_local unsigned turn;
    return texts[turn++ % 8];
}

static const char *scaled(uint64_t number, const char *unit) {
    static const char *const prefix[] = {"", "k", "M", "G", "T", "P", "E"};
    char *text = next_text();
    double value = (double)number;
    unsigned p = 0;
    for (; value >= 999.5 && p < 6; p++)
        value /= 1000;
    const char *gap = p || unit[0] ? " " : "";
    int digits = p == 0 || value >= 99.95 ? 0 : value >= 9.995 ? 1 : 2;
    snprintf(text, 32, "%.*f%s%s%s", digits, value, gap, prefix[p], unit);
    return text;
}

const char *cli_count(uint64_t count) {
    return scaled(count, "");
}

const char *cli_bytes(uint64_t bytes) {
    return scaled(bytes, "B");
}

const char *cli_change(uint64_t before, uint64_t after) {
    char *text = next_text();
    text[0] = '\0';
    if (before == after && before > 0)
        snprintf(text, 32, "0 %%");
    else if (before > 0)
        snprintf(text, 32, "%+.1f %%", ((double)after / (double)before - 1) * 100);
    return text;
}
