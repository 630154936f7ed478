/* SPDX-License-Identifier: Apache-2.0 */
/* Random convolution networks against the plain evaluator: layouts, what kernels carry out for the
 * nodes behind them, shared memory, NaN and infinity. */
#include "unit/make_graph.h"

#include "base/random.h"
#include "eval/compare.h"
#include "runtime/dnnl_processor.h"
#include "runtime/session.h"
#include "unit/retyped.h"

enum { ROUNDS = 120, MOST_VALUES = 40 };

typedef struct network {
    c2s_random random;
    c2s_model *model;
    c2s_value *value[MOST_VALUES]; /* [n, channels, h, w] */
    unsigned count;
} network;

static int64_t pick(network *t, int64_t low, int64_t high) {
    return c2s_random_integer(&t->random, low, high);
}

static c2s_value *any_value(network *t) { /* mostly a late one: long chains */
    unsigned back = (unsigned)pick(t, 0, pick(t, 0, 2) ? 1 : (int64_t)t->count - 1);
    return t->value[back < t->count ? t->count - 1 - back : 0];
}

static c2s_value *weight(network *t, int rank, const int64_t *dim, double scale) {
    c2s_tensor *tensor;
    assert_int_equal(c2s_tensor_create(C2S_FLOAT, rank, dim, &tensor), C2S_OK);
    for (size_t k = 0; k < tensor->count; k++)
        ((float *)c2s_tensor_mutable(tensor))[k] =
            (float)(scale * (2 * c2s_random_uniform(&t->random) - 1));
    return c2s_value_constant(t->model->graph, "w", tensor);
}

static c2s_value *add_conv(network *t, c2s_value *x) {
    static const int64_t channels[] = {3, 4, 8, 12, 16, 24, 32};
    int64_t in = x->type.dim[1], out = channels[pick(t, 0, 6)], kernel = pick(t, 0, 1) ? 1 : 3;
    if (x->type.dim[2] > 9 && pick(t, 0, 3) == 0)
        kernel = 9; /* reaches far beyond the border */
    bool depthwise = pick(t, 0, 4) == 0;
    int64_t groups = depthwise ? in : in % 4 == 0 && out % 4 == 0 && pick(t, 0, 2) == 0 ? 4 : 1;
    if (depthwise)
        out = in;
    int64_t w[4] = {out, in / groups, kernel, kernel},
            pads[4] = {kernel / 2, kernel / 2, kernel / 2, kernel / 2};
    int64_t stride = x->type.dim[2] > 4 && pick(t, 0, 4) == 0 ? 2 : 1,
            strides[2] = {stride, stride};
    c2s_value *bias = pick(t, 0, 1) ? weight(t, 1, &out, 0.5) : NULL;
    c2s_node *n =
        bias ? NODE(t->model, "Conv", x, weight(t, 4, w, 1.5 / (double)(w[1] * kernel)), bias)
             : NODE(t->model, "Conv", x, weight(t, 4, w, 1.5 / (double)(w[1] * kernel)));
    c2s_attr_set_ints(n, "pads", pads, 4);
    c2s_attr_set_ints(n, "strides", strides, 2);
    c2s_attr_set_int(n, "group", groups);
    return make_infer(n);
}

static c2s_value *add_deconv(network *t, c2s_value *x) {
    int64_t in = x->type.dim[1], w[4] = {in, pick(t, 1, 9), 2, 2}, strides[2] = {2, 2};
    c2s_node *n = NODE(t->model, "ConvTranspose", x, weight(t, 4, w, 1.5 / (double)in));
    c2s_attr_set_ints(n, "strides", strides, 2);
    return make_infer(n);
}

