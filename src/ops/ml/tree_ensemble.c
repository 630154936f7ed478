/* SPDX-License-Identifier: Apache-2.0
 *
 * TreeEnsembleClassifier, TreeEnsembleRegressor, TreeEnsemble.
 */
#include <stdlib.h>
#include <string.h>

#include "ir/convert.h"
#include "ops/ml/ml.h"
#include "ops/ml/tree.h"
#include "ops/ties_rules.h"

/* base_values or base_values_as_tensor: 0, 1 or `targets` of them. free(). */
static c2s_status read_base(const c2s_node *node, double **base, size_t *count) {
    const float *floats = c2s_attr_floats(node, "base_values", count);
    const c2s_tensor *tensor = c2s_attr_tensor(node, "base_values_as_tensor");
    if (!floats && tensor)
        *count = tensor->count;
    *base = c2s_alloc_array(*count + 1, sizeof **base);
    for (size_t k = 0; k < *count; k++)
        (*base)[k] = floats ? (double)floats[k] : c2s_tensor_f64_at(tensor, k);
    return C2S_OK;
}

/* A node's attributes. */
typedef struct ensemble {
    c2s_forest forest;
    double *base;
    size_t base_count;
    c2s_aggregate aggregate;
    c2s_transform transform;
    c2s_labels labels; /* of classifiers */
} ensemble;

static void ensemble_free(void *data) {
    ensemble *m = data;
    c2s_forest_free(&m->forest);
    free(m->base);
    free(m);
}

/* The node's ensemble, read at the first evaluation; ensemble_leave when done. */
static c2s_status ensemble_take(c2s_eval *e, c2s_status (*read)(const c2s_node *, ensemble *),
                                ensemble **out) {
    if (e->kept && e->kept->data) {
        *out = e->kept->data;
        return C2S_OK;
    }
    ensemble *m = *out = c2s_zalloc(sizeof *m);
    c2s_status status = read(e->node, m);
    if (status == C2S_OK)
        status = read_base(e->node, &m->base, &m->base_count);
    if (status != C2S_OK)
        ensemble_free(m);
    else if (e->kept)
        *e->kept = (c2s_kept){m, ensemble_free};
    return status;
}

static void ensemble_leave(const c2s_eval *e, ensemble *m) {
    if (!e->kept)
        ensemble_free(m);
}

/* An ensemble applied to rows. */
typedef struct run {
    const ensemble *model;
    c2s_features x;
    double *scores;
    bool *given;
} run;

static c2s_status run_open(run *r, const c2s_eval *e, const ensemble *m) {
    *r = (run){.model = m};
    C2S_TRY(c2s_features_read(e->in[0], &r->x));
    if (r->x.columns < m->forest.features)
        return c2s_fail(C2S_ERR_INVALID, "%zu features, the trees test %zu", r->x.columns,
                        m->forest.features);
    r->scores = c2s_alloc_array(m->forest.targets + 2, sizeof *r->scores);
    r->given = c2s_alloc_array(m->forest.targets + 2, sizeof *r->given);
    return C2S_OK;
}

static void run_close(run *r) {
    free(r->x.at);
    free(r->scores);
    free(r->given);
}

/* ---- TreeEnsembleRegressor, TreeEnsemble ---- */

static c2s_status regressor_infer(c2s_infer *i) {
    C2S_TRY(c2s_features_need(i));
    int64_t targets = c2s_attr_int(i->node, "n_targets", 1);
    if (targets < 1 || targets > INT32_MAX)
        return c2s_fail(C2S_ERR_INVALID, "n_targets is %lld", (long long)targets);
    c2s_dtype dtype = C2S_FLOAT;
    if (strcmp(i->node->type, "TreeEnsemble") == 0)
        dtype = c2s_infer_type(i, 0)->dtype;
    i->out[0] = c2s_table_type(i, dtype, targets);
    return C2S_OK;
}

