/* SPDX-License-Identifier: Apache-2.0 */
/* Groups of coupled channels: which there are, how wide, why some are pinned; and what cutting does
 * to attributes, shapes and shared constants. What is right follows from the operators' definitions
 * in the ONNX specification; unit.prune_models proves on real models that results stay. */
#include "run_text.h"

#include <stdio.h>
#include <string.h>

#include "base/random.h"
#include "passes/prune/prune_cut.h"

/* Inputs named w... become constants of random numbers. */
static c2s_model *read(const char *text) {
    c2s_model *model = model_of_text(23, text);
    c2s_random random = {3};
    for (unsigned k = c2s_graph_input_count(model->graph); k-- > 0;) {
        c2s_value *value = c2s_graph_input(model->graph, k);
        if (value->name[0] != 'w')
            continue;
        c2s_tensor *t;
        assert_int_equal(c2s_tensor_create(C2S_FLOAT, value->type.rank, value->type.dim, &t),
                         C2S_OK);
        for (size_t i = 0; i < t->count; i++)
            ((float *)c2s_tensor_mutable(t))[i] = (float)c2s_random_normal(&random);
        c2s_value_replace(value, c2s_value_constant(model->graph, value->name, t));
        c2s_graph_drop_input(model->graph, k);
    }
    if (c2s_graph_infer(model->graph) != C2S_OK || c2s_model_verify(model) != C2S_OK)
        fail_msg("%s\n%s", c2s_error(), text);
    return model;
}

/* "name units x granularity; ..." of those that can be pruned ("~": mixing), then "| name: reason"
 * of the others. */
static void check(const char *text, const char *expected) {
    c2s_model *model = read(text);
    c2s_prune_groups groups;
    char found[4000] = "", why[500];
    c2s_prune_groups_find(model, &groups);
    for (int pinned = 0; pinned < 2; pinned++)
        for (size_t k = 0; k < groups.groups.count; k++) {
            const c2s_prune_group *g = &groups.groups.at[k];
            char *at = found + strlen(found);
            const size_t room = sizeof found - strlen(found);
            if ((g->pin.reason != NULL) != (pinned == 1))
                continue;
            if (pinned)
                snprintf(at, room, "| %s: %s ", g->name, c2s_pin_text(&g->pin, why, sizeof why));
            else
                snprintf(at, room, "%s%s %zux%zu; ", g->mixed_by ? "~" : "", g->name, g->units,
                         g->granularity);
        }
    if (strcmp(found, expected) != 0)
        fail_msg("found    %s\nexpected %s\n%s", found, expected, text);
    c2s_prune_groups_free(&groups);
    c2s_model_destroy(model);
}

#define OUT "| y: an output of the graph has the axis "
#define IN  "| a#2: an input of the graph has the axis "

static void channels(void **state) {
    (void)state;
    check("g (float[1,3,6,6] x, float[4,3,3,3] w, float[4] wb, float[2,4,1,1] w2) => (float y) {"
          " a = Conv (x, w, wb) b = Relu (a) y = Conv (b, w2) }",
          "a 4x1; " IN OUT);
    /* a residual joins what makes and reads it, and leaves the branch alone */
    check("g (float[1,3,6,6] x, float[4,3,1,1] w, float[5,4,1,1] wa, float[4,5,1,1] wb,"
          " float[2,4,1,1] wy) => (float y) { a = Conv (x, w) b = Conv (a, wa) c = Relu (b)"
          " d = Conv (c, wb) e = Add (a, d) f = Relu (e) y = Conv (f, wy) }",
          "a 4x1; b 5x1; " IN OUT);
    /* parts of a concatenation, which a squeezed branch scales */
    check("g (float[1,3,4,4] x, float[3,3,1,1] wa, float[2,3,1,1] wb, float[4,5,1,1] ws,"
          " float[5,4,1,1] we, float[2,5,1,1] wy) => (float y) {"
          " a = Conv (x, wa) b = Conv (x, wb) c = Concat <axis = 1> (a, b)"
          " p = GlobalAveragePool (c) s = Conv (p, ws) r = Relu (s) e = Conv (r, we)"
          " f = Mul (c, e) y = Conv (f, wy) }",
          "a 3x1; b 2x1; s 4x1; " IN OUT);
    /* halves of one product gate each other; channels through Reshape into a product */
    check("g (float[2,3,6] x, float[6,8] w, float[8] wb, float[4,6] wy) => (float y)"
          " <int64[2] h = {4, 4}> { a = MatMul (x, w) b = Add (a, wb)"
          " u, g = Split <axis = -1> (b, h) s = Sigmoid (g) m = Mul (u, s) y = MatMul (m, wy) }",
          "a 4x2; " IN OUT);
    check("g (float[2,3,5,5] x, float[4,3,3,3] w, float[36,5] wa, float[5] wb, float[5,2] wc) =>"
          " (float y) <int64[2] s = {0, -1}> { a = Conv (x, w) b = Reshape (a, s)"
          " c = Gemm (b, wa, wb) d = Relu (c) y = MatMul (d, wc) }",
          "a 4x1; c 5x1; " IN "| b: node \"a\" (Conv): it needs the axis as it is "
          "| b#2: node \"a\" (Conv): it needs the axis as it is " OUT);
}

