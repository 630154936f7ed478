/* SPDX-License-Identifier: Apache-2.0 */
#include "io/image_folder.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/map.h"
#include "base/mapping.h"
#include "base/vec.h"
#include "io/image_apply.h"

#define LABELS "labels.txt"

enum { LABELS_MOST = 64 << 20, PICTURE_MOST = 256 << 20 }; /* bytes of files */

struct c2s_image_folder {
    char *path;
    c2s_image_recipe recipe;
    C2S_VEC(char *) files;    /* within the folder */
    C2S_VEC(int64_t) classes; /* none, or one per file */
    size_t samples;
    uint64_t digest;
    c2s_tensor *labels;
};

bool c2s_image_is_named(const char *name) {
    static const char *const ends[] = {".jpg", ".jpeg", ".png"};
    const size_t length = strlen(name);
    for (size_t k = 0; k < sizeof ends / sizeof *ends; k++)
        if (length > strlen(ends[k]) && strcasecmp(name + length - strlen(ends[k]), ends[k]) == 0)
            return true;
    return false;
}

static char *path_of(const c2s_image_folder *f, const char *name) {
    const size_t size = strlen(f->path) + strlen(name) + 2;
    char *path = c2s_alloc(size);
    snprintf(path, size, "%s/%s", f->path, name);
    return path;
}

/* ---- which files ---- */

/* What leads out of the folder is not asked for. */
static bool stays_inside(const char *name) {
    if (*name == '/')
        return false;
    for (const char *at = name; (at = strstr(at, "..")); at += 2)
        if ((at == name || at[-1] == '/') && (at[2] == '/' || at[2] == '\0'))
            return false;
    return true;
}

/* "file<TAB>class", cut at the tab. */
static c2s_status read_line(c2s_image_folder *f, char *line) {
    char *tab = strchr(line, '\t'), *end;
    if (!tab || tab == line)
        return c2s_fail(C2S_ERR_INVALID, "expected a file, a tab and a class");
    *tab = '\0';
    errno = 0;
    const long long class = strtoll(tab + 1, &end, 10);
    if (end == tab + 1 || *end || errno || isspace((unsigned char)tab[1]))
        return c2s_fail(C2S_ERR_INVALID, "\"%s\" is no class, expected a whole number", tab + 1);
    if (!stays_inside(line))
        return c2s_fail(C2S_ERR_INVALID, "\"%s\" lies outside of the folder", line);
    c2s_vec_push(&f->files, c2s_strdup(line));
    c2s_vec_push(&f->classes, (int64_t) class);
    return C2S_OK;
}

static c2s_status read_lines(c2s_image_folder *f, char *text, size_t size) {
    size_t number = 1;
    if (memchr(text, '\0', size))
        return c2s_fail(C2S_ERR_INVALID, LABELS ": this is no text");
    for (char *line = text, *next; *line; line = next, number++) {
        next = line + strcspn(line, "\n");
        if (*next)
            *next++ = '\0';
        const size_t length = strlen(line);
        if (length > 0 && line[length - 1] == '\r')
            line[length - 1] = '\0';
        if (!*line)
            continue;
        const c2s_status status = read_line(f, line);
        if (status != C2S_OK) {
            c2s_note(LABELS ":%zu", number);
            return status;
        }
    }
    return C2S_OK;
}

static c2s_status read_labels(c2s_image_folder *f, const char *path) {
    void *data;
    size_t size;
    C2S_TRY(c2s_file_read(path, LABELS_MOST, &data, &size));
    char *text = c2s_realloc(data, size + 1);
    text[size] = '\0';
    const c2s_status status = read_lines(f, text, size);
    free(text);
    return status;
}

static int is_picture(const struct dirent *entry) {
    return c2s_image_is_named(entry->d_name);
}

static int compare_names(const struct dirent **a, const struct dirent **b) {
    return strcmp((*a)->d_name, (*b)->d_name);
}

static c2s_status list_files(c2s_image_folder *f) {
    struct dirent **entry;
    const int count = scandir(f->path, &entry, is_picture, compare_names);
    if (count < 0)
        return c2s_fail(C2S_ERR_IO, "%s", strerror(errno));
    for (int i = 0; i < count; i++) {
        c2s_vec_push(&f->files, c2s_strdup(entry[i]->d_name));
        free(entry[i]);
    }
    free(entry);
    return C2S_OK;
}

static uint64_t digest_of(const c2s_image_recipe *r) {
    const int64_t parts[] = {r->batch,     r->last_axis, r->bgr,       r->resize_none,
                             r->crop_none, r->shorter,   r->resize[0], r->resize[1],
                             r->crop[0],   r->crop[1],   r->channels};
    return c2s_hash_bytes(parts, sizeof parts, c2s_hash_bytes(r->level, sizeof r->level, 0));
}

static c2s_status look_at_files(c2s_image_folder *f) {
    f->digest = digest_of(&f->recipe);
    for (size_t k = 0; k < f->files.count; k++) {
        const char *name = f->files.at[k];
        char *path = path_of(f, name);
        struct stat info;
        const int found = stat(path, &info);
        free(path);
        if (found != 0)
            return c2s_fail(C2S_ERR_IO, "%s: %s", name, strerror(errno));
        f->digest = c2s_hash_bytes(name, strlen(name), f->digest);
        f->digest = c2s_hash_mix(f->digest, (uint64_t)info.st_size);
    }
    return C2S_OK;
}

