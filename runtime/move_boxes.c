/* SPDX-License-Identifier: Apache-2.0
 *
 * What operators that move elements do, as boxes.
 */
#include <string.h>

#include "ops/slice_span.h"
#include "runtime/move.h"
#include "runtime/view_transpose.h"

/* More would cost more than what they save. */
enum { MOST_BOXES = 256 };

/* All of an output, from the same places of the input. */
static c2s_box whole(const c2s_step *step, unsigned output) {
    const c2s_type *type = &step->out[output]->type;
    c2s_box box = {.output = output};
    for (int i = 0; i < type->rank; i++) {
        box.extent[i] = type->dim[i];
        box.step[i] = 1;
    }
    return box;
}

static void begin(const c2s_step *step, c2s_boxes *boxes) {
    boxes->in = *c2s_step_type(step, 0);
    boxes->dropped = -1;
    for (int i = 0; i < boxes->in.rank; i++)
        boxes->order[i] = i;
}

/* Element `k` of an integer input; `absent` if it is left out. */
static bool int_of(const c2s_step *step, unsigned input, size_t k, int64_t absent, int64_t *out) {
    *out = absent;
    if (!c2s_step_has(step, input))
        return true;
    const c2s_tensor *tensor = c2s_step_constant(step, input);
    return tensor && k < tensor->count && c2s_tensor_i64_at(tensor, k, out);
}

static bool axis_of(int64_t given, int rank, int *axis) {
    *axis = (int)(given < 0 ? given + rank : given);
    return given >= -rank && given < rank;
}

/* ---- Slice ---- */

static bool slice_boxes(const c2s_step *step, c2s_boxes *boxes) {
    c2s_box box = whole(step, 0);
    const c2s_tensor *starts = c2s_step_constant(step, 1);
    for (size_t k = 0; starts && k < starts->count; k++) {
        int64_t start, end, stride, given;
        int axis;
        if (!int_of(step, 1, k, 0, &start) || !int_of(step, 2, k, 0, &end) ||
            !int_of(step, 3, k, (int64_t)k, &given) || !int_of(step, 4, k, 1, &stride) ||
            !axis_of(given, boxes->in.rank, &axis) || stride == 0)
            return false;
        c2s_span s = c2s_slice_span(boxes->in.dim[axis], start, end, stride);
        if (s.count != box.extent[axis])
            return false;
        box.from[axis] = s.start;
        box.step[axis] = s.count > 1 ? s.step : 1;
    }
    c2s_vec_push(&boxes->all, box);
    return starts != NULL;
}

/* ---- Split ---- */

static bool split_boxes(const c2s_step *step, c2s_boxes *boxes) {
    int axis;
    int64_t at = 0, extent, even;
    if (!axis_of(c2s_attr_int(step->node, "axis", 0), boxes->in.rank, &axis))
        return false;
    extent = boxes->in.dim[axis];
    even = (extent + step->out_count - 1) / step->out_count;
    for (unsigned k = 0; k < step->out_count; k++) {
        int64_t size;
        if (!int_of(step, 1, k, extent - at < even ? extent - at : even, &size) || size < 0 ||
            size > extent - at)
            return false;
        if (step->out[k]) {
            c2s_box box = whole(step, k);
            if (box.extent[axis] != size)
                return false;
            box.from[axis] = at;
            c2s_vec_push(&boxes->all, box);
        }
        at += size;
    }
    return true;
}

/* ---- Expand ---- */

static bool expand_boxes(const c2s_step *step, c2s_boxes *boxes) {
    const c2s_type *out = &step->out[0]->type, in = boxes->in;
    int lead = out->rank - in.rank;
    if (lead < 0)
        return false;
    c2s_box box = whole(step, 0);
    boxes->in.rank = out->rank;
    for (int i = 0; i < out->rank; i++) {
        boxes->order[i] = i < lead ? -1 : i - lead;
        boxes->in.dim[i] = i < lead ? 1 : in.dim[i - lead];
        box.step[i] = boxes->in.dim[i] == out->dim[i];
        if (boxes->in.dim[i] != out->dim[i] && boxes->in.dim[i] != 1)
            return false;
    }
    c2s_vec_push(&boxes->all, box);
    return true;
}

/* ---- Gather ---- */

/* Constant indices that are equally far apart, along one axis of theirs. */
static bool read_indices(const c2s_step *step, int64_t extent, int64_t *first, int64_t *apart) {
    const c2s_tensor *index = c2s_step_constant(step, 1);
    int64_t last = 0;
    *apart = 1;
    if (!index || index->count == 0)
        return false;
    for (size_t k = 0; k < index->count; k++) {
        int64_t at;
        if (!c2s_tensor_i64_at(index, k, &at) || at < -extent || at >= extent)
            return false;
        at += at < 0 ? extent : 0;
        if (k == 0)
            *first = at;
        if (k == 1)
            *apart = at - last;
        if (k > 0 && at - last != *apart)
            return false;
        last = at;
    }
    return true;
}

