/* SPDX-License-Identifier: Apache-2.0
 *
 * Before: Attention of queries, keys and values that Reshape and Transpose by [0, 2, 1, 3] have
 *         split into heads; its result turned back and joined
 * After:  Attention of 3 axes with that many heads, which needs none of them
 */
#include "passes/recompose/attention_parts.h"

enum { Q, K, V };

typedef struct heads {
    c2s_node *attention;
    c2s_value *turned[3]; /* [batch, length, heads, width] */
} heads;

static bool find(c2s_node *root, c2s_match *m) {
    c2s_node *turn = c2s_maker(c2s_node_in(root, 0), &c2s_op_transpose);
    c2s_value *result = turn ? c2s_heads_turned(turn->outputs[0]) : NULL;
    c2s_node *attention = c2s_maker(result, &c2s_op_attention);
    if (!attention || result->use_count != 1)
        return false;
    m->node[0] = turn; /* Attention may have other outputs, which then belong to the new one */
    m->node[1] = root;
    m->node_count = 2;
    return true;
}

static const char *read(const c2s_match *m, heads *h) {
    c2s_dims *dims = m->root->graph->model->dims;
    c2s_value *result = c2s_node_in(m->node[0], 0);
    *h = (heads){.attention = result->def};
    for (unsigned i = Q; i <= V; i++) {
        c2s_value *turned = c2s_heads_turned(c2s_node_in(h->attention, i));
        if (!turned || turned->type.rank != 4)
            return "queries, keys or values do not come from a Transpose by [0, 2, 1, 3]";
        if (!c2s_is_extent(turned->type.dim[2]) || !c2s_is_extent(turned->type.dim[3]))
            return "heads or their width are not known";
        h->turned[i] = turned;
    }
    return c2s_is_joined(dims, &m->root->outputs[0]->type, &m->node[0]->outputs[0]->type)
               ? NULL
               : "the result is not joined again";
}

static const char *refuse(const c2s_match *m) {
    heads h;
    return read(m, &h);
}

static c2s_value *build(c2s_builder *b, const c2s_match *m) {
    enum { MOST_INPUTS = 8 };
    heads h;
    read(m, &h);
    c2s_value *in[MOST_INPUTS] = {NULL};
    unsigned count =
        h.attention->formal_count < MOST_INPUTS ? h.attention->formal_count : MOST_INPUTS;
    for (unsigned i = 0; i < count; i++)
        in[i] = i > V ? c2s_node_in(h.attention, i) : c2s_build_joined(b, h.turned[i]);
    c2s_node *node = c2s_build_like(b, h.attention, in, count);
    if (node) {
        c2s_attr_set_int(node, "q_num_heads", h.turned[Q]->type.dim[2]);
        c2s_attr_set_int(node, "kv_num_heads", h.turned[K]->type.dim[2]);
    }
    for (unsigned i = 1; node && i < h.attention->output_count; i++)
        c2s_node_add_output(node, node->outputs[0]->name);
    c2s_value *y = c2s_build_finish(b, node);
    for (unsigned i = 1; y && i < h.attention->output_count; i++)
        if (h.attention->outputs[i])
            c2s_build_replace(b, h.attention->outputs[i], node->outputs[i]);
    return y;
}

static const c2s_pattern_row rows[] = {{.op = &c2s_op_reshape}};
const c2s_rule c2s_rule_attention_heads = {
    .name = "attention-heads",
    .summary = "Reshape and Transpose to heads around Attention -> Attention of 3 axes",
    C2S_ROWS(rows),
    .find = find,
    .refuse = refuse,
    .build = build};
