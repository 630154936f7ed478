/* SPDX-License-Identifier: Apache-2.0 */
/* Random graphs of elementwise operators against the plain evaluator, bit for bit: what the runtime
 * computes together in one loop, in any layout, over its inputs or not, comes out as from eval. */
#include "unit/make_graph.h"

#include "base/random.h"
#include "runtime/session.h"

enum { MOST_VALUES = 64 };

typedef struct network {
    c2s_random random;
    c2s_model *model;
    c2s_value *value[MOST_VALUES]; /* all of one shape, float or bool */
    unsigned count, input_count;
    c2s_tensor *in[4];
} network;

static int64_t pick(network *t, int64_t low, int64_t high) {
    return c2s_random_integer(&t->random, low, high);
}

static c2s_tensor *numbers(network *t, int rank, const int64_t *dim) {
    c2s_tensor *tensor;
    assert_int_equal(c2s_tensor_create(C2S_FLOAT, rank, dim, &tensor), C2S_OK);
    static const float odd[] = {NAN, INFINITY, -INFINITY, -0.0f, 1e-40f, 3e38f};
    float *data = c2s_tensor_mutable(tensor);
    for (size_t k = 0; k < tensor->count; k++)
        data[k] = pick(t, 0, 60) ? (float)(2 * c2s_random_normal(&t->random)) : odd[pick(t, 0, 5)];
    return tensor;
}

/* Mostly late values, so that chains grow; of the type that is asked for. */
static c2s_value *any(network *t, c2s_dtype dtype) {
    for (unsigned tries = 0; tries < 20; tries++) {
        unsigned back = (unsigned)pick(t, 0, pick(t, 0, 2) ? 2 : (int64_t)t->count - 1);
        c2s_value *value = t->value[back < t->count ? t->count - 1 - back : 0];
        if (value->type.dtype == dtype)
            return value;
    }
    return dtype == C2S_FLOAT ? t->value[0] : NULL;
}

/* A constant that broadcasts to the shape. */
static c2s_value *broadcast(network *t) {
    const c2s_type *full = &t->value[0]->type;
    int64_t dim[4];
    int lead = (int)pick(t, 0, full->rank);
    for (int i = lead; i < full->rank; i++)
        dim[i - lead] = pick(t, 0, 1) ? 1 : full->dim[i];
    if (full->rank == 4 && pick(t, 0, 1)) { /* a number per channel */
        lead = (int)pick(t, 0, 1);
        for (int i = lead; i < 4; i++)
            dim[i - lead] = i == 1 ? full->dim[1] : 1;
    }
    return c2s_value_constant(t->model->graph, "w", numbers(t, full->rank - lead, dim));
}

static c2s_value *add_unary(network *t) {
    static const char *const ops[] = {"Abs",       "Neg",      "Floor",      "HardSigmoid", "Exp",
                                      "Sqrt",      "Erf",      "Reciprocal", "HardSwish",   "Relu",
                                      "LeakyRelu", "Softplus", "Round",      "Ceil",        "Log",
                                      "Softsign",  "Sin",      "Sign"};
    return OP(t->model, ops[pick(t, 0, 17)], any(t, C2S_FLOAT));
}

static c2s_value *add_binary(network *t) {
    static const char *const ops[] = {"Add", "Sub", "Mul",  "Div",   "Max",
                                      "Min", "Pow", "Less", "PRelu", "GreaterOrEqual"};
    const char *op = ops[pick(t, 0, 9)];
    c2s_value *a = any(t, C2S_FLOAT), *b = pick(t, 0, 1) ? any(t, C2S_FLOAT) : broadcast(t);
    if (strcmp(op, "Pow") == 0 && pick(t, 0, 1))
        b = make_scalar(t->model, "two", 2);
    return pick(t, 0, 1) || strcmp(op, "PRelu") == 0 ? OP(t->model, op, a, b)
                                                     : OP(t->model, op, b, a);
}

