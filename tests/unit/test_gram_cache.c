/* SPDX-License-Identifier: Apache-2.0
 *
 * Moments that are kept: the same bytes as without, found again for what is the same, and not for
 * what has changed in front of a value, in the samples, or in how rows are taken.
 */
#include "unit/make_graph.h"

#include "base/random.h"
#include "ir/graph_digest.h"
#include "passes/measure/gram.h"
#include "passes/measure/gram_cache.h"
#include "passes/pipeline.h"

/* ---- samples ---- */

static unsigned asked; /* how many samples were taken */

static c2s_status random_sample(const c2s_feed *feed, const c2s_graph *graph, size_t index,
                                c2s_tensor **in) {
    (void)feed;
    asked++;
    for (unsigned i = 0; i < c2s_graph_input_count(graph); i++) {
        const c2s_type *type = &c2s_graph_input(graph, i)->type;
        c2s_random random = {index * 16 + i + 1};
        double values[1024];
        size_t count;
        assert_true(c2s_type_elements(type, &count) && count <= 1024);
        for (size_t k = 0; k < count; k++)
            values[k] = c2s_random_normal(&random) + 0.3;
        C2S_TRY(c2s_tensor_from_f64(type->dtype, type->rank, type->dim, values, &in[i]));
    }
    return C2S_OK;
}
static const c2s_feed samples = {.count = 12, .get = random_sample, .selection = 5};

/* ---- models ---- */

enum { SIDE = 32 };

static c2s_value *scaled(c2s_model *m, const char *name, double scale) {
    double values[SIDE * SIDE];
    c2s_tensor *tensor;
    for (int i = 0; i < SIDE * SIDE; i++)
        values[i] = scale * sin(i * i + 7.0 * name[1]);
    assert_int_equal(c2s_tensor_from_f64(C2S_FLOAT, 2, (int64_t[]){SIDE, SIDE}, values, &tensor),
                     C2S_OK);
    return c2s_value_constant(m->graph, name, tensor);
}

/* y = relu (x w1) w2, whose weights are multiples of the same ones. */
static c2s_model *two_layers(double first, double second) {
    c2s_model *m = make_model();
    c2s_value *x = OP(m, "MatMul", INPUT(m, "x", 4, SIDE), scaled(m, "w1", first));
    make_output(OP(m, "MatMul", OP(m, "Relu", x), scaled(m, "w2", second)), "y");
    return m;
}

static c2s_model *with_conv(const char *attr, int64_t value) {
    c2s_model *m = make_model();
    c2s_value *y = OP(m, "Conv", INPUT(m, "x", 1, 4, 8, 8), WEIGHT(m, "w", 4, 4, 3, 3));
    const int64_t all[] = {value, value, value, value};
    if (attr)
        c2s_attr_set_ints(y->def, attr, all, strcmp(attr, "pads") == 0 ? 4 : 2);
    make_output(y, "y");
    assert_int_equal(c2s_graph_infer(m->graph), C2S_OK);
    return m;
}

/* ---- collecting ---- */

typedef struct taken {
    unsigned count;
    const c2s_node *first; /* that was taken */
    c2s_gram *gram[2];     /* by operator, in the order of the graph */
    double cross[2];       /* a sum of all elements */
    c2s_tensor *changed;   /* its elements become 0 when something is taken; NULL: none */
} taken;

static c2s_status take(void *user, const c2s_linear_site *site, c2s_gram *gram,
                       const c2s_cross *cross) {
    taken *t = user;
    const bool later = site->node->graph->first != site->node;
    t->gram[later] = c2s_gram_ref(gram);
    for (size_t i = 0; cross && i < site->groups * site->k * site->n; i++)
        t->cross[later] += cross->moment[i] * (double)(i + 1);
    if (t->count++ == 0)
        t->first = site->node;
    if (t->changed)
        memset(c2s_tensor_mutable(t->changed), 0, c2s_tensor_size(t->changed));
    return C2S_OK;
}

