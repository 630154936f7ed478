/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/noise_test.h"

#include <math.h>
#include <stdlib.h>

#include "base/map.h"
#include "base/random.h"
#include "eval/output_scores.h"
#include "ir/convert.h"

enum { CHUNK = 512 };

static double root_mean_square(const c2s_tensor *t) {
    double chunk[CHUNK], sum = 0;
    for (size_t at = 0; at < t->count; at += CHUNK) {
        const size_t n = t->count - at < CHUNK ? t->count - at : CHUNK;
        c2s_load_f64(t->type.dtype, c2s_tensor_data(t), at, n, chunk);
        for (size_t i = 0; i < n; i++)
            sum += isfinite(chunk[i]) ? chunk[i] * chunk[i] : 0;
    }
    return t->count ? sqrt(sum / (double)t->count) : 0;
}

static c2s_status add_to(const c2s_tensor *t, double level, c2s_random *random, c2s_tensor **out) {
    C2S_TRY(c2s_tensor_create(t->type.dtype, t->type.rank, t->type.dim, out));
    const double sigma = level * root_mean_square(t);
    double chunk[CHUNK];
    void *to = c2s_tensor_mutable(*out);
    for (size_t at = 0; at < t->count; at += CHUNK) {
        const size_t n = t->count - at < CHUNK ? t->count - at : CHUNK;
        c2s_load_f64(t->type.dtype, c2s_tensor_data(t), at, n, chunk);
        for (size_t i = 0; i < n; i++)
            chunk[i] += sigma * c2s_random_normal(random);
        c2s_store_f64(t->type.dtype, to, at, n, chunk);
    }
    return C2S_OK;
}

c2s_status cli_noise_add(const c2s_graph *graph, c2s_tensor *const *in, double level, uint64_t seed,
                         size_t index, c2s_tensor **out) {
    c2s_random random = {c2s_hash_mix(seed, index + 1)};
    for (unsigned k = 0; k < c2s_graph_input_count(graph); k++)
        if (in[k] && c2s_is_float_tensor(in[k]))
            C2S_TRY(add_to(in[k], level, &random, &out[k]));
        else
            out[k] = in[k] ? c2s_tensor_ref(in[k]) : NULL;
    return C2S_OK;
}

void cli_noise_response_start(cli_noise_response *r, unsigned outputs) {
    *r = (cli_noise_response){0};
    r->distance = c2s_alloc_array(outputs + 1u, sizeof *r->distance);
    for (unsigned k = 0; k < outputs; k++)
        r->distance[k] = (c2s_distance)C2S_DISTANCE_INIT;
}

void cli_noise_response_free(cli_noise_response *r) {
    free(r->distance);
    r->distance = NULL;
}

c2s_status cli_noise_response_add(cli_noise_response *r, unsigned outputs, c2s_tensor *const *clean,
                                  c2s_tensor *const *noisy) {
    for (unsigned k = 0; k < outputs; k++)
        c2s_distance_add(&r->distance[k], clean[k], noisy[k]);
    return outputs > 0 && c2s_is_float_tensor(clean[0])
               ? c2s_row_scores_add(&r->rows, clean[0], noisy[0])
               : C2S_OK;
}

void cli_noise_response_metrics(const cli_noise_response *r, unsigned outputs,
                                double value[C2S_METRIC_COUNT]) {
    for (unsigned k = 0; k < outputs; k++)
        if (r->distance[k].samples > 0)
            c2s_metric_worsen(C2S_METRIC_NOISE_SQNR, &value[C2S_METRIC_NOISE_SQNR],
                              c2s_distance_sqnr(&r->distance[k]));
    value[C2S_METRIC_NOISE_AGREEMENT] = c2s_per_cent(r->rows.agreeing, r->rows.rows);
}
