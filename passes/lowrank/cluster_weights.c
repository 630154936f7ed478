/* SPDX-License-Identifier: Apache-2.0
 *
 * Before: weights of matrix products, convolutions, recurrent cells; tables of Gather; other
 *         constants that hold no more different numbers than codes can name (masks), without error
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
#include "passes/lowrank/few_numbers.h"
#include "passes/lowrank/weight_importance.h"
#include "passes/pass.h"

#define KIND "cluster-weight"

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
    float **importance;          /* c2s_weight_importance */
    double before, after, least; /* bytes: in the file, and of those if it is compressed */
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

/* ---- the pass ---- */

/* Cast knows codes of 4 bits from opset 21 on. */
enum { HALF_BYTES_SINCE = 21 };

static c2s_dtype code_type(const job *j) {
    const int64_t most = j->context->opset;
    return j->bits <= 4 && (most == 0 || most >= HALF_BYTES_SINCE) ? C2S_UINT4 : C2S_UINT8;
}

/* Rows are what the first axis counts; a group must divide them. */
static c2s_clustered divide(const job *j, const c2s_tensor *w) {
    const size_t rows = (size_t)w->type.dim[0], row = w->count / rows;
    c2s_clustered c = {.sets = 1, .most = (size_t)1 << j->bits, .code = code_type(j)};
    if (j->per != BY_TENSOR)
        c.sets = rows;
    if (j->per == BY_GROUP && row % j->group == 0)
        c.sets = rows * (row / j->group);
    c.each = w->count / c.sets;
    return c;
}

static c2s_status cluster(job *j, size_t index) {
    const c2s_planned_weight *p = &j->plan.at[index];
    const c2s_tensor *w = p->weight->constant;
    const char *where = c2s_node_text(p->node);
    c2s_clustered c = divide(j, w);
    const double before = (double)c2s_tensor_size(w), after = c2s_clustered_bytes(w, &c);
    if (after >= before) {
        c2s_stats_refuse(j->stats, KIND, where, "its codes would not be smaller");
        return C2S_OK;
    }
    c2s_status status = c2s_clustered_fit(w, j->importance[index], &c);
    if (status == C2S_OK) {
        c2s_stats_apply(j->stats, KIND, where);
        c2s_stats_looked(j->stats, p->node);
        j->before += before;
        j->after += after;
        j->least += c2s_clustered_least_bytes(w, &c);
        status = c2s_clustered_write(&c, p);
    } else if (status == C2S_ERR_UNSUPPORTED) {
        c2s_stats_refuse(j->stats, KIND, where, c2s_error());
        status = C2S_OK;
    }
    c2s_clustered_free(&c);
    return status;
}

/* ---- constants that hold few numbers as they are ---- */

/* How many bytes a constant needs to have to be looked at. */
enum { LEAST_BYTES = 1024 };

/* The first reader, or NULL: it is small, an output, a parameter of codes, or not wanted. */
static c2s_node *reader_of(job *j, c2s_value *value, unsigned *slot) {
    const c2s_tensor *t = value->constant;
    if (!t || value->initial || value->use_count == 0 || value->graph != j->model->graph ||
        t->type.kind != C2S_KIND_TENSOR || !c2s_dtype_is_float(t->type.dtype) ||
        c2s_dtype_bits(t->type.dtype) < 16 || c2s_tensor_size(t) < LEAST_BYTES)
        return NULL;
    bool wanted = j->include.patterns.count == 0;
    c2s_value_each_use(use, value) {
        if (use->user == value->graph->exit || use->user->op == &c2s_op_quantize_linear ||
            use->user->op == &c2s_op_dequantize_linear)
            return NULL;
        wanted |= c2s_name_filter_names(&j->include, use->user);
        if (c2s_name_filter_names(&j->exclude, use->user))
            return NULL;
    }
    *slot = value->uses->slot;
    return wanted ? value->uses->user : NULL;
}

