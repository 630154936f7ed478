/* SPDX-License-Identifier: Apache-2.0 */
#include "io/image_recipe.h"

#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

enum { SIZE_MOST = 16384, USUAL_SIZE = 224 };

typedef struct preset {
    const char *name;
    bool bgr;
    double scale, mean[3], std[3];
} preset;

/* The statistics are those of the ImageNet training set, in the order of the channels. */
static const preset presets[] = {
    {"torch", false, 1.0 / 255, {0.485, 0.456, 0.406}, {0.229, 0.224, 0.225}},
    {"tf", false, 1.0 / 127.5, {1, 1, 1}, {1, 1, 1}},
    {"caffe", true, 1, {104, 117, 123}, {1, 1, 1}},
    {"01", false, 1.0 / 255, {0, 0, 0}, {1, 1, 1}},
    {"raw", false, 1, {0, 0, 0}, {1, 1, 1}},
};

typedef enum layout { LAYOUT_OPEN, NCHW, NHWC } layout;
typedef enum order { ORDER_OPEN, RGB, BGR, GRAY } order;

typedef struct words {
    bool preset; /* or a scale: something says what levels become */
    layout layout;
    order order;
    double scale, mean[3], std[3];
} words;

/* ---- the text ---- */

static c2s_status wrong(const char *key, const char *value, const char *expected) {
    return c2s_fail(C2S_ERR_USAGE, "%s=%s: expected %s", key, value, expected);
}

/* A decimal number at *at, which moves behind it: no blanks, infinities, hexadecimals. */
static bool take_number(const char **at, double *out) {
    const char *from = *at + (**at == '-');
    if (!isdigit((unsigned char)*from) && *from != '.')
        return false;
    if (from[0] == '0' && (from[1] == 'x' || from[1] == 'X'))
        return false;
    char *end;
    *out = strtod(*at, &end);
    if (end == *at || !isfinite(*out))
        return false;
    *at = end;
    return true;
}

static c2s_status read_per_channel(const char *key, const char *value, double out[3]) {
    const char *at = value;
    int count = 0;
    while (count < 3 && take_number(&at, &out[count])) {
        count++;
        if (*at != '/')
            break;
        at++;
    }
    if (*at || (count != 1 && count != 3) || at[-1] == '/')
        return wrong(key, value, "one number, or three separated by /");
    if (count == 1)
        out[1] = out[2] = out[0];
    return C2S_OK;
}

static c2s_status read_scale(const char *value, double *out) {
    const char *at = value;
    double divisor = 1;
    if (!take_number(&at, out))
        return wrong("scale", value, "a number, or a quotient such as 1/255");
    if (*at == '/' && (at++, !take_number(&at, &divisor)))
        return wrong("scale", value, "a number behind the /");
    if (*at || divisor == 0)
        return wrong("scale", value, "a number, or a quotient such as 1/255");
    *out /= divisor;
    return C2S_OK;
}

static bool take_size(const char **at, int64_t *out) {
    if (!isdigit((unsigned char)**at))
        return false;
    *out = 0;
    for (; isdigit((unsigned char)**at) && *out <= SIZE_MOST; ++*at)
        *out = *out * 10 + (**at - '0');
    return *out >= 1 && *out <= SIZE_MOST;
}

/* "224": out[1] is 0; "224x320". */
static c2s_status read_size(const char *key, const char *value, int64_t out[2], bool *none) {
    const char *at = value;
    out[0] = out[1] = 0;
    *none = strcmp(value, "none") == 0;
    if (*none)
        return C2S_OK;
    bool good = take_size(&at, &out[0]);
    if (good && *at == 'x')
        good = (at++, take_size(&at, &out[1]));
    if (!good || *at)
        return wrong(key, value, "a size up to 16384, height x width such as 224x320, or none");
    return C2S_OK;
}

