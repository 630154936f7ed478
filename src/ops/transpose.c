/* SPDX-License-Identifier: Apache-2.0
 *
 * Transpose, DepthToSpace, SpaceToDepth: elements in another order of axes.
 */
#include <inttypes.h>
#include <string.h>

#include "ops/contents.h"
#include "ops/elements.h"
#include "ops/infer_tensor.h"
#include "ops/strided_copy.h"
#include "ops/ties_rules.h"

/* ---- Transpose ---- */

/* perm, by default the axes reversed; a permutation, or the node is invalid. */
static c2s_status transpose_perm(const c2s_node *node, int rank, int *perm) {
    size_t count;
    const int64_t *given = c2s_attr_ints(node, "perm", &count);
    if (!given && !c2s_attr_has(node, "perm")) {
        for (int axis = 0; axis < rank; axis++)
            perm[axis] = rank - 1 - axis;
        return C2S_OK;
    }
    if (count != (size_t)rank)
        return c2s_fail(C2S_ERR_INVALID, "perm has %zu entries for an input of rank %d", count,
                        rank);
    return c2s_infer_axes(given, count, rank, perm);
}

static c2s_status transpose_infer(c2s_infer *i) {
    int perm[C2S_MAX_RANK];
    c2s_dim dim[C2S_MAX_RANK];
    C2S_TRY(c2s_infer_tensors(i, 1));
    const c2s_type *x = c2s_infer_type(i, 0);
    if (x->rank < 0) {
        size_t count;
        const int64_t *given = c2s_attr_ints(i->node, "perm", &count);
        return c2s_infer_output_rank(i, 0, x->dtype, given && count < 99 ? (int)count : -1);
    }
    C2S_TRY(transpose_perm(i->node, x->rank, perm));
    for (int axis = 0; axis < x->rank; axis++)
        dim[axis] = x->dim[perm[axis]];
    C2S_TRY(c2s_infer_output(i, 0, x->dtype, x->rank, dim));
    c2s_contents_keep(i);
    return C2S_OK;
}

static c2s_status transpose_eval(c2s_eval *e) {
    int perm[C2S_MAX_RANK];
    ptrdiff_t to[C2S_MAX_RANK], from[C2S_MAX_RANK];
    c2s_elements x, y;
    const c2s_type *type = &e->in[0]->type;
    C2S_TRY(transpose_perm(e->node, type->rank, perm));
    C2S_TRY(c2s_elements_open(e, &x, &y));
    c2s_strides_of(type, x.size, from);
    c2s_strides_of(&e->out[0]->type, y.size, to);
    c2s_strided plan = {.element = x.size};
    for (int axis = 0; axis < type->rank; axis++)
        c2s_strided_axis(&plan, (size_t)type->dim[perm[axis]], to[axis], from[perm[axis]]);
    c2s_strided_copy(&plan, y.data, x.data);
    return c2s_elements_end(e, &x, &y, C2S_OK);
}

static const c2s_attr_spec transpose_attrs[] = {{"perm", C2S_ATTR_INTS, false}, {0}};

const c2s_op c2s_op_transpose = {
    .type = "Transpose",
    .domain = "",
    .inputs = {1, 1},
    .outputs = {1, 1},
    .quant = C2S_QUANT_UNARY(SAME),
    .flags = C2S_OP_MOVES_DATA,
    .attrs = transpose_attrs,
    .ties = c2s_ties_transpose,
    .infer = transpose_infer,
    .eval = transpose_eval,
};

/* ---- DepthToSpace, SpaceToDepth ---- */

static c2s_status block_size(const c2s_node *node, int64_t *block) {
    *block = c2s_attr_int(node, "blocksize", 0);
    if (*block < 1 || *block > INT32_MAX)
        return c2s_fail(C2S_ERR_INVALID, "blocksize is %" PRId64 ", expected at least 1", *block);
    return C2S_OK;
}

/* a / b, which must leave no rest if both are known. */
static c2s_status exact_quotient(const c2s_infer *i, const char *what, c2s_dim a, c2s_dim b,
                                 c2s_dim *out) {
    if (c2s_dim_divides(i->dims, a, b, out))
        return C2S_OK;
    if (c2s_dim_is_known(a))
        return c2s_fail(C2S_ERR_INVALID, "%s %" PRId64 " is no multiple of %" PRId64, what, a, b);
    *out = c2s_dim_floordiv(i->dims, a, b);
    return C2S_OK;
}

static c2s_status depth_to_space_infer(c2s_infer *i) {
    int64_t block;
    c2s_dim dim[4];
    C2S_TRY(c2s_infer_tensors(i, 1));
    C2S_TRY(block_size(i->node, &block));
    const c2s_type *x = c2s_infer_type(i, 0);
    if (x->rank < 0)
        return c2s_infer_output_rank(i, 0, x->dtype, 4);
    if (x->rank != 4)
        return c2s_fail(C2S_ERR_INVALID, "input has rank %d, expected 4", x->rank);
    dim[0] = x->dim[0];
    C2S_TRY(exact_quotient(i, "channel count", x->dim[1], block * block, &dim[1]));
    dim[2] = c2s_dim_mul(i->dims, x->dim[2], block);
    dim[3] = c2s_dim_mul(i->dims, x->dim[3], block);
    return c2s_infer_output(i, 0, x->dtype, 4, dim);
}

