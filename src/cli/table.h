/* SPDX-License-Identifier: Apache-2.0
 *
 * Tables of text: a first column to the left, the others to the right, widths as needed.
 */
#ifndef C2S_CLI_TABLE_H
#define C2S_CLI_TABLE_H

#include <stdint.h>
#include <stdio.h>

#include "base/vec.h"

typedef struct cli_table {
    unsigned columns;
    unsigned left;         /* so many columns are aligned to the left; at least 1 */
    C2S_VEC(char *) cells; /* row by row */
} cli_table;

void cli_table_start(cli_table *table, unsigned columns, unsigned left);
/* The next cell. Row by row, left to right. */
void cli_cell(cli_table *table, const char *format, ...) __attribute__((format(printf, 2, 3)));
void cli_table_print(const cli_table *table, FILE *stream);
void cli_table_free(cli_table *table);

/* A text of a file's, of at most 400 bytes, for the terminal. Thread-local, four at a time. */
const char *cli_shown(const char *text);
/* "1.23 M", "845"; bytes: "1.2 MB", "845 B" (powers of 1000). Thread-local, eight at a time. */
const char *cli_count(uint64_t count);
const char *cli_bytes(uint64_t bytes);
/* "-37.5 %", "0 %"; "" if before is 0. */
const char *cli_change(uint64_t before, uint64_t after);

#endif
