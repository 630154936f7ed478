/* SPDX-License-Identifier: Apache-2.0 */
#include "rewrite/stats.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"

/* Names are few and mostly the same literal. */
static c2s_rule_count *count_of(c2s_stats *stats, const char *rule) {
    for (size_t i = 0; i < stats->rules.count; i++)
        if (stats->rules.at[i].name == rule || strcmp(stats->rules.at[i].name, rule) == 0)
            return &stats->rules.at[i];
    c2s_vec_push(&stats->rules, (c2s_rule_count){.name = rule});
    return &stats->rules.at[stats->rules.count - 1];
}

void c2s_stats_free(c2s_stats *stats) {
    c2s_vec_free(&stats->rules);
}

void c2s_stats_apply(c2s_stats *stats, const char *rule, const char *where) {
    assert(c2s_stats_may_apply(stats));
    count_of(stats, rule)->applied++;
    stats->rewrites++;
    snprintf(stats->last, sizeof stats->last, "%s at %s", rule, where);
    c2s_log(2, "%s", stats->last);
}

void c2s_stats_refuse(c2s_stats *stats, const char *rule, const char *where, const char *reason) {
    count_of(stats, rule)->refused++;
    if (c2s_log_wants(1))
        c2s_log(1, "%s not applied at %s: %s", rule, where, reason);
}
