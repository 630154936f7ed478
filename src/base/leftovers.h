/* SPDX-License-Identifier: Apache-2.0
 *
 * What a process that ends early has to clean up: temporary files (base/file.h), and pairs of files
 * of which one has moved into place already. Kept without locks, so that a signal handler can read
 * it (c2s_atomic_abort_all); for the files of up to 64 threads.
 */
#ifndef C2S_BASE_LEFTOVERS_H
#define C2S_BASE_LEFTOVERS_H

/* Two files that come together. The second decides: until its temporary has moved, nothing has
 * happened. */
typedef struct c2s_moving_pair {
    const char *first;   /* final path */
    const char *kept;    /* another name of what was there before, or NULL */
    const char *decides; /* temporary of the second */
} c2s_moving_pair;

void c2s_moving_remember(const c2s_moving_pair *p);
void c2s_moving_forget(const c2s_moving_pair *p);
/* If the second has not moved, the first is again what it was, and the temporary is gone. Either
 * way nothing is left under the name `kept`. Async-signal-safe. */
void c2s_moving_settle(const c2s_moving_pair *p);

#endif
