/* SPDX-License-Identifier: Apache-2.0
 *
 * Pictures as data: sizes against the definition of the filter in double precision, texts and
 * shapes that fit and that do not, folders that are as they should be and others. The files are
 * portable pixmaps: decoding goes by the contents. (Other formats: test_image.)
 */
#include <math.h>
#include <string.h>
#include <unistd.h>

#include "base/random.h"
#include "io/dataset.h"
#include "io/image_apply.h"
#include "shared.h"

static char folder[] = "/tmp/c2s-pictures-XXXXXX";

static int make_folder(void **state) {
    (void)state;
    return mkdtemp(folder) ? 0 : -1;
}

static int remove_folder(void **state) {
    (void)state;
    char command[320];
    snprintf(command, sizeof command, "rm -r '%s'", folder);
    return system(command);
}

static void write_file(const char *name, const void *data, size_t size) {
    char path[256];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *stream = fopen(path, "wb");
    assert_non_null(stream);
    assert_int_equal(fwrite(data, 1, size, stream), size);
    fclose(stream);
}

static void write_text(const char *name, const char *text) {
    write_file(name, text, strlen(text));
}

static void remove_file(const char *name) {
    char path[256];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    unlink(path);
}

static c2s_image random_image(uint64_t seed, int64_t width, int64_t height) {
    c2s_random random = {seed};
    c2s_image image;
    assert_int_equal(c2s_image_new(width, height, &image), C2S_OK);
    for (int64_t i = 0; i < width * height * 3; i++)
        image.rgb[i] = (uint8_t)c2s_random_integer(&random, 0, 255);
    return image;
}

static void save_image(const char *name, const c2s_image *image) {
    char path[256];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *stream = fopen(path, "wb");
    assert_non_null(stream);
    fprintf(stream, "P6\n%lld %lld\n255\n", (long long)image->width, (long long)image->height);
    fwrite(image->rgb, 3, (size_t)(image->width * image->height), stream);
    fclose(stream);
}

/* ---- sizes ---- */

/* The weight of pixel k of `in` for pixel x of `out`, before normalisation. */
static double weight(int64_t k, int64_t x, int64_t in, int64_t out) {
    const double scale = (double)in / (double)out, reach = scale > 1 ? scale : 1;
    return fmax(0, 1 - fabs((double)k + 0.5 - ((double)x + 0.5) * scale) / reach);
}

static double scaled_at(const c2s_image *in, int64_t width, int64_t height, int64_t x, int64_t y,
                        int channel) {
    double sum = 0, weights = 0;
    for (int64_t j = 0; j < in->height; j++)
        for (int64_t i = 0; i < in->width; i++) {
            const double w = weight(i, x, in->width, width) * weight(j, y, in->height, height);
            sum += w * in->rgb[(j * in->width + i) * 3 + channel];
            weights += w;
        }
    return sum / weights;
}

static void pictures_are_scaled_by_a_triangle(void **state) {
    (void)state;
    static const int64_t sizes[][4] = {{17, 13, 8, 9},  {8, 8, 8, 8}, {5, 9, 16, 20},
                                       {40, 3, 7, 3},   {1, 1, 4, 4}, {64, 2, 1, 1},
                                       {30, 31, 29, 40}};
    for (size_t k = 0; k < sizeof sizes / sizeof *sizes; k++) {
        const int64_t *s = sizes[k], width = s[2], height = s[3];
        c2s_image in = random_image(k, s[0], s[1]), out;
        const c2s_image_box box = {width / 3, height / 4, width - width / 3, height - height / 4};
        assert_int_equal(c2s_image_scale(&in, width, height, &box, &out), C2S_OK);
        assert_true(out.width == box.width && out.height == box.height);
        for (int64_t y = 0; y < out.height; y++)
            for (int64_t x = 0; x < out.width; x++)
                for (int c = 0; c < 3; c++) {
                    const double expected =
                        scaled_at(&in, width, height, box.left + x, box.top + y, c);
                    /* Rounded twice: half a level each. */
                    assert_true(fabs(out.rgb[(y * out.width + x) * 3 + c] - expected) <= 1.001);
                }
        c2s_image_drop(&in);
        c2s_image_drop(&out);
    }
}

/* ---- texts ---- */

