/* SPDX-License-Identifier: Apache-2.0
 *
 * Before: Slice of everything; Pad by nothing; Tile by ones; Resize to the same size
 * After:  x
 * Refuses when pads, repeats or scales are computed, or Resize takes samples from elsewhere at scale 1:
 * by a region of interest, or half a sample further on.
 */
#include <string.h>

#include "passes/cleanup/cleanup.h"
#include "passes/constants.h"
#include "rewrite/builder.h"

enum { X = C2S_LETTER_A, AMOUNT, ROI, SCALES, SIZES, STEPS };

/* With steps forward, as many elements as before are the same elements. */
static const char *slice_refuse(const c2s_match *m) {
    if (!c2s_same_type(m->value[X], m->root->outputs[0]))
        return c2s_no_match;
    c2s_ints steps = {0};
    if (m->value[STEPS] && !c2s_constant_ints(m->value[STEPS], &steps))
        return "the steps are computed";
    for (unsigned i = 0; i < steps.count; i++)
        if (steps.at[i] < 1)
            return c2s_no_match;
    return NULL;
}

static const c2s_pattern_row slice[] = {
    {.op = &c2s_op_slice, .in = {X, 0, 0, 0, STEPS | C2S_OPTIONAL}}};
const c2s_rule c2s_rule_slice_all = {.name = "slice-of-everything",
                                     .summary = "Slice of everything -> nothing",
                                     C2S_ROWS(slice),
                                     .refuse = slice_refuse,
                                     .build = c2s_build_forward};

static const char *pad_refuse(const c2s_match *m) {
    return c2s_constant_is_all(m->value[AMOUNT], 0) ? NULL : c2s_no_match;
}

static const c2s_pattern_row pad[] = {{.op = &c2s_op_pad, .in = {X, AMOUNT}}};
const c2s_rule c2s_rule_pad_nothing = {.name = "pad-by-nothing",
                                       .summary = "Pad by nothing -> nothing",
                                       C2S_ROWS(pad),
                                       .refuse = pad_refuse,
                                       .build = c2s_build_forward};

static const char *tile_refuse(const c2s_match *m) {
    return c2s_constant_is_all(m->value[AMOUNT], 1) ? NULL : c2s_no_match;
}

static const c2s_pattern_row tile[] = {{.op = &c2s_op_tile, .in = {X, AMOUNT}}};
const c2s_rule c2s_rule_tile_once = {.name = "tile-once",
                                     .summary = "Tile by ones -> nothing",
                                     C2S_ROWS(tile),
                                     .refuse = tile_refuse,
                                     .build = c2s_build_forward};

/* At scale 1 every coordinate mode but these two maps each sample to itself, and every interpolation
 * returns it. A scale of nearly 1 can give the same size and is no copy. */
static const char *resize_refuse(const c2s_match *m) {
    const char *mode = c2s_attr_string(m->root, "coordinate_transformation_mode", "half_pixel");
    const c2s_value *scales = m->value[SCALES];
    bool has_scales = scales && !(scales->constant && scales->constant->count == 0);
    if (!c2s_same_type(m->value[X], m->root->outputs[0]))
        return c2s_no_match;
    if (strcmp(mode, "tf_crop_and_resize") == 0)
        return "it crops a region of interest";
    if (strcmp(mode, "tf_half_pixel_for_nn") == 0)
        return "it takes samples half a step further on";
    if (has_scales && !c2s_constant_is_all(scales, 1))
        return "the scales are not exactly 1";
    return NULL;
}

static const c2s_pattern_row resize[] = {
    {.op = &c2s_op_resize,
     .in = {X, ROI | C2S_OPTIONAL, SCALES | C2S_OPTIONAL, SIZES | C2S_OPTIONAL}}};
const c2s_rule c2s_rule_resize_by_one = {.name = "resize-to-same-size",
                                         .summary = "Resize to the same size -> nothing",
                                         C2S_ROWS(resize),
                                         .refuse = resize_refuse,
                                         .build = c2s_build_forward};
