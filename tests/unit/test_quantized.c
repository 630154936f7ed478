/* SPDX-License-Identifier: Apache-2.0 */
/* Random networks of integers between DequantizeLinear and QuantizeLinear, and of operators on
 * integers. The judge is each node's eval, given the integers that the runtime computed before: at
 * most one step off, and rarely; sums are exact. Where they have to be, those of the largest
 * numbers are compared with sums of 64 bits, too. */
#include "unit/quantized_coded.h"

#include <unistd.h>

#include "eval/compare.h"
#include "eval/random_inputs.h"
#include "eval/runner.h"
#include "runtime/session.h"

enum { ROUNDS = 250 };

static void add_layer(network *t) {
    codes *x = any_codes(t);
    int rank = x->value->type.rank;
    bool large = x->value->type.dim[rank - 1] > 400 || x->value->type.dim[1] > 40;
    if (!large && pick(t, 0, 2) == 0) {
        add_coded(t, x);
        return;
    }
    switch (pick(t, large ? 5 : 0, 9)) {
    case 0:
    case 1:
    case 2:
    case 3:
        if (rank > 2)
            add_conv(t, x);
        else
            add_product(t, x);
        return;
    case 4:
        add_product(t, x);
        return;
    case 5:
        add_binary(t, x);
        return;
    case 6:
        if (rank > 2)
            add_pool(t, x);
        else
            add_function(t, x);
        return;
    case 7:
        add_function(t, x);
        return;
    case 8:
        add_concat(t, x);
        return;
    default:
        add_move(t, x);
    }
}

static void make_network(network *t, uint64_t seed, bool all_kept) {
    *t = (network){.random = {seed}, .model = make_model(), .all_kept = all_kept};
    c2s_model_set_opset(t->model, "com.microsoft", 1);
    int64_t size = pick(t, 4, 11), batch = pick(t, 1, 2), channels = pick(t, 1, 18);
    c2s_value *x = pick(t, 0, 3)
                       ? make_input(t->model, "x", C2S_FLOAT, DIMS(batch, channels, size, size + 1))
                       : make_input(t->model, "x", C2S_FLOAT, DIMS(batch, channels, size));
    quantize(t, x, 1);
    int64_t layers = pick(t, 1, 10);
    for (int64_t k = 0; k < layers && t->count + 2 < MOST_VALUES; k++)
        add_layer(t);
    for (unsigned k = all_kept ? 0 : t->count - 1; k < t->count; k++)
        make_output(t->at[k].value, "y");
}

/* ---- running ---- */

static c2s_tensor *make_x(network *t) {
    c2s_tensor *x;
    const c2s_type *type = &c2s_graph_input(t->model->graph, 0)->type;
    assert_int_equal(c2s_tensor_create(C2S_FLOAT, type->rank, type->dim, &x), C2S_OK);
    for (size_t k = 0; k < x->count; k++)
        ((float *)c2s_tensor_mutable(x))[k] = (float)c2s_random_normal(&t->random);
    return x;
}

/* How many steps each family had, in all runs. */
static struct {
    const char *kernel, *op; /* op: NULL: any */
    size_t steps;
} families[] = {
    {"quantized_binary", NULL, 0},
    {"quantized_concat", NULL, 0},
    {"quantized_conv", NULL, 0},
    {"quantized_matmul", NULL, 0},
    {"quantized_pool", NULL, 0},
    {"quantized_product", NULL, 0},
    {"quantized_table", NULL, 0},
    {"quantize", NULL, 0},
    {"dequantize", NULL, 0},
    {"dnnl_conv", NULL, 0},
    {"quantized_conv", "ConvInteger", 0},
    {"quantized_conv", "QLinearConv", 0},
    {"quantized_matmul", "MatMulInteger", 0},
    {"quantized_matmul", "QLinearMatMul", 0},
    {"quantized_matmul", "QGemm", 0},
    {"quantized_product", "MatMul", 0},
    {"quantized_product", "MatMulInteger", 0},
    {"quantized_product", "QLinearMatMul", 0},
    {"quantized_binary", "QLinearAdd", 0},
    {"quantized_binary", "QLinearMul", 0},
    {"quantized_pool", "QLinearAveragePool", 0},
    {"quantized_pool", "QLinearGlobalAveragePool", 0},
    {"quantized_concat", "QLinearConcat", 0},
};

