/* SPDX-License-Identifier: Apache-2.0 */
/* Preloaded into the program by tests/hostile/faults.sh: makes its nth allocation or system call of
 * a kind fail, or sends it a signal just before.
 *
 *   C2S_FAULT=KIND:N[:ACTION]   KIND: alloc, open, read, write, sync, rename, unlink, map. N: from
 * 1 on, 0: none ACTION: "fail" (default), "rest" (all from the nth on), or a signal's number
 *   C2S_FAULT_COUNT=FILE        receives how many calls of the kind there were, when the process
 * ends
 *
 * Allocations are those of the C library's functions. System calls are caught by a filter of the
 * kernel (seccomp), so that the ones the C library makes by itself (stdio) are among them; those on
 * the three standard streams are left alone. x86-64 Linux. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <dlfcn.h>
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>

typedef enum kind { NONE, ALLOC, OPEN, READ, WRITE, SYNC, RENAME, UNLINK, MAP } kind;

/* Failing calls give this. */
static const struct {
    const char *name;
    int error;
} kinds[] = {[NONE] = {"none", 0},       [ALLOC] = {"alloc", ENOMEM}, [OPEN] = {"open", EMFILE},
             [READ] = {"read", EIO},     [WRITE] = {"write", ENOSPC}, [SYNC] = {"sync", EIO},
             [RENAME] = {"rename", EIO}, [UNLINK] = {"unlink", EIO},  [MAP] = {"map", ENOMEM}};

static const struct {
    int number;
    kind kind;
} calls[] = {{SYS_open, OPEN},      {SYS_openat, OPEN},   {SYS_read, READ},
             {SYS_pread64, READ},   {SYS_readv, READ},    {SYS_write, WRITE},
             {SYS_pwrite64, WRITE}, {SYS_writev, WRITE},  {SYS_fsync, SYNC},
             {SYS_fdatasync, SYNC}, {SYS_rename, RENAME}, {SYS_renameat, RENAME},
             {SYS_link, RENAME},    {SYS_linkat, RENAME}, {SYS_unlink, UNLINK},
             {SYS_mmap, MAP},       {SYS_brk, MAP}};
enum { CALLS = sizeof calls / sizeof *calls };

static kind failing;
static unsigned long nth;
static bool rest;
static int signal_number;
static atomic_ulong count;
static const char *count_file;

/* Counts a call of the kind that is to fail; true: this one fails. */
static bool fails(void) {
    const unsigned long n = atomic_fetch_add(&count, 1) + 1;
    if (signal_number) {
        if (n == nth)
            kill(getpid(), signal_number);
        return false;
    }
    return nth && (n == nth || (rest && n > nth));
}

/* ---- allocations ---- */

void *__libc_malloc(size_t size);
void *__libc_calloc(size_t many, size_t size);
void *__libc_realloc(void *old, size_t size);
void *__libc_memalign(size_t alignment, size_t size);

/* oneDNN 2.6 does not look whether it got the memory for a kernel that it makes, and ends there:
 * its own calls are left alone. */
static bool is_spared(const void *caller) {
    Dl_info info;
    return dladdr(caller, &info) && info.dli_fname && strstr(info.dli_fname, "libdnnl");
}

static bool allocation_fails(const void *caller) {
    if (failing != ALLOC || is_spared(caller) || !fails())
        return false;
    errno = ENOMEM;
    return true;
}

void *malloc(size_t size) {
    return allocation_fails(__builtin_return_address(0)) ? NULL : __libc_malloc(size);
}

void *calloc(size_t many, size_t size) {
    return allocation_fails(__builtin_return_address(0)) ? NULL : __libc_calloc(many, size);
}

void *realloc(void *old, size_t size) {
    return allocation_fails(__builtin_return_address(0)) ? NULL : __libc_realloc(old, size);
}

void *memalign(size_t alignment, size_t size) {
    return allocation_fails(__builtin_return_address(0)) ? NULL : __libc_memalign(alignment, size);
}

void *aligned_alloc(size_t alignment, size_t size) {
    return allocation_fails(__builtin_return_address(0)) ? NULL : __libc_memalign(alignment, size);
}

int posix_memalign(void **out, size_t alignment, size_t size) {
    void *memory =
        allocation_fails(__builtin_return_address(0)) ? NULL : __libc_memalign(alignment, size);
    if (!memory)
        return ENOMEM;
    *out = memory;
    return 0;
}

/* ---- system calls ---- */

