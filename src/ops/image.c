/* SPDX-License-Identifier: Apache-2.0 */
#include "ops/image.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

c2s_status c2s_image_new(int64_t width, int64_t height, c2s_image *out) {
    if (width < 1 || height < 1)
        return c2s_fail(C2S_ERR_INVALID, "a picture of %" PRId64 " x %" PRId64 " pixels", width,
                        height);
    if (width > C2S_IMAGE_PIXELS / height)
        return c2s_fail(C2S_ERR_MEMORY,
                        "a picture of %" PRId64 " x %" PRId64 " pixels, expected at most %" PRId64
                        " pixels",
                        width, height, C2S_IMAGE_PIXELS);
    uint8_t *rgb = calloc((size_t)(width * height), 3);
    if (!rgb)
        return c2s_fail(C2S_ERR_MEMORY,
                        "no memory for a picture of %" PRId64 " x %" PRId64 " pixels", width,
                        height);
    *out = (c2s_image){width, height, rgb};
    return C2S_OK;
}

void c2s_image_drop(c2s_image *image) {
    free(image->rgb);
    *image = (c2s_image){0};
}

static bool starts(const uint8_t *data, size_t size, size_t at, const char *text, size_t length) {
    return size >= at + length && memcmp(data + at, text, length) == 0;
}
#define STARTS(at, text) starts(data, size, at, text, sizeof(text) - 1)

c2s_status c2s_image_decode(const uint8_t *data, size_t size, c2s_image *out) {
    *out = (c2s_image){0};
    if (STARTS(0, "\xff\xd8\xff"))
        return c2s_image_jpeg(data, size, out);
    if (STARTS(0, "\x89PNG\r\n\x1a\n"))
        return c2s_image_png(data, size, out);
    if (STARTS(0, "BM"))
        return c2s_image_bmp(data, size, out);
    if (size > 2 && data[0] == 'P' && data[1] >= '1' && data[1] <= '6')
        return c2s_image_pnm(data, size, out);
    if (STARTS(0, "RIFF") && STARTS(8, "WEBP"))
        return c2s_image_webp(data, size, out);
    if (STARTS(0, "II*\0") || STARTS(0, "MM\0*"))
        return c2s_image_tiff(data, size, out);
    if (STARTS(4, "jP  ") || STARTS(0, "\xff\x4f\xff\x51"))
        return c2s_image_jpeg2000(data, size, out);
    return C2S_OK;
}
