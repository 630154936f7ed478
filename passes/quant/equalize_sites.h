/* SPDX-License-Identifier: Apache-2.0
 *
 * Which channels the pass equalize can scale, and what the data say about them. For equalize.c.
 */
#ifndef C2S_PASSES_QUANT_EQUALIZE_SITES_H
#define C2S_PASSES_QUANT_EQUALIZE_SITES_H

#include "passes/pass.h"
#include "passes/quant/channel_scale.h"

/* The name of the rewrite. */
extern const char c2s_equalize_kind[];

typedef struct c2s_equalize_site {
    c2s_channel_group group;
    c2s_node *maker;
    double *factor; /* by class: product of all rounds */
    double *most;   /* by class: largest magnitude of what input ends read, on the data; 0: none */
    double *limit;  /* by class: the product may not exceed this; 0: it stays 1 */
} c2s_equalize_site;

typedef struct c2s_equalize_work {
    c2s_graph *graph;
    C2S_VEC(c2s_equalize_site) sites;
    c2s_channel_constants constants;
    bool by_activations, through_clips;
    double strength;
} c2s_equalize_work;

/* Sets the sites of the graph; refused ones go into `stats`. */
void c2s_equalize_find(c2s_equalize_work *w, c2s_stats *stats);
bool c2s_equalize_has_clamps(const c2s_equalize_work *w);
/* Sets `most` and `limit` of the sites; without data no channel of a Clip may be scaled. */
c2s_status c2s_equalize_observe(c2s_equalize_work *w, const c2s_pass_context *context);
void c2s_equalize_site_free(c2s_equalize_site *t);
void c2s_equalize_free(c2s_equalize_work *w);

#endif
