/* SPDX-License-Identifier: Apache-2.0
 *
 * Before: Gather of rows of a table E; MatMul(x, W) or Gemm, where W is E turned, and its rows
 *         perhaps scaled: W = diag(g) E^T (an output layer that is tied to the embedding, behind a
 *         normalization whose gain has been fused into it)
 * After:  MatMul(x * g, Transpose(E)); of Gemm the operator turns it
 * Refuses tables that are so small that folding would undo it.
 *
 * Saves as many weights as the table has without any error, so that comes first.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "ir/name_after.h"
#include "passes/lowrank/lowrank_job.h"

#define LEAST_BYTES ((size_t)64 << 10)
/* Of an element: what rounding of the product does, and of the factor that is found. */
#define ROUNDING 4e-7

/* ---- which ---- */

static const c2s_value *table_of(const c2s_node *node) {
    const c2s_value *e = node->op == &c2s_op_gather ? c2s_node_in(node, 0) : NULL;
    const c2s_tensor *tensor = e && !e->initial ? e->constant : NULL;
    return tensor && tensor->type.rank == 2 && tensor->type.dtype == C2S_FLOAT &&
                   c2s_attr_int(node, "axis", 0) == 0 && c2s_tensor_size(tensor) > LEAST_BYTES
               ? e
               : NULL;
}

static bool has_own_weight(const c2s_linear_site *site, const c2s_value *table) {
    const c2s_value *w = site->weight;
    const int64_t *dim = table->type.dim;
    return !site->is_conv && !site->input_by_column && w->constant && !w->initial &&
           w->use_count == 1 && w->type.dtype == C2S_FLOAT && w != table &&
           site->k == (size_t)dim[1] && site->n == (size_t)dim[0];
}

/* Row i of the weights as a multiple of column i of the table. */
static bool find_scale(const c2s_linear_site *site, const c2s_value *table, size_t i, float *g) {
    const float *w = c2s_tensor_data(site->weight->constant), *e = c2s_tensor_data(table->constant);
    size_t largest = 0;
    for (size_t j = 1; j < site->n; j++)
        if (fabsf(e[j * site->k + i]) > fabsf(e[largest * site->k + i]))
            largest = j;
    const float most = e[largest * site->k + i];
    *g = most == 0 ? 1 : w[i * site->k_step + largest * site->n_step] / most;
    for (size_t j = 0; j < site->n; j++) {
        const double want = (double)w[i * site->k_step + j * site->n_step];
        if (!(fabs((double)*g * (double)e[j * site->k + i] - want) <= ROUNDING * fabs(want)))
            return false;
    }
    return true;
}

/* *scales [k], or NULL if all are 1. */
static bool is_turned(const c2s_linear_site *site, const c2s_value *table, float **scales) {
    float *g = c2s_alloc_array(site->k + 1, sizeof *g);
    bool turned = true, all_one = true;
    for (size_t i = 0; i < site->k && turned; i++) {
        turned = find_scale(site, table, i, &g[i]);
        all_one &= g[i] == 1;
    }
    *scales = turned && !all_one ? g : NULL;
    if (!*scales)
        free(g);
    return turned;
}

/* ---- writing ---- */

static c2s_status scale_input(c2s_node *node, size_t k, const float *scales) {
    const int64_t dim = (int64_t)k;
    c2s_tensor *tensor;
    C2S_TRY(c2s_tensor_create(C2S_FLOAT, 1, &dim, &tensor));
    memcpy(c2s_tensor_mutable(tensor), scales, k * sizeof *scales);
    c2s_node *mul = c2s_node_create(node->graph, node, "", "Mul", 2, 1);
    c2s_use_set(&mul->inputs[0], node->inputs[0].value);
    c2s_use_set(&mul->inputs[1],
                c2s_constant_after(node->graph, node->inputs[1].value, "scale", tensor));
    c2s_use_set(&node->inputs[0], mul->outputs[0]);
    return c2s_node_infer(mul);
}

static c2s_status read_table(c2s_node *node, c2s_value *table) {
    static const int64_t perm[2] = {1, 0};
    if (node->op == &c2s_op_gemm) {
        c2s_attr_set_int(node, "transB", 1);
        c2s_use_set(&node->inputs[1], table);
        return c2s_node_infer(node);
    }
    c2s_node *turn = c2s_node_create(node->graph, node, "", "Transpose", 1, 1);
    c2s_use_set(&turn->inputs[0], table);
    c2s_attr_set_ints(turn, "perm", perm, 2);
    C2S_TRY(c2s_node_infer(turn));
    c2s_use_set(&node->inputs[1], turn->outputs[0]);
    return c2s_node_infer(node);
}

static c2s_status tie(c2s_lowrank_job *j, c2s_node *node, c2s_value *table) {
    c2s_linear_site site;
    float *scales;
    if (c2s_linear_site_of(node, &site) || !c2s_lowrank_is_named(j, node) ||
        !has_own_weight(&site, table) || !is_turned(&site, table, &scales))
        return C2S_OK;
    c2s_status status = C2S_OK;
    if (c2s_stats_may_apply(j->stats) &&
        !c2s_stats_skips(j->stats, C2S_LOWRANK_TIED_KIND, c2s_node_text(node))) {
        c2s_stats_apply(j->stats, C2S_LOWRANK_TIED_KIND, c2s_node_text(node));
        j->plan.tied_before += (double)site.weight->constant->count;
        j->plan.tied_after += scales ? (double)site.k : 0;
        if (scales)
            status = scale_input(node, site.k, scales);
        if (status == C2S_OK)
            status = read_table(node, table);
    }
    free(scales);
    return status;
}

/* The table counts, too, if its layer does. */
static c2s_status tie_to(c2s_lowrank_job *j, c2s_node *gather, c2s_value *table) {
    const double before = j->plan.tied_before, count = (double)table->constant->count;
    for (c2s_node *node = j->model->graph->first; node; node = node->next)
        C2S_TRY(tie(j, node, table));
    if (j->plan.tied_before > before && c2s_lowrank_is_named(j, gather)) {
        j->plan.tied_before += count;
        j->plan.tied_after += count;
    }
    return C2S_OK;
}

c2s_status c2s_lowrank_tie_turned(c2s_lowrank_job *j) {
    if (!j->joined || j->goal != C2S_LOWRANK_TOTAL || j->plan.unit != C2S_LOWRANK_PARAMETERS)
        return C2S_OK;
    for (c2s_node *node = j->model->graph->first; node; node = node->next) {
        const c2s_value *table = table_of(node);
        if (table)
            C2S_TRY(tie_to(j, node, node->inputs[0].value));
    }
    return C2S_OK;
}
