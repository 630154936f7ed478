/* SPDX-License-Identifier: Apache-2.0
 *
 * The state of the pass quantize, shared by quantize.c, quantize_options.c, activation_ranges.c,
 * learned_rounding.c, bias_correction.c and keep_quality.c.
 */
#ifndef C2S_PASSES_QUANT_QUANTIZING_H
#define C2S_PASSES_QUANT_QUANTIZING_H

#include "passes/measure/ranges.h"
#include "passes/pass.h"
#include "passes/quant/insert.h"
#include "passes/quant/range_choice.h"

typedef enum c2s_bias_correction {
    C2S_CORRECT_NOTHING,
    C2S_CORRECT_ANALYTIC, /* by the means of inputs and the rounding of weights */
    C2S_CORRECT_MEASURED  /* by the means of outputs */
} c2s_bias_correction;

typedef enum c2s_rounding {
    C2S_ROUND_NEAREST,
    C2S_ROUND_GPTQ,   /* by what samples say about the outputs of layers (gptq.h) */
    C2S_ROUND_RELAXED /* likewise, as gptq_relax.h does */
} c2s_rounding;

typedef struct c2s_quantizing {
    c2s_model *model; /* a copy without holes: its own copies have the same ids */
    const c2s_pass_context *context;
    const c2s_feed *feed; /* the context's, or `random` */
    c2s_feed *random;
    c2s_stats *stats;
    const c2s_target *target;
    c2s_dtype activations, weights;
    bool vnni, per_channel, symmetric, portable, always, force;
    c2s_range_method method;
    c2s_bias_correction correction;
    c2s_rounding rounding;
    bool keep_biases, keep_rounding; /* they are as the user wants them */
    bool by_divergence;              /* what makes layers stay in float (repair.h) */
    double percentile;
    c2s_name_filter include, exclude;
    unsigned asked;      /* candidates so far */
    bool *wide;          /* by node id: its activations have 16 bits; NULL: none */
    const char **vetoed; /* by node id: why the node may not be quantized; NULL: it may */
    c2s_placement placement;
    c2s_ranges *ranges;
    c2s_span *spans;             /* by value id */
    c2s_span *wide_spans;        /* likewise, for codes of 16 bits */
    c2s_rounded_weight *rounded; /* by value id */
    c2s_bias_shift *shift;       /* by node id: what biases are corrected by */
} c2s_quantizing;

/* Of the pass; and what they say. */
extern const c2s_option_spec c2s_quantize_options[];
c2s_status c2s_quantizing_read(c2s_quantizing *j, const c2s_options *options);

/* Samples were given. */
static inline bool c2s_quantizing_has_data(const c2s_quantizing *j) {
    return j->context->feed && j->context->feed->count > 0;
}

/* The name of a rewrite: codes back to floats, before all else. */
extern const char c2s_requantize[];
/* Looks whether the model is quantized already and says so, aloud. `requantize`: brings it back to
 * floats; j->model is then another one. */
c2s_status c2s_quantizing_meet_form(c2s_quantizing *j, bool requantize);

/* Ranges and spans of the activations, on the samples of the context or on random ones. The
 * placement is made. */
c2s_status c2s_quantizing_measure(c2s_quantizing *j);

/* Spans by another method, from the same statistics. */
c2s_status c2s_quantizing_choose(c2s_quantizing *j);

/* Finds better codes for weights of layers that run on integers with these vetoes: `rounded`. */
c2s_status c2s_quantizing_learn(c2s_quantizing *j, const char **vetoed);
void c2s_quantizing_forget_rounding(c2s_quantizing *j);

/* Sets `shift` for the layers that run on integers with these vetoes. */
c2s_status c2s_quantizing_correct(c2s_quantizing *j, const char **vetoed);
void c2s_quantizing_forget_correction(c2s_quantizing *j);
void c2s_quantizing_free_shift(const c2s_quantizing *j,
                               c2s_bias_shift *shift); /* NULL is allowed */

/* Vetoes the layers that have to stay in float for the context's budget to hold. */
c2s_status c2s_quantizing_keep_quality(c2s_quantizing *j);

/* A quantized copy of the model. `vetoed` by node id. `last`: it is the one that stays. */
c2s_status c2s_quantizing_build(c2s_quantizing *j, const char **vetoed, bool force, bool last,
                                c2s_model **out);

#endif
