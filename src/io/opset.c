/* SPDX-License-Identifier: Apache-2.0 */
#include "io/opset.h"

#include <string.h>

#include "base/map.h"
#include "io/opset_rows.h"
#include "ir/clone.h"
#include "ops/op.h"
#include "ops/op_form.h"

typedef struct conversion {
    c2s_raise r; /* r.opset: where the graph comes from */
    int64_t to;
    c2s_map done; /* nodes */
    unsigned rewrites;
} conversion;

/* ---- one node ---- */

/* The next row of the node's type on the way from `at`, which is excluded, to c->to. */
static const c2s_opset_row *next_row(const conversion *c, const c2s_node *node, int64_t at) {
    size_t low = 0, count;
    const c2s_opset_row *rows = c2s_opset_rows(&count), *found = NULL;
    const bool up = c->to > c->r.opset;
    for (size_t high = count; low < high;) {
        const size_t middle = low + (high - low) / 2;
        if (strcmp(rows[middle].type, node->type) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    for (; low < count && strcmp(rows[low].type, node->type) == 0; low++) {
        const c2s_opset_row *row = &rows[low];
        if (up && !found && row->raise && row->since > at && row->since <= c->to)
            found = row;
        else if (!up && row->lower && row->since < at && row->since > c->to)
            found = row;
    }
    return found;
}

/* Types of what was built before the node. The node itself may have a form that only the other
 * opset knows; its results keep their types. */
static c2s_status infer_between(const c2s_node *prev, const c2s_node *node) {
    for (c2s_node *each = prev ? prev->next : node->graph->first; each != node; each = each->next)
        C2S_TRY(c2s_node_infer(each));
    return C2S_OK;
}

static bool is_used(const c2s_node *node) {
    for (unsigned i = 0; i < node->output_count; i++)
        if (node->outputs[i] && node->outputs[i]->use_count)
            return true;
    return false;
}

static c2s_status apply_rows(conversion *c, c2s_node *node) {
    const bool up = c->to > c->r.opset;
    const c2s_opset_row *row;
    int64_t at = c->r.opset + (!up && c->r.opset < INT64_MAX);
    for (; (row = next_row(c, node, at)) != NULL; at = row->since) {
        const c2s_node *prev = node->prev;
        C2S_TRY((up ? row->raise : row->lower)(&c->r, node));
        C2S_TRY(infer_between(prev, node));
    }
    return up || !is_used(node) ? C2S_OK : c2s_op_form_adapt(node, c->r.opset, c->to);
}

/* What shows that a row did something to its node. */
typedef struct snapshot {
    const char *type;
    c2s_attr attrs[16];
    unsigned attr_count, formal_count;
    const c2s_node *prev, *next;
    c2s_value *inputs[8];
} snapshot;

static void look_at(const c2s_node *node, snapshot *s) {
    memset(s, 0, sizeof *s); /* padding is compared, too */
    s->type = node->type;
    s->attr_count = node->attr_count;
    s->formal_count = node->formal_count;
    s->prev = node->prev;
    s->next = node->next;
    for (unsigned i = 0; i < node->attr_count && i < 16; i++)
        memcpy(&s->attrs[i], &node->attrs[i], sizeof s->attrs[i]);
    for (unsigned i = 0; i < node->formal_count && i < 8; i++)
        s->inputs[i] = node->inputs[i].value;
}

static c2s_status convert_node(conversion *c, c2s_node *node) {
    if (node->domain[0])
        return C2S_OK;
    c2s_constant_know(node); /* rows ask for constants; a function's were not known */
    snapshot before, after;
    look_at(node, &before);
    C2S_TRY(apply_rows(c, node));
    look_at(node, &after);
    c->rewrites += memcmp(&before, &after, sizeof before) != 0;
    return C2S_OK;
}

/* ---- graphs ---- */

static c2s_status convert_graph(conversion *c, c2s_graph *graph) {
    for (c2s_node *node = graph->first; node;) {
        if (c2s_map_get(&c->done, node)) {
            node = node->next;
            continue;
        }
        c2s_map_put(&c->done, node, c);
        c2s_graph *body;
        c2s_status status = C2S_OK;
        for (unsigned i = 0; status == C2S_OK && (body = c2s_node_body(node, i)) != NULL; i++)
            status = convert_graph(c, body);
        c2s_node *prev = node->prev;
        if (status == C2S_OK)
            status = convert_node(c, node);
        c2s_node *start = prev ? prev->next : graph->first; /* back to what was built before it */
        if (status != C2S_OK) {
            c2s_note("%s", c2s_node_text(node));
            return status;
        }
        node = start == node ? node->next : start;
    }
    return C2S_OK;
}

static c2s_status convert(conversion *c, c2s_graph *graph, int64_t from, int64_t to) {
    if (from == to)
        return C2S_OK;
    c->r.opset = from;
    c->to = to;
    c2s_status status = convert_graph(c, graph);
    c2s_map_free(&c->done);
    c->done = (c2s_map){0};
    return status;
}

/* ---- functions ---- */

static c2s_opset *opset_of(c2s_function *function) {
    for (size_t i = 0; i < function->opsets.count; i++)
        if (!function->opsets.at[i].domain[0])
            return &function->opsets.at[i];
    return NULL;
}

static void set_opset(c2s_opset *opset, int64_t version) {
    if (opset->version == version)
        return;
    opset->version = version;
    opset->origin = NULL;
}

static c2s_status raise_functions(conversion *c, int64_t opset) {
    for (size_t i = 0; i < c->r.model->functions.count; i++) {
        c2s_function *function = c->r.model->functions.at[i];
        c2s_opset *own = opset_of(function);
        if (!own || own->version >= opset)
            continue;
        c2s_status status = convert(c, function->graph, own->version, opset);
        if (status != C2S_OK) {
            c2s_note("function \"%s\"", function->name);
            return status;
        }
        set_opset(own, opset);
    }
    return C2S_OK;
}

bool c2s_graph_is_same(const c2s_graph *graph, int64_t a, int64_t b) {
    for (const c2s_node *node = graph->first; node; node = node->next) {
        if (!c2s_op_form_is_same(node, a, b))
            return false;
        c2s_graph *body;
        for (unsigned i = 0; (body = c2s_node_body(node, i)) != NULL; i++)
            if (!c2s_graph_is_same(body, a, b))
                return false;
    }
    return true;
}

/* A function has no types to go by. One whose operators did not change between the opsets stays,
 * else all calls are expanded. */
static c2s_status lower_functions(c2s_model *model, int64_t from, int64_t to) {
    bool same = true;
    for (size_t i = 0; i < model->functions.count; i++)
        same = same && c2s_graph_is_same(model->functions.at[i]->graph, from, to);
    for (size_t i = 0; same && i < model->functions.count; i++)
        if (opset_of(model->functions.at[i]))
            set_opset(opset_of(model->functions.at[i]), to);
    if (same)
        return C2S_OK;
    C2S_TRY(c2s_model_inline(model, 0));
    while (model->functions.count > 0)
        c2s_function_remove(model, model->functions.count - 1);
    return c2s_graph_infer(model->graph);
}

/* ---- the model ---- */

int64_t c2s_opset_ir_version(int64_t opset) {
    static const struct {
        int opset, ir;
    } came[] = {{25, 13}, {24, 12}, {23, 11}, {21, 10}, {19, 9},
                {15, 8},  {12, 7},  {11, 6},  {10, 5},  {9, 4}};
    for (size_t i = 0; i < sizeof came / sizeof came[0]; i++)
        if (opset >= came[i].opset)
            return came[i].ir;
    return 3;
}

static int64_t newest_import(const c2s_model *model, int64_t own) {
    for (size_t i = 0; i < model->functions.count; i++) {
        const c2s_opset *opset = opset_of(model->functions.at[i]);
        if (opset && opset->version > own)
            own = opset->version;
    }
    return own;
}

static c2s_status convert_model(conversion *c, int64_t from, int64_t to) {
    c2s_model *model = c->r.model;
    const int64_t top = newest_import(model, from > to ? from : to);
    C2S_TRY(convert(c, model->graph, from, top));
    C2S_TRY(raise_functions(c, top));
    if (top == to)
        return C2S_OK;
    C2S_TRY(lower_functions(model, top, to));
    return convert(c, model->graph, top, to);
}

c2s_status c2s_graph_raise_opset(c2s_graph *graph, int64_t from, int64_t to) {
    conversion c = {.r = {.model = graph->model, .needs = to}};
    return from < to ? convert(&c, graph, from, to) : C2S_OK;
}

c2s_status c2s_model_convert_opset(c2s_model *model, int64_t opset, unsigned *rewrites) {
    const int64_t imported = c2s_model_opset(model, ""), from = imported ? imported : opset;
    conversion c = {.r = {.model = model, .needs = opset}};
    C2S_TRY(convert_model(&c, from, opset));
    if (rewrites)
        *rewrites = c.rewrites;
    const int64_t ir = c2s_opset_ir_version(opset);
    if (imported == opset)
        return C2S_OK;
    c2s_model_set_opset(model, "", opset);
    if (opset > from ? model->ir_version < ir : model->ir_version > ir)
        model->ir_version = ir;
    return C2S_OK;
}
