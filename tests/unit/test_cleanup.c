/* SPDX-License-Identifier: Apache-2.0 */
/* The cleanup pass: positive and negative cases, both sides computed. */
#include "unit/pass_case.h"

#include "io/save.h"
#include "io/text.h"

static c2s_model *m; /* of the running case; the check frees it */
static c2s_value *x;

static void start(void) {
    m = make_model();
    x = INPUT(m, "x", 2, 3, 4);
}
static void done(c2s_value *y, const char *expected) {
    make_output(y, "y");
    check_case(m, "cleanup", expected, 0);
}
static void refused(c2s_value *y, const char *expected, const char *reason) {
    make_output(y, "y");
    check_refused(m, "cleanup", expected, reason);
}

/* ---- folding ---- */

static void folds_constant_chains(void **state) {
    (void)state;
    start();
    c2s_value *w = OP(m, "Relu", OP(m, "Add", WEIGHT(m, "w", 4), make_scalar(m, "s", 0.5)));
    done(OP(m, "Mul", x, w), "Mul");
}

static void folds_shapes_of_static_values(void **state) {
    (void)state;
    start();
    c2s_value *shape = OP(m, "Shape", x);
    c2s_node *gather = NODE(m, "Gather", shape, INTS(m, "i", 1));
    c2s_node *concat = NODE(m, "Concat", make_infer(gather), INTS(m, "minus", -1));
    c2s_attr_set_int(concat, "axis", 0);
    done(OP(m, "Reshape", OP(m, "Neg", x), make_infer(concat)), "Neg Reshape");
}

static void folds_known_parts_of_dynamic_shapes(void **state) {
    (void)state;
    m = make_model();
    c2s_dim batch = c2s_dim_symbol(m->dims, "batch");
    x = make_input(m, "x", C2S_FLOAT, 3, (c2s_dim[]){batch, 3, 4});
    c2s_value *shape = OP(m, "Shape", x);
    c2s_value *rows = OP(m, "Gather", shape, INTS(m, "i", 1));
    c2s_value *columns = OP(m, "Gather", shape, INTS(m, "j", 2));
    c2s_value *size = OP(m, "Mul", rows, columns);
    c2s_node *concat = NODE(m, "Concat", INTS(m, "minus", -1), size);
    c2s_attr_set_int(concat, "axis", 0);
    done(OP(m, "Reshape", x, make_infer(concat)), "Reshape");
}

static void does_not_fold_what_grows(void **state) {
    (void)state;
    start();
    c2s_value *big = OP(m, "Expand", make_scalar(m, "s", 0.5), INTS(m, "shape", 100, 3, 4, 200));
    c2s_node *sum = NODE(m, "ReduceSum", big, INTS(m, "axes", 0, 3));
    c2s_attr_set_int(sum, "keepdims", 0);
    make_infer(sum);
    refused(OP(m, "Add", x, sum->outputs[0]), "Expand ReduceSum Add", "would grow");

    start();
    big = OP(m, "Expand", make_scalar(m, "s", 0.5), INTS(m, "shape", 2, 3, 4));
    make_output(OP(m, "Add", x, big), "y");
    check_refused(m, "cleanup(fold_limit=90,fold_growth=1000)", "Expand Add", "would grow");
    start();
    big = OP(m, "Expand", make_scalar(m, "s", 0.5), INTS(m, "shape", 2, 3, 4));
    make_output(OP(m, "Add", x, big), "y");
    check_case(m, "cleanup(fold_limit=1k,fold_growth=1000)", "Add", 0);
    start(); /* many small ones grow it too: 30 % of about 8 kB hold two of 0.9 kB */
    c2s_value *y = OP(m, "Add", x, WEIGHT(m, "w", 10, 2, 3, 4));
    for (int i = 0; i < 40; i++) {
        big = OP(m, "Expand", make_scalar(m, "s", i + 0.5), INTS(m, "shape", 10, 2, 3, 4));
        y = OP(m, "Sub", y, big);
    }
    make_output(y, "y");
    run_passes(m, "cleanup(fold_growth=30)");
    unsigned left = 0;
    for (c2s_node *node = m->graph->first; node; node = node->next)
        left += c2s_node_is(node, "Expand") ? 1 : 0;
    assert_int_equal(left, 38);
    c2s_model_destroy(m);
}

