/* SPDX-License-Identifier: Apache-2.0
 *
 * Ties of products of matrices: rows of A and columns of B pass to the result, the inner axis is
 * summed over.
 */
#include "ops/einsum.h"
#include "ops/op.h"
#include "ops/ties_rules.h"

enum { INNER, ROWS, COLUMNS, BATCH }; /* BATCH and on: the leading axes, counted from the last */

/* Input axes that are matrices' own; an operand of rank 1 is a row of A or a column of B. */
typedef struct product {
    unsigned a, b;
    bool turn_a, turn_b;
} product;

static int leading(const c2s_ties *t, unsigned slot) {
    int rank = c2s_ties_rank(t, false, slot);
    return rank > 2 ? rank - 2 : 0;
}

static void tie_product(c2s_ties *t, const product *p) {
    int rank_a = c2s_ties_rank(t, false, p->a), rank_b = c2s_ties_rank(t, false, p->b);
    int rows = p->turn_a ? -1 : -2, columns = p->turn_b ? -2 : -1;
    bool line_a = rank_a == 1, line_b = rank_b == 1;
    int own = (line_a ? 0 : 1) + (line_b ? 0 : 1); /* of the result's axes */
    int inner_a = line_a ? 0 : p->turn_a ? -2 : -1;
    c2s_ties_space(t, C2S_TIE_SUM, c2s_ties_extent(t, false, p->a, inner_a));
    c2s_ties_in(t, INNER, p->a, inner_a, 1);
    c2s_ties_in(t, INNER, p->b, line_b ? 0 : p->turn_b ? -1 : -2, 1);
    c2s_ties_space(t, C2S_TIE_KEEP, line_a ? 0 : c2s_ties_extent(t, false, p->a, rows));
    c2s_ties_space(t, C2S_TIE_KEEP, line_b ? 0 : c2s_ties_extent(t, false, p->b, columns));
    if (!line_a) {
        c2s_ties_in(t, ROWS, p->a, rows, 1);
        c2s_ties_out(t, ROWS, 0, line_b ? -1 : -2, 1);
    }
    if (!line_b) {
        c2s_ties_in(t, COLUMNS, p->b, columns, 1);
        c2s_ties_out(t, COLUMNS, 0, -1, 1);
    }
    for (int k = 0; k < leading(t, p->a) || k < leading(t, p->b); k++) {
        unsigned space = c2s_ties_space(t, C2S_TIE_KEEP, c2s_ties_extent(t, true, 0, -1 - own - k));
        if (!line_a)
            c2s_ties_in(t, space, p->a, -3 - k, 1);
        if (!line_b)
            c2s_ties_in(t, space, p->b, -3 - k, 1);
        c2s_ties_out(t, space, 0, -1 - own - k, 1);
    }
    if (rank_a < 0 || rank_b < 0)
        for (unsigned s = 0; s < t->spaces.count; s++)
            c2s_ties_pin(t, s);
}

/* An operand with one element for each row: [rows], or [batch ..., rows, 1] as A's statistics. */
static void tie_rows(c2s_ties *t, unsigned slot) {
    bool vector = c2s_ties_rank(t, false, slot) == 1;
    c2s_ties_in(t, ROWS, slot, vector ? 0 : -2, 1);
    for (unsigned s = BATCH; s < t->spaces.count && !vector; s++)
        c2s_ties_in(t, s, slot, -3 - (int)(s - BATCH), 1);
}

/* One element for each column: [columns], or [batch ..., 1, columns]. */
static void tie_columns(c2s_ties *t, unsigned slot) {
    c2s_ties_in(t, COLUMNS, slot, -1, 1);
    for (unsigned s = BATCH; s < t->spaces.count; s++)
        c2s_ties_in(t, s, slot, -3 - (int)(s - BATCH), 1);
}

/* What is added to the result by broadcasting. */
static void tie_added(c2s_ties *t, unsigned slot) {
    tie_columns(t, slot);
    c2s_ties_in(t, ROWS, slot, -2, 1);
}

void c2s_ties_matmul(c2s_ties *t) {
    tie_product(t, &(product){.a = 0, .b = 1});
}

void c2s_ties_matmul_integer(c2s_ties *t) {
    enum { A, B, A_ZERO, B_ZERO };
    tie_product(t, &(product){.a = A, .b = B});
    tie_rows(t, A_ZERO);
    tie_columns(t, B_ZERO);
}

void c2s_ties_qlinear_matmul(c2s_ties *t) {
    enum { A, A_SCALE, A_ZERO, B, B_SCALE, B_ZERO, Y_SCALE, Y_ZERO };
    tie_product(t, &(product){.a = A, .b = B});
    tie_rows(t, A_SCALE);
    tie_rows(t, A_ZERO);
    tie_columns(t, B_SCALE);
    tie_columns(t, B_ZERO);
    tie_rows(t, Y_SCALE);
    tie_rows(t, Y_ZERO);
}

void c2s_ties_fused_matmul(c2s_ties *t) {
    bool moved = c2s_attr_int(t->node, "transBatchA", 0) || c2s_attr_int(t->node, "transBatchB", 0);
    if (!moved)
        tie_product(t, &(product){.a = 0,
                                  .b = 1,
                                  .turn_a = c2s_attr_int(t->node, "transA", 0) != 0,
                                  .turn_b = c2s_attr_int(t->node, "transB", 0) != 0});
}

