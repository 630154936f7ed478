/* SPDX-License-Identifier: Apache-2.0
 *
 * The operator Attention: with 3 or 4 axes, groups of queries' heads, causal or masked, with a
 * cache in front of keys and values. Windows, soft caps, padding by number and scores as a result
 * are eval's.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/dnnl_processor.h"
#include "runtime/layout.h"
#include "runtime/product.h"
#include "runtime/product_attention.h"
#include "runtime/range.h"

enum { MASK = 3, PAST_KEY, PAST_VALUE, VALID, MOST_INPUTS };
enum { Y, PRESENT_KEY, PRESENT_VALUE, SCORES };
enum { QUERY_HEADS, KEY_HEADS };

typedef struct state {
    c2s_attention t;
    c2s_matrices side[3];
    int64_t heads[2], past;
    bool joins;       /* keys and values are copied behind their past, or to be results */
    float *joined[2]; /* where not into results */
    float *mask;      /* of bools, as numbers */
} state;

/* ---- describing ---- */

static bool has(const c2s_step *step, unsigned input) {
    return input < step->own_count && step->in[input];
}

static bool gives(const c2s_step *step, unsigned output) {
    return output < step->out_count && step->out[output];
}

static int64_t heads_of(const c2s_step *step, unsigned input) {
    const c2s_type *type = &step->in[input]->type;
    if (type->rank == 4)
        return type->dim[1];
    return c2s_attr_int(step->node, input == C2S_Q ? "q_num_heads" : "kv_num_heads", 0);
}

static bool accepts_attributes(const c2s_node *node) {
    int64_t precision = c2s_attr_int(node, "softmax_precision", C2S_FLOAT);
    return !(c2s_attr_float(node, "softcap", 0) > 0) && precision == C2S_FLOAT &&
           c2s_attr_int(node, "left_window_size", -1) < 0 &&
           c2s_attr_int(node, "right_window_size", -1) < 0;
}

static bool accepts_mask(const c2s_step *step) {
    const c2s_type *type = has(step, MASK) ? &step->in[MASK]->type : NULL;
    if (!type)
        return true;
    return type->rank >= 1 && type->rank <= 4 && c2s_type_is_static(type) &&
           (type->dtype == C2S_FLOAT || type->dtype == C2S_BOOL);
}

static bool accepts(const c2s_step *step) {
    if (!c2s_processor_has_fma() || !accepts_attributes(step->node) || has(step, VALID) ||
        gives(step, SCORES) || !gives(step, Y) || !c2s_dnnl_accepts(&step->out[Y]->type) ||
        !accepts_mask(step))
        return false;
    for (unsigned k = C2S_Q; k <= C2S_V; k++) {
        const c2s_type *type = &step->in[k]->type;
        int64_t heads = type->rank == 3 || type->rank == 4 ? heads_of(step, k) : 0;
        if (!c2s_dnnl_accepts(type) || heads < 1 || (type->rank == 3 && type->dim[2] % heads))
            return false;
    }
    for (unsigned k = PAST_KEY; k <= PAST_VALUE; k++)
        if (has(step, k) && (step->in[k]->type.rank != 4 || step->in[k]->type.dtype != C2S_FLOAT))
            return false;
    return has(step, PAST_KEY) == has(step, PAST_VALUE);
}

/* [batch, heads, length, width], whatever the operand has. */
static void split(const c2s_matrices *m, int64_t heads, c2s_matrices *out) {
    if (m->rank == 4) {
        *out = *m;
        return;
    }
    int64_t width = m->dim[2] / heads;
    *out =
        (c2s_matrices){.rank = 4,
                       .dim = {m->dim[0], heads, m->dim[1], width},
                       .stride = {m->stride[0], width * m->stride[2], m->stride[1], m->stride[2]}};
}

/* The strides of [batch, key heads, queries' heads of each, row, column]. */
static void place(const c2s_matrices *m, int64_t group, bool per_key_head, int64_t *stride) {
    stride[0] = m->stride[0];
    stride[1] = per_key_head ? m->stride[1] : group * m->stride[1];
    stride[2] = per_key_head ? 0 : m->stride[1];
    stride[3] = m->stride[2];
    stride[4] = m->stride[3];
}

