/* SPDX-License-Identifier: Apache-2.0 */
#include "passes/measure/sample_split.h"

#include "base/map.h"

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

/* Samples of both parts, or of one. */
static uint64_t part_of(const c2s_sample_split *s, uint64_t part) {
    const uint64_t all = s->all->selection;
    return s->whole || all == 0 ? all : c2s_hash_mix(all, part);
}

void c2s_sample_split_open(const c2s_feed *all, c2s_sample_split *out) {
    const size_t parts = all->count / EVERY; /* what is left over is not used */
    *out = (c2s_sample_split){.all = all, .whole = all->count < LEAST};
    out->learn = (c2s_feed){.count = out->whole ? all->count : parts * (EVERY - 1),
                            .get = get_learnt,
                            .selection = part_of(out, 1),
                            .user = out};
    out->judge = (c2s_feed){.count = out->whole ? all->count : parts,
                            .get = get_judged,
                            .selection = part_of(out, 2),
                            .user = out};
}

void c2s_sample_split_join(c2s_sample_split *split) {
    split->whole = true;
    split->learn.count = split->all->count;
    split->learn.selection = split->all->selection;
}