static void large_weights_fold_where_they_do_not_grow(void **state) {
    (void)state;
    m = make_model();
    x = INPUT(m, "x", 200, 150);
    done(OP(m, "Add", x, OP(m, "Transpose", WEIGHT(m, "w", 150, 200))), "Add");

    m = make_model(); /* the untransposed weight stays in use: folding adds a second one */
    x = INPUT(m, "x", 200, 200);
    c2s_value *w = WEIGHT(m, "w", 200, 200);
    c2s_value *y = OP(m, "Add", x, OP(m, "Transpose", w));
    refused(OP(m, "Mul", y, w), "Transpose Add Mul", "would grow");
}

/* Rows 1, 0, 2 of a weight that is too large to be cut: in the end it has the size it had. */
static void groups_fold_where_they_do_not_grow(void **state) {
    (void)state;
    for (int shared = 0; shared < 2; shared++) {
        m = make_model();
        x = INPUT(m, "x", 3, 9000);
        c2s_value *w = WEIGHT(m, "w", 3, 9000), *part[3];
        for (int64_t i = 0; i < 3; i++)
            part[i] = OP(m, "Slice", w, make_ints(m, "s", 1, (int64_t[]){i}),
                         make_ints(m, "e", 1, (int64_t[]){i + 1}), INTS(m, "a", 0));
        c2s_node *concat = NODE(m, "Concat", part[1], part[0], part[2]);
        c2s_attr_set_int(concat, "axis", 0);
        c2s_value *y = OP(m, "Add", x, make_infer(concat));
        if (shared)
            refused(OP(m, "Mul", y, w), "Slice Slice Slice Concat Add Mul", "would grow");
        else
            done(y, "Add");
    }
}

static void never_folds_dequantization(void **state) {
    (void)state;
    start();
    c2s_value *q = make_weight(m->graph, "q", C2S_INT8, 0, DIMS(4));
    refused(OP(m, "Mul", x, OP(m, "DequantizeLinear", q, make_scalar(m, "s", 0.5))),
            "DequantizeLinear Mul", NULL);
}

static void never_folds_random_numbers(void **state) {
    (void)state;
    start();
    c2s_node *random = NODE(m, "RandomNormal", NULL);
    c2s_node_resize_inputs(random, 0);
    c2s_attr_set_ints(random, "shape", (int64_t[]){4}, 1);
    refused(OP(m, "Mul", x, make_infer(random)), "RandomNormal Mul", NULL);
}

static void constants_become_initializers(void **state) {
    (void)state;
    start();
    c2s_node *constant = make_node(m->graph, 1, "Constant", END);
    c2s_attr_set_floats(constant, "value_floats", (float[]){1, 2, 3, 4}, 4);
    make_infer(constant);
    done(OP(m, "Mul", x, constant->outputs[0]), "Mul");
}

/* ---- interface ---- */

static void overridable_inputs_are_frozen(void **state) {
    (void)state;
    for (int keep = 0; keep < 2; keep++) {
        m = make_model();
        m->ir_version = 3;
        c2s_value *w = INPUT(m, "w", 4);
        x = INPUT(m, "x", 2, 4);
        c2s_tensor *tensor;
        assert_int_equal(c2s_tensor_from_f64(C2S_FLOAT, 1, (int64_t[]){4},
                                             (double[]){1, 2, 3, 4}, &tensor),
                         C2S_OK);
        w->initial = tensor;
        make_output(OP(m, "Add", x, OP(m, "Neg", w)), "y");
        run_passes(m, keep ? "cleanup(keep_initializer_inputs)" : "cleanup");
        assert_string_equal(ops_of(m->graph), keep ? "Neg Add" : "Add");
        assert_int_equal(c2s_graph_input_count(m->graph), keep ? 2 : 1);
        assert_int_equal(m->ir_version, keep ? 3 : 4);
        assert_string_equal(c2s_graph_input(m->graph, keep ? 1 : 0)->name, "x");
        c2s_model_destroy(m);
    }
}

static void outputs_keep_their_names(void **state) {
    (void)state;
    start(); /* an input that is an output needs its Identity */
    done(OP(m, "Identity", x), "Identity");
    start(); /* and one value cannot be two outputs under two names */
    c2s_value *y = OP(m, "Relu", x);
    make_output(OP(m, "Identity", y), "z");
    done(y, "Relu Identity");
    start();
    done(OP(m, "Identity", OP(m, "Relu", OP(m, "Identity", x))), "Relu");
}

