/* SPDX-License-Identifier: Apache-2.0
 *
 * Elementwise operators, alone or several that are connected, in one loop (elementwise_program.h):
 * row-major or in blocks of channels. Values that only the loop itself reads are not written.
 */
#include <stdlib.h>
#include <string.h>

#include "runtime/dnnl_eltwise.h"
#include "runtime/elementwise_program.h"
#include "runtime/elementwise_space.h"
#include "runtime/half.h"

/* From so many elements on, the library's exponentials, which compute in float, are faster than
 * ours, which compute in double. */
#define LIBRARY_ELEMENTS 1024

typedef struct loop {
    c2s_program *program;
    c2s_space space;
    c2s_md md;                         /* of the space; owned */
    unsigned slot[C2S_PROGRAM_INPUTS]; /* of the step, by input of the program */
    float *padded[C2S_PROGRAM_INPUTS]; /* the input with whole blocks of channels */
    unsigned input_count;
} loop;

/* ---- one operator ---- */

/* The node's inputs as the plan knows them. */
static c2s_status describe(const c2s_step *step, c2s_pointwise *p) {
    enum { FEW = 8 };
    c2s_fact few[FEW] = {{0}};
    const unsigned count = step->node->formal_count;
    c2s_fact *in = count <= FEW ? few : c2s_zalloc(count * sizeof *in);
    for (unsigned k = 0; k < count; k++)
        if (step->in[k])
            in[k] = (c2s_fact){.type = &step->in[k]->type, .constant = step->in[k]->constant};
    *p = (c2s_pointwise){0};
    c2s_status status = step->node->op->pointwise(step->node, in, p);
    if (in != few)
        free(in);
    return status;
}

static bool has_storage(const c2s_type *type) {
    unsigned bits = c2s_type_is_tensor(type) ? c2s_dtype_bits(type->dtype) : 0;
    return type->dtype != C2S_STRING && bits >= 8 && bits <= 64;
}

/* float16 computed in float: what is too large for it has to be found, so it is written. */
static bool is_watched(const c2s_step *step) {
    const c2s_slot *narrow = step->out[0]->base->narrow;
    return narrow && narrow->type.dtype == C2S_FLOAT16;
}

/* Functions that take long. */
static bool is_heavy(const c2s_node *node) {
    static const char *const light[] = {"Abs",
                                        "Add",
                                        "And",
                                        "BitShift",
                                        "BitwiseAnd",
                                        "BitwiseNot",
                                        "BitwiseOr",
                                        "BitwiseXor",
                                        "Cast",
                                        "Ceil",
                                        "Clip",
                                        "Div",
                                        "Equal",
                                        "Floor",
                                        "Greater",
                                        "GreaterOrEqual",
                                        "HardSigmoid",
                                        "HardSwish",
                                        "IsInf",
                                        "IsNaN",
                                        "LeakyRelu",
                                        "Less",
                                        "LessOrEqual",
                                        "Max",
                                        "Mean",
                                        "Min",
                                        "Mul",
                                        "Neg",
                                        "Not",
                                        "Or",
                                        "PRelu",
                                        "Reciprocal",
                                        "Relu",
                                        "Round",
                                        "Shrink",
                                        "Sign",
                                        "Softsign",
                                        "Sqrt",
                                        "Sub",
                                        "Sum",
                                        "ThresholdedRelu",
                                        "Where",
                                        "Xor"};
    for (size_t i = 0; i < sizeof light / sizeof *light; i++)
        if (strcmp(light[i], node->type) == 0)
            return false;
    return true;
}

static bool elementwise_accepts(const c2s_step *step) {
    c2s_pointwise p;
    size_t elements;
    if (!step->node->op->pointwise || !c2s_step_wants(step, 0) ||
        !has_storage(&step->out[0]->type) || !c2s_type_elements(&step->out[0]->type, &elements))
        return false;
    if (step->node->op == &c2s_op_cast && step->out[0]->base->narrow) /* rounds: runtime/half.c */
        return false;
    for (unsigned k = 0; k < step->node->formal_count; k++)
        if (step->in[k] && !has_storage(&step->in[k]->type))
            return false;
    if (describe(step, &p) != C2S_OK) {
        c2s_error_clear();
        return false;
    }
    if (p.folds &&
        (step->node->formal_count < 2 || !c2s_wide_is_storage(p.out, step->out[0]->type.dtype)))
        return false;
    c2s_eltwise library;
    return elements < LIBRARY_ELEMENTS || !is_heavy(step->node) || !c2s_eltwise_of(step, &library);
}

/* ---- several ---- */

