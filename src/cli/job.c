/* SPDX-License-Identifier: Apache-2.0
 *
 * onnx-c2s IN OUT: the default job.
 */
#include <math.h>
#include <string.h>

#include "base/status.h"
#include "cli/format.h"
#include "cli/html_report.h"
#include "cli/json.h"
#include "cli/rewrites.h"
#include "cli/table.h"
#include "cli/verbs.h"
#include "io/save.h"
#include "io/text.h"
#include "ir/graph.h"
#include "passes/pass.h"

static const cli_option options[] = {
    {0, "passes", "PIPELINE",
     "passes to run, or none (default " C2S_DEFAULT_PASSES "; see onnx-c2s passes)", CLI_TEXT,
     offsetof(cli_arguments, passes)},
    CLI_DATA_OPTION,
    CLI_IMAGE_OPTION,
    {0, "calib", "PATH",
     "data that quantization, pruning, ... learn from (default: the data to prove on); may be "
     "repeated",
     CLI_TEXTS, offsetof(cli_arguments, calibration)},
    {0, "calib-samples", "N", "learn from at most N samples, spread evenly (default: all)",
     CLI_INTEGER, offsetof(cli_arguments, calibration_samples)},
    {0, "calib-cache", "FILE",
     "keep statistics of the model on the data in this file, and go on from there", CLI_TEXT,
     offsetof(cli_arguments, calibration_cache)},
    {0, "max-drop", "POINTS",
     "how much top-1, or the metric, lossy passes may lose; top-1 needs labels in the data",
     CLI_NUMBER, offsetof(cli_arguments, max_drop)},
    CLI_METRIC_OPTIONS(
        "a metric of yours for --max-drop: the last number that this prints, such as "
        "'python3 eval.py {model}'"),
    {0, "min-sqnr", "DB", "the least signal-to-noise ratio that lossy passes may leave", CLI_NUMBER,
     offsetof(cli_arguments, min_sqnr)},
    CLI_SAMPLES_OPTION,
    CLI_SEED_OPTION,
    {0, "dim", "NAME=N", "make a named dimension this number, in the whole model; may be repeated",
     CLI_DIM, offsetof(cli_arguments, dims)},
    {0, "shape", "INPUT=DIMS",
     "give an input this shape, such as 1,3,?,N: a number, ? (as it is) or a name per axis",
     CLI_SHAPE, offsetof(cli_arguments, shapes)},
    {0, "opset", "N", "write opset N of ai.onnx, 7 to 28 (default: as it is, at least 13)",
     CLI_INTEGER, offsetof(cli_arguments, opset)},
    {0, "target", "ort",
     "write what ONNX Runtime runs fastest: opset 23 at least, if none is asked for", CLI_TEXT,
     offsetof(cli_arguments, target)},
    {0, "format", "F",
     "write what is quantized in this form: qdq, qoperator or float (default: as it is)", CLI_TEXT,
     offsetof(cli_arguments, format)},
    {0, "tolerance", "X", "largest relative error of an output (default: by its type)", CLI_NUMBER,
     offsetof(cli_arguments, tolerance)},
    {0, "no-prove", NULL, "do not run the model before and after each pass", CLI_FLAG,
     offsetof(cli_arguments, no_prove)},
    {0, "no-bisect", NULL,
     "roll back a whole pass if it breaks the tolerance (default: the rewrites that do)", CLI_FLAG,
     offsetof(cli_arguments, no_bisect)},
    {0, "no-guard", NULL, "keep what makes the model slower here (default: leave it out)", CLI_FLAG,
     offsetof(cli_arguments, no_guard)},
    {0, "strict", NULL, "exit with 7 if anything was rolled back", CLI_FLAG,
     offsetof(cli_arguments, strict)},
    {0, "skip", "RULE[@NODE]", "leave a rewrite out, everywhere or at a node; may be repeated",
     CLI_TEXTS, offsetof(cli_arguments, skips)},
    {0, "rules", "FILE", "apply the rules of a file as the pass custom; may be repeated", CLI_TEXTS,
     offsetof(cli_arguments, rules)},
    {0, "list-rules", NULL, "show all rewrites by name and stop", CLI_FLAG,
     offsetof(cli_arguments, list_rules)},
    {0, "explain", "NODE", "which rewrites looked at this node, and why they did nothing", CLI_TEXT,
     offsetof(cli_arguments, explain)},
    {0, "log-rewrites", "FILE", "write a line for each rewrite, with the nodes that are gone",
     CLI_TEXT, offsetof(cli_arguments, log_rewrites)},
    {0, "report", "FILE", "write a report as one HTML file: what was done, bought and lost, drawn",
     CLI_TEXT, offsetof(cli_arguments, report)},
    {0, "annotate", NULL, "say in the metadata of new nodes which rewrites made them", CLI_FLAG,
     offsetof(cli_arguments, annotate)},
    {0, "stop-after", "N", "do only the first N rewrites", CLI_INTEGER,
     offsetof(cli_arguments, stop_after)},
    {0, "print-after", "PASS", "print the model after this pass as text to standard error",
     CLI_TEXT, offsetof(cli_arguments, print_after)},
    {0, "keep-initializer-inputs", NULL,
     "initializers that are graph inputs stay overridable, and nothing folds them", CLI_FLAG,
     offsetof(cli_arguments, keep_initializer_inputs)},
    {0, "external-data", "[=BYTES]", "write tensors of at least BYTES (1k) to OUT.data",
     CLI_EXTERNAL, 0},
    {0, "threads", "N", "threads of the proof (default: all processors)", CLI_INTEGER,
     offsetof(cli_arguments, threads)},
    CLI_MEMORY_OPTION,
    CLI_JSON_OPTION,
    {0, "version", NULL, "show the version and those of the libraries", CLI_FLAG,
     offsetof(cli_arguments, version)},
    {0}};

