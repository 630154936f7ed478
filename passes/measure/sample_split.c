/* SPDX-License-Identifier: Apache-2.0 */
#include "passes/measure/sample_split.h"

enum { EVERY = 4, LEAST = 8 };

static c2s_status get_learnt(const c2s_feed *feed, const c2s_graph *graph, size_t index,
                             c2s_tensor **in) {
    const c2s_sample_split *s = feed->user;
    const size_t at = s->whole ? index : index / (EVERY - 1) * EVERY + index % (EVERY - 1) + 1;
    return s->all->get(s->all, graph, at, in);
}

static c2s_status get_judged(const c2s_feed *feed, const c2s_graph *graph, size_t index,
                             c2s_tensor **in) {
    const c2s_sample_split *s = feed->user;
    return s->all->get(s->all, graph, s->whole ? index : index * EVERY, in);
}

void c2s_sample_split_open(const c2s_feed *all, c2s_sample_split *out) {
    const size_t parts = all->count / EVERY; /* what is left over is not used */
    *out = (c2s_sample_split){.all = all, .whole = all->count < LEAST};
    out->learn = (c2s_feed){
        .count = out->whole ? all->count : parts * (EVERY - 1), .get = get_learnt, .user = out};
    out->judge =
        (c2s_feed){.count = out->whole ? all->count : parts, .get = get_judged, .user = out};
}

void c2s_sample_split_join(c2s_sample_split *split) {
    split->whole = true;
    split->learn.count = split->all->count;
}
