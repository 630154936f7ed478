/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/side_files.h"

#include <string.h>
#include <sys/stat.h>

#include "base/status.h"

/* Whether or not there is a file of that name yet. Streams and devices may be written to twice. */
static bool is_same(const char *a, const char *b) {
    struct stat x, y;
    if (strcmp(a, "-") == 0 || strcmp(b, "-") == 0)
        return false;
    const bool has_x = stat(a, &x) == 0, has_y = stat(b, &y) == 0;
    if (has_x && has_y)
        return S_ISREG(x.st_mode) && x.st_dev == y.st_dev && x.st_ino == y.st_ino;
    return !has_x && !has_y && strcmp(a, b) == 0;
}

static bool is_one_of(const char *path, const cli_texts *texts) {
    for (size_t i = 0; i < texts->count; i++)
        if (is_same(path, texts->at[i]))
            return true;
    return false;
}

c2s_status cli_check_side_files(const cli_arguments *a) {
    const struct {
        const char *path, *option;
    } written[] = {{a->report, "--report"},
                   {a->log_rewrites, "--log-rewrites"},
                   {a->junit, "--junit"},
                   {a->markdown, "--markdown"},
                   {a->update ? a->baseline : NULL, "--baseline"},
                   {a->calibration_cache, "--calib-cache"}};
    const char *read[] = {a->data, a->against, a->update ? NULL : a->baseline};
    for (size_t i = 0; i < sizeof written / sizeof *written; i++) {
        const char *path = written[i].path;
        if (!path)
            continue;
        bool taken = is_one_of(path, &a->positional) || is_one_of(path, &a->calibration) ||
                     is_one_of(path, &a->rules);
        for (size_t k = 0; k < sizeof read / sizeof *read && !taken; k++)
            taken = read[k] && is_same(path, read[k]);
        for (size_t k = 0; k < i && !taken; k++)
            taken = written[k].path && is_same(path, written[k].path);
        if (taken)
            return c2s_fail(C2S_ERR_USAGE, "%s %s: that is another file of this command",
                            written[i].option, path);
    }
    return C2S_OK;
}