static void factors(void **state) {
    (void)state;
    /* three groups, and two channels within each */
    check("g (float[1,3,6,6] x, float[6,3,1,1] wa, float[6,2,3,3] wg, float[2,6,1,1] wy) =>"
          " (float y) { a = Conv (x, wa) b = Conv <group = 3> (a, wg) y = Conv (b, wy) }",
          "a 3x2; a#2 2x3; b 2x3; "
          "| a#3: an input of the graph has the axis " OUT);
    /* three heads; four channels of queries and keys, five of values */
    check("g (float[2,5,6] x, float[6,12] wq, float[6,12] wk, float[6,15] wv, float[15,6] wo) =>"
          " (float y) <int64[4] h = {0, 0, 3, 4}, int64[4] hv = {0, 0, 3, 5},"
          " int64[3] j = {0, 0, 15}> {"
          " q = MatMul (x, wq) k = MatMul (x, wk) v = MatMul (x, wv)"
          " qh = Reshape (q, h) kh = Reshape (k, h) vh = Reshape (v, hv)"
          " qt = Transpose <perm = [0, 2, 1, 3]> (qh) kt = Transpose <perm = [0, 2, 3, 1]> (kh)"
          " vt = Transpose <perm = [0, 2, 1, 3]> (vh) s = MatMul (qt, kt) p = Softmax (s)"
          " o = MatMul (p, vt) t = Transpose <perm = [0, 2, 1, 3]> (o) f = Reshape (t, j)"
          " y = MatMul (f, wo) }",
          "q 4x3; q#2 3x4; v 5x3; "
          "| q#3: an input of the graph has the axis " OUT);
    /* a shuffle of channels before a grouped convolution: channel 4 g + c comes to 2 c + g; group 0
     * reads c = 0, 1 for both g; its input 0 and that of group 1 are g = 0 of c = 0, 2 */
    check(
        "g (float[1,3,4,4] x, float[8,3,1,1] wa, float[8,1,3,3] wd, float[6,4,1,1] wg,"
        " float[2,6,1,1] wy) => (float y) <int64[5] s = {1, 2, 4, 4, 4}, int64[4] t = {1, 8, 4, 4}>"
        " { a = Conv (x, wa) r = Reshape (a, s) p = Transpose <perm = [0, 2, 1, 3, 4]> (r)"
        " b = Reshape (p, t) d = Conv <group = 8, pads = [1, 1, 1, 1]> (b, wd)"
        " c = Conv <group = 2> (d, wg) y = Conv (c, wy) }",
        "a 2x4; a#2 2x4; c 3x2; | a#3: an input of the graph has the axis " OUT);
}