static const char *const outcomes[] = {[C2S_APPLIED] = "applied",
                                       [C2S_UNCHANGED] = "nothing to do",
                                       [C2S_ROLLED_BACK] = "rolled back"};

/* ---- for people ---- */

static void count_row(cli_table *table, const char *name, uint64_t before, uint64_t after,
                      const char *(*text)(uint64_t)) {
    cli_cell(table, "%s", name);
    cli_cell(table, "%s", text(before));
    cli_cell(table, "%s", text(after));
    cli_cell(table, "%s", cli_change(before, after));
}

static void print_counts(const c2s_report *r, FILE *stream) {
    cli_table table;
    cli_table_start(&table, 4, 1);
    cli_cell(&table, "%s", "");
    cli_cell(&table, "before");
    cli_cell(&table, "after");
    cli_cell(&table, "%s", "");
    count_row(&table, "nodes", r->before.nodes, r->after.nodes, cli_count);
    count_row(&table, "parameters", r->before.parameters, r->after.parameters, cli_count);
    count_row(&table, "bytes", r->before.bytes, r->after.bytes, cli_bytes);
    count_row(&table, "multiply-accumulates", r->before.macs, r->after.macs, cli_count);
    count_row(&table, "peak activations", r->before.peak_activation_bytes,
              r->after.peak_activation_bytes, cli_bytes);
    cli_table_print(&table, stream);
    cli_table_free(&table);
}

static void print_passes(const c2s_report *r, bool rules, FILE *stream) {
    for (unsigned i = 0; i < r->pass_count; i++) {
        const c2s_pass_report *pass = &r->passes[i];
        fprintf(stream, "%s: %s", pass->name, outcomes[pass->outcome]);
        if (pass->outcome == C2S_APPLIED)
            fprintf(stream, ", %u rewrites", pass->rewrites);
        if (!isnan(pass->error) && pass->outcome != C2S_UNCHANGED)
            fprintf(stream, ", error %.1e", pass->error);
        fprintf(stream, "%s%s\n", pass->reason ? ": " : "", pass->reason ? pass->reason : "");
        for (unsigned k = 0; k < pass->left_out_count; k++)
            fprintf(stream, "    rolled back: %s\n", pass->left_out[k]);
        for (unsigned k = 0; rules && k < pass->rule_count; k++) {
            const c2s_rule_report *rule = &pass->rules[k];
            fprintf(stream, "    %-32s %5u applied", rule->name, rule->applied);
            if (rule->refused)
                fprintf(stream, ", %u refused", rule->refused);
            fputc('\n', stream);
        }
    }
}