static c2s_status read_pair(const char *key, const char *value, c2s_image_recipe *r, words *w) {
    if (strcmp(key, "resize") == 0) {
        C2S_TRY(read_size(key, value, r->resize, &r->resize_none));
        r->shorter = r->resize[1] ? 0 : r->resize[0];
        if (r->shorter)
            r->resize[0] = 0;
    } else if (strcmp(key, "crop") == 0) {
        C2S_TRY(read_size(key, value, r->crop, &r->crop_none));
        if (!r->crop[1])
            r->crop[1] = r->crop[0];
    } else if (strcmp(key, "scale") == 0) {
        w->preset = true;
        return read_scale(value, &w->scale);
    } else if (strcmp(key, "mean") == 0) {
        return read_per_channel(key, value, w->mean);
    } else if (strcmp(key, "std") == 0) {
        C2S_TRY(read_per_channel(key, value, w->std));
        if (w->std[0] == 0 || w->std[1] == 0 || w->std[2] == 0)
            return wrong(key, value, "no zero, by which levels are divided");
    } else if (strcmp(key, "channels") == 0) {
        w->order = strcmp(value, "rgb") == 0    ? RGB
                   : strcmp(value, "bgr") == 0  ? BGR
                   : strcmp(value, "gray") == 0 ? GRAY
                                                : ORDER_OPEN;
        if (w->order == ORDER_OPEN)
            return wrong(key, value, "rgb, bgr or gray");
    } else if (strcmp(key, "layout") == 0) {
        w->layout = strcmp(value, "nchw") == 0   ? NCHW
                    : strcmp(value, "nhwc") == 0 ? NHWC
                                                 : LAYOUT_OPEN;
        if (w->layout == LAYOUT_OPEN)
            return wrong(key, value, "nchw or nhwc");
    } else {
        return c2s_fail(C2S_ERR_USAGE,
                        "\"%s\" is unknown, expected resize, crop, scale, mean, std, channels or "
                        "layout",
                        key);
    }
    return C2S_OK;
}

static c2s_status read_preset(const char *name, words *w) {
    for (size_t k = 0; k < sizeof presets / sizeof *presets; k++)
        if (strcmp(name, presets[k].name) == 0) {
            const preset *p = &presets[k];
            w->preset = true;
            w->scale = p->scale;
            memcpy(w->mean, p->mean, sizeof w->mean);
            memcpy(w->std, p->std, sizeof w->std);
            if (p->bgr)
                w->order = BGR;
            return C2S_OK;
        }
    return c2s_fail(C2S_ERR_USAGE,
                    "\"%s\" is unknown, expected torch, tf, caffe, 01, raw or KEY=VALUE", name);
}

static c2s_status read_items(char *text, c2s_image_recipe *r, words *w) {
    for (char *item = text; item;) {
        char *next = strchr(item, ',');
        if (next)
            *next++ = '\0';
        char *value = strchr(item, '=');
        if (value) {
            *value++ = '\0';
            C2S_TRY(read_pair(item, value, r, w));
        } else {
            C2S_TRY(read_preset(item, w));
        }
        item = next;
    }
    if (!w->preset)
        return c2s_fail(C2S_ERR_USAGE, "it says nothing of what the levels 0 to 255 become: "
                                       "expected torch, tf, caffe, 01, raw or scale=...");
    return C2S_OK;
}

/* ---- the input's shape ---- */

static bool may_be(c2s_dim extent, int64_t wanted) {
    return !c2s_dim_is_known(extent) || extent == wanted;
}

static c2s_status choose_layout(const c2s_type *input, words *w, c2s_image_recipe *r) {
    const c2s_dim *dim = input->dim + (input->rank - 3);
    const bool first = c2s_dim_is_known(dim[0]) && (dim[0] == 1 || dim[0] == 3);
    const bool last = c2s_dim_is_known(dim[2]) && (dim[2] == 1 || dim[2] == 3);
    if (w->layout == LAYOUT_OPEN && first == last)
        return c2s_fail(C2S_ERR_USAGE, "the input's shape does not tell which axis has the "
                                       "channels: layout=nchw or layout=nhwc does");
    r->last_axis = w->layout == LAYOUT_OPEN ? last : w->layout == NHWC;
    const c2s_dim channels = dim[r->last_axis ? 2 : 0];
    if (w->order == ORDER_OPEN)
        w->order = c2s_dim_is_known(channels) && channels == 1 ? GRAY : RGB;
    r->channels = w->order == GRAY ? 1 : 3;
    r->bgr = w->order == BGR;
    if (!may_be(channels, r->channels))
        return c2s_fail(C2S_ERR_USAGE, "the input has %lld channels, pictures have %d",
                        (long long)channels, r->channels);
    return C2S_OK;
}

