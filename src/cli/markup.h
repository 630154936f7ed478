/* SPDX-License-Identifier: Apache-2.0
 *
 * Text of unknown origin, such as names in models, within XML, HTML and Markdown. Nothing of it is
 * taken for markup; bytes that are not UTF-8, and characters that XML does not have, become U+FFFD.
 */
#ifndef C2S_CLI_MARKUP_H
#define C2S_CLI_MARKUP_H

#include <stdio.h>

/* For element content and for attribute values in quotes. */
void cli_markup(FILE *stream, const char *text);
/* The same, cut behind `most` characters, with an ellipsis. */
void cli_markup_short(FILE *stream, const char *text, unsigned most);
/* For a line, or a cell of a table, of Markdown. */
void cli_markdown(FILE *stream, const char *text);

#endif
