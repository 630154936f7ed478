/* SPDX-License-Identifier: Apache-2.0
 *
 * LinearAttention: attention as a recurrence. Each key head keeps a matrix S that maps keys to
 * values; a step lets it decay, adds the new pair (or corrects what S holds for the key: the delta
 * rule), and reads it with the queries.
 */
#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "ops/attention_core.h"
#include "ops/macs.h"
#include "ops/ties_rules.h"
#include "ops/vector_matrix.h"

enum { QUERY, KEY, VALUE, PAST, DECAY, BETA };

static const c2s_tensor *input(const c2s_eval *e, unsigned slot) {
    return slot < e->in_count ? e->in[slot] : NULL;
}

static c2s_status linear_attention_infer(c2s_infer *i) {
    C2S_TRY(c2s_infer_need(i, 3));
    const c2s_type *q = c2s_infer_type(i, QUERY), *k = c2s_infer_type(i, KEY);
    const c2s_type *v = c2s_infer_type(i, VALUE);
    int64_t q_heads = c2s_attr_int(i->node, "q_num_heads", 0);
    int64_t kv_heads = c2s_attr_int(i->node, "kv_num_heads", 0);
    if (q_heads < 1 || kv_heads < 1 || q_heads % kv_heads != 0)
        return c2s_fail(C2S_ERR_INVALID,
                        "q_num_heads is %" PRId64 ", expected a multiple of "
                        "kv_num_heads, which is %" PRId64,
                        q_heads, kv_heads);
    c2s_dtype state = c2s_infer_has(i, PAST) ? c2s_infer_type(i, PAST)->dtype : q->dtype;
    i->out[0] = c2s_type_tensor(q->dtype, -1, NULL);
    if (i->out_count > 1)
        i->out[1] = c2s_type_tensor(state, -1, NULL);
    if (q->rank != 3 || k->rank != 3 || v->rank != 3)
        return C2S_OK;
    c2s_dim of_key, of_value;
    if (!c2s_dim_divides(i->dims, k->dim[2], kv_heads, &of_key))
        of_key = c2s_dim_fresh(i->dims);
    if (!c2s_dim_divides(i->dims, v->dim[2], kv_heads, &of_value))
        of_value = c2s_dim_fresh(i->dims);
    c2s_dim y[3] = {q->dim[0], q->dim[1], c2s_dim_mul(i->dims, of_value, q_heads)};
    c2s_dim s[4] = {q->dim[0], kv_heads, of_key, of_value};
    i->out[0] = c2s_type_tensor(q->dtype, 3, y);
    if (i->out_count > 1)
        i->out[1] = c2s_type_tensor(state, 4, s);
    return C2S_OK;
}

typedef struct linear {
    c2s_heads q, k, v, y;
    bool gated, delta;
    double scale;
    int64_t decays, betas; /* decay factors per head (1 or key width), betas per position */
    const double *q_at, *k_at, *v_at, *decay, *beta;
    double *y_at, *state; /* state: [batch, heads, key width, value width] */
    double *held;         /* [batch * heads, value width] */
} linear;

static c2s_status read_rule(const c2s_eval *e, linear *l) {
    const char *rule = c2s_attr_string(e->node, "update_rule", "gated_delta");
    l->gated = strncmp(rule, "gated", 5) == 0;
    l->delta = strcmp(rule, "delta") == 0 || strcmp(rule, "gated_delta") == 0;
    if (!l->delta && strcmp(rule, "linear") != 0 && strcmp(rule, "gated") != 0)
        return c2s_fail(C2S_ERR_INVALID,
                        "update_rule is \"%s\", expected linear, gated, delta or gated_delta",
                        rule);
    if (l->gated != (input(e, DECAY) != NULL) || l->delta != (input(e, BETA) != NULL))
        return c2s_fail(C2S_ERR_INVALID, "update_rule %s %s a decay and %s a beta", rule,
                        l->gated ? "needs" : "has no place for",
                        l->delta ? "needs" : "has no place for");
    return C2S_OK;
}

