/* SPDX-License-Identifier: Apache-2.0
 *
 * The work of the pass prune, step by step.
 */
#ifndef C2S_PASSES_PRUNE_PRUNING_H
#define C2S_PASSES_PRUNE_PRUNING_H

#include "base/map.h"
#include "passes/measure/channel_laws.h"
#include "passes/pass.h"
#include "passes/prune/allocate.h"
#include "passes/prune/prune_groups.h"
#include "passes/prune/reader_fit.h"
#include "passes/measure/sample_split.h"
#include "passes/prune/unit_order.h"

/* Of an operator's input, over all samples, that its moments are summed over. */
enum { C2S_PRUNE_ROWS = 1 << 18 };

typedef enum c2s_prune_method {
    C2S_PRUNE_OBS,
    C2S_PRUNE_ACTIVATION,
    C2S_PRUNE_DIVERGENCE, /* the last that needs data */
    C2S_PRUNE_L2,
    C2S_PRUNE_L1,
    C2S_PRUNE_SCALE
} c2s_prune_method;

/* Which groups lose how much. */
typedef enum c2s_prune_allocation {
    C2S_PRUNE_BEST,    /* of the others, tried one after the other */
    C2S_PRUNE_OUTPUTS, /* by what errors do to the outputs of the model */
    C2S_PRUNE_ERRORS,  /* by errors alone */
    C2S_PRUNE_UNIFORM
} c2s_prune_allocation;

extern const char *const c2s_prune_ways[]; /* their names */

typedef struct c2s_pruning {
    c2s_model *model;
    const c2s_pass_context *context;
    c2s_sample_split samples_of; /* of the context's feed, if there is one */
    c2s_prune_method method;
    double macs, params, latency; /* what may stay; 0: not asked for */
    double ratio;                 /* what goes of every group, if none of these is */
    bool automatic;               /* nobody has said what may stay */
    bool automatic_method;        /* nobody has said what goes first */
    double asked_damping, damping;
    size_t round; /* widths that stay are multiples of it; 0: as suits what was asked for */
    size_t samples, stages;
    size_t rounds; /* fits of each stage; 0: as the size of the model allows */
    size_t epochs; /* in which all weights are fitted together; SIZE_MAX: as the size allows */
    size_t steps;  /* in which units go, each order learnt from what is left by then */
    c2s_prune_allocation allocation;
    bool refit, mix;
    bool by_laws; /* no data, but biases may make up for what is known of channels without */

    c2s_model *first;      /* the model before anything was removed */
    const c2s_node **same; /* by node id: the node of the first model */
    c2s_prune_groups groups;
    c2s_readers readers;
    c2s_channel_laws laws; /* of the model before anything was removed, if `by_laws` */
    c2s_map reader_of;     /* from its node, in either model, to the number of a reader, from 1 */
    c2s_reader_first *before; /* by reader */
    bool *chosen;             /* by group: may lose units */
    c2s_unit_order *orders;   /* by group; empty: not chosen */
    size_t *counts;           /* by group: how many of its order go */
    bool **removed;           /* by group and unit; NULL: none */
    c2s_quality *outputs;     /* of the first model, on samples to judge by; NULL: there are none */
    c2s_worth *worth;         /* by group: what c2s_pruning_weigh found */
    c2s_gram **grams;         /* by reader: of the first model; NULL: not kept */
    c2s_layer_times *times;   /* if latency is asked for */
    bool small, kept;         /* it may be run many times; `grams` has all of chosen groups */
    C2S_VEC(c2s_node *) given_bias; /* nodes that had none */
} c2s_pruning;

/* Makes constants initializers, and gives linear operators without bias one of zeros: fitting may
 * need it. c2s_pruning_tidy takes back those that are still zero. */
void c2s_pruning_prepare(c2s_pruning *p);
void c2s_pruning_tidy(c2s_pruning *p);
/* Once the groups are found. */
void c2s_pruning_open(c2s_pruning *p);
void c2s_pruning_close(c2s_pruning *p);

/* Rows of readers that go with removed units of a group. */
void c2s_pruning_mark_rows(c2s_pruning *p, size_t group, const bool *removed);

/* Orders the units of chosen groups, running the model on data if the method needs that. Units that
 * are masked already come first. Errors of groups are weighed the first time. */
