/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as statistics that a calibration cache keeps: refused with a message, or written as the
 * same bytes again. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/status.h"
#include "passes/measure/ranges_state.h"
#include "must.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void write_and_read(const c2s_ranges *ranges) {
    c2s_byte_vec first = {0}, second = {0};
    c2s_ranges *again = c2s_zalloc(sizeof *again);
    bool taken;
    c2s_ranges_write(ranges, &first);
    must(c2s_ranges_read(again, first.at, first.count, &taken) == C2S_OK && taken,
         "what was written cannot be read");
    c2s_ranges_write(again, &second);
    must(first.count == second.count && memcmp(first.at, second.at, first.count) == 0,
         "what was written is something else");
    c2s_ranges_free(again);
    c2s_vec_free(&first);
    c2s_vec_free(&second);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    const c2s_ceiling before = c2s_ceiling_lower(64 << 20);
    c2s_ranges *ranges = c2s_zalloc(sizeof *ranges);
    bool taken;
    if (c2s_ranges_read(ranges, data, size, &taken) == C2S_OK)
        write_and_read(ranges);
    else
        must(*c2s_error() != '\0', "refused without a message");
    c2s_ranges_free(ranges);
    c2s_ceiling_restore(before);
    c2s_error_clear();
    return 0;
}
