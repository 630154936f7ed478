/* SPDX-License-Identifier: Apache-2.0 */
/* Tables of bytes give what indexing gives, at every length, and write nothing beside. */
#include "unit/make_graph.h"

#include "base/random.h"
#include "runtime/byte_table.h"

enum { MOST = 300, MARGIN = 70 };

static void every_length_gives_what_indexing_gives(void **state) {
    (void)state;
    c2s_random random = {7};
    uint8_t table[C2S_BYTES], x[MOST + MARGIN], y[MOST + MARGIN];
    for (size_t k = 0; k < C2S_BYTES; k++)
        table[k] = (uint8_t)c2s_random_bits(&random);
    for (size_t n = 0; n <= MOST; n++) {
        for (size_t k = 0; k < sizeof x; k++) {
            x[k] = (uint8_t)(k + n);
            y[k] = 0xa5;
        }
        c2s_bytes_map(table, x, y, n);
        for (size_t k = 0; k < sizeof y; k++)
            assert_int_equal(y[k], k < n ? table[x[k]] : 0xa5);
    }
}

static void every_byte_finds_its_row(void **state) {
    (void)state;
    for (unsigned hot = 0; hot < C2S_BYTES; hot++) {
        uint8_t table[C2S_BYTES] = {0}, x[C2S_BYTES], y[C2S_BYTES];
        table[hot] = 0xff;
        for (size_t k = 0; k < C2S_BYTES; k++)
            x[k] = (uint8_t)k;
        c2s_bytes_map(table, x, y, C2S_BYTES);
        assert_memory_equal(y, table, C2S_BYTES);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_length_gives_what_indexing_gives),
        cmocka_unit_test(every_byte_finds_its_row),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