/* The last axis in full; the others too, or of extent 1. */
static bool place_mask(const c2s_type *type, const c2s_attention *t, int64_t group,
                       int64_t *stride) {
    const int64_t wanted[] = {t->batch[0], t->batch[1] * group, t->queries, t->keys};
    c2s_matrices m = {.rank = 4};
    int64_t step = 1;
    for (int axis = 3, own = type->rank - 1; axis >= 0; axis--, own--) {
        int64_t extent = own >= 0 ? type->dim[own] : 1;
        if (extent != wanted[axis] && (axis == 3 || extent != 1))
            return false;
        m.stride[axis] = extent == 1 ? 0 : step;
        step *= extent;
    }
    place(&m, group, false, stride);
    return true;
}

static bool fits(const c2s_matrices *q, const c2s_matrices *k, const c2s_matrices *v) {
    return q->dim[0] == k->dim[0] && k->dim[0] == v->dim[0] && k->dim[1] == v->dim[1] &&
           k->dim[2] == v->dim[2] && q->dim[3] == k->dim[3] && q->dim[1] % k->dim[1] == 0;
}

static bool past_fits(const c2s_step *step, unsigned input, const c2s_matrices *m, int64_t past) {
    const int64_t *dim = step->in[input]->type.dim;
    return dim[0] == m->dim[0] && dim[1] == m->dim[1] && dim[2] == past && dim[3] == m->dim[3];
}

/* The strides of what keys or values become once they lie behind their past. */
static void join(c2s_matrices *m, int64_t past) {
    m->dim[2] += past;
    m->stride[3] = 1;
    m->stride[2] = m->dim[3];
    m->stride[1] = m->dim[2] * m->stride[2];
    m->stride[0] = m->dim[1] * m->stride[1];
}

static bool describe(const c2s_step *step, const c2s_matrices *c, state *s) {
    c2s_attention *t = &s->t;
    c2s_matrices *side = s->side, k = side[C2S_K], v = side[C2S_V];
    if (!fits(&side[C2S_Q], &k, &v))
        return false;
    if (has(step, PAST_KEY)) {
        s->past = step->in[PAST_KEY]->type.dim[2];
        if (!past_fits(step, PAST_KEY, &k, s->past) || !past_fits(step, PAST_VALUE, &v, s->past))
            return false;
    }
    s->joins = has(step, PAST_KEY) || gives(step, PRESENT_KEY) || gives(step, PRESENT_VALUE);
    if (s->joins) {
        join(&k, s->past);
        join(&v, s->past);
    }
    int64_t group = side[C2S_Q].dim[1] / k.dim[1];
    *t = (c2s_attention){.batch_rank = 3,
                         .batch = {k.dim[0], k.dim[1], group},
                         .queries = side[C2S_Q].dim[2],
                         .depth = k.dim[3],
                         .keys = k.dim[2],
                         .width = v.dim[3],
                         .causal = c2s_attr_int(step->node, "is_causal", 0) != 0,
                         .past = s->past,
                         .zeros = true};
    t->scale = c2s_attr_has(step->node, "scale") ? c2s_attr_float(step->node, "scale", 0)
                                                 : (float)(1 / sqrt((double)t->depth));
    place(&side[C2S_Q], group, false, t->stride[C2S_Q]);
    place(&k, group, true, t->stride[C2S_K]);
    place(&v, group, true, t->stride[C2S_V]);
    int64_t swap = t->stride[C2S_K][3]; /* its keys are columns of the product */
    t->stride[C2S_K][3] = t->stride[C2S_K][4];
    t->stride[C2S_K][4] = swap;
    c2s_matrices y;
    split(c, side[C2S_Q].dim[1], &y);
    place(&y, group, false, t->c_stride);
    if (has(step, MASK) && !place_mask(&step->in[MASK]->type, t, group, t->stride[C2S_MASK]))
        return false;
    c2s_attention_plan(t);
    return y.dim[2] == t->queries && y.dim[3] == t->width && t->keys > 0;
}

/* ---- preparing ---- */

static void release(c2s_step *step) {
    state *s = step->state;
    if (s) {
        free(s->joined[0]);
        free(s->joined[1]);
        free(s->mask);
    }
    free(s);
    step->state = NULL;
}

static c2s_status reserve(float **out, size_t count) {
    *out = count <= SIZE_MAX / sizeof **out ? malloc(count * sizeof **out) : NULL;
    return *out ? C2S_OK : c2s_fail(C2S_ERR_MEMORY, "no memory for %zu numbers", count);
}

