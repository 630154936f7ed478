/* SPDX-License-Identifier: Apache-2.0
 *
 * Any bytes as a model: the first chooses one of the models of hostile/seed_models.h or, from 192
 * on and where the folder $C2S_FUZZ_MODELS is given, one of the real models in it. The others are
 * changes to it, each of a few bytes: edges, operators, attributes, constants, new nodes, outputs.
 * So what libFuzzer does to the bytes are changes of the model's structure, and nearly every input
 * is a model that loads.
 */
#ifndef C2S_TESTS_GROWN_MODEL_H
#define C2S_TESTS_GROWN_MODEL_H

#include <dirent.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "c2s.h"
#include "fuzz/must.h"
#include "hostile/seed_models.h"
#include "io/load.h"
#include "io/normalise.h"
#include "io/text.h"
#include "ops/op.h"

enum { GROWN_MOST_CHANGES = 40, GROWN_MOST_VALUES = 512 };

typedef struct grown {
    const uint8_t *at, *end;
    c2s_model *model;
    c2s_value *values[GROWN_MOST_VALUES]; /* of the main graph, in the order of their definition */
    unsigned count;
} grown;

/* A number below `limit`; 0 where the input has ended. */
static unsigned grown_take(grown *g, unsigned limit) {
    unsigned value = 0;
    for (unsigned room = 1; room < limit && g->at < g->end; room *= 256)
        value = value * 256 + *g->at++;
    return limit ? value % limit : 0;
}

static int64_t grown_int(grown *g) {
    static const int64_t odd[] = {0, 1, -1, 2,   3,         4,         -2,        5,
                                  7, 8, 16, 100, INT32_MAX, INT32_MIN, INT64_MAX, INT64_MIN};
    return odd[grown_take(g, sizeof odd / sizeof *odd)];
}

static double grown_float(grown *g) {
    static const double odd[] = {0,          1,    -1,    0.5,  2,
                                 1e-5,       3,    -0.25, 6,    100,
                                 1e-30,      1e30, 3e38,  -0.0, (double)INFINITY,
                                 (double)NAN};
    return odd[grown_take(g, sizeof odd / sizeof *odd)];
}

/* The values that are defined before `node`; all of them if it is NULL. */
static void grown_list(grown *g, const c2s_node *node) {
    const c2s_graph *graph = g->model->graph;
    g->count = 0;
    for (unsigned k = 0; k < c2s_graph_input_count(graph); k++)
        g->values[g->count++] = c2s_graph_input(graph, k);
    for (size_t k = 0; k < graph->initializers.count && g->count < GROWN_MOST_VALUES; k++)
        g->values[g->count++] = graph->initializers.at[k];
    for (const c2s_node *n = graph->first; n && n != node; n = n->next)
        for (unsigned k = 0; k < n->output_count && g->count < GROWN_MOST_VALUES; k++)
            if (n->outputs[k])
                g->values[g->count++] = n->outputs[k];
}

static c2s_value *grown_value(grown *g) {
    /* The latest are near: else most new nodes would hang on inputs. */
    const unsigned back = grown_take(g, g->count);
    return g->count ? g->values[g->count - 1 - back] : NULL;
}

static c2s_node *grown_node(grown *g) {
    c2s_node *node = g->model->graph->first;
    for (unsigned k = grown_take(g, g->model->graph->node_count); node && k > 0; k--)
        node = node->next;
    return node;
}

