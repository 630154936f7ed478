/* SPDX-License-Identifier: Apache-2.0 */
#include "io/dataset.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/map.h"
#include "io/dataset_part.h"
#include "io/image_folder.h"
#include "io/load_data.h"

struct c2s_dataset {
    const c2s_graph *graph; /* while it is opened */
    unsigned input_count;
    C2S_VEC(c2s_dataset_part) parts;
    size_t samples;
    uint64_t digest;
    c2s_image_folder *images; /* NULL: arrays */
    unsigned image_input;
};

/* ---- files ---- */

static bool ends_with(const char *text, const char *end) {
    size_t a = strlen(text), b = strlen(end);
    return a >= b && strcmp(text + a - b, end) == 0;
}

static char *join(const char *folder, const char *name) {
    size_t size = strlen(folder) + strlen(name) + 2;
    char *path = c2s_alloc(size);
    snprintf(path, size, "%s/%s", folder, name);
    return path;
}

static int compare_names(const struct dirent **a, const struct dirent **b) {
    return strcmp((*a)->d_name, (*b)->d_name);
}

/* Where arrays come from, or what they look like. */
static void digest_part(c2s_dataset *data, const c2s_dataset_part *p) {
    enum { ENDS = 4096 };
    if (p->npz) {
        data->digest = c2s_hash_mix(data->digest, c2s_npz_digest(p->npz));
        return;
    }
    for (size_t k = 0; k < p->arrays.count; k++) {
        const c2s_dataset_array_part *a = &p->arrays.at[k];
        data->digest = c2s_hash_bytes(a->name, strlen(a->name), data->digest);
        if (!c2s_type_is_static(&a->type) || a->type.dtype == C2S_STRING)
            continue;
        const size_t size = c2s_tensor_size(a->tensor), part = size < ENDS ? size : ENDS;
        const char *bytes = c2s_tensor_raw(a->tensor);
        data->digest = c2s_hash_mix(data->digest, size);
        data->digest = c2s_hash_bytes(bytes, part, data->digest);
        data->digest = c2s_hash_bytes(bytes + size - part, part, data->digest);
    }
}

static c2s_status add_part(c2s_dataset *data, c2s_dataset_part *p, bool whole, const char *path) {
    c2s_status status = c2s_dataset_part_bind(p, data->graph, whole);
    if (status != C2S_OK) {
        c2s_note("%s", path);
        c2s_dataset_part_free(p);
        return status;
    }
    data->samples += p->samples;
    digest_part(data, p);
    c2s_vec_push(&data->parts, *p);
    return C2S_OK;
}

static c2s_status add_npz(c2s_dataset *data, const char *path) {
    c2s_dataset_part p = {0};
    c2s_status status = c2s_dataset_part_add_npz(&p, data->graph, path);
    if (status == C2S_OK)
        return add_part(data, &p, false, path);
    c2s_note("%s", path);
    c2s_dataset_part_free(&p);
    return status;
}

/* Inputs without an initializer, and the last of them. */
static unsigned count_needed(const c2s_graph *graph, unsigned *last) {
    unsigned needed = 0;
    for (unsigned i = 0; i < c2s_graph_input_count(graph); i++)
        if (!c2s_graph_input(graph, i)->initial) {
            needed++;
            *last = i;
        }
    return needed;
}

static c2s_status add_npy(c2s_dataset *data, const char *path) {
    unsigned input = 0;
    const unsigned needed = count_needed(data->graph, &input);
    if (needed != 1)
        return c2s_fail(C2S_ERR_USAGE, "%s: one array for a model of %u inputs; use .npz", path,
                        needed);
    c2s_tensor *tensor;
    C2S_TRY(c2s_npy_load(path, &tensor));
    c2s_dataset_part p = {0};
    c2s_dataset_part_add(&p, data->graph, c2s_graph_input(data->graph, input)->name, tensor);
    return add_part(data, &p, false, path);
}

