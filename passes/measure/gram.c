/* SPDX-License-Identifier: Apache-2.0 */
#include "passes/measure/gram_keep.h"

#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/memory.h"
#include "eval/sample_order.h"
#include "ir/convert.h"

#define DEFAULT_MEMORY ((uint64_t)1 << 30)

/* ---- what is collected ---- */

typedef struct collector {
    const c2s_gram_options *options;
    size_t samples, sample;       /* how many there are; the one at hand */
    c2s_gram_consumer *consumers; /* in the order of the requests */
    size_t count;
    c2s_gram_consumer **of_input, **of_target, **of_beside; /* by value id: the first */
    /* Of the run at hand, by value id: what is wanted and has not come. When all has, it ends. */
    bool *missing;
    size_t left;
    bool ended;
} collector;

/* ---- observers ---- */

static void begin_run(collector *all, const c2s_graph *graph, const bool *wanted) {
    const size_t values = graph->model->values.count;
    memcpy(all->missing, wanted, values * sizeof *wanted);
    all->ended = false;
    all->left = 0;
    for (size_t id = 0; id < values; id++) {
        const c2s_value *value = wanted[id] ? graph->model->values.at[id] : NULL;
        /* A body may run again: what is in one never ends the run. */
        all->left += !value ? 0 : value->graph == graph ? 1 : 2;
    }
}

/* What comes behind the last value that is wanted need not be computed: a failure ends the run. */
static c2s_status end_run(collector *all, const c2s_value *value) {
    all->left -= all->missing[value->id];
    all->missing[value->id] = false;
    all->ended = all->left == 0;
    return all->ended ? c2s_fail(C2S_ERR_UNSUPPORTED, "nothing more is wanted") : C2S_OK;
}

static c2s_status copy_floats(const c2s_tensor *tensor, float **out) {
    free(*out);
    *out = NULL;
    C2S_TRY(c2s_scratch(tensor->count, sizeof **out, out));
    c2s_load_f32(tensor->type.dtype, c2s_tensor_data(tensor), 0, tensor->count, *out);
    return C2S_OK;
}

static c2s_status observe_input(void *user, const c2s_value *value, const c2s_tensor *tensor) {
    collector *all = user;
    for (c2s_gram_consumer *c = all->of_beside[value->id]; c; c = c->next_beside)
        if (c->now && c->y && c2s_type_equal(&tensor->type, &c->y_type))
            C2S_TRY(copy_floats(tensor, &c->besides));
    for (c2s_gram_consumer *c = all->of_input[value->id]; c; c = c->next) {
        const c2s_gram_share share = {all->options->rows, all->samples, all->sample};
        if (c->now && c->head == c)
            C2S_TRY(c2s_gram_sum_input(c, share, tensor));
        if (c->now && c->target)
            C2S_TRY(c2s_gram_sum_target(c, share, tensor));
    }
    return end_run(all, value);
}

static c2s_status observe_target(void *user, const c2s_value *value, const c2s_tensor *tensor) {
    collector *all = user;
    for (c2s_gram_consumer *c = all->of_target[value->id]; c; c = c->next_target) {
        if (!c->now)
            continue;
        C2S_TRY(copy_floats(tensor, &c->y));
        c->y_type = tensor->type;
    }
    return end_run(all, value);
}

/* ---- runs ---- */

static c2s_status run_sample(collector *all, const c2s_graph *graph, const bool *wanted,
                             c2s_session *session, size_t index) {
    const c2s_gram_options *o = all->options;
    const unsigned inputs = c2s_graph_input_count(graph), outputs = c2s_graph_output_count(graph);
    c2s_tensor **in = c2s_zalloc((inputs + outputs + 1u) * sizeof(c2s_tensor *)),
               **out = in + inputs;
    c2s_status status = o->feed->get(o->feed, graph, index, in);
    begin_run(all, graph, wanted);
    if (status == C2S_OK)
        status = o->evaluator->run(session, (const c2s_tensor *const *)in, out);
    if (status != C2S_OK && all->ended) {
        c2s_error_clear();
        status = C2S_OK;
    }
    for (unsigned k = 0; k < inputs + outputs; k++)
        c2s_tensor_unref(in[k]);
    free(in);
    return status;
}

static c2s_status open_session(const c2s_gram_options *o, const c2s_graph *graph, bool *values,
                               c2s_observer observe, collector *all, c2s_session **session) {
    c2s_eval_options eval = o->eval;
    eval.observe = observe;
    eval.observe_user = all;
    eval.observe_value = values;
    return o->evaluator->open(graph, &eval, session);
}

