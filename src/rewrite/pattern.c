/* SPDX-License-Identifier: Apache-2.0 */
#include "rewrite/pattern.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

const char c2s_no_match[] = "";

bool c2s_row_takes(const c2s_pattern_row *row, const c2s_op *op) {
    if (row->op)
        return row->op == op;
    for (const c2s_op *const *candidate = row->any_of; *candidate; candidate++)
        if (*candidate == op)
            return true;
    return false;
}

static bool may_swap(const c2s_pattern_row *row, const c2s_op *op) {
    return row->any_order || (op->flags & C2S_OP_COMMUTATIVE) != 0;
}

/* Rows of which some candidate may be read in both orders, as bits. */
static unsigned swappable_rows(const c2s_rule *rule) {
    unsigned bits = 0;
    for (unsigned r = 0; r < rule->row_count; r++) {
        const c2s_pattern_row *row = &rule->rows[r];
        if (!row->in[0] && !row->in[1])
            continue;
        bool swappable = false;
        if (row->op)
            swappable = may_swap(row, row->op);
        else
            for (const c2s_op *const *op = row->any_of; *op && !swappable; op++)
                swappable = may_swap(row, *op);
        bits |= swappable ? 1u << r : 0u;
    }
    return bits;
}

/* The letter of an output of the row; 0: none. */
static unsigned output_letter(const c2s_pattern_row *row, unsigned slot) {
    return slot == 0 ? row->out : slot <= C2S_PATTERN_FURTHER ? row->further[slot - 1] : 0;
}

static int row_that_makes(const c2s_rule *rule, unsigned letter, unsigned below, unsigned *slot) {
    for (unsigned r = 0; r < below; r++)
        for (*slot = 0; *slot <= C2S_PATTERN_FURTHER; ++*slot)
            if (output_letter(&rule->rows[r], *slot) == letter)
                return (int)r;
    return -1;
}

static bool bind_outputs(const c2s_pattern_row *row, const c2s_node *node, c2s_match *m) {
    for (unsigned k = 0; k <= C2S_PATTERN_FURTHER; k++) {
        unsigned letter = output_letter(row, k);
        c2s_value *value = c2s_node_out(node, k);
        if (!letter || (!value && k > 0))
            continue;
        if (m->value[letter] && m->value[letter] != value)
            return false;
        m->value[letter] = value;
    }
    return true;
}

static bool is_named_as(const c2s_pattern_row *row, const c2s_node *node) {
    return node->op != &c2s_op_opaque || !row->type ||
           (strcmp(row->type, node->type) == 0 && strcmp(row->domain, node->domain) == 0);
}

/* Binds row `r` to `node`, then the rows that make its operands. The depth is at most the number
 * of rows, because operands come from earlier rows only. */
static bool bind_row(const c2s_rule *rule, unsigned r, c2s_node *node, unsigned swaps,
                     c2s_match *m) {
    const c2s_pattern_row *row = &rule->rows[r];
    if (m->node[r])
        return m->node[r] == node;
    bool swapped = (swaps >> r & 1u) != 0;
    m->node[r] = node;
    if (!c2s_row_takes(row, node->op) || (swapped && !may_swap(row, node->op)) ||
        !is_named_as(row, node) || c2s_attr_any_reference(node) || node->output_count == 0 ||
        !node->outputs[0] || !bind_outputs(row, node, m))
        return false;
    for (unsigned k = 0; k < C2S_PATTERN_INPUTS; k++) {
        unsigned letter = C2S_LETTER(row->in[k]);
        if (letter == 0)
            continue;
        c2s_value *value = c2s_node_in(node, swapped && k < 2 ? 1 - k : k);
        if (!value) {
            if (!(row->in[k] & C2S_OPTIONAL) || m->value[letter])
                return false;
            continue;
        }
        unsigned slot;
        int maker = row_that_makes(rule, letter, r, &slot);
        if (maker >= 0) {
            if (!value->def || value->def_slot != slot || value->graph != node->graph ||
                !bind_row(rule, (unsigned)maker, value->def, swaps, m))
                return false;
        }
        if (m->value[letter] && m->value[letter] != value)
            return false;
        m->value[letter] = value;
    }
    return true;
}

