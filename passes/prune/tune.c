/* SPDX-License-Identifier: Apache-2.0
 *
 * All weights that are left, fitted together: so that what readers read, as far as it is left, and
 * what comes out in the end is what it is in the first model.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/memory.h"
#include "base/threads.h"
#include "passes/measure/joint_fit.h"
#include "passes/prune/pruning.h"
#include "passes/quant/logits.h"

/* What all inner values together count, and divergences of scores, beside the squared error of each
 * output; the rate of the first steps. */
#define INNER_WEIGHT 4.0
#define SCORE_WEIGHT 1.0
#define RATE         0.002

/* Scores of classes have so many axes at most (what has more is a picture), and so many classes. */
enum { MOST_SCORE_AXES = 3, LEAST_CLASSES = 2 };
/* Rows of scores, of all samples: fewer are learnt by heart. */
#define LEAST_ROWS 2000

typedef struct tuning {
    c2s_pruning *p;
    C2S_VEC(c2s_joint_parameter) parameters;
    C2S_VEC(c2s_joint_point) points;
    bool scores; /* the first output gives such */
} tuning;

/* Channels of a value that are gone, along one axis; what goes along others counts. */
static void find_gone(const c2s_pruning *p, c2s_joint_point *q) {
    bool *gone = NULL;
    q->axis = -1;
    for (size_t k = 0; k < p->groups.groups.count; k++) {
        const c2s_prune_group *g = &p->groups.groups.at[k];
        for (size_t i = 0; p->removed[k] && i < g->axes.count; i++) {
            const c2s_group_axis *a = &g->axes.at[i];
            if (a->value != q->value || a->use || (gone && a->axis != q->axis))
                continue;
            if (!gone)
                gone = c2s_zalloc(a->map.extent + 1);
            q->axis = a->axis;
            c2s_unit_map_mark(&a->map, p->removed[k], gone);
        }
    }
    q->gone = gone;
}

static void add_point(tuning *t, const c2s_value *value, const c2s_value *same, double weight) {
    for (size_t k = 0; k < t->points.count; k++)
        if (t->points.at[k].value == value)
            return;
    if (!value->def || value->def == value->graph->entry || value->type.dtype != C2S_FLOAT)
        return;
    c2s_joint_point q = {.value = value, .same = same, .weight = weight};
    find_gone(t->p, &q);
    c2s_vec_push(&t->points, q);
}

static bool may_be_scores(const tuning *t, const c2s_type *type) {
    double rows = (double)t->p->samples_of.learn.count;
    for (int k = 0; k + 1 < type->rank; k++)
        rows *= (double)type->dim[k];
    return type->rank > 1 && type->rank <= MOST_SCORE_AXES &&
           type->dim[type->rank - 1] >= LEAST_CLASSES && rows >= LEAST_ROWS;
}

/* Rows that may be scores of classes count as such as well, if there are many: to those that are
 * right about the squared error says little. */
static void add_output(tuning *t, const c2s_value *value, const c2s_value *same, bool first) {
    const size_t before = t->points.count;
    add_point(t, value, same, 1);
    if (t->points.count == before || !may_be_scores(t, &value->type))
        return;
    t->scores |= first;
    c2s_vec_push(
        &t->points,
        ((c2s_joint_point){
            .value = value, .same = same, .weight = SCORE_WEIGHT, .axis = -1, .scores = true}));
}

/* Outputs, in front of a last Softmax, and what readers read. */
static void find_points(tuning *t) {
    const c2s_pruning *p = t->p;
    const c2s_graph *graph = p->model->graph, *first = p->first->graph;
    for (unsigned k = 0; k < c2s_graph_output_count(graph); k++) {
        const c2s_node *now = c2s_logits_softmax(graph, k), *was = c2s_logits_softmax(first, k);
        if (now && was)
            add_output(t, now->inputs[0].value, was->inputs[0].value, k == 0);
        else
            add_output(t, graph->exit->inputs[k].value, first->exit->inputs[k].value, k == 0);
    }
    const size_t outputs = t->points.count;
    for (size_t k = 0; k < p->readers.at.count; k++) {
        const c2s_node *node = p->readers.at.at[k].node;
        if (node->graph != graph)
            continue;
        add_point(t, c2s_node_in(node, 0), c2s_node_in(p->same[node->id], 0), INNER_WEIGHT);
    }
    for (size_t k = outputs; k < t->points.count; k++)
        t->points.at[k].weight /= (double)(t->points.count - outputs);
}

