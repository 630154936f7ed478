/* SPDX-License-Identifier: Apache-2.0
 *
 * The replacement of a rule of a file. Nodes on constants alone are computed at once.
 */
#include <math.h>
#include <string.h>

#include "ops/op.h"
#include "passes/custom/custom_rule.h"
#include "rewrite/builder.h"

/* Bytes that a computed constant may always take. */
#define LEAST_LIMIT (UINT64_C(1) << 16)

typedef struct construction {
    c2s_builder *b;
    const c2s_match *m;
    const c2s_custom_rule *rule;
    c2s_expr_scene scene;
    c2s_value *local[C2S_CUSTOM_LOCALS];
} construction;

static c2s_status unsupported(const c2s_custom_node *node, const char *what) {
    return c2s_fail(C2S_ERR_UNSUPPORTED, "%s: %s", node->type, what);
}

/* ---- constants ---- */

static c2s_status make_tensor(const c2s_term *t, c2s_dtype dtype, c2s_tensor **out) {
    int64_t integers[C2S_LIST_MOST], count = t->count;
    double numbers[C2S_LIST_MOST];
    int rank = t->kind == C2S_TERM_LIST ? 1 : 0;
    for (unsigned i = 0; i < t->count; i++) {
        integers[i] = t->at[i].integer;
        numbers[i] = t->at[i].number;
    }
    return c2s_term_is_whole(t) ? c2s_tensor_from_i64(dtype, rank, &count, integers, out)
                                : c2s_tensor_from_f64(dtype, rank, &count, numbers, out);
}

static c2s_value *given(const construction *c, const c2s_custom_operand *operand) {
    return operand->kind == C2S_OPERAND_LETTER  ? c->m->value[operand->index]
           : operand->kind == C2S_OPERAND_LOCAL ? c->local[operand->index]
                                                : NULL;
}

/* Lists of whole numbers are int64; other numbers are what the node's first operand with numbers
 * is, or what is replaced. */
static c2s_dtype dtype_for(const construction *c, const c2s_custom_node *node, const c2s_term *t) {
    if (t->typed != C2S_UNDEFINED)
        return t->typed;
    if (t->kind == C2S_TERM_LIST && c2s_term_is_whole(t))
        return C2S_INT64;
    for (unsigned i = 0; i < node->in_count; i++) {
        const c2s_value *value = given(c, &node->in[i]);
        c2s_dtype dtype = value && c2s_type_is_tensor(&value->type) ? value->type.dtype : 0;
        if (c2s_dtype_is_float(dtype) || c2s_dtype_is_integer(dtype))
            return dtype;
    }
    return c->m->root->outputs[0]->type.dtype;
}

static c2s_value *new_constant(construction *c, const c2s_custom_node *node, const c2s_expr *e) {
    c2s_term term;
    c2s_tensor *tensor = NULL;
    c2s_expr_eval(e, &c->scene, &term);
    c2s_status status;
    if (term.kind == C2S_TERM_UNKNOWN)
        status = c2s_fail(C2S_ERR_UNSUPPORTED, "%s: %s", e->source, term.why);
    else if (term.kind != C2S_TERM_SCALAR && term.kind != C2S_TERM_LIST)
        status = c2s_fail(C2S_ERR_UNSUPPORTED, "%s is no number and no list", e->source);
    else if (!c2s_term_fits(&term, dtype_for(c, node, &term)))
        status = c2s_fail(C2S_ERR_UNSUPPORTED, "%s does not fit %s", e->source,
                          c2s_dtype_name(dtype_for(c, node, &term)));
    else
        status = make_tensor(&term, dtype_for(c, node, &term), &tensor);
    c2s_build_ok(c->b, status);
    return tensor ? c2s_build_constant(c->b, c->b->hint, tensor) : NULL;
}

static c2s_value *operand_value(construction *c, const c2s_custom_node *node, unsigned slot) {
    const c2s_custom_operand *operand = &node->in[slot];
    return operand->kind == C2S_OPERAND_NEW ? new_constant(c, node, operand->value)
                                            : given(c, operand);
}

/* ---- attributes ---- */

/* An attribute that is there by its variable alone stays away where the pattern's node has neither
 * it nor a default. */
static bool is_absent(const construction *c, const c2s_expr *e, const c2s_term *value) {
    if (e->kind != C2S_EXPR_ATTR || value->kind != C2S_TERM_UNKNOWN)
        return false;
    const c2s_custom_variable *v = &c->rule->variables.at[e->index];
    return !c2s_attr_has(c->m->node[v->row], v->name);
}

static c2s_status set_attrs(construction *c, const c2s_custom_node *plan, c2s_node *node) {
    if (plan->spread >= 0) {
        const c2s_node *from = c->m->node[plan->spread];
        const c2s_custom_node *pattern = &c->rule->nodes[plan->spread];
        for (unsigned i = 0; i < from->attr_count; i++)
            if (!c2s_custom_names_attr(pattern, from->attrs[i].name) &&
                !c2s_custom_names_attr(plan, from->attrs[i].name))
                c2s_attr_append_shared(node, &from->attrs[i]);
    }
    for (unsigned i = 0; i < plan->attr_count; i++) {
        const c2s_custom_attr *attr = &plan->attrs[i];
        c2s_term term;
        c2s_expr_eval(attr->value, &c->scene, &term);
        if (is_absent(c, attr->value, &term))
            continue;
        if (term.kind == C2S_TERM_UNKNOWN)
            return c2s_fail(C2S_ERR_UNSUPPORTED, "%s: %s", attr->value->source, term.why);
        if ((term.kind != C2S_TERM_SCALAR && term.kind != C2S_TERM_LIST) ||
            !c2s_custom_set_attr(node, attr->name, &term))
            return c2s_fail(C2S_ERR_UNSUPPORTED, "%s does not fit attribute %s of %s",
                            attr->value->source, attr->name, plan->type);
    }
    return C2S_OK;
}

