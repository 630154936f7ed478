/* SPDX-License-Identifier: Apache-2.0 */
#include "passes/quant/target.h"

#include <stdio.h>
#include <string.h>

static const c2s_target *const all[] = {&c2s_target_ort_cpu,  &c2s_target_tensorrt,
                                        &c2s_target_openvino, &c2s_target_qnn,
                                        &c2s_target_generic,  NULL};

const c2s_target *const *c2s_target_all(void) {
    return all;
}

const c2s_target *c2s_target_find(const char *name) {
    for (size_t i = 0; all[i]; i++)
        if (strcmp(all[i]->name, name) == 0)
            return all[i];
    return NULL;
}

c2s_status c2s_target_read(const char *name, const c2s_target **out) {
    char known[128] = "";
    size_t length = 0;
    *out = c2s_target_find(name);
    if (*out)
        return C2S_OK;
    for (size_t i = 0; all[i]; i++)
        length += (size_t)snprintf(known + length, sizeof known - length, "%s%s", i ? ", " : "",
                                   all[i]->name);
    return c2s_fail(C2S_ERR_USAGE, "there is no target \"%s\"; there are %s", name, known);
}

const c2s_target_row *c2s_target_row_of(const c2s_target *target, const c2s_op *op) {
    for (const c2s_target_row *row = target->rows; row->op; row++)
        if (row->op == op)
            return row;
    return NULL;
}

bool c2s_target_takes(uint32_t dtypes, c2s_dtype dtype) {
    return dtypes >> dtype & 1;
}

const char *c2s_target_refuse_interpolation(const c2s_node *node) {
    return strcmp(c2s_attr_string(node, "mode", "nearest"), "nearest") == 0
               ? NULL
               : "only the mode nearest moves codes as they stand";
}

const char *c2s_target_refuse_scaled_gemm(const c2s_node *node) {
    if (c2s_attr_float(node, "alpha", 1.0f) != 1.0f)
        return "alpha is not 1";
    if (c2s_node_in(node, 2) && c2s_attr_float(node, "beta", 1.0f) != 1.0f)
        return "beta is not 1";
    return NULL;
}

bool c2s_target_is_activation(const c2s_node *node) {
    static const c2s_op *const ops[] = {
        &c2s_op_elu,  &c2s_op_hard_sigmoid,    &c2s_op_leaky_relu, &c2s_op_relu,
        &c2s_op_selu, &c2s_op_sigmoid,         &c2s_op_softplus,   &c2s_op_softsign,
        &c2s_op_tanh, &c2s_op_thresholded_relu};
    for (size_t i = 0; i < sizeof ops / sizeof *ops; i++)
        if (ops[i] == node->op)
            return true;
    return false;
}
