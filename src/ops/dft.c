/* SPDX-License-Identifier: Apache-2.0
 *
 * DFT and STFT.
 */
#include <inttypes.h>
#include <string.h>

#include "base/memory.h"
#include "ops/fft.h"
#include "ops/infer_tensor.h"
#include "ops/macs.h"
#include "ops/ties_rules.h"
#include "ops/workspace.h"

static c2s_status check_signal(const c2s_infer *i, const c2s_type *x) {
    if (x->dtype != C2S_UNDEFINED && !c2s_dtype_is_float(x->dtype))
        return c2s_fail(C2S_ERR_INVALID, "input is of type %s, expected floats",
                        c2s_dtype_name(x->dtype));
    if (x->rank >= 0 && x->rank < 2)
        return c2s_fail(C2S_ERR_INVALID, "input has rank %d, expected at least 2", x->rank);
    if (i->concrete && x->dim[x->rank - 1] != 1 && x->dim[x->rank - 1] != 2)
        return c2s_fail(C2S_ERR_INVALID,
                        "the last axis has %" PRId64 " entries, expected 1 (real) or 2 (complex)",
                        x->dim[x->rank - 1]);
    return C2S_OK;
}

/* Complex numbers along one axis of an array whose last axis is `parts` (1: real, 2). */
typedef struct lines {
    size_t outer, length, inner, parts;
} lines;

static lines lines_of(const c2s_type *type, int axis) {
    lines l = {1, (size_t)type->dim[axis], 1, (size_t)type->dim[type->rank - 1]};
    for (int a = 0; a < type->rank - 1; a++)
        *(a < axis ? &l.outer : &l.inner) *= a == axis ? 1 : (size_t)type->dim[a];
    return l;
}

/* ---- DFT ---- */

enum { DFT_LENGTH = 1, DFT_AXIS = 2 };

/* The axis is an attribute (always there) up to opset 19, and an input since. */
static c2s_status dft_axis(const c2s_node *node, const c2s_tensor *input, bool has_input, int rank,
                           bool *known, int *axis) {
    int64_t given = c2s_attr_int(node, "axis", -2);
    *known = true;
    if (has_input && !input) {
        *known = false;
        return C2S_OK;
    }
    if (input && (input->count != 1 || !c2s_tensor_i64_at(input, 0, &given)))
        return c2s_fail(C2S_ERR_INVALID, "axis is not a single integer");
    C2S_TRY(c2s_infer_axis(given, rank, axis));
    if (*axis == rank - 1)
        return c2s_fail(C2S_ERR_INVALID, "axis %d holds the parts of the complex numbers", *axis);
    return C2S_OK;
}

static c2s_status dft_infer(c2s_infer *i) {
    bool known, length_known;
    int axis;
    const c2s_dim *length;
    unsigned count;
    C2S_TRY(c2s_infer_tensors(i, 1));
    const c2s_type *x = c2s_infer_type(i, 0);
    C2S_TRY(check_signal(i, x));
    C2S_TRY(c2s_infer_list_dims(i, DFT_LENGTH, "dft_length", &length_known, &length, &count));
    if (x->rank < 0)
        return c2s_infer_output(i, 0, x->dtype, -1, NULL);
    bool has_axis = c2s_infer_has(i, DFT_AXIS);
    C2S_TRY(dft_axis(i->node, has_axis ? i->in[DFT_AXIS].constant : NULL, has_axis, x->rank, &known,
                     &axis));
    bool inverse = c2s_attr_int(i->node, "inverse", 0) != 0;
    bool onesided = c2s_attr_int(i->node, "onesided", 0) != 0;
    c2s_type out = *x;
    out.dim[x->rank - 1] = inverse && onesided ? 1 : 2;
    if (!known) {
        const bool changes = onesided || c2s_infer_has(i, DFT_LENGTH);
        for (int a = 0; changes && a < x->rank - 1; a++)
            out.dim[a] = c2s_dim_fresh(i->dims);
        return c2s_infer_output(i, 0, x->dtype, out.rank, out.dim);
    }
    c2s_dim *extent = &out.dim[axis];
    if (c2s_infer_has(i, DFT_LENGTH))
        *extent = length_known && count == 1 ? *length : c2s_dim_fresh(i->dims);
    else if (inverse && onesided) /* of a signal of even length */
        *extent = c2s_dim_mul(i->dims, 2, c2s_dim_sub(i->dims, *extent, 1));
    if (c2s_dim_is_known(*extent) && *extent < 1)
        return c2s_fail(C2S_ERR_INVALID, "a transform of length %" PRId64 " is not possible",
                        *extent);
    if (onesided && !inverse)
        *extent = c2s_dim_add(i->dims, c2s_dim_floordiv(i->dims, *extent, 2), 1);
    return c2s_infer_output(i, 0, x->dtype, out.rank, out.dim);
}

