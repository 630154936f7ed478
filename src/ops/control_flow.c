/* SPDX-License-Identifier: Apache-2.0
 *
 * If and Loop.
 */
#include <stdlib.h>
#include <string.h>

#include "ops/body.h"
#include "ops/iteration.h"

/* A bool or integer tensor of one element. */
static c2s_status scalar(const c2s_tensor *tensor, const char *what, int64_t *value) {
    if (tensor->type.kind != C2S_KIND_TENSOR || tensor->count != 1 ||
        !c2s_tensor_i64_at(tensor, 0, value))
        return c2s_fail(C2S_ERR_INVALID, "%s is not one %s", what,
                        strcmp(what, "the trip count") == 0 ? "integer" : "bool");
    return C2S_OK;
}

/* ---- If ---- */

/* The branch that is taken for sure: the condition says so, or the other cannot be valid. -1: both
 * may be. */
static int only_branch(const c2s_infer *i, const c2s_status status[2]) {
    const c2s_dim *condition;
    unsigned count;
    if (status[0] != C2S_OK || status[1] != C2S_OK)
        return status[0] != C2S_OK;
    if (c2s_infer_dims(i, 0, &condition, &count) && count == 1 && c2s_dim_is_known(condition[0]))
        return condition[0] == 0;
    return -1;
}

static c2s_status if_infer(c2s_infer *i) {
    c2s_graph *branch[2];
    C2S_TRY(c2s_body_find(i->node, "then_branch", 0, &branch[0]));
    C2S_TRY(c2s_body_find(i->node, "else_branch", 0, &branch[1]));
    for (int k = 0; k < 2; k++)
        if (c2s_graph_output_count(branch[k]) < i->out_count)
            return c2s_fail(C2S_ERR_INVALID, "a branch has %u outputs, expected %u",
                            c2s_graph_output_count(branch[k]), i->out_count);
    if (i->concrete)
        return C2S_OK;
    /* A branch that cannot be valid is one that is never taken: exporters write such branches for
     * ranks that the model does not have. */
    c2s_status status[2] = {c2s_graph_infer_all(branch[0]), c2s_graph_infer_all(branch[1])};
    for (int k = 0; k < 2; k++)
        branch[k]->impossible = status[k] != C2S_OK;
    if (status[0] != C2S_OK && status[1] != C2S_OK)
        return status[1];
    if (status[0] != C2S_OK || status[1] != C2S_OK)
        c2s_error_clear();
    const int only = only_branch(i, status);
    for (unsigned k = 0; k < i->out_count; k++) {
        const c2s_type *a = &c2s_graph_output(branch[0], k)->type;
        const c2s_type *b = &c2s_graph_output(branch[1], k)->type;
        i->out[k] = only == 0   ? *a
                    : only == 1 ? *b
                                : c2s_type_join(i->dims, i->arena, a, b);
    }
    return C2S_OK;
}

static c2s_status if_eval(c2s_eval *e) {
    C2S_TRY(c2s_iteration_need_runner(e));
    int64_t condition;
    C2S_TRY(scalar(e->in[0], "the condition", &condition));
    const c2s_graph *branch = c2s_attr_graph(e->node, condition ? "then_branch" : "else_branch");
    unsigned count = c2s_graph_output_count(branch);
    c2s_tensor **out = c2s_zalloc((count + 1) * sizeof *out);
    c2s_status status = e->runner->run(e->runner, branch, NULL, 0, out, count);
    for (unsigned k = 0; k < count; k++)
        if (status == C2S_OK)
            c2s_eval_set(e, k, out[k]);
        else
            c2s_tensor_unref(out[k]);
    free(out);
    return status;
}

const c2s_op c2s_op_if = {
    .type = "If",
    .domain = "",
    .inputs = {1, 1},
    .outputs = {1, C2S_VARIADIC},
    .quant = C2S_QUANT_ONLY(FLOAT),
    .flags = C2S_OP_SIZES_OUTPUTS | C2S_OP_HAS_BODY,
    .attrs = (const c2s_attr_spec[]){{"then_branch", C2S_ATTR_GRAPH, true},
                                     {"else_branch", C2S_ATTR_GRAPH, true},
                                     {0}},
    .ties = c2s_ties_pinned,
    .infer = if_infer,
    .eval = if_eval,
};

/* ---- Loop ---- */

static c2s_status loop_check(const c2s_node *node, unsigned in_count, unsigned out_count,
                             c2s_graph **body) {
    if (in_count < 2)
        return c2s_fail(C2S_ERR_INVALID, "%u inputs, expected at least 2", in_count);
    C2S_TRY(c2s_body_find(node, "body", in_count, body));
    unsigned outputs = c2s_graph_output_count(*body);
    if (outputs + 1 < in_count || outputs == 0 || out_count > outputs - 1)
        return c2s_fail(C2S_ERR_INVALID,
                        "the body has %u inputs and %u outputs, which do not fit %u inputs and %u "
                        "outputs of the node",
                        in_count, outputs, in_count, out_count);
    return C2S_OK;
}

