/* SPDX-License-Identifier: Apache-2.0
 *
 * Removing elements of spaces: which indices of operand axes go, what is left of types and
 * tensors, and the refit of the node.
 */
#include <string.h>

#include "ops/op.h"

static bool names_axis(const c2s_tie *tie, bool output, unsigned slot, int axis) {
    return tie->output == output && tie->slot == slot && tie->axis == axis;
}

bool c2s_ties_mark(const c2s_ties *t, const bool *const *removed, bool output, unsigned slot,
                   int axis, bool *gone) {
    bool any = false;
    for (size_t k = 0; k < t->ties.count; k++) {
        const c2s_tie *tie = &t->ties.at[k];
        const bool *elements = removed[tie->space];
        if (!names_axis(tie, output, slot, axis) || !elements)
            continue;
        int64_t extent = t->spaces.at[tie->space].extent;
        for (int64_t i = 0; i < tie->count; i++)
            if (elements[i / tie->repeat % extent] && !gone[tie->start + i])
                any = gone[tie->start + i] = true;
    }
    return any;
}

/* Elements of `space` that have an index on the axis and lose all of them. */
static void find_covered(const c2s_ties *t, unsigned space, bool output, unsigned slot, int axis,
                         const bool *gone, bool *removed) {
    enum { ABSENT, ALL_GONE, STAYS };
    int64_t extent = t->spaces.at[space].extent;
    uint8_t *state = c2s_zalloc((size_t)extent);
    for (size_t k = 0; k < t->ties.count; k++) {
        const c2s_tie *tie = &t->ties.at[k];
        if (tie->space != space || !names_axis(tie, output, slot, axis))
            continue;
        for (int64_t i = 0; i < tie->count; i++) {
            uint8_t *s = &state[i / tie->repeat % extent];
            if (!gone[tie->start + i])
                *s = STAYS;
            else if (*s == ABSENT)
                *s = ALL_GONE;
        }
    }
    for (int64_t e = 0; e < extent; e++)
        removed[e] |= state[e] == ALL_GONE;
    free(state);
}

bool c2s_ties_cover(const c2s_ties *t, bool output, unsigned slot, int axis, const bool *gone,
                    bool *const *removed) {
    int64_t extent = c2s_ties_extent(t, output, slot, axis);
    bool *explained = c2s_zalloc((size_t)extent + 1), whole = true;
    for (size_t k = 0; k < t->ties.count; k++) {
        const c2s_tie *tie = &t->ties.at[k];
        bool first = names_axis(tie, output, slot, axis);
        for (size_t i = 0; i < k && first; i++)
            first = t->ties.at[i].space != tie->space ||
                    !names_axis(&t->ties.at[i], output, slot, axis);
        if (first)
            find_covered(t, tie->space, output, slot, axis, gone, removed[tie->space]);
    }
    c2s_ties_mark(t, (const bool *const *)removed, output, slot, axis, explained);
    for (int64_t i = 0; i < extent; i++)
        whole &= !gone[i] || explained[i];
    free(explained);
    return whole;
}

/* ---- what is left ---- */

/* May indices of the axis be gone? */
static bool loses_any(const c2s_ties *t, const bool *const *removed, bool output, unsigned slot,
                      int axis) {
    for (size_t k = 0; k < t->ties.count; k++)
        if (names_axis(&t->ties.at[k], output, slot, axis) && removed[t->ties.at[k].space])
            return true;
    return false;
}

void c2s_ties_shrink(const c2s_ties *t, const bool *const *removed, bool output, unsigned slot,
                     c2s_type *type) {
    for (int axis = 0; c2s_type_is_tensor(type) && axis < type->rank; axis++) {
        if (!c2s_dim_is_known(type->dim[axis]) || !loses_any(t, removed, output, slot, axis))
            continue;
        bool *gone = c2s_zalloc((size_t)type->dim[axis] + 1);
        int64_t left = 0;
        c2s_ties_mark(t, removed, output, slot, axis, gone);
        for (int64_t i = 0; i < type->dim[axis]; i++)
            left += !gone[i];
        type->dim[axis] = left;
        free(gone);
    }
}

static void copy_bits(const uint8_t *from, size_t from_bit, uint8_t *to, size_t to_bit,
                      size_t bits) {
    for (size_t b = 0; b < bits; b++) {
        unsigned bit = from[(from_bit + b) / 8] >> (from_bit + b) % 8 & 1u;
        to[(to_bit + b) / 8] |= (uint8_t)(bit << (to_bit + b) % 8);
    }
}

