/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <malloc.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/memory.h"
#include "ir/tensor.h"

enum { COUNT = 100003 }; /* the last page is not whole */

static c2s_tensor *make(void) {
    const int64_t dim = COUNT;
    c2s_tensor *tensor;
    assert_int_equal(c2s_tensor_create(C2S_INT32, 1, &dim, &tensor), C2S_OK);
    int32_t *data = c2s_tensor_mutable(tensor);
    for (int32_t i = 0; i < COUNT; i++)
        data[i] = i * 7 - 5;
    return tensor;
}

static void check(const c2s_tensor *tensor) {
    const int32_t *data = c2s_tensor_data(tensor);
    for (int32_t i = 0; i < COUNT; i++)
        assert_int_equal(data[i], i * 7 - 5);
}

static void test_contents(void **state) {
    (void)state;
    c2s_tensor *tensor = make();
    const void *before = c2s_tensor_data(tensor);
    setenv("TMPDIR", "/tmp", 1);
    c2s_tensor_spill(tensor);
    assert_ptr_not_equal(c2s_tensor_data(tensor), before);
    check(tensor);
    c2s_tensor_forget(tensor);
    c2s_tensor_spill(tensor); /* is there already */
    check(tensor);
    c2s_tensor_unref(tensor);
}

static void test_no_folder(void **state) {
    (void)state;
    c2s_tensor *tensor = make();
    const void *before = c2s_tensor_data(tensor);
    setenv("TMPDIR", "/nowhere/at/all", 1);
    c2s_tensor_spill(tensor);
    assert_ptr_equal(c2s_tensor_data(tensor), before);
    check(tensor);
    c2s_tensor_unref(tensor);
}

/* Others may have asked where the bytes are. */
static void test_shared_bytes(void **state) {
    (void)state;
    const int64_t dim[] = {1, COUNT};
    c2s_tensor *tensor = make(), *other;
    assert_int_equal(c2s_tensor_reshape(tensor, 2, dim, &other), C2S_OK);
    const void *before = c2s_tensor_data(other);
    setenv("TMPDIR", "/tmp", 1);
    c2s_tensor_spill(tensor);
    assert_ptr_equal(c2s_tensor_data(other), before);
    check(other);
    c2s_tensor_unref(tensor);
    c2s_tensor_unref(other);
}

/* Pages in use that are no file's. */
static size_t resident(void) {
    FILE *status = fopen("/proc/self/status", "r");
    char line[256];
    size_t kilobytes = 0;
    assert_non_null(status);
    while (fgets(line, sizeof line, status))
        sscanf(line, "RssAnon: %zu", &kilobytes);
    fclose(status);
    return kilobytes * 1024;
}

/* The heap would keep what lies between pieces that stay. */
static void test_memory_leaves(void **state) {
    (void)state;
    enum { TENSORS = 64, BYTES = TENSORS * COUNT * 4 };
    c2s_tensor *tensors[TENSORS];
    void *between[TENSORS];
    setenv("TMPDIR", "/tmp", 1);
    mallopt(M_MMAP_THRESHOLD, 1 << 25);
    for (int i = 0; i < TENSORS; i++) {
        tensors[i] = make();
        between[i] = malloc(100);
    }
    const bool counts = mallinfo2().uordblks > BYTES; /* not where another malloc stands in */
    const size_t before = resident();
    for (int i = 0; i < TENSORS; i++) {
        c2s_tensor_spill(tensors[i]);
        c2s_tensor_forget(tensors[i]);
    }
    const size_t after = resident();
    for (int i = 0; i < TENSORS; i++) {
        c2s_tensor_unref(tensors[i]);
        free(between[i]);
    }
    if (!counts)
        skip();
    assert_true(after + BYTES * 9 / 10 < before);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_contents),
        cmocka_unit_test(test_no_folder),
        cmocka_unit_test(test_shared_bytes),
        cmocka_unit_test(test_memory_leaves),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
