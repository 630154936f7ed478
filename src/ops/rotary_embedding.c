/* SPDX-License-Identifier: Apache-2.0
 *
 * RotaryEmbedding: rotates pairs of each head's elements by angles that belong to the position
 * (Su et al., RoFormer, arXiv:2104.09864). Pairs are neighbours (interleaved) or lie half the
 * rotated width apart.
 */
#include <inttypes.h>
#include <string.h>

#include "base/simd.h"
#include "ops/attention_core.h"
#include "ops/ties_rules.h"

enum { X, COS, SIN, POSITIONS };

static c2s_status rotary_infer(c2s_infer *i) {
    C2S_TRY(c2s_infer_need(i, 3));
    i->out[0] = *c2s_infer_type(i, X);
    return C2S_OK;
}

typedef struct rotary {
    c2s_heads x;
    int64_t half; /* pairs that are rotated */
    bool interleaved;
    const double *from, *cosine, *sine;
    const int64_t *positions; /* NULL: the caches are [batch, length, half] */
    int64_t cached;           /* rows of the caches */
} rotary;

static c2s_status check_caches(const c2s_eval *e, rotary *r) {
    const c2s_type *c = &e->in[COS]->type;
    bool by_position = e->in_count > POSITIONS && e->in[POSITIONS];
    int rank = by_position ? 2 : 3;
    if (c->rank != rank || !c2s_type_equal(c, &e->in[SIN]->type))
        return c2s_fail(C2S_ERR_INVALID,
                        "the caches must be two tensors of rank %d and equal shape", rank);
    if (c->dim[rank - 1] != r->half)
        return c2s_fail(C2S_ERR_INVALID, "the caches have %" PRId64 " angles, expected %" PRId64,
                        c->dim[rank - 1], r->half);
    if (!by_position && (c->dim[0] != r->x.batch || c->dim[1] != r->x.length))
        return c2s_fail(C2S_ERR_INVALID,
                        "the caches are for [%" PRId64 ", %" PRId64
                        "] positions, the input has [%" PRId64 ", %" PRId64 "]",
                        c->dim[0], c->dim[1], r->x.batch, r->x.length);
    r->cached = by_position ? c->dim[0] : c->dim[0] * c->dim[1];
    int64_t count = r->x.batch * r->x.length;
    if (by_position && (int64_t)e->in[POSITIONS]->count != count)
        return c2s_fail(C2S_ERR_INVALID, "there are %zu position ids, expected %" PRId64,
                        e->in[POSITIONS]->count, count);
    return C2S_OK;
}

static c2s_status read_rotary(const c2s_eval *e, rotary *r) {
    const c2s_node *n = e->node;
    C2S_TRY(c2s_heads_of(&e->in[X]->type, c2s_attr_int(n, "num_heads", 0), "the input", &r->x));
    int64_t width = c2s_attr_int(n, "rotary_embedding_dim", 0);
    width = width == 0 ? r->x.width : width;
    if (width < 0 || width > r->x.width || width % 2 != 0)
        return c2s_fail(C2S_ERR_INVALID,
                        "%" PRId64 " of %" PRId64
                        " elements are to be rotated, expected an even number",
                        width, r->x.width);
    r->half = width / 2;
    r->interleaved = c2s_attr_int(n, "interleaved", 0) != 0;
    return check_caches(e, r);
}

static void rotate(const rotary *r, int64_t row, const double *from, double *to) {
    memcpy(to, from, (size_t)r->x.width * sizeof *to);
    c2s_attention_rotate(to, r->half, r->interleaved, r->cosine + row * r->half,
                         r->sine + row * r->half);
}

static c2s_status find_row(const rotary *r, int64_t p, int64_t *row) {
    *row = r->positions ? r->positions[p] : p;
    if (*row >= 0 && *row < r->cached)
        return C2S_OK;
    return c2s_fail(C2S_ERR_INVALID,
                    "position id %" PRId64 " is outside of the %" PRId64 " cached ones", *row,
                    r->cached);
}

/* ---- floats as they lie ---- */

