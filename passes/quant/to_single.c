/* SPDX-License-Identifier: Apache-2.0
 *
 * Before: operators on float16 or bfloat16
 * After:  operators on float, with Casts at the interface
 * Leaves alone bodies and operators of other domains, which keep their type, with Casts around
 * them.
 */
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/memory.h"
#include "io/opset.h"
#include "passes/pass.h"
#include "passes/quant/half_operators.h"
#include "passes/quant/retype.h"

static const char kind[] = "single-node";

static const c2s_option_spec options[] = {
    {"io", "keep", "types of inputs and outputs: keep, single"}, {0}};

static bool touches(const c2s_node *node, c2s_dtype dtype) {
    for (unsigned k = 0; k < node->formal_count; k++)
        if (c2s_retype_is(node->inputs[k].value, dtype))
            return true;
    for (unsigned k = 0; k < node->output_count; k++)
        if (c2s_retype_is(node->outputs[k], dtype))
            return true;
    return false;
}

static bool choose(const c2s_node *node, c2s_dtype from, c2s_stats *stats) {
    const char *name = c2s_node_text(node);
    if (node->op == &c2s_op_constant || !touches(node, from))
        return false;
    if (!c2s_half_operator_of(node)) {
        c2s_stats_refuse(stats, kind, name, "it has a body, or is not known on other types");
        return false;
    }
    if (!c2s_stats_may_apply(stats) || c2s_stats_skips(stats, kind, name))
        return false;
    c2s_stats_apply(stats, kind, name);
    c2s_stats_looked(stats, node);
    return true;
}

static c2s_status widen(c2s_model *model, c2s_dtype from, bool io, c2s_stats *stats) {
    size_t count = 0, some = 0;
    c2s_retype_counts made = {0};
    for (const c2s_node *node = model->graph->first; node; node = node->next)
        count++;
    bool *chosen = c2s_zalloc(count + 1);
    count = 0;
    for (const c2s_node *node = model->graph->first; node; node = node->next, count++)
        some += chosen[count] = choose(node, from, stats);
    const c2s_retyping how = {from, C2S_FLOAT, chosen, io};
    const c2s_status status = some > 0 || io ? c2s_retype(model, &how, &made) : C2S_OK;
    free(chosen);
    if (status == C2S_OK && some > 0)
        c2s_log(1, "single: %zu nodes on %s, %u constants, %u Casts", some, c2s_dtype_name(from),
                made.constants, made.casts);
    return status;
}

static c2s_status run(c2s_model *model, const c2s_options *o, const c2s_pass_context *context,
                      c2s_stats *stats) {
    const char *io = c2s_option_text(o, "io");
    const bool single = strcmp(io, "single") == 0;
    (void)context;
    if (!single && strcmp(io, "keep") != 0)
        return c2s_fail(C2S_ERR_USAGE, "option io is \"%s\", expected keep or single", io);
    if (c2s_model_opset(model, "") < 13)
        C2S_TRY(c2s_model_convert_opset(model, 13, NULL));
    C2S_TRY(widen(model, C2S_FLOAT16, single, stats));
    return widen(model, C2S_BFLOAT16, single, stats);
}

static const c2s_rewrite_kind kinds[] = {
    {.name = kind, .summary = "a node on float16 or bfloat16 -> on float"}, {0}};

const c2s_pass c2s_pass_single = {.name = "single",
                                  .summary = "32-bit floats where a model has 16-bit ones",
                                  .options = options,
                                  .kinds = kinds,
                                  .lossy = true,
                                  .changes_interface = true,
                                  .for_size = true,
                                  .run = run};
