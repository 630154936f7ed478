/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/elementwise_space.h"

#include <string.h>

/* The axes by falling stride, if they are dense. */
static bool find_order(const c2s_type *full, c2s_const_md md, int *order) {
    int64_t stride[C2S_MAX_RANK], count = 1;
    if (!c2s_md_strides(md, stride))
        return false;
    for (int i = 0; i < full->rank; i++) {
        int at = i; /* axes of one element stay where they are */
        for (; at > 0 && stride[order[at - 1]] < stride[i] && full->dim[i] != 1; at--)
            order[at] = order[at - 1];
        order[at] = i;
    }
    for (int i = full->rank - 1; i >= 0; i--) {
        if (full->dim[order[i]] != 1 && stride[order[i]] != count)
            return false;
        count *= full->dim[order[i]];
    }
    return true;
}

bool c2s_space_of(const c2s_type *full, c2s_const_md md, c2s_space *out) {
    *out = (c2s_space){.full = *full, .md = md, .block = 1, .walk = *full};
    if (!md)
        return true;
    out->block = c2s_layout_block(md, full);
    if (full->rank + 1 > C2S_MAX_RANK || full->dtype != C2S_FLOAT)
        return false;
    if (out->block <= 0) {
        out->block = 0;
        if (!find_order(full, md, out->order))
            return false;
        for (int i = 0; i < full->rank; i++)
            out->walk.dim[i] = full->dim[out->order[i]];
        return true;
    }
    out->walk.rank = full->rank + 1;
    out->walk.dim[1] = (full->dim[1] + out->block - 1) / out->block;
    out->walk.dim[full->rank] = out->block;
    return true;
}

int64_t c2s_space_padding(const c2s_space *space) {
    return space->md && space->block ? space->walk.dim[1] * space->block - space->full.dim[1] : 0;
}

/* The type with leading extents of 1, so that it has as many as the results. */
static c2s_type aligned(const c2s_space *space, const c2s_type *type) {
    c2s_type out = space->full;
    int lead = out.rank - type->rank;
    for (int i = 0; i < out.rank; i++)
        out.dim[i] = i < lead ? 1 : type->dim[i - lead];
    return out;
}

/* Row-major, the operand can be read in the order of the space if its own axes keep theirs. */
static bool walk_in_order(const c2s_space *space, const c2s_type *own, c2s_type *walk) {
    int last = -1;
    const c2s_dtype dtype = walk->dtype;
    *walk = *own;
    walk->dtype = dtype;
    for (int i = 0; i < own->rank; i++) {
        int axis = space->order[i];
        walk->dim[i] = own->dim[axis];
        if (own->dim[axis] == 1)
            continue;
        if (axis < last)
            return false;
        last = axis;
    }
    return true;
}

bool c2s_space_operand(const c2s_space *space, const c2s_type *type, c2s_type *walk,
                       c2s_space_form *form) {
    size_t elements;
    *walk = *type;
    *form = C2S_SPACE_PLAIN;
    if (!c2s_type_elements(type, &elements))
        return false;
    if (elements == 1) {
        walk->rank = 0;
        return true;
    }
    if (type->rank > space->full.rank)
        return false;
    if (!space->md)
        return true;
    if (c2s_type_same_extents(type, &space->full)) {
        *walk = space->walk;
        walk->dtype = type->dtype;
        *form = C2S_SPACE_FULL;
        return type->dtype == C2S_FLOAT;
    }
    const c2s_type own = aligned(space, type);
    if (space->block == 0)
        return walk_in_order(space, &own, walk);
    int64_t positions = 1;
    for (int i = 2; i < own.rank; i++)
        positions *= own.dim[i];
    *walk = own;
    walk->dtype = type->dtype;
    walk->rank = own.rank + 1;
    walk->dim[own.rank] = 1;
    if (own.dim[1] == 1) /* every block of channels reads the same */
        return true;
    walk->dim[1] = space->walk.dim[1];
    walk->dim[own.rank] = space->block;
    if (c2s_space_padding(space))
        *form = C2S_SPACE_PADDED;
    return positions == 1 && (*form == C2S_SPACE_PLAIN || type->dtype == C2S_FLOAT);
}

/* ---- channels that are not there ---- */

static size_t padded_row(const c2s_space *space) {
    return (size_t)(space->walk.dim[1] * space->block);
}

size_t c2s_space_padded_size(const c2s_space *space, const c2s_type *type) {
    return (size_t)aligned(space, type).dim[0] * padded_row(space) * sizeof(float);
}

void c2s_space_pad(const c2s_space *space, const c2s_type *type, const float *from, float *to) {
    const size_t row = padded_row(space), own = (size_t)space->full.dim[1];
    for (int64_t k = aligned(space, type).dim[0]; k > 0; k--, from += own, to += row) {
        memcpy(to, from, own * sizeof *to);
        memset(to + own, 0, (row - own) * sizeof *to);
    }
}

void c2s_space_clear(const c2s_space *space, float *data) {
    const size_t block = (size_t)space->block, missing = (size_t)c2s_space_padding(space);
    size_t positions = 1;
    for (int i = 2; i < space->full.rank; i++)
        positions *= (size_t)space->full.dim[i];
    const size_t image = positions * padded_row(space);
    for (int64_t n = 0; n < space->full.dim[0]; n++) {
        float *end = data + (size_t)(n + 1) * image;
        for (size_t k = 1; k <= positions; k++)
            memset(end - (k - 1) * block - missing, 0, missing * sizeof *data);
    }
}
