/* SPDX-License-Identifier: Apache-2.0 */
#include "passes/prune/tie_index.h"

#include <stdlib.h>

#include "base/memory.h"

/* ---- order ---- */

static int compare_numbers(int64_t a, int64_t b) {
    return (a > b) - (a < b);
}

static int compare_operands(const c2s_tie *a, const c2s_tie *b) {
    int order = compare_numbers(a->output, b->output);
    order = order ? order : compare_numbers(a->slot, b->slot);
    return order ? order : compare_numbers(a->axis, b->axis);
}

static int compare_starts(const c2s_tie *a, const c2s_tie *b) {
    const int order = compare_operands(a, b);
    return order ? order : compare_numbers(a->start, b->start);
}

typedef struct keyed {
    const c2s_tie *tie;
    uint32_t number;
} keyed;

static int by_operand(const void *x, const void *y) {
    const keyed *a = x, *b = y;
    int order = compare_starts(a->tie, b->tie);
    order = order ? order : compare_numbers(b->tie->count, a->tie->count);
    return order ? order : compare_numbers(a->number, b->number);
}

static int by_space(const void *x, const void *y) {
    const keyed *a = x, *b = y;
    const int order = compare_numbers(a->tie->space, b->tie->space);
    return order ? order : compare_numbers(a->number, b->number);
}

static uint32_t *sorted(const c2s_ties *t, int (*compare)(const void *, const void *)) {
    const size_t count = t->ties.count;
    keyed *order = c2s_alloc_array(count + 1, sizeof *order);
    uint32_t *numbers = c2s_alloc_array(count + 1, sizeof *numbers);
    for (size_t k = 0; k < count; k++)
        order[k] = (keyed){&t->ties.at[k], (uint32_t)k};
    qsort(order, count, sizeof *order, compare);
    for (size_t k = 0; k < count; k++)
        numbers[k] = order[k].number;
    free(order);
    return numbers;
}

/* ---- all nodes ---- */

void c2s_tie_index_create(const c2s_model *model, c2s_tie_index *out) {
    *out = (c2s_tie_index){.count = model->nodes.count};
    out->of = c2s_zalloc((out->count + 1) * sizeof *out->of);
    for (size_t k = 0; k < out->count; k++) {
        const c2s_node *node = model->nodes.at[k];
        c2s_node_ties *n = &out->of[k];
        if (!node || node == node->graph->entry || node == node->graph->exit)
            continue;
        c2s_ties_of(node, &n->ties);
        n->by_operand = sorted(&n->ties, by_operand);
        n->by_space = sorted(&n->ties, by_space);
        n->visits = c2s_zalloc(n->ties.spaces.count + 1);
    }
}

void c2s_tie_index_free(c2s_tie_index *index) {
    for (size_t k = 0; k < index->count; k++) {
        c2s_ties_free(&index->of[k].ties);
        free(index->of[k].by_operand);
        free(index->of[k].by_space);
        free(index->of[k].visits);
    }
    free(index->of);
    *index = (c2s_tie_index){0};
}

/* ---- looking up ---- */

/* The stretch of `order` for which `compare` with the key gives 0. */
static c2s_tie_range stretch(const c2s_ties *t, const uint32_t *order, const c2s_tie *key,
                             int (*compare)(const c2s_tie *, const c2s_tie *)) {
    size_t low = 0, high = t->ties.count, end;
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        if (compare(&t->ties.at[order[middle]], key) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    for (end = low; end < t->ties.count && compare(&t->ties.at[order[end]], key) == 0; end++)
        continue;
    return (c2s_tie_range){order ? order + low : NULL, end - low};
}

c2s_tie_range c2s_ties_of_operand(const c2s_node_ties *n, bool output, unsigned slot, int axis) {
    const c2s_tie key = {.output = output, .slot = slot, .axis = axis};
    return stretch(&n->ties, n->by_operand, &key, compare_operands);
}

c2s_tie_range c2s_ties_beside(const c2s_node_ties *n, const c2s_tie *tie) {
    return stretch(&n->ties, n->by_operand, tie, compare_starts);
}

static int compare_spaces(const c2s_tie *a, const c2s_tie *b) {
    return compare_numbers(a->space, b->space);
}

c2s_tie_range c2s_ties_of_space(const c2s_node_ties *n, unsigned space) {
    const c2s_tie key = {.space = space};
    return stretch(&n->ties, n->by_space, &key, compare_spaces);
}
