/* SPDX-License-Identifier: Apache-2.0
 *
 * Executing graphs. Passes, folding and the proof see this interface only; the plain evaluator of
 * reference.c and the oneDNN session of runtime/ implement it.
 */
#ifndef C2S_EVAL_EVALUATOR_H
#define C2S_EVAL_EVALUATOR_H

#include "ops/op.h"

/* Called for every value chosen in c2s_eval_options, as soon as it is computed. */
typedef c2s_status (*c2s_observer)(void *user, const c2s_value *value, const c2s_tensor *tensor);

/* Whose arithmetic sums of products of 8 bits have. Only evaluators that compute on integers know
 * any but the first. */
typedef enum c2s_emulation {
    C2S_EMULATE_NOTHING,    /* exact, as with VNNI, on ARM, and here */
    C2S_EMULATE_AVX2,       /* of ONNX Runtime on x86 processors without VNNI, which saturates */
    C2S_EMULATE_AVX2_ONEDNN /* of oneDNN, which OpenVINO uses, on these */
} c2s_emulation;

typedef struct c2s_eval_options {
    unsigned threads;      /* 0: as many as the machine has, which no number exceeds */
    uint64_t memory_limit; /* bytes that a run's tensors may take; 0: the machine's memory */
    c2s_observer observe;  /* NULL: none */
    void *observe_user;
    const bool *observe_value; /* by value id, those of bodies as often as they run; NULL: all
                                  values of the main graph */
    bool simulate_quantized;   /* between DequantizeLinear and QuantizeLinear compute on floats,
                                  also where kernels on integers could */
    c2s_emulation emulate;
} c2s_eval_options;

typedef struct c2s_session c2s_session;

typedef struct c2s_evaluator {
    const char *name; /* "reference", "onednn" */
    /* Prepares to run `graph` (the main graph of its model, which must stay unchanged and alive
     * while the session is open, and be in topological order with types inferred). */
    c2s_status (*open)(const c2s_graph *graph, const c2s_eval_options *options,
                       c2s_session **session);
    /* `in`: one tensor per formal input; NULL for an overridable one takes its initializer.
     * `out`: receives one reference per graph output. Input types are checked against the graph. */
    c2s_status (*run)(c2s_session *session, const c2s_tensor *const *in, c2s_tensor **out);
    void (*close)(c2s_session *session); /* NULL is allowed */
} c2s_evaluator;

/* Every implementation's session starts with this. */
struct c2s_session {
    const c2s_evaluator *evaluator;
};

/* op->eval in graph order. */
extern const c2s_evaluator c2s_evaluator_reference;

/* Checks the inputs of a run against the graph's input types: count, dtype, rank, extents, equal
 * symbols have equal extents. */
c2s_status c2s_eval_check_inputs(const c2s_graph *graph, const c2s_tensor *const *in);

#endif
