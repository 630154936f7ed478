/* SPDX-License-Identifier: Apache-2.0 */
#include "passes/lowrank/few_numbers.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "ir/convert.h"

/* Of zeros both signs count. */
static bool same_number(double a, double b) {
    return memcmp(&a, &b, sizeof a) == 0;
}

/* How many different ones there are, with their codes; more than `most`: too many, or a NaN. */
static size_t list_numbers(const double *values, size_t count, size_t most, double *numbers,
                           int64_t *codes) {
    size_t found = 0, last = 0;
    for (size_t i = 0; i < count; i++) {
        if (found == 0 || !same_number(numbers[last], values[i]))
            for (last = 0; last < found && !same_number(numbers[last], values[i]);)
                last++;
        if (last == most || isnan(values[i]))
            return most + 1;
        if (last == found)
            numbers[found++] = values[i];
        codes[i] = (int64_t)last;
    }
    return found;
}

c2s_status c2s_few_numbers_fit(const c2s_tensor *w, size_t most, c2s_dtype code, c2s_clustered *out,
                               bool *fits) {
    double *values = NULL;
    *out = (c2s_clustered){.sets = 1, .each = w->count, .most = most, .code = code};
    *fits = false;
    c2s_status status = c2s_scratch(w->count, sizeof *values, &values);
    if (status == C2S_OK)
        status = c2s_scratch(most, sizeof *out->numbers, &out->numbers);
    if (status == C2S_OK)
        status = c2s_scratch(w->count, sizeof *out->codes, &out->codes);
    if (status == C2S_OK) {
        c2s_tensor_load_f64(w, 0, w->count, values);
        out->most = list_numbers(values, w->count, most, out->numbers, out->codes);
        *fits = out->most <= most && c2s_clustered_bytes(w, out) < (double)c2s_tensor_size(w);
    }
    free(values);
    if (!*fits)
        c2s_clustered_free(out);
    return status;
}
