/* SPDX-License-Identifier: Apache-2.0 */
#include "ops/regex.h"

#include <stdlib.h>
#include <string.h>

#include "ops/regex_parse.h"
#include "ops/utf8.h"

enum { MAX_STATES = 1 << 16, END_OF_TEXT = 0x110000 };

typedef enum opcode { TAKE, ASSERT, SPLIT, JUMP, ACCEPT } opcode;

typedef struct instruction {
    opcode op;
    c2s_char_set set;
    c2s_assertion assertion;
    size_t to, or ; /* SPLIT: both; JUMP: to */
} instruction;

struct c2s_regex {
    c2s_regex_tree tree; /* holds the ranges */
    C2S_VEC(instruction) code;
};

/* ---- compiling ---- */

static size_t emit(c2s_regex *r, instruction i) {
    if (r->code.count <= MAX_STATES) /* one too many shows that it was too much */
        c2s_vec_push(&r->code, i);
    return r->code.count - 1;
}

static void compile(c2s_regex *r, size_t node);

/* child*: L: SPLIT body, out; body; JUMP L. */
static void compile_star(c2s_regex *r, size_t child) {
    size_t split = emit(r, (instruction){.op = SPLIT});
    compile(r, child);
    emit(r, (instruction){.op = JUMP, .to = split});
    r->code.at[split].to = split + 1;
    r->code.at[split].or = r->code.count;
}

static void compile_repeat(c2s_regex *r, const c2s_regex_node *n) {
    int min = n->min, max = n->max;
    size_t child = n->child;
    for (int k = 0; k < min && r->code.count <= MAX_STATES; k++)
        compile(r, child);
    if (max < 0) {
        compile_star(r, child);
        return;
    }
    C2S_VEC(size_t) splits = {0};
    for (int k = min; k < max && r->code.count <= MAX_STATES; k++) {
        size_t split = emit(r, (instruction){.op = SPLIT});
        c2s_vec_push(&splits, split);
        compile(r, child);
    }
    for (size_t k = 0; k < splits.count; k++) {
        r->code.at[splits.at[k]].to = splits.at[k] + 1;
        r->code.at[splits.at[k]].or = r->code.count;
    }
    c2s_vec_free(&splits);
}

static void compile_choice(c2s_regex *r, size_t child) {
    C2S_VEC(size_t) jumps = {0};
    while (child) {
        size_t next = r->tree.nodes.at[child - 1].next, split = 0;
        if (next)
            split = emit(r, (instruction){.op = SPLIT});
        compile(r, child);
        if (!next)
            break;
        size_t jump = emit(r, (instruction){.op = JUMP});
        c2s_vec_push(&jumps, jump);
        r->code.at[split].to = split + 1;
        r->code.at[split].or = r->code.count;
        child = next;
    }
    for (size_t k = 0; k < jumps.count; k++)
        r->code.at[jumps.at[k]].to = r->code.count;
    c2s_vec_free(&jumps);
}

static void compile(c2s_regex *r, size_t node) {
    const c2s_regex_node *n = &r->tree.nodes.at[node - 1];
    switch (n->kind) {
    case C2S_REGEX_SET:
        emit(r, (instruction){.op = TAKE, .set = n->set});
        break;
    case C2S_REGEX_ASSERT:
        emit(r, (instruction){.op = ASSERT, .assertion = n->assertion});
        break;
    case C2S_REGEX_CONCAT:
        for (size_t child = n->child; child; child = r->tree.nodes.at[child - 1].next)
            compile(r, child);
        break;
    case C2S_REGEX_CHOICE:
        compile_choice(r, n->child);
        break;
    case C2S_REGEX_REPEAT:
        compile_repeat(r, n);
        break;
    }
}

c2s_status c2s_regex_compile(c2s_string pattern, c2s_regex **out) {
    c2s_regex *r = c2s_zalloc(sizeof *r);
    c2s_status status = c2s_regex_parse(pattern, &r->tree);
    if (status == C2S_OK) {
        compile(r, r->tree.root);
        emit(r, (instruction){.op = ACCEPT});
        if (r->code.count > MAX_STATES)
            status = c2s_fail(C2S_ERR_UNSUPPORTED, "the pattern expands to more than %d states",
                              MAX_STATES);
    }
    if (status == C2S_OK)
        *out = r;
    else
        c2s_regex_free(r);
    return status;
}

void c2s_regex_free(c2s_regex *r) {
    if (!r)
        return;
    c2s_regex_tree_free(&r->tree);
    c2s_vec_free(&r->code);
    free(r);
}