static c2s_status find_files(c2s_image_folder *f) {
    char *labels = path_of(f, LABELS);
    struct stat info;
    c2s_status status = stat(labels, &info) == 0 ? read_labels(f, labels) : list_files(f);
    free(labels);
    C2S_TRY(status);
    f->samples = f->files.count / (size_t)f->recipe.batch;
    if (f->samples == 0)
        return c2s_fail(C2S_ERR_INVALID, "holds %zu pictures, expected at least %lld",
                        f->files.count, (long long)f->recipe.batch);
    C2S_TRY(look_at_files(f));
    if (f->classes.count == 0)
        return C2S_OK;
    const int64_t count = (int64_t)(f->samples * (size_t)f->recipe.batch);
    return c2s_tensor_from_i64(C2S_INT64, 1, &count, f->classes.at, &f->labels);
}

c2s_status c2s_image_folder_open(const char *path, const c2s_image_recipe *recipe,
                                 c2s_image_folder **out) {
    c2s_image_folder *f = c2s_zalloc(sizeof *f);
    f->path = c2s_strdup(path);
    f->recipe = *recipe;
    const c2s_status status = find_files(f);
    if (status == C2S_OK) {
        *out = f;
        return C2S_OK;
    }
    c2s_note("%s", path);
    c2s_image_folder_close(f);
    return status;
}

void c2s_image_folder_close(c2s_image_folder *f) {
    if (!f)
        return;
    for (size_t k = 0; k < f->files.count; k++)
        free(f->files.at[k]);
    c2s_vec_free(&f->files);
    c2s_vec_free(&f->classes);
    c2s_tensor_unref(f->labels);
    free(f->path);
    free(f);
}

size_t c2s_image_folder_count(const c2s_image_folder *f) {
    return f->samples;
}

const c2s_tensor *c2s_image_folder_labels(const c2s_image_folder *f) {
    return f->labels;
}

uint64_t c2s_image_folder_digest(const c2s_image_folder *f) {
    return f->digest;
}

/* ---- samples ---- */

/* The picture in the size of the input. */
static c2s_status fit(const c2s_image_recipe *recipe, c2s_image *image) {
    int64_t size[2];
    c2s_image_box box;
    c2s_image scaled;
    if (!image->rgb)
        return c2s_fail(C2S_ERR_INVALID, "this is no picture, or a damaged one");
    C2S_TRY(c2s_image_recipe_fit(recipe, image->width, image->height, size, &box));
    C2S_TRY(c2s_image_scale(image, size[1], size[0], &box, &scaled));
    c2s_image_drop(image);
    *image = scaled;
    return C2S_OK;
}

static c2s_status load_file(const c2s_image_recipe *recipe, const char *path, c2s_image *image) {
    void *data;
    size_t size;
    bool mapped;
    C2S_TRY(c2s_file_view(path, PICTURE_MOST, &data, &size, &mapped));
    c2s_status status = c2s_image_decode(data, size, image);
    if (mapped)
        c2s_mapping_destroy(data);
    else
        free(data);
    if (status == C2S_OK)
        status = fit(recipe, image);
    if (status != C2S_OK)
        c2s_note("%s", path);
    return status;
}

static c2s_status load(const c2s_image_folder *f, size_t index, c2s_image *image) {
    char *path = path_of(f, f->files.at[index]);
    const c2s_status status = load_file(&f->recipe, path, image);
    free(path);
    return status;
}

static c2s_status create(const c2s_image_recipe *r, const c2s_image *image, c2s_tensor **out) {
    const int64_t channels = r->channels;
    const int64_t first[4] = {r->batch, channels, image->height, image->width};
    const int64_t last[4] = {r->batch, image->height, image->width, channels};
    return c2s_tensor_create(r->dtype, r->rank, (r->last_axis ? last : first) + (4 - r->rank), out);
}

static c2s_status add(const c2s_image_recipe *r, const c2s_image *image, size_t place,
                      c2s_tensor *tensor) {
    const size_t bytes = c2s_tensor_size(tensor) / (size_t)r->batch;
    const size_t elements = tensor->count / (size_t)r->batch;
    if (elements != (size_t)image->width * (size_t)image->height * (size_t)r->channels)
        return c2s_fail(C2S_ERR_INVALID,
                        "a picture becomes %lld x %lld pixels, others of its batch do not",
                        (long long)image->width, (long long)image->height);
    c2s_image_recipe_write(r, image, (char *)c2s_tensor_mutable(tensor) + place * bytes);
    return C2S_OK;
}

c2s_status c2s_image_folder_sample(const c2s_image_folder *f, size_t index, c2s_tensor **out) {
    const size_t batch = (size_t)f->recipe.batch;
    c2s_tensor *tensor = NULL;
    c2s_status status = C2S_OK;
    for (size_t k = 0; k < batch && status == C2S_OK; k++) {
        c2s_image image = {0};
        status = load(f, index * batch + k, &image);
        if (status == C2S_OK && !tensor)
            status = create(&f->recipe, &image, &tensor);
        if (status == C2S_OK)
            status = add(&f->recipe, &image, k, tensor);
        c2s_image_drop(&image);
    }
    if (status == C2S_OK)
        *out = tensor;
    else
        c2s_tensor_unref(tensor);
    return status;
}