/* To twice the size, as upsampling or as what undoes a stride. */
static c2s_value *add_larger(network *t, c2s_value *x) {
    if (pick(t, 0, 1))
        return add_deconv(t, x);
    static const char *const modes[] = {"half_pixel", "align_corners", "asymmetric"};
    c2s_node *n = NODE(t->model, "Resize", x, NULL, NULL,
                       INTS(t->model, "sizes", x->type.dim[0], x->type.dim[1], 2 * x->type.dim[2],
                            2 * x->type.dim[3]));
    c2s_attr_set_string(n, "mode", pick(t, 0, 2) ? "linear" : "nearest");
    c2s_attr_set_string(n, "coordinate_transformation_mode", modes[pick(t, 0, 2)]);
    return make_infer(n);
}

static c2s_value *add_unary(network *t, c2s_value *x) {
    static const char *const ops[] = {"Relu", "Sigmoid",   "Tanh", "HardSwish",
                                      "Elu",  "LeakyRelu", "Abs",  "Clip"};
    const char *op = ops[pick(t, 0, 7)];
    if (strcmp(op, "Clip") == 0)
        return OP(t->model, "Clip", x, make_scalar(t->model, "low", 0),
                  make_scalar(t->model, "high", (double)pick(t, 1, 6)));
    c2s_node *n = NODE(t->model, op, x);
    if (strcmp(op, "Elu") == 0 || strcmp(op, "LeakyRelu") == 0)
        c2s_attr_set_float(n, "alpha", 0.25f * (float)pick(t, 1, 4));
    return make_infer(n);
}

/* With a value of the same shape, if there is one, or with a number per channel. */
static c2s_value *add_binary(network *t, c2s_value *x) {
    static const char *const ops[] = {"Add", "Add", "Mul", "Sub", "Max", "Min"};
    const char *op = ops[pick(t, 0, 5)];
    for (unsigned k = 0; k < t->count && pick(t, 0, 3); k++) {
        c2s_value *other = t->value[t->count - 1 - k];
        if (other != x && c2s_type_equal(&other->type, &x->type))
            return pick(t, 0, 1) ? OP(t->model, op, x, other) : OP(t->model, op, other, x);
    }
    int64_t dim[4] = {1, x->type.dim[1], 1, 1};
    int drop = (int)pick(t, 0, 1);
    return OP(t->model, op, x, weight(t, 4 - drop, dim + drop, 1));
}

static c2s_value *add_concat(network *t, c2s_value *x) {
    c2s_value *others[2] = {x, x};
    for (unsigned k = 0; k < 2; k++) {
        c2s_value *other = any_value(t);
        if (other->type.dim[2] == x->type.dim[2])
            others[k] = other;
    }
    c2s_node *n = pick(t, 0, 1) ? NODE(t->model, "Concat", others[0], others[1])
                                : NODE(t->model, "Concat", others[0], x, others[1]);
    c2s_attr_set_int(n, "axis", 1);
    return make_infer(n);
}

static c2s_value *add_pool(network *t, c2s_value *x) {
    int64_t two[2] = {2, 2}, three[2] = {3, 3}, pads[4] = {1, 1, 1, 1};
    c2s_node *n = NODE(t->model, pick(t, 0, 1) ? "MaxPool" : "AveragePool", x);
    bool halve = x->type.dim[2] > 4 && pick(t, 0, 1);
    c2s_attr_set_ints(n, "kernel_shape", halve ? two : three, 2);
    if (halve)
        c2s_attr_set_ints(n, "strides", two, 2);
    else
        c2s_attr_set_ints(n, "pads", pads, 4);
    return make_infer(n);
}

static c2s_value *add_other(network *t, c2s_value *x) {
    int64_t channels = x->type.dim[1];
    switch (pick(t, 0, 4)) {
    case 0:
        return OP(t->model, "Mul", x, OP(t->model, "Sigmoid", x));
    case 1: /* squeeze and excite */
        return OP(t->model, "Mul", x,
                  OP(t->model, "Sigmoid", OP(t->model, "GlobalAveragePool", x)));
    case 2:
        return OP(t->model, "BatchNormalization", x, weight(t, 1, &channels, 1),
                  weight(t, 1, &channels, 1), weight(t, 1, &channels, 0.1),
                  OP(t->model, "Exp", weight(t, 1, &channels, 1)));
    case 3:
        return OP(t->model, "InstanceNormalization", x, weight(t, 1, &channels, 1),
                  weight(t, 1, &channels, 1));
    default: {
        c2s_node *n = NODE(t->model, "Transpose", x);
        c2s_attr_set_ints(n, "perm", (int64_t[]){0, 1, 3, 2}, 4);
        return make_infer(n);
    }
    }
}