/* Loads one line, shortened or padded with zeros to `length`. Of a one-sided spectrum the other
 * side is the mirrored conjugate. */
static void load_line(const double *from, const lines *x, double *line, size_t length,
                      bool mirror) {
    for (size_t k = 0; k < length; k++) {
        bool mirrored = mirror && k > length / 2;
        size_t at = mirrored ? length - k : k;
        const double *number = from + at * x->inner * x->parts;
        bool inside = at < x->length;
        line[2 * k] = inside ? number[0] : 0;
        line[2 * k + 1] = inside && x->parts == 2 ? number[1] : 0;
        if (mirrored)
            line[2 * k + 1] = -line[2 * k + 1];
    }
}

static void dft_lines(c2s_fft *fft, const lines *x, const lines *y, bool mirror, const double *from,
                      double *line, double *to) {
    double scale = fft->inverse ? 1 / (double)fft->length : 1;
    for (size_t k = 0; k < x->outer * x->inner; k++) {
        size_t outer = k / x->inner, inner = k % x->inner;
        const double *source = from + (outer * x->length * x->inner + inner) * x->parts;
        double *target = to + (outer * y->length * y->inner + inner) * y->parts;
        load_line(source, x, line, fft->length, mirror);
        c2s_fft_run(fft, line);
        for (size_t j = 0; j < y->length; j++) {
            for (size_t part = 0; part < y->parts; part++)
                target[j * y->inner * y->parts + part] = line[2 * j + part] * scale;
        }
    }
}

static c2s_status dft_eval(c2s_eval *e) {
    const c2s_type *in = &e->in[0]->type;
    const c2s_tensor *length_in = e->in_count > DFT_LENGTH ? e->in[DFT_LENGTH] : NULL;
    const c2s_tensor *axis_in = e->in_count > DFT_AXIS ? e->in[DFT_AXIS] : NULL;
    bool inverse = c2s_attr_int(e->node, "inverse", 0) != 0;
    bool onesided = c2s_attr_int(e->node, "onesided", 0) != 0, known;
    int axis;
    int64_t length;
    if (!e->out[0] || !e->out[0]->count)
        return C2S_OK;
    C2S_TRY(dft_axis(e->node, axis_in, axis_in != NULL, in->rank, &known, &axis));
    lines x = lines_of(in, axis), y = lines_of(&e->out_type[0], axis);
    length = onesided && !inverse ? in->dim[axis] : (int64_t)y.length;
    if (length_in)
        c2s_tensor_i64_at(length_in, 0, &length);
    if (onesided && x.parts != (inverse ? 2 : 1))
        return c2s_fail(C2S_ERR_INVALID, "a one-sided %s needs %s input",
                        inverse ? "inverse" : "transform", inverse ? "complex" : "real");
    c2s_fft fft;
    c2s_workspace ws = {.status = c2s_fft_prepare((size_t)length, inverse, &fft)};
    const double *from = c2s_workspace_f64(&ws, e->in[0]);
    double *line = c2s_workspace_array(&ws, (size_t)length, 2 * sizeof *line);
    double *to = c2s_workspace_out_f64(&ws, e->out[0]);
    if (ws.status == C2S_OK)
        dft_lines(&fft, &x, &y, onesided && inverse, from, line, to);
    c2s_fft_free(&fft);
    return c2s_workspace_end(&ws);
}

