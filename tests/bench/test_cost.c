/* SPDX-License-Identifier: Apache-2.0 */
/* What the default job costs: processor time and memory on the real models of the shared folder,
 * growth with the number of nodes on generated ones. Prints a line a model. */
#include <dirent.h>
#include <fcntl.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "shared.h"

#include "c2s.h"

/* What the passes may cost beside loading and saving, over all models: the machine is the same. The
 * goal of 0.03 s in the median is read off the printed figures. */
#define RATIO_MAX          2.5
#define MEMORY_PER_FILE    2
#define MEMORY_EXTRA_BYTES (20u << 20)
/* Four times the nodes: 4 if time grows linearly, 16 if quadratically. Both sizes are far beyond the
 * caches, so that what they do for small graphs is no part of the growth. */
#define FEW_NODES  "80000"
#define MANY_NODES "320000"
#define GROWTH_MAX 6.0
#define MODELS_MAX 256

typedef struct cost {
    double cpu_seconds;
    uint64_t peak_bytes;
    int status; /* exit status, or -1 */
} cost;

static char scratch[] = "/tmp/c2s-cost-XXXXXX";

static const char *program(void) {
    const char *path = getenv("C2S_BIN");
    return path && access(path, X_OK) == 0 ? path : NULL;
}

static void need_program(void) {
    const char *sanitize = getenv("C2S_SANITIZE");
    if (!program() || (sanitize && *sanitize)) {
        print_message("SKIPPED: no onnx-c2s without sanitizers in $C2S_BIN\n");
        skip();
    }
}

/* Runs a command with its output thrown away. */
static cost run(char *const argv[]) {
    cost result = {0, 0, -1};
    pid_t child = fork();
    if (child == 0) {
        int null = open("/dev/null", O_WRONLY);
        if (null >= 0) {
            dup2(null, STDOUT_FILENO);
            dup2(null, STDERR_FILENO);
        }
        execvp(argv[0], argv);
        _exit(127);
    }
    int status = 0;
    struct rusage used;
    if (child < 0 || wait4(child, &status, 0, &used) != child)
        return result;
    result.cpu_seconds = (double)(used.ru_utime.tv_sec + used.ru_stime.tv_sec) +
                         1e-6 * (double)(used.ru_utime.tv_usec + used.ru_stime.tv_usec);
    result.peak_bytes = (uint64_t)used.ru_maxrss * 1024;
    result.status = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
    return result;
}

static cost optimize(const char *in, const char *passes) {
    char out[sizeof scratch + 16];
    snprintf(out, sizeof out, "%s/out.onnx", scratch);
    char *argv[] = {(char *)program(), "-q",       "--no-prove", "--passes",
                    (char *)passes,    (char *)in, out,          NULL};
    cost result = run(argv);
    unlink(out);
    return result;
}

/* The cheaper of two runs: disturbances only add. */
static cost optimize_undisturbed(const char *in) {
    cost first = optimize(in, C2S_DEFAULT_PASSES), second = optimize(in, C2S_DEFAULT_PASSES);
    return first.status != 0 || first.cpu_seconds < second.cpu_seconds ? first : second;
}

