/* SPDX-License-Identifier: Apache-2.0 */
#include "passes/custom/custom_term.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

void c2s_term_set_unknown(c2s_term *out, const char *why) {
    *out = (c2s_term){.kind = C2S_TERM_UNKNOWN, .why = why};
}

void c2s_term_set_truth(c2s_term *out, bool truth) {
    *out = (c2s_term){.kind = C2S_TERM_TRUTH, .truth = truth};
}

c2s_scalar c2s_scalar_int(c2s_dim value) {
    return (c2s_scalar){.kind = C2S_SCALAR_INT, .integer = value, .number = (double)value};
}

/* As exact as text and arithmetic of exporters commonly are; half precision holds less. */
c2s_scalar c2s_scalar_float(double value, c2s_dtype held_as) {
    double slack = held_as == C2S_FLOAT16 ? 1e-3 : held_as == C2S_BFLOAT16 ? 8e-3 : 1e-5;
    return (c2s_scalar){.kind = C2S_SCALAR_FLOAT, .number = value, .slack = slack};
}

void c2s_term_set_scalar(c2s_term *out, c2s_scalar scalar) {
    *out = (c2s_term){.kind = C2S_TERM_SCALAR, .count = 1};
    out->at[0] = scalar;
}

void c2s_term_set_int(c2s_term *out, c2s_dim value) {
    c2s_term_set_scalar(out, c2s_scalar_int(value));
}

c2s_scalar c2s_scalar_of(const c2s_tensor *tensor, size_t i) {
    int64_t integer;
    if (c2s_tensor_i64_at(tensor, i, &integer) && c2s_dim_is_known(integer))
        return c2s_scalar_int(integer);
    return c2s_scalar_float(c2s_tensor_f64_at(tensor, i), tensor->type.dtype);
}

/* ---- arithmetic ---- */

static bool is_number(const c2s_scalar *a) {
    return a->kind == C2S_SCALAR_FLOAT || a->kind == C2S_SCALAR_INT;
}

static c2s_dim combine_ints(c2s_dims *dims, char op, c2s_dim a, c2s_dim b) {
    switch (op) {
    case '+':
        return c2s_dim_add(dims, a, b);
    case '-':
        return c2s_dim_sub(dims, a, b);
    case '*':
        return c2s_dim_mul(dims, a, b);
    case '/':
        return c2s_dim_floordiv(dims, a, b);
    default:
        return c2s_dim_mod(dims, a, b);
    }
}

static double combine_floats(char op, double a, double b) {
    switch (op) {
    case '+':
        return a + b;
    case '-':
        return a - b;
    case '*':
        return a * b;
    case '/':
        return a / b;
    default:
        return a - b * floor(a / b);
    }
}

static const char *combine_scalars(c2s_dims *dims, char op, const c2s_scalar *a,
                                   const c2s_scalar *b, c2s_scalar *out) {
    if (!is_number(a) || !is_number(b))
        return "an operand of arithmetic is no number";
    if (a->kind == C2S_SCALAR_INT && b->kind == C2S_SCALAR_INT) {
        if (b->integer == 0 && (op == '/' || op == '%'))
            return "a division by zero";
        *out = c2s_scalar_int(combine_ints(dims, op, a->integer, b->integer));
        return NULL;
    }
    if ((a->kind == C2S_SCALAR_INT && !c2s_dim_is_known(a->integer)) ||
        (b->kind == C2S_SCALAR_INT && !c2s_dim_is_known(b->integer)))
        return "an extent is not known";
    *out = c2s_scalar_float(combine_floats(op, a->number, b->number), C2S_FLOAT);
    out->slack = fmax(out->slack, fmax(a->slack, b->slack));
    return NULL;
}