/* ---- duplicates ---- */

static void merges_equal_nodes(void **state) {
    (void)state;
    start();
    c2s_value *a = OP(m, "Add", x, WEIGHT(m, "w", 4));
    c2s_value *b = OP(m, "Add", WEIGHT(m, "v", 4), x); /* commutes, equal content */
    done(OP(m, "Mul", OP(m, "Relu", a), OP(m, "Relu", b)), "Add Relu Mul");

    start(); /* attributes differ */
    c2s_node *p = NODE(m, "LeakyRelu", x), *q = NODE(m, "LeakyRelu", x);
    c2s_attr_set_float(q, "alpha", 0.5F);
    refused(OP(m, "Mul", make_infer(p), make_infer(q)), "LeakyRelu LeakyRelu Mul", NULL);

    start(); /* operands differ in order */
    a = OP(m, "Sub", x, make_weight(m->graph, "w", C2S_FLOAT, 0.1, DIMS(4)));
    b = OP(m, "Sub", make_weight(m->graph, "v", C2S_FLOAT, 0.1, DIMS(4)), x);
    done(OP(m, "Mul", a, b), "Sub Sub Mul");
}

static void merges_equal_initializers(void **state) {
    (void)state;
    start();
    c2s_value *y = OP(m, "Add", x, make_weight(m->graph, "a", C2S_FLOAT, 0.1, DIMS(2, 3, 4)));
    y = OP(m, "Mul", y, make_weight(m->graph, "b", C2S_FLOAT, 0.1, DIMS(2, 3, 4)));
    y = OP(m, "Sub", y, make_weight(m->graph, "c", C2S_FLOAT, 0.1, DIMS(3, 4)));     /* shape */
    y = OP(m, "Mul", y, make_weight(m->graph, "d", C2S_FLOAT, 0.1001, DIMS(3, 4))); /* content */
    make_output(y, "y");
    run_passes(m, "cleanup");
    assert_int_equal(m->graph->initializers.count, 3);
    c2s_model_destroy(m);
}

static void merges_many_constants_that_differ_inside(void **state) {
    (void)state;
    m = make_model();
    x = INPUT(m, "x", 300);
    c2s_value *y = x;
    for (int i = 0; i < 40; i++) { /* equal at start, middle and end; pairs are equal everywhere */
        double values[300] = {0};
        values[50] = i / 2 + 1;
        c2s_tensor *tensor;
        assert_int_equal(c2s_tensor_from_f64(C2S_FLOAT, 1, (int64_t[]){300}, values, &tensor),
                         C2S_OK);
        y = OP(m, "Add", y, c2s_value_constant(m->graph, "c", tensor));
    }
    make_output(y, "y");
    run_passes(m, "cleanup");
    assert_int_equal(m->graph->initializers.count, 20);
    c2s_model_destroy(m);
}

/* ---- nodes that do nothing ---- */

static void removes_identities(void **state) {
    (void)state;
    start();
    c2s_node *dropout = make_node(m->graph, 2, "Dropout", OP(m, "Neg", x), END);
    done(OP(m, "Relu", make_infer(dropout)), "Neg Relu");
    start();
    c2s_node *cast = NODE(m, "Cast", OP(m, "Neg", x));
    c2s_attr_set_int(cast, "to", C2S_FLOAT);
    done(OP(m, "Relu", make_infer(cast)), "Neg Relu");
    start();
    cast = NODE(m, "Cast", OP(m, "Neg", x));
    c2s_attr_set_int(cast, "to", C2S_DOUBLE);
    done(OP(m, "Relu", make_infer(cast)), "Neg Cast Relu");
}

static void keeps_training_dropout(void **state) {
    (void)state;
    start();
    c2s_type type = c2s_type_scalar(C2S_BOOL);
    c2s_value *training = c2s_graph_add_input(m->graph, "training", &type);
    c2s_node *dropout = NODE(m, "Dropout", x, make_scalar(m, "ratio", 0.5), training);
    refused(OP(m, "Relu", make_infer(dropout)), "Dropout Relu", "training mode");
}

