/* SPDX-License-Identifier: Apache-2.0
 *
 * Instructions that add products of 8-bit integers to 32-bit sums.
 */
#ifndef C2S_BASE_VNNI_H
#define C2S_BASE_VNNI_H

#include <stdbool.h>

/* This processor has them, 512 bits wide. */
bool c2s_has_vnni(void);

#endif
