/* SPDX-License-Identifier: Apache-2.0
 *
 * NumPy files and data sets: what is read back, how arrays are cut, what is refused.
 */
#include <string.h>
#include <unistd.h>
#include <zip.h>

#include "io/dataset.h"
#include "io/npy.h"
#include "shared.h"

static char folder[] = "/tmp/c2s-dataset-XXXXXX";

static const char *file(const char *name) {
    static char path[256];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    return path;
}

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

static c2s_tensor *floats(int rank, const int64_t *dim) {
    c2s_tensor *t;
    assert_int_equal(c2s_tensor_create(C2S_FLOAT, rank, dim, &t), C2S_OK);
    for (size_t i = 0; i < t->count; i++)
        ((float *)c2s_tensor_mutable(t))[i] = (float)i;
    return t;
}

static void write_bytes(const char *name, const void *data, size_t size) {
    FILE *stream = fopen(file(name), "wb");
    assert_non_null(stream);
    assert_int_equal(fwrite(data, 1, size, stream), size);
    fclose(stream);
}

static void write_npz(const char *name, const char *const *entries, size_t count) {
    int code;
    zip_t *zip = zip_open(file(name), ZIP_CREATE | ZIP_TRUNCATE, &code);
    assert_non_null(zip);
    for (size_t i = 0; i < count; i++) {
        zip_source_t *source = zip_source_file(zip, file(entries[i]), 0, -1);
        const zip_int64_t at = zip_file_add(zip, entries[i], source, 0);
        assert_true(at >= 0);
        zip_set_file_compression(zip, (zip_uint64_t)at, ZIP_CM_DEFLATE, 1);
    }
    assert_int_equal(zip_close(zip), 0);
}

static void arrays_round_trip(void **state) {
    (void)state;
    static const c2s_dtype dtypes[] = {C2S_FLOAT, C2S_DOUBLE, C2S_FLOAT16, C2S_INT8,  C2S_INT64,
                                       C2S_UINT8, C2S_UINT64, C2S_BOOL,    C2S_INT16, C2S_UINT32};
    static const int64_t values[6] = {0, 1, 1, 0, 1, 0}, dim[3] = {2, 1, 3};
    for (size_t k = 0; k < sizeof dtypes / sizeof *dtypes; k++)
        for (int rank = 0; rank <= 3; rank += 3) {
            c2s_tensor *t, *back;
            assert_int_equal(c2s_tensor_from_i64(dtypes[k], rank, dim, values, &t), C2S_OK);
            assert_int_equal(c2s_npy_save(t, file("a.npy")), C2S_OK);
            assert_int_equal(c2s_npy_load(file("a.npy"), &back), C2S_OK);
            assert_true(c2s_tensor_equal(t, back));
            c2s_tensor_unref(t);
            c2s_tensor_unref(back);
        }
    const c2s_string text[3] = {{"abc", 3}, {"", 0}, {"\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80", 9}};
    c2s_tensor *t, *back;
    assert_int_equal(c2s_tensor_strings(1, (const int64_t[]){3}, text, &t), C2S_OK);
    assert_int_equal(c2s_npy_save(t, file("a.npy")), C2S_OK);
    assert_int_equal(c2s_npy_load(file("a.npy"), &back), C2S_OK);
    assert_true(c2s_tensor_equal(t, back));
    c2s_tensor_unref(t);
    c2s_tensor_unref(back);
}

static void small_types_are_widened(void **state) {
    (void)state;
    c2s_tensor *t, *back;
    static const int64_t values[3] = {-2, 1, 0}, dim[1] = {3};
    assert_int_equal(c2s_tensor_from_i64(C2S_INT4, 1, dim, values, &t), C2S_OK);
    assert_int_equal(c2s_npy_save(t, file("a.npy")), C2S_OK);
    assert_int_equal(c2s_npy_load(file("a.npy"), &back), C2S_OK);
    assert_int_equal(back->type.dtype, C2S_INT8);
    assert_int_equal(((const int8_t *)c2s_tensor_data(back))[0], -2);
    c2s_tensor_unref(t);
    c2s_tensor_unref(back);
}

