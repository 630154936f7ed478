/* SPDX-License-Identifier: Apache-2.0
 *
 * SequenceMap: a body over the items of sequences.
 */
#include <stdlib.h>

#include "ops/body.h"
#include "ops/iteration.h"
#include "ops/sequence.h"

static c2s_status map_infer(c2s_infer *i) {
    c2s_graph *body;
    C2S_TRY(c2s_body_find(i->node, "body", i->in_count, &body));
    C2S_TRY(c2s_sequence_need(i, 0));
    if (c2s_graph_output_count(body) < i->out_count)
        return c2s_fail(C2S_ERR_INVALID, "the body has %u outputs, expected %u",
                        c2s_graph_output_count(body), i->out_count);
    if (!i->concrete) {
        c2s_body_enter(body->owner);
        C2S_TRY(c2s_graph_infer(body));
    }
    for (unsigned k = 0; k < i->out_count; k++)
        i->out[k] =
            c2s_type_container(i->arena, C2S_KIND_SEQUENCE, &c2s_graph_output(body, k)->type);
    return C2S_OK;
}

/* Item `index` of every sequence, and the tensors as they are. */
static c2s_status map_inputs(const c2s_eval *e, size_t index, const c2s_tensor **in) {
    for (unsigned k = 0; k < e->in_count; k++) {
        in[k] = e->in[k];
        if (e->in[k]->type.kind != C2S_KIND_SEQUENCE)
            continue;
        if (index >= e->in[k]->count)
            return c2s_fail(C2S_ERR_INVALID, "sequence %u has %zu items, sequence 0 has %zu", k,
                            e->in[k]->count, e->in[0]->count);
        in[k] = c2s_tensor_item(e->in[k], index);
    }
    return C2S_OK;
}

static c2s_status map_eval(c2s_eval *e) {
    C2S_TRY(c2s_iteration_need_runner(e));
    c2s_graph *body = c2s_attr_graph(e->node, "body");
    unsigned outputs = c2s_graph_output_count(body);
    size_t count = e->in[0]->count, done = 0;
    const c2s_tensor **in = c2s_alloc_array(e->in_count, sizeof *in);
    c2s_tensor **out = c2s_zalloc((outputs + 1) * sizeof *out);
    c2s_tensor_list *items = c2s_zalloc((outputs + 1) * sizeof *items);
    c2s_status status = C2S_OK;
    for (; done < count && status == C2S_OK; done++) {
        status = map_inputs(e, done, in);
        if (status == C2S_OK)
            status = e->runner->run(e->runner, body, in, e->in_count, out, outputs);
        for (unsigned k = 0; status == C2S_OK && k < outputs; k++)
            c2s_vec_push(&items[k], out[k]);
    }
    for (unsigned k = 0; k < outputs; k++) {
        if (status == C2S_OK && c2s_eval_wants(e, k)) {
            c2s_type element = c2s_type_element(&e->out_type[k]);
            status = c2s_sequence_give(e, k, &element, count, items[k].at);
        }
        for (size_t n = 0; n < items[k].count; n++)
            c2s_tensor_unref(items[k].at[n]);
        c2s_vec_free(&items[k]);
    }
    free(items);
    free(out);
    free(in);
    return status;
}

const c2s_op c2s_op_sequence_map = {
    .type = "SequenceMap",
    .domain = "",
    .inputs = {1, C2S_VARIADIC},
    .outputs = {1, C2S_VARIADIC},
    .quant = C2S_QUANT_ONLY(FLOAT),
    .flags = C2S_OP_SIZES_OUTPUTS | C2S_OP_HAS_BODY,
    .attrs = (const c2s_attr_spec[]){{"body", C2S_ATTR_GRAPH, true}, {0}},
    .ties = c2s_ties_pinned,
    .infer = map_infer,
    .eval = map_eval,
};
