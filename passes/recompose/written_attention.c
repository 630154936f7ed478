/* SPDX-License-Identifier: Apache-2.0
 *
 * Before: MatMul(Softmax(scale * MatMul(q, Transpose(k)) [+ mask]), v), with the scale on q, k or
 *         the scores, as product or quotient; or Where(condition, scores, -infinity) for the mask
 * After:  Attention of q, k and v with 4 axes, or 3 and one head; is_causal where the mask hides
 *         the keys behind the query's own place and nothing else
 * Refuses when a query might see no key at all: the written form gives NaN there, Attention zeros;
 * and scales that are not above 0, of which Attention would take the root.
 *
 * Keys that a mask hides are out of both sums if their scores are numbers; what a NaN there does is
 * nothing the standard's text and its runtimes agree on, and not kept.
 */
#include <math.h>

#include "passes/recompose/attention_mask.h"
#include "passes/recompose/attention_parts.h"

typedef struct attention {
    c2s_node *node[C2S_PATTERN_ROWS]; /* users before producers */
    unsigned count;
    c2s_value *q, *k, *v; /* k: as the product has it, a key a column */
    c2s_value *scores;    /* before the mask */
    double scale;
    c2s_value *mask;   /* added, or a condition; NULL: none */
    c2s_value *masked; /* scores after the mask */
    bool is_condition, inverted;
    double hidden;       /* what the condition puts in place of a score */
    c2s_dtype precision; /* of softmax, C2S_UNDEFINED: that of the operands */
} attention;

/* ---- reading ---- */

static c2s_node *take(attention *a, const c2s_value *value, const c2s_op *op) {
    c2s_node *node = c2s_maker(value, op);
    if (node)
        a->node[a->count++] = node;
    return node;
}

/* [scale *] q x k */
static bool read_scores(attention *a, c2s_value *scores) {
    c2s_value *product;
    unsigned before = a->count;
    double scale = 1;
    c2s_unscaled(scores, &product, &scale);
    if (product != scores)
        a->node[a->count++] = scores->def;
    c2s_node *matmul = take(a, product, &c2s_op_matmul);
    if (!matmul) {
        a->count = before;
        return false;
    }
    a->scores = scores;
    c2s_unscaled(c2s_node_in(matmul, 0), &a->q, &scale);
    c2s_unscaled(c2s_node_in(matmul, 1), &a->k, &scale);
    a->scale = scale;
    return true;
}

static bool read_masked(attention *a, c2s_value *masked) {
    c2s_node *node;
    a->masked = masked;
    if (read_scores(a, masked))
        return true;
    if ((node = take(a, masked, &c2s_op_add)) != NULL) {
        for (unsigned i = 0; i < 2; i++) {
            a->mask = c2s_node_in(node, 1 - i);
            if (a->mask && read_scores(a, c2s_node_in(node, i)))
                return true;
        }
        return false;
    }
    if ((node = take(a, masked, &c2s_op_where)) != NULL) {
        a->mask = c2s_node_in(node, 0);
        a->is_condition = true;
        for (unsigned i = 1; i < 3; i++) {
            a->inverted = i == 2;
            if (c2s_constant_scalar(c2s_node_in(node, 3 - i), &a->hidden) &&
                read_scores(a, c2s_node_in(node, i)))
                return true;
        }
    }
    return false;
}

/* Softmax along the last axis; in half precision often between two Casts. */
static bool read_softmax(attention *a, c2s_value *weights) {
    c2s_node *back = take(a, weights, &c2s_op_cast);
    c2s_node *softmax = take(a, back ? c2s_node_in(back, 0) : weights, &c2s_op_softmax);
    c2s_value *in = softmax ? c2s_node_in(softmax, 0) : NULL;
    if (!in || in->type.rank < 3)
        return false;
    int64_t axis = c2s_attr_int(softmax, "axis", -1);
    if (axis != -1 && axis != in->type.rank - 1)
        return false;
    if (!back)
        return read_masked(a, in);
    c2s_node *to = take(a, in, &c2s_op_cast);
    a->precision = in->type.dtype;
    return to && c2s_is_float_value(in) && read_masked(a, c2s_node_in(to, 0));
}