/* input_0.pb, input_1.pb, ... in the order of those graph inputs that have no initializer. */
static c2s_status add_test_data_set(c2s_dataset *data, const char *folder) {
    c2s_dataset_part p = {0};
    c2s_status status = C2S_OK;
    unsigned file = 0;
    for (unsigned i = 0; i < c2s_graph_input_count(data->graph) && status == C2S_OK; i++) {
        const c2s_value *input = c2s_graph_input(data->graph, i);
        if (input->initial)
            continue;
        char name[32];
        snprintf(name, sizeof name, "input_%u.pb", file++);
        char *path = join(folder, name);
        c2s_tensor *tensor;
        status = c2s_tensor_load_pb(path, &input->type, &tensor);
        if (status == C2S_OK)
            c2s_dataset_part_add(&p, data->graph, input->name, tensor);
        free(path);
    }
    if (status == C2S_OK)
        return add_part(data, &p, true, folder);
    c2s_dataset_part_free(&p);
    return status;
}

typedef struct folder_kinds {
    unsigned npz, npy, pb, sets, pictures;
} folder_kinds;

static void count_kinds(struct dirent *const *entry, int count, folder_kinds *k) {
    *k = (folder_kinds){0};
    for (int i = 0; i < count; i++) {
        const char *name = entry[i]->d_name;
        k->npz += ends_with(name, ".npz");
        k->npy += ends_with(name, ".npy");
        k->pb += strncmp(name, "input_", 6) == 0 && ends_with(name, ".pb");
        k->sets += strncmp(name, "test_data_set_", 14) == 0;
        k->pictures += c2s_image_is_named(name) || strcmp(name, "labels.txt") == 0;
    }
}

static c2s_status add_npy_files(c2s_dataset *data, const char *folder, struct dirent **entry,
                                int count) {
    c2s_dataset_part p = {0};
    c2s_status status = C2S_OK;
    for (int i = 0; i < count && status == C2S_OK; i++) {
        char *name = entry[i]->d_name;
        if (!ends_with(name, ".npy"))
            continue;
        char *path = join(folder, name);
        c2s_tensor *tensor;
        status = c2s_npy_load(path, &tensor);
        if (status == C2S_OK) {
            name[strlen(name) - 4] = '\0';
            c2s_dataset_part_add(&p, data->graph, name, tensor);
        }
        free(path);
    }
    if (status == C2S_OK)
        return add_part(data, &p, false, folder);
    c2s_dataset_part_free(&p);
    return status;
}

static c2s_status add_pictures(c2s_dataset *data, const char *folder, const char *image) {
    c2s_image_recipe recipe;
    const unsigned needed = count_needed(data->graph, &data->image_input);
    if (!image)
        return c2s_fail(C2S_ERR_USAGE,
                        "%s: these are pictures: say how they become inputs (--image torch, tf, "
                        "caffe, 01, raw, ...)",
                        folder);
    if (needed != 1)
        return c2s_fail(C2S_ERR_USAGE, "%s: pictures for a model of %u inputs; use .npz", folder,
                        needed);
    const c2s_value *input = c2s_graph_input(data->graph, data->image_input);
    c2s_status status = c2s_image_recipe_read(image, &input->type, &recipe);
    if (status != C2S_OK) {
        c2s_note("%s", folder);
        return status;
    }
    C2S_TRY(c2s_image_folder_open(folder, &recipe, &data->images));
    data->samples = c2s_image_folder_count(data->images);
    data->digest = c2s_image_folder_digest(data->images);
    return C2S_OK;
}

