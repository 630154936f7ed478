/* SPDX-License-Identifier: Apache-2.0 */
#include "passes/lowrank/lowrank_layer_bias.h"

#include <stdlib.h>
#include <string.h>

#include "ir/name_after.h"
#include "ops/op.h"

bool c2s_lowrank_adds_itself(const c2s_lowrank_layer *member) {
    return member->node->op == &c2s_op_gemm || member->node->op == &c2s_op_conv;
}

static void read_own(const c2s_lowrank_layer *member, size_t count, double *out) {
    const c2s_value *bias = c2s_node_in(member->node, 2);
    const double beta = (double)c2s_attr_float(member->node, "beta", 1);
    if (!bias || !bias->constant)
        return;
    c2s_tensor_load_f64(bias->constant, 0, count, out);
    for (size_t c = 0; c < count; c++)
        out[c] *= beta;
}

/* What the last stage makes of the biases of the outputs that stay comes in by these already. */
static void subtract_passed(const c2s_lowrank_layer *layer, const c2s_stage *last,
                            const c2s_tensor *weights, double *values) {
    for (size_t j = 0; j < last->out; j++)
        for (size_t i = 0; i < last->in; i++) {
            const size_t at = layer->site.is_conv ? j * last->in + i : i * last->out + j;
            values[last->in + j] -= c2s_tensor_f64_at(weights, at) * values[i];
        }
}

static c2s_status set_bias(c2s_node *owner, unsigned slot, const c2s_lowrank_layer *member,
                           int rank, const int64_t *dim, const double *values) {
    c2s_tensor *tensor;
    C2S_TRY(
        c2s_tensor_from_f64(member->site.weight->constant->type.dtype, rank, dim, values, &tensor));
    if (owner->formal_count <= slot)
        c2s_node_resize_inputs(owner, slot + 1);
    c2s_use_set(&owner->inputs[slot],
                c2s_constant_after(owner->graph, member->site.weight, "bias", tensor));
    c2s_attr_remove(owner, "beta");
    return C2S_OK;
}

c2s_status c2s_lowrank_set_bias(c2s_node *owner, const c2s_lowrank_layer *member, size_t count,
                                const double *values) {
    const int64_t dim = (int64_t)count;
    return set_bias(owner, 2, member, 1, &dim, values);
}

c2s_status c2s_lowrank_shift_add(const c2s_lowrank_layer *member, const double *shift) {
    const c2s_value *old = c2s_node_in(member->add, member->add_slot);
    const size_t count = member->site.n;
    double *values;
    C2S_TRY(c2s_scratch(count, sizeof *values, &values));
    c2s_tensor_load_f64(old->constant, 0, count, values);
    for (size_t c = 0; c < count; c++)
        values[c] += shift[c];
    const c2s_status status =
        set_bias(member->add, member->add_slot, member, old->type.rank, old->type.dim, values);
    free(values);
    return status;
}

c2s_status c2s_lowrank_shift_cell(const c2s_lowrank_layer *member, const double *shift) {
    const c2s_value *old = c2s_node_in(member->node, 3);
    const int64_t *w = member->site.weight->type.dim;
    const size_t each = (size_t)w[1];
    const int64_t dim[] = {w[0], 2 * w[1]};
    double *values;
    C2S_TRY(c2s_scratch(2 * member->site.n, sizeof *values, &values));
    memset(values, 0, 2 * member->site.n * sizeof *values);
    if (old)
        c2s_tensor_load_f64(old->constant, 0, 2 * member->site.n, values);
    for (size_t c = 0; c < member->site.n; c++)
        values[c / each * 2 * each + c % each] += shift[c];
    const c2s_status status = set_bias(member->node, 3, member, 2, dim, values);
    free(values);
    return status;
}

c2s_status c2s_lowrank_biases_collect(const c2s_lowrank_layer *layer,
                                      const c2s_lowrank_layer *members, size_t count,
                                      const c2s_chain *chain, c2s_tensor *const *weights,
                                      const double *shift, c2s_lowrank_biases *out) {
    const size_t channels = layer->site.groups * layer->site.n;
    *out = (c2s_lowrank_biases){0};
    C2S_TRY(c2s_scratch(channels, sizeof *out->values, &out->values));
    memset(out->values, 0, channels * sizeof *out->values);
    for (size_t m = 0, first = 0; m < count; m++) {
        const size_t own = members[m].site.groups * members[m].site.n;
        if (c2s_lowrank_adds_itself(&members[m])) {
            out->change |= shift || (chain->keeps_first && c2s_node_in(members[m].node, 2));
            if (shift || chain->keeps_first)
                read_own(&members[m], own, out->values + first);
            for (size_t c = 0; shift && c < own; c++)
                out->values[first + c] += shift[first + c];
        }
        first += own;
    }
    if (out->change && chain->keeps_first)
        subtract_passed(layer, &chain->stage[1], weights[1], out->values);
    return C2S_OK;
}