static void count_families(const c2s_session *session) {
    size_t count = c2s_onednn_profile_read(session, NULL);
    c2s_step_profile *steps = c2s_zalloc((count + 1) * sizeof *steps);
    c2s_onednn_profile_read(session, steps);
    for (size_t i = 0; i < count; i++)
        for (size_t k = 0; k < sizeof families / sizeof *families; k++)
            families[k].steps +=
                strcmp(steps[i].kernel, families[k].kernel) == 0 &&
                (!families[k].op || strcmp(steps[i].node->type, families[k].op) == 0);
    free(steps);
}

static unsigned run(const network *t, const c2s_tensor *x, c2s_eval_options options,
                    c2s_tensor **out) {
    c2s_session *session;
    if (c2s_evaluator_onednn.open(t->model->graph, &options, &session) != C2S_OK ||
        c2s_evaluator_onednn.run(session, &x, out) != C2S_OK)
        fail_msg("%s", c2s_error());
    count_families(session);
    c2s_evaluator_onednn.close(session);
    return c2s_graph_output_count(t->model->graph);
}

static void release(c2s_tensor **tensors, unsigned count) {
    for (unsigned k = 0; k < count; k++) {
        c2s_tensor_unref(tensors[k]);
        tensors[k] = NULL;
    }
}

/* The model's integers by value id, as far as they are outputs. */
static void place(const network *t, c2s_tensor **out, c2s_tensor **known) {
    for (unsigned k = 0; k < c2s_graph_output_count(t->model->graph); k++)
        known[c2s_graph_output(t->model->graph, k)->id] = out[k];
}

typedef struct tally {
    size_t elements, off;
} tally;

static void compare_codes(const c2s_value *value, const c2s_tensor *want, const c2s_tensor *have,
                          uint64_t seed, tally *sum) {
    for (size_t k = 0; k < want->count; k++) {
        double difference = c2s_tensor_f64_at(want, k) - c2s_tensor_f64_at(have, k);
        if (fabs(difference) > 1)
            fail_msg("seed %llu, %s of %s: %g at %zu, expected %g", (unsigned long long)seed,
                     value->name, value->def->type, c2s_tensor_f64_at(have, k), k,
                     c2s_tensor_f64_at(want, k));
        sum->off += difference != 0;
    }
    sum->elements += want->count;
}

/* Each node by itself on what the runtime gave its inputs. */
static void judge(const network *t, const c2s_tensor *x, c2s_tensor *const *ours, uint64_t seed,
                  tally *sum) {
    c2s_tensor **known = c2s_zalloc(MOST_IDS * sizeof *known);
    known[c2s_graph_input(t->model->graph, 0)->id] = c2s_tensor_ref(x);
    for (const c2s_node *n = t->model->graph->first; n; n = n->next) {
        const c2s_tensor *in[16] = {0};
        c2s_tensor *out[1];
        for (unsigned k = 0; k < n->input_count; k++)
            if (n->inputs[k].value)
                in[k] = n->inputs[k].value->constant ? n->inputs[k].value->constant
                                                     : known[n->inputs[k].value->id];
        if (c2s_node_eval(n, in, out, NULL, 0) != C2S_OK)
            fail_msg("%s", c2s_error());
        const c2s_value *y = n->outputs[0];
        const c2s_tensor *have = ours[y->id];
        c2s_difference d;
        if (have && have->type.dtype == C2S_FLOAT && !c2s_compare(out[0], have, 1e-5, &d))
            fail_msg("seed %llu, %s: %g, expected %g", (unsigned long long)seed, n->type, d.found,
                     d.reference);
        if (have && have->type.dtype == C2S_INT32 && !c2s_tensor_equal(have, out[0]))
            fail_msg("seed %llu: other sums of %s", (unsigned long long)seed, n->type);
        if (have && have->type.dtype != C2S_FLOAT && have->type.dtype != C2S_INT32)
            compare_codes(y, out[0], have, seed, sum);
        known[y->id] = have ? c2s_tensor_ref(have) : out[0];
        if (have)
            c2s_tensor_unref(out[0]);
    }
    release(known, MOST_IDS);
    free(known);
}

