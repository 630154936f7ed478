/* SPDX-License-Identifier: Apache-2.0 */
#include "passes/measure/channel_laws.h"

#include <math.h>

#include "ops/op.h"

/* Places at which a density is summed up, and how many deviations from the mean they reach. */
enum { PLACES = 33 };
#define REACH 4.0

static c2s_channel_law law_create(c2s_channel_laws *all, size_t count) {
    return (c2s_channel_law){count, c2s_arena_array(all->arena, count, sizeof(double)),
                             c2s_arena_array(all->arena, count, sizeof(double))};
}

static const c2s_channel_law *law_of(const c2s_channel_laws *all, const c2s_value *value) {
    const c2s_channel_law *law = value ? &all->of[value->id] : NULL;
    return law && law->count > 0 ? law : NULL;
}

/* Elements along axis 1 of a value; 0: it has none, or that is not known. */
static size_t channels_of(const c2s_value *value) {
    const c2s_type *t = &value->type;
    return c2s_type_is_tensor(t) && t->rank >= 2 && c2s_dim_is_known(t->dim[1]) && t->dim[1] > 0
               ? (size_t)t->dim[1]
               : 0;
}

/* ---- normalizations ---- */

/* Behind it, the mean is the shift and the deviation the scale, but for epsilon. */
static c2s_channel_law normalized(c2s_channel_laws *all, const c2s_node *n) {
    enum { SCALE = 1, SHIFT = 2, VARIANCE = 4 };
    const size_t count = channels_of(n->outputs[0]);
    const double epsilon = (double)c2s_attr_float(n, "epsilon", 1e-5F);
    if (count == 0 || c2s_attr_int(n, "training_mode", 0) != 0 ||
        !c2s_is_output_vector(c2s_node_in(n, SCALE), count) ||
        !c2s_is_output_vector(c2s_node_in(n, SHIFT), count) ||
        !c2s_is_output_vector(c2s_node_in(n, VARIANCE), count))
        return (c2s_channel_law){0};
    c2s_channel_law law = law_create(all, count);
    for (size_t c = 0; c < count; c++) {
        const double scale = c2s_tensor_f64_at(c2s_node_in(n, SCALE)->constant, c);
        const double was = fmax(c2s_tensor_f64_at(c2s_node_in(n, VARIANCE)->constant, c), 0);
        law.mean[c] = c2s_tensor_f64_at(c2s_node_in(n, SHIFT)->constant, c);
        law.variance[c] = scale * scale * was / (was + epsilon);
    }
    return law;
}

/* ---- elementwise ---- */

/* The one operand that is computed, if all others are single numbers; else NULL. */
static const c2s_value *only_operand(const c2s_node *n, unsigned *slot) {
    const c2s_value *only = NULL;
    for (unsigned k = 0; k < n->formal_count; k++) {
        const c2s_value *value = n->inputs[k].value;
        if (!value || (value->constant && value->constant->count == 1))
            continue;
        if (only || value->constant)
            return NULL;
        only = value;
        *slot = k;
    }
    return only;
}

/* What the operator gives at places of every channel's density. */
static c2s_status sample_function(const c2s_node *n, unsigned slot, const c2s_channel_law *x,
                                  c2s_tensor **out) {
    const int64_t dim[] = {(int64_t)x->count, PLACES};
    const c2s_tensor *in[C2S_MAX_RANK + 1] = {0};
    c2s_tensor *places;
    C2S_TRY(c2s_tensor_create(C2S_FLOAT, 2, dim, &places));
    float *at = c2s_tensor_mutable(places);
    for (size_t c = 0; c < x->count; c++)
        for (int k = 0; k < PLACES; k++)
            at[c * PLACES + (size_t)k] =
                (float)(x->mean[c] + REACH * (2.0 * k / (PLACES - 1) - 1) * sqrt(x->variance[c]));
    for (unsigned k = 0; k < n->formal_count; k++)
        in[k] = k == slot ? places : n->inputs[k].value ? n->inputs[k].value->constant : NULL;
    const c2s_status status = c2s_node_eval(n, in, out, NULL, 0);
    c2s_tensor_unref(places);
    return status;
}

