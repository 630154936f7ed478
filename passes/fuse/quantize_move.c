/* SPDX-License-Identifier: Apache-2.0
 *
 * Before: DequantizeLinear, operators that only move elements, QuantizeLinear with the same
 *         parameters
 * After:  the movers on the integers
 * Before: an operator on dequantized values, a mover, QuantizeLinear
 * After:  the operator, QuantizeLinear, the mover: what quantizes its result stands next to it
 * Before: DequantizeLinear of a constant, or for a sum of products, then a mover
 * After:  the mover, which folds away if all is constant, then DequantizeLinear
 * Before: DequantizeLinear, then Slice or Gather that picks a part: rows of an embedding
 * After:  that on the integers, then DequantizeLinear of the part
 * Refuses scales per channel, but where Transpose takes the axis along, parameters that differ,
 * and what something else reads, too: it would be moved twice. In the first case int8 codes that a
 * QuantizeLinear makes: ONNX Runtime computes on them only where DequantizeLinear alone reads them,
 * and drops the pairs around movers itself.
 */
#include "passes/fuse/fuse.h"
#include "passes/fuse/quant_params.h"
#include "rewrite/builder.h"

/* Input 0 gives all elements of the result. */
static bool only_moves(const c2s_node *node) {
    const c2s_op *op = node->op;
    return op == &c2s_op_transpose || op == &c2s_op_reshape || op == &c2s_op_flatten ||
           op == &c2s_op_squeeze || op == &c2s_op_unsqueeze || op == &c2s_op_slice ||
           op == &c2s_op_gather;
}

/* And each of them is there once. */
static bool permutes(const c2s_node *node) {
    return only_moves(node) && node->op != &c2s_op_slice && node->op != &c2s_op_gather;
}

/* The node that makes the first operand, in the same graph; else NULL. */
static c2s_node *maker(const c2s_node *node) {
    const c2s_value *value = c2s_node_in(node, 0);
    return value && value->def && value->def->graph == node->graph &&
                   value->def != node->graph->entry
               ? value->def
               : NULL;
}

static c2s_value *move(c2s_builder *b, const c2s_node *mover, c2s_value *x) {
    c2s_value *in[C2S_PATTERN_INPUTS] = {x};
    unsigned count = mover->formal_count < C2S_PATTERN_INPUTS ? mover->formal_count : 1;
    for (unsigned k = 1; k < count; k++)
        in[k] = mover->inputs[k].value;
    return c2s_build_finish(b, c2s_build_like(b, mover, in, count));
}

/* The node with another first operand. */
static c2s_value *convert(c2s_builder *b, const c2s_node *node, c2s_value *x, int64_t axis) {
    c2s_value *in[] = {x, c2s_node_in(node, 1), c2s_node_in(node, 2)};
    c2s_node *built = c2s_build_like(b, node, in, in[2] ? 3 : 2);
    if (built && axis >= 0)
        c2s_attr_set_int(built, "axis", axis);
    return c2s_build_finish(b, built);
}

/* ---- a pair around movers ---- */

/* Movers above the root, the topmost first, then the root; the DequantizeLinear above them may go
 * on serving others. */
static bool find_between(c2s_node *root, c2s_match *m) {
    c2s_node *chain[C2S_PATTERN_ROWS], *node = maker(root);
    unsigned count = 0;
    for (; node && only_moves(node) && count + 1 < C2S_PATTERN_ROWS; node = maker(node))
        chain[count++] = node;
    if (!node || node->op != &c2s_op_dequantize_linear || count == 0)
        return false;
    for (unsigned i = 0; i < count; i++)
        m->node[i] = chain[count - 1 - i];
    m->node[count] = root;
    m->node_count = count + 1;
    return true;
}

static const char *refuse_between(const c2s_match *m) {
    c2s_quant_params from, to;
    const char *reason = c2s_quant_params_read(maker(m->node[0]), &from);
    if (!reason)
        reason = c2s_quant_params_read(m->root, &to);
    if (reason)
        return reason;
    if (!from.per_tensor || !to.per_tensor)
        return "there is a scale per channel";
    const c2s_value *codes = c2s_node_in(maker(m->node[0]), 0);
    if (codes->type.dtype == C2S_INT8 && codes->def && codes->def->op == &c2s_op_quantize_linear)
        return "runtimes make int8 codes uint8 only where DequantizeLinear alone reads them";
    return c2s_quant_params_equal(&from, &to) ? NULL : "scale, zero point or type differ";
}

