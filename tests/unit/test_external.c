/* SPDX-License-Identifier: Apache-2.0 */
#include "make_proto.h"

#include <fcntl.h>
#include <unistd.h>

#include "base/file.h"

/* A folder of its own with model.onnx, data.bin (bytes 0, 1, 2, ... modulo 251) and a neighbour. */
static char *root;

static char *in_root(const char *name) {
    size_t size = strlen(root) + strlen(name) + 2;
    char *path = c2s_arena_alloc(proto_arena, size);
    snprintf(path, size, "%s/%s", root, name);
    return path;
}

static void write_file(const char *path, const void *data, size_t size) {
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(data, 1, size, file), size);
    assert_int_equal(fclose(file), 0);
}

static void *read_file(const char *path, size_t *size) {
    void *data;
    if (c2s_file_read(path, SIZE_MAX / 4, &data, size) != C2S_OK)
        fail_msg("%s", c2s_error());
    return data;
}

static int setup(void **state) {
    proto_setup(state);
    const char *base = getenv("TMPDIR");
    char pattern[1024];
    snprintf(pattern, sizeof pattern, "%s/c2s-external-XXXXXX", base ? base : "/tmp");
    if (!mkdtemp(pattern))
        return -1;
    root = strdup(pattern);
    uint8_t bytes[20000];
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (uint8_t)(i % 251);
    assert_int_equal(mkdir(in_root("model"), 0777), 0);
    assert_int_equal(mkdir(in_root("model/sub"), 0777), 0);
    write_file(in_root("model/data.bin"), bytes, sizeof bytes);
    write_file(in_root("model/sub/data.bin"), bytes, sizeof bytes);
    write_file(in_root("model/empty.bin"), bytes, 0);
    write_file(in_root("outside.bin"), bytes, sizeof bytes);
    assert_int_equal(symlink("../outside.bin", in_root("model/leads_out.bin")), 0);
    assert_int_equal(symlink("..", in_root("model/up")), 0);
    assert_int_equal(symlink("sub/data.bin", in_root("model/leads_in.bin")), 0);
    assert_int_equal(mkfifo(in_root("model/fifo"), 0666), 0);
    return 0;
}

static int teardown(void **state) {
    char command[1100];
    snprintf(command, sizeof command, "rm -rf '%s'", root);
    int failed = system(command);
    free(root);
    return proto_teardown(state) || failed;
}

static void set_external(Onnx__TensorProto *tensor, const char *location, const char *offset,
                         const char *length) {
    const char *entries[][2] = {{"location", location}, {"offset", offset}, {"length", length}};
    tensor->has_data_location = 1;
    tensor->data_location = ONNX__TENSOR_PROTO__DATA_LOCATION__EXTERNAL;
    tensor->has_raw_data = 0;
    tensor->n_external_data = 0;
    for (int i = 0; i < 3; i++) {
        if (!entries[i][1])
            continue;
        Onnx__StringStringEntryProto *entry = new_string_string_entry_proto();
        entry->key = proto_text(entries[i][0]);
        entry->value = proto_text(entries[i][1]);
        PROTO_ADD(tensor->n_external_data, tensor->external_data, entry);
    }
}

/* model/model.onnx with one initializer of 100 floats at that place. */
static char *external_model(const char *location, const char *offset, const char *length) {
    Onnx__ModelProto *proto = proto_small_model();
    set_external(add_initializer(proto->graph, "w", 100), location, offset, length);
    add_node(proto->graph, "Identity", "w", "v");
    size_t size;
    void *data = proto_pack(&proto->base, &size);
    char *path = in_root("model/model.onnx");
    write_file(path, data, size);
    free(data);
    return path;
}

static void accepted(const char *location, const char *offset, const char *length,
                     size_t expected_offset) {
    c2s_model *model = NULL;
    if (c2s_model_load(external_model(location, offset, length), &model) != C2S_OK)
        fail_msg("%s", c2s_error());
    const c2s_tensor *tensor = ((c2s_value *)model->graph->initializers.at[0])->constant;
    const uint8_t *bytes = c2s_tensor_data(tensor);
    assert_int_equal((uintptr_t)bytes % 4, 0);
    for (size_t i = 0; i < 400; i++)
        assert_int_equal(bytes[i], (expected_offset + i) % 251);
    c2s_model_free(model);
}

