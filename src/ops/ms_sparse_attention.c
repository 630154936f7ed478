/* SPDX-License-Identifier: Apache-2.0
 *
 * com.microsoft SparseAttention: causal attention over caches in which a query sees the blocks of
 * keys that its layout lists, in rows of blocks with the columns of each (CSR).
 */
#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "ops/infer_tensor.h"
#include "ops/macs.h"
#include "ops/ms_cached_attention.h"
#include "ops/workspace.h"

enum { QUERY, KEY, VALUE, PAST_KEY, PAST_VALUE, ROWS, COLUMNS, TOTAL, LENGTHS, COSINE, SINE };

static const c2s_cached_slots slots = {QUERY, KEY, VALUE, PAST_KEY, PAST_VALUE, COSINE, SINE};

static c2s_status sparse_attention_infer(c2s_infer *i) {
    for (unsigned k = 0; k <= LENGTHS; k++)
        if (!c2s_infer_has(i, k) && k != KEY && k != VALUE)
            return c2s_fail(C2S_ERR_INVALID, "input %u is missing", k);
    const c2s_type *past = c2s_infer_type(i, PAST_KEY);
    return c2s_cached_infer(i, &slots, past->rank == 4 ? past->dim[2] : c2s_dim_fresh(i->dims));
}

typedef struct sparse {
    c2s_cached_attention core;
    const int64_t *row, *column; /* [layouts, rows], [layouts, columns] */
    int64_t layouts, rows, columns, block;
} sparse;

/* The blocks of keys that a query does not list, and keys behind it, get no weight. */
static void finish(const void *context, int64_t batch, int64_t head, int64_t query,
                   double *scores) {
    const sparse *s = context;
    const c2s_cached_attention *a = &s->core;
    const int64_t now = a->past[batch] + query, layout = head % s->layouts;
    const int64_t *row = s->row + layout * s->rows + now / s->block;
    const int64_t *column = s->column + layout * s->columns;
    double most = -INFINITY, sum = 0;
    int64_t at = row[0];
    for (int64_t j = 0; j < a->rows; j++) {
        while (at < row[1] && column[at] < j / s->block)
            at++;
        if (j > now || j >= a->total[batch] || at >= row[1] || column[at] != j / s->block)
            scores[j] = -INFINITY;
        most = scores[j] > most || isnan(scores[j]) ? scores[j] : most;
    }
    for (int64_t j = 0; j < a->rows; j++) {
        scores[j] = most == -INFINITY ? 0.0 : exp(scores[j] - most);
        sum += scores[j];
    }
    for (int64_t j = 0; j < a->rows && sum > 0.0; j++)
        scores[j] /= sum;
}

/* Columns ascend within a row of blocks, rows lie within the columns. */
static c2s_status open_layouts(c2s_workspace *ws, const c2s_eval *e, sparse *s) {
    const c2s_type *row = &e->in[ROWS]->type, *column = &e->in[COLUMNS]->type;
    s->block = c2s_attr_int(e->node, "sparse_block_size", 0);
    if (s->block < 1 || row->rank != 2 || column->rank != 2 || row->dim[0] != column->dim[0] ||
        row->dim[0] < 1 || row->dim[1] < 2 || s->core.heads % row->dim[0] != 0)
        return c2s_fail(C2S_ERR_INVALID,
                        "sparse_block_size is %" PRId64
                        ", the block indices must be [layouts, blocks + 1] and [layouts, entries]",
                        s->block);
    s->layouts = row->dim[0];
    s->rows = row->dim[1];
    s->columns = column->dim[1];
    s->row = c2s_workspace_i64(ws, e->in[ROWS]);
    s->column = c2s_workspace_i64(ws, e->in[COLUMNS]);
    for (int64_t l = 0; ws->status == C2S_OK && l < s->layouts; l++)
        for (int64_t r = 0; r + 1 < s->rows; r++) {
            const int64_t *at = s->row + l * s->rows + r;
            if (at[0] < 0 || at[1] < at[0] || at[1] > s->columns)
                return c2s_fail(C2S_ERR_INVALID,
                                "block row %" PRId64 " has the entries %" PRId64 " to %" PRId64
                                " of %" PRId64,
                                r, at[0], at[1], s->columns);
        }
    return ws->status;
}

