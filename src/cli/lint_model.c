/* SPDX-License-Identifier: Apache-2.0
 *
 * onnx-c2s lint: which quantizers of a model fuse on a target, and what keeps the others from it.
 */
#include <string.h>

#include "base/status.h"
#include "cli/json.h"
#include "cli/lint_ranges.h"
#include "cli/table.h"
#include "cli/verbs.h"
#include "job_opset.h"
#include "passes/quant/lint.h"

static const cli_option options[] = {
    {0, "target", "T", "ort-cpu (default), tensorrt, openvino, qnn or generic", CLI_TEXT,
     offsetof(cli_arguments, target)},
    {0, "fix", NULL, "write OUT, in which what can be mended is, and useless pairs are gone",
     CLI_FLAG, offsetof(cli_arguments, fix)},
    {0, "data", "PATH",
     "also say whether the ranges suit this data: .npz, .npy or a folder (docs/data.md)", CLI_TEXT,
     offsetof(cli_arguments, data)},
    CLI_IMAGE_OPTION,
    CLI_SAMPLES_OPTION,
    {0, "threads", "N", "threads that run the model (default: all processors)", CLI_INTEGER,
     offsetof(cli_arguments, threads)},
    CLI_JSON_OPTION,
    {0}};

/* ---- for people ---- */

static void print_faults(const c2s_lint *lint) {
    for (const c2s_node *node = lint->judge.graph->first; node; node = node->next) {
        const c2s_judged *judged = &lint->judge.nodes[node->id];
        if (!judged->reason || judged->integer || judged->weights_alone)
            continue;
        printf("%s stays in float: %s", c2s_node_text(node), judged->reason);
        if (judged->fault == C2S_FAULT_OPERAND && judged->slot < node->formal_count &&
            node->inputs[judged->slot].value)
            printf(" (\"%s\")", cli_shown(node->inputs[judged->slot].value->name));
        printf("\n    %s\n", c2s_fault_mend(judged->fault));
    }
}

static void print_useless(const c2s_lint *lint) {
    for (size_t i = 0; i < lint->items.count; i++) {
        const c2s_lint_item *item = &lint->items.at[i];
        if (!item->fuses && item->partner && c2s_is_quantizer(item->codec))
            printf("%s does not fuse with %s\n", c2s_node_text(item->codec),
                   c2s_node_text(item->partner));
    }
}

static void print_counts(const c2s_lint *lint) {
    printf("%u pairs of QuantizeLinear and DequantizeLinear for %s: %u fuse on both sides, %u "
           "convert between floats and integers, %u serve neither side\n",
           lint->pairs, lint->judge.target->name, lint->fused, lint->converts, lint->useless);
}

/* ---- for machines ---- */

static json_t *item_json(const c2s_lint *lint, const c2s_lint_item *item) {
    const c2s_node *codec = item->codec, *partner = item->partner;
    const c2s_judged *judged = partner ? &lint->judge.nodes[partner->id] : NULL;
    const bool quantizes = c2s_is_quantizer(codec);
    json_t *json = json_object();
    json_object_set_new(json, "kind", json_string(quantizes ? "quantize" : "dequantize"));
    json_object_set_new(json, "node", c2s_json_text(c2s_node_name(codec)));
    json_object_set_new(json, "value", c2s_json_text(codec->outputs[0]->name));
    json_object_set_new(json, "input",
                        codec->inputs[0].value ? c2s_json_text(codec->inputs[0].value->name)
                                               : json_null());
    json_object_set_new(json, "constant",
                        json_boolean(codec->inputs[0].value && codec->inputs[0].value->constant));
    json_object_set_new(json, "partner",
                        partner ? c2s_json_text(c2s_node_name(partner)) : json_null());
    json_object_set_new(json, "partner_type", partner ? c2s_json_text(partner->type) : json_null());
    json_object_set_new(json, "partner_value",
                        partner && partner->outputs[0] ? c2s_json_text(partner->outputs[0]->name)
                                                       : json_null());
    json_object_set_new(json, "fuses", json_boolean(item->fuses));
    const bool why = !item->fuses && judged && judged->reason;
    json_object_set_new(json, "reason", why ? c2s_json_text(judged->reason) : json_null());
    json_object_set_new(json, "mend",
                        why ? c2s_json_text(c2s_fault_mend(judged->fault)) : json_null());
    return json;
}

