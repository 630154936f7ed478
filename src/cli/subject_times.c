/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/subject_times.h"

#include <string.h>

#include "runtime/session.h"

/* Turns: at least so many, and more until so long has passed. */
enum { LEAST_TURNS = 7, MOST_TURNS = 201, PROFILED_TURNS = 5 };
#define SECONDS 1.0

typedef struct runs {
    cli_subject *const *subjects;
    unsigned count;
    const c2s_tensor ***in; /* by subject; borrowed */
    c2s_tensor ***out;
} runs;

static c2s_status run_once(const runs *r, unsigned k, bool keep) {
    cli_subject *s = r->subjects[k];
    const double start = c2s_clock(), worked = c2s_processor_clock();
    C2S_TRY(cli_model_run(&s->model, r->in[k], r->out[k]));
    const double took = c2s_clock() - start, work = c2s_processor_clock() - worked;
    cli_release(r->out[k], c2s_graph_output_count(s->model.model->graph));
    if (keep) {
        c2s_vec_push(&s->times, took);
        c2s_vec_push(&s->processor, work);
    }
    return C2S_OK;
}

/* The order within a turn alternates. */
static c2s_status take_turn(const runs *r, int turn, bool keep) {
    for (unsigned k = 0; k < r->count; k++)
        C2S_TRY(run_once(r, turn % 2 ? r->count - 1 - k : k, keep));
    return C2S_OK;
}

static c2s_status take_turns(const runs *r) {
    C2S_TRY(take_turn(r, 0, false)); /* which plans and packs */
    const double start = c2s_clock();
    for (int turn = 0; turn < MOST_TURNS; turn++) {
        if (turn >= LEAST_TURNS && c2s_clock() - start > SECONDS)
            break;
        C2S_TRY(take_turn(r, turn, true));
    }
    for (unsigned k = 0; k < r->count; k++)
        c2s_onednn_profile(r->subjects[k]->model.session, true);
    for (int turn = 0; turn < PROFILED_TURNS; turn++)
        C2S_TRY(take_turn(r, turn, false));
    for (unsigned k = 0; k < r->count; k++)
        cli_subject_profile(r->subjects[k], r->in[k]);
    return C2S_OK;
}

/* A subject's inputs by name, out of the first's. */
static void give_inputs(const runs *r, unsigned k, c2s_tensor *const *in) {
    const c2s_graph *first = r->subjects[0]->model.model->graph;
    const c2s_graph *graph = r->subjects[k]->model.model->graph;
    for (unsigned i = 0; i < c2s_graph_input_count(graph); i++)
        for (unsigned j = 0; j < c2s_graph_input_count(first); j++)
            if (strcmp(c2s_graph_input(first, j)->name, c2s_graph_input(graph, i)->name) == 0)
                r->in[k][i] = in[j];
}

static c2s_status run_all(const runs *r, cli_inputs *inputs, c2s_tensor **in) {
    const cli_model *first = &r->subjects[0]->model;
    C2S_TRY(cli_run_sample(first, inputs, 0, in, r->out[0]));
    cli_release(r->out[0], c2s_graph_output_count(first->model->graph));
    for (unsigned k = 0; k < r->count; k++)
        give_inputs(r, k, in);
    return take_turns(r);
}

c2s_status cli_subjects_time(cli_subject *const *subjects, unsigned count,
                             const cli_arguments *arguments) {
    const c2s_graph *first = subjects[0]->model.model->graph;
    const unsigned input_count = c2s_graph_input_count(first);
    c2s_arena *arena = c2s_arena_create();
    runs r = {.subjects = subjects, .count = count};
    r.in = c2s_arena_array(arena, count, sizeof *r.in);
    r.out = c2s_arena_array(arena, count, sizeof *r.out);
    for (unsigned k = 0; k < count; k++) {
        const c2s_graph *graph = subjects[k]->model.model->graph;
        r.in[k] = c2s_arena_array(arena, c2s_graph_input_count(graph), sizeof **r.in);
        r.out[k] = c2s_arena_array(arena, c2s_graph_output_count(graph), sizeof **r.out);
    }
    c2s_tensor **in = c2s_arena_array(arena, input_count, sizeof *in);
    cli_inputs inputs;
    c2s_status status = cli_inputs_open(first, arguments, 1, &inputs);
    if (status == C2S_OK && inputs.count > 0)
        status = run_all(&r, &inputs, in);
    cli_release(in, input_count);
    cli_inputs_close(&inputs);
    c2s_arena_destroy(arena);
    return status;
}