static void damaged_arrays_are_refused(void **state) {
    (void)state;
    c2s_tensor *t = floats(2, (const int64_t[]){4, 4}), *back;
    assert_int_equal(c2s_npy_save(t, file("a.npy")), C2S_OK);
    c2s_tensor_unref(t);
    char bytes[512];
    FILE *stream = fopen(file("a.npy"), "rb");
    assert_non_null(stream);
    size_t size = fread(bytes, 1, sizeof bytes, stream);
    fclose(stream);
    for (size_t cut = 0; cut < size; cut++) {
        write_bytes("cut.npy", bytes, cut);
        assert_int_equal(c2s_npy_load(file("cut.npy"), &back), C2S_ERR_INVALID);
    }
    static const struct {
        const char *from, *to;
        c2s_status status;
    } changes[] = {
        {"(4, 4,)", "(4, 5,)", C2S_ERR_INVALID},  {"(4, 4,)", "(4,-4,)", C2S_ERR_INVALID},
        {"(4, 4,)", "(9999999", C2S_ERR_INVALID}, {"False", "True ", C2S_ERR_UNSUPPORTED},
        {"<f4", ">f4", C2S_ERR_UNSUPPORTED},      {"<f4", "|O4", C2S_ERR_UNSUPPORTED},
        {"'descr'", "'dexcr'", C2S_ERR_INVALID},  {"NUMPY", "NUMPX", C2S_ERR_INVALID},
    };
    for (size_t k = 0; k < sizeof changes / sizeof *changes; k++) {
        char changed[512];
        memcpy(changed, bytes, size);
        char *at = changed;
        while (memcmp(at, changes[k].from, strlen(changes[k].from)) != 0)
            at++;
        memcpy(at, changes[k].to, strlen(changes[k].to));
        write_bytes("changed.npy", changed, size);
        assert_int_equal(c2s_npy_load(file("changed.npy"), &back), changes[k].status);
        assert_non_null(strstr(c2s_error(), "changed.npy"));
    }
    assert_int_equal(c2s_npy_load(file("missing.npy"), &back), C2S_ERR_IO);
}

/* A model with inputs x float[n,3] and s float[2]. */
static c2s_model *two_inputs(void) {
    c2s_model *m = c2s_model_create();
    c2s_dim n = c2s_dim_symbol(m->dims, "n");
    c2s_type x = c2s_type_tensor(C2S_FLOAT, 2, (const c2s_dim[]){n, 3});
    c2s_type s = c2s_type_tensor(C2S_FLOAT, 1, (const c2s_dim[]){2});
    c2s_graph_add_input(m->graph, "x", &x);
    c2s_graph_add_input(m->graph, "s", &s);
    return m;
}

static void save(const char *name, int rank, const int64_t *dim) {
    c2s_tensor *t = floats(rank, dim);
    assert_int_equal(c2s_npy_save(t, file(name)), C2S_OK);
    c2s_tensor_unref(t);
}

static void archives_are_cut_into_samples(void **state) {
    (void)state;
    static const char *const entries[] = {"x.npy", "s.npy", "labels.npy"};
    save("x.npy", 2, (const int64_t[]){5, 3});
    save("s.npy", 1, (const int64_t[]){2});
    save("labels.npy", 1, (const int64_t[]){5});
    write_npz("d.npz", entries, 3);
    c2s_model *m = two_inputs();
    c2s_dataset *data;
    assert_int_equal(c2s_dataset_open(file("d.npz"), m->graph, NULL, &data), C2S_OK);
    assert_int_equal(c2s_dataset_count(data), 5);
    assert_non_null(c2s_dataset_array(data, "labels"));
    assert_null(c2s_dataset_array(data, "x"));
    c2s_tensor *in[2];
    assert_int_equal(c2s_dataset_sample(data, 4, in), C2S_OK);
    assert_int_equal(in[0]->type.dim[0], 1);
    assert_true(((const float *)c2s_tensor_data(in[0]))[0] == 12.0f);
    assert_int_equal(in[1]->count, 2);
    c2s_tensor_unref(in[0]);
    c2s_tensor_unref(in[1]);
    c2s_dataset_close(data);

    /* A state with one item per sample beside it. */
    save("s.npy", 2, (const int64_t[]){5, 2});
    write_npz("d.npz", entries, 3);
    assert_int_equal(c2s_dataset_open(file("d.npz"), m->graph, NULL, &data), C2S_OK);
    assert_int_equal(c2s_dataset_sample(data, 3, in), C2S_OK);
    assert_int_equal(in[1]->type.rank, 1);
    assert_true(((const float *)c2s_tensor_data(in[1]))[1] == 7.0f);
    c2s_tensor_unref(in[0]);
    c2s_tensor_unref(in[1]);
    c2s_dataset_close(data);

    save("s.npy", 2, (const int64_t[]){4, 2});
    write_npz("d.npz", entries, 3);
    assert_int_equal(c2s_dataset_open(file("d.npz"), m->graph, NULL, &data), C2S_ERR_INVALID);
    assert_non_null(strstr(c2s_error(), "samples"));
    write_npz("d.npz", entries, 1);
    assert_int_equal(c2s_dataset_open(file("d.npz"), m->graph, NULL, &data), C2S_ERR_INVALID);
    assert_non_null(strstr(c2s_error(), "no array for input \"s\""));
    save("x.npy", 2, (const int64_t[]){5, 4});
    save("s.npy", 1, (const int64_t[]){2});
    write_npz("d.npz", entries, 2);
    assert_int_equal(c2s_dataset_open(file("d.npz"), m->graph, NULL, &data), C2S_ERR_INVALID);
    assert_non_null(strstr(c2s_error(), "float[5,4]"));
    assert_int_equal(c2s_dataset_open(file("d.txt"), m->graph, NULL, &data), C2S_ERR_IO);
    write_bytes("broken.npz", "PK\x03\x04 nonsense", 13);
    assert_int_equal(c2s_dataset_open(file("broken.npz"), m->graph, NULL, &data), C2S_ERR_INVALID);
    c2s_model_destroy(m);
}

