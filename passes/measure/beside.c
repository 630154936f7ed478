/* SPDX-License-Identifier: Apache-2.0 */
#include "passes/measure/beside.h"

#include "base/memory.h"

size_t *c2s_node_places(const c2s_graph *graph) {
    size_t place = 0, *places = c2s_zalloc((graph->model->nodes.count + 1) * sizeof *places);
    for (const c2s_node *n = graph->first; n; n = n->next)
        places[n->id] = place++;
    return places;
}

static size_t place_of(const c2s_value *value, const size_t *places) {
    return value->def && value->def != value->graph->entry ? places[value->def->id] + 1 : 0;
}

c2s_value *c2s_value_beside(const c2s_value *y, const c2s_value *x, const size_t *places) {
    const c2s_use *use = y->use_count == 1 ? y->uses : NULL;
    if (!use || !c2s_node_is(use->user, "Add"))
        return NULL;
    c2s_value *other = use->user->inputs[1 - use->slot].value;
    return other != x && !other->constant && c2s_type_equal(&other->type, &y->type) &&
                   place_of(other, places) < place_of(x, places)
               ? other
               : NULL;
}
