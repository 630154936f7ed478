/* SPDX-License-Identifier: Apache-2.0
 *
 * The core: dimensions, element conversion, graphs, captures, copies, evaluation.
 */
#include <string.h>

#include "base/memory.h"
#include "eval/evaluator.h"
#include "ir/convert.h"
#include "ir/graph.h"
#include "shared.h"

/* ---- dimensions ---- */

static void dims_are_canonical(void **state) {
    (void)state;
    c2s_dims *d = c2s_dims_create();
    c2s_dim n = c2s_dim_symbol(d, "n"), m = c2s_dim_symbol(d, "m");
    assert_true(c2s_dim_symbol(d, "n") == n);
    assert_true(n != m);
    c2s_dim a = c2s_dim_add(d, c2s_dim_mul(d, n, m), 3);
    c2s_dim b = c2s_dim_add(d, 3, c2s_dim_mul(d, m, n));
    assert_true(a == b);
    assert_string_equal(c2s_dim_text(d, a), "n*m + 3");
    assert_true(c2s_dim_sub(d, a, b) == 0);
    assert_true(c2s_dim_sub(d, a, c2s_dim_mul(d, n, m)) == 3);
    /* (n + 1)(n - 1) = n^2 - 1 */
    c2s_dim square = c2s_dim_mul(d, c2s_dim_add(d, n, 1), c2s_dim_sub(d, n, 1));
    assert_true(square == c2s_dim_sub(d, c2s_dim_mul(d, n, n), 1));
    c2s_dims_destroy(d);
}

static void dims_divide(void **state) {
    (void)state;
    c2s_dims *d = c2s_dims_create();
    c2s_dim n = c2s_dim_symbol(d, "n"), q;
    assert_true(c2s_dim_divides(d, c2s_dim_mul(d, n, 12), 4, &q));
    assert_true(q == c2s_dim_mul(d, n, 3));
    assert_true(c2s_dim_divides(d, c2s_dim_mul(d, n, 12), n, &q) && q == 12);
    assert_false(c2s_dim_divides(d, c2s_dim_add(d, n, 1), 2, &q));
    assert_false(c2s_dim_divides(d, n, 0, &q));
    c2s_dim square = c2s_dim_sub(d, c2s_dim_mul(d, n, n), 1);
    assert_true(c2s_dim_divides(d, square, c2s_dim_add(d, n, 1), &q));
    assert_true(q == c2s_dim_sub(d, n, 1));
    assert_int_equal(c2s_dim_floordiv(d, -7, 2), -4);
    assert_int_equal(c2s_dim_ceildiv(d, 7, 2), 4);
    assert_int_equal(c2s_dim_mod(d, -7, 2), 1);
    /* floor((4n + 9) / 4) = n + 2 */
    c2s_dim e = c2s_dim_add(d, c2s_dim_mul(d, n, 4), 9);
    assert_true(c2s_dim_floordiv(d, e, 4) == c2s_dim_add(d, n, 2));
    /* floor(floor(n / 2) ...) stays an expression and is shared */
    assert_true(c2s_dim_floordiv(d, n, 2) == c2s_dim_floordiv(d, n, 2));
    assert_true(c2s_dim_max(d, n, c2s_dim_add(d, n, 1)) == c2s_dim_add(d, n, 1));
    /* a factor that is no extent makes an unknown integer, one just within is divided out again */
    const c2s_dim most = C2S_DIM_SYMBOLIC + 1;
    assert_true(c2s_dim_divides(d, c2s_dim_mul(d, n, most), n, &q) && q == most);
    c2s_dim beyond = c2s_dim_mul(d, c2s_dim_mul(d, n, -((int64_t)1 << 61)), 2);
    assert_true(c2s_dim_is_fresh(beyond));
    assert_false(c2s_dim_divides(d, beyond, n, &q));
    c2s_dims_destroy(d);
}

static c2s_dim n_is_seven(void *user, const char *name, c2s_dim same) {
    (void)user;
    return strcmp(name, "n") == 0 ? 7 : same;
}

