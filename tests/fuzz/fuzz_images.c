/* SPDX-License-Identifier: Apache-2.0 */
/* A line of text, and any bytes behind it: the text says how the bytes, as a picture, become an
 * input. Both are refused with a message, or there is an input of the right size. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "io/image_apply.h"
#include "must.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { PIXELS_MOST = 1 << 20 };

static void write_input(const c2s_image_recipe *recipe, const c2s_image *image) {
    const size_t count = (size_t)image->width * (size_t)image->height * (size_t)recipe->channels;
    size_t bytes = 0;
    must(c2s_dtype_size(recipe->dtype, count, &bytes), "the size of an input");
    void *out = c2s_alloc(bytes);
    c2s_image_recipe_write(recipe, image, out);
    free(out);
}

static void make_input(const c2s_image_recipe *recipe, const c2s_image *image) {
    int64_t extent[2];
    c2s_image_box box;
    c2s_image scaled;
    if (c2s_image_recipe_fit(recipe, image->width, image->height, extent, &box) != C2S_OK) {
        must(*c2s_error() != '\0', "refused without a message");
        return;
    }
    must(box.left >= 0 && box.top >= 0 && box.left + box.width <= extent[1] &&
             box.top + box.height <= extent[0],
         "a part outside of the picture");
    if (box.width > PIXELS_MOST / box.height) /* slow */
        return;
    if (c2s_image_scale(image, extent[1], extent[0], &box, &scaled) != C2S_OK)
        return;
    must(scaled.width == box.width && scaled.height == box.height, "another size");
    write_input(recipe, &scaled);
    c2s_image_drop(&scaled);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static const c2s_dim shapes[][4] = {{1, 3, 32, 24}, {2, 20, 20, 1}, {1, 3, 300, 300}};
    const uint8_t *end = size > 0 ? memchr(data, '\n', size) : NULL;
    const size_t length = end ? (size_t)(end - data) : size;
    char *text = c2s_zalloc(length + 1);
    if (length > 0)
        memcpy(text, data, length);
    c2s_image image = {0};
    if (end && c2s_image_decode(end + 1, size - length - 1, &image) != C2S_OK)
        must(*c2s_error() != '\0', "refused without a message");
    for (size_t k = 0; k < sizeof shapes / sizeof *shapes; k++) {
        const c2s_type type = c2s_type_tensor(k == 1 ? C2S_UINT8 : C2S_FLOAT, 4, shapes[k]);
        c2s_image_recipe recipe;
        if (c2s_image_recipe_read(text, &type, &recipe) != C2S_OK)
            must(*c2s_error() != '\0', "refused without a message");
        else if (image.rgb && image.width <= PIXELS_MOST / image.height)
            make_input(&recipe, &image);
    }
    c2s_image_drop(&image);
    free(text);
    c2s_error_clear();
    return 0;
}
