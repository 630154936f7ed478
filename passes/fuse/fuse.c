/* SPDX-License-Identifier: Apache-2.0
 *
 * The fuse pass: neighbours that one node can compute become that node.
 */
#include "passes/fuse/fuse.h"

#include "passes/cleanup/cleanup.h"
#include "passes/fuse/transpose_region.h"
#include "passes/pass.h"
#include "passes/roots.h"

/* Chains first: what they shorten may then fuse into something larger. */
static const c2s_rule *const fuse_rules[] = {
    &c2s_rule_depth_space,
    &c2s_rule_transpose_transpose,
    &c2s_rule_transpose_view,
    &c2s_rule_transpose_reshape,
    &c2s_rule_transpose_join,
    &c2s_rule_squeeze_squeeze,
    &c2s_rule_unsqueeze_unsqueeze,
    &c2s_rule_reshape_reshape,
    &c2s_rule_quantize_dequantized,
    &c2s_rule_quantize_moved,
    &c2s_rule_quantize_before_move,
    &c2s_rule_dequantize_after_move,
    &c2s_rule_quantize_clamped,
    &c2s_rule_cast_cast,
    &c2s_rule_clip_clip,
    &c2s_rule_concat_concat,
    &c2s_rule_slice_slice,
    &c2s_rule_split_concat,
    &c2s_rule_slice_of_concat,
    &c2s_rule_gather_of_concat,
    &c2s_rule_slices_to_depth,
    &c2s_rule_slices_conv,
    &c2s_rule_concat_of_slices,
    &c2s_rule_gather_part,
    &c2s_rule_slices_split,
    &c2s_rule_split_one_part,
    &c2s_rule_einsum,
    &c2s_rule_reduce_squeeze,
    &c2s_rule_expand_broadcast,
    &c2s_rule_shape_of,
    &c2s_rule_arg_softmax,
    &c2s_rule_where_not,
    &c2s_rule_reciprocal_mul,
    &c2s_rule_quotient_mul,
    &c2s_rule_affine_affine,
    &c2s_rule_linear_batch_norm,
    &c2s_rule_linear_affine,
    &c2s_rule_affine_linear,
    &c2s_rule_scale_through,
    &c2s_rule_matmul_reshaped,
    &c2s_rule_matmul_add,
    &c2s_rule_gemm_sum,
    &c2s_rule_cast_filled,
    &c2s_rule_scatter_all,
    &c2s_rule_transpose_gemm_a,
    &c2s_rule_transpose_gemm_b,
    &c2s_rule_transpose_matmul_a,
    &c2s_rule_transpose_matmul_b,
    &c2s_rule_pad_conv,
    &c2s_rule_pad_average_pool,
    &c2s_rule_pad_max_pool,
    &c2s_rule_merge_products, /* if it is asked for */
    NULL,
};

static const c2s_option_spec option_specs[] = {
    {"merge_products", "no",
     "one MatMul for several of one value, too: faster or slower, as shapes and runtime have it"},
    {0},
};

/* Where Transposes have gone, neighbours meet that rules know. Every round moves fewer elements. */
#define MOST_ROUNDS 8u

static c2s_status rewrite(c2s_graph *graph, const c2s_rule *const *rules, c2s_stats *stats) {
    unsigned before, round = 0;
    do {
        C2S_TRY(c2s_rewrite(graph, rules, stats));
        before = stats->rewrites;
        C2S_TRY(c2s_transpose_regions(graph, stats));
    } while (stats->rewrites > before && ++round < MOST_ROUNDS);
    return C2S_OK;
}

static c2s_status run(c2s_model *model, const c2s_options *options, const c2s_pass_context *context,
                      c2s_stats *stats) {
    (void)context;
    bool merge_products;
    C2S_TRY(c2s_option_flag(options, "merge_products", &merge_products));
    C2S_VEC(const c2s_rule *) rules = {0};
    for (const c2s_rule *const *rule = c2s_noop_rules; *rule; rule++)
        c2s_vec_push(&rules, *rule);
    for (const c2s_rule *const *rule = fuse_rules; *rule; rule++)
        if (*rule != &c2s_rule_merge_products || merge_products)
            c2s_vec_push(&rules, *rule);
    c2s_vec_push(&rules, NULL);
    c2s_graph_list roots = {0};
    c2s_status status = C2S_OK;
    c2s_roots_list(model, &roots);
    for (size_t i = 0; i < roots.count && status == C2S_OK; i++)
        status = rewrite(roots.at[i], rules.at, stats);
    c2s_vec_free(&roots);
    c2s_vec_free(&rules);
    return status == C2S_OK ? c2s_roots_infer(model) : status;
}

static const c2s_rewrite_kind kinds[] = {
    {c2s_transpose_region, "Transposes around operators that any layout suits -> fewer, or none",
     false},
    {0},
};

const c2s_pass c2s_pass_fuse = {
    .name = "fuse",
    .summary = "folds normalizations, scales, biases, pads and transposes into neighbours, and "
               "shortens chains",
    .options = option_specs,
    .rules = fuse_rules,
    .kinds = kinds,
    .run = run,
};