static void refused(const char *location, const char *offset, const char *length,
                    c2s_status expected, const char *text) {
    c2s_model *model = NULL;
    c2s_status status = c2s_model_load(external_model(location, offset, length), &model);
    c2s_model_free(model);
    if (status != expected || !strstr(c2s_error(), text) || !strstr(c2s_error(), "tensor \"w\""))
        fail_msg("found status %d, \"%s\"; expected %d, \"...%s...\"", (int)status, c2s_error(),
                 (int)expected, text);
}

static void test_accepted(void **state) {
    (void)state;
    accepted("data.bin", NULL, "400", 0);
    accepted("data.bin", NULL, NULL, 0);
    accepted("data.bin", "4096", "400", 4096);
    accepted("data.bin", "401", "400", 401); /* not aligned: copied */
    accepted("data.bin", "19600", NULL, 19600);
    accepted("./data.bin", "0", "400", 0);
    accepted("sub/data.bin", "0", "400", 0);
    accepted("leads_in.bin", "0", "400", 0);
}

static void test_refused(void **state) {
    (void)state;
    refused("../outside.bin", "0", "400", C2S_ERR_INVALID, "found \"..\"");
    refused("sub/../../outside.bin", "0", "400", C2S_ERR_INVALID, "found \"..\"");
    refused("..", "0", "400", C2S_ERR_INVALID, "found \"..\"");
    refused(in_root("outside.bin"), "0", "400", C2S_ERR_INVALID, "absolute location");
    refused("leads_out.bin", "0", "400", C2S_ERR_INVALID, "is a link to");
    refused("up/outside.bin", "0", "400", C2S_ERR_INVALID, "is a link to");
    refused("fifo", "0", "400", C2S_ERR_INVALID, "no regular file");
    refused("sub", "0", "400", C2S_ERR_INVALID, "no regular file");
    refused(".", "0", "400", C2S_ERR_INVALID, "");
    refused("", "0", "400", C2S_ERR_INVALID, "no location");
    refused(NULL, "0", "400", C2S_ERR_INVALID, "no location");
    refused("missing.bin", "0", "400", C2S_ERR_IO, "cannot find external data \"missing.bin\"");
    refused("data.bin", "19601", "400", C2S_ERR_INVALID, "that file has 20000 bytes");
    refused("data.bin", "20001", NULL, C2S_ERR_INVALID, "that file has 20000 bytes");
    refused("data.bin", "18446744073709551615", "400", C2S_ERR_INVALID, "that file has");
    refused("data.bin", "18446744073709551616", "400", C2S_ERR_INVALID, "found the offset");
    refused("data.bin", "400", "18446744073709551615", C2S_ERR_INVALID, "that file has");
    refused("data.bin", "-1", "400", C2S_ERR_INVALID, "found the offset \"-1\"");
    refused("data.bin", "0x10", "400", C2S_ERR_INVALID, "found the offset \"0x10\"");
    refused("data.bin", "0", "", C2S_ERR_INVALID, "found the length \"\"");
    refused("data.bin", "0", "399", C2S_ERR_INVALID, "found 399 bytes of data, expected 400");
    refused("data.bin", "19700", NULL, C2S_ERR_INVALID, "found 300 bytes of data, expected 400");
    refused("empty.bin", NULL, NULL, C2S_ERR_INVALID, "found 0 bytes of data, expected 400");
}

/* Two tensors of 100 floats at these offsets. */
static c2s_status load_two(const char *first, const char *second) {
    Onnx__ModelProto *proto = proto_small_model();
    set_external(add_initializer(proto->graph, "a", 100), "data.bin", first, "400");
    set_external(add_initializer(proto->graph, "b", 100), "data.bin", second, "400");
    size_t size;
    void *data = proto_pack(&proto->base, &size);
    write_file(in_root("model/model.onnx"), data, size);
    free(data);
    c2s_model *model = NULL;
    const c2s_status status = c2s_model_load(in_root("model/model.onnx"), &model);
    c2s_model_free(model);
    return status;
}

