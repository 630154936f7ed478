/* SPDX-License-Identifier: Apache-2.0
 *
 * Operators that choose elements by condition or position: Compress, NonZero, Trilu,
 * ReverseSequence.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "ops/elements.h"
#include "ops/infer_tensor.h"
#include "ops/strided_copy.h"
#include "ops/ties_rules.h"
#include "ops/workspace.h"

/* ---- Compress ---- */

static c2s_status compress_infer(c2s_infer *i) {
    int axis;
    C2S_TRY(c2s_infer_tensors(i, 2));
    const c2s_type *x = c2s_infer_type(i, 0), *condition = c2s_infer_type(i, 1);
    c2s_dim found = c2s_dim_fresh(i->dims);
    if ((condition->dtype != C2S_UNDEFINED && condition->dtype != C2S_BOOL) || condition->rank > 1)
        return c2s_fail(C2S_ERR_INVALID, "condition must be a list of bools");
    if (!c2s_attr_has(i->node, "axis"))
        return c2s_infer_output(i, 0, x->dtype, 1, &found);
    if (x->rank < 0)
        return c2s_infer_output(i, 0, x->dtype, -1, NULL);
    C2S_TRY(c2s_infer_axis(c2s_attr_int(i->node, "axis", 0), x->rank, &axis));
    c2s_type out = *x;
    out.dim[axis] = found;
    return c2s_infer_output(i, 0, x->dtype, out.rank, out.dim);
}

static c2s_status compress_eval(c2s_eval *e) {
    const c2s_tensor *in = e->in[0], *condition = e->in[1];
    const unsigned char *keep = c2s_tensor_data(condition);
    int axis = 0, rank = 1;
    int64_t dim[C2S_MAX_RANK] = {(int64_t)in->count}, chosen = 0;
    if (c2s_attr_has(e->node, "axis")) {
        rank = in->type.rank;
        C2S_TRY(c2s_infer_axis(c2s_attr_int(e->node, "axis", 0), rank, &axis));
        memcpy(dim, in->type.dim, sizeof dim);
    }
    size_t extent = (size_t)dim[axis], outer = 1, inner = 1;
    size_t length = condition->count < extent ? condition->count : extent;
    for (size_t k = 0; k < length; k++)
        chosen += keep[k] != 0;
    dim[axis] = chosen;
    for (int a = 0; a < rank; a++)
        *(a < axis ? &outer : &inner) *= a == axis ? 1 : (size_t)dim[a];
    C2S_TRY(c2s_eval_new(e, 0, in->type.dtype, rank, dim));
    c2s_elements x, y;
    C2S_TRY(c2s_elements_open(e, &x, &y));
    size_t run = inner * x.size;
    char *to = y.data;
    for (size_t o = 0; y.count && o < outer; o++) {
        for (size_t k = 0; k < length; k++) {
            if (!keep[k])
                continue;
            memcpy(to, x.data + (o * extent + k) * run, run);
            to += run;
        }
    }
    return c2s_elements_end(e, &x, &y, C2S_OK);
}

static const c2s_attr_spec axis_attrs[] = {{"axis", C2S_ATTR_INT, false}, {0}};

const c2s_op c2s_op_compress = {
    .type = "Compress",
    .domain = "",
    .inputs = {2, 2},
    .outputs = {1, 1},
    .quant = C2S_QUANT_UNARY(SAME),
    .flags = C2S_OP_MOVES_DATA | C2S_OP_SIZES_OUTPUTS,
    .attrs = axis_attrs,
    .ties = c2s_ties_compress,
    .infer = compress_infer,
    .eval = compress_eval,
};

/* ---- NonZero ---- */

static c2s_status non_zero_infer(c2s_infer *i) {
    C2S_TRY(c2s_infer_tensors(i, 1));
    const c2s_type *x = c2s_infer_type(i, 0);
    c2s_dim dim[2] = {x->rank < 0 ? c2s_dim_fresh(i->dims) : x->rank, c2s_dim_fresh(i->dims)};
    return c2s_infer_output(i, 0, C2S_INT64, 2, dim);
}

