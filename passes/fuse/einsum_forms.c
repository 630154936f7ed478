/* SPDX-License-Identifier: Apache-2.0
 *
 * Before: Einsum
 * After:  MatMul, where it is one ("bhqd,bhdk->bhqk", "btd,dn->btn"); Transpose ("ijk->kij"); Mul
 *         ("ij,ij->ij"); ReduceSum ("ijk->ik"); x ("ij->ij")
 * Refuses when an operand would have to be transposed first: Einsum does that in one go; and
 * integers of 8 and 16 bits, which the others do not take.
 */
#include "ops/einsum.h"

#include "passes/constants.h"
#include "passes/fuse/fuse.h"
#include "rewrite/builder.h"

typedef enum form { NO_FORM, FORWARD, TRANSPOSE, REDUCE, PRODUCT, MATMUL } form;

static int find_label(const c2s_einsum_term *term, uint8_t label) {
    for (int i = 0; i < term->count; i++)
        if (term->label[i] == label)
            return i;
    return -1;
}

static bool is_distinct(const c2s_einsum_term *term) {
    for (int i = 0; i < term->count; i++)
        if (find_label(term, term->label[i]) != i)
            return false;
    return true;
}

static bool same_labels(const c2s_einsum_term *a, int a_from, const c2s_einsum_term *b, int b_from,
                        int count) {
    for (int i = 0; i < count; i++)
        if (a->label[a_from + i] != b->label[b_from + i])
            return false;
    return true;
}

static form form_of_one(const c2s_einsum *e) {
    const c2s_einsum_term *in = &e->in[0];
    int last = -1;
    bool in_order = true;
    for (int i = 0; i < e->out.count; i++) {
        int at = find_label(in, e->out.label[i]);
        in_order = in_order && at > last;
        last = at;
    }
    if (in_order)
        return e->out.count == in->count ? FORWARD : REDUCE;
    return e->out.count == in->count ? TRANSPOSE : NO_FORM;
}

/* a = batch.. rows.. k, b = batch.. k n, out = batch.. rows.. n; b without batch, or one row axis.
 */
static form form_of_two(const c2s_einsum *e) {
    const c2s_einsum_term *a = &e->in[0], *b = &e->in[1], *out = &e->out;
    if (a->count == b->count && a->count == out->count && same_labels(a, 0, b, 0, a->count) &&
        same_labels(a, 0, out, 0, a->count))
        return PRODUCT;
    if (a->count < 2 || b->count < 2 || out->count != a->count)
        return NO_FORM;
    int batch = b->count - 2;
    uint8_t k = a->label[a->count - 1], n = b->label[b->count - 1];
    bool is_product = b->label[batch] == k && k != n && out->label[out->count - 1] == n &&
                      find_label(out, k) < 0 && find_label(a, n) < 0 &&
                      same_labels(a, 0, out, 0, a->count - 1);
    bool is_stack = batch == 0 || (batch == a->count - 2 && same_labels(a, 0, b, 0, batch));
    return is_product && is_stack ? MATMUL : NO_FORM;
}

/* Every label has the same extent wherever it stands: nothing is broadcast. */
static bool has_plain_extents(const c2s_node *node, const c2s_einsum *e) {
    c2s_dim extent[C2S_EINSUM_LABELS];
    bool seen[C2S_EINSUM_LABELS] = {false};
    for (unsigned k = 0; k < e->operands; k++)
        for (int i = 0; i < e->in[k].count; i++) {
            uint8_t label = e->in[k].label[i];
            c2s_dim dim = node->inputs[k].value->type.dim[i];
            if (seen[label] && extent[label] != dim)
                return false;
            seen[label] = true;
            extent[label] = dim;
        }
    return true;
}

/* A type that MatMul and ReduceSum have, too. */
static bool is_common(const c2s_value *value) {
    c2s_dtype dtype = value->type.dtype;
    return c2s_is_float_value(value) || (c2s_dtype_is_integer(dtype) && c2s_dtype_bits(dtype) >= 32);
}

static form read(const c2s_node *node, c2s_einsum *e, const char **reason) {
    int rank[2];
    const char *equation = c2s_attr_string(node, "equation", NULL);
    *reason = "operands or equation are more than one MatMul, Transpose, Mul or ReduceSum computes";
    if (!equation || node->formal_count < 1 || node->formal_count > 2)
        return NO_FORM;
    for (unsigned k = 0; k < node->formal_count; k++) {
        const c2s_value *value = node->inputs[k].value;
        if (!value || value->type.kind != C2S_KIND_TENSOR || value->type.rank < 0) {
            *reason = "the rank of an operand is not known";
            return NO_FORM;
        }
        if (!is_common(value)) {
            *reason = "MatMul and ReduceSum do not have the type";
            return NO_FORM;
        }
        rank[k] = value->type.rank;
    }
    if (c2s_einsum_parse(equation, rank, node->formal_count, e) != C2S_OK) {
        c2s_error_clear();
        return NO_FORM;
    }
    for (unsigned k = 0; k < e->operands; k++)
        if (!is_distinct(&e->in[k]))
            return NO_FORM;
    if (!has_plain_extents(node, e)) {
        *reason = "extents are not known to be equal";
        return NO_FORM;
    }
    return e->operands == 1 ? form_of_one(e) : form_of_two(e);
}

static const char *refuse(const c2s_match *m) {
    c2s_einsum e;
    const char *reason;
    return read(m->root, &e, &reason) == NO_FORM ? reason : NULL;
}

static c2s_value *build_transpose(c2s_builder *b, const c2s_node *node, const c2s_einsum *e) {
    int64_t perm[C2S_MAX_RANK];
    c2s_value *in[] = {node->inputs[0].value};
    for (int i = 0; i < e->out.count; i++)
        perm[i] = find_label(&e->in[0], e->out.label[i]);
    c2s_node *transpose = c2s_build_start(b, "Transpose", in, 1);
    if (transpose)
        c2s_attr_set_ints(transpose, "perm", perm, (size_t)e->out.count);
    return c2s_build_finish(b, transpose);
}

static c2s_value *build_sum(c2s_builder *b, const c2s_node *node, const c2s_einsum *e) {
    int64_t axes[C2S_MAX_RANK];
    size_t count = 0;
    for (int i = 0; i < e->in[0].count; i++)
        if (find_label(&e->out, e->in[0].label[i]) < 0)
            axes[count++] = i;
    c2s_value *in[] = {node->inputs[0].value, c2s_build_ints(b, "axes", axes, count)};
    c2s_node *sum = c2s_build_start(b, "ReduceSum", in, 2);
    if (sum)
        c2s_attr_set_int(sum, "keepdims", 0);
    return c2s_build_finish(b, sum);
}

static c2s_value *build(c2s_builder *b, const c2s_match *m) {
    c2s_einsum e;
    const char *reason;
    form found = read(m->root, &e, &reason);
    if (found == FORWARD)
        return m->root->inputs[0].value;
    if (found == TRANSPOSE)
        return build_transpose(b, m->root, &e);
    if (found == REDUCE)
        return build_sum(b, m->root, &e);
    c2s_value *in[] = {m->root->inputs[0].value, m->root->inputs[1].value};
    return c2s_build(b, found == PRODUCT ? "Mul" : "MatMul", in, 2);
}

static const c2s_pattern_row rows[] = {{.op = &c2s_op_einsum}};
const c2s_rule c2s_rule_einsum = {
    .name = "einsum",
    .summary = "Einsum -> MatMul, Transpose, Mul or ReduceSum, where it is one of them",
    C2S_ROWS(rows),
    .refuse = refuse,
    .build = build};
