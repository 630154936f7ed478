/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/format.h"

#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "c2s.h"

/* Floats come first, for other passes to see them; codes are rewritten when all else is done. */
static const struct format {
    const char *name, *first, *last;
} formats[] = {
    {"float", "cleanup,quantized_form(to=float)", ""},
    {"qdq", "", "quantized_form(to=qdq)"},
    {"qoperator", "", "quantized_form(to=qoperator)"},
};

static const char *comma(const char *a, const char *b) {
    return *a && *b ? "," : "";
}

c2s_status cli_format_passes(const cli_arguments *a, char **out) {
    const struct format *format = NULL;
    *out = NULL;
    if (!a->format)
        return C2S_OK;
    for (size_t i = 0; i < sizeof formats / sizeof *formats; i++)
        if (strcmp(formats[i].name, a->format) == 0)
            format = &formats[i];
    if (!format)
        return c2s_fail(C2S_ERR_USAGE, "--format %s, expected qdq, qoperator or float", a->format);
    const char *usual = a->rules.count ? C2S_DEFAULT_PASSES_WITH_RULES : C2S_DEFAULT_PASSES;
    const char *passes = !a->passes ? usual : strcmp(a->passes, "none") == 0 ? "" : a->passes;
    const size_t size = strlen(format->first) + strlen(passes) + strlen(format->last) + 3;
    *out = c2s_alloc(size);
    snprintf(*out, size, "%s%s%s%s%s", format->first, comma(format->first, passes), passes,
             comma(passes, format->last), format->last);
    return C2S_OK;
}
