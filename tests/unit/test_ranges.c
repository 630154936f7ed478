/* SPDX-License-Identifier: Apache-2.0
 *
 * Statistics of values against plain loops over all numbers: histograms that grow, channels,
 * numbers that are none, the order of samples, which samples are taken.
 */
#include <float.h>
#include <unistd.h>

#include "base/random.h"
#include "ir/graph_digest.h"
#include "passes/measure/ranges_cache.h"
#include "passes/measure/ranges_state.h"
#include "eval/sample_order.h"
#include "run_text.h"

/* ---- histograms ---- */

/* The rule that the header states, by trying widths one after the other. */
static void expect_histogram(const c2s_histogram *h, const float *x, size_t count) {
    double low = 0, high = 0;
    for (size_t i = 0; i < count; i++) {
        low = fmin(low, (double)x[i]);
        high = fmax(high, (double)x[i]);
    }
    int exponent = -126;
    while (floor(ldexp(high, -exponent)) - floor(ldexp(low, -exponent)) >= h->capacity)
        exponent++;
    assert_int_equal(h->exponent, exponent);
    assert_int_equal(h->first, (int)floor(ldexp(low, -exponent)));
    uint64_t *bin = c2s_zalloc(h->capacity * sizeof *bin);
    for (size_t i = 0; i < count; i++)
        bin[(int)floor(ldexp((double)x[i], -exponent)) - h->first]++;
    for (unsigned k = 0; k < h->capacity; k++)
        assert_int_equal(h->bin[k], bin[k]);
    free(bin);
}

static void histograms_grow(void **state) {
    (void)state;
    enum { COUNT = 40000 };
    float *x = c2s_alloc(COUNT * sizeof *x);
    for (unsigned turn = 0; turn < 24; turn++) {
        c2s_random random = {turn};
        const unsigned bins = turn % 3 == 0 ? 16 : turn % 3 == 1 ? 100 : 2048;
        for (size_t i = 0; i < COUNT; i++) {
            const double wide = exp2(c2s_random_uniform(&random) * 60 - 30);
            x[i] = (float)((turn % 4 == 0   ? c2s_random_uniform(&random)
                            : turn % 4 == 1 ? -c2s_random_uniform(&random)
                                            : c2s_random_normal(&random)) *
                           (turn < 12 ? wide : 1));
            if (turn % 5 == 0 && i % 3)
                x[i] = 0;
        }
        c2s_histogram h;
        c2s_histogram_init(&h, bins);
        for (size_t at = 0; at < COUNT;) {
            const size_t most = turn % 2 ? 300 : 20000;
            size_t n = (size_t)c2s_random_integer(&random, 1, (int64_t)most);
            n = n < COUNT - at ? n : COUNT - at;
            float low = x[at], high = x[at];
            for (size_t i = 0; i < n; i++) {
                low = fminf(low, x[at + i]);
                high = fmaxf(high, x[at + i]);
            }
            c2s_histogram_reach(&h, low, high);
            c2s_histogram_add(&h, x + at, n);
            at += n;
        }
        expect_histogram(&h, x, COUNT);
        c2s_histogram_free(&h);
    }
    free(x);
}

static void histograms_take_extreme_numbers(void **state) {
    (void)state;
    static const float cases[][3] = {{0, 0, 0},
                                     {FLT_MAX, -FLT_MAX, 1},
                                     {FLT_MAX, 0, FLT_MIN},
                                     {0x1p-149f, 0, 0x1p-140f},
                                     {-0x1p-149f, -1, -0.0f},
                                     {-1, -2, -4},
                                     {100, 100.5f, 101}};
    for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
        c2s_histogram h;
        c2s_histogram_init(&h, C2S_HISTOGRAM_BINS);
        for (size_t i = 0; i < 3; i++) {
            c2s_histogram_reach(&h, cases[k][i], cases[k][i]);
            c2s_histogram_add(&h, &cases[k][i], 1);
        }
        expect_histogram(&h, cases[k], 3);
        c2s_histogram_free(&h);
    }
}

/* ---- statistics of one value ---- */

