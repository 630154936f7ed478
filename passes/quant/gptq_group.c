/* SPDX-License-Identifier: Apache-2.0 */
#include "passes/quant/gptq_group.h"

#include <stdlib.h>

#include "base/memory.h"
#include "base/threads.h"

/* Weights, scales and codes of some output channels, to and from the tensor's order. */
static void load_rows(const c2s_gptq_encoding *e, const c2s_gptq_moments *m,
                      const c2s_gptq_columns *c, bool given, size_t group, size_t first,
                      c2s_gptq_rows *rows) {
    const size_t k = m->k, classes = c->classes.count;
    for (size_t r = 0; r < rows->count; r++) {
        for (size_t i = 0; i < k; i++) {
            const size_t index = c2s_gptq_place(e->site, group, m->order[i], first + r);
            rows->weights[r * k + i] = e->weights[index];
            rows->codes[r * k + i] = given ? e->codes[index] : 0;
        }
        for (size_t s = 0; s < classes; s++) {
            const size_t any = m->order[c->classes.column[c->classes.start[s]]];
            rows->affines[r * classes + s] = e->affines[c2s_gptq_scale(e, group, any, first + r)];
        }
    }
}

static void store_rows(c2s_gptq_encoding *e, const c2s_gptq_moments *m, const c2s_gptq_columns *c,
                       bool scales, size_t group, size_t first, const c2s_gptq_rows *rows) {
    const size_t k = m->k, classes = c->classes.count;
    for (size_t r = 0; r < rows->count; r++) {
        for (size_t i = 0; i < k; i++)
            e->codes[c2s_gptq_place(e->site, group, m->order[i], first + r)] =
                rows->codes[r * k + i];
        for (size_t s = 0; scales && s < classes; s++) {
            const size_t any = m->order[c->classes.column[c->classes.start[s]]];
            e->affines[c2s_gptq_scale(e, group, any, first + r)] = rows->affines[r * classes + s];
        }
    }
}

/* One way to go over the rows of a group. */
typedef struct way {
    bool made;
    c2s_gptq_moments moments;
    c2s_gptq_columns columns;
} way;

static c2s_status make_way(const c2s_gptq_encoding *e, bool by_class, size_t group, way *w) {
    C2S_TRY(c2s_gptq_moments_create(e->gram, e->options, by_class ? e->classes.of : NULL, group,
                                    &w->moments));
    const c2s_status status =
        c2s_gptq_columns_create(&e->classes, e->options->bounds, &w->moments, group, &w->columns);
    if (status != C2S_OK)
        c2s_gptq_moments_free(&w->moments);
    w->made = status == C2S_OK;
    return status;
}

static void free_way(way *w) {
    if (!w->made)
        return;
    c2s_gptq_columns_free(&w->columns);
    c2s_gptq_moments_free(&w->moments);
}

/* `given`: they have codes already. */
static c2s_status encode_rows(c2s_gptq_encoding *e, const way *w, bool by_class, bool given,
                              size_t group, size_t first, c2s_gptq_error *error) {
    const c2s_gptq_moments *m = &w->moments;
    const c2s_gptq_columns *c = &w->columns;
    c2s_gptq_rows rows;
    const size_t left = e->site->n - first;
    C2S_TRY(c2s_gptq_rows_create(m->k, c->classes.count,
                                 left < C2S_GPTQ_ROWS ? left : C2S_GPTQ_ROWS, &rows));
    load_rows(e, m, c, given, group, first, &rows);
    const bool refit = e->own_scales && !e->options->keep_scales;
    const c2s_gptq_search search = {.grid = &e->grid,
                                    .classes = &c->classes,
                                    .pairs = e->options->bounds ? &c->pairs : NULL,
                                    .sweeps = e->options->sweeps,
                                    .relax = e->options->relax,
                                    .refit = refit,
                                    .choose = by_class};
    if (!given)
        c2s_gptq_rows_nearest(m, &search, &rows);
    c2s_status status = c2s_gptq_rows_round(m, &search, &rows, error);
    if (status == C2S_OK)
        store_rows(e, m, c, refit, group, first, &rows);
    c2s_gptq_rows_free(&rows);
    return status;
}

/* All output channels of a group, once; the sums are made in their order. */
static c2s_status encode_once(c2s_gptq_encoding *e, const way *w, bool by_class, bool given,
                              size_t group, c2s_gptq_error *error) {
    const size_t parts = (e->site->n + C2S_GPTQ_ROWS - 1) / C2S_GPTQ_ROWS;
    c2s_gptq_error *errors = c2s_zalloc((parts + 1) * sizeof *errors);
    bool failed = false;
#pragma omp parallel for schedule(dynamic) if (parts > 1)
    for (size_t part = 0; part < parts; part++)
        if (encode_rows(e, w, by_class, given, group, part * C2S_GPTQ_ROWS, &errors[part]) !=
            C2S_OK)
            failed = true;
    for (size_t part = 0; part < parts; part++)
        c2s_gptq_add_error(error, &errors[part]);
    free(errors);
    return failed
               ? c2s_fail(C2S_ERR_MEMORY, "no memory to round %zu weights per output", e->site->k)
               : C2S_OK;
}

/* How often it is done again: only other scales, or scales refitted, make a difference. */
static unsigned times_again(const c2s_gptq_encoding *e) {
    const c2s_gptq_options *o = e->options;
    return e->own_scales && !o->keep_scales && !o->relax ? o->again : 0;
}

c2s_status c2s_gptq_group(c2s_gptq_encoding *e, size_t group, c2s_gptq_error *error) {
    way ways[2] = {{.made = false}};
    const bool blocks = e->classes.count > 1;
    c2s_status status = C2S_OK;
    for (unsigned time = 0; time <= times_again(e) && status == C2S_OK; time++) {
        const bool by_class = blocks && time % 2 == 1, given = e->given || time > 0;
        c2s_gptq_error now = {0};
        if (!ways[by_class].made)
            status = make_way(e, by_class, group, &ways[by_class]);
        if (status == C2S_OK)
            status = encode_once(e, &ways[by_class], by_class, given, group, &now);
        if (time == 0) {
            *error = now;
            continue;
        }
        /* Another order sums up in another way, so that what did not change may differ a little. */
        error->error = now.error < error->error ? now.error : error->error;
    }
    free_way(&ways[0]);
    free_way(&ways[1]);
    return status;
}
