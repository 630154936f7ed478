/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/dnnl_compat.h"

#include <stdlib.h>
#include <string.h>

#include "runtime/dnnl_processor.h"

#define INFERENCE dnnl_forward_inference

static bool copy_blocks(c2s_md_blocks *out, const int64_t *dim, const int64_t *padded,
                        const int64_t *before, const int64_t *stride, const int64_t *block,
                        const int64_t *axis) {
    out->element = dnnl_data_type_size(out->type);
    for (int k = 0; k < out->rank; k++) {
        out->dim[k] = dim[k];
        out->padded[k] = padded[k];
        out->stride[k] = stride[k];
        if (before[k] != 0)
            return false;
    }
    for (int k = 0; k < out->block_count; k++) {
        out->block[k] = block[k];
        out->block_axis[k] = axis[k];
    }
    return out->element > 0;
}

#if DNNL_VERSION_MAJOR >= 3

dnnl_status_t c2s_md_strided(c2s_md *out, int rank, const int64_t *dims, const int64_t *strides,
                             dnnl_data_type_t type) {
    return dnnl_memory_desc_create_with_strides(out, rank, dims, type, strides);
}

dnnl_status_t c2s_md_tagged(c2s_md *out, int rank, const int64_t *dims, dnnl_data_type_t type,
                            dnnl_format_tag_t tag) {
    return dnnl_memory_desc_create_with_tag(out, rank, dims, type, tag);
}

dnnl_status_t c2s_md_clone(c2s_md *out, c2s_const_md md) {
    return dnnl_memory_desc_clone(out, md);
}

dnnl_status_t c2s_md_part(c2s_md *out, c2s_const_md whole, int rank, const int64_t *dims,
                          const int64_t *offsets) {
    (void)rank;
    return dnnl_memory_desc_create_submemory(out, whole, dims, offsets);
}

bool c2s_md_strides(c2s_const_md md, int64_t *strides) {
    dnnl_format_kind_t kind;
    const dnnl_dims_t *found;
    dnnl_dim_t start;
    int rank, inner;
    if (dnnl_memory_desc_query(md, dnnl_query_format_kind, &kind) != dnnl_success ||
        kind != dnnl_blocked ||
        dnnl_memory_desc_query(md, dnnl_query_inner_nblks_s32, &inner) != dnnl_success ||
        inner != 0 ||
        dnnl_memory_desc_query(md, dnnl_query_submemory_offset_s64, &start) != dnnl_success ||
        start != 0 || dnnl_memory_desc_query(md, dnnl_query_ndims_s32, &rank) != dnnl_success ||
        dnnl_memory_desc_query(md, dnnl_query_strides, &found) != dnnl_success)
        return false;
    memcpy(strides, *found, (size_t)rank * sizeof *strides);
    return true;
}

static bool query(c2s_const_md md, dnnl_query_t what, void *out) {
    return dnnl_memory_desc_query(md, what, out) == dnnl_success;
}

bool c2s_md_blocks_of(c2s_const_md md, c2s_md_blocks *out) {
    const dnnl_dims_t *dim, *padded, *before, *stride, *block, *axis;
    dnnl_format_kind_t kind;
    if (!query(md, dnnl_query_format_kind, &kind) || kind != dnnl_blocked ||
        !query(md, dnnl_query_ndims_s32, &out->rank) || out->rank == 0 ||
        !query(md, dnnl_query_data_type, &out->type) || !query(md, dnnl_query_dims, &dim) ||
        !query(md, dnnl_query_padded_dims, &padded) ||
        !query(md, dnnl_query_padded_offsets, &before) ||
        !query(md, dnnl_query_submemory_offset_s64, &out->start) ||
        !query(md, dnnl_query_strides, &stride) ||
        !query(md, dnnl_query_inner_nblks_s32, &out->block_count) ||
        !query(md, dnnl_query_inner_blks, &block) || !query(md, dnnl_query_inner_idxs, &axis))
        return false;
    return copy_blocks(out, *dim, *padded, *before, *stride, *block, *axis);
}

void c2s_md_free(c2s_md md) {
    if (md)
        dnnl_memory_desc_destroy(md);
}

/* 3.x takes the operation's parts at once. */
#define CREATE(operation, ...)                                                                     \
    return dnnl_##operation##_primitive_desc_create(pd, engine, __VA_ARGS__, attr)

dnnl_status_t c2s_pd_convolution(dnnl_primitive_desc_t *pd, dnnl_engine_t engine, bool transposed,
                                 c2s_const_md src, c2s_const_md weights, c2s_const_md bias,
                                 c2s_const_md dst, const c2s_dnnl_window *window,
                                 const_dnnl_primitive_attr_t attr) {
    if (transposed)
        CREATE(deconvolution_forward, INFERENCE, dnnl_deconvolution_direct, src, weights, bias, dst,
               window->strides, window->dilates, window->pad_begin, window->pad_end);
    CREATE(convolution_forward, INFERENCE, dnnl_convolution_direct, src, weights, bias, dst,
           window->strides, window->dilates, window->pad_begin, window->pad_end);
}

