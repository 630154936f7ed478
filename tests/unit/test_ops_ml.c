/* SPDX-License-Identifier: Apache-2.0
 *
 * Operators on text and those of ai.onnx.ml: results worked out by hand.
 */
#include "run_text.h"

#include "runtime/session.h"

static void words_are_normalized(void **state) {
    (void)state;
    expect_run(
        17,
        "g () => (l, u, e, s) <string[3] x = {\"Monday\", \"\xc3\x89t\xc3\xa9\", \"DAY\"},"
        "string[1,1] one = {\"day\"}>"
        "{ l = StringNormalizer <case_change_action = \"LOWER\", stopwords = [\"monday\"]> (x)"
        "u = StringNormalizer <case_change_action = \"UPPER\", is_case_sensitive = 1,"
        "stopwords = [\"monday\"]> (x)"
        "e = StringNormalizer <stopwords = [\"DAY\"]> (one)"
        "s = StringNormalizer <stopwords = [\"DAY\"], is_case_sensitive = 1> (one) }",
        "[2] \"\xc3\xa9t\xc3\xa9\" \"day\" | [3] \"MONDAY\" \"\xc3\x89T\xc3\x89\" \"DAY\" | "
        "[1,1] \"\" | [1,1] \"day\"");
}

static void text_is_joined_and_split(void **state) {
    (void)state;
    expect_run(20,
               "g () => (y) <string[2,1] a = {\"x\", \"\"}, string[2] b = {\"1\", \"22\"}>"
               "{ y = StringConcat (a, b) }",
               "[2,2] \"x1\" \"x22\" \"1\" \"22\"");
    expect_run(20,
               "g () => (y, n) <string[3] x = {\"a,b,,c\", \"\", \"d\"}>"
               "{ y, n = StringSplit <delimiter = \",\"> (x) }",
               "[3,4] \"a\" \"b\" \"\" \"c\" \"\" \"\" \"\" \"\" \"d\" \"\" \"\" \"\" | [3] 4 1 1");
    expect_run(20,
               "g () => (y, n, z) <string[2] x = {\"  a  b c \", \" \"}>"
               "{ y, n = StringSplit (x) z = StringSplit <maxsplit = 1> (x) }",
               "[2,3] \"a\" \"b\" \"c\" \"\" \"\" \"\" | [2] 3 0 | [2,2] \"a\" \"b c \" \"\" \"\"");
    expect_run(20,
               "g () => (y) <string[3] x = {\"a1\", \"b\", \"\"}>"
               "{ y = RegexFullMatch <pattern = \"[a-z]\\\\d?\"> (x) }",
               "[3] 1 1 0");
}

static void n_grams_are_counted(void **state) {
    (void)state;
    /* Pool: 1-grams 5, 7; 2-grams (5,7), (7,7). Row 5 7 7 5 7; with up to one skipped:
     * (5,7) at 0, 3, and 0+2; (7,7) at 1. */
    expect_run(17,
               "g () => (tf, idf, both) <int64[5] x = {5, 7, 7, 5, 7}>"
               "{ tf = TfIdfVectorizer <mode = \"TF\", min_gram_length = 1, max_gram_length = 2,"
               "max_skip_count = 1, ngram_counts = [0, 2], ngram_indexes = [0, 1, 3, 2],"
               "pool_int64s = [5, 7, 5, 7, 7, 7]> (x)"
               "idf = TfIdfVectorizer <mode = \"IDF\", min_gram_length = 2, max_gram_length = 2,"
               "max_skip_count = 0, ngram_counts = [0, 2], ngram_indexes = [0, 1, 3, 2],"
               "pool_int64s = [5, 7, 5, 7, 7, 7], weights = [1.0, 1.0, 0.5, 0.25]> (x)"
               "both = TfIdfVectorizer <mode = \"TFIDF\", min_gram_length = 1, max_gram_length = 1,"
               "max_skip_count = 0, ngram_counts = [0, 2], ngram_indexes = [0, 1, 3, 2],"
               "pool_int64s = [5, 7, 5, 7, 7, 7], weights = [2.0, 3.0, 1.0, 1.0]> (x) }",
               "[4] 2 3 2 3 | [4] 0 0 0.25 0.5 | [4] 4 9 0 0");
    expect_failure(17,
                   "g () => (y) <int64[2] x = {5, 7}>"
                   "{ y = TfIdfVectorizer <mode = \"TF\", min_gram_length = 1, max_gram_length = 1,"
                   "max_skip_count = 0, ngram_counts = [0, 9], ngram_indexes = [0],"
                   "pool_int64s = [5]> (x) }",
                   C2S_ERR_INVALID, "ngram_counts");
}