C2S_INLINE void rotate_loop(const float *x, size_t half, size_t apart, size_t step,
                            const float *cosine, const float *sine, float *y) {
    for (size_t k = 0; k < half; k++) {
        const double real = x[k * step], imaginary = x[k * step + apart];
        y[k * step] = (float)((double)cosine[k] * real - (double)sine[k] * imaginary);
        y[k * step + apart] = (float)((double)sine[k] * real + (double)cosine[k] * imaginary);
    }
}
C2S_INLINE void rotate_either(const float *x, size_t half, bool interleaved, const float *cosine,
                              const float *sine, float *y) {
    if (interleaved)
        rotate_loop(x, half, 1, 2, cosine, sine, y);
    else
        rotate_loop(x, half, half, 1, cosine, sine, y);
}
C2S_SIMD(rotate_floats, rotate_either,
         (const float *x, size_t half, bool interleaved, const float *cosine, const float *sine,
          float *y),
         (x, half, interleaved, cosine, sine, y))

static c2s_status rotary_floats(const c2s_eval *e, const rotary *r) {
    const float *x = c2s_tensor_data(e->in[X]), *cosine = c2s_tensor_data(e->in[COS]),
                *sine = c2s_tensor_data(e->in[SIN]);
    float *y = c2s_tensor_mutable(e->out[0]);
    const size_t half = (size_t)r->half, rest = (size_t)r->x.width - 2 * half;
    for (int64_t p = 0; p < r->x.batch * r->x.length; p++) {
        int64_t row;
        C2S_TRY(find_row(r, p, &row));
        for (int64_t h = 0; h < r->x.heads; h++) {
            const int64_t at = c2s_heads_at(&r->x, p / r->x.length, h, p % r->x.length);
            rotate_floats(x + at, half, r->interleaved, cosine + row * r->half,
                          sine + row * r->half, y + at);
            if (rest)
                memcpy(y + at + 2 * half, x + at + 2 * half, rest * sizeof *y);
        }
    }
    return C2S_OK;
}

/* ---- any type ---- */

static c2s_status rotary_eval(c2s_eval *e) {
    rotary r = {0};
    C2S_TRY(read_rotary(e, &r));
    c2s_workspace ws = {0};
    if (e->in[X]->type.dtype == C2S_FLOAT && e->in[COS]->type.dtype == C2S_FLOAT) {
        r.positions = c2s_workspace_i64(&ws, e->in_count > POSITIONS ? e->in[POSITIONS] : NULL);
        ws.status = ws.status == C2S_OK ? rotary_floats(e, &r) : ws.status;
        return c2s_workspace_end(&ws);
    }
    r.from = c2s_workspace_f64(&ws, e->in[X]);
    r.cosine = c2s_workspace_f64(&ws, e->in[COS]);
    r.sine = c2s_workspace_f64(&ws, e->in[SIN]);
    r.positions = c2s_workspace_i64(&ws, e->in_count > POSITIONS ? e->in[POSITIONS] : NULL);
    double *y = c2s_workspace_out_f64(&ws, e->out[0]);
    for (int64_t p = 0; ws.status == C2S_OK && p < r.x.batch * r.x.length; p++) {
        int64_t row;
        ws.status = find_row(&r, p, &row);
        if (ws.status != C2S_OK)
            break;
        for (int64_t h = 0; h < r.x.heads; h++) {
            int64_t at = c2s_heads_at(&r.x, p / r.x.length, h, p % r.x.length);
            rotate(&r, row, r.from + at, y + at);
        }
    }
    return c2s_workspace_end(&ws);
}

static const c2s_attr_spec rotary_attrs[] = {
    {"interleaved", C2S_ATTR_INT, false},
    {"num_heads", C2S_ATTR_INT, false},
    {"rotary_embedding_dim", C2S_ATTR_INT, false},
    {0},
};

const c2s_op c2s_op_rotary_embedding = {
    .type = "RotaryEmbedding",
    .domain = "",
    .inputs = {3, 4},
    .outputs = {1, 1},
    .quant = C2S_QUANT_UNARY(FLOAT),
    .attrs = rotary_attrs,
    .ties = c2s_ties_rotary,
    .refit = c2s_refit_rotary,
    .infer = rotary_infer,
    .eval = rotary_eval,
};
