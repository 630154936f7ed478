/* SPDX-License-Identifier: Apache-2.0 */
/* The oneDNN session: plans, lifetimes, control flow and the corners of the graph interface, held
 * against the plain evaluator. */
#include "unit/make_graph.h"

#include "base/log.h"
#include "base/random.h"
#include "eval/compare.h"
#include "io/text.h"
#include "runtime/dnnl_processor.h"
#include "runtime/session.h"

static c2s_tensor *floats(int rank, const int64_t *dim, uint64_t seed) {
    c2s_random random = {seed};
    c2s_tensor *tensor;
    assert_int_equal(c2s_tensor_create(C2S_FLOAT, rank, dim, &tensor), C2S_OK);
    for (size_t k = 0; k < tensor->count; k++)
        ((float *)c2s_tensor_mutable(tensor))[k] = (float)c2s_random_normal(&random);
    return tensor;
}

static c2s_session *open_session(const c2s_evaluator *evaluator, const c2s_model *model,
                                 const c2s_eval_options *options) {
    c2s_session *session;
    if (evaluator->open(model->graph, options, &session) != C2S_OK)
        fail_msg("%s: %s", evaluator->name, c2s_error());
    return session;
}

static void run(c2s_session *session, c2s_tensor *const *in, c2s_tensor **out) {
    if (session->evaluator->run(session, (const c2s_tensor *const *)in, out) != C2S_OK)
        fail_msg("%s: %s", session->evaluator->name, c2s_error());
}

/* Runs both evaluators on `in` and compares all outputs. */
static void agree(c2s_session *session, const c2s_model *model, c2s_tensor *const *in) {
    c2s_tensor *want[8], *have[8];
    c2s_session *plain = open_session(&c2s_evaluator_reference, model, NULL);
    run(plain, in, want);
    run(session, in, have);
    for (unsigned k = 0; k < c2s_graph_output_count(model->graph); k++) {
        c2s_difference d;
        if (!c2s_compare(want[k], have[k], 1e-5, &d))
            fail_msg("output %u: %g at %s, expected %g", k, d.found, d.where, d.reference);
        c2s_tensor_unref(want[k]);
        c2s_tensor_unref(have[k]);
    }
    c2s_evaluator_reference.close(plain);
}

static c2s_session *open_onednn(const c2s_model *model) {
    return open_session(&c2s_evaluator_onednn, model, NULL);
}

/* Conv -> Relu -> GlobalAveragePool -> Flatten -> Gemm for any batch and image size. */
static c2s_model *make_network(c2s_node **conv) {
    c2s_model *model = make_model();
    c2s_dim n = c2s_dim_symbol(model->dims, "n"), h = c2s_dim_symbol(model->dims, "h");
    c2s_value *x = make_input(model, "x", C2S_FLOAT, DIMS(n, 3, h, h));
    c2s_value *y = OP(model, "Conv", x, WEIGHT(model, "w", 8, 3, 3, 3), WEIGHT(model, "b", 8));
    *conv = y->def;
    y = OP(model, "GlobalAveragePool", OP(model, "Relu", y));
    y = OP(model, "Gemm", OP(model, "Flatten", y), WEIGHT(model, "v", 8, 5));
    make_output(y, "y");
    return model;
}

static void plans_follow_input_shapes(void **state) {
    (void)state;
    c2s_node *conv;
    c2s_model *model = make_network(&conv);
    c2s_session *session = open_onednn(model);
    for (int round = 0; round < 24; round++) { /* more shapes than plans are kept */
        int64_t size = 4 + round * 5 % 12, dim[4] = {1 + round % 3, 3, size, size};
        c2s_tensor *x = floats(4, dim, (uint64_t)round);
        agree(session, model, &x);
        assert_string_equal(c2s_onednn_kernel_of(session, conv), "dnnl_conv");
        c2s_tensor_unref(x);
    }
    c2s_evaluator_onednn.close(session);
    c2s_model_destroy(model);
}

