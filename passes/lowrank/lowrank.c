/* SPDX-License-Identifier: Apache-2.0
 *
 * Before: matrix products, convolutions, tables of Gather with large weights
 * After:  two or three smaller ones behind each other, which give nearly the same (lowrank_form.h)
 * Leaves alone weights that others read or that are no constants, and what would not save anything
 *         or be slower.
 */
#include <math.h>
#include <string.h>

#include "base/log.h"
#include "eval/random_feed.h"
#include "passes/lowrank/lowrank_apply.h"
#include "passes/lowrank/lowrank_speed.h"
#include "passes/quant/name_filter.h"

#define KIND "low-rank"

typedef struct job {
    c2s_model *model;
    const c2s_pass_context *context;
    c2s_stats *stats;
    c2s_name_filter include, exclude;
    c2s_lowrank_plan plan;
    c2s_lowrank_how how;
    c2s_lowrank_goal goal;
    double value; /* of the goal */
    bool timed;
    c2s_lowrank_speeds speeds;
} job;

/* ---- options ---- */

static const c2s_option_spec options[] = {
    {"params", "auto", "keep this part of the weights of all layers that are considered"},
    {"macs", "", "keep this part of their multiply-accumulates"},
    {"ratio", "", "keep this part of the weights of each layer"},
    {"energy", "", "keep this part of the energy of each layer's output, at the least rank"},
    {"rank", "", "this rank for all layers"},
    {"method", "auto",
     "plain: by the weights alone; whitened: least error of the outputs on the samples; refit: and "
     "layers make up for those before them; auto: refit if there are samples"},
    {"forms", "",
     "of these only, separated by ;: pair, channel, spatial, spatial-turned, tucker, decoupled"},
    {"multiple", "8", "ranks are multiples of this"},
    {"timing", "yes", "take only what is no slower in the runtime, measured"},
    {"damping", "0.001", "of second moments, as part of the mean of their diagonal"},
    {"memory", "1G", "bytes that second moments may take at a time"},
    {"stages", "24", "refit: how often the samples are run at most"},
    {"include", "", "only these: names or operators, as patterns, separated by ;"},
    {"exclude", "", "leave those alone: likewise"},
    {0}};

static bool is_given(const c2s_options *o, const char *name) {
    return c2s_option_text(o, name)[0] != '\0';
}

static c2s_status read_goal(job *j, const c2s_options *o) {
    static const struct {
        const char *name;
        c2s_lowrank_goal goal;
        double most;
    } goals[] = {{"macs", C2S_LOWRANK_TOTAL, 1},
                 {"ratio", C2S_LOWRANK_RATIO, 1},
                 {"energy", C2S_LOWRANK_ENERGY, 1},
                 {"rank", C2S_LOWRANK_RANK, 1e9}};
    const char *given = strcmp(c2s_option_text(o, "params"), "auto") != 0 ? "params" : NULL;
    j->goal = C2S_LOWRANK_TOTAL;
    j->value = 0.75;
    if (given)
        C2S_TRY(c2s_option_number(o, "params", 0, 1, &j->value));
    for (size_t i = 0; i < sizeof goals / sizeof *goals; i++) {
        if (!is_given(o, goals[i].name))
            continue;
        if (given)
            return c2s_fail(C2S_ERR_USAGE, "pass %s: options %s and %s exclude each other", o->pass,
                            given, goals[i].name);
        given = goals[i].name;
        j->goal = goals[i].goal;
        C2S_TRY(c2s_option_number(o, given, j->goal == C2S_LOWRANK_RANK ? 1 : 0, goals[i].most,
                                  &j->value));
    }
    j->plan.count_macs = given && strcmp(given, "macs") == 0;
    return C2S_OK;
}

