/* SPDX-License-Identifier: Apache-2.0
 *
 * How well each operator is tested: figures of the source tree that the program was built from, so
 * that `onnx-c2s ops` can show them. op_case_list.h is written by `test_op_cases write` (in the
 * build folder, under tests/); the test unit.op_cases fails where it claims more than there is, or
 * knows nothing of an operator that has a case.
 */
#ifndef C2S_OPS_OP_CASES_H
#define C2S_OPS_OP_CASES_H

#include <stddef.h>

typedef struct c2s_op_cases {
    const char *domain, *type;
    unsigned onnx; /* ONNX's own operator cases that run the operator and pass */
    unsigned own;  /* lines of our tests that make a node of it, at least */
} c2s_op_cases;

/* Operators with any case, sorted by domain, then type. */
const c2s_op_cases *c2s_op_cases_all(size_t *count);
/* NULL if there is no case. */
const c2s_op_cases *c2s_op_cases_of(const char *domain, const char *type);

#endif