static c2s_status read_linear(const c2s_eval *e, linear *l) {
    int64_t q_heads = c2s_attr_int(e->node, "q_num_heads", 0);
    int64_t kv_heads = c2s_attr_int(e->node, "kv_num_heads", 0);
    for (unsigned k = QUERY; k <= VALUE; k++)
        if (e->in[k]->type.rank != 3)
            return c2s_fail(C2S_ERR_INVALID, "an operand has rank %d, expected 3",
                            e->in[k]->type.rank);
    C2S_TRY(c2s_heads_of(&e->in[QUERY]->type, q_heads, "the query", &l->q));
    C2S_TRY(c2s_heads_of(&e->in[KEY]->type, kv_heads, "the key", &l->k));
    C2S_TRY(c2s_heads_of(&e->in[VALUE]->type, kv_heads, "the value", &l->v));
    C2S_TRY(c2s_attention_check(&l->q, &l->k, &l->v));
    if (l->q.length != l->k.length)
        return c2s_fail(C2S_ERR_INVALID, "there are %" PRId64 " queries and %" PRId64 " keys",
                        l->q.length, l->k.length);
    C2S_TRY(read_rule(e, l));
    l->scale = (double)c2s_attr_float(e->node, "scale", 0.0f);
    if (l->scale == 0.0)
        l->scale = 1.0 / sqrt((double)l->q.width);
    int64_t positions = l->q.batch * l->q.length, heads = l->k.heads;
    const c2s_tensor *decay = input(e, DECAY), *beta = input(e, BETA), *past = input(e, PAST);
    int64_t decays = decay && positions ? (int64_t)decay->count / positions : heads;
    int64_t betas = beta && positions ? (int64_t)beta->count / positions : 1;
    if (decays != heads && decays != heads * l->k.width)
        return c2s_fail(C2S_ERR_INVALID, "the decay has %" PRId64 " elements per position", decays);
    if (betas != 1 && betas != heads)
        return c2s_fail(C2S_ERR_INVALID, "beta has %" PRId64 " elements per position", betas);
    l->decays = decays / heads;
    l->betas = betas;
    if (past && (int64_t)past->count != l->k.batch * heads * l->k.width * l->v.width)
        return c2s_fail(C2S_ERR_INVALID, "the past state has %zu elements", past->count);
    return C2S_OK;
}

/* One position of key head h of batch entry b. */
static void step(const linear *l, int64_t b, int64_t h, int64_t t) {
    int64_t rows = l->k.width, columns = l->v.width, position = b * l->k.length + t;
    double *state = l->state + (b * l->k.heads + h) * rows * columns;
    double *held = l->held + (b * l->k.heads + h) * columns;
    const double *k = l->k_at + c2s_heads_at(&l->k, b, h, t);
    const double *v = l->v_at + c2s_heads_at(&l->v, b, h, t);
    for (int64_t r = 0; l->gated && r < rows; r++) {
        int64_t at = (position * l->k.heads + h) * l->decays + (l->decays > 1 ? r : 0);
        double factor = exp(l->decay[at]);
        for (int64_t c = 0; c < columns; c++)
            state[r * columns + c] *= factor;
    }
    memset(held, 0, (size_t)columns * sizeof *held);
    if (l->delta)
        c2s_vector_matrix(k, rows, state, columns, columns, held);
    double rate = l->delta ? l->beta[position * l->betas + (l->betas > 1 ? h : 0)] : 1.0;
    for (int64_t c = 0; c < columns; c++)
        held[c] = rate * (v[c] - held[c]);
    for (int64_t r = 0; r < rows; r++)
        for (int64_t c = 0; c < columns; c++)
            state[r * columns + c] += k[r] * held[c];
    int64_t group = l->q.heads / l->k.heads;
    for (int64_t g = h * group; g < (h + 1) * group; g++) {
        double *y = l->y_at + c2s_heads_at(&l->y, b, g, t);
        memset(y, 0, (size_t)columns * sizeof *y);
        c2s_vector_matrix(l->q_at + c2s_heads_at(&l->q, b, g, t), rows, state, columns, columns, y);
        for (int64_t c = 0; c < columns; c++)
            y[c] *= l->scale;
    }
}

