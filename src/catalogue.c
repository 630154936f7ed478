/* SPDX-License-Identifier: Apache-2.0 */
#include "catalogue.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "io/gradient.h"
#include "io/raise.h"
#include "runtime/kernel.h"

static int compare(const void *a, const void *b) {
    const c2s_catalogue_entry *x = a, *y = b;
    const int order = strcmp(x->domain, y->domain);
    return order ? order : strcmp(x->type, y->type);
}

static unsigned count_kernels(const char *domain, const char *type) {
    unsigned rows = 0;
    for (size_t i = 0; domain[0] == '\0' && i < c2s_kernel_count; i++)
        rows += strcmp(c2s_kernels[i].op, type) == 0;
    return rows;
}

static bool is_rewritten(const char *domain, const char *type) {
    size_t count;
    const c2s_raise_row *rows = c2s_raise_rows(&count);
    for (size_t i = 0; domain[0] == '\0' && i < count; i++)
        if (strcmp(rows[i].type, type) == 0)
            return true;
    return c2s_gradient_is(&(c2s_node){.domain = domain, .type = type});
}

static c2s_catalogue_entry entry_of(const char *domain, const char *type) {
    c2s_catalogue_entry entry = {.domain = domain,
                                 .type = type,
                                 .op = c2s_op_find(domain, type),
                                 .versions = c2s_op_versions_of(domain, type),
                                 .cases = c2s_op_cases_of(domain, type),
                                 .kernels = count_kernels(domain, type)};
    if (entry.op == &c2s_op_opaque) {
        entry.op = NULL;
        entry.rewritten = is_rewritten(domain, type);
    }
    if (entry.versions)
        entry.deprecated =
            entry.versions->versions[entry.versions->count - 1].flags & C2S_OP_DEPRECATED;
    return entry;
}

c2s_catalogue_entry *c2s_catalogue(size_t *count) {
    size_t known, standard, made = 0;
    const c2s_op *const *ops = c2s_op_all(&known);
    const c2s_op_versions *versions = c2s_op_versions_all(&standard);
    c2s_catalogue_entry *entries = c2s_alloc_array(known + standard, sizeof *entries);
    for (size_t i = 0; i < known; i++)
        entries[made++] = entry_of(ops[i]->domain, ops[i]->type);
    for (size_t i = 0; i < standard; i++)
        if (c2s_op_find(versions[i].domain, versions[i].type) == &c2s_op_opaque)
            entries[made++] = entry_of(versions[i].domain, versions[i].type);
    qsort(entries, made, sizeof *entries, compare);
    *count = made;
    return entries;
}

const char *c2s_catalogue_topic_name(c2s_catalogue_topic topic) {
    static const char *const names[C2S_TOPIC_COUNT] = {"infer", "eval",  "macs",
                                                       "ties",  "quant", "cases"};
    return names[topic];
}

bool c2s_catalogue_lacks(const c2s_catalogue_entry *entry, c2s_catalogue_topic topic) {
    const c2s_op *op = entry->op;
    if (topic == C2S_TOPIC_CASES)
        return !entry->cases;
    if (!op)
        return !entry->rewritten;
    switch (topic) {
    case C2S_TOPIC_INFER:
        return !op->infer;
    case C2S_TOPIC_EVAL:
        return !op->eval;
    case C2S_TOPIC_MACS:
        return op->quant.kind == C2S_QUANT_LINEAR && !op->macs;
    case C2S_TOPIC_TIES:
        return !c2s_op_states_ties(op);
    case C2S_TOPIC_QUANT:
        return op->quant.kind == C2S_QUANT_UNSTATED;
    default:
        return false;
    }
}