bool c2s_convolutions_want_blocks(void) {
    return c2s_processor_has_avx2();
}

dnnl_status_t c2s_pd_matmul(dnnl_primitive_desc_t *pd, dnnl_engine_t engine, c2s_const_md src,
                            c2s_const_md weights, c2s_const_md bias, c2s_const_md dst,
                            const_dnnl_primitive_attr_t attr) {
    CREATE(matmul, src, weights, bias, dst);
}

dnnl_status_t c2s_pd_pooling(dnnl_primitive_desc_t *pd, dnnl_engine_t engine, dnnl_alg_kind_t kind,
                             c2s_const_md src, c2s_const_md dst, const c2s_dnnl_window *window,
                             const_dnnl_primitive_attr_t attr) {
    CREATE(pooling_forward, INFERENCE, kind, src, dst, window->strides, window->kernel,
           window->dilates, window->pad_begin, window->pad_end);
}

dnnl_status_t c2s_pd_layer_norm(dnnl_primitive_desc_t *pd, dnnl_engine_t engine, c2s_const_md src,
                                c2s_const_md dst, float epsilon, unsigned flags,
                                const_dnnl_primitive_attr_t attr) {
    CREATE(layer_normalization_forward, INFERENCE, src, dst, NULL, epsilon, flags);
}

dnnl_status_t c2s_pd_lrn(dnnl_primitive_desc_t *pd, dnnl_engine_t engine, c2s_const_md src,
                         c2s_const_md dst, int64_t size, float alpha, float beta, float k,
                         const_dnnl_primitive_attr_t attr) {
    CREATE(lrn_forward, INFERENCE, dnnl_lrn_across_channels, src, dst, size, alpha, beta, k);
}

dnnl_status_t c2s_pd_softmax(dnnl_primitive_desc_t *pd, dnnl_engine_t engine, c2s_const_md src,
                             c2s_const_md dst, int axis, const_dnnl_primitive_attr_t attr) {
    CREATE(softmax_forward, INFERENCE, dnnl_softmax_accurate, src, dst, axis);
}

dnnl_status_t c2s_pd_eltwise(dnnl_primitive_desc_t *pd, dnnl_engine_t engine, dnnl_alg_kind_t kind,
                             c2s_const_md src, c2s_const_md dst, float alpha, float beta,
                             const_dnnl_primitive_attr_t attr) {
    CREATE(eltwise_forward, INFERENCE, kind, src, dst, alpha, beta);
}

dnnl_status_t c2s_pd_resampling(dnnl_primitive_desc_t *pd, dnnl_engine_t engine,
                                dnnl_alg_kind_t kind, c2s_const_md src, c2s_const_md dst,
                                const_dnnl_primitive_attr_t attr) {
    CREATE(resampling_forward, INFERENCE, kind, NULL, src, dst);
}

dnnl_status_t c2s_pd_rnn(dnnl_primitive_desc_t *pd, dnnl_engine_t engine, c2s_rnn_cell cell,
                         dnnl_rnn_direction_t direction, const c2s_rnn_mds *md,
                         const_dnnl_primitive_attr_t attr) {
    switch (cell) {
    case C2S_RNN_LSTM:
        CREATE(lstm_forward, INFERENCE, direction, md->src_layer, md->src_iter, md->src_iter_c,
               md->weights_layer, md->weights_iter, NULL, NULL, md->bias, md->dst_layer,
               md->dst_iter, md->dst_iter_c, 0);
    case C2S_RNN_GRU:
        CREATE(gru_forward, INFERENCE, direction, md->src_layer, md->src_iter, md->weights_layer,
               md->weights_iter, md->bias, md->dst_layer, md->dst_iter, 0);
    case C2S_RNN_LBR_GRU:
        CREATE(lbr_gru_forward, INFERENCE, direction, md->src_layer, md->src_iter,
               md->weights_layer, md->weights_iter, md->bias, md->dst_layer, md->dst_iter, 0);
    }
    return dnnl_invalid_arguments;
}

dnnl_status_t c2s_post_ops_eltwise(dnnl_post_ops_t ops, dnnl_alg_kind_t kind, float alpha,
                                   float beta) {
    return dnnl_post_ops_append_eltwise(ops, kind, alpha, beta);
}

bool c2s_post_ops_sound(const_dnnl_post_ops_t ops) {
    (void)ops;
    return true;
}

#else /* 2.x */

