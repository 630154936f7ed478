/* SPDX-License-Identifier: Apache-2.0
 *
 * Which instructions our own loops may use: what the processor has, unless oneDNN is told to do
 * with less (DNNL_MAX_CPU_ISA).
 */
#ifndef C2S_RUNTIME_DNNL_PROCESSOR_H
#define C2S_RUNTIME_DNNL_PROCESSOR_H

#include <stdbool.h>

bool c2s_processor_has_avx2(void);
/* AVX2 and FMA: what runtime/vector.h needs. */
bool c2s_processor_has_fma(void);
/* oneDNN has faster code of its own for products of matrices. */
bool c2s_processor_has_avx512(void);

#endif