static c2s_tensor *random_tensor(c2s_random *random, c2s_dtype dtype, int rank, const int64_t *dim,
                                 bool broken) {
    c2s_tensor *t, *out;
    assert_int_equal(c2s_tensor_create(C2S_FLOAT, rank, dim, &t), C2S_OK);
    float *x = c2s_tensor_mutable(t);
    for (size_t i = 0; i < t->count; i++) {
        x[i] = (float)c2s_random_normal(random);
        if (i % 7 == 3)
            x[i] = 0;
        if (broken && i % 11 == 5)
            x[i] = i % 2 ? INFINITY : i % 4 ? -INFINITY : NAN;
    }
    if (dtype == C2S_FLOAT)
        return t;
    double *wide = c2s_alloc(t->count * sizeof *wide);
    for (size_t i = 0; i < t->count; i++)
        wide[i] = (double)x[i];
    assert_int_equal(c2s_tensor_from_f64(dtype, rank, dim, wide, &out), C2S_OK);
    free(wide);
    c2s_tensor_unref(t);
    return out;
}

typedef struct plain {
    uint64_t count, ignored, zeros;
    double min, max, sum, squares;
} plain;

/* Channel -1: all. */
static void add_plain(plain *p, const c2s_tensor *t, int axis, int64_t channel) {
    size_t inner = 1;
    for (int i = axis + 1; i < t->type.rank; i++)
        inner *= (size_t)t->type.dim[i];
    for (size_t i = 0; i < t->count; i++) {
        if (channel >= 0 && (int64_t)(i / inner) % t->type.dim[axis] != channel)
            continue;
        const double x = c2s_tensor_f64_at(t, i);
        if (!isfinite(x)) {
            p->ignored++;
            continue;
        }
        p->min = p->count ? fmin(p->min, x) : x;
        p->max = p->count ? fmax(p->max, x) : x;
        p->count++;
        p->zeros += x == 0;
        p->sum += x;
        p->squares += x * x;
    }
}

static void expect_near(double found, double expected, double scale) {
    if (fabs(found - expected) > 1e-5 * scale)
        fail_msg("found %g, expected %g, scale %g", found, expected, scale);
}

static void one_case(c2s_random *random, c2s_dtype dtype, int rank, int axis, bool broken) {
    int64_t dim[4];
    const int own = axis < 0 ? axis + rank : axis;
    const int64_t channels = c2s_random_integer(random, 1, rank > 2 ? 9 : 90);
    c2s_value_stats s;
    c2s_value_stats_init(&s, "x", 256, axis);
    plain all = {0}, *by = c2s_zalloc((size_t)channels * sizeof *by);
    double sum_min = 0, sum_max = 0;
    for (int sample = 0; sample < 3; sample++) {
        for (int i = 0; i < rank; i++)
            dim[i] = c2s_random_integer(random, 1, rank == 4 ? 20 : 40);
        dim[own] = channels;
        c2s_tensor *t = random_tensor(random, dtype, rank, dim, broken);
        assert_int_equal(c2s_value_stats_add(&s, t), C2S_OK);
        plain one = {0};
        add_plain(&one, t, own, -1);
        add_plain(&all, t, own, -1);
        for (int64_t c = 0; c < channels; c++)
            add_plain(&by[c], t, own, c);
        sum_min += one.min;
        sum_max += one.max;
        c2s_tensor_unref(t);
    }
    assert_int_equal(s.samples, 3);
    assert_int_equal(s.count, all.count);
    assert_int_equal(s.ignored, all.ignored);
    assert_int_equal(s.zeros, all.zeros);
    assert_true((double)s.min == all.min && (double)s.max == all.max);
    assert_true(s.sum_min == sum_min && s.sum_max == sum_max);
    expect_near(s.sum, all.sum, all.squares);
    expect_near(s.sum_squares, all.squares, all.squares);
    assert_int_equal(s.channels.extent, channels);
    for (int64_t c = 0; c < channels; c++) {
        assert_int_equal(s.channels.count[c], by[c].count);
        if (by[c].count == 0)
            continue;
        assert_true((double)s.channels.min[c] == by[c].min);
        assert_true((double)s.channels.max[c] == by[c].max);
        expect_near(s.channels.sum[c], by[c].sum, by[c].squares);
        expect_near(s.channels.sum_squares[c], by[c].squares, by[c].squares);
    }
    uint64_t counted = 0;
    for (unsigned k = 0; k < s.histogram.capacity; k++)
        counted += s.histogram.bin[k];
    assert_int_equal(counted, s.count);
    c2s_value_stats_free(&s);
    free(by);
}