static c2s_status space_to_depth_infer(c2s_infer *i) {
    int64_t block;
    c2s_dim dim[4];
    C2S_TRY(c2s_infer_tensors(i, 1));
    C2S_TRY(block_size(i->node, &block));
    const c2s_type *x = c2s_infer_type(i, 0);
    if (x->rank < 0)
        return c2s_infer_output_rank(i, 0, x->dtype, 4);
    if (x->rank != 4)
        return c2s_fail(C2S_ERR_INVALID, "input has rank %d, expected 4", x->rank);
    dim[0] = x->dim[0];
    dim[1] = c2s_dim_mul(i->dims, x->dim[1], block * block);
    C2S_TRY(exact_quotient(i, "height", x->dim[2], block, &dim[2]));
    C2S_TRY(exact_quotient(i, "width", x->dim[3], block, &dim[3]));
    return c2s_infer_output(i, 0, x->dtype, 4, dim);
}

/* Both operators read the wide image as [n, c, h, block row, w, block column]. `deep` holds the
 * blocks in its channels: [n, block row, block column, c, h, w], or [n, c, block row, block column,
 * h, w] with channels first (mode CRD). */
static void block_strides(const c2s_type *deep, size_t element, int64_t block, bool channels_first,
                          const c2s_type *wide, size_t extent[6], ptrdiff_t in_deep[6],
                          ptrdiff_t in_wide[6]) {
    size_t b = (size_t)block, h = (size_t)deep->dim[2], w = (size_t)deep->dim[3];
    size_t c = (size_t)wide->dim[1], extents[6] = {(size_t)deep->dim[0], c, h, b, w, b};
    ptrdiff_t size = (ptrdiff_t)element, plane = (ptrdiff_t)(h * w) * size;
    ptrdiff_t row = (ptrdiff_t)(w * b) * size, blocks = (ptrdiff_t)(b * b);
    ptrdiff_t channel = channels_first ? blocks * plane : plane;
    ptrdiff_t block_column = channels_first ? plane : (ptrdiff_t)c * plane;
    ptrdiff_t deep_strides[6] = {(ptrdiff_t)c * blocks * plane, channel, (ptrdiff_t)w * size,
                                 (ptrdiff_t)b * block_column,   size,    block_column};
    ptrdiff_t wide_strides[6] = {(ptrdiff_t)c * blocks * plane,
                                 blocks * plane,
                                 (ptrdiff_t)b * row,
                                 row,
                                 (ptrdiff_t)b * size,
                                 size};
    memcpy(extent, extents, sizeof extents);
    memcpy(in_deep, deep_strides, sizeof deep_strides);
    memcpy(in_wide, wide_strides, sizeof wide_strides);
}

static c2s_status block_eval(c2s_eval *e, bool to_space) {
    size_t extent[6];
    ptrdiff_t deep[6], wide[6];
    c2s_elements x, y;
    int64_t block;
    C2S_TRY(block_size(e->node, &block));
    bool channels_first = to_space && strcmp(c2s_attr_string(e->node, "mode", "DCR"), "CRD") == 0;
    C2S_TRY(c2s_elements_open(e, &x, &y));
    if (!y.count)
        return c2s_elements_end(e, &x, &y, C2S_OK);
    const c2s_type *in = &e->in[0]->type, *out = &e->out[0]->type;
    block_strides(to_space ? in : out, x.size, block, channels_first, to_space ? out : in, extent,
                  deep, wide);
    c2s_strided plan = {.element = x.size};
    for (int axis = 0; axis < 6; axis++)
        c2s_strided_axis(&plan, extent[axis], to_space ? wide[axis] : deep[axis],
                         to_space ? deep[axis] : wide[axis]);
    c2s_strided_copy(&plan, y.data, x.data);
    return c2s_elements_end(e, &x, &y, C2S_OK);
}

static c2s_status depth_to_space_eval(c2s_eval *e) {
    return block_eval(e, true);
}

static c2s_status space_to_depth_eval(c2s_eval *e) {
    return block_eval(e, false);
}

static const c2s_attr_spec depth_to_space_attrs[] = {
    {"blocksize", C2S_ATTR_INT, true}, {"mode", C2S_ATTR_STRING, false}, {0}};

const c2s_op c2s_op_depth_to_space = {
    .type = "DepthToSpace",
    .domain = "",
    .inputs = {1, 1},
    .outputs = {1, 1},
    .quant = C2S_QUANT_UNARY(SAME),
    .flags = C2S_OP_MOVES_DATA,
    .attrs = depth_to_space_attrs,
    .ties = c2s_ties_depth_to_space,
    .infer = depth_to_space_infer,
    .eval = depth_to_space_eval,
};

static const c2s_attr_spec space_to_depth_attrs[] = {
    {"blocksize", C2S_ATTR_INT, true}, {"mode", C2S_ATTR_STRING, false}, {0}};

const c2s_op c2s_op_space_to_depth = {
    .type = "SpaceToDepth",
    .domain = "",
    .inputs = {1, 1},
    .outputs = {1, 1},
    .quant = C2S_QUANT_UNARY(SAME),
    .flags = C2S_OP_MOVES_DATA,
    .attrs = space_to_depth_attrs,
    .ties = c2s_ties_space_to_depth,
    .infer = space_to_depth_infer,
    .eval = space_to_depth_eval,
};
