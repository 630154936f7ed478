/* SPDX-License-Identifier: Apache-2.0
 *
 * ReduceSum, ReduceMean, ReduceProd, ReduceMax, ReduceMin of float tensors.
 */
#include <string.h>

#include "runtime/dnnl_primitive.h"

/* Longer sums in float, one after the other, are not as exact as ours. */
#define LONGEST_SUM 8192

typedef struct reduction {
    dnnl_alg_kind_t kind;
    int rank;
    int64_t src[DNNL_MAX_NDIMS], dst[DNNL_MAX_NDIMS];
} reduction;

static bool find_kind(const char *op, dnnl_alg_kind_t *kind) {
    static const struct {
        const char *op;
        dnnl_alg_kind_t kind;
    } rows[] = {
        {"ReduceMax", dnnl_reduction_max}, {"ReduceMean", dnnl_reduction_mean},
        {"ReduceMin", dnnl_reduction_min}, {"ReduceProd", dnnl_reduction_mul},
        {"ReduceSum", dnnl_reduction_sum},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (strcmp(rows[i].op, op) == 0) {
            *kind = rows[i].kind;
            return true;
        }
    return false;
}

/* Which axes go; false if they are not known here. */
static bool read_axes(const c2s_step *step, int rank, bool reduced[C2S_MAX_RANK]) {
    size_t count;
    const int64_t *axes = c2s_attr_ints(step->node, "axes", &count);
    if (c2s_step_has(step, 1)) {
        const c2s_tensor *tensor = c2s_step_constant(step, 1);
        if (!tensor || tensor->type.dtype != C2S_INT64)
            return false;
        axes = c2s_tensor_data(tensor);
        count = tensor->count;
    }
    bool all = count == 0;
    if (all && c2s_attr_int(step->node, "noop_with_empty_axes", 0) != 0)
        return false;
    for (int i = 0; i < rank; i++)
        reduced[i] = all;
    for (size_t k = 0; k < count; k++) {
        int64_t axis = axes[k] + (axes[k] < 0 ? rank : 0);
        if (axis < 0 || axis >= rank)
            return false;
        reduced[axis] = true;
    }
    return true;
}

static bool describe(const c2s_step *step, reduction *r) {
    const c2s_type *x = c2s_step_type(step, 0);
    bool reduced[C2S_MAX_RANK];
    if (!c2s_step_wants(step, 0) || !c2s_dnnl_accepts(x) ||
        !c2s_dnnl_accepts(&step->out[0]->type) || !find_kind(step->node->type, &r->kind) ||
        !read_axes(step, x->rank, reduced))
        return false;
    int64_t length = 1;
    r->rank = 0;
    for (int i = 0; i < x->rank; i++) {
        int last = r->rank - 1;
        if (x->dim[i] == 1)
            continue;
        length *= reduced[i] ? x->dim[i] : 1;
        if (last >= 0 && (r->dst[last] == 1) == reduced[i]) {
            r->src[last] *= x->dim[i];
            r->dst[last] *= reduced[i] ? 1 : x->dim[i];
            continue;
        }
        r->src[r->rank] = x->dim[i];
        r->dst[r->rank++] = reduced[i] ? 1 : x->dim[i];
    }
    return length > 1 && (length <= LONGEST_SUM || r->kind == dnnl_reduction_max ||
                          r->kind == dnnl_reduction_min);
}

static bool reduce_accepts(const c2s_step *step) {
    reduction r;
    return describe(step, &r);
}

static c2s_status build(c2s_step *step, const reduction *r, c2s_const_md src, c2s_const_md dst) {
    dnnl_primitive_desc_t pd;
    C2S_TRY(c2s_dnnl_check(c2s_pd_reduction(&pd, c2s_dnnl_engine(step->dnnl), r->kind, src, dst, 0,
                                            0, c2s_dnnl_attr(step->dnnl)),
                           "reduction"));
    if (c2s_pd_is_plain(pd)) {
        dnnl_primitive_desc_destroy(pd);
        return c2s_fail(C2S_ERR_UNSUPPORTED, "oneDNN has no fast code for these axes");
    }
    return c2s_primitive_unary(step, pd, src, dst);
}

static c2s_status reduce_prepare(c2s_step *step) {
    reduction r;
    c2s_md src = NULL, dst = NULL;
    if (!describe(step, &r))
        return c2s_fail(C2S_ERR_UNSUPPORTED, "unexpected types");
    c2s_status status = c2s_md_plain(&src, r.rank, r.src);
    if (status == C2S_OK)
        status = c2s_md_plain(&dst, r.rank, r.dst);
    if (status == C2S_OK)
        status = build(step, &r, src, dst);
    c2s_md_free(src);
    c2s_md_free(dst);
    return status;
}

const c2s_kernel_family c2s_kernels_dnnl_reduce = {
    .name = "dnnl_reduce",
    .accepts = reduce_accepts,
    .prepare = reduce_prepare,
    .run = c2s_primitive_run_state,
    .release = c2s_primitive_release,
    .finite_only = c2s_step_always,
};
