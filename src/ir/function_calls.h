/* SPDX-License-Identifier: Apache-2.0
 *
 * How model-local functions call each other.
 */
#ifndef C2S_IR_FUNCTION_CALLS_H
#define C2S_IR_FUNCTION_CALLS_H

#include "ir/graph.h"

/* Fails with C2S_ERR_INVALID if two have the same domain, name and overload, or call each other in
 * a circle, and with C2S_ERR_UNSUPPORTED if chains of calls are very long. Linear in the nodes. */
c2s_status c2s_functions_check(const c2s_model *model);

#endif
