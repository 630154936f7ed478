/* SPDX-License-Identifier: Apache-2.0
 *
 * Functions of single numbers from integers to integers: a table, which eval fills.
 */
#include <stdlib.h>
#include <string.h>

#include "base/threads.h"
#include "runtime/byte_table.h"
#include "runtime/layout.h"
#include "runtime/plan.h"
#include "runtime/quantized_gate.h"

/* Below this many elements one thread is faster. */
#define PARALLEL_ELEMENTS 65536
enum { CODES = C2S_BYTES };

/* All numbers that the operand can be, in the order of the bytes that stand for them. */
static c2s_status all_numbers(const c2s_codes *x, c2s_tensor **out) {
    C2S_TRY(c2s_tensor_create(C2S_FLOAT, 1, (int64_t[]){CODES}, out));
    float *to = c2s_tensor_mutable(*out), zero = (float)c2s_codes_zero(x, 0);
    for (int k = 0; k < CODES; k++) {
        int code = x->slot->type.dtype == C2S_INT8 && k > 127 ? k - CODES : k;
        to[k] = ((float)code - zero) * x->scale[0];
    }
    return C2S_OK;
}

/* Replaces the values by what the node makes of them. */
static c2s_status apply(const c2s_step *step, const c2s_node *node, c2s_tensor **values) {
    enum { FEW = 8 };
    const c2s_tensor *in[FEW] = {*values};
    c2s_tensor *out = NULL;
    if (node->input_count > FEW || node->output_count != 1)
        return c2s_fail(C2S_ERR_UNSUPPORTED, "too many operands");
    for (unsigned k = 1; k < node->input_count; k++) {
        const c2s_slot *slot = c2s_plan_slot(step->plan, node->inputs[k].value);
        in[k] = slot ? slot->constant : NULL;
    }
    C2S_TRY(c2s_node_eval(node, in, &out, NULL, 0));
    c2s_tensor_unref(*values);
    *values = out;
    return C2S_OK;
}

static c2s_status fill(const c2s_step *step, uint8_t *table) {
    c2s_tensor *values;
    C2S_TRY(all_numbers(&step->quantized->x[0], &values));
    c2s_status status = apply(step, step->node, &values);
    const unsigned functions = step->post_count - (step->quantized->gate ? C2S_GATE_POSTS : 0);
    for (unsigned k = 0; k < functions && status == C2S_OK; k++)
        status = apply(step, step->posts[k].node[0], &values);
    if (status == C2S_OK && c2s_tensor_size(values) != CODES)
        status = c2s_fail(C2S_ERR_UNSUPPORTED, "the results are no bytes");
    if (status == C2S_OK)
        memcpy(table, c2s_tensor_data(values), CODES);
    if (status == C2S_OK && step->quantized->gate)
        c2s_gate_apply(step, table);
    c2s_tensor_unref(values);
    return status;
}

static c2s_status table_prepare(c2s_step *step) {
    uint8_t *table = c2s_alloc(CODES);
    c2s_status status = fill(step, table);
    if (status == C2S_OK)
        status = c2s_step_keep(step, 0);
    if (status == C2S_OK)
        step->state = table;
    else
        free(table);
    return status;
}

typedef struct lookup {
    const uint8_t *table, *x;
    uint8_t *y;
} lookup;

static void look_up(const void *context, size_t from, size_t to) {
    const lookup *k = context;
    c2s_bytes_map(k->table, k->x + from, k->y + from, to - from);
}

static c2s_status table_run(c2s_step *step) {
    const lookup k = {step->state, c2s_tensor_data(step->in[0]->tensor),
                      c2s_tensor_mutable(step->out[0]->tensor)};
    const size_t count = step->out[0]->tensor->count;
    c2s_share(count, count >= PARALLEL_ELEMENTS, look_up, &k);
    return C2S_OK;
}

static void table_release(c2s_step *step) {
    free(step->state);
    step->state = NULL;
}

const c2s_kernel_family c2s_kernels_quantized_table = {
    .name = "quantized_table",
    .flags = C2S_KERNEL_LAYOUTS,
    .prepare = table_prepare,
    .run = table_run,
    .release = table_release,
};
