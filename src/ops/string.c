/* SPDX-License-Identifier: Apache-2.0
 *
 * StringNormalizer, StringConcat, StringSplit.
 */
#include <stdlib.h>
#include <string.h>

#include "ops/utf8.h"

static c2s_status need_text(const c2s_infer *i, unsigned input) {
    const c2s_type *type = c2s_infer_type(i, input);
    if (type->kind == C2S_KIND_UNKNOWN && !i->concrete)
        return C2S_OK;
    if (!c2s_type_is_tensor(type) || (type->dtype != C2S_STRING && type->dtype != C2S_UNDEFINED))
        return c2s_fail(C2S_ERR_INVALID, "input %u is no tensor of strings", input);
    return C2S_OK;
}

/* Gives the list as a tensor of strings. */
static c2s_status give(c2s_eval *e, unsigned output, int rank, const int64_t *dim,
                       const c2s_text_list *list) {
    c2s_tensor *tensor;
    C2S_TRY(c2s_tensor_strings(rank, dim, list->items.at, &tensor));
    c2s_eval_set(e, output, tensor);
    return C2S_OK;
}

static bool same_text(c2s_string a, c2s_string b) {
    return a.size == b.size && (a.size == 0 || memcmp(a.data, b.data, a.size) == 0);
}

/* ---- StringNormalizer ---- */

typedef enum case_change { KEEP, LOWER, UPPER } case_change;

static c2s_status change_of(const c2s_node *node, case_change *change) {
    const char *name = c2s_attr_string(node, "case_change_action", "NONE");
    *change = strcmp(name, "LOWER") == 0 ? LOWER : strcmp(name, "UPPER") == 0 ? UPPER : KEEP;
    if (*change == KEEP && strcmp(name, "NONE") != 0)
        return c2s_fail(C2S_ERR_INVALID, "case_change_action is \"%s\"", name);
    return C2S_OK;
}

static void add_changed(c2s_text_list *list, c2s_string text, case_change change) {
    char *out = c2s_text_list_add(list, text.size * (change == KEEP ? 1 : 3));
    size_t size = 0;
    if (change == KEEP) {
        if (text.size)
            memcpy(out, text.data, text.size);
        return;
    }
    for (size_t at = 0; at < text.size;) {
        uint32_t code = c2s_utf8_next(text.data, text.size, &at);
        size +=
            c2s_utf8_put(change == LOWER ? c2s_code_lower(code) : c2s_code_upper(code), out + size);
    }
    list->items.at[list->items.count - 1].size = size;
}

static c2s_status normalizer_infer(c2s_infer *i) {
    C2S_TRY(need_text(i, 0));
    const c2s_type *type = c2s_infer_type(i, 0);
    if (type->rank >= 0 && type->rank != 1 && type->rank != 2)
        return c2s_fail(C2S_ERR_INVALID, "input of rank %d, expected 1 or 2", type->rank);
    c2s_dim dim[2] = {1, 1};
    if (type->rank > 0)
        dim[type->rank - 1] = c2s_dim_fresh(i->dims);
    i->out[0] = c2s_type_tensor(C2S_STRING, type->rank, dim);
    return C2S_OK;
}

/* The words of `text` that are no stop words, changed; both lists are compared in lower case unless
 * case matters. */
static void normalize(const c2s_string *text, size_t count, const c2s_text_list *stop, bool exact,
                      case_change change, c2s_text_list *out) {
    c2s_text_list folded = {0};
    for (size_t k = 0; k < count; k++) {
        add_changed(&folded, text[k], exact ? KEEP : LOWER);
        c2s_string word = c2s_vec_pop(&folded.items);
        bool stopped = false;
        for (size_t s = 0; s < stop->items.count && !stopped; s++)
            stopped = same_text(word, stop->items.at[s]);
        if (!stopped)
            add_changed(out, text[k], change);
    }
    c2s_text_list_free(&folded);
    if (out->items.count == 0)
        c2s_text_list_add(out, 0);
}

static c2s_status normalizer_eval(c2s_eval *e) {
    const c2s_tensor *x = e->in[0];
    case_change change;
    C2S_TRY(change_of(e->node, &change));
    if (x->type.rank == 2 && x->type.dim[0] != 1)
        return c2s_fail(C2S_ERR_INVALID, "input of %lld rows, expected 1",
                        (long long)x->type.dim[0]);
    bool exact = c2s_attr_int(e->node, "is_case_sensitive", 0) != 0;
    size_t count;
    const c2s_string *words = c2s_attr_strings(e->node, "stopwords", &count);
    c2s_text_list stop = {0}, out = {0};
    for (size_t s = 0; s < count; s++)
        add_changed(&stop, words[s], exact ? KEEP : LOWER);
    normalize(c2s_tensor_text(x), x->count, &stop, exact, change, &out);
    int64_t dim[2] = {1, 1};
    dim[x->type.rank - 1] = (int64_t)out.items.count;
    c2s_status status = give(e, 0, x->type.rank, dim, &out);
    c2s_text_list_free(&stop);
    c2s_text_list_free(&out);
    return status;
}

