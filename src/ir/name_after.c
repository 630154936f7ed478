/* SPDX-License-Identifier: Apache-2.0 */
#include "ir/name_after.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char *hint_of(const c2s_value *owner, const char *suffix) {
    const size_t size = strlen(owner->name) + strlen(suffix) + 2;
    char *hint = c2s_alloc(size);
    snprintf(hint, size, "%s_%s", owner->name, suffix);
    return hint;
}

void c2s_value_name_after(c2s_value *value, const c2s_value *owner, const char *suffix) {
    char *hint = hint_of(owner, suffix);
    c2s_value_set_name(value, c2s_name_fresh(owner->graph->model->names, hint));
    free(hint);
}

c2s_value *c2s_constant_after(c2s_graph *graph, const c2s_value *owner, const char *suffix,
                              c2s_tensor *tensor) {
    char *hint = hint_of(owner, suffix);
    c2s_value *value = c2s_value_constant(graph, hint, tensor);
    free(hint);
    return value;
}
