/* SPDX-License-Identifier: Apache-2.0
 *
 * com.microsoft: GroupQueryAttention, with caches of full length or of a window, of floats or
 * quantized.
 */
#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "ir/convert.h"
#include "ops/macs.h"
#include "ops/ms_cached_attention.h"
#include "ops/ties_rules.h"
#include "ops/workspace.h"

enum {
    QUERY,
    KEY,
    VALUE,
    PAST_KEY,
    PAST_VALUE,
    LENGTHS,
    TOTAL,
    COS,
    SIN,
    POSITIONS,
    BIAS,
    SINK,
    K_SCALE,
    V_SCALE,
    Q_NORM,
    K_NORM
};
enum { Y, PRESENT_KEY, PRESENT_VALUE, SCORES };

static const c2s_cached_slots slots = {QUERY, KEY, VALUE, PAST_KEY, PAST_VALUE, COS, SIN};

static const c2s_tensor *input(const c2s_eval *e, unsigned slot) {
    return slot < e->in_count ? e->in[slot] : NULL;
}

/* ---- inference ---- */

static c2s_status group_query_infer(c2s_infer *i) {
    C2S_TRY(c2s_infer_need(i, 1));
    if (!c2s_infer_has(i, LENGTHS) || !c2s_infer_has(i, TOTAL))
        return c2s_fail(C2S_ERR_INVALID, "seqlens_k or total_sequence_length is missing");
    const c2s_type *past = c2s_infer_type(i, PAST_KEY), *q = c2s_infer_type(i, QUERY);
    const c2s_dim *total;
    unsigned count;
    const bool known = c2s_infer_dims(i, TOTAL, &total, &count) && count == 1;
    const c2s_dim sum = known ? total[0] : c2s_dim_fresh(i->dims);
    c2s_dim present = sum;
    if (c2s_attr_int(i->node, "sliding_window_cache", 0) != 0)
        present = past->rank == 4 ? past->dim[2] : sum;
    else if (past->rank == 4)
        present = known ? c2s_dim_max(i->dims, past->dim[2], sum) : sum;
    C2S_TRY(c2s_cached_infer(i, &slots, present));
    if (i->out_count <= SCORES)
        return C2S_OK;
    const c2s_dim dim[4] = {q->rank == 3 ? q->dim[0] : 0, c2s_attr_int(i->node, "num_heads", 0),
                            q->rank == 3 ? q->dim[1] : 0, sum};
    i->out[SCORES] = c2s_type_tensor(q->dtype, q->rank == 3 ? 4 : -1, dim);
    return C2S_OK;
}

/* ---- quantized caches: whole numbers times a scale; two of 4 bits in a byte, 8 above their value,
 * the first in the low half ---- */

typedef struct quantization {
    const double *scale; /* NULL: the cache holds floats */
    size_t scales;       /* one, or one per head and element */
    double most;         /* largest number; 0: the cache holds floats of 8 bits */
    bool packed;
} quantization;

static c2s_status read_quantization(c2s_workspace *ws, const c2s_eval *e,
                                    const c2s_cached_attention *a, const char *kind, unsigned past,
                                    unsigned scale, quantization *q) {
    const char *type = c2s_attr_string(e->node, kind, "NONE");
    const c2s_tensor *cache = input(e, past), *given = input(e, scale);
    const int64_t bits = c2s_attr_int(e->node, "kv_cache_bit_width", 0);
    if (strcmp(type, "NONE") == 0 || !cache)
        return C2S_OK;
    const size_t wanted = strcmp(type, "PER_TENSOR") == 0 ? 1 : (size_t)(a->key_heads * a->width);
    if (!given || given->count != wanted)
        return c2s_fail(C2S_ERR_INVALID, "%s is \"%s\" with %zu scales, expected %zu", kind, type,
                        given ? given->count : 0, wanted);
    q->packed = cache->type.dtype == C2S_UINT8;
    if (q->packed && (bits != 4 || cache->type.dim[3] != (a->width + 1) / 2))
        return c2s_fail(C2S_ERR_UNSUPPORTED,
                        "a cache of uint8 with kv_cache_bit_width %" PRId64 ", expected 4", bits);
    q->most = q->packed ? 7 : cache->type.dtype == C2S_INT8 ? 127 : 0;
    q->scale = c2s_workspace_f64(ws, given);
    q->scales = given->count;
    return ws->status;
}

