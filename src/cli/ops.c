/* SPDX-License-Identifier: Apache-2.0
 *
 * onnx-c2s ops: what is known of every operator.
 */
#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>

#include "catalogue.h"
#include "cli/json.h"
#include "cli/table.h"
#include "cli/verbs.h"

enum { SINCE_TEXT = 64 };

static const char *shown_domain(const c2s_catalogue_entry *entry) {
    return entry->domain[0] ? entry->domain : "ai.onnx";
}

/* ---- what is asked for ---- */

static bool lacks_something(const c2s_catalogue_entry *entry) {
    for (int topic = 0; topic < C2S_TOPIC_COUNT; topic++)
        if (c2s_catalogue_lacks(entry, (c2s_catalogue_topic)topic))
            return true;
    return false;
}

/* Patterns are held against the type, and against domain.type. */
static bool matches(const c2s_catalogue_entry *entry, const cli_arguments *arguments) {
    char whole[256];
    bool found = arguments->positional.count == 0;
    snprintf(whole, sizeof whole, "%s.%s", shown_domain(entry), entry->type);
    for (size_t i = 0; i < arguments->positional.count; i++)
        found |= fnmatch(arguments->positional.at[i], entry->type, 0) == 0 ||
                 fnmatch(arguments->positional.at[i], whole, 0) == 0;
    return found && (!arguments->domain || strcmp(arguments->domain, shown_domain(entry)) == 0) &&
           (!arguments->missing || (entry->versions && lacks_something(entry)));
}

/* ---- cells ---- */

/* "1,6,13"; from the last one on the operator is no longer there: "7,9,(10)". */
static const char *since_text(const c2s_catalogue_entry *entry, char text[SINCE_TEXT]) {
    size_t length = 0;
    snprintf(text, SINCE_TEXT, "%s", entry->versions ? "" : "-");
    for (unsigned v = 0; entry->versions && v < entry->versions->count; v++) {
        const c2s_op_version *version = &entry->versions->versions[v];
        const bool gone = version->flags & C2S_OP_DEPRECATED;
        const int more = snprintf(text + length, SINCE_TEXT - length, "%s%s%u%s", v ? "," : "",
                                  gone ? "(" : "", version->since, gone ? ")" : "");
        length += more < 0 || (size_t)more >= SINCE_TEXT - length ? 0 : (size_t)more;
    }
    return text;
}

static const char *topic_text(const c2s_catalogue_entry *entry, c2s_catalogue_topic topic) {
    if (c2s_catalogue_lacks(entry, topic))
        return "-";
    if (!entry->op)
        return topic == C2S_TOPIC_EVAL ? "rewritten" : "";
    if (topic == C2S_TOPIC_MACS)
        return entry->op->macs ? "yes" : "0";
    if (topic == C2S_TOPIC_QUANT)
        return c2s_quant_kind_name(entry->op->quant.kind);
    return "yes";
}

static unsigned onnx_cases(const c2s_catalogue_entry *entry) {
    return entry->cases ? entry->cases->onnx : 0;
}

static unsigned own_cases(const c2s_catalogue_entry *entry) {
    return entry->cases ? entry->cases->own : 0;
}

/* ---- output ---- */

static json_t *json_of(const c2s_catalogue_entry *entry) {
    json_t *since = json_array();
    for (unsigned v = 0; entry->versions && v < entry->versions->count; v++)
        json_array_append_new(since, json_integer(entry->versions->versions[v].since));
    json_t *object =
        json_pack("{s:s, s:s, s:o, s:b, s:b}", "domain", shown_domain(entry), "type", entry->type,
                  "since", since, "deprecated", entry->deprecated, "rewritten", entry->rewritten);
    for (int t = 0; t < C2S_TOPIC_CASES; t++) {
        const c2s_catalogue_topic topic = (c2s_catalogue_topic)t;
        const char *name = c2s_catalogue_topic_name(topic);
        if (topic == C2S_TOPIC_QUANT)
            json_object_set_new(object, name, json_string(topic_text(entry, topic)));
        else
            json_object_set_new(object, name,
                                json_boolean(strcmp(topic_text(entry, topic), "yes") == 0));
    }
    json_object_set_new(object, "kernel", json_boolean(entry->kernels > 0));
    json_object_set_new(
        object, "tested",
        json_pack("{s:i, s:i}", "onnx", (int)onnx_cases(entry), "own", (int)own_cases(entry)));
    return object;
}