static c2s_status read_method(job *j, const c2s_options *o) {
    const char *method = c2s_option_text(o, "method");
    const bool data = j->context->feed && j->context->feed->count > 0;
    const bool automatic = strcmp(method, "auto") == 0, refit = strcmp(method, "refit") == 0;
    double stages;
    if (!automatic && !refit && strcmp(method, "plain") != 0 && strcmp(method, "whitened") != 0)
        return c2s_fail(C2S_ERR_USAGE,
                        "pass %s: option method is \"%s\", expected plain, whitened, refit or auto",
                        o->pass, method);
    C2S_TRY(c2s_option_number(o, "damping", 0, 1, &j->how.damping));
    C2S_TRY(c2s_option_bytes(o, "memory", &j->how.memory));
    C2S_TRY(c2s_option_number(o, "stages", 1, 1e6, &stages));
    j->how.whitened = automatic ? data : method[0] != 'p';
    j->how.stages = automatic || refit ? (size_t)stages : 1;
    return j->how.whitened && !data
               ? c2s_fail(C2S_ERR_USAGE, "pass %s: method %s needs samples, expected --calib",
                          o->pass, method)
               : C2S_OK;
}

static c2s_status check_forms(const char *text) {
    char *names = c2s_strdup(text), *state = NULL, *rest = names;
    c2s_status status = C2S_OK;
    for (char *name; status == C2S_OK && (name = strtok_r(rest, ";", &state)); rest = NULL)
        if (!c2s_lowrank_form_find(name))
            status = c2s_fail(C2S_ERR_USAGE, "option forms: \"%s\" is no form", name);
    free(names);
    return status;
}

static c2s_status read_options(job *j, const c2s_options *o) {
    double multiple;
    c2s_name_filter_read(&j->include, c2s_option_text(o, "include"));
    c2s_name_filter_read(&j->exclude, c2s_option_text(o, "exclude"));
    j->plan.forms = c2s_option_text(o, "forms");
    C2S_TRY(check_forms(j->plan.forms));
    C2S_TRY(c2s_option_number(o, "multiple", 1, 4096, &multiple));
    j->plan.multiple = (size_t)multiple;
    C2S_TRY(c2s_option_flag(o, "timing", &j->timed));
    C2S_TRY(read_goal(j, o));
    return read_method(j, o);
}

/* ---- layers ---- */

static bool is_candidate(const c2s_node *node) {
    return node->op == &c2s_op_matmul || node->op == &c2s_op_gemm || node->op == &c2s_op_conv ||
           node->op == &c2s_op_gather;
}

static bool is_named(job *j, const c2s_node *node) {
    const bool excluded = c2s_name_filter_names(&j->exclude, node);
    const bool included =
        c2s_name_filter_names(&j->include, node) || j->include.patterns.count == 0;
    return included && !excluded;
}

static c2s_status find_layers(job *j) {
    for (c2s_node *node = j->model->graph->first; node; node = node->next) {
        c2s_lowrank_item item = {.weight = 1, .chosen = C2S_RANK_AS_IS};
        if (!is_named(j, node) || !is_candidate(node))
            continue;
        const char *reason = c2s_lowrank_layer_of(node, &item.layer);
        if (reason && node->op == &c2s_op_gather)
            continue;
        if (reason) {
            c2s_stats_refuse(j->stats, KIND, c2s_node_text(node), reason);
            continue;
        }
        if (c2s_stats_skips(j->stats, KIND, c2s_node_text(node)))
            continue;
        item.counted = item.layer.site;
        item.parameters = (double)item.layer.site.weight->constant->count;
        c2s_vec_push(&j->plan.items, item);
    }
    C2S_TRY(c2s_name_filter_check(&j->include, "include"));
    return c2s_name_filter_check(&j->exclude, "exclude");
}

/* ---- what a sample has ---- */

static c2s_status observe(void *user, const c2s_value *value, const c2s_tensor *tensor) {
    c2s_type *types = user;
    types[value->id] = tensor->type;
    return C2S_OK;
}

