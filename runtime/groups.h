/* SPDX-License-Identifier: Apache-2.0
 *
 * Groups: nodes that one step computes together, because they write out what is one function: an
 * activation, a normalization, attention, a shuffle of channels. (The passes make one node of them
 * where the model's opset has it; here the opset does not matter.) The last node's step stands for
 * the group and has the group's inputs; the others are inside it. Eval computes the nodes one by
 * one.
 */
#ifndef C2S_RUNTIME_GROUPS_H
#define C2S_RUNTIME_GROUPS_H

#include "runtime/kernel.h"

extern const c2s_kernel_family c2s_kernels_gelu, c2s_kernels_written_norm,
    c2s_kernels_written_attention, c2s_kernels_shuffle;

enum { C2S_MOST_GROUPED = 16, C2S_MOST_GROUP_INPUTS = 4 };

typedef struct c2s_group {
    const c2s_kernel_family *kernel;
    const c2s_node *node[C2S_MOST_GROUPED]; /* in the order of computation */
    unsigned node_count;
    c2s_slot *input[C2S_MOST_GROUP_INPUTS]; /* what the kernel makes of them is its affair */
    unsigned input_count;
    bool is_post; /* an elementwise function of input 0: `post` */
    c2s_post post;
    float number; /* epsilon, scale */
    bool flag;
    int64_t extent; /* groups of channels */
    bool moves;     /* the results are elements of input 0 */
    int64_t terms;  /* of products of inputs 0 and 1 are summed; 0: of none */
} c2s_group;

/* While a group is looked for: the steps that would be in it, the last one first. */
typedef struct c2s_draft {
    c2s_step *step[C2S_MOST_GROUPED];
    unsigned count;
    c2s_group group;
} c2s_draft;

/* The step of operator `op` that makes the value, which then belongs to the group; else NULL. */
c2s_step *c2s_draft_take(c2s_draft *draft, const c2s_slot *value, const c2s_op *op);
/* The other operand of a step of two; NULL if neither is `one`. */
c2s_slot *c2s_other_operand(const c2s_step *step, const c2s_slot *one);
/* A constant of one element, as float. */
bool c2s_slot_number(const c2s_slot *slot, float *out);
/* Near enough to be the same constant, rounded. */
bool c2s_is_about(float found, double expected);
/* Adds an input. */
void c2s_draft_input(c2s_draft *draft, c2s_slot *slot);

/* Each: true if `root` is the last of such a group; fills in draft->group. */
bool c2s_match_gelu(c2s_step *root, c2s_draft *draft);
bool c2s_match_norm(c2s_step *root, c2s_draft *draft);
bool c2s_match_attention(c2s_step *root, c2s_draft *draft);
bool c2s_match_shuffle(c2s_step *root, c2s_draft *draft);

/* Finds all groups. Readers of values are counted; they are no longer right afterwards if something
 * was found. */
bool c2s_plan_groups(struct c2s_plan *plan);

#endif