static void forget(taken *t) {
    for (unsigned i = 0; i < 2; i++)
        c2s_gram_unref(t->gram[i]);
    *t = (taken){0};
}

static c2s_gram_options options_of(c2s_gram_cache *cache, taken *t) {
    return (c2s_gram_options){.evaluator = &c2s_evaluator_reference,
                              .eval = {.threads = 2},
                              .feed = &samples,
                              .cache = cache,
                              .take = take,
                              .user = t};
}

/* All linear operators, in order. */
static void collect(const c2s_model *model, const c2s_gram_options *options) {
    c2s_gram_request requests[4] = {0};
    size_t count = 0;
    for (const c2s_node *node = model->graph->first; node; node = node->next)
        if (node->op == &c2s_op_matmul || node->op == &c2s_op_conv)
            requests[count++].node = node;
    if (c2s_gram_collect(model->graph, requests, count, options) != C2S_OK)
        fail_msg("%s", c2s_error());
}

static void same_grams(const taken *a, const taken *b) {
    assert_int_equal(a->count, b->count);
    for (unsigned i = 0; i < 2; i++) {
        const c2s_gram *x = a->gram[i], *y = b->gram[i];
        assert_int_equal(x != NULL, y != NULL);
        if (!x)
            continue;
        assert_true(x->groups == y->groups && x->k == y->k && x->rows == y->rows);
        assert_memory_equal(x->moment, y->moment, x->groups * x->k * x->k * sizeof(double));
        assert_memory_equal(x->sum, y->sum, x->groups * x->k * sizeof(double));
        assert_true(a->cross[i] == b->cross[i]);
    }
}

/* How many of the model's operators were found, with moments like those without a cache. */
static size_t found_with(c2s_gram_cache *cache, c2s_model *model, const c2s_gram_options *how) {
    taken with = {0}, without = {0};
    c2s_gram_options options = *how;
    const size_t before = c2s_gram_cache_count(cache).found;
    options.cache = cache;
    options.user = &with;
    collect(model, &options);
    options.cache = NULL;
    options.user = &without;
    collect(model, &options);
    same_grams(&with, &without);
    forget(&with);
    forget(&without);
    c2s_model_destroy(model);
    return c2s_gram_cache_count(cache).found - before;
}

static void finds_what_is_the_same(void **state) {
    (void)state;
    c2s_gram_cache *cache = c2s_gram_cache_create(0);
    c2s_gram_options usual = options_of(cache, NULL);
    assert_int_equal(found_with(cache, two_layers(1, 1), &usual), 0);
    asked = 0;
    assert_int_equal(found_with(cache, two_layers(1, 1), &usual), 2);
    assert_int_equal(asked, samples.count); /* for the moments without the cache */
    /* a weight behind the value does not matter, one in front of it does */
    assert_int_equal(found_with(cache, two_layers(1, 2), &usual), 2);
    assert_int_equal(found_with(cache, two_layers(2, 1), &usual), 1);
    /* nor does a name, or how rows are multiplied */
    c2s_model *named = two_layers(1, 1);
    named->graph->first->outputs[0]->name = "other";
    assert_int_equal(found_with(cache, named, &usual), 2);
    c2s_gram_cache_free(cache);
}

static void tells_options_apart(void **state) {
    (void)state;
    c2s_gram_cache *cache = c2s_gram_cache_create(0);
    c2s_gram_options usual = options_of(cache, NULL), other = usual;
    found_with(cache, two_layers(1, 1), &usual);
    c2s_feed feed = samples;
    other.feed = &feed;
    assert_int_equal(found_with(cache, two_layers(1, 1), &other), 2);
    feed.selection = 6;
    assert_int_equal(found_with(cache, two_layers(1, 1), &other), 0);
    feed.selection = 0; /* not known */
    assert_int_equal(found_with(cache, two_layers(1, 1), &other), 0);
    assert_int_equal(found_with(cache, two_layers(1, 1), &other), 0);
    other = usual;
    other.samples = 3;
    assert_int_equal(found_with(cache, two_layers(1, 1), &other), 0);
    other = usual;
    other.rows = 17;
    assert_int_equal(found_with(cache, two_layers(1, 1), &other), 0);
    c2s_gram_cache_free(cache);
}

