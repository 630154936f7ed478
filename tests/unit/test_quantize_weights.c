/* SPDX-License-Identifier: Apache-2.0
 *
 * The pass quantize_weights: what becomes codes in which form, what does not, and how much is lost.
 * That ONNX Runtime reads the forms the same way is for tests/ort.
 */
#include "unit/weight_case.h"

#include "io/normalise.h"
#include "io/text.h"
#include "runtime/session.h"

/* ---- models ---- */

#define NORMAL(m, name, ...) make_normal(m, name, 0.1, DIMS(__VA_ARGS__))

static c2s_model *matmul_model(void) {
    c2s_model *model = make_model();
    make_output(OP(model, "MatMul", INPUT(model, "x", 2, 3, 100), NORMAL(model, "w", 100, 48)),
                "y");
    return model;
}

static c2s_model *gemm_model(void) {
    c2s_model *model = make_model();
    c2s_node *node = NODE(model, "Gemm", INPUT(model, "x", 5, 100), NORMAL(model, "w", 48, 100),
                          NORMAL(model, "bias", 48));
    c2s_attr_set_int(node, "transB", 1);
    make_output(make_infer(node), "y");
    return model;
}

static c2s_model *conv_model(int64_t channels, int64_t outputs, int64_t group) {
    c2s_model *model = make_model();
    const int64_t dim[4] = {outputs, channels / group, 3, 3};
    c2s_node *node = NODE(model, "Conv", INPUT(model, "x", 1, channels, 5, 5),
                          make_normal(model, "w", 0.1, 4, dim),
                          make_weight(model->graph, "b", C2S_FLOAT, 0, 1, &outputs));
    c2s_attr_set_int(node, "group", group);
    make_output(make_infer(node), "y");
    return model;
}

static c2s_model *gather_model(void) {
    c2s_model *model = make_model();
    make_output(OP(model, "Gather", NORMAL(model, "table", 60, 64), INTS(model, "i", 3, 59, 0, -1)),
                "y");
    return model;
}

static c2s_model *lstm_model(void) {
    c2s_model *model = make_model();
    c2s_node *node = make_node(model->graph, 1, "LSTM", INPUT(model, "x", 4, 1, 64),
                               NORMAL(model, "w", 1, 64, 64), NORMAL(model, "r", 1, 64, 16), END);
    c2s_attr_set_int(node, "hidden_size", 16);
    make_output(make_infer(node), "y");
    return model;
}

/* ---- what is lost ---- */

static double sqnr(const c2s_model *before, const c2s_model *after) {
    c2s_tensor *x[4], *y[4];
    assert_int_equal(run_model(before, x), 1);
    assert_int_equal(run_model(after, y), 1);
    double signal = 0, noise = 0;
    assert_true(c2s_type_equal(&x[0]->type, &y[0]->type));
    for (size_t i = 0; i < x[0]->count; i++) {
        const double a = c2s_tensor_f64_at(x[0], i), b = c2s_tensor_f64_at(y[0], i);
        signal += a * a;
        noise += (a - b) * (a - b);
    }
    c2s_tensor_unref(x[0]);
    c2s_tensor_unref(y[0]);
    return 10 * log10(signal / noise);
}

/* The operators after the pass; decibels that are left at least; bytes at most, of 1. */
static void check(c2s_model *model, const char *options, const char *ops, double decibels,
                  double bytes) {
    char text[200];
    snprintf(text, sizeof text, "quantize_weights(%s)", options);
    c2s_model *before = check_smaller(model, text, ops, bytes);
    const double found = sqnr(before, model);
    if (!(found >= decibels))
        fail_msg("%s, %s: SQNR %g dB, expected %g", ops, options, found, decibels);
    c2s_model_destroy(before);
    c2s_model_destroy(model);
}

