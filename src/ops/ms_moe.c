/* SPDX-License-Identifier: Apache-2.0
 *
 * com.microsoft MoE and QMoE: every token goes through the k experts that its router prefers, small
 * networks of two or three layers, whose results are summed with the router's weights.
 */
#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "ops/gemm.h"
#include "ops/infer_tensor.h"
#include "ops/macs.h"
#include "ops/workspace.h"

enum { INPUT, ROUTER, NONE = 255 };

/* Which inputs of the node belong to a layer. */
typedef struct layer_slots {
    unsigned weight, scale, bias, zero;
} layer_slots;

static const layer_slots moe_slots[3] = {
    {2, NONE, 3, NONE}, {4, NONE, 5, NONE}, {6, NONE, 7, NONE}};
static const layer_slots qmoe_slots[3] = {{2, 3, 4, 11}, {5, 6, 7, 12}, {8, 9, 10, 13}};
enum { QMOE_MIX = 14 };

/* One layer of all experts: weights [experts, n, k] times rows of k. */
typedef struct layer {
    const float *weight, *scale, *bias; /* scale NULL: the weights are floats */
    const uint8_t *code, *zero;
    int64_t n, k, bits, blocks;
} layer;

typedef struct mixture {
    layer in, out, gate;
    int64_t count, rows, hidden, inner, top;
    const char *activation;
    int64_t fusion;
    float alpha, beta, limit;
    bool normalize;
} mixture;

static const c2s_tensor *input(const c2s_eval *e, unsigned slot) {
    return slot < e->in_count ? e->in[slot] : NULL;
}

/* ---- layers ---- */

static c2s_status open_codes(c2s_workspace *ws, const c2s_eval *e, const layer_slots *slot,
                             int64_t experts, layer *l) {
    const c2s_tensor *scale = input(e, slot->scale), *zero = input(e, slot->zero);
    const int64_t block = c2s_attr_int(e->node, "block_size", 0), pack = 8 / l->bits;
    l->blocks = block > 0 ? l->k / block : 1;
    if (block > 0 && l->k % block != 0)
        return c2s_fail(C2S_ERR_INVALID, "rows of %" PRId64 " in blocks of %" PRId64, l->k, block);
    if (!scale || (int64_t)scale->count != experts * l->n * l->blocks)
        return c2s_fail(C2S_ERR_INVALID, "there are %zu scales, expected %" PRId64,
                        scale ? scale->count : 0, experts * l->n * l->blocks);
    const int64_t zeros =
        block > 0 ? l->n * ((l->blocks + pack - 1) / pack) : (l->n + pack - 1) / pack;
    if (zero && (zero->type.dtype != C2S_UINT8 || (int64_t)zero->count != experts * zeros))
        return c2s_fail(C2S_ERR_INVALID, "there are %zu zero points, expected %" PRId64 " bytes",
                        zero->count, experts * zeros);
    l->scale = c2s_workspace_f32(ws, scale);
    l->zero = zero ? c2s_tensor_data(zero) : NULL;
    return ws->status;
}

/* Opens a layer for rows of k; n is what the weights say. */
static c2s_status open_layer(c2s_workspace *ws, const c2s_eval *e, const layer_slots *slot,
                             int64_t experts, int64_t k, layer *l) {
    const c2s_tensor *weight = input(e, slot->weight), *bias = input(e, slot->bias);
    const bool quantized = slot->scale != NONE;
    if (!weight)
        return c2s_fail(C2S_ERR_INVALID, "input %u is missing", slot->weight);
    if (k > INT32_MAX)
        return c2s_fail(C2S_ERR_INVALID, "rows of %" PRId64 " elements", k);
    l->k = k;
    l->bits = quantized ? c2s_attr_int(e->node, "expert_weight_bits", 4) : 8;
    if (l->bits != 2 && l->bits != 4 && l->bits != 8)
        return c2s_fail(C2S_ERR_UNSUPPORTED,
                        "expert_weight_bits is %" PRId64 ", expected 2, 4 or 8", l->bits);
    const int64_t *d = weight->type.dim, row = quantized ? k * l->bits / 8 : k;
    if (weight->type.rank != 3 || d[0] != experts || d[2] != row || k * l->bits % 8 != 0 ||
        quantized != (weight->type.dtype == C2S_UINT8))
        return c2s_fail(C2S_ERR_INVALID, "input %u must be [%" PRId64 ", rows, %" PRId64 "]%s",
                        slot->weight, experts, row, quantized ? " of uint8" : "");
    l->n = d[1];
    if (l->n < 1 || k < 1 || l->n > INT32_MAX)
        return c2s_fail(C2S_ERR_INVALID, "a layer of %" PRId64 " rows of %" PRId64, l->n, k);
    if (bias && (int64_t)bias->count != experts * l->n)
        return c2s_fail(C2S_ERR_INVALID, "input %u has %zu elements, expected %" PRId64, slot->bias,
                        bias->count, experts * l->n);
    l->bias = c2s_workspace_f32(ws, bias);
    if (quantized) {
        l->code = c2s_tensor_data(weight);
        return open_codes(ws, e, slot, experts, l);
    }
    l->weight = c2s_workspace_f32(ws, weight);
    return ws->status;
}