const c2s_op c2s_op_string_normalizer = {
    .type = "StringNormalizer",
    .domain = "",
    .inputs = {1, 1},
    .outputs = {1, 1},
    .quant = C2S_QUANT_ONLY(NONE),
    .flags = C2S_OP_SIZES_OUTPUTS,
    .attrs = (const c2s_attr_spec[]){{"case_change_action", C2S_ATTR_STRING, false},
                                     {"is_case_sensitive", C2S_ATTR_INT, false},
                                     {"locale", C2S_ATTR_STRING, false},
                                     {"stopwords", C2S_ATTR_STRINGS, false},
                                     {0}},
    .ties = c2s_ties_pinned,
    .infer = normalizer_infer,
    .eval = normalizer_eval,
};

/* ---- StringConcat ---- */

static c2s_status concat_infer(c2s_infer *i) {
    C2S_TRY(need_text(i, 0));
    C2S_TRY(need_text(i, 1));
    i->out[0] = c2s_type_tensor(C2S_STRING, -1, NULL);
    return c2s_infer_broadcast(i, c2s_infer_type(i, 0), c2s_infer_type(i, 1), &i->out[0]);
}

/* Index in `x` of the element that lies at `index` of the broadcast shape. */
static size_t source_index(const c2s_type *x, const c2s_type *result, size_t index) {
    size_t source = 0, stride = 1;
    for (int axis = result->rank - 1; axis >= 0; axis--) {
        size_t extent = (size_t)result->dim[axis], at = index % extent;
        int own = axis - (result->rank - x->rank);
        index /= extent;
        if (own < 0)
            continue;
        if (x->dim[own] != 1)
            source += at * stride;
        stride *= (size_t)x->dim[own];
    }
    return source;
}

static c2s_status concat_eval(c2s_eval *e) {
    const c2s_type *type = &e->out_type[0];
    size_t count;
    if (!c2s_type_elements(type, &count))
        return c2s_fail(C2S_ERR_INVALID, "the shape of the result is not known");
    const c2s_string *a = c2s_tensor_text(e->in[0]), *b = c2s_tensor_text(e->in[1]);
    c2s_text_list out = {0};
    for (size_t k = 0; k < count; k++) {
        c2s_string x = a[source_index(&e->in[0]->type, type, k)];
        c2s_string y = b[source_index(&e->in[1]->type, type, k)];
        char *text = c2s_text_list_add(&out, x.size + y.size);
        if (x.size)
            memcpy(text, x.data, x.size);
        if (y.size)
            memcpy(text + x.size, y.data, y.size);
    }
    c2s_status status = give(e, 0, type->rank, type->dim, &out);
    c2s_text_list_free(&out);
    return status;
}

const c2s_op c2s_op_string_concat = {
    .type = "StringConcat",
    .domain = "",
    .inputs = {2, 2},
    .outputs = {1, 1},
    .quant = C2S_QUANT_ONLY(NONE),
    .flags = C2S_OP_ELEMENTWISE | C2S_OP_SIZES_OUTPUTS,
    .infer = concat_infer,
    .eval = concat_eval,
};

/* ---- StringSplit ---- */

static c2s_status split_infer(c2s_infer *i) {
    C2S_TRY(need_text(i, 0));
    const c2s_type *type = c2s_infer_type(i, 0);
    c2s_dim dim[C2S_MAX_RANK + 1];
    if (type->rank == C2S_MAX_RANK)
        return c2s_fail(C2S_ERR_UNSUPPORTED, "rank %d is beyond %d", type->rank + 1, C2S_MAX_RANK);
    for (int k = 0; k < type->rank; k++)
        dim[k] = type->dim[k];
    if (type->rank >= 0)
        dim[type->rank] = c2s_dim_fresh(i->dims);
    i->out[0] = c2s_type_tensor(C2S_STRING, type->rank < 0 ? -1 : type->rank + 1, dim);
    if (i->out_count > 1)
        i->out[1] = c2s_type_tensor(C2S_INT64, type->rank, dim);
    return C2S_OK;
}

