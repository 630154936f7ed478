/* SPDX-License-Identifier: Apache-2.0 */
#include "eval/random_inputs.h"

#include <stdlib.h>
#include <string.h>

#include "base/random.h"
#include "eval/concrete.h"
#include "eval/index_range.h"
#include "ir/convert.h"

/* What extents without a value may be, in the order in which they are tried. */
static const int64_t candidates[] = {8, 16, 32, 64, 128, 224, 512, 1, 2, 3, 320, 1024};
enum { CANDIDATES = sizeof candidates / sizeof *candidates };

/* ---- extents ---- */

typedef struct binding {
    const c2s_graph *graph;
    const c2s_random_options *options;
    /* What symbols get that are neither given nor on a first axis: those of the first input, and
     * those that only other inputs have (states, which often go by batch). */
    int64_t free, other;
    bool used_free, used_other;
} binding;

/* A symbol that is the first extent of inputs of rank 2 or more, and no other extent. */
static bool is_batch(const c2s_graph *graph, c2s_dim symbol) {
    bool first = false;
    for (unsigned k = 0; k < c2s_graph_input_count(graph); k++) {
        const c2s_type *type = &c2s_graph_input(graph, k)->type;
        for (int i = 0; i < type->rank; i++) {
            if (type->dim[i] != symbol)
                continue;
            if (i > 0)
                return false;
            first = first || type->rank > 1;
        }
    }
    return first;
}

static c2s_dim value_of(void *user, const char *name, c2s_dim same) {
    binding *b = user;
    for (unsigned k = 0; k < b->options->dim_count; k++)
        if (strcmp(b->options->dims[k].name, name) == 0)
            return b->options->dims[k].value;
    if (is_batch(b->graph, same))
        return 1;
    const c2s_type *first = &c2s_graph_input(b->graph, 0)->type;
    for (int i = 0; i < first->rank; i++)
        if (first->dim[i] == same) {
            b->used_free = true;
            return b->free;
        }
    b->used_other = true;
    return b->other;
}

static c2s_type bind_type(binding *b, const c2s_type *type) {
    c2s_type bound = *type;
    for (int i = 0; i < bound.rank; i++)
        if (!c2s_dim_is_known(bound.dim[i])) {
            bound.dim[i] = c2s_dim_substitute(b->graph->model->dims, bound.dim[i], value_of, b);
            if (!c2s_dim_is_known(bound.dim[i]) || bound.dim[i] < 0)
                bound.dim[i] = b->free;
        }
    return bound;
}

static void bind_inputs(binding *b, c2s_type *types) {
    b->used_free = b->used_other = false;
    for (unsigned k = 0; k < c2s_graph_input_count(b->graph); k++) {
        const c2s_value *input = c2s_graph_input(b->graph, k);
        types[k] = input->initial ? input->initial->type : bind_type(b, &input->type);
    }
}

static void infer_extents(binding *b, int candidate, c2s_type *types, c2s_concrete *concrete) {
    b->free = candidates[candidate / 2];
    b->other = candidate % 2 ? 1 : b->free;
    bind_inputs(b, types);
    c2s_concrete_infer(b->graph, types, concrete);
}

/* Finds attempt number options->attempt. Attempt 0 always exists. */
static c2s_status choose_extents(binding *b, c2s_type *types, c2s_concrete *concrete) {
    unsigned left = b->options->attempt;
    for (int i = 0; i < 2 * CANDIDATES; i++) {
        infer_extents(b, i, types, concrete);
        bool again = i % 2 == 1 && !b->used_other; /* the same as the one before */
        if (concrete->valid && !again && left-- == 0)
            return C2S_OK;
        c2s_concrete_free(concrete);
        if (!b->used_free && !b->used_other)
            break;
    }
    if (b->options->attempt > 0)
        return c2s_fail(C2S_ERR_UNSUPPORTED, "no further extents to try for the inputs");
    infer_extents(b, 0, types, concrete);
    return C2S_OK;
}

typedef struct name_search {
    const char *name;
    bool found;
} name_search;

static c2s_dim look_for(void *user, const char *name, c2s_dim same) {
    name_search *search = user;
    search->found = search->found || strcmp(search->name, name) == 0;
    return same;
}

