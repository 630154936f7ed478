/* SPDX-License-Identifier: Apache-2.0
 *
 * argv to verb, status to exit code, and what must not outlive the process: temporary files.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* RTLD_DEFAULT */
#endif
#include <dlfcn.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <jansson.h>

#include "base/file.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/process.h"
#include "cli/metric_table.h"
#include "cli/progress.h"
#include "cli/rewrites.h"
#include "cli/verbs.h"

static const cli_verb *const verbs[] = {&cli_verb_info,  &cli_verb_compare, &cli_verb_check,
                                        &cli_verb_run,   &cli_verb_bench,   &cli_verb_extract,
                                        &cli_verb_merge, &cli_verb_lint,    &cli_verb_prune_groups,
                                        &cli_verb_ops,   &cli_verb_passes};

static void end(const char *message, c2s_status status) {
    c2s_atomic_abort_all();
    ssize_t ignored = write(STDERR_FILENO, message, strlen(message));
    (void)ignored;
    _exit((int)status);
}

static void out_of_memory(void) {
    end("onnx-c2s: out of memory\n", C2S_ERR_MEMORY);
}

/* Models and their weights are mapped (base/mapping.h). */
static void on_bus_error(int number) {
    (void)number;
    end("onnx-c2s: a file was cut short, or cannot be read any more, while it was in use\n",
        C2S_ERR_IO);
}

static pthread_t main_thread;

/* The thread that writes files must not go on beside it. The end that libraries choose where they
 * can go no further, SIGABRT, concerns the thread that chose it. */
static void on_signal(int number) {
    if (number != SIGABRT && !pthread_equal(pthread_self(), main_thread)) {
        pthread_kill(main_thread, number);
        return;
    }
    c2s_atomic_abort_all();
    c2s_process_kill();
    signal(number, SIG_DFL);
    raise(number);
}

static bool finished; /* main has decided on the status */

/* For libraries that end the process themselves: OpenMP's, where it has no memory or cannot start
 * its threads. It has said so. */
static void on_exit_of_a_library(void) {
    c2s_atomic_abort_all();
    if (!finished)
        _exit(C2S_ERR_MEMORY);
}

static void install_signal_handlers(void) {
    static const int fatal[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGXCPU, SIGABRT};
    struct sigaction action = {.sa_handler = on_signal};
    sigemptyset(&action.sa_mask);
    main_thread = pthread_self();
    for (size_t i = 0; i < sizeof fatal / sizeof *fatal; i++) {
        struct sigaction before;
        /* What the parent chose to ignore (nohup) stays ignored. */
        if (sigaction(fatal[i], NULL, &before) == 0 && before.sa_handler != SIG_IGN)
            sigaction(fatal[i], &action, NULL);
    }
    signal(SIGBUS, on_bus_error);
    signal(SIGPIPE, SIG_IGN); /* a closed pipe is an error of write like any other; so is */
    signal(SIGXFSZ, SIG_IGN); /* a file that may not grow any more */
}

/* oneDNN is written in C++, whose `new` has a hook of its own: std::set_new_handler. */
static void install_new_handler(void) {
    void *(*set_new_handler)(void (*)(void));
    *(void **)&set_new_handler = dlsym(RTLD_DEFAULT, "_ZSt15set_new_handlerPFvvE");
    if (set_new_handler)
        set_new_handler(out_of_memory);
}

static void install_handlers(void) {
    c2s_set_out_of_memory_hook(out_of_memory);
    install_new_handler();
    json_set_alloc_funcs(c2s_alloc, free);
    install_signal_handlers();
    atexit(on_exit_of_a_library);
}

/* Where the caller has closed a standard stream the next file that is opened would take its place,
 * and get what is meant for it. Such a stream cannot be used, and writing to it fails. */
static bool occupy_standard_streams(void) {
    for (int fd = 0; fd <= STDERR_FILENO; fd++)
        if (fcntl(fd, F_GETFD) < 0 &&
            open("/dev/null", fd == STDIN_FILENO ? O_WRONLY : O_RDONLY) != fd)
            return false;
    return true;
}

