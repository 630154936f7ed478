/* SPDX-License-Identifier: Apache-2.0
 *
 * Before: Expand, then an elementwise operator that broadcasts anyway
 * After:  the operator with the unexpanded operands, of several as many as can be
 * Refuses when some extent of the result would then come out smaller, or is not known to be the
 * same.
 */
#include "base/map.h"
#include "passes/fuse/fuse.h"
#include "rewrite/builder.h"

static const c2s_op *const broadcasting[] = {&c2s_op_add,
                                             &c2s_op_sub,
                                             &c2s_op_mul,
                                             &c2s_op_div,
                                             &c2s_op_pow,
                                             &c2s_op_mod,
                                             &c2s_op_min,
                                             &c2s_op_max,
                                             &c2s_op_sum,
                                             &c2s_op_mean,
                                             &c2s_op_equal,
                                             &c2s_op_less,
                                             &c2s_op_greater,
                                             &c2s_op_and,
                                             &c2s_op_or,
                                             &c2s_op_xor,
                                             &c2s_op_where,
                                             &c2s_op_less_or_equal,
                                             &c2s_op_greater_or_equal,
                                             NULL};
static const c2s_pattern_row rows[] = {{.any_of = broadcasting}};

/* What an Expand that only this node reads expands; NULL: it is none. */
static c2s_value *expanded(const c2s_node *root, const c2s_value *value, unsigned *times) {
    *times = 0;
    if (!value || !value->def || value->def->op != &c2s_op_expand ||
        value->def->graph != value->graph)
        return NULL;
    c2s_value_each_use(use, value) {
        if (use->user != root)
            return NULL;
        ++*times;
    }
    return value->def->inputs[0].value;
}

static bool has_shape(const c2s_value *value) {
    return value && value->type.kind == C2S_KIND_TENSOR && value->type.rank >= 0;
}

/* The value has this extent along the axis `back` positions before the last one. */
static bool has_extent(const c2s_value *value, int back, c2s_dim extent) {
    const c2s_type *type = &value->type;
    return back < type->rank && type->dim[type->rank - 1 - back] == extent;
}

/* By axis of the result, from the last one on: how many operands have its extent there. */
typedef struct cover {
    const c2s_type *result;
    unsigned count[C2S_MAX_RANK];
} cover;

static c2s_dim wanted(const cover *c, int back) {
    return c->result->dim[c->result->rank - 1 - back];
}

static void count_operands(cover *c, const c2s_node *root) {
    *c = (cover){.result = &root->outputs[0]->type};
    for (unsigned k = 0; k < root->formal_count; k++)
        for (int back = 0; back < c->result->rank; back++)
            c->count[back] += has_extent(root->inputs[k].value, back, wanted(c, back));
}

/* The result has an extent there because of the value: it may, too, where it is a number and the result
 * the larger of two numbers that are not known. */
static bool matters(const cover *c, const c2s_value *value, const c2s_value *x, int back) {
    const c2s_type *type = &value->type;
    if (back >= type->rank || has_extent(x, back, type->dim[type->rank - 1 - back]))
        return false;
    return type->dim[type->rank - 1 - back] != 1 || wanted(c, back) == 1;
}

/* Takes the expanded value out of the count, `times` of it, and what it was made of in; false if some
 * extent of the result might be there no more: no other operand has it. */
static bool replace(cover *c, const c2s_value *value, const c2s_value *x, unsigned times) {
    for (int back = 0; back < c->result->rank; back++)
        if (matters(c, value, x, back) &&
            c->count[back] <= (has_extent(value, back, wanted(c, back)) ? times : 0))
            return false;
    for (int back = 0; back < c->result->rank; back++)
        c->count[back] -= has_extent(value, back, wanted(c, back)) &&
                                  !has_extent(x, back, wanted(c, back))
                              ? times
                              : 0;
    return true;
}

/* All operands that can do without Expand at once: `in` gets them as they are then, if it is given.
 * Returns how many. */
static unsigned choose(const c2s_node *root, c2s_value **in) {
    cover c;
    c2s_map done = {0}; /* expanded values to what stands for them */
    unsigned found = 0, times;
    count_operands(&c, root);
    for (unsigned k = 0; k < root->formal_count; k++) {
        c2s_value *value = root->inputs[k].value, *x = expanded(root, value, &times);
        c2s_value *by = x ? c2s_map_get(&done, value) : value;
        if (x && !by) {
            by = has_shape(x) && replace(&c, value, x, times) ? x : value;
            found += by == x;
            c2s_map_put(&done, value, by);
        }
        if (in)
            in[k] = by;
    }
    c2s_map_free(&done);
    return found;
}

static const char *refuse(const c2s_match *m) {
    const c2s_node *root = m->root;
    unsigned times;
    bool any = false, shared = false;
    for (unsigned k = 0; k < root->formal_count && root->formal_count > 1 && !any; k++) {
        const c2s_value *value = root->inputs[k].value;
        any = expanded(root, value, &times) != NULL;
        shared = shared || (value && value->def && value->def->op == &c2s_op_expand);
    }
    if (!any)
        return shared ? "something else reads what Expand makes, too" : c2s_no_match;
    for (unsigned k = 0; k < root->formal_count; k++)
        if (!has_shape(root->inputs[k].value))
            return "the rank of an operand is not known";
    if (!has_shape(root->outputs[0]))
        return "a rank is not known";
    return choose(root, NULL) > 0 ? NULL : "no other operand has the extent that Expand gives";
}

static c2s_value *build(c2s_builder *b, const c2s_match *m) {
    c2s_node *root = m->root;
    c2s_value **in = c2s_alloc_array(root->formal_count, sizeof *in);
    choose(root, in);
    c2s_node *node = c2s_build_like(b, root, in, root->formal_count);
    free(in);
    return c2s_build_finish(b, node);
}

const c2s_rule c2s_rule_expand_broadcast = {
    .name = "expand-broadcast",
    .summary = "Expand before an operator that broadcasts anyway -> the operator alone",
    C2S_ROWS(rows),
    .refuse = refuse,
    .build = build};