static c2s_status check_bindings(const c2s_graph *graph, const c2s_random_options *options) {
    for (unsigned n = 0; n < options->dim_count; n++) {
        name_search search = {.name = options->dims[n].name};
        for (unsigned k = 0; k < c2s_graph_input_count(graph); k++) {
            const c2s_type *type = &c2s_graph_input(graph, k)->type;
            for (int i = 0; i < type->rank; i++)
                if (!c2s_dim_is_known(type->dim[i]))
                    c2s_dim_substitute(graph->model->dims, type->dim[i], look_for, &search);
        }
        if (!search.found)
            return c2s_fail(C2S_ERR_USAGE, "no input has a dimension named \"%s\"", search.name);
        if (options->dims[n].value < 0)
            return c2s_fail(C2S_ERR_USAGE, "dimension \"%s\" is %lld, expected 0 or more",
                            search.name, (long long)options->dims[n].value);
    }
    return C2S_OK;
}

/* ---- contents ---- */

static void integer_range(const c2s_concrete *concrete, const c2s_value *input,
                          const c2s_type *type, int64_t *low, int64_t *high) {
    *low = type->rank == 0 ? 1 : 0;
    *high = type->rank == 0 ? 3 : 1;
    switch (type->dtype) {
    case C2S_UINT8:
        *high = 255;
        break;
    case C2S_INT8:
        *low = -128;
        *high = 127;
        break;
    case C2S_UINT4:
        *high = 15;
        break;
    case C2S_INT4:
        *low = -8;
        *high = 7;
        break;
    default:
        break;
    }
    c2s_index_range(concrete, input, low, high);
}

static c2s_status fill_numbers(c2s_random *random, const c2s_type *type, bool normal, int64_t low,
                               int64_t high, c2s_tensor **out) {
    c2s_tensor *tensor;
    C2S_TRY(c2s_tensor_create(type->dtype, type->rank, type->dim, &tensor));
    if (tensor->count == 0) {
        *out = tensor;
        return C2S_OK;
    }
    void *data = c2s_tensor_mutable(tensor);
    enum { BLOCK = 1024 };
    double numbers[BLOCK];
    bool integer = !c2s_dtype_is_float(type->dtype);
    for (size_t at = 0; at < tensor->count; at += BLOCK) {
        const size_t count = tensor->count - at < BLOCK ? tensor->count - at : BLOCK;
        for (size_t k = 0; k < count; k++)
            numbers[k] = integer  ? (double)c2s_random_integer(random, low, high)
                         : normal ? c2s_random_normal(random)
                                  : c2s_random_uniform(random);
        c2s_store_f64(type->dtype, data, at, count, numbers);
    }
    *out = tensor;
    return C2S_OK;
}

static c2s_status fill_strings(c2s_random *random, const c2s_type *type, c2s_tensor **out) {
    static const char *const words[] = {"a", "the", "cat", "and", "other", "words", "", "42"};
    size_t count;
    c2s_string *text;
    if (!c2s_type_elements(type, &count))
        return c2s_fail(C2S_ERR_MEMORY, "a string input is too large");
    C2S_TRY(c2s_scratch(count, sizeof *text, &text));
    for (size_t k = 0; k < count; k++) {
        const char *word = words[c2s_random_integer(random, 0, 7)];
        text[k] = (c2s_string){word, strlen(word)};
    }
    c2s_status status = c2s_tensor_strings(type->rank, type->dim, text, out);
    free(text);
    return status;
}

/* Complex numbers: both parts normal. */
static c2s_status fill_complex(c2s_random *random, const c2s_type *type, c2s_tensor **out) {
    C2S_TRY(c2s_tensor_create(type->dtype, type->rank, type->dim, out));
    if ((*out)->count == 0)
        return C2S_OK;
    void *data = c2s_tensor_mutable(*out);
    c2s_dtype part = type->dtype == C2S_COMPLEX64 ? C2S_FLOAT : C2S_DOUBLE;
    for (size_t k = 0; k < 2 * (*out)->count; k++) {
        double number = c2s_random_normal(random);
        c2s_store_f64(part, data, k, 1, &number);
    }
    return C2S_OK;
}