static c2s_value *slice(network *t, c2s_value *x, int64_t axis, int64_t from, int64_t to) {
    return OP(t->model, "Slice", x, INTS(t->model, "starts", from), INTS(t->model, "ends", to),
              INTS(t->model, "axes", axis));
}

/* Some channels, also such as fill no blocks, or other axes with more or less than they had; the
 * sides stay equal. */
static c2s_value *add_moved(network *t, c2s_value *x) {
    int64_t channels = x->type.dim[1], unit = channels % 16 == 0 && pick(t, 0, 2) ? 8 : 1;
    int64_t from = unit * pick(t, 0, channels / unit - 1);
    int64_t to = from + unit * pick(t, 1, (channels - from) / unit);
    switch (pick(t, 0, 4)) {
    case 0:
        return slice(t, x, 1, from, to);
    case 1: { /* an output may be left out, or be read as a residual */
        if (to == channels)
            return slice(t, x, 1, from, to);
        c2s_value *sizes = INTS(t->model, "split", to, channels - to);
        c2s_node *n = c2s_node_create(t->model->graph, NULL, "", "Split", 2, 2);
        c2s_use_set(&n->inputs[0], x);
        c2s_use_set(&n->inputs[1], sizes);
        c2s_attr_set_int(n, "axis", 1);
        assert_int_equal(c2s_node_infer(n), C2S_OK);
        if (channels == 2 * to)
            return OP(t->model, "Mul", n->outputs[0], n->outputs[1]);
        return n->outputs[pick(t, 0, 1)];
    }
    case 2:
        if (x->type.dim[2] < 6)
            return slice(t, x, 1, from, to);
        return slice(t, slice(t, x, 2, 1, INT32_MAX), 3, 0, -1);
    case 3: {
        c2s_node *n = NODE(t->model, "Pad", x, INTS(t->model, "pads", 0, unit, 1, 0, 0, 0, 0, 1));
        c2s_attr_set_string(n, "mode", pick(t, 0, 1) ? "edge" : "constant");
        return make_infer(n);
    }
    default:
        return OP(t->model, "Expand", OP(t->model, "GlobalMaxPool", x),
                  INTS(t->model, "shape", 1, 1, x->type.dim[2], x->type.dim[3]));
    }
}

/* Channels shuffled between groups. */
static c2s_value *add_shuffle(network *t, c2s_value *x, int64_t groups) {
    const int64_t *dim = x->type.dim;
    c2s_value *cut = INTS(t->model, "cut", 0, groups, -1, dim[2], dim[3]),
              *back = INTS(t->model, "back", 0, dim[1], dim[2], dim[3]);
    c2s_node *n = NODE(t->model, "Transpose", OP(t->model, "Reshape", x, cut));
    c2s_attr_set_ints(n, "perm", (int64_t[]){0, 2, 1, 3, 4}, 5);
    return OP(t->model, "Reshape", make_infer(n), back);
}

static c2s_value *add_layer(network *t) {
    c2s_value *x = any_value(t);
    switch (pick(t, 0, 12)) {
    case 0:
    case 1:
    case 2:
        return x->type.dim[2] < 7 && pick(t, 0, 3) == 0 ? add_larger(t, x) : add_conv(t, x);
    case 3:
    case 4:
        return add_unary(t, x);
    case 5:
    case 6:
        return add_binary(t, x);
    case 7:
        return x->type.dim[1] > 64 ? add_unary(t, x) : add_concat(t, x);
    case 8:
        return add_pool(t, x);
    case 9:
    case 10:
        return add_moved(t, x);
    case 12: {
        int64_t channels = x->type.dim[1];
        return add_shuffle(t, x, channels % 4 == 0 ? 4 : channels % 3 == 0 ? 3 : 1);
    }
    default:
        return add_other(t, x);
    }
}