static c2s_status print_json(const c2s_lint *lint, const c2s_range_report *ranges, unsigned mended,
                             unsigned removed) {
    json_t *items = json_array();
    for (size_t i = 0; i < lint->items.count; i++)
        json_array_append_new(items, item_json(lint, &lint->items.at[i]));
    json_t *root = json_pack("{s:s, s:i, s:i, s:i, s:i, s:i, s:i}", "target",
                             lint->judge.target->name, "pairs", (int)lint->pairs, "fused",
                             (int)lint->fused, "converts", (int)lint->converts, "useless",
                             (int)lint->useless, "mended", (int)mended, "removed", (int)removed);
    json_object_set_new(root, "links", items);
    json_object_set_new(root, "ranges", ranges ? cli_lint_ranges_json(ranges) : json_null());
    return cli_json_print(root, stdout);
}

/* ---- the job ---- */

/* `ranges`: NULL: nobody asked. */
static c2s_status report(const cli_arguments *a, const c2s_lint *lint, c2s_range_report *ranges,
                         unsigned mended, unsigned removed) {
    if (a->json)
        return print_json(lint, ranges, mended, removed);
    if (!a->quiet) {
        print_faults(lint);
        if (a->verbosity > 0)
            print_useless(lint);
        if (a->fix)
            printf("mended: %u, pairs removed: %u\n", mended, removed);
        print_counts(lint);
        if (ranges)
            cli_lint_ranges_print(a, ranges);
    }
    return C2S_OK;
}

static c2s_status lint(const cli_arguments *a, c2s_model *model) {
    const c2s_target *target;
    c2s_model *normal;
    unsigned mended = 0, removed = 0;
    int64_t opset = c2s_model_opset(model, "");
    C2S_TRY(c2s_target_read(a->target ? a->target : "ort-cpu", &target));
    C2S_TRY(c2s_normal_copy(model, &normal));
    c2s_status status = C2S_OK;
    if (a->fix) {
        opset = c2s_model_opset(normal, "");
        status = c2s_lint_fix(target, normal, &mended, &removed);
        if (status == C2S_OK)
            status = c2s_model_save(normal, a->positional.at[1], NULL);
    }
    if (status == C2S_OK) {
        c2s_lint result;
        c2s_range_report ranges = {0};
        c2s_lint_run(target, normal->graph, opset, &result);
        if (a->data)
            status = cli_lint_ranges(a, normal, &ranges);
        if (status == C2S_OK)
            status = report(a, &result, a->data ? &ranges : NULL, mended, removed);
        c2s_range_report_free(&ranges);
        c2s_lint_free(&result);
    }
    c2s_model_destroy(normal);
    return status;
}

static c2s_status run(const cli_arguments *a) {
    c2s_model *model;
    if (a->positional.count != (a->fix ? 2u : 1u))
        return c2s_fail(C2S_ERR_USAGE, a->fix ? "expected a model and, for --fix, where to write it"
                                              : "expected one model; OUT is for --fix");
    C2S_TRY(c2s_model_load(a->positional.at[0], &model));
    const c2s_status status = lint(a, model);
    if (status != C2S_OK)
        c2s_note("%s", a->positional.at[0]);
    c2s_model_free(model);
    return status;
}

const cli_verb cli_verb_lint = {
    .name = "lint",
    .usage = "lint [OPTIONS] MODEL [OUT]",
    .summary =
        "Which quantizers fuse on a target, what keeps the others from it, how to mend it. A\n"
        "QuantizeLinear or DequantizeLinear fuses if it becomes part of an operator on\n"
        "integers when the target loads the model. Any model will do, whoever quantized it.",
    .options = options,
    .details = "docs/targets.md says what each target requires.",
    .least = 1,
    .most = 2,
    .run = run,
};