static bool read(c2s_node *root, attention *a) {
    *a = (attention){.node = {root}, .count = 1, .precision = C2S_UNDEFINED};
    c2s_value *weights = c2s_node_in(root, 0);
    a->v = c2s_node_in(root, 1);
    return weights && a->v && read_softmax(a, weights) && a->q && a->k &&
           c2s_is_float_value(a->scores) && a->scores->type.rank >= 3;
}

/* ---- extents ---- */

/* Heads of keys: as many as queries have, or one. */
static bool fits(const c2s_value *q, const c2s_value *kv) {
    if (q->type.dim[0] != kv->type.dim[0])
        return false;
    return q->type.rank == 3 || kv->type.dim[1] == q->type.dim[1] || kv->type.dim[1] == 1;
}

static const char *refuse_extents(const attention *a, const c2s_value *result) {
    int rank = a->q->type.rank;
    if (rank != 3 && rank != 4)
        return "queries have neither 3 nor 4 axes";
    if (!c2s_is_float_rank(a->q, rank) || !c2s_is_float_rank(a->k, rank) ||
        !c2s_is_float_rank(a->v, rank) || !c2s_is_float_rank(result, rank) ||
        a->q->type.dtype == C2S_DOUBLE)
        return "queries, keys and values are no half or single floats of equal rank";
    if (!fits(a->q, a->k) || !fits(a->q, a->v) ||
        (rank == 4 && a->k->type.dim[1] != a->v->type.dim[1]))
        return "batches or heads of queries, keys and values differ, or are not known";
    if (a->k->type.dim[rank - 2] != a->q->type.dim[rank - 1] ||
        a->k->type.dim[rank - 1] != a->v->type.dim[rank - 2])
        return "lengths of queries, keys and values are not known to fit";
    return c2s_same_type(a->scores, a->masked) ? NULL : "the mask makes more of the scores";
}

/* The keys as Attention wants them: *x turned by *perm, of which the last two axes have been
 * swapped; perm->count 0: *x as it is. */
static bool turn_keys(c2s_value *k, c2s_value **x, c2s_ints *perm) {
    c2s_node *transpose = c2s_maker(k, &c2s_op_transpose);
    if (!transpose || !c2s_attr_int_list(transpose, "perm", perm) ||
        (int)perm->count != k->type.rank)
        return false;
    *x = c2s_node_in(transpose, 0);
    unsigned last = perm->count - 1;
    int64_t swap = perm->at[last];
    perm->at[last] = perm->at[last - 1];
    perm->at[last - 1] = swap;
    for (unsigned i = 0; i < perm->count; i++)
        if (perm->at[i] != (int64_t)i)
            return true;
    perm->count = 0;
    return true;
}

/* ---- masks ---- */

static bool is_causal(const attention *a) {
    int rank = a->scores->type.rank;
    c2s_dim queries = a->scores->type.dim[rank - 2], keys = a->scores->type.dim[rank - 1];
    if (!a->mask || queries != keys ||
        (a->is_condition && !c2s_mask_hides(a->hidden, a->q->type.dtype)))
        return false;
    return c2s_mask_is_causal(a->mask, a->inverted, queries, keys);
}

/* ---- finding ---- */

static bool is_known(const attention *a, const c2s_node *node) {
    for (unsigned i = 0; i < a->count; i++)
        if (a->node[i] == node)
            return true;
    return false;
}

/* Exporters cut a causal mask to the extents of the scores themselves: adds what asks for those,
 * which goes with the mask. False if something else depends on it. */
static bool absorb_shapes(attention *a) {
    unsigned core = a->count;
    for (unsigned i = 1; i < a->count; i++)
        c2s_value_each_use(use, a->node[i]->outputs[0]) {
            c2s_node *user = use->user;
            if (is_known(a, user))
                continue;
            if ((i < core && user->op != &c2s_op_shape) || user->output_count != 1 ||
                user == user->graph->exit || a->count == C2S_PATTERN_ROWS)
                return false;
            a->node[a->count++] = user;
        }
    return true;
}

