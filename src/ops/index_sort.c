/* SPDX-License-Identifier: Apache-2.0 */
#include "ops/index_sort.h"

#include <string.h>

#include "ops/workspace.h"

c2s_status c2s_sort_keys_of(c2s_workspace *ws, const c2s_tensor *tensor, c2s_sort_keys *out) {
    const c2s_dtype dtype = tensor->type.dtype;
    *out = (c2s_sort_keys){0};
    if (c2s_dtype_is_float(dtype)) {
        out->real = c2s_workspace_f64(ws, tensor);
        return ws->status;
    }
    out->whole = c2s_workspace_i64(ws, tensor);
    if (dtype != C2S_UINT64 || ws->status != C2S_OK)
        return ws->status;
    int64_t *flipped = c2s_workspace_array(ws, tensor->count, sizeof *flipped);
    for (size_t k = 0; flipped && k < tensor->count; k++)
        flipped[k] = out->whole[k] ^ INT64_MIN;
    out->whole = flipped;
    return ws->status;
}

static void merge(size_t *out, const size_t *left, size_t left_count, const size_t *right,
                  size_t right_count, c2s_before before, const void *context) {
    while (left_count && right_count) {
        if (before(context, *right, *left)) {
            *out++ = *right++;
            right_count--;
        } else {
            *out++ = *left++;
            left_count--;
        }
    }
    memcpy(out, left, left_count * sizeof *out);
    memcpy(out + left_count, right, right_count * sizeof *out);
}

void c2s_index_sort(size_t *index, size_t *spare, size_t count, c2s_before before,
                    const void *context) {
    size_t *from = index, *to = spare;
    for (size_t width = 1; width < count; width *= 2) {
        for (size_t start = 0; start < count; start += 2 * width) {
            size_t left = count - start < width ? count - start : width;
            size_t rest = count - start - left, right = rest < width ? rest : width;
            merge(to + start, from + start, left, from + start + left, right, before, context);
        }
        size_t *swap = from;
        from = to;
        to = swap;
    }
    if (from != index)
        memcpy(index, from, count * sizeof *index);
}

/* The order with ties broken by position. */
static bool precedes(c2s_before before, const void *context, size_t a, size_t b) {
    return before(context, a, b) || (!before(context, b, a) && a < b);
}

/* Restores the heap below `at`: every parent comes after its children. */
static void sift(size_t *heap, size_t at, size_t count, c2s_before before, const void *context) {
    size_t moved = heap[at];
    for (size_t child; (child = 2 * at + 1) < count; at = child) {
        if (child + 1 < count && precedes(before, context, heap[child], heap[child + 1]))
            child++;
        if (!precedes(before, context, moved, heap[child]))
            break;
        heap[at] = heap[child];
    }
    heap[at] = moved;
}

void c2s_index_select(size_t *index, size_t wanted, size_t count, c2s_before before,
                      const void *context) {
    if (wanted == 0)
        return;
    for (size_t k = 0; k < wanted; k++)
        index[k] = k;
    for (size_t k = wanted / 2; k-- > 0;)
        sift(index, k, wanted, before, context);
    for (size_t k = wanted; k < count; k++) {
        if (!before(context, k, index[0])) /* position k is the greatest so far: loses ties */
            continue;
        index[0] = k;
        sift(index, 0, wanted, before, context);
    }
    for (size_t k = wanted; k-- > 1;) {
        size_t last = index[0];
        index[0] = index[k];
        index[k] = last;
        sift(index, 0, k, before, context);
    }
}
