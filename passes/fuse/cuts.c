/* SPDX-License-Identifier: Apache-2.0 */
#include "passes/fuse/cuts.h"

static int rank_of(const c2s_value *value) {
    return value && value->type.kind == C2S_KIND_TENSOR ? value->type.rank : -1;
}

bool c2s_cuts_read(const c2s_node *node, c2s_cuts *out) {
    c2s_ints starts, ends, axes, steps = {0};
    bool given;
    int rank = rank_of(c2s_node_in(node, 0));
    if (rank < 0 || !c2s_constant_ints(c2s_node_in(node, 1), &starts) ||
        !c2s_constant_ints(c2s_node_in(node, 2), &ends) ||
        !c2s_node_axes(node, 3, rank, &axes, &given) ||
        (c2s_node_in(node, 4) && !c2s_constant_ints(c2s_node_in(node, 4), &steps)))
        return false;
    if (starts.count > (unsigned)rank || ends.count != starts.count ||
        (given && axes.count != starts.count) || (steps.count && steps.count != starts.count))
        return false;
    out->count = starts.count;
    for (unsigned i = 0; i < out->count; i++)
        out->at[i] = (c2s_cut){given ? axes.at[i] : (int64_t)i, starts.at[i], ends.at[i],
                               steps.count ? steps.at[i] : 1};
    return true;
}

c2s_value *c2s_cuts_build(c2s_builder *b, c2s_value *x, const c2s_cuts *cuts) {
    int64_t column[4][C2S_MAX_RANK];
    bool steps = false;
    if (cuts->count == 0)
        return x;
    for (unsigned i = 0; i < cuts->count; i++) {
        column[0][i] = cuts->at[i].start;
        column[1][i] = cuts->at[i].end;
        column[2][i] = cuts->at[i].axis;
        column[3][i] = cuts->at[i].step;
        steps = steps || cuts->at[i].step != 1;
    }
    static const char *const hints[] = {"starts", "ends", "axes", "steps"};
    c2s_value *in[5] = {x};
    unsigned count = steps ? 4 : 3;
    for (unsigned k = 0; k < count; k++)
        in[k + 1] = c2s_build_ints(b, hints[k], column[k], cuts->count);
    return c2s_build(b, "Slice", in, 1 + count);
}

static int64_t clamp(int64_t at, int64_t extent) {
    at = at < -extent ? 0 : at < 0 ? at + extent : at;
    return at > extent ? extent : at;
}

bool c2s_cut_clamp(const c2s_cut *cut, int64_t extent, int64_t *start, int64_t *end) {
    *start = clamp(cut->start, extent);
    *end = clamp(cut->end, extent);
    *end = *end < *start ? *start : *end;
    return cut->step == 1;
}

bool c2s_part_of_slice(const c2s_node *slice, c2s_part *out) {
    c2s_cuts cuts;
    bool found = false;
    if (slice->op != &c2s_op_slice || !c2s_cuts_read(slice, &cuts))
        return false;
    out->x = c2s_node_in(slice, 0);
    for (unsigned i = 0; i < cuts.count; i++) {
        c2s_dim extent = out->x->type.dim[cuts.at[i].axis];
        int64_t start, end;
        bool whole = cuts.at[i].step == 1 && cuts.at[i].start == 0 && cuts.at[i].end >= INT32_MAX;
        if (whole)
            continue;
        if (!c2s_dim_is_known(extent) || !c2s_cut_clamp(&cuts.at[i], extent, &start, &end))
            return false;
        if (start == 0 && end == extent)
            continue;
        if (found)
            return false;
        found = true;
        out->axis = cuts.at[i].axis;
        out->start = start;
        out->end = end;
    }
    return found && out->start < out->end;
}

c2s_value *c2s_part_build(c2s_builder *b, const c2s_part *part) {
    bool whole = part->start == 0 && part->end == part->x->type.dim[part->axis];
    c2s_cuts cuts = {.at = {{part->axis, part->start, part->end, 1}}, .count = whole ? 0 : 1};
    return c2s_cuts_build(b, part->x, &cuts);
}

int64_t c2s_axis_in(const c2s_node *node, const c2s_value *value, int64_t absent) {
    int64_t axis = c2s_attr_int(node, "axis", absent), rank = rank_of(value);
    axis += axis < 0 ? rank : 0;
    return rank >= 0 && axis >= 0 && axis < rank ? axis : -1;
}

c2s_value *c2s_concat_operand(const c2s_node *concat, int64_t axis, int64_t start, int64_t end,
                              int64_t *before) {
    *before = 0;
    for (unsigned k = 0; k < concat->formal_count; k++) {
        c2s_value *operand = concat->inputs[k].value;
        if (rank_of(operand) <= axis || !c2s_dim_is_known(operand->type.dim[axis]))
            return NULL;
        int64_t extent = operand->type.dim[axis];
        if (start >= *before && end - *before <= extent)
            return operand;
        if (start < *before + extent || *before > INT64_MAX - extent)
            return NULL;
        *before += extent;
    }
    return NULL;
}
