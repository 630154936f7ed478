/* SPDX-License-Identifier: Apache-2.0
 *
 * The forms of low rank: what has the form is found again, full rank reproduces the operator, the
 * chain costs what was counted, and with second moments of the inputs the outputs are never worse
 * than without. Models are run by the plain evaluator.
 */
#include "unit/make_graph.h"

#include "base/linear_algebra.h"
#include "base/random.h"
#include "passes/lowrank/lowrank_layer.h"
#include "passes/lowrank/spectrum.h"

static c2s_random noise;

static double *normal(size_t count) {
    double *values = c2s_alloc_array(count + 1, sizeof *values);
    for (size_t i = 0; i < count; i++)
        values[i] = c2s_random_normal(&noise);
    return values;
}

/* ---- operators ---- */

typedef struct subject {
    const char *name, *op;
    int64_t x[4], w[4]; /* extents, 0 behind the last */
    int64_t group, stride[2], dilation[2], pads[4];
    const char *auto_pad;
    bool bias, trans_a, trans_b;
    float alpha, beta;
} subject;

static const subject subjects[] = {
    {.name = "matmul", .op = "MatMul", .x = {2, 3, 10}, .w = {10, 14}},
    {.name = "matmul-tall", .op = "MatMul", .x = {5, 24}, .w = {24, 9}, .bias = true},
    {.name = "gemm",
     .op = "Gemm",
     .x = {5, 12},
     .w = {12, 7},
     .bias = true,
     .alpha = 0.5f,
     .beta = 2},
    {.name = "gemm-turned",
     .op = "Gemm",
     .x = {12, 5},
     .w = {7, 12},
     .trans_a = true,
     .trans_b = true,
     .alpha = 1,
     .beta = 1},
    {.name = "gather", .op = "Gather", .x = {4}, .w = {20, 6}},
    {.name = "conv1x1",
     .op = "Conv",
     .x = {1, 8, 5, 5},
     .w = {10, 8, 1, 1},
     .stride = {2, 2},
     .bias = true},
    {.name = "conv3x3",
     .op = "Conv",
     .x = {2, 6, 7, 8},
     .w = {8, 6, 3, 3},
     .stride = {2, 1},
     .pads = {1, 1, 1, 0}},
    {.name = "conv-dilated",
     .op = "Conv",
     .x = {1, 4, 9, 9},
     .w = {6, 4, 3, 2},
     .dilation = {2, 3},
     .bias = true},
    {.name = "conv-groups",
     .op = "Conv",
     .x = {1, 8, 6, 6},
     .w = {12, 4, 3, 3},
     .group = 2,
     .bias = true},
    {.name = "conv-same",
     .op = "Conv",
     .x = {1, 5, 8, 7},
     .w = {6, 5, 3, 5},
     .stride = {2, 3},
     .auto_pad = "SAME_UPPER"},
    {.name = "conv1d", .op = "Conv", .x = {1, 6, 12}, .w = {8, 6, 4}, .stride = {2}},
};
enum { SUBJECTS = sizeof subjects / sizeof *subjects };

static int extents(const int64_t *dim) {
    int rank = 0;
    while (rank < 4 && dim[rank])
        rank++;
    return rank;
}

static c2s_value *weight_of(c2s_model *m, const char *name, int rank, const int64_t *dim) {
    size_t count = 1;
    for (int i = 0; i < rank; i++)
        count *= (size_t)dim[i];
    double *values = normal(count);
    c2s_tensor *tensor;
    assert_int_equal(c2s_tensor_from_f64(C2S_FLOAT, rank, dim, values, &tensor), C2S_OK);
    free(values);
    return c2s_value_constant(m->graph, name, tensor);
}

static void set_attributes(c2s_node *node, const subject *s) {
    const int axes = extents(s->x) - 2;
    if (node->op == &c2s_op_gemm) {
        c2s_attr_set_int(node, "transA", s->trans_a);
        c2s_attr_set_int(node, "transB", s->trans_b);
        c2s_attr_set_float(node, "alpha", s->alpha);
        c2s_attr_set_float(node, "beta", s->beta);
    }
    if (node->op != &c2s_op_conv)
        return;
    c2s_attr_set_int(node, "group", s->group ? s->group : 1);
    if (s->stride[0])
        c2s_attr_set_ints(node, "strides", s->stride, (size_t)axes);
    if (s->dilation[0])
        c2s_attr_set_ints(node, "dilations", s->dilation, (size_t)axes);
    if (s->auto_pad)
        c2s_attr_set_string(node, "auto_pad", s->auto_pad);
    else if (s->pads[0])
        c2s_attr_set_ints(node, "pads", s->pads, (size_t)(2 * axes));
}