static c2s_type shape(c2s_dtype dtype, int rank, c2s_dim a, c2s_dim b, c2s_dim c, c2s_dim d) {
    return c2s_type_tensor(dtype, rank, (const c2s_dim[]){a, b, c, d});
}

static void texts_and_shapes_agree(void **state) {
    (void)state;
    c2s_image_recipe r;
    c2s_type t = shape(C2S_FLOAT, 4, 1, 3, 224, 192);
    assert_int_equal(c2s_image_recipe_read("torch", &t, &r), C2S_OK);
    assert_true(!r.last_axis && r.channels == 3 && r.crop[0] == 224 && r.crop[1] == 192);
    assert_true(fabsf(r.level[1][255] - (1 - 0.456f) / 0.224f) < 1e-6f);
    assert_int_equal(c2s_image_recipe_read("caffe,mean=1/2/3,resize=300", &t, &r), C2S_OK);
    assert_true(r.bgr && r.shorter == 300 && r.level[2][10] == 7);
    assert_int_equal(c2s_image_recipe_read("scale=1/4,std=2,channels=bgr", &t, &r), C2S_OK);
    assert_true(r.bgr && r.level[0][16] == 2);
    t = shape(C2S_FLOAT16, 4, 8, 28, 28, 1);
    assert_int_equal(c2s_image_recipe_read("01", &t, &r), C2S_OK);
    assert_true(r.last_axis && r.channels == 1 && r.batch == 8 && r.dtype == C2S_FLOAT16);
    t = shape(C2S_UINT8, 3, 64, 64, 3, 0);
    assert_int_equal(c2s_image_recipe_read("raw,resize=64x64", &t, &r), C2S_OK);
    assert_true(r.last_axis && r.rank == 3 && r.level[0][200] == 200);

    int64_t size[2];
    c2s_image_box box;
    t = shape(C2S_FLOAT, 4, 1, 3, 224, 224);
    assert_int_equal(c2s_image_recipe_read("tf", &t, &r), C2S_OK);
    assert_int_equal(c2s_image_recipe_fit(&r, 500, 375, size, &box), C2S_OK);
    assert_true(size[0] == 256 && size[1] == 341); /* 500 * 256 / 375 = 341.3 */
    assert_true(box.left == 58 && box.top == 16 && box.width == 224 && box.height == 224);
    assert_int_equal(c2s_image_recipe_read("tf,resize=none", &t, &r), C2S_OK);
    assert_int_equal(c2s_image_recipe_fit(&r, 100, 375, size, &box), C2S_ERR_INVALID);
    assert_int_equal(c2s_image_recipe_fit(&r, 300, 375, size, &box), C2S_OK);
    assert_true(box.left == 38 && box.top == 75);
}

static void refuse(const char *text, c2s_type t, c2s_status status, const char *part) {
    c2s_image_recipe r;
    assert_int_equal(c2s_image_recipe_read(text, &t, &r), status);
    if (!strstr(c2s_error(), part))
        fail_msg("%s: %s; expected ... %s ...", text, c2s_error(), part);
}

