/* SPDX-License-Identifier: Apache-2.0
 *
 * Which layout each operator of a region gets: what moving costs, as a graph whose minimum cut is
 * the answer, and whether that is worth it.
 */
#include <limits.h>

#include "passes/fuse/min_cut.h"
#include "passes/fuse/transpose_region.h"

/* What a run of a node takes beside the moving, in elements. */
#define PER_NODE 256.0

/* ---- how much is moved ---- */

/* Which one it is does not matter much where all that moves has the batch as a factor; both must
 * agree that it becomes less. */
static const int64_t stand_ins[2] = {64, 5};

static c2s_dim stand_in(void *user, const char *name, c2s_dim same) {
    (void)name;
    (void)same;
    return *(const int64_t *)user;
}

/* Elements with free extents replaced by stand_ins[which]. */
static double elements(c2s_dims *dims, const c2s_type *type, unsigned which) {
    double product = 1;
    for (int i = 0; i < type->rank; i++) {
        int64_t number = stand_ins[which];
        const c2s_dim dim = c2s_dim_substitute(dims, type->dim[i], stand_in, &number);
        product *= c2s_dim_is_known(dim) && dim > 0 ? (double)dim : (double)number;
    }
    return product;
}

/* What moving a tensor costs. */
static double weight(const c2s_region *r, const c2s_value *value, unsigned which) {
    const c2s_region_member *member = c2s_region_member_of(r, value);
    if (c2s_axis_order_is_view(&member->flip, &value->type))
        return PER_NODE;
    return PER_NODE + elements(r->graph->model->dims, &value->type, which);
}

/* An operator along an inner axis moves its operand there and back. */
static double slowness(const c2s_region *r, const c2s_region_actor *actor, unsigned layout,
                       unsigned which) {
    c2s_relayout as = actor->relayout;
    if (layout == actor->layout)
        for (unsigned i = 0; i < as.in.rank; i++)
            as.in.axis[i] = (uint8_t)i;
    if (!c2s_relayout_is_slow(actor->node, &as))
        return 0;
    return 2 * elements(r->graph->model->dims, &actor->node->inputs[0].value->type, which);
}

/* ---- the network ---- */

typedef struct network {
    c2s_cut cut;
    unsigned *actor, *tensor; /* vertices: of actors; of what makes tensors */
    double unit;              /* of capacities: so large that all of them together can be added */
} network;

static const unsigned sides[2] = {C2S_CUT_SOURCE, C2S_CUT_SINK};

/* Capacities stay above what breaks ties. */
static int64_t capacity(const network *n, double cost) {
    return (int64_t)(cost * n->unit);
}

/* Pays once, however many readers disagree with the maker. */
static void add_readers(network *n, unsigned maker, const unsigned *readers, size_t count,
                        int64_t cost) {
    if (count == 1) {
        c2s_cut_add_edge(&n->cut, maker, readers[0], cost, cost);
        return;
    }
    const unsigned forth = c2s_cut_add_vertex(&n->cut), back = c2s_cut_add_vertex(&n->cut);
    c2s_cut_add_edge(&n->cut, maker, forth, cost, 0);
    c2s_cut_add_edge(&n->cut, back, maker, cost, 0);
    for (size_t i = 0; i < count; i++) {
        c2s_cut_add_edge(&n->cut, forth, readers[i], C2S_CUT_NEVER, 0);
        c2s_cut_add_edge(&n->cut, readers[i], back, C2S_CUT_NEVER, 0);
    }
}

typedef struct reader {
    unsigned tensor, vertex;
} reader;

static int by_tensor(const void *a, const void *b) {
    const reader *p = a, *q = b;
    return p->tensor != q->tensor ? (p->tensor < q->tensor ? -1 : 1)
                                  : (p->vertex > q->vertex) - (p->vertex < q->vertex);
}

