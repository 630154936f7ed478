/* SPDX-License-Identifier: Apache-2.0
 *
 * What memory planning must know about Concat: its inputs may be computed right where they go.
 */
#ifndef C2S_RUNTIME_CONCAT_PIECES_H
#define C2S_RUNTIME_CONCAT_PIECES_H

#include "runtime/kernel.h"

/* True if the step is a Concat whose inputs follow each other in the output's memory; *offset:
 * where input `input` begins, in bytes. */
bool c2s_concat_offset(const c2s_step *step, unsigned input, size_t *offset);

extern const c2s_kernel_family c2s_kernels_concat;

#endif