static bool is_full(const c2s_step *step, const c2s_slot *slot) {
    return slot && c2s_type_same_extents(&slot->type, &step->out[0]->type);
}

/* True if every input can be walked over in the space. */
static bool fits(const c2s_step *step, const c2s_space *space) {
    c2s_type walk;
    c2s_space_form form;
    for (unsigned k = 0; k < step->in_count; k++)
        if (step->in[k] && !c2s_space_operand(space, &step->in[k]->type, &walk, &form))
            return false;
    for (unsigned k = 0; k < step->out_count; k++)
        if (space->md && step->out[k]->type.dtype != C2S_FLOAT)
            return false;
    return true;
}

/* True if all inputs of full size were made in the layout. */
static bool all_have(const c2s_step *step, c2s_const_md md) {
    for (unsigned k = 0; k < step->in_count; k++) {
        c2s_const_md own = is_full(step, step->in[k]) ? c2s_step_layout(step, k) : md;
        if (!own || !dnnl_memory_desc_equal(own, md))
            return false;
    }
    return true;
}

/* The layout of the first input that has one in which all can be computed; else row-major. For an
 * order of axes alone nothing is reordered. */
static void find_space(const c2s_step *step, c2s_space *space) {
    c2s_type full = step->out[0]->type;
    for (unsigned k = 0; k < step->in_count; k++) {
        c2s_const_md md = is_full(step, step->in[k]) ? c2s_step_layout(step, k) : NULL;
        full.dtype = C2S_FLOAT;
        if (md && c2s_space_of(&full, md, space) && fits(step, space) &&
            (space->block || all_have(step, md)))
            return;
    }
    c2s_space_of(&step->out[0]->type, NULL, space);
}

/* A member must not force another order upon the others. What it makes inside may have any type. */
static bool elementwise_joins(const c2s_step *step, const c2s_step *next) {
    c2s_space space;
    c2s_type walk;
    c2s_space_form form;
    if (!c2s_type_same_extents(&step->out[0]->type, &next->out[0]->type) || is_watched(step) ||
        is_watched(next))
        return false;
    find_space(step, &space);
    for (unsigned k = 0; k < next->in_count; k++) {
        const c2s_slot *slot = next->in[k];
        if (!slot || (is_full(step, slot) && !slot->base->made))
            continue;
        if (!c2s_space_operand(&space, &slot->type, &walk, &form))
            return false;
    }
    return true;
}

/* ---- the program ---- */

typedef struct names {
    const c2s_slot *slot[C2S_PROGRAM_VALUES]; /* bases, by value */
    unsigned count;
} names;

static int find_name(const names *all, const c2s_slot *slot) {
    for (unsigned k = 0; slot && k < all->count; k++)
        if (all->slot[k] == slot->base)
            return (int)k;
    return -1;
}

static void set_name(names *all, unsigned value, const c2s_slot *slot) {
    while (all->count <= value)
        all->slot[all->count++] = NULL;
    all->slot[value] = slot->base;
}

static c2s_status add_inputs(const c2s_step *step, loop *l, names *all) {
    for (unsigned k = 0; k < step->in_count; k++) {
        const c2s_slot *slot = step->in[k];
        c2s_type walk;
        c2s_space_form form;
        unsigned value;
        if (!slot || find_name(all, slot) >= 0)
            continue;
        if (!c2s_space_operand(&l->space, &slot->type, &walk, &form))
            return c2s_fail(C2S_ERR_UNSUPPORTED, "input %u is broadcast in another way", k);
        C2S_TRY(c2s_program_input(l->program, &walk, &value));
        set_name(all, value, slot);
        if (form == C2S_SPACE_PADDED)
            l->padded[l->input_count] = c2s_zalloc(c2s_space_padded_size(&l->space, &slot->type));
        l->slot[l->input_count++] = k;
    }
    return C2S_OK;
}

/* `step` computes one of the nodes: the whole's own step, or a member. */
static c2s_status add_node(const c2s_step *step, const c2s_slot *out, loop *l, names *all,
                           unsigned *work) {
    enum { HEAVY = 16 };
    const c2s_node *node = step->node;
    int operand[C2S_PROGRAM_INPUTS];
    unsigned value;
    c2s_pointwise p;
    if (node->formal_count > C2S_PROGRAM_INPUTS)
        return c2s_fail(C2S_ERR_UNSUPPORTED, "too many operands for one loop");
    for (unsigned k = 0; k < node->formal_count; k++)
        operand[k] = find_name(all, step->in[k]);
    C2S_TRY(describe(step, &p));
    C2S_TRY(c2s_program_add(l->program, &p, operand, node->formal_count, out->type.dtype, &value));
    set_name(all, value, out);
    *work += is_heavy(node) ? HEAVY : node->formal_count;
    return C2S_OK;
}

