/* SPDX-License-Identifier: Apache-2.0
 *
 * Second moments against the operators themselves: with an identity matrix as its weight, a linear
 * operator gives the rows that it reads.
 */
#include "unit/make_graph.h"

#include "base/random.h"
#include "passes/measure/reconstruct.h"

/* ---- samples ---- */

/* Normal numbers for every input, symbolic extents 2, 3, 4 in turn. */
static c2s_status random_sample(const c2s_feed *feed, const c2s_graph *graph, size_t index,
                                c2s_tensor **in) {
    (void)feed;
    for (unsigned i = 0; i < c2s_graph_input_count(graph); i++) {
        const c2s_value *input = c2s_graph_input(graph, i);
        c2s_random random = {index * 16 + i + 1};
        int64_t dim[C2S_MAX_RANK];
        size_t count = 1;
        for (int k = 0; k < input->type.rank; k++) {
            dim[k] = c2s_dim_is_known(input->type.dim[k]) ? input->type.dim[k]
                                                          : (int64_t)(index % 3 + 2);
            count *= (size_t)dim[k];
        }
        double *values = calloc(count + 1, sizeof *values);
        for (size_t k = 0; k < count; k++)
            values[k] = c2s_random_normal(&random) + 0.3;
        C2S_TRY(c2s_tensor_from_f64(input->type.dtype, input->type.rank, dim, values, &in[i]));
        free(values);
    }
    return C2S_OK;
}
static const c2s_feed samples = {.count = 5, .get = random_sample};

/* Output 0 of the model for a sample. */
static c2s_tensor *output_of(const c2s_model *model, size_t index) {
    c2s_tensor *in[4] = {0}, *out[4] = {0};
    c2s_eval_options options = {.threads = 1};
    c2s_session *session;
    const c2s_evaluator *e = &c2s_evaluator_reference;
    assert_int_equal(random_sample(&samples, model->graph, index, in), C2S_OK);
    if (e->open(model->graph, &options, &session) != C2S_OK ||
        e->run(session, (const c2s_tensor *const *)in, out) != C2S_OK)
        fail_msg("%s", c2s_error());
    e->close(session);
    for (int k = 0; k < 4; k++)
        c2s_tensor_unref(in[k]);
    for (int k = 1; k < 4; k++)
        c2s_tensor_unref(out[k]);
    return out[0];
}

/* ---- collecting ---- */

typedef struct taken {
    unsigned count, refused;
    c2s_gram *gram[8];
    size_t n[8];
    double *cross[8], *sum[8], square[8];
    const char *reason;
} taken;

static double *copy(const double *from, size_t count) {
    double *to = c2s_alloc_array(count + 1, sizeof *to);
    memcpy(to, from, count * sizeof *to);
    return to;
}

static c2s_status take(void *user, const c2s_linear_site *site, c2s_gram *gram,
                       const c2s_cross *cross) {
    taken *t = user;
    t->gram[t->count] = c2s_gram_ref(gram);
    t->n[t->count] = site->n;
    if (cross) {
        t->cross[t->count] = copy(cross->moment, site->groups * site->k * site->n);
        t->sum[t->count] = copy(cross->sum, site->groups * site->n);
        t->square[t->count] = cross->square;
    }
    t->count++;
    return C2S_OK;
}

static void refuse(void *user, const c2s_node *node, const char *reason) {
    taken *t = user;
    (void)node;
    t->refused++;
    t->reason = reason;
}

static void forget(taken *t) {
    for (unsigned i = 0; i < t->count; i++) {
        c2s_gram_unref(t->gram[i]);
        free(t->cross[i]);
        free(t->sum[i]);
    }
    *t = (taken){0};
}

static c2s_status collect(const c2s_model *model, const c2s_gram_request *requests, size_t count,
                          const c2s_model *reference, uint64_t memory, taken *out) {
    *out = (taken){0};
    const c2s_gram_options options = {.evaluator = &c2s_evaluator_reference,
                                      .eval = {.threads = 2},
                                      .feed = &samples,
                                      .reference = reference ? reference->graph : NULL,
                                      .memory = memory,
                                      .take = take,
                                      .refuse = refuse,
                                      .user = out};
    return c2s_gram_collect(model->graph, requests, count, &options);
}

