/* SPDX-License-Identifier: Apache-2.0
 *
 * Removing units of groups of a model in two ways: cut, and masked by zeros. Both must compute the
 * same, and the work of what is left must be what was predicted.
 */
#ifndef C2S_TESTS_PRUNE_REMOVAL_H
#define C2S_TESTS_PRUNE_REMOVAL_H

#include "shared.h"

#include <math.h>
#include <string.h>

#include "base/random.h"
#include "eval/compare.h"
#include "ir/node_walk.h"
#include "passes/prune/prune_cut.h"
#include "passes/prune/prune_mask.h"
#include "passes/prune/prune_meter.h"
#include "runtime/session.h"

enum { INPUTS = 1024 };

/* Relative to the largest element, as everywhere in comparisons: sums run in another order. */
#define TOLERANCE 1e-5

static inline c2s_status run_on(const c2s_graph *graph, c2s_tensor *const *in, c2s_tensor **out) {
    c2s_session *session;
    C2S_TRY(c2s_evaluator_onednn.open(graph, NULL, &session));
    c2s_status status = c2s_evaluator_onednn.run(session, (const c2s_tensor *const *)in, out);
    c2s_evaluator_onednn.close(session);
    return status;
}

static inline void release(c2s_tensor **tensors) {
    for (unsigned k = 0; k < INPUTS; k++)
        c2s_tensor_unref(tensors[k]);
}

static inline bool *choose(c2s_random *random, size_t units) {
    bool *removed = calloc(units + 1, 1);
    const size_t wanted = units / 4 > 0 ? units / 4 : 1;
    for (size_t k = 0; k < wanted;) {
        const size_t unit = (size_t)c2s_random_integer(random, 0, (int64_t)units - 1);
        k += !removed[unit];
        removed[unit] = true;
    }
    return removed;
}

/* Multiply-accumulates, of bodies as if each ran once. */
static inline double work_of(const c2s_model *model) {
    const c2s_graph *graph = model->graph;
    c2s_node_works works;
    double work = 0;
    c2s_node_works_find(model, &works);
    for (const c2s_node *n = graph->first; n; n = c2s_node_walk(graph, n)) {
        size_t count;
        const c2s_work_part *parts = c2s_node_work(&works, n, &count);
        for (size_t k = 0; k < count; k++)
            work += parts[k].macs;
    }
    c2s_node_works_free(&works);
    return work;
}

/* What the meter says before anything is cut. */
static inline double predicted_work(const c2s_prune_groups *groups, bool *const *removed) {
    c2s_prune_meter *meter = c2s_prune_meter_create(groups, C2S_METER_MACS, NULL);
    for (size_t k = 0; k < groups->groups.count; k++)
        for (size_t u = 0; removed[k] && u < groups->groups.at[k].units; u++)
            if (removed[k][u])
                c2s_prune_meter_move(meter, k, u, false);
    const double work = c2s_prune_meter_now(meter);
    c2s_prune_meter_free(meter);
    return work;
}

/* Removes a quarter of the units of group `chosen` (of all that do not mix: SIZE_MAX) from a copy,
 * and compares with another copy that has zeros there. `exact`: results are to be equal, else the
 * model has to run, with the interface it had. NULL, or what is wrong. */
static inline const char *remove_from(const c2s_model *model, size_t chosen, bool exact,
                                      c2s_tensor *const *in) {
    static char why[1000];
    c2s_model *zeroed = c2s_model_copy(model), *pruned = c2s_model_copy(model);
    c2s_prune_groups a, b;
    c2s_tensor *x[INPUTS] = {0}, *y[INPUTS] = {0};
    c2s_prune_groups_find(zeroed, &a);
    c2s_prune_groups_find(pruned, &b);
    bool **removed = calloc(a.groups.count + 1, sizeof *removed);
    c2s_random random = {chosen + 1};
    why[0] = '\0';
    for (size_t k = 0; k < a.groups.count; k++) {
        const c2s_prune_group *g = &a.groups.at[k];
        if (g->pin.reason || (chosen == SIZE_MAX ? g->mixed_by != NULL : k != chosen))
            continue;
        removed[k] = choose(&random, g->units);
        assert_int_equal(c2s_prune_mask(&a, g, removed[k]), C2S_OK);
    }
    const double work = predicted_work(&b, removed);
    if (c2s_prune_cut(&b, (const bool *const *)removed) != C2S_OK ||
        run_on(zeroed->graph, in, x) != C2S_OK || run_on(pruned->graph, in, y) != C2S_OK)
        snprintf(why, sizeof why, "%s", c2s_error());
    if (!why[0] && fabs(work_of(pruned) - work) > 1e-9 * work)
        snprintf(why, sizeof why, "%.0f multiply-accumulates, %.0f were predicted", work_of(pruned),
                 work);
    for (unsigned k = 0; k < c2s_graph_output_count(model->graph) && !why[0]; k++) {
        c2s_difference d;
        if (!c2s_compare(x[k], y[k], TOLERANCE, &d) && (exact || !d.same_type))
            snprintf(why, sizeof why, "output %u differs by %g (%g) %s", k, d.max_rel, d.max_abs,
                     d.where);
    }
    for (size_t k = 0; k < a.groups.count; k++)
        free(removed[k]);
    free(removed);
    c2s_prune_groups_free(&a);
    c2s_prune_groups_free(&b);
    release(x);
    release(y);
    c2s_model_destroy(zeroed);
    c2s_model_destroy(pruned);
    return why[0] ? why : NULL;
}

#endif
