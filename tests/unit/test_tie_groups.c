/* SPDX-License-Identifier: Apache-2.0
 *
 * Axis ties across nodes: from one element of one node's space to all that must go with it. Groups
 * are removed from whole graphs; what is left computes what the original does when the removed
 * parts of the weights are zero. Graphs have weights as inputs, named w...; all other inputs and
 * the outputs are the interface, which never changes.
 */
#include "eval/compare.h"
#include "eval/random_inputs.h"
#include "run_text.h"

enum { INPUTS = 32 };

typedef struct group {
    const c2s_graph *graph;
    c2s_ties *ties;                /* by node id */
    bool ***removed;               /* [node id][space][element] */
    bool *(*gone)[C2S_MAX_RANK];   /* [value id][axis][index] */
    C2S_VEC(const c2s_node *) due; /* nodes around what has changed */
} group;

static void open_group(group *g, const c2s_graph *graph) {
    const c2s_model *m = graph->model;
    *g = (group){.graph = graph};
    g->ties = calloc(m->nodes.count, sizeof *g->ties);
    g->removed = calloc(m->nodes.count, sizeof *g->removed);
    g->gone = calloc(m->values.count, sizeof *g->gone);
    for (const c2s_node *n = graph->first; n; n = n->next) {
        c2s_ties *t = &g->ties[n->id];
        c2s_ties_of(n, t);
        g->removed[n->id] = calloc(t->spaces.count + 1, sizeof **g->removed);
        for (size_t s = 0; s < t->spaces.count; s++)
            g->removed[n->id][s] = calloc((size_t)t->spaces.at[s].extent + 1, 1);
    }
    for (size_t v = 0; v < m->values.count; v++) {
        const c2s_type *type = m->values.at[v] ? &m->values.at[v]->type : NULL;
        for (int a = 0; type && a < type->rank; a++)
            g->gone[v][a] =
                c2s_dim_is_known(type->dim[a]) ? calloc((size_t)type->dim[a] + 1, 1) : NULL;
    }
}

static void close_group(group *g) {
    for (const c2s_node *n = g->graph->first; n; n = n->next) {
        for (size_t s = 0; s < g->ties[n->id].spaces.count; s++)
            free(g->removed[n->id][s]);
        free(g->removed[n->id]);
        c2s_ties_free(&g->ties[n->id]);
    }
    for (size_t v = 0; v < g->graph->model->values.count; v++)
        for (int a = 0; a < C2S_MAX_RANK; a++)
            free(g->gone[v][a]);
    free(g->ties);
    free(g->removed);
    free(g->gone);
    c2s_vec_free(&g->due);
}

static int64_t count_gone(const group *g, const c2s_value *v, int axis) {
    int64_t count = 0;
    for (int64_t i = 0; g->gone[v->id][axis] && i < v->type.dim[axis]; i++)
        count += g->gone[v->id][axis][i];
    return count;
}

/* Operand k of a node: inputs, then outputs. */
static const c2s_value *operand(const c2s_node *n, unsigned k, bool *output, unsigned *slot) {
    *output = k >= n->formal_count;
    *slot = *output ? k - n->formal_count : k;
    return *output ? n->outputs[*slot] : n->inputs[*slot].value;
}

static bool is_interface(const group *g, const c2s_value *v) {
    return c2s_value_is_output(v) || (v->def == g->graph->entry && v->name[0] != 'w');
}

/* What the operands have lost so far means elements that go; false: the node cannot follow. */
static bool take_over(group *g, const c2s_node *n) {
    for (unsigned k = 0; k < n->formal_count + n->output_count; k++) {
        bool output;
        unsigned slot;
        const c2s_value *v = operand(n, k, &output, &slot);
        for (int a = 0; v && a < v->type.rank; a++)
            if (count_gone(g, v, a) > 0 && !c2s_ties_cover(&g->ties[n->id], output, slot, a,
                                                           g->gone[v->id][a], g->removed[n->id]))
                return false;
    }
    return true;
}

/* What else the operands lose by that; their other nodes are due then. */
static bool pass_on(group *g, const c2s_node *n) {
    for (unsigned k = 0; k < n->formal_count + n->output_count; k++) {
        bool output;
        unsigned slot;
        const c2s_value *v = operand(n, k, &output, &slot);
        for (int a = 0; v && a < v->type.rank; a++) {
            if (!g->gone[v->id][a] ||
                !c2s_ties_mark(&g->ties[n->id], (const bool *const *)g->removed[n->id], output,
                               slot, a, g->gone[v->id][a]))
                continue;
            if (is_interface(g, v) || count_gone(g, v, a) == v->type.dim[a])
                return false;
            if (v->def && v->def != g->graph->entry)
                c2s_vec_push(&g->due, v->def);
            c2s_value_each_use(use, v) {
                c2s_vec_push(&g->due, use->user);
            }
        }
    }
    return true;
}

