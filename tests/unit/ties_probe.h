/* SPDX-License-Identifier: Apache-2.0
 *
 * Does a node keep what its ties promise? Elements of its spaces are removed, the operands are cut
 * accordingly, the node is refitted and computed; the result is held against that of the node as it
 * was: computed on operands whose removed SUM indices are zero, then cut.
 */
#ifndef C2S_TESTS_TIES_PROBE_H
#define C2S_TESTS_TIES_PROBE_H

#include <string.h>

#include "shared.h"

#include "base/random.h"
#include "eval/compare.h"
#include "ir/clone.h"
#include "ops/op.h"

enum { PROBE_SLOTS = 64, PROBE_ELEMENTS = 50000, PROBE_SEEDS = 3 };

/* How many spaces were tried, by operator (index in c2s_op_all) and role. */
typedef struct probe_tally {
    unsigned spaces[512][3];
    unsigned failures;
} probe_tally;

/* A node by itself, with values of its own in every slot. */
typedef struct probe {
    c2s_node *node;
    const c2s_tensor *in[PROBE_SLOTS]; /* borrowed */
    c2s_tensor *out[PROBE_SLOTS];
    unsigned in_count, out_count;
} probe;

static inline unsigned op_index(const c2s_op *op) {
    size_t count, k = 0;
    const c2s_op *const *all = c2s_op_all(&count);
    while (k < count && all[k] != op)
        k++;
    assert_in_range(k, 0, 511);
    return (unsigned)k;
}

static inline void release_outputs(probe *p) {
    for (unsigned k = 0; k < p->out_count; k++)
        c2s_tensor_unref(p->out[k]);
}

/* A copy of `from` whose operands are the tensors `in`; those that decide on shapes (lists, and
 * what is constant already) are constants, as they are in models that are to be pruned. */
static inline c2s_node *isolated(const c2s_node *from, const c2s_tensor *const *in) {
    c2s_graph *graph = c2s_graph_create(from->graph->model, NULL, "probe");
    c2s_value *mine[PROBE_SLOTS] = {0};
    c2s_cloner cloner = {0};
    c2s_node *node = NULL;
    for (unsigned k = 0; k < from->formal_count; k++) {
        const c2s_value *value = c2s_node_in(from, k);
        if (!value)
            continue;
        bool list = k > 0 && in[k]->type.kind == C2S_KIND_TENSOR && in[k]->type.rank <= 1;
        mine[k] = value->constant || list
                      ? c2s_value_constant(graph, value->name, c2s_tensor_ref(in[k]))
                      : c2s_graph_add_input(graph, "probe_in", &in[k]->type);
        c2s_map_put(&cloner.values, value, mine[k]);
    }
    if (c2s_node_clone(&cloner, from, graph, NULL, &node) != C2S_OK)
        fail_msg("%s", c2s_error());
    for (unsigned k = 0; k < from->formal_count; k++)
        if (mine[k])
            c2s_use_set(&node->inputs[k], mine[k]);
    for (unsigned k = 0; k < node->output_count; k++)
        if (node->outputs[k])
            c2s_graph_add_output(graph, node->outputs[k], "probe_out");
    c2s_map_free(&cloner.values);
    return node;
}

static inline bool is_quantized(const c2s_op *op) {
    static const char *const names[] = {"QLinear", "QGemm", "Quantize"};
    for (size_t k = 0; k < sizeof names / sizeof *names; k++)
        if (strstr(op->type, names[k]))
            return true;
    return false;
}

/* Equal up to rounding; where floats become codes, up to one step. */
static inline bool outputs_agree(const c2s_op *op, const c2s_tensor *wanted,
                                 const c2s_tensor *found, c2s_difference *d) {
    if (c2s_compare(wanted, found, -1.0, d))
        return true;
    return d->same_type && is_quantized(op) && d->max_abs <= 1.0 &&
           c2s_dtype_is_integer(wanted->type.dtype);
}

/* Which input holds the zero point of input `slot`; 0: none. */
static inline unsigned zero_point_of(const c2s_op *op, unsigned slot) {
    static const struct {
        const char *type;
        unsigned slot, zero;
    } rows[] = {
        {"ConvInteger", 0, 2},
        {"ConvInteger", 1, 3},
        {"MatMulInteger", 0, 2},
        {"MatMulInteger", 1, 3},
        {"QLinearConv", 0, 2},
        {"QLinearConv", 3, 5},
        {"QLinearMatMul", 0, 2},
        {"QLinearMatMul", 3, 5},
        {"QGemm", 0, 2},
        {"QGemm", 3, 5},
        {"MatMulIntegerToFloat", 0, 4},
        {"MatMulIntegerToFloat", 1, 5},
        {"DynamicQuantizeMatMul", 1, 3},
        {"QAttention", 0, 6},
        {"QAttention", 1, 7},
    };
    for (size_t k = 0; k < sizeof rows / sizeof *rows; k++)
        if (strcmp(rows[k].type, op->type) == 0 && rows[k].slot == slot)
            return rows[k].zero;
    return 0;
}