/* By the definition: each number of the output is a sum over the numbers of its line. */
static int64_t dft_macs(const c2s_node *node) {
    const c2s_value *x = c2s_node_in(node, 0), *axis_in = c2s_node_in(node, DFT_AXIS);
    bool known = false;
    int axis = 0;
    if (!x || x->type.rank < 2)
        return 0;
    if (dft_axis(node, axis_in ? axis_in->constant : NULL, axis_in != NULL, x->type.rank, &known,
                 &axis) != C2S_OK) {
        c2s_error_clear();
        return 0;
    }
    if (!known)
        return 0;
    const int64_t line = c2s_macs_mul(c2s_macs_extents(&x->type, axis, axis + 1),
                                      c2s_macs_extents(&x->type, x->type.rank - 1, -1));
    return c2s_macs_mul(c2s_macs_output(node, 0, 0, -1), line);
}

static const c2s_attr_spec dft_attrs[] = {{"axis", C2S_ATTR_INT, false},
                                          {"inverse", C2S_ATTR_INT, false},
                                          {"onesided", C2S_ATTR_INT, false},
                                          {0}};

const c2s_op c2s_op_dft = {
    .type = "DFT",
    .domain = "",
    .inputs = {1, 3},
    .outputs = {1, 1},
    .quant = C2S_QUANT_ONLY(FLOAT),
    .attrs = dft_attrs,
    .ties = c2s_ties_dft,
    .infer = dft_infer,
    .eval = dft_eval,
    .macs = dft_macs,
};

/* ---- STFT ---- */

enum { SIGNAL, FRAME_STEP, WINDOW, FRAME_LENGTH };

/* The length of a frame: input 3, or that of the window. */
static c2s_status frame_length(const c2s_infer *i, c2s_dim *length) {
    bool known;
    const c2s_dim *given;
    unsigned count;
    const c2s_type *window = c2s_infer_type(i, WINDOW);
    *length = c2s_dim_fresh(i->dims);
    C2S_TRY(c2s_infer_list_dims(i, FRAME_LENGTH, "frame_length", &known, &given, &count));
    if (known && count != 1)
        return c2s_fail(C2S_ERR_INVALID, "frame_length has %u elements, expected 1", count);
    if (known)
        *length = *given;
    else if (!c2s_infer_has(i, FRAME_LENGTH) && window->rank == 1)
        *length = window->dim[0];
    if (i->concrete && (!c2s_dim_is_known(*length) || *length < 1))
        return c2s_fail(C2S_ERR_INVALID, "neither frame_length nor a window gives a frame length");
    if (i->concrete && c2s_infer_has(i, WINDOW) && (window->rank != 1 || window->dim[0] != *length))
        return c2s_fail(C2S_ERR_INVALID,
                        "the window does not have the %" PRId64 " elements of a frame", *length);
    return C2S_OK;
}

static c2s_status stft_infer(c2s_infer *i) {
    bool known;
    const c2s_dim *step;
    unsigned count;
    c2s_dim length, dim[4];
    C2S_TRY(c2s_infer_tensors(i, 2));
    const c2s_type *x = c2s_infer_type(i, SIGNAL);
    C2S_TRY(check_signal(i, x));
    C2S_TRY(c2s_infer_list_dims(i, FRAME_STEP, "frame_step", &known, &step, &count));
    C2S_TRY(frame_length(i, &length));
    if (x->rank < 0)
        return c2s_infer_output_rank(i, 0, x->dtype, 4);
    if (x->rank != 3)
        return c2s_fail(C2S_ERR_INVALID, "signal has rank %d, expected 3", x->rank);
    if (known && (count != 1 || (c2s_dim_is_known(*step) && *step < 1)))
        return c2s_fail(C2S_ERR_INVALID, "frame_step is not one positive integer");
    dim[0] = x->dim[0];
    dim[1] = c2s_dim_fresh(i->dims);
    if (known) {
        c2s_dim rest = c2s_dim_sub(i->dims, x->dim[1], length);
        dim[1] = c2s_dim_add(i->dims, c2s_dim_floordiv(i->dims, rest, *step), 1);
        dim[1] = c2s_dim_max(i->dims, dim[1], 0);
    }
    dim[2] = length;
    if (c2s_attr_int(i->node, "onesided", 1) != 0)
        dim[2] = c2s_dim_add(i->dims, c2s_dim_floordiv(i->dims, length, 2), 1);
    dim[3] = 2;
    return c2s_infer_output(i, 0, x->dtype, 4, dim);
}

