/* SPDX-License-Identifier: Apache-2.0
 *
 * Small graphs for tests: values in a line each, and a check that two models compute the same.
 */
#ifndef C2S_TESTS_MAKE_GRAPH_H
#define C2S_TESTS_MAKE_GRAPH_H

#include <math.h>
#include <string.h>

#include "shared.h"

#include "eval/runner.h"

/* Ends an argument list of values; NULL is an input left out. */
#define END ((c2s_value *)&make_end)
static char make_end;

static inline c2s_model *make_model(void) {
    c2s_model *model = c2s_model_create();
    c2s_model_set_opset(model, "", 21);
    model->ir_version = 10;
    return model;
}

static inline c2s_value *make_input(c2s_model *model, const char *name, c2s_dtype dtype, int rank,
                                    const c2s_dim *dim) {
    c2s_type type = c2s_type_tensor(dtype, rank, dim);
    return c2s_graph_add_input(model->graph, name, &type);
}
#define DIMS(...)                                                                                  \
    (int)(sizeof((int64_t[]){__VA_ARGS__}) / sizeof(int64_t)), (int64_t[]) {                       \
        __VA_ARGS__                                                                                \
    }
#define INPUT(m, name, ...) make_input(m, name, C2S_FLOAT, DIMS(__VA_ARGS__))

/* Values that are no round numbers, the same in every run: (k * 7 % 13 - 6) / 4 + offset. */
static inline c2s_value *make_weight(c2s_graph *graph, const char *name, c2s_dtype dtype,
                                     double offset, int rank, const int64_t *dim) {
    int64_t count = 1;
    for (int i = 0; i < rank; i++)
        count *= dim[i];
    double *values = calloc((size_t)count + 1, sizeof *values);
    for (int64_t k = 0; k < count; k++)
        values[k] = (double)(k * 7 % 13 - 6) / 4 + offset;
    c2s_tensor *tensor;
    assert_int_equal(c2s_tensor_from_f64(dtype, rank, dim, values, &tensor), C2S_OK);
    free(values);
    return c2s_value_constant(graph, name, tensor);
}
#define WEIGHT(m, name, ...)   make_weight((m)->graph, name, C2S_FLOAT, 0.1, DIMS(__VA_ARGS__))
#define POSITIVE(m, name, ...) make_weight((m)->graph, name, C2S_FLOAT, 2.1, DIMS(__VA_ARGS__))

static inline c2s_value *make_scalar(c2s_model *model, const char *name, double value) {
    c2s_tensor *tensor;
    assert_int_equal(c2s_tensor_from_f64(C2S_FLOAT, 0, NULL, &value, &tensor), C2S_OK);
    return c2s_value_constant(model->graph, name, tensor);
}

static inline c2s_value *make_ints(c2s_model *model, const char *name, int count,
                                   const int64_t *values) {
    c2s_tensor *tensor;
    int64_t dim = count;
    assert_int_equal(c2s_tensor_from_i64(C2S_INT64, 1, &dim, values, &tensor), C2S_OK);
    return c2s_value_constant(model->graph, name, tensor);
}
#define INTS(m, name, ...) make_ints(m, name, DIMS(__VA_ARGS__))

/* A node of ai.onnx at the end of the graph, without attributes yet; the list of operands ends
 * with END. Its types are not inferred: set attributes, then call make_infer. */
static inline c2s_node *make_node(c2s_graph *graph, unsigned outputs, const char *type, ...) {
    c2s_value *in[16];
    unsigned count = 0;
    va_list list;
    va_start(list, type);
    for (c2s_value *value; (value = va_arg(list, c2s_value *)) != END;)
        in[count++] = value;
    va_end(list);
    c2s_node *node = c2s_node_create(graph, NULL, "", type, count, outputs);
    for (unsigned i = 0; i < count; i++)
        if (in[i])
            c2s_use_set(&node->inputs[i], in[i]);
    return node;
}
static inline c2s_value *make_infer(c2s_node *node) {
    if (c2s_node_infer(node) != C2S_OK)
        fail_msg("%s", c2s_error());
    return node->outputs[0];
}
#define NODE(m, type, ...) make_node((m)->graph, 1, type, __VA_ARGS__, END)
#define OP(m, type, ...)   make_infer(NODE(m, type, __VA_ARGS__))