static void networks_agree_with_eval(void **state) {
    (void)state;
    tally sum = {0};
    for (uint64_t seed = 0; seed < 2 * ROUNDS; seed++) {
        network t;
        c2s_tensor *out[4 * MOST_VALUES], **ours = c2s_zalloc(MOST_IDS * sizeof *ours);
        make_network(&t, seed / 2, true);
        const c2s_tensor *x = make_x(&t);
        unsigned count =
            run(&t, x, (c2s_eval_options){.threads = 2, .simulate_quantized = seed % 2}, out);
        place(&t, out, ours);
        judge(&t, x, ours, seed / 2, &sum);
        release(out, count);
        free(ours);
        c2s_tensor_unref(x);
        c2s_model_destroy(t.model);
    }
    assert_true(sum.elements > 100000);
    print_message("%zu of %zu numbers are one step off\n", sum.off, sum.elements);
    assert_true(sum.off * 2000 <= sum.elements);
    for (size_t k = 0; k < sizeof families / sizeof *families; k++) {
        print_message("%s of %s: %zu steps\n", families[k].kernel,
                      families[k].op ? families[k].op : "any", families[k].steps);
        assert_true(families[k].steps >= (families[k].op ? 5 : 20));
    }
}

/* What else is an output, or watched, or how many threads there are, changes no bit. */
static c2s_status watch(void *user, const c2s_value *value, const c2s_tensor *tensor) {
    c2s_tensor **seen = user;
    (void)value;
    assert_null(seen[value->id]);
    c2s_bytes *bytes = c2s_bytes_alloc(c2s_tensor_size(tensor));
    memcpy(bytes->data, c2s_tensor_data(tensor), c2s_tensor_size(tensor));
    assert_int_equal(c2s_tensor_view(tensor->type.dtype, tensor->type.rank, tensor->type.dim, bytes,
                                     0, &seen[value->id]),
                     C2S_OK);
    c2s_bytes_unref(bytes);
    return C2S_OK;
}

static void observers_change_nothing(void **state) {
    (void)state;
    for (uint64_t seed = 0; seed < ROUNDS; seed++) {
        network all, last;
        c2s_tensor *want[4 * MOST_VALUES], *have[4 * MOST_VALUES];
        c2s_tensor **ours = c2s_zalloc(MOST_IDS * sizeof *ours),
                   **seen = c2s_zalloc(MOST_IDS * sizeof *seen);
        make_network(&all, seed, true);
        make_network(&last, seed, false);
        bool chosen[MOST_IDS] = {false};
        for (unsigned k = 0; k < last.count; k++)
            chosen[last.at[k].value->id] = pick(&last, 0, 2) == 0;
        const c2s_tensor *x = make_x(&all);
        unsigned count = run(&all, x, (c2s_eval_options){.threads = 2}, want),
                 few = run(&last, x,
                           (c2s_eval_options){.threads = 1,
                                              .observe = watch,
                                              .observe_user = seen,
                                              .observe_value = chosen},
                           have);
        place(&all, want, ours);
        for (unsigned k = 0; k < last.count; k++)
            if (chosen[last.at[k].value->id] && seen[last.at[k].value->id] &&
                !c2s_tensor_equal(seen[last.at[k].value->id], ours[all.at[k].value->id]))
                fail_msg("seed %llu: %s", (unsigned long long)seed, last.at[k].value->name);
        if (!c2s_tensor_equal(have[few - 1], want[count - 1]))
            fail_msg("seed %llu: other results", (unsigned long long)seed);
        release(want, count);
        release(have, few);
        release(seen, MOST_IDS);
        free(ours);
        free(seen);
        c2s_tensor_unref(x);
        c2s_model_destroy(all.model);
        c2s_model_destroy(last.model);
    }
}