static void same_bits_every_time(void **state) {
    (void)state;
    c2s_node *conv;
    c2s_model *model = make_network(&conv);
    c2s_session *session = open_onednn(model);
    int64_t dim[4] = {2, 3, 17, 17};
    c2s_tensor *x = floats(4, dim, 5), *first, *again;
    run(session, &x, &first);
    for (int round = 0; round < 3; round++) {
        run(session, &x, &again);
        assert_true(c2s_tensor_equal(first, again));
        c2s_tensor_unref(again);
    }
    c2s_tensor_unref(first);
    c2s_tensor_unref(x);
    c2s_evaluator_onednn.close(session);
    c2s_model_destroy(model);
}

/* Outputs that are an input, a constant, one value twice, and inputs with a default. */
static void interface_corners(void **state) {
    (void)state;
    c2s_model *model = make_model();
    c2s_value *x = INPUT(model, "x", 2, 3), *d = INPUT(model, "d", 3), *w = WEIGHT(model, "w", 3);
    d->initial = c2s_tensor_ref(w->constant);
    c2s_value *y = OP(model, "Mul", OP(model, "Add", x, d), w);
    make_output(x, "same");
    make_output(w, "constant");
    make_output(y, "y");
    make_output(y, "y_again");
    make_output(OP(model, "Reshape", x, INTS(model, "shape", 3, 2)), "view");
    c2s_session *session = open_onednn(model);
    int64_t dim[2] = {2, 3};
    c2s_tensor *in[2] = {floats(2, dim, 1), NULL};
    agree(session, model, in);
    in[1] = floats(1, dim + 1, 2);
    agree(session, model, in);
    c2s_evaluator_onednn.close(session); /* outputs of the run above are already gone */
    c2s_tensor_unref(in[0]);
    c2s_tensor_unref(in[1]);
    c2s_model_destroy(model);
}

static void outputs_outlive_the_session(void **state) {
    (void)state;
    c2s_node *conv;
    c2s_model *model = make_network(&conv);
    c2s_session *session = open_onednn(model);
    int64_t dim[4] = {1, 3, 64, 64};
    c2s_tensor *x = floats(4, dim, 1), *out[2];
    run(session, &x, &out[0]);
    run(session, &x, &out[1]);
    c2s_evaluator_onednn.close(session);
    c2s_tensor_unref(x);
    c2s_model_destroy(model);
    assert_true(c2s_tensor_equal(out[0], out[1]));
    c2s_tensor_unref(out[0]);
    c2s_tensor_unref(out[1]);
}

static void empty_tensors(void **state) {
    (void)state;
    c2s_node *conv;
    c2s_model *model = make_network(&conv);
    c2s_session *session = open_onednn(model);
    int64_t dim[4] = {0, 3, 9, 9};
    c2s_tensor *x = floats(4, dim, 1);
    agree(session, model, &x);
    assert_string_equal(c2s_onednn_kernel_of(session, conv), "eval");
    c2s_tensor_unref(x);
    c2s_evaluator_onednn.close(session);
    c2s_model_destroy(model);
}

/* NonZero's extent is known at run time only: what follows is prepared late, and again. */
static void data_dependent_shapes(void **state) {
    (void)state;
    c2s_model *model = make_model();
    c2s_value *x = INPUT(model, "x", 12), *w = WEIGHT(model, "w", 4, 5);
    c2s_value *index =
        OP(model, "Squeeze", OP(model, "NonZero", OP(model, "Relu", x)), INTS(model, "zero", 0));
    c2s_value *rows = OP(model, "Gather", WEIGHT(model, "table", 12, 4), index);
    c2s_value *y = OP(model, "MatMul", rows, w);
    c2s_node *matmul = y->def;
    make_output(OP(model, "Sigmoid", y), "y");
    c2s_session *session = open_onednn(model);
    int64_t dim = 12;
    for (uint64_t round = 0; round < 6; round++) {
        c2s_tensor *in = floats(1, &dim, round / 2);
        agree(session, model, &in);
        assert_non_null(
            strstr(c2s_onednn_kernel_of(session, matmul), "matmul")); /* ours or oneDNN's */
        c2s_tensor_unref(in);
    }
    c2s_evaluator_onednn.close(session);
    c2s_model_destroy(model);
}