typedef struct filler {
    c2s_random random;
    bool normal;
    int64_t low, high;
    binding *binding;
} filler;

static c2s_status fill(filler *f, const c2s_type *type, int depth, c2s_tensor **out);

/* Two items of a sequence, the content of an optional. */
static c2s_status fill_items(filler *f, const c2s_type *type, int depth, c2s_tensor **out) {
    c2s_tensor *items[2] = {0};
    size_t count = type->kind == C2S_KIND_SEQUENCE ? 2 : 1;
    c2s_type element = bind_type(f->binding, type->element);
    c2s_status status = C2S_OK;
    for (size_t k = 0; k < count && status == C2S_OK; k++)
        status = fill(f, &element, depth + 1, &items[k]);
    if (status == C2S_OK)
        status = c2s_tensor_sequence(type->kind, type->element, count, items, out);
    c2s_tensor_unref(items[0]);
    c2s_tensor_unref(items[1]);
    return status;
}

static c2s_status fill(filler *f, const c2s_type *type, int depth, c2s_tensor **out) {
    if (c2s_type_is_tensor(type) && c2s_type_is_static(type) && type->dtype != C2S_UNDEFINED) {
        if (type->dtype == C2S_STRING)
            return fill_strings(&f->random, type, out);
        if (type->dtype == C2S_COMPLEX64 || type->dtype == C2S_COMPLEX128)
            return fill_complex(&f->random, type, out);
        return fill_numbers(&f->random, type, f->normal, f->low, f->high, out);
    }
    if ((type->kind == C2S_KIND_SEQUENCE || type->kind == C2S_KIND_OPTIONAL) && type->element &&
        depth < 4)
        return fill_items(f, type, depth, out);
    return c2s_fail(C2S_ERR_UNSUPPORTED, "its type is not known well enough");
}

static c2s_status fill_inputs(binding *b, const c2s_type *types, const c2s_concrete *concrete,
                              c2s_tensor **in) {
    const c2s_random_options *o = b->options;
    for (unsigned k = 0; k < c2s_graph_input_count(b->graph); k++) {
        const c2s_value *input = c2s_graph_input(b->graph, k);
        if (input->initial)
            continue;
        filler f = {.random = {o->seed ^ ((uint64_t)o->sample << 32) ^ k},
                    .normal = o->sample % 2 == 1,
                    .binding = b};
        f.random.state = c2s_random_bits(&f.random); /* neighbouring seeds part */
        integer_range(concrete, input, &types[k], &f.low, &f.high);
        c2s_status status = fill(&f, &types[k], 0, &in[k]);
        if (status != C2S_OK) {
            c2s_note("random numbers for input \"%s\"", input->name);
            return status;
        }
    }
    return C2S_OK;
}

c2s_status c2s_random_types(const c2s_graph *graph, const c2s_random_options *options,
                            c2s_type *types) {
    c2s_concrete concrete;
    binding b = {.graph = graph, .options = options};
    C2S_TRY(check_bindings(graph, options));
    C2S_TRY(choose_extents(&b, types, &concrete));
    c2s_concrete_free(&concrete);
    return C2S_OK;
}

c2s_status c2s_random_inputs(const c2s_graph *graph, const c2s_random_options *options,
                             c2s_tensor **in) {
    unsigned count = c2s_graph_input_count(graph);
    c2s_concrete concrete;
    binding b = {.graph = graph, .options = options};
    C2S_TRY(check_bindings(graph, options));
    c2s_type *types = c2s_alloc_array(count + 1u, sizeof *types);
    for (unsigned k = 0; k < count; k++)
        in[k] = NULL;
    c2s_status status = choose_extents(&b, types, &concrete);
    if (status == C2S_OK) {
        status = fill_inputs(&b, types, &concrete, in);
        c2s_concrete_free(&concrete);
    }
    for (unsigned k = 0; k < count && status != C2S_OK; k++) {
        c2s_tensor_unref(in[k]);
        in[k] = NULL;
    }
    free(types);
    return status;
}