static void dims_read_and_substitute(void **state) {
    (void)state;
    c2s_dims *d = c2s_dims_create();
    static const char *const texts[] = {"2*n + 1", "floor(n + 1, 2)", "n*n - m", "max(m, n)*3",
                                        "mod(n, 4)"};
    static const int64_t with_seven[] = {15, 4, 0, 0, 3};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        c2s_dim read, again;
        assert_true(c2s_dim_parse(d, texts[i], &read));
        assert_true(c2s_dim_parse(d, c2s_dim_text(d, read), &again));
        assert_true(read == again);
        if (with_seven[i])
            assert_int_equal(c2s_dim_substitute(d, read, n_is_seven, NULL), with_seven[i]);
    }
    c2s_dim out;
    assert_false(c2s_dim_parse(d, "2*", &out));
    assert_false(c2s_dim_parse(d, "", &out));
    assert_false(c2s_dim_parse(d, "99999999999999999999", &out));
    char deep[4096];
    memset(deep, '(', sizeof deep - 1);
    deep[sizeof deep - 1] = '\0';
    assert_false(c2s_dim_parse(d, deep, &out));
    c2s_dims *copy = c2s_dims_copy(d);
    c2s_dim n = c2s_dim_symbol(d, "n");
    assert_true(c2s_dim_symbol(copy, "n") == n);
    assert_string_equal(c2s_dim_text(copy, c2s_dim_add(copy, n, 1)), "n + 1");
    c2s_dims_destroy(copy);
    c2s_dims_destroy(d);
}

static void expect_solution(c2s_dims *d, const char *text, int64_t value, int64_t expected) {
    c2s_dim dim;
    const char *symbol;
    int64_t solution = -1;
    assert_true(c2s_dim_parse(d, text, &dim));
    const bool solved = c2s_dim_solve(d, dim, value, &symbol, &solution);
    assert_true(solved == (expected >= 0));
    if (solved)
        assert_int_equal(solution, expected);
}

static void dims_solve(void **state) {
    (void)state;
    c2s_dims *d = c2s_dims_create();
    expect_solution(d, "n", 4, 4);
    expect_solution(d, "n", 0, 0);
    expect_solution(d, "12*n + 1", 25, 2);
    expect_solution(d, "12*n + 1", 26, -1);
    expect_solution(d, "n + 5", 4, -1);
    expect_solution(d, "5 - n", 2, -1); /* solvable, but not needed */
    expect_solution(d, "n + m", 4, -1);
    expect_solution(d, "n*n", 4, -1);
    expect_solution(d, "floor(n, 2)", 4, -1);
    expect_solution(d, "4", 4, -1);
    c2s_dims_destroy(d);
}

static void dims_move_to_another_table(void **state) {
    (void)state;
    c2s_dims *from = c2s_dims_create(), *to = c2s_dims_create();
    static const char *const texts[] = {"2*n*m + 1", "floor(n + 1, 2)", "max(m, n)*3", "7"};
    c2s_dim_symbol(to, "m"); /* handles differ between the two */
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        c2s_dim read, expected;
        assert_true(c2s_dim_parse(from, texts[i], &read));
        assert_true(c2s_dim_parse(to, texts[i], &expected));
        assert_true(c2s_dim_import(to, from, read) == expected);
    }
    c2s_dims_destroy(from);
    c2s_dims_destroy(to);
}

static void dims_do_not_overflow(void **state) {
    (void)state;
    c2s_dims *d = c2s_dims_create();
    c2s_dim huge = ((int64_t)1 << 62) - 1, n = c2s_dim_symbol(d, "n");
    assert_true(c2s_dim_is_fresh(c2s_dim_mul(d, huge, huge)));
    assert_true(c2s_dim_is_fresh(c2s_dim_floordiv(d, n, 0)));
    c2s_dim sum = n;
    for (int i = 0; i < 100; i++) { /* more terms than an expression holds */
        char name[16];
        snprintf(name, sizeof name, "s%d", i);
        sum = c2s_dim_add(d, sum, c2s_dim_symbol(d, name));
    }
    assert_false(c2s_dim_is_known(sum));
    for (int i = 0; i < 100; i++)
        sum = c2s_dim_floordiv(d, c2s_dim_add(d, sum, 1), 3);
    assert_false(c2s_dim_is_known(sum));
    c2s_dims_destroy(d);
}

/* ---- conversion ---- */

