/* SPDX-License-Identifier: Apache-2.0
 *
 * Before: Slice or Gather with constant bounds that stays within one operand of a Concat
 * After:  the operand, or Slice or Gather of it
 * Before: Concat of Slices that follow each other in one value
 * After:  one Slice, or the value
 * Refuses when an extent before the place is not known, and Slices that something else reads,
 * unless they make up all of the value: they would be there besides the larger one.
 */
#include "passes/fuse/cuts.h"
#include "passes/fuse/fuse.h"

enum { Y = C2S_LETTER_A };

/* ---- Slice of Concat ---- */

typedef struct place {
    c2s_value *operand;
    int64_t before; /* indices of other operands */
    unsigned cut;
    c2s_cuts cuts;
} place;

/* The operand that has all that is cut out. */
static const char *locate(const c2s_match *m, place *out) {
    const c2s_value *y = m->value[Y];
    int64_t axis = c2s_axis_in(m->node[0], y, INT64_MIN / 2), start, end;
    if (axis < 0 || !c2s_cuts_read(m->root, &out->cuts))
        return "the axis or the bounds are not known";
    for (out->cut = 0; out->cut < out->cuts.count; out->cut++)
        if (out->cuts.at[out->cut].axis == axis)
            break;
    if (out->cut == out->cuts.count)
        return c2s_no_match;
    if (!c2s_dim_is_known(y->type.dim[axis]))
        return "an extent is not known";
    if (!c2s_cut_clamp(&out->cuts.at[out->cut], y->type.dim[axis], &start, &end) || start == end)
        return c2s_no_match;
    out->operand = c2s_concat_operand(m->node[0], axis, start, end, &out->before);
    if (!out->operand)
        return "it takes from several operands, or an extent is not known";
    out->cuts.at[out->cut].start = start - out->before;
    out->cuts.at[out->cut].end = end - out->before;
    return NULL;
}

static const char *slice_refuse(const c2s_match *m) {
    place where;
    return locate(m, &where);
}

static c2s_value *slice_build(c2s_builder *b, const c2s_match *m) {
    place where;
    if (locate(m, &where))
        return NULL;
    const c2s_cut *cut = &where.cuts.at[where.cut];
    if (cut->start == 0 && cut->end == where.operand->type.dim[cut->axis])
        where.cuts.at[where.cut] = where.cuts.at[--where.cuts.count];
    return c2s_cuts_build(b, where.operand, &where.cuts);
}

static const c2s_pattern_row slice_rows[] = {
    {.op = &c2s_op_concat, .out = Y},
    {.op = &c2s_op_slice, .in = {Y}},
};
const c2s_rule c2s_rule_slice_of_concat = {
    .name = "slice-of-concat",
    .summary = "Slice that stays within one operand of Concat -> that operand, or Slice of it",
    C2S_ROWS(slice_rows),
    .shared = C2S_BIT(Y),
    .refuse = slice_refuse,
    .build = slice_build};

/* ---- Gather of Concat ---- */

/* Indices of a Gather counted from the front, and the operand that has them all. */
static const char *gather_locate(const c2s_match *m, c2s_ints *indices, c2s_value **operand) {
    const c2s_value *y = m->value[Y];
    int64_t axis = c2s_axis_in(m->root, y, 0), before, least = INT64_MAX, most = -1;
    if (axis < 0 || axis != c2s_axis_in(m->node[0], y, INT64_MIN / 2))
        return c2s_no_match;
    c2s_dim extent = y->type.dim[axis];
    if (!c2s_dim_is_known(extent) || !c2s_constant_ints(c2s_node_in(m->root, 1), indices))
        return "the indices or an extent are not known";
    for (unsigned i = 0; i < indices->count; i++) {
        int64_t *at = &indices->at[i];
        if (*at < -extent || *at >= extent)
            return "an index is out of range";
        *at += *at < 0 ? extent : 0;
        least = *at < least ? *at : least;
        most = *at > most ? *at : most;
    }
    *operand = most < 0 ? NULL : c2s_concat_operand(m->node[0], axis, least, most + 1, &before);
    if (!*operand)
        return "it takes from several operands, or an extent is not known";
    for (unsigned i = 0; i < indices->count; i++)
        indices->at[i] -= before;
    return NULL;
}

static const char *gather_refuse(const c2s_match *m) {
    c2s_ints indices;
    c2s_value *operand;
    return gather_locate(m, &indices, &operand);
}

