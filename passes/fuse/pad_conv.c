/* SPDX-License-Identifier: Apache-2.0
 *
 * Before: Pad with zeros on spatial axes, then Conv
 * After:  Conv with larger pads
 * Refuses when Pad crops, fills in something else, touches batch or channels, or Conv uses
 * auto_pad SAME_*.
 */
#include "passes/fuse/fuse.h"
#include "passes/fuse/pads.h"
#include "rewrite/builder.h"

enum { X = C2S_LETTER_A, P, W, B };

static const char *read(const c2s_match *m, c2s_pads *pads) {
    double fill;
    const char *reason = c2s_pads_of_pad(m->node[0], pads);
    if (reason)
        return reason;
    if (!c2s_pad_value(m->node[0], &fill) || fill != 0)
        return "Pad does not fill in zeros";
    return c2s_pads_add_window(m->root, pads);
}

static const char *refuse(const c2s_match *m) {
    c2s_pads pads;
    return read(m, &pads);
}

static c2s_value *build(c2s_builder *b, const c2s_match *m) {
    c2s_pads pads;
    read(m, &pads);
    c2s_value *in[] = {m->value[X], m->value[W], m->value[B]};
    c2s_node *node = c2s_build_like(b, m->root, in, m->value[B] ? 3 : 2);
    if (node)
        c2s_pads_write(&pads, node);
    return c2s_build_finish(b, node);
}

static const c2s_pattern_row rows[] = {
    {.op = &c2s_op_pad, .out = P, .in = {X}},
    {.op = &c2s_op_conv, .in = {P, W, B | C2S_OPTIONAL}},
};
const c2s_rule c2s_rule_pad_conv = {.name = "pad-conv",
                                    .summary = "Pad with zeros, then Conv -> Conv with larger pads",
                                    C2S_ROWS(rows),
                                    .refuse = refuse,
                                    .build = build};