static size_t most_values(const c2s_graph *graph, const c2s_graph *reference) {
    const size_t own = graph->model->values.count,
                 other = reference ? reference->model->values.count : 0;
    return own > other ? own : other;
}

static c2s_status run_all(const c2s_graph *graph, collector *all) {
    const c2s_gram_options *o = all->options;
    const c2s_graph *reference = NULL;
    bool *values = c2s_zalloc(graph->model->values.count + 1), *targets = NULL;
    if (o->reference)
        targets = c2s_zalloc(o->reference->model->values.count + 1);
    for (size_t i = 0; i < all->count; i++) {
        const c2s_gram_consumer *c = &all->consumers[i];
        values[c->site.input->id] |= c->now;
        if (c->now && c->beside)
            values[c->beside->id] = true;
        if (c->now && c->target) {
            reference = o->reference;
            targets[c->target->id] = true;
        }
    }
    c2s_session *session = NULL, *other = NULL;
    all->missing = c2s_zalloc(most_values(graph, o->reference) + 1);
    c2s_status status = open_session(o, graph, values, observe_input, all, &session);
    if (status == C2S_OK && reference)
        status = open_session(o, reference, targets, observe_target, all, &other);
    size_t count, *taken = c2s_samples_list(o->feed->count, o->samples, &count);
    all->samples = count;
    for (size_t k = 0; k < count && status == C2S_OK; k++) {
        all->sample = taken[k];
        if (reference)
            status = run_sample(all, reference, targets, other, taken[k]);
        if (status == C2S_OK)
            status = run_sample(all, graph, values, session, taken[k]);
    }
    free(taken);
    if (session)
        o->evaluator->close(session);
    if (other)
        o->evaluator->close(other);
    free(all->missing);
    free(values);
    free(targets);
    return status;
}

/* ---- order and memory ---- */

/* With all that read the same rows. */
static uint64_t family_bytes(const c2s_gram_consumer *head) {
    uint64_t bytes = 0;
    for (const c2s_gram_consumer *c = head; c; c = c->next)
        if (c->head == head)
            bytes = c2s_add_bytes(bytes, c2s_gram_consumer_bytes(c));
    return bytes;
}

/* As many families as the memory holds, at least one. *next: the first that is left. */
static c2s_status begin_some(collector *all, uint64_t memory, size_t *next) {
    uint64_t used = 0;
    for (; *next < all->count; ++*next) {
        c2s_gram_consumer *head = &all->consumers[*next];
        if (head->head != head)
            continue;
        used = c2s_add_bytes(used, family_bytes(head));
        if (used > memory && used > family_bytes(head))
            break;
        for (c2s_gram_consumer *c = head; c; c = c->next)
            if (c->head == head)
                C2S_TRY(c2s_gram_consumer_begin(c));
    }
    return C2S_OK;
}

static c2s_status hand_over(collector *all) {
    const c2s_gram_options *o = all->options;
    for (size_t i = 0; i < all->count; i++) {
        c2s_gram_consumer *c = &all->consumers[i];
        if (c->now && c->head == c)
            for (size_t g = 0; g < c->gram->groups; g++)
                c2s_symmetric_fill(c->gram->k, c->gram->moment + g * c->gram->k * c->gram->k);
    }
    for (size_t i = 0; i < all->count; i++) {
        c2s_gram_consumer *c = &all->consumers[i];
        if (!c->now)
            continue;
        C2S_TRY(o->take(o->user, &c->site, c->gram, c->target ? &c->cross : NULL));
    }
    for (size_t i = 0; i < all->count; i++) {
        c2s_gram_consumer *c = &all->consumers[i];
        if (c->now && o->cache)
            c2s_gram_cache_keep(o->cache, c);
        if (c->now)
            c2s_gram_consumer_end(c);
        c->now = false;
    }
    return C2S_OK;
}

/* Puts it behind those of the same input, and finds one that reads the same rows: of the first few
 * different ones, since a file may have any number. */
static void link_consumer(collector *all, c2s_gram_consumer *c) {
    enum { MOST_HEADS = 64 };
    c2s_gram_consumer **end = &all->of_input[c->site.input->id];
    unsigned heads = 0;
    c->head = c;
    for (c2s_gram_consumer *other = *end; other && c->head == c && heads < MOST_HEADS;
         other = other->next) {
        heads += other->head == other;
        if (other->head == other && c2s_linear_site_shares(&other->site, &c->site))
            c->head = other;
    }
    /* The last one is where the first one says. */
    if (*end) {
        (*end)->last->next = c;
        (*end)->last = c;
    } else {
        *end = c;
        c->last = c;
    }
    if (c->target) {
        c->next_target = all->of_target[c->target->id];
        all->of_target[c->target->id] = c;
    }
    if (c->beside) {
        c->next_beside = all->of_beside[c->beside->id];
        all->of_beside[c->beside->id] = c;
    }
}

