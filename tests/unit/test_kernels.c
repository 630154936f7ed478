/* SPDX-License-Identifier: Apache-2.0 */
/* Every row of runtime/kernel_list.h against op->eval: random shapes and attributes from a fixed
 * seed, the tolerance derived from the number of operations behind one output element. */
#include "unit/make_graph.h"

#include "base/map.h"
#include "base/random.h"
#include "eval/compare.h"
#include "runtime/dnnl_processor.h"
#include "runtime/kernel.h"
#include "runtime/session.h"
#include "unit/retyped.h"

enum { ROUNDS = 40 };

typedef struct trial {
    c2s_random random;
    c2s_model *model;
    c2s_tensor *in[8];
    unsigned in_count;
    double operations; /* behind one output element */
    unsigned kind;     /* of element type */
    bool is_left;      /* the family need not take it */
} trial;

static int64_t pick(trial *t, int64_t low, int64_t high) {
    return c2s_random_integer(&t->random, low, high);
}

static bool flip(trial *t) {
    return pick(t, 0, 1) != 0;
}

static c2s_tensor *numbers(trial *t, int rank, const int64_t *dim, double low, double high) {
    c2s_tensor *tensor;
    assert_int_equal(c2s_tensor_create(C2S_FLOAT, rank, dim, &tensor), C2S_OK);
    float *data = c2s_tensor_mutable(tensor);
    for (size_t k = 0; k < tensor->count; k++)
        data[k] = (float)(low + (high - low) * c2s_random_uniform(&t->random));
    return tensor;
}

/* An input of the graph, or a constant. */
static c2s_value *operand_in(trial *t, bool constant, int rank, const int64_t *dim, double low,
                             double high) {
    c2s_tensor *tensor = numbers(t, rank, dim, low, high);
    if (constant)
        return c2s_value_constant(t->model->graph, "w", tensor);
    t->in[t->in_count] = tensor;
    char name[8];
    snprintf(name, sizeof name, "x%u", t->in_count++);
    return make_input(t->model, name, C2S_FLOAT, rank, dim);
}

static c2s_value *operand(trial *t, bool constant, int rank, const int64_t *dim) {
    return operand_in(t, constant, rank, dim, -1, 1);
}

static c2s_node *node(trial *t, const char *type, c2s_value *a, c2s_value *b, c2s_value *c) {
    c2s_node *made = c2s_node_create(t->model->graph, NULL, "", type, c ? 3 : b ? 2 : 1, 1);
    c2s_value *in[3] = {a, b, c};
    for (unsigned i = 0; i < made->formal_count; i++)
        c2s_use_set(&made->inputs[i], in[i]);
    return made;
}

/* ---- what to try, per operator ---- */

static void random_shape(trial *t, int rank, int64_t most, int64_t *dim) {
    for (int i = 0; i < rank; i++)
        dim[i] = pick(t, 1, most);
}

/* What is too large for the plain loop. */
static c2s_node *try_large_unary(trial *t, const char *op) {
    int64_t dim[2] = {pick(t, 32, 64), pick(t, 32, 64)};
    c2s_node *n = node(t, op, operand_in(t, false, 2, dim, -8, 8), NULL, NULL);
    if (strcmp(op, "Elu") == 0 && flip(t))
        c2s_attr_set_float(n, "alpha", 0.3f);
    if (strcmp(op, "Gelu") == 0 && flip(t))
        c2s_attr_set_string(n, "approximate", "tanh");
    t->operations = 16; /* the terms of a polynomial */
    return n;
}

static c2s_node *try_clip(trial *t, const char *op) {
    int64_t dim[2] = {pick(t, 1, 40), pick(t, 1, 40)};
    c2s_value *x = operand_in(t, false, 2, dim, -8, 8);
    c2s_value *low = flip(t) ? make_scalar(t->model, "low", -1.5) : NULL;
    c2s_value *high = flip(t) || !low ? make_scalar(t->model, "high", 2.25) : NULL;
    c2s_node *n = c2s_node_create(t->model->graph, NULL, "", op, high ? 3 : 2, 1);
    c2s_use_set(&n->inputs[0], x);
    c2s_use_set(&n->inputs[1], low);
    if (high)
        c2s_use_set(&n->inputs[2], high);
    t->operations = 1;
    return n;
}

static bool is_one_of(const char *op, const char *const *names) {
    while (*names && strcmp(*names, op) != 0)
        names++;
    return *names != NULL;
}

static c2s_value *cast_to(trial *t, c2s_value *x, c2s_dtype to) {
    c2s_node *n = node(t, "Cast", x, NULL, NULL);
    c2s_attr_set_int(n, "to", to);
    return make_infer(n);
}

/* The same elements as integers, as bools, or in another type, all of which Cast makes. */
static c2s_value *in_type(trial *t, const char *op, c2s_value *x) {
    static const char *const bools[] = {"And", "Not", "Or", "Xor", NULL};
    static const char *const whole[] = {"BitShift",  "BitwiseAnd", "BitwiseNot",
                                        "BitwiseOr", "BitwiseXor", NULL};
    static const char *const any[] = {"Add", "Div", "Equal", "Greater", "Less", "Mul", "Sub", NULL};
    static const c2s_dtype types[] = {C2S_UINT8, C2S_UINT32, C2S_INT32, C2S_INT64, C2S_DOUBLE};
    if (is_one_of(op, bools))
        return cast_to(t, x, C2S_BOOL);
    if (is_one_of(op, whole))
        return cast_to(t, x, t->kind < 2 ? types[t->kind] : C2S_UINT64);
    if (is_one_of(op, any) && t->kind < 5)
        return cast_to(t, x, types[t->kind]);
    return x;
}

/* Any operator of elements: the same bits as from eval. Other types than float come from Cast,
 * which one loop computes together with the operator. */
static c2s_node *try_elementwise(trial *t, const char *op) {
    static const char *const two[] = {
        "Add",        "And",         "BitShift", "BitwiseAnd", "BitwiseOr",
        "BitwiseXor", "Div",         "Equal",    "Greater",    "GreaterOrEqual",
        "Less",       "LessOrEqual", "Max",      "Mean",       "Min",
        "Mod",        "Mul",         "Or",       "PRelu",      "Pow",
        "Sub",        "Sum",         "Xor",      NULL};
    static const char *const library[] = {"Elu", "Gelu", "Sigmoid", "Tanh", NULL};
    int64_t dim[4], small[4];
    int rank = (int)pick(t, 0, 4), lead = (int)pick(t, 0, rank);
    t->operations = is_one_of(op, library) ? 16 : 0; /* large ones go to oneDNN */
    t->kind = (unsigned)pick(t, 0, 9);
    random_shape(t, 4, 11, dim);
    memcpy(small, dim, sizeof small);
    for (int i = 0; i < 4; i++)
        if (flip(t))
            small[i] = 1;
    c2s_value *x = in_type(t, op, operand_in(t, false, rank, dim, -4, 4));
    if (strcmp(op, "Where") == 0)
        return node(t, op, cast_to(t, x, C2S_BOOL), operand(t, false, rank, dim),
                    operand(t, flip(t), rank - lead, small + lead));
    if (!is_one_of(op, two)) {
        c2s_node *n = node(t, op, x, NULL, NULL);
        if (strcmp(op, "Cast") == 0)
            c2s_attr_set_int(n, "to", flip(t) ? C2S_INT32 : C2S_DOUBLE);
        if (strcmp(op, "LeakyRelu") == 0 && flip(t))
            c2s_attr_set_float(n, "alpha", 0.3f);
        return n;
    }
    c2s_value *y = in_type(t, op, operand(t, flip(t), rank - lead, small + lead));
    c2s_node *n =
        flip(t) || strcmp(op, "PRelu") == 0 ? node(t, op, x, y, NULL) : node(t, op, y, x, NULL);
    if (strcmp(op, "BitShift") == 0)
        c2s_attr_set_string(n, "direction", flip(t) ? "LEFT" : "RIGHT");
    if (strcmp(op, "Mod") == 0)
        c2s_attr_set_int(n, "fmod", 1);
    return n;
}

