/* SPDX-License-Identifier: Apache-2.0 */
#include "eval/index_range.h"

#include <string.h>

#include "base/map.h"
#include "base/vec.h"

/* Uses that are looked at for one input: numbers that go on and on are no indices. */
enum { MOST_USES = 2000 };

typedef struct search {
    const c2s_concrete *concrete;
    C2S_VEC(const c2s_value *) queue; /* values that hold the input's numbers */
    c2s_map seen;
    bool found;
    int64_t low, high;
} search;

static void narrow(search *s, int64_t low, int64_t high) {
    if (high < low)
        high = low;
    if (!s->found || low > s->low)
        s->low = low;
    if (!s->found || high < s->high)
        s->high = high;
    if (s->high < s->low)
        s->high = s->low;
    s->found = true;
}

static void follow(search *s, const c2s_value *value) {
    if (!value || c2s_map_get(&s->seen, value))
        return;
    c2s_map_put(&s->seen, value, &s->seen);
    c2s_vec_push(&s->queue, value);
}

/* The concrete type in the main graph; captures have that of what they capture. */
static const c2s_type *type_of(const search *s, const c2s_value *value) {
    while (value->graph->owner && value->def == value->graph->entry &&
           value->def_slot >= value->graph->formal_inputs) {
        const c2s_graph *body = value->graph;
        value =
            body->owner->inputs[c2s_graph_hidden_slot(body) + value->def_slot - body->formal_inputs]
                .value;
    }
    return value->graph == s->concrete->graph ? &s->concrete->type[value->id] : &value->type;
}

/* Extent of input `slot` on `axis`; false if not known. */
static bool extent(const search *s, const c2s_node *node, unsigned slot, int64_t axis,
                   int64_t *out) {
    const c2s_value *value = c2s_node_in(node, slot);
    if (!value)
        return false;
    const c2s_type *type = type_of(s, value);
    axis += axis < 0 ? type->rank : 0;
    if (!c2s_type_is_tensor(type) || axis < 0 || axis >= type->rank ||
        !c2s_dim_is_known(type->dim[axis]))
        return false;
    *out = type->dim[axis];
    return true;
}

static bool is_any(const char *type, const char *const *list) {
    for (; *list; list++)
        if (strcmp(type, *list) == 0)
            return true;
    return false;
}

/* Uses of the numbers as indices into input 0. */
static bool use_as_index(search *s, const c2s_node *node, unsigned slot) {
    static const char *const by_axis[] = {"Gather", "GatherElements", "ScatterElements", "Scatter",
                                          NULL};
    static const char *const by_tuple[] = {"GatherND", "ScatterND", NULL};
    int64_t most;
    if (slot != 1)
        return false;
    if (is_any(node->type, by_axis)) {
        if (extent(s, node, 0, c2s_attr_int(node, "axis", 0), &most))
            narrow(s, 0, most - 1);
        return true;
    }
    if (!is_any(node->type, by_tuple))
        return false;
    int64_t least = INT64_MAX, depth = 1;
    extent(s, node, 1, -1, &depth);
    int64_t batch = c2s_attr_int(node, "batch_dims", 0);
    for (int64_t i = 0; i < depth && i < C2S_MAX_RANK; i++)
        if (extent(s, node, 0, batch + i, &most) && most < least)
            least = most;
    if (least < INT64_MAX)
        narrow(s, 0, least - 1);
    return true;
}

static bool use_as_depth(search *s, const c2s_node *node, unsigned slot) {
    if (strcmp(node->type, "OneHot") != 0 || slot != 0)
        return false;
    const c2s_value *depth = c2s_node_in(node, 1);
    int64_t most;
    if (depth && depth->constant && c2s_tensor_i64_at(depth->constant, 0, &most))
        narrow(s, 0, most - 1);
    return true;
}

/* Numbers of axes of input 0. */
static bool use_as_axis(search *s, const c2s_node *node, unsigned slot) {
    static const char *const axis[] = {"CumSum", "CumProd", NULL};
    if (slot != 1 || !is_any(node->type, axis))
        return false;
    const c2s_value *x = c2s_node_in(node, 0);
    const c2s_type *type = x ? type_of(s, x) : NULL;
    if (type && type->rank > 0)
        narrow(s, 0, type->rank - 1);
    return true;
}

/* Lengths of sequences, repetitions, extents: small and positive. */
static bool use_as_count(search *s, const c2s_node *node, unsigned slot) {
    static const char *const recurrent[] = {"LSTM", "GRU", "RNN", NULL};
    static const char *const extents[] = {"Tile", "Expand", "Loop", "TopK", NULL};
    int64_t most;
    if (slot == 4 && is_any(node->type, recurrent)) {
        if (extent(s, node, 0, c2s_attr_int(node, "layout", 0) ? 1 : 0, &most))
            narrow(s, 1, most);
        return true;
    }
    if (strcmp(node->type, "ReverseSequence") == 0 && slot == 1) {
        if (extent(s, node, 0, c2s_attr_int(node, "time_axis", 0), &most))
            narrow(s, 1, most);
        return true;
    }
    if ((slot == 1 && is_any(node->type, extents)) ||
        (slot == 0 &&
         (strcmp(node->type, "ConstantOfShape") == 0 || strcmp(node->type, "Loop") == 0))) {
        narrow(s, 1, 3);
        return true;
    }
    return false;
}

static bool passes_on(const c2s_node *node, unsigned slot) {
    static const char *const first[] = {"Cast",      "Reshape", "Squeeze", "Unsqueeze", "Identity",
                                        "Transpose", "Flatten", "Slice",   "Gather",    "Expand",
                                        "Tile",      "Split",   "Pad",     NULL};
    return (slot == 0 && is_any(node->type, first)) || strcmp(node->type, "Concat") == 0 ||
           (strcmp(node->type, "Where") == 0 && slot > 0);
}

static void visit(search *s, const c2s_use *use) {
    const c2s_node *node = use->user;
    if (node == node->graph->exit)
        return;
    if (use->slot >= node->formal_count) { /* captured by a body */
        c2s_graph *body;
        for (unsigned k = 0; (body = c2s_node_body(node, k)) != NULL; k++) {
            unsigned first = c2s_graph_hidden_slot(body);
            unsigned count = body->entry->output_count - body->formal_inputs;
            if (use->slot >= first && use->slot < first + count)
                follow(s, body->entry->outputs[body->formal_inputs + use->slot - first]);
        }
        return;
    }
    if (node->domain[0] != '\0' || use_as_index(s, node, use->slot) ||
        use_as_depth(s, node, use->slot) || use_as_axis(s, node, use->slot) ||
        use_as_count(s, node, use->slot))
        return;
    if (passes_on(node, use->slot))
        for (unsigned k = 0; k < node->output_count; k++)
            follow(s, node->outputs[k]);
}

void c2s_index_range(const c2s_concrete *concrete, const c2s_value *input, int64_t *low,
                     int64_t *high) {
    search s = {.concrete = concrete};
    follow(&s, input);
    unsigned left = MOST_USES;
    for (size_t k = 0; k < s.queue.count && left > 0; k++)
        c2s_value_each_use(use, s.queue.at[k]) {
            if (left == 0)
                break;
            left--;
            visit(&s, use);
        }
    if (s.found) {
        *low = s.low;
        *high = s.high;
    }
    c2s_vec_free(&s.queue);
    c2s_map_free(&s.seen);
}