/* ---- by the operator ---- */

static void near(double expected, double found, double scale) {
    if (!(fabs(expected - found) <= 3e-6 * scale))
        fail_msg("expected %.9g, found %.9g of %g", expected, found, scale);
}

/* Element (row, variable) of an output: [images, variables, positions], or [rows, variables]. */
static double element(const c2s_tensor *y, bool conv, size_t variables, size_t row,
                      size_t variable) {
    size_t positions = 1;
    for (int k = 2; conv && k < y->type.rank; k++)
        positions *= (size_t)y->type.dim[k];
    if (!conv)
        return c2s_tensor_f64_at(y, row * variables + variable);
    return c2s_tensor_f64_at(y, (row / positions * variables + variable) * positions +
                                    row % positions);
}

/* The gram of the node against what the operator gives with an identity matrix, and the cross
 * moments against what `other` gives. */
static void check_gram(const c2s_model *identity, const c2s_model *other, bool conv,
                       const taken *t) {
    const c2s_gram *g = t->gram[0];
    const size_t k = g->k, groups = g->groups, n = t->n[0], all = k * groups;
    double *moment = c2s_zalloc((all * k + 1) * sizeof *moment),
           *sum = c2s_zalloc((all + 1) * sizeof *sum);
    double *cross = c2s_zalloc((all * n + 1) * sizeof *cross), square = 0;
    size_t rows = 0;
    for (size_t s = 0; s < samples.count; s++) {
        c2s_tensor *x = output_of(identity, s), *y = output_of(other, s);
        for (size_t r = 0; r < x->count / all; r++, rows++)
            for (size_t i = 0; i < all; i++) {
                const double at = element(x, conv, all, r, i);
                sum[i] += at;
                for (size_t j = 0; j < k; j++)
                    moment[i * k + j] += at * element(x, conv, all, r, i / k * k + j);
                for (size_t j = 0; j < n; j++)
                    cross[i * n + j] += at * element(y, conv, n * groups, r, i / k * n + j);
            }
        for (size_t i = 0; i < y->count; i++)
            square += c2s_tensor_f64_at(y, i) * c2s_tensor_f64_at(y, i);
        c2s_tensor_unref(x);
        c2s_tensor_unref(y);
    }
    assert_int_equal(g->rows, rows);
    const double scale = (double)rows * 2;
    for (size_t i = 0; i < all; i++) {
        near(sum[i], g->sum[i], scale);
        for (size_t j = 0; j < k; j++)
            near(moment[i * k + j], g->moment[i * k + j], scale);
        for (size_t j = 0; j < n; j++)
            near(cross[i * n + j], t->cross[0][i * n + j], scale * 5);
    }
    near(square, t->square[0], square);
    free(moment), free(sum), free(cross);
}

/* Identity matrices of all groups: output channel g * k + i is variable i of group g. */
static c2s_value *identity_weight(c2s_model *model, size_t groups, size_t k, int rank,
                                  const int64_t *dim) {
    double *values = c2s_zalloc((groups * k * k + 1) * sizeof *values);
    for (size_t i = 0; i < groups * k; i++)
        values[i * k + i % k] = 1;
    c2s_tensor *tensor;
    assert_int_equal(c2s_tensor_from_f64(C2S_FLOAT, rank, dim, values, &tensor), C2S_OK);
    free(values);
    return c2s_value_constant(model->graph, "w", tensor);
}

typedef struct conv_case {
    int64_t channels, group, outputs; /* per group */
    int rank;
    int64_t in[3], kernel[3], strides[3], dilations[3], pads[6];
    const char *auto_pad;
} conv_case;