static void labels_are_mapped(void **state) {
    (void)state;
    expect_run(
        17,
        "g () => (a, b, c, d) <string[3] s = {\"b\", \"x\", \"a\"}, int64[2] i = {2, 9},"
        "float[3] f = {nan, -0.0, 1}>"
        "{ a = ai.onnx.ml.LabelEncoder <keys_strings = [\"a\", \"b\", \"a\"],"
        "values_int64s = [1, 2, 3], default_int64 = 7> (s)"
        "b = ai.onnx.ml.LabelEncoder <keys_int64s = [1, 2], values_strings = [\"p\", \"q\"]> (i)"
        "c = ai.onnx.ml.LabelEncoder <keys_floats = [nan, 0.0], values_floats = [5.0, 6.0]> (f)"
        "d = ai.onnx.ml.LabelEncoder <classes_strings = [\"a\", \"b\"]> (s) }",
        "[3] 2 7 3 | [2] \"q\" \"_Unused\" | [3] 5 6 0 | [3] 1 -1 0");
    expect_run(
        17,
        "g () => (a, b, h, t) <string[2] s = {\"y\", \"?\"}, int64[2] i = {20, 3},"
        "float[1,2] f = {2.9, 8}>"
        "{ a = ai.onnx.ml.CategoryMapper <cats_int64s = [10, 20], cats_strings = [\"x\", \"y\"]> "
        "(s)"
        "b = ai.onnx.ml.CategoryMapper <cats_int64s = [10, 20], cats_strings = [\"x\", \"y\"],"
        "default_string = \"none\"> (i)"
        "h = ai.onnx.ml.OneHotEncoder <cats_int64s = [1, 2]> (f)"
        "t = ai.onnx.ml.OneHotEncoder <cats_strings = [\"?\", \"y\"]> (s) }",
        "[2] 20 -1 | [2] \"y\" \"none\" | [1,2,2] 0 1 0 0 | [2,2] 0 1 1 0");
    expect_failure(17,
                   "g () => (y) <int64[1] x = {5}>"
                   "{ y = ai.onnx.ml.OneHotEncoder <cats_int64s = [1], zeros = 0> (x) }",
                   C2S_ERR_INVALID, "no category");
    expect_failure(
        17,
        "g () => (y) <int32[1] x = {5}>"
        "{ y = ai.onnx.ml.LabelEncoder <keys_strings = [\"a\"], values_int64s = [1]> (x) }",
        C2S_ERR_INVALID, "keys are of type string");
}