static bool is_matched(const c2s_match *m, const c2s_node *node) {
    for (unsigned r = 0; r < m->node_count; r++)
        if (m->node[r] == node)
            return true;
    return false;
}

static bool used_inside_only(const c2s_rule *rule, const c2s_match *m, unsigned row) {
    const c2s_node *node = m->node[row];
    for (unsigned i = 0; i < node->output_count; i++) {
        c2s_value *value = node->outputs[i];
        unsigned letter = rule->find ? 0 : output_letter(&rule->rows[row], i);
        if (!value || value->use_count == 0 || (letter && (rule->shared & C2S_BIT(letter))))
            continue;
        if ((i != 0 && !letter) || value->use_count > C2S_PATTERN_ROWS * C2S_PATTERN_INPUTS)
            return false;
        c2s_value_each_use(use, value) if (!is_matched(m, use->user)) return false;
    }
    return true;
}

/* Asked last: only who could have the rewrite wants to know what it takes. */
static const char *opset_refusal(const c2s_rule *rule, const c2s_match *m) {
    static _Thread_local char text[80];
    int64_t opset = c2s_model_opset(m->root->graph->model, "");
    if (opset >= rule->opset)
        return NULL;
    snprintf(text, sizeof text, "it needs opset %d, the model has %lld (--opset)", rule->opset,
             (long long)opset);
    return text;
}

static const char *check(const c2s_rule *rule, const c2s_match *m) {
    for (unsigned letter = 1; letter < C2S_LETTER_COUNT; letter++)
        if ((rule->constants & C2S_BIT(letter)) && m->value[letter] && !m->value[letter]->constant)
            return "an operand is not constant";
    for (unsigned r = 0; r + 1 < m->node_count; r++)
        if (!used_inside_only(rule, m, r))
            return "an inner result is used elsewhere too";
    for (unsigned i = 1; i < m->root->output_count; i++)
        if (m->root->outputs[i] && m->root->outputs[i]->use_count > 0 &&
            !(rule->results & C2S_BIT(output_letter(&rule->rows[rule->row_count - 1], i))))
            return "another output of the node is in use";
    const char *reason = rule->refuse ? rule->refuse(m) : NULL;
    return reason ? reason : opset_refusal(rule, m);
}

/* Rows below all that binding came to before it failed. */
static unsigned rows_not_visited(const c2s_match *m) {
    unsigned r = 0;
    while (!m->node[r])
        r++;
    return (1u << r) - 1;
}

bool c2s_rule_match(const c2s_rule *rule, c2s_node *root, c2s_match *match, const char **reason) {
    assert(rule->row_count > 0 && rule->row_count <= C2S_PATTERN_ROWS);
    *reason = NULL;
    if (!c2s_row_takes(&rule->rows[rule->row_count - 1], root->op))
        return false;
    unsigned swappable = swappable_rows(rule), swaps = 0;
    c2s_match refused;
    static _Thread_local char kept[300]; /* the next refusal may use the text's place */
    do { /* all subsets of the swappable rows, the written order first */
        memset(match, 0, sizeof *match);
        match->rule = rule;
        match->root = root;
        match->node_count = rule->row_count;
        if (!bind_row(rule, rule->row_count - 1, root, swaps, match)) {
            swaps |= rows_not_visited(match) & swappable; /* they made no difference */
        } else if (!rule->find || rule->find(root, match)) {
            const char *refusal = check(rule, match);
            if (!refusal)
                return true;
            if (refusal != c2s_no_match && !*reason) {
                snprintf(kept, sizeof kept, "%s", refusal);
                *reason = kept;
                refused = *match;
            }
        }
        swaps = (swaps - swappable) & swappable;
    } while (swaps != 0);
    if (*reason)
        *match = refused;
    return false;
}
