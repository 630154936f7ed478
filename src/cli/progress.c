/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/progress.h"

#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static double seconds(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

static void erase(cli_progress *progress) {
    if (progress->shown)
        fputs("\r\x1b[K", stderr);
    progress->shown = false;
}

static void show_line(void *user, int level, const char *text) {
    (void)level;
    erase(user);
    fprintf(stderr, "%s\n", text);
}

static void show_bar(void *user, const char *what, double fraction) {
    enum { WIDTH = 24 };
    cli_progress *progress = user;
    double now = seconds();
    if (strcmp(progress->what, what) != 0) {
        snprintf(progress->what, sizeof progress->what, "%s", what);
        progress->started = now;
        progress->drawn = 0;
    }
    /* Short work shows nothing; the rest is drawn ten times a second. */
    double taken = now - progress->started;
    if (taken < 0.5 || now - progress->drawn < 0.1 || !(fraction >= 0 && fraction <= 1))
        return;
    progress->drawn = now;
    int filled = (int)(fraction * WIDTH + 0.5);
    char bar[WIDTH + 1];
    memset(bar, '-', WIDTH);
    memset(bar, '#', (size_t)filled);
    bar[WIDTH] = '\0';
    fprintf(stderr, "\r%-24.24s [%s] %3.0f %%", progress->what, bar, fraction * 100);
    if (fraction > 0.01)
        fprintf(stderr, ", %.0f s left", taken / fraction - taken);
    fputs("\x1b[K", stderr);
    progress->shown = true;
}

void cli_progress_start(cli_progress *progress, const cli_arguments *arguments) {
    *progress = (cli_progress){.terminal = isatty(STDERR_FILENO) && !arguments->quiet};
    progress->sink = (c2s_log_sink){
        .verbosity = arguments->quiet ? -1 : arguments->verbosity,
        .line = show_line,
        .progress = progress->terminal ? show_bar : NULL,
        .user = progress,
    };
    c2s_log_set_sink(&progress->sink);
}

void cli_progress_end(cli_progress *progress) {
    erase(progress);
    c2s_log_set_sink(NULL);
}
