/* SPDX-License-Identifier: Apache-2.0
 *
 * Before: Pad with zeros, then AveragePool          After: AveragePool that counts its pads
 * Before: Pad with minus infinity, then MaxPool     After: MaxPool, whose pads never win
 * Refuses when the AveragePool has pads of its own that it does not count, when windows may run
 * over the end (ceil_mode), or when a pad would reach the kernel's size: such windows see pads
 * only, which runtimes reject.
 */
#include <math.h>

#include "passes/fuse/fuse.h"
#include "passes/fuse/pads.h"
#include "rewrite/builder.h"

enum { X = C2S_LETTER_A, P };

static const char *check_kernel(const c2s_node *pool, const c2s_pads *pads) {
    c2s_ints kernel;
    if (!c2s_attr_int_list(pool, "kernel_shape", &kernel) ||
        kernel.count != (unsigned)pads->spatial)
        return "the kernel does not fit the rank";
    for (int i = 0; i < 2 * pads->spatial; i++)
        if (pads->at[i] >= kernel.at[i % pads->spatial])
            return "a pad would be as large as the kernel";
    return NULL;
}

static const char *read(const c2s_match *m, c2s_pads *pads) {
    bool average = m->root->op == &c2s_op_average_pool;
    double fill;
    const char *reason = c2s_pads_of_pad(m->node[0], pads);
    if (reason)
        return reason;
    if (!c2s_pad_value(m->node[0], &fill) || (average ? fill != 0 : !(isinf(fill) && fill < 0)))
        return average ? "Pad does not fill in zeros" : "Pad does not fill in minus infinity";
    if (c2s_attr_int(m->root, "ceil_mode", 0) != 0)
        return "the pool rounds its size up";
    c2s_pads own = {.spatial = pads->spatial};
    reason = c2s_pads_add_window(m->root, &own);
    for (int i = 0; !reason && i < 2 * own.spatial; i++) {
        if (average && own.at[i] != 0 && c2s_attr_int(m->root, "count_include_pad", 0) == 0)
            return "the pool does not count its own pads";
        pads->at[i] += own.at[i];
    }
    return reason ? reason : check_kernel(m->root, pads);
}

static const char *refuse(const c2s_match *m) {
    c2s_pads pads;
    return read(m, &pads);
}

static c2s_value *build(c2s_builder *b, const c2s_match *m) {
    c2s_pads pads;
    read(m, &pads);
    c2s_node *node = c2s_build_like(b, m->root, &m->value[X], 1);
    if (node) {
        c2s_pads_write(&pads, node);
        if (m->root->op == &c2s_op_average_pool)
            c2s_attr_set_int(node, "count_include_pad", 1);
    }
    return c2s_build_finish(b, node);
}

static const c2s_pattern_row average[] = {
    {.op = &c2s_op_pad, .out = P, .in = {X}},
    {.op = &c2s_op_average_pool, .in = {P}},
};
const c2s_rule c2s_rule_pad_average_pool = {
    .name = "pad-average-pool",
    .summary = "Pad with zeros, then AveragePool -> AveragePool with larger pads",
    C2S_ROWS(average),
    .refuse = refuse,
    .build = build};

static const c2s_pattern_row max[] = {
    {.op = &c2s_op_pad, .out = P, .in = {X}},
    {.op = &c2s_op_max_pool, .in = {P}},
};
const c2s_rule c2s_rule_pad_max_pool = {
    .name = "pad-max-pool",
    .summary = "Pad with minus infinity, then MaxPool -> MaxPool with larger pads",
    C2S_ROWS(max),
    .refuse = refuse,
    .build = build};
