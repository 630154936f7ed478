/* SPDX-License-Identifier: Apache-2.0
 *
 * How large the results of operators can be: what range_plan.c settles and range.c computes with.
 */
#ifndef C2S_RUNTIME_RANGE_RULE_H
#define C2S_RUNTIME_RANGE_RULE_H

#include "runtime/kernel.h"

typedef enum rule {
    UNKNOWN, /* the results may be anything */
    FIXED,   /* no larger than gain, whatever the inputs */
    FIRST,   /* no larger than input 0 */
    ONE,     /* no larger than 1, if input 0 holds no NaN */
    LARGEST, /* no larger than the largest input */
    SUM,
    PRODUCT,
    LINEAR /* input 0 times weights of input 1: no larger than input 0 times gain */
} rule;

/* How large the result of a member can be: which of the step's inputs it reads, or (from
 * MEMBER_RESULT on) results of the step's own node and of the members before. */
enum { MOST_RULE_INPUTS = 4, MEMBER_RESULT = 1000 };
typedef struct c2s_member_rule {
    unsigned char rule, count;
    int output; /* of the step; -1: not written */
    unsigned short input[MOST_RULE_INPUTS];
} c2s_member_rule;

#endif
