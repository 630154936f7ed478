/* SPDX-License-Identifier: Apache-2.0
 *
 * The pass sparsify: how many zeros, and where, counted here; what making up for them gains; sparse
 * initializers in the file and back.
 */
#include "unit/pass_case.h"

#include "base/random.h"
#include "io/load.h"
#include "io/save.h"

enum { ROWS = 64, WIDTH = 32, OUTPUTS = 12, HIDDEN = 6 };

/* Columns that depend on each other: mixtures of a few numbers, and noise. */
static c2s_status sample(const c2s_feed *feed, const c2s_graph *graph, size_t index,
                         c2s_tensor **in) {
    c2s_random random = {index + 100}, mixing = {3};
    double values[ROWS * WIDTH], mix[HIDDEN * WIDTH];
    (void)feed, (void)graph;
    for (int i = 0; i < HIDDEN * WIDTH; i++)
        mix[i] = c2s_random_normal(&mixing);
    for (int row = 0; row < ROWS; row++) {
        double hidden[HIDDEN];
        for (int h = 0; h < HIDDEN; h++)
            hidden[h] = c2s_random_normal(&random);
        for (int i = 0; i < WIDTH; i++) {
            values[row * WIDTH + i] = 0.5 + 0.2 * c2s_random_normal(&random);
            for (int h = 0; h < HIDDEN; h++)
                values[row * WIDTH + i] += hidden[h] * mix[h * WIDTH + i];
        }
    }
    return c2s_tensor_from_f64(C2S_FLOAT, 2, (int64_t[]){ROWS, WIDTH}, values, &in[0]);
}
static const c2s_feed data = {.count = 8, .get = sample};

static c2s_value *normal(c2s_model *m, const char *name, int rank, const int64_t *dim) {
    double values[8192];
    size_t count = 1;
    c2s_random random = {9};
    c2s_tensor *tensor;
    for (int k = 0; k < rank; k++)
        count *= (size_t)dim[k];
    assert_true(count <= sizeof values / sizeof *values);
    for (size_t i = 0; i < count; i++)
        values[i] = c2s_random_normal(&random);
    assert_int_equal(c2s_tensor_from_f64(C2S_FLOAT, rank, dim, values, &tensor), C2S_OK);
    return c2s_value_constant(m->graph, name, tensor);
}
#define NORMAL(m, name, ...) normal(m, name, DIMS(__VA_ARGS__))

static c2s_model *product(void) {
    c2s_model *m = make_model();
    make_output(OP(m, "Gemm", INPUT(m, "x", ROWS, WIDTH), NORMAL(m, "w", WIDTH, OUTPUTS),
                   NORMAL(m, "b", OUTPUTS)),
                "y");
    return m;
}

static c2s_model *convolution(int64_t group, int64_t channels, int64_t outputs) {
    c2s_model *m = make_model();
    c2s_node *node = NODE(m, "Conv", INPUT(m, "x", 2, channels, 6, 6),
                          NORMAL(m, "w", outputs, channels / group, 3, 3));
    c2s_attr_set_int(node, "group", group);
    make_output(make_infer(node), "y");
    return m;
}

static const c2s_tensor *weight_of(const c2s_model *m) {
    return c2s_node_in(m->graph->first, 1)->constant;
}

static size_t zeros_of(const c2s_tensor *t) {
    size_t zeros = 0;
    for (size_t i = 0; i < t->count; i++)
        zeros += c2s_tensor_f64_at(t, i) == 0;
    return zeros;
}

static unsigned run_on(c2s_model *m, const char *passes, bool with_data) {
    case_feed = with_data ? &data : NULL;
    const unsigned rewrites = run_passes(m, passes);
    case_feed = NULL;
    return rewrites;
}

static void counts_zeros(void **state) {
    (void)state;
    static const struct {
        const char *passes;
        double part;
        bool data;
    } cases[] = {{"sparsify(ratio=0.5)", 0.5, false},
                 {"sparsify(ratio=0.75)", 0.75, true},
                 {"sparsify(pattern=2:4)", 0.5, false},
                 {"sparsify(pattern=2:4)", 0.5, true},
                 {"sparsify(pattern=1:8,method=size)", 0.875, true}};
    for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
        c2s_model *m = product();
        assert_int_equal(run_on(m, cases[k].passes, cases[k].data), 1);
        assert_int_equal(zeros_of(weight_of(m)), (size_t)(cases[k].part * WIDTH * OUTPUTS));
        c2s_model_destroy(m);
    }
}

/* Of the weights of an output, those of four inputs that follow each other. */
static void keeps_the_pattern(void **state) {
    (void)state;
    for (int with_data = 0; with_data < 2; with_data++) {
        c2s_model *m = product();
        run_on(m, "sparsify(pattern=2:4)", with_data);
        for (size_t out = 0; out < OUTPUTS; out++)
            for (size_t in = 0; in < WIDTH; in += 4) {
                int zeros = 0;
                for (size_t i = in; i < in + 4; i++)
                    zeros += c2s_tensor_f64_at(weight_of(m), i * OUTPUTS + out) == 0;
                assert_int_equal(zeros, 2);
            }
        c2s_model_destroy(m);
    }
    /* channels of a convolution, each place of the kernel by itself; two are left over */
    c2s_model *m = convolution(1, 6, 5);
    run_on(m, "sparsify(pattern=2:4)", false);
    for (size_t out = 0; out < 5; out++)
        for (size_t place = 0; place < 9; place++) {
            int zeros[2] = {0};
            for (size_t in = 0; in < 6; in++)
                zeros[in / 4] += c2s_tensor_f64_at(weight_of(m), (out * 6 + in) * 9 + place) == 0;
            assert_int_equal(zeros[0], 2);
            assert_int_equal(zeros[1], 0);
        }
    c2s_model_destroy(m);
}

