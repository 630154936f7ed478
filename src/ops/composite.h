/* SPDX-License-Identifier: Apache-2.0
 *
 * Operators that are written down as what other operators compute. Such an operator is one
 * function that builds its definition node by node; the same function serves inference (every
 * built node has its types inferred) and evaluation (every built node is computed at once).
 *
 *     static void quick_gelu(c2s_composite *c) {
 *         c2s_value *x = c2s_composite_in(c, 0), *scaled = ...;
 *         c2s_composite_out(c, 0, C2S_APPLY(c, "Mul", x, C2S_APPLY(c, "Sigmoid", scaled)));
 *     }
 *     const c2s_op c2s_op_ms_quick_gelu = {..., C2S_DEFINED_BY(quick_gelu)};
 *
 * Once something has failed, further calls do nothing and give NULL, and NULL operands where one is
 * required fail; so the function need not check.
 */
#ifndef C2S_OPS_COMPOSITE_H
#define C2S_OPS_COMPOSITE_H

#include "ops/op.h"

typedef struct c2s_composite c2s_composite;

/* The node that is written down: its attributes decide the definition. */
const c2s_node *c2s_composite_node(const c2s_composite *c);
/* An input; NULL if it is left out. `type` tells what is known of it. */
c2s_value *c2s_composite_in(const c2s_composite *c, unsigned input);
/* The rank of a value, -1 if it is not known (during inference only) or `value` is NULL. */
int c2s_composite_rank(const c2s_value *value);
/* True if a definition that depends on the rank of `value` can be built. */
bool c2s_composite_known(const c2s_value *value);
/* The given value becomes output `output`, if the node has it. */
void c2s_composite_out(c2s_composite *c, unsigned output, c2s_value *value);
bool c2s_composite_wants(const c2s_composite *c, unsigned output);

/* A node of ai.onnx; `in` may hold NULL for inputs left out. Set attributes, then finish it. NULL
 * once something has failed. */
c2s_node *c2s_composite_start(c2s_composite *c, const char *type, c2s_value *const *in,
                              unsigned in_count, unsigned out_count);
/* Copies the attributes of the written node that the new one's operator knows. */
void c2s_composite_attributes(const c2s_composite *c, c2s_node *node);
/* Infers or computes the node; output 0, or NULL (failed). */
c2s_value *c2s_composite_finish(c2s_composite *c, c2s_node *node);
/* Both at once, for nodes of one output that need no attributes, or copy those of the same names.
 */
c2s_value *c2s_composite_apply(c2s_composite *c, const char *type, c2s_value *const *in,
                               unsigned in_count, bool attributes);
#define C2S_OPERANDS(...)                                                                          \
    (c2s_value *const[]){__VA_ARGS__},                                                             \
        (unsigned)(sizeof((c2s_value *const[]){__VA_ARGS__}) / sizeof(c2s_value *))
#define C2S_APPLY(c, type, ...)      c2s_composite_apply(c, type, C2S_OPERANDS(__VA_ARGS__), false)
#define C2S_APPLY_LIKE(c, type, ...) c2s_composite_apply(c, type, C2S_OPERANDS(__VA_ARGS__), true)
#define C2S_START(c, type, ...)      c2s_composite_start(c, type, C2S_OPERANDS(__VA_ARGS__), 1)

/* Constants: a scalar of the given type (UNDEFINED, which only inference sees, gives float), and a
 * vector of int64. */
c2s_value *c2s_composite_scalar(c2s_composite *c, c2s_dtype dtype, double value);
c2s_value *c2s_composite_ints(c2s_composite *c, const int64_t *values, size_t count);
/* To another element type; `value` itself if it has it. */
c2s_value *c2s_composite_cast(c2s_composite *c, c2s_value *value, c2s_dtype dtype);
/* Axis k of the result is axis order[k]. */
c2s_value *c2s_composite_transpose(c2s_composite *c, c2s_value *value, const int64_t *order,
                                   int rank);
/* To a shape as Reshape reads it (0: as before, -1: what is left). */
c2s_value *c2s_composite_reshape(c2s_composite *c, c2s_value *value, const int64_t *dim, int rank);
/* Elements begin .. end - 1 of one axis. */
c2s_value *c2s_composite_slice(c2s_composite *c, c2s_value *value, int axis, int64_t begin,
                               int64_t end);

/* Axes of extent 1, numbered as in the result. */
c2s_value *c2s_composite_unsqueeze(c2s_composite *c, c2s_value *value, const int64_t *axes,
                                   size_t count);
/* The extent of one axis, as a vector of one int64. */
c2s_value *c2s_composite_extent(c2s_composite *c, c2s_value *value, int axis);
c2s_value *c2s_composite_concat(c2s_composite *c, c2s_value *const *parts, unsigned count,
                                int axis);

/* The channels go from axis 1 to the last axis, or back. `value` itself below rank 3. */
c2s_value *c2s_composite_move_channels(c2s_composite *c, c2s_value *value, bool to_last);

/* The same bytes read as elements of another type; the shape must be static and have as many bytes.
 * `dim` is known. */
c2s_value *c2s_composite_view(c2s_composite *c, c2s_value *value, c2s_dtype dtype, int rank,
                              const int64_t *dim);

/* The definition cannot be built: `status` and a message that was set with c2s_fail. */
void c2s_composite_fail(c2s_composite *c, c2s_status status);

/* The definition of a node with op->define as a model, for operands of these types (NULL: left out)
 * and contents (NULL: not known): inputs of its graph are those that are not known, in their order;
 * outputs are the node's, without those that are left out. C2S_ERR_UNSUPPORTED if it depends on
 * contents that are not known. */
c2s_status c2s_composite_define(const c2s_node *node, const c2s_type *const *in,
                                const c2s_tensor *const *constant, c2s_model **out);

/* What such an operator has in its struct instead of infer and eval; `function` is its definition.
 */
#define C2S_DEFINED_BY(function)                                                                   \
    .define = function, .infer = c2s_composite_infer, .eval = c2s_composite_eval
c2s_status c2s_composite_infer(c2s_infer *i);
c2s_status c2s_composite_eval(c2s_eval *e);

#endif
