/* SPDX-License-Identifier: Apache-2.0
 *
 * The geometry of windows: extents, pads, and the walk over rows against plain enumeration.
 */
#include "make_graph.h"
#include "ops/window.h"

static c2s_node *bare_node(c2s_model *model) {
    return c2s_node_create(model->graph, NULL, "", "Conv", 0, 1);
}

/* A window over extents `in` from attributes; NULL arrays are left out. */
static c2s_status make_window(c2s_model *model, bool transposed, int rank, const int64_t *kernel,
                              const int64_t *strides, const int64_t *dilations, const int64_t *pads,
                              const char *auto_pad, c2s_window *window) {
    c2s_node *node = bare_node(model);
    size_t n = (size_t)rank;
    c2s_attr_set_ints(node, "kernel_shape", kernel, n);
    if (strides)
        c2s_attr_set_ints(node, "strides", strides, n);
    if (dilations)
        c2s_attr_set_ints(node, "dilations", dilations, n);
    if (pads)
        c2s_attr_set_ints(node, "pads", pads, 2 * n);
    if (auto_pad)
        c2s_attr_set_string(node, "auto_pad", auto_pad);
    return c2s_window_read(node, transposed, rank, NULL, window);
}
#define I(...) ((const int64_t[]){__VA_ARGS__})

static void explicit_pads(void **state) {
    (void)state;
    c2s_model *model = make_model();
    c2s_window w;
    assert_int_equal(
        make_window(model, false, 2, I(3, 2), I(2, 1), I(1, 3), I(1, 0, 1, 2), NULL, &w), C2S_OK);
    assert_int_equal(c2s_window_resolve(&w, I(7, 5)), C2S_OK);
    assert_int_equal(w.out[0], (7 + 2 - 3) / 2 + 1);
    assert_int_equal(w.out[1], 5 + 2 - 4 + 1);
    assert_int_equal(c2s_window_span(&w, 1), 4);
    assert_int_equal(c2s_window_kernel_size(&w), 6);
    assert_int_equal(c2s_window_in_size(&w), 35);
    assert_int_equal(c2s_window_out_size(&w), 16);
    c2s_model_destroy(model);
}

static void same_pads_put_the_odd_one_where_the_name_says(void **state) {
    (void)state;
    c2s_model *model = make_model();
    c2s_window upper, lower;
    assert_int_equal(make_window(model, false, 1, I(2), I(2), NULL, NULL, "SAME_UPPER", &upper), 0);
    assert_int_equal(make_window(model, false, 1, I(2), I(2), NULL, NULL, "SAME_LOWER", &lower), 0);
    assert_int_equal(c2s_window_resolve(&upper, I(5)), C2S_OK);
    assert_int_equal(c2s_window_resolve(&lower, I(5)), C2S_OK);
    assert_int_equal(upper.out[0], 3);
    assert_int_equal(upper.pad_begin[0], 0);
    assert_int_equal(upper.pad_end[0], 1);
    assert_int_equal(lower.pad_begin[0], 1);
    assert_int_equal(lower.pad_end[0], 0);
    c2s_model_destroy(model);
}

static void same_pads_are_never_negative(void **state) {
    (void)state;
    c2s_model *model = make_model();
    c2s_window w;
    assert_int_equal(make_window(model, false, 1, I(1), I(3), NULL, NULL, "SAME_UPPER", &w),
                     C2S_OK);
    assert_int_equal(c2s_window_resolve(&w, I(7)), C2S_OK);
    assert_int_equal(w.out[0], 3);
    assert_int_equal(w.pad_begin[0] + w.pad_end[0], 0);
    c2s_model_destroy(model);
}

static void ceil_mode_drops_a_window_that_starts_behind_the_input(void **state) {
    (void)state;
    static const struct {
        int64_t in, kernel, stride, begin, end, out;
    } rows[] = {
        {5, 2, 2, 0, 0, 3}, /* the last window hangs over */
        {4, 2, 2, 0, 0, 2}, /* nothing left over */
        {2, 3, 3, 1, 1, 1}, /* the second would start at 3, in the padding */
        {3, 3, 3, 1, 1, 2}, /* it starts at 3 of 1 + 3 */
        {3, 1, 4, 0, 0, 1},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        c2s_model *model = make_model();
        c2s_node *node = bare_node(model);
        c2s_attr_set_ints(node, "kernel_shape", &rows[i].kernel, 1);
        c2s_attr_set_ints(node, "strides", &rows[i].stride, 1);
        c2s_attr_set_ints(node, "pads", I(rows[i].begin, rows[i].end), 2);
        c2s_attr_set_int(node, "ceil_mode", 1);
        c2s_window w;
        assert_int_equal(c2s_window_read(node, false, 1, NULL, &w), C2S_OK);
        assert_int_equal(c2s_window_resolve(&w, &rows[i].in), C2S_OK);
        assert_int_equal(w.out[0], rows[i].out);
        c2s_model_destroy(model);
    }
}