static const conv_case convs[] = {
    {3, 1, 2, 2, {7, 6}, {3, 3}, {1, 1}, {1, 1}, {1, 1, 1, 1}, NULL},
    {4, 2, 3, 2, {9, 8}, {3, 2}, {2, 3}, {1, 2}, {0, 1, 2, 0}, NULL},
    {6, 6, 1, 2, {8, 8}, {3, 3}, {1, 1}, {1, 1}, {1, 1, 1, 1}, NULL},
    {6, 6, 2, 2, {8, 8}, {5, 1}, {2, 2}, {1, 1}, {2, 0, 2, 0}, NULL},
    {5, 1, 4, 2, {4, 5}, {1, 1}, {1, 1}, {1, 1}, {0, 0, 0, 0}, NULL},
    {6, 3, 2, 2, {4, 5}, {1, 1}, {1, 1}, {1, 1}, {0, 0, 0, 0}, NULL},
    {5, 1, 4, 2, {4, 5}, {1, 1}, {2, 1}, {1, 1}, {0, 0, 0, 0}, NULL},
    {2, 1, 3, 1, {9000}, {4}, {2}, {3}, {3, 0}, NULL},
    {2, 1, 2, 3, {3, 4, 5}, {2, 3, 2}, {1, 2, 1}, {1, 1, 2}, {1, 0, 1, 0, 1, 1}, NULL},
    {3, 1, 2, 2, {7, 8}, {3, 4}, {2, 2}, {1, 1}, {0}, "SAME_UPPER"},
    {3, 1, 2, 2, {7, 8}, {3, 4}, {3, 2}, {1, 1}, {0}, "SAME_LOWER"},
    {150, 1, 2, 2, {3, 3}, {2, 2}, {1, 1}, {1, 1}, {0}, "VALID"},
};
enum { CONVS = sizeof convs / sizeof *convs };

static c2s_model *conv_model(const conv_case *c, bool identity) {
    c2s_model *model = make_model();
    int64_t in[5] = {2, c->channels}, w[5];
    size_t k = (size_t)(c->channels / c->group);
    for (int a = 0; a < c->rank; a++) {
        in[a + 2] = c->in[a];
        w[a + 2] = c->kernel[a];
        k *= (size_t)c->kernel[a];
    }
    w[0] = identity ? (int64_t)k * c->group : c->outputs * c->group;
    w[1] = c->channels / c->group;
    c2s_value *x = make_input(model, "x", C2S_FLOAT, c->rank + 2, in);
    c2s_value *weight = identity ? identity_weight(model, (size_t)c->group, k, c->rank + 2, w)
                                 : make_weight(model->graph, "w", C2S_FLOAT, 0.1, c->rank + 2, w);
    c2s_node *node = NODE(model, "Conv", x, weight);
    c2s_attr_set_int(node, "group", c->group);
    c2s_attr_set_ints(node, "strides", c->strides, (size_t)c->rank);
    c2s_attr_set_ints(node, "dilations", c->dilations, (size_t)c->rank);
    if (c->auto_pad)
        c2s_attr_set_string(node, "auto_pad", c->auto_pad);
    else
        c2s_attr_set_ints(node, "pads", c->pads, 2 * (size_t)c->rank);
    make_output(make_infer(node), "y");
    return model;
}

static void convolutions(void **state) {
    (void)state;
    for (unsigned i = 0; i < CONVS; i++) {
        c2s_model *identity = conv_model(&convs[i], true), *model = conv_model(&convs[i], false);
        taken t;
        const c2s_gram_request request = {.node = model->graph->first,
                                          .target = c2s_graph_output(model->graph, 0)};
        if (collect(model, &request, 1, model, 0, &t) != C2S_OK)
            fail_msg("%s", c2s_error());
        assert_int_equal(t.count, 1);
        check_gram(identity, model, true, &t);
        forget(&t);
        c2s_model_destroy(identity);
        c2s_model_destroy(model);
    }
}

enum { MATMUL, GEMM, GEMM_A, GEMM_B, HALF, MATRICES };

