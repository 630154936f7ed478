/* SPDX-License-Identifier: Apache-2.0
 *
 * Computing one node from its input tensors.
 */
#include <inttypes.h>
#include <stdlib.h>

#include "ops/infer.h"

bool c2s_eval_wants(const c2s_eval *e, unsigned output) {
    return output < e->out_count && e->node->outputs[output];
}

c2s_status c2s_eval_new(c2s_eval *e, unsigned output, c2s_dtype dtype, int rank,
                        const int64_t *dim) {
    if (output >= e->out_count)
        return c2s_fail(C2S_ERR_INVALID, "output %u does not exist", output);
    c2s_tensor_unref(e->out[output]);
    e->out[output] = NULL;
    return c2s_tensor_create(dtype, rank, dim, &e->out[output]);
}

void c2s_eval_set(c2s_eval *e, unsigned output, c2s_tensor *tensor) {
    if (!c2s_eval_wants(e, output)) {
        c2s_tensor_unref(tensor);
        return;
    }
    c2s_tensor_unref(e->out[output]);
    e->out[output] = tensor;
}

static c2s_status allocate(const c2s_node *node, const c2s_inferred *inferred, uint64_t limit,
                           c2s_tensor **out) {
    for (unsigned k = 0; k < node->output_count; k++) {
        if (!node->outputs[k])
            continue;
        const c2s_type *type = &inferred->type[k];
        if (!c2s_type_is_static(type))
            return c2s_fail(C2S_ERR_UNSUPPORTED, "the shape of output %u cannot be determined", k);
        size_t count, size;
        if (limit && (!c2s_type_elements(type, &count) ||
                      !c2s_dtype_size(type->dtype, count, &size) || size > limit))
            return c2s_fail(C2S_ERR_MEMORY, "output %u would take more than %llu bytes", k,
                            (unsigned long long)limit);
        C2S_TRY(c2s_tensor_create_home(type->dtype, type->rank, type->dim, &out[k]));
    }
    return C2S_OK;
}

static c2s_status compute(const c2s_node *node, const c2s_tensor *const *in, c2s_tensor **out,
                          const c2s_body_runner *runner, uint64_t limit, c2s_kept *kept,
                          c2s_dims *dims, c2s_arena *arena) {
    c2s_fact *facts = c2s_arena_array(arena, node->formal_count, sizeof *facts);
    for (unsigned k = 0; k < node->formal_count; k++)
        if (in[k])
            facts[k] = (c2s_fact){.type = &in[k]->type, .constant = in[k]};
    c2s_inferred inferred;
    C2S_TRY(c2s_infer_run(node, dims, arena, facts, true, &inferred));
    if (!(node->op->flags & C2S_OP_SIZES_OUTPUTS))
        C2S_TRY(allocate(node, &inferred, limit, out));
    c2s_eval e = {.node = node,
                  .in = in,
                  .in_count = node->formal_count,
                  .out = out,
                  .out_count = node->output_count,
                  .out_type = inferred.type,
                  .runner = runner,
                  .kept = kept};
    C2S_TRY(node->op->eval(&e));
    for (unsigned k = 0; k < node->output_count; k++)
        if (node->outputs[k] && !out[k])
            return c2s_fail(C2S_ERR_UNSUPPORTED, "output %u was not computed", k);
    return C2S_OK;
}

/* Operators that size their outputs themselves are judged by what came out. */
static c2s_status check_sizes(const c2s_node *node, c2s_tensor *const *out, uint64_t limit) {
    for (unsigned k = 0; k < node->output_count; k++)
        if (limit && out[k] && c2s_tensor_size(out[k]) > limit)
            return c2s_fail(C2S_ERR_MEMORY, "output %u takes %zu bytes, at most %" PRIu64
                            " are allowed", k, c2s_tensor_size(out[k]), limit);
    return C2S_OK;
}

/* What a computation may take on the way to outputs of `limit` bytes each. */
static uint64_t work_limit(const c2s_node *node, const c2s_tensor *const *in, uint64_t limit) {
    enum { LEAST = 32 << 20, TIMES = 8 };
    uint64_t sum = limit;
    for (unsigned k = 0; k < node->formal_count; k++)
        if (in[k] && __builtin_add_overflow(sum, c2s_tensor_size(in[k]), &sum))
            return 0;
    return __builtin_mul_overflow(sum, TIMES, &sum) || __builtin_add_overflow(sum, LEAST, &sum) ? 0
                                                                                               : sum;
}

void c2s_kept_free(c2s_kept *kept) {
    if (kept->data)
        kept->free(kept->data);
    *kept = (c2s_kept){0};
}

c2s_status c2s_node_eval(const c2s_node *node, const c2s_tensor *const *in, c2s_tensor **out,
                         const c2s_body_runner *runner, uint64_t limit) {
    return c2s_node_eval_again(node, in, out, runner, limit, NULL);
}

c2s_status c2s_node_eval_again(const c2s_node *node, const c2s_tensor *const *in, c2s_tensor **out,
                               const c2s_body_runner *runner, uint64_t limit, c2s_kept *kept) {
    bool wanted = false;
    for (unsigned k = 0; k < node->output_count; k++) {
        out[k] = NULL;
        wanted |= node->outputs[k] != NULL;
    }
    if (!wanted)
        return C2S_OK;
    c2s_status status;
    if (!node->op->eval) {
        status = c2s_fail(C2S_ERR_UNSUPPORTED, "operator %s%s%s cannot be executed", node->domain,
                          node->domain[0] ? "." : "", node->type);
    } else {
        c2s_arena *arena = c2s_arena_create();
        c2s_dims *dims = c2s_dims_create();
        const c2s_ceiling before = c2s_ceiling_lower(limit ? work_limit(node, in, limit) : 0);
        status = compute(node, in, out, runner, limit, kept, dims, arena);
        c2s_ceiling_restore(before);
        if (status == C2S_OK)
            status = check_sizes(node, out, limit);
        c2s_dims_destroy(dims);
        c2s_arena_destroy(arena);
    }
    if (status == C2S_OK)
        return C2S_OK;
    for (unsigned k = 0; k < node->output_count; k++) {
        c2s_tensor_unref(out[k]);
        out[k] = NULL;
    }
    c2s_note("%s", c2s_node_text(node));
    return status;
}
