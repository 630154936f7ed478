/* SPDX-License-Identifier: Apache-2.0
 *
 * Arrays that belong together, as inputs of a graph: an .npz file, a folder of .npy files, a
 * test_data_set.
 */
#ifndef C2S_IO_DATASET_PART_H
#define C2S_IO_DATASET_PART_H

#include "base/vec.h"
#include "io/npz.h"
#include "ir/graph.h"

/* Arrays of archives that are larger are read sample by sample. */
enum { C2S_NPZ_WHOLE = 16 << 20 };

typedef struct c2s_dataset_array_part {
    char *name;
    c2s_type type;
    c2s_tensor *tensor; /* NULL: `npz` has it */
    size_t npz_array;
    int input;      /* index of the graph input, or -1 */
    size_t samples; /* 0: serves all samples */
    bool items;     /* one axis more than the input: a sample is one item */
    size_t rows;    /* rows per sample otherwise */
    size_t last;    /* the sample that was asked for last */
} c2s_dataset_array_part;

typedef struct c2s_dataset_part {
    C2S_VEC(c2s_dataset_array_part) arrays;
    size_t samples;
    c2s_npz *npz; /* NULL: all arrays are in memory, or mapped */
} c2s_dataset_part;

void c2s_dataset_part_free(c2s_dataset_part *part);
/* Takes over the tensor; arrays that are no inputs are kept by their names. */
void c2s_dataset_part_add(c2s_dataset_part *part, const c2s_graph *graph, const char *name,
                          c2s_tensor *tensor);
/* Adds the arrays of an archive. Large ones that are no inputs are left out. */
c2s_status c2s_dataset_part_add_npz(c2s_dataset_part *part, const c2s_graph *graph,
                                    const char *path);
/* Checks the arrays against the graph's inputs and counts the samples. `whole`: each array is one
 * sample. */
c2s_status c2s_dataset_part_bind(c2s_dataset_part *part, const c2s_graph *graph, bool whole);
/* Inputs of one sample; `in` is zeroed before. */
c2s_status c2s_dataset_part_sample(c2s_dataset_part *part, size_t index, c2s_tensor **in);

#endif