static c2s_model *matrix_model(int form, bool identity) {
    c2s_model *model = make_model();
    const int64_t k = 6, n = identity ? k : 4,
                  dim[2] = {form == GEMM_B ? n : k, form == GEMM_B ? k : n};
    const c2s_dtype dtype = form == HALF ? C2S_FLOAT16 : C2S_FLOAT;
    c2s_value *x;
    if (form == MATMUL || form == HALF) {
        c2s_dim batch = c2s_dim_symbol(model->dims, "batch");
        x = make_input(model, "x", dtype, 3, (c2s_dim[]){batch, 7, k});
    } else {
        x = make_input(model, "x", dtype, 2,
                       (c2s_dim[]){form == GEMM_A ? k : 5, form == GEMM_A ? 5 : k});
    }
    c2s_value *w = make_weight(model->graph, "w", dtype, 0.1, 2, dim);
    if (identity) {
        double values[36] = {0};
        for (int i = 0; i < 6; i++)
            values[i * 7] = 1;
        c2s_tensor *tensor;
        assert_int_equal(c2s_tensor_from_f64(dtype, 2, dim, values, &tensor), C2S_OK);
        w = c2s_value_constant(model->graph, "w", tensor);
    }
    c2s_node *node = NODE(model, form == MATMUL || form == HALF ? "MatMul" : "Gemm", x, w);
    if (form == GEMM_A)
        c2s_attr_set_int(node, "transA", 1);
    if (form == GEMM_B)
        c2s_attr_set_int(node, "transB", 1);
    make_output(make_infer(node), "y");
    return model;
}

static void matrices(void **state) {
    (void)state;
    for (int form = 0; form < MATRICES; form++) {
        c2s_model *identity = matrix_model(form, true), *model = matrix_model(form, false);
        taken t;
        const c2s_gram_request request = {.node = model->graph->first,
                                          .target = c2s_graph_output(model->graph, 0)};
        if (collect(model, &request, 1, model, 0, &t) != C2S_OK)
            fail_msg("%s", c2s_error());
        check_gram(identity, model, false, &t);
        forget(&t);
        c2s_model_destroy(identity);
        c2s_model_destroy(model);
    }
}

/* ---- several consumers ---- */

/* Three products of one input, and one of the result of the first. */
static c2s_model *attention_like(c2s_node **nodes) {
    c2s_model *model = make_model();
    c2s_value *x = INPUT(model, "x", 5, 6), *last = NULL;
    for (int i = 0; i < 3; i++) {
        c2s_value *y = OP(model, "MatMul", x, WEIGHT(model, "w", 6, 6));
        nodes[i] = y->def;
        last = i == 0 ? y : OP(model, "Add", last, y);
    }
    nodes[3] = OP(model, "MatMul", OP(model, "Relu", last), WEIGHT(model, "v", 6, 2))->def;
    make_output(nodes[3]->outputs[0], "y");
    return model;
}

static void shares_one_matrix(void **state) {
    (void)state;
    c2s_node *nodes[4];
    c2s_model *model = attention_like(nodes);
    c2s_gram_request requests[4];
    taken t, parts;
    for (int i = 0; i < 4; i++)
        requests[i] = (c2s_gram_request){.node = nodes[i]};
    assert_int_equal(collect(model, requests, 4, NULL, 0, &t), C2S_OK);
    assert_int_equal(t.count, 4);
    assert_true(t.gram[0] == t.gram[1] && t.gram[0] == t.gram[2] && t.gram[0] != t.gram[3]);
    assert_null(t.cross[0]);
    /* Room for one matrix at a time: two runs over the samples, the same results. */
    assert_int_equal(collect(model, requests, 4, NULL, 6 * 6 * 8, &parts), C2S_OK);
    assert_int_equal(parts.count, 4);
    for (int i = 0; i < 4; i++) {
        assert_int_equal(t.gram[i]->rows, 25);
        assert_int_equal(parts.gram[i]->rows, 25);
        assert_memory_equal(t.gram[i]->moment, parts.gram[i]->moment, 36 * sizeof(double));
    }
    forget(&t);
    forget(&parts);
    assert_int_equal(collect(model, requests, 4, NULL, 6 * 6 * 8 - 1, &t), C2S_OK);
    assert_int_equal(t.count, 0);
    assert_int_equal(t.refused, 4);
    assert_non_null(strstr(t.reason, "memory"));
    requests[0].node = nodes[3]->inputs[0].value->def;
    assert_int_equal(collect(model, requests, 1, NULL, 0, &t), C2S_OK);
    assert_int_equal(t.refused, 1);
    assert_non_null(strstr(t.reason, "no MatMul"));
    c2s_model_destroy(model);
}

