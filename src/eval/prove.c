/* SPDX-License-Identifier: Apache-2.0 */
#include "eval/prove.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/timing.h"
#include "eval/compare.h"
#include "eval/float_types.h"
#include "eval/runner.h"

enum { DEFAULT_SETS = 2 };

struct c2s_baseline {
    c2s_prove_options options;
    char *reason;
    unsigned input_count, output_count, set_count;
    char **input_name, **output_name;
    c2s_tensor **in, **out; /* set by set */
    double seconds;         /* of the last set */
};

/* ---- running ---- */

static c2s_status run_sets(const c2s_baseline *b, const c2s_graph *graph,
                           const c2s_tensor *const *in, c2s_tensor **out, double *seconds) {
    unsigned inputs = c2s_graph_input_count(graph), outputs = c2s_graph_output_count(graph);
    c2s_runner *runner;
    C2S_TRY(c2s_runner_open(graph, b->options.evaluator, &b->options.eval, &runner));
    c2s_status status = C2S_OK;
    for (unsigned k = 0; k < b->set_count && status == C2S_OK; k++) {
        c2s_progress("proving", (double)k / b->set_count);
        const double start = c2s_processor_clock();
        status = c2s_runner_run(runner, in + (size_t)k * inputs, out + (size_t)k * outputs);
        *seconds = c2s_processor_clock() - start;
    }
    c2s_runner_close(runner);
    return status;
}

static void clear(c2s_tensor **tensors, size_t count) {
    for (size_t k = 0; k < count; k++) {
        c2s_tensor_unref(tensors[k]);
        tensors[k] = NULL;
    }
}

/* ---- the graph before ---- */

/* A node whose results are not determined by the inputs. */
static const c2s_node *find_random(const c2s_graph *graph) {
    const c2s_model *model = graph->model;
    for (size_t i = 0; i < model->nodes.count; i++) {
        const c2s_node *node = model->nodes.at[i];
        if (!node || node->op == &c2s_op_opaque || !c2s_node_is_random(node))
            continue;
        return node; /* of the graph, a body, or a function that may be called */
    }
    return NULL;
}

static char **copy_names(unsigned count, const c2s_graph *graph,
                         const char *(*name)(const c2s_graph *graph, unsigned index)) {
    char **names = c2s_alloc_array(count + 1u, sizeof *names);
    for (unsigned k = 0; k < count; k++)
        names[k] = c2s_strdup(name(graph, k));
    return names;
}

static const char *input_name(const c2s_graph *graph, unsigned index) {
    return c2s_graph_input(graph, index)->name;
}

static void copy_given(c2s_baseline *b, const c2s_prove_options *o) {
    for (unsigned k = 0; k < b->set_count; k++)
        for (unsigned i = 0; i < b->input_count; i++)
            if (o->sets[k][i])
                b->in[(size_t)k * b->input_count + i] = c2s_tensor_ref(o->sets[k][i]);
}

static c2s_status make_random(c2s_baseline *b, const c2s_graph *graph, unsigned attempt) {
    clear(b->in, (size_t)b->set_count * b->input_count);
    for (unsigned k = 0; k < b->set_count; k++) {
        c2s_random_options random = b->options.random;
        random.sample = k;
        random.attempt = attempt;
        C2S_TRY(c2s_random_inputs(graph, &random, b->in + (size_t)k * b->input_count));
    }
    return C2S_OK;
}

static c2s_status run_before(c2s_baseline *b, const c2s_graph *graph) {
    c2s_status status = run_sets(b, graph, (const c2s_tensor *const *)b->in, b->out, &b->seconds);
    if (status != C2S_OK)
        clear(b->out, (size_t)b->set_count * b->output_count);
    return status;
}

static void keep_reason(c2s_baseline *b) {
    if (!b->reason)
        b->reason = c2s_strdup(c2s_error());
    c2s_error_clear();
}

/* Tries extents until the graph runs; the first failure is the one to tell. */
static c2s_status run_on_random(c2s_baseline *b, const c2s_graph *graph) {
    for (unsigned attempt = 0; attempt < C2S_RANDOM_ATTEMPTS; attempt++) {
        c2s_status status = make_random(b, graph, attempt);
        if (status == C2S_ERR_USAGE)
            return status;
        bool more = status == C2S_OK;
        if (status == C2S_OK)
            status = run_before(b, graph);
        if (status == C2S_OK) {
            free(b->reason);
            b->reason = NULL;
            return C2S_OK;
        }
        if (more)
            c2s_note("on random inputs");
        keep_reason(b);
        if (!more || status != C2S_ERR_INVALID)
            break;
    }
    return C2S_OK;
}

