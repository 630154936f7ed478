/* SPDX-License-Identifier: Apache-2.0
 *
 * NegativeLogLikelihoodLoss and SoftmaxCrossEntropyLoss: the weighted negative log-probability of
 * each target class, and its sum or weighted mean. Ignored targets weigh nothing.
 */
#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "ops/workspace.h"

enum { X, TARGET, WEIGHT };

typedef enum reduction { NONE, SUM, MEAN } reduction;

static c2s_status read_reduction(const c2s_node *node, reduction *out) {
    const char *text = c2s_attr_string(node, "reduction", "mean");
    *out = strcmp(text, "none") == 0 ? NONE : strcmp(text, "sum") == 0 ? SUM : MEAN;
    if (*out == MEAN && strcmp(text, "mean") != 0)
        return c2s_fail(C2S_ERR_INVALID, "reduction is \"%s\", expected none, sum or mean", text);
    return C2S_OK;
}

static c2s_status loss_infer(c2s_infer *i) {
    C2S_TRY(c2s_infer_need(i, 2));
    const c2s_type *x = c2s_infer_type(i, X), *target = c2s_infer_type(i, TARGET);
    reduction reduce;
    C2S_TRY(read_reduction(i->node, &reduce));
    i->out[0] = c2s_type_scalar(x->dtype);
    if (reduce == NONE)
        i->out[0] =
            c2s_type_tensor(x->dtype, c2s_type_is_tensor(target) ? target->rank : -1, target->dim);
    if (i->out_count > 1)
        i->out[1] = *x;
    return C2S_OK;
}

typedef struct loss {
    size_t batch, classes, positions; /* x: [batch, classes, positions] */
    reduction reduce;
    bool ignores;
    int64_t ignored;
    const double *log_p, *weight;
    const int64_t *target;
    double *y; /* one element per target, or one */
} loss;

static c2s_status read_loss(const c2s_eval *e, loss *l) {
    const c2s_type *x = &e->in[X]->type, *t = &e->in[TARGET]->type;
    const c2s_tensor *weight = e->in_count > WEIGHT ? e->in[WEIGHT] : NULL;
    bool fits = x->rank >= 2 && t->rank == x->rank - 1 && t->dim[0] == x->dim[0];
    for (int a = 2; fits && a < x->rank; a++)
        fits = t->dim[a - 1] == x->dim[a];
    if (!fits)
        return c2s_fail(C2S_ERR_INVALID,
                        "the targets must have the shape of the scores (rank %d) "
                        "without the axis of classes",
                        x->rank);
    l->batch = (size_t)x->dim[0];
    l->classes = (size_t)x->dim[1];
    l->positions = l->batch ? e->in[TARGET]->count / l->batch : 0;
    if (weight && weight->count != l->classes)
        return c2s_fail(C2S_ERR_INVALID, "there are %zu weights for %zu classes", weight->count,
                        l->classes);
    l->ignores = c2s_attr_has(e->node, "ignore_index");
    l->ignored = c2s_attr_int(e->node, "ignore_index", 0);
    return read_reduction(e->node, &l->reduce);
}

static c2s_status compute(const loss *l) {
    double sum = 0.0, total = 0.0;
    for (size_t i = 0; i < l->batch * l->positions; i++) {
        int64_t t = l->target[i];
        double value = 0.0, weight = 0.0;
        if (!l->ignores || t != l->ignored) {
            if (t < 0 || t >= (int64_t)l->classes)
                return c2s_fail(C2S_ERR_INVALID, "target %" PRId64 " is none of %zu classes", t,
                                l->classes);
            size_t n = i / l->positions, p = i % l->positions;
            weight = l->weight ? l->weight[t] : 1.0;
            value = -weight * l->log_p[(n * l->classes + (size_t)t) * l->positions + p];
        }
        sum += value;
        total += weight;
        if (l->reduce == NONE)
            l->y[i] = value;
    }
    if (l->reduce != NONE)
        *l->y = l->reduce == SUM ? sum : sum / total;
    return C2S_OK;
}

static c2s_status open_loss(c2s_workspace *ws, const c2s_eval *e, loss *l) {
    l->target = c2s_workspace_i64(ws, e->in[TARGET]);
    l->weight = c2s_workspace_f64(ws, e->in_count > WEIGHT ? e->in[WEIGHT] : NULL);
    l->y = e->out[0] ? c2s_workspace_out_f64(ws, e->out[0])
                     : c2s_workspace_array(ws, e->in[TARGET]->count + 1, sizeof *l->y);
    return ws->status;
}

/* ---- NegativeLogLikelihoodLoss ---- */

static c2s_status nll_eval(c2s_eval *e) {
    loss l = {0};
    C2S_TRY(read_loss(e, &l));
    c2s_workspace ws = {0};
    l.log_p = c2s_workspace_f64(&ws, e->in[X]);
    if (open_loss(&ws, e, &l) == C2S_OK)
        ws.status = compute(&l);
    return c2s_workspace_end(&ws);
}

static const c2s_attr_spec loss_attrs[] = {
    {"ignore_index", C2S_ATTR_INT, false},
    {"reduction", C2S_ATTR_STRING, false},
    {0},
};

const c2s_op c2s_op_negative_log_likelihood_loss = {
    .type = "NegativeLogLikelihoodLoss",
    .domain = "",
    .inputs = {2, 3},
    .outputs = {1, 1},
    .quant = C2S_QUANT_ONLY(FLOAT),
    .attrs = loss_attrs,
    .ties = c2s_ties_pinned,
    .infer = loss_infer,
    .eval = nll_eval,
};

/* ---- SoftmaxCrossEntropyLoss ---- */

/* x - max - log(sum(exp(x - max))) over the classes. */
static void log_softmax(const loss *l, const double *x, double *out) {
    for (size_t i = 0; i < l->batch * l->positions; i++) {
        size_t at = i / l->positions * l->classes * l->positions + i % l->positions;
        double most = -INFINITY, sum = 0.0;
        for (size_t c = 0; c < l->classes; c++)
            most = fmax(most, x[at + c * l->positions]);
        for (size_t c = 0; c < l->classes; c++)
            sum += exp(x[at + c * l->positions] - most);
        for (size_t c = 0; c < l->classes; c++)
            out[at + c * l->positions] = x[at + c * l->positions] - most - log(sum);
    }
}

static c2s_status cross_entropy_eval(c2s_eval *e) {
    loss l = {0};
    C2S_TRY(read_loss(e, &l));
    c2s_workspace ws = {0};
    const double *x = c2s_workspace_f64(&ws, e->in[X]);
    c2s_tensor *out = e->out_count > 1 ? e->out[1] : NULL;
    double *log_p = out ? c2s_workspace_out_f64(&ws, out)
                        : c2s_workspace_array(&ws, e->in[X]->count, sizeof *log_p);
    l.log_p = log_p;
    if (open_loss(&ws, e, &l) == C2S_OK) {
        log_softmax(&l, x, log_p);
        ws.status = compute(&l);
    }
    return c2s_workspace_end(&ws);
}

const c2s_op c2s_op_softmax_cross_entropy_loss = {
    .type = "SoftmaxCrossEntropyLoss",
    .domain = "",
    .inputs = {2, 3},
    .outputs = {1, 2},
    .quant = C2S_QUANT_ONLY(FLOAT),
    .attrs = loss_attrs,
    .ties = c2s_ties_pinned,
    .infer = loss_infer,
    .eval = cross_entropy_eval,
};