void c2s_term_combine(c2s_dims *dims, char op, const c2s_term *a, const c2s_term *b,
                      c2s_term *out) {
    unsigned count = a->kind == C2S_TERM_LIST ? a->count : b->count;
    for (const c2s_term *t = a; t; t = t == a ? b : NULL)
        if (t->kind != C2S_TERM_LIST && t->kind != C2S_TERM_SCALAR) {
            c2s_term_set_unknown(out, t->why ? t->why : "an operand of arithmetic is no number");
            return;
        }
    if (a->kind == C2S_TERM_LIST && b->kind == C2S_TERM_LIST && a->count != b->count) {
        c2s_term_set_unknown(out, "two lists have different lengths");
        return;
    }
    *out = (c2s_term){.count = count};
    out->kind =
        a->kind == C2S_TERM_LIST || b->kind == C2S_TERM_LIST ? C2S_TERM_LIST : C2S_TERM_SCALAR;
    for (unsigned i = 0; i < count; i++) {
        const char *why = combine_scalars(dims, op, &a->at[a->kind == C2S_TERM_LIST ? i : 0],
                                          &b->at[b->kind == C2S_TERM_LIST ? i : 0], &out->at[i]);
        if (why) {
            c2s_term_set_unknown(out, why);
            return;
        }
    }
}

/* ---- comparison ---- */

typedef enum verdict { NO, YES, OPEN } verdict;

static verdict order(char op, double a, double b) {
    switch (op) {
    case '<':
        return a < b ? YES : NO;
    case '>':
        return a > b ? YES : NO;
    case 'l':
        return a <= b ? YES : NO;
    default:
        return a >= b ? YES : NO;
    }
}

static bool are_near(const c2s_scalar *a, const c2s_scalar *b) {
    if (a->number == b->number || (isnan(a->number) && isnan(b->number)))
        return true;
    double slack = fmax(a->slack, b->slack);
    return isfinite(a->number) && isfinite(b->number) &&
           fabs(a->number - b->number) <= slack * fmax(fabs(a->number), fabs(b->number));
}

static verdict compare_scalars(char op, const c2s_scalar *a, const c2s_scalar *b) {
    bool ints = a->kind == C2S_SCALAR_INT && b->kind == C2S_SCALAR_INT;
    if (is_number(a) && is_number(b)) {
        if (ints && op == '=' && a->integer == b->integer)
            return YES;
        if ((a->kind == C2S_SCALAR_INT && !c2s_dim_is_known(a->integer)) ||
            (b->kind == C2S_SCALAR_INT && !c2s_dim_is_known(b->integer)))
            return ints && a->integer == b->integer ? order(op, 0, 0) : OPEN;
        if (op == '=')
            return ints ? NO : are_near(a, b) ? YES : NO;
        if (ints) /* exactly, also beyond what a double holds */
            return order(op, (double)((a->integer > b->integer) - (a->integer < b->integer)), 0);
        return order(op, a->number, b->number);
    }
    if (op == '=' && a->kind == C2S_SCALAR_DTYPE && b->kind == C2S_SCALAR_INT)
        return b->integer == (int64_t)a->dtype ? YES : NO; /* as attributes have element types */
    if (op == '=' && a->kind == C2S_SCALAR_INT && b->kind == C2S_SCALAR_DTYPE)
        return a->integer == (int64_t)b->dtype ? YES : NO;
    if (op != '=' || a->kind != b->kind)
        return op == '=' ? NO : OPEN;
    if (a->kind == C2S_SCALAR_DTYPE)
        return a->dtype == b->dtype ? YES : NO;
    return a->text.size == b->text.size &&
                   (a->text.size == 0 || memcmp(a->text.data, b->text.data, a->text.size) == 0)
               ? YES
               : NO;
}

static unsigned long term_count(const c2s_term *t) {
    return t->kind == C2S_TERM_CONTENT ? t->content->count : t->count;
}

static c2s_scalar term_at(const c2s_term *t, size_t i) {
    return t->kind == C2S_TERM_CONTENT ? c2s_scalar_of(t->content, i)
                                       : t->at[t->kind == C2S_TERM_LIST ? i : 0];
}

/* A list compares with a number by all of its elements, with a list one by one. */
static verdict compare_terms(char op, const c2s_term *a, const c2s_term *b) {
    size_t count = a->kind == C2S_TERM_SCALAR ? term_count(b) : term_count(a);
    if (a->kind != C2S_TERM_SCALAR && b->kind != C2S_TERM_SCALAR && term_count(a) != term_count(b))
        return op == '=' ? NO : OPEN;
    if (a->kind == C2S_TERM_CONTENT && b->kind == C2S_TERM_CONTENT &&
        !c2s_type_equal(&a->content->type, &b->content->type))
        return op == '=' ? NO : OPEN;
    verdict all = YES;
    for (size_t i = 0; i < count && all != NO; i++) {
        c2s_scalar x = term_at(a, i), y = term_at(b, i);
        verdict one = compare_scalars(op, &x, &y);
        all = one == YES ? all : one;
    }
    return all;
}