static c2s_value *grown_constant(grown *g) {
    static const c2s_dtype dtypes[] = {C2S_FLOAT, C2S_INT64, C2S_FLOAT,   C2S_INT32, C2S_BOOL,
                                       C2S_UINT8, C2S_INT8,  C2S_FLOAT16, C2S_DOUBLE};
    enum { MOST = 64 };
    const c2s_dtype dtype = dtypes[grown_take(g, sizeof dtypes / sizeof *dtypes)];
    int64_t dim[4] = {0}, count = 1;
    const int rank = (int)grown_take(g, 5);
    for (int i = 0; i < rank; i++) {
        dim[i] = (int64_t)grown_take(g, 5);
        count *= dim[i];
    }
    c2s_tensor *tensor = NULL;
    if (count > MOST)
        return NULL;
    double floats[MOST];
    int64_t ints[MOST];
    const bool whole = c2s_dtype_is_integer(dtype);
    for (int64_t k = 0; k < count; k++) {
        ints[k] = whole ? grown_int(g) : 0;
        floats[k] = whole ? 0 : grown_float(g);
    }
    const c2s_status status = whole ? c2s_tensor_from_i64(dtype, rank, dim, ints, &tensor)
                                    : c2s_tensor_from_f64(dtype, rank, dim, floats, &tensor);
    return status == C2S_OK ? c2s_value_constant(g->model->graph, "constant", tensor) : NULL;
}

static void grown_attribute(grown *g, c2s_node *node) {
    const c2s_attr_spec *specs = node->op->attrs;
    unsigned count = 0;
    while (specs && specs[count].name)
        count++;
    if (count == 0)
        return;
    const c2s_attr_spec *spec = &specs[grown_take(g, count)];
    static const char *const texts[] = {"SAME_UPPER", "VALID",  "linear", "nearest", "mul",
                                        "",           "ij->ji", "add",    "reflect", "DCR"};
    int64_t ints[4];
    float floats[4];
    const size_t length = grown_take(g, 5);
    switch (spec->kind) {
    case C2S_ATTR_INT:
        c2s_attr_set_int(node, spec->name, grown_int(g));
        break;
    case C2S_ATTR_FLOAT:
        c2s_attr_set_float(node, spec->name, (float)grown_float(g));
        break;
    case C2S_ATTR_STRING:
        c2s_attr_set_string(node, spec->name, texts[grown_take(g, sizeof texts / sizeof *texts)]);
        break;
    case C2S_ATTR_INTS:
        for (size_t k = 0; k < length; k++)
            ints[k] = grown_int(g);
        c2s_attr_set_ints(node, spec->name, ints, length);
        break;
    case C2S_ATTR_FLOATS:
        for (size_t k = 0; k < length; k++)
            floats[k] = (float)grown_float(g);
        c2s_attr_set_floats(node, spec->name, floats, length);
        break;
    default:
        break;
    }
}

/* Any operator of two domains; those with bodies stay as they are in the seeds. */
static const c2s_op *grown_operator(grown *g) {
    size_t count;
    const c2s_op *const *all = c2s_op_all(&count);
    const c2s_op *op = all[grown_take(g, (unsigned)count)];
    return op->flags & (C2S_OP_HAS_BODY | C2S_OP_RANDOM) ? NULL : op;
}

/* A new node at the end that can be inferred becomes an output; else it goes again. */
static void grown_add(grown *g) {
    const c2s_op *op = grown_operator(g);
    if (!op || g->count >= GROWN_MOST_VALUES - 16)
        return;
    const unsigned least = op->inputs[0], most = op->inputs[1] < 8 ? op->inputs[1] : 8;
    const unsigned inputs = least + (most > least ? grown_take(g, most - least + 1) : 0);
    const unsigned outputs = op->outputs[0] ? op->outputs[0] : 1;
    if (inputs > 8 || outputs > 8)
        return;
    if (op->domain[0] && c2s_model_opset(g->model, op->domain) == 0)
        c2s_model_set_opset(g->model, op->domain, 1);
    grown_list(g, NULL);
    c2s_node *node = c2s_node_create(g->model->graph, NULL, op->domain, op->type, inputs, outputs);
    for (unsigned k = 0; k < inputs; k++)
        c2s_use_set(&node->inputs[k], grown_value(g));
    for (unsigned k = grown_take(g, 4); k > 0; k--)
        grown_attribute(g, node);
    if (c2s_node_infer(node) != C2S_OK) {
        c2s_node_remove(node);
        return;
    }
    if (c2s_graph_output_count(g->model->graph) < 8)
        c2s_graph_add_output(g->model->graph, node->outputs[0], node->outputs[0]->name);
}