/* In another type of numbers; false if that cannot be. */
static void retype_network(network *t, c2s_dtype dtype) {
    c2s_model *model = model_retyped(t->model, dtype);
    if (!model)
        fail_msg("%s", c2s_error());
    t->value[0] = model->graph->entry->outputs[0];
    const c2s_node *from = t->model->graph->first;
    for (const c2s_node *to = model->graph->first; to; to = to->next, from = from->next)
        for (unsigned k = 1; k < t->count; k++)
            for (unsigned i = 0; i < from->output_count; i++)
                if (t->value[k] == from->outputs[i])
                    t->value[k] = to->outputs[i];
    for (unsigned k = 0; k < t->count; k++)
        assert_int_equal(t->value[k]->type.dtype, dtype);
    c2s_model_destroy(t->model);
    t->model = model;
}

static void make_network(network *t, uint64_t seed) {
    *t = (network){.random = {seed}, .model = make_model()};
    int64_t size = pick(t, 5, 12), batch = pick(t, 1, 2);
    t->value[t->count++] =
        make_input(t->model, "x", C2S_FLOAT, DIMS(batch, pick(t, 1, 16), size, size));
    int64_t layers = pick(t, 3, 30);
    for (int64_t k = 0; k < layers; k++)
        t->value[t->count] = add_layer(t), t->count++;
    make_output(t->value[t->count - 1], "y");
    if (pick(t, 0, 1))
        make_output(any_value(t), "z");
}

static c2s_tensor *make_x(network *t, bool special) {
    c2s_tensor *x;
    const c2s_type *type = &t->value[0]->type;
    assert_int_equal(c2s_tensor_create(C2S_FLOAT, type->rank, type->dim, &x), C2S_OK);
    float *data = c2s_tensor_mutable(x);
    for (size_t k = 0; k < x->count; k++)
        data[k] = (float)c2s_random_normal(&t->random);
    static const float odd[] = {NAN, INFINITY, -INFINITY, 1e30f, -3e38f};
    if (special)
        data[pick(t, 0, (int64_t)x->count - 1)] = odd[pick(t, 0, 4)];
    c2s_tensor *retyped = converted(x, type->dtype);
    c2s_tensor_unref(x);
    return retyped;
}

static c2s_session *open_session(const c2s_evaluator *evaluator, const network *t,
                                 c2s_eval_options options) {
    c2s_session *session;
    if (evaluator->open(t->model->graph, &options, &session) != C2S_OK)
        fail_msg("%s: %s", evaluator->name, c2s_error());
    return session;
}

/* Networks that make large differences of small ones (InstanceNormalization) make them of eval's
 * rounding between nodes, which is coarse in half types: then ours must be the better result. */
static bool is_closer_to_double(const network *t, const c2s_tensor *x, unsigned output,
                                const c2s_tensor *evaluated, const c2s_tensor *ours) {
    c2s_difference a, b;
    c2s_tensor *in[1] = {(c2s_tensor *)(uintptr_t)x};
    c2s_tensor *exact =
        ours->type.dtype == C2S_FLOAT ? NULL : output_in_double(t->model, in, output);
    if (!exact)
        return false;
    c2s_tensor *first = converted(evaluated, C2S_FLOAT), *second = converted(ours, C2S_FLOAT);
    c2s_compare(exact, first, -1, &a);
    c2s_compare(exact, second, -1, &b);
    c2s_tensor_unref(exact);
    c2s_tensor_unref(first);
    c2s_tensor_unref(second);
    return b.max_rel < a.max_rel;
}