static void every_width(void **state) {
    (void)state;
    static const struct {
        const char *options;
        double decibels, bytes;
    } widths[] = {{"bits=8", 40, 0.27},
                  {"bits=8,type=uint", 40, 0.27},
                  {"bits=8,block=32", 40, 0.30},
                  {"bits=4,type=int", 17, 0.19},
                  {"bits=4", 18, 0.20},
                  {"bits=4,block=0,type=uint", 15, 0.16},
                  {"bits=4,block=16,method=nearest", 16, 0.25},
                  {"bits=2,type=int", 5, 0.13},
                  {"bits=2", 6, 0.14}};
    for (unsigned i = 0; i < sizeof widths / sizeof *widths; i++) {
        const char *o = widths[i].options;
        const double db = widths[i].decibels, bytes = widths[i].bytes;
        check(matmul_model(), o, "DequantizeLinear MatMul", db, bytes);
        check(gemm_model(), o, "DequantizeLinear Gemm", db, bytes + 0.01);
        check(conv_model(64, 48, 1), o, "DequantizeLinear Conv", db, bytes + 0.01);
        check(gather_model(), o, "DequantizeLinear Gather", db, bytes + 0.01);
        check(lstm_model(), o, "DequantizeLinear DequantizeLinear LSTM", db - 6, bytes + 0.05);
    }
}

/* The first constant's numbers without their signs. */
static c2s_model *without_signs(c2s_model *model) {
    for (size_t i = 0; i < model->values.count; i++) {
        const c2s_tensor *tensor = model->values.at[i]->constant;
        if (!tensor || tensor->type.dtype != C2S_FLOAT)
            continue;
        float *numbers = c2s_tensor_mutable((c2s_tensor *)(uintptr_t)tensor);
        for (size_t k = 0; k < tensor->count; k++)
            numbers[k] = fabsf(numbers[k]);
        break;
    }
    return model;
}

/* All zero points are 0, which is not what these operators take where there are none. */
static void zero_points_at_the_end(void **state) {
    (void)state;
    static const char options[] = "bits=4,target=ort-cpu,type=uint";
    check(without_signs(matmul_model()), options, "MatMulNBits", 20, 0.23);
    check(without_signs(gather_model()), options, "GatherBlockQuantized", 20, 0.22);
    check(without_signs(matmul_model()), "bits=4,type=uint", "DequantizeLinear MatMul", 20, 0.23);
}

static void contrib_forms(void **state) {
    (void)state;
    check(matmul_model(), "bits=4,target=ort-cpu,type=int", "MatMulNBits", 17, 0.21);
    check(matmul_model(), "bits=4,target=ort-cpu,type=uint", "MatMulNBits", 18, 0.23);
    check(matmul_model(), "bits=8,target=ort-cpu,block=32", "MatMulNBits", 40, 0.37);
    check(matmul_model(), "bits=2,target=ort-cpu,type=uint", "MatMulNBits", 5, 0.15);
    check(gemm_model(), "bits=4,target=ort-cpu,type=int", "MatMulNBits", 17, 0.23);
    check(gemm_model(), "bits=4,target=ort-cpu,block=64,type=uint", "MatMulNBits", 16, 0.23);
    check(gather_model(), "bits=4,target=ort-cpu,type=int", "GatherBlockQuantized", 17, 0.2);
    check(gather_model(), "bits=4,target=ort-cpu,type=uint", "GatherBlockQuantized", 18, 0.22);
    /* Without blocks of a power of two the standard's operator stays. */
    check(matmul_model(), "bits=4,target=ort-cpu,block=48", "DequantizeLinear MatMul", 16, 0.2);
    check(matmul_model(), "bits=8,target=ort-cpu", "DequantizeLinear MatMul", 40, 0.27);
    check(conv_model(64, 48, 1), "bits=4,target=ort-cpu,type=int", "DequantizeLinear Conv", 17,
          0.2);
}

/* Blocks would need as many scales as there are weights: one scale per channel instead. */
static void few_weights_along_the_sum(void **state) {
    (void)state;
    check(conv_model(1, 400, 1), "bits=8", "DequantizeLinear Conv", 40, 0.75);
    check(conv_model(64, 64, 64), "bits=4,block=32", "DequantizeLinear Conv", 17, 0.45);
}

