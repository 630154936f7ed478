/* SPDX-License-Identifier: Apache-2.0 */
/* bench_calibrate MODEL DATA IMAGE SAMPLES THREADS: what learning ranges from data costs, as JSON.
 * The model is simplified first (not proved), as before quantization; IMAGE may be "".
 *
 * Per sample, milliseconds of processor time: decoding it; running the model without an observer;
 * with statistics of the activations between operators that sum products and the others (what a
 * quantizer wants: no intermediate of a convolution and its activation); with those of all values.
 * In all, for the second: seconds elapsed and of processor time for the SAMPLES, choosing ranges by
 * MSE and by entropy included, and the bytes of memory that the process needed at most. */
#include "bench/bench_model.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/timing.h"
#include "bench/peak_memory.h"
#include "job_feed.h"
#include "ops/op.h"
#include "ops/quant_rule.h"
#include "passes/measure/ranges.h"
#include "passes/quant/range_choice.h"
#include "runtime/session.h"

static void release(c2s_tensor **tensors, unsigned count) {
    for (unsigned k = 0; k < count; k++)
        c2s_tensor_unref(tensors[k]);
}

static c2s_status run_plain(const c2s_graph *graph, const c2s_feed *feed, unsigned threads,
                            double *decode, double *run) {
    const c2s_eval_options eval = {.threads = threads};
    c2s_tensor *in[64], *out[64];
    c2s_session *session;
    C2S_TRY(c2s_evaluator_onednn.open(graph, &eval, &session));
    *decode = *run = 0;
    for (size_t k = 0; k < feed->count; k++) {
        double start = c2s_processor_clock();
        C2S_TRY(feed->get(feed, graph, k, in));
        *decode += c2s_processor_clock() - start;
        start = c2s_processor_clock();
        C2S_TRY(session->evaluator->run(session, (const c2s_tensor *const *)in, out));
        if (k > 0) /* the first one plans */
            *run += c2s_processor_clock() - start;
        release(in, c2s_graph_input_count(graph));
        release(out, c2s_graph_output_count(graph));
    }
    session->evaluator->close(session);
    *decode /= (double)feed->count;
    *run /= (double)(feed->count > 1 ? feed->count - 1 : 1);
    return C2S_OK;
}

/* Read or made by something that sums products, but not what an activation function takes of it. */
static bool is_quantized(const c2s_value *value) {
    if (!value || value->constant || !c2s_value_stats_takes(&value->type))
        return false;
    bool wanted = value->def && c2s_node_quant_rule(value->def).kind == C2S_QUANT_LINEAR;
    c2s_value_each_use(use, value) {
        if (!use->user->op || use->user == value->graph->exit)
            continue;
        const uint8_t kind = c2s_node_quant_rule(use->user).kind;
        if (kind == C2S_QUANT_CLAMP && value->use_count == 1)
            return false;
        wanted = wanted || kind == C2S_QUANT_LINEAR;
    }
    return wanted;
}

static c2s_status collect(const c2s_model *model, const c2s_feed *feed, unsigned threads,
                          const bool *wanted, double *seconds, c2s_ranges **out) {
    const c2s_ranges_options o = {.eval = {.threads = threads}};
    const double start = c2s_processor_clock();
    C2S_TRY(c2s_ranges_collect(model->graph, feed, &c2s_evaluator_onednn, wanted, &o, out));
    *seconds = (c2s_processor_clock() - start) / (double)feed->count;
    return C2S_OK;
}

static c2s_status choose(const c2s_model *model, const c2s_ranges *ranges, unsigned *values) {
    *values = 0;
    for (size_t id = 0; id < model->values.count; id++) {
        const c2s_value *value = model->values.at[id];
        const c2s_value_stats *stats = value ? c2s_ranges_find(ranges, value) : NULL;
        float low, high;
        if (!stats)
            continue;
        ++*values;
        C2S_TRY(c2s_range_choose(stats, C2S_RANGE_MSE, 0, C2S_UINT8, false, &low, &high));
        C2S_TRY(c2s_range_choose(stats, C2S_RANGE_ENTROPY, 0, C2S_UINT8, false, &low, &high));
    }
    return C2S_OK;
}

static c2s_status measure(c2s_model *model, char **argv) {
    const unsigned threads = (unsigned)strtoul(argv[5], NULL, 10);
    const c2s_run_options plain = {.no_prove = true, .threads = threads};
    double decode, run, part, all;
    unsigned values;
    c2s_feed *feed;
    c2s_ranges *ranges;
    C2S_TRY(c2s_model_optimize(model, &plain, NULL));
    C2S_TRY(c2s_feed_open_data((const char *const *)&argv[2], 1, model->graph,
                               *argv[3] ? argv[3] : NULL, strtoul(argv[4], NULL, 10), &feed));
    bool *wanted = c2s_zalloc(model->values.count + 1);
    for (size_t id = 0; id < model->values.count; id++)
        wanted[id] = is_quantized(model->values.at[id]);
    const double start = c2s_clock(), worked = c2s_processor_clock();
    C2S_TRY(collect(model, feed, threads, wanted, &part, &ranges));
    C2S_TRY(choose(model, ranges, &values));
    const double elapsed = c2s_clock() - start, processor = c2s_processor_clock() - worked;
    const long long memory = peak_memory();
    c2s_ranges_free(ranges);
    C2S_TRY(collect(model, feed, threads, NULL, &all, &ranges));
    c2s_ranges_free(ranges);
    C2S_TRY(run_plain(model->graph, feed, threads, &decode, &run));
    printf("{\"samples\": %zu, \"values\": %u, \"decode_ms\": %.2f, \"run_ms\": %.2f, "
           "\"observed_ms\": %.2f, \"all_observed_ms\": %.2f, \"elapsed_s\": %.2f, "
           "\"processor_s\": %.2f, \"memory_bytes\": %lld}\n",
           feed->count, values, 1e3 * decode, 1e3 * run, 1e3 * (part - decode),
           1e3 * (all - decode), elapsed, processor, memory);
    free(wanted);
    c2s_feed_close(feed);
    return C2S_OK;
}

int main(int argc, char **argv) {
    return bench_model(argc, argv, "bench_calibrate", "MODEL DATA IMAGE SAMPLES THREADS", measure);
}
