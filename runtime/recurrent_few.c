/* SPDX-License-Identifier: Apache-2.0
 *
 * LSTM and GRU for few sequences at a time, or few weights: no copy of the weights is made, and no
 * code. What the inputs add to the gates is one product of matrices for many steps where there are
 * many; states go from step to step alone.
 */
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/threads.h"
#include "runtime/dnnl_primitive.h"
#include "runtime/dnnl_processor.h"
#include "runtime/gemm_tiles.h"
#include "runtime/recurrent_shape.h"

/* With more sequences, or weights beyond any cache, oneDNN's products of matrices are faster; more
 * sequences do no harm while the weights of states stay in the first cache. */
enum { FEW_SEQUENCES = 4, MOST_SEQUENCES = 64, FEW_WEIGHTS = 4 << 10, MOST_WEIGHTS = 1 << 20 };
/* Rows of inputs that are multiplied together, and from which on that pays. */
enum { TOGETHER = 64, MANY = 16, PANEL = 16 };
/* Products of two directions that are worth two threads: as in runtime/work.c. */
#define WORTH 600000.0

typedef struct recurrent {
    c2s_recurrent_shape shape;
    c2s_recurrent_cell cell[2];
    float *bias; /* of all directions: gates, then the state's of the last gate */
    bool worth;
} recurrent;

static bool recurrent_accepts(const c2s_step *step) {
    c2s_recurrent_shape r;
    return c2s_processor_has_fma() && c2s_recurrent_describe(step, &r) &&
           r.batch <= MOST_SEQUENCES &&
           r.gates * r.hidden <= (r.batch <= FEW_SEQUENCES ? MOST_WEIGHTS : FEW_WEIGHTS) / r.hidden;
}

/* ---- preparing ---- */

static const float *constant(const c2s_step *step, unsigned input, int64_t offset) {
    const c2s_tensor *tensor = c2s_step_constant(step, input);
    return tensor ? (const float *)c2s_tensor_data(tensor) + offset : NULL;
}

/* ONNX has one bias for the input and one for the state, which just add up but where r comes
 * between. */
static void add_bias(const c2s_recurrent_shape *s, const float *given, float *bias) {
    int64_t width = s->gates * s->hidden, apart = s->linear ? width - s->hidden : width;
    for (int64_t j = 0; j < width; j++)
        bias[j] = j < apart ? given[j] + given[width + j] : given[j];
    if (s->linear)
        memcpy(bias + width, given + width + apart, (size_t)s->hidden * sizeof *bias);
}

static c2s_status recurrent_prepare(c2s_step *step) {
    c2s_recurrent_shape s;
    if (!c2s_recurrent_describe(step, &s))
        return c2s_fail(C2S_ERR_UNSUPPORTED, "unexpected types");
    recurrent *t = c2s_zalloc(sizeof *t);
    int64_t h = s.hidden, width = s.gates * h;
    t->shape = s;
    t->bias = c2s_zalloc((size_t)(s.directions * (width + h)) * sizeof *t->bias);
    t->worth = (double)(s.steps * s.batch) * (double)width * (double)(s.inputs + h) >= WORTH;
    for (int64_t d = 0; d < s.directions; d++) {
        const float *given = constant(step, C2S_RNN_B, d * 2 * width);
        float *bias = t->bias + d * (width + h);
        if (given)
            add_bias(&s, given, bias);
        t->cell[d] = (c2s_recurrent_cell){
            .inputs = s.inputs,
            .hidden = h,
            .w = constant(step, C2S_RNN_W, d * width * s.inputs),
            .r = constant(step, C2S_RNN_R, d * width * h),
            .bias = bias,
            .state_bias = bias + width,
            .peepholes = s.lstm ? constant(step, C2S_RNN_PEEPHOLES, d * 3 * h) : NULL};
    }
    step->state = t;
    return C2S_OK;
}

static void recurrent_release(c2s_step *step) {
    recurrent *t = step->state;
    free(t->bias);
    free(t);
    step->state = NULL;
}

