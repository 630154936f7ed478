/* SPDX-License-Identifier: Apache-2.0 */
#include "rewrite/rewrite.h"

#include <stdio.h>
#include <string.h>

#include "base/map.h"
#include "ir/graph_list.h"
#include "ops/op_form.h"
#include "rewrite/builder.h"

/* Rules that can have a node of one operator as root, in the caller's order. */
typedef struct c2s_rule_list {
    C2S_VEC(const c2s_rule *) rules;
} rule_list;

typedef struct driver {
    c2s_model *model;
    c2s_stats *stats;
    c2s_map rules_of; /* op -> rule_list */
    C2S_VEC(rule_list *) lists;
    unsigned depth;          /* rows of the longest pattern */
    C2S_VEC(unsigned) queue; /* node ids; `head` is the next */
    size_t head;
    C2S_VEC(bool) queued; /* by node id */
    c2s_map refused;      /* hash of node, rule and reason -> itself: each is said once */
    unsigned most;        /* rewrites, by when there must be an end */
} driver;

/* How many nodes behind the direct users of a change are looked at again. What that misses is
 * found in the next round. */
#define FORWARD_BUDGET 64u
/* Every round but the last one rewrites something; a rule set that undoes itself must end, and so
 * must a rule that takes its own result. */
#define MAX_ROUNDS        16u
#define REWRITES_PER_NODE 64u
#define LEAST_REWRITES    1000u

static void index_rule(driver *d, const c2s_op *op, const c2s_rule *rule) {
    rule_list *list = c2s_map_get(&d->rules_of, op);
    if (!list) {
        list = c2s_zalloc(sizeof *list);
        c2s_vec_push(&d->lists, list);
        c2s_map_put(&d->rules_of, op, list);
    }
    c2s_vec_push(&list->rules, rule);
}

static void index_rules(driver *d, const c2s_rule *const *rules) {
    for (; *rules; rules++) {
        const c2s_pattern_row *root = &(*rules)->rows[(*rules)->row_count - 1];
        if ((*rules)->row_count > d->depth)
            d->depth = (*rules)->row_count;
        if (root->op)
            index_rule(d, root->op, *rules);
        else
            for (const c2s_op *const *op = root->any_of; *op; op++)
                index_rule(d, *op, *rules);
    }
}

static void enqueue(driver *d, const c2s_node *node) {
    if (node == node->graph->entry || node == node->graph->exit)
        return;
    while (d->queued.count <= node->id)
        c2s_vec_push(&d->queued, false);
    if (d->queued.at[node->id])
        return;
    d->queued.at[node->id] = true;
    c2s_vec_push(&d->queue, node->id);
}

/* Queues the nodes whose match could reach `value`: its users and what follows them. */
static void enqueue_users(driver *d, const c2s_value *value, unsigned depth, unsigned *budget) {
    c2s_value_each_use(use, value) {
        enqueue(d, use->user);
        for (unsigned i = 0; depth > 1 && i<use->user->output_count && * budget> 0; i++) {
            const c2s_value *next = use->user->outputs[i];
            if (next && next->graph == value->graph && use->user != value->graph->exit) {
                (*budget)--;
                enqueue_users(d, next, depth - 1, budget);
            }
        }
    }
}

static void enqueue_all(driver *d, c2s_graph *graph) {
    c2s_graph_list graphs = {0};
    c2s_graph_list_add(&graphs, graph);
    for (size_t i = 0; i < graphs.count; i++)
        for (c2s_node *node = graphs.at[i]->first; node; node = node->next)
            if (c2s_map_get(&d->rules_of, node->op))
                enqueue(d, node);
    c2s_vec_free(&graphs);
}

bool c2s_rewrite_needs_identity(const c2s_value *old, const c2s_value *value) {
    if (!c2s_value_is_output(old))
        return false;
    bool outside = value->def == value->graph->entry || (!value->def && value->graph->owner);
    return outside || c2s_value_is_output(value);
}

void c2s_rewrite_replace(c2s_value *old, c2s_value *value) {
    if (c2s_rewrite_needs_identity(old, value)) {
        /* Other users go to the value itself; the outputs share one node. */
        c2s_node *identity = c2s_node_create(old->graph, NULL, "", "Identity", 1, 1);
        c2s_value *output = identity->outputs[0];
        c2s_type type = old->type;
        c2s_value_set_type(output, &type);
        for (unsigned i = 0; i < old->graph->exit->input_count; i++)
            if (old->graph->exit->inputs[i].value == old)
                c2s_use_set(&old->graph->exit->inputs[i], output);
        c2s_use_set(&identity->inputs[0], value);
    }
    if (old->use_count > 0)
        c2s_value_replace(old, value);
}

