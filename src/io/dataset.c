/* SPDX-License-Identifier: Apache-2.0 */
#include "io/dataset.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <zip.h>

#include "io/load_data.h"
#include "io/npy.h"

/* One array of a part, bound to a graph input or kept by its name. */
typedef struct array {
    char *name;
    c2s_tensor *tensor;
    int input;      /* index of the graph input, or -1 */
    size_t samples; /* 0: serves all samples */
    bool items;     /* one axis more than the input: a sample is one item */
    size_t rows;    /* rows per sample otherwise */
} array;

/* Arrays that belong together: an .npz file, a folder of .npy files, a test_data_set. */
typedef struct part {
    C2S_VEC(array) arrays;
    size_t samples;
} part;

struct c2s_dataset {
    const c2s_graph *graph;
    C2S_VEC(part) parts;
    size_t samples;
};

/* ---- binding arrays to inputs ---- */

static int find_input(const c2s_graph *graph, const char *name) {
    for (unsigned i = 0; i < c2s_graph_input_count(graph); i++)
        if (strcmp(c2s_graph_input(graph, i)->name, name) == 0)
            return (int)i;
    return -1;
}

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
static c2s_status bind(const c2s_graph *graph, array *a) {
    const c2s_value *input = c2s_graph_input(graph, (unsigned)a->input);
    const c2s_type *want = &input->type, *have = &a->tensor->type;
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

static c2s_status finish_part(const c2s_graph *graph, part *p, bool whole_samples) {
    const char *counted = NULL;
    for (size_t k = 0; k < p->arrays.count; k++) {
        array *a = &p->arrays.at[k];
        if (a->input < 0)
            continue;
        if (!whole_samples)
            C2S_TRY(bind(graph, a));
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

static void free_part(part *p) {
    for (size_t k = 0; k < p->arrays.count; k++) {
        free(p->arrays.at[k].name);
        c2s_tensor_unref(p->arrays.at[k].tensor);
    }
    c2s_vec_free(&p->arrays);
}

static void add_array(const c2s_graph *graph, part *p, const char *name, c2s_tensor *tensor) {
    c2s_vec_push(
        &p->arrays,
        ((array){.name = c2s_strdup(name), .tensor = tensor, .input = find_input(graph, name)}));
}

/* ---- files ---- */

static c2s_status read_entry(void *user, void *data, size_t size) {
    char *at = data;
    while (size > 0) {
        zip_int64_t got = zip_fread(user, at, size);
        if (got <= 0)
            return c2s_fail(C2S_ERR_INVALID, "the archive's entry ends early or is damaged");
        at += got;
        size -= (size_t)got;
    }
    return C2S_OK;
}

static c2s_status load_entry(const c2s_graph *graph, zip_t *zip, zip_uint64_t index, part *p) {
    zip_stat_t info;
    const char *file = zip_get_name(zip, index, 0);
    if (!file || zip_stat_index(zip, index, 0, &info) != 0 || !(info.valid & ZIP_STAT_SIZE))
        return c2s_fail(C2S_ERR_INVALID, "entry %llu of the archive cannot be read",
                        (unsigned long long)index);
    size_t length = strlen(file);
    if (length < 4 || strcmp(file + length - 4, ".npy") != 0)
        return C2S_OK; /* other files may lie in the archive */
    zip_file_t *entry = zip_fopen_index(zip, index, 0);
    if (!entry)
        return c2s_fail(C2S_ERR_INVALID, "%s: %s", file, zip_strerror(zip));
    c2s_npy_source source = {read_entry, entry, info.size};
    c2s_tensor *tensor;
    c2s_status status = c2s_npy_read(&source, &tensor);
    zip_fclose(entry);
    if (status != C2S_OK) {
        c2s_note("%s", file);
        return status;
    }
    char *name = c2s_strdup(file);
    name[length - 4] = '\0';
    add_array(graph, p, name, tensor);
    free(name);
    return C2S_OK;
}

static c2s_status load_npz(const c2s_graph *graph, const char *path, part *p) {
    int code;
    zip_t *zip = zip_open(path, ZIP_RDONLY, &code);
    if (!zip) {
        zip_error_t error;
        zip_error_init_with_code(&error, code);
        c2s_status status =
            c2s_fail(code == ZIP_ER_NOENT || code == ZIP_ER_OPEN ? C2S_ERR_IO : C2S_ERR_INVALID,
                     "%s", zip_error_strerror(&error));
        zip_error_fini(&error);
        return status;
    }
    c2s_status status = C2S_OK;
    zip_int64_t entries = zip_get_num_entries(zip, 0);
    for (zip_int64_t i = 0; i < entries && status == C2S_OK; i++)
        status = load_entry(graph, zip, (zip_uint64_t)i, p);
    zip_discard(zip);
    return status;
}

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

static c2s_status add_part(c2s_dataset *data, part *p, bool whole_samples, const char *path) {
    c2s_status status = finish_part(data->graph, p, whole_samples);
    if (status != C2S_OK) {
        c2s_note("%s", path);
        free_part(p);
        return status;
    }
    data->samples += p->samples;
    c2s_vec_push(&data->parts, *p);
    return C2S_OK;
}

static c2s_status add_npz(c2s_dataset *data, const char *path) {
    part p = {0};
    c2s_status status = load_npz(data->graph, path, &p);
    if (status == C2S_OK)
        return add_part(data, &p, false, path);
    c2s_note("%s", path);
    free_part(&p);
    return status;
}

static c2s_status add_npy(c2s_dataset *data, const char *path) {
    unsigned needed = 0, input = 0;
    for (unsigned i = 0; i < c2s_graph_input_count(data->graph); i++)
        if (!c2s_graph_input(data->graph, i)->initial) {
            needed++;
            input = i;
        }
    if (needed != 1)
        return c2s_fail(C2S_ERR_USAGE, "%s: one array for a model of %u inputs; use .npz", path,
                        needed);
    c2s_tensor *tensor;
    C2S_TRY(c2s_npy_load(path, &tensor));
    part p = {0};
    add_array(data->graph, &p, c2s_graph_input(data->graph, input)->name, tensor);
    return add_part(data, &p, false, path);
}

/* input_0.pb, input_1.pb, ... in the order of those graph inputs that have no initializer. */
static c2s_status add_test_data_set(c2s_dataset *data, const char *folder) {
    part p = {0};
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
            add_array(data->graph, &p, input->name, tensor);
        free(path);
    }
    if (status == C2S_OK)
        return add_part(data, &p, true, folder);
    free_part(&p);
    return status;
}

typedef struct folder_kinds {
    unsigned npz, npy, pb, sets;
} folder_kinds;

static void count_kinds(struct dirent *const *entry, int count, folder_kinds *k) {
    *k = (folder_kinds){0};
    for (int i = 0; i < count; i++) {
        const char *name = entry[i]->d_name;
        k->npz += ends_with(name, ".npz");
        k->npy += ends_with(name, ".npy");
        k->pb += strncmp(name, "input_", 6) == 0 && ends_with(name, ".pb");
        k->sets += strncmp(name, "test_data_set_", 14) == 0;
    }
}

static c2s_status add_npy_files(c2s_dataset *data, const char *folder, struct dirent **entry,
                                int count) {
    part p = {0};
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
            add_array(data->graph, &p, name, tensor);
        }
        free(path);
    }
    if (status == C2S_OK)
        return add_part(data, &p, false, folder);
    free_part(&p);
    return status;
}