static void hold_against_eval(network *t, c2s_session *plain, c2s_session *fast, uint64_t seed,
                              bool special) {
    unsigned outputs = c2s_graph_output_count(t->model->graph);
    const c2s_tensor *x = make_x(t, special);
    c2s_tensor *want[2], *have[2];
    if (plain->evaluator->run(plain, &x, want) != C2S_OK ||
        fast->evaluator->run(fast, &x, have) != C2S_OK)
        fail_msg("seed %llu: %s", (unsigned long long)seed, c2s_error());
    for (unsigned k = 0; k < outputs; k++) {
        c2s_difference d;
        if (!c2s_compare(want[k], have[k], -1, &d) &&
            !is_closer_to_double(t, x, k, want[k], have[k]))
            fail_msg("seed %llu, special %d, output %u: %g at %s, expected %g",
                     (unsigned long long)seed, special, k, d.found, d.where, d.reference);
        c2s_tensor_unref(want[k]);
        c2s_tensor_unref(have[k]);
    }
    c2s_tensor_unref(x);
}

static void networks_agree_in(c2s_dtype dtype) {
    for (uint64_t seed = 0; seed < ROUNDS; seed++) {
        network t;
        make_network(&t, seed);
        if (dtype != C2S_FLOAT)
            retype_network(&t, dtype);
        c2s_session *plain = open_session(&c2s_evaluator_reference, &t, (c2s_eval_options){0});
        c2s_session *fast =
            open_session(&c2s_evaluator_onednn, &t, (c2s_eval_options){.threads = 2});
        for (int run = 0; run < 5; run++) /* memory is used again */
            hold_against_eval(&t, plain, fast, seed, run == 1 || run == 3);
        c2s_evaluator_reference.close(plain);
        c2s_evaluator_onednn.close(fast);
        c2s_model_destroy(t.model);
    }
}

static void networks_agree_with_eval(void **state) {
    (void)state;
    networks_agree_in(C2S_FLOAT);
}

static void networks_agree_with_eval_in_float16(void **state) {
    (void)state;
    networks_agree_in(C2S_FLOAT16);
}

static void networks_agree_with_eval_in_bfloat16(void **state) {
    (void)state;
    networks_agree_in(C2S_BFLOAT16);
}

/* ---- observers ---- */

typedef struct seen {
    c2s_tensor *tensor[4096]; /* by value id */
} seen;

static c2s_status watch(void *user, const c2s_value *value, const c2s_tensor *tensor) {
    seen *s = user;
    assert_true(value->id < 4096);
    assert_null(s->tensor[value->id]);
    c2s_bytes *bytes = c2s_bytes_alloc(c2s_tensor_size(tensor));
    memcpy(bytes->data, c2s_tensor_data(tensor), c2s_tensor_size(tensor));
    assert_int_equal(c2s_tensor_view(tensor->type.dtype, tensor->type.rank, tensor->type.dim, bytes,
                                     0, &s->tensor[value->id]),
                     C2S_OK);
    c2s_bytes_unref(bytes);
    return C2S_OK;
}

