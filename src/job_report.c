/* SPDX-License-Identifier: Apache-2.0 */
#include "job_report.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/map.h"
#include "ir/graph_list.h"
#include "ops/op.h"

void c2s_job_note(c2s_job_report *r, const char *format, ...) {
    char text[512];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    c2s_make_printable(text);
    c2s_vec_push(&r->notes, c2s_arena_strdup(r->arena, text));
}

void c2s_job_note_unknown(const c2s_model *model, c2s_job_report *r) {
    c2s_graph_list graphs = {0};
    c2s_graph_list_add(&graphs, model->graph);
    c2s_map seen = {0}; /* operator type -> count */
    C2S_VEC(const c2s_node *) first = {0};
    for (size_t i = 0; i < graphs.count; i++)
        for (const c2s_node *node = graphs.at[i]->first; node; node = node->next) {
            if (node->op != &c2s_op_opaque ||
                c2s_model_function(model, node->domain, node->type, node->overload))
                continue;
            uintptr_t count = (uintptr_t)c2s_map_get(&seen, node->type);
            if (count == 0)
                c2s_vec_push(&first, node);
            c2s_map_put(&seen, node->type, (void *)(count + 1));
        }
    for (size_t i = 0; i < first.count; i++) {
        const c2s_node *node = first.at[i];
        size_t count = (size_t)(uintptr_t)c2s_map_get(&seen, node->type);
        c2s_job_note(r, "left alone: %zu node%s of the unknown operator %s%s%s", count,
                     count == 1 ? "" : "s", node->domain, node->domain[0] ? "." : "", node->type);
    }
    c2s_vec_free(&first);
    c2s_map_free(&seen);
    c2s_vec_free(&graphs);
}

static void take_quality(const c2s_quality_result *q, c2s_quality_report *out) {
    *out = (c2s_quality_report){
        .samples = q->samples > UINT32_MAX ? UINT32_MAX : (unsigned)q->samples,
        .sqnr_db = q->sqnr_db,
        .agreement = q->agreement,
        .top1_before = q->top1_first,
        .top1_after = q->top1,
        .drop_error = q->drop_error,
        .metric_before = q->has_metric ? q->metric_first : (double)NAN,
        .metric_after = q->has_metric ? q->metric : (double)NAN,
        .divergence = q->divergence,
    };
}

static void take_remedies(const c2s_stats *stats, c2s_arena *arena, c2s_pass_report *pass) {
    const size_t count = stats->remedies.count;
    c2s_remedy_report *remedies = c2s_arena_array(arena, count, sizeof *remedies);
    for (size_t k = 0; k < count; k++) {
        const c2s_remedy *r = &stats->remedies.at[k];
        remedies[k] =
            (c2s_remedy_report){.what = r->what,
                                .where = r->where ? c2s_arena_strdup(arena, r->where) : NULL,
                                .before_db = r->before_db,
                                .after_db = r->after_db,
                                .alone_db = r->alone_db,
                                .alone_kl = r->alone_kl,
                                .kept = r->kept};
    }
    pass->remedies = remedies;
    pass->remedy_count = (unsigned)count;
}

void c2s_job_take_results(const c2s_pipeline_result *result, c2s_job_report *r) {
    const char *unproved = NULL;
    for (size_t i = 0; i < result->steps.count; i++) {
        const c2s_step_result *step = &result->steps.at[i];
        c2s_pass_report pass = step->report;
        pass.name = c2s_arena_strdup(r->arena, step->report.name);
        if (step->report.reason)
            pass.reason = c2s_arena_strdup(r->arena, step->report.reason);
        c2s_rule_report *rules = c2s_arena_array(r->arena, step->stats.rules.count, sizeof *rules);
        for (size_t k = 0; k < step->stats.rules.count; k++) {
            const c2s_rule_count *rule = &step->stats.rules.at[k];
            rules[k] = (c2s_rule_report){c2s_arena_strdup(r->arena, rule->name), rule->applied,
                                         rule->refused};
        }
        pass.rules = rules;
        pass.rule_count = (unsigned)step->stats.rules.count;
        const char **left_out = c2s_arena_array(r->arena, step->left_out.count, sizeof *left_out);
        for (size_t k = 0; k < step->left_out.count; k++)
            left_out[k] = c2s_arena_strdup(r->arena, step->left_out.at[k]);
        pass.left_out = left_out;
        pass.left_out_count = (unsigned)step->left_out.count;
        take_remedies(&step->stats, r->arena, &pass);
        c2s_vec_push(&r->passes, pass);
        if (pass.outcome == C2S_APPLIED && step->quality.samples > 0)
            take_quality(&step->quality, &r->public.quality);
        if (step->unproved)
            unproved = step->unproved;
    }
    if (unproved)
        c2s_job_note(r, "not proved: %s", unproved);
}

static void take_events(c2s_job_report *r) {
    const size_t count = r->trace->events.count;
    c2s_event_report *events = c2s_arena_array(r->arena, count, sizeof *events);
    for (size_t i = 0; i < count; i++) {
        const c2s_event *e = &r->trace->events.at[i];
        events[i] = (c2s_event_report){
            .pass = e->pass,
            .rule = e->kind,
            .where = e->where,
            .reason = e->reason,
            .nodes = e->nodes.at,
            .removed = e->removed.at,
            .node_count = (unsigned)e->nodes.count,
            .removed_count = (unsigned)e->removed.count,
        };
    }
    r->public.events = events;
    r->public.event_count = (unsigned)count;
}

void c2s_job_finish(c2s_job_report *r) {
    r->public.notes = r->notes.at;
    r->public.note_count = (unsigned)r->notes.count;
    r->public.passes = r->passes.at;
    r->public.pass_count = (unsigned)r->passes.count;
    if (r->trace)
        take_events(r);
}

void c2s_report_free(c2s_report *public) {
    c2s_job_report *r = (c2s_job_report *)public;
    if (!r)
        return;
    c2s_vec_free(&r->notes);
    c2s_vec_free(&r->passes);
    c2s_trace_destroy(r->trace);
    c2s_arena_destroy(r->arena);
    free(r);
}
