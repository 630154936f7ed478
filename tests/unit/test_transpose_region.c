/* SPDX-License-Identifier: Apache-2.0 */
/* Random graphs as exporters of channels-last frameworks write them: an operator between two
 * Transposes, again and again. The reference evaluation of the graph before is the judge. */
#include "unit/pass_case.h"

#include "base/random.h"

enum { OPERATIONS = 24, RUNS = 400 };
static const int64_t last[] = {0, 2, 3, 1}, first[] = {0, 3, 1, 2}, odd[] = {0, 2, 1, 3};

/* A graph whose values are all float[2,4,3,5], or float[2,3,5,4] with channels last. */
typedef struct maker {
    c2s_model *m;
    c2s_random random;
    C2S_VEC(c2s_value *) values; /* channels first */
} maker;

static int64_t pick(maker *k, int64_t count) {
    return c2s_random_integer(&k->random, 0, count - 1);
}

static c2s_value *turn(c2s_model *m, c2s_value *x, const int64_t *perm) {
    c2s_node *node = NODE(m, "Transpose", x);
    c2s_attr_set_ints(node, "perm", perm, 4);
    return make_infer(node);
}

static c2s_value *with_axis(c2s_node *node, int64_t axis) {
    c2s_attr_set_int(node, "axis", axis);
    return make_infer(node);
}

/* Elements begin .. begin + count - 1 of an axis. */
static c2s_value *cut(c2s_model *m, c2s_value *x, int64_t axis, int64_t begin, int64_t count) {
    return OP(m, "Slice", x, INTS(m, "from", begin), INTS(m, "to", begin + count),
              INTS(m, "axes", axis));
}

static c2s_value *mean(c2s_model *m, c2s_value *x, const int64_t *axes, int64_t keep) {
    c2s_node *node = NODE(m, "ReduceMean", x, make_ints(m, "axes", 2, axes));
    c2s_attr_set_int(node, "keepdims", keep);
    return make_infer(node);
}

static c2s_value *resized(c2s_model *m, c2s_value *x, int64_t c, int64_t h) {
    const double by[4] = {1, c == 1 ? 1 : 2, 2, c == 1 ? 2 : 1};
    const int64_t dim = 4;
    c2s_tensor *scales;
    assert_int_equal(c2s_tensor_from_f64(C2S_FLOAT, 1, &dim, by, &scales), C2S_OK);
    c2s_value *y = OP(m, "Resize", x, NULL, c2s_value_constant(m->graph, "scales", scales));
    const c2s_type *type = &x->type;
    return cut(m, cut(m, y, h, 1, type->dim[h]), h + 1, 2, type->dim[h + 1]);
}

static c2s_value *split_and_swapped(c2s_model *m, c2s_value *x, int64_t c) {
    c2s_node *split = make_node(m->graph, 2, "Split", x, INTS(m, "sizes", 3, 1), END);
    with_axis(split, c);
    return with_axis(NODE(m, "Concat", split->outputs[1], split->outputs[0]), c - 4);
}

static c2s_value *quantized(c2s_model *m, c2s_value *x, int64_t c) {
    c2s_value *scale = POSITIVE(m, "scale", 4);
    c2s_value *zero = make_weight(m->graph, "zero", C2S_INT8, 1, DIMS(4));
    c2s_node *dequantize =
        NODE(m, "DequantizeLinear", with_axis(NODE(m, "QuantizeLinear", x, scale, zero), c), scale,
             zero);
    return with_axis(dequantize, c);
}

/* What it reads may be in either layout: c, h are the axes of channels and height. */
static c2s_value *operate(maker *k, int64_t what, c2s_value *x, c2s_value *y, int64_t c,
                          int64_t h) {
    c2s_model *m = k->m;
    const int64_t plane[] = {h, h + 1};
    int64_t pads[8] = {0}, bias[3] = {1, 1, 1}, twice[4] = {1, 1, 1, 1};
    switch (what) {
    case 0:
        return OP(m, "Sigmoid", x);
    case 1:
        return OP(m, "Add", x, y);
    case 2: /* a constant per channel */
        bias[c - 1] = 4;
        return OP(
            m, "Mul",
            make_weight(m->graph, "w", C2S_FLOAT, 0.1, c == 1 ? 3 : 1, c == 1 ? bias : bias + 2),
            x);
    case 3:
        return cut(m, with_axis(NODE(m, "Concat", x, y), c), c, 2, 4);
    case 4:
        return with_axis(NODE(m, "Softmax", x), h);
    case 5:
        return OP(m, "Mul", x, mean(m, y, plane, 1));
    case 6:
        return OP(m, "Mul", x,
                  OP(m, "Unsqueeze", mean(m, y, plane, 0), make_ints(m, "axes", 2, plane)));
    case 7:
        pads[h] = 1;
        pads[4 + h + 1] = 2;
        return cut(m, cut(m, OP(m, "Pad", x, make_ints(m, "pads", 8, pads)), h, 0, x->type.dim[h]),
                   h + 1, 2, x->type.dim[h + 1]);
    case 8:
        return split_and_swapped(m, x, c);
    case 9:
        return quantized(m, x, c);
    case 10:
        return OP(m, "Where", OP(m, "Greater", x, y), x, OP(m, "Neg", y));
    case 11: {
        c2s_node *best = NODE(m, "ArgMax", x);
        c2s_node *number = NODE(m, "Cast", with_axis(best, h));
        c2s_attr_set_int(number, "to", C2S_FLOAT);
        return OP(m, "Sub", y, make_infer(number));
    }
    case 12:
        return OP(m, "CumSum", x, INTS(m, "axis", c - 4));
    case 13:
        twice[c] = 2;
        return cut(m, OP(m, "Tile", x, make_ints(m, "twice", 4, twice)), c, 3, 4);
    case 14:
        return resized(m, x, c, h);
    case 15: { /* a slope per channel */
        bias[c - 1] = 4;
        return OP(m, "PRelu", x, make_weight(m->graph, "w", C2S_FLOAT, 0.1, 3, bias));
    }
    default:
        return OP(m, "Max", x, y, make_scalar(m, "low", -0.5));
    }
}

