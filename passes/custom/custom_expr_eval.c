/* SPDX-License-Identifier: Apache-2.0
 *
 * What is not known spreads: an operator gives a result only where all that it needs is known, and
 * `and`, `or` where one side decides.
 */
#include <string.h>

#include "passes/custom/custom_expr.h"

/* ---- values of the graph ---- */

static bool is_numeric(const c2s_tensor *tensor) {
    return tensor->type.kind == C2S_KIND_TENSOR && c2s_dtype_is_real(tensor->type.dtype);
}

static void eval_content(const c2s_value *value, c2s_term *out) {
    const c2s_tensor *tensor = value ? value->constant : NULL;
    if (!value) {
        c2s_term_set_unknown(out, "an operand is left out");
    } else if (tensor && !is_numeric(tensor)) {
        c2s_term_set_unknown(out, "a constant holds no numbers");
    } else if (tensor && (tensor->type.rank > 1 || tensor->count > C2S_LIST_MOST)) {
        *out = (c2s_term){.kind = C2S_TERM_CONTENT, .content = tensor};
    } else if (tensor) {
        *out = (c2s_term){.count = (unsigned)tensor->count};
        out->kind = tensor->type.rank == 0 ? C2S_TERM_SCALAR : C2S_TERM_LIST;
        for (unsigned i = 0; i < out->count; i++)
            out->at[i] = c2s_scalar_of(tensor, i);
    } else if (value->contents && value->type.rank >= 0 && value->content_count <= C2S_LIST_MOST) {
        *out = (c2s_term){.count = value->content_count};
        out->kind = value->type.rank == 0 ? C2S_TERM_SCALAR : C2S_TERM_LIST;
        for (unsigned i = 0; i < out->count; i++)
            out->at[i] = c2s_scalar_int(value->contents[i]);
    } else {
        c2s_term_set_unknown(out, "an operand is not constant");
    }
}

static const char no_shape[] = "a shape is not known";

static void eval_shape(const c2s_type *type, c2s_term *out) {
    *out = (c2s_term){.kind = C2S_TERM_LIST, .count = (unsigned)type->rank};
    for (unsigned i = 0; i < out->count; i++)
        out->at[i] = c2s_scalar_int(type->dim[i]);
}

static void eval_size(const c2s_type *type, c2s_dims *dims, c2s_term *out) {
    c2s_dim size = 1;
    for (int i = 0; i < type->rank; i++)
        size = c2s_dim_mul(dims, size, type->dim[i]);
    c2s_term_set_int(out, size);
}

/* a broadcasts to b: aligned at the end, each extent of a is 1 or that of b. */
static void eval_broadcasts(const c2s_type *a, const c2s_type *b, c2s_term *out) {
    c2s_term_set_truth(out, a->rank <= b->rank);
    for (int i = 0; i < a->rank && out->kind == C2S_TERM_TRUTH && out->truth; i++) {
        c2s_dim x = a->dim[a->rank - 1 - i], y = b->dim[b->rank - 1 - i];
        if (x == 1 || x == y)
            continue;
        if (c2s_dim_is_known(x) && c2s_dim_is_known(y))
            c2s_term_set_truth(out, false);
        else
            c2s_term_set_unknown(out, "two extents are not known to be equal");
    }
}

static void eval_of_value(const c2s_expr *e, const c2s_expr_scene *s, c2s_term *out) {
    const c2s_value *value = s->match->value[e->args[0]->index];
    if (e->function == C2S_FUNCTION_CONSTANT || e->function == C2S_FUNCTION_GIVEN) {
        c2s_term_set_truth(out, value && (e->function == C2S_FUNCTION_GIVEN || value->constant));
        return;
    }
    const c2s_type *type = value ? &value->type : NULL;
    if (!type) {
        c2s_term_set_unknown(out, "an operand is left out");
    } else if (e->function == C2S_FUNCTION_DTYPE) {
        c2s_term_set_scalar(out, (c2s_scalar){.kind = C2S_SCALAR_DTYPE, .dtype = type->dtype});
        if (!c2s_type_is_tensor(type) || type->dtype == C2S_UNDEFINED)
            c2s_term_set_unknown(out, "an element type is not known");
    } else if (!c2s_type_is_tensor(type) || type->rank < 0) {
        c2s_term_set_unknown(out, no_shape);
    } else if (e->function == C2S_FUNCTION_RANK) {
        c2s_term_set_int(out, type->rank);
    } else if (e->function == C2S_FUNCTION_SHAPE) {
        eval_shape(type, out);
    } else if (e->function == C2S_FUNCTION_SIZE) {
        eval_size(type, s->dims, out);
    } else {
        const c2s_value *other = s->match->value[e->args[1]->index];
        if (!other || !c2s_type_is_tensor(&other->type) || other->type.rank < 0)
            c2s_term_set_unknown(out, no_shape);
        else
            eval_broadcasts(type, &other->type, out);
    }
}