/* All that must go with what is removed already; false if it cannot. */
static bool complete(group *g) {
    while (g->due.count > 0) {
        const c2s_node *n = c2s_vec_pop(&g->due);
        if (!take_over(g, n) || !pass_on(g, n))
            return false;
    }
    return true;
}

/* ---- removing a group ---- */

/* The same value of a copy of the model: nodes keep their order. */
static void shrink_types(const group *g, const c2s_model *copy) {
    const c2s_node *to = copy->graph->first;
    for (const c2s_node *n = g->graph->first; n; n = n->next, to = to->next)
        for (unsigned k = 0; k < n->formal_count + n->output_count; k++) {
            bool output;
            unsigned slot;
            const c2s_value *v = operand(n, k, &output, &slot);
            if (!v || v->constant)
                continue;
            c2s_type type = v->type;
            for (int a = 0; a < type.rank; a++)
                if (g->gone[v->id][a])
                    type.dim[a] -= count_gone(g, v, a);
            c2s_value_set_type(output ? to->outputs[slot] : to->inputs[slot].value, &type);
        }
}

static c2s_model *without(const group *g) {
    c2s_model *copy = c2s_model_copy(g->graph->model);
    shrink_types(g, copy);
    c2s_node *to = copy->graph->first;
    for (const c2s_node *n = g->graph->first; n; n = n->next, to = to->next)
        if (c2s_node_refit(&(c2s_refit){to, &g->ties[n->id],
                                        (const bool *const *)g->removed[n->id]}) != C2S_OK)
            fail_msg("%s", c2s_error());
    if (c2s_graph_infer(copy->graph) != C2S_OK || c2s_model_verify(copy) != C2S_OK)
        fail_msg("%s", c2s_error());
    return copy;
}

/* Weights without what is gone, and with zeros there. */
static void change_weight(const group *g, const c2s_value *v, const c2s_tensor *in,
                          c2s_tensor **less, c2s_tensor **zeroed) {
    double *values = calloc(in->count + 1, sizeof *values);
    for (size_t i = 0; i < in->count; i++)
        values[i] = c2s_tensor_f64_at(in, i);
    size_t inner = in->count;
    *less = c2s_tensor_ref(in);
    for (int a = 0; a < in->type.rank; a++) {
        size_t extent = (size_t)in->type.dim[a];
        inner /= extent;
        if (!g->gone[v->id][a])
            continue;
        for (size_t i = 0; i < in->count; i++)
            if (g->gone[v->id][a][i / inner % extent])
                values[i] = 0;
        c2s_tensor *next;
        assert_int_equal(c2s_tensor_drop(*less, a, g->gone[v->id][a], &next), C2S_OK);
        c2s_tensor_unref(*less);
        *less = next;
    }
    assert_int_equal(
        c2s_tensor_from_f64(in->type.dtype, in->type.rank, in->type.dim, values, zeroed), C2S_OK);
    free(values);
}

static void run_on(const c2s_graph *graph, c2s_tensor *const *in, c2s_tensor **out) {
    c2s_session *session;
    c2s_eval_options options = {.threads = 1};
    if (c2s_evaluator_reference.open(graph, &options, &session) != C2S_OK ||
        c2s_evaluator_reference.run(session, (const c2s_tensor *const *)in, out) != C2S_OK)
        fail_msg("%s", c2s_error());
    c2s_evaluator_reference.close(session);
}

static void release(c2s_tensor **tensors) {
    for (unsigned k = 0; k < INPUTS; k++)
        c2s_tensor_unref(tensors[k]);
}

/* The model without the group gives what the original gives with zero weights. */
static void check_removal(const group *g, c2s_tensor *const *in) {
    c2s_tensor *less[INPUTS] = {0}, *zeroed[INPUTS] = {0}, *x[INPUTS] = {0}, *y[INPUTS] = {0};
    c2s_model *pruned = without(g);
    for (unsigned k = 0; k < c2s_graph_input_count(g->graph); k++)
        change_weight(g, c2s_graph_input(g->graph, k), in[k], &less[k], &zeroed[k]);
    run_on(g->graph, zeroed, x);
    run_on(pruned->graph, less, y);
    for (unsigned k = 0; k < c2s_graph_output_count(g->graph); k++) {
        c2s_difference d;
        if (!c2s_compare(x[k], y[k], 1e-5, &d))
            fail_msg("output %u differs by %g at %s", k, d.max_abs, d.where);
    }
    release(less);
    release(zeroed);
    release(x);
    release(y);
    c2s_model_destroy(pruned);
}