/* Producers before users. */
static void to_match(const attention *a, unsigned core, c2s_match *m) {
    unsigned scores = 0;
    while (a->node[scores] != a->scores->def)
        scores++;
    for (unsigned i = core; i-- > scores;)
        m->node[m->node_count++] = a->node[i];
    for (unsigned i = core; i < a->count; i++)
        m->node[m->node_count++] = a->node[i];
    for (unsigned i = scores; i-- > 0;)
        m->node[m->node_count++] = a->node[i];
}

static bool find(c2s_node *root, c2s_match *m) {
    attention a;
    m->node_count = 0;
    if (!read(root, &a))
        return false;
    unsigned core = a.count;
    if (is_causal(&a) && !absorb_shapes(&a))
        a.count = core;
    to_match(&a, core, m);
    return true;
}

/* ---- refusing ---- */

static const char *refuse_mask(const attention *a) {
    if (!a->mask || is_causal(a))
        return NULL;
    if (a->mask->type.kind != C2S_KIND_TENSOR || a->mask->type.rank < 2)
        return "the mask has fewer than two axes";
    if (a->scores->type.rank == 3 && a->mask->type.rank == 3 && a->mask->type.dim[0] != 1)
        return "the mask has axes for more than queries and keys";
    if (a->is_condition && !c2s_mask_hides(a->hidden, a->q->type.dtype))
        return "what replaces hidden scores is not far enough below";
    if (a->is_condition ? c2s_mask_leaves_one(a->mask) && !a->inverted
                        : c2s_mask_is_finite(a->mask) || c2s_mask_leaves_one(a->mask))
        return NULL;
    return "the mask may hide all keys of a query: NaN as it is written, zeros from Attention";
}

static const char *refuse(const c2s_match *m) {
    attention a;
    c2s_value *x;
    c2s_ints perm;
    read(m->root, &a);
    const char *reason = (float)a.scale > 0 && isfinite((float)a.scale)
                             ? refuse_extents(&a, m->root->outputs[0])
                             : "the scale is not a number above 0";
    if (!reason && !turn_keys(a.k, &x, &perm))
        reason = "the keys are columns as they come: a Transpose would have to be added";
    return reason ? reason : refuse_mask(&a);
}

/* ---- building ---- */

static c2s_value *build_keys(c2s_builder *b, const attention *a) {
    c2s_value *x;
    c2s_ints perm;
    turn_keys(a->k, &x, &perm);
    if (perm.count == 0)
        return x;
    c2s_node *node = c2s_build_start(b, "Transpose", &x, 1);
    if (node)
        c2s_attr_set_ints(node, "perm", perm.at, perm.count);
    return c2s_build_finish(b, node);
}

static c2s_value *build_mask(c2s_builder *b, const attention *a) {
    const c2s_type *type = &a->scores->type;
    return c2s_build_mask(b, a->mask, type->dim[type->rank - 2], type->dim[type->rank - 1]);
}

static c2s_value *build(c2s_builder *b, const c2s_match *m) {
    attention a;
    read(m->root, &a);
    bool causal = is_causal(&a);
    c2s_value *in[] = {a.q, build_keys(b, &a), a.v, a.mask && !causal ? build_mask(b, &a) : NULL};
    c2s_node *node = c2s_build_start(b, "Attention", in, in[3] ? 4 : 3);
    if (!node)
        return NULL;
    c2s_attr_set_float(node, "scale", (float)a.scale);
    if (causal)
        c2s_attr_set_int(node, "is_causal", 1);
    if (a.q->type.rank == 3) {
        c2s_attr_set_int(node, "q_num_heads", 1);
        c2s_attr_set_int(node, "kv_num_heads", 1);
    }
    if (a.precision != C2S_UNDEFINED && a.precision != a.q->type.dtype)
        c2s_attr_set_int(node, "softmax_precision", (int64_t)a.precision);
    return c2s_build_finish(b, node);
}

static const c2s_pattern_row rows[] = {{.op = &c2s_op_matmul}};
const c2s_rule c2s_rule_attention = {
    .name = "attention",
    .summary = "Softmax of scaled products of queries and keys, masked, times values -> Attention",
    C2S_ROWS(rows),
    .opset = 23,
    .find = find,
    .refuse = refuse,
    .build = build};