static c2s_status add_folder(c2s_dataset *data, const char *folder) {
    struct dirent **entry;
    int count = scandir(folder, &entry, NULL, compare_names);
    if (count < 0)
        return c2s_fail(C2S_ERR_IO, "%s: %s", folder, strerror(errno));
    folder_kinds kinds;
    count_kinds(entry, count, &kinds);
    c2s_status status = C2S_OK;
    if (kinds.pb) {
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
    } else {
        status = c2s_fail(C2S_ERR_INVALID, "%s: holds no .npz, .npy, input_0.pb or test_data_set_*",
                          folder);
    }
    for (int i = 0; i < count; i++)
        free(entry[i]);
    free(entry);
    return status;
}

/* ---- public ---- */

c2s_status c2s_dataset_open(const char *path, const c2s_graph *graph, c2s_dataset **out) {
    c2s_dataset *data = c2s_zalloc(sizeof *data);
    data->graph = graph;
    struct stat info;
    c2s_status status;
    if (stat(path, &info) != 0)
        status = c2s_fail(C2S_ERR_IO, "%s: %s", path, strerror(errno));
    else if (S_ISDIR(info.st_mode))
        status = add_folder(data, path);
    else if (ends_with(path, ".npz"))
        status = add_npz(data, path);
    else if (ends_with(path, ".npy"))
        status = add_npy(data, path);
    else
        status = c2s_fail(C2S_ERR_USAGE, "%s: data is a .npz or .npy file or a folder", path);
    if (status == C2S_OK && data->samples == 0)
        status = c2s_fail(C2S_ERR_INVALID, "%s: holds no samples", path);
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
        free_part(&data->parts.at[k]);
    c2s_vec_free(&data->parts);
    free(data);
}

size_t c2s_dataset_count(const c2s_dataset *data) {
    return data->samples;
}

static c2s_status cut(const array *a, size_t index, c2s_tensor **out) {
    const c2s_type *type = &a->tensor->type;
    if (a->samples == 0) {
        *out = c2s_tensor_ref(a->tensor);
        return C2S_OK;
    }
    int64_t dim[C2S_MAX_RANK];
    int rank = type->rank - (a->items ? 1 : 0);
    memcpy(dim, type->dim + (a->items ? 1 : 0), (size_t)rank * sizeof *dim);
    if (!a->items)
        dim[0] = (int64_t)a->rows;
    size_t size = c2s_tensor_size(a->tensor) / a->samples; /* whole elements: no packed types */
    return c2s_tensor_view(type->dtype, rank, dim, a->tensor->bytes,
                           a->tensor->offset + index * size, out);
}

c2s_status c2s_dataset_sample(const c2s_dataset *data, size_t index, c2s_tensor **in) {
    const part *p = data->parts.at;
    while (index >= p->samples)
        index -= p++->samples;
    unsigned count = c2s_graph_input_count(data->graph);
    for (unsigned i = 0; i < count; i++)
        in[i] = NULL;
    c2s_status status = C2S_OK;
    for (size_t k = 0; k < p->arrays.count && status == C2S_OK; k++)
        if (p->arrays.at[k].input >= 0 && !in[p->arrays.at[k].input])
            status = cut(&p->arrays.at[k], index, &in[p->arrays.at[k].input]);
    for (unsigned i = 0; i < count && status != C2S_OK; i++) {
        c2s_tensor_unref(in[i]);
        in[i] = NULL;
    }
    return status;
}

const c2s_tensor *c2s_dataset_array(const c2s_dataset *data, const char *name) {
    for (size_t k = 0; k < data->parts.at[0].arrays.count; k++) {
        const array *a = &data->parts.at[0].arrays.at[k];
        if (a->input < 0 && strcmp(a->name, name) == 0)
            return a->tensor;
    }
    return NULL;
}
