/* SPDX-License-Identifier: Apache-2.0
 *
 * Clip: bounds are optional scalar inputs. Where they cross, the upper one wins; NaN stays NaN.
 */
#include <math.h>

#include "ops/contents.h"
#include "ops/pointwise.h"
#include "ops/ties_rules.h"

#define CLIP(suffix, type)                                                                         \
    C2S_INLINE void clip_##suffix##_loop C2S_BLOCK_PARAMETERS {                                    \
        const type *restrict x = in[0];                                                            \
        type *restrict r = out;                                                                    \
        (void)p;                                                                                   \
        for (size_t i = 0; i < n; i++)                                                             \
            r[i] = x[i];                                                                           \
        if (in[1]) {                                                                               \
            const type *restrict least = in[1];                                                    \
            for (size_t i = 0; i < n; i++)                                                         \
                r[i] = r[i] < least[i] ? least[i] : r[i];                                          \
        }                                                                                          \
        if (in[2]) {                                                                               \
            const type *restrict most = in[2];                                                     \
            for (size_t i = 0; i < n; i++)                                                         \
                r[i] = r[i] > most[i] ? most[i] : r[i];                                            \
        }                                                                                          \
    }                                                                                              \
    C2S_SIMD(clip_##suffix, clip_##suffix##_loop, C2S_BLOCK_PARAMETERS, (in, out, n, p))
CLIP(f32, float)
CLIP(f64, double)
CLIP(i64, int64_t)
CLIP(u64, uint64_t)
static const c2s_blocks clip_blocks = {clip_f32, clip_f64, clip_i64, clip_u64};

static c2s_status clip_infer(c2s_infer *i) {
    C2S_TRY(c2s_infer_tensors(i, 1));
    for (unsigned k = 1; k < i->in_count; k++) {
        const c2s_type *bound = c2s_infer_type(i, k);
        size_t elements;
        C2S_TRY(c2s_infer_same_dtype(i, 0, k));
        C2S_TRY(c2s_infer_rank(i, k, 0, 1));
        if (c2s_type_is_static(bound) && c2s_type_elements(bound, &elements) && elements != 1)
            return c2s_fail(C2S_ERR_INVALID, "bound (input %u) has %zu elements, expected 1", k,
                            elements);
    }
    i->out[0] = *c2s_infer_type(i, 0);
    const c2s_dim *bound[3] = {NULL};
    unsigned count;
    for (unsigned k = 1; k < i->in_count; k++)
        if (c2s_infer_has(i, k) && (!c2s_infer_dims(i, k, &bound[k], &count) || count != 1))
            return C2S_OK;
    c2s_contents_clip(i, bound[1], bound[2]);
    return C2S_OK;
}

static c2s_status clip_pointwise(const c2s_node *node, const c2s_fact *in, c2s_pointwise *p) {
    (void)node;
    return c2s_pointwise_same(p, &clip_blocks, in[0].type->dtype, 3);
}

const c2s_op c2s_op_clip = {.type = "Clip",
                            .domain = "",
                            .inputs = {1, 3},
                            .outputs = {1, 1},
                            .quant = C2S_QUANT_BOUNDED(CLAMP, -INFINITY, INFINITY),
                            .flags = C2S_OP_ELEMENTWISE,
                            .ties = c2s_ties_first_input,
                            .infer = clip_infer,
                            .eval = c2s_pointwise_eval,
                            .pointwise = clip_pointwise};