/* Shapes that depend on input shapes only are constants of the plan. */
static void shapes_are_computed_once(void **state) {
    (void)state;
    c2s_model *model = make_model();
    c2s_dim n = c2s_dim_symbol(model->dims, "n");
    c2s_value *x = make_input(model, "x", C2S_FLOAT, DIMS(n, 4, 6));
    c2s_value *first =
        OP(model, "Slice", OP(model, "Shape", x), INTS(model, "from", 0), INTS(model, "to", 1));
    c2s_node *concat = NODE(model, "Concat", first, INTS(model, "rest", 24));
    c2s_attr_set_int(concat, "axis", 0);
    c2s_value *y = OP(model, "Reshape", x, make_infer(concat));
    make_output(OP(model, "MatMul", y, WEIGHT(model, "w", 24, 3)), "y");
    c2s_session *session = open_onednn(model);
    for (int64_t batch = 1; batch < 4; batch++) {
        int64_t dim[3] = {batch, 4, 6};
        c2s_tensor *in = floats(3, dim, (uint64_t)batch);
        agree(session, model, &in);
        assert_string_equal(c2s_onednn_kernel_of(session, concat), "constant");
        assert_string_equal(c2s_onednn_kernel_of(session, y->def), "view");
        c2s_tensor_unref(in);
    }
    c2s_evaluator_onednn.close(session);
    c2s_model_destroy(model);
}

/* If whose branches capture values and have different shapes. */
static void bodies_run_with_captures(void **state) {
    (void)state;
    c2s_model *model = make_model();
    c2s_value *flag = make_input(model, "flag", C2S_BOOL, 0, NULL), *x = INPUT(model, "x", 4, 4);
    c2s_value *doubled = OP(model, "Add", x, x);
    c2s_node *branch = NODE(model, "If", flag);
    for (int side = 0; side < 2; side++) {
        c2s_graph *body = c2s_graph_create(model, branch, side ? "else" : "then");
        c2s_attr_set_graph(branch, side ? "else_branch" : "then_branch", body);
        c2s_value *inner = c2s_graph_capture(body, doubled);
        c2s_value *w = make_weight(body, "w", C2S_FLOAT, 0.3, DIMS(4, side ? 2 : 3));
        make_output(make_infer(make_node(body, 1, "MatMul", inner, w, END)), "r");
    }
    make_output(OP(model, "Tanh", make_infer(branch)), "y");
    c2s_session *session = open_onednn(model);
    int64_t dim[2] = {4, 4};
    for (int64_t round = 0; round < 4; round++) {
        c2s_tensor *in[2] = {NULL, floats(2, dim, (uint64_t)round)};
        int64_t value = round % 2;
        assert_int_equal(c2s_tensor_from_i64(C2S_BOOL, 0, NULL, &value, &in[0]), C2S_OK);
        agree(session, model, in);
        c2s_tensor_unref(in[0]);
        c2s_tensor_unref(in[1]);
    }
    c2s_evaluator_onednn.close(session);
    c2s_model_destroy(model);
}

typedef struct seen {
    unsigned count;
    double sum;
} seen;

static c2s_status watch(void *user, const c2s_value *value, const c2s_tensor *tensor) {
    seen *s = user;
    s->count++;
    for (size_t k = 0; k < tensor->count; k++)
        s->sum += c2s_tensor_f64_at(tensor, k) * (double)(value->id + 1);
    return C2S_OK;
}

