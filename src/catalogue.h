/* SPDX-License-Identifier: Apache-2.0
 *
 * All operators that ONNX or this program knows, and what is known of each.
 */
#ifndef C2S_CATALOGUE_H
#define C2S_CATALOGUE_H

#include "ops/op.h"
#include "ops/op_cases.h"
#include "ops/op_versions.h"

typedef struct c2s_catalogue_entry {
    const char *domain, *type;
    const c2s_op *op;                /* NULL: there is no such operator behind the loader */
    const c2s_op_versions *versions; /* NULL: not ONNX's */
    const c2s_op_cases *cases;       /* NULL: none */
    unsigned kernels;                /* rows of the kernel list */
    bool rewritten;                  /* no op, since it becomes others when a model is read */
    bool deprecated;                 /* not in the newest opset any more */
} c2s_catalogue_entry;

/* Sorted by domain, then type; free() it. */
c2s_catalogue_entry *c2s_catalogue(size_t *count);

/* What an operator that is executed should have. */
typedef enum c2s_catalogue_topic {
    C2S_TOPIC_INFER,
    C2S_TOPIC_EVAL,
    C2S_TOPIC_MACS, /* operators that sum products as their rule of quantization says */
    C2S_TOPIC_TIES,
    C2S_TOPIC_QUANT,
    C2S_TOPIC_CASES,
    C2S_TOPIC_COUNT
} c2s_catalogue_topic;

/* "infer", "eval", ... */
const char *c2s_catalogue_topic_name(c2s_catalogue_topic topic);
/* Operators that are rewritten lack nothing but cases. */
bool c2s_catalogue_lacks(const c2s_catalogue_entry *entry, c2s_catalogue_topic topic);

#endif
