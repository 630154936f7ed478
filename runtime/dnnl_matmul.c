/* SPDX-License-Identifier: Apache-2.0
 *
 * MatMul and Gemm.
 */
#include <string.h>

#include "runtime/dnnl_primitive.h"
#include "runtime/post_ops.h"

/* dst[batch.., m, n] = scale * (a[batch.., m, k] x b[batch.., k, n] + c[.., n or m, n]) */
typedef struct product {
    int rank;
    int64_t a[DNNL_MAX_NDIMS], b[DNNL_MAX_NDIMS], dst[DNNL_MAX_NDIMS];
    bool a_transposed, b_transposed; /* the last two axes lie in memory the other way round */
    bool has_c;
    int64_t c[2];
    float scale;
} product;

/* ---- MatMul ---- */

static int64_t extent(const c2s_type *type, int from_end) {
    return from_end <= type->rank ? type->dim[type->rank - from_end] : 1;
}

/* All batch axes of a before a 2-D b are rows of a. */
static void flatten_rows(product *p, int64_t rows) {
    p->a[0] = p->dst[0] = rows;
    p->a[1] = p->a[p->rank - 1];
    p->b[0] = p->b[p->rank - 2];
    p->b[1] = p->dst[1] = p->b[p->rank - 1];
    p->rank = 2;
}

/* Equal batch axes become one. */
static void merge_batch(product *p) {
    int64_t batch = 1;
    for (int i = 0; i < p->rank - 2; i++) {
        if (p->a[i] != p->b[i])
            return;
        batch *= p->a[i];
    }
    int last = p->rank - 2;
    int64_t *side[3] = {p->a, p->b, p->dst};
    for (int i = 0; i < 3; i++) {
        int64_t rows = side[i][last], columns = side[i][last + 1];
        side[i][0] = batch;
        side[i][1] = rows;
        side[i][2] = columns;
    }
    p->rank = 3;
}

static bool describe_matmul(const c2s_step *step, product *p) {
    c2s_type a = *c2s_step_type(step, 0), b = *c2s_step_type(step, 1);
    if (!c2s_step_wants(step, 0) || !c2s_dnnl_accepts(&a) || !c2s_dnnl_accepts(&b) ||
        !c2s_dnnl_accepts(&step->out[0]->type) || a.rank < 1 || b.rank < 1)
        return false;
    if (a.rank == 1) {
        a.rank = 2;
        a.dim[1] = a.dim[0];
        a.dim[0] = 1;
    }
    if (b.rank == 1) {
        b.rank = 2;
        b.dim[1] = 1;
    }
    *p = (product){.rank = a.rank > b.rank ? a.rank : b.rank, .scale = 1};
    int64_t rows = 1;
    for (int i = 0; i < p->rank; i++) {
        int from_end = p->rank - i;
        p->a[i] = extent(&a, from_end);
        p->b[i] = extent(&b, from_end);
        if (from_end > 2 && p->a[i] != p->b[i] && p->a[i] != 1 && p->b[i] != 1)
            return false;
        p->dst[i] = p->a[i] == 1 || from_end == 1 ? p->b[i] : p->a[i];
        if (from_end == 2)
            p->dst[i] = p->a[i];
        if (from_end > 1)
            rows *= p->a[i];
    }
    if (p->a[p->rank - 1] != p->b[p->rank - 2])
        return false;
    if (p->rank > 2 && b.rank == 2)
        flatten_rows(p, rows);
    else if (p->rank > 3)
        merge_batch(p);
    return true;
}

/* ---- Gemm ---- */