static void set_window(trial *t, c2s_node *n, int rank, const int64_t *kernel, const int64_t *in,
                       bool dilate, bool pads_below_kernel) {
    int64_t stride[3], dilation[3], pads[6];
    for (int i = 0; i < rank; i++) {
        stride[i] = pick(t, 1, 3);
        dilation[i] = dilate ? pick(t, 1, 2) : 1;
        while ((kernel[i] - 1) * dilation[i] + 1 > in[i])
            dilation[i] = 1;
        for (int side = 0; side < 2; side++)
            pads[i + side * rank] = pick(t, 0, pads_below_kernel ? kernel[i] - 1 : kernel[i]);
    }
    c2s_attr_set_ints(n, "strides", stride, (size_t)rank);
    if (dilate)
        c2s_attr_set_ints(n, "dilations", dilation, (size_t)rank);
    switch (pick(t, 0, 4)) {
    case 0:
        c2s_attr_set_string(n, "auto_pad", "SAME_UPPER");
        return;
    case 1:
        c2s_attr_set_string(n, "auto_pad", "SAME_LOWER");
        return;
    case 2:
        c2s_attr_set_string(n, "auto_pad", "VALID");
        return;
    default:
        c2s_attr_set_ints(n, "pads", pads, (size_t)rank * 2);
    }
}

static c2s_node *try_conv(trial *t, const char *op) {
    bool transposed = strcmp(op, "ConvTranspose") == 0;
    int rank = (int)pick(t, 1, 3);
    int64_t groups = pick(t, 1, 3), in = pick(t, 1, 9), out = pick(t, 1, 9);
    if (pick(t, 0, 3) == 0) /* depthwise */
        groups = pick(t, 1, 17), in = out = 1;
    int64_t x[5] = {pick(t, 1, 2), groups * in},
            w[5] = {transposed ? groups * in : groups * out, transposed ? out : in};
    t->operations = (double)in;
    for (int i = 0; i < rank; i++) {
        w[i + 2] = pick(t, 1, 4);
        x[i + 2] = w[i + 2] + pick(t, 0, rank == 3 ? 5 : 12);
        t->operations *= (double)w[i + 2];
    }
    c2s_value *bias = flip(t) ? operand(t, flip(t), 1, (int64_t[]){groups * out}) : NULL;
    c2s_node *n = node(t, op, operand(t, false, rank + 2, x),
                       operand(t, pick(t, 0, 3) > 0, rank + 2, w), bias);
    c2s_attr_set_int(n, "group", groups);
    set_window(t, n, rank, w + 2, x + 2, true, transposed);
    return n;
}

/* Few channels, or groups of odd numbers of them; a batch, operands of any use of memory. */
static c2s_node *try_direct(trial *t, const char *op) {
    bool transposed = strcmp(op, "ConvTranspose") == 0;
    int rank = (int)pick(t, 1, 2);
    int64_t groups = flip(t) ? 1 : pick(t, 2, 5), in = pick(t, 1, 19), out = pick(t, 1, 6);
    if (transposed || groups > 1)
        out = pick(t, 1, 19) | 1;
    if (pick(t, 0, 3) == 0) /* depthwise */
        groups = pick(t, 1, 17), in = out = 1;
    int64_t x[4] = {pick(t, 1, 2), groups * in},
            w[4] = {transposed ? groups * in : groups * out, transposed ? out : in};
    t->operations = (double)in;
    for (int i = 0; i < rank; i++) {
        w[i + 2] = pick(t, 1, 4);
        x[i + 2] = w[i + 2] + (pick(t, 0, 4) ? pick(t, 0, 20) : pick(t, 30, 70));
        t->operations *= (double)w[i + 2];
    }
    c2s_value *bias = flip(t) ? operand(t, true, 1, (int64_t[]){groups * out}) : NULL;
    c2s_node *n = node(t, op, operand(t, false, rank + 2, x), operand(t, true, rank + 2, w), bias);
    c2s_attr_set_int(n, "group", groups);
    set_window(t, n, rank, w + 2, x + 2, true, transposed);
    return n;
}

static c2s_node *try_winograd(trial *t, const char *op) {
    int64_t in = 8 * pick(t, 2, 5), out = 8 * pick(t, 2, 5), extent[2], pads[4];
    for (int i = 0; i < 4; i++)
        pads[i] = pick(t, 0, 2);
    for (int i = 0; i < 2; i++) {
        extent[i] = 4 * pick(t, 1, 4) + 2 - pads[i] - pads[i + 2]; /* outputs: squares of 4 */
        extent[i] += extent[i] < 1 ? 4 : 0;
    }
    int64_t x[4] = {pick(t, 1, 3), in, extent[0], extent[1]}, w[4] = {out, in, 3, 3};
    c2s_value *bias = flip(t) ? operand(t, flip(t), 1, &out) : NULL;
    c2s_node *n = node(t, op, operand(t, false, 4, x), operand(t, true, 4, w), bias);
    c2s_attr_set_ints(n, "pads", pads, 4);
    t->operations = 16 * 9 * (double)in; /* transforms round, too */
    return n;
}

static c2s_node *try_pool(trial *t, const char *op) {
    bool global = strncmp(op, "Global", 6) == 0;
    int rank = (int)pick(t, 1, 3);
    int64_t x[5] = {pick(t, 1, 2), pick(t, 1, 20)}, kernel[3];
    t->operations = 1;
    for (int i = 0; i < rank; i++) {
        kernel[i] = pick(t, 1, 4);
        x[i + 2] = kernel[i] + pick(t, 0, rank == 3 ? 5 : 12);
        t->operations *= (double)(global ? x[i + 2] : kernel[i]);
    }
    c2s_node *n = node(t, op, operand(t, false, rank + 2, x), NULL, NULL);
    if (global)
        return n;
    c2s_attr_set_ints(n, "kernel_shape", kernel, (size_t)rank);
    set_window(t, n, rank, kernel, x + 2, flip(t), true);
    if (flip(t))
        c2s_attr_set_int(n, "ceil_mode", 1);
    if (strcmp(op, "AveragePool") == 0 && flip(t))
        c2s_attr_set_int(n, "count_include_pad", 1);
    return n;
}

static c2s_node *try_matmul(trial *t, const char *op) {
    int64_t a[4], b[4];
    int a_rank = (int)pick(t, 1, 4), b_rank = (int)pick(t, 1, 4);
    random_shape(t, 4, 5, a);
    memcpy(b, a, sizeof b);
    bool large = pick(t, 0, 9) == 0;
    int64_t k = large ? pick(t, 300, 900) : pick(t, 1, 40);
    for (int i = 0; i < 2; i++) {
        if (large || pick(t, 0, 2) == 0)
            a[i] = 1;
        if (pick(t, 0, 2) == 0)
            b[i] = 1;
    }
    a[2] = large ? pick(t, 1, 200) : pick(t, 1, 20);
    a[3] = k;
    b[2] = k;
    b[3] = pick(t, 1, 20);
    t->operations = (double)k;
    /* The only result must not be what is left when all terms cancel. */
    return node(t, op, operand_in(t, false, a_rank, a + 4 - a_rank, -0.25, 1),
                operand_in(t, flip(t), b_rank, b_rank == 1 ? b + 2 : b + 4 - b_rank, -0.25, 1),
                NULL);
}

