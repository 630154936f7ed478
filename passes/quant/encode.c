/* SPDX-License-Identifier: Apache-2.0 */
#include "passes/quant/encode.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>

#include "base/memory.h"
#include "base/threads.h"
#include "ir/convert.h"

/* What is worth more than one thread. */
enum { PARALLEL_WEIGHTS = 1 << 14 };

static c2s_dtype scale_dtype(const c2s_type *type, const c2s_coding *coding) {
    if (coding->scale_dtype != C2S_UNDEFINED)
        return coding->scale_dtype;
    return type->dtype == C2S_FLOAT16 || type->dtype == C2S_BFLOAT16 ? type->dtype : C2S_FLOAT;
}

c2s_status c2s_coding_grid(const c2s_type *type, const c2s_coding *coding, c2s_code_grid *out) {
    return c2s_code_grid_of(coding->dtype, scale_dtype(type, coding), coding->symmetric,
                            coding->narrow, out);
}

/* ---- groups ---- */

c2s_status c2s_code_map_of(const c2s_type *type, const c2s_coding *coding, c2s_code_map *out) {
    const int axis = coding->block > 0 ? coding->block_axis : coding->axis;
    *out = (c2s_code_map){.outer = 1, .inner = 1, .groups = 1};
    if (!c2s_type_elements(type, &out->count))
        return c2s_fail(C2S_ERR_INVALID, "weights whose extents are not known");
    out->axis = out->count;
    out->per_tensor = coding->block <= 0 && axis < 0;
    if (out->per_tensor)
        return C2S_OK;
    if (axis < 0 || axis >= type->rank)
        return c2s_fail(C2S_ERR_INVALID, "scales along axis %d of weights of rank %d", axis,
                        type->rank);
    for (int k = 0; k < type->rank; k++)
        *(k < axis    ? &out->outer
          : k == axis ? &out->axis
                      : &out->inner) = (k < axis    ? out->outer
                                        : k == axis ? 1
                                                    : out->inner) *
                                       (size_t)type->dim[k];
    if (coding->block > 0) {
        out->block = (size_t)coding->block;
        out->blocks = out->axis / out->block + (out->axis % out->block != 0);
        out->groups = out->outer * out->blocks * out->inner;
    } else {
        out->groups = out->axis;
    }
    return C2S_OK;
}

/* The members of a group: `runs` times `run` neighbours, `stride` apart. */
typedef struct members {
    size_t first, runs, run, stride;
} members;

static members members_of(const c2s_code_map *map, size_t group) {
    if (map->per_tensor)
        return (members){0, 1, map->count, map->count};
    if (!map->block)
        return (members){group * map->inner, map->outer, map->inner, map->axis * map->inner};
    const size_t i = group % map->inner, b = group / map->inner % map->blocks;
    const size_t o = group / map->inner / map->blocks, from = b * map->block;
    const size_t extent = map->axis - from < map->block ? map->axis - from : map->block;
    const size_t first = (o * map->axis + from) * map->inner + i;
    return map->inner == 1 ? (members){first, 1, extent, extent}
                           : (members){first, extent, 1, map->inner};
}

static size_t most_members(const c2s_code_map *map) {
    if (map->per_tensor)
        return map->count;
    return map->block ? (map->block < map->axis ? map->block : map->axis) : map->outer * map->inner;
}

/* In one piece: where they lie, or copied to `scratch`. */
static const float *gathered(const members *m, const float *from, float *scratch) {
    if (m->runs == 1)
        return from + m->first;
    for (size_t r = 0; r < m->runs; r++)
        for (size_t i = 0; i < m->run; i++)
            scratch[r * m->run + i] = from[m->first + r * m->stride + i];
    return scratch;
}

static void scatter(const members *m, const float *values, float *to) {
    for (size_t r = 0; r < m->runs; r++)
        for (size_t i = 0; i < m->run; i++)
            to[m->first + r * m->stride + i] = values[r * m->run + i];
}

/* ---- steps ---- */

c2s_status c2s_weights_load(const c2s_tensor *weights, float **out) {
    *out = NULL;
    const size_t count = weights->count;
    if (weights->type.kind != C2S_KIND_TENSOR || !c2s_dtype_is_float(weights->type.dtype))
        return c2s_fail(C2S_ERR_UNSUPPORTED, "weights of type %s, expected floats",
                        c2s_dtype_name(weights->type.dtype));
    float *values;
    C2S_TRY(c2s_scratch(count, sizeof *values, &values));
    if (count)
        c2s_tensor_load_f32(weights, values);
    for (size_t i = 0; i < count; i++)
        if (!isfinite(values[i])) {
            const double found = (double)values[i];
            free(values);
            return c2s_fail(C2S_ERR_UNSUPPORTED, "weight %zu is %g, expected a finite number", i,
                            found);
        }
    *out = values;
    return C2S_OK;
}

