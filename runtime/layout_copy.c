/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/layout_copy.h"

#include <string.h>

/* Elements that an index of one axis is away from the first. Inner blocks are the last to count
 * down: an axis may have several. */
static int64_t away(const c2s_md_blocks *b, int axis, int64_t index) {
    int64_t offset = 0, step = 1;
    for (int k = b->block_count - 1; k >= 0; k--) {
        if (b->block_axis[k] == axis) {
            offset += index % b->block[k] * step;
            index /= b->block[k];
        }
        step *= b->block[k];
    }
    return offset + index * b->stride[axis];
}

static bool is_padded(const c2s_md_blocks *b) {
    return memcmp(b->dim, b->padded, (size_t)b->rank * sizeof *b->dim) != 0;
}

/* Nothing but its elements and what fills up its blocks: no sums behind packed weights. */
static bool is_bare(c2s_const_md md, const c2s_md_blocks *b) {
    int64_t end = 1;
    for (int k = 0; k < b->block_count; k++)
        end *= b->block[k];
    for (int axis = 0; axis < b->rank; axis++) {
        int64_t blocks = b->padded[axis];
        for (int k = 0; k < b->block_count; k++)
            if (b->block_axis[k] == axis)
                blocks /= b->block[k];
        end += (blocks - 1) * b->stride[axis];
    }
    return b->start != 0 || dnnl_memory_desc_get_size(md) == (size_t)end * b->element;
}

static void copy_rows(const c2s_md_blocks *from, const char *source, const c2s_md_blocks *to,
                      char *target) {
    const int last = from->rank - 1;
    const size_t size = from->element;
    int64_t index[DNNL_MAX_NDIMS] = {0};
    for (;;) {
        int64_t in = from->start, out = to->start;
        for (int axis = 0; axis < last; axis++) {
            in += away(from, axis, index[axis]);
            out += away(to, axis, index[axis]);
        }
        for (int64_t i = 0; i < from->dim[last]; i++)
            memcpy(target + (size_t)(out + away(to, last, i)) * size,
                   source + (size_t)(in + away(from, last, i)) * size, size);
        int axis = last - 1;
        while (axis >= 0 && ++index[axis] == from->dim[axis])
            index[axis--] = 0;
        if (axis < 0)
            return;
    }
}

c2s_status c2s_layout_copy(c2s_const_md from, const void *source, c2s_const_md to, void *target) {
    c2s_md_blocks a, b;
    if (!c2s_md_blocks_of(from, &a) || !c2s_md_blocks_of(to, &b) || a.rank != b.rank ||
        a.type != b.type || memcmp(a.dim, b.dim, (size_t)a.rank * sizeof *a.dim) != 0 ||
        !is_bare(from, &a) || !is_bare(to, &b))
        return c2s_fail(C2S_ERR_UNSUPPORTED, "no plain code copies between these layouts");
    if (is_padded(&b))
        memset(target, 0, dnnl_memory_desc_get_size(to));
    copy_rows(&a, source, &b, target);
    return C2S_OK;
}
