/* SPDX-License-Identifier: Apache-2.0
 *
 * Operators that are written down as others (ops/composite.h) and have no kernel of their own: the
 * definition runs in a session of its own, and so on the kernels of what it consists of.
 */
#include <string.h>

#include "ops/composite.h"
#include "runtime/plan.h"
#include "runtime/session.h"

enum { MOST_OPERANDS = 16 };

typedef struct state {
    c2s_model *model;
    c2s_session *session;
} state;

static bool defined_accepts(const c2s_step *step) {
    const c2s_node *node = step->node;
    if (node->formal_count > MOST_OPERANDS || node->output_count > MOST_OPERANDS)
        return false;
    for (unsigned k = 0; k < node->formal_count; k++)
        if (step->in[k] && !c2s_type_is_static(&step->in[k]->type))
            return false;
    return true;
}

static void defined_release(c2s_step *step) {
    state *s = step->state;
    if (!s)
        return;
    c2s_evaluator_onednn.close(s->session);
    c2s_model_destroy(s->model);
    free(s);
    step->state = NULL;
}

static c2s_status define(const c2s_step *step, c2s_model **out) {
    const c2s_type *type[MOST_OPERANDS] = {0};
    const c2s_tensor *constant[MOST_OPERANDS] = {0};
    for (unsigned k = 0; k < step->node->formal_count; k++) {
        type[k] = step->in[k] ? &step->in[k]->type : NULL;
        constant[k] = step->in[k] ? step->in[k]->constant : NULL;
    }
    return c2s_composite_define(step->node, type, constant, out);
}

static c2s_status defined_prepare(c2s_step *step) {
    const c2s_eval_options *outer = &step->plan->context->options;
    const c2s_eval_options options = {.threads = outer->threads,
                                      .memory_limit = outer->memory_limit,
                                      .simulate_quantized = outer->simulate_quantized,
                                      .emulate = outer->emulate};
    state *s = step->state = c2s_zalloc(sizeof *s);
    c2s_status status = define(step, &s->model);
    if (status == C2S_OK)
        status = c2s_evaluator_onednn.open(s->model->graph, &options, &s->session);
    if (status != C2S_OK)
        defined_release(step);
    return status;
}

/* The definition's result lies where it was made; the step's has a place already. */
static c2s_status take_over(const c2s_tensor *from, c2s_tensor *to) {
    if (!c2s_type_equal(&from->type, &to->type))
        return c2s_fail(C2S_ERR_UNSUPPORTED, "the definition gives another type");
    const size_t size = c2s_tensor_size(from);
    if (size > 0)
        memcpy(c2s_tensor_mutable(to), c2s_tensor_data(from), size);
    return C2S_OK;
}

static c2s_status defined_run(c2s_step *step) {
    const state *s = step->state;
    const c2s_tensor *in[MOST_OPERANDS];
    c2s_tensor *out[MOST_OPERANDS];
    unsigned count = 0, made = 0;
    for (unsigned k = 0; k < step->node->formal_count; k++)
        if (step->in[k] && !step->in[k]->constant)
            in[count++] = step->in[k]->tensor;
    C2S_TRY(c2s_evaluator_onednn.run(s->session, in, out));
    c2s_status status = C2S_OK;
    for (unsigned k = 0; k < step->out_count; k++) {
        if (!c2s_node_out(step->node, k))
            continue;
        if (step->out[k] && status == C2S_OK)
            status = take_over(out[made], step->out[k]->tensor);
        c2s_onednn_give_back(s->session, out[made++]);
    }
    return status;
}

const c2s_kernel_family c2s_kernels_defined = {
    .name = "defined",
    .flags = C2S_KERNEL_CHOOSES_THREADS,
    .accepts = defined_accepts,
    .prepare = defined_prepare,
    .run = defined_run,
    .release = defined_release,
};
