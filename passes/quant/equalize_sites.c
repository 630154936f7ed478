/* SPDX-License-Identifier: Apache-2.0 */
#include "passes/quant/equalize_sites.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "passes/measure/ranges.h"

const char c2s_equalize_kind[] = "equalize-channels";

/* How near a channel may come to the bound of a Clip. */
#define NEAR 0.95
/* ---- finding the groups ---- */

/* A group without layers on both sides has nothing to share. */
static const char *is_useless(const c2s_channel_group *g) {
    bool made = g->norms.count > 0, taken = false;
    for (size_t i = 0; i < g->ends.count; i++) {
        made |= g->ends.at[i].output;
        taken |= !g->ends.at[i].output;
    }
    for (size_t i = 0; i < g->addends.count; i++)
        if (g->addends.at[i].use->value->use_count != 1 || g->addends.at[i].use->value->def)
            return "a constant beside its channels is used elsewhere, too";
    return made && taken ? NULL : "no layer takes its channels";
}

void c2s_equalize_site_free(c2s_equalize_site *t) {
    c2s_channel_group_free(&t->group);
    free(t->factor);
    free(t->most);
    free(t->limit);
}

void c2s_equalize_find(c2s_equalize_work *w, c2s_stats *stats) {
    c2s_map done = {0};
    for (c2s_node *node = w->graph->first; node; node = node->next) {
        if (c2s_channel_axis_made(node) < 0 || c2s_map_get(&done, node->outputs[0]))
            continue;
        c2s_equalize_site t = {.maker = node};
        const c2s_node *in_the_way;
        const char *why = c2s_channel_group_of(node->outputs[0], &t.group, &in_the_way);
        for (size_t i = 0; i < t.group.values.count; i++)
            c2s_map_put(&done, t.group.values.at[i].value, node);
        if (!why)
            why = is_useless(&t.group);
        char text[400];
        snprintf(text, sizeof text, "%s%s%s", in_the_way ? c2s_node_text(in_the_way) : "",
                 in_the_way ? ": " : "", why ? why : "");
        if (!why) {
            t.factor = c2s_alloc_array(t.group.classes + 1, sizeof *t.factor);
            t.limit = c2s_alloc_array(t.group.classes + 1, sizeof *t.limit);
            t.most = c2s_zalloc((t.group.classes + 1) * sizeof *t.most);
            for (size_t c = 0; c < t.group.classes; c++) {
                t.factor[c] = 1;
                t.limit[c] = INFINITY;
            }
            c2s_vec_push(&w->sites, t);
        } else {
            c2s_stats_refuse(stats, c2s_equalize_kind, c2s_node_text(node), text);
            c2s_equalize_site_free(&t);
        }
    }
    c2s_map_free(&done);
}

/* ---- what the data say ---- */

/* Values whose channels are to be observed: what input ends read, and what Clips clamp. */
static void want_values(const c2s_equalize_work *w, bool *wanted, int8_t *axes) {
    for (size_t i = 0; i < w->sites.count; i++) {
        const c2s_channel_group *g = &w->sites.at[i].group;
        for (size_t k = 0; k < g->values.count; k++) {
            const c2s_channel_value *v = &g->values.at[k];
            wanted[v->value->id] = true;
            axes[v->value->id] = (int8_t)v->axis;
        }
    }
}

static double channel_most(const c2s_value_stats *s, size_t channel) {
    return s->channels.count[channel] ? fmax(fabs((double)s->channels.min[channel]),
                                             fabs((double)s->channels.max[channel]))
                                      : 0;
}

static void take_activations(c2s_equalize_site *t, const c2s_ranges *ranges) {
    for (size_t i = 0; i < t->group.ends.count; i++) {
        const c2s_channel_end *e = &t->group.ends.at[i];
        const c2s_value_stats *s =
            e->output ? NULL : c2s_ranges_find(ranges, c2s_node_in(e->site.node, 0));
        if (!s || s->channels.extent != e->extent)
            continue;
        for (size_t k = 0; k < e->extent; k++) {
            double *most = &t->most[t->group.class_of.at[e->first + k]];
            *most = fmax(*most, channel_most(s, k));
        }
    }
}

static void take_limits(c2s_equalize_site *t, const c2s_ranges *ranges) {
    for (size_t i = 0; i < t->group.clamps.count; i++) {
        const c2s_channel_clamp *clamp = &t->group.clamps.at[i];
        const c2s_value_stats *s = ranges ? c2s_ranges_find(ranges, c2s_node_in(clamp->node, 0))
                                          : NULL; /* NULL: all stay */
        const bool known = s && s->channels.extent == clamp->extent;
        for (size_t k = 0; k < clamp->extent; k++) {
            const double most = !known                 ? INFINITY
                                : s->channels.count[k] ? (double)s->channels.max[k]
                                                       : 0;
            double *limit = &t->limit[t->group.class_of.at[clamp->first + k]];
            *limit = most > NEAR * (double)clamp->high
                         ? 0
                         : fmin(*limit, most > 0 ? NEAR * (double)clamp->high / most : INFINITY);
        }
    }
}

bool c2s_equalize_has_clamps(const c2s_equalize_work *w) {
    for (size_t i = 0; i < w->sites.count; i++)
        if (w->sites.at[i].group.clamps.count > 0)
            return true;
    return false;
}

c2s_status c2s_equalize_observe(c2s_equalize_work *w, const c2s_pass_context *context) {
    const size_t count = w->graph->model->values.count;
    bool *wanted = c2s_zalloc(count + 1);
    int8_t *axes = c2s_alloc_array(count + 1, sizeof *axes);
    memset(axes, C2S_NO_CHANNELS, count);
    want_values(w, wanted, axes);
    const c2s_ranges_options options = {
        .eval = context->eval, .channel_axis = axes, .cache = context->ranges_cache};
    c2s_ranges *ranges = NULL;
    c2s_status status = context->feed
                            ? c2s_ranges_collect(w->graph, context->feed, context->evaluator,
                                                 wanted, &options, &ranges)
                            : C2S_OK;
    for (size_t i = 0; i < w->sites.count && status == C2S_OK; i++) {
        if (ranges)
            take_activations(&w->sites.at[i], ranges);
        take_limits(&w->sites.at[i], w->through_clips ? ranges : NULL);
    }
    c2s_ranges_free(ranges);
    free(wanted);
    free(axes);
    return status;
}

void c2s_equalize_free(c2s_equalize_work *w) {
    for (size_t i = 0; i < w->sites.count; i++)
        c2s_equalize_site_free(&w->sites.at[i]);
    c2s_vec_free(&w->sites);
    c2s_channel_constants_free(&w->constants);
}