/* Values that are watched are computed, row-major, and what is not watched is still fused. */
static void observers_see_the_same_in(c2s_dtype dtype) {
    for (uint64_t seed = 0; seed < 60; seed++) {
        network t;
        make_network(&t, seed);
        if (dtype != C2S_FLOAT)
            retype_network(&t, dtype);
        bool chosen[4096] = {false};
        for (unsigned k = 0; k < t.count; k++)
            chosen[t.value[k]->id] = pick(&t, 0, 2) == 0;
        const c2s_evaluator *evaluators[] = {&c2s_evaluator_reference, &c2s_evaluator_onednn};
        seen *got = c2s_zalloc(2 * sizeof *got);
        const c2s_tensor *x = make_x(&t, false);
        for (int i = 0; i < 2; i++) {
            c2s_eval_options options = {
                .observe = watch, .observe_user = &got[i], .observe_value = chosen};
            c2s_session *session = open_session(evaluators[i], &t, options);
            c2s_tensor *out[2];
            assert_int_equal(evaluators[i]->run(session, &x, out), C2S_OK);
            for (unsigned k = 0; k < c2s_graph_output_count(t.model->graph); k++)
                c2s_tensor_unref(out[k]);
            evaluators[i]->close(session);
        }
        for (unsigned id = 0; id < 4096; id++) {
            c2s_difference d;
            if (!got[0].tensor[id] && !got[1].tensor[id])
                continue;
            if (!got[1].tensor[id] || !got[0].tensor[id])
                fail_msg("seed %llu: value %u was seen by one evaluator only",
                         (unsigned long long)seed, id);
            if (!c2s_compare(got[0].tensor[id], got[1].tensor[id], -1, &d))
                fail_msg("seed %llu, value %u: %g at %s, expected %g", (unsigned long long)seed, id,
                         d.found, d.where, d.reference);
            c2s_tensor_unref(got[0].tensor[id]);
            c2s_tensor_unref(got[1].tensor[id]);
        }
        free(got);
        c2s_tensor_unref(x);
        c2s_model_destroy(t.model);
    }
}

static void observers_see_the_same(void **state) {
    (void)state;
    observers_see_the_same_in(C2S_FLOAT);
}

static void observers_see_the_same_in_float16(void **state) {
    (void)state;
    observers_see_the_same_in(C2S_FLOAT16);
}

/* ---- that it happens at all ---- */

static unsigned count_steps(const c2s_session *session, const char *kernel) {
    size_t count = c2s_onednn_profile_read(session, NULL);
    c2s_step_profile *steps = c2s_zalloc((count + 1) * sizeof *steps);
    unsigned found = 0;
    c2s_onednn_profile_read(session, steps);
    for (size_t i = 0; i < count; i++)
        found += !kernel || strcmp(steps[i].kernel, kernel) == 0;
    free(steps);
    return found;
}

/* Conv-Relu, Conv, Add-Relu, Conv-Swish and a pool: four steps, and a reorder at each end. */
static void residual_block_is_four_steps(void **state) {
    (void)state;
    network t = {.random = {7}, .model = make_model()};
    int64_t w[4] = {16, 16, 3, 3}, pads[4] = {1, 1, 1, 1};
    c2s_value *x = make_input(t.model, "x", C2S_FLOAT, DIMS(1, 16, 20, 20)), *y[3];
    t.value[0] = x;
    for (int k = 0; k < 3; k++) {
        c2s_node *n = NODE(t.model, "Conv", k == 0 ? x : y[k - 1], weight(&t, 4, w, 0.1));
        c2s_attr_set_ints(n, "pads", pads, 4);
        y[k] = make_infer(n);
        if (k == 0)
            y[k] = OP(t.model, "Relu", y[k]);
        if (k == 1)
            y[k] = OP(t.model, "Relu", OP(t.model, "Add", y[k], y[0]));
    }
    y[2] = OP(t.model, "Mul", y[2], OP(t.model, "Sigmoid", y[2]));
    make_output(OP(t.model, "GlobalAveragePool", y[2]), "y");
    c2s_session *fast = open_session(&c2s_evaluator_onednn, &t, (c2s_eval_options){.threads = 1});
    c2s_session *plain = open_session(&c2s_evaluator_reference, &t, (c2s_eval_options){0});
    hold_against_eval(&t, plain, fast, 0, false);
    assert_int_equal(count_steps(fast, "dnnl_conv") + count_steps(fast, "winograd"), 3);
    assert_int_equal(count_steps(fast, "global_pool"), 1);
    assert_int_equal(count_steps(fast, NULL) - count_steps(fast, "reorder"), 4);
    assert_in_range(count_steps(fast, "reorder"), 0, 2);
    c2s_evaluator_onednn.close(fast);
    c2s_evaluator_reference.close(plain);
    c2s_model_destroy(t.model);
}