static void features_are_prepared(void **state) {
    (void)state;
    expect_run(17,
               "g () => (b, s, m, l1, l2, i, j, v, z) <float[2,2] x = {3, 4, -1, 0},"
               "int64[2] k = {7, 8}, int64[1] one = {1}>"
               "{ b = ai.onnx.ml.Binarizer <threshold = 3.0> (x)"
               "s = ai.onnx.ml.Scaler <offset = [1.0, 2.0], scale = [2.0]> (x)"
               "m = ai.onnx.ml.Normalizer <norm = \"MAX\"> (x)"
               "l1 = ai.onnx.ml.Normalizer <norm = \"L1\"> (x)"
               "l2 = ai.onnx.ml.Normalizer <norm = \"L2\"> (x)"
               "i = ai.onnx.ml.Imputer <imputed_value_floats = [8.0, 9.0], replaced_value_float = "
               "-1.0> (x)"
               "j = ai.onnx.ml.Imputer <imputed_value_int64s = [5], replaced_value_int64 = 7> (k)"
               "v = ai.onnx.ml.FeatureVectorizer (x, x)"
               "z = ai.onnx.ml.ArrayFeatureExtractor (x, one) }",
               "[2,2] 0 1 0 0 | [2,2] 4 4 -4 -4 | [2,2] 0.75 1 -1 0 | "
               "[2,2] 0.42857 0.57143 -1 0 | [2,2] 0.6 0.8 -1 0 | [2,2] 3 4 8 0 | [2] 5 8 | "
               "[2,4] 3 4 3 4 -1 0 -1 0 | [2,1] 4 0");
}

static void linear_models_are_products(void **state) {
    (void)state;
    expect_run(
        17,
        "g () => (r, y, z) <float[2,2] x = {1, 2, -1, 0}>"
        "{ r = ai.onnx.ml.LinearRegressor <coefficients = [1.0, 2.0, 0.0, -1.0],"
        "intercepts = [0.5, 0.0], targets = 2> (x)"
        "y, z = ai.onnx.ml.LinearClassifier <coefficients = [1.0, 0.0, 0.0, 1.0, -1.0, -1.0],"
        "intercepts = [0.0, 0.0, 0.0], classlabels_strings = [\"a\", \"b\", \"c\"]> (x) }",
        "[2,2] 5.5 -2 -0.5 0 | [2] \"b\" \"c\" | [2,3] 1 2 -3 -1 0 1");
    expect_run(17,
               "g () => (y, z) <float[2,1] x = {0, 2}>"
               "{ y, z = ai.onnx.ml.LinearClassifier <coefficients = [1.0], intercepts = [-1.0],"
               "classlabels_ints = [4, 5], post_transform = \"LOGISTIC\"> (x) }",
               "[2] 4 5 | [2,2] 0.73106 0.26894 0.26894 0.73106");
    expect_run(17,
               "g () => (y, z) <float[2,1] x = {0, 2}>"
               "{ y, z = ai.onnx.ml.LinearClassifier <coefficients = [1.0], intercepts = [-1.0],"
               "classlabels_ints = [4, 5]> (x) }",
               "[2] 4 5 | [2,2] 2 -1 0 1");
    expect_failure(17,
                   "g () => (r) <float[1,3] x = {1, 2, 3}>"
                   "{ r = ai.onnx.ml.LinearRegressor <coefficients = [1.0, 2.0]> (x) }",
                   C2S_ERR_INVALID, "2 coefficients");
}

static void support_vectors_are_weighed(void **state) {
    (void)state;
    /* Vectors (1, 0) and (0, 2), coefficients 2 and -1, rho 0.5; x = (3, 1), |x - v|^2 = 5, 10. */
    static const char *const cases[][2] = {
        {"kernel_type = \"LINEAR\"", "[1,1] 4.5"}, /* 2*3 - 2 + 0.5 */
        {"kernel_type = \"POLY\", kernel_params = [1.0, 1.0, 2.0]",
         "[1,1] 23.5"}, /* 2*16 - 9 + 0.5 */
        {"kernel_type = \"RBF\", kernel_params = [0.0, 0.0, 0.0]", "[1,1] 1.5"},
        {"kernel_type = \"RBF\", kernel_params = [0.1, 0.0, 0.0]", "[1,1] 1.3452"},
        {"kernel_type = \"SIGMOID\", kernel_params = [0.0, 0.0, 0.0]", "[1,1] 0.5"},
        {"kernel_type = \"LINEAR\", one_class = 1", "[1,1] 1"},
    };
    for (size_t k = 0; k < sizeof cases / sizeof cases[0]; k++) {
        char text[512];
        snprintf(text, sizeof text,
                 "g () => (y) <float[1,2] x = {3, 1}> { y = ai.onnx.ml.SVMRegressor <%s,"
                 "n_supports = 2, support_vectors = [1.0, 0.0, 0.0, 2.0],"
                 "coefficients = [2.0, -1.0], rho = [0.5]> (x) }",
                 cases[k][0]);
        expect_run(17, text, cases[k][1]);
    }
    expect_failure(17,
                   "g () => (y) <float[1,3] x = {3, 1, 2}> { y = ai.onnx.ml.SVMRegressor <"
                   "n_supports = 2, support_vectors = [1.0, 0.0, 0.0, 2.0],"
                   "coefficients = [2.0, -1.0], rho = [0.5]> (x) }",
                   C2S_ERR_INVALID, "4 numbers of support vectors");
}

