/* SPDX-License-Identifier: Apache-2.0 */
/* Conditions on metrics: what they mean, by values worked out by hand, and what is refused. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "shared.h"

#include "eval/metric_expr.h"

/* sqnr 25 dB, bytes 1000 where 800 are expected, top1_drop 0.5; nothing else. */
static c2s_metrics measured(void) {
    c2s_metrics m;
    c2s_metrics_clear(&m);
    m.value[C2S_METRIC_SQNR] = 25;
    m.value[C2S_METRIC_BYTES] = 1000;
    m.reference[C2S_METRIC_BYTES] = 800;
    m.value[C2S_METRIC_TOP1_DROP] = 0.5;
    m.value[C2S_METRIC_PSNR] = INFINITY;
    return m;
}

static c2s_metric_expr *parse(const char *text) {
    c2s_metric_expr *expr;
    if (c2s_metric_expr_parse(text, &expr) != C2S_OK)
        fail_msg("%s: %s", text, c2s_error());
    return expr;
}

/* Any clause holds. */
static bool holds(const char *text) {
    const c2s_metrics m = measured();
    c2s_metric_expr *expr = parse(text);
    bool any = false;
    for (unsigned k = 0; k < c2s_metric_expr_clauses(expr); k++) {
        bool one;
        if (c2s_metric_expr_holds(expr, k, &m, &one) != C2S_OK)
            fail_msg("%s: %s", text, c2s_error());
        any = any || one;
    }
    c2s_metric_expr_free(expr);
    return any;
}