static void removes_reshapes_to_the_same_shape(void **state) {
    (void)state;
    start();
    done(OP(m, "Relu", OP(m, "Reshape", x, INTS(m, "s", 0, -1, 4))), "Relu");
    start();
    done(OP(m, "Relu", OP(m, "Reshape", x, INTS(m, "s", 2, 4, 3))), "Reshape Relu");
    start();
    done(OP(m, "Relu", OP(m, "Expand", x, INTS(m, "s", 3, 4))), "Relu");
    start();
    done(OP(m, "Relu", OP(m, "Expand", x, INTS(m, "s", 5, 2, 3, 4))), "Expand Relu");
    m = make_model(); /* a symbolic extent that stays the same */
    c2s_dim n = c2s_dim_symbol(m->dims, "n");
    x = make_input(m, "x", C2S_FLOAT, 2, (c2s_dim[]){n, 4});
    done(OP(m, "Relu", OP(m, "Reshape", x, INTS(m, "s", -1, 4))), "Relu");
}

static void removes_transposes_of_nothing(void **state) {
    (void)state;
    start();
    c2s_node *t = NODE(m, "Transpose", x);
    c2s_attr_set_ints(t, "perm", (int64_t[]){0, 1, 2}, 3);
    done(OP(m, "Relu", make_infer(t)), "Relu");
    m = make_model(); /* axes of extent 1 */
    x = INPUT(m, "x", 1, 5, 1);
    t = NODE(m, "Transpose", x);
    c2s_attr_set_ints(t, "perm", (int64_t[]){2, 1, 0}, 3);
    done(OP(m, "Relu", make_infer(t)), "Relu");
    m = make_model(); /* a square matrix keeps its shape, not its order */
    x = INPUT(m, "x", 3, 3);
    done(OP(m, "Relu", make_infer(NODE(m, "Transpose", x))), "Transpose Relu");
}

static void removes_movements_of_everything(void **state) {
    (void)state;
    start();
    done(OP(m, "Relu", OP(m, "Slice", x, INTS(m, "s", 0), INTS(m, "e", 999), INTS(m, "a", 1))),
         "Relu");
    start(); /* backwards */
    done(OP(m, "Relu", OP(m, "Slice", x, INTS(m, "s", -1), INTS(m, "e", -999), INTS(m, "a", 1),
                          INTS(m, "t", -1))),
         "Slice Relu");
    start();
    done(OP(m, "Relu", OP(m, "Slice", x, INTS(m, "s", 1), INTS(m, "e", 999), INTS(m, "a", 1))),
         "Slice Relu");
    start();
    done(OP(m, "Relu", OP(m, "Pad", x, INTS(m, "p", 0, 0, 0, 0, 0, 0))), "Relu");
    start(); /* the same size, but shifted */
    done(OP(m, "Relu", OP(m, "Pad", x, INTS(m, "p", 0, 0, 1, 0, 0, -1))), "Pad Relu");
    start();
    done(OP(m, "Relu", OP(m, "Tile", x, INTS(m, "r", 1, 1, 1))), "Relu");
    start();
    done(OP(m, "Relu", OP(m, "Tile", x, INTS(m, "r", 1, 2, 1))), "Tile Relu");
}

static c2s_value *scales(double last) {
    c2s_tensor *tensor;
    assert_int_equal(c2s_tensor_from_f64(C2S_FLOAT, 1, (int64_t[]){4},
                                         (double[]){1, 1, 1, last}, &tensor),
                     C2S_OK);
    return c2s_value_constant(m->graph, "scales", tensor);
}

static void removes_resizes_by_one(void **state) {
    (void)state;
    m = make_model();
    x = INPUT(m, "x", 1, 2, 3, 4);
    done(OP(m, "Relu", OP(m, "Resize", x, NULL, scales(1))), "Relu");
    m = make_model();
    x = INPUT(m, "x", 1, 2, 3, 4);
    done(OP(m, "Relu", OP(m, "Resize", x, NULL, NULL, INTS(m, "sizes", 1, 2, 3, 4))), "Relu");
    m = make_model(); /* the same size, other samples */
    x = INPUT(m, "x", 1, 2, 3, 4);
    c2s_node *resize = NODE(m, "Resize", x, NULL, scales(1.2));
    c2s_attr_set_string(resize, "mode", "linear");
    make_output(OP(m, "Relu", make_infer(resize)), "y");
    check_refused(m, "cleanup", "Resize Relu", "not exactly 1");
}