static c2s_value *build_between(c2s_builder *b, const c2s_match *m) {
    c2s_value *x = c2s_node_in(maker(m->node[0]), 0);
    for (unsigned i = 0; i + 1 < m->node_count; i++)
        x = move(b, m->node[i], x);
    return x;
}

static const c2s_pattern_row quantize[] = {{.op = &c2s_op_quantize_linear}};
const c2s_rule c2s_rule_quantize_moved = {
    .name = "quantize-moved",
    .summary = "DequantizeLinear, operators that move elements, QuantizeLinear with the same "
               "parameters -> they move the integers",
    C2S_ROWS(quantize),
    .find = find_between,
    .refuse = refuse_between,
    .build = build_between};

/* ---- QuantizeLinear upwards ---- */

/* It computes, on something dequantized: with a QuantizeLinear behind it runtimes see a group. */
static bool is_group(const c2s_node *node) {
    if (only_moves(node) || node->op == &c2s_op_dequantize_linear)
        return false;
    for (unsigned k = 0; k < node->formal_count && k < C2S_PATTERN_INPUTS; k++) {
        const c2s_value *value = node->inputs[k].value;
        if (value && value->def && value->def->op == &c2s_op_dequantize_linear)
            return true;
    }
    return false;
}

static bool find_above(c2s_node *root, c2s_match *m) {
    c2s_node *mover = maker(root);
    if (!mover || !permutes(mover) || !maker(mover))
        return false;
    m->node[0] = mover;
    m->node[1] = root;
    m->node_count = 2;
    return true;
}

static const char *refuse_above(const c2s_match *m) {
    const c2s_node *top = m->node[0];
    for (unsigned i = 0; i < C2S_PATTERN_ROWS && top && permutes(top); i++)
        top = c2s_node_in(top, 0)->use_count == 1 ? maker(top) : NULL;
    if (!top || !is_group(top))
        return c2s_no_match;
    c2s_quant_params params;
    const char *reason = c2s_quant_params_read(m->root, &params);
    return reason ? reason : params.per_tensor ? NULL : "there is a scale per channel";
}

static c2s_value *build_above(c2s_builder *b, const c2s_match *m) {
    return move(b, m->node[0], convert(b, m->root, c2s_node_in(m->node[0], 0), -1));
}

const c2s_rule c2s_rule_quantize_before_move = {
    .name = "quantize-before-move",
    .summary = "an operator on dequantized values, Transpose or Reshape, QuantizeLinear -> "
               "QuantizeLinear first",
    C2S_ROWS(quantize),
    .find = find_above,
    .refuse = refuse_above,
    .build = build_above};

/* ---- DequantizeLinear downwards ---- */

static bool is_product(const c2s_op *op) {
    return op == &c2s_op_conv || op == &c2s_op_matmul || op == &c2s_op_gemm;
}

/* What reads the result, behind more movers, is a sum of products. */
static bool feeds_product(const c2s_value *value, unsigned depth) {
    enum { MOST = 8 };
    if (value->use_count == 0 || value->use_count > MOST || depth > MOST)
        return false;
    c2s_value_each_use(use, value) {
        const c2s_node *user = use->user;
        bool product = is_product(user->op) && use->slot < 2;
        bool moved = permutes(user) && use->slot == 0 && value->use_count == 1 &&
                     feeds_product(user->outputs[0], depth + 1);
        if (!product && !moved)
            return false;
    }
    return true;
}

