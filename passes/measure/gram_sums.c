/* SPDX-License-Identifier: Apache-2.0 */
#include "passes/measure/gram_sums.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/random.h"

static void add_sums(const c2s_samples *x, double *sum, double *square) {
    for (size_t v = 0; v < x->n; v++) {
        const float *at = x->at + (x->by_column ? v * x->stride : v);
        const size_t step = x->by_column ? 1 : x->stride;
        double total = 0, squares = 0;
        for (size_t r = 0; r < x->rows; r++) {
            const double value = (double)at[r * step];
            total += value;
            squares += value * value;
        }
        sum[v] += total;
        if (square)
            *square += squares;
    }
}

/* Which part of the rows of a tensor is taken, and from where on in a block. */
typedef struct cut {
    double part;
    uint64_t seed;
} cut;

static size_t rows_of(const c2s_linear_site *s, const c2s_tensor *x) {
    c2s_window w = s->window;
    if (!s->is_conv)
        return x->count / s->k;
    return x->type.rank == w.rank + 2 && c2s_window_resolve(&w, x->type.dim + 2) == C2S_OK
               ? (size_t)x->type.dim[0] * (size_t)c2s_window_out_size(&w)
               : 0;
}

static cut cut_of(c2s_gram_share share, const c2s_linear_site *s, const c2s_tensor *x) {
    const double most = (double)share.rows, least = 8.0 * (double)s->k;
    const double rows = (double)rows_of(s, x), wanted = most > least ? most : least;
    const bool some = most > 0 && rows * (double)share.samples > wanted;
    return (cut){some ? wanted / (double)share.samples / rows : 1, share.sample + 1};
}

/* The same rows of x and of y: it depends on the place of the block alone. */
static c2s_linear_block cut_block(const cut *c, const c2s_linear_block *block) {
    c2s_linear_block b = *block;
    if (c->part >= 1)
        return b;
    c2s_random random = {c->seed * 1000003 + b.image * 8191 + b.first};
    const size_t rows = (size_t)((double)b.x.rows * c->part) + 1;
    b.x.rows = rows < b.x.rows ? rows : b.x.rows;
    const size_t skip = (size_t)c2s_random_integer(&random, 0, (int64_t)(block->x.rows - b.x.rows));
    b.first += skip;
    b.x.at += skip * (b.x.by_column ? 1 : b.x.stride);
    return b;
}

typedef struct gram_rows {
    c2s_gram *gram;
    cut cut;
} gram_rows;

/* Infinite numbers or NaN would be all that is left of the sums: blocks that hold any are left out,
 * of x and of y. */
static c2s_status add_gram(void *user, const c2s_linear_block *whole) {
    const gram_rows *r = user;
    c2s_gram *g = r->gram;
    const c2s_linear_block block = cut_block(&r->cut, whole);
    if (!c2s_samples_finite(&block.x))
        return C2S_OK;
    add_sums(&block.x, g->sum + block.group * g->k, NULL);
    if (block.group == 0)
        g->rows += block.x.rows;
    return c2s_gram_add(&block.x, g->moment + block.group * g->k * g->k);
}

c2s_status c2s_gram_sum_input(const c2s_gram_consumer *c, c2s_gram_share share,
                              const c2s_tensor *x) {
    gram_rows rows = {c->gram, cut_of(share, &c->site, x)};
    return c2s_linear_rows(&c->site, x, add_gram, &rows);
}

/* The rows of y beside those of x. */
typedef struct target_rows {
    c2s_gram_consumer *consumer;
    size_t positions;
    double *squares; /* by group */
    cut cut;
} target_rows;