/* found[k]: element k is not zero. Returns how many are. */
static c2s_status find_non_zero(const c2s_tensor *x, unsigned char *found, size_t *count) {
    *count = 0;
    if (x->type.dtype == C2S_STRING) {
        const c2s_string *text = c2s_tensor_data(x);
        for (size_t k = 0; k < x->count; k++)
            *count += found[k] = text[k].size != 0;
        return C2S_OK;
    }
    if (x->type.dtype == C2S_COMPLEX64 || x->type.dtype == C2S_COMPLEX128)
        return c2s_fail(C2S_ERR_UNSUPPORTED, "complex numbers are not supported");
    if (c2s_dtype_is_float(x->type.dtype)) {
        double *real;
        C2S_TRY(c2s_tensor_doubles(x, &real));
        for (size_t k = 0; k < x->count; k++)
            *count += found[k] = real[k] != 0;
        free(real);
        return C2S_OK;
    }
    int64_t *whole;
    C2S_TRY(c2s_tensor_ints(x, &whole));
    for (size_t k = 0; k < x->count; k++)
        *count += found[k] = whole[k] != 0;
    free(whole);
    return C2S_OK;
}

static c2s_status non_zero_eval(c2s_eval *e) {
    const c2s_tensor *x = e->in[0];
    unsigned char *found;
    size_t count;
    int64_t at[C2S_MAX_RANK] = {0};
    int rank = x->type.rank;
    C2S_TRY(c2s_scratch(x->count, 1, &found));
    c2s_status status = find_non_zero(x, found, &count);
    int64_t dim[2] = {rank, (int64_t)count};
    if (status == C2S_OK)
        status = c2s_eval_new(e, 0, C2S_INT64, 2, dim);
    if (status == C2S_OK && count && rank) {
        int64_t *y = c2s_tensor_mutable(e->out[0]);
        size_t column = 0;
        for (size_t k = 0; k < x->count; k++) {
            if (found[k]) {
                for (int a = 0; a < rank; a++)
                    y[(size_t)a * count + column] = at[a];
                column++;
            }
            for (int a = rank - 1; a >= 0 && ++at[a] == x->type.dim[a]; a--)
                at[a] = 0;
        }
    }
    free(found);
    return status;
}

const c2s_op c2s_op_non_zero = {
    .type = "NonZero",
    .domain = "",
    .inputs = {1, 1},
    .outputs = {1, 1},
    .quant = C2S_QUANT_SLOTS(SAME, 1u, 0u),
    .flags = C2S_OP_SIZES_OUTPUTS,
    .ties = c2s_ties_pinned,
    .infer = non_zero_infer,
    .eval = non_zero_eval,
};

/* ---- Trilu ---- */

static c2s_status trilu_infer(c2s_infer *i) {
    C2S_TRY(c2s_infer_tensors(i, 1));
    const c2s_type *x = c2s_infer_type(i, 0), *k = c2s_infer_type(i, 1);
    if (x->rank >= 0 && x->rank < 2)
        return c2s_fail(C2S_ERR_INVALID, "input has rank %d, expected at least 2", x->rank);
    if (k->dtype != C2S_UNDEFINED && k->dtype != C2S_INT64)
        return c2s_fail(C2S_ERR_INVALID, "k is of type %s, expected int64",
                        c2s_dtype_name(k->dtype));
    return c2s_infer_output(i, 0, x->dtype, x->rank, x->dim);
}

static c2s_status trilu_eval(c2s_eval *e) {
    static const unsigned char zero[16];
    const c2s_type *in = &e->in[0]->type;
    const c2s_tensor *offset = e->in_count > 1 ? e->in[1] : NULL;
    bool upper = c2s_attr_int(e->node, "upper", 1) != 0;
    int64_t k = 0, rows = in->dim[in->rank - 2], columns = in->dim[in->rank - 1];
    if (offset && (offset->count != 1 || !c2s_tensor_i64_at(offset, 0, &k)))
        return c2s_fail(C2S_ERR_INVALID, "k has %zu elements, expected 1", offset->count);
    k = k < -rows ? -rows : k > columns ? columns : k;
    c2s_elements x, y;
    C2S_TRY(c2s_elements_open(e, &x, &y));
    size_t size = x.size, width = (size_t)columns;
    for (size_t line = 0; y.count && line < y.count / width; line++) {
        /* Columns below `edge` are left of the diagonal (upper), or up to it (lower). */
        int64_t row = (int64_t)(line % (size_t)rows), edge = row + k + (upper ? 0 : 1);
        size_t split = edge < 0 ? 0 : edge > columns ? width : (size_t)edge;
        char *to = y.data + line * width * size;
        const char *from = x.data + line * width * size;
        size_t begin = upper ? split : 0, end = upper ? width : split;
        memcpy(to + begin * size, from + begin * size, (end - begin) * size);
        c2s_fill_elements(upper ? to : to + end * size, size, width - (end - begin), zero);
    }
    return c2s_elements_end(e, &x, &y, C2S_OK);
}