static void floats_round_to_even(void **state) {
    (void)state;
    assert_int_equal(c2s_f32_to_f16(1.0f), 0x3c00);
    assert_int_equal(c2s_f32_to_f16(65504.0f), 0x7bff);
    assert_int_equal(c2s_f32_to_f16(65519.996f), 0x7bff);
    assert_int_equal(c2s_f32_to_f16(65520.0f), 0x7c00);
    assert_int_equal(c2s_f32_to_f16(1.0f + 0x1p-11f), 0x3c00); /* tie to even */
    assert_int_equal(c2s_f32_to_f16(1.0f + 3 * 0x1p-11f), 0x3c02);
    assert_int_equal(c2s_f32_to_f16(0x1p-25f), 0); /* tie with zero */
    assert_int_equal(c2s_f32_to_f16(0x1.8p-25f), 1);
    assert_int_equal(c2s_f64_to_f16(1.0 + 0x1p-11 + 0x1p-40), 0x3c01); /* no double rounding */
    for (unsigned i = 0; i < 0x10000; i++) {
        float f = c2s_f16_to_f32((uint16_t)i);
        if (f == f)
            assert_int_equal(c2s_f32_to_f16(f), i);
    }
    assert_int_equal(c2s_f32_to_bf16(1.0f + 0x1p-8f), 0x3f80);
    assert_int_equal(c2s_f32_to_bf16(1.0f + 3 * 0x1p-8f), 0x3f82);
    assert_int_equal(c2s_f32_to_bf16(-0.0f), 0x8000);
}

static void small_floats_round_trip(void **state) {
    (void)state;
    static const c2s_dtype formats[] = {C2S_FLOAT8E4M3FN,   C2S_FLOAT8E4M3FNUZ, C2S_FLOAT8E5M2,
                                        C2S_FLOAT8E5M2FNUZ, C2S_FLOAT4E2M1,     C2S_FLOAT8E8M0};
    static const float largest[] = {448, 240, 57344, 57344, 6, 0x1p127f};
    for (size_t k = 0; k < 6; k++) {
        for (unsigned i = 0; i < (formats[k] == C2S_FLOAT4E2M1 ? 16u : 256u); i++) {
            float f = c2s_f8_to_f32(formats[k], (uint8_t)i);
            if (f == f && f - f == 0)
                assert_int_equal(c2s_f32_to_f8(formats[k], f, true), i);
        }
        uint8_t top = c2s_f32_to_f8(formats[k], 3e38f, true);
        assert_true(c2s_f8_to_f32(formats[k], top) == largest[k]);
    }
    float nan = c2s_f8_to_f32(C2S_FLOAT8E4M3FN, c2s_f32_to_f8(C2S_FLOAT8E4M3FN, 1e6f, false));
    assert_true(nan != nan);
}

static void packed_elements(void **state) {
    (void)state;
    const int64_t in[5] = {-8, 7, -1, 0, 3};
    int64_t out[5];
    uint8_t bytes[3] = {0};
    c2s_store_i64(C2S_INT4, bytes, 0, 5, in);
    assert_int_equal(bytes[0], 0x78); /* the first element in the low bits */
    c2s_load_i64(C2S_INT4, bytes, 0, 5, out);
    assert_memory_equal(in, out, sizeof in);
    c2s_load_i64(C2S_UINT4, bytes, 1, 2, out);
    assert_int_equal(out[0], 7);
    assert_int_equal(out[1], 15);
    c2s_store_i64(C2S_INT2, bytes, 0, 3, (const int64_t[]){-2, 1, -1});
    c2s_load_i64(C2S_INT2, bytes, 0, 3, out);
    assert_int_equal(out[0], -2);
    assert_int_equal(out[2], -1);
    size_t size;
    assert_true(c2s_dtype_size(C2S_INT2, 5, &size) && size == 2);
    assert_false(c2s_dtype_size(C2S_DOUBLE, SIZE_MAX / 4, &size));
}

/* ---- graphs ---- */

static c2s_value *constant_i64(c2s_graph *g, const char *name, int64_t value) {
    c2s_tensor *t;
    assert_int_equal(c2s_tensor_from_i64(C2S_INT64, 0, NULL, &value, &t), C2S_OK);
    return c2s_value_constant(g, name, t);
}

static c2s_node *node(c2s_graph *g, const char *type, c2s_value *a, c2s_value *b) {
    c2s_node *n = c2s_node_create(g, NULL, "test", type, b ? 2 : 1, 1);
    c2s_use_set(&n->inputs[0], a);
    if (b)
        c2s_use_set(&n->inputs[1], b);
    return n;
}