/* ---- cases ---- */

/* Which indices of the weights a group takes, as a number: groups found twice count once. */
static uint64_t fingerprint(const group *g) {
    uint64_t hash = 1469598103934665603u;
    for (unsigned k = 0; k < c2s_graph_input_count(g->graph); k++) {
        const c2s_value *v = c2s_graph_input(g->graph, k);
        for (int a = 0; a < v->type.rank; a++)
            for (int64_t i = 0; g->gone[v->id][a] && i < v->type.dim[a]; i++)
                hash = (hash ^ (g->gone[v->id][a][i] ? 2u : 1u)) * 1099511628211u;
    }
    return hash;
}

static bool is_new(uint64_t *seen, size_t *count, uint64_t hash) {
    for (size_t k = 0; k < *count; k++)
        if (seen[k] == hash)
            return false;
    seen[(*count)++] = hash;
    return true;
}

/* Text with the number of groups that elements of the nodes' spaces lead to. */
static void check_groups(const char *text, size_t expected) {
    char whole[4096];
    c2s_model *model;
    uint64_t seen[1024];
    size_t found = 0;
    int length =
        snprintf(whole, sizeof whole, "<ir_version: 10, opset_import: [\"\" : 23]>\ng %s", text);
    if (c2s_text_read(whole, (size_t)length, "case", &model) != C2S_OK ||
        c2s_graph_infer(model->graph) != C2S_OK)
        fail_msg("%s\n%s", c2s_error(), text);
    c2s_tensor *in[INPUTS] = {0};
    c2s_random_options options = {.seed = 1, .sample = 1};
    if (c2s_random_inputs(model->graph, &options, in) != C2S_OK)
        fail_msg("%s", c2s_error());
    for (const c2s_node *n = model->graph->first; n; n = n->next) {
        c2s_ties t;
        c2s_ties_of(n, &t);
        for (size_t s = 0; s < t.spaces.count; s++)
            for (int64_t e = 0; e < t.spaces.at[s].extent; e++) {
                group g;
                open_group(&g, model->graph);
                g.removed[n->id][s][e] = true;
                c2s_vec_push(&g.due, n);
                if (complete(&g) && is_new(seen, &found, fingerprint(&g)))
                    check_removal(&g, in);
                close_group(&g);
            }
        c2s_ties_free(&t);
    }
    for (unsigned k = 0; k < INPUTS; k++)
        c2s_tensor_unref(in[k]);
    c2s_model_destroy(model);
    if (found != expected)
        fail_msg("found %zu groups, expected %zu:\n%s", found, expected, text);
}

static void convolutions(void **state) {
    (void)state;
    /* the 4 channels between */
    check_groups(
        "(float[1,3,6,6] x, float[4,3,3,3] w, float[4] wb, float[2,4,1,1] w2) => (float y) {"
        " a = Conv (x, w, wb) b = Relu (a) y = Conv (b, w2) }",
        4);
    /* a residual: 4 channels all along, and 5 within the branch */
    check_groups(
        "(float[1,3,6,6] x, float[4,3,1,1] w, float[5,4,1,1] wa, float[4,5,1,1] wb,"
        " float[4] wg, float[4] wo, float[4] wm, float[4] wv, float[2,4,1,1] wy) => (float y) {"
        " a = Conv (x, w) b = Conv (a, wa) c = Relu (b) d = Conv (c, wb) v = Abs (wv)"
        " e = BatchNormalization (d, wg, wo, wm, v) f = Add (a, e) g = Relu (f)"
        " y = Conv (g, wy) }",
        9);
    /* depthwise between two: 4; then pairs of channels per group: 3 groups, 2 within */
    check_groups("(float[1,3,6,6] x, float[4,3,1,1] w, float[4,1,3,3] wd, float[6,4,1,1] wa,"
                 " float[6,2,3,3] wg, float[2,6,1,1] wy) => (float y) {"
                 " a = Conv (x, w) b = Conv <group = 4> (a, wd) c = Conv (b, wa)"
                 " d = Conv <group = 3> (c, wg) y = Conv (d, wy) }",
                 4 + 3 + 2 + 2);
    /* joined: 3 and 2 channels; the third are 4 squeezed ones */
    check_groups("(float[1,3,4,4] x, float[3,3,1,1] wa, float[2,3,1,1] wb, float[4,5,1,1] ws,"
                 " float[5,4,1,1] we, float[2,5,1,1] wy) => (float y) {"
                 " a = Conv (x, wa) b = Conv (x, wb) c = Concat <axis = 1> (a, b)"
                 " p = GlobalAveragePool (c) s = Conv (p, ws) r = Relu (s) e = Conv (r, we)"
                 " f = Mul (c, e) y = Conv (f, wy) }",
                 3 + 2 + 4);
    /* channels of a pixel shuffle: 3, each with its four inputs */
    check_groups("(float[1,2,4,4] x, float[12,2,1,1] w, float[2,3,1,1] wy) => (float y) {"
                 " a = Conv (x, w) b = DepthToSpace <blocksize = 2> (a) y = Conv (b, wy) }",
                 3);
}

