/* SPDX-License-Identifier: Apache-2.0 */
#include "base/map.h"
#include "eval/evaluator.h"

static c2s_status mismatch(const c2s_graph *graph, const c2s_value *input, const c2s_tensor *t) {
    char found[256], expected[256];
    c2s_dims *dims = graph->model->dims;
    return c2s_fail(C2S_ERR_INVALID, "input \"%s\" is %s, expected %s", input->name,
                    c2s_type_text(dims, &t->type, found, sizeof found),
                    c2s_type_text(dims, &input->type, expected, sizeof expected));
}

c2s_status c2s_eval_check_inputs(const c2s_graph *graph, const c2s_tensor *const *in) {
    c2s_map extents = {0}; /* symbol -> extent + 1 */
    c2s_status status = C2S_OK;
    for (unsigned k = 0; k < c2s_graph_input_count(graph) && status == C2S_OK; k++) {
        const c2s_value *input = c2s_graph_input(graph, k);
        const c2s_tensor *t = in[k];
        if (!t) {
            if (!input->initial && input->type.kind != C2S_KIND_OPTIONAL)
                status = c2s_fail(C2S_ERR_INVALID, "input \"%s\" is missing", input->name);
            continue;
        }
        const c2s_type *want = &input->type;
        if (want->kind == C2S_KIND_UNKNOWN)
            continue;
        if (want->kind != t->type.kind)
            status = mismatch(graph, input, t);
        if (want->kind != C2S_KIND_TENSOR || status != C2S_OK)
            continue;
        if ((want->dtype != C2S_UNDEFINED && want->dtype != t->type.dtype) ||
            (want->rank >= 0 && want->rank != t->type.rank)) {
            status = mismatch(graph, input, t);
            continue;
        }
        for (int d = 0; d < want->rank && status == C2S_OK; d++) {
            int64_t extent = t->type.dim[d];
            if (c2s_dim_is_known(want->dim[d])) {
                if (want->dim[d] != extent)
                    status = mismatch(graph, input, t);
                continue;
            }
            uint64_t key = (uint64_t)want->dim[d];
            int64_t seen = (int64_t)(intptr_t)c2s_map_get_u64(&extents, key);
            if (seen == 0)
                c2s_map_put_u64(&extents, key, (void *)(intptr_t)(extent + 1));
            else if (seen != extent + 1)
                status = c2s_fail(C2S_ERR_INVALID,
                                  "input \"%s\": dimension \"%s\" is %lld, elsewhere it is %lld",
                                  input->name, c2s_dim_text(graph->model->dims, want->dim[d]),
                                  (long long)extent, (long long)(seen - 1));
        }
    }
    c2s_map_free(&extents);
    return status;
}
