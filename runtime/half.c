/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/half.h"

#include <stdlib.h>

#include "ir/convert.h"
#include "runtime/layout.h"
#include "runtime/range.h"

/* Elements that are converted at once, and below which one thread is faster. */
enum { CHUNK = 4096, PARALLEL_ELEMENTS = 65536 };

static bool is_half_dtype(c2s_dtype dtype) {
    return dtype == C2S_FLOAT16 || dtype == C2S_BFLOAT16;
}

static bool is_half(const c2s_slot *slot) {
    return slot && c2s_type_is_tensor(&slot->type) && is_half_dtype(slot->type.dtype);
}

/* ---- conversion ---- */

static void convert(c2s_dtype from, const void *in, c2s_dtype to, void *out, size_t count) {
#pragma omp parallel for if (count >= PARALLEL_ELEMENTS)
    for (size_t start = 0; start < count; start += CHUNK) {
        size_t length = count - start < CHUNK ? count - start : CHUNK;
        if (to == C2S_FLOAT)
            c2s_load_f32(from, in, start, length, (float *)out + start);
        else
            c2s_store_f32(to, out, start, length, (const float *)in + start);
    }
}

static c2s_status convert_run(c2s_step *step) {
    const c2s_tensor *in = step->in[0]->tensor;
    c2s_tensor *out = step->out[0]->tensor;
    if (in->count)
        convert(in->type.dtype, c2s_tensor_data(in), out->type.dtype, c2s_tensor_mutable(out),
                in->count);
    return C2S_OK;
}

const c2s_kernel_family c2s_kernels_convert = {.name = "convert", .run = convert_run};

c2s_status c2s_half_cast(const c2s_tensor *in, c2s_dtype to, c2s_tensor **out) {
    C2S_TRY(c2s_tensor_create(to, in->type.rank, in->type.dim, out));
    if (in->count)
        convert(in->type.dtype, c2s_tensor_data(in), to, c2s_tensor_mutable(*out), in->count);
    return C2S_OK;
}

/* ---- Cast to a half: rounds, but stays float ---- */

void c2s_half_round(c2s_dtype dtype, const float *in, float *out, size_t count) {
#pragma omp parallel for if (count >= PARALLEL_ELEMENTS)
    for (size_t start = 0; start < count; start += CHUNK) {
        uint16_t codes[CHUNK];
        size_t length = count - start < CHUNK ? count - start : CHUNK;
        c2s_store_f32(dtype, codes, 0, length, in + start);
        c2s_load_f32(dtype, codes, 0, length, out + start);
    }
}

static bool round_accepts(const c2s_step *step) {
    if (!c2s_step_wants(step, 0) || c2s_step_type(step, 0)->dtype != C2S_FLOAT)
        return false;
    const c2s_slot *from = step->in[0]->base->narrow, *to = step->out[0]->base->narrow;
    return to && !(from && from->type.dtype == to->type.dtype);
}

static c2s_status round_run(c2s_step *step) {
    const c2s_tensor *in = step->in[0]->tensor;
    c2s_tensor *out = step->out[0]->tensor;
    if (in->count)
        c2s_half_round(step->out[0]->base->narrow->type.dtype, c2s_tensor_data(in),
                       c2s_tensor_mutable(out), in->count);
    return C2S_OK;
}

extern const c2s_kernel_family c2s_kernels_round;
const c2s_kernel_family c2s_kernels_round = {
    .name = "round", .accepts = round_accepts, .run = round_run};

/* ---- constants ---- */

typedef struct widened {
    c2s_tensor *source, *floats; /* references */
    struct widened *next;
} widened;

static c2s_status float_of(c2s_plan_context *context, const c2s_tensor *source, c2s_tensor **out) {
    widened *found = c2s_map_get(&context->widened, source);
    if (!found) {
        c2s_tensor *floats;
        c2s_tensor *once;
        C2S_TRY(c2s_tensor_once(source, &once));
        c2s_status status = c2s_half_cast(once, C2S_FLOAT, &floats);
        c2s_tensor_unref(once);
        C2S_TRY(status);
        found = c2s_zalloc(sizeof *found);
        *found = (widened){c2s_tensor_ref(source), floats, NULL};
        c2s_map_put(&context->widened, source, found);
    }
    *out = c2s_tensor_ref(found->floats);
    return C2S_OK;
}

static void forget(c2s_plan_context *context, bool all) {
    c2s_map *map = &context->widened;
    for (size_t i = 0; i < map->capacity; i++) {
        widened *one = map->slots[i].used ? map->slots[i].value : NULL;
        if (!one || (!all && atomic_load(&one->source->refs) > 1))
            continue;
        map->slots[i].value = NULL;
        c2s_tensor_unref(one->source);
        c2s_tensor_unref(one->floats);
        free(one);
    }
}

void c2s_half_forget(c2s_plan_context *context) {
    forget(context, false);
}

void c2s_half_free(c2s_plan_context *context) {
    forget(context, true);
    c2s_map_free(&context->widened);
}

/* ---- slots ---- */

/* The float base of a half one, made at the first call. */
static c2s_slot *wide_of(c2s_plan *plan, c2s_slot *slot) {
    if (slot->wide)
        return slot->wide;
    c2s_slot *wide = c2s_arena_alloc(plan->arena, sizeof *wide);
    *wide = (c2s_slot){.value = slot->value,
                       .type = slot->type,
                       .narrow = slot,
                       .kept = slot->observed,
                       .most = C2S_RANGE_UNKNOWN,
                       .next_form = slot->next_form};
    wide->type.dtype = C2S_FLOAT;
    wide->base = wide->store = wide;
    slot->next_form = wide;
    return slot->wide = wide;
}

