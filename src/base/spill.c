/* SPDX-License-Identifier: Apache-2.0 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* O_TMPFILE, mkostemp */
#endif
#include "base/spill.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/mapping.h"

static int open_nameless(const char *folder) {
    int file = -1;
#ifdef O_TMPFILE
    file = open(folder, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
#endif
    char path[4096];
    const int length = snprintf(path, sizeof path, "%s/onnx-c2s.XXXXXX", folder);
    if (file >= 0 || length < 0 || (size_t)length >= sizeof path)
        return file;
    file = mkostemp(path, O_CLOEXEC);
    if (file >= 0)
        unlink(path);
    return file;
}

static bool write_all(int file, const char *data, size_t size) {
    enum { PIECE = 1 << 26 };
    for (size_t at = 0; at < size;) {
        const ssize_t put = write(file, data + at, size - at < PIECE ? size - at : PIECE);
        if (put < 0 && errno == EINTR)
            continue;
        if (put <= 0)
            return false;
        at += (size_t)put;
    }
    return true;
}

const void *c2s_spill(const void *data, size_t size) {
    const char *folder = getenv("TMPDIR");
    const int file = open_nameless(folder && *folder ? folder : "/var/tmp");
    if (file < 0)
        return NULL;
    const void *copy = write_all(file, data, size) ? c2s_mapping_create(file, size) : NULL;
    close(file);
    return copy;
}
