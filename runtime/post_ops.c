/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/post_ops.h"

#include <math.h>
#include <string.h>

#include "runtime/dnnl_eltwise.h"
#include "runtime/dnnl_processor.h"
#include "runtime/folded_weights.h"
#include "runtime/groups.h"
#include "runtime/layout.h"
#include "runtime/range.h"

/* ---- what can be one ---- */

static bool eltwise_post(const c2s_step *user, c2s_post *out) {
    c2s_eltwise f;
    if (user->node->op == &c2s_op_relu)
        f = (c2s_eltwise){dnnl_eltwise_relu, 0, 0};
    else if (!c2s_eltwise_of(user, &f))
        return false;
    /* oneDNN's code for older processors loses NaN in these, too. */
    const bool curve = f.kind == dnnl_eltwise_logistic || f.kind == dnnl_eltwise_tanh;
    bool drops = !(f.kind == dnnl_eltwise_relu && f.alpha != 0) && f.kind != dnnl_eltwise_abs &&
                 f.kind != dnnl_eltwise_sqrt && !(curve && c2s_processor_has_avx2());
    *out = (c2s_post){.kind = (int)f.kind,
                      .alpha = f.alpha,
                      .beta = f.beta,
                      .factor = 1,
                      .drops_nan = drops,
                      .node = {user->node},
                      .node_count = 1};
    return true;
}