/* The one place whose system calls pass the filter. */
long preload_raw_call(long number, long a, long b, long c, long d, long e, long f);
extern const char preload_raw_call_end[];
__asm__(".text\n"
        ".hidden preload_raw_call\n"
        ".hidden preload_raw_call_end\n"
        ".globl preload_raw_call\n"
        "preload_raw_call:\n"
        "    mov %rdi, %rax\n"
        "    mov %rsi, %rdi\n"
        "    mov %rdx, %rsi\n"
        "    mov %rcx, %rdx\n"
        "    mov %r8, %r10\n"
        "    mov %r9, %r8\n"
        "    mov 8(%rsp), %r9\n"
        "    syscall\n"
        ".globl preload_raw_call_end\n"
        "preload_raw_call_end:\n"
        "    ret\n");

static bool on_standard_stream(const greg_t *registers) {
    return (failing == READ || failing == WRITE) && registers[REG_RDI] >= 0 &&
           registers[REG_RDI] <= STDERR_FILENO;
}

static void on_call(int number, siginfo_t *info, void *context) {
    greg_t *r = ((ucontext_t *)context)->uc_mcontext.gregs;
    const int error = errno;
    (void)number;
    if (!on_standard_stream(r) && fails()) /* brk gives where the end of the heap is, as before */
        r[REG_RAX] = info->si_syscall == SYS_brk ? preload_raw_call(SYS_brk, 0, 0, 0, 0, 0, 0)
                                                 : -kinds[failing].error;
    else
        r[REG_RAX] = preload_raw_call(info->si_syscall, r[REG_RDI], r[REG_RSI], r[REG_RDX],
                                      r[REG_R10], r[REG_R8], r[REG_R9]);
    errno = error;
}

static struct sock_filter statement(int code, uint32_t value) {
    return (struct sock_filter)BPF_STMT((uint16_t)code, value);
}

static struct sock_filter unless_equal(uint32_t value, unsigned skip) {
    return (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, value, 0, (uint8_t)skip);
}

static bool install_filter(void) {
    const uintptr_t end = (uintptr_t)preload_raw_call_end;
    const size_t at = offsetof(struct seccomp_data, instruction_pointer);
    struct sock_filter filter[6 + 2 * CALLS + 1];
    unsigned short n = 0;
    filter[n++] = statement(BPF_LD | BPF_W | BPF_ABS, (uint32_t)at);
    filter[n++] = unless_equal((uint32_t)end, 3);
    filter[n++] = statement(BPF_LD | BPF_W | BPF_ABS, (uint32_t)at + 4);
    filter[n++] = unless_equal((uint32_t)(end >> 32), 1);
    filter[n++] = statement(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
    filter[n++] = statement(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr));
    for (size_t i = 0; i < CALLS; i++) {
        if (calls[i].kind != failing)
            continue;
        filter[n++] = unless_equal((uint32_t)calls[i].number, 1);
        filter[n++] = statement(BPF_RET | BPF_K, SECCOMP_RET_TRAP);
    }
    filter[n++] = statement(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
    struct sock_fprog program = {n, filter};
    struct sigaction action = {.sa_sigaction = on_call, .sa_flags = SA_SIGINFO | SA_NODEFER};
    return sigaction(SIGSYS, &action, NULL) == 0 && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
           prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0;
}

/* ---- start and end ---- */

static _Noreturn void refuse(const char *what) {
    fprintf(stderr, "preload_faults: %s\n", what);
    _exit(77);
}

static void __attribute__((constructor)) start(void) {
    const char *text = getenv("C2S_FAULT"), *colon = text ? strchr(text, ':') : NULL;
    kind found = NONE;
    count_file = getenv("C2S_FAULT_COUNT");
    if (!colon)
        return;
    for (kind k = ALLOC; k <= MAP; k++)
        if (strncmp(text, kinds[k].name, (size_t)(colon - text)) == 0)
            found = k;
    char *action;
    nth = strtoul(colon + 1, &action, 10);
    if (found == NONE)
        refuse("C2S_FAULT names no kind of call");
    rest = strcmp(action, ":rest") == 0;
    if (*action && !rest && strcmp(action, ":fail") != 0)
        signal_number = atoi(action + 1);
    failing = found;
    if (found != ALLOC && !install_filter())
        refuse("the kernel allows no filter of system calls");
}

static void __attribute__((destructor)) finish(void) {
    const unsigned long calls_made = atomic_load(&count);
    failing = NONE;
    nth = 0;
    FILE *file = count_file ? fopen(count_file, "w") : NULL;
    if (file) {
        fprintf(file, "%lu\n", calls_made);
        fclose(file);
    }
}