static void count_rows(c2s_lowrank_item *item) {
    const c2s_type *x = &item->input;
    const c2s_linear_site *site = &item->layer.site;
    double elements = 1;
    if (x->kind != C2S_KIND_TENSOR)
        return;
    for (int a = 0; a < x->rank; a++)
        elements *= (double)x->dim[a];
    item->rows = elements / (double)site->k;
    if (item->layer.node->op == &c2s_op_gather)
        item->rows = 0; /* nothing is multiplied */
    if (site->is_conv) {
        item->rows = 0;
        if (x->rank == site->window.rank + 2 &&
            c2s_window_resolve(&item->counted.window, x->dim + 2) == C2S_OK)
            item->rows = (double)x->dim[0] * (double)c2s_window_out_size(&item->counted.window);
    }
    item->macs = item->rows * (double)site->groups * (double)site->k * (double)site->n;
}

/* Runs the first sample, or a random one. `types`: by value id. */
static c2s_status run_sample(job *j, c2s_type *types) {
    c2s_graph *graph = j->model->graph;
    const c2s_evaluator *e = j->context->evaluator;
    c2s_eval_options eval = j->context->eval;
    const unsigned inputs = c2s_graph_input_count(graph), outputs = c2s_graph_output_count(graph);
    c2s_feed *random = NULL;
    const c2s_feed *feed = j->context->feed;
    c2s_session *session = NULL;
    if (!feed || feed->count == 0) {
        C2S_TRY(c2s_random_feed_open(graph, e, &j->context->eval, j->context->seed, &random));
        feed = random;
    }
    bool *wanted = c2s_zalloc(j->model->values.count + 1);
    c2s_tensor **in = c2s_zalloc((inputs + outputs + 1u) * sizeof(c2s_tensor *));
    for (size_t i = 0; i < j->plan.items.count; i++)
        wanted[j->plan.items.at[i].layer.site.input->id] = true;
    eval.observe = observe;
    eval.observe_user = types;
    eval.observe_value = wanted;
    c2s_status status = feed->get(feed, graph, 0, in);
    if (status == C2S_OK)
        status = e->open(graph, &eval, &session);
    if (status == C2S_OK)
        status = e->run(session, (const c2s_tensor *const *)in, in + inputs);
    if (session)
        e->close(session);
    for (unsigned k = 0; k < inputs + outputs; k++)
        c2s_tensor_unref(in[k]);
    free(in);
    free(wanted);
    c2s_random_feed_close(random);
    return status;
}

static c2s_status count_work(job *j) {
    c2s_type *types = c2s_zalloc((j->model->values.count + 1) * sizeof *types);
    c2s_status status = run_sample(j, types);
    for (size_t i = 0; i < j->plan.items.count && status == C2S_OK; i++) {
        c2s_lowrank_item *item = &j->plan.items.at[i];
        item->input = types[item->layer.site.input->id];
        count_rows(item);
    }
    free(types);
    if (status == C2S_OK || status == C2S_ERR_MEMORY || j->plan.count_macs)
        return status;
    c2s_log(0, "lowrank: the model does not run, so chains are not timed: %s", c2s_error());
    return C2S_OK;
}

/* ---- ranks ---- */

static c2s_status find_ways(void *user, c2s_lowrank_item *item, c2s_gram *gram) {
    job *j = user;
    c2s_lowrank_target target;
    c2s_status status = c2s_lowrank_target_open(&item->layer, gram, NULL, j->how.damping, &target);
    if (status == C2S_OK)
        status = c2s_lowrank_plan_ways(&j->plan, &target,
                                       j->goal == C2S_LOWRANK_RANK ? (size_t)j->value : 0, item);
    c2s_lowrank_target_close(&target);
    if (status == C2S_ERR_INVALID) { /* numbers that are not finite */
        c2s_stats_refuse(j->stats, KIND, c2s_node_text(item->layer.node), c2s_error());
        c2s_vec_clear(&item->ways);
        return C2S_OK;
    }
    if (status != C2S_OK)
        c2s_note("%s", c2s_node_text(item->layer.node));
    return status;
}