static void test_overlap(void **state) {
    (void)state;
    assert_int_equal(load_two("0", "400"), C2S_OK);
    assert_int_equal(load_two("400", "0"), C2S_OK);
    assert_int_equal(load_two("800", "800"), C2S_OK); /* one weight under two names */
    assert_int_equal(load_two("0", "399"), C2S_ERR_INVALID);
    assert_non_null(strstr(c2s_error(),
                           "the 400 bytes of external data of tensor \"b\" begin inside "
                           "of the 400 bytes of tensor \"a\""));
    assert_int_equal(load_two("4", "0"), C2S_ERR_INVALID);
}

/* ---- writing ---- */

/* Initializers of 100, 10 and 20000 floats, the first of which another tensor repeats. */
static c2s_model *model_to_save(void) {
    Onnx__ModelProto *proto = proto_small_model();
    add_initializer(proto->graph, "w", 300);
    add_initializer(proto->graph, "few", 10);
    add_initializer(proto->graph, "many", 20000);
    return proto_loaded(proto);
}

static Onnx__ModelProto *read_model(const char *path) {
    size_t size;
    void *data = read_file(path, &size);
    Onnx__ModelProto *proto = onnx__model_proto__unpack(NULL, size, data);
    free(data);
    assert_non_null(proto);
    return proto;
}

static const char *entry(const Onnx__TensorProto *tensor, const char *key) {
    for (size_t i = 0; i < tensor->n_external_data; i++)
        if (strcmp(tensor->external_data[i]->key, key) == 0)
            return tensor->external_data[i]->value;
    return "";
}

static void same_weights(const char *a_path, const char *b_path) {
    c2s_model *a = NULL, *b = NULL;
    assert_int_equal(c2s_model_load(a_path, &a), C2S_OK);
    if (c2s_model_load(b_path, &b) != C2S_OK)
        fail_msg("%s", c2s_error());
    assert_int_equal(a->graph->initializers.count, b->graph->initializers.count);
    for (size_t i = 0; i < a->graph->initializers.count; i++) {
        const c2s_value *x = a->graph->initializers.at[i], *y = b->graph->initializers.at[i];
        assert_string_equal(x->name, y->name);
        assert_true(c2s_tensor_equal(x->constant, y->constant));
    }
    c2s_model_free(a);
    c2s_model_free(b);
}

static void test_written(void **state) {
    (void)state;
    c2s_model *model = model_to_save();
    char *inline_path = in_root("inline.onnx"), *path = in_root("out.onnx");
    assert_int_equal(c2s_model_save(model, inline_path, NULL), C2S_OK);
    c2s_save_options options = {.external_data = true};
    assert_int_equal(c2s_model_save(model, path, &options), C2S_OK);
    c2s_model_free(model);
    Onnx__ModelProto *proto = read_model(path);
    Onnx__TensorProto **w = proto->graph->initializer;
    assert_int_equal(w[0]->data_location, ONNX__TENSOR_PROTO__DATA_LOCATION__EXTERNAL);
    assert_false(w[0]->has_raw_data);
    assert_string_equal(entry(w[0], "location"), "out.onnx.data");
    assert_string_equal(entry(w[0], "offset"), "0");
    assert_string_equal(entry(w[0], "length"), "1200");
    assert_false(w[1]->has_data_location);
    assert_int_equal(w[1]->raw_data.len, 40);
    assert_string_equal(entry(w[2], "offset"), "4096");
    assert_string_equal(entry(w[2], "length"), "80000");
    onnx__model_proto__free_unpacked(proto, NULL);
    same_weights(inline_path, path);

    /* What came with external data keeps it, under the new name, also onto itself. */
    model = NULL;
    assert_int_equal(c2s_model_load(path, &model), C2S_OK);
    assert_int_equal(c2s_model_save(model, path, NULL), C2S_OK);
    same_weights(inline_path, path);
    char *second = in_root("model/second.onnx");
    assert_int_equal(c2s_model_save(model, second, NULL), C2S_OK);
    same_weights(inline_path, second);
    proto = read_model(second);
    assert_string_equal(entry(proto->graph->initializer[2], "location"), "second.onnx.data");
    onnx__model_proto__free_unpacked(proto, NULL);
    void *data;
    size_t size;
    assert_int_equal(c2s_model_save_memory(model, &data, &size), C2S_OK);
    write_file(in_root("again.onnx"), data, size);
    free(data);
    c2s_model_free(model);
    same_weights(inline_path, in_root("again.onnx"));
    proto = read_model(in_root("again.onnx"));
    assert_false(proto->graph->initializer[0]->has_data_location);
    onnx__model_proto__free_unpacked(proto, NULL);
}