static c2s_status add_folder(c2s_dataset *data, const char *folder, const char *image) {
    struct dirent **entry;
    int count = scandir(folder, &entry, NULL, compare_names);
    if (count < 0)
        return c2s_fail(C2S_ERR_IO, "%s: %s", folder, strerror(errno));
    folder_kinds kinds;
    count_kinds(entry, count, &kinds);
    c2s_status status = C2S_OK;
    if (kinds.pictures && image) {
        status = add_pictures(data, folder, image);
    } else if (kinds.pb) {
        status = add_test_data_set(data, folder);
    } else if (kinds.npz || kinds.sets) {
        for (int i = 0; i < count && status == C2S_OK; i++) {
            char *path = join(folder, entry[i]->d_name);
            if (kinds.npz && ends_with(path, ".npz"))
                status = add_npz(data, path);
            else if (!kinds.npz && strncmp(entry[i]->d_name, "test_data_set_", 14) == 0)
                status = add_test_data_set(data, path);
            free(path);
        }
    } else if (kinds.npy) {
        status = add_npy_files(data, folder, entry, count);
    } else if (kinds.pictures) {
        status = add_pictures(data, folder, image);
    } else {
        status =
            c2s_fail(C2S_ERR_INVALID,
                     "%s: holds no .npz, .npy, input_0.pb, test_data_set_*, .jpg or .png", folder);
    }
    for (int i = 0; i < count; i++)
        free(entry[i]);
    free(entry);
    return status;
}

/* ---- public ---- */

c2s_status c2s_dataset_open(const char *path, const c2s_graph *graph, const char *image,
                            c2s_dataset **out) {
    c2s_dataset *data = c2s_zalloc(sizeof *data);
    data->graph = graph;
    data->input_count = c2s_graph_input_count(graph);
    struct stat info;
    c2s_status status;
    if (stat(path, &info) != 0)
        status = c2s_fail(C2S_ERR_IO, "%s: %s", path, strerror(errno));
    else if (S_ISDIR(info.st_mode))
        status = add_folder(data, path, image);
    else if (ends_with(path, ".npz"))
        status = add_npz(data, path);
    else if (ends_with(path, ".npy"))
        status = add_npy(data, path);
    else
        status = c2s_fail(C2S_ERR_USAGE, "%s: data is a .npz or .npy file or a folder", path);
    if (status == C2S_OK && data->samples == 0)
        status = c2s_fail(C2S_ERR_INVALID, "%s: holds no samples", path);
    data->graph = NULL;
    if (status == C2S_OK)
        *out = data;
    else
        c2s_dataset_close(data);
    return status;
}

void c2s_dataset_close(c2s_dataset *data) {
    if (!data)
        return;
    for (size_t k = 0; k < data->parts.count; k++)
        c2s_dataset_part_free(&data->parts.at[k]);
    c2s_vec_free(&data->parts);
    c2s_image_folder_close(data->images);
    free(data);
}

size_t c2s_dataset_count(const c2s_dataset *data) {
    return data->samples;
}

uint64_t c2s_dataset_digest(const c2s_dataset *data) {
    return data->digest;
}

c2s_status c2s_dataset_sample(const c2s_dataset *data, size_t index, c2s_tensor **in) {
    for (unsigned i = 0; i < data->input_count; i++)
        in[i] = NULL;
    if (data->images)
        return c2s_image_folder_sample(data->images, index, &in[data->image_input]);
    c2s_dataset_part *p = data->parts.at;
    while (index >= p->samples)
        index -= p++->samples;
    const c2s_status status = c2s_dataset_part_sample(p, index, in);
    for (unsigned i = 0; i < data->input_count && status != C2S_OK; i++) {
        c2s_tensor_unref(in[i]);
        in[i] = NULL;
    }
    return status;
}

const c2s_tensor *c2s_dataset_array(const c2s_dataset *data, const char *name) {
    if (data->images)
        return strcmp(name, "labels") == 0 ? c2s_image_folder_labels(data->images) : NULL;
    for (size_t k = 0; k < data->parts.at[0].arrays.count; k++) {
        const c2s_dataset_array_part *a = &data->parts.at[0].arrays.at[k];
        if (a->input < 0 && strcmp(a->name, name) == 0)
            return a->tensor;
    }
    return NULL;
}