static bool is_used(const c2s_node *node) {
    if (node == node->graph->entry || node == node->graph->exit)
        return true;
    for (unsigned i = 0; i < node->output_count; i++)
        if (node->outputs[i] && node->outputs[i]->use_count > 0)
            return true;
    return false;
}

/* Removes the node with this id if none of its outputs is used, and then what only it used. */
static void remove_dead(driver *d, unsigned id) {
    C2S_VEC(unsigned) stack = {0};
    C2S_VEC(c2s_value *) operands = {0};
    c2s_vec_push(&stack, id);
    while (stack.count > 0) {
        c2s_node *node = d->model->nodes.at[c2s_vec_pop(&stack)];
        if (!node || is_used(node))
            continue;
        c2s_vec_clear(&operands);
        for (unsigned i = 0; i < node->input_count; i++)
            if (node->inputs[i].value)
                c2s_vec_push(&operands, node->inputs[i].value);
        c2s_stats_removed(d->stats, node);
        c2s_node_remove(node);
        for (size_t i = 0; i < operands.count; i++) {
            c2s_value *value = operands.at[i];
            unsigned budget = FORWARD_BUDGET;
            if (value->use_count == 0 && value->def)
                c2s_vec_push(&stack, value->def->id);
            else if (value->use_count == 1) /* patterns may fit now that did not */
                enqueue_users(d, value, d->depth, &budget);
        }
    }
    c2s_vec_free(&operands);
    c2s_vec_free(&stack);
}

/* The replacement takes over what users know the old value by; the old one is gone. */
static void inherit_name(const c2s_builder *b, c2s_value *value, const char *name,
                         const char *node_name, const void *origin) {
    bool built = false;
    for (size_t i = 0; i < b->built.count && !built; i++)
        built = b->built.at[i] == value->def;
    if (!built)
        return;
    c2s_value_set_name(value, name);
    if (!value->origin)
        value->origin = origin;
    if (!value->def->name || !*value->def->name)
        value->def->name = node_name;
}

/* Longer histories end in "...": each rewrite of a long chain repeats those before it. */
enum { LONGEST_HISTORY = 600 };

/* "conv-bn(conv1, bn1)": by which rule out of which nodes the new ones came; a node that was made
 * by a rewrite stands for what it was made of. */
static void write_history(const c2s_rule *rule, c2s_builder *b, const c2s_match *m) {
    char text[LONGEST_HISTORY + 1];
    size_t length = (size_t)snprintf(text, sizeof text, "%.60s(", rule->name);
    for (unsigned r = 0; r < m->node_count && length < sizeof text; r++) {
        const c2s_node *node = m->node[r];
        const char *name = node->history ? node->history : c2s_node_name(node);
        int more = snprintf(text + length, sizeof text - length, "%s%s", r ? ", " : "", name);
        length += (size_t)(more > 0 ? more : 0);
    }
    if (length + 1 < sizeof text)
        memcpy(text + length, ")", 2);
    else
        memcpy(text + sizeof text - 4, "...", 4);
    for (size_t i = 0; i < b->built.count; i++)
        b->built.at[i]->history = c2s_name_intern(b->graph->model->names, text);
}

/* What replaces an output of the root; NULL: nothing. */
static c2s_value *replacement(const c2s_builder *b, c2s_value *first, unsigned slot) {
    return slot == 0 ? first : slot <= C2S_PATTERN_FURTHER ? b->further[slot - 1] : NULL;
}

/* What users know of an output of the root by the time that the root is gone. */
typedef struct heritage {
    c2s_value *value; /* that takes its place; NULL: nothing does */
    const char *name;
    const void *origin;
} heritage;

