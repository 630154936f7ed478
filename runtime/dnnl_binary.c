/* SPDX-License-Identifier: Apache-2.0
 *
 * Add, Sub, Mul, Div, Min and Max of two float tensors, the second of which may be broadcast.
 */
#include <string.h>

#include "runtime/dnnl_primitive.h"

typedef struct binary {
    dnnl_alg_kind_t kind;
    bool swapped;
    int rank;
    int64_t full[DNNL_MAX_NDIMS], other[DNNL_MAX_NDIMS]; /* other: full's extent or 1 */
} binary;

static bool find_kind(const char *op, dnnl_alg_kind_t *kind, bool *commutes) {
    static const struct {
        const char *op;
        dnnl_alg_kind_t kind;
        bool commutes;
    } rows[] = {
        {"Add", dnnl_binary_add, true}, {"Div", dnnl_binary_div, false},
        {"Max", dnnl_binary_max, true}, {"Min", dnnl_binary_min, true},
        {"Mul", dnnl_binary_mul, true}, {"Sub", dnnl_binary_sub, false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (strcmp(rows[i].op, op) == 0) {
            *kind = rows[i].kind;
            *commutes = rows[i].commutes;
            return true;
        }
    return false;
}

static int64_t extent(const c2s_type *type, int from_end) {
    return from_end <= type->rank ? type->dim[type->rank - from_end] : 1;
}

/* Joins neighbouring axes that are broadcast alike. False if `full` is broadcast, too. */
static bool collapse(const c2s_type *full, const c2s_type *other, const c2s_type *out, binary *b) {
    b->rank = 0;
    for (int i = 0; i < out->rank; i++) {
        int64_t dim = out->dim[i];
        int64_t x = extent(full, out->rank - i), y = extent(other, out->rank - i);
        if (x != dim || (y != dim && y != 1))
            return false;
        if (dim == 1)
            continue;
        int last = b->rank - 1;
        if (last >= 0 && (b->other[last] == 1) == (y == 1)) {
            b->full[last] *= dim;
            b->other[last] *= y;
            continue;
        }
        b->full[b->rank] = dim;
        b->other[b->rank++] = y;
    }
    if (b->rank == 0)
        b->full[0] = b->other[0] = b->rank = 1;
    return true;
}

static bool describe(const c2s_step *step, binary *b) {
    const c2s_type *x = c2s_step_type(step, 0), *y = c2s_step_type(step, 1);
    bool commutes;
    if (step->node->formal_count != 2 || !c2s_step_wants(step, 0) || !c2s_dnnl_accepts(x) ||
        !c2s_dnnl_accepts(y) || !c2s_dnnl_accepts(&step->out[0]->type) ||
        !find_kind(step->node->type, &b->kind, &commutes))
        return false;
    const c2s_type *out = &step->out[0]->type;
    b->swapped = false;
    if (collapse(x, y, out, b))
        return true;
    b->swapped = true;
    return commutes && collapse(y, x, out, b);
}

static bool binary_accepts(const c2s_step *step) {
    binary b;
    return describe(step, &b);
}

static c2s_status build(c2s_step *step, const binary *b, c2s_const_md full, c2s_const_md other) {
    dnnl_primitive_desc_t pd;
    c2s_primitive *p;
    C2S_TRY(c2s_dnnl_check(c2s_pd_binary(&pd, c2s_dnnl_engine(step->dnnl), b->kind, full, other,
                                         full, c2s_dnnl_attr(step->dnnl)),
                           "binary"));
    if (c2s_pd_is_plain(pd)) {
        dnnl_primitive_desc_destroy(pd);
        return c2s_fail(C2S_ERR_UNSUPPORTED, "oneDNN has no fast code for this broadcast");
    }
    C2S_TRY(c2s_primitive_create(step->dnnl, pd, &p));
    c2s_status status = c2s_primitive_input(p, step, DNNL_ARG_SRC_0, b->swapped ? 1 : 0, full);
    if (status == C2S_OK)
        status = c2s_primitive_input(p, step, DNNL_ARG_SRC_1, b->swapped ? 0 : 1, other);
    if (status == C2S_OK)
        status = c2s_primitive_output(p, DNNL_ARG_DST, 0, full);
    if (status == C2S_OK)
        step->state = p;
    else
        c2s_primitive_destroy(p);
    return status;
}

static c2s_status binary_prepare(c2s_step *step) {
    binary b;
    c2s_md full = NULL, other = NULL;
    if (!describe(step, &b))
        return c2s_fail(C2S_ERR_UNSUPPORTED, "unexpected types");
    c2s_status status = c2s_md_plain(&full, b.rank, b.full);
    if (status == C2S_OK)
        status = c2s_md_plain(&other, b.rank, b.other);
    if (status == C2S_OK)
        status = build(step, &b, full, other);
    c2s_md_free(full);
    c2s_md_free(other);
    return status;
}

/* The library's comparisons drop NaN. */
static bool binary_finite_only(const c2s_step *step) {
    return step->node->op == &c2s_op_max || step->node->op == &c2s_op_min;
}

const c2s_kernel_family c2s_kernels_dnnl_binary = {
    .name = "dnnl_binary",
    .accepts = binary_accepts,
    .prepare = binary_prepare,
    .run = c2s_primitive_run_state,
    .release = c2s_primitive_release,
    .finite_only = binary_finite_only,
};
