/* SPDX-License-Identifier: Apache-2.0 */
#include "ops/iteration.h"

#include <stdlib.h>

#include "ops/body.h"

static void release(c2s_tensor_list *list) {
    for (size_t i = 0; i < list->count; i++)
        c2s_tensor_unref(list->at[i]);
    c2s_vec_free(list);
}

c2s_status c2s_iteration_need_runner(const c2s_eval *e) {
    return e->runner ? C2S_OK : c2s_fail(C2S_ERR_UNSUPPORTED, "bodies cannot be run here");
}

c2s_status c2s_iteration_open(c2s_iteration *it, unsigned first) {
    it->collected = c2s_graph_output_count(it->body) - it->lead_out - it->carried;
    it->in = c2s_zalloc(((size_t)it->body->formal_inputs + 1) * sizeof *it->in);
    it->out = c2s_zalloc(((size_t)c2s_graph_output_count(it->body) + 1) * sizeof *it->out);
    it->items = c2s_zalloc(((size_t)it->collected + 1) * sizeof *it->items);
    for (unsigned k = 0; k < it->carried; k++) {
        if (!it->e->in[first + k])
            return c2s_fail(C2S_ERR_INVALID, "input %u is missing", first + k);
        it->in[it->lead + k] = c2s_tensor_ref(it->e->in[first + k]);
    }
    return C2S_OK;
}

c2s_status c2s_iteration_run(c2s_iteration *it) {
    unsigned outputs = c2s_graph_output_count(it->body);
    c2s_status status = it->e->runner->run(it->e->runner, it->body, it->in, it->body->formal_inputs,
                                           it->out, outputs);
    if (status != C2S_OK)
        return status;
    for (unsigned k = 0; k < it->carried; k++) {
        c2s_tensor_unref(it->in[it->lead + k]);
        it->in[it->lead + k] = it->out[it->lead_out + k];
    }
    for (unsigned k = 0; k < it->collected; k++) {
        c2s_tensor *item = it->out[it->lead_out + it->carried + k];
        if (c2s_eval_wants(it->e, it->carried + k))
            c2s_vec_push(&it->items[k], item);
        else
            c2s_tensor_unref(item);
    }
    return C2S_OK;
}

static c2s_status give_collected(c2s_iteration *it, unsigned k, int64_t axis, bool reverse) {
    const c2s_value *value = c2s_graph_output(it->body, it->lead_out + it->carried + k);
    c2s_tensor_list *items = &it->items[k];
    const c2s_type *type = items->count ? &items->at[0]->type : &value->type;
    if (axis < 0)
        axis += type->rank + 1;
    if (axis < 0 || (type->rank >= 0 && axis > type->rank))
        return c2s_fail(C2S_ERR_INVALID, "output %u is to be stacked along axis %lld of rank %d",
                        it->carried + k, (long long)axis, type->rank + 1);
    c2s_tensor *stacked;
    C2S_TRY(c2s_tensor_stack((const c2s_tensor *const *)items->at, items->count, (int)axis, reverse,
                             type, &stacked));
    c2s_eval_set(it->e, it->carried + k, stacked);
    return C2S_OK;
}

c2s_status c2s_iteration_finish(c2s_iteration *it, const int64_t *axes, size_t axis_count,
                                const int64_t *reverse, size_t reverse_count) {
    for (unsigned k = 0; k < it->carried; k++)
        c2s_eval_set(it->e, k, c2s_tensor_ref(it->in[it->lead + k]));
    for (unsigned k = 0; k < it->collected; k++)
        if (c2s_eval_wants(it->e, it->carried + k))
            C2S_TRY(give_collected(it, k, k < axis_count ? axes[k] : 0,
                                   k < reverse_count && reverse[k] == 1));
    return C2S_OK;
}

void c2s_iteration_close(c2s_iteration *it) {
    for (unsigned k = 0; it->in && k < it->carried; k++)
        c2s_tensor_unref(it->in[it->lead + k]);
    for (unsigned k = 0; it->items && k < it->collected; k++)
        release(&it->items[k]);
    free(it->in);
    free(it->out);
    free(it->items);
}