static void commit(driver *d, c2s_builder *b, const c2s_match *m, c2s_value *value) {
    heritage of[1 + C2S_PATTERN_FURTHER] = {{0}};
    const char *node_name = m->root->name;
    unsigned ids[C2S_PATTERN_ROWS], budget = FORWARD_BUDGET, root_id = m->root->id;
    for (unsigned r = 0; r < m->node_count; r++)
        ids[r] = m->node[r]->id;
    for (size_t i = 0; i < b->built.count; i++)
        enqueue(d, b->built.at[i]);
    for (unsigned i = 0; i < m->root->output_count && i <= C2S_PATTERN_FURTHER; i++) {
        c2s_value *old = m->root->outputs[i], *by = replacement(b, value, i);
        if (!old || !by)
            continue;
        of[i] = (heritage){by, old->name, old->origin};
        enqueue_users(d, old, d->depth, &budget);
        c2s_rewrite_replace(old, by);
    }
    for (size_t i = 0; i + 1 < b->replaced.count; i += 2) {
        enqueue_users(d, b->replaced.at[i], d->depth, &budget);
        c2s_rewrite_replace(b->replaced.at[i], b->replaced.at[i + 1]);
    }
    /* From the root upwards: a node is dead once its users are gone. */
    for (unsigned r = m->node_count; r-- > 0;)
        remove_dead(d, ids[r]);
    c2s_build_pass_names_on(b);
    for (unsigned i = 0; i <= C2S_PATTERN_FURTHER && !d->model->nodes.at[root_id]; i++)
        if (of[i].value && of[i].value->def)
            inherit_name(b, of[i].value, of[i].name, node_name, of[i].origin);
}

/* What the old value promised stays true: a contradiction is a wrong rule, not a wrong model. */
static c2s_status keep_type(c2s_dims *dims, const c2s_value *old, c2s_value *value) {
    char before[120], after[120];
    c2s_type type = value ? value->type : c2s_type_unknown();
    if (!value || value == old || !c2s_type_merge(&type, &old->type))
        return c2s_fail(C2S_ERR_UNSUPPORTED, "the result would have another type, %s instead of %s",
                        c2s_type_text(dims, &type, after, sizeof after),
                        c2s_type_text(dims, &old->type, before, sizeof before));
    if (!c2s_type_equal(&type, &value->type) && value->def && value->def != value->graph->entry)
        c2s_value_set_type(value, &type);
    return C2S_OK;
}

static c2s_status keep_types(const c2s_builder *b, const c2s_match *m, c2s_value *first) {
    for (unsigned i = 0; i < m->root->output_count; i++) {
        const c2s_value *old = m->root->outputs[i];
        if (old && (i == 0 || old->use_count > 0))
            C2S_TRY(keep_type(b->graph->model->dims, old, replacement(b, first, i)));
    }
    return C2S_OK;
}

/* Inference takes the forms and types of all opsets; the model has one. A node that the model had
 * may break its rules before and after. */
static c2s_status keep_forms(const c2s_builder *b, const c2s_match *m) {
    for (size_t i = 0; i < b->built.count && !c2s_graph_is_function(b->graph); i++) {
        const c2s_node *node = b->built.at[i];
        const int64_t opset = c2s_model_opset(b->graph->model, node->domain);
        if (opset == 0 || c2s_op_form_check(node, opset) == C2S_OK)
            continue;
        bool had = false;
        for (unsigned r = 0; r < m->node_count && !had; r++)
            had = m->node[r] && m->node[r]->op == node->op &&
                  c2s_op_form_check(m->node[r], opset) != C2S_OK;
        if (!had) {
            c2s_status status = c2s_op_form_check(node, opset);
            c2s_note("%s", node->type);
            return status;
        }
        c2s_error_clear();
    }
    return C2S_OK;
}

static void looked_at(driver *d, const c2s_match *m) {
    for (unsigned r = 0; r < m->node_count && d->stats->trace; r++)
        if (m->node[r])
            c2s_stats_looked(d->stats, m->node[r]);
}

static void refuse(driver *d, const c2s_rule *rule, const c2s_match *m, const char *reason) {
    uint64_t key = c2s_hash_mix(c2s_hash_mix(m->root->id, (uint64_t)(uintptr_t)rule),
                                c2s_hash_bytes(reason, strlen(reason), 0));
    if (c2s_map_get_u64(&d->refused, key))
        return;
    c2s_map_put_u64(&d->refused, key, d);
    c2s_stats_refuse(d->stats, rule->name, c2s_node_text(m->root), reason);
    looked_at(d, m);
}

