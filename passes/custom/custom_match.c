/* SPDX-License-Identifier: Apache-2.0
 *
 * What a rule of a file asks of a match beyond operators and edges.
 */
#include <stdio.h>
#include <string.h>

#include "ops/op.h"
#include "passes/custom/custom_rule.h"

static const c2s_custom_rule *rule_of(const c2s_match *m) {
    return (const c2s_custom_rule *)m->rule;
}

/* ---- the scene ---- */

static void scene_attr(const c2s_expr_scene *scene, unsigned index, c2s_term *out) {
    const c2s_custom_variable *variable = &rule_of(scene->match)->variables.at[index];
    c2s_custom_attr_term(scene->match->node[variable->row], variable->name, out);
}

static void scene_dim(const c2s_expr_scene *scene, unsigned index, c2s_term *out) {
    const c2s_custom_extent *extent = &rule_of(scene->match)->extents.at[index];
    const c2s_value *value = scene->match->value[extent->letter];
    if (value && c2s_type_is_tensor(&value->type) && extent->axis < value->type.rank)
        c2s_term_set_int(out, value->type.dim[extent->axis]);
    else
        c2s_term_set_unknown(out, "a shape is not known");
}

c2s_expr_scene c2s_custom_scene(const c2s_match *match) {
    return (c2s_expr_scene){match, match->root->graph->model->dims, scene_attr, scene_dim};
}

/* ---- checks ---- */

typedef struct check {
    const c2s_match *m;
    const c2s_custom_rule *rule;
    c2s_expr_scene scene;
    char *text; /* for a reason */
    size_t size;
} check;

static bool holds(const c2s_term *t) {
    return t->kind == C2S_TERM_TRUTH && t->truth;
}

static const char *refuse_inputs(check *c, unsigned row) {
    const c2s_node *node = c->m->node[row];
    const c2s_pattern_row *in = &c->rule->rows[row];
    for (unsigned k = 0; k < node->formal_count; k++) {
        bool named = k < C2S_PATTERN_INPUTS && C2S_LETTER(in->in[k]);
        if (named || !c2s_node_in(node, k))
            continue;
        snprintf(c->text, c->size, "%s has an input %u that the pattern has not", node->type,
                 k + 1);
        return c->text;
    }
    return NULL;
}

static const char *refuse_attr(check *c, unsigned row, const c2s_custom_attr *attr) {
    c2s_term found, wanted, equal;
    char found_text[80], wanted_text[80];
    if (!attr->value)
        return NULL;
    c2s_custom_attr_term(c->m->node[row], attr->name, &found);
    c2s_expr_eval(attr->value, &c->scene, &wanted);
    c2s_term_compare('=', &found, &wanted, &equal);
    if (holds(&equal))
        return NULL;
    snprintf(c->text, c->size, "%s of %s is %s, expected %s", attr->name, c->m->node[row]->type,
             c2s_term_text(c->scene.dims, &found, found_text, sizeof found_text),
             c2s_term_text(c->scene.dims, &wanted, wanted_text, sizeof wanted_text));
    return c->text;
}

/* Attributes that nobody asked about must be as if they were not there. */
static const char *refuse_other_attrs(check *c, unsigned row) {
    const c2s_node *node = c->m->node[row];
    const c2s_custom_node *pattern = &c->rule->nodes[row];
    c2s_term found, usual, equal;
    for (unsigned i = 0; i < node->attr_count && !pattern->open; i++) {
        if (c2s_custom_names_attr(pattern, node->attrs[i].name))
            continue;
        c2s_custom_term_of(&node->attrs[i], &found);
        c2s_custom_default_term(node, node->attrs[i].name, &usual);
        c2s_term_compare('=', &found, &usual, &equal);
        if (holds(&equal))
            continue;
        snprintf(c->text, c->size, "%s has the attribute %s, which the pattern does not name",
                 node->type, node->attrs[i].name);
        return c->text;
    }
    return NULL;
}

static const char *refuse_row(check *c, unsigned row) {
    const c2s_custom_node *pattern = &c->rule->nodes[row];
    const char *reason = refuse_inputs(c, row);
    for (unsigned i = 0; i < pattern->attr_count && !reason; i++)
        reason = refuse_attr(c, row, &pattern->attrs[i]);
    return reason ? reason : refuse_other_attrs(c, row);
}

static bool axis_fits(check *c, const c2s_custom_type *type, int axis, c2s_dim extent) {
    c2s_term first;
    switch (type->axis[axis].kind) {
    case C2S_AXIS_KNOWN:
        return extent == type->axis[axis].extent;
    case C2S_AXIS_NAMED:
        scene_dim(&c->scene, type->axis[axis].name, &first);
        return first.kind == C2S_TERM_SCALAR && first.at[0].integer == extent;
    default:
        return true;
    }
}

static const char *refuse_type(check *c, const c2s_custom_type *type) {
    const c2s_value *value = c->m->value[type->letter];
    if (!value)
        return NULL;
    char text[160];
    bool fits = c2s_type_is_tensor(&value->type) &&
                (type->dtype == C2S_UNDEFINED || type->dtype == value->type.dtype) &&
                (type->rank < 0 || type->rank == value->type.rank);
    for (int i = 0; i < type->rank && fits; i++)
        fits = axis_fits(c, type, i, value->type.dim[i]);
    if (fits)
        return NULL;
    snprintf(c->text, c->size, "the type of %s is %s", c->rule->letter[type->letter],
             c2s_type_text(c->scene.dims, &value->type, text, sizeof text));
    return c->text;
}

/* A constant that the pattern writes out is part of it: where it is another one, it is no match. */
static bool literal_fits(check *c, const c2s_custom_literal *literal) {
    const c2s_expr content = {.kind = C2S_EXPR_VALUE, .index = literal->letter};
    c2s_term found, wanted, equal;
    if (!c->m->value[literal->letter]->constant)
        return false;
    c2s_expr_eval(&content, &c->scene, &found);
    c2s_expr_eval(literal->value, &c->scene, &wanted);
    c2s_term_compare('=', &found, &wanted, &equal);
    return holds(&equal) && (wanted.typed == C2S_UNDEFINED ||
                             wanted.typed == c->m->value[literal->letter]->constant->type.dtype);
}

static const char *refuse_condition(check *c, const c2s_expr *condition) {
    c2s_term term;
    c2s_expr_eval(condition, &c->scene, &term);
    if (holds(&term))
        return NULL;
    if (term.kind == C2S_TERM_UNKNOWN)
        snprintf(c->text, c->size, "%.120s: %s", condition->source, term.why);
    else if (term.kind == C2S_TERM_TRUTH)
        snprintf(c->text, c->size, "%.120s does not hold", condition->source);
    else
        snprintf(c->text, c->size, "%.120s is no condition", condition->source);
    return c->text;
}

const char *c2s_custom_refuse(const c2s_match *m) {
    static _Thread_local char text[256];
    const c2s_custom_rule *rule = rule_of(m);
    check c = {m, rule, c2s_custom_scene(m), text, sizeof text};
    for (size_t i = 0; i < rule->literals.count; i++)
        if (!literal_fits(&c, &rule->literals.at[i]))
            return c2s_no_match;
    const char *reason = NULL;
    for (unsigned row = 0; row < m->node_count && !reason; row++)
        reason = refuse_row(&c, row);
    for (size_t i = 0; i < rule->types.count && !reason; i++)
        reason = refuse_type(&c, &rule->types.at[i]);
    for (size_t i = 0; i < rule->conditions.count && !reason; i++)
        reason = refuse_condition(&c, rule->conditions.at[i]);
    return reason;
}