static void observers_see_every_value(void **state) {
    (void)state;
    c2s_node *conv;
    c2s_model *model = make_network(&conv);
    int64_t dim[4] = {1, 3, 8, 8};
    c2s_tensor *x = floats(4, dim, 9), *out;
    const c2s_evaluator *evaluators[] = {&c2s_evaluator_reference, &c2s_evaluator_onednn};
    bool chosen[64] = {false};
    chosen[conv->outputs[0]->id] = true;
    for (int part = 0; part < 2; part++) {
        seen got[2] = {0};
        for (int i = 0; i < 2; i++) {
            c2s_eval_options options = {
                .observe = watch, .observe_user = &got[i], .observe_value = part ? chosen : NULL};
            c2s_session *session = open_session(evaluators[i], model, &options);
            run(session, &x, &out);
            c2s_tensor_unref(out);
            evaluators[i]->close(session);
        }
        assert_int_equal(got[0].count, part ? 1 : 6);
        assert_int_equal(got[0].count, got[1].count);
        assert_true(fabs(got[0].sum - got[1].sum) <= 1e-4 * fabs(got[0].sum) + 1e-4);
    }
    c2s_tensor_unref(x);
    c2s_model_destroy(model);
}

static void failures_name_the_node(void **state) {
    (void)state;
    c2s_model *model = make_model();
    c2s_dim n = c2s_dim_symbol(model->dims, "n");
    c2s_value *x = make_input(model, "x", C2S_FLOAT, DIMS(n, 4));
    c2s_node *reshape = NODE(model, "Reshape", x, INTS(model, "shape", 3, 4));
    reshape->name = "fold";
    make_output(make_infer(reshape), "y");
    c2s_session *session = open_onednn(model);
    int64_t dim[2] = {2, 4};
    c2s_tensor *in = floats(2, dim, 1), *out = NULL;
    assert_int_not_equal(c2s_evaluator_onednn.run(session, (const c2s_tensor *const *)&in, &out),
                         C2S_OK);
    assert_non_null(strstr(c2s_error(), "fold"));
    assert_null(out);
    c2s_tensor_unref(in);
    in = floats(1, dim, 1); /* a wrong rank is found before anything runs */
    assert_int_equal(c2s_evaluator_onednn.run(session, (const c2s_tensor *const *)&in, &out),
                     C2S_ERR_INVALID);
    assert_non_null(strstr(c2s_error(), "\"x\""));
    c2s_tensor_unref(in);
    c2s_evaluator_onednn.close(session);
    c2s_model_destroy(model);
}

static void memory_limit_holds(void **state) {
    (void)state;
    c2s_node *conv;
    c2s_model *model = make_network(&conv);
    c2s_eval_options options = {.memory_limit = 10000};
    c2s_session *session = open_session(&c2s_evaluator_onednn, model, &options);
    int64_t dim[4] = {1, 3, 64, 64};
    c2s_tensor *in = floats(4, dim, 1), *out = NULL;
    assert_int_equal(c2s_evaluator_onednn.run(session, (const c2s_tensor *const *)&in, &out),
                     C2S_ERR_MEMORY);
    c2s_tensor_unref(in);
    c2s_evaluator_onednn.close(session);
    c2s_model_destroy(model);
}

/* Steps without a kernel write where the plan has room for them, too: several outputs of one size,
 * results that are passed on, and parts of a concatenation. */
static void eval_shares_the_block(void **state) {
    (void)state;
    static const char text[] = "<ir_version: 8, opset_import: [\"\" : 18]>\n"
                               "g (float[6,12] x) => (int32[6,16] y, int32[6,4] z) {\n"
                               "  i = Cast <to = 6> (x)\n"
                               "  p, q, r = Split <axis = 1, num_outputs = 3> (i)\n"
                               "  s = Sub (p, q)\n"
                               "  t = Cast <to = 6> (s)\n"
                               "  u = Mul (t, r)\n"
                               "  v = Abs (u)\n"
                               "  y = Concat <axis = 1> (u, v, s, q)\n"
                               "  w = Concat <axis = 1> (v, u)\n"
                               "  a, b = Split <axis = 1, num_outputs = 2> (w)\n"
                               "  z = Sub (a, b)\n"
                               "}";
    c2s_model *model;
    assert_int_equal(c2s_text_read(text, sizeof text - 1, "shares", &model), C2S_OK);
    assert_int_equal(c2s_graph_infer(model->graph), C2S_OK);
    c2s_session *session = open_onednn(model);
    int64_t dim[2] = {6, 12};
    for (uint64_t round = 0; round < 3; round++) {
        c2s_tensor *in = floats(2, dim, round);
        for (size_t k = 0; k < in->count; k++)
            ((float *)c2s_tensor_mutable(in))[k] *= 100;
        agree(session, model, &in);
        c2s_tensor_unref(in);
    }
    c2s_evaluator_onednn.close(session);
    c2s_model_destroy(model);
}

