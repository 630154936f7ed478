/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/quantized_operands.h"

#include <math.h>
#include <string.h>

#include "base/log.h"
#include "ops/quant_range.h"
#include "runtime/dnnl_eltwise.h"
#include "runtime/layout.h"
#include "runtime/plan.h"
#include "runtime/quantized_gate.h"

/* ---- deferring ---- */

static bool takes_floats(const c2s_node *node) {
    const c2s_quantized_operator *op = c2s_quantized_operator_of(node);
    return op && op->form == C2S_FORM_FLOATS;
}

/* All readers of the value may compute on the integers behind it. */
static bool all_readers_serve(const c2s_value *value) {
    const c2s_use *use = value->uses;
    for (unsigned k = 0; k < value->use_count; k++, use = use->next)
        if (!use->user->op || !takes_floats(use->user))
            return false;
    return value->use_count > 0;
}

bool c2s_quantized_defers(c2s_step *step) {
    c2s_codes codes = {0};
    if (!c2s_step_dequantizes(step) || !c2s_step_wants(step, 0) ||
        step->plan->context->options.simulate_quantized ||
        !c2s_codes_of_dequantizer(step, &codes) || step->out[0]->type.dtype != C2S_FLOAT)
        return false;
    step->out[0]->dequantizer = step;
    return !step->out[0]->observed && all_readers_serve(step->out[0]->value);
}

/* ---- what becomes of the result ---- */

/* Narrows the clamp by that of `user`; false if it is none. */
static bool add_clamp(const c2s_step *user, c2s_quantized *q) {
    float low = 0, high = INFINITY;
    if (user->node->op != &c2s_op_relu) {
        c2s_eltwise f;
        if (user->node->op != &c2s_op_clip || !c2s_eltwise_of(user, &f))
            return false;
        low = f.alpha;
        high = f.beta;
    }
    q->low = fminf(fmaxf(q->low, low), high);
    q->high = fminf(fmaxf(q->high, low), high);
    return true;
}

/* A function of single elements of input 0; what else there is, is a constant number. */
static bool is_function(const c2s_step *step) {
    if (!(step->node->op->flags & C2S_OP_ELEMENTWISE) || c2s_node_is_random(step->node) ||
        step->out_count != 1 || !step->out[0] || !c2s_step_has(step, 0) ||
        !c2s_type_is_tensor(&step->out[0]->type) || !c2s_type_is_static(&step->out[0]->type))
        return false;
    for (unsigned k = 1; k < step->in_count; k++)
        if (step->in[k] && !(step->in[k]->constant && step->in[k]->constant->count == 1 &&
                             step->in[k]->constant->type.rank <= 1))
            return false;
    return true;
}

static bool is_function_behind(const c2s_step *user, c2s_quantized *q) {
    (void)q;
    return is_function(user);
}

/* What `passes` and the QuantizeLinear behind it become posts of the step; none without the
 * latter. */
static void find_quantizer(c2s_step *step, bool (*passes)(const c2s_step *, c2s_quantized *)) {
    c2s_post posts[C2S_MOST_POSTS];
    c2s_quantized found = *step->quantized;
    const c2s_slot *value = step->out[0];
    for (unsigned k = 0; k < C2S_MOST_POSTS; k++) {
        const c2s_step *user = c2s_only_first_reader(value);
        if (!user)
            return;
        posts[k] = (c2s_post){.kind = -1, .node = {user->node}, .node_count = 1};
        if (!c2s_quantizer_read(user, &found) && !passes(user, &found))
            return;
        value = user->out[0];
        if (!found.requantizes)
            continue;
        *step->quantized = found;
        step->post_count = k + 1;
        step->posts = c2s_arena_array(step->plan->arena, C2S_MOST_POSTS, sizeof *step->posts);
        memcpy(step->posts, posts, (k + 1) * sizeof *posts);
        step->out[0] = user->out[0];
        return;
    }
}

void c2s_quantized_bounds(const c2s_step *step, float *low, float *high) {
    const c2s_quantized *q = step->quantized;
    float least, most;
    c2s_quant_range(step->out[0]->type.dtype, &least, &most);
    *low = fminf(fmaxf(rintf(q->low / q->scale), least - (float)q->zero), most - (float)q->zero);
    *high = fminf(fmaxf(rintf(q->high / q->scale), least - (float)q->zero), most - (float)q->zero);
}

/* ---- preparing ---- */

static void begin(c2s_step *step) {
    c2s_quantized *q = c2s_arena_alloc(step->plan->arena, sizeof *q);
    unsigned count = step->node->formal_count;
    q->x = c2s_arena_array(step->plan->arena, count > 3 ? count : 3, sizeof *q->x);
    q->low = -INFINITY;
    q->high = INFINITY;
    q->floats = (void *)c2s_arena_memdup(step->plan->arena, step->in, count * sizeof *step->in);
    step->quantized = q;
}

