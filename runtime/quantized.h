/* SPDX-License-Identifier: Apache-2.0
 *
 * Low precision. A float value that DequantizeLinear makes of integers is made only where somebody
 * needs it: a kernel that computes with integers takes the integers, their scale and zero point
 * instead, and if QuantizeLinear is all that becomes of its result, it does that, too. QLinear
 * operators say the same in one node.
 */
#ifndef C2S_RUNTIME_QUANTIZED_H
#define C2S_RUNTIME_QUANTIZED_H

#include "runtime/kernel.h"

/* Integers that stand for (code - zero) * scale. */
typedef struct c2s_codes {
    c2s_slot *slot;         /* NULL: this input is no integers */
    unsigned input;         /* the step's operand that holds them, or the floats */
    const float *scale;     /* `count` of them, positive and finite; NULL: not stated */
    const c2s_tensor *zero; /* NULL: 0; else one or `count` */
    unsigned zero_input;    /* the operand that has it at run time; 0: it is known */
    size_t count;           /* 1: one for all; else one for each index of `axis` */
    int axis;
} c2s_codes;

/* How a step computes on integers: step->quantized. */
typedef struct c2s_quantized {
    c2s_slot *const *floats; /* the operands before */
    c2s_codes *x;            /* operands; of sums of products, the third is the bias */
    unsigned count;          /* of operands */
    bool requantizes;        /* the result is integers, else float (or sums in int32) */
    float scale;             /* of the result: one for all */
    int zero;
    float low, high; /* what the result is clamped to, before it is quantized */
    bool moves;      /* the operator itself runs on integers as it stands */
    c2s_step *gate;  /* of a function: what its result and its operand meet in; NULL: none */
} c2s_quantized;

int c2s_codes_zero(const c2s_codes *codes, size_t index);

/* Settles, while types are planned, that the step (DequantizeLinear) makes its output only where
 * somebody asks for it: out[0]->dequantizer. True if even a constant is worth that. */
bool c2s_quantized_defers(c2s_step *step);
/* How large what it makes can be; infinite: not known. */
float c2s_dequantized_most(const c2s_step *step);
/* Chooses and prepares a kernel on integers; false: the step has none. */
bool c2s_quantized_prepare(c2s_step *step);

/* ---- for kernels ---- */

/* True if input `input` is integers of 8 bits with one scale for all. */
bool c2s_quantized_is_plain(const c2s_step *step, unsigned input);
/* The result's bounds in steps of its scale, as distances from its zero point. */
void c2s_quantized_bounds(const c2s_step *step, float *low, float *high);
/* The layout with channels last of a type; NULL where that is row-major, too. */
c2s_status c2s_channels_last(const c2s_type *type, struct c2s_layout *out);

extern const c2s_kernel_family c2s_kernels_quantized_binary, c2s_kernels_quantized_concat,
    c2s_kernels_quantized_conv, c2s_kernels_quantized_matmul, c2s_kernels_quantized_pool,
    c2s_kernels_quantized_product, c2s_kernels_quantized_table;

#endif
