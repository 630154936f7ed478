/* SPDX-License-Identifier: Apache-2.0
 *
 * A pass changes a model in one way that a user can name.
 */
#ifndef C2S_PASSES_PASS_H
#define C2S_PASSES_PASS_H

#include "passes/budget.h"
#include "rewrite/rewrite.h"

/* An option of a pass in the pipeline text: `name(option=value, ...)`. */
typedef struct c2s_option_spec {
    const char *name;
    const char *fallback; /* text of the default value */
    const char *summary;
} c2s_option_spec;

/* The options of one pass in a pipeline, by the pass's specs; checked for unknown names. */
typedef struct c2s_options {
    const char *pass;             /* for messages */
    const c2s_option_spec *specs; /* ends with a NULL name; NULL: none */
    const char **values;          /* parallel to specs */
    const c2s_rule *const *rules; /* for the pass custom; ends with NULL. NULL: none were given */
} c2s_options;

/* The value as text; asserts that the pass has the option. */
const char *c2s_option_text(const c2s_options *options, const char *name);
/* Parsed; C2S_ERR_USAGE names pass, option, value and what was expected. */
c2s_status c2s_option_number(const c2s_options *options, const char *name, double min, double max,
                             double *out);
c2s_status c2s_option_bytes(const c2s_options *options, const char *name,
                            uint64_t *out); /* 4096, 64k, 1M, 2G: powers of 1024 */
c2s_status c2s_option_flag(const c2s_options *options, const char *name,
                           bool *out); /* yes, no, true, false, on, off, 1, 0 */

struct c2s_pass_context;
/* Option `target` of passes that may write operators of com.microsoft: generic, ort-cpu, or auto,
 * which is what the job was told. *ort: they may. */
c2s_status c2s_option_target(const c2s_options *options, const struct c2s_pass_context *context,
                             bool *ort);
#define C2S_TARGET_OPTION(summary)                                                                 \
    { "target", "auto", "auto: what the job is for, else generic; " summary }

/* What passes may watch the model with. */
typedef struct c2s_pass_context {
    const c2s_evaluator *evaluator;
    c2s_eval_options eval;                 /* threads, memory; no observer */
    const c2s_feed *feed;                  /* samples to learn from; NULL: none were given */
    struct c2s_ranges_cache *ranges_cache; /* for c2s_ranges_options; NULL: none */
    struct c2s_gram_cache *gram_cache;     /* for c2s_gram_options; likewise */
    c2s_quality *quality; /* what the first model computes; NULL: it cannot be run */
    c2s_budget budget;
    uint64_t seed;
    const char *target; /* that "auto" means, "ort-cpu"; NULL: any runtime */
    int64_t opset;      /* of ai.onnx to end with; 0: what passes need */
    bool codes_follow;  /* the pipeline has a pass that makes codes of values */
} c2s_pass_context;

typedef struct c2s_pass {
    const char *name, *summary;
    const c2s_option_spec *options; /* ends with a NULL name; NULL: none */
    /* What it may do, by the names that c2s_stats counts: rules, ending with NULL, and other
     * rewrites, ending with a NULL name. Either may be NULL. */
    const c2s_rule *const *rules;
    const c2s_rewrite_kind *kinds;
    bool learns; /* from the samples of the context, if there are any */
    /* It learns, and changes results by design: the budget judges them, not the tolerance. */
    bool lossy;
    bool makes_codes; /* of values, not of weights alone */
    /* What it makes depends on what the context's `quality` says, without any bound as well. */
    bool measures;
    /* It works on layers of float32 alone: whoever has others is told of the pass `single`. */
    bool on_float;
    /* Inputs and outputs may become another type of float, on request. */
    bool changes_interface;
    /* What it makes may be slower: it was asked for because of the size. */
    bool for_size;
    /* Changes model->graph and its bodies, asks `stats` before each rewrite. Leaves the list order
     * topological and the types inferred; dead nodes may stay. On failure the model may be half
     * changed: the caller discards it. */
    c2s_status (*run)(c2s_model *model, const c2s_options *options, const c2s_pass_context *context,
                      c2s_stats *stats);
} c2s_pass;

/* All passes, in the order of pass_list.h. */
const c2s_pass *const *c2s_pass_all(size_t *count);
const c2s_pass *c2s_pass_find(const char *name); /* NULL if there is none */
/* Some pass has a rule or another rewrite of that name. */
bool c2s_rewrite_exists(const char *name);
/* C2S_ERR_USAGE unless some pass has a rule or other rewrite of that name that can be left out. */
c2s_status c2s_rewrite_check_name(const char *name);

#endif
