/* SPDX-License-Identifier: Apache-2.0
 *
 * What two models compute on the way, value by value: where do they part?
 */
#ifndef C2S_CLI_LAYERS_H
#define C2S_CLI_LAYERS_H

#include "cli/execution.h"
#include "eval/tensor_distance.h"
#include "eval/value_match.h"

typedef struct cli_layer {
    c2s_value_pair pair;
    c2s_distance distance;
    double noise;     /* noise over signal; NaN: not measured */
    double added;     /* of that what the values that it is computed from do not have already */
    bool other_trips; /* in a body that one of the models runs more often */
} cli_layer;

/* What a model computed in the sample that runs: several times in a loop. */
typedef struct cli_held {
    C2S_VEC(c2s_tensor *) values;
    size_t compared; /* of these */
} cli_held;

typedef struct cli_layers {
    cli_layer *at; /* in the order in which A computes them */
    size_t count, by_structure;
    size_t unmatched;    /* float values of A that have no partner */
    cli_held *held;      /* by place: what A computed */
    size_t *of_a, *of_b; /* by value id: place in `at` + 1; 0: none */
    bool *observe_a, *observe_b;
    bool paused; /* what runs now is not compared */
} cli_layers;

/* Matches the values of two models that are read, and starts both. */
c2s_status cli_layers_start(cli_model *a, const cli_arguments *for_a, cli_model *b,
                            const cli_arguments *for_b, cli_layers *out);
void cli_layers_free(
    cli_layers *layers); /* zeroed is allowed; the models are closed before or after */
/* Between samples: nothing of the last one is held any more. */
void cli_layers_forget(cli_layers *layers);
/* When all samples have run: fills in noise and added. */
void cli_layers_weigh(cli_layers *layers, const c2s_graph *a);
/* The first that is off by more than the tolerance (0: by type), or has another shape; NULL: none.
 */
const cli_layer *cli_layers_first(const cli_layers *layers, double tolerance);
/* Something other than numbers differs: in words, else NULL. */
const char *cli_layer_mismatch(const cli_layer *layer);
/* The operator, and the bodies that it is in: "Mul in body of Loop \"l\"". */
void cli_layer_operator(const cli_layer *layer, char *text, size_t size);
/* All of them, what adds most first; to be freed. */
const cli_layer **cli_layers_by_damage(const cli_layers *layers);

#endif