/* The kind of a binary operator; false if oneDNN has no such operation. */
static bool binary_of(const char *op, dnnl_alg_kind_t *kind, bool *commutes) {
    static const struct {
        const char *op;
        dnnl_alg_kind_t kind;
        bool commutes;
    } rows[] = {
        {"Add", dnnl_binary_add, true}, {"Div", dnnl_binary_div, false},
        {"Max", dnnl_binary_max, true}, {"Min", dnnl_binary_min, true},
        {"Mul", dnnl_binary_mul, true}, {"Sub", dnnl_binary_sub, false},
        {"Sum", dnnl_binary_add, true},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (strcmp(rows[i].op, op) == 0) {
            *kind = rows[i].kind;
            *commutes = rows[i].commutes;
            return true;
        }
    return false;
}

static bool binary_post(const c2s_step *user, const c2s_slot *value, c2s_post *out) {
    dnnl_alg_kind_t kind;
    bool commutes;
    if (user->node->formal_count != 2 || user->in_count != 2 || !user->in[0] || !user->in[1] ||
        !binary_of(user->node->type, &kind, &commutes))
        return false;
    bool second = user->in[1]->base == value;
    if (second && (!commutes || user->in[0]->base == value))
        return false;
    *out = (c2s_post){.kind = (int)kind,
                      .factor = 1,
                      .binary = true,
                      .operand = user->in[second ? 0 : 1]->base,
                      .drops_nan = kind == dnnl_binary_max || kind == dnnl_binary_min,
                      .node = {user->node},
                      .node_count = 1};
    return c2s_dnnl_accepts(&out->operand->type);
}

static bool keeps_type(const c2s_step *user, const c2s_slot *value) {
    return user->out_count == 1 && user->out[0] && c2s_dnnl_accepts(&value->type) &&
           c2s_type_equal(&user->out[0]->type, &value->type);
}

bool c2s_post_of(const c2s_step *user, const c2s_slot *value, c2s_post *out) {
    if (user->group) {
        *out = user->group->post;
        return user->group->is_post && keeps_type(user, value);
    }
    return user->node->domain[0] == '\0' && keeps_type(user, value) &&
           (eltwise_post(user, out) || binary_post(user, value, out) ||
            c2s_affine_post(user, value, out));
}

bool c2s_post_swish_of(const c2s_step *first, const c2s_step *second, const c2s_slot *value,
                       c2s_post *out) {
    if (first->group || second->group || first->node->op != &c2s_op_sigmoid ||
        second->node->op != &c2s_op_mul || !keeps_type(first, value) ||
        !keeps_type(second, value) || second->in_count != 2)
        return false;
    const c2s_slot *gate = first->out[0]->base, *a = second->in[0]->base, *b = second->in[1]->base;
    if (gate->reader_count != 1 || gate->kept || gate->observed ||
        !((a == value && b == gate) || (a == gate && b == value)))
        return false;
    *out = (c2s_post){.kind = (int)dnnl_eltwise_swish,
                      .alpha = 1,
                      .factor = 1,
                      .drops_nan = true,
                      .node = {first->node, second->node},
                      .node_count = 2};
    return true;
}

/* ---- ranges ---- */

static float unscaled_most(const c2s_post *post, float most) {
    float a = fabsf(post->alpha), b = fabsf(post->beta);
    switch (post->kind) {
    case C2S_POST_AFFINE:
        return most * a + b;
    case dnnl_eltwise_logistic:
    case dnnl_eltwise_tanh:
        return 1;
    case dnnl_eltwise_clip_v2:
        return fmaxf(isfinite(a) ? a : most, isfinite(b) ? b : most);
    case dnnl_eltwise_relu:
        return most * fmaxf(1, a);
    case dnnl_eltwise_elu:
        return fmaxf(most, a);
    case dnnl_eltwise_abs:
    case dnnl_eltwise_gelu_erf:
    case dnnl_eltwise_gelu_tanh:
    case dnnl_eltwise_hardswish:
    case dnnl_eltwise_swish:
        return most;
    default: /* roots of negative numbers are NaN, quotients anything */
        return C2S_RANGE_UNKNOWN;
    }
}

float c2s_post_most(const c2s_post *post, float most) {
    float found = unscaled_most(post, most);
    return found < 0 ? found : found * fabsf(post->factor);
}

float c2s_post_most_with(const c2s_post *post, float most, float operand) {
    switch (post->kind) {
    case dnnl_binary_add:
    case dnnl_binary_sub:
        return most + operand;
    case dnnl_binary_mul:
        return most * operand;
    case dnnl_binary_max:
    case dnnl_binary_min:
        return fmaxf(most, operand);
    default:
        return C2S_RANGE_UNKNOWN;
    }
}

/* ---- giving them to a primitive ---- */

c2s_post_shape c2s_post_shape_of(const c2s_step *step, const c2s_post_target *target,
                                 const c2s_slot *slot) {
    const c2s_type *type = &slot->type, *out = &step->out[0]->base->type;
    if (c2s_type_equal(type, out))
        return C2S_POST_FULL;
    int from_end = target->rank - target->channel;
    bool scalar = true;
    if (type->rank > out->rank)
        return C2S_POST_OTHER;
    for (int i = 0; i < type->rank; i++) {
        if (type->dim[i] == 1)
            continue;
        if (type->rank - i != from_end || type->dim[i] != target->dims[target->channel])
            return C2S_POST_OTHER;
        scalar = false;
    }
    return scalar ? C2S_POST_SCALAR : C2S_POST_CHANNEL;
}

bool c2s_posts_need_layout(const c2s_step *step) {
    for (unsigned k = 0; k < step->post_count; k++)
        if (step->posts[k].binary &&
            c2s_type_equal(&step->posts[k].operand->type, &step->out[0]->base->type))
            return true;
    return false;
}

static c2s_status operand_md(const c2s_step *step, const c2s_post_target *target,
                             const c2s_slot *slot, c2s_md *out) {
    int64_t dims[DNNL_MAX_NDIMS];
    switch (c2s_post_shape_of(step, target, slot)) {
    case C2S_POST_FULL:
        if (target->dst)
            return c2s_dnnl_check(c2s_md_clone(out, target->dst), "descriptor");
        return c2s_md_plain(out, target->rank, target->dims);
    case C2S_POST_CHANNEL:
    case C2S_POST_SCALAR:
        for (int i = 0; i < target->rank; i++)
            dims[i] = 1;
        if (c2s_post_shape_of(step, target, slot) == C2S_POST_CHANNEL)
            dims[target->channel] = target->dims[target->channel];
        return c2s_md_plain(out, target->rank, dims);
    case C2S_POST_OTHER:
        break;
    }
    return c2s_fail(C2S_ERR_UNSUPPORTED, "an operand is broadcast in another way");
}

/* oneDNN 2.6 computes the second of two elementwise functions of one kind with the parameters of
 * the first. */
static bool is_confused(const c2s_step *step, unsigned k) {
    const c2s_post *post = &step->posts[k];
    for (const c2s_post *other = step->posts; other < post; other++)
        if (!other->binary && other->kind == post->kind &&
            (other->alpha != post->alpha || other->beta != post->beta))
            return true;
    return false;
}

c2s_status c2s_posts_append(const c2s_step *step, const c2s_post_target *target,
                            dnnl_post_ops_t ops) {
    for (unsigned k = step->folded_posts; k < step->post_count; k++) {
        const c2s_post *post = &step->posts[k];
        if (post->kind == C2S_POST_AFFINE)
            return c2s_fail(C2S_ERR_UNSUPPORTED, "a normalization is not next to the weights");
        if (post->factor != 1)
            return c2s_fail(C2S_ERR_UNSUPPORTED, "a post-operation is scaled");
        if (!post->binary) {
            if (is_confused(step, k))
                return c2s_fail(C2S_ERR_UNSUPPORTED, "two functions of one kind");
            C2S_TRY(c2s_dnnl_check(
                c2s_post_ops_eltwise(ops, (dnnl_alg_kind_t)post->kind, post->alpha, post->beta),
                "post-operation"));
            continue;
        }
        c2s_md md;
        C2S_TRY(operand_md(step, target, post->operand, &md));
        dnnl_status_t status = dnnl_post_ops_append_binary(ops, (dnnl_alg_kind_t)post->kind, md);
        c2s_md_free(md);
        C2S_TRY(c2s_dnnl_check(status, "post-operation"));
    }
    return C2S_OK;
}

c2s_status c2s_posts_attr(const c2s_step *step, const c2s_post_target *target,
                          dnnl_primitive_attr_t *out) {
    dnnl_post_ops_t ops = NULL;
    *out = NULL;
    C2S_TRY(c2s_dnnl_check(dnnl_post_ops_create(&ops), "post-operations"));
    c2s_status status = c2s_posts_append(step, target, ops);
    if (status == C2S_OK)
        status = c2s_dnnl_attr_of(step, ops, out);
    dnnl_post_ops_destroy(ops);
    return status;
}

static c2s_status bind_operand(c2s_primitive *p, c2s_step *step, const c2s_post_target *target,
                               int arg, unsigned input) {
    const c2s_slot *slot = step->in[input];
    bool full = c2s_post_shape_of(step, target, slot) == C2S_POST_FULL;
    c2s_md md, plain;
    C2S_TRY(c2s_md_of(&plain, &slot->type));
    bool same = !full || !target->dst || dnnl_memory_desc_equal(plain, target->dst);
    c2s_md_free(plain);
    C2S_TRY(operand_md(step, target, slot, &md));
    c2s_status status = c2s_step_take(step, input, same ? NULL : target->dst);
    if (status == C2S_OK)
        status = c2s_primitive_form(p, arg, false, input, md);
    c2s_md_free(md);
    return status;
}

c2s_status c2s_posts_bind(c2s_primitive *p, c2s_step *step, const c2s_post_target *target,
                          int first) {
    unsigned input = step->own_count;
    first -= (int)step->folded_posts;
    for (unsigned k = 0; k < step->post_count; k++) {
        if (!step->posts[k].binary)
            continue;
        if (k >= step->folded_posts)
            C2S_TRY(bind_operand(p, step, target,
                                 DNNL_ARG_ATTR_MULTIPLE_POST_OP(first + (int)k) | DNNL_ARG_SRC_1,
                                 input));
        input++;
    }
    return C2S_OK;
}