static double scale_at(const quantization *q, const c2s_cached_attention *a, int64_t head,
                       int64_t element) {
    return q->scale[q->scales == 1 ? 0 : head * a->width + element];
}

/* A cache as numbers; for floats these are its elements. */
static const double *read_cache(c2s_workspace *ws, const c2s_cached_attention *a,
                                const c2s_tensor *cache, const quantization *q) {
    const double *from = c2s_workspace_f64(ws, cache);
    if (!q->scale || ws->status != C2S_OK)
        return from;
    const int64_t rows = a->batch * a->key_heads * a->past_rows;
    double *to = c2s_workspace_array(ws, (size_t)rows, (size_t)a->width * sizeof *to);
    for (int64_t r = 0; to && r < rows; r++)
        for (int64_t d = 0; d < a->width; d++) {
            double x;
            if (q->packed) {
                const int byte = (int)from[r * ((a->width + 1) / 2) + d / 2];
                x = (d % 2 ? byte >> 4 : byte & 15) - 8;
            } else {
                x = from[r * a->width + d];
            }
            to[r * a->width + d] = x * scale_at(q, a, r / a->past_rows % a->key_heads, d);
        }
    return to;
}

static double quantized(const quantization *q, double x, double scale) {
    const double step = x / scale;
    if (q->most == 0)
        return (double)c2s_f8_to_f32(C2S_FLOAT8E4M3FN,
                                     c2s_f32_to_f8(C2S_FLOAT8E4M3FN, (float)step, true));
    return fmin(fmax(nearbyint(step), -q->most - 1), q->most);
}

/* Row `from` of a head of the keys or values as a row of the cache. */
static void write_row(const c2s_cached_attention *a, const quantization *q, int64_t head,
                      const double *from, double *to) {
    if (!q->scale) {
        memcpy(to, from, (size_t)a->width * sizeof *to);
        return;
    }
    for (int64_t d = 0; d < a->width; d++) {
        const double x = quantized(q, from[d], scale_at(q, a, head, d));
        if (!q->packed)
            to[d] = x;
        else if (d % 2)
            to[d / 2] += 16 * (x + 8);
        else
            to[d / 2] = x + 8;
    }
}

/* What this step adds is used as it will be read back. */
static void round_new(const c2s_cached_attention *a, const quantization *q, double *rows) {
    for (int64_t p = 0; q->scale && p < a->batch * a->key_heads; p++) {
        const int64_t b = p / a->key_heads, first = a->past[b] - a->first[b];
        double *at = rows + (p * a->rows + first) * a->width;
        for (int64_t i = 0; i < a->length * a->width; i++) {
            const double scale = scale_at(q, a, p % a->key_heads, i % a->width);
            at[i] = quantized(q, at[i], scale) * scale;
        }
    }
}

/* ---- scores to probabilities ---- */

typedef struct group_query {
    c2s_cached_attention core;
    quantization of_keys, of_values;
    int64_t window, total;
    bool causal, smooth, sliding;
    double cap;
    int mode; /* of the output of scores: 1 before softmax, 2 after it */
    const double *sink, *bias;
    int64_t bias_batch, bias_head, bias_query; /* strides */
    double *copy;                              /* [batch, heads, length, total] */
} group_query;

static double score(const group_query *g, int64_t batch, int64_t head, int64_t query, int64_t key,
                    double x) {
    const int64_t now = g->core.past[batch] + query;
    if (key >= g->core.total[batch] || (g->causal && key > now) ||
        (g->window >= 0 && now - key >= g->window))
        return -INFINITY;
    if (g->cap > 0)
        x = g->cap * tanh(x / g->cap);
    if (g->bias)
        x += g->bias[batch * g->bias_batch + head * g->bias_head + query * g->bias_query + key];
    return x;
}

