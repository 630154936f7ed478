/* SPDX-License-Identifier: Apache-2.0 */
#include "passes/measure/linear_site.h"

#include <stdlib.h>

#include "base/map.h"
#include "base/memory.h"
#include "base/threads.h"
#include "ir/convert.h"
#include "passes/measure/window_rows.h"

/* Floats of a block, and rows at least and at most. */
enum { BLOCK = 1 << 20, LEAST_ROWS = 256, MOST_ROWS = 4096 };

/* ---- sites ---- */

static const char *matrix_site(const c2s_node *node, c2s_linear_site *s) {
    const c2s_type *w = &s->weight->type;
    const bool gemm = node->op == &c2s_op_gemm;
    const bool by_output = gemm && c2s_attr_int(node, "transB", 0) != 0;
    if (w->rank != 2)
        return "the weight has not two axes";
    s->groups = 1;
    s->k = (size_t)w->dim[by_output ? 1 : 0];
    s->n = (size_t)w->dim[by_output ? 0 : 1];
    s->k_step = by_output ? 1 : s->n;
    s->n_step = by_output ? s->k : 1;
    s->input_by_column = gemm && c2s_attr_int(node, "transA", 0) != 0;
    return NULL;
}

static const char *conv_site(const c2s_node *node, c2s_linear_site *s) {
    const c2s_type *w = &s->weight->type;
    const int64_t groups = c2s_attr_int(node, "group", 1);
    if (w->rank < 3 || groups < 1 || w->dim[0] % groups != 0)
        return "the weight has no channels, or they are no groups";
    if (c2s_window_read(node, false, w->rank - 2, w->dim + 2, &s->window) != C2S_OK)
        return "its window cannot be read";
    s->is_conv = true;
    s->groups = (size_t)groups;
    s->n = (size_t)(w->dim[0] / groups);
    s->k = (size_t)w->dim[1] * (size_t)c2s_window_kernel_size(&s->window);
    s->k_step = 1;
    s->n_step = s->k;
    s->group_step = s->n * s->k;
    return NULL;
}

const char *c2s_linear_site_of(const c2s_node *node, c2s_linear_site *out) {
    const bool conv = node->op == &c2s_op_conv;
    size_t count;
    *out = (c2s_linear_site){
        .node = node, .input = c2s_node_in(node, 0), .weight = c2s_node_in(node, 1)};
    if (!conv && node->op != &c2s_op_matmul && node->op != &c2s_op_gemm)
        return "it is no MatMul, Gemm or Conv";
    if (!out->input || !out->weight || !c2s_type_is_static(&out->weight->type) ||
        !c2s_type_elements(&out->weight->type, &count) || count == 0)
        return "the extents of its weight are not known, or it is empty";
    return conv ? conv_site(node, out) : matrix_site(node, out);
}

bool c2s_node_is_recurrent(const c2s_node *node) {
    return node->op == &c2s_op_lstm || node->op == &c2s_op_gru || node->op == &c2s_op_rnn;
}

/* Its W is [directions, gates * hidden, input]. */
const char *c2s_linear_reader_of(const c2s_node *node, c2s_linear_site *out) {
    const c2s_value *w = c2s_node_in(node, 1), *x = c2s_node_in(node, 0);
    size_t count;
    if (!c2s_node_is_recurrent(node))
        return c2s_linear_site_of(node, out);
    if (!x || !w || w->type.rank != 3 || !c2s_type_is_static(&w->type) ||
        !c2s_type_elements(&w->type, &count) || count == 0)
        return "the extents of its input matrix are not known, or it is empty";
    *out = (c2s_linear_site){.node = node,
                             .input = x,
                             .weight = w,
                             .groups = 1,
                             .k = (size_t)w->type.dim[2],
                             .n = (size_t)(w->type.dim[0] * w->type.dim[1]),
                             .k_step = 1,
                             .n_step = (size_t)w->type.dim[2]};
    return NULL;
}

