/* SPDX-License-Identifier: Apache-2.0
 *
 * How fuzz targets say that something must be so.
 */
#ifndef C2S_TESTS_FUZZ_MUST_H
#define C2S_TESTS_FUZZ_MUST_H

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/status.h"

static inline void must(bool good, const char *what) {
    if (good)
        return;
    fprintf(stderr, "%s: %s\n", what, c2s_error());
    abort();
}

#endif
