/* SPDX-License-Identifier: Apache-2.0
 *
 * How long layers take alone, as they are and in each of their ways: measured at some ranks of each
 * form, on straight lines between them.
 */
#include <math.h>

#include "base/log.h"
#include "passes/lowrank/lowrank_job.h"

/* Ranks of a form that are timed. */
enum { POINTS = 5 };

/* Ways of one form, from the least rank to the greatest, `step` apart; the last is timed as well.
 */
static c2s_status time_some(c2s_lowrank_job *j, const c2s_lowrank_item *item, c2s_lowrank_way *ways,
                            size_t count, size_t step) {
    double above = INFINITY; /* what is smaller but seems to take longer was disturbed */
    for (size_t at = count - 1;; at = at > 0 && at % step ? at - at % step : at - step) {
        C2S_TRY(c2s_lowrank_seconds(&j->speeds, j->context, item, &ways[at], &ways[at].seconds));
        ways[at].seconds = above = fmin(ways[at].seconds, above);
        if (at == 0)
            return C2S_OK;
    }
}

static void fill_between(c2s_lowrank_way *from, const c2s_lowrank_way *to) {
    for (c2s_lowrank_way *way = from + 1; way < to; way++) {
        const double part = (double)(way->rank - from->rank) / (double)(to->rank - from->rank);
        way->seconds = from->seconds + part * (to->seconds - from->seconds);
    }
}

static c2s_status time_form(c2s_lowrank_job *j, const c2s_lowrank_item *item, c2s_lowrank_way *ways,
                            size_t count) {
    const size_t step = count <= POINTS ? 1 : (count + POINTS - 2) / (POINTS - 1);
    C2S_TRY(time_some(j, item, ways, count, step));
    for (size_t at = 0; at + 1 < count; at += step)
        fill_between(&ways[at], &ways[at + step < count ? at + step : count - 1]);
    return C2S_OK;
}

static c2s_status time_item(c2s_lowrank_job *j, c2s_lowrank_item *item) {
    const c2s_lowrank_way *own = NULL;
    if (item->ways.count == 0)
        return C2S_OK;
    C2S_TRY(c2s_lowrank_seconds(&j->speeds, j->context, item, own, &item->seconds));
    for (size_t i = 0, end; i < item->ways.count; i = end) {
        for (end = i; end < item->ways.count && item->ways.at[end].form == item->ways.at[i].form;)
            end++;
        C2S_TRY(time_form(j, item, &item->ways.at[i], end - i));
    }
    /* as much as one reader of the weight for each row of all of them */
    item->seconds *= item->readers;
    for (size_t w = 0; w < item->ways.count; w++)
        item->ways.at[w].seconds *= item->readers;
    return C2S_OK;
}

c2s_status c2s_lowrank_time_ways(c2s_lowrank_job *j) {
    const size_t count = c2s_lowrank_plan_count(&j->plan);
    if (j->plan.unit != C2S_LOWRANK_SECONDS)
        return C2S_OK;
    for (size_t i = 0; i < count; i++) {
        c2s_lowrank_item *item = c2s_lowrank_plan_item(&j->plan, i);
        c2s_progress("timing layers", (double)i / (double)count);
        const c2s_status status = time_item(j, item);
        if (status == C2S_ERR_MEMORY)
            return status;
        if (status == C2S_OK)
            continue;
        c2s_log(1, "lowrank: %s: its speed is not known: %s", c2s_node_text(item->layer.node),
                c2s_error());
        c2s_vec_clear(&item->ways);
    }
    return C2S_OK;
}