/* True if the body never ends the loop: its condition is constantly true or the one it got. */
static bool runs_all(const c2s_infer *i, const c2s_graph *body) {
    int64_t start = 1, stay;
    if (c2s_infer_has(i, 1) &&
        (!i->in[1].constant || !c2s_tensor_i64_at(i->in[1].constant, 0, &start) || !start))
        return false;
    const c2s_value *condition = c2s_graph_output(body, 0);
    while (condition->def && c2s_node_is(condition->def, "Identity"))
        condition = c2s_node_in(condition->def, 0);
    if (condition == c2s_graph_input(body, 1))
        return true;
    return condition->constant && c2s_tensor_i64_at(condition->constant, 0, &stay) && stay;
}

static c2s_dim loop_trips(const c2s_infer *i, const c2s_graph *body) {
    const c2s_dim *trips;
    unsigned count;
    if (c2s_infer_has(i, 0) && c2s_infer_dims(i, 0, &trips, &count) && count == 1 &&
        runs_all(i, body))
        return c2s_dim_max(i->dims, trips[0], 0);
    return c2s_dim_fresh(i->dims);
}

static c2s_status loop_infer(c2s_infer *i) {
    c2s_graph *body;
    C2S_TRY(loop_check(i->node, i->in_count, i->out_count, &body));
    if (i->concrete)
        return C2S_OK;
    const c2s_carry carry = {body, 2, 2, 1, i->in_count - 2, false};
    c2s_body_enter(body->owner);
    C2S_TRY(c2s_body_infer_carried(i, &carry));
    c2s_dim trips = loop_trips(i, body);
    for (unsigned k = carry.count; k < i->out_count; k++) {
        const c2s_type *result = &c2s_graph_output(body, 1 + k)->type;
        C2S_TRY(c2s_type_add_axis(result, 0, trips, &i->out[k]));
    }
    return C2S_OK;
}

/* The body may declare its iteration number and condition with one axis. */
static c2s_status body_scalar(const c2s_graph *body, unsigned input, c2s_dtype dtype, int64_t value,
                              c2s_tensor **out) {
    int rank = c2s_graph_input(body, input)->type.rank == 1 ? 1 : 0;
    return c2s_tensor_from_i64(dtype, rank, (int64_t[]){1}, &value, out);
}

static c2s_status loop_step(c2s_iteration *it, int64_t number, int64_t *condition) {
    c2s_tensor *index, *keep;
    C2S_TRY(body_scalar(it->body, 0, C2S_INT64, number, &index));
    c2s_status status = body_scalar(it->body, 1, C2S_BOOL, *condition, &keep);
    if (status == C2S_OK) {
        it->in[0] = index;
        it->in[1] = keep;
        status = c2s_iteration_run(it);
        c2s_tensor_unref(keep);
    }
    c2s_tensor_unref(index);
    if (status == C2S_OK) {
        status = scalar(it->out[0], "the condition", condition);
        c2s_tensor_unref(it->out[0]);
    }
    if (status != C2S_OK)
        c2s_note("iteration %lld", (long long)number);
    return status;
}

static c2s_status loop_eval(c2s_eval *e) {
    C2S_TRY(c2s_iteration_need_runner(e));
    int64_t trips = INT64_MAX, condition = 1;
    if (e->in[0])
        C2S_TRY(scalar(e->in[0], "the trip count", &trips));
    if (e->in[1])
        C2S_TRY(scalar(e->in[1], "the condition", &condition));
    c2s_iteration it = {.e = e,
                        .body = c2s_attr_graph(e->node, "body"),
                        .lead = 2,
                        .lead_out = 1,
                        .carried = e->in_count - 2};
    c2s_status status = c2s_iteration_open(&it, 2);
    for (int64_t n = 0; status == C2S_OK && n < trips && condition; n++)
        status = n < C2S_MAX_ITERATIONS
                     ? loop_step(&it, n, &condition)
                     : c2s_fail(C2S_ERR_UNSUPPORTED, "the loop did not end after %d iterations",
                                C2S_MAX_ITERATIONS);
    if (status == C2S_OK)
        status = c2s_iteration_finish(&it, NULL, 0, NULL, 0);
    c2s_iteration_close(&it);
    return status;
}

const c2s_op c2s_op_loop = {
    .type = "Loop",
    .domain = "",
    .inputs = {0, C2S_VARIADIC}, /* the first two may be left out */
    .outputs = {1, C2S_VARIADIC},
    .quant = C2S_QUANT_ONLY(FLOAT),
    .flags = C2S_OP_SIZES_OUTPUTS | C2S_OP_HAS_BODY,
    .attrs = (const c2s_attr_spec[]){{"body", C2S_ATTR_GRAPH, true}, {0}},
    .ties = c2s_ties_pinned,
    .infer = loop_infer,
    .eval = loop_eval,
};
