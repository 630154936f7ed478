/* SPDX-License-Identifier: Apache-2.0
 *
 * Finding elements of one tensor in a list of keys.
 */
#ifndef C2S_OPS_ML_LOOKUP_H
#define C2S_OPS_ML_LOOKUP_H

#include "ops/op.h"

typedef struct c2s_lookup_key {
    uint64_t bits;   /* numbers; all NaN alike, 0 without sign */
    c2s_string text; /* strings */
    size_t order;
} c2s_lookup_key;

typedef struct c2s_lookup {
    c2s_lookup_key *keys; /* sorted; of equal keys only one, the last of the list */
    size_t count;
    bool is_text;
} c2s_lookup;

/* Keys: a tensor of strings, integers or floats. */
c2s_status c2s_lookup_open(c2s_lookup *lookup, const c2s_tensor *keys);
void c2s_lookup_close(c2s_lookup *lookup);
/* Position in the list of keys of element `index` of `tensor`, or -1. The element types must be of
 * one sort: both text, both integers, both floats. */
int64_t c2s_lookup_find(const c2s_lookup *lookup, const c2s_tensor *tensor, size_t index);
int64_t c2s_lookup_number(const c2s_lookup *lookup, int64_t number);

/* The first of PREFIX_strings, PREFIX_int64s, PREFIX_floats, PREFIX_tensor that is set, as a tensor
 * of one axis with one reference; NULL if none is. */
c2s_status c2s_attr_list(const c2s_node *node, const char *prefix, c2s_tensor **out);

#endif
