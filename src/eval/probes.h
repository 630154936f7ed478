/* SPDX-License-Identifier: Apache-2.0
 *
 * What is kept of a model's results in a baseline: a digest of all their bytes, and of some samples
 * some elements, from which distances can be measured without the model.
 */
#ifndef C2S_EVAL_PROBES_H
#define C2S_EVAL_PROBES_H

#include "base/vec.h"
#include "ir/graph.h"

/* Elements of an output in a sample, evenly spread over it, all if there are no more than that. */
enum { C2S_PROBE_ELEMENTS = 1024 };

typedef struct c2s_probe {
    size_t sample;
    bool scores; /* all elements of a float tensor: rows can be read off it */
    int rank;
    int64_t dim[C2S_MAX_RANK]; /* of the output in this sample */
    c2s_tensor *tensor;        /* of type double: all elements in that shape, or some in one axis */
} c2s_probe;

typedef struct c2s_probed_output {
    char *name;
    char *type; /* of elements, or of what holds some; NULL: not known */
    uint64_t digest;
    bool wide;                 /* more than 32 bits each: what to write them with */
    C2S_VEC(c2s_probe) probes; /* by sample; none: these are no numbers */
} c2s_probed_output;

typedef struct c2s_probes {
    size_t samples;
    uint64_t inputs; /* digest of what the model ran on */
    unsigned count;
    c2s_probed_output *output;
    bool *chosen; /* by sample: is probed; known after the first */
} c2s_probes;

void c2s_probes_start(c2s_probes *p, const c2s_graph *graph, size_t samples);
void c2s_probes_free(c2s_probes *p); /* zeroed is allowed */
/* Takes a sample, in order from 0 on. */
c2s_status c2s_probes_add(c2s_probes *p, size_t index, unsigned input_count, c2s_tensor *const *in,
                          c2s_tensor *const *out);
/* How many elements are kept of that many. */
size_t c2s_probe_size(size_t elements);

#endif
