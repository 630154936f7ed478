/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "base/map.h"
#include "base/memory.h"
#include "passes/measure/gram_keep.h"
#include "passes/measure/value_digest.h"

/* How rows are taken, and by whom. */
static uint64_t of_options(const c2s_gram_options *o) {
    uint64_t key = c2s_hash_mix(o->feed->selection, o->feed->count);
    key = c2s_hash_mix(key, o->samples);
    key = c2s_hash_mix(key, o->rows);
    key = c2s_hash_bytes(o->evaluator->name, strlen(o->evaluator->name), key);
    return c2s_hash_mix(key, (uint64_t)o->eval.emulate * 2 + o->eval.simulate_quantized);
}

static uint64_t of_cutoff(const c2s_gram_consumer *c, uint64_t weight) {
    const float ends[] = {c->cutoff->low, c->cutoff->high};
    const float *added = c->cutoff->added;
    const uint64_t key = c2s_hash_bytes(ends, sizeof ends, weight);
    return added ? c2s_hash_bytes(added, c->site.groups * c->site.n * sizeof *added, key) : key;
}

/* 0: not known. */
static uint64_t of_consumer(const c2s_gram_consumer *c, const uint64_t *own,
                            const uint64_t *targets) {
    const uint64_t input = own[c->site.input->id];
    uint64_t key = c2s_hash_mix(c2s_linear_site_digest(&c->site), input);
    if (!input || !c->target)
        return input ? key : 0;
    const uint64_t target = targets[c->target->id];
    const uint64_t beside = c->beside ? own[c->beside->id] : 1;
    const uint64_t weight = c->cutoff ? own[c->site.weight->id] : 1;
    if (!target || !beside || !weight)
        return 0;
    key = c2s_hash_mix(c2s_hash_mix(key, target), c2s_hash_mix(beside, weight));
    return c2s_hash_mix(key, c->cutoff ? of_cutoff(c, weight) : c->site.n);
}

void c2s_gram_keys(const c2s_graph *graph, const c2s_gram_options *o, c2s_gram_consumer *consumers,
                   size_t count) {
    const c2s_graph *reference = o->reference ? o->reference : graph;
    bool *wanted = c2s_zalloc(graph->model->values.count + 1);
    bool *of_reference = c2s_zalloc(reference->model->values.count + 1);
    if (o->feed->selection == 0)
        count = 0;
    for (size_t i = 0; i < count; i++) {
        const c2s_gram_consumer *c = &consumers[i];
        wanted[c->site.input->id] = true;
        if (c->beside)
            wanted[c->beside->id] = true;
        if (c->cutoff)
            wanted[c->site.weight->id] = true;
        if (c->target)
            of_reference[c->target->id] = true;
    }
    uint64_t *own = count ? c2s_value_digests(graph, wanted) : NULL;
    uint64_t *targets = count && o->reference ? c2s_value_digests(reference, of_reference) : NULL;
    const uint64_t options = of_options(o);
    for (size_t i = 0; i < count; i++) {
        const uint64_t key = of_consumer(&consumers[i], own, targets);
        consumers[i].key = key ? c2s_hash_mix(key, options) : 0;
    }
    free(own);
    free(targets);
    free(wanted);
    free(of_reference);
}
