/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/kernel.h"

#include <string.h>

#include "runtime/groups.h"

#define C2S_KERNEL(op, family) extern const c2s_kernel_family c2s_kernels_##family;
#include "runtime/kernel_list.h"
#undef C2S_KERNEL
extern const c2s_kernel_family c2s_kernels_defined;

#define C2S_KERNEL(op, family) {op, &c2s_kernels_##family},
const c2s_kernel c2s_kernels[] = {
#include "runtime/kernel_list.h"
};
#undef C2S_KERNEL
const size_t c2s_kernel_count = sizeof c2s_kernels / sizeof *c2s_kernels;

/* Orders a row's operator against the node's: their text, the domain first. */
static int compare(const char *op, const c2s_node *node) {
    size_t length = strlen(node->domain);
    if (length == 0)
        return strcmp(op, node->type);
    int order = strncmp(op, node->domain, length);
    if (order == 0)
        order = (unsigned char)op[length] - '.';
    return order ? order : strcmp(op + length + 1, node->type);
}

/* The first row of the operator, c2s_kernel_count if there is none. */
static size_t first_row(const c2s_node *node) {
    size_t low = 0, high = c2s_kernel_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (compare(c2s_kernels[middle].op, node) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static bool is_row_of(size_t row, const c2s_node *node) {
    return row < c2s_kernel_count && compare(c2s_kernels[row].op, node) == 0;
}

bool c2s_kernel_serves(const c2s_node *node) {
    return node->op->define || (node->op != &c2s_op_opaque && is_row_of(first_row(node), node));
}

const c2s_kernel_family *c2s_kernel_next(const c2s_step *step, size_t *row) {
    if (step->group)
        return (*row)++ == 0 ? step->group->kernel : NULL;
    if (!c2s_kernel_serves(step->node))
        return NULL;
    if (*row == 0)
        *row = first_row(step->node);
    while (is_row_of(*row, step->node)) {
        const c2s_kernel_family *family = c2s_kernels[(*row)++].family;
        if (family->accepts(step))
            return family;
    }
    if (!step->node->op->define || *row == SIZE_MAX)
        return NULL;
    *row = SIZE_MAX; /* the definition comes behind all rows */
    return c2s_kernels_defined.accepts(step) ? &c2s_kernels_defined : NULL;
}

bool c2s_step_has(const c2s_step *step, unsigned input) {
    unsigned count = step->group ? step->own_count : step->node->formal_count;
    return input < count && step->in[input];
}

const c2s_type *c2s_step_type(const c2s_step *step, unsigned input) {
    static const c2s_type unknown = {.kind = C2S_KIND_UNKNOWN, .rank = -1};
    return c2s_step_has(step, input) ? &step->in[input]->type : &unknown;
}

const c2s_tensor *c2s_step_constant(const c2s_step *step, unsigned input) {
    return c2s_step_has(step, input) ? step->in[input]->constant : NULL;
}

bool c2s_step_is_row(const c2s_step *step, unsigned input, int axis) {
    const c2s_type *x = c2s_step_type(step, 0), *type = c2s_step_type(step, input);
    const int length = x->rank - axis, most = type->rank > length ? type->rank : length;
    bool same = true;
    for (int back = 1; back <= most; back++)
        same = same && (back <= type->rank ? type->dim[type->rank - back] : 1) ==
                           (back <= length ? x->dim[x->rank - back] : 1);
    return same;
}

bool c2s_step_wants(const c2s_step *step, unsigned output) {
    return output < step->out_count && step->out[output];
}

bool c2s_step_always(const c2s_step *step) {
    (void)step;
    return true;
}
