/* SPDX-License-Identifier: Apache-2.0 */
#include "eval/random_feed.h"

#include <stdlib.h>

#include "base/memory.h"
#include "eval/random_inputs.h"

typedef struct random_feed {
    c2s_feed feed;
    c2s_random_options options;
} random_feed;

static c2s_status get(const c2s_feed *feed, const c2s_graph *graph, size_t index, c2s_tensor **in) {
    c2s_random_options options = ((const random_feed *)feed)->options;
    options.sample = (unsigned)index;
    return c2s_random_inputs(graph, &options, in);
}

static void release(c2s_tensor **tensors, unsigned count) {
    for (unsigned k = 0; k < count; k++)
        c2s_tensor_unref(tensors[k]);
    free(tensors);
}

/* Does the graph run on the first sample? `drawn`: there is one at all. */
static c2s_status try_first(const random_feed *f, const c2s_graph *graph, c2s_session *session,
                            bool *drawn) {
    const unsigned inputs = c2s_graph_input_count(graph), outputs = c2s_graph_output_count(graph);
    c2s_tensor **in = c2s_zalloc((inputs + 1) * sizeof *in);
    c2s_tensor **out = c2s_zalloc((outputs + 1) * sizeof *out);
    c2s_status status = get(&f->feed, graph, 0, in);
    *drawn = status == C2S_OK;
    if (*drawn)
        status = session->evaluator->run(session, (const c2s_tensor *const *)in, out);
    release(in, inputs);
    release(out, outputs);
    return status;
}

c2s_status c2s_random_feed_open(const c2s_graph *graph, const c2s_evaluator *evaluator,
                                const c2s_eval_options *eval, uint64_t seed, c2s_feed **out) {
    c2s_session *session;
    C2S_TRY(evaluator->open(graph, eval, &session));
    random_feed *f = c2s_zalloc(sizeof *f);
    f->feed = (c2s_feed){.count = C2S_RANDOM_FEED_SAMPLES, .get = get};
    f->options.seed = seed;
    c2s_status status;
    bool drawn = true;
    do
        status = try_first(f, graph, session, &drawn);
    while (status == C2S_ERR_INVALID && drawn && ++f->options.attempt < C2S_RANDOM_ATTEMPTS);
    evaluator->close(session);
    if (status == C2S_OK)
        *out = &f->feed;
    else
        free(f);
    return status;
}

void c2s_random_feed_close(c2s_feed *feed) {
    free(feed);
}
