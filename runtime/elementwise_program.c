/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/elementwise_program.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/threads.h"

/* What a thread needs on the way lies on its stack. */
#define SCRATCH_BYTES ((size_t)40 << 10)
/* Below this much work one thread is faster than two. */
#define PARALLEL_WORK 65536
enum { MOST_BLOCK = 1024, LEAST_BLOCK = 64, WIDEST = 8 };

typedef struct value {
    c2s_dtype dtype;
    size_t size; /* bytes of an element */
    int input, output;
    size_t scratch;      /* offset in elements of one byte, times the block's length */
    unsigned made, last; /* by operation number */
} value;

typedef struct operation {
    c2s_block block;
    const void *params;
    unsigned operands;
    int operand[C2S_POINTWISE_INPUTS];
    c2s_wide in[C2S_POINTWISE_INPUTS], out;
    bool widened[C2S_POINTWISE_INPUTS], narrowed; /* where storage is another type */
    unsigned result;
    unsigned char bytes[C2S_POINTWISE_PARAMS * sizeof(double)];
} operation;

struct c2s_program {
    c2s_type space;
    size_t count;
    value values[C2S_PROGRAM_VALUES];
    operation ops[C2S_PROGRAM_VALUES];
    c2s_broadcast walk[C2S_PROGRAM_INPUTS];
    unsigned value_of_input[C2S_PROGRAM_INPUTS], value_of_output[C2S_PROGRAM_OUTPUTS];
    unsigned value_count, op_count, input_count, output_count;
    size_t block;      /* elements */
    size_t stride;     /* of a place in the scratch memory, in elements */
    size_t conversion; /* where widened operands lie, like value.scratch */
    bool parallel;
};

/* ---- building ---- */

c2s_program *c2s_program_create(const c2s_type *space) {
    c2s_program *program = c2s_zalloc(sizeof *program);
    program->space = *space;
    return program;
}

void c2s_program_destroy(c2s_program *program) {
    free(program);
}

static c2s_status new_value(c2s_program *program, c2s_dtype dtype, unsigned *number) {
    if (program->value_count == C2S_PROGRAM_VALUES)
        return c2s_fail(C2S_ERR_UNSUPPORTED, "too many elementwise operators for one loop");
    const unsigned bits = c2s_dtype_bits(dtype);
    if (dtype == C2S_STRING || bits < 8 || bits > 8 * WIDEST)
        return c2s_fail(C2S_ERR_UNSUPPORTED, "elements of type %s", c2s_dtype_name(dtype));
    *number = program->value_count++;
    program->values[*number] = (value){
        .dtype = dtype, .size = bits / 8, .input = -1, .output = -1, .made = program->op_count};
    return C2S_OK;
}

c2s_status c2s_program_input(c2s_program *program, const c2s_type *type, unsigned *number) {
    const unsigned input = program->input_count;
    if (input == C2S_PROGRAM_INPUTS)
        return c2s_fail(C2S_ERR_UNSUPPORTED, "too many operands for one loop");
    C2S_TRY(new_value(program, type->dtype, number));
    size_t elements;
    const c2s_type scalar = c2s_type_tensor(type->dtype, 0, NULL);
    const bool single = c2s_type_elements(type, &elements) && elements == 1;
    c2s_broadcast_init(&program->walk[input], &program->space, single ? &scalar : type);
    program->values[*number].input = (int)input;
    program->value_of_input[input] = *number;
    program->input_count++;
    return C2S_OK;
}

/* A new operation that takes the block function of `p`. */
static c2s_status new_operation(c2s_program *program, const c2s_pointwise *p, c2s_block block,
                                c2s_dtype dtype, operation **out, unsigned *number) {
    C2S_TRY(new_value(program, dtype, number));
    operation *op = *out = &program->ops[program->op_count++];
    *op = (operation){.block = block, .out = p->out, .result = *number};
    op->narrowed = !c2s_wide_is_storage(p->out, dtype);
    memcpy(op->bytes, &p->params, sizeof op->bytes);
    return C2S_OK;
}

static void take(c2s_program *program, operation *op, unsigned k, c2s_wide wide, int operand) {
    op->operands = k + 1;
    op->operand[k] = operand;
    op->in[k] = wide;
    if (operand < 0)
        return;
    value *v = &program->values[operand];
    op->widened[k] = !c2s_wide_is_storage(wide, v->dtype);
    v->last = program->op_count;
}

