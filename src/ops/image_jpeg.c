/* SPDX-License-Identifier: Apache-2.0
 *
 * JPEG through libjpeg, whose errors come as a long jump. Between setjmp and the jump nothing is
 * allocated but by libjpeg, which frees its own, and c2s_image, which lives with the caller.
 */
#include <setjmp.h>
#include <stdio.h>

#include <jpeglib.h>

#include "ops/image.h"

/* A progressive file may repeat scans without end, each as expensive as a whole picture. */
enum { SCANS_MAX = 500 };

typedef struct reader {
    struct jpeg_decompress_struct jpeg;
    struct jpeg_error_mgr errors;
    struct jpeg_progress_mgr progress;
    jmp_buf corrupt;
    c2s_status status;
} reader;

static void on_error(j_common_ptr jpeg) {
    reader *r = jpeg->client_data;
    longjmp(r->corrupt, 1);
}

static void on_message(j_common_ptr jpeg) {
    (void)jpeg; /* warnings are counted in errors.num_warnings */
}

static void on_progress(j_common_ptr jpeg) {
    reader *r = jpeg->client_data;
    if (r->jpeg.input_scan_number > SCANS_MAX)
        longjmp(r->corrupt, 1);
}

/* Cyan, magenta, yellow, black to red, green, blue; Adobe's files hold what is left white. */
static void from_inks(const uint8_t *inks, size_t width, bool inverted, uint8_t *rgb) {
    for (size_t x = 0; x < width; x++, inks += 4, rgb += 3) {
        const unsigned light = inverted ? inks[3] : 255u - inks[3];
        for (int k = 0; k < 3; k++) {
            const unsigned ink = inverted ? 255u - inks[k] : inks[k], product = ink * light + 128;
            rgb[k] = (uint8_t)(light - ((product + (product >> 8)) >> 8));
        }
    }
}

static void read_rows(reader *r, const uint8_t *data, size_t size, c2s_image *out) {
    jpeg_mem_src(&r->jpeg, data, (unsigned long)size);
    jpeg_read_header(&r->jpeg, TRUE);
    const bool inks = r->jpeg.num_components == 4;
    r->jpeg.out_color_space = inks ? JCS_CMYK : JCS_RGB;
    r->status = c2s_image_new(r->jpeg.image_width, r->jpeg.image_height, out);
    if (r->status != C2S_OK)
        return;
    jpeg_start_decompress(&r->jpeg);
    JSAMPARRAY line = inks ? r->jpeg.mem->alloc_sarray((j_common_ptr)&r->jpeg, JPOOL_IMAGE,
                                                       r->jpeg.output_width * 4, 1)
                           : NULL;
    while (r->jpeg.output_scanline < r->jpeg.output_height) {
        JSAMPROW row = out->rgb + (size_t)r->jpeg.output_scanline * r->jpeg.output_width * 3;
        jpeg_read_scanlines(&r->jpeg, inks ? line : &row, 1);
        if (inks)
            from_inks(line[0], r->jpeg.output_width, r->jpeg.saw_Adobe_marker, row);
    }
    jpeg_finish_decompress(&r->jpeg);
}

c2s_status c2s_image_jpeg(const uint8_t *data, size_t size, c2s_image *out) {
    reader r = {.status = C2S_OK};
    r.jpeg.err = jpeg_std_error(&r.errors);
    r.jpeg.client_data = &r;
    r.errors.error_exit = on_error;
    r.errors.output_message = on_message;
    r.progress.progress_monitor = on_progress;
    if (setjmp(r.corrupt)) {
        c2s_image_drop(out);
    } else {
        jpeg_create_decompress(&r.jpeg); /* clears all but err and client_data */
        r.jpeg.progress = &r.progress;
        read_rows(&r, data, size, out);
        if (r.status == C2S_OK && r.errors.num_warnings > 0) /* libjpeg made up what is missing */
            c2s_image_drop(out);
    }
    jpeg_destroy_decompress(&r.jpeg);
    return r.status;
}