/* Rows of `bits` bits each: `outer` times `extent` rows, of which those not gone are copied. */
static void copy_rows(const c2s_tensor *in, size_t outer, size_t extent, size_t bits,
                      const bool *gone, c2s_tensor *out) {
    const uint8_t *from = c2s_tensor_data(in);
    uint8_t *to = c2s_tensor_mutable(out);
    size_t at = 0;
    if (bits % 8 != 0 && c2s_tensor_size(out))
        memset(to, 0, c2s_tensor_size(out));
    for (size_t row = 0; row < outer * extent; row++) {
        if (gone[row % extent] || bits == 0)
            continue;
        if (bits % 8 == 0)
            memcpy(to + at * (bits / 8), from + row * (bits / 8), bits / 8);
        else
            copy_bits(from, row * bits, to, at * bits, bits);
        at++;
    }
}

static c2s_status drop_strings(const c2s_tensor *in, const c2s_type *type, size_t extent,
                               size_t inner, const bool *gone, c2s_tensor **out) {
    const c2s_string *from = c2s_tensor_data(in);
    c2s_string *kept = c2s_alloc_array(in->count + 1, sizeof *kept);
    size_t count = 0;
    for (size_t i = 0; i < in->count; i++)
        if (!gone[i / inner % extent])
            kept[count++] = from[i];
    c2s_status status = c2s_tensor_strings(type->rank, type->dim, kept, out);
    free(kept);
    return status;
}

c2s_status c2s_tensor_drop(const c2s_tensor *in, int axis, const bool *gone, c2s_tensor **out) {
    c2s_type type = in->type;
    size_t outer = 1, inner = 1, extent = (size_t)type.dim[axis];
    for (int a = 0; a < type.rank; a++) {
        outer *= a < axis ? (size_t)type.dim[a] : 1;
        inner *= a > axis ? (size_t)type.dim[a] : 1;
    }
    for (size_t i = 0; i < extent; i++)
        type.dim[axis] -= gone[i];
    if (type.dtype == C2S_STRING)
        return drop_strings(in, &type, extent, inner, gone, out);
    C2S_TRY(c2s_tensor_create(type.dtype, type.rank, type.dim, out));
    copy_rows(in, outer, extent, inner * c2s_dtype_bits(type.dtype), gone, *out);
    return C2S_OK;
}

c2s_status c2s_ties_cut(const c2s_ties *t, const bool *const *removed, bool output, unsigned slot,
                        const c2s_tensor *in, c2s_tensor **out) {
    c2s_tensor *now = c2s_tensor_ref(in);
    c2s_status status = C2S_OK;
    for (int axis = 0; axis < in->type.rank && status == C2S_OK; axis++) {
        bool *gone = c2s_zalloc((size_t)in->type.dim[axis] + 1);
        if (c2s_ties_mark(t, removed, output, slot, axis, gone)) {
            c2s_tensor *less = NULL;
            status = c2s_tensor_drop(now, axis, gone, &less);
            c2s_tensor_unref(now);
            now = less;
        }
        free(gone);
    }
    *out = now;
    return status;
}

/* ---- refitting ---- */

int64_t c2s_refit_extent(const c2s_refit *r, unsigned space) {
    int64_t left = 0;
    for (int64_t e = 0; e < r->before->spaces.at[space].extent; e++)
        left += !r->removed[space] || !r->removed[space][e];
    return left;
}

void c2s_refit_attr(const c2s_refit *r, const char *name, unsigned space, int64_t unit) {
    int64_t left = c2s_refit_extent(r, space);
    if (left != r->before->spaces.at[space].extent)
        c2s_attr_set_int(r->node, name, left * unit);
}

c2s_status c2s_refit_ints(const c2s_refit *r, unsigned slot, const int64_t *values, size_t count) {
    const c2s_value *old = c2s_node_in(r->node, slot);
    c2s_dtype dtype = old && old->type.dtype == C2S_INT32 ? C2S_INT32 : C2S_INT64;
    int64_t extent = (int64_t)count;
    c2s_tensor *tensor;
    C2S_TRY(c2s_tensor_from_i64(dtype, 1, &extent, values, &tensor));
    if (old && old->constant && c2s_tensor_equal(old->constant, tensor)) {
        c2s_tensor_unref(tensor);
        return C2S_OK;
    }
    c2s_graph *graph = r->node->graph;
    c2s_value *value = c2s_value_constant(graph, old ? old->name : "extents", tensor);
    if (r->node->formal_count <= slot)
        c2s_node_resize_inputs(r->node, slot + 1);
    c2s_use_set(&r->node->inputs[slot], value);
    return C2S_OK;
}

static bool loses_elements(const c2s_refit *r) {
    for (unsigned s = 0; s < r->before->spaces.count; s++)
        if (c2s_refit_extent(r, s) != r->before->spaces.at[s].extent)
            return true;
    return false;
}

c2s_status c2s_node_refit(const c2s_refit *r) {
    if (!r->node->op->refit || !loses_elements(r))
        return C2S_OK;
    c2s_status status = r->node->op->refit(r);
    if (status != C2S_OK)
        c2s_note("%s", c2s_node_text(r->node));
    return status;
}
