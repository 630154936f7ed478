/* SPDX-License-Identifier: Apache-2.0 */
#include "batch_reshapes.h"

#include <string.h>

#include "base/map.h"
#include "io/normalise.h"
#include "ops/op.h"

typedef struct opener {
    c2s_model *model, *inferred; /* the latter: a copy whose types are known */
    c2s_map types;               /* name in `inferred` -> value there */
    c2s_map opened;              /* shape -> the same that begins with 0 */
    int64_t batch;
} opener;

static bool has_batch(const opener *o, const c2s_value *data) {
    const char *name = data->constant ? NULL : c2s_name_find(o->inferred->names, data->name);
    const c2s_value *value = name ? c2s_map_get(&o->types, name) : NULL;
    return value && c2s_type_is_tensor(&value->type) && value->type.rank > 0 &&
           value->type.dim[0] == o->batch;
}

/* The content of a shape, which the caller may override, NULL: none is known. */
static const c2s_tensor *content_of(const c2s_value *shape) {
    return shape->constant ? shape->constant : shape->initial;
}

/* Can its shape begin with 0, and does that say the same? */
static bool is_fixed(const opener *o, const c2s_node *node) {
    int64_t first;
    if (strcmp(node->type, "Reshape") != 0 || node->domain[0] || node->formal_count != 2 ||
        !node->inputs[0].value || !node->inputs[1].value || c2s_attr_int(node, "allowzero", 0))
        return false;
    const c2s_tensor *shape = content_of(node->inputs[1].value);
    return shape && shape->type.dtype == C2S_INT64 && shape->type.rank == 1 && shape->count > 0 &&
           shape->count <= C2S_MAX_RANK && c2s_tensor_i64_at(shape, 0, &first) &&
           first == o->batch && has_batch(o, node->inputs[0].value);
}

static c2s_value *opened_shape(opener *o, c2s_value *shape) {
    c2s_value *found = c2s_map_get(&o->opened, shape);
    if (found)
        return found;
    const c2s_tensor *content = content_of(shape);
    int64_t extent[C2S_MAX_RANK] = {0}, count = (int64_t)content->count;
    for (int64_t k = 1; k < count; k++)
        if (!c2s_tensor_i64_at(content, (size_t)k, &extent[k]))
            return NULL;
    c2s_tensor *tensor;
    if (c2s_tensor_from_i64(C2S_INT64, 1, &count, extent, &tensor) != C2S_OK)
        return NULL;
    found = c2s_value_constant(o->model->graph, shape->name, tensor);
    c2s_map_put(&o->opened, shape, found);
    return found;
}

unsigned c2s_batch_reshapes_open(c2s_model *model, int64_t batch, const c2s_node **first) {
    opener o = {.model = model, .batch = batch};
    unsigned changed = 0;
    *first = NULL;
    if (c2s_model_infer_copy(model, &o.inferred) != C2S_OK) {
        c2s_error_clear();
        return 0;
    }
    for (size_t i = 0; i < o.inferred->values.count; i++)
        if (o.inferred->values.at[i] && o.inferred->values.at[i]->graph == o.inferred->graph)
            c2s_map_put(&o.types, o.inferred->values.at[i]->name, o.inferred->values.at[i]);
    for (c2s_node *node = model->graph->first; node; node = node->next) {
        c2s_value *shape = is_fixed(&o, node) ? opened_shape(&o, node->inputs[1].value) : NULL;
        if (!shape)
            continue;
        c2s_use_set(&node->inputs[1], shape);
        if (changed++ == 0)
            *first = node;
    }
    c2s_map_free(&o.types);
    c2s_map_free(&o.opened);
    c2s_model_destroy(o.inferred);
    return changed;
}