static c2s_node *try_gemm(trial *t, const char *op) {
    int64_t m = pick(t, 1, 20), k = pick(t, 1, 40), n = pick(t, 1, 20), c[2] = {m, n};
    bool ta = flip(t), tb = flip(t);
    c2s_value *bias = NULL;
    if (pick(t, 0, 3) > 0) {
        int drop = (int)pick(t, 0, 2);
        for (int i = 0; i < 2; i++)
            if (pick(t, 0, 2) == 0)
                c[i] = 1;
        bias = operand(t, flip(t), 2 - drop, c + drop);
    }
    c2s_node *made = node(t, op, operand(t, false, 2, ta ? (int64_t[]){k, m} : (int64_t[]){m, k}),
                          operand(t, flip(t), 2, tb ? (int64_t[]){n, k} : (int64_t[]){k, n}), bias);
    c2s_attr_set_int(made, "transA", ta);
    c2s_attr_set_int(made, "transB", tb);
    if (pick(t, 0, 3) == 0) {
        c2s_attr_set_float(made, "alpha", 0.5f);
        if (flip(t))
            c2s_attr_set_float(made, "beta", 0.5f);
    }
    t->operations = (double)k;
    return made;
}

static c2s_node *try_batch_norm(trial *t, const char *op) {
    int64_t x[5];
    int rank = (int)pick(t, 2, 5);
    random_shape(t, rank, 7, x);
    c2s_node *n = c2s_node_create(t->model->graph, NULL, "", op, 5, 1);
    c2s_use_set(&n->inputs[0], operand(t, false, rank, x));
    for (unsigned i = 1; i < 5; i++)
        c2s_use_set(&n->inputs[i], operand_in(t, true, 1, &x[1], i == 4 ? 0.1 : -1, 2));
    c2s_attr_set_float(n, "epsilon", 1e-3f);
    t->operations = 4;
    return n;
}

static c2s_node *try_instance_norm(trial *t, const char *op) {
    int64_t x[5];
    int rank = (int)pick(t, 3, 5);
    random_shape(t, rank, 7, x);
    x[2] += 4; /* the variance of one element is 0: everything cancels */
    c2s_node *n = node(t, op, operand(t, false, rank, x), operand(t, true, 1, &x[1]),
                       operand(t, flip(t), 1, &x[1]));
    c2s_attr_set_float(n, "epsilon", 1e-3f);
    t->operations = 4;
    for (int i = 2; i < rank; i++)
        t->operations *= (double)x[i];
    return n;
}

static c2s_node *try_layer_norm(trial *t, const char *op) {
    int64_t x[4];
    int rank = (int)pick(t, 1, 4), axis = (int)pick(t, 0, rank - 1);
    random_shape(t, rank, 9, x);
    x[rank - 1] += 4; /* the variance of one element is 0: everything cancels */
    bool centred = strcmp(op, "LayerNormalization") == 0;
    c2s_value *bias = centred && flip(t) ? operand(t, true, rank - axis, x + axis) : NULL;
    c2s_value *scale = operand(t, true, rank - axis, x + axis);
    if (axis > 0 && pick(t, 0, 3) == 0) { /* for each row, of which there may be as many */
        x[axis - 1] = flip(t) ? x[rank - 1] : x[axis - 1];
        int64_t rows[] = {x[axis - 1], 1, 1, 1};
        scale = operand(t, true, rank - axis + 1, rows);
        t->is_left = true;
    }
    c2s_node *n = node(t, op, operand(t, false, rank, x), scale, bias);
    c2s_attr_set_int(n, "axis", flip(t) ? axis : axis - rank);
    t->operations = 4;
    for (int i = axis; i < rank; i++)
        t->operations *= (double)x[i];
    return n;
}

/* With 3 or 4 axes, a mask that is added or of bools, broadcast or not, causal, with a cache. */
static c2s_node *try_attention(trial *t, const char *op) {
    int64_t batch = pick(t, 1, 2), heads = pick(t, 1, 3), group = pick(t, 1, 3);
    int64_t queries = pick(t, 1, 20), keys = pick(t, 1, 20), depth = pick(t, 1, 20);
    int64_t width = pick(t, 1, 20), past = flip(t) ? pick(t, 1, 5) : 0;
    bool four = flip(t), cached = past || pick(t, 0, 3) == 0;
    const int64_t q4[] = {batch, heads * group, queries, depth}, k4[] = {batch, heads, keys, depth},
                  v4[] = {batch, heads, keys, width};
    const int64_t q3[] = {batch, queries, heads * group * depth},
                  k3[] = {batch, keys, heads * depth}, v3[] = {batch, keys, heads * width};
    const int64_t pk[] = {batch, heads, past, depth}, pv[] = {batch, heads, past, width};
    c2s_node *n = c2s_node_create(t->model->graph, NULL, "", op, 6, cached ? 3 : 1);
    c2s_use_set(&n->inputs[0], operand(t, false, four ? 4 : 3, four ? q4 : q3));
    c2s_use_set(&n->inputs[1], operand(t, false, four ? 4 : 3, four ? k4 : k3));
    c2s_use_set(&n->inputs[2], operand(t, false, four ? 4 : 3, four ? v4 : v3));
    if (flip(t)) {
        int lead = (int)pick(t, 0, 2);
        const int64_t mask[] = {flip(t) ? batch : 1, flip(t) ? heads * group : 1,
                                flip(t) ? queries : 1, past + keys};
        c2s_value *m = operand_in(t, false, 4 - lead, mask + lead, -2, 2);
        if (flip(t)) { /* a query may see nothing at all */
            m = make_infer(node(t, "Relu", m, NULL, NULL));
            m = cast_to(t, m, C2S_BOOL);
        }
        c2s_use_set(&n->inputs[3], m);
    }
    if (past) {
        c2s_use_set(&n->inputs[4], operand(t, false, 4, pk));
        c2s_use_set(&n->inputs[5], operand(t, false, 4, pv));
    }
    if (!four) {
        c2s_attr_set_int(n, "q_num_heads", heads * group);
        c2s_attr_set_int(n, "kv_num_heads", heads);
    }
    if (flip(t))
        c2s_attr_set_int(n, "is_causal", 1);
    if (flip(t))
        c2s_attr_set_float(n, "scale", 0.7f);
    c2s_node_trim_inputs(n);
    c2s_graph_sort(t->model->graph);
    t->operations = (double)(depth + keys + past) + 64;
    return n;
}

static c2s_node *try_lrn(trial *t, const char *op) {
    int64_t x[4];
    random_shape(t, 4, 12, x);
    if (flip(t))
        x[1] = 16; /* whole blocks, for which oneDNN has other code */
    c2s_node *n = node(t, op, operand_in(t, false, 4, x, -20, 20), NULL, NULL);
    int64_t size = pick(t, 1, 6);
    c2s_attr_set_int(n, "size", size);
    c2s_attr_set_float(n, "alpha", 0.01f);
    c2s_attr_set_float(n, "bias", flip(t) ? 2.0f : 1.0f);
    t->operations = (double)size + 16;
    return n;
}

static c2s_node *try_softmax(trial *t, const char *op) {
    int64_t x[4];
    int rank = (int)pick(t, 1, 4);
    random_shape(t, rank, 12, x);
    c2s_node *n = node(t, op, operand_in(t, false, rank, x, -6, 6), NULL, NULL);
    int64_t axis = pick(t, -rank, rank - 1);
    c2s_attr_set_int(n, "axis", axis);
    t->operations = (double)x[axis < 0 ? axis + rank : axis] + 16;
    return n;
}

