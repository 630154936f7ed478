/* SPDX-License-Identifier: Apache-2.0 */
/* The main job from inside a program: load a model, run the default passes, say what they did, save. */
#include <math.h>
#include <stdio.h>

#include <c2s.h>

static void print_counts(const char *when, const c2s_counts *counts) {
    printf("%-7s %6llu nodes %10llu parameters %10llu bytes %12llu MACs\n", when,
           (unsigned long long)counts->nodes, (unsigned long long)counts->parameters,
           (unsigned long long)counts->bytes, (unsigned long long)counts->macs);
}

static void print_report(const c2s_report *report) {
    static const char *const outcome[] = {
        [C2S_APPLIED] = "applied",
        [C2S_UNCHANGED] = "nothing to do",
        [C2S_ROLLED_BACK] = "rolled back",
    };
    print_counts("before", &report->before);
    print_counts("after", &report->after);
    for (unsigned i = 0; i < report->pass_count; i++) {
        const c2s_pass_report *pass = &report->passes[i];
        printf("pass %s: %s, %u rewrites", pass->name, outcome[pass->outcome], pass->rewrites);
        if (pass->reason)
            printf(" (%s)", pass->reason);
        putchar('\n');
    }
    if (!isnan(report->error))
        printf("largest relative error of the outputs: %.1e\n", report->error);
    for (unsigned i = 0; i < report->note_count; i++)
        printf("note: %s\n", report->notes[i]);
}

static void on_log(void *user, int verbosity, const char *line) {
    (void)user;
    if (verbosity <= 0)
        fprintf(stderr, "%s\n", line);
}

int main(int argc, char **argv) {
    if (argc < 3 || argc > 4) {
        fprintf(stderr, "usage: shrink IN.onnx OUT.onnx [DATA]\n"
                        "DATA: inputs to prove the result with (.npz, .npy or a folder)\n");
        return C2S_ERR_USAGE;
    }

    c2s_model *model = NULL;
    c2s_report *report = NULL;
    c2s_run_options options = {.data = argc == 4 ? argv[3] : NULL, .log = on_log};

    c2s_status status = c2s_model_load(argv[1], &model);
    if (status == C2S_OK)
        status = c2s_model_optimize(model, &options, &report);
    if (status == C2S_OK) {
        print_report(report);
        status = c2s_model_save(model, argv[2], NULL);
    }
    if (status != C2S_OK)
        fprintf(stderr, "shrink: %s\n", c2s_error());

    c2s_report_free(report);
    c2s_model_free(model);
    return (int)status;
}