c2s_status c2s_baseline_create(const c2s_graph *graph, const c2s_prove_options *options,
                               c2s_baseline **out) {
    c2s_baseline *b = c2s_zalloc(sizeof *b);
    b->options = *options;
    b->set_count = options->sets        ? options->set_count
                   : options->set_count ? options->set_count
                                        : DEFAULT_SETS;
    b->input_count = c2s_graph_input_count(graph);
    b->output_count = c2s_graph_output_count(graph);
    b->input_name = copy_names(b->input_count, graph, input_name);
    b->output_name = copy_names(b->output_count, graph, c2s_graph_output_name);
    b->in = c2s_zalloc(((size_t)b->set_count * b->input_count + 1) * sizeof *b->in);
    b->out = c2s_zalloc(((size_t)b->set_count * b->output_count + 1) * sizeof *b->out);
    const c2s_node *random = find_random(graph);
    c2s_status status = C2S_OK;
    if (random) {
        c2s_fail(C2S_ERR_UNSUPPORTED, "%s makes random numbers", c2s_node_text(random));
        keep_reason(b);
    } else if (!options->sets) {
        status = run_on_random(b, graph);
    } else {
        copy_given(b, options);
        if (run_before(b, graph) != C2S_OK)
            keep_reason(b);
    }
    if (status != C2S_OK) {
        c2s_baseline_destroy(b);
        b = NULL;
    }
    *out = b;
    return status;
}

static void free_names(char **names, unsigned count) {
    for (unsigned k = 0; k < count; k++)
        free(names[k]);
    free(names);
}

void c2s_baseline_destroy(c2s_baseline *b) {
    if (!b)
        return;
    clear(b->in, (size_t)b->set_count * b->input_count);
    clear(b->out, (size_t)b->set_count * b->output_count);
    free(b->in);
    free(b->out);
    free_names(b->input_name, b->input_count);
    free_names(b->output_name, b->output_count);
    free(b->reason);
    free(b);
}

const c2s_prove_options *c2s_baseline_options(const c2s_baseline *b) {
    return &b->options;
}

bool c2s_baseline_runs(const c2s_baseline *b) {
    return !b->reason;
}

unsigned c2s_baseline_sets(const c2s_baseline *b) {
    return b->set_count;
}

double c2s_baseline_seconds(const c2s_baseline *b) {
    return b->seconds;
}

/* ---- the graph after ---- */

const c2s_tensor **c2s_baseline_inputs(const c2s_baseline *b, const c2s_graph *graph) {
    unsigned count = c2s_graph_input_count(graph);
    const c2s_tensor **in = c2s_zalloc(((size_t)b->set_count * count + 1) * sizeof *in);
    for (unsigned i = 0; i < count; i++) {
        const char *name = input_name(graph, i);
        unsigned k = i; /* nearly always at the same place */
        if (k >= b->input_count || strcmp(b->input_name[k], name) != 0)
            for (k = 0; k < b->input_count && strcmp(b->input_name[k], name) != 0;)
                k++;
        for (unsigned set = 0; set < b->set_count && k < b->input_count; set++)
            in[(size_t)set * count + i] = b->in[(size_t)set * b->input_count + k];
    }
    return in;
}

static void broken(c2s_proof *proof, const char *output) {
    proof->verdict = C2S_DIFFERENT;
    snprintf(proof->output, sizeof proof->output, "%s", output);
}

static void describe(const c2s_baseline *b, const c2s_graph *graph, unsigned set, unsigned output,
                     const c2s_tensor *found, const c2s_difference *d, c2s_proof *proof) {
    const c2s_tensor *want = b->out[(size_t)set * b->output_count + output];
    c2s_dims *dims = graph->model->dims;
    char a[160], e[160];
    const char *name = b->output_name[output];
    broken(proof, name);
    if (!d->same_type)
        snprintf(proof->text, sizeof proof->text, "output \"%.80s\" of input set %u is %s, was %s",
                 name, set, c2s_type_text(dims, &found->type, a, sizeof a),
                 c2s_type_text(dims, &want->type, e, sizeof e));
    else if (isnan(d->reference) && isnan(d->found))
        snprintf(proof->text, sizeof proof->text,
                 "output \"%.80s\" of input set %u differs at %s (%llu elements)", name, set,
                 d->where, (unsigned long long)d->mismatches);
    else
        snprintf(proof->text, sizeof proof->text,
                 "output \"%.80s\" of input set %u is %.9g at %s, was %.9g (%llu elements, "
                 "relative error %.3g)",
                 name, set, d->found, d->where, d->reference, (unsigned long long)d->mismatches,
                 d->max_rel);
}

/* Extents that the graph leaves open depend on the data. */
static bool fits(const c2s_type *declared, const c2s_type *reference, const c2s_type *found) {
    bool same = reference->kind == C2S_KIND_TENSOR && found->kind == C2S_KIND_TENSOR &&
                declared->kind == C2S_KIND_TENSOR && found->dtype == reference->dtype &&
                found->rank == reference->rank && declared->rank == found->rank;
    for (int k = 0; same && k < found->rank; k++)
        same = !c2s_dim_is_known(declared->dim[k]) || found->dim[k] == reference->dim[k];
    return same;
}