/* Floats between integers can be watched: they are what eval makes of the integers. */
static void floats_can_be_observed(void **state) {
    (void)state;
    for (uint64_t seed = 0; seed < 60; seed++) {
        network t;
        tally sum = {0};
        c2s_tensor *out[4 * MOST_VALUES], **ours = c2s_zalloc(MOST_IDS * sizeof *ours),
                                          **seen = c2s_zalloc(MOST_IDS * sizeof *seen);
        make_network(&t, seed, true);
        const c2s_tensor *x = make_x(&t);
        bool chosen[MOST_IDS] = {false};
        for (const c2s_node *n = t.model->graph->first; n; n = n->next)
            chosen[n->outputs[0]->id] = pick(&t, 0, 4) == 0;
        unsigned count =
            run(&t, x,
                (c2s_eval_options){.observe = watch, .observe_user = seen, .observe_value = chosen},
                out);
        for (unsigned id = 0; id < MOST_IDS; id++)
            ours[id] = seen[id];
        place(&t, out, ours);
        for (const c2s_node *n = t.model->graph->first; n; n = n->next)
            if (chosen[n->outputs[0]->id] && n->outputs[0]->use_count && !seen[n->outputs[0]->id])
                fail_msg("seed %llu: %s was not seen", (unsigned long long)seed, n->type);
        judge(&t, x, ours, seed, &sum);
        release(out, count);
        release(seen, MOST_IDS);
        free(ours);
        free(seen);
        c2s_tensor_unref(x);
        c2s_model_destroy(t.model);
    }
}

/* ---- exactness ---- */

/* Every product as large as it can be: pairs of 8-bit products would saturate 16 bits. */
static void largest_sums_are_exact(void **state) {
    (void)state;
    static const struct {
        c2s_dtype x, w;
        double x_code, w_code, x_zero, w_zero;
    } rows[] = {
        {C2S_UINT8, C2S_INT8, 255, 127, 0, 0},      {C2S_UINT8, C2S_INT8, 255, -128, 0, 0},
        {C2S_INT8, C2S_INT8, -128, -128, 0, 0},     {C2S_UINT8, C2S_UINT8, 255, 255, 0, 0},
        {C2S_INT8, C2S_INT8, 127, -128, -128, 127}, {C2S_UINT8, C2S_INT8, 0, 127, 255, -128},
    };
    enum { CHANNELS = 64, SIZE = 6 };
    for (size_t r = 0; r < sizeof rows / sizeof *rows; r++)
        for (int depthwise = 0; depthwise < 2; depthwise++) {
            network t = {.random = {r}, .model = make_model()};
            static double w[CHANNELS * CHANNELS * 9];
            for (size_t k = 0; k < sizeof w / sizeof *w; k++)
                w[k] = rows[r].w_code;
            int64_t w_dim[4] = {CHANNELS, depthwise ? 1 : CHANNELS, 3, 3};
            c2s_value *x = make_input(t.model, "x", rows[r].x, DIMS(1, CHANNELS, SIZE, SIZE));
            c2s_value *real = OP(t.model, "DequantizeLinear", x, number(&t, C2S_FLOAT, 1),
                                 number(&t, rows[r].x, rows[r].x_zero)),
                      *weight =
                          OP(t.model, "DequantizeLinear", constant(&t, "w", rows[r].w, 4, w_dim, w),
                             number(&t, C2S_FLOAT, 1), number(&t, rows[r].w, rows[r].w_zero));
            c2s_node *n = NODE(t.model, "Conv", real, weight);
            c2s_attr_set_int(n, "group", depthwise ? CHANNELS : 1);
            make_output(make_infer(n), "y");
            c2s_tensor *in, *out[1];
            static double codes_of_x[CHANNELS * SIZE * SIZE];
            for (size_t k = 0; k < sizeof codes_of_x / sizeof *codes_of_x; k++)
                codes_of_x[k] = rows[r].x_code;
            assert_int_equal(c2s_tensor_from_f64(rows[r].x, 4, x->type.dim, codes_of_x, &in),
                             C2S_OK);
            run(&t, in, (c2s_eval_options){.threads = 1}, out);
            double want = (rows[r].x_code - rows[r].x_zero) * (rows[r].w_code - rows[r].w_zero) *
                          9 * (depthwise ? 1 : CHANNELS);
            for (size_t k = 0; k < out[0]->count; k++)
                if (c2s_tensor_f64_at(out[0], k) != (double)(float)want)
                    fail_msg("row %zu: %g, expected %g", r, c2s_tensor_f64_at(out[0], k), want);
            c2s_tensor_unref(in);
            release(out, 1);
            c2s_model_destroy(t.model);
        }
}

/* ---- the same bits on every processor ---- */

