/* SPDX-License-Identifier: Apache-2.0 */
#include "ops/ml/lookup.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int compare_text(c2s_string a, c2s_string b) {
    size_t size = a.size < b.size ? a.size : b.size;
    int order = size ? memcmp(a.data, b.data, size) : 0;
    return order ? order : (a.size > b.size) - (a.size < b.size);
}

static int compare_content(const c2s_lookup_key *a, const c2s_lookup_key *b, bool is_text) {
    return is_text ? compare_text(a->text, b->text) : (a->bits > b->bits) - (a->bits < b->bits);
}

static int compare_texts(const void *a, const void *b) {
    const c2s_lookup_key *x = a, *y = b;
    int order = compare_content(x, y, true);
    return order ? order : (x->order > y->order) - (x->order < y->order);
}

static int compare_numbers(const void *a, const void *b) {
    const c2s_lookup_key *x = a, *y = b;
    int order = compare_content(x, y, false);
    return order ? order : (x->order > y->order) - (x->order < y->order);
}

static c2s_lookup_key key_of(const c2s_tensor *tensor, size_t index) {
    c2s_lookup_key key = {.order = index};
    if (tensor->type.dtype == C2S_STRING) {
        key.text = ((const c2s_string *)c2s_tensor_data(tensor))[index];
        return key;
    }
    int64_t integer;
    if (c2s_tensor_i64_at(tensor, index, &integer)) {
        key.bits = (uint64_t)integer;
        return key;
    }
    double number = c2s_tensor_f64_at(tensor, index);
    if (isnan(number))
        number = NAN;
    else if (number == 0)
        number = 0;
    memcpy(&key.bits, &number, sizeof key.bits);
    return key;
}

c2s_status c2s_lookup_open(c2s_lookup *lookup, const c2s_tensor *keys) {
    *lookup = (c2s_lookup){.is_text = keys->type.dtype == C2S_STRING};
    lookup->keys = c2s_alloc_array(keys->count + 1, sizeof *lookup->keys);
    for (size_t k = 0; k < keys->count; k++)
        lookup->keys[k] = key_of(keys, k);
    qsort(lookup->keys, keys->count, sizeof *lookup->keys,
          lookup->is_text ? compare_texts : compare_numbers);
    for (size_t k = 0; k < keys->count; k++) {
        c2s_lookup_key *last = lookup->count ? &lookup->keys[lookup->count - 1] : NULL;
        if (last && compare_content(last, &lookup->keys[k], lookup->is_text) == 0)
            *last = lookup->keys[k];
        else
            lookup->keys[lookup->count++] = lookup->keys[k];
    }
    return C2S_OK;
}

void c2s_lookup_close(c2s_lookup *lookup) {
    free(lookup->keys);
    *lookup = (c2s_lookup){0};
}

static int64_t find(const c2s_lookup *lookup, c2s_lookup_key key) {
    size_t low = 0, high = lookup->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = compare_content(&lookup->keys[middle], &key, lookup->is_text);
        if (order == 0)
            return (int64_t)lookup->keys[middle].order;
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return -1;
}

int64_t c2s_lookup_find(const c2s_lookup *lookup, const c2s_tensor *tensor, size_t index) {
    return find(lookup, key_of(tensor, index));
}

int64_t c2s_lookup_number(const c2s_lookup *lookup, int64_t number) {
    return find(lookup, (c2s_lookup_key){.bits = (uint64_t)number});
}

static c2s_status list_of_floats(const float *floats, size_t count, c2s_tensor **out) {
    C2S_TRY(c2s_tensor_create(C2S_FLOAT, 1, &(int64_t){(int64_t)count}, out));
    if (count)
        memcpy(c2s_tensor_mutable(*out), floats, count * sizeof *floats);
    return C2S_OK;
}

c2s_status c2s_attr_list(const c2s_node *node, const char *prefix, c2s_tensor **out) {
    char name[64];
    size_t count;
    *out = NULL;
    snprintf(name, sizeof name, "%s_strings", prefix);
    const c2s_string *strings = c2s_attr_strings(node, name, &count);
    if (strings)
        return c2s_tensor_strings(1, &(int64_t){(int64_t)count}, strings, out);
    snprintf(name, sizeof name, "%s_int64s", prefix);
    const int64_t *ints = c2s_attr_ints(node, name, &count);
    if (ints)
        return c2s_tensor_from_i64(C2S_INT64, 1, &(int64_t){(int64_t)count}, ints, out);
    snprintf(name, sizeof name, "%s_floats", prefix);
    const float *floats = c2s_attr_floats(node, name, &count);
    if (floats)
        return list_of_floats(floats, count, out);
    snprintf(name, sizeof name, "%s_tensor", prefix);
    const c2s_tensor *tensor = c2s_attr_tensor(node, name);
    if (tensor)
        return c2s_tensor_reshape(tensor, 1, &(int64_t){(int64_t)tensor->count}, out);
    return C2S_OK;
}
