/* SPDX-License-Identifier: Apache-2.0 */
#include "ops/op_versions.h"

#include <string.h>

/* S fills in what is left out behind the types. */
#define S_(since, types, flags, attributes, ...) {since, flags, types, attributes}
#define S(...)                                   S_(__VA_ARGS__, 0, NULL, 0)
#define V(domain, type, ...)                                                                       \
    {domain, type, (const c2s_op_version[]){__VA_ARGS__},                                          \
     sizeof((const c2s_op_version[]){__VA_ARGS__}) / sizeof(c2s_op_version)},
#define F    C2S_OP_FUNCTION
#define GONE C2S_OP_DEPRECATED
static const c2s_op_versions all[] = {
#include "ops/op_version_list.h"
};
#undef S_
#undef S
#undef V
#undef F
#undef GONE

const c2s_op_versions *c2s_op_versions_all(size_t *count) {
    *count = sizeof all / sizeof all[0];
    return all;
}

static int compare(const c2s_op_versions *op, const char *domain, const char *type) {
    int order = strcmp(op->domain, domain);
    return order ? order : strcmp(op->type, type);
}

const c2s_op_versions *c2s_op_versions_of(const char *domain, const char *type) {
    size_t low = 0, high = sizeof all / sizeof all[0];
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = compare(&all[middle], domain, type);
        if (order == 0)
            return &all[middle];
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return NULL;
}

const c2s_op_version *c2s_op_version_at(const c2s_op_versions *versions, int64_t opset) {
    const c2s_op_version *found = NULL;
    for (unsigned i = 0; i < versions->count && versions->versions[i].since <= opset; i++)
        found = &versions->versions[i];
    return found && !(found->flags & C2S_OP_DEPRECATED) ? found : NULL;
}
