/* SPDX-License-Identifier: Apache-2.0
 *
 * Before: DynamicQuantizeLSTM of com.microsoft, with constant weights
 * After:  LSTM
 * Refuses weights that are computed, and scales that are not those of directions or columns. Not a
 * rule, since the first output of a cell is often left out.
 */
#include "passes/quant/form_whole.h"

#include "ir/graph_list.h"
#include "ops/op.h"

const char c2s_cell_float[] = "dynamic-lstm-float";

enum { W = 1, R, INPUTS = 8, W_SCALE = 8 };

static unsigned scale_slot(unsigned k) {
    return W_SCALE + 2 * (k - W);
}

static const char *refuse(const c2s_node *node) {
    for (unsigned k = W; k <= R; k++) {
        const c2s_value *w = c2s_node_in(node, k), *scale = c2s_node_in(node, scale_slot(k)),
                        *zero = c2s_node_in(node, scale_slot(k) + 1);
        if (!w || !w->constant || !scale || !scale->constant || (zero && !zero->constant))
            return "its weights are computed";
        const size_t directions = w->type.rank == 3 ? (size_t)w->type.dim[0] : 0;
        const size_t columns = directions ? directions * (size_t)w->type.dim[2] : 0,
                     scales = scale->constant->count;
        if (!directions || (scales != directions && scales != columns))
            return "its scales are not those of directions or columns";
        if (zero && zero->constant->count != scales)
            return "there are not as many zero points as scales";
    }
    return NULL;
}

/* [directions, inputs, columns] of codes -> [directions, columns, inputs] of floats. */
static c2s_status decode(const c2s_node *node, unsigned k, c2s_tensor **out) {
    const c2s_tensor *w = node->inputs[k].value->constant,
                     *scale = node->inputs[scale_slot(k)].value->constant;
    const c2s_value *zero = c2s_node_in(node, scale_slot(k) + 1);
    const int64_t d = w->type.dim[0], rows = w->type.dim[1], columns = w->type.dim[2];
    const bool by_column = scale->count == (size_t)(d * columns);
    C2S_TRY(c2s_tensor_create(C2S_FLOAT, 3, (int64_t[]){d, columns, rows}, out));
    float *at = c2s_tensor_mutable(*out);
    for (int64_t i = 0; i < d; i++)
        for (int64_t c = 0; c < columns; c++) {
            const size_t s = (size_t)(by_column ? i * columns + c : i);
            const float by = (float)c2s_tensor_f64_at(scale, s);
            const float middle = zero ? (float)c2s_tensor_f64_at(zero->constant, s) : 0;
            for (int64_t r = 0; r < rows; r++)
                *at++ =
                    ((float)c2s_tensor_f64_at(w, (size_t)((i * rows + r) * columns + c)) - middle) *
                    by;
        }
    return C2S_OK;
}

/* The node keeps its name and its outputs. */
static c2s_status convert(c2s_node *node) {
    c2s_value *weight[2];
    for (unsigned k = W; k <= R; k++) {
        c2s_tensor *tensor;
        C2S_TRY(decode(node, k, &tensor));
        weight[k - W] = c2s_value_constant(node->graph, node->inputs[k].value->name, tensor);
    }
    c2s_node_set_type(node, "", "LSTM");
    c2s_node_resize_inputs(node, INPUTS);
    c2s_use_set(&node->inputs[W], weight[0]);
    c2s_use_set(&node->inputs[R], weight[1]);
    c2s_node_trim_inputs(node);
    return c2s_node_infer(node);
}

c2s_status c2s_form_float_cells(c2s_model *model, c2s_stats *stats) {
    c2s_graph_list graphs = {0};
    c2s_status status = C2S_OK;
    c2s_graph_list_add(&graphs, model->graph);
    for (size_t i = 0; i < graphs.count; i++)
        for (c2s_node *node = graphs.at[i]->first; node && status == C2S_OK; node = node->next) {
            if (node->op != &c2s_op_ms_dynamic_quantize_lstm)
                continue;
            const char *where = c2s_node_text(node), *reason = refuse(node);
            if (reason)
                c2s_stats_refuse(stats, c2s_cell_float, where, reason);
            else if (c2s_stats_may_apply(stats) && !c2s_stats_skips(stats, c2s_cell_float, where)) {
                c2s_stats_apply(stats, c2s_cell_float, where);
                status = convert(node);
            } else
                continue;
            c2s_stats_looked(stats, node);
        }
    c2s_vec_free(&graphs);
    return status;
}