/* Groups without a scale of their own get the greatest of the others: what is zero stays zero, and
 * what is derived from the scale (that of a bias) stays in a usual range. */
static void fill_scales(c2s_affine *affines, size_t groups) {
    float greatest = 0;
    for (size_t g = 0; g < groups; g++)
        greatest = affines[g].scale > greatest ? affines[g].scale : greatest;
    for (size_t g = 0; g < groups; g++)
        if (affines[g].scale == 0)
            affines[g].scale = greatest > 0 ? greatest : 1;
}

c2s_status c2s_affines_choose(const c2s_type *type, const float *weights, const c2s_coding *coding,
                              c2s_affine *out) {
    c2s_code_grid grid;
    c2s_code_map map;
    C2S_TRY(c2s_coding_grid(type, coding, &grid));
    C2S_TRY(c2s_code_map_of(type, coding, &map));
    const size_t most = most_members(&map);
    const size_t threads = (size_t)c2s_most_threads();
    float *scratch;
    C2S_TRY(c2s_scratch(most, 2 * threads * sizeof *scratch, &scratch));
#pragma omp parallel for schedule(static) if (map.count > PARALLEL_WEIGHTS && map.groups > 1)
    for (size_t g = 0; g < map.groups; g++) {
        float *own = scratch + 2 * most * (size_t)c2s_this_thread();
        const members m = members_of(&map, g);
        const float *w = gathered(&m, weights, own);
        const float *by = coding->importance ? gathered(&m, coding->importance, own + most) : NULL;
        out[g] = c2s_code_grid_choose(&grid, coding->method, w, by, m.runs * m.run);
    }
    free(scratch);
    fill_scales(out, map.groups);
    return C2S_OK;
}

c2s_status c2s_codes_round(const c2s_type *type, const float *weights, const c2s_coding *coding,
                           const c2s_affine *affines, float *codes, double *error) {
    c2s_code_grid grid;
    c2s_code_map map;
    C2S_TRY(c2s_coding_grid(type, coding, &grid));
    C2S_TRY(c2s_code_map_of(type, coding, &map));
    const size_t most = most_members(&map);
    float *scratch;
    double *errors;
    C2S_TRY(c2s_scratch(map.groups, sizeof *errors, &errors));
    c2s_status status =
        c2s_scratch(most, 2 * (size_t)c2s_most_threads() * sizeof *scratch, &scratch);
    if (status != C2S_OK) {
        free(errors);
        return status;
    }
#pragma omp parallel for schedule(static) if (map.count > PARALLEL_WEIGHTS && map.groups > 1)
    for (size_t g = 0; g < map.groups; g++) {
        float *own = scratch + 2 * most * (size_t)c2s_this_thread(), *rounded = own + most;
        const members m = members_of(&map, g);
        const float *w = gathered(&m, weights, own);
        errors[g] = c2s_code_grid_error(&grid, affines[g], w, NULL, m.runs * m.run);
        c2s_code_grid_round(&grid, affines[g], w, m.runs * m.run, rounded);
        scatter(&m, rounded, codes);
    }
    *error = 0;
    for (size_t g = 0; g < map.groups; g++)
        *error += errors[g];
    free(scratch);
    free(errors);
    return C2S_OK;
}

static c2s_status scale_tensor(const c2s_type *type, const c2s_coding *coding,
                               const c2s_code_map *map, c2s_dtype dtype, c2s_tensor **out) {
    int64_t dim[C2S_MAX_RANK];
    if (map->per_tensor)
        return c2s_tensor_create(dtype, 0, NULL, out);
    if (!map->block) {
        dim[0] = (int64_t)map->axis;
        return c2s_tensor_create(dtype, 1, dim, out);
    }
    for (int k = 0; k < type->rank; k++)
        dim[k] = k == coding->block_axis ? (int64_t)map->blocks : type->dim[k];
    return c2s_tensor_create(dtype, type->rank, dim, out);
}

/* Scales, or zero points, of all groups. */
static c2s_status pack_affines(const c2s_affine *affines, size_t count, bool zeros,
                               c2s_tensor *tensor) {
    float *values;
    C2S_TRY(c2s_scratch(count, sizeof *values, &values));
    for (size_t g = 0; g < count; g++)
        values[g] = zeros ? affines[g].zero : affines[g].scale;
    if (count)
        c2s_store_f32(tensor->type.dtype, c2s_tensor_mutable(tensor), 0, count, values);
    free(values);
    return C2S_OK;
}

