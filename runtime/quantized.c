/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/quantized.h"

#include <math.h>
#include <string.h>

#include "base/log.h"
#include "ops/quant_range.h"
#include "runtime/dnnl_eltwise.h"
#include "runtime/layout.h"
#include "runtime/plan.h"

/* ---- operators ---- */

/* Where the inputs are: integers, scale, zero point; of `bias` integers alone. */
typedef struct served {
    const char *type, *domain;
    const c2s_kernel_family *family;
    bool coded;       /* QLinear: inputs are as follows; else those of the operator on floats */
    signed char x[2]; /* first of three inputs */
    signed char bias, y;
} served;

static const served operators[] = {
    {"Add", "", &c2s_kernels_quantized_binary, false, {0}, 0, 0},
    {"AveragePool", "", &c2s_kernels_quantized_pool, false, {0}, 0, 0},
    {"Concat", "", &c2s_kernels_quantized_concat, false, {0}, 0, 0},
    {"Conv", "", &c2s_kernels_quantized_conv, false, {0}, 0, 0},
    {"Gemm", "", &c2s_kernels_quantized_matmul, false, {0}, 0, 0},
    {"GlobalAveragePool", "", &c2s_kernels_quantized_pool, false, {0}, 0, 0},
    {"GlobalMaxPool", "", &c2s_kernels_quantized_pool, false, {0}, 0, 0},
    {"MatMul", "", &c2s_kernels_quantized_matmul, false, {0}, 0, 0},
    {"MaxPool", "", &c2s_kernels_quantized_pool, false, {0}, 0, 0},
    {"Mul", "", &c2s_kernels_quantized_binary, false, {0}, 0, 0},
    {"QLinearAdd", "com.microsoft", &c2s_kernels_quantized_binary, true, {0, 3}, -1, 6},
    {"QLinearConv", "", &c2s_kernels_quantized_conv, true, {0, 3}, 8, 6},
    {"QLinearMatMul", "", &c2s_kernels_quantized_matmul, true, {0, 3}, -1, 6},
    {"QLinearMul", "com.microsoft", &c2s_kernels_quantized_binary, true, {0, 3}, -1, 6},
    {"Sub", "", &c2s_kernels_quantized_binary, false, {0}, 0, 0},
};

static const served *operator_of(const c2s_node *node) {
    for (size_t i = 0; i < sizeof operators / sizeof *operators; i++)
        if (strcmp(operators[i].type, node->type) == 0 &&
            strcmp(operators[i].domain, node->domain) == 0)
            return &operators[i];
    return NULL;
}

/* ---- codes ---- */

static bool is_quantize(const c2s_node *node) {
    return node->op == &c2s_op_quantize_linear || node->op == &c2s_op_ms_quantize_linear;
}

static bool is_dequantize(const c2s_node *node) {
    return node->op == &c2s_op_dequantize_linear || node->op == &c2s_op_ms_dequantize_linear;
}

int c2s_codes_zero(const c2s_codes *codes, size_t index) {
    if (!codes->zero)
        return 0;
    int64_t value = 0;
    c2s_tensor_i64_at(codes->zero, codes->zero->count > 1 ? index : 0, &value);
    return (int)value;
}

static bool is_code_type(c2s_dtype dtype) {
    return dtype == C2S_UINT8 || dtype == C2S_INT8 || dtype == C2S_INT32;
}

static bool are_good_scales(const c2s_tensor *scale) {
    if (!scale || scale->type.dtype != C2S_FLOAT || scale->count == 0)
        return false;
    const float *s = c2s_tensor_data(scale);
    for (size_t k = 0; k < scale->count; k++)
        if (!(s[k] > 0 && s[k] <= 1e30f && s[k] >= 1e-30f))
            return false;
    return true;
}

/* Scale and zero point (NULL: 0) of `slot`; false if they are not what kernels know. */
static bool set_codes(c2s_codes *out, c2s_slot *slot, const c2s_tensor *scale,
                      const c2s_tensor *zero, int64_t axis) {
    const c2s_type *type = &slot->type;
    if (!c2s_type_is_tensor(type) || !c2s_type_is_static(type) || !is_code_type(type->dtype) ||
        !are_good_scales(scale) ||
        (zero &&
         (zero->type.dtype != type->dtype || (zero->count != 1 && zero->count != scale->count))))
        return false;
    axis += axis < 0 ? type->rank : 0;
    if (scale->count > 1 && (scale->type.rank != 1 || axis < 0 || axis >= type->rank ||
                             type->dim[axis] != (int64_t)scale->count))
        return false;
    out->slot = slot;
    out->scale = c2s_tensor_data(scale);
    out->zero = zero;
    out->count = scale->count;
    out->axis = scale->count > 1 ? (int)axis : 0;
    return true;
}

/* The constant behind input `input`; false if it is given and no constant. */
static bool constant_or_none(const c2s_step *step, unsigned input, const c2s_tensor **out) {
    *out = c2s_step_constant(step, input);
    return *out || !c2s_step_has(step, input);
}

/* What the step (DequantizeLinear) makes floats of. */
static bool codes_of_dequantizer(const c2s_step *step, c2s_codes *out) {
    const c2s_tensor *zero;
    return c2s_step_has(step, 0) && constant_or_none(step, 2, &zero) &&
           c2s_attr_int(step->node, "block_size", 0) == 0 &&
           set_codes(out, step->in[0]->base, c2s_step_constant(step, 1), zero,
                     c2s_attr_int(step->node, "axis", 1));
}