static void test_threshold(void **state) {
    (void)state;
    c2s_model *model = model_to_save();
    c2s_save_options options = {.external_data = true, .external_threshold = 5000};
    char *path = in_root("threshold.onnx");
    assert_int_equal(c2s_model_save(model, path, &options), C2S_OK);
    c2s_model_free(model);
    Onnx__ModelProto *proto = read_model(path);
    assert_false(proto->graph->initializer[0]->has_data_location);
    assert_true(proto->graph->initializer[2]->has_data_location);
    onnx__model_proto__free_unpacked(proto, NULL);
}

static unsigned count_files(const char *folder, const char *prefix) {
    char command[1200];
    snprintf(command, sizeof command, "ls -A '%s' | grep -c '^%s'", folder, prefix);
    FILE *pipe = popen(command, "r");
    assert_non_null(pipe);
    unsigned count = 0;
    assert_int_equal(fscanf(pipe, "%u", &count), 1);
    pclose(pipe);
    return count;
}

/* Where no tensor is moved there is no data file, and one that was there is nobody's business. */
static void test_nothing_to_move(void **state) {
    (void)state;
    c2s_model *model = model_to_save();
    c2s_save_options options = {.external_data = true, .external_threshold = 1 << 20};
    assert_int_equal(c2s_model_save(model, in_root("alone.onnx"), &options), C2S_OK);
    assert_int_equal(count_files(root, "alone"), 1);
    write_file(in_root("other.onnx.data"), "precious", 8);
    assert_int_equal(c2s_model_save(model, in_root("other.onnx"), &options), C2S_OK);
    c2s_model_free(model);
    size_t size;
    char *kept = read_file(in_root("other.onnx.data"), &size);
    assert_int_equal(size, 8);
    assert_memory_equal(kept, "precious", 8);
    free(kept);
}

/* If the model cannot be put in place, the data file that was there is there again. */
static void test_failed_save(void **state) {
    (void)state;
    c2s_model *model = model_to_save();
    c2s_save_options options = {.external_data = true};
    char *path = in_root("taken.onnx");
    assert_int_equal(mkdir(path, 0777), 0); /* rename onto a folder fails */
    write_file(in_root("taken.onnx.data"), "precious", 8);
    assert_int_equal(c2s_model_save(model, path, &options), C2S_ERR_IO);
    assert_non_null(strstr(c2s_error(), "taken.onnx"));
    size_t size;
    void *data = read_file(in_root("taken.onnx.data"), &size);
    assert_int_equal(size, 8);
    assert_memory_equal(data, "precious", 8);
    free(data);
    assert_int_equal(count_files(root, "taken"), 2);
    assert_int_equal(unlink(in_root("taken.onnx.data")), 0);
    assert_int_equal(c2s_model_save(model, path, &options), C2S_ERR_IO);
    assert_int_equal(count_files(root, "taken"), 1);
    assert_int_equal(c2s_model_save(model, in_root("missing/out.onnx"), NULL), C2S_ERR_IO);
    c2s_model_free(model);
}

/* Pipes and devices are written to, not replaced, and get no data file beside them; a link stays.
 */
static void test_special_targets(void **state) {
    (void)state;
    c2s_model *model = proto_loaded(proto_small_model());
    char *path = in_root("model/fifo"), *link = in_root("link.onnx");
    int descriptor = open(path, O_RDWR);
    assert_true(descriptor >= 0);
    c2s_save_options options = {.external_data = true};
    assert_int_equal(c2s_model_save(model, path, &options), C2S_OK);
    void *data;
    size_t size;
    assert_int_equal(c2s_model_save_memory(model, &data, &size), C2S_OK);
    char got[4096];
    assert_int_equal(read(descriptor, got, sizeof got), size);
    assert_memory_equal(got, data, size);
    close(descriptor);
    struct stat info;
    assert_int_equal(stat(path, &info), 0);
    assert_true(S_ISFIFO(info.st_mode));
    assert_int_equal(stat(in_root("model/fifo.data"), &info), -1);

    write_file(in_root("model/target.onnx"), "", 0);
    assert_int_equal(symlink("model/target.onnx", link), 0);
    assert_int_equal(c2s_model_save(model, link, NULL), C2S_OK);
    assert_int_equal(lstat(link, &info), 0);
    assert_true(S_ISLNK(info.st_mode));
    assert_int_equal(stat(in_root("model/target.onnx"), &info), 0);
    assert_int_equal(info.st_size, size);
    free(data);
    c2s_model_free(model);
}