/* The operator alone; a MatMul's bias is an Add behind it. */
static c2s_model *make(const subject *s, c2s_node **node) {
    c2s_model *m = make_model();
    const bool gather = strcmp(s->op, "Gather") == 0, matmul = strcmp(s->op, "MatMul") == 0;
    c2s_value *x =
        gather ? INTS(m, "x", 3, 0, 19, -2) : make_input(m, "x", C2S_FLOAT, extents(s->x), s->x);
    c2s_value *w = weight_of(m, "w", extents(s->w), s->w);
    const int64_t channels = matmul || (!s->trans_b && s->op[0] == 'G') ? s->w[1] : s->w[0];
    c2s_value *bias = s->bias ? weight_of(m, "bias", 1, &channels) : NULL;
    *node = gather            ? NODE(m, s->op, w, x)
            : bias && !matmul ? NODE(m, s->op, x, w, bias)
                              : NODE(m, s->op, x, w);
    set_attributes(*node, s);
    c2s_value *y = make_infer(*node);
    make_output(bias && matmul ? OP(m, "Add", y, bias) : y, "y");
    return m;
}

static void layer_of(c2s_node *node, c2s_lowrank_layer *layer) {
    const char *reason = c2s_lowrank_layer_of(node, layer);
    if (reason)
        fail_msg("%s", reason);
}

/* ---- problems ---- */

/* X^T X of `rows` random rows whose columns depend on each other; [k, k] */
static double *moment_of(size_t k, size_t rows) {
    double *x = normal(rows * k), *g = c2s_alloc_array(k * k, sizeof *g);
    for (size_t r = 0; r < rows; r++)
        for (size_t i = 1; i < k; i++)
            x[r * k + i] += 0.9 * x[r * k + i - 1];
    assert_int_equal(c2s_matrix_multiply(
                         &(c2s_product){.transpose_a = true, .m = k, .n = k, .k = rows}, x, x, g),
                     C2S_OK);
    free(x);
    return g;
}

static double solve(const c2s_lowrank_form *form, const c2s_linear_site *site, const double *w,
                    const double *moment, size_t rank, double *weights[C2S_CHAIN_MOST]) {
    c2s_lowrank_problem problem;
    c2s_chain chain;
    double error;
    form->chain(site, rank, &chain);
    assert_int_equal(c2s_lowrank_alloc(site, &chain, 1, weights), C2S_OK);
    assert_int_equal(c2s_lowrank_problem_open(site->k, site->n, w, moment, &problem), C2S_OK);
    if (c2s_lowrank_solve(form, site, &problem, rank, weights, &error) != C2S_OK)
        fail_msg("%s: %s", form->name, c2s_error());
    error /= problem.energy;
    c2s_lowrank_problem_close(&problem);
    return error;
}

typedef void checker(const subject *s, const c2s_lowrank_form *form, c2s_model *m,
                     c2s_lowrank_layer *layer);

static void each(checker *check) {
    unsigned seen = 0;
    for (size_t f = 0; c2s_lowrank_forms()[f]; f++) {
        unsigned own = 0;
        for (size_t i = 0; i < SUBJECTS; i++) {
            c2s_lowrank_layer layer;
            c2s_node *node;
            noise = (c2s_random){i + 1};
            c2s_model *m = make(&subjects[i], &node);
            layer_of(node, &layer);
            if (!c2s_lowrank_forms()[f]->refuse(&layer.site)) {
                check(&subjects[i], c2s_lowrank_forms()[f], m, &layer);
                own++;
            }
            c2s_model_destroy(m);
        }
        if (own == 0)
            fail_msg("%s: no subject", c2s_lowrank_forms()[f]->name);
        seen += own;
    }
    assert_true(seen >= 20);
}

/* ---- what has the form is found again ---- */

/* Half of the greatest, and less where that has more weights than the operator: what is no matrix
 * is not unique then, and no method finds it. */
static size_t low_rank(const c2s_lowrank_form *form, const c2s_linear_site *site) {
    size_t rank = form->most(site) > 2 ? form->most(site) / 2 : 1;
    for (c2s_chain chain; rank > 1; rank /= 2) {
        form->chain(site, rank, &chain);
        if (c2s_chain_size(site, &chain) <= site->k * site->n)
            break;
    }
    return rank;
}

