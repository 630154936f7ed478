/* SPDX-License-Identifier: Apache-2.0 */
#include "passes/quant/weight_forms.h"

#include <string.h>

#include "ir/name_after.h"
#include "ops/op.h"

/* Smaller tensors are not worth a file. */
enum { SPILLED_BYTES = 1 << 20 };

static c2s_value *constant_of(const c2s_planned_weight *p, const char *suffix, c2s_tensor *tensor) {
    if (p->to_file && c2s_tensor_size(tensor) >= SPILLED_BYTES)
        c2s_tensor_spill(tensor);
    return c2s_constant_after(p->weight->graph, p->weight, suffix, tensor);
}

static void import_contrib(c2s_model *model) {
    if (c2s_model_opset(model, "com.microsoft") == 0)
        c2s_model_set_opset(model, "com.microsoft", 1);
}

/* ---- DequantizeLinear ---- */

c2s_node *c2s_planned_place(const c2s_planned_weight *p) {
    c2s_value_each_use(use, p->weight) {
        if (use->slot >= use->user->formal_count)
            return p->weight->def ? p->weight->def->next : p->weight->graph->first;
    }
    return p->node;
}

static c2s_status write_dequantize(const c2s_planned_weight *p) {
    c2s_value *weight = p->weight;
    c2s_value *codes = constant_of(p, "quantized", c2s_tensor_ref(p->codes.codes));
    c2s_value *scale = constant_of(p, "scale", c2s_tensor_ref(p->codes.scale));
    c2s_node *node = c2s_node_create(weight->graph, c2s_planned_place(p), "", "DequantizeLinear",
                                     p->codes.zero ? 3 : 2, 1);
    c2s_use_set(&node->inputs[0], codes);
    c2s_use_set(&node->inputs[1], scale);
    if (p->codes.zero)
        c2s_use_set(&node->inputs[2], constant_of(p, "zero_point", c2s_tensor_ref(p->codes.zero)));
    if (p->coding.block > 0) {
        c2s_attr_set_int(node, "axis", p->coding.block_axis);
        c2s_attr_set_int(node, "block_size", p->coding.block);
    } else if (p->coding.axis >= 0) {
        c2s_attr_set_int(node, "axis", p->coding.axis);
    }
    C2S_TRY(c2s_node_infer(node));
    c2s_value_name_after(node->outputs[0], weight, "dequantized");
    node->name = node->outputs[0]->name;
    c2s_value_replace(weight, node->outputs[0]);
    return C2S_OK;
}

/* ---- MatMulNBits ---- */

/* The weight as [n, k], whatever the reader's way to hold it. */
typedef struct matrix {
    int64_t n, k, blocks, block;
    int64_t n_step, k_step;   /* of codes */
    int64_t sn_step, sk_step; /* of scales */
    unsigned bits;
} matrix;

static matrix matrix_of(const c2s_planned_weight *p) {
    const c2s_type *type = &p->weight->type;
    const bool by_output = p->coding.block_axis == 1;
    matrix m = {.n = type->dim[by_output ? 0 : 1],
                .k = type->dim[by_output ? 1 : 0],
                .block = p->coding.block,
                .bits = c2s_dtype_bits(p->coding.dtype)};
    m.blocks = (m.k + m.block - 1) / m.block;
    m.n_step = by_output ? m.k : 1;
    m.k_step = by_output ? 1 : m.n;
    m.sn_step = by_output ? m.blocks : 1;
    m.sk_step = by_output ? 1 : m.n;
    return m;
}

static void put(uint8_t *bytes, int64_t index, unsigned bits, unsigned code) {
    const unsigned each = 8 / bits;
    bytes[index / each] |= (uint8_t)(code << (index % each * bits));
}

static unsigned code_at(const c2s_tensor *codes, int64_t index) {
    int64_t code = 0;
    c2s_tensor_i64_at(codes, (size_t)index, &code);
    return (unsigned)code;
}

/* Rows of whole blocks; what is behind the last weight decodes to 0. */
static c2s_status pack_codes(const c2s_planned_weight *p, const matrix *m, c2s_tensor **out) {
    const int64_t bytes = m->block * m->bits / 8;
    C2S_TRY(c2s_tensor_create(C2S_UINT8, 3, (int64_t[]){m->n, m->blocks, bytes}, out));
    uint8_t *data = c2s_tensor_mutable(*out);
    memset(data, 0, c2s_tensor_size(*out));
    for (int64_t n = 0; n < m->n; n++)
        for (int64_t k = 0; k < m->blocks * m->block; k++) {
            const int64_t scale = n * m->sn_step + k / m->block * m->sk_step;
            const unsigned code = k < m->k ? code_at(p->codes.codes, n * m->n_step + k * m->k_step)
                                           : code_at(p->codes.zero, scale);
            put(data + n * m->blocks * bytes, k, m->bits, code);
        }
    return C2S_OK;
}

