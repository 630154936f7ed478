/* SPDX-License-Identifier: Apache-2.0
 *
 * Before: weights of matrix products, convolutions, recurrent cells; tables of Gather
 * After:  a few numbers, and for each weight which one it is: Gather(numbers, Cast(codes)), or with
 *         several sets of numbers Reshape(GatherElements(numbers, Cast(codes)))
 * Leaves alone what would not be smaller, and weights with NaN or infinity.
 *
 * The file gets smaller, and compresses well; runtimes make floats of the codes when they load it,
 * so neither memory nor time at run time change.
 */
#include <math.h>
#include <string.h>

#include "base/log.h"
#include "io/opset.h"
#include "ir/convert.h"
#include "passes/lowrank/codebook.h"
#include "passes/measure/gram.h"
#include "passes/pass.h"
#include "passes/quant/weight_plan.h"

#define KIND "cluster-weight"

/* What a file needs for the nodes and their names. */
enum { OVERHEAD = 500 };

typedef enum sharing { BY_TENSOR, BY_ROW, BY_GROUP } sharing;

typedef struct job {
    c2s_model *model;
    const c2s_pass_context *context;
    c2s_stats *stats;
    unsigned bits;
    sharing per;
    size_t group;
    uint64_t memory;
    c2s_name_filter include, exclude;
    c2s_weight_plan plan;
    float **importance;   /* by index into the plan: of each weight; NULL: all alike */
    double before, after; /* bytes */
} job;

/* ---- options ---- */

static const c2s_option_spec options[] = {
    {"bits", "4", "2 to 8: so many numbers as codes of that width can name"},
    {"per", "tensor",
     "who shares them: the weights of a tensor, of a row (its first axis), or a group"},
    {"group", "64", "per=group: weights of a row that follow each other"},
    {"memory", "1G", "bytes that second moments may take at a time"},
    {"include", "", "only weights of these: names or operators, as patterns, separated by ;"},
    {"exclude", "", "leave those of these alone: likewise"},
    {0}};

static c2s_status read_options(job *j, const c2s_options *o) {
    static const char *const names[] = {"tensor", "row", "group"};
    const char *per = c2s_option_text(o, "per");
    double bits, group;
    unsigned which = 0;
    c2s_name_filter_read(&j->include, c2s_option_text(o, "include"));
    c2s_name_filter_read(&j->exclude, c2s_option_text(o, "exclude"));
    C2S_TRY(c2s_option_number(o, "bits", 2, 8, &bits));
    C2S_TRY(c2s_option_number(o, "group", 2, 1 << 30, &group));
    C2S_TRY(c2s_option_bytes(o, "memory", &j->memory));
    while (which < 3 && strcmp(per, names[which]) != 0)
        which++;
    if (which == 3)
        return c2s_fail(C2S_ERR_USAGE,
                        "pass %s: option per is \"%s\", expected tensor, row or group", o->pass,
                        per);
    if (bits != floor(bits))
        return c2s_fail(C2S_ERR_USAGE, "pass %s: option bits is %g, expected a whole number",
                        o->pass, bits);
    j->bits = (unsigned)bits;
    j->group = (size_t)group;
    j->per = (sharing)which;
    return C2S_OK;
}

/* ---- what weights matter ---- */

/* The squared error of a weight counts as often as its input is large: mean of x^2 by input. */
static c2s_status take_moment(void *user, const c2s_linear_site *site, c2s_gram *gram,
                              const c2s_cross *cross) {
    job *j = user;
    float *importance = NULL;
    (void)cross;
    for (size_t i = 0; i < j->plan.count; i++) {
        if (j->plan.at[i].node != site->node || gram->rows == 0)
            continue;
        C2S_TRY(c2s_scratch(site->weight->constant->count, sizeof *importance, &importance));
        for (size_t g = 0; g < site->groups; g++)
            for (size_t k = 0; k < site->k; k++)
                for (size_t n = 0; n < site->n; n++)
                    importance[g * site->group_step + k * site->k_step + n * site->n_step] =
                        (float)(gram->moment[(g * site->k + k) * site->k + k] / (double)gram->rows);
        free(j->importance[i]);
        j->importance[i] = importance;
    }
    return C2S_OK;
}