/* Each step takes the channels along, or the group is a group of them. */
static void layers(void **state) {
    (void)state;
    /* depthwise, transposed convolution, pooling, interpolation */
    check("g (float[1,3,4,4] x, float[4,3,1,1] w, float[4,1,3,3] wd, float[4,5,2,2] wt,"
          " float[2,5,1,1] wy) => (float y) <float[4] s = {1, 1, 2, 2}> {"
          " a = Conv (x, w) b = Conv <group = 4, pads = [1, 1, 1, 1]> (a, wd)"
          " c = MaxPool <kernel_shape = [2, 2]> (b) d = ConvTranspose (c, wt)"
          " e = Resize (d, \"\", s) y = Conv (e, wy) }",
          "a 4x1; d 5x1; " IN OUT);
    /* pixel shuffle: four channels make one; the other way round, one makes four */
    check("g (float[1,3,4,4] x, float[12,3,1,1] w, float[2,3,1,1] wy) => (float y) {"
          " a = Conv (x, w) b = DepthToSpace <blocksize = 2> (a) y = Conv (b, wy) }",
          "a 3x4; " IN OUT);
    check("g (float[1,3,4,4] x, float[3,3,1,1] w, float[2,12,1,1] wy) => (float y) {"
          " a = Conv (x, w) b = SpaceToDepth <blocksize = 2> (a) y = Conv (b, wy) }",
          "a 3x1; " IN OUT);
    /* a scale and a shift, added and multiplied, that are broadcast */
    check("g (float[1,3,4,4] x, float[4,3,1,1] w, float[4,1,1] ws, float[1,4,1,1] wt,"
          " float[2,4,1,1] wy) => (float y) {"
          " a = Conv (x, w) b = Mul (a, ws) c = Add (wt, b) y = Conv (c, wy) }",
          "a 4x1; " IN OUT);
    /* neurons between two products, three dimensions, channels first by a Transpose */
    check("g (float[2,3,6] x, float[6,5] w, float[5] wb, float[6,5] wy) => (float y) {"
          " a = MatMul (x, w) b = Add (a, wb) r = Relu (b)"
          " t = Transpose <perm = [0, 2, 1]> (r) y = MatMul (wy, t) }",
          "a 5x1; " IN "| y: an output of the graph has the axis ");
    /* SwiGLU of two products */
    check("g (float[2,6] x, float[6,5] wa, float[6,5] wb, float[5,3] wy) => (float y) {"
          " a = MatMul (x, wa) b = MatMul (x, wb) s = Sigmoid (a) u = Mul (a, s) m = Mul (u, b)"
          " y = MatMul (m, wy) }",
          "a 5x1; " IN OUT);
    /* an embedding: rows are read by index, columns are channels; tied with the last product */
    check("g (int64[2,4] i, float[9,6] w, float[6,3] wy) => (float y) {"
          " a = Gather (w, i) y = MatMul (a, wy) }",
          "a 6x1; " OUT);
    check("g (int64[4] i, float[9,6] w, float[6,5] wa, float[5,6] wb) => (float y) {"
          " a = Gather (w, i) b = MatMul (a, wa) r = Relu (b) c = MatMul (r, wb) d = Add (a, c)"
          " y = Gemm <transB = 1> (d, w) }",
          "b 5x1; c 6x1; | y: node \"a\" (Gather): it needs the axis as it is ");
}

static void normalisations(void **state) {
    (void)state;
    /* of each channel by itself: it takes its scale along */
    check("g (float[2,3,4,4] x, float[4,3,1,1] w, float[4] ws, float[4] wt, float[4] wm,"
          " float[4] wv, float[2,4,1,1] wy) => (float y) { a = Conv (x, w)"
          " b = BatchNormalization (a, ws, wt, wm, wv) y = Conv (b, wy) }",
          "a 4x1; " IN OUT);
    check("g (float[2,3,4,4] x, float[4,3,1,1] w, float[4] ws, float[4] wt, float[2,4,1,1] wy)"
          " => (float y) { a = Conv (x, w) b = InstanceNormalization (a, ws, wt)"
          " y = Conv (b, wy) }",
          "a 4x1; " IN OUT);
    /* over groups: a whole group goes, or one channel of each, which changes the others */
    check("g (float[2,3,4,4] x, float[6,3,1,1] w, float[6] ws, float[6] wt, float[2,6,1,1] wy)"
          " => (float y) { a = Conv (x, w)"
          " b = GroupNormalization <num_groups = 3> (a, ws, wt) y = Conv (b, wy) }",
          "a 3x2; ~a#2 2x3; "
          "| a#3: an input of the graph has the axis " OUT);
    /* over all channels */
    check("g (float[2,3,6] x, float[6,4] w, float[4] ws, float[4] wt, float[4,2] wy) => (float y) {"
          " a = MatMul (x, w) b = LayerNormalization (a, ws, wt) y = MatMul (b, wy) }",
          "~a 4x1; " IN OUT);
    check("g (float[2,3,6] x, float[6,4] w, float[4] ws, float[4,2] wy) => (float y) {"
          " a = MatMul (x, w) b = RMSNormalization (a, ws) y = MatMul (b, wy) }",
          "~a 4x1; " IN OUT);
    check("g (float[2,3,4,4] x, float[4,3,1,1] w, float[2,4,1,1] wy) => (float y) {"
          " a = Conv (x, w) b = LRN <size = 3> (a) y = Conv (b, wy) }",
          "~a 4x1; " IN OUT);
}

/* Two heads of keys and values, each for two of queries: units are all that goes with one of keys;
 * a query head of each alone; channels of queries and keys, channels of values. */
