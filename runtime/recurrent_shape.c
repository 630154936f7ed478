/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>
#include <strings.h>

#include "runtime/dnnl_primitive.h"
#include "runtime/recurrent_shape.h"

static bool default_activations(const c2s_node *node, bool lstm) {
    static const char *const names[] = {"sigmoid", "tanh", "tanh"};
    size_t count, per_direction = lstm ? 3 : 2;
    const c2s_string *given = c2s_attr_strings(node, "activations", &count);
    for (size_t k = 0; k < count; k++) {
        const char *want = names[k % per_direction];
        if (given[k].size != strlen(want) || strncasecmp(given[k].data, want, given[k].size) != 0)
            return false;
    }
    return !c2s_attr_has(node, "clip") && !c2s_attr_has(node, "activation_alpha") &&
           !c2s_attr_has(node, "activation_beta");
}

static bool read_direction(const c2s_node *node, c2s_recurrent_shape *r) {
    const char *text = c2s_attr_string(node, "direction", "forward");
    r->directions = strcmp(text, "bidirectional") == 0 ? 2 : 1;
    r->reversed = strcmp(text, "reverse") == 0;
    return r->directions == 2 || r->reversed || strcmp(text, "forward") == 0;
}

/* True if the slot is left out and may be, or has this shape, and is a constant if it must be. */
static bool has_shape(const c2s_step *step, unsigned input, bool optional, bool constant, int rank,
                      const int64_t *dims) {
    if (!c2s_step_has(step, input))
        return optional;
    const c2s_type *type = c2s_step_type(step, input);
    return c2s_dnnl_accepts(type) && type->rank == rank &&
           memcmp(type->dim, dims, (size_t)rank * sizeof *dims) == 0 &&
           (!constant || c2s_step_constant(step, input));
}

static bool shapes_fit(const c2s_step *step, const c2s_recurrent_shape *r) {
    int64_t d = r->directions, h = r->hidden, rows = r->gates * h;
    int64_t w[] = {d, rows, r->inputs}, recurrent[] = {d, rows, h}, bias[] = {d, 2 * rows};
    int64_t state[] = {d, r->batch, h}, peepholes[] = {d, 3 * h};
    return has_shape(step, C2S_RNN_W, false, true, 3, w) &&
           has_shape(step, C2S_RNN_R, false, true, 3, recurrent) &&
           has_shape(step, C2S_RNN_B, true, true, 2, bias) &&
           has_shape(step, C2S_RNN_INITIAL_H, true, false, 3, state) &&
           (!r->lstm || (has_shape(step, C2S_RNN_INITIAL_C, true, false, 3, state) &&
                         has_shape(step, C2S_RNN_PEEPHOLES, true, true, 2, peepholes)));
}

/* One length for each of the batch, of a type that has been inferred. */
static bool lengths_fit(const c2s_step *step, const c2s_recurrent_shape *r) {
    if (!c2s_step_has(step, C2S_RNN_LENGTHS))
        return true;
    const c2s_type *type = c2s_step_type(step, C2S_RNN_LENGTHS);
    return c2s_type_is_tensor(type) && type->dtype == C2S_INT32 && type->rank == 1 &&
           type->dim[0] == r->batch;
}

bool c2s_recurrent_describe(const c2s_step *step, c2s_recurrent_shape *r) {
    const c2s_node *node = step->node;
    const c2s_type *x = c2s_step_type(step, C2S_RNN_X), *recurrent = c2s_step_type(step, C2S_RNN_R);
    bool lstm = c2s_node_is(node, "LSTM");
    *r = (c2s_recurrent_shape){.lstm = lstm,
                               .linear = !lstm && c2s_attr_int(node, "linear_before_reset", 0) != 0,
                               .gates = lstm ? 4 : 3};
    if (!c2s_dnnl_accepts(x) || x->rank != 3 || !c2s_dnnl_accepts(recurrent) ||
        recurrent->rank != 3 || c2s_attr_int(node, "layout", 0) != 0 ||
        c2s_attr_int(node, "input_forget", 0) != 0 || !default_activations(node, lstm) ||
        !read_direction(node, r))
        return false;
    r->steps = x->dim[0];
    r->batch = x->dim[1];
    r->inputs = x->dim[2];
    r->hidden = recurrent->dim[2];
    for (unsigned k = 0; k < step->out_count; k++)
        if (step->out[k] && !c2s_dnnl_accepts(&step->out[k]->type))
            return false;
    return shapes_fit(step, r) && lengths_fit(step, r);
}
