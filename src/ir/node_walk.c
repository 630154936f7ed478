/* SPDX-License-Identifier: Apache-2.0 */
#include "ir/node_walk.h"

static c2s_node *first_in_bodies(const c2s_node *owner, unsigned from) {
    const c2s_graph *body;
    for (unsigned b = from; (body = c2s_node_body(owner, b)) != NULL; b++)
        if (body->first)
            return body->first;
    return NULL;
}

static unsigned number_of_body(const c2s_graph *body) {
    unsigned b = 0;
    while (c2s_node_body(body->owner, b) != body)
        b++;
    return b;
}

c2s_node *c2s_node_walk(const c2s_graph *top, const c2s_node *node) {
    c2s_node *next = first_in_bodies(node, 0);
    while (!next) {
        const c2s_graph *graph = node->graph;
        if (node->next || graph == top)
            return node->next;
        node = graph->owner;
        next = first_in_bodies(node, number_of_body(graph) + 1);
    }
    return next;
}
