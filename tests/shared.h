/* SPDX-License-Identifier: Apache-2.0 */
/* Models and data that tests use when they are at hand: $C2S_SHARED, else ../shared beside the repo. */
#ifndef C2S_TESTS_SHARED_H
#define C2S_TESTS_SHARED_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <cmocka.h>

/* Writes the path of `relative` in the shared folder into `path`; 0 if that exists, -1 if not. */
static inline int shared_path(char *path, size_t size, const char *relative) {
    const char *root = getenv("C2S_SHARED");
    if (!root || !*root)
        root = C2S_SOURCE_DIR "/../shared";
    int length = snprintf(path, size, "%s/%s", root, relative);
    struct stat info;
    return length < 0 || (size_t)length >= size || stat(path, &info) != 0 ? -1 : 0;
}

/* The same inside a cmocka test: says SKIPPED with the name of what is missing, and skips. */
static inline void shared_need(char *path, size_t size, const char *relative) {
    if (shared_path(path, size, relative) != 0) {
        print_message("SKIPPED: %s is not there\n", path);
        skip();
    }
}

#endif