static c2s_node *try_reduce(trial *t, const char *op) {
    int64_t x[4], axes[4];
    int rank = (int)pick(t, 1, 4), count = 0;
    random_shape(t, rank, 12, x);
    t->operations = 1;
    for (int i = 0; i < rank; i++)
        if (flip(t)) {
            axes[count++] = flip(t) ? i : i - rank;
            t->operations *= (double)x[i];
        }
    bool product = strcmp(op, "ReduceProd") == 0;
    /* All positive: errors of sums are relative to their terms, not to what cancellation leaves. */
    c2s_value *data = operand_in(t, false, rank, x, product ? 0.9 : 0, product ? 1.1 : 1);
    c2s_node *n = node(t, op, data, count ? make_ints(t->model, "axes", count, axes) : NULL, NULL);
    c2s_attr_set_int(n, "keepdims", flip(t));
    t->operations = fmax(t->operations, count ? 1 : 12 * 12 * 12 * 12);
    return n;
}

static c2s_node *try_resize(trial *t, const char *op) {
    static const char *const modes[] = {"asymmetric", "half_pixel", "pytorch_half_pixel",
                                        "align_corners"};
    static const char *const rounds[] = {"round_prefer_floor", "round_prefer_ceil", "floor",
                                         "ceil"};
    int rank = (int)pick(t, 1, 2) + 2;
    int64_t x[4], y[4];
    double scale[4] = {1, 1, 1, 1};
    random_shape(t, rank, 8, x);
    bool whole = flip(t);
    for (int i = 2; i < rank; i++)
        scale[i] = whole ? (double)pick(t, 1, 3) : (double)pick(t, 2, 9) / 4;
    for (int i = 0; i < rank; i++) {
        y[i] = (int64_t)floor((double)x[i] * scale[i]);
        if (y[i] < 1)
            y[i] = 1, scale[i] = 1 / (double)x[i];
    }
    c2s_node *n = c2s_node_create(t->model->graph, NULL, "", op, 4, 1);
    c2s_use_set(&n->inputs[0], operand(t, false, rank, x));
    if (flip(t)) {
        c2s_use_set(&n->inputs[3], make_ints(t->model, "sizes", rank, y));
    } else {
        int64_t length = rank;
        c2s_tensor *tensor;
        assert_int_equal(c2s_tensor_from_f64(C2S_FLOAT, 1, &length, scale, &tensor), C2S_OK);
        c2s_use_set(&n->inputs[2], c2s_value_constant(t->model->graph, "scales", tensor));
        c2s_node_resize_inputs(n, 3);
    }
    c2s_attr_set_string(n, "mode", flip(t) ? "nearest" : "linear");
    c2s_attr_set_string(n, "coordinate_transformation_mode", modes[pick(t, 0, 3)]);
    c2s_attr_set_string(n, "nearest_mode", rounds[pick(t, 0, 3)]);
    t->operations = 16;
    return n;
}

static c2s_node *try_concat(trial *t, const char *op) {
    int64_t dim[4];
    int rank = (int)pick(t, 1, 4), axis = (int)pick(t, 0, rank - 1);
    random_shape(t, rank, 6, dim);
    unsigned count = (unsigned)pick(t, 1, 4);
    c2s_node *n = c2s_node_create(t->model->graph, NULL, "", op, count, 1);
    for (unsigned k = 0; k < count; k++) {
        dim[axis] = pick(t, 1, 5);
        c2s_use_set(&n->inputs[k], operand(t, pick(t, 0, 3) == 0, rank, dim));
    }
    c2s_attr_set_int(n, "axis", flip(t) ? axis : axis - rank);
    t->operations = 0;
    return n;
}

static c2s_node *try_transpose(trial *t, const char *op) {
    int64_t dim[5], order[5];
    int rank = (int)pick(t, 2, 5);
    random_shape(t, rank, 6, dim);
    for (int i = 0; i < rank; i++) {
        int other = (int)pick(t, 0, i);
        order[i] = order[other];
        order[other] = i;
    }
    c2s_node *n = node(t, op, operand(t, false, rank, dim), NULL, NULL);
    if (pick(t, 0, 3) > 0)
        c2s_attr_set_ints(n, "perm", order, (size_t)rank);
    t->operations = 0;
    return n;
}

/* Integers and halves are moved as floats are. */
static c2s_value *in_any_type(trial *t, c2s_value *x) {
    static const c2s_dtype types[] = {C2S_INT32, C2S_INT64, C2S_UINT8, C2S_FLOAT16};
    int64_t kind = pick(t, 0, 7);
    return kind < 4 ? cast_to(t, x, types[kind]) : x;
}

static c2s_node *try_slice(trial *t, int rank, const int64_t *dim) {
    int64_t start[4], end[4], axes[4], steps[4];
    int count = 0;
    for (int i = 0; i < rank; i++) {
        if (pick(t, 0, 3) == 0)
            continue;
        start[count] = pick(t, -dim[i], dim[i] - 1);
        int64_t from = start[count] < 0 ? start[count] + dim[i] : start[count];
        bool back = flip(t);
        end[count] = back ? pick(t, -dim[i] - 2, -dim[i] - 1) : pick(t, from + 1, dim[i] + 2);
        steps[count] = back ? pick(t, -3, -1) : pick(t, 1, 3);
        axes[count++] = flip(t) ? i : i - rank;
    }
    c2s_value *x = in_any_type(t, operand(t, false, rank, dim));
    c2s_node *n = c2s_node_create(t->model->graph, NULL, "", "Slice", 5, 1);
    c2s_use_set(&n->inputs[0], x);
    c2s_use_set(&n->inputs[1], make_ints(t->model, "starts", count, start));
    c2s_use_set(&n->inputs[2], make_ints(t->model, "ends", count, end));
    c2s_use_set(&n->inputs[3], make_ints(t->model, "axes", count, axes));
    c2s_use_set(&n->inputs[4], make_ints(t->model, "steps", count, steps));
    return n;
}

static c2s_node *try_split(trial *t, int rank, int64_t *dim, int axis) {
    int64_t size[3];
    unsigned outputs = (unsigned)pick(t, 1, 3);
    dim[axis] = 0;
    for (unsigned k = 0; k < outputs; k++)
        dim[axis] += size[k] = pick(t, 1, 4);
    bool given = outputs == 1 || flip(t);
    if (!given)
        dim[axis] = (int64_t)outputs * size[0];
    c2s_value *x = in_any_type(t, operand(t, false, rank, dim));
    c2s_node *n = c2s_node_create(t->model->graph, NULL, "", "Split", given ? 2 : 1, outputs);
    c2s_use_set(&n->inputs[0], x);
    if (given)
        c2s_use_set(&n->inputs[1], make_ints(t->model, "split", (int)outputs, size));
    c2s_attr_set_int(n, "axis", flip(t) ? axis : axis - rank);
    return n;
}

static c2s_node *try_pad(trial *t, int rank, const int64_t *dim) {
    static const char *const modes[] = {"constant", "edge", "reflect", "wrap"};
    const char *mode = modes[pick(t, 0, 3)];
    int64_t pads[8], axes[4];
    int count = 0;
    bool some = flip(t);
    for (int i = 0; i < rank; i++)
        if (!some || flip(t))
            axes[count++] = i;
    for (int k = 0; k < count; k++)
        for (int side = 0; side < 2; side++) {
            int64_t most = dim[axes[k]] - 1, crop = flip(t) ? most / 2 : 0;
            pads[k + side * count] = pick(t, -crop, most < 1 ? 0 : (most - crop) / 2);
        }
    c2s_node *n = c2s_node_create(t->model->graph, NULL, "", "Pad", some ? 4 : 3, 1);
    c2s_use_set(&n->inputs[0], operand(t, false, rank, dim));
    c2s_use_set(&n->inputs[1], make_ints(t->model, "pads", 2 * count, pads));
    if (flip(t))
        c2s_use_set(&n->inputs[2], make_scalar(t->model, "value", -1.5));
    if (some)
        c2s_use_set(&n->inputs[3], make_ints(t->model, "axes", count, axes));
    c2s_node_trim_inputs(n);
    c2s_attr_set_string(n, "mode", mode);
    return n;
}