static void statistics_are_those_of_plain_loops(void **state) {
    (void)state;
    c2s_random random = {7};
    for (int turn = 0; turn < 12; turn++)
        for (int rank = 1; rank <= 4; rank++)
            one_case(&random,
                     turn % 4 == 0   ? C2S_FLOAT16
                     : turn % 4 == 1 ? C2S_DOUBLE
                                     : C2S_FLOAT,
                     rank, turn % 2 ? -1 : rank / 2, turn % 3 == 0);
}

static void channels_of_different_extents_are_given_up(void **state) {
    (void)state;
    c2s_random random = {1};
    c2s_value_stats s;
    c2s_value_stats_init(&s, "x", 256, 1);
    for (int64_t extent = 3; extent < 6; extent++) {
        c2s_tensor *t = random_tensor(&random, C2S_FLOAT, 2, (int64_t[]){2, extent}, false);
        assert_int_equal(c2s_value_stats_add(&s, t), C2S_OK);
        assert_int_equal(s.channels.extent, extent == 3 ? 3 : 0);
        c2s_tensor_unref(t);
    }
    assert_int_equal(s.count, 2 * (3 + 4 + 5));
    c2s_value_stats_free(&s);
}

/* ---- collection ---- */

typedef struct made {
    c2s_tensor **sample;
    size_t asked[64], asked_count;
} made;

static c2s_status get(const c2s_feed *feed, const c2s_graph *graph, size_t index, c2s_tensor **in) {
    made *m = feed->user;
    (void)graph;
    m->asked[m->asked_count++] = index;
    in[0] = c2s_tensor_ref(m->sample[index]);
    return C2S_OK;
}

static c2s_model *subject(void) {
    c2s_model *model = model_of_text(17, "g (float[n,4] x) => (float[n,4] z)\n"
                                         "<float[4] w = {1, -2, 3, 0.5}>\n"
                                         "{ y = Mul(x, w)\n  s = Shape(y)\n  z = Relu(y) }");
    assert_int_equal(c2s_model_normalise(model), C2S_OK);
    assert_int_equal(c2s_graph_infer(model->graph), C2S_OK);
    return model;
}

static const c2s_value *value_of(const c2s_model *model, const char *name) {
    for (size_t id = 0; id < model->values.count; id++)
        if (model->values.at[id] && strcmp(model->values.at[id]->name, name) == 0)
            return model->values.at[id];
    fail_msg("no value %s", name);
    return NULL;
}

static void values_are_observed_in_one_run(void **state) {
    (void)state;
    enum { SAMPLES = 5 };
    c2s_random random = {3};
    c2s_tensor *sample[SAMPLES];
    for (int k = 0; k < SAMPLES; k++)
        sample[k] = random_tensor(&random, C2S_FLOAT, 2, (int64_t[]){k + 1, 4}, false);
    made m = {.sample = sample};
    const c2s_feed feed = {.count = SAMPLES, .get = get, .user = &m};
    c2s_model *model = subject();
    c2s_ranges *ranges;
    assert_int_equal(
        c2s_ranges_collect(model->graph, &feed, &c2s_evaluator_reference, NULL, NULL, &ranges),
        C2S_OK);
    assert_int_equal(c2s_ranges_samples(ranges), SAMPLES);
    assert_int_equal(m.asked_count, SAMPLES);
    plain x = {0};
    for (int k = 0; k < SAMPLES; k++)
        add_plain(&x, sample[k], 1, -1);
    const c2s_value_stats *s = c2s_ranges_find(ranges, value_of(model, "x"));
    assert_non_null(s);
    assert_true((double)s->min == x.min && (double)s->max == x.max);
    s = c2s_ranges_find(ranges, value_of(model, "z"));
    assert_non_null(s);
    assert_int_equal(s->count, x.count);
    assert_true(s->min == 0 && s->zeros > 0 && s->histogram.first == 0);
    assert_non_null(c2s_ranges_find(ranges, value_of(model, "y")));
    assert_null(c2s_ranges_find(ranges, value_of(model, "s")));
    assert_null(c2s_ranges_find(ranges, value_of(model, "w")));
    c2s_ranges_free(ranges);

    bool *wanted = c2s_zalloc(model->values.count * sizeof *wanted);
    wanted[value_of(model, "y")->id] = true;
    c2s_ranges_options some = {.samples = 2};
    m.asked_count = 0;
    assert_int_equal(
        c2s_ranges_collect(model->graph, &feed, &c2s_evaluator_reference, wanted, &some, &ranges),
        C2S_OK);
    assert_int_equal(m.asked_count, 2);
    assert_int_equal(m.asked[0], 0);
    assert_int_equal(m.asked[1], 4);
    assert_null(c2s_ranges_find(ranges, value_of(model, "z")));
    assert_non_null(c2s_ranges_find(ranges, value_of(model, "y")));
    c2s_ranges_free(ranges);
    free(wanted);
    c2s_model_destroy(model);
    for (int k = 0; k < SAMPLES; k++)
        c2s_tensor_unref(sample[k]);
}

