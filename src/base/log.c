/* SPDX-License-Identifier: Apache-2.0 */
#include "base/log.h"

#include <stdarg.h>
#include <stdio.h>

static _Thread_local const c2s_log_sink *current;

const c2s_log_sink *c2s_log_set_sink(const c2s_log_sink *sink) {
    const c2s_log_sink *previous = current;
    current = sink;
    return previous;
}

bool c2s_log_wants(int level) {
    return current && current->line && level <= current->verbosity;
}

void c2s_log(int level, const char *format, ...) {
    if (!c2s_log_wants(level))
        return;
    char text[1024];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    current->line(current->user, level, text);
}

void c2s_progress(const char *what, double fraction) {
    if (current && current->progress)
        current->progress(current->user, what, fraction);
}
