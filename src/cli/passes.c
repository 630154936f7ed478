/* SPDX-License-Identifier: Apache-2.0
 *
 * onnx-c2s passes: what a pipeline can name.
 */
#include "cli/json.h"
#include "cli/table.h"
#include "cli/verbs.h"
#include "passes/pass.h"

static const cli_option options[] = {CLI_JSON_OPTION, {0}};

static c2s_status print_json(const c2s_pass *const *passes, size_t count) {
    json_t *root = json_array();
    for (size_t i = 0; i < count; i++) {
        json_t *pass_options = json_array();
        for (const c2s_option_spec *o = passes[i]->options; o && o->name; o++)
            json_array_append_new(pass_options, json_pack("{s:s, s:s, s:s}", "name", o->name,
                                                          "default", o->fallback, "summary",
                                                          o->summary));
        json_array_append_new(root, json_pack("{s:s, s:s, s:o}", "name", passes[i]->name, "summary",
                                              passes[i]->summary, "options", pass_options));
    }
    return cli_json_print(root, stdout);
}

static c2s_status run(const cli_arguments *arguments) {
    size_t count;
    const c2s_pass *const *passes = c2s_pass_all(&count);
    if (arguments->json)
        return print_json(passes, count);
    for (size_t i = 0; i < count; i++) {
        printf("%s%s: %s\n", i ? "\n" : "", passes[i]->name, passes[i]->summary);
        for (const c2s_option_spec *o = passes[i]->options; o && o->name; o++)
            printf("    %s=%s  %s\n", o->name, o->fallback, o->summary);
    }
    return C2S_OK;
}

const cli_verb cli_verb_passes = {
    .name = "passes",
    .usage = "passes",
    .summary = "The passes that --passes can name, with their options.",
    .options = options,
    .details = "A pipeline: onnx-c2s --passes 'cleanup(fold_limit=64k),fuse' in.onnx out.onnx",
    .run = run,
};
