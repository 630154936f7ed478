/* SPDX-License-Identifier: Apache-2.0 */
#include "rewrite/stats.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"

/* ---- the trace ---- */

c2s_trace *c2s_trace_create(void) {
    c2s_trace *trace = c2s_zalloc(sizeof *trace);
    trace->arena = c2s_arena_create();
    trace->pass = "";
    return trace;
}

void c2s_trace_cut(c2s_trace *trace, size_t count) {
    while (trace->events.count > count) {
        c2s_event event = c2s_vec_pop(&trace->events);
        c2s_vec_free(&event.nodes);
        c2s_vec_free(&event.removed);
    }
}

void c2s_trace_destroy(c2s_trace *trace) {
    if (!trace)
        return;
    c2s_trace_cut(trace, 0);
    c2s_vec_free(&trace->events);
    c2s_arena_destroy(trace->arena);
    free(trace);
}

static void record(c2s_trace *trace, const char *kind, const char *where, const char *reason) {
    if (!trace)
        return;
    c2s_event event = {.pass = trace->pass,
                       .kind = c2s_arena_strdup(trace->arena, kind),
                       .where = c2s_arena_strdup(trace->arena, where),
                       .reason = reason ? c2s_arena_strdup(trace->arena, reason) : NULL};
    c2s_vec_push(&trace->events, event);
}

void c2s_stats_looked(c2s_stats *stats, const c2s_node *node) {
    c2s_trace *trace = stats->trace;
    if (trace && trace->events.count)
        c2s_vec_push(&trace->events.at[trace->events.count - 1].nodes,
                     c2s_arena_strdup(trace->arena, c2s_node_name(node)));
}

void c2s_stats_removed(c2s_stats *stats, const c2s_node *node) {
    c2s_trace *trace = stats->trace;
    if (trace && trace->events.count)
        c2s_vec_push(&trace->events.at[trace->events.count - 1].removed,
                     c2s_arena_strdup(trace->arena, c2s_node_name(node)));
}

/* ---- counts ---- */

/* Names are few and mostly the same literal. */
static c2s_rule_count *count_of(c2s_stats *stats, const char *kind) {
    for (size_t i = 0; i < stats->rules.count; i++)
        if (stats->rules.at[i].name == kind || strcmp(stats->rules.at[i].name, kind) == 0)
            return &stats->rules.at[i];
    c2s_vec_push(&stats->rules, (c2s_rule_count){.name = kind});
    return &stats->rules.at[stats->rules.count - 1];
}

void c2s_stats_remedy(c2s_stats *stats, const c2s_remedy *remedy, const char *where) {
    c2s_remedy copy = *remedy;
    copy.where = where ? c2s_strdup(where) : NULL;
    c2s_vec_push(&stats->remedies, copy);
}

void c2s_stats_free(c2s_stats *stats) {
    for (size_t i = 0; i < stats->remedies.count; i++)
        free(stats->remedies.at[i].where);
    c2s_vec_free(&stats->remedies);
    c2s_vec_free(&stats->rules);
}

/* `name` is the place itself, or the name between its quotes. */
static bool is_at(const char *where, const char *name) {
    if (strcmp(where, name) == 0)
        return true;
    const char *quote = strchr(where, '"');
    size_t length = strnlen(name, 400); /* as much as c2s_node_text shows */
    return quote && strncmp(quote + 1, name, length) == 0 && quote[1 + length] == '"';
}

bool c2s_stats_skips(c2s_stats *stats, const char *kind, const char *where) {
    for (size_t i = 0; i < stats->skip_count; i++) {
        const c2s_skip *skip = &stats->skips[i];
        if (strcmp(skip->kind, kind) != 0 || (skip->where && !is_at(where, skip->where)))
            continue;
        c2s_stats_refuse(stats, kind, where, skip->reason);
        return true;
    }
    return false;
}

void c2s_stats_apply(c2s_stats *stats, const char *kind, const char *where) {
    assert(c2s_stats_may_apply(stats));
    count_of(stats, kind)->applied++;
    stats->rewrites++;
    snprintf(stats->last_kind, sizeof stats->last_kind, "%s", kind);
    snprintf(stats->last_where, sizeof stats->last_where, "%s", where);
    record(stats->trace, kind, where, NULL);
    c2s_log(2, "%s at %s", kind, where);
}

void c2s_stats_refuse(c2s_stats *stats, const char *kind, const char *where, const char *reason) {
    count_of(stats, kind)->refused++;
    record(stats->trace, kind, where, reason);
    if (c2s_log_wants(1))
        c2s_log(1, "%s not applied at %s: %s", kind, where, reason);
}
