/* SPDX-License-Identifier: Apache-2.0 */
/* The pass prune inside of bodies and of recurrent cells, and without data. Models are built so
 * that the answer is known: redundant units cost nothing once what reads them is fitted, and what
 * does not vary costs nothing once biases make up for it. */
#include "prune_case.h"

/* A model whose inputs wa and wb become the weights of a product of UNITS, the last ones redundant,
 * and of one that reads them. */
static c2s_model *network_of_text(const char *text) {
    static const char head[] = "<ir_version: 8, opset_import: [\"\" : 17]>\n";
    char whole[8000];
    c2s_model *m;
    c2s_random random = {7};
    snprintf(whole, sizeof whole, "%s%s", head, text);
    if (c2s_text_read(whole, strlen(whole), "case", &m) != C2S_OK)
        fail_msg("%s", c2s_error());
    double first[WIDTH * UNITS], second[UNITS * WIDTH];
    for (int i = 0; i < WIDTH * UNITS; i++)
        first[i] = i % UNITS < UNITS - REDUNDANT ? 0.3 * c2s_random_normal(&random)
                                                 : 3 * first[i - REDUNDANT];
    for (int i = 0; i < UNITS * WIDTH; i++)
        second[i] = 0.3 * c2s_random_normal(&random);
    give_constant(m, "wa", first, 2, (int64_t[]){WIDTH, UNITS});
    give_constant(m, "wb", second, 2, (int64_t[]){UNITS, WIDTH});
    if (c2s_graph_infer(m->graph) != C2S_OK)
        fail_msg("%s", c2s_error());
    return m;
}

/* Units of the first MatMul in a body of the last node. */
static int64_t units_in_body(const c2s_model *m, unsigned body) {
    const c2s_node *n = c2s_node_body(m->graph->last, body)->first;
    while (!c2s_node_is(n, "MatMul"))
        n = n->next;
    return c2s_node_in(n, 1)->type.dim[1];
}

/* What a Loop does to a state: redundant units are found, and made up for, on the rows of all
 * trips. */
static void units_in_a_loop(void **state) {
    (void)state;
    for (int with_data = 0; with_data < 2; with_data++) {
        c2s_model *m = network_of_text(
            "g (float[64,12] x, float[12,16] wa, float[16,12] wb) => (float[64,12] y)"
            " <int64 n = {3}, bool c = {1}> { y = Loop <body = turn (int64 i, bool go,"
            " float[64,12] s) => (bool more, float[64,12] t) { more = Identity (go)"
            " a = MatMul (s, wa) r = Relu (a) b = MatMul (r, wb) t = Tanh (b) }> (n, c, x) }");
        c2s_model *before = c2s_model_copy(m);
        case_feed = with_data ? &data : NULL;
        run_passes(m, with_data ? "prune(ratio=0.25,damping=0)" : "prune(ratio=0.25)");
        case_feed = NULL;
        assert_int_equal(units_in_body(m, 0), UNITS - REDUNDANT);
        assert_int_equal(loss(before, m) < 1e-3, with_data);
        c2s_model_destroy(before);
        c2s_model_destroy(m);
    }
}

/* Two branches with the same weights, of which only one is taken: each has its own units, and the
 * one that no sample comes to stays as it is. */