/* A place that the user, or a proof, wants to be left alone. */
static bool is_skipped(driver *d, const c2s_rule *rule, const c2s_match *m) {
    if (d->stats->skip_count == 0)
        return false;
    uint64_t key = c2s_hash_mix(c2s_hash_mix(m->root->id, (uint64_t)(uintptr_t)rule), 1);
    if (c2s_map_get_u64(&d->refused, key))
        return true;
    if (!c2s_stats_skips(d->stats, rule->name, c2s_node_text(m->root)))
        return false;
    c2s_map_put_u64(&d->refused, key, d);
    looked_at(d, m);
    return true;
}

/* One rule at one node. *applied: the node may be gone. */
static c2s_status try_rule(driver *d, const c2s_rule *rule, c2s_node *node, bool *applied) {
    c2s_match m;
    const char *reason = NULL;
    if (!c2s_rule_match(rule, node, &m, &reason)) {
        if (reason)
            refuse(d, rule, &m, reason);
        return C2S_OK;
    }
    if (is_skipped(d, rule, &m))
        return C2S_OK;
    c2s_builder b = {.graph = node->graph, .before = node, .hint = node->outputs[0]->name};
    c2s_value *value = rule->build(&b, &m);
    c2s_status status = b.status;
    if (status == C2S_OK)
        status = keep_forms(&b, &m);
    if (status == C2S_OK)
        status = keep_types(&b, &m, value);
    if (status != C2S_OK) {
        c2s_build_undo(&b);
        if (status != C2S_ERR_MEMORY) {
            refuse(d, rule, &m, c2s_error());
            status = C2S_OK;
        }
    } else if (c2s_rewrite_needs_identity(node->outputs[0], value) && b.built.count == 0 &&
               m.node_count == 1) {
        /* One node would become one Identity node. */
    } else {
        if (d->stats->rewrites == d->most) {
            c2s_build_undo(&b);
            c2s_build_end(&b);
            d->stats->endless = rule->name;
            return c2s_fail(C2S_ERR_UNSUPPORTED, "%s finds no end at %s", rule->name,
                            c2s_node_text(node));
        }
        c2s_stats_apply(d->stats, rule->name, c2s_node_text(node));
        looked_at(d, &m);
        if (d->stats->annotate)
            write_history(rule, &b, &m);
        commit(d, &b, &m, value);
        *applied = true;
    }
    c2s_build_end(&b);
    return status;
}

static c2s_status drain(driver *d) {
    while (d->head < d->queue.count && c2s_stats_may_apply(d->stats)) {
        unsigned id = d->queue.at[d->head++];
        d->queued.at[id] = false;
        c2s_node *node = d->model->nodes.at[id];
        rule_list *list = node ? c2s_map_get(&d->rules_of, node->op) : NULL;
        bool applied = false;
        for (size_t i = 0; list && i < list->rules.count && !applied; i++)
            C2S_TRY(try_rule(d, list->rules.at[i], node, &applied));
        if (applied && d->model->nodes.at[id])
            enqueue(d, d->model->nodes.at[id]);
    }
    return C2S_OK;
}

static void driver_free(driver *d) {
    for (size_t i = 0; i < d->lists.count; i++) {
        c2s_vec_free(&d->lists.at[i]->rules);
        free(d->lists.at[i]);
    }
    c2s_vec_free(&d->lists);
    c2s_vec_free(&d->queue);
    c2s_vec_free(&d->queued);
    c2s_map_free(&d->rules_of);
    c2s_map_free(&d->refused);
}

c2s_status c2s_rewrite(c2s_graph *graph, const c2s_rule *const *rules, c2s_stats *stats) {
    driver d = {.model = graph->model, .stats = stats};
    index_rules(&d, rules);
    uint64_t most =
        stats->rewrites + LEAST_REWRITES + (uint64_t)REWRITES_PER_NODE * graph->model->nodes.count;
    d.most = most < UINT_MAX ? (unsigned)most : UINT_MAX;
    c2s_status status = C2S_OK;
    unsigned before;
    unsigned round = 0;
    do {
        before = stats->rewrites;
        c2s_vec_clear(&d.queue);
        d.head = 0;
        for (size_t i = 0; i < d.queued.count; i++)
            d.queued.at[i] = false;
        enqueue_all(&d, graph);
        status = drain(&d);
    } while (status == C2S_OK && stats->rewrites > before && c2s_stats_may_apply(stats) &&
             ++round < MAX_ROUNDS);
    driver_free(&d);
    return status;
}
