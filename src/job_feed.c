/* SPDX-License-Identifier: Apache-2.0 */
#include "job_feed.h"

#include <stdlib.h>
#include <string.h>

#include "base/map.h"
#include "base/memory.h"
#include "eval/sample_order.h"
#include "io/dataset.h"
#include "ir/convert.h"

/* Bytes of samples that are kept if all of them fit: fitting reads them again and again, and
 * unpacking archives and pictures takes longer than running many a model. What is read a few times
 * only is not worth memory that grows with the number of samples. */
#define MOST_KEPT  (UINT64_C(256) << 20)
#define READ_OFTEN 4

/* ---- data sets ---- */

typedef struct data_feed {
    c2s_feed feed;
    unsigned set_count, input_count;
    c2s_dataset **sets;
    char **input_name;
    c2s_tensor *labels;
    size_t total, *origin; /* samples of all sets; those that are taken, NULL: all */
    bool counted;          /* it is known whether samples are kept */
    c2s_tensor ***kept;    /* by sample: its inputs, once it has been read often */
    uint8_t *reads;        /* by sample, if they are kept: how often it has been read */
} data_feed;

static void drop_inputs(const data_feed *f, c2s_tensor **in) {
    for (unsigned k = 0; k < f->input_count; k++)
        c2s_tensor_unref(in[k]);
    free(in);
}

static void close_data(data_feed *f) {
    for (unsigned k = 0; k < f->set_count; k++)
        c2s_dataset_close(f->sets[k]);
    free(f->sets);
    for (unsigned k = 0; k < f->input_count; k++)
        free(f->input_name[k]);
    free(f->input_name);
    for (size_t k = 0; f->kept && k < f->feed.count; k++)
        if (f->kept[k])
            drop_inputs(f, f->kept[k]);
    free(f->kept);
    free(f->reads);
    c2s_tensor_unref(f->labels);
    free(f->origin);
}

static unsigned find_input(const data_feed *f, const char *name, unsigned guess) {
    if (guess < f->input_count && strcmp(f->input_name[guess], name) == 0)
        return guess;
    unsigned k = 0;
    while (k < f->input_count && strcmp(f->input_name[k], name) != 0)
        k++;
    return k;
}

static c2s_status read_sample(const data_feed *f, size_t index, c2s_tensor **own) {
    unsigned set = 0;
    if (f->origin)
        index = f->origin[index];
    while (index >= c2s_dataset_count(f->sets[set]))
        index -= c2s_dataset_count(f->sets[set++]);
    return c2s_dataset_sample(f->sets[set], index, own);
}

/* Once a sample is there: would all of them fit? */
static void decide_keeping(data_feed *f, c2s_tensor *const *own) {
    size_t bytes = 1;
    for (unsigned k = 0; k < f->input_count; k++)
        bytes += own[k] ? c2s_tensor_size(own[k]) : 0;
    f->counted = true;
    if (f->feed.count > MOST_KEPT / bytes || !c2s_memory_allows(f->feed.count, 2 * bytes))
        return;
    f->kept = c2s_zalloc((f->feed.count + 1) * sizeof *f->kept);
    f->reads = c2s_zalloc(f->feed.count + 1);
}

static c2s_status get_sample(data_feed *f, size_t index, c2s_tensor **own) {
    if (f->kept && f->kept[index]) {
        for (unsigned k = 0; k < f->input_count; k++)
            own[k] = f->kept[index][k] ? c2s_tensor_ref(f->kept[index][k]) : NULL;
        return C2S_OK;
    }
    C2S_TRY(read_sample(f, index, own));
    if (!f->counted)
        decide_keeping(f, own);
    if (!f->kept || ++f->reads[index] < READ_OFTEN)
        return C2S_OK;
    f->kept[index] = c2s_zalloc((f->input_count + 1) * sizeof(c2s_tensor *));
    for (unsigned k = 0; k < f->input_count; k++)
        f->kept[index][k] = own[k] ? c2s_tensor_ref(own[k]) : NULL;
    return C2S_OK;
}

static c2s_status get_data(const c2s_feed *feed, const c2s_graph *graph, size_t index,
                           c2s_tensor **in) {
    data_feed *f = feed->user;
    c2s_tensor **own = c2s_zalloc((f->input_count + 1) * sizeof *own);
    const c2s_status status = get_sample(f, index, own);
    for (unsigned k = 0; status == C2S_OK && k < c2s_graph_input_count(graph); k++) {
        const unsigned at = find_input(f, c2s_graph_input(graph, k)->name, k);
        in[k] = at < f->input_count && own[at] ? c2s_tensor_ref(own[at]) : NULL;
    }
    drop_inputs(f, own);
    return status;
}

static bool have_labels(const data_feed *f, size_t *total) {
    *total = 0;
    for (unsigned k = 0; k < f->set_count; k++) {
        const c2s_tensor *labels = c2s_dataset_array(f->sets[k], "labels");
        size_t count;
        if (!labels || !c2s_dtype_is_integer(labels->type.dtype) ||
            !c2s_type_elements(&labels->type, &count))
            return false;
        *total += count;
    }
    return f->set_count > 0;
}

