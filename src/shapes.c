/* SPDX-License-Identifier: Apache-2.0 */
#include "shapes.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "batch_reshapes.h"
#include "io/normalise.h"
#include "ir/graph_list.h"
#include "ops/op.h"

/* ---- names and what they become ---- */

typedef struct replacement {
    const char *name;
    c2s_dim by;
    const char *asked; /* the option that says so, for messages */
} replacement;

typedef struct editor {
    c2s_model *model;
    c2s_shape_change *change;
    C2S_VEC(replacement) names;
    C2S_VEC(c2s_type) before; /* of the inputs */
    int64_t
        batch; /* the first extent of the inputs that has another number now; 0: there is none */
    bool beyond_batch; /* other extents, too, or first ones that were not the same */
} editor;

static const replacement *find_name(const editor *e, const char *name) {
    for (size_t i = 0; i < e->names.count; i++)
        if (strcmp(e->names.at[i].name, name) == 0)
            return &e->names.at[i];
    return NULL;
}

static c2s_status replace_name(editor *e, const char *name, c2s_dim by, const char *asked) {
    const replacement *before = find_name(e, name);
    c2s_dims *dims = e->model->dims;
    if (before && before->by != by)
        return c2s_fail(C2S_ERR_USAGE, "%s: dimension \"%s\" would be %s, by %s it is %s", asked,
                        name, c2s_dim_text(dims, by), before->asked,
                        c2s_dim_text(dims, before->by));
    if (before)
        return C2S_OK;
    name = c2s_arena_strdup(e->change->arena, name);
    c2s_vec_push(&e->names, ((replacement){name, by, c2s_arena_strdup(e->change->arena, asked)}));
    if (c2s_dim_is_known(by))
        c2s_vec_push(&e->change->bound, ((c2s_dim_binding){name, by}));
    return C2S_OK;
}

static c2s_dim value_of(void *user, const char *name, c2s_dim same) {
    const replacement *r = find_name(user, name);
    return r ? r->by : same;
}

/* ---- the interface ---- */

static c2s_value *find_input(const c2s_graph *graph, const char *name) {
    for (unsigned k = 0; k < c2s_graph_input_count(graph); k++) {
        c2s_value *input = c2s_graph_input(graph, k);
        if (!input->initial && strcmp(input->name, name) == 0)
            return input;
    }
    return NULL;
}

/* "a, b, c": what there is instead of what was asked for. */
typedef struct listing {
    char text[256];
    const char *wanted;
    bool found;
} listing;

static bool is_listed(const listing *list, const char *name) {
    const size_t length = strlen(name);
    for (const char *at = list->text; (at = strstr(at, name)) != NULL; at++)
        if ((at == list->text || at[-1] == ' ') && (at[length] == ',' || !at[length]))
            return true;
    return false;
}

static void list_name(listing *list, const char *name) {
    const size_t used = strlen(list->text);
    if (strcmp(name, list->wanted) == 0)
        list->found = true;
    else if (used + strlen(name) + 3 < sizeof list->text && !is_listed(list, name))
        snprintf(list->text + used, sizeof list->text - used, "%s%s", used ? ", " : "", name);
}

static c2s_dim list_symbol(void *user, const char *name, c2s_dim same) {
    if (!c2s_dim_is_fresh(same))
        list_name(user, name);
    return same;
}

static c2s_status no_input(const c2s_graph *graph, const char *asked, const char *name) {
    listing list = {.wanted = name};
    for (unsigned k = 0; k < c2s_graph_input_count(graph); k++)
        if (!c2s_graph_input(graph, k)->initial)
            list_name(&list, c2s_graph_input(graph, k)->name);
    return c2s_fail(C2S_ERR_USAGE, "%s: the model has no input \"%s\"; its inputs: %s", asked, name,
                    list.text);
}

static c2s_status bind_dims(editor *e, const c2s_shape_request *request) {
    const c2s_graph *graph = e->model->graph;
    for (unsigned n = 0; n < request->dim_count; n++) {
        const c2s_dim_binding *dim = &request->dims[n];
        listing list = {.wanted = dim->name};
        char asked[128];
        snprintf(asked, sizeof asked, "--dim %.80s=%lld", dim->name, (long long)dim->value);
        for (unsigned k = 0; k < c2s_graph_input_count(graph); k++) {
            const c2s_type *type = &c2s_graph_input(graph, k)->type;
            for (int i = 0; i < type->rank; i++)
                c2s_dim_substitute(e->model->dims, type->dim[i], list_symbol, &list);
        }
        if (!list.found)
            return c2s_fail(C2S_ERR_USAGE, "%s: no input has a dimension named \"%s\"%s%s", asked,
                            dim->name, list.text[0] ? "; there are " : "", list.text);
        if (dim->value < 0)
            return c2s_fail(C2S_ERR_USAGE, "%s: expected 0 or more", asked);
        C2S_TRY(replace_name(e, dim->name, dim->value, asked));
    }
    return C2S_OK;
}