static int code_at(const uint8_t *bytes, int64_t index, int64_t bits) {
    const int64_t pack = 8 / bits;
    return (bytes[index / pack] >> (index % pack * bits)) & ((1 << bits) - 1);
}

/* The zero point of a block: packed along the blocks, or along the rows where there is one. */
static int zero_at(const layer *l, int64_t expert, int64_t row, int64_t block, bool blocked) {
    const int64_t pack = 8 / l->bits;
    if (!l->zero)
        return 1 << (l->bits - 1);
    if (!blocked)
        return code_at(l->zero + expert * ((l->n + pack - 1) / pack), row, l->bits);
    return code_at(l->zero + (expert * l->n + row) * ((l->blocks + pack - 1) / pack), block,
                   l->bits);
}

/* The weights of one expert [n, k]; `scratch` has room for them if they are codes. */
static const float *expert_weight(const layer *l, int64_t expert, bool blocked, float *scratch) {
    if (!l->code)
        return l->weight + expert * l->n * l->k;
    const int64_t width = l->k / l->blocks;
    for (int64_t r = 0; r < l->n; r++) {
        const uint8_t *bytes = l->code + (expert * l->n + r) * (l->k * l->bits / 8);
        for (int64_t b = 0; b < l->blocks; b++) {
            const float scale = l->scale[(expert * l->n + r) * l->blocks + b];
            const int zero = zero_at(l, expert, r, b, blocked);
            for (int64_t j = b * width; j < (b + 1) * width; j++)
                scratch[r * l->k + j] = (float)(code_at(bytes, j, l->bits) - zero) * scale;
        }
    }
    return scratch;
}

/* y [rows, n] = x [rows, k] times the expert's weights transposed, plus its bias. */
static void apply(const layer *l, int64_t expert, bool blocked, float *scratch, const float *x,
                  int64_t rows, float *y) {
    const c2s_gemm g = c2s_gemm_of((size_t)rows, (size_t)l->n, (size_t)l->k, 0, 1);
    c2s_gemm_f32(&g, x, expert_weight(l, expert, blocked, scratch), y);
    for (int64_t r = 0; l->bias && r < rows; r++)
        for (int64_t c = 0; c < l->n; c++)
            y[r * l->n + c] += l->bias[expert * l->n + c];
}

/* ---- activation ---- */

static float activated(const mixture *x, float v) {
    switch (x->activation[0]) {
    case 'r':
        return v > 0.0f || isnan(v) ? v : 0.0f;
    case 'g':
        return 0.5f * v * (1.0f + tanhf(0.79788456f * (v + 0.044715f * v * v * v)));
    case 's':
        return v / (1.0f + expf(-v));
    default:
        return v;
    }
}

static float swiglu(const mixture *x, float g, float l) {
    g = g > x->limit ? x->limit : g;
    l = l > x->limit ? x->limit : l < -x->limit ? -x->limit : l;
    return g / (1.0f + expf(-x->alpha * g)) * (l + x->beta);
}