static c2s_status build(c2s_step *step, loop *l) {
    names all = {.count = 0};
    unsigned work = 0;
    l->program = c2s_program_create(&l->space.walk);
    C2S_TRY(add_inputs(step, l, &all));
    for (unsigned k = 0; k <= step->member_count; k++) {
        const c2s_step *one = k ? step->members[k - 1] : step;
        C2S_TRY(add_node(one, c2s_half_output(step->plan, one, 0), l, &all, &work));
    }
    for (unsigned k = 0; k < step->out_count; k++)
        C2S_TRY(c2s_program_output(l->program, (unsigned)find_name(&all, step->out[k])));
    return c2s_program_finish(l->program, work);
}

/* ---- layouts ---- */

/* Row-major, or another layout whose bytes are the same. */
static c2s_status take_plain(c2s_step *step, unsigned input) {
    c2s_const_md made = c2s_step_layout(step, input);
    const c2s_type *type = &step->in[input]->type;
    int64_t block = made ? c2s_layout_block(made, type) : 0, positions = 1;
    for (int i = 2; i < type->rank; i++)
        positions *= type->dim[i];
    bool same = block > 0 && positions == 1 && type->dim[1] % block == 0;
    return c2s_step_take(step, input, same ? made : NULL);
}

/* Slots that occur twice get the same form. */
static c2s_status choose_layouts(c2s_step *step, const loop *l) {
    for (unsigned k = 0; k < step->in_count; k++) {
        if (!step->in[k])
            continue;
        bool full = l->space.md && is_full(step, step->in[k]);
        C2S_TRY(full ? c2s_step_take(step, k, l->space.md) : take_plain(step, k));
    }
    for (unsigned k = 0; k < step->out_count; k++)
        C2S_TRY(c2s_step_give(step, k, l->space.md));
    return C2S_OK;
}

static void loop_destroy(loop *l) {
    c2s_program_destroy(l->program);
    c2s_md_free(l->md);
    for (unsigned k = 0; k < l->input_count; k++)
        free(l->padded[k]);
    free(l);
}

static c2s_status elementwise_prepare(c2s_step *step) {
    loop *l = c2s_zalloc(sizeof *l);
    find_space(step, &l->space);
    c2s_status status = build(step, l);
    if (status == C2S_OK && l->space.md) {
        status = c2s_dnnl_check(c2s_md_clone(&l->md, l->space.md), "descriptor");
        l->space.md = l->md;
    }
    if (status == C2S_OK && c2s_step_chooses(step))
        status = choose_layouts(step, l);
    if (status == C2S_OK)
        step->state = l;
    else
        loop_destroy(l);
    return status;
}

static void elementwise_release(c2s_step *step) {
    loop_destroy(step->state);
    step->state = NULL;
}

/* ---- running ---- */

static c2s_status elementwise_run(c2s_step *step) {
    const loop *l = step->state;
    const void *in[C2S_PROGRAM_INPUTS];
    void *out[C2S_PROGRAM_OUTPUTS];
    if (step->out[0]->tensor->count == 0)
        return C2S_OK;
    for (unsigned k = 0; k < l->input_count; k++) {
        const c2s_slot *slot = step->in[l->slot[k]];
        in[k] = c2s_tensor_data(slot->tensor);
        if (l->padded[k]) {
            c2s_space_pad(&l->space, &slot->type, in[k], l->padded[k]);
            in[k] = l->padded[k];
        }
    }
    for (unsigned k = 0; k < step->out_count; k++)
        out[k] = c2s_tensor_mutable(step->out[k]->tensor);
    c2s_program_run(l->program, in, out);
    if (c2s_space_padding(&l->space))
        for (unsigned k = 0; k < step->out_count; k++)
            c2s_space_clear(&l->space, out[k]);
    return C2S_OK;
}

static bool elementwise_overwrites(const c2s_step *step, unsigned input, unsigned output) {
    const loop *l = step->state;
    for (unsigned k = 0; k < l->input_count; k++)
        if (step->in[l->slot[k]] == step->in[input])
            return c2s_program_overwrites(l->program, k, output);
    return false;
}

const c2s_kernel_family c2s_kernels_elementwise = {
    .name = "elementwise",
    .flags = C2S_KERNEL_LAYOUTS | C2S_KERNEL_MEMBERS | C2S_KERNEL_CHOOSES_THREADS,
    .accepts = elementwise_accepts,
    .joins = elementwise_joins,
    .prepare = elementwise_prepare,
    .run = elementwise_run,
    .release = elementwise_release,
    .overwrites = elementwise_overwrites,
};