static void other_texts_and_shapes_are_refused(void **state) {
    (void)state;
    const c2s_type t = shape(C2S_FLOAT, 4, 1, 3, 224, 224);
    refuse("", t, C2S_ERR_USAGE, "expected torch");
    refuse("torch,", t, C2S_ERR_USAGE, "\"\" is unknown");
    refuse("imagenet", t, C2S_ERR_USAGE, "\"imagenet\" is unknown");
    refuse("raw,size=3", t, C2S_ERR_USAGE, "\"size\" is unknown");
    refuse("resize=256", t, C2S_ERR_USAGE, "what the levels");
    refuse("raw,crop=192", t, C2S_ERR_USAGE, "the input's height is 224");
    refuse("raw,resize=200", t, C2S_ERR_USAGE, "more than the 200");
    refuse("raw,resize=0", t, C2S_ERR_USAGE, "expected a size");
    refuse("raw,resize=256x", t, C2S_ERR_USAGE, "expected a size");
    refuse("raw,resize=4294967297", t, C2S_ERR_USAGE, "expected a size");
    refuse("raw,mean=1/2", t, C2S_ERR_USAGE, "one number, or three");
    refuse("raw,mean=1/2/3/4", t, C2S_ERR_USAGE, "one number, or three");
    refuse("raw,mean=inf", t, C2S_ERR_USAGE, "one number, or three");
    refuse("raw,std=1/0/1", t, C2S_ERR_USAGE, "no zero");
    refuse("scale=1/0", t, C2S_ERR_USAGE, "a quotient");
    refuse("scale=", t, C2S_ERR_USAGE, "a quotient");
    refuse("raw,layout=hwc", t, C2S_ERR_USAGE, "nchw or nhwc");
    refuse("raw,layout=nhwc", t, C2S_ERR_USAGE, "224 channels");
    refuse("raw,channels=gray", t, C2S_ERR_USAGE, "3 channels, pictures have 1");
    refuse("raw", shape(C2S_FLOAT, 4, 1, 224, 224, 224), C2S_ERR_USAGE, "layout=nchw");
    refuse("raw", shape(C2S_FLOAT, 4, 1, 3, 224, 3), C2S_ERR_USAGE, "layout=nchw");
    refuse("raw", shape(C2S_FLOAT, 2, 1, 3, 0, 0), C2S_ERR_USAGE, "2 axes");
    refuse("raw", shape(C2S_INT64, 4, 1, 3, 8, 8), C2S_ERR_UNSUPPORTED, "int64");
    refuse("raw", shape(C2S_FLOAT, 4, 1, 3, 0, 8), C2S_ERR_USAGE, "height is 0");
    refuse("raw", shape(C2S_FLOAT, 4, 0, 3, 8, 8), C2S_ERR_UNSUPPORTED, "0 pictures");
}

/* ---- folders ---- */

static c2s_model *model_of(c2s_type type) {
    c2s_model *m = c2s_model_create();
    c2s_graph_add_input(m->graph, "x", &type);
    return m;
}

static void folders_are_data(void **state) {
    (void)state;
    c2s_image a = random_image(1, 6, 4), b = random_image(2, 6, 4), c = random_image(3, 6, 4);
    save_image("a.jpg", &a);
    save_image("b.JPEG", &b);
    save_image("c.png", &c);
    write_text("notes.txt", "no picture");
    c2s_model *m = model_of(shape(C2S_FLOAT, 4, 1, 3, 4, 6));
    c2s_dataset *data;
    c2s_tensor *in[1];
    assert_int_equal(c2s_dataset_open(folder, m->graph, NULL, &data), C2S_ERR_USAGE);
    assert_non_null(strstr(c2s_error(), "--image"));
    assert_int_equal(c2s_dataset_open(folder, m->graph, "raw,resize=none", &data), C2S_OK);
    assert_int_equal(c2s_dataset_count(data), 3);
    assert_null(c2s_dataset_array(data, "labels"));
    const uint64_t plain = c2s_dataset_digest(data);
    assert_int_equal(c2s_dataset_sample(data, 1, in), C2S_OK);
    const float *x = c2s_tensor_data(in[0]);
    for (int i = 0; i < 24; i++)
        for (int k = 0; k < 3; k++)
            assert_true(x[k * 24 + i] == b.rgb[i * 3 + k]);
    c2s_tensor_unref(in[0]);
    c2s_dataset_close(data);

    write_text("labels.txt", "c.png\t7\n\na.jpg\t-1\r\n");
    assert_int_equal(c2s_dataset_open(folder, m->graph, "01,resize=none", &data), C2S_OK);
    assert_int_equal(c2s_dataset_count(data), 2);
    assert_true(c2s_dataset_digest(data) != plain);
    const c2s_tensor *labels = c2s_dataset_array(data, "labels");
    assert_true(((const int64_t *)c2s_tensor_data(labels))[0] == 7);
    assert_true(((const int64_t *)c2s_tensor_data(labels))[1] == -1);
    assert_int_equal(c2s_dataset_sample(data, 0, in), C2S_OK);
    assert_true(((const float *)c2s_tensor_data(in[0]))[0] == (float)(c.rgb[0] / 255.0));
    c2s_tensor_unref(in[0]);
    c2s_dataset_close(data);
    c2s_model_destroy(m);

    /* Two at once, channels last, blue first. */
    m = model_of(shape(C2S_UINT8, 4, 2, 4, 6, 3));
    assert_int_equal(c2s_dataset_open(folder, m->graph, "raw,channels=bgr,resize=none", &data),
                     C2S_OK);
    assert_int_equal(c2s_dataset_count(data), 1);
    assert_int_equal(c2s_dataset_array(data, "labels")->count, 2);
    assert_int_equal(c2s_dataset_sample(data, 0, in), C2S_OK);
    const uint8_t *u = c2s_tensor_data(in[0]);
    for (int i = 0; i < 24; i++)
        for (int k = 0; k < 3; k++) {
            assert_int_equal(u[i * 3 + k], c.rgb[i * 3 + 2 - k]);
            assert_int_equal(u[72 + i * 3 + k], a.rgb[i * 3 + 2 - k]);
        }
    c2s_tensor_unref(in[0]);
    c2s_dataset_close(data);
    c2s_model_destroy(m);
    remove_file("labels.txt");
    c2s_image_drop(&a);
    c2s_image_drop(&b);
    c2s_image_drop(&c);
}