/* Rows of the first layer (and of the gate, may be NULL) to rows of `inner`. */
static void activate(const mixture *x, const float *first, const float *gate, int64_t rows,
                     float *y) {
    const bool gated = strcmp(x->activation, "swiglu") == 0;
    for (int64_t r = 0; r < rows; r++, first += x->in.n, y += x->inner)
        for (int64_t c = 0; c < x->inner; c++) {
            const float other = gate ? gate[r * x->inner + c] : 1.0f;
            if (!gated)
                y[c] = activated(x, first[c]) * other;
            else if (x->fusion == 1)
                y[c] = swiglu(x, first[2 * c], first[2 * c + 1]);
            else
                y[c] = swiglu(x, first[c], gate ? other : first[x->inner + c]);
        }
}

/* ---- routing ---- */

/* The k largest of a row, the first of equals first; their weights go to `mix` [experts], the
 * others' stay 0. */
static void route(const mixture *x, const float *logit, const float *weight, float *mix) {
    float most = -INFINITY, all = 0.0f, chosen = 0.0f;
    for (int64_t j = 0; j < x->count; j++)
        most = logit[j] > most ? logit[j] : most;
    for (int64_t j = 0; j < x->count; j++)
        all += expf(logit[j] - most);
    memset(mix, 0, (size_t)x->count * sizeof *mix);
    for (int64_t t = 0; t < x->top; t++) {
        int64_t best = -1;
        for (int64_t j = 0; j < x->count; j++)
            if (!signbit(mix[j]) && (best < 0 || logit[j] > logit[best]))
                best = j;
        mix[best] = -1.0f; /* taken */
    }
    for (int64_t j = 0; j < x->count; j++) {
        if (!signbit(mix[j]))
            continue;
        mix[j] = weight ? weight[j] : expf(logit[j] - most) / all;
        chosen += mix[j];
    }
    for (int64_t j = 0; x->normalize && chosen != 0.0f && j < x->count; j++)
        mix[j] /= chosen;
}

/* ---- evaluation ---- */

static c2s_status read_options(const c2s_node *node, mixture *x) {
    static const char *const known[] = {"relu", "gelu", "silu", "swiglu", "identity"};
    x->activation = c2s_attr_string(node, "activation_type", "relu");
    x->fusion = c2s_attr_int(node, "swiglu_fusion", 0);
    x->alpha = c2s_attr_float(node, "activation_alpha", 1.0f);
    x->beta = c2s_attr_float(node, "activation_beta", 0.0f);
    x->limit = c2s_attr_float(node, "swiglu_limit", INFINITY);
    x->normalize = c2s_attr_int(node, "normalize_routing_weights", 0) != 0;
    x->top = c2s_attr_int(node, "k", 1);
    bool found = false;
    for (size_t k = 0; k < sizeof known / sizeof *known; k++)
        found = found || strcmp(known[k], x->activation) == 0;
    if (!found || x->fusion < 0 || x->fusion > 2)
        return c2s_fail(C2S_ERR_UNSUPPORTED,
                        "activation_type is \"%s\" with swiglu_fusion %" PRId64, x->activation,
                        x->fusion);
    if (c2s_attr_int(node, "use_sparse_mixer", 0) != 0)
        return c2s_fail(C2S_ERR_UNSUPPORTED, "use_sparse_mixer is 1, expected 0");
    if (strcmp(c2s_attr_string(node, "quant_type", "int"), "int") != 0 ||
        c2s_attr_int(node, "weights_prepacked", 0) > 0)
        return c2s_fail(C2S_ERR_UNSUPPORTED, "weights in a format of GPUs");
    return C2S_OK;
}

