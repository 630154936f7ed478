/* SPDX-License-Identifier: Apache-2.0
 *
 * Cast, CastLike, BitCast.
 */
#include "ops/cast.h"

#include <inttypes.h>
#include <string.h>

#include "ops/contents.h"
#include "ops/pointwise.h"
#include "ops/ties_rules.h"

static c2s_status read_cast(const c2s_node *node, c2s_cast *cast) {
    const char *mode = c2s_attr_string(node, "round_mode", "up");
    *cast =
        (c2s_cast){.saturate = c2s_attr_int(node, "saturate", 1) != 0, .rounding = C2S_ROUND_UP};
    if (strcmp(mode, "down") == 0)
        cast->rounding = C2S_ROUND_DOWN;
    else if (strcmp(mode, "nearest") == 0)
        cast->rounding = C2S_ROUND_NEAREST;
    else if (strcmp(mode, "up") != 0)
        return c2s_fail(C2S_ERR_INVALID,
                        "round_mode is \"%s\", expected \"up\", \"down\" or \"nearest\"", mode);
    return C2S_OK;
}

/* Contents pass through conversions between integers. */
static c2s_status infer_to(c2s_infer *i, c2s_dtype to) {
    const c2s_type *in = c2s_infer_type(i, 0);
    i->out[0] = c2s_type_tensor(to, in->kind == C2S_KIND_TENSOR ? in->rank : -1, in->dim);
    if (c2s_dtype_is_integer(in->dtype))
        c2s_contents_copy(i);
    return C2S_OK;
}

static c2s_status attr_dtype(const c2s_node *node, c2s_dtype *to) {
    const int64_t number = c2s_attr_int(node, "to", 0);
    if (number < 1 || number >= C2S_DTYPE_COUNT)
        return c2s_fail(C2S_ERR_INVALID,
                        "attribute \"to\" is %" PRId64 ", which is no element type", number);
    *to = (c2s_dtype)number;
    return C2S_OK;
}

static c2s_status cast_infer(c2s_infer *i) {
    c2s_dtype to = C2S_UNDEFINED;
    c2s_cast cast;
    C2S_TRY(c2s_infer_tensors(i, 1));
    C2S_TRY(attr_dtype(i->node, &to));
    C2S_TRY(read_cast(i->node, &cast));
    return infer_to(i, to);
}

static c2s_status cast_like_infer(c2s_infer *i) {
    c2s_cast cast;
    C2S_TRY(c2s_infer_tensors(i, 2));
    C2S_TRY(read_cast(i->node, &cast));
    return infer_to(i, c2s_infer_type(i, 1)->dtype);
}

static c2s_status cast_eval(c2s_eval *e) {
    const c2s_tensor *in = e->in[0];
    const c2s_dtype from = in->type.dtype, to = e->out_type[0].dtype;
    c2s_cast cast;
    C2S_TRY(read_cast(e->node, &cast));
    if (from == to) {
        c2s_eval_set(e, 0, c2s_tensor_ref(in));
        return C2S_OK;
    }
    if (to == C2S_STRING) {
        c2s_tensor *text;
        C2S_TRY(c2s_cast_to_text(in, &text));
        c2s_eval_set(e, 0, text);
        return C2S_OK;
    }
    if (from == C2S_STRING && c2s_wide_of(to))
        return c2s_cast_from_text(&cast, in, e->out[0]);
    return c2s_cast_numbers(&cast, in, e->out[0]);
}

static c2s_status cast_pointwise(const c2s_node *node, const c2s_fact *in, c2s_pointwise *p) {
    c2s_dtype to;
    c2s_cast cast;
    C2S_TRY(attr_dtype(node, &to));
    C2S_TRY(read_cast(node, &cast));
    return c2s_cast_pointwise(&cast, in[0].type->dtype, to, p);
}

static const c2s_attr_spec cast_attrs[] = {{"to", C2S_ATTR_INT, true},
                                           {"saturate", C2S_ATTR_INT, false},
                                           {"round_mode", C2S_ATTR_STRING, false},
                                           {NULL, C2S_ATTR_UNDEFINED, false}};
const c2s_op c2s_op_cast = {.type = "Cast",
                            .domain = "",
                            .inputs = {1, 1},
                            .outputs = {1, 1},
                            .quant = C2S_QUANT_ONLY(FLOAT),
                            .flags = C2S_OP_ELEMENTWISE,
                            .attrs = cast_attrs,
                            .infer = cast_infer,
                            .eval = cast_eval,
                            .pointwise = cast_pointwise};

/* The second input gives its type only: an empty one must not stop the broadcast of pointwise
 * operators, so CastLike is not marked elementwise. */
static const c2s_attr_spec cast_like_attrs[] = {{"saturate", C2S_ATTR_INT, false},
                                                {"round_mode", C2S_ATTR_STRING, false},
                                                {NULL, C2S_ATTR_UNDEFINED, false}};
const c2s_op c2s_op_cast_like = {.type = "CastLike",
                                 .domain = "",
                                 .inputs = {2, 2},
                                 .outputs = {1, 1},
                                 .quant = C2S_QUANT_ONLY(FLOAT),
                                 .attrs = cast_like_attrs,
                                 .ties = c2s_ties_first_input,
                                 .infer = cast_like_infer,
                                 .eval = cast_eval};

/* Same bytes, other type of the same size. */
static c2s_status bit_cast_infer(c2s_infer *i) {
    c2s_dtype to = C2S_UNDEFINED;
    const c2s_type *in = c2s_infer_type(i, 0);
    C2S_TRY(c2s_infer_tensors(i, 1));
    C2S_TRY(attr_dtype(i->node, &to));
    if (to == C2S_STRING || in->dtype == C2S_STRING)
        return c2s_fail(C2S_ERR_INVALID, "the bits of strings cannot be reinterpreted");
    if (in->dtype && c2s_dtype_bits(in->dtype) != c2s_dtype_bits(to))
        return c2s_fail(C2S_ERR_INVALID, "%s has %u bits, %s has %u", c2s_dtype_name(in->dtype),
                        c2s_dtype_bits(in->dtype), c2s_dtype_name(to), c2s_dtype_bits(to));
    i->out[0] = c2s_type_tensor(to, in->kind == C2S_KIND_TENSOR ? in->rank : -1, in->dim);
    return C2S_OK;
}

static c2s_status bit_cast_eval(c2s_eval *e) {
    const c2s_tensor *in = e->in[0];
    if (in->count)
        memcpy(c2s_tensor_mutable(e->out[0]), c2s_tensor_data(in), c2s_tensor_size(in));
    return C2S_OK;
}

static const c2s_attr_spec bit_cast_attrs[] = {{"to", C2S_ATTR_INT, true},
                                               {NULL, C2S_ATTR_UNDEFINED, false}};
const c2s_op c2s_op_bit_cast = {.type = "BitCast",
                                .domain = "",
                                .inputs = {1, 1},
                                .outputs = {1, 1},
                                .quant = C2S_QUANT_ONLY(FLOAT),
                                .flags = C2S_OP_ELEMENTWISE,
                                .attrs = bit_cast_attrs,
                                .infer = bit_cast_infer,
                                .eval = bit_cast_eval};
