/* SPDX-License-Identifier: Apache-2.0 */
#include "passes/pass.h"

#include <assert.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#define C2S_PASS(symbol) extern const c2s_pass c2s_pass_##symbol;
#include "passes/pass_list.h"
#undef C2S_PASS

static const c2s_pass *const all[] = {
#define C2S_PASS(symbol) &c2s_pass_##symbol,
#include "passes/pass_list.h"
#undef C2S_PASS
};

const c2s_pass *const *c2s_pass_all(size_t *count) {
    *count = sizeof all / sizeof all[0];
    return all;
}

const c2s_pass *c2s_pass_find(const char *name) {
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        if (strcmp(all[i]->name, name) == 0)
            return all[i];
    return NULL;
}

/* True if there is such a rewrite; *always: it cannot be left out. */
static bool find_rewrite(const char *name, bool *always) {
    *always = false;
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
        for (const c2s_rule *const *rule = all[i]->rules; rule && *rule; rule++)
            if (strcmp((*rule)->name, name) == 0)
                return true;
        for (const c2s_rewrite_kind *kind = all[i]->kinds; kind && kind->name; kind++)
            if (strcmp(kind->name, name) == 0) {
                *always = kind->always;
                return true;
            }
    }
    return false;
}

bool c2s_rewrite_exists(const char *name) {
    bool always;
    return find_rewrite(name, &always);
}

c2s_status c2s_rewrite_check_name(const char *name) {
    bool always;
    if (!find_rewrite(name, &always))
        return c2s_fail(C2S_ERR_USAGE, "there is no rewrite \"%s\", see onnx-c2s --list-rules",
                        name);
    return always ? c2s_fail(C2S_ERR_USAGE, "%s cannot be left out", name) : C2S_OK;
}

const char *c2s_option_text(const c2s_options *options, const char *name) {
    for (unsigned i = 0; options->specs && options->specs[i].name; i++)
        if (strcmp(options->specs[i].name, name) == 0)
            return options->values[i];
    assert(false && "the pass declares the option");
    return "";
}

static c2s_status wrong(const c2s_options *options, const char *name, const char *expected) {
    return c2s_fail(C2S_ERR_USAGE, "pass %s: option %s is \"%s\", expected %s", options->pass, name,
                    c2s_option_text(options, name), expected);
}

c2s_status c2s_option_number(const c2s_options *options, const char *name, double min, double max,
                             double *out) {
    const char *text = c2s_option_text(options, name);
    char *end;
    double value = strtod(text, &end);
    if (end == text || *end || isnan(value) || value < min || value > max) {
        char expected[80];
        snprintf(expected, sizeof expected, "a number from %g to %g", min, max);
        return wrong(options, name, expected);
    }
    *out = value;
    return C2S_OK;
}

c2s_status c2s_option_target(const c2s_options *options, const c2s_pass_context *context,
                             bool *ort) {
    const char *text = c2s_option_text(options, "target");
    if (strcmp(text, "auto") == 0)
        text = context->target ? context->target : "generic";
    *ort = strcmp(text, "ort-cpu") == 0;
    return *ort || strcmp(text, "generic") == 0
               ? C2S_OK
               : wrong(options, "target", "auto, generic or ort-cpu");
}

c2s_status c2s_option_bytes(const c2s_options *options, const char *name, uint64_t *out) {
    static const char *const expected = "a number of bytes such as 4096, 64k, 1M or 2G";
    const char *text = c2s_option_text(options, name);
    char *end;
    errno = 0;
    unsigned long long value = strtoull(text, &end, 10);
    if (end == text || errno || *text == '-' || *text == '+')
        return wrong(options, name, expected);
    unsigned shift = 0;
    switch (*end) {
    case 'k':
    case 'K':
        shift = 10;
        break;
    case 'M':
        shift = 20;
        break;
    case 'G':
        shift = 30;
        break;
    default:
        break;
    }
    end += shift ? 1 : 0;
    if (*end || value > UINT64_MAX >> shift)
        return wrong(options, name, expected);
    *out = (uint64_t)value << shift;
    return C2S_OK;
}

c2s_status c2s_option_flag(const c2s_options *options, const char *name, bool *out) {
    static const char *const words[2][4] = {{"no", "false", "off", "0"},
                                            {"yes", "true", "on", "1"}};
    const char *text = c2s_option_text(options, name);
    for (int value = 0; value < 2; value++) {
        for (int i = 0; i < 4; i++) {
            if (strcmp(text, words[value][i]) == 0) {
                *out = value != 0;
                return C2S_OK;
            }
        }
    }
    return wrong(options, name, "yes or no");
}