bool c2s_is_output_vector(const c2s_value *value, size_t n) {
    return value && value->constant && value->constant->type.kind == C2S_KIND_TENSOR &&
           c2s_dtype_is_float(value->constant->type.dtype) && value->constant->count == n &&
           value->type.rank > 0 && value->type.dim[value->type.rank - 1] == (int64_t)n;
}

static bool same_window(const c2s_window *a, const c2s_window *b) {
    if (a->rank != b->rank || a->auto_pad != b->auto_pad)
        return false;
    for (int k = 0; k < a->rank; k++)
        if (a->kernel[k] != b->kernel[k] || a->stride[k] != b->stride[k] ||
            a->dilation[k] != b->dilation[k] || a->pad_begin[k] != b->pad_begin[k] ||
            a->pad_end[k] != b->pad_end[k])
            return false;
    return true;
}

bool c2s_linear_site_shares(const c2s_linear_site *a, const c2s_linear_site *b) {
    return a->input == b->input && a->is_conv == b->is_conv && a->groups == b->groups &&
           a->k == b->k && a->input_by_column == b->input_by_column &&
           (!a->is_conv || same_window(&a->window, &b->window));
}

uint64_t c2s_linear_site_digest(const c2s_linear_site *s) {
    const c2s_window *w = &s->window;
    uint64_t digest = c2s_hash_mix(s->groups, s->k);
    digest = c2s_hash_mix(digest, (uint64_t)s->is_conv * 2 + s->input_by_column);
    if (!s->is_conv)
        return digest;
    digest = c2s_hash_mix(digest, (uint64_t)w->rank * 16 + (uint64_t)w->auto_pad);
    for (int k = 0; k < w->rank; k++) {
        const int64_t axis[] = {w->kernel[k], w->stride[k], w->dilation[k], w->pad_begin[k],
                                w->pad_end[k]};
        digest = c2s_hash_bytes(axis, sizeof axis, digest);
    }
    return digest;
}

/* ---- rows ---- */

/* A tensor whose rows are wanted. */
typedef struct rows {
    const c2s_linear_site *site;
    c2s_linear_taker *take;
    void *user;
    const float *x;
    size_t images, channels, positions; /* of a convolution */
    c2s_window window;                  /* resolved */
} rows;

c2s_samples c2s_linear_outputs(const c2s_linear_site *site, const c2s_linear_block *block,
                               const float *y, size_t positions) {
    const size_t n = site->n;
    if (!site->is_conv)
        return (c2s_samples){y + block->first * n, block->x.rows, n, n, false};
    const size_t channel = (block->image * site->groups + block->group) * n;
    return (c2s_samples){y + channel * positions + block->first, block->x.rows, n, positions, true};
}

static c2s_status matrix_rows(const rows *r, const c2s_tensor *x) {
    const size_t k = r->site->k;
    const int rank = x->type.rank;
    const bool by_column = r->site->input_by_column;
    if (rank < 1 || (by_column && rank != 2) || (size_t)x->type.dim[by_column ? 0 : rank - 1] != k)
        return c2s_fail(C2S_ERR_INVALID, "%s: an input whose rows have not %zu elements",
                        c2s_node_text(r->site->node), k);
    const size_t count = x->count / k;
    for (size_t first = 0; first < count; first += MOST_ROWS) {
        const size_t some = count - first < MOST_ROWS ? count - first : MOST_ROWS;
        const c2s_linear_block block = {
            0,
            0,
            first,
            {r->x + (by_column ? first : first * k), some, k, by_column ? count : k, by_column}};
        C2S_TRY(r->take(r->user, &block));
    }
    return C2S_OK;
}

static void gather_windows(const rows *r, const float *planes, size_t from, size_t to, float *out) {
    const c2s_window *w = &r->window;
    const size_t plane = (size_t)c2s_window_in_size(w), kernel = (size_t)c2s_window_kernel_size(w);
    const bool parallel = r->site->groups == 1 && r->site->k * (to - from) > 65536;
#pragma omp parallel for schedule(static) if (parallel)
    for (size_t k = 0; k < r->site->k; k++)
        c2s_window_gather(w, planes + k / kernel * plane, k % kernel, from, to,
                          out + k * (to - from));
}

