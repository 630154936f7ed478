/* SPDX-License-Identifier: Apache-2.0 */
#include "ops/recurrent.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "ops/recurrent_activation.h"
#include "ops/macs.h"
#include "ops/vector_matrix.h"
#include "ops/workspace.h"

enum { X, W, R, B, LENGTHS, INITIAL_H, INITIAL_C, PEEPHOLE };

static c2s_status read_direction(const c2s_node *node, int *directions, bool *reversed) {
    const char *text = c2s_attr_string(node, "direction", "forward");
    *directions = strcmp(text, "bidirectional") == 0 ? 2 : 1;
    *reversed = strcmp(text, "reverse") == 0;
    if (*directions == 1 && !*reversed && strcmp(text, "forward") != 0)
        return c2s_fail(C2S_ERR_INVALID,
                        "direction is \"%s\", expected forward, reverse or bidirectional", text);
    return C2S_OK;
}

/* ---- inference ---- */

static void set_state(c2s_infer *i, unsigned output, c2s_dtype dtype, bool batch_first,
                      c2s_dim directions, c2s_dim batch, c2s_dim hidden) {
    c2s_dim dim[3] = {batch_first ? batch : directions, batch_first ? directions : batch, hidden};
    if (output < i->out_count)
        i->out[output] = c2s_type_tensor(dtype, 3, dim);
}

c2s_status c2s_recurrent_infer(c2s_infer *i, const c2s_recurrent *op) {
    C2S_TRY(c2s_infer_need(i, 3));
    const c2s_type *x = c2s_infer_type(i, X), *r = c2s_infer_type(i, R);
    const bool known = c2s_type_is_tensor(x) && x->rank >= 0;
    if (known && x->rank != 3)
        return c2s_fail(C2S_ERR_INVALID, "the input has rank %d, expected 3", x->rank);
    int directions;
    bool reversed, batch_first = c2s_attr_int(i->node, "layout", 0) != 0;
    C2S_TRY(read_direction(i->node, &directions, &reversed));
    c2s_dim hidden = c2s_attr_int(i->node, "hidden_size", -1);
    if (hidden < 0)
        hidden = c2s_type_is_tensor(r) && r->rank == 3 ? r->dim[2] : c2s_dim_fresh(i->dims);
    const c2s_dim steps = known ? x->dim[batch_first] : c2s_dim_fresh(i->dims);
    const c2s_dim batch = known ? x->dim[!batch_first] : c2s_dim_fresh(i->dims);
    c2s_dim y[4] = {steps, directions, batch, hidden};
    if (batch_first)
        memcpy(y, (c2s_dim[]){batch, steps, directions, hidden}, sizeof y);
    if (i->out_count > 0)
        i->out[0] = c2s_type_tensor(x->dtype, 4, y);
    set_state(i, 1, x->dtype, batch_first, directions, batch, hidden);
    if (op->has_cell_state)
        set_state(i, 2, x->dtype, batch_first, directions, batch, hidden);
    return C2S_OK;
}

int64_t c2s_recurrent_macs(const c2s_node *node) {
    int64_t positions = c2s_macs_input(node, X, 0, 2);
    int64_t weights = c2s_macs_input(node, W, 0, -1);
    int64_t recurrent = c2s_macs_input(node, R, 0, -1), sum;
    return c2s_macs_mul(positions, c2s_add_i64(weights, recurrent, &sum) ? sum : INT64_MAX);
}

/* ---- evaluation ---- */

typedef struct layer {
    const c2s_recurrent *op;
    int directions;
    bool reversed, batch_first;
    int64_t steps, batch, inputs, hidden, width; /* width: gates * hidden */
    c2s_activation function[6];
    double clip;
    bool option;
    const double *x, *w, *r, *b, *initial_h, *initial_c, *peephole;
    const int64_t *lengths;
    double *y, *y_h, *y_c;              /* NULL: not wanted */
    double *gates;                      /* of one direction: [steps, batch, width] */
    double *w_turned, *r_turned, *bias; /* of one direction */
    double *scratch;                    /* [batch, 2 * hidden + width + hidden] */
} layer;

static c2s_status expect(const c2s_tensor *t, const char *what, int rank, const int64_t *dim) {
    if (!t)
        return C2S_OK;
    bool same = t->type.rank == rank;
    for (int a = 0; same && a < rank; a++)
        same = t->type.dim[a] == dim[a];
    if (same)
        return C2S_OK;
    char text[128];
    int at = 0;
    for (int a = 0; a < rank; a++)
        at += snprintf(text + at, sizeof text - (size_t)at, "%s%" PRId64, a ? ", " : "", dim[a]);
    return c2s_fail(C2S_ERR_INVALID, "%s has another shape than [%s]", what, text);
}