/* ---- what readers there are ---- */

static void shared_weights(void **state) {
    (void)state;
    c2s_model *model = make_model();
    c2s_value *w = NORMAL(model, "w", 64, 64);
    c2s_value *x = OP(model, "MatMul", INPUT(model, "x", 3, 64), w);
    make_output(OP(model, "MatMul", OP(model, "Relu", x), w), "y");
    c2s_model *other = c2s_model_copy(model);
    check(model, "bits=4", "DequantizeLinear MatMul Relu MatMul", 13, 0.19);
    check(other, "bits=4,target=ort-cpu,type=int", "MatMulNBits Relu MatMulNBits", 13, 0.19);
    /* A table that is a matrix as well has one form for both. */
    model = make_model();
    w = NORMAL(model, "w", 64, 64);
    x = OP(model, "Gather", w, INTS(model, "i", 1, 2));
    make_output(OP(model, "MatMul", x, w), "y");
    check(model, "bits=4,target=ort-cpu,type=int", "DequantizeLinear Gather MatMul", 13, 0.21);
}

static void filters(void **state) {
    (void)state;
    for (int exclude = 0; exclude < 2; exclude++) {
        c2s_model *model = make_model();
        c2s_value *x = OP(model, "MatMul", INPUT(model, "x", 3, 64), NORMAL(model, "w", 64, 64));
        x->def->name = "first";
        make_output(OP(model, "MatMul", x, NORMAL(model, "v", 64, 64)), "y");
        x->uses->user->name = "second";
        check(model, exclude ? "exclude=sec*" : "include=second",
              exclude ? "DequantizeLinear MatMul MatMul" : "MatMul DequantizeLinear MatMul", 40,
              0.64);
    }
    c2s_pipeline *pipeline;
    c2s_model *model = matmul_model();
    static const char *const wrong[] = {"include=nobody", "bits=3",          "type=float",
                                        "method=magic",   "method=gptq",     "block=-1",
                                        "target=moon",    "method=adaround", "bias_correction=yes"};
    for (unsigned i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        char text[100];
        snprintf(text, sizeof text, "quantize_weights(%s)", wrong[i]);
        assert_int_equal(c2s_pipeline_parse(text, &pipeline), C2S_OK);
        const c2s_pass_context context = {.evaluator = &c2s_evaluator_reference};
        const c2s_pipeline_options o = {.context = &context};
        c2s_pipeline_result result;
        assert_int_equal(c2s_pipeline_run(pipeline, model, &o, &result), C2S_ERR_USAGE);
        c2s_pipeline_result_free(&result);
        c2s_pipeline_free(pipeline);
    }
    c2s_model_destroy(model);
}

static void refused(void **state) {
    (void)state;
    c2s_model *model = make_model();
    make_output(OP(model, "MatMul", INPUT(model, "x", 3, 8), WEIGHT(model, "w", 8, 4)), "y");
    check_refused(model, "quantize_weights", "MatMul", "would not be smaller");
    model = make_model();
    c2s_value *w = NORMAL(model, "w", 64, 64);
    make_output(OP(model, "MatMul", INPUT(model, "x", 3, 64), w), "y");
    make_output(w, "weights");
    check_refused(model, "quantize_weights", "MatMul", "an output of the graph");
    model = make_model();
    w = make_weight(model->graph, "w", C2S_DOUBLE, 0, DIMS(64, 64));
    make_output(OP(model, "MatMul", make_input(model, "x", C2S_DOUBLE, DIMS(3, 64)), w), "y");
    check_refused(model, "quantize_weights", "MatMul", "no such type");
    model = make_model();
    w = make_weight(model->graph, "w", C2S_BFLOAT16, 0, DIMS(64, 64));
    make_output(OP(model, "Gather", w, make_input(model, "i", C2S_INT64, DIMS(3))), "y");
    check_refused(model, "quantize_weights", "Gather", "dequantizes no bfloat16");
    model = make_model();
    w = NORMAL(model, "w", 64, 64);
    ((float *)(uintptr_t)c2s_tensor_data(w->constant))[5] = NAN;
    make_output(OP(model, "MatMul", INPUT(model, "x", 3, 64), w), "y");
    check_refused(model, "quantize_weights", "MatMul", "expected a finite number");
}