static c2s_status write_exactly(job *j, const c2s_planned_weight *p, const c2s_clustered *c) {
    const c2s_tensor *w = p->weight->constant;
    c2s_stats_apply(j->stats, KIND, p->weight->name);
    c2s_stats_looked(j->stats, p->node);
    c2s_log(1, "cluster_weights: %s holds %zu different numbers, and is stored without error",
            p->weight->name, c->most);
    j->before += (double)c2s_tensor_size(w);
    j->after += c2s_clustered_bytes(w, c);
    j->least += c2s_clustered_least_bytes(w, c);
    return c2s_clustered_write(c, p);
}

/* Of the first `count` values. `any`: says whether there is one, and nothing is written; NULL: all
 * are. */
static c2s_status cluster_others(job *j, size_t count, bool *any) {
    for (size_t i = 0; i < count && c2s_stats_may_apply(j->stats) && !(any && *any); i++) {
        c2s_planned_weight p = {.weight = j->model->values.at[i]};
        c2s_clustered c;
        bool fits;
        if (!p.weight || !(p.node = reader_of(j, p.weight, &p.slot)) ||
            c2s_stats_skips(j->stats, KIND, p.weight->name))
            continue;
        C2S_TRY(
            c2s_few_numbers_fit(p.weight->constant, (size_t)1 << j->bits, code_type(j), &c, &fits));
        if (!fits)
            continue;
        const c2s_status status = any ? C2S_OK : write_exactly(j, &p, &c);
        c2s_clustered_free(&c);
        C2S_TRY(status);
        if (any)
            *any = true;
    }
    return C2S_OK;
}

/* ---- all of them ---- */

static c2s_status raise_opset(job *j) {
    if (code_type(j) != C2S_UINT4 || c2s_model_opset(j->model, "") >= HALF_BYTES_SINCE)
        return C2S_OK;
    C2S_TRY(c2s_model_convert_opset(j->model, HALF_BYTES_SINCE, NULL));
    return c2s_graph_infer(j->model->graph);
}

static c2s_status find_weights(job *j) {
    const c2s_weight_options o = {
        .bits = c2s_dtype_bits(code_type(j)), .include = &j->include, .exclude = &j->exclude};
    c2s_weight_plan_make(j->model->graph, &o, NULL, &j->plan);
    for (const c2s_node *node = j->model->graph->first; node; node = node->next) {
        c2s_name_filter_names(&j->include, node);
        c2s_name_filter_names(&j->exclude, node);
    }
    C2S_TRY(c2s_name_filter_check(&j->include, "include"));
    return c2s_name_filter_check(&j->exclude, "exclude");
}

static c2s_status cluster_all(job *j) {
    bool any = false;
    C2S_TRY(find_weights(j));
    C2S_TRY(cluster_others(j, j->model->values.count, &any));
    if (j->plan.count == 0 && !any)
        return C2S_OK;
    c2s_weight_plan_free(&j->plan);
    C2S_TRY(raise_opset(j));
    C2S_TRY(find_weights(j));
    const size_t values = j->model->values.count;
    j->importance = c2s_zalloc((j->plan.count + 1) * sizeof *j->importance);
    C2S_TRY(c2s_weight_importance(j->model->graph, &j->plan, j->context, j->memory, j->importance));
    for (size_t i = 0; i < j->plan.count && c2s_stats_may_apply(j->stats); i++) {
        c2s_progress("clustering weights", (double)i / (double)j->plan.count);
        if (!c2s_stats_skips(j->stats, KIND, c2s_node_text(j->plan.at[i].node)))
            C2S_TRY(cluster(j, i));
    }
    C2S_TRY(cluster_others(j, values, NULL));
    if (j->before > 0)
        c2s_log(1,
                "cluster_weights: %.0f bytes became %.0f in the file, about %.0f if it is "
                "compressed; in "
                "memory, and in the time to run, nothing changes",
                j->before, j->after, j->least);
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