static c2s_status read_lengths(c2s_workspace *ws, const c2s_eval *e, sparse *s, int64_t *kept) {
    c2s_cached_attention *a = &s->core;
    int64_t most = 0;
    if ((int64_t)e->in[LENGTHS]->count != a->batch || e->in[TOTAL]->count != 1 ||
        !c2s_tensor_i64_at(e->in[TOTAL], 0, &most))
        return c2s_fail(C2S_ERR_INVALID, "there are %zu lengths, expected %" PRId64,
                        e->in[LENGTHS]->count, a->batch);
    a->total = c2s_workspace_i64(ws, e->in[LENGTHS]);
    for (int64_t b = 0; ws->status == C2S_OK && b < a->batch; b++) {
        const bool prompt = a->length == most;
        const int64_t past = prompt ? 0 : a->total[b] - a->length;
        if (past < 0 || a->total[b] < 1 || a->total[b] > most || past + a->length > a->past_rows ||
            (past + a->length - 1) / s->block >= s->rows - 1)
            return c2s_fail(C2S_ERR_INVALID,
                            "a sequence of %" PRId64 " positions with %" PRId64
                            " new ones in a cache of %" PRId64 " and %" PRId64 " blocks",
                            a->total[b], a->length, a->past_rows, s->rows - 1);
        a->past[b] = kept[b] = past;
        a->first[b] = 0;
    }
    return ws->status;
}

/* The cache with the rows of this step written into it. */
static void write_cache(c2s_workspace *ws, const c2s_eval *e, const c2s_cached_attention *a,
                        unsigned slot, const double *past, const double *rows) {
    double *to = slot < e->out_count ? c2s_workspace_out_f64(ws, e->out[slot]) : NULL;
    if (!to || !past)
        return;
    memcpy(to, past, e->out[slot]->count * sizeof *to);
    for (int64_t p = 0; p < a->batch * a->key_heads; p++)
        memcpy(to + p * a->past_rows * a->width, rows + p * a->rows * a->width,
               (size_t)(c2s_cached_rows(a, p / a->key_heads) * a->width) * sizeof *to);
}

static c2s_status compute(c2s_workspace *ws, const c2s_eval *e) {
    sparse s = {0};
    c2s_cached_attention *a = &s.core;
    C2S_TRY(c2s_cached_open(e, &slots, a));
    C2S_TRY(open_layouts(ws, e, &s));
    if (e->in[PAST_KEY]->type.dim[3] != a->width)
        return c2s_fail(C2S_ERR_INVALID, "the caches must have rows of %" PRId64, a->width);
    a->past = c2s_workspace_array(ws, (size_t)a->batch, sizeof *a->past);
    a->first = c2s_workspace_array(ws, (size_t)a->batch, sizeof *a->first);
    int64_t *kept = c2s_workspace_array(ws, (size_t)a->batch, sizeof *kept);
    C2S_TRY(ws->status);
    C2S_TRY(read_lengths(ws, e, &s, kept));
    const double *keys = c2s_workspace_f64(ws, e->in[PAST_KEY]);
    const double *values = c2s_workspace_f64(ws, e->in[PAST_VALUE]);
    C2S_TRY(c2s_cached_gather(ws, e, a, keys, values, kept));
    if (c2s_attr_int(e->node, "do_rotary", 0) != 0)
        C2S_TRY(
            c2s_cached_rotate(ws, e, a, c2s_attr_int(e->node, "rotary_interleaved", 0) != 0, NULL));
    const double scale = (double)c2s_attr_float(e->node, "scale", 0.0f);
    c2s_cached_attend(ws, a, scale != 0 ? scale : 1 / sqrt((double)a->width), finish, &s,
                      c2s_workspace_out_f64(ws, e->out[0]));
    if (ws->status == C2S_OK) {
        write_cache(ws, e, a, 1, keys, a->k);
        write_cache(ws, e, a, 2, values, a->v);
    }
    return ws->status;
}

static c2s_status sparse_attention_eval(c2s_eval *e) {
    c2s_workspace ws = {0};
    ws.status = compute(&ws, e);
    return c2s_workspace_end(&ws);
}

/* As if every query saw the whole cache. */
static int64_t sparse_attention_macs(const c2s_node *node) {
    return c2s_macs_mul(c2s_macs_mul(2, c2s_macs_input(node, PAST_KEY, 2, 3)),
                        c2s_macs_output(node, 0, 0, -1));
}

static const c2s_attr_spec sparse_attention_attrs[] = {
    {"do_rotary", C2S_ATTR_INT, false},
    {"kv_num_heads", C2S_ATTR_INT, true},
    {"num_heads", C2S_ATTR_INT, true},
    {"rotary_interleaved", C2S_ATTR_INT, false},
    {"scale", C2S_ATTR_FLOAT, false},
    {"sparse_block_size", C2S_ATTR_INT, true},
    {0},
};
const c2s_op c2s_op_ms_sparse_attention = {
    .type = "SparseAttention",
    .domain = "com.microsoft",
    .inputs = {1, 11}, /* keys and values may be left out */
    .outputs = {3, 3},
    .quant = C2S_QUANT_SLOTS(FLOAT, C2S_SLOT(0) | C2S_SLOT(1) | C2S_SLOT(2), 1u),
    .attrs = sparse_attention_attrs,
    .ties = c2s_ties_pinned,
    .infer = sparse_attention_infer,
    .eval = sparse_attention_eval,
    .macs = sparse_attention_macs,
};