/* The operand with zeros (zero points: one for all, or any for the first of them) where indices are
 * gone. */
static inline c2s_tensor *zeroed(const probe *p, const c2s_ties *t, const bool *const *removed,
                                 unsigned slot) {
    const c2s_tensor *in = p->in[slot];
    unsigned at = zero_point_of(p->node->op, slot);
    const c2s_tensor *zeros = at && at < p->in_count ? p->in[at] : NULL;
    c2s_type type = in->type;
    double *values = calloc(in->count + 1, sizeof *values);
    for (size_t i = 0; i < in->count; i++)
        values[i] = c2s_tensor_f64_at(in, i);
    size_t inner = in->count;
    for (int axis = 0; axis < type.rank; axis++) {
        bool *gone = calloc((size_t)type.dim[axis] + 1, 1);
        inner /= (size_t)type.dim[axis];
        c2s_ties_mark(t, removed, false, slot, axis, gone);
        for (size_t i = 0; i < in->count; i++)
            if (gone[i / inner % (size_t)type.dim[axis]])
                values[i] = zeros
                                ? c2s_tensor_f64_at(zeros, zeros->count == 1 ? 0 : i % zeros->count)
                                : 0.0;
        free(gone);
    }
    c2s_tensor *out = NULL;
    assert_int_equal(c2s_tensor_from_f64(type.dtype, type.rank, type.dim, values, &out), C2S_OK);
    free(values);
    return out;
}

/* ---- one removal ---- */

typedef struct removal {
    bool **elements; /* [space], NULL where nothing is removed */
    bool sums, mixes;
} removal;

static inline void fail_removal(probe_tally *tally, const probe *p, const removal *r,
                                const c2s_ties *t, const char *what) {
    if (tally->failures++ > 20)
        return;
    print_message("%s, %s:", p->node->op->type, what);
    for (unsigned s = 0; s < t->spaces.count; s++)
        for (int64_t e = 0; r->elements[s] && e < t->spaces.at[s].extent; e++)
            if (r->elements[s][e])
                print_message(" %u.%lld", s, (long long)e);
    for (unsigned k = 0; k < p->in_count; k++) {
        char text[256];
        if (p->in[k])
            print_message(" %s", c2s_type_text(p->node->graph->model->dims, &p->in[k]->type, text,
                                               sizeof text));
    }
    print_message("\n");
}

/* What the original gives where SUM elements are zero. False: it cannot be computed. */
static inline bool expected_outputs(const probe *p, const c2s_ties *t, const removal *r,
                                    probe *out) {
    const bool *sums[PROBE_SLOTS * 4] = {0};
    *out = *p;
    if (!r->sums) {
        for (unsigned k = 0; k < p->out_count; k++)
            out->out[k] = p->out[k] ? c2s_tensor_ref(p->out[k]) : NULL;
        return true;
    }
    assert_true(t->spaces.count <= PROBE_SLOTS * 4);
    for (unsigned s = 0; s < t->spaces.count; s++)
        if (t->spaces.at[s].role == C2S_TIE_SUM)
            sums[s] = r->elements[s];
    c2s_tensor *in[PROBE_SLOTS] = {0};
    for (unsigned k = 0; k < p->in_count; k++)
        if (p->in[k])
            in[k] = p->in[k]->type.kind == C2S_KIND_TENSOR && p->in[k]->type.dtype != C2S_STRING &&
                            p->in[k]->count
                        ? zeroed(p, t, sums, k)
                        : c2s_tensor_ref(p->in[k]);
    memset(out->out, 0, sizeof out->out);
    bool done = c2s_node_eval(p->node, (const c2s_tensor *const *)in, out->out, NULL, 0) == C2S_OK;
    for (unsigned k = 0; k < p->in_count; k++)
        c2s_tensor_unref(in[k]);
    return done;
}

