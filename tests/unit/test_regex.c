/* SPDX-License-Identifier: Apache-2.0
 *
 * Regular expressions: RE2's syntax, full matches, linear time.
 */
#include <string.h>
#include <time.h>

#include "ops/regex.h"
#include "shared.h"

static c2s_string string_of(const char *text) {
    return (c2s_string){text, strlen(text)};
}

static bool matches(const char *pattern, const char *text) {
    c2s_regex *regex;
    if (c2s_regex_compile(string_of(pattern), &regex) != C2S_OK)
        fail_msg("%s: %s", pattern, c2s_error());
    bool found = c2s_regex_full_match(regex, string_of(text));
    c2s_regex_free(regex);
    return found;
}

/* Pattern, texts that match, texts that do not; NULL ends a list. */
typedef struct regex_case {
    const char *pattern, *yes[6], *no[6];
} regex_case;

static const regex_case cases[] = {
    {"", {""}, {"a"}},
    {"abc", {"abc"}, {"ab", "abcd", "xabc", ""}},
    {"a|bc|", {"a", "bc", ""}, {"b", "abc", "aa"}},
    {"a*", {"", "a", "aaaa"}, {"b", "aab"}},
    {"a+b?", {"a", "ab", "aaab"}, {"", "b", "abb"}},
    {"a{2,3}", {"aa", "aaa"}, {"a", "aaaa"}},
    {"a{2}", {"aa"}, {"a", "aaa"}},
    {"a{2,}", {"aa", "aaaaa"}, {"a"}},
    {"a{,3}", {"a{,3}"}, {"a", "aaa"}},
    {"a*?b+?c??", {"b", "aabc", "bb"}, {"a", "bcc"}},
    {"(a|b)*c", {"c", "abbac"}, {"ab", "abcc"}},
    {"(?:ab)+", {"ab", "abab"}, {"a", "aba"}},
    {"(?P<year>\\d{4})-(?<month>\\d\\d)", {"2024-07"}, {"24-07", "2024-7"}},
    {".", {"a", "\xc3\xa9", "\xf0\x9f\x98\x80"}, {"", "\n", "ab"}},
    {"(?s).", {"\n"}, {""}},
    {"(?i)stra\xc3\x9f"
     "e",
     {"STRA\xc3\x9f"
      "E",
      "strA\xc3\x9f"
      "e"},
     {"strase"}},
    {"(?i:a)b", {"ab", "Ab"}, {"aB", "AB"}},
    {"a(?i)b", {"ab", "aB"}, {"Ab"}},
    {"(?i)\xc3\xa9", {"\xc3\x89", "\xc3\xa9"}, {"e"}},
    {"[abc]", {"a", "c"}, {"d", "", "ab"}},
    {"[^abc]", {"d", "\n"}, {"a", ""}},
    {"[a-c0-2]+", {"b1", "c2a0"}, {"d", "3"}},
    {"[]a]", {"]", "a"}, {"b"}},
    {"[^]a]", {"b"}, {"]", "a"}},
    {"[a-]", {"a", "-"}, {"b"}},
    {"[\\d_]+", {"1_2"}, {"a"}},
    {"[^\\W\\d]+", {"ab_"}, {"a1"}},
    {"[[:alpha:]][[:^digit:]]", {"ab", "a-"}, {"1b", "a1"}},
    {"\\d\\D\\s\\S\\w\\W", {"1a xz!"}, {"aa xz!", "1a xzz"}},
    {"\\x41\\x{1F600}\\101\\t\\.",
     {"A\xf0\x9f\x98\x80"
      "A\t."},
     {"A"}},
    {"\\Qa.b*\\E+", {"a.b*", "a.b*a.b*"}, {"axb*"}},
    {"^abc$", {"abc"}, {"abc\n"}},
    {"a^b", {NULL}, {"ab", "a^b"}},
    {"(?m)a$\n^b", {"a\nb"}, {"ab"}},
    {"\\Aa\\z", {"a"}, {"aa"}},
    {"\\bfoo\\b.*", {"foo", "foo bar"}, {"foobar"}},
    {"foo\\Bbar", {"foobar"}, {"foo bar"}},
    {"(www\\.)?[\\w.-]+@([\\w-]+\\.)+(com|org)",
     {"a.b-c@x.y.org", "www.q@z.com"},
     {"a@b", "@x.com", "a@x.comm"}},
    {"(a*)*", {"", "aaa"}, {"b"}},
    {"(|a)+", {"", "aa"}, {"b"}},
    {"\\pL+", {"a\xc3\x89\xce\xb1"}, {"a1", "a "}},
    {"\\p{Lu}\\p{Ll}\\p{Nd}\\P{L}",
     {"\xc3\x89z7-"},
     {"Z\xc3\x89"
      "7-",
      "Ez7e"}},
    {"[\\p{Greek}_]+", {"\xce\xb1_\xcf\x89"}, {"a", "\xd0\xb0"}},
    {"\\p{^Latin}\\p{Cyrillic}\\p{Han}", {"1\xd0\xb6\xe6\xbc\xa2"}, {"a\xd0\xb6\xe6\xbc\xa2"}},
    {"\\p{Sc}\\p{Any}[^\\pZ\\pP]", {"\xe2\x82\xac x"}, {"\xe2\x82\xac  ", "$a."}},
    {"(a?){3}a{3}", {"aaa", "aaaaaa"}, {"aa", "aaaaaaa"}},
};

