/* SPDX-License-Identifier: Apache-2.0 */
#include "passes/fuse/min_cut.h"

#include <limits.h>

/* Edges looked at, in all phases, per edge of the network. Layered networks need about ten. */
#define EFFORT 400u

typedef struct c2s_cut_edge edge;

typedef struct solver {
    c2s_cut *cut;
    unsigned *level;   /* distance from the source, UINT_MAX: not reached */
    unsigned *current; /* edge of the vertex that may still take more */
    unsigned *queue;   /* vertices; then the edges of the path */
    uint64_t budget;
} solver;

void c2s_cut_init(c2s_cut *cut) {
    *cut = (c2s_cut){0};
    c2s_cut_add_vertex(cut);
    c2s_cut_add_vertex(cut);
}

unsigned c2s_cut_add_vertex(c2s_cut *cut) {
    c2s_vec_push(&cut->first, UINT_MAX);
    return (unsigned)cut->first.count - 1;
}

static void add_half(c2s_cut *cut, unsigned from, unsigned to, int64_t capacity) {
    if (cut->edge_count == cut->edge_capacity)
        cut->edges =
            c2s_vec_grow(cut->edges, &cut->edge_capacity, cut->edge_count + 1, sizeof *cut->edges);
    cut->edges[cut->edge_count] = (edge){to, cut->first.at[from], capacity};
    cut->first.at[from] = (unsigned)cut->edge_count++;
}

void c2s_cut_add_edge(c2s_cut *cut, unsigned a, unsigned b, int64_t forth, int64_t back) {
    if (a == b)
        return;
    add_half(cut, a, b, forth);
    add_half(cut, b, a, back);
}

/* Breadth first through what has capacity left; the whole network, so that the last time shows
 * the cut. */
static bool find_levels(solver *s) {
    const size_t count = s->cut->first.count;
    size_t head = 0, tail = 0;
    for (size_t v = 0; v < count; v++)
        s->level[v] = UINT_MAX;
    s->level[C2S_CUT_SOURCE] = 0;
    s->queue[tail++] = C2S_CUT_SOURCE;
    while (head < tail) {
        const unsigned v = s->queue[head++];
        for (unsigned e = s->cut->first.at[v]; e != UINT_MAX; e = s->cut->edges[e].next) {
            const edge *at = &s->cut->edges[e];
            if (at->capacity > 0 && s->level[at->to] == UINT_MAX) {
                s->level[at->to] = s->level[v] + 1;
                s->queue[tail++] = at->to;
            }
        }
    }
    return s->level[C2S_CUT_SINK] != UINT_MAX;
}

/* Takes the least capacity off a path to the sink. Returns its first vertex that has an edge
 * without capacity now: by index in the path. */
static unsigned augment(solver *s, unsigned length) {
    edge *edges = s->cut->edges;
    int64_t least = INT64_MAX;
    unsigned back = 0;
    for (unsigned i = length; i-- > 0;)
        if (edges[s->queue[i]].capacity <= least) {
            least = edges[s->queue[i]].capacity;
            back = i;
        }
    for (unsigned i = 0; i < length; i++) {
        edges[s->queue[i]].capacity -= least;
        edges[s->queue[i] ^ 1].capacity += least;
    }
    return back;
}

/* A blocking flow along the levels. */
static bool fill(solver *s) {
    edge *edges = s->cut->edges;
    unsigned length = 0, v = C2S_CUT_SOURCE;
    while (true) {
        unsigned *e = &s->current[v];
        while (*e != UINT_MAX &&
               (edges[*e].capacity == 0 || s->level[edges[*e].to] != s->level[v] + 1)) {
            if (s->budget-- == 0)
                return false;
            *e = edges[*e].next;
        }
        if (s->budget-- == 0)
            return false;
        if (*e != UINT_MAX) {
            s->queue[length++] = *e;
            v = edges[*e].to;
        } else if (length > 0) { /* a dead end */
            v = edges[s->queue[--length] ^ 1].to;
            s->current[v] = edges[s->current[v]].next;
            continue;
        } else {
            return true;
        }
        if (v == C2S_CUT_SINK) {
            if (s->budget < length)
                return false;
            s->budget -= length;
            length = augment(s, length);
            v = edges[s->queue[length] ^ 1].to;
        }
    }
}

bool c2s_cut_solve(c2s_cut *cut, bool **sink_side) {
    const size_t count = cut->first.count;
    solver s = {.cut = cut, .budget = EFFORT * (cut->edge_count + count)};
    s.level = c2s_alloc_array(count, sizeof *s.level);
    s.current = c2s_alloc_array(count, sizeof *s.current);
    s.queue = c2s_alloc_array(count, sizeof *s.queue);
    bool solved = true;
    while (solved && find_levels(&s)) {
        for (size_t v = 0; v < count; v++)
            s.current[v] = cut->first.at[v];
        const uint64_t reading = cut->edge_count + count;
        solved = s.budget > reading;
        s.budget -= solved ? reading : 0;
        solved = solved && fill(&s);
    }
    *sink_side = c2s_zalloc(count);
    for (size_t v = 0; v < count && solved; v++)
        (*sink_side)[v] = s.level[v] == UINT_MAX;
    free(s.level);
    free(s.current);
    free(s.queue);
    return solved;
}

void c2s_cut_free(c2s_cut *cut) {
    free(cut->edges);
    c2s_vec_free(&cut->first);
}