/* Memory for what is not there as the products want it. */
static c2s_status reserve_all(const c2s_step *step, state *s) {
    for (unsigned k = 0; k < 2 && s->joins; k++) {
        const int64_t *dim = s->side[C2S_K + k].dim;
        if (!gives(step, PRESENT_KEY + k))
            C2S_TRY(
                reserve(&s->joined[k], (size_t)(dim[0] * dim[1] * (dim[2] + s->past) * dim[3])));
    }
    size_t count;
    if (has(step, MASK) && step->in[MASK]->type.dtype == C2S_BOOL &&
        c2s_type_elements(&step->in[MASK]->type, &count))
        C2S_TRY(reserve(&s->mask, count));
    return C2S_OK;
}

static c2s_status prepare(c2s_step *step) {
    c2s_matrices m;
    state *s = c2s_zalloc(sizeof *s);
    step->state = s;
    c2s_status status = C2S_OK;
    for (unsigned k = 0; k < step->own_count && status == C2S_OK; k++) {
        if (!step->in[k])
            continue;
        status = k <= C2S_V ? c2s_matrices_take(step, k, &m) : c2s_step_take(step, k, NULL);
        if (k <= C2S_V)
            split(&m, heads_of(step, k), &s->side[k]);
    }
    if (status == C2S_OK)
        status = c2s_matrices_give(step, &m);
    for (unsigned k = PRESENT_KEY; k <= PRESENT_VALUE && status == C2S_OK; k++)
        if (gives(step, k))
            status = c2s_step_give(step, k, NULL);
    if (status == C2S_OK && !describe(step, &m, s))
        status = c2s_fail(C2S_ERR_UNSUPPORTED, "the extents do not fit");
    if (status == C2S_OK)
        status = reserve_all(step, s);
    if (status != C2S_OK)
        release(step);
    else
        step->terms = s->t.depth;
    return status;
}

/* ---- running ---- */

/* [batch, heads, past + length, width]: the past, then what `from` holds. */
static void copy_behind(const c2s_matrices *m, int64_t past, const float *before, const float *from,
                        float *to) {
    size_t old = (size_t)(past * m->dim[3]);
    for (int64_t b = 0; b < m->dim[0]; b++)
        for (int64_t h = 0; h < m->dim[1]; h++) {
            if (old > 0)
                memcpy(to, before, old * sizeof *to);
            to += old;
            before = old > 0 ? before + old : before;
            for (int64_t i = 0; i < m->dim[2]; i++, to += m->dim[3]) {
                const float *row = from + b * m->stride[0] + h * m->stride[1] + i * m->stride[2];
                if (m->stride[3] == 1)
                    memcpy(to, row, (size_t)m->dim[3] * sizeof *to);
                else
                    for (int64_t k = 0; k < m->dim[3]; k++)
                        to[k] = row[k * m->stride[3]];
            }
        }
}

static const float *data_of(const c2s_step *step, unsigned input) {
    return has(step, input) ? c2s_tensor_data(step->in[input]->tensor) : NULL;
}

static const float *run_mask(c2s_step *step, state *s) {
    if (!s->mask)
        return data_of(step, MASK);
    const c2s_tensor *tensor = step->in[MASK]->tensor;
    const unsigned char *seen = c2s_tensor_data(tensor);
    for (size_t i = 0; i < tensor->count; i++)
        s->mask[i] = seen[i] ? 0 : -INFINITY;
    return s->mask;
}

static c2s_status run(c2s_step *step) {
    state *s = step->state;
    c2s_attention t = s->t;
    const float *in[] = {data_of(step, C2S_Q), data_of(step, C2S_K), data_of(step, C2S_V),
                         run_mask(step, s)};
    for (unsigned k = 0; k < 2 && s->joins; k++) {
        float *to = gives(step, PRESENT_KEY + k)
                        ? c2s_tensor_mutable(step->out[PRESENT_KEY + k]->tensor)
                        : s->joined[k];
        copy_behind(&s->side[C2S_K + k], s->past, data_of(step, PAST_KEY + k), in[C2S_K + k], to);
        in[C2S_K + k] = to;
    }
    if (in[C2S_MASK] && !s->mask) {
        if (step->in[MASK]->most < 0 || step->in[MASK]->constant)
            c2s_range_scan(step->in[MASK]);
        t.doubtful = !(step->in[MASK]->most < INFINITY);
    }
    return c2s_attention_run(&t, step->dnnl, in, c2s_tensor_mutable(step->out[Y]->tensor));
}

const c2s_kernel_family c2s_kernels_attention = {
    .name = "attention",
    .flags = C2S_KERNEL_LAYOUTS,
    .accepts = accepts,
    .prepare = prepare,
    .run = run,
    .release = release,
    .finite_only = c2s_step_always,
    .any_input = 1u << MASK,
};
