/* SPDX-License-Identifier: Apache-2.0
 *
 * TIFF through libtiff: the first picture of the file.
 */
#include <stdlib.h>
#include <string.h>
#include <tiffio.h>

#include "ops/image.h"

/* What libtiff may allocate at once: a picture's pixels and their codes. */
enum { BYTES_MAX = 1 << 29 };

typedef struct source {
    const uint8_t *data;
    size_t size, at;
} source;

static tmsize_t read_bytes(thandle_t handle, void *to, tmsize_t wanted) {
    source *s = handle;
    const size_t left = s->at < s->size ? s->size - s->at : 0;
    const size_t count = wanted < 0 ? 0 : (size_t)wanted < left ? (size_t)wanted : left;
    if (count)
        memcpy(to, s->data + s->at, count);
    s->at += count;
    return (tmsize_t)count;
}

static tmsize_t write_bytes(thandle_t handle, void *from, tmsize_t count) {
    (void)handle;
    (void)from;
    (void)count;
    return -1;
}

static toff_t seek(thandle_t handle, toff_t offset, int whence) {
    source *s = handle;
    const toff_t base = whence == SEEK_SET ? 0 : whence == SEEK_CUR ? s->at : s->size;
    s->at = (size_t)(base + offset);
    return s->at;
}

static int close_source(thandle_t handle) {
    (void)handle;
    return 0;
}

static toff_t size_of(thandle_t handle) {
    const source *s = handle;
    return s->size;
}

/* Handled: nothing is printed. */
static int silent(TIFF *tiff, void *user, const char *module, const char *format, va_list list) {
    (void)tiff;
    (void)user;
    (void)module;
    (void)format;
    (void)list;
    return 1;
}

static c2s_status read_pixels(TIFF *tiff, c2s_image *out) {
    uint32_t width = 0, height = 0;
    if (!TIFFGetField(tiff, TIFFTAG_IMAGEWIDTH, &width) ||
        !TIFFGetField(tiff, TIFFTAG_IMAGELENGTH, &height) || width == 0 || height == 0)
        return C2S_OK;
    C2S_TRY(c2s_image_new(width, height, out));
    const size_t pixels = (size_t)width * height;
    uint32_t *raster = malloc(pixels * sizeof *raster);
    if (!raster) {
        c2s_image_drop(out);
        return c2s_fail(C2S_ERR_MEMORY, "no memory for a picture of %zu pixels", pixels);
    }
    if (TIFFReadRGBAImageOriented(tiff, width, height, raster, ORIENTATION_TOPLEFT, 1))
        for (size_t k = 0; k < pixels; k++) {
            out->rgb[3 * k] = (uint8_t)TIFFGetR(raster[k]);
            out->rgb[3 * k + 1] = (uint8_t)TIFFGetG(raster[k]);
            out->rgb[3 * k + 2] = (uint8_t)TIFFGetB(raster[k]);
        }
    else
        c2s_image_drop(out);
    free(raster);
    return C2S_OK;
}

c2s_status c2s_image_tiff(const uint8_t *data, size_t size, c2s_image *out) {
    source s = {data, size, 0};
    TIFFOpenOptions *options = TIFFOpenOptionsAlloc();
    if (!options)
        return c2s_fail(C2S_ERR_MEMORY, "no memory for the TIFF picture");
    TIFFOpenOptionsSetMaxSingleMemAlloc(options, BYTES_MAX);
    TIFFOpenOptionsSetErrorHandlerExtR(options, silent, NULL);
    TIFFOpenOptionsSetWarningHandlerExtR(options, silent, NULL);
    /* "m": the source is not mapped into memory */
    TIFF *tiff = TIFFClientOpenExt("picture", "rm", &s, read_bytes, write_bytes, seek, close_source,
                                   size_of, NULL, NULL, options);
    TIFFOpenOptionsFree(options);
    if (!tiff)
        return C2S_OK;
    const c2s_status status = read_pixels(tiff, out);
    TIFFClose(tiff);
    return status;
}
