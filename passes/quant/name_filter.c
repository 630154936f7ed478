/* SPDX-License-Identifier: Apache-2.0 */
#include "passes/quant/name_filter.h"

#include <fnmatch.h>
#include <string.h>

void c2s_name_filter_read(c2s_name_filter *filter, const char *text) {
    *filter = (c2s_name_filter){.text = c2s_strdup(text ? text : "")};
    char *rest = filter->text, *state = NULL;
    for (char *part; (part = strtok_r(rest, ";", &state)); rest = NULL) {
        part += strspn(part, " ");
        size_t length = strlen(part);
        while (length > 0 && part[length - 1] == ' ')
            part[--length] = '\0';
        if (length > 0) {
            c2s_vec_push(&filter->patterns, part);
            c2s_vec_push(&filter->used, false);
        }
    }
}

void c2s_name_filter_free(c2s_name_filter *filter) {
    free(filter->text);
    c2s_vec_free(&filter->patterns);
    c2s_vec_free(&filter->used);
}

bool c2s_name_filter_names(c2s_name_filter *filter, const c2s_node *node) {
    bool named = false;
    for (size_t i = 0; i < filter->patterns.count; i++)
        if (fnmatch(filter->patterns.at[i], c2s_node_name(node), 0) == 0 ||
            fnmatch(filter->patterns.at[i], node->type, 0) == 0)
            named = filter->used.at[i] = true;
    return named;
}

const char *c2s_name_filter_refuse(c2s_name_filter *include, c2s_name_filter *exclude,
                                   const c2s_node *node) {
    if (exclude && c2s_name_filter_names(exclude, node))
        return "excluded";
    if (include && include->patterns.count && !c2s_name_filter_names(include, node))
        return "not included";
    return NULL;
}

c2s_status c2s_name_filter_check(const c2s_name_filter *filter, const char *option) {
    for (size_t i = 0; i < filter->patterns.count; i++)
        if (!filter->used.at[i])
            return c2s_fail(C2S_ERR_USAGE,
                            "%s: \"%s\" is neither the name of a node nor an operator of the model",
                            option, filter->patterns.at[i]);
    return C2S_OK;
}