static void refuse_labels(const char *text, c2s_status status, const char *part) {
    c2s_model *m = model_of(shape(C2S_FLOAT, 4, 1, 3, 4, 6));
    c2s_dataset *data;
    write_text("labels.txt", text);
    assert_int_equal(c2s_dataset_open(folder, m->graph, "raw", &data), status);
    if (!strstr(c2s_error(), part) || !strstr(c2s_error(), folder))
        fail_msg("%s; expected ... %s ...", c2s_error(), part);
    c2s_model_destroy(m);
    remove_file("labels.txt");
}

static void refuse_sample(const char *name, const void *bytes, size_t size, c2s_status status,
                          const char *part) {
    char line[64];
    c2s_model *m = model_of(shape(C2S_FLOAT, 4, 1, 3, 4, 6));
    c2s_dataset *data;
    c2s_tensor *in[1];
    write_file(name, bytes, size);
    snprintf(line, sizeof line, "%s\t1\n", name);
    write_text("labels.txt", line);
    assert_int_equal(c2s_dataset_open(folder, m->graph, "raw", &data), C2S_OK);
    assert_int_equal(c2s_dataset_sample(data, 0, in), status);
    if (!strstr(c2s_error(), part) || !strstr(c2s_error(), name))
        fail_msg("%s; expected ... %s ...", c2s_error(), part);
    c2s_dataset_close(data);
    c2s_model_destroy(m);
    remove_file("labels.txt");
    remove_file(name);
}

static void hostile_folders_are_refused(void **state) {
    (void)state;
    refuse_labels("a.jpg 3\n", C2S_ERR_INVALID, "labels.txt:1: expected a file, a tab");
    refuse_labels("a.jpg\t1\nb.JPEG\tcat\n", C2S_ERR_INVALID, "labels.txt:2: \"cat\" is no class");
    refuse_labels("a.jpg\t99999999999999999999\n", C2S_ERR_INVALID, "is no class");
    refuse_labels("a.jpg\t\n", C2S_ERR_INVALID, "is no class");
    refuse_labels("../a.jpg\t1\n", C2S_ERR_INVALID, "outside");
    refuse_labels("/etc/passwd\t1\n", C2S_ERR_INVALID, "outside");
    refuse_labels("x/../../a.jpg\t1\n", C2S_ERR_INVALID, "outside");
    refuse_labels("missing.jpg\t1\n", C2S_ERR_IO, "missing.jpg");
    refuse_labels("", C2S_ERR_INVALID, "0 pictures");
    static const char jpeg[] = "\xff\xd8\xff\xe0 cut short";
    static const char huge[] = "P6\n60000 60000\n255\nabc";
    refuse_sample("broken.jpg", jpeg, sizeof jpeg, C2S_ERR_INVALID, "no picture, or a damaged one");
    refuse_sample("text.png", "hello", 5, C2S_ERR_INVALID, "no picture, or a damaged one");
    refuse_sample("empty.png", "", 0, C2S_ERR_INVALID, "no picture, or a damaged one");
    refuse_sample("huge.png", huge, sizeof huge, C2S_ERR_MEMORY, "60000 x 60000");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pictures_are_scaled_by_a_triangle),
        cmocka_unit_test(texts_and_shapes_agree),
        cmocka_unit_test(other_texts_and_shapes_are_refused),
        cmocka_unit_test(folders_are_data),
        cmocka_unit_test(hostile_folders_are_refused),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
