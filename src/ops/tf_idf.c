/* SPDX-License-Identifier: Apache-2.0
 *
 * TfIdfVectorizer.
 */
#include <stdlib.h>
#include <string.h>

#include "base/map.h"
#include "ops/ml/lookup.h"
#include "ops/ties_rules.h"

/* The n-grams of the pool as lists of token numbers, found through a hash of them. */
typedef struct pool {
    c2s_tensor *tokens;   /* all n-grams, one token after the other */
    c2s_lookup lookup;    /* token -> its number */
    int64_t *number;      /* of each token of the pool */
    const int64_t *start; /* ngram_counts: where the n-grams of length 1, 2, ... begin */
    size_t lengths, grams;
    const int64_t *column; /* ngram_indexes */
    const float *weight;   /* NULL: 1 */
    size_t columns;
    size_t *gram_at, *gram_size, *chain; /* by n-gram; chain: another of the same hash + 1 */
    c2s_map map;                         /* hash -> n-gram + 1 */
} pool;

static void pool_close(pool *p) {
    c2s_tensor_unref(p->tokens);
    c2s_lookup_close(&p->lookup);
    c2s_map_free(&p->map);
    free(p->number);
    free(p->gram_at);
    free(p->gram_size);
    free(p->chain);
}

static c2s_status column_count(const c2s_node *node, size_t *count) {
    size_t grams;
    const int64_t *column = c2s_attr_ints(node, "ngram_indexes", &grams);
    *count = 0;
    for (size_t k = 0; k < grams; k++) {
        if (column[k] < 0 || column[k] >= INT32_MAX)
            return c2s_fail(C2S_ERR_INVALID, "ngram_indexes holds %lld", (long long)column[k]);
        if ((size_t)column[k] >= *count)
            *count = (size_t)column[k] + 1;
    }
    return C2S_OK;
}

static uint64_t gram_hash(const int64_t *tokens, size_t count) {
    return c2s_hash_bytes(tokens, count * sizeof *tokens, count);
}

static void add_gram(pool *p, size_t at, size_t size) {
    size_t gram = p->grams++;
    uint64_t hash = gram_hash(p->number + at, size);
    p->gram_at[gram] = at;
    p->gram_size[gram] = size;
    p->chain[gram] = (size_t)(uintptr_t)c2s_map_get_u64(&p->map, hash);
    c2s_map_put_u64(&p->map, hash, (void *)(uintptr_t)(gram + 1));
}

/* The n-grams lie in order of length. */
static c2s_status cut_pool(pool *p, size_t columns) {
    size_t total = p->tokens->count;
    p->gram_at = c2s_alloc_array(total + 1, sizeof *p->gram_at);
    p->gram_size = c2s_alloc_array(total + 1, sizeof *p->gram_size);
    p->chain = c2s_alloc_array(total + 1, sizeof *p->chain);
    for (size_t n = 1; n <= p->lengths; n++) {
        int64_t begin = p->start[n - 1];
        int64_t end = n < p->lengths ? p->start[n] : (int64_t)total;
        if (begin < 0 || begin > end || end > (int64_t)total || (end - begin) % (int64_t)n)
            return c2s_fail(C2S_ERR_INVALID, "ngram_counts does not cut the pool of %zu tokens",
                            total);
        for (int64_t at = begin; at < end; at += (int64_t)n)
            add_gram(p, (size_t)at, n);
    }
    if (p->grams != columns)
        return c2s_fail(C2S_ERR_INVALID, "%zu n-grams in the pool, ngram_indexes has %zu entries",
                        p->grams, columns);
    return C2S_OK;
}

static c2s_status pool_open(const c2s_node *node, pool *p) {
    *p = (pool){0};
    size_t indexes, weights;
    p->start = c2s_attr_ints(node, "ngram_counts", &p->lengths);
    p->column = c2s_attr_ints(node, "ngram_indexes", &indexes);
    p->weight = c2s_attr_floats(node, "weights", &weights);
    if (weights && weights != indexes)
        return c2s_fail(C2S_ERR_INVALID, "%zu weights for %zu n-grams", weights, indexes);
    C2S_TRY(column_count(node, &p->columns));
    C2S_TRY(c2s_attr_list(node, "pool", &p->tokens));
    if (!p->tokens)
        return c2s_fail(C2S_ERR_INVALID, "there is no pool");
    C2S_TRY(c2s_lookup_open(&p->lookup, p->tokens));
    p->number = c2s_alloc_array(p->tokens->count + 1, sizeof *p->number);
    for (size_t k = 0; k < p->tokens->count; k++)
        p->number[k] = c2s_lookup_find(&p->lookup, p->tokens, k);
    return cut_pool(p, indexes);
}

/* Adds one to the count of every n-gram of the pool that is equal to `tokens`. */
static void count_gram(const pool *p, const int64_t *tokens, size_t size, double *counts) {
    size_t next = (size_t)(uintptr_t)c2s_map_get_u64(&p->map, gram_hash(tokens, size));
    for (; next; next = p->chain[next - 1]) {
        size_t gram = next - 1;
        if (p->gram_size[gram] == size &&
            memcmp(p->number + p->gram_at[gram], tokens, size * sizeof *tokens) == 0)
            counts[gram] += 1;
    }
}

typedef struct lengths {
    int64_t least, most, skips;
} lengths;