/* ---- running ---- */

typedef struct run {
    const recurrent *t;
    const float *x, *initial_h, *initial_c; /* NULL: zeros */
    const int32_t *lengths;                 /* NULL: all steps */
    float *y, *y_h, *y_c;                   /* NULL: not wanted */
    float *work;                            /* per thread */
    size_t work_count;
    bool many;
} run;

/* Of a thread. */
typedef struct memory {
    float *state, *cell, *scratch; /* [2, batch, hidden], [batch, hidden], [2, hidden] */
    float *gates, *panel;
} memory;

static size_t count_work(const c2s_recurrent_shape *s, bool many) {
    size_t h = (size_t)s->hidden, states = (3 * (size_t)s->batch + 2) * h;
    return many ? states + TOGETHER * (size_t)s->gates * h + PANEL * (size_t)s->inputs : states;
}

static memory divide(const run *r) {
    const c2s_recurrent_shape *s = &r->t->shape;
    int64_t states = s->batch * s->hidden;
    memory m = {.state = r->work + (size_t)c2s_this_thread() * r->work_count};
    m.cell = m.state + 2 * states;
    m.scratch = m.cell + states;
    m.gates = m.scratch + 2 * s->hidden;
    m.panel = m.gates + TOGETHER * s->gates * s->hidden;
    return m;
}

/* gates = x * w for so many rows of both. */
static void multiply(const c2s_recurrent_shape *s, const c2s_recurrent_cell *cell, const float *x,
                     int64_t rows, const memory *m) {
    int64_t width = s->gates * s->hidden;
    for (int64_t j = 0; j < width; j += PANEL) {
        c2s_gemm g = {.m = rows,
                      .n = width - j < PANEL ? width - j : PANEL,
                      .k = s->inputs,
                      .a = x,
                      .a_row = s->inputs,
                      .a_column = 1,
                      .b = cell->w + j * s->inputs,
                      .b_row = 1,
                      .b_column = s->inputs,
                      .c = m->gates + j,
                      .c_row = width};
        c2s_gemm_pack(&g, 0, 1, m->panel);
        g.b = m->panel;
        c2s_gemm_part(&g, 0, rows, 0, 1, NULL);
    }
}

static void step_once(const c2s_recurrent_shape *s, const c2s_recurrent_cell *cell, const float *x,
                      const float *gates, const float *h, float *c, const memory *m, float *next) {
    if (s->lstm)
        c2s_lstm_step(cell, x, gates, h, c, next);
    else if (s->linear)
        c2s_linear_gru_step(cell, x, gates, h, next);
    else
        c2s_gru_step(cell, x, gates, h, m->scratch, next);
}

/* Where the sequence's n-th state goes: to the output, or into one place of two in turn. */
static float *state_at(const run *r, const memory *m, int64_t d, int64_t t, int64_t n,
                       int64_t step) {
    const c2s_recurrent_shape *s = &r->t->shape;
    return r->y ? r->y + ((t * s->directions + d) * s->batch + n) * s->hidden
                : m->state + (step % 2 * s->batch + n) * s->hidden;
}

