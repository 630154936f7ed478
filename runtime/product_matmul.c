/* SPDX-License-Identifier: Apache-2.0
 *
 * MatMul and Gemm with our own code (gemm.h), where oneDNN has none that is faster: with AVX2.
 */
#include <stdlib.h>

#include "runtime/dnnl_processor.h"
#include "runtime/layout.h"
#include "runtime/product.h"

static bool is_ours(const c2s_step *step) {
    return c2s_processor_has_fma() && !c2s_processor_has_avx512() && c2s_step_wants(step, 0) &&
           c2s_dnnl_accepts(c2s_step_type(step, 0)) && c2s_dnnl_accepts(c2s_step_type(step, 1)) &&
           c2s_dnnl_accepts(&step->out[0]->type);
}

static c2s_status finish(c2s_step *step, c2s_product *p) {
    unsigned input = step->own_count;
    for (unsigned k = 0; k < step->post_count; k++) {
        unsigned at = step->posts[k].binary ? input++ : 0;
        C2S_TRY(c2s_product_add(p, &step->posts[k], at, &step->in[at]->base->type));
        if (step->posts[k].binary)
            C2S_TRY(c2s_step_take(step, at, NULL));
    }
    C2S_TRY(c2s_product_finish(p, step));
    step->state = c2s_alloc(sizeof *p);
    *(c2s_product *)step->state = *p;
    return C2S_OK;
}

/* ---- MatMul ---- */

static bool matmul_accepts(const c2s_step *step) {
    return is_ours(step) && c2s_step_type(step, 0)->rank >= 1 && c2s_step_type(step, 1)->rank >= 1;
}

/* One axis is a row on the left, a column on the right. */
static void as_matrix(const c2s_type *vector, bool column, c2s_matrices *out) {
    int64_t extent = vector->dim[0];
    *out = (c2s_matrices){.rank = 2, .dim = {1, extent}, .stride = {extent, 1}};
    if (column)
        c2s_matrices_transpose(out);
}

/* Row-major, of the extents that the operands give. */
static bool result_of(const c2s_matrices *a, const c2s_matrices *b, c2s_matrices *out) {
    out->rank = a->rank > b->rank ? a->rank : b->rank;
    int64_t step = 1;
    if (out->rank > C2S_MAX_RANK)
        return false;
    for (int from_end = 1; from_end <= out->rank; from_end++) {
        int axis = out->rank - from_end;
        int64_t x = from_end <= a->rank ? a->dim[a->rank - from_end] : 1,
                y = from_end <= b->rank ? b->dim[b->rank - from_end] : 1;
        out->dim[axis] = from_end == 1 ? y : from_end == 2 ? x : x == 1 ? y : x;
        out->stride[axis] = step;
        step *= out->dim[axis];
    }
    return true;
}

static c2s_status matmul_prepare(c2s_step *step) {
    c2s_matrices side[2], c;
    bool vectors = false;
    for (unsigned i = 0; i < 2; i++) {
        const c2s_type *type = c2s_step_type(step, i);
        if (type->rank > 1) {
            C2S_TRY(c2s_matrices_take(step, i, &side[i]));
            continue;
        }
        C2S_TRY(c2s_step_take(step, i, NULL));
        as_matrix(type, i == 1, &side[i]);
        vectors = true;
    }
    c2s_product p;
    bool fits = result_of(&side[0], &side[1], &c);
    if (!vectors)
        C2S_TRY(c2s_matrices_give(step, &c));
    else
        C2S_TRY(c2s_step_give(step, 0, NULL));
    if (!fits || !c2s_product_of(&side[0], &side[1], &c, &p))
        return c2s_fail(C2S_ERR_UNSUPPORTED, "the extents do not fit");
    if (vectors && step->post_count) /* their operands count the axes of the result */
        return c2s_fail(C2S_ERR_UNSUPPORTED, "a vector has no post-operations");
    return finish(step, &p);
}

/* ---- Gemm ---- */

static bool gemm_accepts(const c2s_step *step) {
    return is_ours(step) && c2s_step_type(step, 0)->rank == 2 &&
           c2s_step_type(step, 1)->rank == 2 &&
           (!c2s_step_has(step, 2) || c2s_dnnl_accepts(c2s_step_type(step, 2)));
}

/* alpha * a b + beta * c: the sum is scaled as a whole where both are equal. */
static c2s_status add_bias(c2s_step *step, c2s_product *p) {
    float alpha = c2s_attr_float(step->node, "alpha", 1),
          beta = c2s_attr_float(step->node, "beta", 1);
    bool has_c = c2s_step_has(step, 2) && beta != 0, whole = alpha == beta;
    const c2s_post scale = {.kind = dnnl_eltwise_linear, .alpha = alpha, .factor = 1},
                   add = {.kind = dnnl_binary_add, .binary = true, .factor = whole ? alpha : 1};
    if (has_c && !whole && beta != 1)
        return c2s_fail(C2S_ERR_UNSUPPORTED, "alpha and beta differ");
    if (alpha != 1 && !(has_c && whole))
        C2S_TRY(c2s_product_add(p, &scale, 0, NULL));
    if (!has_c)
        return C2S_OK;
    C2S_TRY(c2s_step_take(step, 2, NULL));
    return c2s_product_add(p, &add, 2, c2s_step_type(step, 2));
}

static c2s_status gemm_prepare(c2s_step *step) {
    static const char *const flag[2] = {"transA", "transB"};
    c2s_matrices side[2], c;
    for (unsigned i = 0; i < 2; i++) {
        C2S_TRY(c2s_matrices_take(step, i, &side[i]));
        if (c2s_attr_int(step->node, flag[i], 0))
            c2s_matrices_transpose(&side[i]);
    }
    c2s_product p;
    C2S_TRY(c2s_matrices_give(step, &c));
    if (!c2s_product_of(&side[0], &side[1], &c, &p))
        return c2s_fail(C2S_ERR_UNSUPPORTED, "the extents do not fit");
    C2S_TRY(add_bias(step, &p));
    return finish(step, &p);
}

/* ---- both ---- */

static c2s_status run(c2s_step *step) {
    return c2s_product_run(step->state, step);
}

static void release(c2s_step *step) {
    c2s_product_free(step->state);
    free(step->state);
    step->state = NULL;
}

const c2s_kernel_family c2s_kernels_matmul = {
    .name = "matmul",
    .flags = C2S_KERNEL_POSTS | C2S_KERNEL_LAYOUTS | C2S_KERNEL_KEEPS_NAN,
    .accepts = matmul_accepts,
    .prepare = matmul_prepare,
    .run = run,
    .release = release,
};

const c2s_kernel_family c2s_kernels_gemm = {
    .name = "gemm",
    .flags = C2S_KERNEL_POSTS | C2S_KERNEL_LAYOUTS | C2S_KERNEL_KEEPS_NAN,
    .accepts = gemm_accepts,
    .prepare = gemm_prepare,
    .run = run,
    .release = release,
};
