/* SPDX-License-Identifier: Apache-2.0 */
/* Windows as rows of a matrix: against what the header of ops/window.h says a window covers, in any
 * pieces; scattering is the transpose of gathering. */
#include "unit/make_graph.h"

#include "base/random.h"
#include "passes/measure/window_rows.h"

enum { MOST = 4000 };

static c2s_window window_of(int rank, c2s_random *random) {
    c2s_window w = {.rank = rank};
    int64_t in[C2S_WINDOW_MAX];
    for (int a = 0; a < rank; a++) {
        in[a] = c2s_random_integer(random, 4, 9);
        w.kernel[a] = c2s_random_integer(random, 1, 3);
        w.stride[a] = c2s_random_integer(random, 1, 3);
        w.dilation[a] = c2s_random_integer(random, 1, 2);
        w.pad_begin[a] = c2s_random_integer(random, 0, 2);
        w.pad_end[a] = c2s_random_integer(random, 0, 2);
    }
    assert_int_equal(c2s_window_resolve(&w, in), C2S_OK);
    return w;
}

/* What kernel position k meets at output position o; SIZE_MAX: padding. */
static size_t met(const c2s_window *w, size_t k, size_t o) {
    size_t at = 0, scale = 1;
    for (int a = w->rank - 1; a >= 0; a--) {
        const int64_t place = (int64_t)(o % (size_t)w->out[a]) * w->stride[a] +
                              (int64_t)(k % (size_t)w->kernel[a]) * w->dilation[a] -
                              w->pad_begin[a];
        if (place < 0 || place >= w->in[a])
            return SIZE_MAX;
        at += (size_t)place * scale;
        scale *= (size_t)w->in[a];
        o /= (size_t)w->out[a];
        k /= (size_t)w->kernel[a];
    }
    return at;
}

static void check(const c2s_window *w, size_t k, c2s_random *random) {
    const size_t in = (size_t)c2s_window_in_size(w), out = (size_t)c2s_window_out_size(w);
    float plane[MOST], row[MOST], added[MOST], expected[MOST] = {0};
    assert_true(in < MOST && out < MOST);
    for (size_t i = 0; i < in; i++)
        plane[i] = (float)(i + 1);
    for (size_t from = 0, to; from < out; from = to) {
        to = from + (size_t)c2s_random_integer(random, 1, 11);
        to = to < out ? to : out;
        c2s_window_gather(w, plane, k, from, to, row + from);
    }
    memcpy(added, plane, in * sizeof *plane);
    memcpy(expected, plane, in * sizeof *plane);
    for (size_t o = 0; o < out; o++) {
        const size_t at = met(w, k, o);
        assert_true(row[o] == (at == SIZE_MAX ? 0 : plane[at]));
        row[o] = (float)(o + 1);
        if (at != SIZE_MAX)
            expected[at] += row[o];
    }
    const size_t half = out / 2;
    c2s_window_scatter(w, row, k, 0, half, added);
    c2s_window_scatter(w, row + half, k, half, out, added);
    assert_memory_equal(added, expected, in * sizeof *added);
}

static void any_window(void **state) {
    (void)state;
    c2s_random random = {5};
    for (int trial = 0; trial < 300; trial++) {
        const c2s_window w = window_of(1 + trial % 3, &random);
        for (size_t k = 0; k < (size_t)c2s_window_kernel_size(&w); k++)
            check(&w, k, &random);
    }
}

static void planes(void **state) {
    (void)state;
    c2s_window w = {.rank = 2, .kernel = {1, 1}, .stride = {1, 1}, .dilation = {1, 1}};
    assert_int_equal(c2s_window_resolve(&w, (int64_t[]){4, 5}), C2S_OK);
    assert_true(c2s_window_is_plane(&w));
    w.stride[1] = 2;
    assert_int_equal(c2s_window_resolve(&w, (int64_t[]){4, 5}), C2S_OK);
    assert_false(c2s_window_is_plane(&w));
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(any_window), cmocka_unit_test(planes)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