static void run_direction(const run *r, int64_t d, const memory *m) {
    const c2s_recurrent_shape *s = &r->t->shape;
    const c2s_recurrent_cell *cell = &r->t->cell[d];
    const int64_t h = s->hidden, states = s->batch * h, width = s->gates * h;
    const bool reversed = s->reversed || d == 1;
    const int64_t at_once = r->many ? TOGETHER / s->batch : s->steps;
    const float *state[MOST_SEQUENCES];
    memset(m->state, 0, 3 * (size_t)states * sizeof(float));
    if (r->initial_c)
        memcpy(m->cell, r->initial_c + d * states, (size_t)states * sizeof(float));
    for (int64_t n = 0; n < s->batch; n++) /* the first state goes into the first place */
        state[n] = r->initial_h ? r->initial_h + d * states + n * h : m->state + states + n * h;
    for (int64_t i = 0; i < s->steps; i++) {
        if (r->many && i % at_once == 0) {
            int64_t here = s->steps - i < at_once ? s->steps - i : at_once;
            int64_t first = reversed ? s->steps - i - here : i;
            multiply(s, cell, r->x + first * s->batch * s->inputs, here * s->batch, m);
        }
        for (int64_t n = 0; n < s->batch; n++) {
            int64_t steps = r->lengths ? r->lengths[n] : s->steps;
            if (i >= steps) {
                if (r->y)
                    memset(state_at(r, m, d, i, n, i), 0, (size_t)h * sizeof(float));
                continue;
            }
            int64_t t = reversed ? steps - 1 - i : i, chunk = i / at_once * at_once;
            int64_t row = !reversed ? i - chunk
                                    : (s->steps - chunk < at_once ? s->steps - chunk : at_once) -
                                          1 - (i - chunk);
            const float *gates = r->many ? m->gates + (row * s->batch + n) * width : NULL;
            float *next = state_at(r, m, d, t, n, i);
            step_once(s, cell, r->x + (t * s->batch + n) * s->inputs, gates, state[n],
                      m->cell + n * h, m, next);
            state[n] = next;
        }
    }
    for (int64_t n = 0; n < s->batch && r->y_h; n++)
        memcpy(r->y_h + d * states + n * h, state[n], (size_t)h * sizeof(float));
    if (r->y_c)
        memcpy(r->y_c + d * states, m->cell, (size_t)states * sizeof(float));
}

static void run_directions(const void *context, size_t from, size_t to) {
    const run *r = context;
    const memory m = divide(r);
    for (size_t d = from; d < to; d++)
        run_direction(r, (int64_t)d, &m);
}

static c2s_status check_lengths(const c2s_recurrent_shape *s, const int32_t *lengths) {
    for (int64_t n = 0; lengths && n < s->batch; n++)
        if (lengths[n] < 0 || lengths[n] > s->steps)
            return c2s_fail(C2S_ERR_INVALID, "sequence_lens has the element %d", (int)lengths[n]);
    return C2S_OK;
}

static const void *data_of(const c2s_step *step, unsigned input) {
    return c2s_step_has(step, input) ? c2s_tensor_data(step->in[input]->tensor) : NULL;
}

static float *output_of(const c2s_step *step, unsigned output) {
    return c2s_step_wants(step, output) ? c2s_tensor_mutable(step->out[output]->tensor) : NULL;
}

static c2s_status recurrent_run(c2s_step *step) {
    const recurrent *t = step->state;
    const c2s_recurrent_shape *s = &t->shape;
    run r = {.t = t,
             .x = data_of(step, C2S_RNN_X),
             .initial_h = data_of(step, C2S_RNN_INITIAL_H),
             .initial_c = s->lstm ? data_of(step, C2S_RNN_INITIAL_C) : NULL,
             .lengths = data_of(step, C2S_RNN_LENGTHS),
             .y = output_of(step, 0),
             .y_h = output_of(step, 1),
             .y_c = output_of(step, 2)};
    C2S_TRY(check_lengths(s, r.lengths));
    r.many = !r.lengths && s->steps * s->batch >= MANY;
    r.work_count = (count_work(s, r.many) + 15) / 16 * 16;
    size_t threads = s->directions > 1 && t->worth ? (size_t)c2s_most_threads() : 1;
    void *work;
    C2S_TRY(c2s_dnnl_work_space(step->dnnl, threads * r.work_count * sizeof(float), &work));
    r.work = work;
    c2s_share((size_t)s->directions, threads > 1, run_directions, &r);
    return C2S_OK;
}

const c2s_kernel_family c2s_kernels_recurrent = {
    .name = "recurrent",
    .flags = C2S_KERNEL_CHOOSES_THREADS,
    .accepts = recurrent_accepts,
    .prepare = recurrent_prepare,
    .run = recurrent_run,
    .release = recurrent_release,
};
