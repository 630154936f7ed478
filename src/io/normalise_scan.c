/* SPDX-License-Identifier: Apache-2.0 */
#include "io/raise_rows.h"

#include "ir/clone.h"
#include "ops/body.h"

/* The scan of one sample inside `sample`, a copy of `node` in its current form. */
static c2s_status scan_sample(c2s_node *node, c2s_graph *sample, c2s_node **out) {
    unsigned count = node->formal_count - 1;
    c2s_cloner cloner = {0};
    for (unsigned i = 0; i < count; i++)
        c2s_map_put(&cloner.values, node->inputs[i + 1].value, c2s_graph_input(sample, i));
    /* A value that is scanned and captured alike is captured whole. */
    for (unsigned i = node->formal_count; i < node->input_count; i++) {
        c2s_value *outer = node->inputs[i].value;
        c2s_map_put(&cloner.values, outer, c2s_graph_capture(sample, outer));
    }
    c2s_node *scan;
    c2s_status status = c2s_node_clone(&cloner, node, sample, NULL, &scan);
    c2s_map_free(&cloner.values);
    C2S_TRY(status);
    for (unsigned i = 0; i < count; i++)
        c2s_use_set(&scan->inputs[i], c2s_graph_input(sample, i));
    c2s_node_resize_inputs(scan, count);
    size_t directions;
    const int64_t *direction = c2s_attr_ints(scan, "directions", &directions);
    if (direction)
        c2s_attr_set_ints(scan, "scan_input_directions", direction, directions);
    c2s_attr_remove(scan, "directions");
    *out = scan;
    return C2S_OK;
}

/* Opset 8: Scan(lengths, states..., sequences...) works on batches, axis 0 of all, with the
 * sequence along axis 1. Now: a scan over the samples of the batch, without states, whose body is
 * the scan along the sequence of one sample. */
c2s_status c2s_raise_scan(c2s_raise *r, c2s_node *node) {
    C2S_TRY(c2s_raise_no_references(node));
    if (c2s_node_in(node, 0))
        return c2s_fail(C2S_ERR_UNSUPPORTED, "sequences of different lengths are not supported");
    c2s_graph *body;
    C2S_TRY(c2s_body_find(node, "body", (int64_t)node->formal_count - 1, &body));
    for (unsigned i = 1; i < node->formal_count; i++)
        if (!c2s_node_in(node, i))
            return c2s_fail(C2S_ERR_INVALID, "input %u is missing", i);
    for (unsigned i = 0; i < node->output_count; i++)
        if (!node->outputs[i])
            return c2s_fail(C2S_ERR_UNSUPPORTED, "output %u is left out", i);
    unsigned count = node->formal_count - 1;
    c2s_node *batch = c2s_node_create(node->graph, node, "", "Scan", count, node->output_count);
    c2s_graph *sample = c2s_graph_create(r->model, batch, "sample");
    c2s_attr_set_graph(batch, "body", sample);
    c2s_attr_set_int(batch, "num_scan_inputs", count);
    batch->name = node->name;
    for (unsigned i = 0; i < count; i++) {
        c2s_value *whole = node->inputs[i + 1].value;
        c2s_type type = c2s_type_drop_axis(&whole->type, 0);
        c2s_use_set(&batch->inputs[i], whole);
        c2s_graph_add_input(sample, whole->name, &type);
    }
    c2s_node *scan;
    C2S_TRY(scan_sample(node, sample, &scan));
    for (unsigned i = 0; i < node->output_count; i++) {
        c2s_graph_add_output(sample, scan->outputs[i], scan->outputs[i]->name);
        c2s_value_set_type(batch->outputs[i], &node->outputs[i]->type);
        c2s_value_replace(node->outputs[i], batch->outputs[i]);
        c2s_value_swap_names(node->outputs[i], batch->outputs[i]);
    }
    c2s_node_remove(node);
    return C2S_OK;
}
