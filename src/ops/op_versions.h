/* SPDX-License-Identifier: Apache-2.0
 *
 * The versions of every operator of ONNX's own domains, ai.onnx up to opset 28: in which opsets the
 * operator got which form. Facts after the operator definitions of ONNX (onnx/defs,
 * docs/Changelog.md as of August 2026); the test cli.op_versions holds those up to opset 17 against
 * python3-onnx.
 */
#ifndef C2S_OPS_OP_VERSIONS_H
#define C2S_OPS_OP_VERSIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { C2S_OPSET_NEWEST = 28 }; /* of ai.onnx */

typedef enum c2s_op_version_flags {
    C2S_OP_FUNCTION = 1 << 0,  /* ONNX also defines it by a graph of other operators */
    C2S_OP_DEPRECATED = 1 << 1 /* from this version on the operator is no longer there */
} c2s_op_version_flags;

typedef struct c2s_op_version {
    uint8_t since, flags; /* opset of its domain from which it holds */
    /* Element types that each input and output takes: "INPUT,INPUT>OUTPUT". '=': the element type
     * of the first one; '*' behind the last: any number of them. A letter is one type or several:
     *     f float      d double    h float16   b bfloat16   i int32   l int64   w int16   c int8
     *     t bool       s string    z complex64 y complex128 I uint32  L uint64  W uint16  C uint8
     *     e float4e2m1 x float8e8m0
     *     R = hfd   N = cwilCWIL   A = RNtszy
     *     8: the four float8 types of opset 19   4: int4, uint4   2: int2, uint2
     *     [..] sequence of   (..) optional of   m map */
    const char *types;
    /* How the attributes differ from those of the version before, or all of the first version:
     * "name" (optional), "name=default", "name!" (required), "-name" (gone). NULL: not at all. */
    const char *attributes;
} c2s_op_version;

typedef struct c2s_op_versions {
    const char *domain, *type;
    const c2s_op_version *versions; /* oldest first */
    unsigned count;
} c2s_op_versions;

/* All operators, sorted by domain, then type. */
const c2s_op_versions *c2s_op_versions_all(size_t *count);
/* NULL if no version of the standard has the operator. Logarithmic in their number. */
const c2s_op_versions *c2s_op_versions_of(const char *domain, const char *type);
/* The version that holds in `opset`; NULL if the operator is not (or no longer) there. */
const c2s_op_version *c2s_op_version_at(const c2s_op_versions *versions, int64_t opset);

/* An attribute as a version has it. */
typedef struct c2s_op_attribute {
    bool required;
    const char *text; /* its default: `size` characters, not terminated; NULL: none */
    size_t size;
} c2s_op_attribute;
/* False if the version, one of `versions`, has no attribute of that name. */
bool c2s_op_attribute_find(const c2s_op_versions *versions, const c2s_op_version *version,
                           const char *name, c2s_op_attribute *out);

/* What an operand may be: sets of element types, 1 << c2s_dtype. */
typedef struct c2s_op_operand {
    uint32_t tensor, sequence, optional, optional_sequence;
    bool map;        /* or a map, or a sequence of maps */
    bool like_first; /* of the element type of the first operand */
} c2s_op_operand;
/* False if the version has no such operand. */
bool c2s_op_input(const c2s_op_version *version, unsigned slot, c2s_op_operand *out);
bool c2s_op_output(const c2s_op_version *version, unsigned slot, c2s_op_operand *out);

#endif