static void removes_single_operands(void **state) {
    (void)state;
    start();
    c2s_node *concat = NODE(m, "Concat", x);
    c2s_attr_set_int(concat, "axis", 1);
    done(OP(m, "Relu", make_infer(concat)), "Relu");
    start();
    c2s_node *split = NODE(m, "Split", x, INTS(m, "parts", 3));
    c2s_attr_set_int(split, "axis", 1);
    done(OP(m, "Relu", make_infer(split)), "Relu");
    start();
    done(OP(m, "Relu", OP(m, "Sum", x)), "Relu");
}

static void removes_neutral_operands(void **state) {
    (void)state;
    static const char *const ops[] = {"Add", "Sub", "Mul", "Div", "Pow"};
    for (int i = 0; i < 5; i++) {
        double neutral = i < 2 ? 0 : 1;
        start();
        done(OP(m, "Relu", OP(m, ops[i], x, make_scalar(m, "c", neutral))), "Relu");
        start();
        char expected[32];
        snprintf(expected, sizeof expected, "%s Relu", ops[i]);
        done(OP(m, "Relu", OP(m, ops[i], x, make_scalar(m, "c", 3))), expected);
    }
    start();
    done(OP(m, "Relu", OP(m, "Sub", make_scalar(m, "c", 0), x)), "Sub Relu");
    start();
    done(OP(m, "Relu", OP(m, "Div", make_scalar(m, "c", 1), x)), "Div Relu");
    start(); /* it makes the result larger */
    double zeros[10] = {0};
    c2s_tensor *tensor;
    assert_int_equal(c2s_tensor_from_f64(C2S_FLOAT, 4, (int64_t[]){5, 2, 1, 1}, zeros, &tensor),
                     C2S_OK);
    refused(OP(m, "Relu", OP(m, "Add", x, c2s_value_constant(m->graph, "c", tensor))), "Add Relu",
            "not known to be the same");
}

static void removes_activations(void **state) {
    (void)state;
    start();
    done(OP(m, "Relu", OP(m, "Relu", OP(m, "Relu", x))), "Relu");
    start();
    done(OP(m, "Abs", OP(m, "Neg", OP(m, "Neg", x))), "Abs");
    start();
    done(OP(m, "Relu", OP(m, "Sigmoid", x)), "Sigmoid");
    start();
    done(OP(m, "Relu", OP(m, "Tanh", x)), "Tanh Relu");
    start();
    done(OP(m, "Abs", OP(m, "Relu", x)), "Relu Abs");
    start();
    done(OP(m, "Abs", OP(m, "Clip", x, NULL, make_scalar(m, "c", (double)INFINITY))), "Abs");
    start();
    done(OP(m, "Abs", OP(m, "Clip", x, make_scalar(m, "c", 0))), "Clip Abs");
}

static void removes_reductions_of_nothing(void **state) {
    (void)state;
    m = make_model();
    x = INPUT(m, "x", 2, 1, 4);
    done(OP(m, "Relu", OP(m, "ReduceSum", x, INTS(m, "a", 1))), "Relu");
    m = make_model();
    x = INPUT(m, "x", 2, 1, 4);
    done(OP(m, "Relu", OP(m, "ReduceMean", x, INTS(m, "a", 2))), "ReduceMean Relu");
    start();
    c2s_node *reduce = NODE(m, "ReduceMax", x);
    c2s_attr_set_int(reduce, "noop_with_empty_axes", 1);
    done(OP(m, "Relu", make_infer(reduce)), "Relu");
    m = make_model(); /* squares its elements */
    x = INPUT(m, "x", 2, 1, 4);
    done(OP(m, "Relu", OP(m, "ReduceSumSquare", x, INTS(m, "a", 1))), "ReduceSumSquare Relu");
}

static c2s_value *condition(int64_t a, int64_t b) {
    c2s_tensor *tensor;
    assert_int_equal(c2s_tensor_from_i64(C2S_BOOL, 1, (int64_t[]){2}, (int64_t[]){a, b}, &tensor),
                     C2S_OK);
    return c2s_value_constant(m->graph, "condition", tensor);
}

static void removes_constant_where(void **state) {
    (void)state;
    for (int value = 0; value < 2; value++) {
        m = make_model();
        x = INPUT(m, "x", 3, 2);
        c2s_value *y = OP(m, "Neg", x);
        done(OP(m, "Relu", OP(m, "Where", condition(value, value), x, y)),
             value ? "Relu" : "Neg Relu");
    }
    m = make_model();
    x = INPUT(m, "x", 3, 2);
    done(OP(m, "Relu", OP(m, "Where", condition(1, 0), x, OP(m, "Neg", x))), "Neg Where Relu");
    m = make_model();
    x = INPUT(m, "x", 3, 1);
    refused(OP(m, "Relu", OP(m, "Where", condition(1, 1), x, OP(m, "Neg", x))), "Neg Where Relu",
            "broadcast");
}