static c2s_status linear_attention_eval(c2s_eval *e) {
    linear l = {0};
    C2S_TRY(read_linear(e, &l));
    l.y = (c2s_heads){l.q.batch,
                      l.q.heads,
                      l.q.length,
                      l.v.width,
                      l.q.length * l.q.heads * l.v.width,
                      l.v.width,
                      l.q.heads * l.v.width};
    c2s_workspace ws = {0};
    l.q_at = c2s_workspace_f64(&ws, e->in[QUERY]);
    l.k_at = c2s_workspace_f64(&ws, e->in[KEY]);
    l.v_at = c2s_workspace_f64(&ws, e->in[VALUE]);
    l.decay = c2s_workspace_f64(&ws, input(e, DECAY));
    l.beta = c2s_workspace_f64(&ws, input(e, BETA));
    size_t entries = (size_t)(l.k.batch * l.k.heads), size = (size_t)(l.k.width * l.v.width);
    c2s_tensor *present = e->out_count > 1 ? e->out[1] : NULL;
    l.state = present ? c2s_workspace_out_f64(&ws, present)
                      : c2s_workspace_array(&ws, entries, size * sizeof(double));
    l.held = c2s_workspace_array(&ws, entries, (size_t)l.v.width * sizeof(double));
    l.y_at = e->out[0] ? c2s_workspace_out_f64(&ws, e->out[0])
                       : c2s_workspace_array(&ws, (size_t)(l.q.batch * l.q.length),
                                             (size_t)(l.q.heads * l.v.width) * sizeof(double));
    const double *past = c2s_workspace_f64(&ws, input(e, PAST));
    if (ws.status != C2S_OK)
        return c2s_workspace_end(&ws);
    for (size_t i = 0; i < entries * size; i++)
        l.state[i] = past ? past[i] : 0.0;
#pragma omp parallel for schedule(static) if (entries > 1 && size > 64)
    for (size_t n = 0; n < entries; n++)
        for (int64_t t = 0; t < l.k.length; t++)
            step(&l, (int64_t)n / l.k.heads, (int64_t)n % l.k.heads, t);
    return c2s_workspace_end(&ws);
}

/* Per position: the outer product and the readings of every query head; with the delta rule also
 * the reading for the key. */
static int64_t linear_attention_macs(const c2s_node *node) {
    int64_t q_heads = c2s_attr_int(node, "q_num_heads", 1);
    int64_t kv_heads = c2s_attr_int(node, "kv_num_heads", 1), reads = q_heads + kv_heads;
    if (strstr(c2s_attr_string(node, "update_rule", "gated_delta"), "delta"))
        reads += kv_heads;
    int64_t keys = c2s_macs_input(node, KEY, 2, 3), values = c2s_macs_input(node, VALUE, 2, 3);
    if (kv_heads < 1)
        return 0;
    int64_t state = c2s_macs_mul(keys / kv_heads, values / kv_heads);
    return c2s_macs_mul(c2s_macs_mul(c2s_macs_input(node, KEY, 0, 2), state), reads);
}

static const c2s_attr_spec linear_attention_attrs[] = {
    {"chunk_size", C2S_ATTR_INT, false},     {"kv_num_heads", C2S_ATTR_INT, true},
    {"q_num_heads", C2S_ATTR_INT, true},     {"scale", C2S_ATTR_FLOAT, false},
    {"update_rule", C2S_ATTR_STRING, false}, {0},
};

const c2s_op c2s_op_linear_attention = {
    .type = "LinearAttention",
    .domain = "",
    .inputs = {3, 6},
    .outputs = {1, 2},
    .quant = C2S_QUANT_SLOTS(FLOAT, C2S_SLOT(0) | C2S_SLOT(1) | C2S_SLOT(2), 1u),
    .attrs = linear_attention_attrs,
    .ties = c2s_ties_linear_attention,
    .refit = c2s_refit_linear_attention,
    .infer = linear_attention_infer,
    .eval = linear_attention_eval,
    .macs = linear_attention_macs,
};
