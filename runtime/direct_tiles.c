/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/direct_tiles.h"

#include <assert.h>

#include "runtime/vector.h"

enum { LANES = C2S_DIRECT_LANES, CHANNELS = C2S_DIRECT_CHANNELS, PLACES = C2S_DIRECT_PLACES };

/* As many as registers hold beside a weight and an input for each channel. */
int c2s_direct_places(int channels) {
    static const int places[CHANNELS + 1] = {0, 8, 6, 4, 3, 2, 2};
    return places[channels];
}

C2S_V8_INLINE void finish(const c2s_direct_tile *t, int place, float *to, c2s_v8 sum) {
    sum = v8_at_most(v8_at_least(sum, v8_set(t->low)), v8_set(t->high));
    if (t->count[place] == LANES)
        v8_store(to, sum);
    else
        v8_store_first(to, t->count[place], sum);
}

C2S_V8_INLINE void run(const c2s_direct_tile *t, int channels, int places) {
    c2s_v8 sum[CHANNELS][PLACES];
    const float *from[PLACES], *weights = t->weights;
#pragma GCC unroll 8
    for (int p = 0; p < places; p++)
        from[p] = t->from[p];
#pragma GCC unroll 6
    for (int c = 0; c < channels; c++)
#pragma GCC unroll 8
        for (int p = 0; p < places; p++)
            sum[c][p] = v8_set(t->bias[c]);
    for (int64_t tap = 0; tap < t->taps; tap++, weights += channels) {
        ptrdiff_t offset = t->offset[tap];
        if (channels <= places) {
            c2s_v8 w[CHANNELS];
#pragma GCC unroll 6
            for (int c = 0; c < channels; c++)
                w[c] = v8_set(weights[c]);
#pragma GCC unroll 8
            for (int p = 0; p < places; p++) {
                c2s_v8 x = v8_load(from[p] + offset);
#pragma GCC unroll 6
                for (int c = 0; c < channels; c++)
                    sum[c][p] = v8_fma(x, w[c], sum[c][p]);
            }
        } else {
            c2s_v8 x[PLACES];
#pragma GCC unroll 8
            for (int p = 0; p < places; p++)
                x[p] = v8_load(from[p] + offset);
#pragma GCC unroll 6
            for (int c = 0; c < channels; c++) {
                c2s_v8 w = v8_set(weights[c]);
#pragma GCC unroll 8
                for (int p = 0; p < places; p++)
                    sum[c][p] = v8_fma(x[p], w, sum[c][p]);
            }
        }
    }
#pragma GCC unroll 6
    for (int c = 0; c < channels; c++)
#pragma GCC unroll 8
        for (int p = 0; p < places; p++)
            finish(t, p, t->to[p] + c * t->channel, sum[c][p]);
}

#define TILES(X)                                                                                   \
    X(1, 1)                                                                                        \
    X(1, 2)                                                                                        \
    X(1, 3)                                                                                        \
    X(1, 4) X(1, 5) X(1, 6) X(1, 7) X(1, 8) X(2, 1) X(2, 2) X(2, 3) X(2, 4) X(2, 5) X(2, 6)        \
        X(3, 1) X(3, 2) X(3, 3) X(3, 4) X(4, 1) X(4, 2) X(4, 3) X(5, 1) X(5, 2) X(6, 1) X(6, 2)

#define TILE(channels, places)                                                                     \
    C2S_V8 static void tile_##channels##_##places(const c2s_direct_tile *t) {                      \
        run(t, channels, places);                                                                  \
    }
TILES(TILE)

#define ENTRY(channels, places) [channels][places] = tile_##channels##_##places,
static void (*const tiles[CHANNELS + 1][PLACES + 1])(const c2s_direct_tile *) = {TILES(ENTRY)};

void c2s_direct_tile_run(const c2s_direct_tile *tile, int channels, int places) {
    assert(tiles[channels][places]);
    tiles[channels][places](tile);
}
