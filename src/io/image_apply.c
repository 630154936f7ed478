/* SPDX-License-Identifier: Apache-2.0 */
#include "io/image_apply.h"

#include <math.h>

#include "ir/convert.h"

/* What is left over beside the part is shared by both sides. */
static int64_t resized(double factor, int64_t extent, int64_t least) {
    const double size = rint((double)extent * factor);
    return size < (double)least ? least : size > 1e9 ? 1000000000 : (int64_t)size;
}

c2s_status c2s_image_recipe_fit(const c2s_image_recipe *r, int64_t width, int64_t height,
                                int64_t size[2], c2s_image_box *box) {
    const int64_t have[2] = {height, width}, shorter = height < width ? height : width;
    int64_t take[2];
    for (int k = 0; k < 2; k++) {
        size[k] = r->resize_none ? have[k] : r->resize[k];
        if (r->shorter)
            size[k] = resized((double)r->shorter / (double)shorter, have[k], r->shorter);
    }
    if (size[0] == 0) { /* large enough that 7/8 of it are the part */
        double factor = 0;
        int64_t edge[2] = {height, width};
        for (int k = 0; k < 2 && !r->crop_none; k++) {
            edge[k] = (int64_t)rint((double)r->crop[k] / 0.875);
            factor = fmax(factor, (double)edge[k] / (double)have[k]);
        }
        for (int k = 0; k < 2; k++)
            size[k] = r->crop_none ? have[k] : resized(factor, have[k], edge[k]);
    }
    for (int k = 0; k < 2; k++) {
        take[k] = r->crop_none ? size[k] : r->crop[k];
        if (take[k] > size[k])
            return c2s_fail(C2S_ERR_INVALID,
                            "the picture has %lld x %lld pixels, too few to take %lld x %lld",
                            (long long)size[1], (long long)size[0], (long long)r->crop[1],
                            (long long)r->crop[0]);
    }
    *box = (c2s_image_box){(size[1] - take[1]) / 2, (size[0] - take[0]) / 2, take[1], take[0]};
    if (take[0] > C2S_IMAGE_PIXELS / take[1])
        return c2s_fail(C2S_ERR_MEMORY, "the picture becomes %lld x %lld pixels",
                        (long long)take[1], (long long)take[0]);
    return C2S_OK;
}

/* ITU-R BT.601 luma with 16 bits behind the point. */
static uint8_t gray_of(const uint8_t *rgb) {
    return (uint8_t)((rgb[0] * 19595u + rgb[1] * 38470u + rgb[2] * 7471u + 0x8000u) >> 16);
}

enum { BLOCK = 512 };

/* One channel of pixels, `stride` numbers apart. */
static void take_channel(const c2s_image_recipe *r, const uint8_t *rgb, size_t count, int channel,
                         size_t stride, float *out) {
    const float *level = r->level[channel];
    const int byte = r->bgr ? 2 - channel : channel;
    for (size_t i = 0; i < count; i++, rgb += 3)
        out[i * stride] = level[r->channels == 1 ? gray_of(rgb) : rgb[byte]];
}

void c2s_image_recipe_write(const c2s_image_recipe *r, const c2s_image *image, void *out) {
    float values[3 * BLOCK];
    const size_t pixels = (size_t)image->width * (size_t)image->height;
    const size_t stride = r->last_axis ? (size_t)r->channels : 1;
    for (size_t at = 0; at < pixels; at += BLOCK) {
        const size_t n = pixels - at < BLOCK ? pixels - at : BLOCK;
        for (int c = 0; c < r->channels; c++) {
            const size_t channel = (size_t)c;
            take_channel(r, image->rgb + at * 3, n, c, stride,
                         values + (r->last_axis ? channel : channel * n));
            if (!r->last_axis)
                c2s_store_f32(r->dtype, out, channel * pixels + at, n, values + channel * n);
        }
        if (r->last_axis)
            c2s_store_f32(r->dtype, out, at * stride, n * stride, values);
    }
}