static c2s_node *try_expand(trial *t, int rank, int64_t *dim) {
    int64_t wide[4];
    int lead = (int)pick(t, 0, rank);
    memcpy(wide, dim, sizeof wide);
    for (int i = lead; i < rank; i++)
        if (flip(t))
            dim[i] = 1;
    c2s_value *x = in_any_type(t, operand(t, false, rank - lead, dim + lead));
    return node(t, "Expand", x, make_ints(t->model, "shape", rank, wide), NULL);
}

static c2s_value *integers(trial *t, bool constant, int rank, const int64_t *dim, int64_t low,
                           int64_t high) {
    c2s_tensor *tensor;
    assert_int_equal(c2s_tensor_create(C2S_INT64, rank, dim, &tensor), C2S_OK);
    int64_t *data = c2s_tensor_mutable(tensor);
    for (size_t k = 0; k < tensor->count; k++)
        data[k] = pick(t, low, high);
    if (constant)
        return c2s_value_constant(t->model->graph, "i", tensor);
    t->in[t->in_count] = tensor;
    char name[8];
    snprintf(name, sizeof name, "x%u", t->in_count++);
    return make_input(t->model, name, C2S_INT64, rank, dim);
}

/* For an axis of that extent, also counted from its end. */
static c2s_value *indices(trial *t, bool constant, int rank, const int64_t *dim, int64_t extent) {
    return integers(t, constant, rank, dim, -extent, extent - 1);
}

/* Of neighbours, or of elements equally far apart; else of any, also such as are known later. */
static c2s_node *try_gather(trial *t, int rank, const int64_t *dim, bool any) {
    int64_t axis = pick(t, 0, rank - 1), shape[2] = {1, pick(t, 1, 3)}, data[3];
    int index_rank = (int)pick(t, 0, 2);
    c2s_value *x = in_any_type(t, operand(t, false, rank, dim)), *index;
    if (any) {
        index = indices(t, flip(t), index_rank, shape + 2 - index_rank, dim[axis]);
    } else {
        int64_t count = index_rank ? shape[1] : 1, first = pick(t, 0, dim[axis] - 1), apart = 0;
        if (count > 1)
            apart = flip(t) ? -(first / (count - 1)) : (dim[axis] - 1 - first) / (count - 1);
        for (int64_t k = 0; k < count; k++)
            data[k] = first + k * apart;
        c2s_tensor *tensor;
        assert_int_equal(c2s_tensor_create(C2S_INT64, index_rank, shape + 2 - index_rank, &tensor),
                         C2S_OK);
        memcpy(c2s_tensor_mutable(tensor), data, (size_t)count * sizeof *data);
        index = c2s_value_constant(t->model->graph, "i", tensor);
    }
    c2s_node *n = node(t, "Gather", x, index, NULL);
    c2s_attr_set_int(n, "axis", flip(t) ? axis : axis - rank);
    return n;
}

/* Indices meet now and then: the last update counts. */
static c2s_node *try_scatter(trial *t, const char *op) {
    int64_t dim[4], index[3], updates[6], most = 9;
    int rank = (int)pick(t, 1, 4), lead = (int)pick(t, 0, 2), depth = (int)pick(t, 1, rank);
    random_shape(t, rank, 9, dim);
    for (int i = 0; i < depth; i++)
        most = dim[i] < most ? dim[i] : most;
    for (int i = 0; i < lead; i++)
        updates[i] = index[i] = pick(t, 1, 5);
    index[lead] = depth;
    for (int i = depth; i < rank; i++)
        updates[lead + i - depth] = dim[i];
    bool constant = strcmp(op, "constant") == 0;
    c2s_value *x = operand(t, false, rank, dim);
    c2s_node *n = node(t, "ScatterND", x, indices(t, constant, lead + 1, index, most),
                       operand(t, flip(t), lead + rank - depth, updates));
    if (!constant && flip(t))
        c2s_attr_set_string(n, "reduction", "add");
    t->operations = 0;
    return n;
}

static c2s_node *try_constant_scatter(trial *t, const char *op) {
    (void)op;
    return try_scatter(t, "constant");
}

/* Operators that their plain code computes: the same bits. */
static c2s_node *try_evaluated(trial *t, const char *op) {
    static const char *const axial[] = {"ArgMax",     "ArgMin",          "Hardmax",
                                        "LogSoftmax", "LpNormalization", NULL};
    int64_t dim[4];
    int rank = (int)pick(t, 1, 4);
    random_shape(t, 4, 9, dim);
    t->operations = 0;
    if (is_one_of(op, axial)) {
        c2s_node *n = node(t, op, operand(t, false, rank, dim), NULL, NULL);
        c2s_attr_set_int(n, "axis", pick(t, -rank, rank - 1));
        return n;
    }
    if (strcmp(op, "Gather") == 0)
        return try_gather(t, rank, dim, true);
    if (strcmp(op, "ScatterND") == 0)
        return try_scatter(t, op);
    if (strcmp(op, "MeanVarianceNormalization") == 0)
        return node(t, op, operand(t, false, 4, dim), NULL, NULL);
    if (strcmp(op, "GatherND") == 0)
        return node(t, op, operand(t, false, rank, dim),
                    indices(t, flip(t), 2, (int64_t[]){pick(t, 1, 5), 1}, dim[0]), NULL);
    if (strcmp(op, "RotaryEmbedding") == 0) {
        dim[3] = 2 * pick(t, 1, 5);
        int64_t cache[2] = {9, dim[3] / 2}, at[2] = {dim[0], dim[2]};
        c2s_node *n = c2s_node_create(t->model->graph, NULL, "", op, 4, 1);
        c2s_use_set(&n->inputs[0], operand(t, false, 4, dim));
        c2s_use_set(&n->inputs[1], operand(t, true, 2, cache));
        c2s_use_set(&n->inputs[2], operand(t, true, 2, cache));
        c2s_use_set(&n->inputs[3], integers(t, flip(t), 2, at, 0, 8));
        return n;
    }
    if (strcmp(op, "GroupNormalization") == 0) {
        dim[1] = 2 * pick(t, 1, 4);
        dim[2] += 4;
        c2s_node *n = node(t, op, operand(t, false, 4, dim), operand(t, true, 1, dim + 1),
                           operand(t, true, 1, dim + 1));
        c2s_attr_set_int(n, "num_groups", 2);
        t->operations = 64;
        return n;
    }
    if (strcmp(op, "DepthToSpace") == 0 || strcmp(op, "SpaceToDepth") == 0) {
        int64_t block = pick(t, 1, 3);
        dim[1] = block * block * pick(t, 1, 3);
        dim[2] = block * pick(t, 1, 3);
        dim[3] = block * pick(t, 1, 3);
        c2s_node *n = node(t, op, operand(t, false, 4, dim), NULL, NULL);
        c2s_attr_set_int(n, "blocksize", block);
        return n;
    }
    int64_t axis = pick(t, 0, rank - 1), extent = dim[axis];
    c2s_value *x = operand(t, false, rank, dim);
    dim[axis] = strcmp(op, "ScatterElements") == 0 ? 1 : pick(t, 1, 9);
    c2s_value *index = indices(t, flip(t), rank, dim, extent);
    c2s_value *updates = op[0] == 'S' ? operand(t, false, rank, dim) : NULL;
    c2s_node *n = node(t, op, x, index, updates);
    c2s_attr_set_int(n, "axis", flip(t) ? axis : axis - rank);
    return n;
}

/* What moves elements, with the same bits. */
static c2s_node *try_move(trial *t, const char *op) {
    int64_t dim[5];
    int rank = (int)pick(t, 1, 4);
    random_shape(t, rank, 9, dim);
    t->operations = 0;
    if (strcmp(op, "Slice") == 0)
        return try_slice(t, rank, dim);
    if (strcmp(op, "Split") == 0)
        return try_split(t, rank, dim, (int)pick(t, 0, rank - 1));
    if (strcmp(op, "Pad") == 0)
        return try_pad(t, rank, dim);
    if (strcmp(op, "Expand") == 0)
        return try_expand(t, rank, dim);
    if (strcmp(op, "Gather") == 0)
        return try_gather(t, rank, dim, false);
    return node(t, op, cast_to(t, operand(t, false, rank, dim), C2S_INT32), NULL, NULL);
}

