/* SPDX-License-Identifier: Apache-2.0 */
#include "eval/class_scores.h"

#include <math.h>

#include "eval/output_scores.h"
#include "eval/row_scores.h"
#include "ir/convert.h"

enum { CHUNK = 512, NOWHERE = C2S_TOP };

/* How many elements of the row come before this one, at most C2S_TOP: larger ones, and equal ones
 * in front of it. */
static unsigned place_of(const c2s_tensor *t, size_t row, size_t width, int64_t index) {
    if (index < 0 || (uint64_t)index >= width)
        return NOWHERE;
    const void *data = c2s_tensor_data(t);
    float chunk[CHUNK], own;
    c2s_load_f32(t->type.dtype, data, row * width + (size_t)index, 1, &own);
    if (isnan(own))
        return NOWHERE;
    unsigned before = 0;
    for (size_t at = 0; at < width && before < C2S_TOP; at += CHUNK) {
        const size_t n = width - at < CHUNK ? width - at : CHUNK;
        c2s_load_f32(t->type.dtype, data, row * width + at, n, chunk);
        for (size_t i = 0; i < n; i++)
            before += chunk[i] > own || (chunk[i] == own && at + i < (size_t)index);
    }
    return before < C2S_TOP ? before : NOWHERE;
}

/* Labels that no element of a row can stand for belong to no class. */
static c2s_class_count *class_of(c2s_class_tally *t, int64_t label, size_t width) {
    static c2s_class_count none;
    if ((uint64_t)label >= width)
        return NULL;
    while (t->classes.count <= (size_t)label)
        c2s_vec_push(&t->classes, none);
    return &t->classes.at[label];
}

static void add_row(c2s_class_tally *t, unsigned then, unsigned now, int64_t label, size_t width) {
    t->rows++;
    t->first_top1 += then == 0;
    t->first_top5 += then < C2S_TOP;
    t->top1 += now == 0;
    t->top5 += now < C2S_TOP;
    t->gained += now == 0 && then != 0;
    t->lost += then == 0 && now != 0;
    c2s_class_count *own = class_of(t, label, width);
    if (!own)
        return;
    own->rows++;
    own->hits_first += then == 0;
    own->hits += now == 0;
}

void c2s_class_scores_add(c2s_class_scores *s, const c2s_tensor *first, const c2s_tensor *found,
                          const int64_t *labels) {
    const size_t rows = c2s_rows_of(found);
    if (rows == 0 || (first && c2s_rows_of(first) != rows))
        return;
    const size_t width = found->count / rows, width_first = first ? first->count / rows : 0;
    s->has_first = first != NULL;
    s->width = (int64_t)width < s->width ? (int64_t)width : s->width;
    for (size_t row = 0; row < rows; row++) {
        if (labels[row] < 0)
            continue;
        s->most = labels[row] > s->most ? labels[row] : s->most;
        for (int64_t offset = 0; offset < 2 && labels[row] < INT64_MAX - 1; offset++) {
            const int64_t index = labels[row] + offset;
            const unsigned now = place_of(found, row, width, index);
            const unsigned then = first ? place_of(first, row, width_first, index) : NOWHERE;
            add_row(&s->by_offset[offset], then, now, labels[row], width);
        }
    }
}

void c2s_class_scores_free(c2s_class_scores *s) {
    for (int i = 0; i < 2; i++)
        c2s_vec_free(&s->by_offset[i].classes);
}

int c2s_class_scores_offset(const c2s_class_scores *s) {
    if (s->known)
        return s->known - 1;
    const c2s_class_tally *plain = &s->by_offset[0], *shifted = &s->by_offset[1];
    const bool better =
        s->has_first ? shifted->first_top1 > plain->first_top1 : shifted->top1 > plain->top1;
    return s->most < s->width - 1 && better;
}

const c2s_class_tally *c2s_class_scores_tally(const c2s_class_scores *s) {
    return &s->by_offset[c2s_class_scores_offset(s)];
}

/* Over the classes that have rows. */
static void sum_up_classes(const c2s_class_tally *t, bool first, double *mean, double *worst) {
    uint64_t classes = 0;
    double sum = 0;
    *worst = (double)NAN;
    for (size_t k = 0; k < t->classes.count; k++) {
        const c2s_class_count *c = &t->classes.at[k];
        if (c->rows == 0)
            continue;
        const double top1 = c2s_per_cent(first ? c->hits_first : c->hits, c->rows);
        classes++;
        sum += top1;
        *worst = fmin(*worst, top1);
    }
    *mean = classes ? sum / (double)classes : (double)NAN;
}

static double drop_of(const c2s_class_count *c) {
    return c2s_per_cent(c->hits_first, c->rows) - c2s_per_cent(c->hits, c->rows);
}

int64_t c2s_class_scores_worst(const c2s_class_scores *s) {
    const c2s_class_tally *t = c2s_class_scores_tally(s);
    int64_t worst = -1;
    for (size_t k = 0; s->has_first && k < t->classes.count; k++)
        if (t->classes.at[k].rows > 0 &&
            (worst < 0 || drop_of(&t->classes.at[k]) > drop_of(&t->classes.at[worst])))
            worst = (int64_t)k;
    return worst;
}

void c2s_class_scores_metrics(const c2s_class_scores *s, c2s_metrics *m) {
    const c2s_class_tally *t = c2s_class_scores_tally(s);
    if (t->rows == 0)
        return;
    const bool wide = s->width > C2S_TOP;
    m->value[C2S_METRIC_TOP1] = c2s_per_cent(t->top1, t->rows);
    if (wide)
        m->value[C2S_METRIC_TOP5] = c2s_per_cent(t->top5, t->rows);
    sum_up_classes(t, false, &m->value[C2S_METRIC_CLASS_MEAN], &m->value[C2S_METRIC_CLASS_WORST]);
    if (!s->has_first)
        return;
    m->reference[C2S_METRIC_TOP1] = c2s_per_cent(t->first_top1, t->rows);
    if (wide)
        m->reference[C2S_METRIC_TOP5] = c2s_per_cent(t->first_top5, t->rows);
    sum_up_classes(t, true, &m->reference[C2S_METRIC_CLASS_MEAN],
                   &m->reference[C2S_METRIC_CLASS_WORST]);
    static const c2s_metric_id drops[][2] = {
        {C2S_METRIC_TOP1_DROP, C2S_METRIC_TOP1},
        {C2S_METRIC_TOP5_DROP, C2S_METRIC_TOP5},
        {C2S_METRIC_CLASS_MEAN_DROP, C2S_METRIC_CLASS_MEAN},
    };
    for (size_t i = 0; i < sizeof drops / sizeof *drops; i++)
        m->value[drops[i][0]] = m->reference[drops[i][1]] - m->value[drops[i][1]];
    const int64_t worst = c2s_class_scores_worst(s);
    if (worst >= 0)
        m->value[C2S_METRIC_CLASS_WORST_DROP] = drop_of(&t->classes.at[worst]);
    const double n = (double)t->rows, gained = (double)t->gained, lost = (double)t->lost;
    m->value[C2S_METRIC_TOP1_DROP_ERROR] =
        100 * sqrt(fmax(gained + lost - (gained - lost) * (gained - lost) / n, 0)) / n;
}
