/* SPDX-License-Identifier: Apache-2.0 */
#include "ops/elements.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

static char no_elements[16];

static void unpack(unsigned bits, const unsigned char *packed, size_t count, unsigned char *out) {
    unsigned per_byte = 8 / bits, mask = (1U << bits) - 1;
    for (size_t k = 0; k < count; k++)
        out[k] = (unsigned char)(packed[k / per_byte] >> (k % per_byte * bits) & mask);
}

static void pack(unsigned bits, const unsigned char *values, size_t count, unsigned char *out) {
    unsigned per_byte = 8 / bits, mask = (1U << bits) - 1;
    for (size_t k = 0; k < count; k += per_byte) {
        unsigned byte = 0;
        for (unsigned j = 0; j < per_byte && k + j < count; j++)
            byte |= (values[k + j] & mask) << (j * bits);
        out[k / per_byte] = (unsigned char)byte;
    }
}

c2s_status c2s_elements_read(const c2s_tensor *tensor, c2s_elements *out) {
    unsigned bits = c2s_dtype_bits(tensor->type.dtype);
    *out = (c2s_elements){.data = no_elements, .count = tensor->count};
    out->size = bits < 8 ? 1 : bits / 8;
    if (tensor->count == 0)
        return C2S_OK;
    if (bits < 8) {
        C2S_TRY(c2s_scratch(out->count, 1, &out->owned));
        out->data = out->owned;
        unpack(bits, c2s_tensor_data(tensor), out->count, out->owned);
        return C2S_OK;
    }
    const void *data = c2s_tensor_data(tensor);
    memcpy(&out->data, &data, sizeof data);
    return C2S_OK;
}

c2s_status c2s_elements_write(const c2s_eval *e, unsigned output, c2s_elements *out) {
    if (!e->out[output])
        return c2s_fail(C2S_ERR_INVALID, "output %u is left out", output);
    return c2s_elements_begin(e->out[output], out);
}

c2s_status c2s_elements_begin(c2s_tensor *tensor, c2s_elements *out) {
    unsigned bits = c2s_dtype_bits(tensor->type.dtype);
    *out = (c2s_elements){.data = no_elements, .count = tensor->count};
    out->size = bits < 8 ? 1 : bits / 8;
    if (tensor->count == 0)
        return C2S_OK;
    if (bits < 8) {
        C2S_TRY(c2s_scratch(out->count, 1, &out->owned));
        out->data = out->owned;
    } else {
        out->data = c2s_tensor_mutable(tensor);
    }
    return C2S_OK;
}

c2s_status c2s_elements_commit(c2s_eval *e, unsigned output, c2s_elements *elements) {
    return c2s_elements_finish(&e->out[output], elements);
}

c2s_status c2s_elements_finish(c2s_tensor **slot, c2s_elements *elements) {
    c2s_tensor *tensor = *slot, *owner;
    if (elements->owned) {
        pack(c2s_dtype_bits(tensor->type.dtype), elements->owned, elements->count,
             c2s_tensor_mutable(tensor));
    } else if (tensor->type.dtype == C2S_STRING && tensor->count) {
        C2S_TRY(c2s_tensor_strings(tensor->type.rank, tensor->type.dim,
                                   (const c2s_string *)(const void *)elements->data, &owner));
        c2s_tensor_unref(tensor);
        *slot = owner;
    }
    c2s_elements_close(elements);
    return C2S_OK;
}

void c2s_elements_close(c2s_elements *elements) {
    free(elements->owned);
    elements->owned = NULL;
}

c2s_status c2s_elements_open(c2s_eval *e, c2s_elements *in, c2s_elements *out) {
    C2S_TRY(c2s_elements_read(e->in[0], in));
    c2s_status status = c2s_elements_write(e, 0, out);
    if (status != C2S_OK)
        c2s_elements_close(in);
    return status;
}

c2s_status c2s_elements_end(c2s_eval *e, c2s_elements *in, c2s_elements *out, c2s_status status) {
    if (status == C2S_OK)
        status = c2s_elements_commit(e, 0, out);
    c2s_elements_close(out);
    c2s_elements_close(in);
    return status;
}
