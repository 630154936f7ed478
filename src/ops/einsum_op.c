/* SPDX-License-Identifier: Apache-2.0
 *
 * Einsum.
 */

#include "ops/einsum.h"
#include "ops/macs.h"
#include "ops/pointwise.h"
#include "ops/ties_rules.h"
#include "ops/workspace.h"

static const char *equation_of(const c2s_node *node) {
    return c2s_attr_string(node, "equation", "");
}

/* Extents that one label has in two operands: equal, or one of them 1. */
static c2s_status join_extents(c2s_dim *extent, c2s_dim other) {
    if (*extent == 1 || other == *extent) {
        *extent = other;
        return C2S_OK;
    }
    if (other == 1)
        return C2S_OK;
    if (c2s_dim_is_known(*extent) && c2s_dim_is_known(other))
        return c2s_fail(C2S_ERR_INVALID, "an axis has the extents %lld and %lld",
                        (long long)*extent, (long long)other);
    if (c2s_dim_is_known(other))
        *extent = other;
    return C2S_OK;
}

static c2s_status einsum_infer(c2s_infer *i) {
    int rank[C2S_EINSUM_OPERANDS];
    c2s_einsum e;
    C2S_TRY(c2s_infer_tensors(i, i->in_count));
    i->out[0] = c2s_type_tensor(c2s_infer_type(i, 0)->dtype, -1, NULL);
    for (unsigned k = 0; k < i->in_count; k++) {
        const c2s_type *type = c2s_infer_type(i, k);
        C2S_TRY(c2s_infer_same_dtype(i, 0, k));
        if (type->kind != C2S_KIND_TENSOR || type->rank < 0)
            return C2S_OK;
        if (k < C2S_EINSUM_OPERANDS)
            rank[k] = type->rank;
    }
    C2S_TRY(c2s_einsum_parse(equation_of(i->node), rank, i->in_count, &e));
    c2s_dim extent[C2S_EINSUM_LABELS];
    for (int label = 0; label < C2S_EINSUM_LABELS; label++)
        extent[label] = 1;
    for (unsigned k = 0; k < e.operands; k++)
        for (int d = 0; d < e.in[k].count; d++)
            C2S_TRY(join_extents(&extent[e.in[k].label[d]], c2s_infer_type(i, k)->dim[d]));
    i->out[0].rank = e.out.count;
    for (int d = 0; d < e.out.count; d++)
        i->out[0].dim[d] = extent[e.out.label[d]];
    return C2S_OK;
}

static c2s_status einsum_eval(c2s_eval *v) {
    const c2s_type *type[C2S_EINSUM_OPERANDS];
    const void *data[C2S_EINSUM_OPERANDS];
    c2s_workspace ws = {0};
    int rank[C2S_EINSUM_OPERANDS];
    c2s_wide wide = c2s_wide_of(v->in[0]->type.dtype);
    c2s_einsum e;
    if (!wide || v->in[0]->type.dtype == C2S_BOOL)
        return c2s_fail(C2S_ERR_INVALID, "elements of type %s cannot be multiplied",
                        c2s_dtype_name(v->in[0]->type.dtype));
    if (wide == C2S_WIDE_I64) /* the same bits */
        wide = C2S_WIDE_U64;
    for (unsigned k = 0; k < v->in_count; k++)
        rank[k] = v->in[k]->type.rank;
    C2S_TRY(c2s_einsum_parse(equation_of(v->node), rank, v->in_count, &e));
    for (unsigned k = 0; k < v->in_count; k++) {
        type[k] = &v->in[k]->type;
        data[k] = c2s_workspace_in(&ws, wide, v->in[k]);
    }
    void *out = c2s_workspace_out(&ws, wide, v->out[0]);
    if (ws.status == C2S_OK)
        ws.status = c2s_einsum_compute(&e, wide, type, data, out);
    return c2s_workspace_end(&ws);
}

/* Products of all axes' extents: exact for two operands, an upper bound for more. */
static int64_t einsum_macs(const c2s_node *node) {
    int rank[C2S_EINSUM_OPERANDS];
    int64_t extent[C2S_EINSUM_LABELS], product = 1;
    c2s_einsum e;
    for (unsigned k = 0; k < node->formal_count; k++) {
        const c2s_value *value = c2s_node_in(node, k);
        if (!value || value->type.rank < 0 || k >= C2S_EINSUM_OPERANDS)
            return 0;
        rank[k] = value->type.rank;
    }
    if (c2s_einsum_parse(equation_of(node), rank, node->formal_count, &e) != C2S_OK) {
        c2s_error_clear();
        return 0;
    }
    for (int label = 0; label < C2S_EINSUM_LABELS; label++)
        extent[label] = 1;
    for (unsigned k = 0; k < e.operands; k++)
        for (int d = 0; d < e.in[k].count; d++)
            if (c2s_macs_input(node, k, d, d + 1) > 1)
                extent[e.in[k].label[d]] = c2s_macs_input(node, k, d, d + 1);
    for (int label = 0; label < C2S_EINSUM_LABELS; label++)
        product = c2s_macs_mul(product, extent[label]);
    return e.operands > 1 ? product : 0;
}

static const c2s_attr_spec einsum_attrs[] = {{"equation", C2S_ATTR_STRING, true},
                                             {NULL, C2S_ATTR_UNDEFINED, false}};
const c2s_op c2s_op_einsum = {.type = "Einsum",
                              .domain = "",
                              .inputs = {1, C2S_VARIADIC},
                              .outputs = {1, 1},
                              .quant = C2S_QUANT_BINARY(LINEAR),
                              .attrs = einsum_attrs,
                              .ties = c2s_ties_einsum,
                              .infer = einsum_infer,
                              .eval = einsum_eval,
                              .macs = einsum_macs};