/* One extent: 0 is height, 1 is width. */
static c2s_status choose_extent(c2s_dim input, int k, c2s_image_recipe *r) {
    const bool known = c2s_dim_is_known(input);
    if (!r->crop[k])
        r->crop[k] = !known ? USUAL_SIZE : input <= SIZE_MOST ? input : 0;
    if (r->crop[k] < 1 || !may_be(input, r->crop[k]))
        return c2s_fail(C2S_ERR_USAGE, "the input's %s is %lld, pictures of %lld are asked for",
                        k ? "width" : "height", (long long)input, (long long)r->crop[k]);
    const int64_t have = r->resize[k] ? r->resize[k] : r->shorter;
    if (have && r->crop[k] > have)
        return c2s_fail(C2S_ERR_USAGE,
                        "the crop's %s of %lld is more than the %lld that resize leaves",
                        k ? "width" : "height", (long long)r->crop[k], (long long)have);
    return C2S_OK;
}

static c2s_status choose_crop(const c2s_type *input, c2s_image_recipe *r) {
    const c2s_dim *dim = input->dim + (input->rank - 3) + (r->last_axis ? 0 : 1);
    if (r->resize_none && !r->crop[0] && !c2s_dim_is_known(dim[0]) && !c2s_dim_is_known(dim[1]))
        r->crop_none = true;
    for (int k = 0; k < 2 && !r->crop_none; k++)
        C2S_TRY(choose_extent(dim[k], k, r));
    return C2S_OK;
}

static c2s_status take_type(const c2s_type *input, c2s_image_recipe *r) {
    if (input->kind != C2S_KIND_TENSOR || (input->rank != 3 && input->rank != 4))
        return c2s_fail(C2S_ERR_USAGE, "the input has %d axes, pictures need 3 or 4",
                        input->kind == C2S_KIND_TENSOR ? input->rank : 0);
    r->dtype = input->dtype;
    r->rank = input->rank;
    r->batch = input->rank == 4 && c2s_dim_is_known(input->dim[0]) ? input->dim[0] : 1;
    if (r->batch < 1 || r->batch > 65536)
        return c2s_fail(C2S_ERR_UNSUPPORTED, "the input takes %lld pictures at once",
                        (long long)r->batch);
    if (r->dtype != C2S_FLOAT && r->dtype != C2S_FLOAT16 && r->dtype != C2S_BFLOAT16 &&
        r->dtype != C2S_DOUBLE && r->dtype != C2S_UINT8)
        return c2s_fail(C2S_ERR_UNSUPPORTED, "the input takes %s, expected floats or uint8",
                        c2s_dtype_name(r->dtype));
    return C2S_OK;
}

static c2s_status read_recipe(char *text, const c2s_type *input, c2s_image_recipe *r) {
    words w = {.scale = 1, .std = {1, 1, 1}};
    C2S_TRY(read_items(text, r, &w));
    C2S_TRY(take_type(input, r));
    C2S_TRY(choose_layout(input, &w, r));
    C2S_TRY(choose_crop(input, r));
    for (int c = 0; c < 3; c++)
        for (int v = 0; v < 256; v++) {
            const double x = (v * w.scale - w.mean[c]) / w.std[c];
            r->level[c][v] = (float)(r->dtype == C2S_UINT8 ? fmin(fmax(rint(x), 0), 255) : x);
        }
    return C2S_OK;
}

c2s_status c2s_image_recipe_read(const char *text, const c2s_type *input, c2s_image_recipe *out) {
    *out = (c2s_image_recipe){.batch = 1};
    char *copy = c2s_strdup(text);
    c2s_status status = read_recipe(copy, input, out);
    free(copy);
    if (status != C2S_OK)
        c2s_note("how pictures become inputs (--image)");
    return status;
}
