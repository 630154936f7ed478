/* SPDX-License-Identifier: Apache-2.0
 *
 * Attention: scaled dot products of queries and keys, cap, bias, softmax, and the mix of values;
 * grouped heads, an internal or external cache, causal and windowed masks.
 */
#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "ops/attention_core.h"
#include "ops/macs.h"
#include "ops/ties_rules.h"

enum { Q, K, V, MASK, PAST_KEY, PAST_VALUE, VALID };
enum { Y, PRESENT_KEY, PRESENT_VALUE, SCORES };

static const c2s_tensor *input(const c2s_eval *e, unsigned slot) {
    return slot < e->in_count ? e->in[slot] : NULL;
}

/* ---- inference ---- */

/* An operand's extents as [batch, heads, length, width]. *known: the rank is. */
static c2s_status split_heads(c2s_infer *i, unsigned slot, const char *heads_attr, bool *known,
                              c2s_dim out[4]) {
    const c2s_type *t = c2s_infer_type(i, slot);
    if (!c2s_type_is_tensor(t) || t->rank < 0) {
        *known = false;
        return C2S_OK;
    }
    if (t->rank == 4) {
        memcpy(out, t->dim, 4 * sizeof *out);
        return C2S_OK;
    }
    int64_t heads = c2s_attr_int(i->node, heads_attr, 0);
    if (t->rank != 3)
        return c2s_fail(C2S_ERR_INVALID, "input %u has rank %d, expected 3 or 4", slot, t->rank);
    if (heads < 1)
        return c2s_fail(C2S_ERR_INVALID, "%s is %" PRId64 ", expected at least 1", heads_attr,
                        heads);
    out[0] = t->dim[0];
    out[1] = heads;
    out[2] = t->dim[1];
    if (c2s_dim_divides(i->dims, t->dim[2], heads, &out[3]))
        return C2S_OK;
    if (c2s_dim_is_known(t->dim[2]))
        return c2s_fail(C2S_ERR_INVALID, "%s is %" PRId64 ", which does not divide %" PRId64,
                        heads_attr, heads, t->dim[2]);
    out[3] = c2s_dim_fresh(i->dims);
    return C2S_OK;
}

static void set_output(c2s_infer *i, unsigned output, unsigned like, c2s_dim a, c2s_dim b,
                       c2s_dim c, c2s_dim d) {
    c2s_dim dim[4] = {a, b, c, d};
    if (output < i->out_count)
        i->out[output] = c2s_type_tensor(c2s_infer_type(i, like)->dtype, 4, dim);
}

static c2s_status attention_infer(c2s_infer *i) {
    static const unsigned like[] = {Q, K, V, Q};
    C2S_TRY(c2s_infer_need(i, 3));
    for (unsigned k = 0; k < i->out_count && k < 4; k++)
        i->out[k] = c2s_type_tensor(c2s_infer_type(i, like[k])->dtype, -1, NULL);
    c2s_dim q[4], k[4], v[4];
    bool known = true;
    C2S_TRY(split_heads(i, Q, "q_num_heads", &known, q));
    C2S_TRY(split_heads(i, K, "kv_num_heads", &known, k));
    C2S_TRY(split_heads(i, V, "kv_num_heads", &known, v));
    if (!known)
        return C2S_OK;
    c2s_dim total = k[2];
    if (c2s_infer_has(i, PAST_KEY)) {
        const c2s_type *past = c2s_infer_type(i, PAST_KEY);
        total =
            past->rank == 4 ? c2s_dim_add(i->dims, total, past->dim[2]) : c2s_dim_fresh(i->dims);
    }
    set_output(i, Y, Q, q[0], q[1], q[2], v[3]);
    if (c2s_infer_type(i, Q)->rank == 3 && i->out_count > 0) {
        c2s_dim dim[3] = {q[0], q[2], c2s_dim_mul(i->dims, q[1], v[3])};
        i->out[Y] = c2s_type_tensor(i->out[Y].dtype, 3, dim);
    }
    set_output(i, PRESENT_KEY, K, k[0], k[1], total, k[3]);
    set_output(i, PRESENT_VALUE, V, v[0], v[1], total, v[3]);
    set_output(i, SCORES, Q, q[0], q[1], q[2], total);
    return C2S_OK;
}

/* ---- evaluation ---- */