/* ---- what is kept ---- */

static void expect_same(const c2s_ranges *a, const c2s_ranges *b, const c2s_model *model) {
    for (size_t id = 0; id < model->values.count; id++) {
        const c2s_value *value = model->values.at[id];
        const c2s_value_stats *x = value ? c2s_ranges_find(a, value) : NULL;
        const c2s_value_stats *y = value ? c2s_ranges_find(b, value) : NULL;
        assert_true(!x == !y);
        if (!x)
            continue;
        assert_int_equal(x->count, y->count);
        assert_int_equal(x->zeros, y->zeros);
        assert_int_equal(x->samples, y->samples);
        assert_true(x->min == y->min && x->max == y->max);
        expect_near(x->sum_min, y->sum_min, fabs(y->sum_min) + 1e-9);
        expect_near(x->sum_squares, y->sum_squares, y->sum_squares + 1e-9);
        assert_int_equal(x->histogram.exponent, y->histogram.exponent);
        assert_int_equal(x->histogram.first, y->histogram.first);
        assert_memory_equal(x->histogram.bin, y->histogram.bin,
                            x->histogram.capacity * sizeof *x->histogram.bin);
        assert_int_equal(x->channels.extent, y->channels.extent);
        for (size_t c = 0; c < x->channels.extent; c++)
            assert_true(x->channels.min[c] == y->channels.min[c]);
    }
}

typedef struct keeping {
    c2s_tensor *sample[9];
    made m;
    c2s_feed feed;
    c2s_model *model;
    int8_t *axis;
    char path[64];
    c2s_ranges_cache *cache;
} keeping;

static void keep_open(keeping *k) {
    c2s_random random = {11};
    *k = (keeping){.model = subject(), .path = "/tmp/c2s-ranges-XXXXXX"};
    const int file = mkstemp(k->path);
    assert_true(file >= 0);
    close(file);
    unlink(k->path);
    for (int i = 0; i < 9; i++)
        k->sample[i] = random_tensor(&random, C2S_FLOAT, 2, (int64_t[]){i + 1, 4}, false);
    k->m.sample = k->sample;
    k->feed = (c2s_feed){.count = 9, .get = get, .digest = 5, .user = &k->m};
    k->axis = c2s_alloc(k->model->values.count);
    for (size_t id = 0; id < k->model->values.count; id++)
        k->axis[id] = id % 2 ? 1 : C2S_NO_CHANNELS;
    assert_int_equal(c2s_ranges_cache_open(k->path, 1, 5, &k->cache), C2S_OK);
}

static void keep_close(keeping *k) {
    c2s_ranges_cache_close(k->cache);
    c2s_model_destroy(k->model);
    for (int i = 0; i < 9; i++)
        c2s_tensor_unref(k->sample[i]);
    free(k->axis);
    unlink(k->path);
}

static void keep_again(keeping *k) {
    c2s_ranges_cache_close(k->cache);
    if (c2s_ranges_cache_open(k->path, 1, 5, &k->cache) != C2S_OK)
        fail_msg("%s", c2s_error());
}