static c2s_status pack_into(const c2s_type *type, const c2s_coding *coding, const float *codes,
                            const c2s_affine *affines, const c2s_code_map *map, c2s_codes *out) {
    bool zeros = coding->explicit_zero;
    for (size_t g = 0; g < map->groups && !zeros; g++)
        zeros = affines[g].zero != 0;
    C2S_TRY(c2s_tensor_create(coding->dtype, type->rank, type->dim, &out->codes));
    C2S_TRY(scale_tensor(type, coding, map, scale_dtype(type, coding), &out->scale));
    C2S_TRY(pack_affines(affines, map->groups, false, out->scale));
    if (zeros) {
        C2S_TRY(scale_tensor(type, coding, map, coding->dtype, &out->zero));
        C2S_TRY(pack_affines(affines, map->groups, true, out->zero));
    }
    if (map->count)
        c2s_store_f32(coding->dtype, c2s_tensor_mutable(out->codes), 0, map->count, codes);
    return C2S_OK;
}

c2s_status c2s_codes_pack(const c2s_type *type, const c2s_coding *coding, const float *codes,
                          const c2s_affine *affines, c2s_codes *out) {
    c2s_code_map map;
    *out = (c2s_codes){0};
    c2s_status status = c2s_code_map_of(type, coding, &map);
    if (status == C2S_OK)
        status = pack_into(type, coding, codes, affines, &map, out);
    if (status != C2S_OK)
        c2s_codes_free(out);
    return status;
}

void c2s_codes_free(c2s_codes *codes) {
    c2s_tensor_unref(codes->codes);
    c2s_tensor_unref(codes->scale);
    c2s_tensor_unref(codes->zero);
    *codes = (c2s_codes){0};
}

c2s_status c2s_codes_decode(const c2s_codes *codes, const c2s_coding *coding, float *out) {
    c2s_code_map map;
    C2S_TRY(c2s_code_map_of(&codes->codes->type, coding, &map));
    float *scale, *zero;
    C2S_TRY(c2s_scratch(map.groups, 2 * sizeof *scale, &scale));
    zero = scale + map.groups;
    if (map.groups)
        c2s_load_f32(codes->scale->type.dtype, c2s_tensor_data(codes->scale), 0, map.groups, scale);
    for (size_t g = 0; g < map.groups; g++)
        zero[g] = 0;
    if (codes->zero && map.groups)
        c2s_load_f32(coding->dtype, c2s_tensor_data(codes->zero), 0, map.groups, zero);
    if (map.count)
        c2s_load_f32(coding->dtype, c2s_tensor_data(codes->codes), 0, map.count, out);
    for (size_t g = 0; g < map.groups; g++) {
        const members m = members_of(&map, g);
        for (size_t r = 0; r < m.runs; r++)
            for (size_t i = 0; i < m.run; i++) {
                float *at = out + m.first + r * m.stride + i;
                *at = (*at - zero[g]) * scale[g];
            }
    }
    free(scale);
    return C2S_OK;
}

/* ---- all of it ---- */

static c2s_status encode(const c2s_type *type, float *weights, const c2s_coding *coding,
                         c2s_affine *affines, c2s_codes *out) {
    double signal = 0, error;
    size_t count;
    C2S_TRY(c2s_affines_choose(type, weights, coding, affines));
    if (!c2s_type_elements(type, &count))
        count = 0;
    for (size_t i = 0; i < count; i++)
        signal += (double)weights[i] * (double)weights[i];
    C2S_TRY(c2s_codes_round(type, weights, coding, affines, weights, &error));
    C2S_TRY(c2s_codes_pack(type, coding, weights, affines, out));
    out->sqnr_db = error > 0 ? 10 * log10(signal / error) : INFINITY;
    return C2S_OK;
}

c2s_status c2s_encode(const c2s_tensor *weights, const c2s_coding *coding, c2s_codes *out) {
    c2s_code_map map;
    c2s_affine *affines = NULL;
    float *values;
    *out = (c2s_codes){0};
    C2S_TRY(c2s_code_map_of(&weights->type, coding, &map));
    C2S_TRY(c2s_weights_load(weights, &values));
    c2s_status status = c2s_scratch(map.groups, sizeof *affines, &affines);
    if (status == C2S_OK)
        status = encode(&weights->type, values, coding, affines, out);
    free(affines);
    free(values);
    return status;
}
