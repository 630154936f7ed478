/* SPDX-License-Identifier: Apache-2.0
 *
 * Channels shuffled between groups, as exporters write it: Reshape to [n, groups, channels of one,
 * ..], Transpose of axes 1 and 2, Reshape back. One step that reads and writes whatever layout the
 * images have.
 */
#include <stdlib.h>
#include <string.h>

#include "base/threads.h"
#include "ops/op.h"
#include "runtime/groups.h"
#include "runtime/layout.h"
#include "runtime/view_transpose.h"

/* From this many bytes on, planes are shared between threads. */
#define PARALLEL_BYTES ((size_t)1 << 18)

/* ---- finding it ---- */

/* Swaps axes 1 and 2, and nothing else. */
static bool swaps_groups(const c2s_step *transpose) {
    int64_t order[C2S_MAX_RANK];
    int rank = c2s_step_type(transpose, 0)->rank;
    if (rank < 3 || !c2s_transpose_order(transpose, order))
        return false;
    for (int i = 0; i < rank; i++)
        if (order[i] != (i == 1 ? 2 : i == 2 ? 1 : i))
            return false;
    return true;
}

bool c2s_match_shuffle(c2s_step *root, c2s_draft *draft) {
    const c2s_type *y = &root->out[0]->type;
    if (root->node->op != &c2s_op_reshape || y->rank < 2 || y->dtype != C2S_FLOAT)
        return false;
    c2s_step *transpose = c2s_draft_take(draft, root->in[0], &c2s_op_transpose);
    if (!transpose || !swaps_groups(transpose))
        return false;
    c2s_step *cut = c2s_draft_take(draft, transpose->in[0], &c2s_op_reshape);
    const c2s_type *groups = &transpose->in[0]->type;
    if (!cut || !c2s_type_equal(&cut->in[0]->type, y) || !c2s_dnnl_accepts(y) ||
        groups->dim[0] != y->dim[0] || groups->dim[1] * groups->dim[2] != y->dim[1])
        return false;
    draft->group.kernel = &c2s_kernels_shuffle;
    draft->group.input[0] = cut->in[0];
    draft->group.input_count = 1;
    draft->group.extent = groups->dim[1];
    draft->group.moves = true;
    return true;
}

/* ---- the step ---- */

typedef struct shuffle {
    size_t lanes;  /* channels that lie together: a block, all, or one */
    size_t blocks; /* of an image */
    size_t pixels;
    size_t *source; /* of each channel of the result: where its first element lies in the image */
} shuffle;

/* What has been found can be done. */
static bool shuffle_accepts(const c2s_step *step) {
    return c2s_step_wants(step, 0);
}

static c2s_status shuffle_prepare(c2s_step *step) {
    const c2s_type *type = c2s_step_type(step, 0);
    C2S_TRY(c2s_step_keep(step, 0));
    c2s_const_md md = c2s_slot_md(step->out[0]);
    size_t lanes = md ? (size_t)c2s_layout_block(md, type) : 1, channels = (size_t)type->dim[1];
    size_t groups = (size_t)step->group->extent;
    shuffle *s = c2s_zalloc(sizeof *s);
    *s = (shuffle){.lanes = lanes, .blocks = channels / lanes, .pixels = 1};
    for (int i = 2; i < type->rank; i++)
        s->pixels *= (size_t)type->dim[i];
    s->source = c2s_alloc_array(channels, sizeof *s->source);
    for (size_t c = 0; c < channels; c++) {
        size_t from = c % groups * (channels / groups) + c / groups;
        s->source[c] = from / lanes * s->pixels * lanes + from % lanes;
    }
    step->state = s;
    return C2S_OK;
}

static void shuffle_release(c2s_step *step) {
    shuffle *s = step->state;
    free(s->source);
    free(s);
    step->state = NULL;
}

typedef struct images {
    const shuffle *s;
    const float *x;
    float *y;
} images;

/* `lanes` is a constant where that pays. */
static inline void fill_block(const shuffle *s, const float *x, const size_t *source, float *y,
                              size_t lanes) {
    for (size_t p = 0; p < s->pixels; p++)
        for (size_t l = 0; l < lanes; l++)
            y[p * lanes + l] = x[source[l] + p * lanes];
}

static void fill_blocks(const void *context, size_t from, size_t to) {
    const images *i = context;
    const shuffle *s = i->s;
    for (size_t k = from; k < to; k++) {
        const size_t image = k / s->blocks * s->blocks * s->pixels * s->lanes;
        const size_t *source = s->source + k % s->blocks * s->lanes;
        float *y = i->y + k * s->pixels * s->lanes;
        if (s->lanes == 1)
            memcpy(y, i->x + image + source[0], s->pixels * sizeof *y);
        else if (s->lanes == 8)
            fill_block(s, i->x + image, source, y, 8);
        else
            fill_block(s, i->x + image, source, y, s->lanes);
    }
}

static c2s_status shuffle_run(c2s_step *step) {
    const c2s_tensor *x = step->in[0]->tensor;
    const shuffle *s = step->state;
    const images all = {s, c2s_tensor_data(x), c2s_tensor_mutable(step->out[0]->tensor)};
    c2s_share((size_t)x->type.dim[0] * s->blocks, c2s_tensor_size(x) >= PARALLEL_BYTES, fill_blocks,
              &all);
    return C2S_OK;
}

const c2s_kernel_family c2s_kernels_shuffle = {
    .name = "shuffle",
    .flags = C2S_KERNEL_LAYOUTS,
    .accepts = shuffle_accepts,
    .prepare = shuffle_prepare,
    .run = shuffle_run,
    .release = shuffle_release,
};
