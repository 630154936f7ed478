/* SPDX-License-Identifier: Apache-2.0 */
#include <png.h>
#include <stdlib.h>
#include <string.h>

#include "ops/image.h"

/* Transparency is dropped, not mixed with a background. */
static c2s_status read_pixels(png_image *png, c2s_image *out) {
    C2S_TRY(c2s_image_new(png->width, png->height, out));
    const size_t pixels = (size_t)out->width * (size_t)out->height;
    uint8_t *rgba = malloc(pixels * 4);
    if (!rgba) {
        c2s_image_drop(out);
        return c2s_fail(C2S_ERR_MEMORY, "no memory for a picture of %zu pixels", pixels);
    }
    png->format = PNG_FORMAT_RGBA;
    if (png_image_finish_read(png, NULL, rgba, 0, NULL))
        for (size_t i = 0; i < pixels; i++)
            memcpy(out->rgb + 3 * i, rgba + 4 * i, 3);
    else
        c2s_image_drop(out);
    free(rgba);
    return C2S_OK;
}

c2s_status c2s_image_png(const uint8_t *data, size_t size, c2s_image *out) {
    png_image png = {.version = PNG_IMAGE_VERSION};
    c2s_status status = C2S_OK;
    if (png_image_begin_read_from_memory(&png, data, size))
        status = read_pixels(&png, out);
    png_image_free(&png);
    return status;
}
