/* SPDX-License-Identifier: Apache-2.0
 *
 * Shared by the files of the pass `half`. Nobody else includes this.
 *
 * A choice says for each node of the main graph, counted in list order, whether it computes in
 * float16; all others, and what is in bodies, are islands of float.
 */
#ifndef C2S_PASSES_QUANT_HALF_CHOICE_H
#define C2S_PASSES_QUANT_HALF_CHOICE_H

#include "passes/measure/ranges.h"
#include "passes/pass.h"
#include "passes/quant/half_operators.h"
#include "passes/quant/retype.h"

typedef struct c2s_half_choice {
    size_t count;        /* nodes of the main graph */
    bool *half;          /* by position */
    const char **reason; /* likewise: why a node with floats stays in float; NULL: it does not, or
                            has none */
} c2s_half_choice;

typedef struct c2s_half_limits {
    const c2s_ranges *ranges; /* what values held; NULL: not known */
    size_t terms;             /* what a reduction may add up */
} c2s_half_limits;

/* The largest number of float16, and what is left of it as the room for data not yet seen. */
#define C2S_HALF_MOST 65504.0
#define C2S_HALF_ROOM (C2S_HALF_MOST / 2)

bool c2s_half_is_float(const c2s_value *value); /* a tensor of float */
/* Fills in a zeroed choice. */
void c2s_half_choose(const c2s_graph *graph, const c2s_half_limits *limits, c2s_half_choice *out);
/* Operators that compute little or nothing join the islands that they lie in. */
void c2s_half_settle(const c2s_graph *graph, c2s_half_choice *choice);
void c2s_half_keep_float(c2s_half_choice *choice, size_t at, const char *reason);
size_t c2s_half_count(const c2s_half_choice *choice); /* nodes that compute in float16 */
void c2s_half_choice_free(c2s_half_choice *choice);

/* Nodes and constants of a choice get their types. `io`: inputs and outputs of the graph, too. */
c2s_status c2s_half_build(c2s_model *model, const c2s_half_choice *choice, bool io,
                          c2s_retype_counts *counts);

/* What outputs must be. */
enum { C2S_HALF_SAMPLES = 8 }; /* that they are measured on */
typedef struct c2s_half_bounds {
    const c2s_model *model; /* as the pass found it */
    const c2s_pass_context *context;
    c2s_quality *found; /* what that computes, on C2S_HALF_SAMPLES samples */
    double sqnr_db;     /* to keep against it, beside the bound of the context */
    c2s_dtype type;     /* of constants that are stored */
} c2s_half_bounds;

/* By how many dB the outputs are better than they must be, against those of the model as the pass
 * found it, and, if there is a bound, against those of the first model. `choice` NULL: the model
 * with constants stored in `type`. */
c2s_status c2s_half_margin(const c2s_half_bounds *bounds, const c2s_half_choice *choice,
                           double *margin);
/* As long as that is below 0, those parts go back to float that cost most; in the end all. */
c2s_status c2s_half_keep_margin(const c2s_half_bounds *bounds, c2s_half_choice *choice);

/* Float constants that are large enough to be worth a Cast become constants of `dtype`, with a Cast
 * behind them, in bodies, too. What would lose more than rounding stays. */
c2s_status c2s_half_store(c2s_model *model, c2s_dtype dtype, c2s_retype_counts *counts);

/* Constant masks that are added to scores hide keys with a number that float16 has, instead of
 * -1e9 or infinity. */
c2s_status c2s_half_limit_masks(c2s_model *model, c2s_retype_counts *counts);

/* Why a constant operand must not become float16; NULL: it may. `clamps`: numbers that are too
 * large become the largest. */
const char *c2s_half_refuse_constant(const c2s_tensor *tensor, bool clamps);
/* Finite numbers that are too large, and infinities if `clamps`, become the largest; *clamped says
 * whether there were any. */
c2s_status c2s_half_convert(const c2s_tensor *tensor, c2s_dtype dtype, c2s_tensor **out,
                            bool *clamped);

#endif