static uint64_t digest(void) {
    uint64_t sum = 0;
    for (uint64_t seed = 0; seed < 60; seed++) {
        network t;
        c2s_tensor *out[4 * MOST_VALUES];
        make_network(&t, seed, true);
        const c2s_tensor *x = make_x(&t);
        unsigned count = run(&t, x, (c2s_eval_options){.threads = 1}, out);
        for (unsigned k = 0; k < count; k++)
            if (out[k]->type.dtype != C2S_FLOAT)
                sum = sum * 1099511628211u + c2s_tensor_hash(out[k]);
        release(out, count);
        c2s_tensor_unref(x);
        c2s_model_destroy(t.model);
    }
    return sum;
}

static const char *program;

static void all_instruction_sets_give_the_same_bits(void **state) {
    (void)state;
    static const char *const sets[] = {"SSE41", "AVX", "AVX2"};
    uint64_t want = digest();
    for (size_t k = 0; k < sizeof sets / sizeof *sets; k++) {
        char command[4096];
        unsigned long long have;
        snprintf(command, sizeof command, "DNNL_MAX_CPU_ISA=%s '%s' --digest", sets[k], program);
        FILE *pipe = popen(command, "r");
        assert_non_null(pipe);
        assert_int_equal(fscanf(pipe, "%llx", &have), 1);
        assert_int_equal(pclose(pipe), 0);
        if (have != want)
            fail_msg("%s gives %llx, expected %llx", sets[k], have, (unsigned long long)want);
    }
}

static void run_once(const c2s_evaluator *evaluator, const c2s_model *m,
                     const c2s_tensor *const *in, c2s_tensor **out) {
    c2s_runner *runner;
    const c2s_eval_options one = {.threads = 1};
    assert_int_equal(c2s_runner_open(m->graph, evaluator, &one, &runner), C2S_OK);
    if (c2s_runner_run(runner, in, out) != C2S_OK)
        fail_msg("%s", c2s_error());
    c2s_runner_close(runner);
}

/* The sum is done by the first convolution, if its other operand is there by then: it is not if
 * that is made of integers which a later convolution gives. */
static void residuals_may_be_made_later(void **state) {
    (void)state;
    c2s_model *m = make_model();
    c2s_value *x = INPUT(m, "x", 1, 4, 5, 5), *step = make_scalar(m, "step", 0.125);
    const double zero = 128;
    c2s_tensor *tensor, *in, *want = NULL, *found = NULL;
    assert_int_equal(c2s_tensor_from_f64(C2S_UINT8, 0, NULL, &zero, &tensor), C2S_OK);
    c2s_value *point = c2s_value_constant(m->graph, "point", tensor);
    c2s_value *first = OP(m, "Conv", x, WEIGHT(m, "w1", 4, 4, 1, 1));
    c2s_value *second = OP(m, "Conv", x, WEIGHT(m, "w2", 4, 4, 1, 1));
    second = OP(m, "DequantizeLinear", OP(m, "QuantizeLinear", second, step, point), step, point);
    make_output(OP(m, "Relu", OP(m, "Add", second, first)), "y");
    const c2s_random_options random = {.seed = 1};
    assert_int_equal(c2s_random_inputs(m->graph, &random, &in), C2S_OK);
    run_once(&c2s_evaluator_reference, m, (const c2s_tensor *const *)&in, &want);
    run_once(&c2s_evaluator_onednn, m, (const c2s_tensor *const *)&in, &found);
    c2s_difference d;
    c2s_compare(want, found, -1, &d);
    assert_true(d.same_type && d.max_abs <= 0.126); /* a step: ties may be rounded either way */
    c2s_tensor_unref(in);
    c2s_tensor_unref(want);
    c2s_tensor_unref(found);
    c2s_model_destroy(m);
}

int main(int argc, char **argv) {
    if (argc > 1 && strcmp(argv[1], "--digest") == 0) {
        printf("%llx\n", (unsigned long long)digest());
        return 0;
    }
    program = argv[0];
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(largest_sums_are_exact),
        cmocka_unit_test(residuals_may_be_made_later),
        cmocka_unit_test(networks_agree_with_eval),
        cmocka_unit_test(observers_change_nothing),
        cmocka_unit_test(floats_can_be_observed),
        cmocka_unit_test(all_instruction_sets_give_the_same_bits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
