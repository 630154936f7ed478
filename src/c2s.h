/* SPDX-License-Identifier: Apache-2.0
 *
 * onnx-c2s as a library: load an ONNX model, run passes over it, prove the result, save it.
 *
 * Every function that can fail returns a c2s_status; c2s_error() then holds one line of text for
 * the calling thread, outermost layer first: "model.onnx > node \"conv1\" (Conv) > ...". The
 * library never prints and never exits. Objects may be used by one thread at a time; different
 * objects may be used by different threads.
 */
#ifndef C2S_H
#define C2S_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__GNUC__)
#define C2S_API __attribute__((visibility("default")))
#else
#define C2S_API
#endif

/* The numbers are the exit codes of the program. */
typedef enum c2s_status {
    C2S_OK = 0,
    C2S_ERR_USAGE = 2,       /* a wrong option or argument */
    C2S_ERR_INVALID = 3,     /* a model or data file that breaks its format's rules */
    C2S_ERR_UNSUPPORTED = 4, /* valid, but beyond what this version can do */
    C2S_ERR_IO = 5,          /* the system refused to read or write */
    C2S_ERR_MEMORY = 6,      /* out of memory, or a size limit was reached */
    C2S_ERR_TOLERANCE = 7    /* computed results differ by more than allowed */
} c2s_status;

/* The last failure of this thread as one line; "" if there was none. Valid until the next call. */
C2S_API const char *c2s_error(void);
C2S_API void c2s_error_clear(void);

/* "0.1.0"; and a line that names the versions of the libraries in use. */
C2S_API const char *c2s_version(void);
C2S_API const char *c2s_version_details(void);

/* Called when memory for the library's own bookkeeping runs out; must not return. The default
 * aborts. Memory for tensors is reported with C2S_ERR_MEMORY instead. */
C2S_API void c2s_set_out_of_memory_hook(void (*hook)(void));

typedef struct c2s_model c2s_model;

/* Loads `path` ("-": standard input; "*.onnxtxt": ONNX text syntax). External data is mapped from the model's own folder. */
C2S_API c2s_status c2s_model_load(const char *path, c2s_model **out);

typedef struct c2s_save_options {
    bool external_data;          /* write tensors of at least `external_threshold` bytes beside it */
    uint64_t external_threshold; /* bytes; 0: 1024 */
} c2s_save_options;

/* Writes the model atomically ("-": standard output; "*.onnxtxt": as text): `path` holds the whole new file or is untouched. External data is
 * used on request and always when the file would pass 2 GB. `options` may be NULL. */
C2S_API c2s_status c2s_model_save(c2s_model *model, const char *path,
                                  const c2s_save_options *options);
C2S_API void c2s_model_free(c2s_model *model);

/* Makes the model the part of it that computes `to` (none: all of its outputs) from `from`, values of the
 * main graph by name. They become outputs, in this order, and inputs, with the types that inference
 * finds; inputs of the model that are still needed stay. C2S_ERR_USAGE: there is no such value, or
 * nothing between. After a failure the model is fit for c2s_model_free only. */
C2S_API c2s_status c2s_model_extract(c2s_model *model, const char *const *from, unsigned from_count,
                                     const char *const *to, unsigned to_count);

/* An output of one model that is an input of another. */
typedef struct c2s_connection {
    const char *output, *input;
} c2s_connection;

typedef struct c2s_merge_options {
    const c2s_connection *connections; /* none: equal names, else the only output with the only input */
    unsigned connection_count;
    bool parallel; /* nothing is connected */
    bool share;    /* inputs of the same name and type are one */
} c2s_merge_options;

/* Makes `first` the model that computes what both do, `second` on the connected outputs of `first`.
 * Inputs: those of the first, then unconnected ones of the second; outputs likewise. `options` may be NULL. Names of the second that are taken get a number; the lower opset of ai.onnx is raised. After a failure
 * both are fit for c2s_model_free only. */
C2S_API c2s_status c2s_model_merge(c2s_model *first, c2s_model *second,
                                   const c2s_merge_options *options);

/* What can be counted without running a model. Symbolic dimensions of the inputs: the batch counts
 * as 1, others as the smallest extent of a short list that the model accepts. */
