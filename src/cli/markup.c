/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/markup.h"

#include <limits.h>
#include <string.h>

#include "ops/utf8.h"

/* Not in XML, or no character at all: bytes that are no UTF-8 come as codes of surrogates. */
static bool is_odd(uint32_t code) {
    return (code < 0x20 && !strchr("\t\n\r", (int)code)) || (code >= 0x7f && code < 0xa0) ||
           (code >= 0xd800 && code < 0xe000) || code == 0xfffe || code == 0xffff;
}

static void put_code(FILE *stream, uint32_t code) {
    char bytes[4];
    fwrite(bytes, 1, c2s_utf8_put(is_odd(code) ? 0xfffd : code, bytes), stream);
}

static void put_character(FILE *stream, uint32_t code) {
    switch (code) {
    case '&':
        fputs("&amp;", stream);
        break;
    case '<':
        fputs("&lt;", stream);
        break;
    case '>':
        fputs("&gt;", stream);
        break;
    case '"':
        fputs("&quot;", stream);
        break;
    case '\'':
        fputs("&#39;", stream);
        break;
    default:
        put_code(stream, code);
    }
}

void cli_markup_short(FILE *stream, const char *text, unsigned most) {
    const size_t size = strlen(text);
    unsigned count = 0;
    for (size_t at = 0; at < size; count++) {
        if (count == most) {
            fputs("\xe2\x80\xa6", stream);
            return;
        }
        put_character(stream, c2s_utf8_next(text, size, &at));
    }
}

void cli_markup(FILE *stream, const char *text) {
    cli_markup_short(stream, text, UINT_MAX);
}

void cli_markdown(FILE *stream, const char *text) {
    const size_t size = strlen(text);
    for (size_t at = 0; at < size;) {
        const uint32_t code = c2s_utf8_next(text, size, &at);
        if (code == '|') { /* ends a cell even behind a backslash, in some dialects */
            fputs("&#124;", stream);
        } else if (code == '\t' || code == '\n' || code == '\r') {
            fputc(' ', stream);
        } else {
            if (code < 0x80 && code > 0 && strchr("\\`*_[]#~!$@", (int)code))
                fputc('\\', stream);
            put_character(stream, code);
        }
    }
}