/* ---- bodies ---- */

/* If(condition) { Relu(x + w) } else { Neg(x) }, with w inside the body. */
static c2s_value *make_if(c2s_value *cond) {
    c2s_node *node = c2s_node_create(m->graph, NULL, "", "If", 1, 1);
    c2s_use_set(&node->inputs[0], cond);
    c2s_graph *then_body = c2s_graph_create(m, node, "then");
    c2s_graph *else_body = c2s_graph_create(m, node, "else");
    c2s_attr_set_graph(node, "then_branch", then_body);
    c2s_attr_set_graph(node, "else_branch", else_body);
    c2s_value *inner = c2s_graph_capture(then_body, x);
    c2s_value *w = make_weight(then_body, "w", C2S_FLOAT, 0.1, DIMS(4));
    c2s_node *add = make_node(then_body, 1, "Add", inner, w, END);
    c2s_node *relu = make_node(then_body, 1, "Relu", make_infer(add), END);
    make_output(make_infer(relu), "then_out");
    c2s_node *neg = make_node(else_body, 1, "Neg", c2s_graph_capture(else_body, x), END);
    make_output(make_infer(neg), "else_out");
    return make_infer(node);
}

static c2s_value *flag(bool on) {
    c2s_tensor *tensor;
    assert_int_equal(
        c2s_tensor_from_i64(C2S_BOOL, 0, NULL, (int64_t[]){on ? 1 : 0}, &tensor), C2S_OK);
    return c2s_value_constant(m->graph, "flag", tensor);
}

static void inlines_constant_ifs(void **state) {
    (void)state;
    start();
    done(make_if(flag(true)), "Add Relu");
    start();
    done(OP(m, "Abs", make_if(flag(false))), "Neg Abs");
    start();
    c2s_type type = c2s_type_scalar(C2S_BOOL);
    c2s_value *cond = c2s_graph_add_input(m->graph, "cond", &type);
    done(OP(m, "Abs", make_if(cond)), "If Abs");
}

/* A branch for other shapes than those that the model was given: only then is the other one taken. */
static void inlines_what_can_run(void **state) {
    (void)state;
    static const char text[] =
        "<ir_version: 8, opset_import: [\"\" : 17]>\n"
        "g (float[2,3] x, bool c) => (float[2,3] y) <int64[1] five = {5}> { y = If (c) <then_branch = t () "
        "=> (float[5] p) { p = Reshape (x, five) }, else_branch = e () => (float[2,3] q) { q = Neg (x) }> }";
    for (int reshaped = 0; reshaped < 2; reshaped++) {
        assert_int_equal(c2s_text_read(text, sizeof text - 1, "case", &m), C2S_OK);
        m->reshaped = reshaped != 0;
        assert_int_equal(c2s_graph_infer(m->graph), C2S_OK);
        run_passes(m, "cleanup");
        assert_string_equal(ops_of(m->graph), reshaped ? "Neg" : "If");
        c2s_model_destroy(m);
    }
}

static void cleans_bodies(void **state) {
    (void)state;
    start();
    c2s_type type = c2s_type_scalar(C2S_BOOL);
    c2s_value *cond = c2s_graph_add_input(m->graph, "cond", &type);
    c2s_value *y = make_if(cond);
    c2s_graph *body = c2s_node_body(m->graph->first, 0);
    c2s_node *relu = body->last; /* Relu(Relu(Identity(..))) */
    c2s_value *z = make_infer(make_node(body, 1, "Identity", relu->outputs[0], END));
    z = make_infer(make_node(body, 1, "Relu", z, END));
    c2s_use_set(&body->exit->inputs[0], z);
    make_output(y, "y");
    c2s_model *original = c2s_model_copy(m);
    run_passes(m, "cleanup");
    assert_string_equal(ops_of(c2s_node_body(m->graph->first, 0)), "Add Relu");
    assert_true(largest_difference(original, m) == 0);
    c2s_model_destroy(original);
    c2s_model_destroy(m);
}