static void no_moment(void *user, const c2s_node *node, const char *reason) {
    (void)user;
    c2s_log(2, "%s: clustered without samples: %s", c2s_node_text(node), reason);
}

static c2s_status learn(job *j) {
    const c2s_pass_context *context = j->context;
    C2S_VEC(c2s_gram_request) requests = {0};
    const c2s_gram_options o = {.evaluator = context->evaluator,
                                .eval = context->eval,
                                .feed = context->feed,
                                .memory = j->memory,
                                .take = take_moment,
                                .refuse = no_moment,
                                .user = j};
    if (!context->feed || context->feed->count == 0)
        return C2S_OK;
    for (size_t i = 0; i < j->plan.count; i++)
        if (j->plan.at[i].slot == 1)
            c2s_vec_push(&requests, ((c2s_gram_request){.node = j->plan.at[i].node}));
    c2s_status status = c2s_gram_collect(j->model->graph, requests.at, requests.count, &o);
    c2s_vec_free(&requests);
    return status;
}

/* ---- codes ---- */

typedef struct clustered {
    size_t sets, each; /* sets of numbers, weights of each */
    size_t most;       /* numbers of a set */
    double *values, *weights;
    double *numbers; /* [sets, most] */
    int64_t *codes;  /* [sets, each] */
} clustered;

static void free_clustered(clustered *c) {
    free(c->values);
    free(c->weights);
    free(c->numbers);
    free(c->codes);
}

/* Rows are what the first axis counts; a group must divide them. */
static void divide(const job *j, const c2s_tensor *w, clustered *c) {
    const size_t rows = (size_t)w->type.dim[0], row = w->count / rows;
    c->sets = 1;
    if (j->per != BY_TENSOR)
        c->sets = rows;
    if (j->per == BY_GROUP && row % j->group == 0)
        c->sets = rows * (row / j->group);
    c->each = w->count / c->sets;
    c->most = (size_t)1 << j->bits;
}

static c2s_dtype code_type(const job *j) {
    return j->bits <= 4 ? C2S_UINT4 : C2S_UINT8;
}

static double clustered_bytes(const job *j, const c2s_tensor *w, const clustered *c) {
    const double number = c2s_dtype_bits(w->type.dtype) / 8.0;
    return (double)w->count * c2s_dtype_bits(code_type(j)) / 8 +
           (double)(c->sets * c->most) * number + OVERHEAD;
}

static c2s_status fit_set(clustered *c, size_t set) {
    const double *values = c->values + set * c->each;
    double *numbers = c->numbers + set * c->most;
    size_t found;
    C2S_TRY(c2s_codebook_fit(values, c->weights ? c->weights + set * c->each : NULL, c->each,
                             c->most, numbers, &found));
    for (size_t i = found; i < c->most; i++)
        numbers[i] = 0;
    for (size_t i = 0; i < c->each; i++)
        c->codes[set * c->each + i] = (int64_t)c2s_codebook_nearest(numbers, found, values[i]);
    return C2S_OK;
}

static c2s_status fit_sets(clustered *c) {
    c2s_status status = C2S_OK;
#pragma omp parallel for schedule(dynamic) if (c->sets > 1 && c->sets * c->each > 65536)
    for (size_t set = 0; set < c->sets; set++)
        if (fit_set(c, set) != C2S_OK) {
#pragma omp critical
            status = C2S_ERR_MEMORY;
        }
    return status == C2S_OK ? C2S_OK : c2s_fail_alloc(c->sets, c->each);
}