typedef struct attention {
    c2s_heads q, k, v, y; /* k and v: with the past in front */
    int64_t past, left, right;
    bool causal;
    double scale, cap;
    int mode;
    c2s_dtype precision;
    const double *q_at, *k_turned, *v_at, *mask; /* mask: 0 or -infinity where it was boolean */
    const int64_t *valid;                        /* keys that are no padding, per batch entry */
    int64_t mask_extent[4], mask_stride[4];
} attention;

/* An operand with its past in front, as [batch, heads, past + length, width]. */
static const double *join_past(c2s_workspace *ws, const c2s_tensor *now, const c2s_tensor *past,
                               const char *what, c2s_heads *h) {
    const double *from = c2s_workspace_f64(ws, now), *before = c2s_workspace_f64(ws, past);
    if (!past || ws->status != C2S_OK)
        return from;
    const int64_t *d = past->type.dim;
    if (past->type.rank != 4 || d[0] != h->batch || d[1] != h->heads || d[3] != h->width) {
        ws->status = c2s_fail(C2S_ERR_INVALID, "the past %s does not fit the present one", what);
        return NULL;
    }
    c2s_heads all = *h;
    all.length += d[2];
    all.of_position = all.width;
    all.of_head = all.length * all.width;
    all.of_batch = all.heads * all.of_head;
    double *joined = c2s_workspace_array(ws, (size_t)(all.batch * all.of_batch), sizeof *joined);
    for (int64_t p = 0; joined && p < h->batch * h->heads; p++) {
        double *to = joined + p * all.of_head;
        memcpy(to, before + p * d[2] * h->width, (size_t)(d[2] * h->width) * sizeof *to);
        to += d[2] * h->width;
        for (int64_t s = 0; s < h->length; s++, to += h->width)
            memcpy(to, from + c2s_heads_at(h, p / h->heads, p % h->heads, s),
                   (size_t)h->width * sizeof *to);
    }
    *h = all;
    return joined;
}

static c2s_status read_attributes(const c2s_eval *e, attention *a) {
    const c2s_node *n = e->node;
    int64_t kv_heads = c2s_attr_int(n, "kv_num_heads", 0);
    C2S_TRY(c2s_heads_of(&e->in[Q]->type, c2s_attr_int(n, "q_num_heads", 0), "Q", &a->q));
    C2S_TRY(c2s_heads_of(&e->in[K]->type, kv_heads, "K", &a->k));
    C2S_TRY(c2s_heads_of(&e->in[V]->type, kv_heads, "V", &a->v));
    C2S_TRY(c2s_attention_check(&a->q, &a->k, &a->v));
    if (!input(e, PAST_KEY) != !input(e, PAST_VALUE))
        return c2s_fail(C2S_ERR_INVALID, "of past_key and past_value only one is given");
    a->past = input(e, PAST_KEY) ? e->in[PAST_KEY]->type.dim[2] : 0;
    a->causal = c2s_attr_int(n, "is_causal", 0) != 0;
    a->left = c2s_attr_int(n, "left_window_size", -1);
    a->right = c2s_attr_int(n, "right_window_size", -1);
    a->cap = (double)c2s_attr_float(n, "softcap", 0.0f);
    a->scale = c2s_attr_has(n, "scale") ? (double)c2s_attr_float(n, "scale", 0.0f)
                                        : 1.0 / sqrt((double)a->q.width);
    a->mode = (int)c2s_attr_int(n, "qk_matmul_output_mode", 0);
    a->precision = (c2s_dtype)c2s_attr_int(n, "softmax_precision", 0);
    if (input(e, VALID) && (int64_t)e->in[VALID]->count != a->q.batch)
        return c2s_fail(C2S_ERR_INVALID, "nonpad_kv_seqlen has %zu elements, expected %" PRId64,
                        e->in[VALID]->count, a->q.batch);
    return C2S_OK;
}

static c2s_status check_valid(const attention *a) {
    for (int64_t b = 0; a->valid && b < a->q.batch; b++)
        if (a->valid[b] < 0 || a->valid[b] > a->k.length)
            return c2s_fail(C2S_ERR_INVALID,
                            "nonpad_kv_seqlen has the element %" PRId64 ", expected 0 to %" PRId64,
                            a->valid[b], a->k.length);
    return C2S_OK;
}

