/* SPDX-License-Identifier: Apache-2.0 */
#include "io/dataset_part.h"

#include <stdlib.h>
#include <string.h>

#include "base/mapping.h"

static int find_input(const c2s_graph *graph, const char *name) {
    for (unsigned i = 0; i < c2s_graph_input_count(graph); i++)
        if (strcmp(c2s_graph_input(graph, i)->name, name) == 0)
            return (int)i;
    return -1;
}

/* ---- arrays ---- */

void c2s_dataset_part_free(c2s_dataset_part *p) {
    for (size_t k = 0; k < p->arrays.count; k++) {
        free(p->arrays.at[k].name);
        c2s_tensor_unref(p->arrays.at[k].tensor);
    }
    c2s_vec_free(&p->arrays);
    c2s_npz_close(p->npz);
    *p = (c2s_dataset_part){0};
}

void c2s_dataset_part_add(c2s_dataset_part *p, const c2s_graph *graph, const char *name,
                          c2s_tensor *tensor) {
    c2s_vec_push(&p->arrays, ((c2s_dataset_array_part){.name = c2s_strdup(name),
                                                       .type = tensor->type,
                                                       .tensor = tensor,
                                                       .input = find_input(graph, name)}));
}

static c2s_status add_member(c2s_dataset_part *p, const c2s_graph *graph, size_t k) {
    const char *name = c2s_npz_name(p->npz, k);
    if (c2s_npz_size(p->npz, k) <= C2S_NPZ_WHOLE) {
        c2s_tensor *tensor;
        C2S_TRY(c2s_npz_read(p->npz, k, &tensor));
        c2s_dataset_part_add(p, graph, name, tensor);
        return C2S_OK;
    }
    c2s_dataset_array_part a = {.npz_array = k, .input = find_input(graph, name)};
    if (a.input < 0)
        return C2S_OK;
    C2S_TRY(c2s_npz_type(p->npz, k, &a.type));
    a.name = c2s_strdup(name);
    c2s_vec_push(&p->arrays, a);
    return C2S_OK;
}

c2s_status c2s_dataset_part_add_npz(c2s_dataset_part *p, const c2s_graph *graph, const char *path) {
    C2S_TRY(c2s_npz_open(path, &p->npz));
    for (size_t k = 0; k < c2s_npz_count(p->npz); k++)
        C2S_TRY(add_member(p, graph, k));
    return C2S_OK;
}

/* ---- as inputs ---- */

static bool extents_fit(const c2s_type *input, int input_from, const c2s_type *have,
                        int have_from) {
    if (input->rank - input_from != have->rank - have_from)
        return false;
    for (int i = 0; i < input->rank - input_from; i++) {
        c2s_dim want = input->dim[input_from + i];
        if (c2s_dim_is_known(want) && want != have->dim[have_from + i])
            return false;
    }
    return true;
}

/* Decides how the array is cut into samples. */
static c2s_status bind(const c2s_graph *graph, c2s_dataset_array_part *a) {
    const c2s_value *input = c2s_graph_input(graph, (unsigned)a->input);
    const c2s_type *want = &input->type, *have = &a->type;
    char expected[256], found[256];
    if (have->kind != C2S_KIND_TENSOR || want->kind != C2S_KIND_TENSOR)
        return C2S_OK; /* a container from a .pb file: the whole sample */
    if (want->dtype != C2S_UNDEFINED && want->dtype != have->dtype)
        goto mismatch;
    if (want->rank < 0 || want->rank == have->rank) {
        int64_t first = want->rank > 0 ? want->dim[0] : 1;
        size_t rows = c2s_dim_is_known(first) && first > 0 ? (size_t)first : 1;
        if (have->rank == 0)
            return C2S_OK;
        if ((want->rank < 0 || extents_fit(want, 1, have, 1)) && (size_t)have->dim[0] % rows == 0) {
            a->rows = rows;
            a->samples = (size_t)have->dim[0] / rows;
            if (a->samples == 1)
                a->samples = 0;
            return C2S_OK;
        }
    } else if (want->rank + 1 == have->rank && extents_fit(want, 0, have, 1)) {
        a->items = true;
        a->samples = (size_t)have->dim[0];
        return C2S_OK;
    }
mismatch:
    return c2s_fail(C2S_ERR_INVALID, "array \"%s\" is %s, the input expects %s", a->name,
                    c2s_type_text(graph->model->dims, have, found, sizeof found),
                    c2s_type_text(graph->model->dims, want, expected, sizeof expected));
}