static c2s_status load(const c2s_tensor *w, const float *importance, clustered *c) {
    C2S_TRY(c2s_scratch(w->count, sizeof *c->values, &c->values));
    C2S_TRY(c2s_scratch(c->sets, c->most * sizeof *c->numbers, &c->numbers));
    C2S_TRY(c2s_scratch(w->count, sizeof *c->codes, &c->codes));
    c2s_tensor_load_f64(w, 0, w->count, c->values);
    for (size_t i = 0; i < w->count; i++)
        if (!isfinite(c->values[i]))
            return c2s_fail(C2S_ERR_UNSUPPORTED, "it holds NaN or infinity");
    if (!importance)
        return C2S_OK;
    C2S_TRY(c2s_scratch(w->count, sizeof *c->weights, &c->weights));
    for (size_t i = 0; i < w->count; i++)
        c->weights[i] = (double)importance[i];
    return C2S_OK;
}

/* ---- nodes ---- */

static c2s_value *constant_of(const c2s_value *weight, const char *suffix, c2s_tensor *tensor) {
    char *hint = c2s_alloc(strlen(weight->name) + strlen(suffix) + 1);
    strcpy(hint, weight->name);
    strcat(hint, suffix);
    c2s_value *value = c2s_value_constant(weight->graph, hint, tensor);
    free(hint);
    return value;
}

static c2s_status add_node(c2s_planned_weight *p, const char *type, c2s_value *a, c2s_value *b,
                           c2s_node **out) {
    c2s_node *node = c2s_node_create(p->weight->graph, p->node, "", type, b ? 2 : 1, 1);
    c2s_use_set(&node->inputs[0], a);
    if (b)
        c2s_use_set(&node->inputs[1], b);
    char *hint = c2s_alloc(strlen(p->weight->name) + 16);
    strcpy(hint, p->weight->name);
    strcat(hint, "_shared");
    c2s_value_set_name(node->outputs[0], c2s_name_fresh(p->weight->graph->model->names, hint));
    node->name = node->outputs[0]->name;
    free(hint);
    *out = node;
    return C2S_OK;
}

static c2s_status write_nodes(const job *j, c2s_planned_weight *p, const clustered *c) {
    const c2s_tensor *w = p->weight->constant;
    const bool one = c->sets == 1;
    const int64_t dim[2] = {(int64_t)c->sets, (int64_t)c->each};
    const int64_t book[2] = {(int64_t)c->sets, (int64_t)c->most};
    c2s_tensor *codes, *numbers, *shape;
    c2s_node *cast, *gather, *reshape;
    C2S_TRY(c2s_tensor_from_i64(code_type(j), one ? w->type.rank : 2, one ? w->type.dim : dim,
                                c->codes, &codes));
    c2s_value *code = constant_of(p->weight, "_codes", codes);
    C2S_TRY(c2s_tensor_from_f64(w->type.dtype, one ? 1 : 2, one ? book + 1 : book, c->numbers,
                                &numbers));
    c2s_value *number = constant_of(p->weight, "_numbers", numbers);
    C2S_TRY(add_node(p, "Cast", code, NULL, &cast));
    c2s_attr_set_int(cast, "to", C2S_INT32);
    C2S_TRY(c2s_node_infer(cast));
    C2S_TRY(add_node(p, one ? "Gather" : "GatherElements", number, cast->outputs[0], &gather));
    if (!one)
        c2s_attr_set_int(gather, "axis", 1);
    C2S_TRY(c2s_node_infer(gather));
    c2s_value *result = gather->outputs[0];
    if (!one) {
        const int64_t rank = w->type.rank;
        C2S_TRY(c2s_tensor_from_i64(C2S_INT64, 1, &rank, w->type.dim, &shape));
        C2S_TRY(add_node(p, "Reshape", result, constant_of(p->weight, "_shape", shape), &reshape));
        C2S_TRY(c2s_node_infer(reshape));
        result = reshape->outputs[0];
    }
    c2s_value_replace(p->weight, result);
    return C2S_OK;
}

/* ---- the pass ---- */

