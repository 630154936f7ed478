/* SPDX-License-Identifier: Apache-2.0
 *
 * Pad and CenterCropPad.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "ops/elements.h"
#include "ops/infer_tensor.h"
#include "ops/mapped_copy.h"
#include "ops/ties_rules.h"
#include "ops/workspace.h"

static const unsigned char zero_element[16];

/* The input position for position `at` of a padded axis; -1: the fill value. */
typedef int64_t (*position)(int64_t at, int64_t extent);

/* ---- Pad ---- */

/* The axes that pads speak of: input 3, or all. */
static c2s_status pad_axes(const int64_t *given, size_t given_count, bool has_axes, int rank,
                           size_t pad_count, int *axes, size_t *count) {
    *count = has_axes ? given_count : (size_t)rank;
    if (pad_count != 2 * *count)
        return c2s_fail(C2S_ERR_INVALID, "pads has %zu elements for %zu axes, expected %zu",
                        pad_count, *count, 2 * *count);
    if (has_axes)
        return c2s_infer_axes(given, given_count, rank, axes);
    for (int axis = 0; axis < rank; axis++)
        axes[axis] = axis;
    return C2S_OK;
}

static c2s_status pad_infer(c2s_infer *i) {
    bool known, axes_known;
    const c2s_dim *pads;
    const int64_t *given = NULL;
    unsigned count, given_count = 0;
    int axes[C2S_MAX_RANK];
    size_t axis_count;
    c2s_dim dim[C2S_MAX_RANK];
    C2S_TRY(c2s_infer_tensors(i, 2));
    const c2s_type *x = c2s_infer_type(i, 0);
    C2S_TRY(c2s_infer_list_dims(i, 1, "pads", &known, &pads, &count));
    C2S_TRY(c2s_infer_list_ints(i, 3, "axes", &axes_known, &given, &given_count));
    const c2s_type *value = c2s_infer_type(i, 2);
    if (i->concrete && c2s_infer_has(i, 2) && (value->dtype != x->dtype || value->rank > 1))
        return c2s_fail(C2S_ERR_INVALID, "constant_value is of type %s, expected a scalar of %s",
                        c2s_dtype_name(value->dtype), c2s_dtype_name(x->dtype));
    if (x->rank < 0 || !known || axes_known != c2s_infer_has(i, 3))
        return c2s_infer_output_rank(i, 0, x->dtype, x->rank);
    C2S_TRY(pad_axes(given, given_count, axes_known, x->rank, count, axes, &axis_count));
    memcpy(dim, x->dim, sizeof dim);
    for (size_t k = 0; k < axis_count; k++) {
        c2s_dim both = c2s_dim_add(i->dims, pads[k], pads[k + axis_count]);
        dim[axes[k]] = c2s_dim_add(i->dims, dim[axes[k]], both);
    }
    return c2s_infer_output(i, 0, x->dtype, x->rank, dim);
}

static int64_t edge_position(int64_t at, int64_t extent) {
    return at < 0 ? 0 : at >= extent ? extent - 1 : at;
}

static int64_t wrap_position(int64_t at, int64_t extent) {
    at %= extent;
    return at < 0 ? at + extent : at;
}

static int64_t reflect_position(int64_t at, int64_t extent) {
    int64_t period = 2 * (extent - 1);
    if (period == 0)
        return 0;
    at = wrap_position(at, period);
    return at < extent ? at : period - at;
}

static int64_t constant_position(int64_t at, int64_t extent) {
    return at < 0 || at >= extent ? -1 : at;
}

static c2s_status pad_mode(const c2s_node *node, position *out) {
    static const struct {
        const char *name;
        position position;
    } modes[] = {{"constant", constant_position},
                 {"edge", edge_position},
                 {"reflect", reflect_position},
                 {"wrap", wrap_position}};
    const char *name = c2s_attr_string(node, "mode", "constant");
    for (size_t k = 0; k < sizeof modes / sizeof *modes; k++) {
        *out = modes[k].position;
        if (strcmp(name, modes[k].name) == 0)
            return C2S_OK;
    }
    return c2s_fail(C2S_ERR_INVALID, "mode is \"%s\", expected constant, edge, reflect or wrap",
                    name);
}

/* Negative pads crop first: modes refer to what remains of the axis. */
static c2s_status pad_axis(c2s_mapped *plan, int axis, int64_t before, int64_t after,
                           position where) {
    int64_t extent = (int64_t)plan->in[axis], *map;
    int64_t cropped = before < 0 ? -before : 0;
    int64_t rest = extent - cropped - (after < 0 ? -after : 0);
    if (before == 0 && after == 0)
        return C2S_OK;
    if (rest < 0)
        rest = 0;
    if (rest == 0 && where != constant_position && plan->out[axis] > 0)
        return c2s_fail(C2S_ERR_INVALID, "axis %d has no elements to repeat", axis);
    C2S_TRY(c2s_scratch(plan->out[axis], sizeof *map, &map));
    plan->map[axis] = map;
    int64_t shift = before > 0 ? before : 0;
    for (int64_t o = 0; o < (int64_t)plan->out[axis]; o++) {
        int64_t at = where(o - shift, rest);
        map[o] = at < 0 ? -1 : at + cropped;
    }
    return C2S_OK;
}