static c2s_node *try_view(trial *t, const char *op) {
    int64_t dim[3] = {pick(t, 1, 9), 1, pick(t, 1, 9)};
    c2s_value *x = operand(t, false, 3, dim), *with = NULL;
    if (strcmp(op, "Reshape") == 0)
        with = INTS(t->model, "shape", dim[2], -1);
    if (strcmp(op, "Squeeze") == 0)
        with = INTS(t->model, "axes", 1);
    if (strcmp(op, "Unsqueeze") == 0)
        with = INTS(t->model, "axes", 0, -1);
    if (strcmp(op, "CastLike") == 0)
        with = make_scalar(t->model, "like", 1);
    if (strcmp(op, "Expand") == 0)
        with = INTS(t->model, "shape", 1, dim[0], 1, dim[2]);
    t->operations = 0;
    c2s_node *n = node(t, op, x, with, NULL);
    if (strcmp(op, "Cast") == 0)
        c2s_attr_set_int(n, "to", C2S_FLOAT);
    return n;
}

static c2s_node *try_cast(trial *t, const char *op) {
    int64_t dim[3];
    int rank = (int)pick(t, 0, 3);
    random_shape(t, 3, 9, dim);
    c2s_value *x = operand(t, false, rank, dim);
    c2s_node *n;
    c2s_dtype to = flip(t) ? C2S_FLOAT16 : C2S_BFLOAT16;
    t->operations = 0;
    if (strcmp(op, "CastLike") == 0) {
        double one = 1;
        c2s_tensor *like;
        assert_int_equal(c2s_tensor_from_f64(to, 0, NULL, &one, &like), C2S_OK);
        return node(t, op, x, c2s_value_constant(t->model->graph, "like", like), NULL);
    }
    n = node(t, op, x, NULL, NULL);
    c2s_attr_set_int(n, "to", to);
    return n;
}

/* Integers are an input of the graph, or the result; a zero point may be left out. */
static c2s_node *try_quantize(trial *t, const char *op) {
    int64_t dim[3];
    int rank = (int)pick(t, 0, 3);
    c2s_dtype dtype = flip(t) ? C2S_UINT8 : C2S_INT8;
    random_shape(t, 3, 9, dim);
    t->operations = 0;
    c2s_value *scale = operand_in(t, true, 0, NULL, 0.001, 0.02), *x, *zero = NULL;
    if (op[0] == 'Q') {
        x = operand(t, false, rank, dim);
    } else {
        c2s_tensor *codes;
        assert_int_equal(c2s_tensor_create(dtype, rank, dim, &codes), C2S_OK);
        for (size_t k = 0; k < codes->count; k++)
            ((uint8_t *)c2s_tensor_mutable(codes))[k] = (uint8_t)pick(t, 0, 255);
        t->in[t->in_count++] = codes;
        x = make_input(t->model, "x0", dtype, rank, dim);
    }
    if (dtype == C2S_INT8 || flip(t)) {
        double value = (double)pick(t, dtype == C2S_INT8 ? -128 : 0, dtype == C2S_INT8 ? 127 : 255);
        c2s_tensor *tensor;
        assert_int_equal(c2s_tensor_from_f64(dtype, 0, NULL, &value, &tensor), C2S_OK);
        zero = c2s_value_constant(t->model->graph, "z", tensor);
    }
    return node(t, op, x, scale, zero);
}

/* Sometimes more than one thread takes a part. */
static c2s_node *try_dynamic_quantize(trial *t, const char *op) {
    int64_t dim[3];
    random_shape(t, 3, 40, dim);
    dim[0] *= pick(t, 0, 9) ? 1 : 7;
    t->operations = 0;
    c2s_node *n = c2s_node_create(t->model->graph, NULL, "", op, 1, 3);
    c2s_use_set(&n->inputs[0], operand(t, false, (int)pick(t, 0, 3), dim));
    return n;
}

static c2s_value *codes(trial *t, const char *name, int rank, const int64_t *dim) {
    c2s_tensor *tensor;
    assert_int_equal(c2s_tensor_create(C2S_UINT8, rank, dim, &tensor), C2S_OK);
    for (size_t k = 0; k < tensor->count; k++)
        ((uint8_t *)c2s_tensor_mutable(tensor))[k] = (uint8_t)pick(t, 0, 255);
    return c2s_value_constant(t->model->graph, name, tensor);
}

static c2s_node *try_nbits(trial *t, const char *op) {
    int64_t bits = flip(t) ? 4 : 8, block = 16 << pick(t, 0, 2), n = pick(t, 1, 40);
    int64_t k = pick(t, 1, 100), rows = pick(t, 1, 7), blocks = (k + block - 1) / block;
    (void)op;
    c2s_model_set_opset(t->model, "com.microsoft", 1);
    c2s_node *made = c2s_node_create(t->model->graph, NULL, "com.microsoft", "MatMulNBits", 6, 1);
    c2s_use_set(&made->inputs[0], flip(t) ? operand(t, false, 2, (int64_t[]){rows, k})
                                          : operand(t, false, 3, (int64_t[]){2, rows, k}));
    c2s_use_set(&made->inputs[1], codes(t, "b", 3, (int64_t[]){n, blocks, block * bits / 8}));
    c2s_use_set(&made->inputs[2], operand(t, true, 1, (int64_t[]){n * blocks}));
    if (flip(t))
        c2s_use_set(&made->inputs[3],
                    flip(t) ? codes(t, "z", 1, (int64_t[]){n * ((blocks * bits + 7) / 8)})
                            : operand_in(t, true, 2, (int64_t[]){n, blocks}, 0, 15));
    if (flip(t))
        c2s_use_set(&made->inputs[5], operand(t, flip(t), 1, (int64_t[]){n}));
    c2s_attr_set_int(made, "bits", bits);
    c2s_attr_set_int(made, "block_size", block);
    c2s_attr_set_int(made, "N", n);
    c2s_attr_set_int(made, "K", k);
    t->operations = (double)k;
    return made;
}

enum { MOST_SEQUENCES = 64 }; /* of runtime/recurrent_few.c */

/* The first `slots` of X, W, R, B, sequence_lens, initial_h, initial_c, P; at random where they may
 * be left out. */
