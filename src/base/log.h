/* SPDX-License-Identifier: Apache-2.0
 *
 * Where long work says what it is doing. The library never prints: a sink does, if there is one.
 * Sinks belong to the calling thread.
 */
#ifndef C2S_BASE_LOG_H
#define C2S_BASE_LOG_H

#include <stdbool.h>

#include "base/status.h"

typedef struct c2s_log_sink {
    int verbosity; /* lines above this level are not even formatted: 0 normal, 1 -v, 2 -vv */
    void (*line)(void *user, int level, const char *text);
    void (*progress)(void *user, const char *what, double fraction); /* 0..1 */
    void *user;
} c2s_log_sink;

/* NULL: silence. Returns the sink that was in force. The sink must outlive its use. */
const c2s_log_sink *c2s_log_set_sink(const c2s_log_sink *sink);
bool c2s_log_wants(int level);
void c2s_log(int level, const char *format, ...) C2S_PRINTF(2, 3);
void c2s_progress(const char *what, double fraction);

#endif
