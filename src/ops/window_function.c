/* SPDX-License-Identifier: Apache-2.0
 *
 * Signal windows and filter banks: HannWindow, HammingWindow, BlackmanWindow, MelWeightMatrix.
 */
#include <inttypes.h>
#include <math.h>

#include "base/memory.h"
#include "ops/infer_tensor.h"
#include "ops/workspace.h"

static const double pi = 3.14159265358979323846;

static c2s_status output_dtype(const c2s_node *node, c2s_dtype *dtype) {
    int64_t number = c2s_attr_int(node, "output_datatype", C2S_FLOAT);
    if (number < 1 || number >= C2S_DTYPE_COUNT || !c2s_dtype_is_valid((int)number) ||
        (!c2s_dtype_is_float((c2s_dtype)number) && !c2s_dtype_is_integer((c2s_dtype)number)))
        return c2s_fail(C2S_ERR_INVALID, "output_datatype is %" PRId64 ", expected a numeric type",
                        number);
    *dtype = (c2s_dtype)number;
    return C2S_OK;
}

static const c2s_attr_spec window_attrs[] = {
    {"output_datatype", C2S_ATTR_INT, false}, {"periodic", C2S_ATTR_INT, false}, {0}};

static c2s_status window_infer(c2s_infer *i) {
    bool known;
    const c2s_dim *size;
    unsigned count;
    c2s_dtype dtype;
    C2S_TRY(c2s_infer_tensors(i, 1));
    C2S_TRY(output_dtype(i->node, &dtype));
    C2S_TRY(c2s_infer_list_dims(i, 0, "size", &known, &size, &count));
    if (!known)
        return c2s_infer_output_rank(i, 0, dtype, 1);
    if (count != 1)
        return c2s_fail(C2S_ERR_INVALID, "size has %u elements, expected 1", count);
    return c2s_infer_output(i, 0, dtype, 1, size);
}

/* w[k] = a0 - a1 cos(2 pi k / n) + a2 cos(4 pi k / n); n is the size, or one less for a symmetric
 * window. */
static c2s_status window_eval(c2s_eval *e, double a0, double a1, double a2) {
    c2s_tensor *y = e->out[0];
    if (!y || !y->count)
        return C2S_OK;
    double n = (double)y->count - (c2s_attr_int(e->node, "periodic", 1) ? 0 : 1);
    c2s_workspace ws = {0};
    double *values = c2s_workspace_out_f64(&ws, y);
    for (size_t k = 0; ws.status == C2S_OK && k < y->count; k++) {
        double angle = n > 0 ? 2 * pi * (double)k / n : 0;
        values[k] = a0 - a1 * cos(angle) + a2 * cos(2 * angle);
    }
    return c2s_workspace_end(&ws);
}

static c2s_status hann_eval(c2s_eval *e) {
    return window_eval(e, 0.5, 0.5, 0);
}

static c2s_status hamming_eval(c2s_eval *e) {
    return window_eval(e, 25.0 / 46, 21.0 / 46, 0);
}

static c2s_status blackman_eval(c2s_eval *e) {
    return window_eval(e, 0.42, 0.5, 0.08);
}

const c2s_op c2s_op_hann_window = {
    .type = "HannWindow",
    .domain = "",
    .inputs = {1, 1},
    .outputs = {1, 1},
    .quant = C2S_QUANT_ONLY(FLOAT),
    .attrs = window_attrs,
    .ties = c2s_ties_pinned,
    .infer = window_infer,
    .eval = hann_eval,
};

const c2s_op c2s_op_hamming_window = {
    .type = "HammingWindow",
    .domain = "",
    .inputs = {1, 1},
    .outputs = {1, 1},
    .quant = C2S_QUANT_ONLY(FLOAT),
    .attrs = window_attrs,
    .ties = c2s_ties_pinned,
    .infer = window_infer,
    .eval = hamming_eval,
};

const c2s_op c2s_op_blackman_window = {
    .type = "BlackmanWindow",
    .domain = "",
    .inputs = {1, 1},
    .outputs = {1, 1},
    .quant = C2S_QUANT_ONLY(FLOAT),
    .attrs = window_attrs,
    .ties = c2s_ties_pinned,
    .infer = window_infer,
    .eval = blackman_eval,
};

/* ---- MelWeightMatrix ---- */

