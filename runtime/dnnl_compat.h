/* SPDX-License-Identifier: Apache-2.0
 *
 * The differences between oneDNN 2.6 and 3.x, and nothing else: here and in dnnl_compat.c. 2.x has
 * memory descriptors as plain structs and operation descriptors; 3.x has opaque memory descriptors
 * and creates primitive descriptors directly. Everything is forward inference.
 */
#ifndef C2S_RUNTIME_DNNL_COMPAT_H
#define C2S_RUNTIME_DNNL_COMPAT_H

#include <stdbool.h>

#include <oneapi/dnnl/dnnl.h>

#include "base/status.h"

#if DNNL_VERSION_MAJOR >= 3
typedef dnnl_memory_desc_t c2s_md;             /* owned: c2s_md_free */
typedef const_dnnl_memory_desc_t c2s_const_md; /* borrowed */
#else
typedef dnnl_memory_desc_t *c2s_md;
typedef const dnnl_memory_desc_t *c2s_const_md;
#endif

dnnl_status_t c2s_md_strided(c2s_md *out, int rank, const int64_t *dims, const int64_t *strides,
                             dnnl_data_type_t type);
/* The layout is the library's choice. */
dnnl_status_t c2s_md_any(c2s_md *out, int rank, const int64_t *dims, dnnl_data_type_t type);
dnnl_status_t c2s_md_tagged(c2s_md *out, int rank, const int64_t *dims, dnnl_data_type_t type,
                            dnnl_format_tag_t tag);
dnnl_status_t c2s_md_clone(c2s_md *out, c2s_const_md md);
/* The part of `whole` of extents `dims` that begins at `offsets`. */
dnnl_status_t c2s_md_part(c2s_md *out, c2s_const_md whole, int rank, const int64_t *dims,
                          const int64_t *offsets);
/* One per axis; false if the layout is not by strides alone. */
bool c2s_md_strides(c2s_const_md md, int64_t *strides);
/* A layout of strides and blocks, as the library describes it: an axis is cut into blocks, and the
 * elements of all blocks lie together, those of the last one closest. */
typedef struct c2s_md_blocks {
    int rank, block_count;
    dnnl_data_type_t type;
    size_t element; /* bytes of one */
    int64_t start;  /* of the first element, counted in elements */
    dnnl_dims_t dim, padded, stride, block, block_axis;
} c2s_md_blocks;
/* False if it is none, or has elements in front of the first. */
bool c2s_md_blocks_of(c2s_const_md md, c2s_md_blocks *out);
void c2s_md_free(c2s_md md); /* NULL is allowed */

/* Where what is convolved or pooled over; arrays of one entry per spatial axis. */
typedef struct c2s_dnnl_window {
    dnnl_dims_t kernel, strides, dilates /* 0: dense */, pad_begin, pad_end;
} c2s_dnnl_window;

/* Each gives a primitive descriptor that the caller destroys. `attr` may be NULL. */
dnnl_status_t c2s_pd_convolution(dnnl_primitive_desc_t *pd, dnnl_engine_t engine, bool transposed,
                                 c2s_const_md src, c2s_const_md weights, c2s_const_md bias,
                                 c2s_const_md dst, const c2s_dnnl_window *window,
                                 const_dnnl_primitive_attr_t attr);
/* True if the library, asked for no layout, takes channels last although blocks are better: for
 * some convolutions and not for their neighbours (3.x with AVX2), or for nearly all, where blocks
 * take 0.93 of the time, as a mean over networks, and operands of posts can lie in them (AVX-512). */
bool c2s_convolutions_want_blocks(void);
dnnl_status_t c2s_pd_matmul(dnnl_primitive_desc_t *pd, dnnl_engine_t engine, c2s_const_md src,
                            c2s_const_md weights, c2s_const_md bias, c2s_const_md dst,
                            const_dnnl_primitive_attr_t attr);
dnnl_status_t c2s_pd_pooling(dnnl_primitive_desc_t *pd, dnnl_engine_t engine, dnnl_alg_kind_t kind,
                             c2s_const_md src, c2s_const_md dst, const c2s_dnnl_window *window,
                             const_dnnl_primitive_attr_t attr);
dnnl_status_t c2s_pd_layer_norm(dnnl_primitive_desc_t *pd, dnnl_engine_t engine, c2s_const_md src,
                                c2s_const_md dst, float epsilon, unsigned flags,
                                const_dnnl_primitive_attr_t attr);
dnnl_status_t c2s_pd_lrn(dnnl_primitive_desc_t *pd, dnnl_engine_t engine, c2s_const_md src,
                         c2s_const_md dst, int64_t size, float alpha, float beta, float k,
                         const_dnnl_primitive_attr_t attr);
dnnl_status_t c2s_pd_softmax(dnnl_primitive_desc_t *pd, dnnl_engine_t engine, c2s_const_md src,
                             c2s_const_md dst, int axis, const_dnnl_primitive_attr_t attr);
dnnl_status_t c2s_pd_eltwise(dnnl_primitive_desc_t *pd, dnnl_engine_t engine, dnnl_alg_kind_t kind,
                             c2s_const_md src, c2s_const_md dst, float alpha, float beta,
                             const_dnnl_primitive_attr_t attr);
dnnl_status_t c2s_pd_resampling(dnnl_primitive_desc_t *pd, dnnl_engine_t engine,
                                dnnl_alg_kind_t kind, c2s_const_md src, c2s_const_md dst,
                                const_dnnl_primitive_attr_t attr);

typedef enum c2s_rnn_cell { C2S_RNN_LSTM, C2S_RNN_GRU, C2S_RNN_LBR_GRU } c2s_rnn_cell;
typedef struct c2s_rnn_mds {
    c2s_const_md src_layer, src_iter, src_iter_c, weights_layer, weights_iter, bias, dst_layer,
        dst_iter, dst_iter_c; /* the _c ones for LSTM; NULL: left out */
} c2s_rnn_mds;
dnnl_status_t c2s_pd_rnn(dnnl_primitive_desc_t *pd, dnnl_engine_t engine, c2s_rnn_cell cell,
                         dnnl_rnn_direction_t direction, const c2s_rnn_mds *md,
                         const_dnnl_primitive_attr_t attr);

dnnl_status_t c2s_post_ops_eltwise(dnnl_post_ops_t ops, dnnl_alg_kind_t kind, float alpha,
                                   float beta);
/* False if the library would carry them out wrongly: 2.x has one pair of numbers for all functions
 * of one kind, those of the first. */
bool c2s_post_ops_sound(const_dnnl_post_ops_t ops);

#endif
