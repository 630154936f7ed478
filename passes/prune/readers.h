/* SPDX-License-Identifier: Apache-2.0
 *
 * The linear operators that read the channels of groups and sum over them, recurrent cells with
 * their input matrices among them: what they compute without some of these channels, and with which
 * other weights they come closest to what it was, second moments of their inputs say
 * (measure/gram.h).
 */
#ifndef C2S_PASSES_PRUNE_READERS_H
#define C2S_PASSES_PRUNE_READERS_H

#include "passes/measure/linear_site.h"
#include "passes/prune/prune_groups.h"

typedef struct c2s_reader {
    c2s_node *node;
    c2s_linear_site site;
    size_t kernel; /* rows of the weight for each element of the space that is summed over; 0: no
                      group's channels are */
    /* The constant vector by output channels that is added: an operand of the node itself or of the
     * Add behind it. NULL: there is none. */
    c2s_node *bias_node;
    unsigned bias_slot;
    /* Recurrent cells hold those of the gates of a direction, and behind them as many others. */
    size_t bias_block; /* 0: there are no others */
} c2s_reader;

/* A reader of a group: element e of `map` is rows e * kernel .. of the weight, in each of its
 * groups. */
typedef struct c2s_group_reader {
    size_t reader;
    const c2s_unit_map *map;
} c2s_group_reader;

typedef struct c2s_group_readers {
    C2S_VEC(c2s_group_reader) at;
    bool cells;  /* they are hidden units of recurrent cells */
    bool others; /* something else that is no reader sums over the channels, too */
} c2s_group_readers;

typedef struct c2s_readers {
    /* In the order of nodes, those of bodies behind their owner; also linear operators that sum
     * over no group's channels: what they read changes, too, when groups before them lose units. */
    C2S_VEC(c2s_reader) at;
    c2s_group_readers *groups; /* by group */
    size_t group_count;
} c2s_readers;

/* Of the main graph and its bodies, and of groups that are not pinned. Readers have a weight of
 * constant floats of their own. */
void c2s_readers_find(const c2s_prune_groups *groups, c2s_readers *out);
void c2s_readers_free(c2s_readers *readers);

/* A linear operator, no recurrent cell, by itself; false: it is none, or its weight is no constant
 * of floats that it alone reads. */
bool c2s_reader_of(c2s_node *node, c2s_reader *out);
/* Gives the operand another constant, for this node alone. */
void c2s_reader_write(c2s_node *node, unsigned slot, c2s_tensor *tensor);

/* The node adds something to its products, and not by a bias that can be changed: what it gives
 * would count as theirs. */
static inline bool c2s_reader_adds(const c2s_reader *r) {
    return !r->bias_node && c2s_node_in(r->node, 2);
}

/* Where the bias of output j, counted over groups, is. */
static inline size_t c2s_reader_bias_index(const c2s_reader *r, size_t j) {
    return r->bias_block ? j + j / r->bias_block * r->bias_block : j;
}

/* Element (i, j) of the weight of a group of the reader. */
static inline size_t c2s_reader_index(const c2s_reader *r, size_t group, size_t i, size_t j) {
    return group * r->site.group_step + i * r->site.k_step + j * r->site.n_step;
}

#endif