/* ---- constants ---- */

enum { WEIGHTS = 16 * 16 * 3 * 3 };

static void release_nothing(c2s_bytes *bytes) {
    free(atomic_load(&bytes->aligned));
    free(bytes);
}

/* Numbers as a file has them: aligned to nothing. */
static c2s_value *stored(c2s_model *m, int rank, const int64_t *dim) {
    static char file[WEIGHTS * sizeof(float) + 1];
    size_t count = 1;
    for (int i = 0; i < rank; i++)
        count *= (size_t)dim[i];
    assert_true(count <= WEIGHTS);
    for (size_t k = 0; k < count; k++)
        memcpy(file + 1 + k * sizeof(float), &(float){(float)(k % 7) / 8 - 0.25f}, sizeof(float));
    c2s_bytes *bytes = calloc(1, sizeof *bytes);
    *bytes = (c2s_bytes){
        .size = count * sizeof(float), .unaligned = file + 1, .release = release_nothing};
    atomic_init(&bytes->refs, 1);
    c2s_tensor *tensor;
    assert_int_equal(c2s_tensor_view(C2S_FLOAT, rank, dim, bytes, 0, &tensor), C2S_OK);
    c2s_bytes_unref(bytes);
    return c2s_value_constant(m->graph, "w", tensor);
}
#define STORED(m, ...) stored(m, DIMS(__VA_ARGS__))

/* What a kernel has packed needs no copy of the constant beside it. */
static void packed_constants_lie_in_the_file(void **state) {
    (void)state;
    /* Products of matrices pack where they use our own tiles. */
    const bool tiles =
        c2s_processor_has_avx2() && c2s_processor_has_fma() && !c2s_processor_has_avx512();
    for (int kind = 0; kind < (tiles ? 3 : 2); kind++) {
        c2s_model *m = make_model();
        c2s_value *x = INPUT(m, "x", 1, 16, 16, 16);
        c2s_value *w = kind == 0   ? STORED(m, 16, 16, 3, 3)
                       : kind == 1 ? STORED(m, 16, 16, 1, 1)
                                   : STORED(m, 16, 16);
        make_output(OP(m, kind == 2 ? "MatMul" : "Conv", x, w), "y");
        int64_t dim[] = {1, 16, 16, 16};
        c2s_tensor *in = floats(4, dim, 1), *out;
        c2s_session *session = open_onednn(m);
        for (int round = 0; round < 2; round++) {
            run(session, &in, &out);
            c2s_tensor_unref(out);
            assert_null(atomic_load(&w->constant->bytes->aligned));
        }
        agree(session, m, &in);
        c2s_tensor_unref(in);
        c2s_evaluator_onednn.close(session);
        c2s_model_destroy(m);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(packed_constants_lie_in_the_file),
        cmocka_unit_test(plans_follow_input_shapes),
        cmocka_unit_test(same_bits_every_time),
        cmocka_unit_test(interface_corners),
        cmocka_unit_test(outputs_outlive_the_session),
        cmocka_unit_test(empty_tensors),
        cmocka_unit_test(data_dependent_shapes),
        cmocka_unit_test(shapes_are_computed_once),
        cmocka_unit_test(bodies_run_with_captures),
        cmocka_unit_test(observers_see_every_value),
        cmocka_unit_test(failures_name_the_node),
        cmocka_unit_test(memory_limit_holds),
        cmocka_unit_test(eval_shares_the_block),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
