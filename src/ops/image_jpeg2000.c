/* SPDX-License-Identifier: Apache-2.0
 *
 * JPEG 2000 through OpenJPEG: files (JP2) and bare code streams of one or three components of at
 * most 16 bits.
 */
#include <openjpeg.h>
#include <string.h>

#include "ops/image.h"

typedef struct source {
    const uint8_t *data;
    size_t size, at;
} source;

static OPJ_SIZE_T read_bytes(void *to, OPJ_SIZE_T wanted, void *user) {
    source *s = user;
    const size_t left = s->size - s->at, count = wanted < left ? wanted : left;
    if (count == 0)
        return (OPJ_SIZE_T)-1;
    memcpy(to, s->data + s->at, count);
    s->at += count;
    return count;
}

static OPJ_OFF_T skip(OPJ_OFF_T count, void *user) {
    source *s = user;
    const size_t left = s->size - s->at;
    if (count < 0)
        return -1;
    const size_t step = (uint64_t)count < left ? (size_t)count : left;
    s->at += step;
    return (OPJ_OFF_T)step;
}

static OPJ_BOOL seek(OPJ_OFF_T offset, void *user) {
    source *s = user;
    if (offset < 0 || (uint64_t)offset > s->size)
        return OPJ_FALSE;
    s->at = (size_t)offset;
    return OPJ_TRUE;
}

static uint8_t sample(const opj_image_comp_t *c, size_t at) {
    const int32_t value = c->data[at] + (c->sgnd ? 1 << (c->prec - 1) : 0);
    const int32_t byte = c->prec > 8 ? value >> (c->prec - 8) : value << (8 - c->prec);
    return (uint8_t)(byte < 0 ? 0 : byte > 255 ? 255 : byte);
}

/* Luma and chroma of 8 bits as colours (ITU-R BT.601, full range). */
static void from_luma(uint8_t *rgb) {
    const double y = rgb[0], b = rgb[1] - 128.0, r = rgb[2] - 128.0;
    const double colour[3] = {y + 1.402 * r, y - 0.344136 * b - 0.714136 * r, y + 1.772 * b};
    for (int k = 0; k < 3; k++)
        rgb[k] = (uint8_t)(colour[k] < 0 ? 0 : colour[k] > 255 ? 255 : colour[k] + 0.5);
}

static bool is_plain(const opj_image_t *image) {
    bool plain = image->numcomps >= 1 && image->numcomps <= 4;
    for (unsigned k = 0; plain && k < image->numcomps; k++) {
        const opj_image_comp_t *c = &image->comps[k];
        plain =
            c->w == image->comps[0].w && c->h == image->comps[0].h && c->prec >= 1 && c->prec <= 16;
    }
    return plain;
}

static void store(const opj_image_t *image, c2s_image *out) {
    const bool grey = image->numcomps < 3;
    for (size_t k = 0; k < (size_t)(out->width * out->height); k++) {
        uint8_t *rgb = out->rgb + 3 * k;
        for (int c = 0; c < 3; c++)
            rgb[c] = sample(&image->comps[grey ? 0 : c], k);
        if (image->color_space == OPJ_CLRSPC_SYCC && !grey)
            from_luma(rgb);
    }
}

/* `image` is read from the stream and freed by the caller. */
static c2s_status decode(opj_codec_t *codec, opj_stream_t *stream, opj_image_t **image,
                         c2s_image *out) {
    opj_dparameters_t parameters;
    opj_set_default_decoder_parameters(&parameters);
    if (!opj_setup_decoder(codec, &parameters) || !opj_decoder_set_strict_mode(codec, OPJ_TRUE) ||
        !opj_read_header(stream, codec, image))
        return C2S_OK;
    if (!is_plain(*image))
        return c2s_fail(C2S_ERR_UNSUPPORTED,
                        "the JPEG 2000 picture has %u components, expected 1 to 4 of the same size "
                        "and at most 16 bits",
                        (unsigned)(*image)->numcomps);
    /* Sizes are checked before anything is decoded. */
    C2S_TRY(c2s_image_new((*image)->comps[0].w, (*image)->comps[0].h, out));
    const bool read = opj_decode(codec, stream, *image) && opj_end_decompress(codec, stream);
    if (read && is_plain(*image) && (*image)->comps[0].w == (uint64_t)out->width &&
        (*image)->comps[0].h == (uint64_t)out->height && (*image)->comps[0].data)
        store(*image, out);
    else
        c2s_image_drop(out);
    return C2S_OK;
}

c2s_status c2s_image_jpeg2000(const uint8_t *data, size_t size, c2s_image *out) {
    source s = {data, size, 0};
    const bool bare = size > 0 && data[0] == 0xff;
    opj_codec_t *codec = opj_create_decompress(bare ? OPJ_CODEC_J2K : OPJ_CODEC_JP2);
    opj_stream_t *stream = opj_stream_default_create(OPJ_TRUE);
    opj_image_t *image = NULL;
    c2s_status status = C2S_OK;
    if (codec && stream) {
        opj_stream_set_user_data(stream, &s, NULL);
        opj_stream_set_user_data_length(stream, size);
        opj_stream_set_read_function(stream, read_bytes);
        opj_stream_set_skip_function(stream, skip);
        opj_stream_set_seek_function(stream, seek);
        status = decode(codec, stream, &image, out);
    } else {
        status = c2s_fail(C2S_ERR_MEMORY, "no memory for the JPEG 2000 picture");
    }
    opj_image_destroy(image);
    if (stream)
        opj_stream_destroy(stream);
    if (codec)
        opj_destroy_codec(codec);
    return status;
}
