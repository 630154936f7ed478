/* SPDX-License-Identifier: Apache-2.0
 *
 * Layouts of values inside a plan. Row-major is what eval, graph inputs and outputs know; oneDNN's
 * kernels are fastest with channels in blocks. A value may have several forms: each kernel takes
 * the form that it wants, and where that is not there, a step of its own makes it, once for all who
 * want it.
 */
#ifndef C2S_RUNTIME_LAYOUT_H
#define C2S_RUNTIME_LAYOUT_H

#include "runtime/dnnl_primitive.h"

typedef struct c2s_layout {
    c2s_md md;
} c2s_layout;

/* ---- for kernels, while they prepare ---- */

/* True if the step may choose layouts: it is prepared together with its plan. */
bool c2s_step_chooses(const c2s_step *step);
/* The layout in which input `input` was made; NULL: row-major. */
c2s_const_md c2s_step_layout(const c2s_step *step, unsigned input);
/* Makes the input the value's form in layout `md` (NULL: row-major). */
c2s_status c2s_step_take(c2s_step *step, unsigned input, c2s_const_md md);
/* The output will be made in layout `md` (NULL: row-major). */
c2s_status c2s_step_give(c2s_step *step, unsigned output, c2s_const_md md);

/* The step that makes form `to` out of `from`, for the sake of another; they differ in layout or in
 * type. */
c2s_status c2s_layout_make(c2s_step *for_step, c2s_slot *from, c2s_slot *to);
/* The input as it was made, output 0 of the same shape in the same layout; of blocks only those
 * without padding, else row-major. */
c2s_status c2s_step_keep(c2s_step *step, unsigned input);

/* How the bytes of a layout are arranged: [outer.., channels / block, spatial.., block], where
 * block is 1 for row-major, 8 or 16, or all channels (channels last). 0: in another way. */
int64_t c2s_layout_block(c2s_const_md md, const c2s_type *type);

/* The layout of such a block: 8, 16, or all channels. */
c2s_status c2s_layout_blocked(const c2s_type *type, int64_t block, c2s_md *out);

/* ---- for plan and run ---- */

/* The layout of a form; NULL: row-major. */
c2s_const_md c2s_slot_md(const c2s_slot *slot);
/* Bytes of a form of static type; false on overflow. */
bool c2s_slot_size(const c2s_slot *slot, size_t *size);
/* Of a form with content: a new row-major tensor, or the content itself. */
c2s_status c2s_slot_plain(struct c2s_dnnl *dnnl, const c2s_slot *slot, c2s_tensor **out);
/* Brings a row-major tensor into the layout of a form, whose memory is at `target`. */
c2s_status c2s_slot_fill(struct c2s_dnnl *dnnl, const c2s_slot *slot, const c2s_tensor *plain,
                         void *target);
void c2s_layout_free(c2s_slot *slot);

#endif