/* ---- matching ---- */

static bool in_ranges(const c2s_regex *r, const c2s_char_set *set, uint32_t code) {
    for (size_t k = 0; k < set->count; k++) {
        const c2s_code_range *range = &r->tree.ranges.at[set->first + k];
        if (code >= range->first && code <= range->last)
            return true;
    }
    return false;
}

static bool in_set(const c2s_regex *r, const c2s_char_set *set, uint32_t code) {
    bool found = in_ranges(r, set, code);
    if (!found && set->fold)
        found = in_ranges(r, set, c2s_code_lower(code)) || in_ranges(r, set, c2s_code_upper(code));
    return found != set->negated;
}

static bool is_word(uint32_t code) {
    return (code >= '0' && code <= '9') || (code >= 'A' && code <= 'Z') || code == '_' ||
           (code >= 'a' && code <= 'z');
}

/* Between two characters; END_OF_TEXT before the first and behind the last. */
static bool holds(c2s_assertion assertion, uint32_t before, uint32_t behind) {
    switch (assertion) {
    case C2S_AT_TEXT_BEGIN:
        return before == END_OF_TEXT;
    case C2S_AT_TEXT_END:
        return behind == END_OF_TEXT;
    case C2S_AT_LINE_BEGIN:
        return before == END_OF_TEXT || before == '\n';
    case C2S_AT_LINE_END:
        return behind == END_OF_TEXT || behind == '\n';
    case C2S_AT_WORD_BORDER:
        return is_word(before) != is_word(behind);
    case C2S_NOT_AT_WORD_BORDER:
        return is_word(before) == is_word(behind);
    }
    return false;
}

/* Instructions that wait for a character, or accept. */
typedef struct state_set {
    size_t *at, count;
} state_set;

typedef struct matcher {
    const c2s_regex *r;
    size_t *stack, *seen, step; /* seen[i] == step: i was reached at this place */
} matcher;

/* Follows jumps from `start`. */
static void reach(matcher *m, state_set *set, size_t start, uint32_t before, uint32_t behind) {
    size_t depth = 0;
    m->stack[depth++] = start;
    while (depth) {
        size_t at = m->stack[--depth];
        const instruction *i = &m->r->code.at[at];
        if (m->seen[at] == m->step)
            continue;
        m->seen[at] = m->step;
        switch (i->op) {
        case TAKE:
        case ACCEPT:
            set->at[set->count++] = at;
            break;
        case ASSERT:
            if (holds(i->assertion, before, behind))
                m->stack[depth++] = at + 1;
            break;
        case SPLIT:
            m->stack[depth++] = i->or ;
            m->stack[depth++] = i->to;
            break;
        case JUMP:
            m->stack[depth++] = i->to;
            break;
        }
    }
}

static bool run(matcher *m, state_set *now, state_set *then, c2s_string text) {
    size_t at = 0, peek = 0;
    uint32_t code = text.size ? c2s_utf8_next(text.data, text.size, &peek) : END_OF_TEXT;
    m->step = 1;
    reach(m, now, 0, END_OF_TEXT, code);
    while (code != END_OF_TEXT && now->count) {
        at = peek;
        uint32_t behind = at < text.size ? c2s_utf8_next(text.data, text.size, &peek) : END_OF_TEXT;
        m->step++;
        then->count = 0;
        for (size_t k = 0; k < now->count; k++) {
            const instruction *i = &m->r->code.at[now->at[k]];
            if (i->op == TAKE && in_set(m->r, &i->set, code))
                reach(m, then, now->at[k] + 1, code, behind);
        }
        state_set swap = *now;
        *now = *then;
        *then = swap;
        code = behind;
    }
    for (size_t k = 0; code == END_OF_TEXT && k < now->count; k++)
        if (m->r->code.at[now->at[k]].op == ACCEPT)
            return true;
    return false;
}

bool c2s_regex_full_match(const c2s_regex *regex, c2s_string text) {
    size_t count = regex->code.count;
    /* An instruction pushes at most two and is left once per place: the stack holds them all. */
    size_t *memory = c2s_zalloc(5 * (count + 1) * sizeof *memory);
    matcher m = {.r = regex, .stack = memory, .seen = memory + 2 * (count + 1)};
    state_set now = {memory + 3 * (count + 1), 0}, then = {memory + 4 * (count + 1), 0};
    bool matches = run(&m, &now, &then, text);
    free(memory);
    return matches;
}