static verdict is_in(const c2s_term *a, const c2s_term *list) {
    verdict found = NO;
    for (unsigned i = 0; i < list->count && found != YES; i++) {
        verdict one = compare_scalars('=', &a->at[0], &list->at[i]);
        found = one == NO ? found : one;
    }
    return found;
}

void c2s_term_compare(char op, const c2s_term *a, const c2s_term *b, c2s_term *out) {
    for (const c2s_term *t = a; t; t = t == a ? b : NULL)
        if (t->kind == C2S_TERM_UNKNOWN || t->kind == C2S_TERM_TRUTH) {
            c2s_term_set_unknown(out, t->why ? t->why : "a truth value cannot be compared");
            return;
        }
    verdict v = OPEN;
    if (op != 'i')
        v = compare_terms(op == '#' ? '=' : op, a, b);
    else if (a->kind == C2S_TERM_SCALAR && b->kind == C2S_TERM_LIST)
        v = is_in(a, b);
    if (op == '#' && v != OPEN)
        v = v == YES ? NO : YES;
    if (v == OPEN)
        c2s_term_set_unknown(out, "that cannot be told");
    else
        c2s_term_set_truth(out, v == YES);
}

/* ---- numbers ---- */

bool c2s_term_is_whole(const c2s_term *t) {
    for (unsigned i = 0; i < t->count; i++)
        if (t->at[i].kind != C2S_SCALAR_INT)
            return false;
    return true;
}

bool c2s_term_fits(const c2s_term *t, c2s_dtype dtype) {
    bool floats = c2s_dtype_is_float(dtype);
    if (!floats && !c2s_dtype_is_integer(dtype) && dtype != C2S_BOOL)
        return false;
    for (unsigned i = 0; i < t->count; i++) {
        const c2s_scalar *a = &t->at[i];
        if (a->kind == C2S_SCALAR_INT
                ? !c2s_dim_is_known(a->integer)
                : a->kind != C2S_SCALAR_FLOAT || (!floats && a->number != rint(a->number)))
            return false;
    }
    return true;
}

/* ---- text ---- */

static void append(char *buffer, size_t size, const char *text) {
    size_t length = strlen(buffer);
    snprintf(buffer + length, size - length, "%s", text);
}

static void append_scalar(c2s_dims *dims, const c2s_scalar *a, char *buffer, size_t size) {
    char text[80];
    if (a->kind == C2S_SCALAR_INT)
        snprintf(text, sizeof text, "%s", c2s_dim_text(dims, a->integer));
    else if (a->kind == C2S_SCALAR_FLOAT)
        snprintf(text, sizeof text, "%.7g", a->number);
    else if (a->kind == C2S_SCALAR_DTYPE)
        snprintf(text, sizeof text, "%s", c2s_dtype_name(a->dtype));
    else
        snprintf(text, sizeof text, "\"%.*s\"", (int)(a->text.size < 60 ? a->text.size : 60),
                 a->text.size ? a->text.data : "");
    append(buffer, size, text);
}

const char *c2s_term_text(c2s_dims *dims, const c2s_term *t, char *buffer, size_t size) {
    buffer[0] = '\0';
    if (t->kind == C2S_TERM_UNKNOWN)
        append(buffer, size, "unknown");
    else if (t->kind == C2S_TERM_TRUTH)
        append(buffer, size, t->truth ? "true" : "false");
    else if (t->kind == C2S_TERM_CONTENT)
        append(buffer, size, "a tensor");
    else if (t->kind == C2S_TERM_SCALAR)
        append_scalar(dims, &t->at[0], buffer, size);
    if (t->kind != C2S_TERM_LIST)
        return buffer;
    for (unsigned i = 0; i < t->count; i++) {
        append(buffer, size, i ? ", " : "[");
        append_scalar(dims, &t->at[i], buffer, size);
    }
    append(buffer, size, t->count ? "]" : "[]");
    return buffer;
}