static void units_in_branches(void **state) {
    (void)state;
    static const char *const text =
        "g (float[64,12] x, float[12,16] wa, float[16,12] wb) => (float[64,12] y)"
        " <float low = {-100}, float[12,16] wc = {THIRD}, float[16,12] wd = {THIRD}>"
        " { m = ReduceMean <keepdims = 0> (x) c = Greater (m, low) y = If <"
        " then_branch = yes () => (float[64,12] t) { a = MatMul (x, wa) r = Relu (a)"
        " t = MatMul (r, wb) },"
        " else_branch = no () => (float[64,12] e) { d = MatMul (x, wc) f = Relu (d)"
        " e = MatMul (f, wd) }> (c) }";
    char filled[6000] = "";
    for (const char *at = text, *next; at; at = next) {
        next = strstr(at, "THIRD");
        const size_t length = next ? (size_t)(next - at) : strlen(at);
        snprintf(filled + strlen(filled), sizeof filled - strlen(filled), "%.*s", (int)length, at);
        for (int i = 0; next && i < WIDTH * UNITS; i++)
            snprintf(filled + strlen(filled), sizeof filled - strlen(filled), "%s%d.5",
                     i ? ", " : "", i % 7);
        next = next ? next + 5 : NULL;
    }
    c2s_model *m = network_of_text(filled), *before = c2s_model_copy(m);
    case_feed = &data;
    run_passes(m, "prune(ratio=0.25,damping=0)");
    case_feed = NULL;
    assert_int_equal(units_in_body(m, 0), UNITS - REDUNDANT);
    assert_int_equal(units_in_body(m, 1), UNITS);
    assert_non_null(strstr(refusals, "d stays: it is in a body that no sample comes to"));
    assert_true(loss(before, m) < 1e-3);
    run_passes(m, "prune(ratio=0.25)");
    assert_int_equal(units_in_body(m, 1), UNITS - REDUNDANT);
    c2s_model_destroy(before);
    c2s_model_destroy(m);
}

/* ---- recurrences ---- */

static void give_random(c2s_model *m, const char *name, uint64_t seed, int rank,
                        const int64_t *dim) {
    double values[4 * UNITS * UNITS];
    c2s_random random = {seed};
    size_t count = 1;
    for (int a = 0; a < rank; a++)
        count *= (size_t)dim[a];
    assert_true(count <= sizeof values / sizeof *values);
    for (size_t i = 0; i < count; i++)
        values[i] = 0.5 * c2s_random_normal(&random);
    give_constant(m, name, values, rank, dim);
}

/* The last hidden units of a cell are those before, and nobody reads them but the next cell, which
 * can be fitted by least squares: its products with the input matrix are linear. */
static c2s_model *two_cells(void) {
    static const char text[] =
        "<ir_version: 8, opset_import: [\"\" : 17]>\n"
        "g (float[64,12] x, float[1,64,12] w, float[1,64,16] r, float[1,128] b, float[1,20,16] v,"
        " float[1,20,5] s, float[1,40] c) => (float[64,1,1,5] y) <int64[1] one = {1}> {"
        " t = Unsqueeze (x, one) h = LSTM <hidden_size = 16> (t, w, r, b)"
        " q = Squeeze (h, one) y = LSTM <hidden_size = 5> (q, v, s, c) }";
    c2s_model *m;
    if (c2s_text_read(text, sizeof text - 1, "case", &m) != C2S_OK)
        fail_msg("%s", c2s_error());
    c2s_random random = {5};
    double w[4 * UNITS * WIDTH], r[4 * UNITS * UNITS], b[8 * UNITS];
    for (int gate = 0; gate < 4; gate++)
        for (int u = 0; u < UNITS; u++) {
            const int at = gate * UNITS + u;
            const bool copied = u >= UNITS - REDUNDANT;
            for (int i = 0; i < WIDTH; i++)
                w[at * WIDTH + i] =
                    copied ? w[(at - REDUNDANT) * WIDTH + i] : 0.5 * c2s_random_normal(&random);
            for (int i = 0; i < UNITS; i++)
                r[at * UNITS + i] = i >= UNITS - REDUNDANT ? 0
                                    : copied               ? r[(at - REDUNDANT) * UNITS + i]
                                                           : 0.5 * c2s_random_normal(&random);
            b[at] = copied ? b[at - REDUNDANT] : 0.1 * u;
            b[4 * UNITS + at] = copied ? b[4 * UNITS + at - REDUNDANT] : 0.05 * gate;
        }
    give_constant(m, "w", w, 3, (int64_t[]){1, 4 * UNITS, WIDTH});
    give_constant(m, "r", r, 3, (int64_t[]){1, 4 * UNITS, UNITS});
    give_constant(m, "b", b, 2, (int64_t[]){1, 8 * UNITS});
    give_random(m, "v", 6, 3, (int64_t[]){1, 20, UNITS});
    give_random(m, "s", 7, 3, (int64_t[]){1, 20, 5});
    give_random(m, "c", 8, 2, (int64_t[]){1, 40});
    if (c2s_graph_infer(m->graph) != C2S_OK)
        fail_msg("%s", c2s_error());
    return m;
}

