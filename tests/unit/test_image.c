/* SPDX-License-Identifier: Apache-2.0
 *
 * ImageDecoder: pictures written out by hand, and what hostile ones must not do. ONNX's own cases
 * cover JPEG, PNG, WebP, TIFF and JPEG 2000 that are in order (test_onnx_cases).
 */
#include "make_graph.h"

#include <stdio.h>

#include <jpeglib.h>

#include "ops/image.h"

static void expect_pixels(const void *data, size_t size, int64_t width, int64_t height,
                          const uint8_t *rgb) {
    c2s_image image;
    if (c2s_image_decode(data, size, &image) != C2S_OK)
        fail_msg("%s", c2s_error());
    assert_int_equal(image.width, width);
    assert_int_equal(image.height, height);
    if (rgb)
        assert_memory_equal(image.rgb, rgb, (size_t)(3 * width * height));
    c2s_image_drop(&image);
}
#define PIXELS(text, width, height, ...)                                                           \
    expect_pixels(text, sizeof(text) - 1, width, height, (const uint8_t[]){__VA_ARGS__})
#define NO_PIXELS(text) expect_pixels(text, sizeof(text) - 1, 0, 0, NULL)

static void portable_maps(void **state) {
    (void)state;
    PIXELS("P1 # bits\n2 2\n1 0 01", 2, 2, 0, 0, 0, 255, 255, 255, 255, 255, 255, 0, 0, 0);
    PIXELS("P2 2 1 15 0 15", 2, 1, 0, 0, 0, 255, 255, 255);
    PIXELS("P3 1 1 255 1 2 3", 1, 1, 1, 2, 3);
    PIXELS("P4 2 1\n\x40", 2, 1, 255, 255, 255, 0, 0, 0);
    PIXELS("P5 1 1 65535\n\xff\xff", 1, 1, 255, 255, 255);
    PIXELS("P6 1 1 255\n\x07\x08\x09", 1, 1, 7, 8, 9);
    NO_PIXELS("P6 1 2 255\n\x07\x08\x09");
    NO_PIXELS("P5 1 1 65536\n\x07\x08\x09");
    NO_PIXELS("P3 1 1 255 1 2");
    NO_PIXELS("P7 1 1");
}

/* Two rows of one pixel, 24 bits, bottom row first. */
#define BMP_HEADER                                                                                 \
    "BM\0\0\0\0\0\0\0\0\x36\0\0\0\x28\0\0\0\x01\0\0\0\x02\0\0\0\x01\0\x18\0\0\0\0\0\0\0\0\0"       \
    "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"
#define BMP BMP_HEADER "\x01\x02\x03\0\x04\x05\x06\0"

static void bmp(void **state) {
    (void)state;
    PIXELS(BMP, 1, 2, 6, 5, 4, 3, 2, 1);
    for (size_t size = 2; size < sizeof BMP - 1; size++) {
        char *part = malloc(size); /* of this size, so that reading beyond it is noticed */
        memcpy(part, BMP, size);
        expect_pixels(part, size, 0, 0, NULL);
        free(part);
    }
}