/* The largest weights stay. */
static void goes_by_size(void **state) {
    (void)state;
    c2s_model *before = product(), *after = c2s_model_copy(before);
    double least = INFINITY, most = 0;
    run_on(after, "sparsify(ratio=0.5)", false);
    for (size_t i = 0; i < weight_of(before)->count; i++) {
        const double was = fabs(c2s_tensor_f64_at(weight_of(before), i));
        const bool stays = c2s_tensor_f64_at(weight_of(after), i) != 0;
        least = stays ? fmin(least, was) : least;
        most = stays ? most : fmax(most, was);
    }
    assert_true(most <= least);
    c2s_model_destroy(before);
    c2s_model_destroy(after);
}

static double noise_of(const char *passes) {
    c2s_model *before = product(), *after = c2s_model_copy(before);
    run_on(after, passes, true);
    const case_distance d = distance_on(&data, 50, 54, before, after);
    c2s_model_destroy(before);
    c2s_model_destroy(after);
    return d.noise / d.signal;
}

/* Inputs have 6 dimensions and a little noise: 16 of 32 can say nearly all of it. */
static void others_make_up(void **state) {
    (void)state;
    assert_true(noise_of("sparsify(ratio=0.5)") <
                0.1 * noise_of("sparsify(ratio=0.5,method=size)"));
    assert_true(noise_of("sparsify(pattern=2:4)") <
                0.2 * noise_of("sparsify(pattern=2:4,method=size)"));
    assert_true(noise_of("sparsify(ratio=0.5)") < 0.01);
    assert_true(noise_of("sparsify(ratio=0)") == 0);
}

static void leaves_alone(void **state) {
    (void)state;
    check_refused(convolution(6, 6, 6), "sparsify", "Conv", "it has few weights");
    c2s_model *m = make_model();
    c2s_value *w = NORMAL(m, "w", 32, 32), *x = INPUT(m, "x", 4, 32);
    make_output(OP(m, "MatMul", OP(m, "MatMul", x, w), w), "y");
    check_refused(m, "sparsify", "MatMul MatMul", "others read them, too");
}

static void refuses_options(void **state) {
    (void)state;
    static const char *const wrong[] = {"sparsify(pattern=4:4)",  "sparsify(pattern=0:4)",
                                        "sparsify(pattern=2)",    "sparsify(pattern=2:4x)",
                                        "sparsify(pattern=1:65)", "sparsify(method=best)",
                                        "sparsify(method=obs)",   "sparsify(ratio=2)"};
    for (size_t k = 0; k < sizeof wrong / sizeof *wrong; k++) {
        c2s_pipeline *pipeline;
        c2s_pipeline_result result;
        const c2s_pass_context context = {.evaluator = &c2s_evaluator_reference};
        c2s_pipeline_options options = {.context = &context};
        c2s_model *m = product();
        assert_int_equal(c2s_pipeline_parse(wrong[k], &pipeline), C2S_OK);
        if (c2s_pipeline_run(pipeline, m, &options, &result) != C2S_ERR_USAGE)
            fail_msg("%s was taken", wrong[k]);
        c2s_pipeline_result_free(&result);
        c2s_pipeline_free(pipeline);
        c2s_model_destroy(m);
    }
}

/* ---- the file ---- */

static size_t saved(c2s_model *m, c2s_model **again) {
    void *bytes;
    size_t size;
    if (c2s_model_save_memory(m, &bytes, &size) != C2S_OK ||
        c2s_model_load_memory(bytes, size, "sparse.onnx", again) != C2S_OK)
        fail_msg("%s", c2s_error());
    return size;
}

static void writes_sparse_initializers(void **state) {
    (void)state;
    static const char *const passes[] = {"sparsify(ratio=0.9)",
                                         "sparsify(ratio=0.9,target=ort-cpu)",
                                         "sparsify(ratio=0.5,target=ort-cpu)"};
    size_t size[3];
    for (int k = 0; k < 3; k++) {
        c2s_model *m = product(), *again;
        m->ir_version = 4;
        run_on(m, passes[k], false);
        size[k] = saved(m, &again);
        assert_int_equal(again->ir_version, k == 0 ? 4 : 6);
        assert_int_equal(weight_of(again)->count, WIDTH * OUTPUTS);
        for (size_t i = 0; i < weight_of(m)->count; i++)
            assert_true(c2s_tensor_f64_at(weight_of(m), i) ==
                        c2s_tensor_f64_at(weight_of(again), i));
        /* and once more, from what was read */
        c2s_model *third;
        const size_t same = saved(again, &third);
        assert_int_equal(same, size[k]);
        c2s_model_destroy(third);
        c2s_model_destroy(again);
        c2s_model_destroy(m);
    }
    /* 12 bytes an entry: less at a tenth, more at a half, which stays dense */
    const size_t dense = WIDTH * OUTPUTS * sizeof(float);
    assert_true(size[1] + dense / 2 < size[0]);
    assert_in_range(size[2], size[0], size[0] + 16);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(counts_zeros),
        cmocka_unit_test(keeps_the_pattern),
        cmocka_unit_test(goes_by_size),
        cmocka_unit_test(others_make_up),
        cmocka_unit_test(leaves_alone),
        cmocka_unit_test(refuses_options),
        cmocka_unit_test(writes_sparse_initializers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
