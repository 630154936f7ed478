/* SPDX-License-Identifier: Apache-2.0
 *
 * onnx-c2s ops: the operators that are understood.
 */
#include <string.h>

#include "cli/json.h"
#include "cli/table.h"
#include "cli/verbs.h"
#include "ops/op.h"
#include "runtime/kernel.h"

static const cli_option options[] = {CLI_JSON_OPTION, {0}};

static bool has_kernel(const c2s_op *op) {
    for (size_t i = 0; i < c2s_kernel_count; i++)
        if (op->domain[0] == '\0' && strcmp(c2s_kernels[i].op, op->type) == 0)
            return true;
    return false;
}

static const char *mark(bool yes) {
    return yes ? "yes" : "-";
}

static c2s_status print_json(const c2s_op *const *ops, size_t count) {
    json_t *root = json_array();
    for (size_t i = 0; i < count; i++)
        json_array_append_new(
            root, json_pack("{s:s, s:s, s:b, s:b, s:b, s:b}", "domain",
                            ops[i]->domain[0] ? ops[i]->domain : "ai.onnx", "type", ops[i]->type,
                            "infer", ops[i]->infer != NULL, "eval", ops[i]->eval != NULL, "macs",
                            ops[i]->macs != NULL, "kernel", has_kernel(ops[i])));
    return cli_json_print(root, stdout);
}

static c2s_status run(const cli_arguments *arguments) {
    size_t count;
    const c2s_op *const *ops = c2s_op_all(&count);
    if (arguments->json)
        return print_json(ops, count);
    cli_table table;
    static const char *const head[] = {"operator", "infer", "eval", "macs", "kernel"};
    cli_table_start(&table, 5, 1);
    for (size_t i = 0; i < 5; i++)
        cli_cell(&table, "%s", head[i]);
    for (size_t i = 0; i < count; i++) {
        cli_cell(&table, "%s%s%s", ops[i]->domain, ops[i]->domain[0] ? "." : "", ops[i]->type);
        cli_cell(&table, "%s", mark(ops[i]->infer));
        cli_cell(&table, "%s", mark(ops[i]->eval));
        cli_cell(&table, "%s", mark(ops[i]->macs));
        cli_cell(&table, "%s", mark(has_kernel(ops[i])));
    }
    cli_table_print(&table, stdout);
    cli_table_free(&table);
    return C2S_OK;
}

const cli_verb cli_verb_ops = {
    .name = "ops",
    .usage = "ops",
    .summary = "The operators that are understood. Others pass through untouched.",
    .options = options,
    .details = "infer: types and shapes; eval: can be executed; macs: counts multiply-accumulates;\n"
               "kernel: executed by oneDNN where its conditions hold.",
    .run = run,
};
