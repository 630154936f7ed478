/* SPDX-License-Identifier: Apache-2.0
 *
 * What batch normalizations tell of channels when there are no data: how much of what readers give
 * varies with a unit, and the mean that goes with it, which biases make up for.
 */
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "passes/prune/pruning.h"

typedef struct rows {
    const c2s_reader *reader;
    const c2s_channel_law *law;
    size_t kernel;
    const c2s_tensor *weight;
} rows;

static bool read_rows(const c2s_pruning *p, size_t reader, rows *out) {
    out->reader = &p->readers.at.at[reader];
    out->law = c2s_channel_law_of_rows(&p->laws, &out->reader->site, &out->kernel);
    out->weight = p->before[reader].weight;
    return out->law != NULL;
}

static size_t channel_of(const rows *r, size_t group, size_t row) {
    return group * (r->reader->site.k / r->kernel) + row / r->kernel;
}

/* Of row i, summed over groups and outputs: the part that a bias does not make up for. */
static double energy_of_row(const rows *r, size_t i) {
    const c2s_linear_site *s = &r->reader->site;
    double sum = 0;
    for (size_t g = 0; g < s->groups; g++) {
        const size_t c = channel_of(r, g, i);
        const double mean = r->reader->bias_node ? 0 : r->law->mean[c];
        double squares = 0;
        for (size_t j = 0; j < s->n; j++) {
            const double w = c2s_tensor_f64_at(r->weight, c2s_reader_index(r->reader, g, i, j));
            squares += w * w;
        }
        sum += squares * (r->law->variance[c] + mean * mean);
    }
    return sum;
}

static void add_scores(const c2s_group_reader *of, const rows *r, double *score) {
    const c2s_unit_map *map = of->map;
    const size_t k = r->reader->site.k, each = r->reader->kernel;
    double *row = c2s_alloc_array(k + 1, sizeof *row), whole = 0;
    for (size_t i = 0; i < k; i++)
        whole += row[i] = energy_of_row(r, i);
    for (size_t i = 0; i < k && whole > 0; i++) {
        const size_t e = i / each;
        const bool mine = e >= map->start && e - map->start < map->count;
        const uint32_t unit = mine ? map->unit_of[e - map->start] : C2S_NO_UNIT;
        if (unit != C2S_NO_UNIT)
            score[unit] += row[i] / whole;
    }
    free(row);
}

double *c2s_pruning_law_scores(const c2s_pruning *p, size_t group) {
    const c2s_group_readers *of = &p->readers.groups[group];
    if (!p->by_laws || of->others || of->cells || of->at.count == 0)
        return NULL;
    double *score = c2s_zalloc((p->groups.groups.at[group].units + 1) * sizeof *score);
    for (size_t k = 0; k < of->at.count; k++) {
        rows r;
        if (!read_rows(p, of->at.at[k].reader, &r)) {
            free(score);
            return NULL;
        }
        add_scores(&of->at.at[k], &r, score);
    }
    return score;
}

/* ---- biases ---- */

static c2s_status shift_bias(const rows *r, const bool *removed) {
    const c2s_linear_site *s = &r->reader->site;
    const c2s_tensor *bias = c2s_node_in(r->reader->bias_node, r->reader->bias_slot)->constant;
    c2s_tensor *shifted;
    C2S_TRY(c2s_tensor_create(C2S_FLOAT, bias->type.rank, bias->type.dim, &shifted));
    float *out = c2s_tensor_mutable(shifted);
    memcpy(out, c2s_tensor_data(bias), c2s_tensor_size(bias));
    for (size_t g = 0; g < s->groups; g++)
        for (size_t j = 0; j < s->n; j++) {
            const size_t at = c2s_reader_bias_index(r->reader, g * s->n + j);
            double sum = c2s_tensor_f64_at(bias, at);
            for (size_t i = 0; i < s->k; i++)
                if (removed[i])
                    sum += r->law->mean[channel_of(r, g, i)] *
                           c2s_tensor_f64_at(r->weight, c2s_reader_index(r->reader, g, i, j));
            out[at] = (float)sum;
        }
    c2s_reader_write(r->reader->bias_node, r->reader->bias_slot, shifted);
    c2s_tensor_unref(shifted);
    return C2S_OK;
}

c2s_status c2s_pruning_shift_biases(c2s_pruning *p) {
    for (size_t k = 0; k < p->groups.groups.count; k++)
        if (p->removed[k])
            c2s_pruning_mark_rows(p, k, p->removed[k]);
    for (size_t k = 0; k < p->readers.at.count; k++) {
        rows r;
        bool any = false;
        for (size_t i = 0; i < p->readers.at.at[k].site.k && !any; i++)
            any = p->before[k].removed[i];
        if (any && read_rows(p, k, &r) && r.reader->bias_node)
            C2S_TRY(shift_bias(&r, p->before[k].removed));
    }
    return C2S_OK;
}