static c2s_status open_experts(c2s_workspace *ws, const c2s_eval *e, const layer_slots slot[3],
                               mixture *x) {
    const c2s_type *in = &e->in[INPUT]->type, *router = &e->in[ROUTER]->type;
    const bool swiglu = strcmp(x->activation, "swiglu") == 0;
    x->hidden = in->dim[in->rank - 1];
    x->rows = x->hidden ? (int64_t)e->in[INPUT]->count / x->hidden : 0;
    if (router->rank != 2 || router->dim[0] != x->rows)
        return c2s_fail(C2S_ERR_INVALID, "router_probs must be [%" PRId64 ", experts]", x->rows);
    x->count = router->dim[1];
    if (x->top < 1 || x->top > x->count)
        return c2s_fail(C2S_ERR_INVALID, "k is %" PRId64 " of %" PRId64 " experts", x->top,
                        x->count);
    C2S_TRY(open_layer(ws, e, &slot[0], x->count, x->hidden, &x->in));
    x->inner = swiglu && x->fusion ? x->in.n / 2 : x->in.n;
    if (input(e, slot[2].weight))
        C2S_TRY(open_layer(ws, e, &slot[2], x->count, x->hidden, &x->gate));
    C2S_TRY(open_layer(ws, e, &slot[1], x->count, x->inner, &x->out));
    if (x->out.n != x->hidden || (swiglu && x->fusion && (x->in.n % 2 || x->gate.n)) ||
        (swiglu && !x->fusion && !x->gate.n) || (x->gate.n && x->gate.n != x->inner))
        return c2s_fail(C2S_ERR_INVALID,
                        "layers of %" PRId64 ", %" PRId64 " and %" PRId64 " rows with %" PRId64
                        " inputs do not fit one another",
                        x->in.n, x->gate.n, x->out.n, x->hidden);
    return C2S_OK;
}

static int64_t larger(int64_t a, int64_t b) {
    return a > b ? a : b;
}

/* All tokens of one expert go through its layers together. */
static c2s_status run(c2s_workspace *ws, const mixture *x, bool blocked, const float *from,
                      const float *mix, float *to) {
    const int64_t most = larger(x->in.n * x->hidden, x->hidden * x->inner);
    float *scratch = c2s_workspace_array(ws, (size_t)most, sizeof *scratch);
    float *rows = c2s_workspace_array(ws, (size_t)x->rows, (size_t)x->hidden * sizeof *rows);
    float *first = c2s_workspace_array(ws, (size_t)x->rows, (size_t)x->in.n * sizeof *first);
    float *gate = c2s_workspace_array(ws, (size_t)x->rows, (size_t)x->inner * sizeof *gate);
    float *inner = c2s_workspace_array(ws, (size_t)x->rows, (size_t)x->inner * sizeof *inner);
    if (ws->status != C2S_OK)
        return ws->status;
    const size_t size = (size_t)x->hidden * sizeof *rows;
    memset(to, 0, (size_t)x->rows * size);
    for (int64_t expert = 0; expert < x->count; expert++) {
        int64_t n = 0;
        for (int64_t r = 0; r < x->rows; r++)
            if (mix[r * x->count + expert] != 0.0f)
                memcpy(rows + n++ * x->hidden, from + r * x->hidden, size);
        if (n == 0)
            continue;
        apply(&x->in, expert, blocked, scratch, rows, n, first);
        if (x->gate.n)
            apply(&x->gate, expert, blocked, scratch, rows, n, gate);
        activate(x, first, x->gate.n ? gate : NULL, n, inner);
        apply(&x->out, expert, blocked, scratch, inner, n, rows);
        n = 0;
        for (int64_t r = 0; r < x->rows; r++) {
            const float weight = mix[r * x->count + expert];
            for (int64_t c = 0; weight != 0.0f && c < x->hidden; c++)
                to[r * x->hidden + c] += weight * rows[n * x->hidden + c];
            n += weight != 0.0f;
        }
    }
    return C2S_OK;
}

static c2s_status evaluate(c2s_workspace *ws, const c2s_eval *e, const layer_slots slot[3],
                           unsigned mixing) {
    mixture x = {0};
    C2S_TRY(read_options(e->node, &x));
    C2S_TRY(open_experts(ws, e, slot, &x));
    const c2s_tensor *given = input(e, mixing);
    if (given && given->count != e->in[ROUTER]->count)
        return c2s_fail(C2S_ERR_INVALID, "router_weights has %zu elements, expected %zu",
                        given->count, e->in[ROUTER]->count);
    const float *from = c2s_workspace_f32(ws, e->in[INPUT]);
    const float *logits = c2s_workspace_f32(ws, e->in[ROUTER]);
    const float *weights = c2s_workspace_f32(ws, given);
    float *mix = c2s_workspace_array(ws, e->in[ROUTER]->count, sizeof *mix);
    float *to = c2s_workspace_out_f32(ws, e->out[0]);
    for (int64_t r = 0; ws->status == C2S_OK && r < x.rows; r++)
        route(&x, logits + r * x.count, weights ? weights + r * x.count : NULL, mix + r * x.count);
    if (ws->status != C2S_OK)
        return ws->status;
    return run(ws, &x, c2s_attr_int(e->node, "block_size", 0) > 0, from, mix, to);
}

