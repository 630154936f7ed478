/* SPDX-License-Identifier: Apache-2.0
 *
 * What the rounding of gptq.h needs of one group of an operator, in the order in which its weights
 * are rounded. For gptq.c.
 */
#ifndef C2S_PASSES_QUANT_GPTQ_ORDER_H
#define C2S_PASSES_QUANT_GPTQ_ORDER_H

#include "passes/quant/gptq_rows.h"

/* The order is that of the diagonal, or, if `class_of` [k] is given, that of the classes by the
 * sums of theirs, and within each that of the diagonal. C2S_ERR_MEMORY; C2S_ERR_INVALID: moments
 * that are not finite. */
c2s_status c2s_gptq_moments_create(const c2s_gram *gram, const c2s_gptq_options *options,
                                   const unsigned *class_of, size_t group, c2s_gptq_moments *out);
void c2s_gptq_moments_free(c2s_gptq_moments *moments);

/* What belongs to columns. */
typedef struct c2s_gptq_columns {
    c2s_gptq_classes classes;
    c2s_gptq_pairs pairs;
    size_t *place; /* of a variable */
} c2s_gptq_columns;

/* `classes`: by variable, `start` and `column` are of no account. `bounds` may be NULL. */
c2s_status c2s_gptq_columns_create(const c2s_gptq_classes *classes, const c2s_gptq_bounds *bounds,
                                   const c2s_gptq_moments *moments, size_t group,
                                   c2s_gptq_columns *out);
void c2s_gptq_columns_free(c2s_gptq_columns *columns);

#endif