/* More than is kept in memory: samples are decompressed one by one, forwards and backwards. */
static void large_arrays_are_read_by_samples(void **state) {
    (void)state;
    enum { SAMPLES = 40, EXTENT = 120000 };
    static const char *const entries[] = {"x.npy", "unused.npy"};
    static const size_t order[] = {3, 4, 39, 0, 39, 12};
    save("x.npy", 2, (const int64_t[]){SAMPLES, EXTENT});
    save("unused.npy", 2, (const int64_t[]){SAMPLES, EXTENT});
    write_npz("large.npz", entries, 2);
    c2s_model *m = c2s_model_create();
    c2s_type x = c2s_type_tensor(C2S_FLOAT, 2, (const c2s_dim[]){1, EXTENT});
    c2s_graph_add_input(m->graph, "x", &x);
    c2s_dataset *data;
    assert_int_equal(c2s_dataset_open(file("large.npz"), m->graph, NULL, &data), C2S_OK);
    assert_int_equal(c2s_dataset_count(data), SAMPLES);
    assert_null(c2s_dataset_array(data, "unused"));
    for (size_t k = 0; k < sizeof order / sizeof *order; k++) {
        c2s_tensor *in[1];
        assert_int_equal(c2s_dataset_sample(data, order[k], in), C2S_OK);
        assert_int_equal(in[0]->count, EXTENT);
        const float *got = c2s_tensor_data(in[0]);
        for (size_t i = 0; i < EXTENT; i += 999)
            assert_true(got[i] == (float)(order[k] * EXTENT + i));
        c2s_tensor_unref(in[0]);
    }
    c2s_dataset_close(data);
    c2s_model_destroy(m);
    unlink(file("large.npz"));
    unlink(file("unused.npy"));
}

static void a_model_of_one_input_takes_an_array(void **state) {
    (void)state;
    c2s_model *m = c2s_model_create();
    c2s_type x = c2s_type_tensor(C2S_FLOAT, 2, (const c2s_dim[]){2, 3});
    c2s_graph_add_input(m->graph, "x", &x);
    save("only.npy", 2, (const int64_t[]){8, 3});
    c2s_dataset *data;
    assert_int_equal(c2s_dataset_open(file("only.npy"), m->graph, NULL, &data), C2S_OK);
    assert_int_equal(c2s_dataset_count(data), 4); /* two rows each */
    c2s_tensor *in[1];
    assert_int_equal(c2s_dataset_sample(data, 1, in), C2S_OK);
    assert_true(((const float *)c2s_tensor_data(in[0]))[0] == 6.0f);
    c2s_tensor_unref(in[0]);
    c2s_dataset_close(data);
    c2s_model_destroy(m);
    m = two_inputs();
    assert_int_equal(c2s_dataset_open(file("only.npy"), m->graph, NULL, &data), C2S_ERR_USAGE);
    c2s_model_destroy(m);
}

static void test_data_sets_are_samples(void **state) {
    (void)state;
    char path[512], model[600];
    shared_need(path, sizeof path, "models/mnist-cnn-cntk");
    snprintf(model, sizeof model, "%s/model.onnx", path);
    c2s_model *m;
    assert_int_equal(c2s_model_load(model, &m), C2S_OK);
    c2s_dataset *data;
    assert_int_equal(c2s_dataset_open(path, m->graph, NULL, &data), C2S_OK);
    assert_true(c2s_dataset_count(data) >= 1);
    c2s_tensor *in[64];
    assert_true(c2s_graph_input_count(m->graph) <= 64);
    assert_int_equal(c2s_dataset_sample(data, 0, in), C2S_OK);
    unsigned given = 0;
    for (unsigned i = 0; i < c2s_graph_input_count(m->graph); i++) {
        given += in[i] != NULL;
        c2s_tensor_unref(in[i]);
    }
    assert_int_equal(given, 1); /* the other inputs are weights */
    c2s_dataset_close(data);
    c2s_model_destroy(m);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(arrays_round_trip),
        cmocka_unit_test(small_types_are_widened),
        cmocka_unit_test(damaged_arrays_are_refused),
        cmocka_unit_test(archives_are_cut_into_samples),
        cmocka_unit_test(large_arrays_are_read_by_samples),
        cmocka_unit_test(a_model_of_one_input_takes_an_array),
        cmocka_unit_test(test_data_sets_are_samples),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