/* Runs so many of the samples; NULL: all values. */
static c2s_ranges *keep_collect(keeping *k, size_t samples, const bool *wanted) {
    c2s_ranges *out;
    const c2s_ranges_options o = {
        .samples = samples, .cache = k->cache, .channel_axis = k->axis, .bins = 256};
    k->m.asked_count = 0;
    assert_int_equal(
        c2s_ranges_collect(k->model->graph, &k->feed, &c2s_evaluator_reference, wanted, &o, &out),
        C2S_OK);
    return out;
}

static void samples_run_once(void **state) {
    (void)state;
    keeping k;
    keep_open(&k);
    c2s_ranges *first = keep_collect(&k, 3, NULL);
    assert_int_equal(k.m.asked_count, 3);
    keep_again(&k);
    c2s_ranges *again = keep_collect(&k, 3, NULL);
    assert_int_equal(k.m.asked_count, 0);
    expect_same(first, again, k.model);
    c2s_ranges_free(first);
    c2s_ranges_free(again);

    /* Fewer values are there, more samples are added, for all values. */
    bool *wanted = c2s_zalloc(k.model->values.count);
    wanted[value_of(k.model, "y")->id] = true;
    c2s_ranges_free(keep_collect(&k, 0, wanted));
    assert_int_equal(k.m.asked_count, 6);
    keep_again(&k);
    again = keep_collect(&k, 0, NULL);
    assert_int_equal(k.m.asked_count, 0);
    k.feed.digest = 0; /* keeps nothing */
    first = keep_collect(&k, 0, NULL);
    assert_int_equal(k.m.asked_count, 9);
    k.feed.digest = 5;
    expect_same(first, again, k.model);
    c2s_ranges_free(again);
    c2s_ranges_free(first);

    /* Another axis than before: all anew. */
    memset(k.axis, 0, k.model->values.count);
    c2s_ranges_free(keep_collect(&k, 0, wanted));
    assert_int_equal(k.m.asked_count, 9);

    /* A sample by its number in all the data. */
    static const size_t origin[2] = {8, 20};
    k.feed.origin = origin;
    k.feed.count = 2;
    c2s_ranges_free(keep_collect(&k, 0, wanted));
    assert_int_equal(k.m.asked_count, 1);
    assert_int_equal(k.m.asked[0], 1);
    free(wanted);
    keep_close(&k);
}

static void what_was_kept_is_told_apart(void **state) {
    (void)state;
    keeping k;
    c2s_ranges_cache *other;
    keep_open(&k);
    c2s_ranges_free(keep_collect(&k, 3, NULL));
    assert_int_equal(c2s_ranges_cache_open(k.path, 2, 5, &other), C2S_ERR_USAGE);
    assert_non_null(strstr(c2s_error(), "of another model"));
    assert_non_null(strstr(c2s_error(), k.path));
    assert_int_equal(c2s_ranges_cache_open(k.path, 1, 6, &other), C2S_ERR_USAGE);
    assert_non_null(strstr(c2s_error(), "of other data"));
    /* A graph that changed in between has statistics of its own, beside the first one's. */
    const uint64_t before = c2s_graph_digest(k.model->graph);
    c2s_node_set_type(k.model->graph->last, "", "Sigmoid");
    assert_true(c2s_graph_digest(k.model->graph) != before);
    c2s_ranges_free(keep_collect(&k, 3, NULL));
    assert_int_equal(k.m.asked_count, 3);
    keep_again(&k);
    c2s_node_set_type(k.model->graph->last, "", "Relu");
    assert_true(c2s_graph_digest(k.model->graph) == before);
    c2s_model *copy = c2s_model_copy(k.model);
    assert_true(c2s_graph_digest(copy->graph) == before);
    c2s_model_destroy(copy);
    c2s_ranges_free(keep_collect(&k, 3, NULL));
    assert_int_equal(k.m.asked_count, 0);
    keep_close(&k);
}

