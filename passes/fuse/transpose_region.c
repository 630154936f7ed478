/* SPDX-License-Identifier: Apache-2.0 */
#include "passes/fuse/transpose_region.h"

#include "ir/graph_list.h"

const char c2s_transpose_region[] = "transpose-region";

/* Transposes that a region has seen need not begin another one. */
static void mark_seen(const c2s_region *r, c2s_map *seen) {
    for (size_t i = 0; i < r->members.count; i++) {
        const c2s_node *def = r->members.at[i].value->def;
        if (def && c2s_region_is_inner(r, def))
            c2s_map_put_u64(seen, def->id, seen);
    }
}

static c2s_status visit(c2s_node *node, c2s_map *seen, c2s_map *visits, c2s_stats *stats) {
    const char *kind = c2s_transpose_region;
    c2s_region region = {0};
    c2s_status status = C2S_OK;
    if (c2s_region_grow(&region, node, visits)) {
        mark_seen(&region, seen);
        const char *reason = c2s_region_choose(&region);
        if (reason && region.actors.count > 0)
            c2s_stats_refuse(stats, kind, c2s_node_text(node), reason);
        if (!reason && !c2s_stats_skips(stats, kind, c2s_node_text(node)))
            status = c2s_region_rewrite(&region, stats, node);
        if (status != C2S_OK && status != C2S_ERR_MEMORY) {
            c2s_stats_refuse(stats, kind, c2s_node_text(node), c2s_error());
            status = C2S_OK;
        }
    }
    c2s_region_free(&region);
    return status;
}

static c2s_status visit_graph(c2s_graph *graph, c2s_stats *stats) {
    c2s_map seen = {0}, visits = {0};
    C2S_VEC(unsigned) seeds = {0};
    c2s_status status = C2S_OK;
    for (const c2s_node *node = graph->first; node; node = node->next)
        if (node->op == &c2s_op_transpose)
            c2s_vec_push(&seeds, node->id);
    for (size_t i = 0; i < seeds.count && status == C2S_OK && c2s_stats_may_apply(stats); i++) {
        c2s_node *node = graph->model->nodes.at[seeds.at[i]];
        if (node && !c2s_map_get_u64(&seen, node->id))
            status = visit(node, &seen, &visits, stats);
    }
    c2s_vec_free(&seeds);
    c2s_map_free(&seen);
    c2s_map_free(&visits);
    return status;
}

c2s_status c2s_transpose_regions(c2s_graph *graph, c2s_stats *stats) {
    c2s_graph_list graphs = {0};
    c2s_status status = C2S_OK;
    c2s_graph_list_add(&graphs, graph);
    for (size_t i = 0; i < graphs.count && status == C2S_OK; i++)
        status = visit_graph(graphs.at[i], stats);
    c2s_vec_free(&graphs);
    return status;
}
