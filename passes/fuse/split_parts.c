/* SPDX-License-Identifier: Apache-2.0
 *
 * Before: Slices that cut one value into parts that do not overlap and leave nothing out
 * After:  Split
 * Before: Split of which one result is used
 * After:  Slice
 * Before: Gather with a list of two or more constant indices that follow each other; with one
 *         number of an axis of extent 1
 * After:  Slice; Squeeze
 * Refuses when extents along the axis are not known. Slices of the parts become one Slice each
 * first.
 */
#include <stdlib.h>

#include "passes/fuse/cuts.h"
#include "passes/fuse/fuse.h"

enum { X = C2S_LETTER_A, OUTPUTS };

/* ---- Slices ---- */

enum { MOST_PARTS = 16, MOST_USES = 64 };

typedef struct slices {
    c2s_node *node[MOST_PARTS];
    c2s_part part[MOST_PARTS];
    unsigned count;
} slices;

static bool is_cut_again(const c2s_value *part) {
    return part->use_count == 1 && part->uses->user->op == &c2s_op_slice;
}

/* Those in use that cut what the root cuts, along the same axis, by where they start. */
static bool collect(const c2s_node *root, slices *out) {
    c2s_part own, part;
    out->count = 0;
    if (!c2s_part_of_slice(root, &own) || own.x->use_count > MOST_USES)
        return false;
    c2s_value_each_use(use, own.x) {
        c2s_node *node = use->user;
        if (node->op != &c2s_op_slice || use->slot != 0 || !c2s_part_of_slice(node, &part) ||
            part.axis != own.axis || node->outputs[0]->use_count == 0)
            continue;
        if (out->count == MOST_PARTS || is_cut_again(node->outputs[0]))
            return false;
        unsigned at = out->count++;
        for (; at > 0 && out->part[at - 1].start > part.start; at--) {
            out->part[at] = out->part[at - 1];
            out->node[at] = out->node[at - 1];
        }
        out->part[at] = part;
        out->node[at] = node;
    }
    return out->count > 1;
}

static const char *slices_refuse(const c2s_match *m) {
    slices found;
    int64_t end = 0;
    if (!collect(m->root, &found))
        return c2s_no_match;
    for (unsigned i = 0; i < found.count; end = found.part[i++].end)
        if (found.part[i].start != end)
            return "the slices overlap, or leave something out";
    return end == found.part[0].x->type.dim[found.part[0].axis]
               ? NULL
               : "the slices overlap, or leave something out";
}

static c2s_value *slices_build(c2s_builder *b, const c2s_match *m) {
    slices found;
    int64_t length[MOST_PARTS];
    collect(m->root, &found);
    for (unsigned i = 0; i < found.count; i++)
        length[i] = found.part[i].end - found.part[i].start;
    c2s_value *x = found.part[0].x;
    c2s_build_behind(b, x);
    c2s_value *in[] = {x, c2s_build_ints(b, "split", length, found.count)};
    c2s_node *split = c2s_build_start(b, "Split", in, 2);
    if (!split)
        return NULL;
    c2s_attr_set_int(split, "axis", found.part[0].axis);
    for (unsigned i = 1; i < found.count; i++)
        c2s_node_add_output(split, found.node[i]->outputs[0]->name);
    if (!c2s_build_finish(b, split))
        return NULL;
    c2s_value *value = NULL;
    for (unsigned i = 0; i < found.count; i++)
        if (found.node[i] == m->root)
            value = split->outputs[i];
        else
            c2s_build_replace(b, found.node[i]->outputs[0], split->outputs[i]);
    return value;
}

static const c2s_pattern_row slice_rows[] = {{.op = &c2s_op_slice}};
const c2s_rule c2s_rule_slices_split = {.name = "slices-split",
                                        .summary =
                                            "Slices that cut all of a value into parts -> Split",
                                        C2S_ROWS(slice_rows),
                                        .refuse = slices_refuse,
                                        .build = slices_build};

/* ---- Split ---- */

