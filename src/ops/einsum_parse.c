/* SPDX-License-Identifier: Apache-2.0 */
#include <ctype.h>
#include <string.h>

#include "ops/einsum.h"

static c2s_status add_label(c2s_einsum_term *term, int label) {
    if (term->count == C2S_MAX_RANK)
        return c2s_fail(C2S_ERR_UNSUPPORTED, "a term of the equation has more than %d axes",
                        C2S_MAX_RANK);
    term->label[term->count++] = (uint8_t)label;
    return C2S_OK;
}

static int letter_label(int c) {
    return c >= 'a' ? 26 + c - 'a' : c - 'A';
}

/* One term from `at` to a comma, an arrow or the end. `ellipsis`: the axes that "..." stands for;
 * -1: none is allowed. *found tells whether there was one. */
static c2s_status read_term(const char **at, int ellipsis, bool *found, c2s_einsum_term *term) {
    *found = false;
    term->count = 0;
    for (; **at && **at != ',' && !(**at == '-' && (*at)[1] == '>'); ++*at) {
        const int c = (unsigned char)**at;
        if (c == ' ')
            continue;
        if (c < 128 && isalpha(c)) {
            C2S_TRY(add_label(term, letter_label(c)));
        } else if (strncmp(*at, "...", 3) == 0 && !*found) {
            *found = true;
            *at += 2;
            for (int k = ellipsis; k-- > 0;)
                C2S_TRY(add_label(term, C2S_EINSUM_LETTERS + k));
        } else {
            return c2s_fail(C2S_ERR_INVALID, "unexpected \"%c\" in the equation", c);
        }
    }
    return C2S_OK;
}

/* Number of letters of a term. */
static int letters_in(const char *at) {
    int count = 0;
    for (; *at && *at != ',' && *at != '-'; at++)
        count += isalpha((unsigned char)*at) != 0;
    return count;
}

/* Without an arrow: the axes of "...", then the letters that occur once, in alphabetical order with
 * capitals first. */
static c2s_status implicit_output(c2s_einsum *e, int ellipsis) {
    unsigned seen[C2S_EINSUM_LETTERS] = {0};
    e->out.count = 0;
    for (unsigned k = 0; k < e->operands; k++)
        for (int d = 0; d < e->in[k].count; d++)
            if (e->in[k].label[d] < C2S_EINSUM_LETTERS)
                seen[e->in[k].label[d]]++;
    for (int k = ellipsis; k-- > 0;)
        C2S_TRY(add_label(&e->out, C2S_EINSUM_LETTERS + k));
    for (int label = 0; label < C2S_EINSUM_LETTERS; label++)
        if (seen[label] == 1)
            C2S_TRY(add_label(&e->out, label));
    return C2S_OK;
}

static c2s_status check_output(const c2s_einsum *e) {
    bool known[C2S_EINSUM_LABELS] = {false}, used[C2S_EINSUM_LABELS] = {false};
    for (unsigned k = 0; k < e->operands; k++)
        for (int d = 0; d < e->in[k].count; d++)
            known[e->in[k].label[d]] = true;
    for (int d = 0; d < e->out.count; d++) {
        const int label = e->out.label[d];
        if (!known[label] || used[label])
            return c2s_fail(C2S_ERR_INVALID, "an axis of the result %s",
                            used[label] ? "is named twice" : "is in no operand");
        used[label] = true;
    }
    return C2S_OK;
}

c2s_status c2s_einsum_parse(const char *equation, const int *rank, unsigned operands,
                            c2s_einsum *out) {
    const char *at = equation;
    int widest = 0;
    bool found;
    if (operands == 0 || operands > C2S_EINSUM_OPERANDS)
        return c2s_fail(C2S_ERR_UNSUPPORTED, "%u operands, expected 1 to %d", operands,
                        C2S_EINSUM_OPERANDS);
    out->operands = operands;
    for (unsigned k = 0; k < operands; k++) {
        const int ellipsis = rank[k] - letters_in(at);
        C2S_TRY(read_term(&at, ellipsis > 0 ? ellipsis : 0, &found, &out->in[k]));
        if (out->in[k].count != rank[k])
            return c2s_fail(C2S_ERR_INVALID, "operand %u has rank %d, its term names %d axes", k,
                            rank[k], out->in[k].count);
        if (found && ellipsis > widest)
            widest = ellipsis;
        if ((*at == ',') != (k + 1 < operands))
            return c2s_fail(C2S_ERR_INVALID, "the equation has not %u terms, one per operand",
                            operands);
        at += *at == ',';
    }
    if (*at) {
        at += 2; /* the arrow */
        C2S_TRY(read_term(&at, widest, &found, &out->out));
        if (*at)
            return c2s_fail(C2S_ERR_INVALID, "the equation goes on behind its result: \"%s\"", at);
    } else {
        C2S_TRY(implicit_output(out, widest));
    }
    return check_output(out);
}