/* Gemm with a bias or a grouped convolution of the input times `scale`. */
static c2s_model *scaled_model(bool conv, double scale, double offset) {
    c2s_model *model = make_model();
    c2s_value *x = conv ? INPUT(model, "x", 2, 6, 7, 7) : INPUT(model, "x", 40, 6), *w, *y;
    x = OP(model, "Mul", x, make_scalar(model, "scale", scale));
    c2s_value *bias = make_weight(model->graph, "b", C2S_FLOAT, 1, DIMS(4));
    w = conv ? make_weight(model->graph, "w", C2S_FLOAT, offset, DIMS(4, 3, 2, 2))
             : make_weight(model->graph, "w", C2S_FLOAT, offset, DIMS(6, 4));
    c2s_node *node = NODE(model, conv ? "Conv" : "Gemm", x, w, bias);
    if (conv)
        c2s_attr_set_int(node, "group", 2);
    y = make_infer(node);
    make_output(y, "y");
    return model;
}

typedef struct rebuilt {
    double damping;
    float weights[64];
    c2s_status status;
} rebuilt;

static c2s_status rebuild(void *user, const c2s_linear_site *site, c2s_gram *gram,
                          const c2s_cross *cross) {
    rebuilt *r = user;
    float before[64];
    const c2s_tensor *w = site->weight->constant;
    for (size_t i = 0; i < w->count; i++)
        before[i] = (float)c2s_tensor_f64_at(w, i);
    r->status = c2s_reconstruct(site, gram, cross, r->damping, before, r->weights);
    return C2S_OK;
}

static void rebuild_from(const c2s_model *model, const c2s_model *reference, double damping,
                         rebuilt *out) {
    const c2s_gram_request request = {.node = model->graph->last,
                                      .target = c2s_graph_output(reference->graph, 0)};
    const c2s_gram_options options = {.evaluator = &c2s_evaluator_reference,
                                      .feed = &samples,
                                      .reference = reference->graph,
                                      .take = rebuild,
                                      .user = out};
    out->damping = damping;
    assert_int_equal(c2s_gram_collect(model->graph, &request, 1, &options), C2S_OK);
}

/* Other weights that see other inputs become those that give the outputs of the reference. */
static void reconstructs(void **state) {
    (void)state;
    for (int conv = 0; conv < 2; conv++) {
        c2s_model *model = scaled_model(conv, 2, 0.4), *reference = scaled_model(conv, 1, 0.1);
        const c2s_tensor *expected = reference->graph->last->inputs[1].value->constant;
        const c2s_tensor *own = model->graph->last->inputs[1].value->constant;
        rebuilt r;
        rebuild_from(model, reference, 0, &r);
        assert_int_equal(r.status, C2S_OK);
        for (size_t i = 0; i < expected->count; i++)
            assert_true(fabs(2 * (double)r.weights[i] - c2s_tensor_f64_at(expected, i)) < 1e-4);
        /* The more damping, the closer to what the weights were. */
        rebuild_from(model, reference, 1e9, &r);
        for (size_t i = 0; i < own->count; i++)
            assert_true(fabs((double)r.weights[i] - c2s_tensor_f64_at(own, i)) < 1e-4);
        if (!conv) {
            c2s_attr_set_float(model->graph->last, "alpha", 2);
            rebuild_from(model, reference, 0, &r);
            assert_int_equal(r.status, C2S_ERR_UNSUPPORTED);
        }
        c2s_model_destroy(model);
        c2s_model_destroy(reference);
    }
}

/* ---- cut off ---- */

/* Moments with what the header says the target becomes, worked out from the definition; then what
 * fitting to that gains behind a Relu. */