static void tells_windows_apart(void **state) {
    (void)state;
    c2s_gram_cache *cache = c2s_gram_cache_create(0);
    const c2s_gram_options usual = options_of(cache, NULL);
    const char *const attrs[] = {NULL, "strides", "dilations", "pads"};
    for (int round = 0; round < 2; round++)
        for (int i = 0; i < 4; i++)
            assert_int_equal(found_with(cache, with_conv(attrs[i], 2), &usual), round);
    c2s_gram_cache_free(cache);
}

/* What is no function of the inputs is collected each time; a body counts by what it holds. */
static void looks_into_what_is_in_front(void **state) {
    (void)state;
    c2s_gram_cache *cache = c2s_gram_cache_create(0);
    const c2s_gram_options usual = options_of(cache, NULL);
    for (int round = 0; round < 2; round++)
        for (int i = 1; i < 3; i++) {
            c2s_model *m = make_model();
            c2s_value *x = OP(m, "Clip", INPUT(m, "x", 4, SIDE), make_scalar(m, "low", -1),
                              make_scalar(m, "high", i));
            make_output(OP(m, "MatMul", x, scaled(m, "w1", 1)), "y");
            assert_int_equal(found_with(cache, m, &usual), round);
        }
    c2s_gram_cache_free(cache);
}

/* ---- targets ---- */

static void collect_target(const c2s_model *model, const c2s_model *reference,
                           const c2s_gram_cutoff *cutoff, c2s_gram_cache *cache, taken *t) {
    const c2s_gram_request request = {
        .node = model->graph->last, .target = reference->graph->last->outputs[0], .cutoff = cutoff};
    c2s_gram_options options = options_of(cache, t);
    options.reference = reference->graph;
    *t = (taken){0};
    if (c2s_gram_collect(model->graph, &request, 1, &options) != C2S_OK)
        fail_msg("%s", c2s_error());
}

static void tells_targets_apart(void **state) {
    (void)state;
    c2s_gram_cache *cache = c2s_gram_cache_create(0);
    const float added[2][SIDE] = {{1}, {2}};
    const c2s_gram_cutoff cutoffs[] = {
        {0, 2, NULL}, {0, 3, NULL}, {0, 3, added[0]}, {0, 3, added[1]}};
    for (int round = 0; round < 2; round++)
        for (int i = 0; i < 6; i++) {
            c2s_model *model = two_layers(1, 1), *reference = two_layers(i == 0 ? 1 : 2, 1);
            const c2s_gram_cutoff *cutoff = i < 2 ? NULL : &cutoffs[i - 2];
            taken with, without;
            asked = 0;
            collect_target(model, reference, cutoff, cache, &with);
            assert_int_equal(asked, round ? 0 : 2 * samples.count);
            collect_target(model, reference, cutoff, NULL, &without);
            same_grams(&with, &without);
            forget(&with);
            forget(&without);
            c2s_model_destroy(model);
            c2s_model_destroy(reference);
        }
    /* the same rows, but nothing to aim at */
    const c2s_gram_options usual = options_of(cache, NULL);
    assert_int_equal(found_with(cache, two_layers(1, 1), &usual), 0);
    c2s_gram_cache_free(cache);
}

/* ---- what is kept ---- */

/* Room for two matrices; for none. */
static void forgets_the_oldest(void **state) {
    (void)state;
    c2s_gram_cache *cache = c2s_gram_cache_create(2 * SIDE * SIDE * sizeof(double)),
                   *none = c2s_gram_cache_create(1000);
    const c2s_gram_options usual = options_of(cache, NULL);
    found_with(cache, two_layers(1, 1), &usual);
    assert_int_equal(found_with(cache, two_layers(2, 1), &usual), 1);
    assert_int_equal(found_with(cache, two_layers(1, 1), &usual), 1); /* relu (x w1) is gone */
    assert_int_equal(found_with(cache, two_layers(1, 1), &usual), 2);
    found_with(none, two_layers(1, 1), &usual);
    assert_int_equal(found_with(none, two_layers(1, 1), &usual), 0);
    c2s_gram_cache_free(cache);
    c2s_gram_cache_free(none);
}

