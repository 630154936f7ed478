/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/metric_table.h"

#include "cli/json.h"
#include "cli/table.h"
#include "eval/metric.h"

static const char *better(const c2s_metric *m) {
    return m->better == C2S_HIGHER_IS_BETTER ? "higher" : "lower";
}

static c2s_status print_json(void) {
    json_t *list = json_array();
    for (c2s_metric_id id = 0; id < C2S_METRIC_COUNT; id++) {
        const c2s_metric *m = &c2s_metric_all[id];
        json_array_append_new(list, json_pack("{s:s, s:s, s:s, s:s}", "name", m->name, "unit",
                                              m->unit, "better", better(m), "summary", m->summary));
    }
    return cli_json_print(list, stdout);
}

c2s_status cli_list_metrics(const cli_arguments *arguments) {
    if (arguments->json)
        return print_json();
    cli_table table;
    cli_table_start(&table, 4, 4);
    cli_cell(&table, "metric");
    cli_cell(&table, "unit");
    cli_cell(&table, "better");
    cli_cell(&table, "computed as");
    for (c2s_metric_id id = 0; id < C2S_METRIC_COUNT; id++) {
        const c2s_metric *m = &c2s_metric_all[id];
        cli_cell(&table, "%s", m->name);
        cli_cell(&table, "%s", m->unit);
        cli_cell(&table, "%s", better(m));
        cli_cell(&table, "%s", m->summary);
    }
    cli_table_print(&table, stdout);
    cli_table_free(&table);
    return C2S_OK;
}
