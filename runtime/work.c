/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/work.h"

#include <math.h>
#include <string.h>

#include "base/threads.h"
#include "runtime/groups.h"
#include "runtime/plan.h"

/* A step that takes less (nanoseconds) has one thread. */
#define ALONE 20000.0
/* Nanoseconds, where kernels do well: what stays on one thread by mistake loses less than what
 * waits for others by mistake. */
#define PER_PRODUCT 0.03
#define PER_WEIGHT  0.1
#define PER_NUMBER  0.5

static double count_of(const c2s_type *type) {
    double count = 1;
    if (!c2s_type_is_tensor(type) || !c2s_type_is_static(type))
        return INFINITY;
    for (int axis = 0; axis < type->rank; axis++)
        count *= (double)type->dim[axis];
    return count;
}

static double extent(const c2s_type *type, int axis) {
    return axis >= 0 && axis < type->rank ? (double)type->dim[axis] : 1;
}

/* ---- products ---- */

/* How many there are: for each element of the output as many as there are weights with the same
 * first index; so many for each element of the input; as many as a row of the input is long; or,
 * for each sequence at one time, as many as weights go from state to state. */
typedef enum products { PER_OUTPUT, PER_INPUT, PER_ROW, PER_SEQUENCE } products;

static const struct served {
    const char *type;
    unsigned weights; /* the operand */
    products products;
} served[] = {
    {"Conv", 1, PER_OUTPUT},         {"ConvInteger", 1, PER_OUTPUT}, {"QLinearConv", 3, PER_OUTPUT},
    {"ConvTranspose", 1, PER_INPUT}, {"Gemm", 1, PER_ROW},           {"MatMul", 1, PER_ROW},
    {"MatMulInteger", 1, PER_ROW},   {"MatMulNBits", 1, PER_ROW},    {"QGemm", 3, PER_ROW},
    {"QLinearMatMul", 3, PER_ROW},   {"GRU", 2, PER_SEQUENCE},       {"LSTM", 2, PER_SEQUENCE},
};

static double count_products(products kind, const c2s_type *x, const c2s_type *w,
                             const c2s_type *y) {
    switch (kind) {
    case PER_OUTPUT:
        return count_of(y) * count_of(w) / extent(w, 0);
    case PER_INPUT:
        return count_of(x) * count_of(w) / extent(w, 0);
    case PER_ROW:
        return count_of(y) * extent(x, x->rank - 1);
    case PER_SEQUENCE:
        return count_of(w) / extent(w, 0) * extent(x, 1);
    }
    return 0;
}

/* ---- nodes ---- */

static double products_of(c2s_plan *plan, const c2s_node *node) {
    for (size_t i = 0; i < sizeof served / sizeof *served; i++) {
        const struct served *s = &served[i];
        if (strcmp(s->type, node->type) != 0 || node->formal_count <= s->weights)
            continue;
        const c2s_slot *x = c2s_plan_slot(plan, node->inputs[0].value),
                       *w = c2s_plan_slot(plan, node->inputs[s->weights].value);
        const c2s_value *y = node->outputs[0];
        for (unsigned k = 1; k < node->output_count && !y; k++)
            y = node->outputs[k];
        if (!x || !w || !y)
            return INFINITY;
        return count_products(s->products, &x->type, &w->type, &c2s_plan_slot(plan, y)->type) *
                   PER_PRODUCT +
               count_of(&w->type) * PER_WEIGHT;
    }
    return 0;
}

/* Constants that are no weights hardly count: tables of which little is read, numbers per channel.
 */
static double work_of(c2s_plan *plan, const c2s_node *node) {
    double work = products_of(plan, node);
    for (unsigned k = 0; k < node->formal_count; k++) {
        const c2s_slot *slot = c2s_plan_slot(plan, node->inputs[k].value);
        if (slot && !slot->constant)
            work += count_of(&slot->type) * PER_NUMBER;
    }
    for (unsigned k = 0; k < node->output_count; k++)
        if (node->outputs[k] && node->outputs[k]->use_count > 0)
            work += count_of(&c2s_plan_slot(plan, node->outputs[k])->type) * PER_NUMBER;
    return work;
}

double c2s_step_work(const c2s_step *step) {
    double work = 0;
    if (step->is_reorder)
        return 2 * PER_NUMBER * count_of(&step->in[0]->type);
    for (unsigned k = 0; step->group && k < step->group->node_count; k++)
        work += work_of(step->plan, step->group->node[k]);
    for (unsigned k = 0; k < step->member_count; k++)
        work += work_of(step->plan, step->members[k]->node);
    return step->group ? work : work + work_of(step->plan, step->node);
}

/* ---- threads ---- */

void c2s_step_choose_threads(c2s_step *step, const c2s_kernel_family *kernel) {
    step->alone = !(kernel->flags & C2S_KERNEL_CHOOSES_THREADS) && c2s_step_work(step) < ALONE;
}

unsigned c2s_step_threads(const c2s_step *step) {
    return c2s_threads_set(step->alone ? 1 : step->plan->context->threads);
}