static bool describe_gemm(const c2s_step *step, product *p) {
    const c2s_type *a = c2s_step_type(step, 0), *b = c2s_step_type(step, 1);
    const c2s_type *c = c2s_step_type(step, 2);
    if (!c2s_step_wants(step, 0) || !c2s_dnnl_accepts(a) || !c2s_dnnl_accepts(b) ||
        !c2s_dnnl_accepts(&step->out[0]->type) || a->rank != 2 || b->rank != 2)
        return false;
    float alpha = c2s_attr_float(step->node, "alpha", 1),
          beta = c2s_attr_float(step->node, "beta", 1);
    *p = (product){.rank = 2,
                   .a_transposed = c2s_attr_int(step->node, "transA", 0) != 0,
                   .b_transposed = c2s_attr_int(step->node, "transB", 0) != 0,
                   .has_c = c2s_step_has(step, 2) && beta != 0,
                   .scale = alpha};
    for (int i = 0; i < 2; i++) {
        p->a[i] = a->dim[p->a_transposed ? 1 - i : i];
        p->b[i] = b->dim[p->b_transposed ? 1 - i : i];
        p->dst[i] = step->out[0]->type.dim[i];
    }
    if (p->a[1] != p->b[0] || p->dst[0] != p->a[0] || p->dst[1] != p->b[1])
        return false;
    if (!p->has_c)
        return true;
    if (alpha != beta || !c2s_dnnl_accepts(c) || c->rank > 2)
        return false;
    p->c[0] = extent(c, 2);
    p->c[1] = extent(c, 1);
    return (p->c[0] == 1 || p->c[0] == p->dst[0]) && (p->c[1] == 1 || p->c[1] == p->dst[1]);
}

/* ---- both ---- */

typedef struct product_mds {
    c2s_md a, b, b_any, c, dst;
} product_mds;

static c2s_status matrix_md(c2s_md *out, int rank, const int64_t *dims, bool transposed) {
    int64_t strides[DNNL_MAX_NDIMS], step = dims[rank - 2] * dims[rank - 1];
    strides[rank - 2] = transposed ? 1 : dims[rank - 1];
    strides[rank - 1] = transposed ? dims[rank - 2] : 1;
    for (int i = rank - 3; i >= 0; i--) {
        strides[i] = step;
        step *= dims[i];
    }
    return c2s_dnnl_check(c2s_md_strided(out, rank, dims, strides, dnnl_f32), "matrix");
}

static c2s_status make_mds(const c2s_step *step, const product *p, product_mds *md) {
    C2S_TRY(matrix_md(&md->a, p->rank, p->a, p->a_transposed));
    C2S_TRY(matrix_md(&md->b, p->rank, p->b, p->b_transposed));
    if (c2s_step_constant(step, 1))
        C2S_TRY(c2s_dnnl_check(c2s_md_any(&md->b_any, p->rank, p->b, dnnl_f32), "matrix"));
    if (p->has_c)
        C2S_TRY(c2s_md_plain(&md->c, 2, p->c));
    return c2s_md_plain(&md->dst, p->rank, p->dst);
}

/* A row is oneDNN's bias; other forms of C and the scale are post-operations. */
static bool c_is_row(const product *p) {
    return p->has_c && p->c[0] == 1 && p->c[1] == p->dst[1];
}

static int own_posts(const product *p) {
    return (p->has_c && !c_is_row(p)) + (p->scale != 1);
}

static c2s_post_target target_of(const product *p) {
    return (c2s_post_target){.rank = p->rank, .dims = p->dst, .channel = p->rank - 1};
}

static c2s_status attributes(const c2s_step *step, const product *p, const product_mds *md,
                             dnnl_primitive_attr_t *out) {
    dnnl_post_ops_t ops = NULL;
    dnnl_status_t status = dnnl_post_ops_create(&ops);
    if (status == dnnl_success && p->has_c && !c_is_row(p))
        status = dnnl_post_ops_append_binary(ops, dnnl_binary_add, md->c);
    if (status == dnnl_success && p->scale != 1)
        status = c2s_post_ops_eltwise(ops, dnnl_eltwise_linear, p->scale, 0);
    c2s_post_target target = target_of(p);
    c2s_status result = c2s_dnnl_check(status, "post-operations");
    if (result == C2S_OK)
        result = c2s_posts_append(step, &target, ops);
    if (result == C2S_OK)
        result = c2s_dnnl_attr_of(step, ops, out);
    if (ops)
        dnnl_post_ops_destroy(ops);
    return result;
}