/* Errors of the system reach the caller, whether they come early or with the last flush. */
static void test_full_device(void **state) {
    (void)state;
    if (access("/dev/full", W_OK) != 0) {
        print_message("SKIPPED: /dev/full is not there\n");
        skip();
    }
    c2s_model *model = model_to_save();
    assert_int_equal(c2s_model_save(model, "/dev/full", NULL), C2S_ERR_IO);
    assert_non_null(strstr(c2s_error(), "/dev/full: cannot write"));
    c2s_model_free(model);
    model = proto_loaded(proto_small_model());
    assert_int_equal(c2s_model_save(model, "/dev/full", NULL), C2S_ERR_IO);
    assert_non_null(strstr(c2s_error(), "/dev/full: cannot write"));
    c2s_model_free(model);
}

/* Tensors outside of what the graph models: training graphs, attributes, bodies. */
static void test_everywhere(void **state) {
    (void)state;
    Onnx__ModelProto *proto = proto_small_model();
    Onnx__TrainingInfoProto *training = new_training_info_proto();
    training->algorithm = new_graph_proto();
    set_external(add_initializer(training->algorithm, "w", 100), "data.bin", "0", "400");
    PROTO_ADD(proto->n_training_info, proto->training_info, training);
    Onnx__NodeProto *node = add_node(proto->graph, "Constant", "", "k");
    Onnx__TensorProto *value = proto_raw("", C2S_FLOAT, 100, 400);
    set_external(value, "data.bin", "512", "400");
    add_attribute(node, "value", ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__TENSOR)->t = value;
    size_t size;
    void *data = proto_pack(&proto->base, &size);
    write_file(in_root("model/everywhere.onnx"), data, size);
    free(data);
    c2s_model *model = NULL;
    assert_int_equal(c2s_model_load(in_root("model/everywhere.onnx"), &model), C2S_OK);
    char *path = in_root("everywhere.onnx");
    assert_int_equal(c2s_model_save(model, path, NULL), C2S_OK);
    c2s_model_free(model);
    Onnx__ModelProto *saved = read_model(path);
    const Onnx__TensorProto *a = saved->training_info[0]->algorithm->initializer[0];
    const Onnx__TensorProto *b = saved->graph->node[1]->attribute[0]->t;
    assert_string_equal(entry(a, "location"), "everywhere.onnx.data");
    assert_string_equal(entry(b, "location"), "everywhere.onnx.data");
    uint8_t *bytes = read_file(in_root("everywhere.onnx.data"), &size);
    for (size_t i = 0; i < 400; i++) {
        assert_int_equal(bytes[strtoul(entry(a, "offset"), NULL, 10) + i], i % 251);
        assert_int_equal(bytes[strtoul(entry(b, "offset"), NULL, 10) + i], (512 + i) % 251);
    }
    free(bytes);
    onnx__model_proto__free_unpacked(saved, NULL);
}

/* A field of bytes that is there and empty is written so. */
static void test_empty(void **state) {
    (void)state;
    Onnx__ModelProto *proto = proto_small_model();
    add_initializer(proto->graph, "nothing", 0);
    add_node(proto->graph, "Identity", "nothing", "v");
    c2s_model *model = proto_loaded(proto);
    char *path = in_root("empty.onnx");
    assert_int_equal(c2s_model_save(model, path, NULL), C2S_OK);
    c2s_model_free(model);
    Onnx__ModelProto *saved = read_model(path);
    assert_true(saved->graph->initializer[0]->has_raw_data);
    assert_int_equal(saved->graph->initializer[0]->raw_data.len, 0);
    onnx__model_proto__free_unpacked(saved, NULL);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_accepted),        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_overlap),         cmocka_unit_test(test_written),
        cmocka_unit_test(test_threshold),       cmocka_unit_test(test_failed_save),
        cmocka_unit_test(test_everywhere),      cmocka_unit_test(test_special_targets),
        cmocka_unit_test(test_full_device),     cmocka_unit_test(test_empty),
        cmocka_unit_test(test_nothing_to_move),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
