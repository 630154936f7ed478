/* SPDX-License-Identifier: Apache-2.0
 *
 * Before: a node whose operands are all constants, or whose integer result follows from the types
 *         alone (Shape of known extents and what is computed from it)
 * After:  initializers
 * Refuses when the operator is random, has bodies or dequantizes (that pair is how a quantized
 * weight is written), or when the file would grow by more than c2s_fold_budget allows.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "passes/cleanup/fold_groups.h"
#include "passes/cleanup/place_constant.h"

typedef struct folder {
    c2s_fold_budget *budget;
    c2s_stats *stats;
} folder;

static const char rule[] = "fold-constant";

#define NODE_BYTES C2S_FOLD_NODE_BYTES

bool c2s_may_fold(const c2s_node *node) {
    if (c2s_node_is_random(node) || (node->op->flags & C2S_OP_HAS_BODY) ||
        node->op == &c2s_op_constant || node->op == &c2s_op_dequantize_linear ||
        node->op == &c2s_op_ms_dequantize_linear || node->op == &c2s_op_dynamic_quantize_linear)
        return false;
    bool used = false;
    for (unsigned i = 0; i < node->output_count; i++)
        used = used || (node->outputs[i] && node->outputs[i]->use_count > 0);
    if (c2s_attr_any_reference(node))
        return false;
    return used && node->input_count == node->formal_count;
}

static bool operands_are_constant(const c2s_node *node) {
    for (unsigned i = 0; i < node->formal_count; i++) {
        const c2s_value *value = node->inputs[i].value;
        if (value && (!value->constant || value->constant->type.kind != C2S_KIND_TENSOR))
            return false;
    }
    return true;
}

/* Bytes of constants that nothing but this node uses. */
static uint64_t bytes_freed(const c2s_node *node) {
    uint64_t bytes = 0;
    for (unsigned i = 0; i < node->formal_count; i++) {
        const c2s_value *value = node->inputs[i].value;
        if (value && value->use_count == 1 && value->def != node->graph->entry)
            bytes += c2s_tensor_size(value->constant);
    }
    return bytes;
}

bool c2s_fold_bytes_made(const c2s_node *node, uint64_t *bytes) {
    *bytes = 0;
    for (unsigned i = 0; i < node->output_count; i++) {
        const c2s_value *value = node->outputs[i];
        size_t count, size;
        if (!value || value->use_count == 0)
            continue;
        if (!c2s_type_is_static(&value->type) || !c2s_type_elements(&value->type, &count) ||
            !c2s_dtype_size(value->type.dtype, count, &size) || size > INT64_MAX / 4)
            return false;
        *bytes += size;
    }
    return true;
}

static bool fits(const folder *f, uint64_t made, uint64_t freed) {
    return made <= freed + NODE_BYTES ||
           (made <= f->budget->limit && made - freed - NODE_BYTES <= INT64_MAX &&
            (int64_t)(made - freed - NODE_BYTES) <= f->budget->left);
}

static void refuse_size(const folder *f, const c2s_node *node, uint64_t made) {
    char reason[96];
    snprintf(reason, sizeof reason, "the model would grow, the result takes %" PRIu64 " bytes",
             made);
    c2s_stats_refuse(f->stats, rule, c2s_node_text(node), reason);
    c2s_stats_looked(f->stats, node);
}

static void apply(folder *f, c2s_node *node, c2s_tensor *const *out, uint64_t made, bool planned) {
    if (!planned)
        f->budget->left += (int64_t)bytes_freed(node) + NODE_BYTES - (int64_t)made;
    c2s_stats_apply(f->stats, rule, c2s_node_text(node));
    c2s_stats_removed(f->stats, node);
    c2s_replace_by_constants(node, out);
}

/* A large constant is folded once, and gone then. */
static c2s_status operands_of(const c2s_node *node, c2s_tensor **in) {
    for (unsigned i = 0; i < node->formal_count; i++)
        if (node->inputs[i].value)
            C2S_TRY(c2s_tensor_once(node->inputs[i].value->constant, &in[i]));
    return C2S_OK;
}