static void finish(const void *context, int64_t batch, int64_t head, int64_t query,
                   double *scores) {
    const group_query *g = context;
    const c2s_cached_attention *a = &g->core;
    const int64_t rows = c2s_cached_rows(a, batch), first = a->first[batch];
    const bool sunk = g->smooth || g->sink;
    double most = sunk ? (g->sink ? g->sink[head] : 0.0) : -INFINITY, sum;
    double *copy =
        g->copy ? g->copy + ((batch * a->heads + head) * a->length + query) * g->total : NULL;
    const double sink = most;
    for (int64_t j = 0; j < a->rows; j++) {
        scores[j] = j < rows ? score(g, batch, head, query, first + j, scores[j]) : -INFINITY;
        most = scores[j] > most || isnan(scores[j]) ? scores[j] : most;
    }
    for (int64_t j = 0; copy && g->mode == 1 && j < rows && first + j < g->total; j++)
        copy[first + j] = scores[j] == -INFINITY ? 0.0 : scores[j];
    sum = sunk ? exp(sink - most) : 0.0;
    for (int64_t j = 0; j < a->rows; j++) {
        scores[j] = most == -INFINITY ? 0.0 : exp(scores[j] - most);
        sum += scores[j];
    }
    for (int64_t j = 0; j < a->rows && sum > 0.0; j++)
        scores[j] /= sum;
    for (int64_t j = 0; copy && g->mode != 1 && j < rows && first + j < g->total; j++)
        copy[first + j] = scores[j];
}

/* ---- evaluation ---- */

/* Rows that a window cache of `capacity` rows holds after `total` positions. */
static int64_t resident(int64_t total, int64_t capacity, int64_t window) {
    const int64_t group = capacity - window + 1;
    if (total <= capacity)
        return total;
    return total - (total - capacity + group - 1) / group * group;
}

static c2s_status read_options(c2s_workspace *ws, const c2s_eval *e, group_query *g) {
    const c2s_node *n = e->node;
    g->window = c2s_attr_int(n, "local_window_size", -1);
    g->causal = c2s_attr_int(n, "causal", 1) != 0;
    g->smooth = c2s_attr_int(n, "smooth_softmax", 0) > 0;
    g->sliding = c2s_attr_int(n, "sliding_window_cache", 0) != 0;
    g->cap = (double)c2s_attr_float(n, "softcap", 0.0f);
    g->mode = (int)c2s_attr_int(n, "qk_output", 0);
    if (g->window == 0 || (g->sliding && (g->window < 1 || g->core.past_rows < g->window)))
        return c2s_fail(C2S_ERR_INVALID,
                        "local_window_size is %" PRId64 " with %" PRId64 " rows of cache",
                        g->window, g->core.past_rows);
    const c2s_tensor *sink = input(e, SINK), *total = input(e, TOTAL);
    if (sink && (int64_t)sink->count != g->core.heads)
        return c2s_fail(C2S_ERR_INVALID, "head_sink has %zu elements, expected %" PRId64,
                        sink->count, g->core.heads);
    g->sink = c2s_workspace_f64(ws, sink);
    if (total->count != 1 || !c2s_tensor_i64_at(total, 0, &g->total) || g->total < 0)
        return c2s_fail(C2S_ERR_INVALID, "total_sequence_length must be one number");
    return ws->status;
}

static c2s_status open_bias(c2s_workspace *ws, const c2s_eval *e, group_query *g) {
    const c2s_tensor *bias = input(e, BIAS);
    const c2s_cached_attention *a = &g->core;
    if (!bias)
        return C2S_OK;
    const int64_t *d = bias->type.dim;
    if (bias->type.rank != 4 || (d[0] != 1 && d[0] != a->batch) ||
        (d[1] != 1 && d[1] != a->heads) || d[2] != a->length || d[3] < g->total)
        return c2s_fail(C2S_ERR_INVALID,
                        "attention_bias must be [1 or %" PRId64 ", 1 or %" PRId64 ", %" PRId64
                        ", %" PRId64 "]",
                        a->batch, a->heads, a->length, g->total);
    g->bias = c2s_workspace_f64(ws, bias);
    g->bias_query = d[3];
    g->bias_head = d[1] > 1 ? d[2] * d[3] : 0;
    g->bias_batch = d[0] > 1 ? d[1] * d[2] * d[3] : 0;
    return ws->status;
}