/* x0 <= 1 ? leaf 1 : (x1 > 5 ? leaf 3 : leaf 4) */
#define TREE                                                                                       \
    "nodes_treeids = [0, 0, 0, 0, 0], nodes_nodeids = [0, 1, 2, 3, 4],"                            \
    "nodes_featureids = [0, 0, 1, 0, 0], nodes_values = [1.0, 0.0, 5.0, 0.0, 0.0],"                \
    "nodes_modes = [\"BRANCH_LEQ\", \"LEAF\", \"BRANCH_GT\", \"LEAF\", \"LEAF\"],"                 \
    "nodes_truenodeids = [1, 0, 3, 0, 0], nodes_falsenodeids = [2, 0, 4, 0, 0],"                   \
    "nodes_missing_value_tracks_true = [1, 0, 0, 0, 0]"

static void trees_are_walked(void **state) {
    (void)state;
    expect_run(
        17,
        "g () => (y) <float[4,2] x = {1, 9, 2, 9, 2, 5, nan, 0}>"
        "{ y = ai.onnx.ml.TreeEnsembleRegressor <" TREE ", n_targets = 2,"
        "target_treeids = [0, 0, 0, 0], target_nodeids = [1, 3, 4, 4], target_ids = [0, 1, 0, 1],"
        "target_weights = [10.0, 20.0, 30.0, 40.0], base_values = [1.0, 2.0]> (x) }",
        "[4,2] 11 2 1 22 31 42 11 2");
    expect_run(
        17,
        "g () => (y, z) <float[3,2] x = {1, 9, 2, 9, 2, 5}>"
        "{ y, z = ai.onnx.ml.TreeEnsembleClassifier <" TREE ","
        "class_treeids = [0, 0, 0], class_nodeids = [1, 3, 4], class_ids = [0, 1, 2],"
        "class_weights = [1.0, 1.0, 1.0], classlabels_strings = [\"p\", \"q\", \"r\"]> (x) }",
        "[3] \"p\" \"q\" \"r\" | [3,3] 1 0 0 0 1 0 0 0 1");
    /* Two classes with the weights of one: the score is the second class's probability. */
    expect_run(17,
               "g () => (y, z) <float[3,2] x = {1, 9, 2, 9, 2, 5}>"
               "{ y, z = ai.onnx.ml.TreeEnsembleClassifier <" TREE ","
               "class_treeids = [0, 0, 0], class_nodeids = [1, 3, 4], class_ids = [0, 0, 0],"
               "class_weights = [0.25, 0.75, 0.5], classlabels_int64s = [6, 7]> (x) }",
               "[3] 6 7 6 | [3,2] 0.75 0.25 0.25 0.75 0.5 0.5");
}