/* Evaluates the node; a failure only means that it stays. `planned`: the growth of the model was
 * settled for the whole group of nodes. */
static void fold_by_value(folder *f, c2s_node *node, bool planned) {
    uint64_t made, freed = bytes_freed(node);
    if (!planned && c2s_fold_bytes_made(node, &made) && !fits(f, made, freed)) {
        refuse_size(f, node, made);
        return;
    }
    c2s_tensor **in = c2s_zalloc((node->formal_count + 1) * sizeof *in);
    c2s_tensor **out = c2s_alloc_array(node->output_count, sizeof *out);
    c2s_status status = operands_of(node, in);
    uint64_t limit = f->budget->limit;
    uint64_t most = planned ? 0 : freed + NODE_BYTES > limit ? freed + NODE_BYTES : limit;
    unsigned count = node->output_count;
    if (status == C2S_OK)
        status = c2s_node_eval(node, (const c2s_tensor *const *)in, out, NULL, most);
    for (unsigned i = 0; i < node->formal_count; i++)
        c2s_tensor_unref(in[i]);
    if (status != C2S_OK) {
        c2s_stats_refuse(f->stats, rule, c2s_node_text(node), c2s_error());
        c2s_stats_looked(f->stats, node);
    } else {
        bool plain = true;
        made = 0;
        for (unsigned i = 0; i < count; i++) {
            plain = plain && (!out[i] || out[i]->type.kind == C2S_KIND_TENSOR);
            if (plain && out[i] && node->outputs[i]->use_count > 0)
                made += c2s_tensor_size(out[i]);
        }
        if (plain && (planned || fits(f, made, freed)))
            apply(f, node, out, made, planned);
        else if (plain)
            refuse_size(f, node, made);
        for (unsigned i = 0; i < count; i++)
            c2s_tensor_unref(out[i]);
    }
    free(in);
    free(out);
}

/* The elements of the node's result if they are known although its operands are not constant. */
static c2s_status known_contents(const c2s_node *node, c2s_tensor **out) {
    *out = NULL;
    if (node->output_count != 1 || !node->outputs[0])
        return C2S_OK;
    const c2s_value *value = node->outputs[0];
    int rank = value->type.rank;
    if (!value->contents || rank < 0 || rank > 1 || (rank == 0 && value->content_count != 1) ||
        !c2s_dtype_is_integer(value->type.dtype))
        return C2S_OK;
    for (unsigned i = 0; i < value->content_count; i++)
        if (!c2s_dim_is_known(value->contents[i]))
            return C2S_OK;
    int64_t dim = value->content_count;
    return c2s_tensor_from_i64(value->type.dtype, rank, &dim, value->contents, out);
}

static c2s_status fold_node(folder *f, c2s_node *node, bool planned) {
    if (!c2s_stats_may_apply(f->stats) || !c2s_may_fold(node))
        return C2S_OK;
    if (operands_are_constant(node)) {
        if (!c2s_stats_skips(f->stats, rule, c2s_node_text(node)))
            fold_by_value(f, node, planned);
        return C2S_OK;
    }
    c2s_tensor *tensor;
    C2S_TRY(known_contents(node, &tensor));
    if (!tensor)
        return C2S_OK;
    if (!c2s_stats_skips(f->stats, "fold-known-shape", c2s_node_text(node))) {
        c2s_stats_apply(f->stats, "fold-known-shape", c2s_node_text(node));
        c2s_stats_removed(f->stats, node);
        c2s_replace_by_constants(node, &tensor);
    }
    c2s_tensor_unref(tensor);
    return C2S_OK;
}

c2s_status c2s_fold_constants(const c2s_graph_list *graphs, c2s_fold_budget *budget,
                              c2s_stats *stats) {
    folder f = {budget, stats};
    c2s_status status = C2S_OK;
    for (size_t i = 0; i < graphs->count && status == C2S_OK; i++) {
        bool *planned = c2s_fold_groups(graphs->at[i], budget);
        for (c2s_node *node = graphs->at[i]->first, *next; node && status == C2S_OK; node = next) {
            next = node->next;
            status = fold_node(&f, node, planned[node->id]);
        }
        free(planned);
    }
    return status;
}