/* Positions before this step, and how many rows of the cache hold them. */
static c2s_status read_lengths(c2s_workspace *ws, const c2s_eval *e, group_query *g,
                               int64_t *kept) {
    c2s_cached_attention *a = &g->core;
    const c2s_tensor *lengths = input(e, LENGTHS);
    if ((int64_t)lengths->count != a->batch)
        return c2s_fail(C2S_ERR_INVALID, "seqlens_k has %zu elements, expected %" PRId64,
                        lengths->count, a->batch);
    const int64_t *last = c2s_workspace_i64(ws, lengths);
    int64_t *total = c2s_workspace_array(ws, (size_t)a->batch, sizeof *total);
    const bool prompt = a->length == g->total;
    for (int64_t b = 0; ws->status == C2S_OK && b < a->batch; b++) {
        const int64_t sum = last[b] < INT32_MAX ? last[b] + 1 : -1;
        const int64_t past = prompt ? 0 : sum - a->length;
        kept[b] = g->sliding ? (past >= 0 ? resident(past, a->past_rows, g->window) : -1) : past;
        if (sum < 1 || sum > g->total || kept[b] < 0 || kept[b] > a->past_rows)
            return c2s_fail(C2S_ERR_INVALID,
                            "seqlens_k has the element %" PRId64 " with %" PRId64
                            " new positions, %" PRId64 " in all and %" PRId64 " cached",
                            last[b], a->length, g->total, a->past_rows);
        total[b] = sum;
        a->past[b] = past;
        a->first[b] = past - kept[b];
    }
    a->total = total;
    return ws->status;
}

/* Root mean square normalisation of every head. */
static c2s_status normalise_heads(c2s_workspace *ws, const c2s_eval *e,
                                  const c2s_cached_attention *a, unsigned slot, double *x,
                                  int64_t rows) {
    const c2s_tensor *weight = input(e, slot);
    const double epsilon = (double)c2s_attr_float(e->node, "qk_norm_epsilon", 1e-6f);
    if (!weight)
        return C2S_OK;
    if ((int64_t)weight->count != a->width)
        return c2s_fail(C2S_ERR_INVALID, "a weight has %zu elements, expected %" PRId64,
                        weight->count, a->width);
    const double *w = c2s_workspace_f64(ws, weight);
    for (int64_t r = 0; w && r < rows; r++, x += a->width) {
        double sum = 0;
        for (int64_t d = 0; d < a->width; d++)
            sum += x[d] * x[d];
        const double inverse = 1 / sqrt(sum / (double)a->width + epsilon);
        for (int64_t d = 0; d < a->width; d++)
            x[d] *= inverse * w[d];
    }
    return ws->status;
}

/* The new keys are behind the kept ones, head by head. */
static c2s_status normalise_queries_and_keys(c2s_workspace *ws, const c2s_eval *e,
                                             const c2s_cached_attention *a) {
    C2S_TRY(normalise_heads(ws, e, a, Q_NORM, a->q, a->batch * a->heads * a->length));
    for (int64_t p = 0; input(e, K_NORM) && p < a->batch * a->key_heads; p++) {
        const int64_t b = p / a->key_heads;
        C2S_TRY(normalise_heads(ws, e, a, K_NORM,
                                a->k + (p * a->rows + a->past[b] - a->first[b]) * a->width,
                                a->length));
    }
    return C2S_OK;
}

static void write_cache(c2s_workspace *ws, const c2s_eval *e, const group_query *g, unsigned slot,
                        const quantization *q, const double *rows) {
    if (e->out_count <= slot || !e->out[slot])
        return;
    const c2s_cached_attention *a = &g->core;
    const c2s_type *t = &e->out[slot]->type;
    double *to = c2s_workspace_out_f64(ws, e->out[slot]);
    if (!to)
        return;
    memset(to, 0, e->out[slot]->count * sizeof *to);
    for (int64_t p = 0; p < a->batch * a->key_heads; p++) {
        const int64_t b = p / a->key_heads, have = c2s_cached_rows(a, b);
        int64_t from = 0;
        if (g->sliding)
            from = have - resident(a->total[b], t->dim[2], g->window);
        for (int64_t r = from < 0 ? 0 : from; r < have && r - from < t->dim[2]; r++)
            write_row(a, q, p % a->key_heads, rows + (p * a->rows + r) * a->width,
                      to + (p * t->dim[2] + r - from) * t->dim[3]);
    }
}