static void hostile(void **state) {
    (void)state;
    c2s_image image;
    NO_PIXELS("");
    NO_PIXELS("text");
    NO_PIXELS("\xff\xd8\xff");
    NO_PIXELS("\xff\xd8\xff\xe0\x00\x10JFIF");
    NO_PIXELS("\x89PNG\r\n\x1a\n");
    NO_PIXELS("\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR\xff\xff\xff\xff\0\0\0\x01\x08\x02\0\0\0");
    NO_PIXELS("II*\0....");
    NO_PIXELS("RIFF\x10\0\0\0WEBPVP8 ");
    NO_PIXELS("\0\0\0\x0cjP  \r\n\x87\n");
    NO_PIXELS("\xff\x4f\xff\x51\0\x29");
    /* A bare code stream of 50000 x 50000 grey pixels in one tile. */
    static const char wide[] =
        "\xff\x4f\xff\x51\0\x29\0\0\0\0\xc3\x50\0\0\xc3\x50\0\0\0\0\0\0\0\0"
        "\0\0\xc3\x50\0\0\xc3\x50\0\0\0\0\0\0\0\0\0\x01\x07\x01\x01"
        "\xff\x52\0\x0c\0\0\0\x01\0\x05\x04\x04\0\x01"
        "\xff\x5c\0\x13\x40\x40\x48\x48\x50\x48\x48\x50\x48\x48\x50\x48\x48\x50\x48\x48\x50"
        "\xff\x90\0\x0a\0\0\0\0\0\0\0\x01\xff\x93\xff\xd9";
    assert_int_equal(c2s_image_decode((const uint8_t *)wide, sizeof wide - 1, &image),
                     C2S_ERR_MEMORY);
    /* A TIFF of 65535 x 65535 pixels. */
    static const char tall[] = "II*\0\x08\0\0\0\x04\0\0\1\3\0\1\0\0\0\xff\xff\0\0\1\1\3\0\1\0\0\0"
                               "\xff\xff\0\0\x11\1\4\0\1\0\0\0\x08\0\0\0\x17\1\4\0\1\0\0\0"
                               "\x08\0\0\0\0\0\0\0";
    assert_int_equal(c2s_image_decode((const uint8_t *)tall, sizeof tall - 1, &image),
                     C2S_ERR_MEMORY);
    assert_int_equal(c2s_image_decode((const uint8_t *)"P4 999999 999999\n", 17, &image),
                     C2S_ERR_MEMORY);
    /* A baseline frame of 65500 x 65500 pixels, and nothing else. */
    static const uint8_t large[] = {0xff, 0xd8, 0xff, 0xc0, 0,    11, 8,    0xff, 0xdc,
                                    0xff, 0xdc, 1,    1,    0x11, 0,  0xff, 0xda, 0,
                                    8,    1,    1,    0,    0,    63, 0,    0xff, 0xd9};
    assert_int_equal(c2s_image_decode(large, sizeof large, &image), C2S_ERR_MEMORY);
    assert_non_null(strstr(c2s_error(), "65500 x 65500"));
}

/* A JPEG of four inks, as libjpeg writes it: with Adobe's mark, so that 255 is no ink. */
static void inks(void **state) {
    (void)state;
    static const uint8_t ink[4] = {200, 100, 50, 240};
    struct jpeg_compress_struct jpeg;
    struct jpeg_error_mgr errors;
    uint8_t row[8 * 4], *data = NULL, *line = row;
    unsigned long size = 0;
    for (int k = 0; k < 8 * 4; k++)
        row[k] = ink[k % 4];
    jpeg.err = jpeg_std_error(&errors);
    jpeg_create_compress(&jpeg);
    jpeg_mem_dest(&jpeg, &data, &size);
    jpeg.image_width = jpeg.image_height = 8;
    jpeg.input_components = 4;
    jpeg.in_color_space = JCS_CMYK;
    jpeg_set_defaults(&jpeg);
    jpeg_set_quality(&jpeg, 100, TRUE);
    jpeg_start_compress(&jpeg, TRUE);
    for (int y = 0; y < 8; y++)
        jpeg_write_scanlines(&jpeg, &line, 1);
    jpeg_finish_compress(&jpeg);
    jpeg_destroy_compress(&jpeg);
    c2s_image image;
    assert_int_equal(c2s_image_decode(data, size, &image), C2S_OK);
    for (int k = 0; k < 8 * 8 * 3; k++) /* what is left white of what the black leaves */
        assert_true(fabs(image.rgb[k] - ink[k % 3] * ink[3] / 255.0) < 2);
    c2s_image_drop(&image);
    free(data);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(portable_maps),
        cmocka_unit_test(bmp),
        cmocka_unit_test(inks),
        cmocka_unit_test(hostile),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