/* The mask's axes seen from the right; its last one may be shorter than the keys. */
static c2s_status open_mask(c2s_workspace *ws, const c2s_tensor *mask, attention *a) {
    if (!mask)
        return C2S_OK;
    int64_t wanted[4] = {a->q.batch, a->q.heads, a->q.length, a->k.length}, stride = 1;
    if (mask->type.rank < 1 || mask->type.rank > 4)
        return c2s_fail(C2S_ERR_INVALID, "the mask has rank %d, expected 1 to 4", mask->type.rank);
    for (int k = 3; k >= 0; k--) {
        int axis = k - 4 + mask->type.rank;
        int64_t extent = axis >= 0 ? mask->type.dim[axis] : 1;
        bool fits = extent == 1 || (k == 3 ? extent <= wanted[k] : extent == wanted[k]);
        if (!fits)
            return c2s_fail(C2S_ERR_INVALID,
                            "axis %d of the mask has the extent %" PRId64
                            ", expected 1 or %" PRId64,
                            axis, extent, wanted[k]);
        a->mask_extent[k] = extent;
        a->mask_stride[k] = extent > 1 ? stride : 0;
        stride *= extent;
    }
    const double *values = c2s_workspace_f64(ws, mask);
    a->mask = values;
    if (mask->type.dtype != C2S_BOOL || ws->status != C2S_OK)
        return ws->status;
    double *bias = c2s_workspace_array(ws, mask->count, sizeof *bias);
    for (size_t i = 0; bias && i < mask->count; i++)
        bias[i] = values[i] != 0.0 ? 0.0 : -INFINITY;
    a->mask = bias;
    return ws->status;
}

/* What is added to the score of query i and key j: -infinity where i may not see j. */
static double bias_at(const attention *a, int64_t batch, int64_t head, int64_t i, int64_t j) {
    int64_t offset = a->past;
    if (a->valid) {
        if (j >= a->valid[batch])
            return -INFINITY;
        offset = a->valid[batch] - a->q.length;
    }
    int64_t ahead = j - (i + offset);
    if ((a->causal && ahead > 0) || (a->left >= 0 && -ahead > a->left) ||
        (a->right >= 0 && ahead > a->right))
        return -INFINITY;
    if (!a->mask)
        return 0.0;
    if (a->mask_extent[3] != 1 && j >= a->mask_extent[3])
        return -INFINITY;
    return a->mask[batch * a->mask_stride[0] + head * a->mask_stride[1] + i * a->mask_stride[2] +
                   j * a->mask_stride[3]];
}

/* Row `r` = (head, query): cap, bias, softmax; `copy` receives what the mode asks for. */
static void finish_row(const attention *a, int64_t batch, int64_t r, double *row, double *copy) {
    int64_t count = a->k.length, head = r / a->q.length, i = r % a->q.length;
    size_t bytes = (size_t)count * sizeof *row;
    if (copy && a->mode == 0)
        memcpy(copy, row, bytes);
    for (int64_t j = 0; j < count && a->cap > 0.0; j++)
        row[j] = a->cap * tanh(row[j] / a->cap);
    if (copy && a->mode == 1)
        memcpy(copy, row, bytes);
    for (int64_t j = 0; j < count; j++) {
        double bias = bias_at(a, batch, head, i, j);
        row[j] = bias == -INFINITY ? bias : row[j] + bias;
    }
    if (copy && a->mode == 2)
        memcpy(copy, row, bytes);
    c2s_attention_round(a->precision, row, count);
    c2s_attention_softmax(row, count);
    if (copy && a->mode == 3)
        memcpy(copy, row, bytes);
}

static void attend(const attention *a, double *scores, double *copy, double *y) {
    int64_t rows = a->q.heads * a->q.length, size = rows * a->k.length;
    for (int64_t b = 0; b < a->q.batch; b++) {
        c2s_attention_scores(&a->q, a->q_at, &a->k, a->k_turned, b, a->scale, scores);
#pragma omp parallel for schedule(static) if (size > 1000)
        for (int64_t r = 0; r < rows; r++)
            finish_row(a, b, r, scores + r * a->k.length,
                       copy ? copy + b * size + r * a->k.length : NULL);
        c2s_attention_mix(&a->v, a->v_at, scores, b, &a->y, y);
    }
}

static void copy_present(c2s_workspace *ws, c2s_tensor *out, const c2s_heads *h, const double *at) {
    double *to = c2s_workspace_out_f64(ws, out);
    for (int64_t p = 0; to && p < h->batch * h->heads; p++)
        for (int64_t s = 0; s < h->length; s++, to += h->width)
            memcpy(to, at + c2s_heads_at(h, p / h->heads, p % h->heads, s),
                   (size_t)h->width * sizeof *to);
}

