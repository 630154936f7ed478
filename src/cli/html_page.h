/* SPDX-License-Identifier: Apache-2.0
 *
 * The frame of a report in HTML: one file that needs nothing else, no script, no network. What is
 * written is well-formed XML, too. Text goes through cli_markup.
 */
#ifndef C2S_CLI_HTML_PAGE_H
#define C2S_CLI_HTML_PAGE_H

#include <stdio.h>

typedef struct cli_html_link {
    const char *id, *title; /* of a section; `id` NULL ends a list */
} cli_html_link;

/* Everything up to the first section; `sections`: for the list of contents. */
void cli_html_begin(FILE *f, const char *title, const cli_html_link *sections);
void cli_html_end(FILE *f, const char *version);
void cli_html_section(FILE *f, const cli_html_link *section);
void cli_html_section_end(FILE *f);

/* A table: `head` ends with NULL; the first column names the row, the others are figures. */
void cli_html_table(FILE *f, const char *caption, const char *const *head);
void cli_html_row(FILE *f, const char *name);
void cli_html_cell(FILE *f, const char *format, ...) __attribute__((format(printf, 2, 3)));
void cli_html_row_end(FILE *f);
void cli_html_table_end(FILE *f);

/* A paragraph. */
void cli_html_text(FILE *f, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Text that was put together by printf. */
void cli_html_put(FILE *f, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