static c2s_node *make_rnn(trial *t, const char *op, int64_t steps, int64_t batch, int64_t in,
                          int64_t h, bool few) {
    static const char *const directions[] = {"forward", "reverse", "bidirectional"};
    bool lstm = strcmp(op, "LSTM") == 0;
    int64_t d = pick(t, 0, 2), gates = lstm ? 4 : 3;
    const char *direction = directions[d];
    d = d == 2 ? 2 : 1;
    unsigned outputs = (unsigned)pick(t, 1, lstm ? 3 : 2);
    c2s_node *n = c2s_node_create(t->model->graph, NULL, "", op, lstm ? few ? 8 : 7 : 6, outputs);
    c2s_use_set(&n->inputs[0], operand(t, false, 3, (int64_t[]){steps, batch, in}));
    double most = 1 / sqrt((double)h); /* larger weights make rounding grow from step to step */
    c2s_use_set(&n->inputs[1], operand_in(t, true, 3, (int64_t[]){d, gates * h, in}, -most, most));
    c2s_use_set(&n->inputs[2], operand_in(t, true, 3, (int64_t[]){d, gates * h, h}, -most, most));
    if (flip(t))
        c2s_use_set(&n->inputs[3], operand(t, true, 2, (int64_t[]){d, 2 * gates * h}));
    bool initial = flip(t);
    for (unsigned k = 5; k < n->formal_count && k < 7; k++)
        if (few ? flip(t) : initial)
            c2s_use_set(&n->inputs[k], operand(t, flip(t), 3, (int64_t[]){d, batch, h}));
    if (few && lstm && flip(t))
        c2s_use_set(&n->inputs[7], operand(t, true, 2, (int64_t[]){d, 3 * h}));
    if (few && pick(t, 0, 3) == 0) {
        double lengths[MOST_SEQUENCES];
        c2s_tensor *tensor;
        for (int64_t k = 0; k < batch; k++)
            lengths[k] = (double)pick(t, 0, steps);
        assert_int_equal(c2s_tensor_from_f64(C2S_INT32, 1, &batch, lengths, &tensor), C2S_OK);
        c2s_use_set(&n->inputs[4], c2s_value_constant(t->model->graph, "lengths", tensor));
    }
    c2s_attr_set_int(n, "hidden_size", h);
    c2s_attr_set_string(n, "direction", direction);
    if (!lstm && flip(t))
        c2s_attr_set_int(n, "linear_before_reset", 1);
    t->operations = (double)(steps * (in + h) * 32); /* each step ends in polynomials */
    return n;
}

static c2s_node *try_rnn(trial *t, const char *op) {
    int64_t steps = pick(t, 1, 7), batch = pick(t, 5, 7), in = pick(t, 1, 9), h = pick(t, 38, 41);
    if (flip(t)) {
        batch = pick(t, MOST_SEQUENCES + 1, MOST_SEQUENCES + 3);
        h = pick(t, 1, 9);
    }
    return make_rnn(t, op, steps, batch, in, h, false);
}

/* Up to four sequences, or more where there are few weights; now and then so many steps that inputs
 * are multiplied together. */
static c2s_node *try_recurrent(trial *t, const char *op) {
    int64_t steps = pick(t, 0, 3) ? pick(t, 1, 9) : pick(t, 10, 70), batch = pick(t, 1, 4),
            in = pick(t, 1, 40), h = pick(t, 1, 40);
    if (h < 16)
        batch = pick(t, 1, MOST_SEQUENCES);
    return make_rnn(t, op, steps, batch, in, h, true);
}

static const struct {
    const char *family;
    c2s_node *(*make)(trial *t, const char *op);
    double least; /* share of the trials that the family must take */
    enum { ALWAYS, IN_FLOAT, WITH_FMA, WITHOUT_FMA } where; /* elsewhere it need not */
} makers[] = {
    {"attention", try_attention, 1, WITH_FMA},
    {"batch_norm", try_batch_norm, 1, ALWAYS},
    {"concat", try_concat, 0.8, ALWAYS},
    {"dequantize", try_quantize, 0, ALWAYS}, /* of floats: unit.quantized counts */
    {"direct", try_direct, 0.95, WITH_FMA},
    {"dnnl_conv", try_conv, 0.3, ALWAYS}, /* nearly all without FMA */
    {"dnnl_deconv", try_conv, 0.3, ALWAYS},
    {"dnnl_eltwise", try_large_unary, 1, ALWAYS},
    {"dnnl_gemm", try_gemm, 0.7, WITHOUT_FMA},
    {"dnnl_layer_norm", try_layer_norm, 1, ALWAYS},
    {"dnnl_lrn", try_lrn, 0.3, ALWAYS},
    {"dnnl_matmul", try_matmul, 1, WITHOUT_FMA},
    {"dnnl_pool", try_pool, 0.1, ALWAYS},        /* with FMA, those of three axes */
    {"dnnl_resample", try_resize, 0.02, ALWAYS}, /* nearest; others in layouts: unit.layouts */
    {"dnnl_rnn", try_rnn, 1, ALWAYS},
    {"dnnl_softmax", try_softmax, 0.3, ALWAYS},
    {"dynamic_quantize", try_dynamic_quantize, 1, IN_FLOAT},
    {"elementwise", try_elementwise, 0.6, ALWAYS},
    {"evaluated", try_evaluated, 0.4, ALWAYS},
    {"gemm", try_gemm, 0.9, WITH_FMA},
    {"gelu_operator", try_large_unary, 1, WITH_FMA},
    {"global_pool", try_pool, 1, ALWAYS},
    {"instance_norm", try_instance_norm, 1, ALWAYS},
    {"matmul", try_matmul, 1, WITH_FMA},
    {"matmul_nbits", try_nbits, 1, ALWAYS},
    {"move", try_move, 0.3, ALWAYS},
    {"part", try_move, 0, ALWAYS}, /* results of the graph are copied: unit.layouts counts */
    {"pool", try_pool, 0.3, WITH_FMA},
    {"quantize", try_quantize, 0, ALWAYS},
    {"recurrent", try_recurrent, 1, WITH_FMA},
    {"reduce", try_reduce, 0.5, ALWAYS},
    {"round", try_cast, 0.3, ALWAYS}, /* from one half type to itself, it is a view */
    {"resize_planes", try_resize, 0.2, WITH_FMA},
    {"row_norm", try_layer_norm, 1, WITH_FMA},
    {"scatter", try_constant_scatter, 1, ALWAYS},
    {"softmax_columns", try_softmax, 0.2, WITH_FMA},
    {"transpose", try_transpose, 1, IN_FLOAT},
    {"view", try_view, 1, ALWAYS},
    {"winograd", try_winograd, 1, WITH_FMA},
};

/* `out`: one tensor per output of the graph. */
static void run_with(const c2s_evaluator *evaluator, const trial *t, const c2s_node *n,
                     const char **kernel, c2s_tensor **out) {
    c2s_session *session;
    c2s_eval_options options = {.threads = 2};
    assert_int_equal(evaluator->open(t->model->graph, &options, &session), C2S_OK);
    if (evaluator->run(session, (const c2s_tensor *const *)t->in, out) != C2S_OK)
        fail_msg("%s: %s", evaluator->name, c2s_error());
    if (kernel)
        *kernel = c2s_onednn_kernel_of(session, n);
    evaluator->close(session);
}

/* What a trial's inputs hold beside ordinary numbers. */
typedef enum specials {
    NONE,
    ALL_MINUS_INFINITY,
    THIRD_MINUS_INFINITY,
    ONE_INFINITY,
    ONE_NAN
} specials;

static void put_specials(trial *t, specials kind) {
    for (unsigned i = 0; i < t->in_count; i++) {
        float *x = c2s_tensor_mutable(t->in[i]);
        size_t count = t->in[i]->count;
        if (count == 0 || t->in[i]->type.dtype != C2S_FLOAT)
            continue;
        size_t filled = kind == ALL_MINUS_INFINITY     ? count
                        : kind == THIRD_MINUS_INFINITY ? count / 3
                                                       : 0;
        for (size_t k = 0; k < filled; k++)
            x[k] = -INFINITY;
        if (kind == ONE_INFINITY || kind == ONE_NAN)
            x[(size_t)pick(t, 0, (int64_t)count - 1)] = kind == ONE_NAN ? NAN : INFINITY;
    }
}

/* The same trial in a half type; returns its node. */
static c2s_node *retype(trial *t, c2s_dtype dtype) {
    c2s_model *model = model_retyped(t->model, dtype);
    if (!model)
        fail_msg("%s", c2s_error());
    c2s_model_destroy(t->model);
    t->model = model;
    for (unsigned i = 0; i < t->in_count; i++) {
        c2s_tensor *old = t->in[i];
        t->in[i] = is_float_tensor(old) ? converted(old, dtype) : c2s_tensor_ref(old);
        c2s_tensor_unref(old);
    }
    return model->graph->last;
}