c2s_status c2s_dataset_part_bind(c2s_dataset_part *p, const c2s_graph *graph, bool whole) {
    const char *counted = NULL;
    for (size_t k = 0; k < p->arrays.count; k++) {
        c2s_dataset_array_part *a = &p->arrays.at[k];
        if (a->input < 0)
            continue;
        if (!whole)
            C2S_TRY(bind(graph, a));
        if (a->samples == 0 && !a->tensor)
            C2S_TRY(c2s_npz_read(p->npz, a->npz_array, &a->tensor));
        if (a->samples == 0)
            continue;
        if (counted && a->samples != p->samples)
            return c2s_fail(C2S_ERR_INVALID, "array \"%s\" has %zu samples, \"%s\" has %zu",
                            a->name, a->samples, counted, p->samples);
        counted = a->name;
        p->samples = a->samples;
    }
    if (!counted)
        p->samples = 1;
    for (unsigned i = 0; i < c2s_graph_input_count(graph); i++) {
        const c2s_value *input = c2s_graph_input(graph, i);
        bool found = input->initial || input->type.kind == C2S_KIND_OPTIONAL;
        for (size_t k = 0; k < p->arrays.count && !found; k++)
            found = p->arrays.at[k].input == (int)i;
        if (!found)
            return c2s_fail(C2S_ERR_INVALID, "no array for input \"%s\"", input->name);
    }
    return C2S_OK;
}

/* ---- samples ---- */

/* What was handed out before need not stay in memory if it is mapped. */
static void forget_last(c2s_dataset_array_part *a, size_t index, size_t size) {
    const char *data = c2s_tensor_raw(a->tensor);
    if (index != a->last)
        c2s_mapping_forget(data + a->last * size, size);
    a->last = index;
}

static c2s_status cut(c2s_dataset_part *p, c2s_dataset_array_part *a, size_t index,
                      c2s_tensor **out) {
    if (a->samples == 0) {
        *out = c2s_tensor_ref(a->tensor);
        return C2S_OK;
    }
    int64_t dim[C2S_MAX_RANK];
    const int rank = a->type.rank - (a->items ? 1 : 0);
    memcpy(dim, a->type.dim + (a->items ? 1 : 0), (size_t)rank * sizeof *dim);
    if (!a->items)
        dim[0] = (int64_t)a->rows;
    if (a->tensor) {
        const size_t size =
            c2s_tensor_size(a->tensor) / a->samples; /* whole elements: no packed types */
        forget_last(a, index, size);
        return c2s_tensor_view(a->type.dtype, rank, dim, a->tensor->bytes,
                               a->tensor->offset + index * size, out);
    }
    C2S_TRY(c2s_tensor_create(a->type.dtype, rank, dim, out));
    const size_t size = c2s_tensor_size(*out);
    c2s_status status = c2s_npz_read_part(p->npz, a->npz_array, (uint64_t)index * size,
                                          c2s_tensor_mutable(*out), size);
    if (status != C2S_OK) {
        c2s_tensor_unref(*out);
        *out = NULL;
    }
    return status;
}

c2s_status c2s_dataset_part_sample(c2s_dataset_part *p, size_t index, c2s_tensor **in) {
    for (size_t k = 0; k < p->arrays.count; k++) {
        c2s_dataset_array_part *a = &p->arrays.at[k];
        if (a->input >= 0 && !in[a->input])
            C2S_TRY(cut(p, a, index, &in[a->input]));
    }
    return C2S_OK;
}