static c2s_value *add_other(network *t) {
    c2s_value *condition = any(t, C2S_BOOL);
    if (condition && pick(t, 0, 1))
        return OP(t->model, "Where", condition, any(t, C2S_FLOAT), broadcast(t));
    if (condition && pick(t, 0, 1))
        return OP(t->model, "Not", condition);
    if (condition) {
        c2s_node *n = NODE(t->model, "Cast", condition);
        c2s_attr_set_int(n, "to", C2S_FLOAT);
        return make_infer(n);
    }
    return pick(t, 0, 1) ? OP(t->model, "Sum", any(t, C2S_FLOAT), any(t, C2S_FLOAT), broadcast(t))
                         : OP(t->model, "Clip", any(t, C2S_FLOAT), make_scalar(t->model, "low", -1),
                              make_scalar(t->model, "high", 1.5));
}

/* A product with the unit matrix, which changes no number but the layout. NaN would spread to all
 * channels, and so would 0 / 0 in channels that only fill up a block. */
static c2s_value *add_conv(network *t, c2s_value *x) {
    int64_t channels = x->type.dim[1];
    c2s_tensor *unit;
    assert_int_equal(c2s_tensor_create(C2S_FLOAT, 4, (int64_t[]){channels, channels, 1, 3}, &unit),
                     C2S_OK);
    float *data = c2s_tensor_mutable(unit);
    memset(data, 0, c2s_tensor_size(unit));
    for (int64_t k = 0; k < channels; k++)
        data[(k * channels + k) * 3 + 1] = 1;
    c2s_value *bounded = OP(t->model, "Erf", OP(t->model, "Round", x));
    bounded = OP(t->model, "Where", OP(t->model, "IsNaN", bounded),
                 make_scalar(t->model, "q", 0.25), bounded);
    c2s_tensor *two;
    assert_int_equal(c2s_tensor_create(C2S_FLOAT, 4, (int64_t[]){1, channels, 1, 1}, &two), C2S_OK);
    for (int64_t k = 0; k < channels; k++)
        ((float *)c2s_tensor_mutable(two))[k] = 2;
    bounded = OP(t->model, "Div", bounded, c2s_value_constant(t->model->graph, "two", two));
    c2s_node *n =
        NODE(t->model, "Conv", bounded, c2s_value_constant(t->model->graph, "unit", unit));
    c2s_attr_set_ints(n, "pads", (int64_t[]){0, 1, 0, 1}, 4);
    c2s_value *y = make_infer(n);
    return OP(t->model, "Neg", y); /* no post-operation of oneDNN's */
}

/* Two more inputs, whose axes are in another order; mostly nothing else is computed with. */
static void turn_inputs(network *t, int rank, const int64_t *dim) {
    static const char *const names[] = {"c", "d"};
    int64_t perm[4], back[4];
    int turn = (int)pick(t, 1, rank - 1);
    for (int i = 0; i < rank; i++) {
        perm[i] = (i + turn) % rank;
        back[perm[i]] = dim[i];
    }
    if (pick(t, 0, 2))
        t->count = 0;
    for (int k = 0; k < 2; k++) {
        c2s_value *x = make_input(t->model, names[k], C2S_FLOAT, rank, back);
        c2s_node *n = NODE(t->model, "Transpose", x);
        c2s_attr_set_ints(n, "perm", perm, (size_t)rank);
        t->value[t->count++] = make_infer(n);
        t->in[t->input_count++] = numbers(t, rank, back);
    }
}

