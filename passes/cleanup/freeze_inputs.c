/* SPDX-License-Identifier: Apache-2.0
 *
 * Before: an initializer that is also a graph input, which a caller could override
 * After:  an initializer
 * Runtimes must not treat overridable weights as constants: nothing folds, nothing is prepacked.
 */
#include <stdio.h>

#include "passes/cleanup/cleanup.h"

void c2s_freeze_inputs(c2s_model *model, c2s_stats *stats) {
    c2s_graph *graph = model->graph;
    bool any = false;
    /* From the end: each removal moves only what stays behind it. */
    for (unsigned i = c2s_graph_input_count(graph); i-- > 0 && c2s_stats_may_apply(stats);) {
        c2s_value *input = c2s_graph_input(graph, i);
        if (!input->initial)
            continue;
        char where[440];
        snprintf(where, sizeof where, "input \"%.400s\"", input->name);
        if (c2s_stats_skips(stats, "freeze-initializer-input", where))
            continue;
        c2s_stats_apply(stats, "freeze-initializer-input", where);
        c2s_value_seal(input);
        any = true;
    }
    /* IR version 3 demands that every initializer is an input as well. */
    if (any && model->ir_version < 4)
        model->ir_version = 4;
}