static void check_recovery(const subject *s, const c2s_lowrank_form *form, c2s_model *m,
                           c2s_lowrank_layer *layer) {
    const c2s_linear_site *site = &layer->site;
    const size_t rank = low_rank(form, site);
    double *made[C2S_CHAIN_MOST] = {0}, *found[C2S_CHAIN_MOST];
    double *w = c2s_alloc_array(site->k * site->n, sizeof *w);
    c2s_chain chain;
    (void)m;
    form->chain(site, rank, &chain);
    for (unsigned i = 0; i < chain.count; i++)
        made[i] = normal(c2s_stage_size(site, &chain.stage[i]));
    assert_int_equal(c2s_chain_matrix(site, &chain, made, w), C2S_OK);
    /* none, of full rank, of less */
    for (size_t rows = 0; rows <= 2 * site->k; rows += rows ? 3 * site->k / 2 : site->k / 2 + 1) {
        double *moment = rows ? moment_of(site->k, rows) : NULL;
        const double error = solve(form, site, w, moment, rank, found);
        if (!(error <= 1e-7))
            fail_msg("%s as %s, rank %zu, %zu rows: error %g", s->name, form->name, rank, rows,
                     error);
        c2s_lowrank_free(found);
        free(moment);
    }
    c2s_lowrank_free(made);
    free(w);
}

static void recovers(void **state) {
    (void)state;
    each(check_recovery);
}

/* ---- full rank ---- */

static void solve_groups(const c2s_lowrank_form *form, const c2s_lowrank_layer *layer, size_t rank,
                         c2s_chain *chain, double *all[C2S_CHAIN_MOST]) {
    const c2s_linear_site *site = &layer->site;
    double *w, *bias;
    form->chain(site, rank, chain);
    assert_int_equal(c2s_lowrank_layer_read(layer, &w, &bias), C2S_OK);
    assert_int_equal(c2s_lowrank_alloc(site, chain, site->groups, all), C2S_OK);
    for (size_t g = 0; g < site->groups; g++) {
        double *moment = moment_of(site->k, 2 * site->k), *own[C2S_CHAIN_MOST];
        solve(form, site, w + g * site->k * site->n, moment, rank, own);
        for (unsigned i = 0; i < chain->count; i++) {
            const size_t size = c2s_stage_size(site, &chain->stage[i]);
            memcpy(all[i] + g * size, own[i], size * sizeof(double));
        }
        c2s_lowrank_free(own);
        free(moment);
    }
    free(w);
    free(bias);
}

/* As tensors, written into the graph. */
static void write(const subject *s, const c2s_lowrank_layer *layer, const c2s_chain *chain,
                  double *const *weights, const double *shift) {
    c2s_tensor *tensors[C2S_CHAIN_MOST] = {0};
    for (unsigned i = 0; i < chain->count; i++)
        assert_int_equal(c2s_lowrank_layer_tensor(layer, chain, i, weights[i], &tensors[i]),
                         C2S_OK);
    if (c2s_lowrank_layer_write(layer, chain, tensors, shift) != C2S_OK)
        fail_msg("%s: %s", s->name, c2s_error());
    for (unsigned i = 0; i < chain->count; i++)
        c2s_tensor_unref(tensors[i]);
}

static int64_t count_work(const c2s_graph *graph, size_t *parameters) {
    int64_t macs = 0;
    *parameters = 0;
    for (const c2s_node *node = graph->first; node; node = node->next) {
        if (node->op == &c2s_op_add || node->op == &c2s_op_concat)
            continue;
        macs += node->op->macs ? node->op->macs(node) : 0;
        const c2s_value *weight = c2s_node_in(node, node->op == &c2s_op_gather ? 0 : 1);
        *parameters += weight->constant->count;
    }
    return macs;
}

static void check_full(const subject *s, const c2s_lowrank_form *form, c2s_model *m,
                       c2s_lowrank_layer *layer) {
    c2s_model *before = c2s_model_copy(m);
    const size_t channels = layer->site.groups * layer->site.n;
    const c2s_type y = layer->node->outputs[0]->type, x = layer->site.input->type;
    double *weights[C2S_CHAIN_MOST], *shift = c2s_zalloc(channels * sizeof *shift);
    c2s_chain chain;
    size_t parameters;
    solve_groups(form, layer, form->most(&layer->site), &chain, weights);
    write(s, layer, &chain, weights, layer->has_bias ? shift : NULL);
    c2s_graph_sweep(m->graph);
    assert_int_equal(c2s_model_verify(m), C2S_OK);
    const double difference = largest_difference(before, m);
    if (!(difference <= 1e-5))
        fail_msg("%s as %s: difference %g", s->name, form->name, difference);
    /* what the chain was said to cost */
    const int64_t macs = count_work(m->graph, &parameters);
    assert_int_equal(parameters, layer->site.groups * c2s_chain_size(&layer->site, &chain));
    c2s_linear_site site = layer->site;
    if (site.is_conv)
        assert_int_equal(c2s_window_resolve(&site.window, x.dim + 2), C2S_OK);
    double rows = 1;
    for (int a = 0; a < y.rank; a++)
        if (a != (site.is_conv ? 1 : y.rank - 1))
            rows *= (double)y.dim[a];
    if (strcmp(s->op, "Gather") != 0)
        assert_true(
            fabs((double)macs - rows * (double)site.groups * c2s_chain_work(&site, &chain)) < 1);
    c2s_lowrank_free(weights);
    free(shift);
    c2s_model_destroy(before);
}