/* Back from the indices that are gone to the elements: what explains them is what was removed. */
static inline bool covers(const c2s_ties *t, const removal *r, bool output, unsigned slot, int axis,
                          int64_t extent) {
    bool *found[PROBE_SLOTS * 4] = {0}, same = true;
    bool *gone = calloc((size_t)extent + 1, 1), *again = calloc((size_t)extent + 1, 1);
    c2s_ties_mark(t, (const bool *const *)r->elements, output, slot, axis, gone);
    for (unsigned s = 0; s < t->spaces.count; s++)
        found[s] = calloc((size_t)t->spaces.at[s].extent + 1, 1);
    same = c2s_ties_cover(t, output, slot, axis, gone, found);
    c2s_ties_mark(t, (const bool *const *)found, output, slot, axis, again);
    same &= memcmp(gone, again, (size_t)extent) == 0;
    for (unsigned s = 0; s < t->spaces.count; s++)
        free(found[s]);
    free(gone);
    free(again);
    return same;
}

static inline bool covers_all(const probe *p, const c2s_ties *t, const removal *r) {
    bool same = true;
    for (unsigned k = 0; k < p->in_count; k++)
        for (int a = 0; p->in[k] && a < p->in[k]->type.rank; a++)
            same &= covers(t, r, false, k, a, p->in[k]->type.dim[a]);
    for (unsigned k = 0; k < p->out_count; k++)
        for (int a = 0; p->out[k] && a < p->out[k]->type.rank; a++)
            same &= covers(t, r, true, k, a, p->out[k]->type.dim[a]);
    return same;
}

/* The node after the removal: cut operands, new types, refitted. NULL with the error set. */
static inline c2s_node *pruned(const probe *p, const c2s_ties *t, const removal *r) {
    const bool *const *removed = (const bool *const *)r->elements;
    c2s_tensor *in[PROBE_SLOTS] = {0};
    for (unsigned k = 0; k < p->in_count; k++)
        if (p->in[k])
            assert_int_equal(c2s_ties_cut(t, removed, false, k, p->in[k], &in[k]), C2S_OK);
    c2s_node *node = isolated(p->node, (const c2s_tensor *const *)in);
    for (unsigned k = 0; k < p->out_count; k++) {
        c2s_type type = p->out[k] ? p->out[k]->type : c2s_type_unknown();
        c2s_ties_shrink(t, removed, true, k, &type);
        if (c2s_node_out(node, k))
            c2s_value_set_type(node->outputs[k], &type);
    }
    c2s_status status = c2s_node_refit(&(c2s_refit){node, t, removed});
    /* Inputs that the refit replaced are constants; the others keep their data in this way. */
    for (unsigned k = 0; k < p->in_count && status == C2S_OK; k++)
        if (in[k] && !node->inputs[k].value->constant)
            c2s_value_set_constant(node->inputs[k].value, in[k]);
    if (status == C2S_OK)
        status = c2s_node_infer(node);
    for (unsigned k = 0; k < p->in_count; k++)
        c2s_tensor_unref(in[k]);
    return status == C2S_OK ? node : NULL;
}

static inline const char *compare_removal(const probe *p, const c2s_ties *t, const removal *r) {
    c2s_node *node = pruned(p, t, r);
    const c2s_tensor *in[PROBE_SLOTS] = {0};
    c2s_tensor *found[PROBE_SLOTS] = {0};
    static char why[512];
    probe wanted;
    if (!node)
        return c2s_error();
    for (unsigned k = 0; k < node->formal_count; k++)
        in[k] = node->inputs[k].value ? node->inputs[k].value->constant : NULL;
    if (c2s_node_eval(node, in, found, NULL, 0) != C2S_OK)
        return c2s_error();
    if (!expected_outputs(p, t, r, &wanted))
        return c2s_error();
    why[0] = '\0';
    for (unsigned k = 0; k < p->out_count && !why[0]; k++) {
        c2s_tensor *cut = NULL;
        c2s_difference d;
        if (!wanted.out[k] || !found[k])
            continue;
        assert_int_equal(
            c2s_ties_cut(t, (const bool *const *)r->elements, true, k, wanted.out[k], &cut),
            C2S_OK);
        if (!(r->mixes ? c2s_type_equal(&cut->type, &found[k]->type)
                       : outputs_agree(p->node->op, cut, found[k], &d)))
            snprintf(why, sizeof why, "output %u differs", k);
        c2s_tensor_unref(cut);
    }
    release_outputs(&wanted);
    for (unsigned k = 0; k < p->out_count; k++)
        c2s_tensor_unref(found[k]);
    return why[0] ? why : NULL;
}

static inline void try_removal(const probe *p, const c2s_ties *t, const removal *r,
                               probe_tally *tally) {
    const char *why = compare_removal(p, t, r);
    if (why)
        fail_removal(tally, p, r, t, why);
    else if (!covers_all(p, t, r))
        fail_removal(tally, p, r, t, "the indices that are gone do not lead back");
}

/* ---- one node ---- */

static inline bool is_tied(const c2s_ties *t, unsigned space) {
    for (size_t k = 0; k < t->ties.count; k++)
        if (t->ties.at[k].space == space)
            return true;
    return false;
}

