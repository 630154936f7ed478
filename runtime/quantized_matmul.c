/* SPDX-License-Identifier: Apache-2.0
 *
 * MatMul and Gemm on integers with a constant matrix on the right.
 */
#include <string.h>

#include "runtime/layout.h"
#include "runtime/quantized.h"
#include "runtime/quantized_sums.h"

typedef struct product {
    size_t rows, terms, columns;
    bool transposed; /* the right matrix */
    double scale;
} product;

static bool is_gemm(const c2s_step *step) {
    return step->node->op == &c2s_op_gemm || step->node->op == &c2s_op_ms_qgemm;
}

static bool describe(const c2s_step *step, product *p) {
    const c2s_codes *a = &step->quantized->x[0], *b = &step->quantized->x[1];
    if (!a->slot || !b->slot || b->slot->type.rank != 2 || a->slot->type.rank < 1)
        return false;
    const c2s_type *left = &a->slot->type, *right = &b->slot->type;
    size_t count;
    *p = (product){.scale = 1};
    if (is_gemm(step)) {
        float alpha = c2s_attr_float(step->node, "alpha", 1),
              beta = c2s_attr_float(step->node, "beta", 1);
        if (c2s_attr_int(step->node, "transA", 0) != 0 || !(alpha > 0) ||
            (c2s_step_has(step, 2) && beta != 1))
            return false;
        p->transposed = c2s_attr_int(step->node, "transB", 0) != 0;
        p->scale = (double)alpha;
    }
    if (!c2s_type_elements(left, &count) || count == 0)
        return false;
    p->terms = (size_t)left->dim[left->rank - 1];
    p->rows = count / p->terms;
    p->columns = (size_t)right->dim[p->transposed ? 0 : 1];
    return p->columns > 0 && right->dim[p->transposed ? 1 : 0] == left->dim[left->rank - 1] &&
           c2s_type_elements(&step->out[0]->type, &count) && count == p->rows * p->columns;
}

static bool matmul_accepts(const c2s_step *step) {
    product p;
    return describe(step, &p) &&
           c2s_quantized_sums_accepts(step, p.transposed ? 0 : 1, (int64_t)p.columns);
}

static c2s_status matmul_prepare(c2s_step *step) {
    product p;
    if (!describe(step, &p))
        return c2s_fail(C2S_ERR_UNSUPPORTED, "unexpected types");
    const c2s_integer_shape shape = {.batch = 1,
                                     .groups = 1,
                                     .inputs = p.terms,
                                     .outputs = p.columns,
                                     .in = {p.rows, 1},
                                     .out = {p.rows, 1},
                                     .kernel = {1, 1},
                                     .stride = {1, 1},
                                     .dilation = {1, 1}};
    const c2s_integer_weights weights = {.stride_output = p.transposed ? p.terms : 1,
                                         .stride_input = p.transposed ? 1 : p.columns};
    C2S_TRY(c2s_step_take(step, step->quantized->x[0].input, NULL));
    return c2s_quantized_sums_create(step, &shape, weights, p.scale);
}

const c2s_kernel_family c2s_kernels_quantized_matmul = {
    .name = "quantized_matmul",
    .flags = C2S_KERNEL_LAYOUTS,
    .accepts = matmul_accepts,
    .prepare = matmul_prepare,
    .run = c2s_quantized_sums_run,
    .release = c2s_quantized_sums_release,
};
