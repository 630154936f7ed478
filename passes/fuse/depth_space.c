/* SPDX-License-Identifier: Apache-2.0
 *
 * Before: Reshape, Transpose, Reshape that spread channels over blocks of an image, or collect them
 * After:  DepthToSpace (both of its modes) or SpaceToDepth
 * Refuses any other order of the channels, and extents that are not known.
 */
#include <string.h>

#include "passes/fuse/cuts.h"
#include "passes/fuse/fuse.h"

enum { X = C2S_LETTER_A, WIDE, TURNED };

static bool is_image(const c2s_value *value) {
    if (value->type.kind != C2S_KIND_TENSOR || value->type.rank != 4)
        return false;
    for (int i = 1; i < 4; i++)
        if (!c2s_dim_is_known(value->type.dim[i]))
            return false;
    return true;
}

/* What moves where: axes of the tensor of rank 6 between, of which `block` are two. */
typedef struct form {
    const char *type, *mode;
    uint8_t perm[6];
    uint8_t channels, rows, columns, block[2]; /* axes of the first Reshape's result */
} form;

/* By the definitions of the operators in the specification of ONNX. */
static const form forms[] = {
    {"DepthToSpace", "DCR", {0, 3, 4, 1, 5, 2}, 3, 4, 5, {1, 2}},
    {"DepthToSpace", "CRD", {0, 1, 4, 2, 5, 3}, 1, 4, 5, {2, 3}},
    {"SpaceToDepth", NULL, {0, 3, 5, 1, 2, 4}, 1, 2, 4, {3, 5}},
};

static bool is_times(int64_t product, int64_t a, int64_t b) {
    return product % b == 0 && product / b == a;
}

static const form *read_form(const c2s_match *m, int64_t *block) {
    const c2s_type *x = &m->value[X]->type, *wide = &m->value[WIDE]->type;
    const c2s_type *y = &m->root->outputs[0]->type;
    c2s_ints perm;
    if (wide->rank != 6 || !c2s_attr_int_list(m->node[1], "perm", &perm) || perm.count != 6)
        return NULL;
    for (const form *f = forms; f < forms + sizeof forms / sizeof *forms; f++) {
        bool same = true;
        for (unsigned i = 0; i < 6; i++)
            same = same && perm.at[i] == f->perm[i];
        *block = wide->dim[f->block[0]];
        if (!same || *block < 2 || *block > INT16_MAX || wide->dim[f->block[1]] != *block ||
            wide->dim[0] != x->dim[0] || y->dim[0] != x->dim[0])
            continue;
        bool gathers = strcmp(f->type, "SpaceToDepth") == 0;
        const c2s_type *deep = gathers ? y : x, *flat = gathers ? x : y;
        if (wide->dim[f->channels] == flat->dim[1] && wide->dim[f->rows] == deep->dim[2] &&
            wide->dim[f->columns] == deep->dim[3] && is_times(flat->dim[2], deep->dim[2], *block) &&
            is_times(flat->dim[3], deep->dim[3], *block))
            return f;
    }
    return NULL;
}

static const char *refuse(const c2s_match *m) {
    int64_t block;
    if (m->value[WIDE]->type.kind != C2S_KIND_TENSOR || m->value[WIDE]->type.rank != 6)
        return c2s_no_match;
    if (!is_image(m->value[X]) || !is_image(m->root->outputs[0]))
        return "it is no image, or extents are not known";
    if (!c2s_is_float_value(m->value[X]))
        return "the operator is not common for this type";
    return read_form(m, &block) ? NULL : "it does not move whole blocks as the operators do";
}

static c2s_value *build(c2s_builder *b, const c2s_match *m) {
    int64_t block = 0;
    const form *f = read_form(m, &block);
    c2s_node *node = f ? c2s_build_start(b, f->type, &m->value[X], 1) : NULL;
    if (!node)
        return NULL;
    c2s_attr_set_int(node, "blocksize", block);
    if (f->mode)
        c2s_attr_set_string(node, "mode", f->mode);
    return c2s_build_finish(b, node);
}

static const c2s_pattern_row rows[] = {
    {.op = &c2s_op_reshape, .out = WIDE, .in = {X}},
    {.op = &c2s_op_transpose, .out = TURNED, .in = {WIDE}},
    {.op = &c2s_op_reshape, .in = {TURNED}},
};
const c2s_rule c2s_rule_depth_space = {
    .name = "depth-space",
    .summary = "Reshape, Transpose, Reshape that spread channels over an image or collect them -> "
               "DepthToSpace or SpaceToDepth",
    C2S_ROWS(rows),
    .refuse = refuse,
    .build = build};
