/* SPDX-License-Identifier: Apache-2.0
 *
 * The main function of programs that measure something on one model, their first argument of five.
 */
#ifndef C2S_TESTS_BENCH_MODEL_H
#define C2S_TESTS_BENCH_MODEL_H

#include <stdio.h>

#include "c2s.h"

/* `arguments`: their names, for the message. Returns the exit status. */
static inline int bench_model(int argc, char **argv, const char *name, const char *arguments,
                              c2s_status (*measure)(c2s_model *model, char **argv)) {
    if (argc != 6) {
        fprintf(stderr, "usage: %s %s\n", name, arguments);
        return C2S_ERR_USAGE;
    }
    c2s_model *model;
    c2s_status status = c2s_model_load(argv[1], &model);
    if (status == C2S_OK) {
        status = measure(model, argv);
        c2s_model_free(model);
    }
    if (status != C2S_OK)
        fprintf(stderr, "%s: %s\n", name, c2s_error());
    return (int)status;
}

#endif
