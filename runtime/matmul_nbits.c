/* SPDX-License-Identifier: Apache-2.0
 *
 * MatMulNBits of com.microsoft: a [m, k] times the transpose of weights [n, k] of 4 or 8 bits.
 */
#include <math.h>

#include "runtime/block_product.h"
#include "runtime/dnnl_primitive.h"

enum { A, B, SCALES, ZEROS, GROUPS, BIAS };

static bool describe(const c2s_step *step, c2s_block_weights *w, int64_t *m) {
    const c2s_node *node = step->node;
    const c2s_type *a = c2s_step_type(step, A);
    *w = (c2s_block_weights){.n = c2s_attr_int(node, "N", 0),
                             .k = c2s_attr_int(node, "K", 0),
                             .block = c2s_attr_int(node, "block_size", 0),
                             .bits = (unsigned)c2s_attr_int(node, "bits", 4)};
    if (!c2s_step_wants(step, 0) || !c2s_dnnl_accepts(a) || a->rank < 1 ||
        !c2s_dnnl_accepts(&step->out[0]->type) || !c2s_block_accepts(w) ||
        a->dim[a->rank - 1] != w->k || c2s_attr_int(node, "weight_prepacked", 0) != 0)
        return false;
    *m = 1;
    for (int i = 0; i + 1 < a->rank; i++)
        *m *= a->dim[i];
    return true;
}

/* The constant input, if it has that many elements of that type. */
static const void *holds(const c2s_step *step, unsigned input, c2s_dtype dtype, size_t rows,
                         size_t of_row) {
    const c2s_tensor *tensor = c2s_step_constant(step, input);
    size_t wanted;
    return tensor && tensor->type.dtype == dtype && c2s_mul_size(rows, of_row, &wanted) &&
                   tensor->count == wanted
               ? c2s_tensor_data(tensor)
               : NULL;
}

static bool read_weights(const c2s_step *step, c2s_block_weights *w) {
    size_t n = (size_t)w->n, blocks = (size_t)w->blocks;
    w->codes = holds(step, B, C2S_UINT8, n, c2s_block_row_bytes(w));
    w->scales = holds(step, SCALES, C2S_FLOAT, n, blocks);
    if (!w->codes || !w->scales)
        return false;
    for (size_t k = 0; k < n * blocks; k++)
        if (!isfinite(w->scales[k]))
            return false;
    w->zeros = holds(step, ZEROS, C2S_FLOAT, n, blocks);
    w->zero_codes = holds(step, ZEROS, C2S_UINT8, n, c2s_block_zero_bytes(w));
    return !c2s_step_has(step, ZEROS) || w->zeros || w->zero_codes;
}

static bool nbits_accepts(const c2s_step *step) {
    c2s_block_weights w;
    int64_t m;
    const c2s_type *bias = c2s_step_type(step, BIAS);
    return describe(step, &w, &m) && read_weights(step, &w) && !c2s_step_has(step, GROUPS) &&
           (!c2s_step_has(step, BIAS) ||
            (bias->dtype == C2S_FLOAT && bias->rank == 1 && bias->dim[0] == w.n));
}

static c2s_status nbits_prepare(c2s_step *step) {
    c2s_block_weights w;
    int64_t m;
    c2s_block_product *product;
    if (!describe(step, &w, &m) || !read_weights(step, &w))
        return c2s_fail(C2S_ERR_UNSUPPORTED, "unexpected types");
    C2S_TRY(c2s_block_product_create(&w, m, &product));
    step->state = product;
    return C2S_OK;
}

static c2s_status nbits_run(c2s_step *step) {
    const float *bias = c2s_step_has(step, BIAS) ? c2s_tensor_data(step->in[BIAS]->tensor) : NULL;
    return c2s_block_product_run(step->state, c2s_tensor_data(step->in[A]->tensor), bias,
                                 c2s_tensor_mutable(step->out[0]->tensor));
}

static void nbits_release(c2s_step *step) {
    c2s_block_product_destroy(step->state);
    step->state = NULL;
}

extern const c2s_kernel_family c2s_kernels_matmul_nbits;
const c2s_kernel_family c2s_kernels_matmul_nbits = {
    .name = "matmul_nbits",
    .accepts = nbits_accepts,
    .prepare = nbits_prepare,
    .run = nbits_run,
    .release = nbits_release,
};