typedef struct c2s_counts {
    uint64_t nodes;      /* all graphs, bodies included */
    uint64_t parameters; /* elements of constants */
    uint64_t bytes;      /* size of the serialized model with its external data */
    uint64_t macs;       /* multiply-accumulates of one inference */
    uint64_t peak_activation_bytes;
} c2s_counts;
C2S_API c2s_status c2s_model_count(c2s_model *model, c2s_counts *out);

typedef enum c2s_outcome { C2S_APPLIED, C2S_UNCHANGED, C2S_ROLLED_BACK } c2s_outcome;

/* A kind of rewrite within a pass. */
typedef struct c2s_rule_report {
    const char *name;
    unsigned applied, refused; /* places where it was applied; where it nearly matched */
} c2s_rule_report;

/* What a lossy pass did for the outputs to be better. Decibels are the SQNR of the outputs; NaN: not measured. */
typedef struct c2s_remedy_report {
    const char *what;
    const char *where;          /* a layer; NULL: several */
    double before_db, after_db;
    double alone_db, alone_kl;  /* of a layer, with nothing else changed: SQNR, divergence */
    bool kept;
} c2s_remedy_report;

typedef struct c2s_pass_report {
    const char *name;
    c2s_outcome outcome;
    unsigned rewrites;    /* how many places the pass changed */
    double error;         /* largest relative error over all outputs; NaN if it was not proved */
    const char *reason;   /* why it was rolled back, else NULL */
    double seconds;
    unsigned rule_count;
    const c2s_rule_report *rules;
    unsigned left_out_count; /* rewrites that broke the tolerance, without which the rest stands */
    const char *const *left_out; /* "conv-bn at node \"bn1\" (BatchNormalization)" */
    unsigned remedy_count;
    const c2s_remedy_report *remedies; /* in the order in which they were tried */
} c2s_pass_report;

/* A place that a rewrite looked at closely. */
typedef struct c2s_event_report {
    const char *pass, *rule, *where;
    const char *reason;          /* why it was not applied; NULL: it was */
    const char *const *nodes;    /* names of the nodes that it looked at */
    const char *const *removed;  /* of those that are gone with it */
    unsigned node_count, removed_count;
} c2s_event_report;

/* What lossy passes cost, measured on the data of the job. */
typedef struct c2s_quality_report {
    unsigned samples;     /* 0: no lossy pass was applied, or nothing could be measured */
    double sqnr_db;       /* of the output where it is least; infinite if nothing changed */
    double agreement;     /* per cent of output rows with the largest element at the same place; NaN: no rows */
    double top1_before, top1_after; /* per cent; NaN: the data have no labels */
    double drop_error;    /* one standard error of their difference, in points */
    double metric_before, metric_after; /* of metric_command; NaN: there is none */
    double divergence;    /* of the rows as chances of classes, or logits: mean Kullback-Leibler divergence in nats; NaN: no rows */
} c2s_quality_report;

typedef struct c2s_report {
    c2s_counts before, after;
    double error;         /* largest relative error of the final model; NaN if not proved */
    c2s_quality_report quality;
    unsigned pass_count;
    const c2s_pass_report *passes;
    unsigned note_count;  /* what was left alone, and why: one line each */
    const char *const *notes;
    int64_t opset_before, opset_after; /* of ai.onnx; 0: not imported */
    unsigned event_count; /* with c2s_run_options.trace: every rewrite, and every refused one */
    const c2s_event_report *events;
} c2s_report;

typedef struct c2s_dim_binding {
    const char *name;
    int64_t value;
} c2s_dim_binding;

#define C2S_DEFAULT_PASSES "cleanup,recompose,fuse"
/* The same when there are rules of the caller's. */
#define C2S_DEFAULT_PASSES_WITH_RULES "cleanup,custom,recompose,fuse"

/* Rewrite rules that are text (docs/rules.md): the pass "custom" applies them, they are proved,
 * reported and left out by name like all others. */
typedef struct c2s_rules c2s_rules;

/* Adds the rules of a file ("-": standard input), or of a text of that name, to *rules, which is
 * made if it is NULL. C2S_ERR_INVALID: "file:line:column: found X, expected Y". Free *rules with
 * c2s_rules_free, also after a failure. */