/* Of a graph that may compute something else: integers and texts are others then, or more of them.
 */
static bool is_other_answer(const c2s_value *output, const c2s_tensor *reference,
                            const c2s_tensor *found, const c2s_difference *d) {
    const c2s_dtype dtype = reference->type.dtype;
    const bool counted = dtype == C2S_STRING || dtype == C2S_BOOL || c2s_dtype_is_integer(dtype);
    return d->same_type ? reference->type.kind == C2S_KIND_TENSOR && counted
                        : fits(&output->type, &reference->type, &found->type);
}

/* Outputs of another type of float become what they were. */
static c2s_status convert_outputs(const c2s_baseline *b, c2s_tensor **found) {
    for (size_t k = 0; k < (size_t)b->set_count * b->output_count; k++) {
        c2s_tensor *converted;
        if (!c2s_is_other_float(&b->out[k]->type, &found[k]->type))
            continue;
        C2S_TRY(c2s_as_float_type(found[k], b->out[k]->type.dtype, &converted));
        c2s_tensor_unref(found[k]);
        found[k] = converted;
    }
    return C2S_OK;
}

static void compare_all(const c2s_baseline *b, const c2s_graph *graph, c2s_tensor *const *found,
                        double tolerance, c2s_proof *proof) {
    proof->error = 0;
    for (unsigned set = 0; set < b->set_count; set++)
        for (unsigned k = 0; k < b->output_count; k++) {
            size_t at = (size_t)set * b->output_count + k;
            c2s_difference d;
            bool good = c2s_compare(b->out[at], found[at], tolerance, &d) &&
                        !(isinf(d.max_rel) && c2s_dtype_is_float(b->out[at]->type.dtype));
            if (!good && isinf(tolerance) &&
                is_other_answer(c2s_graph_output(graph, k), b->out[at], found[at], &d))
                continue;
            if (!good && proof->verdict == C2S_PROVED)
                describe(b, graph, set, k, found[at], &d, proof);
            proof->error = fmax(proof->error, d.same_type ? d.max_rel : INFINITY);
            proof->sqnr_db = fmin(proof->sqnr_db, d.same_type ? d.sqnr_db : -INFINITY);
        }
}

static bool same_interface(const c2s_baseline *b, const c2s_graph *graph, c2s_proof *proof) {
    unsigned count = c2s_graph_output_count(graph);
    if (count != b->output_count) {
        broken(proof, "");
        snprintf(proof->text, sizeof proof->text, "there are %u outputs, there were %u", count,
                 b->output_count);
        return false;
    }
    for (unsigned k = 0; k < count; k++)
        if (strcmp(c2s_graph_output_name(graph, k), b->output_name[k]) != 0) {
            broken(proof, b->output_name[k]);
            snprintf(proof->text, sizeof proof->text,
                     "output %u is called \"%.80s\", was \"%.80s\"", k,
                     c2s_graph_output_name(graph, k), b->output_name[k]);
            return false;
        }
    return true;
}

static void hold_against(const c2s_baseline *b, const c2s_graph *graph, double tolerance,
                         bool other_floats, c2s_proof *proof) {
    *proof = (c2s_proof){.verdict = C2S_PROVED, .error = NAN, .sqnr_db = INFINITY};
    if (b->reason) {
        proof->verdict = C2S_NOT_PROVED;
        snprintf(proof->text, sizeof proof->text, "%s", b->reason);
        return;
    }
    if (!same_interface(b, graph, proof))
        return;
    size_t count = (size_t)b->set_count * b->output_count;
    const c2s_tensor **in = c2s_baseline_inputs(b, graph);
    c2s_tensor **out = c2s_zalloc((count + 1) * sizeof *out);
    c2s_status status = run_sets(b, graph, in, out, &proof->seconds);
    if (status == C2S_OK && other_floats)
        status = convert_outputs(b, out);
    if (status == C2S_OK) {
        compare_all(b, graph, out, tolerance, proof);
    } else {
        broken(proof, "");
        snprintf(proof->text, sizeof proof->text, "it does not run any more: %s", c2s_error());
        c2s_error_clear();
    }
    clear(out, count);
    free(out);
    free(in);
}

void c2s_prove(const c2s_baseline *b, const c2s_graph *graph, c2s_proof *proof) {
    hold_against(b, graph, b->options.tolerance > 0 ? b->options.tolerance : -1, false, proof);
}

void c2s_prove_runs(const c2s_baseline *b, const c2s_graph *graph, bool other_floats,
                    c2s_proof *proof) {
    hold_against(b, graph, INFINITY, other_floats, proof);
}