static c2s_status regress_rows(run *r, c2s_eval *e) {
    const ensemble *m = r->model;
    size_t targets = m->forest.targets;
    c2s_tensor *y = e->out[0];
    for (size_t n = 0; n < r->x.rows; n++) {
        c2s_forest_score(&m->forest, r->x.at + n * r->x.columns, m->aggregate, r->scores, r->given);
        for (size_t t = 0; t < m->base_count; t++)
            r->scores[t] += m->base[t];
        c2s_transform_apply(m->transform, r->scores, targets);
        c2s_store_f64(y->type.dtype, c2s_tensor_mutable(y), n * targets, targets, r->scores);
    }
    return C2S_OK;
}

static c2s_status regress(c2s_eval *e, c2s_status (*read)(const c2s_node *, ensemble *)) {
    ensemble *m;
    run r;
    C2S_TRY(ensemble_take(e, read, &m));
    c2s_status status = run_open(&r, e, m);
    if (status == C2S_OK && m->base_count != 0 && m->base_count != m->forest.targets)
        status = c2s_fail(C2S_ERR_INVALID, "%zu base values for %zu targets", m->base_count,
                          m->forest.targets);
    if (status == C2S_OK)
        status = regress_rows(&r, e);
    run_close(&r);
    ensemble_leave(e, m);
    return status;
}

static c2s_status read_regressor(const c2s_node *node, ensemble *m) {
    static const char *const names[] = {"AVERAGE", "SUM", "MIN", "MAX"};
    const char *name = c2s_attr_string(node, "aggregate_function", "SUM");
    int aggregate = 0;
    while (aggregate < 4 && strcmp(name, names[aggregate]) != 0)
        aggregate++;
    if (aggregate == 4)
        return c2s_fail(C2S_ERR_INVALID, "aggregate_function is \"%s\"", name);
    m->aggregate = (c2s_aggregate)aggregate;
    C2S_TRY(c2s_transform_read(node, &m->transform));
    return c2s_forest_read(node, "target", (size_t)c2s_attr_int(node, "n_targets", 1), &m->forest);
}

static c2s_status regressor_eval(c2s_eval *e) {
    return regress(e, read_regressor);
}

const c2s_op c2s_op_tree_ensemble_regressor = {
    .type = "TreeEnsembleRegressor",
    .domain = "ai.onnx.ml",
    .inputs = {1, 1},
    .outputs = {1, 1},
    .quant = C2S_QUANT_ONLY(FLOAT),
    .ties = c2s_ties_batch,
    .infer = regressor_infer,
    .eval = regressor_eval,
};

static c2s_status read_ensemble(const c2s_node *node, ensemble *m) {
    int64_t aggregate = c2s_attr_int(node, "aggregate_function", C2S_AGGREGATE_SUM);
    int64_t transform = c2s_attr_int(node, "post_transform", C2S_TRANSFORM_NONE);
    if (aggregate < 0 || aggregate > C2S_AGGREGATE_MAX || transform < 0 ||
        transform > C2S_TRANSFORM_PROBIT)
        return c2s_fail(C2S_ERR_INVALID, "aggregate_function is %lld, post_transform %lld",
                        (long long)aggregate, (long long)transform);
    m->aggregate = (c2s_aggregate)aggregate;
    m->transform = (c2s_transform)transform;
    return c2s_forest_read_5(node, &m->forest);
}

static c2s_status ensemble_eval(c2s_eval *e) {
    return regress(e, read_ensemble);
}

const c2s_op c2s_op_tree_ensemble = {
    .type = "TreeEnsemble",
    .domain = "ai.onnx.ml",
    .inputs = {1, 1},
    .outputs = {1, 1},
    .quant = C2S_QUANT_ONLY(FLOAT),
    .ties = c2s_ties_batch,
    .infer = regressor_infer,
    .eval = ensemble_eval,
};

/* ---- TreeEnsembleClassifier ---- */