static void leaves_out_unused_outputs(void **state) {
    (void)state;
    m = make_model();
    x = INPUT(m, "x", 1, 2, 8, 8);
    c2s_node *pool = make_node(m->graph, 2, "MaxPool", x, END);
    c2s_attr_set_ints(pool, "kernel_shape", (int64_t[]){2, 2}, 2);
    make_output(make_infer(pool), "y");
    run_passes(m, "cleanup");
    assert_int_equal(m->graph->first->output_count, 1);
    c2s_model_destroy(m);
}

/* An embedding, and an output layer that is its transpose but for `change`. */
static c2s_model *tied_model(int rank, float change) {
    enum { ROWS = 200, COLUMNS = 100 };
    m = make_model();
    c2s_value *embedding = WEIGHT(m, "embedding", ROWS, COLUMNS);
    c2s_tensor *turned;
    int64_t dim[2] = {COLUMNS, ROWS};
    assert_int_equal(c2s_tensor_create(C2S_FLOAT, 2, dim, &turned), C2S_OK);
    const float *from = c2s_tensor_data(embedding->constant);
    float *to = c2s_tensor_mutable(turned);
    for (int r = 0; r < ROWS; r++)
        for (int c = 0; c < COLUMNS; c++)
            to[c * ROWS + r] = from[r * COLUMNS + c];
    to[777] += change;
    c2s_value *layer = c2s_value_constant(m->graph, "layer", turned);
    int64_t shape[2] = {1, 3};
    x = make_input(m, "x", C2S_INT64, rank - 1, shape + 2 - (rank - 1));
    make_output(OP(m, "MatMul", OP(m, "Neg", OP(m, "Gather", embedding, x)), layer), "y");
    return m;
}

static void ties_transposed_matrices(void **state) {
    (void)state;
    c2s_model *model = tied_model(2, 0);
    uint64_t before, after;
    c2s_model *original = c2s_model_copy(model);
    run_passes(model, "cleanup,fuse");
    assert_string_equal(ops_of(model->graph), "Gather Neg Gemm");
    assert_true(largest_difference(original, model) <= 1e-5);
    assert_int_equal(c2s_model_file_size(original, &before), C2S_OK);
    assert_int_equal(c2s_model_file_size(model, &after), C2S_OK);
    assert_true(before - after > 79000);
    c2s_model_destroy(original);
    c2s_model_destroy(model);
    check_refused(tied_model(2, 0.5f), "cleanup", "Gather Neg MatMul", NULL);
    check_refused(tied_model(3, 0), "cleanup", "Gather Neg MatMul", "a Transpose would run");
    check_case(tied_model(3, 0), "cleanup(tie_transposed)", "Transpose Gather Neg MatMul", 1e-5);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(folds_constant_chains),
        cmocka_unit_test(folds_shapes_of_static_values),
        cmocka_unit_test(folds_known_parts_of_dynamic_shapes),
        cmocka_unit_test(does_not_fold_what_grows),
        cmocka_unit_test(large_weights_fold_where_they_do_not_grow),
        cmocka_unit_test(groups_fold_where_they_do_not_grow),
        cmocka_unit_test(never_folds_dequantization),
        cmocka_unit_test(never_folds_random_numbers),
        cmocka_unit_test(constants_become_initializers),
        cmocka_unit_test(overridable_inputs_are_frozen),
        cmocka_unit_test(outputs_keep_their_names),
        cmocka_unit_test(merges_equal_nodes),
        cmocka_unit_test(merges_equal_initializers),
        cmocka_unit_test(merges_many_constants_that_differ_inside),
        cmocka_unit_test(removes_identities),
        cmocka_unit_test(keeps_training_dropout),
        cmocka_unit_test(removes_reshapes_to_the_same_shape),
        cmocka_unit_test(removes_transposes_of_nothing),
        cmocka_unit_test(removes_movements_of_everything),
        cmocka_unit_test(removes_resizes_by_one),
        cmocka_unit_test(removes_single_operands),
        cmocka_unit_test(removes_neutral_operands),
        cmocka_unit_test(removes_activations),
        cmocka_unit_test(removes_reductions_of_nothing),
        cmocka_unit_test(removes_constant_where),
        cmocka_unit_test(ties_transposed_matrices),
        cmocka_unit_test(inlines_constant_ifs),
        cmocka_unit_test(inlines_what_can_run),
        cmocka_unit_test(cleans_bodies),
        cmocka_unit_test(leaves_out_unused_outputs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