/* What a session keeps of the trees serves rows of any number, also after a failure. */
static void kept_trees_serve_every_run(void **state) {
    (void)state;
    const c2s_evaluator *evaluators[] = {&c2s_evaluator_reference, &c2s_evaluator_onednn};
    c2s_model *model = model_of_text(
        17, "g (float[N,C] x) => (y) { y = ai.onnx.ml.TreeEnsembleRegressor <" TREE
            ", target_treeids = [0, 0, 0], target_nodeids = [1, 3, 4], target_ids = [0, 0, 0],"
            "target_weights = [10.0, 20.0, 30.0]> (x) }");
    assert_int_equal(c2s_graph_infer(model->graph), C2S_OK);
    const double values[] = {2, 9, 1, 9, 2, 5}, want[] = {20, 10, 30};
    for (int i = 0; i < 2; i++) {
        c2s_session *session;
        assert_int_equal(evaluators[i]->open(model->graph, NULL, &session), C2S_OK);
        for (int64_t run = 1; run <= 4; run++) {
            int64_t rows = run % 3 + 1, dim[2] = {rows, run == 2 ? 1 : 2};
            c2s_tensor *x, *y;
            assert_int_equal(c2s_tensor_from_f64(C2S_FLOAT, 2, dim, values, &x), C2S_OK);
            c2s_status status = evaluators[i]->run(session, (const c2s_tensor *const *)&x, &y);
            c2s_tensor_unref(x);
            assert_int_equal(status, run == 2 ? C2S_ERR_INVALID : C2S_OK);
            for (int64_t k = 0; status == C2S_OK && k < rows; k++)
                assert_true(c2s_tensor_f64_at(y, (size_t)k) == want[k]);
            if (status == C2S_OK)
                c2s_tensor_unref(y);
        }
        evaluators[i]->close(session);
    }
    c2s_model_destroy(model);
}

static void tree_ensembles_of_version_5(void **state) {
    (void)state;
    /* x0 in {1, 4} ? 2 : (x0 < 3 ? -1 : 5), and a second tree x0 >= 3 ? 10 : 20 */
    expect_run(17,
               "g () => (y) <double[4,1] x = {1, 2, 3, 4}>"
               "{ y = ai.onnx.ml.TreeEnsemble <n_targets = 1, aggregate_function = 1,"
               "post_transform = 0, tree_roots = [0, 2], nodes_featureids = [0, 0, 0],"
               "nodes_modes = uint8[3] {6, 1, 2}, nodes_splits = double[3] {0.0, 3.0, 3.0},"
               "membership_values = double[3] {1.0, 4.0, nan},"
               "nodes_truenodeids = [0, 1, 3], nodes_trueleafs = [1, 1, 1],"
               "nodes_falsenodeids = [1, 2, 4], nodes_falseleafs = [0, 1, 1],"
               "leaf_targetids = [0, 0, 0, 0, 0], leaf_weights = double[5] {2.0, -1.0, 5.0, 10.0, "
               "20.0}> (x) }",
               "[4,1] 22 19 15 12");
}

static void broken_trees_are_refused(void **state) {
    (void)state;
    static const char *const cases[][2] = {
        {"target_treeids = [0], target_nodeids = [9], target_ids = [0], target_weights = [1.0]",
         "has no node 9"},
        {"target_treeids = [0], target_nodeids = [1], target_ids = [3], target_weights = [1.0]",
         "target 3 of 1"},
        {"target_treeids = [0], target_nodeids = [1, 2], target_ids = [0], target_weights = [1.0]",
         "expected 1"},
    };
    for (size_t k = 0; k < sizeof cases / sizeof cases[0]; k++) {
        char text[1024];
        snprintf(text, sizeof text,
                 "g () => (y) <float[1,2] x = {1, 9}>"
                 "{ y = ai.onnx.ml.TreeEnsembleRegressor <" TREE ", %s> (x) }",
                 cases[k][0]);
        expect_failure(17, text, C2S_ERR_INVALID, cases[k][1]);
    }
    expect_failure(17,
                   "g () => (y) <float[1,1] x = {1}>"
                   "{ y = ai.onnx.ml.TreeEnsembleRegressor <" TREE ", target_treeids = [0],"
                   "target_nodeids = [1], target_ids = [0], target_weights = [1.0]> (x) }",
                   C2S_ERR_INVALID, "the trees test 2");
}