enum { MEL_BINS, DFT_LENGTH, SAMPLE_RATE, LOWER_EDGE, UPPER_EDGE };

static c2s_status mel_weight_matrix_infer(c2s_infer *i) {
    bool known;
    const c2s_dim *given;
    unsigned count;
    c2s_dtype dtype;
    c2s_dim dim[2];
    C2S_TRY(c2s_infer_tensors(i, 5));
    C2S_TRY(output_dtype(i->node, &dtype));
    for (unsigned k = 0; k < 2; k++) {
        C2S_TRY(
            c2s_infer_list_dims(i, k, k ? "dft_length" : "num_mel_bins", &known, &given, &count));
        if (known && count != 1)
            return c2s_fail(C2S_ERR_INVALID, "%s has %u elements, expected 1",
                            k ? "dft_length" : "num_mel_bins", count);
        dim[1 - k] = known ? *given : c2s_dim_fresh(i->dims);
    }
    dim[0] = c2s_dim_add(i->dims, c2s_dim_floordiv(i->dims, dim[0], 2), 1);
    return c2s_infer_output(i, 0, dtype, 2, dim);
}

static double mel_of_hertz(double hertz) {
    return 2595 * log10(1 + hertz / 700);
}

static double hertz_of_mel(double mel) {
    return 700 * (pow(10, mel / 2595) - 1);
}

/* The triangle of one mel bin, which rises from `left` to `center` and falls to `right`. */
static void mel_triangle(double *column, int64_t rows, int64_t columns, int64_t left,
                         int64_t center, int64_t right) {
    for (int64_t row = left; row <= center && row < rows; row++) {
        if (row >= 0)
            column[row * columns] =
                center == left ? 1 : (double)(row - left) / (double)(center - left);
    }
    for (int64_t row = center; row < right && row < rows; row++) {
        if (row >= 0)
            column[row * columns] = (double)(right - row) / (double)(right - center);
    }
}

static c2s_status mel_weight_matrix_eval(c2s_eval *e) {
    c2s_tensor *y = e->out[0];
    double number[5];
    for (unsigned k = 0; k < 5; k++) {
        number[k] = e->in[k]->count == 1 ? c2s_tensor_f64_at(e->in[k], 0) : NAN;
        if (!(number[k] >= 0 && number[k] < 0x1p53))
            return c2s_fail(C2S_ERR_INVALID, "input %u is not one number that is not negative", k);
    }
    if (!y || !y->count)
        return C2S_OK;
    if (number[SAMPLE_RATE] == 0)
        return c2s_fail(C2S_ERR_INVALID, "sample_rate is 0");
    c2s_workspace ws = {0};
    double *values = c2s_workspace_out_f64(&ws, y);
    if (ws.status != C2S_OK)
        return c2s_workspace_end(&ws);
    for (size_t k = 0; k < y->count; k++)
        values[k] = 0;
    int64_t rows = y->type.dim[0], columns = y->type.dim[1], edge[3];
    double low = mel_of_hertz(number[LOWER_EDGE]), high = mel_of_hertz(number[UPPER_EDGE]);
    double step = (high - low) / (number[MEL_BINS] + 2);
    for (int64_t column = 0; column < columns; column++) {
        for (int k = 0; k < 3; k++) { /* spectrogram bins of the triangle's corners */
            double hertz = hertz_of_mel(low + (double)(column + k) * step);
            double bin = floor((number[DFT_LENGTH] + 1) * hertz / number[SAMPLE_RATE]);
            edge[k] = bin < (double)rows ? (bin > 0 ? (int64_t)bin : 0) : rows;
        }
        mel_triangle(values + column, rows, columns, edge[0], edge[1], edge[2]);
    }
    return c2s_workspace_end(&ws);
}

static const c2s_attr_spec mel_attrs[] = {{"output_datatype", C2S_ATTR_INT, false}, {0}};

const c2s_op c2s_op_mel_weight_matrix = {
    .type = "MelWeightMatrix",
    .domain = "",
    .inputs = {5, 5},
    .outputs = {1, 1},
    .quant = C2S_QUANT_ONLY(FLOAT),
    .attrs = mel_attrs,
    .ties = c2s_ties_pinned,
    .infer = mel_weight_matrix_infer,
    .eval = mel_weight_matrix_eval,
};