static void make_network(network *t, uint64_t seed, bool blocked) {
    *t = (network){.random = {seed}, .model = make_model()};
    static const int64_t extents[] = {1, 2, 3, 5, 8, 17, 33};
    int64_t dim[4];
    int rank = blocked ? 4 : (int)pick(t, 0, 4);
    for (int i = 0; i < rank; i++)
        dim[i] = extents[pick(t, 0, 6)];
    if (!blocked && rank && pick(t, 0, 12) == 0)
        dim[pick(t, 0, rank - 1)] = 0;
    if (blocked)
        dim[0] = pick(t, 1, 2), dim[1] = pick(t, 1, 24);
    static const char *const names[] = {"a", "b"};
    while (t->input_count < 2) {
        t->in[t->input_count] = numbers(t, rank, dim);
        t->value[t->count++] = make_input(t->model, names[t->input_count++], C2S_FLOAT, rank, dim);
    }
    if (rank > 1 && !blocked && pick(t, 0, 1))
        turn_inputs(t, rank, dim);
    for (int k = 0; k < 2 && blocked; k++)
        t->value[t->count] = add_conv(t, t->value[k ? t->count - 1 : 0]), t->count++;
    int64_t layers = pick(t, 1, 40);
    for (int64_t k = 0; k < layers; k++) {
        int64_t kind = pick(t, 0, 9);
        t->value[t->count] = kind < 4 ? add_unary(t) : kind < 8 ? add_binary(t) : add_other(t);
        t->count++;
    }
    make_output(t->value[t->count - 1], "y");
    if (pick(t, 0, 1))
        make_output(t->value[pick(t, 2, (int64_t)t->count - 1)], "z");
    if (pick(t, 0, 3) == 0) { /* a view of something, read once more */
        c2s_value *flat = OP(t->model, "Reshape", any(t, C2S_FLOAT), INTS(t->model, "s", -1));
        if (rank && t->in[0]->count)
            make_output(OP(t->model, "Exp", flat), "v");
    }
}

/* Numbers of a NaN's payload do not count. */
static bool same_bits(const c2s_tensor *a, const c2s_tensor *b, size_t *at) {
    size_t size = c2s_dtype_bits(a->type.dtype) / 8;
    const char *x = c2s_tensor_data(a), *y = c2s_tensor_data(b);
    for (*at = 0; *at < a->count; (*at)++)
        if (memcmp(x + *at * size, y + *at * size, size) != 0 &&
            !(isnan(c2s_tensor_f64_at(a, *at)) && isnan(c2s_tensor_f64_at(b, *at))) &&
            c2s_tensor_f64_at(a, *at) != c2s_tensor_f64_at(b, *at)) /* -0 behind Conv */
            return false;
    return true;
}

typedef struct seen {
    c2s_tensor *tensor[1024]; /* by value id */
} seen;

static c2s_status watch(void *user, const c2s_value *value, const c2s_tensor *tensor) {
    seen *s = user;
    assert_true(value->id < 1024);
    c2s_bytes *bytes = c2s_bytes_alloc(c2s_tensor_size(tensor));
    if (tensor->count)
        memcpy(bytes->data, c2s_tensor_data(tensor), c2s_tensor_size(tensor));
    c2s_tensor_unref(s->tensor[value->id]);
    assert_int_equal(c2s_tensor_view(tensor->type.dtype, tensor->type.rank, tensor->type.dim, bytes,
                                     0, &s->tensor[value->id]),
                     C2S_OK);
    c2s_bytes_unref(bytes);
    return C2S_OK;
}

static void run(const network *t, const c2s_evaluator *evaluator, c2s_eval_options options,
                unsigned times, c2s_tensor **out) {
    c2s_session *session;
    assert_int_equal(evaluator->open(t->model->graph, &options, &session), C2S_OK);
    for (unsigned k = 0; k < times; k++) { /* memory is used again */
        for (unsigned j = 0; k > 0 && j < c2s_graph_output_count(t->model->graph); j++)
            c2s_tensor_unref(out[j]);
        if (evaluator->run(session, (const c2s_tensor *const *)t->in, out) != C2S_OK)
            fail_msg("%s: %s", evaluator->name, c2s_error());
    }
    evaluator->close(session);
}