static void products(void **state) {
    (void)state;
    /* channels through a Reshape into rows of a product: 4, of 9 rows each; 5 hidden */
    check_groups(
        "(float[2,3,5,5] x, float[4,3,3,3] w, float[36,5] wa, float[5] wb, float[5,2] wc) =>"
        " (float y) <int64[2] s = {0, -1}> { a = Conv (x, w) b = Reshape (a, s)"
        " c = Gemm (b, wa, wb) d = Relu (c) y = MatMul (d, wc) }",
        4 + 5);
    /* a target shape that is computed from the batch becomes a constant */
    check_groups("(float[B,3,5,5] x, float[4,3,3,3] w, float[36,2] wa) => (float y)"
                 " <int64[1] zero = {0}, int64[1] rest = {36}> { a = Conv (x, w) s = Shape (a)"
                 " n = Gather (s, zero) t = Concat <axis = 0> (n, rest) b = Reshape (a, t)"
                 " y = MatMul (b, wa) }",
                 4);
    /* the shape may be cast before */
    check_groups("(float[B,3,5,5] x, float[4,3,3,3] w, float[36,2] wa) => (float y)"
                 " <int64[1] zero = {0}, int64[1] one = {1}, int64[1] rest = {36}> {"
                 " a = Conv (x, w) s = Shape (a) f = Cast <to = 6> (s)"
                 " g = Slice (f, zero, one, zero) n = Cast <to = 7> (g)"
                 " t = Concat <axis = 0> (n, rest) b = Reshape (a, t) y = MatMul (b, wa) }",
                 4);
    /* gated by halves of one product: 4 */
    check_groups(
        "(float[2,3,6] x, float[6,8] w, float[8] wb, float[4,6] wy) => (float y)"
        " <int64[2] h = {4, 4}> { a = MatMul (x, w) b = Add (a, wb)"
        " u, g = Split <axis = -1> (b, h) s = Sigmoid (g) m = Mul (u, s) y = MatMul (m, wy) }",
        4);
    /* heads taken apart by Reshape and Transpose: 3 heads, 4 channels of queries and keys, 4 of
     * values */
    check_groups(
        "(float[2,5,6] x, float[6,12] wq, float[6,12] wk, float[6,12] wv, float[12,6] wo) =>"
        " (float y) <int64[4] h = {0, 0, 3, 4}, int64[3] j = {0, 0, 12}> {"
        " q = MatMul (x, wq) k = MatMul (x, wk) v = MatMul (x, wv)"
        " qh = Reshape (q, h) kh = Reshape (k, h) vh = Reshape (v, h)"
        " qt = Transpose <perm = [0, 2, 1, 3]> (qh) kt = Transpose <perm = [0, 2, 3, 1]> (kh)"
        " vt = Transpose <perm = [0, 2, 1, 3]> (vh) s = MatMul (qt, kt) p = Softmax (s)"
        " o = MatMul (p, vt) t = Transpose <perm = [0, 2, 1, 3]> (o) f = Reshape (t, j)"
        " y = MatMul (f, wo) }",
        3 + 4 + 4);
    /* the same by Attention: 2 key heads, 2 queries of each, 3 channels, 4 of values */
    check_groups(
        "(float[2,5,6] x, float[6,12] wq, float[6,6] wk, float[6,8] wv, float[16,6] wo) =>"
        " (float y) { q = MatMul (x, wq) k = MatMul (x, wk) v = MatMul (x, wv)"
        " a = Attention <q_num_heads = 4, kv_num_heads = 2> (q, k, v) y = MatMul (a, wo) }",
        2 + 2 + 3 + 4);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(convolutions), cmocka_unit_test(products)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
