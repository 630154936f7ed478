/* SPDX-License-Identifier: Apache-2.0
 *
 * The pass custom: rules that were read from files (docs/rules.md). c2s_rules, in the public
 * header, is a set of them.
 */
#ifndef C2S_PASSES_CUSTOM_H
#define C2S_PASSES_CUSTOM_H

#include "passes/pass.h"

/* The pass that has these rules, for c2s_pipeline_use; it changes with c2s_rules_read and _load. */
const c2s_pass *c2s_rules_pass(const c2s_rules *rules);
/* True if one of them has this name; `rules` may be NULL. */
bool c2s_rules_have(const c2s_rules *rules, const char *name);

/* Appends the rules of a text; after a failure those before it stay. */
c2s_status c2s_custom_read(c2s_rules *rules, const char *text, size_t size, const char *path);

#endif