static c2s_channel_law through_function(c2s_channel_laws *all, const c2s_node *n) {
    unsigned slot = 0;
    const c2s_channel_law *x = law_of(all, only_operand(n, &slot));
    c2s_tensor *y = NULL;
    if (!x || n->formal_count > C2S_MAX_RANK || n->inputs[slot].value->type.dtype != C2S_FLOAT ||
        sample_function(n, slot, x, &y) != C2S_OK) {
        c2s_error_clear();
        return (c2s_channel_law){0};
    }
    c2s_channel_law law = law_create(all, x->count);
    double weight[PLACES], whole = 0;
    for (int k = 0; k < PLACES; k++) {
        const double z = REACH * (2.0 * k / (PLACES - 1) - 1);
        weight[k] = exp(-z * z / 2);
        whole += weight[k];
    }
    for (size_t c = 0; c < law.count; c++) {
        double sum = 0, squares = 0;
        for (size_t k = 0; k < PLACES; k++) {
            const double found = c2s_tensor_f64_at(y, c * PLACES + k);
            sum += weight[k] / whole * found;
            squares += weight[k] / whole * found * found;
        }
        law.mean[c] = sum;
        law.variance[c] = fmax(squares - sum * sum, 0);
    }
    c2s_tensor_unref(y);
    return law;
}

/* Element c of a constant that is broadcast along all axes but 1 of a value of this rank. */
static bool by_channel(const c2s_value *value, int rank, size_t count, size_t *step) {
    const c2s_type *t = &value->type;
    if (!value->constant)
        return false;
    *step = value->constant->count == 1 ? 0 : 1;
    const int axis = t->rank - rank + 1;
    return *step == 0 || (value->constant->count == count && axis >= 0 && axis < t->rank &&
                          t->dim[axis] == (int64_t)count);
}

/* Scaled or shifted channel by channel. */
static c2s_channel_law through_affine(c2s_channel_laws *all, const c2s_node *n) {
    const c2s_channel_law *x = law_of(all, c2s_node_in(n, 0));
    const c2s_value *by = c2s_node_in(n, x ? 1 : 0);
    const bool scales = n->op == &c2s_op_mul || n->op == &c2s_op_div;
    size_t step;
    x = x ? x : law_of(all, c2s_node_in(n, 1));
    if (!x || !by_channel(by, n->outputs[0]->type.rank, x->count, &step) ||
        (by == c2s_node_in(n, 0) && (n->op == &c2s_op_div || n->op == &c2s_op_sub)))
        return (c2s_channel_law){0};
    c2s_channel_law law = law_create(all, x->count);
    for (size_t c = 0; c < law.count; c++) {
        const double b = c2s_tensor_f64_at(by->constant, c * step);
        const double scale = n->op == &c2s_op_div ? 1 / b : scales ? b : 1;
        const double shift = scales ? 0 : n->op == &c2s_op_sub ? -b : b;
        law.mean[c] = scale * x->mean[c] + shift;
        law.variance[c] = scale * scale * x->variance[c];
    }
    return law;
}

static c2s_channel_law sum_of(c2s_channel_laws *all, const c2s_node *n) {
    const c2s_channel_law *a = law_of(all, c2s_node_in(n, 0)), *b = law_of(all, c2s_node_in(n, 1));
    if (!a || !b || a->count != b->count)
        return (c2s_channel_law){0};
    c2s_channel_law law = law_create(all, a->count);
    for (size_t c = 0; c < law.count; c++) {
        law.mean[c] = a->mean[c] + (n->op == &c2s_op_sub ? -b->mean[c] : b->mean[c]);
        law.variance[c] = a->variance[c] + b->variance[c];
    }
    return law;
}

/* ---- what moves channels ---- */

static c2s_channel_law concatenated(c2s_channel_laws *all, const c2s_node *n) {
    const int64_t axis = c2s_attr_int(n, "axis", 0);
    const size_t count = channels_of(n->outputs[0]);
    size_t at = 0;
    if (count == 0 || (axis != 1 && axis + n->outputs[0]->type.rank != 1))
        return (c2s_channel_law){0};
    c2s_channel_law law = law_create(all, count);
    for (unsigned k = 0; k < n->formal_count; k++) {
        const c2s_channel_law *part = law_of(all, c2s_node_in(n, k));
        if (!part || at + part->count > count)
            return (c2s_channel_law){0};
        for (size_t c = 0; c < part->count; c++, at++) {
            law.mean[at] = part->mean[c];
            law.variance[at] = part->variance[c];
        }
    }
    return at == count ? law : (c2s_channel_law){0};
}

/* Flatten, and Reshape that does the same: every channel becomes a stretch of them. */
static c2s_channel_law flattened(c2s_channel_laws *all, const c2s_node *n) {
    const c2s_channel_law *x = law_of(all, c2s_node_in(n, 0));
    const c2s_type *from = x ? &c2s_node_in(n, 0)->type : NULL, *to = &n->outputs[0]->type;
    const size_t count = channels_of(n->outputs[0]);
    if (!x || count == 0 || count % x->count != 0 || to->rank != 2 || from->dim[0] != to->dim[0])
        return (c2s_channel_law){0};
    c2s_channel_law law = law_create(all, count);
    for (size_t c = 0; c < count; c++) {
        law.mean[c] = x->mean[c / (count / x->count)];
        law.variance[c] = x->variance[c / (count / x->count)];
    }
    return law;
}

