/* SPDX-License-Identifier: Apache-2.0
 *
 * NonMaxSuppression.
 */
#include <inttypes.h>
#include <math.h>

#include "base/memory.h"
#include "base/vec.h"
#include "ops/index_sort.h"
#include "ops/infer_tensor.h"
#include "ops/workspace.h"

enum { BOXES, SCORES, MAX_OUTPUT, IOU_THRESHOLD, SCORE_THRESHOLD };

static c2s_status non_max_suppression_infer(c2s_infer *i) {
    C2S_TRY(c2s_infer_tensors(i, 2));
    const c2s_type *boxes = c2s_infer_type(i, BOXES), *scores = c2s_infer_type(i, SCORES);
    if ((boxes->rank >= 0 && boxes->rank != 3) || (scores->rank >= 0 && scores->rank != 3))
        return c2s_fail(C2S_ERR_INVALID, "boxes and scores have ranks %d and %d, expected 3",
                        boxes->rank, scores->rank);
    if (i->concrete &&
        (boxes->dim[2] != 4 || boxes->dim[0] != scores->dim[0] || boxes->dim[1] != scores->dim[2]))
        return c2s_fail(C2S_ERR_INVALID,
                        "%" PRId64 " x %" PRId64 " boxes of %" PRId64 " numbers do not go with "
                        "scores for %" PRId64 " x %" PRId64,
                        boxes->dim[0], boxes->dim[1], boxes->dim[2], scores->dim[0],
                        scores->dim[2]);
    c2s_dim dim[2] = {c2s_dim_fresh(i->dims), 3};
    return c2s_infer_output(i, 0, C2S_INT64, 2, dim);
}

typedef struct box {
    double low[2], high[2];
} box;

/* From corners (in any order) or from centre and size; numbers are y, x or x, y throughout. */
static box box_of(const double *v, bool center) {
    box b;
    for (int a = 0; a < 2; a++) {
        double first = center ? v[a] - v[a + 2] / 2 : v[a],
               second = center ? v[a] + v[a + 2] / 2 : v[a + 2];
        b.low[a] = first < second ? first : second;
        b.high[a] = first < second ? second : first;
    }
    return b;
}

/* Intersection over union. */
static double overlap(const box *a, const box *b) {
    double common = 1, area_a = 1, area_b = 1;
    for (int k = 0; k < 2; k++) {
        double low = a->low[k] > b->low[k] ? a->low[k] : b->low[k];
        double high = a->high[k] < b->high[k] ? a->high[k] : b->high[k];
        common *= high > low ? high - low : 0;
        area_a *= a->high[k] - a->low[k];
        area_b *= b->high[k] - b->low[k];
    }
    double all = area_a + area_b - common;
    return common > 0 && all > 0 ? common / all : 0;
}

typedef C2S_VEC(int64_t) selection;

typedef struct suppression {
    int64_t most; /* boxes per class */
    double iou;
    double score; /* boxes up to this score do not count */
    size_t *order, *spare, *kept;
    selection found; /* triples of batch, class, box */
} suppression;

static bool higher_score(const void *context, size_t a, size_t b) {
    const double *score = context;
    return score[a] > score[b];
}

static void suppress(suppression *s, const box *boxes, const double *scores, size_t count,
                     int64_t batch, int64_t class_index) {
    size_t candidates = 0, kept = 0;
    for (size_t k = 0; k < count; k++) {
        if (scores[k] > s->score)
            s->order[candidates++] = k;
    }
    c2s_index_sort(s->order, s->spare, candidates, higher_score, scores);
    for (size_t k = 0; k < candidates && (int64_t)kept < s->most; k++) {
        size_t candidate = s->order[k], rival = 0;
        while (rival < kept && overlap(&boxes[candidate], &boxes[s->kept[rival]]) <= s->iou)
            rival++;
        if (rival < kept)
            continue;
        s->kept[kept++] = candidate;
        c2s_vec_push(&s->found, batch);
        c2s_vec_push(&s->found, class_index);
        c2s_vec_push(&s->found, (int64_t)candidate);
    }
}

/* The single element of an optional number. */
static c2s_status number(const c2s_eval *e, unsigned input, const char *what, double *out) {
    const c2s_tensor *t = input < e->in_count ? e->in[input] : NULL;
    if (t && t->count != 1)
        return c2s_fail(C2S_ERR_INVALID, "%s has %zu elements, expected 1", what, t->count);
    if (t)
        *out = c2s_tensor_f64_at(t, 0);
    return C2S_OK;
}

static c2s_status suppress_all(c2s_eval *e, suppression *s, const double *corners,
                               const double *scores, box *boxes) {
    const c2s_type *type = &e->in[SCORES]->type;
    size_t count = (size_t)type->dim[2];
    bool center = c2s_attr_int(e->node, "center_point_box", 0) != 0;
    for (int64_t batch = 0; batch < type->dim[0]; batch++) {
        for (size_t k = 0; k < count; k++)
            boxes[k] = box_of(corners + ((size_t)batch * count + k) * 4, center);
        for (int64_t c = 0; c < type->dim[1]; c++)
            suppress(s, boxes, scores + (size_t)(batch * type->dim[1] + c) * count, count, batch,
                     c);
    }
    int64_t dim[2] = {(int64_t)(s->found.count / 3), 3};
    C2S_TRY(c2s_eval_new(e, 0, C2S_INT64, 2, dim));
    int64_t *y = s->found.count ? c2s_tensor_mutable(e->out[0]) : NULL;
    for (size_t k = 0; k < s->found.count; k++)
        y[k] = s->found.at[k];
    return C2S_OK;
}

static c2s_status non_max_suppression_eval(c2s_eval *e) {
    suppression s = {.score = -INFINITY};
    double most = 0;
    c2s_workspace ws = {0};
    C2S_TRY(number(e, MAX_OUTPUT, "max_output_boxes_per_class", &most));
    C2S_TRY(number(e, IOU_THRESHOLD, "iou_threshold", &s.iou));
    C2S_TRY(number(e, SCORE_THRESHOLD, "score_threshold", &s.score));
    s.most = most > 0 ? (most < 0x1p62 ? (int64_t)most : INT64_MAX) : 0;
    size_t count = (size_t)e->in[SCORES]->type.dim[2];
    const double *corners = c2s_workspace_f64(&ws, e->in[BOXES]);
    const double *scores = c2s_workspace_f64(&ws, e->in[SCORES]);
    box *boxes = c2s_workspace_array(&ws, count, sizeof *boxes);
    s.order = c2s_workspace_array(&ws, count, sizeof *s.order);
    s.spare = c2s_workspace_array(&ws, count, sizeof *s.spare);
    s.kept = c2s_workspace_array(&ws, count, sizeof *s.kept);
    if (ws.status == C2S_OK)
        ws.status = suppress_all(e, &s, corners, scores, boxes);
    c2s_vec_free(&s.found);
    return c2s_workspace_end(&ws);
}

static const c2s_attr_spec non_max_suppression_attrs[] = {{"center_point_box", C2S_ATTR_INT, false},
                                                          {0}};

const c2s_op c2s_op_non_max_suppression = {
    .type = "NonMaxSuppression",
    .domain = "",
    .inputs = {2, 5},
    .outputs = {1, 1},
    .quant = C2S_QUANT_ONLY(FLOAT),
    .flags = C2S_OP_SIZES_OUTPUTS,
    .attrs = non_max_suppression_attrs,
    .ties = c2s_ties_pinned,
    .infer = non_max_suppression_infer,
    .eval = non_max_suppression_eval,
};