/* All frames of one signal. */
static void stft_frames(c2s_fft *fft, const c2s_type *y, const double *signal, size_t parts,
                        size_t step, const double *window, double *line, double *to) {
    size_t length = fft->length, bins = (size_t)y->dim[2];
    for (size_t frame = 0; frame < (size_t)y->dim[1]; frame++) {
        const double *from = signal + frame * step * parts;
        for (size_t k = 0; k < length; k++) {
            double weight = window ? window[k] : 1;
            line[2 * k] = from[k * parts] * weight;
            line[2 * k + 1] = parts == 2 ? from[k * parts + 1] * weight : 0;
        }
        c2s_fft_run(fft, line);
        memcpy(to + frame * bins * 2, line, bins * 2 * sizeof *to);
    }
}

static c2s_status stft_eval(c2s_eval *e) {
    const c2s_type *x = &e->in[SIGNAL]->type, *y = &e->out_type[0];
    const c2s_tensor *window_in = e->in_count > WINDOW ? e->in[WINDOW] : NULL;
    const c2s_tensor *length_in = e->in_count > FRAME_LENGTH ? e->in[FRAME_LENGTH] : NULL;
    int64_t step = 1, length = window_in ? (int64_t)window_in->count : 0;
    if (!e->out[0] || !e->out[0]->count)
        return C2S_OK;
    c2s_tensor_i64_at(e->in[FRAME_STEP], 0, &step);
    if (length_in)
        c2s_tensor_i64_at(length_in, 0, &length);
    if (c2s_attr_int(e->node, "onesided", 1) != 0 && x->dim[2] == 2)
        return c2s_fail(C2S_ERR_INVALID, "a one-sided transform needs a real signal");
    c2s_fft fft;
    c2s_workspace ws = {.status = c2s_fft_prepare((size_t)length, false, &fft)};
    const double *signal = c2s_workspace_f64(&ws, e->in[SIGNAL]);
    const double *window = c2s_workspace_f64(&ws, window_in);
    double *line = c2s_workspace_array(&ws, (size_t)length, 2 * sizeof *line);
    double *to = c2s_workspace_out_f64(&ws, e->out[0]);
    for (int64_t batch = 0; ws.status == C2S_OK && batch < x->dim[0]; batch++)
        stft_frames(&fft, y, signal + batch * x->dim[1] * x->dim[2], (size_t)x->dim[2],
                    (size_t)step, window, line, to + batch * y->dim[1] * y->dim[2] * 2);
    c2s_fft_free(&fft);
    return c2s_workspace_end(&ws);
}

/* As for the DFT of each frame; a two-sided transform has as many bins as the frame has places. */
static int64_t stft_macs(const c2s_node *node) {
    const c2s_value *window = c2s_node_in(node, WINDOW), *length = c2s_node_in(node, FRAME_LENGTH);
    int64_t frame = window ? c2s_macs_extents(&window->type, 0, -1) : 1;
    if (length && length->constant)
        c2s_tensor_i64_at(length->constant, 0, &frame);
    return c2s_macs_mul(c2s_macs_output(node, 0, 0, -1),
                        c2s_macs_mul(frame < 0 ? 0 : frame, c2s_macs_input(node, SIGNAL, 2, -1)));
}

static const c2s_attr_spec stft_attrs[] = {{"onesided", C2S_ATTR_INT, false}, {0}};

const c2s_op c2s_op_stft = {
    .type = "STFT",
    .domain = "",
    .inputs = {2, 4},
    .outputs = {1, 1},
    .quant = C2S_QUANT_ONLY(FLOAT),
    .attrs = stft_attrs,
    .ties = c2s_ties_batch,
    .infer = stft_infer,
    .eval = stft_eval,
    .macs = stft_macs,
};
