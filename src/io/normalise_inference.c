/* SPDX-License-Identifier: Apache-2.0 */
#include "io/opset_rows.h"

#include "ir/clone.h"

/* The switch is gone since opset 7: inference unless asked for otherwise. A model that is to be
 * made small is a model for inference, also where an exporter left the switch at its default. */
c2s_status c2s_raise_dropout_switch(c2s_raise *r, c2s_node *node) {
    (void)r;
    c2s_attr_remove(node, "is_test");
    return C2S_OK;
}

/* Makes the mask of `own` type, and casts it for its users, who see `seen`. */
static void cast_mask(c2s_node *node, c2s_dtype own, c2s_dtype seen) {
    c2s_value *mask = c2s_node_out(node, 1);
    c2s_node *cast = c2s_node_create(node->graph, node->next, "", "Cast", 1, 1);
    c2s_attr_set_int(cast, "to", seen);
    c2s_type declared = mask->type, changed = declared;
    changed.dtype = own;
    if (c2s_type_is_tensor(&declared)) {
        c2s_value_set_type(cast->outputs[0], &declared);
        c2s_value_set_type(mask, &changed);
    }
    c2s_value_replace(mask, cast->outputs[0]);
    c2s_value_swap_names(mask, cast->outputs[0]);
    c2s_use_set(&cast->inputs[0], mask);
}

static bool has_mask(const c2s_node *node) {
    return c2s_node_out(node, 1) && node->outputs[1]->use_count;
}

/* Before opset 10 the mask had the data's type, since then it is bool. */
c2s_status c2s_raise_dropout_mask(c2s_raise *r, c2s_node *node) {
    c2s_dtype dtype;
    if (!has_mask(node))
        return C2S_OK;
    C2S_TRY(c2s_raise_need(node, 1));
    C2S_TRY(c2s_raise_dtype(r, c2s_node_in(node, 0), &dtype));
    cast_mask(node, C2S_BOOL, dtype);
    return C2S_OK;
}

c2s_status c2s_lower_dropout_mask(c2s_raise *r, c2s_node *node) {
    (void)r;
    c2s_dtype dtype;
    if (!has_mask(node)) {
        if (c2s_node_out(node, 1))
            c2s_node_drop_output(node, 1);
        return C2S_OK;
    }
    C2S_TRY(c2s_opset_dtype(node, 0, &dtype));
    cast_mask(node, dtype, C2S_BOOL);
    return C2S_OK;
}

c2s_status c2s_raise_dropout_ratio(c2s_raise *r, c2s_node *node) {
    C2S_TRY(c2s_raise_no_references(node));
    const c2s_attr *ratio = c2s_attr_find(node, "ratio");
    if (!ratio)
        return C2S_OK;
    if (ratio->kind != C2S_ATTR_FLOAT)
        return c2s_fail(C2S_ERR_INVALID, "attribute \"ratio\" is not a float");
    c2s_value *value;
    C2S_TRY(c2s_raise_scalar(r, node, "ratio", C2S_FLOAT, (double)ratio->f, &value));
    c2s_raise_set_input(node, 1, value);
    c2s_attr_remove(node, "ratio");
    return C2S_OK;
}

/* Training and inference are told apart by the number of outputs, before opset 7 as after. */
c2s_status c2s_raise_batchnorm_switch(c2s_raise *r, c2s_node *node) {
    (void)r;
    c2s_attr_remove(node, "is_test");
    return C2S_OK;
}

/* Training shows in the outputs before opset 14, in an attribute since then. What is not used was
 * not meant. */
c2s_status c2s_raise_batchnorm_outputs(c2s_raise *r, c2s_node *node) {
    unsigned used = 1;
    for (unsigned i = node->output_count; i-- > 1;) {
        const c2s_value *output = c2s_node_out(node, i);
        if (output && !output->use_count)
            c2s_node_drop_output(node, i);
        else if (output && used == 1)
            used = i + 1;
    }
    if (used < 2)
        return C2S_OK;
    if (used > 3)
        return c2s_fail(C2S_ERR_UNSUPPORTED,
                        "the saved mean or variance of training is used, and there is none since "
                        "opset 14");
    c2s_attr_set_int(node, "training_mode", 1);
    if (r->needs < 14)
        r->needs = 14;
    return C2S_OK;
}

/* spatial = 0: the statistics have the shape of one sample, [C, D1, D2, ...], so they broadcast
 * over the batch: y = (x - mean) / sqrt(variance + epsilon) * scale + bias. */
c2s_status c2s_raise_batchnorm_spatial(c2s_raise *r, c2s_node *node) {
    C2S_TRY(c2s_raise_no_references(node));
    if (c2s_attr_int(node, "spatial", 1)) {
        c2s_attr_remove(node, "spatial");
        return C2S_OK;
    }
    C2S_TRY(c2s_raise_need(node, 5));
    for (unsigned i = 1; i < node->output_count; i++)
        if (node->outputs[i] && node->outputs[i]->use_count)
            return c2s_fail(C2S_ERR_UNSUPPORTED,
                            "spatial is 0 in training form, expected the form with one output");
    c2s_dtype dtype;
    c2s_value *epsilon, *in[5];
    for (unsigned i = 0; i < 5; i++)
        in[i] = c2s_node_in(node, i);
    C2S_TRY(c2s_raise_dtype(r, in[0], &dtype));
    C2S_TRY(c2s_raise_scalar(r, node, "epsilon", dtype,
                             (double)c2s_attr_float(node, "epsilon", 1e-5f), &epsilon));
    c2s_value *variance = c2s_raise_node(r, node, "Add", (c2s_value *[]){in[4], epsilon}, 2);
    c2s_value *deviation = c2s_raise_node(r, node, "Sqrt", &variance, 1);
    c2s_value *centred = c2s_raise_node(r, node, "Sub", (c2s_value *[]){in[0], in[3]}, 2);
    c2s_value *unit = c2s_raise_node(r, node, "Div", (c2s_value *[]){centred, deviation}, 2);
    c2s_value *scaled = c2s_raise_node(r, node, "Mul", (c2s_value *[]){unit, in[1]}, 2);
    c2s_raise_become(node, "Add", (c2s_value *[]){scaled, in[2]}, 2);
    return C2S_OK;
}