static void print_quality(const c2s_quality_report *q, FILE *stream) {
    if (q->samples == 0)
        return;
    fprintf(stream, "against the first model, on %u samples: SQNR %.1f dB", q->samples, q->sqnr_db);
    if (!isnan(q->agreement))
        fprintf(stream, ", same largest element in %.2f %%", q->agreement);
    if (!isnan(q->top1_after))
        fprintf(stream, "; top-1 %.2f %%, was %.2f %% (%+.2f, standard error %.2f)", q->top1_after,
                q->top1_before, q->top1_after - q->top1_before, q->drop_error);
    if (!isnan(q->metric_after))
        fprintf(stream, "; metric %.6g, was %.6g", q->metric_after, q->metric_before);
    fputc('\n', stream);
}

static void print_report(const cli_arguments *a, const c2s_report *r, FILE *stream) {
    print_counts(r, stream);
    fputc('\n', stream);
    print_passes(r, a->verbosity > 0, stream);
    if (r->opset_before != r->opset_after)
        fprintf(stream, "opset of ai.onnx: %lld before, %lld after\n", (long long)r->opset_before,
                (long long)r->opset_after);
    if (!isnan(r->error))
        fprintf(stream, "largest relative error of the outputs: %.1e\n", r->error);
    print_quality(&r->quality, stream);
    for (unsigned i = 0; i < r->note_count; i++)
        fprintf(stream, "%s\n", r->notes[i]);
}

/* ---- for machines ---- */

static json_t *remedies_json(const c2s_pass_report *pass) {
    json_t *list = json_array();
    for (unsigned k = 0; k < pass->remedy_count; k++) {
        const c2s_remedy_report *r = &pass->remedies[k];
        json_t *json = json_object();
        json_object_set_new(json, "what", c2s_json_text(r->what));
        json_object_set_new(json, "where", r->where ? c2s_json_text(r->where) : json_null());
        json_object_set_new(json, "before_db", c2s_json_number(r->before_db));
        json_object_set_new(json, "after_db", c2s_json_number(r->after_db));
        json_object_set_new(json, "alone_db", c2s_json_number(r->alone_db));
        json_object_set_new(json, "alone_kl", c2s_json_number(r->alone_kl));
        json_object_set_new(json, "kept", json_boolean(r->kept));
        json_array_append_new(list, json);
    }
    return list;
}

static json_t *pass_json(const c2s_pass_report *pass) {
    json_t *rules = json_array(), *left_out = json_array(), *json = json_object();
    for (unsigned k = 0; k < pass->left_out_count; k++)
        json_array_append_new(left_out, c2s_json_text(pass->left_out[k]));
    for (unsigned k = 0; k < pass->rule_count; k++)
        json_array_append_new(rules, json_pack("{s:s, s:i, s:i}", "name", pass->rules[k].name,
                                               "applied", (int)pass->rules[k].applied, "refused",
                                               (int)pass->rules[k].refused));
    json_object_set_new(json, "name", c2s_json_text(pass->name));
    json_object_set_new(json, "outcome",
                        json_string(pass->outcome == C2S_APPLIED     ? "applied"
                                    : pass->outcome == C2S_UNCHANGED ? "unchanged"
                                                                     : "rolled_back"));
    json_object_set_new(json, "rewrites", json_integer(pass->rewrites));
    json_object_set_new(json, "error", c2s_json_number(pass->error));
    json_object_set_new(json, "reason", pass->reason ? c2s_json_text(pass->reason) : json_null());
    json_object_set_new(json, "seconds", c2s_json_number(pass->seconds));
    json_object_set_new(json, "left_out", left_out);
    json_object_set_new(json, "rules", rules);
    json_object_set_new(json, "remedies", remedies_json(pass));
    return json;
}

