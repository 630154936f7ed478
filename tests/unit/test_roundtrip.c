/* SPDX-License-Identifier: Apache-2.0 */
/* Every model at hand, loaded and saved without a pass, is equal field by field to its file. */
#define _XOPEN_SOURCE 700 /* nftw */
#include <ftw.h>

#include "shared.h"

#include <onnx.pb-c.h>

#include "base/file.h"
#include "io/save.h"
#include "message.h"

static unsigned models, failures;

static Onnx__ModelProto *unpack(const void *data, size_t size) {
    Onnx__ModelProto *proto = onnx__model_proto__unpack(NULL, size, data);
    assert_non_null(proto);
    return proto;
}

static void fail_model(const char *path, const char *what) {
    failures++;
    if (failures <= 20)
        print_error("%s: %s\n", path, what);
}

/* Compares what `model` is saved as with the file itself, both read by protobuf-c alone. */
static void compare_saved(const char *path, c2s_model *model) {
    void *before, *after;
    size_t before_size, after_size;
    uint64_t file_size = 0;
    assert_int_equal(c2s_file_read(path, SIZE_MAX / 4, &before, &before_size), C2S_OK);
    if (c2s_model_save_memory(model, &after, &after_size) != C2S_OK) {
        fail_model(path, c2s_error());
        free(before);
        return;
    }
    assert_int_equal(c2s_model_file_size(model, &file_size), C2S_OK);
    if (file_size != after_size)
        fail_model(path, "the size that was foretold is another");
    Onnx__ModelProto *a = unpack(before, before_size), *b = unpack(after, after_size);
    message_place place = {""};
    if (!message_equal(&a->base, &b->base, &place))
        fail_model(path, place.text);
    onnx__model_proto__free_unpacked(a, NULL);
    onnx__model_proto__free_unpacked(b, NULL);
    free(before);
    free(after);
}

static void check_model(const char *path) {
    c2s_model *model;
    models++;
    if (c2s_model_load(path, &model) != C2S_OK) {
        fail_model(path, c2s_error());
        return;
    }
    if (c2s_model_verify(model) != C2S_OK)
        fail_model(path, c2s_error());
    compare_saved(path, model);
    if (models % 8 == 0) { /* the rest of the copy's properties are tested elsewhere */
        c2s_model *copy = c2s_model_copy(model);
        c2s_model_free(model);
        model = copy;
        compare_saved(path, model);
    }
    c2s_model_free(model);
}

static int visit(const char *path, const struct stat *info, int type, struct FTW *at) {
    (void)info;
    (void)at;
    size_t length = strlen(path);
    if (type == FTW_F && length > 5 && strcmp(path + length - 5, ".onnx") == 0)
        check_model(path);
    return 0;
}

static void test_folder(const char *relative) {
    char root[1024];
    shared_need(root, sizeof root, relative);
    models = failures = 0;
    assert_int_equal(nftw(root, visit, 16, FTW_PHYS), 0);
    print_message("%s: %u models, %u failures\n", relative, models, failures);
    assert_true(models > 0);
    assert_int_equal(failures, 0);
}

static void test_models(void **state) {
    (void)state;
    test_folder("models");
}

static void test_untrained(void **state) {
    (void)state;
    test_folder("models-untrained");
}

static void test_cases(void **state) {
    (void)state;
    test_folder("onnx-cases");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_models),
        cmocka_unit_test(test_untrained),
        cmocka_unit_test(test_cases),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