static void sweeping_removes_what_nobody_reads(void **state) {
    (void)state;
    c2s_model *m = c2s_model_create();
    c2s_graph *g = m->graph;
    c2s_type type = c2s_type_scalar(C2S_FLOAT);
    c2s_value *x = c2s_graph_add_input(g, "x", &type);
    c2s_value *dead_weight = constant_i64(g, "w", 3), *weight = constant_i64(g, "w", 4);
    assert_string_equal(weight->name, "w_1");
    c2s_node *a = node(g, "A", x, weight), *b = node(g, "B", a->outputs[0], dead_weight);
    node(g, "C", b->outputs[0], b->outputs[0]);
    c2s_graph_add_output(g, a->outputs[0], "y");
    c2s_graph_add_output(g, a->outputs[0], "y2");
    assert_int_equal(a->outputs[0]->use_count, 3);
    assert_int_equal(c2s_model_verify(m), C2S_OK);
    assert_int_equal(c2s_graph_sweep(g), 2);
    assert_int_equal(g->node_count, 1);
    assert_int_equal(g->initializers.count, 1);
    assert_true(c2s_value_is_output(a->outputs[0]));
    assert_int_equal(c2s_model_verify(m), C2S_OK);
    c2s_model_destroy(m);
}

static void sorting_is_stable_and_finds_cycles(void **state) {
    (void)state;
    c2s_model *m = c2s_model_create();
    c2s_graph *g = m->graph;
    c2s_type type = c2s_type_scalar(C2S_FLOAT);
    c2s_value *x = c2s_graph_add_input(g, "x", &type);
    c2s_node *late = node(g, "Late", x, NULL), *a = node(g, "A", x, NULL),
             *b = node(g, "B", x, NULL);
    c2s_use_set(&late->inputs[0], b->outputs[0]);
    c2s_graph_add_output(g, late->outputs[0], "y");
    assert_int_equal(c2s_model_verify(m), C2S_ERR_INVALID);
    assert_int_equal(c2s_graph_sort(g), C2S_OK);
    assert_ptr_equal(g->first, b);
    assert_ptr_equal(b->next, late);
    assert_ptr_equal(late->next, a);
    assert_int_equal(c2s_model_verify(m), C2S_OK);
    c2s_use_set(&b->inputs[0], late->outputs[0]);
    assert_int_equal(c2s_graph_sort(g), C2S_ERR_INVALID);
    assert_non_null(strstr(c2s_error(), "cycle"));
    c2s_model_destroy(m);
}

static void captures_follow_what_they_capture(void **state) {
    (void)state;
    c2s_model *m = c2s_model_create();
    c2s_graph *g = m->graph;
    c2s_type type = c2s_type_scalar(C2S_FLOAT);
    c2s_value *x = c2s_graph_add_input(g, "x", &type), *w = constant_i64(g, "w", 5);
    c2s_node *outer = node(g, "Outer", x, NULL);
    c2s_graph *first = c2s_graph_create(m, outer, "first"), *second;
    c2s_attr_set_graph(outer, "first", first);
    second = c2s_graph_create(m, outer, "second");
    c2s_attr_set_graph(outer, "second", second);
    c2s_node *inner = node(second, "Inner", NULL, NULL);
    c2s_graph *deep = c2s_graph_create(m, inner, "deep");
    c2s_attr_set_graph(inner, "body", deep);

    c2s_value *seen = c2s_graph_capture(deep, w);
    assert_ptr_equal(seen, c2s_graph_capture(deep, w));
    assert_ptr_equal(seen->constant, w->constant);
    c2s_graph_add_output(deep, node(deep, "Use", seen, NULL)->outputs[0], "d");
    c2s_graph_add_output(second, inner->outputs[0], "s");
    /* A capture of the earlier body shifts the hidden slots of the later one. */
    c2s_value *x_in_first = c2s_graph_capture(first, x);
    c2s_graph_add_output(first, node(first, "Use", x_in_first, NULL)->outputs[0], "f");
    c2s_graph_add_output(g, outer->outputs[0], "y");
    assert_int_equal(outer->input_count, 3);
    assert_ptr_equal(outer->inputs[1].value, x);
    assert_ptr_equal(outer->inputs[2].value, w);
    assert_int_equal(c2s_model_verify(m), C2S_OK);

    c2s_node_resize_inputs(outer, 3);
    assert_int_equal(outer->input_count, 5);
    assert_ptr_equal(outer->inputs[4].value, w);
    c2s_node_trim_inputs(outer);
    assert_int_equal(outer->input_count, 3);
    assert_int_equal(c2s_model_verify(m), C2S_OK);

    c2s_value *other = constant_i64(g, "other", 6);
    c2s_value_replace(w, other);
    assert_ptr_equal(seen->constant, other->constant);

    c2s_model *copy = c2s_model_copy(m);
    assert_int_equal(c2s_model_verify(copy), C2S_OK);
    c2s_node *copied = copy->graph->first;
    assert_int_equal(copied->input_count, 3);
    c2s_graph *copied_deep = c2s_node_body(c2s_node_body(copied, 1)->first, 0);
    assert_ptr_equal(copied_deep->entry->outputs[0]->constant, other->constant);
    c2s_model_destroy(copy);

    /* Without its reader the capture goes, through both levels. */
    c2s_use_set(&deep->first->inputs[0], NULL);
    c2s_graph_sweep(g);
    c2s_graph_sweep(g);
    assert_int_equal(outer->input_count, 2);
    assert_int_equal(g->initializers.count, 0);
    assert_int_equal(c2s_model_verify(m), C2S_OK);
    c2s_model_destroy(m);
}