/* Weights of what is gone are 0, and stay so. A bias that others read, too, is left alone. */
static void find_parameters(tuning *t) {
    for (size_t k = 0; k < t->p->readers.at.count; k++) {
        const c2s_reader *r = &t->p->readers.at.at[k];
        if (r->node->graph != t->p->model->graph)
            continue;
        const int axis = r->site.n_step >= r->site.k ? 0 : r->site.weight->type.rank - 1;
        c2s_vec_push(&t->parameters, (c2s_joint_parameter){r->node, 1, true, axis});
        if (r->bias_node && c2s_node_in(r->bias_node, r->bias_slot)->use_count == 1)
            c2s_vec_push(&t->parameters,
                         (c2s_joint_parameter){r->bias_node, r->bias_slot, false, -1});
    }
}

/* What is lessened, as far as outputs go. */
static c2s_status judge(void *user, double *errors) {
    const tuning *t = user;
    const size_t samples = c2s_quality_samples(t->p->outputs);
    c2s_quality_result result;
    double *divergence = c2s_zalloc((samples + 1) * sizeof *divergence);
    c2s_model *now = c2s_logits_model(t->p->model->graph);
    const c2s_status status =
        c2s_quality_measure_each(t->p->outputs, now->graph, &result, errors, divergence);
    for (size_t i = 0; i < samples && t->scores && !isnan(result.divergence); i++)
        errors[i] += SCORE_WEIGHT * divergence[i];
    c2s_model_destroy(now);
    free(divergence);
    return status;
}

static c2s_status fit_all(tuning *t) {
    c2s_pruning *p = t->p;
    double before = 1, after = 1;
    const c2s_joint_fit fit = {.graph = p->model->graph,
                               .first = p->first->graph,
                               .parameters = t->parameters.at,
                               .parameter_count = t->parameters.count,
                               .points = t->points.at,
                               .point_count = t->points.count,
                               .feed = &p->samples_of.learn,
                               .samples = p->samples,
                               .epochs = p->epochs,
                               .batch = c2s_joint_fit_batch(p->samples_of.learn.count, p->epochs),
                               .rate = RATE,
                               .uncorrelated = true,
                               .pictures = true,
                               .judge = judge,
                               .judged = c2s_quality_samples(p->outputs),
                               .user = t};
    const unsigned threads = c2s_threads_use(p->context->eval.threads);
    const c2s_status status = c2s_joint_fit_do(&fit, &before, &after);
    c2s_threads_restore(threads);
    if (status == C2S_OK)
        c2s_log(2, "prune: fitted together: an error of %.4f, it was %.4f", after, before);
    return status;
}

void c2s_pruning_learn_most(c2s_pruning *p) {
    c2s_quality_close(p->outputs);
    p->outputs = NULL;
    if (p->epochs > 0)
        c2s_sample_split_narrow(&p->samples_of);
    else
        c2s_sample_split_join(&p->samples_of);
}

c2s_status c2s_pruning_tune(c2s_pruning *p) {
    tuning t = {.p = p};
    C2S_TRY(c2s_pruning_open_outputs(p));
    find_parameters(&t);
    find_points(&t);
    c2s_status status = fit_all(&t);
    if (status == C2S_ERR_UNSUPPORTED) {
        c2s_log(1, "prune: layers are not fitted together: %s", c2s_error());
        c2s_error_clear();
        status = C2S_OK;
    }
    for (size_t k = 0; k < t.points.count; k++)
        free((bool *)(uintptr_t)t.points.at[k].gone);
    c2s_vec_free(&t.parameters);
    c2s_vec_free(&t.points);
    return status;
}
