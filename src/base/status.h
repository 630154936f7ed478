/* SPDX-License-Identifier: Apache-2.0
 *
 * How functions fail: a status code plus a trail of messages that belongs to the calling thread.
 */
#ifndef C2S_BASE_STATUS_H
#define C2S_BASE_STATUS_H

#include "c2s.h"

#define C2S_PRINTF(fmt, first) __attribute__((format(printf, fmt, first)))

/* Starts a new trail with this message and returns `status`. Say what was found and what was
 * expected. Text from files may be passed in: it is shortened and made printable.
 *     return c2s_fail(C2S_ERR_INVALID, "scale is %g, expected > 0", scale); */
#define c2s_fail(...) c2s_not_ok(c2s_fail_message(__VA_ARGS__))
c2s_status c2s_fail_message(c2s_status status, const char *format, ...) C2S_PRINTF(2, 3);

/* Names in a file may hold what breaks a line or changes a terminal: control characters become '?'.
 * Bytes above 127 may be UTF-8, and stay. */
void c2s_make_printable(char *text);

/* Tells the compiler that a failure is never C2S_OK: it then sees that what a callee did not set
 * is not used. */
static inline c2s_status c2s_not_ok(c2s_status status) {
    if (status == C2S_OK)
        __builtin_unreachable();
    return status;
}

/* Puts a layer in front of the trail ("pass fuse", "node \"conv1\" (Conv)"); one per caller that
 * knows something the message does not yet say. */
void c2s_note(const char *format, ...) C2S_PRINTF(1, 2);

/* Propagates a failure to the caller. */
#define C2S_TRY(call)                                                                              \
    do {                                                                                           \
        c2s_status status_ = (call);                                                               \
        if (status_ != C2S_OK)                                                                     \
            return status_;                                                                        \
    } while (0)

#endif
