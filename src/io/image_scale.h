/* SPDX-License-Identifier: Apache-2.0
 *
 * Pictures in another size: bilinear, with the filter as wide as the pixels of the result where it
 * is smaller (antialiasing), as image libraries of the training frameworks do it.
 */
#ifndef C2S_IO_IMAGE_SCALE_H
#define C2S_IO_IMAGE_SCALE_H

#include "ops/image.h"

/* A part of a picture: pixels from (left, top) on. */
typedef struct c2s_image_box {
    int64_t left, top, width, height;
} c2s_image_box;

/* What lies in `box` when `in` is made `width` x `height` (all at least 1; the box lies inside).
 * Nothing else is computed. Rounded to whole levels after the rows and after the columns. */
c2s_status c2s_image_scale(const c2s_image *in, int64_t width, int64_t height,
                           const c2s_image_box *box, c2s_image *out);

#endif
