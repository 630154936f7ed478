/* SPDX-License-Identifier: Apache-2.0 */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "ops/op.h"

const c2s_op c2s_op_opaque = {
    .type = "(opaque)",
    .domain = "",
    .inputs = {0, C2S_VARIADIC},
    .outputs = {0, C2S_VARIADIC},
    .quant = C2S_QUANT_ONLY(FLOAT),
    .flags = C2S_OP_RANDOM, /* nothing may be assumed of it */
};

static const c2s_op *table[] = {
#define C2S_OP(symbol) &c2s_op_##symbol,
#include "ops/op_list.h"
#undef C2S_OP
    &c2s_op_opaque /* keeps the array from being empty; not part of the count */
};
static const size_t table_count = sizeof table / sizeof *table - 1;
static pthread_once_t sorted = PTHREAD_ONCE_INIT;

static int compare(const char *domain_a, const char *type_a, const c2s_op *b) {
    int order = strcmp(domain_a, b->domain);
    return order ? order : strcmp(type_a, b->type);
}

static int compare_ops(const void *a, const void *b) {
    const c2s_op *x = *(const c2s_op *const *)a;
    return compare(x->domain, x->type, *(const c2s_op *const *)b);
}

static void sort_table(void) {
    qsort(table, table_count, sizeof *table, compare_ops);
}

const c2s_op *c2s_op_find(const char *domain, const char *type) {
    pthread_once(&sorted, sort_table);
    if (strcmp(domain, "ai.onnx") == 0)
        domain = "";
    size_t low = 0, high = table_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = compare(domain, type, table[middle]);
        if (order == 0)
            return table[middle];
        if (order < 0)
            high = middle;
        else
            low = middle + 1;
    }
    return &c2s_op_opaque;
}

bool c2s_node_is_random(const c2s_node *node) {
    const c2s_op *op = node->op;
    return (op->flags & C2S_OP_RANDOM) && (!op->is_random || op->is_random(node));
}

const c2s_op *const *c2s_op_all(size_t *count) {
    pthread_once(&sorted, sort_table);
    *count = table_count;
    return table;
}