/* A heap copy of a descriptor that `status` says is good. */
static dnnl_status_t keep(c2s_md *out, const dnnl_memory_desc_t *md, dnnl_status_t status) {
    *out = NULL;
    if (status != dnnl_success)
        return status;
    *out = malloc(sizeof **out);
    if (!*out)
        return dnnl_out_of_memory;
    memcpy(*out, md, sizeof **out);
    return dnnl_success;
}

dnnl_status_t c2s_md_strided(c2s_md *out, int rank, const int64_t *dims, const int64_t *strides,
                             dnnl_data_type_t type) {
    dnnl_memory_desc_t md;
    return keep(out, &md, dnnl_memory_desc_init_by_strides(&md, rank, dims, type, strides));
}

dnnl_status_t c2s_md_tagged(c2s_md *out, int rank, const int64_t *dims, dnnl_data_type_t type,
                            dnnl_format_tag_t tag) {
    dnnl_memory_desc_t md;
    return keep(out, &md, dnnl_memory_desc_init_by_tag(&md, rank, dims, type, tag));
}

dnnl_status_t c2s_md_clone(c2s_md *out, c2s_const_md md) {
    return keep(out, md, dnnl_success);
}

dnnl_status_t c2s_md_part(c2s_md *out, c2s_const_md whole, int rank, const int64_t *dims,
                          const int64_t *offsets) {
    dnnl_memory_desc_t md;
    dnnl_dims_t extents, starts; /* the library declares them as arrays of full length */
    memcpy(extents, dims, (size_t)rank * sizeof *dims);
    memcpy(starts, offsets, (size_t)rank * sizeof *offsets);
    return keep(out, &md, dnnl_memory_desc_init_submemory(&md, whole, extents, starts));
}

bool c2s_md_strides(c2s_const_md md, int64_t *strides) {
    const dnnl_blocking_desc_t *blocking = &md->format_desc.blocking;
    if (md->format_kind != dnnl_blocked || blocking->inner_nblks != 0 || md->offset0 != 0)
        return false;
    memcpy(strides, blocking->strides, (size_t)md->ndims * sizeof *strides);
    return true;
}

bool c2s_md_blocks_of(c2s_const_md md, c2s_md_blocks *out) {
    const dnnl_blocking_desc_t *blocking = &md->format_desc.blocking;
    if (md->format_kind != dnnl_blocked || md->ndims == 0)
        return false;
    out->rank = md->ndims;
    out->type = md->data_type;
    out->start = md->offset0;
    out->block_count = blocking->inner_nblks;
    return copy_blocks(out, md->dims, md->padded_dims, md->padded_offsets, blocking->strides,
                       blocking->inner_blks, blocking->inner_idxs);
}

void c2s_md_free(c2s_md md) {
    free(md);
}

/* 2.x fills an operation descriptor first. */
#define CREATE(kind, init, ...)                                                                    \
    do {                                                                                           \
        dnnl_##kind##_desc_t op_;                                                                  \
        dnnl_status_t status_ = dnnl_##init##_desc_init(&op_, __VA_ARGS__);                        \
        return status_ != dnnl_success ? status_                                                   \
                                       : dnnl_primitive_desc_create(pd, &op_, attr, engine, NULL); \
    } while (0)

dnnl_status_t c2s_pd_convolution(dnnl_primitive_desc_t *pd, dnnl_engine_t engine, bool transposed,
                                 c2s_const_md src, c2s_const_md weights, c2s_const_md bias,
                                 c2s_const_md dst, const c2s_dnnl_window *window,
                                 const_dnnl_primitive_attr_t attr) {
    if (transposed)
        CREATE(deconvolution, dilated_deconvolution_forward, INFERENCE, dnnl_deconvolution_direct,
               src, weights, bias, dst, window->strides, window->dilates, window->pad_begin,
               window->pad_end);
    CREATE(convolution, dilated_convolution_forward, INFERENCE, dnnl_convolution_direct, src,
           weights, bias, dst, window->strides, window->dilates, window->pad_begin,
           window->pad_end);
}

bool c2s_convolutions_want_blocks(void) {
    return c2s_processor_has_avx512();
}

dnnl_status_t c2s_pd_matmul(dnnl_primitive_desc_t *pd, dnnl_engine_t engine, c2s_const_md src,
                            c2s_const_md weights, c2s_const_md bias, c2s_const_md dst,
                            const_dnnl_primitive_attr_t attr) {
    CREATE(matmul, matmul, src, weights, bias, dst);
}

dnnl_status_t c2s_pd_pooling(dnnl_primitive_desc_t *pd, dnnl_engine_t engine, dnnl_alg_kind_t kind,
                             c2s_const_md src, c2s_const_md dst, const c2s_dnnl_window *window,
                             const_dnnl_primitive_attr_t attr) {
    CREATE(pooling_v2, pooling_v2_forward, INFERENCE, kind, src, dst, window->strides,
           window->kernel, window->dilates, window->pad_begin, window->pad_end);
}