static bool gather_boxes(const c2s_step *step, c2s_boxes *boxes) {
    const c2s_type in = boxes->in, *index = c2s_step_type(step, 1), *out = &step->out[0]->type;
    int axis, rank = 0, along = -1;
    int64_t apart;
    if (!axis_of(c2s_attr_int(step->node, "axis", 0), in.rank, &axis) ||
        !read_indices(step, in.dim[axis], &boxes->at, &apart))
        return false;
    c2s_box box = whole(step, 0);
    boxes->in.rank = out->rank;
    for (int i = 0; i < axis; i++)
        boxes->order[rank++] = i;
    for (int i = 0; i < index->rank; i++) {
        if (index->dim[i] > 1 && along >= 0)
            return false;
        along = index->dim[i] > 1 ? rank : along;
        boxes->order[rank++] = -1;
    }
    for (int i = axis + 1; i < in.rank; i++)
        boxes->order[rank++] = i;
    if (along < 0 && index->rank > 0)
        along = axis;
    if (along >= 0) {
        boxes->order[along] = axis;
        box.from[along] = boxes->at;
        box.step[along] = apart;
    } else {
        boxes->dropped = axis;
    }
    for (int i = 0; i < rank; i++)
        boxes->in.dim[i] = boxes->order[i] < 0 ? 1 : in.dim[boxes->order[i]];
    c2s_vec_push(&boxes->all, box);
    return rank == out->rank;
}

/* ---- Transpose ---- */

static bool transpose_boxes(const c2s_step *step, c2s_boxes *boxes) {
    int64_t order[C2S_MAX_RANK];
    if (!c2s_transpose_order(step, order))
        return false;
    for (int i = 0; i < boxes->in.rank; i++) {
        boxes->order[i] = (int)order[i];
        boxes->in.dim[i] = c2s_step_type(step, 0)->dim[order[i]];
    }
    c2s_vec_push(&boxes->all, whole(step, 0));
    return true;
}

/* ---- Pad ---- */

/* Along one axis: `extent` elements of the output from `to` on. */
typedef struct segment {
    bool fills;
    int64_t extent, to, from, step;
} segment;

enum { MOST_SEGMENTS = 3 };

/* What stands before, in, and behind the part of the input that remains; negative pads crop. */
static bool pad_segments(const char *mode, int64_t extent, int64_t before, int64_t after,
                         segment *s) {
    int64_t cropped = before < 0 ? -before : 0, rest;
    if (before < -extent || after < -extent)
        return false;
    rest = extent - cropped - (after < 0 ? -after : 0);
    before = before < 0 ? 0 : before;
    after = after < 0 ? 0 : after;
    if (rest <= 0)
        return false;
    s[0] = (segment){false, before, 0, cropped, 0};
    s[1] = (segment){false, rest, before, cropped, 1};
    s[2] = (segment){false, after, before + rest, cropped + rest - 1, 0};
    if (strcmp(mode, "edge") == 0)
        return true;
    if (strcmp(mode, "constant") == 0) {
        s[0].fills = s[2].fills = true;
        return true;
    }
    if (strcmp(mode, "reflect") == 0) {
        s[0].from = cropped + before;
        s[2].from = cropped + rest - 2;
        s[0].step = s[2].step = -1;
        return before < rest && after < rest;
    }
    s[0].from = cropped + rest - before;
    s[2].from = cropped;
    s[0].step = s[2].step = 1;
    return strcmp(mode, "wrap") == 0 && before <= rest && after <= rest;
}

/* Every combination of segments; where one fills, the other axes need not be cut. */
static bool combine(c2s_boxes *boxes, segment (*segments)[MOST_SEGMENTS], int axis, c2s_box box) {
    if (box.fills || axis == boxes->in.rank) {
        c2s_vec_push(&boxes->all, box);
        return boxes->all.count <= MOST_BOXES;
    }
    for (int k = 0; k < MOST_SEGMENTS; k++) {
        const segment *s = &segments[axis][k];
        c2s_box part = box;
        if (s->extent == 0)
            continue;
        part.fills = s->fills;
        part.extent[axis] = s->extent;
        part.to[axis] = s->to;
        part.from[axis] = s->from;
        part.step[axis] = s->extent > 1 ? s->step : 1;
        if (!combine(boxes, segments, axis + 1, part))
            return false;
    }
    return true;
}

static bool pad_boxes(const c2s_step *step, c2s_boxes *boxes) {
    segment segments[C2S_MAX_RANK][MOST_SEGMENTS];
    const char *mode = c2s_attr_string(step->node, "mode", "constant");
    const c2s_tensor *pads = c2s_step_constant(step, 1), *axes = c2s_step_constant(step, 3);
    if (!pads || (c2s_step_has(step, 3) && !axes))
        return false;
    size_t count = axes ? axes->count : (size_t)boxes->in.rank;
    if (pads->count != 2 * count)
        return false;
    for (int i = 0; i < boxes->in.rank; i++)
        pad_segments("constant", boxes->in.dim[i], 0, 0, segments[i]);
    for (size_t k = 0; k < count; k++) {
        int64_t given, before, after;
        int axis;
        if (!int_of(step, 3, k, (int64_t)k, &given) || !axis_of(given, boxes->in.rank, &axis) ||
            !int_of(step, 1, k, 0, &before) || !int_of(step, 1, k + count, 0, &after) ||
            !pad_segments(mode, boxes->in.dim[axis], before, after, segments[axis]))
            return false;
    }
    return combine(boxes, segments, 0, whole(step, 0));
}

/* ---- which ---- */

bool c2s_boxes_of(const c2s_step *step, c2s_boxes *boxes) {
    static const struct {
        const char *op;
        bool (*make)(const c2s_step *step, c2s_boxes *boxes);
    } makers[] = {{"Expand", expand_boxes}, {"Gather", gather_boxes},
                  {"Pad", pad_boxes},       {"Slice", slice_boxes},
                  {"Split", split_boxes},   {"Transpose", transpose_boxes}};
    begin(step, boxes);
    for (size_t i = 0; i < sizeof makers / sizeof *makers; i++)
        if (strcmp(step->node->type, makers[i].op) == 0)
            return makers[i].make(step, boxes);
    return false;
}
