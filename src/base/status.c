/* SPDX-License-Identifier: Apache-2.0 */
#include "base/status.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* Long enough for several layers; text that a file supplies is cut long before that. */
enum { TRAIL_SIZE = 1024, LAYER_SIZE = 512 };

static _Thread_local char trail[TRAIL_SIZE];

void c2s_make_printable(char *text) {
    for (; *text; text++) {
        unsigned char c = (unsigned char)*text;
        if (c < 0x20 || c == 0x7f)
            *text = '?';
    }
}

static void format_layer(char layer[LAYER_SIZE], const char *format, va_list args) {
    if (vsnprintf(layer, LAYER_SIZE, format, args) >= LAYER_SIZE)
        memcpy(layer + LAYER_SIZE - 4, "...", 4);
    c2s_make_printable(layer);
}

c2s_status c2s_fail_message(c2s_status status, const char *format, ...) {
    char layer[LAYER_SIZE];
    va_list args;
    va_start(args, format);
    format_layer(layer, format, args);
    va_end(args);
    snprintf(trail, sizeof trail, "%s", layer);
    return status;
}

void c2s_note(const char *format, ...) {
    char layer[LAYER_SIZE], rest[TRAIL_SIZE];
    va_list args;
    va_start(args, format);
    format_layer(layer, format, args);
    va_end(args);
    memcpy(rest, trail, sizeof rest);
    int used = snprintf(trail, sizeof trail, "%s%s", layer, rest[0] ? ": " : "");
    if (used < 0 || used >= TRAIL_SIZE)
        return;
    size_t room = TRAIL_SIZE - (size_t)used - 1, length = strlen(rest);
    if (length > room)
        length = room;
    memcpy(trail + used, rest, length);
    trail[(size_t)used + length] = '\0';
}

const char *c2s_error(void) {
    return trail;
}

void c2s_error_clear(void) {
    trail[0] = '\0';
}