C2S_API c2s_status c2s_rules_load(c2s_rules **rules, const char *path);
C2S_API c2s_status c2s_rules_read(c2s_rules **rules, const char *text, size_t size,
                                  const char *name);
C2S_API void c2s_rules_free(c2s_rules *rules); /* NULL is allowed */

/* "1,3,?,N": per axis a number, ? (as it is) or a name. */
typedef struct c2s_input_shape {
    const char *input, *dims;
} c2s_input_shape;

typedef struct c2s_run_options {
    const char *passes;     /* NULL: C2S_DEFAULT_PASSES (_WITH_RULES); "none": nothing */
    const c2s_rules *rules; /* for the pass "custom"; NULL: none */
    bool no_prove;
    bool no_bisect;           /* roll back a whole pass where one rewrite breaks the tolerance */
    bool no_guard;            /* keep rewrites that make the model slower; implied by no_prove */
    const char *const *skip;  /* rewrites to leave out: "RULE", or "RULE@NODE" */
    unsigned skip_count;
    unsigned stop_after;      /* stop after this many rewrites; 0: do all */
    bool annotate;            /* metadata of new nodes says which rewrites made them out of what */
    bool trace;               /* list the rewrites in the report */
    /* Called after each pass, whether it changed the model or not; may be NULL. A status other than
     * C2S_OK ends the run. */
    c2s_status (*after_pass)(void *user, const char *pass, c2s_model *model);
    bool keep_initializer_inputs; /* else initializers that are graph inputs stop being inputs */
    double tolerance;         /* relative error allowed; 0: by output type, see docs/numerics.md */
    unsigned samples;         /* inputs to prove with; 0: 2 */
    uint64_t seed;
    const char *data;         /* data set to prove with; NULL: random inputs */
    /* Data sets that lossy passes learn from; none: `data`. They are judged by `data` (none: these). */
    const char *const *calibration;
    unsigned calibration_count;
    size_t calibration_samples;    /* at most, spread evenly; 0: all */
    const char *calibration_cache; /* file to keep statistics in, and to go on from; NULL: none */
    const char *image; /* how pictures become inputs: a text, see docs/data.md; NULL: they do not */
    /* What lossy passes may lose, else they are rolled back; 0: no bound. */
    double max_drop;    /* points of top-1, for which the data need labels, or of the metric below */
    double min_sqnr_db; /* of every output */
    /* A metric of the caller's: a command such as "python3 eval.py {model}", which runs without a
     * shell on the model in a temporary file, and the last number that it prints. NULL: none. */
    const char *metric_command;
    double metric_seconds; /* that it may take; 0: 600 */
    bool metric_less;      /* a smaller number is better */
    /* Named dimensions that become these numbers, in the whole model. */
    const c2s_dim_binding *dims;
    unsigned dim_count;
    /* Inputs that get these shapes. A number in the place of a name counts for that name in the whole
     * model; extents that the model fixes are overridden if every operator can take the new ones. Where only
     * first extents change, Reshapes that have them built in take them over from their inputs. */
    const c2s_input_shape *shapes;
    unsigned shape_count;
    uint64_t memory_limit;    /* bytes that tensors made on the way may take; 0: the machine's memory */
    unsigned threads;         /* 0: as many as the machine has */
    int64_t opset;            /* of ai.onnx to end with, 7 to 28; 0: what the model needs */
    /* The runtime that options of passes mean which say "auto": "ort-cpu" lets them use operators of
     * com.microsoft; NULL: any runtime. */
    const char *target;
    void (*progress)(void *user, const char *what, double fraction); /* 0..1; may be NULL */
    void (*log)(void *user, int level, const char *line);            /* may be NULL */
    int verbosity;            /* lines above this level are left out: 0, 1 (why not), 2 (all) */
    void *user;
} c2s_run_options;

/* Runs the passes over the model. A rewrite that breaks the tolerance is rolled back and reported, or
 * the whole pass if no single one is to blame; the call still succeeds. `options` may be NULL. *report, if asked for, is freed with
 * c2s_report_free. */
C2S_API c2s_status c2s_model_optimize(c2s_model *model, const c2s_run_options *options,
                                      c2s_report **report);
C2S_API void c2s_report_free(c2s_report *report);

#ifdef __cplusplus
}
#endif
#endif
