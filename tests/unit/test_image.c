/* SPDX-License-Identifier: Apache-2.0
 *
 * ImageDecoder: pictures written out by hand, and what hostile ones must not do. ONNX's own cases
 * cover JPEG and PNG that are in order (test_onnx_cases).
 */
#include "make_graph.h"

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
    assert_int_equal(c2s_image_decode((const uint8_t *)"II*\0....", 8, &image),
                     C2S_ERR_UNSUPPORTED);
    assert_non_null(strstr(c2s_error(), "TIFF"));
    assert_int_equal(c2s_image_decode((const uint8_t *)"P4 999999 999999\n", 17, &image),
                     C2S_ERR_MEMORY);
    /* A baseline frame of 65500 x 65500 pixels, and nothing else. */
    static const uint8_t large[] = {0xff, 0xd8, 0xff, 0xc0, 0,    11, 8,    0xff, 0xdc,
                                    0xff, 0xdc, 1,    1,    0x11, 0,  0xff, 0xda, 0,
                                    8,    1,    1,    0,    0,    63, 0,    0xff, 0xd9};
    assert_int_equal(c2s_image_decode(large, sizeof large, &image), C2S_ERR_MEMORY);
    assert_non_null(strstr(c2s_error(), "65500 x 65500"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(portable_maps),
        cmocka_unit_test(bmp),
        cmocka_unit_test(hostile),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
