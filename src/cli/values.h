/* SPDX-License-Identifier: Apache-2.0
 *
 * Values of a model and what inference says of them, as text and as JSON.
 */
#ifndef C2S_CLI_VALUES_H
#define C2S_CLI_VALUES_H

#include "cli/json.h"
#include "ir/graph.h"

/* {"name", "type"}; of tensors also "element" and "shape" (null: the rank is not known), of
 * containers "of": the same, without a name, for what they hold. */
json_t *cli_value_json(const c2s_model *model, const char *name, const c2s_type *type);

/* Every value that some node makes, bodies included, outer graphs before their bodies. The model is
 * normalised, its types are inferred. */
void cli_values_print(const c2s_model *model, FILE *stream);
/* An array of value_json objects with "operator" (null: an input), "body" (where the value is: for
 * each body from the outside in the first output of the owner and the attribute) and, of shape
 * tensors, "contents". */
json_t *cli_values_json(const c2s_model *model);

#endif