static void maps_are_made_and_read(void **state) {
    (void)state;
    expect_run(17,
               "g () => (v, d, s, t) <float[1,3] x = {0.5, 0.25, 2}, int64 zero = {0}>"
               "{ m = ai.onnx.ml.ZipMap <classlabels_int64s = [4, 1, 2]> (x)"
               "one = SequenceAt (m, zero)"
               "v = ai.onnx.ml.DictVectorizer <int64_vocabulary = [1, 9, 4]> (one)"
               "d = ai.onnx.ml.CastMap (one)"
               "s = ai.onnx.ml.CastMap <map_form = \"SPARSE\", max_map = 6> (one)"
               "n = ai.onnx.ml.ZipMap <classlabels_strings = [\"a\", \"b\", \"c\"]> (x)"
               "two = SequenceAt (n, zero)"
               "t = ai.onnx.ml.DictVectorizer <string_vocabulary = [\"c\", \"d\"]> (two) }",
               "[1,3] 0.25 0 0.5 | [1,3] 0.25 2 0.5 | [1,6] 0 0.25 2 0 0.5 0 | [1,2] 2 0");
    /* numbers as text, which is compared as text */
    expect_run(17,
               "g () => (same, i) <float[1,3] x = {0.5, -3.75, 2}, int64 zero = {0},"
               "string[1,3] wanted = {\"-3.75\", \"2\", \"0.5\"}>"
               "{ m = ai.onnx.ml.ZipMap <classlabels_int64s = [4, 1, 2]> (x)"
               "one = SequenceAt (m, zero)"
               "d = ai.onnx.ml.CastMap <cast_to = \"TO_STRING\"> (one)"
               "same = Equal (d, wanted)"
               "i = ai.onnx.ml.CastMap <cast_to = \"TO_INT64\"> (one) }",
               "[1,3] 1 1 1 | [1,3] -3 2 0");
    expect_failure(17,
                   "g () => (m) <float[1,3] x = {0.5, 0.25, 2}>"
                   "{ m = ai.onnx.ml.ZipMap <classlabels_int64s = [4, 1]> (x) }",
                   C2S_ERR_INVALID, "2 labels for 3");
}

/* Values that ONNX Runtime gives; tests/ort/cases/ml.js has more of them. */
static void machines_vote(void **state) {
    (void)state;
    /* One vector each of three classes, K(x, v) = x v: machines x, x, -x + 1 for the pairs. */
#define MACHINES                                                                                   \
    "kernel_type = \"LINEAR\", classlabels_ints = [5, 3, 9], vectors_per_class = [1, 1, 1],"       \
    "support_vectors = [1.0, 1.0, 1.0], coefficients = [1.0, 0.0, 0.0, 1.0, -1.0, 0.0],"           \
    "rho = [0.0, 0.0, 1.0]"
    expect_run(17,
               "g () => (l, s) <float[2,1] x = {2, -1}>"
               "{ l, s = ai.onnx.ml.SVMClassifier <" MACHINES "> (x) }",
               "[2] 5 3 | [2,3] 2 2 -1 -1 -1 2");
    expect_failure(17,
                   "g () => (l) <float[2,2] x = {2, -1, 0, 0}>"
                   "{ l = ai.onnx.ml.SVMClassifier <" MACHINES "> (x) }",
                   C2S_ERR_INVALID, "3 classes, 3 vectors and 2 features");
#undef MACHINES
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(words_are_normalized),
        cmocka_unit_test(text_is_joined_and_split),
        cmocka_unit_test(n_grams_are_counted),
        cmocka_unit_test(labels_are_mapped),
        cmocka_unit_test(features_are_prepared),
        cmocka_unit_test(linear_models_are_products),
        cmocka_unit_test(support_vectors_are_weighed),
        cmocka_unit_test(trees_are_walked),
        cmocka_unit_test(tree_ensembles_of_version_5),
        cmocka_unit_test(broken_trees_are_refused),
        cmocka_unit_test(kept_trees_serve_every_run),
        cmocka_unit_test(maps_are_made_and_read),
        cmocka_unit_test(machines_vote),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