static void patterns_match_what_they_say(void **state) {
    (void)state;
    for (size_t k = 0; k < sizeof cases / sizeof cases[0]; k++) {
        for (int i = 0; i < 6 && cases[k].yes[i]; i++)
            if (!matches(cases[k].pattern, cases[k].yes[i]))
                fail_msg("%s does not match \"%s\"", cases[k].pattern, cases[k].yes[i]);
        for (int i = 0; i < 6 && cases[k].no[i]; i++)
            if (matches(cases[k].pattern, cases[k].no[i]))
                fail_msg("%s matches \"%s\"", cases[k].pattern, cases[k].no[i]);
    }
}

static void wrong_patterns_are_refused(void **state) {
    (void)state;
    static const char *const wrong[] = {"(",        ")",           "a)",    "[",      "[a",
                                        "[b-a]",    "*",           "a|*",   "\\",     "\\y",
                                        "\\x4",     "(?z)a",       "(?P<a", "a{3,2}", "a{1001}",
                                        "[[:no:]]", "\\x{110000}", "(?i",   "\\p{Lu", "\\p"};
    for (size_t k = 0; k < sizeof wrong / sizeof wrong[0]; k++) {
        c2s_regex *regex = NULL;
        if (c2s_regex_compile(string_of(wrong[k]), &regex) != C2S_ERR_INVALID)
            fail_msg("%s was accepted", wrong[k]);
        assert_non_null(strstr(c2s_error(), "pattern"));
    }
}

static void limits_hold(void **state) {
    (void)state;
    c2s_regex *regex = NULL;
    assert_int_equal(c2s_regex_compile(string_of("\\p{Runic}"), &regex), C2S_ERR_UNSUPPORTED);
    assert_int_equal(c2s_regex_compile(string_of("\\C"), &regex), C2S_ERR_UNSUPPORTED);
    assert_int_equal(c2s_regex_compile(string_of("((a{500}){500}){500}"), &regex),
                     C2S_ERR_UNSUPPORTED);
    char deep[2001];
    memset(deep, '(', 1000);
    memset(deep + 1000, ')', 1000);
    deep[2000] = '\0';
    assert_int_equal(c2s_regex_compile(string_of(deep), &regex), C2S_ERR_UNSUPPORTED);
}

/* Backtracking would take 2^1000 steps. */
static void time_is_linear(void **state) {
    (void)state;
    char text[5001];
    memset(text, 'a', 5000);
    text[5000] = '\0';
    clock_t begin = clock();
    assert_false(matches("(a*)*b", text));
    assert_false(matches("(a|a)*c", text));
    assert_true(matches("(a?){1000}a*", text));
    assert_true((double)(clock() - begin) / CLOCKS_PER_SEC < 20);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(patterns_match_what_they_say),
        cmocka_unit_test(wrong_patterns_are_refused),
        cmocka_unit_test(limits_hold),
        cmocka_unit_test(time_is_linear),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
