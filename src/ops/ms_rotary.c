/* SPDX-License-Identifier: Apache-2.0
 *
 * com.microsoft: RotaryEmbedding, by that of ai.onnx.
 */
#include "ops/ms_attention_parts.h"
#include "ops/ties_rules.h"

enum { X, POSITIONS, COS, SIN };

/* One position is that of the first element of every sequence: positions [batch, length]. */
static c2s_value *positions_from(c2s_composite *c, c2s_value *x, c2s_value *first) {
    c2s_value *shape[2] = {c2s_composite_extent(c, x, 0),
                           c2s_composite_extent(c, x, c2s_composite_rank(x) == 4 ? 2 : 1)};
    return C2S_APPLY(c, "Add", c2s_ms_counted(c, c2s_composite_concat(c, shape, 2, 0), 1), first);
}

static void rotary(c2s_composite *c) {
    const c2s_node *written = c2s_composite_node(c);
    c2s_value *x = c2s_composite_in(c, X), *positions = c2s_composite_in(c, POSITIONS);
    c2s_value *cosine = c2s_composite_in(c, COS);
    int64_t heads = c2s_attr_int(written, "num_heads", 0);
    if (c2s_attr_int(written, "is_packed_batching", 0) != 0)
        c2s_composite_fail(c, c2s_fail(C2S_ERR_UNSUPPORTED, "packed batches are not supported"));
    if (!c2s_composite_known(x) || !c2s_composite_known(positions) || !c2s_composite_known(cosine))
        return;
    if (cosine->type.rank != 2 || (x->type.rank != 3 && x->type.rank != 4))
        c2s_composite_fail(c, c2s_fail(C2S_ERR_INVALID,
                                       "the input has rank %d and the cache rank %d, expected 3 or "
                                       "4 and 2",
                                       x->type.rank, cosine->type.rank));
    else if (x->type.rank == 3 && heads == 0 && c2s_dim_is_known(x->type.dim[2]) &&
             c2s_dim_is_known(cosine->type.dim[1]) && cosine->type.dim[1] > 0)
        heads = x->type.dim[2] / cosine->type.dim[1] / 2;
    if (positions->type.rank < 2)
        positions = positions_from(c, x, positions);
    c2s_node *node =
        C2S_START(c, "RotaryEmbedding", x, cosine, c2s_composite_in(c, SIN), positions);
    c2s_composite_attributes(c, node);
    if (node)
        c2s_attr_set_int(node, "num_heads", heads);
    c2s_value *y = c2s_composite_finish(c, node);
    const double scale = (double)c2s_attr_float(written, "scale", 1.0f);
    if (y && scale != 1.0)
        y = C2S_APPLY(c, "Mul", y, c2s_composite_scalar(c, y->type.dtype, scale));
    c2s_composite_out(c, 0, y);
}

static const c2s_attr_spec rotary_attrs[] = {
    {"interleaved", C2S_ATTR_INT, false}, {"is_packed_batching", C2S_ATTR_INT, false},
    {"num_heads", C2S_ATTR_INT, false},   {"rotary_embedding_dim", C2S_ATTR_INT, false},
    {"scale", C2S_ATTR_FLOAT, false},     {0}};
const c2s_op c2s_op_ms_rotary_embedding = {
    .type = "RotaryEmbedding",
    .domain = "com.microsoft",
    .inputs = {4, 4},
    .outputs = {1, 1},
    .quant = C2S_QUANT_UNARY(FLOAT),
    .attrs = rotary_attrs,
    .ties = c2s_ties_ms_rotary,
    .refit = c2s_refit_rotary,
    C2S_DEFINED_BY(rotary),
};