static void make_consumers(const c2s_gram_request *requests, size_t count, uint64_t memory,
                           collector *all) {
    for (size_t i = 0; i < count; i++) {
        c2s_gram_consumer *c = &all->consumers[all->count];
        const char *reason = requests[i].target ? c2s_linear_site_of(requests[i].node, &c->site)
                                                : c2s_linear_reader_of(requests[i].node, &c->site);
        c->target = requests[i].target;
        c->beside = requests[i].target ? requests[i].beside : NULL;
        c->cutoff = requests[i].target ? requests[i].cutoff : NULL;
        c->head = c; /* for consumer_bytes */
        if (!reason && c2s_gram_consumer_bytes(c) > memory)
            reason = "its matrix of moments would take more memory than there is for it";
        if (!reason) {
            all->count++;
            continue;
        }
        *c = (c2s_gram_consumer){0};
        if (all->options->refuse)
            all->options->refuse(all->options->user, requests[i].node, reason);
    }
}

/* Consumers whose moments the cache has are no longer among those that are collected; to free. */
static c2s_gram_consumer *set_aside(const c2s_graph *graph, collector *all, size_t *known) {
    const size_t count = all->count;
    c2s_gram_consumer *aside = c2s_zalloc((count + 1) * sizeof *aside);
    c2s_gram_keys(graph, all->options, all->consumers, count);
    all->count = 0;
    for (size_t i = 0; i < count; i++) {
        const c2s_gram_consumer *c = &all->consumers[i];
        if (c2s_gram_cache_hold(all->options->cache, c))
            aside[(*known)++] = *c;
        else
            all->consumers[all->count++] = *c;
    }
    if (*known > 0)
        c2s_log(2, "moments of %zu of %zu operators are known already", *known, count);
    return aside;
}

/* Takers may change weights, so what is known comes last: moments are those of the graph as it was.
 */
static c2s_status collect_all(const c2s_graph *graph, collector *all, uint64_t memory) {
    c2s_gram_cache *cache = all->options->cache;
    size_t known = 0;
    c2s_gram_consumer *aside = cache ? set_aside(graph, all, &known) : NULL;
    c2s_status status = C2S_OK;
    for (size_t i = 0; i < all->count; i++)
        link_consumer(all, &all->consumers[i]);
    for (size_t next = 0; next < all->count && status == C2S_OK;) {
        status = begin_some(all, memory, &next);
        if (status == C2S_OK)
            status = run_all(graph, all);
        if (status == C2S_OK)
            status = hand_over(all);
    }
    for (size_t i = 0; i < known && status == C2S_OK; i++)
        status = c2s_gram_cache_take(cache, &aside[i], all->options);
    if (cache)
        c2s_gram_cache_release(cache);
    free(aside);
    return status;
}

static void collector_free(collector *all) {
    for (size_t i = 0; i < all->count; i++)
        c2s_gram_consumer_end(&all->consumers[i]);
    free(all->consumers);
    free(all->of_input);
    free(all->of_target);
    free(all->of_beside);
}

c2s_status c2s_gram_collect(const c2s_graph *graph, const c2s_gram_request *requests, size_t count,
                            const c2s_gram_options *options) {
    const uint64_t memory = options->memory ? options->memory : DEFAULT_MEMORY;
    const c2s_graph *reference = options->reference ? options->reference : graph;
    if (graph->model->functions.count > 0 || reference->model->functions.count > 0)
        return c2s_fail(C2S_ERR_UNSUPPORTED, "a model with functions: expand them first (cleanup)");
    collector all = {.options = options};
    all.consumers = c2s_zalloc((count + 1) * sizeof *all.consumers);
    all.of_input = c2s_zalloc((graph->model->values.count + 1) * sizeof(c2s_gram_consumer *));
    all.of_beside = c2s_zalloc((graph->model->values.count + 1) * sizeof(c2s_gram_consumer *));
    all.of_target = c2s_zalloc((reference->model->values.count + 1) * sizeof(c2s_gram_consumer *));
    make_consumers(requests, count, memory, &all);
    const c2s_status status = collect_all(graph, &all, memory);
    collector_free(&all);
    return status;
}
