/* SPDX-License-Identifier: Apache-2.0
 *
 * The activation functions that recurrent operators name in their attribute `activations`.
 */
#ifndef C2S_OPS_RECURRENT_ACTIVATION_H
#define C2S_OPS_RECURRENT_ACTIVATION_H

#include "ops/recurrent.h"

/* Fills in the functions of all directions: `names` (count of them) or, if NULL, the defaults
 * repeated. alpha and beta are consumed in order by the functions that have them. */
c2s_status c2s_activations_read(const c2s_node *node, const char *const *defaults, int functions,
                                int directions, c2s_activation *out);

#endif
