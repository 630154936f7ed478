/* SPDX-License-Identifier: Apache-2.0
 *
 * Before: Attention of keys and values that Concat has put behind those of a cache, and which are
 *         the next cache
 * After:  Attention of the new keys and values with that past, whose present is the next cache
 * Refuses when something but outputs of the graph reads them, since Attention itself might depend
 * on that; causal attention and windows, which count from the past; and numbers of keys without
 * padding, which no cache goes with.
 */
#include "passes/recompose/attention_parts.h"

enum { K = 1, V, MASK, PAST_KEY, VALID = 6 };

/* The Concat of a past and a present of [batch, heads, length, width]; else NULL. */
static c2s_node *joins(const c2s_value *value) {
    c2s_node *concat = c2s_maker(value, &c2s_op_concat);
    if (!concat || concat->formal_count != 2 || !c2s_is_float_rank(value, 4))
        return NULL;
    int64_t axis = c2s_attr_int(concat, "axis", 0);
    return axis == 2 || axis == -2 ? concat : NULL;
}

static bool find(c2s_node *root, c2s_match *m) {
    m->node[0] = root;
    m->node_count = 1;
    return joins(c2s_node_in(root, K)) && joins(c2s_node_in(root, V));
}

static bool is_shown_only(const c2s_value *value, const c2s_node *attention) {
    enum { MOST = 8 };
    if (value->use_count > MOST)
        return false;
    c2s_value_each_use(use, value) if (use->user != attention &&
                                       use->user != value->graph->exit) return false;
    return true;
}

static const char *refuse(const c2s_match *m) {
    const c2s_value *k = c2s_node_in(m->root, K), *v = c2s_node_in(m->root, V);
    if (c2s_attr_int(m->root, "is_causal", 0) || c2s_attr_int(m->root, "left_window_size", -1) >= 0 ||
        c2s_attr_int(m->root, "right_window_size", -1) >= 0)
        return "causal attention and windows count from the past";
    if (c2s_node_in(m->root, VALID))
        return "it is told how many keys are no padding, which excludes a cache";
    if (c2s_node_in(m->root, PAST_KEY))
        return "it has a cache already";
    if (!c2s_is_float_rank(c2s_node_in(m->root, 0), 4))
        return "the queries do not have 4 axes";
    const c2s_node *past[] = {joins(k), joins(v)};
    if (c2s_node_in(past[0], 0)->type.dim[2] != c2s_node_in(past[1], 0)->type.dim[2])
        return "the pasts of keys and values are not known to be as long";
    return is_shown_only(k, m->root) && is_shown_only(v, m->root)
               ? NULL
               : "something else reads the keys or values of the cache";
}

static c2s_value *build(c2s_builder *b, const c2s_match *m) {
    c2s_value *k = c2s_node_in(m->root, K), *v = c2s_node_in(m->root, V);
    c2s_value *in[] = {c2s_node_in(m->root, 0),  c2s_node_in(joins(k), 1),
                       c2s_node_in(joins(v), 1), c2s_node_in(m->root, MASK),
                       c2s_node_in(joins(k), 0), c2s_node_in(joins(v), 0)};
    c2s_node *node = c2s_build_like(b, m->root, in, 6);
    if (!node)
        return NULL;
    c2s_value *present[] = {c2s_node_add_output(node, k->name), c2s_node_add_output(node, v->name)};
    c2s_value *y = c2s_build_finish(b, node);
    if (!y)
        return NULL;
    c2s_build_replace(b, k, present[0]);
    c2s_build_replace(b, v, present[1]);
    return y;
}

static const c2s_pattern_row rows[] = {{.op = &c2s_op_attention}};
const c2s_rule c2s_rule_attention_cache = {
    .name = "attention-cache",
    .summary = "Attention of keys and values behind a cache -> Attention with past and present",
    C2S_ROWS(rows),
    .find = find,
    .refuse = refuse,
    .build = build};
