/* SPDX-License-Identifier: Apache-2.0
 *
 * Names for what is made out of a value: the value's name, "_" and a suffix, fresh in the model.
 */
#ifndef C2S_IR_NAME_AFTER_H
#define C2S_IR_NAME_AFTER_H

#include "ir/graph.h"

void c2s_value_name_after(c2s_value *value, const c2s_value *owner, const char *suffix);
/* A new initializer of `graph` with such a name. Takes one reference of `tensor`. */
c2s_value *c2s_constant_after(c2s_graph *graph, const c2s_value *owner, const char *suffix,
                              c2s_tensor *tensor);

#endif