/* Runs the plan from input 0 to output 0 and frees its maps. */
static c2s_status run_plan(c2s_eval *e, c2s_mapped *plan, const c2s_elements *fill,
                           c2s_status status) {
    c2s_elements x, y;
    if (status == C2S_OK)
        status = c2s_elements_open(e, &x, &y);
    if (status == C2S_OK) {
        plan->element = x.size;
        status =
            c2s_mapped_copy(plan, y.data, x.data, fill ? fill->data : (const void *)zero_element);
        status = c2s_elements_end(e, &x, &y, status);
    }
    for (int axis = 0; axis < plan->rank; axis++) {
        int64_t *map;
        memcpy(&map, &plan->map[axis], sizeof map);
        free(map);
    }
    return status;
}

static c2s_mapped plan_of(const c2s_eval *e) {
    c2s_mapped plan = {.rank = e->in[0]->type.rank};
    for (int axis = 0; axis < plan.rank; axis++) {
        plan.in[axis] = (size_t)e->in[0]->type.dim[axis];
        plan.out[axis] = (size_t)e->out_type[0].dim[axis];
    }
    return plan;
}

static c2s_status pad_eval(c2s_eval *e) {
    position where;
    int axes[C2S_MAX_RANK];
    size_t count;
    c2s_workspace ws = {0};
    c2s_elements fill;
    const c2s_tensor *value = e->in_count > 2 ? e->in[2] : NULL;
    const c2s_tensor *given_axes = e->in_count > 3 ? e->in[3] : NULL;
    C2S_TRY(pad_mode(e->node, &where));
    const int64_t *pads = c2s_workspace_i64(&ws, e->in[1]);
    const int64_t *given = c2s_workspace_i64(&ws, given_axes);
    c2s_status status = ws.status;
    c2s_mapped plan = plan_of(e);
    if (status == C2S_OK)
        status = pad_axes(given, given_axes ? given_axes->count : 0, given_axes != NULL, plan.rank,
                          e->in[1]->count, axes, &count);
    for (size_t k = 0; status == C2S_OK && k < count; k++)
        status = pad_axis(&plan, axes[k], pads[k], pads[k + count], where);
    c2s_workspace_end(&ws);
    if (!value || value->count == 0)
        return run_plan(e, &plan, NULL, status);
    if (status == C2S_OK)
        status = c2s_elements_read(value, &fill);
    else
        fill = (c2s_elements){0};
    status = run_plan(e, &plan, &fill, status);
    c2s_elements_close(&fill);
    return status;
}

static const c2s_attr_spec pad_attrs[] = {{"mode", C2S_ATTR_STRING, false}, {0}};

const c2s_op c2s_op_pad = {
    .type = "Pad",
    .domain = "",
    .inputs = {2, 4},
    .outputs = {1, 1},
    .quant = C2S_QUANT_SLOTS(UNIFY, C2S_SLOT(0) | C2S_SLOT(2), 1u),
    .attrs = pad_attrs,
    .ties = c2s_ties_pad,
    .refit = c2s_refit_pad,
    .infer = pad_infer,
    .eval = pad_eval,
};

/* ---- CenterCropPad ---- */

static c2s_status center_axes(const c2s_node *node, int rank, size_t length, int *axes) {
    size_t count;
    const int64_t *given = c2s_attr_ints(node, "axes", &count);
    if (!given)
        count = (size_t)rank;
    if (count != length)
        return c2s_fail(C2S_ERR_INVALID, "shape has %zu elements for %zu axes", length, count);
    if (given)
        return c2s_infer_axes(given, count, rank, axes);
    for (int axis = 0; axis < rank; axis++)
        axes[axis] = axis;
    return C2S_OK;
}

static c2s_status center_crop_pad_infer(c2s_infer *i) {
    bool known;
    const c2s_dim *shape;
    unsigned count;
    int axes[C2S_MAX_RANK];
    c2s_dim dim[C2S_MAX_RANK];
    C2S_TRY(c2s_infer_tensors(i, 2));
    const c2s_type *x = c2s_infer_type(i, 0);
    C2S_TRY(c2s_infer_list_dims(i, 1, "shape", &known, &shape, &count));
    if (x->rank < 0 || !known)
        return c2s_infer_output_rank(i, 0, x->dtype, x->rank);
    C2S_TRY(center_axes(i->node, x->rank, count, axes));
    memcpy(dim, x->dim, sizeof dim);
    for (unsigned k = 0; k < count; k++)
        dim[axes[k]] = shape[k];
    return c2s_infer_output(i, 0, x->dtype, x->rank, dim);
}

static c2s_status center_crop_pad_eval(c2s_eval *e) {
    c2s_mapped plan = plan_of(e);
    c2s_status status = C2S_OK;
    for (int axis = 0; status == C2S_OK && axis < plan.rank; axis++) {
        int64_t in = (int64_t)plan.in[axis], out = (int64_t)plan.out[axis];
        int64_t before = out > in ? (out - in) / 2 : -((in - out) / 2);
        status = pad_axis(&plan, axis, before, out - in - before, constant_position);
    }
    return run_plan(e, &plan, NULL, status);
}

static const c2s_attr_spec center_crop_pad_attrs[] = {{"axes", C2S_ATTR_INTS, false}, {0}};

const c2s_op c2s_op_center_crop_pad = {
    .type = "CenterCropPad",
    .domain = "",
    .inputs = {2, 2},
    .outputs = {1, 1},
    .quant = C2S_QUANT_UNARY(SAME),
    .attrs = center_crop_pad_attrs,
    .ties = c2s_ties_center_crop_pad,
    .infer = center_crop_pad_infer,
    .eval = center_crop_pad_eval,
};