c2s_status c2s_pruning_order(c2s_pruning *p);
/* The number of the reader that is this node, of either model. */
size_t c2s_pruning_reader(const c2s_pruning *p, const c2s_node *node);
/* How much an error of the group's readers is worth at the outputs of the model: some of its first
 * units are masked, its readers fitted (grams[i]: of reader i of the group), and the outputs
 * compared; for several numbers of units if the model is small. p->worth[group] receives it. */
c2s_status c2s_pruning_weigh(c2s_pruning *p, size_t group, c2s_gram *const *grams);
/* Orders the group's units by what the outputs lose if a unit alone is masked, and nothing fitted.
 */
c2s_status c2s_pruning_order_by_outputs(c2s_pruning *p, size_t group);
/* Gets ready to compare outputs, those in front of a last Softmax. */
c2s_status c2s_pruning_open_outputs(c2s_pruning *p);
/* The error of the outputs as a part of their energy. */
c2s_status c2s_pruning_noise(c2s_pruning *p, double *noise);
/* What the readers of a group lose, by the laws of its channels: scores, to be freed, by unit; NULL
 * where these are not known for all readers. */
double *c2s_pruning_law_scores(const c2s_pruning *p, size_t group);
/* Biases make up for the means of what readers have lost, where these are known. */
c2s_status c2s_pruning_shift_biases(c2s_pruning *p);
/* Gives nodes and readers what they have in the first model: of a group, or all. */
void c2s_pruning_restore_group(c2s_pruning *p, size_t group);
void c2s_pruning_restore(c2s_pruning *p);

/* Sets p->counts: what was asked for, or, if the budget of the context has bounds, as near to that
 * as they allow. */
c2s_status c2s_pruning_choose(c2s_pruning *p);
/* What was asked for, whatever it does. */
c2s_status c2s_pruning_choose_share(c2s_pruning *p);
/* A step of several before the last: so many units are masked, and what is left fitted, that after
 * `step` of p->steps the part 1 - (1 - step / steps)^3 of what is to go is gone (Zhu and Gupta
 * 2017, arXiv 1710.01878). */
c2s_status c2s_pruning_step(c2s_pruning *p, size_t step);
/* The model as it was first, whatever is masked. */
void c2s_pruning_undo(c2s_pruning *p);
/* It can be run, and fitted, many times. */
bool c2s_pruning_is_small(const c2s_pruning *p);
/* In which all weights are fitted together, if nobody says how many. */
size_t c2s_pruning_epochs(const c2s_pruning *p);
/* The model with the choice that p->counts is, learnt from all samples, against the first one on
 * the data of the job.
 * Afterwards the model is as it was. */
c2s_status c2s_pruning_measure(c2s_pruning *p, c2s_quality_result *result);
/* How long the model with that choice takes, cut, as a part of what the first one takes. */
c2s_status c2s_pruning_race(const c2s_pruning *p, double *ratio);
/* Masks units and fits readers, for the choice that p->counts is; how large the error of the
 * outputs is then. Afterwards the model is as it was. */
c2s_status c2s_pruning_try(c2s_pruning *p, double *noise);
/* The same, sooner: each reader is fitted by itself, on the inputs that it has in the first model.
 * p->grams must be there for all readers of groups that lose units. */
c2s_status c2s_pruning_estimate(c2s_pruning *p, double *noise);
/* Swaps units that p->counts says go for others of their groups, as long as readers lose less so.
 */
c2s_status c2s_pruning_swap(c2s_pruning *p);
/* Moves units between groups as long as that lessens the error by such estimates; the meter stays
 * below `target`. */
c2s_status c2s_pruning_refine(c2s_pruning *p, const c2s_allocation *a, double target);
/* Masks the units that p->removed names. */
c2s_status c2s_pruning_mask(c2s_pruning *p);
/* Then fits what comes behind them. */
c2s_status c2s_pruning_apply(c2s_pruning *p);
/* Fits all readers whose rows or inputs have changed, the removed units being masked. */
c2s_status c2s_pruning_refit(c2s_pruning *p);
/* From now on the samples to learn from are all, but for some to judge by if all weights are to be
 * fitted together. */
void c2s_pruning_learn_most(c2s_pruning *p);
/* Then fits all weights together (measure/joint_fit.h), p->epochs times, as long as the outputs on
 * samples to judge by gain. Leaves them as they are if derivatives are not known. */
c2s_status c2s_pruning_tune(c2s_pruning *p);

#endif