static void connect_readers(network *n, const c2s_region *r) {
    C2S_VEC(reader) all = {0};
    C2S_VEC(unsigned) some = {0};
    for (size_t i = 0; i < r->members.count; i++) {
        const c2s_region_member *member = &r->members.at[i];
        c2s_value_each_use(use, member->value) {
            const c2s_reading reading = c2s_region_reading(r, use);
            if (reading == C2S_READ_ACTOR)
                c2s_vec_push(&all,
                             (reader){member->tensor,
                                      n->actor[c2s_region_actor_of(r, use->user) - r->actors.at]});
            else if (reading == C2S_READ_FIXED)
                c2s_vec_push(&all, (reader){member->tensor, sides[member->layout]});
        }
    }
    if (all.count > 0)
        qsort(all.at, all.count, sizeof *all.at, by_tensor);
    for (size_t i = 0; i < all.count;) {
        const unsigned tensor = all.at[i].tensor;
        c2s_vec_clear(&some);
        for (; i < all.count && all.at[i].tensor == tensor; i++)
            if (some.count == 0 || some.at[some.count - 1] != all.at[i].vertex)
                c2s_vec_push(&some, all.at[i].vertex);
        add_readers(n, n->tensor[tensor], some.at, some.count,
                    capacity(n, weight(r, r->tensors.at[tensor].root, 0)));
    }
    c2s_vec_free(&all);
    c2s_vec_free(&some);
}

static void build_network(network *n, const c2s_region *r) {
    double sum = 1;
    for (size_t i = 0; i < r->tensors.count; i++)
        sum += 2 * weight(r, r->tensors.at[i].root, 0);
    for (size_t i = 0; i < r->actors.count; i++)
        sum += slowness(r, &r->actors.at[i], 0, 0) + slowness(r, &r->actors.at[i], 1, 0);
    n->unit = (double)(r->actors.count + 1);
    if (sum * n->unit > 0x1p58)
        n->unit = 0x1p58 / sum;
    c2s_cut_init(&n->cut);
    for (size_t i = 0; i < r->actors.count; i++) {
        const c2s_region_actor *actor = &r->actors.at[i];
        const unsigned vertex = n->actor[i] = c2s_cut_add_vertex(&n->cut);
        for (unsigned layout = 0; layout < 2; layout++) {
            /* It stays as it is if that costs the same. */
            const int64_t cost =
                capacity(n, slowness(r, actor, layout, 0)) + (layout != actor->layout ? 1 : 0);
            if (cost > 0)
                c2s_cut_add_edge(&n->cut, vertex, sides[!layout], layout == 0 ? cost : 0,
                                 layout == 0 ? 0 : cost);
        }
    }
    for (size_t i = 0; i < r->tensors.count; i++) {
        const c2s_region_tensor *tensor = &r->tensors.at[i];
        n->tensor[i] = tensor->maker == C2S_MAKER_FREE    ? c2s_cut_add_vertex(&n->cut)
                       : tensor->maker == C2S_MAKER_FIXED ? sides[tensor->chosen]
                                                          : n->actor[tensor->maker];
    }
    connect_readers(n, r);
}

static bool solve(network *n, c2s_region *r) {
    bool *layout;
    const bool solved = c2s_cut_solve(&n->cut, &layout);
    for (size_t i = 0; i < r->actors.count && solved; i++)
        r->actors.at[i].chosen = layout[n->actor[i]];
    for (size_t i = 0; i < r->tensors.count && solved; i++)
        if (n->tensor[i] >= C2S_CUT_FIRST)
            r->tensors.at[i].chosen = layout[n->tensor[i]];
    free(layout);
    return solved;
}

/* ---- what it brings ---- */

static void note_needs(c2s_region *r) {
    for (size_t i = 0; i < r->members.count; i++) {
        const c2s_region_member *member = &r->members.at[i];
        bool *needed = r->tensors.at[member->tensor].needed;
        c2s_value_each_use(use, member->value) {
            const c2s_reading reading = c2s_region_reading(r, use);
            if (reading == C2S_READ_ACTOR)
                needed[c2s_region_actor_of(r, use->user)->chosen] = true;
            else if (reading == C2S_READ_FIXED)
                needed[member->layout] = true;
        }
    }
}