/* A number beside which others are nothing, on which Relu leaves no trace of it: what is left must
 * be as exact as without it, though methods that share sums among results mix it with them. */
static void huge_numbers_leave_no_trace(void **state) {
    (void)state;
    network t = {.random = {5}, .model = make_model()};
    c2s_value *x = make_input(t.model, "x", C2S_FLOAT, DIMS(1, 16, 20, 20));
    c2s_value *w = weight(&t, 4, (int64_t[]){16, 16, 3, 3}, 0.1);
    c2s_value *y = OP(t.model, "Conv", x, OP(t.model, "Neg", OP(t.model, "Abs", w)));
    make_output(OP(t.model, "Relu", y), "y");
    t.value[0] = x;
    c2s_session *fast = open_session(&c2s_evaluator_onednn, &t, (c2s_eval_options){.threads = 1});
    c2s_session *plain = open_session(&c2s_evaluator_reference, &t, (c2s_eval_options){0});
    for (float huge = 1e10f; huge < 1e30f; huge *= 1e3f) {
        c2s_tensor *input = make_x(&t, false), *want, *have;
        float *data = c2s_tensor_mutable(input);
        for (size_t k = 0; k < input->count; k++)
            data[k] = -fabsf(data[k]);
        data[pick(&t, 0, (int64_t)input->count - 1)] = huge;
        const c2s_tensor *in = input;
        assert_int_equal(plain->evaluator->run(plain, &in, &want), C2S_OK);
        assert_int_equal(fast->evaluator->run(fast, &in, &have), C2S_OK);
        c2s_difference d;
        if (!c2s_compare(want, have, -1, &d))
            fail_msg("beside %g: %g at %s, expected %g", (double)huge, d.found, d.where,
                     d.reference);
        c2s_tensor_unref(input);
        c2s_tensor_unref(want);
        c2s_tensor_unref(have);
    }
    c2s_evaluator_onednn.close(fast);
    c2s_evaluator_reference.close(plain);
    c2s_model_destroy(t.model);
}

/* Conv, BatchNormalization, a number per channel and Relu: one step, for a kernel of 3 and of 1. */
static void channels_are_scaled_by_the_weights(void **state) {
    (void)state;
    for (int64_t kernel = 1; kernel <= 3; kernel += 2) {
        network t = {.random = {11}, .model = make_model()};
        int64_t w[4] = {16, 16, kernel, kernel}, channels = 16, numbers[4] = {1, 16, 1, 1};
        c2s_value *x = make_input(t.model, "x", C2S_FLOAT, DIMS(1, 16, 20, 20));
        t.value[0] = x;
        c2s_value *y = OP(t.model, "Conv", x, weight(&t, 4, w, 0.1));
        y = OP(t.model, "BatchNormalization", y, weight(&t, 1, &channels, 3),
               weight(&t, 1, &channels, 1), weight(&t, 1, &channels, 1),
               OP(t.model, "Exp", weight(&t, 1, &channels, 1)));
        y = OP(t.model, "Sub", OP(t.model, "Mul", y, weight(&t, 4, numbers, 2)),
               weight(&t, 4, numbers, 1));
        make_output(OP(t.model, "GlobalMaxPool", OP(t.model, "Relu", y)), "y");
        c2s_session *fast =
            open_session(&c2s_evaluator_onednn, &t, (c2s_eval_options){.threads = 1});
        c2s_session *plain = open_session(&c2s_evaluator_reference, &t, (c2s_eval_options){0});
        hold_against_eval(&t, plain, fast, 0, false);
        hold_against_eval(&t, plain, fast, 0, true);
        assert_int_equal(count_steps(fast, NULL) - count_steps(fast, "reorder"), 2);
        c2s_evaluator_onednn.close(fast);
        c2s_evaluator_reference.close(plain);
        c2s_model_destroy(t.model);
    }
}

