/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/arguments.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/status.h"
#include "cli/side_files.h"

const cli_option cli_common_options[] = {
    {'q', "quiet", NULL, "print nothing but errors", CLI_FLAG, offsetof(cli_arguments, quiet)},
    {'v', "verbose", NULL, "say why things were not done; twice for more", CLI_COUNT,
     offsetof(cli_arguments, verbosity)},
    {'h', "help", NULL, "show this help", CLI_FLAG, offsetof(cli_arguments, help)},
    {0}};

static const cli_option *find_long(const cli_verb *verb, const char *name, size_t length) {
    const cli_option *const tables[] = {verb->options, cli_common_options};
    for (size_t t = 0; t < 2; t++)
        for (const cli_option *o = tables[t]; o && o->name; o++)
            if (strlen(o->name) == length && memcmp(o->name, name, length) == 0)
                return o;
    return NULL;
}

static const cli_option *find_letter(const cli_verb *verb, char letter) {
    const cli_option *const tables[] = {verb->options, cli_common_options};
    for (size_t t = 0; t < 2; t++)
        for (const cli_option *o = tables[t]; o && o->name; o++)
            if (o->letter == letter)
                return o;
    return NULL;
}

static bool needs_argument(const cli_option *o) {
    return o->argument && o->argument[0] != '[';
}

/* "4096", "64k", "1M", "2G": powers of 1024. */
static bool parse_bytes(const char *text, uint64_t *out) {
    char *end;
    errno = 0;
    unsigned long long value = strtoull(text, &end, 10);
    unsigned shift = *end == 'k' || *end == 'K' ? 10 : *end == 'M' ? 20 : *end == 'G' ? 30 : 0;
    if (shift)
        end++;
    if (errno || end == text || *end || text[0] == '-' || value > UINT64_MAX >> shift)
        return false;
    *out = value << shift;
    return true;
}

static c2s_status set_dim(const char *text, cli_arguments *arguments) {
    const char *equals = strrchr(text, '=');
    char *end;
    errno = 0;
    long long value = equals ? strtoll(equals + 1, &end, 10) : 0;
    if (!equals || equals == text || errno || end == equals + 1 || *end || value < 0)
        return c2s_fail(C2S_ERR_USAGE, "--dim %s: expected NAME=N with N >= 0", text);
    size_t length = (size_t)(equals - text);
    char *name = c2s_alloc(length + 1);
    memcpy(name, text, length);
    name[length] = '\0';
    c2s_vec_push(&arguments->dims, ((c2s_dim_binding){name, value}));
    return C2S_OK;
}

static c2s_status set_shape(const char *text, cli_arguments *arguments) {
    const char *equals = strrchr(text, '=');
    if (!equals || equals == text)
        return c2s_fail(C2S_ERR_USAGE, "--shape %s: expected INPUT=DIMS such as x=1,3,?,N", text);
    size_t length = (size_t)(equals - text);
    char *name = c2s_alloc(length + 1);
    memcpy(name, text, length);
    name[length] = '\0';
    c2s_vec_push(&arguments->shapes, ((c2s_input_shape){name, equals + 1}));
    return C2S_OK;
}

static c2s_status set_option(const cli_option *o, const char *text, cli_arguments *arguments) {
    void *field = (char *)arguments + o->field;
    char *end;
    errno = 0;
    switch (o->kind) {
    case CLI_FLAG:
        *(bool *)field = true;
        break;
    case CLI_COUNT:
        ++*(int *)field;
        break;
    case CLI_TEXT:
        *(const char **)field = text;
        break;
    case CLI_TEXTS:
        c2s_vec_push((cli_texts *)field, text);
        break;
    case CLI_INTEGER: {
        long long value = strtoll(text, &end, 10);
        if (errno || end == text || *end || value < 0)
            return c2s_fail(C2S_ERR_USAGE, "--%s %s: expected a whole number >= 0", o->name, text);
        *(int64_t *)field = value;
        break;
    }
    case CLI_NUMBER: {
        double value = strtod(text, &end);
        if (errno || end == text || *end || !(value > 0) || value > 1e300)
            return c2s_fail(C2S_ERR_USAGE, "--%s %s: expected a positive number", o->name, text);
        *(double *)field = value;
        break;
    }
    case CLI_DIM:
        return set_dim(text, arguments);
    case CLI_SHAPE:
        return set_shape(text, arguments);
    case CLI_BYTES:
        if (!parse_bytes(text, field) || *(uint64_t *)field == 0)
            return c2s_fail(C2S_ERR_USAGE, "--%s %s: expected bytes such as 64M", o->name, text);
        break;
    case CLI_EXTERNAL:
        arguments->external_data = true;
        if (text && !parse_bytes(text, &arguments->external_threshold))
            return c2s_fail(C2S_ERR_USAGE, "--%s=%s: expected bytes such as 4096 or 64k", o->name,
                            text);
        break;
    }
    return C2S_OK;
}

