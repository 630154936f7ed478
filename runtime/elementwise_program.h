/* SPDX-License-Identifier: Apache-2.0
 *
 * Several elementwise operators in one walk over the elements: block by block, each operator in
 * turn, so that what is between two of them stays in the cache and is never written to memory. The
 * arithmetic is that of ops/pointwise.h, hence eval's to the bit.
 */
#ifndef C2S_RUNTIME_ELEMENTWISE_PROGRAM_H
#define C2S_RUNTIME_ELEMENTWISE_PROGRAM_H

#include "ops/pointwise.h"

enum { C2S_PROGRAM_VALUES = 64, C2S_PROGRAM_INPUTS = 16, C2S_PROGRAM_OUTPUTS = 8 };

typedef struct c2s_program c2s_program;

/* `space`: extents of the results; types of inputs broadcast to it. */
c2s_program *c2s_program_create(const c2s_type *space);
void c2s_program_destroy(c2s_program *program); /* NULL is allowed */

/* Each gives the number of a value. C2S_ERR_UNSUPPORTED where there are too many, or where the
 * element type is not stored as it is computed with and that would show. */
c2s_status c2s_program_input(c2s_program *program, const c2s_type *type, unsigned *value);
/* `operand`: values, one per input of the node; -1 for what is left out. */
c2s_status c2s_program_add(c2s_program *program, const c2s_pointwise *p, const int *operand,
                           unsigned operand_count, c2s_dtype dtype, unsigned *value);
/* The value is written; outputs are numbered in the order of calls. */
c2s_status c2s_program_output(c2s_program *program, unsigned value);
/* Ends the building. `work`: of one element, in additions. */
c2s_status c2s_program_finish(c2s_program *program, unsigned work);

/* True if the output may lie where the input lies: no element is read after it is written. */
bool c2s_program_overwrites(const c2s_program *program, unsigned input, unsigned output);

/* in[k], out[k]: data of the inputs and outputs. */
void c2s_program_run(const c2s_program *program, const void *const *in, void *const *out);

#endif