static void computes_as_in_c(void **state) {
    (void)state;
    static const struct {
        const char *text;
        bool holds;
    } cases[] = {
        {"sqnr < 25", false},
        {"sqnr <= 25", true},
        {"sqnr >= 25", true},
        {"sqnr == 25", true},
        {"sqnr != 25", false},
        {"sqnr > 24.9", true},
        {"!(sqnr > 24.9)", false},
        {"bytes > 1.0*ref", true},
        {"bytes > 1.25*ref", false},
        {"bytes >= ref + 200", true},
        {"bytes - ref > 200", false},
        {"ref < bytes", true},
        {"bytes / ref > 1.2", true},
        {"1 - 2 - 3 + sqnr == 21", true},
        {"2 + 3 * sqnr == 77", true},
        {"(2 + 3) * sqnr == 125", true},
        {"100 / 5 / 2 + sqnr == 35", true},
        {"-sqnr < -24 && top1_drop <= 0.5", true},
        {"- - sqnr == 25", true},
        {"top1_drop > 0.5 || sqnr < 25 || bytes > 1.5*ref", false},
        {"top1_drop > 0.5 || sqnr < 25 || bytes > 1.0*ref", true},
        {"sqnr < 0 && sqnr < 0 || sqnr > 0", true},
        {"sqnr > 0 || sqnr < 0 && sqnr < 0", true},
        {"(sqnr > 0 || sqnr < 0) && sqnr < 0", false},
        {"psnr > 1e300", true}, /* infinite */
        {"psnr<1e3", false},
        {"  sqnr<26&&!(bytes<10)  ", true},
        {".5 == top1_drop", true},
        {"5e-1 == top1_drop", true},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        if (holds(cases[i].text) != cases[i].holds)
            fail_msg("%s: expected %d", cases[i].text, cases[i].holds);
}

static void refuses(void **state) {
    (void)state;
    static const struct {
        const char *text, *message;
    } cases[] = {
        {"", "it ends at character 1"},
        {"sqnr", "expected a condition"},
        {"sqnr <", "it ends at character 7, expected the name of a metric, a number or ("},
        {"sqnr < 3 )", "found ')' at character 10, expected an operator"},
        {"(sqnr < 3", "expected )"},
        {"sqnr < 3 &", "found '&' at character 10"},
        {"sqnr < 3 && 4", "expected a condition"},
        {"!sqnr > 24.9", "expected a condition"},
        {"-(sqnr > 3) > 2", "expected a number, not a condition"},
        {"(sqnr > 3) > 2", "expected a number, not a condition"},
        {"2 > (sqnr > 3)", "expected a number, not a condition"},
        {"(sqnr > 3) + 1 > 2", "expected a number, not a condition"},
        {"3 > 2 > 1", "found '> 1' at character 7"},
        {"snqr < 3", "\"snqr\" is not the name of a metric; there are ref max_abs"},
        {"snqr < 3", "top1_drop"},
        {"sqnr < ref + bytes", "found several of them, expected one"},
        {"ref > 3", "found none of them, expected one"},
        {"sqnr = 3", "found '= 3' at character 6"},
        {"sqnr < 1e999", "expected a number"},
        {"sqnr < 3; bytes > 3", "found '; bytes > 3' at character 9"},
        {"sqnr < $x", "found '$x'"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        c2s_metric_expr *expr;
        assert_int_equal(c2s_metric_expr_parse(cases[i].text, &expr), C2S_ERR_USAGE);
        assert_null(expr);
        if (!strstr(c2s_error(), cases[i].message))
            fail_msg("%s: expected %s, found %s", cases[i].text, cases[i].message, c2s_error());
    }
}

static void has_bounds(void **state) {
    (void)state;
    enum { SIZE = 100000 };
    char *text = calloc(SIZE + 64, 1);
    const struct {
        const char *part, *end;
    } cases[] = {{"(", ""},
                 {"-", "1 < sqnr"},
                 {"!", "(1 < sqnr)"},
                 {"1+", "1 < sqnr"},
                 {"sqnr < 1 || ", "sqnr < 1"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        text[0] = '\0';
        char *at = text;
        while (at - text < SIZE)
            at += sprintf(at, "%s", cases[i].part);
        strcpy(at, cases[i].end);
        c2s_metric_expr *expr;
        assert_int_equal(c2s_metric_expr_parse(text, &expr), C2S_ERR_USAGE);
    }
    free(text);
    c2s_metric_expr_free(parse("((((((((((sqnr < 3))))))))))"));
}

static void needs_what_it_names(void **state) {
    (void)state;
    const c2s_metrics m = measured();
    bool result;
    c2s_metric_expr *expr = parse("sqnr < ref || kl > 3");
    assert_int_equal(c2s_metric_expr_holds(expr, 0, &m, &result), C2S_ERR_USAGE);
    assert_non_null(strstr(c2s_error(), "sqnr has no reference"));
    assert_int_equal(c2s_metric_expr_holds(expr, 1, &m, &result), C2S_ERR_USAGE);
    assert_non_null(strstr(c2s_error(), "kl was not measured"));
    assert_true(c2s_metric_expr_uses(expr, C2S_METRIC_KL));
    assert_false(c2s_metric_expr_uses(expr, C2S_METRIC_BYTES));
    c2s_metric_expr_free(expr);
}

/* Nothing passes, or fails, because of what is no number. As in C, what is decided is not computed
 * any further. */
static void needs_numbers(void **state) {
    (void)state;
    const c2s_metrics m = measured();
    static const char *const without[] = {"psnr - psnr < 0",
                                          "psnr / psnr != 1",
                                          "0 / 0 > sqnr",
                                          "!((bytes - 1000) / 0 > 1)",
                                          "psnr * 0 < 1",
                                          "sqnr > 0 && 0 / 0 > 1",
                                          "(sqnr < 0 || 0 / 0 > 1) && sqnr > 0"};
    for (size_t i = 0; i < sizeof without / sizeof *without; i++) {
        bool result;
        c2s_metric_expr *expr = parse(without[i]);
        if (c2s_metric_expr_holds(expr, 0, &m, &result) != C2S_ERR_USAGE ||
            !strstr(c2s_error(), "no number"))
            fail_msg("%s was taken", without[i]);
        c2s_metric_expr_free(expr);
    }
    assert_false(holds("sqnr < 0 && 0 / 0 > 1"));
    assert_true(holds("(sqnr > 0 || 0 / 0 > 1) && bytes > 0"));
    assert_true(holds("bytes / 0 > 1"));
    assert_false(holds("-psnr > -1"));
}

static void clauses_are_what_stands_between_ors(void **state) {
    (void)state;
    c2s_metric_expr *expr = parse(" sqnr < 3||(kl > 1 || psnr < 2) && bytes > ref || top1 < 9 ");
    assert_int_equal(c2s_metric_expr_clauses(expr), 3);
    assert_string_equal(c2s_metric_expr_clause(expr, 0), "sqnr < 3");
    assert_string_equal(c2s_metric_expr_clause(expr, 1), "(kl > 1 || psnr < 2) && bytes > ref");
    assert_string_equal(c2s_metric_expr_clause(expr, 2), "top1 < 9");
    assert_true(c2s_metric_expr_clause_uses(expr, 1, C2S_METRIC_BYTES, true));
    assert_true(c2s_metric_expr_clause_uses(expr, 1, C2S_METRIC_PSNR, false));
    assert_false(c2s_metric_expr_clause_uses(expr, 1, C2S_METRIC_PSNR, true));
    assert_false(c2s_metric_expr_clause_uses(expr, 0, C2S_METRIC_BYTES, true));
    c2s_metric_expr_free(expr);
}

static void names_are_different(void **state) {
    (void)state;
    for (int i = 0; i < C2S_METRIC_COUNT; i++) {
        c2s_metric_id id;
        const char *name = c2s_metric_all[i].name;
        assert_true(c2s_metric_find(name, strlen(name), &id) && (int)id == i);
        assert_true(strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_") == strlen(name));
        assert_true(strlen(c2s_metric_all[i].summary) > 4);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(computes_as_in_c),
        cmocka_unit_test(refuses),
        cmocka_unit_test(has_bounds),
        cmocka_unit_test(needs_what_it_names),
        cmocka_unit_test(needs_numbers),
        cmocka_unit_test(clauses_are_what_stands_between_ors),
        cmocka_unit_test(names_are_different),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
