/* SPDX-License-Identifier: Apache-2.0
 *
 * WebP through libwebp: a still picture. Opacity is dropped.
 */
#include <webp/decode.h>

#include "ops/image.h"

c2s_status c2s_image_webp(const uint8_t *data, size_t size, c2s_image *out) {
    WebPBitstreamFeatures features;
    if (WebPGetFeatures(data, size, &features) != VP8_STATUS_OK)
        return C2S_OK;
    if (features.has_animation)
        return c2s_fail(C2S_ERR_UNSUPPORTED, "the WebP picture is an animation");
    C2S_TRY(c2s_image_new(features.width, features.height, out));
    if (!WebPDecodeRGBInto(data, size, out->rgb, 3 * (size_t)out->width * (size_t)out->height,
                           3 * features.width))
        c2s_image_drop(out);
    return C2S_OK;
}