static const cli_verb *find_verb(const char *word) {
    for (size_t i = 0; word && i < sizeof verbs / sizeof *verbs; i++)
        if (strcmp(verbs[i]->name, word) == 0)
            return verbs[i];
    return NULL;
}

/* "help" and "help VERB" are what "--help" and "VERB --help" are. */
static bool asks_for_help(int argc, char **argv, int at) {
    return at < argc && strcmp(argv[at], "help") == 0 &&
           (at + 1 == argc || (at + 2 == argc && find_verb(argv[at + 1])));
}

/* The verb may stand behind -q and -v; it is taken out of argv. NULL: the default job. */
static const cli_verb *take_verb(int *argc, char **argv) {
    static const char *const flags[] = {"-q", "--quiet", "-v", "-vv", "--verbose"};
    int at = 1;
    for (bool flag = true; flag && at < *argc; at += flag) {
        flag = false;
        for (size_t i = 0; i < sizeof flags / sizeof *flags; i++)
            flag = flag || strcmp(argv[at], flags[i]) == 0;
    }
    if (asks_for_help(*argc, argv, at)) {
        static char help[] = "--help";
        argv[at++] = help;
    }
    const cli_verb *verb = find_verb(at < *argc ? argv[at] : NULL);
    if (verb) {
        memmove(argv + at, argv + at + 1, (size_t)(*argc - at) * sizeof *argv);
        --*argc;
    }
    return verb;
}

static void print_verbs(void) {
    printf("\nOther commands (each has --help):\n");
    for (size_t i = 0; i < sizeof verbs / sizeof *verbs; i++)
        printf("  onnx-c2s %-12s %.*s\n", verbs[i]->name, (int)strcspn(verbs[i]->summary, "."),
               verbs[i]->summary);
    printf("\nExit codes: 0 ok, 2 usage, 3 invalid model or data, 4 unsupported, 5 I/O,\n"
           "            6 out of memory, 7 tolerance exceeded\n");
}

static c2s_status run(const cli_verb *verb, const cli_arguments *arguments) {
    if (arguments->help) {
        cli_print_help(verb);
        if (verb == &cli_verb_optimize)
            print_verbs();
        return C2S_OK;
    }
    if (arguments->version) {
        printf("%s\n", c2s_version_details());
        return C2S_OK;
    }
    if (arguments->list_rules)
        return cli_list_rules(arguments);
    if (arguments->list_metrics)
        return cli_list_metrics(arguments);
    cli_progress progress;
    cli_progress_start(&progress, arguments);
    c2s_status status = verb->run(arguments);
    cli_progress_end(&progress);
    return status;
}

/* The other end of the pipe is closed: `head` has seen enough, and need not be told. */
static bool nobody_reads(int fd) {
    struct pollfd pipe = {.fd = fd, .events = POLLOUT};
    return poll(&pipe, 1, 0) == 1 && (pipe.revents & POLLERR) != 0;
}

static int work(int argc, char **argv) {
    const cli_verb *verb = take_verb(&argc, argv);
    if (!verb)
        verb = &cli_verb_optimize;
    cli_arguments arguments = {0};
    c2s_status status = cli_parse(verb, argc, argv, &arguments);
    if (status == C2S_OK)
        status = run(verb, &arguments);
    cli_arguments_free(&arguments);
    if (status != C2S_OK)
        fprintf(stderr, "onnx-c2s: %s\n", c2s_error());
    if (fflush(stdout) != 0 || ferror(stdout)) {
        if (status == C2S_OK && !nobody_reads(STDOUT_FILENO))
            fprintf(stderr, "onnx-c2s: standard output: cannot write\n");
        return status == C2S_OK ? C2S_ERR_IO : (int)status;
    }
    return (int)status;
}

int main(int argc, char **argv) {
    if (!occupy_standard_streams())
        return C2S_ERR_IO;
    install_handlers();
    const int status = work(argc, argv);
    finished = true;
    return status;
}