/* ---- one input ---- */

typedef struct wish {
    bool keep;   /* "?" */
    c2s_dim dim; /* a number or a symbol */
} wish;

static c2s_status parse_wish(c2s_dims *dims, const char *text, wish *out) {
    *out = (wish){.keep = strcmp(text, "?") == 0};
    if (out->keep)
        return C2S_OK;
    if (isdigit((unsigned char)*text)) {
        char *end;
        errno = 0;
        out->dim = strtoll(text, &end, 10);
        if (errno || *end || out->dim >= -C2S_DIM_SYMBOLIC)
            return c2s_fail(C2S_ERR_USAGE, "\"%s\" is no extent", text);
        return C2S_OK;
    }
    bool name = *text != '\0';
    for (const char *at = text; *at; at++)
        name = name && (isalnum((unsigned char)*at) || strchr("_.:/-", *at));
    if (!name || *text == '-')
        return c2s_fail(C2S_ERR_USAGE, "\"%s\" is no extent: expected a number, ? or a name", text);
    out->dim = c2s_dim_symbol(dims, text);
    return C2S_OK;
}

/* "1,3,?,N"; nothing at all is the shape of a scalar. */
static c2s_status parse_shape(c2s_dims *dims, const char *text, wish *wishes, int *rank) {
    char word[128];
    *rank = 0;
    while (*text == ' ')
        text++;
    if (!*text)
        return C2S_OK;
    for (;; text++) {
        size_t length = strcspn(text, ",");
        const char *start = text;
        text += length;
        while (length && *start == ' ')
            start++, length--;
        while (length && start[length - 1] == ' ')
            length--;
        if (length >= sizeof word || *rank == C2S_MAX_RANK)
            return c2s_fail(C2S_ERR_USAGE, "expected at most %d extents such as 1,3,?,N",
                            C2S_MAX_RANK);
        memcpy(word, start, length);
        word[length] = '\0';
        C2S_TRY(parse_wish(dims, word, &wishes[(*rank)++]));
        if (!*text)
            return C2S_OK;
    }
}

static void note_override(editor *e, const c2s_value *input, int axis, c2s_dim from, c2s_dim to) {
    char line[400];
    c2s_dims *dims = e->model->dims;
    snprintf(line, sizeof line, "input \"%.200s\": axis %d was %.60s, is %.60s now", input->name,
             axis, c2s_dim_text(dims, from), c2s_dim_text(dims, to));
    c2s_vec_push(&e->change->notes, c2s_arena_strdup(e->change->arena, line));
    e->change->overridden = true;
    if (axis > 0 || !c2s_dim_is_known(from) || (e->batch && e->batch != from))
        e->beyond_batch = true;
    else
        e->batch = from;
}

/* Fulfils one wish; returns in *out what the extent becomes apart from replaced names. */
static c2s_status change_extent(editor *e, const c2s_value *input, int axis, c2s_dim to,
                                const char *asked, c2s_dim *out) {
    c2s_dims *dims = e->model->dims;
    const c2s_dim from = *out;
    const char *name;
    int64_t solution, one;
    if (from == to)
        return C2S_OK;
    if (!c2s_dim_is_known(from)) {
        if (c2s_dim_is_known(to) && c2s_dim_solve(dims, from, to, &name, &solution))
            return replace_name(e, name, solution, asked);
        /* A lone symbol takes another name; 7 is a stand-in that only a lone symbol solves as 7. */
        if (!c2s_dim_is_known(to) && c2s_dim_solve(dims, from, 7, &name, &solution) &&
            solution == 7 && c2s_dim_solve(dims, from, 8, &name, &one) && one == 8)
            return replace_name(e, name, to, asked);
    } else if (!c2s_dim_is_known(to)) {
        c2s_vec_push(
            &e->change->opened,
            ((c2s_dim_binding){c2s_arena_strdup(e->change->arena, c2s_dim_text(dims, to)), from}));
    }
    note_override(e, input, axis, from, to);
    *out = to;
    return C2S_OK;
}