static inline void make_output(c2s_value *value, const char *name) {
    c2s_graph_add_output(value->graph, value, name);
}

/* "Conv Relu": the operators in list order. */
static inline const char *ops_of(const c2s_graph *graph) {
    static char text[1000];
    text[0] = '\0';
    for (const c2s_node *node = graph->first; node; node = node->next) {
        size_t length = strlen(text);
        snprintf(text + length, sizeof text - length, "%s%s", length ? " " : "", node->type);
    }
    return text;
}

enum { MAKE_MOST = 64 }; /* inputs and outputs of a model that runs */

/* Runs a model on inputs that depend on the input's index only. Symbolic extents become 2. */
static inline unsigned run_model(const c2s_model *model, c2s_tensor **out) {
    const c2s_graph *graph = model->graph;
    c2s_tensor *in[MAKE_MOST] = {0};
    assert_in_range(c2s_graph_input_count(graph), 0, MAKE_MOST);
    assert_in_range(c2s_graph_output_count(graph), 0, MAKE_MOST);
    for (unsigned i = 0; i < c2s_graph_input_count(graph); i++) {
        const c2s_value *input = c2s_graph_input(graph, i);
        int64_t dim[C2S_MAX_RANK], count = 1;
        if (input->initial)
            continue;
        for (int k = 0; k < input->type.rank; k++) {
            dim[k] = c2s_dim_is_known(input->type.dim[k]) ? input->type.dim[k] : 2;
            count *= dim[k];
        }
        double *values = calloc((size_t)count + 1, sizeof *values);
        for (int64_t k = 0; k < count; k++)
            values[k] = sin((double)(k * (int64_t)(i + 1)) + 0.5) * 3;
        assert_int_equal(
            c2s_tensor_from_f64(input->type.dtype, input->type.rank, dim, values, &in[i]), C2S_OK);
        free(values);
    }
    c2s_runner *runner;
    c2s_eval_options options = {.threads = 1};
    if (c2s_runner_open(graph, &c2s_evaluator_reference, &options, &runner) != C2S_OK)
        fail_msg("%s", c2s_error());
    if (c2s_runner_run(runner, (const c2s_tensor *const *)in, out) != C2S_OK)
        fail_msg("%s", c2s_error());
    c2s_runner_close(runner);
    for (unsigned i = 0; i < MAKE_MOST; i++)
        c2s_tensor_unref(in[i]);
    return c2s_graph_output_count(graph);
}

/* Both models have the same outputs, up to `tolerance` relative to the largest element. */
static inline double largest_difference(const c2s_model *a, const c2s_model *b) {
    c2s_tensor *x[MAKE_MOST], *y[MAKE_MOST];
    double worst = 0;
    unsigned count = run_model(a, x);
    assert_int_equal(run_model(b, y), count);
    for (unsigned i = 0; i < count; i++) {
        assert_string_equal(c2s_graph_output_name(a->graph, i), c2s_graph_output_name(b->graph, i));
        assert_true(c2s_type_equal(&x[i]->type, &y[i]->type));
        double scale = 1e-30, difference = 0;
        for (size_t k = 0; k < x[i]->count; k++) {
            double p = c2s_tensor_f64_at(x[i], k), q = c2s_tensor_f64_at(y[i], k);
            if (isnan(p) && isnan(q))
                continue;
            scale = fmax(scale, fabs(p));
            if (!(p == q))
                difference = fmax(difference, isfinite(p - q) ? fabs(p - q) : 1e30);
        }
        worst = fmax(worst, difference / scale);
        c2s_tensor_unref(x[i]);
        c2s_tensor_unref(y[i]);
    }
    return worst;
}

#endif
