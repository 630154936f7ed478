/* SPDX-License-Identifier: Apache-2.0 */
#include "passes/measure/sample_split.h"

#include "base/map.h"

enum { EVERY = 4, LEAST = 8, NARROW_EVERY = 16, NARROW_LEAST = 32 };

static c2s_status get_learnt(const c2s_feed *feed, const c2s_graph *graph, size_t index,
                             c2s_tensor **in) {
    const c2s_sample_split *s = feed->user;
    const size_t own = s->every - 1, parts = s->all->count / s->every;
    const size_t before = index < parts * own ? index / own + 1 : parts; /* that are for judging */
    return s->all->get(s->all, graph, s->whole ? index : index + before, in);
}

static c2s_status get_judged(const c2s_feed *feed, const c2s_graph *graph, size_t index,
                             c2s_tensor **in) {
    const c2s_sample_split *s = feed->user;
    return s->all->get(s->all, graph, s->whole ? index : index * s->every, in);
}

/* Samples of both parts, or of one. */
static uint64_t part_of(const c2s_sample_split *s, uint64_t part) {
    const uint64_t all = s->all->selection;
    return s->whole || all == 0 ? all : c2s_hash_mix(all, part);
}

static void split_by(c2s_sample_split *s, size_t every) {
    const size_t count = s->all->count;
    s->every = every;
    s->learn.count = s->whole ? count : count - count / every;
    s->learn.selection = part_of(s, 2 * every);
    s->judge.count = s->whole ? count : count / every;
    s->judge.selection = part_of(s, 2 * every + 1);
}

void c2s_sample_split_open(const c2s_feed *all, c2s_sample_split *out) {
    *out = (c2s_sample_split){.all = all, .whole = all->count < LEAST};
    out->learn = (c2s_feed){.get = get_learnt, .user = out};
    out->judge = (c2s_feed){.get = get_judged, .user = out};
    split_by(out, EVERY);
}

void c2s_sample_split_narrow(c2s_sample_split *split) {
    if (split->all->count >= NARROW_LEAST)
        split_by(split, NARROW_EVERY);
}

void c2s_sample_split_join(c2s_sample_split *split) {
    split->whole = true;
    split->learn.count = split->all->count;
    split->learn.selection = split->all->selection;
}
