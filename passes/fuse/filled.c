/* SPDX-License-Identifier: Apache-2.0
 *
 * Before: ConstantOfShape, then Cast
 * After:  ConstantOfShape of the other type
 * Before: ScatterND that overwrites everything, in order
 * After:  what it writes
 * Refuses computed indices, and those that leave something as it was, or come in another order.
 */
#include <string.h>

#include "passes/constants.h"
#include "passes/fuse/fuse.h"
#include "rewrite/builder.h"

enum { SHAPE = C2S_LETTER_A, Y };

/* The element that fills, cast. */
static c2s_tensor *cast_value(c2s_builder *b, const c2s_match *m) {
    const c2s_tensor *value = c2s_attr_tensor(m->node[0], "value");
    c2s_tensor *zero = NULL, *out = NULL;
    if (!value) {
        const int64_t one = 1;
        const double number = 0;
        if (!c2s_build_ok(b, c2s_tensor_from_f64(C2S_FLOAT, 1, &one, &number, &zero)))
            return NULL;
        value = zero;
    }
    bool ok = c2s_build_ok(b, c2s_node_eval(m->root, &value, &out, NULL, 0));
    c2s_tensor_unref(zero);
    return ok ? out : NULL;
}

static c2s_value *cast_build(c2s_builder *b, const c2s_match *m) {
    c2s_tensor *value = cast_value(b, m);
    if (!value)
        return NULL;
    c2s_node *node = c2s_build_like(b, m->node[0], &m->value[SHAPE], 1);
    if (node)
        c2s_attr_set_tensor(node, "value", value);
    c2s_tensor_unref(value);
    return c2s_build_finish(b, node);
}

static const c2s_pattern_row cast_rows[] = {
    {.op = &c2s_op_constant_of_shape, .out = Y, .in = {SHAPE}},
    {.op = &c2s_op_cast, .in = {Y}},
};
const c2s_rule c2s_rule_cast_filled = {
    .name = "cast-filled",
    .summary = "Cast of ConstantOfShape -> ConstantOfShape of that type",
    C2S_ROWS(cast_rows),
    .build = cast_build};

/* ---- ScatterND ---- */

enum { DATA = C2S_LETTER_A, INDICES, UPDATES };

/* Tuple i of the indices says the i-th place of the leading axes, and there are no more places. */
static bool covers_all(const c2s_type *data, const c2s_tensor *indices) {
    const c2s_type *type = &indices->type;
    int64_t width = type->rank > 0 ? type->dim[type->rank - 1] : 0;
    if (width < 1 || width > data->rank)
        return false;
    size_t places = 1;
    for (int64_t k = 0; k < width; k++)
        if (!c2s_dim_is_known(data->dim[k]) || !c2s_mul_size(places, (size_t)data->dim[k], &places))
            return false;
    if (places != indices->count / (size_t)width)
        return false;
    for (size_t i = 0; i < places; i++) {
        size_t place = 0;
        for (int64_t k = 0; k < width; k++) {
            int64_t at = 0;
            if (!c2s_tensor_i64_at(indices, i * (size_t)width + (size_t)k, &at))
                return false;
            at += at < 0 ? data->dim[k] : 0;
            if (at < 0 || at >= data->dim[k])
                return false;
            place = place * (size_t)data->dim[k] + (size_t)at;
        }
        if (place != i)
            return false;
    }
    return true;
}

static const char *scatter_refuse(const c2s_match *m) {
    const c2s_type *data = &m->value[DATA]->type;
    if (strcmp(c2s_attr_string(m->root, "reduction", "none"), "none") != 0)
        return "it combines old and new elements";
    if (!c2s_same_type(m->value[UPDATES], m->root->outputs[0]))
        return c2s_no_match;
    if (!m->value[INDICES]->constant)
        return "the indices are computed";
    return covers_all(data, m->value[INDICES]->constant)
               ? NULL
               : "it leaves something as it was, or changes the order";
}

static c2s_value *scatter_build(c2s_builder *b, const c2s_match *m) {
    (void)b;
    return m->value[UPDATES];
}

static const c2s_pattern_row scatter_rows[] = {
    {.op = &c2s_op_scatter_nd, .in = {DATA, INDICES, UPDATES}}};
const c2s_rule c2s_rule_scatter_all = {
    .name = "scatter-all",
    .summary = "ScatterND that overwrites everything in order -> what it writes",
    C2S_ROWS(scatter_rows),
    .refuse = scatter_refuse,
    .build = scatter_build};