/* ---- nodes ---- */

static bool is_on_constants(const c2s_node *node) {
    for (unsigned i = 0; i < node->formal_count; i++)
        if (node->inputs[i].value && !node->inputs[i].value->constant)
            return false;
    return node->formal_count > 0 && node->op->eval && !c2s_node_is_random(node);
}

/* The constant of the model whose name the result may take; NULL: none. */
static c2s_value *ancestor(const construction *c, const c2s_custom_node *plan) {
    for (unsigned i = 0; i < plan->in_count; i++)
        if (plan->in[i].kind == C2S_OPERAND_LETTER && c->m->value[plan->in[i].index])
            return c->m->value[plan->in[i].index];
    return NULL;
}

/* What the result may take: a weight may change its type, but none is blown up. */
static uint64_t size_limit(const c2s_node *node) {
    uint64_t bytes = 0;
    for (unsigned i = 0; i < node->formal_count; i++)
        if (node->inputs[i].value)
            bytes += c2s_tensor_size(node->inputs[i].value->constant);
    return LEAST_LIMIT + (bytes < UINT64_MAX / 8 ? 4 * bytes : bytes);
}

/* The last node built becomes the constants that it computes. */
static c2s_status compute(construction *c, const c2s_custom_node *plan, c2s_node *node) {
    const c2s_tensor *in[C2S_CUSTOM_OPERANDS];
    c2s_tensor *out[1 + C2S_PATTERN_FURTHER] = {NULL};
    for (unsigned i = 0; i < node->formal_count; i++)
        in[i] = node->inputs[i].value ? node->inputs[i].value->constant : NULL;
    c2s_status status = c2s_node_eval(node, in, out, NULL, size_limit(node));
    if (status == C2S_ERR_MEMORY)
        return unsupported(plan, "its result would be much larger than what it is made of");
    C2S_TRY(status);
    c2s_value *old = ancestor(c, plan);
    for (unsigned k = 0; k < plan->out_count; k++) {
        if (!out[k] || out[k]->type.kind != C2S_KIND_TENSOR) {
            c2s_tensor_unref(out[k]);
            c2s_build_ok(c->b, unsupported(plan, "it makes no tensor of constants"));
        } else if (old && k == 0) {
            c->local[plan->out[k]] = c2s_build_constant_like(c->b, old, out[k]);
        } else {
            c->local[plan->out[k]] = c2s_build_constant(c->b, c->b->hint, out[k]);
        }
    }
    (void)c2s_vec_pop(&c->b->built);
    c2s_node_remove(node);
    return c->b->status;
}

static c2s_status build_node(construction *c, const c2s_custom_node *plan) {
    c2s_value *in[C2S_CUSTOM_OPERANDS];
    for (unsigned i = 0; i < plan->in_count; i++)
        in[i] = operand_value(c, plan, i);
    if (c->b->status != C2S_OK)
        return c->b->status;
    if (plan->op == &c2s_op_identity) { /* a name for what there is */
        c->local[plan->out[0]] = in[0];
        return in[0] ? C2S_OK : unsupported(plan, "its operand is left out");
    }
    c2s_node *node = c2s_build_start(c->b, plan->type, in, plan->in_count);
    if (plan->domain[0])
        c2s_node_set_type(node, plan->domain, plan->type);
    for (unsigned k = 1; k < plan->out_count; k++)
        c2s_node_add_output(node, c->b->hint);
    c2s_node_trim_inputs(node);
    C2S_TRY(set_attrs(c, plan, node));
    C2S_TRY(c2s_node_infer(node));
    if (is_on_constants(node))
        return compute(c, plan, node);
    for (unsigned k = 0; k < plan->out_count; k++)
        c->local[plan->out[k]] = node->outputs[k];
    return C2S_OK;
}

/* The value of the replacement that has the name of a letter. */
static c2s_value *result(const construction *c, unsigned letter) {
    for (unsigned i = 0; i < c->rule->local_count; i++)
        if (strcmp(c->rule->local[i], c->rule->letter[letter]) == 0)
            return c->local[i];
    return NULL;
}

static void import_domains(c2s_model *model, const c2s_custom_rule *rule) {
    for (size_t i = 0; i < rule->built.count; i++) {
        const char *domain = rule->built.at[i].domain;
        if (c2s_model_opset(model, domain) == 0)
            c2s_model_set_opset(model, domain, 1);
    }
}

c2s_value *c2s_custom_build(c2s_builder *b, const c2s_match *m) {
    const c2s_custom_rule *rule = (const c2s_custom_rule *)m->rule;
    construction c = {.b = b, .m = m, .rule = rule, .scene = c2s_custom_scene(m)};
    for (unsigned i = 0; i < rule->constant_count; i++)
        c.local[i] = c2s_build_constant(b, rule->local[i], c2s_tensor_ref(rule->constants[i]));
    for (size_t i = 0; i < rule->built.count && b->status == C2S_OK; i++)
        c2s_build_ok(b, build_node(&c, &rule->built.at[i]));
    if (b->status != C2S_OK)
        return NULL;
    const c2s_custom_node *root = &rule->nodes[rule->rule.row_count - 1];
    for (unsigned k = 1; k < root->out_count; k++)
        if (root->out[k] && (rule->rule.results & C2S_BIT(root->out[k])))
            b->further[k - 1] = result(&c, root->out[k]);
    import_domains(b->graph->model, rule);
    return result(&c, root->out[0]);
}