static c2s_status change_input(editor *e, const c2s_input_shape *shape) {
    char asked[256];
    wish wishes[C2S_MAX_RANK];
    int rank;
    snprintf(asked, sizeof asked, "--shape %.120s=%.120s", shape->input, shape->dims);
    c2s_value *input = find_input(e->model->graph, shape->input);
    if (!input)
        return no_input(e->model->graph, asked, shape->input);
    c2s_type type = input->type;
    c2s_status status = parse_shape(e->model->dims, shape->dims, wishes, &rank);
    if (status == C2S_OK && type.kind != C2S_KIND_TENSOR)
        status = c2s_fail(C2S_ERR_USAGE, "the input is no tensor");
    if (status == C2S_OK && type.rank >= 0 && type.rank != rank)
        status = c2s_fail(C2S_ERR_USAGE, "%d extents, the input has rank %d", rank, type.rank);
    for (int i = 0; status == C2S_OK && type.rank < 0 && i < rank; i++)
        type.dim[i] = c2s_dim_fresh(e->model->dims);
    if (status != C2S_OK) {
        c2s_note("%s", asked);
        return status;
    }
    type.rank = rank;
    for (int i = 0; i < rank; i++)
        if (!wishes[i].keep)
            C2S_TRY(change_extent(e, input, i, wishes[i].dim, asked, &type.dim[i]));
    c2s_value_set_type(input, &type);
    return C2S_OK;
}

/* ---- the batch ---- */

static void swap_input_types(editor *e) {
    for (unsigned k = 0; k < e->before.count; k++) {
        c2s_value *input = c2s_graph_input(e->model->graph, k);
        const c2s_type type = input->type;
        c2s_value_set_type(input, &e->before.at[k]);
        e->before.at[k] = type;
    }
}

/* Where nothing but the number of samples changes, it may do so in Reshapes, too. */
static void open_batch(editor *e) {
    const c2s_node *first;
    if (!e->batch || e->beyond_batch)
        return;
    swap_input_types(e);
    const unsigned count = c2s_batch_reshapes_open(e->model, e->batch, &first);
    swap_input_types(e);
    if (!count)
        return;
    char line[400];
    snprintf(line, sizeof line, "%s%.200s: the shape takes the batch over from the input",
             count > 1 ? "Reshapes, the first of them " : "", c2s_node_text(first));
    c2s_vec_push(&e->change->notes, c2s_arena_strdup(e->change->arena, line));
}

/* ---- all values ---- */

static c2s_status replace_in_type(editor *e, c2s_type *type) {
    for (int i = 0; i < type->rank; i++) {
        c2s_dim *dim = &type->dim[i], before = *dim;
        *dim = c2s_dim_substitute(e->model->dims, before, value_of, e);
        if (c2s_dim_is_known(*dim) && *dim < 0)
            return c2s_fail(C2S_ERR_INVALID, "extent %s of axis %d would be %lld",
                            c2s_dim_text(e->model->dims, before), i, (long long)*dim);
    }
    if (!type->element)
        return C2S_OK;
    c2s_type *element = c2s_arena_alloc(e->model->arena, sizeof *element);
    *element = *type->element;
    type->element = element;
    return replace_in_type(e, element);
}

/* What an override leaves: element type and rank. */
static void forget_extents(c2s_model *model, c2s_type *type) {
    for (int i = 0; i < type->rank; i++)
        type->dim[i] = c2s_dim_fresh(model->dims);
    if (!type->element)
        return;
    c2s_type *element = c2s_arena_alloc(model->arena, sizeof *element);
    *element = *type->element;
    forget_extents(model, element);
    type->element = element;
}

static bool is_input(const c2s_value *value) {
    return value->def == value->graph->entry && !value->graph->owner;
}

/* A capture has the type of what it captures. */
static bool is_capture(const c2s_value *value) {
    return value->def == value->graph->entry && value->def_slot >= value->graph->formal_inputs;
}

static c2s_status change_value(editor *e, c2s_value *value) {
    if (value->constant || value->initial || is_capture(value))
        return C2S_OK;
    c2s_type type = value->type;
    if (e->change->overridden && !is_input(value))
        forget_extents(e->model, &type);
    else
        C2S_TRY(replace_in_type(e, &type));
    value->contents = NULL;
    value->content_count = 0;
    c2s_value_set_type(value, &type);
    return C2S_OK;
}

