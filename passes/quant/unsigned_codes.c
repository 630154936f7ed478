/* SPDX-License-Identifier: Apache-2.0 */
#include "passes/quant/unsigned_codes.h"

#include <stdio.h>
#include <stdlib.h>

#include "passes/quant/code_flow.h"
#include "passes/quant/qoperator.h"
#include "rewrite/pattern.h"

const char c2s_codes_unsigned[] = "codes-unsigned";

/* ---- which ---- */

static bool has_one_zero(const c2s_node *codec) {
    const c2s_value *zero = c2s_node_in(codec, 2);
    return zero && zero->constant && zero->constant->count == 1;
}

/* An operand like any other of operators that have a form on codes. */
static bool is_no_weight(const c2s_value *floats) {
    c2s_value_each_use(use, floats) {
        const c2s_qoperator *q = use->user == floats->graph->exit || !use->user->op
                                     ? NULL
                                     : c2s_qoperator_for(use->user->op, true);
        if (!q || q->weight)
            return false;
    }
    return floats->use_count > 0;
}

/* NULL: codes of all readers move with those of their maker, and nothing else reads them. */
static const char *refuse(const c2s_value *codes, bool constant) {
    c2s_value_each_use(use, codes) {
        if (use->user == codes->graph->exit)
            return "the codes are a result of the graph";
        if (!c2s_is_dequantizer(use->user) || use->slot != 0)
            return "something else than DequantizeLinear reads the codes";
        if (!has_one_zero(use->user))
            return "there are several zero points";
        if (constant && !is_no_weight(c2s_node_out(use->user, 0)))
            return c2s_no_match;
    }
    return NULL;
}

/* ---- how ---- */

typedef struct shifting {
    c2s_graph *graph;
    c2s_value **zero; /* by the id of a zero point: the one 128 higher, or NULL */
} shifting;

static c2s_value *add_constant(const shifting *s, const c2s_value *old, c2s_tensor *tensor) {
    char name[256];
    snprintf(name, sizeof name, "%.200s_unsigned", old->name);
    return c2s_value_constant(s->graph, name, tensor);
}

static c2s_status shift_zero(const shifting *s, c2s_node *codec) {
    const c2s_value *old = c2s_node_in(codec, 2);
    const c2s_type *type = &old->constant->type;
    c2s_value **shifted = &s->zero[old->id];
    if (!*shifted) {
        int64_t zero = 0;
        c2s_tensor *tensor;
        c2s_tensor_i64_at(old->constant, 0, &zero);
        zero += 128;
        C2S_TRY(c2s_tensor_from_i64(C2S_UINT8, type->rank, type->dim, &zero, &tensor));
        *shifted = add_constant(s, old, tensor);
    }
    c2s_use_set(&codec->inputs[2], *shifted);
    return C2S_OK;
}

static c2s_status shift_readers(const shifting *s, const c2s_value *codes) {
    c2s_value_each_use(use, codes) {
        C2S_TRY(shift_zero(s, use->user));
    }
    return C2S_OK;
}

static c2s_status shift_result(const shifting *s, c2s_node *quantizer) {
    c2s_value *codes = c2s_node_out(quantizer, 0);
    c2s_type type = codes->type;
    type.dtype = C2S_UINT8;
    c2s_attr_remove(quantizer, "output_dtype"); /* the zero point says it */
    C2S_TRY(shift_zero(s, quantizer));
    C2S_TRY(shift_readers(s, codes));
    c2s_value_set_type(codes, &type);
    return C2S_OK;
}

static c2s_status shift_constant(const shifting *s, c2s_value *codes) {
    const c2s_type *type = &codes->constant->type;
    c2s_tensor *tensor;
    C2S_TRY(c2s_tensor_create(C2S_UINT8, type->rank, type->dim, &tensor));
    const uint8_t *from = c2s_tensor_data(codes->constant);
    uint8_t *to = c2s_tensor_mutable(tensor);
    for (size_t i = 0; i < tensor->count; i++)
        to[i] = from[i] ^ 0x80; /* adds 128 to a number in two's complement */
    c2s_value *value = add_constant(s, codes, tensor);
    C2S_TRY(shift_readers(s, codes));
    while (codes->use_count > 0)
        c2s_use_set(codes->uses, value);
    return C2S_OK;
}

/* ---- where ---- */

static bool may_apply(c2s_stats *stats, const c2s_node *codec, const char *reason) {
    if (!stats || reason == c2s_no_match)
        return !reason;
    const char *where = c2s_node_text(codec);
    if (reason)
        c2s_stats_refuse(stats, c2s_codes_unsigned, where, reason);
    else if (!c2s_stats_may_apply(stats) || c2s_stats_skips(stats, c2s_codes_unsigned, where))
        return false;
    else
        c2s_stats_apply(stats, c2s_codes_unsigned, where);
    c2s_stats_looked(stats, codec);
    return !reason;
}

static c2s_status look_at(const shifting *s, c2s_node *node, c2s_stats *stats, unsigned *count) {
    const bool makes = c2s_is_quantizer(node), reads = c2s_is_dequantizer(node);
    c2s_value *codes = makes ? c2s_node_out(node, 0) : reads ? c2s_node_in(node, 0) : NULL;
    if (!codes || codes->type.dtype != C2S_INT8 || (reads && !codes->constant) ||
        codes->graph != s->graph || !has_one_zero(node))
        return C2S_OK;
    if (!may_apply(stats, node, refuse(codes, reads)))
        return C2S_OK;
    C2S_TRY(makes ? shift_result(s, node) : shift_constant(s, codes));
    ++*count;
    return C2S_OK;
}

c2s_status c2s_codes_make_unsigned(c2s_graph *graph, c2s_stats *stats, unsigned *count) {
    shifting s = {graph, c2s_zalloc(graph->model->values.count * sizeof *s.zero)};
    c2s_status status = C2S_OK;
    for (c2s_node *node = graph->first; node && status == C2S_OK; node = node->next)
        status = look_at(&s, node, stats, count);
    free(s.zero);
    return status;
}