static void full_rank_reproduces(void **state) {
    (void)state;
    each(check_full);
}

/* ---- with moments never worse than without ---- */

static double error_of(const c2s_lowrank_form *form, const c2s_linear_site *site, const double *w,
                       const double *moment, size_t rank, double *const *weights) {
    c2s_lowrank_problem problem;
    c2s_chain chain;
    double error, *v = c2s_alloc_array(site->k * site->n, sizeof *v);
    form->chain(site, rank, &chain);
    assert_int_equal(c2s_chain_matrix(site, &chain, weights, v), C2S_OK);
    assert_int_equal(c2s_lowrank_problem_open(site->k, site->n, w, moment, &problem), C2S_OK);
    assert_int_equal(c2s_lowrank_problem_error(&problem, v, &error), C2S_OK);
    error /= problem.energy;
    c2s_lowrank_problem_close(&problem);
    free(v);
    return error;
}

static double plain_sum, whitened_sum;

static void check_order(const subject *s, const c2s_lowrank_form *form, c2s_model *m,
                        c2s_lowrank_layer *layer) {
    const c2s_linear_site *site = &layer->site;
    double *w, *bias, *plain[C2S_CHAIN_MOST], *whitened[C2S_CHAIN_MOST];
    (void)m;
    assert_int_equal(c2s_lowrank_layer_read(layer, &w, &bias), C2S_OK);
    double *moment = moment_of(site->k, 3 * site->k);
    const size_t step = form->most(site) > 24 ? form->most(site) / 12 : 2;
    for (size_t rank = 1; rank < form->most(site); rank += step) {
        solve(form, site, w, NULL, rank, plain);
        const double without = error_of(form, site, w, moment, rank, plain);
        const double with = solve(form, site, w, moment, rank, whitened);
        const double found = error_of(form, site, w, moment, rank, whitened);
        if (!(with <= without * (1 + 1e-9) + 1e-10) || fabs(with - found) > 1e-9)
            fail_msg("%s as %s, rank %zu: %g (said to be %g), plain %g", s->name, form->name, rank,
                     found, with, without);
        plain_sum += without;
        whitened_sum += with;
        c2s_lowrank_free(plain);
        c2s_lowrank_free(whitened);
    }
    free(moment);
    free(w);
    free(bias);
}

static void moments_help(void **state) {
    (void)state;
    plain_sum = whitened_sum = 0;
    each(check_order);
    assert_true(whitened_sum < 0.95 * plain_sum);
}

/* ---- a bias that takes up the mean ---- */

static void shifts_biases(void **state) {
    (void)state;
    for (size_t i = 0; i < SUBJECTS; i++) {
        c2s_lowrank_layer layer;
        c2s_node *node;
        c2s_chain chain;
        noise = (c2s_random){i + 1};
        c2s_model *m = make(&subjects[i], &node);
        c2s_tensor *before[1], *after[1];
        layer_of(node, &layer);
        assert_int_equal(layer.has_bias,
                         node->op == &c2s_op_conv || node->op == &c2s_op_gemm || subjects[i].bias);
        if (layer.has_bias) {
            const size_t channels = layer.site.groups * layer.site.n;
            double *weights[C2S_CHAIN_MOST], *shift = c2s_alloc_array(channels, sizeof *shift);
            for (size_t c = 0; c < channels; c++)
                shift[c] = (double)(c + 1);
            const c2s_lowrank_form *form = c2s_lowrank_form_find("pair");
            form = form->refuse(&layer.site) ? c2s_lowrank_form_find("channel") : form;
            run_model(m, before);
            solve_groups(form, &layer, form->most(&layer.site), &chain, weights);
            write(&subjects[i], &layer, &chain, weights, shift);
            run_model(m, after);
            size_t inner = 1; /* positions of a channel */
            for (int a = 2; layer.site.is_conv && a < before[0]->type.rank; a++)
                inner *= (size_t)before[0]->type.dim[a];
            for (size_t k = 0; k < before[0]->count; k++) {
                const double moved =
                    c2s_tensor_f64_at(after[0], k) - c2s_tensor_f64_at(before[0], k);
                assert_true(fabs(moved - (double)(k / inner % channels + 1)) < 1e-3);
            }
            c2s_tensor_unref(before[0]);
            c2s_tensor_unref(after[0]);
            c2s_lowrank_free(weights);
            free(shift);
        }
        c2s_model_destroy(m);
    }
}

