/* SPDX-License-Identifier: Apache-2.0
 *
 * Decoding pictures of the common file formats.
 */
#ifndef C2S_OPS_IMAGE_H
#define C2S_OPS_IMAGE_H

#include <stddef.h>
#include <stdint.h>

#include "base/status.h"

/* Rows from top to bottom, three bytes a pixel: red, green, blue. A picture that is corrupt has no
 * pixels (rgb NULL, both extents 0), which is no failure. */
typedef struct c2s_image {
    int64_t width, height;
    uint8_t *rgb; /* free() */
} c2s_image;

/* The format is told by the first bytes; bytes of no known format give a picture without pixels.
 * C2S_ERR_UNSUPPORTED: a variety that is not decoded here; C2S_ERR_MEMORY: more pixels than
 * C2S_IMAGE_PIXELS, or than there is memory for. */
c2s_status c2s_image_decode(const uint8_t *data, size_t size, c2s_image *out);

#define C2S_IMAGE_PIXELS ((int64_t)1 << 26)

/* ---- the formats ---- */
c2s_status c2s_image_jpeg(const uint8_t *data, size_t size, c2s_image *out);
c2s_status c2s_image_png(const uint8_t *data, size_t size, c2s_image *out);
c2s_status c2s_image_jpeg2000(const uint8_t *data, size_t size, c2s_image *out);
c2s_status c2s_image_tiff(const uint8_t *data, size_t size, c2s_image *out);
c2s_status c2s_image_webp(const uint8_t *data, size_t size, c2s_image *out);
c2s_status c2s_image_bmp(const uint8_t *data, size_t size, c2s_image *out);
c2s_status c2s_image_pnm(const uint8_t *data, size_t size, c2s_image *out);

/* Allocates the pixels, all zero; extents that are not positive or too large fail. */
c2s_status c2s_image_new(int64_t width, int64_t height, c2s_image *out);
/* Makes it a picture without pixels. */
void c2s_image_drop(c2s_image *image);

#endif