/* Counts in one row of token numbers; the items of an n-gram lie `skip` + 1 apart. */
static void count_row(const pool *p, const lengths *l, const int64_t *row, size_t length,
                      double *counts) {
    int64_t gram[64];
    for (int64_t n = l->least; n <= l->most; n++)
        for (int64_t skip = 0; skip <= (n == 1 ? 0 : l->skips); skip++) {
            int64_t reach = (n - 1) * (skip + 1);
            if (reach >= (int64_t)length)
                break;
            for (int64_t at = 0; at + reach < (int64_t)length; at++) {
                for (int64_t k = 0; k < n; k++)
                    gram[k] = row[at + k * (skip + 1)];
                count_gram(p, gram, (size_t)n, counts);
            }
        }
}

static void write_row(const pool *p, const char *mode, const double *counts, float *y) {
    memset(y, 0, p->columns * sizeof *y);
    for (size_t k = 0; k < p->grams; k++) {
        double weight = p->weight ? (double)p->weight[k] : 1, value = counts[k];
        if (strcmp(mode, "IDF") == 0)
            value = counts[k] > 0 ? weight : 0;
        else if (strcmp(mode, "TFIDF") == 0)
            value = counts[k] * weight;
        y[p->column[k]] += (float)value;
    }
}

static c2s_status vectorizer_infer(c2s_infer *i) {
    const c2s_type *type = c2s_infer_type(i, 0);
    size_t columns;
    C2S_TRY(column_count(i->node, &columns));
    c2s_dim dim[2] = {(int64_t)columns, (int64_t)columns};
    i->out[0] = c2s_type_tensor(C2S_FLOAT, -1, NULL);
    if (!c2s_type_is_tensor(type) || type->rank < 0)
        return C2S_OK;
    if (type->rank != 1 && type->rank != 2)
        return c2s_fail(C2S_ERR_INVALID, "input of rank %d, expected 1 or 2", type->rank);
    if (type->rank == 2)
        dim[0] = type->dim[0];
    i->out[0] = c2s_type_tensor(C2S_FLOAT, type->rank, dim);
    return C2S_OK;
}

static c2s_status read_lengths(const c2s_node *node, const char **mode, lengths *l) {
    *mode = c2s_attr_string(node, "mode", "TF");
    l->least = c2s_attr_int(node, "min_gram_length", 1);
    l->most = c2s_attr_int(node, "max_gram_length", 1);
    l->skips = c2s_attr_int(node, "max_skip_count", 0);
    if (l->least < 1 || l->least > l->most || l->most > 64 || l->skips < 0 || l->skips > INT32_MAX)
        return c2s_fail(C2S_ERR_INVALID, "n-grams of %lld to %lld items and %lld skips",
                        (long long)l->least, (long long)l->most, (long long)l->skips);
    if (strcmp(*mode, "TF") != 0 && strcmp(*mode, "IDF") != 0 && strcmp(*mode, "TFIDF") != 0)
        return c2s_fail(C2S_ERR_INVALID, "mode is \"%s\"", *mode);
    return C2S_OK;
}

static c2s_status vectorize(c2s_eval *e, const pool *p) {
    const c2s_tensor *x = e->in[0];
    const char *mode;
    lengths l;
    C2S_TRY(read_lengths(e->node, &mode, &l));
    if ((x->type.dtype == C2S_STRING) != p->lookup.is_text)
        return c2s_fail(C2S_ERR_INVALID, "input of type %s for a pool of %s",
                        c2s_dtype_name(x->type.dtype), p->lookup.is_text ? "text" : "integers");
    size_t length = (size_t)x->type.dim[x->type.rank - 1];
    size_t rows = x->type.rank == 2 ? (size_t)x->type.dim[0] : 1;
    int64_t *tokens = c2s_alloc_array(length + 1, sizeof *tokens);
    double *counts = c2s_alloc_array(p->grams + 1, sizeof *counts);
    for (size_t row = 0; row < rows; row++) {
        for (size_t k = 0; k < length; k++)
            tokens[k] = c2s_lookup_find(&p->lookup, x, row * length + k);
        memset(counts, 0, (p->grams + 1) * sizeof *counts);
        count_row(p, &l, tokens, length, counts);
        write_row(p, mode, counts, (float *)c2s_tensor_mutable(e->out[0]) + row * p->columns);
    }
    free(counts);
    free(tokens);
    return C2S_OK;
}

static c2s_status vectorizer_eval(c2s_eval *e) {
    pool p;
    c2s_status status = pool_open(e->node, &p);
    if (status == C2S_OK && p.columns)
        status = vectorize(e, &p);
    pool_close(&p);
    return status;
}

const c2s_op c2s_op_tf_idf_vectorizer = {
    .type = "TfIdfVectorizer",
    .domain = "",
    .inputs = {1, 1},
    .outputs = {1, 1},
    .quant = C2S_QUANT_ONLY(FLOAT),
    .attrs = (const c2s_attr_spec[]){{"max_gram_length", C2S_ATTR_INT, true},
                                     {"max_skip_count", C2S_ATTR_INT, true},
                                     {"min_gram_length", C2S_ATTR_INT, true},
                                     {"mode", C2S_ATTR_STRING, true},
                                     {"ngram_counts", C2S_ATTR_INTS, true},
                                     {"ngram_indexes", C2S_ATTR_INTS, true},
                                     {"pool_int64s", C2S_ATTR_INTS, false},
                                     {"pool_strings", C2S_ATTR_STRINGS, false},
                                     {"weights", C2S_ATTR_FLOATS, false},
                                     {0}},
    .ties = c2s_ties_batch,
    .infer = vectorizer_infer,
    .eval = vectorizer_eval,
};