/* Scales of 16 bits came with opset 19: the model is raised to that, and float needs nothing. */
static void sixteen_bits_need_an_opset(void **state) {
    (void)state;
    static const c2s_dtype types[] = {C2S_FLOAT, C2S_FLOAT16, C2S_BFLOAT16};
    for (size_t i = 0; i < 3; i++) {
        c2s_model *model = make_model();
        c2s_model_set_opset(model, "", 14);
        c2s_value *w = make_weight(model->graph, "w", types[i], 0, DIMS(64, 64));
        make_output(OP(model, "MatMul", make_input(model, "x", types[i], DIMS(3, 64)), w), "y");
        run_passes(model, "quantize_weights");
        assert_string_equal(ops_of(model->graph), "DequantizeLinear MatMul");
        assert_int_equal(c2s_model_opset(model, ""), i == 0 ? 14 : 19);
        c2s_model_destroy(model);
    }
}

/* ---- by samples ---- */

/* Rows whose elements follow each other. */
static c2s_status following(const c2s_feed *feed, const c2s_graph *graph, size_t index,
                            c2s_tensor **in) {
    const c2s_type *type = &c2s_graph_input(graph, 0)->type;
    c2s_random random = {index + 1};
    double values[6 * 100], last = 0;
    size_t count;
    (void)feed;
    assert_true(c2s_type_elements(type, &count) && count <= 600);
    for (size_t i = 0; i < count; i++)
        values[i] = last = 0.9 * last + c2s_random_normal(&random);
    return c2s_tensor_from_f64(C2S_FLOAT, type->rank, type->dim, values, &in[0]);
}
static const c2s_feed samples = {.count = 64, .get = following};

static double sample_error(const c2s_model *before, const c2s_model *after) {
    double error = 0;
    for (size_t s = 0; s < 8; s++) {
        c2s_tensor *in[1], *y[2];
        const c2s_model *models[2] = {before, after};
        assert_int_equal(following(&samples, before->graph, s, in), C2S_OK);
        for (int k = 0; k < 2; k++) {
            const c2s_eval_options options = {.threads = 1};
            c2s_session *session;
            assert_int_equal(c2s_evaluator_onednn.open(models[k]->graph, &options, &session),
                             C2S_OK);
            assert_int_equal(
                c2s_evaluator_onednn.run(session, (const c2s_tensor *const *)in, &y[k]), C2S_OK);
            c2s_evaluator_onednn.close(session);
        }
        for (size_t i = 0; i < y[0]->count; i++)
            error += pow(c2s_tensor_f64_at(y[0], i) - c2s_tensor_f64_at(y[1], i), 2);
        c2s_tensor_unref(in[0]);
        c2s_tensor_unref(y[0]);
        c2s_tensor_unref(y[1]);
    }
    return error;
}

static void samples_help(void **state) {
    (void)state;
    for (int form = 0; form < 4; form++) {
        double error[2];
        for (int gptq = 0; gptq < 2; gptq++) {
            c2s_model *model = form == 0   ? matmul_model()
                               : form == 1 ? gemm_model()
                                           : conv_model(16, 32, form == 2 ? 1 : 4);
            c2s_model *before = c2s_model_copy(model);
            case_feed = gptq ? &samples : NULL;
            run_passes(model, form % 2 ? "quantize_weights(bits=4,type=uint)"
                                       : "quantize_weights(bits=4,target=ort-cpu)");
            case_feed = NULL;
            error[gptq] = sample_error(before, model);
            c2s_model_destroy(model);
            c2s_model_destroy(before);
        }
        assert_true(error[1] < 0.8 * error[0]);
    }
}