static const c2s_attr_spec trilu_attrs[] = {{"upper", C2S_ATTR_INT, false}, {0}};

const c2s_op c2s_op_trilu = {
    .type = "Trilu",
    .domain = "",
    .inputs = {1, 2},
    .outputs = {1, 1},
    .quant = C2S_QUANT_UNARY(SAME),
    .attrs = trilu_attrs,
    .ties = c2s_ties_trilu,
    .infer = trilu_infer,
    .eval = trilu_eval,
};

/* ---- ReverseSequence ---- */

static c2s_status reverse_axes(const c2s_node *node, int *time, int *batch) {
    int64_t t = c2s_attr_int(node, "time_axis", 0), b = c2s_attr_int(node, "batch_axis", 1);
    if (t == b || t < 0 || t > 1 || b < 0 || b > 1)
        return c2s_fail(C2S_ERR_INVALID,
                        "time_axis %" PRId64 " and batch_axis %" PRId64 ", expected 0 and 1", t, b);
    *time = (int)t;
    *batch = (int)b;
    return C2S_OK;
}

static c2s_status reverse_sequence_infer(c2s_infer *i) {
    int time, batch;
    C2S_TRY(c2s_infer_tensors(i, 2));
    C2S_TRY(reverse_axes(i->node, &time, &batch));
    const c2s_type *x = c2s_infer_type(i, 0), *lengths = c2s_infer_type(i, 1);
    if (x->rank >= 0 && x->rank < 2)
        return c2s_fail(C2S_ERR_INVALID, "input has rank %d, expected at least 2", x->rank);
    if (lengths->dtype != C2S_UNDEFINED && !c2s_dtype_is_integer(lengths->dtype))
        return c2s_fail(C2S_ERR_INVALID, "sequence_lens are of type %s, expected int64",
                        c2s_dtype_name(lengths->dtype));
    if (i->concrete && (lengths->rank != 1 || lengths->dim[0] != x->dim[batch]))
        return c2s_fail(C2S_ERR_INVALID,
                        "sequence_lens must have one element for each of %" PRId64 " sequences",
                        x->dim[batch]);
    return c2s_infer_output(i, 0, x->dtype, x->rank, x->dim);
}

static c2s_status reverse_sequence_eval(c2s_eval *e) {
    int time, batch;
    int64_t *lengths;
    c2s_elements x, y;
    const c2s_type *in = &e->in[0]->type;
    C2S_TRY(reverse_axes(e->node, &time, &batch));
    C2S_TRY(c2s_tensor_ints(e->in[1], &lengths));
    c2s_status status = c2s_elements_open(e, &x, &y);
    if (status != C2S_OK) {
        free(lengths);
        return status;
    }
    size_t steps = (size_t)in->dim[time], items = (size_t)in->dim[batch], run = x.size;
    for (int a = 2; a < in->rank; a++)
        run *= (size_t)in->dim[a];
    size_t time_step = time == 0 ? items * run : run, item_step = time == 0 ? run : steps * run;
    for (size_t item = 0; status == C2S_OK && item < items; item++) {
        int64_t length = lengths[item];
        if (length < 0 || length > (int64_t)steps) {
            status = c2s_fail(C2S_ERR_INVALID, "sequence length %" PRId64 ", allowed are 0 to %zu",
                              length, steps);
            break;
        }
        for (size_t t = 0; t < steps; t++) {
            size_t from = t < (size_t)length ? (size_t)length - 1 - t : t;
            memcpy(y.data + item * item_step + t * time_step,
                   x.data + item * item_step + from * time_step, run);
        }
    }
    free(lengths);
    return c2s_elements_end(e, &x, &y, status);
}

static const c2s_attr_spec reverse_sequence_attrs[] = {
    {"batch_axis", C2S_ATTR_INT, false}, {"time_axis", C2S_ATTR_INT, false}, {0}};

const c2s_op c2s_op_reverse_sequence = {
    .type = "ReverseSequence",
    .domain = "",
    .inputs = {2, 2},
    .outputs = {1, 1},
    .quant = C2S_QUANT_UNARY(SAME),
    .flags = C2S_OP_MOVES_DATA,
    .attrs = reverse_sequence_attrs,
    .ties = c2s_ties_reverse_sequence,
    .infer = reverse_sequence_infer,
    .eval = reverse_sequence_eval,
};
