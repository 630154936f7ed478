/* SPDX-License-Identifier: Apache-2.0 */
#include "ir/graph_list.h"

void c2s_graph_list_add(c2s_graph_list *list, c2s_graph *graph) {
    size_t next = list->count;
    c2s_vec_push(list, graph);
    for (; next < list->count; next++) {
        for (c2s_node *node = list->at[next]->first; node; node = node->next) {
            c2s_graph *body;
            for (unsigned i = 0; (body = c2s_node_body(node, i)) != NULL; i++)
                c2s_vec_push(list, body);
        }
    }
}
