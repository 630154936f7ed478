/* SPDX-License-Identifier: Apache-2.0
 *
 * Weights as codes of a quantized type, the way DequantizeLinear takes them: packed codes, scales
 * and zero points.
 */
#ifndef C2S_PASSES_QUANT_ENCODE_H
#define C2S_PASSES_QUANT_ENCODE_H

#include "ir/tensor.h"
#include "passes/quant/code_grid.h"

/* Which weights share a scale, and how it is chosen. Zero-initialised members are the usual choice,
 * except `axis`. */
typedef struct c2s_coding {
    c2s_dtype dtype; /* of the codes, see c2s_code_grid_of */
    int axis;        /* one scale for each of its indices; -1: one for the tensor */
    int64_t block;   /* > 0: one scale for so many indices along block_axis, for each index
                        of the other axes; `axis` is of no account */
    int block_axis;
    bool symmetric;     /* zero point 0, or the middle of an unsigned type */
    bool narrow;        /* symmetric codes: [-127, 127] instead of [-128, 127] */
    bool explicit_zero; /* give a tensor of zero points also where all are 0 */
    c2s_scale_method method;
    const float *importance; /* what the squared error of each weight weighs, row-major; NULL: 1 */
    c2s_dtype scale_dtype;   /* C2S_UNDEFINED: that of the weights, float for double */
} c2s_coding;

typedef struct c2s_codes {
    c2s_tensor *codes, *scale, *zero; /* zero is NULL if all are 0, unless asked for */
    double sqnr_db; /* of the decoded weights, 10 log10(sum weight^2 / sum error^2); infinite if
                       nothing is lost */
} c2s_codes;

/* Constants of any float type. Errors: C2S_ERR_UNSUPPORTED: weights that are no floats, NaN or
 * infinite, another dtype than above; C2S_ERR_INVALID: an axis that is not there; C2S_ERR_MEMORY.
 * Groups whose weights are all zero have the greatest scale of the tensor (1 if there is none). */
c2s_status c2s_encode(const c2s_tensor *weights, const c2s_coding *coding, c2s_codes *out);
void c2s_codes_free(c2s_codes *codes);

/* ---- the steps of it, for who rounds otherwise ---- */

/* The codes there are. Fails as c2s_encode does. */
c2s_status c2s_coding_grid(const c2s_type *weights, const c2s_coding *coding, c2s_code_grid *out);

/* The weights as [outer, axis, inner] and the scale of each: those of a scale are a group. */
typedef struct c2s_code_map {
    size_t outer, axis, inner;
    size_t block, blocks; /* indices of the axis per scale, and how many such; block 0: as axis */
    size_t groups, count; /* scales; weights */
    bool per_tensor;
} c2s_code_map;

c2s_status c2s_code_map_of(const c2s_type *weights, const c2s_coding *coding, c2s_code_map *out);

/* The group of the weight at that row-major index: where its scale lies in the tensor of scales. */
static inline size_t c2s_code_group(const c2s_code_map *map, size_t index) {
    if (map->per_tensor)
        return 0;
    const size_t a = index / map->inner % map->axis;
    if (!map->block)
        return a;
    return (index / map->inner / map->axis * map->blocks + a / map->block) * map->inner +
           index % map->inner;
}

/* The weights as floats in an array to free. Fails as c2s_encode does. */
c2s_status c2s_weights_load(const c2s_tensor *weights, float **out);
/* Scale and zero point per group for weights of that type. `out` has map.groups elements. */
c2s_status c2s_affines_choose(const c2s_type *type, const float *weights, const c2s_coding *coding,
                              c2s_affine *out);
/* The nearest code of each weight (`codes` may be `weights`), and the sum of squared errors. */
c2s_status c2s_codes_round(const c2s_type *type, const float *weights, const c2s_coding *coding,
                           const c2s_affine *affines, float *codes, double *error);
/* Tensors for codes, one float per weight, and what they were made with; sqnr_db is not set. */
c2s_status c2s_codes_pack(const c2s_type *type, const c2s_coding *coding, const float *codes,
                          const c2s_affine *affines, c2s_codes *out);
/* The weights that codes stand for, as floats. `out` has as many elements as there are codes. */
c2s_status c2s_codes_decode(const c2s_codes *codes, const c2s_coding *coding, float *out);

#endif