static double prune_cells(const char *passes) {
    c2s_model *before = two_cells(), *after = c2s_model_copy(before);
    case_feed = &data;
    run_passes(after, passes);
    case_feed = NULL;
    const c2s_node *cell = after->graph->first->next;
    assert_int_equal(c2s_attr_int(cell, "hidden_size", 0), UNITS - REDUNDANT);
    const double found = loss(before, after);
    c2s_model_destroy(before);
    c2s_model_destroy(after);
    return found;
}

static void hidden_units(void **state) {
    (void)state;
    assert_true(prune_cells("prune(ratio=0.25,damping=0,round=1)") < 1e-3);
    assert_true(prune_cells("prune(ratio=0.25,refit=no,round=1)") > 0.02);
}

/* ---- without data ---- */

/* The batch normalization has the statistics that x has, 0.5 and 1 by element. The first units vary
 * by next to nothing, but are not zero; their weights are the largest. */
static c2s_model *normalized_network(double least_scale) {
    c2s_model *m = make_model();
    c2s_random random = {11};
    double first[WIDTH * UNITS], second[UNITS * 5], scale[UNITS], shift[UNITS];
    double mean[UNITS] = {0}, variance[UNITS] = {0};
    for (int i = 0; i < WIDTH * UNITS; i++) {
        first[i] = (i % UNITS < REDUNDANT ? 3 : 1) * c2s_random_normal(&random);
        mean[i % UNITS] += 0.5 * first[i];
        variance[i % UNITS] += first[i] * first[i];
    }
    for (int u = 0; u < UNITS; u++) {
        scale[u] = u < REDUNDANT ? least_scale : 0.5 + 0.1 * u;
        shift[u] = 1;
    }
    for (int i = 0; i < UNITS * 5; i++)
        second[i] = c2s_random_normal(&random);
    const int64_t units[] = {UNITS};
    c2s_value *x = OP(m, "Gemm", INPUT(m, "x", ROWS, WIDTH),
                      constant(m, "wa", first, 2, (int64_t[]){WIDTH, UNITS}));
    x = OP(m, "BatchNormalization", x, constant(m, "scale", scale, 1, units),
           constant(m, "shift", shift, 1, units), constant(m, "mean", mean, 1, units),
           constant(m, "variance", variance, 1, units));
    x = OP(m, "Relu", x);
    make_output(OP(m, "Gemm", x, constant(m, "wb", second, 2, (int64_t[]){UNITS, 5})), "y");
    return m;
}

static void without_data(void **state) {
    (void)state;
    /* what does not vary goes, and biases make up for it */
    assert_true(prune(normalized_network(0.001), "ratio=0.25", 12, false) < 0.002);
    assert_non_null(strstr(refusals, "NO DATA"));
    assert_non_null(strstr(refusals, "weights and batch normalizations"));
    /* of the same units, biases make up for a good part */
    const double less = prune(normalized_network(1), "ratio=0.25,method=l2", 12, false);
    const double all = prune(normalized_network(1), "ratio=0.25,method=l2,refit=no", 12, false);
    assert_true(less < 0.8 * all);
    c2s_model *m = make_model();
    make_output(OP(m, "MatMul",
                   OP(m, "MatMul", INPUT(m, "x", ROWS, WIDTH), WEIGHT(m, "wa", WIDTH, 8)),
                   WEIGHT(m, "wb", 8, 5)),
                "y");
    prune(m, "ratio=0.25,round=1", 6, false);
    assert_non_null(strstr(refusals, "the size of weights"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(units_in_a_loop),
        cmocka_unit_test(units_in_branches),
        cmocka_unit_test(hidden_units),
        cmocka_unit_test(without_data),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