typedef struct bill {
    double cost[2]; /* by stand-in */
    size_t nodes;
} bill;

static void add_tensor(bill *sum, const c2s_region *r, const c2s_value *value) {
    sum->nodes++;
    for (unsigned which = 0; which < 2; which++)
        sum->cost[which] += weight(r, value, which);
}

static void add_actor(bill *sum, const c2s_region *r, const c2s_region_actor *actor,
                      unsigned layout) {
    for (unsigned which = 0; which < 2; which++)
        sum->cost[which] += slowness(r, actor, layout, which);
}

static bill before(const c2s_region *r) {
    bill sum = {{0}, 0};
    for (size_t i = 0; i < r->members.count; i++) {
        const c2s_value *value = r->members.at[i].value;
        if (value->def && c2s_region_is_inner(r, value->def))
            add_tensor(&sum, r, value);
    }
    for (size_t i = 0; i < r->actors.count; i++)
        add_actor(&sum, r, &r->actors.at[i], r->actors.at[i].layout);
    return sum;
}

static bill after(const c2s_region *r) {
    bill sum = {{0}, 0};
    for (size_t i = 0; i < r->tensors.count; i++)
        if (r->tensors.at[i].needed[!r->tensors.at[i].chosen])
            add_tensor(&sum, r, r->tensors.at[i].root);
    for (size_t i = 0; i < r->actors.count; i++)
        add_actor(&sum, r, &r->actors.at[i], r->actors.at[i].chosen);
    for (size_t i = 0; i < r->members.count; i++) {
        const c2s_region_member *member = &r->members.at[i];
        const c2s_region_tensor *tensor = &r->tensors.at[member->tensor];
        if (tensor->chosen == member->layout || tensor->needed[member->layout])
            continue;
        c2s_value_each_use(use, member->value) sum.nodes +=
            use->user->op == &c2s_op_shape; /* and Gather */
    }
    return sum;
}

/* Constants that both layouts read are there twice. */
static size_t bytes_more(const c2s_region *r) {
    size_t sum = 0;
    for (size_t i = 0; i < r->actors.count; i++) {
        const c2s_region_actor *actor = &r->actors.at[i];
        c2s_axis_order order;
        for (unsigned k = 0; k < actor->node->formal_count && actor->chosen != actor->layout; k++)
            if (c2s_relayout_input(actor->node, k, &actor->relayout, &order) ==
                    C2S_FOLLOW_CONSTANT &&
                actor->node->inputs[k].value->use_count > 1)
                sum += c2s_tensor_size(actor->node->inputs[k].value->constant);
    }
    return sum;
}

const char *c2s_region_choose(c2s_region *r) {
    enum { NODE_BYTES = 64 }; /* a node in a file, roughly */
    network n = {0};
    n.actor = c2s_alloc_array(r->actors.count + 1, sizeof *n.actor);
    n.tensor = c2s_alloc_array(r->tensors.count + 1, sizeof *n.tensor);
    for (size_t i = 0; i < r->tensors.count; i++)
        r->tensors.at[i].chosen = c2s_region_member_of(r, r->tensors.at[i].root)->layout;
    build_network(&n, r);
    const bool solved = solve(&n, r);
    c2s_cut_free(&n.cut);
    free(n.actor);
    free(n.tensor);
    if (!solved)
        return "too many ways lead from Transpose to Transpose";
    for (size_t i = 0; i < r->tensors.count; i++)
        if (r->tensors.at[i].maker < r->actors.count)
            r->tensors.at[i].chosen = r->actors.at[r->tensors.at[i].maker].chosen;
    note_needs(r);
    const bill old = before(r), new = after(r);
    if (!(new.cost[0] < old.cost[0] && new.cost[1] < old.cost[1]))
        return "no fewer elements would be moved";
    if (new.nodes > old.nodes)
        return "it would take more nodes";
    if (bytes_more(r) > NODE_BYTES * (old.nodes - new.nodes))
        return "constants would take more bytes";
    return NULL;
}