/* The arrays of all sets, one behind the other. */
static c2s_status join_labels(data_feed *f) {
    size_t total, at = 0;
    if (!have_labels(f, &total))
        return C2S_OK;
    const int64_t extent = (int64_t)total;
    C2S_TRY(c2s_tensor_create(C2S_INT64, 1, &extent, &f->labels));
    int64_t *out = c2s_tensor_mutable(f->labels);
    for (unsigned k = 0; k < f->set_count; k++) {
        const c2s_tensor *labels = c2s_dataset_array(f->sets[k], "labels");
        size_t count = 0;
        if (c2s_type_elements(&labels->type, &count) && count > 0)
            c2s_load_i64(labels->type.dtype, c2s_tensor_data(labels), 0, count, out + at);
        at += count;
    }
    f->feed.labels = f->labels;
    return C2S_OK;
}

/* Labels of the samples that are taken; all samples have the same number. */
static c2s_status take_labels(data_feed *f) {
    const size_t each = f->labels->count / f->total;
    const int64_t extent = (int64_t)(each * f->feed.count);
    c2s_tensor *taken;
    C2S_TRY(c2s_tensor_create(C2S_INT64, 1, &extent, &taken));
    const int64_t *from = c2s_tensor_data(f->labels);
    int64_t *to = c2s_tensor_mutable(taken);
    for (size_t k = 0; k < f->feed.count; k++)
        memcpy(to + k * each, from + f->origin[k] * each, each * sizeof *to);
    c2s_tensor_unref(f->labels);
    f->labels = taken;
    f->feed.labels = taken;
    return C2S_OK;
}

static c2s_status take_samples(data_feed *f, size_t samples) {
    f->total = f->feed.count;
    if (samples == 0 || samples >= f->total)
        return C2S_OK;
    f->origin = c2s_samples_list(f->total, samples, &f->feed.count);
    f->feed.origin = f->origin;
    if (f->labels && f->labels->count % f->total == 0)
        return take_labels(f);
    f->feed.labels = NULL;
    return C2S_OK;
}

c2s_status c2s_feed_open_data(const char *const *paths, unsigned count, const c2s_graph *graph,
                              const char *image, size_t samples, c2s_feed **out) {
    data_feed *f = c2s_zalloc(sizeof *f);
    f->feed.get = get_data;
    f->feed.user = f;
    f->sets = c2s_zalloc((count + 1) * sizeof *f->sets);
    f->input_count = c2s_graph_input_count(graph);
    f->input_name = c2s_zalloc((f->input_count + 1) * sizeof *f->input_name);
    for (unsigned k = 0; k < f->input_count; k++)
        f->input_name[k] = c2s_strdup(c2s_graph_input(graph, k)->name);
    c2s_status status = C2S_OK;
    for (; f->set_count < count && status == C2S_OK; f->set_count++) {
        status = c2s_dataset_open(paths[f->set_count], graph, image, &f->sets[f->set_count]);
        if (status != C2S_OK)
            break;
        f->feed.count += c2s_dataset_count(f->sets[f->set_count]);
        f->feed.digest = c2s_hash_mix(f->feed.digest, c2s_dataset_digest(f->sets[f->set_count]));
    }
    if (status == C2S_OK)
        status = join_labels(f);
    if (status == C2S_OK)
        status = take_samples(f, samples);
    f->feed.selection = c2s_hash_mix(f->feed.digest, samples);
    *out = &f->feed;
    if (status != C2S_OK) {
        c2s_feed_close(&f->feed);
        *out = NULL;
    }
    return status;
}

/* ---- what a baseline ran on ---- */

typedef struct baseline_feed {
    c2s_feed feed;
    const c2s_baseline *baseline;
} baseline_feed;

static c2s_status get_baseline(const c2s_feed *feed, const c2s_graph *graph, size_t index,
                               c2s_tensor **in) {
    const baseline_feed *f = (const baseline_feed *)feed;
    const unsigned count = c2s_graph_input_count(graph);
    const c2s_tensor **all = c2s_baseline_inputs(f->baseline, graph);
    for (unsigned k = 0; k < count; k++)
        in[k] = all[index * count + k] ? c2s_tensor_ref(all[index * count + k]) : NULL;
    free(all);
    return C2S_OK;
}

c2s_feed *c2s_feed_open_baseline(const c2s_baseline *baseline) {
    baseline_feed *f = c2s_zalloc(sizeof *f);
    f->feed.get = get_baseline;
    f->feed.count = c2s_baseline_runs(baseline) ? c2s_baseline_sets(baseline) : 0;
    f->baseline = baseline;
    return &f->feed;
}

void c2s_feed_close(c2s_feed *feed) {
    if (feed && feed->get == get_data)
        close_data((data_feed *)feed);
    free(feed);
}