float c2s_dequantized_most(const c2s_step *step) {
    c2s_codes codes;
    float least, most, largest = 0;
    if (!codes_of_dequantizer(step, &codes))
        return INFINITY;
    c2s_quant_range(codes.slot->type.dtype, &least, &most);
    for (size_t k = 0; k < codes.count; k++) {
        float zero = (float)c2s_codes_zero(&codes, k);
        largest = fmaxf(largest, codes.scale[k] * fmaxf(most - zero, zero - least));
    }
    return largest;
}

bool c2s_quantized_is_plain(const c2s_step *step, unsigned input) {
    const c2s_codes *x = &step->quantized->x[input];
    return x->slot && x->slot->type.dtype != C2S_INT32 && x->count == 1;
}

/* ---- deferring ---- */

/* All readers of the value may compute on the integers behind it. */
static bool all_readers_serve(const c2s_value *value) {
    const c2s_use *use = value->uses;
    for (unsigned k = 0; k < value->use_count; k++, use = use->next)
        if (!use->user->op || !operator_of(use->user) || operator_of(use->user)->coded)
            return false;
    return value->use_count > 0;
}

bool c2s_quantized_defers(c2s_step *step) {
    c2s_codes codes = {0};
    if (!is_dequantize(step->node) || !c2s_step_wants(step, 0) ||
        step->plan->context->options.simulate_quantized || !codes_of_dequantizer(step, &codes) ||
        step->out[0]->type.dtype != C2S_FLOAT)
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

/* The quantizer's parameters: one scale for all. */
static bool set_result(c2s_quantized *q, const c2s_type *type, const c2s_tensor *scale,
                       const c2s_tensor *zero) {
    c2s_codes y = {0};
    c2s_slot stand_in = {.type = *type};
    if (type->dtype == C2S_INT32 || !set_codes(&y, &stand_in, scale, zero, 0) || y.count != 1)
        return false;
    q->requantizes = true;
    q->scale = y.scale[0];
    q->zero = c2s_codes_zero(&y, 0);
    return true;
}

static bool read_quantizer(const c2s_step *step, c2s_quantized *q) {
    const c2s_tensor *zero;
    return is_quantize(step->node) && c2s_step_wants(step, 0) && constant_or_none(step, 2, &zero) &&
           c2s_attr_int(step->node, "precision", C2S_FLOAT) == C2S_FLOAT &&
           c2s_attr_int(step->node, "block_size", 0) == 0 &&
           set_result(q, &step->out[0]->type, c2s_step_constant(step, 1), zero);
}

static c2s_step *only_reader(const c2s_slot *value) {
    if (value->kept || value->observed || value->reader_count != 1)
        return NULL;
    c2s_step *user = value->reader[0];
    return user->late || user->inside || user->folded || user->group || user->out_count != 1 ||
                   !user->out[0] || !user->in[0] || user->in[0]->base != value
               ? NULL
               : user;
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
        const c2s_step *user = only_reader(value);
        if (!user)
            return;
        posts[k] = (c2s_post){.kind = -1, .node = {user->node}, .node_count = 1};
        if (!read_quantizer(user, &found) && !passes(user, &found))
            return;
        value = user->out[0];
        if (!found.requantizes)
            continue;
        *step->quantized = found;
        step->post_count = k + 1;
        step->posts = c2s_arena_array(step->plan->arena, k + 1, sizeof *step->posts);
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

/* ---- finding operands ---- */

static void take_codes(c2s_step *step, c2s_quantized *q) {
    for (unsigned k = 0; k < step->node->formal_count; k++) {
        c2s_codes *x = &q->x[k];
        x->input = k;
        if (step->in[k] && step->in[k]->base->dequantizer &&
            codes_of_dequantizer(step->in[k]->base->dequantizer, x))
            step->in[k] = x->slot;
    }
}

/* QLinear: integers, scale and zero point stand side by side. */
static bool take_coded(c2s_step *step, const served *op, c2s_quantized *q) {
    const c2s_tensor *zero;
    for (unsigned k = 0; k < 2; k++) {
        unsigned at = (unsigned)op->x[k];
        q->x[k].input = at;
        if (!c2s_step_has(step, at) || !constant_or_none(step, at + 2, &zero))
            return false;
        const c2s_tensor *scale = c2s_step_constant(step, at + 1);
        /* of weights: per output channel, which is the first axis, or of a matrix the last */
        int axis = op->family == &c2s_kernels_quantized_conv ? 0 : -1;
        if (!set_codes(&q->x[k], step->in[at]->base, scale, zero, axis))
            return false;
    }
    if (op->bias > 0 && c2s_step_has(step, (unsigned)op->bias)) {
        q->x[2].input = (unsigned)op->bias;
        q->x[2].slot = step->in[(unsigned)op->bias]->base;
    }
    unsigned y = (unsigned)op->y;
    return constant_or_none(step, y + 1, &zero) &&
           set_result(q, &step->out[0]->type, c2s_step_constant(step, y), zero);
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

static bool attempt_family(c2s_step *step, const served *op) {
    begin(step);
    if (op->coded && !take_coded(step, op, step->quantized))
        return false;
    if (!op->coded) {
        take_codes(step, step->quantized);
        find_quantizer(step, add_clamp);
    }
    return op->family->accepts(step) && try(step, op->family);
}

/* Functions of one number have 256 results. */
static bool attempt_table(c2s_step *step) {
    bool quantizes = is_quantize(step->node);
    begin(step);
    if (quantizes ? !read_quantizer(step, step->quantized) : !is_function(step))
        return false;
    take_codes(step, step->quantized);
    if (!c2s_quantized_is_plain(step, 0))
        return false;
    if (!quantizes)
        find_quantizer(step, is_function_behind);
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
    take_codes(step, step->quantized);
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
    const served *op = operator_of(step->node);
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
