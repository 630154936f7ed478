/* SPDX-License-Identifier: Apache-2.0
 *
 * Pools of which ONNX has no cases: values that ONNX Runtime 1.30 gives.
 */
#include "run_text.h"

#define IMAGE                                                                                      \
    "float[1,2,4,4] x = {3, -1, 4, 1, -5, 9, 2, 6, 5, -3, 5, 8, 9, -7, 9, 3,"                      \
    "2, 3, -8, 4, 6, 2, 6, 4, 3, 3, 8, 3, 2, 7, -9, 5}"

/* Regions: all of it; a part; beyond the edge; end before begin (one pixel); outside. */
#define REGIONS                                                                                    \
    "float[5,5] r = {0, 0, 0, 3, 3, 0, 1, 1, 2, 3, 0, 0, 0, 7, 7, 0, 2, 2, 1, 1, 0, 4, 4, 9, 9}"

static void max_roi_pool(void **state) {
    (void)state;
    expect_run(16,
               "g () => (y) <" IMAGE ", " REGIONS ">"
               "{ y = MaxRoiPool <pooled_shape = [2, 2]> (x, r) }",
               "[5,2,2,2] 9 6 9 9 6 6 7 8 9 5 -3 9 3 8 7 8 9 0 0 0 8 0 0 0 5 5 5 5 8 8 8 8"
               " 0 0 0 0 0 0 0 0");
    expect_run(
        16,
        "g () => (y) <" IMAGE ", " REGIONS ">"
        "{ y = MaxRoiPool <pooled_shape = [2, 3], spatial_scale = 0.5> (x, r) }",
        "[5,2,2,3] 3 9 4 5 9 5 6 3 6 6 3 8 9 9 9 -3 -3 -3 2 2 2 3 3 3 9 9 8 9 9 8 6 8 4 7 8 5"
        " 9 9 9 9 9 9 2 2 2 2 2 2 9 8 0 0 0 0 8 5 0 0 0 0");
    expect_failure(16,
                   "g () => (y) <" IMAGE ", float[1,5] r = {1, 0, 0, 3, 3}>"
                   "{ y = MaxRoiPool <pooled_shape = [2, 2]> (x, r) }",
                   C2S_ERR_INVALID, "batch entry 1");
}

static void global_lp_pool(void **state) {
    (void)state;
    expect_run(16, "g () => (y) <" IMAGE "> { y = GlobalLpPool (x) }", "[1,2,1,1] 22.716 20.857");
    expect_run(16, "g () => (y) <" IMAGE "> { y = GlobalLpPool <p = 3> (x) }",
               "[1,2,1,1] 15.588 14.282");
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(max_roi_pool),
                                       cmocka_unit_test(global_lp_pool)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
