/* SPDX-License-Identifier: Apache-2.0
 *
 * Scan.
 */
#include <stdlib.h>

#include "ops/body.h"
#include "ops/iteration.h"

static c2s_status scan_check(const c2s_node *node, unsigned in_count, unsigned out_count,
                             c2s_graph **body, unsigned *states) {
    C2S_TRY(c2s_body_find(node, "body", in_count, body));
    int64_t scanned = c2s_attr_int(node, "num_scan_inputs", 0);
    if (scanned < 1 || scanned > in_count)
        return c2s_fail(C2S_ERR_INVALID, "num_scan_inputs is %lld, expected 1 to %u",
                        (long long)scanned, in_count);
    *states = in_count - (unsigned)scanned;
    unsigned outputs = c2s_graph_output_count(*body);
    if (outputs < *states || out_count > outputs)
        return c2s_fail(C2S_ERR_INVALID,
                        "the body has %u outputs, expected %u states and outputs for %u of the "
                        "node",
                        outputs, *states, out_count);
    return C2S_OK;
}

static int64_t axis_of(const c2s_node *node, const char *name, unsigned index) {
    size_t count;
    const int64_t *axes = c2s_attr_ints(node, name, &count);
    return index < count ? axes[index] : 0;
}

static c2s_status scan_infer(c2s_infer *i) {
    c2s_graph *body;
    unsigned states;
    C2S_TRY(scan_check(i->node, i->in_count, i->out_count, &body, &states));
    for (unsigned k = 0; k < i->in_count; k++)
        if (!c2s_infer_has(i, k))
            return c2s_fail(C2S_ERR_INVALID, "input %u is missing", k);
    if (i->concrete)
        return C2S_OK;
    const c2s_carry carry = {body, 0, 0, 0, states, true};
    c2s_body_enter(body->owner);
    C2S_TRY(c2s_body_infer_carried(i, &carry));
    c2s_dim length = c2s_dim_fresh(i->dims);
    for (unsigned k = states; k < i->in_count; k++) {
        const c2s_type *type = c2s_infer_type(i, k);
        int axis;
        if (!c2s_type_is_tensor(type) || type->rank < 0)
            continue;
        C2S_TRY(c2s_infer_axis(axis_of(i->node, "scan_input_axes", k - states), type->rank, &axis));
        if (!c2s_dim_is_known(length))
            length = type->dim[axis];
    }
    for (unsigned k = states; k < i->out_count; k++) {
        const c2s_type *result = &c2s_graph_output(body, k)->type;
        int axis;
        i->out[k] = *result;
        if (!c2s_type_is_tensor(result) || result->rank < 0)
            continue;
        C2S_TRY(c2s_infer_axis(axis_of(i->node, "scan_output_axes", k - states), result->rank + 1,
                               &axis));
        C2S_TRY(c2s_type_add_axis(result, axis, length, &i->out[k]));
    }
    return C2S_OK;
}

/* Sequence length, equal for all scanned inputs; their axes in `axis`. */
static c2s_status scan_length(const c2s_eval *e, unsigned states, int *axis, int64_t *length) {
    *length = -1;
    for (unsigned k = states; k < e->in_count; k++) {
        const c2s_type *type = &e->in[k]->type;
        if (!c2s_type_is_tensor(type))
            return c2s_fail(C2S_ERR_INVALID, "input %u is no tensor", k);
        C2S_TRY(c2s_infer_axis(axis_of(e->node, "scan_input_axes", k - states), type->rank,
                               &axis[k - states]));
        int64_t extent = type->dim[axis[k - states]];
        if (*length >= 0 && extent != *length)
            return c2s_fail(C2S_ERR_INVALID, "input %u has %lld steps, expected %lld", k,
                            (long long)extent, (long long)*length);
        *length = extent;
    }
    if (*length > C2S_MAX_ITERATIONS)
        return c2s_fail(C2S_ERR_UNSUPPORTED, "%lld steps, at most %d are run", (long long)*length,
                        C2S_MAX_ITERATIONS);
    return C2S_OK;
}

static c2s_status scan_step(c2s_iteration *it, const int *axis, int64_t step, int64_t length) {
    const c2s_eval *e = it->e;
    c2s_status status = C2S_OK;
    for (unsigned k = it->carried; k < e->in_count && status == C2S_OK; k++) {
        unsigned s = k - it->carried;
        bool backward = axis_of(e->node, "scan_input_directions", s) == 1;
        c2s_tensor *slice;
        status = c2s_tensor_take(e->in[k], axis[s], backward ? length - 1 - step : step, &slice);
        if (status == C2S_OK)
            it->in[k] = slice;
    }
    if (status == C2S_OK)
        status = c2s_iteration_run(it);
    for (unsigned k = it->carried; k < e->in_count; k++) {
        c2s_tensor_unref(it->in[k]);
        it->in[k] = NULL;
    }
    if (status != C2S_OK)
        c2s_note("iteration %lld", (long long)step);
    return status;
}

static c2s_status scan_eval(c2s_eval *e) {
    C2S_TRY(c2s_iteration_need_runner(e));
    c2s_graph *body;
    unsigned states;
    C2S_TRY(scan_check(e->node, e->in_count, e->out_count, &body, &states));
    int *axis = c2s_alloc_array(e->in_count - states + 1, sizeof *axis);
    int64_t length;
    c2s_iteration it = {.e = e, .body = body, .carried = states};
    c2s_status status = scan_length(e, states, axis, &length);
    if (status == C2S_OK)
        status = c2s_iteration_open(&it, 0);
    for (int64_t n = 0; status == C2S_OK && n < length; n++)
        status = scan_step(&it, axis, n, length);
    if (status == C2S_OK) {
        size_t axes, directions;
        const int64_t *out_axes = c2s_attr_ints(e->node, "scan_output_axes", &axes);
        const int64_t *reverse = c2s_attr_ints(e->node, "scan_output_directions", &directions);
        status = c2s_iteration_finish(&it, out_axes, axes, reverse, directions);
    }
    c2s_iteration_close(&it);
    free(axis);
    return status;
}

const c2s_op c2s_op_scan = {
    .type = "Scan",
    .domain = "",
    .inputs = {1, C2S_VARIADIC},
    .outputs = {1, C2S_VARIADIC},
    .quant = C2S_QUANT_ONLY(FLOAT),
    .flags = C2S_OP_SIZES_OUTPUTS | C2S_OP_HAS_BODY,
    .attrs = (const c2s_attr_spec[]){{"body", C2S_ATTR_GRAPH, true},
                                     {"num_scan_inputs", C2S_ATTR_INT, true},
                                     {"scan_input_axes", C2S_ATTR_INTS, false},
                                     {"scan_input_directions", C2S_ATTR_INTS, false},
                                     {"scan_output_axes", C2S_ATTR_INTS, false},
                                     {"scan_output_directions", C2S_ATTR_INTS, false},
                                     {0}},
    .ties = c2s_ties_pinned,
    .infer = scan_infer,
    .eval = scan_eval,
};