enum { KINDS = 17 };

static c2s_value *convolution(maker *k, c2s_value *x) {
    return OP(k->m, "Conv", x, WEIGHT(k->m, "w", 4, 4, 1, 1));
}

static void begin(maker *k, uint64_t seed) {
    *k = (maker){.m = make_model(), .random = {seed}};
    c2s_vec_push(&k->values, convolution(k, INPUT(k->m, "x", 2, 4, 3, 5)));
    c2s_vec_push(&k->values, convolution(k, INPUT(k->m, "y", 2, 4, 3, 5)));
}

static unsigned count_of(const c2s_graph *graph, const char *type) {
    unsigned count = 0;
    for (const c2s_node *node = graph->first; node; node = node->next)
        count += c2s_node_is(node, type);
    return count;
}

static void name_nodes(c2s_graph *graph) {
    char name[16];
    unsigned number = 0;
    for (c2s_node *node = graph->first; node; node = node->next) {
        snprintf(name, sizeof name, "n%u", number++);
        node->name = c2s_name_intern(graph->model->names, name);
    }
}

/* ONNX Runtime wants that. */
static void check_node_names(const c2s_graph *graph, uint64_t seed) {
    for (const c2s_node *a = graph->first; a; a = a->next)
        for (const c2s_node *b = a->next; b && *a->name; b = b->next)
            if (strcmp(a->name, b->name) == 0)
                fail_msg("seed %u: two nodes are called %s", (unsigned)seed, a->name);
}

static void check(maker *k, uint64_t seed, bool all_go) {
    name_nodes(k->m->graph);
    c2s_model *before = c2s_model_copy(k->m);
    const unsigned nodes = k->m->graph->node_count;
    run_passes(k->m, "fuse");
    const unsigned left = count_of(k->m->graph, "Transpose");
    if (all_go && left > 0)
        fail_msg("seed %u: %u Transposes are left", (unsigned)seed, left);
    if (left > count_of(before->graph, "Transpose") || k->m->graph->node_count > nodes)
        fail_msg("seed %u: the graph has grown", (unsigned)seed);
    check_node_names(k->m->graph, seed);
    const double difference = largest_difference(before, k->m);
    if (!(difference <= 2e-5))
        fail_msg("seed %u: outputs differ by %g", (unsigned)seed, difference);
    c2s_model_destroy(before);
    c2s_model_destroy(k->m);
    c2s_vec_free(&k->values);
}

/* Everything is channels last between convolutions that are not: nothing has to be moved. */
static void transposes_all_go(void **state) {
    (void)state;
    for (uint64_t seed = 1; seed <= RUNS; seed++) {
        maker k;
        begin(&k, seed);
        for (int i = 0; i < OPERATIONS; i++) {
            c2s_value *x = k.values.at[pick(&k, (int64_t)k.values.count)];
            c2s_value *y = k.values.at[pick(&k, (int64_t)k.values.count)];
            const int64_t what = pick(&k, KINDS + 2);
            if (what >= KINDS)
                c2s_vec_push(&k.values, convolution(&k, x));
            else
                c2s_vec_push(&k.values,
                             turn(k.m,
                                  operate(&k, what, turn(k.m, x, last), turn(k.m, y, last), 3, 1),
                                  first));
        }
        make_output(k.values.at[k.values.count - 1], "p");
        make_output(k.values.at[k.values.count - 2], "q");
        check(&k, seed, true);
    }
}

/* Each operator has a layout of its own; outputs and other Transposes are anywhere. */
static void layouts_are_mixed(void **state) {
    (void)state;
    for (uint64_t seed = 1; seed <= RUNS; seed++) {
        maker k;
        begin(&k, seed);
        for (int i = 0; i < OPERATIONS; i++) {
            c2s_value *x = k.values.at[pick(&k, (int64_t)k.values.count)];
            c2s_value *y = k.values.at[pick(&k, (int64_t)k.values.count)];
            const int64_t what = pick(&k, KINDS + 1);
            c2s_value *z =
                what == KINDS ? convolution(&k, x)
                : pick(&k, 2)
                    ? operate(&k, what, x, y, 1, 2)
                    : turn(k.m, operate(&k, what, turn(k.m, x, last), turn(k.m, y, last), 3, 1),
                           first);
            if (pick(&k, 8) == 0)
                z = turn(k.m, OP(k.m, "Tanh", turn(k.m, z, odd)), odd);
            c2s_vec_push(&k.values, z);
            if (i % 10 == 5) {
                char name[16];
                snprintf(name, sizeof name, "o%d", i);
                make_output(turn(k.m, z, pick(&k, 2) ? last : odd), name);
            }
            if (i % 10 == 8)
                make_output(OP(k.m, "Shape", turn(k.m, z, last)), i == 8 ? "s" : "t");
        }
        make_output(k.values.at[k.values.count - 1], "p");
        check(&k, seed, false);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(transposes_all_go),
        cmocka_unit_test(layouts_are_mixed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