static c2s_status group_rows(const rows *r, size_t group, size_t some, float *scratch) {
    const size_t k = r->site->k, plane = (size_t)c2s_window_in_size(&r->window);
    const bool pointwise = c2s_window_is_plane(&r->window);
    const size_t channels = r->channels / r->site->groups;
    for (size_t image = 0; image < r->images; image++) {
        const float *planes = r->x + (image * r->channels + group * channels) * plane;
        for (size_t from = 0, to; from < r->positions; from = to) {
            to = r->positions - from < some ? r->positions : from + some;
            c2s_linear_block block = {group, image, from, {scratch, to - from, k, to - from, true}};
            if (pointwise) {
                block.x.at = planes + from;
                block.x.stride = r->positions;
            } else {
                gather_windows(r, planes, from, to, scratch);
            }
            C2S_TRY(r->take(r->user, &block));
        }
    }
    return C2S_OK;
}

static c2s_status conv_rows(rows *r, const c2s_tensor *x) {
    const c2s_linear_site *s = r->site;
    const c2s_type *t = &x->type, *w = &s->weight->type;
    if (t->rank != w->rank || t->dim[1] != w->dim[1] * (int64_t)s->groups)
        return c2s_fail(C2S_ERR_INVALID, "%s: an input whose channels do not match",
                        c2s_node_text(s->node));
    r->window = s->window;
    C2S_TRY(c2s_window_resolve(&r->window, t->dim + 2));
    r->images = (size_t)t->dim[0];
    r->channels = (size_t)t->dim[1];
    r->positions = (size_t)c2s_window_out_size(&r->window);
    size_t some = BLOCK / s->k;
    some = some < LEAST_ROWS ? LEAST_ROWS : some > MOST_ROWS ? MOST_ROWS : some;
    some = some < r->positions ? some : r->positions;
    const size_t threads = s->groups > 1 ? (size_t)c2s_most_threads() : 1;
    float *scratch;
    size_t block;
    if (!c2s_mul_size(s->k, some, &block))
        return c2s_fail_alloc(s->k, some);
    C2S_TRY(c2s_scratch(block, threads * sizeof *scratch, &scratch));
    c2s_status status = C2S_OK;
#pragma omp parallel for schedule(static) if (threads > 1)
    for (size_t g = 0; g < s->groups; g++) {
        const c2s_status own = group_rows(r, g, some, scratch + block * (size_t)c2s_this_thread());
        if (own != C2S_OK) {
#pragma omp critical
            status = own;
        }
    }
    free(scratch);
    return status == C2S_OK || threads == 1 /* the message is this thread's */
               ? status
               : c2s_fail(status, "%s: its groups could not be taken", c2s_node_text(s->node));
}

c2s_status c2s_linear_rows(const c2s_linear_site *site, const c2s_tensor *x, c2s_linear_taker *take,
                           void *user) {
    rows r = {.site = site, .take = take, .user = user};
    float *converted = NULL;
    if (!c2s_dtype_is_float(x->type.dtype))
        return c2s_fail(C2S_ERR_UNSUPPORTED, "%s: an input of type %s, expected floats",
                        c2s_node_text(site->node), c2s_dtype_name(x->type.dtype));
    if (x->count == 0)
        return C2S_OK;
    r.x = c2s_tensor_data(x);
    if (x->type.dtype != C2S_FLOAT) {
        C2S_TRY(c2s_scratch(x->count, sizeof *converted, &converted));
        c2s_load_f32(x->type.dtype, c2s_tensor_data(x), 0, x->count, converted);
        r.x = converted;
    }
    c2s_status status = site->is_conv ? conv_rows(&r, x) : matrix_rows(&r, x);
    free(converted);
    return status;
}
