/* SPDX-License-Identifier: Apache-2.0 */
#include "eval/probes.h"

#include <stdlib.h>
#include <string.h>

#include "base/map.h"
#include "base/status.h"
#include "eval/output_scores.h"
#include "eval/sample_order.h"
#include "eval/tensor_distance.h"
#include "ir/convert.h"

/* Samples that are probed: as many as make this many elements, within bounds. */
enum { ELEMENTS = 16384, LEAST_SAMPLES = 4, MOST_SAMPLES = 64 };

void c2s_probes_start(c2s_probes *p, const c2s_graph *graph, size_t samples) {
    *p = (c2s_probes){.samples = samples, .count = c2s_graph_output_count(graph)};
    p->output = c2s_zalloc((p->count + 1) * sizeof *p->output);
    p->chosen = c2s_zalloc(samples + 1);
    for (unsigned k = 0; k < p->count; k++)
        p->output[k].name = c2s_strdup(c2s_graph_output_name(graph, k));
}

void c2s_probes_free(c2s_probes *p) {
    for (unsigned k = 0; k < p->count; k++) {
        c2s_probed_output *o = &p->output[k];
        for (size_t i = 0; i < o->probes.count; i++)
            c2s_tensor_unref(o->probes.at[i].tensor);
        c2s_vec_free(&o->probes);
        free(o->name);
        free(o->type);
    }
    free(p->output);
    free(p->chosen);
    *p = (c2s_probes){0};
}

size_t c2s_probe_size(size_t elements) {
    return elements < C2S_PROBE_ELEMENTS ? elements : C2S_PROBE_ELEMENTS;
}

static const char *type_name(const c2s_type *type) {
    return c2s_type_is_tensor(type)          ? c2s_dtype_name(type->dtype)
           : type->kind == C2S_KIND_SEQUENCE ? "sequence"
           : type->kind == C2S_KIND_OPTIONAL ? "optional"
                                             : "other";
}

static size_t probed_elements(const c2s_tensor *t) {
    size_t sum = c2s_is_numeric_tensor(t) ? c2s_probe_size(t->count) : 0;
    for (size_t i = 0; !c2s_type_is_tensor(&t->type) && i < t->count; i++)
        sum += probed_elements(c2s_tensor_item(t, i));
    return sum;
}

static void choose_samples(c2s_probes *p, c2s_tensor *const *out) {
    size_t each = 0;
    for (unsigned k = 0; k < p->count; k++)
        each += probed_elements(out[k]);
    size_t wanted = ELEMENTS / (each + 1);
    wanted = wanted < LEAST_SAMPLES ? LEAST_SAMPLES : wanted > MOST_SAMPLES ? MOST_SAMPLES : wanted;
    c2s_samples_choose(p->samples, wanted, p->chosen);
}

static c2s_status probe(c2s_probed_output *o, size_t index, const c2s_tensor *t) {
    const size_t size = c2s_probe_size(t->count);
    const bool whole = size == t->count;
    const int64_t one_axis = (int64_t)size;
    c2s_probe found = {
        .sample = index, .scores = whole && c2s_is_float_tensor(t), .rank = t->type.rank};
    for (int i = 0; i < t->type.rank; i++)
        found.dim[i] = t->type.dim[i];
    C2S_TRY(c2s_tensor_create(C2S_DOUBLE, whole ? t->type.rank : 1, whole ? found.dim : &one_axis,
                              &found.tensor));
    double *to = c2s_tensor_mutable(found.tensor);
    for (size_t i = 0; i < size; i++)
        c2s_load_f64(t->type.dtype, c2s_tensor_data(t),
                     whole ? i : (size_t)((double)i * ((double)t->count / (double)size)), 1,
                     &to[i]);
    o->wide |= c2s_dtype_bits(t->type.dtype) > 32;
    c2s_vec_push(&o->probes, found);
    return C2S_OK;
}

/* Of a sequence each item is probed. */
static c2s_status probe_all(c2s_probed_output *o, size_t index, const c2s_tensor *t) {
    if (c2s_is_numeric_tensor(t))
        return probe(o, index, t);
    for (size_t i = 0; !c2s_type_is_tensor(&t->type) && i < t->count; i++)
        C2S_TRY(probe_all(o, index, c2s_tensor_item(t, i)));
    return C2S_OK;
}

c2s_status c2s_probes_add(c2s_probes *p, size_t index, unsigned input_count, c2s_tensor *const *in,
                          c2s_tensor *const *out) {
    for (unsigned k = 0; k < input_count; k++)
        p->inputs = c2s_hash_mix(p->inputs, in[k] ? c2s_tensor_hash(in[k]) : 0);
    if (index == 0)
        choose_samples(p, out);
    for (unsigned k = 0; k < p->count; k++) {
        c2s_probed_output *o = &p->output[k];
        o->digest = c2s_hash_mix(o->digest, c2s_tensor_hash(out[k]));
        if (index == 0)
            o->type = c2s_strdup(type_name(&out[k]->type));
        if (p->chosen[index])
            C2S_TRY(probe_all(o, index, out[k]));
    }
    return C2S_OK;
}
