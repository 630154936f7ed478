/* SPDX-License-Identifier: Apache-2.0
 *
 * com.microsoft: what attention adds to its scores for the distance of positions:
 * RelativePositionBias (a learned number per bucket of distances and head, as T5 has it) and
 * GatedRelativePositionBias (scaled per query).
 */
#include <inttypes.h>
#include <math.h>

#include "ops/infer_tensor.h"
#include "ops/macs.h"
#include "ops/workspace.h"

/* ---- RelativePositionBias ---- */

enum { TABLE, QUERIES, KEYS };

static c2s_status position_bias_infer(c2s_infer *i) {
    C2S_TRY(c2s_infer_tensors(i, 3));
    C2S_TRY(c2s_infer_rank(i, TABLE, 2, 2));
    const c2s_type *table = c2s_infer_type(i, TABLE);
    c2s_dim dim[4] = {1, table->rank == 2 ? table->dim[1] : c2s_dim_fresh(i->dims), 0, 0};
    for (unsigned k = 0; k < 2; k++) {
        const c2s_dim *length;
        unsigned count;
        bool known;
        C2S_TRY(c2s_infer_list_dims(i, QUERIES + k, k ? "key_length" : "query_length", &known,
                                    &length, &count));
        if (known && count != 1)
            return c2s_fail(C2S_ERR_INVALID, "a length has %u elements, expected 1", count);
        dim[2 + k] = known ? length[0] : c2s_dim_fresh(i->dims);
    }
    return c2s_infer_output(i, 0, table->dtype, 4, dim);
}

/* T5's buckets: one per distance for the near half, then ever wider ones up to `farthest`. */
static int64_t bucket_of(int64_t ahead, bool both_ways, int64_t buckets, int64_t farthest) {
    int64_t base = 0, distance = ahead < 0 ? -ahead : both_ways ? ahead : 0;
    if (both_ways) {
        buckets /= 2;
        base = ahead > 0 ? buckets : 0;
    }
    const int64_t exact = buckets / 2;
    if (distance < exact)
        return base + distance;
    const double wide = log((double)distance / (double)exact) /
                        log((double)farthest / (double)exact) * (double)(buckets - exact);
    const int64_t bucket = wide < (double)(buckets - exact) ? exact + (int64_t)wide : buckets - 1;
    return base + (bucket < buckets - 1 ? bucket : buckets - 1);
}

static c2s_status position_bias_eval(c2s_eval *e) {
    const c2s_type *y = &e->out[0]->type;
    const int64_t buckets = e->in[TABLE]->type.dim[0], heads = y->dim[1];
    const int64_t farthest = c2s_attr_int(e->node, "max_distance", 0);
    const bool both_ways = c2s_attr_int(e->node, "is_bidirectional", 0) != 0;
    if (buckets < (both_ways ? 4 : 2) || farthest <= buckets / (both_ways ? 4 : 2))
        return c2s_fail(C2S_ERR_INVALID,
                        "%" PRId64 " buckets and max_distance %" PRId64
                        ", expected more than the buckets of single distances",
                        buckets, farthest);
    c2s_workspace ws = {0};
    const float *table = c2s_workspace_f32(&ws, e->in[TABLE]);
    float *to = c2s_workspace_out_f32(&ws, e->out[0]);
    for (int64_t q = 0; ws.status == C2S_OK && q < y->dim[2]; q++)
        for (int64_t k = 0; k < y->dim[3]; k++) {
            const int64_t bucket = bucket_of(k - q, both_ways, buckets, farthest);
            for (int64_t h = 0; h < heads; h++)
                to[(h * y->dim[2] + q) * y->dim[3] + k] = table[bucket * heads + h];
        }
    return c2s_workspace_end(&ws);
}

static const c2s_attr_spec position_bias_attrs[] = {
    {"is_bidirectional", C2S_ATTR_INT, false}, {"max_distance", C2S_ATTR_INT, true}, {0}};
const c2s_op c2s_op_ms_relative_position_bias = {
    .type = "RelativePositionBias",
    .domain = "com.microsoft",
    .inputs = {3, 3},
    .outputs = {1, 1},
    .quant = C2S_QUANT_UNARY(SAME),
    .attrs = position_bias_attrs,
    .ties = c2s_ties_pinned,
    .infer = position_bias_infer,
    .eval = position_bias_eval,
};

/* ---- GatedRelativePositionBias ---- */

enum { QUERY, QUERY_BIAS, POSITIONS, WEIGHT, BIAS, ECO, OFFSETS };

