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

/* One model applied to rows. */
typedef struct run {
    c2s_forest forest;
    c2s_features x;
    double *base, *scores;
    size_t base_count;
    bool *given;
    c2s_transform transform;
} run;

static c2s_status run_open(run *r, const c2s_eval *e) {
    C2S_TRY(c2s_features_read(e->in[0], &r->x));
    if (r->x.columns < r->forest.features)
        return c2s_fail(C2S_ERR_INVALID, "%zu features, the trees test %zu", r->x.columns,
                        r->forest.features);
    C2S_TRY(read_base(e->node, &r->base, &r->base_count));
    r->scores = c2s_alloc_array(r->forest.targets + 2, sizeof *r->scores);
    r->given = c2s_alloc_array(r->forest.targets + 2, sizeof *r->given);
    return C2S_OK;
}

static void run_close(run *r) {
    c2s_forest_free(&r->forest);
    free(r->x.at);
    free(r->base);
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

static c2s_status regress(run *r, c2s_eval *e, c2s_aggregate aggregate) {
    C2S_TRY(run_open(r, e));
    size_t targets = r->forest.targets;
    if (r->base_count != 0 && r->base_count != targets)
        return c2s_fail(C2S_ERR_INVALID, "%zu base values for %zu targets", r->base_count, targets);
    c2s_tensor *y = e->out[0];
    for (size_t n = 0; n < r->x.rows; n++) {
        c2s_forest_score(&r->forest, r->x.at + n * r->x.columns, aggregate, r->scores, r->given);
        for (size_t t = 0; t < r->base_count; t++)
            r->scores[t] += r->base[t];
        c2s_transform_apply(r->transform, r->scores, targets);
        c2s_store_f64(y->type.dtype, c2s_tensor_mutable(y), n * targets, targets, r->scores);
    }
    return C2S_OK;
}

static c2s_status regressor_eval(c2s_eval *e) {
    static const char *const names[] = {"AVERAGE", "SUM", "MIN", "MAX"};
    const char *name = c2s_attr_string(e->node, "aggregate_function", "SUM");
    int aggregate = 0;
    while (aggregate < 4 && strcmp(name, names[aggregate]) != 0)
        aggregate++;
    if (aggregate == 4)
        return c2s_fail(C2S_ERR_INVALID, "aggregate_function is \"%s\"", name);
    run r = {0};
    c2s_status status = c2s_transform_read(e->node, &r.transform);
    if (status == C2S_OK)
        status = c2s_forest_read(e->node, "target", (size_t)e->out_type[0].dim[1], &r.forest);
    if (status == C2S_OK)
        status = regress(&r, e, (c2s_aggregate)aggregate);
    run_close(&r);
    return status;
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

static c2s_status ensemble_eval(c2s_eval *e) {
    int64_t aggregate = c2s_attr_int(e->node, "aggregate_function", C2S_AGGREGATE_SUM);
    int64_t transform = c2s_attr_int(e->node, "post_transform", C2S_TRANSFORM_NONE);
    if (aggregate < 0 || aggregate > C2S_AGGREGATE_MAX || transform < 0 ||
        transform > C2S_TRANSFORM_PROBIT)
        return c2s_fail(C2S_ERR_INVALID, "aggregate_function is %lld, post_transform %lld",
                        (long long)aggregate, (long long)transform);
    run r = {.transform = (c2s_transform)transform};
    c2s_status status = c2s_forest_read_5(e->node, &r.forest);
    if (status == C2S_OK)
        status = regress(&r, e, (c2s_aggregate)aggregate);
    run_close(&r);
    return status;
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
static size_t classify(run *r, const double *row, size_t classes) {
    double *s = r->scores;
    c2s_forest_score(&r->forest, row, C2S_AGGREGATE_SUM, s, r->given);
    if (classes <= 2 && !(classes == 2 && r->given[1])) {
        if (r->base_count == 2 && classes == 2) {
            s[0] += r->base[0];
            s[1] += r->base[1];
            size_t winner = s[1] > 0;
            c2s_transform_apply(r->transform, s, 2);
            return winner;
        }
        double score = s[0] + (r->base_count ? r->base[r->base_count - 1] : 0);
        return (size_t)c2s_binary_scores(r->transform, score, r->forest.all_positive, s);
    }
    for (size_t t = 0; t < classes && t < r->base_count; t++)
        s[t] += r->base[t];
    size_t winner = 0;
    if (classes == 2 && !r->given[0]) /* only the second class has leaves: its score decides */
        winner = s[1] > (r->forest.all_positive ? 0.5 : 0);
    else
        for (size_t t = 1; t < classes; t++)
            winner = s[t] > s[winner] ? t : winner;
    c2s_transform_apply(r->transform, s, classes);
    return winner;
}

static c2s_status classify_rows(run *r, c2s_eval *e, const c2s_labels *labels) {
    C2S_TRY(run_open(r, e));
    size_t columns = labels->count < 2 ? 2 : labels->count;
    int64_t dim[2] = {(int64_t)r->x.rows, (int64_t)columns};
    c2s_tensor *scores;
    C2S_TRY(c2s_tensor_create(C2S_FLOAT, 2, dim, &scores));
    size_t *winner = c2s_alloc_array(r->x.rows + 1, sizeof *winner);
    for (size_t n = 0; n < r->x.rows; n++) {
        winner[n] = classify(r, r->x.at + n * r->x.columns, labels->count);
        if (winner[n] >= labels->count)
            winner[n] = 0;
        c2s_store_f64(C2S_FLOAT, c2s_tensor_mutable(scores), n * columns, columns, r->scores);
    }
    c2s_status status = c2s_labels_give(e, labels, winner, r->x.rows);
    free(winner);
    c2s_eval_set(e, 1, scores);
    return status;
}

static c2s_status classifier_eval(c2s_eval *e) {
    c2s_labels labels;
    run r = {0};
    C2S_TRY(c2s_labels_read(e->node, "classlabels_int64s", "classlabels_strings", &labels));
    c2s_status status = c2s_transform_read(e->node, &r.transform);
    if (status == C2S_OK)
        status = c2s_forest_read(e->node, "class", labels.count, &r.forest);
    if (status == C2S_OK)
        status = classify_rows(&r, e, &labels);
    run_close(&r);
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