static const c2s_tensor *input(const c2s_eval *e, unsigned slot) {
    return slot < e->in_count ? e->in[slot] : NULL;
}

static c2s_status check_shapes(const c2s_eval *e, const layer *l) {
    int64_t d = l->directions;
    int64_t w[] = {d, l->width, l->inputs}, r[] = {d, l->width, l->hidden};
    int64_t b[] = {d, 2 * l->width}, lengths[] = {l->batch}, p[] = {d, 3 * l->hidden};
    int64_t state[] = {l->batch_first ? l->batch : d, l->batch_first ? d : l->batch, l->hidden};
    C2S_TRY(expect(input(e, W), "W", 3, w));
    C2S_TRY(expect(input(e, R), "R", 3, r));
    C2S_TRY(expect(input(e, B), "B", 2, b));
    C2S_TRY(expect(input(e, LENGTHS), "sequence_lens", 1, lengths));
    C2S_TRY(expect(input(e, INITIAL_H), "initial_h", 3, state));
    if (!l->op->has_cell_state)
        return C2S_OK;
    C2S_TRY(expect(input(e, INITIAL_C), "initial_c", 3, state));
    return expect(input(e, PEEPHOLE), "P", 2, p);
}

static c2s_status read_layer(const c2s_eval *e, const c2s_recurrent *op, layer *l) {
    const c2s_node *n = e->node;
    *l = (layer){.op = op, .batch_first = c2s_attr_int(n, "layout", 0) != 0};
    C2S_TRY(read_direction(n, &l->directions, &l->reversed));
    C2S_TRY(c2s_activations_read(n, op->defaults, op->functions, l->directions, l->function));
    l->clip = c2s_attr_has(n, "clip") ? (double)c2s_attr_float(n, "clip", 0.0f) : INFINITY;
    l->clip = l->clip > 0.0 ? l->clip : INFINITY;
    l->option = op->option && c2s_attr_int(n, op->option, 0) != 0;
    const c2s_type *x = &e->in[X]->type, *r = &e->in[R]->type;
    l->steps = x->dim[l->batch_first];
    l->batch = x->dim[!l->batch_first];
    l->inputs = x->dim[2];
    l->hidden = c2s_attr_int(n, "hidden_size", r->rank == 3 ? r->dim[2] : 0);
    if (l->hidden < 1 || l->hidden > INT32_MAX)
        return c2s_fail(C2S_ERR_INVALID, "hidden_size is %" PRId64 ", expected at least 1",
                        l->hidden);
    l->width = op->gates * l->hidden;
    return check_shapes(e, l);
}

static c2s_status check_lengths(const layer *l) {
    for (int64_t b = 0; l->lengths && b < l->batch; b++)
        if (l->lengths[b] < 0 || l->lengths[b] > l->steps)
            return c2s_fail(C2S_ERR_INVALID,
                            "sequence_lens has the element %" PRId64 ", expected 0 to %" PRId64,
                            l->lengths[b], l->steps);
    return C2S_OK;
}

static void turn(const double *from, int64_t rows, int64_t columns, double *to) {
    for (int64_t r = 0; r < rows; r++)
        for (int64_t c = 0; c < columns; c++)
            to[c * rows + r] = from[r * columns + c];
}

/* The inputs' part of all gates of a direction: W*x + Wb. */
static void compute_gates(const layer *l, int direction) {
    const double *b = l->b ? l->b + 2 * direction * l->width : NULL;
#pragma omp parallel for schedule(static) if (l->steps * l->batch > 16)
    for (int64_t p = 0; p < l->steps * l->batch; p++) {
        int64_t t = p / l->batch, n = p % l->batch;
        const double *x = l->x + (l->batch_first ? n * l->steps + t : p) * l->inputs;
        double *to = l->gates + p * l->width;
        for (int64_t j = 0; j < l->width; j++)
            to[j] = b ? b[j] : 0.0;
        c2s_vector_matrix(x, l->inputs, l->w_turned, l->width, l->width, to);
    }
}

static int64_t state_at(const layer *l, int direction, int64_t n) {
    return (l->batch_first ? n * l->directions + direction : direction * l->batch + n) * l->hidden;
}

static double *y_at(const layer *l, int direction, int64_t t, int64_t n) {
    int64_t of_first = l->batch_first ? (n * l->steps + t) * l->directions + direction
                                      : (t * l->directions + direction) * l->batch + n;
    return l->y + of_first * l->hidden;
}

