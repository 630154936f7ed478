/* SPDX-License-Identifier: Apache-2.0
 *
 * How a picture becomes an input of a model, as text: a preset, and what differs from it.
 *
 *     torch | tf | caffe | 01 | raw     what the levels 0 to 255 become
 *     resize=256      so long is the shorter side; 224x320: height and width, whatever they were;
 * none crop=224        so much of the middle is taken; 224x320: height and width; none: all of it
 *     scale=1/255     levels are multiplied by this,
 *     mean=a/b/c      then this is subtracted, per channel in the order of the input,
 *     std=a/b/c       then they are divided by this (one number: for all channels)
 *     channels=rgb | bgr | gray
 *     layout=nchw | nhwc
 *
 * Items are separated by commas, later ones count. Without `resize` the picture is made just so
 * large that the crop takes 7/8 of it, without `crop` the input's height and width are taken, 224
 * where they are not fixed. Layout and channels are told by the input's shape, where it can be.
 * Presets: torch is (x / 255 - mean) / std with the means and deviations of ImageNet, tf x / 127.5
 * - 1, caffe blue, green, red less their means, 01 x / 255, raw the levels as they are.
 */
#ifndef C2S_IO_IMAGE_RECIPE_H
#define C2S_IO_IMAGE_RECIPE_H

#include "io/image_scale.h"
#include "ir/type.h"

typedef struct c2s_image_recipe {
    c2s_dtype dtype;
    int rank;
    int64_t batch; /* pictures per sample; rank 3: 1 */
    int channels;
    bool last_axis; /* channels are the last axis */
    bool bgr;
    bool resize_none, crop_none;
    int64_t shorter;            /* > 0: of the resized picture */
    int64_t resize[2], crop[2]; /* height, width; resize {0, 0}: see above */
    float level[3][256];        /* what each level of a channel becomes */
} c2s_image_recipe;

/* For an input of that type. C2S_ERR_USAGE: text that is not as above, that contradicts the input's
 * shape, or that leaves open what the shape does not tell; C2S_ERR_UNSUPPORTED: an input of other
 * elements than floats and uint8. */
c2s_status c2s_image_recipe_read(const char *text, const c2s_type *input, c2s_image_recipe *out);

#endif