static void transposed_extents_and_output_shape(void **state) {
    (void)state;
    c2s_model *model = make_model();
    c2s_node *node = bare_node(model);
    c2s_attr_set_ints(node, "kernel_shape", I(3), 1);
    c2s_attr_set_ints(node, "strides", I(2), 1);
    c2s_window w;
    assert_int_equal(c2s_window_read(node, true, 1, NULL, &w), C2S_OK);
    assert_int_equal(c2s_window_resolve(&w, I(3)), C2S_OK);
    assert_int_equal(w.out[0], 7);
    c2s_attr_set_ints(node, "output_padding", I(1), 1);
    assert_int_equal(c2s_window_read(node, true, 1, NULL, &w), C2S_OK);
    assert_int_equal(c2s_window_resolve(&w, I(3)), C2S_OK);
    assert_int_equal(w.out[0], 8);
    c2s_attr_set_ints(node, "output_shape", I(7), 1); /* one too many: cut off in front */
    assert_int_equal(c2s_window_read(node, true, 1, NULL, &w), C2S_OK);
    assert_int_equal(c2s_window_resolve(&w, I(3)), C2S_OK);
    assert_int_equal(w.out[0], 7);
    assert_int_equal(w.pad_begin[0], 1);
    assert_int_equal(w.pad_end[0], 0);
    c2s_attr_set_string(node, "auto_pad", "SAME_UPPER");
    assert_int_equal(c2s_window_read(node, true, 1, NULL, &w), C2S_OK);
    assert_int_equal(c2s_window_resolve(&w, I(3)), C2S_OK);
    assert_int_equal(w.pad_begin[0], 0);
    assert_int_equal(w.pad_end[0], 1);
    c2s_model_destroy(model);
}

static void symbolic_extents(void **state) {
    (void)state;
    c2s_model *model = make_model();
    c2s_dims *dims = model->dims;
    c2s_dim h = c2s_dim_symbol(dims, "h"), out;
    c2s_window w;
    assert_int_equal(make_window(model, false, 1, I(3), I(2), NULL, I(1, 1), NULL, &w), C2S_OK);
    assert_int_equal(c2s_window_infer(dims, &w, &h, &out), C2S_OK);
    c2s_dim wanted = c2s_dim_add(dims, c2s_dim_floordiv(dims, c2s_dim_sub(dims, h, 1), 2), 1);
    assert_int_equal(out, wanted);
    assert_int_equal(make_window(model, false, 1, I(3), I(1), NULL, I(1, 1), NULL, &w), C2S_OK);
    assert_int_equal(c2s_window_infer(dims, &w, &h, &out), C2S_OK);
    assert_int_equal(out, h);
    assert_int_equal(make_window(model, false, 1, I(5), I(2), NULL, NULL, "SAME_LOWER", &w),
                     C2S_OK);
    assert_int_equal(c2s_window_infer(dims, &w, &h, &out), C2S_OK);
    assert_int_equal(out, c2s_dim_ceildiv(dims, h, 2));
    c2s_model_destroy(model);
}

