/* SPDX-License-Identifier: Apache-2.0
 *
 * The recompose pass: activations, normalisations and attention that were written out
 * become one node.
 */
#include "passes/recompose/recompose.h"

#include "passes/cleanup/cleanup.h"
#include "passes/pass.h"
#include "passes/roots.h"

/* Larger patterns first where one contains the other. */
#define WRITTEN                                                                                    \
    &c2s_rule_instance_norm_divided, &c2s_rule_instance_norm_multiplied,                           \
        &c2s_rule_channel_norm_affine, &c2s_rule_layer_norm_as_affine,                             \
        &c2s_rule_layer_norm_divided, &c2s_rule_layer_norm_multiplied, &c2s_rule_rms_norm_divided, \
        &c2s_rule_rms_norm_multiplied, &c2s_rule_rms_norm_quotient, &c2s_rule_norm_scale,          \
        &c2s_rule_norm_shift, &c2s_rule_log_softmax, &c2s_rule_activation, &c2s_rule_global_pool,  \
        &c2s_rule_attention, &c2s_rule_attention_groups, &c2s_rule_rotary
/* What has to wait until nothing of the above is left to do. */
#define AROUND &c2s_rule_attention_cache, &c2s_rule_attention_heads

static const c2s_rule *const written[] = {WRITTEN, NULL};
static const c2s_rule *const around[] = {AROUND, NULL};
static const c2s_rule *const groups[] = {&c2s_rule_group_norm, &c2s_rule_channel_norm_affine, NULL};
static const c2s_rule *const lengths[] = {&c2s_rule_lp_norm, NULL};
static const c2s_rule *const rules[] = {WRITTEN, AROUND, &c2s_rule_group_norm, &c2s_rule_lp_norm,
                                        NULL};

static const c2s_option_spec option_specs[] = {
    {"group_norm", "no",
     "GroupNormalization, too: ONNX Runtime has no kernel for it and runs its parts"},
    {"lp_norm", "no",
     "LpNormalization, too: runtimes take as long for it as for its parts, or longer"},
    {0},
};

bool c2s_is_square(const c2s_node *node, const c2s_value *value) {
    if (c2s_node_in(node, 0) != value)
        return false;
    double power;
    const c2s_value *second = c2s_node_in(node, 1);
    return node->op == &c2s_op_pow ? c2s_constant_scalar(second, &power) && power == 2
                                   : second == value;
}

/* What rules made of one mask, or one table of angles, for each layer becomes one. */
static void merge(c2s_model *model, c2s_stats *stats) {
    c2s_graph_list graphs = {0};
    c2s_roots_list_deep(model, &graphs);
    c2s_merge_constants(&graphs, stats);
    c2s_merge_nodes(&graphs, stats);
    c2s_vec_free(&graphs);
}

static c2s_status run(c2s_model *model, const c2s_options *options, const c2s_pass_context *context,
                      c2s_stats *stats) {
    (void)context;
    bool group_norm, lp_norm;
    C2S_TRY(c2s_option_flag(options, "group_norm", &group_norm));
    C2S_TRY(c2s_option_flag(options, "lp_norm", &lp_norm));
    unsigned before = stats->rewrites;
    C2S_TRY(c2s_roots_rewrite(model, written, stats));
    C2S_TRY(c2s_roots_rewrite(model, around, stats));
    if (group_norm)
        C2S_TRY(c2s_roots_rewrite(model, groups, stats));
    if (lp_norm)
        C2S_TRY(c2s_roots_rewrite(model, lengths, stats));
    if (stats->rewrites > before)
        merge(model, stats);
    return c2s_roots_infer(model);
}

const c2s_pass c2s_pass_recompose = {
    .name = "recompose",
    .summary = "activations, normalizations and attention that were written out in simple "
               "operators become one node, as far as the opset has it",
    .options = option_specs,
    .rules = rules,
    .run = run,
};
