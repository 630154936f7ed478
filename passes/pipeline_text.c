/* SPDX-License-Identifier: Apache-2.0
 *
 * The pipeline's text, parsed.
 */
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "passes/pipeline.h"

/* A place in the text; tokens are cut out of it by position, the text itself stays. */
typedef struct reader {
    const char *text, *at;
    c2s_pipeline *pipeline;
} reader;

static void skip_space(reader *r) {
    while (isspace((unsigned char)*r->at))
        r->at++;
}

static bool accept(reader *r, char mark) {
    skip_space(r);
    if (*r->at != mark)
        return false;
    r->at++;
    return true;
}

/* Letters, digits, - and _; "" if there are none. */
static const char *read_name(reader *r) {
    skip_space(r);
    const char *start = r->at;
    while (isalnum((unsigned char)*r->at) || *r->at == '-' || *r->at == '_')
        r->at++;
    return c2s_arena_memdup(r->pipeline->arena, start, (size_t)(r->at - start));
}

/* Anything up to the next comma or closing parenthesis, without the spaces around it. */
static const char *read_value(reader *r) {
    skip_space(r);
    const char *start = r->at;
    while (*r->at && *r->at != ',' && *r->at != ')')
        r->at++;
    const char *end = r->at;
    while (end > start && isspace((unsigned char)end[-1]))
        end--;
    return c2s_arena_memdup(r->pipeline->arena, start, (size_t)(end - start));
}

static c2s_status unexpected(const reader *r, const char *expected) {
    size_t place = (size_t)(r->at - r->text) + 1;
    if (!*r->at)
        return c2s_fail(C2S_ERR_USAGE, "pipeline \"%s\" ends too early, expected %s", r->text,
                        expected);
    return c2s_fail(C2S_ERR_USAGE, "pipeline \"%s\": found '%c' at character %zu, expected %s",
                    r->text, *r->at, place, expected);
}

static c2s_status unknown_pass(const char *name) {
    char known[400] = "";
    size_t count, length = 0;
    const c2s_pass *const *all = c2s_pass_all(&count);
    for (size_t i = 0; i < count && length < sizeof known; i++)
        length += (size_t)snprintf(known + length, sizeof known - length, "%s%s", i ? ", " : "",
                                   all[i]->name);
    return c2s_fail(C2S_ERR_USAGE, "there is no pass \"%s\"; there are %s", name, known);
}

static c2s_status unknown_option(const c2s_pass *pass, const char *name) {
    char known[400] = "";
    size_t length = 0;
    for (const c2s_option_spec *s = pass->options; s && s->name && length < sizeof known; s++)
        length += (size_t)snprintf(known + length, sizeof known - length, "%s%s",
                                   s == pass->options ? "" : ", ", s->name);
    return c2s_fail(C2S_ERR_USAGE, "pass %s has no option \"%s\"; it has %s", pass->name, name,
                    known[0] ? known : "none");
}

static int option_index(const c2s_pass *pass, const char *name) {
    for (int i = 0; pass->options && pass->options[i].name; i++)
        if (strcmp(pass->options[i].name, name) == 0)
            return i;
    return -1;
}

static c2s_status read_options(reader *r, c2s_pipeline_step *step) {
    if (accept(r, ')'))
        return C2S_OK;
    do {
        const char *name = read_name(r);
        if (!*name)
            return unexpected(r, "the name of an option");
        int index = option_index(step->pass, name);
        if (index < 0)
            return unknown_option(step->pass, name);
        const char *value = accept(r, '=') ? read_value(r) : "yes";
        if (!*value)
            return unexpected(r, "a value");
        step->options.values[index] = value;
    } while (accept(r, ','));
    return accept(r, ')') ? C2S_OK : unexpected(r, "',' or ')'");
}

static c2s_status read_step(reader *r) {
    const char *name = read_name(r);
    if (!*name)
        return unexpected(r, "the name of a pass");
    c2s_pipeline_step step = {.pass = c2s_pass_find(name)};
    if (!step.pass)
        return unknown_pass(name);
    size_t count = 0;
    while (step.pass->options && step.pass->options[count].name)
        count++;
    step.options.pass = step.pass->name;
    step.options.specs = step.pass->options;
    step.options.values = c2s_arena_array(r->pipeline->arena, count, sizeof(char *));
    for (size_t i = 0; i < count; i++)
        step.options.values[i] = step.pass->options[i].fallback;
    if (accept(r, '('))
        C2S_TRY(read_options(r, &step));
    c2s_vec_push(&r->pipeline->steps, step);
    return C2S_OK;
}

static c2s_status read_pipeline(reader *r) {
    do
        C2S_TRY(read_step(r));
    while (accept(r, ','));
    skip_space(r);
    return *r->at ? unexpected(r, "',' or the end") : C2S_OK;
}

c2s_status c2s_pipeline_parse(const char *text, c2s_pipeline **out) {
    c2s_pipeline *pipeline = c2s_zalloc(sizeof *pipeline);
    pipeline->arena = c2s_arena_create();
    reader r = {.text = text, .at = text, .pipeline = pipeline};
    c2s_status status = strcmp(text, "none") == 0 ? C2S_OK : read_pipeline(&r);
    if (status != C2S_OK) {
        c2s_pipeline_free(pipeline);
        return status;
    }
    *out = pipeline;
    return C2S_OK;
}

void c2s_pipeline_free(c2s_pipeline *pipeline) {
    if (!pipeline)
        return;
    c2s_vec_free(&pipeline->steps);
    c2s_arena_destroy(pipeline->arena);
    free(pipeline);
}

void c2s_pipeline_set(c2s_pipeline *pipeline, const char *pass, const char *option,
                      const char *value) {
    for (size_t i = 0; i < pipeline->steps.count; i++) {
        c2s_pipeline_step *step = &pipeline->steps.at[i];
        int index = strcmp(step->pass->name, pass) == 0 ? option_index(step->pass, option) : -1;
        if (index >= 0)
            step->options.values[index] = c2s_arena_strdup(pipeline->arena, value);
    }
}

bool c2s_pipeline_use(c2s_pipeline *pipeline, const c2s_pass *pass) {
    bool found = false;
    for (size_t i = 0; i < pipeline->steps.count; i++) {
        c2s_pipeline_step *step = &pipeline->steps.at[i];
        if (strcmp(step->pass->name, pass->name) != 0)
            continue;
        step->pass = pass;
        step->options.rules = pass->rules;
        found = true;
    }
    return found;
}