/* Removes some elements, never all. */
static inline void choose(c2s_random *random, const c2s_ties *t, unsigned space, removal *r) {
    const c2s_tie_space *s = &t->spaces.at[space];
    int64_t kept = c2s_random_integer(random, 0, s->extent - 1), out = 0;
    r->elements[space] = calloc((size_t)s->extent, 1);
    for (int64_t e = 0; e < s->extent; e++)
        if (e != kept && c2s_random_integer(random, 0, 1) == 0)
            r->elements[space][e] = ++out;
    if (out == 0)
        r->elements[space][(kept + 1) % s->extent] = true;
    r->sums |= s->role == C2S_TIE_SUM;
    r->mixes |= s->role == C2S_TIE_MIX;
}

static inline void try_spaces(const probe *p, const c2s_ties *t, c2s_random *random,
                              int64_t only /* -1: all at once */, probe_tally *tally) {
    removal r = {.elements = calloc(t->spaces.count + 1, sizeof *r.elements)};
    for (unsigned s = 0; s < t->spaces.count; s++)
        if ((only < 0 || only == (int64_t)s) && t->spaces.at[s].extent >= 2 && is_tied(t, s))
            choose(random, t, s, &r);
    try_removal(p, t, &r, tally);
    for (unsigned s = 0; s < t->spaces.count; s++)
        free(r.elements[s]);
    free(r.elements);
}

static inline void probe_node(const c2s_node *node, const c2s_tensor *const *in,
                              c2s_tensor *const *out, probe_tally *tally) {
    probe p = {.in_count = node->formal_count, .out_count = node->output_count};
    size_t elements = 0;
    c2s_random random = {node->id};
    c2s_ties t;
    for (unsigned k = 0; k < p.in_count; k++)
        elements += in[k] ? in[k]->count : 0;
    for (unsigned k = 0; k < p.out_count; k++)
        elements += out[k] ? out[k]->count : 0;
    if (elements > PROBE_ELEMENTS)
        return;
    memcpy(p.in, in, p.in_count * sizeof *in);
    memcpy(p.out, out, p.out_count * sizeof *out);
    p.node = isolated(node, in);
    for (unsigned k = 0; k < p.out_count; k++)
        if (out[k] && p.node->outputs[k])
            c2s_value_set_type(p.node->outputs[k], &out[k]->type);
    c2s_ties_of(p.node, &t);
    unsigned tried = 0;
    for (unsigned s = 0; s < t.spaces.count; s++) {
        if (t.spaces.at[s].extent < 2 || !is_tied(&t, s))
            continue;
        tally->spaces[op_index(node->op)][t.spaces.at[s].role]++;
        tried++;
        for (unsigned k = 0; k < PROBE_SEEDS; k++)
            try_spaces(&p, &t, &random, s, tally);
    }
    if (tried > 1)
        try_spaces(&p, &t, &random, -1, tally);
    c2s_ties_free(&t);
}

/* ---- all nodes of a graph ---- */

/* Runs the graph on `in` node by node and probes each; stops quietly at what cannot be run so. */
static inline void probe_graph(const c2s_graph *graph, c2s_tensor *const *in, probe_tally *tally) {
    size_t count = graph->model->values.count;
    c2s_tensor **at = calloc(count + 1, sizeof *at);
    for (unsigned k = 0; k < c2s_graph_input_count(graph); k++)
        if (in[k])
            at[c2s_graph_input(graph, k)->id] = c2s_tensor_ref(in[k]);
    for (const c2s_node *node = graph->first; node; node = node->next) {
        const c2s_tensor *from[PROBE_SLOTS] = {0};
        c2s_tensor *to[PROBE_SLOTS] = {0};
        if (node->formal_count > PROBE_SLOTS || node->output_count > PROBE_SLOTS ||
            c2s_node_body(node, 0))
            break;
        bool whole = true;
        for (unsigned k = 0; k < node->formal_count; k++) {
            const c2s_value *value = c2s_node_in(node, k);
            from[k] = !value ? NULL : value->constant ? value->constant : at[value->id];
            whole &= !value || from[k];
        }
        if (!whole || !node->op->eval || c2s_node_eval(node, from, to, NULL, 0) != C2S_OK)
            break;
        if (!c2s_node_is_random(node))
            probe_node(node, from, to, tally);
        for (unsigned k = 0; k < node->output_count; k++)
            if (node->outputs[k])
                at[node->outputs[k]->id] = to[k];
    }
    for (size_t k = 0; k < count; k++)
        c2s_tensor_unref(at[k]);
    free(at);
}

#endif