static void eval_call(const c2s_expr *e, const c2s_expr_scene *s, c2s_term *out) {
    c2s_term operand;
    if (e->function == C2S_FUNCTION_LENGTH) {
        c2s_expr_eval(e->args[0], s, &operand);
        if (operand.kind == C2S_TERM_LIST)
            c2s_term_set_int(out, operand.count);
        else
            c2s_term_set_unknown(out, operand.why ? operand.why : "length is of lists");
    } else if (e->args[0]->kind == C2S_EXPR_ATTR) {
        s->attr(s, e->args[0]->index, &operand);
        c2s_term_set_truth(out, operand.kind != C2S_TERM_UNKNOWN);
    } else {
        eval_of_value(e, s, out);
    }
}

/* ---- the whole ---- */

static void eval_list(const c2s_expr *e, const c2s_expr_scene *s, c2s_term *out) {
    c2s_term one;
    *out = (c2s_term){.kind = C2S_TERM_LIST, .count = e->arg_count};
    for (unsigned i = 0; i < e->arg_count; i++) {
        c2s_expr_eval(e->args[i], s, &one);
        if (one.kind != C2S_TERM_SCALAR) {
            c2s_term_set_unknown(out, one.why ? one.why : "an element of a list is no single one");
            return;
        }
        out->at[i] = one.at[0];
    }
}

static void eval_index(const c2s_expr *e, const c2s_expr_scene *s, c2s_term *out) {
    c2s_term list, index;
    c2s_expr_eval(e->args[0], s, &list);
    c2s_expr_eval(e->args[1], s, &index);
    if (list.kind != C2S_TERM_LIST || index.kind != C2S_TERM_SCALAR ||
        index.at[0].kind != C2S_SCALAR_INT) {
        c2s_term_set_unknown(out, list.why    ? list.why
                                  : index.why ? index.why
                                              : "an index wants a list and a whole number");
        return;
    }
    int64_t at = index.at[0].integer;
    at += at < 0 ? list.count : 0;
    if (at < 0 || at >= list.count)
        c2s_term_set_unknown(out, "an index is out of range");
    else
        c2s_term_set_scalar(out, list.at[at]);
}

static void eval_unary(const c2s_expr *e, const c2s_expr_scene *s, c2s_term *out) {
    c2s_term operand, zero;
    c2s_expr_eval(e->args[0], s, &operand);
    if (e->op == '-') {
        c2s_term_set_int(&zero, 0);
        c2s_term_combine(s->dims, '-', &zero, &operand, out);
    } else if (operand.kind == C2S_TERM_TRUTH) {
        c2s_term_set_truth(out, !operand.truth);
    } else {
        c2s_term_set_unknown(out, operand.why ? operand.why : "not wants a condition");
    }
}

static void eval_binary(const c2s_expr *e, const c2s_expr_scene *s, c2s_term *out) {
    c2s_term a, b;
    bool logic = e->op == '&' || e->op == '|';
    c2s_expr_eval(e->args[0], s, &a);
    if (logic && a.kind == C2S_TERM_TRUTH && a.truth == (e->op == '|')) {
        *out = a;
        return;
    }
    c2s_expr_eval(e->args[1], s, &b);
    if (!logic && strchr("+-*/%", e->op))
        c2s_term_combine(s->dims, e->op, &a, &b, out);
    else if (!logic)
        c2s_term_compare(e->op, &a, &b, out);
    else if (b.kind == C2S_TERM_TRUTH && (a.kind == C2S_TERM_TRUTH || b.truth == (e->op == '|')))
        *out = b;
    else
        c2s_term_set_unknown(out, a.why ? a.why : b.why ? b.why : "and, or want conditions");
}

void c2s_expr_eval(const c2s_expr *e, const c2s_expr_scene *s, c2s_term *out) {
    switch (e->kind) {
    case C2S_EXPR_NUMBER:
        c2s_term_set_scalar(out, e->number.is_float ? c2s_scalar_float(e->number.number, C2S_FLOAT)
                                                    : c2s_scalar_int(e->number.integer));
        break;
    case C2S_EXPR_TEXT:
        c2s_term_set_scalar(out, (c2s_scalar){.kind = C2S_SCALAR_TEXT, .text = e->text});
        break;
    case C2S_EXPR_DTYPE:
        c2s_term_set_scalar(out, (c2s_scalar){.kind = C2S_SCALAR_DTYPE, .dtype = e->dtype});
        break;
    case C2S_EXPR_LIST:
        eval_list(e, s, out);
        break;
    case C2S_EXPR_VALUE:
        eval_content(s->match->value[e->index], out);
        break;
    case C2S_EXPR_ATTR:
        s->attr(s, e->index, out);
        break;
    case C2S_EXPR_DIM:
        s->dim(s, e->index, out);
        break;
    case C2S_EXPR_CALL:
        eval_call(e, s, out);
        break;
    case C2S_EXPR_TYPED:
        c2s_expr_eval(e->args[0], s, out);
        out->typed = e->dtype;
        break;
    case C2S_EXPR_INDEX:
        eval_index(e, s, out);
        break;
    case C2S_EXPR_UNARY:
        eval_unary(e, s, out);
        break;
    case C2S_EXPR_BINARY:
        eval_binary(e, s, out);
        break;
    }
}
