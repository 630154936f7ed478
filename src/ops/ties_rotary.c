/* SPDX-License-Identifier: Apache-2.0
 *
 * Ties of RotaryEmbedding. What is rotated goes by pairs, which share an angle of the caches; the
 * rest of a head goes by elements.
 */
#include "ops/op.h"
#include "ops/ties_rules.h"

enum { BATCH, HEADS, PAIRS, REST };
enum { MOST_HEADS = 4096 };

typedef struct rotary {
    unsigned cosine, sine, positions;
    int64_t heads, width, rotated;
    bool interleaved;
} rotary;

/* Part of every head of X and Y; heads that are one part as a whole are one run of indices. */
static void tie_part(c2s_ties *t, const rotary *r, unsigned space, int64_t start, int64_t count,
                     int64_t repeat) {
    int64_t parts = c2s_ties_rank(t, false, 0) == 4 ? 1 : r->heads;
    if (count == r->width) {
        count *= parts;
        parts = 1;
    }
    for (int64_t h = 0; h < parts; h++) {
        c2s_ties_part(t, space, false, 0, -1, h * r->width + start, count, repeat);
        c2s_ties_part(t, space, true, 0, -1, h * r->width + start, count, repeat);
    }
}

static void tie_rotary(c2s_ties *t, const rotary *r) {
    bool apart = c2s_ties_rank(t, false, 0) == 4;
    bool fits = r->heads > 0 && r->width > 0 && r->rotated > 0 && r->rotated % 2 == 0 &&
                r->rotated <= r->width && r->heads <= MOST_HEADS &&
                c2s_ties_extent(t, true, 0, -1) > 0;
    c2s_ties_over(t, C2S_TIE_KEEP, 0, 0, 0);
    c2s_ties_in(t, BATCH, r->positions, 0, 1);
    if (c2s_ties_rank(t, false, r->cosine) == 3) {
        c2s_ties_in(t, BATCH, r->cosine, 0, 1);
        c2s_ties_in(t, BATCH, r->sine, 0, 1);
    }
    c2s_ties_space(t, C2S_TIE_KEEP, fits ? r->heads : 0);
    c2s_ties_space(t, C2S_TIE_KEEP, fits ? r->rotated / 2 : 0);
    c2s_ties_space(t, C2S_TIE_KEEP, fits ? r->width - r->rotated : 0);
    if (!fits)
        return;
    c2s_ties_in(t, HEADS, 0, apart ? 1 : 2, apart ? 1 : r->width);
    c2s_ties_out(t, HEADS, 0, apart ? 1 : 2, apart ? 1 : r->width);
    tie_part(t, r, PAIRS, 0, r->rotated, r->interleaved ? 2 : 1);
    tie_part(t, r, REST, r->rotated, r->width - r->rotated, 1);
    c2s_ties_in(t, PAIRS, r->cosine, -1, 1);
    c2s_ties_in(t, PAIRS, r->sine, -1, 1);
}

static rotary read_rotary(const c2s_ties *t, unsigned cosine, unsigned sine, unsigned positions) {
    int64_t heads = c2s_attr_int(t->node, "num_heads", 0), last = c2s_ties_extent(t, false, 0, -1);
    int64_t angles = c2s_ties_extent(t, false, cosine, -1), width = last;
    bool apart = c2s_ties_rank(t, false, 0) == 4;
    if (apart)
        heads = c2s_ties_extent(t, false, 0, 1);
    else if (heads == 0 && angles > 0)
        heads = last / angles / 2;
    if (!apart)
        width = heads > 0 && last % heads == 0 ? last / heads : 0;
    int64_t rotated = c2s_attr_int(t->node, "rotary_embedding_dim", 0);
    return (rotary){.cosine = cosine,
                    .sine = sine,
                    .positions = positions,
                    .heads = heads,
                    .width = width,
                    .rotated = rotated == 0 ? width : rotated,
                    .interleaved = c2s_attr_int(t->node, "interleaved", 0) != 0};
}

void c2s_ties_rotary(c2s_ties *t) {
    enum { X, COS, SIN, POSITIONS };
    rotary r = read_rotary(t, COS, SIN, POSITIONS);
    tie_rotary(t, &r);
}

/* com.microsoft; a single position is that of the first element. */
void c2s_ties_ms_rotary(c2s_ties *t) {
    enum { X, POSITIONS, COS, SIN };
    rotary r = read_rotary(t, COS, SIN, POSITIONS);
    tie_rotary(t, &r);
}

c2s_status c2s_refit_rotary(const c2s_refit *r) {
    int64_t heads = c2s_refit_extent(r, HEADS), pairs = c2s_refit_extent(r, PAIRS);
    if (heads == 0 || pairs == 0)
        return C2S_OK;
    if (c2s_attr_int(r->node, "num_heads", 0) != 0)
        c2s_attr_set_int(r->node, "num_heads", heads);
    if (c2s_attr_int(r->node, "rotary_embedding_dim", 0) != 0)
        c2s_attr_set_int(r->node, "rotary_embedding_dim", 2 * pairs);
    return C2S_OK;
}