static json_t *quality_json(const c2s_quality_report *q) {
    if (q->samples == 0)
        return json_null();
    json_t *json = json_object();
    json_object_set_new(json, "samples", json_integer(q->samples));
    json_object_set_new(json, "sqnr_db", c2s_json_number(q->sqnr_db));
    json_object_set_new(json, "agreement", c2s_json_number(q->agreement));
    json_object_set_new(json, "top1_before", c2s_json_number(q->top1_before));
    json_object_set_new(json, "top1_after", c2s_json_number(q->top1_after));
    json_object_set_new(json, "drop_error", c2s_json_number(q->drop_error));
    json_object_set_new(json, "metric_before", c2s_json_number(q->metric_before));
    json_object_set_new(json, "metric_after", c2s_json_number(q->metric_after));
    json_object_set_new(json, "divergence", c2s_json_number(q->divergence));
    return json;
}

static c2s_status print_json(const cli_arguments *a, const c2s_report *r, FILE *stream) {
    json_t *passes = json_array(), *notes = json_array(), *root = json_object();
    for (unsigned i = 0; i < r->pass_count; i++)
        json_array_append_new(passes, pass_json(&r->passes[i]));
    for (unsigned i = 0; i < r->note_count; i++)
        json_array_append_new(notes, c2s_json_text(r->notes[i]));
    json_object_set_new(root, "before", cli_json_counts(&r->before));
    json_object_set_new(root, "after", cli_json_counts(&r->after));
    json_object_set_new(root, "error", c2s_json_number(r->error));
    json_object_set_new(root, "quality", quality_json(&r->quality));
    json_object_set_new(root, "opset",
                        json_pack("{s:I, s:I}", "before", (json_int_t)r->opset_before, "after",
                                  (json_int_t)r->opset_after));
    json_object_set_new(root, "passes", passes);
    json_object_set_new(root, "notes", notes);
    if (a->log_rewrites)
        json_object_set_new(root, "rewrites", cli_rewrites_json(r));
    return cli_json_print(root, stream);
}

/* ---- the job ---- */

static c2s_status judge(const c2s_report *r) {
    for (unsigned i = 0; i < r->pass_count; i++) {
        if (r->passes[i].outcome == C2S_ROLLED_BACK)
            return c2s_fail(C2S_ERR_TOLERANCE, "pass %s was rolled back: %s", r->passes[i].name,
                            r->passes[i].reason ? r->passes[i].reason : "");
        if (r->passes[i].left_out_count > 0)
            return c2s_fail(C2S_ERR_TOLERANCE, "pass %s: %s was rolled back", r->passes[i].name,
                            r->passes[i].left_out[0]);
    }
    return C2S_OK;
}

static c2s_status print_after(void *user, const char *pass, c2s_model *model) {
    const cli_arguments *a = user;
    static const c2s_text_options brief = {.max_elements = 8, .node_names = true, .types = true};
    if (strcmp(a->print_after, pass) == 0)
        c2s_text_write(model, &brief, stderr);
    return C2S_OK;
}

static c2s_status check_print_after(const char *name) {
    return !name || c2s_pass_find(name)
               ? C2S_OK
               : c2s_fail(C2S_ERR_USAGE, "--print-after %s: there is no such pass", name);
}

/* The oldest opset that has Attention, RotaryEmbedding and RMSNormalization, each of which ONNX
 * Runtime runs as one node. What it alone has beside them is not faster: docs/onnxruntime.md. */
#define ORT_OPSET 23

/* What a target means for the opset, unless one was asked for. */
static c2s_status aim(const cli_arguments *a, const c2s_model *model, c2s_run_options *run) {
    if (!a->target)
        return C2S_OK;
    if (strcmp(a->target, "ort") != 0)
        return c2s_fail(C2S_ERR_USAGE, "--target %s, expected ort", a->target);
    run->target = "ort-cpu";
    if (!run->opset && c2s_model_opset(model, "") < ORT_OPSET)
        run->opset = ORT_OPSET;
    return C2S_OK;
}

