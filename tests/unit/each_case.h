/* SPDX-License-Identifier: Apache-2.0
 *
 * Going through ONNX's operator cases in the shared folder.
 */
#ifndef C2S_TESTS_EACH_CASE_H
#define C2S_TESTS_EACH_CASE_H

#include <dirent.h>
#include <limits.h>
#include <string.h>

#include "shared.h"

/* A path out of parts; the test fails if it is too long. */
static inline void __attribute__((format(printf, 2, 3)))
path_of(char path[PATH_MAX], const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    const int length = vsnprintf(path, PATH_MAX, format, arguments);
    va_end(arguments);
    assert_in_range(length, 1, PATH_MAX - 1);
}

/* Calls `visit` with the path and the name of every case of "node", "simple", ...; in no order. */
static inline void each_case(const char *group, void (*visit)(const char *path, const char *name)) {
    char folder[PATH_MAX], path[PATH_MAX], relative[64];
    snprintf(relative, sizeof relative, "onnx-cases/%s", group);
    shared_need(folder, sizeof folder, relative);
    DIR *directory = opendir(folder);
    assert_non_null(directory);
    for (struct dirent *entry; (entry = readdir(directory)) != NULL;)
        if (strncmp(entry->d_name, "test_", 5) == 0) {
            path_of(path, "%s/%s", folder, entry->d_name);
            visit(path, entry->d_name);
        }
    closedir(directory);
}

#endif