static void add_row(cli_table *table, const c2s_catalogue_entry *entry) {
    char since[SINCE_TEXT];
    cli_cell(table, "%s%s%s", entry->domain, entry->domain[0] ? "." : "", entry->type);
    cli_cell(table, "%s", since_text(entry, since));
    for (int topic = 0; topic < C2S_TOPIC_CASES; topic++)
        cli_cell(table, "%s", topic_text(entry, (c2s_catalogue_topic)topic));
    cli_cell(table, "%s", entry->kernels ? "yes" : "-");
    if (entry->cases)
        cli_cell(table, "%u+%u", onnx_cases(entry), own_cases(entry));
    else
        cli_cell(table, "-");
}

static c2s_status run(const cli_arguments *arguments) {
    static const char *const head[] = {"operator", "since", "infer",  "eval",  "macs",
                                       "ties",     "quant", "kernel", "tested"};
    enum { COLUMNS = sizeof head / sizeof head[0] };
    size_t count, shown = 0;
    c2s_catalogue_entry *entries = c2s_catalogue(&count);
    json_t *root = json_array();
    cli_table table;
    cli_table_start(&table, COLUMNS, 2);
    for (size_t i = 0; i < COLUMNS; i++)
        cli_cell(&table, "%s", head[i]);
    for (size_t i = 0; i < count; i++) {
        if (!matches(&entries[i], arguments))
            continue;
        json_array_append_new(root, json_of(&entries[i]));
        add_row(&table, &entries[i]);
        shown++;
    }
    free(entries);
    c2s_status status = C2S_OK;
    if (arguments->json)
        return cli_table_free(&table), cli_json_print(root, stdout);
    if (shown)
        cli_table_print(&table, stdout);
    else if (arguments->missing)
        printf("no operator of ONNX lacks anything\n");
    else
        status = c2s_fail(C2S_ERR_USAGE, "no operator has such a name; all of them: onnx-c2s ops");
    json_decref(root);
    cli_table_free(&table);
    return status;
}

static const cli_option options[] = {
    {0, "domain", "NAME", "operators of this domain: ai.onnx, ai.onnx.ml, com.microsoft, ...",
     CLI_TEXT, offsetof(cli_arguments, domain)},
    {0, "missing", NULL, "operators of ONNX that lack something", CLI_FLAG,
     offsetof(cli_arguments, missing)},
    CLI_JSON_OPTION,
    {0}};

const cli_verb cli_verb_ops = {
    .name = "ops",
    .usage = "ops [PATTERN...]",
    .summary = "What is known of each operator. Others pass through untouched.",
    .options = options,
    .most = 64,
    .details =
        "A pattern is matched as by the shell against the type, or against domain.type: 'Conv*'.\n"
        "\n"
        "since   opsets that changed the operator; (N): it is gone since. -: not ONNX's\n"
        "infer   types and shapes of the outputs are inferred\n"
        "eval    it can be executed; rewritten: a model that has it is read as other operators\n"
        "macs    multiply-accumulates are counted: products of two operands, or of an operand and\n"
        "        fixed coefficients, that are summed. 0: it has none, like all elementwise\n"
        "        operators, reductions, normalizations, look-ups and trees\n"
        "ties    says which axes belong together when channels are removed\n"
        "quant   how it can be quantized. none: no floats; codes: works on quantized data "
        "already;\n"
        "        float: stays float; linear: products in int32, each operand with a scale; own: "
        "each\n"
        "        operand and output a scale; within: output within the input's range; same: "
        "output\n"
        "        has the input's scale; unify: all share one; clamp: vanishes in a quantizer's\n"
        "        saturation; range: outputs have a known range\n"
        "kernel  oneDNN executes it where the kernel's conditions hold\n"
        "tested  ONNX's own cases + lines of our tests that make a node of it",
    .run = run,
};