static void hold_against_eval(uint64_t seed, bool blocked) {
    network t;
    make_network(&t, seed, blocked);
    bool chosen[1024] = {false};
    for (unsigned k = 2; k < t.count && seed % 3 == 0; k++)
        chosen[t.value[k]->id] = pick(&t, 0, 3) == 0;
    seen got[2] = {0};
    c2s_tensor *want[3], *have[3];
    c2s_eval_options options = {.threads = (unsigned)(seed % 3) + 1, .observe_value = chosen};
    options.observe = seed % 3 == 0 ? watch : NULL;
    options.observe_user = &got[0];
    run(&t, &c2s_evaluator_reference, options, 1, want);
    options.observe_user = &got[1];
    run(&t, &c2s_evaluator_onednn, options, 3, have);
    size_t at;
    for (unsigned k = 0; k < c2s_graph_output_count(t.model->graph); k++) {
        if (!same_bits(want[k], have[k], &at))
            fail_msg("seed %llu, output %u, element %zu: %.9g, expected %.9g",
                     (unsigned long long)seed, k, at, c2s_tensor_f64_at(have[k], at),
                     c2s_tensor_f64_at(want[k], at));
        c2s_tensor_unref(want[k]);
        c2s_tensor_unref(have[k]);
    }
    for (unsigned id = 0; id < 1024; id++) {
        c2s_tensor *a = got[0].tensor[id], *b = got[1].tensor[id];
        if (!a != !b || (a && !same_bits(a, b, &at)))
            fail_msg("seed %llu: value %u looks other to an observer", (unsigned long long)seed,
                     id);
        c2s_tensor_unref(a);
        c2s_tensor_unref(b);
    }
    for (unsigned k = 0; k < t.input_count; k++)
        c2s_tensor_unref(t.in[k]);
    c2s_model_destroy(t.model);
}

static void row_major_graphs_agree(void **state) {
    (void)state;
    for (uint64_t seed = 0; seed < 300; seed++)
        hold_against_eval(seed, false);
}

static void blocks_of_channels_agree(void **state) {
    (void)state;
    for (uint64_t seed = 0; seed < 150; seed++)
        hold_against_eval(seed, true);
}

/* x / 2, erf, 1 + and two products, of which the last is read twice: one step, and x is read once.
 */
static void chain_is_one_step(void **state) {
    (void)state;
    network t = {.random = {3}, .model = make_model()};
    c2s_value *x = make_input(t.model, "x", C2S_FLOAT, DIMS(40, 50));
    t.in[0] = numbers(&t, 2, (int64_t[]){40, 50});
    c2s_value *e = OP(t.model, "Exp", OP(t.model, "Mul", x, make_scalar(t.model, "half", 0.5)));
    c2s_value *y = OP(t.model, "Mul", OP(t.model, "Add", e, make_scalar(t.model, "one", 1)), x);
    make_output(y, "y");
    make_output(OP(t.model, "Neg", y), "z");
    c2s_session *session;
    c2s_eval_options options = {.threads = 1};
    c2s_tensor *out[2];
    assert_int_equal(c2s_evaluator_onednn.open(t.model->graph, &options, &session), C2S_OK);
    assert_int_equal(c2s_evaluator_onednn.run(session, (const c2s_tensor *const *)t.in, out),
                     C2S_OK);
    assert_int_equal(c2s_onednn_profile_read(session, NULL), 1);
    assert_string_equal(c2s_onednn_kernel_of(session, e->def), "elementwise");
    c2s_evaluator_onednn.close(session);
    c2s_tensor_unref(out[0]);
    c2s_tensor_unref(out[1]);
    c2s_tensor_unref(t.in[0]);
    c2s_model_destroy(t.model);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(row_major_graphs_agree),
        cmocka_unit_test(blocks_of_channels_agree),
        cmocka_unit_test(chain_is_one_step),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
