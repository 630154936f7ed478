/* SPDX-License-Identifier: Apache-2.0
 *
 * Add, Sub, Mul, Div, Min and Max of two float tensors, the second of which may be broadcast.
 */
#include <string.h>

#include "runtime/dnnl_binary.h"
#include "runtime/dnnl_processor.h"
#include "runtime/layout.h"
#include "runtime/post_ops.h"

typedef struct binary {
    dnnl_alg_kind_t kind;
    bool swapped;
    int rank;
    int64_t full[DNNL_MAX_NDIMS], other[DNNL_MAX_NDIMS]; /* other: full's extent or 1 */
} binary;

bool c2s_binary_of(const char *op, dnnl_alg_kind_t *kind, bool *commutes) {
    static const struct {
        const char *op;
        dnnl_alg_kind_t kind;
        bool commutes;
    } rows[] = {
        {"Add", dnnl_binary_add, true}, {"Div", dnnl_binary_div, false},
        {"Max", dnnl_binary_max, true}, {"Min", dnnl_binary_min, true},
        {"Mul", dnnl_binary_mul, true}, {"Sub", dnnl_binary_sub, false},
        {"Sum", dnnl_binary_add, true},
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
        !c2s_binary_of(step->node->type, &b->kind, &commutes))
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

/* Descriptors of the primitive, and whether they have the slots' own axes. */
typedef struct binary_mds {
    c2s_md full, other;
    bool own_axes;
} binary_mds;

static c2s_status describe_pd(const c2s_step *step, const binary *b, const binary_mds *md,
                              const c2s_post_target *target, dnnl_primitive_desc_t *pd) {
    dnnl_primitive_attr_t attr;
    C2S_TRY(c2s_posts_attr(step, target, &attr));
    c2s_status status = c2s_dnnl_check(c2s_pd_binary(pd, c2s_dnnl_engine(step->dnnl), b->kind,
                                                     md->full, md->other, md->full, attr),
                                       "binary");
    dnnl_primitive_attr_destroy(attr);
    C2S_TRY(status);
    if (!c2s_pd_is_plain(*pd))
        return C2S_OK;
    dnnl_primitive_desc_destroy(*pd);
    return c2s_fail(C2S_ERR_UNSUPPORTED, "oneDNN has no fast code for this broadcast");
}

/* Row-major descriptions of the slots are what the primitive's binding starts from. */
static c2s_status bind_operand(c2s_primitive *p, c2s_step *step, int arg, unsigned input,
                               const binary_mds *md, c2s_const_md collapsed) {
    if (!md->own_axes)
        return c2s_primitive_input(p, step, arg, input, collapsed);
    c2s_md plain;
    C2S_TRY(c2s_md_of(&plain, &step->in[input]->type));
    bool row_major = dnnl_memory_desc_equal(plain, collapsed);
    c2s_md_free(plain);
    C2S_TRY(c2s_step_take(step, input, row_major ? NULL : collapsed));
    return c2s_primitive_form(p, arg, false, input, collapsed);
}

static c2s_status bind(c2s_primitive *p, c2s_step *step, const binary *b, const binary_mds *md,
                       const c2s_post_target *target) {
    C2S_TRY(bind_operand(p, step, DNNL_ARG_SRC_0, b->swapped ? 1 : 0, md, md->full));
    C2S_TRY(bind_operand(p, step, DNNL_ARG_SRC_1, b->swapped ? 0 : 1, md, md->other));
    C2S_TRY(c2s_posts_bind(p, step, target, 0));
    if (!md->own_axes)
        return c2s_primitive_output(p, step, DNNL_ARG_DST, 0, md->full);
    C2S_TRY(c2s_step_give(step, 0, md->full));
    return c2s_primitive_form(p, DNNL_ARG_DST, true, 0, md->full);
}

static c2s_status build(c2s_step *step, const binary *b, const binary_mds *md) {
    dnnl_primitive_desc_t pd;
    c2s_primitive *p;
    const c2s_type *type = &step->out[0]->type;
    c2s_post_target target = {.rank = b->rank, .dims = b->full, .channel = b->rank - 1};
    if (md->own_axes)
        target = (c2s_post_target){type->rank, type->dim, type->rank > 1, md->full};
    C2S_TRY(describe_pd(step, b, md, &target, &pd));
    C2S_TRY(c2s_primitive_create(step->dnnl, pd, &p));
    c2s_status status = bind(p, step, b, md, &target);
    if (status == C2S_OK)
        step->state = p;
    else
        c2s_primitive_destroy(p);
    return status;
}

/* In the layout of the first input that has one, if the other can follow: it has all elements, or
 * one a channel. */
static c2s_status describe_in_layout(const c2s_step *step, const binary *b, binary_mds *md) {
    const c2s_slot *full = step->in[b->swapped ? 1 : 0], *other = step->in[b->swapped ? 0 : 1];
    c2s_const_md layout = c2s_step_layout(step, b->swapped ? 1 : 0);
    bool same = c2s_type_equal(&full->type, &other->type);
    if (!layout && same)
        layout = c2s_step_layout(step, b->swapped ? 0 : 1);
    if (!layout || !c2s_type_equal(&full->type, &step->out[0]->type))
        return c2s_fail(C2S_ERR_UNSUPPORTED, "the inputs are row-major");
    md->own_axes = true;
    C2S_TRY(c2s_dnnl_check(c2s_md_clone(&md->full, layout), "descriptor"));
    if (same)
        return c2s_dnnl_check(c2s_md_clone(&md->other, layout), "descriptor");
    int64_t dims[DNNL_MAX_NDIMS];
    for (int i = 0; i < full->type.rank; i++) {
        dims[i] = extent(&other->type, full->type.rank - i);
        if (dims[i] != 1 && i != 1)
            return c2s_fail(C2S_ERR_UNSUPPORTED, "an input is broadcast in another way");
    }
    if (other->type.rank != full->type.rank) /* its own axes are fewer */
        return c2s_fail(C2S_ERR_UNSUPPORTED, "an input has fewer axes");
    return c2s_md_plain(&md->other, full->type.rank, dims);
}

static void free_mds(binary_mds *md) {
    c2s_md_free(md->full);
    c2s_md_free(md->other);
    *md = (binary_mds){0};
}

/* Behind a result in blocks of channels, the library takes each block for one of its vectors, which
 * before AVX2 are shorter. */
static bool posts_miss_channels(const c2s_step *step) {
    int64_t vector = c2s_processor_has_avx512() ? 16 : c2s_processor_has_avx2() ? 8 : 4;
    for (unsigned input = 0; input < 2 && step->post_count > 0; input++) {
        c2s_const_md layout = c2s_step_layout(step, input);
        int64_t block = c2s_layout_block(layout, c2s_step_type(step, input));
        if ((block == 8 || block == 16) && block != vector)
            return true;
    }
    return false;
}

static c2s_status binary_prepare(c2s_step *step) {
    binary b;
    binary_mds md = {0};
    if (!describe(step, &b))
        return c2s_fail(C2S_ERR_UNSUPPORTED, "unexpected types");
    if (posts_miss_channels(step))
        return c2s_fail(C2S_ERR_UNSUPPORTED, "post-operations in blocks of channels want AVX2");
    c2s_status status = describe_in_layout(step, &b, &md);
    if (status == C2S_OK)
        status = build(step, &b, &md);
    free_mds(&md);
    if (status == C2S_OK)
        return C2S_OK;
    c2s_error_clear();
    status = c2s_md_plain(&md.full, b.rank, b.full);
    if (status == C2S_OK)
        status = c2s_md_plain(&md.other, b.rank, b.other);
    if (status == C2S_OK)
        status = build(step, &b, &md);
    free_mds(&md);
    return status;
}

/* The library's comparisons drop NaN. */
static bool binary_finite_only(const c2s_step *step) {
    return step->node->op == &c2s_op_max || step->node->op == &c2s_op_min;
}

const c2s_kernel_family c2s_kernels_dnnl_binary = {
    .name = "dnnl_binary",
    .flags = C2S_KERNEL_LAYOUTS | C2S_KERNEL_POSTS,
    .accepts = binary_accepts,
    .prepare = binary_prepare,
    .run = c2s_primitive_run_state,
    .release = c2s_primitive_release,
    .finite_only = binary_finite_only,
};