static c2s_status bind(c2s_step *step, const product *p, const product_mds *md,
                       c2s_primitive *primitive) {
    C2S_TRY(c2s_primitive_input(primitive, step, DNNL_ARG_SRC, 0, md->a));
    C2S_TRY(c2s_primitive_input(primitive, step, DNNL_ARG_WEIGHTS, 1, md->b));
    if (p->has_c)
        C2S_TRY(c2s_primitive_input(
            primitive, step,
            c_is_row(p) ? DNNL_ARG_BIAS : DNNL_ARG_ATTR_MULTIPLE_POST_OP(0) | DNNL_ARG_SRC_1, 2,
            md->c));
    c2s_post_target target = target_of(p);
    C2S_TRY(c2s_posts_bind(primitive, step, &target, own_posts(p)));
    return c2s_primitive_output(primitive, step, DNNL_ARG_DST, 0, md->dst);
}

static c2s_status build(c2s_step *step, const product *p, const product_mds *md) {
    dnnl_primitive_attr_t attr;
    dnnl_primitive_desc_t pd = NULL;
    c2s_primitive *primitive;
    C2S_TRY(attributes(step, p, md, &attr));
    c2s_status status = c2s_dnnl_check(c2s_pd_matmul(&pd, c2s_dnnl_engine(step->dnnl), md->a,
                                                     md->b_any ? md->b_any : md->b,
                                                     c_is_row(p) ? md->c : NULL, md->dst, attr),
                                       "matmul");
    dnnl_primitive_attr_destroy(attr);
    C2S_TRY(status);
    C2S_TRY(c2s_primitive_create(step->dnnl, pd, &primitive));
    status = bind(step, p, md, primitive);
    if (status == C2S_OK)
        step->state = primitive;
    else
        c2s_primitive_destroy(primitive);
    return status;
}

static c2s_status prepare(c2s_step *step, const product *p) {
    product_mds md = {0};
    c2s_status status = make_mds(step, p, &md);
    if (status == C2S_OK)
        status = build(step, p, &md);
    c2s_md_free(md.a);
    c2s_md_free(md.b);
    c2s_md_free(md.b_any);
    c2s_md_free(md.c);
    c2s_md_free(md.dst);
    return status;
}

static bool matmul_accepts(const c2s_step *step) {
    product p;
    return describe_matmul(step, &p);
}

static c2s_status matmul_prepare(c2s_step *step) {
    product p;
    return describe_matmul(step, &p) ? prepare(step, &p)
                                     : c2s_fail(C2S_ERR_UNSUPPORTED, "unexpected types");
}

static bool gemm_accepts(const c2s_step *step) {
    product p;
    return describe_gemm(step, &p);
}

static c2s_status gemm_prepare(c2s_step *step) {
    product p;
    return describe_gemm(step, &p) ? prepare(step, &p)
                                   : c2s_fail(C2S_ERR_UNSUPPORTED, "unexpected types");
}

const c2s_kernel_family c2s_kernels_dnnl_matmul = {
    .name = "dnnl_matmul",
    .flags = C2S_KERNEL_POSTS,
    .accepts = matmul_accepts,
    .prepare = matmul_prepare,
    .run = c2s_primitive_run_state,
    .release = c2s_primitive_release,
};

const c2s_kernel_family c2s_kernels_dnnl_gemm = {
    .name = "dnnl_gemm",
    .flags = C2S_KERNEL_POSTS,
    .accepts = gemm_accepts,
    .prepare = gemm_prepare,
    .run = c2s_primitive_run_state,
    .release = c2s_primitive_release,
};