static int by_size(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static void real_models(void **state) {
    (void)state;
    need_program();
    char folder[1024];
    shared_need(folder, sizeof folder, "models");
    DIR *listing = opendir(folder);
    assert_non_null(listing);
    double seconds[MODELS_MAX], sum = 0, copying = 0;
    size_t count = 0, failures = 0;
    for (struct dirent *entry; (entry = readdir(listing)) != NULL && count < MODELS_MAX;) {
        char path[2048];
        struct stat info;
        snprintf(path, sizeof path, "%s/%s/model.onnx", folder, entry->d_name);
        if (entry->d_name[0] == '.' || stat(path, &info) != 0)
            continue;
        cost used = optimize(path, C2S_DEFAULT_PASSES);
        copying += optimize(path, "none").cpu_seconds;
        uint64_t limit = MEMORY_PER_FILE * (uint64_t)info.st_size + MEMORY_EXTRA_BYTES;
        bool bad = used.status != 0 || used.peak_bytes > limit;
        failures += bad;
        seconds[count++] = used.cpu_seconds;
        sum += used.cpu_seconds;
        print_message("%-24s %7.3f s %8.1f MB, file %6.1f MB, status %d%s\n", entry->d_name,
                      used.cpu_seconds, (double)used.peak_bytes / 1e6, (double)info.st_size / 1e6,
                      used.status, bad ? "  <-- BAD" : "");
    }
    closedir(listing);
    assert_true(count > 0);
    qsort(seconds, count, sizeof *seconds, by_size);
    print_message("%zu models, median %.3f s, largest %.3f s; all %.2f times as much as only loading "
                  "and saving them\n",
                  count, seconds[count / 2], seconds[count - 1], sum / copying);
    assert_int_equal(failures, 0);
    assert_true(sum <= RATIO_MAX * copying);
}

static void make_big(const char *maker, const char *kind, const char *nodes, char *path,
                     size_t size) {
    snprintf(path, size, "%s/%s-%s.onnx", scratch, kind, nodes);
    char *argv[] = {"/usr/bin/python3", (char *)maker, (char *)kind, path,
                    "--nodes",          (char *)nodes, "--no-check", NULL};
    assert_int_equal(run(argv).status, 0);
}

static void big_graphs(void **state) {
    (void)state;
    need_program();
    char maker[1024];
    shared_need(maker, sizeof maker, "tools/make_big.py");
    char *probe[] = {"/usr/bin/python3", "-c", "import onnx, numpy", NULL};
    if (run(probe).status != 0) {
        print_message("SKIPPED: /usr/bin/python3 has no onnx and numpy\n");
        skip();
    }
    static const char *const kinds[] = {"deep", "wide"};
    for (size_t k = 0; k < sizeof kinds / sizeof *kinds; k++) {
        char small[256], large[256];
        make_big(maker, kinds[k], FEW_NODES, small, sizeof small);
        make_big(maker, kinds[k], MANY_NODES, large, sizeof large);
        cost few = optimize_undisturbed(small), many = optimize_undisturbed(large);
        unlink(small);
        unlink(large);
        print_message("%s: " FEW_NODES " nodes %.3f s, " MANY_NODES " nodes %.3f s\n", kinds[k],
                      few.cpu_seconds, many.cpu_seconds);
        assert_int_equal(few.status, 0);
        assert_int_equal(many.status, 0);
        assert_true(many.cpu_seconds <= GROWTH_MAX * few.cpu_seconds);
    }
}

/* Transposes between two layouts, Relu and Add at random, each reading one of the last dozen values of
 * its layout: one region of the whole graph, in which no choice is simple. */
static void write_mixed(const char *path, int nodes) {
    enum { NEAR = 12 };
    char recent[2][NEAR][24];
    unsigned count[2] = {1, 1};
    uint64_t state = 1;
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fprintf(file, "<ir_version: 8, opset_import: [\"\" : 17]>\n"
                  "mixed (float[1,8,4,4] x) => (float[N,A,B,C] y0, float[N,D,E,F] y1) {\n"
                  "x1 = Transpose <perm = [0, 2, 3, 1]> (x)\n");
    snprintf(recent[0][0], sizeof recent[0][0], "x");
    snprintf(recent[1][0], sizeof recent[1][0], "x1");
    for (int i = 0; i < nodes; i++) {
        state = state * 6364136223846793005u + 1442695040888963407u;
        const unsigned draw = (unsigned)(state >> 33), layout = draw & 1, kind = draw / 2 % 3;
        const unsigned known = count[layout] < NEAR ? count[layout] : NEAR;
        const char *a = recent[layout][draw / 8 % known], *b = recent[layout][draw / 128 % known];
        if (kind == 0)
            fprintf(file, "v%d = Transpose <perm = [%s]> (%s)\n", i,
                    layout ? "0, 3, 1, 2" : "0, 2, 3, 1", a);
        else if (kind == 1)
            fprintf(file, "v%d = Relu (%s)\n", i, a);
        else
            fprintf(file, "v%d = Add (%s, %s)\n", i, a, b);
        const unsigned to = kind == 0 ? !layout : layout;
        snprintf(recent[to][count[to]++ % NEAR], sizeof recent[0][0], "v%d", i);
    }
    for (unsigned layout = 0; layout < 2; layout++) {
        const unsigned known = count[layout] < NEAR ? count[layout] : NEAR;
        fprintf(file, "y%u = Sum (", layout);
        for (unsigned k = 0; k < known; k++)
            fprintf(file, "%s%s", k ? ", " : "", recent[layout][k]);
        fprintf(file, ")\n");
    }
    fprintf(file, "}\n");
    assert_int_equal(fclose(file), 0);
}

static void mixed_layouts(void **state) {
    (void)state;
    need_program();
    char path[sizeof scratch + 32];
    snprintf(path, sizeof path, "%s/mixed.onnxtxt", scratch);
    write_mixed(path, atoi(FEW_NODES));
    cost few = optimize_undisturbed(path);
    write_mixed(path, atoi(MANY_NODES));
    cost many = optimize_undisturbed(path);
    unlink(path);
    print_message("mixed layouts: " FEW_NODES " nodes %.3f s, " MANY_NODES " nodes %.3f s\n",
                  few.cpu_seconds, many.cpu_seconds);
    assert_int_equal(few.status, 0);
    assert_int_equal(many.status, 0);
    assert_true(many.cpu_seconds <= GROWTH_MAX * few.cpu_seconds);
}

static int make_scratch(void **state) {
    (void)state;
    return mkdtemp(scratch) ? 0 : -1;
}

static int remove_scratch(void **state) {
    (void)state;
    return rmdir(scratch);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(real_models),
        cmocka_unit_test(big_graphs),
        cmocka_unit_test(mixed_layouts),
    };
    return cmocka_run_group_tests(tests, make_scratch, remove_scratch);
}
