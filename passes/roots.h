/* SPDX-License-Identifier: Apache-2.0
 *
 * The graphs of a model that nothing owns: the main graph, and the functions whose calls stay
 * calls. What rewrites a model treats them alike; in functions less is known, since each call has
 * types of its own.
 */
#ifndef C2S_PASSES_ROOTS_H
#define C2S_PASSES_ROOTS_H

#include "ir/graph_list.h"
#include "rewrite/rewrite.h"

/* Appends the main graph, then the functions that are written in the model's version of ai.onnx,
 * which is what rewrites build nodes of. Without their bodies. */
void c2s_roots_list(const c2s_model *model, c2s_graph_list *roots);
/* The same with all bodies, outer graphs before inner ones. */
void c2s_roots_list_deep(const c2s_model *model, c2s_graph_list *graphs);

/* c2s_graph_infer for the roots. Types in functions are a help, no condition: failures there are
 * forgotten. */
c2s_status c2s_roots_infer(c2s_model *model);
/* c2s_rewrite for the roots. */
c2s_status c2s_roots_rewrite(c2s_model *model, const c2s_rule *const *rules, c2s_stats *stats);
/* c2s_graph_sweep for the roots: the number of nodes removed. */
unsigned c2s_roots_sweep(c2s_model *model);

#endif
