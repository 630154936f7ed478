/* SPDX-License-Identifier: Apache-2.0
 *
 * Gelu as exporters write it: products, in any order, of x, a constant, and 1 + erf(x / sqrt(2)) or
 * 1 + tanh(sqrt(2 / pi) * (x + 0.044715 * x^3)).
 */
#include "ops/op.h"
#include "runtime/dnnl_compat.h"
#include "runtime/groups.h"

/* A product without its constants. */
typedef struct product {
    double constant;
    c2s_slot *factor[4];
    unsigned count;
} product;

/* Takes products apart whose results nobody else reads. */
static bool flatten(c2s_draft *draft, c2s_slot *value, bool is_root, product *p) {
    float number;
    if (c2s_slot_number(value, &number)) {
        p->constant *= (double)number;
        return true;
    }
    c2s_step *step = NULL;
    if (is_root || value->reader_count == 1)
        step = c2s_draft_take(draft, value, &c2s_op_mul);
    if (step && step->in_count == 2)
        return flatten(draft, step->in[0], false, p) && flatten(draft, step->in[1], false, p);
    if (value->reader_count == 1 && c2s_draft_take(draft, value, &c2s_op_div)) {
        step = value->definer;
        if (!c2s_slot_number(step->in[1], &number) || number == 0)
            return false;
        p->constant /= (double)number;
        return flatten(draft, step->in[0], false, p);
    }
    if (p->count == sizeof p->factor / sizeof *p->factor)
        return false;
    p->factor[p->count++] = value;
    return true;
}

/* The value to which 1 is added; NULL: `sum` is something else. */
static c2s_slot *above_one(c2s_draft *draft, const c2s_slot *sum) {
    c2s_step *step = c2s_draft_take(draft, sum, &c2s_op_add);
    float one;
    for (unsigned i = 0; step && step->in_count == 2 && i < 2; i++)
        if (c2s_slot_number(step->in[i], &one) && one == 1)
            return step->in[1 - i];
    return NULL;
}

/* `value` is constant * x. */
static bool is_multiple(c2s_draft *draft, c2s_slot *value, const c2s_slot *x, double constant) {
    product p = {.constant = 1};
    return flatten(draft, value, false, &p) && p.count == 1 && p.factor[0] == x &&
           c2s_is_about((float)p.constant, constant);
}

/* `value` is 0.044715 * x^3. */
static bool is_cube(c2s_draft *draft, c2s_slot *value, const c2s_slot *x) {
    product p = {.constant = 1};
    float power;
    if (!flatten(draft, value, false, &p) || !c2s_is_about((float)p.constant, 0.044715))
        return false;
    if (p.count == 1) {
        c2s_step *step = c2s_draft_take(draft, p.factor[0], &c2s_op_pow);
        return step && step->in[0] == x && c2s_slot_number(step->in[1], &power) && power == 3;
    }
    return p.count == 3 && p.factor[0] == x && p.factor[1] == x && p.factor[2] == x;
}

/* `value` is sqrt(2 / pi) * (x + 0.044715 * x^3). */
static bool is_tanh_argument(c2s_draft *draft, c2s_slot *value, const c2s_slot *x) {
    product p = {.constant = 1};
    if (!flatten(draft, value, false, &p) || p.count != 1 ||
        !c2s_is_about((float)p.constant, 0.79788456080286536))
        return false;
    c2s_step *sum = c2s_draft_take(draft, p.factor[0], &c2s_op_add);
    c2s_slot *cube = sum ? c2s_other_operand(sum, x) : NULL;
    return cube && is_cube(draft, cube, x);
}

static bool is_gate(c2s_draft *draft, c2s_slot *gate, c2s_slot *x, int *kind) {
    c2s_slot *curve = above_one(draft, gate);
    c2s_step *step = curve ? c2s_draft_take(draft, curve, &c2s_op_erf) : NULL;
    *kind = dnnl_eltwise_gelu_erf;
    if (step)
        return is_multiple(draft, step->in[0], x, 0.70710678118654752);
    step = curve ? c2s_draft_take(draft, curve, &c2s_op_tanh) : NULL;
    *kind = dnnl_eltwise_gelu_tanh;
    return step && is_tanh_argument(draft, step->in[0], x);
}

bool c2s_match_gelu(c2s_step *root, c2s_draft *draft) {
    product p = {.constant = 1};
    if (root->node->op != &c2s_op_mul || !flatten(draft, root->out[0], true, &p) || p.count != 2)
        return false;
    c2s_draft start = *draft;
    for (unsigned i = 0; i < 2; i++, *draft = start) {
        c2s_slot *x = p.factor[1 - i];
        int kind;
        if (!is_gate(draft, p.factor[i], x, &kind))
            continue;
        draft->group.kernel = &c2s_kernels_gelu;
        draft->group.is_post = true;
        draft->group.post =
            (c2s_post){.kind = kind, .factor = (float)(2 * p.constant), .drops_nan = true};
        c2s_draft_input(draft, x);
        return true;
    }
    return false;
}