static void grouped_queries(void **state) {
    (void)state;
    check("g (float[1,5,6] x, float[6,12] wq, float[6,6] wk, float[6,6] wv, float[12,6] wo) =>"
          " (float y) { q = MatMul (x, wq) k = MatMul (x, wk) v = MatMul (x, wv)"
          " a = Attention <q_num_heads = 4, kv_num_heads = 2> (q, k, v) y = MatMul (a, wo) }",
          "q 2x6; q#2 2x6; q#3 3x4; v 3x2; | q#4: an input of the graph has the axis " OUT);
}

static void recurrences(void **state) {
    (void)state;
    /* hidden units, with what reads them, of both directions at once, and of a second layer */
    check("g (float[5,1,6] x, float[2,16,6] w, float[2,16,4] wr, float[2,32] wb, float[8,3] wy) =>"
          " (float y) <int64[3] s = {0, 0, -1}> {"
          " a = LSTM <hidden_size = 4, direction = \"bidirectional\"> (x, w, wr, wb)"
          " t = Transpose <perm = [0, 2, 1, 3]> (a) b = Reshape (t, s) y = MatMul (b, wy) }",
          "a 4x1; | a#2: an input of the graph has the axis "
          "| t: node \"a\" (LSTM): it needs the axis as it is " OUT);
    check("g (float[5,1,6] x, float[1,12,6] w, float[1,12,4] wr, float[1,9,4] wa, float[1,9,3] wb,"
          " float[3,2] wy) => (float y) <int64[1] one = {1}> {"
          " a = GRU <hidden_size = 4> (x, w, wr) b = Squeeze (a, one)"
          " c = GRU <hidden_size = 3> (b, wa, wb) d = Squeeze (c, one) y = MatMul (d, wy) }",
          "a 4x1; c 3x1; | a#2: an input of the graph has the axis " OUT);
}

/* What a body computes for itself is like anything else; what it reads from around it, hands on,
 * or gives is pinned. */
static void bodies(void **state) {
    (void)state;
    check("g (bool c, float[2,6] x, float[6,5] wh, float[5,4] wa, float[4,3] wb, float[5,3] wc) =>"
          " (float y) { h = MatMul (x, wh) y = If <"
          " then_branch = yes () => (float[2,3] t) { a = MatMul (h, wa) r = Relu (a)"
          " t = MatMul (r, wb) },"
          " else_branch = no () => (float[2,3] e) { e = MatMul (h, wc) }> (c) }",
          "a 4x1; | h: an input of the graph has the axis "
          "| h#2: node \"y\" (If): its body takes the axis as it is "
          "| a#2: an input of the graph has the axis | t: an output of the graph has the axis "
          "| e: an input of the graph has the axis | e#2: an output of the graph has the axis ");
    check("g (int64 n, bool c, float[2,6] x, float[6,4] wa, float[4,6] wb) => (float[2,6] y,"
          " float[n,2,6] z) { y, z = Loop <body = turn (int64 i, bool go, float[2,6] s) =>"
          " (bool on, float[2,6] t, float[2,6] u) { on = Identity (go) a = MatMul (s, wa)"
          " r = Relu (a) t = MatMul (r, wb) u = Neg (t) }> (n, c, x) }",
          "a 4x1; | a#2: an input of the graph has the axis "
          "| t: an output of the graph has the axis ");
    check("g (float[2,6] h, float[5,2,6] x, float[6,4] wa, float[4,6] wb) => (float[2,6] y,"
          " float[5,2,6] z) { y, z = Scan <num_scan_inputs = 1, body = turn (float[2,6] s,"
          " float[2,6] v) => (float[2,6] t, float[2,6] u) { q = Add (s, v) a = MatMul (q, wa)"
          " r = Relu (a) t = MatMul (r, wb) u = Neg (t) }> (h, x) }",
          "a 4x1; | q: an input of the graph has the axis "
          "| t: an output of the graph has the axis ");
}

static void pinned(void **state) {
    (void)state;
    check("g (float[1,3,4,4] x, float[4,3,1,1] w, float[2,4,1,1] w2) =>"
          " (float[1,2,4,4] y) { a = Conv (x, w) b = local.Odd (a) y = Conv (b, w2) }",
          "| a: node \"b\" (local.Odd): its operator is not known " IN OUT);
    check("g (float[1,3,4,4] x, int64[2] s, float[4,3,1,1] w, float[64,2] w2) => (float y)"
          " { a = Conv (x, w) b = Reshape (a, s) y = MatMul (b, w2) }",
          "| a: node \"b\" (Reshape): extents that it works with are not known before it runs " IN
              OUT);
    check("g (float[2,6] x, float[6,4] w, float[4,3] w2) => (float y)"
          " { a = MatMul (x, w) n = Softmax <axis = 1> (a) y = MatMul (n, w2) }",
          "~a 4x1; " IN OUT);
}

