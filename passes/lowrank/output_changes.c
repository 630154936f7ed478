/* SPDX-License-Identifier: Apache-2.0 */
#include "passes/lowrank/output_changes.h"

#include <math.h>
#include <stdlib.h>

#include "base/memory.h"
#include "ir/dtype.h"

/* Elements of an output that are looked at, and how far from certain rows are in the mean. */
enum { MOST_ELEMENTS = 1 << 16 };
#define LEAST_DOUBT 1e-3

/* `rows` rows of `width` elements, every `step`-th from the first on; of others than scores `width`
 * is 1. */
typedef struct part {
    c2s_type type;
    size_t rows, width, step;
    double *first; /* [rows, width] */
    double *parts; /* of scores: their softmax; else NULL */
    double scale;
} part;

struct c2s_changes {
    size_t samples;
    unsigned outputs;
    part *parts; /* [samples, outputs] */
};

c2s_changes *c2s_changes_open(size_t samples, unsigned outputs) {
    c2s_changes *c = c2s_zalloc(sizeof *c);
    c->samples = samples;
    c->outputs = outputs;
    c->parts = c2s_zalloc((samples * outputs + 1) * sizeof *c->parts);
    return c;
}

void c2s_changes_close(c2s_changes *c) {
    if (!c)
        return;
    for (size_t i = 0; i < c->samples * c->outputs; i++) {
        free(c->parts[i].first);
        free(c->parts[i].parts);
    }
    free(c->parts);
    free(c);
}

/* ---- as it is ---- */

/* Softmax of all rows; false: they are certain. */
static bool find_softmax(part *p) {
    double doubt = 0;
    for (size_t r = 0; r < p->rows; r++) {
        const double *x = p->first + r * p->width;
        double *y = p->parts + r * p->width, most = x[0], sum = 0, squares = 0;
        for (size_t i = 0; i < p->width; i++)
            most = fmax(most, x[i]);
        for (size_t i = 0; i < p->width; i++)
            sum += y[i] = exp(x[i] - most);
        for (size_t i = 0; i < p->width; i++) {
            y[i] /= sum;
            squares += y[i] * y[i];
        }
        doubt += 1 - squares;
    }
    return doubt > LEAST_DOUBT * (double)p->rows;
}

static c2s_status take_elements(part *p, const c2s_tensor *y, size_t width) {
    const size_t all = y->count / width, most = MOST_ELEMENTS / width + 1;
    p->width = width;
    p->step = (all + most - 1) / most;
    p->rows = (all + p->step - 1) / p->step;
    free(p->first);
    C2S_TRY(c2s_scratch(p->rows, width * sizeof *p->first, &p->first));
    for (size_t r = 0; r < p->rows; r++)
        for (size_t i = 0; i < width; i++)
            p->first[r * width + i] = c2s_tensor_f64_at(y, r * p->step * width + i);
    return C2S_OK;
}

static c2s_status take_scores(part *p, const c2s_tensor *y, bool *are_scores) {
    const size_t width = (size_t)y->type.dim[y->type.rank - 1];
    C2S_TRY(take_elements(p, y, width));
    C2S_TRY(c2s_scratch(p->rows, width * sizeof *p->parts, &p->parts));
    p->scale = 1 / sqrt((double)p->rows);
    *are_scores = find_softmax(p);
    if (!*are_scores) {
        free(p->parts);
        p->parts = NULL;
    }
    return C2S_OK;
}

static c2s_status take_numbers(part *p, const c2s_tensor *y) {
    double energy = 0;
    C2S_TRY(take_elements(p, y, 1));
    for (size_t r = 0; r < p->rows; r++)
        energy += p->first[r] * p->first[r];
    p->scale = energy > 0 ? 1 / sqrt(energy) : 0;
    return C2S_OK;
}

c2s_status c2s_changes_first(c2s_changes *c, size_t sample, c2s_tensor *const *out) {
    for (unsigned k = 0; k < c->outputs; k++) {
        part *p = &c->parts[sample * c->outputs + k];
        const c2s_type *type = &out[k]->type;
        bool are_scores = false;
        p->type = *type;
        if (type->kind != C2S_KIND_TENSOR || !c2s_dtype_is_float(type->dtype) || out[k]->count == 0)
            continue;
        if (c->outputs == 1 && type->rank > 1 && type->dim[type->rank - 1] > 1)
            C2S_TRY(take_scores(p, out[k], &are_scores));
        if (!are_scores)
            C2S_TRY(take_numbers(p, out[k]));
    }
    return C2S_OK;
}

/* ---- changed ---- */

size_t c2s_changes_rows(const c2s_changes *c) {
    size_t rows = 0;
    for (size_t i = 0; i < c->samples * c->outputs; i++)
        rows += c->parts[i].rows;
    return rows;
}

size_t c2s_changes_length(const c2s_changes *c, size_t sample) {
    size_t length = 0;
    for (unsigned k = 0; k < c->outputs; k++)
        length += c->parts[sample * c->outputs + k].rows * c->parts[sample * c->outputs + k].width;
    return length;
}

static double number_at(const c2s_tensor *y, size_t index) {
    return y->type.dtype == C2S_FLOAT ? (double)((const float *)c2s_tensor_data(y))[index]
                                      : c2s_tensor_f64_at(y, index);
}

/* The row's part of change^T (diag p - p p^T) change as a square. */
static void change_row(const part *p, size_t row, const c2s_tensor *y, double scale, float *out) {
    const size_t from = row * p->step * p->width, at = row * p->width;
    double mean = 0;
    for (size_t i = 0; p->parts && i < p->width; i++)
        mean += p->parts[at + i] * (number_at(y, from + i) - p->first[at + i]);
    for (size_t i = 0; i < p->width; i++) {
        const double change = number_at(y, from + i) - p->first[at + i] - mean;
        out[i] = (float)(change * scale * (p->parts ? sqrt(p->parts[at + i]) : 1));
    }
}

c2s_status c2s_changes_of(const c2s_changes *c, size_t sample, c2s_tensor *const *out,
                          double factor, float *change) {
    for (unsigned k = 0; k < c->outputs; k++) {
        const part *p = &c->parts[sample * c->outputs + k];
        if (p->rows > 0 && !c2s_type_equal(&p->type, &out[k]->type))
            return c2s_fail(C2S_ERR_INVALID, "an output changes its extents");
        for (size_t r = 0; r < p->rows; r++, change += p->width)
            change_row(p, r, out[k], p->scale * factor, change);
    }
    return C2S_OK;
}
