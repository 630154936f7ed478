/* SPDX-License-Identifier: Apache-2.0
 *
 * RandomNormal, RandomUniform, their Like forms, Bernoulli, Multinomial. Where the numbers come
 * from: random_source.h.
 */
#include <inttypes.h>
#include <math.h>

#include "base/memory.h"
#include "ops/infer_tensor.h"
#include "ops/random_source.h"
#include "ops/workspace.h"

/* The type of the output: the attribute dtype, or `absent`. */
static c2s_status random_dtype(const c2s_node *node, c2s_dtype absent, bool only_floats,
                               c2s_dtype *out) {
    int64_t number = c2s_attr_int(node, "dtype", absent);
    if (number < 0 || number >= C2S_DTYPE_COUNT || number == C2S_STRING ||
        number == C2S_COMPLEX64 || number == C2S_COMPLEX128 ||
        (only_floats && number != C2S_UNDEFINED && !c2s_dtype_is_float((c2s_dtype)number)))
        return c2s_fail(C2S_ERR_INVALID, "dtype is %" PRId64 ", expected %s", number,
                        only_floats ? "a float type" : "a numeric type");
    *out = (c2s_dtype)number;
    return C2S_OK;
}

static c2s_status random_infer(c2s_infer *i) {
    c2s_dtype dtype;
    size_t count;
    C2S_TRY(random_dtype(i->node, C2S_FLOAT, true, &dtype));
    const int64_t *shape = c2s_attr_ints(i->node, "shape", &count);
    if (!shape && !c2s_attr_has(i->node, "shape"))
        return c2s_fail(C2S_ERR_INVALID, "the attribute shape is missing");
    if (count > C2S_MAX_RANK)
        return c2s_fail(C2S_ERR_UNSUPPORTED, "shape has %zu elements, at most %d are possible",
                        count, C2S_MAX_RANK);
    return c2s_infer_output(i, 0, dtype, (int)count, shape);
}

static c2s_status random_like_infer(c2s_infer *i) {
    c2s_dtype dtype;
    C2S_TRY(c2s_infer_tensors(i, 1));
    const c2s_type *x = c2s_infer_type(i, 0);
    C2S_TRY(random_dtype(i->node, x->dtype, true, &dtype));
    return c2s_infer_output(i, 0, dtype, x->rank, x->dim);
}

static c2s_status random_eval(c2s_eval *e, bool normal) {
    c2s_tensor *y = e->out[0];
    c2s_workspace ws = {0};
    if (!y || !y->count)
        return C2S_OK;
    double base = (double)c2s_attr_float(e->node, normal ? "mean" : "low", 0);
    double scale = (double)c2s_attr_float(e->node, normal ? "scale" : "high", 1);
    c2s_random random = c2s_random_of(e->node);
    double *values = c2s_workspace_out_f64(&ws, y);
    if (!normal)
        scale -= base;
    for (size_t k = 0; ws.status == C2S_OK && k < y->count; k++)
        values[k] =
            base + scale * (normal ? c2s_random_normal(&random) : c2s_random_uniform(&random));
    return c2s_workspace_end(&ws);
}

static c2s_status random_normal_eval(c2s_eval *e) {
    return random_eval(e, true);
}

static c2s_status random_uniform_eval(c2s_eval *e) {
    return random_eval(e, false);
}

static const c2s_attr_spec random_normal_attrs[] = {
    {"dtype", C2S_ATTR_INT, false},   {"mean", C2S_ATTR_FLOAT, false},
    {"scale", C2S_ATTR_FLOAT, false}, {"seed", C2S_ATTR_FLOAT, false},
    {"shape", C2S_ATTR_INTS, true},   {0}};

const c2s_op c2s_op_random_normal = {
    .type = "RandomNormal",
    .domain = "",
    .inputs = {0, 0},
    .outputs = {1, 1},
    .quant = C2S_QUANT_ONLY(FLOAT),
    .flags = C2S_OP_RANDOM,
    .attrs = random_normal_attrs,
    .ties = c2s_ties_pinned,
    .infer = random_infer,
    .eval = random_normal_eval,
};

static const c2s_attr_spec random_uniform_attrs[] = {
    {"dtype", C2S_ATTR_INT, false}, {"high", C2S_ATTR_FLOAT, false},
    {"low", C2S_ATTR_FLOAT, false}, {"seed", C2S_ATTR_FLOAT, false},
    {"shape", C2S_ATTR_INTS, true}, {0}};

const c2s_op c2s_op_random_uniform = {
    .type = "RandomUniform",
    .domain = "",
    .inputs = {0, 0},
    .outputs = {1, 1},
    .quant = C2S_QUANT_ONLY(FLOAT),
    .flags = C2S_OP_RANDOM,
    .attrs = random_uniform_attrs,
    .ties = c2s_ties_pinned,
    .infer = random_infer,
    .eval = random_uniform_eval,
};

static const c2s_attr_spec random_normal_like_attrs[] = {{"dtype", C2S_ATTR_INT, false},
                                                         {"mean", C2S_ATTR_FLOAT, false},
                                                         {"scale", C2S_ATTR_FLOAT, false},
                                                         {"seed", C2S_ATTR_FLOAT, false},
                                                         {0}};

const c2s_op c2s_op_random_normal_like = {
    .type = "RandomNormalLike",
    .domain = "",
    .inputs = {1, 1},
    .outputs = {1, 1},
    .quant = C2S_QUANT_ONLY(FLOAT),
    .flags = C2S_OP_RANDOM,
    .attrs = random_normal_like_attrs,
    .ties = c2s_ties_pinned,
    .infer = random_like_infer,
    .eval = random_normal_eval,
};