static c2s_status classifier_infer(c2s_infer *i) {
    C2S_TRY(c2s_features_need(i));
    c2s_labels labels;
    C2S_TRY(c2s_labels_read(i->node, "classlabels_int64s", "classlabels_strings", &labels));
    i->out[0] = c2s_rows_type(i, labels.ints ? C2S_INT64 : C2S_STRING);
    size_t columns = labels.count < 2 ? 2 : labels.count;
    if (i->out_count > 1)
        i->out[1] = c2s_table_type(i, C2S_FLOAT, (c2s_dim)columns);
    return C2S_OK;
}

/* Scores of one row with base values; returns the class. With two classes of which only the first
 * has leaves, that score is the second class's. */
static size_t classify(run *r, const double *row) {
    const ensemble *m = r->model;
    const size_t classes = m->labels.count;
    double *s = r->scores;
    c2s_forest_score(&m->forest, row, C2S_AGGREGATE_SUM, s, r->given);
    if (classes <= 2 && !(classes == 2 && r->given[1])) {
        if (m->base_count == 2 && classes == 2) {
            s[0] += m->base[0];
            s[1] += m->base[1];
            size_t winner = s[1] > 0;
            c2s_transform_apply(m->transform, s, 2);
            return winner;
        }
        double score = s[0] + (m->base_count ? m->base[m->base_count - 1] : 0);
        return (size_t)c2s_binary_scores(m->transform, score, m->forest.all_positive, s);
    }
    for (size_t t = 0; t < classes && t < m->base_count; t++)
        s[t] += m->base[t];
    size_t winner = 0;
    if (classes == 2 && !r->given[0]) /* only the second class has leaves: its score decides */
        winner = s[1] > (m->forest.all_positive ? 0.5 : 0);
    else
        for (size_t t = 1; t < classes; t++)
            winner = s[t] > s[winner] ? t : winner;
    c2s_transform_apply(m->transform, s, classes);
    return winner;
}

static c2s_status classify_rows(run *r, c2s_eval *e) {
    const c2s_labels *labels = &r->model->labels;
    size_t columns = labels->count < 2 ? 2 : labels->count;
    int64_t dim[2] = {(int64_t)r->x.rows, (int64_t)columns};
    c2s_tensor *scores;
    C2S_TRY(c2s_tensor_create(C2S_FLOAT, 2, dim, &scores));
    size_t *winner = c2s_alloc_array(r->x.rows + 1, sizeof *winner);
    for (size_t n = 0; n < r->x.rows; n++) {
        winner[n] = classify(r, r->x.at + n * r->x.columns);
        if (winner[n] >= labels->count)
            winner[n] = 0;
        c2s_store_f64(C2S_FLOAT, c2s_tensor_mutable(scores), n * columns, columns, r->scores);
    }
    c2s_status status = c2s_labels_give(e, labels, winner, r->x.rows);
    free(winner);
    c2s_eval_set(e, 1, scores);
    return status;
}

static c2s_status read_classifier(const c2s_node *node, ensemble *m) {
    C2S_TRY(c2s_labels_read(node, "classlabels_int64s", "classlabels_strings", &m->labels));
    C2S_TRY(c2s_transform_read(node, &m->transform));
    return c2s_forest_read(node, "class", m->labels.count, &m->forest);
}

static c2s_status classifier_eval(c2s_eval *e) {
    ensemble *m;
    run r;
    C2S_TRY(ensemble_take(e, read_classifier, &m));
    c2s_status status = run_open(&r, e, m);
    if (status == C2S_OK)
        status = classify_rows(&r, e);
    run_close(&r);
    ensemble_leave(e, m);
    return status;
}

const c2s_op c2s_op_tree_ensemble_classifier = {
    .type = "TreeEnsembleClassifier",
    .domain = "ai.onnx.ml",
    .inputs = {1, 1},
    .outputs = {1, 2},
    .quant = C2S_QUANT_ONLY(FLOAT),
    .flags = C2S_OP_SIZES_OUTPUTS,
    .ties = c2s_ties_batch,
    .infer = classifier_infer,
    .eval = classifier_eval,
};