/* Larger ranks of a form that is slower at a smaller one are so, too. */
static void mark_slower(c2s_lowrank_item *item, const c2s_lowrank_way *way) {
    for (size_t w = 0; w < item->ways.count; w++)
        if (item->ways.at[w].form == way->form && item->ways.at[w].rank >= way->rank)
            item->ways.at[w].slower = true;
}

/* Chooses, measures what was chosen, and chooses again without what is slower. */
static c2s_status choose(job *j, double value) {
    for (bool again = true; again;) {
        again = false;
        c2s_lowrank_plan_choose(&j->plan, j->goal, value);
        for (size_t i = 0; i < j->plan.items.count && j->timed; i++) {
            c2s_lowrank_item *item = &j->plan.items.at[i];
            bool slower;
            if (item->chosen == C2S_RANK_AS_IS)
                continue;
            const c2s_lowrank_way *way = &item->ways.at[item->chosen];
            C2S_TRY(c2s_lowrank_is_slower(&j->speeds, j->context, item, way, &slower));
            if (slower)
                mark_slower(item, way);
            again |= slower;
        }
    }
    return C2S_OK;
}

/* ---- the pass ---- */

static bool may_write(void *user, const c2s_lowrank_item *item) {
    job *j = user;
    const c2s_node *node = item->layer.node;
    const c2s_lowrank_way *way = &item->ways.at[item->chosen];
    if (!c2s_stats_may_apply(j->stats))
        return false;
    c2s_stats_apply(j->stats, KIND, c2s_node_text(node));
    c2s_stats_looked(j->stats, node);
    c2s_log(1, "lowrank: %s: %s, rank %zu: weights %.0f%%, energy kept %.2f%%", c2s_node_text(node),
            way->form->name, way->rank, 100 * way->parameters / item->parameters,
            100 * (1 - way->error));
    return true;
}

static void log_total(const job *j) {
    double before = 0, after = 0;
    for (size_t i = 0; i < j->plan.items.count; i++) {
        const c2s_lowrank_item *item = &j->plan.items.at[i];
        before += c2s_lowrank_cost(&j->plan, item, NULL);
        after += c2s_lowrank_cost(
            &j->plan, item, item->chosen == C2S_RANK_AS_IS ? NULL : &item->ways.at[item->chosen]);
    }
    c2s_log(1, "lowrank: %.0f of %.0f %s", after, before,
            j->plan.count_macs ? "multiply-accumulates" : "weights");
    if (j->goal == C2S_LOWRANK_TOTAL && after > before * j->value)
        c2s_log(0, "lowrank: no more than %.0f%% of %s could be saved", 100 * (1 - after / before),
                j->plan.count_macs ? "the multiply-accumulates" : "the weights");
}

static c2s_status factorise(job *j) {
    C2S_TRY(find_layers(j));
    if (j->plan.items.count == 0)
        return C2S_OK;
    C2S_TRY(count_work(j));
    C2S_TRY(c2s_lowrank_learn(j->model->graph, &j->plan, &j->how, find_ways, j));
    C2S_TRY(choose(j, j->value));
    log_total(j);
    return c2s_lowrank_apply(j->model, &j->plan, &j->how, may_write, j);
}

static c2s_status run(c2s_model *model, const c2s_options *o, const c2s_pass_context *context,
                      c2s_stats *stats) {
    job j = {.model = model, .context = context, .stats = stats, .how = {.context = context}};
    c2s_status status = read_options(&j, o);
    if (status == C2S_OK)
        status = factorise(&j);
    c2s_lowrank_plan_free(&j.plan);
    c2s_lowrank_speeds_free(&j.speeds);
    c2s_name_filter_free(&j.include);
    c2s_name_filter_free(&j.exclude);
    return status;
}

static const c2s_rewrite_kind kinds[] = {
    {.name = KIND, .summary = "a matrix product or convolution -> smaller ones behind each other"},
    {0}};

const c2s_pass c2s_pass_lowrank = {.name = "lowrank",
                                   .summary = "large weights become products of smaller ones",
                                   .options = options,
                                   .kinds = kinds,
                                   .lossy = true,
                                   .run = run};
