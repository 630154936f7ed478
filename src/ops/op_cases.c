/* SPDX-License-Identifier: Apache-2.0 */
#include "ops/op_cases.h"

#include <stdlib.h>
#include <string.h>

static const c2s_op_cases all[] = {
#define C(...) {__VA_ARGS__},
#include "ops/op_case_list.h"
#undef C
};

const c2s_op_cases *c2s_op_cases_all(size_t *count) {
    *count = sizeof all / sizeof all[0];
    return all;
}

static int compare(const void *a, const void *b) {
    const c2s_op_cases *x = a, *y = b;
    const int order = strcmp(x->domain, y->domain);
    return order ? order : strcmp(x->type, y->type);
}

const c2s_op_cases *c2s_op_cases_of(const char *domain, const char *type) {
    const c2s_op_cases key = {.domain = domain, .type = type};
    return bsearch(&key, all, sizeof all / sizeof all[0], sizeof all[0], compare);
}