static c2s_status run_job(const cli_arguments *a, const c2s_rules *rules, const char *passes,
                          c2s_model *model, const char *out) {
    c2s_run_options run = {
        .passes = passes,
        .rules = rules,
        .no_prove = a->no_prove,
        .no_bisect = a->no_bisect,
        .no_guard = a->no_guard,
        .skip = a->skips.at,
        .skip_count = (unsigned)a->skips.count,
        .stop_after = a->stop_after > UINT32_MAX ? UINT32_MAX : (unsigned)a->stop_after,
        .annotate = a->annotate,
        .trace = a->explain || a->log_rewrites,
        .after_pass = a->print_after ? print_after : NULL,
        .user = (void *)(uintptr_t)a,
        .keep_initializer_inputs = a->keep_initializer_inputs,
        .tolerance = a->tolerance,
        .samples = a->samples > UINT32_MAX ? UINT32_MAX : (unsigned)a->samples,
        .seed = (uint64_t)a->seed,
        .data = a->data,
        .calibration = a->calibration.at,
        .calibration_count = (unsigned)a->calibration.count,
        .calibration_samples = (size_t)a->calibration_samples,
        .calibration_cache = a->calibration_cache,
        .image = a->image,
        .max_drop = a->max_drop,
        .min_sqnr_db = a->min_sqnr,
        .metric_command = a->metric_command,
        .metric_seconds = a->metric_seconds,
        .metric_less = a->metric_less,
        .dims = a->dims.at,
        .dim_count = (unsigned)a->dims.count,
        .opset = a->opset,
        .shapes = a->shapes.at,
        .shape_count = (unsigned)a->shapes.count,
        .memory_limit = a->memory,
        .threads = a->threads > UINT32_MAX ? UINT32_MAX : (unsigned)a->threads,
    };
    c2s_save_options save = {a->external_data, a->external_threshold};
    c2s_report *report = NULL;
    cli_question question;
    C2S_TRY(c2s_save_check(model, out, &save));
    C2S_TRY(check_print_after(a->print_after));
    C2S_TRY(aim(a, model, &run));
    if (a->explain)
        C2S_TRY(cli_question_ask(model, a->explain, &question));
    c2s_model *before = a->report ? c2s_model_copy(model) : NULL;
    c2s_status status = c2s_model_optimize(model, &run, &report);
    if (status == C2S_OK)
        status = c2s_model_save(model, out, &save);
    if (status == C2S_OK && before)
        status = cli_html_report(a, before, model, report);
    else
        c2s_model_destroy(before);
    FILE *stream = strcmp(out, "-") == 0 ? stderr : stdout;
    if (status == C2S_OK && a->json)
        status = print_json(a, report, stream);
    else if (status == C2S_OK && !a->quiet)
        print_report(a, report, stream);
    if (status == C2S_OK && a->explain)
        cli_question_answer(&question, rules, report, a->json ? stderr : stream);
    if (status == C2S_OK && a->log_rewrites)
        status = cli_log_rewrites(a->log_rewrites, report);
    if (status == C2S_OK && a->strict)
        status = judge(report);
    c2s_report_free(report);
    return status;
}

static c2s_status run(const cli_arguments *a) {
    c2s_model *model = NULL;
    c2s_rules *rules = NULL;
    char *passes = NULL;
    c2s_status status = cli_format_passes(a, &passes);
    if (status == C2S_OK)
        status = cli_load_rules(a, &rules);
    if (status == C2S_OK)
        status = c2s_model_load(a->positional.at[0], &model);
    if (status == C2S_OK)
        status = run_job(a, rules, passes ? passes : a->passes, model, a->positional.at[1]);
    c2s_model_free(model);
    c2s_rules_free(rules);
    free(passes);
    return status;
}

const cli_verb cli_verb_optimize = {
    .name = "",
    .usage = "[OPTIONS] IN OUT",
    .summary =
        "Makes the ONNX model IN smaller and faster, proves by running both that it still "
        "computes\n"
        "the same, and writes OUT. Either may be - for standard input or output, or end in\n"
        ".onnxtxt for ONNX text syntax. IN is never changed, unless OUT is the same file; OUT\n"
        "appears whole or not at all.",
    .options = options,
    .details =
        "Examples:\n"
        "  onnx-c2s model.onnx small.onnx                    the default passes\n"
        "  onnx-c2s --data test.npz model.onnx small.onnx    prove on real inputs\n"
        "  onnx-c2s -v --strict model.onnx small.onnx        say why not; fail on a roll-back\n"
        "  onnx-c2s --passes none --external-data a.onnx b.onnx\n"
        "                                                    only move the weights out",
    .least = 2,
    .most = 2,
    .run = run,
};