static c2s_status pack_zeros(const c2s_planned_weight *p, const matrix *m, c2s_tensor **out) {
    const int64_t bytes = (m->blocks * m->bits + 7) / 8;
    C2S_TRY(c2s_tensor_create(C2S_UINT8, 2, (int64_t[]){m->n, bytes}, out));
    uint8_t *data = c2s_tensor_mutable(*out);
    memset(data, 0, c2s_tensor_size(*out));
    for (int64_t n = 0; n < m->n; n++)
        for (int64_t b = 0; b < m->blocks; b++)
            put(data + n * bytes, b, m->bits,
                code_at(p->codes.zero, n * m->sn_step + b * m->sk_step));
    return C2S_OK;
}

static c2s_status pack_scales(const c2s_planned_weight *p, const matrix *m, c2s_tensor **out) {
    const c2s_tensor *scale = p->codes.scale;
    const size_t size = c2s_dtype_bits(scale->type.dtype) / 8;
    C2S_TRY(c2s_tensor_create(scale->type.dtype, 2, (int64_t[]){m->n, m->blocks}, out));
    const char *from = c2s_tensor_data(scale);
    char *to = c2s_tensor_mutable(*out);
    for (int64_t n = 0; n < m->n; n++)
        for (int64_t b = 0; b < m->blocks; b++, to += size)
            memcpy(to, from + (size_t)(n * m->sn_step + b * m->sk_step) * size, size);
    return C2S_OK;
}

/* The node keeps its name and its output. */
static c2s_status become_nbits(c2s_node *node, const matrix *m, c2s_value *codes, c2s_value *scales,
                               c2s_value *zeros) {
    enum { A, B, SCALES, ZEROS, GROUPS, BIAS, COUNT };
    c2s_value *bias = c2s_node_in(node, 2);
    static const char *const gemm[] = {"alpha", "beta", "transA", "transB"};
    for (size_t i = 0; i < sizeof gemm / sizeof *gemm; i++)
        c2s_attr_remove(node, gemm[i]);
    c2s_node_set_type(node, "com.microsoft", "MatMulNBits");
    c2s_node_resize_inputs(node, COUNT);
    c2s_use_set(&node->inputs[B], codes);
    c2s_use_set(&node->inputs[SCALES], scales);
    c2s_use_set(&node->inputs[ZEROS], zeros);
    c2s_use_set(&node->inputs[GROUPS], NULL);
    c2s_use_set(&node->inputs[BIAS], bias);
    c2s_node_trim_inputs(node);
    c2s_attr_set_int(node, "K", m->k);
    c2s_attr_set_int(node, "N", m->n);
    c2s_attr_set_int(node, "bits", m->bits);
    c2s_attr_set_int(node, "block_size", m->block);
    return c2s_node_infer(node);
}

static c2s_status write_nbits(const c2s_planned_weight *p) {
    const matrix m = matrix_of(p);
    c2s_value *weight = p->weight, *zeros = NULL;
    c2s_tensor *tensor;
    C2S_TRY(pack_codes(p, &m, &tensor));
    c2s_value *codes = constant_of(p, "quantized", tensor);
    C2S_TRY(pack_scales(p, &m, &tensor));
    c2s_value *scales = constant_of(p, "scale", tensor);
    if (!p->coding.symmetric) {
        C2S_TRY(pack_zeros(p, &m, &tensor));
        zeros = constant_of(p, "zero_point", tensor);
    }
    import_contrib(weight->graph->model);
    while (weight->uses)
        C2S_TRY(become_nbits(weight->uses->user, &m, codes, scales, zeros));
    return C2S_OK;
}

/* ---- GatherBlockQuantized ---- */

static c2s_status write_gather(const c2s_planned_weight *p) {
    enum { DATA, INDICES, SCALES, ZEROS, COUNT };
    c2s_value *weight = p->weight, *zeros = NULL;
    c2s_value *codes = constant_of(p, "quantized", c2s_tensor_ref(p->codes.codes));
    c2s_value *scales = constant_of(p, "scale", c2s_tensor_ref(p->codes.scale));
    if (p->codes.zero)
        zeros = constant_of(p, "zero_point", c2s_tensor_ref(p->codes.zero));
    import_contrib(weight->graph->model);
    while (weight->uses) {
        c2s_node *node = weight->uses->user;
        c2s_attr_remove(node, "axis");
        c2s_node_set_type(node, "com.microsoft", "GatherBlockQuantized");
        c2s_node_resize_inputs(node, COUNT);
        c2s_use_set(&node->inputs[DATA], codes);
        c2s_use_set(&node->inputs[SCALES], scales);
        c2s_use_set(&node->inputs[ZEROS], zeros);
        c2s_node_trim_inputs(node);
        c2s_attr_set_int(node, "gather_axis", 0);
        c2s_attr_set_int(node, "quantize_axis", 1);
        c2s_attr_set_int(node, "block_size", p->coding.block);
        C2S_TRY(c2s_node_infer(node));
    }
    return C2S_OK;
}

c2s_status c2s_weight_write(const c2s_planned_weight *p) {
    switch (p->form) {
    case C2S_FORM_NBITS:
        return write_nbits(p);
    case C2S_FORM_GATHER:
        return write_gather(p);
    default:
        return write_dequantize(p);
    }
}
