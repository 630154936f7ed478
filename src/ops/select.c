/* SPDX-License-Identifier: Apache-2.0
 *
 * Operators that choose elements by condition or position: Compress, NonZero, Trilu,
 * ReverseSequence.
 */
#include <inttypes.h>
#include <string.h>

#include "base/simd.h"
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

/* Copies the `chosen` runs of `size` bytes that are kept; a run that is not kept is overwritten by
 * the next. `size` is a constant where that pays. */
C2S_INLINE void keep_sized(char *to, const char *from, const unsigned char *keep, size_t chosen,
                           size_t size) {
    for (size_t k = 0, made = 0; made < chosen; k++) {
        memcpy(to + made * size, from + k * size, size);
        made += keep[k] != 0;
    }
}

static void keep_runs(char *to, const char *from, const unsigned char *keep, size_t chosen,
                      size_t size) {
    if (size == 4)
        keep_sized(to, from, keep, chosen, 4);
    else if (size == 8)
        keep_sized(to, from, keep, chosen, 8);
    else if (size <= 16)
        keep_sized(to, from, keep, chosen, size);
    else
        for (size_t k = 0, made = 0; made < chosen; k++)
            if (keep[k])
                memcpy(to + made++ * size, from + k * size, size);
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
    for (size_t o = 0; y.count && o < outer; o++)
        keep_runs(y.data + o * (size_t)chosen * inner * x.size,
                  x.data + o * extent * inner * x.size, keep, (size_t)chosen, inner * x.size);
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

/* found[k]: element k is not zero. */
static c2s_status find_non_zero(const c2s_tensor *x, unsigned char *found) {
    enum { PIECE = 1024 };
    double value[PIECE];
    if (x->type.dtype == C2S_STRING) {
        const c2s_string *text = c2s_tensor_data(x);
        for (size_t k = 0; k < x->count; k++)
            found[k] = text[k].size != 0;
        return C2S_OK;
    }
    if (!c2s_wide_of(x->type.dtype)) { /* complex */
        const bool narrow = x->type.dtype == C2S_COMPLEX64;
        const float *single = c2s_tensor_data(x);
        const double *wide = c2s_tensor_data(x);
        for (size_t k = 0; k < x->count; k++)
            found[k] = narrow ? single[2 * k] != 0 || single[2 * k + 1] != 0
                              : wide[2 * k] != 0 || wide[2 * k + 1] != 0;
        return C2S_OK;
    }
    for (size_t start = 0; start < x->count; start += PIECE) {
        const size_t n = x->count - start < PIECE ? x->count - start : PIECE;
        c2s_wide_load(C2S_WIDE_F64, x->type.dtype, c2s_tensor_data(x), start, n, value);
        for (size_t k = 0; k < n; k++)
            found[start + k] = value[k] != 0;
    }
    return C2S_OK;
}

/* Line by line of the last axis. */
static void put_positions(const c2s_type *x, const unsigned char *found, size_t count, int64_t *y) {
    const int last = x->rank - 1;
    const size_t line = (size_t)x->dim[last];
    int64_t at[C2S_MAX_RANK] = {0};
    for (size_t column = 0; column < count; found += line) {
        size_t made = 0;
        int64_t *inner = y + (size_t)last * count + column;
        for (size_t k = 0; column + made < count && k < line; k++) {
            inner[made] = (int64_t)k;
            made += found[k];
        }
        for (int a = 0; a < last; a++)
            for (size_t k = 0; k < made; k++)
                y[(size_t)a * count + column + k] = at[a];
        column += made;
        for (int a = last - 1; a >= 0 && ++at[a] == x->dim[a]; a--)
            at[a] = 0;
    }
}

static c2s_status non_zero_eval(c2s_eval *e) {
    const c2s_tensor *x = e->in[0];
    size_t count = 0;
    c2s_workspace ws = {0};
    unsigned char *found = c2s_workspace_array(&ws, x->count, 1);
    if (ws.status == C2S_OK)
        ws.status = find_non_zero(x, found);
    for (size_t k = 0; ws.status == C2S_OK && k < x->count; k++)
        count += found[k];
    const int64_t dim[2] = {x->type.rank, (int64_t)count};
    if (ws.status == C2S_OK)
        ws.status = c2s_eval_new(e, 0, C2S_INT64, 2, dim);
    if (ws.status == C2S_OK && x->type.rank)
        put_positions(&x->type, found, count, c2s_tensor_mutable(e->out[0]));
    return c2s_workspace_end(&ws);
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
    c2s_elements x, y;
    c2s_workspace ws = {0};
    const c2s_type *in = &e->in[0]->type;
    C2S_TRY(reverse_axes(e->node, &time, &batch));
    const int64_t *lengths = c2s_workspace_i64(&ws, e->in[1]);
    if (ws.status == C2S_OK)
        ws.status = c2s_elements_open(e, &x, &y);
    if (ws.status != C2S_OK)
        return c2s_workspace_end(&ws);
    size_t steps = (size_t)in->dim[time], items = (size_t)in->dim[batch], run = x.size;
    for (int a = 2; a < in->rank; a++)
        run *= (size_t)in->dim[a];
    size_t time_step = time == 0 ? items * run : run, item_step = time == 0 ? run : steps * run;
    for (size_t item = 0; ws.status == C2S_OK && item < items; item++) {
        int64_t length = lengths[item];
        if (length < 0 || length > (int64_t)steps) {
            ws.status =
                c2s_fail(C2S_ERR_INVALID, "sequence length %" PRId64 ", allowed are 0 to %zu",
                         length, steps);
            break;
        }
        for (size_t t = 0; t < steps; t++) {
            size_t from = t < (size_t)length ? (size_t)length - 1 - t : t;
            memcpy(y.data + item * item_step + t * time_step,
                   x.data + item * item_step + from * time_step, run);
        }
    }
    ws.status = c2s_elements_end(e, &x, &y, ws.status);
    return c2s_workspace_end(&ws);
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
