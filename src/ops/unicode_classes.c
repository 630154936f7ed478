/* SPDX-License-Identifier: Apache-2.0 */
#include "ops/unicode_classes.h"

#include <string.h>

#include "ops/regex_parse.h"
#include "ops/unicode_classes.inc"

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

static bool give_script(const char *name, size_t size, c2s_code_sink sink, void *user) {
    for (size_t k = 0; k < COUNT(scripts); k++) {
        if (strlen(scripts[k].name) != size || memcmp(scripts[k].name, name, size) != 0)
            continue;
        for (size_t r = scripts[k].first; r < scripts[k].first + scripts[k].count; r++)
            sink(user, script_ranges[r].first, script_ranges[r].last);
        return true;
    }
    return false;
}

bool c2s_unicode_class(const char *name, size_t size, c2s_code_sink sink, void *user) {
    bool known = false;
    if (size == 3 && memcmp(name, "Any", 3) == 0) {
        sink(user, 0, 0x10FFFF);
        return true;
    }
    if (size == 0 || size > 2)
        return give_script(name, size, sink, user);
    for (size_t k = 0; k < COUNT(category_names); k++)
        known = known || memcmp(category_names[k], name, size) == 0;
    uint32_t at = 0, first = 0;
    bool inside = false;
    for (size_t k = 0; known && k < COUNT(category_runs); k++) {
        const bool belongs = memcmp(category_names[category_runs[k] & 31], name, size) == 0;
        if (inside && !belongs)
            sink(user, first, at - 1);
        if (!inside && belongs)
            first = at;
        inside = belongs;
        at += category_runs[k] >> 5;
    }
    if (inside)
        sink(user, first, at - 1);
    return known;
}
