/* SPDX-License-Identifier: Apache-2.0 */
/* Both parts together are all samples, each once. */
#include "unit/make_graph.h"

#include "passes/measure/sample_split.h"

enum { MOST = 200 };
static size_t got[MOST];

static c2s_status get(const c2s_feed *feed, const c2s_graph *graph, size_t index, c2s_tensor **in) {
    (void)feed, (void)graph, (void)in;
    assert_true(index < MOST);
    got[index]++;
    return C2S_OK;
}

static void take_all(const c2s_feed *feed) {
    for (size_t k = 0; k < feed->count; k++)
        assert_int_equal(feed->get(feed, NULL, k, NULL), C2S_OK);
}

static void check(c2s_sample_split *split, size_t count, size_t judged) {
    memset(got, 0, sizeof got);
    take_all(&split->judge);
    for (size_t k = 0; k < count; k++)
        assert_int_equal(got[k], k % (count / judged) == 0 && k < judged * (count / judged));
    take_all(&split->learn);
    for (size_t k = 0; k < MOST; k++)
        assert_int_equal(got[k], k < count);
}

static void parts(void **state) {
    (void)state;
    c2s_sample_split split;
    const c2s_feed all = {.count = 160, .get = get}, odd = {.count = 11, .get = get};
    c2s_sample_split_open(&all, &split);
    check(&split, 160, 40);
    c2s_sample_split_narrow(&split);
    check(&split, 160, 10);
    c2s_sample_split_join(&split);
    assert_int_equal(split.learn.count, 160);
    c2s_sample_split_open(&odd, &split); /* what is left over is for learning */
    assert_int_equal(split.judge.count, 2);
    assert_int_equal(split.learn.count, 9);
    memset(got, 0, sizeof got);
    take_all(&split.learn);
    take_all(&split.judge);
    for (size_t k = 0; k < 11; k++)
        assert_int_equal(got[k], 1);
    c2s_sample_split_narrow(&split); /* too few for that */
    assert_int_equal(split.judge.count, 2);
}

static void few(void **state) {
    (void)state;
    c2s_sample_split split;
    const c2s_feed all = {.count = 5, .get = get};
    c2s_sample_split_open(&all, &split);
    assert_int_equal(split.learn.count, 5);
    assert_int_equal(split.judge.count, 5);
    memset(got, 0, sizeof got);
    take_all(&split.learn);
    take_all(&split.judge);
    for (size_t k = 0; k < 5; k++)
        assert_int_equal(got[k], 2);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(parts), cmocka_unit_test(few)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
