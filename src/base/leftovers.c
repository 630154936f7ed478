/* SPDX-License-Identifier: Apache-2.0 */
#include "base/leftovers.h"

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <unistd.h>

#include "base/file.h"

/* Paths of temporaries now open. A slot is written before the file exists and cleared after it is
 * gone, so a signal at any point finds what it has to remove. */
enum { SLOTS = 64 };
static _Atomic(char *) open_temporaries[SLOTS];

static _Atomic(const c2s_moving_pair *) moving_pairs[SLOTS];

void c2s_temporary_remember(char *path) {
    for (int i = 0; i < SLOTS; i++) {
        char *empty = NULL;
        if (atomic_compare_exchange_strong(&open_temporaries[i], &empty, path))
            return;
    }
}

void c2s_temporary_forget(const char *path) {
    for (int i = 0; i < SLOTS; i++) {
        char *expected = (char *)(uintptr_t)path;
        atomic_compare_exchange_strong(&open_temporaries[i], &expected, NULL);
    }
}

void c2s_moving_remember(const c2s_moving_pair *p) {
    for (int i = 0; i < SLOTS; i++) {
        const c2s_moving_pair *empty = NULL;
        if (atomic_compare_exchange_strong(&moving_pairs[i], &empty, p))
            return;
    }
}

void c2s_moving_forget(const c2s_moving_pair *p) {
    for (int i = 0; i < SLOTS; i++) {
        const c2s_moving_pair *expected = p;
        atomic_compare_exchange_strong(&moving_pairs[i], &expected, NULL);
    }
}

/* Async-signal-safe. Two names of one file are what rename leaves as they are: hence the unlink. */
void c2s_moving_settle(const c2s_moving_pair *p) {
    if (unlink(p->decides) == 0) {
        if (!p->kept)
            unlink(p->first);
        else
            rename(p->kept, p->first);
    }
    if (p->kept)
        unlink(p->kept);
}

void c2s_atomic_abort_all(void) {
    for (int i = 0; i < SLOTS; i++) {
        const c2s_moving_pair *p = atomic_load(&moving_pairs[i]);
        if (p)
            c2s_moving_settle(p);
    }
    for (int i = 0; i < SLOTS; i++) {
        const char *path = atomic_load(&open_temporaries[i]);
        if (path && unlink(path) != 0)
            rmdir(path);
    }
}