static c2s_status change_values(editor *e) {
    c2s_graph_list graphs = {0};
    c2s_status status = C2S_OK;
    c2s_graph_list_add(&graphs, e->model->graph);
    for (size_t i = 0; i < graphs.count && status == C2S_OK; i++) {
        const c2s_graph *graph = graphs.at[i];
        for (const c2s_node *node = graph->entry; node && status == C2S_OK;
             node = node == graph->entry ? graph->first : node->next)
            for (unsigned k = 0; k < node->output_count && status == C2S_OK; k++)
                if (node->outputs[k]) {
                    status = change_value(e, node->outputs[k]);
                    if (status != C2S_OK)
                        c2s_note("value \"%s\"", node->outputs[k]->name);
                }
    }
    c2s_vec_free(&graphs);
    return status;
}

c2s_status c2s_shapes_apply(c2s_model *model, const c2s_shape_request *request,
                            c2s_shape_change *change) {
    *change = (c2s_shape_change){.arena = c2s_arena_create()};
    editor e = {.model = model, .change = change};
    for (unsigned k = 0; k < c2s_graph_input_count(model->graph); k++)
        c2s_vec_push(&e.before, c2s_graph_input(model->graph, k)->type);
    c2s_status status = bind_dims(&e, request);
    for (unsigned k = 0; k < request->shape_count && status == C2S_OK; k++)
        status = change_input(&e, &request->shapes[k]);
    if (status == C2S_OK) {
        open_batch(&e);
        status = change_values(&e);
    }
    model->reshaped = true;
    c2s_vec_free(&e.before);
    c2s_vec_free(&e.names);
    return status;
}

void c2s_shape_change_free(c2s_shape_change *change) {
    c2s_vec_free(&change->bound);
    c2s_vec_free(&change->notes);
    c2s_vec_free(&change->opened);
    c2s_arena_destroy(change->arena);
    *change = (c2s_shape_change){0};
}

/* ---- is it possible? ---- */

/* The new names stand for `times` the extents that they replace. */
static c2s_status try_multiple(const c2s_model *model, const c2s_shape_change *change,
                               int64_t times) {
    c2s_model *copy = c2s_model_copy(model), *inferred = NULL;
    c2s_shape_change tried;
    c2s_dim_binding *dims = c2s_alloc_array(change->opened.count, sizeof *dims);
    unsigned count = 0;
    for (size_t i = 0; i < change->opened.count; i++) {
        bool again = false;
        for (unsigned k = 0; k < count; k++)
            again = again || strcmp(dims[k].name, change->opened.at[i].name) == 0;
        int64_t value;
        if (!again && c2s_mul_i64(change->opened.at[i].value, times, &value))
            dims[count++] = (c2s_dim_binding){change->opened.at[i].name, value};
    }
    const c2s_shape_request request = {.dims = dims, .dim_count = count};
    c2s_status status = c2s_shapes_apply(copy, &request, &tried);
    if (status == C2S_OK)
        status = c2s_model_infer_copy(copy, &inferred);
    if (status != C2S_OK && count > 0)
        c2s_note("with %s = %lld", dims[0].name, (long long)dims[0].value);
    c2s_shape_change_free(&tried);
    c2s_model_destroy(inferred);
    c2s_model_destroy(copy);
    free(dims);
    return status;
}

/* A shape that the model has built in contradicts no symbol, but every other number. */
static c2s_status check_opened(const c2s_model *model, const c2s_shape_change *change) {
    c2s_status status = try_multiple(model, change, 2);
    if (status != C2S_ERR_INVALID)
        return status;
    char *first = c2s_strdup(c2s_error());
    if (try_multiple(model, change, 3) == C2S_OK)
        status = C2S_OK;
    c2s_error_clear();
    if (status != C2S_OK)
        status = c2s_fail(status, "%s", first);
    free(first);
    return status;
}

c2s_status c2s_shapes_check(const c2s_model *model, const c2s_shape_change *change,
                            c2s_model **checked) {
    c2s_model *copy;
    c2s_status status = c2s_model_infer_copy(model, &copy);
    if (status == C2S_OK && change->opened.count > 0)
        status = check_opened(model, change);
    if (status != C2S_OK)
        c2s_note("the model is not made for these shapes");
    if (status == C2S_OK && checked)
        *checked = copy;
    else
        c2s_model_destroy(copy);
    return status;
}
