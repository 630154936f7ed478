/* SPDX-License-Identifier: Apache-2.0 */
#include "base/map.h"
#include "passes/quant/insert_parts.h"
#include "passes/quant/saturation.h"

static const c2s_placed_value *placed(const c2s_inserter *i, const c2s_value *value) {
    return &i->p->values[value->id];
}

/* What the other operand's codes come to; *room is to be freed. */
static const c2s_code_limits *find_limits(const c2s_inserter *i, const c2s_pair_order *order,
                                          const c2s_value *x, uint8_t **room,
                                          c2s_code_limits *limits) {
    const size_t count = c2s_pair_channels(order);
    const c2s_value_stats *stats = i->o->ranges ? c2s_ranges_find(i->o->ranges, x) : NULL;
    int64_t zero = 0;
    if (!stats || x->id >= i->value_count || !i->coded[x->id].scale)
        return NULL;
    c2s_tensor_i64_at(i->coded[x->id].zero_value->constant, 0, &zero);
    *room = c2s_alloc_array(count, 2);
    *limits = (c2s_code_limits){*room, *room + count};
    return c2s_pair_limits(order, &stats->channels,
                           (double)c2s_insert_scale_at(&i->coded[x->id], 0), zero,
                           i->coded[x->id].zero_value->type.dtype, *room, *room + count)
               ? limits
               : NULL;
}

/* For each reader; what has been clipped for one stays so for the others. */
static c2s_status make_portable(c2s_inserter *i, const c2s_value *value, const c2s_coding *coding,
                                const float *weights, float *codes, c2s_affine *affines) {
    const c2s_type *type = &value->constant->type;
    c2s_value_each_use(use, value) {
        c2s_pair_order order;
        c2s_code_limits limits;
        c2s_saturation_result result;
        uint8_t *room = NULL;
        if (use->slot != 1 || !i->p->nodes[use->user->id].integer ||
            !c2s_pair_order_of(use->user, type, &order) ||
            c2s_dtype_bits(placed(i, use->user->inputs[0].value)->dtype) > 8)
            continue;
        const c2s_status status = c2s_saturation_mend(
            &order, find_limits(i, &order, use->user->inputs[0].value, &room, &limits), type,
            coding, weights, codes, affines, &result);
        free(room);
        C2S_TRY(status);
        i->result->clipped += (unsigned)result.clipped;
        i->result->rescaled += (unsigned)result.rescaled;
        if (result.pairs)
            weights = NULL;
    }
    return C2S_OK;
}

static c2s_status round_anew(c2s_inserter *i, const c2s_value *value, const c2s_coding *coding,
                             const float *weights, float *codes, c2s_affine *affines) {
    double error;
    C2S_TRY(c2s_codes_round(&value->constant->type, weights, coding, affines, codes, &error));
    return i->o->portable && coding->dtype == C2S_INT8
               ? make_portable(i, value, coding, weights, codes, affines)
               : C2S_OK;
}

/* ---- what was found before ---- */

/* The reader's other operand has a scale by now. */
static const c2s_coded *partner_of(const c2s_inserter *i, const c2s_use *use) {
    const c2s_value *x = use->slot == 1 ? use->user->inputs[0].value : NULL;
    return x && x->id < i->value_count && i->p->nodes[use->user->id].integer ? &i->coded[x->id]
                                                                             : NULL;
}

/* Scales before anything is mended, and those of all that it is multiplied with. */
static uint64_t key_of(const c2s_inserter *i, const c2s_value *value, const c2s_coding *coding,
                       const c2s_affine *affines, size_t groups) {
    uint64_t key = c2s_hash_bytes(affines, groups * sizeof *affines,
                                  (uint64_t)coding->dtype * 2 + i->o->portable);
    c2s_value_each_use(use, value) {
        const c2s_coded *x = partner_of(i, use);
        int64_t zero = 0;
        if (!x || !x->scale)
            continue;
        const float scale = c2s_insert_scale_at(x, 0);
        c2s_tensor_i64_at(x->zero_value->constant, 0, &zero);
        key = c2s_hash_bytes(&scale, sizeof scale, c2s_hash_mix(key, (uint64_t)zero));
    }
    return key ? key : 1;
}

static void keep_limits(const c2s_inserter *i, const c2s_value *value, c2s_rounded_weight *w) {
    c2s_pair_order order;
    c2s_code_limits limits;
    uint8_t *room = NULL;
    const c2s_use *use = value->uses;
    const c2s_coded *x = value->use_count == 1 ? partner_of(i, use) : NULL;
    if (!x || !x->scale)
        return;
    w->x_scale = (double)c2s_insert_scale_at(x, 0);
    w->bounded = i->o->portable && w->coding.dtype == C2S_INT8 &&
                 c2s_dtype_bits(x->zero_value->type.dtype) == 8 &&
                 c2s_pair_order_of(use->user, &value->constant->type, &order);
    if (w->bounded && find_limits(i, &order, use->user->inputs[0].value, &room, &limits)) {
        w->limits = room;
        w->channels = c2s_pair_channels(&order);
    } else {
        free(room);
    }
}

static c2s_status round_weight(c2s_inserter *i, const c2s_value *value, const c2s_coding *coding,
                               const c2s_code_map *map, const float *weights, float *codes,
                               c2s_affine *affines) {
    c2s_rounded_weight *known = i->o->rounded ? &i->o->rounded[value->id] : NULL;
    const c2s_insert_result before = *i->result;
    C2S_TRY(c2s_affines_choose(&value->constant->type, weights, coding, affines));
    c2s_insert_make_room(i, value, affines, map->groups);
    const uint64_t key = key_of(i, value, coding, affines, map->groups);
    if (known && c2s_rounded_weight_take(known, key, codes, affines)) {
        i->result->clipped += known->clipped;
        i->result->rescaled += known->rescaled;
        return C2S_OK;
    }
    C2S_TRY(round_anew(i, value, coding, weights, codes, affines));
    if (known) {
        c2s_rounded_weight_keep(known, key, coding, map->count, map->groups, codes, affines);
        known->clipped = i->result->clipped - before.clipped;
        known->rescaled = i->result->rescaled - before.rescaled;
        keep_limits(i, value, known);
    }
    return C2S_OK;
}

