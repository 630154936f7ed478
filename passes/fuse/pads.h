/* SPDX-License-Identifier: Apache-2.0
 *
 * Reading a Pad in front of a sliding window, and adding it to the window's own pads.
 */
#ifndef C2S_PASSES_PADS_H
#define C2S_PASSES_PADS_H

#include "passes/constants.h"

/* Pads of the spatial axes, begins before ends as the windows have them. */
typedef struct c2s_pads {
    int64_t at[2 * C2S_MAX_RANK];
    int spatial; /* axes; 2 * spatial entries */
} c2s_pads;

/* Pads of a Pad node with constant operands in mode "constant" on spatial axes only. NULL, or the
 * reason why they are not. */
const char *c2s_pads_of_pad(const c2s_node *pad, c2s_pads *out);
/* What a Pad node fills in; false if it is not known. */
bool c2s_pad_value(const c2s_node *pad, double *out);
/* Adds the explicit pads of a window node. NULL, or why there are none. */
const char *c2s_pads_add_window(const c2s_node *window, c2s_pads *pads);
/* Writes them to a window node, with auto_pad off. */
void c2s_pads_write(const c2s_pads *pads, c2s_node *window);

#endif
