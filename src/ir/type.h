/* SPDX-License-Identifier: Apache-2.0
 *
 * The type of a value: a tensor with element type and shape, or a container of such.
 */
#ifndef C2S_IR_TYPE_H
#define C2S_IR_TYPE_H

#include "ir/dim.h"
#include "ir/dtype.h"

#define C2S_MAX_RANK 16

typedef enum c2s_kind {
    C2S_KIND_UNKNOWN = 0,
    C2S_KIND_TENSOR,
    C2S_KIND_SPARSE, /* sparse tensor; only passes through */
    C2S_KIND_SEQUENCE,
    C2S_KIND_OPTIONAL,
    C2S_KIND_MAP, /* keys of `dtype`, values of `*element` */
    C2S_KIND_OPAQUE
} c2s_kind;

typedef struct c2s_type {
    c2s_kind kind;
    c2s_dtype dtype;               /* C2S_UNDEFINED: not known */
    int rank;                      /* -1: not known */
    const struct c2s_type *element; /* of sequence, optional, map (arena or static); else NULL */
    c2s_dim dim[C2S_MAX_RANK];
} c2s_type;

c2s_type c2s_type_unknown(void);
c2s_type c2s_type_tensor(c2s_dtype dtype, int rank, const c2s_dim *dim); /* rank -1: dim unused */
c2s_type c2s_type_scalar(c2s_dtype dtype);

bool c2s_type_is_tensor(const c2s_type *type);
/* Tensor of known rank and all dimensions known. */
bool c2s_type_is_static(const c2s_type *type);
/* Number of elements of a static type; false if not static or on overflow. */
bool c2s_type_elements(const c2s_type *type, size_t *count);
/* Tensors of the same known rank, with the same dimension on each axis. */
bool c2s_type_same_extents(const c2s_type *a, const c2s_type *b);
bool c2s_type_equal(const c2s_type *a, const c2s_type *b);
/* Adds to `into` what `other` knows and `into` does not: a known extent instead of a symbolic one,
 * any symbol instead of a fresh one; otherwise `into` stays. False if they contradict each other
 * (kind, dtype, rank, known extents); then `into` keeps its own view of the contradicting part. */
bool c2s_type_merge(c2s_type *into, const c2s_type *other);
/* As in the ONNX text syntax: "float[batch,3,224,224]", "int64" (scalar), "seq(float[])" (elements of
 * unknown rank); at most `size` bytes with NUL; returns buffer. */
const char *c2s_type_text(c2s_dims *dims, const c2s_type *type, char *buffer, size_t size);

#endif