static c2s_status round_activation(c2s_inserter *i, const c2s_value *value,
                                   const c2s_coding *coding, float *numbers, c2s_affine *affine) {
    double error;
    int64_t zero = 0;
    c2s_tensor_i64_at(i->coded[value->id].zero_value->constant, 0, &zero);
    *affine = (c2s_affine){c2s_insert_scale_at(&i->coded[value->id], 0), (float)zero};
    return c2s_codes_round(&value->constant->type, numbers, coding, affine, numbers, &error);
}

static c2s_status encode(c2s_inserter *i, const c2s_value *value, const c2s_coding *coding,
                         const c2s_code_map *map, float *numbers, c2s_affine *affines,
                         c2s_codes *out) {
    const c2s_type *type = &value->constant->type;
    if (placed(i, value)->role != C2S_ROLE_WEIGHT) {
        C2S_TRY(round_activation(i, value, coding, numbers, affines));
        return c2s_codes_pack(type, coding, numbers, affines, out);
    }
    float *codes;
    C2S_TRY(c2s_scratch(map->count, sizeof *codes, &codes));
    c2s_status status = round_weight(i, value, coding, map, numbers, codes, affines);
    if (status == C2S_OK)
        status = c2s_codes_pack(type, coding, codes, affines, out);
    free(codes);
    return status;
}

static c2s_coding coding_of(const c2s_inserter *i, const c2s_value *value) {
    const c2s_placed_value *v = placed(i, value);
    const bool weight = v->role == C2S_ROLE_WEIGHT;
    return (c2s_coding){.dtype = v->dtype,
                        .axis = weight ? v->axis : -1,
                        .symmetric = weight && i->p->target->symmetric_weights,
                        .narrow = weight && i->p->target->narrow,
                        .explicit_zero = true,
                        .method = i->o->method};
}

static c2s_status code_constant(c2s_inserter *i, const c2s_value *value, c2s_codes *out) {
    const c2s_coding coding = coding_of(i, value);
    c2s_code_map map;
    c2s_affine *affines = NULL;
    float *numbers;
    C2S_TRY(c2s_code_map_of(&value->constant->type, &coding, &map));
    C2S_TRY(c2s_weights_load(value->constant, &numbers));
    c2s_status status = c2s_scratch(map.groups, sizeof *affines, &affines);
    if (status == C2S_OK)
        status = encode(i, value, &coding, &map, numbers, affines, out);
    free(affines);
    free(numbers);
    if (status != C2S_OK)
        c2s_note("constant \"%s\"", value->name);
    return status;
}

/* Its codes are there once, in front of the first node that reads them. */
static c2s_status place_constant(c2s_inserter *i, c2s_node *before, c2s_value *value) {
    c2s_coded *coded = &i->coded[value->id];
    c2s_codes codes;
    if (coded->floats)
        return C2S_OK;
    C2S_TRY(code_constant(i, value, &codes));
    if (i->o->means && placed(i, value)->role == C2S_ROLE_WEIGHT) {
        const c2s_coding coding = coding_of(i, value);
        C2S_TRY(c2s_insert_make_up(i, value, &coding, &codes));
    }
    c2s_value *stored = c2s_insert_constant(i, value, "quantized", c2s_tensor_ref(codes.codes));
    if (placed(i, value)->role == C2S_ROLE_WEIGHT) {
        coded->scale_value = c2s_insert_constant(i, value, "scale", c2s_tensor_ref(codes.scale));
        coded->zero_value = c2s_insert_constant(i, value, "zero_point", c2s_tensor_ref(codes.zero));
        coded->scale = coded->scale_value->constant;
    }
    c2s_codes_free(&codes);
    i->result->weights++;
    const int axis = placed(i, value)->role == C2S_ROLE_WEIGHT ? placed(i, value)->axis : -1;
    return c2s_insert_node(i, before, "DequantizeLinear", stored, coded, axis, value, "dequantized",
                           &coded->floats);
}

static c2s_status code_operands(c2s_inserter *i, c2s_node *node) {
    for (unsigned k = 0; k < node->formal_count; k++) {
        c2s_value *value = node->inputs[k].value;
        if (!value || value->id >= i->value_count || placed(i, value)->role < C2S_ROLE_CONSTANT ||
            !c2s_placement_is_operand(i->p, node, k))
            continue;
        C2S_TRY(place_constant(i, node, value));
        c2s_use_set(&node->inputs[k], i->coded[value->id].floats);
    }
    return C2S_OK;
}

c2s_status c2s_insert_weights(c2s_inserter *i) {
    C2S_VEC(c2s_node *) nodes = {0};
    c2s_status status = c2s_insert_correct_biases(i);
    for (c2s_node *node = i->graph->first; node; node = node->next)
        if (i->p->nodes[node->id].integer)
            c2s_vec_push(&nodes, node);
    for (size_t k = 0; k < nodes.count && status == C2S_OK; k++) {
        c2s_addends a;
        const bool adds = c2s_insert_find_addends(i, nodes.at[k], &a);
        status = code_operands(i, nodes.at[k]);
        if (status == C2S_OK && adds)
            status = c2s_insert_bias(i, &a);
    }
    c2s_vec_free(&nodes);
    return status;
}
