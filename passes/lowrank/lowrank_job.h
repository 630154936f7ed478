/* SPDX-License-Identifier: Apache-2.0
 *
 * One run of the pass lowrank, from what was asked to what is chosen.
 */
#ifndef C2S_PASSES_LOWRANK_JOB_H
#define C2S_PASSES_LOWRANK_JOB_H

#include "passes/lowrank/lowrank_apply.h"
#include "passes/lowrank/lowrank_speed.h"
#include "passes/quant/name_filter.h"

#define C2S_LOWRANK_KIND      "low-rank"
#define C2S_LOWRANK_TIED_KIND "tied-table"

typedef struct c2s_lowrank_job {
    c2s_model *model;
    const c2s_pass_context *context;
    c2s_stats *stats;
    c2s_name_filter include, exclude;
    c2s_lowrank_plan plan;
    c2s_lowrank_how how;
    c2s_lowrank_goal goal;
    double value;      /* of the goal */
    bool automatic;    /* nobody has asked for a value */
    bool timed;        /* what is slower is out of the question */
    bool weighed;      /* errors of layers are weighed by what they do to the outputs */
    c2s_budget budget; /* the job's, or the pass's own */
    size_t epochs;     /* of the fit of all layers together; SIZE_MAX: as many as the time allows */
    bool joined;       /* layers that read the same rows may become one */
    c2s_lowrank_speeds speeds;
} c2s_lowrank_job;

/* Fills in the items of the plan: layers, and what they cost on the first sample. */
c2s_status c2s_lowrank_find_layers(c2s_lowrank_job *job);
bool c2s_lowrank_is_named(c2s_lowrank_job *j, const c2s_node *node); /* by include and exclude */
/* Output layers whose weight is a table that Gather reads, turned, read that table; if it is
 * weights that are counted. Writes the model of the job. */
c2s_status c2s_lowrank_tie_turned(c2s_lowrank_job *j);
/* Items that read the same weight become one, others that read a weight of several go. */
void c2s_lowrank_tie_layers(c2s_lowrank_job *j);
/* Which of them read the same rows. */
void c2s_lowrank_find_families(c2s_lowrank_job *job);
/* What these could be together, when the members' ways and weights are known; again after these
 * have changed. */
c2s_status c2s_lowrank_join_ways(c2s_lowrank_job *job);
/* Of members of families, when nobody asks for that again. */
void c2s_lowrank_forget_moments(c2s_lowrank_job *job);
/* Their ways, and the weights of their errors. */
c2s_status c2s_lowrank_find_ways(c2s_lowrank_job *job);
/* How long layers and their ways take, if that is the unit of cost. */
c2s_status c2s_lowrank_time_ways(c2s_lowrank_job *j);
/* Are there bounds on quality that can be measured? */
bool c2s_lowrank_is_bound(const c2s_lowrank_job *j);
/* Noise of the outputs, and what it does to answers. */
double c2s_lowrank_noise(const c2s_quality_result *result);
/* Writes what is chosen (c2s_lowrank_apply); then fits all layers of the model together, so that it
 * gives what it gave before, as long as the outputs on samples that are held out gain; if epochs
 * are asked for, and derivatives are known. */
c2s_status c2s_lowrank_write(c2s_lowrank_job *j,
                             bool (*before)(void *user, const c2s_lowrank_item *item), void *user);
/* Sets what is chosen. Within the budget, if it has bounds: then as near to the value, or as low if
 * it is automatic, as they allow. */
c2s_status c2s_lowrank_search(c2s_lowrank_job *job);
/* The same, with those weights of errors that turn out best where that is tried. */
c2s_status c2s_lowrank_decide(c2s_lowrank_job *job);

#endif