static void copied_names_are_the_same_and_outlive_their_source(void **state) {
    (void)state;
    c2s_names *names = c2s_names_create();
    const char *a = c2s_name_intern(names, "a");
    assert_string_equal(c2s_name_fresh(names, "a"), "a_1");
    c2s_names *copy = c2s_names_copy(names), *second = c2s_names_copy(copy);
    assert_ptr_equal(c2s_name_find(copy, "a"), a);
    assert_ptr_equal(c2s_name_intern(second, "a"), a);
    assert_ptr_equal(c2s_name_intern(copy, ""), c2s_name_intern(names, ""));
    assert_string_equal(c2s_name_fresh(names, "a"), "a_2");
    assert_null(c2s_name_find(copy, "a_2"));
    assert_string_equal(c2s_name_fresh(copy, "a"), "a_2");
    c2s_names_destroy(names);
    c2s_names_destroy(copy);
    assert_string_equal(a, "a");
    assert_string_equal(c2s_name_fresh(second, "a"), "a_2");
    c2s_names_destroy(second);
}

static void nodes_know_whether_they_have_bodies(void **state) {
    (void)state;
    c2s_model *m = c2s_model_create();
    c2s_node *owner = node(m->graph, "Outer", NULL, NULL);
    c2s_attr_set_int(owner, "first", 1);
    assert_null(c2s_node_body(owner, 0));
    c2s_graph *body = c2s_graph_create(m, owner, "body");
    c2s_attr_set_graph(owner, "first", body); /* in the place of the number */
    assert_ptr_equal(c2s_node_body(owner, 0), body);
    assert_null(c2s_node_body(owner, 1));
    c2s_attr_set_int(owner, "first", 1);
    assert_null(c2s_node_body(owner, 0));
    assert_int_equal(owner->body_attrs, 0);
    c2s_model_destroy(m);
}

static void sealed_inputs_become_initializers(void **state) {
    (void)state;
    c2s_model *m = c2s_model_create();
    c2s_graph *g = m->graph;
    c2s_type type = c2s_type_scalar(C2S_INT64);
    c2s_value *w = c2s_graph_add_input(g, "w", &type), *x = c2s_graph_add_input(g, "x", &type);
    c2s_tensor *t;
    int64_t two = 2;
    assert_int_equal(c2s_tensor_from_i64(C2S_INT64, 0, NULL, &two, &t), C2S_OK);
    w->initial = t;
    c2s_node *a = node(g, "A", w, x);
    c2s_graph_add_output(g, a->outputs[0], "y");
    assert_null(w->constant);
    c2s_value_seal(w);
    assert_ptr_equal(w->constant, t);
    assert_int_equal(c2s_graph_input_count(g), 1);
    assert_ptr_equal(c2s_graph_input(g, 0), x);
    assert_int_equal(x->def_slot, 0);
    assert_int_equal(c2s_model_verify(m), C2S_OK);
    c2s_model_destroy(m);
}

