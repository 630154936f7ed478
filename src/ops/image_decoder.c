/* SPDX-License-Identifier: Apache-2.0
 *
 * ImageDecoder: the bytes of a picture file to pixels [height, width, channels]. What cannot be
 * decoded because it is corrupt gives no pixels, as the operator says.
 */
#include <string.h>

#include "ops/image.h"
#include "ops/infer_tensor.h"

typedef enum pixel_format { RGB, BGR, GRAY } pixel_format;

static c2s_status read_format(const c2s_node *node, pixel_format *out) {
    const char *name = c2s_attr_string(node, "pixel_format", "RGB");
    *out = strcmp(name, "BGR") == 0 ? BGR : strcmp(name, "Grayscale") == 0 ? GRAY : RGB;
    if (*out == RGB && strcmp(name, "RGB") != 0)
        return c2s_fail(C2S_ERR_INVALID,
                        "pixel_format is \"%s\", expected \"RGB\", \"BGR\" or \"Grayscale\"", name);
    return C2S_OK;
}

static c2s_status image_decoder_infer(c2s_infer *i) {
    pixel_format format;
    C2S_TRY(read_format(i->node, &format));
    C2S_TRY(c2s_infer_tensors(i, 1));
    const c2s_type *in = c2s_infer_type(i, 0);
    if (in->dtype != C2S_UNDEFINED && in->dtype != C2S_UINT8)
        return c2s_fail(C2S_ERR_INVALID, "input 0 has elements of type %s, expected uint8",
                        c2s_dtype_name(in->dtype));
    if (in->rank >= 0 && in->rank != 1)
        return c2s_fail(C2S_ERR_INVALID, "input 0 has rank %d, expected 1", in->rank);
    const c2s_dim dim[3] = {c2s_dim_fresh(i->dims), c2s_dim_fresh(i->dims), format == GRAY ? 1 : 3};
    return c2s_infer_output(i, 0, C2S_UINT8, 3, dim);
}

/* Luma of ITU-R BT.601 in 16-bit fixed point, rounded to nearest. */
static uint8_t luma(const uint8_t *rgb) {
    return (uint8_t)((19595u * rgb[0] + 38470u * rgb[1] + 7471u * rgb[2] + 32768u) >> 16);
}

static void store(const c2s_image *image, pixel_format format, uint8_t *to) {
    const uint8_t *rgb = image->rgb;
    const int64_t pixels = image->width * image->height;
    if (format == RGB && pixels > 0)
        memcpy(to, rgb, 3 * (size_t)pixels);
    for (int64_t k = 0; format == GRAY && k < pixels; k++)
        to[k] = luma(rgb + 3 * k);
    for (int64_t k = 0; format == BGR && k < 3 * pixels; k += 3)
        for (int c = 0; c < 3; c++)
            to[k + c] = rgb[k + 2 - c];
}

static c2s_status image_decoder_eval(c2s_eval *e) {
    pixel_format format;
    c2s_image image;
    C2S_TRY(read_format(e->node, &format));
    C2S_TRY(c2s_image_decode(c2s_tensor_data(e->in[0]), e->in[0]->count, &image));
    const int64_t dim[3] = {image.height, image.width, format == GRAY ? 1 : 3};
    c2s_status status = c2s_eval_new(e, 0, C2S_UINT8, 3, dim);
    if (status == C2S_OK)
        store(&image, format, c2s_tensor_mutable(e->out[0]));
    c2s_image_drop(&image);
    return status;
}

static const c2s_attr_spec image_decoder_attrs[] = {{"pixel_format", C2S_ATTR_STRING, false}, {0}};

const c2s_op c2s_op_image_decoder = {
    .type = "ImageDecoder",
    .domain = "",
    .inputs = {1, 1},
    .outputs = {1, 1},
    .quant = C2S_QUANT_ONLY(NONE),
    .flags = C2S_OP_SIZES_OUTPUTS,
    .attrs = image_decoder_attrs,
    .ties = c2s_ties_pinned,
    .infer = image_decoder_infer,
    .eval = image_decoder_eval,
};