static c2s_status add_fold(c2s_program *program, const c2s_pointwise *p, const int *operand,
                           unsigned count, c2s_dtype dtype, unsigned *number) {
    operation *op;
    if (count < 2 || !c2s_wide_is_storage(p->out, dtype))
        return c2s_fail(C2S_ERR_UNSUPPORTED, "%u operands of type %s", count,
                        c2s_dtype_name(dtype));
    int sum = operand[0];
    for (unsigned k = 1; k < count; k++) {
        C2S_TRY(new_operation(program, p, p->block, dtype, &op, number));
        take(program, op, 0, p->in[0], sum);
        take(program, op, 1, p->in[0], operand[k]);
        sum = (int)*number;
    }
    if (!p->finish)
        return C2S_OK;
    C2S_TRY(new_operation(program, p, p->finish, dtype, &op, number));
    take(program, op, 0, p->in[0], sum);
    return C2S_OK;
}

c2s_status c2s_program_add(c2s_program *program, const c2s_pointwise *p, const int *operand,
                           unsigned operand_count, c2s_dtype dtype, unsigned *number) {
    operation *op;
    if (p->folds)
        return add_fold(program, p, operand, operand_count, dtype, number);
    C2S_TRY(new_operation(program, p, p->block, dtype, &op, number));
    for (unsigned k = 0; k < p->operands; k++)
        take(program, op, k, p->in[k], p->slot[k] < operand_count ? operand[p->slot[k]] : -1);
    return C2S_OK;
}

c2s_status c2s_program_output(c2s_program *program, unsigned number) {
    if (program->output_count == C2S_PROGRAM_OUTPUTS)
        return c2s_fail(C2S_ERR_UNSUPPORTED, "too many results of one loop");
    program->values[number].output = (int)program->output_count;
    program->value_of_output[program->output_count++] = number;
    return C2S_OK;
}

/* Gives every value that needs scratch memory a place there; returns how many bytes an element
 * takes. Places are used again when their value was read for the last time. */
static size_t place_values(c2s_program *program) {
    size_t top = 0;
    unsigned free_place[C2S_PROGRAM_VALUES], free_count = 0;
    for (unsigned k = 0; k < program->input_count; k++) {
        value *v = &program->values[program->value_of_input[k]];
        v->scratch = top;
        top += program->walk[k].dense ? 0 : v->size;
    }
    for (unsigned i = 0; i < program->op_count; i++) {
        value *v = &program->values[program->ops[i].result];
        unsigned found = free_count;
        for (unsigned k = 0; k < free_count && found == free_count; k++)
            if (program->values[free_place[k]].size == v->size)
                found = k;
        if (found < free_count) {
            v->scratch = program->values[free_place[found]].scratch;
            free_place[found] = free_place[--free_count];
        } else {
            v->scratch = top;
            top += v->size;
        }
        for (unsigned k = 0; k < program->ops[i].operands; k++) {
            int operand = program->ops[i].operand[k];
            bool again = false; /* the same operand twice */
            for (unsigned l = 0; l < k; l++)
                again |= program->ops[i].operand[l] == operand;
            if (operand >= 0 && !again && program->values[operand].input < 0 &&
                program->values[operand].last == i + 1)
                free_place[free_count++] = (unsigned)operand;
        }
    }
    program->conversion = top;
    for (unsigned i = 0; i < program->op_count; i++) {
        const operation *op = &program->ops[i];
        if (op->narrowed || op->widened[0] || op->widened[1] || op->widened[2])
            return top + (C2S_POINTWISE_INPUTS + 1) * WIDEST;
    }
    return top;
}

c2s_status c2s_program_finish(c2s_program *program, unsigned work) {
    if (!c2s_type_elements(&program->space, &program->count))
        return c2s_fail(C2S_ERR_UNSUPPORTED, "too many elements");
    for (unsigned i = 0; i < program->op_count; i++)
        program->ops[i].params = program->ops[i].bytes;
    const size_t bytes = place_values(program);
    size_t block = bytes ? SCRATCH_BYTES / bytes : MOST_BLOCK;
    block = block > MOST_BLOCK ? MOST_BLOCK : block / LEAST_BLOCK * LEAST_BLOCK;
    if (block < LEAST_BLOCK)
        return c2s_fail(C2S_ERR_UNSUPPORTED, "too many values for one loop");
    program->stride = block;
    /* Operands that are the same in each block are loaded once. */
    for (unsigned k = 0; k < program->input_count; k++) {
        const size_t period = program->walk[k].period;
        if (period > 1 && period <= block / 2)
            block = block / period * period;
    }
    program->block = block;
    program->parallel = program->count > 2 * block && program->count >= PARALLEL_WORK / (work + 1);
    return C2S_OK;
}