static c2s_status attention_eval(c2s_eval *e) {
    attention a = {0};
    C2S_TRY(read_attributes(e, &a));
    c2s_workspace ws = {0};
    a.q_at = c2s_workspace_f64(&ws, e->in[Q]);
    const double *k_at = join_past(&ws, e->in[K], input(e, PAST_KEY), "key", &a.k);
    a.v_at = join_past(&ws, e->in[V], input(e, PAST_VALUE), "value", &a.v);
    a.valid = c2s_workspace_i64(&ws, input(e, VALID));
    if (ws.status == C2S_OK)
        ws.status = c2s_attention_check(&a.q, &a.k, &a.v);
    if (ws.status == C2S_OK)
        ws.status = check_valid(&a);
    if (ws.status == C2S_OK)
        ws.status = open_mask(&ws, input(e, MASK), &a);
    if (ws.status != C2S_OK)
        return c2s_workspace_end(&ws);
    a.k_turned = c2s_attention_turn(&ws, &a.k, k_at);
    size_t rows = (size_t)(a.q.heads * a.q.length), columns = (size_t)a.k.length;
    double *scores = c2s_workspace_array(&ws, rows, columns * sizeof *scores);
    double *copy = e->out_count > SCORES ? c2s_workspace_out_f64(&ws, e->out[SCORES]) : NULL;
    double *y = e->out[Y] ? c2s_workspace_out_f64(&ws, e->out[Y])
                          : c2s_workspace_array(&ws, (size_t)a.q.batch,
                                                rows * (size_t)a.v.width * sizeof *y);
    a.y = a.q;
    a.y.width = a.v.width;
    a.y.of_batch = (int64_t)rows * a.v.width;
    a.y.of_head = e->in[Q]->type.rank == 4 ? a.q.length * a.v.width : a.v.width;
    a.y.of_position = e->in[Q]->type.rank == 4 ? a.v.width : a.q.heads * a.v.width;
    if (ws.status == C2S_OK)
        attend(&a, scores, copy, y);
    if (ws.status == C2S_OK && e->out_count > PRESENT_KEY)
        copy_present(&ws, e->out[PRESENT_KEY], &a.k, k_at);
    if (ws.status == C2S_OK && e->out_count > PRESENT_VALUE)
        copy_present(&ws, e->out[PRESENT_VALUE], &a.v, a.v_at);
    return c2s_workspace_end(&ws);
}

/* batch * query heads * queries * keys * (key width + value width): both products. */
static int64_t attention_macs(const c2s_node *node) {
    int64_t queries = c2s_macs_input(node, Q, 0, -1), values = c2s_macs_output(node, Y, 0, -1);
    const c2s_value *k = c2s_node_in(node, K), *past = c2s_node_in(node, PAST_KEY);
    if (!k || k->type.rank < 3)
        return 0;
    int64_t keys = c2s_macs_extents(&k->type, k->type.rank - 2, k->type.rank - 1), sum;
    if (past)
        keys = c2s_add_i64(keys, c2s_macs_extents(&past->type, 2, 3), &keys) ? keys : INT64_MAX;
    return c2s_macs_mul(c2s_add_i64(queries, values, &sum) ? sum : INT64_MAX, keys);
}

static const c2s_attr_spec attention_attrs[] = {
    {"is_causal", C2S_ATTR_INT, false},
    {"kv_num_heads", C2S_ATTR_INT, false},
    {"left_window_size", C2S_ATTR_INT, false},
    {"q_num_heads", C2S_ATTR_INT, false},
    {"qk_matmul_output_mode", C2S_ATTR_INT, false},
    {"right_window_size", C2S_ATTR_INT, false},
    {"scale", C2S_ATTR_FLOAT, false},
    {"softcap", C2S_ATTR_FLOAT, false},
    {"softmax_precision", C2S_ATTR_INT, false},
    {0},
};

const c2s_op c2s_op_attention = {
    .type = "Attention",
    .domain = "",
    .inputs = {3, 7},
    .outputs = {1, 4},
    .quant =
        C2S_QUANT_SLOTS(FLOAT, C2S_SLOT(0) | C2S_SLOT(1) | C2S_SLOT(2) | C2S_SLOT(4) | C2S_SLOT(5),
                        C2S_SLOT(0) | C2S_SLOT(1) | C2S_SLOT(2)),
    .attrs = attention_attrs,
    .ties = c2s_ties_attention,
    .refit = c2s_refit_attention,
    .infer = attention_infer,
    .eval = attention_eval,
    .macs = attention_macs,
};