/* The only output in use, and the part that it is. */
static const char *only_part(const c2s_match *m, unsigned *slot, c2s_part *out) {
    unsigned used = 0;
    *slot = 0;
    for (unsigned k = 0; k < m->root->output_count; k++)
        if (m->root->outputs[k] && m->root->outputs[k]->use_count > 0) {
            *slot = k;
            used++;
        }
    if (used != 1 || m->root->output_count < 2)
        return c2s_no_match;
    *out = (c2s_part){.x = m->value[X], .axis = c2s_axis_in(m->root, m->value[X], 0)};
    if (out->axis < 0)
        return "the axis is not known";
    for (unsigned k = 0; k <= *slot; k++) {
        const c2s_value *output = m->root->outputs[k];
        c2s_dim extent = output && output->type.rank == out->x->type.rank
                             ? output->type.dim[out->axis]
                             : C2S_DIM_SYMBOLIC;
        if (!c2s_dim_is_known(extent))
            return "an extent is not known";
        out->start = out->end;
        if (!c2s_add_i64(out->end, extent, &out->end))
            return "an extent is not known";
    }
    if (*slot > 0 && !c2s_same_type(m->root->outputs[0], m->root->outputs[*slot]))
        return "another part has another extent";
    return out->start < out->end ? NULL : c2s_no_match;
}

static const char *split_refuse(const c2s_match *m) {
    unsigned slot;
    c2s_part part;
    return only_part(m, &slot, &part);
}

/* The first output, which nobody uses, has the type of the one in use. */
static c2s_value *split_build(c2s_builder *b, const c2s_match *m) {
    unsigned slot;
    c2s_part part;
    if (only_part(m, &slot, &part))
        return NULL;
    c2s_value *value = c2s_part_build(b, &part);
    if (slot > 0)
        b->further[slot - 1] = value;
    return value;
}

static const c2s_pattern_row split_rows[] = {
    {.op = &c2s_op_split,
     .in = {X},
     .further = {OUTPUTS, OUTPUTS + 1, OUTPUTS + 2, OUTPUTS + 3, OUTPUTS + 4, OUTPUTS + 5,
                 OUTPUTS + 6}}};
const c2s_rule c2s_rule_split_one_part = {.name = "split-one-part",
                                          .summary = "Split of which one part is used -> Slice",
                                          C2S_ROWS(split_rows),
                                          .results = C2S_BIT(OUTPUTS) | C2S_BIT(OUTPUTS + 1) |
                                                     C2S_BIT(OUTPUTS + 2) | C2S_BIT(OUTPUTS + 3) |
                                                     C2S_BIT(OUTPUTS + 4) | C2S_BIT(OUTPUTS + 5) |
                                                     C2S_BIT(OUTPUTS + 6),
                                          .refuse = split_refuse,
                                          .build = split_build};

/* ---- Gather ---- */

/* A Gather of consecutive indices, in a list or as one number for an axis of extent 1. */
static const char *gathered(const c2s_match *m, c2s_part *out) {
    c2s_ints indices;
    const c2s_value *list = c2s_node_in(m->root, 1);
    *out = (c2s_part){.x = m->value[X], .axis = c2s_axis_in(m->root, m->value[X], 0)};
    if (out->axis < 0 || !c2s_constant_ints(list, &indices) || indices.count == 0 ||
        list->type.rank > 1)
        return c2s_no_match;
    c2s_dim extent = out->x->type.dim[out->axis];
    if (indices.count == 1 && (list->type.rank > 0 || extent != 1))
        return c2s_no_match;
    bool known = c2s_dim_is_known(extent);
    for (unsigned i = 0; i < indices.count; i++) {
        int64_t at = indices.at[i] + (known && indices.at[i] < 0 ? extent : 0);
        if (i > 0 && indices.at[i] != indices.at[i - 1] + 1)
            return c2s_no_match;
        if (!known || at < 0 || at >= extent)
            return "an extent is not known, or an index out of range";
        out->start = i == 0 ? at : out->start;
        out->end = at + 1;
    }
    return out->end - out->start == indices.count ? NULL : c2s_no_match;
}

static const char *gather_refuse(const c2s_match *m) {
    c2s_part part;
    return gathered(m, &part);
}

static c2s_value *gather_build(c2s_builder *b, const c2s_match *m) {
    c2s_part part;
    if (gathered(m, &part))
        return NULL;
    if (c2s_node_in(m->root, 1)->type.rank > 0)
        return c2s_part_build(b, &part);
    c2s_value *in[] = {m->value[X], c2s_build_ints(b, "axes", &part.axis, 1)};
    return c2s_build(b, "Squeeze", in, 2);
}

static const c2s_pattern_row gather_rows[] = {{.op = &c2s_op_gather, .in = {X}}};
const c2s_rule c2s_rule_gather_part = {
    .name = "gather-part",
    .summary = "Gather of consecutive indices -> Slice; of the only index of an axis -> Squeeze",
    C2S_ROWS(gather_rows),
    .refuse = gather_refuse,
    .build = gather_build};
