/* SPDX-License-Identifier: Apache-2.0
 *
 * The command line: verbs, each with a table of options. The table is the one place that knows an
 * option: parsing, --help and messages all read it.
 */
#ifndef C2S_CLI_ARGUMENTS_H
#define C2S_CLI_ARGUMENTS_H

#include "base/vec.h"
#include "c2s.h"

typedef C2S_VEC(const char *) cli_texts;

/* Everything that any verb can be told. */
typedef struct cli_arguments {
    cli_texts positional;
    int verbosity;
    bool help, version, quiet, json, nodes, values, missing, simulate_quantized;
    bool layers, latency, update, metric_less;
    bool no_prove, strict, no_bisect, no_guard, keep_initializer_inputs, external_data, list_rules, list_metrics,
        parallel, share, annotate, fix;
    const char *passes, *data, *image, *calibration_cache, *out, *against, *domain, *explain,
        *print_after, *log_rewrites, *target, *emulate, *format, *baseline, *metric_command, *junit,
        *markdown, *report;
    double tolerance, seconds, max_drop, min_sqnr, noise, metric_seconds;
    int64_t samples, calibration_samples, seed, threads, opset, stop_after;
    uint64_t external_threshold, memory;
    cli_texts skips, rules, from, to, connections, calibration, fail_if;
    C2S_VEC(c2s_dim_binding) dims;
    C2S_VEC(c2s_input_shape) shapes;
} cli_arguments;

typedef enum cli_kind {
    CLI_FLAG,    /* bool */
    CLI_COUNT,   /* int; each occurrence adds one */
    CLI_TEXT,    /* const char * */
    CLI_INTEGER, /* int64_t, not negative */
    CLI_NUMBER,  /* double, positive */
    CLI_TEXTS,   /* const char *, appended to a vector */
    CLI_DIM,     /* NAME=VALUE, appended to the vector of dimensions */
    CLI_SHAPE,   /* INPUT=DIMS, appended to the vector of shapes */
    CLI_BYTES,   /* uint64_t: 4096, 64k, 1M, 2G */
    CLI_EXTERNAL /* external_data and, with a value, external_threshold */
} cli_kind;

typedef struct cli_option {
    char letter;          /* 0: none */
    const char *name;     /* without the dashes; NULL ends a table */
    const char *argument; /* shown in help; in brackets: may be left out */
    const char *help;
    cli_kind kind;
    size_t field; /* offsetof in cli_arguments */
} cli_option;

typedef struct cli_verb {
    const char *name; /* "": the default job */
    const char *usage, *summary;
    const char *details; /* paragraphs behind the options, or NULL */
    const cli_option *options;
    unsigned least, most; /* positional arguments */
    c2s_status (*run)(const cli_arguments *arguments);
} cli_verb;

/* Options that every verb has. */
extern const cli_option cli_common_options[];
/* Options that verbs share. */
#define CLI_DATA_OPTION                                                                            \
    {                                                                                              \
        0, "data", "PATH", "run on this data: .npz, .npy or a folder (default: random inputs)",    \
            CLI_TEXT, offsetof(cli_arguments, data)                                                \
    }
#define CLI_IMAGE_OPTION                                                                           \
    {                                                                                              \
        0, "image", "TEXT",                                                                        \
            "how pictures in data folders become inputs: torch, tf, caffe, 01 or raw, and "        \
            "resize=256,crop=224,... (docs/data.md)",                                              \
            CLI_TEXT, offsetof(cli_arguments, image)                                               \
    }
#define CLI_SAMPLES_OPTION                                                                         \
    { 0, "samples", "N", "use at most N samples", CLI_INTEGER, offsetof(cli_arguments, samples) }
#define CLI_SEED_OPTION                                                                            \
    {                                                                                              \
        0, "seed", "N", "seed of the random inputs (default 0)", CLI_INTEGER,                      \
            offsetof(cli_arguments, seed)                                                          \
    }
#define CLI_DIM_OPTION                                                                             \
    {                                                                                              \
        0, "dim", "NAME=N", "extent of a named dimension in random inputs; may be repeated",       \
            CLI_DIM, offsetof(cli_arguments, dims)                                                 \
    }
#define CLI_MEMORY_OPTION                                                                          \
    {                                                                                              \
        0, "max-memory", "BYTES",                                                                  \
            "what computed tensors may take, such as 512M (default: all there is)", CLI_BYTES,     \
            offsetof(cli_arguments, memory)                                                        \
    }
#define CLI_SIMULATE_OPTION                                                                        \
    {                                                                                              \
        0, "simulate-quantized", NULL, "compute quantized operators in float, not on integers",    \
            CLI_FLAG, offsetof(cli_arguments, simulate_quantized)                                  \
    }
#define CLI_EMULATE_OPTION                                                                         \
    {                                                                                              \
        0, "emulate", "CPU",                                                                       \
            "saturate where this does: avx2 (ONNX Runtime without VNNI), avx2-onednn", CLI_TEXT,   \
            offsetof(cli_arguments, emulate)                                                       \
    }
#define CLI_NOISE_OPTION                                                                           \
    {                                                                                              \
        0, "noise", "X", "also run on inputs with normal noise of X times their root mean square", \
            CLI_NUMBER, offsetof(cli_arguments, noise)                                             \
    }
#define CLI_FAIL_IF_OPTION(help)                                                                   \
    { 0, "fail-if", "EXPR", help, CLI_TEXTS, offsetof(cli_arguments, fail_if) }
#define CLI_LATENCY_OPTION                                                                         \
    {                                                                                              \
        0, "latency", NULL, "measure latency and processor time, too", CLI_FLAG,                   \
            offsetof(cli_arguments, latency)                                                       \
    }
#define CLI_METRIC_OPTIONS(what)                                                                   \
    {0, "metric-cmd", "CMD", what, CLI_TEXT, offsetof(cli_arguments, metric_command)},             \
        {0,          "metric-timeout",                                                             \
         "X",        "seconds that the command may take (default 600)",                            \
         CLI_NUMBER, offsetof(cli_arguments, metric_seconds)},                                     \
    {                                                                                              \
        0, "metric-less", NULL, "a smaller number of the command is better", CLI_FLAG,             \
            offsetof(cli_arguments, metric_less)                                                   \
    }
#define CLI_JSON_OPTION                                                                            \
    { 0, "json", NULL, "print the result as JSON", CLI_FLAG, offsetof(cli_arguments, json) }

/* Parses argv[1] ...; C2S_ERR_USAGE names the option and what is wrong. Options and
 * arguments may be mixed; "--" ends the options; "-" is an argument. */
c2s_status cli_parse(const cli_verb *verb, int argc, char **argv, cli_arguments *arguments);
void cli_arguments_free(cli_arguments *arguments);
void cli_print_help(const cli_verb *verb);

#endif
