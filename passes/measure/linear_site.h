/* SPDX-License-Identifier: Apache-2.0
 *
 * Operators that are products of rows with a matrix, seen alike: MatMul and Gemm, and convolutions,
 * whose rows are windows of the input.
 *
 *     y_g [rows, n] = x_g [rows, k] w_g [k, n]    for each group g
 */
#ifndef C2S_PASSES_MEASURE_LINEAR_SITE_H
#define C2S_PASSES_MEASURE_LINEAR_SITE_H

#include "base/linear_algebra.h"
#include "ops/window.h"

typedef struct c2s_linear_site {
    const c2s_node *node;
    const c2s_value *input, *weight; /* operands 0 and 1 */
    size_t groups, k, n;
    /* w_g (i, j) is element g * group_step + i * k_step + j * n_step of the weight. */
    size_t group_step, k_step, n_step;
    bool is_conv;
    bool input_by_column; /* of Gemm: rows of x lie along the second axis */
    c2s_window window;    /* of a convolution, not resolved */
} c2s_linear_site;

/* NULL, or why the node is none: another operator, or a weight that has not two axes or is not
 * static. The weight need not be constant. */
const char *c2s_linear_site_of(const c2s_node *node, c2s_linear_site *out);
/* Of recurrent cells too: x holds the rows that are multiplied with the input matrices of all
 * directions and gates, side by side; what comes out is not that product. */
const char *c2s_linear_reader_of(const c2s_node *node, c2s_linear_site *out);
bool c2s_node_is_recurrent(const c2s_node *node); /* LSTM, GRU, RNN */
/* Floats that are constant, one for each of n outputs: [n], or [.., 1, n]. */
bool c2s_is_output_vector(const c2s_value *value, size_t n);
/* Both see the same rows. */
bool c2s_linear_site_shares(const c2s_linear_site *a, const c2s_linear_site *b);

/* Equal for sites that see the same rows, of the same values or of others that hold the same. */
uint64_t c2s_linear_site_digest(const c2s_linear_site *site);

/* Some rows of x of one group: `rows` from `first` on. Convolutions count the rows of an image by
 * itself, others have one. */
typedef struct c2s_linear_block {
    size_t group, image, first;
    c2s_samples x;
} c2s_linear_block;
typedef c2s_status c2s_linear_taker(void *user, const c2s_linear_block *block);

/* Calls `take` for all rows that a tensor has for the site; blocks of different groups come from
 * several threads at once, those of a group in order. The samples are gone when `take` returns.
 * C2S_ERR_INVALID if the tensor does not fit, and what `take` fails with. */
c2s_status c2s_linear_rows(const c2s_linear_site *site, const c2s_tensor *x, c2s_linear_taker *take,
                           void *user);
/* The same rows of an output `y`, held as floats: [image, groups * n, positions] of a convolution,
 * else [rows, n]. `positions` are the rows of an image. */
c2s_samples c2s_linear_outputs(const c2s_linear_site *site, const c2s_linear_block *block,
                               const float *y, size_t positions);

#endif