static void attributes(void **state) {
    (void)state;
    c2s_model *m = c2s_model_create();
    c2s_node *n = c2s_node_create(m->graph, NULL, "test", "A", 0, 1);
    c2s_attr_set_int(n, "axis", 3);
    c2s_attr_set_string(n, "mode", "linear");
    c2s_attr_set_ints(n, "pads", (const int64_t[]){1, 2}, 2);
    c2s_attr_set_int(n, "axis", -1);
    assert_int_equal(n->attr_count, 3);
    assert_int_equal(c2s_attr_int(n, "axis", 0), -1);
    assert_int_equal(c2s_attr_int(n, "mode", 7), 7); /* of another kind */
    assert_string_equal(c2s_attr_string(n, "mode", ""), "linear");
    size_t count;
    assert_int_equal(c2s_attr_ints(n, "pads", &count)[1], 2);
    assert_int_equal(count, 2);
    c2s_attr_remove(n, "axis");
    assert_false(c2s_attr_has(n, "axis"));
    assert_true(c2s_attr_has(n, "pads"));
    c2s_model_destroy(m);
}

/* ---- tensors ---- */

static void tensors_refuse_bad_sizes(void **state) {
    (void)state;
    c2s_tensor *t;
    assert_int_equal(c2s_tensor_create(C2S_FLOAT, 2, (const int64_t[]){-1, 2}, &t),
                     C2S_ERR_INVALID);
    assert_int_equal(
        c2s_tensor_create(C2S_FLOAT, 2, (const int64_t[]){INT64_C(1) << 40, INT64_C(1) << 40}, &t),
        C2S_ERR_MEMORY);
    assert_int_equal(c2s_tensor_create(C2S_FLOAT, 3, (const int64_t[]){0, INT64_C(1) << 61, 8}, &t),
                     C2S_OK);
    assert_int_equal(t->count, 0);
    c2s_tensor_unref(t);
    c2s_bytes *bytes = c2s_bytes_alloc(16);
    assert_int_equal(c2s_tensor_view(C2S_FLOAT, 1, (const int64_t[]){4}, bytes, 4, &t),
                     C2S_ERR_INVALID);
    assert_int_equal(c2s_tensor_view(C2S_FLOAT, 1, (const int64_t[]){3}, bytes, 4, &t), C2S_OK);
    c2s_bytes_unref(bytes);
    c2s_tensor_unref(t);
}

static void errors_are_one_line_with_layers(void **state) {
    (void)state;
    assert_int_equal(c2s_fail(C2S_ERR_INVALID, "scale is %d\nat\x01here", 0), C2S_ERR_INVALID);
    c2s_note("node \"%s\"", "conv1");
    c2s_note("m.onnx");
    assert_string_equal(c2s_error(), "m.onnx: node \"conv1\": scale is 0?at?here");
    char long_text[5000];
    memset(long_text, 'x', sizeof long_text - 1);
    long_text[sizeof long_text - 1] = '\0';
    for (int i = 0; i < 10; i++)
        c2s_note("%s", long_text);
    assert_true(strlen(c2s_error()) < 2000);
    c2s_error_clear();
    assert_string_equal(c2s_error(), "");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(dims_are_canonical),
        cmocka_unit_test(dims_divide),
        cmocka_unit_test(dims_read_and_substitute),
        cmocka_unit_test(dims_solve),
        cmocka_unit_test(dims_move_to_another_table),
        cmocka_unit_test(dims_do_not_overflow),
        cmocka_unit_test(floats_round_to_even),
        cmocka_unit_test(small_floats_round_trip),
        cmocka_unit_test(packed_elements),
        cmocka_unit_test(copied_names_are_the_same_and_outlive_their_source),
        cmocka_unit_test(nodes_know_whether_they_have_bodies),
        cmocka_unit_test(sweeping_removes_what_nobody_reads),
        cmocka_unit_test(sorting_is_stable_and_finds_cycles),
        cmocka_unit_test(captures_follow_what_they_capture),
        cmocka_unit_test(sealed_inputs_become_initializers),
        cmocka_unit_test(attributes),
        cmocka_unit_test(tensors_refuse_bad_sizes),
        cmocka_unit_test(errors_are_one_line_with_layers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