/* One batch entry from its first step to its last. */
static void run_entry(const layer *l, const c2s_cell *cell, int direction, int64_t n) {
    size_t bytes = (size_t)l->hidden * sizeof(double);
    double *h = l->scratch + n * (3 * l->hidden + l->width), *c = h + l->hidden;
    double *scratch = c + l->hidden;
    int64_t steps = l->lengths ? l->lengths[n] : l->steps, at = state_at(l, direction, n);
    bool reversed = l->reversed || direction == 1;
    memset(h, 0, 2 * bytes);
    if (l->initial_h)
        memcpy(h, l->initial_h + at, bytes);
    if (l->initial_c)
        memcpy(c, l->initial_c + at, bytes);
    for (int64_t s = 0; s < steps; s++) {
        int64_t t = reversed ? steps - 1 - s : s;
        l->op->step(cell, l->gates + (t * l->batch + n) * l->width, h, c, scratch);
        if (l->y)
            memcpy(y_at(l, direction, t, n), h, bytes);
    }
    for (int64_t t = steps; t < l->steps && l->y; t++)
        memset(y_at(l, direction, t, n), 0, bytes);
    if (l->y_h)
        memcpy(l->y_h + at, h, bytes);
    if (l->y_c)
        memcpy(l->y_c + at, c, bytes);
}

static void run_direction(const layer *l, int direction) {
    turn(l->w + direction * l->width * l->inputs, l->width, l->inputs, l->w_turned);
    turn(l->r + direction * l->width * l->hidden, l->width, l->hidden, l->r_turned);
    for (int64_t j = 0; j < l->width; j++)
        l->bias[j] = l->b ? l->b[(2 * direction + 1) * l->width + j] : 0.0;
    c2s_cell cell = {
        .hidden = l->hidden,
        .clip = l->clip,
        .recurrent = l->r_turned,
        .bias = l->bias,
        .peephole = l->peephole ? l->peephole + 3 * direction * l->hidden : NULL,
        .option = l->option,
    };
    memcpy(cell.function, l->function + direction * l->op->functions,
           (size_t)l->op->functions * sizeof *cell.function);
    compute_gates(l, direction);
#pragma omp parallel for schedule(static) if (l->batch > 1)
    for (int64_t n = 0; n < l->batch; n++)
        run_entry(l, &cell, direction, n);
}

static void open_layer(c2s_workspace *ws, const c2s_eval *e, layer *l) {
    bool cell_state = l->op->has_cell_state;
    l->x = c2s_workspace_f64(ws, e->in[X]);
    l->w = c2s_workspace_f64(ws, e->in[W]);
    l->r = c2s_workspace_f64(ws, e->in[R]);
    l->b = c2s_workspace_f64(ws, input(e, B));
    l->lengths = c2s_workspace_i64(ws, input(e, LENGTHS));
    l->initial_h = c2s_workspace_f64(ws, input(e, INITIAL_H));
    l->initial_c = cell_state ? c2s_workspace_f64(ws, input(e, INITIAL_C)) : NULL;
    l->peephole = cell_state ? c2s_workspace_f64(ws, input(e, PEEPHOLE)) : NULL;
    l->y = e->out_count > 0 ? c2s_workspace_out_f64(ws, e->out[0]) : NULL;
    l->y_h = e->out_count > 1 ? c2s_workspace_out_f64(ws, e->out[1]) : NULL;
    l->y_c = cell_state && e->out_count > 2 ? c2s_workspace_out_f64(ws, e->out[2]) : NULL;
    size_t hidden = (size_t)l->hidden, width = (size_t)l->width, positions;
    if (!c2s_mul_size((size_t)l->steps, (size_t)l->batch, &positions))
        positions = SIZE_MAX;
    l->gates = c2s_workspace_array(ws, positions, width * sizeof(double));
    l->w_turned = c2s_workspace_array(ws, (size_t)l->inputs, width * sizeof(double));
    l->r_turned = c2s_workspace_array(ws, hidden, width * sizeof(double));
    l->bias = c2s_workspace_array(ws, width, sizeof(double));
    l->scratch = c2s_workspace_array(ws, (size_t)l->batch, (3 * hidden + width) * sizeof(double));
}

c2s_status c2s_recurrent_eval(c2s_eval *e, const c2s_recurrent *op) {
    layer l;
    C2S_TRY(read_layer(e, op, &l));
    c2s_workspace ws = {0};
    open_layer(&ws, e, &l);
    if (ws.status == C2S_OK)
        ws.status = check_lengths(&l);
    for (int d = 0; ws.status == C2S_OK && d < l.directions; d++)
        run_direction(&l, d);
    return c2s_workspace_end(&ws);
}