/* Products one behind the other: each makes up for the errors before it. */
static void stages_help(void **state) {
    (void)state;
    double error[2];
    for (int staged = 0; staged < 2; staged++) {
        c2s_model *model = make_model();
        c2s_value *x = INPUT(model, "x", 6, 100);
        for (int layer = 0; layer < 4; layer++) {
            static const char *const names[] = {"a", "b", "c", "d"};
            x = OP(model, "Gemm", x, NORMAL(model, names[layer], 100, 100),
                   NORMAL(model, "e", 100));
            x = OP(model, "Relu", x);
        }
        make_output(x, "y");
        c2s_model *before = c2s_model_copy(model);
        case_feed = &samples;
        run_passes(model, staged ? "quantize_weights(bits=4,target=ort-cpu)"
                                 : "quantize_weights(bits=4,stages=1)");
        case_feed = NULL;
        assert_string_equal(ops_of(model->graph),
                            staged ? "MatMulNBits Relu MatMulNBits Relu MatMulNBits Relu "
                                     "MatMulNBits Relu"
                                   : "DequantizeLinear Gemm Relu DequantizeLinear Gemm Relu "
                                     "DequantizeLinear Gemm Relu DequantizeLinear Gemm Relu");
        error[staged] = sample_error(before, model);
        c2s_model_destroy(model);
        c2s_model_destroy(before);
    }
    assert_true(error[1] < 0.9 * error[0]);
}

/* One product in both bodies of an If, of which the first runs, or never does. */
static c2s_model *body_model(bool runs) {
    char *text;
    size_t size;
    c2s_random random = {3};
    FILE *to = open_memstream(&text, &size);
    fprintf(to,
            "<ir_version: 10, opset_import: [\"\" : 21]>\n"
            "g (float[6,100] x) => (float[6,48] y) <bool c = {%d}, float[100,48] w = {",
            runs);
    for (int i = 0; i < 100 * 48; i++)
        fprintf(to, "%s%.5f", i ? ", " : "", 0.1 * c2s_random_normal(&random));
    fprintf(to, "}> { y = If <then_branch = t () => (float[6,48] a) { a = MatMul (x, w) },"
                " else_branch = e () => (float[6,48] b) { b = MatMul (x, w) }> (c) }");
    fclose(to);
    c2s_model *model;
    if (c2s_text_read(text, size, "case", &model) != C2S_OK ||
        c2s_model_normalise(model) != C2S_OK || c2s_graph_infer(model->graph) != C2S_OK)
        fail_msg("%s", c2s_error());
    free(text);
    return model;
}

static void samples_reach_bodies(void **state) {
    (void)state;
    for (int runs = 0; runs < 2; runs++) {
        double error[2];
        for (int gptq = 0; gptq < 2; gptq++) {
            c2s_model *model = body_model(runs), *before = c2s_model_copy(model);
            case_feed = gptq ? &samples : NULL;
            run_passes(model, "quantize_weights(bits=4)");
            case_feed = NULL;
            assert_string_equal(ops_of(model->graph), "DequantizeLinear If");
            error[gptq] = sample_error(before, model);
            c2s_model_destroy(model);
            c2s_model_destroy(before);
        }
        if (runs)
            assert_true(error[1] < 0.8 * error[0]);
        else
            assert_true(error[1] == error[0]); /* nothing was learnt */
    }
}

/* The same, all above 0: rounded weights shift what is made of them. */
static c2s_status above_zero(const c2s_feed *feed, const c2s_graph *graph, size_t index,
                             c2s_tensor **in) {
    C2S_TRY(following(feed, graph, index, in));
    float *x = c2s_tensor_mutable(in[0]);
    for (size_t i = 0; i < in[0]->count; i++)
        x[i] = 2 + fabsf(x[i]);
    return C2S_OK;
}