static c2s_status cluster(job *j, size_t index) {
    c2s_planned_weight *p = &j->plan.at[index];
    const c2s_tensor *w = p->weight->constant;
    const char *where = c2s_node_text(p->node);
    clustered c = {0};
    divide(j, w, &c);
    const double before = (double)c2s_tensor_size(w), after = clustered_bytes(j, w, &c);
    if (after >= before) {
        c2s_stats_refuse(j->stats, KIND, where, "its codes would not be smaller");
        return C2S_OK;
    }
    c2s_status status = load(w, j->importance[index], &c);
    if (status == C2S_OK)
        status = fit_sets(&c);
    if (status == C2S_OK) {
        c2s_stats_apply(j->stats, KIND, where);
        c2s_stats_looked(j->stats, p->node);
        j->before += before;
        j->after += after;
        status = write_nodes(j, p, &c);
    } else if (status == C2S_ERR_UNSUPPORTED) {
        c2s_stats_refuse(j->stats, KIND, where, c2s_error());
        status = C2S_OK;
    }
    free_clustered(&c);
    return status;
}

static c2s_weight_options plan_options(job *j) {
    return (c2s_weight_options){
        .bits = j->bits <= 4 ? 4 : 8, .include = &j->include, .exclude = &j->exclude};
}

/* Cast knows codes of 4 bits from opset 21 on. */
static c2s_status raise_opset(job *j) {
    if (code_type(j) != C2S_UINT4 || c2s_model_opset(j->model, "") >= 21)
        return C2S_OK;
    C2S_TRY(c2s_model_convert_opset(j->model, 21, NULL));
    return c2s_graph_infer(j->model->graph);
}

static c2s_status find_weights(job *j) {
    const c2s_weight_options o = plan_options(j);
    c2s_weight_plan_make(j->model->graph, &o, NULL, &j->plan);
    for (const c2s_node *node = j->model->graph->first; node; node = node->next) {
        c2s_name_filter_names(&j->include, node);
        c2s_name_filter_names(&j->exclude, node);
    }
    C2S_TRY(c2s_name_filter_check(&j->include, "include"));
    return c2s_name_filter_check(&j->exclude, "exclude");
}

static c2s_status cluster_all(job *j) {
    C2S_TRY(find_weights(j));
    if (j->plan.count == 0)
        return C2S_OK;
    c2s_weight_plan_free(&j->plan);
    C2S_TRY(raise_opset(j));
    C2S_TRY(find_weights(j));
    j->importance = c2s_zalloc((j->plan.count + 1) * sizeof *j->importance);
    C2S_TRY(learn(j));
    for (size_t i = 0; i < j->plan.count && c2s_stats_may_apply(j->stats); i++) {
        c2s_progress("clustering weights", (double)i / (double)j->plan.count);
        if (!c2s_stats_skips(j->stats, KIND, c2s_node_text(j->plan.at[i].node)))
            C2S_TRY(cluster(j, i));
    }
    if (j->before > 0)
        c2s_log(
            1,
            "cluster_weights: %.0f bytes became %.0f in the file; in memory, and in the time to "
            "run, nothing changes",
            j->before, j->after);
    return c2s_graph_infer(j->model->graph);
}

static c2s_status run(c2s_model *model, const c2s_options *o, const c2s_pass_context *context,
                      c2s_stats *stats) {
    job j = {.model = model, .context = context, .stats = stats};
    c2s_status status = read_options(&j, o);
    if (status == C2S_OK)
        status = cluster_all(&j);
    for (size_t i = 0; j.importance && i < j.plan.count; i++)
        free(j.importance[i]);
    free(j.importance);
    c2s_weight_plan_free(&j.plan);
    c2s_name_filter_free(&j.include);
    c2s_name_filter_free(&j.exclude);
    return status;
}

static const c2s_rewrite_kind kinds[] = {
    {.name = KIND, .summary = "a weight -> a few numbers, and codes that say which"}, {0}};

const c2s_pass c2s_pass_cluster_weights = {
    .name = "cluster_weights",
    .summary = "weights share a few numbers: smaller files, the same memory and time at run time",
    .options = options,
    .kinds = kinds,
    .lossy = true,
    .for_size = true,
    .run = run};
