/* SPDX-License-Identifier: Apache-2.0
 *
 * The work of the pass prune, step by step.
 */
#ifndef C2S_PASSES_PRUNE_PRUNING_H
#define C2S_PASSES_PRUNE_PRUNING_H

#include "base/map.h"
#include "passes/pass.h"
#include "passes/prune/prune_groups.h"
#include "passes/prune/reader_fit.h"
#include "passes/prune/sample_split.h"
#include "passes/prune/unit_order.h"

typedef enum c2s_prune_method {
    C2S_PRUNE_OBS,
    C2S_PRUNE_ACTIVATION,
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

typedef struct c2s_pruning {
    c2s_model *model;
    const c2s_pass_context *context;
    c2s_sample_split samples_of; /* of the context's feed, if there is one */
    c2s_prune_method method;
    double macs, params, ratio; /* what may stay; macs and params 0: not asked for */
    double damping;
    size_t round, samples, stages;
    c2s_prune_allocation allocation;
    bool refit, mix;

    c2s_model *first;      /* the model before anything was removed */
    const c2s_node **same; /* by node id: the node of the first model */
    c2s_prune_groups groups;
    c2s_readers readers;
    c2s_map reader_of; /* from its node, in either model, to the number of a reader, from 1 */
    c2s_reader_first *before; /* by reader */
    bool *chosen;             /* by group: may lose units */
    c2s_unit_order *orders;   /* by group; empty: not chosen */
    size_t *counts;           /* by group: how many of its order go */
    bool **removed;           /* by group and unit; NULL: none */
    c2s_quality *outputs;     /* of the first model, on samples to judge by; NULL: there are none */
    double *worth;            /* by group: what c2s_pruning_weigh found */
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

/* Orders the units of chosen groups, running the model on data if the method needs that. */
c2s_status c2s_pruning_order(c2s_pruning *p);
/* The number of the reader that is this node, of either model. */
size_t c2s_pruning_reader(const c2s_pruning *p, const c2s_node *node);
/* How much an error of the group's readers is worth at the outputs of the model: its first units,
 * about a quarter, are masked, its readers fitted (grams[i]: of reader i of the group), and the
 * outputs compared. p->worth[group] receives it. */
c2s_status c2s_pruning_weigh(c2s_pruning *p, size_t group, c2s_gram *const *grams);
/* Masks units and fits readers, for the choice that p->counts is; how large the error of the
 * outputs is then, as a part of their energy. Afterwards the model is as it was. */
c2s_status c2s_pruning_try(c2s_pruning *p, double *noise);
/* Masks the units that p->removed names and fits their readers. */
c2s_status c2s_pruning_apply(c2s_pruning *p);
/* Fits all readers that have lost rows, the removed units being masked. */
c2s_status c2s_pruning_refit(c2s_pruning *p);

#endif