/* Two parts of the channels of one image lie in blocks where they are; of two images, or from a
 * channel within a block on, they are copied. */
static void parts_of_channels_are_views(void **state) {
    (void)state;
    for (int64_t batch = 1; batch <= 2; batch++)
        for (int64_t first = 8; first <= 11; first += 3) {
            network t = {.random = {5}, .model = make_model()};
            int64_t w[4] = {32, 16, 3, 3};
            t.value[0] = make_input(t.model, "x", C2S_FLOAT, DIMS(batch, 16, 20, 20));
            c2s_value *y = OP(t.model, "Conv", t.value[0], weight(&t, 4, w, 0.1));
            c2s_value *a = slice(&t, y, 1, first, first + 8), *b = slice(&t, y, 1, 16, 24);
            make_output(OP(t.model, "GlobalMaxPool", OP(t.model, "Mul", a, b)), "y");
            c2s_session *fast =
                open_session(&c2s_evaluator_onednn, &t, (c2s_eval_options){.threads = 1});
            c2s_session *plain = open_session(&c2s_evaluator_reference, &t, (c2s_eval_options){0});
            for (int run = 0; run < 3; run++)
                hold_against_eval(&t, plain, fast, 0, false);
            unsigned views = count_steps(fast, "part"), copies = count_steps(fast, "move");
            assert_int_equal(views + copies, 2);
            if (first == 8)
                assert_int_equal(views, batch == 1 ? 2 : 0);
            if (first == 8)
                assert_in_range(count_steps(fast, "reorder"), 0, 2);
            c2s_evaluator_onednn.close(fast);
            c2s_evaluator_reference.close(plain);
            c2s_model_destroy(t.model);
        }
}

/* Channels are shuffled where they are: nothing between two convolutions but that. So many fill
 * blocks of 8 and of 16. */
static void shuffles_are_one_step(void **state) {
    (void)state;
    for (int64_t groups = 2; groups <= 3; groups++) {
        network t = {.random = {3}, .model = make_model()};
        int64_t w[4] = {48, 16, 3, 3}, v[4] = {16, 48, 3, 3};
        t.value[0] = make_input(t.model, "x", C2S_FLOAT, DIMS(2, 16, 20, 20));
        c2s_value *y = OP(t.model, "Conv", t.value[0], weight(&t, 4, w, 0.1));
        y = OP(t.model, "Conv", add_shuffle(&t, y, groups), weight(&t, 4, v, 0.1));
        make_output(OP(t.model, "GlobalMaxPool", y), "y");
        c2s_session *fast =
            open_session(&c2s_evaluator_onednn, &t, (c2s_eval_options){.threads = 1});
        c2s_session *plain = open_session(&c2s_evaluator_reference, &t, (c2s_eval_options){0});
        hold_against_eval(&t, plain, fast, 0, false);
        hold_against_eval(&t, plain, fast, 0, true);
        assert_int_equal(count_steps(fast, "shuffle"), c2s_processor_has_fma() ? 1 : 0);
        if (c2s_processor_has_fma())
            assert_in_range(count_steps(fast, "reorder"), 0, 2);
        c2s_evaluator_onednn.close(fast);
        c2s_evaluator_reference.close(plain);
        c2s_model_destroy(t.model);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(networks_agree_with_eval),
        cmocka_unit_test(networks_agree_with_eval_in_float16),
        cmocka_unit_test(networks_agree_with_eval_in_bfloat16),
        cmocka_unit_test(observers_see_the_same),
        cmocka_unit_test(observers_see_the_same_in_float16),
        cmocka_unit_test(huge_numbers_leave_no_trace),
        cmocka_unit_test(residual_block_is_four_steps),
        cmocka_unit_test(channels_are_scaled_by_the_weights),
        cmocka_unit_test(parts_of_channels_are_views),
        cmocka_unit_test(shuffles_are_one_step),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