bool c2s_program_overwrites(const c2s_program *program, unsigned input, unsigned output) {
    const value *in = &program->values[program->value_of_input[input]],
                *out = &program->values[program->value_of_output[output]];
    return program->walk[input].dense && in->size == out->size && in->last <= out->made + 1;
}

/* ---- running ---- */

typedef struct run {
    const c2s_program *program;
    const void *const *in;
    void *const *out;
    char *scratch;
    const void *at[C2S_PROGRAM_VALUES]; /* the block of each value */
    bool same[C2S_PROGRAM_INPUTS];      /* in each block */
} run;

static void load(run *r, unsigned input, size_t start, size_t n) {
    const c2s_program *program = r->program;
    const unsigned number = program->value_of_input[input];
    const value *v = &program->values[number];
    r->at[number] =
        c2s_broadcast_read(&program->walk[input], c2s_wide_raw(v->dtype), v->dtype, r->in[input],
                           start, n, r->scratch + v->scratch * program->stride);
}

static void compute(run *r, const operation *op, size_t start, size_t n) {
    const c2s_program *program = r->program;
    const value *v = &program->values[op->result];
    char *temporary = r->scratch + v->scratch * program->stride, *target = temporary;
    char *converted = r->scratch + program->conversion * program->stride;
    const void *in[C2S_POINTWISE_INPUTS] = {NULL};
    if (v->output >= 0)
        target = (char *)r->out[v->output] + start * v->size;
    char *final = target;
    for (unsigned k = 0; k < op->operands; k++) {
        if (op->operand[k] < 0)
            continue;
        in[k] = r->at[op->operand[k]];
        if (in[k] == target) /* blocks must not read what they write */
            target = temporary;
        if (!op->widened[k])
            continue;
        char *wide = converted + k * WIDEST * program->stride;
        c2s_wide_load(op->in[k], program->values[op->operand[k]].dtype, in[k], 0, n, wide);
        in[k] = wide;
    }
    if (op->narrowed) {
        char *wide = converted + C2S_POINTWISE_INPUTS * WIDEST * program->stride;
        op->block(in, wide, n, op->params);
        c2s_wide_store(op->out, v->dtype, target, 0, n, wide);
    } else {
        op->block(in, target, n, op->params);
    }
    if (target != final)
        memcpy(final, target, n * v->size);
    r->at[op->result] = final;
}

/* Elements from .. to, both at the beginning of a block or the end. */
static void run_piece(const c2s_program *program, const void *const *in, void *const *out,
                      size_t from, size_t to) {
    _Alignas(64) char scratch[SCRATCH_BYTES];
    run r = {.program = program, .in = in, .out = out, .scratch = scratch};
    const size_t block = program->block;
    for (unsigned k = 0; k < program->input_count; k++) {
        const size_t period = program->walk[k].period;
        r.same[k] = period && block % period == 0;
        if (r.same[k])
            load(&r, k, 0, block < program->count ? block : program->count);
    }
    for (size_t start = from; start < to; start += block) {
        const size_t n = to - start < block ? to - start : block;
        for (unsigned k = 0; k < program->input_count; k++)
            if (!r.same[k])
                load(&r, k, start, n);
        for (unsigned i = 0; i < program->op_count; i++)
            compute(&r, &program->ops[i], start, n);
    }
}

typedef struct whole {
    const c2s_program *program;
    const void *const *in;
    void *const *out;
} whole;

static void run_blocks(const void *context, size_t from, size_t to) {
    const whole *w = context;
    const size_t block = w->program->block, count = w->program->count;
    run_piece(w->program, w->in, w->out, from * block, to * block < count ? to * block : count);
}

void c2s_program_run(const c2s_program *program, const void *const *in, void *const *out) {
    const size_t blocks = (program->count + program->block - 1) / program->block;
    const whole w = {program, in, out};
    c2s_share(blocks, program->parallel, run_blocks, &w);
}
