/* SPDX-License-Identifier: Apache-2.0 */
/* Small models for what few real ones have: cutting units does what zeros in their place do, and
 * saves as much work as was predicted (prune_removal.h). */
#include "run_text.h"

#include "eval/random_inputs.h"
#include "prune_removal.h"

/* Inputs named w... become constants of random numbers, of integers any codes. */
static void give_weights(c2s_model *model) {
    c2s_random random = {5};
    for (unsigned k = c2s_graph_input_count(model->graph); k-- > 0;) {
        c2s_value *value = c2s_graph_input(model->graph, k);
        const bool codes = !c2s_dtype_is_float(value->type.dtype);
        if (value->name[0] != 'w')
            continue;
        double values[1024];
        size_t count;
        c2s_tensor *t;
        assert_true(c2s_type_elements(&value->type, &count) && count <= 1024);
        for (size_t i = 0; i < count; i++)
            values[i] = codes ? (double)c2s_random_integer(&random, 0, 255)
                              : c2s_random_normal(&random) / 4;
        assert_int_equal(
            c2s_tensor_from_f64(value->type.dtype, value->type.rank, value->type.dim, values, &t),
            C2S_OK);
        c2s_value_replace(value, c2s_value_constant(model->graph, value->name, t));
        c2s_graph_drop_input(model->graph, k);
    }
    assert_int_equal(c2s_graph_infer(model->graph), C2S_OK);
}

/* `wanted` groups can be pruned, each alone and all at once. */
static void check(const char *text, size_t wanted) {
    c2s_model *model = model_of_text(23, text), *copy;
    c2s_tensor *in[INPUTS] = {0};
    const c2s_random_options options = {.seed = 1, .sample = 1};
    c2s_prune_groups groups;
    size_t found = 0;
    give_weights(model);
    if (c2s_random_inputs(model->graph, &options, in) != C2S_OK)
        fail_msg("%s\n%s", c2s_error(), text);
    copy = c2s_model_copy(model);
    c2s_prune_groups_find(copy, &groups);
    for (size_t k = 0; k <= groups.groups.count; k++) {
        const c2s_prune_group *g = k < groups.groups.count ? &groups.groups.at[k] : NULL;
        if (g && (g->pin.reason || g->mixed_by))
            continue;
        found += g != NULL;
        const char *why = remove_from(model, g ? k : SIZE_MAX, true, in);
        if (why)
            fail_msg("%s: %s\n%s", g ? g->name : "all groups", why, text);
    }
    if (found != wanted)
        fail_msg("%zu groups can be pruned, expected %zu\n%s", found, wanted, text);
    c2s_prune_groups_free(&groups);
    release(in);
    c2s_model_destroy(model);
    c2s_model_destroy(copy);
}

/* Channels of queries and keys do scores, those of values sums; the bias is added, it multiplies
 * nothing. */
static void attention(void **state) {
    (void)state;
    check("g (float[2,3,8] x, float[8,16] wq, float[8,16] wk, float[8,24] wv, float[56] wb,"
          " float[24,4] wo) => (float y) { q = MatMul (x, wq) k = MatMul (x, wk)"
          " v = MatMul (x, wv)"
          " a = com.microsoft.MultiHeadAttention <num_heads = 4> (q, k, v, wb)"
          " y = MatMul (a, wo) }",
          3);
    check("g (float[2,3,8] x, float[8,6] wi, float[6,48] w, float[48] wb, float[16,4] wo) =>"
          " (float y) { h = MatMul (x, wi) r = Relu (h)"
          " a = com.microsoft.Attention <num_heads = 4> (r, w, wb) y = MatMul (a, wo) }",
          4);
    check("g (float[2,3,8] x, float[8,6] wi, float[6,56] w, float[56] wb, float[24,4] wo) =>"
          " (float y) { h = MatMul (x, wi) r = Relu (h)"
          " a = com.microsoft.Attention <num_heads = 4, qkv_hidden_sizes = [16, 16, 24]> (r, w, wb)"
          " y = MatMul (a, wo) }",
          4);
}

/* The code that stands for 0 is the zero point. */
static void codes(void **state) {
    (void)state;
    check("g (float[1,3,5,5] x, uint8[6,3,3,3] w, uint8[6] wz, uint8[4,6,1,1] wy, uint8[4] wyz) =>"
          " (float y) <float s = {0.05}, uint8 z = {128}, float[6] sw = {1, 1, 1, 1, 1, 1},"
          " float[4] sy = {0.1, 0.1, 0.1, 0.1}> { a = QuantizeLinear (x, s, z)"
          " b = QLinearConv (a, s, z, w, sw, wz, s, z)"
          " c = QLinearConv (b, s, z, wy, sy, wyz, s, z) y = DequantizeLinear (c, s, z) }",
          1);
    check("g (float[2,5] x, float[5,8] w, uint8[8,3] wy, uint8[3] wz) => (float y)"
          " <float[3] s = {0.1, 0.2, 0.3}> { a = MatMul (x, w) b = Relu (a)"
          " d = DequantizeLinear <axis = 1> (wy, s, wz) y = MatMul (b, d) }",
          1);
    check("g (float[2,5] x, float[5,8] w, uint8[8,3] wy, uint8[2,3] wz) => (float y)"
          " <float[2,3] s = {0.1, 0.2, 0.3, 0.4, 0.5, 0.6}> { a = MatMul (x, w) b = Relu (a)"
          " d = DequantizeLinear <axis = 0, block_size = 4> (wy, s, wz) y = MatMul (b, d) }",
          1);
}

/* Halves that take turns along an axis, as rotations of pairs take them: both have one element of
 * each pair. */
static void turns(void **state) {
    (void)state;
    check("g (float[2,5] x, float[5,12] w, float[6,3] wa, float[6,3] wb) => (float y)"
          " <int64[1] b = {0}, int64[1] c = {1}, int64[1] e = {100}, int64[1] a = {1},"
          " int64[1] s = {2}> { h = MatMul (x, w) r = Relu (h) p = Slice (r, b, e, a, s)"
          " q = Slice (r, c, e, a, s) u = MatMul (p, wa) v = MatMul (q, wb) y = Add (u, v) }",
          1);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(attention),
        cmocka_unit_test(codes),
        cmocka_unit_test(turns),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