static c2s_status gated_bias_infer(c2s_infer *i) {
    C2S_TRY(c2s_infer_tensors(i, 6));
    const c2s_type *query = c2s_infer_type(i, QUERY), *positions = c2s_infer_type(i, POSITIONS);
    if (c2s_infer_has(i, OFFSETS))
        return c2s_fail(C2S_ERR_UNSUPPORTED, "queries without padding (input token_offset)");
    C2S_TRY(c2s_infer_rank(i, QUERY, 3, 3));
    C2S_TRY(c2s_infer_rank(i, POSITIONS, 4, 4));
    if (query->rank < 0 || positions->rank < 0)
        return c2s_infer_output_rank(i, 0, query->dtype, 4);
    const c2s_dim dim[4] = {query->dim[0], positions->dim[1], positions->dim[2], positions->dim[3]};
    return c2s_infer_output(i, 0, query->dtype, 4, dim);
}

/* One of the two gates of a query: half of the columns of its product, summed. */
static double gate(const double *x, const double *add, const double *w, const double *b,
                   int64_t width, int64_t columns, int64_t from) {
    double sum = 0;
    for (int64_t c = from; c < from + columns / 2; c++)
        sum += b[c];
    for (int64_t d = 0; d < width; d++)
        for (int64_t c = from; c < from + columns / 2; c++)
            sum += (x[d] + add[d]) * w[d * columns + c];
    return 1 / (1 + exp(-sum));
}

static c2s_status gated_bias_check(const c2s_eval *e, int64_t heads) {
    const c2s_type *query = &e->in[QUERY]->type, *positions = &e->in[POSITIONS]->type;
    const c2s_type *weight = &e->in[WEIGHT]->type;
    const int64_t hidden = query->dim[2];
    if (heads < 1 || hidden % heads != 0 || positions->dim[0] != 1 || positions->dim[1] != heads ||
        positions->dim[2] != query->dim[1] || weight->rank != 2 ||
        weight->dim[0] != hidden / heads || weight->dim[1] % 2 != 0 ||
        (int64_t)e->in[QUERY_BIAS]->count != hidden ||
        (int64_t)e->in[BIAS]->count != weight->dim[1] || (int64_t)e->in[ECO]->count != heads)
        return c2s_fail(C2S_ERR_INVALID,
                        "num_heads %" PRId64 " with queries of %" PRId64
                        " elements does not fit the shapes of the other inputs",
                        heads, hidden);
    return C2S_OK;
}

static c2s_status gated_bias_eval(c2s_eval *e) {
    const int64_t heads = c2s_attr_int(e->node, "num_heads", 0);
    C2S_TRY(gated_bias_check(e, heads));
    const c2s_type *query = &e->in[QUERY]->type;
    const int64_t length = query->dim[1], width = query->dim[2] / heads;
    const int64_t keys = e->in[POSITIONS]->type.dim[3], columns = e->in[WEIGHT]->type.dim[1];
    c2s_workspace ws = {0};
    const double *x = c2s_workspace_f64(&ws, e->in[QUERY]);
    const double *add = c2s_workspace_f64(&ws, e->in[QUERY_BIAS]);
    const double *positions = c2s_workspace_f64(&ws, e->in[POSITIONS]);
    const double *w = c2s_workspace_f64(&ws, e->in[WEIGHT]);
    const double *b = c2s_workspace_f64(&ws, e->in[BIAS]);
    const double *eco = c2s_workspace_f64(&ws, e->in[ECO]);
    double *y = c2s_workspace_out_f64(&ws, e->out[0]);
    for (int64_t p = 0; ws.status == C2S_OK && p < query->dim[0] * heads * length; p++) {
        const int64_t s = p % length, h = p / length % heads, batch = p / length / heads;
        const double *row = x + ((batch * length + s) * heads + h) * width;
        const double u = gate(row, add + h * width, w, b, width, columns, 0);
        const double r = gate(row, add + h * width, w, b, width, columns, columns / 2);
        for (int64_t k = 0; k < keys; k++)
            y[p * keys + k] = (u * (r * eco[h] - 1) + 2) * positions[(h * length + s) * keys + k];
    }
    return c2s_workspace_end(&ws);
}

static int64_t gated_bias_macs(const c2s_node *node) {
    return c2s_macs_mul(c2s_macs_input(node, QUERY, 0, -1), c2s_macs_input(node, WEIGHT, 1, 2));
}

static const c2s_attr_spec gated_bias_attrs[] = {{"num_heads", C2S_ATTR_INT, true}, {0}};
const c2s_op c2s_op_ms_gated_relative_position_bias = {
    .type = "GatedRelativePositionBias",
    .domain = "com.microsoft",
    .inputs = {6, 7},
    .outputs = {1, 1},
    .quant = C2S_QUANT_SLOTS(FLOAT, C2S_SLOT(0), 1u),
    .attrs = gated_bias_attrs,
    .ties = c2s_ties_pinned,
    .infer = gated_bias_infer,
    .eval = gated_bias_eval,
    .macs = gated_bias_macs,
};