static c2s_value *gather_build(c2s_builder *b, const c2s_match *m) {
    c2s_ints indices;
    c2s_value *in[2] = {NULL};
    c2s_tensor *tensor = NULL;
    if (gather_locate(m, &indices, &in[0]))
        return NULL;
    const c2s_type *type = &c2s_node_in(m->root, 1)->constant->type;
    c2s_status status =
        c2s_tensor_from_i64(type->dtype, type->rank, type->dim, indices.at, &tensor);
    in[1] = c2s_build_ok(b, status) ? c2s_build_constant(b, "indices", tensor) : NULL;
    return in[1] ? c2s_build_finish(b, c2s_build_like(b, m->root, in, 2)) : NULL;
}

static const c2s_pattern_row gather_rows[] = {
    {.op = &c2s_op_concat, .out = Y},
    {.op = &c2s_op_gather, .in = {Y}},
};
const c2s_rule c2s_rule_gather_of_concat = {
    .name = "gather-of-concat",
    .summary = "Gather that stays within one operand of Concat -> Gather of it",
    C2S_ROWS(gather_rows),
    .shared = C2S_BIT(Y),
    .refuse = gather_refuse,
    .build = gather_build};

/* ---- Concat of Slices ---- */

typedef struct run {
    unsigned first, count; /* operands */
    c2s_part part;         /* what they are together */
} run;

/* The part of another value that the operand is, along the axis of the Concat. */
static bool is_part(const c2s_node *concat, unsigned slot, int64_t axis, c2s_part *out) {
    const c2s_value *value = concat->inputs[slot].value;
    return value && value->def && value->def->graph == concat->graph &&
           c2s_part_of_slice(value->def, out) && out->axis == axis;
}

/* Operands from `first` on that follow each other in one value: one, if it is no part or alone. */
static run run_at(const c2s_node *concat, int64_t axis, unsigned first) {
    run found = {.first = first, .count = 1};
    c2s_part next;
    if (!is_part(concat, first, axis, &found.part))
        return found;
    while (first + found.count < concat->formal_count &&
           is_part(concat, first + found.count, axis, &next) && next.x == found.part.x &&
           next.start == found.part.end) {
        found.part.end = next.end;
        found.count++;
    }
    return found;
}

/* Why the run stays as it is; NULL: it becomes one operand. */
static const char *refuse_run(const c2s_node *concat, const run *found) {
    if (found->count < 2)
        return c2s_no_match;
    if (found->part.start == 0 && found->part.end == found->part.x->type.dim[found->part.axis])
        return NULL;
    for (unsigned k = 0; k < found->count; k++)
        if (concat->inputs[found->first + k].value->use_count > 1)
            return "something else reads a slice, too";
    return NULL;
}

static const char *run_refuse(const c2s_match *m) {
    const int64_t axis = c2s_axis_in(m->root, m->root->outputs[0], INT64_MIN / 2);
    const char *reason = c2s_no_match;
    run found;
    for (unsigned k = 0; axis >= 0 && k < m->root->formal_count; k += found.count) {
        found = run_at(m->root, axis, k);
        const char *why = refuse_run(m->root, &found);
        if (!why)
            return NULL;
        reason = why != c2s_no_match ? why : reason;
    }
    return reason;
}

/* All runs at once: other operands would be copied for each. */
static c2s_value *run_build(c2s_builder *b, const c2s_match *m) {
    const int64_t axis = c2s_axis_in(m->root, m->root->outputs[0], INT64_MIN / 2);
    c2s_value **in = c2s_alloc_array(m->root->formal_count, sizeof *in), *value = NULL;
    unsigned count = 0;
    run found;
    for (unsigned k = 0; k < m->root->formal_count; k += found.count) {
        found = run_at(m->root, axis, k);
        if (!refuse_run(m->root, &found)) {
            in[count++] = c2s_part_build(b, &found.part);
            continue;
        }
        for (unsigned i = 0; i < found.count; i++)
            in[count++] = m->root->inputs[k + i].value;
    }
    if (b->status == C2S_OK)
        value = count > 1 ? c2s_build_finish(b, c2s_build_like(b, m->root, in, count)) : in[0];
    free(in);
    return value;
}

static const c2s_pattern_row concat_rows[] = {{.op = &c2s_op_concat}};
const c2s_rule c2s_rule_concat_of_slices = {
    .name = "concat-of-slices",
    .summary = "Concat of Slices that follow each other in one value -> one Slice, or the value",
    C2S_ROWS(concat_rows),
    .refuse = run_refuse,
    .build = run_build};