/* Squares of the mean errors of the last axis (of axis 1 of a convolution), over all samples. */
static double mean_error(const c2s_feed *feed, const c2s_model *before, const c2s_model *after) {
    double mean[128] = {0}, sum = 0;
    for (size_t s = 0; s < feed->count; s++) {
        c2s_tensor *in[1], *y[2];
        assert_int_equal(feed->get(feed, before->graph, s, in), C2S_OK);
        for (int k = 0; k < 2; k++) {
            const c2s_graph *graph = k ? after->graph : before->graph;
            const c2s_eval_options options = {.threads = 1};
            c2s_session *session;
            assert_int_equal(c2s_evaluator_reference.open(graph, &options, &session), C2S_OK);
            assert_int_equal(
                c2s_evaluator_reference.run(session, (const c2s_tensor *const *)in, &y[k]), C2S_OK);
            c2s_evaluator_reference.close(session);
        }
        const c2s_type *t = &y[0]->type;
        const bool conv = t->rank == 4;
        const size_t channels = (size_t)t->dim[conv ? 1 : t->rank - 1],
                     inner = conv ? (size_t)(t->dim[2] * t->dim[3]) : 1;
        for (size_t i = 0; i < y[0]->count; i++)
            mean[i / inner % channels] += c2s_tensor_f64_at(y[0], i) - c2s_tensor_f64_at(y[1], i);
        c2s_tensor_unref(in[0]);
        c2s_tensor_unref(y[0]);
        c2s_tensor_unref(y[1]);
    }
    for (size_t c = 0; c < 128; c++)
        sum += mean[c] * mean[c];
    return sum;
}

static c2s_model *biased_model(int form) {
    if (form < 2)
        return form ? conv_model(16, 32, 4) : gemm_model();
    c2s_model *model = make_model();
    if (form == 2) { /* a bias is made */
        make_output(OP(model, "Gemm", INPUT(model, "x", 5, 100), NORMAL(model, "w", 100, 48)), "y");
        return model;
    }
    c2s_value *y = OP(model, "MatMul", INPUT(model, "x", 5, 100), NORMAL(model, "w", 100, 48));
    make_output(OP(model, "Add", NORMAL(model, "bias", 48), y), "y");
    return model;
}

static void biases_make_up_for_means(void **state) {
    (void)state;
    static const char *const ops[] = {"DequantizeLinear Gemm", "DequantizeLinear Conv",
                                      "DequantizeLinear Gemm", "DequantizeLinear MatMul Add"};
    static const c2s_feed feed = {.count = 24, .get = above_zero};
    for (int form = 0; form < 4; form++) {
        double error[2];
        for (int corrected = 0; corrected < 2; corrected++) {
            c2s_model *model = biased_model(form), *before = c2s_model_copy(model);
            case_feed = &feed;
            run_passes(model, corrected ? "quantize_weights(bits=2)"
                                        : "quantize_weights(bits=2,bias_correction=no)");
            case_feed = NULL;
            assert_string_equal(ops_of(model->graph), ops[form]);
            error[corrected] = mean_error(&feed, before, model);
            c2s_model_destroy(model);
            c2s_model_destroy(before);
        }
        if (!(error[1] < 0.01 * error[0]))
            fail_msg("form %d: mean error %g, without correction %g", form, error[1], error[0]);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_width),
        cmocka_unit_test(contrib_forms),
        cmocka_unit_test(zero_points_at_the_end),
        cmocka_unit_test(few_weights_along_the_sum),
        cmocka_unit_test(shared_weights),
        cmocka_unit_test(filters),
        cmocka_unit_test(refused),
        cmocka_unit_test(sixteen_bits_need_an_opset),
        cmocka_unit_test(samples_help),
        cmocka_unit_test(stages_help),
        cmocka_unit_test(samples_reach_bodies),
        cmocka_unit_test(biases_make_up_for_means),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
