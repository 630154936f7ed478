/* SPDX-License-Identifier: Apache-2.0 */
#ifndef C2S_TESTS_PEAK_MEMORY_H
#define C2S_TESTS_PEAK_MEMORY_H

#include <stdio.h>

/* The largest resident size so far, in bytes. */
static inline long long peak_memory(void) {
    char line[256];
    long long kib = 0;
    FILE *file = fopen("/proc/self/status", "r");
    while (file && fgets(line, sizeof line, file))
        if (sscanf(line, "VmHWM: %lld", &kib) == 1)
            break;
    if (file)
        fclose(file);
    return kib * 1024;
}

#endif