static c2s_status prepare(c2s_workspace *ws, const c2s_eval *e, group_query *g) {
    c2s_cached_attention *a = &g->core;
    C2S_TRY(c2s_cached_open(e, &slots, a));
    C2S_TRY(read_options(ws, e, g));
    C2S_TRY(open_bias(ws, e, g));
    C2S_TRY(read_quantization(ws, e, a, "k_quant_type", PAST_KEY, K_SCALE, &g->of_keys));
    C2S_TRY(read_quantization(ws, e, a, "v_quant_type", PAST_VALUE, V_SCALE, &g->of_values));
    a->past = c2s_workspace_array(ws, (size_t)a->batch, sizeof *a->past);
    a->first = c2s_workspace_array(ws, (size_t)a->batch, sizeof *a->first);
    int64_t *kept = c2s_workspace_array(ws, (size_t)a->batch, sizeof *kept);
    C2S_TRY(ws->status);
    C2S_TRY(read_lengths(ws, e, g, kept));
    const double *keys = read_cache(ws, a, input(e, PAST_KEY), &g->of_keys);
    const double *values = read_cache(ws, a, input(e, PAST_VALUE), &g->of_values);
    C2S_TRY(c2s_cached_gather(ws, e, a, keys, values, kept));
    C2S_TRY(normalise_queries_and_keys(ws, e, a));
    if (c2s_attr_int(e->node, "do_rotary", 0) == 0)
        return C2S_OK;
    const c2s_tensor *positions = input(e, POSITIONS);
    if (positions && (int64_t)positions->count != a->batch * a->length)
        return c2s_fail(C2S_ERR_INVALID, "there are %zu position ids, expected %" PRId64,
                        positions->count, a->batch * a->length);
    return c2s_cached_rotate(ws, e, a, c2s_attr_int(e->node, "rotary_interleaved", 0) != 0,
                             c2s_workspace_i64(ws, positions));
}

static c2s_status group_query_eval(c2s_eval *e) {
    group_query g = {0};
    c2s_workspace ws = {0};
    ws.status = prepare(&ws, e, &g);
    if (ws.status != C2S_OK)
        return c2s_workspace_end(&ws);
    round_new(&g.core, &g.of_keys, g.core.k);
    round_new(&g.core, &g.of_values, g.core.v);
    if (e->out_count > SCORES && e->out[SCORES]) {
        g.copy = c2s_workspace_out_f64(&ws, e->out[SCORES]);
        if (g.copy)
            memset(g.copy, 0, e->out[SCORES]->count * sizeof *g.copy);
    }
    const double scale = (double)c2s_attr_float(e->node, "scale", 0.0f);
    c2s_cached_attend(&ws, &g.core, scale != 0 ? scale : 1 / sqrt((double)g.core.width), finish, &g,
                      c2s_workspace_out_f64(&ws, e->out[Y]));
    if (ws.status == C2S_OK) {
        write_cache(&ws, e, &g, PRESENT_KEY, &g.of_keys, g.core.k);
        write_cache(&ws, e, &g, PRESENT_VALUE, &g.of_values, g.core.v);
    }
    return c2s_workspace_end(&ws);
}

/* Every element of the queries meets every key, and so many elements come out of the values. */
static int64_t group_query_macs(const c2s_node *node) {
    const c2s_value *present = c2s_node_out(node, PRESENT_KEY);
    const int64_t keys = present ? c2s_macs_extents(&present->type, 2, 3) : 1;
    return c2s_macs_mul(c2s_macs_mul(2, keys), c2s_macs_output(node, Y, 0, -1));
}

static const c2s_attr_spec group_query_attrs[] = {
    {"causal", C2S_ATTR_INT, false},          {"do_rotary", C2S_ATTR_INT, false},
    {"k_quant_type", C2S_ATTR_STRING, false}, {"kv_cache_bit_width", C2S_ATTR_INT, false},
    {"kv_num_heads", C2S_ATTR_INT, true},     {"local_window_size", C2S_ATTR_INT, false},
    {"num_heads", C2S_ATTR_INT, true},        {"qk_norm_epsilon", C2S_ATTR_FLOAT, false},
    {"qk_output", C2S_ATTR_INT, false},       {"rotary_interleaved", C2S_ATTR_INT, false},
    {"scale", C2S_ATTR_FLOAT, false},         {"sliding_window_cache", C2S_ATTR_INT, false},
    {"smooth_softmax", C2S_ATTR_INT, false},  {"softcap", C2S_ATTR_FLOAT, false},
    {"v_quant_type", C2S_ATTR_STRING, false}, {0},
};
const c2s_op c2s_op_ms_group_query_attention = {
    .type = "GroupQueryAttention",
    .domain = "com.microsoft",
    .inputs = {1, 16}, /* keys, values and their past may be left out */
    .outputs = {1, 4},
    .quant = C2S_QUANT_SLOTS(FLOAT, C2S_SLOT(0) | C2S_SLOT(1) | C2S_SLOT(2), 1u),
    .attrs = group_query_attrs,
    .ties = c2s_ties_group_query,
    .refit = c2s_refit_group_query,
    .infer = group_query_infer,
    .eval = group_query_eval,
    .macs = group_query_macs,
};
