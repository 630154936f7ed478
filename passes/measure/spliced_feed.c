/* SPDX-License-Identifier: Apache-2.0 */
#include "passes/measure/spliced_feed.h"

#include <stdlib.h>
#include <string.h>

#include "base/map.h"

/* Where one sample ends and the other begins: not within this part of either end. */
#define MARGIN 0.1

static bool is_spliced(const c2s_type *type) {
    return type->kind == C2S_KIND_TENSOR && type->rank > 0 &&
           (c2s_dtype_is_integer(type->dtype) || type->dtype == C2S_BOOL);
}

/* *a with what b has behind `part` of its elements. Other types: a stays. */
static c2s_status splice(c2s_tensor **a, const c2s_tensor *b, double part) {
    const c2s_tensor *was = *a;
    c2s_tensor *both;
    if (!was || !b || !is_spliced(&was->type) || !c2s_type_equal(&was->type, &b->type))
        return C2S_OK;
    C2S_TRY(c2s_tensor_create(was->type.dtype, was->type.rank, was->type.dim, &both));
    const size_t size = c2s_tensor_size(was), each = was->count ? size / was->count : 0;
    const size_t first = (size_t)(part * (double)was->count) * each;
    char *to = c2s_tensor_mutable(both);
    memcpy(to, c2s_tensor_data(was), first);
    memcpy(to + first, (const char *)c2s_tensor_data(b) + first, size - first);
    c2s_tensor_unref(*a);
    *a = both;
    return C2S_OK;
}

static c2s_status get(const c2s_feed *feed, const c2s_graph *graph, size_t index, c2s_tensor **in) {
    const c2s_spliced_feed *s = feed->user;
    const size_t count = s->all->count;
    const unsigned inputs = c2s_graph_input_count(graph);
    C2S_TRY(s->all->get(s->all, graph, index % count, in));
    if (index < count)
        return C2S_OK;
    c2s_random random = {c2s_hash_mix(1, index)};
    const size_t other = (size_t)c2s_random_integer(&random, 0, (int64_t)count - 1);
    const double part = MARGIN + (1 - 2 * MARGIN) * c2s_random_uniform(&random);
    c2s_tensor **behind = c2s_zalloc((inputs + 1u) * sizeof *behind);
    c2s_status status = s->all->get(s->all, graph, other, behind);
    for (unsigned k = 0; k < inputs && status == C2S_OK; k++)
        status = splice(&in[k], behind[k], part);
    for (unsigned k = 0; k < inputs; k++)
        c2s_tensor_unref(behind[k]);
    free(behind);
    return status;
}

void c2s_spliced_feed_open(const c2s_feed *all, const c2s_graph *graph, size_t times,
                           c2s_spliced_feed *out) {
    bool any = false;
    for (unsigned k = 0; k < c2s_graph_input_count(graph); k++)
        any |= is_spliced(&c2s_graph_input(graph, k)->type);
    *out = (c2s_spliced_feed){.all = all};
    out->feed = (c2s_feed){.count = any ? times * all->count : all->count, .get = get, .user = out};
}