static bool is_space(char c) {
    return c == ' ' || (c >= '\t' && c <= '\r');
}

typedef struct splitter {
    c2s_string delimiter;      /* empty: runs of white space */
    int64_t most;              /* splits; INT64_MAX: no limit */
    C2S_VEC(c2s_string) parts; /* point into the input */
} splitter;

static void split_at_spaces(splitter *s, c2s_string text) {
    size_t at = 0;
    for (int64_t splits = 0;; splits++) {
        while (at < text.size && is_space(text.data[at]))
            at++;
        if (at == text.size)
            return;
        size_t end = at;
        while (end < text.size && !is_space(text.data[end]))
            end++;
        if (splits == s->most)
            end = text.size;
        c2s_vec_push(&s->parts, (c2s_string){text.data + at, end - at});
        at = end;
    }
}

static void split_text(splitter *s, c2s_string text) {
    c2s_string d = s->delimiter;
    size_t begin = 0, at = 0;
    if (d.size == 0) {
        split_at_spaces(s, text);
        return;
    }
    for (int64_t splits = 0; splits < s->most && at + d.size <= text.size;) {
        if (memcmp(text.data + at, d.data, d.size) != 0) {
            at++;
            continue;
        }
        c2s_vec_push(&s->parts, (c2s_string){text.data + begin, at - begin});
        at = begin = at + d.size;
        splits++;
    }
    c2s_vec_push(&s->parts, (c2s_string){text.data + begin, text.size - begin});
}

/* Rows of parts, padded with "" to the longest. */
static c2s_status give_parts(c2s_eval *e, const splitter *s, const int64_t *counts) {
    const c2s_tensor *x = e->in[0];
    int64_t dim[C2S_MAX_RANK + 1], longest = 0;
    for (size_t k = 0; k < x->count; k++)
        longest = counts[k] > longest ? counts[k] : longest;
    memcpy(dim, x->type.dim, sizeof x->type.dim);
    dim[x->type.rank] = longest;
    size_t cells;
    c2s_string *grid;
    if (!c2s_mul_size(x->count, (size_t)longest, &cells))
        return c2s_fail(C2S_ERR_MEMORY, "too many parts");
    C2S_TRY(c2s_scratch(cells, sizeof *grid, &grid));
    if (cells)
        memset(grid, 0, cells * sizeof *grid);
    for (size_t k = 0, part = 0; k < x->count; k++)
        for (int64_t j = 0; j < counts[k]; j++)
            grid[k * (size_t)longest + (size_t)j] = s->parts.at[part++];
    c2s_tensor *parts;
    c2s_status status = c2s_tensor_strings(x->type.rank + 1, dim, grid, &parts);
    free(grid);
    if (status == C2S_OK)
        c2s_eval_set(e, 0, parts);
    return status;
}

static c2s_status split_eval(c2s_eval *e) {
    const c2s_tensor *x = e->in[0];
    const c2s_attr *delimiter = c2s_attr_find(e->node, "delimiter");
    splitter s = {.most = c2s_attr_int(e->node, "maxsplit", INT64_MAX)};
    if (delimiter && delimiter->kind == C2S_ATTR_STRING)
        s.delimiter = delimiter->s;
    if (s.most < 0)
        return c2s_fail(C2S_ERR_INVALID, "maxsplit is %lld", (long long)s.most);
    c2s_tensor *counts;
    C2S_TRY(c2s_tensor_create(C2S_INT64, x->type.rank, x->type.dim, &counts));
    int64_t *count = c2s_tensor_mutable(counts);
    const c2s_string *text = c2s_tensor_text(x);
    for (size_t k = 0; k < x->count; k++) {
        size_t before = s.parts.count;
        split_text(&s, text[k]);
        count[k] = (int64_t)(s.parts.count - before);
    }
    c2s_status status = give_parts(e, &s, count);
    c2s_vec_free(&s.parts);
    c2s_eval_set(e, 1, counts);
    return status;
}

const c2s_op c2s_op_string_split = {
    .type = "StringSplit",
    .domain = "",
    .inputs = {1, 1},
    .outputs = {1, 2},
    .quant = C2S_QUANT_ONLY(NONE),
    .flags = C2S_OP_SIZES_OUTPUTS,
    .attrs = (const c2s_attr_spec[]){{"delimiter", C2S_ATTR_STRING, false},
                                     {"maxsplit", C2S_ATTR_INT, false},
                                     {0}},
    .ties = c2s_ties_pinned,
    .infer = split_infer,
    .eval = split_eval,
};
