/* SPDX-License-Identifier: Apache-2.0
 *
 * Shared by the files that maintain the graph's invariants: those of src/ir and the loader, which
 * knows the names. Nobody else includes this.
 */
#ifndef C2S_IR_INTERNAL_H
#define C2S_IR_INTERNAL_H

#include "ir/graph.h"

/* An empty model that takes over what its names and dimensions are to be. */
c2s_model *c2s_model_create_with(c2s_names *names, c2s_dims *dims);
/* A node that is in no list. */
c2s_node *c2s_node_allocate(c2s_graph *graph, const char *domain, const char *type);
/* A node at the end of the list, without operands and results; the texts are interned. */
c2s_node *c2s_node_append(c2s_graph *graph, const char *domain, const char *type, const c2s_op *op);
/* An output with exactly this name, even if another value has it (captures). */
c2s_value *c2s_node_add_output_named(c2s_node *node, const char *name);
/* Opens or closes one operand slot; the slot must be empty when it closes or is emptied. */
void c2s_node_insert_input(c2s_node *node, unsigned slot);
void c2s_node_delete_input(c2s_node *node, unsigned slot);
/* Gives up an unused value: its id, its tensors. */
void c2s_value_release(c2s_value *value);
/* A value with no definition yet. */
c2s_value *c2s_value_allocate(c2s_graph *graph, const char *name);

unsigned c2s_graph_capture_count(const c2s_graph *graph);
/* The body and capture that a hidden slot of `node` feeds; NULL if the slot is beyond all. */
c2s_graph *c2s_node_hidden_body(const c2s_node *node, unsigned slot, unsigned *capture);
/* A new capture of `outer`, which belongs to the owner's graph, without looking for an old one. */
c2s_value *c2s_graph_capture_new(c2s_graph *body, c2s_value *outer);

#endif
