/* SPDX-License-Identifier: Apache-2.0
 *
 * Input rows with padding around them, for direct convolution. Where a unit's step is s, every s-th
 * float goes next to each other: vectors read s lanes, one after the other.
 */
#include "runtime/direct_math.h"
#include "runtime/vector.h"

static int64_t least(int64_t a, int64_t b) {
    return a < b ? a : b;
}

/* What a lane takes of a row: so many floats from input position `first` on, behind so many zeros.
 */
typedef struct lane {
    int64_t before, first, count;
} lane;

static lane lane_of(const c2s_direct *d, int64_t remainder) {
    const c2s_direct_axis *a = &d->column;
    int64_t at = a->origin + remainder, all = d->lane_pitch;
    lane l = {.before = at < 0 ? least(all, (-at + a->step - 1) / a->step) : 0};
    l.first = at + l.before * a->step;
    l.count = l.first < a->in ? least(all - l.before, (a->in - 1 - l.first) / a->step + 1) : 0;
    return l;
}

/* A last vector that is not full reaches back. */
C2S_V8_INLINE void copy(const float *from, int64_t count, float *to) {
    if (count < 8) {
        v8_store_first(to, count, v8_load_first(from, count));
        return;
    }
    for (int64_t i = 0; i + 8 <= count; i += 8)
        v8_store(to + i, v8_load(from + i));
    v8_store(to + count - 8, v8_load(from + count - 8));
}

C2S_V8_INLINE void copy_every(int64_t step, const float *from, int64_t count, float *to) {
    for (int64_t i = 0; i < count; i++)
        to[i] = from[i * step];
}

C2S_V8_INLINE void clear(float *to, int64_t count) {
    for (int64_t i = 0; i < count; i += 8)
        v8_store_first(to + i, count - i, v8_set(0));
}

C2S_V8 static void stage_lane(const c2s_direct *d, const float *x, int64_t first, int64_t rows,
                              int64_t remainder, float *work) {
    const int64_t step = d->column.step;
    const lane l = lane_of(d, remainder);
    for (int64_t i = 0; i < d->group_in; i++, x += d->row.in * d->column.in, work += d->channel)
        for (int64_t v = 0; v < rows; v++) {
            float *to = work + v * d->pitch + remainder * d->lane_pitch + l.before;
            const float *from = x + (first + v) * d->column.in + l.first;
            if (first + v < 0 || first + v >= d->row.in)
                clear(to, l.count);
            else if (step == 1)
                copy(from, l.count, to);
            else if (step == 2)
                copy_every(2, from, l.count, to);
            else
                copy_every(step, from, l.count, to);
        }
}

void c2s_direct_stage(const c2s_direct *d, const float *x, int64_t from, int64_t to, float *work) {
    int64_t first = d->row.origin + from * d->row.step;
    for (int64_t remainder = 0; remainder < d->column.step; remainder++)
        stage_lane(d, x, first, c2s_direct_rows(d, to - from), remainder, work);
}