/* The axis of the scales behind the mover; -1: there is one scale. False: it is not taken along. */
static bool axis_behind(const c2s_node *mover, const c2s_quant_params *params, int64_t *axis) {
    *axis = -1;
    if (params->per_tensor)
        return true;
    const c2s_type *x = &c2s_node_in(mover, 0)->type;
    if (params->block != 0 || params->scale->type.rank != 1 || x->rank < 1)
        return false;
    int64_t before = params->axis + (params->axis < 0 ? x->rank : 0);
    if (mover->op == &c2s_op_gather) {
        const c2s_type *indices = &c2s_node_in(mover, 1)->type;
        int64_t along = c2s_attr_int(mover, "axis", 0);
        along += along < 0 ? x->rank : 0;
        *axis = before < along ? before : before + indices->rank - 1;
        return before != along && indices->rank >= 0;
    }
    c2s_ints perm;
    if (mover->op != &c2s_op_transpose || !c2s_attr_int_list(mover, "perm", &perm))
        return false;
    for (unsigned i = 0; i < perm.count; i++)
        if (perm.at[i] == before)
            *axis = i;
    return *axis >= 0;
}

enum { CODES = C2S_LETTER_A, REALS };

static bool all_constant(const c2s_match *m) {
    for (unsigned k = 1; k < m->root->formal_count; k++)
        if (m->root->inputs[k].value && !m->root->inputs[k].value->constant)
            return false;
    return m->value[CODES]->constant && m->root->formal_count <= C2S_PATTERN_INPUTS;
}

/* No more elements come out than go in. */
static bool picks_part(const c2s_match *m) {
    size_t in, out;
    return m->root->op == &c2s_op_slice ||
           (m->root->op == &c2s_op_gather &&
            (m->value[CODES]->constant ||
             (c2s_type_elements(&m->value[CODES]->type, &in) &&
              c2s_type_elements(&m->root->outputs[0]->type, &out) && out <= in)));
}

static const char *refuse_below(const c2s_match *m) {
    bool folds = permutes(m->root) && all_constant(m);
    if (!folds && !picks_part(m) && !(permutes(m->root) && feeds_product(m->root->outputs[0], 0)))
        return c2s_no_match;
    if (folds && m->value[CODES]->use_count > 1)
        return "something else reads the constant, which would be there twice";
    c2s_quant_params params;
    int64_t axis;
    const char *reason = c2s_quant_params_read(m->node[0], &params);
    if (reason)
        return reason;
    return axis_behind(m->root, &params, &axis) ? NULL : "the axis of the scales is lost";
}

static c2s_value *fold(c2s_builder *b, const c2s_match *m) {
    const c2s_tensor *in[C2S_PATTERN_INPUTS] = {m->value[CODES]->constant};
    for (unsigned k = 1; k < m->root->formal_count; k++)
        in[k] = m->root->inputs[k].value ? m->root->inputs[k].value->constant : NULL;
    c2s_tensor *out = NULL;
    if (!c2s_build_ok(b, c2s_node_eval(m->root, in, &out, NULL, 0)))
        return NULL;
    return c2s_build_constant_like(b, m->value[CODES], out);
}

static c2s_value *build_below(c2s_builder *b, const c2s_match *m) {
    c2s_quant_params params;
    int64_t axis = -1;
    if (c2s_quant_params_read(m->node[0], &params) || !axis_behind(m->root, &params, &axis))
        return NULL;
    bool folds = permutes(m->root) && all_constant(m);
    c2s_value *x = folds ? fold(b, m) : move(b, m->root, m->value[CODES]);
    return x ? convert(b, m->node[0], x, axis) : NULL;
}

static const c2s_op *const movers[] = {
    &c2s_op_transpose, &c2s_op_reshape, &c2s_op_flatten, &c2s_op_squeeze,
    &c2s_op_unsqueeze, &c2s_op_slice,   &c2s_op_gather,  NULL};
static const c2s_pattern_row dequantized[] = {
    {.op = &c2s_op_dequantize_linear, .out = REALS, .in = {CODES}},
    {.any_of = movers, .in = {REALS}},
};
const c2s_rule c2s_rule_dequantize_after_move = {
    .name = "dequantize-after-move",
    .summary =
        "DequantizeLinear, then an operator that picks a part, or moves a constant or what a "
        "sum of products reads -> DequantizeLinear last",
    C2S_ROWS(dequantized),
    .refuse = refuse_below,
    .build = build_below};
