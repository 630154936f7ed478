/* SPDX-License-Identifier: Apache-2.0
 *
 * Before: Attention of keys and values whose heads Unsqueeze, Expand and Reshape have repeated
 * After:  Attention of the keys and values as they were: each head serves a group of queries' heads
 */
#include "passes/recompose/attention_parts.h"

enum { K = 1, V, PAST_KEY = 4, INPUTS = 7 };

typedef struct repeated {
    c2s_value *one; /* the heads once, with an axis of extent 1 where they are repeated */
    int axis;       /* of `one`: heads; the next one is that axis */
    bool turned;    /* `one` is to be turned by [0, 2, 1, 3] when that axis is gone */
    int64_t times;
} repeated;

/* The heads lie in axis `axis` of `value`, whose last step joins them with their repetitions. */
static bool read_expand(c2s_value *value, int axis, repeated *r) {
    c2s_node *reshape = c2s_maker(value, &c2s_op_reshape);
    c2s_value *many = reshape ? c2s_node_in(reshape, 0) : NULL;
    c2s_node *expand = c2s_maker(many, &c2s_op_expand);
    c2s_value *one = expand ? c2s_node_in(expand, 0) : NULL;
    if (!one || !c2s_is_float_rank(one, 5) || !c2s_is_float_rank(many, 5) ||
        !c2s_is_float_rank(value, 4) || one->type.dim[axis + 1] != 1)
        return false;
    const c2s_dim *to = many->type.dim;
    for (int i = 0; i < 5; i++)
        if (i != axis + 1 && to[i] != one->type.dim[i])
            return false;
    for (int i = 0; i < 4; i++)
        if (i != axis && value->type.dim[i] != to[i < axis ? i : i + 1])
            return false;
    if (!c2s_is_extent(to[axis]) || !c2s_is_extent(to[axis + 1]) ||
        value->type.dim[axis] != to[axis] * to[axis + 1])
        return false;
    *r = (repeated){.one = one, .axis = axis, .times = to[axis + 1]};
    return true;
}

static bool read_repeated(c2s_value *value, repeated *r) {
    if (value && read_expand(value, 1, r))
        return true;
    c2s_value *turned = value ? c2s_heads_turned(value) : NULL;
    if (!turned || !read_expand(turned, 2, r))
        return false;
    r->turned = true;
    return true;
}

static bool find(c2s_node *root, c2s_match *m) {
    repeated r;
    m->node[0] = root; /* what repeats may go on serving others */
    m->node_count = 1;
    return read_repeated(c2s_node_in(root, K), &r) || read_repeated(c2s_node_in(root, V), &r);
}

static const char *refuse(const c2s_match *m) {
    repeated k, v;
    if (!read_repeated(c2s_node_in(m->root, K), &k) || !read_repeated(c2s_node_in(m->root, V), &v))
        return "of keys and values only one is repeated";
    if (k.times != v.times)
        return "keys and values are not repeated as many times";
    return c2s_node_in(m->root, PAST_KEY) ? "it has a cache, whose heads are others" : NULL;
}

static c2s_value *build_once(c2s_builder *b, c2s_value *value) {
    static const int64_t perm[] = {0, 2, 1, 3};
    repeated r;
    read_repeated(value, &r);
    c2s_dim dim[4];
    for (int i = 0; i < 4; i++)
        dim[i] = r.one->type.dim[i <= r.axis ? i : i + 1];
    const c2s_type type = c2s_type_tensor(r.one->type.dtype, 4, dim);
    c2s_node *def = c2s_maker(r.one, &c2s_op_unsqueeze);
    def = def ? def : c2s_maker(r.one, &c2s_op_reshape);
    c2s_value *once = def ? c2s_node_in(def, 0) : NULL;
    if (!once || !c2s_type_equal(&once->type, &type)) {
        c2s_ints target;
        if (!c2s_reshape_target(r.one, dim, 4, &target)) {
            c2s_build_ok(b,
                         c2s_fail(C2S_ERR_UNSUPPORTED, "the extents of the heads are not known"));
            return NULL;
        }
        c2s_value *in[] = {r.one, c2s_build_ints(b, "shape", target.at, target.count)};
        once = c2s_build(b, "Reshape", in, 2);
    }
    if (!r.turned || !once)
        return once;
    c2s_node *turn = c2s_build_start(b, "Transpose", &once, 1);
    if (turn)
        c2s_attr_set_ints(turn, "perm", perm, 4);
    return c2s_build_finish(b, turn);
}

static c2s_value *build(c2s_builder *b, const c2s_match *m) {
    c2s_value *in[INPUTS] = {NULL};
    unsigned count = m->root->formal_count < INPUTS ? m->root->formal_count : INPUTS;
    for (unsigned i = 0; i < count; i++)
        in[i] = i == K || i == V ? build_once(b, c2s_node_in(m->root, i)) : c2s_node_in(m->root, i);
    if (!in[K] || !in[V])
        return NULL;
    return c2s_build_finish(b, c2s_build_like(b, m->root, in, count));
}

static const c2s_pattern_row rows[] = {{.op = &c2s_op_attention}};
const c2s_rule c2s_rule_attention_groups = {
    .name = "attention-groups",
    .summary =
        "Attention of repeated keys and values -> of each once, for groups of queries' heads",
    C2S_ROWS(rows),
    .find = find,
    .refuse = refuse,
    .build = build};