/* ---- cutting ---- */

/* Removes the first units of the first group; the status, and the model as text. */
static c2s_status cut_first(const char *text, size_t count, char **left) {
    c2s_model *model = read(text);
    c2s_prune_groups groups;
    size_t size;
    c2s_prune_groups_find(model, &groups);
    bool *removed = calloc(groups.groups.at[0].units + 1, 1);
    const bool **all = calloc(groups.groups.count + 1, sizeof *all);
    memset(removed, true, count);
    all[0] = removed;
    const c2s_status status = c2s_prune_cut(&groups, all);
    FILE *stream = open_memstream(left, &size);
    for (const c2s_node *n = model->graph->first; n; n = n->next) {
        fprintf(stream, "%s", n->type);
        for (unsigned k = 0; k < n->formal_count; k++) {
            char type[200];
            fprintf(stream, " %s",
                    c2s_type_text(model->dims, &c2s_node_in(n, k)->type, type, sizeof type));
        }
        fprintf(stream, "; ");
    }
    fclose(stream);
    free(removed);
    free(all);
    c2s_prune_groups_free(&groups);
    c2s_model_destroy(model);
    return status;
}

static void check_cut(const char *text, size_t count, const char *expected) {
    char *left;
    if (cut_first(text, count, &left) != C2S_OK)
        fail_msg("%s\n%s", c2s_error(), text);
    if (strcmp(left, expected) != 0)
        fail_msg("found    %s\nexpected %s", left, expected);
    free(left);
}

static void cuts(void **state) {
    (void)state;
    /* a bias that two convolutions share is cut for one of them */
    const char *const shared =
        "g (float[1,3,4,4] x, float[4,3,1,1] wa, float[4] wb, float[2,4,1,1] wc, float[4,2,1,1] wd)"
        " => (float y) { a = Conv (x, wa, wb) c = Conv (a, wc) y = Conv (c, wd, wb) }";
    check_cut(shared, 0,
              "Conv float[1,3,4,4] float[4,3,1,1] float[4]; Conv float[1,4,4,4] float[2,4,1,1]; "
              "Conv float[1,2,4,4] float[4,2,1,1] float[4]; ");
    check_cut(shared, 3,
              "Conv float[1,3,4,4] float[1,3,1,1] float[1]; Conv float[1,1,4,4] float[2,1,1,1]; "
              "Conv float[1,2,4,4] float[4,2,1,1] float[4]; ");
    /* a weight that two nodes share joins what reads it */
    check_cut("g (float[1,3,4,4] x, float[1,3,4,4] z, float[4,3,1,1] wa, float[2,4,1,1] wc) =>"
              " (float y) { a = Conv (x, wa) b = Conv (z, wa) r = Relu (b) c = Conv (a, wc)"
              " d = Conv (r, wc) y = Add (c, d) }",
              1,
              "Conv float[1,3,4,4] float[3,3,1,1]; Conv float[1,3,4,4] float[3,3,1,1]; "
              "Relu float[1,3,4,4]; Conv float[1,3,4,4] float[2,3,1,1]; "
              "Conv float[1,3,4,4] float[2,3,1,1]; Add float[1,2,4,4] float[1,2,4,4]; ");
}

static void refused_cuts(void **state) {
    (void)state;
    char *left;
    const char *const whole = "g (float[1,3,4,4] x, float[4,3,1,1] w, float[2,4,1,1] w2) =>"
                              " (float y) { a = Conv (x, w) y = Conv (a, w2) }";
    assert_int_equal(cut_first(whole, 4, &left), C2S_ERR_USAGE);
    assert_non_null(strstr(c2s_error(), "nothing would be left of axis"));
    free(left);
    const char *const pinned = "g (float[1,3,4,4] x, float[4,3,1,1] w) => (float y) "
                               "{ y = Conv (x, w) }";
    assert_int_equal(cut_first(pinned, 1, &left), C2S_ERR_USAGE);
    assert_non_null(strstr(c2s_error(), "is pinned: an output of the graph has the axis"));
    free(left);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(channels),
        cmocka_unit_test(factors),
        cmocka_unit_test(layers),
        cmocka_unit_test(normalisations),
        cmocka_unit_test(grouped_queries),
        cmocka_unit_test(recurrences),
        cmocka_unit_test(bodies),
        cmocka_unit_test(pinned),
        cmocka_unit_test(cuts),
        cmocka_unit_test(refused_cuts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