static void forget(c2s_step *step, size_t orders) {
    c2s_plan_drop(step->plan, orders);
    memcpy(step->in, step->quantized->floats, step->node->formal_count * sizeof *step->in);
    c2s_step_reset(step);
    step->quantized = NULL;
}

static bool try(c2s_step *step, const c2s_kernel_family *family) {
    if (c2s_step_try(step, family) == C2S_OK)
        return true;
    c2s_log(2, "%s: %s", c2s_node_text(step->node), c2s_error());
    c2s_error_clear();
    return false;
}

static bool attempt_family(c2s_step *step, const c2s_quantized_operator *op) {
    begin(step);
    if (!c2s_quantized_take(step, op))
        return false;
    if (op->form == C2S_FORM_FLOATS)
        find_quantizer(step, add_clamp);
    for (size_t k = 0; k < sizeof op->family / sizeof *op->family; k++)
        if (op->family[k] && op->family[k]->accepts(step))
            return try(step, op->family[k]);
    return false;
}

/* Functions of one number have 256 results. */
static bool attempt_table(c2s_step *step) {
    bool quantizes = c2s_step_quantizes(step);
    begin(step);
    if (quantizes ? !c2s_quantizer_read(step, step->quantized) : !is_function(step))
        return false;
    c2s_quantized_take(step, NULL);
    if (!c2s_quantized_is_plain(step, 0))
        return false;
    if (!quantizes)
        find_quantizer(step, is_function_behind);
    c2s_gate_find(step);
    return step->quantized->requantizes && try(step, &c2s_kernels_quantized_table);
}

/* Where elements only move, from one tensor to another with the same scale and zero point, the
 * operator can do that with integers. */
static bool attempt_move(c2s_step *step) {
    c2s_quant_rule rule = c2s_node_quant_rule(step->node);
    if (!(step->node->op->flags & C2S_OP_MOVES_DATA) || rule.kind != C2S_QUANT_SAME ||
        rule.operands != 1 || step->node->op == &c2s_op_pad || step->out_count != 1)
        return false;
    begin(step);
    c2s_quantized_take(step, NULL);
    find_quantizer(step, add_clamp);
    c2s_quantized *q = step->quantized;
    if (!c2s_quantized_is_plain(step, 0) || !q->requantizes || step->post_count != 1 ||
        q->x[0].scale[0] != q->scale || c2s_codes_zero(&q->x[0], 0) != q->zero ||
        q->x[0].slot->type.dtype != step->out[0]->type.dtype)
        return false;
    q->moves = true;
    size_t row = 0;
    const c2s_kernel_family *kernel = c2s_kernel_next(step, &row);
    return !kernel || kernel->flags & C2S_KERNEL_POSTS || try(step, kernel);
}

static bool attempt(c2s_step *step) {
    const c2s_quantized_operator *op = c2s_quantized_operator_of(step->node);
    if (op)
        return attempt_family(step, op);
    if (!c2s_step_has(step, 0) || !step->in[0]->base->dequantizer)
        return false;
    return step->node->op->flags & C2S_OP_MOVES_DATA ? attempt_move(step) : attempt_table(step);
}

bool c2s_quantized_prepare(c2s_step *step) {
    if (step->plan->closed || step->group || step->plan->context->options.simulate_quantized ||
        !c2s_step_wants(step, 0))
        return false;
    size_t orders = step->plan->order.count;
    if (!attempt(step)) {
        if (step->quantized)
            forget(step, orders);
        return false;
    }
    const c2s_slot *value = c2s_plan_slot(step->plan, step->node->outputs[0]);
    for (unsigned k = 0; k < step->post_count; k++, value = value->reader[0]->out[0])
        value->reader[0]->inside = step;
    return true;
}

c2s_status c2s_channels_last(const c2s_type *type, c2s_layout *out) {
    static const dnnl_format_tag_t tags[] = {dnnl_nwc, dnnl_nhwc, dnnl_ndhwc};
    out->md = NULL;
    int64_t spatial = 1;
    for (int i = 2; i < type->rank; i++)
        spatial *= type->dim[i];
    if (type->rank < 3 || type->rank > 5 || spatial == 1 || type->dim[1] == 1)
        return C2S_OK;
    return c2s_dnnl_check(c2s_md_tagged(&out->md, type->rank, type->dim, c2s_dnnl_type(type->dtype),
                                        tags[type->rank - 3]),
                          "descriptor");
}