static c2s_status widen_constant(c2s_plan *plan, c2s_slot *wide) {
    c2s_tensor *floats;
    if (wide->constant || !wide->narrow->constant)
        return C2S_OK;
    C2S_TRY(float_of(plan->context, wide->narrow->constant, &floats));
    wide->constant = floats;
    wide->tensor = c2s_tensor_ref(floats);
    wide->ready = true;
    wide->made = wide;
    return C2S_OK;
}

c2s_slot *c2s_half_output(c2s_plan *plan, const c2s_step *step, unsigned k) {
    c2s_slot *slot = c2s_plan_slot(plan, step->node->outputs[k]);
    return step->widened && slot->wide ? slot->wide : slot;
}

/* ---- which steps ---- */

static bool concerns(const c2s_step *step) {
    bool some = false;
    if (step->late || step->folded || step->node->op->flags & C2S_OP_HAS_BODY ||
        c2s_node_is_random(step->node))
        return false;
    for (unsigned k = 0; k < step->node->formal_count; k++)
        some = some || is_half(step->in[k]);
    for (unsigned k = 0; k < step->out_count; k++)
        some = some || is_half(step->out[k]);
    return some;
}

/* What jumps where its input passes a threshold gets inputs as eval would see them. */
static bool jumps(const c2s_step *step) {
    static const char *const ops[] = {"Ceil",  "Floor",  "GridSample", "Hardmax",        "Mod",
                                      "Round", "Shrink", "Sign",       "ThresholdedRelu"};
    for (size_t i = 0; i < sizeof ops / sizeof *ops; i++)
        if (c2s_node_is(step->node, ops[i]))
            return true;
    for (unsigned k = 0; k < step->out_count; k++)
        if (step->out[k] && !is_half(step->out[k]) && step->out[k]->type.dtype != C2S_FLOAT)
            return true;
    return false;
}

/* True if some input was made in float. */
static bool has_wide_input(const c2s_step *step) {
    for (unsigned k = 0; k < step->node->formal_count; k++)
        if (step->in[k] && step->in[k]->wide && step->in[k]->wide->maker)
            return true;
    return false;
}

static c2s_status swap_in(c2s_plan *plan, c2s_step *step) {
    for (unsigned k = 0; k < step->node->formal_count; k++)
        if (is_half(step->in[k])) {
            step->in[k] = wide_of(plan, step->in[k]);
            C2S_TRY(widen_constant(plan, step->in[k]));
        }
    for (unsigned k = 0; k < step->out_count; k++)
        if (is_half(step->out[k]))
            step->out[k] = wide_of(plan, step->out[k]);
    return C2S_OK;
}

static void swap_back(c2s_step *step) {
    for (unsigned k = 0; k < step->node->formal_count; k++)
        if (step->in[k] && step->in[k]->narrow)
            step->in[k] = step->in[k]->narrow;
    for (unsigned k = 0; k < step->out_count; k++)
        if (step->out[k] && step->out[k]->narrow)
            step->out[k] = step->out[k]->narrow;
}

/* True if of float inputs come the same outputs in float. */
static bool eval_can(c2s_plan *plan, c2s_step *step) {
    bool same = c2s_step_infer(plan, step, false);
    for (unsigned k = 0; k < step->out_count; k++) {
        c2s_slot *slot = step->out[k];
        if (!slot)
            continue;
        c2s_type want = slot->narrow ? slot->narrow->type : slot->type;
        want.dtype = C2S_FLOAT;
        same = same && c2s_type_equal(&slot->type, &want);
        slot->type = want;
    }
    return same;
}

/* Data is moved in the type that it has; eval computes where that saves a conversion. */
static bool can_widen(c2s_plan *plan, c2s_step *step, bool from_wide) {
    bool moves = step->node->op->flags & C2S_OP_MOVES_DATA;
    if (moves && !from_wide)
        return false;
    size_t row = 0;
    if (c2s_kernel_next(step, &row))
        return true;
    return from_wide && (step->evals_wide = eval_can(plan, step));
}

static void try_to_widen(c2s_plan *plan, c2s_step *step) {
    bool from_wide = has_wide_input(step);
    if (!concerns(step) || jumps(step) || (!from_wide && !c2s_kernel_serves(step->node)))
        return;
    if (swap_in(plan, step) != C2S_OK)
        c2s_error_clear();
    else
        step->widened = can_widen(plan, step, from_wide);
    if (!step->widened) {
        swap_back(step);
        return;
    }
    for (unsigned k = 0; k < step->out_count; k++)
        if (step->out[k] && step->out[k]->narrow)
            step->out[k]->maker = step;
}

void c2s_plan_halves(c2s_plan *plan) {
    for (unsigned i = 0; i < plan->step_count; i++)
        try_to_widen(plan, &plan->steps[i]);
}

void c2s_half_finish(c2s_step *step, c2s_slot *base) {
    c2s_slot *other = NULL;
    if (base->narrow &&
        (base->narrow->kept || base->narrow->observed || base->narrow->reader_count > 0))
        other = base->narrow;
    else if (base->wide && base->wide->reader_count > base->reader_count)
        other = base->wide;
    if (!other || other->ready)
        return;
    c2s_slot *in[1] = {base};
    c2s_step reader = *step;
    reader.in = in;
    reader.in_count = 1;
    c2s_status status = c2s_step_take(&reader, 0, NULL);
    if (status == C2S_OK)
        status = c2s_layout_make(step, base, other);
    if (status != C2S_OK)
        c2s_error_clear(); /* the run reports that the value is not there */
}
