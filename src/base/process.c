/* SPDX-License-Identifier: Apache-2.0 */
#include "base/process.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <spawn.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/memory.h"
#include "base/timing.h"

extern char **environ;

enum { TAIL = 64 << 10, TICK_MS = 50 };

/* The group of the program that runs now; 0: none. While one is being started, its group is not yet
 * known: a handler that wants to kill it has to wait. It cannot be on the thread that starts it,
 * which blocks all signals then. */
static _Atomic pid_t running;
static atomic_bool starting;

typedef struct process {
    pid_t pid;
    int output; /* read end; -1: at its end */
    char *tail;
    size_t size;
} process;

/* In a group of its own, so that what it starts can be killed with it; signals as a program expects
 * them. */
static int spawn(const char *const *argv, int output, const sigset_t *mask, pid_t *pid) {
    posix_spawn_file_actions_t files;
    posix_spawnattr_t attributes;
    sigset_t defaults;
    posix_spawn_file_actions_init(&files);
    posix_spawn_file_actions_addopen(&files, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_adddup2(&files, output, STDOUT_FILENO);
    posix_spawnattr_init(&attributes);
    sigemptyset(&defaults);
    sigaddset(&defaults, SIGPIPE);
    posix_spawnattr_setsigdefault(&attributes, &defaults);
    posix_spawnattr_setsigmask(&attributes, mask);
    posix_spawnattr_setpgroup(&attributes, 0);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK |
                                              POSIX_SPAWN_SETPGROUP);
    const int error =
        posix_spawnp(pid, argv[0], &files, &attributes, (char *const *)(uintptr_t)argv, environ);
    posix_spawnattr_destroy(&attributes);
    posix_spawn_file_actions_destroy(&files);
    return error;
}

static c2s_status start(const char *const *argv, process *p) {
    int ends[2];
    if (pipe(ends) != 0)
        return c2s_fail(C2S_ERR_IO, "%s: cannot make a pipe: %s", argv[0], strerror(errno));
    fcntl(ends[0], F_SETFD, FD_CLOEXEC);
    fcntl(ends[1], F_SETFD, FD_CLOEXEC);
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, &before);
    atomic_store(&starting, true);
    const int error = spawn(argv, ends[1], &before, &p->pid);
    if (!error)
        atomic_store(&running, p->pid);
    atomic_store(&starting, false);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    close(ends[1]);
    if (error) {
        close(ends[0]);
        return c2s_fail(C2S_ERR_USAGE, "%s: cannot be started: %s", argv[0], strerror(error));
    }
    p->output = ends[0];
    p->tail = c2s_alloc(2 * TAIL + 1);
    return C2S_OK;
}

/* Waits for output at most a tick; false: there was none. */
static bool read_some(process *p, int milliseconds) {
    struct pollfd wanted = {.fd = p->output, .events = POLLIN};
    if (poll(&wanted, 1, milliseconds) <= 0)
        return false;
    const ssize_t got = read(p->output, p->tail + p->size, 2 * TAIL - p->size);
    if (got < 0)
        return errno == EINTR;
    if (got == 0) {
        close(p->output);
        p->output = -1;
        return false;
    }
    p->size += (size_t)got;
    if (p->size == 2 * TAIL) {
        memmove(p->tail, p->tail + TAIL, TAIL);
        p->size = TAIL;
    }
    return true;
}

/* Until it has ended, whatever holds its output open. False: it took too long. */
static bool await(process *p, double seconds, int *state) {
    const double end = c2s_clock() + seconds;
    for (;;) {
        const bool ended = waitpid(p->pid, state, WNOHANG) == p->pid;
        while (p->output >= 0 && read_some(p, ended ? 0 : TICK_MS) && c2s_clock() < end)
            ;
        if (ended)
            return true;
        if (c2s_clock() >= end)
            return false;
        if (p->output < 0)
            poll(NULL, 0, TICK_MS / 10);
    }
}

static c2s_status judge(const char *name, int state) {
    if (WIFSIGNALED(state))
        return c2s_fail(C2S_ERR_IO, "%s: ended by signal %d", name, WTERMSIG(state));
    if (WEXITSTATUS(state) != 0)
        return c2s_fail(C2S_ERR_IO, "%s: exit status %d, expected 0", name, WEXITSTATUS(state));
    return C2S_OK;
}

c2s_status c2s_process_run(const char *const *argv, double seconds, char **out) {
    process p = {.output = -1};
    *out = NULL;
    C2S_TRY(start(argv, &p));
    int state = 0;
    const bool ended = await(&p, seconds, &state);
    kill(-p.pid, SIGKILL); /* what it may have left behind, too */
    if (!ended)
        waitpid(p.pid, &state, 0);
    atomic_store(&running, 0);
    if (p.output >= 0)
        close(p.output);
    const c2s_status status =
        ended ? judge(argv[0], state)
              : c2s_fail(C2S_ERR_IO, "%s: still running after %g s", argv[0], seconds);
    if (status == C2S_OK) {
        p.tail[p.size] = '\0';
        *out = p.tail;
    } else {
        free(p.tail);
    }
    return status;
}

void c2s_process_kill(void) {
    const struct timespec tick = {.tv_nsec = 1000000};
    for (int i = 0; i < 1000 && atomic_load(&starting); i++)
        nanosleep(&tick, NULL);
    const pid_t group = atomic_load(&running);
    if (group > 0)
        kill(-group, SIGKILL);
}