/* Both round the same sums to the type once; steps of recurrent networks are rounded more often. */
static double tolerance_of(const trial *t, const c2s_kernel *row, c2s_dtype dtype) {
    double rounding = dtype == C2S_FLOAT16 ? 0x1p-10 : dtype == C2S_BFLOAT16 ? 0x1p-7 : 0;
    if (strcmp(row->family->name, "dnnl_rnn") == 0 || strcmp(row->family->name, "recurrent") == 0)
        rounding *= 4;
    if (strcmp(row->family->name, "matmul_nbits") == 0)
        rounding *= 4; /* eval rounds weights, and sums before the bias */
    return (t->operations > 0 ? 0x1p-23 * (8 + 2 * sqrt(t->operations)) : 0) + rounding;
}

/* True if the row's family computed it, or may leave it to others; fails if the result is wrong. */
static bool run_trial(const c2s_kernel *row, unsigned maker, uint64_t seed, specials kind,
                      c2s_dtype dtype) {
    trial t = {.random = {seed}, .model = make_model()};
    c2s_node *n =
        strcmp(row->op, "Clip") == 0 ? try_clip(&t, row->op) : makers[maker].make(&t, row->op);
    if (c2s_node_infer(n) != C2S_OK)
        fail_msg("%s, seed %llu: %s", row->op, (unsigned long long)seed, c2s_error());
    static const char *const names[] = {"y", "y_h", "y_c"};
    for (unsigned k = 0; k < n->output_count; k++)
        make_output(n->outputs[k], names[k]);
    const char *kernel;
    c2s_tensor *want[3], *have[3];
    put_specials(&t, kind);
    if (dtype != C2S_FLOAT)
        n = retype(&t, dtype);
    run_with(&c2s_evaluator_reference, &t, n, NULL, want);
    run_with(&c2s_evaluator_onednn, &t, n, &kernel, have);
    double tolerance = tolerance_of(&t, row, dtype);
    for (unsigned k = 0; k < n->output_count; k++) {
        c2s_difference d;
        if (!c2s_compare(want[k], have[k], tolerance, &d))
            fail_msg("%s of %s by %s, seed %llu, specials %d, output %u: %g at %s, expected %g "
                     "(relative error %g, tolerance %g)",
                     row->op, c2s_dtype_name(dtype), kernel, (unsigned long long)seed, (int)kind, k,
                     d.found, d.where, d.reference, d.max_rel, tolerance);
        c2s_tensor_unref(want[k]);
        c2s_tensor_unref(have[k]);
    }
    bool taken = t.is_left || strcmp(kernel, row->family->name) == 0;
    for (unsigned i = 0; i < t.in_count; i++)
        c2s_tensor_unref(t.in[i]);
    c2s_model_destroy(t.model);
    return taken;
}

/* Our own code for products and Winograd's method run with FMA, and where oneDNN has not AVX-512.
 */
static bool is_expected(unsigned maker, c2s_dtype dtype) {
    bool ours = c2s_processor_has_fma() && !c2s_processor_has_avx512();
    if (makers[maker].where == IN_FLOAT)
        return dtype == C2S_FLOAT;
    return makers[maker].where == ALWAYS || (makers[maker].where == WITH_FMA) == ours;
}

/* A row keeps its trials when others come and go. */
static uint64_t first_seed(const c2s_kernel *row) {
    return c2s_hash_bytes(row->op, strlen(row->op), 0) % 1000000 * 1000;
}

static void rows_agree_in(c2s_dtype dtype) {
    for (size_t i = 0; i < c2s_kernel_count; i++) {
        const c2s_kernel *row = &c2s_kernels[i];
        unsigned maker = 0, count = sizeof makers / sizeof *makers, taken = 0;
        while (maker < count && strcmp(makers[maker].family, row->family->name) != 0)
            maker++;
        if (maker == count)
            fail_msg("no trials for family %s", row->family->name);
        for (uint64_t round = 0; round < ROUNDS; round++)
            taken += run_trial(row, maker, first_seed(row) + round, NONE, dtype);
        if (is_expected(maker, dtype) && taken < makers[maker].least * ROUNDS)
            fail_msg("%s of %s: %s took only %u of %d trials", row->op, c2s_dtype_name(dtype),
                     row->family->name, taken, ROUNDS);
    }
}

static void rows_agree_with_eval(void **state) {
    (void)state;
    rows_agree_in(C2S_FLOAT);
}

static void rows_agree_with_eval_in_float16(void **state) {
    (void)state;
    rows_agree_in(C2S_FLOAT16);
}

static void rows_agree_with_eval_in_bfloat16(void **state) {
    (void)state;
    rows_agree_in(C2S_BFLOAT16);
}

static void rows_are_sorted(void **state) {
    (void)state;
    for (size_t i = 1; i < c2s_kernel_count; i++)
        assert_true(strcmp(c2s_kernels[i - 1].op, c2s_kernels[i].op) <= 0);
}

/* NaN and infinity come out of the kernels as they come out of eval; they may take subnormal
 * numbers for 0. */
static void special_values_agree(void **state) {
    (void)state;
    static const char *const ops[] = {"Abs",  "Relu", "LeakyRelu", "Sigmoid",
                                      "Sqrt", "Tanh", "Elu",       "HardSwish"};
    for (size_t i = 0; i < sizeof ops / sizeof *ops; i++) {
        trial t = {.model = make_model(), .in_count = 1};
        double x[] = {NAN, INFINITY, -INFINITY, 0, -0.0, 1e-40, -3, 100, -100};
        int64_t dim = sizeof x / sizeof *x;
        assert_int_equal(c2s_tensor_from_f64(C2S_FLOAT, 1, &dim, x, &t.in[0]), C2S_OK);
        c2s_node *n = node(&t, ops[i], make_input(t.model, "x", C2S_FLOAT, 1, &dim), NULL, NULL);
        make_output(make_infer(n), "y");
        c2s_tensor *want, *have;
        run_with(&c2s_evaluator_reference, &t, n, NULL, &want);
        run_with(&c2s_evaluator_onednn, &t, n, NULL, &have);
        for (int64_t k = 0; k < dim; k++) {
            double a = c2s_tensor_f64_at(want, (size_t)k), b = c2s_tensor_f64_at(have, (size_t)k);
            if (!(a == b || (isnan(a) && isnan(b)) || fabs(a - b) <= 1e-5 * fabs(a) ||
                  (b == 0 && fabs(a) < 0x1p-126)))
                fail_msg("%s(%g) = %g, expected %g", ops[i], x[k], b, a);
        }
        c2s_tensor_unref(want);
        c2s_tensor_unref(have);
        c2s_tensor_unref(t.in[0]);
        c2s_model_destroy(t.model);
    }
}

static void special_inputs_agree_in(c2s_dtype dtype) {
    for (size_t i = 0; i < c2s_kernel_count; i++) {
        const c2s_kernel *row = &c2s_kernels[i];
        unsigned maker = 0;
        while (strcmp(makers[maker].family, row->family->name) != 0)
            maker++;
        for (uint64_t round = 0; round < ROUNDS; round++)
            for (specials kind = ALL_MINUS_INFINITY; kind <= ONE_NAN; kind++)
                run_trial(row, maker, first_seed(row) + round, kind, dtype);
    }
}

static void special_inputs_agree(void **state) {
    (void)state;
    special_inputs_agree_in(C2S_FLOAT);
}

static void special_inputs_agree_in_float16(void **state) {
    (void)state;
    special_inputs_agree_in(C2S_FLOAT16);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_are_sorted),
        cmocka_unit_test(rows_agree_with_eval),
        cmocka_unit_test(rows_agree_with_eval_in_float16),
        cmocka_unit_test(rows_agree_with_eval_in_bfloat16),
        cmocka_unit_test(special_values_agree),
        cmocka_unit_test(special_inputs_agree),
        cmocka_unit_test(special_inputs_agree_in_float16),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