static void sum_cut_off(const c2s_model *model, const c2s_model *reference, const float *added,
                        double *moment) {
    const c2s_tensor *w = model->graph->last->inputs[1].value->constant;
    memset(moment, 0, 24 * sizeof *moment);
    for (size_t s = 0; s < samples.count; s++) {
        c2s_tensor *in[4] = {0}, *y = output_of(reference, s);
        assert_int_equal(random_sample(&samples, model->graph, s, in), C2S_OK);
        for (size_t row = 0; row < 40; row++)
            for (size_t n = 0; n < 4; n++) {
                double gives = (double)added[n], wanted = c2s_tensor_f64_at(y, row * 4 + n);
                for (size_t k = 0; k < 6; k++)
                    gives +=
                        2 * c2s_tensor_f64_at(in[0], row * 6 + k) * c2s_tensor_f64_at(w, k * 4 + n);
                if (wanted <= 0)
                    wanted = fmin(gives, 0);
                else if (wanted >= 2)
                    wanted = fmax(gives, 2);
                for (size_t k = 0; k < 6; k++)
                    moment[k * 4 + n] += 2 * c2s_tensor_f64_at(in[0], row * 6 + k) * wanted;
            }
        c2s_tensor_unref(in[0]);
        c2s_tensor_unref(y);
    }
}

static void cuts_off(void **state) {
    (void)state;
    c2s_model *model = scaled_model(false, 2, 0.4), *reference = scaled_model(false, 1, 0.1);
    const float added[4] = {0.5f, -1, 0, 2};
    const c2s_gram_cutoff cutoff = {0, 2, added};
    const c2s_gram_request request = {.node = model->graph->last,
                                      .target = c2s_graph_output(reference->graph, 0),
                                      .cutoff = &cutoff};
    double expected[24];
    taken t;
    assert_int_equal(collect(model, &request, 1, reference, 0, &t), C2S_OK);
    assert_int_equal(t.count, 1);
    sum_cut_off(model, reference, added, expected);
    for (int i = 0; i < 24; i++)
        near(expected[i], t.cross[0][i], 1e3);
    forget(&t);
    c2s_model_destroy(model);
    c2s_model_destroy(reference);
}

static void refuses_other_targets(void **state) {
    (void)state;
    c2s_model *model = conv_model(&convs[0], false), *other = conv_model(&convs[1], false);
    const c2s_gram_request request = {.node = model->graph->first,
                                      .target = c2s_graph_output(other->graph, 0)};
    taken t;
    assert_int_equal(collect(model, &request, 1, other, 0, &t), C2S_ERR_INVALID);
    assert_non_null(strstr(c2s_error(), "reference"));
    forget(&t);
    c2s_model_destroy(model);
    c2s_model_destroy(other);
}

/* ---- some of the rows ---- */

/* x and y have lost the same rows: what relates them is still the weight. */
static void takes_some_rows(void **state) {
    (void)state;
    const conv_case c = {2, 1, 3, 1, {9000}, {4}, {2}, {3}, {3, 0}, NULL};
    c2s_model *model = conv_model(&c, false);
    const c2s_gram_request request = {.node = model->graph->first,
                                      .target = c2s_graph_output(model->graph, 0)};
    taken t = {0};
    const c2s_gram_options options = {.evaluator = &c2s_evaluator_reference,
                                      .feed = &samples,
                                      .reference = model->graph,
                                      .rows = 2000,
                                      .take = take,
                                      .user = &t};
    assert_int_equal(c2s_gram_collect(model->graph, &request, 1, &options), C2S_OK);
    const c2s_gram *g = t.gram[0];
    assert_in_range(g->rows, 1900, 2100);
    const c2s_tensor *w = request.node->inputs[1].value->constant;
    for (size_t i = 0; i < g->k; i++)
        for (size_t j = 0; j < t.n[0]; j++) {
            double expected = 0;
            for (size_t l = 0; l < g->k; l++)
                expected += g->moment[i * g->k + l] * c2s_tensor_f64_at(w, j * g->k + l);
            near(expected, t.cross[0][i * t.n[0] + j], (double)g->rows);
        }
    forget(&t);
    c2s_model_destroy(model);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(convolutions),      cmocka_unit_test(matrices),
        cmocka_unit_test(shares_one_matrix), cmocka_unit_test(reconstructs),
        cmocka_unit_test(cuts_off),          cmocka_unit_test(refuses_other_targets),
        cmocka_unit_test(takes_some_rows),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