/* Every byte counts; and the bytes of statistics are read with care when the sum is right, too. */
static void damaged_files_are_refused(void **state) {
    (void)state;
    keeping k;
    keep_open(&k);
    c2s_ranges *ranges = keep_collect(&k, 3, NULL);
    char bytes[65536];
    FILE *stream = fopen(k.path, "rb");
    assert_non_null(stream);
    const size_t size = fread(bytes, 1, sizeof bytes, stream);
    fclose(stream);
    assert_true(size > 500 && size < sizeof bytes);
    c2s_random random = {1};
    for (int turn = 0; turn < 200; turn++) {
        const size_t at = (size_t)c2s_random_integer(&random, 0, (int64_t)size - 1);
        const size_t length = turn % 4 ? size : at;
        bytes[at] ^= 0x10;
        stream = fopen(k.path, "wb");
        fwrite(bytes, 1, length, stream);
        fclose(stream);
        bytes[at] ^= 0x10;
        c2s_ranges_cache *other;
        assert_int_equal(c2s_ranges_cache_open(k.path, 1, 5, &other), C2S_ERR_INVALID);
    }
    c2s_byte_vec kept = {0};
    c2s_ranges_write(ranges, &kept);
    for (int turn = 0; turn < 3000; turn++) {
        const size_t at = (size_t)c2s_random_integer(&random, 0, (int64_t)kept.count - 1);
        const char was = kept.at[at];
        char *exact = c2s_alloc(kept.count); /* reads beyond are seen */
        kept.at[at] = (char)c2s_random_bits(&random);
        const size_t length = turn % 3 ? kept.count : at;
        memcpy(exact, kept.at, length);
        c2s_ranges *target = c2s_zalloc(sizeof *target);
        bool taken;
        if (c2s_ranges_read(target, exact, length, &taken) == C2S_OK)
            assert_true(taken);
        c2s_ranges_free(target);
        free(exact);
        kept.at[at] = was;
    }
    c2s_vec_free(&kept);
    c2s_ranges_free(ranges);
    keep_close(&k);
}

/* ---- failures ---- */

static c2s_status broken(const c2s_feed *feed, const c2s_graph *graph, size_t index,
                         c2s_tensor **in) {
    if (index == 1)
        return c2s_fail(C2S_ERR_INVALID, "cat.jpg: no picture");
    return get(feed, graph, index, in);
}

static void failures_name_the_sample(void **state) {
    (void)state;
    c2s_random random = {3};
    c2s_tensor *sample = random_tensor(&random, C2S_FLOAT, 2, (int64_t[]){1, 4}, false);
    made m = {.sample = &sample};
    c2s_feed feed = {.count = 2, .get = broken, .user = &m};
    c2s_model *model = subject();
    c2s_ranges *ranges;
    assert_int_equal(
        c2s_ranges_collect(model->graph, &feed, &c2s_evaluator_reference, NULL, NULL, &ranges),
        C2S_ERR_INVALID);
    assert_non_null(strstr(c2s_error(), "sample 1: cat.jpg: no picture"));
    feed.count = 0;
    assert_int_equal(
        c2s_ranges_collect(model->graph, &feed, &c2s_evaluator_reference, NULL, NULL, &ranges),
        C2S_ERR_INVALID);
    c2s_model_destroy(model);
    c2s_tensor_unref(sample);
}

/* Any number of samples: the greatest gap is at most four times the average; more are a superset.
 */
static void samples_are_spread(void **state) {
    (void)state;
    for (size_t count = 1; count < 70; count += 3) {
        bool before[70] = {0}, now[70];
        for (size_t wanted = 1; wanted <= count; wanted++) {
            c2s_samples_choose(count, wanted, now);
            size_t chosen = 0, gap = 0, last = 0;
            for (size_t k = 0; k < count; k++) {
                assert_true(now[k] || !before[k]);
                chosen += now[k];
                if (now[k]) {
                    gap = k - last > gap ? k - last : gap;
                    last = k;
                }
                before[k] = now[k];
            }
            gap = count - last > gap ? count - last : gap;
            assert_int_equal(chosen, wanted);
            assert_true(gap * wanted <= 4 * count);
        }
    }
    bool all[3];
    c2s_samples_choose(3, 0, all);
    assert_true(all[0] && all[1] && all[2]);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(histograms_grow),
        cmocka_unit_test(histograms_take_extreme_numbers),
        cmocka_unit_test(statistics_are_those_of_plain_loops),
        cmocka_unit_test(channels_of_different_extents_are_given_up),
        cmocka_unit_test(values_are_observed_in_one_run),
        cmocka_unit_test(samples_run_once),
        cmocka_unit_test(what_was_kept_is_told_apart),
        cmocka_unit_test(damaged_files_are_refused),
        cmocka_unit_test(failures_name_the_sample),
        cmocka_unit_test(samples_are_spread),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
