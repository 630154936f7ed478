/* SPDX-License-Identifier: Apache-2.0
 *
 * Which nodes a user means: patterns as of a shell, separated by semicolons, each held against a
 * node's name and its operator ("/head*;Softmax").
 */
#ifndef C2S_PASSES_QUANT_NAME_FILTER_H
#define C2S_PASSES_QUANT_NAME_FILTER_H

#include "ir/graph.h"

typedef struct c2s_name_filter {
    char *text;
    C2S_VEC(const char *) patterns;
    C2S_VEC(bool) used; /* parallel: some node was named by it */
} c2s_name_filter;

/* NULL or "": no pattern, which names nothing. */
void c2s_name_filter_read(c2s_name_filter *filter, const char *text);
void c2s_name_filter_free(c2s_name_filter *filter);
bool c2s_name_filter_names(c2s_name_filter *filter, const c2s_node *node);
/* NULL, or why the node is left alone; without patterns `include` means all nodes. Both may be
 * NULL. */
const char *c2s_name_filter_refuse(c2s_name_filter *include, c2s_name_filter *exclude,
                                   const c2s_node *node);
/* C2S_ERR_USAGE if a pattern has named no node: a name that is spelled wrong. `option` is for the
 * message. */
c2s_status c2s_name_filter_check(const c2s_name_filter *filter, const char *option);

#endif