/* Who takes moments may change the weights in front of others: these are collected before. */
static void hands_over_at_the_end(void **state) {
    (void)state;
    c2s_gram_cache *cache = c2s_gram_cache_create(0);
    c2s_model *model = two_layers(1, 1);
    taken first = {0}, with = {0}, without = {0};
    const c2s_gram_request request = {.node = model->graph->first};
    c2s_gram_options options = options_of(cache, &first);
    assert_int_equal(c2s_gram_collect(model->graph, &request, 1, &options), C2S_OK);
    options.user = &without;
    options.cache = NULL;
    collect(model, &options);
    options.user = &with;
    options.cache = cache;
    with.changed = (c2s_tensor *)(uintptr_t)model->graph->first->inputs[1].value->constant;
    collect(model, &options);
    assert_int_equal(c2s_gram_cache_count(cache).found, 1);
    assert_ptr_equal(with.first, model->graph->last); /* the one that was not known */
    same_grams(&with, &without);
    forget(&first);
    forget(&with);
    forget(&without);
    c2s_model_destroy(model);
    c2s_gram_cache_free(cache);
}

/* ---- passes ---- */

static uint64_t digest_after(const char *passes, c2s_gram_cache *cache) {
    c2s_model *m = two_layers(1, 1);
    c2s_pipeline *pipeline;
    c2s_pipeline_result result;
    const c2s_pass_context context = {
        .evaluator = &c2s_evaluator_reference, .feed = &samples, .gram_cache = cache};
    const c2s_pipeline_options options = {.context = &context};
    assert_int_equal(c2s_pipeline_parse(passes, &pipeline), C2S_OK);
    if (c2s_pipeline_run(pipeline, m, &options, &result) != C2S_OK)
        fail_msg("%s: %s", passes, c2s_error());
    for (size_t i = 0; i < result.steps.count; i++)
        if (result.steps.at[i].report.rewrites == 0)
            fail_msg("%s: step %zu did nothing", passes, i);
    const uint64_t digest = c2s_graph_digest(m->graph);
    c2s_pipeline_result_free(&result);
    c2s_pipeline_free(pipeline);
    c2s_model_destroy(m);
    return digest;
}

static void passes_give_the_same(void **state) {
    (void)state;
    static const char *const pipelines[] = {
        "lowrank(rank=2,multiple=1,timing=no)", "sparsify(ratio=0.5)",
        "quantize_weights(bits=4,method=gptq,block=0)",
        "sparsify(ratio=0.5),quantize_weights(bits=4,method=gptq,block=0)"};
    for (size_t i = 0; i < sizeof pipelines / sizeof *pipelines; i++) {
        c2s_gram_cache *cache = c2s_gram_cache_create(0);
        const uint64_t without = digest_after(pipelines[i], NULL);
        assert_true(without == digest_after(pipelines[i], cache));
        const c2s_gram_cache_counts once = c2s_gram_cache_count(cache);
        assert_true(without == digest_after(pipelines[i], cache));
        const c2s_gram_cache_counts twice = c2s_gram_cache_count(cache);
        /* the second time nothing is new */
        assert_true(once.missed > 0 && twice.missed == once.missed && twice.found > once.found);
        c2s_gram_cache_free(cache);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(finds_what_is_the_same), cmocka_unit_test(tells_options_apart),
        cmocka_unit_test(tells_windows_apart),    cmocka_unit_test(looks_into_what_is_in_front),
        cmocka_unit_test(tells_targets_apart),    cmocka_unit_test(forgets_the_oldest),
        cmocka_unit_test(hands_over_at_the_end),  cmocka_unit_test(passes_give_the_same)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
