/* SPDX-License-Identifier: Apache-2.0
 *
 * A pipeline: passes with options in the order in which they run, and the run itself with proof
 * and rollback.
 *
 *     cleanup,fuse                        passes separated by commas
 *     prune(ratio=0.3, round=16),fuse     options in parentheses; `name` alone means name=yes
 *     none                                no pass at all
 */
#ifndef C2S_PASSES_PIPELINE_H
#define C2S_PASSES_PIPELINE_H

#include "eval/prove.h"
#include "passes/pass.h"

typedef struct c2s_pipeline_step {
    const c2s_pass *pass;
    c2s_options options;
} c2s_pipeline_step;

typedef struct c2s_pipeline {
    c2s_arena *arena;
    C2S_VEC(c2s_pipeline_step) steps;
} c2s_pipeline;

/* C2S_ERR_USAGE says what is wrong at which place, and for unknown names what there is. */
c2s_status c2s_pipeline_parse(const char *text, c2s_pipeline **out);
void c2s_pipeline_free(c2s_pipeline *pipeline); /* NULL is allowed */
/* Sets an option of every step of that pass, over what the text said; `value` is copied. */
void c2s_pipeline_set(c2s_pipeline *pipeline, const char *pass, const char *option,
                      const char *value);

/* Every step of the pass of that name runs this one instead, with its rules. False: there is none.
 * The pass must outlive the pipeline. */
bool c2s_pipeline_use(c2s_pipeline *pipeline, const c2s_pass *pass);

#define C2S_SLOWER_TEXT 96

typedef struct c2s_prover {
    /* Runs both models on the same inputs. Fails only for reasons that end the whole run. */
    c2s_status (*prove)(void *user, c2s_model *before, c2s_model *after, c2s_proof *result);
    /* True if what was proved last is slower than the first model; `text` says by how much. */
    bool (*slower)(void *user, c2s_model *after, char text[C2S_SLOWER_TEXT]);
    /* For lossy passes, instead of `prove`: the model runs, has the interface it had, and its
     * results are within the budget; with `other_floats` outputs may be of another type of float.
     * NULL: such passes are trusted. */
    c2s_status (*measure)(void *user, c2s_model *before, c2s_model *after, bool other_floats,
                          c2s_proof *result);
    /* What a lossy pass made was accepted: later passes are held against that. */
    void (*rebase)(void *user);
    void *user;
} c2s_prover;

typedef struct c2s_pipeline_options {
    const c2s_pass_context *context; /* handed to the passes */
    const c2s_prover *prover;        /* NULL: passes are trusted once the graph verifies */
    bool bisect;                     /* find the rewrites that break a pass, and leave them out */
    bool guard;                      /* the same for those that make the model slower */
    const c2s_skip *skips;           /* what the user wants left out */
    size_t skip_count;
    unsigned limit;   /* rewrites after which to stop; 0: none */
    bool annotate;    /* nodes that rules make say so in the file */
    c2s_trace *trace; /* receives every place that rewrites looked at; may be NULL */
    /* Shows the model after each pass; may be NULL. */
    c2s_status (*after)(void *user, const char *pass, c2s_model *model);
    void *user;
} c2s_pipeline_options;

/* What c2s_pass_report does not tell. */
typedef struct c2s_step_result {
    c2s_pass_report report; /* name and reason live in the result's arena */
    c2s_stats stats;
    c2s_quality_result quality;     /* of what a lossy pass made; 0 samples: not measured */
    const char *unproved;           /* why it could not be proved, else NULL */
    C2S_VEC(const char *) left_out; /* rewrites without which the rest was proved */
} c2s_step_result;

typedef struct c2s_pipeline_result {
    c2s_arena *arena;
    C2S_VEC(c2s_step_result) steps;
} c2s_pipeline_result;

/* Runs the steps over `model`, which keeps its address. After each the graph is swept, verified
 * and proved against the model before it. If one of these fails, the rewrite that is to blame is
 * found by bisection and the step runs again without it; where that does not help, all of the step
 * is rolled back. The next one goes on. Free `result` with c2s_pipeline_result_free, also after a
 * failure. */
c2s_status c2s_pipeline_run(const c2s_pipeline *pipeline, c2s_model *model,
                            const c2s_pipeline_options *options, c2s_pipeline_result *result);
void c2s_pipeline_result_free(c2s_pipeline_result *result);

#endif