void c2s_ties_integer_to_float(c2s_ties *t) {
    enum { A, B, A_SCALE, B_SCALE, A_ZERO, B_ZERO, BIAS };
    tie_product(t, &(product){.a = A, .b = B});
    tie_added(t, A_SCALE);
    tie_added(t, B_SCALE);
    tie_rows(t, A_ZERO);
    tie_columns(t, B_ZERO);
    tie_added(t, BIAS);
}

/* A is quantized by its range, in which each row takes part; 0 belongs to every range. */
void c2s_ties_dynamic_matmul(c2s_ties *t) {
    enum { A, B, B_SCALE, B_ZERO, BIAS };
    tie_product(t, &(product){.a = A, .b = B});
    tie_columns(t, B_SCALE);
    tie_columns(t, B_ZERO);
    tie_added(t, BIAS);
    for (unsigned s = ROWS; s < t->spaces.count; s++)
        if (s != COLUMNS)
            t->spaces.at[s].role = C2S_TIE_MIX;
}

static void tie_gemm(c2s_ties *t, unsigned a, unsigned b, unsigned added) {
    tie_product(t, &(product){.a = a,
                              .b = b,
                              .turn_a = c2s_attr_int(t->node, "transA", 0) != 0,
                              .turn_b = c2s_attr_int(t->node, "transB", 0) != 0});
    tie_added(t, added);
}

void c2s_ties_gemm(c2s_ties *t) {
    tie_gemm(t, 0, 1, 2);
}

void c2s_ties_qgemm(c2s_ties *t) {
    enum { A, A_SCALE, A_ZERO, B, B_SCALE, B_ZERO, C };
    tie_gemm(t, A, B, C);
    tie_columns(t, B_SCALE);
    tie_columns(t, B_ZERO);
}

/* ---- MatMulNBits: A [..., blocks * block_size], B [N, blocks, bytes] ---- */

void c2s_ties_matmul_nbits(c2s_ties *t) {
    enum { A, B, SCALES, ZEROS, ORDER, BIAS };
    int64_t size = c2s_attr_int(t->node, "block_size", 0), k = c2s_attr_int(t->node, "K", 0);
    int64_t columns = c2s_attr_int(t->node, "N", 0);
    size = size > 0 && size <= INT32_MAX && k <= INT32_MAX ? size : 0;
    const c2s_value *zeros = c2s_node_in(t->node, ZEROS);
    bool packed = zeros && zeros->type.dtype == C2S_UINT8 && c2s_attr_int(t->node, "bits", 4) != 8;
    bool whole = size > 0 && k > 0 && k % size == 0 && !c2s_node_in(t->node, ORDER);
    int64_t blocks = size > 0 ? (k + size - 1) / size : 0;
    c2s_ties_space(t, C2S_TIE_SUM, whole && !packed ? blocks : 0);
    c2s_ties_in(t, INNER, A, -1, size);
    c2s_ties_in(t, INNER, B, 1, 1);
    c2s_ties_space(t, C2S_TIE_KEEP, 0);
    c2s_ties_space(t, C2S_TIE_KEEP, columns);
    c2s_ties_in(t, COLUMNS, B, 0, 1);
    c2s_ties_in(t, COLUMNS, BIAS, 0, 1);
    c2s_ties_out(t, COLUMNS, 0, -1, 1);
    for (unsigned slot = SCALES; slot <= ZEROS; slot++) {
        bool flat = c2s_ties_rank(t, false, slot) == 1;
        int64_t row = slot == ZEROS && packed ? (blocks + 1) / 2 : blocks;
        c2s_ties_in(t, COLUMNS, slot, 0, flat ? row : 1);
        if (slot == SCALES || !packed)
            c2s_ties_in(t, INNER, slot, flat ? 0 : 1, 1);
    }
    for (int axis = 0; axis < c2s_ties_rank(t, false, A) - 1; axis++)
        c2s_ties_over(t, C2S_TIE_KEEP, A, axis, axis);
}

c2s_status c2s_refit_matmul_nbits(const c2s_refit *r) {
    c2s_refit_attr(r, "K", INNER, c2s_attr_int(r->node, "block_size", 1));
    c2s_refit_attr(r, "N", COLUMNS, 1);
    return C2S_OK;
}

/* ---- Einsum: every label is a space ---- */

void c2s_ties_einsum(c2s_ties *t) {
    enum { MOST = C2S_EINSUM_OPERANDS };
    int rank[MOST];
    c2s_einsum e;
    const char *equation = c2s_attr_string(t->node, "equation", "");
    for (unsigned k = 0; k < t->node->formal_count && k < MOST; k++)
        if ((rank[k] = c2s_ties_rank(t, false, k)) < 0)
            return;
    if (t->node->formal_count > MOST ||
        c2s_einsum_parse(equation, rank, t->node->formal_count, &e) != C2S_OK)
        return;
    for (unsigned label = 0; label < C2S_EINSUM_LABELS; label++) {
        unsigned space = c2s_ties_space(t, C2S_TIE_SUM, 0);
        c2s_tie_space *s = &t->spaces.at[space];
        for (unsigned k = 0; k < e.operands; k++)
            for (int a = 0; a < e.in[k].count; a++)
                if (e.in[k].label[a] == label && c2s_ties_extent(t, false, k, a) > s->extent)
                    s->extent = c2s_ties_extent(t, false, k, a);
        for (int a = 0; a < e.out.count; a++)
            if (e.out.label[a] == label) {
                s->role = C2S_TIE_KEEP;
                c2s_ties_out(t, space, 0, a, 1);
            }
        for (unsigned k = 0; k < e.operands; k++)
            for (int a = 0; a < e.in[k].count; a++)
                if (e.in[k].label[a] == label)
                    c2s_ties_in(t, space, k, a, 1);
    }
}