/* ---- what floats can hold ---- */

/* The longest row of z, where z takes the first r columns of w [k, n] to the others; by least
 * squares. Of a matrix of full rank k the best one of rank r <= n is taken from its spectrum. */
static double growth_of(const c2s_spectrum *spectrum, const c2s_lowrank_problem *problem,
                        size_t r) {
    const size_t k = problem->k, n = problem->n;
    double *a = c2s_alloc_array(r * k, sizeof *a), *b = c2s_alloc_array(n * r, sizeof *b);
    double *own = c2s_alloc_array(r * r, sizeof *own), *x = c2s_alloc_array(r * n, sizeof *x);
    double *rest = c2s_alloc_array(r * n, sizeof *rest), most = 0;
    assert_int_equal(c2s_spectrum_factor(spectrum, problem, r, a, b), C2S_OK);
    c2s_matrix_transpose(r, r, b, own);
    c2s_matrix_transpose(n - r, r, b + r * r, rest);
    assert_int_equal(c2s_least_squares(r, r, n - r, own, rest, 1e-15, x, NULL), C2S_OK);
    for (size_t i = 0; i < n - r; i++) {
        double sum = 0;
        for (size_t j = 0; j < r; j++)
            sum += x[j * (n - r) + i] * x[j * (n - r) + i];
        most = fmax(most, sqrt(sum));
        for (size_t l = 0; l < r; l++) { /* what the first r do not give at all */
            double left = rest[l * (n - r) + i];
            for (size_t j = 0; j < r; j++)
                left -= own[l * r + j] * x[j * (n - r) + i];
            most = fabs(left) > 1e-6 ? INFINITY : most;
        }
    }
    free(a);
    free(b);
    free(own);
    free(x);
    free(rest);
    return most;
}

/* `near`: by how much the third column differs from the first. */
static void check_stable(size_t k, size_t n, double near, unsigned *stable_ones) {
    double *w = c2s_alloc_array(k * n, sizeof *w);
    bool stable[16] = {0};
    const size_t most = k < n ? k : n;
    c2s_random random = {k * 100 + n};
    c2s_lowrank_problem problem;
    c2s_spectrum spectrum;
    for (size_t i = 0; i < k * n; i++)
        w[i] = c2s_random_normal(&random);
    for (size_t i = 0; i < k; i++)
        w[i * n + 2] = w[i * n] + near * w[i * n + 2];
    assert_int_equal(c2s_lowrank_problem_open(k, n, w, NULL, &problem), C2S_OK);
    assert_int_equal(c2s_spectrum_open(&problem, most, &spectrum), C2S_OK);
    assert_int_equal(c2s_lowrank_form_echelon.find_stable(&problem, &spectrum, most, stable),
                     C2S_OK);
    for (size_t r = 1; r <= most; r++) {
        const double growth = r < n ? growth_of(&spectrum, &problem, r) : 0;
        if (growth < 490 || growth > 510) /* else rounding decides */
            if (stable[r - 1] != (growth < 500))
                fail_msg("%zu x %zu, %g, rank %zu: grows by %g", k, n, near, r, growth);
        *stable_ones += stable[r - 1];
    }
    c2s_spectrum_close(&spectrum);
    c2s_lowrank_problem_close(&problem);
    free(w);
}

static void finds_what_floats_hold(void **state) {
    (void)state;
    unsigned usual = 0, alike = 0;
    check_stable(12, 14, 1, &usual);
    check_stable(9, 16, 1, &usual);
    check_stable(16, 9, 1, &usual);
    check_stable(12, 14, 1e-5, &alike);
    check_stable(9, 16, 1e-3, &alike);
    check_stable(16, 9, 0, &alike);
    assert_true(usual >= 26 && alike < 20);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(finds_what_floats_hold), cmocka_unit_test(recovers),
        cmocka_unit_test(full_rank_reproduces),   cmocka_unit_test(moments_help),
        cmocka_unit_test(shifts_biases),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