static c2s_status unknown(const cli_verb *verb, const char *text) {
    return c2s_fail(C2S_ERR_USAGE, "unknown option %s; see onnx-c2s %s%s--help", text, verb->name,
                    verb->name[0] ? " " : "");
}

static c2s_status parse_long(const cli_verb *verb, char **argv, int argc, int *at,
                             cli_arguments *arguments) {
    const char *name = argv[*at] + 2, *equals = strchr(name, '=');
    const cli_option *o = find_long(verb, name, equals ? (size_t)(equals - name) : strlen(name));
    if (!o)
        return unknown(verb, argv[*at]);
    const char *text = equals ? equals + 1 : NULL;
    if (text && !o->argument)
        return c2s_fail(C2S_ERR_USAGE, "--%s takes no value", o->name);
    if (!text && needs_argument(o)) {
        if (*at + 1 >= argc)
            return c2s_fail(C2S_ERR_USAGE, "--%s needs a value: %s", o->name, o->argument);
        text = argv[++*at];
    }
    return set_option(o, text, arguments);
}

static c2s_status parse_letters(const cli_verb *verb, char **argv, int argc, int *at,
                                cli_arguments *arguments) {
    for (const char *letter = argv[*at] + 1; *letter; letter++) {
        const cli_option *o = find_letter(verb, *letter);
        if (!o)
            return unknown(verb, argv[*at]);
        if (!needs_argument(o)) {
            C2S_TRY(set_option(o, NULL, arguments));
            continue;
        }
        const char *text = letter[1] ? letter + 1 : *at + 1 < argc ? argv[++*at] : NULL;
        if (!text)
            return c2s_fail(C2S_ERR_USAGE, "-%c needs a value: %s", *letter, o->argument);
        return set_option(o, text, arguments);
    }
    return C2S_OK;
}

c2s_status cli_parse(const cli_verb *verb, int argc, char **argv, cli_arguments *arguments) {
    bool options_end = false;
    for (int at = 1; at < argc; at++) {
        const char *word = argv[at];
        if (options_end || word[0] != '-' || !word[1])
            c2s_vec_push(&arguments->positional, word);
        else if (strcmp(word, "--") == 0)
            options_end = true;
        else if (word[1] == '-')
            C2S_TRY(parse_long(verb, argv, argc, &at, arguments));
        else
            C2S_TRY(parse_letters(verb, argv, argc, &at, arguments));
    }
    if (arguments->help || arguments->version || arguments->list_rules ||
        arguments->list_metrics)
        return C2S_OK;
    size_t count = arguments->positional.count;
    if (count < verb->least || count > verb->most)
        return c2s_fail(C2S_ERR_USAGE, "usage: onnx-c2s %s; --help says more", verb->usage);
    return cli_check_side_files(arguments);
}

void cli_arguments_free(cli_arguments *arguments) {
    for (size_t i = 0; i < arguments->dims.count; i++)
        free((void *)(uintptr_t)arguments->dims.at[i].name);
    for (size_t i = 0; i < arguments->shapes.count; i++)
        free((void *)(uintptr_t)arguments->shapes.at[i].input);
    c2s_vec_free(&arguments->dims);
    c2s_vec_free(&arguments->shapes);
    c2s_vec_free(&arguments->rules);
    c2s_vec_free(&arguments->skips);
    c2s_vec_free(&arguments->fail_if);
    c2s_vec_free(&arguments->calibration);
    c2s_vec_free(&arguments->from);
    c2s_vec_free(&arguments->to);
    c2s_vec_free(&arguments->connections);
    c2s_vec_free(&arguments->positional);
}

static void print_options(const cli_option *options) {
    for (const cli_option *o = options; o && o->name; o++) {
        char left[64];
        const char *argument = o->argument ? o->argument : "";
        const char *between = !o->argument || argument[0] == '[' ? "" : " ";
        if (o->letter)
            snprintf(left, sizeof left, "-%c, --%s%s%s", o->letter, o->name, between, argument);
        else
            snprintf(left, sizeof left, "    --%s%s%s", o->name, between, argument);
        if (strlen(left) > 26) /* the help goes to a line of its own */
            printf("  %s\n  %-26s %s\n", left, "", o->help);
        else
            printf("  %-26s %s\n", left, o->help);
    }
}

void cli_print_help(const cli_verb *verb) {
    printf("Usage: onnx-c2s %s\n\n%s\n\nOptions:\n", verb->usage, verb->summary);
    print_options(verb->options);
    print_options(cli_common_options);
    if (verb->details)
        printf("\n%s\n", verb->details);
}