/* Every pair of output and kernel position that meets the input, and only those, once. */
static void check_walk(const c2s_window *w) {
    int last = w->rank - 1;
    size_t outs = (size_t)c2s_window_out_size(w), kernels = (size_t)c2s_window_kernel_size(w);
    int64_t *found = malloc(outs * kernels * sizeof *found);
    for (size_t i = 0; i < outs * kernels; i++)
        found[i] = -1;
    int64_t k_begin, k_end;
    c2s_window_kernel_columns(w, &k_begin, &k_end);
    for (int64_t r = 0; r < c2s_window_out_rows(w); r++) {
        c2s_window_walk walk;
        for (c2s_window_walk_begin(&walk, w, r); walk.more; c2s_window_walk_next(&walk))
            for (int64_t k = k_begin; k < k_end; k++) {
                int64_t begin, end, column;
                c2s_window_columns(w, k, &begin, &end, &column);
                for (int64_t o = begin; o < end; o++, column += w->stride[last]) {
                    int64_t *slot = found + (r * w->out[last] + o) * (int64_t)kernels +
                                    walk.kernel_row * w->kernel[last] + k;
                    assert_int_equal(*slot, -1);
                    *slot = walk.in_row * w->in[last] + column;
                }
            }
    }
    for (int64_t o = 0; o < (int64_t)outs; o++)
        for (int64_t k = 0; k < (int64_t)kernels; k++) {
            int64_t position[C2S_WINDOW_MAX], o_rest = o, k_rest = k, wanted = 0;
            for (int a = last; a >= 0; a--) {
                position[a] = o_rest % w->out[a] * w->stride[a] +
                              k_rest % w->kernel[a] * w->dilation[a] - w->pad_begin[a];
                o_rest /= w->out[a];
                k_rest /= w->kernel[a];
            }
            for (int a = 0; a <= last && wanted >= 0; a++)
                wanted = position[a] < 0 || position[a] >= w->in[a]
                             ? -1
                             : wanted * w->in[a] + position[a];
            assert_int_equal(found[o * (int64_t)kernels + k], wanted);
        }
    free(found);
}

static void walk_meets_what_enumeration_meets(void **state) {
    (void)state;
    unsigned seed = 1;
    for (int round = 0; round < 200; round++) {
        int rank = 1 + round % 3;
        int64_t kernel[3], stride[3], dilation[3], pads[6], in[3];
        for (int a = 0; a < rank; a++) {
            unsigned r = seed = seed * 1664525u + 1013904223u;
            kernel[a] = 1 + (r >> 8) % 4;
            stride[a] = 1 + (r >> 12) % 3;
            dilation[a] = 1 + (r >> 16) % 3;
            pads[a] = (r >> 20) % 5;
            pads[a + rank] = (r >> 24) % 5;
            in[a] = 1 + (kernel[a] - 1) * dilation[a] + (r >> 28) % 4;
        }
        c2s_model *model = make_model();
        c2s_window w;
        bool transposed = round % 2 == 1;
        assert_int_equal(
            make_window(model, transposed, rank, kernel, stride, dilation, pads, NULL, &w), C2S_OK);
        if (c2s_window_resolve(&w, in) == C2S_OK) {
            if (transposed)
                c2s_window_swap(&w);
            check_walk(&w);
        }
        c2s_model_destroy(model);
    }
}

static void wrong_attributes_are_named(void **state) {
    (void)state;
    c2s_model *model = make_model();
    c2s_window w;
    assert_int_equal(make_window(model, false, 1, I(0), NULL, NULL, NULL, NULL, &w),
                     C2S_ERR_INVALID);
    assert_non_null(strstr(c2s_error(), "kernel_shape"));
    assert_int_equal(make_window(model, false, 1, I(3), I(-1), NULL, NULL, NULL, &w),
                     C2S_ERR_INVALID);
    assert_non_null(strstr(c2s_error(), "strides"));
    assert_int_equal(make_window(model, false, 1, I(3), NULL, I(INT64_MAX), NULL, NULL, &w),
                     C2S_ERR_INVALID);
    assert_non_null(strstr(c2s_error(), "dilations"));
    assert_int_equal(make_window(model, false, 1, I(3), NULL, NULL, NULL, "SAME", &w),
                     C2S_ERR_UNSUPPORTED);
    assert_non_null(strstr(c2s_error(), "SAME"));
    assert_int_equal(make_window(model, false, 1, I(3), NULL, NULL, NULL, NULL, &w), C2S_OK);
    assert_int_equal(c2s_window_resolve(&w, I(1)), C2S_ERR_INVALID);
    assert_non_null(strstr(c2s_error(), "window of 3"));
    assert_int_equal(c2s_window_read(bare_node(model), false, 1, NULL, &w), C2S_ERR_INVALID);
    assert_non_null(strstr(c2s_error(), "kernel_shape is missing"));
    assert_int_equal(c2s_window_read(bare_node(model), false, 0, NULL, &w), C2S_ERR_INVALID);
    c2s_model_destroy(model);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(explicit_pads),
        cmocka_unit_test(same_pads_put_the_odd_one_where_the_name_says),
        cmocka_unit_test(same_pads_are_never_negative),
        cmocka_unit_test(ceil_mode_drops_a_window_that_starts_behind_the_input),
        cmocka_unit_test(transposed_extents_and_output_shape),
        cmocka_unit_test(symbolic_extents),
        cmocka_unit_test(walk_meets_what_enumeration_meets),
        cmocka_unit_test(wrong_attributes_are_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