/* See c2s_gram_cutoff. `y`: rows of consumer->y. */
static c2s_status cut_off(c2s_gram_consumer *c, const c2s_linear_block *block,
                          const c2s_samples *y) {
    const c2s_linear_site *s = &c->site;
    const c2s_samples *x = &block->x;
    const size_t from = (size_t)(y->at - c->y);
    const float low = c->cutoff->low, high = c->cutoff->high, *added = c->cutoff->added;
    const c2s_product shape = {.transpose_a = x->by_column, .m = x->rows, .n = s->n, .k = s->k};
    float *products;
    C2S_TRY(c2s_scratch(x->rows, s->n * sizeof *products, &products));
    c2s_float_multiply(&shape, (c2s_float_part){x->at, x->stride},
                       (c2s_float_part){c->weights + block->group * s->k * s->n, s->n}, products,
                       s->n);
    for (size_t j = 0; j < s->n; j++)
        for (size_t row = 0; row < x->rows; row++) {
            const size_t at = from + (y->by_column ? j * y->stride + row : row * y->stride + j);
            const float beside = c->beside ? c->besides[at] : 0, wanted = c->y[at] + beside;
            const float gives =
                products[row * s->n + j] + (added ? added[block->group * s->n + j] : 0) + beside;
            if (wanted <= low)
                c->y[at] = fminf(gives, low) - beside;
            else if (wanted >= high)
                c->y[at] = fmaxf(gives, high) - beside;
        }
    free(products);
    return C2S_OK;
}

static c2s_status add_cross(void *user, const c2s_linear_block *whole) {
    const target_rows *t = user;
    const c2s_linear_site *s = &t->consumer->site;
    c2s_cross *cross = &t->consumer->cross;
    const c2s_linear_block block = cut_block(&t->cut, whole);
    if (!c2s_samples_finite(&block.x))
        return C2S_OK;
    const c2s_samples y = c2s_linear_outputs(s, &block, t->consumer->y, t->positions);
    if (t->consumer->cutoff)
        C2S_TRY(cut_off(t->consumer, &block, &y));
    add_sums(&y, cross->sum + block.group * s->n, &t->squares[block.group]);
    return c2s_cross_add(&block.x, &y, cross->moment + block.group * s->k * s->n);
}

/* The output that the site gives for this input has the type of the target. */
static c2s_status check_target(const c2s_gram_consumer *c, const c2s_tensor *x, size_t *positions) {
    const c2s_linear_site *s = &c->site;
    const c2s_type *y = &c->y_type;
    size_t count, images = 1, wanted;
    *positions = 1;
    bool fits = c->y && c2s_type_elements(y, &count) && (!c->beside || c->besides);
    if (fits && s->is_conv) {
        fits = y->rank == x->type.rank && y->dim[0] == x->type.dim[0];
        images = fits ? (size_t)y->dim[0] * s->groups : 0;
        for (int k = 2; fits && k < y->rank; k++)
            *positions *= (size_t)y->dim[k];
        c2s_window w = s->window;
        fits = fits && c2s_window_resolve(&w, x->type.dim + 2) == C2S_OK &&
               (size_t)c2s_window_out_size(&w) == *positions;
    } else {
        images = x->count / s->k;
    }
    if (!fits || !c2s_mul_size(images, s->n, &wanted) ||
        !c2s_mul_size(wanted, *positions, &wanted) || wanted != count)
        return c2s_fail(C2S_ERR_INVALID,
                        "%s: the reference, or what is added behind it, does not give its output",
                        c2s_node_text(s->node));
    return C2S_OK;
}

static void subtract_beside(c2s_gram_consumer *c) {
    size_t count = 0;
    if (c->beside && c2s_type_elements(&c->y_type, &count))
        for (size_t i = 0; i < count; i++)
            c->y[i] -= c->besides[i];
}

c2s_status c2s_gram_sum_target(c2s_gram_consumer *c, c2s_gram_share share, const c2s_tensor *x) {
    target_rows t = {c, 0, NULL, cut_of(share, &c->site, x)};
    C2S_TRY(check_target(c, x, &t.positions));
    subtract_beside(c);
    C2S_TRY(c2s_gram_zeros(c->site.groups, 1, &t.squares));
    c2s_status status = c2s_linear_rows(&c->site, x, add_cross, &t);
    for (size_t g = 0; g < c->site.groups; g++)
        c->cross.square += t.squares[g];
    free(t.squares);
    free(c->besides);
    c->besides = NULL;
    return status;
}