static c2s_status moe_eval(c2s_eval *e) {
    c2s_workspace ws = {0};
    ws.status = evaluate(&ws, e, moe_slots, NONE);
    return c2s_workspace_end(&ws);
}

static c2s_status qmoe_eval(c2s_eval *e) {
    c2s_workspace ws = {0};
    ws.status = evaluate(&ws, e, qmoe_slots, QMOE_MIX);
    return c2s_workspace_end(&ws);
}

static c2s_status moe_infer(c2s_infer *i) {
    C2S_TRY(c2s_infer_tensors(i, 3));
    C2S_TRY(c2s_infer_rank(i, INPUT, 2, 3));
    const c2s_type *x = c2s_infer_type(i, INPUT);
    return c2s_infer_output(i, 0, x->dtype, x->rank, x->dim);
}

/* Each token meets all weights of k experts. */
static int64_t expert_macs(const c2s_node *node, const layer_slots slot[3], int64_t codes) {
    const c2s_value *x = c2s_node_in(node, INPUT);
    const int64_t tokens =
        x && x->type.rank > 0 ? c2s_macs_extents(&x->type, 0, x->type.rank - 1) : 1;
    int64_t weights = 0;
    for (int k = 0; k < 3; k++)
        if (c2s_node_in(node, slot[k].weight) &&
            !c2s_add_i64(weights, c2s_macs_input(node, slot[k].weight, 1, -1), &weights))
            weights = INT64_MAX;
    return c2s_macs_mul(c2s_macs_mul(tokens, c2s_attr_int(node, "k", 1)),
                        c2s_macs_mul(weights, codes));
}

static int64_t moe_macs(const c2s_node *node) {
    return expert_macs(node, moe_slots, 1);
}

static int64_t qmoe_macs(const c2s_node *node) {
    const int64_t bits = c2s_attr_int(node, "expert_weight_bits", 4);
    return expert_macs(node, qmoe_slots, bits == 2 || bits == 4 ? 8 / bits : 1);
}

#define MOE_ATTRS                                                                                  \
    {"activation_alpha", C2S_ATTR_FLOAT, false}, {"activation_beta", C2S_ATTR_FLOAT, false},       \
        {"activation_type", C2S_ATTR_STRING, false}, {"k", C2S_ATTR_INT, false},                   \
        {"normalize_routing_weights", C2S_ATTR_INT, false},                                        \
        {"swiglu_fusion", C2S_ATTR_INT, false}, {"swiglu_limit", C2S_ATTR_FLOAT, false}, {         \
        "use_sparse_mixer", C2S_ATTR_INT, false                                                    \
    }

static const c2s_attr_spec moe_attrs[] = {MOE_ATTRS, {0}};
const c2s_op c2s_op_ms_moe = {
    .type = "MoE",
    .domain = "com.microsoft",
    .inputs = {3, 8}, /* biases may be left out */
    .outputs = {1, 1},
    .quant = C2S_QUANT_SLOTS(FLOAT, C2S_SLOT(0), 1u),
    .attrs = moe_attrs,
    .ties = c2s_ties_pinned,
    .infer = moe_infer,
    .eval = moe_eval,
    .macs = moe_macs,
};

static const c2s_attr_spec qmoe_attrs[] = {MOE_ATTRS,
                                           {"accuracy_level", C2S_ATTR_INT, false},
                                           {"block_size", C2S_ATTR_INT, false},
                                           {"expert_weight_bits", C2S_ATTR_INT, false},
                                           {"quant_type", C2S_ATTR_STRING, false},
                                           {"weights_prepacked", C2S_ATTR_INT, false},
                                           {0}};
const c2s_op c2s_op_ms_qmoe = {
    .type = "QMoE",
    .domain = "com.microsoft",
    .inputs = {3, 21},
    .outputs = {1, 1},
    .quant = C2S_QUANT_ONLY(CODES),
    .attrs = qmoe_attrs,
    .ties = c2s_ties_pinned,
    .infer = moe_infer,
    .eval = qmoe_eval,
    .macs = qmoe_macs,
};
