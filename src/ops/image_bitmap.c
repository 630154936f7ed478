/* SPDX-License-Identifier: Apache-2.0
 *
 * Pictures that are hardly encoded: BMP without compression and the portable maps PBM, PGM, PPM.
 */
#include <string.h>

#include "ops/image.h"

/* ---- BMP ---- */

static uint32_t number_at(const uint8_t *data, size_t at, int bytes) {
    uint32_t number = 0;
    for (int k = bytes - 1; k >= 0; k--)
        number = number << 8 | data[at + (size_t)k];
    return number;
}

typedef struct bmp {
    const uint8_t *pixels, *palette; /* palette: four bytes a colour: blue, green, red, unused */
    size_t row, bits, colours;
    bool top_down;
} bmp;

static void bmp_pixel(const bmp *b, const uint8_t *row, size_t x, uint8_t *rgb) {
    const uint8_t *bgr;
    if (b->bits >= 24) {
        bgr = row + x * (b->bits / 8);
    } else {
        const size_t shift = 8 - b->bits - x * b->bits % 8;
        const size_t index = (size_t)row[x * b->bits / 8] >> shift & ((1u << b->bits) - 1);
        if (index >= b->colours)
            return;
        bgr = b->palette + 4 * index;
    }
    rgb[0] = bgr[2];
    rgb[1] = bgr[1];
    rgb[2] = bgr[0];
}

c2s_status c2s_image_bmp(const uint8_t *data, size_t size, c2s_image *out) {
    enum { FILE_HEADER = 14, INFO_HEADER = 40 };
    if (size < FILE_HEADER + INFO_HEADER)
        return C2S_OK;
    const size_t start = number_at(data, 10, 4), header = number_at(data, 14, 4);
    const int64_t width = (int32_t)number_at(data, 18, 4), raw = (int32_t)number_at(data, 22, 4);
    const int64_t height = raw < 0 ? -raw : raw;
    bmp b = {.bits = number_at(data, 28, 2), .top_down = raw < 0};
    const bool indexed = b.bits == 1 || b.bits == 4 || b.bits == 8;
    if (header < INFO_HEADER || header > size - FILE_HEADER || width < 1 || height < 1)
        return C2S_OK;
    if (number_at(data, 30, 4) != 0 || (!indexed && b.bits != 24 && b.bits != 32))
        return c2s_fail(C2S_ERR_UNSUPPORTED,
                        "the BMP picture has %zu bits a pixel and compression %u, expected 1, 4, "
                        "8, 24 or 32 bits without compression",
                        b.bits, (unsigned)number_at(data, 30, 4));
    b.row = ((size_t)width * b.bits + 31) / 32 * 4;
    if (start > size || (size_t)height > (size - start) / b.row)
        return C2S_OK;
    b.pixels = data + start;
    b.palette = data + FILE_HEADER + header;
    b.colours = (size - FILE_HEADER - header) / 4;
    C2S_TRY(c2s_image_new(width, height, out));
    for (int64_t y = 0; y < height; y++) {
        const uint8_t *row = b.pixels + (size_t)(b.top_down ? y : height - 1 - y) * b.row;
        for (int64_t x = 0; x < width; x++)
            bmp_pixel(&b, row, (size_t)x, out->rgb + 3 * (y * width + x));
    }
    return C2S_OK;
}

/* ---- portable maps ---- */

typedef struct text {
    const uint8_t *at, *end;
} text;

static bool is_space(uint8_t c) {
    return c == ' ' || (c >= '\t' && c <= '\r');
}

static void skip_space(text *t) {
    while (t->at < t->end && (is_space(*t->at) || *t->at == '#'))
        if (*t->at == '#')
            while (t->at < t->end && *t->at != '\n')
                t->at++;
        else
            t->at++;
}

/* A decimal number after white space and comments; -1 if there is none or it is beyond `most`. */
static int64_t read_number(text *t, int64_t most) {
    skip_space(t);
    int64_t number = -1;
    for (; t->at < t->end && *t->at >= '0' && *t->at <= '9'; t->at++) {
        number = (number < 0 ? 0 : number * 10) + (*t->at - '0');
        if (number > most)
            return -1;
    }
    return number;
}

/* The next sample scaled to 255; -1 at the end of the data. A plain bit is one digit. */
static int next_sample(text *t, char kind, int64_t most) {
    int64_t value = -1;
    if (kind == '1') {
        skip_space(t);
        value = t->at < t->end && (*t->at == '0' || *t->at == '1') ? '1' - *t->at++ : -1;
    } else if (kind <= '3') {
        value = read_number(t, most);
    } else if (t->end - t->at >= (most > 255 ? 2 : 1)) {
        value = *t->at++;
        if (most > 255)
            value = value << 8 | *t->at++;
        value = value > most ? most : value;
    }
    return value < 0 ? -1 : (int)((value * 255 + most / 2) / most);
}

/* Packed bits, rows padded to bytes; 1 is black. */
static bool read_bits(text *t, c2s_image *image) {
    const int64_t row = (image->width + 7) / 8;
    if ((t->end - t->at) / row < image->height)
        return false;
    for (int64_t y = 0; y < image->height; y++)
        for (int64_t x = 0; x < image->width; x++) {
            const bool black = t->at[y * row + x / 8] >> (7 - x % 8) & 1;
            memset(image->rgb + 3 * (y * image->width + x), black ? 0 : 255, 3);
        }
    return true;
}

static bool read_samples(text *t, char kind, int64_t most, c2s_image *image) {
    const bool colour = kind == '3' || kind == '6';
    for (int64_t i = 0; i < image->width * image->height; i++) {
        int sample = 0;
        for (int c = 0; c < 3 && sample >= 0; c++) {
            if (c == 0 || colour)
                sample = next_sample(t, kind, most);
            image->rgb[3 * i + c] = (uint8_t)sample;
        }
        if (sample < 0)
            return false;
    }
    return true;
}

c2s_status c2s_image_pnm(const uint8_t *data, size_t size, c2s_image *out) {
    const char kind = (char)data[1];
    text t = {data + 2, data + size};
    const bool bits = kind == '1' || kind == '4';
    const int64_t width = read_number(&t, INT32_MAX), height = read_number(&t, INT32_MAX);
    const int64_t most = bits ? 1 : read_number(&t, 65535);
    if (width < 1 || height < 1 || most < 1)
        return C2S_OK;
    if (kind >= '4') { /* one space ends the header */
        if (t.at == t.end || !is_space(*t.at))
            return C2S_OK;
        t.at++;
    }
    C2S_TRY(c2s_image_new(width, height, out));
    if (!(kind == '4' ? read_bits(&t, out) : read_samples(&t, kind, most, out)))
        c2s_image_drop(out);
    return C2S_OK;
}
