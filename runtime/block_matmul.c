/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/block_matmul.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/memory.h"
#include "runtime/block_product.h"
#include "runtime/dnnl_primitive.h"
#include "runtime/layout.h"
#include "runtime/plan.h"
#include "runtime/work.h"

typedef struct block_matmul {
    c2s_block_product *product;
    void *codes, *zeros;
    float *scales;
} block_matmul;

/* ---- the matrix ---- */

/* Its integers, and where those of output `n` and term `k` are. */
typedef struct matrix {
    const c2s_tensor *codes, *scale, *zero; /* zero: NULL: 0 */
    int64_t n, k, code_n, code_k;           /* extents, and distances in elements */
    int64_t block, scale_n, scale_k;        /* elements of a block along k; distances of scales */
} matrix;

static bool is_code_type(c2s_dtype dtype, bool by_blocks) {
    return dtype == C2S_UINT4 || dtype == C2S_INT4 ||
           (by_blocks && (dtype == C2S_UINT8 || dtype == C2S_INT8));
}

/* What the step (DequantizeLinear) makes a matrix of; `transposed`: its rows are the outputs. */
static bool matrix_of(const c2s_step *step, bool transposed, matrix *x) {
    *x = (matrix){c2s_step_constant(step, 0),
                  c2s_step_constant(step, 1),
                  c2s_step_constant(step, 2),
                  0,
                  0,
                  0,
                  0,
                  0,
                  0,
                  0};
    if (step->node->op != &c2s_op_dequantize_linear || !x->codes || !x->scale ||
        (c2s_step_has(step, 2) && !x->zero) || x->codes->type.rank != 2 || x->codes->count == 0)
        return false;
    const c2s_type *type = &x->codes->type, *scale = &x->scale->type;
    int n_axis = transposed ? 0 : 1;
    int64_t block = c2s_attr_int(step->node, "block_size", 0),
            axis = c2s_attr_int(step->node, "axis", 1);
    axis += axis < 0 ? 2 : 0;
    x->n = type->dim[n_axis];
    x->k = type->dim[1 - n_axis];
    x->code_n = transposed ? x->k : 1;
    x->code_k = transposed ? 1 : x->n;
    if (!is_code_type(type->dtype, block > 0) || scale->dtype != C2S_FLOAT ||
        (x->zero && (x->zero->type.dtype != type->dtype || x->zero->count != x->scale->count)))
        return false;
    if (block > 0) { /* along k */
        const int64_t blocks = (x->k - 1) / block + 1;
        x->block = block;
        x->scale_n = transposed ? blocks : 1;
        x->scale_k = transposed ? 1 : x->n;
        return axis == 1 - n_axis && block % C2S_BLOCK_CHUNK == 0 && scale->rank == 2 &&
               scale->dim[n_axis] == x->n && scale->dim[1 - n_axis] == blocks;
    }
    x->block = (x->k + C2S_BLOCK_CHUNK - 1) / C2S_BLOCK_CHUNK * C2S_BLOCK_CHUNK;
    x->scale_n = x->scale->count > 1;
    return x->scale->count == 1 || (scale->rank == 1 && axis == n_axis && scale->dim[0] == x->n);
}

static bool are_finite(const c2s_tensor *scale) {
    const float *s = c2s_tensor_data(scale);
    for (size_t k = 0; k < scale->count; k++)
        if (!isfinite(s[k]))
            return false;
    return true;
}

/* ---- deferring ---- */

/* True if `node` takes the value as its matrix alone, in one way of the two. */
static bool takes_matrix(const c2s_node *node, const c2s_value *value, bool *transposed) {
    bool gemm = node->op == &c2s_op_gemm;
    *transposed = gemm && c2s_attr_int(node, "transB", 0) != 0;
    return (gemm || node->op == &c2s_op_matmul) && node->formal_count >= 2 &&
           node->inputs[0].value != value && node->inputs[1].value == value &&
           !(node->formal_count > 2 && node->inputs[2].value == value) &&
           !(gemm && (c2s_attr_int(node, "transA", 0) || c2s_attr_float(node, "alpha", 1) != 1 ||
                      c2s_attr_float(node, "beta", 1) != 1));
}

bool c2s_block_matmul_defers(c2s_step *step) {
    matrix x = {0};
    bool transposed;
    if (step->node->op != &c2s_op_dequantize_linear || !c2s_step_wants(step, 0) ||
        step->out[0]->observed || step->out[0]->type.dtype != C2S_FLOAT ||
        step->out[0]->value->use_count == 0)
        return false;
    c2s_value_each_use(use, step->out[0]->value) {
        if (!takes_matrix(use->user, step->out[0]->value, &transposed) ||
            !matrix_of(step, transposed, &x))
            return false;
    }
    if (!are_finite(x.scale))
        return false;
    step->out[0]->dequantizer = step;
    return true;
}

/* ---- packing ---- */

static unsigned code_at(const c2s_tensor *tensor, int64_t index, unsigned bits) {
    int64_t value = 0;
    c2s_tensor_i64_at(tensor, (size_t)index, &value);
    bool is_signed = c2s_dtype_is_signed(tensor->type.dtype);
    return (unsigned)(value + (is_signed ? 1 << (bits - 1) : 0));
}

static void put(uint8_t *bytes, int64_t index, unsigned bits, unsigned code) {
    if (bits == 8)
        bytes[index] = (uint8_t)code;
    else
        bytes[index / 2] |= (uint8_t)(code << (index % 2 * 4));
}