dnnl_status_t c2s_pd_layer_norm(dnnl_primitive_desc_t *pd, dnnl_engine_t engine, c2s_const_md src,
                                c2s_const_md dst, float epsilon, unsigned flags,
                                const_dnnl_primitive_attr_t attr) {
    (void)dst;
    CREATE(layer_normalization, layer_normalization_forward, INFERENCE, src, NULL, epsilon, flags);
}

dnnl_status_t c2s_pd_lrn(dnnl_primitive_desc_t *pd, dnnl_engine_t engine, c2s_const_md src,
                         c2s_const_md dst, int64_t size, float alpha, float beta, float k,
                         const_dnnl_primitive_attr_t attr) {
    (void)dst;
    CREATE(lrn, lrn_forward, INFERENCE, dnnl_lrn_across_channels, src, size, alpha, beta, k);
}

dnnl_status_t c2s_pd_softmax(dnnl_primitive_desc_t *pd, dnnl_engine_t engine, c2s_const_md src,
                             c2s_const_md dst, int axis, const_dnnl_primitive_attr_t attr) {
    CREATE(softmax_v2, softmax_v2_forward, INFERENCE, dnnl_softmax_accurate, src, dst, axis);
}

dnnl_status_t c2s_pd_eltwise(dnnl_primitive_desc_t *pd, dnnl_engine_t engine, dnnl_alg_kind_t kind,
                             c2s_const_md src, c2s_const_md dst, float alpha, float beta,
                             const_dnnl_primitive_attr_t attr) {
    (void)dst;
    CREATE(eltwise, eltwise_forward, INFERENCE, kind, src, alpha, beta);
}

dnnl_status_t c2s_pd_resampling(dnnl_primitive_desc_t *pd, dnnl_engine_t engine,
                                dnnl_alg_kind_t kind, c2s_const_md src, c2s_const_md dst,
                                const_dnnl_primitive_attr_t attr) {
    CREATE(resampling, resampling_forward, INFERENCE, kind, NULL, src, dst);
}

dnnl_status_t c2s_pd_rnn(dnnl_primitive_desc_t *pd, dnnl_engine_t engine, c2s_rnn_cell cell,
                         dnnl_rnn_direction_t direction, const c2s_rnn_mds *md,
                         const_dnnl_primitive_attr_t attr) {
    switch (cell) {
    case C2S_RNN_LSTM:
        CREATE(rnn, lstm_forward, INFERENCE, direction, md->src_layer, md->src_iter, md->src_iter_c,
               md->weights_layer, md->weights_iter, md->bias, md->dst_layer, md->dst_iter,
               md->dst_iter_c, 0);
    case C2S_RNN_GRU:
        CREATE(rnn, gru_forward, INFERENCE, direction, md->src_layer, md->src_iter,
               md->weights_layer, md->weights_iter, md->bias, md->dst_layer, md->dst_iter, 0);
    case C2S_RNN_LBR_GRU:
        CREATE(rnn, lbr_gru_forward, INFERENCE, direction, md->src_layer, md->src_iter,
               md->weights_layer, md->weights_iter, md->bias, md->dst_layer, md->dst_iter, 0);
    }
    return dnnl_invalid_arguments;
}

dnnl_status_t c2s_post_ops_eltwise(dnnl_post_ops_t ops, dnnl_alg_kind_t kind, float alpha,
                                   float beta) {
    return dnnl_post_ops_append_eltwise(ops, 1.0f, kind, alpha, beta);
}

typedef struct function {
    dnnl_alg_kind_t kind;
    float scale, alpha, beta;
} function;

static bool read_function(const_dnnl_post_ops_t ops, int index, function *f) {
    return dnnl_post_ops_get_kind(ops, index) == dnnl_eltwise &&
           dnnl_post_ops_get_params_eltwise(ops, index, &f->scale, &f->kind, &f->alpha, &f->beta) ==
               dnnl_success;
}

bool c2s_post_ops_sound(const_dnnl_post_ops_t ops) {
    function f, g;
    for (int i = 0; i < dnnl_post_ops_len(ops); i++)
        for (int k = 0; k < i && read_function(ops, i, &f); k++)
            if (read_function(ops, k, &g) && f.kind == g.kind &&
                !(f.alpha == g.alpha && f.beta == g.beta))
                return false;
    return true;
}

#endif

dnnl_status_t c2s_md_any(c2s_md *out, int rank, const int64_t *dims, dnnl_data_type_t type) {
    return c2s_md_tagged(out, rank, dims, type, dnnl_format_tag_any);
}