static void grown_change(grown *g) {
    c2s_node *node = grown_node(g);
    switch (grown_take(g, 8)) {
    case 0: /* another operand */
        if (node && node->formal_count) {
            grown_list(g, node);
            c2s_use_set(&node->inputs[grown_take(g, node->formal_count)], grown_value(g));
        }
        break;
    case 1: /* another operator */
        if (node && node->body_attrs == 0) {
            const c2s_op *op = grown_operator(g);
            if (op)
                c2s_node_set_type(node, op->domain, op->type);
        }
        break;
    case 2:
        if (node)
            grown_attribute(g, node);
        break;
    case 3: /* an operand is left out */
        if (node && node->formal_count)
            c2s_use_set(&node->inputs[grown_take(g, node->formal_count)], NULL);
        break;
    case 4: { /* a constant for an operand */
        c2s_value *constant = grown_constant(g);
        if (constant && node && node->formal_count)
            c2s_use_set(&node->inputs[grown_take(g, node->formal_count)], constant);
        break;
    }
    case 5: /* an output more */
        grown_list(g, NULL);
        if (g->count && c2s_graph_output_count(g->model->graph) < 8) {
            c2s_value *value = grown_value(g);
            c2s_graph_add_output(g->model->graph, value, value->name);
        }
        break;
    default:
        grown_add(g);
    }
}

/* ---- seeds ---- */

enum { GROWN_REAL_FROM = 192, GROWN_MOST_REAL = 64 };

typedef struct grown_models {
    c2s_model *at[GROWN_MOST_REAL];
    unsigned count;
} grown_models;

static void grown_prepare(c2s_model *model) {
    must(c2s_model_normalise(model) == C2S_OK && c2s_graph_infer(model->graph) == C2S_OK,
         "a seed is refused");
}

/* The models of the folder in the order of their names, read once. */
static const grown_models *grown_real(void) {
    static grown_models real;
    static bool read;
    const char *folder = getenv("C2S_FUZZ_MODELS");
    struct dirent **names = NULL;
    const int count = folder && !read ? scandir(folder, &names, NULL, alphasort) : 0;
    read = true;
    for (int k = 0; k < count; k++) {
        char path[4096];
        snprintf(path, sizeof path, "%s/%s", folder, names[k]->d_name);
        if (names[k]->d_name[0] != '.' && real.count < GROWN_MOST_REAL) {
            must(c2s_model_load(path, &real.at[real.count]) == C2S_OK, path);
            grown_prepare(real.at[real.count++]);
        }
        free(names[k]);
    }
    free(names);
    return &real;
}

static c2s_model *grown_seed(grown *g) {
    const grown_models *real = grown_real();
    const unsigned choice = grown_take(g, 256);
    if (choice >= GROWN_REAL_FROM && real->count > 0)
        return c2s_model_copy(real->at[(choice - GROWN_REAL_FROM) % real->count]);
    const char *text = seed_texts[choice % SEEDS];
    c2s_model *model = NULL;
    must(c2s_text_read(text, strlen(text), "seed", &model) == C2S_OK, "a seed is refused");
    grown_prepare(model);
    return model;
}

/* The model, normalised; types may contradict each other until they are inferred again. */
static c2s_model *grown_model(const uint8_t *data, size_t size) {
    grown g = {.at = data, .end = data + size};
    g.model = grown_seed(&g);
    for (int k = 0; k < GROWN_MOST_CHANGES && g.at < g.end; k++)
        grown_change(&g);
    c2s_error_clear();
    return g.model;
}

static bool grown_has_bodies(const c2s_model *model) {
    for (size_t k = 0; k < model->nodes.count; k++)
        if (model->nodes.at[k] && model->nodes.at[k]->body_attrs)
            return true;
    return false;
}

#endif
