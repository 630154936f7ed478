/* SPDX-License-Identifier: Apache-2.0
 *
 * Where: picks elements, so it works on bits and knows no arithmetic.
 */
#include "ops/contents.h"
#include "ops/pointwise.h"

#define WHERE(name, type)                                                                          \
    C2S_BLOCK_LOOP(                                                                                \
        where_##name, const uint8_t *restrict condition = in[0]; const type *restrict x = in[1];   \
        const type *restrict y = in[2]; type *restrict r = out;                                    \
        for (size_t k = 0; k < n; k++) { r[k] = condition[k] ? x[k] : y[k]; })
WHERE(raw1, uint8_t)
WHERE(raw2, uint16_t)
WHERE(raw4, uint32_t)
WHERE(raw8, uint64_t)
WHERE(raw16, c2s_raw16)

static c2s_block where_block(c2s_wide wide) {
    switch (c2s_wide_size(wide)) {
    case 1:
        return where_raw1;
    case 2:
        return where_raw2;
    case 4:
        return where_raw4;
    case 8:
        return where_raw8;
    default:
        return where_raw16;
    }
}

static c2s_status where_infer(c2s_infer *i) {
    C2S_TRY(c2s_infer_tensors(i, 3));
    C2S_TRY(c2s_infer_same_dtype(i, 1, 2));
    const c2s_type *condition = c2s_infer_type(i, 0), *x = c2s_infer_type(i, 1),
                   *y = c2s_infer_type(i, 2);
    if (condition->dtype && condition->dtype != C2S_BOOL)
        return c2s_fail(C2S_ERR_INVALID, "the condition has elements of type %s, expected bool",
                        c2s_dtype_name(condition->dtype));
    c2s_type joined = c2s_type_unknown();
    joined.rank = -1;
    if (condition->kind && x->kind && y->kind) {
        c2s_type choices = c2s_type_unknown();
        C2S_TRY(c2s_infer_broadcast(i, x, y, &choices));
        choices = c2s_type_tensor(x->dtype, choices.rank, choices.dim);
        C2S_TRY(c2s_infer_broadcast(i, condition, &choices, &joined));
    }
    i->out[0] = c2s_type_tensor(x->dtype ? x->dtype : y->dtype, joined.rank, joined.dim);
    c2s_contents_where(i);
    return C2S_OK;
}

static c2s_status where_pointwise(const c2s_node *node, const c2s_fact *in, c2s_pointwise *p) {
    const c2s_wide wide = c2s_wide_raw(in[1].type->dtype);
    (void)node;
    *p = (c2s_pointwise){.block = where_block(wide),
                         .operands = 3,
                         .slot = {0, 1, 2},
                         .in = {C2S_WIDE_RAW1, wide, wide},
                         .out = wide};
    return C2S_OK;
}

static c2s_status where_eval(c2s_eval *e) {
    C2S_TRY(c2s_pointwise_eval(e));
    const c2s_tensor *out = e->out[0];
    if (out->type.dtype != C2S_STRING)
        return C2S_OK;
    /* The elements still point into the inputs' text. */
    c2s_tensor *owner;
    C2S_TRY(c2s_tensor_strings(out->type.rank, out->type.dim, c2s_tensor_data(out), &owner));
    c2s_eval_set(e, 0, owner);
    return C2S_OK;
}

const c2s_op c2s_op_where = {.type = "Where",
                             .domain = "",
                             .inputs = {3, 3},
                             .outputs = {1, 1},
                             .quant = C2S_QUANT_SLOTS(UNIFY, C2S_SLOT(1) | C2S_SLOT(2), 1u),
                             .flags = C2S_OP_ELEMENTWISE,
                             .infer = where_infer,
                             .eval = where_eval,
                             .pointwise = where_pointwise};