/* ---- products ---- */

const c2s_channel_law *c2s_channel_law_of_rows(const c2s_channel_laws *laws,
                                               const c2s_linear_site *s, size_t *kernel) {
    const c2s_channel_law *x = law_of(laws, s->input);
    *kernel = s->is_conv ? (size_t)c2s_window_kernel_size(&s->window) : 1;
    return x && (s->is_conv || (s->input->type.rank == 2 && !s->input_by_column)) &&
                   s->groups * s->k == x->count * *kernel
               ? x
               : NULL;
}

/* Nothing is known of a product that adds what is no number per output. */
static bool is_plain(const c2s_linear_site *s, const c2s_value *bias) {
    size_t step;
    return s->weight->constant && c2s_attr_float(s->node, "alpha", 1) == 1 &&
           c2s_attr_float(s->node, "beta", 1) == 1 &&
           (!bias || c2s_is_output_vector(bias, s->groups * s->n) ||
            by_channel(bias, 2, s->n, &step));
}

static c2s_channel_law through_product(c2s_channel_laws *all, const c2s_node *n) {
    c2s_linear_site s;
    const c2s_value *bias = c2s_node_in(n, 2);
    size_t kernel;
    const c2s_channel_law *x =
        c2s_linear_site_of(n, &s) ? NULL : c2s_channel_law_of_rows(all, &s, &kernel);
    if (!x || !is_plain(&s, bias))
        return (c2s_channel_law){0};
    c2s_channel_law law = law_create(all, s.groups * s.n);
    const size_t channels = s.k / kernel; /* of a group */
    for (size_t g = 0; g < s.groups; g++)
        for (size_t j = 0; j < s.n; j++) {
            const size_t to = g * s.n + j;
            if (bias)
                law.mean[to] =
                    c2s_tensor_f64_at(bias->constant, bias->constant->count > 1 ? to : 0);
            for (size_t i = 0; i < s.k; i++) {
                const size_t from = g * channels + i / kernel;
                const double w = c2s_tensor_f64_at(s.weight->constant,
                                                   g * s.group_step + i * s.k_step + j * s.n_step);
                law.mean[to] += w * x->mean[from];
                law.variance[to] += w * w * x->variance[from];
            }
        }
    return law;
}

/* ---- all of them ---- */

/* Pooling hardly changes what is alike at neighbouring places. */
static bool passes_on(const c2s_op *op) {
    return op == &c2s_op_identity || op == &c2s_op_dropout || op == &c2s_op_max_pool ||
           op == &c2s_op_average_pool || op == &c2s_op_global_average_pool ||
           op == &c2s_op_global_max_pool || op == &c2s_op_resize;
}

static c2s_channel_law find_law(c2s_channel_laws *all, const c2s_node *n) {
    const c2s_channel_law *x = law_of(all, c2s_node_in(n, 0));
    const c2s_op *op = n->op;
    c2s_channel_law law = {0};
    if (op == &c2s_op_batch_normalization)
        return normalized(all, n);
    if (op == &c2s_op_concat)
        return concatenated(all, n);
    if (op == &c2s_op_flatten || op == &c2s_op_reshape)
        return flattened(all, n);
    if (op == &c2s_op_conv || op == &c2s_op_gemm || op == &c2s_op_matmul)
        return through_product(all, n);
    if (passes_on(op))
        return x ? *x : law;
    if (op == &c2s_op_add || op == &c2s_op_sub || op == &c2s_op_mul || op == &c2s_op_div) {
        law = through_affine(all, n);
        return law.count > 0 || op == &c2s_op_mul || op == &c2s_op_div ? law : sum_of(all, n);
    }
    return op->flags & C2S_OP_ELEMENTWISE ? through_function(all, n) : law;
}

void c2s_channel_laws_find(const c2s_graph *graph, c2s_channel_laws *out) {
    *out = (c2s_channel_laws){.arena = c2s_arena_create()};
    out->of = c2s_arena_array(out->arena, graph->model->values.count + 1, sizeof *out->of);
    for (const c2s_node *n = graph->first; n; n = n->next) {
        if (n->output_count == 0 || !n->outputs[0])
            continue;
        const c2s_channel_law law = find_law(out, n);
        if (law.count != channels_of(n->outputs[0]))
            continue;
        out->of[n->outputs[0]->id] = law;
        out->known += law.count > 0;
    }
}

void c2s_channel_laws_free(c2s_channel_laws *laws) {
    if (laws->arena)
        c2s_arena_destroy(laws->arena);
    *laws = (c2s_channel_laws){0};
}