/* Rows of outputs, as block products want them. */
static void pack(const matrix *x, const c2s_block_weights *w, const block_matmul *b) {
    size_t row_bytes = c2s_block_row_bytes(w), zero_bytes = c2s_block_zero_bytes(w);
    unsigned none = c2s_dtype_is_signed(x->codes->type.dtype) ? 1u << (w->bits - 1) : 0;
#pragma omp parallel for schedule(static)
    for (int64_t n = 0; n < x->n; n++) {
        uint8_t *row = (uint8_t *)b->codes + (size_t)n * row_bytes;
        uint8_t *zeros = (uint8_t *)b->zeros + (size_t)n * zero_bytes;
        for (int64_t k = 0; k < x->k; k++)
            put(row, k, w->bits, code_at(x->codes, n * x->code_n + k * x->code_k, w->bits));
        for (int64_t i = 0; i < w->blocks; i++) {
            int64_t at = n * x->scale_n + i * x->scale_k;
            b->scales[n * w->blocks + i] = ((const float *)c2s_tensor_data(x->scale))[at];
            put(zeros, i, w->bits, x->zero ? code_at(x->zero, at, w->bits) : none);
        }
    }
}

static void block_matmul_release(c2s_step *step) {
    block_matmul *b = step->state;
    c2s_block_product_destroy(b->product);
    free(b->codes);
    free(b->zeros);
    free(b->scales);
    free(b);
    step->state = NULL;
}

static void *zeroed(size_t rows, size_t of_row) {
    size_t size;
    void *memory = c2s_mul_size(rows, of_row, &size) ? c2s_try_alloc_aligned(size) : NULL;
    if (memory)
        memset(memory, 0, size);
    return memory;
}

static c2s_status build(c2s_step *step, const matrix *x, int64_t m) {
    c2s_block_weights w = {
        .n = x->n, .k = x->k, .block = x->block, .bits = c2s_dtype_bits(x->codes->type.dtype)};
    if (!c2s_block_accepts(&w))
        return c2s_fail(C2S_ERR_UNSUPPORTED, "unexpected blocks");
    block_matmul *b = step->state = c2s_zalloc(sizeof *b);
    b->codes = zeroed((size_t)w.n, c2s_block_row_bytes(&w));
    b->zeros = zeroed((size_t)w.n, c2s_block_zero_bytes(&w));
    b->scales = zeroed((size_t)w.n, (size_t)w.blocks * sizeof *b->scales);
    c2s_status status = C2S_ERR_MEMORY;
    if (b->codes && b->zeros && b->scales) {
        pack(x, &w, b);
        w.codes = b->codes;
        w.zero_codes = b->zeros;
        w.scales = b->scales;
        status = c2s_block_product_create(&w, m, &b->product);
    } else {
        c2s_fail(C2S_ERR_MEMORY, "no memory to pack a constant");
    }
    if (status != C2S_OK)
        block_matmul_release(step);
    return status;
}

/* ---- the kernel ---- */

static c2s_status block_matmul_run(c2s_step *step) {
    const block_matmul *b = step->state;
    const float *bias = c2s_step_has(step, 2) ? c2s_tensor_data(step->in[2]->tensor) : NULL;
    return c2s_block_product_run(b->product, c2s_tensor_data(step->in[0]->tensor), bias,
                                 c2s_tensor_mutable(step->out[0]->tensor));
}

static const c2s_kernel_family block_matmul_kernel = {
    .name = "block_matmul",
    .run = block_matmul_run,
    .release = block_matmul_release,
};

/* Rows of input 0; 0: the types are others. */
static int64_t rows_of(const c2s_step *step, const matrix *x) {
    const c2s_type *a = c2s_step_type(step, 0), *bias = c2s_step_type(step, 2);
    if (!c2s_step_wants(step, 0) || !c2s_dnnl_accepts(a) || a->rank < 1 ||
        !c2s_dnnl_accepts(&step->out[0]->type) || a->dim[a->rank - 1] != x->k)
        return 0;
    if (c2s_step_has(step, 2) &&
        !(bias->dtype == C2S_FLOAT && bias->rank >= 1 && bias->dim[bias->rank - 1] == x->n &&
          (bias->rank == 1 || (bias->rank == 2 && bias->dim[0] == 1))))
        return 0;
    int64_t m = 1;
    for (int i = 0; i + 1 < a->rank; i++)
        m *= a->dim[i];
    return m;
}

bool c2s_block_matmul_prepare(c2s_step *step) {
    matrix x;
    bool transposed;
    const c2s_slot *value = c2s_step_has(step, 1) ? step->in[1]->base : NULL;
    if (step->plan->closed || step->group || !value || value->constant || !value->dequantizer ||
        !takes_matrix(step->node, value->value, &transposed) ||
        !matrix_of(value->dequantizer, transposed, &x) || !are_finite(x.scale))
        return false;
    int64_t m = rows_of(step, &x);
    c2s_status status = m ? C2S_OK : C2S_ERR_UNSUPPORTED;
    if (m)
        status = c2s_step_take(step, 0, NULL);
    if (status == C2S_OK && c2s_step_has(step, 2))
        status = c2s_step_take(step, 2, NULL);
    if (status == C2S_OK)
        status = build(step, &x, m);
    if (status != C2S_OK) {
        if (m) {
            c2s_log(1, "%s: %s", c2s_node_text(step->node), c2s_error());
            c2s_error_clear();
        }
        return false;
    }
    step->in[1] = NULL;
    step->reads_codes = true;
    step->kernel = &block_matmul_kernel;
    c2s_step_choose_threads(step, step->kernel);
    return true;
}