static const c2s_attr_spec random_uniform_like_attrs[] = {{"dtype", C2S_ATTR_INT, false},
                                                          {"high", C2S_ATTR_FLOAT, false},
                                                          {"low", C2S_ATTR_FLOAT, false},
                                                          {"seed", C2S_ATTR_FLOAT, false},
                                                          {0}};

const c2s_op c2s_op_random_uniform_like = {
    .type = "RandomUniformLike",
    .domain = "",
    .inputs = {1, 1},
    .outputs = {1, 1},
    .quant = C2S_QUANT_ONLY(FLOAT),
    .flags = C2S_OP_RANDOM,
    .attrs = random_uniform_like_attrs,
    .ties = c2s_ties_pinned,
    .infer = random_like_infer,
    .eval = random_uniform_eval,
};

/* ---- Bernoulli ---- */

static const c2s_attr_spec bernoulli_attrs[] = {
    {"dtype", C2S_ATTR_INT, false}, {"seed", C2S_ATTR_FLOAT, false}, {0}};

static c2s_status bernoulli_infer(c2s_infer *i) {
    c2s_dtype dtype;
    C2S_TRY(c2s_infer_tensors(i, 1));
    const c2s_type *x = c2s_infer_type(i, 0);
    C2S_TRY(random_dtype(i->node, x->dtype, false, &dtype));
    return c2s_infer_output(i, 0, dtype, x->rank, x->dim);
}

static c2s_status bernoulli_eval(c2s_eval *e) {
    c2s_random random = c2s_random_of(e->node);
    c2s_workspace ws = {0};
    if (!e->out[0])
        return C2S_OK;
    const double *chance = c2s_workspace_f64(&ws, e->in[0]);
    double *drawn = c2s_workspace_out_f64(&ws, e->out[0]);
    for (size_t k = 0; ws.status == C2S_OK && k < e->in[0]->count; k++)
        drawn[k] = c2s_random_uniform(&random) < chance[k];
    return c2s_workspace_end(&ws);
}

const c2s_op c2s_op_bernoulli = {
    .type = "Bernoulli",
    .domain = "",
    .inputs = {1, 1},
    .outputs = {1, 1},
    .quant = C2S_QUANT_ONLY(FLOAT),
    .flags = C2S_OP_RANDOM,
    .attrs = bernoulli_attrs,
    .ties = c2s_ties_pinned,
    .infer = bernoulli_infer,
    .eval = bernoulli_eval,
};

/* ---- Multinomial ---- */

static c2s_status multinomial_infer(c2s_infer *i) {
    int64_t dtype = c2s_attr_int(i->node, "dtype", C2S_INT32);
    C2S_TRY(c2s_infer_tensors(i, 1));
    const c2s_type *x = c2s_infer_type(i, 0);
    if (dtype != C2S_INT32 && dtype != C2S_INT64)
        return c2s_fail(C2S_ERR_INVALID, "dtype is %" PRId64 ", expected int32 or int64", dtype);
    if (x->rank >= 0 && x->rank != 2)
        return c2s_fail(C2S_ERR_INVALID, "input has rank %d, expected 2", x->rank);
    c2s_dim dim[2] = {x->rank == 2 ? x->dim[0] : c2s_dim_fresh(i->dims),
                      c2s_attr_int(i->node, "sample_size", 1)};
    return c2s_infer_output(i, 0, (c2s_dtype)dtype, 2, dim);
}

/* A class with the probability of its share in the sum of exp(log probability). `total` holds the
 * running sums. */
static size_t draw(c2s_random *random, const double *total, size_t classes) {
    double at = c2s_random_uniform(random) * total[classes - 1];
    size_t low = 0, high = classes - 1;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (total[middle] > at)
            high = middle;
        else
            low = middle + 1;
    }
    return low;
}

static c2s_status multinomial_eval(c2s_eval *e) {
    c2s_tensor *y = e->out[0];
    c2s_workspace ws = {0};
    if (!y || !y->count)
        return C2S_OK;
    size_t rows = (size_t)y->type.dim[0], samples = (size_t)y->type.dim[1];
    size_t classes = (size_t)e->in[0]->type.dim[1];
    c2s_random random = c2s_random_of(e->node);
    if (!classes)
        return c2s_fail(C2S_ERR_INVALID, "there are no classes to choose from");
    const double *logs = c2s_workspace_f64(&ws, e->in[0]);
    double *total = c2s_workspace_array(&ws, classes, sizeof *total);
    double *values = c2s_workspace_out_f64(&ws, y);
    for (size_t row = 0; ws.status == C2S_OK && row < rows; row++) {
        const double *line = logs + row * classes;
        double most = line[0], sum = 0;
        for (size_t k = 1; k < classes; k++)
            most = line[k] > most ? line[k] : most;
        for (size_t k = 0; k < classes; k++)
            total[k] = sum += exp(line[k] - most);
        for (size_t k = 0; k < samples; k++)
            values[row * samples + k] = (double)draw(&random, total, classes);
    }
    return c2s_workspace_end(&ws);
}

static const c2s_attr_spec multinomial_attrs[] = {{"dtype", C2S_ATTR_INT, false},
                                                  {"sample_size", C2S_ATTR_INT, false},
                                                  {"seed", C2S_ATTR_FLOAT, false},
                                                  {0}};

const c2s_op c2s_op_multinomial = {
    .type = "Multinomial",
    .domain = "",
    .inputs = {1, 1},
    .outputs = {1, 1},
    .quant = C2S_QUANT_ONLY(FLOAT),
    .flags = C2S_OP_RANDOM,
    .attrs = multinomial_attrs,
    .ties = c2s_ties_pinned,
    .infer = multinomial_infer,
    .eval = multinomial_eval,
};
