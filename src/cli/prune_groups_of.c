/* SPDX-License-Identifier: Apache-2.0
 *
 * onnx-c2s prune-groups: what of a model can be made narrower, and what cannot, and why.
 */
#include "base/status.h"
#include "cli/json.h"
#include "cli/table.h"
#include "cli/verbs.h"
#include "job_opset.h"
#include "passes/prune/prune_groups.h"

static const cli_option options[] = {
    {0, "passes", "TEXT", "look at what these passes make of the model (default: the usual ones)",
     CLI_TEXT, offsetof(cli_arguments, passes)},
    CLI_JSON_OPTION,
    {0}};

/* ---- for people ---- */

static const char *note_of(const c2s_prune_group *g, char *buffer, size_t size) {
    if (g->pin.reason)
        c2s_pin_text(&g->pin, buffer, size);
    else
        snprintf(buffer, size, "%s%s", g->mixed_by ? "changes more than it removes: " : "",
                 g->mixed_by ? c2s_node_text(g->mixed_by) : "");
    return buffer;
}

static void print_table(const c2s_prune_groups *groups) {
    cli_table table;
    char note[512];
    size_t pinned = 0;
    cli_table_start(&table, 7, 1);
    static const char *const head[] = {"group", "units", "of", "nodes", "params", "MACs", ""};
    for (size_t k = 0; k < 7; k++)
        cli_cell(&table, "%s", head[k]);
    for (int fixed = 0; fixed < 2; fixed++)
        for (size_t k = 0; k < groups->groups.count; k++) {
            const c2s_prune_group *g = &groups->groups.at[k];
            if ((g->pin.reason != NULL) != (fixed == 1))
                continue;
            pinned += fixed == 1;
            cli_cell(&table, "%s", g->name);
            cli_cell(&table, "%zu", g->units);
            cli_cell(&table, "%zu", g->granularity);
            cli_cell(&table, "%zu", g->nodes);
            cli_cell(&table, "%s", cli_count(g->parameters));
            cli_cell(&table, "%s", cli_count(g->macs));
            cli_cell(&table, "%s%s", fixed ? "pinned: " : "", note_of(g, note, sizeof note));
        }
    cli_table_print(&table, stdout);
    cli_table_free(&table);
    printf("%zu groups, %zu of them pinned\n", groups->groups.count, pinned);
}

/* ---- for machines ---- */

static json_t *group_json(const c2s_prune_group *g) {
    char reason[512];
    json_t *json = json_object();
    json_object_set_new(json, "name", c2s_json_text(g->name));
    json_object_set_new(json, "maker", c2s_json_text(c2s_node_name(g->maker)));
    json_object_set_new(json, "type", c2s_json_text(g->maker->type));
    json_object_set_new(json, "units", json_integer((json_int_t)g->units));
    json_object_set_new(json, "granularity", json_integer((json_int_t)g->granularity));
    json_object_set_new(json, "nodes", json_integer((json_int_t)g->nodes));
    json_object_set_new(json, "parameters", json_integer((json_int_t)g->parameters));
    json_object_set_new(json, "macs", json_integer((json_int_t)g->macs));
    json_object_set_new(json, "pinned",
                        g->pin.reason ? c2s_json_text(c2s_pin_text(&g->pin, reason, sizeof reason))
                                      : json_null());
    json_object_set_new(json, "mixed_by",
                        g->mixed_by ? c2s_json_text(c2s_node_name(g->mixed_by)) : json_null());
    return json;
}

static c2s_status print_json(const c2s_prune_groups *groups) {
    json_t *items = json_array();
    for (size_t k = 0; k < groups->groups.count; k++)
        json_array_append_new(items, group_json(&groups->groups.at[k]));
    json_t *root = json_object();
    json_object_set_new(root, "groups", items);
    return cli_json_print(root, stdout);
}

/* ---- the job ---- */

static c2s_status list(const cli_arguments *a, c2s_model *model) {
    c2s_model *normal;
    c2s_prune_groups groups;
    const c2s_run_options passes = {.passes = a->passes, .no_prove = true};
    C2S_TRY(c2s_model_optimize(model, &passes, NULL));
    C2S_TRY(c2s_normal_copy(model, &normal));
    c2s_prune_groups_find(normal, &groups);
    c2s_status status = C2S_OK;
    if (a->json)
        status = print_json(&groups);
    else if (!a->quiet)
        print_table(&groups);
    c2s_prune_groups_free(&groups);
    c2s_model_destroy(normal);
    return status;
}

static c2s_status run(const cli_arguments *a) {
    c2s_model *model;
    C2S_TRY(c2s_model_load(a->positional.at[0], &model));
    const c2s_status status = list(a, model);
    if (status != C2S_OK)
        c2s_note("%s", a->positional.at[0]);
    c2s_model_free(model);
    return status;
}

const cli_verb cli_verb_prune_groups = {
    .name = "prune-groups",
    .usage = "prune-groups [OPTIONS] MODEL",
    .summary = "What the pass prune can make narrower, and what it cannot, with the reason. Lists\n"
               "groups of channels, heads and hidden units that belong together.",
    .options = options,
    .details =
        "A group has so many units of so many channels each; params and MACs are what would\n"
        "go with all of them. Exporters write shapes that are computed; the usual passes fold\n"
        "these, therefore the list is of what they make of the model.\n"
        "docs/pruning.md says how to read it.",
    .least = 1,
    .most = 1,
    .run = run,
};
