/* SPDX-License-Identifier: Apache-2.0
 *
 * The driver: applies rules until nothing matches, in time linear in nodes plus rewrites.
 */
#ifndef C2S_REWRITE_REWRITE_H
#define C2S_REWRITE_REWRITE_H

#include "rewrite/pattern.h"
#include "rewrite/stats.h"

/* Applies the rules (the list ends with NULL) to `graph` and its bodies to a fixed point or to the
 * limit of `stats`. At one node earlier rules are tried first. After a rewrite only the
 * neighbourhood of the change is looked at again. */
c2s_status c2s_rewrite(c2s_graph *graph, const c2s_rule *const *rules, c2s_stats *stats);

/* Makes every use of `old` a use of `value` (same graph). If `old` is an output of its graph and
 * `value` cannot stand for it under its name (an input, a capture, another output already; in a
 * body also an initializer, which ONNX Runtime does not take there), an Identity node does. */
void c2s_rewrite_replace(c2s_value *old, c2s_value *value);
/* True if c2s_rewrite_replace would need that Identity node. */
bool c2s_rewrite_needs_identity(const c2s_value *old, const c2s_value *value);

#endif
